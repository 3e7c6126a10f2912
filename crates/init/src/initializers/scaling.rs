//! A variance divided by a fan: the general form of many initializers.

use ndarray::ArrayViewMutD;
use rand::RngCore;
use serde::{Deserialize, Serialize};

use crate::initializer::{or_panic, require};
use crate::random::draw;
use crate::scheme::fields;
use crate::{Distribution, Fan, Initializer, ParamSpec, TruncatedNormal};

/// Mean 0, variance `scale/fan`, from any of three distributions.
///
/// `Uniform` is U(±√(3·scale/fan)). `Normal` is N(0, scale/fan). `TruncatedNormal` is scaled by
/// 1/0.87962566103423978, because truncation at ±2 leaves that part of the standard deviation (see
/// [`TruncatedNormal::corrected`]). So all three have the variance stated. The default has scale 1,
/// [`Fan::In`] and [`Distribution::TruncatedNormal`], as in Keras. It is `lecun_normal` of Keras
/// and Flax.
///
/// # Panics
/// `fill` panics when the fan is 0.
///
/// # Example
/// ```
/// use fanin_init::{Distribution, Fan, Initializer, ParamSpec, TorchRng, VarianceScaling};
///
/// // he_normal of Keras and JAX, which is truncated, unlike PyTorch's kaiming_normal_.
/// let he_normal = VarianceScaling::new(2.0);
/// // glorot_uniform of Keras and JAX.
/// let glorot = VarianceScaling::new(1.0).fan(Fan::Average).distribution(Distribution::Uniform);
/// let w = glorot.draw(&ParamSpec::weight(300, 200), &[200, 300], &mut TorchRng::seed(0));
/// assert!(w.iter().all(|x| x.abs() <= (6f32 / 500.0).sqrt()));
/// # let _ = he_normal;
/// ```
///
/// # Reference
/// Glorot & Bengio 2010, equation 12; He et al. 2015, equation 10; the common form is Keras', its
/// geometric average JAX'.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct VarianceScaling {
    scale: f64,
    fan: Fan,
    #[serde(alias = "law")]
    distribution: Distribution,
}

impl VarianceScaling {
    /// Variance `scale/fan_in`, truncated normal.
    ///
    /// # Panics
    /// When `scale` is not from 1e-30 to 1e30.
    #[track_caller]
    pub fn new(scale: f64) -> Self {
        let (fan, distribution) = (Fan::In, Distribution::TruncatedNormal);
        or_panic(VarianceScaling { scale, fan, distribution }.checked())
    }

    /// Divides by this fan.
    #[must_use]
    pub fn fan(self, fan: Fan) -> Self {
        VarianceScaling { fan, ..self }
    }

    /// Draws from this distribution.
    #[must_use]
    pub fn distribution(self, distribution: Distribution) -> Self {
        VarianceScaling { distribution, ..self }
    }

    fn checked(self) -> Result<Self, String> {
        let scale = self.scale;
        // Within these limits every standard deviation is a normal f32, whatever the fan.
        if (1e-30..=1e30).contains(&scale) {
            Ok(self)
        } else {
            Err(format!("VarianceScaling: the scale {scale:?} must be from 1e-30 to 1e30"))
        }
    }
}

impl Default for VarianceScaling {
    fn default() -> Self {
        VarianceScaling::new(1.0)
    }
}

fields!(VarianceScaling { scale, fan, distribution } checked);

impl Initializer for VarianceScaling {
    fn fill(&self, param: &ParamSpec, rng: &mut dyn RngCore, values: ArrayViewMutD<'_, f32>) {
        require(self, param, values.shape());
        let std = (self.scale / self.fan.of(param)).sqrt();
        draw::in_order(values, &mut |values| match self.distribution {
            _ if values.is_empty() => {}
            Distribution::Uniform => {
                let bound = 3f64.sqrt() * std;
                draw::uniform(rng, values, -bound, bound);
            }
            Distribution::Normal => draw::normal(rng, values, 0.0, std),
            Distribution::TruncatedNormal => {
                TruncatedNormal::corrected(std).draw_slice(rng, values);
            }
        });
    }

