//! [`InitError`]: why a built model could not be initialized.

use std::fmt;

/// Why an initialization of a built model was refused. The model is as it was before.
///
/// `Debug` prints the same prose, so that `fn main() -> Result<(), InitError>` shows it.
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
    /// No parameter has such a name.
    #[error("no parameter matches `{pattern}`{}", suggest(nearest))]
    Unmatched {
        /// What was asked for.
        pattern: String,
        /// Names that are like it.
        nearest: Vec<String>,
    },
    /// All parameters of this pattern are frozen.
    #[error(
        "every parameter that matches `{pattern}` is frozen, so none would change; write its name \
         in full in a plan, or call set_trainable(true) first"
    )]
    Frozen {
        /// What was asked for.
        pattern: String,
    },
    /// [`MuP`](crate::MuP) cannot tell what part a parameter has in the width.
    #[error("`{path}`: {reason}")]
    MuP {
        /// The parameter.
        path: String,
        /// Why.
        reason: String,
    },
    /// An initializer cannot fill its parameter.
    #[error("`{path}`: {reason}")]
    Initializer {
        /// The parameter.
        path: String,
        /// What the initializer says.
        reason: String,
    },
    /// The model cannot be run on the batch.
    #[error("the batch does not fit: {why}")]
    Batch {
        /// Where and how.
        why: String,
    },
    /// Numbers have grown without bounds.
    #[error(
        "layer `{layer}`: its pre-activations on the batch are not all finite; draw smaller weights \
         first"
    )]
    NonFinite {
        /// The layer's weight.
        layer: String,
    },
    /// There is nothing to scale.
    #[error(
        "layer `{layer}`: {} the same pre-activation for all samples of the batch, so its standard \
         deviation cannot be made 1; give more samples, or draw other weights for this layer and \
         those before it",
        unit.map_or("all units have".into(), |unit| format!("unit {unit} has"))
    )]
    Constant {
        /// The layer's weight.
        layer: String,
        /// Which of its units; none if all are the same.
        unit: Option<usize>,
    },
    /// No gradient reaches a layer.
    #[error("layer `{layer}`: no gradient reaches its weight, so it has no rate to be made equal")]
    NoGradient {
        /// The layer's weight.
        layer: String,
    },
    /// Scaled layers would compute something else.
    #[error(
        "the layers' rates cannot be made equal: to scale weights would change the output by {:.2} % \
         of its size, because not every activation has φ(c·x) = c·φ(x), or not all layers are one \
         behind the other and trainable; call within_layers_only()", change * 100.0
    )]
    NotHomogeneous {
        /// The change beside the size of the output.
        change: f64,
    },
    /// The labels are not those of the model's classes.
    #[error("the labels do not fit: {why}")]
    Labels {
        /// Where and how.
        why: String,
    },
    /// There is no bias to set.
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
