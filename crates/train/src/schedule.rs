//! [`Schedule`]: the learning rate as a function of the step, and the schedules.
//!
//! | schedule | PyTorch's name | the rate |
//! |---|---|---|
//! | [`ConstantLr`] | `ConstantLR` | a factor at first, then the base |
//! | [`LinearLr`] | `LinearLR` | a factor that changes linearly |
//! | [`StepLr`] | `StepLR` | falls once every period |
//! | [`MultiStep`] | `MultiStepLR` | falls at given steps |
//! | [`Exponential`] | `ExponentialLR` | falls with every step |
//! | [`Polynomial`] | `PolynomialLR` | a power of what is left |
//! | [`CosineAnnealing`] | `CosineAnnealingLR` | half a cosine |
//! | [`CosineWarmRestarts`] | `CosineAnnealingWarmRestarts` | half a cosine, again and again |
//! | [`OneCycle`] | `OneCycleLR` | up to a maximum and down to almost nothing |
//! | [`Cyclic`] | `CyclicLR` | up and down between two rates |
//! | [`WarmUp`] | `SequentialLR` with `LinearLR` | up to where another schedule begins |
//! | [`Sequence`] | `SequentialLR` | schedules one after the other |
//! | [`Product`] | `ChainedScheduler` | the factors of several schedules together |
//! | a closure | `LambdaLR` | any function of base and step |
//! | [`ReduceOnPlateau`] | `ReduceLROnPlateau` | falls when a metric stalls; not a function of the step |

mod combined;
mod cosine;
mod cyclic;
mod one_cycle;
mod plateau;
mod simple;

pub use combined::{Product, Sequence, WarmUp, WarmUpForm};
pub use cosine::{CosineAnnealing, CosineWarmRestarts};
pub use cyclic::{Cyclic, CyclicMode};
pub use one_cycle::{Anneal, OneCycle};
pub use plateau::{PlateauMode, PlateauThreshold, ReduceOnPlateau};
pub use simple::{ConstantLr, Exponential, LinearLr, MultiStep, Polynomial, StepLr};

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

impl Schedule for Box<dyn Schedule> {
    fn lr(&self, base: f64, step: usize) -> f64 {
        (**self).lr(base, step)
    }

    fn steps(&self) -> Option<usize> {
        (**self).steps()
    }
}

/// # Panics
/// **Panics** if a number of steps is 0.
#[track_caller]
fn require_steps(schedule: &str, what: &str, steps: usize) {
    assert!(steps > 0, "{schedule}: {what} is 0, and must be at least 1");
}

/// # Panics
/// **Panics** unless the number is finite and not negative.
#[track_caller]
fn require_positive(schedule: &str, what: &str, value: f64) {
    let fits = value >= 0.0 && value.is_finite();
    assert!(fits, "{schedule}: {what} {value} must be finite and not negative");
}
