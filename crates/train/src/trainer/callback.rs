//! What callbacks see: [`StepEnd`] and [`EpochEnd`].

use fanin_nn::Parameters;
use fanin_tensor::Tensor;

use super::engine::Task;
use crate::history::Epoch;

/// A step that is done, as a callback of [`Trainer::on_step`](crate::Trainer::on_step) sees it.
pub struct StepEnd<'a> {
    /// The epoch, from 1.
    pub epoch: usize,
    /// The step since training began, from 1.
    pub step: usize,
    /// The loss before the step.
    pub loss: f64,
    /// The learning rate of the step.
    pub rate: f64,
    /// The model after the step.
    pub model: &'a mut dyn Parameters,
    pub(crate) stop: bool,
}

impl StepEnd<'_> {
    /// Ends training after this step.
    pub fn stop(&mut self) {
        self.stop = true;
    }
}

/// An epoch that is done, as a callback of [`Trainer::on_epoch`](crate::Trainer::on_epoch) sees it.
pub struct EpochEnd<'a> {
    /// Losses, metrics, rate and time of the epoch.
    pub epoch: &'a Epoch,
    pub(crate) task: &'a mut dyn Task,
    pub(crate) rate: Option<f64>,
    pub(crate) base: f64,
    pub(crate) stop: bool,
}

impl EpochEnd<'_> {
    /// The model: with the averaged weights if the trainer averages them.
    pub fn model(&mut self) -> &mut dyn Parameters {
        self.task.parts().0
    }

    /// What the model makes of `x`.
    ///
    /// # Panics
    /// **Panics** for a trainer made by [`from_fn`](crate::Trainer::from_fn), which does not know how the
    /// model predicts.
    #[track_caller]
    pub fn predict(&self, x: &Tensor) -> Tensor {
        match self.task.predict(x) {
            Some(output) => output,
            None => panic!(
                "predict: a trainer made by from_fn does not know how the model predicts; call a method \
                 of the model on a clone of it"
            ),
        }
    }

    /// The learning rate that the schedule starts from, or that all steps have if there is none.
    pub fn rate(&self) -> f64 {
        self.rate.unwrap_or(self.base)
    }

    /// Sets the [rate](Self::rate) of the epochs that follow.
    ///
    /// # Panics
    /// **Panics** if it is negative or not finite.
    #[track_caller]
    pub fn set_rate(&mut self, rate: f64) {
        assert!(
            rate >= 0.0 && rate.is_finite(),
            "set_rate: a learning rate of {rate} is negative or not finite"
        );
        self.rate = Some(rate);
    }

    /// Ends training after this epoch.
    pub fn stop(&mut self) {
        self.stop = true;
    }
}
