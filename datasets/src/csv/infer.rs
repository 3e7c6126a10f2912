//! What the columns of a file hold.

use std::collections::HashSet;
use std::path::Path;

use super::Csv;
use super::cells::Cells;
use crate::error::{Error, Place, Result, shown_list};
use crate::frame::{Column, Texts, find};
use crate::preprocess::WAS_A_NUMBER;
use crate::{ColumnRef, Frame};

/// What a column holds, where it is said.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Inferred,
    Numbers,
    Categories,
    Dropped,
}

impl Csv {
    /// The frame of these fields.
    pub(super) fn frame(&self, name: &Path, mut cells: Cells) -> Result<Frame> {
        let has_header = self.header != Some(false);
        // Without a header, nothing else says which fields are missing or too many.
        if !has_header && !self.known.is_empty() && self.known.len() != cells.width {
            let at = Place::Line { file: name.into(), line: cells.lines[0].into() };
            let inputs = shown_list(self.known.iter().map(|(name, _)| name.as_str()));
            return Err(Error::RowLength { at, found: cells.width, inputs });
        }
        let names: Vec<String> = (0..cells.width)
            .map(|column| match cells.get(0, column) {
                name if has_header && !name.is_empty() => name.to_owned(),
                // Without a header, a file to predict from has the columns of its pipeline.
                _ if !has_header && !self.known.is_empty() => self.known[column].0.clone(),
                _ => column.to_string(),
            })
            .collect();
        let mut seen = HashSet::new();
        if let Some(twice) = names.iter().find(|name| !seen.insert(name.as_str())) {
            return Err(Error::SameColumn {
                of: name.display().to_string(),
                column: twice.clone(),
            });
        }
        let first = usize::from(has_header);
        if cells.rows() == first {
            let next = "add rows, or say Csv::header(false) if that line is one";
            let of = name.display().to_string();
            return Err(Error::NoData { of, found: "has a header and no rows", next });
        }

        let kinds = self.kinds(name, &names)?;
        let mut columns = Vec::new();
        for (index, (column, kind)) in names.iter().zip(kinds).enumerate() {
            let field = Field { csv: self, file: name, cells: &cells, first, index, name: column };
            columns.extend(field.read(kind)?);
        }
        if self.header.is_none() {
            refuse_numbers_as_names(name, &columns)?;
        }
        cells.lines.drain(..first);
        Ok(Frame::of_file(name.into(), columns, cells.lines))
    }

    fn kinds(&self, file: &Path, names: &[String]) -> Result<Vec<Kind>> {
        let mut kinds = vec![Kind::Inferred; names.len()];
        for (name, is_categorical) in &self.known {
            if let Some(index) = names.iter().position(|other| other == name) {
                kinds[index] = if *is_categorical { Kind::Categories } else { Kind::Numbers };
            }
        }
        let mut say = |columns: &[ColumnRef], kind| {
            for column in columns {
                let index =
                    find(names.iter().map(String::as_str), column).map_err(|(column, next)| {
                        Error::NoColumn { of: file.display().to_string(), column, next }
                    })?;
                kinds[index] = kind;
            }
            Ok(())
        };
        say(&self.numeric, Kind::Numbers)?;
        say(&self.categorical, Kind::Categories)?;
        say(&self.dropped, Kind::Dropped)?;
        Ok(kinds)
    }
}

/// A header that names all columns of numbers by numbers is a row of data.
fn refuse_numbers_as_names(file: &Path, columns: &[Column]) -> Result<()> {
    let numeric = || columns.iter().filter(|column| !column.is_categorical());
    let is_number = |column: &Column| column.name().parse::<f64>().is_ok();
    // A column whose name is empty is called by its index.
    let unnamed = columns.iter().enumerate().any(|(i, column)| column.name() == i.to_string());
    if numeric().next().is_some() && numeric().all(is_number) && !unnamed {
        let names: Vec<_> = numeric().map(Column::name).collect();
        let columns = shown_list(names.into_iter());
        return Err(Error::HeaderIsData { file: file.into(), columns });
    }
    Ok(())
}

/// A column of a file.
struct Field<'c> {
    csv: &'c Csv,
    file: &'c Path,
    cells: &'c Cells,
    /// The first row that is none of the header.
    first: usize,
    index: usize,
    name: &'c str,
}

impl Field<'_> {
    fn len(&self) -> usize {
        self.cells.rows() - self.first
    }

    /// The value of a row; `None` if it is missing.
    fn get(&self, row: usize) -> Option<&str> {
        let value = self.cells.get(row + self.first, self.index);
        let is_missing = value.is_empty() || self.csv.missing.iter().any(|other| other == value);
        (!is_missing).then_some(value)
    }

    /// The column, if it is to be kept.
    fn read(&self, kind: Kind) -> Result<Option<Column>> {
        match kind {
            Kind::Dropped => return Ok(None),
            Kind::Categories => return Ok(Some(self.texts())),
            Kind::Inferred | Kind::Numbers => {}
        }
        // How many values are texts, and where the first of them is.
        let (mut texts, mut first_text, mut present) = (0usize, None, 0usize);
        let mut numbers = Vec::with_capacity(self.len());
        for row in 0..self.len() {
            let Some(value) = self.get(row) else {
                numbers.push(f64::NAN);
                continue;
            };
            present += 1;
            match value.parse::<f64>() {
                Ok(number) => numbers.push(number),
                Err(_) => {
                    texts += 1;
                    first_text = first_text.or(Some((row, value)));
                    numbers.push(f64::NAN);
                    if kind == Kind::Numbers {
                        break;
                    }
                }
            }
        }
        match first_text {
            Some(_) if kind == Kind::Inferred && 2 * texts >= present => Ok(Some(self.texts())),
            Some((row, value)) => Err(Error::NotANumber {
                at: self.place(row),
                column: self.name.into(),
                value: value.into(),
                next: if self.csv.known.iter().any(|(name, _)| name == self.name) {
                    WAS_A_NUMBER
                } else {
                    "correct it, name it by Csv::missing if it stands for no value, or say \
                     Csv::categorical if the column holds categories"
                },
            }),
            None => {
                if let Some(row) = numbers.iter().position(|number| number.is_infinite()) {
                    let (at, column) = (self.place(row), self.name.into());
                    return Err(Error::OutOfRange { at, column, value: numbers[row] });
                }
                Ok(Some(Column::numbers_of(self.name, numbers)))
            }
        }
    }

    fn texts(&self) -> Column {
        Column::texts_of(self.name, Texts::new(self.len(), |row| self.get(row)))
    }

    fn place(&self, row: usize) -> Place {
        let line = self.cells.lines[row + self.first];
        Place::Line { file: self.file.into(), line: line.into() }
    }
}
