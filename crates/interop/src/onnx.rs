//! `.onnx`: a network with its weights, for ONNX Runtime and others.
//!
//! ```python
//! session = onnxruntime.InferenceSession("model.onnx")
//! [y] = session.run(None, {"input": x})
//! ```
//!
//! [`Writer`] exports a network as it predicts: dropout is left out, running statistics are constants, and
//! the weights of `WeightNorm` and `SpectralNorm` are multiplied out. The file is of opset 17 and IR version
//! 8. It has one input, `input`, and one output, `output`. Their first axis is the batch, of any size. Weights
//! have PyTorch's [`names`](crate::names).
//!
//! [`Reader`] imports MLPs, as `torch.onnx.export` (both exporters) and `skl2onnx` write them: see
//! [`Reader::build`].

mod build;
mod export;
mod graph;
mod import;
mod net;
mod patterns;
mod proto;

pub use export::Writer;
pub use import::Reader;
