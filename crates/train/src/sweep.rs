//! [`Sweep`]: many trainings side by side, one on each core.

mod results;
mod scores;
mod stats;

use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use fanin_init::{Scheme, manual_seed};
use fanin_tensor::parallel;

pub use results::{SweepResults, SweepRow, SweepRun};
pub use scores::Scores;
pub use stats::Interval;

use crate::text::{duration, number};
use crate::trainer::{Interrupt, set_quiet};

/// Trains many models side by side, one on each core: all combinations of seeds, initializers, learning
/// rates and choices of your own. A table shows means and 95 % intervals.
///
/// Small networks use many cores best in this way: the kernels of a training stay on its core. Each
/// training begins with [`manual_seed`] of its seed, so it gives the same bits as alone, whatever the
/// number of threads. Trainers inside of it show nothing.
///
/// # Example
/// ```
/// use fanin_nn::layers::Relu;
/// use fanin_nn::losses::CrossEntropy;
/// use fanin_nn::{Adam, Linear, Sequential};
/// use fanin_train::metrics::Accuracy;
/// use fanin_train::{History, Sweep, Trainer};
///
/// let (train, test) = fanin_datasets::mnist_bundled();
/// let results = Sweep::new()
///     .seeds(0..3)
///     .rates([1e-3, 1e-2])
///     .silent()
///     .run(|trial| -> fanin_train::Result<History> {
///         let mut model = Sequential::new().add(Linear::new(784, 16)).add(Relu).add(Linear::new(16, 10));
///         Trainer::new(CrossEntropy::new(), Adam::new(trial.rate()))
///             .metric(Accuracy::new())
///             .epochs(1)
///             .fit(&mut model, &train, &test)
///     })?;
/// println!("{results}");
/// let best = results.best("accuracy").unwrap();
/// assert!(best.score("accuracy").unwrap().mean > 0.7);
/// # Ok::<(), fanin_train::Error>(())
/// ```
#[doc(alias("grid search", "GridSearchCV"))]
#[derive(Clone, Debug)]
pub struct Sweep {
    seeds: Vec<u64>,
    rates: Vec<f64>,
    schemes: Vec<Scheme>,
    variants: Vec<String>,
    threads: Option<usize>,
    silent: bool,
}

impl Default for Sweep {
    fn default() -> Self {
        let (rates, schemes, variants) = (vec![], vec![], vec![]);
        Self { seeds: vec![0], rates, schemes, variants, threads: None, silent: false }
    }
}

/// One training of a [`Sweep`].
#[derive(Clone, Debug, PartialEq)]
pub struct Trial {
    /// The seed, which [`manual_seed`] was given.
    pub seed: u64,
    rate: Option<f64>,
    scheme: Option<Scheme>,
    variant: Option<String>,
}

impl Sweep {
    /// One training with the seed 0.
    pub fn new() -> Self {
        Self::default()
    }

    /// Trains with each of these seeds.
    #[must_use]
    pub fn seeds(self, seeds: impl IntoIterator<Item = u64>) -> Self {
        Self { seeds: seeds.into_iter().collect(), ..self }
    }

    /// Trains with each of these learning rates: [`Trial::rate`].
    #[must_use]
    pub fn rates(self, rates: impl IntoIterator<Item = f64>) -> Self {
        Self { rates: rates.into_iter().collect(), ..self }
    }

    /// Trains with each of these initializers: [`Trial::scheme`].
    #[must_use]
    pub fn schemes(self, schemes: impl IntoIterator<Item = impl Into<Scheme>>) -> Self {
        Self { schemes: schemes.into_iter().map(Into::into).collect(), ..self }
    }

    /// Trains in each of these ways, whatever they are: [`Trial::variant`].
    #[must_use]
    pub fn variants(self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { variants: names.into_iter().map(Into::into).collect(), ..self }
    }

    /// Trains on this many threads: at first as many as kernels may use, which is the number of cores.
    #[must_use]
    pub fn threads(self, threads: usize) -> Self {
        Self { threads: Some(threads), ..self }
    }

    /// Shows nothing. Otherwise a line is written to the standard error after each training.
    #[must_use]
    pub fn silent(self) -> Self {
        Self { silent: true, ..self }
    }

    /// All trainings, in the order of the results: by variant, initializer, rate and seed.
    pub fn trials(&self) -> Vec<Trial> {
        fn or_none<T: Clone>(values: &[T]) -> Vec<Option<T>> {
            if values.is_empty() { vec![None] } else { values.iter().cloned().map(Some).collect() }
        }
        let mut trials = vec![];
        for variant in or_none(&self.variants) {
            for scheme in or_none(&self.schemes) {
                for rate in or_none(&self.rates) {
                    for &seed in &self.seeds {
                        let (scheme, variant) = (scheme.clone(), variant.clone());
                        trials.push(Trial { seed, rate, scheme, variant });
                    }
                }
            }
        }
        trials
    }

