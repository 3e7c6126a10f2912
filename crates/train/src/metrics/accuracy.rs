//! [`accuracy`] and [`top_k_accuracy`], and [`TopKAccuracy`] batch by batch.

use fanin_tensor::reduce::argmax;
use fanin_tensor::{Tensor, show_shape};

use super::Metric;
pub(crate) use super::probabilities::check_logits;

/// The share of samples whose largest output is that of their label, in \[0, 1\]; NaN for none.
///
/// ```text
/// accuracy = Σ_i [argmax_c y_ic = label_i] / n
/// ```
/// Of equal outputs the first counts as the largest.
///
/// # Shapes
/// `outputs` is `(n, classes)`: logits or probabilities. `(n)` and `(n, 1)` are logits of class 1, which is
/// predicted where they are positive. `labels` has `n` classes.
///
/// # Panics
/// **Panics** if `outputs` has another shape, or if a label has no output.
///
/// # Example
/// ```
/// use fanin_train::metrics::accuracy;
/// use fanin_tensor::Tensor;
///
/// let outputs = Tensor::from_vec([2, 3], vec![0.1, 0.7, 0.2, 0.5, 0.3, 0.2]);
/// assert_eq!(accuracy(&outputs, &[1, 2]), 0.5);
///
/// let logits = Tensor::from([[-1.5], [0.3], [2.0]]);
/// assert_eq!(accuracy(&logits, &[0, 0, 1]), 2.0 / 3.0);
/// ```
#[track_caller]
pub fn accuracy(outputs: &Tensor, labels: &[usize]) -> f64 {
    check_logits("accuracy", outputs, labels);
    hits(outputs, labels) as f64 / labels.len() as f64
}

/// The share of samples whose label is among their `k` largest outputs, in \[0, 1\]; NaN for none.
///
/// ```text
/// top-k accuracy = Σ_i [|{c : y_ic > y_i,label_i}| < k] / n
/// ```
/// Of equal outputs the first counts as the larger, so that `k = 1` is [`accuracy`].
///
/// # Shapes
/// `outputs` is `(n, classes)`: logits or probabilities. `labels` has `n` classes.
///
/// # Panics
/// **Panics** if `k` is 0, if `outputs` has another shape, or if a label has no output.
///
/// # Example
/// ```
/// use fanin_train::metrics::top_k_accuracy;
/// use fanin_tensor::Tensor;
///
/// let outputs = Tensor::from_vec([2, 3], vec![0.1, 0.7, 0.2, 0.5, 0.3, 0.2]);
/// let top = |k| top_k_accuracy(&outputs, &[2, 2], k);
/// assert_eq!([top(1), top(2), top(3)], [0.0, 0.5, 1.0]);
/// ```
#[track_caller]
pub fn top_k_accuracy(outputs: &Tensor, labels: &[usize], k: usize) -> f64 {
    check_k("top_k_accuracy", k);
    check_classes("top_k_accuracy", outputs, labels);
    hits_of_k(outputs, labels, k) as f64 / labels.len() as f64
}

/// [`top_k_accuracy`], batch by batch.
///
/// # Example
/// ```
/// use fanin_tensor::Tensor;
/// use fanin_train::metrics::{Metric, TopKAccuracy};
///
/// let mut top = TopKAccuracy::new(2);
/// top.update(&Tensor::from([[0.1, 0.7, 0.2]]), &[2][..]);
/// top.update(&Tensor::from([[0.5, 0.3, 0.2]]), &[2][..]);
/// assert_eq!((top.value(), top.name()), (0.5, "top_2_accuracy".into()));
/// ```
#[derive(Clone, Debug)]
pub struct TopKAccuracy {
    k: usize,
    right: usize,
    all: usize,
}

impl TopKAccuracy {
    /// An accuracy of no samples yet.
    ///
    /// # Panics
    /// **Panics** if `k` is 0.
    #[track_caller]
    pub fn new(k: usize) -> Self {
        check_k("TopKAccuracy", k);
        Self { k, right: 0, all: 0 }
    }
}

impl Metric<[usize]> for TopKAccuracy {
    fn name(&self) -> String {
        format!("top_{}_accuracy", self.k)
    }

    fn higher_is_better(&self) -> bool {
        true
    }

    fn reset(&mut self) {
        (self.right, self.all) = (0, 0);
    }

    #[track_caller]
    fn update(&mut self, outputs: &Tensor, labels: &[usize]) {
        check_classes("TopKAccuracy", outputs, labels);
        self.right += hits_of_k(outputs, labels, self.k);
        self.all += labels.len();
    }

    fn value(&self) -> f64 {
        self.right as f64 / self.all as f64
    }
}

#[track_caller]
fn check_k(op: &str, k: usize) {
    if k == 0 {
        panic!("{op}: k is 0, and no label is among the 0 largest outputs");
    }
}

/// How many samples have their label among the `k` largest outputs.
fn hits_of_k(outputs: &Tensor, labels: &[usize], k: usize) -> usize {
    let above = |row: &[f32], label: usize| {
        let truth = row[label];
        // As argmax: a NaN is larger than any number.
        let precedes = |class: usize, y: f32| match (y.is_nan(), truth.is_nan()) {
            (true, false) => true,
            (false, true) => false,
            (true, true) => class < label,
            (false, false) => y > truth || y == truth && class < label,
        };
        row.iter().enumerate().filter(|&(class, &y)| precedes(class, y)).count()
    };
    let rows = rows(outputs).zip(labels);
    rows.filter(|&(row, &label)| above(row, label) < k).count()
}

/// How many samples are taken for what their label says.
pub(crate) fn hits(outputs: &Tensor, labels: &[usize]) -> usize {
    rows(outputs).zip(labels).filter(|&(row, &label)| predicted(row) == label).count()
}

/// The class that a sample with these outputs is taken for: that of the largest, or 1 where the only one
/// is a positive logit.
pub(crate) fn predicted(row: &[f32]) -> usize {
    if let [logit] = row { usize::from(*logit > 0.0) } else { argmax(row) }
}

/// The outputs for each sample.
pub(crate) fn rows(outputs: &Tensor) -> impl Iterator<Item = &[f32]> {
    outputs.as_slice().chunks_exact(width(outputs).max(1))
}

/// How many outputs there are for each sample.
pub(crate) fn width(outputs: &Tensor) -> usize {
    if let [_] = outputs.shape() { 1 } else { outputs.shape().last().copied().unwrap_or(1) }
}

/// Panics unless there is a row of outputs for each label, and an output for each class.
#[track_caller]
pub(crate) fn check_classes(op: &str, outputs: &Tensor, labels: &[usize]) {
    // Without samples, any empty shape will do.
    if labels.is_empty() && outputs.len() == 0 {
        return;
    }
    let &[n, classes] = outputs.shape() else {
        panic!("{op}: outputs {}; give (n, classes)", show_shape(outputs.shape()));
    };
    if n != labels.len() {
        let (shape, labels) = (show_shape(outputs.shape()), labels.len());
        panic!("{op}: outputs {shape}, but {labels} labels; give one row of outputs for each");
    }
    if let Some(i) = labels.iter().position(|&label| label >= classes) {
        let shape = show_shape(outputs.shape());
        panic!(
            "{op}: outputs {shape}, but label {i} is {}; the model needs an output for each \
             class, and labels count from 0",
            labels[i]
        );
    }
}
