//! The doctor's verdicts on faulty and healthy initializations, before any training.
//!
//! ```text
//! cargo run --release --example doctor
//! cargo run --release --example doctor -- --quick        # the verdicts without the tables
//! cargo run --release --example doctor -- --svg FILE     # and a picture of the default at depth 30
//! ```
//!
//! Checks that every faulty network gets its verdict and that no healthy network gets one.

use fanin::prelude::*;

const USAGE: &str =
    "the options are --quick, to print verdicts only, and --svg FILE, to write a chart";

/// Adds an activation.
type Activate = fn(Sequential) -> Sequential;

/// A network of 784 inputs, `depth` hidden layers of 64 units, and 10 outputs.
fn net(
    depth: usize,
    weight: &dyn Initializer,
    bias: &dyn Initializer,
    activation: Activate,
) -> Sequential {
    manual_seed(42);
    let layer = |n, m| Linear::builder(n, m).weight(weight).bias(bias).build();
    let hidden =
        |net, i| activation(Sequential::add(net, layer(if i == 0 { 784 } else { 64 }, 64)));
    (0..depth).fold(Sequential::new(), hidden).add(layer(64, 10))
}

fn main() -> fanin::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (quick, picture) = match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => (false, None),
        ["--quick"] => (true, None),
        ["--svg", file] => (false, Some(file)),
        ["--help" | "-h"] => {
            println!("{USAGE}");
            return Ok(());
        }
        _ => {
            eprintln!("cannot understand `{}`; {USAGE}", args.join(" "));
            std::process::exit(2)
        }
    };
    let relu: Activate = |net| net.add(Relu);
    let tanh: Activate = |net| net.add(Tanh);
    let sigmoid: Activate = |net| net.add(Sigmoid);
    let (default, kaiming) = (KaimingUniform::torch_default(), KaimingNormal::default());
    let deep_default = net(30, &default, &FanInUniform, relu);
    let patients = [
        ("zeros", "Symmetry", net(2, &Zeros, &Zeros, relu)),
        ("ones", "Symmetry", net(2, &Ones, &Zeros, relu)),
        ("U[0, 1)", "ExplodingActivations", net(2, &Uniform::new(0.0, 1.0), &Zeros, relu)),
        ("N(0, 1) and sigmoid", "Saturated", net(2, &Normal::new(0.0, 1.0), &Zeros, sigmoid)),
        ("biases of -10", "Dead", net(3, &kaiming, &Constant(-10.0), relu)),
        ("the default, 30 deep", "VanishingActivations", deep_default),
        ("Xavier and ReLU, 30 deep", "VanishingActivations", {
            net(30, &XavierNormal::default(), &Zeros, relu)
        }),
        ("the default, 2 deep", "", net(2, &default, &FanInUniform, relu)),
        ("Kaiming, 30 deep", "", net(30, &kaiming, &Zeros, relu)),
        ("orthogonal and tanh, 100 deep", "", net(100, &Orthogonal::default(), &Zeros, tanh)),
        ("pixels from 0 to 255", "UnscaledInput", net(2, &kaiming, &Zeros, relu)),
        ("softmax twice", "UnfitOutput", net(2, &kaiming, &Zeros, relu).add(Softmax)),
    ];

    let (train, _) = datasets::mnist_bundled();
    let (x, y) = train.batches(128).shuffle().next().expect("there are digits");
    let pixels = x.map(|x| 255.0 * x);
    for (name, fault, model) in patients {
        let x = if name.starts_with("pixels") { &pixels } else { &x };
        let report = InitReport::with_labels(&model, x, &y);
        println!("== {name}");
        match report.verdicts.first() {
            _ if !quick => {
                report.print();
                println!();
            }
            Some(verdict) => println!("{}\n  → {}\n", verdict.finding, verdict.advice),
            None => println!("nothing is wrong\n"),
        }
        let found = report.verdicts.first().map_or(String::new(), |v| format!("{:?}", v.fault));
        assert_eq!(found.split(' ').next(), Some(fault), "{name}: the fault is named");
        if let Some(file) = picture.filter(|_| name == "the default, 30 deep") {
            std::fs::write(file, report.to_svg())?;
        }
    }
    Ok(())
}
