//! Thirty layers with LSUV, orthonormal, He's and Xavier's weights, for two activations. An
//! initializer counts as training a network if the worst of three seeds reaches 85 % of the test
//! set. Each uses its best learning rate of a grid, by the training loss of seed 1.

use fanin::nn::initialize::Lsuv;
use fanin::prelude::*;

use crate::lab::{Lab, Outcome, Paper, best_rate, final_loss, mlp, sizes, train};

pub(crate) const PAPER: Paper = Paper {
    name: "mishkin2015",
    title: "Mishkin, Matas 2015, *All you need is a good init* (LSUV)",
    changed: "perceptrons of 30 layers and width 64 instead of convolutional FitNets, tanh and ReLU \
        without maxout, and 800 steps of 64 images, to fit into minutes.",
    seeds: "seed 1 for the grid, seeds 2 to 4 for the verdicts",
    quick: false,
    run,
};

const LAYERS: usize = 30;
const STEPS: usize = 800;

fn run(lab: &Lab) -> Outcome {
    let mut outcome = Outcome::default();
    let relu = measure(lab, "ReLU", Relu, &mut outcome);
    let tanh = measure(lab, "tanh", Tanh, &mut outcome);
    let show = |accuracies: [f64; 4]| {
        let [lsuv, orthonormal, he, xavier] = accuracies.map(|accuracy| format!("{accuracy:.1}"));
        format!("LSUV {lsuv}, orthonormal {orthonormal}, He {he}, Xavier {xavier} %")
    };
    outcome.claim(
        "LSUV trains very deep networks with any of the activations",
        "with all",
        format!("worst of three seeds: ReLU {:.1} %, tanh {:.1} %", relu[0], tanh[0]),
        relu[0] >= 85.0 && tanh[0] >= 85.0,
    );
    let fails = |i: usize| relu[i] < 85.0 || tanh[i] < 85.0;
    outcome.claim(
        "each of the other initializers fails for one of them",
        "each works for some",
        format!("ReLU: {}; tanh: {}", show(relu), show(tanh)),
        fails(1) && fails(2) && fails(3),
    );
    outcome.claim(
        "LSUV is at least as good as the others (within 1 point)",
        "best or near it",
        "the same numbers",
        [relu, tanh].iter().all(|all| all.iter().all(|other| all[0] > other - 1.0)),
    );
    outcome
}

/// The worst test accuracies with LSUV, orthonormal, He's and Xavier's weights.
fn measure(
    lab: &Lab,
    name: &str,
    activation: impl Module + Copy + 'static,
    outcome: &mut Outcome,
) -> [f64; 4] {
    let [data, test] = lab.normalized();
    let build = |initializer: &str| {
        let from = |initializer: &dyn Initializer| {
            mlp(&sizes(784, 64, LAYERS, 10), activation, initializer, &Zeros)
        };
        match initializer {
            "LSUV" => {
                let mut model = from(&Zeros);
                let batch = data.batches(256).shuffle().next().expect("a batch").0;
                Lsuv::default().init(&mut model, &batch).expect("the signal is finite");
                model
            }
            "orthonormal" => from(&Orthogonal::default()),
            "He" => from(&KaimingNormal::default()),
            _ => from(&XavierNormal::default()),
        }
    };
    ["LSUV", "orthonormal", "He", "Xavier"].map(|initializer| {
        let learn = |rate, seed| {
            manual_seed(seed);
            let mut model = build(initializer);
            let mut sgd = Sgd::new(rate).momentum(0.9);
            let losses = train(&mut model, &mut sgd, &data, (64, STEPS), |_, _, _| false);
            (final_loss(&losses), 100.0 * accuracy(&model, &test))
        };
        let (rate, grid) = best_rate(&[0.001, 0.003, 0.01], |rate| learn(rate, 1).0);
        let runs = [2, 3, 4].map(|seed| learn(rate, seed).1);
        outcome.detail(format!(
            "{name}, {initializer:11}: loss by learning rate {grid}; test accuracy {runs:.1?} %"
        ));
        runs.into_iter().fold(f64::MAX, f64::min)
    })
}
