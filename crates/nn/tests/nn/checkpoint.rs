//! Models in files: what was saved comes back bit for bit; no file that is anything else is taken, nor
//! does it change the model, take memory for what it merely claims, or panic.

pub(crate) mod memory;
#[cfg(unix)]
mod unix;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use fanin_nn::init::{KaimingNormal, Zeros, with_default_rng};
use fanin_nn::layers::{Relu, Tanh};
use fanin_nn::{
    Checkpoint, Error, Linear, Module, Param, ParamPath, Parameters, Scalar, Sections, Sequential,
    Tensor, Var, Visitor, VisitorMut,
};

use super::frame::Turned;

const HEADER: usize = 32;

/// A module of one's own, with parameters beside layers.
#[derive(Parameters)]
struct Scaled<T: Scalar = f32> {
    scale: Param<T>,
    shift: Option<Param<T>>,
    layers: Vec<Sequential<T>>,
}

impl<T: Scalar> Module<T> for Scaled<T> {
    fn forward<'t>(&self, x: Var<'t, T>) -> Var<'t, T> {
        let x = self.layers.forward(x) * x.tape().param(&self.scale);
        self.shift.iter().fold(x, |x, shift| x + x.tape().param(shift))
    }
}

fn small() -> Sequential {
    let inner = Sequential::new().add(Linear::new(3, 2)).add(Relu);
    Sequential::new().add(inner).add(Tanh).add(Linear::builder(2, 2).no_bias().build())
}

fn bits<T: Scalar>(model: &(impl Parameters<T> + ?Sized)) -> Vec<(String, Vec<usize>, Vec<u64>)> {
    let exact = |v: &T| v.to_f64().to_bits(); // widening keeps every bit of every number
    let params = model.named_params().into_iter();
    let bits = |p: &Param<T>| p.value().as_slice().iter().map(exact).collect();
    params.map(|(path, p)| (path, p.value().shape().to_vec(), bits(p))).collect()
}

/// Loads what must not load: gives the error, and checks that it is fit to be shown.
#[track_caller]
fn refused<T: Scalar>(model: &mut (impl Parameters<T> + ?Sized), path: &Path) -> Error {
    let before = bits(model);
    let error = model.load(path).expect_err("the file must be refused");
    assert_eq!(bits(model), before, "a failed load changed the model");
    let message = error.to_string();
    assert!(message.starts_with(&format!("{}: ", path.display())), "{message}");
    assert!(message.contains(';') || message.contains(". "), "what to do next? {message}");
    assert!(message.len() < 1000, "{message}");
    assert_eq!(format!("{error:?}"), message);
    error
}

