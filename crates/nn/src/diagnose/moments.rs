//! [`Moments`]: mean and standard deviation of a set of numbers.

use fanin_tensor::{Scalar, Tensor};
use serde::{Deserialize, Serialize};

/// Mean and standard deviation of all elements of a tensor, computed in `f64`.
///
/// If a number is not finite, the moments are not finite either. JSON has no such numbers; there
/// they become NaN.
///
/// # Example
/// ```
/// use fanin_nn::{Tensor, diagnose::Moments};
/// let moments = Moments::of(&Tensor::from_vec(4, vec![1.0, 3.0, 1.0, 3.0]));
/// assert_eq!((moments.mean, moments.std, moments.rms()), (2.0, 1.0, 5f64.sqrt()));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Moments {
    /// `Σ x / n`
    #[serde(with = "number")]
    pub mean: f64,
    /// `√(Σ (x − mean)² / n)`
    #[serde(with = "number")]
    pub std: f64,
}

impl Moments {
    /// The moments of all elements, or 0 if there are none.
    pub fn of<T: Scalar>(x: &Tensor<T>) -> Self {
        let x = x.as_slice();
        let n = x.len().max(1) as f64;
        let mean = x.iter().map(|x| x.to_f64()).sum::<f64>() / n;
        let variance = x.iter().map(|x| (x.to_f64() - mean).powi(2)).sum::<f64>() / n;
        Self { mean, std: variance.sqrt() }
    }

    /// `√(Σ x² / n)`
    pub fn rms(&self) -> f64 {
        self.mean.hypot(self.std)
    }

    /// The moments of all elements multiplied by `factor`.
    pub(super) fn times(self, factor: f64) -> Self {
        Self { mean: self.mean * factor, std: self.std * factor.abs() }
    }
}

/// The spread between the samples of a batch: the standard deviation over the samples of each
/// feature, as a root mean square over the features. A part that all samples share does not count.
pub(super) fn spread<T: Scalar>(x: &Tensor<T>) -> f64 {
    let (rows, features) = rows_and_features(x);
    let mut sums = vec![0.0; features];
    for row in x.as_slice().chunks_exact(features.max(1)) {
        sums.iter_mut().zip(row).for_each(|(sum, x)| *sum += x.to_f64());
    }
    sums.iter_mut().for_each(|sum| *sum /= rows as f64);
    let squares: f64 = x
        .as_slice()
        .chunks_exact(features.max(1))
        .flat_map(|row| row.iter().zip(&sums).map(|(x, mean)| (x.to_f64() - mean).powi(2)))
        .sum();
    (squares / x.len().max(1) as f64).sqrt()
}

/// The last axis holds features; all other axes count rows.
pub(super) fn rows_and_features<T: Scalar>(x: &Tensor<T>) -> (usize, usize) {
    let features = x.shape().last().copied().unwrap_or(1);
    (x.len() / features.max(1), features)
}

/// A number that may not be finite, for formats without such numbers.
pub(super) mod number {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(in crate::diagnose) fn serialize<S: Serializer>(x: &f64, to: S) -> Result<S::Ok, S::Error> {
        x.is_finite().then_some(*x).serialize(to)
    }

    pub(in crate::diagnose) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<f64, D::Error> {
        Ok(Option::deserialize(from)?.unwrap_or(f64::NAN))
    }
}
