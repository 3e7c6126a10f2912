//! Fashion-MNIST: 28×28 grey images of ten kinds of clothing.

use std::path::Path;

use crate::description::{Description, Files, Places};
use crate::{Dataset, Result};

pub(crate) const FASHION: Description = Description {
    name: "Fashion-MNIST",
    folder: "fashion-mnist",
    owns_variable: false,
    image_shape: &[28, 28],
    classes: 10,
    system: &["/usr/share/datasets/fashion-mnist"],
    sums: Files { train: (0xae65_dccd, 0x2ed6_e46a), test: (0x1272_8439, 0x242b_c73f) },
};

/// Fashion-MNIST, to train on and to test on: 60,000 and 10,000 images of clothing. Its files have
/// the names and the form of MNIST's. Its classes are harder to tell apart than digits.
///
/// Looks, in this order, at
/// 1. the subdirectory `fashion-mnist` of the directory in the environment variable `FANIN_DATA`;
///    the directory itself is for [`mnist`](crate::mnist), whose files have the same names;
/// 2. `fanin/fashion-mnist` in the user's cache directory, which is where `mnist` looks too;
/// 3. `/usr/share/datasets/fashion-mnist`, where Debian's package `dataset-fashion-mnist` puts it.
///
/// The first place that holds any of the files counts; a subdirectory of `FANIN_DATA` counts as soon
/// as it exists. [`Dataset::provenance`] says which it was. The crate carries no part of this set. With
/// the feature `download`, `fashion_mnist_download` downloads it.
///
/// The classes: T-shirt, trouser, pullover, dress, coat, sandal, shirt, sneaker, bag, ankle boot.
///
/// # Errors
/// If the set is in none of these places, which the message lists; if the files of the first place
/// that counts are missing, damaged, or have another form; if `FANIN_DATA` names no directory.
///
/// # Example
/// ```no_run
/// let (train, test) = fanin_datasets::fashion_mnist()?;
/// println!("{}", train.provenance());
/// # Ok::<(), fanin_datasets::Error>(())
/// ```
///
/// # Reference
/// Xiao, Rasul and Vollgraf 2017, *Fashion-MNIST: a novel image dataset for benchmarking machine
/// learning algorithms*.
pub fn fashion_mnist() -> Result<(Dataset, Dataset)> {
    let places = Places::from_env();
    FASHION.find(&places)?.ok_or_else(|| {
        let next = "install the package dataset-fashion-mnist (Debian, Ubuntu), call \
                    fashion_mnist_download (feature download), or put the four files into one of \
                    these directories";
        FASHION.not_found(&places, next)
    })
}

/// Fashion-MNIST from a directory with its four files, gzip or plain.
///
/// # Errors
/// If a file is missing, damaged, or has another form.
pub fn fashion_mnist_from(directory: impl AsRef<Path>) -> Result<(Dataset, Dataset)> {
    FASHION.read(directory.as_ref(), "copy the four Fashion-MNIST files there, gzip or plain")
}
