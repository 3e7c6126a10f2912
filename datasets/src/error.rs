//! [`Error`]: what can be wrong with data from outside, and what to do next.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// This crate's results.
pub type Result<T> = std::result::Result<T, Error>;

/// Why data could not be read or used.
///
/// Every message names the file, what was expected of it, and what to do next. `Debug` prints the
/// same prose, so that `fn main() -> fanin_datasets::Result<()>` shows it.
///
/// # Example
/// ```
/// let error = fanin_datasets::mnist_from("no/such/directory").unwrap_err();
/// assert!(error.to_string().contains("no/such/directory"));
/// assert_eq!(format!("{error:?}"), error.to_string());
/// ```
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused to read or write.
    #[error("{file}: cannot {action}: {source}; check that the path is right and yours to use")]
    Io {
        /// The file or directory.
        file: PathBuf,
        /// What was tried: `read`, `write`.
        action: &'static str,
        /// Its answer.
        source: io::Error,
    },
    /// The path leads to a directory or a device.
    #[error(
        "{file} is {found}, and data are in a file; give the path of a file, or give an open pipe \
         to idx::Reader::read_from"
    )]
    NotAFile {
        /// The path.
        file: PathBuf,
        /// `a directory`, `a device or a pipe`.
        found: &'static str,
    },
    /// A directory lacks files of a data set.
    #[error("{directory} {}; {next}", lacks(missing))]
    Missing {
        /// The directory.
        directory: PathBuf,
        /// The files it lacks, by their names without `.gz`; empty if there is no such directory.
        missing: Vec<String>,
        /// What to do.
        next: String,
    },
    /// A data set is in none of the places where it is looked for.
    #[error("{name} is in none of {}; {next}", list(looked))]
    NotFound {
        /// The data set.
        name: &'static str,
        /// The directories that were looked at.
        looked: Vec<PathBuf>,
        /// What to do.
        next: &'static str,
    },
    /// The bytes are not IDX.
    #[error(
        "{file} is no IDX file: {found}; an unpacked IDX file starts with two zero bytes, \
         an element type (08, 09, 0B to 0E) and a number of axes (01 to FF), so take another file"
    )]
    NotIdx {
        /// The file.
        file: PathBuf,
        /// What it starts with.
        found: String,
    },
    /// The header claims more bytes than the limit allows.
    #[error(
        "{file} claims {claimed}, more than the limit of {} bytes; {header}; {advice}",
        Thousands(*limit)
    )]
    TooLarge {
        /// The file.
        file: PathBuf,
        /// What its header says.
        header: String,
        /// The size by its header.
        claimed: String,
        /// The limit in bytes.
        limit: u64,
        /// What to do.
        advice: &'static str,
    },
    /// The data ends early.
    #[error(
        "{file} ends {after}: it was not copied whole, or its header is wrong; delete it and fetch it \
         again"
    )]
    Truncated {
        /// The file.
        file: PathBuf,
        /// Where: `after 1,204 of 60,000 images`, `within its header`.
        after: String,
    },
    /// Bytes follow after the data.
    #[error(
        "{file} goes on after its {}, where it should end: it was joined with another file, or \
         its header is wrong; delete it and fetch it again", count(*items, noun)
    )]
    TooLong {
        /// The file.
        file: PathBuf,
        /// How many items its header promises.
        items: u64,
        /// What they are: `images`, `labels`, `items`.
        noun: &'static str,
    },
    /// Bytes follow the compressed stream that are neither padding nor more of it.
    #[error(
        "{file} goes on after its gzip data with {found}, and only zeros or more gzip may follow; cut \
         that off, or delete the file and fetch it again"
    )]
    Trailing {
        /// The file.
        file: PathBuf,
        /// What follows: `the bytes 0A`.
        found: String,
    },
    /// The compressed stream is invalid, or its checksum differs.
    #[error("{file} is damaged: {source}; delete it and fetch it again")]
    Damaged {
        /// The file.
        file: PathBuf,
        /// What the decompressor found.
        source: io::Error,
    },
    /// Valid IDX, but with other contents than expected.
    #[error(
        "{file} holds {found}, but {expected} were expected: it may be another file under this \
         name; put the right one in its place"
    )]
    Unexpected {
        /// The file.
        file: PathBuf,
        /// What it holds.
        found: String,
        /// What it should hold.
        expected: String,
    },
    /// As many images or labels as a known data set has, and not its own.
    #[error(
        "{file} holds {found}, not those of {set}; put the right file in its place, or read another \
         data set of this form with Dataset::from_idx"
    )]
    NotOfSet {
        /// The file.
        file: PathBuf,
        /// What it holds.
        found: String,
        /// The data set that was asked for.
        set: &'static str,
    },
    /// Images and labels do not pair up.
    #[error(
        "{of}: {} but {}; each image needs one label, so take both from the same place, and fetch them \
         again if they are: a header may be damaged",
        count(*images as u64, "images"), count(*labels as u64, "labels")
    )]
    CountsDiffer {
        /// The two files, or `from_parts`.
        of: String,
        /// How many images.
        images: usize,
        /// How many labels.
        labels: usize,
    },
    /// The pixels do not make whole images.
    #[error(
        "{of}: {} do not make whole images of {shape}; give the shape of one image, without its \
         count", count(*pixels as u64, "pixels")
    )]
    NotWhole {
        /// Where: `from_parts`.
        of: String,
        /// How many pixels.
        pixels: usize,
        /// The shape of one image.
        shape: String,
    },
    /// A label is no class.
    #[error(
        "{of}: label {index} is {label}, but {classes} classes have labels below {classes}; \
         correct the labels, or the number of classes"
    )]
    BadLabel {
        /// The file, or `from_parts`.
        of: String,
        /// Which label, from 0.
        index: usize,
        /// Its value.
        label: u8,
        /// How many classes there are.
        classes: usize,
    },
    /// The rows of a table have different lengths.
    #[error(
        "row {row} has {}, but row 0 has {expected}; each row needs a number in every column, so \
         fill the gap or drop the row", count(*found as u64, "numbers")
    )]
    Ragged {
        /// Which row, from 0.
        row: usize,
        /// How many numbers it has.
        found: usize,
        /// How many row 0 has.
        expected: usize,
    },
    /// A number of a table is NaN or infinite.
    #[error(
        "row {row}, column {column} is {value}: a network that sees it computes NaN; fill in a \
         number or drop the row"
    )]
    NotFinite {
        /// Which row, from 0.
        row: usize,
        /// Which column, from 0.
        column: usize,
        /// The number.
        value: f32,
    },
    /// Rows and targets do not pair up.
    #[error(
        "{} but {}; each row needs one target, so take both from the same place",
        count(*rows as u64, "rows"), count(*targets as u64, "targets")
    )]
    TargetsDiffer {
        /// How many rows.
        rows: usize,
        /// How many targets.
        targets: usize,
    },
    /// A table without rows has no mean.
    #[error("there are no rows to take a mean of; give at least one")]
    NoRows,
}

