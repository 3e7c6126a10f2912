//! [`Preprocessor`]: what is to be done with the columns of a frame.

use serde::{Deserialize, Serialize};

use super::imputer::Impute;
use crate::ColumnRef;
use crate::frame::column_refs;

/// How numbers of a column are scaled.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Scale {
    /// Not at all.
    Keep,
    /// `(x − mean) / std`: mean 0, standard deviation 1.
    Standardize,
    /// The smallest becomes the first number, the largest the second: `MinMax(0.0, 1.0)`.
    MinMax(f64, f64),
}

/// How categories become numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Encode {
    /// A column for each category, 1 where a row has it and 0 elsewhere.
    OneHot,
    /// One column, with the place of the category among the sorted ones: 0, 1, 2, ….
    Ordinal,
}

/// What is done with a category of an input that no row to train on had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Unseen {
    /// It is an error.
    Refuse,
    /// All one-hot columns are 0, or the ordinal one −1.
    Zeros,
}

/// What the columns of a [`Frame`](crate::Frame) are: targets, numbers to scale, categories to encode.
/// [`fit`](Preprocessor::fit) measures the rows to train on.
///
/// Unless told otherwise it standardizes numbers, makes categories one-hot, and refuses missing values
/// and categories that no row to train on had. Every column but the targets and the dropped ones is
/// an input.
///
/// # Example
/// ```
/// use fanin_datasets::Frame;
/// use fanin_datasets::preprocess::{Encode, Impute, Preprocessor, Scale, Unseen};
///
/// let frame = Frame::new()
///     .with_numbers("id", [1.0, 2.0, 3.0])
///     .with_numbers("size", [50.0, 80.0, f64::NAN])
///     .with_texts("city", ["Oslo", "Rome", ""])
///     .with_texts("sold", ["yes", "no", "yes"]);
/// let pipeline = Preprocessor::new()
///     .class("sold")
///     .drop_columns(["id"])
///     .impute(Impute::Median)
///     .impute_categories(Impute::Category("unknown".into()))
///     .scale(Scale::MinMax(-1.0, 1.0))
///     .encode(Encode::OneHot)
///     .unseen(Unseen::Zeros)
///     .fit(&frame)?;
/// let (x, y) = pipeline.labelled(&frame)?.tensors();
/// assert_eq!(x.as_slice()[8..], [0.0, 0.0, 0.0, 1.0]);     // the median; Oslo, Rome, unknown
/// assert_eq!((y, pipeline.classes()), (vec![1, 0, 1], &["no".to_string(), "yes".into()][..]));
/// # Ok::<(), fanin_datasets::Error>(())
/// ```
#[doc(alias("ColumnTransformer"))]
#[derive(Clone, Debug)]
pub struct Preprocessor {
    pub(super) targets: Targets,
    pub(super) target_scale: Scale,
    pub(super) dropped: Vec<ColumnRef>,
    pub(super) categorical: Vec<ColumnRef>,
    pub(super) scale: Scale,
    pub(super) scales: Vec<(ColumnRef, Scale)>,
    pub(super) impute: Impute,
    pub(super) impute_categories: Impute,
    pub(super) imputes: Vec<(ColumnRef, Impute)>,
    pub(super) encode: Encode,
    pub(super) unseen: Unseen,
    pub(super) max_categories: Option<usize>,
}

/// The targets of a preprocessor.
#[derive(Clone, Debug)]
pub(super) enum Targets {
    None,
    Numbers(Vec<ColumnRef>),
    Class(ColumnRef),
}

impl Default for Preprocessor {
    fn default() -> Self {
        Self::new()
    }
}

impl Preprocessor {
    /// No targets; numbers standardized, categories one-hot, missing and unseen values refused.
    pub fn new() -> Self {
        Self {
            targets: Targets::None,
            target_scale: Scale::Keep,
            dropped: Vec::new(),
            categorical: Vec::new(),
            scale: Scale::Standardize,
            scales: Vec::new(),
            impute: Impute::Refuse,
            impute_categories: Impute::Refuse,
            imputes: Vec::new(),
            encode: Encode::OneHot,
            unseen: Unseen::Refuse,
            max_categories: None,
        }
    }

    /// The target is this column of numbers.
    #[must_use]
    pub fn target(self, column: impl Into<ColumnRef>) -> Self {
        self.targets([column])
    }

    /// The targets are these columns of numbers.
    #[must_use]
    pub fn targets<C: Into<ColumnRef>>(self, columns: impl IntoIterator<Item = C>) -> Self {
        Self { targets: Targets::Numbers(column_refs(columns)), ..self }
    }

