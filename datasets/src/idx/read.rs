//! Reading IDX: any bytes in, an array or an error out, in memory bounded by what has arrived.

use std::fs::File;
use std::io::{self, BufReader, Cursor, Read};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use fanin_tensor::show_shape;

use super::gzip::{Members, Trailing};
use super::{Idx, IdxData, places};
use crate::error::{Error, Result, Thousands, count};

/// The most bytes that a file may unpack to, unless [`Reader::limit`] says otherwise: 1 GiB. EMNIST's
/// largest file has 547 MB.
pub const DEFAULT_LIMIT: u64 = 1 << 30;

/// How many bytes are read at a time, and how many the first buffer for elements has.
const CHUNK: usize = 64 << 10;

/// Reads an IDX file, gzip or plain, of at most [`DEFAULT_LIMIT`] bytes unpacked.
///
/// # Errors
/// Those of [`Reader::read`].
pub fn read(path: impl AsRef<Path>) -> Result<Idx> {
    Reader::new().read(path)
}

/// Reads IDX under a limit.
///
/// Sizes in a header are claims. Memory grows as elements arrive, by doubling, and never beyond the
/// claim. So reading takes at most three times the bytes that have arrived, and at most twice the limit
/// (each plus 256 KiB for buffers). A wrong header does no harm, nor does a small gzip file that
/// unpacks to gigabytes.
///
/// # Example
/// ```
/// use fanin_datasets::idx::Reader;
///
/// let bytes = [0, 0, 8, 1, 0, 0, 0, 3, 10, 20, 30];
/// assert_eq!(Reader::new().read_from("three", &bytes[..])?.shape(), [3]);
///
/// let error = Reader::new().read_from("three", &bytes[..10]).unwrap_err();
/// assert!(error.to_string().starts_with("three ends after 2 of 3 items"));
/// # Ok::<(), fanin_datasets::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Reader {
    limit: u64,
    noun: &'static str,
    /// What messages say about the limit.
    advice: &'static str,
}

const RAISE: &str =
    "if its header is right, raise the limit by idx::Reader::limit; if not, fetch the file again";

impl Default for Reader {
    fn default() -> Self {
        Self::new()
    }
}

impl Reader {
    /// A reader with the [`DEFAULT_LIMIT`].
    pub const fn new() -> Self {
        Self { limit: DEFAULT_LIMIT, noun: "items", advice: RAISE }
    }

    /// Refuses files whose elements take more than `bytes`, unpacked.
    pub const fn limit(self, bytes: u64) -> Self {
        Self { limit: bytes, ..self }
    }

    /// What messages call the entries along the first axis: `images`, `labels`.
    pub(crate) const fn noun(self, noun: &'static str) -> Self {
        Self { noun, ..self }
    }

    /// The reader of a data set, whose files are known to have at most `bytes`, unpacked.
    pub(crate) const fn at_most(self, bytes: u64) -> Self {
        let advice =
            "no file of this data set is so large, so its header is damaged: fetch it again";
        Self { limit: bytes, advice, ..self }
    }

    /// Reads the file at `path`. A pipe is refused, because opening it would wait for a writer; give
    /// an open one to [`read_from`](Self::read_from).
    ///
    /// # Errors
    /// If it cannot be read, is no IDX, is damaged, claims more than the limit, or holds less or
    /// more than it claims.
    pub fn read(&self, path: impl AsRef<Path>) -> Result<Idx> {
        let path = path.as_ref();
        self.read_from(path, open(path)?)
    }

    /// Reads a stream to its end; messages call it `name`.
    ///
    /// A gzip stream may have several members, and zeros between them and behind them, as padding. Any
    /// other bytes behind the data are an error.
    ///
    /// # Errors
    /// As [`read`](Reader::read).
    pub fn read_from(&self, name: impl AsRef<Path>, input: impl Read) -> Result<Idx> {
        self.stream(name.as_ref(), input)?.array()
    }

    /// Reads the shape and the bytes of a stream, whose rank must be in `ranks`; `expected` says so in
    /// messages. `check` gets the shape before any element is read.
    pub(crate) fn read_bytes(
        &self,
        name: &Path,
        input: impl Read,
        (ranks, expected): (RangeInclusive<usize>, &str),
        check: impl FnOnce(&[usize]) -> Result<()>,
    ) -> Result<(Vec<usize>, Vec<u8>)> {
        let mut stream = self.stream(name, input)?;
        let (shape, kind) = stream.header()?;
        if !(matches!(kind, IdxData::U8(_)) && ranks.contains(&shape.len())) {
            let found = format!("{} {}", kind.type_name(), show_shape(&shape));
            return Err(Error::Unexpected { file: name.into(), found, expected: expected.into() });
        }
        check(&shape)?;
        let bytes = stream.values(&shape)?;
        stream.end(&shape)?;
        Ok((shape, bytes))
    }

