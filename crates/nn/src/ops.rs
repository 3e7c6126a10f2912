//!  The operations of a [`Var`](crate::Var): one family per file, each forward pass beside its
//! backward pass.

pub(crate) mod activations;
mod alpha_dropout;
mod arithmetic;
mod axes;
mod batch_norm;
mod distance;
mod dropout;
mod elementary;
pub(crate) mod elementwise;
mod embedding_bag;
mod expand;
mod extremes;
mod functions;
mod glu;
mod indexing;
mod indices;
mod linear;
mod norm;
mod normalization;
#[cfg(test)]
mod precise;
mod prelu;
mod reduce;
mod residual;
mod rows;
mod rrelu;
mod shape;
mod softmax;
mod spectral_norm;
mod weight_norm;

pub(crate) use activations::activations;
pub(crate) use dropout::require_probability;
pub use embedding_bag::BagMode;
pub(crate) use embedding_bag::Entries;
pub(crate) use linear::Linear;
pub(crate) use prelu::common_slope;
pub(crate) use rrelu::require_slopes;

use fanin_tensor::show_shape;

/// Panics at the line that called the operation, because two shapes do not fit.
#[cold]
#[inline(never)]
#[track_caller]
pub(crate) fn bad_shapes(op: &str, a: &[usize], b: &[usize], why: &str) -> ! {
    panic!("{op}: {} and {} do not fit: {why}", show_shape(a), show_shape(b))
}

/// What to do with an input that a layer of this many features does not take.
#[cold]
pub(crate) fn how_to_fit(x: &[usize], inputs: usize) -> String {
    let mut features = 1;
    for (axis, &length) in x.iter().enumerate().rev() {
        features *= length;
        if features == inputs && axis > 0 {
            let rows: usize = x[..axis].iter().product();
            return format!("reshape it to {rows}×{inputs}, as a first layer Flatten does");
        }
        if features == inputs {
            return format!("reshape it to 1×{inputs}, a batch of one sample");
        }
    }
    match x {
        [] => format!("give it samples of {inputs} numbers, as 1×{inputs}"),
        &[rows] if inputs == 1 => format!("reshape it to {rows}×1, a row for each sample"),
        [.., found] => format!(
            "a sample has {found} numbers, and the layer takes {inputs}; build it for {found}, or \
             give it other data"
        ),
    }
}
