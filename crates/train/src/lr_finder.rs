//! [`LrFinder`]: the learning-rate range test.

use std::marker::PhantomData;
use std::panic::Location;
use std::path::Path;

use fanin_datasets::Data;
use fanin_init::with_default_rng;
use fanin_nn::optim::Optimizer;
use fanin_nn::{Parameters, Tape};

use crate::chart::{self, Axis, Chart, Line};
use crate::history;
use crate::trainer::{Feed, Objective, Run, Snapshot, Task, Trainer, check_data};
use crate::{Error, Result};

/// Finds a learning rate: trains for some steps while the rate grows exponentially, and looks where the
/// loss falls fastest.
///
/// ```text
/// η_k = low · (high / low)^(k / (steps − 1))
/// s_k = Σ_{j ≤ k} β^(k−j) L_j / Σ_{j ≤ k} β^(k−j)       β = 0.9
/// suggestion = the η_k at which s falls most for a given factor of η
/// ```
/// It ends early when the smoothed loss is 4 times its smallest value, or NaN. Model, optimizer and the
/// thread's default generator are then as they were.
///
/// # Example
/// ```
/// use fanin_nn::losses::CrossEntropy;
/// use fanin_nn::{Adam, Linear, Optimizer, Sequential};
/// use fanin_train::{LrFinder, Trainer};
///
/// let (train, _) = fanin_datasets::mnist_bundled();
/// let mut model = Sequential::new().add(Linear::new(784, 10));
/// let mut trainer = Trainer::new(CrossEntropy::new(), Adam::new(1e-3)).batch(64);
/// let curve = LrFinder::new().find(&mut trainer, &mut model, &train)?;
/// let rate = curve.suggestion().expect("the loss falls");
/// assert!((1e-5..1.0).contains(&rate));
/// Optimizer::<f32>::set_lr(trainer.optimizer_mut(), rate);
/// assert!(curve.to_svg().starts_with("<svg "));
/// # Ok::<(), fanin_train::Error>(())
/// ```
///
/// # Reference
/// Smith 2015, "Cyclical learning rates for training neural networks", section 3.3.
#[doc(alias("lr_find", "LRFinder", "range test"))]
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LrFinder {
    low: f64,
    high: f64,
    steps: usize,
}

/// How much of the smoothed loss is that of the step before.
const BETA: f64 = 0.9;

/// The test ends where the smoothed loss is this many times its smallest value.
const DIVERGED: f64 = 4.0;

impl Default for LrFinder {
    fn default() -> Self {
        Self { low: 1e-7, high: 10.0, steps: 100 }
    }
}

impl LrFinder {
    /// 100 steps from a rate of 1e-7 to one of 10.
    pub fn new() -> Self {
        Self::default()
    }

    /// Tries the rates from `low` to `high`.
    #[must_use]
    pub fn range(self, low: f64, high: f64) -> Self {
        Self { low, high, ..self }
    }

    /// Takes this many steps.
    #[must_use]
    pub fn steps(self, steps: usize) -> Self {
        Self { steps, ..self }
    }

    /// Runs the test with a trainer's loss, optimizer and order of batches. Its other options have no part
    /// in it.
    ///
    /// # Errors
    /// If the data do not fit the model, or the range or the number of steps makes no sense.
    ///
    /// # Panics
    /// **Panics** as [`Trainer::fit`] does.
    #[track_caller]
    pub fn find<M, D, L, O, Y, K>(
        &self,
        trainer: &mut Trainer<'_, L, O, Y>,
        model: &mut M,
        data: &D,
    ) -> Result<LrCurve>
    where
        M: Parameters,
        D: Data,
        L: Objective<M, D::Batch, K, Target = Y>,
        O: Optimizer,
        Y: ?Sized,
    {
        let Self { low, high, steps } = *self;
        if !(low > 0.0 && low < high && high.is_finite()) {
            let advice = "give two positive rates, the lower one first";
            return Err(Error::option(format!("range({low}, {high})"), advice));
        }
        if steps < 10 {
            return Err(Error::option(format!("steps({steps})"), "give at least 10"));
        }
        let (loss, optimizer, options) = trainer.parts();
        options.check()?;
        check_data(loss, &*model, data, "the training set")?;

        let generator = with_default_rng(|rng| rng.clone());
        let (kept, state, lr) = (Snapshot::of(model), optimizer.state(), optimizer.lr());
        let size = options.batch;
        let mut begin = || {
            let batches = data.batches(size).shuffle();
            (Feed::Whole(Box::new(batches)), None)
        };
        let mut run = Run {
            kind: PhantomData,
            objective: loss,
            optimizer: &mut *optimizer,
            model: &mut *model,
            begin: &mut begin,
            batches: None,
            batch: None,
            samples: vec![],
            before: 0,
            classes: None,
            validation: None,
            metrics: &mut [],
        };
        let mut tape = Tape::new();
        tape.report_at(Location::caller(), crate::SOURCES);
        let curve = self.try_rates(&mut run, &mut tape);
        kept.restore(model);
        with_default_rng(|rng| *rng = generator);
        optimizer.set_lr(lr);
        if let Err(error) = optimizer.load_state(model, state) {
            return Err(Error::option("LrFinder", error.to_string()));
        }
        curve
    }