/// A directory for one test.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let name =
            format!("fanin-test-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn with(&self, name: &str, bytes: &[u8]) -> PathBuf {
        fs::write(self.file(name), bytes).unwrap();
        self.file(name)
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A file with right checksums, whatever is in it.
fn sealed(version: u32, element: &[u8; 4], claimed: u64, payload: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x8Ffanin\n\0".to_vec();
    bytes.extend(version.to_le_bytes());
    bytes.extend(element);
    bytes.extend(claimed.to_le_bytes());
    bytes.extend(crc32fast::hash(payload).to_le_bytes());
    bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
    bytes.extend(payload);
    bytes
}

/// Of version 1, which has no sections.
fn sealed_f32(payload: &[u8]) -> Vec<u8> {
    sealed(1, b"f32\0", payload.len() as u64, payload)
}

/// Of the version that is written.
fn sealed_now(payload: &[u8]) -> Vec<u8> {
    sealed(2, b"f32\0", payload.len() as u64, payload)
}

/// The payload of one parameter, with any shape and any values.
fn one_param(path: &str, shape: &[u64], values: &[f32]) -> Vec<u8> {
    let mut payload = 1u64.to_le_bytes().to_vec();
    payload.extend((path.len() as u64).to_le_bytes());
    payload.extend(path.as_bytes());
    payload.extend((shape.len() as u64).to_le_bytes());
    shape.iter().for_each(|n| payload.extend(n.to_le_bytes()));
    values.iter().for_each(|v| payload.extend(v.to_le_bytes()));
    payload
}

// What was saved comes back.

fn round_trip<T: Scalar>(build: impl Fn() -> Scaled<T>) {
    let scratch = Scratch::new();
    let path = scratch.file("model.fanin");
    let (saved, mut loaded) = (build(), build());
    assert_ne!(bits(&saved), bits(&loaded), "other random weights");
    saved.save(&path).unwrap();
    loaded.load(&path).unwrap();
    assert_eq!(bits(&loaded), bits(&saved));
    let x = Tensor::from_vec([2, 3], (0..6).map(|i| T::from_f64(0.3 * f64::from(i))).collect());
    assert_eq!(loaded.predict(&x), saved.predict(&x));
    assert_eq!(scratch.names(), ["model.fanin"]);
    assert_eq!(fs::read(path).unwrap(), loaded.to_bytes().unwrap());
}

#[test]
fn f32_round_trip() {
    round_trip(|| Scaled {
        scale: Param::new(Tensor::from_vec(2, vec![f32::MIN_POSITIVE, -0.0])),
        shift: Some(Param::new(Tensor::scalar(f32::from_bits(1)))),
        layers: vec![small(), Sequential::new(), Sequential::new().add(Linear::new(2, 2))],
    });
}

#[test]
fn f64_round_trip() {
    round_trip::<f64>(|| Scaled {
        scale: Param::new(Tensor::from_vec(2, vec![1.0 / 3.0, f64::MIN_POSITIVE / 4.0])),
        shift: None,
        layers: vec![Sequential::default().add(Linear::new(3, 2).cast::<f64>())],
    });
}

#[test]
fn every_bit_of_a_number_is_kept() {
    let values = [0x7F80_0001, 0xFFC1_2345, 0x8000_0000, 0x0000_0001, 0xFF80_0000, 0x3F80_0001];
    let param = Param::new(Tensor::from_vec(6, values.map(f32::from_bits).to_vec()));
    let saved = Scaled { scale: param, shift: None, layers: vec![] };
    let mut loaded =
        Scaled { scale: Param::new(Tensor::<f32>::zeros(6)), shift: None, layers: vec![] };
    loaded.load_bytes(&saved.to_bytes().unwrap()).unwrap();
    let bits: Vec<u32> = loaded.scale.value().as_slice().iter().map(|v| v.to_bits()).collect();
    assert_eq!(bits, values);
}

#[test]
fn models_behind_dyn_and_odd_ones() {
    let scratch = Scratch::new();
    let path = scratch.file("model.fanin");
    let boxed: Box<dyn Module> = Box::new(small());
    boxed.save(&path).unwrap();
    let mut other = small();
    let plain: &mut dyn Module = &mut other;
    plain.load(&path).unwrap();
    assert_eq!(bits(plain), bits(&*boxed));

    let mut none: Box<dyn Module> = Box::new(Relu);
    none.save(&path).unwrap();
    none.load(&path).unwrap();
    // Zero places, and more than a buffer's worth of numbers.
    let odd = |v: f32| Scaled {
        scale: Param::new(Tensor::zeros([3, 0, 2])),
        shift: Some(Param::new(Tensor::full(40_001, v))),
        layers: vec![],
    };
    let mut loaded = odd(1.0);
    odd(2.0).save(&path).unwrap();
    loaded.load(&path).unwrap();
    assert_eq!(bits(&loaded), bits(&odd(2.0)));
}

#[test]
fn paths_count_and_not_their_order() {
    let (turned, mut plain) = (Turned(Linear::new(3, 4)), Linear::new(3, 4));
    plain.load_bytes(&turned.to_bytes().unwrap()).unwrap();
    assert_eq!(bits(&plain), bits(&turned.0));
}

#[test]
fn parameters_under_one_path_keep_their_order() {
    struct Twins(Param, Param);
    impl Parameters for Twins {
        fn visit<'m>(&'m self, path: &ParamPath<'_>, visitor: &mut dyn Visitor<'m>) {
            self.0.visit(path, visitor);
            self.1.visit(path, visitor);
        }
        fn visit_mut<'m>(&'m mut self, path: &ParamPath<'_>, visitor: &mut dyn VisitorMut<'m>) {
            self.0.visit_mut(path, visitor);
            self.1.visit_mut(path, visitor);
        }
    }
    let twins = |a, b| Twins(Param::new(Tensor::scalar(a)), Param::new(Tensor::scalar(b)));
    let mut loaded = twins(0.0, 0.0);
    loaded.load_bytes(&twins(1.0, 2.0).to_bytes().unwrap()).unwrap();
    assert_eq!(bits(&loaded), bits(&twins(1.0, 2.0)));
}

