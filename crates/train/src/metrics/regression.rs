//! [`r2`], [`mean_absolute_error`] and [`root_mean_squared_error`].

use fanin_tensor::reduce::PairwiseSum;
use fanin_tensor::{Tensor, show_shape};

/// R², the coefficient of determination: 1 for perfect outputs, 0 for outputs no better than the
/// mean of the targets, negative for worse ones.
///
/// ```text
/// R²_j = 1 − Σ_i (t_ij − y_ij)² / Σ_i (t_ij − mean_j)²
/// ```
/// The result is the mean over the columns `j`. A column whose targets are all equal has no variance
/// to explain: it counts 1 if the outputs are perfect, else 0. NaN for fewer than two samples.
///
/// # Shapes
/// `outputs` and `targets` are both `(n, …)`; whatever follows `n` are columns.
///
/// # Panics
/// **Panics** if the shapes differ.
///
/// # Example
/// ```
/// use fanin_train::metrics::r2;
/// use fanin_tensor::Tensor;
///
/// let targets = Tensor::from_vec([3, 1], vec![1.0, 2.0, 3.0]);
/// let outputs = Tensor::from_vec([3, 1], vec![1.0, 2.0, 2.0]);
/// assert_eq!((r2(&targets, &targets), r2(&outputs, &targets)), (1.0, 0.5));
/// ```
#[track_caller]
pub fn r2(outputs: &Tensor, targets: &Tensor) -> f64 {
    check_shapes("r2", outputs, targets);
    let n = samples(targets);
    if n < 2 {
        return f64::NAN;
    }
    mean_of_columns(outputs, targets, |column| {
        let mean = PairwiseSum::of(column.iter().map(|[_, t]| *t)) / n as f64;
        let residual = PairwiseSum::of(column.iter().map(|[y, t]| (t - y).powi(2)));
        let total = PairwiseSum::of(column.iter().map(|[_, t]| (t - mean).powi(2)));
        match (residual == 0.0, total == 0.0) {
            (true, _) => 1.0,
            (false, true) => 0.0,
            (false, false) => 1.0 - residual / total,
        }
    })
}

/// The mean absolute error, in the unit of the targets; NaN for no samples.
///
/// ```text
/// MAE = Σ |y − t| / (number of elements)
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
/// use fanin_train::metrics::mean_absolute_error;
/// use fanin_tensor::Tensor;
///
/// let targets = Tensor::from_vec([2, 1], vec![1.0, 2.0]);
/// let outputs = Tensor::from_vec([2, 1], vec![1.5, 4.0]);
/// assert_eq!(mean_absolute_error(&outputs, &targets), 1.25);
/// ```
#[track_caller]
pub fn mean_absolute_error(outputs: &Tensor, targets: &Tensor) -> f64 {
    check_shapes("mean_absolute_error", outputs, targets);
    let pairs = outputs.as_slice().iter().zip(targets.as_slice());
    let errors = pairs.map(|(&y, &t)| (f64::from(y) - f64::from(t)).abs());
    PairwiseSum::of(errors) / targets.len() as f64
}

/// The root of the mean squared error, in the unit of the targets; NaN for no samples.
///
/// ```text
/// RMSE_j = √(Σ_i (y_ij − t_ij)² / n)
/// ```
/// The result is the mean over the columns `j`.
///
/// # Shapes
/// `outputs` and `targets` are both `(n, …)`; whatever follows `n` are columns.
///
/// # Panics
/// **Panics** if the shapes differ.
///
/// # Example
/// ```
/// use fanin_train::metrics::root_mean_squared_error;
/// use fanin_tensor::Tensor;
///
/// let targets = Tensor::from_vec([2, 1], vec![1.0, 2.0]);
/// let outputs = Tensor::from_vec([2, 1], vec![2.0, 9.0]);
/// assert_eq!(root_mean_squared_error(&outputs, &targets), 5.0);
/// ```
#[track_caller]
pub fn root_mean_squared_error(outputs: &Tensor, targets: &Tensor) -> f64 {
    check_shapes("root_mean_squared_error", outputs, targets);
    mean_of_columns(outputs, targets, |column| {
        let squares = column.iter().map(|[y, t]| (y - t).powi(2));
        (PairwiseSum::of(squares) / column.len() as f64).sqrt()
    })
}

/// The mean over columns of a metric of each, which gets `[output, target]` of every sample.
pub(super) fn mean_of_columns(
    outputs: &Tensor,
    targets: &Tensor,
    metric: impl Fn(&[[f64; 2]]) -> f64,
) -> f64 {
    let columns = targets.len() / samples(targets).max(1);
    let metrics = (0..columns).map(|column| {
        let pairs = outputs.as_slice().iter().zip(targets.as_slice()).skip(column).step_by(columns);
        metric(&pairs.map(|(&y, &t)| [y.into(), t.into()]).collect::<Vec<_>>())
    });
    PairwiseSum::of(metrics) / columns as f64
}

pub(super) fn samples(x: &Tensor) -> usize {
    x.shape().first().copied().unwrap_or(1)
}

#[track_caller]
pub(super) fn check_shapes(op: &str, outputs: &Tensor, targets: &Tensor) {
    if outputs.shape() != targets.shape() {
        let (outputs, targets) = (show_shape(outputs.shape()), show_shape(targets.shape()));
        panic!("{op}: outputs {outputs}, but targets {targets}; give both the same shape");
    }
}
