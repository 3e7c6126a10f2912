//! Matrix products, `C = A·B` or `C += A·B`.
//!
//! Each product takes one of six paths. Shape, orientation and instruction set alone choose it,
//! so the result does not depend on the number of threads. A column is computed as a row.
//! - One row by contiguous rows (gemv): sums of rows, at the speed of memory.
//! - `X·Wᵀ` with few rows or long sums (nt): dot products of contiguous rows. Nothing is packed.
//! - Small, or with a small row-major A (tiled): register tiles of C. A is read in place; panels of B are
//!   packed on the stack.
//! - Large `X·Wᵀ` (streamed): register tiles of C. A is read in place; blocks of B are packed.
//! - Large (packed): register tiles of C. A and B are packed into memory that each thread keeps.
//! - Large, without AVX2: the crate matrixmultiply.

mod gemv;
mod long_sums;
mod matrixmultiply;
mod nt;
mod pack;
mod packed;
mod rectangle;
mod streamed;
mod tile;
mod tiled;

pub use matrixmultiply::{MatrixMultiply, Operand};

use gemv::gemv;
use long_sums::long_sums;
use matrixmultiply::matrixmultiply;
use nt::nt;
use packed::packed;
use streamed::streamed;
use tiled::tiled;

use std::ops::Range;

use crate::once::once;
use crate::simd::{self, Level};
use crate::{Scalar, Write};

/// A borrowed matrix: element `(i, j)` is `data[i·row_stride + j·col_stride]`.
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
    /// **Panics** unless `data` has `rows · cols` elements.
    #[track_caller]
    pub fn new(data: &'a [T], rows: usize, cols: usize) -> Self {
        assert!(
            rows.checked_mul(cols) == Some(data.len()),
            "gemm: {rows}×{cols} matrix of {} elements",
            data.len()
        );
        Self { data, rows, cols, row_stride: cols, col_stride: 1 }
    }

    /// The transpose: the same memory with the strides exchanged.
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

    /// Some of its rows.
    fn rows(&self, rows: Range<usize>) -> Self {
        Self { data: self.from(rows.start, 0), rows: rows.len(), ..*self }
    }

    /// Some of its columns.
    fn cols(&self, cols: Range<usize>) -> Self {
        Self { data: self.from(0, cols.start), cols: cols.len(), ..*self }
    }

    /// The memory that begins at element `(i, j)`.
    #[inline(always)]
    fn from(&self, i: usize, j: usize) -> &'a [T] {
        &self.data[(i * self.row_stride + j * self.col_stride).min(self.data.len())..]
    }
}

/// The most multiply-adds of a tiled product. Packing A does not pay below.
const TILED: usize = 1 << 22;

/// The fewest terms of a sum for the dot-product kernel, since each dot product ends in a sum across
/// a vector.
const LONG: usize = 8;

/// The bytes of some rows of `k` elements.
fn bytes<T>(rows: usize, k: usize) -> usize {
    rows.saturating_mul(k).saturating_mul(size_of::<T>())
}

/// Whether whole vectors cover `n` columns with little left over.
fn fills_vectors(n: usize) -> bool {
    14 * n >= 13 * n.next_multiple_of(16)
}

/// Whether the dot-product kernel beats packing where both operands are contiguous along the sums.
///
/// It does for few rows, which do not repay the packing. It does for long sums if one operand is small:
/// a larger one is read from memory in many short runs. With AVX-512 a tile of 24 vectors reads less and
/// needs no sums across vectors. So shorter sums and fewer rows repay the packing, unless many of a tile's
/// columns are empty.
fn prefers_nt<T>(m: usize, k: usize, n: usize) -> bool {
    let small_b = bytes::<T>(n, k) <= 1 << 21;
    let small = match simd::level() {
        Level::Avx512 => n <= 24 || (k >= 512 && small_b && (m < 128 || !fills_vectors(n))),
        _ => bytes::<T>(m, k) <= 1 << 20 || small_b,
    };
    (m <= 16 && k >= LONG) || (k >= 128 && small)
}

/// Whether a row-major A stays in the second cache, so that a large product too can read it in place.
fn in_place<T>(m: usize, k: usize, n: usize) -> bool {
    bytes::<T>(m, k) <= 1 << 20 && bytes::<T>(n, k) <= 1 << 21 && fills_vectors(n)
}

