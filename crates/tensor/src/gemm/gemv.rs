//! Products of one row by a matrix whose rows are contiguous, as sums of rows, at the speed of memory.

use super::{BYTES_PER_NANO, Mat};
use crate::lanes::Lanes;
use crate::reduce::few_sums;
use crate::simd::{Isa, Kernel, dispatch};
use crate::split::GRAIN;
use crate::{Scalar, Write, parallel};

/// `y = W·x` for a `W (n, k)` whose columns are contiguous.
pub(super) fn gemv<T: Scalar>(x: &[T], w: Mat<'_, T>, write: Write, y: &mut [T]) {
    let pieces = parallel::pieces(w.rows * w.cols * size_of::<T>() / BYTES_PER_NANO);
    parallel::split_each([y], GRAIN, pieces.min(w.rows.div_ceil(GRAIN)), |first, [y]| {
        dispatch(Gemv { x, w, first, write, y });
    });
}

struct Gemv<'a, T> {
    x: &'a [T],
    w: Mat<'a, T>,
    first: usize,
    write: Write,
    y: &'a mut [T],
}

impl<T: Scalar> Kernel for Gemv<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let Self { x, w, first, write, y } = self;
        let n = y.len();
        // A y of a few vectors stays in registers. A longer one is read and written once for every four
        // columns.
        let columns = x.iter().enumerate().map(|(p, &x)| (x, &w.from(first, p)[..n]));
        if n <= I::Lanes::<T>::COUNT {
            return few_sums::<I, T, 1>(columns, write, y);
        }
        if n <= 4 * I::Lanes::<T>::COUNT {
            return few_sums::<I, T, 4>(columns, write, y);
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
}
