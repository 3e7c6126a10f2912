//! Which layer of a network an initializer is for, where that changes the initializer.

use serde::{Deserialize, Serialize};

use crate::scheme::words;

/// Where in a network a layer stands. Used by [`LooksLinear`](crate::LooksLinear) and
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
    /// It sees the data.
    First,
    /// Between two activations.
    #[default]
    Hidden,
    /// No activation follows it.
    Last,
}

words!(Position { First: "first", Hidden: "hidden", Last: "last" });
