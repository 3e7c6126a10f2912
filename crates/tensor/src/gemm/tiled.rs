//! Small products: C in register tiles, B packed on the stack, no allocation.
//!
//! B is copied, panel by panel, so that a row of a tile is whole vectors; A is read where it lies, an
//! element at a time. That spares packing A, which small products do not repay.

use std::mem::MaybeUninit;
use std::ops::Range;

use super::pack::vectors_of;
use super::tile::{Place, tile};
use super::{Mat, Start, in_pieces};
use crate::Scalar;
use crate::lanes::Lanes;
use crate::simd::{Isa, Kernel, dispatch};

/// Elements of a packed panel of B: it and the rows of A beside it stay in the first cache.
const PANEL: usize = 4096;

pub(super) fn tiled<T: Scalar>(a: Mat<'_, T>, b: Mat<'_, T>, start: Start<'_, T>, c: &mut [T]) {
    in_pieces(a, b, c, |rows, columns, c| {
        // By reference: what is handed on three times over is copied as often.
        dispatch(Tiled { a: &a, b: &b, rows, columns, start, c });
    });
}

/// A rectangle of C, of which `c` is the start and B's columns the stride.
struct Tiled<'a, T> {
    a: &'a Mat<'a, T>,
    b: &'a Mat<'a, T>,
    rows: Range<usize>,
    columns: Range<usize>,
    start: Start<'a, T>,
    c: *mut T,
}

impl<T: Scalar> Kernel for Tiled<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        // A tile of sums, a row of B and an element of A must fit the registers. B's columns decide, not
        // those of this piece: the width says where a long sum is cut, which must not depend on threads.
        if self.b.cols <= I::Lanes::<T>::COUNT {
            self.tiles::<I, 8, 1>();
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
        let Self { a, b, rows, columns, start, c } = self;
        let width = V * I::Lanes::<T>::COUNT;
        let depth = (PANEL / width).min(a.cols);
        let mut buffer = MaybeUninit::<[MaybeUninit<T>; PANEL]>::uninit();
        // SAFETY: elements that may be uninitialized need no initialization.
        let buffer = unsafe { buffer.assume_init_mut() };
        // A few rows do not repay a copy of B.
        let copy = rows.len() > 12 * R;
        // Loops by hand: an iterator with a step divides, which a product of ten rows would feel.
        let mut left = columns.start;
        while left < columns.end {
            let right = columns.end.min(left + width);
            // A long sum is computed in parts whose panel fits the buffer.
            let mut from = 0;
            while from < a.cols {
                let to = a.cols.min(from + depth);
                let (rows_of_b, columns) = (from..to, left..right);
                let (data, stride) =
                    vectors_of::<I, T>(*b, rows_of_b.clone(), columns.clone(), width, copy, buffer);
                let panel = Panel { data, stride, rows: rows_of_b, columns, c_stride: b.cols };
                let mut i = rows.start;
                while i + R <= rows.end {
                    panel.tile::<I, R, V>(*a, i, start, c);
                    i += R;
                }
                while i + 4 <= rows.end {
                    panel.tile::<I, 4, V>(*a, i, start, c);
                    i += 4;
                }
                while i < rows.end {
                    panel.tile::<I, 1, V>(*a, i, start, c);
                    i += 1;
                }
                from = to;
            }
            left = right;
        }
    }
}

/// Some rows of some columns of B, whose rows can be read as whole vectors.
struct Panel<T> {
    data: *const T,
    stride: usize,
    /// The rows of B, which are columns of A.
    rows: Range<usize>,
    columns: Range<usize>,
    /// The columns of C.
    c_stride: usize,
}

impl<T: Scalar> Panel<T> {
    /// `R` rows of A, from row `i` on, times the panel, into C.
    #[inline(always)]
    fn tile<I: Isa, const R: usize, const V: usize>(
        &self,
        a: Mat<'_, T>,
        i: usize,
        start: Start<'_, T>,
        c: *mut T,
    ) {
        let depth = self.rows.len();
        // Proves all reads of A below to be inside it.
        assert!(depth > 0 && !a.from(i + R - 1, self.rows.end - 1).is_empty());
        let rows: [*const T; R] = std::array::from_fn(|r| a.from(i + r, self.rows.start).as_ptr());
        // SAFETY: the last row and column of A are asserted, `vectors_of` made or found V vectors in each row of
        // the panel, and the tile lies in the rectangle of C that is this kernel's: rows i..i + R of C's
        // rows, `columns` of its columns.
        unsafe {
            let c = (c.add(i * self.c_stride + self.columns.start), self.c_stride);
            let place = Place::new(c, R, self.columns.clone(), start, self.rows.start == 0);
            let a = |r: usize, p| rows[r].add(p * a.col_stride);
            tile::<I, T, R, V>(depth, a, self.data, self.stride, place);
        }
    }
}
