//! Large products on CPUs without AVX2, by the crate matrixmultiply. Its NEON kernels are written by hand.

use super::Product;
use super::rectangle::in_rectangles;
use crate::{Scalar, Write};

pub(super) fn matrixmultiply<T: Scalar>(of: &Product<'_, T>, c: &mut [T]) {
    let Product { a, b, start, .. } = *of;
    let beta = if start.written(c) == Write::Add { T::ONE } else { T::ZERO };
    in_rectangles(of, c, |part| {
        let (i, j) = (part.rows.start, part.columns.start);
        // SAFETY: `product` checked the shapes: these rows of A, these columns of B and this rectangle of
        // C lie in their slices. The rectangles of different pieces do not overlap.
        unsafe {
            T::matrixmultiply(
                [part.rows.len(), a.cols, part.columns.len()],
                (a.from(i, 0).as_ptr(), a.row_stride as isize, a.col_stride as isize),
                (b.from(0, j).as_ptr(), b.row_stride as isize, b.col_stride as isize),
                beta,
                (part.at(i, j), b.cols as isize),
            );
        }
    });
}

/// An operand as matrixmultiply takes it: start, row stride, column stride.
pub type Operand<T> = (*const T, isize, isize);

/// matrixmultiply's product for an element type.
pub trait MatrixMultiply: Sized {
    /// `C = A·B + beta·C` for the shape `[m, k, n]`. The columns of C are adjacent.
    ///
    /// # Safety
    /// The operands must be readable, and C writable, over their whole shapes.
    unsafe fn matrixmultiply(
        mkn: [usize; 3],
        a: Operand<Self>,
        b: Operand<Self>,
        beta: Self,
        c: (*mut Self, isize),
    );
}

macro_rules! product {
    ($t:ident, $product:ident) => {
        impl MatrixMultiply for $t {
            unsafe fn matrixmultiply(
                [m, k, n]: [usize; 3],
                a: Operand<Self>,
                b: Operand<Self>,
                beta: Self,
                c: (*mut Self, isize),
            ) {
                // SAFETY: the caller promises what matrixmultiply requires.
                unsafe {
                    ::matrixmultiply::$product(
                        m, k, n, 1.0, a.0, a.1, a.2, b.0, b.1, b.2, beta, c.0, c.1, 1,
                    );
                }
            }
        }
    };
}
product!(f32, sgemm);
product!(f64, dgemm);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gemm::{Mat, Start};

    /// Whole numbers, so that the product is exact.
    fn whole(len: usize, step: usize) -> Vec<f32> {
        (0..len).map(|i| (i * step % 7) as f32 - 3.0).collect()
    }

    #[test]
    fn any_orientation_and_every_piece() {
        // One piece, several pieces by rows, and several by columns.
        for (m, k, n) in [(3, 5, 4), (900, 40, 30), (40, 30, 900)] {
            let (x, y) = (whole(m * k, 5), whole(k * n, 3));
            let a = [Mat::new(&x, m, k), Mat::new(&x, k, m).t()];
            let b = [Mat::new(&y, k, n), Mat::new(&y, n, k).t()];
            for (a, b) in [(a[0], b[0]), (a[0], b[1]), (a[1], b[0]), (a[1], b[1])] {
                let mut c = vec![9.0; m * n];
                for start in [Start::Zero, Start::C] {
                    matrixmultiply(&Product { a: &a, b: &b, start, epilogue: None }, &mut c);
                }
                for (at, c) in c.into_iter().enumerate() {
                    let terms = (0..k).map(|p| a.from(at / n, p)[0] * b.from(p, at % n)[0]);
                    assert_eq!(c, 2.0 * terms.sum::<f32>(), "({m}, {k}, {n}) at {at}");
                }
            }
        }
    }
}
