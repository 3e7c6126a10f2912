//! He's initializers, made for rectifiers.

use ndarray::ArrayViewMutD;
use rand::RngCore;
use serde::{Deserialize, Serialize};

use crate::initializer::require;
use crate::random::draw;
use crate::scheme::fields;
use crate::{Fan, Gain, Initializer, Nonlinearity, ParamSpec};

/// Mean 0, variance `gain²/fan`, uniform: U(±gain·√(3/fan)).
///
/// The draw is `torch.nn.init.kaiming_uniform_`, bit for bit. The default has gain √2 and
/// [`Fan::In`], as there: variance `2/fan_in`, which keeps a signal's second moment through ReLU.
///
/// # Panics
/// `fill` panics when the fan is 0.
///
/// # Example
/// ```
/// use fanin_init::{Fan, Initializer, KaimingUniform, Nonlinearity, ParamSpec, TorchRng};
///
/// let initializer = KaimingUniform::default().nonlinearity(Nonlinearity::LeakyRelu(0.2)).fan(Fan::Out);
/// let w = initializer.draw(&ParamSpec::weight(784, 128), &[128, 784], &mut TorchRng::seed(0));
/// assert!(w.iter().all(|x| x.abs() <= (6f32 / 1.04 / 128.0).sqrt()));
/// ```
///
/// # Reference
/// He et al. 2015, equations 10 (forward), 14 (backward) and 15 (leaky).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct KaimingUniform {
    /// Multiplies the standard deviation.
    pub gain: Gain,
    /// Divides the variance.
    pub fan: Fan,
}

/// Mean 0, variance `gain²/fan`, normal.
///
/// The draw is `torch.nn.init.kaiming_normal_`. The default has gain √2 and [`Fan::In`], as there:
/// variance `2/fan_in`, which keeps a signal's second moment through ReLU. Not Keras' and JAX'
/// `he_normal`, which is truncated: that is [`VarianceScaling::new(2.0)`](crate::VarianceScaling).
///
/// # Panics
/// `fill` panics when the fan is 0.
///
/// # Example
/// ```
/// use fanin_init::{Initializer, KaimingNormal, ParamSpec, TorchRng};
///
/// let spec = ParamSpec::weight(784, 128);
/// let w = KaimingNormal::default().draw(&spec, &[128, 784], &mut TorchRng::seed(0));
/// assert!((w.std(0.0) - (2f32 / 784.0).sqrt()).abs() < 1e-3);
/// ```
///
/// # Reference
/// He et al. 2015, equations 10 (forward), 14 (backward) and 15 (leaky).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct KaimingNormal {
    /// Multiplies the standard deviation.
    pub gain: Gain,
    /// Divides the variance.
    pub fan: Fan,
}

impl Default for KaimingUniform {
    fn default() -> Self {
        KaimingUniform { gain: Nonlinearity::Relu.gain(), fan: Fan::In }
    }
}

impl Default for KaimingNormal {
    fn default() -> Self {
        KaimingNormal { gain: Nonlinearity::Relu.gain(), fan: Fan::In }
    }
}

impl KaimingUniform {
    /// The weight of PyTorch's `nn.Linear`: leaky with slope √5, so variance `1/(3·fan_in)`.
    ///
    /// # Example
    /// ```
    /// use fanin_init::{Initializer, KaimingUniform, ParamSpec, TorchRng};
    ///
    /// // torch.manual_seed(0); torch.nn.Linear(4, 2).weight[0, 0]
    /// let initializer = KaimingUniform::torch_default();
    /// let w = initializer.draw(&ParamSpec::weight(4, 2), &[2, 4], &mut TorchRng::seed(0));
    /// assert_eq!(w[[0, 0]], -0.003_743_410_1);
    /// ```
    pub fn torch_default() -> Self {
        KaimingUniform::default().nonlinearity(Nonlinearity::LeakyRelu(5f64.sqrt()))
    }
}

/// The builder methods, which are the same for both.
macro_rules! builder {
    ($($initializer:ident)*) => {$(
        impl $initializer {
            /// The same initializer with this gain.
            ///
            /// # Panics
            /// When the number is no [`Gain`].
            #[must_use]
            #[track_caller]
            pub fn gain(self, gain: impl Into<Gain>) -> Self {
                Self { gain: gain.into(), ..self }
            }

            /// The same initializer with the gain of this activation.
            #[must_use]
            #[track_caller]
            pub fn nonlinearity(self, nonlinearity: Nonlinearity) -> Self {
                self.gain(nonlinearity)
            }

            /// The same initializer divided by this fan.
            #[must_use]
            pub fn fan(self, fan: Fan) -> Self {
                Self { fan, ..self }
            }
        }
    )*};
}
builder!(KaimingUniform KaimingNormal);

fields!(KaimingUniform { gain, fan });

impl Initializer for KaimingUniform {
    fn fill(&self, param: &ParamSpec, rng: &mut dyn RngCore, values: ArrayViewMutD<'_, f32>) {
        require(self, param, values.shape());
        // In PyTorch's order of operations, which decides the last bit of the bound.
        let std = self.gain.get() / self.fan.of(param).sqrt();
        let bound = 3f64.sqrt() * std;
        draw::fill_uniform(rng, values, -bound, bound);
    }

    fn check(&self, param: &ParamSpec, shape: &[usize]) -> Result<(), String> {
        self.fan.check("KaimingUniform", param, shape)
    }
}

fields!(KaimingNormal { gain, fan });

impl Initializer for KaimingNormal {
    fn fill(&self, param: &ParamSpec, rng: &mut dyn RngCore, values: ArrayViewMutD<'_, f32>) {
        require(self, param, values.shape());
        let std = self.gain.get() / self.fan.of(param).sqrt();
        draw::fill_normal(rng, values, 0.0, std);
    }

    fn check(&self, param: &ParamSpec, shape: &[usize]) -> Result<(), String> {
        self.fan.check("KaimingNormal", param, shape)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TorchRng;
    use std::f64::consts::SQRT_2;

    #[test]
    fn the_default_is_for_relu() {
        assert_eq!(KaimingNormal::default().gain.get(), SQRT_2);
        assert_eq!(KaimingUniform::default().gain.get(), SQRT_2);
    }

    #[test]
    #[should_panic(
        expected = "KaimingUniform: fan_in of `weight` is 0, and the initializer divides by it"
    )]
    fn no_inputs_are_refused() {
        KaimingUniform::default().draw(&ParamSpec::weight(0, 3), &[3], &mut TorchRng::seed(0));
    }

    #[test]
    fn serde_refuses_a_bad_gain() {
        let initializer = KaimingNormal::default().gain(1.25).fan(Fan::Out);
        let text = serde_json::to_string(&initializer).unwrap();
        assert_eq!(serde_json::from_str::<KaimingNormal>(&text).unwrap(), initializer);
        let error = serde_json::from_str::<KaimingUniform>(r#"{"gain":-1,"fan":"In"}"#);
        assert!(error.unwrap_err().to_string().contains("a gain of -1.0 is impossible"));
    }
}
