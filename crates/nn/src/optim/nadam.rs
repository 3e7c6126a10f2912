//! [`NAdam`]: Adam that looks ahead by one momentum, as Nesterov does.

use fanin_tensor::map::update;
use fanin_tensor::{Scalar, Tensor, subnormal};

use super::rule::{decayed, mean, square_limit};
use super::{Rule, RuleOptimizer, Step, betas, require};
use crate::param::Param;

/// NAdam, as PyTorch has it; t is the number of the parameter's step, from 1, and ψ the momentum decay:
///
/// ```text
/// μₜ = β₁ (1 − 0.96^(t ψ) / 2)
/// g ← g + decay · p                     (decoupled: p ← p − lr · decay · p)
/// m ← β₁ m + (1 − β₁) g
/// v ← β₂ v + (1 − β₂) g²
/// m̂ = μₜ₊₁ m / (1 − μ₁ … μₜ₊₁) + (1 − μₜ) g / (1 − μ₁ … μₜ)
/// p ← p − lr · m̂ / (√(v / (1 − β₂ᵗ)) + ε)
/// ```
///
/// A gradient below 1.4e-17 (for `f32`) counts as 0, because its square would be subnormal.
///
/// # Example
/// ```
/// use fanin_nn::optim::NAdam;
/// let nadam = NAdam::new(2e-3).weight_decay(0.01).decoupled();
/// ```
///
/// # Reference
/// Dozat 2016, algorithm 2.
pub type NAdam = RuleOptimizer<NAdamRule>;

/// The rule of [`NAdam`].
#[derive(Clone, Debug)]
pub struct NAdamRule {
    beta1: f64,
    beta2: f64,
    epsilon: f64,
    weight_decay: f64,
    momentum_decay: f64,
    decoupled: bool,
}

impl Rule for NAdamRule {
    const NAME: &'static str = "NAdam";

    fn slots(&self) -> &'static [&'static str] {
        &["m", "v", "mu_product"]
    }

    fn slot<T: Scalar>(&self, name: &str, param: &Param<T>, _: f64) -> Tensor<T> {
        match name {
            // One number: the product of the μ so far.
            "mu_product" => Tensor::ones(1),
            _ => Tensor::zeros(param.value().shape()),
        }
    }

    fn apply<T: Scalar>(&self, step: Step, p: &mut [T], g: &[T], slots: &mut [Tensor<T>]) {
        nadam(self, step, p, g, slots);
    }
}

fn nadam<'a, T: Scalar>(
    rule: &'a NAdamRule,
    step: Step,
    p: &'a mut [T],
    g: &'a [T],
    slots: &'a mut [Tensor<T>],
) {
    let [m, v, product] = slots else { unreachable!("there are three slots") };
    let t = step.number as f64;
    let mu = |t: f64| rule.beta1 * (1.0 - 0.5 * 0.96_f64.powf(t * rule.momentum_decay));
    let (now, next) = (mu(t), mu(t + 1.0));
    let so_far = product.item().to_f64() * now;
    // It halves in each step at first, so the flush of every 16th step comes too late.
    product.as_mut_slice()[0] = T::from_f64(so_far).zero_below(subnormal::limit());
    let weight_decay = rule.weight_decay * step.decay_scale;
    let (shrink, decay) =
        if rule.decoupled { (1.0 - step.lr * weight_decay, 0.0) } else { (1.0, weight_decay) };
    let tiny = square_limit();
    let [beta1, fresh1, beta2, fresh2, of_g, of_m, root, epsilon, shrink, decay] = [
        rule.beta1,
        1.0 - rule.beta1,
        rule.beta2,
        1.0 - rule.beta2,
        step.lr * (1.0 - now) / (1.0 - so_far),
        step.lr * next / (1.0 - so_far * next),
        1.0 / step.bias_correction(rule.beta2).sqrt(),
        rule.epsilon,
        shrink,
        decay,
    ]
    .map(T::from_f64);
    update([p, m.as_mut_slice(), v.as_mut_slice()], [g], move |[p, m, v], [g]| {
        let p = p * shrink;
        let g = decayed(g, decay, p).zero_below(tiny);
        let m = mean(m, g, beta1, fresh1);
        let v = beta2 * v + fresh2 * g * g;
        [p - (of_g * g + of_m * m) / (v.sqrt() * root + epsilon), m, v]
    });
}

impl NAdam {
    /// With a learning rate per step (2e-3 is PyTorch's default), β₁ = 0.9, β₂ = 0.999, ε = 1e-8, and a
    /// momentum decay of 4e-3.
    ///
    /// # Panics
    /// **Panics** if the rate is negative or not finite.
    #[track_caller]
    pub fn new(lr: f64) -> Self {
        let rule = NAdamRule {
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            weight_decay: 0.0,
            momentum_decay: 4e-3,
            decoupled: false,
        };
        Self::of(rule, lr)
    }

    /// β₁ and β₂, each in \[0, 1).
    ///
    /// # Panics
    /// **Panics** outside that range.
    #[must_use]
    #[track_caller]
    pub fn betas(mut self, beta1: f64, beta2: f64) -> Self {
        (self.rule.beta1, self.rule.beta2) = betas("NAdam", beta1, beta2);
        self
    }

    options! { "NAdam":
        /// ε, which keeps the quotient finite.
        epsilon in 0.0..f64::INFINITY;
        /// The weight decay: added to the gradient, or [`decoupled`](Self::decoupled) from it.
        weight_decay in 0.0..f64::INFINITY;
        /// ψ, how fast the momentum grows from half of β₁ to β₁.
        momentum_decay in 0.0..f64::INFINITY;
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
