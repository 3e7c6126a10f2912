//! [`Schedule`]: the learning rate as a function of the step.

/// The learning rate of each step, as a function of the step alone.
///
/// A schedule has no state, so that training that is resumed at a step has the rate of that step. A
/// closure of the first rate and the step is a schedule.
///
/// # Example
/// ```
/// use fanin_train::Schedule;
///
/// let halved = |base: f64, step: usize| base * 0.5f64.powi((step / 100) as i32);
/// assert_eq!(halved.lr(0.1, 250), 0.025);
/// ```
#[doc(alias("lr_scheduler"))]
pub trait Schedule: Send {
    /// The learning rate of a step, counted from 0. `base` is the rate that the optimizer was made
    /// with.
    fn lr(&self, base: f64, step: usize) -> f64;

    /// The number of steps after which the schedule has no more to say, if there is one.
    fn steps(&self) -> Option<usize> {
        None
    }
}

impl<F> Schedule for F
where
    F: Fn(f64, usize) -> f64 + Send,
{
    fn lr(&self, base: f64, step: usize) -> f64 {
        self(base, step)
    }
}
