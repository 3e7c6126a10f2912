//! `.npz` and `.npy`: NumPy's arrays, both ways.
//!
//! ```python
//! arrays = numpy.load("model.npz")          # arrays["0.weight"]
//! ```
//!
//! [`save`] and [`load`] take models, with the names of [`names`](crate::names). [`read`] and [`write`](fn@write)
//! take arrays of any names, and [`read_npy`] and [`write_npy`] one array.
//!
//! # Elements
//! A model's elements are written as they are, `<f4` or `<f8`, in C order, stored. `f2`, `f4` and `f8` are
//! read, big- and little-endian, in C and in Fortran order, stored and deflated
//! (`numpy.savez_compressed`). `f2` and `f4` are exact; an `f8` is rounded to the nearest `f32`, and refused
//! if it is beyond `f32`. [`read`] and [`read_npy`] take integers too, and round them to the nearest float.
//! Other types are refused. Arrays of Python objects are pickles, which nobody executes here.

mod npy;

use std::borrow::Cow;
use std::io::{Cursor, Write};
use std::path::Path;

use fanin_nn::Parameters;
use fanin_tensor::{Scalar, Tensor};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::archive::Archive;
use crate::element::to_bytes as element_bytes;
use crate::entry::{Bytes, Entry, Layout};
use crate::error::{Error, Result, shown};
use crate::model::{self, tensors};
use crate::names::named;
use crate::report::Report;
use crate::{element::Element, file};
use npy::Header;

/// Writes a model's parameters and buffers to an `.npz` file, and replaces an existing file.
///
/// # Errors
/// If the operating system refuses. Then nothing has changed on the disk.
#[doc(alias("savez"))]
pub fn save<T: Scalar, M: Parameters<T> + ?Sized>(model: &M, path: impl AsRef<Path>) -> Result<()> {
    file::replace(path.as_ref(), &to_bytes(model)?)
}

/// The bytes that [`save`] would write.
///
/// # Errors
/// If two parameters have one name.
///
/// # Example
/// ```
/// use fanin_interop::npz;
/// use fanin_nn::Linear;
///
/// let (teacher, mut student) = (Linear::new(3, 2), Linear::new(3, 2));
/// npz::load_bytes(&mut student, &npz::to_bytes(&teacher)?)?;
/// assert_eq!(student.weight(), teacher.weight());
/// # Ok::<(), fanin_interop::Error>(())
/// ```
pub fn to_bytes<T: Scalar, M: Parameters<T> + ?Sized>(model: &M) -> Result<Vec<u8>> {
    let (slots, values): (Vec<_>, Vec<_>) = tensors(model).into_iter().unzip();
    let names = named(&slots).into_iter().map(|names| names.written);
    let arrays: Vec<_> = names.zip(values).collect();
    archive(&mut arrays.iter().map(|(name, value)| (&**name, *value)))
}

/// Gives every parameter and buffer of a model the file's value.
///
/// # Errors
/// If the file is broken, or its names and shapes are not those of the model. Then the model is unchanged.
pub fn load<T: Scalar, M: Parameters<T> + ?Sized>(
    model: &mut M,
    path: impl AsRef<Path>,
) -> Result<()> {
    let path = path.as_ref();
    load_from(model, &file::read(path)?, false, path).map(drop)
}

/// [`load`] from memory.
///
/// # Errors
/// As [`load`], with `bytes` for the file's name.
pub fn load_bytes<T: Scalar, M: Parameters<T> + ?Sized>(model: &mut M, bytes: &[u8]) -> Result<()> {
    load_from(model, bytes, false, file::bytes()).map(drop)
}

/// Gives a model the values of the file that fit it, and says what did not.
///
/// # Errors
/// If the file is broken. Then the model is unchanged.
pub fn load_partial<T: Scalar, M: Parameters<T> + ?Sized>(
    model: &mut M,
    path: impl AsRef<Path>,
) -> Result<Report> {
    let path = path.as_ref();
    load_from(model, &file::read(path)?, true, path)
}

/// [`load_partial`] from memory.
///
/// # Errors
/// As [`load_partial`].
pub fn load_partial_bytes<T: Scalar, M: Parameters<T> + ?Sized>(
    model: &mut M,
    bytes: &[u8],
) -> Result<Report> {
    load_from(model, bytes, true, file::bytes())
}

/// Reads all arrays of an `.npz` file, in the file's order.
///
/// # Errors
/// If the file is broken, an array has elements that cannot be read, or the arrays take more than a thousand
/// times the file.
#[doc(alias = "numpy.load")]
pub fn read<T: Scalar>(path: impl AsRef<Path>) -> Result<Vec<(String, Tensor<T>)>> {
    let path = path.as_ref();
    read_from(&file::read(path)?, path)
}

/// [`read`] from memory.
///
/// # Errors
/// As [`read`].
pub fn read_bytes<T: Scalar>(bytes: &[u8]) -> Result<Vec<(String, Tensor<T>)>> {
    read_from(bytes, file::bytes())
}

/// Writes arrays to an `.npz` file, and replaces an existing file.
///
/// # Errors
/// If two arrays have one name, or the operating system refuses. Then nothing has changed on the disk.
///
/// # Example
/// ```
/// use fanin_interop::npz;
/// use fanin_nn::Tensor;
///
/// let path = std::env::temp_dir().join(format!("fanin-{}.npz", std::process::id()));
/// let x = Tensor::from_vec([2, 3], vec![1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0]);
/// npz::write(&path, [("x", &x)])?;
/// assert_eq!(npz::read::<f32>(&path)?, [("x".to_owned(), x)]);
/// # std::fs::remove_file(path).unwrap();
/// # Ok::<(), fanin_interop::Error>(())
/// ```
pub fn write<'a, T: Scalar>(
    path: impl AsRef<Path>,
    arrays: impl IntoIterator<Item = (&'a str, &'a Tensor<T>)>,
) -> Result<()> {
    file::replace(path.as_ref(), &archive(&mut arrays.into_iter())?)
}

