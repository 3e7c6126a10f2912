//! [`EarlyStopping`]: when training no longer helps.

use crate::history::Epoch;
use crate::{Error, Result};

/// Ends training when a value has not improved for some epochs. The model then gets the weights of its
/// best epoch back, parameters and buffers.
///
/// The value is the validation loss, or the training loss if there is no validation set, or a
/// [metric](Self::metric). An epoch is an improvement if its value is better than the best one so far by
/// more than [`min_delta`](Self::min_delta).
///
/// # Example
/// ```
/// use fanin_datasets::Table;
/// use fanin_nn::losses::Mse;
/// use fanin_nn::{Adam, Linear, Sequential, Tensor};
/// use fanin_train::{EarlyStopping, Stopped, Trainer};
///
/// let rows: Vec<[f32; 1]> = (0..64).map(|i| [i as f32 / 64.0]).collect();
/// let y: Vec<f32> = rows.iter().map(|row| 2.0 * row[0] + 1.0).collect();
/// let table = Table::from_rows(rows, Tensor::from(y))?;
///
/// let mut model = Sequential::new().add(Linear::new(1, 1));
/// let history = Trainer::new(Mse::new(), Adam::new(0.1))
///     .epochs(500)
///     .early_stopping(EarlyStopping::patience(10).min_delta(1e-5))
///     .silent()
///     .fit_split(&mut model, &table, 0.25)?;
/// assert_eq!(history.stopped, Stopped::Early);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Reference
/// Prechelt 1998, "Early stopping – but when?", criterion UP.
#[derive(Clone, Debug, PartialEq)]
pub struct EarlyStopping {
    patience: usize,
    min_delta: f64,
    metric: Option<String>,
}

impl EarlyStopping {
    /// Ends training after this many epochs in a row without an improvement. With `usize::MAX` training is never ended early,
    /// and the best weights are restored at its end.
    pub fn patience(epochs: usize) -> Self {
        Self { patience: epochs, min_delta: 0.0, metric: None }
    }

    /// Counts as an improvement only what is better by more than `delta`, which is 0 by default.
    ///
    /// # Panics
    /// **Panics** if it is negative or not finite.
    #[must_use]
    #[track_caller]
    pub fn min_delta(self, delta: f64) -> Self {
        assert!(
            delta >= 0.0 && delta.is_finite(),
            "EarlyStopping: a min_delta of {delta} is negative or not finite"
        );
        Self { min_delta: delta, ..self }
    }

    /// Watches the metric with this name instead of the loss. The metric knows whether a larger value is
    /// better.
    #[doc(alias = "monitor")]
    #[must_use]
    pub fn metric(self, name: &str) -> Self {
        Self { metric: Some(name.to_owned()), ..self }
    }
}

/// The best epoch so far.
pub(crate) struct Watch {
    rule: EarlyStopping,
    higher_is_better: bool,
    best: Option<(usize, f64)>,
    /// Epochs since then.
    waited: usize,
}

/// What an epoch means for early stopping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    Better,
    Wait,
    Stop,
}

impl Watch {
    /// `metrics` are the names of all metrics, and whether a larger value is better.
    pub(crate) fn new(rule: EarlyStopping, metrics: &[(String, bool)]) -> Result<Self> {
        let higher_is_better = match &rule.metric {
            None => false,
            Some(name) => {
                let Some((_, higher)) = metrics.iter().find(|(known, _)| known == name) else {
                    let known: Vec<_> = metrics.iter().map(|(name, _)| &**name).collect();
                    let advice = match &known[..] {
                        [] => "the trainer has no metric; give it one with .metric(…)".to_owned(),
                        _ => {
                            format!("there is no such metric; the metrics are {}", known.join(", "))
                        }
                    };
                    return Err(Error::option(format!("early_stopping on {name}"), advice));
                };
                *higher
            }
        };
        Ok(Self { rule, higher_is_better, best: None, waited: 0 })
    }

    pub(crate) fn see(&mut self, epoch: &Epoch) -> Progress {
        let value = match &self.rule.metric {
            Some(name) => epoch.metrics.get(name).copied().unwrap_or(f64::NAN),
            None => epoch.valid_loss.unwrap_or(epoch.loss),
        };
        let gain = match self.best {
            // A NaN is no best value.
            None => {
                if value.is_nan() {
                    f64::NAN
                } else {
                    f64::INFINITY
                }
            }
            Some((_, best)) if self.higher_is_better => value - best,
            Some((_, best)) => best - value,
        };
        if gain > self.rule.min_delta {
            (self.best, self.waited) = (Some((epoch.number, value)), 0);
            return Progress::Better;
        }
        self.waited += 1;
        if self.waited >= self.rule.patience.max(1) { Progress::Stop } else { Progress::Wait }
    }

    /// The best epoch and its value, and how many epochs it has waited since.
    pub(crate) fn state(&self) -> (Option<(u64, f64)>, u64) {
        (self.best.map(|(epoch, value)| (epoch as u64, value)), self.waited as u64)
    }

    /// Goes on from a [`state`](Self::state).
    pub(crate) fn set_state(&mut self, (best, waited): (Option<(u64, f64)>, u64)) {
        self.best = best.map(|(epoch, value)| (epoch as usize, value));
        self.waited = waited as usize;
    }

    pub(crate) fn best_epoch(&self) -> Option<usize> {
        self.best.map(|(epoch, _)| epoch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn epochs(rule: EarlyStopping, higher: bool, values: &[f64]) -> Vec<Progress> {
        let mut watch = Watch::new(rule.metric("m"), &[("m".into(), higher)]).unwrap();
        let epoch = |(i, &value): (usize, &f64)| {
            let mut epoch = Epoch { number: i + 1, ..Epoch::default() };
            epoch.metrics.insert("m".into(), value);
            epoch
        };
        values.iter().enumerate().map(epoch).map(|epoch| watch.see(&epoch)).collect()
    }

    #[test]
    fn patience_and_min_delta_count_epochs() {
        use Progress::*;
        let rule = EarlyStopping::patience(2);
        assert_eq!(
            epochs(rule.clone(), false, &[3.0, 2.0, 2.0, 2.5]),
            [Better, Better, Wait, Stop]
        );
        assert_eq!(epochs(rule.clone(), true, &[3.0, 2.0, 4.0, 4.0]), [Better, Wait, Better, Wait]);
        let rule = rule.min_delta(0.5);
        assert_eq!(
            epochs(rule.clone(), false, &[3.0, 2.6, 2.4, 2.0]),
            [Better, Wait, Better, Wait]
        );
        assert_eq!(epochs(rule, false, &[f64::NAN, 1.0, f64::NAN]), [Wait, Better, Wait]);
        assert_eq!(epochs(EarlyStopping::patience(0), false, &[1.0, 1.0]), [Better, Stop]);
    }
}
