//! Define-by-run gradients on a tape that is used for step after step.
//!
//! [`Tape`] records what a closure computes, node after node; [`Var`] is a node's handle, small and
//! `Copy`; an [`Op`] is one primitive, its forward beside its backward. The backward pass walks the
//! nodes from last to first and knows nothing of particular ops.
//!
//! Node *i* of the tape keeps its memory from step to step: values, gradients and even the boxed
//! ops are written over, so a steady training step allocates nothing here.

mod gradients;
mod graph;
mod ids;
mod mode;
mod node;
mod op;
mod record;
mod scope;
mod spare;
mod sum;
mod untrained;
mod var;
mod watch;

pub use gradients::Gradients;
pub use mode::Mode;
pub use op::{Backward, Curve, Forward, Op};
pub use record::{NewF64, Tape};
pub use sum::GradientSum;
pub use var::Var;

pub(crate) use gradients::{Rate, Update, cap_factor};
pub(crate) use graph::Graph;
pub(crate) use scope::Scope;
