//! Every byte of a file changed, and every prefix of it: an error, or exactly what the file says. It never
//! panics, and allocates no more than a small multiple of the file.

use fanin_interop::{Result, npz, safetensors, torch};
use fanin_nn::Sequential;

use crate::counting::peak;
use crate::{golden, network, values};

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
