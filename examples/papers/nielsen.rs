//! Sigmoid networks with one hidden layer, weights N(0, 1) against N(0, 1/n). An accuracy
//! reproduces if the published value, which is a single run, lies within 2.5 standard deviations or
//! within 0.5 points of the runs here.

use fanin::prelude::*;

use crate::lab::{Lab, Outcome, Paper, mean, mlp, spread};

pub(crate) const PAPER: Paper = Paper {
    name: "nielsen",
    title: "Nielsen 2015, *Neural Networks and Deep Learning*, chapter 3, weight initialization",
    changed: "nothing but the random numbers: 50,000 images to train, 10,000 to validate, batches of \
        10, η = 0.1, λ = 5, a logistic cross-entropy for each output. First epochs are means of 5 \
        runs, thirtieth ones single runs, as published.",
    seeds: "seeds 1 to 5 (30 epochs: seed 1)",
    quick: true,
    run,
};

const LAMBDA: f32 = 5.0;
const RATE: f64 = 0.1;

fn run(lab: &Lab) -> Outcome {
    let mut outcome = Outcome::default();
    let (train, validation) = match lab.train.len() {
        60_000 => lab.train.split(50_000),
        _ => (lab.train.clone(), lab.test.clone()),
    };
    let (large, small) = (Normal::new(0.0, 1.0), LecunNormal);

    // The accuracies after each epoch, in per cent.
    let measure = |hidden, weight: &dyn Initializer, seed, epochs| {
        manual_seed(seed);
        let mut model = mlp(&[784, hidden, 10], Sigmoid, weight, &Normal::new(0.0, 1.0));
        let (mut sgd, mut tape) = (Sgd::new(RATE), Tape::new());
        let decay = 1.0 - RATE as f32 * LAMBDA / train.len() as f32;
        (0..epochs)
            .map(|_| {
                for (x, y) in train.batches(10).shuffle() {
                    let mut truth = Tensor::zeros([y.len(), 10]);
                    for (row, &label) in truth.as_mut_slice().chunks_mut(10).zip(&y) {
                        row[label] = 1.0;
                    }
                    let (_, grads) = tape.value_and_grad(|t| {
                        let z = model.forward(t.input(&x));
                        // −y ln σ(z) − (1 − y) ln(1 − σ(z)), summed over outputs.
                        (z.softplus() - z * t.input(&truth)).sum() / y.len() as f32
                    });
                    // The optimizer's weight decay would also shrink the biases.
                    model.visit_params_mut(&mut |_, param| {
                        if param.spec().kind == ParamKind::Weight {
                            param.value_mut().as_mut_slice().iter_mut().for_each(|w| *w *= decay);
                        }
                    });
                    sgd.step(&mut model, grads);
                }
                100.0 * accuracy(&model, &validation)
            })
            .collect::<Vec<f64>>()
    };

    let seeds = if lab.quick { 1..=2 } else { 1..=5 };
    let mut first = |hidden: usize, weight: &dyn Initializer| {
        let runs: Vec<f64> =
            seeds.clone().map(|seed| measure(hidden, weight, seed, 1)[0]).collect();
        outcome.detail(format!("784-{hidden}-10 {weight:?}, first epoch: {runs:.2?}"));
        runs
    };
    let [large30, small30] = [first(30, &large), first(30, &small)];
    if lab.quick {
        let (large, small) = (mean(&large30), mean(&small30));
        outcome.claim(
            "first epoch, 30 hidden units: N(0, 1/n) is ahead of N(0, 1)",
            "86.43 → 92.70 %",
            format!("{large:.2} → {small:.2} % on a twelfth of the images"),
            small > large + 3.0,
        );
        return outcome;
    }
    let [large100, small100] = [first(100, &large), first(100, &small)];
    let show = |runs: &[f64]| format!("{:.2} ± {:.2}", mean(runs), spread(runs));
    let near = |runs: &[f64], published: f64| {
        (mean(runs) - published).abs() < (2.5 * spread(runs)).max(0.5)
    };
    outcome.claim(
        "first epoch, 30 hidden units: N(0, 1) → N(0, 1/n)",
        "86.43 → 92.70 %",
        format!("{} → {} %", show(&large30), show(&small30)),
        near(&large30, 86.43) && near(&small30, 92.70),
    );
    outcome.claim(
        "first epoch, 100 hidden units",
        "89.94 → 92.95 %",
        format!("{} → {} %", show(&large100), show(&small100)),
        near(&large100, 89.94) && near(&small100, 92.95),
    );

    for (hidden, claim, published) in [
        (30, "epoch 30, 30 hidden units: N(0, 1) has caught up", [96.37, 96.50]),
        (100, "epoch 30, 100 hidden units: N(0, 1/n) stays ahead", [97.42, 97.81]),
    ] {
        let initializers: [&dyn Initializer; 2] = [&large, &small];
        let [large, small] = initializers.map(|initializer| {
            let epochs = measure(hidden, initializer, 1, 30);
            outcome.detail(format!("784-{hidden}-10 {initializer:?}, by epoch: {epochs:.2?}"));
            epochs[29]
        });
        let near = (large - published[0]).abs() < 0.5 && (small - published[1]).abs() < 0.5;
        outcome.claim(
            claim,
            format!("{:.2} → {:.2} %", published[0], published[1]),
            format!("{large:.2} → {small:.2} %"),
            near && (hidden == 30 || small > large),
        );
    }
    outcome
}
