//! [`InitReport`]: a network's signal before training, layer by layer, and what is wrong with it.

use std::collections::HashMap;

use fanin_tensor::{Scalar, Tensor, show_shape};
use serde::{Deserialize, Serialize};

use super::moments::{Moments, number, rows_and_features, spread};
use super::predict::{Predicted, gradient_growth};
use super::probe::{Activation, LayerProbe, Probe};
use super::singular::extremes;
use super::verdict::{Verdict, judge};
use crate::module::Module;

/// What an initialization makes of a batch: for every linear layer of a network how large its weights,
/// activations and gradients are, beside what theory predicts; and a [`Verdict`] for each fault.
///
/// `Display` prints a table of 100 columns and the verdicts; [`to_svg`](Self::to_svg) draws it.
///
/// # Example
/// ```
/// use fanin_nn::diagnose::{Fault, InitReport};
/// use fanin_nn::init::{KaimingNormal, manual_seed};
/// use fanin_nn::layers::Relu;
/// use fanin_nn::{Linear, Sequential, Tensor};
///
/// manual_seed(1);
/// let x = Tensor::from_vec([64, 16], (0..64 * 16).map(|i| (i as f32).sin()).collect());
/// let deep = |layer: fn() -> Linear| {
///     (0..30).fold(Sequential::new(), |net, _| net.add(layer()).add(Relu)).add(Linear::new(16, 2))
/// };
/// let report = InitReport::new(&deep(|| Linear::new(16, 16)), &x);
/// assert!(matches!(report.verdicts[0].fault, Fault::VanishingActivations { per_layer, .. } if per_layer < 0.6));
/// println!("{report}");
///
/// let wide = || Linear::builder(16, 256).weight(KaimingNormal::default()).build();
/// let net = Sequential::new().add(wide()).add(Relu).add(Linear::new(256, 2));
/// assert!(InitReport::new(&net, &x).is_healthy());
/// ```
///
/// # Reference
/// Glorot & Bengio 2010, section 4.2; He et al. 2015, section 2.2; Saxe et al. 2013; Poole et al. 2016;
/// Schoenholz et al. 2017.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InitReport {
    /// The linear layers, in the order of their use.
    pub layers: Vec<LayerReport>,
    /// How many samples the batch has.
    pub samples: usize,
    /// The loss that was differentiated.
    #[serde(with = "number")]
    pub loss: f64,
    /// ln(classes), the cross-entropy of a network that knows nothing, if there were labels.
    pub chance: Option<f64>,
    /// What is wrong, the cause first; nothing if the network may be trained as it is.
    pub verdicts: Vec<Verdict>,
}

/// One linear layer of an [`InitReport`], with the activation behind it.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LayerReport {
    /// Where its weight is in the model, such as `0.weight`.
    pub path: String,
    /// Inputs of a unit.
    pub inputs: usize,
    /// Units.
    pub outputs: usize,
    /// The activation behind it.
    pub activation: Option<String>,
    /// Of the weights.
    pub weight: Moments,
    /// Of the biases.
    pub bias: Option<Moments>,
    /// Of what the layer reads.
    pub input: Moments,
    /// Of `z = x·Wᵀ + b`.
    pub pre_activation: Moments,
    /// Of `φ(z)`, or of z if no activation follows.
    pub output: Moments,
    /// How far samples are apart in what the layer reads: their standard deviation, feature by
    /// feature, as a root mean square. What all samples share is no signal.
    #[serde(with = "number")]
    pub input_spread: f64,
    /// The same of the output.
    #[serde(with = "number")]
    pub output_spread: f64,
    /// Of the gradients of each sample's own loss with respect to z.
    pub gradient: Moments,
    /// Of the gradient of the mean loss with respect to the weights.
    pub weight_gradient: Moments,
    /// rms of the output over rms of the input.
    #[serde(with = "number")]
    pub growth: f64,
    /// The same by mean-field theory, from the moments of the parameters and of the input, for any
    /// activation: `√E[φ(z)²]` with normal z.
    #[serde(with = "number")]
    pub predicted_growth: f64,
    /// Length of a sample's gradient at this layer's z over that at the next layer's, if the output
    /// goes to one layer alone. (The length, as layers of unlike widths keep it and not the rms.)
    pub gradient_growth: Option<f64>,
    /// The same by mean-field theory: `√(fan_out·E[w²]·E[φ′(z)²])`.
    pub predicted_gradient_growth: Option<f64>,
    /// The share of outputs where an activation that is bounded on both sides (tanh, sigmoid) is flat:
    /// its slope is below 4 % of its steepest.
    pub saturated: Option<f64>,
    /// The share of units whose activation, flat on one side (ReLU, GELU), passes on next to no
    /// gradient of any sample.
    pub dead: Option<f64>,
    /// How many units have the weights, the bias and the gradient of another one before them.
    pub identical: usize,
    /// The smallest and the largest singular value of the weight; none for one so large that it would
    /// take longer than a second.
    pub singular: Option<[f64; 2]>,
}

