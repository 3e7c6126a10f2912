//! Every byte of a file changed, and every prefix of it: an error, or exactly what the file says. It never
//! panics, and allocates no more than a small multiple of the file.

use fanin_interop::{Result, npz, safetensors, torch};
use fanin_nn::Sequential;

use crate::counting::peak;
use crate::{golden, network, sealed, values};

type Load = fn(&mut Sequential, &[u8]) -> Result<()>;

/// The bytes that a reader may allocate for a file, and the model's values.
fn room(file: usize) -> usize {
    64 * file + (64 << 10)
}

/// The most bytes that were allocated. `check` gets what was loaded in spite of the change.
fn broken_everywhere(file: &[u8], load: Load, check: impl Fn(&[u8], &Sequential)) -> usize {
    let mut model = network();
    let mut worst = 0;
    let mut try_with = |bytes: &[u8]| {
        let (result, bytes_held) = peak(|| load(&mut model, bytes));
        worst = worst.max(bytes_held);
        assert!(bytes_held <= room(file.len()), "{bytes_held} bytes for {}", file.len());
        match result {
            Ok(()) => {
                check(bytes, &model);
                load(&mut model, file).unwrap();
            }
            Err(error) => assert!(error.to_string().len() < 2000, "{error}"),
        }
    };
    for len in 0..file.len() {
        try_with(&file[..len]);
    }
    let mut bytes = file.to_vec();
    for at in 0..file.len() {
        for flip in [1, 16, 128, 255] {
            bytes[at] ^= flip;
            try_with(&bytes);
            bytes[at] ^= flip;
        }
    }
    worst
}

#[test]
fn safetensors_says_what_its_bytes_say() {
    let file = golden("f32.safetensors");
    let head = 8 + u64::from_le_bytes(file[..8].try_into().unwrap()) as usize;
    // Where each tensor lies, as the header of the whole file says.
    let header: serde_json::Value = serde_json::from_slice(&file[8..head]).unwrap();
    let worst = broken_everywhere(&file, safetensors::load_bytes, |bytes, model| {
        for (name, own) in values(model) {
            let start = header[&name]["data_offsets"][0].as_u64().unwrap() as usize + head;
            let raw = bytes[start..].chunks_exact(4).take(own.len());
            let said: Vec<u32> = raw.map(|b| u32::from_le_bytes(b.try_into().unwrap())).collect();
            let own: Vec<u32> = own.iter().map(|x| x.to_bits()).collect();
            assert_eq!(own, said, "{name}");
        }
    });
    eprintln!("safetensors: at most {worst} bytes for {}", file.len());
}

/// A zip file has checksums: what can be read at all is what was written.
fn unchanged(_: &[u8], model: &Sequential) {
    crate::assert_golden(model);
}

#[test]
fn npz_is_whole_or_refused() {
    for name in ["f4.npz", "deflated.npz", "orders.npz"] {
        let file = golden(name);
        let worst = broken_everywhere(&file, npz::load_bytes, unchanged);
        eprintln!("{name}: at most {worst} bytes for {}", file.len());
    }
}

#[test]
fn pt_is_whole_or_refused() {
    let file = golden("state.pt");
    let worst = broken_everywhere(&file, torch::load_bytes, unchanged);
    eprintln!("state.pt: at most {worst} bytes for {}", file.len());
}

