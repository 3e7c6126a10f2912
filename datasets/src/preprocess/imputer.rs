//! [`Impute`]: what stands for a missing value; [`Imputer`]: for the columns of a tensor.

use fanin_tensor::{Tensor, show_shape};
use serde::{Deserialize, Serialize};

use super::statistics::{mean_and_std, median, most_frequent};
use crate::error::{Error, Place, Result};

/// What stands for a missing value of a column. All but the constants are measured on the rows to
/// train on.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Impute {
    /// Nothing: a missing value is an error.
    Refuse,
    /// The mean of the column.
    Mean,
    /// The median of the column.
    Median,
    /// The most frequent value of the column, number or category; of several, the smallest.
    MostFrequent,
    /// This number.
    Number(f64),
    /// This category, such as `"unknown"`. It is known if a row to train on has it, or lacks a value.
    Category(String),
}

impl Impute {
    /// What stands for the missing ones of these numbers, which are those that are there. `None` if
    /// nothing does, or if there are no numbers to measure.
    pub(super) fn number(&self, present: &[f64]) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Refuse | Self::Category(_) => None,
            _ if present.is_empty() => None,
            Self::Mean => Some(mean_and_std(present).0),
            Self::Median => Some(median(present)),
            Self::MostFrequent => Some(most_frequent(present)),
        }
    }
}

/// What stands for the missing numbers of columns, fitted to one tensor and applied to any. A missing
/// number is NaN.
///
/// # Example
/// ```
/// use fanin_datasets::Tensor;
/// use fanin_datasets::preprocess::{Impute, Imputer};
///
/// let train = Tensor::from_vec([3, 2], vec![1.0, 7.0, f32::NAN, 8.0, 3.0, f32::NAN]);
/// let imputer = Imputer::fit(&train, &Impute::Mean)?;
/// assert_eq!(imputer.values(), [2.0, 7.5]);
/// assert_eq!(imputer.apply(&train).as_slice(), [1.0, 7.0, 2.0, 8.0, 3.0, 7.5]);
/// # Ok::<(), fanin_datasets::Error>(())
/// ```
#[doc(alias("SimpleImputer"))]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct Imputer {
    values: Vec<f32>,
}

/// An imputer from outside.
#[derive(Deserialize)]
struct Unchecked {
    values: Vec<f32>,
}

impl TryFrom<Unchecked> for Imputer {
    type Error = &'static str;

    fn try_from(Unchecked { values }: Unchecked) -> std::result::Result<Self, Self::Error> {
        if !values.iter().all(|value| value.is_finite()) {
            return Err("an imputer has finite values");
        }
        Ok(Self { values })
    }
}

impl Imputer {
    /// Measures the columns of `x`.
    ///
    /// # Shapes
    /// `x` is `(n, columns)`.
    ///
    /// # Panics
    /// **Panics** if `x` does not have two axes, or if `impute` is [`Impute::Refuse`] or a category.
    ///
    /// # Errors
    /// If all numbers of a column are missing, or if one is infinite.
    #[track_caller]
    pub fn fit(x: &Tensor, impute: &Impute) -> Result<Self> {
        let &[_, columns] = x.shape() else {
            panic!("Imputer::fit: {}; give two axes (n, columns)", show_shape(x.shape()));
        };
        if matches!(impute, Impute::Refuse | Impute::Category(_)) {
            panic!(
                "Imputer::fit: {impute:?} gives no number; take Mean, Median, MostFrequent or Number"
            );
        }
        let mut values = Vec::with_capacity(columns);
        for j in 0..columns {
            let column = x.as_slice().iter().skip(j).step_by(columns);
            if let Some(row) = column.clone().position(|x| x.is_infinite()) {
                let value = x.as_slice()[row * columns + j];
                return Err(Error::NotFinite { row, column: j, value });
            }
            let present: Vec<f64> = column.filter(|x| !x.is_nan()).map(|&x| f64::from(x)).collect();
            let Some(value) = impute.number(&present) else {
                let next = "no row has one, so nothing can stand for it; leave the column out";
                let column = j.to_string();
                return Err(Error::MissingValue { at: Place::Row(0), column, next });
            };
            values.push(value as f32);
        }
        Ok(Self { values })
    }

    /// What stands for a missing number of each column.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// The same numbers, with every NaN replaced.
    ///
    /// # Shapes
    /// The last axis of `x` has as many places as there are columns.
    ///
    /// # Panics
    /// **Panics** if it has another number of places.
    #[must_use]
    #[track_caller]
    pub fn apply(&self, x: &Tensor) -> Tensor {
        let columns = self.values.len();
        if x.shape().last() != Some(&columns) {
            panic!("Imputer::apply: {} with {columns} columns fitted", show_shape(x.shape()));
        }
        let mut x = x.clone();
        for row in x.as_mut_slice().chunks_exact_mut(columns.max(1)) {
            for (x, &value) in row.iter_mut().zip(&self.values) {
                if x.is_nan() {
                    *x = value;
                }
            }
        }
        x
    }
}
