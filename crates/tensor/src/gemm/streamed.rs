//! Large products `X·Wᵀ`: B is packed, A is read in place.
//!
//! Some hundred columns of B, of as many terms as fit, are packed and stay in the second cache while all rows
//! of A are multiplied by them. So a thread packs each element of B once, and none of A. While a tile is
//! computed, it fetches what comes next, since the CPU does not see beyond a row's end.

use std::mem::MaybeUninit;
use std::ops::Range;

use super::Product;
use super::pack::{pack, uninit};
use super::rectangle::{Rectangle, in_rectangles};
use super::tile::{Place, Tile};
use crate::lanes::{Lanes, prefetch};
use crate::simd::{Isa, Kernel, dispatch};
use crate::{Scalar, cache, parallel, scratch};

/// The most terms of a sum that are added in registers, one after the other. The sums of such runs are added in
/// C. 784 terms are three runs, and 512 two; twice as many were no faster.
const RUN: usize = 272;
/// The most columns of B that are packed together.
const COLUMNS: usize = 192;
/// Elements of a cache line of `f32`.
const LINE: usize = 16;

/// The second cache counts as at most 3 MiB: the memory of a thread for packing is kept up to 2 MiB.
const MOST_CACHE: usize = 3 << 20;

/// `C = A·B`, where the rows of A are contiguous.
pub(super) fn streamed<T: Scalar>(of: &Product<'_, T>, c: &mut [T]) {
    in_cache(cache::second(), of, c);
}

/// [`streamed`] for a second cache of so many bytes. The size changes no bit, since runs depend on A alone.
fn in_cache<T: Scalar>(bytes: usize, of: &Product<'_, T>, c: &mut [T]) {
    debug_assert!(of.a.cols == 1 || of.a.col_stride == 1);
    // Runs of nearly equal length, and as many at once as fill three fifths of the cache.
    let terms = of.a.cols;
    let run = terms.div_ceil(terms.div_ceil(RUN)).next_multiple_of(LINE);
    let (runs, bytes_of_run) = (terms.div_ceil(run), COLUMNS * run * size_of::<T>());
    let fit = (bytes.min(MOST_CACHE) / 5 * 3 / bytes_of_run).max(1);
    let depth = run * runs.div_ceil(runs.div_ceil(fit));
    in_rectangles(of, c, move |part| {
        scratch::with(COLUMNS * depth, |memory| {
            // SAFETY: the kernel only packs into it.
            let memory = unsafe { uninit(memory) };
            dispatch(Streamed { part, run, depth, memory });
        });
    });
}

struct Streamed<'a, T> {
    part: &'a Rectangle<'a, T>,
    /// Terms of a run.
    run: usize,
    /// Terms whose columns are packed at once.
    depth: usize,
    memory: &'a mut [MaybeUninit<T>],
}

impl<T: Scalar> Kernel for Streamed<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        // The registers must hold a tile of sums, a row of B and an element of A.
        if I::REGISTERS == 32 { self.blocks::<I, 8, 3>() } else { self.blocks::<I, 6, 2>() }
    }
}

