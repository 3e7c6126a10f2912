//! The options of the example, and the data they name.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use fanin::datasets::{self, Dataset};

use crate::schemes;

/// Compares initializations: trains one small network from each, with several seeds, and says which
/// differences are more than chance, in a table, a CSV file and a page.
#[derive(Parser)]
#[command(after_help = schemes::help())]
pub(crate) struct Args {
    /// How often each is trained; a seed has one split, one order of the images and one dropout for
    /// all of them [default: 10, or 2 if quick]
    #[arg(long, value_parser = number)]
    seeds: Option<usize>,

    /// How often each image is seen [default: 2, or 6 if quick]
    #[arg(long, value_parser = number)]
    epochs: Option<usize>,

    /// Which to compare, see below [default: all, or six if quick]
    #[arg(long, num_args = 1.., value_name = "NAME")]
    pub(crate) schemes: Vec<String>,

    /// Which images [default: fashion if it is found, else mnist]
    #[arg(long, value_enum)]
    dataset: Option<Images>,

    /// The directory with the four files of --dataset
    #[arg(long, value_name = "DIR", requires = "dataset")]
    data: Option<PathBuf>,

    /// Writes compare_inits.html, .md and .csv to this directory, and the first losses
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,

    /// How many networks to train at once [default: one for each CPU]; the results are the same
    #[arg(long, value_parser = number)]
    pub(crate) threads: Option<usize>,

    /// Takes the bundled digits and little time, and checks what it promises
    #[arg(long, conflicts_with_all = ["dataset", "schemes", "seeds", "epochs"])]
    pub(crate) quick: bool,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Images {
    /// Fashion-MNIST, 60,000 and 10,000 images of clothing
    Fashion,
    /// MNIST, as many digits
    Mnist,
    /// The 5,000 bundled digits
    Digits,
}

impl Args {
    pub(crate) fn seeds(&self) -> usize {
        self.seeds.unwrap_or(if self.quick { 2 } else { 10 })
    }

    pub(crate) fn epochs(&self) -> usize {
        self.epochs.unwrap_or(if self.quick { 6 } else { 2 })
    }

    /// What the images are called, those to train on and those to test on.
    pub(crate) fn load(&self) -> fanin::Result<(&'static str, Dataset, Dataset)> {
        let images = match self.dataset {
            _ if self.quick => Images::Digits,
            Some(images) => images,
            None => match datasets::fashion_mnist() {
                Ok((train, test)) => return Ok(("Fashion-MNIST", train, test)),
                // Not there is no mistake; there but damaged is.
                Err(datasets::Error::NotFound { .. }) => Images::Mnist,
                Err(error) => return Err(error.into()),
            },
        };
        let (train, test) = match (images, &self.data) {
            (Images::Fashion, Some(directory)) => datasets::fashion_mnist_from(directory)?,
            (Images::Fashion, None) => datasets::fashion_mnist()?,
            (Images::Mnist, Some(directory)) => datasets::mnist_from(directory)?,
            (Images::Mnist, None) => datasets::mnist()?,
            (Images::Digits, _) => datasets::mnist_bundled(),
        };
        let name = match images {
            Images::Fashion => "Fashion-MNIST",
            _ if train.provenance().is_bundled() => "the bundled digits",
            _ => "MNIST",
        };
        Ok((name, train, test))
    }
}

fn number(text: &str) -> Result<usize, String> {
    let fits = text.parse().ok().filter(|n| (1..=1000).contains(n));
    fits.ok_or_else(|| "give a whole number from 1 to 1000".into())
}
