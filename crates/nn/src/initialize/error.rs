//! [`InitError`]: the reasons why a built model could not be initialized.

use std::fmt;

/// The reason why the initialization of a built model was refused. The model keeps its values.
///
/// `Debug` prints the same text, so that `fn main() -> Result<(), InitError>` shows it.
///
/// # Example
/// ```
/// use fanin_nn::init::{Orthogonal, Zeros};
/// use fanin_nn::{InitError, InitPlan, Linear, Parameters};
///
/// let mut layer = Linear::new(3, 2);
/// let error = layer.init(&InitPlan::new().set("wieght", Zeros)).unwrap_err();
/// assert_eq!(error.to_string(), "no parameter matches `wieght`; the nearest are `weight`, `bias`");
///
/// let error = layer.init(&InitPlan::new().biases(Orthogonal::default())).unwrap_err();
/// assert!(matches!(error, InitError::Initializer { path, .. } if path == "bias"));
/// ```
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum InitError {
    /// No parameter matches the pattern.
    #[error("no parameter matches `{pattern}`{}", suggest(nearest))]
    Unmatched {
        /// The pattern that was given.
        pattern: String,
        /// The most similar names.
        nearest: Vec<String>,
    },
    /// All parameters that match the pattern are frozen.
    #[error(
        "every parameter that matches `{pattern}` is frozen, so none would change; write its name \
         in full in a plan, or call set_trainable(true) first"
    )]
    Frozen {
        /// The pattern that was given.
        pattern: String,
    },
    /// All parameters that match the pattern are of those that only their full name selects.
    #[error(
        "`{pattern}` would change nothing: a pattern leaves `{path}` alone ({why}); write the name in \
         full"
    )]
    Kept {
        /// The pattern that was given.
        pattern: String,
        /// The first parameter that matches.
        path: String,
        /// The reason.
        why: String,
    },
    /// The plan is for all parameters of a kind, or has a pattern, and nothing states the kind of this
    /// parameter.
    #[error(
        "`{path}`: its kind is not stated, so nobody can tell whether the plan means it; make it with \
         Param::weight, Param::bias, Param::scale or Param::shift, or write `{path}` in full in the plan"
    )]
    Unstated {
        /// The parameter.
        path: String,
    },
    /// [`MuP`](crate::MuP) cannot tell how a parameter depends on the width.
    #[error("`{path}`: {reason}")]
    MuP {
        /// The parameter.
        path: String,
        /// The reason.
        reason: String,
    },
    /// An initializer cannot fill its parameter.
    #[error("`{path}`: {reason}")]
    Initializer {
        /// The parameter.
        path: String,
        /// The initializer's message.
        reason: String,
    },
    /// The model cannot be run on the batch.
    #[error("the batch does not fit: {why}")]
    Batch {
        /// The reason.
        why: String,
    },
    /// The pre-activations of a layer are not all finite.
    #[error(
        "layer `{layer}`: its pre-activations on the batch are not all finite; draw smaller weights \
         first"
    )]
    NonFinite {
        /// The path of the layer's weight.
        layer: String,
    },
    /// The pre-activations of a layer or unit are all equal, so no scale gives them a standard
    /// deviation of 1.
    #[error(
        "layer `{layer}`: {} the same pre-activation for all samples of the batch, so its standard \
         deviation cannot be made 1; give more samples, or draw other weights for this layer and \
         those before it",
        unit.map_or("all units have".into(), |unit| format!("unit {unit} has"))
    )]
    Constant {
        /// The path of the layer's weight.
        layer: String,
        /// The unit; none if all units of the layer are concerned.
        unit: Option<usize>,
    },
    /// No gradient reaches a layer.
    #[error(
        "layer `{layer}`: no gradient reaches its weight, so its rate is 0 and cannot be scaled"
    )]
    NoGradient {
        /// The path of the layer's weight.
        layer: String,
    },
    /// Scaling the layers would change the function of the network.
    #[error(
        "the layers' rates cannot be made equal: scaling the weights would change the output by \
         {:.2} % of its size, because an activation does not have φ(c·x) = c·φ(x), or a layer is \
         frozen or not in sequence; call within_layers_only()", change * 100.0
    )]
    NotHomogeneous {
        /// The change of the output, divided by its size.
        change: f64,
    },
    /// The labels do not fit the model's classes.
    #[error("the labels do not fit: {why}")]
    Labels {
        /// The reason.
        why: String,
    },
    /// There is no output bias to set.
    #[error(
        "the model's output is not that of a linear layer with a bias: an activation, or another \
         operation, follows, or the layer has none"
    )]
    NoOutputBias,
}

impl fmt::Debug for InitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn suggest(nearest: &[String]) -> String {
    if nearest.is_empty() {
        return ": the model has none".into();
    }
    let names: Vec<_> = nearest.iter().map(|name| format!("`{name}`")).collect();
    format!("; the nearest are {}", names.join(", "))
}
