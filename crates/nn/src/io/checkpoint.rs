//! [`Checkpoint`]: a model's parameters and buffers in a file.
//!
//! A file is a header of 32 bytes and a payload, all little-endian:
//!
//! | bytes | |
//! |---|---|
//! | 0–7 | magic: `8F`, `fanin`, `0A`, `00` |
//! | 8–11 | version of the format, now 2 |
//! | 12–15 | element type in ASCII, filled with zeros: `f32`, `f64` |
//! | 16–23 | length of the payload |
//! | 24–27 | CRC-32 of the payload |
//! | 28–31 | CRC-32 of bytes 0–27 |
//!
//! The payload is encoded by bincode with integers of fixed size. It holds the number of parameters
//! and then, for each, its path, its shape and its values in row-major order. No length precedes
//! the values, because the shape gives it. Since version 2 [`Sections`] follow: their number and then,
//! for each, its name, its length and its bytes. Later versions keep this header, so that any release
//! can tell a newer file from a damaged one.

mod header;
mod shape;

use std::collections::{HashMap, VecDeque};
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Cursor, Read, Seek, Write};
use std::mem;
use std::path::Path;

use fanin_tensor::{Scalar, Tensor, show_shape};

use super::codec::{self, ENTRY_LIMIT};
use super::error::{Error, IN_MEMORY, Result};
use super::sections::Sections;
use crate::buffer::Buffer;
use crate::param::Param;
use crate::parameters::{ParamPath, Parameters, Visitor, VisitorMut};
use header::{Header, Summed};
use shape::Shape;

const BUFFER: usize = 1 << 16;

/// Saves and loads the parameters and buffers of any model.
///
/// A file holds the value of each parameter and buffer under its path, bit for bit, and which
/// initializer drew it. Values are matched by path, not by position: the fields of a module may be
/// listed in a different order than when it was saved. Whether a parameter is frozen is not saved.
///
/// Build the model before loading it. A [`Sequential`](crate::Sequential) of this crate's layers is saved
/// with its architecture, and [`Sequential::load`](crate::Sequential::load) builds it too.
///
/// A save never leaves half a file. It writes a temporary file in the target's directory, waits
/// until it is on the disk, and renames it to the target. A load changes every parameter or, if it
/// returns an error, none.
///
/// A symbolic link stays, and the file that it leads to is written, even if there is none yet. An
/// existing file keeps its permissions, owner and group. Another name of it (a hard link) keeps the
/// old content. A save removes the temporary files that processes have left in the directory which
/// were killed more than a minute before.
///
/// Where the directory takes no new file, or the file's owner cannot be given to a new one, an
/// existing file is overwritten where it is. A full disk still changes nothing. A crash can then
/// leave a mixture of both models, which [`load`](Self::load) refuses by its checksum.
///
/// # Example
/// ```
/// use fanin_nn::layers::Relu;
/// use fanin_nn::{Checkpoint, Linear, Module, Sequential, Tensor};
///
/// # fn main() -> fanin_nn::Result<()> {
/// let build = || Sequential::new().add(Linear::new(4, 16)).add(Relu).add(Linear::new(16, 3));
/// let path = std::env::temp_dir().join(format!("iris-{}.fanin", std::process::id()));
///
/// let trained = build();
/// trained.save(&path)?;
///
/// let mut model = build();                       // other random weights
/// model.load(&path)?;                            // and now the saved ones
/// let x = Tensor::ones([1, 4]);
/// assert_eq!(model.predict(&x), trained.predict(&x));
/// # std::fs::remove_file(&path).unwrap();
/// # Ok(())
/// # }
/// ```
pub trait Checkpoint<T: Scalar = f32>: Parameters<T> {
    /// Writes every parameter to a file and replaces an existing file. The directory must exist.
    ///
    /// # Errors
    /// [`Error::Write`] if the operating system refuses or the existing file is read-only, and
    /// [`Error::NotAFile`] if a directory or a device has that name. In both cases nothing changes
    /// on the disk. [`Error::Torn`] if the operating system refuses while an existing file is
    /// overwritten.
    #[doc(alias("state_dict"))]
    fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        self.save_with(path, &Sections::new())
    }

    /// [`save`](Self::save) with more in the file: [`Sections`].
    ///
    /// # Errors
    /// As [`save`](Self::save).
    fn save_with(&self, path: impl AsRef<Path>, sections: &Sections) -> Result<()> {
        let (path, own) = (path.as_ref(), own_sections(self));
        save(tensors(&mut |visitor| self.visit(&ParamPath::ROOT, visitor)), own, sections, path)
    }

    /// Reads the value of every parameter from a file that [`save`](Self::save) wrote.
    ///
    /// # Errors
    /// If the file cannot be read, is incomplete, has a different or a newer format, or holds
    /// another model. Each case is a variant of [`Error`]. The model stays unchanged.
    #[doc(alias("load_state_dict"))]
    fn load(&mut self, path: impl AsRef<Path>) -> Result<()> {
        self.load_with(path).map(drop)
    }

    /// [`load`](Self::load), and what else is in the file.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    fn load_with(&mut self, path: impl AsRef<Path>) -> Result<Sections> {
        let path = path.as_ref();
        let (len, mut file) = open(path)?;
        read(self, &mut file, len, path)
    }

    /// The bytes that [`save`](Self::save) would write, to store or send in another way.
    ///
    /// # Errors
    /// [`Error::Write`] if path and shape of a parameter take more than 64 KiB.
    fn to_bytes(&self) -> Result<Vec<u8>> {
        self.to_bytes_with(&Sections::new())
    }

    /// The bytes that [`save_with`](Self::save_with) would write.
    ///
    /// # Errors
    /// As [`to_bytes`](Self::to_bytes).
    fn to_bytes_with(&self, sections: &Sections) -> Result<Vec<u8>> {
        let own = own_sections(self);
        encode(tensors(&mut |visitor| self.visit(&ParamPath::ROOT, visitor)), own, sections)
    }

    /// [`load`](Self::load) from memory. A program can contain its model by `include_bytes!`.
    ///
    /// # Errors
    /// As [`load`](Self::load), with `the model in memory` for the file's name.
    ///
    /// # Example
    /// ```
    /// use fanin_nn::{Checkpoint, Linear};
    ///
    /// # fn main() -> fanin_nn::Result<()> {
    /// let teacher = Linear::new(3, 2);
    /// let mut student = Linear::new(3, 2);
    /// student.load_bytes(&teacher.to_bytes()?)?;
    /// assert_eq!(student.weight(), teacher.weight());
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias("load_state_dict"))]
    fn load_bytes(&mut self, bytes: &[u8]) -> Result<()> {
        self.load_bytes_with(bytes).map(drop)
    }

    /// [`load_with`](Self::load_with) from memory.
    ///
    /// # Errors
    /// As [`load_bytes`](Self::load_bytes).
    fn load_bytes_with(&mut self, bytes: &[u8]) -> Result<Sections> {
        read(self, &mut &*bytes, bytes.len() as u64, Path::new(IN_MEMORY))
    }
}

