//! Normal weights with which the logarithm of a gradient's length stays constant on average.

use std::f64::consts::SQRT_2;

use ndarray::ArrayViewMutD;
use rand::RngCore;
use serde::{Deserialize, Serialize};

use crate::initializer::require;
use crate::random::draw;
use crate::scheme::{fields, words};
use crate::{Fan, Initializer, ParamSpec};

/// N(0, g²/N) with a gain g that depends on the width N = `fan_in`, by activation.
///
/// | activation | g |
/// |---|---|
/// | `Linear` | `exp(1/(2N))` |
/// | `Relu` | `√2·exp(1.2/(max(N, 6) − 2.4))` |
/// | `Tanh` | 1.13 |
///
/// From layer to layer the logarithm of the squared length of a gradient makes a random step. With
/// He's √2 the *square* of the length has the right mean. But its *logarithm* falls on average, by
/// about 1/N in a linear and 2.4/N in a ReLU layer, and the gradients of most deep narrow networks
/// vanish. This g makes the mean step of the logarithm 0. The logarithm still varies, as
/// √(depth/N). In wide layers g is the usual gain.
///
/// # Panics
/// `fill` panics when fan_in is 0.
///
/// # Example
/// ```
/// use fanin_init::{Initializer, KaimingNormal, ParamSpec, RandomWalk, TorchRng};
///
/// assert!((RandomWalk::Relu.gain(100) - 1.4318).abs() < 1e-4);
/// assert!((RandomWalk::Relu.gain(1_000_000) - 2f64.sqrt()).abs() < 1e-5);
/// let w = RandomWalk::Relu.draw(&ParamSpec::weight(300, 200), &[200, 300], &mut TorchRng::seed(0));
/// assert!((w.std(0.0) - 1.42f32 / 300f32.sqrt()).abs() < 1e-3);
/// ```
///
/// # Reference
/// Sussillo & Abbott 2014, "Random Walk Initialization for Training Very Deep Feedforward
/// Networks": g of linear networks is exact to the order 1/N, that of ReLU a fit to numbers. The
/// paper has no formula for tanh; 1.13 is the value of the implementation in early versions of
/// TensorFlow, "for many layer widths". There too N is the number of inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum RandomWalk {
    /// No activation.
    Linear,
    /// `max(x, 0)`.
    Relu,
    /// `tanh x`.
    Tanh,
}

impl RandomWalk {
    /// g, for layers of this many inputs.
    ///
    /// # Panics
    /// When there are none.
    #[track_caller]
    pub fn gain(self, inputs: usize) -> f64 {
        assert!(inputs > 0, "RandomWalk: there is no gain for 0 inputs");
        let n = inputs as f64;
        match self {
            RandomWalk::Linear => (1.0 / (2.0 * n)).exp(),
            RandomWalk::Relu => SQRT_2 * (1.2 / (n.max(6.0) - 2.4)).exp(),
            RandomWalk::Tanh => 1.13,
        }
    }
}

words!(RandomWalk { Linear: "linear", Relu: "relu", Tanh: "tanh" });
fields!(RandomWalk as value);

impl Initializer for RandomWalk {
    fn fill(&self, param: &ParamSpec, rng: &mut dyn RngCore, values: ArrayViewMutD<'_, f32>) {
        require(self, param, values.shape());
        if values.is_empty() {
            return;
        }
        let std = self.gain(param.fan_in) / (param.fan_in as f64).sqrt();
        draw::fill_normal(rng, values, 0.0, std);
    }

    fn check(&self, param: &ParamSpec, shape: &[usize]) -> Result<(), String> {
        Fan::In.check("RandomWalk", param, shape)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TorchRng;

    #[test]
    #[should_panic(expected = "RandomWalk: fan_in of `weight` is 0")]
    fn no_inputs_are_refused() {
        RandomWalk::Relu.draw(&ParamSpec::weight(0, 3), &[3], &mut TorchRng::seed(0));
    }

    #[test]
    fn gains_are_those_of_the_formulas() {
        // These factors are too near 1 to be seen in the moments of a sample.
        for (initializer, inputs, want) in [
            (RandomWalk::Linear, 1, 0.5f64.exp()),
            (RandomWalk::Linear, 10, 0.05f64.exp()),
            (RandomWalk::Relu, 100, SQRT_2 * (1.2 / 97.6f64).exp()),
            (RandomWalk::Relu, 6, SQRT_2 * (1.2 / 3.6f64).exp()),
            (RandomWalk::Relu, 2, SQRT_2 * (1.2 / 3.6f64).exp()),
            (RandomWalk::Tanh, 3, 1.13),
        ] {
            assert!(
                (initializer.gain(inputs) - want).abs() < 1e-14,
                "{initializer:?}, {inputs} inputs"
            );
        }
    }

    #[test]
    fn serde_refuses_an_unknown_activation() {
        let text = serde_json::to_string(&RandomWalk::Tanh).unwrap();
        assert_eq!(serde_json::from_str::<RandomWalk>(&text).unwrap(), RandomWalk::Tanh);
        let error = serde_json::from_str::<RandomWalk>("\"Sine\"").unwrap_err().to_string();
        assert!(error.contains("unknown variant `Sine`"), "{error}");
    }
}
