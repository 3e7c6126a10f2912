//! The options of the example.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::process;

use fanin::prelude::*;

use crate::download;
use crate::initializers::{self, Init};
use crate::options::{Opt, Program, count, one_of};

const OPTIONS: &[Opt] = &[
    Opt::value(
        "epochs",
        "N",
        "The number of epochs [default: 10, or 2 if there are more than 10,000]",
    ),
    Opt::value("hidden", "N,N,…", "The sizes of the hidden layers [default: 160]"),
    Opt::value("batch", "N", "The number of images in a batch [default: 64]"),
    Opt::value(
        "lr",
        "RATE",
        "The highest learning rate of the schedule [default: 0.005, or 0.05 for sgd]",
    ),
    Opt::value(
        "optimizer",
        "NAME",
        "The rule that changes the weights [default: adam]\n\
         - sgd:   with momentum 0.9\n\
         - adam\n\
         - adamw: with weight decay 0.01",
    ),
    Opt::value(
        "init",
        "INITIALIZER",
        "The initializer of the weights, see below; biases start at 0, except with pytorch\n\
         [default: pytorch]",
    ),
    Opt::value("seed", "N", "Seeds the weights and the order of the images [default: 0]"),
    Opt::value(
        "threads",
        "N",
        "The number of threads [default: the number of CPUs]; it does not change the result",
    ),
    Opt::value("data", "DIR", "The directory with the four MNIST files, gzip or plain"),
    download::OPTION,
    Opt::value("save", "FILE", "Writes the trained model to this file"),
    Opt::flag(
        "quick",
        "Uses the bundled digits, and checks that 94 % are reached, unless an option changes\n\
         the training",
    ),
];

const ABOUT: &str = "\
Trains a multilayer perceptron on MNIST, and shows what it gets right and wrong.

Without options: at least 94 % on the 1,000 held-out digits of the bundled set, and at least 98 % on
the 10,000 test images of the full one, which is used with --download, or if FANIN_DATA or --data
names its directory.";

pub(crate) struct Args {
    pub(crate) recipe: Recipe,
    pub(crate) seed: u64,
    pub(crate) threads: Option<usize>,
    pub(crate) data: Option<PathBuf>,
    pub(crate) download: bool,
    pub(crate) save: Option<PathBuf>,
    pub(crate) quick: bool,
}

/// The options that affect the training.
#[derive(PartialEq)]
pub(crate) struct Recipe {
    pub(crate) epochs: Option<usize>,
    pub(crate) hidden: Vec<usize>,
    pub(crate) batch: usize,
    lr: Option<f64>,
    pub(crate) optimizer: Rule,
    pub(crate) init: Init,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Rule {
    Sgd,
    Adam,
    Adamw,
}

impl Default for Recipe {
    fn default() -> Self {
        Self {
            epochs: None,
            hidden: vec![160],
            batch: 64,
            lr: None,
            optimizer: Rule::Adam,
            init: Init::default(),
        }
    }
}

impl Args {
    /// The options on the command line.
    pub(crate) fn parse() -> Self {
        let (name, after) = ("mnist", initializers::help());
        let program = Program { name, about: ABOUT, positional: None, options: OPTIONS, after };
        let given = program.read();
        given.conflict("quick", &["data", "download"]);
        given.conflict("download", &["data"]);
        let sizes = |text: &str| text.split(',').map(count::<10_000>).collect::<Result<_, _>>();
        let rules = [("sgd", Rule::Sgd), ("adam", Rule::Adam), ("adamw", Rule::Adamw)];
        let usual = Recipe::default();
        let recipe = Recipe {
            epochs: given.get("epochs", count::<10_000>),
            hidden: given.get("hidden", sizes).unwrap_or(usual.hidden),
            batch: given.get("batch", count::<10_000>).unwrap_or(usual.batch),
            lr: given.get("lr", rate),
            optimizer: given
                .get("optimizer", |text| one_of(text, rules))
                .unwrap_or(usual.optimizer),
            init: given.get("init", Init::parse).unwrap_or(usual.init),
        };
        Self {
            recipe,
            seed: given.get("seed", seed).unwrap_or(0),
            threads: given.get("threads", count::<10_000>),
            data: given.path("data"),
            download: given.has("download"),
            save: given.path("save"),
            quick: given.has("quick"),
        }
    }

    /// Whether the promised accuracy applies to this training.
    pub(crate) fn is_promised(&self) -> bool {
        self.quick && self.recipe == Recipe::default()
    }
}

impl Recipe {
    pub(crate) fn lr(&self) -> f64 {
        self.lr.unwrap_or(if self.optimizer == Rule::Sgd { 0.05 } else { 0.005 })
    }

    pub(crate) fn optimizer(&self) -> Box<dyn Optimizer> {
        match self.optimizer {
            Rule::Sgd => Box::new(Sgd::new(self.lr()).momentum(0.9)),
            Rule::Adam => Box::new(Adam::new(self.lr()).betas(0.8, 0.999)),
            Rule::Adamw => Box::new(AdamW::new(self.lr()).betas(0.8, 0.999)),
        }
    }
}

fn seed(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("give a whole number from 0 to {}", u64::MAX))
}

fn rate(text: &str) -> Result<f64, String> {
    let fits = text.parse().ok().filter(|&rate| rate > 0.0 && rate <= 100.0);
    fits.ok_or_else(|| "give a number above 0 and up to 100, such as 0.003".into())
}

/// Checks that a model can be written here, before an hour of training is lost.
pub(crate) fn check_writable(path: &Path) -> io::Result<()> {
    let try_it = || {
        match path.metadata() {
            Ok(found) if !found.is_file() => return Err(io::Error::other("is not a file")),
            Ok(found) if found.permissions().readonly() => {
                return Err(io::ErrorKind::PermissionDenied.into());
            }
            _ => {}
        }
        // A save writes a new file beside the old one and then replaces the old one.
        let beside = path.with_extension(format!("{}.try", process::id()));
        OpenOptions::new().write(true).create_new(true).open(&beside)?;
        fs::remove_file(beside)
    };
    try_it().map_err(|error| {
        let next = "give --save a file in a directory that exists and is yours to write to";
        io::Error::other(format!("{}: {error}; {next}", path.display()))
    })
}
