//! [`LbfgsState`]: what L-BFGS remembers, as data.

use fanin_tensor::Scalar;
use serde::{Deserialize, Serialize};

use super::{Lbfgs, Memory, Pair, dot};
use crate::optim::StateError;
use crate::parameters::Parameters;

/// What an [`Lbfgs`] remembers. The trainable parameters are one vector, in the order of the model. With
/// serde it goes into any file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, bound = "")]
pub struct LbfgsState<T: Scalar = f32> {
    /// The learning rate.
    pub lr: f64,
    /// How many iterations there were.
    pub iterations: u64,
    /// How often the loss was evaluated.
    pub evaluations: u64,
    /// How far the last iteration went along its direction.
    pub length: f64,
    /// The direction of the last iteration.
    pub direction: Vec<T>,
    /// The gradient at its start.
    pub gradient: Vec<T>,
    /// The changes of the gradient and of the parameters in the iterations before it, the oldest first.
    pub pairs: Vec<(Vec<T>, Vec<T>)>,
}

impl<T: Scalar> Lbfgs<T> {
    /// What it remembers, for a file: see [`load_state`](Self::load_state).
    #[doc(alias = "state_dict")]
    pub fn state(&self) -> LbfgsState<T> {
        let memory = &self.memory;
        LbfgsState {
            lr: self.lr,
            iterations: memory.iterations,
            evaluations: memory.evaluations,
            length: memory.t,
            direction: memory.direction.clone(),
            gradient: memory.previous.clone(),
            pairs: memory.history.iter().map(|pair| (pair.y.clone(), pair.s.clone())).collect(),
        }
    }

    /// Goes on from the state of another one that trained such a model, to the bit. The learning rate is
    /// part of it.
    ///
    /// # Errors
    /// If the state does not fit the model or the history size. Nothing has changed then.
    ///
    /// # Example
    /// ```
    /// use fanin_nn::optim::{Lbfgs, LbfgsState};
    /// use fanin_nn::{Linear, Module, Tape, Tensor};
    ///
    /// let (mut model, mut lbfgs) = (Linear::new(3, 1), Lbfgs::new(1.0));
    /// let (x, mut tape) = (Tensor::ones([4, 3]), Tape::new());
    /// lbfgs.step(&mut model, &mut tape, |m, t| m.forward(t.input(&x)).square().mean());
    ///
    /// let saved = serde_json::to_string(&lbfgs.state())?;
    /// let state: LbfgsState = serde_json::from_str(&saved)?;
    /// Lbfgs::new(1.0).load_state(&model, state)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "load_state_dict")]
    pub fn load_state<M: Parameters<T>>(
        &mut self,
        model: &M,
        state: LbfgsState<T>,
    ) -> Result<(), StateError> {
        let memory = memory_of(&state, self.history_size, model)?;
        (self.lr, self.memory) = (state.lr, memory);
        Ok(())
    }
}

fn memory_of<'a, T: Scalar>(
    state: &'a LbfgsState<T>,
    history_size: usize,
    model: &'a dyn Parameters<T>,
) -> Result<Memory<T>, StateError> {
    let refuse = |why: String| Err(StateError::new("Lbfgs", why));
    let mut trainable = 0;
    model.visit_params(&mut |_, p| {
        if p.is_trainable() {
            trainable += p.value().len();
        }
    });
    let wanted = if state.iterations == 0 { 0 } else { trainable };
    let ends = [&state.direction, &state.gradient];
    let vectors = ends.into_iter().chain(state.pairs.iter().flat_map(|(y, s)| [y, s]));
    for vector in vectors {
        if vector.len() != wanted {
            let len = vector.len();
            return refuse(format!("it is of {len} numbers, and the model trains {wanted}"));
        }
        if let Some(x) = vector.iter().find(|x| !x.is_finite()) {
            return refuse(format!("a number of it is {x}"));
        }
    }
    for (what, value) in [("learning rate", state.lr), ("step length", state.length)] {
        if !(value >= 0.0 && value.is_finite()) {
            return refuse(format!("its {what} is {value}"));
        }
    }
    if state.pairs.len() > history_size {
        let pairs = state.pairs.len();
        return refuse(format!("it has {pairs} pairs, and the history size is {history_size}"));
    }
    let mut memory = Memory::new();
    for (y, s) in &state.pairs {
        let curvature = dot(y, s);
        if curvature.is_nan() || curvature <= 0.0 {
            return refuse(format!("the curvature of a pair is {curvature}"));
        }
        memory.push(Pair { y: y.clone(), s: s.clone(), rho: 0.0, alpha: 0.0 }, curvature);
    }
    memory.iterations = state.iterations;
    memory.evaluations = state.evaluations;
    memory.t = state.length;
    memory.direction = state.direction.clone();
    memory.previous = state.gradient.clone();
    Ok(memory)
}
