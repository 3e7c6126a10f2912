//! The tests of the crate from outside, in one program: the compiler makes what they share once.
//!
//! A module is a file: `cargo test -p fanin-nn gradients` runs the modules and tests of that name.
//! Tests that set the number of threads are in tests/process.

mod activations;
mod auto;
mod checkpoint;
mod doctor;
mod dropout;
mod frame;
mod golden;
mod gradients;
mod initialize;
mod initializers;
mod layers;
mod long_sums;
mod losses;
mod mistakes;
mod mup;
mod non_finite;
mod optimizers;
mod panics;
mod plan;
mod precise;
mod probe;
mod research_initializers;
mod residual;
mod singular;
mod spec;
mod thresholds;
mod torch_ops;
mod torch_optim;
mod wiring;
