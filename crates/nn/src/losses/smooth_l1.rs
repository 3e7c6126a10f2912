//! [`SmoothL1`]: the absolute error, rounded off near 0.

use fanin_tensor::simd::Isa;
use fanin_tensor::{Scalar, Tensor};

use super::l1::AbsoluteDifference;
use super::pointwise::{Elements, Pointwise, pointwise};
use super::require::require_fit;
use super::{Loss, PerSample, Reduction};
use crate::tape::Var;

/// The smooth L1 loss of `d = y − target`: `d² / 2β` where `|d| < β`, and `|d| − β/2` elsewhere, reduced to
/// its mean over all elements. It is [`Huber`](super::Huber) with δ = β, divided by β. With β = 0 it is
/// [`L1`](super::L1).
///
/// # Shapes
/// Prediction and target of one shape. The loss is a scalar, or of that shape with [`Reduction::None`].
///
/// # Panics
/// **Panics** if the shapes differ.
///
/// # Example
/// ```
/// use fanin_nn::losses::{Loss, SmoothL1};
/// use fanin_nn::{Tape, Tensor};
///
/// let (y, target) = (Tensor::from_vec(2, vec![1.5, 9.0]), Tensor::from_vec(2, vec![1.0, 1.0]));
/// let l = Tape::new().value(|t| SmoothL1::new(2.0).loss(t.input(&y), &target));
/// assert_eq!(l.item(), (0.0625 + 7.0) / 2.0);
/// ```
///
/// # Reference
/// Girshick 2015, "Fast R-CNN", eq. 3.
#[doc(alias = "SmoothL1Loss")]
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SmoothL1 {
    beta: f64,
    reduction: Reduction,
}

impl SmoothL1 {
    /// The mean smooth L1 loss; PyTorch's default for β is 1.
    ///
    /// # Panics
    /// **Panics** if β is negative or not finite.
    #[track_caller]
    pub fn new(beta: f64) -> Self {
        assert!(beta >= 0.0 && beta.is_finite(), "SmoothL1: a beta of {beta} is negative");
        Self { beta, reduction: Reduction::Mean }
    }
}

reduction!(SmoothL1);
loss!(SmoothL1: Tensor<T> => smooth_l1);

/// The loss of `y − t`, for this β.
#[derive(Clone, Copy)]
struct SmoothDifference<T>(T);

impl<T: Scalar> Pointwise<T, 2> for SmoothDifference<T> {
    #[inline(always)]
    fn value<I: Isa>(self, [y, t]: [T; 2]) -> T {
        let (beta, size, half) = (self.0, (y - t).abs(), T::from_f64(0.5));
        if size < beta { half * size * size / beta } else { size - half * beta }
    }
    #[inline(always)]
    fn derivative<I: Isa>(self, _: usize, [y, t]: [T; 2]) -> T {
        let (beta, d) = (self.0, y - t);
        if d >= beta {
            T::ONE
        } else if d <= -beta {
            -T::ONE
        } else {
            d / beta
        }
    }
}

once! {
    #[track_caller]
    fn smooth_l1<'t, 'a, T: Scalar>(
        reduction: Reduction,
        options: &'a SmoothL1,
        prediction: Var<'t, T>,
        target: &'a Tensor<T>,
    ) -> Var<'t, T> {
        let target = prediction.tape().input(target);
        require_fit("smooth_l1", prediction, target);
        let (loss, inputs) = (Elements::new("smooth_l1", reduction), [prediction, target]);
        if options.beta == 0.0 {
            return pointwise(loss, AbsoluteDifference, inputs);
        }
        pointwise(loss, SmoothDifference(T::from_f64(options.beta)), inputs)
    }
}
