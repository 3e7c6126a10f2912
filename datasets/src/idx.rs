//! IDX, the format of the MNIST files: a header of sizes, then the elements, all big-endian.
//!
//! ```text
//! 00 00 type rank    type: 08 u8, 09 i8, 0B i16, 0C i32, 0D f32, 0E f64; rank: 01 to FF axes
//! size …             one u32 an axis, outermost first
//! element …          row by row
//! ```
//!
//! [`read`] gives an [`Idx`] or an error for any file, gzip or plain. It tells gzip by the content, not
//! by the name. A [`Reader`] has another [limit](Reader::limit) of size.
//!
//! # Example
//! ```
//! use fanin_datasets::idx::{self, Idx, IdxData};
//!
//! let path = std::env::temp_dir().join(format!("fanin-{}.gz", std::process::id()));
//! let table = Idx::new([2, 2], IdxData::I16(vec![1, -2, 3, -4]));
//! table.save(&path)?;
//! assert_eq!(idx::read(&path)?, table);
//! # std::fs::remove_file(path).unwrap();
//! # Ok::<(), fanin_datasets::Error>(())
//! ```
//!
//! # Reference
//! LeCun, Cortes and Burges, *The MNIST database*, "The IDX file format", 1998.

mod gzip;
mod read;
mod write;

pub(crate) use read::open;
pub use read::{DEFAULT_LIMIT, Reader, read};
#[cfg(feature = "csv")]
pub(crate) use read::{broken, unpacked};

/// An array of an IDX file.
#[derive(Clone, Debug, PartialEq)]
pub struct Idx {
    // Invariant: 1 to 255 axes, each below 2³², whose product is the number of elements.
    shape: Vec<usize>,
    data: IdxData,
}

/// The elements of an [`Idx`], row by row.
#[derive(Clone, Debug, PartialEq)]
pub enum IdxData {
    /// Type 08: pixels and labels are of it.
    U8(Vec<u8>),
    /// Type 09.
    I8(Vec<i8>),
    /// Type 0B.
    I16(Vec<i16>),
    /// Type 0C.
    I32(Vec<i32>),
    /// Type 0D.
    F32(Vec<f32>),
    /// Type 0E.
    F64(Vec<f64>),
}

impl Idx {
    /// An array of this shape whose elements, row by row, are `data`.
    ///
    /// # Panics
    /// **Panics** if the shape has no axis, more than 255 axes, an axis of 2³² or more, or another
    /// number of places than there are elements.
    #[track_caller]
    pub fn new(shape: impl Into<Vec<usize>>, data: IdxData) -> Self {
        let shape = shape.into();
        let places = places(&shape);
        if shape.is_empty()
            || shape.len() > 255
            || shape.iter().any(|&size| u32::try_from(size).is_err())
            || places != Some(data.len())
        {
            bad_shape(&shape, data.len());
        }
        Self { shape, data }
    }

    /// The length of every axis, outermost first.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The elements, row by row.
    pub fn data(&self) -> &IdxData {
        &self.data
    }

    /// Shape and elements.
    pub fn into_parts(self) -> (Vec<usize>, IdxData) {
        (self.shape, self.data)
    }
}

impl IdxData {
    /// How many elements there are.
    pub fn len(&self) -> usize {
        match self {
            Self::U8(v) => v.len(),
            Self::I8(v) => v.len(),
            Self::I16(v) => v.len(),
            Self::I32(v) => v.len(),
            Self::F32(v) => v.len(),
            Self::F64(v) => v.len(),
        }
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The type of the elements, as Rust names it: `u8`.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::U8(_) => "u8",
            Self::I8(_) => "i8",
            Self::I16(_) => "i16",
            Self::I32(_) => "i32",
            Self::F32(_) => "f32",
            Self::F64(_) => "f64",
        }
    }
}

/// The product of the axes, if it fits a `usize`; 0 if one axis is 0.
fn places(shape: &[usize]) -> Option<usize> {
    if shape.contains(&0) {
        return Some(0);
    }
    shape.iter().try_fold(1usize, |product, &size| product.checked_mul(size))
}

#[cold]
#[inline(never)]
#[track_caller]
fn bad_shape(shape: &[usize], len: usize) -> ! {
    panic!(
        "Idx::new: shape {shape:?} with {len} elements; IDX has 1 to 255 axes below 2³², whose \
         product is the number of elements"
    )
}
