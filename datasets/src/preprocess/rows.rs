//! Rows to predict from, that are in no file: [`Pipeline::row`] and [`Pipeline::rows`].

use fanin_tensor::Tensor;

use super::pipeline::Pipeline;
use super::step::as_category;
use crate::Frame;
use crate::error::{Error, Place, Result, shown_list};
use crate::frame::{Column, MISSING, Texts, find};

/// A raw value: a number, a text, or a missing one.
///
/// A text is a number where the column holds numbers. Empty texts, `NA`, `?` and the others that a CSV
/// file has for none are missing.
///
/// # Example
/// ```
/// use fanin_datasets::preprocess::Value;
///
/// assert_eq!(Value::from(3), Value::Number(3.0));
/// assert_eq!(Value::from("Oslo"), Value::Text("Oslo".into()));
/// assert_eq!(Value::from(None::<f64>), Value::Missing);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// A number; NaN is missing.
    Number(f64),
    /// A category, or a number as text.
    Text(String),
    /// None.
    Missing,
}

macro_rules! from_number {
    ($($t:ident)*) => { $(
        impl From<$t> for Value {
            fn from(number: $t) -> Self {
                Self::Number(number.into())
            }
        }
    )* };
}
from_number!(f64 f32 i32 u32);

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl<V: Into<Value>> From<Option<V>> for Value {
    fn from(value: Option<V>) -> Self {
        value.map_or(Self::Missing, Into::into)
    }
}

impl Value {
    /// The text without the space around it, if it is one and not missing.
    fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => {
                Some(text.trim()).filter(|text| !text.is_empty() && !MISSING.contains(text))
            }
            _ => None,
        }
    }
}

/// What to do about a text where training had numbers.
pub(crate) const WAS_A_NUMBER: &str = "it was a number in the rows to train on; correct it";

impl Pipeline {
    /// The network's inputs for one row, whose values are given by the names of the columns, in any
    /// order. Names that are no inputs are ignored.
    ///
    /// # Shapes
    /// `(1, features)`
    ///
    /// # Errors
    /// If a column has no value here, and as [`inputs`](Pipeline::inputs).
    pub fn row<N: AsRef<str>, V: Into<Value>>(
        &self,
        values: impl IntoIterator<Item = (N, V)>,
    ) -> Result<Tensor> {
        let given: Vec<(N, Value)> =
            values.into_iter().map(|(name, value)| (name, value.into())).collect();
        let names = || given.iter().map(|(name, _)| name.as_ref());
        let mut row = Vec::new();
        for input in self.input_names() {
            let i = find(names(), &input.into()).map_err(|(column, next)| Error::NoColumn {
                of: "the row".into(),
                column,
                next,
            })?;
            row.push(given[i].1.clone());
        }
        self.of_values(&[row])
    }

    /// The network's inputs for rows, whose values are in the order of
    /// [`input_names`](Pipeline::input_names). For lines of text with quotes, see [`csv`](Pipeline::csv).
    ///
    /// # Shapes
    /// `(n, features)`
    ///
    /// # Errors
    /// If a row has another number of values, and as [`inputs`](Pipeline::inputs).
    pub fn rows<V: Into<Value>, R: IntoIterator<Item = V>>(
        &self,
        rows: impl IntoIterator<Item = R>,
    ) -> Result<Tensor> {
        let rows: Vec<Vec<Value>> =
            rows.into_iter().map(|row| row.into_iter().map(Into::into).collect()).collect();
        if let Some(row) = rows.iter().position(|row| row.len() != self.steps().len()) {
            let inputs = shown_list(self.input_names().into_iter());
            return Err(Error::RowLength { at: Place::Row(row), found: rows[row].len(), inputs });
        }
        self.of_values(&rows)
    }

    /// Rows with a value for each input.
    fn of_values(&self, rows: &[Vec<Value>]) -> Result<Tensor> {
        let mut columns = Vec::new();
        for (j, input) in self.steps().iter().enumerate() {
            let values = rows.iter().map(|row| &row[j]);
            columns.push(if input.is_categorical() {
                let texts: Vec<Option<String>> = values.map(category).collect();
                let texts = Texts::new(texts.len(), |row| texts[row].as_deref());
                Column::texts_of(&input.name, texts)
            } else {
                let mut numbers = Vec::with_capacity(rows.len());
                for (row, value) in values.enumerate() {
                    numbers.push(number(value, row, &input.name)?);
                }
                Column::numbers_of(&input.name, numbers)
            });
        }
        self.inputs(&Frame::of_columns(columns, rows.len()))
    }
}

fn category(value: &Value) -> Option<String> {
    match value {
        Value::Number(number) if !number.is_nan() => Some(as_category(*number)),
        _ => value.text().map(String::from),
    }
}

fn number(value: &Value, row: usize, column: &str) -> Result<f64> {
    match (value, value.text()) {
        (Value::Number(number), _) => Ok(*number),
        (_, None) => Ok(f64::NAN),
        (_, Some(text)) => text.parse().map_err(|_| Error::NotANumber {
            at: Place::Row(row),
            column: column.into(),
            value: text.into(),
            next: WAS_A_NUMBER,
        }),
    }
}
