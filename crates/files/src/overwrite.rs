//! Overwrites a file where it is.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::Path;

use crate::{Error, Sink};

/// Overwrites an existing file. What lies beyond its old end is written first, because only that can
/// need room on the disk: if there is none, the file gets its old length again.
pub(crate) fn overwrite(
    target: &Path,
    write: &mut dyn FnMut(&mut dyn Sink) -> io::Result<()>,
) -> Result<(), Error> {
    let file = File::options().write(true).open(target)?;
    let old = file.metadata()?.len();

    let mut tail = Part { file: &file, part: old..u64::MAX, at: 0, len: 0 };
    let written = write(&mut tail).and_then(|()| file.sync_all());
    let len = tail.len;
    if let Err(source) = written {
        file.set_len(old).map_err(Error::Torn)?;
        return Err(Error::Io(source));
    }
    write(&mut Part { file: &file, part: 0..old, at: 0, len: 0 })
        .and_then(|()| file.set_len(len))
        .and_then(|()| file.sync_all())
        .map_err(Error::Torn)
}

/// Writes only what falls into a part of a file.
struct Part<'f> {
    file: &'f File,
    part: Range<u64>,
    /// Where the next byte goes.
    at: u64,
    /// The length of all that was written.
    len: u64,
}

impl Write for Part<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Range { start, end } = self.part;
        // How many of the bytes lie before this position.
        let before = |position: u64| {
            let offset = position.saturating_sub(self.at);
            usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len())
        };
        let inside = before(start)..before(end);
        if !inside.is_empty() {
            self.file.seek(SeekFrom::Start(self.at + inside.start as u64))?;
            self.file.write_all(&bytes[inside])?;
        }
        self.at += bytes.len() as u64;
        self.len = self.len.max(self.at);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for Part<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let moved = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.len.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = moved.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn scratch(name: &str, content: &[u8]) -> std::path::PathBuf {
        let path = std::env::temp_dir().join(format!("fanin-files-{}-{name}", std::process::id()));
        fs::write(&path, content).unwrap();
        path
    }

    /// Writes a text with its first byte last, as a model's header is written.
    fn backwards(text: &[u8], file: &mut dyn Sink) -> io::Result<()> {
        file.write_all(b"?")?;
        file.write_all(&text[1..])?;
        file.rewind()?;
        file.write_all(&text[..1])
    }

    #[test]
    fn any_length_over_any_other() {
        let path = scratch("lengths", b"");
        for old in [0, 1, 3, 7, 20] {
            for new in [1, 2, 7, 19, 20, 21] {
                let text: Vec<u8> = (b'a'..).take(new).collect();
                fs::write(&path, vec![b'-'; old]).unwrap();
                overwrite(&path, &mut |file| backwards(&text, file)).unwrap();
                assert_eq!(fs::read(&path).unwrap(), text, "{new} over {old}");
            }
        }
        fs::remove_file(path).unwrap();
    }

    #[test]
    fn an_error_before_the_old_part_is_written_changes_nothing() {
        let path = scratch("full", b"old");
        let full = || io::Error::from(io::ErrorKind::StorageFull);
        let error = overwrite(&path, &mut |file| {
            file.write_all(b"longer than before")?;
            Err(full())
        });
        assert!(matches!(error, Err(Error::Io(_))));
        assert_eq!(fs::read(&path).unwrap(), b"old");

        let mut calls = 0;
        let error = overwrite(&path, &mut |file| {
            calls += 1;
            file.write_all(b"new")?;
            if calls == 2 { Err(full()) } else { Ok(()) }
        });
        assert!(matches!(error, Err(Error::Torn(_))));
        fs::remove_file(path).unwrap();
    }
}
