//! An autoencoder and a variational autoencoder of handwritten digits (Kingma and Welling 2013).
//!
//! ```text
//! cargo run --release --example autoencoder -- digits.png
//! cargo run --release --example autoencoder -- --quick
//! ```
//!
//! Both squeeze a digit of 784 pixels into 16 numbers and draw it again from them. The numbers of the
//! variational one are random, and close to a standard normal over all digits. So it draws digits that
//! nobody has written from random numbers. The picture shows digits of the test set, what the two make
//! of them, and new digits. The program asserts the mean squared error of the autoencoder on digits
//! that it has not seen, and that the bound of the variational one has fallen.

#[path = "common/options.rs"]
mod options;
#[path = "common/picture.rs"]
mod picture;

use fanin::init::TorchRng;
use fanin::prelude::*;
use options::{Opt, Program};
use picture::Picture;

const CODE: usize = 16;

fn encoder(outputs: usize) -> Sequential {
    Sequential::new().add(Linear::new(784, 256)).add(Relu).add(Linear::new(256, outputs))
}

fn decoder() -> Sequential {
    Sequential::new().add(Linear::new(CODE, 256)).add(Relu).add(Linear::new(256, 784))
}

#[derive(Clone, Parameters)]
struct Autoencoder {
    encoder: Sequential,
    decoder: Sequential,
}

impl Module for Autoencoder {
    fn forward<'t>(&self, x: Var<'t>) -> Var<'t> {
        self.decoder.forward(self.encoder.forward(x)).sigmoid()
    }
}

/// The encoder gives a mean and the logarithm of a variance for each number of the code.
#[derive(Clone, Parameters)]
struct Variational {
    encoder: Sequential,
    decoder: Sequential,
}

impl Variational {
    /// The negative evidence lower bound of a batch, per digit (Kingma and Welling 2013, eq. 10).
    fn loss<'t>(&self, x: Var<'t>, noise: Var<'t>) -> Var<'t> {
        let digits = x.shape()[0] as f32;
        let code = self.encoder.forward(x);
        let (mean, log_variance) = (code.slice(1, 0..CODE), code.slice(1, CODE..2 * CODE));
        let drawn = mean + (log_variance * 0.5).exp() * noise;
        let logits = self.decoder.forward(drawn);
        let reconstruction = (logits.softplus() - x * logits).sum();
        let divergence = (mean.square() + log_variance.exp() - log_variance - 1.0).sum() * 0.5;
        (reconstruction + divergence) / digits
    }

    /// What the code's mean is drawn as.
    fn reconstruct(&self, x: &Tensor) -> Tensor {
        let code = self.encoder.predict(x);
        let means = code.as_slice().chunks(2 * CODE).flat_map(|row| &row[..CODE]);
        self.draw(&Tensor::from_vec([x.shape()[0], CODE], means.copied().collect()))
    }

    fn draw(&self, code: &Tensor) -> Tensor {
        Tape::new().value(|t| self.decoder.forward(t.input(code)).sigmoid())
    }
}

fn standard_normal(rows: usize, rng: &mut TorchRng) -> Tensor {
    Tensor::from(Normal::new(0.0, 1.0).draw(&ParamSpec::weight(CODE, rows), &[rows, CODE], rng))
}

const OPTIONS: &[Opt] = &[Opt::flag("quick", "fewer epochs")];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let given = Program {
        name: "autoencoder",
        about: "An autoencoder and a variational autoencoder of handwritten digits.",
        positional: Some(Opt::value("PNG", "PNG", "the file to draw digits to")),
        options: OPTIONS,
        after: String::new(),
    }
    .read();
    let quick = given.has("quick");
    let (train, test) = datasets::mnist_bundled();
    let (unseen, _) = test.tensors();
    manual_seed(0);
    let mut tape = Tape::new();

    let mut plain = Autoencoder { encoder: encoder(CODE), decoder: decoder() };
    let mut adam = Adam::new(1e-3);
    let epochs = if quick { 5 } else { 30 };
    for epoch in 1..=epochs {
        for (x, _) in train.batches(64).shuffle() {
            let (_, grads) = tape.value_and_grad(|t| {
                let x = t.input(&x);
                plain.forward(x).mse(x)
            });
            adam.step(&mut plain, grads);
        }
        if epoch % 5 == 0 {
            let mse = tape.value(|t| plain.forward(t.input(&unseen)).mse(t.input(&unseen))).item();
            println!("autoencoder: epoch {epoch:>2}, mean squared error {mse:.4}");
        }
    }
    let mse = tape.value(|t| plain.forward(t.input(&unseen)).mse(t.input(&unseen))).item();
    let promised = if quick { 0.035 } else { 0.018 };
    assert!(mse <= promised, "an error of {promised} is promised");

    let mut variational = Variational { encoder: encoder(2 * CODE), decoder: decoder() };
    let (mut adam, mut rng) = (Adam::new(1e-3), TorchRng::seed(0));
    let (mut first, mut last) = (0.0, 0.0);
    for epoch in 1..=epochs {
        let (mut sum, mut batches) = (0.0, 0);
        for (x, _) in train.batches(64).shuffle() {
            let noise = standard_normal(x.shape()[0], &mut rng);
            let (loss, grads) =
                tape.value_and_grad(|t| variational.loss(t.input(&x), t.input(&noise)));
            adam.step(&mut variational, grads);
            (sum, batches) = (sum + loss, batches + 1);
        }
        last = sum / batches as f32;
        if epoch == 1 {
            first = last;
        }
        if epoch == 1 || epoch % 5 == 0 {
            println!("variational: epoch {epoch:>2}, bound {last:.1} nats a digit");
        }
    }
    assert!(last < if quick { 0.8 } else { 0.6 } * first, "the bound has not fallen as promised");

    if let Some(path) = given.file() {
        let digit = |class| test.labels().iter().position(|&label| label == class);
        let (digits, _) = test.select((0..10).filter_map(digit)).tensors();
        let new = variational.draw(&standard_normal(20, &mut rng));
        let rows = [&digits, &plain.predict(&digits), &variational.reconstruct(&digits), &new];
        let images = rows.into_iter().flat_map(|images| images.as_slice().chunks(784));
        Picture::grid(28, 10, images).save(&path, 2)?;
    }
    Ok(())
}
