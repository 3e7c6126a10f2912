//! [`explained_variance`], and [`R2`] and [`ExplainedVariance`] batch by batch.

use fanin_tensor::Tensor;
use fanin_tensor::reduce::PairwiseSum;

use super::Metric;
use super::errors::new_columns;
use super::regression::{check_shapes, mean_of_columns, samples};

/// The share of the targets' variance that the outputs explain: 1 if all errors are equal. Unlike
/// [`r2`](super::r2), it forgives a constant error.
///
/// ```text
/// EV_j = 1 − Var_i(t_ij − y_ij) / Var_i(t_ij)
/// ```
/// The result is the mean over the columns `j`. A column whose targets are all equal counts 1 if the
/// errors are all equal too, else 0. NaN for no samples.
///
/// # Shapes
/// `outputs` and `targets` are both `(n, …)`; whatever follows `n` are columns.
///
/// # Panics
/// **Panics** if the shapes differ.
///
/// # Example
/// ```
/// use fanin_tensor::Tensor;
/// use fanin_train::metrics::{explained_variance, r2};
///
/// let (outputs, targets) = (Tensor::from([[2.0], [3.0], [4.0]]), Tensor::from([[1.0], [2.0], [3.0]]));
/// assert_eq!((explained_variance(&outputs, &targets), r2(&outputs, &targets)), (1.0, -0.5));
/// ```
#[doc(alias = "explained_variance_score")]
#[track_caller]
pub fn explained_variance(outputs: &Tensor, targets: &Tensor) -> f64 {
    check_shapes("explained_variance", outputs, targets);
    mean_of_columns(outputs, targets, |column| {
        let errors = column.iter().map(|[y, t]| t - y);
        share(squares(errors), squares(column.iter().map(|[_, t]| *t)))
    })
}

/// The sum of the squares of the distances from the mean.
fn squares(numbers: impl ExactSizeIterator<Item = f64> + Clone) -> f64 {
    let mean = PairwiseSum::of(numbers.clone()) / numbers.len() as f64;
    PairwiseSum::of(numbers.map(|x| (x - mean).powi(2)))
}

/// What is explained of `total` if `left` is left.
fn share(left: f64, total: f64) -> f64 {
    match (left == 0.0, total == 0.0) {
        (true, _) => 1.0,
        (false, true) => 0.0,
        (false, false) => 1.0 - left / total,
    }
}

/// The sums of a column. Numbers are less the column's first one, so that the variance keeps its digits
/// however large the mean is.
#[derive(Clone, Debug)]
struct Column {
    /// The first error `t − y`, and the first target.
    first: [f64; 2],
    errors: [PairwiseSum; 2],
    targets: [PairwiseSum; 2],
    /// The squares of the errors themselves.
    residual: PairwiseSum,
}

impl Column {
    fn new(first: [f64; 2]) -> Self {
        Self {
            first,
            errors: Default::default(),
            targets: Default::default(),
            residual: PairwiseSum::new(),
        }
    }

    fn push(&mut self, [error, target]: [f64; 2]) {
        self.residual.push(error * error);
        let by = [error - self.first[0], target - self.first[1]];
        for (sums, x) in [&mut self.errors, &mut self.targets].into_iter().zip(by) {
            sums[0].push(x);
            sums[1].push(x * x);
        }
    }
}

/// `Σ (x − mean)²` from `Σ x` and `Σ x²`.
fn about_mean([sum, squares]: &[PairwiseSum; 2], n: usize) -> f64 {
    (squares.total() - sum.total().powi(2) / n as f64).max(0.0)
}

/// The columns of all batches.
#[derive(Clone, Debug, Default)]
struct Columns {
    columns: Vec<Column>,
    samples: usize,
}

impl Columns {
    #[track_caller]
    fn add(&mut self, op: &str, outputs: &Tensor, targets: &Tensor) {
        check_shapes(op, outputs, targets);
        let Some(columns) = new_columns(op, targets, self.columns.len()) else { return };
        let pairs = outputs.as_slice().iter().zip(targets.as_slice());
        for (i, (&y, &t)) in pairs.enumerate() {
            let numbers = [f64::from(t) - f64::from(y), f64::from(t)];
            if i == self.columns.len() && i < columns {
                self.columns.push(Column::new(numbers));
            }
            self.columns[i % columns].push(numbers);
        }
        self.samples += samples(targets);
    }

    fn mean(&self, of: impl Fn(&Column, usize) -> f64) -> f64 {
        let values = self.columns.iter().map(|column| of(column, self.samples));
        PairwiseSum::of(values) / self.columns.len() as f64
    }
}

/// [`r2`](super::r2), batch by batch.
///
/// # Example
/// ```
/// use fanin_tensor::Tensor;
/// use fanin_train::metrics::{Metric, R2};
///
/// let mut r2 = R2::new();
/// r2.update(&Tensor::from([[1.0], [2.0]]), &Tensor::from([[1.0], [2.0]]));
/// r2.update(&Tensor::from([[2.0]]), &Tensor::from([[3.0]]));
/// assert_eq!(r2.value(), 0.5);
/// ```
#[derive(Clone, Debug, Default)]
pub struct R2 {
    columns: Columns,
}

impl R2 {
    /// An R² of no samples yet.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Metric<Tensor> for R2 {
    fn name(&self) -> String {
        "r2".into()
    }

    fn higher_is_better(&self) -> bool {
        true
    }

    fn reset(&mut self) {
        *self = Self::default();
    }

    #[track_caller]
    fn update(&mut self, outputs: &Tensor, targets: &Tensor) {
        self.columns.add("R2", outputs, targets);
    }

    fn value(&self) -> f64 {
        if self.columns.samples < 2 {
            return f64::NAN;
        }
        self.columns
            .mean(|column, n| share(column.residual.total(), about_mean(&column.targets, n)))
    }
}

/// [`explained_variance`], batch by batch.
///
/// # Example
/// ```
/// use fanin_tensor::Tensor;
/// use fanin_train::metrics::{ExplainedVariance, Metric};
///
/// let mut explained = ExplainedVariance::new();
/// explained.update(&Tensor::from([[2.0], [3.0]]), &Tensor::from([[1.0], [2.0]]));
/// explained.update(&Tensor::from([[4.0]]), &Tensor::from([[3.0]]));
/// assert_eq!(explained.value(), 1.0);
/// ```
#[derive(Clone, Debug, Default)]
pub struct ExplainedVariance {
    columns: Columns,
}

impl ExplainedVariance {
    /// A share of no samples yet.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Metric<Tensor> for ExplainedVariance {
    fn name(&self) -> String {
        "explained_variance".into()
    }

    fn higher_is_better(&self) -> bool {
        true
    }

    fn reset(&mut self) {
        *self = Self::default();
    }

    #[track_caller]
    fn update(&mut self, outputs: &Tensor, targets: &Tensor) {
        self.columns.add("ExplainedVariance", outputs, targets);
    }

    fn value(&self) -> f64 {
        self.columns
            .mean(|column, n| share(about_mean(&column.errors, n), about_mean(&column.targets, n)))
    }
}
