//! [`Adadelta`]: steps in the units of the parameter, without a rate to tune.

use fanin_tensor::map::update;
use fanin_tensor::{Scalar, Tensor};

use super::rule::{decayed, square_limit};
use super::{Rule, RuleOptimizer, Step, require};

/// Adadelta, as PyTorch has it:
///
/// ```text
/// g ← g + decay · p
/// v ← ρ v + (1 − ρ) g²
/// Δ ← √(u + ε) / √(v + ε) · g
/// u ← ρ u + (1 − ρ) Δ²
/// p ← p − lr · Δ
/// ```
///
/// A gradient or Δ below 1.4e-17 (for `f32`) counts as 0 in the squares, which would be subnormal.
///
/// # Example
/// ```
/// use fanin_nn::optim::Adadelta;
/// let adadelta = Adadelta::new(1.0).rho(0.95);
/// ```
///
/// # Reference
/// Zeiler 2012, algorithm 1.
pub type Adadelta = RuleOptimizer<AdadeltaRule>;

/// The rule of [`Adadelta`].
#[derive(Clone, Debug)]
pub struct AdadeltaRule {
    rho: f64,
    epsilon: f64,
    weight_decay: f64,
}

impl Rule for AdadeltaRule {
    const NAME: &'static str = "Adadelta";

    fn slots(&self) -> &'static [&'static str] {
        &["v", "u"]
    }

    fn apply<T: Scalar>(&self, step: Step, p: &mut [T], g: &[T], slots: &mut [Tensor<T>]) {
        adadelta(self, step, p, g, slots);
    }
}

fn adadelta<'a, T: Scalar>(
    rule: &'a AdadeltaRule,
    step: Step,
    p: &'a mut [T],
    g: &'a [T],
    slots: &'a mut [Tensor<T>],
) {
    let [v, u] = slots else { unreachable!("there are two slots") };
    let weight_decay = rule.weight_decay * step.decay_scale;
    let [lr, rho, fresh, epsilon, decay] =
        [step.lr, rule.rho, 1.0 - rule.rho, rule.epsilon, weight_decay].map(T::from_f64);
    let tiny = square_limit();
    update([p, v.as_mut_slice(), u.as_mut_slice()], [g], move |[p, v, u], [g]| {
        let g = decayed(g, decay, p).zero_below(tiny);
        let v = rho * v + fresh * g * g;
        let delta = ((u + epsilon).sqrt() / (v + epsilon).sqrt() * g).zero_below(tiny);
        [p - lr * delta, v, rho * u + fresh * delta * delta]
    });
}

impl Adadelta {
    /// With a factor of all steps (1 is the paper's), ρ = 0.9, ε = 1e-6.
    ///
    /// # Panics
    /// **Panics** if the rate is negative or not finite.
    #[track_caller]
    pub fn new(lr: f64) -> Self {
        Self::of(AdadeltaRule { rho: 0.9, epsilon: 1e-6, weight_decay: 0.0 }, lr)
    }

    options! { "Adadelta":
        /// ρ, how much of the running means stays.
        rho in 0.0..1.0;
        /// ε, which starts the steps and keeps the quotient finite.
        epsilon in 0.0..f64::INFINITY;
        /// Adds `decay · p` to the gradient of `p`.
        weight_decay in 0.0..f64::INFINITY;
    }
}
