//! [`Preprocessor::fit`]: measures the rows to train on.

use std::collections::BTreeMap;

use super::imputer::Impute;
use super::pipeline::{Pipeline, Target};
use super::preprocessor::{Preprocessor, Scale, Targets};
use super::statistics::{mean_and_std, range};
use super::step::{Affine, Input, Step, as_category};
use crate::error::{Error, Result};
use crate::frame::{Column, Values};
use crate::{ColumnRef, Frame};

impl Preprocessor {
    /// Measures the rows of a frame: those to train on, and no others, so that nothing of the rows to
    /// test on reaches the training.
    ///
    /// # Errors
    /// If there are no rows or no inputs, if a column that is named does not exist, if a value is missing
    /// that nothing stands for, if a target holds text, if all rows have the same class, or if a column has
    /// too many categories, or one for nearly each row.
    pub fn fit(&self, frame: &Frame) -> Result<Pipeline> {
        let find = |columns: &[ColumnRef]| -> Result<Vec<usize>> {
            columns.iter().map(|column| frame.find(column)).collect()
        };
        if frame.is_empty() {
            let next = "give the rows to train on";
            return Err(Error::NoData { of: frame.name(), found: "has no rows", next });
        }
        let (target, targets) = self.fit_target(frame)?;
        let (dropped, categorical) = (find(&self.dropped)?, find(&self.categorical)?);
        let mut scales = BTreeMap::new();
        for (column, scale) in &self.scales {
            scales.insert(frame.find(column)?, *scale);
        }
        let mut imputes = BTreeMap::new();
        for (column, impute) in &self.imputes {
            imputes.insert(frame.find(column)?, impute);
        }

        let mut inputs = Vec::new();
        for (index, column) in frame.columns().iter().enumerate() {
            if targets.contains(&index) || dropped.contains(&index) {
                continue;
            }
            let step = if column.is_categorical() || categorical.contains(&index) {
                let impute = imputes.get(&index).copied().unwrap_or(&self.impute_categories);
                self.fit_category(frame, column, impute)?
            } else {
                let impute = imputes.get(&index).copied().unwrap_or(&self.impute);
                fit_number(frame, column, impute, *scales.get(&index).unwrap_or(&self.scale))?
            };
            inputs.push(Input { name: column.name().into(), step });
        }
        if inputs.is_empty() {
            let next = "add columns beside the target, or drop fewer";
            return Err(Error::NoData {
                of: frame.name(),
                found: "has no columns to learn from",
                next,
            });
        }
        Ok(Pipeline::of(inputs, target))
    }

    /// The target, and the indices of its columns.
    fn fit_target(&self, frame: &Frame) -> Result<(Target, Vec<usize>)> {
        match &self.targets {
            Targets::None => Ok((Target::None, Vec::new())),
            Targets::Class(column) => {
                let index = frame.find(column)?;
                let classes = frame.classes(index)?.1;
                let name = frame.columns()[index].name().to_owned();
                let next = "if it is a number to predict, say Preprocessor::target";
                self.check_count(&name, classes.len(), next)?;
                if let [class] = &classes[..] {
                    let class = class.clone();
                    return Err(Error::OneClass { of: frame.name(), column: name, class });
                }
                Ok((Target::Classes { name, classes }, vec![index]))
            }
            Targets::Numbers(columns) => {
                let (mut targets, mut indices) = (Vec::new(), Vec::new());
                for column in columns {
                    let index = frame.find(column)?;
                    let column = &frame.columns()[index];
                    let Some(numbers) = column.numbers() else {
                        return Err(Error::NotNumbers {
                            of: frame.name(),
                            column: column.name().into(),
                            next: "say Preprocessor::class if it is the class to learn",
                        });
                    };
                    check_finite(frame, column, numbers)?;
                    if let Some(row) = numbers.iter().position(|x| x.is_nan()) {
                        let next = "a row without a target cannot be learnt from; drop it";
                        let (at, column) = (frame.place(row), column.name().into());
                        return Err(Error::MissingValue { at, column, next });
                    }
                    targets.push((column.name().to_owned(), affine(numbers, self.target_scale)));
                    indices.push(index);
                }
                Ok((Target::Numbers(targets), indices))
            }
        }
    }

