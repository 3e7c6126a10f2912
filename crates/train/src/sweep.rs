//! [`Sweep`]: many trainings side by side, one on each core.

mod engine;
mod hand_out;
mod journal;
mod part;
mod results;
mod runs;
mod scores;
mod stats;
mod transport;

use std::fmt::Display;
use std::path::{Path, PathBuf};

use fanin_init::{Scheme, manual_seed};

pub use hand_out::HandOut;
pub use journal::Finished;
pub use part::SweepPart;
pub use results::{SweepResults, SweepRow, SweepRun};
pub use runs::Runs;
pub use scores::Scores;
pub use stats::Interval;
pub use transport::{Alone, Transport};

use self::engine::Progress;
use self::runs::Watch;
use crate::text::number;
use crate::trainer::Interrupt;
use crate::{Error, Result};

/// Trains many models side by side, one on each core: all combinations of seeds, initializers, learning
/// rates and choices of your own. A table shows means and 95 % intervals.
///
/// Small networks use many cores best in this way: the kernels of a training stay on its core. Each
/// training begins with [`manual_seed`] of its seed, so it gives the same bits as alone, whatever the
/// number of threads. Trainers inside of it show nothing.
///
/// # More than one start, and more than one machine
/// - [`journal`](Sweep::journal) keeps each finished training in a file, so that a sweep that is interrupted
///   goes on where it was.
/// - [`part`](Sweep::part) and [`merge`](Sweep::merge) are for job arrays: each job trains a share.
/// - [`run_on`](Sweep::run_on) shares the trainings with other processes, under MPI.
///
/// The table is that of one process, byte for byte. The times in [`SweepRun::seconds`] are those of the
/// trainings as they ran, and differ from start to start.
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
    settings: String,
    runs: Runs,
}

