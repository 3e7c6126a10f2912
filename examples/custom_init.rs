//! Initializers written by a user: a struct, a closure, any distribution of `rand_distr`. Trains
//! one epoch from each, from built-in initializers, and from two that cannot learn, and prints the
//! results.
//!
//! ```text
//! cargo run --release --example custom_init
//! cargo run --release --example custom_init -- --quick     # fewer initializers
//! ```
//! Checks that the same seed gives the same weights, that zeros stay at chance (a loss of ln 10,
//! one image in ten), that ones learn little more, and that every other initializer reaches more
//! than 80 % in one epoch.

mod common;

use fanin::init::rand::{Rng, seq::index};
use fanin::init::rand_distr::{StandardNormal, Triangular};
use fanin::prelude::*;

/// Each unit reads only a few inputs, at any width of the layer (Martens 2010).
#[derive(Debug)]
struct FewInputs(usize);

impl Initializer for FewInputs {
    fn fill(&self, param: &ParamSpec, rng: &mut dyn RngCore, mut weights: ArrayViewMutD<'_, f32>) {
        weights.fill(0.0);
        let few = self.0.min(param.fan_in);
        for mut unit in weights.outer_iter_mut() {
            for input in index::sample(rng, param.fan_in, few) {
                let normal: f32 = rng.sample(StandardNormal);
                unit[input] = normal / (few as f32).sqrt();
            }
        }
    }
}

fn main() {
    // A closure is enough for an initializer without a name. Here: one size and random signs.
    let signs = from_fn(|param, rng, mut weights| {
        let size = (2.0 / param.fan_in as f32).sqrt();
        weights.mapv_inplace(|_| if rng.random() { size } else { -size });
    });
    let triangle = Triangular::new(-0.1, 0.1, 0.0).expect("the peak is between the ends");

    let mut initializers: Vec<(&str, Box<dyn Initializer>)> = vec![
        ("15 inputs a unit, a struct", Box::new(FewInputs(15))),
        ("signs, a closure", Box::new(signs)),
        ("triangle, of rand_distr", Box::new(FromDistribution(triangle))),
        ("zeros", Box::new(Zeros)),
        ("ones", Box::new(Ones)),
    ];
    if !common::quick() {
        initializers.push(("PyTorch's default", Box::new(KaimingUniform::torch_default())));
        initializers.push(("Xavier, normal", Box::new(XavierNormal::default())));
        initializers.push(("Kaiming, normal", Box::new(KaimingNormal::default())));
        initializers.push(("orthogonal", Box::new(Orthogonal::default())));
    }

    println!("{:28}{:>10}{:>14}{:>18}", "initializer", "std", "first loss", "after an epoch");
    let (train, test) = datasets::mnist_bundled();
    for (name, initializer) in initializers {
        let build = || {
            manual_seed(7);
            let layer = |n, m| Linear::builder(n, m).weight(&*initializer).bias(Zeros).build();
            (layer(784, 128), layer(128, 10))
        };
        let (hidden, output) = build();
        assert_eq!(hidden.weight(), build().0.weight(), "the same seed gives the same weights");
        let std = hidden.weight().view().std(0.0);
        let mut model = Sequential::new().add(hidden).add(Relu).add(output);

        let (mut adam, mut tape, mut losses) = (Adam::new(1e-3), Tape::new(), vec![]);
        for (x, y) in train.batches(64).shuffle() {
            let (loss, grads) =
                tape.value_and_grad(|t| model.forward(t.input(&x)).cross_entropy(&y));
            adam.step(&mut model, grads);
            losses.push(loss);
        }
        let accuracy = accuracy(&model, &test);
        let (first, last) = (losses[0], losses[losses.len() - 1]);
        println!("{name:28}{std:>10.4}{first:>14.4}{last:>9.4}{:>7.1} %", 100.0 * accuracy);

        match name {
            "zeros" => {
                assert!(losses.iter().all(|loss| (loss - 10f32.ln()).abs() < 0.05));
                assert_eq!(
                    accuracy, 0.1,
                    "it predicts one class, which a tenth of the digits belong to"
                );
            }
            "ones" => assert!(accuracy < 0.3, "all hidden units are equal"),
            _ => assert!(accuracy > 0.8, "{name}: 80 % are promised"),
        }
    }
}
