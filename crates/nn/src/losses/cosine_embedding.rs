//! [`CosineEmbedding`]: the angle of pairs that are alike or not.

use fanin_tensor::simd::Isa;
use fanin_tensor::{Scalar, Tensor};

use super::Reduction;
use super::pointwise::{Elements, Pointwise, pointwise};
use super::require::{require_same, require_signs};
use crate::ops::bad_shapes;
use crate::tape::Var;

/// The cosine embedding loss of pairs of vectors a and b:
///
/// ```text
/// c = a · b / √((|a|² + 10⁻¹²) (|b|² + 10⁻¹²))
/// ℓ = 1 − c                     where the target is 1: the pair is alike
/// ℓ = max(0, c − margin)        where it is −1
/// ```
///
/// reduced to its mean over all pairs. Both vectors get a gradient. The derivative at the kink is 0.
///
/// # Shapes
/// Vectors `(…, features)`, both of one shape, and a target for each pair: `(n)` for `(n, features)`. The
/// loss is a scalar, or of the target's shape with [`Reduction::None`].
///
/// # Example
/// ```
/// use fanin_nn::losses::CosineEmbedding;
/// use fanin_nn::{Tape, Tensor};
///
/// let a = Tensor::from_vec([2, 2], vec![1.0, 0.0, 1.0, 0.0]);
/// let b = Tensor::from_vec([2, 2], vec![0.0, 2.0, 3.0, 0.0]);
/// let target = Tensor::from_vec(2, vec![1.0, -1.0]);
/// let loss = CosineEmbedding::new().margin(0.5);
/// let l = Tape::new().value(|t| loss.loss(t.input(&a), t.input(&b), &target));
/// assert!((l.item() - (1.0 + 0.5) / 2.0).abs() < 1e-6);
/// ```
#[doc(alias = "CosineEmbeddingLoss")]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CosineEmbedding {
    margin: f64,
    reduction: Reduction,
}

impl CosineEmbedding {
    /// The mean loss with a margin of 0.
    pub fn new() -> Self {
        Self::default()
    }

    /// The cosine below which pairs that are not alike have no loss, from −1 to 1; 0 to 0.5 is usual.
    ///
    /// # Panics
    /// **Panics** if the margin is outside \[−1, 1\].
    #[must_use]
    #[track_caller]
    pub fn margin(self, margin: f64) -> Self {
        let fits = (-1.0..=1.0).contains(&margin);
        assert!(fits, "CosineEmbedding: a margin of {margin} is outside [-1, 1]");
        Self { margin, ..self }
    }

    /// The loss of pairs.
    ///
    /// # Panics
    /// **Panics** if the vectors differ in shape, there are not as many targets as pairs, or a target is
    /// neither 1 nor −1.
    #[track_caller]
    pub fn loss<'t, T: Scalar>(
        &self,
        a: Var<'t, T>,
        b: Var<'t, T>,
        target: &Tensor<T>,
    ) -> Var<'t, T> {
        cosine_embedding(self, a, b, target)
    }
}

reduction!(CosineEmbedding);

/// Of a cosine and whether the pair is alike, for this margin.
#[derive(Clone, Copy)]
struct OfCosine<T>(T);

impl<T: Scalar> Pointwise<T, 2> for OfCosine<T> {
    #[inline(always)]
    fn value<I: Isa>(self, [c, t]: [T; 2]) -> T {
        let beyond = c - self.0;
        let beyond = if beyond < T::ZERO { T::ZERO } else { beyond };
        if t == T::ONE { T::ONE - c } else { beyond }
    }
    #[inline(always)]
    fn derivative<I: Isa>(self, _: usize, [c, t]: [T; 2]) -> T {
        if t == T::ONE {
            -T::ONE
        } else if c - self.0 <= T::ZERO {
            T::ZERO
        } else {
            T::ONE
        }
    }
}

#[track_caller]
fn cosine_embedding<'t, 'a, T: Scalar>(
    options: &'a CosineEmbedding,
    a: Var<'t, T>,
    b: Var<'t, T>,
    target: &'a Tensor<T>,
) -> Var<'t, T> {
    let name = "cosine_embedding";
    require_same(name, a, b);
    let shape = a.shape();
    let Some(axis) = shape.len().checked_sub(1) else {
        bad_shapes(name, &shape, target.shape(), "there must be an axis of features")
    };
    if *target.shape() != shape[..axis] {
        bad_shapes(name, &shape, target.shape(), "there must be a target per pair");
    }
    require_signs(name, target);
    // PyTorch's: it keeps the gradient finite for vectors of length 0.
    let least = T::from_f64(1e-12);
    let squares = |x: Var<'t, T>| (x * x).sum_axis(axis) + least;
    let cosine = (a * b).sum_axis(axis) / (squares(a) * squares(b)).sqrt();
    let inputs = [cosine, a.tape().input(target)];
    let f = OfCosine(T::from_f64(options.margin));
    pointwise(Elements::new(name, options.reduction), f, inputs)
}
