//! [`RuleOptimizer`]: an optimizer of any rule.

use std::panic::Location;

use fanin_tensor::{Scalar, Tensor};

use super::first_step::{constant, too_large, weights};
use super::memory::{Memory, associate};
use super::pass::pass;
use super::state::{OptimizerState, StateError, export};
use super::{Optimizer, Rule, Step, require};
use crate::note::Note;
use crate::param::Param;
use crate::parameters::Parameters;
use crate::pattern;
use crate::tape::Gradients;

/// An optimizer that changes every parameter by the same [`Rule`]: [`Sgd`](super::Sgd),
/// [`Adam`](super::Adam), or one of your own.
///
/// It serves models of either element type, and holds what it remembers of each parameter, the learning
/// rate, and groups of parameters with other options.
#[derive(Clone, Debug)]
pub struct RuleOptimizer<R> {
    pub(super) rule: R,
    pub(super) lr: f64,
    groups: Vec<Group<R>>,
    memory: Memory,
}

/// Options for the parameters of a pattern.
#[derive(Clone, Debug)]
struct Group<R> {
    pattern: String,
    rule: R,
    /// The group's learning rate over that of the optimizer.
    lr_factor: f64,
}

impl<R: Rule> RuleOptimizer<R> {
    /// An optimizer with this rule and learning rate.
    ///
    /// # Panics
    /// **Panics** if the rate is negative or not finite.
    #[track_caller]
    pub fn of(rule: R, lr: f64) -> Self {
        require(R::NAME, "learning rate", lr, 0.0, f64::INFINITY);
        Self { rule, lr, groups: vec![], memory: Memory::Empty }
    }

    /// Gives the parameters whose path matches the pattern other options. In a pattern `*` stands for
    /// any characters, dots among them, and `?` for one. If several groups match, the last one counts.
    ///
    /// # Panics
    /// **Panics** in the first step if the pattern matches no parameter of the model.
    ///
    /// # Example
    /// AdamW without weight decay on biases, and a slower encoder:
    /// ```
    /// use fanin_nn::AdamW;
    /// let adamw = AdamW::new(1e-3)
    ///     .weight_decay(0.1)
    ///     .group("encoder.*", |g| g.rate(1e-4))
    ///     .group("*.bias", |g| g.weight_decay(0.0));
    /// ```
    #[doc(alias("param_groups", "no_decay"))]
    #[must_use]
    #[track_caller]
    pub fn group(mut self, pattern: &str, options: impl FnOnce(Self) -> Self) -> Self {
        let own =
            Self { rule: self.rule.clone(), lr: self.lr, groups: vec![], memory: Memory::Empty };
        let Self { rule, lr, .. } = options(own);
        assert!(
            self.lr > 0.0 || lr == self.lr,
            "{}: the group {pattern} cannot have a rate of {lr} beside one of 0",
            R::NAME
        );
        let lr_factor = if lr == self.lr { 1.0 } else { lr / self.lr };
        self.groups.push(Group { pattern: pattern.to_owned(), rule, lr_factor });
        self
    }

    /// The same optimizer with another learning rate: for a [`group`](Self::group).
    ///
    /// # Panics
    /// **Panics** if the rate is negative or not finite.
    #[must_use]
    #[track_caller]
    pub fn rate(mut self, lr: f64) -> Self {
        self.set_lr(lr);
        self
    }

    /// The learning rate.
    pub fn lr(&self) -> f64 {
        self.lr
    }

    /// Sets the learning rate of the next steps. Rates of groups change in proportion.
    ///
    /// # Panics
    /// **Panics** if it is negative or not finite.
    #[track_caller]
    pub fn set_lr(&mut self, lr: f64) {
        require(R::NAME, "learning rate", lr, 0.0, f64::INFINITY);
        self.lr = lr;
    }

    /// Whether some parameters have options of their own.
    pub(super) fn has_groups(&self) -> bool {
        !self.groups.is_empty()
    }

    /// The options of a parameter.
    fn rule_of(&self, path: &str) -> &R {
        let group = self.groups.iter().rfind(|group| pattern::matches(&group.pattern, path));
        group.map_or(&self.rule, |group| &group.rule)
    }

