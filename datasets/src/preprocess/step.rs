//! What is done with one column.

use serde::{Deserialize, Serialize};

use super::preprocessor::{Encode, Unseen};
use crate::Frame;
use crate::error::{Error, Result, shown_list};
use crate::frame::{Column, Values};

/// `(x − shift) / scale`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Affine {
    pub(super) shift: f64,
    pub(super) scale: f64,
}

impl Affine {
    pub(super) fn apply(self, x: f64) -> f64 {
        (x - self.shift) / self.scale
    }

    pub(super) fn undo(self, y: f64) -> f64 {
        y * self.scale + self.shift
    }

    fn is_sound(self) -> bool {
        self.shift.is_finite() && self.scale.is_finite() && self.scale != 0.0
    }
}

/// An input column and what becomes of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Input {
    pub(super) name: String,
    pub(super) step: Step,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Step {
    Number { fill: Option<f64>, scale: Affine },
    Category { categories: Vec<String>, fill: Option<String>, encode: Encode, unseen: Unseen },
}

impl Input {
    /// How many columns of the network's input it becomes.
    pub(super) fn width(&self) -> usize {
        match &self.step {
            Step::Category { categories, encode: Encode::OneHot, .. } => categories.len(),
            _ => 1,
        }
    }

    /// What these columns are called: `size`; `city=Oslo`, `city=Rome`.
    pub(super) fn feature_names(&self) -> Vec<String> {
        match &self.step {
            Step::Category { categories, encode: Encode::OneHot, .. } => {
                categories.iter().map(|category| format!("{}={category}", self.name)).collect()
            }
            _ => vec![self.name.clone()],
        }
    }

    pub(super) fn is_categorical(&self) -> bool {
        matches!(self.step, Step::Category { .. })
    }

    /// Writes the column of a frame to the places of `x` from `offset`, in rows of `features`.
    pub(super) fn write(
        &self,
        frame: &Frame,
        x: &mut [f32],
        offset: usize,
        features: usize,
    ) -> Result<()> {
        let column = frame.column(&self.name)?;
        match &self.step {
            Step::Number { fill, scale } => {
                for (row, x) in x.chunks_exact_mut(features).enumerate() {
                    let mut number = number(frame, column, row)?;
                    if number.is_nan() {
                        number = fill.ok_or_else(|| self.missing(frame, row))?;
                    }
                    x[offset] = narrow(frame, &self.name, row, number, *scale)?;
                }
            }
            Step::Category { categories, fill, encode, unseen } => {
                let place =
                    |text: &str| categories.binary_search_by(|other| (**other).cmp(text)).ok();
                let known = Known::new(column, place);
                for (row, x) in x.chunks_exact_mut(features).enumerate() {
                    let found = known.of(column, row, place).or_else(|| fill.as_deref().map(place));
                    let found = found.ok_or_else(|| self.missing(frame, row))?;
                    if found.is_none() && *unseen == Unseen::Refuse {
                        return Err(unseen_error(frame, column, row, categories));
                    }
                    match (encode, found) {
                        (Encode::OneHot, Some(place)) => x[offset + place] = 1.0,
                        (Encode::OneHot, None) => {}
                        (Encode::Ordinal, place) => x[offset] = place.map_or(-1.0, |p| p as f32),
                    }
                }
            }
        }
        Ok(())
    }

    fn missing(&self, frame: &Frame, row: usize) -> Error {
        let next = "drop the row, or let Preprocessor::impute (or impute_categories) fill it";
        Error::MissingValue { at: frame.place(row), column: self.name.clone(), next }
    }

    /// Why this cannot have been fitted.
    pub(super) fn fault(&self) -> Option<&'static str> {
        match &self.step {
            Step::Number { fill, scale } => {
                let sound = scale.is_sound() && fill.is_none_or(f64::is_finite);
                (!sound).then_some("has a column with a scale that is none")
            }
            Step::Category { categories, .. } => {
                let sorted = !categories.is_empty() && categories.is_sorted_by(|a, b| a < b);
                (!sorted).then_some("has a column whose categories are not sorted")
            }
        }
    }
}

/// The places of a column's texts among the fitted categories, looked up once for each text.
struct Known(Vec<Option<usize>>);

impl Known {
    fn new(column: &Column, place: impl Fn(&str) -> Option<usize>) -> Self {
        match &column.values {
            Values::Texts(texts) => Self(texts.distinct().map(place).collect()),
            Values::Numbers(_) => Self(Vec::new()),
        }
    }

    /// The place of a row's category, if it has one, and if it is known.
    fn of(
        &self,
        column: &Column,
        row: usize,
        place: impl Fn(&str) -> Option<usize>,
    ) -> Option<Option<usize>> {
        match &column.values {
            Values::Texts(texts) => texts.code(row).map(|code| self.0[code]),
            // A column of codes, in a file that was read without the pipeline's kinds.
            Values::Numbers(numbers) => {
                Some(numbers[row]).filter(|x| !x.is_nan()).map(|x| place(&as_category(x)))
            }
        }
    }
}

/// A number as the category that it stands for: `3`, not `3.0`.
pub(super) fn as_category(number: f64) -> String {
    (number + 0.0).to_string()
}

/// The number of a row, NaN if it is missing.
pub(super) fn number(frame: &Frame, column: &Column, row: usize) -> Result<f64> {
    match &column.values {
        Values::Numbers(numbers) => Ok(numbers[row]),
        Values::Texts(texts) => texts.get(row).map_or(Ok(f64::NAN), |text| {
            text.parse().map_err(|_| Error::NotANumber {
                at: frame.place(row),
                column: column.name.clone(),
                value: text.into(),
                next: "it was a number in the rows to train on; correct it",
            })
        }),
    }
}

/// A number, scaled, as `f32`.
pub(super) fn narrow(
    frame: &Frame,
    column: &str,
    row: usize,
    number: f64,
    scale: Affine,
) -> Result<f32> {
    let narrow = scale.apply(number) as f32;
    if !narrow.is_finite() {
        return Err(Error::OutOfRange {
            at: frame.place(row),
            column: column.into(),
            value: number,
        });
    }
    Ok(narrow)
}

/// The error for a row whose category, or what fills its place, was not among the rows to train on.
pub(super) fn unseen_error(frame: &Frame, column: &Column, row: usize, known: &[String]) -> Error {
    let (at, name) = (frame.place(row), column.name.clone());
    let value = match &column.values {
        Values::Texts(texts) => texts.get(row).map(str::to_owned),
        Values::Numbers(numbers) => {
            Some(numbers[row]).filter(|number| !number.is_nan()).map(as_category)
        }
    };
    let Some(value) = value else {
        let next = "no row to train on lacked one, and what stands for it is a category that they \
                    lack: give a value";
        return Error::MissingValue { at, column: name, next };
    };
    Error::UnseenCategory {
        at,
        column: name,
        value,
        known: shown_list(known.iter().map(String::as_str)),
    }
}
