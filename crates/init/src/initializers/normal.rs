//! The normal distribution with a stated mean and standard deviation.

use ndarray::ArrayViewMutD;
use rand::RngCore;
use serde::{Deserialize, Serialize};

use crate::initializer::or_panic;
use crate::random::draw;
use crate::scheme::fields;
use crate::{Initializer, ParamSpec};

/// Normal with this mean and standard deviation.
///
/// The draw is `torch.Tensor.normal_(mean, std)`, bit for bit where PyTorch has AVX2. A mean of 0
/// is much faster than others.
///
/// # Example
/// ```
/// use fanin_init::{Initializer, Normal, ParamSpec, TorchRng};
///
/// // The weights of an embedding.
/// let w = Normal::new(0.0, 1.0).draw(&ParamSpec::weight(1, 8), &[100, 8], &mut TorchRng::seed(0));
/// assert!(w.std(0.0) > 0.9 && w.std(0.0) < 1.1);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct Normal {
    mean: f64,
    std: f64,
}

impl Normal {
    /// Mean `mean`, variance `std²`. A `std` of 0 gives the mean everywhere.
    ///
    /// # Panics
    /// When either is not finite in f32, or `std` is negative, or |mean| + 10·`std` overflows f32.
    #[track_caller]
    pub fn new(mean: f64, std: f64) -> Self {
        or_panic(Normal { mean, std }.checked())
    }

    /// The mean.
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// The standard deviation.
    pub fn std(&self) -> f64 {
        self.std
    }

    fn checked(self) -> Result<Self, String> {
        let Normal { mean, std } = self;
        if !(mean as f32).is_finite() {
            Err(format!("Normal: the mean {mean:?} must be finite in f32"))
        } else if !(std as f32).is_finite() || std < 0.0 {
            Err(format!("Normal: the standard deviation {std:?} must be finite and not negative"))
        } else if !draw::is_within_f32(mean, std) {
            Err(format!("Normal: numbers around {mean:?} ± {std:?} can overflow f32"))
        } else {
            Ok(self)
        }
    }
}

fields!(Normal { mean, std } checked);

impl Initializer for Normal {
    fn fill(&self, _: &ParamSpec, rng: &mut dyn RngCore, values: ArrayViewMutD<'_, f32>) {
        draw::fill_normal(rng, values, self.mean, self.std);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TorchRng;
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    #[test]
    #[should_panic(expected = "Normal: the standard deviation -1.0 must be")]
    fn a_negative_deviation_is_refused() {
        Normal::new(0.0, -1.0);
    }

    #[test]
    #[should_panic(expected = "Normal: the standard deviation NaN must be")]
    fn nan_is_refused() {
        Normal::new(0.0, f64::NAN);
    }

    #[test]
    #[should_panic(expected = "Normal: numbers around 0.0 ± 1e38 can overflow f32")]
    fn an_overflow_is_refused() {
        Normal::new(0.0, 1e38);
    }

    #[test]
    fn the_largest_deviation_gives_finite_numbers() {
        let initializer = Normal::new(0.0, 3.4e37);
        for n in [7, 1000] {
            let spec = ParamSpec::bias(1, n);
            let draw = |seed| initializer.draw(&spec, &[n], &mut TorchRng::seed(seed));
            assert!((0..100).flat_map(draw).all(f32::is_finite));
        }
    }

    #[test]
    #[should_panic(expected = "Normal: the mean inf must be finite")]
    fn an_infinite_mean_is_refused() {
        Normal::new(f64::INFINITY, 1.0);
    }

    #[test]
    fn serde_refuses_what_the_code_refuses() {
        let initializer = Normal::new(0.5, 0.25);
        let text = serde_json::to_string(&initializer).unwrap();
        assert_eq!(serde_json::from_str::<Normal>(&text).unwrap(), initializer);
        let error = serde_json::from_str::<Normal>(r#"{"mean":0,"std":-2}"#).unwrap_err();
        assert!(error.to_string().contains("standard deviation -2.0"), "{error}");
    }

    #[test]
    fn no_deviation_gives_the_mean() {
        for n in [5, 50] {
            let w =
                Normal::new(0.5, 0.0).draw(&ParamSpec::bias(1, n), &[n], &mut TorchRng::seed(1));
            assert!(w.iter().all(|&x| x == 0.5));
        }
    }

    #[test]
    fn any_generator_will_do() {
        let initializer = Normal::new(0.0, 1.0);
        let spec = ParamSpec::weight(5, 3);
        let draw = |rng: &mut StdRng| initializer.draw(&spec, &[3, 5], rng);
        let mut rng = StdRng::seed_from_u64(1);
        let first = draw(&mut rng);
        assert_ne!(first, draw(&mut rng));
        assert_eq!(first, draw(&mut StdRng::seed_from_u64(1)), "no state outside the generator");
    }
}
