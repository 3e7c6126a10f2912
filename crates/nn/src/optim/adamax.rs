//! [`Adamax`]: Adam with the largest gradient of late in place of a root mean square.

use fanin_tensor::map::update;
use fanin_tensor::{Scalar, Tensor};

use super::rule::{decayed, larger, mean};
use super::{Rule, RuleOptimizer, Step, betas, require};

/// Adamax, as PyTorch has it; t is the number of the parameter's step, from 1:
///
/// ```text
/// g ← g + decay · p
/// m ← β₁ m + (1 − β₁) g
/// u ← max(β₂ u, |g| + ε)
/// p ← p − lr / (1 − β₁ᵗ) · m / u
/// ```
///
/// # Example
/// ```
/// use fanin_nn::optim::Adamax;
/// let adamax = Adamax::new(2e-3).betas(0.9, 0.99);
/// ```
///
/// # Reference
/// Kingma and Ba 2014, algorithm 2.
pub type Adamax = RuleOptimizer<AdamaxRule>;

/// The rule of [`Adamax`].
#[derive(Clone, Debug)]
pub struct AdamaxRule {
    beta1: f64,
    beta2: f64,
    epsilon: f64,
    weight_decay: f64,
}

impl Rule for AdamaxRule {
    const NAME: &'static str = "Adamax";

    fn slots(&self) -> &'static [&'static str] {
        &["m", "u"]
    }

    fn apply<T: Scalar>(&self, step: Step, p: &mut [T], g: &[T], slots: &mut [Tensor<T>]) {
        adamax(self, step, p, g, slots);
    }
}

fn adamax<'a, T: Scalar>(
    rule: &'a AdamaxRule,
    step: Step,
    p: &'a mut [T],
    g: &'a [T],
    slots: &'a mut [Tensor<T>],
) {
    let [m, u] = slots else { unreachable!("there are two slots") };
    let rate = step.lr / step.bias_correction(rule.beta1);
    let weight_decay = rule.weight_decay * step.decay_scale;
    let [rate, beta1, fresh1, beta2, epsilon, decay] =
        [rate, rule.beta1, 1.0 - rule.beta1, rule.beta2, rule.epsilon, weight_decay]
            .map(T::from_f64);
    update([p, m.as_mut_slice(), u.as_mut_slice()], [g], move |[p, m, u], [g]| {
        let g = decayed(g, decay, p);
        let m = mean(m, g, beta1, fresh1);
        let u = larger(g.abs() + epsilon, beta2 * u);
        [p - rate * m / u, m, u]
    });
}

impl Adamax {
    /// With a learning rate per step (2e-3 is usual), β₁ = 0.9, β₂ = 0.999, ε = 1e-8.
    ///
    /// # Panics
    /// **Panics** if the rate is negative or not finite.
    #[track_caller]
    pub fn new(lr: f64) -> Self {
        Self::of(AdamaxRule { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.0 }, lr)
    }

    /// β₁ and β₂, each in \[0, 1).
    ///
    /// # Panics
    /// **Panics** outside that range.
    #[must_use]
    #[track_caller]
    pub fn betas(mut self, beta1: f64, beta2: f64) -> Self {
        (self.rule.beta1, self.rule.beta2) = betas("Adamax", beta1, beta2);
        self
    }

    options! { "Adamax":
        /// ε, which keeps the quotient finite.
        epsilon in 0.0..f64::INFINITY;
        /// Adds `decay · p` to the gradient of `p`.
        weight_decay in 0.0..f64::INFINITY;
    }
}
