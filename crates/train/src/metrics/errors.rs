//! [`mean_squared_error`] and [`mean_absolute_percentage_error`], and all errors batch by batch.

use fanin_tensor::reduce::PairwiseSum;
use fanin_tensor::{Tensor, show_shape};

use super::Metric;
use super::regression::{check_shapes, samples};

/// The mean squared error; NaN for no samples.
///
/// ```text
/// MSE = Σ (y − t)² / (number of elements)
/// ```
///
/// # Shapes
/// `outputs` and `targets` are both `(n, …)`.
///
/// # Panics
/// **Panics** if the shapes differ.
///
/// # Example
/// ```
/// use fanin_tensor::Tensor;
/// use fanin_train::metrics::mean_squared_error;
///
/// let (outputs, targets) = (Tensor::from([[1.5], [4.0]]), Tensor::from([[1.0], [2.0]]));
/// assert_eq!(mean_squared_error(&outputs, &targets), (0.25 + 4.0) / 2.0);
/// ```
#[doc(alias = "mse")]
#[track_caller]
pub fn mean_squared_error(outputs: &Tensor, targets: &Tensor) -> f64 {
    check_shapes("mean_squared_error", outputs, targets);
    PairwiseSum::of(pairs(outputs, targets).map(|[y, t]| (y - t).powi(2))) / targets.len() as f64
}

/// The mean of the errors' shares of the targets; NaN for no samples.
///
/// ```text
/// MAPE = Σ |y − t| / max(|t|, ε) / (number of elements),   ε = 2⁻⁵²
/// ```
/// It is a share, not a per cent. A target near 0 makes it very large.
///
/// # Shapes
/// `outputs` and `targets` are both `(n, …)`.
///
/// # Panics
/// **Panics** if the shapes differ.
///
/// # Example
/// ```
/// use fanin_tensor::Tensor;
/// use fanin_train::metrics::mean_absolute_percentage_error;
///
/// let (outputs, targets) = (Tensor::from([[1.5], [4.0]]), Tensor::from([[1.0], [-2.0]]));
/// assert_eq!(mean_absolute_percentage_error(&outputs, &targets), (0.5 + 3.0) / 2.0);
/// ```
#[doc(alias = "mape")]
#[track_caller]
pub fn mean_absolute_percentage_error(outputs: &Tensor, targets: &Tensor) -> f64 {
    check_shapes("mean_absolute_percentage_error", outputs, targets);
    PairwiseSum::of(pairs(outputs, targets).map(share)) / targets.len() as f64
}

fn pairs(outputs: &Tensor, targets: &Tensor) -> impl Iterator<Item = [f64; 2]> {
    let pairs = outputs.as_slice().iter().zip(targets.as_slice());
    pairs.map(|(&y, &t)| [y.into(), t.into()])
}

fn share([y, t]: [f64; 2]) -> f64 {
    (y - t).abs() / t.abs().max(f64::EPSILON)
}

/// A mean over all elements, batch by batch: its name, and the term of an element `[y, t]`.
macro_rules! means {
    ($(
        $(#[$doc:meta])*
        $metric:ident = $name:literal, $term:expr;
    )*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, Default)]
        pub struct $metric {
            sum: PairwiseSum,
            elements: usize,
        }

        impl $metric {
            /// An error of no samples yet.
            pub fn new() -> Self {
                Self::default()
            }
        }

        impl Metric<Tensor> for $metric {
            fn name(&self) -> String {
                $name.into()
            }

            fn higher_is_better(&self) -> bool {
                false
            }

            fn reset(&mut self) {
                *self = Self::default();
            }

            #[track_caller]
            fn update(&mut self, outputs: &Tensor, targets: &Tensor) {
                check_shapes(stringify!($metric), outputs, targets);
                self.sum.extend(pairs(outputs, targets).map($term));
                self.elements += targets.len();
            }

            fn value(&self) -> f64 {
                self.sum.total() / self.elements as f64
            }
        }
    )*};
}

