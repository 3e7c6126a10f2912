//! [`Metric`]: a metric that sees a data set batch by batch.

use fanin_tensor::Tensor;

use super::{check_logits, hits};

/// A metric of outputs and targets that arrive batch by batch.
///
/// `Y` is the type of the targets: `[usize]` for class labels, [`Tensor`] for numbers.
///
/// # Example
/// ```
/// use fanin_tensor::Tensor;
/// use fanin_train::metrics::{Accuracy, Metric};
///
/// let mut accuracy = Accuracy::new();
/// accuracy.update(&Tensor::from([[0.1, 0.9], [0.8, 0.2]]), &[1, 0][..]);
/// accuracy.update(&Tensor::from([[0.1, 0.9]]), &[0][..]);
/// assert_eq!(accuracy.value(), 2.0 / 3.0);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no metric for targets of type `{Y}`",
    label = "no `Metric` of such targets",
    note = "labels `[usize]` have metrics such as `Accuracy::new()`, tensors such as `metrics::R2::new()`"
)]
pub trait Metric<Y: ?Sized>: Send {
    /// What tables and plots call it: `accuracy`.
    fn name(&self) -> String;

    /// Whether a larger value is better, as for an accuracy; an error is better when it is smaller.
    fn higher_is_better(&self) -> bool;

    /// Forgets all batches.
    fn reset(&mut self);

    /// Takes a batch in.
    ///
    /// # Panics
    /// **Panics** if outputs and targets do not fit each other.
    #[track_caller]
    fn update(&mut self, outputs: &Tensor, targets: &Y);

    /// The metric of all batches since the last [`reset`](Self::reset); NaN for no samples.
    fn value(&self) -> f64;
}

/// [`accuracy`](super::accuracy), batch by batch.
#[derive(Clone, Debug, Default)]
pub struct Accuracy {
    right: usize,
    all: usize,
}

impl Accuracy {
    /// An accuracy of no samples yet.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Metric<[usize]> for Accuracy {
    fn name(&self) -> String {
        "accuracy".into()
    }

    fn higher_is_better(&self) -> bool {
        true
    }

    fn reset(&mut self) {
        *self = Self::default();
    }

    #[track_caller]
    fn update(&mut self, outputs: &Tensor, labels: &[usize]) {
        check_logits("accuracy", outputs, labels);
        self.right += hits(outputs, labels);
        self.all += labels.len();
    }

    fn value(&self) -> f64 {
        self.right as f64 / self.all as f64
    }
}
