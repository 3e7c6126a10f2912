//! [`DataInitReport`]: the effect of an initializer that looks at data.

use std::fmt;

use fanin_tensor::Scalar;

use super::InitError;
use super::{Moments, layer_moments};
use crate::diagnose::Probe;

/// The pre-activations of each linear layer before and after initialization, in order of use.
/// Prints as a table.
#[derive(Clone, Debug, PartialEq)]
pub struct DataInitReport {
    layers: Vec<LayerSignal>,
}

/// One linear layer of a [`DataInitReport`]. Means and standard deviations are over all its
/// pre-activations on the batch.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq)]
pub struct LayerSignal {
    /// The path of its weight in the model, such as `0.weight`.
    pub weight_path: String,
    /// The mean before initialization.
    pub mean_before: f64,
    /// The standard deviation before initialization.
    pub std_before: f64,
    /// The mean after initialization.
    pub mean: f64,
    /// The standard deviation after initialization.
    pub std: f64,
    /// The number of times the weight was scaled. 0 if it met the tolerance from the start or is
    /// frozen.
    pub rounds: usize,
}

impl DataInitReport {
    /// Compares two probes. `rounds` gives the number of times a weight was scaled.
    pub(super) fn new<T: Scalar>(
        before: &Probe<T>,
        after: &Probe<T>,
        rounds: impl Fn(&str) -> usize,
    ) -> Result<Self, InitError> {
        let pairs = before.layers().iter().zip(after.layers());
        let layers = pairs.map(|(before, after)| {
            let old = Moments::of(before.pre_activation.as_slice().iter().copied());
            let new = layer_moments(after)?;
            Ok(LayerSignal {
                weight_path: after.weight_path.clone(),
                mean_before: old.mean,
                std_before: old.std,
                mean: new.mean,
                std: new.std,
                rounds: rounds(&after.weight_path),
            })
        });
        Ok(Self { layers: layers.collect::<Result<_, _>>()? })
    }

    /// The linear layers in order of use.
    pub fn layers(&self) -> &[LayerSignal] {
        &self.layers
    }

    /// The largest `|std − 1|` of all layers.
    pub fn worst(&self) -> f64 {
        self.layers.iter().map(|layer| (layer.std - 1.0).abs()).fold(0.0, f64::max)
    }
}

impl fmt::Display for DataInitReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.layers.iter().map(|l| l.weight_path.len()).fold(6, usize::max);
        writeln!(f, "{:width$}  mean before  std before       mean        std  rounds", "weight")?;
        for layer in &self.layers {
            let LayerSignal { weight_path, mean_before, std_before, mean, std, rounds } = layer;
            writeln!(
                f,
                "{weight_path:width$}  {mean_before:>11.3e}  {std_before:>10.3e} {mean:>10.3} \
                 {std:>10.3}  {rounds:>6}"
            )?;
        }
        Ok(())
    }
}
