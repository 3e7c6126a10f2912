//! [`expected_calibration_error`], and [`CalibrationError`] batch by batch.

use fanin_tensor::Tensor;
use fanin_tensor::reduce::PairwiseSum;

use super::Metric;
use super::probabilities::{check_logits, for_each_sample, largest};

/// How far a model's confidence is from its accuracy, in \[0, 1\]; NaN for no samples.
///
/// ```text
/// ECE = Σ_b |B_b| / n · |accuracy(B_b) − mean confidence(B_b)|
/// ```
/// The confidence of a sample is the largest of its probabilities, those of the softmax or the sigmoid.
/// Bin `B_b` has the samples whose confidence is in `((b − 1) / bins, b / bins]`. It takes logits, not
/// probabilities; see [`log_loss`](super::log_loss). Guo's paper has 15 bins.
///
/// # Shapes
/// `logits` is `(n, classes)`, or `(n)` or `(n, 1)` for logits of class 1 beside class 0. `labels` has `n`
/// classes.
///
/// # Panics
/// **Panics** if `bins` is 0, if `logits` has another shape, or if a label has no logit.
///
/// # Example
/// ```
/// use fanin_tensor::Tensor;
/// use fanin_train::metrics::expected_calibration_error;
///
/// // Confident by 3/4, and right in 2 of 4 samples.
/// let logits = Tensor::from([[3f32.ln(), 0.0]; 4]);
/// let error = expected_calibration_error(&logits, &[0, 0, 1, 1], 15);
/// assert!((error - 0.25).abs() < 1e-7);
/// ```
///
/// # Reference
/// Guo et al. 2017, "On calibration of modern neural networks", equation 3.
#[doc(alias = "ECE")]
#[track_caller]
pub fn expected_calibration_error(logits: &Tensor, labels: &[usize], bins: usize) -> f64 {
    check_bins("expected_calibration_error", bins);
    check_logits("expected_calibration_error", logits, labels);
    let mut error = CalibrationError { bins: vec![Bin::default(); bins] };
    error.add(logits, labels);
    error.value()
}

/// [`expected_calibration_error`], batch by batch.
///
/// # Example
/// ```
/// use fanin_tensor::Tensor;
/// use fanin_train::metrics::{CalibrationError, Metric};
///
/// let mut error = CalibrationError::new(15);
/// error.update(&Tensor::from([[3f32.ln(), 0.0]; 2]), &[0, 0][..]);
/// error.update(&Tensor::from([[3f32.ln(), 0.0]; 2]), &[1, 1][..]);
/// assert!((error.value() - 0.25).abs() < 1e-7);
/// ```
#[derive(Clone, Debug)]
pub struct CalibrationError {
    bins: Vec<Bin>,
}

#[derive(Clone, Debug, Default)]
struct Bin {
    confidence: PairwiseSum,
    hits: usize,
    samples: usize,
}

impl CalibrationError {
    /// An error of no samples yet, of this many bins.
    ///
    /// # Panics
    /// **Panics** if `bins` is 0.
    #[track_caller]
    pub fn new(bins: usize) -> Self {
        check_bins("CalibrationError", bins);
        Self { bins: vec![Bin::default(); bins] }
    }

    fn add(&mut self, logits: &Tensor, labels: &[usize]) {
        let last = self.bins.len() - 1;
        for_each_sample(logits, labels, |log_p, label| {
            let class = largest(log_p);
            let confidence = log_p[class].exp();
            let edge = (confidence * self.bins.len() as f64).ceil() as usize;
            let bin = &mut self.bins[edge.saturating_sub(1).min(last)];
            bin.confidence.push(confidence);
            bin.hits += usize::from(class == label);
            bin.samples += 1;
        });
    }
}

impl Metric<[usize]> for CalibrationError {
    fn name(&self) -> String {
        "calibration_error".into()
    }

    fn higher_is_better(&self) -> bool {
        false
    }

    fn reset(&mut self) {
        self.bins.fill(Bin::default());
    }

    #[track_caller]
    fn update(&mut self, logits: &Tensor, labels: &[usize]) {
        check_logits("CalibrationError", logits, labels);
        self.add(logits, labels);
    }

    fn value(&self) -> f64 {
        let gaps = self.bins.iter().map(|bin| (bin.hits as f64 - bin.confidence.total()).abs());
        let samples: usize = self.bins.iter().map(|bin| bin.samples).sum();
        PairwiseSum::of(gaps) / samples as f64
    }
}

#[track_caller]
fn check_bins(op: &str, bins: usize) {
    if bins == 0 {
        panic!("{op}: 0 bins; give 1 or more, such as 15");
    }
}