#[test]
fn loading_leaves_clones_and_identity_alone() {
    let mut model = Linear::new(2, 2);
    let before = model.weight().clone();
    let old = before.as_slice().to_vec();
    model.load_bytes(&Linear::new(2, 2).to_bytes().unwrap()).unwrap();
    assert_eq!(before.as_slice(), old);
    assert_ne!(model.weight(), &before);
    assert!(!model.weight().is_shared());
}

/// Written once and kept here: files of all versions must load for ever.
#[test]
fn the_format_stays() {
    let model = |values: [f32; 2]| Scaled::<f32> {
        scale: Param::new(Tensor::from_vec([1, 2], values.to_vec())),
        shift: None,
        layers: vec![],
    };
    let saved = model([1.0, -2.5]);
    let parameters = one_param("scale", &[1, 2], &[1.0, -2.5]);
    let first = sealed_f32(&parameters);
    let hex: String = first.iter().map(|b| format!("{b:02x}")).collect();
    let header = "8f66616e696e0a00010000006633320035000000000000";
    assert!(hex.starts_with(header), "{hex}");
    let mut loaded = model([0.0; 2]);
    assert!(loaded.load_bytes_with(&first).unwrap().names().next().is_none());
    assert_eq!(bits(&loaded), bits(&saved));

    // Version 2: the number of sections, and name, length and bytes of each.
    let none = 0u64.to_le_bytes();
    assert_eq!(saved.to_bytes().unwrap(), sealed_now(&[&parameters[..], &none].concat()));
    let mut sections = Sections::new();
    sections.insert("n", &7u32).unwrap();
    let counts = [1u64, 1].map(u64::to_le_bytes).concat();
    let section = [&counts[..], b"n", &4u64.to_le_bytes(), &7u32.to_le_bytes()].concat();
    let second = sealed_now(&[parameters, section].concat());
    assert_eq!(saved.to_bytes_with(&sections).unwrap(), second);
    let mut loaded = model([0.0; 2]);
    assert_eq!(loaded.load_bytes_with(&second).unwrap().get::<u32>("n").unwrap(), Some(7));
    assert_eq!(bits(&loaded), bits(&saved));
}

#[test]
fn sections_come_back_and_say_what_they_are_not() {
    let (scratch, mut model) = (Scratch::new(), small());
    let path = scratch.file("model.fanin");
    let mut sections = Sections::new();
    sections.insert("text", "a word").unwrap();
    sections.insert("numbers", &vec![f64::NAN, -0.0, 1e300]).unwrap();
    sections.insert("tensor", model.param("0.0.weight").value()).unwrap();
    model.save_with(&path, &sections).unwrap();
    let read = model.load_with(&path).unwrap();
    assert_eq!(read.get::<String>("text").unwrap().unwrap(), "a word");
    let numbers: Vec<f64> = read.get("numbers").unwrap().unwrap();
    assert_eq!(
        numbers.iter().map(|x| x.to_bits()).collect::<Vec<_>>(),
        [f64::NAN, -0.0, 1e300].map(f64::to_bits)
    );
    assert_eq!(&read.get::<Tensor>("tensor").unwrap().unwrap(), model.param("0.0.weight").value());
    assert_eq!(read.get::<u64>("none").unwrap(), None);
    let error = read.get::<Vec<String>>("numbers").unwrap_err().to_string();
    assert!(error.contains("model.fanin") && error.contains("section numbers: "), "{error}");
    // A file without them loads as before.
    model.save(&path).unwrap();
    assert_eq!(
        model.load_with(&path).unwrap().names().collect::<Vec<_>>(),
        ["architecture", "provenance"]
    );
}

