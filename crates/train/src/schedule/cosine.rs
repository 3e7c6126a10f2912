//! [`CosineAnnealing`] and [`CosineWarmRestarts`].

use std::f64::consts::PI;

use super::{Schedule, require_positive, require_steps};

/// Half a cosine, from the base rate down to the smallest.
///
/// ```text
/// lr = min + (base − min) · (1 + cos(π · min(step, steps) / steps)) / 2
/// ```
///
/// After its steps it stays at the smallest rate. (PyTorch's goes up again; [`wrapping`](Self::wrapping)
/// does so too.)
///
/// # Example
/// ```
/// use fanin_train::Schedule;
/// use fanin_train::schedule::CosineAnnealing;
///
/// let cosine = CosineAnnealing::new(100).min(0.01);
/// assert_eq!(cosine.lr(0.1, 0), 0.1);
/// assert!((cosine.lr(0.1, 50) - 0.055).abs() < 1e-12);
/// assert_eq!([cosine.lr(0.1, 100), cosine.lr(0.1, 150)], [0.01, 0.01]);
/// assert_eq!(cosine.steps(), Some(100));
/// ```
///
/// # Reference
/// Loshchilov and Hutter 2016, eq. 5, without restarts.
#[doc(alias = "CosineAnnealingLR")]
#[derive(Clone, Debug, PartialEq)]
pub struct CosineAnnealing {
    steps: usize,
    min: f64,
    wrapping: bool,
}

impl CosineAnnealing {
    /// Down to 0 in this many steps.
    ///
    /// # Panics
    /// **Panics** if there are 0 steps.
    #[must_use]
    #[track_caller]
    pub fn new(steps: usize) -> Self {
        require_steps("CosineAnnealing", "the number of steps", steps);
        Self { steps, min: 0.0, wrapping: false }
    }

    /// The smallest rate.
    ///
    /// # Panics
    /// **Panics** if it is negative or not finite.
    #[doc(alias = "eta_min")]
    #[must_use]
    #[track_caller]
    pub fn min(mut self, lr: f64) -> Self {
        require_positive("CosineAnnealing", "the smallest rate", lr);
        self.min = lr;
        self
    }

    /// Goes on along the cosine after its steps: up, down, and so on, without end.
    #[must_use]
    pub fn wrapping(mut self) -> Self {
        self.wrapping = true;
        self
    }
}

impl Schedule for CosineAnnealing {
    fn lr(&self, base: f64, step: usize) -> f64 {
        let step = if self.wrapping { step % (2 * self.steps) } else { step.min(self.steps) };
        half(base, self.min, step, self.steps)
    }

    fn steps(&self) -> Option<usize> {
        (!self.wrapping).then_some(self.steps)
    }
}

/// Half a cosine from the base rate down to the smallest, again and again, each `mult` times as long as the
/// one before.
///
/// ```text
/// lr = min + (base − min) · (1 + cos(π · t / T)) / 2
/// ```
/// for step t of a period of T steps.
///
/// # Example
/// ```
/// use fanin_train::Schedule;
/// use fanin_train::schedule::CosineWarmRestarts;
///
/// let restarts = CosineWarmRestarts::new(10).mult(2); // restarts at steps 10, 30, 70, ...
/// assert_eq!([0, 10, 30, 70].map(|step| restarts.lr(0.1, step)), [0.1; 4]);
/// ```
///
/// # Reference
/// Loshchilov and Hutter 2016, eq. 5.
#[doc(alias("CosineAnnealingWarmRestarts", "SGDR"))]
#[derive(Clone, Debug, PartialEq)]
pub struct CosineWarmRestarts {
    first: usize,
    mult: usize,
    min: f64,
}

impl CosineWarmRestarts {
    /// With a first period of this many steps, and all others of the same length.
    ///
    /// # Panics
    /// **Panics** if there are 0 steps.
    #[doc(alias = "T_0")]
    #[must_use]
    #[track_caller]
    pub fn new(first: usize) -> Self {
        require_steps("CosineWarmRestarts", "the first period", first);
        Self { first, mult: 1, min: 0.0 }
    }

    /// How many times as long as the one before each period is.
    ///
    /// # Panics
    /// **Panics** if it is 0.
    #[doc(alias = "T_mult")]
    #[must_use]
    #[track_caller]
    pub fn mult(mut self, mult: usize) -> Self {
        require_steps("CosineWarmRestarts", "mult", mult);
        self.mult = mult;
        self
    }

    /// The smallest rate.
    ///
    /// # Panics
    /// **Panics** if it is negative or not finite.
    #[doc(alias = "eta_min")]
    #[must_use]
    #[track_caller]
    pub fn min(mut self, lr: f64) -> Self {
        require_positive("CosineWarmRestarts", "the smallest rate", lr);
        self.min = lr;
        self
    }
}

impl Schedule for CosineWarmRestarts {
    fn lr(&self, base: f64, step: usize) -> f64 {
        let (mut at, mut period) = (step, self.first);
        if self.mult == 1 {
            at %= period;
        }
        // A period at least doubles, so there are few.
        while at >= period {
            at -= period;
            period = period.saturating_mul(self.mult);
        }
        half(base, self.min, at, period)
    }
}

/// Half a cosine from `base` at step 0 to `min` at step `steps`.
fn half(base: f64, min: f64, step: usize, steps: usize) -> f64 {
    min + (base - min) * (1.0 + (PI * step as f64 / steps as f64).cos()) / 2.0
}
