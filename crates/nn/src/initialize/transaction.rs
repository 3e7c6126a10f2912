//! [`Transaction`]: changes to a model that are undone unless they are kept.

use std::sync::Arc;

use fanin_init::Initializer;
use fanin_tensor::{Scalar, Tensor};

use super::InitError;
use super::InitPlan;
use crate::describe::Features;
use crate::diagnose::Probe;
use crate::module::Module;
use crate::param::Param;

/// A model during changes. If the transaction is dropped before it is [kept](Self::keep), by an
/// error or a panic, it restores the old values.
pub(super) struct Transaction<'m, T: Scalar, M: Module<T> + ?Sized> {
    pub(super) model: &'m mut M,
    x: &'m Tensor<T>,
    /// The value of each parameter, whether it awaits its activation, and its initializer. A value
    /// shares its elements with the model's until the model writes to it.
    before: Vec<(Tensor<T>, bool, Option<Arc<str>>)>,
}

impl<'m, T: Scalar, M: Module<T> + ?Sized> Transaction<'m, T, M> {
    /// Starts a transaction, after checking that the batch fits the model where the model states
    /// its features.
    pub(super) fn new(model: &'m mut M, x: &'m Tensor<T>) -> Result<Self, InitError> {
        if x.len() == 0 {
            return Err(InitError::Batch { why: format!("{:?} has no samples", x.shape()) });
        }
        if let Features::Map { input, .. } = model.features()
            && x.shape().last() != Some(&input)
        {
            let why = format!("{:?} does not end in the {input} features of the model", x.shape());
            return Err(InitError::Batch { why });
        }
        if let Some(at) = x.as_slice().iter().position(|x| !x.is_finite()) {
            let why = format!("element {at} is {}", x.as_slice()[at]);
            return Err(InitError::Batch { why });
        }
        let params = model.named_params().into_iter();
        let of = |p: &Param<T>| (p.value().clone(), p.awaits_activation(), p.shared_initializer());
        let before = params.map(|(_, p)| of(p)).collect();
        Ok(Self { model, x, before })
    }

    /// Runs the current model on the batch.
    #[track_caller]
    pub(super) fn probe(&self) -> Probe<T> {
        Probe::forward(&*self.model, self.x)
    }

    /// Like [`probe`](Self::probe), with gradients along a direction of its own for each sample.
    #[track_caller]
    pub(super) fn probe_gradients(&self) -> Probe<T> {
        Probe::with_directions(&*self.model, self.x)
    }

    /// Whether the parameter exists and is neither frozen nor protected.
    pub(super) fn may_change(&self, path: &str) -> bool {
        let mut params = self.model.named_params().into_iter();
        params.any(|(name, p)| name == path && p.is_trainable() && !p.is_protected())
    }

    /// Whether the parameter is frozen.
    pub(super) fn is_frozen(&self, path: &str) -> bool {
        self.model.named_params().iter().any(|(name, p)| name == path && !p.is_trainable())
    }

    /// States that a parameter was set on purpose.
    pub(super) fn protect(&mut self, path: &str) {
        self.model.visit_params_mut(&mut |name, param| {
            if name.is(path) {
                param.set_protected(true);
            }
        });
    }

    /// Draws new weights for the probed layers, keyed if there is a seed.
    pub(super) fn draw_weights(
        &mut self,
        probe: &Probe<T>,
        initializer: impl Initializer + Copy + 'static,
        seed: Option<u64>,
    ) -> Result<(), InitError> {
        let mut plan = seed.into_iter().fold(InitPlan::new(), InitPlan::keyed);
        for layer in probe.layers() {
            if self.may_change(&layer.weight_path) {
                plan = plan.set(&layer.weight_path, initializer);
            }
        }
        self.model.init(&plan)
    }

    /// Changes one parameter in place.
    pub(super) fn edit(&mut self, path: &str, edit: impl Fn(&mut [T])) {
        self.model.visit_params_mut(&mut |name, param| {
            if name.is(path) {
                edit(param.value_mut().as_mut_slice());
            }
        });
    }

    /// Ends the transaction and keeps the changes.
    pub(super) fn keep(mut self) {
        self.before.clear();
    }
}

impl<T: Scalar, M: Module<T> + ?Sized> Drop for Transaction<'_, T, M> {
    fn drop(&mut self) {
        let mut before = self.before.drain(..);
        self.model.visit_params_mut(&mut |_, param| {
            if let Some((value, awaits_activation, initializer)) = before.next() {
                param.begin(value, awaits_activation, initializer);
            }
        });
    }
}