#[test]
fn a_sequential_is_built_from_its_file() {
    use fanin_nn::layers::{NetworkSpec, *};
    let scratch = Scratch::new();
    let path = scratch.file("model.fanin");
    let linear =
        |inputs, outputs| Linear::builder(inputs, outputs).weight(KaimingNormal::default());
    let branch = || Sequential::new().add(Relu).add(Linear::new(6, 6));
    let model = Sequential::new()
        .add_named("first", linear(4, 6).bias(Zeros).build())
        .add(BatchNorm1d::new(6).momentum(0.2))
        .add(LeakyRelu(0.2))
        .add(Residual::new(branch()).scaled(0.5))
        .add(Residual::new(branch()).rezero())
        .add(Parallel::new().add(branch()).add(Sequential::new()))
        .add(LayerNorm::new(12).bias(false))
        .add(GroupNorm::new(3, 12))
        .add(RmsNorm::new(12))
        .add(Prelu::per_feature(12))
        .add(Dropout::new(0.25))
        .add(AlphaDropout::new(0.125))
        .add(Rrelu::new(0.1, 0.3))
        .add(Swiglu::new(6))
        .add(
            Sequential::new().add(WeightNorm::new(linear(6, 8).no_bias().build())).add(Passthrough),
        )
        .add(SpectralNorm::new(Linear::new(8, 6)))
        .add(Unflatten::new(&[2, 3]))
        .add(Flatten)
        .add(Softplus);
    model.save(&path).unwrap();
    let before = with_default_rng(|rng| rng.clone());
    let loaded = Sequential::load(&path).unwrap();
    assert!(
        before == with_default_rng(|rng| rng.clone()),
        "a load draws from the program's generator"
    );
    assert_eq!(loaded.to_string(), model.to_string());
    assert_eq!(bits(&loaded), bits(&model));
    let initializer =
        |model: &Sequential| model.param("first.weight").initializer().map(String::from);
    assert!(initializer(&loaded).unwrap().starts_with("KaimingNormal"));
    let x = Tensor::from_vec([3, 4], (0..12).map(|i| i as f32 - 5.5).collect());
    assert_eq!(loaded.predict(&x), model.predict(&x));
    // All that the file says is in the next one.
    assert_eq!(loaded.to_bytes().unwrap(), model.to_bytes().unwrap());
    assert_eq!(
        Sequential::from_bytes(&model.to_bytes().unwrap()).unwrap().to_string(),
        model.to_string()
    );

    for (name, layer, _) in all_activations::<f32>() {
        let model = Sequential::new().add(layer);
        let spec =
            NetworkSpec::of(&Sequential::from_spec(&NetworkSpec::of(&model).unwrap()).unwrap());
        assert_eq!(spec.unwrap(), NetworkSpec::of(&model).unwrap(), "{name}");
    }
}

#[test]
fn a_model_without_architecture_is_loaded_into_one_that_is_built() {
    use fanin_nn::layers::{Lambda, NetworkSpec, Relu, Residual};
    let scratch = Scratch::new();
    let path = scratch.file("model.fanin");
    let refused = |model: &Sequential, text: &str| {
        model.save(&path).unwrap();
        let error = Sequential::load(&path).unwrap_err();
        assert!(matches!(error, Error::Architecture { .. }), "{error}");
        let error = NetworkSpec::of(model).unwrap_err().to_string();
        assert!(error.contains(text), "{error}");
    };
    let first = || Sequential::new().add(Linear::new(4, 4));
    refused(&first().add(Lambda::new("half", |x| x * 0.5)), "layer 1, half");
    refused(&first().add(Relu).add(Residual::new(Linear::new(4, 4))), "layer 2, Residual");

    // A text that is none, and one that takes more than the file.
    for (text, why) in [
        ("{\"layers\": [\"rleu\"]}", "rleu"),
        (
            "{\"layers\": [{\"linear\": {\"inputs\": 4000000, \"outputs\": 100}}]}",
            "more than the limit",
        ),
    ] {
        let mut sections = Sections::new();
        sections.insert("architecture", text).unwrap();
        let none =
            Scaled::<f32> { scale: Param::new(Tensor::zeros(1)), shift: None, layers: vec![] };
        let error = Sequential::from_bytes(&none.to_bytes_with(&sections).unwrap()).unwrap_err();
        assert!(error.to_string().contains(why), "{error}");
    }
}

// Anything else is refused.

#[test]
fn a_file_cut_anywhere() {
    let scratch = Scratch::new();
    let whole = small().to_bytes().unwrap();
    let mut model = small();
    for n in 0..whole.len() {
        let error = refused(&mut model, &scratch.with("model.fanin", &whole[..n]));
        let end = (n >= HEADER).then_some(whole.len() as u64);
        let Error::Truncated { len, expected, .. } = error else { panic!("cut at {n}: {error}") };
        assert_eq!((len, expected), (n as u64, end));
    }
    let longer = [&whole[..], &[0]].concat();
    let error = refused(&mut model, &scratch.with("model.fanin", &longer));
    assert!(matches!(error, Error::TooLong { .. }), "{error}");
    model.load(scratch.with("model.fanin", &whole)).unwrap();
}