once! {
    /// `C = A·B` or `C += A·B` for a row-major C.
    ///
    /// # Shapes
    /// A `(m, k)`, B `(k, n)`, C `(m, n)`. A and B may be transposes.
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
    pub fn gemm(a: Mat<'_, T>, b: Mat<'_, T>, write: Write, c: &mut [T]) = gemm_generic;

    /// `C = A·B + 1·biasᵀ`: adds the bias to every row, without a pass over C of its own.
    ///
    /// # Shapes
    /// A `(m, k)`, B `(k, n)`, bias `(n)`, C `(m, n)`. A and B may be transposes.
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
    pub fn gemm_bias(a: Mat<'_, T>, b: Mat<'_, T>, bias: &[T], c: &mut [T]) = gemm_bias_generic;

    /// `C = f(A·B + 1·biasᵀ)` for a function f of each element, which `epilogue` applies to a run of them. Where
    /// sums are not halved, each thread applies it to its own part of C, which is still in its cache.
    ///
    /// # Shapes
    /// A `(m, k)`, B `(k, n)`, bias `(n)` if there is one, C `(m, n)`. A and B may be transposes.
    ///
    /// # Panics
    /// **Panics** if the shapes do not fit.
    ///
    /// # Example
    /// ```
    /// use fanin_tensor::gemm::{Mat, gemm_epilogue};
    ///
    /// let (x, w) = ([1.0f32, 2.0, 3.0, 4.0], [1.0, 0.0, 0.0, 1.0]);
    /// let relu = |c: &mut [f32]| c.iter_mut().for_each(|c| *c = c.max(0.0));
    /// let mut y = [0.0; 4];
    /// gemm_epilogue(Mat::new(&x, 2, 2), Mat::new(&w, 2, 2), Some(&[-2.0, 0.0]), &relu, &mut y);
    /// assert_eq!(y, [0.0, 2.0, 1.0, 4.0]);
    /// ```
    pub fn gemm_epilogue(
        a: Mat<'_, T>,
        b: Mat<'_, T>,
        bias: Option<&[T]>,
        epilogue: &Epilogue<'_, T>,
        c: &mut [T]
    ) = gemm_epilogue_generic;
}

/// Changes each element of a run in place. What it makes of one must not depend on the others.
pub type Epilogue<'a, T> = dyn Fn(&mut [T]) + Sync + 'a;

#[track_caller]
fn gemm_generic<T: Scalar>(a: Mat<'_, T>, b: Mat<'_, T>, write: Write, c: &mut [T]) {
    product(&Product { a: &a, b: &b, start: Start::of(write), epilogue: None }, c);
}

#[track_caller]
fn gemm_bias_generic<T: Scalar>(a: Mat<'_, T>, b: Mat<'_, T>, bias: &[T], c: &mut [T]) {
    product(&Product { a: &a, b: &b, start: Start::bias(bias, &b), epilogue: None }, c);
}

#[track_caller]
fn gemm_epilogue_generic<T: Scalar>(
    a: Mat<'_, T>,
    b: Mat<'_, T>,
    bias: Option<&[T]>,
    epilogue: &Epilogue<'_, T>,
    c: &mut [T],
) {
    let start = match bias {
        Some(bias) => Start::bias(bias, &b),
        None => Start::Zero,
    };
    product(&Product { a: &a, b: &b, start, epilogue: Some(epilogue) }, c);
}

/// The name of the code that computes a product, for tests.
#[doc(hidden)]
pub fn path<T: Scalar>(a: Mat<'_, T>, b: Mat<'_, T>) -> String {
    let (a, b) = if is_column(&a, &b) { (b.t(), a.t()) } else { (a, b) };
    format!("{:?}", Path::of(&Product { a: &a, b: &b, start: Start::Zero, epilogue: None }))
}

/// What is to be computed.
#[derive(Clone, Copy)]
struct Product<'a, T> {
    a: &'a Mat<'a, T>,
    b: &'a Mat<'a, T>,
    start: Start<'a, T>,
    epilogue: Option<&'a Epilogue<'a, T>>,
}

impl<T> Product<'_, T> {
    /// An estimate of its nanoseconds on one thread. It decides about threads only.
    fn nanos(&self) -> usize {
        let (m, k, n) = (self.a.rows, self.a.cols, self.b.cols);
        let epilogue =
            if self.epilogue.is_some() { epilogue_nanos(m.saturating_mul(n)) } else { 0 };
        m.saturating_mul(k).saturating_mul(n) / 40 + epilogue
    }
}

/// An estimate of the nanoseconds of an epilogue. It decides about threads only.
fn epilogue_nanos(elements: usize) -> usize {
    elements / 5
}

