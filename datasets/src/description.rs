//! Data sets in the form of MNIST: where their four files are looked for, and how they are read.

use std::env;
use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::{self, Path, PathBuf};

use flate2::Crc;

use crate::error::{Error, Result, Thousands, count};
use crate::fashion::FASHION;
use crate::idx;
use crate::labelled_images::LabelledImages;
use crate::mnist::MNIST;
use crate::{Dataset, Provenance};

/// The environment variable that names the directory to search first.
const VARIABLE: &str = "FANIN_DATA";

/// The most bytes that a file may unpack to. 60,000 images of 28×28 take 47 million.
const LIMIT: u64 = 64_000_000;

/// A data set of four IDX files under MNIST's names. Each such data set is a constant of this type.
pub(crate) struct Description {
    /// Its name in messages.
    pub(crate) name: &'static str,
    /// The name of its directory, in the cache and in `FANIN_DATA`.
    pub(crate) folder: &'static str,
    /// Whether `FANIN_DATA` may name its directory itself. The files of all such data sets have the
    /// same names, so the variable names the directory of one data set only.
    pub(crate) owns_variable: bool,
    /// The shape of each image.
    pub(crate) image_shape: &'static [usize],
    pub(crate) classes: usize,
    /// Directories of the system that may have it.
    pub(crate) system: &'static [&'static str],
    /// The CRC-32 of the pixels and of the labels, without their headers, of the full set.
    pub(crate) sums: Files<u32>,
}

/// How many images the full sets have.
const FULL: (usize, usize) = (60_000, 10_000);

/// The full sets whose files have these names and sizes.
const KNOWN: [(&str, Files<u32>); 2] = [(MNIST.name, MNIST.sums), (FASHION.name, FASHION.sums)];

/// Two parts of a set, each a file of images and a file of their labels.
#[derive(Clone, Copy)]
pub(crate) struct Files<T> {
    pub(crate) train: (T, T),
    pub(crate) test: (T, T),
}

/// Their names, with or without `.gz`; some editions have a dot before `idx`.
const NAMES: Files<&str> = Files {
    train: ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    test: ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
};

/// What the environment says about where to look.
#[derive(Default)]
pub(crate) struct Places {
    /// `FANIN_DATA`, if set and not empty.
    variable: Option<OsString>,
    /// The user's cache directory.
    cache: Option<PathBuf>,
}

impl Places {
    pub(crate) fn from_env() -> Self {
        let set = |name| env::var_os(name).filter(|value| !value.is_empty());
        let home = || set("HOME").map(PathBuf::from);
        let cache = if cfg!(windows) {
            set("LOCALAPPDATA").map(PathBuf::from)
        } else if cfg!(target_os = "macos") {
            home().map(|home| home.join("Library/Caches"))
        } else {
            // The XDG specification has relative paths ignored.
            let xdg = set("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
            xdg.or_else(|| home().map(|home| home.join(".cache")))
        };
        Self { variable: set(VARIABLE), cache }
    }
}

impl Description {
    /// The set from the first place that has it; `None` if no place does.
    ///
    /// The directory that `FANIN_DATA` names must exist, and a directory with one of the files must
    /// have all four: an error is better than training on another set than the one that was meant.
    /// A directory of another data set in `FANIN_DATA` is passed over.
    pub(crate) fn find(&self, places: &Places) -> Result<Option<(Dataset, Dataset)>> {
        if let Some(named) = &places.variable {
            let named = Path::new(named);
            let own = named.join(self.folder);
            let own = own.is_dir().then_some(&*own);
            if own.is_some() || self.owns_variable || !named.is_dir() {
                let below = match self.owns_variable {
                    true => String::new(),
                    false => format!(" in its subdirectory {}", self.folder),
                };
                let next = format!(
                    "{VARIABLE} is set to {}: set it to a directory with the four {} \
                     files{below}, or unset it",
                    named.display(),
                    self.name
                );
                return self.read(own.unwrap_or(named), &next).map(Some);
            }
        }
        for directory in self.usual(places) {
            if directory.is_dir() && missing(&directory).len() < 4 {
                let next = "copy the others there too, or delete the directory, which is looked \
                            at before others";
                return self.read(&directory, next).map(Some);
            }
        }
        Ok(None)
    }

