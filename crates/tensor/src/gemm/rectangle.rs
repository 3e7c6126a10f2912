//! A part of C, which one thread computes.

use std::ops::Range;

use super::Product;
use super::tile::Place;
use crate::split::{GRAIN, Split, runs};
use crate::{Scalar, parallel};

/// A rectangle of C. Nobody else has it.
pub(super) struct Rectangle<'a, T> {
    pub(super) of: &'a Product<'a, T>,
    pub(super) rows: Range<usize>,
    pub(super) columns: Range<usize>,
    /// The start of the whole C. Its row stride is the number of B's columns.
    pub(super) c: *mut T,
}

impl<T: Scalar> Rectangle<'_, T> {
    /// Element `(i, j)` of C, in the rectangle.
    #[inline(always)]
    pub(super) fn at(&self, i: usize, j: usize) -> *mut T {
        debug_assert!(self.rows.contains(&i) && self.columns.contains(&j));
        self.c.wrapping_add(i * self.of.b.cols + j)
    }

    /// Where a tile is written: `height` rows from row `i` on. `first` says whether the tile has the first
    /// terms of its sums.
    #[inline(always)]
    pub(super) fn place(
        &self,
        i: usize,
        height: usize,
        columns: Range<usize>,
        first: bool,
    ) -> Place<T> {
        let c = (self.at(i, columns.start), self.of.b.cols);
        Place::new(c, height, columns, self.of.start, first)
    }

    /// Applies the product's epilogue, if it has one. C is computed.
    fn end(&self) {
        let Some(epilogue) = self.of.epilogue else { return };
        for run in runs(self.rows.clone(), self.columns.clone(), self.of.b.cols) {
            // SAFETY: the run is inside the rectangle, which nobody else has.
            epilogue(unsafe { std::slice::from_raw_parts_mut(self.c.add(run.start), run.len()) });
        }
    }
}

/// Computes C by `f`. Each thread gets one rectangle.
pub(super) fn in_rectangles<T: Scalar>(
    of: &Product<'_, T>,
    c: &mut [T],
    f: impl Fn(&Rectangle<'_, T>) + Sync,
) {
    let (m, k, n) = (of.a.rows, of.a.cols, of.b.cols);
    // Split the longer side, since every piece reads the whole other operand. A transposed A is the
    // gradient of an output, and C that of a weight: split its rows, because the optimizer does too.
    // Few rows cannot be shared among the threads.
    let few = m < 2 * GRAIN * parallel::num_threads();
    let by_columns = n >= m && (of.a.col_stride == 1 || few);
    split(Split::first(by_columns, m, n, (m * n).max(m * k), of.nanos()), of, c, f);
}

/// Computes C by `f`. Each thread gets one rectangle of the split.
#[inline(always)]
pub(super) fn split<T: Scalar>(
    split: Split,
    of: &Product<'_, T>,
    c: &mut [T],
    f: impl Fn(&Rectangle<'_, T>) + Sync,
) {
    let c = c.as_mut_ptr();
    // A shortcut to the same result: to divide takes long beside a small product.
    if split.pieces() == 1 {
        let (rows, columns) = (0..of.a.rows, 0..of.b.cols);
        return compute(Rectangle { of, rows, columns, c }, f);
    }
    // Values and no references: another core gets all of them at once.
    let (a, b, c) = (*of.a, *of.b, parallel::Shared(c));
    let Product { start, epilogue, .. } = *of;
    parallel::run(split.pieces(), move |i| {
        let (c, of, (rows, columns)) =
            (&c, &Product { a: &a, b: &b, start, epilogue }, split.part(i));
        compute(Rectangle { of, rows, columns, c: c.0 }, &f);
    });
}

#[inline(always)]
fn compute<T: Scalar>(rectangle: Rectangle<'_, T>, f: impl Fn(&Rectangle<'_, T>)) {
    f(&rectangle);
    rectangle.end();
}
