//! Layers: structs with a `forward`.

mod activation;
mod dropout;
mod fixup;
mod linear;
mod residual;
mod sequential;
mod spec;

pub use activation::{
    Elu, Gelu, GeluTanh, LeakyRelu, LogSoftmax, Relu, Selu, Sigmoid, Silu, Softmax, Softplus, Tanh,
};
pub use dropout::Dropout;
pub use fixup::FixupBranch;
pub use linear::{Linear, LinearBuilder};
pub use residual::Residual;
pub use sequential::Sequential;
pub use spec::{AlphaSpec, LayerSpec, LinearSpec, NetworkSpec, ResidualSpec, SpecError};
