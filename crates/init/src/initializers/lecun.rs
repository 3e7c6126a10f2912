//! LeCun's initializers: a linear or self-normalizing layer keeps the signal's variance.

use ndarray::ArrayViewMutD;
use rand::RngCore;
use serde::{Deserialize, Serialize};

use crate::initializer::require;
use crate::scheme::fields;
use crate::{Distribution, Fan, Initializer, ParamSpec, VarianceScaling};

/// Mean 0, variance `1/fan_in`, uniform: U(±√(3/fan_in)).
///
/// Keras' and Flax' `lecun_uniform`.
///
/// # Panics
/// `fill` panics when `fan_in` is 0.
///
/// # Example
/// ```
/// use fanin_init::{Initializer, LecunUniform, ParamSpec, TorchRng};
///
/// let w = LecunUniform.draw(&ParamSpec::weight(300, 200), &[200, 300], &mut TorchRng::seed(0));
/// assert!(w.iter().all(|x| x.abs() <= 0.1));
/// ```
///
/// # Reference
/// LeCun et al. 1998, "Efficient BackProp", section 4.6.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LecunUniform;

/// Mean 0, variance `1/fan_in`, normal: what SELU was derived for.
///
/// Keras' and Flax' `lecun_normal` is truncated: that is
/// [`VarianceScaling::default()`](crate::VarianceScaling).
///
/// # Panics
/// `fill` panics when `fan_in` is 0.
///
/// # Example
/// ```
/// use fanin_init::{Initializer, LecunNormal, ParamSpec, TorchRng};
///
/// let w = LecunNormal.draw(&ParamSpec::weight(400, 200), &[200, 400], &mut TorchRng::seed(0));
/// assert!((w.std(0.0) - 0.05).abs() < 1e-3);
/// ```
///
/// # Reference
/// LeCun et al. 1998, "Efficient BackProp", section 4.6; Klambauer et al. 2017.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LecunNormal;

fields!(LecunUniform {});

impl Initializer for LecunUniform {
    fn fill(&self, param: &ParamSpec, rng: &mut dyn RngCore, values: ArrayViewMutD<'_, f32>) {
        require(self, param, values.shape());
        VarianceScaling::new(1.0).distribution(Distribution::Uniform).fill(param, rng, values);
    }

    fn check(&self, param: &ParamSpec, shape: &[usize]) -> Result<(), String> {
        Fan::In.check("LecunUniform", param, shape)
    }
}

fields!(LecunNormal {});

impl Initializer for LecunNormal {
    fn fill(&self, param: &ParamSpec, rng: &mut dyn RngCore, values: ArrayViewMutD<'_, f32>) {
        require(self, param, values.shape());
        VarianceScaling::new(1.0).distribution(Distribution::Normal).fill(param, rng, values);
    }

    fn check(&self, param: &ParamSpec, shape: &[usize]) -> Result<(), String> {
        Fan::In.check("LecunNormal", param, shape)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TorchRng;

    #[test]
    #[should_panic(expected = "LecunNormal: fan_in of `weight` is 0")]
    fn no_inputs_are_refused() {
        LecunNormal.draw(&ParamSpec::weight(0, 3), &[3], &mut TorchRng::seed(0));
    }
}
