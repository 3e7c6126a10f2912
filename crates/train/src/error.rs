//! What can keep a model from being trained.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::History;

/// Why training did not begin, or did not go on. Its `Debug` prints its `Display`.
///
/// # Example
/// ```
/// use fanin_nn::losses::CrossEntropy;
/// use fanin_nn::{AdamW, Linear, Sequential};
/// use fanin_train::Trainer;
///
/// let (train, test) = fanin_datasets::mnist_bundled();
/// let mut model = Sequential::new().add(Linear::new(28, 10));
/// let error = Trainer::new(CrossEntropy::new(), AdamW::new(1e-3)).silent().fit(&mut model, &train, &test);
/// assert!(error.unwrap_err().to_string().contains("784 features"));
/// ```
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A data set has no samples.
    #[error("{set} has no samples; give at least one")]
    NoSamples {
        /// `the training set`, `the validation set`.
        set: &'static str,
    },
    /// An option of the trainer that cannot work.
    #[error("{option}: {advice}")]
    Option {
        /// The option as it was given: `batch(0)`.
        option: String,
        /// What to do.
        advice: String,
    },
    /// The samples have another number of features than the model takes.
    #[error(
        "{set}: a sample has {found} features, and the model takes {expected}; build the model for \
         {found} inputs, or give it data with {expected} columns"
    )]
    Features {
        /// `the training set`, `the validation set`.
        set: &'static str,
        /// Features of the model's input.
        expected: usize,
        /// Features of the data.
        found: usize,
    },
    /// A class label without an output.
    #[error(
        "{set}: the label of row {row} is {label}, and the model has {classes} outputs; labels count \
         from 0, so subtract 1 from labels that count from 1, or give the model an output for each class"
    )]
    Label {
        /// `the training set`, `the validation set`.
        set: &'static str,
        /// Which sample, from 0.
        row: usize,
        /// Its label.
        label: usize,
        /// Outputs of the model.
        classes: usize,
    },
    /// The loss is no single number.
    #[error("the loss is {shape}, and training needs a single number; reduce it to its mean")]
    LossShape {
        /// Its shape.
        shape: String,
    },
    /// A schedule ends before training does.
    #[error(
        "the schedule has {steps} steps, and training takes {needed}; give the schedule \
         {needed} steps, or train for fewer epochs"
    )]
    ScheduleTooShort {
        /// Steps of the schedule.
        steps: usize,
        /// Steps of the training.
        needed: usize,
    },
    /// A schedule gave a rate that no optimizer can use.
    #[error(
        "the schedule's learning rate at step {step} is {rate}; a rate is finite and not negative, \
         so correct the schedule"
    )]
    Rate {
        /// Which step, from 0.
        step: usize,
        /// The rate.
        rate: f64,
    },
    /// The loss became NaN or infinite.
    #[error(
        "epoch {epoch}, step {step}: {what} is {loss}: {place}; the model has the weights of {kept}. Try a \
         lower learning rate, clip_norm(1.0), standardized inputs, or a loss that takes logits"
    )]
    NonFinite {
        /// The epoch, from 1.
        epoch: usize,
        /// The step since training began, from 1.
        step: usize,
        /// `the loss`, `the validation loss`.
        what: &'static str,
        /// The loss.
        loss: f64,
        /// Where NaN or infinity appears first.
        place: String,
        /// Which weights the model has.
        kept: String,
        /// The epochs before.
        history: Box<History>,
    },
    /// A file could not be written or read.
    #[error("{file}: cannot {action}: {source}; check that the path is right and yours to use")]
    Io {
        /// The file.
        file: PathBuf,
        /// `write`, `read`.
        action: &'static str,
        /// The operating system's answer.
        source: io::Error,
    },
    /// A model file of a checkpoint could not be written or read.
    #[error(transparent)]
    Checkpoint(#[from] fanin_nn::Error),
    /// A training cannot go on from a checkpoint.
    #[error(
        "{file}: the training cannot go on from it: {why}; use the options of the training that wrote it, \
         or another directory"
    )]
    Resume {
        /// The checkpoint.
        file: PathBuf,
        /// The reason.
        why: String,
    },
    /// A journal of a sweep that cannot be used.
    #[error("{file}: {why}")]
    Journal {
        /// The journal.
        file: PathBuf,
        /// What is wrong, and what to do.
        why: String,
    },
    /// The journals of the parts of a sweep do not have all runs.
    #[error(
        "{missing} of {all} runs are missing: {runs}. Do them with\n  {commands}\nand merge again with the \
         files that this writes"
    )]
    MissingRuns {
        /// How many are missing.
        missing: usize,
        /// How many there are.
        all: usize,
        /// Their names.
        runs: String,
        /// What does them, a line for each part.
        commands: String,
    },
    /// A sweep ended because of another process.
    #[error("process {process}{run}: {text}")]
    Process {
        /// Which process, from 0.
        process: usize,
        /// In which run: `, run 4 (rate 0.1, seed 2)`.
        run: String,
        /// What happened there.
        text: String,
    },
    /// Processes that train together differ, or cannot reach each other.
    #[error("{why}")]
    Processes {
        /// The process, what is wrong with it, and what to do.
        why: String,
    },
    /// A text that is no history.
    #[error("{of} holds no history: {why}; give what History::save or History::to_json wrote")]
    NotAHistory {
        /// The file, or `the text`.
        of: String,
        /// What is wrong.
        why: String,
    },
}

/// A result with the [`Error`] of training.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub(crate) fn option(option: impl Into<String>, advice: impl Into<String>) -> Self {
        Self::Option { option: option.into(), advice: advice.into() }
    }

    pub(crate) fn journal(file: &Path, why: impl Into<String>) -> Self {
        Self::Journal { file: file.to_owned(), why: why.into() }
    }

    pub(crate) fn of_file(file: &Path, action: &'static str, error: fanin_files::Error) -> Self {
        let source = match error {
            fanin_files::Error::Io(source) => source,
            other => io::Error::other(other),
        };
        Self::Io { file: file.to_owned(), action, source }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
