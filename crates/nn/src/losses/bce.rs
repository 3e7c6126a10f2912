//! [`Bce`]: probabilities against yes or no.

use fanin_tensor::simd::Isa;
use fanin_tensor::{Scalar, Tensor};

use super::pointwise::{Elements, Pointwise, pointwise};
use super::require::{
    bad_element, require_columns, require_probabilities, require_shape, require_weights,
};
use super::{Loss, PerSample, Reduction};
use crate::tape::Var;

/// The binary cross-entropy of probabilities:
///
/// ```text
/// ℓ = −w [t ln p + (1 − t) ln(1 − p)]
/// ```
///
/// reduced to its mean over all elements. As in PyTorch, a logarithm is at least −100, so that a loss is
/// finite, and the mean is divided by the number of elements, whatever the weights w are.
///
/// A network for yes or no is better trained by [`BceWithLogits`](super::BceWithLogits), without a sigmoid
/// at its end: beyond ±17 the probability of an `f32` is 0 or 1, and this loss has lost its gradient.
///
/// # Shapes
/// Prediction and target of one shape. The loss is a scalar, or of that shape with [`Reduction::None`].
///
/// # Panics
/// **Panics** if the shapes differ, or a prediction or a target is outside \[0, 1\]. A prediction of NaN
/// gives a loss of NaN.
///
/// # Example
/// ```
/// use fanin_nn::losses::{Bce, Loss};
/// use fanin_nn::{Tape, Tensor};
///
/// let (p, target) = (Tensor::from_vec(2, vec![0.5, 0.0]), Tensor::from_vec(2, vec![1.0, 0.0]));
/// let l = Tape::new().value(|t| Bce::new().loss(t.input(&p), &target));
/// assert!((l.item() - 2f32.ln() / 2.0).abs() < 1e-6);
/// ```
#[doc(alias = "BCELoss")]
#[doc(alias = "binary_cross_entropy")]
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bce {
    weights: Option<Vec<f64>>,
    reduction: Reduction,
}

impl Bce {
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
        require_weights("Bce", "class weight", weights);
        Self { weights: Some(weights.to_vec()), ..self }
    }
}

reduction!(Bce);
loss!(Bce: Tensor<T> => bce);

/// Of a probability, its target and the weight.
#[derive(Clone, Copy)]
struct OfProbability;

impl<T: Scalar> Pointwise<T, 3> for OfProbability {
    const PICOS: usize = 700;

    #[inline(always)]
    fn value<I: Isa>(self, [p, t, w]: [T; 3]) -> T {
        let least = T::from_f64(-100.0);
        let at_least = |ln: T| if ln < least { least } else { ln };
        let (yes, no) = (at_least(p.vln::<I>()), at_least((-p).vln_1p::<I>()));
        w * ((t - T::ONE) * no - t * yes)
    }
    #[inline(always)]
    fn derivative<I: Isa>(self, _: usize, [p, t, w]: [T; 3]) -> T {
        // PyTorch's bound, which makes the derivative ±10¹² where the prediction is surely wrong.
        let (variance, least) = ((T::ONE - p) * p, T::from_f64(1e-12));
        w * (p - t) / if variance < least { least } else { variance }
    }
}

once! {
    #[track_caller]
    fn bce<'t, 'a, T: Scalar>(
        reduction: Reduction,
        options: &'a Bce,
        prediction: Var<'t, T>,
        target: &'a Tensor<T>,
    ) -> Var<'t, T> {
        require_shape("bce", prediction, target.shape());
        let outside = |p: &T| *p < T::ZERO || *p > T::ONE;
        let tape = prediction.tape();
        let at = tape.with_value(prediction.node(), |p| p.as_slice().iter().position(outside));
        if let Some(at) = at {
            let why = "is outside [0, 1]; end the network with a sigmoid, or use BceWithLogits";
            bad_element("bce", "the prediction", &prediction.value(), at, why);
        }
        require_probabilities("bce", target);
        let weights = options.weights.as_deref().unwrap_or(&[1.0]);
        require_columns("bce", prediction, weights);
        let loss = Elements { columns: &[weights], ..Elements::new("bce", reduction) };
        pointwise(loss, OfProbability, [prediction, tape.input(target)])
    }
}
