//! Products of one row or one column: as fast as memory delivers the matrix.

use super::{GRAIN, Mat};
use crate::lanes::{Lanes, load_first};
use crate::simd::{Isa, Kernel, dispatch};
use crate::{Scalar, Write, parallel};

/// A product with one column is a line of dot products if they are at least this long: each ends in a
/// sum across a vector, which a tile of sums does without.
pub(super) const LONG: usize = 8;

/// Bytes of a matrix that one thread reads in a nanosecond, for the choice of threads alone.
const BYTES_PER_NANO: usize = 16;

/// `y = W·x` for a `W (n, k)`. A matrix of one row or column is contiguous in either orientation.
pub(super) fn line<T: Scalar>(x: &[T], w: Mat<'_, T>, write: Write, y: &mut [T]) {
    let pieces = parallel::pieces(w.rows * w.cols * size_of::<T>() / BYTES_PER_NANO);
    parallel::split_each([y], GRAIN, pieces.min(w.rows.div_ceil(GRAIN)), |first, [y]| {
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
    let mut groups = y.chunks_exact_mut(4);
    let mut i = first;
    for y in &mut groups {
        let sums = dot::<I, T, 4>(x, std::array::from_fn(|r| &w.from(i + r, 0)[..k]));
        // SAFETY: `I` is what `dispatch` chose.
        let sums = unsafe { Lanes::sums(sums) };
        for (y, v) in y.iter_mut().zip(sums) {
            *y = if write == Write::Add { *y + v } else { v };
        }
        i += 4;
    }
    for y in groups.into_remainder() {
        let [sum] = dot::<I, T, 1>(x, [&w.from(i, 0)[..k]]);
        // SAFETY: as above.
        let v = unsafe { sum.sum() };
        *y = if write == Write::Add { *y + v } else { v };
        i += 1;
    }
}

/// The dot products of `x` with `R` rows of its length, each still to be summed across the vector.
#[inline(always)]
fn dot<I: Isa, T: Scalar, const R: usize>(x: &[T], rows: [&[T]; R]) -> [I::Lanes<T>; R] {
    let count = I::Lanes::<T>::COUNT;
    assert!(rows.iter().all(|row| row.len() == x.len()));
    // SAFETY: `I` is what `dispatch` chose, here and below.
    let mut sums = unsafe { [[I::Lanes::splat(T::ZERO); 2]; R] };
    let mut p = 0;
    while p < x.len() {
        for v in 0..2 {
            let n = x.len().saturating_sub(p).min(count);
            // SAFETY: p + n ≤ len, and the rows are as long as x.
            let at = unsafe { load_first::<I, T>(x.as_ptr().wrapping_add(p), n) };
            for (sums, row) in sums.iter_mut().zip(rows) {
                // SAFETY: as above.
                let row = unsafe { load_first::<I, T>(row.as_ptr().wrapping_add(p), n) };
                // SAFETY: as above.
                sums[v] = unsafe { at.mul_add(row, sums[v]) };
            }
            p += count;
        }
    }
    // SAFETY: as above.
    sums.map(|[a, b]| unsafe { a.add(b) })
}

/// Columns of W are contiguous: `y += x_p · column p`. A y of a few vectors stays in registers; a longer
/// one goes by for four columns at a time.
#[inline(always)]
fn sums_of_columns<I: Isa, T: Scalar>(
    x: &[T],
    w: Mat<'_, T>,
    first: usize,
    write: Write,
    y: &mut [T],
) {
    let n = y.len();
    if n <= I::Lanes::<T>::COUNT {
        return few_sums::<I, T, 1>(x, w, first, write, y);
    }
    if n <= 4 * I::Lanes::<T>::COUNT {
        return few_sums::<I, T, 4>(x, w, first, write, y);
    }
    if write == Write::Set {
        y.fill(T::ZERO);
    }
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

/// [`sums_of_columns`] for a y of at most `V` vectors.
#[inline(always)]
fn few_sums<I: Isa, T: Scalar, const V: usize>(
    x: &[T],
    w: Mat<'_, T>,
    first: usize,
    write: Write,
    y: &mut [T],
) {
    let (n, count) = (y.len(), I::Lanes::<T>::COUNT);
    let lens: [usize; V] = std::array::from_fn(|v| n.saturating_sub(v * count).min(count));
    // SAFETY: `I` is what `dispatch` chose, here and below.
    let mut sums = unsafe { [I::Lanes::splat(T::ZERO); V] };
    if write == Write::Add {
        for (v, sum) in sums.iter_mut().enumerate() {
            // SAFETY: the vectors' lengths add up to n.
            *sum = unsafe { load_first::<I, T>(y.as_ptr().wrapping_add(v * count), lens[v]) };
        }
    }
    for (p, &x) in x.iter().enumerate() {
        let column = w.from(first, p)[..n].as_ptr();
        for (v, sum) in sums.iter_mut().enumerate() {
            // SAFETY: as above, of the n elements of the column.
            unsafe {
                let column = load_first::<I, T>(column.wrapping_add(v * count), lens[v]);
                *sum = I::Lanes::splat(x).mul_add(column, *sum);
            }
        }
    }
    for (v, sum) in sums.iter().enumerate() {
        // SAFETY: as above.
        unsafe { sum.store_first(y.as_mut_ptr().wrapping_add(v * count), lens[v]) };
    }
}
