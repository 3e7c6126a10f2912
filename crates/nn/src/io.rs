//! Models in files: one format per file.

mod checkpoint;
mod error;

pub use checkpoint::Checkpoint;
pub use error::{Error, Result};
