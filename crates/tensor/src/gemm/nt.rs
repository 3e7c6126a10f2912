//! The dot-product kernel (NT) for operands that are both contiguous along the sums, as in `X·Wᵀ`.
//! Nothing is packed.
//!
//! A vector holds neighbouring terms of one sum, so B need not be transposed. Each sum ends with a sum
//! across its vector, which only long sums repay. A is read again for every few columns of C, so it is
//! taken in blocks that fit the second cache.

use std::ops::Range;

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
// A thread's piece must not begin inside a group: the bits of a result would depend on the threads.
const _: () = assert!(GRAIN.is_multiple_of(GROUP) && GRAIN.is_multiple_of(4));

/// `C = A·B`, where the rows of A and the columns of B are contiguous.
pub(super) fn nt<T: Scalar>(of: &Product<'_, T>, c: &mut [T]) {
    let (m, k, n) = (of.a.rows, of.a.cols, of.b.cols);
    debug_assert!(k == 1 || (of.a.col_stride == 1 && of.b.row_stride == 1));
    let bytes = n * k * size_of::<T>();
    let beyond_cache = bytes > 2 * cache::second();
    let rate = if beyond_cache { BYTES_PER_NANO } else { BYTES_PER_NANO_CACHED };
    let nanos = of.nanos().max(bytes / rate);
    // Few rows read B and do little else: nothing that another kernel has left in a core's cache.
    let elements = (n * k).max(m * k);
    let parts = match m {
        ..=FEW => Split::for_one(m, n, elements, nanos),
        _ => Split::new(m, n, elements, nanos),
    };
    split(parts, of, c, |part| Nt::new(part, beyond_cache).compute());
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
    /// Whether most of B is not in the second cache.
    beyond_cache: bool,
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
        let far = self.all_rows <= FEW && self.far();
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
        let (first, last, far) = (nt.columns.start, nt.columns.end, nt.far());
        let groups = (last - first) / GROUP;
        let mut j = first;
        if far {
            while j < first + groups {
                nt.block::<I, 1, GROUP, 2, false>(0, j, groups);
                j += 1;
            }
            j = first + groups * GROUP;
        }
        while j + GROUP <= last {
            match nt.beyond_cache {
                true => nt.block::<I, 1, GROUP, 2, true>(0, j, 1),
                false => nt.block::<I, 1, GROUP, 2, false>(0, j, 1),
            }
            j += GROUP;
        }
        while j < last {
            nt.block::<I, 1, 1, 2, false>(0, j, 1);
            j += 1;
        }
    }
}

impl<'a, T: Scalar> Nt<'a, T> {
    #[inline]
    fn new(part: &Rectangle<'a, T>, beyond_cache: bool) -> Self {
        let (Rectangle { rows, columns, .. }, Product { a, b, start, .. }) = (part, part.of);
        Self {
            a: (a.data, a.row_stride),
            b: (b.data, b.col_stride),
            k: a.cols,
            rows: rows.clone(),
            columns: columns.clone(),
            all_rows: a.rows,
            beyond_cache,
            start: *start,
            c: (part.c, b.cols),
        }
    }

    /// Passes references: a copy of what was just written in parts would wait for it.
    #[inline]
    fn compute(&self) {
        if self.all_rows == 1 { dispatch(OneRow(self)) } else { dispatch(self) }
    }

    /// Whether the second cache holds the columns. Then groups of columns that are far apart come faster than
    /// neighbours: each column is followed by the next one in memory, so that the CPU's prefetcher never stops.
    #[inline(always)]
    fn far(&self) -> bool {
        self.columns.len() * self.k * size_of::<T>() > FIRST_CACHE && !self.beyond_cache
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

    /// `M` rows and `N` columns of C. The columns are `step` apart. Each sum is held in `S` vectors of partial
    /// sums. `AHEAD` fetches the next `N` columns of B, since the CPU does not see beyond the end of one.
    #[inline(always)]
    fn block<I: Isa, const M: usize, const N: usize, const S: usize, const AHEAD: bool>(
        &self,
        i: usize,
        j: usize,
        step: usize,
    ) {
        let (k, count) = (self.k, I::Lanes::<T>::COUNT);
        // The last row and the last column are inside, so all others are.
        let (last_x, last_w) = ((i + M - 1) * self.a.1 + k, (j + (N - 1) * step) * self.b.1 + k);
        assert!(last_x <= self.a.0.len() && last_w <= self.b.0.len());
        // Not `from_fn`, which might not be inlined.
        let (mut x, mut w) = ([self.a.0.as_ptr(); M], [self.b.0.as_ptr(); N]);
        for (r, x) in x.iter_mut().enumerate() {
            *x = x.wrapping_add((i + r) * self.a.1);
        }
        for (c, w) in w.iter_mut().enumerate() {
            *w = w.wrapping_add((j + c * step) * self.b.1);
        }
        // SAFETY: `I` is what `dispatch` chose, here and below.
        let mut sums = unsafe { [[[I::Lanes::<T>::splat(T::ZERO); N]; M]; S] };
        let mut p = 0;
        // Whole vectors apart from the rest: a branch at every load would spill the sums.
        while p + S * count <= k {
            if AHEAD {
                for w in w {
                    prefetch(w.wrapping_add(N * self.b.1 + p), S * count);
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
        for r in 0..M {
            let mut row = sums[0][r];
            for more in &sums[1..] {
                for (sum, &more) in row.iter_mut().zip(&more[r]) {
                    // SAFETY: as above.
                    *sum = unsafe { sum.add(more) };
                }
            }
            let at = (i + r) * self.c.1 + j;
            for (v, value) in across::<I, T, N>(row).into_iter().enumerate() {
                // SAFETY: the rows and columns are inside C, and no other piece has this rectangle. What every
                // row begins with has as many elements as C has columns.
                unsafe {
                    let c = self.c.0.add(at + v * step);
                    *c = match self.start {
                        Start::Zero => value,
                        Start::C => *c + value,
                        Start::Row(bias) => *bias.as_ptr().add(j + v * step) + value,
                    };
                }
            }
        }
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
