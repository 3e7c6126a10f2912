//! `C = A·B` or `C += A·B`: the only place where a matrix product is computed.
//!
//! Three paths, chosen by the shape alone ([`path`]), so that a result never depends on how the work
//! is split over threads:
//! - one row or one column: dot products or sums of rows, as fast as memory delivers the matrix;
//! - small: B packed into panels on the stack, accumulators in registers, no allocation;
//! - everything else: matrixmultiply, which allocates its packing buffer once a call, and whose output
//!   we split over threads by rows or by columns.

use crate::simd::{Isa, Kernel, dispatch};
use crate::{Scalar, parallel};

/// Whether a kernel replaces what its output holds or adds to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Write {
    /// `y = …`
    Set,
    /// `y += …`
    Add,
}

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
        assert_eq!(
            data.len(),
            rows * cols,
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
    /// A small product, without any allocation.
    Small,
    /// matrixmultiply: one allocation for each piece that a thread computes.
    Packed,
}

/// The path of an `(m, k)` by `(k, n)` product.
pub fn path(m: usize, k: usize, n: usize) -> Path {
    if m == 1 || n == 1 {
        Path::Line
    } else if m * k * n <= SMALL_PRODUCT && k * n.next_multiple_of(LANES) <= PANEL {
        Path::Small
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
/// use fanin_tensor::gemm::{Mat, Write, gemm};
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
    if k != b.rows || c.len() != m * n {
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
        Path::Line if m == 1 => line(a.data, a.col_stride, b.t(), write, c),
        Path::Line => line(b.data, b.row_stride, a, write, c),
        Path::Small => dispatch(Small { a, b, write, c }),
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

// ---- everything large: matrixmultiply, split over threads ------------------------------------------

/// Nanoseconds on one thread of `flop` multiply-adds, for the choice of threads alone.
fn nanos(multiply_adds: usize) -> usize {
    multiply_adds / 40
}

/// Pieces of C begin at multiples of this, so that no piece splits an engine's register tile.
const GRAIN: usize = 32;

fn packed<T: Scalar>(a: Mat<'_, T>, b: Mat<'_, T>, write: Write, c: &mut [T]) {
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

// ---- small products --------------------------------------------------------------------------------

/// Columns of a register tile: one AVX-512 vector of `f32`.
const LANES: usize = 16;
/// Rows of a register tile.
const TILE_ROWS: usize = 6;
/// Elements of B, packed, that fit the stack buffer.
const PANEL: usize = 8192;
/// Multiply-adds beyond which packing A as well pays.
const SMALL_PRODUCT: usize = 1 << 17;

struct Small<'a, T> {
    a: Mat<'a, T>,
    b: Mat<'a, T>,
    write: Write,
    c: &'a mut [T],
}

impl<T: Scalar> Kernel for Small<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let Self { a, b, write, c } = self;
        let (m, k, n) = (a.rows, a.cols, b.cols);
        let mut buffer = [T::ZERO; PANEL];
        for (p, j) in (0..n).step_by(LANES).enumerate() {
            let width = LANES.min(n - j);
            let panel = &mut buffer[p * k * LANES..(p + 1) * k * LANES];
            pack(b, j, width, panel);
        }
        let mut i = 0;
        while i < m {
            let rows = TILE_ROWS.min(m - i);
            for (p, j) in (0..n).step_by(LANES).enumerate() {
                let panel = &buffer[p * k * LANES..(p + 1) * k * LANES];
                let width = LANES.min(n - j);
                let mut tile = [[T::ZERO; LANES]; TILE_ROWS];
                if rows == TILE_ROWS {
                    tile_product::<I, T, TILE_ROWS>(a, i, panel, &mut tile);
                } else {
                    for (r, row) in tile.iter_mut().enumerate().take(rows) {
                        tile_product::<I, T, 1>(a, i + r, panel, std::array::from_mut(row));
                    }
                }
                for (r, row) in tile.iter().enumerate().take(rows) {
                    let out = &mut c[(i + r) * n + j..][..width];
                    match write {
                        Write::Set => out.copy_from_slice(&row[..width]),
                        Write::Add => out.iter_mut().zip(row).for_each(|(c, &v)| *c += v),
                    }
                }
            }
            i += rows;
        }
    }
}

/// Columns `j..j + width` of B, row by row, each padded to a whole vector.
#[inline(always)]
fn pack<T: Scalar>(b: Mat<'_, T>, j: usize, width: usize, panel: &mut [T]) {
    if b.col_stride == 1 {
        for (p, row) in panel.chunks_exact_mut(LANES).enumerate() {
            row[..width].copy_from_slice(&b.from(p, j)[..width]);
        }
    } else {
        for l in 0..width {
            let column = b.from(0, j + l);
            for (p, row) in panel.chunks_exact_mut(LANES).enumerate() {
                row[l] = column[p * b.row_stride];
            }
        }
    }
}

/// `R` rows of A, from row `i` on, times a panel.
#[inline(always)]
fn tile_product<I: Isa, T: Scalar, const R: usize>(
    a: Mat<'_, T>,
    i: usize,
    panel: &[T],
    tile: &mut [[T; LANES]; R],
) {
    let mut sums = [[T::ZERO; LANES]; R];
    let rows: [&[T]; R] = std::array::from_fn(|r| a.from(i + r, 0));
    for (p, b) in panel.chunks_exact(LANES).enumerate() {
        for (sum, row) in sums.iter_mut().zip(rows) {
            let x = row[p * a.col_stride];
            for (s, &b) in sum.iter_mut().zip(b) {
                *s = I::mul_add(x, b, *s);
            }
        }
    }
    *tile = sums;
}

// ---- one row or one column -------------------------------------------------------------------------

/// Bytes of a matrix that one thread reads in a nanosecond, for the choice of threads alone.
const BYTES_PER_NANO: usize = 16;

/// `y = W·x` for a `W (n, k)` and an `x` whose elements are `stride` apart.
fn line<T: Scalar>(x: &[T], stride: usize, w: Mat<'_, T>, write: Write, y: &mut [T]) {
    if stride != 1 {
        let x: Vec<T> = x.iter().step_by(stride).copied().collect();
        return line(&x, 1, w, write, y);
    }
    let pieces = parallel::pieces(w.rows * w.cols * size_of::<T>() / BYTES_PER_NANO);
    parallel::split_rows(y, 1, pieces.min(w.rows.div_ceil(GRAIN)), |first, y| {
        dispatch(Line { x: &x[..w.cols], w, first, write, y });
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

/// Rows of W are contiguous: four dot products at a time, each in a vector of partial sums.
#[inline(always)]
fn dots<I: Isa, T: Scalar>(x: &[T], w: Mat<'_, T>, first: usize, write: Write, y: &mut [T]) {
    let k = x.len();
    let store = |y: &mut T, v: T| *y = if write == Write::Add { *y + v } else { v };
    let mut groups = y.chunks_exact_mut(4);
    let mut i = first;
    for y in &mut groups {
        let rows: [&[T]; 4] = std::array::from_fn(|r| &w.from(i + r, 0)[..k]);
        for (y, v) in y.iter_mut().zip(dot::<I, T, 4>(x, rows)) {
            store(y, v);
        }
        i += 4;
    }
    for y in groups.into_remainder() {
        let [v] = dot::<I, T, 1>(x, [&w.from(i, 0)[..k]]);
        store(y, v);
        i += 1;
    }
}

#[inline(always)]
fn dot<I: Isa, T: Scalar, const R: usize>(x: &[T], rows: [&[T]; R]) -> [T; R] {
    let mut sums = [[T::ZERO; LANES]; R];
    let whole = x.len() - x.len() % LANES;
    for p in (0..whole).step_by(LANES) {
        let x = &x[p..p + LANES];
        for (sum, row) in sums.iter_mut().zip(rows) {
            for ((s, &w), &x) in sum.iter_mut().zip(&row[p..p + LANES]).zip(x) {
                *s = I::mul_add(w, x, *s);
            }
        }
    }
    std::array::from_fn(|r| {
        let mut sum = sums[r];
        for half in [8, 4, 2, 1] {
            for l in 0..half {
                sum[l] += sum[l + half];
            }
        }
        let rest = x[whole..].iter().zip(&rows[r][whole..]);
        rest.fold(sum[0], |s, (&x, &w)| I::mul_add(w, x, s))
    })
}

/// Columns of W are contiguous: `y += x_p · column p`, four columns at a time.
#[inline(always)]
fn sums_of_columns<I: Isa, T: Scalar>(
    x: &[T],
    w: Mat<'_, T>,
    first: usize,
    write: Write,
    y: &mut [T],
) {
    if write == Write::Set {
        y.fill(T::ZERO);
    }
    let n = y.len();
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
