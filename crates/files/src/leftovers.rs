//! Removes what processes have left that were killed while they wrote.
//!
//! A process locks its temporary file, and the system frees the lock when the process ends, however
//! it ends. So a file that can be locked has lost its writer, on whatever machine that ran.

use std::fs::{self, File};
use std::path::Path;
use std::time::Duration;

/// A younger file may just have been created, and not be locked yet.
const OLD: Duration = Duration::from_secs(60);

/// Removes the temporary files in a directory that no process writes to. Errors are ignored: a
/// leftover does no harm but for the room it takes.
pub(crate) fn remove(directory: &Path) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        if entry.file_name().to_str().is_some_and(is_temporary) && is_old(&entry) {
            let path = entry.path();
            let file = File::options().read(true).write(true).open(&path);
            // Between opening and locking, another process can have removed it and a third can have
            // created a file of its name.
            if file.is_ok_and(|file| file.try_lock().is_ok() && has_name(&file)) {
                let _ = fs::remove_file(&path);
            }
        }
    }
}

#[cfg(unix)]
fn has_name(file: &File) -> bool {
    use std::os::unix::fs::MetadataExt;
    file.metadata().is_ok_and(|found| found.nlink() > 0)
}

#[cfg(not(unix))]
fn has_name(_: &File) -> bool {
    true
}

/// `.fanin-17-0.tmp`
fn is_temporary(name: &str) -> bool {
    let numbers = name.strip_prefix(".fanin-").and_then(|name| name.strip_suffix(".tmp"));
    let numbers = numbers.and_then(|numbers| numbers.split_once('-'));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    numbers.is_some_and(|(process, n)| is_number(process) && is_number(n))
}

fn is_old(entry: &fs::DirEntry) -> bool {
    entry.metadata().is_ok_and(|found| {
        let age = found.modified().ok().and_then(|written| written.elapsed().ok());
        found.is_file() && age.is_some_and(|age| age >= OLD)
    })
}

#[cfg(test)]
mod tests {
    use super::is_temporary;

    #[test]
    fn other_files_are_left_alone() {
        assert!(is_temporary(".fanin-17-0.tmp"));
        for name in
            ["fanin-17-0.tmp", ".fanin-17.tmp", ".fanin--0.tmp", ".fanin-17-0", ".fanin-a-0.tmp"]
        {
            assert!(!is_temporary(name), "{name}");
        }
    }
}
