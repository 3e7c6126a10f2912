//! [`LayerReport`]: statistics of one layer's signal before training.

use std::collections::HashMap;

use fanin_tensor::{Scalar, Tensor};
use serde::{Deserialize, Serialize};

use super::mean_field::{Predicted, gradient_growth};
use super::moments::{Moments, number, rows_and_features, spread};
use super::probe::{Activation, LayerProbe, Probe};
use super::singular::extremes;

/// One linear layer of an [`InitReport`](super::InitReport), with the activation that follows it.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LayerReport {
    /// The path of its weight in the model, such as `0.weight`.
    pub path: String,
    /// The number of inputs of a unit.
    pub inputs: usize,
    /// The number of units.
    pub outputs: usize,
    /// The activation that follows the layer.
    pub activation: Option<String>,
    /// Moments of the weights.
    pub weight: Moments,
    /// Moments of the biases.
    pub bias: Option<Moments>,
    /// Moments of the layer's input.
    pub input: Moments,
    /// Moments of `z = x·Wᵀ + b`, or of z after the normalization that follows.
    pub pre_activation: Moments,
    /// Moments of `φ(z)`, or of z if no activation follows.
    pub output: Moments,
    /// The spread between samples in the layer's input: the standard deviation over the samples of
    /// each feature, as a root mean square over the features. A part that all samples share carries
    /// no signal.
    #[serde(with = "number")]
    pub input_spread: f64,
    /// The spread between samples in the output.
    #[serde(with = "number")]
    pub output_spread: f64,
    /// Moments of the gradients of each sample's own loss with respect to z.
    pub gradient: Moments,
    /// Moments of the gradient of the mean loss with respect to the weights.
    pub weight_gradient: Moments,
    /// The rms of the output divided by the rms of the input.
    #[serde(with = "number")]
    pub growth: f64,
    /// The growth that mean-field theory predicts from the moments of the parameters and of the
    /// input, for any activation: `√E[φ(z)²]` with normal z.
    #[serde(with = "number")]
    pub predicted_growth: f64,
    /// The length of a sample's gradient at this layer's z, divided by the length at the next
    /// layer's z. Present if a single layer reads the output. The length is compared, not the rms:
    /// layers of different widths preserve the length.
    pub gradient_growth: Option<f64>,
    /// The gradient growth that mean-field theory predicts: `√(fan_out·E[w²]·E[φ′(z)²])`.
    pub predicted_gradient_growth: Option<f64>,
    /// The share of outputs where the activation is flat: its derivative is below 4 % of its
    /// maximum. Present for activations that are bounded on both sides (tanh, sigmoid).
    pub saturated: Option<f64>,
    /// The share of units that pass on almost no gradient for any sample. Present for activations
    /// that are flat on one side (ReLU, GELU).
    pub dead: Option<f64>,
    /// The number of units whose weights, bias and gradient equal those of an earlier unit.
    pub identical: usize,
    /// The smallest and the largest singular value of the weight. Absent for a weight so large that
    /// they would take more than a second.
    pub singular: Option<[f64; 2]>,
}

impl LayerReport {
    pub(super) fn of<T: Scalar>(layer: &LayerProbe<T>, probe: &Probe<T>, samples: usize) -> Self {
        let (outputs, inputs) = (layer.weight.shape()[0], layer.weight.shape()[1]);
        let (input, output) = (Moments::of(&layer.input), Moments::of(layer.output()));
        let gradient = layer.pre_activation_grad.as_ref().map(Moments::of).unwrap_or_default();
        let length = |layer: &LayerProbe<T>| {
            let gradient = layer.pre_activation_grad.as_ref().map(Moments::of).unwrap_or_default();
            gradient.rms() * (layer.weight.shape()[0] as f64).sqrt()
        };
        let next = layer.next.map(|next| &probe.layers()[next]).filter(|l| length(l) > 0.0);
        let activation = layer.activation.as_ref();
        Self {
            path: layer.weight_path.clone(),
            inputs,
            outputs,
            activation: activation.map(|a| a.name.clone()),
            weight: Moments::of(&layer.weight),
            bias: layer.bias.as_ref().map(Moments::of),
            input,
            pre_activation: Moments::of(layer.activation_input()),
            output,
            input_spread: spread(&layer.input),
            output_spread: spread(layer.output()),
            gradient: gradient.times(samples as f64),
            weight_gradient: layer.weight_grad.as_ref().map(Moments::of).unwrap_or_default(),
            growth: output.rms() / input.rms(),
            predicted_growth: Predicted::of(layer).output_rms(layer) / input.rms(),
            gradient_growth: next.map(|next| length(layer) / length(next)),
            predicted_gradient_growth: next.and_then(|next| gradient_growth(layer, next)),
            saturated: activation.and_then(|a| saturated(a, layer.activation_input())),
            dead: activation.and_then(|a| dead(a, layer.activation_input())),
            identical: identical(layer, probe.layers()),
            singular: extremes(&layer.weight),
        }
    }

