//! [`DataInitReport`]: the effect of an initializer that looks at data.

use std::fmt;

use fanin_tensor::Scalar;

use super::InitError;
use super::transaction::Transaction;
use super::{Moments, layer_moments};
use crate::diagnose::{LayerProbe, Probe};
use crate::module::Module;

/// The pre-activations of each linear layer before and after initialization, in order of use.
/// Prints as a table, which names the layers that end far from a standard deviation of 1.
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
    /// kept.
    pub rounds: usize,
    /// Whether the weight was to keep its value, because it is frozen or
    /// [protected](crate::Param::set_protected).
    pub kept: bool,
}

/// A layer is far off if its standard deviation is more than this factor above or below 1.
const FAR: f64 = 2.0;

impl LayerSignal {
    /// Whether the layer was initialized, and its standard deviation is above 2, below 1/2 or not finite
    /// afterwards.
    pub fn is_far_off(&self) -> bool {
        let near = self.std >= 1.0 / FAR && self.std <= FAR;
        !self.kept && !near
    }
}

impl DataInitReport {
    /// Compares a probe from before with the model as it is. `rounds` gives the number of times a weight
    /// was scaled.
    pub(super) fn new<T: Scalar, M: Module<T> + ?Sized>(
        before: &Probe<T>,
        transaction: &Transaction<'_, T, M>,
        after: &Probe<T>,
        rounds: impl Fn(&str) -> usize,
    ) -> Result<Self, InitError> {
        let pairs = before.layers().iter().zip(after.layers());
        let layers = pairs.map(|(before, after)| {
            let of = |layer: &LayerProbe<T>| {
                Moments::of(layer.pre_activation.as_slice().iter().copied())
            };
            let kept = !transaction.may_change(&after.weight_path);
            // A layer that is kept may begin at 0.
            let (old, new) = (of(before), if kept { of(after) } else { layer_moments(after)? });
            Ok(LayerSignal {
                weight_path: after.weight_path.clone(),
                mean_before: old.mean,
                std_before: old.std,
                mean: new.mean,
                std: new.std,
                rounds: rounds(&after.weight_path),
                kept,
            })
        });
        Ok(Self { layers: layers.collect::<Result<_, _>>()? })
    }

    /// The linear layers in order of use.
    pub fn layers(&self) -> &[LayerSignal] {
        &self.layers
    }

    /// The largest `|std − 1|` of the layers that were not to keep their weights.
    pub fn worst(&self) -> f64 {
        let changed = self.layers.iter().filter(|layer| !layer.kept);
        changed.map(|layer| (layer.std - 1.0).abs()).fold(0.0, f64::max)
    }

    /// The layers that [are far off](LayerSignal::is_far_off). The table names them below.
    pub fn far_off(&self) -> impl Iterator<Item = &LayerSignal> {
        self.layers.iter().filter(|layer| layer.is_far_off())
    }
}

impl fmt::Display for DataInitReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.layers.iter().map(|l| l.weight_path.len()).fold(6, usize::max);
        writeln!(f, "{:width$}  mean before  std before       mean        std  rounds", "weight")?;
        for layer in &self.layers {
            let LayerSignal { weight_path, mean_before, std_before, mean, std, rounds, kept } =
                layer;
            let rounds = if *kept { "kept".to_owned() } else { rounds.to_string() };
            writeln!(
                f,
                "{weight_path:width$}  {mean_before:>11.3e}  {std_before:>10.3e} {mean:>10.3} \
                 {std:>10.3}  {rounds:>6}"
            )?;
        }
        for layer in self.far_off() {
            let LayerSignal { weight_path, std, .. } = layer;
            writeln!(f, "{weight_path} is far off: its standard deviation is {std:.3}, and not 1")?;
        }
        Ok(())
    }
}
