//! `C = A·B` or `C += A·B`: the only place where a matrix product is computed.
//!
//! Four ways, chosen by shape and orientation alone ([`path`]), so that a result never depends on how
//! the work is split over threads:
//! - one row or one column: dot products or sums of rows, as fast as memory delivers the matrix;
//! - `X·Wᵀ`, contiguous along its sums, of few rows or middling size: dot products, nothing packed;
//! - small: C in register tiles, A in place, B panel by panel on the stack;
//! - larger: C in register tiles, A and B packed into memory that each thread keeps.
//!
//! Where no vector instructions are known but the portable ones, matrixmultiply computes the larger ones.

mod dots;
mod engine;
mod line;
mod pack;
mod packed;
mod tile;
mod tiled;

pub use engine::{Engine, Operand};

use dots::dots;
use engine::engine;
use line::line;
use packed::packed;
use tiled::tiled;

use std::ops::Range;

use crate::simd::{self, Level};
use crate::split::{GRAIN, Split};
use crate::{Scalar, Write, parallel};

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

/// How a product of a shape is computed, unless dot products are the faster way: for `X·Wᵀ`, contiguous
/// along its sums, of few rows or long sums.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Path {
    /// An output of one row or one column: dot products, or sums of rows.
    Line,
    /// A small product: B alone is packed.
    Tiled,
    /// A is packed, and B where it does not lie as whole vectors. Without AVX2, matrixmultiply.
    Packed,
}

/// Multiply-adds up to which a product is tiled: a copy of A does not pay.
const TILED: usize = 1 << 22;

/// Terms from which a sum is a dot product: each ends in a sum across a vector.
const LONG: usize = 8;

/// Whether dot products beat packing B where both operands are contiguous: for few rows, which do not
/// repay it, or for long sums, if A stays in the second cache.
fn are_long<T>(m: usize, k: usize) -> bool {
    (m <= 16 && k >= LONG) || (k >= 128 && m * k * size_of::<T>() <= 1 << 20)
}

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
    product(a, b, Start::of(write), c);
}

/// `C = A·B + 1·biasᵀ`: the bias is added to every row, without a pass of its own.
///
/// # Panics
/// **Panics** if the shapes do not fit.
///
/// # Example
/// ```
/// use fanin_tensor::gemm::{Mat, gemm_bias};
///
/// let (x, w) = ([1.0f32, 2.0, 3.0, 4.0], [1.0, 0.0, 0.0, 1.0]);
/// let mut y = [0.0; 4];
/// gemm_bias(Mat::new(&x, 2, 2), Mat::new(&w, 2, 2), &[10.0, 20.0], &mut y);
/// assert_eq!(y, [11.0, 22.0, 13.0, 24.0]);
/// ```
#[track_caller]
pub fn gemm_bias<T: Scalar>(a: Mat<'_, T>, b: Mat<'_, T>, bias: &[T], c: &mut [T]) {
    assert!(bias.len() == b.cols, "gemm_bias: {} elements for {} columns", bias.len(), b.cols);
    product(a, b, Start::Row(bias), c);
}

/// What a product is added to.
#[derive(Clone, Copy)]
enum Start<'a, T> {
    Zero,
    /// What C holds.
    C,
    /// This for every row.
    Row(&'a [T]),
}

impl<T: Scalar> Start<'_, T> {
    fn of(write: Write) -> Self {
        match write {
            Write::Set => Self::Zero,
            Write::Add => Self::C,
        }
    }

    /// Writes it to C, for what only sets or adds; tells which of the two remains to be done.
    fn written(self, c: &mut [T]) -> Write {
        match self {
            Self::Zero => Write::Set,
            Self::C => Write::Add,
            Self::Row(row) => {
                match row {
                    &[bias] => c.fill(bias),
                    _ => c.chunks_exact_mut(row.len()).for_each(|c| c.copy_from_slice(row)),
                }
                Write::Add
            }
        }
    }
}

#[track_caller]
fn product<T: Scalar>(a: Mat<'_, T>, b: Mat<'_, T>, start: Start<'_, T>, c: &mut [T]) {
    let (m, k, n) = (a.rows, a.cols, b.cols);
    if k != b.rows || m.checked_mul(n) != Some(c.len()) {
        bad_shapes(a, b, c.len());
    }
    if m == 0 || n == 0 {
        return;
    }
    if k == 0 {
        if start.written(c) == Write::Set {
            c.fill(T::ZERO);
        }
        return;
    }
    match path(m, k, n) {
        Path::Line => {
            // A column is computed as a row; either is contiguous in both orders.
            let (x, w, start) = if m == 1 {
                (a.data, b.t(), start)
            } else {
                (b.data, a, Start::of(start.written(c)))
            };
            if w.col_stride == 1 {
                dots(Mat::new(x, 1, k), w.t(), start, c);
            } else {
                line(x, w, start.written(c), c);
            }
        }
        _ if a.col_stride == 1 && b.row_stride == 1 && are_long::<T>(m, k) => dots(a, b, start, c),
        Path::Tiled => tiled(a, b, start, c),
        // matrixmultiply allocates; its kernels for aarch64 are the better ones.
        Path::Packed if simd::level() == Level::Portable => engine(a, b, start.written(c), c),
        Path::Packed => packed(a, b, start, c),
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

/// Computes C by `f(rows, columns, start of C)`, a rectangle for each thread.
fn in_pieces<T: Scalar>(
    a: Mat<'_, T>,
    b: Mat<'_, T>,
    c: &mut [T],
    f: impl Fn(Range<usize>, Range<usize>, *mut T) + Sync,
) {
    let (m, k, n) = (a.rows, a.cols, b.cols);
    // The longer side is split: what the other operand costs comes once for each piece. But a transposed
    // A is an output's gradient, and C a weight's: its rows belong to the threads that update them,
    // unless there are fewer than threads could share.
    let few = m < GRAIN * parallel::num_threads();
    let by_columns = n >= m && (a.col_stride == 1 || few);
    let split = Split::along(by_columns, m, n, (m * n).max(m * k), nanos(m, k, n));
    // What follows would give the same; a small product feels it.
    if split.pieces() == 1 {
        return f(0..m, 0..n, c.as_mut_ptr());
    }
    let c = parallel::Shared(c.as_mut_ptr());
    parallel::run(split.pieces(), |i| {
        let (c, (rows, columns)) = (&c, split.part(i));
        f(rows, columns, c.0);
    });
}

/// Nanoseconds on one thread of a product, for the choice of threads alone.
fn nanos(m: usize, k: usize, n: usize) -> usize {
    m.saturating_mul(k).saturating_mul(n) / 40
}

/// Bytes of a matrix that one thread reads in a nanosecond, for the choice of threads alone.
const BYTES_PER_NANO: usize = 16;
