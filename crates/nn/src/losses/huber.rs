//! [`Huber`]: squared near the target, linear far from it.

use fanin_tensor::simd::Isa;
use fanin_tensor::{Scalar, Tensor};

use super::pointwise::{Elements, Pointwise, pointwise};
use super::require::require_fit;
use super::{Loss, PerSample, Reduction};
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
}

reduction!(Huber);
loss!(Huber: Tensor<T> => huber);

/// The loss of `y − t`, for this δ.
#[derive(Clone, Copy)]
struct OfDifference<T>(T);

impl<T: Scalar> Pointwise<T, 2> for OfDifference<T> {
    #[inline(always)]
    fn value<I: Isa>(self, [y, t]: [T; 2]) -> T {
        let (delta, size, half) = (self.0, (y - t).abs(), T::from_f64(0.5));
        if size <= delta { half * size * size } else { delta * (size - half * delta) }
    }
    #[inline(always)]
    fn derivative<I: Isa>(self, _: usize, [y, t]: [T; 2]) -> T {
        let (delta, d) = (self.0, y - t);
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
    fn huber<'t, 'a, T: Scalar>(
        reduction: Reduction,
        options: &'a Huber,
        prediction: Var<'t, T>,
        target: &'a Tensor<T>,
    ) -> Var<'t, T> {
        let target = prediction.tape().input(target);
        require_fit("huber", prediction, target);
        let f = OfDifference(T::from_f64(options.delta));
        pointwise(Elements::new("huber", reduction), f, [prediction, target])
    }
}
