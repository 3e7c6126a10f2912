//! A deep residual network without normalization separates two spirals, and its decision is drawn.
//!
//! ```text
//! cargo run --release --example spirals -- spirals.png
//! cargo run --release --example spirals -- --quick          # fewer points and steps
//! ```
//!
//! Each of 32 blocks is `x + W₂ relu(W₁ x)`. Two initializations are compared: Fixup, whose blocks
//! begin at zero and are scaled by their number (Zhang et al. 2019), and Kaiming's for every layer,
//! with which each block doubles the variance of its input. The picture shows what the two have learnt.
//! The program asserts that Fixup classifies 99 % of new points correctly (97 % with `--quick`), and
//! Kaiming's at most 75 %.

#[path = "common/options.rs"]
mod options;
#[path = "common/picture.rs"]
mod picture;
#[path = "common/spirals.rs"]
mod spirals;

use fanin::init::TorchRng;
use fanin::prelude::*;
use options::{Opt, Program};
use picture::Picture;
use spirals::spirals;

const BLOCKS: usize = 32;
const WIDTH: usize = 32;
/// The side of a picture, in pixels.
const SIDE: usize = 240;

fn fixup() -> Sequential {
    let first = Sequential::new().add(Linear::new(2, WIDTH));
    let blocks = (0..BLOCKS)
        .fold(first, |net, _| net.add(Residual::new(FixupBranch::new(WIDTH, WIDTH, BLOCKS, 2))));
    blocks.add(Linear::builder(WIDTH, 2).weight(Zeros).build())
}

fn kaiming() -> Sequential {
    let layer = || Linear::builder(WIDTH, WIDTH).weight(KaimingNormal::default()).build();
    let block = || Sequential::new().add(layer()).add(Relu).add(layer());
    let first = Sequential::new().add(Linear::new(2, WIDTH));
    let blocks = (0..BLOCKS).fold(first, |net, _| net.add(Residual::new(block())));
    blocks.add(Linear::new(WIDTH, 2))
}

/// Trains a network on the points, and returns the share of new points that it classifies correctly.
fn train(name: &str, model: &mut Sequential, points: usize, steps: usize) -> f64 {
    let mut rng = TorchRng::seed(1);
    let (x, labels) = spirals(points, &mut rng);
    let (mut adam, mut tape) = (Adam::new(3e-3), Tape::new());
    for step in 1..=steps {
        let (loss, mut grads) =
            tape.value_and_grad(|t| model.forward(t.input(&x)).cross_entropy(&labels));
        grads.clip_norm(1.0);
        adam.step(model, grads);
        if step == 1 || step % 50 == 0 {
            println!("{name}: step {step:>3}, loss {loss:.4}");
        }
    }
    let (new, labels) = spirals(1_000, &mut rng);
    metrics::accuracy(&model.predict(&new), &labels)
}

/// How sure the network is of the first class, as the brightness of each point.
fn decision(model: &Sequential, side: usize) -> Vec<f32> {
    let at = |i: usize| 2.2 * i as f32 / (side - 1) as f32 - 1.1;
    let points = (0..side * side).flat_map(|i| [at(i % side), -at(i / side)]).collect();
    let logits = model.predict(&Tensor::from_vec([side * side, 2], points));
    let sure = |z: &[f32]| 1.0 / (1.0 + (z[1] - z[0]).exp());
    let colors =
        logits.as_slice().chunks(2).map(sure).flat_map(|p| [0.1 + 0.8 * p, 0.5, 0.9 - 0.8 * p]);
    let mut colors: Vec<f32> = colors.collect();
    // The points to learn, in white and black.
    let (x, labels) = spirals(1_000, &mut TorchRng::seed(1));
    for (point, label) in x.as_slice().chunks(2).zip(labels) {
        let [column, row] =
            [point[0], -point[1]].map(|v| ((v + 1.1) / 2.2 * (side - 1) as f32).round() as usize);
        colors[3 * (row * side + column)..][..3].fill([1.0, 0.0][label]);
    }
    colors
}

const OPTIONS: &[Opt] = &[Opt::flag("quick", "fewer points and steps")];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let given = Program {
        name: "spirals",
        about: "A deep residual network without normalization separates two spirals.",
        positional: Some(Opt::value("PNG", "PNG", "the file to draw the decision to")),
        options: OPTIONS,
        after: String::new(),
    }
    .read();
    let (points, steps, promised) =
        if given.has("quick") { (300, 120, 0.97) } else { (1_000, 500, 0.99) };
    manual_seed(1);
    let (mut fixup, mut kaiming) = (fixup(), kaiming());
    println!("{}", InitReport::new(&kaiming, &spirals(256, &mut TorchRng::seed(1)).0));
    let right = train("Fixup", &mut fixup, points, steps);
    let plain = train("Kaiming", &mut kaiming, points, steps);
    println!(
        "new points classified correctly: Fixup {:.1} %, Kaiming {:.1} %",
        100.0 * right,
        100.0 * plain
    );
    assert!(right >= promised, "{promised} are promised");
    assert!(plain <= 0.75, "with Kaiming's weights it is not supposed to learn");
    if let Some(path) = given.file() {
        let [fixup, kaiming] = [&fixup, &kaiming].map(|model| decision(model, SIDE));
        Picture::beside(SIDE, &[&fixup, &kaiming]).save(&path, 2)?;
    }
    Ok(())
}
