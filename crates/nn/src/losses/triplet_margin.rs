//! [`TripletMargin`]: an anchor is nearer to its like than to others.

use fanin_tensor::Scalar;
use fanin_tensor::simd::Isa;

use super::Reduction;
use super::pointwise::{Elements, Pointwise, pointwise};
use super::require::{require_finite, require_same};
use crate::tape::Var;

/// The triplet margin loss: an anchor a must be nearer to a positive p of its kind than to a negative n of
/// another kind, by a margin:
///
/// ```text
/// ℓ = max(0, d(a, p) − d(a, n) + margin)
/// ```
///
/// reduced to its mean over all triplets. d is [`Var::pairwise_distance`]. With [`swap`](Self::swap),
/// d(p, n) takes the place of d(a, n) where it is smaller. The derivative at the kink is 0.
///
/// # Shapes
/// Anchor, positive and negative `(…, features)`, all of one shape. The loss is a scalar, or of that shape
/// without the last axis with [`Reduction::None`].
///
/// # Example
/// ```
/// use fanin_nn::losses::TripletMargin;
/// use fanin_nn::{Tape, Tensor};
///
/// let row = |x, y| Tensor::from_vec([1, 2], vec![x, y]);
/// let (anchor, positive, negative) = (row(0.0, 0.0), row(1.0, 0.0), row(0.0, 1.5));
/// let l = Tape::new().value(|t| {
///     let [a, p, n] = [&anchor, &positive, &negative].map(|x| t.input(x));
///     TripletMargin::new().loss(a, p, n)
/// });
/// assert!((l.item() - 0.5).abs() < 1e-5);
/// ```
///
/// # Reference
/// Balntas et al. 2016, "Learning local feature descriptors with triplets and shallow convolutional neural
/// networks", section 3.
#[doc(alias = "TripletMarginLoss")]
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TripletMargin {
    margin: f64,
    p: f64,
    swap: bool,
    reduction: Reduction,
}

impl Default for TripletMargin {
    fn default() -> Self {
        Self { margin: 1.0, p: 2.0, swap: false, reduction: Reduction::Mean }
    }
}

impl TripletMargin {
    /// The mean loss with Euclidean distances and a margin of 1.
    pub fn new() -> Self {
        Self::default()
    }

    /// By how much the negative must be farther away.
    ///
    /// # Panics
    /// **Panics** if the margin is not positive and finite.
    #[must_use]
    #[track_caller]
    pub fn margin(self, margin: f64) -> Self {
        require_finite("TripletMargin", "margin", margin);
        assert!(margin > 0.0, "TripletMargin: a margin of {margin} is not positive");
        Self { margin, ..self }
    }

    /// The power of the norm: 2 for Euclidean distances, 1 for the sum of absolute differences.
    ///
    /// # Panics
    /// **Panics** if p is not positive.
    #[must_use]
    #[track_caller]
    pub fn p(self, p: f64) -> Self {
        assert!(p > 0.0, "TripletMargin: a power of {p} is not positive");
        Self { p, ..self }
    }

    /// Takes the negative's distance from the positive where it is the smaller one.
    #[must_use]
    pub fn swap(self) -> Self {
        Self { swap: true, ..self }
    }

    /// The loss of triplets.
    ///
    /// # Panics
    /// **Panics** if the shapes differ.
    #[track_caller]
    pub fn loss<'t, T: Scalar>(
        &self,
        anchor: Var<'t, T>,
        positive: Var<'t, T>,
        negative: Var<'t, T>,
    ) -> Var<'t, T> {
        triplet_margin(self, anchor, positive, negative)
    }

    /// The loss of triplets by a distance of one's own, which gives a number for each pair.
    ///
    /// # Panics
    /// **Panics** if the shapes differ.
    #[doc(alias = "TripletMarginWithDistanceLoss")]
    #[track_caller]
    pub fn loss_by<'t, T: Scalar>(
        &self,
        [anchor, positive, negative]: [Var<'t, T>; 3],
        distance: impl Fn(Var<'t, T>, Var<'t, T>) -> Var<'t, T>,
    ) -> Var<'t, T> {
        require_same("triplet_margin", anchor, positive);
        require_same("triplet_margin", anchor, negative);
        let near = distance(anchor, positive);
        let far = distance(anchor, negative);
        let far = if self.swap { far.minimum(distance(positive, negative)) } else { far };
        of_distances(self, near, far)
    }
}

reduction!(TripletMargin);

/// Of two distances, for this margin.
#[derive(Clone, Copy)]
struct OfDistances<T>(T);

impl<T: Scalar> Pointwise<T, 2> for OfDistances<T> {
    #[inline(always)]
    fn value<I: Isa>(self, [near, far]: [T; 2]) -> T {
        let missing = self.0 + near - far;
        if missing < T::ZERO { T::ZERO } else { missing }
    }
    #[inline(always)]
    fn derivative<I: Isa>(self, i: usize, [near, far]: [T; 2]) -> T {
        if self.0 + near - far <= T::ZERO {
            T::ZERO
        } else if i == 0 {
            T::ONE
        } else {
            -T::ONE
        }
    }
}

#[track_caller]
fn of_distances<'t, T: Scalar>(
    options: &TripletMargin,
    near: Var<'t, T>,
    far: Var<'t, T>,
) -> Var<'t, T> {
    require_same("triplet_margin", near, far);
    let loss = Elements::new("triplet_margin", options.reduction);
    let f = OfDistances(T::from_f64(options.margin));
    pointwise(Elements { differentiable: 2, ..loss }, f, [near, far])
}

#[track_caller]
fn triplet_margin<'t, T: Scalar>(
    options: &TripletMargin,
    anchor: Var<'t, T>,
    positive: Var<'t, T>,
    negative: Var<'t, T>,
) -> Var<'t, T> {
    let p = options.p;
    options.loss_by([anchor, positive, negative], |a, b| a.pairwise_distance(b, p))
}
