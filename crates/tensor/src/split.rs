//! How a matrix is divided among threads. Apart from [`Split::for_one`], its shape alone decides, so that a
//! kernel finds in each core's cache what the kernel before it wrote.

use std::ops::Range;

use crate::parallel;

/// Pieces begin at multiples of this many elements: whole cache lines of `f32`, and whole groups of the
/// kernels.
pub(crate) const GRAIN: usize = 16;

/// The fewest elements of a matrix that is always divided, however cheap the kernel. Fetching half of
/// them from another core's cache takes longer than starting a thread.
const DIVIDED: usize = 8192;

/// A matrix divided among threads, into a grid of parts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Split {
    rows: usize,
    cols: usize,
    /// How many parts the rows have, and the columns.
    grid: (usize, usize),
}

impl Split {
    /// Divides the longer side of a matrix, and the other one too if that gives too few pieces. The kernel
    /// takes about `nanos` nanoseconds on one thread and touches at most `elements` elements of any matrix.
    #[inline]
    pub(crate) fn new(rows: usize, cols: usize, elements: usize, nanos: usize) -> Self {
        Self::first(cols >= rows, rows, cols, elements, nanos)
    }

    /// [`new`](Self::new), but no more pieces than pay for this kernel alone.
    #[inline]
    pub(crate) fn for_one(rows: usize, cols: usize, elements: usize, nanos: usize) -> Self {
        let wanted = parallel::at_most(wanted(elements, nanos), nanos);
        Self::grid(cols >= rows, true, rows, cols, wanted)
    }

    /// [`new`](Self::new), but the caller chooses the side that is divided first.
    #[inline]
    pub(crate) fn first(
        by_columns: bool,
        rows: usize,
        cols: usize,
        elements: usize,
        nanos: usize,
    ) -> Self {
        Self::grid(by_columns, true, rows, cols, wanted(elements, nanos))
    }

    /// Divides one side alone, where sums run along the other.
    #[inline]
    pub(crate) fn along(
        by_columns: bool,
        rows: usize,
        cols: usize,
        elements: usize,
        nanos: usize,
    ) -> Self {
        Self::grid(by_columns, false, rows, cols, wanted(elements, nanos))
    }

    /// At most `wanted` pieces. Divides both sides, if it may and the first one gives fewer than half.
    #[inline]
    fn grid(by_columns: bool, both: bool, rows: usize, cols: usize, wanted: usize) -> Self {
        let (first, other) = if by_columns { (cols, rows) } else { (rows, cols) };
        let (mut pieces, mut more) = (wanted, 1);
        if wanted > 1 {
            pieces = wanted.min(first.div_ceil(GRAIN));
            if both && wanted >= 2 * pieces {
                more = (wanted / pieces.max(1)).min(other.div_ceil(GRAIN));
            }
        }
        let grid = if by_columns { (more, pieces) } else { (pieces, more) };
        Self { rows, cols, grid }
    }

    /// How many pieces there are.
    #[inline]
    pub(crate) fn pieces(&self) -> usize {
        self.grid.0 * self.grid.1
    }

    /// Rows and columns of the `i`-th piece.
    #[inline]
    pub(crate) fn part(&self, i: usize) -> (Range<usize>, Range<usize>) {
        // Shortcuts, because a division takes long beside a small product.
        let (row, col) = match self.grid {
            (..=1, ..=1) => return (0..self.rows, 0..self.cols),
            (_, 1) => (i, 0),
            (1, _) => (0, i),
            (_, cols) => (i / cols, i % cols),
        };
        (part_of(self.rows, self.grid.0, row), part_of(self.cols, self.grid.1, col))
    }
}

/// The runs of adjacent elements of a part of a matrix with `cols` columns. Whole rows are one run.
#[inline]
pub(crate) fn runs(
    rows: Range<usize>,
    columns: Range<usize>,
    cols: usize,
) -> impl Iterator<Item = Range<usize>> {
    let whole = columns.len() == cols;
    let (runs, len) = if whole { (1, rows.len() * cols) } else { (rows.len(), columns.len()) };
    (0..runs).map(move |run| {
        let first = (rows.start + run) * cols + columns.start;
        first..first + len
    })
}

/// How many pieces would pay, if there were as many.
#[inline]
fn wanted(elements: usize, nanos: usize) -> usize {
    if elements < DIVIDED {
        parallel::pieces(nanos)
    } else {
        parallel::num_threads().min(elements / (DIVIDED / 2))
    }
}

#[inline]
fn part_of(len: usize, parts: usize, i: usize) -> Range<usize> {
    if parts <= 1 { 0..len } else { parallel::range(len, GRAIN, parts, i) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if the pieces do not cover a matrix once.
    #[track_caller]
    fn check(split: Split) {
        let mut seen = vec![0; split.rows * split.cols];
        for i in 0..split.pieces() {
            let (r, c) = split.part(i);
            r.for_each(|r| seen[r * split.cols..][c.clone()].iter_mut().for_each(|s| *s += 1));
        }
        assert!(seen.iter().all(|&s| s == 1), "{split:?}");
    }

    #[test]
    fn pieces_cover_a_matrix_once() {
        for (rows, cols) in [(64, 128), (1000, 16), (3, 9000), (1, 1), (0, 5), (8192, 1), (45, 300)]
        {
            for by_columns in [false, true] {
                check(Split::along(by_columns, rows, cols, rows * cols, 1_000_000));
                for wanted in [1, 2, 3, 5, 8, 16, 100, 256] {
                    let split = Split::grid(by_columns, true, rows, cols, wanted);
                    assert!(split.pieces() <= wanted, "{split:?}");
                    check(split);
                }
            }
        }
    }

    #[test]
    fn the_other_side_is_divided_where_one_gives_too_few_pieces() {
        let grid = |rows, cols, wanted| Split::grid(cols >= rows, true, rows, cols, wanted).grid;
        assert_eq!(grid(64, 128, 2), (1, 2));
        assert_eq!(grid(64, 128, 4), (1, 4));
        assert_eq!(grid(64, 128, 16), (2, 8));
        assert_eq!(grid(64, 64, 16), (4, 4));
        assert_eq!(grid(128, 512, 16), (1, 16));
        assert_eq!(grid(512, 10, 64), (32, 1));
        assert_eq!(grid(32, 32, 16), (2, 2));
    }
}
