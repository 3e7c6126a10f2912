//! Layers: structs with a `forward`.

mod activation;
mod dropout;
mod fixup;
mod linear;
mod residual;
mod sequential;
mod spec;

pub use activation::*;
pub use dropout::Dropout;
pub use fixup::FixupBranch;
pub use linear::{Linear, LinearBuilder};
pub use residual::Residual;
pub use sequential::Sequential;
pub use spec::{AlphaSpec, LayerSpec, LinearSpec, NetworkSpec, ResidualSpec, SpecError};
