//! Models of fanin to and from PyTorch, NumPy and ONNX Runtime.
//!
//! | module | files | reads | writes |
//! |---|---|---|---|
//! | [`safetensors`] | `.safetensors`, with the architecture and an optimizer's state | yes | yes |
//! | [`npz`] | `.npz` and `.npy` of NumPy | yes | yes |
//! | [`torch`] | `.pt` and `.pth`: state dicts of `torch.save` | yes | no |
//! | [`onnx`] | `.onnx`: a network with its weights | MLPs | any network that a [`NetworkSpec`] describes |
//!
//! Tensors are matched by name. A file has PyTorch's names, which are fanin's paths but for two layers:
//! [`names`] lists them. So what fanin writes goes into `load_state_dict` without glue, and a state dict of
//! PyTorch's goes into a model of fanin, a struct of your own too.
//!
//! Every reader takes files from anywhere. A broken file gives an [`Error`], whatever its bytes are. It
//! never runs code, and a reader allocates no more than a small multiple of the file and the model.
//!
//! # Example
//! ```
//! use fanin_interop::safetensors;
//! use fanin_nn::layers::Relu;
//! use fanin_nn::{Linear, Sequential};
//!
//! let build = || Sequential::new().add(Linear::new(4, 16)).add(Relu).add(Linear::new(16, 3));
//! let (trained, mut model) = (build(), build());
//! let bytes = safetensors::to_bytes(&trained)?;        // torch: model.load_state_dict(load(bytes))
//! safetensors::load_bytes(&mut model, &bytes)?;
//! assert_eq!(model.get::<Linear>(0).unwrap().weight(), trained.get::<Linear>(0).unwrap().weight());
//! # Ok::<(), fanin_interop::Error>(())
//! ```
//!
//! [`NetworkSpec`]: fanin_nn::layers::NetworkSpec

mod archive;
mod element;
mod entry;
mod error;
mod file;
mod model;
pub mod names;
pub mod npz;
pub mod onnx;
mod report;
pub mod safetensors;
pub mod torch;

pub use error::{Error, Result};
pub use report::{Mismatch, Report};
