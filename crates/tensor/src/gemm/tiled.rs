//! Products up to middling size: C in register tiles, B packed on the stack, no allocation.
//!
//! B is copied, panel by panel, so that a row of a tile is whole vectors; A is read where it lies, an
//! element at a time. That spares packing A, which a batch of some hundred rows does not repay.

use std::mem::MaybeUninit;
use std::ops::Range;

use super::{GRAIN, Mat, nanos};
use crate::lanes::Lanes;
use crate::simd::{Isa, Kernel, dispatch};
use crate::{Scalar, Write, parallel};

/// Elements of a packed panel of B: it and the rows of A beside it stay in the first cache.
const PANEL: usize = 4096;
/// Rows and columns of A that stay in the second cache while panels go by.
const ROWS: usize = 240;
const COLUMNS: usize = 512;
/// The widest row of a register tile: two AVX-512 vectors of `f32`.
const MAX_WIDTH: usize = 32;

pub(super) fn tiled<T: Scalar>(a: Mat<'_, T>, b: Mat<'_, T>, write: Write, c: &mut [T]) {
    let (m, n) = (a.rows, b.cols);
    // The longer side is split: what the other operand costs comes once for each piece.
    let by_columns = n >= m && a.col_stride == 1;
    let long = if by_columns { n } else { m };
    let pieces = parallel::pieces(nanos(m * a.cols * n)).min(long.div_ceil(GRAIN));
    if pieces == 1 {
        return dispatch(Tiled { a, b, rows: 0..m, columns: 0..n, write, c: c.as_mut_ptr() });
    }
    let c = parallel::Shared(c.as_mut_ptr());
    parallel::run(pieces, |i| {
        let (c, part) = (&c, parallel::range(long, GRAIN, pieces, i));
        let (rows, columns) = if by_columns { (0..m, part) } else { (part, 0..n) };
        dispatch(Tiled { a, b, rows, columns, write, c: c.0 });
    });
}

/// A rectangle of C, of which `c` is the start and B's columns the stride.
struct Tiled<'a, T> {
    a: Mat<'a, T>,
    b: Mat<'a, T>,
    rows: Range<usize>,
    columns: Range<usize>,
    write: Write,
    c: *mut T,
}

impl<T: Scalar> Kernel for Tiled<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        // A tile of sums, a row of B and an element of A must fit the registers. B's columns decide, not
        // those of this piece: the width says where a long sum is cut, which must not depend on threads.
        if self.b.cols <= I::Lanes::<T>::COUNT {
            if I::REGISTERS == 32 { self.tiles::<I, 16, 1>() } else { self.tiles::<I, 8, 1>() }
        } else if I::REGISTERS == 32 {
            self.tiles::<I, 12, 2>();
        } else {
            self.tiles::<I, 6, 2>();
        }
    }
}

impl<T: Scalar> Tiled<'_, T> {
    /// The rectangle in tiles of `R` rows and `V` vectors.
    #[inline(always)]
    fn tiles<I: Isa, const R: usize, const V: usize>(self) {
        let Self { a, b, rows, columns, write, c } = self;
        let width = V * I::Lanes::<T>::COUNT;
        let depth = (PANEL / width).min(a.cols);
        let mut buffer = MaybeUninit::<[MaybeUninit<T>; PANEL]>::uninit();
        // SAFETY: elements that may be uninitialized need no initialization.
        let buffer = unsafe { buffer.assume_init_mut() };
        // Row blocks of nearly one height: a low last one would pack all of B for a few rows.
        let blocks = rows.len().div_ceil(ROWS);
        let height = rows.len().div_ceil(blocks * R) * R;
        // A few rows do not repay a copy of B.
        let copy = height > 12 * R;
        // Loops by hand: an iterator with a step divides, which a product of ten rows would feel.
        let (mut top, mut first) = (rows.start, 0);
        while first < a.cols {
            let last = a.cols.min(first + COLUMNS);
            while top < rows.end {
                let bottom = rows.end.min(top + height);
                let mut left = columns.start;
                while left < columns.end {
                    let right = columns.end.min(left + width);
                    // A long sum is computed in parts whose panel fits the buffer.
                    let mut from = first;
                    while from < last {
                        let to = last.min(from + depth);
                        let write = if from == 0 { write } else { Write::Add };
                        let panel = Panel::new::<I>(b, from..to, left..right, width, copy, buffer);
                        let mut i = top;
                        while i + R <= bottom {
                            panel.tile::<I, R, V>(a, i, write, c);
                            i += R;
                        }
                        while i + 4 <= bottom {
                            panel.tile::<I, 4, V>(a, i, write, c);
                            i += 4;
                        }
                        while i < bottom {
                            panel.tile::<I, 1, V>(a, i, write, c);
                            i += 1;
                        }
                        from = to;
                    }
                    left = right;
                }
                top = bottom;
            }
            (top, first) = (rows.start, last);
        }
    }
}

/// Some rows of some columns of B, whose rows can be read as whole vectors.
struct Panel<'p, T> {
    data: *const T,
    stride: usize,
    /// The rows of B, which are columns of A.
    rows: Range<usize>,
    columns: Range<usize>,
    /// The columns of C.
    c_stride: usize,
    /// B, or the buffer.
    _memory: &'p [MaybeUninit<T>],
}

