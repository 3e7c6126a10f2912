//! Small products: sums in registers, B packed on the stack, no allocation.

use std::mem::MaybeUninit;
use std::ptr;

use super::{GRAIN, Mat, nanos};
use crate::lanes::Lanes;
use crate::simd::{Isa, Kernel, dispatch};
use crate::{Scalar, Write, parallel};

/// Elements of B, packed, that fit the stack buffer.
pub(super) const PANEL: usize = 4096;
/// Multiply-adds beyond which packing A as well pays.
pub(super) const SMALL_PRODUCT: usize = 1 << 17;
/// The widest row of a register tile: two AVX-512 vectors of `f32`.
const MAX_WIDTH: usize = 32;

pub(super) fn small<T: Scalar>(a: Mat<'_, T>, b: Mat<'_, T>, write: Write, c: &mut [T]) {
    let pieces = parallel::pieces(nanos(a.rows * a.cols * b.cols)).min(a.rows.div_ceil(GRAIN));
    parallel::split_rows(c, b.cols, pieces, |first, c| {
        dispatch(Small { a, b, first, write, c });
    });
}

/// Rows of C from `first` on.
struct Small<'a, T> {
    a: Mat<'a, T>,
    b: Mat<'a, T>,
    first: usize,
    write: Write,
    c: &'a mut [T],
}

impl<T: Scalar> Kernel for Small<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        // A tile of sums, a row of B and an element of A must fit the registers.
        let n = self.b.cols;
        if n <= I::Lanes::<T>::COUNT {
            if I::REGISTERS == 32 { self.tiles::<I, 16, 1>() } else { self.tiles::<I, 8, 1>() }
        } else if I::REGISTERS == 32 {
            self.tiles::<I, 12, 2>();
        } else {
            self.tiles::<I, 6, 2>();
        }
    }
}

impl<T: Scalar> Small<'_, T> {
    /// C in tiles of `R` rows and `V` vectors.
    #[inline(always)]
    fn tiles<I: Isa, const R: usize, const V: usize>(self) {
        let Self { a, b, first, write, c } = self;
        let (k, n) = (a.cols, b.cols);
        let m = c.len() / n;
        let width = V * I::Lanes::<T>::COUNT;
        let mut buffer = [const { MaybeUninit::<T>::uninit() }; PANEL];
        let depth = (PANEL / width).min(k);
        for j in (0..n).step_by(width) {
            let columns = width.min(n - j);
            // A long sum is computed in parts whose panel fits the buffer.
            for from in (0..k).step_by(depth) {
                let depth = depth.min(k - from);
                let panel = Panel::new(b, from, depth, j, columns, width, &mut buffer);
                let write = if from == 0 { write } else { Write::Add };
                let mut i = 0;
                while i + R <= m {
                    panel.tile::<I, R, V>(a, first + i, from, write, &mut c[i * n + j..], n);
                    i += R;
                }
                while i + 4 <= m {
                    panel.tile::<I, 4, V>(a, first + i, from, write, &mut c[i * n + j..], n);
                    i += 4;
                }
                while i < m {
                    panel.tile::<I, 1, V>(a, first + i, from, write, &mut c[i * n + j..], n);
                    i += 1;
                }
            }
        }
    }
}

/// Some rows of some columns of B, whose rows can be read as whole vectors.
struct Panel<'p, T> {
    data: &'p [T],
    stride: usize,
    depth: usize,
    columns: usize,
}

impl<'p, T: Scalar> Panel<'p, T> {
    /// Rows `from..from + depth` and columns `j..j + columns` of B: in place if they are adjacent and
    /// as many as a tile is wide, else copied to `buffer` and padded with zeros.
    #[inline(always)]
    fn new(
        b: Mat<'p, T>,
        from: usize,
        depth: usize,
        j: usize,
        columns: usize,
        width: usize,
        buffer: &'p mut [MaybeUninit<T>],
    ) -> Self {
        if b.col_stride == 1 && columns == width {
            return Self { data: b.from(from, j), stride: b.row_stride, depth, columns };
        }
        let buffer = &mut buffer[..depth * width];
        if columns < width {
            buffer.fill(MaybeUninit::new(T::ZERO));
        }
        if b.col_stride == 1 {
            for (p, row) in buffer.chunks_exact_mut(width).enumerate() {
                for (to, &x) in row.iter_mut().zip(&b.from(from + p, j)[..columns]) {
                    to.write(x);
                }
            }
        } else {
            // Eight columns at a time: their cache lines stay until they are read to the end.
            for l in (0..columns).step_by(8) {
                let group = 8.min(columns - l);
                let column: [&[T]; 8] =
                    std::array::from_fn(|g| b.from(from, j + l + g.min(group - 1)));
                for (p, row) in buffer.chunks_exact_mut(width).enumerate() {
                    let row = &mut row[l..l + group];
                    for (to, column) in row.iter_mut().zip(column) {
                        to.write(column[p * b.row_stride]);
                    }
                }
            }
        }
        // SAFETY: either loop writes whole rows; rows that it leaves partial were filled before.
        let data = unsafe { &*(ptr::from_ref(buffer) as *const [T]) };
        Self { data, stride: width, depth, columns }
    }

    /// `R` rows of A, from row `i` and column `from` on, times the panel, into C.
    #[inline(always)]
    fn tile<I: Isa, const R: usize, const V: usize>(
        &self,
        a: Mat<'_, T>,
        i: usize,
        from: usize,
        write: Write,
        c: &mut [T],
        c_stride: usize,
    ) {
        let &Self { data, stride, depth, columns } = self;
        let count = I::Lanes::<T>::COUNT;
        let width = V * count;
        // Proves all reads and writes below to be inside A, the panel and C.
        assert!(depth > 0 && !a.from(i + R - 1, from + depth - 1).is_empty());
        assert!(columns <= width && width <= MAX_WIDTH);
        assert!(data.len() >= (depth - 1) * stride + width);
        assert!(c.len() >= (R - 1) * c_stride + columns);
        let rows: [*const T; R] = std::array::from_fn(|r| a.from(i + r, from).as_ptr());
        let mut sums = [[I::Lanes::splat(T::ZERO); V]; R];
        for p in 0..depth {
            let b: [I::Lanes<T>; V] = std::array::from_fn(|v| {
                // SAFETY: row p of the panel has `width` elements, asserted for the last one.
                unsafe { Lanes::load(data.as_ptr().add(p * stride + v * count)) }
            });
            for r in 0..R {
                // SAFETY: asserted for the last row and column of A.
                let x: I::Lanes<T> = Lanes::splat(unsafe { *rows[r].add(p * a.col_stride) });
                for v in 0..V {
                    sums[r][v] = x.mul_add(b[v], sums[r][v]);
                }
            }
        }
        // Indices, not iterators: an array that is moved leaves the registers.
        let whole = columns == width && write == Write::Set;
        for r in 0..R {
            let c = &mut c[r * c_stride..][..columns];
            let mut row = [T::ZERO; MAX_WIDTH];
            let to = if whole { c.as_mut_ptr() } else { row.as_mut_ptr() };
            for (v, sum) in sums[r].iter().enumerate() {
                // SAFETY: `to` has `width` places: C's row has `columns`, the buffer MAX_WIDTH.
                unsafe { sum.store(to.add(v * count)) };
            }
            if !whole {
                match write {
                    Write::Set => c.copy_from_slice(&row[..columns]),
                    Write::Add => c.iter_mut().zip(&row).for_each(|(c, &v)| *c += v),
                }
            }
        }
    }
}
