//! Gradients, layers and training for small networks.

mod debug_build;
pub mod io;
pub mod layers;
mod module;
mod ops;
pub mod optim;
mod param;
mod predict;
mod tape;

pub use fanin_init as init;
pub use fanin_tensor as tensor;
pub use fanin_tensor::{Scalar, Tensor};
pub use io::{Checkpoint, Error, Result};
pub use layers::{Linear, LinearBuilder, Sequential};
pub use module::{Features, Module, ParamList, ParamPath, Show, ShowMut};
pub use optim::{Adam, AdamW, Optimizer, Sgd};
pub use param::Param;
pub use tape::{
    Backward, Forward, GradCheck, Gradients, Op, Tape, Var, gradcheck, gradcheck_at,
    gradcheck_module,
};
