//! Where initializations differ: networks of 2 to 50 layers, each trained for three epochs of the
//! bundled digits, from six initializations. A shallow network learns from nearly all of them. With depth, the
//! variance that the activation asks for is the only one that is left.
//!
//! ```text
//! cargo run --release --example depth                            # a table, in half a minute
//! cargo run --release --example depth -- --svg docs/depth.svg    # and a picture
//! cargo run --release --example depth -- --quick                 # depths 2 and 30, one seed
//! ```
//!
//! Checks that zeros never learn, that with 2 layers every random initialization does, and that with 30
//! layers Kaiming's and orthogonal weights do, and PyTorch's default and Xavier's do not.

use fanin::prelude::*;

const WIDTH: usize = 64;
const USAGE: &str =
    "the options are --quick, which trains less, and --svg FILE, which draws a picture";

fn initializations() -> [(&'static str, Scheme); 6] {
    [
        ("all zeros", Zeros.into()),
        ("uniform ±0.5", Uniform::new(-0.5, 0.5).into()),
        ("PyTorch's default", KaimingUniform::torch_default().into()),
        ("Xavier", XavierNormal::default().into()),
        ("Kaiming", KaimingNormal::default().into()),
        ("orthogonal", Orthogonal::default().gain(Nonlinearity::Relu).into()),
    ]
}

/// The accuracy on test digits of a network of `depth` layers after three epochs.
fn accuracy_of(depth: usize, weight: &Scheme) -> f64 {
    let layer = |n, m| Linear::builder(n, m).weight(weight.clone()).bias(Zeros).build();
    let mut model = Sequential::new();
    for i in 1..depth {
        model = model.add(layer(if i == 1 { 784 } else { WIDTH }, WIDTH)).add(Relu);
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
    let depths: &[usize] = if quick { &[2, 30] } else { &[2, 3, 5, 10, 15, 20, 30, 40, 50] };
    let schemes = initializations();
    let results = Sweep::new()
        .variants(depths.iter().map(|depth| format!("{depth} layers")))
        .schemes(schemes.iter().map(|(_, scheme)| scheme.clone()))
        .seeds(0..if quick { 1 } else { 5 })
        .silent()
        .run(|trial| {
            let depth =
                trial.variant().split(' ').next().expect("a number").parse().expect("a number");
            Ok::<_, fanin::Error>(accuracy_of(depth, &trial.scheme()))
        })?;
    // Rows come by depth, and then in the order of the initializations.
    let rows = results.rows();
    let of = |at: usize, scheme: usize| 100.0 * rows[at * schemes.len() + scheme].scores[0].1.mean;

    println!("per cent of 1,000 test digits, the mean of the seeds");
    print!("{:22}", "layers");
    depths.iter().for_each(|depth| print!("{depth:>7}"));
    println!();
    for (s, (name, _)) in schemes.iter().enumerate() {
        print!("{name:22}");
        (0..depths.len()).for_each(|at| print!("{:>7.1}", of(at, s)));
        println!();
    }
    if let Some(file) = picture {
        let mut chart = LineChart::new(
            "per cent of MNIST's digits right after three epochs, by depth",
            "layers",
        );
        for (s, (name, _)) in schemes.iter().enumerate() {
            chart =
                chart.line(*name, depths.iter().enumerate().map(|(at, &d)| (d as f64, of(at, s))));
        }
        chart.save(file)?;
    }

    let deep = depths.iter().position(|&depth| depth == 30).expect("30 is a depth");
    assert!((0..depths.len()).all(|at| of(at, 0) < 15.0), "zeros do not learn");
    assert!((1..6).all(|s| of(0, s) > 75.0), "two layers learn from any random weights");
    assert!(of(deep, 2) < 20.0 && of(deep, 3) < 20.0, "the default and Xavier fail at 30 layers");
    assert!(of(deep, 4) > 35.0 && of(deep, 5) > 45.0, "Kaiming and orthogonal do not");
    Ok(())
}
