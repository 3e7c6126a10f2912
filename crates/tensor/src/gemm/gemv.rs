//! Products of one row by a matrix whose rows are contiguous, as sums of rows, at the speed of memory.

use super::{BYTES_PER_NANO, Mat, Product, apply};
use crate::reduce::weighted_rows;
use crate::simd::{Isa, Kernel, dispatch};
use crate::split::GRAIN;
use crate::{Scalar, Write, parallel};

/// The most outputs whose sums, of any length, are trees.
pub(super) const FEW: usize = 64;

/// `y = x·Wᵀ` for a row x and a `W (n, k)` whose columns are contiguous.
pub(super) fn gemv<T: Scalar>(of: &Product<'_, T>, y: &mut [T]) {
    let Product { a: x, b, start, epilogue } = *of;
    let (w, write) = (b.t(), start.written(y));
    // A row of a matrix, or a column of one, as a slice.
    let x = &x.data[..x.cols];
    let pieces = parallel::pieces(w.rows * w.cols * size_of::<T>() / BYTES_PER_NANO);
    parallel::split_each([y], GRAIN, pieces.min(w.rows.div_ceil(GRAIN)), move |first, [y]| {
        dispatch(Gemv { x, w, first, write, y: &mut *y });
        apply(epilogue, y);
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
        // columns. All pieces of one y are computed alike.
        if w.rows <= FEW {
            let columns = x.iter().enumerate().map(|(p, &x)| (x, &w.from(first, p)[..n]));
            return weighted_rows::<I, T>(columns, write, y);
        }
        if write == Write::Set {
            y.fill(T::ZERO);
        }
        let mut groups = x.chunks_exact(4);
        let mut p = 0;
        for x in &mut groups {
            let columns: [&[T]; 4] = std::array::from_fn(|c| &w.from(first, p + c)[..n]);
            for (j, y) in y.iter_mut().enumerate() {
                let mut sum = x[0] * columns[0][j];
                for c in 1..4 {
                    sum = I::mul_add(x[c], columns[c][j], sum);
                }
                *y += sum;
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