impl<T: Scalar, M: Parameters<T> + ?Sized> Checkpoint<T> for M {}

/// The layers of the model, as the JSON text of a [`NetworkSpec`](crate::layers::NetworkSpec).
pub(crate) const ARCHITECTURE: &str = "architecture";
/// The initializers of the parameters, by path.
const PROVENANCE: &str = "provenance";

/// What every file holds beside the tensors.
fn own_sections<T: Scalar, M: Parameters<T> + ?Sized>(model: &M) -> Result<Sections> {
    let mut sections = Sections::new();
    if let Some(text) = model.architecture() {
        sections.insert(ARCHITECTURE, &text)?;
    }
    let mut origins = Origins(vec![]);
    model.visit(&ParamPath::ROOT, &mut origins);
    if !origins.0.is_empty() {
        sections.insert(PROVENANCE, &origins.0)?;
    }
    Ok(sections)
}

/// The initializers of the parameters that one has drawn, by path.
struct Origins(Vec<(String, String)>);

impl<T: Scalar> Visitor<'_, T> for Origins {
    fn param(&mut self, path: &ParamPath<'_>, param: &Param<T>) {
        if let Some(initializer) = param.initializer() {
            self.0.push((path.to_string(), initializer.to_owned()));
        }
    }
}

/// The sections of a file whose bytes are these, or that has this name, whatever model it holds.
pub(crate) fn sections<T: Scalar>(
    source: &mut dyn Read,
    len: u64,
    path: &Path,
) -> Result<Sections> {
    contents::<T>(Staged::for_shapes(vec![]), source, len, path).map(|(_, sections)| sections)
}

/// A parameter about to be written: its encoded path and shape, and its values.
type Entry<'m, T> = (Vec<u8>, &'m [T]);

struct Tensors<'m, T: Scalar>(Vec<(String, &'m Tensor<T>)>);

