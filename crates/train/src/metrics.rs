//! Metrics, as functions of a model's outputs and the targets.
//!
//! | metric | outputs | targets |
//! |---|---|---|
//! | [`accuracy`], [`top_k_accuracy`], [`confusion_matrix`] | `(n, classes)` | `n` labels |
//! | [`roc_auc`] | scores `(n)` or `(n, 1)` | `n` labels, 0 or 1 |
//! | [`r2`], [`mean_absolute_error`], [`root_mean_squared_error`] | `(n, …)` | the same shape |
//!
//! All compute in `f64`, and equal scikit-learn's function of the same name or meaning.
//! [`evaluate`](crate::evaluate) computes any of them for a model and a data set.

mod accuracy;
mod confusion_matrix;
mod metric;
mod regression;
mod roc_auc;

pub use accuracy::{accuracy, top_k_accuracy};
pub(crate) use accuracy::{check_classes, hits};
pub use confusion_matrix::{ConfusionMatrix, confusion_matrix};
pub use metric::{Accuracy, Metric};
pub use regression::{mean_absolute_error, r2, root_mean_squared_error};
pub use roc_auc::roc_auc;
