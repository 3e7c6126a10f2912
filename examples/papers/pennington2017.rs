//! A hundred tanh layers with orthogonal and with Gaussian weights of equal variance. Each
//! initializer uses its best learning rate of a grid, by the training loss of seed 1. The verdict
//! is the test accuracy of other seeds at that rate.

use fanin::nn::diagnose::singular_values;
use fanin::prelude::*;

use crate::lab::{Lab, Outcome, Paper, best_rate, final_loss, mlp, sizes, train};

pub(crate) const PAPER: Paper = Paper {
    name: "pennington2017",
    title: "Pennington, Schoenholz, Ganguli 2017, *Resurrecting the sigmoid in deep learning through \
        dynamical isometry*",
    changed: "100 layers of width 64 on MNIST instead of 200 of width 400 on CIFAR-10, and 400 \
        steps of 64 images, to fit into minutes. Weights have variance 1/n (σ_w = 1, critical for \
        tanh without biases) under both initializers; SGD with momentum 0.9.",
    seeds: "seed 1 for the grid, seeds 2 to 4 for the verdict",
    quick: false,
    run,
};

const LAYERS: usize = 100;
const WIDTH: usize = 64;

fn run(lab: &Lab) -> Outcome {
    let mut outcome = Outcome::default();
    let [data, test] = lab.normalized();
    let steps = 400;

    let learn = |initializer: &dyn Initializer, rate, seed| {
        manual_seed(seed);
        let mut model = mlp(&sizes(784, WIDTH, LAYERS, 10), Tanh, initializer, &Zeros);
        let mut sgd = Sgd::new(rate).momentum(0.9);
        let losses = train(&mut model, &mut sgd, &data, (64, steps), |_, _, _| false);
        (final_loss(&losses), 100.0 * accuracy(&model, &test))
    };
    let mut measure = |name: &str, initializer: &dyn Initializer| {
        let rates = [0.0003, 0.001, 0.003, 0.01, 0.03];
        let (rate, grid) = best_rate(&rates, |rate| learn(initializer, rate, 1).0);
        outcome.detail(format!("{name}: loss by learning rate {grid}"));
        let accuracies = [2, 3, 4].map(|seed| learn(initializer, rate, seed).1);
        outcome.detail(format!("{name}: test accuracy with rate {rate}: {accuracies:.1?} %"));
        accuracies
    };
    let orthogonal = measure("orthogonal", &Orthogonal::default());
    let gaussian = measure("Gaussian  ", &LecunNormal);
    let worst = orthogonal.into_iter().fold(f64::MAX, f64::min);
    let best = gaussian.into_iter().fold(0.0, f64::max);
    outcome.claim(
        "100 tanh layers: orthogonal weights learn much faster than Gaussian ones",
        "orders of magnitude in steps",
        format!("{worst:.1} % at least against {best:.1} % at most after {steps} steps"),
        worst > best + 20.0,
    );
    outcome.claim(
        "100 tanh layers do not train from Gaussian weights (below 50 %)",
        "slower by orders of magnitude",
        format!("{best:.1} % at most"),
        best < 50.0,
    );

    // The condition of the product of the hidden layers' matrices, which is the Jacobian at the
    // origin.
    let [smooth, rough] = [condition(&Orthogonal::default()), condition(&LecunNormal)];
    outcome.claim(
        "singular values of the input-output Jacobian, largest over median",
        "orthogonal: concentrated at 1; Gaussian: grows linearly with depth (squared)",
        format!("orthogonal {smooth:.2}; Gaussian {rough:.1e} (at the origin)"),
        smooth < 1.01 && rough > 10.0,
    );
    outcome
}

fn condition(initializer: &dyn Initializer) -> f64 {
    manual_seed(1);
    let layers: Vec<Linear> = (2..LAYERS)
        .map(|_| Linear::builder(WIDTH, WIDTH).weight(initializer).no_bias().build())
        .collect();
    let mut identity = Tensor::zeros([WIDTH, WIDTH]);
    identity.as_mut_slice().iter_mut().step_by(WIDTH + 1).for_each(|x| *x = 1.0);
    let values = singular_values(&layers.predict(&identity));
    values[0] / values[WIDTH / 2 - 1]
}
