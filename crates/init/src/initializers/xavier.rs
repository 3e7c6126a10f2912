//! Glorot's initializers, a compromise between the forward and the backward pass.

use ndarray::ArrayViewMutD;
use rand::RngCore;
use serde::{Deserialize, Serialize};

use crate::initializer::require;
use crate::random::draw;
use crate::scheme::fields;
use crate::{Fan, Gain, Initializer, ParamSpec};

/// Mean 0, variance `gain²·2/(fan_in + fan_out)`, uniform: U(±gain·√(6/(fan_in + fan_out))).
///
/// The draw is `torch.nn.init.xavier_uniform_(gain)`, bit for bit. With gain 1, Keras' and Flax'
/// `glorot_uniform`.
///
/// # Panics
/// `fill` panics when both fans are 0.
///
/// # Example
/// ```
/// use fanin_init::{Initializer, Nonlinearity, ParamSpec, TorchRng, XavierUniform};
///
/// let initializer = XavierUniform::default().gain(Nonlinearity::Tanh);
/// let w = initializer.draw(&ParamSpec::weight(784, 128), &[128, 784], &mut TorchRng::seed(0));
/// assert!(w.iter().all(|x| x.abs() <= 5.0 / 3.0 * (6f32 / 912.0).sqrt()));
/// ```
///
/// # Reference
/// Glorot & Bengio 2010, equation 16.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct XavierUniform {
    /// Multiplies the standard deviation.
    pub gain: Gain,
}

/// Mean 0, variance `gain²·2/(fan_in + fan_out)`, normal.
///
/// The draw is `torch.nn.init.xavier_normal_(gain)`. Not Keras' and Flax' `glorot_normal`, which is
/// truncated: that is [`VarianceScaling`](crate::VarianceScaling) with [`Fan::Average`].
///
/// # Panics
/// `fill` panics when both fans are 0.
///
/// # Example
/// ```
/// use fanin_init::{Initializer, ParamSpec, TorchRng, XavierNormal};
///
/// let initializer = XavierNormal::default().gain(0.5);
/// let w = initializer.draw(&ParamSpec::weight(784, 128), &[128, 784], &mut TorchRng::seed(0));
/// assert!((w.std(0.0) - 0.5 * (2f32 / 912.0).sqrt()).abs() < 1e-3);
/// ```
///
/// # Reference
/// Glorot & Bengio 2010, equation 12.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct XavierNormal {
    /// Multiplies the standard deviation.
    pub gain: Gain,
}

// In PyTorch's order of operations, which decides the last bit of the bound.
fn std(gain: Gain, param: &ParamSpec) -> f64 {
    gain.get() * (2.0 / (param.fan_in as f64 + param.fan_out as f64)).sqrt()
}

impl XavierUniform {
    /// The same initializer with this gain: a number or a [`Nonlinearity`](crate::Nonlinearity).
    ///
    /// # Panics
    /// When the number is no [`Gain`].
    #[must_use]
    #[track_caller]
    pub fn gain(self, gain: impl Into<Gain>) -> Self {
        XavierUniform { gain: gain.into() }
    }
}

impl XavierNormal {
    /// The same initializer with this gain: a number or a [`Nonlinearity`](crate::Nonlinearity).
    ///
    /// # Panics
    /// When the number is no [`Gain`].
    #[must_use]
    #[track_caller]
    pub fn gain(self, gain: impl Into<Gain>) -> Self {
        XavierNormal { gain: gain.into() }
    }
}

fields!(XavierUniform { gain });

impl Initializer for XavierUniform {
    fn fill(&self, param: &ParamSpec, rng: &mut dyn RngCore, values: ArrayViewMutD<'_, f32>) {
        require(self, param, values.shape());
        let bound = 3f64.sqrt() * std(self.gain, param);
        draw::fill_uniform(rng, values, -bound, bound);
    }

    fn check(&self, param: &ParamSpec, shape: &[usize]) -> Result<(), String> {
        Fan::Average.check("XavierUniform", param, shape)
    }
}

fields!(XavierNormal { gain });

impl Initializer for XavierNormal {
    fn fill(&self, param: &ParamSpec, rng: &mut dyn RngCore, values: ArrayViewMutD<'_, f32>) {
        require(self, param, values.shape());
        let std = std(self.gain, param);
        draw::fill_normal(rng, values, 0.0, std);
    }

    fn check(&self, param: &ParamSpec, shape: &[usize]) -> Result<(), String> {
        Fan::Average.check("XavierNormal", param, shape)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TorchRng;

    #[test]
    #[should_panic(expected = "XavierNormal: fan_in + fan_out of `weight` is 0")]
    fn no_fans_are_refused() {
        XavierNormal::default().draw(&ParamSpec::weight(0, 0), &[1], &mut TorchRng::seed(0));
    }

    #[test]
    fn fans_whose_sum_overflows_are_added() {
        let spec = ParamSpec::weight(usize::MAX, usize::MAX);
        let w = XavierUniform::default().draw(&spec, &[100], &mut TorchRng::seed(0));
        let bound = (6f32 / 2f32.powi(65)).sqrt();
        assert!(w.iter().all(|w| w.abs() <= bound) && w.iter().any(|w| w.abs() > 0.9 * bound));
    }

    #[test]
    fn serde_refuses_a_bad_gain() {
        let initializer = XavierUniform::default().gain(1.25);
        let text = serde_json::to_string(&initializer).unwrap();
        assert_eq!(text, r#"{"gain":1.25}"#);
        assert_eq!(serde_json::from_str::<XavierUniform>(&text).unwrap(), initializer);
        let error = serde_json::from_str::<XavierNormal>(r#"{"gain":-1}"#).unwrap_err();
        assert!(error.to_string().contains("a gain of -1.0 is impossible"), "{error}");
    }
}
