//! Optimizers. A [`Rule`] is one small loop that looks like its paper's algorithm, one a file.
//! [`RuleOptimizer`] does the rest for all of them: state by parameter, groups, rates, checks.

mod averaging;
mod first_step;
mod lbfgs;
mod memory;
mod pass;
mod rule;
mod rule_optimizer;
mod state;

/// Methods that set a number of the rule within a range, for an optimizer of that name.
macro_rules! options {
    ($name:literal: $($(#[$meta:meta])* $field:ident in $low:literal..$high:expr;)*) => {$(
        $(#[$meta])*
        ///
        /// # Panics
        #[doc = concat!("**Panics** unless it is in \\[", $low, ", ", stringify!($high), ").")]
        #[must_use]
        #[track_caller]
        pub fn $field(mut self, $field: f64) -> Self {
            let high: f64 = $high;
            require($name, stringify!($field), $field, $low, high);
            self.rule.$field = $field;
            self
        }
    )*};
}

/// A line for each rule: its file, and its optimizers and rule.
macro_rules! optimizers {
    ($($file:ident: $($name:ident)*;)*) => {$(
        mod $file;
        pub use $file::{$($name),*};
    )*};
}
optimizers! {
    adadelta: Adadelta AdadeltaRule;
    adafactor: Adafactor AdafactorRule;
    adagrad: Adagrad AdagradRule;
    adam: Adam AdamW AdamRule;
    adamax: Adamax AdamaxRule;
    asgd: Asgd AsgdRule;
    lion: Lion LionRule;
    muon: Muon MuonRule MuonScale;
    nadam: NAdam NAdamRule;
    radam: RAdam RAdamRule;
    rmsprop: RmsProp RmsPropRule;
    rprop: Rprop RpropRule;
    sgd: Sgd SgdRule;
}

pub use averaging::{AverageState, Averaging, Ema, Swa};
pub use lbfgs::{Lbfgs, LbfgsState};
pub use rule::{Rule, Step};
pub use rule_optimizer::RuleOptimizer;
pub use state::{OptimizerState, ParamState, StateError};

use fanin_tensor::Scalar;

use crate::parameters::Parameters;
use crate::tape::Gradients;

/// Changes parameters by their gradients, and buffers by the updates that travel with these.
///
/// An optimizer keeps what it remembers of a parameter (momentum, moments) for this very parameter, so
/// a layer put in front of a model takes nothing over. For a clone of the model, or one built anew, it
/// goes by the parameter's path. One optimizer serves one model; two models that play against each
/// other have an optimizer each. Some parameters may have [options](RuleOptimizer::group) of their own.
///
/// # Subnormal numbers
/// A momentum whose gradient is 0 decays to subnormal numbers, on which many CPUs are slow. So every 16th
/// step of a parameter sets its elements below 8e-31 (for `f32`) to 0, and those of its slots below 8e-37.
/// See [`subnormal`](fanin_tensor::subnormal).
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no optimizer",
    label = "no `Optimizer`, such as `Adam::new(1e-3)`",
    note = "a `Trainer` takes the loss first, then the optimizer: `Trainer::new(Mse::new(), Adam::new(1e-3))`"
)]
pub trait Optimizer<T: Scalar = f32>: Send {
    /// One step, in place. Parameters that are frozen, or on which the loss does not depend, stay as
    /// they are.
    ///
    /// # Panics
    /// **Panics** if the model shows none of the parameters that the loss depends on, a parameter has
    /// another shape than in the steps before, or a group's pattern matches no parameter.
    #[track_caller]
    fn step(&mut self, model: &mut dyn Parameters<T>, grads: Gradients<'_, T>);

    /// The learning rate.
    fn lr(&self) -> f64;

    /// Sets the learning rate of the next steps, as a schedule does. Rates of groups change in
    /// proportion.
    ///
    /// # Panics
    /// **Panics** if it is negative or not finite.
    #[doc(alias("lr_scheduler"))]
    #[track_caller]
    fn set_lr(&mut self, lr: f64);

    /// What the optimizer remembers, for a file: see [`load_state`](Self::load_state).
    /// An optimizer that does not say remembers nothing.
    #[doc(alias("state_dict"))]
    fn state(&self) -> OptimizerState<T> {
        let optimizer = std::any::type_name::<Self>().to_owned();
        OptimizerState { optimizer, lr: self.lr(), params: vec![] }
    }

    /// Goes on from the state of an optimizer of the same kind that trained such a model, so that
    /// training continues to the bit. The learning rate is part of it.
    ///
    /// # Errors
    /// If the state is that of another optimizer, or does not fit the model. Nothing has changed then.
    ///
    /// # Example
    /// ```
    /// use fanin_nn::optim::OptimizerState;
    /// use fanin_nn::{Adam, Linear, Module, Optimizer, Tape, Tensor};
    ///
    /// let (mut model, mut adam) = (Linear::new(3, 2), Adam::new(1e-3));
    /// let (x, mut tape) = (Tensor::ones([4, 3]), Tape::new());
    /// let (_, grads) = tape.value_and_grad(|t| model.forward(t.input(&x)).square().mean());
    /// adam.step(&mut model, grads);
    ///
    /// let saved = serde_json::to_string(&Optimizer::<f32>::state(&adam))?;
    /// let state: OptimizerState = serde_json::from_str(&saved)?;
    /// let mut resumed = Adam::new(1e-3);
    /// resumed.load_state(&model, state)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias("load_state_dict"))]
    fn load_state(
        &mut self,
        model: &dyn Parameters<T>,
        state: OptimizerState<T>,
    ) -> Result<(), StateError> {
        let _ = model;
        let known = std::any::type_name::<Self>();
        if state.optimizer != known || !state.params.is_empty() {
            let why = format!("this optimizer is {known}, and remembers nothing");
            return Err(StateError::new(state.optimizer, why));
        }
        self.set_lr(state.lr);
        Ok(())
    }
}

/// # Panics
/// **Panics** unless `low ≤ value < high`.
#[track_caller]
fn require(optimizer: &str, what: &str, value: f64, low: f64, high: f64) {
    assert!(value >= low && value < high, "{optimizer}: {what} {value} is outside [{low}, {high})");
}

/// Both, each in `[0, 1)`.
#[track_caller]
fn betas(optimizer: &str, beta1: f64, beta2: f64) -> (f64, f64) {
    require(optimizer, "beta1", beta1, 0.0, 1.0);
    require(optimizer, "beta2", beta2, 0.0, 1.0);
    (beta1, beta2)
}
