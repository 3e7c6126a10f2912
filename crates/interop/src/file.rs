//! Whole files, read and replaced.

use std::io::Read;
use std::path::Path;

use crate::error::{Error, Result};

/// The name of what is read from memory, in messages.
pub(crate) fn bytes() -> &'static Path {
    Path::new("bytes")
}

pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    let io = |source| Error::Read { file: path.to_owned(), source };
    let mut file = fanin_files::open(path).map_err(|error| match error {
        fanin_files::Error::NotAFile(found) => Error::NotAFile { file: path.to_owned(), found },
        fanin_files::Error::Io(source) | fanin_files::Error::Torn(source) => io(source),
    })?;
    let mut bytes = vec![];
    file.read_to_end(&mut bytes).map_err(io)?;
    Ok(bytes)
}

pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    let file = || path.to_owned();
    fanin_files::replace(path, |out| out.write_all(bytes)).map_err(|error| match error {
        fanin_files::Error::NotAFile(found) => Error::NotAFile { file: file(), found },
        fanin_files::Error::Io(source) => Error::Write { file: file(), source },
        fanin_files::Error::Torn(source) => Error::Torn { file: file(), source },
    })
}

/// The most bytes that a network may take which a file of this length describes and holds: four for each
/// two of the file, and the working memory of initializers.
pub(crate) fn network_limit(file: usize) -> u64 {
    (file as u64).saturating_mul(16).saturating_add(1 << 16)
}