/// Reads an `.npy` file.
///
/// # Errors
/// If the file is broken, or has elements that cannot be read.
pub fn read_npy<T: Scalar>(path: impl AsRef<Path>) -> Result<Tensor<T>> {
    let path = path.as_ref();
    read_npy_from(&file::read(path)?, path)
}

/// [`read_npy`] from memory.
///
/// # Errors
/// As [`read_npy`].
pub fn read_npy_bytes<T: Scalar>(bytes: &[u8]) -> Result<Tensor<T>> {
    read_npy_from(bytes, file::bytes())
}

/// Writes a tensor to an `.npy` file, and replaces an existing file.
///
/// # Errors
/// If the operating system refuses. Then nothing has changed on the disk.
pub fn write_npy<T: Scalar>(path: impl AsRef<Path>, value: &Tensor<T>) -> Result<()> {
    file::replace(path.as_ref(), &npy_bytes(value))
}

/// The bytes of an `.npy` file.
pub fn npy_bytes<T: Scalar>(value: &Tensor<T>) -> Vec<u8> {
    let mut bytes = npy::head::<T>(value.shape());
    bytes.extend(element_bytes(value.as_slice()));
    bytes
}

fn archive<T: Scalar>(arrays: &mut dyn Iterator<Item = (&str, &Tensor<T>)>) -> Result<Vec<u8>> {
    let refuse = |error: String| Error::unsupported(file::bytes(), error);
    let mut zip = ZipWriter::new(Cursor::new(vec![]));
    for (name, value) in arrays {
        let bytes = npy_bytes(value);
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Stored)
            .large_file(u32::try_from(bytes.len()).is_err());
        zip.start_file(format!("{name}.npy"), options)
            .map_err(|error| refuse(format!("cannot have the array {name}: {error}")))?;
        zip.write_all(&bytes).map_err(|error| refuse(error.to_string()))?;
    }
    let bytes = zip.finish().map_err(|error| refuse(error.to_string()))?;
    Ok(bytes.into_inner())
}

fn load_from<T: Scalar, M: Parameters<T> + ?Sized>(
    model: &mut M,
    bytes: &[u8],
    partial: bool,
    path: &Path,
) -> Result<Report> {
    model::load(model, &entries(bytes, path)?, partial, path)
}

fn read_from<T: Scalar>(bytes: &[u8], path: &Path) -> Result<Vec<(String, Tensor<T>)>> {
    // Deflate packs 1,032 bytes into one at best.
    let mut room = bytes.len().saturating_mul(1032);
    let mut arrays = vec![];
    for entry in entries(bytes, path)? {
        let refuse =
            |why: String| Error::malformed(path, format!("array {} {why}", shown(&entry.name)));
        let size = entry.len().and_then(|len| len.checked_mul(size_of::<T>()));
        match size.and_then(|size| room.checked_sub(size)) {
            Some(rest) => room = rest,
            None => return Err(refuse("is larger than the file can hold".into())),
        }
        arrays.push((entry.name.clone(), entry.values().map_err(refuse)?));
    }
    Ok(arrays)
}

fn read_npy_from<T: Scalar>(bytes: &[u8], path: &Path) -> Result<Tensor<T>> {
    let refuse = |why: String| Error::malformed(path, why);
    let header = Header::read(bytes).map_err(refuse)?;
    let data = &bytes[header.len..];
    let entry = entry(String::new(), header, Bytes::Slice(data));
    let size = entry.element.as_ref().map_or(1, |element: &Element| element.size());
    if entry.len().and_then(|len| len.checked_mul(size)) != Some(data.len())
        && entry.element.is_ok()
    {
        let why = "does not have as many bytes as its shape says; save it again";
        return Err(refuse(why.into()));
    }
    entry.values().map_err(refuse)
}

/// The arrays of a zip file. Only their heads are read.
fn entries<'f>(bytes: &'f [u8], path: &Path) -> Result<Vec<Entry<'f>>> {
    let archive = Archive::open(bytes).map_err(|why| Error::malformed(path, why))?;
    let mut entries = vec![];
    for member in archive.members {
        let refuse = |why| Error::malformed(path, format!("{}: {why}", shown(&member.name)));
        let Some(name) = member.name.strip_suffix(".npy") else {
            return Err(refuse("is no array of numpy.savez".to_owned()));
        };
        let header = Header::read(&member.head(npy::LONGEST).map_err(refuse)?).map_err(refuse)?;
        let (name, head) = (name.to_owned(), header.len);
        let later = Bytes::Later(Box::new(move |size| {
            let size = size.checked_add(head).ok_or("is larger than memory")?;
            Ok(match member.all(size)? {
                Cow::Borrowed(bytes) => Cow::Borrowed(&bytes[head..]),
                Cow::Owned(bytes) => Cow::Owned(bytes[head..].to_vec()),
            })
        }));
        entries.push(entry(name, header, later));
    }
    Ok(entries)
}

fn entry(name: String, header: Header, bytes: Bytes<'_>) -> Entry<'_> {
    let layout = if header.fortran { Layout::ColumnMajor } else { Layout::RowMajor };
    let Header { shape, element, big_endian, .. } = header;
    Entry { name, shape, element, big_endian, layout, bytes }
}
