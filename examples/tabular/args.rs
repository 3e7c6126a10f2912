//! The options of the example.

use std::path::PathBuf;

use crate::options::{Opt, Program, count};

const OPTIONS: &[Opt] = &[
    Opt::value("target", "COLUMN", "The column to learn, from all others"),
    Opt::flag("classes", "The numbers in the target are classes: classification"),
    Opt::values("drop", "COLUMN", "Columns to leave out, such as the number of a row"),
    Opt::values("categorical", "COLUMN", "Columns whose numbers are codes, such as postcodes"),
    Opt::value("folds", "N", "The number of folds [default: 10]"),
    Opt::value("seed", "N", "Draws what goes to which fold [default: 0]"),
    Opt::value(
        "report",
        "FILE",
        "Writes the comparison with scikit-learn to this file, as Markdown",
    ),
    Opt::flag("quick", "Compares, and checks scores and messages, in a few seconds"),
];

pub(crate) struct Args {
    pub(crate) file: Option<PathBuf>,
    pub(crate) target: Option<String>,
    pub(crate) classes: bool,
    pub(crate) drop: Vec<String>,
    pub(crate) categorical: Vec<String>,
    pub(crate) folds: usize,
    pub(crate) seed: u64,
    pub(crate) report: Option<PathBuf>,
    pub(crate) quick: bool,
}

impl Args {
    /// The options on the command line.
    pub(crate) fn parse() -> Self {
        let given = Program {
            name: "tabular",
            about: "Learns a column of a CSV file from the others, and cross-validates.\n\
                    Without a file: four small tables, beside scikit-learn.",
            positional: Some(Opt::value("", "CSV", "The file, with a header; gzip or plain")),
            options: OPTIONS,
            after: String::new(),
        }
        .read();
        let file = given.file();
        match file {
            Some(_) => given.refuse("a file", &["report", "quick"]),
            None => given.refuse(
                "the bundled tables",
                &["target", "classes", "drop", "categorical", "folds", "seed"],
            ),
        }
        given.conflict("quick", &["report"]);
        let name = |text: &str| Ok::<_, String>(text.to_owned());
        let folds = |text: &str| match count::<10_000>(text)? {
            1 => Err("give 2 or more, so that others are left to train on".to_owned()),
            folds => Ok(folds),
        };
        Self {
            file,
            target: given.get("target", name),
            classes: given.has("classes"),
            drop: given.all("drop", name),
            categorical: given.all("categorical", name),
            folds: given.get("folds", folds).unwrap_or(10),
            seed: given.get("seed", str::parse).unwrap_or(0),
            report: given.path("report"),
            quick: given.has("quick"),
        }
    }
}
