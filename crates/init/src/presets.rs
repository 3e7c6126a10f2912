//! The default initializers of other frameworks for the weight and the bias of a linear layer.
//!
//! n is `fan_in`, m is `fan_out`. A layer with ReLU multiplies the signal's second moment by
//! n·Var(w)/2; the table ignores what biases add.
//!
//! | preset | weight | bias | per ReLU layer | read in |
//! |---|---|---|---|---|
//! | [`torch`] | U(±1/√n) | U(±1/√n) | × 1/6 | PyTorch 2.15, torch/nn/modules/linear.py |
//! | [`keras`] | U(±√(6/(n+m))) | 0 | × n/(n+m) | Keras 3, keras/src/layers/core/dense.py |
//! | [`flax`] | truncated normal, variance 1/n | 0 | × 1/2 | Flax, flax/linen/linear.py; JAX 0.10 |
//! | [`candle`] | N(0, 2/n) | U(±1/√n) | × 1 | candle-nn 0.11.1, src/linear.rs |
//! | [`tch`] | U(±√(6/n)) | U(±1/√n) | × 1 | tch 0.22.0, src/nn/linear.rs |
//! | [`burn`] | U(±1/√n) | U(±1/√n) | × 1/6 | burn-nn 0.22.1, src/modules/linear.rs |
//! | [`haiku`] | N(0, 1/n) cut at ±2/√n, variance 0.774/n | 0 | × 0.387 | Haiku 0.0.17, haiku/_src/basic.py |
//! | [`equinox`] | U(±1/√n) | U(±1/√n) | × 1/6 | Equinox 0.13.8, equinox/nn/_linear.py |
//! | [`mlx`] | U(±1/√n) | U(±1/√n) | × 1/6 | MLX 0.32.4, mlx/nn/layers/linear.py |
//! | [`tinygrad`] | U(±1/√n) | U(±1/√n) | × 1/6 | tinygrad 0.14.0, tinygrad/nn/\_\_init\_\_.py |
//! | [`flux`] | U(±√(6/(n+m))) | 0 | × n/(n+m) | Flux, src/layers/basic.jl |
//!
//! The distributions are those of the frameworks. The numbers are those of PyTorch alone, since the
//! others have other generators.
//!
//! ```
//! use fanin_init::{Initializer, ParamSpec, TorchRng, presets};
//!
//! let keras = presets::keras();
//! let w = keras.weight.draw(&ParamSpec::weight(300, 200), &[200, 300], &mut TorchRng::seed(0));
//! assert!(w.iter().all(|w| w.abs() <= (6f32 / 500.0).sqrt()));
//! ```

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::initializers::STD_WITHIN_2;
use crate::{
    FanInUniform, KaimingNormal, KaimingUniform, Scheme, VarianceScaling, XavierUniform, Zeros,
};

/// An initializer for weights and one for biases.
///
/// # Example
/// ```
/// use fanin_init::presets::{self, Preset};
/// use fanin_init::{Constant, KaimingNormal};
///
/// let house_style = Preset::new(KaimingNormal::default(), Constant(0.01));
/// let mixed = Preset { bias: house_style.bias, ..presets::flax() };
/// assert_eq!(mixed.to_string(), "weight variance_scaling, bias constant(0.01)");
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Preset {
    /// The initializer of the weights.
    pub weight: Scheme,
    /// The initializer of the biases.
    pub bias: Scheme,
}

impl Preset {
    /// A preset of your own.
    pub fn new(weight: impl Into<Scheme>, bias: impl Into<Scheme>) -> Self {
        Preset { weight: weight.into(), bias: bias.into() }
    }
}

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "weight {}, bias {}", self.weight, self.bias)
    }
}

/// All presets by name.
///
/// # Example
/// ```
/// use fanin_init::presets;
///
/// for (name, preset) in presets::all() {
///     println!("{name}: {preset}");
/// }
/// # assert_eq!(presets::all()[1].1.to_string(), "weight xavier_uniform, bias zeros");
/// ```
pub fn all() -> Vec<(&'static str, Preset)> {
    vec![
        ("torch", torch()),
        ("keras", keras()),
        ("flax", flax()),
        ("candle", candle()),
        ("tch", tch()),
        ("burn", burn()),
        ("haiku", haiku()),
        ("equinox", equinox()),
        ("mlx", mlx()),
        ("tinygrad", tinygrad()),
        ("flux", flux()),
    ]
}

/// PyTorch's `nn.Linear`: weight and bias U(±1/√n). The same seed gives the same numbers.
///
/// # Reference
/// `Linear.reset_parameters` in torch/nn/modules/linear.py of PyTorch 2.15: `kaiming_uniform_` with
/// a = √5, and the bias uniform within 1/√n.
pub fn torch() -> Preset {
    Preset::new(KaimingUniform::torch_default(), FanInUniform)
}

