//! MNIST with its data, tables, CSV and IDX files, and batches shuffled as torch would.
//!
//! - [`mnist`] gives MNIST, to train on and to test on: the full set where it is found, else 5,000
//!   digits that this crate carries. A program runs on any machine, with no network.
//! - [`fashion_mnist`] gives Fashion-MNIST where it is installed.
#![cfg_attr(
    feature = "download",
    doc = "- [`mnist_download`] and [`fashion_mnist_download`] download the full sets where they are \
           not found; [`download`] is for files of your own too (a feature, off by default)."
)]
#![cfg_attr(
    not(feature = "download"),
    doc = "- `mnist_download` and `fashion_mnist_download` download the full sets where they are not \
           found: the feature `download`, off by default."
)]
//! - [`Dataset`] keeps images as bytes, [`Table`] rows of numbers with targets or class labels.
//!   [`Data`] is the trait for both, for tensors, ndarray arrays and pairs, and for your own types.
//! - [`Frame`] keeps raw columns of numbers and categories, as the module `csv` reads them (a feature, on
//!   by default); [`preprocess`] makes tables of them: imputed, scaled, one-hot.
//! - [`iris`], [`wine`], [`breast_cancer`] and [`diabetes`] are tables that this crate carries.
//! - [`split`] divides any data: by fractions, in folds, by classes and by groups.
//! - [`Batches`] makes tensors of any of them, [shuffled] in the order of torch's `DataLoader` for
//!   the same seed, [drawn by weights], [changed] at random, or [made ahead] by another thread.
//! - [`idx`] reads and writes IDX files, and reports any other file as an error.
//!
//! Whatever comes from outside gives an [`Error`] that names the file and says what to do next.
//!
//! [shuffled]: Batches::shuffle
//! [drawn by weights]: Batches::weighted
//! [changed]: Batches::augment
//! [made ahead]: Batches::prefetch
//!
//! # Example
//! The mean image of each digit, and how many test images are nearest to that of their own:
//! ```
//! let (train, test) = fanin_datasets::mnist_bundled();      // mnist()? also looks for the full set
//!
//! let mut means = vec![[0.0; 784]; 10];
//! for (x, y) in train.batches(64) {
//!     for (image, label) in x.as_slice().chunks(784).zip(y) {
//!         means[label].iter_mut().zip(image).for_each(|(m, p)| *m += p / 400.0);
//!     }
//! }
//!
//! let (x, y) = test.tensors();
//! let right = x.as_slice().chunks(784).zip(y).filter(|(image, label)| {
//!     let distance = |m: &[f32; 784]| m.iter().zip(*image).map(|(m, p)| (m - p).powi(2)).sum::<f32>();
//!     (0..10).all(|other| distance(&means[*label]) <= distance(&means[other]))
//! });
//! assert!(right.count() > 790);                            // of 1,000: networks do better
//! ```

pub mod augment;
mod batches;
mod buffers;
mod classics;
#[cfg(feature = "csv")]
pub mod csv;
mod data;
mod dataset;
mod description;
#[cfg(feature = "download")]
pub mod download;
mod error;
mod fashion;
mod frame;
pub mod idx;
mod labelled_images;
mod mnist;
mod pixels;
mod prefetch;
pub mod preprocess;
mod provenance;
mod sampler;
pub mod split;
mod subset;
mod table;
mod targets;

pub use batches::Batches;
pub use buffers::Buffers;
pub use classics::{breast_cancer, diabetes, iris, wine};
pub use data::{Augment, Data};
pub use dataset::Dataset;
#[cfg(feature = "download")]
pub use download::{fashion_mnist_download, mnist_download};
pub use error::{Error, Place, Result};
pub use fanin_tensor::Tensor;
pub use fashion::{fashion_mnist, fashion_mnist_from};
pub use frame::{Column, ColumnRef, Frame};
pub use mnist::{mnist, mnist_bundled, mnist_from};
pub use pixels::Pixels;
pub use prefetch::Prefetch;
pub use preprocess::{Pipeline, Preprocessor, Standardizer};
pub use provenance::Provenance;
pub use sampler::balanced_weights;
pub use subset::Subset;
pub use table::Table;
pub use targets::Targets;
