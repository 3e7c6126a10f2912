//! The sizes of signals and gradients in each layer at one moment of the training.

use std::collections::HashSet;

use fanin::nn::diagnose::LayerProbe;
use fanin::prelude::*;

use crate::train::Net;

/// Measurements of a network without dropout on a few hundred images.
pub(crate) struct Snapshot {
    /// The layers, the first one first.
    pub(crate) layers: Vec<Layer>,
    /// The weights of the second layer, for one seed only.
    pub(crate) weights: Option<Vec<f32>>,
}

pub(crate) struct Layer {
    /// The root mean square of the layer's output: after ReLU, or the logits.
    pub(crate) signal: f64,
    /// The root mean square of the gradient of the layer's weights.
    pub(crate) gradient: f64,
    /// The number of units whose weights differ from those of all earlier units.
    pub(crate) distinct: usize,
    /// The share of units whose output is 0 for every image; for hidden layers.
    pub(crate) dead: f64,
}

pub(crate) fn snapshot(net: &Net, (x, y): &(Tensor, Vec<usize>), keep: bool) -> Snapshot {
    let probe = Probe::with_labels(net, x, y);
    Snapshot {
        layers: probe.layers().iter().map(Layer::of).collect(),
        weights: keep.then(|| probe.layers()[1].weight.as_slice().to_vec()),
    }
}

impl Layer {
    fn of(layer: &LayerProbe) -> Self {
        let (values, weights) = (layer.output().as_slice(), &layer.weight);
        let [units, inputs] = *weights.shape() else { panic!("a weight is a matrix") };
        let rows = weights.as_slice().chunks(inputs);
        let bits = rows.map(|row| row.iter().map(|w| w.to_bits()).collect::<Vec<_>>());
        let dead = (0..units).filter(|&u| values[u..].iter().step_by(units).all(|&z| z == 0.0));
        Self {
            signal: rms(values),
            gradient: layer.weight_grad.as_ref().map_or(0.0, |grad| rms(grad.as_slice())),
            distinct: bits.collect::<HashSet<_>>().len(),
            dead: dead.count() as f64 / units as f64,
        }
    }
}

fn rms(values: &[f32]) -> f64 {
    let squares = values.iter().map(|&x| f64::from(x).powi(2));
    (squares.sum::<f64>() / values.len() as f64).sqrt()
}
