//! What an initializer draws from, where its variance is given by something else.

use serde::{Deserialize, Serialize};

use crate::scheme::words;

/// The distribution from which an initializer draws, when its variance is given by other
/// parameters.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Distribution {
    /// Uniform.
    Uniform,
    /// Normal.
    Normal,
    /// Normal, truncated at two standard deviations, and scaled so that the variance is the one
    /// stated.
    #[default]
    TruncatedNormal,
}

words!(Distribution {
    Uniform: "uniform",
    Normal: "normal" "untruncated_normal",
    TruncatedNormal: "truncated_normal",
});