    /// Brings the memory in line with the model's parameters.
    #[track_caller]
    fn associate<T: Scalar>(&mut self, model: &mut dyn Parameters<T>) {
        let groups: Vec<&str> = self.groups.iter().map(|group| &*group.pattern).collect();
        associate(self.memory.entries(), model, R::NAME, &groups);
    }
}

/// The slots of a parameter before its first step.
fn fresh<T: Scalar, R: Rule>(rule: &R, lr: f64, param: &Param<T>) -> Vec<Tensor<T>> {
    rule.slots().iter().map(|name| rule.slot(name, param, lr)).collect()
}

impl<T: Scalar, R: Rule> Optimizer<T> for RuleOptimizer<R> {
    #[track_caller]
    fn step(&mut self, model: &mut dyn Parameters<T>, mut grads: Gradients<'_, T>) {
        self.rule.check();
        for group in &self.groups {
            group.rule.check();
        }
        let is_first = self.memory.is_empty();
        let before = if cfg!(debug_assertions) && is_first { weights(model) } else { vec![] };
        let (mut start, mut first, mut found) = (0, true, 0);
        loop {
            let (rule, lr, groups) = (&self.rule, self.lr, &self.groups);
            // The loops of the rule are compiled where the rule is used, and nothing else is.
            let group = |at: Option<usize>| match at {
                Some(at) => (&groups[at].rule, lr * groups[at].lr_factor),
                None => (rule, lr),
            };
            let slots = |at, [lr_scale, _]: [f64; 2], param: &Param<T>| {
                let (rule, lr) = group(at);
                fresh(rule, lr * lr_scale, param)
            };
            let apply =
                |at, scales: [f64; 2], number, p: &mut [T], g: &[T], slots: &mut [Tensor<T>]| {
                    let ((rule, lr), [lr_scale, decay_scale]) = (group(at), scales);
                    rule.apply(Step { lr: lr * lr_scale, decay_scale, number }, p, g, slots);
                };
            let pass =
                pass(model, &mut grads, self.memory.entries(), (start, first), &slots, &apply);
            found += pass.found;
            // Here, and not in the visitor, so that the panic is at the caller's line.
            if let Some(misfit) = pass.misfit {
                panic!(
                    "step: parameter {misfit} in the steps before: an optimizer serves one model, so \
                     make one for each"
                );
            }
            // In most steps all entries fit, and one pass is enough.
            let Some(unknown) = pass.unknown else { break };
            assert!(
                first || unknown > start,
                "step: the model shows other parameters at each call of visit_mut"
            );
            (start, first) = (unknown, false);
            self.associate(model);
        }
        if found == 0 {
            let depends = grads.count();
            assert!(
                depends == 0,
                "step: the model shows none of the {depends} parameters that the loss depends on; give \
                 step the model whose forward made the loss, derive Parameters for it, and skip no field \
                 that has parameters"
            );
            if cfg!(debug_assertions) {
                let empty = self.memory.entries::<T>().is_empty();
                let why =
                    if empty { "the model has no layer with parameters" } else { grads.why_none() };
                Note::NoGradient { why }.say(grads.reports_at(Location::caller()));
            }
        } else if cfg!(debug_assertions) && is_first {
            let at = grads.reports_at(Location::caller());
            if grads.norm() == T::ZERO {
                Note::ZeroGradients.say(at);
            } else if let Some(note) =
                constant(&before).or_else(|| too_large(&before, model, self.lr))
            {
                note.say(at);
            }
        }
    }

    fn lr(&self) -> f64 {
        self.lr
    }

    #[track_caller]
    fn set_lr(&mut self, lr: f64) {
        RuleOptimizer::set_lr(self, lr);
    }

    fn state(&self) -> OptimizerState<T> {
        let params = export(&self.memory, &|path| self.rule_of(path).slots());
        OptimizerState { optimizer: R::NAME.into(), lr: self.lr, params }
    }

    fn load_state(
        &mut self,
        model: &dyn Parameters<T>,
        state: OptimizerState<T>,
    ) -> Result<(), StateError> {
        let lr = state.lr;
        let slots_of = |path: &str| self.rule_of(path).slots();
        let fresh = |path: &str, param: &Param<T>| fresh(self.rule_of(path), lr, param);
        self.memory = state.into_memory(R::NAME, &slots_of, &fresh, model)?;
        self.lr = lr;
        Ok(())
    }
}
