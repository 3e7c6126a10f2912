//! [`SoftMargin`]: the logistic loss of targets 1 and −1.

use fanin_tensor::simd::Isa;
use fanin_tensor::{Scalar, Tensor};

use super::fit::{Own, check_logits};
use super::pointwise::{Elements, Pointwise, pointwise};
use super::require::{require_shape, require_signs};
use super::{Loss, PerSample, Reduction};
use crate::tape::Var;

/// The logistic loss `ln(1 + e^(−t y))` of scores y against targets t of 1 and −1, reduced to its mean over
/// all elements. It is [`BceWithLogits`](super::BceWithLogits) with targets 1 and 0.
///
/// For scores beyond ±88 PyTorch's `SoftMarginLoss` overflows in `f32`, to ∞ or NaN. This does not.
///
/// # Shapes
/// Prediction and target of one shape. The loss is a scalar, or of that shape with [`Reduction::None`].
///
/// # Panics
/// **Panics** if the shapes differ, or a target is neither 1 nor −1.
///
/// # Example
/// ```
/// use fanin_nn::losses::{Loss, SoftMargin};
/// use fanin_nn::{Tape, Tensor};
///
/// let (y, target) = (Tensor::from_vec(2, vec![0.0, -1e4]), Tensor::from_vec(2, vec![1.0, -1.0]));
/// let l = Tape::new().value(|t| SoftMargin::new().loss(t.input(&y), &target));
/// assert!((l.item() - 2f32.ln() / 2.0).abs() < 1e-6);
/// ```
#[doc(alias = "SoftMarginLoss")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SoftMargin {
    reduction: Reduction,
}

impl SoftMargin {
    /// The mean logistic loss.
    pub fn new() -> Self {
        Self::default()
    }
}

reduction!(SoftMargin);
loss!(SoftMargin: Tensor<T> => soft_margin);

/// Of a score and its sign.
#[derive(Clone, Copy)]
struct Logistic;

impl<T: Scalar> Pointwise<T, 2> for Logistic {
    const PICOS: usize = 500;

    #[inline(always)]
    fn value<I: Isa>(self, [y, t]: [T; 2]) -> T {
        (-(t * y)).vsoftplus::<I>()
    }
    #[inline(always)]
    fn derivative<I: Isa>(self, _: usize, [y, t]: [T; 2]) -> T {
        -(t * (-(t * y)).vsigmoid::<I>())
    }
}

#[track_caller]
fn soft_margin<'t, 'a, T: Scalar>(
    reduction: Reduction,
    _options: &'a SoftMargin,
    prediction: Var<'t, T>,
    target: &'a Tensor<T>,
) -> Var<'t, T> {
    let name = "soft_margin";
    require_shape(name, prediction, target.shape());
    require_signs(name, target);
    check_logits(name, prediction, Own::Sigmoid);
    let inputs = [prediction, prediction.tape().input(target)];
    pointwise(Elements::new(name, reduction), Logistic, inputs)
}
