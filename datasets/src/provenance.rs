//! [`Provenance`]: where a data set came from.

use std::fmt;
use std::path::{Path, PathBuf};

/// Where a [`Dataset`](crate::Dataset) came from, in words; worth printing before a training run.
///
/// # Example
/// ```
/// let (train, _) = fanin_datasets::mnist_bundled();
/// assert_eq!(train.provenance().to_string(), "bundled MNIST subset (4,000 + 1,000 images)");
/// assert!(train.provenance().is_bundled());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provenance {
    origin: Origin,
    text: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Origin {
    Bundled,
    Directory(PathBuf),
    Memory,
}

impl Provenance {
    pub(crate) fn bundled(text: String) -> Self {
        Self { origin: Origin::Bundled, text }
    }

    pub(crate) fn directory(path: &Path, text: String) -> Self {
        Self { origin: Origin::Directory(path.into()), text }
    }

    pub(crate) fn memory(text: String) -> Self {
        Self { origin: Origin::Memory, text }
    }

    /// The provenance of a part, `len` samples of it.
    pub(crate) fn part(&self, len: usize) -> Self {
        let text = format!("{} of {}", crate::error::Thousands(len as u64), self.text);
        Self { origin: self.origin.clone(), text }
    }

    /// Whether the data are the ones that this crate carries.
    pub fn is_bundled(&self) -> bool {
        self.origin == Origin::Bundled
    }

    /// The directory of the files, if the data come from files.
    pub fn path(&self) -> Option<&Path> {
        match &self.origin {
            Origin::Directory(path) => Some(path),
            _ => None,
        }
    }
}

impl fmt::Display for Provenance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