    /// The rms over samples of the length of a sample's gradient with respect to z.
    pub(super) fn gradient_length(&self) -> f64 {
        self.gradient.rms() * (self.outputs as f64).sqrt()
    }

    /// Whether every number of the forward pass is finite.
    pub(super) fn is_finite(&self) -> bool {
        [self.weight, self.bias.unwrap_or_default(), self.pre_activation, self.output]
            .iter()
            .all(|m| m.rms().is_finite())
    }

    /// Whether every gradient is finite.
    pub(super) fn has_finite_gradients(&self) -> bool {
        self.gradient.rms().is_finite() && self.weight_gradient.rms().is_finite()
    }
}

/// Whether a function is flat far to the left and far to the right.
fn level<T: Scalar>(phi: &Activation<T>) -> [bool; 2] {
    [-1e3, 1e3].map(|far| (phi.at(far).0 - phi.at(0.5 * far).0).abs() < 1e-3)
}

fn steepest<T: Scalar>(phi: &Activation<T>) -> f64 {
    (-80..=80).map(|i| phi.at(f64::from(i) / 10.0).1.abs()).fold(0.0, f64::max)
}

fn saturated<T: Scalar>(phi: &Activation<T>, z: &Tensor<T>) -> Option<f64> {
    if level(phi) != [true, true] {
        return None;
    }
    let flat = 0.04 * steepest(phi);
    let count = z.as_slice().iter().filter(|z| phi.at(z.to_f64()).1.abs() < flat).count();
    Some(count as f64 / z.len() as f64)
}

fn dead<T: Scalar>(phi: &Activation<T>, z: &Tensor<T>) -> Option<f64> {
    let [left, right] = level(phi);
    if left == right {
        return None;
    }
    let flat = 1e-3 * steepest(phi);
    let (_, units) = rows_and_features(z);
    let is_dead = |unit: &usize| {
        let mut samples = z.as_slice()[*unit..].iter().step_by(units);
        samples.all(|z| phi.at(z.to_f64()).1.abs() <= flat)
    };
    Some((0..units).filter(is_dead).count() as f64 / units as f64)
}

/// The number of units that equal an earlier unit. They also get the same gradients, so training
/// keeps them equal.
fn identical<T: Scalar>(layer: &LayerProbe<T>, all: &[LayerProbe<T>]) -> usize {
    // Compares the gradients of each sample. The sums over samples of two different outputs could
    // be equal by chance.
    let gradient: &[T] = layer.pre_activation_grad.as_ref().map_or(&[], |g| g.as_slice());
    if gradient.iter().all(|g| *g == T::ZERO) && all.iter().any(opens) {
        return 0;
    }
    let units = layer.weight.shape()[0];
    let of_unit = |unit: usize| -> Vec<f64> {
        gradient.iter().skip(unit).step_by(units).map(|g| g.to_f64()).collect()
    };
    let mut first_like = HashMap::new();
    let mut identical = 0;
    for (unit, mut row) in rows(&layer.weight).into_iter().enumerate() {
        row.extend(layer.bias.as_ref().map(|b| b.as_slice()[unit].to_f64()));
        // Adding 0 turns −0 into +0, which is equal to it but has other bits.
        let bits: Vec<u64> = row.iter().map(|x| (x + 0.0).to_bits()).collect();
        let first = *first_like.entry(bits).or_insert(unit);
        let alike = first != unit && nearly(&of_unit(first), &of_unit(unit));
        identical += usize::from(alike);
    }
    identical
}

/// Whether the layer is zero on purpose and passes on no gradient yet. It does so after one step if
/// its weight gradient distinguishes its inputs.
fn opens<T: Scalar>(layer: &LayerProbe<T>) -> bool {
    let closed = layer.weight.as_slice().iter().all(|w| *w == T::ZERO);
    let told_apart = |row: &Vec<f64>| row.iter().any(|x| !nearly(&row[..1], &[*x]));
    closed && layer.weight_grad.as_ref().is_some_and(|grad| rows(grad).iter().any(told_apart))
}

fn rows<T: Scalar>(x: &Tensor<T>) -> Vec<Vec<f64>> {
    let (_, columns) = rows_and_features(x);
    let row = |row: &[T]| row.iter().map(|x| x.to_f64()).collect();
    x.as_slice().chunks_exact(columns.max(1)).map(row).collect()
}

/// Equal up to the rounding of sums in a different order.
fn nearly(a: &[f64], b: &[f64]) -> bool {
    let largest = a.iter().chain(b).map(|x| x.abs()).fold(0.0, f64::max);
    a.iter().zip(b).all(|(a, b)| (a - b).abs() <= 1e-3 * largest)
}
