//! Products of one row by a matrix whose rows are contiguous: sums of rows, as fast as memory delivers
//! them.

use super::{BYTES_PER_NANO, Mat};
use crate::lanes::Lanes;
use crate::simd::{Isa, Kernel, dispatch};
use crate::split::GRAIN;
use crate::{Scalar, Write, parallel};

/// `y = W·x` for a `W (n, k)` whose columns are contiguous.
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
        sums_of_columns::<I, T>(x, w, first, write, y);
    }
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
            *sum = unsafe { I::Lanes::<T>::load_most(y.as_ptr().wrapping_add(v * count), lens[v]) };
        }
    }
    for (p, &x) in x.iter().enumerate() {
        let column = w.from(first, p)[..n].as_ptr();
        for (v, sum) in sums.iter_mut().enumerate() {
            // SAFETY: as above, of the n elements of the column.
            unsafe {
                let column = I::Lanes::<T>::load_most(column.wrapping_add(v * count), lens[v]);
                *sum = I::Lanes::splat(x).mul_add(column, *sum);
            }
        }
    }
    for (v, sum) in sums.iter().enumerate() {
        // SAFETY: as above.
        unsafe { sum.store_first(y.as_mut_ptr().wrapping_add(v * count), lens[v]) };
    }
}
