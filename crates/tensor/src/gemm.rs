//! `C = A·B` or `C += A·B`: the only place where a matrix product is computed.
//!
//! Three paths, chosen by the shape alone ([`path`]), so that a result never depends on how the work
//! is split over threads:
//! - one row or one column: dot products or sums of rows, as fast as memory delivers the matrix;
//! - up to middling size: C in register tiles, B packed panel by panel on the stack, no allocation;
//! - larger: matrixmultiply, which allocates its packing buffer once a call, and whose output
//!   we split over threads by rows or by columns.

mod line;
mod packed;
mod tiled;

pub use packed::{Engine, Operand};

use line::LONG;
use packed::packed;
use tiled::tiled;

use crate::{Scalar, Write};

/// A matrix in somebody's memory: element `(i, j)` is `data[i·row_stride + j·col_stride]`.
#[derive(Clone, Copy, Debug)]
pub struct Mat<'a, T> {
    data: &'a [T],
    rows: usize,
    cols: usize,
    row_stride: usize,
    col_stride: usize,
}

impl<'a, T: Scalar> Mat<'a, T> {
    /// A row-major matrix.
    ///
    /// # Panics
    /// **Panics** if `data` has not just `rows · cols` elements.
    #[track_caller]
    pub fn new(data: &'a [T], rows: usize, cols: usize) -> Self {
        assert!(
            rows.checked_mul(cols) == Some(data.len()),
            "gemm: {rows}×{cols} matrix of {} elements",
            data.len()
        );
        Self { data, rows, cols, row_stride: cols, col_stride: 1 }
    }

    /// The transpose: the same memory, read the other way.
    #[must_use]
    pub fn t(self) -> Self {
        Self {
            data: self.data,
            rows: self.cols,
            cols: self.rows,
            row_stride: self.col_stride,
            col_stride: self.row_stride,
        }
    }

    /// Memory from element `(i, j)` on.
    #[inline(always)]
    fn from(&self, i: usize, j: usize) -> &'a [T] {
        &self.data[(i * self.row_stride + j * self.col_stride).min(self.data.len())..]
    }
}

/// How a product of a shape is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Path {
    /// An output of one row or one column.
    Line,
    /// A product up to middling size, without any allocation.
    Tiled,
    /// matrixmultiply: one allocation for each piece that a thread computes.
    Packed,
}

/// Multiply-adds up to which a product is tiled: beyond, panels of A and B outgrow the caches, and
/// packing both pays.
const TILED: usize = 1 << 27;

/// The path of an `(m, k)` by `(k, n)` product.
pub fn path(m: usize, k: usize, n: usize) -> Path {
    if m == 1 || (n == 1 && k >= LONG) {
        Path::Line
    } else if m.saturating_mul(k).saturating_mul(n) <= TILED {
        Path::Tiled
    } else {
        Path::Packed
    }
}

/// `C = A·B` or `C += A·B` for a row-major C.
///
/// # Shapes
/// A `(m, k)`, B `(k, n)`, C `(m, n)`; any of A and B may be a transpose.
///
/// # Panics
/// **Panics** if the shapes do not fit.
///
/// # Example
/// ```
/// use fanin_tensor::{Write, gemm::{Mat, gemm}};
///
/// let x = [1.0f32, 2.0, 3.0, 4.0];                    // 2×2
/// let w = [1.0f32, 0.0, 0.0, 1.0, 1.0, 1.0];          // 3×2
/// let mut y = [0.0; 6];
/// gemm(Mat::new(&x, 2, 2), Mat::new(&w, 3, 2).t(), Write::Set, &mut y);
/// assert_eq!(y, [1.0, 2.0, 3.0, 3.0, 4.0, 7.0]);
/// ```
#[track_caller]
pub fn gemm<T: Scalar>(a: Mat<'_, T>, b: Mat<'_, T>, write: Write, c: &mut [T]) {
    let (m, k, n) = (a.rows, a.cols, b.cols);
    if k != b.rows || m.checked_mul(n) != Some(c.len()) {
        bad_shapes(a, b, c.len());
    }
    if m == 0 || n == 0 {
        return;
    }
    if k == 0 {
        if write == Write::Set {
            c.fill(T::ZERO);
        }
        return;
    }
    match path(m, k, n) {
        Path::Line if m == 1 => line::line(a.data, b.t(), write, c),
        Path::Line => line::line(b.data, a, write, c),
        Path::Tiled => tiled(a, b, write, c),
        Path::Packed => packed(a, b, write, c),
    }
}

#[cold]
#[inline(never)]
#[track_caller]
fn bad_shapes<T>(a: Mat<'_, T>, b: Mat<'_, T>, c: usize) -> ! {
    panic!(
        "gemm: {}×{} by {}×{} into {c} elements: inner lengths and output must agree",
        a.rows, a.cols, b.rows, b.cols
    )
}

/// Nanoseconds on one thread of some multiply-adds, for the choice of threads alone.
fn nanos(multiply_adds: usize) -> usize {
    multiply_adds / 40
}

/// Pieces of C begin at multiples of this, so that no piece splits an engine's register tile.
const GRAIN: usize = 32;