impl<'p, T: Scalar> Panel<'p, T> {
    /// In place if B's columns are adjacent and as many as a tile is wide, and no copy is wanted; else
    /// copied to `buffer` and padded with zeros.
    #[inline(always)]
    fn new<I: Isa>(
        b: Mat<'p, T>,
        rows: Range<usize>,
        columns: Range<usize>,
        width: usize,
        copy: bool,
        buffer: &'p mut [MaybeUninit<T>],
    ) -> Self {
        let whole = columns.len() == width;
        let c_stride = b.cols;
        if b.col_stride == 1 && whole && !copy {
            let data = b.from(rows.start, columns.start).as_ptr();
            return Self { data, stride: b.row_stride, rows, columns, c_stride, _memory: &[] };
        }
        let buffer = &mut buffer[..rows.len() * width];
        if !whole {
            buffer.fill(MaybeUninit::new(T::ZERO));
        }
        if b.col_stride == 1 {
            for (p, row) in rows.clone().zip(buffer.chunks_exact_mut(width)) {
                let x = &b.from(p, columns.start)[..columns.len()];
                row.iter_mut().zip(x).for_each(|(to, &x)| _ = to.write(x));
            }
        } else {
            transpose::<I, T>(b, rows.clone(), columns.clone(), width, buffer);
        }
        // Either loop writes whole rows; rows that it leaves partial were filled before.
        let data = buffer.as_ptr().cast();
        Self { data, stride: width, rows, columns, c_stride, _memory: buffer }
    }

    /// `R` rows of A, from row `i` on, times the panel, into C.
    #[inline(always)]
    fn tile<I: Isa, const R: usize, const V: usize>(
        &self,
        a: Mat<'_, T>,
        i: usize,
        write: Write,
        c: *mut T,
    ) {
        let count = I::Lanes::<T>::COUNT;
        let (width, depth) = (V * count, self.rows.len());
        // Proves all reads of A below to be inside it.
        assert!(depth > 0 && !a.from(i + R - 1, self.rows.end - 1).is_empty());
        let rows: [*const T; R] = std::array::from_fn(|r| a.from(i + r, self.rows.start).as_ptr());
        // SAFETY: `new` made or found `width` elements in each row of the panel, the last row and column
        // of A are asserted, and `I` is what `dispatch` chose; so too for the sums themselves.
        let mut sums = unsafe { [[I::Lanes::splat(T::ZERO); V]; R] };
        for p in 0..depth {
            let b: [I::Lanes<T>; V] = std::array::from_fn(|v| {
                // SAFETY: as above.
                unsafe { Lanes::load(self.data.add(p * self.stride + v * count)) }
            });
            for r in 0..R {
                // SAFETY: as above.
                unsafe {
                    let x: I::Lanes<T> = Lanes::splat(*rows[r].add(p * a.col_stride));
                    for v in 0..V {
                        sums[r][v] = x.mul_add(b[v], sums[r][v]);
                    }
                }
            }
        }
        let columns = self.columns.len();
        for (r, sums) in sums.iter().enumerate() {
            // SAFETY: the tile lies in the rectangle of C that is this kernel's: rows i..i + R of
            // C's rows, `columns` of its columns.
            let c = unsafe { c.add((i + r) * self.c_stride + self.columns.start) };
            if columns == width {
                for (v, &sum) in sums.iter().enumerate() {
                    // SAFETY: the row of the tile has `width` places.
                    unsafe {
                        let c = c.add(v * count);
                        match write {
                            Write::Set => sum.store(c),
                            Write::Add => I::Lanes::<T>::load(c).add(sum).store(c),
                        }
                    }
                }
                continue;
            }
            let mut row = [T::ZERO; MAX_WIDTH];
            for (v, sum) in sums.iter().enumerate() {
                // SAFETY: a tile is at most MAX_WIDTH wide.
                unsafe { sum.store(row.as_mut_ptr().add(v * count)) };
            }
            // SAFETY: the row of the tile has `columns` places.
            let c = unsafe { std::slice::from_raw_parts_mut(c, columns) };
            match write {
                Write::Set => c.copy_from_slice(&row[..columns]),
                Write::Add => c.iter_mut().zip(&row).for_each(|(c, &v)| *c += v),
            }
        }
    }
}

/// Copies rows of columns of a B whose rows are adjacent in memory: squares in registers, the edges one
/// by one.
#[inline(always)]
fn transpose<I: Isa, T: Scalar>(
    b: Mat<'_, T>,
    rows: Range<usize>,
    columns: Range<usize>,
    width: usize,
    to: &mut [MaybeUninit<T>],
) {
    let square = I::Lanes::<T>::SQUARE;
    let (depth, count) = (rows.len(), columns.len());
    assert!(b.row_stride == 1 && to.len() >= depth * width && count <= width);
    for l in (0..count).step_by(square) {
        for p in (0..depth).step_by(square) {
            if l + square <= count && p + square <= depth {
                let last = b.from(rows.start + p, columns.start + l + square - 1);
                assert!(last.len() >= square);
                let from = b.from(rows.start + p, columns.start + l).as_ptr();
                let to = to[p * width + l..].as_mut_ptr().cast();
                // SAFETY: the last column of the square is asserted to be in B, and its last row
                // to be in `to`, which has rows of `width` up to `depth`.
                unsafe { I::Lanes::<T>::transpose(from, b.col_stride, to, width) };
                continue;
            }
            for l in l..count.min(l + square) {
                let column = b.from(rows.start, columns.start + l);
                for p in p..depth.min(p + square) {
                    to[p * width + l].write(column[p]);
                }
            }
        }
    }
}
