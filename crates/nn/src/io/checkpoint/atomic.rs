//! Writes a file completely or not at all.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

/// Replaces `target` by what `write` writes. If anything fails, `target` stays unchanged and no
/// other file is left.
pub(super) fn write(
    target: &Path,
    write: impl FnOnce(&mut File) -> io::Result<()>,
) -> io::Result<()> {
    // Follow a symbolic link, as other writers do. rename(2) would replace the link itself.
    let target = fs::canonicalize(target).unwrap_or_else(|_| target.to_owned());
    let before = fs::metadata(&target).ok();
    // rename(2) replaces even a read-only file, so refuse to save over one here.
    if before.as_ref().is_some_and(|before| before.permissions().readonly()) {
        let why = "the file that is there is read-only";
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
    }
    let (temporary, mut file) = create_beside(&target)?;
    // Set the permissions before writing. Others can then at no time read a file that only the
    // owner may read.
    let permitted = before.map_or(Ok(()), |before| file.set_permissions(before.permissions()));
    let result = permitted
        .and_then(|()| write(&mut file))
        // Without this, a crash could leave an empty file under the new name.
        .and_then(|()| file.sync_all());
    drop(file);
    let result = result.and_then(|()| fs::rename(&temporary, &target));
    match result {
        Ok(()) => sync_directory(&target),
        Err(_) => drop(fs::remove_file(&temporary)),
    }
    result
}

/// A new file in the same directory, so that it is on the same disk: rename(2) cannot cross disks.
fn create_beside(target: &Path) -> io::Result<(PathBuf, File)> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    loop {
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        // The name does not contain the target's, which may already have the maximum length.
        let temporary = target.with_file_name(format!(".fanin-{}-{n}.tmp", process::id()));
        match File::create_new(&temporary) {
            // A killed process with the same number left this name.
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
            created => return created.map(|file| (temporary, file)),
        }
    }
}

/// Makes the rename survive a crash. Errors are ignored, because the file is complete either way
/// and not every system supports this.
fn sync_directory(target: &Path) {
    if cfg!(unix)
        && let Some(directory) = target.parent()
    {
        let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
        let _ = File::open(directory).and_then(|directory| directory.sync_all());
    }
}
