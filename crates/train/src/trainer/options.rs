//! The options of a trainer, whatever its model and data are.

use std::panic::Location;

use super::callback::{EpochEnd, StepEnd};
use super::checkpoints::Checkpoints;
use super::early_stopping::EarlyStopping;
use super::progress::Show;
use crate::Schedule;
use crate::parallel::DataParallel;
use crate::schedule::ReduceOnPlateau;

/// The order of the samples in an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// The order of the data.
    Given,
    /// A new one each epoch, from the thread's default generator.
    Shuffled,
    /// A new one each epoch, from a generator with this seed.
    Seeded(u64),
}

pub(crate) type OnStep<'c> = Box<dyn FnMut(&mut StepEnd<'_>) + 'c>;
pub(crate) type OnEpoch<'c> = Box<dyn FnMut(&mut EpochEnd<'_>) + 'c>;

pub(crate) struct Options<'c> {
    /// The line that asked for the training: what notes in a debug build name.
    pub(crate) at: Option<&'static Location<'static>>,
    pub(crate) epochs: usize,
    pub(crate) batch: usize,
    pub(crate) order: Order,
    pub(crate) accumulate: usize,
    pub(crate) clip_norm: Option<f64>,
    pub(crate) clip_value: Option<f64>,
    /// The decay of the running average of weights.
    pub(crate) average: Option<f64>,
    pub(crate) schedule: Option<Box<dyn Schedule + 'c>>,
    pub(crate) plateau: Option<ReduceOnPlateau>,
    pub(crate) early_stopping: Option<EarlyStopping>,
    pub(crate) checkpoints: Option<Checkpoints>,
    /// Whether training goes on from the latest checkpoint.
    pub(crate) resume: bool,
    /// Several processes, if the training has them.
    pub(crate) parallel: Option<DataParallel>,
    pub(crate) show: Show,
    pub(crate) ctrl_c: bool,
    pub(crate) on_step: Vec<OnStep<'c>>,
    pub(crate) on_epoch: Vec<OnEpoch<'c>>,
}

impl Default for Options<'_> {
    fn default() -> Self {
        Self {
            at: None,
            epochs: 10,
            batch: 32,
            order: Order::Shuffled,
            accumulate: 1,
            clip_norm: None,
            clip_value: None,
            average: None,
            schedule: None,
            plateau: None,
            early_stopping: None,
            checkpoints: None,
            resume: false,
            parallel: None,
            show: Show::Auto,
            ctrl_c: true,
            on_step: vec![],
            on_epoch: vec![],
        }
    }
}
