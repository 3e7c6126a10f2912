//! Data sets in the form of MNIST: where their four files are looked for, and how they are read.

use std::env;
use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::{self, Path, PathBuf};

use fanin_tensor::show_shape;

use crate::error::{Error, Result, Thousands, count};
use crate::idx::{Idx, Reader};
use crate::{Dataset, Source};

/// The variable that names the directory to use before all others.
const VARIABLE: &str = "FANIN_DATA";

/// A data set of four IDX files under MNIST's names. Another one of this kind is another constant.
pub(crate) struct Family {
    /// As messages say it.
    pub(crate) name: &'static str,
    /// The name of its directory, in the cache and in `FANIN_DATA`.
    pub(crate) folder: &'static str,
    pub(crate) image_shape: &'static [usize],
    pub(crate) classes: usize,
    /// Directories of the system that may have it.
    pub(crate) system: &'static [&'static str],
}

/// Two parts of a set, each a file of images and a file of their labels.
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

impl Family {
    /// The set from the first place that has it; `None` if no place does.
    ///
    /// What `FANIN_DATA` names must be there, and a directory that has one of the files must have
    /// all: to train on another set than the one that was meant is worse than an error.
    pub(crate) fn find(&self, places: &Places) -> Result<Option<(Dataset, Dataset)>> {
        if let Some(named) = &places.variable {
            let own = Path::new(named).join(self.folder);
            let directory = if own.is_dir() { &own } else { Path::new(named) };
            let next = format!(
                "{VARIABLE} is set to {}: set it to a directory with the four {} files, or unset it",
                Path::new(named).display(),
                self.name
            );
            return self.read(directory, &next).map(Some);
        }
        let cache = places.cache.iter().map(|cache| cache.join("fanin").join(self.folder));
        for directory in cache.chain(self.system.iter().map(PathBuf::from)) {
            if directory.is_dir() && missing(&directory).len() < 4 {
                let next = "copy the others there too, or delete the directory, which is looked \
                            at before others";
                return self.read(&directory, next).map(Some);
            }
        }
        Ok(None)
    }

    /// The set from a directory, or an error that says what is `next` if it is not there.
    pub(crate) fn read(&self, directory: &Path, next: &str) -> Result<(Dataset, Dataset)> {
        // A relative path means little in a message: relative to what?
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

        let part = |(images, labels), what| {
            let (images, labels) = (locate(directory, images), locate(directory, labels));
            let (Some(images), Some(labels)) = (images, labels) else {
                return Err(lacks(self::missing(directory))); // removed a moment ago
            };
            let pixels = Reader::new().noun("images").read(&images)?;
            let classes = Reader::new().noun("labels").read(&labels)?;
            let number = count(pixels.shape()[0] as u64, &format!("{what} images"));
            let text = format!("{} in {} ({number})", self.name, directory.display());
            let source = Source::directory(directory, text);
            self.assemble((&images, pixels), (&labels, classes), source)
        };
        Ok((part(NAMES.train, "training")?, part(NAMES.test, "test")?))
    }

    /// The set from the bytes that the crate carries.
    pub(crate) fn unpack(&self, files: &Files<&'static [u8]>) -> (Dataset, Dataset) {
        // The bytes are part of the program, and tested with it.
        let sound = "the bundled files are sound";
        let read = |bytes: &[u8]| Reader::new().read_from("bundled", bytes).expect(sound);
        let [train, test] =
            [files.train, files.test].map(|(images, labels)| (read(images), read(labels)));
        let text = format!(
            "bundled {} subset ({} + {})",
            self.name,
            Thousands(train.0.shape()[0] as u64),
            count(test.0.shape()[0] as u64, "images"),
        );
        let [train, test] = [train, test].map(|(images, labels)| {
            let name = Path::new("bundled");
            let source = Source::bundled(text.clone());
            self.assemble((name, images), (name, labels), source).expect(sound)
        });
        (train, test)
    }

    fn assemble(
        &self,
        images: (&Path, Idx),
        labels: (&Path, Idx),
        source: Source,
    ) -> Result<Dataset> {
        let name = images.0;
        let data = Dataset::from_files(images, labels, self.classes, source)?;
        let found = match data.image_shape() {
            _ if data.is_empty() => "no images".into(),
            shape if shape == self.image_shape => return Ok(data),
            shape => format!("images of {}", show_shape(shape)),
        };
        let expected = format!("images of {}", show_shape(self.image_shape));
        Err(Error::Unexpected { file: name.into(), found, expected })
    }
}

/// The files that a directory lacks.
fn missing(directory: &Path) -> Vec<String> {
    let Files { train, test } = NAMES;
    let names = [train.0, train.1, test.0, test.1];
    names.into_iter().filter(|name| locate(directory, name).is_none()).map(Into::into).collect()
}

/// The file of this name, under any of the names that editions give it.
fn locate(directory: &Path, name: &str) -> Option<PathBuf> {
    let dotted = name.replace("-idx", ".idx");
    let names = [name.into(), format!("{name}.gz"), format!("{dotted}.gz"), dotted];
    names.into_iter().map(|name| directory.join(name)).find(|path| match path.metadata() {
        Ok(found) => found.is_file(),
        // Opening it will tell why, which is better than to say that it is not there.
        Err(e) => e.kind() != ErrorKind::NotFound,
    })
}
