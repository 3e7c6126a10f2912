//! Signals in five hidden tanh layers before any training. Sizes by layer are standard deviations.
//! A ratio "per layer" is the geometric mean over the hidden layers. The paper does not state the
//! scaling of its pixels: the verdicts use pixels from 0 to 1, and the details also have
//! standardized pixels.

use fanin::datasets::Dataset;
use fanin::nn::diagnose::singular_values;
use fanin::prelude::*;

use crate::lab::{Lab, Outcome, Paper, mean, rms};

pub(crate) const PAPER: Paper = Paper {
    name: "glorot2010",
    title: "Glorot, Bengio 2010, *Understanding the difficulty of training deep feedforward neural \
        networks*, section 4.2 and figures 6 to 9",
    changed: "images of MNIST instead of Shapeset, as data for 5 hidden layers of 1,000; singular \
        values at width 200 instead of 1,000, to spare minutes.",
    seeds: "seed 1",
    quick: true,
    run,
};

const HIDDEN: usize = 5;

/// Adds zeros, whose gradient is the gradient of the signal.
#[derive(Parameters)]
struct Tap(Param);

impl Module for Tap {
    fn forward<'t>(&self, x: Var<'t>) -> Var<'t> {
        x + x.tape().param(&self.0)
    }
}

/// Standard deviations at the hidden layers, the first one first.
struct Layers {
    activations: Vec<f64>,
    /// The gradient of the loss with respect to the input of the tanh.
    gradients: Vec<f64>,
    /// The gradient of the loss with respect to the weights.
    weights: Vec<f64>,
}

fn layers(train: &Dataset, width: usize, initializer: &dyn Initializer) -> Layers {
    manual_seed(1);
    let (x, y) = train.batches(200).shuffle().next().expect("a batch");
    let size = |i| if i == 0 { 784 } else { width };
    let linear: Vec<Linear> = (0..HIDDEN)
        .map(|i| Linear::builder(size(i), width).weight(initializer).bias(Zeros).build())
        .collect();
    let taps: Vec<Tap> =
        linear.iter().map(|_| Tap(Param::new(Tensor::zeros([y.len(), width])))).collect();
    let output = Linear::builder(width, 10).weight(initializer).bias(Zeros).build();

    let (mut tape, mut activations) = (Tape::new(), vec![]);
    let (_, grads) = tape.value_and_grad(|t| {
        let mut x = t.input(&x);
        for (linear, tap) in linear.iter().zip(&taps) {
            x = tap.forward(linear.forward(x)).tanh();
            activations.push(rms(x.value().as_slice()));
        }
        output.forward(x).cross_entropy(&y)
    });
    let size = |param: &Param| rms(grads.get(param).expect("in the loss").as_slice());
    let weights = |linear: &Linear| size(linear.named_params()[0].1);
    Layers {
        gradients: taps.iter().map(|tap| size(&tap.0)).collect(),
        weights: linear.iter().map(weights).collect(),
        activations,
    }
}

/// The mean singular value of a hidden layer's Jacobian, diag(tanh′) W, over the layers 2 to 5.
fn jacobian(train: &Dataset, width: usize, initializer: &dyn Initializer) -> f64 {
    manual_seed(1);
    let (x, _) = train.batches(1).shuffle().next().expect("an image");
    let layer = |n| Linear::builder(n, width).weight(initializer).bias(Zeros).build();
    let mut z = Tape::new().value(|t| layer(784).forward(t.input(&x)).tanh());
    let means: Vec<f64> = (1..HIDDEN)
        .map(|_| {
            let linear = layer(width);
            z = Tape::new().value(|t| linear.forward(t.input(&z)).tanh());
            let mut jacobian = linear.weight().clone();
            for (row, z) in jacobian.as_mut_slice().chunks_mut(width).zip(z.as_slice()) {
                row.iter_mut().for_each(|w| *w *= 1.0 - z * z);
            }
            mean(&singular_values(&jacobian))
        })
        .collect();
    mean(&means)
}

fn list(sizes: &[f64]) -> String {
    sizes.iter().map(|size| format!("{size:.2e}")).collect::<Vec<_>>().join("  ")
}

fn run(lab: &Lab) -> Outcome {
    let mut outcome = Outcome::default();
    let (standard, normalized) = (FanInUniform, XavierUniform::default());
    let initializers: [(_, &dyn Initializer); 2] =
        [("standard", &standard), ("normalized", &normalized)];
    let (width, small) = if lab.quick { (200, 60) } else { (1_000, 200) };
    let [standardized, _] = lab.normalized();
    let mut measure = |pixels, data: &Dataset| {
        initializers.map(|(name, initializer)| {
            let layers = layers(data, width, initializer);
            let jacobian = jacobian(data, small, initializer);
            outcome.detail(format!("{name} initialization, {pixels}"));
            outcome.detail(format!("    activations      {}", list(&layers.activations)));
            outcome.detail(format!("    gradients        {}", list(&layers.gradients)));
            outcome.detail(format!("    weight gradients {}", list(&layers.weights)));
            outcome.detail(format!("    mean singular value of the Jacobians {jacobian:.3}"));
            (layers, jacobian)
        })
    };
    measure("standardized pixels", &standardized);
    let [(plain, sigma_plain), (norm, sigma_norm)] = measure("pixels from 0 to 1", &lab.train);
    // From one layer to the next, in the direction of the forward pass.
    let step = |first: f64, last: f64| (last / first).powf(1.0 / (HIDDEN - 1) as f64);
    let forward = |l: &Layers| step(l.activations[0], l.activations[HIDDEN - 1]);
    let backward = |l: &Layers| step(l.gradients[HIDDEN - 1], l.gradients[0]);

    outcome.claim(
        "standard initialization: activations shrink from layer to layer (fig. 6)",
        "by √(n Var W) = 0.58",
        format!("× {:.2} per layer", forward(&plain)),
        (forward(&plain) - 0.58).abs() < 0.06,
    );
    outcome.claim(
        "standard initialization: back-propagated gradients shrink on their way down (fig. 7)",
        "by √(n Var W) = 0.58",
        format!("× {:.2} per layer", backward(&plain)),
        (backward(&plain) - 0.58).abs() < 0.06,
    );
    outcome.claim(
        "normalized initialization: both stay nearly the same",
        "no decrease of gradients; mild one of activations",
        format!(
            "activations × {:.2}, gradients × {:.2} per layer",
            forward(&norm),
            backward(&norm)
        ),
        forward(&norm) > 0.8 && (backward(&norm) - 1.0).abs() < 0.15,
    );
    // Without the first layer, because its inputs are not activations.
    let weights = &plain.weights[1..];
    let most = weights.iter().fold(0.0, |a: f64, &b| a.max(b));
    let least = weights.iter().fold(f64::MAX, |a, &b| a.min(b));
    outcome.claim(
        "standard initialization: gradients of weights are nevertheless alike in all layers (fig. 8)",
        "roughly constant (eq. 14)",
        format!("largest / smallest {:.2}", most / least),
        most / least < 1.5,
    );
    outcome.claim(
        "mean singular value of a layer's Jacobian, standard → normalized",
        "0.5 → 0.8",
        format!("{sigma_plain:.2} → {sigma_norm:.2}"),
        (sigma_plain - 0.5).abs() < 0.05 && (sigma_norm - 0.8).abs() < 0.05,
    );
    outcome
}
