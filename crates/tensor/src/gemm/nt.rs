//! The dot-product kernel (NT) for operands that are both contiguous along the sums, as in `X·Wᵀ`.
//! Nothing is packed.
//!
//! A vector holds neighbouring terms of one sum, so B need not be transposed. Each sum ends with a sum
//! across its vector, which only long sums repay. A is read again for every few columns of C, so it is
//! taken in blocks that fit the second cache.

use std::ops::Range;

use super::long_sums::{Leaf, Leaves, MOST_WAITING};
use super::rectangle::{Rectangle, split};
use super::{BYTES_PER_NANO, BYTES_PER_NANO_CACHED, Product, Start};
use crate::lanes::{Lanes, prefetch};
use crate::simd::{Isa, Kernel, dispatch};
use crate::split::{GRAIN, Split};
use crate::{Scalar, cache};

/// Columns of C whose sums across vectors are computed together.
const GROUP: usize = 4;
/// More rows read a group of columns so often that it does not count how it came from the second cache.
const FEW: usize = 8;
/// Bytes of the first cache.
const FIRST_CACHE: usize = 1 << 15;
/// How far ahead one row fetches columns that are not in the second cache: the CPU's prefetcher stops at the end
/// of a page of memory.
const DISTANCE: usize = 4096;
// A thread's piece must not begin inside a group: the bits of a result would depend on the threads.
const _: () = assert!(GRAIN.is_multiple_of(GROUP) && GRAIN.is_multiple_of(4));

/// `C = A·B`, where the rows of A and the columns of B are contiguous. The sums of one row are trees if they
/// have more than `longest` terms.
pub(super) fn nt<T: Scalar>(longest: usize, of: &Product<'_, T>, c: &mut [T]) {
    let k = of.a.cols;
    debug_assert!(k == 1 || (of.a.col_stride == 1 && of.b.row_stride == 1));
    if k <= longest {
        return with_leaves(&[], of, c);
    }
    with_leaves(Leaves::of(k, longest).list(), of, c);
}

fn with_leaves<T: Scalar>(leaves: &[Leaf], of: &Product<'_, T>, c: &mut [T]) {
    let (m, k, n) = (of.a.rows, of.a.cols, of.b.cols);
    let bytes = n * k * size_of::<T>();
    let cached = bytes <= 2 * cache::second();
    let nanos = of.nanos().max(bytes / if cached { BYTES_PER_NANO_CACHED } else { BYTES_PER_NANO });
    // Few rows read mainly B, which no kernel has left in a core's cache.
    let elements = (n * k).max(m * k);
    let parts = match m {
        ..=FEW => Split::for_one(m, n, elements, nanos),
        _ => Split::new(m, n, elements, nanos),
    };
    split(parts, of, c, move |part| Nt::new(part, cached, leaves).compute());
}

/// How many rows of A, of this many bytes each, are multiplied by all columns before the next rows. They
/// fill half of the second cache.
#[inline]
fn height_of_blocks(rows: usize, bytes: usize) -> usize {
    // Most products are small: they need no division.
    if rows.saturating_mul(bytes) <= 1 << 17 {
        rows
    } else {
        (cache::second() / 2 / bytes).max(GRAIN)
    }
}

/// A rectangle of C. What each block reads is copied out of it, since it would be read again after each write
/// to C.
struct Nt<'a, T> {
    /// The rows of A, and how far apart they are.
    a: (&'a [T], usize),
    /// The columns of B, likewise.
    b: (&'a [T], usize),
    k: usize,
    rows: Range<usize>,
    columns: Range<usize>,
    /// How many rows C has.
    all_rows: usize,
    /// Whether the second cache holds most of B.
    cached: bool,
    /// The leaves of the tree of a row's sums; none if the sums are short.
    leaves: &'a [Leaf],
    start: Start<'a, T>,
    /// The start of C, and its row stride.
    c: (*mut T, usize),
}

impl<T: Scalar> Kernel for &Nt<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let (first, last) = (self.columns.start, self.columns.end);
        let groups = (last - first) / GROUP;
        let far = self.all_rows <= FEW && self.cached && self.far();
        let (next, step) = if far { (1, groups) } else { (GROUP, 1) };
        let height = height_of_blocks(self.rows.len(), self.k * size_of::<T>());
        let mut top = self.rows.start;
        while top < self.rows.end {
            let rows = top..self.rows.end.min(top + height);
            for i in 0..groups {
                self.rows::<I, GROUP>(rows.clone(), first + i * next, step);
            }
            for j in first + groups * GROUP..last {
                self.rows::<I, 1>(rows.clone(), j, 1);
            }
            top = rows.end;
        }
    }
}