    /// The directory that has the whole set. If there is none, the one to download it to: that of
    /// `FANIN_DATA`, else that of the user's cache; `None` if neither is known.
    #[cfg(feature = "download")]
    pub(crate) fn store(&self, places: &Places) -> Option<PathBuf> {
        let named = places.variable.as_ref().map(|named| {
            let named = PathBuf::from(named);
            let own = named.join(self.folder);
            let is_itself = self.owns_variable && !own.is_dir() && missing(&named).len() < 4;
            if is_itself { named } else { own }
        });
        if self.owns_variable && named.is_some() {
            return named;
        }
        let whole = |directory: &PathBuf| missing(directory).is_empty();
        let found = named.iter().cloned().chain(self.usual(places)).find(whole);
        let cache = || places.cache.as_ref().map(|cache| cache.join("fanin").join(self.folder));
        found.or(named).or_else(cache)
    }

    /// The directories that are looked at without being named.
    fn usual(&self, places: &Places) -> impl Iterator<Item = PathBuf> {
        let cache = places.cache.iter().map(|cache| cache.join("fanin").join(self.folder));
        cache.chain(self.system.iter().map(PathBuf::from))
    }

    /// The error for a set that [`find`](Description::find) has not found. It says where `find`
    /// looked, and what to do `next`.
    pub(crate) fn not_found(&self, places: &Places, next: &'static str) -> Error {
        let named = places.variable.iter().map(|named| {
            let own = Path::new(named).join(self.folder);
            path::absolute(&own).unwrap_or(own)
        });
        let looked = named.chain(self.usual(places)).collect();
        Error::NotFound { name: self.name, looked, next }
    }

    /// The set from a directory, or an error that says what to do `next` if files are missing.
    pub(crate) fn read(&self, directory: &Path, next: &str) -> Result<(Dataset, Dataset)> {
        // A message with a relative path would not say relative to what.
        let directory = &path::absolute(directory).unwrap_or(directory.into());
        let lacks = |missing| Error::Missing {
            directory: directory.into(),
            missing,
            next: next.to_owned(),
        };
        match directory.metadata() {
            Ok(found) if found.is_dir() => {}
            Err(source) if source.kind() != ErrorKind::NotFound => {
                return Err(Error::Io { file: directory.into(), action: "read", source });
            }
            _ => return Err(lacks(Vec::new())),
        }
        let missing = missing(directory);
        if !missing.is_empty() {
            return Err(lacks(missing));
        }

        let part = |(images, labels), what, full, sums: fn(&Files<u32>) -> (u32, u32)| {
            let (images, labels) = (locate(directory, images), locate(directory, labels));
            let (Some(images), Some(labels)) = (images, labels) else {
                return Err(lacks(self::missing(directory))); // removed a moment ago
            };
            let files = ((&*images, idx::open(&images)?), (&*labels, idx::open(&labels)?));
            let read = LabelledImages::read(files.0, files.1, Some(self.image_shape), LIMIT)?;
            self.recognize(&read, full, sums, (&images, &labels))?;
            let number = count(read.len(), &format!("{what} images"));
            let text = format!("{} in {} ({number})", self.name, directory.display());
            let provenance = Provenance::directory(directory, text);
            Dataset::from_images(read, &labels, self.classes, provenance)
        };
        let train = part(NAMES.train, "training", FULL.0, |sums| sums.train)?;
        let test = part(NAMES.test, "test", FULL.1, |sums| sums.test)?;
        Ok((train, test))
    }

