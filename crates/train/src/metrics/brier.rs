//! [`brier_score`], and [`BrierScore`] batch by batch.

use fanin_tensor::Tensor;
use fanin_tensor::reduce::PairwiseSum;

use super::Metric;
use super::probabilities::{check_logits, for_each_sample};

/// The mean squared error of the probabilities; NaN for no samples.
///
/// ```text
/// Brier score = Σ_ic (p_ic − [c = label_i])² / n          for three and more classes, in [0, 2]
///             = Σ_i (p_i1 − label_i)² / n                 for two classes, in [0, 1]: a half of the former
/// ```
/// `p_i = softmax(z_i)`, or `p_i1 = sigmoid(z_i)`. It takes logits, not probabilities; see
/// [`log_loss`](super::log_loss). The half is scikit-learn's default.
///
/// # Shapes
/// `logits` is `(n, classes)`, or `(n)` or `(n, 1)` for logits of class 1 beside class 0. `labels` has `n`
/// classes.
///
/// # Panics
/// **Panics** if `logits` has another shape, or if a label has no logit.
///
/// # Example
/// ```
/// use fanin_tensor::Tensor;
/// use fanin_train::metrics::brier_score;
///
/// // The probability of class 1 is a half, and nearly 1.
/// let logits = Tensor::from([0.0, 50.0]);
/// assert_eq!(brier_score(&logits, &[1, 1]), (0.5f64 * 0.5 + 0.0) / 2.0);
/// ```
///
/// # Reference
/// Brier 1950, equation 2.
#[doc(alias = "brier_score_loss")]
#[track_caller]
pub fn brier_score(logits: &Tensor, labels: &[usize]) -> f64 {
    check_logits("brier_score", logits, labels);
    let mut score = BrierScore::new();
    score.add(logits, labels);
    score.value()
}

/// [`brier_score`], batch by batch.
///
/// # Example
/// ```
/// use fanin_tensor::Tensor;
/// use fanin_train::metrics::{BrierScore, Metric};
///
/// let mut score = BrierScore::new();
/// score.update(&Tensor::from([[0.0, 0.0]]), &[1][..]);
/// score.update(&Tensor::from([[60.0, 0.0]]), &[0][..]);
/// assert!((score.value() - 0.125).abs() < 1e-15);
/// ```
#[derive(Clone, Debug, Default)]
pub struct BrierScore {
    sum: PairwiseSum,
    samples: usize,
}

impl BrierScore {
    /// A score of no samples yet.
    pub fn new() -> Self {
        Self::default()
    }

    fn add(&mut self, logits: &Tensor, labels: &[usize]) {
        for_each_sample(logits, labels, |log_p, label| {
            let error = |class: usize| log_p[class].exp() - f64::from(u8::from(class == label));
            let squares = (0..log_p.len()).map(|class| error(class).powi(2));
            self.sum.push(if log_p.len() == 2 { error(1).powi(2) } else { squares.sum() });
        });
        self.samples += labels.len();
    }
}

impl Metric<[usize]> for BrierScore {
    fn name(&self) -> String {
        "brier_score".into()
    }

    fn higher_is_better(&self) -> bool {
        false
    }

    fn reset(&mut self) {
        *self = Self::default();
    }

    #[track_caller]
    fn update(&mut self, logits: &Tensor, labels: &[usize]) {
        check_logits("BrierScore", logits, labels);
        self.add(logits, labels);
    }

    fn value(&self) -> f64 {
        self.sum.total() / self.samples as f64
    }
}
