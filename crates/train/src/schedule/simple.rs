//! A factor of the base rate: [`ConstantLr`], [`LinearLr`], [`StepLr`], [`MultiStep`], [`Exponential`],
//! [`Polynomial`].

use super::{Schedule, require_positive, require_steps};

/// A factor for the first steps, and the base rate from then on.
///
/// ```text
/// lr = base · factor         in the first steps
/// lr = base                  after them
/// ```
///
/// Without [`factor`](Self::factor) the rate is the base rate throughout.
///
/// # Example
/// ```
/// use fanin_train::Schedule;
/// use fanin_train::schedule::ConstantLr;
///
/// let gently = ConstantLr::factor(0.1, 5);
/// assert_eq!([gently.lr(1.0, 4), gently.lr(1.0, 5)], [0.1, 1.0]);
/// assert_eq!(ConstantLr::new().lr(1.0, 7), 1.0);
/// ```
#[doc(alias = "ConstantLR")]
#[derive(Clone, Debug, PartialEq)]
pub struct ConstantLr {
    factor: f64,
    steps: usize,
}

impl Default for ConstantLr {
    fn default() -> Self {
        Self::new()
    }
}

impl ConstantLr {
    /// The base rate in every step.
    pub fn new() -> Self {
        Self { factor: 1.0, steps: 0 }
    }

    /// A factor for the first steps.
    ///
    /// # Panics
    /// **Panics** if the factor is negative or not finite, or there are 0 steps.
    #[must_use]
    #[track_caller]
    pub fn factor(factor: f64, steps: usize) -> Self {
        require_positive("ConstantLr", "factor", factor);
        require_steps("ConstantLr", "the number of steps", steps);
        Self { factor, steps }
    }
}

impl Schedule for ConstantLr {
    fn lr(&self, base: f64, step: usize) -> f64 {
        if step < self.steps { base * self.factor } else { base }
    }
}

/// A factor that changes linearly from one number to another, and stays there.
///
/// ```text
/// lr = base · (start + (end − start) · min(step, steps) / steps)
/// ```
///
/// # Example
/// ```
/// use fanin_train::Schedule;
/// use fanin_train::schedule::LinearLr;
///
/// let down = LinearLr::new(1.0, 0.0, 10);
/// assert_eq!([down.lr(0.4, 0), down.lr(0.4, 5), down.lr(0.4, 99)], [0.4, 0.2, 0.0]);
/// ```
#[doc(alias = "LinearLR")]
#[derive(Clone, Debug, PartialEq)]
pub struct LinearLr {
    start: f64,
    end: f64,
    steps: usize,
}

impl LinearLr {
    /// From one factor to another in this many steps.
    ///
    /// # Panics
    /// **Panics** if a factor is negative or not finite, or there are 0 steps.
    #[must_use]
    #[track_caller]
    pub fn new(start: f64, end: f64, steps: usize) -> Self {
        require_positive("LinearLr", "the first factor", start);
        require_positive("LinearLr", "the last factor", end);
        require_steps("LinearLr", "the number of steps", steps);
        Self { start, end, steps }
    }
}

impl Schedule for LinearLr {
    fn lr(&self, base: f64, step: usize) -> f64 {
        let share = step.min(self.steps) as f64 / self.steps as f64;
        base * (self.start + (self.end - self.start) * share)
    }

    fn steps(&self) -> Option<usize> {
        Some(self.steps)
    }
}

/// Multiplies the rate by γ once every `period` steps.
///
/// ```text
/// lr = base · γ^⌊step / period⌋
/// ```
///
/// # Example
/// ```
/// use fanin_train::Schedule;
/// use fanin_train::schedule::StepLr;
///
/// let tenth = StepLr::new(30, 0.5);
/// assert_eq!([tenth.lr(0.8, 29), tenth.lr(0.8, 30), tenth.lr(0.8, 90)], [0.8, 0.4, 0.1]);
/// ```
#[doc(alias = "StepLR")]
#[derive(Clone, Debug, PartialEq)]
pub struct StepLr {
    period: usize,
    gamma: f64,
}

impl StepLr {
    /// Multiplies by γ after every `period` steps.
    ///
    /// # Panics
    /// **Panics** if the period is 0, or γ is negative or not finite.
    #[must_use]
    #[track_caller]
    pub fn new(period: usize, gamma: f64) -> Self {
        require_steps("StepLr", "the period", period);
        require_positive("StepLr", "gamma", gamma);
        Self { period, gamma }
    }
}

