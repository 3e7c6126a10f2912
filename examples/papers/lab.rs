//! The code that the papers share: outcomes, networks, training, statistics.

use fanin::datasets::Dataset;
use fanin::prelude::*;

/// One paper and the experiment that measures its claims again.
pub(crate) struct Paper {
    /// The subcommand.
    pub(crate) name: &'static str,
    /// Authors, year, title.
    pub(crate) title: &'static str,
    /// What differs from the paper's experiment, and why.
    pub(crate) changed: &'static str,
    pub(crate) seeds: &'static str,
    /// Whether the quick version checks that its findings hold.
    pub(crate) quick: bool,
    pub(crate) run: fn(&Lab) -> Outcome,
}

/// The inputs of an experiment.
pub(crate) struct Lab {
    /// Whether to run a smaller version.
    pub(crate) quick: bool,
    pub(crate) train: Dataset,
    pub(crate) test: Dataset,
}

impl Lab {
    /// Both sets with mean 0 and variance 1.
    pub(crate) fn normalized(&self) -> [Dataset; 2] {
        [&self.train, &self.test].map(|data| data.clone().normalize(0.1307, 0.3081))
    }
}

#[derive(Default)]
pub(crate) struct Outcome {
    pub(crate) findings: Vec<Finding>,
    /// The lines of numbers behind the findings.
    pub(crate) details: Vec<String>,
}

impl Outcome {
    /// Adds a claim. `holds` is the verdict, by the rule that the experiment's file states.
    pub(crate) fn claim(
        &mut self,
        claim: &'static str,
        published: impl Into<String>,
        measured: impl Into<String>,
        holds: bool,
    ) {
        let (published, measured) = (published.into(), measured.into());
        self.findings.push(Finding { claim, published, measured, holds });
    }

    /// Adds a line to the details and prints it at once, because experiments take minutes.
    pub(crate) fn detail(&mut self, line: String) {
        println!("  {line}");
        self.details.push(line);
    }
}

#[derive(Debug)]
pub(crate) struct Finding {
    pub(crate) claim: &'static str,
    pub(crate) published: String,
    pub(crate) measured: String,
    pub(crate) holds: bool,
}

/// A perceptron of these sizes, with an activation between its layers.
pub(crate) fn mlp(
    sizes: &[usize],
    activation: impl Module + Copy + 'static,
    weight: &dyn Initializer,
    bias: &dyn Initializer,
) -> Sequential {
    let mut model = Sequential::new();
    for (i, size) in sizes.windows(2).enumerate() {
        model = if i > 0 { model.add(activation) } else { model };
        model = model.add(Linear::builder(size[0], size[1]).weight(weight).bias(bias).build());
    }
    model
}

/// The sizes of a network with `layers` layers of weights.
pub(crate) fn sizes(input: usize, width: usize, layers: usize, output: usize) -> Vec<usize> {
    [&[input][..], &vec![width; layers - 1], &[output]].concat()
}

/// Trains for `steps` steps by cross-entropy and returns their losses. Ends early if the loss is
/// NaN or if `stop` returns true for the step, the loss and the model.
pub(crate) fn train(
    model: &mut Sequential,
    optimizer: &mut dyn Optimizer,
    data: &Dataset,
    (batch, steps): (usize, usize),
    mut stop: impl FnMut(usize, f32, &Sequential) -> bool,
) -> Vec<f32> {
    let (mut tape, mut losses) = (Tape::new(), vec![]);
    loop {
        for (x, y) in data.batches(batch).shuffle().drop_last() {
            let (loss, grads) =
                tape.value_and_grad(|t| model.forward(t.input(&x)).cross_entropy(&y));
            optimizer.step(model, grads);
            losses.push(loss);
            let over = losses.len() == steps || !loss.is_finite();
            if over || stop(losses.len(), loss, model) {
                return losses;
            }
        }
    }
}

/// The learning rate with the lowest loss, and a line with all of them.
pub(crate) fn best_rate(rates: &[f64], learn: impl Fn(f64) -> f64) -> (f64, String) {
    let grid: Vec<(f64, f64)> = rates.iter().map(|&rate| (learn(rate), rate)).collect();
    let shown: Vec<_> = grid.iter().map(|(loss, rate)| format!("{rate}: {loss:.3}")).collect();
    let (_, best) = grid.into_iter().min_by(|a, b| a.0.total_cmp(&b.0)).expect("a rate");
    (best, shown.join(", "))
}

/// The loss at the end of a training: the mean of the last 50 losses, or infinity if it diverged.
pub(crate) fn final_loss(losses: &[f32]) -> f64 {
    let last = &losses[losses.len().saturating_sub(50)..];
    let mean = mean(&last.iter().map(|&loss| loss.into()).collect::<Vec<_>>());
    if mean.is_finite() { mean } else { f64::INFINITY }
}

/// The number of steps until the running mean of the loss, over about 20 steps, is below `goal`.
pub(crate) fn steps_to(losses: &[f32], goal: f32) -> Option<usize> {
    let mut running = losses[0];
    losses.iter().position(|&loss| {
        running += (loss - running) / 20.0;
        running < goal
    })
}

pub(crate) fn mean(x: &[f64]) -> f64 {
    x.iter().sum::<f64>() / x.len() as f64
}

/// The median, so that one diverged run counts as one run only.
pub(crate) fn median(mut x: Vec<f64>) -> f64 {
    x.sort_by(f64::total_cmp);
    x[x.len() / 2]
}

/// The sample standard deviation.
pub(crate) fn spread(x: &[f64]) -> f64 {
    let mean = mean(x);
    (x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (x.len() - 1).max(1) as f64).sqrt()
}

/// The root mean square.
pub(crate) fn rms(x: &[f32]) -> f64 {
    (x.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>() / x.len() as f64).sqrt()
}
