//! [`Adagrad`]: steps divided by the root of all squared gradients so far.

use fanin_tensor::map::update;
use fanin_tensor::{Scalar, Tensor};

use super::rule::{decayed, square_limit};
use super::{Rule, RuleOptimizer, Step, require};
use crate::param::Param;

/// Adagrad, as PyTorch has it; t is the number of the parameter's step, from 1:
///
/// ```text
/// g ← g + decay · p
/// s ← s + g²                            (s = the initial accumulator at first)
/// p ← p − lr / (1 + (t − 1) · lr_decay) · g / (√s + ε)
/// ```
///
/// A gradient below 1.4e-17 (for `f32`) counts as 0, because its square would be subnormal.
///
/// # Example
/// ```
/// use fanin_nn::optim::Adagrad;
/// let adagrad = Adagrad::new(1e-2).lr_decay(1e-3).initial_accumulator(0.1);
/// ```
///
/// # Reference
/// Duchi, Hazan and Singer 2011, figure 1.
pub type Adagrad = RuleOptimizer<AdagradRule>;

/// The rule of [`Adagrad`].
#[derive(Clone, Debug)]
pub struct AdagradRule {
    lr_decay: f64,
    initial_accumulator: f64,
    epsilon: f64,
    weight_decay: f64,
}

impl Rule for AdagradRule {
    const NAME: &'static str = "Adagrad";

    fn slots(&self) -> &'static [&'static str] {
        &["sum"]
    }

    fn slot<T: Scalar>(&self, _: &str, param: &Param<T>, _: f64) -> Tensor<T> {
        Tensor::full(param.value().shape(), T::from_f64(self.initial_accumulator))
    }

    fn apply<T: Scalar>(&self, step: Step, p: &mut [T], g: &[T], slots: &mut [Tensor<T>]) {
        adagrad(self, step, p, g, slots);
    }
}

fn adagrad<'a, T: Scalar>(
    rule: &'a AdagradRule,
    step: Step,
    p: &'a mut [T],
    g: &'a [T],
    slots: &'a mut [Tensor<T>],
) {
    let [sum] = slots else { unreachable!("there is one slot") };
    let rate = step.lr / (1.0 + (step.number - 1) as f64 * rule.lr_decay);
    let [rate, epsilon, decay] =
        [rate, rule.epsilon, rule.weight_decay * step.decay_scale].map(T::from_f64);
    let tiny = square_limit();
    update([p, sum.as_mut_slice()], [g], move |[p, sum], [g]| {
        let g = decayed(g, decay, p).zero_below(tiny);
        let sum = sum + g * g;
        [p - rate * g / (sum.sqrt() + epsilon), sum]
    });
}

impl Adagrad {
    /// With a learning rate per step (1e-2 is PyTorch's default), ε = 1e-10.
    ///
    /// # Panics
    /// **Panics** if the rate is negative or not finite.
    #[track_caller]
    pub fn new(lr: f64) -> Self {
        let rule = AdagradRule {
            lr_decay: 0.0,
            initial_accumulator: 0.0,
            epsilon: 1e-10,
            weight_decay: 0.0,
        };
        Self::of(rule, lr)
    }

    options! { "Adagrad":
        /// How fast the learning rate decays with the number of steps.
        lr_decay in 0.0..f64::INFINITY;
        /// What the sum of squares is before the first step.
        #[doc(alias = "initial_accumulator_value")]
        initial_accumulator in 0.0..f64::INFINITY;
        /// ε, which keeps the quotient finite.
        epsilon in 0.0..f64::INFINITY;
        /// Adds `decay · p` to the gradient of `p`.
        weight_decay in 0.0..f64::INFINITY;
    }
}
