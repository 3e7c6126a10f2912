//! [`average_precision`], and [`AveragePrecision`] batch by batch.

use fanin_tensor::Tensor;
use fanin_tensor::reduce::PairwiseSum;

use super::Metric;
use super::roc_auc::{Ranked, check_scores};

/// The mean precision over all thresholds of a score, weighted by the gain in recall, in \[0, 1\]. For
/// rare positives it says more than [`roc_auc`](super::roc_auc).
///
/// ```text
/// AP = Σ_t (recall_t − recall_t−1) · precision_t
/// ```
/// `t` goes over the scores, from the highest on: at threshold `t` all samples with a score of `t` or more
/// count as class 1. Equal scores are one threshold. NaN if there are no samples or if a score is NaN; 0
/// if none is of class 1.
///
/// # Shapes
/// `scores` is `(n)` or `(n, 1)`: logits or probabilities of class 1. `labels` has `n` labels.
///
/// # Panics
/// **Panics** if the scores have another shape, or if a label is neither 0 nor 1.
///
/// # Example
/// ```
/// use fanin_tensor::Tensor;
/// use fanin_train::metrics::average_precision;
///
/// // Recall 1/2 at precision 1, then recall 1 at precision 2/3.
/// let scores = Tensor::from([0.1, 0.4, 0.35, 0.8]);
/// let ap = average_precision(&scores, &[0, 0, 1, 1]);
/// assert!((ap - (0.5 + 0.5 * 2.0 / 3.0)).abs() < 1e-15);
/// ```
#[doc(alias = "average_precision_score")]
#[track_caller]
pub fn average_precision(scores: &Tensor, labels: &[usize]) -> f64 {
    check_scores("average_precision", scores, labels);
    let mut ranked = Ranked::default();
    ranked.add(scores, labels);
    mean_precision(ranked.ascending())
}

fn mean_precision(samples: Option<Vec<(f64, bool)>>) -> f64 {
    let Some(samples) = samples.filter(|samples| !samples.is_empty()) else { return f64::NAN };
    let positives = samples.iter().filter(|(_, one)| *one).count();
    let (mut taken, mut right, mut sum) = (0, 0, PairwiseSum::new());
    for ties in samples.chunk_by(|a, b| a.0 == b.0).rev() {
        let ones = ties.iter().filter(|(_, one)| *one).count();
        taken += ties.len();
        right += ones;
        sum.push(ones as f64 * (right as f64 / taken as f64));
    }
    if positives == 0 { 0.0 } else { sum.total() / positives as f64 }
}

/// [`average_precision`], batch by batch. It keeps the scores and the labels, 16 bytes for a sample.
///
/// # Example
/// ```
/// use fanin_tensor::Tensor;
/// use fanin_train::metrics::{AveragePrecision, Metric};
///
/// let mut precision = AveragePrecision::new();
/// precision.update(&Tensor::from([0.1, 0.4]), &[0, 0][..]);
/// precision.update(&Tensor::from([0.35, 0.8]), &[1, 1][..]);
/// assert!((precision.value() - 5.0 / 6.0).abs() < 1e-15);
/// ```
#[derive(Clone, Debug, Default)]
pub struct AveragePrecision {
    samples: Ranked,
}

impl AveragePrecision {
    /// A precision of no samples yet.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Metric<[usize]> for AveragePrecision {
    fn name(&self) -> String {
        "average_precision".into()
    }

    fn higher_is_better(&self) -> bool {
        true
    }

    fn reset(&mut self) {
        *self = Self::default();
    }

    #[track_caller]
    fn update(&mut self, scores: &Tensor, labels: &[usize]) {
        check_scores("AveragePrecision", scores, labels);
        self.samples.add(scores, labels);
    }

    fn value(&self) -> f64 {
        mean_precision(self.samples.ascending())
    }
}
