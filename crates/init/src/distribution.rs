//! What an initializer draws from, where its variance is given by something else.

use serde::{Deserialize, Serialize};

use crate::scheme::words;

/// The form of an initializer whose variance is given by something else.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Distribution {
    /// Uniform.
    Uniform,
    /// Normal.
    Normal,
    /// Normal, truncated at two standard deviations, and widened so that the variance is kept.
    #[default]
    TruncatedNormal,
}

words!(Distribution {
    Uniform: "uniform",
    Normal: "normal" "untruncated_normal",
    TruncatedNormal: "truncated_normal",
});
