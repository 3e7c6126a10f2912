//! Sums, maxima and their kin over all elements, over rows and over columns.
//!
//! The order of every sum is fixed by the shape alone, never by the number of threads.

use crate::lanes::Lanes;
use crate::simd::{Isa, Kernel, dispatch};
use crate::split::Split;
use crate::{Scalar, Write, parallel};

const LANES: usize = 16;
/// Elements summed in plain order before partial sums are added in a tree.
const BLOCK: usize = 1024;

/// The sum of all elements, as a tree over blocks: the error grows with the logarithm of the length.
///
/// ```
/// let ones = vec![1.0f32; 1 << 25];                    // a plain loop would stop at 2²⁴
/// assert_eq!(fanin_tensor::reduce::sum(&ones), (1 << 25) as f32);
/// ```
pub fn sum<T: Scalar>(x: &[T]) -> T {
    if x.len() <= BLOCK {
        return dispatch(SumBlock(x));
    }
    let half = (x.len() / 2).next_multiple_of(BLOCK);
    sum(&x[..half]) + sum(&x[half..])
}

/// `Σ x_i y_i`, summed like [`sum`].
///
/// # Panics
/// **Panics** if the slices differ in length.
pub fn dot<T: Scalar>(x: &[T], y: &[T]) -> T {
    assert_eq!(x.len(), y.len(), "dot: {} and {} elements", x.len(), y.len());
    if x.len() <= BLOCK {
        return dispatch(DotBlock(x, y));
    }
    let half = (x.len() / 2).next_multiple_of(BLOCK);
    dot(&x[..half], &y[..half]) + dot(&x[half..], &y[half..])
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

/// The sum of the rows of an `x (rows, cols)`: `y_j = Σ_i x_ij`, set or added.
///
/// # Panics
/// **Panics** if `x` is not a whole number of rows of `y.len()` elements.
pub fn sum_rows<T: Scalar>(x: &[T], write: Write, y: &mut [T]) {
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
            let rows = x.chunks_exact(cols).map(|row| (T::ONE, &row[columns.clone()]));
            if y.len() <= I::Lanes::<T>::COUNT {
                few_sums::<I, T, 1>(rows, write, y);
            } else {
                few_sums::<I, T, 4>(rows, write, y);
            }
        }
    }
}

/// `y = Σ_p x_p · row_p`, set or added, for a y of at most `V` vectors: they stay in registers.
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

/// The sum of each row of an `x` with rows of `cols` elements: `y_i = Σ_j x_ij`.
///
/// # Panics
/// **Panics** if `x` has not `y.len()` such rows.
pub fn sum_cols<T: Scalar>(x: &[T], cols: usize, y: &mut [T]) {
    sum_cols_into(x, cols, Write::Set, y);
}

/// [`sum_cols`], set or added.
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
        set(y, sum(row));
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

/// The softmax of each row of an `x` with rows of `cols` elements, and what its logarithm needs: the
/// largest element m of each row and `log Σ_j e^(x_j − m)`.
///
/// The last two are apart because their sum loses digits of the second where the first is large: near
/// 1000, `f32` has steps of 6e-5.
///
/// # Panics
/// **Panics** if `p` and `x` differ in length, `top` and `log_sum` do, or `x` has not as many rows.
///
/// # Example
/// ```
/// let (mut p, mut top, mut log_sum) = ([0.0f32; 2], [0.0], [0.0]);
/// fanin_tensor::reduce::softmax(&[1000.0, 1000.0], 2, &mut p, &mut top, &mut log_sum);
/// assert_eq!((p, top, log_sum), ([0.5, 0.5], [1000.0], [2f32.ln()]));
/// ```
pub fn softmax<T: Scalar>(x: &[T], cols: usize, p: &mut [T], top: &mut [T], log_sum: &mut [T]) {
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
        // One pass over all rows: short rows would leave most lanes of a vector empty.
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

/// The largest element, in independent lanes; −∞ if there is none. NaN may be passed over.
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

/// Where the largest element of a row is; the first of equals. A NaN is larger than anything.
///
/// # Panics
/// **Panics** if the row is empty.
pub fn argmax<T: Scalar>(row: &[T]) -> usize {
    assert!(!row.is_empty(), "argmax: an empty row has no largest element");
    let mut best = 0;
    for (i, x) in row.iter().enumerate() {
        if *x > row[best] || (x.is_nan() && !row[best].is_nan()) {
            best = i;
        }
    }
    best
}
