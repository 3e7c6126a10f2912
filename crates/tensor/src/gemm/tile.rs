//! The register tile: some rows of C by some vectors of columns. Its sums stay in registers.

use std::ops::Range;

use super::Start;
use crate::Scalar;
use crate::lanes::{Lanes, prefetch};
use crate::simd::Isa;

/// The most elements of a vector, that of AVX-512 with `f32`.
const MAX_LANES: usize = 16;

/// Where a tile is written.
#[derive(Clone, Copy)]
pub(super) struct Place<T> {
    /// The first element.
    pub(super) c: *mut T,
    /// The row stride of C.
    pub(super) stride: usize,
    /// How many rows of the tile are inside C.
    pub(super) rows: usize,
    /// How many columns of the tile are inside C.
    pub(super) columns: usize,
    /// What the tile is added to: the first element and the row stride.
    pub(super) plus: Option<(*const T, usize)>,
}

impl<T: Scalar> Place<T> {
    /// `rows` rows of columns `columns` of C, from `c` on. `first` says whether the tile has the first
    /// terms of its sums.
    #[inline(always)]
    pub(super) fn new(
        (c, stride): (*mut T, usize),
        rows: usize,
        columns: Range<usize>,
        start: Start<'_, T>,
        first: bool,
    ) -> Self {
        let plus = match start {
            Start::Row(row) if first => Some((row[columns.start..].as_ptr(), 0)),
            Start::Zero if first => None,
            _ => Some((c.cast_const(), stride)),
        };
        Self { c, stride, rows, columns: columns.len(), plus }
    }

    /// The same place, for what is added to it.
    #[inline(always)]
    pub(super) fn again(self) -> Self {
        Self { plus: Some((self.c.cast_const(), self.stride)), ..self }
    }

    /// Fetches what is there into the cache.
    #[inline(always)]
    pub(super) fn prefetch(&self) {
        for r in 0..self.rows {
            prefetch(self.c.wrapping_add(r * self.stride), self.columns);
        }
    }
}

/// `depth` columns of A times as many rows of B, in a tile of `R` rows and `V` vectors.
///
/// # Safety
/// As [`Tile::add`] and [`Tile::write`].
#[inline(always)]
pub(super) unsafe fn tile<I: Isa, T: Scalar, const R: usize, const V: usize>(
    depth: usize,
    a: impl Fn(usize, usize) -> *const T,
    b: *const T,
    b_stride: usize,
    place: Place<T>,
) {
    // SAFETY: the caller's promise.
    unsafe {
        let mut tile = Tile::<I, T, R, V>::zero();
        tile.add(0..depth, a, b, b_stride);
        tile.write(place);
    }
}

/// The sums of `R` rows and `V` vectors of C, in registers.
pub(super) struct Tile<I: Isa, T: Scalar, const R: usize, const V: usize>([[I::Lanes<T>; V]; R]);

impl<I: Isa, T: Scalar, const R: usize, const V: usize> Tile<I, T, R, V> {
    /// # Safety
    /// `I` must be what [`dispatch`](crate::simd::dispatch) chose, here and below.
    #[inline(always)]
    pub(super) unsafe fn zero() -> Self {
        // SAFETY: the caller's promise.
        Self(unsafe { [[I::Lanes::<T>::splat(T::ZERO); V]; R] })
    }

    /// Adds some columns of A times as many rows of B.
    ///
    /// # Safety
    /// `a(r, p)` must point to element `(r, p)` of A for r < R. `b` must point to rows of V vectors each,
    /// `b_stride` apart.
    #[inline(always)]
    pub(super) unsafe fn add(
        &mut self,
        terms: Range<usize>,
        a: impl Fn(usize, usize) -> *const T,
        b: *const T,
        b_stride: usize,
    ) {
        let count = I::Lanes::<T>::COUNT;
        for p in terms {
            let b: [I::Lanes<T>; V] = std::array::from_fn(|v| {
                // SAFETY: the caller's promise, here and below.
                unsafe { Lanes::load(b.add(p * b_stride + v * count)) }
            });
            for (r, sums) in self.0.iter_mut().enumerate() {
                // SAFETY: as above.
                let x: I::Lanes<T> = unsafe { Lanes::splat(*a(r, p)) };
                for (sum, &b) in sums.iter_mut().zip(&b) {
                    // SAFETY: as above.
                    *sum = unsafe { x.mul_add(b, *sum) };
                }
            }
        }
    }

    /// Writes the tile to C.
    ///
    /// # Safety
    /// The place must lie in C, and nobody else may use it.
    #[inline(always)]
    pub(super) unsafe fn write(self, place: Place<T>) {
        let (Self(sums), count) = (self, I::Lanes::<T>::COUNT);
        let Place { c, stride, rows, columns, plus } = place;
        if rows == R && columns == V * count {
            for (r, sums) in sums.iter().enumerate() {
                for (v, &sum) in sums.iter().enumerate() {
                    // SAFETY: as above.
                    unsafe {
                        let sum = match plus {
                            Some((x, stride)) => {
                                I::Lanes::<T>::load(x.add(r * stride + v * count)).add(sum)
                            }
                            None => sum,
                        };
                        sum.store(c.add(r * stride + v * count));
                    }
                }
            }
            return;
        }
        // A loop of run-time length cannot index registers. Spill the sums here, so that the loop above
        // keeps them in registers.
        let mut memory = std::mem::MaybeUninit::<[[[T; MAX_LANES]; V]; R]>::uninit();
        let memory = memory.as_mut_ptr().cast::<T>();
        for (r, sums) in sums.iter().enumerate() {
            for (v, &sum) in sums.iter().enumerate() {
                // SAFETY: there is room for R times V vectors of at most MAX_LANES elements.
                unsafe { sum.store(memory.add((r * V + v) * MAX_LANES)) };
            }
        }
        for r in 0..rows {
            for v in 0..V {
                let (len, at) = (columns.saturating_sub(v * count).min(count), v * count);
                // SAFETY: the loop above wrote the vector. A row of C, and of what is added, has `columns`
                // elements.
                unsafe {
                    let mut sum: I::Lanes<T> = Lanes::load(memory.add((r * V + v) * MAX_LANES));
                    if let Some((x, stride)) = plus {
                        sum =
                            I::Lanes::<T>::load_most(x.wrapping_add(r * stride + at), len).add(sum);
                    }
                    sum.store_first(c.wrapping_add(r * stride + at), len);
                }
            }
        }
    }
}
