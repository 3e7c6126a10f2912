//! [`Error`]: what can be wrong with a model file, and what to do next.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// This crate's results.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a model could not be saved or loaded.
///
/// Every message names the file, what was expected of it, and what to do next. `Debug` prints the
/// same prose, so that `fn main() -> fanin_nn::Result<()>` shows it. A model is never changed by a
/// load that gave an error, nor a file by a save that did.
///
/// # Example
/// ```
/// use fanin_nn::{Checkpoint, Error, Linear};
///
/// let error = Linear::new(2, 1).load("no/such/file.fanin").unwrap_err();
/// assert!(matches!(error, Error::NotFound { .. }));
/// assert!(error.to_string().starts_with("no/such/file.fanin: there is no such file"));
/// assert_eq!(format!("{error:?}"), error.to_string());
/// ```
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Nothing has this name.
    #[error("{file}: there is no such file; check the path, or save a model there first")]
    NotFound {
        /// The file.
        file: PathBuf,
    },
    /// The path leads to something other than a file.
    #[error("{file}: is {found}, and a model is a file; give the path of a file")]
    NotAFile {
        /// The path.
        file: PathBuf,
        /// `a directory`, `a device or a pipe`.
        found: &'static str,
    },
    /// The operating system did not let it be read.
    #[error("{file}: cannot be read: {source}; check that the file is yours to read")]
    Read {
        /// The file.
        file: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// The operating system did not let it be written.
    #[error(
        "{file}: cannot be written: {source}; what was there before is unchanged. Check that the \
         directory exists, is yours to write to and has room, or save elsewhere"
    )]
    Write {
        /// The file.
        file: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// The file is of another format.
    #[error(
        "{file}: is no model saved by fanin: it starts with {found}; give a file that \
         `save` has written"
    )]
    Foreign {
        /// The file.
        file: PathBuf,
        /// What it starts with.
        found: String,
    },
    /// A later release wrote the file.
    #[error(
        "{file}: is of format {version}, and this release of fanin reads formats up to {newest}; \
         update fanin"
    )]
    Newer {
        /// The file.
        file: PathBuf,
        /// Its format.
        version: u32,
        /// The newest format that this release reads.
        newest: u32,
    },
    /// The file ends too early.
    #[error(
        "{file}: was cut short: {len} bytes are left of {}; copy it again, or load another \
         checkpoint", expected.map_or("its header".into(), |n| n.to_string())
    )]
    Truncated {
        /// The file.
        file: PathBuf,
        /// How many bytes it has.
        len: u64,
        /// How many it should have, if its header is whole.
        expected: Option<u64>,
    },
    /// The file goes on after its end.
    #[error(
        "{file}: goes on where it should end: it has {len} bytes, not {expected}; copy it again, \
         or load another checkpoint"
    )]
    TooLong {
        /// The file.
        file: PathBuf,
        /// How many bytes it has.
        len: u64,
        /// How many it should have.
        expected: u64,
    },
    /// Bytes changed since the file was written.
    #[error(
        "{file}: is damaged: the checksum of its {part} is {found:08x}, not {expected:08x}; copy \
         it again, or load another checkpoint"
    )]
    Damaged {
        /// The file.
        file: PathBuf,
        /// `header` or `content`.
        part: &'static str,
        /// The checksum of what is there.
        found: u32,
        /// The checksum of what was written.
        expected: u32,
    },
    /// The checksums are right and the content is not.
    #[error(
        "{file}: contradicts itself: {why}. Its checksums are right, so it was not damaged but \
         written so; save the model again with fanin"
    )]
    Malformed {
        /// The file.
        file: PathBuf,
        /// Where and how.
        why: String,
    },
    /// The numbers are of another type than the model's.
    #[error(
        "{file}: holds numbers of type {found}, and the model's are {expected}; load it into a \
         model of {found} layers"
    )]
    ElementType {
        /// The file.
        file: PathBuf,
        /// The type in the file.
        found: String,
        /// The type of the model.
        expected: &'static str,
    },
    /// The file's parameters are not the model's.
    #[error(
        "{file}: holds another model: {}{}; build the model as it was when saved, or load \
         another file", differences.join("; "), and_more(*more)
    )]
    OtherModel {
        /// The file.
        file: PathBuf,
        /// The first differences: `0.weight is 64×784 in the file and 128×784 in the model`.
        differences: Vec<String>,
        /// How many more there are.
        more: u64,
    },
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn and_more(more: u64) -> String {
    if more == 0 { String::new() } else { format!("; and {more} more") }
}