#[test]
fn a_byte_changed_anywhere() {
    let scratch = Scratch::new();
    let whole = small().to_bytes().unwrap();
    let mut model = small();
    for at in 0..whole.len() {
        for byte in [whole[at] ^ 1, whole[at] ^ 0x80, 0xFF] {
            if byte == whole[at] {
                continue;
            }
            let mut bytes = whole.clone();
            bytes[at] = byte;
            let error = refused(&mut model, &scratch.with("model.fanin", &bytes));
            let right = match at {
                0..8 => matches!(error, Error::Foreign { .. }),
                8..HEADER => matches!(error, Error::Damaged { part: "header", .. }),
                _ => matches!(error, Error::Damaged { part: "content", .. }),
            };
            assert!(right, "byte {at}: {error}");
        }
    }
}

/// The checksum is right and the content is anything: the decoder alone stands in the way.
#[test]
fn a_liar_with_right_checksums() {
    let scratch = Scratch::new();
    let whole = small().to_bytes().unwrap();
    let payload = &whole[HEADER..];
    for at in 0..payload.len() {
        for byte in [payload[at] ^ 1, payload[at] ^ 0x80, 0xFF] {
            let mut payload = payload.to_vec();
            payload[at] = byte;
            let mut model = small();
            let path = scratch.with("model.fanin", &sealed_now(&payload));
            // A changed weight is a weight; all the rest is noticed.
            if let Err(error) = model.load(&path) {
                let expected = matches!(error, Error::Malformed { .. } | Error::OtherModel { .. });
                assert!(expected, "byte {at}: {error}");
                refused(&mut model, &path);
            }
        }
    }
    for n in 0..payload.len() {
        let path = scratch.with("model.fanin", &sealed_now(&payload[..n]));
        let error = refused(&mut small(), &path);
        assert!(matches!(error, Error::Malformed { .. }), "cut at {n}: {error}");
    }
    let path = scratch.with("model.fanin", &sealed_now(&[payload, &[0; 5]].concat()));
    let error = refused(&mut small(), &path);
    assert!(error.to_string().contains("5 bytes follow its last section"), "{error}");
    let path = scratch.with("model.fanin", &sealed(0, b"f32\0", payload.len() as u64, payload));
    assert!(matches!(refused(&mut small(), &path), Error::Malformed { .. }));
}

#[test]
fn noise() {
    let mut state = 1u64;
    let mut random = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as u32
    };
    for _ in 0..2_000 {
        let len = random() as usize % 200;
        let mut noise: Vec<u8> = (0..len).map(|_| random() as u8).collect();
        let before = small();
        let mut model = small();
        model.load_bytes(&before.to_bytes().unwrap()).unwrap();
        // Small lengths get further into the decoder.
        for chunk in noise.chunks_mut(8) {
            chunk.iter_mut().skip(1).for_each(|b| *b = 0);
        }
        model.load_bytes(&noise).unwrap_err();
        model.load_bytes(&sealed_f32(&noise)).unwrap_err();
        assert_eq!(bits(&model), bits(&before));
    }
}

#[test]
fn files_of_other_formats() {
    let scratch = Scratch::new();
    for (start, seen) in [
        (
            &b"PK\x03\x04\x14\0\0\0\0\0"[..],
            "a zip archive, as PyTorch (.pt) and NumPy (.npz) write",
        ),
        (b"\x89HDF\r\n\x1a\n\0\0", "HDF5"),
        (b"\x93NUMPY\x01\0v\0{", "a NumPy array"),
        (b"\x1F\x8B\x08\0\0", "gzip"),
        (b"\x80\x02}q\0.", "a Python pickle"),
        (b"\x8Ffpipe\n\0\x01\0\0\0", "Pipeline::load_with_model"),
        (b"\x40\0\0\0\0\0\0\0{\"a\"", "a safetensors header"),
        (b"epoch,loss\n1,0.5\n", "the text \"epoch,loss\\n1,0.5\""),
        (b"fanin\n\0\x01", "the bytes [66, 61, 6E, 69, 6E, 0A, 00, 01]"),
        (b"\x00", "the bytes [00]"),
        (b"\xEF\xBB\xBFx", "the text \"\\u{feff}x\""),
    ] {
        let error = refused(&mut small(), &scratch.with("model.fanin", start));
        assert!(matches!(error, Error::Foreign { .. }), "{error}");
        assert!(error.to_string().contains(seen), "{error}");
    }
}

