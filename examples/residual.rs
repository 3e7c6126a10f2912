//! Why deep networks are residual: 64 hidden layers read digits, with shortcuts and without.
//!
//! ```text
//! cargo run --release --example residual
//! cargo run --release --example residual -- --quick     # fewer digits and epochs
//! ```
//!
//! | network | its layers | weights |
//! |---|---|---|
//! | plain | `relu(W x + b)`, 64 times | the default, which is PyTorch's |
//! | residual | `x + W₂ relu(W₁ x + b₁) + b₂`, 32 times (He et al. 2016) | the same |
//! | mirrored | those of the plain one | `LooksLinear` (Balduzzi et al. 2017) |
//!
//! With the default weights each plain layer shrinks what tells two digits apart, and nothing of it
//! reaches the last one. A shortcut carries it past each block. A network without shortcuts learns
//! too if it is initialized so that its layers keep the signal. The program asserts the accuracies on
//! digits that no network has seen.

#[path = "common/mod.rs"]
mod common;

use fanin::prelude::*;

const BLOCKS: usize = 32;
const WIDTH: usize = 64;

fn plain() -> Sequential {
    let first = Sequential::new().add(Linear::new(784, WIDTH)).add(Relu);
    let hidden = |net: Sequential, _| net.add(Linear::new(WIDTH, WIDTH)).add(Relu);
    (1..2 * BLOCKS).fold(first, hidden).add_named("last", Linear::new(WIDTH, 10))
}

fn residual() -> Sequential {
    let layer = || Linear::new(WIDTH, WIDTH);
    let block = || Residual::new(Sequential::new().add(layer()).add(Relu).add(layer()));
    let first = Sequential::new().add(Linear::new(784, WIDTH));
    (0..BLOCKS).fold(first, |net, _| net.add(block())).add_named("last", Linear::new(WIDTH, 10))
}

/// The plain network, at first a linear one: the units of a layer are pairs of opposite signs, of which
/// ReLU passes one.
fn mirrored() -> fanin::Result<Sequential> {
    let mut net = plain();
    let plan = InitPlan::new()
        .weights(LooksLinear::new(Position::Hidden))
        .set("0.weight", LooksLinear::new(Position::First))
        .set("last.weight", LooksLinear::new(Position::Last))
        .biases(Zeros);
    net.init(&plan)?;
    Ok(net)
}

fn main() -> fanin::Result<()> {
    let quick = common::quick();
    let (mut train, test) = datasets::mnist_bundled();
    if quick {
        train = train.select((0..train.len()).step_by(2));
    }
    manual_seed(0);
    let networks = [("plain", plain()), ("residual", residual()), ("mirrored", mirrored()?)];
    let epochs = if quick { 3 } else { 8 };
    let mut accuracies = vec![];
    for (name, mut net) in networks {
        println!("{name}: {} parameters", net.num_params());
        let history = Trainer::new(CrossEntropy::new(), Adam::new(1e-3))
            .epochs(epochs)
            .metric(Accuracy::new())
            .clip_norm(1.0)
            .fit(&mut net, &train, &test)?;
        accuracies.push(history.metric("accuracy")[epochs - 1]);
    }
    let [plain, residual, mirrored] = accuracies[..] else { unreachable!("three networks") };
    println!("accuracy: plain {plain:.3}, residual {residual:.3}, mirrored {mirrored:.3}");
    let promised = if quick { 0.75 } else { 0.88 };
    assert!(plain < 0.2, "a plain network of this depth is not supposed to learn");
    assert!(residual > promised && mirrored > promised, "an accuracy of {promised} is promised");
    Ok(())
}