    fn fit_category(&self, frame: &Frame, column: &Column, impute: &Impute) -> Result<Step> {
        let mut counts = count_categories(column);
        let missing = (0..frame.len()).find(|&row| column.is_missing(row));
        let fill = match impute {
            Impute::Category(category) => Some(category.clone()),
            // The last maximum of a reversed iterator is the first of several.
            Impute::MostFrequent => {
                counts.iter().rev().max_by_key(|(_, count)| **count).map(|(name, _)| name.clone())
            }
            _ => None,
        };
        if let Some(row) = missing {
            let Some(fill) = &fill else {
                let next = "drop the row, or say Preprocessor::impute_categories";
                let (at, column) = (frame.place(row), column.name().into());
                return Err(Error::MissingValue { at, column, next });
            };
            counts.entry(fill.clone()).or_default();
        }
        let (found, rows) = (counts.len(), frame.len());
        if self.max_categories.is_none() && rows >= 50 && 20 * found >= 19 * rows {
            return Err(Error::NamesOfRows { column: column.name().into(), found, rows });
        }
        let next = "it may be a name or a number of the row; drop it";
        self.check_count(column.name(), found, next)?;
        let (encode, unseen) = (self.encode, self.unseen);
        Ok(Step::Category { categories: counts.into_keys().collect(), fill, encode, unseen })
    }

    fn check_count(&self, column: &str, found: usize, next: &'static str) -> Result<()> {
        let limit = self.max_categories.unwrap_or(1000);
        if found > limit {
            return Err(Error::TooManyCategories { column: column.into(), found, limit, next });
        }
        Ok(())
    }
}

fn fit_number(frame: &Frame, column: &Column, impute: &Impute, scale: Scale) -> Result<Step> {
    let numbers = column.numbers().unwrap_or_default();
    check_finite(frame, column, numbers)?;
    let present: Vec<f64> = numbers.iter().copied().filter(|x| !x.is_nan()).collect();
    let fill = impute.number(&present);
    let missing = numbers.iter().position(|x| x.is_nan());
    let all: Vec<f64> = match (missing, fill) {
        (None, _) => present,
        (Some(_), Some(fill)) => {
            numbers.iter().map(|&x| if x.is_nan() { fill } else { x }).collect()
        }
        (Some(row), None) => {
            let next = if present.is_empty() {
                "no row has one, so nothing can stand for it; drop the column"
            } else {
                "drop the row, or say Preprocessor::impute"
            };
            let (at, column) = (frame.place(row), column.name().into());
            return Err(Error::MissingValue { at, column, next });
        }
    };
    Ok(Step::Number { fill, scale: affine(&all, scale) })
}

fn check_finite(frame: &Frame, column: &Column, numbers: &[f64]) -> Result<()> {
    // Squares of larger numbers are infinite.
    match numbers.iter().position(|x| x.abs() > 1e150) {
        Some(row) => {
            let (at, column) = (frame.place(row), column.name().into());
            Err(Error::OutOfRange { at, column, value: numbers[row] })
        }
        None => Ok(()),
    }
}

fn affine(numbers: &[f64], scale: Scale) -> Affine {
    match scale {
        Scale::Keep => Affine { shift: 0.0, scale: 1.0 },
        Scale::Standardize => {
            let (shift, scale) = mean_and_std(numbers);
            Affine { shift, scale }
        }
        Scale::MinMax(low, high) => {
            let (min, max) = range(numbers);
            let range = if max > min { max - min } else { 1.0 };
            let scale = range / (high - low);
            Affine { shift: min - low * scale, scale }
        }
    }
}

/// How many rows have each category.
fn count_categories(column: &Column) -> BTreeMap<String, usize> {
    match &column.values {
        Values::Texts(texts) => {
            let mut counts = vec![0; texts.distinct().len()];
            (0..texts.len()).filter_map(|row| texts.code(row)).for_each(|code| counts[code] += 1);
            let counted = texts.distinct().zip(counts).filter(|(_, count)| *count > 0);
            counted.map(|(text, count)| (text.to_owned(), count)).collect()
        }
        Values::Numbers(numbers) => {
            let mut counts = BTreeMap::new();
            for &number in numbers.iter().filter(|x| !x.is_nan()) {
                *counts.entry(as_category(number)).or_default() += 1;
            }
            counts
        }
    }
}
