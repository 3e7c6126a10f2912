//! [`Cyclic`]: up and down between two rates.

use super::{Schedule, require_positive, require_steps};

/// How the height of the cycles of a [`Cyclic`] changes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum CyclicMode {
    /// It stays.
    #[default]
    Triangular,
    /// Each cycle is half as high as the one before.
    Triangular2,
    /// It is multiplied by this number in every step.
    #[doc(alias = "exp_range")]
    ExpRange(f64),
}

/// Triangles between the base rate and a larger one, as PyTorch has it.
///
/// ```text
/// lr = base + (max − base) · height · share of the way up
/// ```
///
/// # Example
/// ```
/// use fanin_train::Schedule;
/// use fanin_train::schedule::{Cyclic, CyclicMode};
///
/// let cyclic = Cyclic::new(0.75, 10).down(30).mode(CyclicMode::Triangular2);
/// assert_eq!([0, 10, 40, 50].map(|step| cyclic.lr(0.25, step)), [0.25, 0.75, 0.25, 0.5]);
/// ```
///
/// # Reference
/// Smith 2015, section 3.
#[doc(alias = "CyclicLR")]
#[derive(Clone, Debug, PartialEq)]
pub struct Cyclic {
    max: f64,
    up: usize,
    down: usize,
    mode: CyclicMode,
}

impl Cyclic {
    /// From the base rate up to `max` in this many steps, and down in as many.
    ///
    /// # Panics
    /// **Panics** if the rate is negative or not finite, or there are 0 steps.
    #[doc(alias("max_lr", "step_size_up"))]
    #[must_use]
    #[track_caller]
    pub fn new(max: f64, up: usize) -> Self {
        require_positive("Cyclic", "the largest rate", max);
        require_steps("Cyclic", "the number of steps up", up);
        Self { max, up, down: up, mode: CyclicMode::Triangular }
    }

    /// The number of steps down.
    ///
    /// # Panics
    /// **Panics** if it is 0.
    #[doc(alias = "step_size_down")]
    #[must_use]
    #[track_caller]
    pub fn down(mut self, steps: usize) -> Self {
        require_steps("Cyclic", "the number of steps down", steps);
        self.down = steps;
        self
    }

    /// How the height changes.
    ///
    /// # Panics
    /// **Panics** if the number of [`CyclicMode::ExpRange`] is negative or not finite.
    #[must_use]
    #[track_caller]
    pub fn mode(mut self, mode: CyclicMode) -> Self {
        if let CyclicMode::ExpRange(gamma) = mode {
            require_positive("Cyclic", "gamma", gamma);
        }
        self.mode = mode;
        self
    }
}

impl Schedule for Cyclic {
    fn lr(&self, base: f64, step: usize) -> f64 {
        let whole = self.up + self.down;
        let (cycle, at) = (step / whole, step % whole);
        let share = if at <= self.up {
            at as f64 / self.up as f64
        } else {
            (whole - at) as f64 / self.down as f64
        };
        let times = |n: usize| n.try_into().unwrap_or(i32::MAX);
        let height = match self.mode {
            CyclicMode::Triangular => 1.0,
            CyclicMode::Triangular2 => 0.5_f64.powi(times(cycle)),
            CyclicMode::ExpRange(gamma) => gamma.powi(times(step)),
        };
        base + (self.max - base) * share * height
    }
}
