//! A network that is a picture, and an autoencoder of digits, with fanin.

use fanin::prelude::*;

fn layer(inputs: usize, outputs: usize, position: Position) -> Linear {
    Linear::builder(inputs, outputs).weight(Siren::new(position)).build()
}

fn main() -> fanin::Result<()> {
    manual_seed(std::env::args().nth(1).and_then(|seed| seed.parse().ok()).expect("a seed"));
    let pixels = std::fs::read("data/image.rgb")?;
    let at = |i: usize| 2.0 * i as f32 / 63.0 - 1.0;
    let x = Tensor::from_rows((0..64 * 64).map(|i| [at(i % 64), at(i / 64)]).collect::<Vec<_>>());
    let y = pixels.iter().map(|&byte| f32::from(byte) / 127.5 - 1.0).collect();
    let mut model = Sequential::new()
        .add(layer(2, 64, Position::First))
        .add(Sine(30.0))
        .add(layer(64, 64, Position::Hidden))
        .add(Sine(30.0))
        .add(layer(64, 64, Position::Hidden))
        .add(Sine(30.0))
        .add(layer(64, 3, Position::Hidden));
    let history = Trainer::new(Mse::new(), Adam::new(1e-3))
        .epochs(500)
        .batch(64 * 64)
        .shuffle(false)
        .silent()
        .fit_all(&mut model, &(x, Tensor::from_vec([64 * 64, 3], y)))?;
    println!("siren PSNR {}", 10.0 * (4.0 / history.losses()[499]).log10());

    let (train, test) = datasets::mnist_bundled();
    let mut model = Sequential::new()
        .add(Linear::new(784, 256))
        .add(Relu)
        .add(Linear::new(256, 16))
        .add(Linear::new(16, 256))
        .add(Relu)
        .add(Linear::new(256, 784))
        .add(Sigmoid);
    let history = Trainer::new(Mse::new(), Adam::new(1e-3)).epochs(30).batch(64).silent().fit(
        &mut model,
        &train.tensors().0,
        &test.tensors().0,
    )?;
    for epoch in [10, 20, 30] {
        println!("autoencoder error@{epoch} {}", history.valid_losses()[epoch - 1]);
    }
    Ok(())
}
