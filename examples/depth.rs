//! Where initializations differ: networks of 2 to 50 layers, each trained for three epochs of the
//! bundled digits, from six initializations: with ReLU, with tanh, and with ReLU behind a normalization.
//! A shallow network learns from nearly all of them. A deep one learns only if the variance fits its activation.
//!
//! ```text
//! cargo run --release --example depth                            # four tables, in two minutes
//! cargo run --release --example depth -- --svg docs/depth.svg    # and a picture, of ReLU
//! cargo run --release --example depth -- --csv docs/depth.csv    # and the numbers, which compare_inits shows
//! cargo run --release --example depth -- --quick                 # depths 2 and 30, one seed
//! ```
//!
//! Checks that zeros never learn, that with 2 layers every random initialization does, and that with 30
//! layers of ReLU Kaiming's and orthogonal weights do, and PyTorch's default and Xavier's do not.

#[path = "common/options.rs"]
mod options;

use std::fmt::Write;

use fanin::prelude::*;
use options::{Opt, Program};

const WIDTH: usize = 64;
const ABOUT: &str = "\
Trains networks of 2 to 50 layers from six initializations, and shows which of them learn: with ReLU,
with tanh, and with ReLU behind batch or layer normalization.";
const OPTIONS: &[Opt] = &[
    Opt::value("svg", "FILE", "Draws a picture of the networks with ReLU"),
    Opt::value("csv", "FILE", "Writes the accuracies and their 95 % intervals"),
    Opt::flag("quick", "Trains depths 2 and 30 alone, from one seed, and checks the same"),
];

/// What stands between two linear layers.
#[derive(Clone, Copy, PartialEq)]
enum Between {
    Relu,
    Tanh,
    BatchNormRelu,
    LayerNormRelu,
}

const KINDS: [(&str, Between); 4] = [
    ("ReLU", Between::Relu),
    ("tanh", Between::Tanh),
    ("batch norm and ReLU", Between::BatchNormRelu),
    ("layer norm and ReLU", Between::LayerNormRelu),
];

