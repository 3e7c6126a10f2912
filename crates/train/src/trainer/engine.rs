//! The loop of a training. It knows no type of model, loss or data, so it is compiled once.

use std::mem;
use std::ops::Range;
use std::time::Instant;

use fanin_init::{TorchRng, with_default_rng};
use fanin_nn::diagnose::NonFinite;
use fanin_nn::optim::{Ema, Optimizer};
use fanin_nn::{GradientSum, Gradients, Parameters, Tape};
use fanin_tensor::Tensor;

use super::callback::{EpochEnd, StepEnd};
use super::checkpoints::{self, Checkpoints, Training};
use super::early_stopping::{Progress as Verdict, Watch};
use super::interrupt::Interrupt;
use super::options::Options;
use super::progress::{Progress, Show};
use super::snapshot::{Snapshot, is_finite};
use crate::history::{Epoch, History, Stopped};
use crate::parallel::{DataParallel, agree};
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

/// Where in an epoch a training goes on.
struct Place {
    taken: usize,
    mean: Mean,
    epoch_rng: TorchRng,
    rng: TorchRng,
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
        tape.speak_for(at);
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

    /// Goes on from the latest checkpoint: the epoch, and the place in it.
    fn resume(&mut self) -> Result<(usize, Option<Place>)> {
        let (true, Some(checkpoints)) = (self.options.resume, &self.options.checkpoints) else {
            return Ok((1, None));
        };
        let (model, optimizer) = self.task.parts();
        let before = checkpoints::params_of(model);
        let latest = match &mut self.options.parallel {
            None => checkpoints.latest(model)?,
            Some(parallel) => checkpoints.latest_of_first(model, parallel)?,
        };
        let Some((file, training)) = latest else { return Ok((1, None)) };
        let own = (self.options.batch as u64, self.options.accumulate as u64);
        let theirs = (training.batch, training.accumulate);
        let best = Snapshot::from_tensors(training.best);
        let history = History::from_json(&training.history);
        let why = if own != theirs {
            Some(format!(
                "it has batches of {} and adds up {}, and this training has {} and {}",
                theirs.0, theirs.1, own.0, own.1
            ))
        } else if training.watch.is_some() != self.watch.is_some() {
            Some("one of the two has early stopping, and the other has not".into())
        } else if training.average.is_some() != self.average.is_some() {
            Some("one of the two averages weights, and the other does not".into())
        } else if !best.tensors().is_empty() && !best.fits(model) {
            Some("its best weights do not fit the model".into())
        } else if let Err(error) = optimizer.load_state(model, training.optimizer) {
            Some(error.to_string())
        } else {
            match (&mut self.average, training.average) {
                (Some(average), Some(state)) => average.load_state(model, state).err(),
                _ => None,
            }
            .map(|error| error.to_string())
        };
        let why = why.or_else(|| match &history {
            Ok(history) if history.epochs.len() as u64 + 1 == training.epoch => None,
            Ok(_) => Some("its history has other epochs than it says".into()),
            Err(error) => Some(error.to_string()),
        });
        if let Some(why) = why {
            self.good.restore(model);
            checkpoints::set_params(model, &before);
            return Err(Error::Resume { file, why });
        }
        checkpoints::set_params(model, &training.params);
        self.history = history.unwrap_or_default();
        self.good.take(model);
        self.good_epoch = training.epoch as usize - 1;
        if let (Some(watch), Some(state)) = (&mut self.watch, training.watch) {
            watch.set_state(state);
        }
        (self.best, self.lowest) = (best, training.lowest);
        (self.base, self.step) = (training.base, training.step as usize);
        let epoch = training.epoch as usize;
        // What draws the order of each epoch draws those of the earlier ones again.
        for _ in 1..epoch {
            self.task.begin();
        }
        let mean = Mean {
            sum: training.sum,
            samples: training.samples as usize,
            steps: training.steps as usize,
        };
        let (taken, epoch_rng, rng) = (training.taken as usize, training.epoch_rng, training.rng);
        set_default_rng(rng.clone());
        let ended = self.history.stopped == Stopped::Early;
        let first = if ended { usize::MAX } else { epoch };
        Ok((first, Some(Place { taken, mean, epoch_rng, rng })))
    }

    /// Saves the training, which goes on in epoch `epoch`, if there are to be checkpoints.
    fn save(&mut self, epoch: usize, mean: &Mean) -> Result<()> {
        let Some(checkpoints) = self.options.checkpoints.clone() else { return Ok(()) };
        self.first_alone(&mut |this| this.write(&checkpoints, epoch, mean))
    }

    fn save_best(&mut self) -> Result<()> {
        let Some(checkpoints) = self.options.checkpoints.clone() else { return Ok(()) };
        self.first_alone(&mut |this| checkpoints.save_best(this.task.parts().0))
    }

