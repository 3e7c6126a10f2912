//! The options of the example, and the data they name.

use std::path::PathBuf;

use fanin::datasets::{self, Dataset};
use fanin::train::SweepPart;

use crate::download;
use crate::options::{Opt, Program, count, one_of};
use crate::schemes;

const OPTIONS: &[Opt] = &[
    Opt::value(
        "seeds",
        "N",
        "How often each is trained; a seed has one split, one order of the images and one\n\
         dropout for all of them [default: 10, or 2 if quick]",
    ),
    Opt::value("epochs", "N", "How often each image is seen [default: 2, or 6 if quick]"),
    Opt::values("schemes", "NAME", "Which to compare, see below [default: all, or six if quick]"),
    Opt::value(
        "dataset",
        "NAME",
        "Which images [default: fashion if it is found, else mnist]\n\
         - fashion: Fashion-MNIST, 60,000 and 10,000 images of clothing\n\
         - mnist:   MNIST, as many digits\n\
         - digits:  the 5,000 bundled digits",
    ),
    Opt::value("data", "DIR", "The directory with the four files of --dataset"),
    download::OPTION,
    Opt::value(
        "out",
        "DIR",
        "Writes compare_inits.html, .md and .csv to this directory, and the first losses",
    ),
    Opt::value(
        "threads",
        "N",
        "How many networks to train at once [default: one for each CPU, and one in each\n\
         process under mpirun]; the results are the same",
    ),
    Opt::value(
        "journal",
        "FILE",
        "Appends each finished run to this file, and leaves out those that it has: after an\n\
         interruption the same command goes on",
    ),
    Opt::value(
        "part",
        "K/N",
        "Does the Kth of N shares of the runs alone, such as 3/16 in a job array, and writes\n\
         them to --journal; another call with --merge makes the table and the page",
    ),
    Opt::values(
        "merge",
        "FILE",
        "Trains nothing: makes the table and the page from these journals, which have all runs;\n\
         they are those of one process, byte for byte",
    ),
    Opt::flag("quick", "Takes the bundled digits and little time, and checks what it promises"),
];

const ABOUT: &str = "\
Compares initializers: trains one small network from each, with several seeds, and says which
differences are more than chance, in a table, a CSV file and a page. On a cluster, build with
`--features mpi` and start with mpirun: its processes share the runs.";

pub(crate) struct Args {
    seeds: Option<usize>,
    epochs: Option<usize>,
    pub(crate) schemes: Vec<String>,
    dataset: Option<Images>,
    data: Option<PathBuf>,
    download: bool,
    pub(crate) out: Option<PathBuf>,
    pub(crate) threads: Option<usize>,
    pub(crate) journal: Option<PathBuf>,
    pub(crate) part: Option<SweepPart>,
    pub(crate) merge: Vec<PathBuf>,
    pub(crate) quick: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Images {
    Fashion,
    Mnist,
    Digits,
}

impl Args {
    /// The options on the command line.
    pub(crate) fn parse() -> Self {
        let (name, after) = ("compare_inits", schemes::help());
        let program = Program { name, about: ABOUT, positional: None, options: OPTIONS, after };
        let given = program.read();
        given.conflict("quick", &["dataset", "download", "schemes", "seeds", "epochs"]);
        given.conflict("download", &["data"]);
        given.requires("data", "dataset");
        given.requires("part", "journal");
        given.conflict("part", &["out"]);
        given.conflict("merge", &["journal", "part", "threads"]);
        let images =
            [("fashion", Images::Fashion), ("mnist", Images::Mnist), ("digits", Images::Digits)];
        let dataset = given.get("dataset", |text| one_of(text, images));
        if dataset == Some(Images::Digits) {
            given.refuse("--dataset digits", &["download"]);
        }
        Self {
            seeds: given.get("seeds", count::<1000>),
            epochs: given.get("epochs", count::<1000>),
            schemes: given.all("schemes", |text| Ok::<_, String>(text.to_owned())),
            dataset,
            data: given.path("data"),
            download: given.has("download"),
            out: given.path("out"),
            threads: given.get("threads", count::<1000>),
            journal: given.path("journal"),
            part: given.get("part", str::parse),
            merge: given.all("merge", |text| Ok::<_, String>(text.into())),
            quick: given.has("quick"),
        }
    }

    pub(crate) fn seeds(&self) -> usize {
        self.seeds.unwrap_or(if self.quick { 2 } else { 10 })
    }

    pub(crate) fn epochs(&self) -> usize {
        self.epochs.unwrap_or(if self.quick { 6 } else { 2 })
    }

    /// The name of the data set, the images for training and the test images.
    pub(crate) fn load(&self) -> fanin::Result<(&'static str, Dataset, Dataset)> {
        let images = match self.dataset {
            _ if self.quick => Images::Digits,
            Some(images) => images,
            None if self.download => Images::Fashion,
            None => match datasets::fashion_mnist() {
                Ok((train, test)) => return Ok(("Fashion-MNIST", train, test)),
                // Not there is no mistake; there but damaged is.
                Err(datasets::Error::NotFound { .. }) => Images::Mnist,
                Err(error) => return Err(error.into()),
            },
        };
        let (train, test) = match (images, &self.data) {
            (Images::Fashion, _) if self.download => download::fashion_mnist("compare_inits")?,
            (Images::Mnist, _) if self.download => download::mnist("compare_inits")?,
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
