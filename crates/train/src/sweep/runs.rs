//! [`Runs`]: numbered runs of any kind, with a journal, in parts and on several machines.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::thread;

use fanin_tensor::{parallel, simd};

use super::engine::{Job, Progress, Stopped};
use super::journal::{Head, Merged, named, read_part, say};
use super::transport::Answer;
use super::{Alone, Finished, SweepPart, Transport};
use crate::{Error, Result};

/// Numbered runs that do not depend on one another: side by side on the cores of a machine, in the jobs of a
/// job array, and in the processes of a cluster. A [`Sweep`](crate::Sweep) is one; this is for runs that are
/// something else. Each gives a text without which nothing is known of it, so the text has all numbers that
/// count; Rust writes floats so that they come back to the bit.
///
/// With a [`journal`](Runs::journal), what is interrupted goes on. With [`part`](Runs::part), jobs that know
/// nothing of one another share the runs, and [`merge`](Runs::merge) puts their journals together. With
/// [`run_on`](Runs::run_on), processes that talk to each other share them.
///
/// # Example
/// ```
/// use fanin_train::{SweepPart, Runs};
///
/// let folder = std::env::temp_dir().join(format!("fanin-runs-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder).unwrap();
/// let files = [1, 2].map(|number| folder.join(format!("part-{number}")));
/// let runs = || Runs::new("squares", ["zero", "one", "two"]).silent();
/// for (number, file) in (1..).zip(&files) {
///     let part = runs().part(SweepPart::new(number, 2)).journal(file);
///     part.run(|run| Ok::<_, fanin_train::Error>((run * run).to_string()))?;
/// }
/// let merged = runs().merge(&files)?;
/// assert_eq!(merged[2].text, "4");
/// assert!(runs().merge(&files[..1]).unwrap_err().to_string().contains("run 1 (one)"));
/// # std::fs::remove_dir_all(folder).unwrap();
/// # Ok::<(), fanin_train::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Runs {
    settings: String,
    names: Vec<String>,
    threads: Option<usize>,
    part: SweepPart,
    journal: Option<PathBuf>,
    command: Option<String>,
    silent: bool,
}

impl Runs {
    /// Runs with these names, which messages have; their numbers count from 0. `settings` is what else the
    /// results depend on: sweeps with other settings refuse each other's journals.
    pub fn new(
        settings: impl Into<String>,
        names: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        Self {
            settings: settings.into(),
            names: names.into_iter().map(Into::into).collect(),
            threads: None,
            part: SweepPart::WHOLE,
            journal: None,
            command: None,
            silent: false,
        }
    }

    /// These runs, with the options of `self`.
    pub(super) fn of(self, settings: String, names: impl Iterator<Item = String>) -> Self {
        Self { settings, names: names.collect(), ..self }
    }

    /// Does this many runs at once. The default is one for each core, or one in each of several processes.
    #[must_use]
    pub fn threads(self, threads: usize) -> Self {
        Self { threads: Some(threads), ..self }
    }

    /// Appends each finished run to this file, and leaves out those that it has.
    #[must_use]
    pub fn journal(self, path: impl Into<PathBuf>) -> Self {
        Self { journal: Some(path.into()), ..self }
    }

    /// Does this share of the runs alone.
    #[must_use]
    pub fn part(self, part: SweepPart) -> Self {
        Self { part, ..self }
    }

    /// The command that starts the program with its options, but for `--part` and `--journal`. Errors about
    /// missing runs have it.
    #[must_use]
    pub fn command(self, command: impl Into<String>) -> Self {
        Self { command: Some(command.into()), ..self }
    }

    /// Shows nothing. Otherwise a line is written to the standard error after each run.
    #[must_use]
    pub fn silent(self) -> Self {
        Self { silent: true, ..self }
    }

    /// How many runs there are, in all parts together.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Does all runs, or those of the [`part`](Runs::part), and gives what they gave, by number. `work` gets
    /// a number. Kernels of a run stay on its thread.
    ///
    /// # Errors
    /// The error of the first run, in their order, that has one; those after it may not have run. Besides,
    /// what is wrong with the journal.
    ///
    /// # Panics
    /// **Panics** with the panic of a run.
    pub fn run<E, F>(&self, work: F) -> Result<Vec<Finished>, E>
    where
        F: Fn(usize) -> Result<String, E> + Sync,
        E: From<Error> + Display + Send,
    {
        self.run_on(&Alone, work)
    }

    /// As [`run`](Runs::run), together with other processes, all of which call it. Process 0 hands out the
    /// runs, one at a time, and works as well. It alone gets the results and writes the journal; the others
    /// get none.
    ///
    /// # Errors
    /// As [`run`](Runs::run), in all processes. A run that fails in another process gives an error that names
    /// the process.
    ///
    /// # Panics
    /// **Panics** with the panic of a run in this process.
    pub fn run_on<E, F>(&self, transport: &dyn Transport, work: F) -> Result<Vec<Finished>, E>
    where
        F: Fn(usize) -> Result<String, E> + Sync,
        E: From<Error> + Display + Send,
    {
        let told = |finished: &Finished, progress: Progress| {
            say(&progress.line(&named(&self.names, finished.run)));
        };
        let watch = Watch { share: false, stop: &|| false, told: &told };
        self.start(transport, watch, |run| work(run).map(Some))
    }