/// One sample. The loops for several would take longer than its sums.
struct OneRow<'a, T>(&'a Nt<'a, T>);

impl<T: Scalar> Kernel for OneRow<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let Self(nt) = self;
        let (first, last, short) = (nt.columns.start, nt.columns.end, nt.leaves.is_empty());
        let groups = (last - first) / GROUP;
        let mut j = first;
        if !short || nt.far() {
            while j < first + groups {
                match (short, nt.cached) {
                    (true, true) => nt.block::<I, 1, GROUP, 2, false>(0, j, groups),
                    (true, false) => nt.block::<I, 1, GROUP, 2, true>(0, j, groups),
                    (false, true) => nt.tree::<I, GROUP, false>(j, groups),
                    (false, false) => nt.tree::<I, GROUP, true>(j, groups),
                }
                j += 1;
            }
            j = first + groups * GROUP;
        }
        while j + GROUP <= last {
            nt.block::<I, 1, GROUP, 2, false>(0, j, 1);
            j += GROUP;
        }
        while j < last {
            if short {
                nt.block::<I, 1, 1, 2, false>(0, j, 1);
            } else {
                nt.tree::<I, 1, false>(j, 1);
            }
            j += 1;
        }
    }
}

impl<'a, T: Scalar> Nt<'a, T> {
    #[inline]
    fn new(part: &Rectangle<'a, T>, cached: bool, leaves: &'a [Leaf]) -> Self {
        let (Rectangle { rows, columns, .. }, Product { a, b, start, .. }) = (part, part.of);
        Self {
            a: (a.data, a.row_stride),
            b: (b.data, b.col_stride),
            k: a.cols,
            rows: rows.clone(),
            columns: columns.clone(),
            all_rows: a.rows,
            cached,
            leaves,
            start: *start,
            c: (part.c, b.cols),
        }
    }

    /// Passes references: a copy of what was just written in parts would wait for it.
    #[inline]
    fn compute(&self) {
        if self.all_rows == 1 { dispatch(OneRow(self)) } else { dispatch(self) }
    }

    /// Whether groups of columns that are far apart come faster than neighbours. Each column is followed by the
    /// next one in memory, so that the CPU's prefetcher never stops. The first cache needs none.
    #[inline(always)]
    fn far(&self) -> bool {
        self.columns.len() * self.k * size_of::<T>() > FIRST_CACHE
    }

    /// `N` columns of C from column `j` on, `step` apart. Takes as many rows at once as the registers can sum.
    ///
    /// A sum has one vector of partial sums, whatever the block; but the last row of an odd number of
    /// rows has two, since a lone row would wait for its own additions. So the pieces change no bit.
    #[inline(always)]
    fn rows<I: Isa, const N: usize>(&self, rows: Range<usize>, j: usize, step: usize) {
        let lone = rows.end == self.all_rows && !self.all_rows.is_multiple_of(2);
        let end = rows.end - usize::from(lone);
        // Not an iterator over rows, which divides by their length.
        let mut i = rows.start;
        while i + 4 <= end && I::REGISTERS == 32 {
            self.block::<I, 4, N, 1, false>(i, j, step);
            i += 4;
        }
        // Three rows by four columns are twelve sums: with three vectors of A and one of B, 16 registers.
        while i + 3 <= end && end - i != 4 && I::REGISTERS < 32 {
            self.block::<I, 3, N, 1, false>(i, j, step);
            i += 3;
        }
        while i + 2 <= end {
            self.block::<I, 2, N, 1, false>(i, j, step);
            i += 2;
        }
        if i < end {
            self.block::<I, 1, N, 1, false>(i, j, step);
        }
        if lone {
            self.block::<I, 1, N, 2, false>(end, j, step);
        }
    }

    /// `M` rows and `N` columns of C. The columns are `step` apart.
    #[inline(always)]
    fn block<I: Isa, const M: usize, const N: usize, const S: usize, const AHEAD: bool>(
        &self,
        i: usize,
        j: usize,
        step: usize,
    ) {
        let sums = self.sums::<I, M, N, S, AHEAD>(i, j, step, 0..self.k);
        for (r, sums) in sums.into_iter().enumerate() {
            let sums = self.plus_start(i + r, j, step, across::<I, T, N>(sums));
            self.write(i + r, j, step, sums);
        }
    }

