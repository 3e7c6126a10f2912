//! [`log_loss`], and [`LogLoss`] batch by batch.

use fanin_tensor::Tensor;
use fanin_tensor::reduce::PairwiseSum;

use super::Metric;
use super::probabilities::{check_logits, for_each_sample};

/// The mean negative logarithm of the label's probability, also called cross-entropy; NaN for no samples.
///
/// ```text
/// log loss = −Σ_i ln p_i,label_i / n,   p_i = softmax(z_i), or p_i1 = sigmoid(z_i)
/// ```
/// It takes logits, not probabilities. For a model that gives probabilities `p`, give their logarithms,
/// `p.map(f32::ln)`: the softmax of a logarithm is the probability itself. (For one column of
/// probabilities of class 1, give `p.map(|p| (p / (1.0 - p)).ln())`.) A label of probability 0 makes the
/// loss infinite, where scikit-learn takes the smallest difference from 0 that its floats have.
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
/// use fanin_train::metrics::log_loss;
///
/// let probabilities = Tensor::from([[0.25, 0.75], [0.5, 0.5]]);
/// let loss = log_loss(&probabilities.map(f32::ln), &[1, 0]);
/// assert!((loss + (0.75f64.ln() + 0.5f64.ln()) / 2.0).abs() < 1e-7);
/// ```
#[doc(alias = "cross_entropy")]
#[track_caller]
pub fn log_loss(logits: &Tensor, labels: &[usize]) -> f64 {
    check_logits("log_loss", logits, labels);
    let mut loss = LogLoss::new();
    loss.add(logits, labels);
    loss.value()
}

/// [`log_loss`], batch by batch.
///
/// # Example
/// ```
/// use fanin_tensor::Tensor;
/// use fanin_train::metrics::{LogLoss, Metric};
///
/// let mut loss = LogLoss::new();
/// loss.update(&Tensor::from([[0.0, 0.0]]), &[1][..]);
/// loss.update(&Tensor::from([[5.0, 5.0]]), &[0][..]);
/// assert_eq!(loss.value(), std::f64::consts::LN_2);
/// ```
#[derive(Clone, Debug, Default)]
pub struct LogLoss {
    sum: PairwiseSum,
    samples: usize,
}

impl LogLoss {
    /// A log loss of no samples yet.
    pub fn new() -> Self {
        Self::default()
    }

    fn add(&mut self, logits: &Tensor, labels: &[usize]) {
        for_each_sample(logits, labels, |log_p, label| self.sum.push(-log_p[label]));
        self.samples += labels.len();
    }
}

impl Metric<[usize]> for LogLoss {
    fn name(&self) -> String {
        "log_loss".into()
    }

    fn higher_is_better(&self) -> bool {
        false
    }

    fn reset(&mut self) {
        *self = Self::default();
    }

    #[track_caller]
    fn update(&mut self, logits: &Tensor, labels: &[usize]) {
        check_logits("LogLoss", logits, labels);
        self.add(logits, labels);
    }

    fn value(&self) -> f64 {
        self.sum.total() / self.samples as f64
    }
}
