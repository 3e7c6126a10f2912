//! A layer's position in the network, for initializers that depend on it.

use serde::{Deserialize, Serialize};

use crate::scheme::words;

/// A layer's position in its network. Used by [`LooksLinear`](crate::LooksLinear) and
/// [`Siren`](crate::Siren).
///
/// # Example
/// ```
/// use fanin_init::{LooksLinear, Position};
///
/// let layers = [Position::First, Position::Hidden, Position::Last].map(LooksLinear::new);
/// assert_eq!(layers[1].position, Position::Hidden);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Position {
    /// Its inputs are the data.
    First,
    /// Between two activations.
    #[default]
    Hidden,
    /// No activation follows it.
    Last,
}

words!(Position { First: "first", Hidden: "hidden", Last: "last" });
