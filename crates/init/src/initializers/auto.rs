//! The initializer whose gain is that of the activation that follows.

use ndarray::ArrayViewMutD;
use rand::RngCore;
use serde::{Deserialize, Serialize};

use crate::initializer::require;
use crate::scheme::fields;
use crate::{Distribution, Fan, Initializer, ParamSpec, VarianceScaling};

/// Mean 0, variance `gain²/fan`, where the gain is that of the activation after the layer.
///
/// The gain is the exact one, `1/√E[φ(z)²]`, which keeps the signal's second moment. It is 1 if no
/// activation is known. `Sequential` of `fanin-nn` draws the weights with a gain of 1, and
/// multiplies them by the gain when the activation is added. Elsewhere, state the activation with
/// [`ParamSpec::followed_by`].
///
/// # Panics
/// `fill` panics when the fan is 0.
///
/// # Example
/// ```
/// use fanin_init::{Auto, Initializer, Nonlinearity, ParamSpec, TorchRng};
///
/// let spec = ParamSpec::weight(784, 128).followed_by(Nonlinearity::Gelu.exact_gain());
/// let w = Auto::default().draw(&spec, &[128, 784], &mut TorchRng::seed(0));
/// assert!((w.std(0.0) - 1.5335 / 28.0).abs() < 5e-4);
/// ```
///
/// # Reference
/// He et al. 2015, equation 9, solved for any activation.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Auto {
    /// Divides the variance.
    pub fan: Fan,
    /// Uniform, normal or truncated normal.
    #[serde(alias = "law")]
    pub distribution: Distribution,
}

impl Default for Auto {
    /// Normal, by [`Fan::In`].
    fn default() -> Self {
        Auto { fan: Fan::In, distribution: Distribution::Normal }
    }
}

impl Auto {
    /// The same initializer divided by this fan.
    #[must_use]
    pub fn fan(self, fan: Fan) -> Self {
        Auto { fan, ..self }
    }

    /// The same variance in another form.
    #[must_use]
    pub fn distribution(self, distribution: Distribution) -> Self {
        Auto { distribution, ..self }
    }
}

fields!(Auto { fan, distribution });

impl Initializer for Auto {
    fn fill(&self, param: &ParamSpec, rng: &mut dyn RngCore, values: ArrayViewMutD<'_, f32>) {
        require(self, param, values.shape());
        let gain = param.activation.unwrap_or_default().get();
        let initializer =
            VarianceScaling::new(gain * gain).fan(self.fan).distribution(self.distribution);
        initializer.fill(param, rng, values);
    }

    fn check(&self, param: &ParamSpec, shape: &[usize]) -> Result<(), String> {
        let gain = param.activation.unwrap_or_default().get();
        if !(1e-15..=1e15).contains(&gain) {
            return Err(format!(
                "Auto: no weights of `{}` can make up for an activation of gain {gain:?}",
                param.name
            ));
        }
        self.fan.check("Auto", param, shape)
    }

    fn awaits_activation(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Gain, KaimingNormal, Nonlinearity, TorchRng};

    #[test]
    fn with_relu_it_is_kaiming() {
        let spec = ParamSpec::weight(30, 20).followed_by(Nonlinearity::Relu.gain());
        let draw = |initializer: &dyn Initializer| {
            initializer.draw(&spec, &[20, 30], &mut TorchRng::seed(4))
        };
        let (auto, kaiming) = (draw(&Auto::default()), draw(&KaimingNormal::default()));
        assert!(auto.iter().zip(&kaiming).all(|(a, b)| (a - b).abs() <= 1e-6 * b.abs()));
        let out = draw(&Auto::default().fan(Fan::Out).distribution(Distribution::Uniform));
        let bound = (6.0f32 / 20.0).sqrt();
        let largest = out.iter().fold(0.0, |m: f32, x| m.max(x.abs()));
        assert!(largest <= bound && largest > 0.98 * bound, "{largest} of {bound}");
    }

    #[test]
    fn nothing_known_is_a_gain_of_one() {
        let draw = |spec: &ParamSpec| Auto::default().draw(spec, &[20, 30], &mut TorchRng::seed(4));
        let spec = ParamSpec::weight(30, 20);
        assert_eq!(draw(&spec), draw(&spec.clone().followed_by(Gain::ONE)));
    }

    #[test]
    fn the_old_key_of_the_distribution_is_read() {
        let auto = Auto::default().distribution(Distribution::Uniform);
        assert_eq!(serde_json::from_str::<Auto>(r#"{"law":"Uniform"}"#).unwrap(), auto);
        let text = serde_json::to_string(&auto).unwrap();
        assert_eq!(text, r#"{"fan":"In","distribution":"Uniform"}"#);
    }

    #[test]
    #[should_panic(expected = "Auto: fan_in of `weight` is 0")]
    fn no_inputs_are_refused() {
        Auto::default().draw(&ParamSpec::weight(0, 3), &[3], &mut TorchRng::seed(0));
    }
}
