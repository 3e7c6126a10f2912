//! Reading the golden files of crates/nn/golden, and comparing with them.

use std::collections::HashMap;
use std::path::Path;

use fanin_nn::Tensor;

/// The tensors of a golden file by name.
pub(crate) type Golden = HashMap<&'static str, Tensor>;

/// The tensors of a file in which each line has a name and a [`tensor`].
pub(crate) fn golden(file: &str) -> Golden {
    read(file, |hex| u32::from_str_radix(hex, 16).unwrap())
}

/// The same, where the digits have no zeros at their end.
pub(crate) fn golden_of_short(file: &str) -> Golden {
    read(file, |hex| u32::from_str_radix(&format!("{hex:0<8}"), 16).unwrap())
}

fn read(file: &str, bits: fn(&str) -> u32) -> Golden {
    // Read when the test runs: a new case need not compile what reads it.
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden").join(file);
    let text: &'static str = std::fs::read_to_string(path).unwrap().leak();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let named = |line: &'static str| {
        let mut words = line.split(' ');
        (words.next().unwrap(), tensor_of(words, bits))
    };
    lines.map(named).collect()
}

/// A tensor of words: its shape, as `2x3`, or `scalar` or `-`, and the bits of each f32 in hexadecimal digits.
pub(crate) fn tensor<'w>(words: impl Iterator<Item = &'w str>) -> Tensor {
    tensor_of(words, |hex| u32::from_str_radix(hex, 16).unwrap())
}

fn tensor_of<'w>(mut words: impl Iterator<Item = &'w str>, bits: fn(&str) -> u32) -> Tensor {
    let shape: Vec<usize> = match words.next().unwrap() {
        "scalar" | "-" => vec![],
        shape => shape.split('x').map(|n| n.parse().unwrap()).collect(),
    };
    Tensor::from_vec(&shape[..], words.map(|hex| f32::from_bits(bits(hex))).collect())
}

/// The largest difference over the largest value.
pub(crate) fn error(a: &Tensor, b: &Tensor) -> f32 {
    assert_eq!(a.shape(), b.shape());
    let pairs = a.as_slice().iter().zip(b.as_slice());
    let difference = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    let size = b.as_slice().iter().map(|b| b.abs()).fold(f32::MIN_POSITIVE, f32::max);
    difference / size
}