    /// `N` columns of a lone row, whose sums are trees.
    #[inline(always)]
    fn tree<I: Isa, const N: usize, const AHEAD: bool>(&self, j: usize, step: usize) {
        // The sums that wait for their other halves.
        let (mut halves, mut count, mut from) = ([[T::ZERO; N]; MOST_WAITING], 0, 0);
        for &Leaf { to, ends } in self.leaves {
            let [sums] = self.sums::<I, 1, N, 2, AHEAD>(0, j, step, from..to);
            let mut sums = across::<I, T, N>(sums);
            if from == 0 {
                sums = self.plus_start(0, j, step, sums);
            }
            for half in halves[count - ends..count].iter().rev() {
                for (sum, &half) in sums.iter_mut().zip(half) {
                    *sum = half + *sum;
                }
            }
            count -= ends;
            halves[count] = sums;
            (count, from) = (count + 1, to);
        }
        self.write(0, j, step, halves[0]);
    }

    /// Adds what C begins with.
    #[inline(always)]
    fn plus_start<const N: usize>(&self, i: usize, j: usize, step: usize, sums: [T; N]) -> [T; N] {
        let (mut all, at) = (sums, i * self.c.1 + j);
        for (v, sum) in all.iter_mut().enumerate() {
            // SAFETY: the columns are inside C. What every row begins with has as many elements as C has columns.
            unsafe {
                match self.start {
                    Start::Zero => {}
                    Start::C => *sum = *self.c.0.add(at + v * step) + *sum,
                    Start::Row(bias) => *sum = *bias.as_ptr().add(j + v * step) + *sum,
                }
            }
        }
        all
    }

    #[inline(always)]
    fn write<const N: usize>(&self, i: usize, j: usize, step: usize, sums: [T; N]) {
        for (v, sum) in sums.into_iter().enumerate() {
            // SAFETY: the row and the columns are inside C, and no other piece has this rectangle.
            unsafe { *self.c.0.add(i * self.c.1 + j + v * step) = sum };
        }
    }

    /// Some terms of the sums of `M` rows and `N` columns. Each sum is held in `S` vectors of partial sums.
    /// `AHEAD` fetches what comes next.
    #[inline(always)]
    fn sums<I: Isa, const M: usize, const N: usize, const S: usize, const AHEAD: bool>(
        &self,
        i: usize,
        j: usize,
        step: usize,
        terms: Range<usize>,
    ) -> [[I::Lanes<T>; N]; M] {
        let (k, count) = (terms.len(), I::Lanes::<T>::COUNT);
        let (first_x, first_w) = (i * self.a.1 + terms.start, j * self.b.1 + terms.start);
        // The last row and the last column are inside, so all others are.
        let (last_x, last_w) = (first_x + (M - 1) * self.a.1, first_w + (N - 1) * step * self.b.1);
        assert!(last_x + k <= self.a.0.len() && last_w + k <= self.b.0.len());
        // Not `from_fn`, which might not be inlined.
        let (mut x, mut w) = ([self.a.0.as_ptr(); M], [self.b.0.as_ptr(); N]);
        for (r, x) in x.iter_mut().enumerate() {
            *x = x.wrapping_add(first_x + r * self.a.1);
        }
        for (c, w) in w.iter_mut().enumerate() {
            *w = w.wrapping_add(first_w + c * step * self.b.1);
        }
        // SAFETY: `I` is what `dispatch` chose, here and below.
        let mut sums = unsafe { [[[I::Lanes::<T>::splat(T::ZERO); N]; M]; S] };
        let mut p = 0;
        // Whole vectors apart from the rest: a branch at every load would spill the sums.
        while p + S * count <= k {
            if AHEAD {
                for w in w {
                    prefetch(w.wrapping_add(p + DISTANCE / size_of::<T>()), S * count);
                }
            }
            for sums in &mut sums {
                // SAFETY: p + count ≤ k, the length of all rows.
                unsafe { add_products::<I, T, M, N, true>(sums, x, w, p, count) };
                p += count;
            }
        }
        // Not a loop over the sets of sums, which would keep them in memory.
        const { assert!(S <= 2) };
        let len = (k - p).min(count);
        if len > 0 {
            // SAFETY: p + len ≤ k, the length of all rows.
            unsafe { add_products::<I, T, M, N, false>(&mut sums[0], x, w, p, len) };
            p += len;
        }
        if S == 2 && p < k {
            // SAFETY: as above; less than a vector is left.
            unsafe { add_products::<I, T, M, N, false>(&mut sums[S - 1], x, w, p, k - p) };
        }
        let mut all = sums[0];
        for more in &sums[1..] {
            for (sum, &more) in all.as_flattened_mut().iter_mut().zip(more.as_flattened()) {
                // SAFETY: as above.
                *sum = unsafe { sum.add(more) };
            }
        }
        all
    }
}

