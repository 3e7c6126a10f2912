//! [`PoissonNll`]: a predicted rate of events against their number.

use fanin_tensor::simd::Isa;
use fanin_tensor::{Scalar, Tensor};

use super::fit::check_rates;
use super::pointwise::{Elements, Pointwise, pointwise};
use super::require::require_shape;
use super::{Loss, PerSample, Reduction};
use crate::tape::Var;

/// The negative log-likelihood of counts t under Poisson distributions whose rate a network predicts:
///
/// ```text
/// ℓ = e^y − t y                 of the logarithm y of the rate
/// ℓ = y − t ln(y + ε)           of the rate y itself
/// ```
///
/// reduced to its mean over all elements. [`full`](Self::full) adds Stirling's approximation of `ln t!`,
/// `t ln t − t + ½ ln 2πt`, where t is above 1.
///
/// # Shapes
/// Prediction and target of one shape. The loss is a scalar, or of that shape with [`Reduction::None`].
///
/// # Panics
/// **Panics** if the shapes differ.
///
/// # Example
/// ```
/// use fanin_nn::losses::{Loss, PoissonNll};
/// use fanin_nn::{Tape, Tensor};
///
/// let (log_rate, count) = (Tensor::zeros(2), Tensor::from_vec(2, vec![0.0, 3.0]));
/// let l = Tape::new().value(|t| PoissonNll::new().loss(t.input(&log_rate), &count));
/// assert_eq!(l.item(), 1.0);
/// ```
#[doc(alias = "PoissonNLLLoss")]
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PoissonNll {
    log_input: bool,
    full: bool,
    epsilon: f64,
    reduction: Reduction,
}

impl Default for PoissonNll {
    fn default() -> Self {
        Self { log_input: true, full: false, epsilon: 1e-8, reduction: Reduction::Mean }
    }
}

impl PoissonNll {
    /// The mean loss of logarithms of rates.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes rates as predictions instead of their logarithms: `log_input=False` in PyTorch.
    #[must_use]
    #[doc(alias = "log_input")]
    pub fn of_rates(self) -> Self {
        Self { log_input: false, ..self }
    }

    /// Adds Stirling's approximation.
    #[must_use]
    pub fn full(self) -> Self {
        Self { full: true, ..self }
    }

    /// What is added to a rate before its logarithm: 10⁻⁸ by default.
    ///
    /// # Panics
    /// **Panics** if ε is negative or not finite.
    #[must_use]
    #[track_caller]
    #[doc(alias = "eps")]
    pub fn epsilon(self, epsilon: f64) -> Self {
        let fits = epsilon >= 0.0 && epsilon.is_finite();
        assert!(fits, "PoissonNll: an epsilon of {epsilon} is negative or not finite");
        Self { epsilon, ..self }
    }
}

reduction!(PoissonNll);
loss!(PoissonNll: Tensor<T> => poisson_nll);

/// Of a prediction and a count.
#[derive(Clone, Copy)]
struct OfCount<T> {
    log_input: bool,
    full: bool,
    epsilon: T,
}

impl<T: Scalar> Pointwise<T, 2> for OfCount<T> {
    const PICOS: usize = 600;

    #[inline(always)]
    fn value<I: Isa>(self, [y, t]: [T; 2]) -> T {
        let loss = match self.log_input {
            true => y.vexp::<I>() - t * y,
            false => y - t * (y + self.epsilon).vln::<I>(),
        };
        if self.full && t > T::ONE {
            let half_ln = T::from_f64(0.5) * (T::from_f64(std::f64::consts::TAU) * t).vln::<I>();
            loss + (t * t.vln::<I>() - t + half_ln)
        } else {
            loss
        }
    }
    #[inline(always)]
    fn derivative<I: Isa>(self, _: usize, [y, t]: [T; 2]) -> T {
        match self.log_input {
            true => y.vexp::<I>() - t,
            false => T::ONE - t / (y + self.epsilon),
        }
    }
}

#[track_caller]
fn poisson_nll<'t, 'a, T: Scalar>(
    reduction: Reduction,
    options: &'a PoissonNll,
    prediction: Var<'t, T>,
    target: &'a Tensor<T>,
) -> Var<'t, T> {
    let &PoissonNll { log_input, full, epsilon, .. } = options;
    require_shape("poisson_nll", prediction, target.shape());
    check_rates("poisson_nll", prediction, log_input);
    let f = OfCount { log_input, full, epsilon: T::from_f64(epsilon) };
    let inputs = [prediction, prediction.tape().input(target)];
    pointwise(Elements::new("poisson_nll", reduction), f, inputs)
}
