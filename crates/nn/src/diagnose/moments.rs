//! [`Moments`]: what a set of numbers is like.

use fanin_tensor::{Scalar, Tensor};
use serde::{Deserialize, Serialize};

/// Mean and standard deviation of all elements of a tensor, computed in `f64`.
///
/// Of numbers of which one is not finite, neither are the moments; JSON has no such number, and they
/// go through it as NaN.
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
    /// Of all elements; 0 if there are none.
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

    /// The same of all elements times a factor.
    pub(super) fn times(self, factor: f64) -> Self {
        Self { mean: self.mean * factor, std: self.std * factor.abs() }
    }
}

/// How far the samples of a batch are apart: the standard deviation over the samples, of each feature,
/// as a root mean square over the features. What all samples have in common does not count.
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

/// The last axis is the features, all others count rows.
pub(super) fn rows_and_features<T: Scalar>(x: &Tensor<T>) -> (usize, usize) {
    let features = x.shape().last().copied().unwrap_or(1);
    (x.len() / features.max(1), features)
}

/// Numbers that may not be finite, for formats that have none such.
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
