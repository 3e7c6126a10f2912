//! [`Place`]: the row that an error is about.

use std::fmt;
use std::path::PathBuf;

/// The row of a table that an [`Error`](crate::Error) is about.
///
/// # Example
/// ```
/// use fanin_datasets::Place;
///
/// let place = Place::Line { file: "houses.csv".into(), line: 17 };
/// assert_eq!(place.to_string(), "houses.csv, line 17");
/// assert_eq!(Place::Row(3).to_string(), "row 3");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Place {
    /// A line of a file, from 1, as editors count. A row whose quotes hold line breaks has the number
    /// of its first line.
    Line {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: u64,
    },
    /// A row of a table in memory, from 0.
    Row(usize),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line { file, line } => write!(f, "{}, line {line}", file.display()),
            Self::Row(row) => write!(f, "row {row}"),
        }
    }
}
