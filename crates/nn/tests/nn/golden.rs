//! Reading the golden files of crates/nn/golden, and comparing with them.

use std::collections::HashMap;
use std::path::Path;

use fanin_nn::Tensor;

/// The tensors of a golden file by name.
pub(crate) type Golden = HashMap<&'static str, Tensor>;

/// The tensors of a file in which each line has a name and a [`tensor`].
pub(crate) fn golden(file: &str) -> Golden {
    // Read when the test runs: a new case need not compile what reads it.
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden").join(file);
    let text: &'static str = std::fs::read_to_string(path).unwrap().leak();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let named = |line: &'static str| {
        let mut words = line.split(' ');
        (words.next().unwrap(), tensor(words))
    };
    lines.map(named).collect()
}

/// A tensor of words: its shape, as `2x3`, or `scalar` or `-`, and the bits of each f32 in hexadecimal digits,
/// without zeros at their end.
pub(crate) fn tensor<'w>(mut words: impl Iterator<Item = &'w str>) -> Tensor {
    let shape: Vec<usize> = match words.next().unwrap() {
        "scalar" | "-" => vec![],
        shape => shape.split('x').map(|n| n.parse().unwrap()).collect(),
    };
    let bits = |hex| f32::from_bits(u32::from_str_radix(&format!("{hex:0<8}"), 16).unwrap());
    Tensor::from_vec(&shape[..], words.map(bits).collect())
}

/// The largest difference over the largest value.
pub(crate) fn error(a: &Tensor, b: &Tensor) -> f32 {
    assert_eq!(a.shape(), b.shape());
    let pairs = a.as_slice().iter().zip(b.as_slice());
    let difference = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    let size = b.as_slice().iter().map(|b| b.abs()).fold(f32::MIN_POSITIVE, f32::max);
    difference / size
}
