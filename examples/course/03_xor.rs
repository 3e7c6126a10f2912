//! # XOR, the smallest network that learns something
//!
//! Exclusive or gives 1 if just one of two inputs is 1. A single layer cannot compute it: no straight
//! line separates the two answers (Minsky and Papert 1969). The best it can do is to answer 0.5
//! always, with a mean squared error of 0.25. One hidden layer with an activation between makes it
//! easy.
//!
//! The loop of the function `train` is all there is to training. The forward pass gives predictions and
//! a loss, the backward pass gives gradients, and the optimizer takes a step. The tape is made once,
//! because it keeps its memory from step to step.
//!
//! The first weights are random, and `manual_seed` makes them the same in every run. One good run
//! proves little, so the program trains from ten seeds.

use fanin::prelude::*;

/// Takes 500 steps, and gives the last loss.
fn train(model: &mut Sequential, x: &Tensor, y: &Tensor) -> f32 {
    let mut adam = Adam::new(0.05);
    let mut tape = Tape::new();
    let mut last = f32::NAN;
    for _ in 0..500 {
        let (loss, grads) = tape.value_and_grad(|t| model.forward(t.input(x)).mse(t.input(y)));
        adam.step(model, grads);
        last = loss;
    }
    last
}

pub(crate) fn main() -> fanin::Result<()> {
    let x = Tensor::from([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]);
    let y = Tensor::from([[0.0], [1.0], [1.0], [0.0]]);

    manual_seed(0);
    let mut line = Sequential::new().add(Linear::new(2, 1));
    let loss = train(&mut line, &x, &y);
    let answers = line.predict(&x);
    println!("one layer:  loss {loss:.4}, answers {:.3?}", answers.as_slice());
    assert!((loss - 0.25).abs() < 1e-3);
    assert!(answers.iter().all(|answer| (answer - 0.5).abs() < 0.05));

    for seed in 0..10 {
        manual_seed(seed);
        let mut model = Sequential::new().add(Linear::new(2, 8)).add(Tanh).add(Linear::new(8, 1));
        let loss = train(&mut model, &x, &y);
        let answers = model.predict(&x);
        println!("two layers: loss {loss:.1e}, answers {:.3?}, seed {seed}", answers.as_slice());
        let mut pairs = answers.iter().zip(y.iter());
        assert!(pairs.all(|(answer, truth)| (answer - truth).abs() < 0.1), "seed {seed}");
    }
    Ok(())
}