impl Error {
    /// For a file that could not be opened or replaced.
    pub(crate) fn of_file(file: &Path, action: &'static str, error: fanin_files::Error) -> Self {
        let file = file.to_owned();
        match error {
            fanin_files::Error::NotAFile(found) => Self::NotAFile { file, found },
            fanin_files::Error::Io(source) => Self::Io { file, action, source },
            torn @ fanin_files::Error::Torn(_) => {
                Self::Io { file, action, source: io::Error::other(torn) }
            }
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn lacks(missing: &[String]) -> String {
    if missing.is_empty() {
        "is no directory".into()
    } else {
        format!("lacks {} (with or without .gz)", missing.join(", "))
    }
}

fn list(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}

/// `60,000 images`, `1 image`.
pub(crate) fn count(n: u64, plural: &str) -> String {
    let noun = if n == 1 { plural.strip_suffix('s').unwrap_or(plural) } else { plural };
    format!("{} {noun}", Thousands(n))
}

/// A number as prose shows it: `60,000`.
pub(crate) struct Thousands(pub(crate) u64);

impl fmt::Display for Thousands {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.to_string();
        for (i, digit) in digits.chars().enumerate() {
            if i > 0 && (digits.len() - i).is_multiple_of(3) {
                f.write_str(",")?;
            }
            write!(f, "{digit}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_prose() {
        let shown = [0, 7, 999, 1000, 60_000, 47_040_016].map(|n| Thousands(n).to_string());
        assert_eq!(shown, ["0", "7", "999", "1,000", "60,000", "47,040,016"]);
        assert_eq!((count(1, "images"), count(0, "labels")), ("1 image".into(), "0 labels".into()));
    }
}
