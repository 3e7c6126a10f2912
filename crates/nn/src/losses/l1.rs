//! [`L1`]: the absolute error.

use fanin_tensor::simd::Isa;
use fanin_tensor::{Scalar, Tensor};

use super::pointwise::{Elements, Pointwise, pointwise};
use super::require::require_fit;
use super::{Loss, PerSample, Reduction};
use crate::tape::Var;

/// The absolute error `|y − target|`, reduced to its mean over all elements. Its minimum is the median of
/// the targets. The derivative at 0 is 0.
///
/// # Shapes
/// Prediction and target of one shape. The loss is a scalar, or of that shape with [`Reduction::None`].
///
/// # Panics
/// **Panics** if the shapes differ.
///
/// # Example
/// ```
/// use fanin_nn::losses::{L1, Loss};
/// use fanin_nn::{Tape, Tensor};
///
/// let (y, target) = (Tensor::from_vec(2, vec![1.0, 2.0]), Tensor::from_vec(2, vec![1.5, 5.0]));
/// assert_eq!(Tape::new().value(|t| L1::new().loss(t.input(&y), &target)).item(), 3.5 / 2.0);
/// ```
#[doc(alias = "L1Loss")]
#[doc(alias = "mean_absolute_error")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct L1 {
    reduction: Reduction,
}

impl L1 {
    /// The mean absolute error.
    pub fn new() -> Self {
        Self::default()
    }
}

reduction!(L1);
loss!(L1: Tensor<T> => l1);

/// `|y − t|`
#[derive(Clone, Copy)]
pub(super) struct AbsoluteDifference;

impl<T: Scalar> Pointwise<T, 2> for AbsoluteDifference {
    #[inline(always)]
    fn value<I: Isa>(self, [y, t]: [T; 2]) -> T {
        (y - t).abs()
    }
    #[inline(always)]
    fn derivative<I: Isa>(self, _: usize, [y, t]: [T; 2]) -> T {
        let d = y - t;
        if d > T::ZERO {
            T::ONE
        } else if d < T::ZERO {
            -T::ONE
        } else {
            d * T::ZERO // NaN stays
        }
    }
}

once! {
    #[track_caller]
    fn l1<'t, 'a, T: Scalar>(
        reduction: Reduction,
        _options: &'a L1,
        prediction: Var<'t, T>,
        target: &'a Tensor<T>,
    ) -> Var<'t, T> {
        let target = prediction.tape().input(target);
        require_fit("l1", prediction, target);
        pointwise(Elements::new("l1", reduction), AbsoluteDifference, [prediction, target])
    }
}
