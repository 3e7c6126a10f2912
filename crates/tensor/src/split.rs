//! How a matrix is divided among threads. Its shape alone decides, so that a kernel finds in each core's
//! cache what the kernel before it wrote.

use std::ops::Range;

use crate::parallel;

/// Pieces begin at multiples of this many elements: whole cache lines, and whole groups of the kernels.
pub(crate) const GRAIN: usize = 32;

/// The fewest elements of a matrix that is always divided, however cheap the kernel. Fetching half of
/// them from another core's cache takes longer than starting a thread.
const DIVIDED: usize = 8192;

/// A matrix divided among threads, by rows or by columns.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Split {
    rows: usize,
    cols: usize,
    by_columns: bool,
    pieces: usize,
}

impl Split {
    /// Divides the longer side of a matrix. The kernel takes about `nanos` nanoseconds on one thread and
    /// touches at most `elements` elements of any matrix.
    #[inline]
    pub(crate) fn new(rows: usize, cols: usize, elements: usize, nanos: usize) -> Self {
        Self::along(cols >= rows, rows, cols, elements, nanos)
    }

    /// [`new`](Self::new), but the caller chooses the side.
    #[inline]
    pub(crate) fn along(
        by_columns: bool,
        rows: usize,
        cols: usize,
        elements: usize,
        nanos: usize,
    ) -> Self {
        let mut pieces = if elements < DIVIDED {
            parallel::pieces(nanos)
        } else {
            parallel::num_threads().min(elements / (DIVIDED / 2))
        };
        if pieces > 1 {
            let long = if by_columns { cols } else { rows };
            pieces = pieces.min(long.div_ceil(GRAIN));
        }
        Self { rows, cols, by_columns, pieces }
    }

    /// How many pieces there are.
    #[inline]
    pub(crate) fn pieces(&self) -> usize {
        self.pieces
    }

    /// Rows and columns of the `i`-th piece.
    #[inline]
    pub(crate) fn part(&self, i: usize) -> (Range<usize>, Range<usize>) {
        if self.pieces <= 1 {
            return (0..self.rows, 0..self.cols);
        }
        if self.by_columns {
            (0..self.rows, parallel::range(self.cols, GRAIN, self.pieces, i))
        } else {
            (parallel::range(self.rows, GRAIN, self.pieces, i), 0..self.cols)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_cover_a_matrix_once() {
        for (rows, cols) in [(64, 128), (1000, 16), (3, 9000), (1, 1), (0, 5), (8192, 1)] {
            for by_columns in [false, true] {
                let split = Split::along(by_columns, rows, cols, rows * cols, 1_000_000);
                let mut seen = vec![0; rows * cols];
                for i in 0..split.pieces() {
                    let (r, c) = split.part(i);
                    r.for_each(|r| seen[r * cols..][c.clone()].iter_mut().for_each(|s| *s += 1));
                }
                assert!(seen.iter().all(|&s| s == 1), "{split:?}");
            }
        }
    }
}
