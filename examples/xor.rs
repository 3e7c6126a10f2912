//! The smallest network that learns something: exclusive or, which no single layer can compute
//! (Minsky and Papert 1969). Checks that all four answers are right for several seeds.
//!
//! ```text
//! cargo run --release --example xor
//! cargo run --release --example xor -- --quick     # one seed
//! ```

mod common;

use fanin::prelude::*;

fn main() {
    let x = Tensor::from_vec([4, 2], vec![0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0]);
    let y = Tensor::from_vec([4, 1], vec![0.0, 1.0, 1.0, 0.0]);

    for seed in 0..if common::quick() { 1 } else { 10 } {
        manual_seed(seed);
        let mut model = Sequential::new().add(Linear::new(2, 8)).add(Tanh).add(Linear::new(8, 1));
        let mut adam = Adam::new(0.05);
        let mut tape = Tape::new();
        println!("seed {seed}");
        for step in 0..=500 {
            let (loss, grads) =
                tape.value_and_grad(|t| model.forward(t.input(&x)).mse(t.input(&y)));
            if step % 100 == 0 {
                println!("  step {step:>3}  loss {loss:.6}");
            }
            adam.step(&mut model, grads);
        }

        let answers = model.predict(&x);
        let rows = x.as_slice().chunks(2).zip(y.as_slice()).zip(answers.as_slice());
        for ((inputs, truth), answer) in rows {
            println!("  {} xor {} = {answer:+.3}", inputs[0], inputs[1]);
            assert!((answer - truth).abs() < 0.1, "{truth} is expected");
        }
    }
    println!("all four right");
}
