//! Diagnosis of a network's signal before training.
//!
//! A [`Probe`] runs any [`Module`](crate::Module) on a batch. For each linear layer it records the
//! input, the output, the activation that follows, and the gradients. An [`InitReport`] computes
//! statistics of these, compares them with theory, and names what is wrong.

mod advice;
mod coordinate_check;
mod course;
mod judge;
mod layer_report;
mod mean_field;
mod moments;
mod non_finite;
mod probe;
mod report;
mod singular;
mod svg;
mod table;
mod verdict;

pub use coordinate_check::{CoordinateCheck, CoordinateLayer, coordinate_check};
pub use layer_report::LayerReport;
pub use moments::Moments;
pub use non_finite::{NonFinite, Role};
pub use probe::{Activation, LayerProbe, Probe};
pub use report::InitReport;
pub use singular::singular_values;
pub use verdict::{Fault, Verdict};
