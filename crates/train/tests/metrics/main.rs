//! Metrics equal scikit-learn's, in one batch and in several.

mod batchwise;
mod common;
mod functions;
