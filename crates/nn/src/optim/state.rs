//! [`OptimizerState`]: what an optimizer remembers, as data.

use std::fmt;

use fanin_tensor::{Scalar, Tensor, show_shape};
use serde::{Deserialize, Serialize};

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
    pub steps: i32,
    /// Its tensors by their names, of the parameter's shape.
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

impl fmt::Debug for StateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<T: Scalar> OptimizerState<T> {
    /// Whether an optimizer with this name, and these slots for the parameter of a path, can go on
    /// from here with the model.
    pub(super) fn check(
        &self,
        optimizer: &str,
        slots_of: impl Fn(&str) -> &'static [&'static str],
        model: &dyn Parameters<T>,
    ) -> Result<(), StateError> {
        let refuse = |why| Err(StateError { optimizer: self.optimizer.clone(), why });
        if self.optimizer != optimizer {
            return refuse(format!("this optimizer is {optimizer}"));
        }
        if !(self.lr >= 0.0 && self.lr.is_finite()) {
            return refuse(format!("its learning rate is {}", self.lr));
        }
        let params = model.named_params();
        for (i, param) in self.params.iter().enumerate() {
            let path = &param.path;
            let Some((_, model)) = params.iter().find(|(of_model, _)| of_model == path) else {
                return refuse(format!("the model has no parameter {path}"));
            };
            if self.params[..i].iter().any(|other| other.path == *path) {
                return refuse(format!("it has two entries for {path}"));
            }
            if param.steps < 1 {
                return refuse(format!("{path} was changed {} times", param.steps));
            }
            let slots = slots_of(path);
            if !param.slots.iter().map(|(name, _)| &**name).eq(slots.iter().copied()) {
                let names: Vec<_> = param.slots.iter().map(|(name, _)| name).collect();
                return refuse(format!("{path} has {names:?} and not {slots:?}"));
            }
            let shape = model.value().shape();
            if let Some((name, slot)) = param.slots.iter().find(|(_, s)| s.shape() != shape) {
                let (slot, shape) = (show_shape(slot.shape()), show_shape(shape));
                return refuse(format!("{name} of {path} is {slot}, and the parameter is {shape}"));
            }
        }
        Ok(())
    }
}
