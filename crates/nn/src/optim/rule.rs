//! [`Rule`]: how one parameter is changed by its gradient.

use std::fmt;

use fanin_tensor::{Scalar, Tensor};

use crate::param::Param;

/// How an optimizer changes one parameter: all that a new optimizer has to write.
///
/// A rule is a struct of options. [`RuleOptimizer`](super::RuleOptimizer) makes an optimizer of it.
///
/// # Example
/// Lion (Chen et al. 2023, algorithm 2): `p ← p − lr · sign(β₁ m + (1 − β₁) g)`.
/// ```
/// use fanin_nn::optim::{Rule, RuleOptimizer, Step};
/// use fanin_nn::tensor::map::update;
/// use fanin_nn::{Linear, Module, Optimizer, Scalar, Tape, Tensor};
///
/// #[derive(Clone, Debug)]
/// struct Lion {
///     beta1: f64,
///     beta2: f64,
/// }
///
/// impl Rule for Lion {
///     const NAME: &'static str = "Lion";
///
///     fn slots(&self) -> &'static [&'static str] {
///         &["m"]
///     }
///
///     fn apply<T: Scalar>(&self, step: Step, p: &mut [T], g: &[T], slots: &mut [Tensor<T>]) {
///         let [m] = slots else { unreachable!("there is one slot") };
///         let [lr, b1, b2] = [step.lr, self.beta1, self.beta2].map(T::from_f64);
///         update([p, m.as_mut_slice()], [g], move |[p, m], [g]| {
///             let c = b1 * m + (T::ONE - b1) * g;
///             let sign = if c > T::ZERO { T::ONE } else if c < T::ZERO { -T::ONE } else { T::ZERO };
///             [p - lr * sign, b2 * m + (T::ONE - b2) * g]
///         });
///     }
/// }
///
/// let mut lion = RuleOptimizer::of(Lion { beta1: 0.9, beta2: 0.99 }, 1e-2);
/// let (mut model, x, mut tape) = (Linear::new(3, 1), Tensor::ones([4, 3]), Tape::new());
/// for _ in 0..200 {
///     let (_, grads) = tape.value_and_grad(|t| model.forward(t.input(&x)).square().mean());
///     lion.step(&mut model, grads);
/// }
/// assert!(model.predict(&x).as_slice()[0].abs() < 0.1);
/// ```
pub trait Rule: Clone + fmt::Debug + Send + 'static {
    /// The optimizer's name, for messages and files.
    const NAME: &'static str;

    /// The names of the tensors that are remembered of each parameter. They begin as zeros of the
    /// parameter's shape, or as [`slot`](Self::slot) says.
    fn slots(&self) -> &'static [&'static str];

    /// What a slot is before the parameter's first step. `lr` is the rate of that step, with the
    /// parameter's scale.
    ///
    /// The default is zeros of the parameter's shape. A rule that wants another start, or another
    /// shape, writes this method; its [`apply`](Self::apply) may read the shape from the slot.
    fn slot<T: Scalar>(&self, name: &str, param: &Param<T>, lr: f64) -> Tensor<T> {
        let _ = (name, lr);
        Tensor::zeros(param.value().shape())
    }

    /// Changes a parameter `p` with gradient `g`, and its slots. They have the same length, unless
    /// [`slot`](Self::slot) says otherwise.
    fn apply<T: Scalar>(&self, step: Step, p: &mut [T], g: &[T], slots: &mut [Tensor<T>]);

    /// Panics about options that do not go together; called before each step.
    #[track_caller]
    fn check(&self) {}
}

/// Where a parameter is in its training.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// The learning rate, with the parameter's scale.
    pub lr: f64,
    /// The factor of the rule's weight decay for this parameter:
    /// [`Param::decay_scale`](crate::Param::decay_scale).
    pub decay_scale: f64,
    /// The number of this step among those of the parameter, from 1.
    pub number: u64,
}

impl Step {
    /// `1 − βᵗ` for the number t of this step, by which a running mean that began at 0 is divided.
    ///
    /// It keeps its digits for a β near 1, and for any number of steps.
    ///
    /// # Example
    /// ```
    /// use fanin_nn::optim::Step;
    ///
    /// let step = |number| Step { lr: 0.1, decay_scale: 1.0, number };
    /// assert!((step(1).bias_correction(0.75) - 0.25).abs() < 1e-15);
    /// assert_eq!(step(u64::MAX).bias_correction(0.999), 1.0);
    /// ```
    ///
    /// # Reference
    /// Kingma and Ba 2014, section 3.
    pub fn bias_correction(&self, beta: f64) -> f64 {
        -(self.number as f64 * beta.ln()).exp_m1()
    }
}

/// The size below which a rule that squares gradients takes one for 0. `fresh · g²` is a normal number
/// above it, for a `fresh` of at least 6e-5. It is `2⁻⁵⁶` or 1.4e-17 for `f32`.
///
/// A moment that is subnormal in every step would make every step slow. With the usual ε the steps of such
/// gradients are below any rounding error.
pub(super) fn square_limit<T: Scalar>() -> T {
    (T::MIN_POSITIVE * T::from_f64(16_384.0)).sqrt()
}

/// `g + decay · p`, and g itself without decay: 0 · ∞ would be NaN where p has become infinite.
#[inline(always)]
pub(super) fn decayed<T: Scalar>(g: T, decay: T, p: T) -> T {
    if decay == T::ZERO { g } else { g + decay * p }
}

/// The running mean `old · m + fresh · g`, for an `old` and a `fresh` that add up to 1.
///
/// The smaller of the two weights multiplies a difference, so that the larger summand keeps its digits.
#[inline(always)]
pub(super) fn mean<T: Scalar>(m: T, g: T, old: T, fresh: T) -> T {
    if old > fresh { m + fresh * (g - m) } else { g + old * (m - g) }
}

/// The larger number. A NaN wins.
#[inline(always)]
pub(super) fn larger<T: Scalar>(a: T, b: T) -> T {
    if a > b || a.is_nan() { a } else { b }
}

/// −1, 0 or 1; 0 for a NaN.
#[inline(always)]
pub(super) fn sign<T: Scalar>(x: T) -> T {
    if x > T::ZERO {
        T::ONE
    } else if x < T::ZERO {
        -T::ONE
    } else {
        T::ZERO
    }
}
