//! [`Temporary`]: the file that becomes the target.

use std::fs::{self, File, Metadata, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

/// A new file, gone when this is dropped unless it was [kept](Temporary::keep).
pub(crate) struct Temporary {
    /// Locked for as long as it is open: see [`leftovers`](crate::leftovers).
    pub(crate) file: File,
    path: PathBuf,
    kept: bool,
}

impl Temporary {
    /// A new file in the target's directory, so that it is on the same disk: rename(2) cannot cross
    /// disks. If there is a file before, nobody but its owner can open the new one yet.
    pub(crate) fn beside(target: &Path, before: Option<&Metadata>) -> io::Result<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let mut options = File::options();
        options.write(true).create_new(true);
        if before.is_some() {
            private(&mut options);
        }
        loop {
            let n = NEXT.fetch_add(1, Ordering::Relaxed);
            // The name does not contain the target's, which may already have the maximum length.
            let path = target.with_file_name(format!(".fanin-{}-{n}.tmp", process::id()));
            let file = match options.open(&path) {
                // A killed process with the same number left this name.
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => continue,
                opened => opened?,
            };
            // A file system without locks refuses. Nobody can lock a leftover there either, so none
            // is removed.
            let locked = file.try_lock();
            // Another process can have taken it for a leftover before it was locked.
            let is_taken = matches!(locked, Err(TryLockError::WouldBlock)) || !path.exists();
            let temporary = Self { file, path, kept: false };
            if !is_taken {
                return Ok(temporary);
            }
        }
    }

    /// Gives the file the owner and the permissions of another.
    pub(crate) fn belong_as(&self, before: &Metadata) -> io::Result<()> {
        keep_owner(&self.file, before)?;
        // Only if they differ: some file systems refuse every change.
        if self.file.metadata()?.permissions() != before.permissions() {
            self.file.set_permissions(before.permissions())?;
        }
        Ok(())
    }

    /// Renames the file to the target, and replaces what is there.
    pub(crate) fn keep(mut self, target: &Path) -> io::Result<()> {
        fs::rename(&self.path, target)?;
        self.kept = true;
        Ok(())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.kept {
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(unix)]
fn private(options: &mut OpenOptions) {
    use std::os::unix::fs::OpenOptionsExt;
    options.mode(0o600);
}

#[cfg(not(unix))]
fn private(_: &mut OpenOptions) {}

#[cfg(unix)]
fn keep_owner(file: &File, before: &Metadata) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, fchown};
    let now = file.metadata()?;
    let user = (now.uid() != before.uid()).then(|| before.uid());
    let group = (now.gid() != before.gid()).then(|| before.gid());
    if user.is_none() && group.is_none() { Ok(()) } else { fchown(file, user, group) }
}

#[cfg(not(unix))]
fn keep_owner(_: &File, _: &Metadata) -> io::Result<()> {
    Ok(())
}