    /// The target is the class that this column says, by texts or numbers. Classes are sorted.
    #[must_use]
    pub fn class(self, column: impl Into<ColumnRef>) -> Self {
        Self { targets: Targets::Class(column.into()), ..self }
    }

    /// Scales targets that are numbers; [`Pipeline::undo_targets`](super::Pipeline::undo_targets) turns
    /// predictions back. Unless told, targets stay as they are.
    ///
    /// # Panics
    /// **Panics** if the range of [`Scale::MinMax`] is none.
    #[must_use]
    #[track_caller]
    pub fn scale_targets(self, scale: Scale) -> Self {
        check_scale(scale);
        Self { target_scale: scale, ..self }
    }

    /// These columns are no inputs.
    #[must_use]
    pub fn drop_columns<C: Into<ColumnRef>>(
        mut self,
        columns: impl IntoIterator<Item = C>,
    ) -> Self {
        self.dropped.extend(column_refs(columns));
        self
    }

    /// These columns of numbers are categories: codes, postcodes.
    #[must_use]
    pub fn categorical<C: Into<ColumnRef>>(mut self, columns: impl IntoIterator<Item = C>) -> Self {
        self.categorical.extend(column_refs(columns));
        self
    }

    /// How the numbers of all inputs are scaled.
    ///
    /// # Panics
    /// **Panics** if the range of [`Scale::MinMax`] is none.
    #[must_use]
    #[track_caller]
    pub fn scale(self, scale: Scale) -> Self {
        check_scale(scale);
        Self { scale, ..self }
    }

    /// How the numbers of one input are scaled.
    ///
    /// # Panics
    /// **Panics** if the range of [`Scale::MinMax`] is none.
    #[must_use]
    #[track_caller]
    pub fn scale_column(mut self, column: impl Into<ColumnRef>, scale: Scale) -> Self {
        check_scale(scale);
        self.scales.push((column.into(), scale));
        self
    }

    /// What stands for missing numbers of inputs.
    ///
    /// # Panics
    /// **Panics** if it is a category, or no finite number.
    #[must_use]
    #[track_caller]
    pub fn impute(self, impute: Impute) -> Self {
        if matches!(impute, Impute::Category(_)) {
            panic!("Preprocessor::impute: {impute:?} is for categories; say impute_categories");
        }
        check_impute(&impute);
        Self { impute, ..self }
    }

    /// What stands for missing categories of inputs.
    ///
    /// # Panics
    /// **Panics** if it is something that only numbers have.
    #[must_use]
    #[track_caller]
    pub fn impute_categories(self, impute: Impute) -> Self {
        if !matches!(impute, Impute::Refuse | Impute::MostFrequent | Impute::Category(_)) {
            panic!(
                "Preprocessor::impute_categories: {impute:?} is for numbers; take MostFrequent or Category"
            );
        }
        Self { impute_categories: impute, ..self }
    }

    /// What stands for missing values of one input.
    ///
    /// # Panics
    /// **Panics** if it is no finite number.
    #[must_use]
    #[track_caller]
    pub fn impute_column(mut self, column: impl Into<ColumnRef>, impute: Impute) -> Self {
        check_impute(&impute);
        self.imputes.push((column.into(), impute));
        self
    }

    /// How categories of inputs become numbers.
    #[must_use]
    pub fn encode(self, encode: Encode) -> Self {
        Self { encode, ..self }
    }

    /// What is done with a category of an input that no row to train on had.
    #[doc(alias("handle_unknown"))]
    #[must_use]
    pub fn unseen(self, unseen: Unseen) -> Self {
        Self { unseen, ..self }
    }

    /// Refuses columns with more categories, which may be names of the rows. Unless told, the limit is 1,000,
    /// and inputs of 50 rows and more are also refused if 19 rows of 20 have a category of their own.
    ///
    /// # Panics
    /// **Panics** if it is 0.
    #[must_use]
    #[track_caller]
    pub fn max_categories(self, most: usize) -> Self {
        if most == 0 {
            panic!("Preprocessor::max_categories: 0 categories; give 1 or more");
        }
        Self { max_categories: Some(most), ..self }
    }
}

#[track_caller]
fn check_scale(scale: Scale) {
    if let Scale::MinMax(low, high) = scale
        && !(low.is_finite() && high.is_finite() && low < high)
    {
        panic!("Scale::MinMax({low}, {high}): give two finite numbers, the smaller first");
    }
}

#[track_caller]
fn check_impute(impute: &Impute) {
    if let Impute::Number(number) = impute
        && !number.is_finite()
    {
        panic!("Impute::Number({number}): give a finite number");
    }
}
