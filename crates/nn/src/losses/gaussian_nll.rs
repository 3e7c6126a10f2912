//! [`GaussianNll`]: a predicted mean and variance.

use fanin_tensor::simd::Isa;
use fanin_tensor::{Scalar, Tensor};

use super::Reduction;
use super::pointwise::{Elements, Pointwise, pointwise};
use super::require::{bad_element, require_fit};
use crate::ops::bad_shapes;
use crate::tape::Var;

/// The negative log-likelihood of targets t under normal distributions whose mean y and variance v a network
/// predicts:
///
/// ```text
/// ℓ = ½ (ln v + (y − t)² / v)          v at least ε
/// ```
///
/// reduced to its mean over all elements. Mean and variance get a gradient. As in PyTorch a variance below ε
/// counts as ε, and has the gradient of one that is ε. [`full`](Self::full) adds `½ ln 2π`.
///
/// A variance must not be negative: let the network predict it through a softplus or an exponential.
///
/// # Shapes
/// Mean and target of one shape. The variance has that shape; or its last axis has length 1 or is missing,
/// and one variance is for a row. The loss is a scalar, or of the mean's shape with [`Reduction::None`].
///
/// # Example
/// ```
/// use fanin_nn::losses::GaussianNll;
/// use fanin_nn::{Tape, Tensor};
///
/// let (mean, variance) = (Tensor::zeros([2, 1]), Tensor::from_vec([2, 1], vec![1.0, 4.0]));
/// let target = Tensor::ones([2, 1]);
/// let l = Tape::new()
///     .value(|t| GaussianNll::new().loss(t.input(&mean), t.input(&variance), &target));
/// assert!((l.item() - (0.5 + 0.5 * (4f32.ln() + 0.25)) / 2.0).abs() < 1e-6);
/// ```
///
/// # Reference
/// Nix and Weigend 1994, "Estimating the mean and variance of the target probability distribution", eq. 5.
#[doc(alias = "GaussianNLLLoss")]
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GaussianNll {
    full: bool,
    epsilon: f64,
    reduction: Reduction,
}

impl Default for GaussianNll {
    fn default() -> Self {
        Self { full: false, epsilon: 1e-6, reduction: Reduction::Mean }
    }
}

impl GaussianNll {
    /// The mean loss without its constant, with ε = 10⁻⁶.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the constant `½ ln 2π`.
    #[must_use]
    pub fn full(self) -> Self {
        Self { full: true, ..self }
    }

    /// The least variance.
    ///
    /// # Panics
    /// **Panics** if ε is not positive and finite.
    #[must_use]
    #[track_caller]
    #[doc(alias = "eps")]
    pub fn epsilon(self, epsilon: f64) -> Self {
        let fits = epsilon > 0.0 && epsilon.is_finite();
        assert!(fits, "GaussianNll: an epsilon of {epsilon} is not positive");
        Self { epsilon, ..self }
    }

    /// The loss of predicted means and variances.
    ///
    /// # Panics
    /// **Panics** if the shapes do not fit, or a variance is negative.
    #[track_caller]
    pub fn loss<'t, T: Scalar>(
        &self,
        mean: Var<'t, T>,
        variance: Var<'t, T>,
        target: &Tensor<T>,
    ) -> Var<'t, T> {
        gaussian_nll(self, mean, variance, target)
    }
}

reduction!(GaussianNll);

/// Of mean, variance and target.
#[derive(Clone, Copy)]
struct OfNormal<T> {
    least: T,
    constant: T,
}

impl<T: Scalar> Pointwise<T, 3> for OfNormal<T> {
    const PICOS: usize = 400;

    #[inline(always)]
    fn value<I: Isa>(self, [y, v, t]: [T; 3]) -> T {
        let (v, d) = (if v < self.least { self.least } else { v }, y - t);
        T::from_f64(0.5) * (v.vln::<I>() + d * d / v) + self.constant
    }
    #[inline(always)]
    fn derivative<I: Isa>(self, i: usize, [y, v, t]: [T; 3]) -> T {
        let (v, d) = (if v < self.least { self.least } else { v }, y - t);
        let scaled = d / v;
        if i == 0 { scaled } else { T::from_f64(0.5) * (T::ONE / v - scaled * scaled) }
    }
}

#[track_caller]
fn gaussian_nll<'t, 'a, T: Scalar>(
    options: &'a GaussianNll,
    mean: Var<'t, T>,
    variance: Var<'t, T>,
    target: &'a Tensor<T>,
) -> Var<'t, T> {
    let (name, tape) = ("gaussian_nll", mean.tape());
    let given = tape.input(target);
    require_fit(name, mean, given);
    let (shape, of_variance) = (mean.shape(), variance.shape());
    let negative = |v: &T| *v < T::ZERO;
    let at = tape.with_value(variance.node(), |v| v.as_slice().iter().position(negative));
    if let Some(at) = at {
        let why = "is negative; let the network predict it through a softplus";
        bad_element(name, "the variance", &variance.value(), at, why);
    }
    let variance = if shape == of_variance {
        variance
    } else {
        let (rows, last) = shape.split_at(shape.len().saturating_sub(1));
        let fits = match of_variance.split_last() {
            _ if last.is_empty() => false,
            _ if *of_variance == *rows => true,
            Some((1, before)) => before == rows,
            _ => false,
        };
        if !fits {
            let why = "the variance must have the mean's shape, or one number for a row";
            bad_shapes(name, &shape, &of_variance, why);
        }
        // A number for each row.
        let rows: usize = rows.iter().product();
        let wide = variance.reshape([rows, 1]).expand(&[rows, last[0]]);
        wide.reshape(&shape)
    };
    let constant = if options.full { 0.5 * std::f64::consts::TAU.ln() } else { 0.0 };
    let f = OfNormal { least: T::from_f64(options.epsilon), constant: T::from_f64(constant) };
    let loss = Elements { differentiable: 2, ..Elements::new(name, options.reduction) };
    pointwise(loss, f, [mean, variance, given])
}
