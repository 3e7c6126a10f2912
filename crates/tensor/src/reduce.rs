//! Reductions over all elements, over rows and over columns: sums, softmax, argmax.
//!
//! The shape alone fixes the order of every sum. The number of threads does not.

use std::ops::Range;

use crate::lanes::Lanes;
use crate::once::once;
use crate::simd::{Isa, Kernel, dispatch};
use crate::split::Split;
use crate::{Scalar, Write, parallel};

const LANES: usize = 16;
/// Elements that are summed in plain order. The sums of such blocks are added as a tree.
const BLOCK: usize = 1024;

/// Rows that are summed in plain order. The sums of such blocks are added as a tree.
const ROWS: usize = 512;

/// Levels of that tree: for 2²⁰ blocks.
const LEVELS: usize = 21;

/// The most columns that are summed at once: four vectors of AVX-512.
const COLUMNS: usize = 64;

once! {
    /// The sum of all elements, as a tree over blocks: the error grows with the logarithm of the length.
    ///
    /// # Example
    /// ```
    /// let ones = vec![1.0f32; 1 << 25];                    // a plain loop would stop at 2²⁴
    /// assert_eq!(fanin_tensor::reduce::sum(&ones), (1 << 25) as f32);
    /// ```
    pub fn sum(x: &[T]) -> T = sum_generic;

    /// `Σ x_i y_i`, summed like [`sum`].
    ///
    /// # Panics
    /// **Panics** if the slices differ in length.
    ///
    /// # Example
    /// ```
    /// assert_eq!(fanin_tensor::reduce::dot(&[1.0f32, 2.0], &[3.0, 4.0]), 11.0);
    /// ```
    pub fn dot(x: &[T], y: &[T]) -> T = dot_generic;

    /// The sum of the rows of a matrix: `y_j = Σ_i x_ij`, set or added. From 512 rows on the sums are trees
    /// over blocks of rows.
    ///
    /// # Shapes
    /// x `(rows, cols)`, y `(cols)`.
    ///
    /// # Panics
    /// **Panics** if `x` is not a whole number of rows of `y.len()` elements.
    ///
    /// # Example
    /// ```
    /// let mut y = [0.0f32; 2];
    /// fanin_tensor::reduce::sum_rows(&[1.0, 2.0, 3.0, 4.0], fanin_tensor::Write::Set, &mut y);
    /// assert_eq!(y, [4.0, 6.0]);
    /// ```
    pub fn sum_rows(x: &[T], write: Write, y: &mut [T]) = sum_rows_generic;

    /// The sum of each row of a matrix: `y_i = Σ_j x_ij`, each summed like [`sum`].
    ///
    /// # Shapes
    /// x `(rows, cols)`, y `(rows)`.
    ///
    /// # Panics
    /// **Panics** unless `x` has `y.len()` rows of `cols` elements.
    ///
    /// # Example
    /// ```
    /// let mut y = [0.0f32; 2];
    /// fanin_tensor::reduce::sum_cols(&[1.0, 2.0, 3.0, 4.0], 2, &mut y);
    /// assert_eq!(y, [3.0, 7.0]);
    /// ```
    pub fn sum_cols(x: &[T], cols: usize, y: &mut [T]) = sum_cols_generic;

    /// The softmax p of each row, and what its logarithm needs: the largest element m of the row and
    /// `log Σ_j e^(x_j − m)`.
    ///
    /// The logarithm of a row is `x − m − log_sum`. The two terms are not added here, because a large m
    /// would take digits from the other: near 1000, neighbouring `f32` are 6e-5 apart.
    ///
    /// # Shapes
    /// x and p `(rows, cols)`, top and log_sum `(rows)`.
    ///
    /// # Panics
    /// **Panics** if the lengths do not fit.
    ///
    /// # Example
    /// ```
    /// let (mut p, mut top, mut log_sum) = ([0.0f32; 2], [0.0], [0.0]);
    /// fanin_tensor::reduce::softmax(&[1000.0, 1000.0], 2, &mut p, &mut top, &mut log_sum);
    /// assert_eq!((p, top, log_sum), ([0.5, 0.5], [1000.0], [2f32.ln()]));
    /// ```
    pub fn softmax(x: &[T], cols: usize, p: &mut [T], top: &mut [T], log_sum: &mut [T])
        = softmax_generic;

    /// The index of the largest element of a row, the first of equals. A NaN is larger than any number.
    ///
    /// # Panics
    /// **Panics** if the row is empty.
    ///
    /// # Example
    /// ```
    /// assert_eq!(fanin_tensor::reduce::argmax(&[1.0f32, 3.0, 2.0]), 1);
    /// ```
    pub fn argmax(row: &[T]) -> usize = argmax_generic;
}