    /// Runs all trainings. `train` gets a [`Trial`], builds and trains a model, and gives its
    /// [`Scores`]: a [`History`](crate::History), a number, or pairs of names and numbers.
    ///
    /// After Ctrl-C no training begins, those that run end after their step, and the results are those of
    /// the trainings that were done.
    ///
    /// # Errors
    /// The error of the first training, in their order, that has one. Those after it may not have run.
    ///
    /// # Panics
    /// **Panics** with the panic of a training.
    pub fn run<S, E, F>(&self, train: F) -> Result<SweepResults, E>
    where
        F: Fn(&Trial) -> Result<S, E> + Sync,
        S: Into<Scores>,
        E: Send,
    {
        let trials = self.trials();
        let threads =
            self.threads.unwrap_or_else(parallel::num_threads).clamp(1, trials.len().max(1));
        let interrupt = Interrupt::begin(true);
        let (next, done, begun) = (AtomicUsize::new(0), Mutex::new(vec![]), Instant::now());
        let work = || {
            set_quiet(true);
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                let Some(trial) = trials.get(at).filter(|_| !interrupt.pressed()) else { return };
                manual_seed(trial.seed);
                let clock = Instant::now();
                // A training that panics or fails keeps others from beginning.
                let result = catch_unwind(AssertUnwindSafe(|| train(trial)));
                let result = result.map(|result| result.map(Into::into));
                if !matches!(result, Ok(Ok(_))) {
                    next.store(trials.len(), Ordering::Relaxed);
                }
                let seconds = clock.elapsed().as_secs_f64();
                let mut done = done.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                done.push((at, result, seconds));
                if let (false, Some((_, Ok(Ok(scores)), _))) = (self.silent, done.last()) {
                    say(done.len(), trials.len(), trial, scores, begun);
                }
            }
        };
        thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| parallel::single_threaded(work));
            }
        });
        let mut done = done.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        done.sort_by_key(|(at, ..)| *at);
        let mut results = SweepResults { runs: vec![], interrupted: interrupt.pressed() };
        for (at, result, seconds) in done {
            let scores: Scores = result.unwrap_or_else(|panic| resume_unwind(panic))?;
            if !scores.is_interrupted() {
                results.runs.push(SweepRun { trial: trials[at].clone(), scores, seconds });
            }
        }
        Ok(results)
    }
}

impl Trial {
    /// The learning rate.
    ///
    /// # Panics
    /// **Panics** if the sweep has no [`rates`](Sweep::rates).
    #[track_caller]
    pub fn rate(&self) -> f64 {
        self.rate.unwrap_or_else_here("rate", "rates")
    }

    /// The initializer.
    ///
    /// # Panics
    /// **Panics** if the sweep has no [`schemes`](Sweep::schemes).
    #[track_caller]
    pub fn scheme(&self) -> Scheme {
        self.scheme.clone().unwrap_or_else_here("scheme", "schemes")
    }

    /// The name of the variant.
    ///
    /// # Panics
    /// **Panics** if the sweep has no [`variants`](Sweep::variants).
    #[track_caller]
    pub fn variant(&self) -> &str {
        self.variant.as_deref().unwrap_or_else_here("variant", "variants")
    }

    /// What all seeds of a row have in common: `kaiming_normal, rate 0.01`.
    pub fn name(&self) -> String {
        let scheme = self.scheme.as_ref().map(ToString::to_string);
        let rate = self.rate.map(|rate| format!("rate {rate}"));
        let parts: Vec<_> = [self.variant.clone(), scheme, rate].into_iter().flatten().collect();
        parts.join(", ")
    }
}

/// `Option::expect` with the caller's line and a message of its own.
trait OrElseHere<T> {
    #[track_caller]
    fn unwrap_or_else_here(self, what: &str, option: &str) -> T;
}

impl<T> OrElseHere<T> for Option<T> {
    #[track_caller]
    fn unwrap_or_else_here(self, what: &str, option: &str) -> T {
        match self {
            Some(value) => value,
            None => panic!("{what}: the sweep has none; give it some with .{option}(…)"),
        }
    }
}

fn say(done: usize, all: usize, trial: &Trial, scores: &Scores, begun: Instant) {
    let left = begun.elapsed().as_secs_f64() * (all as f64 / done as f64 - 1.0);
    let shown = scores.iter().map(|(name, value)| format!("{name} {}", number(value)));
    let shown = shown.collect::<Vec<_>>().join("  ");
    let name = [trial.name(), format!("seed {}", trial.seed)].into_iter().filter(|s| !s.is_empty());
    let name = name.collect::<Vec<_>>().join(", ");
    let left = duration(left);
    // Nobody may be listening, and training goes on.
    let _ = writeln!(std::io::stderr(), "{done}/{all}  {name}: {shown}  {left} left");
}
