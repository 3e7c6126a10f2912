//! The first 32 bytes of a file, and checksums.

use std::io::{self, Read, Write};
use std::path::Path;

use crc32fast::Hasher;
use fanin_tensor::Scalar;

use crate::io::error::{Error, Result};

/// No text contains `8F` (it cannot start a UTF-8 character) or `00`. A transfer that rewrites line
/// ends changes the `0A`.
const MAGIC: [u8; 8] = *b"\x8Ffanin\n\0";
const VERSION: u32 = 2;

pub(super) struct Header {
    version: u32,
    element: [u8; 4],
    /// The number of bytes after the header.
    pub(super) payload: u64,
    sum: u32,
}

impl Header {
    pub(super) const LEN: usize = 32;

    /// The header of a payload of `T` that was written through `summed`.
    pub(super) fn of<T: Scalar>(summed: &Summed<impl Write>) -> Self {
        let (payload, sum) = (summed.len, summed.sum());
        Self { version: VERSION, element: element::<T>(), payload, sum }
    }

    pub(super) fn to_bytes(&self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8..12].copy_from_slice(&self.version.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.element);
        bytes[16..24].copy_from_slice(&self.payload.to_le_bytes());
        bytes[24..28].copy_from_slice(&self.sum.to_le_bytes());
        let sum = crc32fast::hash(&bytes[..28]);
        bytes[28..].copy_from_slice(&sum.to_le_bytes());
        bytes
    }

    /// Reads the header of a fanin file of any version.
    pub(super) fn read(source: &mut dyn Read, file: &Path) -> Result<Self> {
        let mut bytes = Vec::with_capacity(Self::LEN);
        if let Err(source) = Read::take(&mut *source, Self::LEN as u64).read_to_end(&mut bytes) {
            return Err(Error::Read { file: file.to_owned(), source });
        }
        let magic = bytes.len().min(MAGIC.len());
        if bytes[..magic] != MAGIC[..magic] {
            return Err(Error::Foreign { file: file.to_owned(), found: recognize(&bytes) });
        }
        let Ok(bytes) = <[u8; Self::LEN]>::try_from(&bytes[..]) else {
            let len = bytes.len() as u64;
            return Err(Error::Truncated { file: file.to_owned(), len, expected: None });
        };
        let u32_at = |at| u32::from_le_bytes(std::array::from_fn(|i| bytes[at + i]));
        let u64_at = |at| u64::from_le_bytes(std::array::from_fn(|i| bytes[at + i]));
        let (found, expected) = (crc32fast::hash(&bytes[..28]), u32_at(28));
        if found != expected {
            let file = file.to_owned();
            return Err(Error::Damaged { file, part: "header", found, expected });
        }
        let element = std::array::from_fn(|i| bytes[12 + i]);
        Ok(Self { version: u32_at(8), element, payload: u64_at(16), sum: u32_at(24) })
    }

    /// Whether sections follow the parameters.
    pub(super) fn has_sections(&self) -> bool {
        self.version >= 2
    }

    /// Checks that a file of `len` bytes with this header can hold a model of `T`.
    pub(super) fn check<T: Scalar>(&self, len: u64, file: &Path) -> Result<()> {
        let file = || file.to_owned();
        if self.version == 0 {
            return Err(Error::Malformed { file: file(), why: "it is of format 0".into() });
        }
        if self.version > VERSION {
            return Err(Error::Newer { file: file(), version: self.version, newest: VERSION });
        }
        // Checked before the element type: an incomplete file is of no use to any model.
        let expected = self.payload.saturating_add(Self::LEN as u64);
        if len < expected {
            return Err(Error::Truncated { file: file(), len, expected: Some(expected) });
        }
        if len > expected {
            return Err(Error::TooLong { file: file(), len, expected });
        }
        if self.element != element::<T>() {
            let found = self.element.escape_ascii().to_string().replace("\\x00", "");
            let expected = element_name::<T>();
            return Err(Error::ElementType { file: file(), found, expected });
        }
        Ok(())
    }

    /// Checks that the payload, read completely through `summed`, is the one that was written.
    pub(super) fn check_payload(&self, summed: &Summed<impl Read>, file: &Path) -> Result<()> {
        let file = || file.to_owned();
        if summed.len < self.payload {
            // The file was cut after it was opened.
            let [len, expected] = [summed.len, self.payload].map(|n| n + Self::LEN as u64);
            return Err(Error::Truncated { file: file(), len, expected: Some(expected) });
        }
        let (found, expected) = (summed.sum(), self.sum);
        if found != expected {
            return Err(Error::Damaged { file: file(), part: "content", found, expected });
        }
        Ok(())
    }
}

fn element<T: Scalar>() -> [u8; 4] {
    let name = element_name::<T>().as_bytes();
    std::array::from_fn(|i| name.get(i).copied().unwrap_or(0))
}

fn element_name<T: Scalar>() -> &'static str {
    // `Scalar` is sealed: there are no other types.
    if size_of::<T>() == size_of::<f32>() { "f32" } else { "f64" }
}

/// Names the format of a file by its first bytes.
fn recognize(start: &[u8]) -> String {
    let known: [(&[u8], &str); 6] = [
        (b"PK\x03\x04", "a zip archive, as PyTorch (.pt) and NumPy (.npz) write"),
        (b"\x89HDF", "HDF5, as Keras writes"),
        (b"\x93NUMPY", "a NumPy array"),
        (b"\x1F\x8B", "gzip"),
        (b"\x80\x02", "a Python pickle"),
        (b"\x8Ffpipe", "a pipeline, which Pipeline::load_with_model reads with its model"),
    ];
    if let Some((_, name)) = known.iter().find(|(magic, _)| start.starts_with(magic)) {
        return (*name).into();
    }
    if start.get(8) == Some(&b'{') && start.get(7) == Some(&0) {
        return "a safetensors header".into();
    }
    let shown = &start[..start.len().min(16)];
    match std::str::from_utf8(shown) {
        Ok(text) if !text.contains('\0') => format!("the text {text:?}"),
        _ => format!("the bytes {shown:02X?}"),
    }
}

/// Counts the bytes that pass and computes their checksum.
pub(super) struct Summed<S> {
    inner: S,
    hasher: Hasher,
    len: u64,
}

impl<S> Summed<S> {
    pub(super) fn new(inner: S) -> Self {
        Self { inner, hasher: Hasher::new(), len: 0 }
    }

    fn sum(&self) -> u32 {
        self.hasher.clone().finalize()
    }

    fn passed(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
        self.len += bytes.len() as u64;
    }
}

impl<R: Read> Read for Summed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.passed(&buffer[..n]);
        Ok(n)
    }
}

impl<W: Write> Write for Summed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.inner.write(bytes)?;
        self.passed(&bytes[..n]);
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
