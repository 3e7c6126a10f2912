//! Files of models and data: [`open`] opens only what is a file, and [`replace`] writes one as a whole.
//!
//! # Example
//! ```
//! use std::io::Read;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let path = std::env::temp_dir().join(format!("fanin-files-{}", std::process::id()));
//! fanin_files::replace(&path, |file| Ok(file.write_all(b"whole")?))?;
//! let mut text = String::new();
//! fanin_files::open(&path)?.read_to_string(&mut text)?;
//! assert_eq!(text, "whole");
//! # std::fs::remove_file(path)?;
//! # Ok(())
//! # }
//! ```

mod leftovers;
mod overwrite;
mod replace;
mod temporary;

use std::env;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Seek, Write};
use std::path::Path;

pub use replace::replace;

/// What [`replace`] writes to.
pub trait Sink: Write + Seek {}

impl<S: Write + Seek> Sink for S {}

/// Why a file could not be opened or replaced.
#[derive(Debug)]
pub enum Error {
    /// The path leads to something else: `a directory`, `a device or a pipe`.
    NotAFile(&'static str),
    /// The operating system refused. Nothing has changed on the disk.
    Io(io::Error),
    /// The file was overwritten where it is, and the operating system refused halfway. Its content
    /// is old in one part and new in the other.
    Torn(io::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAFile(found) => write!(f, "it is {found}"),
            Self::Io(source) => source.fmt(f),
            Self::Torn(source) => write!(f, "the file was overwritten in part: {source}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::NotAFile(_) => None,
            Self::Io(source) | Self::Torn(source) => Some(source),
        }
    }
}

impl From<io::Error> for Error {
    fn from(source: io::Error) -> Self {
        Self::Io(source)
    }
}

/// Opens a file to read it.
///
/// # Errors
/// [`Error::NotAFile`] for a directory, a device or a pipe: opening a pipe waits for a writer, and
/// some devices have no end. [`Error::Io`] if the operating system refuses.
pub fn open(path: &Path) -> Result<File, Error> {
    refuse_other_than_file(path)?;
    Ok(File::open(path)?)
}

/// A missing or unreadable path passes: opening it gives the system's error.
fn refuse_other_than_file(path: &Path) -> Result<(), Error> {
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => Err(Error::NotAFile("a directory")),
        Ok(found) if !found.is_file() => Err(Error::NotAFile("a device or a pipe")),
        _ => Ok(()),
    }
}

/// Where a relative path begins, for a message about a file that is not there: ` in /home/me/net`; nothing for
/// an absolute one.
///
/// # Example
/// ```
/// use fanin_files::working_directory;
///
/// let here = std::env::current_dir().unwrap();
/// assert_eq!(working_directory("model.fanin".as_ref()), format!(" in {}", here.display()));
/// assert_eq!(working_directory(&here.join("model.fanin")), "");
/// ```
pub fn working_directory(path: &Path) -> String {
    match env::current_dir() {
        Ok(directory) if path.is_relative() => format!(" in {}", directory.display()),
        _ => String::new(),
    }
}
