//! [`RmsProp`]: steps divided by a running root mean square of the gradient.

use fanin_tensor::map::update;
use fanin_tensor::{Scalar, Tensor};

use super::rule::{decayed, square_limit};
use super::{Rule, RuleOptimizer, Step, require};

/// RMSprop, as PyTorch has it:
///
/// ```text
/// g ← g + decay · p
/// v ← α v + (1 − α) g²
/// m ← α m + (1 − α) g                       centered: v is replaced by v − m² below
/// u ← g / (√v + ε)
/// p ← p − lr · u                            momentum: b ← μ b + u, p ← p − lr · b
/// ```
///
/// A gradient below 1.4e-17 (for `f32`) counts as 0, because its square would be subnormal.
///
/// # Example
/// ```
/// use fanin_nn::optim::RmsProp;
/// let rmsprop = RmsProp::new(1e-2).alpha(0.9).centered().momentum(0.9);
/// ```
///
/// # Reference
/// Tieleman and Hinton 2012, lecture 6.5; Graves 2013, eq. 38–45, for the centered form.
#[doc(alias = "RMSprop")]
pub type RmsProp = RuleOptimizer<RmsPropRule>;

/// The rule of [`RmsProp`].
#[derive(Clone, Debug)]
pub struct RmsPropRule {
    alpha: f64,
    epsilon: f64,
    weight_decay: f64,
    momentum: f64,
    centered: bool,
}

impl Rule for RmsPropRule {
    const NAME: &'static str = "RmsProp";

    fn slots(&self) -> &'static [&'static str] {
        match (self.centered, self.momentum > 0.0) {
            (false, false) => &["v"],
            (true, false) => &["v", "m"],
            (false, true) => &["v", "b"],
            (true, true) => &["v", "m", "b"],
        }
    }

    fn apply<T: Scalar>(&self, step: Step, p: &mut [T], g: &[T], slots: &mut [Tensor<T>]) {
        rmsprop(self, step, p, g, slots);
    }
}

once! {
    fn rmsprop<'a, T: Scalar>(
        rule: &'a RmsPropRule,
        step: Step,
        p: &'a mut [T],
        g: &'a [T],
        slots: &'a mut [Tensor<T>],
    ) {
        let weight_decay = rule.weight_decay * step.decay_scale;
        let [lr, alpha, fresh, epsilon, decay, mu] =
            [step.lr, rule.alpha, 1.0 - rule.alpha, rule.epsilon, weight_decay, rule.momentum]
                .map(T::from_f64);
        let tiny = square_limit();
        let [v, rest @ ..] = slots else { unreachable!("there is a slot") };
        let v = v.as_mut_slice();
        let square = move |v: T, g: T| alpha * v + fresh * g * g;
        // Rounding can make a variance of 0 negative.
        let root = move |x: T| if x < T::ZERO { T::ZERO } else { x.sqrt() };
        match rest {
            [] => update([p, v], [g], move |[p, v], [g]| {
                let g = decayed(g, decay, p).zero_below(tiny);
                let v = square(v, g);
                [p - lr * (g / (v.sqrt() + epsilon)), v]
            }),
            [m] if rule.centered => update([p, v, m.as_mut_slice()], [g], move |[p, v, m], [g]| {
                let g = decayed(g, decay, p).zero_below(tiny);
                let (v, m) = (square(v, g), m + fresh * (g - m));
                [p - lr * (g / (root(v - m * m) + epsilon)), v, m]
            }),
            [b] => update([p, v, b.as_mut_slice()], [g], move |[p, v, b], [g]| {
                let g = decayed(g, decay, p).zero_below(tiny);
                let v = square(v, g);
                let b = mu * b + g / (v.sqrt() + epsilon);
                [p - lr * b, v, b]
            }),
            [m, b, ..] => {
                let all = [p, v, m.as_mut_slice(), b.as_mut_slice()];
                update(all, [g], move |[p, v, m, b], [g]| {
                    let g = decayed(g, decay, p).zero_below(tiny);
                    let (v, m) = (square(v, g), m + fresh * (g - m));
                    let b = mu * b + g / (root(v - m * m) + epsilon);
                    [p - lr * b, v, m, b]
                });
            }
        }
    }
}

impl RmsProp {
    /// With a learning rate per step (1e-2 is PyTorch's default), α = 0.99, ε = 1e-8.
    ///
    /// # Panics
    /// **Panics** if the rate is negative or not finite.
    #[track_caller]
    pub fn new(lr: f64) -> Self {
        let (alpha, epsilon) = (0.99, 1e-8);
        let rule =
            RmsPropRule { alpha, epsilon, weight_decay: 0.0, momentum: 0.0, centered: false };
        Self::of(rule, lr)
    }

    /// α, in \[0, 1).
    ///
    /// # Panics
    /// **Panics** outside that range.
    #[must_use]
    #[track_caller]
    pub fn alpha(mut self, alpha: f64) -> Self {
        require("RmsProp", "alpha", alpha, 0.0, 1.0);
        self.rule.alpha = alpha;
        self
    }

    /// ε, which keeps the quotient finite.
    ///
    /// # Panics
    /// **Panics** if it is negative or not finite.
    #[must_use]
    #[track_caller]
    pub fn epsilon(mut self, epsilon: f64) -> Self {
        require("RmsProp", "epsilon", epsilon, 0.0, f64::INFINITY);
        self.rule.epsilon = epsilon;
        self
    }

    /// Divides by the standard deviation of the gradient in place of its root mean square.
    #[must_use]
    pub fn centered(mut self) -> Self {
        self.rule.centered = true;
        self
    }

    /// μ, in \[0, 1).
    ///
    /// # Panics
    /// **Panics** outside that range.
    #[must_use]
    #[track_caller]
    pub fn momentum(mut self, momentum: f64) -> Self {
        require("RmsProp", "momentum", momentum, 0.0, 1.0);
        self.rule.momentum = momentum;
        self
    }

    /// Adds `decay · p` to the gradient of `p`.
    ///
    /// # Panics
    /// **Panics** if it is negative or not finite.
    #[must_use]
    #[track_caller]
    pub fn weight_decay(mut self, decay: f64) -> Self {
        require("RmsProp", "weight decay", decay, 0.0, f64::INFINITY);
        self.rule.weight_decay = decay;
        self
    }
}