    /// The results that several journals have, by number, as [`run`](Runs::run) gives them for all runs.
    ///
    /// # Errors
    /// For runs that no file has, with their names and what does them. For a run that two files have with
    /// different results, for files of other sweeps, and for files that cannot be read.
    pub fn merge(
        &self,
        files: impl IntoIterator<Item = impl AsRef<Path>>,
    ) -> Result<Vec<Finished>> {
        let head = self.head();
        let (mut merged, mut parts) = (Merged::new(self.len()), vec![]);
        for file in files {
            let file = file.as_ref();
            let (found, finished) = read_part(file, &head, self.silent)?;
            merged.add(file, finished, &self.names)?;
            // A journal of all runs counts as one part, the whole.
            parts.push((
                found.part.parse::<SweepPart>().unwrap_or(SweepPart::WHOLE),
                file.to_owned(),
            ));
        }
        let missing = merged.missing();
        if missing.is_empty() {
            return Ok(merged.runs.into_iter().flatten().map(|(finished, _)| finished).collect());
        }
        Err(self.missing(&missing, &parts))
    }

    fn missing(&self, missing: &[usize], parts: &[(SweepPart, PathBuf)]) -> Error {
        const SHOWN: usize = 8;
        let names = missing.iter().take(SHOWN).map(|&run| named(&self.names, run));
        let mut runs = names.collect::<Vec<_>>().join(", ");
        if missing.len() > SHOWN {
            runs += &format!(" and {} others", missing.len() - SHOWN);
        }
        let mut commands: Vec<String> = vec![];
        for &run in missing {
            // The same division as the first file's, so that each run is in one part.
            let part = parts.first().map_or(SweepPart::WHOLE, |(part, _)| part.beside(run));
            let file = parts.iter().find(|(of, _)| *of == part).map(|(_, file)| file.clone());
            let file = file.unwrap_or_else(|| format!("part-{part}").replace('/', "-of-").into());
            let command = self.command_for(part, &file);
            if !commands.contains(&command) {
                commands.push(command);
            }
        }
        Error::MissingRuns {
            missing: missing.len(),
            all: self.len(),
            runs,
            commands: commands.join("\n  "),
        }
    }

    /// What does a part, for messages.
    fn command_for(&self, part: SweepPart, file: &Path) -> String {
        let whole = part == SweepPart::WHOLE;
        match &self.command {
            Some(command) => {
                // Options of the program come after `--`.
                let dashes = if command.contains(" -- ") { "" } else { " --" };
                let part = if whole { String::new() } else { format!(" --part {part}") };
                format!("{command}{dashes}{part} --journal {}", file.display())
            }
            None => {
                let text = part.to_string();
                let part = if whole { String::new() } else { format!(".part({text:?}.parse()?)") };
                format!("the sweep with {part}.journal({file:?})")
            }
        }
    }

    /// Results depend on the program and, in their last bits, on the vector instructions of the CPU.
    fn settings(&self) -> String {
        let level = format!("{:?}", simd::level()).to_lowercase();
        let version = env!("CARGO_PKG_VERSION");
        format!("{}; fanin {version}; FANIN_SIMD={level}", self.settings)
    }

    fn head(&self) -> Head {
        Head::new(&self.settings(), self.len(), self.part)
    }

    /// As [`run_on`](Runs::run_on), for runs that may end without a result after Ctrl-C.
    pub(super) fn start<E>(
        &self,
        transport: &dyn Transport,
        watch: Watch<'_>,
        work: impl Fn(usize) -> Result<Option<String>, E> + Sync,
    ) -> Result<Vec<Finished>, E>
    where
        E: From<Error> + Display + Send,
    {
        // Other processes send failures as text. Those of this process keep their errors and panics here.
        let failures: Mutex<BTreeMap<usize, thread::Result<E>>> = Mutex::default();
        let answer = |run: usize| {
            let (text, failure) = match catch_unwind(AssertUnwindSafe(|| work(run))) {
                Ok(Ok(Some(text))) => return Answer::Done(text),
                Ok(Ok(None)) => return Answer::Interrupted,
                Ok(Err(error)) => (error.to_string(), Ok(error)),
                Err(panic) => (format!("it panicked: {}", text_of(&*panic)), Err(panic)),
            };
            failures.lock().unwrap_or_else(PoisonError::into_inner).insert(run, failure);
            Answer::Failed(text)
        };
        let nobody = |_: &Finished, _: Progress| {};
        let settings = self.settings();
        let default = if transport.size() > 1 { 1 } else { parallel::num_threads() };
        let job = Job {
            settings: &settings,
            runs: self.len(),
            part: self.part,
            threads: self.threads.unwrap_or(default),
            journal: self.journal.as_deref(),
            share: watch.share,
            silent: self.silent,
            work: &answer,
            stop: watch.stop,
            told: if self.silent { &nobody } else { watch.told },
        };
        let stopped = match job.start(transport) {
            Ok(finished) => return Ok(finished),
            Err(stopped) => stopped,
        };
        let failure = match stopped {
            Stopped::Error(error) => return Err(error.into()),
            Stopped::Failed(failure) => failure,
        };
        let mut failures = failures.into_inner().unwrap_or_else(PoisonError::into_inner);
        match failure.run.and_then(|run| failures.remove(&run)) {
            Some(Ok(error)) => Err(error),
            Some(Err(panic)) => resume_unwind(panic),
            None => {
                let run = failure.run.map(|run| format!(", {}", named(&self.names, run)));
                let (process, text) = (failure.process, failure.text);
                let error = Error::Process { process, run: run.unwrap_or_default(), text };
                // The launcher may end this process as soon as another one has returned its error.
                if transport.rank() == 0 {
                    say(&error.to_string());
                }
                Err(error.into())
            }
        }
    }
}

/// What accompanies runs.
pub(super) struct Watch<'a> {
    /// Whether all processes get the results.
    pub(super) share: bool,
    /// Whether no run is to begin any more.
    pub(super) stop: &'a dyn Fn() -> bool,
    /// Is told of each finished run.
    pub(super) told: &'a dyn Fn(&Finished, Progress),
}

fn text_of(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("of an unknown kind")
}
