//! A pipeline in a file, alone or with the model that it was fitted for.
//!
//! | bytes | |
//! |---|---|
//! | 0–7 | magic: `8F`, `fpipe`, `0A`, `00` |
//! | 8–11 | version of the format, 1 |
//! | 12–15 | CRC-32 of all that follows |
//! | 16–23 | length of the pipeline |
//! | 24–31 | length of the model, 0 if there is none |
//!
//! All numbers are little-endian. The pipeline follows, encoded by bincode, and then the model's bytes.

use std::io::Read;
use std::path::Path;

use bincode::config::{Configuration, Fixint, LittleEndian, NoLimit};
use bincode::error::DecodeError;
use flate2::Crc;

use super::pipeline::Pipeline;
use crate::error::{Error, Result};
use crate::idx;

const MAGIC: [u8; 8] = *b"\x8Ffpipe\n\0";
/// What fanin's model files begin with.
const MODEL: &[u8] = b"\x8Ffanin\n\0";
const VERSION: u32 = 1;
const HEADER: usize = 32;

type Codec<L> = Configuration<LittleEndian, Fixint, L>;

/// Bincode without a limit, for what is written.
const CODEC: Codec<NoLimit> =
    bincode::config::standard().with_little_endian().with_fixed_int_encoding();

impl Pipeline {
    /// Writes the pipeline to a file. An existing file is replaced as a whole.
    ///
    /// # Errors
    /// If the operating system refuses.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        self.save_with_model(path, &[])
    }

    /// Reads what [`save`](Pipeline::save) or [`save_with_model`](Pipeline::save_with_model) wrote.
    ///
    /// # Errors
    /// If the file cannot be read, or is no pipeline, damaged or newer.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        Ok(Self::load_with_model(path)?.0)
    }

    /// Writes the pipeline and a model to one file, so that neither is without the other. An existing
    /// file is replaced as a whole.
    ///
    /// # Errors
    /// If the operating system refuses.
    ///
    /// # Example
    /// The bytes are those of fanin's `model.to_bytes()?`, and `Sequential::from_bytes(&bytes)?` builds the
    /// model again:
    /// ```
    /// # use fanin_datasets::{Frame, preprocess::{Pipeline, Preprocessor}};
    /// # let frame = Frame::new().with_numbers("size", [50.0, 70.0]);
    /// # let model = vec![1, 2, 3];
    /// # let path = std::env::temp_dir().join(format!("fanin-pipeline-{}", std::process::id()));
    /// let pipeline = Preprocessor::new().fit(&frame)?;
    /// pipeline.save_with_model(&path, &model)?;
    ///
    /// let (pipeline, bytes) = Pipeline::load_with_model(&path)?;
    /// assert_eq!(bytes, model);
    /// assert_eq!(Pipeline::from_bytes_with_model(&std::fs::read(&path).unwrap())?, (pipeline.clone(), bytes));
    /// assert_eq!(pipeline.rows([[70.0]])?.as_slice(), [1.0]);
    /// # std::fs::remove_file(path).unwrap();
    /// # Ok::<(), fanin_datasets::Error>(())
    /// ```
    pub fn save_with_model(&self, path: impl AsRef<Path>, model: &[u8]) -> Result<()> {
        let path = path.as_ref();
        let bytes = self.encode(model);
        fanin_files::replace(path, |file| file.write_all(&bytes))
            .map_err(|error| Error::of_file(path, "write", error))
    }

    /// Reads a pipeline and the model's bytes, which are empty if the pipeline was saved alone.
    ///
    /// # Errors
    /// As [`load`](Pipeline::load).
    pub fn load_with_model(path: impl AsRef<Path>) -> Result<(Self, Vec<u8>)> {
        let path = path.as_ref();
        let mut bytes = Vec::new();
        idx::open(path)?.read_to_end(&mut bytes).map_err(|source| Error::Io {
            file: path.into(),
            action: "read",
            source,
        })?;
        decode(path, bytes)
    }

    /// The bytes that [`save`](Pipeline::save) would write.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.encode(&[])
    }

    /// Reads the bytes that [`to_bytes`](Pipeline::to_bytes) gives.
    ///
    /// # Errors
    /// As [`load`](Pipeline::load), with `bytes` for the file's name.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        Ok(Self::from_bytes_with_model(bytes)?.0)
    }

    /// Reads the bytes of a file that [`save_with_model`](Pipeline::save_with_model) wrote: a program can
    /// carry both in itself, by `include_bytes!`. The model's bytes are empty if there is none.
    ///
    /// # Errors
    /// As [`load`](Pipeline::load), with `bytes` for the file's name.
    pub fn from_bytes_with_model(bytes: &[u8]) -> Result<(Self, Vec<u8>)> {
        decode(Path::new("bytes"), bytes.to_vec())
    }

    fn encode(&self, model: &[u8]) -> Vec<u8> {
        let pipeline = bincode::serde::encode_to_vec(self, CODEC).expect("names and numbers");
        let mut rest = Vec::with_capacity(16 + pipeline.len() + model.len());
        rest.extend((pipeline.len() as u64).to_le_bytes());
        rest.extend((model.len() as u64).to_le_bytes());
        rest.extend(pipeline);
        rest.extend(model);
        let header = [&MAGIC[..], &VERSION.to_le_bytes(), &crc(&rest).to_le_bytes()].concat();
        [header, rest].concat()
    }
}

