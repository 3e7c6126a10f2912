//! [`Error`]: why a model could not go out or come in.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::report::Report;

/// The result of reading or writing a file.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a file could not be read or written. The message says what to do.
///
/// `Debug` prints the same text.
#[non_exhaustive]
#[derive(thiserror::Error)]
pub enum Error {
    /// The operating system refuses to read the file.
    #[error("{}: cannot be read: {source}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The operating system refuses to write the file. What was there is unchanged.
    #[error("{}: cannot be written: {source}", file.display())]
    Write {
        /// The file.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file was overwritten in part, because the operating system refused halfway.
    #[error("{}: was overwritten in part: {source}; write it again", file.display())]
    Torn {
        /// The file.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A directory, a device or a pipe has that name.
    #[error("{}: is {found}, and no file", file.display())]
    NotAFile {
        /// The path.
        file: PathBuf,
        /// What it is.
        found: &'static str,
    },
    /// The bytes are not what the format says.
    #[error("{}: {why}", file.display())]
    Malformed {
        /// The file, or `bytes`.
        file: PathBuf,
        /// What is wrong, and what to do.
        why: String,
    },
    /// The file, or the model, is whole, and has something that cannot go over.
    #[error("{}: {what}", file.display())]
    Unsupported {
        /// The file, or `bytes`.
        file: PathBuf,
        /// What it is, and what to do.
        what: String,
    },
    /// The file holds another model.
    #[error(
        "{}: holds another model: {report}; build the model that was saved, or load what fits by \
         load_partial",
        file.display()
    )]
    OtherModel {
        /// The file, or `bytes`.
        file: PathBuf,
        /// The differences.
        report: Box<Report>,
    },
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error {
    pub(crate) fn malformed(file: &Path, why: impl Into<String>) -> Self {
        Self::Malformed { file: file.to_owned(), why: why.into() }
    }

    pub(crate) fn unsupported(file: &Path, what: impl Into<String>) -> Self {
        Self::Unsupported { file: file.to_owned(), what: what.into() }
    }
}

/// The start of a text from a file, for a message: control characters are escaped.
pub(crate) fn shown(text: &str) -> String {
    const LONGEST: usize = 80;
    let start: String = text.chars().take(LONGEST).collect();
    let more = if start.len() < text.len() { "…" } else { "" };
    format!("{}{more}", start.escape_debug())
}