/// What a product is added to.
#[derive(Clone, Copy)]
enum Start<'a, T> {
    Zero,
    /// The present elements of C.
    C,
    /// The same row for every row of C.
    Row(&'a [T]),
}

impl<T: Scalar> Start<'_, T> {
    fn of(write: Write) -> Self {
        match write {
            Write::Set => Self::Zero,
            Write::Add => Self::C,
        }
    }

    #[track_caller]
    fn bias<'a>(bias: &'a [T], b: &Mat<'_, T>) -> Start<'a, T> {
        assert!(
            bias.len() == b.cols,
            "gemm: a bias of {} elements for {} columns",
            bias.len(),
            b.cols
        );
        Start::Row(bias)
    }

    /// Writes a row to C, for a kernel that only sets or adds. Returns which of the two it must do.
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
fn product<T: Scalar>(of: &Product<'_, T>, c: &mut [T]) {
    let Product { a, b, start, epilogue } = *of;
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
        return apply(epilogue, c);
    }
    if is_column(a, b) {
        let (a, b, start) = (&b.t(), &a.t(), Start::of(start.written(c)));
        let row = Product { a, b, start, epilogue };
        return long_sums(Path::of(&row), &row, c);
    }
    long_sums(Path::of(of), of, c);
}

/// Whether C is a column, which is computed as a row: both are contiguous in either order.
fn is_column<T>(a: &Mat<'_, T>, b: &Mat<'_, T>) -> bool {
    b.cols == 1 && a.rows > 1 && a.cols >= LONG
}

fn apply<T>(epilogue: Option<&Epilogue<'_, T>>, c: &mut [T]) {
    if let Some(epilogue) = epilogue {
        epilogue(c);
    }
}

/// The code that computes a product. Shape, orientation and instruction set alone choose it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Path {
    Gemv,
    Nt,
    Tiled,
    Streamed,
    Packed,
    MatrixMultiply,
}

impl Path {
    fn of<T>(Product { a, b, .. }: &Product<'_, T>) -> Self {
        let (m, k, n) = (a.rows, a.cols, b.cols);
        let small = m.saturating_mul(k).saturating_mul(n) <= TILED;
        // Both operands are contiguous along the sums.
        let contiguous = a.col_stride == 1 && b.row_stride == 1;
        if m == 1 {
            if b.row_stride == 1 { Self::Nt } else { Self::Gemv }
        } else if contiguous && prefers_nt::<T>(m, k, n) {
            Self::Nt
        } else if small {
            Self::Tiled
        } else if simd::level() == Level::Portable {
            // matrixmultiply allocates, but its kernels for aarch64 are faster than ours.
            Self::MatrixMultiply
        } else if a.col_stride == 1 && in_place::<T>(m, k, n) {
            Self::Tiled
        } else if contiguous {
            Self::Streamed
        } else {
            Self::Packed
        }
    }

    /// The longest sums that it computes at once, in blocks whose sums it adds one after the other.
    fn longest(self, n: usize) -> usize {
        match self {
            // It computes its sums as trees.
            Self::Gemv if n <= gemv::FEW => usize::MAX,
            Self::Gemv => 128,
            // Its sums run along vectors, and these are short: a lane adds every second or fourth term.
            Self::Nt if simd::level() == Level::Portable => 512,
            Self::Packed | Self::Streamed => 4096,
            _ => 1024,
        }
    }

    fn run<T: Scalar>(self, of: &Product<'_, T>, c: &mut [T]) {
        match self {
            Self::Gemv => gemv(of, c),
            Self::Nt => nt(self.longest(of.b.cols), of, c),
            Self::Tiled => tiled(of, c),
            Self::Streamed => streamed(of, c),
            Self::Packed => packed(of, c),
            Self::MatrixMultiply => matrixmultiply(of, c),
        }
    }
}

#[cold]
#[inline(never)]
#[track_caller]
fn bad_shapes<T>(a: &Mat<'_, T>, b: &Mat<'_, T>, c: usize) -> ! {
    panic!(
        "gemm: {}×{} by {}×{} into {c} elements: inner lengths and output must agree",
        a.rows, a.cols, b.rows, b.cols
    )
}

/// An estimate of the bytes that one thread reads in a nanosecond. It decides about threads only.
const BYTES_PER_NANO: usize = 16;
/// The same for what is in its second cache.
const BYTES_PER_NANO_CACHED: usize = 128;

/// Numbers without a pattern, for the tests of several paths.
#[cfg(test)]
fn values(len: usize, step: usize) -> Vec<f32> {
    (0..len).map(|i| (i * step % 1013) as f32 / 1013.0 - 0.4).collect()
}
