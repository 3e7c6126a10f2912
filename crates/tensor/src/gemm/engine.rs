//! Large products where no vector instructions are known for our own tiles: matrixmultiply, whose NEON
//! kernels are written by hand.

use super::{Mat, in_pieces};
use crate::{Scalar, Write};

pub(super) fn engine<T: Scalar>(a: Mat<'_, T>, b: Mat<'_, T>, write: Write, c: &mut [T]) {
    let beta = if write == Write::Add { T::ONE } else { T::ZERO };
    in_pieces(a, b, c, |rows, columns, c| {
        // SAFETY: `gemm` checked the shapes, so these rows of A, these columns of B and that rectangle of
        // C lie in their slices; the rectangles of different pieces do not overlap.
        unsafe {
            T::engine(
                [rows.len(), a.cols, columns.len()],
                (a.from(rows.start, 0).as_ptr(), a.row_stride as isize, a.col_stride as isize),
                (b.from(0, columns.start).as_ptr(), b.row_stride as isize, b.col_stride as isize),
                beta,
                (c.add(rows.start * b.cols + columns.start), b.cols as isize),
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
