//! Writing IDX.

use std::io::{self, BufWriter, Write};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::{Idx, IdxData};
use crate::error::{Error, Result};

impl Idx {
    /// Writes the array, not compressed.
    ///
    /// # Errors
    /// The writer's.
    pub fn write(&self, mut writer: impl Write) -> io::Result<()> {
        let kind = match self.data {
            IdxData::U8(_) => 0x08,
            IdxData::I8(_) => 0x09,
            IdxData::I16(_) => 0x0B,
            IdxData::I32(_) => 0x0C,
            IdxData::F32(_) => 0x0D,
            IdxData::F64(_) => 0x0E,
        };
        let fits = "Idx::new has checked it";
        writer.write_all(&[0, 0, kind, u8::try_from(self.shape.len()).expect(fits)])?;
        for &size in &self.shape {
            writer.write_all(&u32::try_from(size).expect(fits).to_be_bytes())?;
        }
        match &self.data {
            IdxData::U8(v) => writer.write_all(v),
            IdxData::I8(v) => v.iter().try_for_each(|x| writer.write_all(&x.to_be_bytes())),
            IdxData::I16(v) => v.iter().try_for_each(|x| writer.write_all(&x.to_be_bytes())),
            IdxData::I32(v) => v.iter().try_for_each(|x| writer.write_all(&x.to_be_bytes())),
            IdxData::F32(v) => v.iter().try_for_each(|x| writer.write_all(&x.to_be_bytes())),
            IdxData::F64(v) => v.iter().try_for_each(|x| writer.write_all(&x.to_be_bytes())),
        }
    }

    /// Writes a file, as gzip if its name ends in `.gz`.
    ///
    /// The file is written beside its target and renamed into place, so that no reader sees half of it.
    /// Links, permissions and owners stay, as `fanin_nn::Checkpoint` describes it for models.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let pack = path.extension().is_some_and(|e| e == "gz");
        fanin_files::replace(path, |file| self.write_to(BufWriter::new(file), pack))
            .map_err(|error| Error::of_file(path, "write", error))
    }

    fn write_to(&self, mut file: impl Write, pack: bool) -> io::Result<()> {
        if pack {
            let mut packed = GzEncoder::new(&mut file, Compression::best());
            self.write(&mut packed)?;
            packed.finish()?;
        } else {
            self.write(&mut file)?;
        }
        file.flush()
    }
}
