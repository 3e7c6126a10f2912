//! A small neural-net framework with pluggable weight initialization: PyTorch's defaults, bit for bit
//! under the same seed, any other initializer for any layer, and training that is fast on a CPU.
//!
//! ```
//! use fanin::prelude::*;
//!
//! fn main() -> fanin::Result<()> {
//!     manual_seed(42);                                     // the weights torch.manual_seed(42) gives
//!     let (train, test) = datasets::mnist_bundled();       // mnist()? also looks for the full set
//!     let mut model = Sequential::new()
//!         .add(Linear::new(784, 128))                      // Kaiming-uniform, as PyTorch
//!         .add(Relu)
//!         .add(Linear::builder(128, 10).weight(XavierNormal::default()).bias(Zeros).build());
//!     let mut adam = Adam::new(1e-3);
//!     let mut tape = Tape::new();
//!     for _ in 0..5 {
//!         for (x, y) in train.batches(64).shuffle() {
//!             let (_, grads) = tape.value_and_grad(|t| model.forward(t.input(&x)).cross_entropy(&y));
//!             adam.step(&mut model, grads);
//!         }
//!     }
//!     assert!(accuracy(&model, &test) > 0.9);
//!     Ok(())
//! }
//! ```
//!
//! The parts: [`init`] has the initializers and PyTorch's generator, [`nn`] gradients, layers and
//! optimizers, [`tensor`] arrays and their kernels, [`datasets`] MNIST, tables and batches, [`train`]
//! the trainer and metrics. The [`guide`]s teach initialization, what PyTorch's names are called here,
//! and how a training step works.
//!
//! # Features
//! All but `download` and `interop` are on by default. `default-features = false` leaves tensors, initializers, layers,
//! optimizers and model files: what a server needs to predict, as in `examples/serve`. A server that scales its
//! inputs as the training did takes `datasets` too, for `Pipeline`. The guide on performance says how the program
//! becomes small.
//!
//! | feature | adds |
//! |---|---|
//! | `csv` | [`datasets::csv`], and with it `datasets` |
//! | `ctrl-c` | Ctrl-C ends training after the current step |
//! | `datasets` | [`datasets`] |
//! | `download` | `datasets::mnist_download` and `fashion_mnist_download`, and with them `datasets` |
//! | `interop` | `interop`: safetensors, npz, ONNX and PyTorch's `.pt` |
//! | `train` | [`train`], and with it `datasets` |

mod error;
#[cfg(all(any(doc, doctest), feature = "train"))]
pub mod guide;
pub mod prelude;

pub use error::{Error, Result};
#[cfg(feature = "datasets")]
pub use fanin_datasets as datasets;
/// `#[derive(Parameters)]`: see the trait [`nn::Parameters`].
pub use fanin_derive::FacadeParameters as Parameters;
pub use fanin_init as init;
pub use fanin_init::manual_seed;
pub use fanin_init::rand;
#[cfg(feature = "interop")]
pub use fanin_interop as interop;
pub use fanin_nn as nn;
pub use fanin_nn::parameters::Parameters;
pub use fanin_nn::{Linear, Module, Param, Sequential, Tape, Var, release_memory};
pub use fanin_tensor as tensor;
pub use fanin_tensor::Tensor;
pub use fanin_tensor::ndarray;
#[cfg(feature = "train")]
pub use fanin_train as train;
#[cfg(feature = "train")]
pub use fanin_train::{
    ConfusionMatrix, History, Sweep, Trainer, accuracy, confusion_matrix, evaluate, metrics,
};

/// The programs of the README, compiled and run as tests.
#[cfg(all(doctest, feature = "train"))]
#[doc = include_str!("../../../README.md")]
mod readme {}
