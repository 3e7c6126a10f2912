//! The options of the example.

use std::path::PathBuf;
use std::time::Duration;

use fanin::datasets::augment::Warp;

use crate::download;
use crate::options::{Opt, Program, count};

const OPTIONS: &[Opt] = &[
    Opt::value("hidden", "N,N,…", "The sizes of the hidden layers [default: 1024,512]"),
    Opt::value(
        "minutes",
        "N",
        "Trains as many epochs as fit, judged by the first one [default: 5]",
    ),
    Opt::value("epochs", "N", "Trains N epochs, however long they take"),
    Opt::value("batch", "N", "The number of images in a batch [default: 128]"),
    Opt::value(
        "lr",
        "RATE",
        "The highest learning rate: reached after an epoch, then falling to 0\n\
         [default: 0.002]",
    ),
    Opt::value("dropout", "P", "Dropout after each hidden layer [default: 0]"),
    Opt::value("smoothing", "P", "The smoothing of the labels [default: 0]"),
    Opt::value("shift", "PIXELS", "The reach of the shifts [default: 1]"),
    Opt::value("rotate", "DEGREES", "The reach of the rotations [default: 10]"),
    Opt::value(
        "stretch",
        "SHARE",
        "Height and width are changed by up to this share [default: 0.12]",
    ),
    Opt::value("shear", "DEGREES", "The reach of the shears [default: 10]"),
    Opt::value(
        "elastic",
        "ALPHA",
        "The strength of the elastic deformation of sigma 4 [default: 30]",
    ),
    Opt::value("seed", "N", "The first seed: of weights, order and changes [default: 0]"),
    Opt::value("seeds", "N", "Trains N networks, one after the other [default: 1]"),
    download::OPTION,
    Opt::value("report", "FILE", "Writes the errors by epoch to this file, as Markdown"),
    Opt::flag(
        "validate",
        "Tests on the last sixth of the training images, and trains on the others",
    ),
    Opt::flag(
        "quick",
        "Trains a small network on the bundled digits, and checks that it makes at most 5 %\n\
         errors, unless an option changes the training",
    ),
];

pub(crate) struct Args {
    pub(crate) recipe: Recipe,
    pub(crate) length: Length,
    pub(crate) first_seed: u64,
    pub(crate) seeds: usize,
    pub(crate) download: bool,
    pub(crate) report: Option<PathBuf>,
    pub(crate) validate: bool,
    pub(crate) quick: bool,
    /// Whether an option changes what `quick` trains.
    changed: bool,
}

/// How long to train.
#[derive(Clone, Copy)]
pub(crate) enum Length {
    Epochs(usize),
    /// As many epochs as fit, at least two.
    Time(Duration),
}

pub(crate) struct Recipe {
    pub(crate) hidden: Vec<usize>,
    pub(crate) batch: usize,
    pub(crate) lr: f64,
    pub(crate) dropout: f64,
    pub(crate) smoothing: f64,
    pub(crate) shift: f64,
    pub(crate) rotate: f64,
    pub(crate) stretch: f64,
    pub(crate) shear: f64,
    pub(crate) elastic: f64,
}

/// Simard's σ.
const SIGMA: f64 = 4.0;

impl Recipe {
    /// What happens to every image.
    pub(crate) fn warp(&self) -> Warp {
        let warp = Warp::new()
            .shift(self.shift)
            .rotate(self.rotate)
            .stretch(1.0 - self.stretch, 1.0 + self.stretch)
            .shear(self.shear);
        if self.elastic > 0.0 { warp.elastic(SIGMA, self.elastic) } else { warp }
    }
}

impl Args {
    /// The options on the command line.
    pub(crate) fn parse() -> Self {
        let given = Program {
            name: "mnist_record",
            about: "Trains a multilayer perceptron on MNIST for five minutes, on images that are \
                    changed at random.\nFANIN_DATA names the directory of the full set, or \
                    --download fetches it.",
            positional: None,
            options: OPTIONS,
            after: String::new(),
        }
        .read();
        given.conflict("minutes", &["epochs"]);
        given.conflict("quick", &["download", "report", "validate"]);
        let quick = given.has("quick");
        let sizes = |text: &str| text.split(',').map(count::<10_000>).collect::<Result<_, _>>();
        let hidden = given.get("hidden", sizes);
        let number = |name, limit: f64, usual: f64| {
            let read = |text: &str| {
                let fits = text.parse().ok().filter(|x| (0.0..=limit).contains(x));
                fits.ok_or_else(|| format!("give a number from 0 to {limit}"))
            };
            given.get(name, read).unwrap_or(usual)
        };
        let recipe = Recipe {
            hidden: hidden.unwrap_or(if quick { vec![256] } else { vec![1024, 512] }),
            batch: given.get("batch", count::<10_000>).unwrap_or(if quick { 32 } else { 128 }),
            lr: number("lr", 100.0, 0.002),
            dropout: number("dropout", 0.9, 0.0),
            smoothing: number("smoothing", 0.9, 0.0),
            shift: number("shift", 28.0, 1.0),
            rotate: number("rotate", 180.0, 10.0),
            stretch: number("stretch", 0.9, 0.12),
            shear: number("shear", 80.0, 10.0),
            elastic: number("elastic", 1_000.0, 30.0),
        };
        let minutes = given.get("minutes", count::<10_000>);
        let time = |minutes: usize| Length::Time(Duration::from_secs(60 * minutes as u64));
        let length = match given.get("epochs", count::<10_000>) {
            Some(epochs) => Length::Epochs(epochs),
            None if quick => minutes.map_or(Length::Epochs(10), time),
            None => time(minutes.unwrap_or(5)),
        };
        let same = ["quick", "seed", "seeds"];
        let changed = OPTIONS.iter().any(|o| given.has(o.name) && !same.contains(&o.name));
        Self {
            recipe,
            length,
            first_seed: given.get("seed", seed).unwrap_or(0),
            seeds: given.get("seeds", count::<100>).unwrap_or(1),
            download: given.has("download"),
            report: given.path("report"),
            validate: given.has("validate"),
            quick,
            changed,
        }
    }

    /// Whether the promised accuracy applies to this training.
    pub(crate) fn is_promised(&self) -> bool {
        self.quick && !self.changed
    }
}

fn seed(text: &str) -> Result<u64, String> {
    let fits = text.parse::<u32>().map(u64::from);
    fits.map_err(|_| format!("give a whole number from 0 to {}", u32::MAX))
}
