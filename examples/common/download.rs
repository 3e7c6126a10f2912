//! `--download`, the option of the examples that read MNIST. It needs the feature `download`.
#![allow(dead_code, reason = "no example uses all of it")]

use fanin::datasets::Dataset;

use crate::options::Opt;

pub(crate) const OPTION: Opt = Opt::flag(
    "download",
    "Downloads the full data set, unless it is there already; build with --features download",
);

/// The full MNIST, downloaded if it is not there.
#[cfg(feature = "download")]
pub(crate) fn mnist(_example: &str) -> fanin::Result<(Dataset, Dataset)> {
    Ok(fanin::datasets::mnist_download()?)
}

/// The full Fashion-MNIST, downloaded if it is not there.
#[cfg(feature = "download")]
pub(crate) fn fashion_mnist(_example: &str) -> fanin::Result<(Dataset, Dataset)> {
    Ok(fanin::datasets::fashion_mnist_download()?)
}

/// The error of a build without the feature.
#[cfg(not(feature = "download"))]
pub(crate) fn mnist(example: &str) -> fanin::Result<(Dataset, Dataset)> {
    Err(std::io::Error::other(format!(
        "this program was built without downloads; build it with them: cargo run --release --features \
         download --example {example} -- --download"
    ))
    .into())
}

/// The error of a build without the feature.
#[cfg(not(feature = "download"))]
pub(crate) fn fashion_mnist(example: &str) -> fanin::Result<(Dataset, Dataset)> {
    mnist(example)
}
