//! Weight initialization for [`ndarray`]: pluggable initializers, and PyTorch's generator bit for bit.
//!
//! An initializer implements [`Initializer`]: it fills a view of f32 numbers from a generator. It
//! knows the parameter's fans from a [`ParamSpec`]. With [`TorchRng`] as the generator, the numbers
//! are those of `torch.nn.init` after `torch.manual_seed` with the same seed.
//!
//! ```
//! use fanin_init::ndarray::Array2;
//! use fanin_init::{Initializer, KaimingNormal, ParamSpec, TorchRng, Zeros, from_fn};
//!
//! // A layer of 784 → 128, for ReLU.
//! let mut rng = TorchRng::seed(42);
//! let mut weight = Array2::zeros((128, 784));
//! let spec = ParamSpec::weight(784, 128);
//! KaimingNormal::default().fill(&spec, &mut rng, weight.view_mut().into_dyn());
//! assert!((weight.std(0.0) - (2f32 / 784.0).sqrt()).abs() < 1e-3);
//!
//! // New arrays; initializers chosen at run time, or written as closures.
//! let bias = Zeros.draw(&ParamSpec::bias(784, 128), &[128], &mut rng);
//! assert_eq!(bias.sum(), 0.0);
//! let initializers: Vec<Box<dyn Initializer>> =
//!     vec![Box::new(Zeros), Box::new(from_fn(|_, _, mut values| values.fill(0.01)))];
//! # assert_eq!(initializers.len(), 2);
//! ```
//!
//! # The initializers
//! n is `fan_in`, m is `fan_out`, g the gain. All have mean 0 unless they say otherwise.
//!
//! | initializer | variance | source | elsewhere |
//! |---|---|---|---|
//! | [`Zeros`], [`Ones`], [`Constant`] | 0 | | PyTorch `zeros_` `ones_` `constant_`, Keras, JAX, MLX `constant` |
//! | [`Uniform`] on `[a, b)` | (b−a)²/12 | | PyTorch `uniform_`, Keras `RandomUniform`, JAX, MLX `uniform` |
//! | [`FanInUniform`] | 1/(3n) | | every bias of PyTorch's `Linear` and convolutions |
//! | [`Normal`] | σ² | | PyTorch `normal_`, Keras `RandomNormal`, JAX, MLX `normal` |
//! | [`TruncatedNormal`] | see there | | PyTorch `trunc_normal_`, Flux `truncated_normal` |
//! | [`TruncatedNormal::std`] | 0.774·std² | | Keras `TruncatedNormal`, JAX `truncated_normal` |
//! | [`TruncatedNormal::corrected`] | std² | | within Keras' and JAX' `variance_scaling` |
//! | [`XavierUniform`] | 2g²/(n+m) | Glorot & Bengio 2010 | PyTorch `xavier_uniform_`, Keras, JAX, Flux, MLX `glorot_uniform` |
//! | [`XavierNormal`] | 2g²/(n+m) | Glorot & Bengio 2010 | PyTorch `xavier_normal_`, Flux, MLX `glorot_normal` |
//! | [`KaimingUniform`] | g²/n or g²/m | He et al. 2015 | PyTorch `kaiming_uniform_`, Flux `kaiming_uniform`, Keras, JAX `he_uniform`, JAX `kaiming_uniform` |
//! | [`KaimingUniform::torch_default`] | 1/(3n) | | every weight of PyTorch's `Linear` and convolutions |
//! | [`KaimingNormal`] | g²/n or g²/m | He et al. 2015 | PyTorch `kaiming_normal_`, Flux `kaiming_normal` |
//! | [`LecunUniform`] | 1/n | LeCun et al. 1998 | Keras, JAX `lecun_uniform`; MLX `he_uniform`, whose gain is 1 by default |
//! | [`LecunNormal`] | 1/n | LeCun et al. 1998, Klambauer et al. 2017 | PyTorch `kaiming_normal_` with `linear`; MLX `he_normal`, whose gain is 1 by default |
//! | [`SmallInit`] | 2/(5n) | Nguyen & Salazar 2019 | GPT-NeoX `small_init` |
//! | [`VarianceScaling`] | scale/n, /m, /((n+m)/2) or /√(nm) | | Keras, JAX `variance_scaling`; the truncated `he_normal`, `glorot_normal`, `lecun_normal`, and JAX' other names of the first two, `kaiming_normal` and `xavier_normal` |
//! | [`Orthogonal`] | g²/max(rows, columns) | Saxe et al. 2013 | PyTorch `orthogonal_`, Keras `Orthogonal`, JAX, Flux, MLX `orthogonal` |
//! | [`Auto`] | g²/n, /m or /((n+m)/2), g of the activation that follows | He et al. 2015, eq. 9 | |
//! | [`EdgeOfChaos`] | σ_w²/n, biases σ_b² | Poole et al. 2016, Schoenholz et al. 2017 | |
//! | [`ZerO`] | no draw | Zhao et al. 2021 | |
//! | [`IdInit`] | no draw unless loosened | Pan et al. 2025 | |
//! | [`LooksLinear`] | that of [`Orthogonal`] blocks | Balduzzi et al. 2017, Burkholz & Dubatovka 2019 | |
//! | [`RandomizedAsymmetric`] | 0.6007²/n and one Beta(2, 1) a unit, mean 2/(3(n+1)) | Lu et al. 2019 | |
//! | [`Sinusoidal`] | 2/(n+m), no draw | Fernández-Hernández et al. 2025 | |
//! | [`Siren`] | 1/(3n²), then 2/(n·ω₀²) | Sitzmann et al. 2020 | |
//! | [`DepthScaled`] | σ²/branches | Radford et al. 2019 | |
//! | [`Fixup`] | g²/n · L^(−1/(m−1)) for L branches of m layers | Zhang et al. 2019 | |
//! | [`RandomWalk`] | g(n)²/n | Sussillo & Abbott 2014 | |
//! | [`DeltaOrthogonal`] | g²/out at the kernel's centre, else 0 | Xiao et al. 2018 | JAX `delta_orthogonal` |
//! | [`Identity`] | 0: g on the diagonal | Le et al. 2015 | PyTorch `eye_`, Keras `Identity`, Flux `identity_init` with its shift, MLX `identity` |
//! | [`Dirac`] | 0: 1 at the kernel's centre | Zagoruyko & Komodakis 2017 | PyTorch `dirac_` |
//! | [`Sparse`] | σ²·(1−sparsity) | after Martens 2010 | PyTorch `sparse_`, Flux `sparse_init` |
//! | [`SparseRows`] of k inputs | σ²·k/n | Martens 2010 | MLX `sparse`, which is given 1−k/n |
//! | [`NguyenWidrow`], weight | (0.7·m^(1/n))²/n, times 4 or 16 in MATLAB's form | Nguyen & Widrow 1990 | MATLAB `initnw`: [`NguyenWidrowForm`] |
//! | [`NguyenWidrow`], bias | (0.7·m^(1/n))²/3, evenly spaced in MATLAB's form | Nguyen & Widrow 1990 | |
//! | [`LogPrior`], [`LogitPrior`], biases | 0: a prior's logarithm, logit | Lin et al. 2017 | |
//! | [`FromDistribution`] | the distribution's | | any of [`rand_distr`] |
//! | [`from_fn`] | yours | | |
//!
//! Keras' `STFT` is missing on purpose: it is the kernel of a Fourier transform, not an initializer
//! of weights that are trained.
//!
//! [`Scheme`] holds any of them but the last two, and can be written as text:
//! `"kaiming_normal(mode=fan_out)"`. [`presets`] has the pairs with which PyTorch, Keras, Flax,
//! Haiku, Equinox, MLX, tinygrad, Flux, candle, tch and burn initialize a linear layer.
//!
//! # What the sources are
//! The names and defaults of PyTorch, Keras, JAX, Flax, Haiku, Equinox, MLX and tinygrad were read
//! in their installed sources, those of Flux, candle, tch and burn in their repositories.
//! [`ZerO`], [`Fixup`], [`Siren`], [`RandomizedAsymmetric`] and [`Sinusoidal`] were held against the
//! code that their authors released, [`NguyenWidrow`]'s forms against `initnw`. The formulas of the
//! others are those of the papers named. The numbers of sections, equations and figures are for
//! orientation: most were cited from memory or from secondary sources. What could not be read at all
//! is said where it matters, as in [`IdInit`].
//!
//! # Agreement with PyTorch
//! With the same seed, constants, identities, permutations and all uniform and normal initializers,
//! [`Sparse`] included, agree bit for bit with PyTorch 2.15 on an x86-64 CPU with AVX2. Orthogonal
//! ones agree within 1e-5 of their gain. (On older or other CPUs PyTorch itself gives normal
//! numbers that differ from those by up to 2.4e-6.) The tests compare with numbers that PyTorch has
//! written (`golden/`). [`manual_seed`] seeds the [default generator](default_rng) of the calling
//! thread.
//!
//! The same seed gives the same numbers in every memory layout of the view. It gives the same
//! numbers on every CPU too, except for orthogonal initializers: their matrix products use the
//! CPU's vector instructions.
//!
//! # Speed
//! `python3 benches/fill.py` fills weights by this crate and by PyTorch in turn. On two cores with
//! AVX2 this crate takes less time for uniform, normal, truncated and orthogonal weights. On a CPU
//! without fused multiply-add, normal numbers take about four times as long.

mod distribution;
mod fan;
mod gain;
mod initializer;
mod initializers;
mod nonlinearity;
mod numerics;
mod param;
mod position;
pub mod presets;
mod random;
mod scheme;

pub use distribution::Distribution;
pub use fan::Fan;
pub use gain::Gain;
pub use initializer::{Initializer, from_fn};
pub use initializers::*;
pub use nonlinearity::Nonlinearity;
pub use numerics::quadrature::expectation;
pub use param::{ParamKind, ParamSpec, fans};
pub use position::Position;
pub use random::default_rng::{DefaultRng, default_rng, manual_seed, with_default_rng};
pub use random::permutation::{epoch_order, randperm};
pub use random::torch_rng::TorchRng;
pub use scheme::{ParseSchemeError, Scheme};
// For the messages of fanin-nn, which names what is nearest too.
#[doc(hidden)]
pub use scheme::edit_distance;

pub use ndarray;
pub use ndarray_rand::rand_distr;
pub use rand;