    fn check(&self, param: &ParamSpec, shape: &[usize]) -> Result<(), String> {
        self.fan.check("VarianceScaling", param, shape)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{KaimingNormal, TorchRng, XavierUniform};

    #[test]
    fn special_cases_are_the_named_initializers() {
        let spec = ParamSpec::weight(30, 20);
        let draw = |initializer: &dyn Initializer| {
            initializer.draw(&spec, &[20, 30], &mut TorchRng::seed(4))
        };
        let he = VarianceScaling::new(2.0).distribution(Distribution::Normal);
        assert_eq!(draw(&he), draw(&KaimingNormal::default()));
        let glorot =
            VarianceScaling::new(1.0).fan(Fan::Average).distribution(Distribution::Uniform);
        assert_eq!(draw(&glorot), draw(&XavierUniform::default()));
    }

    #[test]
    #[should_panic(expected = "VarianceScaling: the scale 0.0 must be from 1e-30")]
    fn a_scale_of_zero_is_refused() {
        VarianceScaling::new(0.0);
    }

    #[test]
    fn serde_refuses_what_the_code_refuses() {
        let initializer =
            VarianceScaling::new(2.0).fan(Fan::Out).distribution(Distribution::Uniform);
        let text = serde_json::to_string(&initializer).unwrap();
        assert_eq!(text, r#"{"scale":2.0,"fan":"Out","distribution":"Uniform"}"#);
        assert_eq!(serde_json::from_str::<VarianceScaling>(&text).unwrap(), initializer);
        let old = text.replace("distribution", "law");
        assert_eq!(serde_json::from_str::<VarianceScaling>(&old).unwrap(), initializer);
        let error = serde_json::from_str::<VarianceScaling>(&text.replace("2.0", "-2.0"));
        assert!(error.unwrap_err().to_string().contains("the scale -2.0 must be from 1e-30"));
        let error = serde_json::from_str::<VarianceScaling>(&text.replace("Out", "Side"));
        assert!(error.unwrap_err().to_string().contains("unknown variant `Side`"));
    }

    #[test]
    #[should_panic(expected = "VarianceScaling: fan_out of `w` is 0")]
    fn a_fan_of_zero_is_refused() {
        let spec = ParamSpec::weight(3, 0).named("w");
        VarianceScaling::default().fan(Fan::Out).draw(&spec, &[3], &mut TorchRng::seed(0));
    }

    #[test]
    #[should_panic(expected = "VarianceScaling: fan_in · fan_out of `weight` is 0")]
    fn a_geometric_average_of_zero_is_refused() {
        let initializer = VarianceScaling::default().fan(Fan::GeometricAverage);
        initializer.draw(&ParamSpec::weight(3, 0), &[3], &mut TorchRng::seed(0));
    }

    #[test]
    fn nothing_to_fill_is_no_error() {
        let mut rng = TorchRng::seed(0);
        for distribution in
            [Distribution::Uniform, Distribution::Normal, Distribution::TruncatedNormal]
        {
            let initializer = VarianceScaling::default().distribution(distribution);
            initializer.draw(&ParamSpec::weight(0, 3), &[3, 0], &mut rng);
        }
        assert_eq!(rng, TorchRng::seed(0));
    }

    #[test]
    fn the_limits_of_a_scale_are_those_of_its_message() {
        for scale in [1e-30, 1e30] {
            assert_eq!(VarianceScaling::new(scale).scale, scale);
        }
        for scale in [0.99e-30, 1.01e30] {
            let error = VarianceScaling { scale, ..VarianceScaling::default() }.checked();
            assert!(error.unwrap_err().ends_with("must be from 1e-30 to 1e30"), "{scale}");
        }
    }
}
