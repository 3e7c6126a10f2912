//! One vector register as a value: what the matrix kernels hold their sums in.
//!
//! Loops over slices are vectorized by the compiler, but it does not keep a whole tile of sums in
//! registers. [`Lanes`] does so by hand.

use crate::Scalar;

/// A vector of [`Lanes::COUNT`] elements.
///
/// # Safety of all methods
/// They are for kernels that [`dispatch`](crate::simd::dispatch) runs, on the
/// [`Isa::Lanes`](crate::simd::Isa::Lanes) of the instruction set that it chose: elsewhere, the CPU may
/// lack the instructions.
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

    /// The side of the squares that [`transpose`](Self::transpose) takes.
    const SQUARE: usize = 4;

    /// Copies a square, rows to columns; the strides are from row to row.
    ///
    /// # Safety
    /// As all methods; and `from` must be readable, and `to` writable, for [`Self::SQUARE`] rows of as
    /// many elements.
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

/// Asks for the cache lines of `len` elements from `x` on, which may lie anywhere: nothing is read.
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

/// A plain array: the compiler makes of it what the target has.
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
    unsafe fn mul_add(self, b: Self, c: Self) -> Self {
        std::array::from_fn(|i| {
            // Without the instruction, a fused multiply-add would be a call.
            if cfg!(target_arch = "aarch64") {
                self[i].mul_add(b[i], c[i])
            } else {
                self[i] * b[i] + c[i]
            }
        })
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
mod x86 {
    use std::arch::x86_64::*;

    use super::{Lanes, Vectors};

    macro_rules! lanes {
        ($vector:ident of $count:literal $t:ident:
         $splat:ident $load:ident $store:ident $fma:ident $add:ident $sum:ident $($transpose:ident)?) => {
            // SAFETY of all blocks below: the caller's promise.
            impl Lanes<$t> for $vector {
                const COUNT: usize = $count;

                #[inline(always)]
                unsafe fn splat(value: $t) -> Self {
                    // SAFETY: see above.
                    unsafe { $splat(value) }
                }
                #[inline(always)]
                unsafe fn load(x: *const $t) -> Self {
                    // SAFETY: see above.
                    unsafe { $load(x) }
                }
                #[inline(always)]
                unsafe fn store(self, x: *mut $t) {
                    // SAFETY: see above.
                    unsafe { $store(x, self) }
                }
                #[inline(always)]
                unsafe fn mul_add(self, b: Self, c: Self) -> Self {
                    // SAFETY: see above.
                    unsafe { $fma(self, b, c) }
                }
                #[inline(always)]
                unsafe fn add(self, b: Self) -> Self {
                    // SAFETY: see above.
                    unsafe { $add(self, b) }
                }
                #[inline(always)]
                unsafe fn sum(self) -> $t {
                    // SAFETY: see above.
                    unsafe { $sum(self) }
                }
                $(
                    const SQUARE: usize = 8;

                    #[inline(always)]
                    unsafe fn transpose(from: *const $t, from_stride: usize, to: *mut $t, to_stride: usize) {
                        // SAFETY: see above.
                        unsafe { $transpose(from, from_stride, to, to_stride) }
                    }
                )?
            }
        };
    }
    lanes!(__m256 of 8 f32: _mm256_set1_ps _mm256_loadu_ps _mm256_storeu_ps _mm256_fmadd_ps
        _mm256_add_ps sum_f32 transpose_8);
    lanes!(__m256d of 4 f64: _mm256_set1_pd _mm256_loadu_pd _mm256_storeu_pd _mm256_fmadd_pd
        _mm256_add_pd sum_f64);
    lanes!(__m512 of 16 f32: _mm512_set1_ps _mm512_loadu_ps _mm512_storeu_ps _mm512_fmadd_ps
        _mm512_add_ps _mm512_reduce_add_ps transpose_8);
    lanes!(__m512d of 8 f64: _mm512_set1_pd _mm512_loadu_pd _mm512_storeu_pd _mm512_fmadd_pd
        _mm512_add_pd _mm512_reduce_add_pd);

    /// AVX2 has no instruction for it: halves are added until one element is left.
    #[target_feature(enable = "avx2")]
    fn sum_f32(x: __m256) -> f32 {
        let x = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps::<1>(x));
        let x = _mm_add_ps(x, _mm_movehl_ps(x, x));
        _mm_cvtss_f32(_mm_add_ss(x, _mm_shuffle_ps::<1>(x, x)))
    }

    #[target_feature(enable = "avx2")]
    fn sum_f64(x: __m256d) -> f64 {
        let x = _mm_add_pd(_mm256_castpd256_pd128(x), _mm256_extractf128_pd::<1>(x));
        _mm_cvtsd_f64(_mm_add_sd(x, _mm_unpackhi_pd(x, x)))
    }

    /// Eight rows of eight: neighbours are interleaved three times, at 1, 2 and 4 elements.
    ///
    /// # Safety
    /// As [`Lanes::transpose`].
    #[target_feature(enable = "avx2")]
    unsafe fn transpose_8(from: *const f32, from_stride: usize, to: *mut f32, to_stride: usize) {
        // SAFETY: the caller's promise, for eight rows of eight.
        let x: [__m256; 8] =
            std::array::from_fn(|i| unsafe { _mm256_loadu_ps(from.add(i * from_stride)) });
        let pairs: [__m256; 8] = std::array::from_fn(|i| {
            let (a, b) = (x[i / 2 * 2], x[i / 2 * 2 + 1]);
            if i % 2 == 0 { _mm256_unpacklo_ps(a, b) } else { _mm256_unpackhi_ps(a, b) }
        });
        let quads: [__m256; 8] = std::array::from_fn(|i| {
            let (a, b) = (pairs[i / 4 * 4 + i % 4 / 2], pairs[i / 4 * 4 + i % 4 / 2 + 2]);
            if i % 2 == 0 {
                _mm256_shuffle_ps::<0b01_00_01_00>(a, b)
            } else {
                _mm256_shuffle_ps::<0b11_10_11_10>(a, b)
            }
        });
        for i in 0..8 {
            let (a, b) = (quads[i % 4], quads[i % 4 + 4]);
            let row = if i < 4 {
                _mm256_permute2f128_ps::<0x20>(a, b)
            } else {
                _mm256_permute2f128_ps::<0x31>(a, b)
            };
            // SAFETY: as above.
            unsafe { _mm256_storeu_ps(to.add(i * to_stride), row) };
        }
    }

    impl Vectors for f32 {
        type Portable = [f32; 4];
        type Avx2 = __m256;
        type Avx512 = __m512;
    }
    impl Vectors for f64 {
        type Portable = [f64; 2];
        type Avx2 = __m256d;
        type Avx512 = __m512d;
    }
}

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
