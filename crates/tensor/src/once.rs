//! [`once!`]: functions whose `f32` form is compiled in this crate, and in no crate that uses it.
//!
//! A crate that calls a generic function compiles it again, and a kernel for three sets of vector
//! instructions. A function of [`once!`] is a thin generic one. For `f32` it calls a function without type
//! parameters, whose code is in this crate's object file. For other types it calls the generic function,
//! whose code is in the caller's.

use std::fmt;

use ndarray::ArrayD;

use crate::gemm::{Epilogue, Mat};
use crate::{Family, Scalar, Tensor, Write};

/// An argument or a result of a function that [`once!`] makes.
pub(crate) trait Once {
    /// The same with elements of type `f32`.
    type F32;
    /// The argument itself. **Panics** unless its elements are `f32`.
    fn into_f32(self) -> Self::F32;
    /// The result itself. **Panics** unless its elements are `f32`.
    fn from_f32(x: Self::F32) -> Self;
}

/// Implements [`Once`] for a family of types that differ only in their element type.
macro_rules! family {
    ($($name:ident $(<$life:lifetime>)? = $of:ty;)+) => {$(
        pub(crate) struct $name $(<$life>(std::marker::PhantomData<&$life ()>))?;
        impl $(<$life>)? Family for $name $(<$life>)? {
            type Of<T: Scalar> = $of;
        }
        impl<$($life,)? T: Scalar> Once for $of {
            type F32 = <$name $(<$life>)? as Family>::Of<f32>;
            #[inline(always)]
            fn into_f32(self) -> Self::F32 {
                T::into_f32::<$name $(<$life>)?>(self)
            }
            #[inline(always)]
            fn from_f32(x: Self::F32) -> Self {
                T::from_f32::<$name $(<$life>)?>(x)
            }
        }
    )+};
}
family! {
    Element = T;
    Slice<'a> = &'a [T];
    SliceMut<'a> = &'a mut [T];
    Matrix<'a> = Mat<'a, T>;
    MaybeSlice<'a> = Option<&'a [T]>;
    InPlace<'a> = &'a Epilogue<'a, T>;
    Owned = Tensor<T>;
    Borrowed<'a> = &'a Tensor<T>;
    BorrowedMut<'a> = &'a mut Tensor<T>;
    Elements = Vec<T>;
    Array = ArrayD<T>;
}

/// Implements [`Once`] for types without elements.
macro_rules! without_elements {
    ($($t:ty)*) => {$(
        impl Once for $t {
            type F32 = Self;
            #[inline(always)]
            fn into_f32(self) -> Self {
                self
            }
            #[inline(always)]
            fn from_f32(x: Self) -> Self {
                x
            }
        }
    )*};
}
without_elements!(() usize Write &[usize] &str Vec<usize> &mut fmt::Formatter<'_> fmt::Result);

/// `fn name(arguments) = generic;` makes a function that calls `generic::<T>`, compiled once for `f32`.
///
/// The element type is always called `T`. The parameters are such that implement [`Once`].
macro_rules! once {
    ($(
        $(#[$attribute:meta])*
        $visibility:vis fn $name:ident($($argument:ident: $type:ty),*) $(-> $result:ty)? = $generic:ident;
    )+) => {$(
        $(#[$attribute])*
        #[inline]
        #[track_caller]
        $visibility fn $name<T: $crate::Scalar>($($argument: $type),*) $(-> $result)? {
            if T::IS_F32 {
                return $crate::once::Once::from_f32(f32_only::once($(
                    $crate::once::Once::into_f32($argument)
                ),*));
            }
            return $generic($($argument),*);

            mod f32_only {
                use super::*;
                type T = f32;
                #[inline(never)]
                #[track_caller]
                pub(super) fn once($($argument: $type),*) $(-> $result)? {
                    $generic($($argument),*)
                }
            }
        }
    )+};
}
pub(crate) use once;
