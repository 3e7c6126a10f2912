//! [`Archive`]: a zip file in memory, stored or deflated.

use std::borrow::Cow;
use std::io::{Cursor, Read};

use flate2::read::DeflateDecoder;
use zip::{CompressionMethod, ZipArchive};

use crate::error::shown;

/// What a zip file holds. Nothing is unpacked before it is wanted.
pub(crate) struct Archive<'f> {
    pub(crate) members: Vec<Member<'f>>,
}

/// A file in a zip file.
#[derive(Clone)]
pub(crate) struct Member<'f> {
    pub(crate) name: String,
    method: CompressionMethod,
    packed: &'f [u8],
    size: u64,
    crc: u32,
}

impl<'f> Archive<'f> {
    pub(crate) fn open(bytes: &'f [u8]) -> Result<Self, String> {
        let broken = |error: zip::result::ZipError| {
            format!("is no whole zip file: {}; save it again", shown(&error.to_string()))
        };
        let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(broken)?;
        let mut members = vec![];
        for i in 0..archive.len() {
            let file = archive.by_index_raw(i).map_err(broken)?;
            let name = file.name().map_err(broken)?.into_owned();
            if file.encrypted() {
                return Err(format!(
                    "is encrypted at {}; save it without a password",
                    shown(&name)
                ));
            }
            let packed = file.data_start().and_then(|start| {
                let start = usize::try_from(start).ok()?;
                let end = start.checked_add(usize::try_from(file.compressed_size()).ok()?)?;
                bytes.get(start..end)
            });
            let Some(packed) = packed else {
                return Err(format!("ends within {}; save it again", shown(&name)));
            };
            let (method, size, crc) = (file.compression(), file.size(), file.crc32());
            members.push(Member { name, method, packed, size, crc });
        }
        Ok(Self { members })
    }
}

impl<'f> Member<'f> {
    /// How many bytes it says that it has.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    pub(crate) fn is_stored(&self) -> bool {
        self.method == CompressionMethod::Stored
    }

    /// The first bytes, at most this many, without a check.
    pub(crate) fn head(&self, most: usize) -> Result<Cow<'f, [u8]>, String> {
        match self.method {
            CompressionMethod::Stored => {
                Ok(Cow::Borrowed(&self.packed[..most.min(self.packed.len())]))
            }
            CompressionMethod::Deflated => Ok(Cow::Owned(self.inflate(most)?)),
            other => Err(format!(
                "is packed by {other:?} at {}; save it stored or deflated",
                shown(&self.name)
            )),
        }
    }

    /// All bytes, which must be exactly this many, and have the checksum.
    pub(crate) fn all(&self, size: usize) -> Result<Cow<'f, [u8]>, String> {
        let bytes = self.head(size.saturating_add(1))?;
        if bytes.len() != size || self.size != size as u64 {
            return Err(format!(
                "has {} bytes and needs {size}",
                self.size.max(bytes.len() as u64)
            ));
        }
        if crc32fast::hash(&bytes) != self.crc {
            return Err("is damaged: its checksum does not fit".into());
        }
        Ok(bytes)
    }

    fn inflate(&self, most: usize) -> Result<Vec<u8>, String> {
        let mut bytes = vec![];
        DeflateDecoder::new(self.packed)
            .take(most as u64)
            .read_to_end(&mut bytes)
            .map_err(|error| format!("is damaged: {}", shown(&error.to_string())))?;
        Ok(bytes)
    }
}