fn sum_generic<T: Scalar>(x: &[T]) -> T {
    if x.len() <= BLOCK {
        return dispatch(SumBlock(x));
    }
    let half = (x.len() / 2).next_multiple_of(BLOCK);
    sum_generic(&x[..half]) + sum_generic(&x[half..])
}

#[track_caller]
fn dot_generic<T: Scalar>(x: &[T], y: &[T]) -> T {
    assert_eq!(x.len(), y.len(), "dot: {} and {} elements", x.len(), y.len());
    if x.len() <= BLOCK {
        return dispatch(DotBlock(x, y));
    }
    let half = (x.len() / 2).next_multiple_of(BLOCK);
    dot_generic(&x[..half], &y[..half]) + dot_generic(&x[half..], &y[half..])
}

struct SumBlock<'a, T>(&'a [T]);

impl<T: Scalar> Kernel for SumBlock<'_, T> {
    type Output = T;

    #[inline(always)]
    fn run<I: Isa>(self) -> T {
        sum_in_lanes(self.0)
    }
}

#[inline(always)]
fn sum_in_lanes<T: Scalar>(x: &[T]) -> T {
    let mut sums = [T::ZERO; LANES];
    let mut vectors = x.chunks_exact(LANES);
    for x in &mut vectors {
        sums.iter_mut().zip(x).for_each(|(s, &x)| *s += x);
    }
    vectors.remainder().iter().fold(fold_lanes(sums), |s, &x| s + x)
}

struct DotBlock<'a, T>(&'a [T], &'a [T]);

impl<T: Scalar> Kernel for DotBlock<'_, T> {
    type Output = T;

    #[inline(always)]
    fn run<I: Isa>(self) -> T {
        let mut sums = [T::ZERO; LANES];
        let (mut xs, mut ys) = (self.0.chunks_exact(LANES), self.1.chunks_exact(LANES));
        for (x, y) in (&mut xs).zip(&mut ys) {
            for (s, (&x, &y)) in sums.iter_mut().zip(x.iter().zip(y)) {
                *s = I::mul_add(x, y, *s);
            }
        }
        let rest = xs.remainder().iter().zip(ys.remainder());
        rest.fold(fold_lanes(sums), |s, (&x, &y)| I::mul_add(x, y, s))
    }
}

#[inline(always)]
fn fold_lanes<T: Scalar>(mut sums: [T; LANES]) -> T {
    for half in [8, 4, 2, 1] {
        for l in 0..half {
            sums[l] += sums[l + half];
        }
    }
    sums[0]
}

#[track_caller]
fn sum_rows_generic<T: Scalar>(x: &[T], write: Write, y: &mut [T]) {
    let cols = y.len();
    if cols == 0 {
        return;
    }
    assert_eq!(x.len() % cols, 0, "sum_rows: {} elements in rows of {cols}", x.len());
    let split = Split::along(true, x.len() / cols, cols, x.len(), x.len() / 20);
    let out = parallel::Shared(y.as_mut_ptr());
    parallel::run(split.pieces(), |i| {
        let (out, (_, part)) = (&out, split.part(i));
        // SAFETY: the ranges of different pieces do not overlap and lie in `y`, which is borrowed.
        let y = unsafe { std::slice::from_raw_parts_mut(out.0.add(part.start), part.len()) };
        dispatch(SumRows { x, cols, first: part.start, write, y });
    });
}

struct SumRows<'a, T> {
    x: &'a [T],
    cols: usize,
    first: usize,
    write: Write,
    y: &'a mut [T],
}

