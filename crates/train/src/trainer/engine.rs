//! The loop of a training. It knows no type of model, loss or data, so it is compiled once.

mod saving;
mod together;

use std::mem;
use std::ops::Range;
use std::time::Instant;

use fanin_init::{TorchRng, with_default_rng};
use fanin_nn::diagnose::NonFinite;
use fanin_nn::optim::{Ema, Optimizer};
use fanin_nn::{GradientSum, Gradients, Parameters, Tape};
use fanin_tensor::Tensor;

use self::saving::Place;
use super::callback::{EpochEnd, StepEnd};
use super::early_stopping::{Progress as Verdict, Watch};
use super::interrupt::Interrupt;
use super::options::Options;
use super::progress::{Progress, Show};
use super::snapshot::{Snapshot, is_finite};
use crate::history::{Epoch, History, Stopped};
use crate::parallel::DataParallel;
use crate::schedule::ReduceOnPlateau;
use crate::{Error, Result};

/// What the loop needs of model, loss and data.
pub(crate) trait Task {
    /// Begins an epoch: how many batches it has, if that is known.
    fn begin(&mut self) -> Option<usize>;
    /// Goes to the next batch, if there is one.
    fn advance(&mut self) -> Result<bool>;
    /// How many samples the batch has.
    fn samples(&self) -> usize;
    /// Whether the batch has to be taken part by part.
    fn is_cut(&self) -> bool;
    /// Goes to a part of the batch, if it has parts.
    fn take_part(&mut self, samples: Range<usize>);
    /// The loss of the batch and its gradients.
    fn gradients<'t>(&mut self, tape: &'t mut Tape) -> (f32, Gradients<'t>);
    /// Where in the batch's step a value is not finite.
    fn find_non_finite(&self) -> Option<NonFinite>;
    /// The loss on the validation set, if there is one; the metrics are those of that set.
    fn validate(&mut self, tape: &mut Tape) -> Option<f64>;
    /// The value of each metric.
    fn metrics(&self) -> Vec<f64>;
    /// Model and optimizer.
    fn parts(&mut self) -> (&mut dyn Parameters, &mut dyn Optimizer);
    /// What the model makes of `x`.
    fn predict(&self, x: &Tensor) -> Option<Tensor>;
}

/// The training so far.
struct Loop<'o, 'c> {
    task: &'o mut dyn Task,
    options: &'o mut Options<'c>,
    metrics: &'o [(String, bool)],
    tape: Tape,
    sum: GradientSum,
    progress: Progress,
    interrupt: Interrupt,
    history: History,
    /// The rate that the schedule starts from.
    base: f64,
    /// Steps so far.
    step: usize,
    /// The weights at the end of the last epoch that left them finite, and that epoch; 0 for the weights
    /// at the beginning.
    good: Snapshot,
    good_epoch: usize,
    /// The running average of the weights.
    average: Option<Ema>,
    /// What lowers the rate when the loss stalls.
    plateau: Option<ReduceOnPlateau>,
    /// Early stopping, and the weights that it restores.
    watch: Option<Watch>,
    best: Snapshot,
    /// The lowest validation loss.
    lowest: f64,
    /// Batches of the epoch so far.
    taken: usize,
    /// The default generator at the beginning of the epoch.
    epoch_rng: TorchRng,
    /// Whether any of several processes wants to stop.
    told_to_stop: bool,
}

/// The loss of an epoch so far.
#[derive(Default)]
struct Mean {
    sum: f64,
    samples: usize,
    steps: usize,
}

fn default_rng() -> TorchRng {
    with_default_rng(|rng| rng.clone())
}

fn set_default_rng(to: TorchRng) {
    with_default_rng(|rng| *rng = to);
}

