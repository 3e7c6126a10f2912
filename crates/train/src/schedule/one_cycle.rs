//! [`OneCycle`]: up to a maximum, and down to almost nothing.

use std::f64::consts::PI;

use super::{Schedule, require_positive, require_steps};

/// The way from one rate to another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[doc(alias = "anneal_strategy")]
pub enum Anneal {
    /// Half a cosine.
    #[default]
    Cosine,
    /// A straight line.
    Linear,
}

impl Anneal {
    /// Between `start` at a share of 0 and `end` at a share of 1.
    fn between(self, start: f64, end: f64, share: f64) -> f64 {
        match self {
            Self::Cosine => end + (start - end) / 2.0 * (1.0 + (PI * share).cos()),
            Self::Linear => (end - start) * share + start,
        }
    }
}

/// One cycle: from a small rate up to the largest, and down to one much smaller, as PyTorch has it.
///
/// The largest rate is the base rate; the first one is a 25th of it, the last one a 10,000th of that.
/// The largest rate is reached after 30 % of the steps. The momentum stays as it is.
///
/// # Example
/// ```
/// use fanin_train::Schedule;
/// use fanin_train::schedule::OneCycle;
///
/// let cycle = OneCycle::new(101).start(0.5);
/// assert!((cycle.lr(0.1, 0) - 0.1 / 25.0).abs() < 1e-12);
/// assert!(cycle.lr(0.1, 49) > 0.0999 && cycle.lr(0.1, 50) > 0.0999);
/// assert!((cycle.lr(0.1, 100) - 0.1 / 25.0 / 1e4).abs() < 1e-12);
/// assert_eq!(cycle.steps(), Some(101));
/// ```
///
/// # Reference
/// Smith and Topin 2017, section 2.
#[doc(alias = "OneCycleLR")]
#[derive(Clone, Debug, PartialEq)]
pub struct OneCycle {
    steps: usize,
    max: Option<f64>,
    start: f64,
    anneal: Anneal,
    div_factor: f64,
    final_div_factor: f64,
    three_phase: bool,
}

impl OneCycle {
    /// A cycle of this many steps: those of the whole training.
    ///
    /// # Panics
    /// **Panics** if there are 0 steps.
    #[doc(alias = "total_steps")]
    #[must_use]
    #[track_caller]
    pub fn new(steps: usize) -> Self {
        require_steps("OneCycle", "the number of steps", steps);
        Self {
            steps,
            max: None,
            start: 0.3,
            anneal: Anneal::Cosine,
            div_factor: 25.0,
            final_div_factor: 1e4,
            three_phase: false,
        }
    }

    /// The largest rate, in place of the base rate.
    ///
    /// # Panics
    /// **Panics** if it is negative or not finite.
    #[doc(alias = "max_lr")]
    #[must_use]
    #[track_caller]
    pub fn max(mut self, lr: f64) -> Self {
        require_positive("OneCycle", "the largest rate", lr);
        self.max = Some(lr);
        self
    }

    /// The share of the steps in which the rate rises, in \[0, 1\].
    ///
    /// # Panics
    /// **Panics** outside that range, or above a half where there are three phases.
    #[doc(alias = "pct_start")]
    #[must_use]
    #[track_caller]
    pub fn start(mut self, share: f64) -> Self {
        let fits = (0.0..=1.0).contains(&share);
        assert!(fits, "OneCycle: the share {share} of rising steps is outside [0, 1]");
        self.start = share;
        self.require_time();
        self
    }

    /// The way up and down.
    #[doc(alias = "anneal_strategy")]
    #[must_use]
    pub fn anneal(mut self, anneal: Anneal) -> Self {
        self.anneal = anneal;
        self
    }

    /// The largest rate over the first one.
    ///
    /// # Panics
    /// **Panics** unless it is positive and finite.
    #[must_use]
    #[track_caller]
    pub fn div_factor(mut self, factor: f64) -> Self {
        let fits = factor > 0.0 && factor.is_finite();
        assert!(fits, "OneCycle: div_factor {factor} must be positive and finite");
        self.div_factor = factor;
        self
    }

    /// The first rate over the last one.
    ///
    /// # Panics
    /// **Panics** unless it is positive and finite.
    #[must_use]
    #[track_caller]
    pub fn final_div_factor(mut self, factor: f64) -> Self {
        let fits = factor > 0.0 && factor.is_finite();
        assert!(fits, "OneCycle: final_div_factor {factor} must be positive and finite");
        self.final_div_factor = factor;
        self
    }

    /// Goes down to the first rate as fast as up, and then to the last one. The rising share must leave
    /// time for it: at most a half.
    ///
    /// # Panics
    /// **Panics** if the rising share is above a half.
    #[must_use]
    #[track_caller]
    pub fn three_phase(mut self) -> Self {
        self.three_phase = true;
        self.require_time();
        self
    }

    /// # Panics
    /// **Panics** if the phases are longer than the whole.
    #[track_caller]
    fn require_time(&self) {
        assert!(
            !self.three_phase || self.start <= 0.5,
            "OneCycle: three phases, the first two with a share of {} each, are longer than the whole",
            self.start
        );
    }
}

impl Schedule for OneCycle {
    fn lr(&self, base: f64, step: usize) -> f64 {
        let max = self.max.unwrap_or(base);
        let first = max / self.div_factor;
        let last = first / self.final_div_factor;
        let (steps, step) = (self.steps as f64, step.min(self.steps - 1) as f64);
        let rise = self.start * steps;
        // Where each phase ends, and its rates.
        let phases = if self.three_phase {
            [(rise - 1.0, first, max), (2.0 * rise - 2.0, max, first), (steps - 1.0, first, last)]
        } else {
            [(rise - 1.0, first, max), (steps - 1.0, max, last), (steps - 1.0, max, last)]
        };
        let mut begin = 0.0;
        for (at, (end, from, to)) in phases.into_iter().enumerate() {
            if step <= end || at == phases.len() - 1 {
                let length = end - begin;
                // A phase of no length is at its end.
                let share = if length == 0.0 { 1.0 } else { (step - begin) / length };
                return self.anneal.between(from, to, share);
            }
            begin = end;
        }
        last
    }

    fn steps(&self) -> Option<usize> {
        Some(self.steps)
    }
}
