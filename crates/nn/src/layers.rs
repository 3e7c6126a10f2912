//! Layers: structs with a `forward`.

mod activation;
mod dropout;
mod linear;
mod sequential;
mod spec;

pub use activation::{
    Elu, Gelu, GeluTanh, LeakyRelu, LogSoftmax, Relu, Selu, Sigmoid, Silu, Softmax, Softplus, Tanh,
};
pub use dropout::Dropout;
pub use linear::{Linear, LinearBuilder};
pub use sequential::Sequential;
pub use spec::{LayerSpec, LinearSpec, NetworkSpec, SpecError};