/// Trains. `metrics` are the names of the metrics, and whether a larger value is better. `data` is a number
/// that differs where the data of several processes do.
pub(crate) fn train(
    task: &mut dyn Task,
    options: &mut Options<'_>,
    metrics: &[(String, bool)],
    data: u64,
) -> Result<History> {
    let (model, optimizer) = task.parts();
    let (good, base) = (Snapshot::of(model), optimizer.lr());
    let average = options.average.map(Ema::new);
    let shows = options.parallel.as_ref().is_none_or(DataParallel::is_first);
    let progress = Progress::new(if shows { options.show } else { Show::Nothing }, options.epochs);
    let interrupt = Interrupt::begin(options.ctrl_c);
    let mut tape = Tape::new();
    if let Some(at) = options.at {
        tape.report_at(at, crate::SOURCES);
    }
    let mut training = Loop {
        task,
        metrics,
        tape,
        sum: GradientSum::new(),
        progress,
        interrupt,
        history: History::default(),
        base,
        step: 0,
        good,
        good_epoch: 0,
        average,
        plateau: options.plateau.clone(),
        watch: None,
        best: Snapshot::default(),
        lowest: f64::INFINITY,
        taken: 0,
        epoch_rng: default_rng(),
        told_to_stop: false,
        options,
    };
    let result = training.run(data);
    training.progress.end();
    if training.options.schedule.is_some() {
        let base = training.base;
        training.task.parts().1.set_lr(base);
    }
    result?;
    Ok(training.history)
}

impl Loop<'_, '_> {
    fn run(&mut self, data: u64) -> Result<()> {
        let watch = self.options.early_stopping.clone();
        self.watch = watch.map(|rule| Watch::new(rule, self.metrics)).transpose()?;
        let (first, mut place) = self.resume()?;
        self.compare(data)?;
        for number in first..=self.options.epochs {
            let clock = Instant::now();
            let (mean, rate, stopped) = self.epoch(number, place.take())?;
            if mean.steps == 0 {
                if stopped.is_none() && number == 1 {
                    return Err(Error::NoSamples { set: "the training set" });
                }
                self.history.stopped = stopped.unwrap_or(Stopped::Finished);
                break;
            }
            let mut record = Epoch {
                number,
                steps: mean.steps,
                samples: mean.samples,
                loss: mean.sum / mean.samples as f64,
                rate,
                ..Epoch::default()
            };
            if let Some(stopped) = stopped {
                record.seconds = clock.elapsed().as_secs_f64();
                self.progress.epoch(&record);
                // The history of a checkpoint has whole epochs alone.
                self.save(number, &mean)?;
                self.history.epochs.push(record);
                self.history.stopped = stopped;
                break;
            }
            self.swap_average();
            record.valid_loss = self.task.validate(&mut self.tape);
            let mut values = self.task.metrics();
            self.agree_on(&mut record.valid_loss, &mut values)?;
            let names = self.metrics.iter().map(|(name, _)| name.clone());
            record.metrics = names.zip(values).collect();
            record.seconds = clock.elapsed().as_secs_f64();
            if let Some(loss) = record.valid_loss.filter(|loss| !loss.is_finite()) {
                let place = match is_finite(self.task.parts().0) {
                    true => {
                        "all weights are finite, so a sample of the validation set is not, or is \
                             too large"
                    }
                    false => "the last step of the epoch made a weight NaN or infinite",
                };
                return Err(self.fail(number, "the validation loss", loss, place.to_owned()));
            }
            self.progress.epoch(&record);
            let (mut stop, mut better) = (None, false);
            if let Some(watch) = &mut self.watch {
                match watch.see(&record) {
                    Verdict::Better => {
                        better = true;
                        self.best.take(self.task.parts().0);
                    }
                    Verdict::Wait => {}
                    Verdict::Stop => stop = Some(Stopped::Early),
                }
                self.history.best_epoch = watch.best_epoch();
            }
            let loss = record.valid_loss.unwrap_or(record.loss);
            if self.watch.is_none() && loss < self.lowest {
                (self.lowest, better) = (loss, true);
            }
            if better {
                self.save_best()?;
            }
            if self.callbacks(&record)? {
                stop = stop.or(Some(Stopped::Callback));
            }
            self.observe(loss);
            self.swap_average();
            if is_finite(self.task.parts().0) {
                self.good.take(self.task.parts().0);
                self.good_epoch = number;
            }
            self.history.epochs.push(record);
            self.history.stopped = stop.unwrap_or_default();
            self.taken = 0;
            self.epoch_rng = default_rng();
            self.save(number + 1, &Mean::default())?;
            if stop.is_some() {
                break;
            }
        }
        self.swap_average();
        if self.history.best_epoch.is_some() {
            self.best.restore(self.task.parts().0);
        }
        Ok(())
    }

