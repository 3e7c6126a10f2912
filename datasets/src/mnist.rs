//! MNIST: 28×28 grey images of the ten handwritten digits.

use std::path::Path;

use crate::description::{Description, Files, Places};
use crate::{Dataset, Result};

pub(crate) const MNIST: Description = Description {
    name: "MNIST",
    folder: "mnist",
    owns_variable: true,
    image_shape: &[28, 28],
    classes: 10,
    system: &[],
    sums: Files { train: (0xf363_9b56, 0xba07_e8ef), test: (0xe4ca_5f57, 0xee86_04d9) },
};

const BUNDLED: Files<&[u8]> = Files {
    train: (
        include_bytes!("../mnist-5k/train-images-idx3-ubyte.gz"),
        include_bytes!("../mnist-5k/train-labels-idx1-ubyte.gz"),
    ),
    test: (
        include_bytes!("../mnist-5k/t10k-images-idx3-ubyte.gz"),
        include_bytes!("../mnist-5k/t10k-labels-idx1-ubyte.gz"),
    ),
};

/// MNIST, to train on and to test on: the full set where it is found, else the bundled digits.
///
/// Looks, in this order, at
/// 1. the directory in the environment variable `FANIN_DATA`, or its subdirectory `mnist`; if it is
///    set, the files must be there;
/// 2. `fanin/mnist` in the user's cache directory, if it holds any of the files; that directory is
///    `$XDG_CACHE_HOME`, else `~/.cache`; on macOS `~/Library/Caches`; on Windows `%LOCALAPPDATA%`;
/// 3. the 4,000 + 1,000 digits that the crate carries ([`mnist_bundled`]).
///
/// With the feature `download`, `mnist_download` downloads the full set instead of taking the third.
/// [`Dataset::provenance`] says which it was. A directory holds the four files under their original
/// names (`train-images-idx3-ubyte`, …), gzip or plain, with or without `.gz`.
///
/// # Errors
/// If files of the first place that counts are missing, damaged, or no MNIST. It then does not go on
/// to the next place, so that nobody trains on another set than they meant. Files with as many images
/// as the full set must be the full set, by their checksums; a part of it passes.
///
/// # Example
/// ```no_run
/// let (train, test) = fanin_datasets::mnist()?;
/// println!("{}", train.provenance());
/// # Ok::<(), fanin_datasets::Error>(())
/// ```
///
/// # Reference
/// LeCun, Bottou, Bengio and Haffner 1998, *Gradient-based learning applied to document
/// recognition*.
pub fn mnist() -> Result<(Dataset, Dataset)> {
    let found = MNIST.find(&Places::from_env())?;
    Ok(found.unwrap_or_else(mnist_bundled))
}

/// MNIST from a directory with its four files, gzip or plain.
///
/// # Errors
/// If a file is missing, damaged, or no MNIST.
pub fn mnist_from(directory: impl AsRef<Path>) -> Result<(Dataset, Dataset)> {
    MNIST.read(directory.as_ref(), "copy the four MNIST files there, gzip or plain")
}

/// The MNIST digits that the crate carries: 4,000 to train on, 1,000 to test on.
///
/// There are 500 images of each digit, of which the last 100 are to test on. They are sorted by
/// digit, so shuffle the batches. Their README tells where they are from.
///
/// # Example
/// ```
/// let (train, test) = fanin_datasets::mnist_bundled();
/// let zeros = |data: &fanin_datasets::Dataset| data.labels().iter().filter(|&&y| y == 0).count();
/// assert_eq!((zeros(&train), zeros(&test)), (400, 100));
/// ```
pub fn mnist_bundled() -> (Dataset, Dataset) {
    MNIST.unpack(&BUNDLED)
}
