//! The register tile: some rows of C by some vectors of columns, summed without touching memory.

use crate::lanes::Lanes;
use crate::simd::Isa;
use crate::{Scalar, Write};

/// The widest row of a register tile: three AVX-512 vectors of `f32`.
pub(super) const MAX_WIDTH: usize = 48;

/// Where a tile goes.
pub(super) struct Place<T> {
    /// Its first element.
    pub(super) c: *mut T,
    /// From row to row of C.
    pub(super) stride: usize,
    /// How many rows and columns of the tile are C's.
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) write: Write,
}

/// `depth` columns of A times as many rows of B, in a tile of `R` rows and `V` vectors.
///
/// # Safety
/// `I` must be what [`dispatch`](crate::simd::dispatch) chose. `a(r, p)` must point to element `(r, p)` of
/// A for r < R; `b` to rows, `b_stride` apart, of V vectors each; and the place must be C's and nobody
/// else's.
#[inline(always)]
pub(super) unsafe fn tile<I: Isa, T: Scalar, const R: usize, const V: usize>(
    depth: usize,
    a: impl Fn(usize, usize) -> *const T,
    b: *const T,
    b_stride: usize,
    place: Place<T>,
) {
    let count = I::Lanes::<T>::COUNT;
    // SAFETY: the caller's promise, here and below.
    let mut sums = unsafe { [[I::Lanes::<T>::splat(T::ZERO); V]; R] };
    for p in 0..depth {
        let b: [I::Lanes<T>; V] = std::array::from_fn(|v| {
            // SAFETY: as above.
            unsafe { Lanes::load(b.add(p * b_stride + v * count)) }
        });
        for (r, sums) in sums.iter_mut().enumerate() {
            // SAFETY: as above.
            let x: I::Lanes<T> = unsafe { Lanes::splat(*a(r, p)) };
            for (sum, &b) in sums.iter_mut().zip(&b) {
                // SAFETY: as above.
                *sum = unsafe { x.mul_add(b, *sum) };
            }
        }
    }
    let Place { c, stride, rows, columns, write } = place;
    for (r, sums) in sums.iter().enumerate().take(rows) {
        // SAFETY: as above.
        let c = unsafe { c.add(r * stride) };
        if columns == V * count {
            for (v, &sum) in sums.iter().enumerate() {
                // SAFETY: as above.
                unsafe {
                    let c = c.add(v * count);
                    match write {
                        Write::Set => sum.store(c),
                        Write::Add => I::Lanes::<T>::load(c).add(sum).store(c),
                    }
                }
            }
            continue;
        }
        let mut row = [T::ZERO; MAX_WIDTH];
        for (v, sum) in sums.iter().enumerate() {
            // SAFETY: a tile is at most MAX_WIDTH wide.
            unsafe { sum.store(row.as_mut_ptr().add(v * count)) };
        }
        // SAFETY: the row of the tile has `columns` places.
        let c = unsafe { std::slice::from_raw_parts_mut(c, columns) };
        match write {
            Write::Set => c.copy_from_slice(&row[..columns]),
            Write::Add => c.iter_mut().zip(&row).for_each(|(c, &v)| *c += v),
        }
    }
}
