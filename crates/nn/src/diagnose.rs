//! What a network makes of a signal, before any training.
//!
//! A [`Probe`] runs any [`Module`](crate::Module) on a batch and shows, for each of its linear layers,
//! what came in, what came out, the activation behind it, and the gradients. An [`InitReport`] puts
//! that into numbers, beside what theory predicts, and says what is wrong.

mod coordinate_check;
mod layer_report;
mod mean_field;
mod moments;
mod probe;
mod report;
mod singular;
mod svg;
mod table;
mod verdict;

pub use coordinate_check::{CoordinateCheck, CoordinateLayer, coordinate_check};
pub use layer_report::LayerReport;
pub use moments::Moments;
pub use probe::{Activation, LayerProbe, Probe};
pub use report::InitReport;
pub use singular::singular_values;
pub use verdict::{Fault, Verdict};