fn crc(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}

fn decode(file: &Path, mut bytes: Vec<u8>) -> Result<(Pipeline, Vec<u8>)> {
    let fault = |why: String| Error::NotAPipeline { file: file.into(), why };
    if !bytes.starts_with(&MAGIC) {
        let is_model = bytes.starts_with(MODEL);
        let why =
            if is_model { "is a model alone, for Sequential::load" } else { "is no pipeline" };
        return Err(fault(why.into()));
    }
    if bytes.len() < HEADER {
        return Err(fault("ends within its header".into()));
    }
    let u32_at = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("4 bytes"));
    let u64_at = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("8 bytes"));
    let (version, pipeline, model) = (u32_at(8), u64_at(16), u64_at(24));
    if version != VERSION {
        return Err(fault(format!(
            "has version {version} of the format, and {VERSION} can be read"
        )));
    }
    if crc(&bytes[16..]) != u32_at(12) {
        return Err(fault("is damaged, by its checksum".into()));
    }
    let rest = (bytes.len() - HEADER) as u64;
    if pipeline.checked_add(model) != Some(rest) {
        return Err(fault("has another length than its header says".into()));
    }
    let model = bytes.split_off(HEADER + pipeline as usize);
    match decode_within_limit(&bytes[HEADER..]) {
        Ok((decoded, read)) if read as u64 == pipeline => Ok((decoded, model)),
        Ok(_) => Err(fault("goes on after its pipeline".into())),
        Err(error) => Err(fault(format!("cannot be decoded, {error}"))),
    }
}

/// Decodes a pipeline. Lengths in it are claims, for which bincode takes memory at once; so it gets a
/// limit that is a small multiple of the bytes there are. Limits are constants to bincode.
fn decode_within_limit(bytes: &[u8]) -> std::result::Result<(Pipeline, usize), DecodeError> {
    fn within<const LIMIT: usize>(
        bytes: &[u8],
    ) -> std::result::Result<(Pipeline, usize), DecodeError> {
        bincode::serde::decode_from_slice(bytes, CODEC.with_limit::<LIMIT>())
    }
    match bytes.len() {
        0..=0x4000 => within::<0x1_0000>(bytes),
        0x4001..=0x4_0000 => within::<0x10_0000>(bytes),
        0x4_0001..=0x40_0000 => within::<0x100_0000>(bytes),
        0x40_0001..=0x400_0000 => within::<0x1000_0000>(bytes),
        _ => within::<0x7fff_ffff>(bytes),
    }
}
