//! The options of the example.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::process;

use clap::{Parser, ValueEnum};
use fanin::prelude::*;

use crate::laws::{self, Init};

/// Trains a multilayer perceptron on MNIST, and shows what it gets right and wrong.
///
/// Without options: at least 94 % on the 1,000 held-out digits of the bundled set, and at least 98 %
/// on the 10,000 test images of the full one, which is used if FANIN_DATA or --data names its
/// directory.
#[derive(Parser)]
#[command(after_help = laws::help())]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) recipe: Recipe,

    /// Seeds the weights and the order of the images
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,

    /// How many threads to use [default: as many as there are CPUs]; the result is the same
    #[arg(long, value_parser = number)]
    pub(crate) threads: Option<usize>,

    /// The directory with the four MNIST files, gzip or plain
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,

    /// Writes the trained model to this file
    #[arg(long, value_name = "FILE")]
    pub(crate) save: Option<PathBuf>,

    /// Takes the bundled digits, and checks that 94 % are reached if no option changes the training
    #[arg(long, conflicts_with = "data")]
    pub(crate) quick: bool,
}

/// The options that decide what is learnt.
#[derive(clap::Args, PartialEq)]
pub(crate) struct Recipe {
    /// How often each image is seen [default: 10, or 5 if there are more than 10,000]
    #[arg(long, value_parser = number)]
    pub(crate) epochs: Option<usize>,

    /// The sizes of the hidden layers
    #[arg(long, value_delimiter = ',', default_value = "256,128", value_parser = number)]
    pub(crate) hidden: Vec<usize>,

    /// How many images one step looks at
    #[arg(long, default_value_t = 64, value_parser = number)]
    pub(crate) batch: usize,

    /// The highest learning rate of the schedule [default: 0.003, or 0.05 for sgd]
    #[arg(long, value_parser = rate, allow_negative_numbers = true)]
    lr: Option<f64>,

    /// The rule that changes the weights
    #[arg(long, value_enum, default_value_t = Rule::Adam)]
    pub(crate) optimizer: Rule,

    /// The law of the first weights, see below; biases begin at zero, but for pytorch
    #[arg(long, value_name = "LAW", default_value = "pytorch", value_parser = Init::parse)]
    pub(crate) init: Init,
}

#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
pub(crate) enum Rule {
    /// With momentum 0.9
    Sgd,
    Adam,
    /// With weight decay 0.01
    Adamw,
}

impl Args {
    /// Whether the training is the one whose accuracy is promised.
    pub(crate) fn is_promised(&self) -> bool {
        self.quick && self.recipe == Self::parse_from(["mnist"]).recipe
    }
}

impl Recipe {
    pub(crate) fn lr(&self) -> f64 {
        self.lr.unwrap_or(if self.optimizer == Rule::Sgd { 0.05 } else { 0.003 })
    }

    pub(crate) fn optimizer(&self) -> Box<dyn Optimizer> {
        match self.optimizer {
            Rule::Sgd => Box::new(Sgd::new(self.lr()).momentum(0.9)),
            Rule::Adam => Box::new(Adam::new(self.lr())),
            Rule::Adamw => Box::new(AdamW::new(self.lr())),
        }
    }
}

fn number(text: &str) -> Result<usize, String> {
    // The upper end keeps a slip of the finger from asking for more memory than there is.
    let fits = text.parse().ok().filter(|n| (1..=10_000).contains(n));
    fits.ok_or_else(|| "give a whole number from 1 to 10000".into())
}

fn rate(text: &str) -> Result<f64, String> {
    let fits = text.parse().ok().filter(|&rate| rate > 0.0 && rate <= 100.0);
    fits.ok_or_else(|| "give a number above 0 and up to 100, such as 0.003".into())
}

/// Finds out whether a model can be written here, before an hour of training is lost for it.
pub(crate) fn check_writable(path: &Path) -> io::Result<()> {
    let try_it = || {
        match path.metadata() {
            Ok(found) if !found.is_file() => return Err(io::Error::other("is no file")),
            Ok(found) if found.permissions().readonly() => {
                return Err(io::ErrorKind::PermissionDenied.into());
            }
            _ => {}
        }
        // A save writes a new file beside the old one before it replaces that.
        let beside = path.with_extension(format!("{}.try", process::id()));
        OpenOptions::new().write(true).create_new(true).open(&beside)?;
        fs::remove_file(beside)
    };
    try_it().map_err(|error| {
        let next = "give --save a file in a directory that exists and is yours to write to";
        io::Error::other(format!("{}: {error}; {next}", path.display()))
    })
}
