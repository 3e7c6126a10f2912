//! [`Error`]: what can be wrong with data from outside, and what to do next.

mod place;
mod prose;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

pub use place::Place;
#[cfg(feature = "download")]
use prose::mirrors;
pub(crate) use prose::{Thousands, count, shown, shown_list};
use prose::{lacks, list};

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
    #[error(
        "{file}: cannot {action}: {source}{}; check that the path is right and yours to use",
        not_found(file, source)
    )]
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
         to idx::Reader::read_from or Csv::read_from"
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
    /// No mirror gave a file.
    #[cfg(feature = "download")]
    #[error("{name} could not be downloaded: {}; {next}", mirrors(tried))]
    NotDownloaded {
        /// The file.
        name: String,
        /// What each mirror did: `https://example.org/a.gz answered 404 Not Found`.
        tried: Vec<String>,
        /// What to do.
        next: String,
    },
    /// There is no directory to keep downloaded files in.
    #[cfg(feature = "download")]
    #[error(
        "there is no directory to keep {name} in, because neither FANIN_DATA nor {} is set; set \
         FANIN_DATA, or give a directory by Download::directory",
        if cfg!(windows) { "LOCALAPPDATA" } else { "HOME" }
    )]
    NoCache {
        /// The data set.
        name: &'static str,
    },
    /// The address of a proxy is none.
    #[cfg(feature = "download")]
    #[error(
        "{name} names no proxy; write http://HOST:PORT, http://USER:PASSWORD@HOST:PORT or \
         socks5://HOST:PORT"
    )]
    Proxy {
        /// The environment variable, or `Download::proxy`.
        name: &'static str,
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
    /// The file has as many images or labels as a known data set, but not those of the set.
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
    /// A table from outside has no rows, or no columns that are inputs.
    #[error("{of} {found}; {next}")]
    NoData {
        /// The file, or `the table`.
        of: String,
        /// What is missing: `is empty`, `has a header and no rows`.
        found: &'static str,
        /// What to do.
        next: &'static str,
    },
    /// A file of text is none.
    #[error(
        "{at}: the bytes {bytes} are no UTF-8; save the file as UTF-8, for example by iconv -f \
         latin1 -t utf8"
    )]
    NotUtf8 {
        /// The line.
        at: Place,
        /// The first bytes that are none: `E9 2C`.
        bytes: String,
    },
    /// A row of a CSV file has another number of fields than its first.
    #[error(
        "{at} has {}, but line {first} has {expected}; quote a field that contains the delimiter \
         {delimiter:?}, or correct the line", count(*found as u64, "fields")
    )]
    Fields {
        /// The line.
        at: Place,
        /// How many fields it has.
        found: usize,
        /// The line that it is compared with: that of the header, or of the first row.
        first: u64,
        /// How many fields that one has.
        expected: usize,
        /// The delimiter that the file was read with.
        delimiter: char,
    },
    /// A quote is opened and not closed.
    #[error("{at}: a quote is opened here or in the row's other lines, and never closed; close it")]
    UnclosedQuote {
        /// The line where the row begins.
        at: Place,
    },
    /// A row that is to be predicted has another number of values than a pipeline's inputs.
    #[error("{at} has {}, but the inputs are {inputs}; give a value for each", count(*found as u64, "values"))]
    RowLength {
        /// The row.
        at: Place,
        /// How many values it has.
        found: usize,
        /// The names of the inputs.
        inputs: String,
    },
    /// The first line of a CSV file should name the columns, and holds numbers.
    #[error(
        "{file}: the header names {columns} by numbers, so it may be a row of data; say \
         Csv::header(false) if it is, and Csv::header(true) if these are names"
    )]
    HeaderIsData {
        /// The file.
        file: PathBuf,
        /// Columns of numbers, as their header calls them.
        columns: String,
    },
    /// Text in a column of numbers.
    #[error("{at}, column {} is {}, and a number is needed; {next}", shown(column), shown(value))]
    NotANumber {
        /// The row.
        at: Place,
        /// The column.
        column: String,
        /// The text.
        value: String,
        /// What to do.
        next: &'static str,
    },
    /// A number of a named column is infinite, or too large for `f32`.
    #[error(
        "{at}, column {} is {value:e}: a network that sees it computes NaN; correct it, or drop the \
         row",
        shown(column)
    )]
    OutOfRange {
        /// The row.
        at: Place,
        /// The column.
        column: String,
        /// The number.
        value: f64,
    },
    /// A value is missing where one is needed.
    #[error("{at}, column {} has no value; {next}", shown(column))]
    MissingValue {
        /// The row.
        at: Place,
        /// The column.
        column: String,
        /// What to do.
        next: &'static str,
    },
    /// There is no column of this name or index.
    #[error("{of} has no column {column}; {next}")]
    NoColumn {
        /// The file, or `the table`.
        of: String,
        /// The name in quotes, or the index.
        column: String,
        /// The nearest names, or all of them.
        next: String,
    },
    /// Two columns have one name.
    #[error("{of} has two columns {}; rename one of them", shown(column))]
    SameColumn {
        /// The file.
        of: String,
        /// The name.
        column: String,
    },
    /// There are more columns than can be told apart.
    #[error(
        "{of} has {}, more than {}; the delimiter may be another, or rows and columns are swapped",
        count(*found as u64, "columns"), Thousands(*limit as u64)
    )]
    TooManyColumns {
        /// The file.
        of: String,
        /// How many it has.
        found: usize,
        /// How many it may have.
        limit: usize,
    },
    /// A column of numbers was needed, and it holds categories.
    #[error("{of}: column {} holds categories, and numbers are needed; {next}", shown(column))]
    NotNumbers {
        /// The file, or `the table`.
        of: String,
        /// The column.
        column: String,
        /// What to do.
        next: &'static str,
    },
    /// A category that the training rows do not have.
    #[error(
        "{at}, column {} is {}, a category that the training rows lack (they have {known}); correct \
         it, train on rows that have it, or ignore it in an input by Unseen::Zeros",
        shown(column),
        shown(value)
    )]
    UnseenCategory {
        /// The row.
        at: Place,
        /// The column.
        column: String,
        /// The category.
        value: String,
        /// Some of the known ones.
        known: String,
    },
    /// All rows to train on have the same class.
    #[error(
        "{of}: column {} has a single class, {}, in the rows to train on; a classifier needs rows of two or \
         more, so add some, or learn another column",
        shown(column),
        shown(class)
    )]
    OneClass {
        /// The file, or `the table`.
        of: String,
        /// The column.
        column: String,
        /// The class.
        class: String,
    },
    /// A column has too many categories to be one-hot.
    #[error(
        "column {} has {}, more than {}: {next}, or raise the limit by Preprocessor::max_categories",
        shown(column), count(*found as u64, "categories"), Thousands(*limit as u64)
    )]
    TooManyCategories {
        /// The column.
        column: String,
        /// How many it has.
        found: usize,
        /// How many it may have.
        limit: usize,
        /// What to do.
        next: &'static str,
    },
    /// A column has another category in nearly every row.
    #[error(
        "column {} has {} in {}, so it identifies the row and a network cannot generalize from it; drop it by \
         Preprocessor::drop_columns, or allow it by Preprocessor::max_categories", shown(column),
        count(*found as u64, "categories"), count(*rows as u64, "rows")
    )]
    NamesOfRows {
        /// The column.
        column: String,
        /// How many categories it has.
        found: usize,
        /// How many rows there are.
        rows: usize,
    },
    /// There are fewer samples, or groups, than folds or parts.
    #[error("{} cannot be divided into {parts} {noun}; {next}", count(*found as u64, of))]
    TooFew {
        /// How many there are.
        found: usize,
        /// What they are: `samples`, `groups`.
        of: &'static str,
        /// How many folds or parts were asked for.
        parts: usize,
        /// `folds`, `parts`.
        noun: &'static str,
        /// What to do.
        next: &'static str,
    },
    /// Each class needs a sample in each part.
    #[error(
        "class {class} has {}, and each of {parts} parts needs one; add samples of it, or split \
         without classes", count(*found as u64, "samples")
    )]
    TooFewOfClass {
        /// The class.
        class: usize,
        /// How many samples it has.
        found: usize,
        /// How many parts were asked for.
        parts: usize,
    },
    /// A part of a split would have no samples.
    #[error(
        "part {part} of {} would have none; give it a larger share", count(*samples as u64, "samples")
    )]
    EmptyPart {
        /// Which part, from 0.
        part: usize,
        /// How many samples there are in all.
        samples: usize,
    },
    /// The counts of the parts are not those of the samples.
    #[error(
        "the parts have {} in all, but there are {found}; correct the counts, or give fractions",
        count(*asked as u64, "samples")
    )]
    CountsOfParts {
        /// The sum of the counts.
        asked: usize,
        /// How many samples there are.
        found: usize,
    },
    /// The bytes are no pipeline that `save` wrote.
    #[error("{file} {why}; save the pipeline again, or give the file that Pipeline::save wrote")]
    NotAPipeline {
        /// The file, or `bytes`.
        file: PathBuf,
        /// What is wrong: `ends within its header`.
        why: String,
    },
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

/// Where a file that is not there was looked for.
fn not_found(file: &Path, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => fanin_files::working_directory(file),
        _ => String::new(),
    }
}
