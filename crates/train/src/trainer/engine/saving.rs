//! Checkpoints of a training: saving it, and going on from the latest.

use fanin_init::TorchRng;
use fanin_nn::optim::Ema;

use super::super::checkpoints::{self, Checkpoints, Training};
use super::super::early_stopping::Watch;
use super::super::snapshot::Snapshot;
use super::{Loop, Mean, default_rng, set_default_rng};
use crate::history::{History, Stopped};
use crate::{Error, Result};

/// Where in an epoch a training goes on.
pub(super) struct Place {
    pub(super) taken: usize,
    pub(super) mean: Mean,
    pub(super) epoch_rng: TorchRng,
    pub(super) rng: TorchRng,
}

impl Loop<'_, '_> {
    /// Goes on from the latest checkpoint: the epoch, and the place in it.
    pub(super) fn resume(&mut self) -> Result<(usize, Option<Place>)> {
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
        } else if training.plateau.is_some() != self.plateau.is_some() {
            Some("one of the two lowers the rate on a plateau, and the other does not".into())
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
        if let (Some(plateau), Some(state)) = (&mut self.plateau, training.plateau) {
            plateau.go_on(state);
        }
        (self.best, self.lowest) = (best, training.lowest);
        (self.base, self.step) = (training.base, training.step as usize);
        let epoch = training.epoch as usize;
        // Batches with a generator of their own must draw the orders of the earlier epochs first.
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
    pub(super) fn save(&mut self, epoch: usize, mean: &Mean) -> Result<()> {
        let Some(checkpoints) = self.options.checkpoints.clone() else { return Ok(()) };
        self.first_alone(&mut |this| this.write(&checkpoints, epoch, mean))
    }

    pub(super) fn save_best(&mut self) -> Result<()> {
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
            plateau: self.plateau.clone(),
        };
        checkpoints.save(model, &training)
    }
}
