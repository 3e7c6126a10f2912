//! [`OptimizerState`]: what an optimizer remembers, as data.

use std::collections::{HashMap, HashSet};
use std::fmt;

use fanin_tensor::{Scalar, Tensor, show_shape};
use serde::{Deserialize, Serialize};

use super::memory::{Entry, Memory};
use crate::param::Param;
use crate::parameters::Parameters;

/// What an optimizer remembers, by the paths of the parameters. With serde it goes into any file.
///
/// [`Optimizer::state`](super::Optimizer::state) gives it, and
/// [`Optimizer::load_state`](super::Optimizer::load_state) takes it back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, bound = "")]
pub struct OptimizerState<T: Scalar = f32> {
    /// The optimizer's name.
    pub optimizer: String,
    /// The learning rate.
    pub lr: f64,
    /// The parameters that have been trained.
    pub params: Vec<ParamState<T>>,
}

/// What an optimizer remembers of one parameter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, bound = "")]
pub struct ParamState<T: Scalar = f32> {
    /// The parameter's path.
    pub path: String,
    /// How often it was changed.
    pub steps: u64,
    /// Its tensors by their names.
    pub slots: Vec<(String, Tensor<T>)>,
}

/// Why an optimizer could not take a state.
///
/// `Debug` prints the same prose.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the state of {optimizer} does not fit: {why}; build model and optimizer as they were when \
         it was saved"
)]
pub struct StateError {
    optimizer: String,
    why: String,
}

impl StateError {
    /// For an optimizer of your own: the state's optimizer, and why its state does not fit.
    pub fn new(optimizer: impl Into<String>, why: impl Into<String>) -> Self {
        Self { optimizer: optimizer.into(), why: why.into() }
    }
}

impl fmt::Debug for StateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The names of the slots of the parameter with this path.
type SlotsOf<'a> = dyn Fn(&str) -> &'static [&'static str] + 'a;
/// The slots of the parameter with this path before its first step.
type Fresh<'a, T> = dyn Fn(&str, &Param<T>) -> Vec<Tensor<T>> + 'a;

once! {
    /// The parameters that have been trained.
    pub(super) fn export<'a, T: Scalar>(
        memory: &'a Memory,
        slots_of: &'a SlotsOf<'a>,
    ) -> Vec<ParamState<T>> {
        let mut params = vec![];
        for entry in memory.get::<T>().iter().filter(|entry| entry.steps > 0) {
            let names = slots_of(&entry.path).iter().map(|slot| (*slot).to_owned());
            let slots = names.zip(entry.slots.iter().cloned()).collect();
            params.push(ParamState { path: entry.path.clone(), steps: entry.steps, slots });
        }
        params
    }

    fn check<'a, T: Scalar>(
        state: &'a OptimizerState<T>,
        optimizer: &'a str,
        slots_of: &'a SlotsOf<'a>,
        fresh: &'a Fresh<'a, T>,
        model: &'a dyn Parameters<T>,
    ) -> Result<(), StateError> {
        let refuse = |why| Err(StateError { optimizer: state.optimizer.clone(), why });
        if state.optimizer != optimizer {
            return refuse(format!("this optimizer is {optimizer}"));
        }
        if !(state.lr >= 0.0 && state.lr.is_finite()) {
            return refuse(format!("its learning rate is {}", state.lr));
        }
        let mut params = HashMap::new();
        for (path, param) in model.named_params() {
            params.entry(path).or_insert(param);
        }
        let mut seen = HashSet::new();
        for param in &state.params {
            let path = &param.path;
            let Some(model) = params.get(path) else {
                return refuse(format!("the model has no parameter {path}"));
            };
            if !seen.insert(path) {
                return refuse(format!("it has two entries for {path}"));
            }
            if param.steps == 0 {
                return refuse(format!("{path} was changed 0 times"));
            }
            let slots = slots_of(path);
            if !param.slots.iter().map(|(name, _)| &**name).eq(slots.iter().copied()) {
                let names: Vec<_> = param.slots.iter().map(|(name, _)| name).collect();
                return refuse(format!("{path} has {names:?} and not {slots:?}"));
            }
            let of = show_shape(model.value().shape());
            for ((name, slot), fresh) in param.slots.iter().zip(fresh(path, model)) {
                if slot.shape() != fresh.shape() {
                    let (slot, fresh) = (show_shape(slot.shape()), show_shape(fresh.shape()));
                    let but = if fresh == of { String::new() } else { format!(" and wants {fresh}") };
                    return refuse(format!(
                        "{name} of {path} is {slot}, and the parameter is {of}{but}"
                    ));
                }
            }
        }
        Ok(())
    }

    fn into_entries<T: Scalar>(params: Vec<ParamState<T>>) -> Memory {
        let entry = |param: ParamState<T>| Entry {
            path: param.path,
            // No parameter has this id, so the entry is found by its path.
            id: u64::MAX,
            shape: None,
            steps: param.steps,
            slots: param.slots.into_iter().map(|(_, tensor)| tensor).collect(),
            group: None,
        };
        let mut memory = Memory::Empty;
        *memory.entries() = params.into_iter().map(entry).collect();
        memory
    }
}

impl<T: Scalar> OptimizerState<T> {
    /// The memory of an optimizer with this name, and these slots for the parameter of a path, that
    /// goes on from here with the model. `fresh` gives the shapes of the slots.
    pub(super) fn into_memory(
        self,
        optimizer: &str,
        slots_of: &SlotsOf<'_>,
        fresh: &Fresh<'_, T>,
        model: &dyn Parameters<T>,
    ) -> Result<Memory, StateError> {
        check(&self, optimizer, slots_of, fresh, model)?;
        Ok(into_entries(self.params))
    }
}