impl<'m, T: Scalar> Visitor<'m, T> for Tensors<'m, T> {
    fn param(&mut self, path: &ParamPath<'_>, param: &'m Param<T>) {
        self.0.push((path.to_string(), param.value()));
    }
    fn buffer(&mut self, path: &ParamPath<'_>, buffer: &'m Buffer<T>) {
        self.0.push((path.to_string(), buffer.value()));
    }
}

once! {
    /// Parameters and buffers with their paths, in the model's order.
    fn tensors<'v, 'm, T: Scalar>(
        visit: &'v mut (dyn FnMut(&mut dyn Visitor<'m, T>) + 'v),
    ) -> Vec<(String, &'m Tensor<T>)> where 'm: 'v {
        let mut tensors = Tensors(vec![]);
        visit(&mut tensors);
        tensors.0
    }

    fn save<'a, T: Scalar>(
        tensors: Vec<(String, &'a Tensor<T>)>,
        own: Result<Sections>,
        sections: &'a Sections,
        path: &'a Path,
    ) -> Result<()> {
        let sections = own?.with(sections);
        let entries = entries(tensors).map_err(|source| write_error(path, source))?;
        fanin_files::replace(path, |file| write(&entries, &sections, file)).map_err(|error| match error {
            fanin_files::Error::NotAFile(found) => Error::NotAFile { file: path.to_owned(), found },
            fanin_files::Error::Io(source) => write_error(path, source),
            fanin_files::Error::Torn(source) => Error::Torn { file: path.to_owned(), source },
        })
    }

    fn encode<'a, T: Scalar>(
        tensors: Vec<(String, &'a Tensor<T>)>,
        own: Result<Sections>,
        sections: &'a Sections,
    ) -> Result<Vec<u8>> {
        let (mut bytes, sections) = (Cursor::new(vec![]), own?.with(sections));
        let written = entries(tensors).and_then(|entries| write(&entries, &sections, &mut bytes));
        written.map_err(|source| write_error(Path::new(IN_MEMORY), source))?;
        Ok(bytes.into_inner())
    }

    /// Reads the tensors of these paths and shapes from a file, and its sections.
    fn stage<'a, T: Scalar>(
        shapes: Vec<(String, Vec<usize>)>,
        source: &'a mut dyn Read,
        len: u64,
        path: &'a Path,
    ) -> Result<(Vec<Tensor<T>>, Sections)> {
        let (mut staged, sections) = contents(Staged::for_shapes(shapes), source, len, path)?;
        let Differences { shown, more } = staged.differences();
        if !shown.is_empty() {
            return Err(Error::OtherModel { file: path.to_owned(), differences: shown, more });
        }
        let values = staged.slots.into_iter().map(|slot| slot.values);
        Ok((values.map(|values| values.expect("every tensor was found")).collect(), sections))
    }
}

/// What is in a file. Reads the whole file before checking it, because the checksum covers all of it.
fn contents<T: Scalar>(
    mut staged: Staged<T>,
    source: &mut dyn Read,
    len: u64,
    path: &Path,
) -> Result<(Staged<T>, Sections)> {
    let header = Header::read(source, path)?;
    header.check::<T>(len, path)?;

    let summed = Summed::new(Read::take(source, header.payload));
    let mut payload = BufReader::with_capacity(BUFFER, summed);
    let decoded = staged.read(&mut payload).and_then(|()| match header.has_sections() {
        true => Sections::read(&mut payload),
        false => Ok(Sections::new()),
    });
    let rest = io::copy(&mut payload, &mut io::sink()).map_err(|e| read_error(path, e))?;
    header.check_payload(payload.get_ref(), path)?;

    let malformed = |why| Error::Malformed { file: path.to_owned(), why };
    let mut sections = decoded.map_err(malformed)?;
    if rest > 0 {
        let last = if header.has_sections() { "section" } else { "parameter" };
        return Err(malformed(format!("{rest} bytes follow its last {last}")));
    }
    sections.of_file(path);
    Ok((staged, sections))
}

/// Encodes the entries before any file is touched. This is the only step in which the model can
/// cause an error.
fn entries<T: Scalar>(tensors: Vec<(String, &Tensor<T>)>) -> io::Result<Vec<Entry<'_, T>>> {
    let mut entries = vec![];
    for (path, tensor) in tensors {
        let entry = codec::to_bytes((&path, tensor.shape()))?;
        if entry.len() > ENTRY_LIMIT {
            let len = entry.len();
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("a parameter's path and shape take {len} bytes, more than {ENTRY_LIMIT}"),
            ));
        }
        entries.push((entry, tensor.as_slice()));
    }
    Ok(entries)
}

