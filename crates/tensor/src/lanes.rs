//! One vector register as a value, in which the matrix kernels hold their sums.
//!
//! The compiler vectorizes loops over slices, but it does not keep a whole tile of sums in registers.
//! Kernels of [`Lanes`] do.

use crate::Scalar;

/// Whether every CPU of the target has a fused multiply-add. Without one, `mul_add` is a call.
pub(crate) const FUSED: bool = cfg!(any(target_arch = "aarch64", target_feature = "fma"));

/// A vector of [`Lanes::COUNT`] elements.
///
/// # Safety of all methods
/// Use them only in a kernel that [`dispatch`](crate::simd::dispatch) runs, and only on the
/// [`Isa::Lanes`](crate::simd::Isa::Lanes) of its instruction set. Otherwise the CPU may lack the
/// instructions.
pub trait Lanes<T>: Copy {
    /// How many elements it holds.
    const COUNT: usize;

    /// All elements the same.
    ///
    /// # Safety
    /// As all methods.
    unsafe fn splat(value: T) -> Self;

    /// The first elements of a slice.
    ///
    /// # Safety
    /// As all methods, and `x` must be readable for [`Self::COUNT`] elements.
    unsafe fn load(x: *const T) -> Self;

    /// Writes the elements out.
    ///
    /// # Safety
    /// As all methods, and `x` must be writable for [`Self::COUNT`] elements.
    unsafe fn store(self, x: *mut T);

    /// The first `n` elements of a slice, and zeros.
    ///
    /// # Safety
    /// As all methods. `n` must be at most [`Self::COUNT`], and `x` must be readable for `n` elements.
    unsafe fn load_first(x: *const T, n: usize) -> Self;

    /// [`load_first`](Self::load_first), faster if `n` is mostly [`Self::COUNT`].
    ///
    /// Not a closure: a closure that is called twice might not be inlined, and would then be compiled
    /// without the vector instructions of its kernel.
    ///
    /// # Safety
    /// As [`load_first`](Self::load_first).
    #[inline(always)]
    unsafe fn load_most(x: *const T, n: usize) -> Self {
        // SAFETY: the caller's promise.
        unsafe { if n == Self::COUNT { Self::load(x) } else { Self::load_first(x, n) } }
    }

    /// Writes the first `n` elements out.
    ///
    /// # Safety
    /// As all methods. `n` must be at most [`Self::COUNT`], and `x` must be writable for `n` elements.
    unsafe fn store_first(self, x: *mut T, n: usize);

    /// `self · b + c`, rounded once where the CPU can do so in one instruction.
    ///
    /// # Safety
    /// As all methods.
    unsafe fn mul_add(self, b: Self, c: Self) -> Self;

    /// `self + b`
    ///
    /// # Safety
    /// As all methods.
    unsafe fn add(self, b: Self) -> Self;

    /// The sum of all elements, as a tree.
    ///
    /// # Safety
    /// As all methods.
    unsafe fn sum(self) -> T;

    /// The sums of four vectors.
    ///
    /// # Safety
    /// As all methods.
    #[inline(always)]
    unsafe fn sums(vectors: [Self; 4]) -> [T; 4] {
        // SAFETY: the caller's promise.
        vectors.map(|v| unsafe { v.sum() })
    }

    /// The side of the squares that [`transpose`](Self::transpose) takes.
    const SQUARE: usize = 4;

    /// Writes the transpose of a square. The strides are row strides.
    ///
    /// # Safety
    /// As all methods. `from` must be readable, and `to` writable, for [`Self::SQUARE`] rows of
    /// [`Self::SQUARE`] elements.
    #[inline(always)]
    unsafe fn transpose(from: *const T, from_stride: usize, to: *mut T, to_stride: usize) {
        for i in 0..Self::SQUARE {
            for j in 0..Self::SQUARE {
                // SAFETY: the caller's promise.
                unsafe { to.add(j * to_stride + i).write(from.add(i * from_stride + j).read()) };
            }
        }
    }
}

/// The vectors of an element type, one for each level of [`simd`](crate::simd).
pub trait Vectors: Sized {
    /// For [`Portable`](crate::simd::Portable).
    type Portable: Lanes<Self>;
    /// For [`Avx2`](crate::simd::Avx2).
    type Avx2: Lanes<Self>;
    /// For [`Avx512`](crate::simd::Avx512).
    type Avx512: Lanes<Self>;
}

/// Prefetches the cache lines of `len` elements from `x` on. `x` may be any address.
#[inline(always)]
pub(crate) fn prefetch<T>(x: *const T, len: usize) {
    let mut at = 0;
    while at < len {
        #[cfg(target_arch = "x86_64")]
        {
            use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
            // SAFETY: every x86-64 CPU has it, and it faults for no address.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(x.wrapping_add(at).cast()) };
        }
        at += 64 / size_of::<T>();
    }
    let _ = x;
}

/// A plain array, which the compiler maps to the vectors of the target.
impl<T: Scalar, const N: usize> Lanes<T> for [T; N] {
    const COUNT: usize = N;

    #[inline(always)]
    unsafe fn splat(value: T) -> Self {
        [value; N]
    }
    #[inline(always)]
    unsafe fn load(x: *const T) -> Self {
        // SAFETY: the caller's promise; an array has the alignment of its elements.
        unsafe { x.cast::<Self>().read() }
    }
    #[inline(always)]
    unsafe fn store(self, x: *mut T) {
        // SAFETY: as above.
        unsafe { x.cast::<Self>().write(self) }
    }
    #[inline(always)]
    unsafe fn load_first(x: *const T, n: usize) -> Self {
        // SAFETY: the caller's promise.
        std::array::from_fn(|i| if i < n { unsafe { x.add(i).read() } } else { T::ZERO })
    }
    #[inline(always)]
    unsafe fn store_first(self, x: *mut T, n: usize) {
        for (i, &value) in self.iter().enumerate().take(n) {
            // SAFETY: the caller's promise.
            unsafe { x.add(i).write(value) };
        }
    }
    #[inline(always)]
    unsafe fn mul_add(self, b: Self, c: Self) -> Self {
        // Fused where other code of this level is: a result must not depend on the kernel.
        std::array::from_fn(
            |i| {
                if FUSED { self[i].mul_add(b[i], c[i]) } else { self[i] * b[i] + c[i] }
            },
        )
    }
    #[inline(always)]
    unsafe fn add(self, b: Self) -> Self {
        std::array::from_fn(|i| self[i] + b[i])
    }
    #[inline(always)]
    unsafe fn sum(mut self) -> T {
        let mut half = N / 2;
        while half > 0 {
            for i in 0..half {
                self[i] += self[i + half];
            }
            half /= 2;
        }
        self[0]
    }
}

#[cfg(target_arch = "x86_64")]
mod x86;

#[cfg(not(target_arch = "x86_64"))]
macro_rules! portable {
    ($t:ident, $count:literal) => {
        impl Vectors for $t {
            type Portable = [$t; $count];
            type Avx2 = [$t; $count];
            type Avx512 = [$t; $count];
        }
    };
}
#[cfg(not(target_arch = "x86_64"))]
portable!(f32, 4);
#[cfg(not(target_arch = "x86_64"))]
portable!(f64, 2);
