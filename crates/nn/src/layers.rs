//! Layers: structs with a `forward`.

mod activation;
mod alpha_dropout;
mod bilinear;
mod cast;
mod draw;
mod dropout;
mod embedding;
mod embedding_bag;
mod fixup;
mod glu;
mod lambda;
mod layer;
mod linear;
mod norm;
mod parallel;
mod prelu;
mod reshaping;
mod residual;
mod rrelu;
mod sequential;
mod spec;
mod spectral_norm;
mod weight_norm;

pub use activation::*;
pub use alpha_dropout::AlphaDropout;
pub use bilinear::{Bilinear, BilinearBuilder};
pub use dropout::Dropout;
pub use embedding::{Embedding, EmbeddingBuilder};
pub use embedding_bag::{BagMode, EmbeddingBag};
pub use fixup::FixupBranch;
pub use glu::{Geglu, Glu, Reglu, Swiglu};
pub use lambda::Lambda;
pub use layer::Layer;
pub use linear::{Linear, LinearBuilder};
pub use norm::{BatchNorm1d, GroupNorm, LayerNorm, RmsNorm};
pub use parallel::Parallel;
pub use prelu::Prelu;
pub use reshaping::{Flatten, Identity, Identity as Passthrough, Unflatten};
pub use residual::Residual;
pub use rrelu::Rrelu;
pub use sequential::Sequential;
pub use spec::{
    AlphaSpec, BatchNorm1dSpec, GroupNormSpec, Join, LayerNormSpec, LayerSpec, LinearSpec,
    NamedSpec, NetworkSpec, ParallelSpec, PreluSpec, ResidualSpec, RmsNormSpec, SpecError,
};
pub use spectral_norm::SpectralNorm;
pub use weight_norm::WeightNorm;
