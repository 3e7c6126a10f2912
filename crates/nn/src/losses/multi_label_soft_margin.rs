//! [`MultiLabelSoftMargin`]: the binary cross-entropy of rows with several classes each.

use fanin_tensor::simd::Isa;
use fanin_tensor::{Scalar, Tensor};

use super::bce_with_logits::{both_sigmoids, both_softplus};
use super::fit::{Own, check_logits};
use super::pointwise::{Elements, Pointwise, pointwise};
use super::require::{require_columns, require_probabilities, require_shape, require_weights};
use super::{Loss, PerSample, Reduction};
use crate::ops::bad_shapes;
use crate::tape::Var;

/// The binary cross-entropy of the logits of C classes, where a row may have several classes: the mean over
/// its classes,
///
/// ```text
/// ℓ_i = −1/C Σ_c w_c [t_ic ln σ(z_ic) + (1 − t_ic) ln σ(−z_ic)]
/// ```
///
/// With the mean over rows it is [`BceWithLogits`](super::BceWithLogits) with class weights.
///
/// # Shapes
/// Logits and targets `(…, classes)`. The loss is a scalar, or has a number for each row with
/// [`Reduction::None`].
///
/// # Panics
/// **Panics** if the shapes differ, or a target is outside \[0, 1\].
///
/// # Example
/// ```
/// use fanin_nn::losses::{Loss, MultiLabelSoftMargin};
/// use fanin_nn::{Tape, Tensor};
///
/// let (z, target) = (Tensor::zeros([2, 3]), Tensor::ones([2, 3]));
/// let l = Tape::new().value(|t| MultiLabelSoftMargin::new().loss(t.input(&z), &target));
/// assert!((l.item() - 2f32.ln()).abs() < 1e-6);
/// ```
#[doc(alias = "MultiLabelSoftMarginLoss")]
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MultiLabelSoftMargin {
    weights: Option<Vec<f64>>,
    reduction: Reduction,
}

impl MultiLabelSoftMargin {
    /// The mean loss, with equal weights.
    pub fn new() -> Self {
        Self::default()
    }

    /// Multiplies the losses of each class by a weight: one for each class, or one for all.
    ///
    /// # Panics
    /// **Panics** if a weight is negative or not finite.
    #[must_use]
    #[track_caller]
    #[doc(alias = "weight")]
    pub fn class_weights(self, weights: &[f64]) -> Self {
        require_weights("MultiLabelSoftMargin", "class weight", weights);
        Self { weights: Some(weights.to_vec()), ..self }
    }
}

reduction!(MultiLabelSoftMargin);
loss!(MultiLabelSoftMargin: Tensor<T> => multi_label_soft_margin);

/// Of a logit, its target and its weight.
#[derive(Clone, Copy)]
struct OfLogit;

impl<T: Scalar> Pointwise<T, 3> for OfLogit {
    const PICOS: usize = 600;

    #[inline(always)]
    fn value<I: Isa>(self, [z, t, w]: [T; 3]) -> T {
        let [no, yes] = both_softplus::<T, I>(z);
        w * ((T::ONE - t) * no + t * yes)
    }
    #[inline(always)]
    fn derivative<I: Isa>(self, _: usize, [z, t, w]: [T; 3]) -> T {
        let [p, rest] = both_sigmoids::<T, I>(z);
        w * ((T::ONE - t) * p - t * rest)
    }
}

#[track_caller]
fn multi_label_soft_margin<'t, 'a, T: Scalar>(
    reduction: Reduction,
    options: &'a MultiLabelSoftMargin,
    prediction: Var<'t, T>,
    target: &'a Tensor<T>,
) -> Var<'t, T> {
    let name = "multi_label_soft_margin";
    require_shape(name, prediction, target.shape());
    if target.shape().is_empty() {
        bad_shapes(name, &[], &[], "there must be an axis of classes");
    }
    require_probabilities(name, target);
    let weights = options.weights.as_deref().unwrap_or(&[1.0]);
    require_columns(name, prediction, weights);
    check_logits(name, prediction, Own::Sigmoid);
    let columns = &[weights][..];
    let loss = Elements { columns, by_row: true, ..Elements::new(name, reduction) };
    pointwise(loss, OfLogit, [prediction, prediction.tape().input(target)])
}