    /// Refuses images that cannot be those of this set: a file whose pixels are all the same, or one
    /// with as many images as the full set and other contents. A part of a set passes.
    fn recognize(
        &self,
        read: &LabelledImages,
        full: usize,
        sums: fn(&Files<u32>) -> (u32, u32),
        (images, labels): (&Path, &Path),
    ) -> Result<()> {
        let refuse =
            |file: &Path, found| Err(Error::NotOfSet { file: file.into(), found, set: self.name });
        if let Some((first, rest)) = read.images.split_first()
            && rest.iter().all(|pixel| pixel == first)
        {
            return refuse(images, format!("images whose pixels are all {first}"));
        }
        if read.labels.len() != full {
            return Ok(());
        }
        let sum = |bytes: &[u8]| {
            let mut crc = Crc::new();
            crc.update(bytes);
            crc.sum()
        };
        let found = (sum(&read.images), sum(&read.labels));
        let expected = sums(&self.sums);
        let check = |file, what, found: u32, expected, of: fn((u32, u32)) -> u32| {
            if found == expected {
                return Ok(());
            }
            let known = KNOWN.iter().find(|(_, known)| of(sums(known)) == found);
            refuse(
                file,
                match known {
                    Some((name, _)) => format!("the {what} of {name}"),
                    None => {
                        format!("{what} whose checksum is {found:08x} instead of {expected:08x}")
                    }
                },
            )
        };
        check(images, "images", found.0, expected.0, |sums| sums.0)?;
        check(labels, "labels", found.1, expected.1, |sums| sums.1)
    }

    /// The set from the bytes that the crate carries.
    pub(crate) fn unpack(&self, files: &Files<&'static [u8]>) -> (Dataset, Dataset) {
        // The bytes are part of the program, and tests read them.
        let sound = "the bundled files are sound";
        let name = Path::new("bundled");
        let [train, test] = [files.train, files.test].map(|(images, labels)| {
            LabelledImages::read((name, images), (name, labels), Some(self.image_shape), LIMIT)
                .expect(sound)
        });
        let text = format!(
            "bundled {} subset ({} + {})",
            self.name,
            Thousands(train.len()),
            count(test.len(), "images"),
        );
        let [train, test] = [train, test].map(|read| {
            let provenance = Provenance::bundled(text.clone());
            Dataset::from_images(read, name, self.classes, provenance).expect(sound)
        });
        (train, test)
    }
}

/// The files that a directory lacks.
pub(crate) fn missing(directory: &Path) -> Vec<String> {
    let Files { train, test } = NAMES;
    let names = [train.0, train.1, test.0, test.1];
    names.into_iter().filter(|name| locate(directory, name).is_none()).map(Into::into).collect()
}

/// The file of this name, under any of the names that editions give it.
fn locate(directory: &Path, name: &str) -> Option<PathBuf> {
    let dotted = name.replace("-idx", ".idx");
    let names = [name.into(), format!("{name}.gz"), format!("{dotted}.gz"), dotted];
    let paths = names.map(|name| directory.join(name));
    let is_file = |path: &&PathBuf| path.metadata().is_ok_and(|found| found.is_file());
    // What is no regular file counts too: opening it gives a better error than that it is missing. A
    // directory does not count, because the archive may lie beside it.
    let is_there = |path: &&PathBuf| match path.metadata() {
        Ok(found) => !found.is_dir(),
        Err(e) => e.kind() != ErrorKind::NotFound,
    };
    paths.iter().find(is_file).or_else(|| paths.iter().find(is_there)).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_of_the_system_are_looked_at() {
        const NONE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src");
        const DIGITS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/mnist-5k");
        let digits = Description {
            name: "Digits",
            folder: "digits",
            owns_variable: false,
            image_shape: &[28, 28],
            classes: 10,
            system: &[NONE, DIGITS],
            sums: MNIST.sums,
        };
        let (_, test) = digits.find(&Places::default()).unwrap().unwrap();
        assert_eq!(test.provenance().path(), Some(Path::new(DIGITS)));
        assert_eq!(test.len(), 1_000);
        let digits = Description { system: &[NONE], ..digits };
        assert!(digits.find(&Places::default()).unwrap().is_none());
    }
}
