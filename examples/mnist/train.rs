//! The training loop.

use std::f64::consts::PI;
use std::io;
use std::time::{Duration, Instant};

use fanin::datasets::Dataset;
use fanin::prelude::*;
use fanin::tensor::parallel;

use crate::args::{Args, Recipe};
use crate::show::Bar;

/// The share of each label that is spread over all classes (label smoothing). It gains half a per
/// cent on the bundled digits, because a network that sees few images many times becomes
/// overconfident.
const SMOOTHING: f64 = 0.1;

/// Trains by the recipe and returns the training time, without the tests in between.
pub(crate) fn train(
    model: &mut Sequential,
    train: &Dataset,
    test: &Dataset,
    args: &Args,
) -> fanin::Result<Duration> {
    let recipe = &args.recipe;
    let epochs = recipe.epochs.unwrap_or(if train.len() > 10_000 { 5 } else { 10 });
    say!(
        "training: epochs {epochs}, images a step {}, seed {}, threads {}",
        recipe.batch,
        args.seed,
        parallel::num_threads()
    );
    say!(
        "{:?}, learning rate up to {}; labels smoothed by {SMOOTHING}: no loss is below 0.5",
        recipe.optimizer,
        recipe.lr()
    );
    let steps = epochs * train.batches(recipe.batch).len();
    let mut optimizer = recipe.optimizer();
    let mut tape = Tape::new();
    let (mut step, mut total) = (0, Duration::ZERO);
    for epoch in 1..=epochs {
        let (start, mut bar) = (Instant::now(), Bar::new(epoch, train.len()));
        let (mut sum, mut seen) = (0.0, 0);
        for (x, y) in train.batches(recipe.batch).shuffle() {
            optimizer.set_lr(recipe.lr() * one_cycle(step as f64 / steps as f64));
            let (loss, grads) = tape.value_and_grad(|t| {
                let loss = CrossEntropy::new().label_smoothing(SMOOTHING);
                loss.loss(model.forward(t.input(&x)), &y)
            });
            if !loss.is_finite() {
                bar.clear();
                return Err(diverged(epoch, loss, recipe));
            }
            optimizer.step(model, grads);
            step += 1;
            seen += y.len();
            sum += f64::from(loss) * y.len() as f64;
            bar.set(seen, || status(sum, seen, start.elapsed()));
        }
        let time = start.elapsed();
        total += time;
        bar.clear();
        say!(
            "epoch {epoch:>3}  {}  {:.2} s  test accuracy {:.2} %",
            status(sum, seen, time),
            time.as_secs_f64(),
            100.0 * accuracy(model, test)
        );
    }
    Ok(total)
}

/// The learning rate after the fraction `t` of the training, as a share of its peak. It rises
/// linearly, then falls as a cosine. The peak may be several times a constant rate (Smith and Topin
/// 2017).
fn one_cycle(t: f64) -> f64 {
    const WARM_UP: f64 = 0.3;
    if t < WARM_UP {
        0.04 + 0.96 * t / WARM_UP
    } else {
        0.5 + 0.5 * (PI * (t - WARM_UP) / (1.0 - WARM_UP)).cos()
    }
}

/// The mean loss so far and the speed.
fn status(sum: f64, images: usize, time: Duration) -> String {
    let (loss, speed) = (sum / images as f64, images as f64 / time.as_secs_f64());
    format!("loss {loss:.4}  {speed:>7.0} images/s")
}

fn diverged(epoch: usize, loss: f32, recipe: &Recipe) -> fanin::Error {
    let (lr, init) = (recipe.lr(), &recipe.init.text);
    io::Error::other(format!(
        "the loss became {loss} in epoch {epoch}: the steps are too large with a learning rate of \
         {lr} and weights by {init}; try --lr {} or --init pytorch",
        (lr / 10.0) as f32 // fewer digits
    ))
    .into()
}
