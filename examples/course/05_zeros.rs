//! # Why all zeros fail
//!
//! A network whose weights are all zero cannot learn, and all ones are no better. The reason is
//! symmetry. If two hidden units have the same weights, they give the same output. Then they get the
//! same gradient, take the same step, and are the same again. A layer of 32 equal units computes no
//! more than a layer of one.
//!
//! With zeros it is worse still. A hidden unit gives 0, so the weights of the last layer get a gradient
//! of 0. These weights are 0, so the hidden units get a gradient of 0 too. Only the biases of the last
//! layer move. They learn how frequent each digit is, and the image has no influence on the answer.
//!
//! Random weights break the symmetry: each unit begins with other weights and learns something else.
//! Biases may be zero, because the weights are enough to tell the units apart.

use fanin::prelude::*;

/// The largest difference between a weight of the first hidden unit and that of another one.
fn difference(weights: &Tensor) -> f32 {
    let first = weights.row(0);
    let units = (0..weights.shape()[0]).map(|unit| weights.row(unit) - &first);
    units.map(|d| d.max().max(-d.min())).fold(0.0, f32::max)
}

pub(crate) fn main() -> fanin::Result<()> {
    let (train, test) = datasets::mnist_bundled();
    let initializers: [(&str, Box<dyn Initializer>); 3] = [
        ("zeros", Box::new(Zeros)),
        ("ones", Box::new(Ones)),
        ("random", Box::new(KaimingNormal::default())),
    ];
    println!("{:8}{:>24}{:>8}{:>12}", "weights", "difference of two units", "loss", "accuracy");
    for (name, initializer) in initializers {
        manual_seed(5);
        let layer = |n, m| Linear::builder(n, m).weight(&*initializer).bias(Zeros).build();
        let mut model = Sequential::new().add(layer(784, 32)).add(Relu).add(layer(32, 10));

        let (mut adam, mut tape, mut last) = (Adam::new(1e-3), Tape::new(), f32::NAN);
        for _ in 0..3 {
            for (x, y) in train.batches(64).shuffle() {
                let (loss, grads) =
                    tape.value_and_grad(|t| model.forward(t.input(&x)).cross_entropy(&y));
                adam.step(&mut model, grads);
                last = loss;
            }
        }

        let hidden = model.get::<Linear>(0).expect("the first layer is linear").weight();
        let (difference, accuracy) = (difference(hidden), accuracy(&model, &test));
        println!("{name:8}{difference:>24.4}{last:>8.3}{:>10.1} %", 100.0 * accuracy);
        match name {
            "zeros" => {
                assert!(hidden.iter().all(|&weight| weight == 0.0), "no weight has moved");
                assert_eq!(accuracy, 0.1, "it names one digit, always");
                assert!((last - 10f32.ln()).abs() < 0.05);
            }
            "ones" => assert!(difference < 1e-3 && accuracy < 0.3),
            _ => assert!(difference > 0.1 && accuracy > 0.85),
        }
    }
    Ok(())
}