    fn try_rates(&self, task: &mut dyn Task, tape: &mut Tape) -> Result<LrCurve> {
        let mut curve = LrCurve { rates: vec![], losses: vec![], smoothed: vec![] };
        let (mut sum, mut weight, mut best) = (0.0, 0.0, f64::INFINITY);
        task.begin();
        for step in 0..self.steps {
            if !task.advance()? {
                task.begin();
                task.advance()?;
            }
            let share = step as f64 / (self.steps - 1) as f64;
            let rate = self.low * (self.high / self.low).powf(share);
            task.parts().1.set_lr(rate);
            let (loss, grads) = task.gradients(tape);
            let loss = f64::from(loss);
            if !loss.is_finite() {
                break;
            }
            (sum, weight) = (BETA * sum + loss, BETA * weight + 1.0);
            let smoothed = sum / weight;
            curve.rates.push(rate);
            curve.losses.push(loss);
            curve.smoothed.push(smoothed);
            if smoothed > DIVERGED * best {
                break;
            }
            best = best.min(smoothed);
            let (model, optimizer) = task.parts();
            optimizer.step(model, grads);
        }
        Ok(curve)
    }
}

/// Losses for growing learning rates, by an [`LrFinder`].
#[derive(Clone, Debug, PartialEq)]
pub struct LrCurve {
    /// The rates.
    pub rates: Vec<f64>,
    /// The loss before the step with each rate.
    pub losses: Vec<f64>,
    /// The losses smoothed.
    pub smoothed: Vec<f64>,
}

impl LrCurve {
    /// The rate at which the smoothed loss falls fastest, if it falls at all.
    pub fn suggestion(&self) -> Option<f64> {
        /// The slope at a point is measured between the points at this distance on both sides.
        const REACH: usize = 2;
        let smoothed = &self.smoothed;
        // Beyond the smallest loss there is nothing to gain.
        let end = (0..smoothed.len()).min_by(|&i, &j| smoothed[i].total_cmp(&smoothed[j]))?;
        let fall = |i: usize| smoothed[i - REACH] - smoothed[i + REACH];
        let inner = REACH..(end + 1).saturating_sub(REACH);
        let steepest = inner.max_by(|&i, &j| fall(i).total_cmp(&fall(j)))?;
        (fall(steepest) > 0.0).then(|| self.rates[steepest])
    }

    /// The losses over the rates, with the suggestion, as one self-contained SVG.
    pub fn to_svg(&self) -> String {
        let line = |name: &str, losses: &[f64]| {
            let points = self.rates.iter().copied().zip(losses.iter().copied()).collect();
            Line { name: name.into(), points }
        };
        let marks = self.suggestion().map(|rate| (rate, format!("{rate:.1e}")));
        let chart = Chart {
            title: "loss".into(),
            x_label: "learning rate".into(),
            x: Axis::Log,
            y: Axis::for_values(self.smoothed.iter().copied()),
            lines: vec![line("smoothed", &self.smoothed), line("of the batch", &self.losses)],
            marks: marks.into_iter().collect(),
        };
        chart::svg("loss by learning rate", &[chart])
    }

    /// Writes [`to_svg`](Self::to_svg) to a file.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn plot(&self, path: impl AsRef<Path>) -> Result<()> {
        history::write(path.as_ref(), &self.to_svg())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_suggestion_is_where_the_loss_falls_fastest() {
        // A fall around 1e-3, a rise beyond 1.
        let rates: Vec<f64> = (0..100).map(|i| 1e-6 * 10f64.powf(f64::from(i) / 12.5)).collect();
        let loss = |rate: &f64| 1.0 - 0.5 / (1.0 + (1e-3 / rate).powi(2)) + (rate / 3.0).powi(2);
        let losses: Vec<f64> = rates.iter().map(loss).collect();
        let curve = LrCurve { rates, smoothed: losses.clone(), losses };
        let rate = curve.suggestion().unwrap();
        assert!((0.8e-3..1.25e-3).contains(&rate), "{rate}");
        assert!(curve.to_svg().contains("1.0e-3") || curve.to_svg().contains("e-4"));

        let rising = LrCurve {
            rates: vec![0.1; 20],
            losses: vec![],
            smoothed: (0..20).map(f64::from).collect(),
        };
        assert_eq!(rising.suggestion(), None);
        let empty = LrCurve { rates: vec![], losses: vec![], smoothed: vec![] };
        assert_eq!(empty.suggestion(), None);
    }
}