/// Paths and shapes of parameters and buffers, in the order in which `visit_mut` visits them.
struct Shapes(Vec<(String, Vec<usize>)>);

impl<T: Scalar> VisitorMut<'_, T> for Shapes {
    fn param(&mut self, path: &ParamPath<'_>, param: &mut Param<T>) {
        self.0.push((path.to_string(), param.value().shape().to_vec()));
    }
    fn buffer(&mut self, path: &ParamPath<'_>, buffer: &mut Buffer<T>) {
        self.0.push((path.to_string(), buffer.value().shape().to_vec()));
    }
}

/// Gives parameters and buffers new values, in the order in which `visit_mut` visits them.
struct Commit<T> {
    tensors: std::vec::IntoIter<Tensor<T>>,
    origins: HashMap<String, String>,
}

impl<T: Scalar> Commit<T> {
    fn next(&mut self) -> Tensor<T> {
        self.tensors.next().expect("visit_mut visits as many tensors as before")
    }
}

impl<T: Scalar> VisitorMut<'_, T> for Commit<T> {
    fn param(&mut self, path: &ParamPath<'_>, param: &mut Param<T>) {
        *param.value_mut() = self.next();
        if let Some(initializer) = self.origins.get(&path.to_string()) {
            param.set_initializer(initializer);
        }
    }
    fn buffer(&mut self, _: &ParamPath<'_>, buffer: &mut Buffer<T>) {
        *buffer.value_mut() = self.next();
    }
}

