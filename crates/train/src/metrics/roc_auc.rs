//! [`roc_auc`], and [`RocAuc`] batch by batch.

use fanin_tensor::{Tensor, show_shape};

use super::Metric;

/// The area under the receiver operating characteristic: how likely a sample of class 1 has a higher
/// score than a sample of class 0, with ties as half. 0.5 for random scores.
///
/// ```text
/// AUC = (Σ_{i: label_i = 1} rank_i − P (P + 1) / 2) / (P · N)
/// ```
/// `rank_i` counts from 1 for the lowest score, and equal scores have the mean of their ranks. `P` and
/// `N` are the numbers of samples of class 1 and of class 0. NaN if either is 0, or if a score is NaN.
///
/// # Shapes
/// `scores` is `(n)` or `(n, 1)`: logits or probabilities of class 1. `labels` has `n` labels.
///
/// # Panics
/// **Panics** if the scores have another shape, or if a label is neither 0 nor 1.
///
/// # Example
/// ```
/// use fanin_train::metrics::roc_auc;
/// use fanin_tensor::Tensor;
///
/// // Of four pairs of a 1 and a 0, three are in order.
/// let scores = Tensor::from_vec(4, vec![0.1, 0.4, 0.35, 0.8]);
/// assert_eq!(roc_auc(&scores, &[0, 0, 1, 1]), 0.75);
/// ```
///
/// # Reference
/// Hanley and McNeil 1982; the sum of ranks is Mann and Whitney's, 1947.
#[track_caller]
pub fn roc_auc(scores: &Tensor, labels: &[usize]) -> f64 {
    check_scores("roc_auc", scores, labels);
    let mut ranked = Ranked::default();
    ranked.add(scores, labels);
    area(ranked.ascending())
}

/// [`roc_auc`], batch by batch. It keeps the scores and the labels, 16 bytes for a sample.
///
/// # Example
/// ```
/// use fanin_tensor::Tensor;
/// use fanin_train::metrics::{Metric, RocAuc};
///
/// let mut auc = RocAuc::new();
/// auc.update(&Tensor::from([0.1, 0.4]), &[0, 0][..]);
/// auc.update(&Tensor::from([0.35, 0.8]), &[1, 1][..]);
/// assert_eq!(auc.value(), 0.75);
/// ```
#[derive(Clone, Debug, Default)]
pub struct RocAuc {
    samples: Ranked,
}

impl RocAuc {
    /// An area of no samples yet.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Metric<[usize]> for RocAuc {
    fn name(&self) -> String {
        "roc_auc".into()
    }

    fn higher_is_better(&self) -> bool {
        true
    }

    fn reset(&mut self) {
        *self = Self::default();
    }

    #[track_caller]
    fn update(&mut self, scores: &Tensor, labels: &[usize]) {
        check_scores("RocAuc", scores, labels);
        self.samples.add(scores, labels);
    }

    fn value(&self) -> f64 {
        area(self.samples.ascending())
    }
}

/// Scores, each with whether its sample is of class 1.
#[derive(Clone, Debug, Default)]
pub(super) struct Ranked(Vec<(f64, bool)>);

impl Ranked {
    pub(super) fn add(&mut self, scores: &Tensor, labels: &[usize]) {
        let scores = scores.as_slice().iter().map(|&score| f64::from(score));
        self.0.extend(scores.zip(labels.iter().map(|&label| label == 1)));
    }

    /// From the lowest to the highest score; `None` if one is NaN.
    pub(super) fn ascending(&self) -> Option<Vec<(f64, bool)>> {
        sorted(self.0.clone())
    }
}

/// From the lowest to the highest score; `None` if one is NaN.
pub(super) fn sorted(mut samples: Vec<(f64, bool)>) -> Option<Vec<(f64, bool)>> {
    if samples.iter().any(|(score, _)| score.is_nan()) {
        return None;
    }
    samples.sort_by(|a, b| a.0.total_cmp(&b.0));
    Some(samples)
}

/// The area under the curve of samples in ascending order of their scores; NaN if there are none.
pub(super) fn area(samples: Option<Vec<(f64, bool)>>) -> f64 {
    let Some(samples) = samples else { return f64::NAN };
    let (mut below, mut ranks, mut positives) = (0, 0.0, 0.0);
    // `==` in place of the order's own equality, because -0 and 0 are equal scores.
    for ties in samples.chunk_by(|a, b| a.0 == b.0) {
        let ones = ties.iter().filter(|(_, one)| *one).count() as f64;
        ranks += ones * (below as f64 + (ties.len() + 1) as f64 / 2.0);
        below += ties.len();
        positives += ones;
    }
    let negatives = samples.len() as f64 - positives;
    (ranks - positives * (positives + 1.0) / 2.0) / (positives * negatives)
}

#[track_caller]
pub(super) fn check_scores(op: &str, scores: &Tensor, labels: &[usize]) {
    let (shape, n) = (scores.shape(), labels.len());
    if !(shape == [n] || shape == [n, 1]) {
        panic!("{op}: scores {}, but {n} labels; give (n) or (n, 1)", show_shape(shape));
    }
    if let Some(i) = labels.iter().position(|&label| label > 1) {
        panic!(
            "{op}: scores {}, but label {i} is {}; labels are 0 or 1",
            show_shape(shape),
            labels[i]
        );
    }
}
