//! The trainer, and metrics of models and of predictions.
//!
//! - [`Trainer`] is the training loop, with validation, schedules, metrics, early stopping, callbacks and
//!   progress bars. A [`History`] says what it did, as a table, JSON, CSV and a picture.
//! - [`DataParallel`] makes it one training on several processes, each of which takes a part of every batch.
//! - [`LrFinder`] finds a learning rate, and [`Sweep`] trains many models side by side, on several machines
//!   too. [`Runs`] does so with runs of any kind.
//! - [`accuracy`] and [`confusion_matrix`] measure a classifier on a data set.
//! - [`evaluate`] measures any model on any data set by any metric, and [`predict_all`] gives its
//!   outputs and the targets beside them.
//! - [`metrics`] has the metrics themselves, as functions of outputs and targets.
//! - [`schedule`] has learning rates as functions of the step.
//!
//! # Example
//! ```
//! use fanin_nn::{Linear, Sequential};
//! use fanin_train::{accuracy, evaluate, metrics};
//!
//! let (_, test) = fanin_datasets::mnist_bundled();
//! let untrained = Sequential::new().add(Linear::new(784, 10));
//! assert!(accuracy(&untrained, &test) < 0.5);
//!
//! let top_9 = evaluate(&untrained, &test, |y, labels| metrics::top_k_accuracy(y, labels, 9));
//! assert!((0.5..1.0).contains(&top_9));
//! ```
//! A table with numbers as targets, trained by the same loop as images:
//! ```
//! use fanin_datasets::Table;
//! use fanin_nn::optim::{Optimizer, Sgd};
//! use fanin_nn::{Linear, Module, Sequential, Tape};
//! use fanin_train::{evaluate, metrics};
//!
//! let rows: Vec<[f32; 2]> = (0..100).map(|i| [i as f32, (i * i % 17) as f32]).collect();
//! let y: Vec<f32> = rows.iter().map(|row| 3.0 * row[0] - 2.0 * row[1] + 5.0).collect();
//! let (train, test) = Table::from_rows(rows, y.into())?.train_test_split(0.2, 42);
//! let (inputs, targets) = (train.standardizer()?, train.target_standardizer()?);
//! let scaled = train.standardize(&inputs).standardize_targets(&targets);
//!
//! let mut model = Sequential::new().add(Linear::new(2, 1));
//! let (mut sgd, mut tape) = (Sgd::new(0.05), Tape::new());
//! for _ in 0..20 {
//!     for (x, y) in scaled.batches(8).shuffle() {
//!         let (_, grads) = tape.value_and_grad(|t| model.forward(t.input(&x)).mse(t.input(&y)));
//!         sgd.step(&mut model, grads);
//!     }
//! }
//! let test = test.standardize(&inputs);
//! let r2 = evaluate(&model, &test, |y, t| metrics::r2(&targets.undo(y), t));
//! assert!(r2 > 0.99);
//! # Ok::<(), fanin_datasets::Error>(())
//! ```

mod chart;
mod error;
mod evaluate;
mod history;
mod lr_finder;
pub mod metrics;
mod parallel;
pub mod schedule;
mod sweep;
mod text;
mod trainer;

pub use chart::LineChart;
pub use error::{Error, Result};
pub use evaluate::{Concat, accuracy, confusion_matrix, evaluate, predict_all};
pub use history::{Epoch, History, Stopped};
pub use lr_finder::{LrCurve, LrFinder};
pub use metrics::ConfusionMatrix;
pub use parallel::{DataParallel, OneProcess, Part, Processes, Sum};
pub use schedule::Schedule;
pub use sweep::{
    Alone, Finished, HandOut, Interval, Runs, Scores, Sweep, SweepPart, SweepResults, SweepRow,
    SweepRun, Transport, Trial,
};
pub use trainer::{
    ByFunction, ByTarget, Checkpoints, EarlyStopping, EpochEnd, Evaluation, NoTarget, Objective,
    Samples, StepEnd, StepFn, Trainer,
};

/// The folder of this crate's sources, as `Location::file` has it.
pub(crate) const SOURCES: &str = file!().split_at(file!().len() - "lib.rs".len()).0;
