//! A file is there whole, or as it was before.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

/// Puts what `write` writes in place of `target`. If anything fails, `target` is as it was and nothing
/// else is left behind.
pub(super) fn write(
    target: &Path,
    write: impl FnOnce(&mut File) -> io::Result<()>,
) -> io::Result<()> {
    // Through a symbolic link, as any other way of writing would go; a rename would replace the link.
    let target = fs::canonicalize(target).unwrap_or_else(|_| target.to_owned());
    let before = fs::metadata(&target).ok();
    // A rename asks for no leave of the file it replaces, and somebody took it from this one.
    if before.as_ref().is_some_and(|before| before.permissions().readonly()) {
        let why = "the file that is there is read-only";
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
    }
    let (temporary, mut file) = create_beside(&target)?;
    // Permissions first: what only the owner could read is never there for others, not even half.
    let permitted = before.map_or(Ok(()), |before| file.set_permissions(before.permissions()));
    let result = permitted
        .and_then(|()| write(&mut file))
        // Or a crash soon after could leave the new name with nothing in it.
        .and_then(|()| file.sync_all());
    drop(file);
    let result = result.and_then(|()| fs::rename(&temporary, &target));
    match result {
        Ok(()) => sync_directory(&target),
        Err(_) => drop(fs::remove_file(&temporary)),
    }
    result
}

/// A new file in the same directory, and so on the same disk: across disks nothing can be renamed.
fn create_beside(target: &Path) -> io::Result<(PathBuf, File)> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    loop {
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        // Not made of the target's name, which may be as long as a name can be.
        let temporary = target.with_file_name(format!(".fanin-{}-{n}.tmp", process::id()));
        match File::create_new(&temporary) {
            // A process that was killed had the same number once.
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
            created => return created.map(|file| (temporary, file)),
        }
    }
}

/// Makes the rename itself last through a crash. The file is whole either way, and not every system
/// can do this, so a failure is none.
fn sync_directory(target: &Path) {
    if cfg!(unix)
        && let Some(directory) = target.parent()
    {
        let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
        let _ = File::open(directory).and_then(|directory| directory.sync_all());
    }
}
