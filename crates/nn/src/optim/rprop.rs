//! [`Rprop`]: a step size for each element, which the signs of its gradients change.

use fanin_tensor::map::update;
use fanin_tensor::{Scalar, Tensor};

use super::rule::sign;
use super::{Rule, RuleOptimizer, Step};
use crate::param::Param;

/// Rprop, as PyTorch has it. It looks at the signs of gradients alone, so it wants the gradient of the
/// whole data set, and not of small batches:
///
/// ```text
/// s ← s · η₊   if g has the sign of the gradient before
/// s ← s · η₋   if it has the other sign, and g ← 0
/// s ← min(max(s, smallest), largest)           (s = lr at first)
/// p ← p − s · sign(g)
/// ```
///
/// The learning rate is the first step size. A parameter that has taken its first step does not look at
/// it, so a schedule changes nothing.
///
/// # Example
/// ```
/// use fanin_nn::optim::Rprop;
/// let rprop = Rprop::new(1e-2).etas(0.5, 1.2).step_sizes(1e-6, 50.0);
/// ```
///
/// # Reference
/// Riedmiller and Braun 1993; Igel and Hüsken 2000, for the form that takes no step back.
pub type Rprop = RuleOptimizer<RpropRule>;

/// The rule of [`Rprop`].
#[derive(Clone, Debug)]
pub struct RpropRule {
    shrink: f64,
    grow: f64,
    smallest: f64,
    largest: f64,
}

impl Rule for RpropRule {
    const NAME: &'static str = "Rprop";

    fn slots(&self) -> &'static [&'static str] {
        &["previous", "step_size"]
    }

    fn slot<T: Scalar>(&self, name: &str, param: &Param<T>, lr: f64) -> Tensor<T> {
        let start = if name == "step_size" { lr } else { 0.0 };
        Tensor::full(param.value().shape(), T::from_f64(start))
    }

    fn apply<T: Scalar>(&self, _: Step, p: &mut [T], g: &[T], slots: &mut [Tensor<T>]) {
        rprop(self, p, g, slots);
    }
}

fn rprop<'a, T: Scalar>(
    rule: &'a RpropRule,
    p: &'a mut [T],
    g: &'a [T],
    slots: &'a mut [Tensor<T>],
) {
    let [previous, size] = slots else { unreachable!("there are two slots") };
    let [shrink, grow, smallest, largest] =
        [rule.shrink, rule.grow, rule.smallest, rule.largest].map(T::from_f64);
    let all = [p, previous.as_mut_slice(), size.as_mut_slice()];
    update(all, [g], move |[p, previous, size], [g]| {
        // The product of the signs, and not of the gradients, which could underflow.
        let turn = sign(g) * sign(previous);
        let turned = turn < T::ZERO;
        let factor = if turned {
            shrink
        } else if turn > T::ZERO {
            grow
        } else {
            T::ONE
        };
        let size = size * factor;
        let size = if size < smallest { smallest } else { size };
        let size = if size > largest { largest } else { size };
        let g = if turned { T::ZERO } else { g };
        // A NaN must not look like a step.
        let direction = if g.is_nan() { g } else { sign(g) };
        [p - size * direction, g, size]
    });
}

impl Rprop {
    /// With a first step size (1e-2 is PyTorch's default), η₋ = 0.5, η₊ = 1.2, and step sizes from 1e-6
    /// to 50.
    ///
    /// # Panics
    /// **Panics** if the step size is negative or not finite.
    #[track_caller]
    pub fn new(lr: f64) -> Self {
        Self::of(RpropRule { shrink: 0.5, grow: 1.2, smallest: 1e-6, largest: 50.0 }, lr)
    }

    /// η₋ in (0, 1), by which a step size shrinks where the gradient has changed its sign, and η₊ above 1,
    /// by which it grows elsewhere.
    ///
    /// # Panics
    /// **Panics** outside these ranges.
    #[must_use]
    #[track_caller]
    pub fn etas(mut self, shrink: f64, grow: f64) -> Self {
        let fits = shrink > 0.0 && shrink < 1.0 && grow > 1.0 && grow.is_finite();
        assert!(fits, "Rprop: etas {shrink} and {grow} must be 0 < η₋ < 1 < η₊");
        (self.rule.shrink, self.rule.grow) = (shrink, grow);
        self
    }

    /// The smallest and the largest step size.
    ///
    /// # Panics
    /// **Panics** if the smallest is negative, the largest is not finite or below the smallest.
    #[must_use]
    #[track_caller]
    pub fn step_sizes(mut self, smallest: f64, largest: f64) -> Self {
        let fits = smallest >= 0.0 && smallest <= largest && largest.is_finite();
        assert!(fits, "Rprop: step sizes {smallest} and {largest} must be 0 ≤ smallest ≤ largest");
        (self.rule.smallest, self.rule.largest) = (smallest, largest);
        self
    }
}
