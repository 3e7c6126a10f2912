//! [`replace`]: writes a file completely or not at all.

use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::temporary::Temporary;
use crate::{Error, Sink, leftovers, overwrite, refuse_other_than_file};

/// Makes `write` write the file at `target`, and replaces an existing file.
///
/// The content goes to a temporary file in the same directory, which is renamed to the target once
/// it is on the disk. So nobody sees half a file, and an error changes nothing.
///
/// - A symbolic link stays, and the file that it leads to is written, even if there is none yet.
/// - Permissions, owner and group of an existing file stay.
/// - Another name of the same file (a hard link) keeps the old content.
/// - Where the directory takes no new file, or its owner cannot be given to it, an existing file is
///   overwritten where it is, under all its names. First the part that makes it longer is written: a
///   full disk still changes nothing. While the rest is written, a crash can leave a mixture.
/// - Temporary files are removed that processes have left in the directory which were killed more than a
///   minute before.
///
/// `write` is called again if the first way is refused; it must write the same bytes each time.
///
/// # Errors
/// [`Error::NotAFile`] for a directory, a device or a pipe; [`Error::Io`] if the existing file is
/// read-only, if the operating system refuses, or if `write` fails; [`Error::Torn`] if the operating
/// system refuses while an existing file is overwritten.
pub fn replace(
    target: &Path,
    mut write: impl FnMut(&mut dyn Sink) -> io::Result<()>,
) -> Result<(), Error> {
    // Before links are followed: those in /proc/self/fd lead to no path.
    refuse_other_than_file(target)?;
    let target = follow(target)?;
    let before = fs::metadata(&target).ok();
    // rename(2) replaces even a read-only file, so refuse to save over one here.
    if before.as_ref().is_some_and(|before| before.permissions().readonly()) {
        let why = "the file that is there is read-only";
        return Err(io::Error::new(ErrorKind::PermissionDenied, why).into());
    }
    match by_rename(&target, before.as_ref(), &mut write) {
        Ok(()) => Ok(()),
        Err(Failure::Refused(_)) if before.is_some() => overwrite::overwrite(&target, &mut write),
        Err(Failure::Refused(source) | Failure::Other(source)) => Err(Error::Io(source)),
    }
}

enum Failure {
    /// This way is closed, and another may be open.
    Refused(io::Error),
    Other(io::Error),
}

impl From<io::Error> for Failure {
    fn from(source: io::Error) -> Self {
        match source.kind() {
            // A directory without write permission, another user's file in a directory like /tmp, or
            // a file that is a mount point.
            ErrorKind::PermissionDenied
            | ErrorKind::ReadOnlyFilesystem
            | ErrorKind::ResourceBusy => Self::Refused(source),
            _ => Self::Other(source),
        }
    }
}

fn by_rename(
    target: &Path,
    before: Option<&Metadata>,
    write: &mut dyn FnMut(&mut dyn Sink) -> io::Result<()>,
) -> Result<(), Failure> {
    let directory = directory_of(target);
    leftovers::remove(directory);
    let mut temporary = Temporary::beside(target, before)?;
    // Before writing: at no time can others read a file that only its owner may read.
    if let Some(before) = before {
        temporary.belong_as(before).map_err(Failure::Refused)?;
    }
    write(&mut temporary.file).map_err(Failure::Other)?;
    // Without this, a crash could leave an empty file under the new name.
    temporary.file.sync_all().map_err(Failure::Other)?;
    temporary.keep(target)?;
    sync(directory);
    Ok(())
}

/// Where symbolic links lead. The last one may lead to no file: it will be created there.
fn follow(path: &Path) -> io::Result<PathBuf> {
    let mut target = path.to_owned();
    // Linux follows as many.
    for _ in 0..40 {
        match fs::read_link(&target) {
            Ok(next) => target = directory_of(&target).join(next),
            // It is no link, or does not exist.
            Err(_) => return Ok(target),
        }
    }
    Err(io::Error::other("its symbolic links lead in a circle"))
}

fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Makes the rename survive a crash. Errors are ignored, because the file is complete either way and
/// not every system supports this.
fn sync(directory: &Path) {
    if cfg!(unix) {
        let _ = File::open(directory).and_then(|directory| directory.sync_all());
    }
}
