//! MNIST and Fashion-MNIST: their files, and the mirrors that have them.

use super::{Download, RemoteFile};
use crate::Dataset;
use crate::description::{Description, Places, missing};
use crate::error::{Error, Result};
use crate::fashion::FASHION;
use crate::mnist::MNIST;

/// Where a data set comes from.
struct Source {
    set: &'static Description,
    /// Name without `.gz`, length and SHA-256 of the four files as they were first published.
    files: [(&'static str, u64, &'static str); 4],
    /// Folders.
    mirrors: &'static [&'static str],
}

const MNIST_SOURCE: Source = Source {
    set: &MNIST,
    files: [
        (
            "train-images-idx3-ubyte",
            9_912_422,
            "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        ),
        (
            "train-labels-idx1-ubyte",
            28_881,
            "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        ),
        (
            "t10k-images-idx3-ubyte",
            1_648_877,
            "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        ),
        (
            "t10k-labels-idx1-ubyte",
            4_542,
            "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        ),
    ],
    mirrors: &[
        "https://ossci-datasets.s3.amazonaws.com/mnist",
        "https://storage.googleapis.com/cvdf-datasets/mnist",
        "https://raw.githubusercontent.com/fgnt/mnist/master",
    ],
};

const FASHION_SOURCE: Source = Source {
    set: &FASHION,
    files: [
        (
            "train-images-idx3-ubyte",
            26_421_880,
            "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        ),
        (
            "train-labels-idx1-ubyte",
            29_515,
            "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        ),
        (
            "t10k-images-idx3-ubyte",
            4_422_102,
            "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        ),
        (
            "t10k-labels-idx1-ubyte",
            5_148,
            "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
        ),
    ],
    // The last one speaks no TLS, so that some proxies refuse it. The checksum needs none.
    mirrors: &[
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion",
        "https://storage.googleapis.com/tensorflow/tf-keras-datasets",
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
    ],
};

/// The full MNIST, to train on and to test on, downloaded if it is not there: 12 million bytes.
///
/// Looks, in this order, at
/// 1. the directory in the environment variable `FANIN_DATA` if that holds any of the files, else its
///    subdirectory `mnist`;
/// 2. if the variable is not set, `fanin/mnist` in the user's cache directory, as
///    [`mnist`](crate::mnist) does, which finds the files there afterwards.
///
/// What that directory lacks is downloaded into it; if it lacks nothing, no connection is opened. The
/// files that are there may be plain or gzip, and are checked as `mnist` checks them. The module
/// [`download`](crate::download) says how the others come, and [`Download`] has options.
///
/// # Errors
/// [`Error::NotDownloaded`] if no mirror gives a file; [`Error::NoCache`] if there is no directory to
/// keep it in; and those of `mnist`.
///
/// # Example
/// ```no_run
/// let (train, test) = fanin_datasets::mnist_download()?;
/// assert_eq!((train.len(), test.len()), (60_000, 10_000));
/// # Ok::<(), fanin_datasets::Error>(())
/// ```
///
/// # Reference
/// LeCun, Bottou, Bengio and Haffner 1998, *Gradient-based learning applied to document
/// recognition*.
pub fn mnist_download() -> Result<(Dataset, Dataset)> {
    Download::new().mnist()
}

/// The full Fashion-MNIST, to train on and to test on, downloaded if it is not there: 31 million bytes.
///
/// Looks, in this order, at
/// 1. the subdirectory `fashion-mnist` of the directory in the environment variable `FANIN_DATA`, if
///    that is set;
/// 2. `fanin/fashion-mnist` in the user's cache directory;
/// 3. the directories of the system that [`fashion_mnist`](crate::fashion_mnist) looks at.
///
/// If none has all the files, what the first lacks is downloaded into it. All else is as in
/// [`mnist_download`].
///
/// # Errors
/// As [`mnist_download`].
///
/// # Example
/// ```no_run
/// let (train, test) = fanin_datasets::fashion_mnist_download()?;
/// assert_eq!((train.len(), test.len()), (60_000, 10_000));
/// # Ok::<(), fanin_datasets::Error>(())
/// ```
///
/// # Reference
/// Xiao, Rasul and Vollgraf 2017, *Fashion-MNIST: a novel image dataset for benchmarking machine
/// learning algorithms*.
pub fn fashion_mnist_download() -> Result<(Dataset, Dataset)> {
    Download::new().fashion_mnist()
}

impl Download {
    /// The full MNIST, as [`mnist_download`] with these options.
    ///
    /// # Errors
    /// As [`mnist_download`].
    pub fn mnist(&mut self) -> Result<(Dataset, Dataset)> {
        self.set(&MNIST_SOURCE)
    }

    /// The full Fashion-MNIST, as [`fashion_mnist_download`] with these options.
    ///
    /// # Errors
    /// As [`mnist_download`].
    pub fn fashion_mnist(&mut self) -> Result<(Dataset, Dataset)> {
        self.set(&FASHION_SOURCE)
    }

    fn set(&mut self, source: &Source) -> Result<(Dataset, Dataset)> {
        let set = source.set;
        let directory = match &self.directory {
            Some(directory) => directory.clone(),
            None => {
                let store = set.store(&Places::from_env());
                store.ok_or(Error::NoCache { name: set.name })?
            }
        };
        let lacks = missing(&directory);
        for (name, bytes, sha256) in source.files {
            if lacks.iter().any(|lacked| lacked == name) {
                let file = RemoteFile::new(&format!("{name}.gz"), bytes, sha256);
                let file = source.mirrors.iter().fold(file, |file, &mirror| file.mirror(mirror));
                self.file(&file, &directory)?;
            }
        }
        set.read(&directory, "they have been removed meanwhile, so download them again")
    }
}
