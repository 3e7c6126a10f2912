//! A network that is a picture: it maps the position of a pixel to its colour (Sitzmann et al. 2020).
//!
//! ```text
//! cargo run --release --example siren -- siren.png
//! cargo run --release --example siren -- --quick siren.png    # fewer steps
//! ```
//!
//! The same network is trained twice, with sines that are initialized as the paper says, and with ReLU
//! from PyTorch's default. The picture shows the original, the sines, and ReLU, side by side. The
//! program asserts a peak signal-to-noise ratio of 35 dB for the sines (22 with `--quick`), and at least
//! 20 dB more than for ReLU (10 with `--quick`).

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
    (Tensor::from_rows(points), Tensor::from_vec([SIDE * SIDE, 3], colors))
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

/// The peak signal-to-noise ratio in decibels. The range of a colour is 2.
fn decibels(mse: f64) -> f64 {
    10.0 * (4.0 / mse).log10()
}

/// Trains a network on the picture, all pixels in each step. Returns what it draws, and how near that is
/// in decibels.
fn fit(name: &str, mut model: Sequential, steps: usize) -> fanin::Result<(Tensor, f64)> {
    let picture = pixels();
    Trainer::new(Mse::new(), Adam::new(4e-3))
        .schedule(CosineAnnealing::new(steps))
        .epochs(steps)
        .batch(SIDE * SIDE)
        .shuffle(false)
        .silent()
        .on_step(|end| {
            if end.step % 100 == 0 {
                println!("{name}: step {:>4}, {:.1} dB", end.step, decibels(end.loss));
            }
        })
        .fit_all(&mut model, &picture)?;
    let drawn = model.predict(&picture.0);
    let mse = metrics::mean_squared_error(&drawn, &picture.1);
    Ok((drawn, decibels(mse)))
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
    let (steps, promised, ahead) =
        if given.has("quick") { (50, 22.0, 10.0) } else { (500, 35.0, 20.0) };
    manual_seed(0);
    let (sines, near) = fit("sines", sines(), steps)?;
    let (relus, far) = fit("ReLU", relus(), steps)?;
    println!("sines {near:.1} dB, ReLU {far:.1} dB");
    assert!(near >= promised, "{promised} dB are promised");
    assert!(near >= far + ahead, "{ahead} dB more than ReLU are promised");

    if let Some(path) = given.file() {
        let (_, original) = pixels();
        let [original, sines, relus] =
            [original, sines, relus].map(|picture| picture.map(|v| (v + 1.0) / 2.0).into_vec());
        Picture::beside(SIDE, &[&original, &sines, &relus]).save(&path, 4)?;
    }
    Ok(())
}
