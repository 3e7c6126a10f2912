//! What a program that builds and trains a network uses: `use fanin::prelude::*;`

#[cfg(feature = "datasets")]
pub use crate::datasets;
#[cfg(feature = "datasets")]
pub use fanin_datasets::{Data, Frame, Pipeline, Preprocessor, Subset, Table};
pub use fanin_derive::FacadeParameters as Parameters;
pub use fanin_init::rand::rngs::StdRng;
pub use fanin_init::rand::{Rng, RngCore, SeedableRng};
pub use fanin_init::{
    Auto, Constant, DeltaOrthogonal, DepthScaled, Dirac, EdgeOfChaos, Fan, FanInUniform, Fixup,
    FromDistribution, Gain, HadamardScale, IdInit, Identity, Initializer, KaimingNormal,
    KaimingUniform, LecunNormal, LecunUniform, LogPrior, LogitPrior, LooksLinear, NguyenWidrow,
    NguyenWidrowForm, Nonlinearity, Normal, Ones, Orthogonal, ParamKind, ParamSpec, Position,
    RandomWalk, RandomizedAsymmetric, Scheme, Sinusoidal, Siren, SmallInit, Sparse, SparseRows,
    TorchRng, TruncatedNormal, Uniform, VarianceScaling, XavierNormal, XavierUniform, ZerO, Zeros,
    default_rng, from_fn, manual_seed, presets,
};
pub use fanin_nn::diagnose::{Fault, InitReport, Probe};
pub use fanin_nn::initialize::{ClassPrior, Krahenbuhl, Lsuv, UnitNorm};
pub use fanin_nn::layers::*;
pub use fanin_nn::losses::{self, *};
pub use fanin_nn::optim::*;
pub use fanin_nn::parameters::{ParamPath, Parameters, Visitor, VisitorMut};
pub use fanin_nn::{
    Backward, Buffer, Checkpoint, Curve, Describe, Features, Forward, GradientSum, Gradients,
    InitError, InitPlan, Mode, Module, MuP, NewF64, Op, Param, Sections, Tape, Var, gradcheck,
    gradcheck_at, gradcheck_module,
};
pub use fanin_tensor::ndarray::ArrayViewMutD;
pub use fanin_tensor::{Scalar, Tensor};
#[cfg(feature = "train")]
pub use fanin_train::metrics::{Accuracy, Metric};
#[cfg(feature = "train")]
pub use fanin_train::schedule::*;
#[cfg(feature = "train")]
pub use fanin_train::{
    Checkpoints, DataParallel, EarlyStopping, Epoch, History, LineChart, LrFinder, Schedule,
    Stopped, Sweep, Trainer, Trial, accuracy, confusion_matrix, evaluate, metrics, predict_all,
};
