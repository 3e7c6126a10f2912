//! Uniform distributions with stated bounds, and the one that PyTorch gives every bias.

use ndarray::ArrayViewMutD;
use rand::RngCore;
use serde::{Deserialize, Serialize};

use crate::initializer::{or_panic, require, stated};
use crate::random::draw;
use crate::scheme::fields;
use crate::{Initializer, ParamSpec};

/// Uniform on `[low, high)`: mean `(low + high)/2`, variance `(high − low)²/12`.
///
/// The bounds are rounded to f32 before anything is drawn; `low = high` gives that value. The draw
/// is `torch.Tensor.uniform_(low, high)`, bit for bit.
///
/// # Example
/// ```
/// use fanin_init::{Initializer, ParamSpec, TorchRng, Uniform};
///
/// let w = Uniform::new(-0.05, 0.05).draw(&ParamSpec::weight(3, 2), &[2, 3], &mut TorchRng::seed(0));
/// assert!(w.iter().all(|x| x.abs() <= 0.05));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct Uniform {
    low: f64,
    high: f64,
}

impl Uniform {
    /// Uniform on `[low, high)`.
    ///
    /// # Panics
    /// When a bound is not finite in f32, when `low > high`, or when `high − low` overflows f32.
    #[track_caller]
    pub fn new(low: f64, high: f64) -> Self {
        or_panic(Uniform { low, high }.checked())
    }

    /// The lower bound.
    pub fn low(&self) -> f64 {
        self.low
    }

    /// The upper bound.
    pub fn high(&self) -> f64 {
        self.high
    }

    fn checked(self) -> Result<Self, String> {
        let Uniform { low, high } = self;
        let (low32, high32) = (low as f32, high as f32);
        if !low32.is_finite() || !high32.is_finite() {
            Err(format!("Uniform: the bounds {low:?} and {high:?} must be finite in f32"))
        } else if low > high {
            Err(format!("Uniform: the range from {low:?} to {high:?} is empty"))
        } else if !(high32 - low32).is_finite() {
            Err(format!("Uniform: the range from {low:?} to {high:?} is too wide for f32"))
        } else {
            Ok(self)
        }
    }
}

fields!(Uniform { low, high } checked);

impl Initializer for Uniform {
    fn fill(&self, _: &ParamSpec, rng: &mut dyn RngCore, values: ArrayViewMutD<'_, f32>) {
        draw::fill_uniform(rng, values, self.low, self.high);
    }
}

/// Uniform on `±1/√fan_in`, variance `1/(3·fan_in)`: PyTorch's default bias, and its weight too.
///
/// A parameter with no inputs gets zeros, as in PyTorch.
///
/// Before ReLU, such weights divide the signal's second moment by six in each layer, so that it
/// vanishes in deep networks. [`KaimingNormal`](crate::KaimingNormal) keeps it.
///
/// # Example
/// ```
/// use fanin_init::{FanInUniform, Initializer, ParamSpec, TorchRng};
///
/// let b = FanInUniform.draw(&ParamSpec::bias(100, 128), &[128], &mut TorchRng::seed(0));
/// assert!(b.iter().all(|x| x.abs() <= 0.1));
/// ```
///
/// # Reference
/// LeCun et al. 1998, "Efficient BackProp", section 4.6, has variance `1/fan_in`. The factor 1/3
/// comes from Torch, PyTorch's predecessor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FanInUniform;

fields!(FanInUniform {});

impl Initializer for FanInUniform {
    fn fill(&self, param: &ParamSpec, rng: &mut dyn RngCore, values: ArrayViewMutD<'_, f32>) {
        require(self, param, values.shape());
        // PyTorch draws even if the bound is 0, which advances the generator.
        let bound = if param.fan_in == 0 { 0.0 } else { 1.0 / (param.fan_in as f64).sqrt() };
        draw::fill_uniform(rng, values, -bound, bound);
    }

    fn check(&self, param: &ParamSpec, _: &[usize]) -> Result<(), String> {
        stated("FanInUniform", param)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TorchRng;

    #[test]
    #[should_panic(expected = "Uniform: the range from 0.5 to -0.5 is empty")]
    fn an_empty_range_is_refused() {
        Uniform::new(0.5, -0.5);
    }

    #[test]
    #[should_panic(expected = "Uniform: the bounds NaN and 1.0 must be finite")]
    fn nan_is_refused() {
        Uniform::new(f64::NAN, 1.0);
    }

    #[test]
    #[should_panic(expected = "Uniform: the range from -3e38 to 3e38 is too wide")]
    fn an_overflowing_range_is_refused() {
        Uniform::new(-3e38, 3e38);
    }

    #[test]
    fn serde_refuses_what_the_code_refuses() {
        let initializer = Uniform::new(-0.5, 0.25);
        let text = serde_json::to_string(&initializer).unwrap();
        assert_eq!(text, r#"{"low":-0.5,"high":0.25}"#);
        assert_eq!(serde_json::from_str::<Uniform>(&text).unwrap(), initializer);
        let error = serde_json::from_str::<Uniform>(r#"{"low":1,"high":0}"#).unwrap_err();
        assert!(error.to_string().contains("from 1.0 to 0.0 is empty"), "{error}");
    }

    #[test]
    fn no_inputs_give_zeros_and_spend_the_draws() {
        let mut rng = TorchRng::seed(1);
        let b = FanInUniform.draw(&ParamSpec::bias(0, 4), &[4], &mut rng);
        assert!(b.iter().all(|&x| x == 0.0));
        let mut other = TorchRng::seed(1);
        other.fill_bytes(&mut [0; 16]);
        assert_eq!(rng, other);
    }
}
