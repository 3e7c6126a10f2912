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
mod expand;
mod extremes;
mod functions;
mod glu;
mod indexing;
mod layer_norm;
mod linear;
mod norm;
#[cfg(test)]
mod precise;
mod prelu;
mod reduce;
mod residual;
mod rrelu;
mod shape;
mod softmax;

pub(crate) use activations::activations;
pub(crate) use dropout::require_probability;
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