    /// The steps of an epoch: the losses, the last rate, and why training stopped, if it did.
    fn epoch(
        &mut self,
        number: usize,
        place: Option<Place>,
    ) -> Result<(Mean, f64, Option<Stopped>)> {
        let clock = Instant::now();
        let group = self.options.accumulate;
        if let Some(place) = &place {
            set_default_rng(place.epoch_rng.clone());
        }
        if self.options.checkpoints.is_some() {
            self.epoch_rng = default_rng();
        }
        let steps = self.task.begin().map(|batches| batches.div_ceil(group));
        if let (1, Some(schedule), Some(steps)) = (number, &self.options.schedule, steps) {
            let needed = steps.saturating_mul(self.options.epochs);
            if let Some(steps) = schedule.steps().filter(|&steps| steps < needed) {
                return Err(Error::ScheduleTooShort { steps, needed });
            }
        }
        let mut mean = Mean::default();
        self.taken = 0;
        if let Some(place) = place {
            while self.taken < place.taken && self.advance()? {}
            // At the beginning of an epoch its order is still to be drawn.
            if place.taken > 0 {
                set_default_rng(place.rng);
            }
            mean = place.mean;
        }
        let mut rate = self.task.parts().1.lr();
        while !self.stops() && self.advance()? {
            if let Some(schedule) = &self.options.schedule {
                rate = schedule.lr(self.base, self.step);
                if !(rate >= 0.0 && rate.is_finite()) {
                    self.good.restore(self.task.parts().0);
                    return Err(Error::Rate { step: self.step, rate });
                }
                self.task.parts().1.set_lr(rate);
            }
            let loss = if let Some(mut parallel) = self.options.parallel.take() {
                let loss = self.together(&mut parallel, number, &mut mean);
                self.options.parallel = Some(parallel);
                loss?
            } else if group == 1 {
                self.single(number, &mut mean)?
            } else {
                self.several(number, &mut mean)?
            };
            self.step += 1;
            mean.steps += 1;
            if let Some(average) = &mut self.average {
                average.update(self.task.parts().0);
            }
            let mut stop = false;
            for callback in &mut self.options.on_step {
                let (model, _) = self.task.parts();
                let mut end =
                    StepEnd { epoch: number, step: self.step, loss, rate, model, stop: false };
                callback(&mut end);
                stop |= end.stop;
            }
            if let (false, Some(parallel)) =
                (self.options.on_step.is_empty(), &mut self.options.parallel)
            {
                stop = parallel.any(stop)?;
            }
            if stop {
                return Ok((mean, rate, Some(Stopped::Callback)));
            }
            if self.options.checkpoints.as_ref().is_some_and(|at| at.follows(self.step)) {
                self.save(number, &mean)?;
            }
            let loss = mean.sum / mean.samples as f64;
            self.progress.step(number, mean.steps, steps, mean.samples, loss, clock);
        }
        Ok((mean, rate, self.stops().then_some(Stopped::Interrupted)))
    }

    fn advance(&mut self) -> Result<bool> {
        let result = self.task.advance();
        match result {
            Ok(more) => self.taken += usize::from(more),
            Err(_) => self.good.restore(self.task.parts().0),
        }
        result
    }

    /// A step on one batch. Returns its loss.
    fn single(&mut self, number: usize, mean: &mut Mean) -> Result<f64> {
        let samples = self.task.samples();
        let (loss, mut grads) = self.task.gradients(&mut self.tape);
        if !loss.is_finite() {
            return Err(self.non_finite(number, loss));
        }
        let [norm, value] = [self.options.clip_norm, self.options.clip_value];
        clip(&mut grads, norm, value);
        let (model, optimizer) = self.task.parts();
        optimizer.step(model, grads);
        mean.sum += f64::from(loss) * samples as f64;
        mean.samples += samples;
        Ok(f64::from(loss))
    }

