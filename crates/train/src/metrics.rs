//! Metrics, as functions of a model's outputs and the targets, and as [`Metric`]s that see a data set batch
//! by batch.
//!
//! | function | batch by batch | outputs | targets |
//! |---|---|---|---|
//! | [`accuracy`] | [`Accuracy`] | `(n, classes)`, or logits `(n)` or `(n, 1)` of class 1 | `n` labels |
//! | [`top_k_accuracy`] | [`TopKAccuracy`] | `(n, classes)` | `n` labels |
//! | [`confusion_matrix`] | | as for [`accuracy`] | `n` labels |
//! | [`precision`], [`recall`], [`f1`] | [`Precision`], [`Recall`], [`F1`] | as for [`accuracy`] | `n` labels |
//! | [`balanced_accuracy`] | [`BalancedAccuracy`] | as for [`accuracy`] | `n` labels |
//! | [`log_loss`], [`brier_score`], [`expected_calibration_error`] | [`LogLoss`], [`BrierScore`], [`CalibrationError`] | logits `(n, classes)`, or `(n)` or `(n, 1)` of class 1 | `n` labels |
//! | [`roc_auc_ovr`] | [`RocAucOvr`] | logits `(n, classes)` | `n` labels |
//! | [`roc_auc`], [`average_precision`] | [`RocAuc`], [`AveragePrecision`] | scores `(n)` or `(n, 1)` | `n` labels, 0 or 1 |
//! | [`mean_squared_error`], [`root_mean_squared_error`] | [`MeanSquaredError`], [`RootMeanSquaredError`] | `(n, …)` | the same shape |
//! | [`mean_absolute_error`], [`mean_absolute_percentage_error`] | [`MeanAbsoluteError`], [`MeanAbsolutePercentageError`] | `(n, …)` | the same shape |
//! | [`r2`], [`explained_variance`] | [`R2`], [`ExplainedVariance`] | `(n, …)` | the same shape |
//! | your own | [`Collected`] | | |
//!
//! All compute in `f64`, and equal scikit-learn's function of the same name or meaning.
//! [`evaluate`](crate::evaluate) computes any function of them for a model and a data set.
//!
//! An [`Average`] makes one number of those of several classes. Where scikit-learn takes probabilities,
//! these functions take logits, which is what a network gives; see [`log_loss`] for probabilities.

mod accuracy;
mod average;
mod average_precision;
mod brier;
mod calibration;
mod collected;
mod confusion_matrix;
mod errors;
mod explained;
mod log_loss;
mod metric;
mod precision_recall;
mod probabilities;
mod regression;
mod roc_auc;
mod roc_auc_ovr;

pub use accuracy::{TopKAccuracy, accuracy, top_k_accuracy};
pub(crate) use accuracy::{check_logits, hits};
pub use average::Average;
pub use average_precision::{AveragePrecision, average_precision};
pub use brier::{BrierScore, brier_score};
pub use calibration::{CalibrationError, expected_calibration_error};
pub use collected::Collected;
pub use confusion_matrix::{ConfusionMatrix, confusion_matrix};
pub use errors::{
    MeanAbsoluteError, MeanAbsolutePercentageError, MeanSquaredError, RootMeanSquaredError,
    mean_absolute_percentage_error, mean_squared_error,
};
pub use explained::{ExplainedVariance, R2, explained_variance};
pub use log_loss::{LogLoss, log_loss};
pub use metric::{Accuracy, Metric};
pub use precision_recall::{
    BalancedAccuracy, F1, Precision, Recall, balanced_accuracy, f1, precision, recall,
};
pub use regression::{mean_absolute_error, r2, root_mean_squared_error};
pub use roc_auc::{RocAuc, roc_auc};
pub use roc_auc_ovr::{RocAucOvr, roc_auc_ovr};
