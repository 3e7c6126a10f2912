//! What a program that builds and trains a network uses: `use fanin::prelude::*;`

#[cfg(feature = "datasets")]
pub use crate::datasets;
#[cfg(feature = "datasets")]
pub use fanin_datasets::{Data, Table};
pub use fanin_init::rand::rngs::StdRng;
pub use fanin_init::rand::{Rng, RngCore, SeedableRng};
pub use fanin_init::{
    Auto, Constant, DeltaOrthogonal, DepthScaled, Dirac, EdgeOfChaos, Fan, FanInUniform, Fixup,
    FromDistribution, Gain, HadamardScale, IdInit, Identity, Initializer, KaimingNormal,
    KaimingUniform, LecunNormal, LecunUniform, LogPrior, LogitPrior, LooksLinear, NguyenWidrow,
    Nonlinearity, Normal, Ones, Orthogonal, ParamKind, ParamSpec, Position, RandomWalk,
    RandomizedAsymmetric, Scheme, Siren, Sparse, SparseRows, TorchRng, TruncatedNormal, Uniform,
    VarianceScaling, XavierNormal, XavierUniform, ZerO, Zeros, from_fn, manual_seed, presets,
};
pub use fanin_nn::data_init::{ClassPrior, Krahenbuhl, Lsuv, UnitNorm};
pub use fanin_nn::diagnose::{Fault, InitReport, Probe};
pub use fanin_nn::layers::{
    AlphaSpec, Dropout, Elu, FixupBranch, Gelu, GeluTanh, LayerSpec, LeakyRelu, Linear, LinearSpec,
    LogSoftmax, NetworkSpec, Relu, Residual, ResidualSpec, Selu, Sequential, Sigmoid, Silu,
    Softmax, Softplus, Tanh,
};
pub use fanin_nn::optim::{Adam, AdamW, Optimizer, Sgd};
pub use fanin_nn::{
    Backward, Checkpoint, Curve, Features, Forward, Gradients, InitError, InitPlan, Module, MuP,
    Op, Param, Tape, Var, gradcheck, gradcheck_module, module,
};
pub use fanin_tensor::ndarray::ArrayViewMutD;
pub use fanin_tensor::{Scalar, Tensor};
#[cfg(feature = "train")]
pub use fanin_train::{accuracy, confusion_matrix, evaluate, metrics};