means! {
    /// [`mean_squared_error`], batch by batch.
    ///
    /// # Example
    /// ```
    /// use fanin_tensor::Tensor;
    /// use fanin_train::metrics::{MeanSquaredError, Metric};
    ///
    /// let mut error = MeanSquaredError::new();
    /// error.update(&Tensor::from([[1.5]]), &Tensor::from([[1.0]]));
    /// error.update(&Tensor::from([[4.0]]), &Tensor::from([[2.0]]));
    /// assert_eq!(error.value(), (0.25 + 4.0) / 2.0);
    /// ```
    MeanSquaredError = "mean_squared_error", |[y, t]| (y - t).powi(2);

    /// [`mean_absolute_error`](super::mean_absolute_error), batch by batch.
    ///
    /// # Example
    /// ```
    /// use fanin_tensor::Tensor;
    /// use fanin_train::metrics::{MeanAbsoluteError, Metric};
    ///
    /// let mut error = MeanAbsoluteError::new();
    /// error.update(&Tensor::from([[1.5]]), &Tensor::from([[1.0]]));
    /// error.update(&Tensor::from([[4.0]]), &Tensor::from([[2.0]]));
    /// assert_eq!(error.value(), 1.25);
    /// ```
    MeanAbsoluteError = "mean_absolute_error", |[y, t]| (y - t).abs();

    /// [`mean_absolute_percentage_error`], batch by batch.
    ///
    /// # Example
    /// ```
    /// use fanin_tensor::Tensor;
    /// use fanin_train::metrics::{MeanAbsolutePercentageError, Metric};
    ///
    /// let mut error = MeanAbsolutePercentageError::new();
    /// error.update(&Tensor::from([[1.5]]), &Tensor::from([[1.0]]));
    /// error.update(&Tensor::from([[4.0]]), &Tensor::from([[-2.0]]));
    /// assert_eq!(error.value(), (0.5 + 3.0) / 2.0);
    /// ```
    MeanAbsolutePercentageError = "mean_absolute_percentage_error", share;
}

/// [`root_mean_squared_error`](super::root_mean_squared_error), batch by batch.
///
/// # Example
/// ```
/// use fanin_tensor::Tensor;
/// use fanin_train::metrics::{Metric, RootMeanSquaredError};
///
/// let mut error = RootMeanSquaredError::new();
/// error.update(&Tensor::from([[2.0]]), &Tensor::from([[1.0]]));
/// error.update(&Tensor::from([[9.0]]), &Tensor::from([[2.0]]));
/// assert_eq!(error.value(), 5.0);
/// ```
#[derive(Clone, Debug, Default)]
pub struct RootMeanSquaredError {
    /// The sum of the squares of each column.
    columns: Vec<PairwiseSum>,
    samples: usize,
}

impl RootMeanSquaredError {
    /// An error of no samples yet.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Metric<Tensor> for RootMeanSquaredError {
    fn name(&self) -> String {
        "root_mean_squared_error".into()
    }

    fn higher_is_better(&self) -> bool {
        false
    }

    fn reset(&mut self) {
        *self = Self::default();
    }

    #[track_caller]
    fn update(&mut self, outputs: &Tensor, targets: &Tensor) {
        check_shapes("RootMeanSquaredError", outputs, targets);
        let Some(columns) = new_columns("RootMeanSquaredError", targets, self.columns.len()) else {
            return;
        };
        self.columns.resize_with(columns, PairwiseSum::new);
        for (i, [y, t]) in pairs(outputs, targets).enumerate() {
            self.columns[i % columns].push((y - t).powi(2));
        }
        self.samples += samples(targets);
    }

    fn value(&self) -> f64 {
        let means = self.columns.iter().map(|column| column.total() / self.samples as f64);
        PairwiseSum::of(means.map(f64::sqrt)) / self.columns.len() as f64
    }
}

/// The columns of a batch; `None` if it is empty.
///
/// # Panics
/// **Panics** if earlier batches had another number: `before`, which is 0 if there were none.
#[track_caller]
pub(super) fn new_columns(op: &str, targets: &Tensor, before: usize) -> Option<usize> {
    if targets.len() == 0 {
        return None;
    }
    let columns = targets.len() / samples(targets);
    if before != 0 && columns != before {
        let shape = show_shape(targets.shape());
        panic!("{op}: targets {shape} after batches of {before} columns; give the same columns");
    }
    Some(columns)
}
