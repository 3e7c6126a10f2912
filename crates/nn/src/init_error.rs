//! [`InitError`]: why a built model could not be initialized.

use std::fmt;

/// Why an initialization of a built model was refused. The model is as it was before.
///
/// `Debug` prints the same prose, so that `fn main() -> Result<(), InitError>` shows it.
///
/// # Example
/// ```
/// use fanin_nn::init::{Orthogonal, Zeros};
/// use fanin_nn::{InitError, InitPlan, Linear, Module};
///
/// let mut layer = Linear::new(3, 2);
/// let error = layer.init(&InitPlan::new().set("wieght", Zeros)).unwrap_err();
/// assert_eq!(error.to_string(), "no parameter matches `wieght`; the nearest are `weight`, `bias`");
///
/// let error = layer.init(&InitPlan::new().biases(Orthogonal::default())).unwrap_err();
/// assert!(matches!(error, InitError::Law { path, .. } if path == "bias"));
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
         in full, or call set_trainable(true) first"
    )]
    Frozen {
        /// What was asked for.
        pattern: String,
    },
    /// A law cannot fill its parameter.
    #[error("`{path}`: {reason}")]
    Law {
        /// The parameter.
        path: String,
        /// What the law says.
        reason: String,
    },
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
