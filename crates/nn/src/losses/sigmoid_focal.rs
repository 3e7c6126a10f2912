//! [`SigmoidFocal`]: the focal loss of yes or no.

use fanin_tensor::simd::Isa;
use fanin_tensor::{Scalar, Tensor};

use super::bce_with_logits::{both_sigmoids, both_softplus};
use super::fit::{Own, check_logits};
use super::focal::require_gamma;
use super::pointwise::{Elements, Pointwise, pointwise};
use super::require::{require_probabilities, require_shape};
use super::{Loss, PerSample, Reduction};
use crate::tape::Var;

/// The focal loss of logits z against yes or no: the binary cross-entropy, with less weight for samples that
/// are easy already:
///
/// ```text
/// p = σ(z),  q = 1 − [p t + (1 − p)(1 − t)]          how wrong the prediction is
/// ℓ = a q^γ · BCE(z, t),  a = α t + (1 − α)(1 − t)
/// ```
///
/// reduced to its mean over all elements. γ is 2 and α is 0.25 by default, as in torchvision's
/// `sigmoid_focal_loss`. (That function's default is no reduction. Detectors divide the sum by the number of
/// objects.) [`without_alpha`](Self::without_alpha) leaves a out. With γ = 0 it is
/// [`BceWithLogits`](super::BceWithLogits).
///
/// # Shapes
/// Logits and targets of one shape. The loss is a scalar, or of that shape with [`Reduction::None`].
///
/// # Panics
/// **Panics** if the shapes differ, or a target is outside \[0, 1\].
///
/// # Example
/// ```
/// use fanin_nn::losses::{Loss, SigmoidFocal};
/// use fanin_nn::{Tape, Tensor};
///
/// let (z, target) = (Tensor::zeros(2), Tensor::from_vec(2, vec![1.0, 0.0]));
/// let l = Tape::new().value(|t| SigmoidFocal::new().loss(t.input(&z), &target));
/// assert!((l.item() - 0.25 * 2f32.ln() / 2.0).abs() < 1e-6);
/// ```
///
/// # Reference
/// Lin et al. 2017, "Focal Loss for Dense Object Detection", eq. 5.
#[doc(alias = "sigmoid_focal_loss")]
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SigmoidFocal {
    gamma: f64,
    alpha: Option<f64>,
    reduction: Reduction,
}

impl Default for SigmoidFocal {
    fn default() -> Self {
        Self { gamma: 2.0, alpha: Some(0.25), reduction: Reduction::Mean }
    }
}

impl SigmoidFocal {
    /// The mean focal loss with γ = 2 and α = 0.25.
    pub fn new() -> Self {
        Self::default()
    }

    /// How much less easy samples count.
    ///
    /// # Panics
    /// **Panics** if γ is negative or not finite.
    #[must_use]
    #[track_caller]
    pub fn gamma(self, gamma: f64) -> Self {
        require_gamma("SigmoidFocal", gamma);
        Self { gamma, ..self }
    }

    /// The weight of positive targets; that of negative ones is 1 − α.
    ///
    /// # Panics
    /// **Panics** if α is outside \[0, 1\].
    #[must_use]
    #[track_caller]
    pub fn alpha(self, alpha: f64) -> Self {
        let fits = (0.0..=1.0).contains(&alpha);
        assert!(fits, "SigmoidFocal: an alpha of {alpha} is outside [0, 1]");
        Self { alpha: Some(alpha), ..self }
    }

    /// Gives all targets the weight 1.
    #[must_use]
    pub fn without_alpha(self) -> Self {
        Self { alpha: None, ..self }
    }
}

reduction!(SigmoidFocal);
loss!(SigmoidFocal: Tensor<T> => sigmoid_focal);

/// Of a logit and its target. `[negative, positive]` are the weights.
#[derive(Clone, Copy)]
struct OfLogit<T> {
    gamma: T,
    weights: [T; 2],
}

impl<T: Scalar> OfLogit<T> {
    /// `x^γ`
    #[inline(always)]
    fn power(self, x: T) -> T {
        match self.gamma == T::from_f64(2.0) {
            true => x * x,
            false => T::from_f64(x.to_f64().powf(self.gamma.to_f64())),
        }
    }
    #[inline(always)]
    fn weight(self, t: T) -> T {
        let [negative, positive] = self.weights;
        positive * t + negative * (T::ONE - t)
    }
}

impl<T: Scalar> Pointwise<T, 2> for OfLogit<T> {
    const PICOS: usize = 1500;

    #[inline(always)]
    fn value<I: Isa>(self, [z, t]: [T; 2]) -> T {
        let ([no, yes], [p, rest]) = (both_softplus::<T, I>(z), both_sigmoids::<T, I>(z));
        let other = T::ONE - t;
        self.weight(t) * self.power(p * other + rest * t) * (other * no + t * yes)
    }
    /// `a [q^γ (p − t) + BCE · γ q^(γ−1) p (1 − p) (1 − 2t)]`
    #[inline(always)]
    fn derivative<I: Isa>(self, _: usize, [z, t]: [T; 2]) -> T {
        let ([no, yes], [p, rest]) = (both_softplus::<T, I>(z), both_sigmoids::<T, I>(z));
        let other = T::ONE - t;
        let (q, bce) = (p * other + rest * t, other * no + t * yes);
        let power = self.power(q);
        // γ q^(γ−1) p (1 − p): the quotient p (1 − p) / q is at most 1 where q is tiny.
        let steep = if q > T::ZERO { self.gamma * power * (p * rest / q) } else { T::ZERO };
        self.weight(t) * (power * (other * p - t * rest) + bce * steep * (other - t))
    }
}

#[track_caller]
fn sigmoid_focal<'t, 'a, T: Scalar>(
    reduction: Reduction,
    options: &'a SigmoidFocal,
    prediction: Var<'t, T>,
    target: &'a Tensor<T>,
) -> Var<'t, T> {
    let name = "sigmoid_focal";
    require_shape(name, prediction, target.shape());
    require_probabilities(name, target);
    check_logits(name, prediction, Own::Sigmoid);
    let weights = options.alpha.map_or([1.0; 2], |alpha| [1.0 - alpha, alpha]);
    let f = OfLogit { gamma: T::from_f64(options.gamma), weights: weights.map(T::from_f64) };
    let inputs = [prediction, prediction.tape().input(target)];
    pointwise(Elements::new(name, reduction), f, inputs)
}
