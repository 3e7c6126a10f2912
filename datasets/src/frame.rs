//! [`Frame`]: raw columns of numbers and categories, before they are a network's inputs.

mod column;
mod texts;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use fanin_tensor::Tensor;

pub use column::{Column, ColumnRef};
pub(crate) use column::{Values, column_refs, find};
pub(crate) use texts::Texts;

use crate::Table;
use crate::error::{Error, Place, Result, Thousands, count};
use crate::split::train_and_test;

/// Raw data: named columns of numbers and of categories, some of whose values may be missing.
///
/// A frame is what a CSV file holds. A [`Pipeline`](crate::preprocess::Pipeline), fitted to the rows
/// to train on, makes a [`Table`] of it, which is what a network takes. Where all columns are numbers and
/// none is missing, [`classification`](Frame::classification) and [`regression`](Frame::regression)
/// make a table at once.
///
/// # Example
/// ```
/// use fanin_datasets::Frame;
///
/// let frame = Frame::new()
///     .with_numbers("length", [5.1, 7.0, 6.3])
///     .with_numbers("width", [3.5, 3.2, 3.3])
///     .with_texts("species", ["setosa", "versicolor", "setosa"]);
/// let table = frame.classification("species")?;
/// assert_eq!((table.features(), table.labels()), (2, &[0, 1, 0][..]));
/// assert_eq!(table.class_names(), ["setosa", "versicolor"]);
///
/// let error = frame.classification("spezies").unwrap_err();
/// assert!(error.to_string().contains(r#"the nearest names are "species""#));
/// # Ok::<(), fanin_datasets::Error>(())
/// ```
#[doc(alias("DataFrame"))]
#[derive(Clone, Default)]
pub struct Frame {
    // Invariant: every column has `rows` values; names differ.
    columns: Vec<Column>,
    rows: usize,
    source: Option<Source>,
}

/// What is a missing value in a text from outside, beside an empty one.
pub(crate) const MISSING: [&str; 7] = ["NA", "N/A", "NaN", "nan", "null", "NULL", "?"];

/// The file of a frame.
#[derive(Clone)]
struct Source {
    file: PathBuf,
    /// The line of each row.
    lines: Arc<Vec<u32>>,
}

impl Frame {
    /// No columns and no rows.
    pub fn new() -> Self {
        Self::default()
    }

    /// The frame of a CSV file with a header, commas and inferred columns, gzip or plain. See
    /// [`Csv`](crate::csv::Csv) for other files.
    ///
    /// # Errors
    /// If the file cannot be read, is empty or no UTF-8, if a row has another number of fields than the
    /// header, or if a column of numbers holds a text. Messages name the file, line, column and value.
    ///
    /// # Example
    /// ```no_run
    /// use fanin_datasets::Frame;
    ///
    /// let table = Frame::from_csv("iris.csv")?.classification("species")?;
    /// # Ok::<(), fanin_datasets::Error>(())
    /// ```
    #[cfg(feature = "csv")]
    #[doc(alias("read_csv"))]
    pub fn from_csv(path: impl AsRef<std::path::Path>) -> Result<Self> {
        crate::csv::Csv::new().read(path)
    }

    /// The frame of a file's columns, and the line of each row.
    #[cfg(feature = "csv")]
    pub(crate) fn of_file(file: PathBuf, columns: Vec<Column>, lines: Vec<u32>) -> Self {
        let rows = lines.len();
        Self { columns, rows, source: Some(Source { file, lines: Arc::new(lines) }) }
    }

    /// The frame of columns that a pipeline's row consists of.
    pub(crate) fn of_columns(columns: Vec<Column>, rows: usize) -> Self {
        Self { columns, rows, source: None }
    }

    /// This frame with another column of numbers, such as the year of a date. NaN is a missing number.
    ///
    /// # Panics
    /// **Panics** if there is a column of this name, or if there is not one number for each row.
    #[must_use]
    #[track_caller]
    pub fn with_numbers(self, name: &str, numbers: impl IntoIterator<Item = f64>) -> Self {
        self.with(Column::numbers_of(name, numbers.into_iter().collect()))
    }

