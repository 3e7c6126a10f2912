//! Gradients, layers and training for small networks.
//!
//! A [`Tape`] records what is computed on it and differentiates it. A [`Module`] is a struct with a
//! `forward` that shows its [`Parameters`]. An [`Optimizer`] changes these by the gradients that the
//! tape lends:
//!
//! ```
//! use fanin_nn::layers::Tanh;
//! use fanin_nn::{Adam, Linear, Module, Optimizer, Sequential, Tape, Tensor};
//!
//! let x = Tensor::from_vec([4, 2], vec![0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0]);
//! let y = [0, 1, 1, 0]; // exclusive or
//! fanin_nn::init::manual_seed(1);
//! let mut model = Sequential::new().add(Linear::new(2, 8)).add(Tanh).add(Linear::new(8, 2));
//! let mut adam = Adam::new(0.05);
//! let mut tape = Tape::new();
//! let mut loss = f32::MAX;
//! for _ in 0..200 {
//!     let (l, grads) = tape.value_and_grad(|t| model.forward(t.input(&x)).cross_entropy(&y));
//!     adam.step(&mut model, grads);
//!     loss = l;
//! }
//! assert!(loss < 0.05);
//! ```
//!
//! A steady step allocates nothing (but on CPUs without AVX2, once for each large product). Every
//! operation, layer and loss is checked against finite differences ([`gradcheck`]) and against PyTorch.

#[macro_use]
mod once;

// The derive writes paths of this crate.
extern crate self as fanin_nn;

mod buffer;
mod debug_build;
mod describe;
pub mod diagnose;
mod flat;
mod gradcheck;
mod idle_tape;
pub mod initialize;
pub mod io;
pub mod layers;
pub mod losses;
mod module;
mod note;
mod ops;
pub mod optim;
mod param;
pub mod parameters;
mod parts;
mod pattern;
mod rebuild;
mod summary;
mod tape;
mod terminal;

pub use buffer::Buffer;
pub use describe::{Describe, Features};
pub use fanin_derive::Parameters;
pub use fanin_init as init;
pub use fanin_tensor as tensor;
pub use fanin_tensor::{Scalar, Tensor};
pub use flat::{FlatLayout, FlatUpdate};
pub use gradcheck::{GradCheck, gradcheck, gradcheck_at, gradcheck_module};
pub use idle_tape::release_memory;
pub use initialize::{InitError, InitPlan, MuP};
pub use io::{Checkpoint, Error, Result, Sections};
pub use layers::{Linear, LinearBuilder, Sequential};
pub use module::Module;
pub use optim::{Adam, AdamW, Optimizer, Sgd};
pub use param::Param;
pub use parameters::{ParamPath, Parameters, Visitor, VisitorMut};
pub use parts::{BatchParts, EnteredParts};
pub use summary::{Row, Summary};
pub use tape::{Backward, Curve, Forward, GradientSum, Gradients, Mode, NewF64, Op, Tape, Var};
pub use terminal::{Colour, Terminal};

/// The folder of this crate's sources, as `Location::file` has it.
pub(crate) const SOURCES: &str = file!().split_at(file!().len() - "lib.rs".len()).0;
