//! The training loop.

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

/// The share of the training in which the learning rate rises from 0 to its peak. Then it falls to 0.
/// Both are linear. The small steps at the end average over many batches.
const WARM_UP: f64 = 0.1;

/// Trains by the recipe and returns the training time. docs/mnist_recipe.md tells how the recipe was
/// found: the least time to 98 % on the full set.
pub(crate) fn train(
    model: &mut Sequential,
    train: &Dataset,
    args: &Args,
) -> fanin::Result<Duration> {
    let recipe = &args.recipe;
    let epochs = recipe.epochs.unwrap_or(if train.len() > 10_000 { 2 } else { 10 });
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
    let images = (epochs * train.len()) as f64;
    let mut optimizer = recipe.optimizer();
    let mut tape = Tape::new();
    let mut total = Duration::ZERO;
    for epoch in 0..epochs {
        let (start, mut bar) = (Instant::now(), Bar::new(epoch + 1, train.len()));
        let (mut sum, mut seen) = (0.0, 0);
        for (x, y) in train.batches(recipe.batch).shuffle() {
            let done = (epoch * train.len() + seen) as f64 / images;
            optimizer.set_lr(recipe.lr() * (done / WARM_UP).min((1.0 - done) / (1.0 - WARM_UP)));
            let (loss, grads) = tape.value_and_grad(|t| {
                let loss = CrossEntropy::new().label_smoothing(SMOOTHING);
                loss.loss(model.forward(t.input(&x)), &y)
            });
            if !loss.is_finite() {
                bar.clear();
                return Err(diverged(epoch + 1, loss, recipe));
            }
            optimizer.step(model, grads);
            seen += y.len();
            sum += f64::from(loss) * y.len() as f64;
            bar.set(seen, || status(sum, seen, start.elapsed()));
        }
        let time = start.elapsed();
        total += time;
        bar.clear();
        let status = status(sum, seen, time);
        say!("epoch {:>3}  {status}  {:.2} s", epoch + 1, time.as_secs_f64());
    }
    Ok(total)
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
