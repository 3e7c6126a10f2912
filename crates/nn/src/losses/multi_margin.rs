//! [`MultiMargin`]: the hinge loss of several classes.

use fanin_tensor::Scalar;
use fanin_tensor::reduce::PairwiseSum;

use super::classes::Classes;
use super::fit::{Own, check_logits};
use super::require::require_finite;
use super::rows::Rows;
use super::{Loss, PerSample, Reduction};
use crate::tape::Var;

/// The hinge loss of the scores of classes against the class y of each row:
///
/// ```text
/// ℓ_i = w_y / C · Σ_{j ≠ y} max(0, margin − x_iy + x_ij)^p
/// ```
///
/// p is 1 or 2. The mean is divided by the number of rows, whatever the weights w are, as in PyTorch.
///
/// # Shapes
/// Scores `(rows, classes)`, a label for each row; the loss is a scalar, or `(rows)` with
/// [`Reduction::None`].
///
/// # Panics
/// **Panics** if there are not as many labels as rows, a label is not below the number of classes, or there
/// are not as many class weights as classes.
///
/// # Example
/// ```
/// use fanin_nn::losses::{Loss, MultiMargin};
/// use fanin_nn::{Tape, Tensor};
///
/// let scores = Tensor::from_vec([1, 2], vec![0.5, 0.75]);
/// let l = Tape::new().value(|t| MultiMargin::new().loss(t.input(&scores), &[0][..]));
/// assert_eq!(l.item(), 1.25 / 2.0);
/// ```
///
/// # Reference
/// Crammer and Singer 2001, "On the Algorithmic Implementation of Multiclass Kernel-based Vector Machines";
/// with the sum over classes of Weston and Watkins 1999.
#[doc(alias = "MultiMarginLoss")]
#[derive(Clone, Debug, PartialEq)]
pub struct MultiMargin {
    squared: bool,
    margin: f64,
    classes: Classes,
    reduction: Reduction,
}

impl Default for MultiMargin {
    fn default() -> Self {
        let (classes, reduction) = (Classes::default(), Reduction::Mean);
        Self { squared: false, margin: 1.0, classes, reduction }
    }
}

impl MultiMargin {
    /// The mean loss with p = 1, a margin of 1 and equal weights.
    pub fn new() -> Self {
        Self::default()
    }

    /// The power: 1 or 2.
    ///
    /// # Panics
    /// **Panics** for another power.
    #[must_use]
    #[track_caller]
    pub fn p(self, p: i32) -> Self {
        assert!(p == 1 || p == 2, "MultiMargin: a power of {p} is neither 1 nor 2");
        Self { squared: p == 2, ..self }
    }

    /// By how much the score of the true class must exceed the others.
    ///
    /// # Panics
    /// **Panics** if the margin is not finite.
    #[must_use]
    #[track_caller]
    pub fn margin(self, margin: f64) -> Self {
        require_finite("MultiMargin", "margin", margin);
        Self { margin, ..self }
    }

    /// Multiplies the loss of each row by the weight of its class.
    ///
    /// # Panics
    /// **Panics** if a weight is negative or not finite.
    #[must_use]
    #[track_caller]
    pub fn class_weights(self, weights: &[f64]) -> Self {
        Self { classes: self.classes.weighted("MultiMargin", weights), ..self }
    }
}

reduction!(MultiMargin);
loss!(MultiMargin: [usize] => multi_margin);
loss!(MultiMargin: Vec<usize> => multi_margin);

#[track_caller]
fn multi_margin<'t, 'a, T: Scalar>(
    reduction: Reduction,
    options: &'a MultiMargin,
    prediction: Var<'t, T>,
    labels: &'a [usize],
) -> Var<'t, T> {
    let name = "multi_margin";
    let shape @ [rows, classes] =
        options.classes.check(name, &prediction.shape(), labels);
    check_logits(name, prediction, Own::Nothing);
    let denominator = reduction.denominator(rows, rows);
    let rows = Rows { name, reduction, denominator, shape };
    rows.apply(prediction, |row, x, d| {
        let label = labels[row];
        let w = options.classes.weight(label) / classes as f64;
        let (mut loss, mut total) = (PairwiseSum::new(), PairwiseSum::new());
        for (k, (x_k, d)) in x.iter().zip(&mut *d).enumerate() {
            let z = options.margin - x[label].to_f64() + x_k.to_f64();
            if k == label || z <= 0.0 {
                *d = T::ZERO;
                continue;
            }
            let [value, slope] = if options.squared { [z * z, 2.0 * z] } else { [z, 1.0] };
            loss.push(w * value);
            total.push(w * slope / denominator);
            *d = T::from_f64(w * slope / denominator);
        }
        d[label] = T::from_f64(-total.total());
        loss.total()
    })
}
