//! Layers: structs with a `forward`.

mod activation;
mod bilinear;
mod cast;
mod draw;
mod dropout;
mod embedding;
mod fixup;
mod layer;
mod linear;
mod norm;
mod residual;
mod sequential;
mod spec;

pub use activation::*;
pub use bilinear::{Bilinear, BilinearBuilder};
pub use dropout::Dropout;
pub use embedding::{Embedding, EmbeddingBuilder};
pub use fixup::FixupBranch;
pub use layer::Layer;
pub use linear::{Linear, LinearBuilder};
pub use norm::{BatchNorm1d, LayerNorm};
pub use residual::Residual;
pub use sequential::Sequential;
pub use spec::{AlphaSpec, LayerSpec, LinearSpec, NetworkSpec, ResidualSpec, SpecError};
