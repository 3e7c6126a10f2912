//! [`Huber`]: squared near the target, linear far from it.

use fanin_tensor::simd::Isa;
use fanin_tensor::{Scalar, Tensor};

use super::mse::require_fit;
use super::{Loss, Reduction};
use crate::ops::elementwise::Elementwise;
use crate::tape::Var;

/// The Huber loss of `d = y − target`: `d²/2` where `|d| ≤ δ`, and `δ (|d| − δ/2)` elsewhere, reduced to
/// its mean over all elements. Outliers have gradients of at most δ.
///
/// # Shapes
/// Prediction and target of one shape. The loss is a scalar, or of that shape with [`Reduction::None`].
///
/// # Example
/// ```
/// use fanin_nn::losses::{Huber, Loss};
/// use fanin_nn::{Tape, Tensor};
///
/// let (y, target) = (Tensor::from_vec(2, vec![1.5, 9.0]), Tensor::from_vec(2, vec![1.0, 1.0]));
/// let l = Tape::new().value(|t| Huber::new(1.0).loss(t.input(&y), &target));
/// assert_eq!(l.item(), (0.125 + 7.5) / 2.0);
/// ```
///
/// # Reference
/// Huber 1964, "Robust Estimation of a Location Parameter".
#[doc(alias = "HuberLoss")]
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Huber {
    delta: f64,
    reduction: Reduction,
}

impl Huber {
    /// The mean Huber loss; PyTorch's default for δ is 1.
    ///
    /// # Panics
    /// **Panics** unless δ is positive and finite.
    #[track_caller]
    pub fn new(delta: f64) -> Self {
        assert!(delta > 0.0 && delta.is_finite(), "Huber: a delta of {delta} is not positive");
        Self { delta, reduction: Reduction::Mean }
    }

    /// The same loss, reduced in another way.
    #[must_use]
    pub fn reduction(self, reduction: Reduction) -> Self {
        Self { reduction, ..self }
    }
}

/// The loss of a difference, for this δ.
#[derive(Clone, Copy, Debug)]
struct OfDifference<T>(T);

impl<T: Scalar> Elementwise<T> for OfDifference<T> {
    const ACTIVATION: bool = false;

    #[inline(always)]
    fn value<I: Isa>(self, d: T) -> T {
        let (delta, size, half) = (self.0, d.abs(), T::from_f64(0.5));
        if size <= delta { half * d * d } else { delta * (size - half * delta) }
    }
    #[inline(always)]
    fn derivative<I: Isa>(self, d: T, _: T) -> T {
        let delta = self.0;
        if d > delta {
            delta
        } else if d < -delta {
            -delta
        } else {
            d
        }
    }
}

once! {
    #[track_caller]
    fn huber<'t, T: Scalar>(
        delta: f64,
        reduction: Reduction,
        prediction: Var<'t, T>,
        target: Var<'t, T>,
    ) -> Var<'t, T> {
        require_fit("huber", prediction, target);
        let delta = T::from_f64(delta);
        reduction.apply((prediction - target).elementwise(OfDifference(delta)))
    }
}

impl<T: Scalar> Loss<Tensor<T>, T> for Huber {
    #[track_caller]
    fn loss<'t>(&self, prediction: Var<'t, T>, target: &Tensor<T>) -> Var<'t, T> {
        huber(self.delta, self.reduction, prediction, prediction.tape().input(target))
    }
}