    /// A stream, which is unpacked if it is gzip.
    fn stream<'a>(&'a self, name: &Path, input: impl Read + 'a) -> Result<Stream<'a>> {
        Ok(Stream { reader: self, file: name.into(), input: unpacked(name, input)? })
    }
}

/// Opens a file to read it.
pub(crate) fn open(path: &Path) -> Result<File> {
    fanin_files::open(path).map_err(|error| Error::of_file(path, "read", error))
}

/// The bytes of a stream, unpacked if it is gzip.
pub(crate) fn unpacked<'a>(name: &Path, mut input: impl Read + 'a) -> Result<Box<dyn Read + 'a>> {
    let mut start = [0; 2];
    let got = fill(&mut input, &mut start).map_err(|source| Error::Io {
        file: name.into(),
        action: "read",
        source,
    })?;
    let packed = start == [0x1f, 0x8b]; // IDX itself starts with 00 00, and no text with 1F
    let input = BufReader::new(Cursor::new(start).take(got as u64).chain(input));
    Ok(if packed { Box::new(Members::new(input)) } else { Box::new(input) })
}

/// The error of reading a stream that may be packed.
pub(crate) fn broken(file: PathBuf, source: io::Error) -> Error {
    if let Some(Trailing(found)) = source.get_ref().and_then(|inner| inner.downcast_ref()) {
        return Error::Trailing { file, found: found.clone() };
    }
    match source.kind() {
        // The decompressor's errors for invalid bytes.
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => Error::Damaged { file, source },
        _ => Error::Io { file, action: "read", source },
    }
}

/// One file being read.
struct Stream<'a> {
    reader: &'a Reader,
    file: PathBuf,
    /// What is left of it, unpacked.
    input: Box<dyn Read + 'a>,
}

impl Stream<'_> {
    fn array(mut self) -> Result<Idx> {
        let (shape, mut data) = self.header()?;
        match &mut data {
            IdxData::U8(values) => *values = self.values(&shape)?,
            IdxData::I8(values) => *values = self.values(&shape)?,
            IdxData::I16(values) => *values = self.values(&shape)?,
            IdxData::I32(values) => *values = self.values(&shape)?,
            IdxData::F32(values) => *values = self.values(&shape)?,
            IdxData::F64(values) => *values = self.values(&shape)?,
        }
        self.end(&shape)?;
        Ok(Idx { shape, data })
    }

    /// The shape, and an empty vector of the element type.
    fn header(&mut self) -> Result<(Vec<usize>, IdxData)> {
        let mut magic = [0; 4];
        let got = self.fill(&mut magic)?;
        let [0, 0, kind @ (0x08 | 0x09 | 0x0B..=0x0E), rank @ 1..=255] = magic else {
            let mut found = describe(&magic[..got]);
            if let [1..=255, 0x08 | 0x09 | 0x0B..=0x0E, 0, 0] = magic {
                found += ", the bytes of an IDX header in reverse order";
            }
            return Err(Error::NotIdx { file: self.file.clone(), found });
        };
        let mut sizes = vec![0; 4 * usize::from(rank)];
        if self.fill(&mut sizes)? < sizes.len() {
            let after = "within its header".into();
            return Err(Error::Truncated { file: self.file.clone(), after });
        }
        let sizes = sizes.chunks_exact(4).map(u32::from_big_endian);
        let none = match kind {
            0x08 => IdxData::U8(Vec::new()),
            0x09 => IdxData::I8(Vec::new()),
            0x0B => IdxData::I16(Vec::new()),
            0x0C => IdxData::I32(Vec::new()),
            0x0D => IdxData::F32(Vec::new()),
            _ => IdxData::F64(Vec::new()),
        };
        Ok((sizes.map(|size| size as usize).collect(), none))
    }

    /// As many elements as the shape has places.
    fn values<T: Element>(&mut self, shape: &[usize]) -> Result<Vec<T>> {
        let total = places(shape);
        let bytes = total.and_then(|n| n.checked_mul(T::SIZE));
        let (Some(total), Some(bytes)) = (total, bytes) else {
            return Err(self.too_large::<T>(shape, format!("2^{} bytes or more", usize::BITS)));
        };
        if bytes as u64 > self.reader.limit {
            let claimed = format!("{} bytes", Thousands(bytes as u64));
            return Err(self.too_large::<T>(shape, claimed));
        }

        let mut values: Vec<T> = Vec::new();
        let mut chunk = vec![0; CHUNK.min(bytes)];
        while values.len() < total {
            let want = CHUNK.min((total - values.len()) * T::SIZE);
            let got = self.fill(&mut chunk[..want])?;
            if values.capacity() - values.len() < got / T::SIZE {
                // Double the memory, but never beyond the claim, as Vec's own growth would.
                let capacity = (2 * values.capacity()).max(CHUNK / T::SIZE).min(total);
                values.reserve_exact(capacity - values.len());
            }
            T::append(&mut values, &chunk[..got]);
            if got < want {
                let item = bytes / shape[0];
                let whole = (bytes - (total - values.len()) * T::SIZE) / item;
                return Err(self.truncated(whole, shape, values.len()));
            }
        }
        Ok(values)
    }

    /// Checks that nothing follows the elements. Reading to the end also checks gzip's checksum.
    fn end(&mut self, shape: &[usize]) -> Result<()> {
        loop {
            return match self.input.read(&mut [0]) {
                Ok(0) => Ok(()),
                Ok(_) => Err(Error::TooLong {
                    file: self.file.clone(),
                    items: shape[0] as u64,
                    noun: self.reader.noun,
                }),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => Err(Error::Truncated {
                    file: self.file.clone(),
                    after: "within its checksum".into(),
                }),
                Err(e) => Err(self.broken(e)),
            };
        }
    }

    fn fill(&mut self, buffer: &mut [u8]) -> Result<usize> {
        fill(&mut self.input, buffer).map_err(|e| self.broken(e))
    }

    fn broken(&self, source: io::Error) -> Error {
        broken(self.file.clone(), source)
    }

    fn too_large<T: Element>(&self, shape: &[usize], claimed: String) -> Error {
        let limit = self.reader.limit;
        let fits = |n: usize| n.checked_mul(T::SIZE).is_some_and(|bytes| bytes as u64 <= limit);
        let header = header_says(shape, fits);
        let advice = self.reader.advice;
        Error::TooLarge { file: self.file.clone(), header, claimed, limit, advice }
    }

    fn truncated(&self, whole: usize, shape: &[usize], arrived: usize) -> Error {
        let of = count(shape[0] as u64, self.reader.noun);
        let mut after = format!("after {} of {of}", Thousands(whole as u64));
        if reversed(shape, |n| n == arrived).is_some() {
            after = format!("{after}, and {}", header_says(shape, |n| n == arrived));
        }
        Error::Truncated { file: self.file.clone(), after }
    }
}

