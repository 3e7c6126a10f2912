//! The training of one network.

use std::time::Instant;

use fanin::datasets::Dataset;
use fanin::prelude::*;

use crate::args::{Args, Length, Recipe};

/// Epochs between two tests. A test takes a twentieth of an epoch.
const TEST_EVERY: usize = 5;

/// What fits into a limit is judged by the first epoch; this share of the time is left, for slower ones.
const MARGIN: f64 = 0.04;

/// A network's training, as the report tells it.
pub(crate) struct Run {
    pub(crate) seed: u64,
    pub(crate) epochs: usize,
    pub(crate) tests: Vec<Tested>,
}

/// A test, after this many epochs.
pub(crate) struct Tested {
    pub(crate) epoch: usize,
    /// Since the start of the training, earlier tests included.
    pub(crate) seconds: f64,
    /// Test images taken for another digit, in per cent.
    pub(crate) error: f64,
}

impl Run {
    /// The error after the last epoch. No earlier network is chosen by its test.
    pub(crate) fn error(&self) -> f64 {
        self.tests.last().map_or(f64::NAN, |last| last.error)
    }

    pub(crate) fn seconds(&self) -> f64 {
        self.tests.last().map_or(0.0, |last| last.seconds)
    }
}

fn network(recipe: &Recipe, inputs: usize, classes: usize) -> Sequential {
    let (mut model, mut before) = (Sequential::new(), inputs);
    for &size in &recipe.hidden {
        model = model.add(Linear::new(before, size)).add(Relu);
        if recipe.dropout > 0.0 {
            model = model.add(Dropout::new(recipe.dropout));
        }
        before = size;
    }
    model.add(Linear::new(before, classes))
}

/// Trains a network, and tests it now and then.
pub(crate) fn run(args: &Args, seed: u64, train: &Dataset, test: &Dataset) -> Run {
    let recipe = &args.recipe;
    manual_seed(seed);
    let mut model = network(recipe, train.input_size(), train.classes());
    println!("seed {seed}: {} parameters", model.num_params());
    let loss = CrossEntropy::new().label_smoothing(recipe.smoothing);
    let (mut adam, mut tape) = (AdamW::new(recipe.lr), Tape::new());
    let start = Instant::now();
    let mut epochs = match args.length {
        Length::Epochs(epochs) => epochs,
        Length::Time(_) => usize::MAX, // until the first epoch tells
    };
    let mut tests = vec![];
    let mut epoch = 0;
    while epoch < epochs {
        let (mut sum, mut seen) = (0.0, 0);
        let batches = train.batches(recipe.batch).shuffle();
        for (x, y) in batches.augment_parallel(recipe.warp().build()) {
            adam.set_lr(recipe.lr * rate(epoch, seen as f64 / train.len() as f64, epochs));
            let (value, grads) = tape.value_and_grad(|t| loss.loss(model.forward(t.input(&x)), &y));
            adam.step(&mut model, grads);
            sum += f64::from(value) * y.len() as f64;
            seen += y.len();
        }
        epoch += 1;
        let seconds = start.elapsed().as_secs_f64();
        if let (1, Length::Time(limit)) = (epoch, args.length) {
            epochs = ((1.0 - MARGIN) * limit.as_secs_f64() / seconds).max(2.0) as usize;
            println!("{epochs} epochs fit");
        }
        print!("epoch {epoch:>3}  loss {:.4}  {seconds:>6.1} s", sum / seen as f64);
        if epoch == 1 || epoch.is_multiple_of(TEST_EVERY) || epoch == epochs {
            let error = 100.0 * (1.0 - accuracy(&model, test));
            println!("  errors {error:.2} %");
            tests.push(Tested { epoch, seconds: start.elapsed().as_secs_f64(), error });
        } else {
            println!();
        }
    }
    Run { seed, epochs, tests }
}

/// The share of the learning rate: it rises in the first epoch, whose place in the training need not be
/// known, and falls to 0 by the end. Both are linear.
fn rate(epoch: usize, part: f64, epochs: usize) -> f64 {
    if epoch == 0 {
        // One epoch alone rises and falls.
        return if epochs == 1 { (4.0 * part).min((1.0 - part) / 0.75) } else { part.max(1e-3) };
    }
    let left = (epochs - epoch) as f64 - part;
    left / (epochs - 1) as f64
}