impl<T: Scalar> Kernel for SumRows<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let Self { x, cols, first, write, y } = self;
        for (block, y) in y.chunks_mut(4 * I::Lanes::<T>::COUNT).enumerate() {
            let from = first + block * 4 * I::Lanes::<T>::COUNT;
            let columns = from..from + y.len();
            if x.len() <= ROWS * cols {
                columns_sum::<I, T>(x, cols, columns, write, y);
            } else {
                columns_tree::<I, T>(x, cols, columns, write, y);
            }
        }
    }
}

/// The sum of the rows, for at most four vectors of columns.
#[inline(always)]
fn columns_sum<I: Isa, T: Scalar>(
    x: &[T],
    cols: usize,
    columns: Range<usize>,
    write: Write,
    y: &mut [T],
) {
    let rows = x.chunks_exact(cols).map(|row| (T::ONE, &row[columns.clone()]));
    if y.len() <= I::Lanes::<T>::COUNT {
        few_sums::<I, T, 1>(rows, write, y);
    } else {
        few_sums::<I, T, 4>(rows, write, y);
    }
}

/// [`columns_sum`] for many rows: the sums of blocks of rows are added as a tree.
#[inline(always)]
fn columns_tree<I: Isa, T: Scalar>(
    x: &[T],
    cols: usize,
    columns: Range<usize>,
    write: Write,
    y: &mut [T],
) {
    let add = |to: &mut [T], from: &[T]| to.iter_mut().zip(from).for_each(|(to, &x)| *to += x);
    // At level l: the sum of 2^l blocks that waits for its neighbour. The last level holds all the rest.
    let mut tree = [[T::ZERO; COLUMNS]; LEVELS];
    for (block, rows) in x.chunks(ROWS * cols).enumerate() {
        let mut sum = [T::ZERO; COLUMNS];
        columns_sum::<I, T>(rows, cols, columns.clone(), Write::Set, &mut sum[..y.len()]);
        let mut level = 0;
        while level + 1 < LEVELS && block >> level & 1 == 1 {
            add(&mut sum, &tree[level]);
            tree[level] = [T::ZERO; COLUMNS];
            level += 1;
        }
        add(&mut tree[level], &sum);
    }
    let mut sum = [T::ZERO; COLUMNS];
    tree.iter().for_each(|part| add(&mut sum, part));
    if write == Write::Set {
        y.fill(T::ZERO);
    }
    add(y, &sum);
}

/// `y = Σ_p x_p · row_p`, set or added. y has at most `V` vectors, which stay in registers.
#[inline(always)]
pub(crate) fn few_sums<'a, I: Isa, T: Scalar, const V: usize>(
    rows: impl Iterator<Item = (T, &'a [T])>,
    write: Write,
    y: &mut [T],
) {
    let (len, count) = (y.len(), I::Lanes::<T>::COUNT);
    assert!(len <= V * count);
    let lens: [usize; V] = std::array::from_fn(|v| len.saturating_sub(v * count).min(count));
    // SAFETY: `I` is what `dispatch` chose, here and below.
    let mut sums = unsafe { [I::Lanes::splat(T::ZERO); V] };
    if write == Write::Add {
        for (v, sum) in sums.iter_mut().enumerate() {
            // SAFETY: the vectors' lengths add up to y's.
            *sum = unsafe { Lanes::load_most(y.as_ptr().wrapping_add(v * count), lens[v]) };
        }
    }
    for (x, row) in rows {
        let row = row[..len].as_ptr();
        for (v, sum) in sums.iter_mut().enumerate() {
            // SAFETY: as above, of the row's `len` elements.
            unsafe {
                let row = Lanes::load_most(row.wrapping_add(v * count), lens[v]);
                *sum = I::Lanes::splat(x).mul_add(row, *sum);
            }
        }
    }
    for (v, sum) in sums.iter().enumerate() {
        // SAFETY: as above.
        unsafe { sum.store_first(y.as_mut_ptr().wrapping_add(v * count), lens[v]) };
    }
}

#[track_caller]
fn sum_cols_generic<T: Scalar>(x: &[T], cols: usize, y: &mut [T]) {
    sum_cols_into(x, cols, Write::Set, y);
}