impl Default for Sweep {
    fn default() -> Self {
        Self {
            seeds: vec![0],
            rates: vec![],
            schemes: vec![],
            variants: vec![],
            settings: String::new(),
            runs: Runs::new("", [""; 0]),
        }
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

    /// Trains on this many threads. By default these are as many as kernels may use, which is the number of
    /// cores. Where several processes share the trainings, each has one thread by default.
    #[must_use]
    pub fn threads(self, threads: usize) -> Self {
        Self { runs: self.runs.threads(threads), ..self }
    }

    /// Appends each finished training to this file, and leaves out those that it has: a second start goes on
    /// where the first was interrupted, even by a power cut of the process. The file is text.
    ///
    /// A sweep with other seeds, rates, initializers, variants or [`settings`](Sweep::settings) refuses it,
    /// and so does another version of fanin and a CPU with other vector instructions, whose last bits differ
    /// (`FANIN_SIMD=avx2` makes them alike).
    ///
    /// # Example
    /// ```
    /// use fanin_train::Sweep;
    ///
    /// let file = std::env::temp_dir().join(format!("fanin-sweep-{}", std::process::id()));
    /// let sweep = Sweep::new().seeds(0..3).silent().journal(&file);
    /// let score = |trial: &fanin_train::Trial| Ok::<_, fanin_train::Error>(trial.seed as f64);
    /// let first = sweep.run(score)?;
    /// let again = sweep.run(|_| -> fanin_train::Result<f64> { unreachable!("all are done") })?;
    /// assert_eq!(first, again);
    /// # std::fs::remove_file(file).unwrap();
    /// # Ok::<(), fanin_train::Error>(())
    /// ```
    #[must_use]
    pub fn journal(self, path: impl Into<PathBuf>) -> Self {
        Self { runs: self.runs.journal(path), ..self }
    }

    /// Trains a share alone, for a job array: `.part("3/16".parse()?).journal("part-3")` in the third of 16
    /// jobs. [`merge`](Sweep::merge) puts the journals together.
    #[must_use]
    pub fn part(self, part: SweepPart) -> Self {
        Self { runs: self.runs.part(part), ..self }
    }

    /// What else the scores depend on, such as `20 epochs, 64 units`. A journal of a sweep with other settings
    /// is refused.
    #[must_use]
    pub fn settings(self, settings: impl Into<String>) -> Self {
        Self { settings: settings.into(), ..self }
    }

    /// Shows nothing. Otherwise a line is written to the standard error after each training.
    #[must_use]
    pub fn silent(self) -> Self {
        Self { runs: self.runs.silent(), ..self }
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
    /// Besides, what is wrong with the [`journal`](Sweep::journal).
    ///
    /// # Panics
    /// **Panics** with the panic of a training.
    pub fn run<S, E, F>(&self, train: F) -> Result<SweepResults, E>
    where
        F: Fn(&Trial) -> Result<S, E> + Sync,
        S: Into<Scores>,
        E: From<Error> + Display + Send,
    {
        self.run_on(&Alone, train)
    }

    /// As [`run`](Sweep::run), together with other processes, all of which call it with the same sweep.
    /// fanin-mpi has a [`Transport`] for programs that mpirun starts.
    ///
    /// Process 0 hands out the trainings, one at a time, as threads become free, and trains as well. All
    /// processes get the results, so let process 0 alone print them. Process 0 alone has the
    /// [`journal`](Sweep::journal).
    ///
    /// # Errors
    /// As [`run`](Sweep::run), in all processes. A training that fails in another process gives
    /// [`Error::Process`].
    ///
    /// # Panics
    /// **Panics** with the panic of a training in this process.
    pub fn run_on<S, E, F>(&self, transport: &dyn Transport, train: F) -> Result<SweepResults, E>
    where
        F: Fn(&Trial) -> Result<S, E> + Sync,
        S: Into<Scores>,
        E: From<Error> + Display + Send,
    {
        let trials = self.trials();
        let interrupt = Interrupt::begin(true);
        let stop = || interrupt.pressed();
        let told = |finished: &Finished, progress: Progress| {
            say(progress, &trials[finished.run], &finished.text);
        };
        let watch = Watch { share: true, stop: &stop, told: &told };
        let finished = self.runs(&trials).start(transport, watch, |run| -> Result<_, E> {
            manual_seed(trials[run].seed);
            let scores: Scores = train(&trials[run])?.into();
            Ok((!scores.is_interrupted()).then(|| scores.write()))
        })?;
        Ok(results(trials, finished, interrupt.pressed())?)
    }

    /// The results that several journals have, which [`part`](Sweep::part)s of this sweep wrote. It trains
    /// nothing.
    ///
    /// # Errors
    /// For trainings that no file has, with their names. For a training that two files have with different
    /// scores, for files of other sweeps, and for files that cannot be read.
    ///
    /// # Example
    /// ```
    /// use fanin_train::{SweepPart, Sweep};
    ///
    /// let folder = std::env::temp_dir().join(format!("fanin-parts-{}", std::process::id()));
    /// # std::fs::create_dir_all(&folder).unwrap();
    /// let sweep = Sweep::new().seeds(0..5).silent();
    /// let score = |trial: &fanin_train::Trial| Ok::<_, fanin_train::Error>(trial.seed as f64);
    /// for number in [1, 2] {
    ///     let file = folder.join(format!("part-{number}"));
    ///     sweep.clone().part(SweepPart::new(number, 2)).journal(file).run(score)?;
    /// }
    /// let merged = sweep.merge([folder.join("part-1"), folder.join("part-2")])?;
    /// assert_eq!(merged.to_string(), sweep.run(score)?.to_string());
    /// # std::fs::remove_dir_all(folder).unwrap();
    /// # Ok::<(), fanin_train::Error>(())
    /// ```
    pub fn merge(&self, files: impl IntoIterator<Item = impl AsRef<Path>>) -> Result<SweepResults> {
        let trials = self.trials();
        let finished = self.runs(&trials).merge(files)?;
        results(trials, finished, false)
    }

    /// The sweep as numbered runs.
    fn runs(&self, trials: &[Trial]) -> Runs {
        fn list<T: ToString>(what: &str, values: &[T]) -> Option<String> {
            let values: Vec<_> = values.iter().map(ToString::to_string).collect();
            (!values.is_empty()).then(|| format!("{what} {}", values.join(", ")))
        }
        let settings = [
            Some(self.settings.clone()).filter(|settings| !settings.is_empty()),
            list("variants", &self.variants),
            list("schemes", &self.schemes),
            list("rates", &self.rates),
            Some(format!("seeds {}", ranges(&self.seeds))),
        ];
        let settings = settings.into_iter().flatten().collect::<Vec<_>>().join("; ");
        self.runs.clone().of(settings, trials.iter().map(Trial::full_name))
    }
}

/// `0..10, 42`
fn ranges(seeds: &[u64]) -> String {
    let chunks = seeds.chunk_by(|a, b| a.checked_add(1) == Some(*b));
    let text = chunks.map(|chunk| match chunk {
        [first, _, .., last] => format!("{first}..{}", u128::from(*last) + 1),
        few => few.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
    });
    text.collect::<Vec<_>>().join(", ")
}

fn results(trials: Vec<Trial>, finished: Vec<Finished>, interrupted: bool) -> Result<SweepResults> {
    let run = |Finished { run, seconds, text }| {
        let scores = Scores::read(&text).ok_or_else(|| {
            Error::option(format!("run {run} of the journal"), "it has no scores; delete its line")
        })?;
        Ok(SweepRun { trial: trials[run].clone(), scores, seconds })
    };
    let runs = finished.into_iter().map(run).collect::<Result<_>>()?;
    Ok(SweepResults { runs, interrupted })
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

    /// With its seed.
    fn full_name(&self) -> String {
        let name = [self.name(), format!("seed {}", self.seed)];
        name.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
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

fn say(progress: Progress, trial: &Trial, scores: &str) {
    let scores = Scores::read(scores).unwrap_or_default();
    let shown = scores.iter().map(|(name, value)| format!("{name} {}", number(value)));
    let shown = shown.collect::<Vec<_>>().join("  ");
    journal::say(&progress.line(&format!("{}: {shown}", trial.full_name())));
}
