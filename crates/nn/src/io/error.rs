//! [`Error`]: the reasons why a model file cannot be used, and what to do next.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use fanin_files::working_directory;

/// The result type of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a model could not be saved or loaded.
///
/// Every message names the file, the problem, and what to do next. `Debug` prints the same text, so
/// that `fn main() -> fanin_nn::Result<()>` shows it. A load that fails changes no model, and a
/// save that fails changes no file, [`Torn`](Error::Torn) apart.
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
    /// No file has this name.
    #[error(
        "{file}: there is no such file{}; check the path, or save a model there first",
        working_directory(file)
    )]
    NotFound {
        /// The file.
        file: PathBuf,
    },
    /// The path leads to a directory or a device.
    #[error("{file}: is {found}, and a model is a file; give the path of a file")]
    NotAFile {
        /// The path.
        file: PathBuf,
        /// `a directory`, `a device or a pipe`.
        found: &'static str,
    },
    /// The operating system refused to read it.
    #[error("{file}: cannot be read: {source}; check that the file is yours to read")]
    Read {
        /// The file.
        file: PathBuf,
        /// The system's message.
        source: io::Error,
    },
    /// The operating system refused to write it.
    #[error(
        "{} cannot be written: {source}; what was there before is unchanged. Check that the \
         directory exists, is yours to write to and has room, or save elsewhere",
        of(file)
    )]
    Write {
        /// The file.
        file: PathBuf,
        /// The system's message.
        source: io::Error,
    },
    /// An existing file was overwritten where it is, and the operating system refused halfway.
    #[error(
        "{file}: was overwritten in part: {source}. Its directory takes no new file, or its owner \
         cannot be given to one, so it was overwritten where it is, and is damaged now; save the \
         model elsewhere"
    )]
    Torn {
        /// The file.
        file: PathBuf,
        /// The system's message.
        source: io::Error,
    },
    /// The file has another format.
    #[error(
        "{} is no model saved by fanin: it starts with {found}; give a file that \
         `save` has written",
        of(file)
    )]
    Foreign {
        /// The file.
        file: PathBuf,
        /// Its first bytes.
        found: String,
    },
    /// A later release of fanin wrote the file.
    #[error(
        "{} is of format {version}, and this release of fanin reads formats up to {newest}; \
         update fanin",
        of(file)
    )]
    Newer {
        /// The file.
        file: PathBuf,
        /// The version of its format.
        version: u32,
        /// The newest format that this release reads.
        newest: u32,
    },
    /// The file is too short.
    #[error(
        "{} {}; copy it again, or load another checkpoint", of(file), cut(*len, *expected)
    )]
    Truncated {
        /// The file.
        file: PathBuf,
        /// The number of bytes in the file.
        len: u64,
        /// The expected number of bytes, if the header is complete.
        expected: Option<u64>,
    },
    /// The file is longer than its header says.
    #[error(
        "{} goes on where it should end: it has {len} bytes, not {expected}; copy it again, \
         or load another checkpoint",
        of(file)
    )]
    TooLong {
        /// The file.
        file: PathBuf,
        /// The number of bytes in the file.
        len: u64,
        /// The expected number of bytes.
        expected: u64,
    },
    /// Bytes changed since the file was written.
    #[error(
        "{} is damaged: the checksum of its {part} is {found:08x}, not {expected:08x}; copy \
         it again, or load another checkpoint",
        of(file)
    )]
    Damaged {
        /// The file.
        file: PathBuf,
        /// `header` or `content`.
        part: &'static str,
        /// The checksum of the bytes in the file.
        found: u32,
        /// The checksum that the file states.
        expected: u32,
    },
    /// The checksums are right, but the content is not valid.
    #[error(
        "{} contradicts itself: {why}. Its checksums are right, so it was not damaged but \
         written so; save the model again with fanin",
        of(file)
    )]
    Malformed {
        /// The file.
        file: PathBuf,
        /// The reason.
        why: String,
    },
    /// The element type differs from the model's.
    #[error(
        "{} holds numbers of type {found}, and the model's are {expected}; load it into a \
         model of {found} layers",
        of(file)
    )]
    ElementType {
        /// The file.
        file: PathBuf,
        /// The element type in the file.
        found: String,
        /// The element type of the model.
        expected: &'static str,
    },
    /// The file does not say how to build the model.
    #[error(
        "{file}: its architecture cannot be built: {why}; build the model in the program, and load the \
         file into it"
    )]
    Architecture {
        /// The file.
        file: PathBuf,
        /// The reason.
        why: String,
    },
    /// The file's parameters differ from the model's.
    #[error(
        "{} holds another model: {}{}; build the model as it was when saved, or load \
         another file", of(file), differences.join("; "), and_more(*more)
    )]
    OtherModel {
        /// The file.
        file: PathBuf,
        /// The first differences: `0.weight is 64×784 in the file and 128×784 in the model`.
        differences: Vec<String>,
        /// The number of further differences.
        more: u64,
    },
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The name in messages about bytes that are in no file.
pub(crate) const IN_MEMORY: &str = "the model in memory";

/// The subject of a message: a file's name has a colon behind it.
fn of(file: &Path) -> String {
    let colon = if file == Path::new(IN_MEMORY) { "" } else { ":" };
    format!("{}{colon}", file.display())
}

/// What a file that is too short has lost.
fn cut(len: u64, expected: Option<u64>) -> String {
    let of = expected.map_or("its header".into(), |n| n.to_string());
    if len == 0 {
        "is empty".into()
    } else {
        format!("was cut short: {len} bytes are left of {of}")
    }
}

fn and_more(more: u64) -> String {
    if more == 0 { String::new() } else { format!("; and {more} more") }
}
