//! [`Standardizer`]: columns of mean 0 and standard deviation 1.

use fanin_tensor::{Tensor, show_shape};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// The mean and standard deviation of columns, fitted to one table and applied to any.
///
/// ```text
/// mean_j = Σ_i x_ij / n        std_j = √(Σ_i (x_ij − mean_j)² / n)
/// apply: (x_ij − mean_j) / std_j        undo: x_ij · std_j + mean_j
/// ```
/// Sums are in `f64`. A column of one value has the standard deviation 1, so that it becomes 0.
///
/// # Example
/// ```
/// use fanin_datasets::{Standardizer, Tensor};
///
/// let train = Tensor::from_vec([2, 2], vec![1.0, 7.0, 3.0, 7.0]);
/// let scale = Standardizer::fit(&train)?;
/// assert_eq!((scale.mean(), scale.std()), (&[2.0, 7.0][..], &[1.0, 1.0][..]));
/// assert_eq!(scale.apply(&train).as_slice(), [-1.0, 0.0, 1.0, 0.0]);
/// assert_eq!(scale.undo(&scale.apply(&train)), train);
/// # Ok::<(), fanin_datasets::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct Standardizer {
    mean: Vec<f32>,
    std: Vec<f32>,
}

/// A standardizer from outside.
#[derive(Deserialize)]
struct Unchecked {
    mean: Vec<f32>,
    std: Vec<f32>,
}

impl TryFrom<Unchecked> for Standardizer {
    type Error = &'static str;

    fn try_from(Unchecked { mean, std }: Unchecked) -> std::result::Result<Self, Self::Error> {
        if mean.len() != std.len() {
            return Err("a standardizer has a mean and a standard deviation for each column");
        }
        if !(mean.iter().all(|mean| mean.is_finite())
            && std.iter().all(|&std| std.is_finite() && std > 0.0))
        {
            return Err("a standardizer has finite means, and standard deviations above 0");
        }
        Ok(Self { mean, std })
    }
}

impl Standardizer {
    /// Measures the columns of `x`: inputs, or targets that are numbers.
    ///
    /// # Shapes
    /// `x` is `(n, columns)`.
    ///
    /// # Panics
    /// **Panics** if `x` does not have two axes.
    ///
    /// # Errors
    /// If there are no rows, or if a number is NaN or infinite.
    #[track_caller]
    pub fn fit(x: &Tensor) -> Result<Self> {
        let &[n, columns] = x.shape() else {
            panic!("Standardizer::fit: {}; give two axes (n, columns)", show_shape(x.shape()));
        };
        if n == 0 {
            return Err(Error::NoRows);
        }
        if let Some(i) = x.as_slice().iter().position(|value| !value.is_finite()) {
            let (row, column) = (i / columns, i % columns);
            return Err(Error::NotFinite { row, column, value: x.as_slice()[i] });
        }
        let mean_of = |value: &dyn Fn(usize, f32) -> f64| {
            let mut sums = vec![0.0; columns];
            for row in x.as_slice().chunks_exact(columns.max(1)) {
                sums.iter_mut().zip(row).enumerate().for_each(|(j, (sum, &x))| *sum += value(j, x));
            }
            sums.iter_mut().for_each(|sum| *sum /= n as f64);
            sums
        };
        let mean = mean_of(&|_, x| x.into());
        let variance = mean_of(&|j, x| (f64::from(x) - mean[j]).powi(2));
        // Rounding leaves a column of one value a variance of that value's square times this.
        let is_constant = |(variance, mean): (f64, f64)| {
            let rounding = 10.0 * f64::EPSILON * mean.abs();
            variance <= rounding * rounding
        };
        let std = variance.iter().zip(&mean).map(|(&variance, &mean)| {
            if is_constant((variance, mean)) { 1.0 } else { variance.sqrt() as f32 }
        });
        Ok(Self { std: std.collect(), mean: mean.iter().map(|&mean| mean as f32).collect() })
    }

    /// The mean of every column.
    pub fn mean(&self) -> &[f32] {
        &self.mean
    }

    /// The standard deviation of every column, and 1 for a column of one value.
    pub fn std(&self) -> &[f32] {
        &self.std
    }

    /// `(x − mean) / std`, column by column.
    ///
    /// # Shapes
    /// The last axis of `x` has as many places as there are columns.
    ///
    /// # Panics
    /// **Panics** if it has another number of places.
    #[must_use]
    #[track_caller]
    pub fn apply(&self, x: &Tensor) -> Tensor {
        self.map("Standardizer::apply", x, |x, mean, std| (x - mean) / std)
    }

    /// `x · std + mean`, column by column: what [`apply`](Standardizer::apply) was given. It turns
    /// predictions of standardized targets back.
    ///
    /// # Shapes
    /// The last axis of `x` has as many places as there are columns.
    ///
    /// # Panics
    /// **Panics** if it has another number of places.
    #[must_use]
    #[track_caller]
    pub fn undo(&self, x: &Tensor) -> Tensor {
        self.map("Standardizer::undo", x, |x, mean, std| x * std + mean)
    }

    #[track_caller]
    fn map(&self, op: &str, x: &Tensor, f: fn(f32, f32, f32) -> f32) -> Tensor {
        let columns = self.mean.len();
        if x.shape().last() != Some(&columns) {
            panic!("{op}: {} with {columns} columns fitted", show_shape(x.shape()));
        }
        let mut x = x.clone();
        for row in x.as_mut_slice().chunks_exact_mut(columns.max(1)) {
            for ((x, &mean), &std) in row.iter_mut().zip(&self.mean).zip(&self.std) {
                *x = f(*x, mean, std);
            }
        }
        x
    }
}
