//! [`KlDiv`]: log-probabilities against probabilities.

use fanin_tensor::simd::Isa;
use fanin_tensor::{Scalar, Tensor};

use super::fit::check_log_probabilities;
use super::pointwise::{Elements, Pointwise, pointwise};
use super::require::require_shape;
use super::{Loss, PerSample, Reduction};
use crate::tape::Var;

/// The Kullback-Leibler divergence of predicted log-probabilities y from the target's probabilities t,
/// element by element:
///
/// ```text
/// ℓ = t (ln t − y)               0 − t y where t = 0
/// ℓ = e^t (t − y)                with targets that are logarithms
/// ```
///
/// The divergence of a row is the sum of its elements. Its mean over the batch is
/// [`Reduction::BatchMean`]; the default is PyTorch's, the mean over all elements, which is smaller by the
/// number of classes.
///
/// # Shapes
/// Prediction and target of one shape. The loss is a scalar, or of that shape with [`Reduction::None`].
///
/// # Panics
/// **Panics** if the shapes differ.
///
/// # Example
/// ```
/// use fanin_nn::losses::{KlDiv, Loss, Reduction};
/// use fanin_nn::{Tape, Tensor};
///
/// let (logits, target) = (Tensor::zeros([1, 2]), Tensor::from_vec([1, 2], vec![0.0, 1.0]));
/// let loss = KlDiv::new().reduction(Reduction::BatchMean);
/// let l = Tape::new().value(|t| loss.loss(t.input(&logits).log_softmax(), &target));
/// assert!((l.item() - 2f32.ln()).abs() < 1e-6);
/// ```
///
/// # Reference
/// Kullback and Leibler 1951, "On Information and Sufficiency", eq. 2.2.
#[doc(alias = "KLDivLoss")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KlDiv {
    log_target: bool,
    reduction: Reduction,
}

impl KlDiv {
    /// The mean over all elements, with probabilities as targets.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes logarithms of probabilities as targets.
    #[must_use]
    pub fn log_target(self) -> Self {
        Self { log_target: true, ..self }
    }
}

reduction!(KlDiv);
loss!(KlDiv: Tensor<T> => kl_div);

/// Of a log-probability and its target.
#[derive(Clone, Copy)]
struct Divergence {
    log_target: bool,
}

impl<T: Scalar> Pointwise<T, 2> for Divergence {
    const PICOS: usize = 400;

    #[inline(always)]
    fn value<I: Isa>(self, [y, t]: [T; 2]) -> T {
        if self.log_target {
            t.vexp::<I>() * (t - y)
        } else if t == T::ZERO {
            -(t * y)
        } else {
            t * (t.vln::<I>() - y)
        }
    }
    #[inline(always)]
    fn derivative<I: Isa>(self, _: usize, [_, t]: [T; 2]) -> T {
        if self.log_target { -t.vexp::<I>() } else { -t }
    }
}

#[track_caller]
fn kl_div<'t, 'a, T: Scalar>(
    reduction: Reduction,
    options: &'a KlDiv,
    prediction: Var<'t, T>,
    target: &'a Tensor<T>,
) -> Var<'t, T> {
    require_shape("kl_div", prediction, target.shape());
    check_log_probabilities("kl_div", prediction);
    let f = Divergence { log_target: options.log_target };
    let inputs = [prediction, prediction.tape().input(target)];
    pointwise(Elements::new("kl_div", reduction), f, inputs)
}
