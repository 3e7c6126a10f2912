//! A training on several processes: steps, and what all of them must agree on.

use super::{Loop, Mean, clip};
use crate::parallel::{DataParallel, agree};
use crate::{Error, Result};

impl Loop<'_, '_> {
    /// Whether Ctrl-C ends training: of several processes, all know it at the same step.
    pub(super) fn stops(&self) -> bool {
        match self.options.parallel {
            Some(_) => self.told_to_stop,
            None => self.interrupt.pressed(),
        }
    }

    /// A step on several processes, each of which computes some micro-batches.
    pub(super) fn together(
        &mut self,
        parallel: &mut DataParallel,
        number: usize,
        mean: &mut Mean,
    ) -> Result<f64> {
        // A batch that is not cut is one micro-batch.
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
        if let Some(at) = self.options.at {
            grads.report_at(at);
        }
        clip(&mut grads, self.options.clip_norm, self.options.clip_value);
        let (model, optimizer) = self.task.parts();
        optimizer.step(model, grads);
        mean.sum += told.total;
        mean.samples += told.samples;
        Ok(told.total / told.samples as f64)
    }

    /// Checks that several processes train in the same way: `data` is a number for the data.
    pub(super) fn compare(&mut self, data: u64) -> Result<()> {
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
                (options.on_step.len(), options.on_epoch.len()),
                (&options.early_stopping, &options.plateau),
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
    pub(super) fn agree_on(
        &mut self,
        valid_loss: &mut Option<f64>,
        metrics: &mut [f64],
    ) -> Result<()> {
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
    pub(super) fn first_alone(&mut self, f: &mut dyn FnMut(&mut Self) -> Result<()>) -> Result<()> {
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
}
