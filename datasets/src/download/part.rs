//! [`Part`]: what has arrived of a file, in `NAME.part` beside it.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use super::progress::Progress;
use super::remote_file::{Checksum, RemoteFile};
use crate::error::{Error, Result};

/// The beginning of a file, locked against other processes for as long as it is open.
pub(super) struct Part {
    path: PathBuf,
    file: File,
    len: u64,
}

/// The time between two looks at a lock.
const PAUSE: Duration = Duration::from_millis(50);

impl Part {
    /// Opens the part of a target, and waits until no other process has it. Fails if such a process
    /// adds nothing for as long as `patience`.
    pub(super) fn open(
        target: &Path,
        of: &RemoteFile,
        patience: Duration,
        progress: &mut dyn FnMut(&Progress<'_>),
    ) -> Result<Self> {
        let path = target.with_file_name(format!("{}.part", of.name()));
        let io = |source| Error::Io { file: path.clone(), action: "write", source };
        let (mut seen, mut since) = (0, Instant::now());
        loop {
            match path.metadata() {
                Ok(found) if !found.is_file() => {
                    return Err(io(io::Error::other("it is no file; remove it")));
                }
                _ => {}
            }
            let mut options = File::options();
            let file = options.read(true).write(true).create(true).truncate(false).open(&path);
            let file = file.map_err(io)?;
            match file.try_lock() {
                // The file was removed by its owner, who releases the lock afterwards. Open a new one.
                Ok(()) if !has_name(&file) => {}
                // `Error`: the file system has no locks, and only the checksum protects.
                Ok(()) | Err(TryLockError::Error(_)) => {
                    let len = file.metadata().map_err(io)?.len();
                    let mut part = Self { path: path.clone(), file, len };
                    if len > of.bytes() {
                        part.restart()?;
                    }
                    return Ok(part);
                }
                Err(TryLockError::WouldBlock) => {
                    let len = path.metadata().map_or(0, |found| found.len());
                    if len != seen {
                        (seen, since) = (len, Instant::now());
                        let from = "another process";
                        let (file, bytes) = (of.name(), of.bytes());
                        progress(&Progress { file, from, done: len.min(bytes), bytes });
                    }
                    if since.elapsed() > patience {
                        return Err(io(io::Error::other(format!(
                            "another process downloads it, and has added nothing for {} s; end that \
                             process",
                            patience.as_secs_f64()
                        ))));
                    }
                    thread::sleep(PAUSE);
                }
            }
        }
    }

    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// Adds bytes to the end.
    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<()> {
        let written = self
            .file
            .seek(io::SeekFrom::Start(self.len))
            .and_then(|_| self.file.write_all(bytes))
            .map_err(|source| self.io(source));
        self.len += bytes.len() as u64;
        written
    }

    /// Forgets all that has arrived.
    pub(super) fn restart(&mut self) -> Result<()> {
        self.len = 0;
        self.file.set_len(0).map_err(|source| self.io(source))
    }

    /// Gives the target this content, if it is the file. The bytes that are checked are those that are
    /// written. The outer error is one of this machine; the inner one is the checksum that was found.
    pub(super) fn install(
        &mut self,
        of: &RemoteFile,
        target: &Path,
    ) -> Result<std::result::Result<(), String>> {
        let mut wrong = None;
        let replaced = fanin_files::replace(target, |to| {
            self.file.rewind()?;
            let mut sum = Checksum::new();
            sum.copy((&self.file).take(of.bytes()), to)?;
            sum.matches(of).map_err(|found| {
                wrong = Some(found);
                io::Error::from(io::ErrorKind::InvalidData)
            })
        });
        match (replaced, wrong) {
            (_, Some(found)) => Ok(Err(found)),
            (Ok(()), None) => Ok(Ok(())),
            (Err(error), None) => Err(Error::of_file(target, "write", error)),
        }
    }

    /// Removes the file. Errors are ignored: the part does no harm, and the next download looks at it.
    pub(super) fn remove(self) {
        let _ = fs::remove_file(&self.path);
    }

    /// Leaves the file for the next download, if there is anything in it.
    pub(super) fn close(self) {
        if self.len == 0 {
            self.remove();
        }
    }

    fn io(&self, source: io::Error) -> Error {
        Error::Io { file: self.path.clone(), action: "write", source }
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