fn initializations(between: Between) -> [(&'static str, Scheme); 6] {
    let orthogonal = match between {
        // Gain 1: the derivative of tanh at 0 is 1.
        Between::Tanh => Orthogonal::default(),
        _ => Orthogonal::default().gain(Nonlinearity::Relu),
    };
    [
        ("all zeros", Zeros.into()),
        ("uniform ±0.5", Uniform::new(-0.5, 0.5).into()),
        ("PyTorch's default", KaimingUniform::torch_default().into()),
        ("Xavier", XavierNormal::default().into()),
        ("Kaiming", KaimingNormal::default().into()),
        ("orthogonal", orthogonal.into()),
    ]
}

/// The accuracy on test digits of a network of `depth` layers after three epochs.
fn accuracy_of(depth: usize, between: Between, weight: &Scheme) -> f64 {
    let layer = |n, m| Linear::builder(n, m).weight(weight.clone()).bias(Zeros).build();
    let mut model = Sequential::new();
    for i in 1..depth {
        model = model.add(layer(if i == 1 { 784 } else { WIDTH }, WIDTH));
        model = match between {
            Between::Relu => model.add(Relu),
            Between::Tanh => model.add(Tanh),
            Between::BatchNormRelu => model.add(BatchNorm1d::new(WIDTH)).add(Relu),
            Between::LayerNormRelu => model.add(LayerNorm::new(WIDTH)).add(Relu),
        };
    }
    let mut model = model.add(layer(if depth == 1 { 784 } else { WIDTH }, 10));
    let (train, test) = datasets::mnist_bundled();
    let (mut sgd, mut tape) = (Sgd::new(0.01).momentum(0.9), Tape::new());
    for _ in 0..3 {
        for (x, y) in train.batches(32).shuffle() {
            let (_, mut grads) =
                tape.value_and_grad(|t| model.forward(t.input(&x)).cross_entropy(&y));
            grads.clip_norm(1.0);
            sgd.step(&mut model, grads);
        }
    }
    accuracy(&model, &test)
}

/// The accuracies of one kind of network in per cent: the mean of the seeds and half of its 95 % interval, by
/// initialization and then by depth.
fn sweep(between: Between, depths: &[usize], seeds: u64) -> fanin::Result<Vec<Vec<[f64; 2]>>> {
    let schemes = initializations(between);
    let results = Sweep::new()
        .variants(depths.iter().map(|depth| format!("{depth} layers")))
        .schemes(schemes.iter().map(|(_, scheme)| scheme.clone()))
        .seeds(0..seeds)
        .silent()
        .run(|trial| {
            let depth =
                trial.variant().split(' ').next().expect("a number").parse().expect("a number");
            Ok::<_, fanin::Error>(accuracy_of(depth, between, &trial.scheme()))
        })?;
    // Rows come by depth, and then in the order of the initializations.
    let rows = results.rows();
    let of = |scheme: usize, at: usize| {
        let accuracy = rows[at * schemes.len() + scheme].scores[0].1;
        [100.0 * accuracy.mean, 100.0 * accuracy.half]
    };
    let row = |scheme| (0..depths.len()).map(|at| of(scheme, at)).collect();
    Ok((0..schemes.len()).map(row).collect())
}

fn main() -> fanin::Result<()> {
    let program = Program {
        name: "depth",
        about: ABOUT,
        positional: None,
        options: OPTIONS,
        after: String::new(),
    };
    let given = program.read();
    let quick = given.has("quick");
    given.conflict("quick", &["svg", "csv"]);
    let depths: &[usize] = if quick { &[2, 30] } else { &[2, 3, 5, 10, 15, 20, 30, 40, 50] };
    let deep = depths.iter().position(|&depth| depth == 30).expect("30 is a depth");
    let mut csv = String::from("network,initialization,layers,mean,half_interval\n");

    println!("per cent of 1,000 test digits, the mean of the seeds");
    for (kind, between) in KINDS {
        let names = initializations(between).map(|(name, _)| name);
        let results = sweep(between, depths, if quick { 1 } else { 5 })?;
        print!("\n{:22}", format!("{kind}: layers"));
        depths.iter().for_each(|depth| print!("{depth:>6}"));
        println!();
        for (name, row) in names.iter().zip(&results) {
            print!("{name:22}");
            row.iter().for_each(|[mean, ..]| print!("{mean:>6.1}"));
            println!();
            for (depth, [mean, half]) in depths.iter().zip(row) {
                writeln!(csv, "{kind},{name},{depth},{mean:.2},{half:.2}").expect("a String");
            }
        }
        if let Some(file) = given.path("svg").filter(|_| between == Between::Relu) {
            let title = "per cent of MNIST's digits right after three epochs, by depth";
            let mut chart = LineChart::new(title, "layers");
            for (name, row) in names.iter().zip(&results) {
                chart = chart
                    .line(*name, depths.iter().zip(row).map(|(&d, &[mean, ..])| (d as f64, mean)));
            }
            chart.save(file)?;
        }

        let of = |scheme: usize, at: usize| results[scheme][at][0];
        assert!((0..depths.len()).all(|at| of(0, at) < 15.0), "zeros do not learn");
        assert!((1..6).all(|s| of(s, 0) > 75.0), "two layers learn from any random weights");
        if between == Between::Relu {
            let fail = of(2, deep) < 20.0 && of(3, deep) < 20.0;
            assert!(fail, "the default and Xavier fail at 30 layers");
            assert!(of(4, deep) > 35.0 && of(5, deep) > 45.0, "Kaiming and orthogonal do not");
        }
    }
    if let Some(file) = given.path("csv") {
        std::fs::write(file, csv)?;
    }
    Ok(())
}
