//! Models measured on whole data sets.

use fanin_datasets::Data;
use fanin_nn::Module;
use fanin_tensor::Tensor;

use crate::metrics::{Accuracy, ConfusionMatrix, Metric, check_logits};

/// Samples that are predicted at once: enough for a large product, little memory.
pub(crate) const BATCH: usize = 512;

/// The share of a data set that a model classifies rightly, in \[0, 1\]; NaN for an empty set.
///
/// ```text
/// accuracy = Σ_i [argmax_c y_ic = label_i] / n
/// ```
/// The class of a sample is that of the largest of the model's outputs, the first of equals.
/// [`metrics::accuracy`](crate::metrics::accuracy) is the same for outputs that are there already.
///
/// # Shapes
/// The model maps a batch's inputs to `(b, classes)`, or to `(b)` or `(b, 1)` logits of class 1. The data's batches are `(Tensor, Vec<usize>)`:
/// a [`Dataset`](fanin_datasets::Dataset), a table with labels, a pair, or your own type.
///
/// # Panics
/// **Panics** if the model does not take the inputs, or if a label has no output.
///
/// # Example
/// ```
/// use fanin_nn::{Linear, Sequential};
///
/// let (_, test) = fanin_datasets::mnist_bundled();
/// let untrained = Sequential::new().add(Linear::new(784, 10));
/// assert!(fanin_train::accuracy(&untrained, &test) < 0.5);
/// ```
#[track_caller]
pub fn accuracy<D>(model: &(impl Module + ?Sized), data: &D) -> f64
where
    D: Data<Batch = (Tensor, Vec<usize>)>,
{
    let mut accuracy = Accuracy::new();
    for (x, labels) in data.batches(BATCH) {
        accuracy.update(&model.predict(&x), &labels);
    }
    accuracy.value()
}

/// How often a model takes each class of a data set for which.
///
/// [`metrics::confusion_matrix`](crate::metrics::confusion_matrix) is the same for outputs that are
/// there already.
///
/// # Shapes
/// As for [`accuracy`].
///
/// # Panics
/// **Panics** if the model does not take the inputs, or if a label has no output.
///
/// # Example
/// ```
/// use fanin_nn::{Linear, Sequential};
///
/// let (_, test) = fanin_datasets::mnist_bundled();
/// let untrained = Sequential::new().add(Linear::new(784, 10));
/// let matrix = fanin_train::confusion_matrix(&untrained, &test);
/// let zeros: usize = (0..10).map(|predicted| matrix.count(0, predicted)).sum();
/// assert_eq!(zeros, 100);
/// println!("{matrix}");
/// ```
#[track_caller]
pub fn confusion_matrix<D>(model: &(impl Module + ?Sized), data: &D) -> ConfusionMatrix
where
    D: Data<Batch = (Tensor, Vec<usize>)>,
{
    let mut matrix = ConfusionMatrix::default();
    for (x, labels) in data.batches(BATCH) {
        let outputs = model.predict(&x);
        check_logits("confusion_matrix", &outputs, &labels);
        matrix.add(&outputs, &labels);
    }
    matrix
}

/// A metric of a model on a whole data set.
///
/// `metric` gets the outputs for all samples, and all targets: a function of
/// [`metrics`](crate::metrics), or your own.
///
/// # Shapes
/// The data's batches are `(Tensor, Tensor)` or `(Tensor, Vec<usize>)`; `metric` gets outputs
/// `(n, …)`, and targets as `&Tensor` `(n, …)` or as `&[usize]` of `n` labels.
///
/// # Panics
/// **Panics** if the model does not take the inputs, or if the metric panics.
///
/// # Example
/// ```
/// use fanin_datasets::{Table, Tensor};
/// use fanin_nn::{Linear, Sequential};
/// use fanin_train::{evaluate, metrics};
///
/// let x = Tensor::from_vec([3, 1], vec![0.0, 1.0, 2.0]);
/// let table = Table::from_tensors(x.clone(), x);
/// let model = Sequential::new().add(Linear::new(1, 1));
/// assert!(evaluate(&model, &table, metrics::root_mean_squared_error) > 0.0);
/// assert!(evaluate(&model, &table, metrics::r2) < 1.0);
/// ```
#[track_caller]
pub fn evaluate<D, Y, R>(
    model: &(impl Module + ?Sized),
    data: &D,
    metric: impl FnOnce(&Tensor, &Y::View) -> R,
) -> R
where
    D: Data<Batch = (Tensor, Y)>,
    Y: Concat,
{
    let (outputs, targets) = predict_all(model, data);
    metric(&outputs, targets.view())
}

/// What a model makes of all samples of a data set, and the targets beside it.
///
/// # Shapes
/// Outputs `(n, …)`, targets `(n, …)` or `n` labels. For data without samples, both are empty.
///
/// # Panics
/// **Panics** if the model does not take the inputs.
///
/// # Example
/// ```
/// use fanin_nn::{Linear, Sequential};
///
/// let (_, test) = fanin_datasets::mnist_bundled();
/// let model = Sequential::new().add(Linear::new(784, 10));
/// let (outputs, labels) = fanin_train::predict_all(&model, &test);
/// assert_eq!((outputs.shape(), labels.len()), (&[1_000, 10][..], 1_000));
/// ```
#[track_caller]
pub fn predict_all<D, Y>(model: &(impl Module + ?Sized), data: &D) -> (Tensor, Y)
where
    D: Data<Batch = (Tensor, Y)>,
    Y: Concat,
{
    let (mut outputs, mut targets) = (Vec::new(), Vec::new());
    for (x, y) in data.batches(BATCH) {
        outputs.push(model.predict(&x));
        targets.push(y);
    }
    (<Tensor as Concat>::concat(outputs), Y::concat(targets))
}

/// Targets of several batches that can be put together: [`Tensor`] and `Vec<usize>`.
pub trait Concat: Sized {
    /// What a metric gets: `Tensor` or `[usize]`.
    type View: ?Sized;

    /// The parts, one after the other; nothing for no parts.
    fn concat(parts: Vec<Self>) -> Self;
    /// All of it, as a metric gets it.
    fn view(&self) -> &Self::View;
    /// The classes of the samples, if that is what the targets are.
    fn labels(&self) -> Option<&[usize]> {
        None
    }
}

impl Concat for Tensor {
    type View = Tensor;

    fn concat(parts: Vec<Self>) -> Self {
        if parts.is_empty() { Tensor::default() } else { Tensor::concat(&parts) }
    }
    fn view(&self) -> &Tensor {
        self
    }
}

impl Concat for Vec<usize> {
    type View = [usize];

    fn concat(parts: Vec<Self>) -> Self {
        parts.concat()
    }
    fn view(&self) -> &[usize] {
        self
    }
    fn labels(&self) -> Option<&[usize]> {
        Some(self)
    }
}
