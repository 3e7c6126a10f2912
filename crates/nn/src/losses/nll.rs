//! [`Nll`]: log-probabilities against classes.

use fanin_tensor::Scalar;

use super::classes::Classes;
use super::fit::check_log_probabilities;
use super::rows::Rows;
use super::{Loss, PerSample, Reduction};
use crate::tape::Var;

/// The negative log-likelihood of log-probabilities against the class of each row:
///
/// ```text
/// ℓ_i = −w_y x_iy          y the class of row i
/// L   = Σ_i ℓ_i / Σ_i w_y
/// ```
///
/// After [`LogSoftmax`](crate::layers::LogSoftmax) it is the cross-entropy of logits, which
/// [`CrossEntropy`](super::CrossEntropy) computes in one operation. If every row is ignored, the mean is NaN,
/// as in PyTorch.
///
/// # Shapes
/// Log-probabilities `(rows, classes)`, a label for each row; the loss is a scalar, or `(rows)` with
/// [`Reduction::None`].
///
/// # Panics
/// **Panics** if there are not as many labels as rows, a label is not below the number of classes, or there
/// are not as many class weights as classes.
///
/// # Example
/// ```
/// use fanin_nn::losses::{Loss, Nll};
/// use fanin_nn::{Tape, Tensor};
///
/// let logits = Tensor::zeros([2, 4]);
/// let l = Tape::new().value(|t| Nll::new().loss(t.input(&logits).log_softmax(), &[3, 0][..]));
/// assert!((l.item() - 4f32.ln()).abs() < 1e-6);
/// ```
#[doc(alias = "NLLLoss")]
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Nll {
    classes: Classes,
    reduction: Reduction,
}

impl Nll {
    /// The mean negative log-likelihood, with equal weights.
    pub fn new() -> Self {
        Self::default()
    }

    /// Multiplies the loss of each row by the weight of its class, and divides the mean by their sum.
    ///
    /// # Panics
    /// **Panics** if a weight is negative or not finite.
    #[must_use]
    #[track_caller]
    pub fn class_weights(self, weights: &[f64]) -> Self {
        Self { classes: self.classes.weighted("Nll", weights), ..self }
    }

    /// Leaves rows with this label out: they have loss 0, no gradient, and no part in the mean. It need not
    /// be a class.
    #[must_use]
    pub fn ignore_index(self, label: usize) -> Self {
        let classes = Classes { ignored: Some(label), ..self.classes };
        Self { classes, ..self }
    }
}

reduction!(Nll);
loss!(Nll: [usize] => nll, |loss, labels, i| loss.classes.count(labels[i]),
    ignores |loss, label| !loss.classes.keeps(label));
loss!(Nll: Vec<usize> => nll, |loss, labels, i| loss.classes.count(labels[i]),
    ignores |loss, label| !loss.classes.keeps(label));

once! {
    #[track_caller]
    fn nll<'t, 'a, T: Scalar>(
        reduction: Reduction,
        options: &'a Nll,
        prediction: Var<'t, T>,
        labels: &'a [usize],
    ) -> Var<'t, T> {
        let shape = options.classes.check("nll", &prediction.shape(), labels);
        check_log_probabilities("nll", prediction);
        let denominator = options.classes.denominator(reduction, labels);
        let rows = Rows { name: "nll", reduction, denominator, shape };
        rows.apply(prediction, |row, x, d| {
            d.fill(T::ZERO);
            let label = labels[row];
            if !options.classes.keeps(label) {
                return 0.0;
            }
            let w = options.classes.weight(label);
            d[label] = T::from_f64(-w / denominator);
            -w * x[label].to_f64()
        })
    }
}
