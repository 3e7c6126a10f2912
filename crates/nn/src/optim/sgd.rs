//! [`Sgd`]: gradient descent, with momentum.

use fanin_tensor::map::update;
use fanin_tensor::{Scalar, Tensor};

use super::rule::decayed;
use super::{Rule, RuleOptimizer, Step, require};

/// Stochastic gradient descent with momentum, Nesterov's variant and weight decay, as PyTorch has it:
///
/// ```text
/// g ← g + decay · p                    (maximize: −g + decay · p)
/// v ← μ v + (1 − dampening) g          (v = g in a parameter's first step)
/// p ← p − lr · v                       (Nesterov: p − lr · (g + μ v))
/// ```
/// Without decay, the first line is left out: an infinite p stays infinite.
///
/// # Example
/// ```
/// use fanin_nn::Sgd;
/// let sgd = Sgd::new(0.1).momentum(0.9).nesterov().weight_decay(1e-4);
/// ```
///
/// # Reference
/// Polyak 1964; Sutskever et al. 2013, eq. 1–4, for Nesterov's variant.
pub type Sgd = RuleOptimizer<SgdRule>;

/// The rule of [`Sgd`].
#[derive(Clone, Debug)]
pub struct SgdRule {
    momentum: f64,
    dampening: f64,
    nesterov: bool,
    maximize: bool,
    weight_decay: f64,
}

impl Rule for SgdRule {
    const NAME: &'static str = "Sgd";

    fn slots(&self) -> &'static [&'static str] {
        if self.momentum == 0.0 { &[] } else { &["velocity"] }
    }

    fn check(&self) {
        assert!(
            !self.nesterov || (self.momentum > 0.0 && self.dampening == 0.0),
            "Sgd: nesterov wants momentum and no dampening"
        );
    }

    fn apply<T: Scalar>(&self, step: Step, p: &mut [T], g: &[T], slots: &mut [Tensor<T>]) {
        sgd(self, step, p, g, slots);
    }
}

once! {
    fn sgd<'a, T: Scalar>(
        rule: &'a SgdRule,
        step: Step,
        p: &'a mut [T],
        g: &'a [T],
        slots: &'a mut [Tensor<T>],
    ) {
        let fresh = if step.number == 1 { 1.0 } else { 1.0 - rule.dampening };
        let [lr, mu, decay, fresh] =
            [step.lr, rule.momentum, rule.weight_decay * step.decay_scale, fresh].map(T::from_f64);
        let nesterov = rule.nesterov;
        let sign = if rule.maximize { -T::ONE } else { T::ONE };
        let [v] = slots else {
            return update([p], [g], move |[p], [g]| [p - lr * decayed(sign * g, decay, p)]);
        };
        update([p, v.as_mut_slice()], [g], move |[p, v], [g]| {
            let g = decayed(sign * g, decay, p);
            let v = mu * v + fresh * g;
            let direction = if nesterov { g + mu * v } else { v };
            [p - lr * direction, v]
        });
    }
}

impl Sgd {
    /// Gradient descent with a learning rate per step, without momentum.
    ///
    /// # Panics
    /// **Panics** if the rate is negative or not finite.
    #[track_caller]
    pub fn new(lr: f64) -> Self {
        let rule = SgdRule {
            momentum: 0.0,
            dampening: 0.0,
            nesterov: false,
            maximize: false,
            weight_decay: 0.0,
        };
        Self::of(rule, lr)
    }

    /// μ, in \[0, 1); 0.9 is usual.
    ///
    /// # Panics
    /// **Panics** outside that range.
    #[must_use]
    #[track_caller]
    pub fn momentum(mut self, momentum: f64) -> Self {
        require("Sgd", "momentum", momentum, 0.0, 1.0);
        self.rule.momentum = momentum;
        self
    }

    /// How much less than whole a gradient enters the velocity, in \[0, 1).
    ///
    /// # Panics
    /// **Panics** outside that range.
    #[must_use]
    #[track_caller]
    pub fn dampening(mut self, dampening: f64) -> Self {
        require("Sgd", "dampening", dampening, 0.0, 1.0);
        self.rule.dampening = dampening;
        self
    }

    /// Looks ahead by one velocity. Needs momentum, and no dampening.
    ///
    /// # Panics
    /// **Panics** in the first step if that is not so.
    #[must_use]
    pub fn nesterov(mut self) -> Self {
        self.rule.nesterov = true;
        self
    }

    /// Climbs: takes −g for g, so that the value grows of which the gradients are. Weight decay still
    /// shrinks parameters.
    #[must_use]
    pub fn maximize(mut self) -> Self {
        self.rule.maximize = true;
        self
    }

    /// Adds `decay · p` to the gradient of `p`: L2 regularization of `decay / 2 · Σ p²`.
    ///
    /// # Panics
    /// **Panics** if it is negative or not finite.
    #[must_use]
    #[track_caller]
    pub fn weight_decay(mut self, decay: f64) -> Self {
        require("Sgd", "weight decay", decay, 0.0, f64::INFINITY);
        self.rule.weight_decay = decay;
        self
    }
}
