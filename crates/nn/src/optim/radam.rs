//! [`RAdam`]: Adam that is plain momentum until its second moments can be trusted.

use fanin_tensor::map::update;
use fanin_tensor::{Scalar, Tensor};

use super::rule::{decayed, mean, square_limit};
use super::{Rule, RuleOptimizer, Step, betas, require};

/// RAdam, as PyTorch has it; t is the number of the parameter's step, from 1:
///
/// ```text
/// g ← g + decay · p                     (decoupled: p ← p − lr · decay · p)
/// m ← β₁ m + (1 − β₁) g
/// v ← β₂ v + (1 − β₂) g²
/// ρ∞ = 2 / (1 − β₂) − 1,   ρ = ρ∞ − 2 t β₂ᵗ / (1 − β₂ᵗ)
/// r = √( (ρ − 4)(ρ − 2) ρ∞ / ((ρ∞ − 4)(ρ∞ − 2) ρ) )
/// p ← p − lr · m / (1 − β₁ᵗ) · r √(1 − β₂ᵗ) / (√v + ε)       where ρ > 5
/// p ← p − lr · m / (1 − β₁ᵗ)                                   elsewhere
/// ```
///
/// A gradient below 1.4e-17 (for `f32`) counts as 0, because its square would be subnormal.
///
/// # Example
/// ```
/// use fanin_nn::optim::RAdam;
/// let radam = RAdam::new(1e-3).weight_decay(0.01).decoupled();
/// ```
///
/// # Reference
/// Liu et al. 2019, algorithm 2.
pub type RAdam = RuleOptimizer<RAdamRule>;

/// The rule of [`RAdam`].
#[derive(Clone, Debug)]
pub struct RAdamRule {
    beta1: f64,
    beta2: f64,
    epsilon: f64,
    weight_decay: f64,
    decoupled: bool,
}

impl RAdamRule {
    /// The factor r, or none as long as the variance of the second moment is too large.
    fn rectification(&self, step: Step) -> Option<f64> {
        let correction = step.bias_correction(self.beta2);
        let longest = 2.0 / (1.0 - self.beta2) - 1.0;
        let length = longest - 2.0 * step.number as f64 * (1.0 - correction) / correction;
        let shares = [(length - 4.0) / (longest - 4.0), (length - 2.0) / (longest - 2.0)];
        (length > 5.0).then(|| (shares[0] * shares[1] * longest / length).sqrt())
    }
}

impl Rule for RAdamRule {
    const NAME: &'static str = "RAdam";

    fn slots(&self) -> &'static [&'static str] {
        &["m", "v"]
    }

    fn apply<T: Scalar>(&self, step: Step, p: &mut [T], g: &[T], slots: &mut [Tensor<T>]) {
        radam(self, step, p, g, slots);
    }
}

fn radam<'a, T: Scalar>(
    rule: &'a RAdamRule,
    step: Step,
    p: &'a mut [T],
    g: &'a [T],
    slots: &'a mut [Tensor<T>],
) {
    let [m, v] = slots else { unreachable!("there are two slots") };
    let weight_decay = rule.weight_decay * step.decay_scale;
    let (shrink, decay) =
        if rule.decoupled { (1.0 - step.lr * weight_decay, 0.0) } else { (1.0, weight_decay) };
    let rate = step.lr / step.bias_correction(rule.beta1);
    let rectification = rule.rectification(step);
    let adaptive = rectification.map(|r| r * step.bias_correction(rule.beta2).sqrt());
    let tiny = square_limit();
    let [beta1, fresh1, beta2, fresh2, rate, epsilon, shrink, decay] = [
        rule.beta1,
        1.0 - rule.beta1,
        rule.beta2,
        1.0 - rule.beta2,
        rate * adaptive.unwrap_or(1.0),
        rule.epsilon,
        shrink,
        decay,
    ]
    .map(T::from_f64);
    let moments = move |p, m: T, v: T, g| {
        let g = decayed(g, decay, p).zero_below(tiny);
        (mean(m, g, beta1, fresh1), beta2 * v + fresh2 * g * g)
    };
    let all = [p, m.as_mut_slice(), v.as_mut_slice()];
    if adaptive.is_some() {
        update(all, [g], move |[p, m, v], [g]| {
            let p = p * shrink;
            let (m, v) = moments(p, m, v, g);
            [p - rate * m / (v.sqrt() + epsilon), m, v]
        });
    } else {
        update(all, [g], move |[p, m, v], [g]| {
            let p = p * shrink;
            let (m, v) = moments(p, m, v, g);
            [p - rate * m, m, v]
        });
    }
}

impl RAdam {
    /// With a learning rate per step (1e-3 is usual), β₁ = 0.9, β₂ = 0.999, ε = 1e-8.
    ///
    /// # Panics
    /// **Panics** if the rate is negative or not finite.
    #[track_caller]
    pub fn new(lr: f64) -> Self {
        let (beta1, beta2, epsilon) = (0.9, 0.999, 1e-8);
        Self::of(RAdamRule { beta1, beta2, epsilon, weight_decay: 0.0, decoupled: false }, lr)
    }

    /// β₁ and β₂, each in \[0, 1).
    ///
    /// # Panics
    /// **Panics** outside that range.
    #[must_use]
    #[track_caller]
    pub fn betas(mut self, beta1: f64, beta2: f64) -> Self {
        (self.rule.beta1, self.rule.beta2) = betas("RAdam", beta1, beta2);
        self
    }

    options! { "RAdam":
        /// ε, which keeps the quotient finite.
        epsilon in 0.0..f64::INFINITY;
        /// The weight decay: added to the gradient, or [`decoupled`](Self::decoupled) from it.
        weight_decay in 0.0..f64::INFINITY;
    }

    /// Shrinks the parameters before the step, as [`AdamW`](super::AdamW) does, in place of the decay in
    /// the gradient.
    #[doc(alias = "decoupled_weight_decay")]
    #[must_use]
    pub fn decoupled(mut self) -> Self {
        self.rule.decoupled = true;
        self
    }
}
