//! Biases with which an output layer starts at the frequencies of the classes.
//!
//! If the weights are small at first, a classifier's first predictions are given by its biases.
//! With these biases they are the classes' frequencies, and training need not learn those in its
//! first steps.

use ndarray::ArrayViewMutD;
use rand::RngCore;
use serde::{Deserialize, Serialize};

use crate::initializer::{or_panic, require};
use crate::scheme::fields;
use crate::{Initializer, ParamKind, ParamSpec};

/// The logarithm of each class' prior probability, for outputs before a softmax: `b_c =
/// ln(f_c/Σf)`.
///
/// The frequencies f may be counts, probabilities, or any multiples of them. Where all inputs are 0,
/// softmax gives back `f_c/Σf`, and the cross-entropy is the entropy of the classes, not `ln C`.
///
/// # Shapes
/// b (C), for frequencies of C classes.
///
/// # Panics
/// `fill` panics when the parameter is no bias, or has another length.
///
/// # Example
/// ```
/// use fanin_init::{Initializer, LogPrior, ParamSpec, TorchRng};
///
/// let initializer = LogPrior::from_counts(&[600, 300, 100]);
/// let b = initializer.draw(&ParamSpec::bias(128, 3), &[3], &mut TorchRng::seed(0));
/// assert!((b[0].exp() - 0.6).abs() < 1e-6 && (b[2].exp() - 0.1).abs() < 1e-6);
/// ```
///
/// # Reference
/// Karpathy 2019, "A recipe for training neural networks", step 2, "init well"; for one output it is
/// [`LogitPrior`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct LogPrior {
    frequencies: Vec<f64>,
}

impl LogPrior {
    /// From frequencies: counts, probabilities, or any multiples of them.
    ///
    /// # Panics
    /// When there are none, when one is negative, 0 or not finite, or when their sum overflows.
    #[track_caller]
    pub fn new(frequencies: impl Into<Vec<f64>>) -> Self {
        or_panic(LogPrior { frequencies: frequencies.into() }.checked())
    }

    /// From the number of examples of each class.
    ///
    /// # Panics
    /// When there are no classes, or one has no examples: its bias would be −∞. For that case there
    /// is [`smoothed`](Self::smoothed).
    #[track_caller]
    pub fn from_counts(counts: &[usize]) -> Self {
        LogPrior::new(counts.iter().map(|&count| count as f64).collect::<Vec<_>>())
    }

    /// From counts, with `pseudocount` added to each: 1 is Laplace's rule of succession.
    ///
    /// # Panics
    /// When there are no classes, or `pseudocount` is not positive and finite.
    ///
    /// # Example
    /// ```
    /// use fanin_init::LogPrior;
    ///
    /// let initializer = LogPrior::smoothed(&[7, 0, 1], 1.0);
    /// assert_eq!(initializer, LogPrior::new([8.0, 1.0, 2.0]));
    /// ```
    #[track_caller]
    pub fn smoothed(counts: &[usize], pseudocount: f64) -> Self {
        assert!(
            pseudocount.is_finite() && pseudocount > 0.0,
            "LogPrior: the pseudocount {pseudocount:?} must be positive and finite"
        );
        LogPrior::new(counts.iter().map(|&n| n as f64 + pseudocount).collect::<Vec<_>>())
    }

    /// The frequencies it was made from.
    pub fn frequencies(&self) -> &[f64] {
        &self.frequencies
    }

    fn checked(self) -> Result<Self, String> {
        let LogPrior { frequencies } = &self;
        for (class, &f) in frequencies.iter().enumerate() {
            if f == 0.0 {
                return Err(format!(
                    "LogPrior: class {class} has frequency 0, whose logarithm is −∞: smooth the \
                     counts, as LogPrior::smoothed does"
                ));
            }
            if !f.is_finite() || f < 0.0 {
                return Err(format!(
                    "LogPrior: the frequency {f:?} of class {class} is impossible"
                ));
            }
        }
        let sum: f64 = frequencies.iter().sum();
        if sum > 0.0 && sum.is_finite() {
            Ok(self)
        } else {
            Err(format!("LogPrior: the frequencies {frequencies:?} have no usable sum"))
        }
    }
}

fields!(LogPrior { frequencies } checked);

impl Initializer for LogPrior {
    fn fill(&self, param: &ParamSpec, _: &mut dyn RngCore, mut values: ArrayViewMutD<'_, f32>) {
        require(self, param, values.shape());
        let log_sum = self.frequencies.iter().sum::<f64>().ln();
        for (value, f) in values.iter_mut().zip(&self.frequencies) {
            *value = (f.ln() - log_sum) as f32;
        }
    }

    fn check(&self, param: &ParamSpec, shape: &[usize]) -> Result<(), String> {
        bias_only("LogPrior", param)?;
        let classes = self.frequencies.len();
        if *shape == [classes] {
            return Ok(());
        }
        Err(format!("LogPrior: {classes} classes do not fit `{}` of shape {shape:?}", param.name))
    }
}

/// The logit of a prior probability, for outputs before a sigmoid: `b = ln(p/(1 − p))`.
///
/// Every output then starts at probability `p`. A detector with few positives needs it: at 1/2, the
/// loss of the many negatives would dominate. The default is RetinaNet's 0.01.
///
/// # Shapes
/// b of any shape.
///
/// # Panics
/// `fill` panics when the parameter is no bias.
///
/// # Example
/// ```
/// use fanin_init::{Initializer, LogitPrior, ParamSpec, TorchRng};
///
/// let b = LogitPrior::new(0.01).draw(&ParamSpec::bias(256, 9), &[9], &mut TorchRng::seed(0));
/// assert_eq!(b[0], -4.595_12); // −ln 99
/// ```
///
/// # Reference
/// Lin et al. 2017, "Focal loss for dense object detection", sections 3.3 and 4.1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct LogitPrior {
    p: f64,
}

