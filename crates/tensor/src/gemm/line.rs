//! Products of one row or one column: as fast as memory delivers the matrix.

use super::{GRAIN, Mat};
use crate::lanes::Lanes;
use crate::simd::{Isa, Kernel, dispatch};
use crate::{Scalar, Write, parallel};

/// A product with one column is a line of dot products if they are at least this long: each ends in a
/// sum across a vector, which a tile of sums does without.
pub(super) const LONG: usize = 128;

/// Bytes of a matrix that one thread reads in a nanosecond, for the choice of threads alone.
const BYTES_PER_NANO: usize = 16;

/// `y = W·x` for a `W (n, k)`. A matrix of one row or column is contiguous in either orientation.
pub(super) fn line<T: Scalar>(x: &[T], w: Mat<'_, T>, write: Write, y: &mut [T]) {
    let pieces = parallel::pieces(w.rows * w.cols * size_of::<T>() / BYTES_PER_NANO);
    parallel::split_rows(y, 1, pieces.min(w.rows.div_ceil(GRAIN)), |first, y| {
        dispatch(Line { x, w, first, write, y });
    });
}

struct Line<'a, T> {
    x: &'a [T],
    w: Mat<'a, T>,
    first: usize,
    write: Write,
    y: &'a mut [T],
}

impl<T: Scalar> Kernel for Line<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let Self { x, w, first, write, y } = self;
        if w.col_stride == 1 {
            dots::<I, T>(x, w, first, write, y);
        } else {
            sums_of_columns::<I, T>(x, w, first, write, y);
        }
    }
}

/// Rows of W are contiguous: four dot products at a time, each in two vectors of partial sums.
#[inline(always)]
fn dots<I: Isa, T: Scalar>(x: &[T], w: Mat<'_, T>, first: usize, write: Write, y: &mut [T]) {
    let k = x.len();
    let store = |y: &mut T, v: T| *y = if write == Write::Add { *y + v } else { v };
    let mut groups = y.chunks_exact_mut(4);
    let mut i = first;
    for y in &mut groups {
        let rows: [&[T]; 4] = std::array::from_fn(|r| &w.from(i + r, 0)[..k]);
        y.iter_mut().zip(dot::<I, T, 4>(x, rows)).for_each(|(y, v)| store(y, v));
        i += 4;
    }
    for y in groups.into_remainder() {
        let [v] = dot::<I, T, 1>(x, [&w.from(i, 0)[..k]]);
        store(y, v);
        i += 1;
    }
}

/// The dot products of `x` with `R` rows of its length.
#[inline(always)]
fn dot<I: Isa, T: Scalar, const R: usize>(x: &[T], rows: [&[T]; R]) -> [T; R] {
    let count = I::Lanes::<T>::COUNT;
    assert!(rows.iter().all(|row| row.len() == x.len()));
    // SAFETY: `I` is what `dispatch` chose, here and below.
    let mut sums = unsafe { [[I::Lanes::splat(T::ZERO); 2]; R] };
    let mut step = |p: usize, v: usize| {
        // SAFETY: the loops below keep p + count within x, and the rows are as long as x.
        let at: I::Lanes<T> = unsafe { Lanes::load(x.as_ptr().add(p)) };
        for r in 0..R {
            // SAFETY: as above.
            let w = unsafe { Lanes::load(rows[r].as_ptr().add(p)) };
            // SAFETY: as above.
            sums[r][v] = unsafe { at.mul_add(w, sums[r][v]) };
        }
    };
    let mut p = 0;
    while p + 2 * count <= x.len() {
        step(p, 0);
        step(p + count, 1);
        p += 2 * count;
    }
    if p + count <= x.len() {
        step(p, 0);
        p += count;
    }
    std::array::from_fn(|r| {
        let rest = x[p..].iter().zip(&rows[r][p..]);
        // SAFETY: as above.
        let whole = unsafe { sums[r][0].add(sums[r][1]).sum() };
        rest.fold(whole, |s, (&x, &w)| I::mul_add(w, x, s))
    })
}

/// Columns of W are contiguous: `y += x_p · column p`, four columns at a time.
#[inline(always)]
fn sums_of_columns<I: Isa, T: Scalar>(
    x: &[T],
    w: Mat<'_, T>,
    first: usize,
    write: Write,
    y: &mut [T],
) {
    if write == Write::Set {
        y.fill(T::ZERO);
    }
    let n = y.len();
    let mut groups = x.chunks_exact(4);
    let mut p = 0;
    for x in &mut groups {
        let columns: [&[T]; 4] = std::array::from_fn(|c| &w.from(first, p + c)[..n]);
        for (j, y) in y.iter_mut().enumerate() {
            for (x, column) in x.iter().zip(columns) {
                *y = I::mul_add(*x, column[j], *y);
            }
        }
        p += 4;
    }
    for &x in groups.remainder() {
        for (y, &w) in y.iter_mut().zip(&w.from(first, p)[..n]) {
            *y = I::mul_add(x, w, *y);
        }
        p += 1;
    }
}
