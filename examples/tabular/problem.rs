//! [`Problem`]: a table, and what is to be learnt of it.

use std::fmt;
use std::path::Path;

use fanin::datasets::csv::Csv;
use fanin::prelude::*;

use crate::args::Args;

/// The rows of a table, and the column to learn from the others.
pub(crate) struct Problem {
    pub(crate) frame: Frame,
    pub(crate) target: String,
    pub(crate) kind: Kind,
}

/// What the target is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A number: regression.
    Number,
    /// A class: classification.
    Class,
}

impl Problem {
    /// The problem that the options name.
    pub(crate) fn read(file: &Path, args: &Args) -> fanin::Result<Self> {
        let csv = Csv::new()
            .drop_columns(args.drop.iter().map(String::as_str))
            .categorical(args.categorical.iter().map(String::as_str));
        let frame = csv.read(file)?;
        let Some(target) = &args.target else {
            let names: Vec<_> = frame.columns().iter().map(|column| column.name()).collect();
            let advice = format!(
                "say by --target what to learn; {} has {}",
                file.display(),
                names.join(", ")
            );
            return Err(std::io::Error::other(advice).into());
        };
        Self::new(frame, target, args.classes)
    }

    /// A column of texts is one of classes; one of numbers if `classes` says so.
    pub(crate) fn new(frame: Frame, target: &str, classes: bool) -> fanin::Result<Self> {
        let is_class = classes || frame.column(target)?.is_categorical();
        let kind = if is_class { Kind::Class } else { Kind::Number };
        Ok(Self { frame, target: target.to_owned(), kind })
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (rows, columns) = (self.frame.len(), self.frame.columns().len());
        let kind = match self.kind {
            Kind::Number => "a number, so this is regression (--classes learns classes)",
            Kind::Class => "a class, so this is classification",
        };
        write!(f, "{rows} rows, {columns} columns; {} is {kind}", self.target)
    }
}