#[test]
fn a_newer_file() {
    let scratch = Scratch::new();
    let payload = b"of another kind";
    // Cut or of another element type, it is newer all the same: what those mean may have changed.
    for (version, claimed) in [(3, 15), (u32::MAX, 1_000)] {
        let path = scratch.with("model.fanin", &sealed(version, b"q4_k", claimed, payload));
        let error = refused(&mut small(), &path);
        assert!(matches!(error, Error::Newer { newest: 2, .. }), "{error}");
        assert!(error.to_string().contains(&format!("is of format {version}")), "{error}");
        assert!(error.to_string().ends_with("update fanin"));
    }
}

#[test]
fn numbers_of_another_type() {
    let scratch = Scratch::new();
    let (mut single, mut double) = (Linear::new(2, 1), Linear::new(2, 1).cast::<f64>());
    let path = scratch.file("model.fanin");
    double.save(&path).unwrap();
    let error = refused(&mut single, &path).to_string();
    assert!(error.contains("holds numbers of type f64, and the model's are f32"), "{error}");
    single.save(&path).unwrap();
    let error = refused(&mut double, &path).to_string();
    assert!(error.contains("holds numbers of type f32, and the model's are f64"), "{error}");
    let error = refused(&mut double, &scratch.with("model.fanin", &sealed(1, b"bf16", 0, &[])));
    assert!(error.to_string().contains("type bf16,"), "{error}");
}

#[test]
fn another_architecture() {
    let scratch = Scratch::new();
    let path = scratch.file("model.fanin");
    let mlp = |hidden| Sequential::new().add(Linear::new(3, hidden)).add(Linear::new(hidden, 2));
    let without_bias = || Linear::builder(3, 2).no_bias().build();
    #[track_caller]
    fn check(saved: &dyn Module, model: &mut dyn Module, path: &Path, says: &str) {
        saved.save(path).unwrap();
        let error = refused(model, path);
        let expected = format!(
            "{}: holds another model: {says}; build the model as it was when saved, or load \
             another file",
            path.display()
        );
        assert!(matches!(error, Error::OtherModel { .. }));
        assert_eq!(error.to_string(), expected);
    }
    check(
        &mlp(4),
        &mut mlp(5),
        &path,
        "0.weight is 4×3 in the file and 5×3 in the model; 0.bias is 4 in the file and 5 in the \
         model; 1.weight is 2×4 in the file and 2×5 in the model",
    );
    check(&Linear::new(3, 2), &mut without_bias(), &path, "bias (2) is in the file only");
    check(&without_bias(), &mut Linear::new(3, 2), &path, "bias (2) is in the model only");
    check(
        &Relu,
        &mut mlp(4),
        &path,
        "0.weight (4×3) is in the model only; 0.bias (4) is in the model only; 1.weight (2×4) is in \
         the model only; and 1 more",
    );
    // As many values in another shape are another model.
    check(
        &Linear::builder(3, 2).no_bias().build(),
        &mut Linear::builder(2, 3).no_bias().build(),
        &path,
        "weight is 2×3 in the file and 3×2 in the model",
    );
    check(
        &Sequential::new().add(without_bias()),
        &mut without_bias(),
        &path,
        "0.weight (2×3) is in the file only; weight (2×3) is in the model only",
    );
}

#[test]
fn names_in_a_file_are_shown_tamely() {
    let scratch = Scratch::new();
    let name = format!("\x1b[2J\n{}", "w".repeat(5_000));
    let path = scratch.with("model.fanin", &sealed_f32(&one_param(&name, &[1], &[1.0])));
    let error = refused(&mut small(), &path).to_string();
    assert!(error.contains("\\u{1b}[2J\\nwww") && error.contains('…'), "{error}");
}

#[test]
fn a_path_too_long_to_load_is_not_saved() {
    struct Named(String, Param);
    impl Parameters for Named {
        fn visit<'m>(&'m self, path: &ParamPath<'_>, visitor: &mut dyn Visitor<'m>) {
            visitor.param(&path.name(&self.0), &self.1);
        }
        fn visit_mut<'m>(&'m mut self, path: &ParamPath<'_>, visitor: &mut dyn VisitorMut<'m>) {
            visitor.param(&path.name(&self.0), &mut self.1);
        }
    }
    let named = |len| Named("w".repeat(len), Param::new(Tensor::ones(1)));
    let scratch = Scratch::new();
    let path = scratch.file("model.fanin");
    let most = 65_536 - 3 * 8; // beside it: its length, the number of axes, the one axis
    named(most).save(&path).unwrap();
    named(most).load(&path).unwrap();
    let error = named(most + 1).save(&path).unwrap_err();
    assert!(matches!(error, Error::Write { .. }), "{error}");
    named(most).load(&path).unwrap();
    assert_eq!(scratch.names(), ["model.fanin"]);
}