impl<T: Scalar> Streamed<'_, T> {
    /// Computes the rectangle in tiles of `R` rows and `V` vectors.
    #[inline(always)]
    fn blocks<I: Isa, const R: usize, const V: usize>(mut self) {
        let (count, terms, columns) =
            (I::Lanes::<T>::COUNT, self.part.of.a.cols, &self.part.columns);
        // Blocks of nearly equal width, in whole vectors.
        let blocks = columns.len().div_ceil(COLUMNS);
        let width = columns.len().div_ceil(blocks).next_multiple_of(count);
        for first in (0..terms).step_by(self.depth) {
            let terms = first..terms.min(first + self.depth);
            for left in columns.clone().step_by(width) {
                let block = left..columns.end.min(left + width);
                let next = match block.end < columns.end {
                    true => (first, block.end),
                    false => (terms.end, columns.start),
                };
                self.block::<I, R, V>(terms.clone(), block, next);
            }
        }
    }

    /// Multiplies all rows by a block of B. `next` is the row and the column of B where the next one begins.
    #[inline(always)]
    fn block<I: Isa, const R: usize, const V: usize>(
        &mut self,
        terms: Range<usize>,
        block: Range<usize>,
        next: (usize, usize),
    ) {
        let Rectangle { of: &Product { a, b, .. }, ref rows, .. } = *self.part;
        let (run, depth, count) = (self.run, terms.len(), I::Lanes::<T>::COUNT);
        // Panels of nearly equal width, because a tile of one vector waits for its loads.
        let panels = block.len().div_ceil(V * count);
        let panel = |i| {
            let panel = parallel::range(block.len(), count, panels, i);
            block.start + panel.start..block.start + panel.end
        };
        for panel in (0..panels).map(panel) {
            let width = panel.len().next_multiple_of(count);
            let to = &mut self.memory[(panel.start - block.start) * depth..][..width * depth];
            pack::<I, T>(b, terms.clone(), panel, width, to);
        }
        // Tiles fetch what comes next, a cache line of each row or column at a time: the next rows of A, and
        // the next block of B, of which each tile has some columns.
        let next = b.data.as_ptr().wrapping_add(next.0 + next.1 * b.col_stride);
        let share = block.len().div_ceil(rows.len().div_ceil(R) * panels);
        let mut tiles = 0;
        for i in rows.clone().step_by(R) {
            let height = R.min(rows.end - i);
            // A tile at the lower edge computes its last row several times, and writes it once.
            let x: [*const T; R] = std::array::from_fn(|r| {
                a.from(i + r.min(height - 1), terms.start)[..depth].as_ptr()
            });
            for (at, panel) in (0..panels).map(panel).enumerate() {
                let vectors = panel.len().div_ceil(count);
                let packed = self.memory[(panel.start - block.start) * depth..].as_ptr().cast();
                let place = self.part.place(i, height, panel, terms.start == 0);
                place.prefetch();
                let columns = tiles * share..block.len().min((tiles + 1) * share);
                let ahead = |p| {
                    for column in columns.clone() {
                        prefetch(next.wrapping_add(column * b.col_stride + p), 1);
                    }
                    if p / LINE % panels == at {
                        for x in x {
                            prefetch(x.wrapping_add(R * a.row_stride + p), 1);
                        }
                    }
                };
                // SAFETY: the rows of A have `depth` elements, and the loop above packed as many rows of
                // this panel. No other piece has this rectangle of C.
                unsafe {
                    match vectors {
                        1 => tile::<I, T, R, 1>(depth, run, x, packed, place, ahead),
                        2 => tile::<I, T, R, 2>(depth, run, x, packed, place, ahead),
                        _ => tile::<I, T, R, V>(depth, run, x, packed, place, ahead),
                    }
                }
                tiles += 1;
            }
        }
    }
}

/// `depth` terms of the rows `x` times a packed panel, in runs of `run` terms. Calls `ahead(p)` before every [`LINE`] terms.
///
/// # Safety
/// `I` must be what [`dispatch`] chose. The rows must be readable for `depth` elements, and `b` for as many
/// rows of V vectors. The place must lie in C, and nobody else may use it.
#[inline(always)]
unsafe fn tile<I: Isa, T: Scalar, const R: usize, const V: usize>(
    depth: usize,
    run: usize,
    x: [*const T; R],
    b: *const T,
    mut place: Place<T>,
    ahead: impl Fn(usize),
) {
    let stride = V * I::Lanes::<T>::COUNT;
    for first in (0..depth).step_by(run) {
        let end = depth.min(first + run);
        // SAFETY: the caller's promise, here and below.
        let mut tile = unsafe { Tile::<I, T, R, V>::zero() };
        for p in (first..end).step_by(LINE) {
            ahead(p);
            // SAFETY: as above.
            unsafe { tile.add(p..end.min(p + LINE), |r, p| x[r].add(p), b, stride) };
        }
        // SAFETY: as above.
        unsafe { tile.write(place) };
        place = place.again();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gemm::{Mat, Start, values};

    #[test]
    fn the_size_of_the_cache_changes_no_bit() {
        for (m, k, n) in [(33, 784, 200), (9, 2500, 100), (5, 16, 30), (12, 4001, 20)] {
            let (x, w) = (values(m * k, 7), values(n * k, 5));
            let (a, b) = (&Mat::new(&x, m, k), &Mat::new(&w, n, k).t());
            let product = |bytes| {
                let mut c = vec![0.0; m * n];
                in_cache(bytes, &Product { a, b, start: Start::Zero, epilogue: None }, &mut c);
                c.iter().map(|c| c.to_bits()).collect::<Vec<_>>()
            };
            let usual = product(1 << 20);
            for bytes in [0, 256 << 10, 512 << 10, 2 << 20, 4 << 20, usize::MAX] {
                assert!(product(bytes) == usual, "{m}×{k}×{n}, {bytes} bytes");
            }
        }
    }
}
