//! Files of other frameworks, written by their own libraries, and broken ones.

mod counting;
mod golden;
mod mutations;
mod names;
mod onnx;
mod optimizer;

use fanin_nn::layers::{BatchNorm1d, SpectralNorm, Tanh, WeightNorm};
use fanin_nn::{Linear, Parameters, Sequential};

/// The bytes of a golden file.
fn golden(name: &str) -> Vec<u8> {
    let path = format!("{}/golden/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A pickle and its storages in a zip file with right checksums, as PyTorch writes it.
fn sealed(pickle: &[u8], storages: &[&[u8]]) -> Vec<u8> {
    use std::io::{Cursor, Write};
    let mut zip = zip::ZipWriter::new(Cursor::new(vec![]));
    let options = zip::write::SimpleFileOptions::default();
    let stored = options.compression_method(zip::CompressionMethod::Stored);
    let storages = storages.iter().enumerate().map(|(i, bytes)| (format!("a/data/{i}"), *bytes));
    for (name, bytes) in [("a/data.pkl".to_owned(), pickle)].into_iter().chain(storages) {
        zip.start_file(name, stored).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// The network of golden/generate.py.
fn network() -> Sequential {
    Sequential::new()
        .add(Linear::new(3, 4))
        .add(BatchNorm1d::new(4))
        .add(Tanh)
        .add(WeightNorm::new(Linear::new(4, 2)))
        .add(SpectralNorm::new(Linear::new(2, 2)))
}

/// PyTorch's names of the network's tensors in alphabetical order, but for the counter of batches, with the
/// numbers of golden/generate.py.
const NAMES: [(&str, usize); 13] = [
    ("0.bias", 0),
    ("0.weight", 1),
    ("1.bias", 2),
    ("1.running_mean", 4),
    ("1.running_var", 5),
    ("1.weight", 6),
    ("3.bias", 7),
    ("3.parametrizations.weight.original0", 8),
    ("3.parametrizations.weight.original1", 9),
    ("4.bias", 10),
    ("4.parametrizations.weight.0._u", 11),
    ("4.parametrizations.weight.0._v", 12),
    ("4.parametrizations.weight.original", 13),
];

/// The values of tensor number `n` of golden/generate.py.
fn value(n: usize, len: usize) -> Vec<f32> {
    (0..len).map(|k| (((37 * n + 11 * k) % 41) as f32 - 20.0) / 64.0).collect()
}

/// All values of a model by PyTorch's names, sorted.
fn values(model: &Sequential) -> Vec<(String, Vec<f32>)> {
    let names = fanin_interop::names::of(model);
    let mut by_path = vec![];
    for (path, param) in model.named_params() {
        by_path.push((path, param.value().as_slice().to_vec()));
    }
    for (path, buffer) in model.named_buffers() {
        by_path.push((path, buffer.value().as_slice().to_vec()));
    }
    // The order of the names is that of a visit: find each by its path's parameters before buffers.
    let paths = paths(model);
    let mut all: Vec<_> = paths
        .iter()
        .zip(names)
        .map(|(path, name)| {
            let at = by_path.iter().position(|(own, _)| own == path).expect("a path of the model");
            (name, by_path[at].1.clone())
        })
        .collect();
    all.sort_by(|a, b| a.0.cmp(&b.0));
    all
}

/// The paths in the order of a visit.
fn paths(model: &Sequential) -> Vec<String> {
    use fanin_nn::{Buffer, Param, ParamPath, Visitor};
    struct Paths(Vec<String>);
    impl Visitor<'_> for Paths {
        fn param(&mut self, path: &ParamPath<'_>, _: &Param) {
            self.0.push(path.to_string());
        }
        fn buffer(&mut self, path: &ParamPath<'_>, _: &Buffer) {
            self.0.push(path.to_string());
        }
    }
    let mut paths = Paths(vec![]);
    model.visit(&ParamPath::ROOT, &mut paths);
    paths.0
}

/// Checks that the model has the values of golden/generate.py.
#[track_caller]
fn assert_golden(model: &Sequential) {
    let values = values(model);
    assert_eq!(values.len(), NAMES.len());
    for ((name, own), (golden, n)) in values.iter().zip(NAMES) {
        assert_eq!(name, golden);
        assert_eq!(own, &value(n, own.len()), "{name}");
    }
}