#[test]
fn no_file_at_all() {
    let scratch = Scratch::new();
    let error = refused(&mut small(), &scratch.file("no.fanin"));
    assert!(matches!(error, Error::NotFound { .. }), "{error}");
    let error = refused(&mut small(), &scratch.file("no/such/directory.fanin"));
    assert!(matches!(error, Error::NotFound { .. }), "{error}");
    let error = refused(&mut small(), &scratch.0);
    assert!(matches!(error, Error::NotAFile { found: "a directory", .. }), "{error}");
    let file = scratch.with("file", b"");
    let error = refused(&mut small(), &file.join("below"));
    assert!(matches!(error, Error::Read { .. } | Error::NotFound { .. }), "{error}");
}

// Saving spoils nothing.

/// Saves what must not be saved, and checks what is there after.
#[track_caller]
fn not_saved(path: &Path) -> Error {
    let error = small().save(path).expect_err("the save must fail");
    let message = error.to_string();
    assert!(message.starts_with(&format!("{}: ", path.display())), "{message}");
    assert_eq!(format!("{error:?}"), message);
    error
}

#[test]
fn a_save_that_fails_leaves_nothing_behind() {
    let scratch = Scratch::new();
    let old = small();
    let file = scratch.file("model.fanin");
    old.save(&file).unwrap();
    fs::create_dir(scratch.file("directory")).unwrap();
    let names = ["directory", "model.fanin"];

    let error = not_saved(&scratch.file("directory"));
    assert!(matches!(error, Error::NotAFile { found: "a directory", .. }), "{error}");
    for path in ["no/such/directory.fanin", "model.fanin/below", ""] {
        let path = if path.is_empty() { PathBuf::new() } else { scratch.file(path) };
        let error = not_saved(&path);
        assert!(matches!(error, Error::Write { .. }), "{error}");
    }
    // Fails only when the finished file is renamed: such a name can be a directory's alone.
    let error = not_saved(&scratch.file("other.fanin/"));
    assert!(matches!(error, Error::Write { .. }), "{error}");
    assert_eq!(scratch.names(), names);

    let mut permissions = fs::metadata(&file).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&file, permissions).unwrap();
    let error = not_saved(&file);
    assert!(error.to_string().contains("the file that is there is read-only"), "{error}");
    assert_eq!(scratch.names(), names);
    let mut loaded = small();
    loaded.load(&file).unwrap();
    assert_eq!(bits(&loaded), bits(&old));
}

#[test]
fn a_save_replaces_what_was_there() {
    let scratch = Scratch::new();
    let path = scratch.with("model.fanin", &[7; 10_000]);
    let saved = small();
    saved.save(&path).unwrap();
    let mut loaded = small();
    loaded.load(&path).unwrap();
    assert_eq!(bits(&loaded), bits(&saved));
    // As long as a name can be.
    let long = scratch.file(&"n".repeat(255));
    saved.save(&long).unwrap();
    loaded.load(&long).unwrap();
}

#[test]
fn saves_at_once_leave_one_whole_file() {
    let scratch = Scratch::new();
    let path = scratch.file("model.fanin");
    // Every value of a model is the same number, so a mixture would show.
    let model = |v: f32| Scaled {
        scale: Param::new(Tensor::full(5_000, v)),
        shift: Some(Param::new(Tensor::full(5_000, v))),
        layers: vec![],
    };
    model(0.0).save(&path).unwrap();
    thread::scope(|scope| {
        for worker in 0..4u8 {
            let (path, model) = (&path, &model);
            scope.spawn(move || {
                for _ in 0..8 {
                    model(f32::from(worker)).save(path).unwrap();
                    let mut loaded = model(-1.0);
                    loaded.load(path).unwrap();
                    let v = loaded.scale.value().as_slice()[0];
                    assert_eq!(bits(&loaded), bits(&model(v)));
                    assert!((0.0..4.0).contains(&v));
                }
            });
        }
    });
    assert_eq!(scratch.names(), ["model.fanin"]);
}