impl LogitPrior {
    /// For positives of this probability.
    ///
    /// # Panics
    /// When `p` is not between 0 and 1, both excluded.
    #[track_caller]
    pub fn new(p: f64) -> Self {
        or_panic(LogitPrior { p }.checked())
    }

    /// The probability.
    pub fn p(&self) -> f64 {
        self.p
    }

    fn checked(self) -> Result<Self, String> {
        let LogitPrior { p } = self;
        if p > 0.0 && p < 1.0 {
            Ok(self)
        } else {
            Err(format!("LogitPrior: the probability {p:?} must be between 0 and 1"))
        }
    }
}

impl Default for LogitPrior {
    fn default() -> Self {
        LogitPrior { p: 0.01 }
    }
}

fields!(LogitPrior { p } checked);

impl Initializer for LogitPrior {
    fn fill(&self, param: &ParamSpec, _: &mut dyn RngCore, mut values: ArrayViewMutD<'_, f32>) {
        require(self, param, values.shape());
        values.fill((self.p.ln() - (-self.p).ln_1p()) as f32);
    }

    fn check(&self, param: &ParamSpec, _: &[usize]) -> Result<(), String> {
        bias_only("LogitPrior", param)
    }
}

fn bias_only(initializer: &str, param: &ParamSpec) -> Result<(), String> {
    if param.kind == ParamKind::Bias {
        return Ok(());
    }
    Err(format!(
        "{initializer}: `{}` is no bias, and this initializer is for biases only",
        param.name
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TorchRng;

    fn draw(initializer: &dyn Initializer, n: usize) -> Vec<f32> {
        initializer.draw(&ParamSpec::bias(4, n), &[n], &mut TorchRng::seed(0)).into_iter().collect()
    }

    #[test]
    fn softmax_gives_the_priors_back() {
        let initializer = LogPrior::new([0.5, 1.5, 6.0]);
        let b = draw(&initializer, 3);
        let total: f32 = b.iter().map(|b| b.exp()).sum();
        for (b, p) in b.iter().zip([0.0625, 0.1875, 0.75]) {
            assert!((b.exp() / total - p).abs() < 1e-7);
        }
        assert_eq!(b, draw(&LogPrior::new([1.0, 3.0, 12.0]), 3), "the scale does not matter");
    }

    #[test]
    fn sigmoid_gives_the_prior_back() {
        for p in [1e-6, 0.01, 0.5, 0.999] {
            let b = f64::from(draw(&LogitPrior::new(p), 2)[1]);
            let sigmoid = 1.0 / (1.0 + (-b).exp());
            assert!((sigmoid / p - 1.0).abs() < 1e-5, "{p}: {sigmoid}");
        }
        assert_eq!(draw(&LogitPrior::default(), 1), draw(&LogitPrior::new(0.01), 1));
    }

    #[test]
    #[should_panic(expected = "class 1 has frequency 0, whose logarithm is −∞: smooth the counts")]
    fn a_class_never_seen_is_refused() {
        LogPrior::from_counts(&[3, 0]);
    }

    #[test]
    #[should_panic(expected = "LogPrior: the frequency NaN of class 0 is impossible")]
    fn nan_is_refused() {
        LogPrior::new([f64::NAN, 1.0]);
    }

    #[test]
    #[should_panic(expected = "LogPrior: the frequencies [] have no usable sum")]
    fn no_classes_are_refused() {
        LogPrior::from_counts(&[]);
    }

    #[test]
    #[should_panic(expected = "LogPrior: the pseudocount -1.0 must be positive")]
    fn a_negative_pseudocount_is_refused() {
        LogPrior::smoothed(&[3, 4], -1.0);
    }

    #[test]
    #[should_panic(expected = "LogPrior: 3 classes do not fit `bias` of shape [2]")]
    fn another_length_is_refused() {
        draw(&LogPrior::from_counts(&[3, 4, 5]), 2);
    }

    #[test]
    #[should_panic(expected = "LogitPrior: the probability 1.0 must be between 0 and 1")]
    fn certainty_is_refused() {
        LogitPrior::new(1.0);
    }

    #[test]
    fn weights_are_refused() {
        let weight = ParamSpec::weight(4, 3);
        for initializer in
            [&LogPrior::from_counts(&[1, 2, 3]) as &dyn Initializer, &LogitPrior::default()]
        {
            let error = initializer.check(&weight, &[3]).unwrap_err();
            assert!(error.contains("`weight` is no bias"), "{error}");
        }
    }

    #[test]
    fn serde_refuses_what_the_code_refuses() {
        let initializer = LogPrior::new([0.25, 0.75]);
        let text = serde_json::to_string(&initializer).unwrap();
        assert_eq!(serde_json::from_str::<LogPrior>(&text).unwrap(), initializer);
        for (bad, reason) in [
            ("[0.5,-1.0]", "frequency -1.0 of class 1"),
            ("[0.0]", "frequency 0"),
            ("[]", "no usable"),
        ] {
            let bad = format!(r#"{{"frequencies":{bad}}}"#);
            let error = serde_json::from_str::<LogPrior>(&bad).unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
        let initializer = LogitPrior::new(0.125);
        let text = serde_json::to_string(&initializer).unwrap();
        assert_eq!(serde_json::from_str::<LogitPrior>(&text).unwrap(), initializer);
        let error = serde_json::from_str::<LogitPrior>(r#"{"p":1.5}"#).unwrap_err().to_string();
        assert!(error.contains("the probability 1.5 must be"), "{error}");
    }
}