    fn write(&mut self, checkpoints: &Checkpoints, epoch: usize, mean: &Mean) -> Result<()> {
        let (model, optimizer) = self.task.parts();
        let training = Training {
            step: self.step as u64,
            epoch: epoch as u64,
            taken: self.taken as u64,
            sum: mean.sum,
            samples: mean.samples as u64,
            steps: mean.steps as u64,
            base: self.base,
            batch: self.options.batch as u64,
            accumulate: self.options.accumulate as u64,
            epoch_rng: self.epoch_rng.clone(),
            rng: default_rng(),
            optimizer: optimizer.state(),
            average: self.average.as_ref().map(Ema::state),
            params: checkpoints::params_of(model),
            watch: self.watch.as_ref().map(Watch::state),
            best: self.best.tensors().to_vec(),
            lowest: self.lowest,
            history: self.history.to_json(),
        };
        checkpoints.save(model, &training)
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

    /// Whether Ctrl-C ends training: of several processes, all know it at the same step.
    fn stops(&self) -> bool {
        match self.options.parallel {
            Some(_) => self.told_to_stop,
            None => self.interrupt.pressed(),
        }
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
        grads.scale(first as f32 / samples as f32);
        clip(&mut grads, self.options.clip_norm, self.options.clip_value);
        let (model, optimizer) = self.task.parts();
        optimizer.step(model, grads);
        self.sum = sum;
        mean.sum += total;
        mean.samples += samples;
        Ok(total / samples as f64)
    }

    /// A step on several processes, each of which computes some micro-batches.
    fn together(
        &mut self,
        parallel: &mut DataParallel,
        number: usize,
        mean: &mut Mean,
    ) -> Result<f64> {
        // A batch that is not cut is a micro-batch.
        let parts = if self.task.is_cut() { parallel.count() } else { 1 };
        let accumulate = self.options.accumulate;
        parallel.begin_step(self.step, self.task.parts().0, parts * accumulate);
        let (mut place, mut batches) = (None, 0);
        loop {
            let samples = self.task.samples();
            let largest = if self.task.is_cut() { self.options.batch } else { samples };
            for part in parallel.cut(samples, largest, parts) {
                let micro_batch = batches * parts + part.number;
                if !parallel.owns(micro_batch) || place.is_some() {
                    continue;
                }
                self.task.take_part(part.samples());
                let seeded = parallel.seeded(micro_batch);
                let (loss, grads) = self.task.gradients(&mut self.tape);
                drop(seeded);
                parallel.take(micro_batch, part.samples.len(), loss, &grads);
                if !loss.is_finite() {
                    place = Some(self.place_of_non_finite());
                }
            }
            batches += 1;
            if batches == accumulate || !self.advance()? {
                break;
            }
        }
        let told = parallel.tell(self.interrupt.pressed())?;
        self.told_to_stop = told.stop;
        if let Some((process, loss)) = told.bad {
            let place = parallel.text_of(process, place)?;
            return Err(self.fail(number, "the loss", f64::from(loss), place));
        }
        let mut grads = parallel.combine()?;
        clip(&mut grads, self.options.clip_norm, self.options.clip_value);
        let (model, optimizer) = self.task.parts();
        optimizer.step(model, grads);
        mean.sum += told.total;
        mean.samples += told.samples;
        Ok(told.total / told.samples as f64)
    }

    /// Checks that several processes train in the same way: `data` is a number for the data.
    fn compare(&mut self, data: u64) -> Result<()> {
        let Some(mut parallel) = self.options.parallel.take() else { return Ok(()) };
        let options = &*self.options;
        let (model, optimizer) = self.task.parts();
        let rates = options.schedule.as_ref().map(|schedule| {
            (0..16).map(|step| schedule.lr(self.base, step).to_bits()).collect::<Vec<_>>()
        });
        let recipe = format!(
            "{:?}",
            (
                (options.epochs, options.batch, options.order, options.accumulate),
                (options.clip_norm, options.clip_value, options.average),
                (options.checkpoints.is_some(), options.resume, self.step, self.base.to_bits()),
                (options.on_step.len(), options.on_epoch.len(), &options.early_stopping),
                (optimizer.state().optimizer, optimizer.lr().to_bits(), rates, self.metrics),
            )
        );
        let others = [
            (
                agree::number(recipe),
                "other options of the trainer than process 0; give all the same",
            ),
            (data, "other training samples than process 0; read the same data in every process"),
        ];
        let result = parallel.check_with(model, &others);
        self.options.parallel = Some(parallel);
        result
    }

    /// Of several processes, the numbers of process 0 count, so that all decide alike. Checks that their
    /// weights are still the same.
    fn agree_on(&mut self, valid_loss: &mut Option<f64>, metrics: &mut [f64]) -> Result<()> {
        let Some(parallel) = &mut self.options.parallel else { return Ok(()) };
        parallel.same_values(self.task.parts().0)?;
        let numbers = valid_loss.iter_mut().chain(metrics);
        let numbers: Vec<&mut f64> = numbers.collect();
        let own: Vec<u64> = numbers.iter().map(|number| number.to_bits()).collect();
        let all = parallel.words("the processes agreed on what was measured", &own)?;
        for (number, &bits) in numbers.into_iter().zip(&all[0]) {
            *number = f64::from_bits(bits);
        }
        Ok(())
    }

    /// Lets the first of several processes do something, and all of them know whether it could.
    fn first_alone(&mut self, f: &mut dyn FnMut(&mut Self) -> Result<()>) -> Result<()> {
        let Some(parallel) = &self.options.parallel else { return f(self) };
        if !parallel.is_first() {
            let Some(parallel) = &mut self.options.parallel else { return Ok(()) };
            let why = parallel.text_of(0, None)?;
            if why.is_empty() {
                return Ok(());
            }
            return Err(Error::Processes { why: format!("process 0 has failed: {why}") });
        }
        let result = f(self);
        let why = result.as_ref().err().map(ToString::to_string).unwrap_or_default();
        if let Some(parallel) = &mut self.options.parallel {
            parallel.text_of(0, Some(why))?;
        }
        result
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
