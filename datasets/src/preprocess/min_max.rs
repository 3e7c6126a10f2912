//! [`MinMaxScaler`]: columns between 0 and 1.

use fanin_tensor::{Tensor, show_shape};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// The smallest and largest number of columns, fitted to one table and applied to any.
///
/// ```text
/// apply: (x_ij − min_j) / (max_j − min_j)        undo: x_ij · (max_j − min_j) + min_j
/// ```
/// The rows that it was fitted to are between 0 and 1; others may be beyond. A column of one value
/// becomes 0.
///
/// # Example
/// ```
/// use fanin_datasets::Tensor;
/// use fanin_datasets::preprocess::MinMaxScaler;
///
/// let train = Tensor::from_vec([3, 2], vec![1.0, 7.0, 3.0, 7.0, 2.0, 7.0]);
/// let scaler = MinMaxScaler::fit(&train)?;
/// assert_eq!((scaler.min(), scaler.max()), (&[1.0, 7.0][..], &[3.0, 7.0][..]));
/// assert_eq!(scaler.apply(&train).as_slice(), [0.0, 0.0, 1.0, 0.0, 0.5, 0.0]);
/// assert_eq!(scaler.undo(&scaler.apply(&train)), train);
/// # Ok::<(), fanin_datasets::Error>(())
/// ```
#[doc(alias("MinMax"))]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct MinMaxScaler {
    min: Vec<f32>,
    max: Vec<f32>,
}

/// A scaler from outside.
#[derive(Deserialize)]
struct Unchecked {
    min: Vec<f32>,
    max: Vec<f32>,
}

impl TryFrom<Unchecked> for MinMaxScaler {
    type Error = &'static str;

    fn try_from(Unchecked { min, max }: Unchecked) -> std::result::Result<Self, Self::Error> {
        let fits = |(min, max): (&f32, &f32)| min.is_finite() && max.is_finite() && min <= max;
        if min.len() != max.len() || !min.iter().zip(&max).all(fits) {
            return Err("a scaler has a smallest and a largest finite number for each column");
        }
        Ok(Self { min, max })
    }
}

impl MinMaxScaler {
    /// Measures the columns of `x`.
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
            panic!("MinMaxScaler::fit: {}; give two axes (n, columns)", show_shape(x.shape()));
        };
        if n == 0 {
            return Err(Error::NoRows);
        }
        if let Some(i) = x.as_slice().iter().position(|value| !value.is_finite()) {
            let (row, column) = (i / columns, i % columns);
            return Err(Error::NotFinite { row, column, value: x.as_slice()[i] });
        }
        let (mut min, mut max) = (vec![f32::INFINITY; columns], vec![f32::NEG_INFINITY; columns]);
        for row in x.as_slice().chunks_exact(columns.max(1)) {
            min.iter_mut().zip(row).for_each(|(min, &x)| *min = min.min(x));
            max.iter_mut().zip(row).for_each(|(max, &x)| *max = max.max(x));
        }
        Ok(Self { min, max })
    }

    /// The smallest number of every column.
    pub fn min(&self) -> &[f32] {
        &self.min
    }

    /// The largest number of every column.
    pub fn max(&self) -> &[f32] {
        &self.max
    }

    /// `(x − min) / (max − min)`, column by column.
    ///
    /// # Shapes
    /// The last axis of `x` has as many places as there are columns.
    ///
    /// # Panics
    /// **Panics** if it has another number of places.
    #[must_use]
    #[track_caller]
    pub fn apply(&self, x: &Tensor) -> Tensor {
        self.map("MinMaxScaler::apply", x, |x, min, range| (x - min) / range)
    }

    /// `x · (max − min) + min`, column by column: what [`apply`](MinMaxScaler::apply) was given.
    ///
    /// # Shapes
    /// The last axis of `x` has as many places as there are columns.
    ///
    /// # Panics
    /// **Panics** if it has another number of places.
    #[must_use]
    #[track_caller]
    pub fn undo(&self, x: &Tensor) -> Tensor {
        self.map("MinMaxScaler::undo", x, |x, min, range| x * range + min)
    }

    /// In f64, because the range of two numbers of f32 may be none.
    #[track_caller]
    fn map(&self, op: &str, x: &Tensor, f: fn(f64, f64, f64) -> f64) -> Tensor {
        let columns = self.min.len();
        if x.shape().last() != Some(&columns) {
            panic!("{op}: {} with {columns} columns fitted", show_shape(x.shape()));
        }
        let mut x = x.clone();
        for row in x.as_mut_slice().chunks_exact_mut(columns.max(1)) {
            for ((x, &min), &max) in row.iter_mut().zip(&self.min).zip(&self.max) {
                let (min, max) = (f64::from(min), f64::from(max));
                let range = if max > min { max - min } else { 1.0 };
                *x = f((*x).into(), min, range) as f32;
            }
        }
        x
    }
}
