//! The vectors of x86-64: AVX2 and AVX-512.

use std::arch::x86_64::*;

use super::{Lanes, Vectors};

macro_rules! lanes {
    ($vector:ident of $count:literal $t:ident:
     $splat:ident $load:ident $store:ident $load_first:ident $store_first:ident $fma:ident $add:ident
     $sum:ident $($sums:ident $transpose:ident)?) => {
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
            unsafe fn load_first(x: *const $t, n: usize) -> Self {
                // SAFETY: see above.
                unsafe { $load_first(x, n) }
            }
            #[inline(always)]
            unsafe fn store_first(self, x: *mut $t, n: usize) {
                // SAFETY: see above.
                unsafe { $store_first(self, x, n) }
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
                #[inline(always)]
                unsafe fn sums(vectors: [Self; 4]) -> [$t; 4] {
                    // SAFETY: see above.
                    unsafe { $sums(vectors) }
                }

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
lanes!(__m256 of 8 f32: _mm256_set1_ps _mm256_loadu_ps _mm256_storeu_ps load_8_f32 store_8_f32
    _mm256_fmadd_ps _mm256_add_ps sum_8_f32 sums_8 transpose_8);
lanes!(__m256d of 4 f64: _mm256_set1_pd _mm256_loadu_pd _mm256_storeu_pd load_4_f64 store_4_f64
    _mm256_fmadd_pd _mm256_add_pd sum_4_f64);
lanes!(__m512 of 16 f32: _mm512_set1_ps _mm512_loadu_ps _mm512_storeu_ps load_16_f32 store_16_f32
    _mm512_fmadd_ps _mm512_add_ps sum_16_f32 sums_16 transpose_8);
lanes!(__m512d of 8 f64: _mm512_set1_pd _mm512_loadu_pd _mm512_storeu_pd load_8_f64 store_8_f64
    _mm512_fmadd_pd _mm512_add_pd sum_8_f64);

/// The first `n` elements of a vector of `$count`, by a mask.
macro_rules! first {
    ($features:literal, $vector:ident of $t:ident: $load_first:ident $store_first:ident
     by $mask:expr => $load:ident $store:ident) => {
        #[inline]
        #[target_feature(enable = $features)]
        unsafe fn $load_first(x: *const $t, n: usize) -> $vector {
            // SAFETY: the caller's promise.
            unsafe { $load(x, $mask(n)) }
        }
        #[inline]
        #[target_feature(enable = $features)]
        unsafe fn $store_first(v: $vector, x: *mut $t, n: usize) {
            // SAFETY: the caller's promise.
            unsafe { $store(x, $mask(n), v) }
        }
    };
}
first!("avx2", __m256 of f32: load_8_f32 store_8_f32 by mask_8 => _mm256_maskload_ps _mm256_maskstore_ps);
first!("avx2", __m256d of f64: load_4_f64 store_4_f64 by mask_4 => _mm256_maskload_pd _mm256_maskstore_pd);
first!("avx512f", __m512 of f32: load_16_f32 store_16_f32 by mask_16 => maskz_load_ps _mm512_mask_storeu_ps);
first!("avx512f", __m512d of f64: load_8_f64 store_8_f64 by mask_16 => maskz_load_pd mask_store_pd);

#[inline]
fn mask_16(n: usize) -> u16 {
    ((1u32 << n) - 1) as u16
}
#[inline]
#[target_feature(enable = "avx2")]
fn mask_8(n: usize) -> __m256i {
    _mm256_cmpgt_epi32(_mm256_set1_epi32(n as i32), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7))
}
#[inline]
#[target_feature(enable = "avx2")]
fn mask_4(n: usize) -> __m256i {
    _mm256_cmpgt_epi64(_mm256_set1_epi64x(n as i64), _mm256_setr_epi64x(0, 1, 2, 3))
}
#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn maskz_load_ps(x: *const f32, mask: u16) -> __m512 {
    // SAFETY: the caller's promise, for the elements of the mask.
    unsafe { _mm512_maskz_loadu_ps(mask, x) }
}
#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn maskz_load_pd(x: *const f64, mask: u16) -> __m512d {
    // SAFETY: as above.
    unsafe { _mm512_maskz_loadu_pd(mask as u8, x) }
}
#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn mask_store_pd(x: *mut f64, mask: u16, v: __m512d) {
    // SAFETY: as above.
    unsafe { _mm512_mask_storeu_pd(x, mask as u8, v) }
}

/// Adds halves until one element is left. There is no single instruction for it.
#[inline]
#[target_feature(enable = "avx2")]
fn sum_8_f32(x: __m256) -> f32 {
    let x = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps::<1>(x));
    let x = _mm_add_ps(x, _mm_movehl_ps(x, x));
    _mm_cvtss_f32(_mm_add_ss(x, _mm_shuffle_ps::<1>(x, x)))
}

#[inline]
#[target_feature(enable = "avx2")]
fn sum_4_f64(x: __m256d) -> f64 {
    let x = _mm_add_pd(_mm256_castpd256_pd128(x), _mm256_extractf128_pd::<1>(x));
    _mm_cvtsd_f64(_mm_add_sd(x, _mm_unpackhi_pd(x, x)))
}

#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx2")]
fn halves_f32(x: __m512) -> __m256 {
    _mm256_add_ps(_mm512_castps512_ps256(x), _mm512_extractf32x8_ps::<1>(x))
}

#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx2")]
fn sum_16_f32(x: __m512) -> f32 {
    sum_8_f32(halves_f32(x))
}

#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx2")]
fn sum_8_f64(x: __m512d) -> f64 {
    sum_4_f64(_mm256_add_pd(_mm512_castpd512_pd256(x), _mm512_extractf64x4_pd::<1>(x)))
}

/// Adds neighbours twice, across all four vectors at once.
#[inline]
#[target_feature(enable = "avx2")]
fn sums_8([a, b, c, d]: [__m256; 4]) -> [f32; 4] {
    let quads = _mm256_hadd_ps(_mm256_hadd_ps(a, b), _mm256_hadd_ps(c, d));
    let sums = _mm_add_ps(_mm256_castps256_ps128(quads), _mm256_extractf128_ps::<1>(quads));
    let mut out = [0.0; 4];
    // SAFETY: there is room for four.
    unsafe { _mm_storeu_ps(out.as_mut_ptr(), sums) };
    out
}

#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx2")]
fn sums_16(vectors: [__m512; 4]) -> [f32; 4] {
    let [a, b, c, d] = vectors;
    sums_8([halves_f32(a), halves_f32(b), halves_f32(c), halves_f32(d)])
}

/// Transposes eight rows of eight elements. Interleaves neighbours of 1, 2 and 4 elements.
///
/// # Safety
/// As [`Lanes::transpose`].
#[inline]
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
