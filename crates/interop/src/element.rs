//! [`Element`]: the element types of files, and their values as floats.

use fanin_tensor::Scalar;
use half::{bf16, f16};

/// An element type that a reader understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Element {
    F16,
    Bf16,
    F32,
    F64,
    /// A signed integer of this many bytes.
    Int(usize),
    /// An unsigned integer of this many bytes.
    Uint(usize),
}

impl Element {
    pub(crate) fn size(self) -> usize {
        match self {
            Self::F16 | Self::Bf16 => 2,
            Self::F32 => 4,
            Self::F64 => 8,
            Self::Int(size) | Self::Uint(size) => size,
        }
    }

    pub(crate) fn is_float(self) -> bool {
        !matches!(self, Self::Int(_) | Self::Uint(_))
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::F16 => "f16",
            Self::Bf16 => "bf16",
            Self::F32 => "f32",
            Self::F64 => "f64",
            Self::Int(1) => "i8",
            Self::Int(2) => "i16",
            Self::Int(4) => "i32",
            Self::Int(_) => "i64",
            Self::Uint(1) => "u8",
            Self::Uint(2) => "u16",
            Self::Uint(4) => "u32",
            Self::Uint(_) => "u64",
        }
    }

    /// The function that gives the value of [`size`](Self::size) little-endian bytes. Integers beyond 2⁵³
    /// are rounded.
    fn read(self) -> fn(&[u8]) -> f64 {
        fn all<const N: usize>(bytes: &[u8]) -> [u8; N] {
            bytes.try_into().expect("the size of the element")
        }
        match self {
            Self::F16 => |bytes| f16::from_le_bytes(all(bytes)).to_f64(),
            Self::Bf16 => |bytes| bf16::from_le_bytes(all(bytes)).to_f64(),
            Self::F32 => |bytes| f32::from_le_bytes(all(bytes)).into(),
            Self::F64 => |bytes| f64::from_le_bytes(all(bytes)),
            Self::Int(1) => |bytes| i8::from_le_bytes(all(bytes)).into(),
            Self::Int(2) => |bytes| i16::from_le_bytes(all(bytes)).into(),
            Self::Int(4) => |bytes| i32::from_le_bytes(all(bytes)).into(),
            Self::Int(_) => |bytes| i64::from_le_bytes(all(bytes)) as f64,
            Self::Uint(1) => |bytes| bytes[0].into(),
            Self::Uint(2) => |bytes| u16::from_le_bytes(all(bytes)).into(),
            Self::Uint(4) => |bytes| u32::from_le_bytes(all(bytes)).into(),
            Self::Uint(_) => |bytes| u64::from_le_bytes(all(bytes)) as f64,
        }
    }

    /// A function that reads one element.
    ///
    /// f16, bf16 and f32 are exact in either type, and f64 is rounded to the nearest f32. `None` is for a
    /// finite number that is beyond the type.
    pub(crate) fn reader<T: Scalar>(self, big_endian: bool) -> impl Fn(&[u8]) -> Option<T> {
        let read = self.read();
        move |bytes| {
            let mut turned = [0; 8];
            let bytes = if big_endian {
                let turned = &mut turned[..bytes.len()];
                turned.copy_from_slice(bytes);
                turned.reverse();
                &*turned
            } else {
                bytes
            };
            let value = read(bytes);
            let rounded = T::from_f64(value);
            (rounded.to_f64().is_finite() || !value.is_finite()).then_some(rounded)
        }
    }
}

/// The values as little-endian bytes.
pub(crate) fn to_bytes<T: Scalar>(values: &[T]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(size_of_val(values));
    for value in values {
        match T::IS_F32 {
            true => bytes.extend((value.to_f64() as f32).to_le_bytes()),
            false => bytes.extend(value.to_f64().to_le_bytes()),
        }
    }
    bytes
}
