//! Large products: matrixmultiply, split over threads.

use super::{GRAIN, Mat, nanos};
use crate::{Scalar, Write, parallel};

pub(super) fn packed<T: Scalar>(a: Mat<'_, T>, b: Mat<'_, T>, write: Write, c: &mut [T]) {
    let (m, k, n) = (a.rows, a.cols, b.cols);
    let beta = if write == Write::Add { T::ONE } else { T::ZERO };
    // The longer side is split: the other operand is packed once for each piece.
    let by_columns = n >= m;
    let long = if by_columns { n } else { m };
    let pieces = parallel::pieces(nanos(m * k * n)).min(long.div_ceil(GRAIN));
    let out = parallel::Shared(c.as_mut_ptr());
    parallel::run(pieces, |i| {
        let out = &out;
        let part = parallel::range(long, GRAIN, pieces, i);
        let ((m, n), (i, j)) = if by_columns {
            ((m, part.len()), (0, part.start))
        } else {
            ((part.len(), n), (part.start, 0))
        };
        // SAFETY: `gemm` checked the shapes, so rows i..i+m of A, columns j..j+n of B and that
        // rectangle of C lie in their slices; the rectangles of different pieces do not overlap.
        unsafe {
            T::engine(
                [m, k, n],
                (a.from(i, 0).as_ptr(), a.row_stride as isize, a.col_stride as isize),
                (b.from(0, j).as_ptr(), b.row_stride as isize, b.col_stride as isize),
                beta,
                (out.0.add(i * b.cols + j), b.cols as isize),
            );
        }
    });
}

/// An operand as an engine takes it: start, row stride, column stride.
pub type Operand<T> = (*const T, isize, isize);

/// matrixmultiply's product for an element type.
pub trait Engine: Sized {
    /// `C = A·B + beta·C`, `[m, k, n]`; C's columns are adjacent.
    ///
    /// # Safety
    /// The operands must be readable, and C writable, over their whole shapes.
    unsafe fn engine(
        mkn: [usize; 3],
        a: Operand<Self>,
        b: Operand<Self>,
        beta: Self,
        c: (*mut Self, isize),
    );
}

macro_rules! engine {
    ($t:ident, $product:ident) => {
        impl Engine for $t {
            unsafe fn engine(
                [m, k, n]: [usize; 3],
                a: Operand<Self>,
                b: Operand<Self>,
                beta: Self,
                c: (*mut Self, isize),
            ) {
                // SAFETY: the caller's promise is matrixmultiply's requirement.
                unsafe {
                    matrixmultiply::$product(
                        m, k, n, 1.0, a.0, a.1, a.2, b.0, b.1, b.2, beta, c.0, c.1, 1,
                    );
                }
            }
        }
    };
}
engine!(f32, sgemm);
engine!(f64, dgemm);
