//! [`Epoch`] and [`Stopped`].

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// The numbers of an epoch.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Epoch {
    /// Which epoch, from 1.
    pub number: usize,
    /// Steps of the optimizer.
    pub steps: usize,
    /// Samples that were trained on.
    pub samples: usize,
    /// The mean training loss over all samples, each before the step on its batch.
    #[serde(deserialize_with = "number")]
    pub loss: f64,
    /// The mean loss on the validation set, if there is one.
    pub valid_loss: Option<f64>,
    /// The metrics by their names: on the validation set, or on the training batches if there is none.
    #[serde(deserialize_with = "numbers")]
    pub metrics: BTreeMap<String, f64>,
    /// The learning rate of the last step.
    #[serde(deserialize_with = "number")]
    pub rate: f64,
    /// How long it took, validation included.
    pub seconds: f64,
}

/// `null`, as which JSON has NaN, becomes NaN.
fn number<'de, D: serde::Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or(f64::NAN))
}

fn numbers<'de, D: serde::Deserializer<'de>>(from: D) -> Result<BTreeMap<String, f64>, D::Error> {
    let numbers = BTreeMap::<String, Option<f64>>::deserialize(from)?;
    Ok(numbers.into_iter().map(|(name, x)| (name, x.unwrap_or(f64::NAN))).collect())
}

/// Why training ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Stopped {
    /// All epochs are done.
    #[default]
    Finished,
    /// [Early stopping](crate::EarlyStopping) saw no improvement.
    Early,
    /// A callback ended it.
    Callback,
    /// Ctrl-C was pressed.
    Interrupted,
}

/// `after all epochs`, `early`, `by a callback`, `by Ctrl-C`.
impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Finished => "after all epochs",
            Self::Early => "early: no improvement",
            Self::Callback => "by a callback",
            Self::Interrupted => "by Ctrl-C",
        })
    }
}
