//! [`Hinge`]: the loss of a support vector machine.

use fanin_tensor::simd::Isa;
use fanin_tensor::{Scalar, Tensor};

use super::pointwise::{Elements, Pointwise, pointwise};
use super::require::{require_fit, require_signs};
use super::{Loss, PerSample, Reduction};
use crate::tape::Var;

/// The hinge loss of scores y against targets t of 1 and −1, `max(0, 1 − t y)` or its square, reduced to its
/// mean over all elements. The derivative at the kink is 0.
///
/// PyTorch has no such loss for scores. Its `HingeEmbeddingLoss` is a loss of distances, here
/// [`HingeEmbedding`](super::HingeEmbedding).
///
/// # Shapes
/// Prediction and target of one shape. The loss is a scalar, or of that shape with [`Reduction::None`].
///
/// # Panics
/// **Panics** if the shapes differ, or a target is neither 1 nor −1.
///
/// # Example
/// ```
/// use fanin_nn::losses::{Hinge, Loss};
/// use fanin_nn::{Tape, Tensor};
///
/// let (y, target) = (Tensor::from_vec(2, vec![0.5, -2.0]), Tensor::from_vec(2, vec![1.0, 1.0]));
/// assert_eq!(Tape::new().value(|t| Hinge::new().loss(t.input(&y), &target)).item(), 1.75);
/// ```
///
/// # Reference
/// Cortes and Vapnik 1995, "Support-Vector Networks", eq. 12 and 25.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hinge {
    squared: bool,
    reduction: Reduction,
}

impl Hinge {
    /// The mean hinge loss.
    pub fn new() -> Self {
        Self::default()
    }

    /// Squares the loss of each element.
    #[must_use]
    pub fn squared(self) -> Self {
        Self { squared: true, ..self }
    }
}

reduction!(Hinge);
loss!(Hinge: Tensor<T> => hinge);

/// Of a score and its sign.
#[derive(Clone, Copy)]
struct OfScore {
    squared: bool,
}

impl<T: Scalar> Pointwise<T, 2> for OfScore {
    #[inline(always)]
    fn value<I: Isa>(self, [y, t]: [T; 2]) -> T {
        let missing = T::ONE - t * y;
        let missing = if missing <= T::ZERO { T::ZERO } else { missing };
        if self.squared { missing * missing } else { missing }
    }
    #[inline(always)]
    fn derivative<I: Isa>(self, _: usize, [y, t]: [T; 2]) -> T {
        let missing = T::ONE - t * y;
        if missing <= T::ZERO {
            T::ZERO
        } else if self.squared {
            -(t + t) * missing
        } else {
            -t
        }
    }
}

#[track_caller]
fn hinge<'t, 'a, T: Scalar>(
    reduction: Reduction,
    options: &'a Hinge,
    prediction: Var<'t, T>,
    target: &'a Tensor<T>,
) -> Var<'t, T> {
    require_signs("hinge", target);
    let given = prediction.tape().input(target);
    require_fit("hinge", prediction, given);
    let f = OfScore { squared: options.squared };
    pointwise(Elements::new("hinge", reduction), f, [prediction, given])
}