/// Adds the products of `len` terms of M rows and N columns, from term `p` on. `WHOLE` says that they
/// are a vector.
///
/// # Safety
/// `I` must be what [`dispatch`] chose, and all rows and columns must be readable up to term `p + len`.
#[inline(always)]
unsafe fn add_products<I: Isa, T: Scalar, const M: usize, const N: usize, const WHOLE: bool>(
    sums: &mut [[I::Lanes<T>; N]; M],
    x: [*const T; M],
    w: [*const T; N],
    p: usize,
    len: usize,
) {
    // SAFETY: the caller's promise.
    let x: [I::Lanes<T>; M] = std::array::from_fn(|r| unsafe { load::<I, T, WHOLE>(x[r], p, len) });
    for (c, w) in w.into_iter().enumerate() {
        // SAFETY: the caller's promise, here and below.
        let w = unsafe { load::<I, T, WHOLE>(w, p, len) };
        for (sums, x) in sums.iter_mut().zip(x) {
            // SAFETY: as above.
            sums[c] = unsafe { x.mul_add(w, sums[c]) };
        }
    }
}

/// # Safety
/// As [`add_products`].
#[inline(always)]
unsafe fn load<I: Isa, T: Scalar, const WHOLE: bool>(
    x: *const T,
    p: usize,
    len: usize,
) -> I::Lanes<T> {
    // SAFETY: the caller's promise.
    unsafe { if WHOLE { Lanes::load(x.add(p)) } else { Lanes::load_first(x.add(p), len) } }
}

/// The sum across each vector.
#[inline(always)]
fn across<I: Isa, T: Scalar, const N: usize>(sums: [I::Lanes<T>; N]) -> [T; N] {
    if N == GROUP {
        // SAFETY: `I` is what `dispatch` chose, here and below.
        let four = unsafe { Lanes::sums(std::array::from_fn(|c| sums[c])) };
        return std::array::from_fn(|c| four[c]);
    }
    // Not a closure, which might not be inlined and then lack the vector instructions of its kernel.
    let mut each = [T::ZERO; N];
    for (each, sum) in each.iter_mut().zip(sums) {
        // SAFETY: as above.
        *each = unsafe { sum.sum() };
    }
    each
}

#[cfg(test)]
mod tests {
    use super::super::long_sums::{first_half, is_one_tree};
    use super::*;
    use crate::gemm::{Mat, Start, values};

    fn product(x: &[f32], w: &[f32], n: usize, start: Start<'_, f32>, c: &mut [f32]) {
        let k = x.len();
        let (a, b) = (&Mat::new(x, 1, k), &Mat::new(w, n, k).t());
        nt(100, &Product { a, b, start, epilogue: None }, c);
    }

    /// The sum of both halves, each computed in this way.
    fn by_hand(x: &[f32], w: &[f32], n: usize, start: Start<'_, f32>, c: &mut [f32]) {
        let k = x.len();
        if k <= 100 {
            return product(x, w, n, start, c);
        }
        let half = first_half(k, 100);
        let columns = |terms: Range<usize>| -> Vec<f32> {
            w.chunks(k).flat_map(|w| w[terms.clone()].to_vec()).collect()
        };
        by_hand(&x[..half], &columns(0..half), n, start, c);
        let mut rest = vec![0.0; n];
        by_hand(&x[half..], &columns(half..k), n, Start::Zero, &mut rest);
        c.iter_mut().zip(rest).for_each(|(c, rest)| *c += rest);
    }

    #[test]
    fn a_tree_in_one_go_has_the_bits_of_its_halves() {
        let n = 11;
        for k in [100, 101, 199, 200, 201, 350, 400, 401, 555, 800, 1000, 1600] {
            assert!(is_one_tree(1, k, 100));
            let (x, w, bias) = (values(k, 7), values(n * k, 5), values(n, 3));
            for start in [Start::Zero, Start::C, Start::Row(&bias)] {
                let (mut at_once, mut halves) = (values(n, 11), values(n, 11));
                product(&x, &w, n, start, &mut at_once);
                by_hand(&x, &w, n, start, &mut halves);
                assert!(
                    at_once.iter().zip(&halves).all(|(a, b)| a.to_bits() == b.to_bits()),
                    "{k}"
                );
            }
        }
    }
}
