//! What a trainer costs beside the loop by hand. Times are for quiet machines:
//! `cargo test --release -p fanin-train --test process overhead -- --ignored --nocapture`

use std::time::Instant;

use fanin_nn::init::manual_seed;
use fanin_nn::layers::Relu;
use fanin_nn::losses::CrossEntropy;
use fanin_nn::tensor::parallel::single_threaded;
use fanin_nn::{Adam, Linear, Module, Optimizer, Sequential, Tape, Tensor};
use fanin_train::Trainer;

const STEPS: usize = 500;

fn model() -> Sequential {
    manual_seed(1);
    Sequential::new().add(Linear::new(784, 128)).add(Relu).add(Linear::new(128, 10))
}

/// Configuration B: 784-128-10, batches of 64, Adam. Both loops take the same batches in turns, and the
/// fastest of each counts.
#[test]
#[ignore = "a time, for a quiet machine"]
fn a_trainer_costs_at_most_2_percent_of_a_step() {
    let x = Tensor::from_vec([64, 784], (0..64 * 784).map(|i| (i % 97) as f32 / 97.0).collect());
    let batch = (x, (0..64).map(|i| i % 10).collect::<Vec<usize>>());
    let batches = || (0..STEPS).map(|_| batch.clone());
    let by_hand = || {
        let (mut model, mut adam, mut tape) = (model(), Adam::new(1e-3), Tape::new());
        let clock = Instant::now();
        for (x, y) in batches() {
            let (_, grads) = tape.value_and_grad(|t| model.forward(t.input(&x)).cross_entropy(&y));
            adam.step(&mut model, grads);
        }
        clock.elapsed().as_secs_f64()
    };
    let by_trainer = || {
        let mut model = model();
        let mut trainer = Trainer::new(CrossEntropy::new(), Adam::new(1e-3)).epochs(1).silent();
        let clock = Instant::now();
        trainer.fit_batches(&mut model, |_| batches(), &batch).unwrap();
        clock.elapsed().as_secs_f64()
    };
    let mut best = [f64::INFINITY; 2];
    single_threaded(|| {
        for _ in 0..20 {
            best = [best[0].min(by_hand()), best[1].min(by_trainer())];
        }
    });
    let [hand, trainer] = best.map(|seconds| 1e6 * seconds / STEPS as f64);
    println!("a step by hand {hand:.2} µs, by a trainer {trainer:.2} µs: {:.4}", trainer / hand);
    assert!(trainer < 1.02 * hand);
}