/// The shape with the bytes of each size reversed, if its number of elements is plausible.
fn reversed(shape: &[usize], plausible: impl Fn(usize) -> bool) -> Option<Vec<usize>> {
    let sizes = shape.iter().map(|&size| (size as u32).swap_bytes() as usize);
    let reversed: Vec<_> = sizes.collect();
    places(&reversed).is_some_and(plausible).then_some(reversed)
}

/// The shape in a header, and the one in the other byte order if that is plausible.
fn header_says(shape: &[usize], plausible: impl Fn(usize) -> bool) -> String {
    // A header may have 255 axes.
    let show = |shape: &[usize]| match shape.get(..8) {
        Some(first) if shape.len() > 8 => format!("{}×…", show_shape(first)),
        _ => show_shape(shape).to_string(),
    };
    match reversed(shape, plausible) {
        Some(other) => format!(
            "its header says {}, but {} in the other byte order: it may have been written \
             little-endian, and IDX is big-endian",
            show(shape),
            show(&other)
        ),
        None => format!("its header says {}", show(shape)),
    }
}

/// Fills the buffer from the input, and gives how many bytes it had.
fn fill(input: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut got = 0;
    while got < buffer.len() {
        match input.read(&mut buffer[got..]) {
            Ok(0) => break,
            Ok(n) => got += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            // The decompressor's error for a stream that ends too early.
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => break,
            Err(e) => return Err(e),
        }
    }
    Ok(got)
}

/// The first bytes of a file that is no IDX: as digits, and as text if they are text.
fn describe(start: &[u8]) -> String {
    if start.is_empty() {
        return "it is empty".into();
    }
    let bytes = start.iter().map(|b| format!("{b:02X}")).collect::<Vec<_>>().join(" ");
    match std::str::from_utf8(start) {
        Ok(text) if !text.contains(char::is_control) => {
            format!("it starts with {bytes} ({text:?})")
        }
        _ if start.len() < 4 => format!("it ends after {bytes}"),
        _ => format!("it starts with {bytes}"),
    }
}

/// An element type of the format.
trait Element: Sized {
    const SIZE: usize;
    fn from_big_endian(bytes: &[u8]) -> Self;

    /// Appends the elements of these bytes. A last element that is cut short is left out.
    fn append(values: &mut Vec<Self>, bytes: &[u8]) {
        values.extend(bytes.chunks_exact(Self::SIZE).map(Self::from_big_endian));
    }
}

impl Element for u8 {
    const SIZE: usize = 1;
    fn from_big_endian(bytes: &[u8]) -> Self {
        bytes[0]
    }
    // Images are bytes. The loop over elements takes longer than to unpack them.
    fn append(values: &mut Vec<Self>, bytes: &[u8]) {
        values.extend_from_slice(bytes);
    }
}

macro_rules! element {
    ($($t:ident)*) => { $(
        impl Element for $t {
            const SIZE: usize = size_of::<$t>();
            fn from_big_endian(bytes: &[u8]) -> Self {
                $t::from_be_bytes(bytes.try_into().expect("a chunk of SIZE bytes"))
            }
        }
    )* };
}
element!(i8 i16 i32 u32 f32 f64);
