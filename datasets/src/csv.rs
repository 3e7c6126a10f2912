//! CSV files: a header, rows of fields, and columns that are inferred.
//!
//! [`Csv`] reads a file, gzip or plain, to a [`Frame`]. The crate csv
//! finds the fields (RFC 4180: quotes, line breaks within quotes, `""` for a quote); this module knows
//! what columns mean, and says file, line, column and value where something is wrong.
//!
//! - **Numbers or categories.** A column whose values are all numbers is one of numbers; one without any
//!   number, or with as many texts, one of categories. A text among numbers is an error, because it
//!   is most likely a typing error; [`Csv::categorical`] says that it is none.
//! - **Missing values** are empty fields, `NA`, `N/A`, `NaN`, `nan`, `null`, `NULL` and `?`, and what
//!   [`Csv::missing`] adds.
//! - **Dates** are categories, because a network needs numbers made of them; which ones, you know best:
//!   read them by [`Column::text`](crate::Column::text) and add [`Frame::with_numbers`].
//! - Space around fields and empty lines are ignored.
//!
//! # Example
//! ```
//! use fanin_datasets::csv::Csv;
//!
//! let text = "id;size;city\n1;50;Oslo\n2;;Rome\n";
//! let frame = Csv::new().delimiter(b';').drop_columns(["id"]).read_from("homes", text.as_bytes())?;
//! assert_eq!((frame.len(), frame.columns().len()), (2, 2));
//! assert!(frame.column("size")?.numbers().unwrap()[1].is_nan());
//! assert_eq!(frame.column("city")?.text(0), Some("Oslo"));
//!
//! let error = Csv::new().read_from("homes", "size,city\n50,Oslo\n60\n".as_bytes()).unwrap_err();
//! assert!(error.to_string().starts_with("homes, line 3 has 1 field, but line 1 has 2"));
//! # Ok::<(), fanin_datasets::Error>(())
//! ```

mod cells;
mod infer;

use std::io::Read;
use std::path::Path;

use crate::error::Result;
use crate::frame::{MISSING, column_refs};
use crate::{ColumnRef, Frame, idx};

/// The most bytes that a file may unpack to, unless [`Csv::limit`] says otherwise: 1 GiB.
pub const DEFAULT_LIMIT: u64 = 1 << 30;

/// The most columns of a file.
const MOST_COLUMNS: usize = 1 << 16;

/// How a CSV file is read: see the module [`csv`](crate::csv).
///
/// Reading takes memory for what has arrived: at most 32 times the bytes of the file, unpacked, for a
/// file of the shortest fields, and some three times for others.
#[doc(alias("read_csv"))]
#[derive(Clone, Debug)]
pub struct Csv {
    delimiter: u8,
    header: Option<bool>,
    numeric: Vec<ColumnRef>,
    categorical: Vec<ColumnRef>,
    dropped: Vec<ColumnRef>,
    /// Names of columns, and whether they are categorical; other files may lack some.
    known: Vec<(String, bool)>,
    missing: Vec<String>,
    limit: u64,
}

impl Default for Csv {
    fn default() -> Self {
        Self::new()
    }
}

impl Csv {
    /// Commas, a header, and inferred columns.
    pub fn new() -> Self {
        Self {
            delimiter: b',',
            header: None,
            numeric: Vec::new(),
            categorical: Vec::new(),
            dropped: Vec::new(),
            known: Vec::new(),
            missing: MISSING.map(String::from).into(),
            limit: DEFAULT_LIMIT,
        }
    }

    /// What separates fields: `b';'`, `b'\t'`.
    ///
    /// # Panics
    /// **Panics** if it is no ASCII character, a quote or a line break.
    #[doc(alias("sep"))]
    #[must_use]
    #[track_caller]
    pub fn delimiter(self, delimiter: u8) -> Self {
        if !delimiter.is_ascii() || matches!(delimiter, b'"' | b'\n' | b'\r') {
            panic!("Csv::delimiter: {delimiter:#04x} separates no fields; give one such as b';'");
        }
        Self { delimiter, ..self }
    }

    /// Whether the first line names the columns. Without a header they are called `0`, `1`, …; a reader of
    /// [`Pipeline::csv`](crate::Pipeline::csv) takes the names of the pipeline's inputs.
    ///
    /// By default there is a header. If it then names columns of numbers by numbers, that is an error,
    /// because it is probably the first row.
    #[must_use]
    pub fn header(self, header: bool) -> Self {
        Self { header: Some(header), ..self }
    }

    /// These columns hold numbers: any text in them is an error.
    #[must_use]
    pub fn numeric<C: Into<ColumnRef>>(mut self, columns: impl IntoIterator<Item = C>) -> Self {
        self.numeric.extend(column_refs(columns));
        self
    }

    /// These columns hold categories, even if they look like numbers: codes, postcodes.
    #[must_use]
    pub fn categorical<C: Into<ColumnRef>>(mut self, columns: impl IntoIterator<Item = C>) -> Self {
        self.categorical.extend(column_refs(columns));
        self
    }

    /// Leaves these columns out: whatever they hold, it is no error.
    #[must_use]
    pub fn drop_columns<C: Into<ColumnRef>>(
        mut self,
        columns: impl IntoIterator<Item = C>,
    ) -> Self {
        self.dropped.extend(column_refs(columns));
        self
    }

    /// These texts too are missing values: `["-", "unknown"]`.
    #[doc(alias("na_values"))]
    #[must_use]
    pub fn missing<S: Into<String>>(mut self, texts: impl IntoIterator<Item = S>) -> Self {
        self.missing.extend(texts.into_iter().map(Into::into));
        self
    }

    /// Refuses files of more bytes, unpacked; at most 4 GiB.
    #[must_use]
    pub fn limit(self, bytes: u64) -> Self {
        Self { limit: bytes.min(u32::MAX.into()), ..self }
    }

    /// The kinds of columns with these names, where a file has them.
    pub(crate) fn known(self, known: Vec<(String, bool)>) -> Self {
        Self { known, ..self }
    }

    /// Reads a file, gzip or plain.
    ///
    /// # Errors
    /// If the file cannot be read, is empty or no UTF-8, if a row has another number of fields than the
    /// header, if a column of numbers holds a text or an infinite number, or if an option names a column
    /// that there is none of. Messages name the file, line, column and value.
    pub fn read(&self, path: impl AsRef<Path>) -> Result<Frame> {
        let path = path.as_ref();
        self.read_from(path, idx::open(path)?)
    }

    /// Reads a stream to its end; messages call it `name`.
    ///
    /// # Errors
    /// As [`read`](Csv::read).
    pub fn read_from(&self, name: impl AsRef<Path>, input: impl Read) -> Result<Frame> {
        let name = name.as_ref();
        let cells = self.cells(name, input)?;
        self.frame(name, cells)
    }
}