    /// A step on several batches: the gradient of the mean over all of their samples.
    fn several(&mut self, number: usize, mean: &mut Mean) -> Result<f64> {
        let mut sum = mem::take(&mut self.sum);
        sum.clear();
        let (first, mut batches, mut samples, mut total) = (self.task.samples(), 0, 0, 0.0);
        loop {
            let count = self.task.samples();
            let (loss, mut grads) = self.task.gradients(&mut self.tape);
            if !loss.is_finite() {
                return Err(self.non_finite(number, loss));
            }
            // Batches are mostly of one size, and then the sum needs one factor alone.
            if count != first {
                grads.scale(count as f32 / first as f32);
            }
            sum.add(&grads);
            batches += 1;
            samples += count;
            total += f64::from(loss) * count as f64;
            if batches == self.options.accumulate || !self.advance()? {
                break;
            }
        }
        let mut grads = sum.gradients();
        if let Some(at) = self.options.at {
            grads.report_at(at);
        }
        grads.scale(first as f32 / samples as f32);
        clip(&mut grads, self.options.clip_norm, self.options.clip_value);
        let (model, optimizer) = self.task.parts();
        optimizer.step(model, grads);
        self.sum = sum;
        mean.sum += total;
        mean.samples += samples;
        Ok(total / samples as f64)
    }

    /// Calls the callbacks of an epoch. Returns whether one of them ends training.
    fn callbacks(&mut self, record: &Epoch) -> Result<bool> {
        let (mut stop, mut rate) = (false, None);
        for callback in &mut self.options.on_epoch {
            let (task, base) = (&mut *self.task, self.base);
            let mut end = EpochEnd { epoch: record, task, rate, base, stop: false };
            callback(&mut end);
            stop |= end.stop;
            rate = end.rate;
        }
        if let (false, Some(parallel)) =
            (self.options.on_epoch.is_empty(), &mut self.options.parallel)
        {
            let own = [u64::from(stop), rate.unwrap_or(self.base).to_bits()];
            let all = parallel.words("the processes agreed whether to go on", &own)?;
            stop = all.iter().any(|words| words[0] != 0);
            rate = Some(f64::from_bits(all[0][1])).filter(|rate| *rate != self.base);
        }
        if let Some(rate) = rate {
            self.base = rate;
            self.task.parts().1.set_lr(rate);
        }
        Ok(stop)
    }

    /// Lowers the rate if the loss of the epochs stalls.
    fn observe(&mut self, loss: f64) {
        let Some(plateau) = &mut self.plateau else { return };
        let before = plateau.factor();
        let factor = plateau.observe(loss) / before;
        if factor != 1.0 {
            self.base *= factor;
            self.task.parts().1.set_lr(self.base);
        }
    }

    /// Exchanges the model's weights with their running average, if there is one.
    fn swap_average(&mut self) {
        if let Some(average) = self.average.as_mut().filter(|average| average.updates() > 0) {
            average.swap(self.task.parts().0);
        }
    }

    #[cold]
    fn non_finite(&mut self, number: usize, loss: f32) -> Error {
        let place = self.place_of_non_finite();
        self.fail(number, "the loss", f64::from(loss), place)
    }

    #[cold]
    fn place_of_non_finite(&self) -> String {
        match self.task.find_non_finite() {
            Some(found) => found.to_string(),
            None => {
                "all weights, values and gradients are finite without dropout, so a random number \
                     of a layer made it so"
                    .to_owned()
            }
        }
    }

    /// Gives the model its last good weights back, and says why.
    fn fail(&mut self, epoch: usize, what: &'static str, loss: f64, place: String) -> Error {
        let kept = match self.good_epoch {
            0 => "the beginning".to_owned(),
            good => format!("the end of epoch {good}"),
        };
        self.good.restore(self.task.parts().0);
        let step = self.step + usize::from(what == "the loss");
        let history = Box::new(mem::take(&mut self.history));
        Error::NonFinite { epoch, step, what, loss, place, kept, history }
    }
}

fn clip(grads: &mut Gradients<'_>, norm: Option<f64>, value: Option<f64>) {
    if let Some(max) = norm {
        grads.clip_norm(max);
    }
    if let Some(limit) = value {
        grads.clip_value(limit);
    }
}
