//! [`Focal`]: the focal loss of classes.

use fanin_tensor::Scalar;

use super::classes::Classes;
use super::fit::{Own, check_logits};
use super::rows::Rows;
use super::{Loss, PerSample, Reduction};
use crate::tape::Var;

/// The focal loss of logits against the class y of each row: the cross-entropy, with less weight for rows
/// that are easy already:
///
/// ```text
/// p = softmax(x_i)
/// ℓ_i = −w_y (1 − p_y)^γ ln p_y
/// L   = Σ_i ℓ_i / n
/// ```
///
/// γ is 2 and the [class weights](Self::class_weights) w, the paper's α, are 1 by default. The mean is
/// divided by the number of rows, whatever the weights are. With γ = 0 and equal weights it is
/// [`CrossEntropy`](super::CrossEntropy). For yes or no there is [`SigmoidFocal`](super::SigmoidFocal).
///
/// # Shapes
/// Logits `(rows, classes)`, a label for each row; the loss is a scalar, or `(rows)` with
/// [`Reduction::None`].
///
/// # Panics
/// **Panics** if there are not as many labels as rows, a label is not below the number of classes, or there
/// are not as many class weights as classes.
///
/// # Example
/// ```
/// use fanin_nn::losses::{Focal, Loss};
/// use fanin_nn::{Tape, Tensor};
///
/// let logits = Tensor::zeros([3, 2]);
/// let l = Tape::new().value(|t| Focal::new().loss(t.input(&logits), &[0, 1, 1][..]));
/// assert!((l.item() - 0.25 * 2f32.ln()).abs() < 1e-6);
/// ```
///
/// # Reference
/// Lin et al. 2017, "Focal Loss for Dense Object Detection", eq. 5.
#[derive(Clone, Debug, PartialEq)]
pub struct Focal {
    gamma: f64,
    classes: Classes,
    reduction: Reduction,
}

impl Default for Focal {
    fn default() -> Self {
        Self { gamma: 2.0, classes: Classes::default(), reduction: Reduction::Mean }
    }
}

impl Focal {
    /// The mean focal loss with γ = 2 and equal weights.
    pub fn new() -> Self {
        Self::default()
    }

    /// How much less easy rows count.
    ///
    /// # Panics
    /// **Panics** if γ is negative or not finite.
    #[must_use]
    #[track_caller]
    pub fn gamma(self, gamma: f64) -> Self {
        require_gamma("Focal", gamma);
        Self { gamma, ..self }
    }

    /// Multiplies the loss of each row by the weight of its class.
    ///
    /// # Panics
    /// **Panics** if a weight is negative or not finite.
    #[must_use]
    #[track_caller]
    #[doc(alias = "alpha")]
    pub fn class_weights(self, weights: &[f64]) -> Self {
        Self { classes: self.classes.weighted("Focal", weights), ..self }
    }
}

#[track_caller]
pub(super) fn require_gamma(loss: &str, gamma: f64) {
    let fits = gamma >= 0.0 && gamma.is_finite();
    assert!(fits, "{loss}: a gamma of {gamma} is negative or not finite");
}

reduction!(Focal);
loss!(Focal: [usize] => focal);
loss!(Focal: Vec<usize> => focal);

#[track_caller]
fn focal<'t, 'a, T: Scalar>(
    reduction: Reduction,
    options: &'a Focal,
    prediction: Var<'t, T>,
    labels: &'a [usize],
) -> Var<'t, T> {
    let shape @ [rows, _] = options.classes.check("focal", &prediction.shape(), labels);
    check_logits("focal", prediction, Own::Softmax);
    let denominator = reduction.denominator(rows, rows);
    let (gamma, rows) = (options.gamma, Rows { name: "focal", reduction, denominator, shape });
    rows.apply_to_softmax(prediction, |row, x, p, [top, log_sum]| {
        let label = labels[row];
        let w = options.classes.weight(label);
        let ln_p = (x[label].to_f64() - top) - log_sum;
        let (p_y, q) = (ln_p.exp(), -ln_p.exp_m1());
        let power = q.powf(gamma);
        // dℓ/d ln p_y = −w (q^γ − γ q^(γ−1) p_y ln p_y), and d ln p_y / dx_k = [k = y] − p_k.
        let steep = if q > 0.0 { gamma * power / q * p_y * ln_p } else { 0.0 };
        let slope = w * (power - steep) / denominator;
        for p in &mut *p {
            *p = T::from_f64(slope * p.to_f64());
        }
        p[label] = T::from_f64(-slope * q);
        -w * power * ln_p
    })
}
