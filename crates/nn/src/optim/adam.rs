//! [`Adam`], and [`AdamW`] with its weight decay apart from the gradient.

use fanin_tensor::map::update;
use fanin_tensor::{Scalar, Tensor};

use super::rule::{decayed, larger, square_limit};
use super::{Rule, RuleOptimizer, Step, require};

/// Adam, as PyTorch has it; t is the number of the parameter's step, from 1:
///
/// ```text
/// g ← g + decay · p
/// m ← β₁ m + (1 − β₁) g
/// v ← β₂ v + (1 − β₂) g²
/// p ← p − lr · (m / (1 − β₁ᵗ)) / (√(v / (1 − β₂ᵗ)) + ε)
/// ```
/// With [`amsgrad`](RuleOptimizer::amsgrad) the largest v so far takes the place of v in the last line.
///
///
/// A gradient below 1.4e-17 (for `f32`) counts as 0, because its square would be subnormal.
///
/// # Example
/// ```
/// use fanin_nn::Adam;
/// let adam = Adam::new(1e-3).betas(0.9, 0.99);
/// ```
///
/// # Reference
/// Kingma and Ba 2014, algorithm 1.
pub type Adam = RuleOptimizer<AdamRule<false>>;

/// [`Adam`] with decoupled weight decay: `p ← p − lr · decay · p` before the step, in place of the
/// decay in the gradient.
///
/// # Example
/// ```
/// use fanin_nn::AdamW;
/// let adamw = AdamW::new(1e-3).weight_decay(0.1);      // the default is 0.01, as in PyTorch
/// ```
///
/// # Reference
/// Loshchilov and Hutter 2017, algorithm 2.
pub type AdamW = RuleOptimizer<AdamRule<true>>;

/// The rule of [`Adam`], or of [`AdamW`] if the weight decay is decoupled.
#[derive(Clone, Debug)]
pub struct AdamRule<const DECOUPLED: bool> {
    beta1: f64,
    beta2: f64,
    epsilon: f64,
    weight_decay: f64,
    amsgrad: bool,
}

impl<const DECOUPLED: bool> Rule for AdamRule<DECOUPLED> {
    const NAME: &'static str = if DECOUPLED { "AdamW" } else { "Adam" };

    fn slots(&self) -> &'static [&'static str] {
        if self.amsgrad { &["m", "v", "max"] } else { &["m", "v"] }
    }

    fn apply<T: Scalar>(&self, step: Step, p: &mut [T], g: &[T], slots: &mut [Tensor<T>]) {
        adam(
            [self.beta1, self.beta2, self.epsilon],
            self.weight_decay * step.decay_scale,
            DECOUPLED,
            step,
            p,
            g,
            slots,
        );
    }
}

once! {
    fn adam<'a, T: Scalar>(
        betas_and_epsilon: [f64; 3],
        weight_decay: f64,
        decoupled: bool,
        step: Step,
        p: &'a mut [T],
        g: &'a [T],
        slots: &'a mut [Tensor<T>],
    ) {
        let [m, v, rest @ ..] = slots else { unreachable!("there are two slots") };
        let [m, v] = [m, v].map(Tensor::as_mut_slice);
        let [beta1, beta2, epsilon] = betas_and_epsilon;
        let corrected1 = step.bias_correction(beta1);
        let corrected2 = step.bias_correction(beta2).sqrt();
        let (shrink, decay) =
            if decoupled { (1.0 - step.lr * weight_decay, 0.0) } else { (1.0, weight_decay) };
        let tiny = square_limit();
        let mostly_old = beta1 > 0.5;
        let [fresh1, beta1, beta2, fresh2, rate, root, epsilon, shrink, decay] = [
            1.0 - beta1,
            beta1,
            beta2,
            1.0 - beta2,
            step.lr / corrected1,
            1.0 / corrected2,
            epsilon,
            shrink,
            decay,
        ]
        .map(T::from_f64);
        let moments = move |p, m: T, v: T, g| {
            let g = decayed(g, decay, p).zero_below(tiny);
            // The smaller of the two weights, so that the larger summand keeps its digits.
            let m = if mostly_old { m + fresh1 * (g - m) } else { g + beta1 * (m - g) };
            (m, beta2 * v + fresh2 * g * g)
        };
        match rest {
            [] => update([p, m, v], [g], move |[p, m, v], [g]| {
                let p = p * shrink;
                let (m, v) = moments(p, m, v, g);
                [p - rate * m / (v.sqrt() * root + epsilon), m, v]
            }),
            [max, ..] => update([p, m, v, max.as_mut_slice()], [g], move |[p, m, v, max], [g]| {
                let p = p * shrink;
                let (m, v) = moments(p, m, v, g);
                let max = larger(max, v);
                [p - rate * m / (max.sqrt() * root + epsilon), m, v, max]
            }),
        }
    }
}

impl<const DECOUPLED: bool> RuleOptimizer<AdamRule<DECOUPLED>> {
    /// With a learning rate per step (1e-3 is usual), β₁ = 0.9, β₂ = 0.999, ε = 1e-8.
    ///
    /// # Panics
    /// **Panics** if the rate is negative or not finite.
    #[track_caller]
    pub fn new(lr: f64) -> Self {
        let weight_decay = if DECOUPLED { 0.01 } else { 0.0 };
        let (beta1, beta2, epsilon) = (0.9, 0.999, 1e-8);
        Self::of(AdamRule { beta1, beta2, epsilon, weight_decay, amsgrad: false }, lr)
    }

    /// β₁ and β₂, each in \[0, 1).
    ///
    /// # Panics
    /// **Panics** outside that range.
    #[must_use]
    #[track_caller]
    pub fn betas(mut self, beta1: f64, beta2: f64) -> Self {
        let name = AdamRule::<DECOUPLED>::NAME;
        require(name, "beta1", beta1, 0.0, 1.0);
        require(name, "beta2", beta2, 0.0, 1.0);
        (self.rule.beta1, self.rule.beta2) = (beta1, beta2);
        self
    }

    /// ε, which keeps the quotient finite.
    ///
    /// # Panics
    /// **Panics** if it is negative or not finite.
    #[must_use]
    #[track_caller]
    pub fn epsilon(mut self, epsilon: f64) -> Self {
        require(AdamRule::<DECOUPLED>::NAME, "epsilon", epsilon, 0.0, f64::INFINITY);
        self.rule.epsilon = epsilon;
        self
    }

    /// The weight decay.
    ///
    /// # Panics
    /// **Panics** if it is negative or not finite.
    #[must_use]
    #[track_caller]
    pub fn weight_decay(mut self, decay: f64) -> Self {
        require(AdamRule::<DECOUPLED>::NAME, "weight decay", decay, 0.0, f64::INFINITY);
        self.rule.weight_decay = decay;
        self
    }

    /// Divides by the largest second moment so far, so that a rare large gradient is remembered and
    /// the steps do not grow again.
    ///
    /// # Reference
    /// Reddi et al. 2018, algorithm 2.
    #[must_use]
    pub fn amsgrad(mut self) -> Self {
        self.rule.amsgrad = true;
        self
    }
}