/// Readers of any tensors: no panic, and no more memory than the formats can need.
#[test]
fn readers_without_a_model() {
    type Read = fn(&[u8]);
    let cases: [(&str, Read); 3] = [
        ("views.pt", |bytes| drop(torch::read_bytes::<f32>(bytes))),
        ("views5.pt", |bytes| drop(torch::read_bytes::<f64>(bytes))),
        ("deflated.npz", |bytes| drop(npz::read_bytes::<f32>(bytes))),
    ];
    for (name, read) in cases {
        let file = golden(name);
        let mut bytes = file.clone();
        for at in 0..file.len() {
            for flip in [1, 16, 128, 255] {
                bytes[at] ^= flip;
                let ((), held) = peak(|| read(&bytes));
                assert!(held <= room(file.len()), "{name}: {held} bytes");
                bytes[at] ^= flip;
            }
            let ((), held) = peak(|| read(&file[..at]));
            assert!(held <= room(file.len()), "{name}: {held} bytes");
        }
    }
    let npy = npz::npy_bytes(&fanin_nn::Tensor::from_vec([2, 3], vec![1.0f32; 6]));
    assert_eq!(npz::read_npy_bytes::<f32>(&npy).unwrap().shape(), [2, 3]);
    for at in 0..npy.len() {
        assert!(npz::read_npy_bytes::<f32>(&npy[..at]).is_err());
        for flip in 1..=255 {
            let mut bytes = npy.clone();
            bytes[at] ^= flip;
            let (_, held) = peak(|| npz::read_npy_bytes::<f32>(&bytes));
            assert!(held <= room(npy.len()), "{held} bytes");
        }
    }
}

/// SplitMix64.
struct Rng(u64);

impl Rng {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % n.max(1) as u64) as usize
    }

    /// A few changes of a file: bytes changed, left out, put in, and parts copied.
    fn mutate(&mut self, file: &[u8]) -> Vec<u8> {
        let mut bytes = file.to_vec();
        for _ in 0..1 + self.below(4) {
            let at = self.below(bytes.len() + 1);
            let to = (at + self.below(12)).min(bytes.len());
            match self.below(5) {
                0 => bytes[at..to].fill(0xff),
                1 => drop(bytes.drain(at..to)),
                2 => {
                    let from = self.below(bytes.len() + 1);
                    let end = (from + self.below(40)).min(bytes.len());
                    let part = bytes[from..end].to_vec();
                    bytes.splice(at..at, part);
                }
                _ => bytes[at..to].iter_mut().for_each(|byte| *byte = self.below(256) as u8),
            }
        }
        bytes
    }
}

/// Many changes at once, behind checksums too: no panic, and memory within a multiple of the file. How
/// many can be read shows that the changes reach beyond the first check.
#[test]
fn many_random_changes() {
    let cases: usize =
        std::env::var("FANIN_MUTATIONS").ok().and_then(|n| n.parse().ok()).unwrap_or(4000);
    type Read = fn(&[u8]) -> bool;
    let pickle: Read = |bytes| torch::read_bytes::<f32>(bytes).is_ok();
    let onnx: Read = |bytes| {
        let file = fanin_interop::onnx::Reader::from_bytes(bytes);
        file.and_then(|file| file.build()).is_ok()
    };
    let header: Read = |bytes| {
        let file = safetensors::Reader::from_bytes(bytes.to_vec());
        file.is_ok_and(|file| {
            let _ = file.build();
            let _ = file.optimizer(&network());
            true
        })
    };
    let npy: Read = |bytes| npz::read_npy_bytes::<f64>(bytes).is_ok();
    for (name, read) in [
        ("small_state.pkl", pickle),
        ("small_state5.pkl", pickle),
        ("small_gelu.onnx", onnx),
        ("small_matmul.onnx", onnx),
        ("mlp_old.onnx", onnx),
        ("f32.safetensors", header),
        ("mlp.x.npy", npy),
    ] {
        let (file, mut rng, mut whole) = (golden(name), Rng(1), 0);
        for _ in 0..cases {
            let changed = rng.mutate(&file);
            let bytes = if name.ends_with("pkl") {
                sealed(&changed, &[&[1; 24][..], &[2; 8]])
            } else {
                changed
            };
            let (read, held) = peak(|| read(&bytes));
            assert!(held <= 128 * bytes.len() + (512 << 10), "{name}: {held} bytes");
            whole += usize::from(read);
        }
        assert!(whole > cases / 200 && whole < cases, "{name}: {whole} of {cases} can be read");
        eprintln!("{name}: {whole} of {cases} can be read");
    }
}
