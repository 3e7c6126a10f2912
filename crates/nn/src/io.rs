//! Models in files: one format per file.

pub(crate) mod checkpoint;
mod codec;
mod error;
mod sections;

pub use checkpoint::Checkpoint;
pub(crate) use error::IN_MEMORY;
pub use error::{Error, Result};
pub use sections::Sections;
