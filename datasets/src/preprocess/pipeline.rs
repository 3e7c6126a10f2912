//! [`Pipeline`]: what a preprocessor has measured, applied to any rows.

use fanin_tensor::{Tensor, show_shape};
use serde::{Deserialize, Serialize};

use super::step::{Affine, Input, narrow, number, unseen_error};
use crate::error::{Error, Result};
use crate::frame::Values;
use crate::{Frame, Table};

/// Raw columns to a network's inputs, and back from its targets: what
/// [`Preprocessor::fit`](super::Preprocessor::fit) has measured of the rows to train on.
///
/// Columns are found by their names, in any order; others are ignored. So a file to predict from needs
/// no targets.
///
/// # Saving
/// A model without its pipeline is of no use. [`save_with_model`](Pipeline::save_with_model) writes both
/// to one file; [`save`](Pipeline::save) writes the pipeline alone. It is also serde's `Serialize` and
/// `Deserialize`, for JSON and other formats.
///
/// # Example
/// A single row to predict from, by names or in the order of [`input_names`](Pipeline::input_names):
/// ```
/// use fanin_datasets::Frame;
/// use fanin_datasets::preprocess::{Pipeline, Preprocessor, Value};
///
/// let train = Frame::new()
///     .with_numbers("size", [50.0, 70.0])
///     .with_texts("city", ["Oslo", "Rome"])
///     .with_numbers("price", [210.0, 320.0]);
/// let pipeline = Preprocessor::new().target("price").fit(&train)?;
///
/// let x = pipeline.row([("city", Value::from("Rome")), ("size", Value::from(60.0))])?;
/// assert_eq!(x.as_slice(), [0.0, 0.0, 1.0]);
/// assert_eq!(pipeline.rows([["60", "Rome"]])?, x);
///
/// let error = pipeline.rows([["60", "Roma"]]).unwrap_err();
/// assert!(error.to_string().starts_with(r#"row 0, column "city" is "Roma", a category that"#));
///
/// assert_eq!(Pipeline::from_bytes(&pipeline.to_bytes())?, pipeline);
/// # Ok::<(), fanin_datasets::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct Pipeline {
    // Invariant: `fault` finds nothing.
    inputs: Vec<Input>,
    target: Target,
}

/// A pipeline from outside.
#[derive(Deserialize)]
struct Unchecked {
    inputs: Vec<Input>,
    target: Target,
}

/// What is to be learnt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Target {
    None,
    /// Columns of numbers, and how they are scaled.
    Numbers(Vec<(String, Affine)>),
    Classes {
        name: String,
        classes: Vec<String>,
    },
}

impl TryFrom<Unchecked> for Pipeline {
    type Error = &'static str;

    fn try_from(Unchecked { inputs, target }: Unchecked) -> std::result::Result<Self, Self::Error> {
        let pipeline = Self { inputs, target };
        match pipeline.fault() {
            Some(fault) => Err(fault),
            None => Ok(pipeline),
        }
    }
}

impl Pipeline {
    pub(super) fn of(inputs: Vec<Input>, target: Target) -> Self {
        Self { inputs, target }
    }

