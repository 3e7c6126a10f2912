//! Define-by-run gradients on a tape that is used again and again.
//!
//! [`Tape`] records what a closure computes, node after node; [`Var`] is a node's handle, small and
//! `Copy`; an [`Op`] is one primitive, its forward beside its backward. The sweep walks the nodes
//! from last to first and knows nothing of particular ops.
//!
//! Place *i* of the tape keeps its memory from step to step: values, gradients and even the boxed
//! ops are written over, so a steady training step allocates nothing here.

mod gradients;
mod graph;
mod op;
mod record;
mod slot;
mod var;

pub use gradients::Gradients;
pub use op::{Backward, Curve, Forward, Op};
pub use record::Tape;
pub use var::Var;

pub(crate) use graph::Graph;
