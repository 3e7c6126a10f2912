//! Layers: structs with a `forward`.

mod activation;
mod alpha_dropout;
mod bilinear;
mod cast;
mod draw;
mod dropout;
mod embedding;
mod fixup;
mod glu;
mod layer;
mod linear;
mod norm;
mod prelu;
mod residual;
mod rrelu;
mod sequential;
mod spec;

pub use activation::*;
pub use alpha_dropout::AlphaDropout;
pub use bilinear::{Bilinear, BilinearBuilder};
pub use dropout::Dropout;
pub use embedding::{Embedding, EmbeddingBuilder};
pub use fixup::FixupBranch;
pub use glu::{Geglu, Glu, Reglu, Swiglu};
pub use layer::Layer;
pub use linear::{Linear, LinearBuilder};
pub use norm::{BatchNorm1d, LayerNorm};
pub use prelu::Prelu;
pub use residual::Residual;
pub use rrelu::Rrelu;
pub use sequential::Sequential;
pub use spec::{AlphaSpec, LayerSpec, LinearSpec, NetworkSpec, PreluSpec, ResidualSpec, SpecError};
