//! # A loss of your own
//!
//! The loss decides what a network predicts where data are uncertain. The mean squared error leads to
//! the mean of the possible answers, the absolute error to their median. Often another number is asked
//! for: how long will this take, in nine cases of ten? That is a quantile, and it has a loss of its own
//! (Koenker and Bassett 1978): an answer below the truth costs q for each unit, an answer above it
//! `1 − q`.
//!
//! A loss without options is a closure of prediction and target, in `losses::from_fn`. A loss with
//! options is a struct that implements `Loss`. Either is written with operations of `Var` and gives a
//! single number. It goes wherever a built-in loss goes: into the function `train` here, or into a
//! `Trainer`.
//!
//! Here y is x plus an exponential noise with mean 1, whose median is `ln 2 = 0.69` and whose 90 %
//! quantile is `ln 10 = 2.30`. The targets are below the three predictions in 63, 50 and 90 % of cases.

use fanin::prelude::*;

/// The mean over all elements of `max(q d, (q − 1) d)`, for `d = target − prediction`.
struct Quantile(f32);

impl Loss<Tensor> for Quantile {
    #[track_caller]
    fn loss<'t>(&self, prediction: Var<'t>, target: &Tensor) -> Var<'t> {
        let shape = prediction.shape();
        assert!(*shape == *target.shape(), "Quantile: {shape} and {:?} differ", target.shape());
        let d = prediction.tape().input(target) - prediction;
        (self.0 * d).maximum((self.0 - 1.0) * d).mean()
    }
}

/// The share of targets below the predictions of a line that is trained with this loss, and how far the
/// predictions are above x.
fn train(loss: &impl Loss<Tensor>, x: &Tensor, y: &Tensor) -> (f32, f32) {
    manual_seed(10);
    let (mut model, mut adam, mut tape) = (Linear::new(1, 1), Adam::new(0.02), Tape::new());
    for _ in 0..600 {
        let (_, grads) = tape.value_and_grad(|t| loss.loss(model.forward(t.input(x)), y));
        adam.step(&mut model, grads);
    }
    let predictions = model.predict(x);
    let below = predictions.iter().zip(y.iter()).filter(|(prediction, y)| y < prediction).count();
    (below as f32 / y.len() as f32, (&predictions - x).mean())
}

pub(crate) fn main() -> fanin::Result<()> {
    let mut rng = StdRng::seed_from_u64(10);
    let x: Vec<[f32; 1]> = (0..10_000).map(|i| [i as f32 / 5000.0 - 1.0]).collect();
    let noise = |rng: &mut StdRng| -(1.0 - rng.random::<f32>()).ln();
    let y: Vec<[f32; 1]> = x.iter().map(|[x]| [x + noise(&mut rng)]).collect();
    let (x, y) = (Tensor::from_rows(x), Tensor::from_rows(y));

    let absolute = losses::from_fn(|prediction, target| (target - prediction).abs().mean());
    let results = [
        ("mean squared error", train(&Mse::new(), &x, &y), (0.63, 1.0)),
        ("absolute error, a closure", train(&absolute, &x, &y), (0.5, 2f32.ln())),
        ("Quantile(0.9), a struct", train(&Quantile(0.9), &x, &y), (0.9, 10f32.ln())),
    ];
    println!("{:27}{:>16}{:>18}{:>11}", "loss", "targets below", "prediction − x", "in theory");
    for (name, (below, above), (share, theory)) in results {
        println!("{name:27}{:>14.1} %{above:>18.2}{theory:>11.2}", 100.0 * below);
        assert!((below - share).abs() < 0.02, "{name}: {below} of the targets are below");
        assert!((above - theory).abs() < 0.15, "{name}: {above} above x");
    }
    Ok(())
}
