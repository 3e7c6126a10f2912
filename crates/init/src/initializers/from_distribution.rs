//! Any distribution of `rand_distr` as an initializer.

use std::fmt;

use ndarray::ArrayViewMutD;
use rand::distr::Distribution;
use rand::{Rng, RngCore};
use serde::{Deserialize, Serialize};

use crate::random::draw;
use crate::{Initializer, ParamSpec};

/// Independent draws from this distribution of `rand_distr`, whatever the fans.
///
/// `rand_distr` draws one number at a time, in a way of its own: the numbers are not those of
/// PyTorch.
///
/// # Example
/// ```
/// use fanin_init::rand_distr::{Cauchy, LogNormal};
/// use fanin_init::{FromDistribution, Initializer, ParamSpec, TorchRng};
///
/// let (spec, mut rng) = (ParamSpec::weight(3, 2), TorchRng::seed(0));
/// let heavy = FromDistribution(Cauchy::new(0.0f32, 0.01)?);
/// assert_eq!(heavy.draw(&spec, &[2, 3], &mut rng).len(), 6);
///
/// // In f64, and rounded:
/// let positive = FromDistribution::from_f64(LogNormal::new(0.0, 0.5)?);
/// assert!(positive.draw(&spec, &[2, 3], &mut rng).iter().all(|&x| x > 0.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct FromDistribution<D>(pub D);

/// A distribution of f64 numbers, each rounded to f32. See [`FromDistribution::from_f64`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rounded<D>(pub D);

impl<D: Distribution<f64>> FromDistribution<Rounded<D>> {
    /// Draws in f64 and rounds to the nearest f32. So a number just below an excluded bound may become
    /// that bound, as 1 of `Uniform::new(0.0, 1.0)` once in some 2²⁵ draws, and one beyond f32 becomes
    /// infinite.
    pub fn from_f64(distribution: D) -> Self {
        FromDistribution(Rounded(distribution))
    }
}

impl<D: Distribution<f64>> Distribution<f32> for Rounded<D> {
    fn sample<R: Rng + ?Sized>(&self, rng: &mut R) -> f32 {
        self.0.sample(rng) as f32
    }
}

impl<D> Initializer for FromDistribution<D>
where
    D: Distribution<f32> + fmt::Debug + Send + Sync,
{
    fn fill(&self, _: &ParamSpec, rng: &mut dyn RngCore, values: ArrayViewMutD<'_, f32>) {
        draw::in_order(values, &mut |values| {
            values.iter_mut().for_each(|value| *value = self.0.sample(rng));
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TorchRng;
    use ndarray::Array2;
    use ndarray_rand::RandomExt;
    use ndarray_rand::rand_distr::{StandardNormal, Uniform};

    #[test]
    fn the_numbers_are_those_of_ndarray_rand() {
        let spec = ParamSpec::weight(3, 2);
        let uniform = Uniform::new(-1.0f32, 1.0).unwrap();
        let ours = FromDistribution(uniform).draw(&spec, &[2, 3], &mut TorchRng::seed(5));
        let theirs = Array2::random_using((2, 3), uniform, &mut TorchRng::seed(5));
        assert_eq!(ours, theirs.into_dyn());
        let ours =
            FromDistribution::from_f64(StandardNormal).draw(&spec, &[2, 3], &mut TorchRng::seed(5));
        let theirs: Array2<f64> =
            Array2::random_using((2, 3), StandardNormal, &mut TorchRng::seed(5));
        assert_eq!(ours, theirs.mapv(|x| x as f32).into_dyn());
    }
}
