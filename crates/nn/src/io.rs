//! Models in files: one format a file.

mod checkpoint;
mod error;

pub use checkpoint::Checkpoint;
pub use error::{Error, Result};
