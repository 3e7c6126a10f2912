//! Small products: C is computed in register tiles, B is packed on the stack, nothing is allocated.
//!
//! B is copied panel by panel, so that a row of a tile is whole vectors. A is read in place, one
//! element at a time, because small products do not repay its packing.

use std::mem::MaybeUninit;
use std::ops::Range;

use super::Product;
use super::pack::vectors_of;
use super::rectangle::{Rectangle, in_rectangles};
use super::tile::tile;
use crate::Scalar;
use crate::lanes::Lanes;
use crate::simd::{Isa, Kernel, dispatch};

/// Terms that are added one after the other: rounding errors of longer runs would add up.
const DEPTH: usize = 256;

/// Elements of a packed panel of B. The panel and some rows of A fit the first cache.
const PANEL: usize = 4096;

pub(super) fn tiled<T: Scalar>(of: &Product<'_, T>, c: &mut [T]) {
    in_rectangles(of, c, |part| dispatch(Tiled { part }));
}

struct Tiled<'a, T> {
    part: &'a Rectangle<'a, T>,
}

impl<T: Scalar> Kernel for Tiled<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        // The registers must hold a tile of sums, a row of B and an element of A. The width also decides
        // where a long sum is cut. So it depends on B's columns, and not on those of one thread's piece.
        match (self.part.of.b.cols <= I::Lanes::<T>::COUNT, I::REGISTERS) {
            (true, 32) => self.tiles::<I, 16, 1>(),
            (true, _) => self.tiles::<I, 8, 1>(),
            (false, 32) => self.tiles::<I, 12, 2>(),
            (false, _) => self.tiles::<I, 6, 2>(),
        }
    }
}

impl<T: Scalar> Tiled<'_, T> {
    /// Computes the rectangle in tiles of `R` rows and `V` vectors.
    #[inline(always)]
    fn tiles<I: Isa, const R: usize, const V: usize>(self) {
        let Rectangle { of: Product { a, b, .. }, rows, columns, .. } = self.part;
        let width = V * I::Lanes::<T>::COUNT;
        let depth = (PANEL / width).min(DEPTH).min(a.cols);
        let mut buffer = Buffer([const { MaybeUninit::<T>::uninit() }; PANEL]);
        let buffer = &mut buffer.0[..];
        // Few rows do not repay a copy of B.
        let copy = rows.len() > 12 * R;
        // Not iterators with a step: they divide, which takes long beside a product of ten rows.
        let mut left = columns.start;
        while left < columns.end {
            let right = columns.end.min(left + width);
            // Compute a long sum in parts, such that each part's panel fits the buffer.
            let mut from = 0;
            while from < a.cols {
                let to = a.cols.min(from + depth);
                let (rows_of_b, columns) = (from..to, left..right);
                let (data, stride) =
                    vectors_of::<I, T>(b, rows_of_b.clone(), columns.clone(), width, copy, buffer);
                let panel = Panel { part: self.part, data, stride, rows: rows_of_b, columns };
                let mut i = rows.start;
                while i + R <= rows.end {
                    panel.tile::<I, R, V>(i);
                    i += R;
                }
                while R > 8 && i + 8 <= rows.end {
                    panel.tile::<I, 8, V>(i);
                    i += 8;
                }
                while i + 4 <= rows.end {
                    panel.tile::<I, 4, V>(i);
                    i += 4;
                }
                while i < rows.end {
                    panel.tile::<I, 1, V>(i);
                    i += 1;
                }
                from = to;
            }
            left = right;
        }
    }
}

/// The packed panel: whole vectors, aligned to cache lines.
#[repr(align(64))]
struct Buffer<T>([MaybeUninit<T>; PANEL]);

/// Some rows of some columns of B. Its rows can be read as whole vectors.
struct Panel<'a, T> {
    part: &'a Rectangle<'a, T>,
    data: *const T,
    stride: usize,
    /// The rows of B, which are columns of A.
    rows: Range<usize>,
    columns: Range<usize>,
}

impl<T: Scalar> Panel<'_, T> {
    /// Multiplies `R` rows of A, from row `i` on, by the panel, and writes the tile to C.
    #[inline(always)]
    fn tile<I: Isa, const R: usize, const V: usize>(&self, i: usize) {
        let (a, depth) = (self.part.of.a, self.rows.len());
        // Proves that all reads of A below are inside it.
        assert!(depth > 0 && !a.from(i + R - 1, self.rows.end - 1).is_empty());
        let rows: [*const T; R] = std::array::from_fn(|r| a.from(i + r, self.rows.start).as_ptr());
        // SAFETY: the assertion above covers the last element of A. `vectors_of` returned a panel with V
        // vectors in each row. The tile lies in this kernel's rectangle of C.
        unsafe {
            let place = self.part.place(i, R, self.columns.clone(), self.rows.start == 0);
            let a = |r: usize, p| rows[r].add(p * a.col_stride);
            tile::<I, T, R, V>(depth, a, self.data, self.stride, place);
        }
    }
}
