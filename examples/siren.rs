//! A network that is a picture: it maps the position of a pixel to its colour (Sitzmann et al. 2020).
//!
//! ```text
//! cargo run --release --example siren -- siren.png
//! cargo run --release --example siren -- --quick siren.png    # fewer steps
//! ```
//!
//! The same network is trained twice, with sines that are initialized as the paper says, and with ReLU
//! from PyTorch's default. The picture shows the original, the sines, and ReLU, side by side. The
//! program asserts that the sines come within 35 dB of the original (25 with `--quick`), and at least
//! 8 dB closer than ReLU.

#[path = "common/options.rs"]
mod options;
#[path = "common/picture.rs"]
mod picture;

use fanin::prelude::*;
use options::{Opt, Program};
use picture::Picture;

const SIDE: usize = 64;

/// The picture: coloured rings and a fine chessboard, from -1 to 1. It has edges and high frequencies.
fn color(x: f32, y: f32) -> [f32; 3] {
    let radius = (x * x + y * y).sqrt();
    let rings = (18.0 * radius).sin();
    if radius < 0.85 {
        return [rings, (18.0 * radius + 2.0 * y.atan2(x)).sin(), 0.8 - radius];
    }
    let board = ((x + 1.0) * 12.0) as i32 + ((y + 1.0) * 12.0) as i32;
    [[0.9, 0.8, 0.3], [-0.7, -0.5, 0.1]][board as usize % 2]
}

/// Positions `(pixels, 2)` and colours `(pixels, 3)`, all from -1 to 1.
fn pixels() -> (Tensor, Tensor) {
    let at = |i: usize| 2.0 * i as f32 / (SIDE - 1) as f32 - 1.0;
    let points: Vec<[f32; 2]> = (0..SIDE * SIDE).map(|i| [at(i % SIDE), at(i / SIDE)]).collect();
    let colors = points.iter().flat_map(|&[x, y]| color(x, y)).collect();
    let points: Vec<f32> = points.into_iter().flatten().collect();
    (Tensor::from_vec([SIDE * SIDE, 2], points), Tensor::from_vec([SIDE * SIDE, 3], colors))
}

fn sines() -> Sequential {
    let layer = |inputs, outputs, position| {
        Linear::builder(inputs, outputs).weight(Siren::new(position)).build()
    };
    Sequential::new()
        .add(layer(2, 64, Position::First))
        .add(Sine(30.0))
        .add(layer(64, 64, Position::Hidden))
        .add(Sine(30.0))
        .add(layer(64, 64, Position::Hidden))
        .add(Sine(30.0))
        .add(layer(64, 3, Position::Hidden))
}

fn relus() -> Sequential {
    Sequential::new()
        .add(Linear::new(2, 64))
        .add(Relu)
        .add(Linear::new(64, 64))
        .add(Relu)
        .add(Linear::new(64, 64))
        .add(Relu)
        .add(Linear::new(64, 3))
}

/// Trains a network on the picture. Returns what it draws, and how near that is in decibels.
fn fit(name: &str, mut model: Sequential, steps: usize) -> (Tensor, f32) {
    let (points, colors) = pixels();
    let (mut adam, mut tape) = (Adam::new(1e-3), Tape::new());
    // Peak signal-to-noise ratio: the range of a colour is 2.
    let decibels = |mse: f32| 10.0 * (4.0 / mse).log10();
    for step in 1..=steps {
        let (mse, grads) =
            tape.value_and_grad(|t| model.forward(t.input(&points)).mse(t.input(&colors)));
        adam.step(&mut model, grads);
        if step % 100 == 0 {
            println!("{name}: step {step:>4}, {:.1} dB", decibels(mse));
        }
    }
    let drawn = model.predict(&points);
    let mse = tape.value(|t| t.input(&drawn).mse(t.input(&colors))).item();
    (drawn, decibels(mse))
}

const OPTIONS: &[Opt] = &[Opt::flag("quick", "fewer steps")];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let given = Program {
        name: "siren",
        about: "A network that is a picture.",
        positional: Some(Opt::value("PNG", "PNG", "the file to write the pictures to")),
        options: OPTIONS,
        after: String::new(),
    }
    .read();
    let (steps, promised) = if given.has("quick") { (150, 25.0) } else { (800, 35.0) };
    manual_seed(0);
    let (sines, near) = fit("sines", sines(), steps);
    let (relus, far) = fit("ReLU", relus(), steps);
    println!("sines {near:.1} dB, ReLU {far:.1} dB");
    assert!(near >= promised, "{promised} dB are promised");
    assert!(near >= far + 8.0, "8 dB more than ReLU are promised");

    if let Some(path) = given.file() {
        let (_, original) = pixels();
        let rows = |image: &Tensor| -> Vec<Vec<f32>> {
            image
                .as_slice()
                .chunks(3 * SIDE)
                .map(|row| row.iter().map(|v| (v + 1.0) / 2.0).collect())
                .collect()
        };
        let [a, b, c] = [&original, &sines, &relus].map(rows);
        let values = (0..SIDE).flat_map(|y| [&a[y], &b[y], &c[y]].into_iter().flatten()).copied();
        Picture::new(3 * SIDE, 3, values.collect()).save(&path, 4)?;
    }
    Ok(())
}
