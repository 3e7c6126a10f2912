//! Large products: A and B are packed, C is computed in register tiles.
//!
//! A block of A has some hundred rows and columns. It is packed once and stays in the second cache
//! while all panels of B are multiplied by it. A panel of B is read in place if its rows are whole
//! vectors. Else it is packed first.

use std::mem::MaybeUninit;
use std::ops::Range;

use super::pack::{pack, uninit, vectors_of};
use super::rectangle::{Rectangle, in_rectangles};
use super::tile::tile;
use super::{Mat, Product};
use crate::lanes::{Lanes, prefetch};
use crate::simd::{Isa, Kernel, dispatch};
use crate::{Scalar, scratch};

/// Terms of a sum that are added at once, so that what a tile reads stays in the first two caches.
const DEPTH: usize = 256;
/// Rows of A that are packed together. With DEPTH columns they fill half of a second cache of 1 MiB.
const ROWS: usize = 480;
/// Panels of B that are prefetched together where each of its rows lies in another page of memory. One
/// panel's share of a row is a cache line or two, and memory gives longer runs sooner.
const STRIP: usize = 4;
/// Bytes of a page of memory.
const PAGE: usize = 4096;
/// The most rows of a register tile.
const MAX_HEIGHT: usize = 8;
/// The widest row of a register tile: three AVX-512 vectors of `f32`.
const MAX_WIDTH: usize = 48;

pub(super) fn packed<T: Scalar>(of: &Product<'_, T>, c: &mut [T]) {
    in_rectangles(of, c, |part| {
        scratch::with((ROWS + MAX_HEIGHT + MAX_WIDTH) * DEPTH, |memory| {
            // SAFETY: the kernel only packs into it.
            let memory = unsafe { uninit(memory) };
            dispatch(Packed { part, memory });
        });
    });
}

struct Packed<'a, T> {
    part: &'a Rectangle<'a, T>,
    memory: &'a mut [MaybeUninit<T>],
}

impl<T: Scalar> Kernel for Packed<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        // The registers must hold a tile of sums, a row of B and an element of A.
        if I::REGISTERS == 32 { self.blocks::<I, 8, 3>() } else { self.blocks::<I, 6, 2>() }
    }
}

impl<T: Scalar> Packed<'_, T> {
    /// Computes the rectangle in tiles of `R` rows and `V` vectors.
    #[inline(always)]
    fn blocks<I: Isa, const R: usize, const V: usize>(self) {
        let Rectangle { of: &Product { a, b, .. }, ref rows, ref columns, .. } = *self.part;
        let (a_memory, b_memory) = self.memory.split_at_mut((ROWS + MAX_HEIGHT) * DEPTH);
        // Blocks of nearly equal height.
        let height = rows.len().div_ceil(rows.len().div_ceil(ROWS)).next_multiple_of(R);
        let width = V * I::Lanes::<T>::COUNT;
        let strip =
            if b.col_stride == 1 && b.row_stride * size_of::<T>() >= PAGE { STRIP } else { 1 };
        for first in (0..a.cols).step_by(DEPTH) {
            let terms = first..a.cols.min(first + DEPTH);
            for top in rows.clone().step_by(height) {
                let block = top..rows.end.min(top + height);
                let panels = || block.clone().step_by(R).map(|i| i..block.end.min(i + R));
                for (rows, to) in panels().zip(a_memory.chunks_exact_mut(R * terms.len())) {
                    pack::<I, T>(&a.t(), terms.clone(), rows, R, to);
                }
                let tiles = block.len().div_ceil(R);
                for (at, left) in columns.clone().step_by(width).enumerate() {
                    let panel = left..columns.end.min(left + width);
                    // The first of the panels that are prefetched together, and what they are followed by.
                    let of_strip = at % strip;
                    let strip_end = columns.end.min(left + (strip - of_strip) * width);
                    let next = strip_end..columns.end.min(strip_end + strip * width);
                    let vectors = panel.len().div_ceil(I::Lanes::<T>::COUNT);
                    let whole = vectors * I::Lanes::<T>::COUNT;
                    let (b_panel, b_stride) =
                        vectors_of::<I, T>(b, terms.clone(), panel.clone(), whole, false, b_memory);
                    let runs = if b.col_stride == 1 { terms.len() } else { next.len() };
                    let share = runs.div_ceil(tiles * strip);
                    for (i, rows) in panels().enumerate() {
                        let first_run = (of_strip * tiles + i) * share;
                        prefetch_runs(b, terms.clone(), next.clone(), first_run, share);
                        let place =
                            self.part.place(rows.start, rows.len(), panel.clone(), first == 0);
                        place.prefetch();
                        let a = a_memory[i * R * terms.len()..].as_ptr().cast::<T>();
                        let depth = terms.len();
                        // SAFETY: the loop above packed R rows by `depth` columns of A. `vectors_of`
                        // returned the panel. No other piece has this rectangle of C.
                        unsafe {
                            let a = |r, p| a.add(p * R + r);
                            match vectors {
                                1 => tile::<I, T, R, 1>(depth, a, b_panel, b_stride, place),
                                2 => tile::<I, T, R, 2>(depth, a, b_panel, b_stride, place),
                                _ => tile::<I, T, R, V>(depth, a, b_panel, b_stride, place),
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Prefetches `count` runs of the next panels of B, from the `first`-th on.
///
/// Otherwise its packing, or its first tile, would wait for memory at every cache line.
#[inline(always)]
fn prefetch_runs<T: Scalar>(
    b: &Mat<'_, T>,
    terms: Range<usize>,
    columns: Range<usize>,
    first: usize,
    count: usize,
) {
    let (adjacent, others, stride) = if b.col_stride == 1 {
        (columns, terms, b.row_stride)
    } else {
        (terms, columns, b.col_stride)
    };
    let start = b.data.as_ptr().wrapping_add(adjacent.start + others.start * stride);
    for run in first..others.len().min(first + count) {
        prefetch::<T>(start.wrapping_add(run * stride), adjacent.len());
    }
}
