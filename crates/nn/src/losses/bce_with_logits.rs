//! [`BceWithLogits`]: logits against yes or no.

use fanin_tensor::simd::Isa;
use fanin_tensor::{Scalar, Tensor};

use super::fit::{Own, check_logits};
use super::pointwise::{Elements, Pointwise, pointwise};
use super::require::{require_columns, require_probabilities, require_shape, require_weights};
use super::{Loss, PerSample, Reduction};
use crate::tape::Var;

/// The binary cross-entropy of logits z, for one class or for several that do not exclude each other:
///
/// ```text
/// ℓ  = −w [c t ln σ(z) + (1 − t) ln σ(−z)]          σ(z) = 1 / (1 + e^−z)
/// ℓ′ =  w [(1 − t) σ(z) − c t σ(−z)]
/// ```
///
/// reduced to its mean over all elements. w are the [class weights](Self::class_weights) and c the
/// [weights of positive targets](Self::pos_weight), all 1 by default. Sigmoid, logarithm and loss are one
/// operation, exact for logits of any size. As in PyTorch the mean is divided by the number of elements,
/// whatever the weights are.
///
/// # Shapes
/// Logits and targets of one shape. The loss is a scalar, or of that shape with [`Reduction::None`].
///
/// # Panics
/// **Panics** if the shapes differ, or a target is outside \[0, 1\].
///
/// # Example
/// ```
/// use fanin_nn::losses::{BceWithLogits, Loss};
/// use fanin_nn::{Tape, Tensor};
///
/// let (z, target) = (Tensor::from_vec(2, vec![0.0, -1e4]), Tensor::from_vec(2, vec![1.0, 0.0]));
/// let loss = BceWithLogits::new().pos_weight(&[3.0]);
/// let l = Tape::new().value(|t| loss.loss(t.input(&z), &target));
/// assert!((l.item() - 1.5 * 2f32.ln()).abs() < 1e-6);
/// ```
#[doc(alias = "BCEWithLogitsLoss")]
#[doc(alias = "binary_cross_entropy_with_logits")]
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BceWithLogits {
    weights: Option<Vec<f64>>,
    positive: Option<Vec<f64>>,
    reduction: Reduction,
}

impl BceWithLogits {
    /// The mean binary cross-entropy, with equal weights.
    pub fn new() -> Self {
        Self::default()
    }

    /// Multiplies the losses of each column by a weight: one for each column, or one for all.
    ///
    /// # Panics
    /// **Panics** if a weight is negative or not finite.
    #[must_use]
    #[track_caller]
    #[doc(alias = "weight")]
    pub fn class_weights(self, weights: &[f64]) -> Self {
        require_weights("BceWithLogits", "class weight", weights);
        Self { weights: Some(weights.to_vec()), ..self }
    }

    /// Multiplies the part of the positive targets by a weight: one for each column, or one for all. Above
    /// 1 it raises the recall, below 1 the precision. The ratio of negative to positive samples balances
    /// both.
    ///
    /// # Panics
    /// **Panics** if a weight is negative or not finite.
    #[must_use]
    #[track_caller]
    pub fn pos_weight(self, weights: &[f64]) -> Self {
        require_weights("BceWithLogits", "positive weight", weights);
        Self { positive: Some(weights.to_vec()), ..self }
    }
}

reduction!(BceWithLogits);
loss!(BceWithLogits: Tensor<T> => bce_with_logits);

/// `[ln σ(−z), ln σ(z)]`, both negated.
#[inline(always)]
pub(super) fn both_softplus<T: Scalar, I: Isa>(z: T) -> [T; 2] {
    let small = (-z.abs()).vsoftplus::<I>();
    if z > T::ZERO { [z + small, small] } else { [small, small - z] }
}

/// `[σ(z), σ(−z)]`, each accurate where it is small.
#[inline(always)]
pub(super) fn both_sigmoids<T: Scalar, I: Isa>(z: T) -> [T; 2] {
    let small = (-z.abs()).vsigmoid::<I>();
    let large = T::ONE - small;
    if z > T::ZERO { [large, small] } else { [small, large] }
}

/// Of a logit, its target, its weight and the weight of a positive target.
#[derive(Clone, Copy)]
struct OfLogit;

impl<T: Scalar> Pointwise<T, 4> for OfLogit {
    const PICOS: usize = 600;

    #[inline(always)]
    fn value<I: Isa>(self, [z, t, w, c]: [T; 4]) -> T {
        let [no, yes] = both_softplus::<T, I>(z);
        w * ((T::ONE - t) * no + c * t * yes)
    }
    #[inline(always)]
    fn derivative<I: Isa>(self, _: usize, [z, t, w, c]: [T; 4]) -> T {
        let [p, rest] = both_sigmoids::<T, I>(z);
        w * ((T::ONE - t) * p - c * t * rest)
    }
}

once! {
    #[track_caller]
    fn bce_with_logits<'t, 'a, T: Scalar>(
        reduction: Reduction,
        options: &'a BceWithLogits,
        prediction: Var<'t, T>,
        target: &'a Tensor<T>,
    ) -> Var<'t, T> {
        let name = "bce_with_logits";
        require_shape(name, prediction, target.shape());
        require_probabilities(name, target);
        let weights = options.weights.as_deref().unwrap_or(&[1.0]);
        let positive = options.positive.as_deref().unwrap_or(&[1.0]);
        require_columns(name, prediction, weights);
        require_columns(name, prediction, positive);
        check_logits(name, prediction, Own::Sigmoid);
        let columns = &[weights, positive][..];
        let loss = Elements { columns, ..Elements::new(name, reduction) };
        pointwise(loss, OfLogit, [prediction, prediction.tape().input(target)])
    }
}

impl<'t, T: Scalar> Var<'t, T> {
    /// The mean binary cross-entropy of logits against targets in \[0, 1\] of the same shape:
    /// [`BceWithLogits`] in short, which also has options.
    ///
    /// # Panics
    /// **Panics** if the shapes differ, or a target is outside \[0, 1\].
    ///
    /// # Example
    /// ```
    /// use fanin_nn::{Tape, Tensor};
    /// let (logits, target) = (Tensor::zeros([2, 1]), Tensor::from_vec([2, 1], vec![1.0, 0.0]));
    /// let loss = Tape::new().value(|t| t.input(&logits).bce_with_logits(&target));
    /// assert!((loss.item() - 2f32.ln()).abs() < 1e-6);
    /// ```
    #[must_use]
    #[track_caller]
    pub fn bce_with_logits(self, target: &Tensor<T>) -> Self {
        BceWithLogits::new().loss(self, target)
    }
}
