//! The tests of the crate from outside, in one program: the compiler makes what they share once.
//!
//! A module is a file: `cargo test -p fanin-nn gradients` runs the modules and tests of that name.
//! Tests that set the number of threads are in tests/process.

mod auto;
mod checkpoint;
mod data_init;
mod doctor;
mod dropout;
mod frame;
mod gradients;
mod laws;
mod mistakes;
mod mup;
mod plan;
mod probe;
mod research_laws;
mod residual;
mod singular;
mod spec;
mod torch_ops;
mod torch_optim;
