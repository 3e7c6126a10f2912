//! [`MarginRanking`]: which of two scores is to be the higher.

use fanin_tensor::simd::Isa;
use fanin_tensor::{Scalar, Tensor};

use super::Reduction;
use super::pointwise::{Elements, Pointwise, pointwise};
use super::require::{require_finite, require_same, require_shape, require_signs};
use crate::tape::Var;

/// The margin ranking loss of two scores a and b, of which a is to be higher where the target t is 1, and b
/// where it is −1: `max(0, −t (a − b) + margin)`, reduced to its mean over all pairs. The derivative at the
/// kink is 0.
///
/// # Shapes
/// Both scores and the target of one shape. The loss is a scalar, or of that shape with
/// [`Reduction::None`].
///
/// # Example
/// ```
/// use fanin_nn::losses::MarginRanking;
/// use fanin_nn::{Tape, Tensor};
///
/// let (a, b) = (Tensor::from_vec(2, vec![1.0, 1.0]), Tensor::from_vec(2, vec![3.0, 0.5]));
/// let target = Tensor::ones(2);
/// let l = Tape::new().value(|t| MarginRanking::new().loss(t.input(&a), t.input(&b), &target));
/// assert_eq!(l.item(), 2.0 / 2.0);
/// ```
#[doc(alias = "MarginRankingLoss")]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MarginRanking {
    margin: f64,
    reduction: Reduction,
}

impl MarginRanking {
    /// The mean loss with a margin of 0.
    pub fn new() -> Self {
        Self::default()
    }

    /// By how much one score must exceed the other.
    ///
    /// # Panics
    /// **Panics** if the margin is not finite.
    #[must_use]
    #[track_caller]
    pub fn margin(self, margin: f64) -> Self {
        require_finite("MarginRanking", "margin", margin);
        Self { margin, ..self }
    }

    /// The loss of pairs of scores.
    ///
    /// # Panics
    /// **Panics** if the shapes differ, or a target is neither 1 nor −1.
    #[track_caller]
    pub fn loss<'t, T: Scalar>(
        &self,
        a: Var<'t, T>,
        b: Var<'t, T>,
        target: &Tensor<T>,
    ) -> Var<'t, T> {
        margin_ranking(self, a, b, target)
    }
}

reduction!(MarginRanking);

/// Of two scores and a sign, for this margin.
#[derive(Clone, Copy)]
struct OfScores<T>(T);

impl<T: Scalar> Pointwise<T, 3> for OfScores<T> {
    #[inline(always)]
    fn value<I: Isa>(self, [a, b, t]: [T; 3]) -> T {
        let missing = self.0 - t * (a - b);
        if missing < T::ZERO { T::ZERO } else { missing }
    }
    #[inline(always)]
    fn derivative<I: Isa>(self, i: usize, [a, b, t]: [T; 3]) -> T {
        if self.0 - t * (a - b) <= T::ZERO {
            T::ZERO
        } else if i == 0 {
            -t
        } else {
            t
        }
    }
}

#[track_caller]
fn margin_ranking<'t, 'a, T: Scalar>(
    options: &'a MarginRanking,
    a: Var<'t, T>,
    b: Var<'t, T>,
    target: &'a Tensor<T>,
) -> Var<'t, T> {
    let name = "margin_ranking";
    require_same(name, a, b);
    require_shape(name, a, target.shape());
    require_signs(name, target);
    let loss = Elements { differentiable: 2, ..Elements::new(name, options.reduction) };
    let f = OfScores(T::from_f64(options.margin));
    pointwise(loss, f, [a, b, a.tape().input(target)])
}
