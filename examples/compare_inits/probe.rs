//! What is inside a network at one moment: how large signals and gradients are, layer by layer.

use std::collections::HashSet;

use fanin::prelude::*;

use crate::train::Net;

/// A network at one moment, without dropout, on a few hundred images.
pub(crate) struct Snapshot {
    /// Layer by layer, from the input on.
    pub(crate) layers: Vec<Layer>,
    /// The weights of the second layer, of one seed only.
    pub(crate) weights: Option<Vec<f32>>,
}

pub(crate) struct Layer {
    /// The root mean square of what the layer gives on: after ReLU, or the logits.
    pub(crate) signal: f64,
    /// The root mean square of the loss's gradient by the layer's weights.
    pub(crate) gradient: f64,
    /// How many units have weights that no unit before them has.
    pub(crate) distinct: usize,
    /// The share of units that are 0 for every image; of hidden layers.
    pub(crate) dead: f64,
}

pub(crate) fn snapshot(net: &Net, (x, y): &(Tensor, Vec<usize>), keep: bool) -> Snapshot {
    let mut tape = Tape::new();
    // Without dropout, which the network's own `forward` would do while recording.
    let (_, grads) = tape.value_and_grad(|t| {
        let hidden = net.layers.len() - 1;
        let layers = net.layers.iter().enumerate();
        let logits = layers.fold(t.input(x), |h, (i, layer)| {
            let z = layer.forward(h);
            if i < hidden { z.relu() } else { z }
        });
        logits.cross_entropy(y)
    });
    let mut h = x.clone();
    let mut layers = vec![];
    for (i, layer) in net.layers.iter().enumerate() {
        h = layer.predict(&h);
        let units = layer.weight().shape()[0];
        if i + 1 < net.layers.len() {
            h.as_mut_slice().iter_mut().for_each(|z| *z = z.max(0.0));
        }
        let rows = layer.weight().as_slice().chunks(layer.weight().shape()[1]);
        let bits = rows.map(|row| row.iter().map(|w| w.to_bits()).collect::<Vec<_>>());
        let values = h.as_slice();
        let dead = (0..units).filter(|&u| values[u..].iter().step_by(units).all(|&z| z == 0.0));
        let weight = layer.named_params()[0].1;
        layers.push(Layer {
            signal: rms(values),
            gradient: grads.get(weight).map_or(0.0, |grad| rms(grad.as_slice())),
            distinct: bits.collect::<HashSet<_>>().len(),
            dead: dead.count() as f64 / units as f64,
        });
    }
    Snapshot { layers, weights: keep.then(|| net.layers[1].weight().as_slice().to_vec()) }
}

fn rms(values: &[f32]) -> f64 {
    let squares = values.iter().map(|&x| f64::from(x).powi(2));
    (squares.sum::<f64>() / values.len() as f64).sqrt()
}