impl Schedule for StepLr {
    fn lr(&self, base: f64, step: usize) -> f64 {
        base * power(self.gamma, step / self.period)
    }
}

/// Multiplies the rate by γ at each of some steps.
///
/// ```text
/// lr = base · γ^(number of milestones ≤ step)
/// ```
///
/// # Example
/// ```
/// use fanin_train::Schedule;
/// use fanin_train::schedule::MultiStep;
///
/// let falls = MultiStep::new([30, 80], 0.5);
/// assert_eq!([falls.lr(0.8, 29), falls.lr(0.8, 30), falls.lr(0.8, 80)], [0.8, 0.4, 0.2]);
/// ```
#[doc(alias = "MultiStepLR")]
#[derive(Clone, Debug, PartialEq)]
pub struct MultiStep {
    milestones: Vec<usize>,
    gamma: f64,
}

impl MultiStep {
    /// Multiplies by γ at these steps; twice at one that is named twice.
    ///
    /// # Panics
    /// **Panics** if the steps do not rise, or γ is negative or not finite.
    #[must_use]
    #[track_caller]
    pub fn new(milestones: impl Into<Vec<usize>>, gamma: f64) -> Self {
        let milestones = milestones.into();
        let fits = milestones.is_sorted();
        assert!(fits, "MultiStep: the milestones {milestones:?} must rise; sort them");
        require_positive("MultiStep", "gamma", gamma);
        Self { milestones, gamma }
    }
}

impl Schedule for MultiStep {
    fn lr(&self, base: f64, step: usize) -> f64 {
        base * power(self.gamma, self.milestones.partition_point(|&at| at <= step))
    }
}

/// Multiplies the rate by γ in every step.
///
/// ```text
/// lr = base · γ^step
/// ```
///
/// # Example
/// ```
/// use fanin_train::Schedule;
/// use fanin_train::schedule::Exponential;
///
/// assert_eq!(Exponential::new(0.5).lr(0.8, 3), 0.1);
/// ```
#[doc(alias = "ExponentialLR")]
#[derive(Clone, Debug, PartialEq)]
pub struct Exponential {
    gamma: f64,
}

impl Exponential {
    /// γ, the factor of each step.
    ///
    /// # Panics
    /// **Panics** if γ is negative or not finite.
    #[must_use]
    #[track_caller]
    pub fn new(gamma: f64) -> Self {
        require_positive("Exponential", "gamma", gamma);
        Self { gamma }
    }
}

impl Schedule for Exponential {
    fn lr(&self, base: f64, step: usize) -> f64 {
        base * power(self.gamma, step)
    }
}

/// A power of the share of steps that are left, down to 0.
///
/// ```text
/// lr = base · (1 − min(step, steps) / steps)^power
/// ```
///
/// # Example
/// ```
/// use fanin_train::Schedule;
/// use fanin_train::schedule::Polynomial;
///
/// let square = Polynomial::new(10, 2.0);
/// assert_eq!([square.lr(0.4, 0), square.lr(0.4, 5), square.lr(0.4, 10)], [0.4, 0.1, 0.0]);
/// ```
#[doc(alias = "PolynomialLR")]
#[derive(Clone, Debug, PartialEq)]
pub struct Polynomial {
    steps: usize,
    power: f64,
}

impl Polynomial {
    /// To 0 in this many steps.
    ///
    /// # Panics
    /// **Panics** if there are 0 steps, or the power is negative or not finite.
    #[must_use]
    #[track_caller]
    pub fn new(steps: usize, power: f64) -> Self {
        require_steps("Polynomial", "the number of steps", steps);
        require_positive("Polynomial", "the power", power);
        Self { steps, power }
    }
}

impl Schedule for Polynomial {
    fn lr(&self, base: f64, step: usize) -> f64 {
        let done = step.min(self.steps) as f64 / self.steps as f64;
        base * (1.0 - done).powf(self.power)
    }

    fn steps(&self) -> Option<usize> {
        Some(self.steps)
    }
}

/// γⁿ; an n beyond 2³¹ counts as 2³¹.
fn power(gamma: f64, n: usize) -> f64 {
    gamma.powi(n.try_into().unwrap_or(i32::MAX))
}