    /// This frame with another column of categories. An empty text is a missing one.
    ///
    /// # Panics
    /// **Panics** if there is a column of this name, or if there is not one text for each row.
    #[must_use]
    #[track_caller]
    pub fn with_texts<S: AsRef<str>>(self, name: &str, texts: impl IntoIterator<Item = S>) -> Self {
        let texts: Vec<S> = texts.into_iter().collect();
        let text = |i: usize| Some(texts[i].as_ref()).filter(|text| !text.is_empty());
        self.with(Column::texts_of(name, Texts::new(texts.len(), text)))
    }

    #[track_caller]
    fn with(mut self, column: Column) -> Self {
        if self.columns.iter().any(|other| other.name == column.name) {
            panic!("Frame: there is a column {:?} already; drop it first", column.name);
        }
        if self.columns.is_empty() && self.source.is_none() {
            self.rows = column.len();
        } else if column.len() != self.rows {
            let (found, rows) = (column.len(), self.rows);
            panic!("Frame: column {:?} has {found} values, but there are {rows} rows", column.name);
        }
        self.columns.push(column);
        self
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// The columns, in order.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// A column by its name or index.
    ///
    /// # Errors
    /// If there is none.
    pub fn column(&self, column: impl Into<ColumnRef>) -> Result<&Column> {
        Ok(&self.columns[self.find(&column.into())?])
    }

    /// This frame without some columns.
    ///
    /// # Errors
    /// If there is no such column.
    ///
    /// # Example
    /// ```
    /// # use fanin_datasets::Frame;
    /// let frame = Frame::new().with_numbers("id", [1.0, 2.0]).with_numbers("age", [31.0, 45.0]);
    /// assert_eq!(frame.drop_columns(["id"])?.columns().len(), 1);
    /// # Ok::<(), fanin_datasets::Error>(())
    /// ```
    #[doc(alias("drop"))]
    pub fn drop_columns<C: Into<ColumnRef>>(
        &self,
        columns: impl IntoIterator<Item = C>,
    ) -> Result<Self> {
        let mut frame = self.clone();
        let mut dropped = Vec::new();
        for column in column_refs(columns) {
            dropped.push(self.find(&column)?);
        }
        let mut index = 0..;
        frame.columns.retain(|_| index.next().is_some_and(|i| !dropped.contains(&i)));
        Ok(frame)
    }

    /// The rows at these indices, in this order.
    ///
    /// # Panics
    /// **Panics** if there is no row of some index.
    #[must_use]
    #[track_caller]
    pub fn select(&self, indices: impl IntoIterator<Item = usize>) -> Self {
        let rows: Vec<usize> = indices.into_iter().collect();
        if let Some(i) = rows.iter().find(|&&i| i >= self.rows) {
            panic!("select: no row {i} among {}", count(self.rows as u64, "rows"));
        }
        let columns = self.columns.iter().map(|column| column.select(&rows)).collect();
        let source = self.source.as_ref().map(|Source { file, lines }| Source {
            file: file.clone(),
            lines: Arc::new(rows.iter().map(|&row| lines[row]).collect()),
        });
        Self { columns, rows: rows.len(), source }
    }

    /// The first `n` rows, and the rest.
    ///
    /// # Panics
    /// **Panics** if there are fewer than `n`.
    #[must_use]
    #[track_caller]
    pub fn split(&self, n: usize) -> (Self, Self) {
        if n > self.rows {
            panic!("split: no first {n} of {}", count(self.rows as u64, "rows"));
        }
        (self.select(0..n), self.select(n..self.rows))
    }

    /// A random part to train on and the rest to test on: `test_share` of the rows, rounded up, as
    /// [`Table::train_test_split`] divides them. The module [`split`](crate::split) has other splits.
    ///
    /// # Panics
    /// **Panics** if `test_share` is not in \[0, 1\].
    #[must_use]
    #[track_caller]
    pub fn train_test_split(&self, test_share: f64, seed: u64) -> (Self, Self) {
        let (train, test) = train_and_test(self.rows, test_share, seed);
        (self.select(train), self.select(test))
    }

    /// A class for each row by a column, to split by: its values sorted, from 0.
    ///
    /// # Errors
    /// If there is no such column, or if a value is missing.
    ///
    /// # Example
    /// ```
    /// use fanin_datasets::Frame;
    /// use fanin_datasets::split::KFold;
    ///
    /// let frame = Frame::new().with_texts("city", ["Rome", "Oslo", "Rome", "Oslo"]);
    /// assert_eq!(frame.labels("city")?, [1, 0, 1, 0]);
    /// for fold in KFold::new(2).stratified(&frame.labels("city")?)? {
    ///     assert_eq!(frame.select(fold.test).len(), 2);
    /// }
    /// # Ok::<(), fanin_datasets::Error>(())
    /// ```
    #[doc(alias("LabelEncoder"))]
    pub fn labels(&self, column: impl Into<ColumnRef>) -> Result<Vec<usize>> {
        Ok(self.classes(self.find(&column.into())?)?.0)
    }

    /// A table whose targets are the classes of a column, and whose inputs are all other columns.
    /// The classes are the column's values, sorted: texts by their characters, numbers by size.
    ///
    /// # Errors
    /// If there is no such column or no row, if another column holds categories, or if a value is missing.
    pub fn classification(&self, target: impl Into<ColumnRef>) -> Result<Table<Vec<usize>>> {
        let target = self.find(&target.into())?;
        let (x, names) = self.inputs_but(&[target])?;
        let (labels, classes) = self.classes(target)?;
        Ok(Table::from_tensors(x, labels).with_feature_names(names).with_class_names(classes))
    }

    /// A table whose targets are the numbers of some columns, and whose inputs are all other columns.
    ///
    /// # Errors
    /// If there is no such column or no row, if a column holds categories, or if a value is missing.
    ///
    /// # Example
    /// ```
    /// use fanin_datasets::Frame;
    ///
    /// let frame = Frame::new()
    ///     .with_numbers("area", [50.0, 80.0])
    ///     .with_numbers("rooms", [2.0, 3.0])
    ///     .with_numbers("price", [210.0, 320.0]);
    /// let (x, y) = frame.regression(["price"])?.tensors();
    /// assert_eq!((x.shape(), y.as_slice()), (&[2, 2][..], &[210.0, 320.0][..]));
    /// # Ok::<(), fanin_datasets::Error>(())
    /// ```
    pub fn regression<C: Into<ColumnRef>>(
        &self,
        targets: impl IntoIterator<Item = C>,
    ) -> Result<Table> {
        let mut indices = Vec::new();
        for target in column_refs(targets) {
            indices.push(self.find(&target)?);
        }
        let (x, names) = self.inputs_but(&indices)?;
        let y = self.tensor(&indices)?;
        let targets = indices.iter().map(|&i| self.columns[i].name.as_str());
        Ok(Table::from_tensors(x, y).with_feature_names(names).with_target_names(targets))
    }

    /// A table of all columns, without targets.
    ///
    /// # Errors
    /// If there is no row, if a column holds categories, or if a value is missing.
    pub fn inputs(&self) -> Result<Table<()>> {
        let (x, names) = self.inputs_but(&[])?;
        Ok(Table::from_tensors(x, ()).with_feature_names(names))
    }

    /// All columns but these as a tensor, and their names.
    fn inputs_but(&self, targets: &[usize]) -> Result<(Tensor, Vec<&str>)> {
        let inputs: Vec<_> = (0..self.columns.len()).filter(|i| !targets.contains(i)).collect();
        if inputs.is_empty() || self.rows == 0 {
            let found = if self.rows == 0 { "has no rows" } else { "has no columns to learn from" };
            return Err(Error::NoData { of: self.name(), found, next: "give some" });
        }
        let names = inputs.iter().map(|&i| self.columns[i].name.as_str()).collect();
        Ok((self.tensor(&inputs)?, names))
    }

    /// Columns of numbers as a tensor `(rows, columns)`.
    fn tensor(&self, columns: &[usize]) -> Result<Tensor> {
        let mut x = Tensor::zeros([self.rows, columns.len()]);
        let values = x.as_mut_slice();
        for (j, &index) in columns.iter().enumerate() {
            let column = &self.columns[index];
            let Some(numbers) = column.numbers() else {
                return Err(Error::NotNumbers {
                    of: self.name(),
                    column: column.name.clone(),
                    next: "drop it, or fit a preprocess::Preprocessor, which makes them one-hot",
                });
            };
            for (row, &number) in numbers.iter().enumerate() {
                values[row * columns.len() + j] = self.f32_of(row, &column.name, number)?;
            }
        }
        Ok(x)
    }

    /// A number of a column as `f32`.
    pub(crate) fn f32_of(&self, row: usize, column: &str, number: f64) -> Result<f32> {
        if number.is_nan() {
            let next = "fit a preprocess::Preprocessor with impute, or drop the row";
            return Err(Error::MissingValue { at: self.place(row), column: column.into(), next });
        }
        let narrow = number as f32;
        if !narrow.is_finite() {
            return Err(Error::OutOfRange {
                at: self.place(row),
                column: column.into(),
                value: number,
            });
        }
        Ok(narrow)
    }

    /// The class of each row by a column, and the classes' names.
    pub(crate) fn classes(&self, index: usize) -> Result<(Vec<usize>, Vec<String>)> {
        let column = &self.columns[index];
        if let Some(row) = (0..self.rows).find(|&row| column.is_missing(row)) {
            let next = "a row without a class cannot be learnt from; drop it";
            let column = column.name.clone();
            return Err(Error::MissingValue { at: self.place(row), column, next });
        }
        Ok(match &column.values {
            Values::Texts(texts) => {
                let present = texts.present();
                let class: std::collections::HashMap<_, _> =
                    present.iter().enumerate().map(|(class, &text)| (text, class)).collect();
                let of_code: Vec<_> =
                    texts.distinct().map(|text| class.get(text).copied()).collect();
                let labels = (0..self.rows).filter_map(|row| of_code[texts.code(row)?]).collect();
                (labels, present.into_iter().map(String::from).collect())
            }
            Values::Numbers(numbers) => {
                // Plus 0.0, so that -0 is 0.
                let mut distinct: Vec<f64> = numbers.iter().map(|x| x + 0.0).collect();
                distinct.sort_unstable_by(f64::total_cmp);
                distinct.dedup();
                let label = |x: &f64| distinct.partition_point(|other| other < x);
                let labels = numbers.iter().map(label).collect();
                (labels, distinct.iter().map(f64::to_string).collect())
            }
        })
    }

    /// The index of a column.
    pub(crate) fn find(&self, column: &ColumnRef) -> Result<usize> {
        find(self.columns.iter().map(|column| column.name.as_str()), column)
            .map_err(|(column, next)| Error::NoColumn { of: self.name(), column, next })
    }

    /// Where messages say that a row is.
    pub(crate) fn place(&self, row: usize) -> Place {
        match &self.source {
            Some(Source { file, lines }) => {
                Place::Line { file: file.clone(), line: lines[row].into() }
            }
            None => Place::Row(row),
        }
    }

    /// What messages call the frame: the file's name, or `the table`.
    pub(crate) fn name(&self) -> String {
        match &self.source {
            Some(source) => source.file.display().to_string(),
            None => "the table".into(),
        }
    }
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Frame {{ {} × {:?} }}", Thousands(self.rows as u64), self.columns)
    }
}
