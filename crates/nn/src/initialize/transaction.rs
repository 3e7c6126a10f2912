//! [`Transaction`]: changes to a model that are taken back unless they are kept.

use std::sync::Arc;

use fanin_init::Initializer;
use fanin_tensor::{Scalar, Tensor};

use super::InitError;
use super::InitPlan;
use crate::describe::Features;
use crate::diagnose::Probe;
use crate::module::Module;
use crate::param::Param;

/// A model that is being changed. Dropped before it is [kept](Self::keep), by an error or a panic, it
/// puts the old values back.
pub(super) struct Transaction<'m, T: Scalar, M: Module<T> + ?Sized> {
    pub(super) model: &'m mut M,
    x: &'m Tensor<T>,
    /// Of all parameters: value, whether it awaits its activation, initializer. The values share their
    /// elements with the model's until it writes.
    before: Vec<(Tensor<T>, bool, Option<Arc<str>>)>,
}

impl<'m, T: Scalar, M: Module<T> + ?Sized> Transaction<'m, T, M> {
    /// Begins with a batch that fits the model, as far as the model says.
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

    /// What the batch makes of the model as it is now.
    #[track_caller]
    pub(super) fn probe(&self) -> Probe<T> {
        Probe::forward(&*self.model, self.x)
    }

    /// [`probe`](Self::probe), with gradients.
    #[track_caller]
    pub(super) fn probe_gradients(&self) -> Probe<T> {
        Probe::new(&*self.model, self.x)
    }

    /// Whether there is such a parameter and it is not frozen.
    pub(super) fn may_change(&self, path: &str) -> bool {
        self.model.named_params().iter().any(|(name, p)| name == path && p.is_trainable())
    }

    /// Draws the weights of the probed layers anew, keyed if there is a seed.
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

    /// Ends it: the model stays as it is now.
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
