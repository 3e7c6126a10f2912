//! The element types: `f32` for training, and `f64` for gradient checks.

use std::fmt::{Debug, Display};
use std::iter::Sum;
use std::ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Sub, SubAssign};

use crate::gemm::MatrixMultiply;
use crate::lanes::Vectors;
use ndarray::ScalarOperand;
use serde::{Serialize, de::DeserializeOwned};

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

/// Types that differ only in their element type, such as `Tensor<T>` for every T.
///
/// Generic code uses it to call code that a library has compiled once for `f32`. See
/// [`Scalar::IS_F32`].
pub trait Family {
    /// The member of the family with elements `T`.
    type Of<T: Scalar>;
}

/// An element of a [`Tensor`](crate::Tensor): `f32` or `f64`. Sealed.
pub trait Scalar:
    sealed::Sealed
    + MatrixMultiply
    + Vectors
    + crate::vmath::Math
    + crate::scratch::Plain
    + Copy
    + Default
    + PartialOrd
    + Debug
    + Display
    + Send
    + Sync
    + Sum
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + SubAssign
    + MulAssign
    + DivAssign
    + ScalarOperand
    + Serialize
    + DeserializeOwned
    + 'static
{
    /// 0.
    const ZERO: Self;
    /// 1.
    const ONE: Self;
    /// −∞.
    const NEG_INFINITY: Self;
    /// The distance from 1 to the next larger number.
    const EPSILON: Self;
    /// The smallest positive number that is not subnormal.
    const MIN_POSITIVE: Self;
    /// Whether this type is `f32`.
    ///
    /// A crate that uses a generic function compiles it again. To avoid this for `f32`, a large function
    /// branches on this constant and calls a function that is not generic, with arguments converted by
    /// [`into_f32`](Self::into_f32). The compiler drops the other branch before it generates code.
    #[doc(hidden)]
    const IS_F32: bool;

    /// `x` itself, if this type is `f32`.
    ///
    /// # Panics
    /// **Panics** for any other type.
    #[doc(hidden)]
    fn into_f32<F: Family>(x: F::Of<Self>) -> F::Of<f32>;
    /// `x` itself, if this type is `f32`.
    ///
    /// # Panics
    /// **Panics** for any other type.
    #[doc(hidden)]
    fn from_f32<F: Family>(x: F::Of<f32>) -> F::Of<Self>;

    /// Reads little-endian bytes, as many as this type has, bit for bit.
    #[doc(hidden)]
    fn from_le_slice(bytes: &[u8]) -> Self;
    /// Rounds an `f64` to this type.
    fn from_f64(value: f64) -> Self;
    /// Widens to `f64`, exactly.
    fn to_f64(self) -> f64;
    /// `self · a + b`, rounded once.
    fn mul_add(self, a: Self, b: Self) -> Self;
    /// √self, correctly rounded.
    fn sqrt(self) -> Self;
    /// |self|.
    fn abs(self) -> Self;
    /// Whether it is neither infinite nor NaN.
    fn is_finite(self) -> bool;
    /// Whether it is NaN.
    fn is_nan(self) -> bool;
    /// `self`, and 0 where `|self| < limit`. NaN stays. `limit` must not be negative.
    ///
    /// It compares bit patterns, so that a subnormal number costs no more than another one: see
    /// [`subnormal`](crate::subnormal).
    fn zero_below(self, limit: Self) -> Self;
}

macro_rules! scalar {
    ($t:ident, $bits:ident, $is_f32:literal, |$x:ident| $convert:expr) => {
        impl Scalar for $t {
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            const NEG_INFINITY: Self = $t::NEG_INFINITY;
            const EPSILON: Self = $t::EPSILON;
            const MIN_POSITIVE: Self = $t::MIN_POSITIVE;
            const IS_F32: bool = $is_f32;

            #[inline(always)]
            fn into_f32<F: Family>($x: F::Of<Self>) -> F::Of<f32> {
                $convert
            }
            #[inline(always)]
            fn from_f32<F: Family>($x: F::Of<f32>) -> F::Of<Self> {
                $convert
            }

            #[inline(always)]
            fn from_le_slice(bytes: &[u8]) -> Self {
                $t::from_le_bytes(bytes.try_into().expect("as many bytes as the type has"))
            }
            #[inline(always)]
            fn from_f64(value: f64) -> Self {
                value as $t
            }
            #[inline(always)]
            fn to_f64(self) -> f64 {
                f64::from(self)
            }
            #[inline(always)]
            fn mul_add(self, a: Self, b: Self) -> Self {
                $t::mul_add(self, a, b)
            }
            #[inline(always)]
            fn sqrt(self) -> Self {
                $t::sqrt(self)
            }
            #[inline(always)]
            fn abs(self) -> Self {
                $t::abs(self)
            }
            #[inline(always)]
            fn is_nan(self) -> bool {
                $t::is_nan(self)
            }
            #[inline(always)]
            fn is_finite(self) -> bool {
                $t::is_finite(self)
            }
            #[inline(always)]
            fn zero_below(self, limit: Self) -> Self {
                // Signed, because AVX2 compares no unsigned integers. Without the sign bit, numbers are
                // in the order of their bit patterns.
                let bits = $t::to_bits(self).cast_signed();
                let limit = $t::to_bits(limit).cast_signed();
                let bits = if bits & $bits::MAX < limit { 0 } else { bits };
                $t::from_bits(bits.cast_unsigned())
            }
        }
    };
}
scalar!(f32, i32, true, |x| x);
scalar!(f64, i64, false, |_x| unreachable!("f64 is not f32"));
