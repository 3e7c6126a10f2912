//! [`Entry`]: a tensor of a file, not read yet.

use std::borrow::Cow;

use fanin_tensor::{Scalar, Tensor};

use crate::element::Element;

/// A tensor of a file. Its name and shape are known, its values are read when they are wanted: a tensor
/// that nobody wants costs no memory.
pub(crate) struct Entry<'f> {
    pub(crate) name: String,
    pub(crate) shape: Vec<usize>,
    /// Its elements, or what they are instead: `complex numbers`.
    pub(crate) element: Result<Element, String>,
    pub(crate) big_endian: bool,
    pub(crate) layout: Layout,
    pub(crate) bytes: Bytes<'f>,
}

/// Where the elements lie.
pub(crate) enum Layout {
    /// The last axis is the fastest. There are exactly as many bytes as elements need.
    RowMajor,
    /// The first axis is the fastest.
    ColumnMajor,
    /// The first element is at `offset`, and a step along an axis is this many elements.
    Strided { offset: usize, strides: Vec<usize> },
}

pub(crate) enum Bytes<'f> {
    Slice(&'f [u8]),
    /// Reads exactly as many bytes as the elements take, or says why not.
    Later(Box<ReadBytes<'f>>),
}

type ReadBytes<'f> = dyn Fn(usize) -> Result<Cow<'f, [u8]>, String> + 'f;

impl<'f> Entry<'f> {
    /// The number of elements, unless the shape is beyond memory: an axis of 0 counts as 1 there.
    pub(crate) fn len(&self) -> Option<usize> {
        let axes = self.shape.iter();
        let largest = axes.clone().try_fold(1usize, |len, &size| len.checked_mul(size.max(1)))?;
        (largest <= isize::MAX as usize / 8).then(|| axes.product())
    }

    fn bytes(&self, size: usize) -> Result<Cow<'f, [u8]>, String> {
        match &self.bytes {
            Bytes::Slice(bytes) => Ok(Cow::Borrowed(bytes)),
            Bytes::Later(read) => read(size),
        }
    }

    /// The values in row-major order. The caller has compared the shape with one that fits into memory, or
    /// the number of elements with the size of the file.
    pub(crate) fn values<T: Scalar>(&self) -> Result<Tensor<T>, String> {
        let element = match &self.element {
            Ok(element) => *element,
            Err(what) => return Err(format!("has {what}, which cannot be read")),
        };
        let beyond = || "is larger than memory".to_owned();
        let (len, size) = (self.len().ok_or_else(beyond)?, element.size());
        let bytes = self.bytes(len.checked_mul(size).ok_or_else(beyond)?)?;
        let read = element.reader::<T>(self.big_endian);
        let at = |i: usize| {
            let start = i.checked_mul(size)?;
            bytes.get(start..start.checked_add(size)?)
        };
        let (offset, strides) = match &self.layout {
            Layout::RowMajor => {
                if bytes.len() != len * size {
                    return Err(format!("has {} bytes and needs {}", bytes.len(), len * size));
                }
                (0, None)
            }
            Layout::ColumnMajor => (0, Some(column_major(&self.shape))),
            Layout::Strided { offset, strides } => (*offset, Some(strides.clone())),
        };
        let mut values = Vec::with_capacity(len);
        let mut push = |bytes: Option<&[u8]>| -> Result<(), String> {
            let bytes = bytes.ok_or("reaches beyond the end of its storage")?;
            let value = read(bytes).ok_or_else(|| {
                let number = element.reader::<f64>(self.big_endian)(bytes).unwrap_or(f64::NAN);
                format!("has the number {number:e}, which is beyond f32")
            })?;
            values.push(value);
            Ok(())
        };
        match strides {
            None => bytes.chunks_exact(size).try_for_each(|bytes| push(Some(bytes)))?,
            Some(strides) => {
                let mut index = vec![0; self.shape.len()];
                for _ in 0..len {
                    let steps = index.iter().zip(&strides);
                    let place = steps.into_iter().try_fold(offset, |at, (i, stride)| {
                        at.checked_add(usize::checked_mul(*i, *stride)?)
                    });
                    push(place.and_then(at))?;
                    for (i, &size) in index.iter_mut().zip(&self.shape).rev() {
                        *i += 1;
                        if *i < size {
                            break;
                        }
                        *i = 0;
                    }
                }
            }
        }
        Ok(Tensor::from_vec(&self.shape[..], values))
    }
}

fn column_major(shape: &[usize]) -> Vec<usize> {
    let mut step = 1usize;
    let strides = shape.iter().map(|&size| {
        let stride = step;
        step = step.saturating_mul(size);
        stride
    });
    strides.collect()
}
