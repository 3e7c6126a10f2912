//! [`ReduceOnPlateau`]: a rate that falls when a metric stalls.

use serde::{Deserialize, Serialize};

use super::require_positive;

/// Which values of a metric are better.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum PlateauMode {
    /// Smaller ones, as of a loss.
    #[default]
    Min,
    /// Larger ones, as of an accuracy.
    Max,
}

/// By how much a value must be better than the best so far.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[doc(alias = "threshold_mode")]
pub enum PlateauThreshold {
    /// By this share of the best value.
    Relative(f64),
    /// By this much.
    Absolute(f64),
}

/// Multiplies the learning rate by a factor when a metric has not become better for some time, as PyTorch has
/// it.
///
/// It looks at a metric and not at the step alone, so it has a state and is no
/// [`Schedule`](super::Schedule). [`Trainer::reduce_on_plateau`](crate::Trainer::reduce_on_plateau) lets it
/// look at the loss. In a loop of your own, observe the metric once an epoch, and multiply the first rate by
/// what it returns. With serde the state goes into any file.
///
/// # Example
/// ```
/// use fanin_train::schedule::ReduceOnPlateau;
///
/// let mut plateau = ReduceOnPlateau::new(0.5).patience(1);
/// let losses = [1.0, 0.8, 0.8, 0.8, 0.7];
/// let factors = losses.map(|loss| plateau.observe(loss));
/// assert_eq!(factors, [1.0, 1.0, 1.0, 0.5, 0.5]);
/// ```
#[doc(alias = "ReduceLROnPlateau")]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReduceOnPlateau {
    factor: f64,
    mode: PlateauMode,
    patience: usize,
    threshold: PlateauThreshold,
    cooldown: usize,
    min: f64,
    state: State,
}

/// What was observed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct State {
    /// None before the first value.
    best: Option<f64>,
    /// Values in a row that were not better.
    bad: usize,
    /// Values for which it still waits after a reduction.
    waits: usize,
    /// The product of all reductions.
    scale: f64,
}

impl ReduceOnPlateau {
    /// With a factor in (0, 1) for each reduction; for a metric that is better when smaller, with a
    /// patience of 10, a relative threshold of 1e-4 and no cooldown.
    ///
    /// # Panics
    /// **Panics** if the factor is outside that range.
    #[must_use]
    #[track_caller]
    pub fn new(factor: f64) -> Self {
        let fits = factor > 0.0 && factor < 1.0;
        assert!(fits, "ReduceOnPlateau: the factor {factor} is outside (0, 1)");
        let (threshold, mode) = (PlateauThreshold::Relative(1e-4), PlateauMode::Min);
        let state = State { best: None, bad: 0, waits: 0, scale: 1.0 };
        Self { factor, mode, patience: 10, threshold, cooldown: 0, min: 0.0, state }
    }

    /// Which values are better.
    #[must_use]
    pub fn mode(mut self, mode: PlateauMode) -> Self {
        self.mode = mode;
        self
    }

    /// How many values in a row may be no better before the rate falls at the next one.
    #[must_use]
    pub fn patience(mut self, values: usize) -> Self {
        self.patience = values;
        self
    }

    /// By how much a value must be better.
    ///
    /// # Panics
    /// **Panics** if the number is negative or not finite.
    #[must_use]
    #[track_caller]
    pub fn threshold(mut self, threshold: PlateauThreshold) -> Self {
        let (PlateauThreshold::Relative(least) | PlateauThreshold::Absolute(least)) = threshold;
        require_positive("ReduceOnPlateau", "the threshold", least);
        self.threshold = threshold;
        self
    }

    /// For how many values it waits after a reduction before it counts again.
    #[must_use]
    pub fn cooldown(mut self, values: usize) -> Self {
        self.cooldown = values;
        self
    }

    /// The smallest factor of the first rate: PyTorch's `min_lr` over the base rate.
    ///
    /// # Panics
    /// **Panics** if it is outside \[0, 1\].
    #[doc(alias = "min_lr")]
    #[must_use]
    #[track_caller]
    pub fn min_factor(mut self, factor: f64) -> Self {
        let fits = (0.0..=1.0).contains(&factor);
        assert!(fits, "ReduceOnPlateau: the smallest factor {factor} is outside [0, 1]");
        self.min = factor;
        self
    }

    /// Whether a value is better than the best so far.
    fn is_better(&self, value: f64) -> bool {
        // The first value is better, unless it is NaN or the worst possible value.
        let worst = match self.mode {
            PlateauMode::Min => f64::INFINITY,
            PlateauMode::Max => f64::NEG_INFINITY,
        };
        let best = self.state.best.unwrap_or(worst);
        match (self.mode, self.threshold) {
            (PlateauMode::Min, PlateauThreshold::Relative(least)) => value < best * (1.0 - least),
            (PlateauMode::Min, PlateauThreshold::Absolute(least)) => value < best - least,
            (PlateauMode::Max, PlateauThreshold::Relative(least)) => value > best * (1.0 + least),
            (PlateauMode::Max, PlateauThreshold::Absolute(least)) => value > best + least,
        }
    }

    /// Takes in the metric of an epoch, and returns the factor of the first rate from now on: the product
    /// of all reductions. A NaN is no better than anything.
    #[doc(alias = "step")]
    pub fn observe(&mut self, value: f64) -> f64 {
        if self.is_better(value) {
            self.state.best = Some(value);
            self.state.bad = 0;
        } else {
            self.state.bad = self.state.bad.saturating_add(1);
        }
        if self.state.waits > 0 {
            self.state.waits -= 1;
            self.state.bad = 0;
        }
        if self.state.bad > self.patience {
            self.state.scale = (self.state.scale * self.factor).max(self.min);
            self.state.waits = self.cooldown;
            self.state.bad = 0;
        }
        self.state.scale
    }

    /// Whether smaller values are better.
    pub(crate) fn is_for_losses(&self) -> bool {
        self.mode == PlateauMode::Min
    }

    /// Goes on where another one is.
    pub(crate) fn go_on(&mut self, from: Self) {
        self.state = from.state;
    }

    /// The factor of the first rate: the product of all reductions.
    pub fn factor(&self) -> f64 {
        self.state.scale
    }
}
