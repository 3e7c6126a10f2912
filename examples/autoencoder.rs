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
//! of them, and new digits. The program asserts both on digits that they have not seen: the mean squared
//! error of the autoencoder, and the bound of the variational one.

#[path = "common/options.rs"]
mod options;
#[path = "common/picture.rs"]
mod picture;

use fanin::init::default_rng;
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

fn standard_normal(rows: usize) -> Tensor {
    let rng = &mut default_rng();
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
    let ((seen, _), (unseen, _)) = (train.tensors(), test.tensors());
    manual_seed(0);
    let epochs = if quick { 3 } else { 30 };

    let mut plain = Autoencoder { encoder: encoder(CODE), decoder: decoder() };
    println!("autoencoder");
    let history = Trainer::new(Mse::new(), Adam::new(1e-3))
        .epochs(epochs)
        .batch(64)
        .lines()
        .fit(&mut plain, &seen, &unseen)?;
    let mse = history.valid_losses()[epochs - 1];

    let mut variational = Variational { encoder: encoder(2 * CODE), decoder: decoder() };
    println!("variational autoencoder");
    let history = Trainer::from_fn(Adam::new(1e-3), |t, model: &Variational, x: &Tensor| {
        let noise = standard_normal(x.shape()[0]);
        model.loss(t.input(x), t.input(&noise))
    })
    .epochs(epochs)
    .batch(64)
    .lines()
    .fit(&mut variational, &seen, &unseen)?;
    let bound = history.valid_losses()[epochs - 1];

    let (most, most_nats) = if quick { (0.04, 180.0) } else { (0.0175, 125.0) };
    println!("mean squared error {mse:.4}, bound {bound:.1} nats a digit");
    assert!(mse <= most, "a mean squared error of {most} is promised");
    assert!(bound <= most_nats, "a bound of {most_nats} nats is promised");

    if let Some(path) = given.file() {
        let digit = |class| test.labels().iter().position(|&label| label == class);
        let (digits, _) = test.select((0..10).filter_map(digit)).tensors();
        let new = variational.draw(&standard_normal(20));
        let rows = [&digits, &plain.predict(&digits), &variational.reconstruct(&digits), &new];
        let images = rows.into_iter().flat_map(|images| images.as_slice().chunks(784));
        Picture::grid(28, 10, images).save(&path, 2)?;
    }
    Ok(())
}
