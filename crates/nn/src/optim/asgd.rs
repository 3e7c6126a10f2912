//! [`Asgd`]: gradient descent that also averages the parameters over its steps.

use fanin_tensor::map::update;
use fanin_tensor::{Scalar, Tensor};

use super::rule::decayed;
use super::{Optimizer, Rule, RuleOptimizer, Step, require};
use crate::parameters::Parameters;

/// Averaged stochastic gradient descent, as PyTorch has it; t is the number of the parameter's step,
/// from 1:
///
/// ```text
/// η = lr / (1 + λ lr (t − 1))^α
/// g ← g + decay · p
/// p ← (1 − λ η) p − η g
/// a ← a + (p − a) / max(1, t − 1 − t₀)
/// ```
///
/// The average a begins after t₀ steps, and is p before. [`apply_average`](Self::apply_average) puts it in
/// place of the parameters.
///
/// η follows the learning rate of the same step. (PyTorch's follows that of the step before; without a
/// schedule both are the same.)
///
/// # Example
/// ```
/// use fanin_nn::optim::{Asgd, Optimizer};
/// use fanin_nn::{Linear, Module, Parameters, Tape, Tensor};
///
/// let (mut model, mut asgd) = (Linear::new(3, 1), Asgd::new(0.05).t0(100.0));
/// let (x, mut tape) = (Tensor::ones([4, 3]), Tape::new());
/// for _ in 0..200 {
///     let (_, grads) = tape.value_and_grad(|t| model.forward(t.input(&x)).square().mean());
///     asgd.step(&mut model, grads);
/// }
/// let mut averaged = model.clone();
/// asgd.apply_average(&mut averaged);
/// assert!(averaged.predict(&x).as_slice()[0].abs() < 1e-3);
/// ```
///
/// # Reference
/// Polyak and Juditsky 1992; Bottou 2010, section 5.2, for the rate.
#[doc(alias = "ASGD")]
pub type Asgd = RuleOptimizer<AsgdRule>;

/// The rule of [`Asgd`].
#[derive(Clone, Debug)]
pub struct AsgdRule {
    lambda: f64,
    alpha: f64,
    t0: f64,
    weight_decay: f64,
}

impl Rule for AsgdRule {
    const NAME: &'static str = "Asgd";

    fn slots(&self) -> &'static [&'static str] {
        &["average"]
    }

    fn apply<T: Scalar>(&self, step: Step, p: &mut [T], g: &[T], slots: &mut [Tensor<T>]) {
        asgd(self, step, p, g, slots);
    }
}

fn asgd<'a, T: Scalar>(
    rule: &'a AsgdRule,
    step: Step,
    p: &'a mut [T],
    g: &'a [T],
    slots: &'a mut [Tensor<T>],
) {
    let [average] = slots else { unreachable!("there is one slot") };
    let before = (step.number - 1) as f64;
    let rate = step.lr / (1.0 + rule.lambda * step.lr * before).powf(rule.alpha);
    let share = 1.0 / (before - rule.t0).max(1.0);
    let decay = rule.weight_decay * step.decay_scale;
    let whole = share == 1.0;
    let [rate, shrink, share, decay] =
        [rate, 1.0 - rule.lambda * rate, share, decay].map(T::from_f64);
    update([p, average.as_mut_slice()], [g], move |[p, average], [g]| {
        let p = p * shrink - rate * decayed(g, decay, p);
        [p, if whole { p } else { average + share * (p - average) }]
    });
}

fn apply_average<'a, T: Scalar>(
    averages: &'a [(&'a str, &'a Tensor<T>)],
    model: &'a mut dyn Parameters<T>,
) {
    let averages: std::collections::HashMap<_, _> = averages.iter().copied().collect();
    model.visit_params_mut(&mut |path, p| {
        if let Some(average) = averages.get(&*path.to_string()) {
            assert!(
                average.shape() == p.value().shape(),
                "apply_average: {path} has another shape than in the steps before"
            );
            p.value_mut().as_mut_slice().copy_from_slice(average.as_slice());
        }
    });
}

impl Asgd {
    /// With a learning rate per step (1e-2 is PyTorch's default), λ = 1e-4, α = 0.75, t₀ = 1e6.
    ///
    /// # Panics
    /// **Panics** if the rate is negative or not finite.
    #[track_caller]
    pub fn new(lr: f64) -> Self {
        Self::of(AsgdRule { lambda: 1e-4, alpha: 0.75, t0: 1e6, weight_decay: 0.0 }, lr)
    }

    options! { "Asgd":
        /// λ, the decay of the parameters, which also slows the rate down.
        #[doc(alias = "lambd")]
        lambda in 0.0..f64::INFINITY;
        /// α, the power with which the rate falls.
        alpha in 0.0..f64::INFINITY;
        /// t₀, the number of steps after which the average begins.
        t0 in 0.0..f64::INFINITY;
        /// Adds `decay · p` to the gradient of `p`.
        weight_decay in 0.0..f64::INFINITY;
    }

    /// Puts the averages in place of the parameters with their paths. Parameters that were not trained
    /// stay. Averaging goes on in the optimizer: apply it to a clone to train on.
    ///
    /// # Panics
    /// **Panics** if a parameter has another shape than in training.
    #[track_caller]
    pub fn apply_average<T: Scalar>(&self, model: &mut dyn Parameters<T>) {
        let state = Optimizer::<T>::state(self);
        let averages: Vec<_> =
            state.params.iter().map(|param| (&*param.path, &param.slots[0].1)).collect();
        apply_average(&averages, model);
    }
}
