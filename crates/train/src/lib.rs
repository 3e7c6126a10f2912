//! Metrics of models and of predictions.
//!
//! - [`accuracy`] and [`confusion_matrix`] measure a classifier on a data set.
//! - [`evaluate`] measures any model on any data set by any metric, and [`predict_all`] gives its
//!   outputs and the targets beside them.
//! - [`metrics`] has the metrics themselves, as functions of outputs and targets.
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

mod evaluate;
pub mod metrics;

pub use evaluate::{Concat, accuracy, confusion_matrix, evaluate, predict_all};
pub use metrics::ConfusionMatrix;
