//! Schedules made of schedules: [`WarmUp`], [`Sequence`], [`Product`].

use super::{Schedule, require_steps};

/// How a [`WarmUp`] rises.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WarmUpForm {
    /// Linearly from a factor to 1.
    #[default]
    Linear,
    /// A factor throughout, and then 1.
    Constant,
}

/// A warm-up, and then any schedule, whose step 0 is the one after the warm-up.
///
/// ```text
/// lr = start · (factor + (1 − factor) · step / steps)      while step < steps
/// lr = then(base, step − steps)                           after that
/// ```
/// `start` is the first rate of the schedule that follows, so that the two fit together.
///
/// # Example
/// ```
/// use fanin_train::Schedule;
/// use fanin_train::schedule::{CosineAnnealing, WarmUp};
///
/// let schedule = WarmUp::new(10, CosineAnnealing::new(90));
/// assert_eq!([0, 5, 10, 100].map(|step| schedule.lr(0.1, step)), [0.0, 0.05, 0.1, 0.0]);
/// assert_eq!(schedule.steps(), Some(100));
/// ```
///
/// # Reference
/// Goyal et al. 2017, section 2.2.
#[doc(alias("warmup", "linear_warmup"))]
#[derive(Clone, Debug, PartialEq)]
pub struct WarmUp<S> {
    steps: usize,
    factor: f64,
    form: WarmUpForm,
    then: S,
}

impl<S: Schedule> WarmUp<S> {
    /// A warm-up of this many steps from 0, and the schedule that follows it.
    ///
    /// # Panics
    /// **Panics** if there are 0 steps.
    #[must_use]
    #[track_caller]
    pub fn new(steps: usize, then: S) -> Self {
        require_steps("WarmUp", "the number of steps", steps);
        Self { steps, factor: 0.0, form: WarmUpForm::Linear, then }
    }

    /// A warm-up within a training of this many steps: `then` makes the schedule of what is left.
    ///
    /// # Panics
    /// **Panics** if the warm-up has 0 steps, or leaves none.
    ///
    /// # Example
    /// ```
    /// use fanin_train::Schedule;
    /// use fanin_train::schedule::{CosineAnnealing, WarmUp};
    ///
    /// let schedule = WarmUp::within(100, 10, CosineAnnealing::new);
    /// assert_eq!(schedule.steps(), Some(100));
    /// ```
    #[must_use]
    #[track_caller]
    pub fn within(total: usize, steps: usize, then: impl FnOnce(usize) -> S) -> Self {
        require_steps("WarmUp", "the number of steps", steps);
        assert!(
            steps < total,
            "WarmUp: a warm-up of {steps} steps is not shorter than the whole training of {total}"
        );
        Self::new(steps, then(total - steps))
    }

    /// The factor of the first step, in \[0, 1\].
    ///
    /// # Panics
    /// **Panics** outside that range.
    #[doc(alias = "start_factor")]
    #[must_use]
    #[track_caller]
    pub fn factor(mut self, factor: f64) -> Self {
        let fits = (0.0..=1.0).contains(&factor);
        assert!(fits, "WarmUp: the factor {factor} is outside [0, 1]");
        self.factor = factor;
        self
    }

    /// How the rate rises.
    #[must_use]
    pub fn form(mut self, form: WarmUpForm) -> Self {
        self.form = form;
        self
    }
}

impl<S: Schedule> Schedule for WarmUp<S> {
    fn lr(&self, base: f64, step: usize) -> f64 {
        if step >= self.steps {
            return self.then.lr(base, step - self.steps);
        }
        let share = match self.form {
            WarmUpForm::Linear => step as f64 / self.steps as f64,
            WarmUpForm::Constant => 0.0,
        };
        self.then.lr(base, 0) * (self.factor + (1.0 - self.factor) * share)
    }

    fn steps(&self) -> Option<usize> {
        self.then.steps().map(|steps| steps.saturating_add(self.steps))
    }
}

/// Schedules one after the other. Each counts its steps from 0.
///
/// # Example
/// ```
/// use fanin_train::Schedule;
/// use fanin_train::schedule::{ConstantLr, Exponential, LinearLr, Sequence};
///
/// let schedule = Sequence::new(LinearLr::new(0.5, 1.0, 10))
///     .then(10, ConstantLr::new())
///     .then(50, Exponential::new(0.5));
/// assert_eq!([0, 10, 49, 50, 51].map(|step| schedule.lr(0.2, step)), [0.1, 0.2, 0.2, 0.2, 0.1]);
/// ```
#[doc(alias = "SequentialLR")]
pub struct Sequence {
    /// The first step of each schedule.
    parts: Vec<(usize, Box<dyn Schedule>)>,
}

impl Sequence {
    /// Begins with this schedule.
    #[must_use]
    pub fn new(first: impl Schedule + 'static) -> Self {
        Self { parts: vec![(0, Box::new(first))] }
    }

    /// From this step on with another schedule.
    ///
    /// # Panics
    /// **Panics** if the step is not after the one at which the schedule before begins.
    #[doc(alias = "milestones")]
    #[must_use]
    #[track_caller]
    pub fn then(mut self, step: usize, schedule: impl Schedule + 'static) -> Self {
        let before = self.parts.last().map_or(0, |part| part.0);
        assert!(
            step > before,
            "Sequence: a schedule from step {step} on cannot follow one from step {before} on"
        );
        self.parts.push((step, Box::new(schedule)));
        self
    }
}

impl std::fmt::Debug for Sequence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let starts: Vec<_> = self.parts.iter().map(|part| part.0).collect();
        write!(f, "Sequence of schedules from steps {starts:?} on")
    }
}

impl Schedule for Sequence {
    fn lr(&self, base: f64, step: usize) -> f64 {
        let after = self.parts.partition_point(|part| part.0 <= step);
        let (start, schedule) = &self.parts[after - 1];
        schedule.lr(base, step - start)
    }

    fn steps(&self) -> Option<usize> {
        let (start, schedule) = self.parts.last()?;
        schedule.steps().map(|steps| steps.saturating_add(*start))
    }
}

/// The factors of several schedules multiplied: `lr = base · Π (lrᵢ(base) / base)`.
///
/// # Example
/// ```
/// use fanin_train::Schedule;
/// use fanin_train::schedule::{Exponential, LinearLr, Product};
///
/// let schedule = Product::new(LinearLr::new(0.5, 1.0, 10)).times(Exponential::new(0.5));
/// assert_eq!([schedule.lr(0.2, 0), schedule.lr(0.2, 10)], [0.1, 0.2 / 1024.0]);
/// ```
#[doc(alias = "ChainedScheduler")]
pub struct Product {
    factors: Vec<Box<dyn Schedule>>,
}

impl Product {
    /// With this schedule.
    #[must_use]
    pub fn new(first: impl Schedule + 'static) -> Self {
        Self { factors: vec![Box::new(first)] }
    }

    /// Times another schedule.
    #[must_use]
    pub fn times(mut self, schedule: impl Schedule + 'static) -> Self {
        self.factors.push(Box::new(schedule));
        self
    }
}

impl std::fmt::Debug for Product {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Product of {} schedules", self.factors.len())
    }
}

impl Schedule for Product {
    fn lr(&self, base: f64, step: usize) -> f64 {
        if base == 0.0 {
            return 0.0;
        }
        self.factors.iter().fold(base, |lr, factor| lr * (factor.lr(base, step) / base))
    }

    fn steps(&self) -> Option<usize> {
        self.factors.iter().filter_map(|factor| factor.steps()).max()
    }
}
