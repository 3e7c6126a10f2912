//! [`roc_auc`].

use fanin_tensor::{Tensor, show_shape};

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
    check("roc_auc", scores, labels);
    if scores.as_slice().iter().any(|score| score.is_nan()) {
        return f64::NAN;
    }
    let mut samples: Vec<(f32, usize)> =
        scores.as_slice().iter().copied().zip(labels.iter().copied()).collect();
    samples.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut below, mut ranks) = (0, 0.0);
    // `==` in place of the order's own equality, because -0 and 0 are equal scores.
    for ties in samples.chunk_by(|a, b| a.0 == b.0) {
        let ones = ties.iter().filter(|(_, label)| *label == 1).count();
        ranks += ones as f64 * (below as f64 + (ties.len() + 1) as f64 / 2.0);
        below += ties.len();
    }
    let positives = labels.iter().sum::<usize>() as f64;
    let negatives = labels.len() as f64 - positives;
    (ranks - positives * (positives + 1.0) / 2.0) / (positives * negatives)
}

#[track_caller]
fn check(op: &str, scores: &Tensor, labels: &[usize]) {
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
