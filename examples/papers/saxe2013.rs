//! The number of steps that deep linear networks need as their depth grows. A network has learnt
//! when the running mean of its loss is below 0.8. Each initializer uses its best learning rate of
//! a grid at each depth, by seed 1. The result is the median over other seeds.

use fanin::prelude::*;

use crate::lab::{Lab, Outcome, Paper, median, steps_to, train};

pub(crate) const PAPER: Paper = Paper {
    name: "saxe2013",
    title: "Saxe, McClelland, Ganguli 2013, *Exact solutions to the nonlinear dynamics of learning in \
        deep linear neural networks*",
    changed: "width 64 instead of 1,000, depths to 64 instead of 100, batches of 64 instead of the \
        whole set, and cross-entropy instead of squared error, to fit into minutes. Both initializers choose \
        from the same seven learning rates; the scale of the Gaussian, 1/n, is the paper's.",
    seeds: "seed 1 for the grid, the median of seeds 2 to 4",
    quick: false,
    run,
};

const STEPS: usize = 300;
const GOAL: f32 = 0.8;

fn run(lab: &Lab) -> Outcome {
    let mut outcome = Outcome::default();
    let [data, _] = lab.normalized();
    let depths = [4, 16, 64];
    // Falls from 0.05 by a factor of √10.
    let rates = (0..7).map(|i| 0.05 / 10f64.powf(i as f64 / 2.0));

    // For each depth, the smallest number of steps to the goal over all rates.
    let mut measure = |name: &str, initializer: &dyn Initializer| {
        depths.map(|depth| {
            let learn = |rate: f64, seed| {
                manual_seed(seed);
                let mut model = linear_network(depth, initializer);
                let mut sgd = Sgd::new(rate).momentum(0.9);
                let mut running = f32::NAN;
                let losses = train(&mut model, &mut sgd, &data, (64, STEPS), |step, loss, _| {
                    running = if step == 1 { loss } else { running + (loss - running) / 20.0 };
                    running < GOAL
                });
                steps_to(&losses, GOAL).unwrap_or(STEPS)
            };
            let grid = rates.clone().map(|rate| (learn(rate, 1), rate));
            let (_, rate) = grid.min_by_key(|run| run.0).expect("a rate");
            let least = median([2, 3, 4].map(|seed| learn(rate, seed) as f64).to_vec()) as usize;
            let never = if least == STEPS { ", the end: not learnt" } else { "" };
            outcome
                .detail(format!("{name}, {depth:2} layers: {least} steps, rate {rate:.1e}{never}"));
            least
        })
    };
    let gaussian = measure("Gaussian  ", &LecunNormal);
    let orthogonal = measure("orthogonal", &Orthogonal::default());

    let show = |steps: &[usize]| {
        steps
            .iter()
            .map(|steps| if *steps == STEPS { "over 300".to_owned() } else { steps.to_string() })
            .collect::<Vec<_>>()
            .join(", ")
    };
    outcome.claim(
        "Gaussian weights: learning time grows with depth",
        "grows",
        format!("{} steps for 4, 16, 64 layers", show(&gaussian)),
        gaussian[1] > gaussian[0] && gaussian[2] as f64 > 1.5 * gaussian[0] as f64,
    );
    outcome.claim(
        "orthogonal weights: learning time does not depend on depth",
        "constant from some depth on",
        format!("{} steps", show(&orthogonal)),
        (orthogonal[2] as f64) < 1.3 * orthogonal[0] as f64,
    );
    outcome.claim(
        "deep networks learn faster from orthogonal weights",
        "faster",
        format!("{} against {} steps with 64 layers", show(&orthogonal[2..]), show(&gaussian[2..])),
        orthogonal[2] < gaussian[2],
    );
    outcome
}

/// A network of linear layers of width 64. Glorot's initializer fills the first and the last one,
/// so that only the layers between them differ.
fn linear_network(depth: usize, initializer: &dyn Initializer) -> Sequential {
    let layer = |n, m| Linear::builder(n, m).bias(Zeros);
    let mut model = Sequential::new().add(layer(784, 64).weight(XavierNormal::default()).build());
    for _ in 2..depth {
        model = model.add(layer(64, 64).weight(initializer).build());
    }
    model.add(layer(64, 10).weight(XavierNormal::default()).build())
}