fn write<T: Scalar>(
    entries: &[Entry<'_, T>],
    sections: &Sections,
    out: &mut (impl Write + Seek + ?Sized),
) -> io::Result<()> {
    // Reserves the header. Length and checksum are known only after the payload is written.
    out.write_all(&[0; Header::LEN])?;
    let mut payload = BufWriter::with_capacity(BUFFER, Summed::new(&mut *out));
    codec::write(entries.len() as u64, &mut payload)?;
    for (entry, values) in entries {
        payload.write_all(entry)?;
        for value in *values {
            codec::write(value, &mut payload)?;
        }
    }
    sections.write(&mut payload)?;
    let header = Header::of::<T>(&payload.into_inner()?);
    out.rewind()?;
    out.write_all(&header.to_bytes())
}

/// Reads a whole file, then changes every tensor of the model or, after an error, none.
pub(crate) fn read<T: Scalar, M: Parameters<T> + ?Sized>(
    model: &mut M,
    source: &mut dyn Read,
    len: u64,
    file: &Path,
) -> Result<Sections> {
    // Not `visit`: the paths must come in the order in which `Commit` visits them.
    let mut shapes = Shapes(vec![]);
    model.visit_mut(&ParamPath::ROOT, &mut shapes);
    let (tensors, sections) = stage(shapes.0, source, len, file)?;
    let origins: Vec<(String, String)> = sections.get(PROVENANCE)?.unwrap_or_default();
    let origins = origins.into_iter().collect();
    model.visit_mut(&ParamPath::ROOT, &mut Commit { tensors: tensors.into_iter(), origins });
    Ok(sections)
}

/// The model's parameters, and what a file has for them.
struct Staged<T> {
    slots: Vec<Slot<T>>,
    /// The indices of tensors that are not found yet, by path. A queue, because a user's module may
    /// visit two parameters under one path.
    open: HashMap<String, VecDeque<usize>>,
    misfits: Differences,
    extra: Differences,
}

struct Slot<T> {
    path: String,
    shape: Vec<usize>,
    /// The values in the file. Allocated once the file's shape equals the model's.
    values: Option<Tensor<T>>,
    found: bool,
}

impl<T: Scalar> Staged<T> {
    fn for_shapes(shapes: Vec<(String, Vec<usize>)>) -> Self {
        let mut slots = vec![];
        let mut open = HashMap::<_, VecDeque<_>>::new();
        for (path, shape) in shapes {
            open.entry(path.clone()).or_default().push_back(slots.len());
            slots.push(Slot { path, shape, values: None, found: false });
        }
        Self { slots, open, misfits: Differences::default(), extra: Differences::default() }
    }

    /// Decodes a payload. It trusts no number in it: memory is allocated by the model's shapes
    /// only.
    fn read(&mut self, payload: &mut impl Read) -> std::result::Result<(), String> {
        let count: u64 = codec::read(payload, || "the number of parameters".into())?;
        for i in 0..count {
            let what = || format!("the name and shape of parameter {i}");
            let (path, Shape(shape)): (String, Shape) = codec::read(payload, what)?;
            let shown = || printable(&path);
            let slot = self.open.get_mut(&path).and_then(VecDeque::pop_front);
            if let Some(slot) = slot {
                let slot = &mut self.slots[slot];
                slot.found = true;
                if slot.shape == shape {
                    let values = slot.values.insert(Tensor::zeros(&slot.shape));
                    read_values(payload, values.as_mut_slice())
                        .map_err(|error| codec::ended(&shown(), error))?;
                    continue;
                }
                let (file, model) = (show_shape(&shape), show_shape(&slot.shape));
                self.misfits
                    .push(|| format!("{path} is {file} in the file and {model} in the model"));
            } else {
                self.extra
                    .push(|| format!("{} ({}) is in the file only", shown(), show_shape(&shape)));
            }
            skip::<T>(payload, &shape).map_err(|why| format!("{} {why}", shown()))?;
        }
        Ok(())
    }

    fn differences(&mut self) -> Differences {
        let mut all = mem::take(&mut self.misfits);
        all.append(mem::take(&mut self.extra));
        let mut missing = Differences::default();
        for Slot { path, shape, .. } in self.slots.iter().filter(|slot| !slot.found) {
            missing.push(|| format!("{path} ({}) is in the model only", show_shape(shape)));
        }
        all.append(missing);
        all
    }
}

/// Differences of one kind between file and model. Only the first few are kept, because a file can
/// claim millions.
#[derive(Default)]
struct Differences {
    shown: Vec<String>,
    more: u64,
}

impl Differences {
    fn push(&mut self, difference: impl FnOnce() -> String) {
        if self.shown.len() < 3 {
            self.shown.push(difference());
        } else {
            self.more += 1;
        }
    }

    fn append(&mut self, mut other: Self) {
        self.shown.append(&mut other.shown);
        self.more += other.more;
    }
}

/// Skips the values of this shape.
fn skip<T>(payload: &mut impl Read, shape: &[usize]) -> std::result::Result<(), String> {
    let bytes = shape
        .iter()
        .try_fold(size_of::<T>() as u64, |bytes, &n| bytes.checked_mul(n as u64))
        .ok_or_else(|| format!("has the shape {}, which no memory can hold", show_shape(shape)))?;
    let skipped = io::copy(&mut payload.take(bytes), &mut io::sink()).map_err(|e| e.to_string())?;
    if skipped < bytes {
        return Err(format!("has {skipped} of {bytes} bytes"));
    }
    Ok(())
}

/// A name from a file with control characters escaped, so that a terminal can show it.
fn printable(path: &str) -> String {
    let mut shown: String = path.chars().take(100).flat_map(char::escape_debug).collect();
    if path.chars().nth(100).is_some() {
        shown.push('…');
    }
    shown
}

/// Reads numbers as the codec writes them, little-endian and one after the other, but many at a time.
fn read_values<T: Scalar>(payload: &mut impl Read, values: &mut [T]) -> io::Result<()> {
    let mut bytes = [0; 1 << 13];
    for values in values.chunks_mut(bytes.len() / size_of::<T>()) {
        let bytes = &mut bytes[..size_of_val(values)];
        payload.read_exact(bytes)?;
        let numbers = bytes.chunks_exact(size_of::<T>()).map(T::from_le_slice);
        values.iter_mut().zip(numbers).for_each(|(value, number)| *value = number);
    }
    Ok(())
}

/// A file and its length.
pub(crate) fn open(path: &Path) -> Result<(u64, File)> {
    let file = fanin_files::open(path).map_err(|error| match error {
        fanin_files::Error::NotAFile(found) => Error::NotAFile { file: path.to_owned(), found },
        fanin_files::Error::Io(source) | fanin_files::Error::Torn(source) => {
            read_error(path, source)
        }
    })?;
    let len = file.metadata().map_err(|source| read_error(path, source))?.len();
    Ok((len, file))
}

fn read_error(file: &Path, source: io::Error) -> Error {
    let file = file.to_owned();
    match source.kind() {
        io::ErrorKind::NotFound => Error::NotFound { file },
        _ => Error::Read { file, source },
    }
}

fn write_error(file: &Path, source: io::Error) -> Error {
    Error::Write { file: file.to_owned(), source }
}
