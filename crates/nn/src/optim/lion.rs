//! [`Lion`]: steps of one size, in the direction of a sign.

use fanin_tensor::map::update;
use fanin_tensor::{Scalar, Tensor};

use super::rule::{mean, sign};
use super::{Rule, RuleOptimizer, Step, betas, require};

/// Lion, with decoupled weight decay:
///
/// ```text
/// c = β₁ m + (1 − β₁) g
/// p ← p − lr · (sign(c) + decay · p)
/// m ← β₂ m + (1 − β₂) g
/// ```
///
/// Every element moves by the whole rate, so the rate is three to ten times smaller than Adam's, and the
/// weight decay as much larger.
///
/// # Example
/// ```
/// use fanin_nn::optim::Lion;
/// let lion = Lion::new(1e-4).weight_decay(0.1);
/// ```
///
/// # Reference
/// Chen et al. 2023, algorithm 2.
pub type Lion = RuleOptimizer<LionRule>;

/// The rule of [`Lion`].
#[derive(Clone, Debug)]
pub struct LionRule {
    beta1: f64,
    beta2: f64,
    weight_decay: f64,
}

impl Rule for LionRule {
    const NAME: &'static str = "Lion";

    fn slots(&self) -> &'static [&'static str] {
        &["m"]
    }

    fn apply<T: Scalar>(&self, step: Step, p: &mut [T], g: &[T], slots: &mut [Tensor<T>]) {
        lion(self, step, p, g, slots);
    }
}

fn lion<'a, T: Scalar>(
    rule: &'a LionRule,
    step: Step,
    p: &'a mut [T],
    g: &'a [T],
    slots: &'a mut [Tensor<T>],
) {
    let [m] = slots else { unreachable!("there is one slot") };
    let shrink = 1.0 - step.lr * rule.weight_decay * step.decay_scale;
    let [lr, shrink, beta1, fresh1, beta2, fresh2] =
        [step.lr, shrink, rule.beta1, 1.0 - rule.beta1, rule.beta2, 1.0 - rule.beta2]
            .map(T::from_f64);
    update([p, m.as_mut_slice()], [g], move |[p, m], [g]| {
        let c = mean(m, g, beta1, fresh1);
        // A NaN must not look like a step.
        let direction = if c.is_nan() { c } else { sign(c) };
        [p * shrink - lr * direction, mean(m, g, beta2, fresh2)]
    });
}

impl Lion {
    /// With a learning rate per step (1e-4 is the paper's), β₁ = 0.9, β₂ = 0.99.
    ///
    /// # Panics
    /// **Panics** if the rate is negative or not finite.
    #[track_caller]
    pub fn new(lr: f64) -> Self {
        Self::of(LionRule { beta1: 0.9, beta2: 0.99, weight_decay: 0.0 }, lr)
    }

    /// β₁ and β₂, each in \[0, 1).
    ///
    /// # Panics
    /// **Panics** outside that range.
    #[must_use]
    #[track_caller]
    pub fn betas(mut self, beta1: f64, beta2: f64) -> Self {
        (self.rule.beta1, self.rule.beta2) = betas("Lion", beta1, beta2);
        self
    }

    options! { "Lion":
        /// The decoupled weight decay.
        weight_decay in 0.0..f64::INFINITY;
    }
}