    /// Why this cannot have been fitted.
    fn fault(&self) -> Option<&'static str> {
        let sound = |affine: &Affine| {
            affine.shift.is_finite() && affine.scale.is_finite() && affine.scale != 0.0
        };
        match &self.target {
            _ if self.inputs.is_empty() => Some("has no inputs"),
            Target::Numbers(targets) if !targets.iter().all(|(_, scale)| sound(scale)) => {
                Some("has a target with a scale that is none")
            }
            Target::Numbers(targets) if targets.is_empty() => {
                Some("has no targets among its targets")
            }
            Target::Classes { classes, .. } if classes.is_empty() => Some("has no classes"),
            _ => self.inputs.iter().find_map(Input::fault),
        }
    }

    pub(super) fn steps(&self) -> &[Input] {
        &self.inputs
    }

    /// The names of the columns that it takes, in the order in which [`rows`](Pipeline::rows) takes them.
    pub fn input_names(&self) -> Vec<&str> {
        self.inputs.iter().map(|input| input.name.as_str()).collect()
    }

    /// How many inputs a network has for it.
    pub fn features(&self) -> usize {
        self.inputs.iter().map(Input::width).sum()
    }

    /// What the network's inputs are called: `size`; `city=Oslo`, `city=Rome`.
    #[doc(alias("get_feature_names_out"))]
    pub fn feature_names(&self) -> Vec<String> {
        self.inputs.iter().flat_map(Input::feature_names).collect()
    }

    /// How many outputs a network has for it: one for each target or class.
    pub fn outputs(&self) -> usize {
        match &self.target {
            Target::None => 0,
            Target::Numbers(targets) => targets.len(),
            Target::Classes { classes, .. } => classes.len(),
        }
    }

    /// What the targets that are numbers are called.
    pub fn target_names(&self) -> Vec<&str> {
        match &self.target {
            Target::Numbers(targets) => targets.iter().map(|(name, _)| name.as_str()).collect(),
            _ => Vec::new(),
        }
    }

    /// What the classes are called, in the order of their labels; empty if the target is none.
    pub fn classes(&self) -> &[String] {
        match &self.target {
            Target::Classes { classes, .. } => classes,
            _ => &[],
        }
    }

    /// How to read a CSV file to predict from: columns have the kinds that they had when this was
    /// fitted, so that a column of codes is one of categories, whatever is in the file. Without a header,
    /// a file must have the inputs alone, in the order of [`input_names`](Pipeline::input_names), without the
    /// target and without columns that were dropped: so a line of text that a user types is read with its
    /// quotes. A call takes some 20 µs; [`rows`](Pipeline::rows) takes the fields of a line in 1 µs.
    ///
    /// # Example
    /// ```
    /// use fanin_datasets::csv::Csv;
    /// use fanin_datasets::preprocess::Preprocessor;
    ///
    /// let train = Csv::new().categorical(["zip"]).read_from("train", "zip,y\n01,1\n02,2\n".as_bytes())?;
    /// let pipeline = Preprocessor::new().target("y").fit(&train)?;
    /// let new = pipeline.csv().read_from("new", "zip\n02\n".as_bytes())?;
    /// assert_eq!(pipeline.inputs(&new)?.as_slice(), [0.0, 1.0]);
    ///
    /// let line = pipeline.csv().header(false).read_from("the line", r#""01""#.as_bytes())?;
    /// assert_eq!(pipeline.inputs(&line)?.as_slice(), [1.0, 0.0]);
    /// # Ok::<(), fanin_datasets::Error>(())
    /// ```
    #[cfg(feature = "csv")]
    pub fn csv(&self) -> crate::csv::Csv {
        let kinds = self.inputs.iter().map(|input| (input.name.clone(), input.is_categorical()));
        crate::csv::Csv::new().known(kinds.collect())
    }

    /// The network's inputs for the rows of a frame.
    ///
    /// # Shapes
    /// `(n, features)`
    ///
    /// # Errors
    /// If a column is missing, if a value is missing that nothing stands for, if a number is a text, or
    /// if a category is new. Messages name file and line or the row, column and value.
    #[doc(alias("transform"))]
    pub fn inputs(&self, frame: &Frame) -> Result<Tensor> {
        let features = self.features();
        let mut x = Tensor::zeros([frame.len(), features]);
        let mut offset = 0;
        for input in &self.inputs {
            input.write(frame, x.as_mut_slice(), offset, features)?;
            offset += input.width();
        }
        Ok(x)
    }

    /// Inputs and targets of the rows of a frame, where targets are numbers.
    ///
    /// # Panics
    /// **Panics** if the target is a class, or if there is none.
    ///
    /// # Errors
    /// As [`inputs`](Pipeline::inputs), and if a target is missing or no number.
    #[track_caller]
    pub fn table(&self, frame: &Frame) -> Result<Table> {
        let Target::Numbers(targets) = &self.target else { self.wrong_target("table", "labelled") };
        let mut y = Tensor::zeros([frame.len(), targets.len()]);
        for (j, (name, scale)) in targets.iter().enumerate() {
            let column = frame.column(name)?;
            for (row, y) in y.as_mut_slice().chunks_exact_mut(targets.len()).enumerate() {
                let number = number(frame, column, row)?;
                if number.is_nan() {
                    let next = "drop the row, or take Pipeline::inputs to predict it";
                    let at = frame.place(row);
                    return Err(Error::MissingValue { at, column: name.clone(), next });
                }
                y[j] = narrow(frame, name, row, number, *scale)?;
            }
        }
        let table = Table::from_tensors(self.inputs(frame)?, y);
        Ok(table.with_feature_names(self.feature_names()).with_target_names(self.target_names()))
    }

    /// Inputs and labels of the rows of a frame, where the target is a class.
    ///
    /// # Panics
    /// **Panics** if targets are numbers, or if there are none.
    ///
    /// # Errors
    /// As [`inputs`](Pipeline::inputs), and if a class is missing or new.
    #[track_caller]
    pub fn labelled(&self, frame: &Frame) -> Result<Table<Vec<usize>>> {
        let Target::Classes { name, classes } = &self.target else {
            self.wrong_target("labelled", "table")
        };
        let column = frame.column(name)?;
        let by_name: std::collections::HashMap<&str, usize> =
            classes.iter().enumerate().map(|(label, class)| (class.as_str(), label)).collect();
        let mut labels = Vec::with_capacity(frame.len());
        for row in 0..frame.len() {
            if column.is_missing(row) {
                let next = "drop the row, or take Pipeline::inputs to predict it";
                return Err(Error::MissingValue {
                    at: frame.place(row),
                    column: name.clone(),
                    next,
                });
            }
            let label = match &column.values {
                Values::Texts(texts) => texts.get(row).and_then(|text| by_name.get(text)),
                Values::Numbers(numbers) => {
                    by_name.get(super::step::as_category(numbers[row]).as_str())
                }
            };
            match label {
                Some(&label) => labels.push(label),
                None => return Err(unseen_error(frame, column, row, classes)),
            }
        }
        let table = Table::from_tensors(self.inputs(frame)?, labels);
        Ok(table.with_feature_names(self.feature_names()).with_class_names(classes))
    }

    /// Predictions of scaled targets in the unit of the raw ones.
    ///
    /// # Shapes
    /// The last axis has a place for each target.
    ///
    /// # Panics
    /// **Panics** if it has another number of places, or if targets are no numbers.
    #[doc(alias("inverse_transform"))]
    #[must_use]
    #[track_caller]
    pub fn undo_targets(&self, y: &Tensor) -> Tensor {
        let Target::Numbers(targets) = &self.target else {
            self.wrong_target("undo_targets", "classes")
        };
        if y.shape().last() != Some(&targets.len()) {
            panic!("undo_targets: {} with {} targets", show_shape(y.shape()), targets.len());
        }
        let mut y = y.clone();
        for row in y.as_mut_slice().chunks_exact_mut(targets.len()) {
            row.iter_mut()
                .zip(targets)
                .for_each(|(y, (_, scale))| *y = scale.undo((*y).into()) as f32);
        }
        y
    }

    #[cold]
    #[inline(never)]
    #[track_caller]
    fn wrong_target(&self, op: &str, instead: &str) -> ! {
        let target = match &self.target {
            Target::None => "it was fitted without targets".into(),
            Target::Numbers(_) => {
                format!(
                    "its targets are numbers ({}); take {instead}",
                    self.target_names().join(", ")
                )
            }
            Target::Classes { name, .. } => format!("its target {name} is a class; take {instead}"),
        };
        panic!("Pipeline::{op}: {target}")
    }
}