impl InitReport {
    /// Runs the model on a batch, differentiates `mean_i ⟨y_i, r⟩` with a fixed random direction r (see
    /// [`Probe::new`]), and judges.
    ///
    /// # Panics
    /// **Panics** where the model's `forward` does; if no linear layer of the model was used; and if the
    /// batch is empty or a number in it is not finite.
    #[track_caller]
    pub fn new<T: Scalar>(model: &(impl Module<T> + ?Sized), x: &Tensor<T>) -> Self {
        require_batch(x);
        Self::of(&Probe::new(model, x), None)
    }

    /// Runs the model on a batch, differentiates the cross-entropy of its output against these labels,
    /// and judges.
    ///
    /// # Panics
    /// **Panics** as [`new`](Self::new) does, and if the labels do not fit.
    #[track_caller]
    pub fn with_labels<T: Scalar>(
        model: &(impl Module<T> + ?Sized),
        x: &Tensor<T>,
        labels: &[usize],
    ) -> Self {
        require_batch(x);
        let probe = Probe::with_labels(model, x, labels);
        let classes = probe.output().shape()[1];
        Self::of(&probe, Some((classes as f64).ln()))
    }

    /// Whether nothing is wrong.
    pub fn is_healthy(&self) -> bool {
        self.verdicts.is_empty()
    }

    fn of<T: Scalar>(probe: &Probe<T>, chance: Option<f64>) -> Self {
        let samples = probe.output().shape().first().copied().unwrap_or(1);
        let layers: Vec<_> =
            probe.layers().iter().map(|layer| LayerReport::of(layer, probe, samples)).collect();
        let loss = probe.loss().map_or(f64::NAN, Scalar::to_f64);
        let verdicts = judge(&layers, loss, chance);
        Self { layers, samples, loss, chance, verdicts }
    }
}

#[track_caller]
fn require_batch<T: Scalar>(x: &Tensor<T>) {
    let shape = show_shape(x.shape());
    assert!(x.len() > 0, "InitReport: the batch {shape} is empty; give it some samples");
    if let Some(at) = x.as_slice().iter().position(|x| !x.is_finite()) {
        let value = x.as_slice()[at];
        panic!("InitReport: element {at} of the batch {shape} is {value}; clean the data first");
    }
}

impl LayerReport {
    fn of<T: Scalar>(layer: &LayerProbe<T>, probe: &Probe<T>, samples: usize) -> Self {
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
            pre_activation: Moments::of(&layer.pre_activation),
            output,
            input_spread: spread(&layer.input),
            output_spread: spread(layer.output()),
            gradient: gradient.times(samples as f64),
            weight_gradient: layer.weight_grad.as_ref().map(Moments::of).unwrap_or_default(),
            growth: output.rms() / input.rms(),
            predicted_growth: Predicted::of(layer).output_rms(layer) / input.rms(),
            gradient_growth: next.map(|next| length(layer) / length(next)),
            predicted_gradient_growth: next.and_then(|next| gradient_growth(layer, next)),
            saturated: activation.and_then(|a| saturated(a, &layer.pre_activation)),
            dead: activation.and_then(|a| dead(a, &layer.pre_activation)),
            identical: identical(layer, probe.layers()),
            singular: extremes(&layer.weight),
        }
    }

    /// The rms length of a sample's gradient with respect to z.
    pub(super) fn gradient_length(&self) -> f64 {
        self.gradient.rms() * (self.outputs as f64).sqrt()
    }

    /// Whether all that was measured on the way forward is finite.
    pub(super) fn is_finite(&self) -> bool {
        [self.weight, self.bias.unwrap_or_default(), self.pre_activation, self.output]
            .iter()
            .all(|m| m.rms().is_finite())
    }

    /// Whether the gradients are.
    pub(super) fn has_finite_gradients(&self) -> bool {
        self.gradient.rms().is_finite() && self.weight_gradient.rms().is_finite()
    }
}

/// Whether a function is level far to the left and far to the right.
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

/// Units that begin like another and are pushed like it, so that they stay like it.
fn identical<T: Scalar>(layer: &LayerProbe<T>, all: &[LayerProbe<T>]) -> usize {
    // Of every sample: of their sums, those of two outputs may be equal by chance.
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
        // + 0 makes −0 what it is equal to.
        let bits: Vec<u64> = row.iter().map(|x| (x + 0.0).to_bits()).collect();
        let first = *first_like.entry(bits).or_insert(unit);
        let alike = first != unit && nearly(&of_unit(first), &of_unit(unit));
        identical += usize::from(alike);
    }
    identical
}

/// Whether a layer lets no gradient through as yet, being 0 on purpose, and will after one step, which
/// tells its inputs apart.
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

/// Equal but for the rounding of sums in another order.
fn nearly(a: &[f64], b: &[f64]) -> bool {
    let largest = a.iter().chain(b).map(|x| x.abs()).fold(0.0, f64::max);
    a.iter().zip(b).all(|(a, b)| (a - b).abs() <= 1e-3 * largest)
}
