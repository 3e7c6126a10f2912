//! [`RemoteFile`]: what a file must be, and where it is.

use std::io::{self, Read, Write};
use std::path::Path;

use ring::digest::{Context, SHA256};

use crate::error::{Error, Result};

/// A file that mirrors have: its name, its length, its SHA-256, and the folders to look in.
///
/// # Example
/// ```
/// use fanin_datasets::download::RemoteFile;
///
/// let digits = RemoteFile::new(
///     "digits.csv",
///     4_096,
///     "ad7facb2586fc6e966c004d7d1d16b024f5805ff7cb47c7a85dabd8b48892ca7",
/// )
/// .mirror("https://files.example.org/digits")
/// .mirror("https://mirror.example.com");
/// assert_eq!(digits.name(), "digits.csv");
/// ```
#[derive(Clone, Debug)]
pub struct RemoteFile {
    name: String,
    bytes: u64,
    sha256: [u8; 32],
    mirrors: Vec<String>,
}

impl RemoteFile {
    /// A file of this many bytes with this SHA-256, in 64 hexadecimal digits.
    ///
    /// # Panics
    /// **Panics** if the name leads to another directory, or if the checksum is no SHA-256.
    #[track_caller]
    pub fn new(name: &str, bytes: u64, sha256: &str) -> Self {
        let is_plain = !["", ".", ".."].contains(&name) && !name.contains(['/', '\\', ':', '\0']);
        assert!(
            is_plain,
            "RemoteFile::new: {name:?} is no plain file name; give one without a path"
        );
        let Some(sha256) = parse(sha256) else {
            panic!(
                "RemoteFile::new: {sha256:?} is no SHA-256 of {name}; give the 64 hexadecimal digits \
                 that sha256sum prints"
            )
        };
        Self { name: name.to_owned(), bytes, sha256, mirrors: vec![] }
    }

    /// A further mirror: the URL of a folder that has the file under its name.
    pub fn mirror(mut self, folder: impl Into<String>) -> Self {
        self.mirrors.push(folder.into());
        self
    }

    /// The file's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The file's length in bytes.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) fn mirrors(&self) -> &[String] {
        &self.mirrors
    }

    pub(super) fn url(&self, folder: &str) -> String {
        format!("{}/{}", folder.trim_end_matches('/'), self.name)
    }

    /// Whether this file is at the path, with the right length and checksum.
    pub(super) fn is_at(&self, path: &Path) -> Result<bool> {
        let file = match fanin_files::open(path) {
            Ok(file) => file,
            // A file that cannot be read is downloaded again.
            Err(fanin_files::Error::Io(_)) => return Ok(false),
            Err(error) => return Err(Error::of_file(path, "write", error)),
        };
        if !file.metadata().is_ok_and(|found| found.len() == self.bytes) {
            return Ok(false);
        }
        let mut sum = Checksum::new();
        Ok(sum.copy(file, &mut io::sink()).is_ok() && sum.matches(self).is_ok())
    }
}

/// The SHA-256 of what passes through.
pub(super) struct Checksum(Context);

impl Checksum {
    pub(super) fn new() -> Self {
        Self(Context::new(&SHA256))
    }

    /// Copies all of a stream.
    pub(super) fn copy(
        &mut self,
        mut from: impl Read,
        to: &mut (impl Write + ?Sized),
    ) -> io::Result<()> {
        let mut buffer = vec![0; 1 << 16];
        loop {
            match from.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(n) => {
                    self.0.update(&buffer[..n]);
                    to.write_all(&buffer[..n])?;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Whether it is that of a file; if not, what it is.
    pub(super) fn matches(self, file: &RemoteFile) -> std::result::Result<(), String> {
        let found = self.0.finish();
        if found.as_ref() == file.sha256 {
            return Ok(());
        }
        Err(found.as_ref().iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

fn parse(text: &str) -> Option<[u8; 32]> {
    let mut sum = [0; 32];
    if text.len() != 64 || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    for (byte, at) in sum.iter_mut().zip((0..).step_by(2)) {
        *byte = u8::from_str_radix(&text[at..at + 2], 16).ok()?;
    }
    Some(sum)
}