/// Keras' `Dense`: weight U(±√(6/(n+m))), bias 0.
///
/// # Reference
/// keras/src/layers/core/dense.py of Keras 3 (commit 01b8036): `kernel_initializer="glorot_uniform"`,
/// `bias_initializer="zeros"`.
pub fn keras() -> Preset {
    Preset::new(XavierUniform::default(), Zeros)
}

/// Flax' `Dense`: weight truncated normal of variance 1/n, bias 0.
///
/// # Reference
/// flax/linen/linear.py (commit 02603f6): `lecun_normal()` and `zeros_init()`; the former is
/// `variance_scaling(1.0, "fan_in", "truncated_normal")` in jax/_src/nn/initializers.py of JAX
/// 0.10.2.
pub fn flax() -> Preset {
    Preset::new(VarianceScaling::default(), Zeros)
}

/// candle's `linear`: weight N(0, 2/n), bias U(±1/√n).
///
/// # Reference
/// `linear` in src/linear.rs of candle-nn 0.11.1: `DEFAULT_KAIMING_NORMAL`, whose gain is ReLU's √2
/// and whose fan is `fan_in`.
pub fn candle() -> Preset {
    Preset::new(KaimingNormal::default(), FanInUniform)
}

/// tch's `nn::linear`: weight U(±√(6/n)), which is not PyTorch's, bias U(±1/√n), which is.
///
/// # Reference
/// `LinearConfig::default` and `linear` in src/nn/linear.rs of tch 0.22.0:
/// `DEFAULT_KAIMING_UNIFORM`, whose gain is ReLU's √2 and whose fan is `fan_in`.
pub fn tch() -> Preset {
    Preset::new(KaimingUniform::default(), FanInUniform)
}

/// burn's `Linear`: one initializer for both, U(±1/√n).
///
/// # Reference
/// `LinearConfig` in src/modules/linear.rs of burn-nn 0.22.1: `KaimingUniform` of gain 1/√3, for the
/// weight and, with the weight's fans, for the bias. (In its column layout the two fans change
/// places.)
pub fn burn() -> Preset {
    let initializer = KaimingUniform::default().gain(1.0 / 3f64.sqrt());
    Preset::new(initializer, initializer)
}

/// Haiku's `Linear`: weight truncated normal of standard deviation 1/√n *before* it is cut at two of
/// these, so variance 0.7737/n, bias 0. Flax, whose weights have variance 1/n, corrects for the cut.
///
/// # Reference
/// `Linear.__call__` in haiku/_src/basic.py of Haiku 0.0.17:
/// `TruncatedNormal(stddev=1/sqrt(input_size))`, and `jnp.zeros`.
pub fn haiku() -> Preset {
    Preset::new(VarianceScaling::new(VARIANCE_WITHIN_2), Zeros)
}

/// Equinox' `Linear`: weight and bias U(±1/√n), as PyTorch's.
///
/// # Reference
/// `Linear.__init__` in equinox/nn/_linear.py and `default_init` in equinox/nn/_misc.py of Equinox
/// 0.13.8.
pub fn equinox() -> Preset {
    torch()
}

/// MLX' `nn.Linear`: weight and bias U(±1/√n), as PyTorch's.
///
/// # Reference
/// `Linear.__init__` in mlx/nn/layers/linear.py of MLX 0.32.4.
pub fn mlx() -> Preset {
    torch()
}

/// tinygrad's `nn.Linear`: weight and bias U(±1/√n), as PyTorch's.
///
/// # Reference
/// `Linear.__init__` in tinygrad/nn/\_\_init\_\_.py of tinygrad 0.14.0.
pub fn tinygrad() -> Preset {
    torch()
}

/// Flux' `Dense`: weight U(±√(6/(n+m))), bias 0, as Keras'.
///
/// # Reference
/// `Dense` in src/layers/basic.jl (commit 00ba124) and `glorot_uniform` in src/utils.jl (commit
/// 0012473) of Flux.
pub fn flux() -> Preset {
    keras()
}

/// The variance of a unit normal truncated at ±2.
const VARIANCE_WITHIN_2: f64 = STD_WITHIN_2 * STD_WITHIN_2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presets_survive_serde() {
        for (name, preset) in all() {
            let text = serde_json::to_string(&preset).unwrap();
            assert_eq!(serde_json::from_str::<Preset>(&text).unwrap(), preset, "{name}: {text}");
        }
        let bad = r#"{"weight":"normal(0, -1)","bias":"zeros"}"#;
        let error = serde_json::from_str::<Preset>(bad).unwrap_err().to_string();
        assert!(error.contains("standard deviation -1.0"), "{error}");
    }

    #[test]
    fn frameworks_differ_where_they_do() {
        assert_eq!(torch().bias, tch().bias);
        assert_ne!(torch().weight, tch().weight);
        assert_ne!(flax(), keras());
    }
}
