//! The dot-product kernel (NT) for operands that are both contiguous along the sums, as in `X·Wᵀ`.
//! Nothing is packed.
//!
//! A vector holds neighbouring terms of one sum, so B need not be transposed. Each sum ends with a sum
//! across its vector, which only long sums repay. A is read again for every few columns of C, so it
//! should fit the second cache.

use std::ops::Range;

use super::{BYTES_PER_NANO, Mat, Start, nanos};
use crate::lanes::Lanes;
use crate::simd::{Isa, Kernel, dispatch};
use crate::split::{GRAIN, Split};
use crate::{Scalar, parallel};

/// Columns of C whose sums across vectors are computed together.
const GROUP: usize = 4;
// A thread's piece must not begin inside a group: the bits of a result would depend on the threads.
const _: () = assert!(GRAIN.is_multiple_of(GROUP) && GRAIN.is_multiple_of(4));

/// `C = A·B`, where the rows of A and the columns of B are contiguous.
pub(super) fn nt<T: Scalar>(a: Mat<'_, T>, b: Mat<'_, T>, start: Start<'_, T>, c: &mut [T]) {
    let (m, k, n) = (a.rows, a.cols, b.cols);
    debug_assert!(k == 1 || (a.col_stride == 1 && b.row_stride == 1));
    let nanos = nanos(m, k, n).max(n * k * size_of::<T>() / BYTES_PER_NANO);
    let split = Split::new(m, n, (n * k).max(m * k), nanos);
    let c = parallel::Shared(c.as_mut_ptr());
    parallel::run(split.pieces(), |i| {
        let (c, (rows, columns)) = (&c, split.part(i));
        let (a, b) = ((a.data, a.row_stride), (b.data, b.col_stride));
        dispatch(Nt { a, b, k, n, rows, columns, start, c: c.0 });
    });
}

/// A rectangle of C. C has `n` columns.
struct Nt<'a, T> {
    /// The rows of A, and how far apart they are.
    a: (&'a [T], usize),
    /// The columns of B, likewise.
    b: (&'a [T], usize),
    k: usize,
    n: usize,
    rows: Range<usize>,
    columns: Range<usize>,
    start: Start<'a, T>,
    c: *mut T,
}

impl<T: Scalar> Kernel for Nt<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let mut j = self.columns.start;
        while j + GROUP <= self.columns.end {
            self.rows::<I, GROUP>(j);
            j += GROUP;
        }
        while j < self.columns.end {
            self.rows::<I, 1>(j);
            j += 1;
        }
    }
}

impl<T: Scalar> Nt<'_, T> {
    /// `N` columns of C from column `j` on. Takes as many rows at once as the registers can sum.
    #[inline(always)]
    fn rows<I: Isa, const N: usize>(&self, j: usize) {
        // Not an iterator over rows, which divides by their length.
        let mut i = self.rows.start;
        while i + 4 <= self.rows.end && I::REGISTERS == 32 {
            self.block::<I, 4, N, 1>(i, j);
            i += 4;
        }
        while i + 2 <= self.rows.end {
            self.block::<I, 2, N, 1>(i, j);
            i += 2;
        }
        if i < self.rows.end {
            self.block::<I, 1, N, 2>(i, j);
        }
    }

    /// `M` rows and `N` columns of C. Each sum is held in `S` vectors of partial sums.
    #[inline(always)]
    fn block<I: Isa, const M: usize, const N: usize, const S: usize>(&self, i: usize, j: usize) {
        let (k, count) = (self.k, I::Lanes::<T>::COUNT);
        let x: [&[T]; M] = std::array::from_fn(|r| &self.a.0[(i + r) * self.a.1..][..k]);
        let w: [&[T]; N] = std::array::from_fn(|c| &self.b.0[(j + c) * self.b.1..][..k]);
        // SAFETY: `I` is what `dispatch` chose, here and below.
        let mut sums = unsafe { [[[I::Lanes::<T>::splat(T::ZERO); N]; M]; S] };
        let mut p = 0;
        while p < k {
            for sums in &mut sums {
                if p >= k {
                    break;
                }
                let len = (k - p).min(count);
                let w: [I::Lanes<T>; N] = std::array::from_fn(|c| {
                    // SAFETY: p + len ≤ k, the length of all rows, here and below.
                    unsafe { I::Lanes::<T>::load_most(w[c].as_ptr().wrapping_add(p), len) }
                });
                for (sums, x) in sums.iter_mut().zip(x) {
                    // SAFETY: as above.
                    let x = unsafe { I::Lanes::<T>::load_most(x.as_ptr().wrapping_add(p), len) };
                    for (sum, w) in sums.iter_mut().zip(w) {
                        // SAFETY: as above.
                        *sum = unsafe { x.mul_add(w, *sum) };
                    }
                }
                p += count;
            }
        }
        for r in 0..M {
            let mut row = sums[0][r];
            for more in &sums[1..] {
                for (sum, &more) in row.iter_mut().zip(&more[r]) {
                    // SAFETY: as above.
                    *sum = unsafe { sum.add(more) };
                }
            }
            let at = (i + r) * self.n + j;
            // SAFETY: the rows and columns are inside C, and no other piece has this rectangle.
            let c = unsafe { std::slice::from_raw_parts_mut(self.c.add(at), N) };
            let values = across::<I, T, N>(row);
            for (v, (c, value)) in c.iter_mut().zip(values).enumerate() {
                *c = match self.start {
                    Start::Zero => value,
                    Start::C => *c + value,
                    Start::Row(bias) => bias[j + v] + value,
                };
            }
        }
    }
}

/// The sum across each vector.
#[inline(always)]
fn across<I: Isa, T: Scalar, const N: usize>(sums: [I::Lanes<T>; N]) -> [T; N] {
    if N == GROUP {
        // SAFETY: `I` is what `dispatch` chose, here and below.
        let four = unsafe { Lanes::sums(std::array::from_fn(|c| sums[c])) };
        return std::array::from_fn(|c| four[c]);
    }
    // SAFETY: as above.
    sums.map(|sum| unsafe { sum.sum() })
}
