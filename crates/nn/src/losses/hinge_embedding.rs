//! [`HingeEmbedding`]: distances of pairs that are alike or not.

use fanin_tensor::simd::Isa;
use fanin_tensor::{Scalar, Tensor};

use super::pointwise::{Elements, Pointwise, pointwise};
use super::require::{require_finite, require_shape, require_signs};
use super::{Loss, PerSample, Reduction};
use crate::tape::Var;

/// The hinge embedding loss of distances d of pairs: d where the target is 1 (the pair is alike), and
/// `max(0, margin − d)` where it is −1. It is reduced to its mean over all elements. The derivative at the
/// kink is 0.
///
/// # Shapes
/// Prediction and target of one shape. The loss is a scalar, or of that shape with [`Reduction::None`].
///
/// # Panics
/// **Panics** if the shapes differ, or a target is neither 1 nor −1.
///
/// # Example
/// ```
/// use fanin_nn::losses::{HingeEmbedding, Loss};
/// use fanin_nn::{Tape, Tensor};
///
/// let (d, target) = (Tensor::from_vec(2, vec![0.5, 0.25]), Tensor::from_vec(2, vec![1.0, -1.0]));
/// let l = Tape::new().value(|t| HingeEmbedding::new().loss(t.input(&d), &target));
/// assert_eq!(l.item(), (0.5 + 0.75) / 2.0);
/// ```
#[doc(alias = "HingeEmbeddingLoss")]
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HingeEmbedding {
    margin: f64,
    reduction: Reduction,
}

impl Default for HingeEmbedding {
    fn default() -> Self {
        Self { margin: 1.0, reduction: Reduction::Mean }
    }
}

impl HingeEmbedding {
    /// The mean loss with a margin of 1.
    pub fn new() -> Self {
        Self::default()
    }

    /// How far apart pairs must be that are not alike.
    ///
    /// # Panics
    /// **Panics** if the margin is not finite.
    #[must_use]
    #[track_caller]
    pub fn margin(self, margin: f64) -> Self {
        require_finite("HingeEmbedding", "margin", margin);
        Self { margin, ..self }
    }
}

reduction!(HingeEmbedding);
loss!(HingeEmbedding: Tensor<T> => hinge_embedding);

/// Of a distance and whether the pair is alike, for this margin.
#[derive(Clone, Copy)]
struct OfDistance<T>(T);

impl<T: Scalar> Pointwise<T, 2> for OfDistance<T> {
    #[inline(always)]
    fn value<I: Isa>(self, [d, t]: [T; 2]) -> T {
        let missing = self.0 - d;
        let missing = if missing < T::ZERO { T::ZERO } else { missing };
        if t == T::ONE { d } else { missing }
    }
    #[inline(always)]
    fn derivative<I: Isa>(self, _: usize, [d, t]: [T; 2]) -> T {
        if t == T::ONE {
            T::ONE
        } else if self.0 - d <= T::ZERO {
            T::ZERO
        } else {
            -T::ONE
        }
    }
}

#[track_caller]
fn hinge_embedding<'t, 'a, T: Scalar>(
    reduction: Reduction,
    options: &'a HingeEmbedding,
    prediction: Var<'t, T>,
    target: &'a Tensor<T>,
) -> Var<'t, T> {
    let name = "hinge_embedding";
    require_shape(name, prediction, target.shape());
    require_signs(name, target);
    let f = OfDistance(T::from_f64(options.margin));
    let inputs = [prediction, prediction.tape().input(target)];
    pointwise(Elements::new(name, reduction), f, inputs)
}
