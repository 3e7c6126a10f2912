//! A part of C, which one thread computes.

use std::ops::Range;

use super::tile::Place;
use super::{Mat, Start, nanos};
use crate::split::{GRAIN, Split};
use crate::{Scalar, parallel};

/// A rectangle of `C = A·B`. Nobody else has it.
#[derive(Clone)]
pub(super) struct Rectangle<'a, T> {
    pub(super) a: Mat<'a, T>,
    pub(super) b: Mat<'a, T>,
    pub(super) rows: Range<usize>,
    pub(super) columns: Range<usize>,
    start: Start<'a, T>,
    /// The start of the whole C. Its row stride is the number of B's columns.
    c: *mut T,
}

impl<T: Scalar> Rectangle<'_, T> {
    /// Element `(i, j)` of C, in the rectangle.
    #[inline(always)]
    pub(super) fn at(&self, i: usize, j: usize) -> *mut T {
        // In debug builds, a tile outside its rectangle is found.
        debug_assert!(self.rows.contains(&i) && self.columns.contains(&j));
        self.c.wrapping_add(i * self.b.cols + j)
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
        let c = (self.at(i, columns.start), self.b.cols);
        Place::new(c, height, columns, self.start, first)
    }
}

/// Computes C by `f`. Each thread gets one rectangle.
pub(super) fn in_rectangles<T: Scalar>(
    a: Mat<'_, T>,
    b: Mat<'_, T>,
    start: Start<'_, T>,
    c: &mut [T],
    f: impl Fn(&Rectangle<'_, T>) + Sync,
) {
    let (m, k, n) = (a.rows, a.cols, b.cols);
    // Split the longer side, since every piece reads the whole other operand. A transposed A is the
    // gradient of an output, and C that of a weight: split its rows, because the optimizer does too.
    // Few rows cannot be shared among the threads.
    let few = m < 2 * GRAIN * parallel::num_threads();
    let by_columns = n >= m && (a.col_stride == 1 || few);
    let split = Split::first(by_columns, m, n, (m * n).max(m * k), nanos(m, k, n));
    let c = c.as_mut_ptr();
    // Only a shortcut: the code below gives the same result. It takes long beside a small product.
    if split.pieces() == 1 {
        return f(&Rectangle { a, b, rows: 0..m, columns: 0..n, start, c });
    }
    let c = parallel::Shared(c);
    parallel::run(split.pieces(), move |i| {
        let (c, (rows, columns)) = (&c, split.part(i));
        f(&Rectangle { a, b, rows, columns, start, c: c.0 });
    });
}