/// [`sum_cols`], set or added.
#[track_caller]
pub(crate) fn sum_cols_into<T: Scalar>(x: &[T], cols: usize, write: Write, y: &mut [T]) {
    assert_eq!(x.len(), y.len() * cols, "sum_cols: {} rows of {cols}", y.len());
    let set = |y: &mut T, sum: T| *y = if write == Write::Add { *y + sum } else { sum };
    if cols == 0 {
        return y.iter_mut().for_each(|y| set(y, T::ZERO));
    }
    if cols <= BLOCK {
        return dispatch(SumCols { x, cols, write, y });
    }
    for (y, row) in y.iter_mut().zip(x.chunks_exact(cols)) {
        set(y, sum_generic(row));
    }
}

/// Rows of at most [`BLOCK`] elements.
struct SumCols<'a, T> {
    x: &'a [T],
    cols: usize,
    write: Write,
    y: &'a mut [T],
}

impl<T: Scalar> Kernel for SumCols<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let Self { x, cols, write, y } = self;
        for (y, row) in y.iter_mut().zip(x.chunks_exact(cols)) {
            let sum = sum_in_lanes(row);
            *y = if write == Write::Add { *y + sum } else { sum };
        }
    }
}

#[track_caller]
fn softmax_generic<T: Scalar>(x: &[T], cols: usize, p: &mut [T], top: &mut [T], log_sum: &mut [T]) {
    assert_eq!(x.len(), p.len(), "softmax: input and output differ in length");
    let len = top.len().checked_mul(cols);
    assert_eq!(Some(x.len()), len, "softmax: {} rows of {cols}", top.len());
    if cols == 0 {
        return;
    }
    let pieces = parallel::pieces(x.len());
    let out = parallel::Shared(p.as_mut_ptr());
    parallel::split_each([top, log_sum], 1, pieces, |first, [top, log_sum]| {
        let at = first * cols..(first + top.len()) * cols;
        let out = &out;
        // SAFETY: pieces have rows of their own, inside `p`, which is borrowed.
        let p = unsafe { std::slice::from_raw_parts_mut(out.0.add(at.start), at.len()) };
        dispatch(Softmax { x: &x[at], cols, p, top, log_sum });
    });
}

struct Softmax<'a, T> {
    x: &'a [T],
    cols: usize,
    p: &'a mut [T],
    top: &'a mut [T],
    log_sum: &'a mut [T],
}

impl<T: Scalar> Kernel for Softmax<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let Self { x, cols, p, top, log_sum } = self;
        for ((x, p), top) in x.chunks_exact(cols).zip(p.chunks_exact_mut(cols)).zip(top) {
            *top = largest(x);
            let top = *top;
            p.iter_mut().zip(x).for_each(|(p, &x)| *p = x - top);
        }
        // One pass over all rows: a pass over each short row would leave most lanes of a vector empty.
        for p in p.iter_mut() {
            *p = p.vexp::<I>();
        }
        for (p, log_sum) in p.chunks_exact_mut(cols).zip(log_sum.iter_mut()) {
            *log_sum = sum_in_lanes(p);
            let scale = T::ONE / *log_sum;
            p.iter_mut().for_each(|p| *p *= scale);
        }
        for sum in log_sum {
            *sum = sum.vln::<I>();
        }
    }
}

/// The largest element, found in independent lanes. −∞ if there is none. May ignore NaN.
#[inline(always)]
fn largest<T: Scalar>(x: &[T]) -> T {
    let larger = |a: T, b: T| if b > a { b } else { a };
    let mut tops = [T::NEG_INFINITY; LANES];
    let mut vectors = x.chunks_exact(LANES);
    for x in &mut vectors {
        tops.iter_mut().zip(x).for_each(|(top, &x)| *top = larger(*top, x));
    }
    let top = tops.into_iter().fold(T::NEG_INFINITY, larger);
    vectors.remainder().iter().copied().fold(top, larger)
}

#[track_caller]
fn argmax_generic<T: Scalar>(row: &[T]) -> usize {
    assert!(!row.is_empty(), "argmax: an empty row has no largest element");
    let mut best = 0;
    for (i, x) in row.iter().enumerate() {
        if *x > row[best] || (x.is_nan() && !row[best].is_nan()) {
            best = i;
        }
    }
    best
}
