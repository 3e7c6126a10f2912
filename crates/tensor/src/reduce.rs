//! Sums, maxima and their kin over all elements, over rows and over columns.
//!
//! The order of every sum is fixed by the shape alone, never by the number of threads.

use crate::simd::{Isa, Kernel, dispatch};
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
        let mut sums = [T::ZERO; LANES];
        let mut vectors = self.0.chunks_exact(LANES);
        for x in &mut vectors {
            sums.iter_mut().zip(x).for_each(|(s, &x)| *s += x);
        }
        vectors.remainder().iter().fold(fold_lanes(sums), |s, &x| s + x)
    }
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
    let pieces = parallel::pieces(x.len() / 20).min(cols.div_ceil(64));
    let out = parallel::Shared(y.as_mut_ptr());
    parallel::run(pieces, |i| {
        let part = parallel::range(cols, LANES, pieces, i);
        let out = &out;
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
        if write == Write::Set {
            y.fill(T::ZERO);
        }
        for row in x.chunks_exact(cols) {
            for (y, &x) in y.iter_mut().zip(&row[first..]) {
                *y += x;
            }
        }
    }
}

/// The sum of each row of an `x` with rows of `cols` elements: `y_i = Σ_j x_ij`.
///
/// # Panics
/// **Panics** if `x` has not `y.len()` such rows.
pub fn sum_cols<T: Scalar>(x: &[T], cols: usize, y: &mut [T]) {
    assert_eq!(x.len(), y.len() * cols, "sum_cols: {} rows of {cols}", y.len());
    for (y, row) in y.iter_mut().zip(x.chunks_exact(cols.max(1))) {
        *y = sum(row);
    }
}

/// `log Σ_j e^(x_ij)` of each row, without overflow, and the softmax of each row into `p`.
///
/// # Panics
/// **Panics** if `p` and `x` differ in length, or `x` has not `lse.len()` rows of `cols` elements.
pub fn softmax<T: Scalar>(x: &[T], cols: usize, p: &mut [T], lse: &mut [T]) {
    assert_eq!(x.len(), p.len(), "softmax: input and output differ in length");
    assert_eq!(x.len(), lse.len() * cols, "softmax: {} rows of {cols}", lse.len());
    let pieces = parallel::pieces(x.len());
    let out = parallel::Shared(p.as_mut_ptr());
    parallel::split_rows(lse, 1, pieces, |first, lse| {
        let at = first * cols..(first + lse.len()) * cols;
        let out = &out;
        // SAFETY: pieces have rows of their own, inside `p`, which is borrowed.
        let p = unsafe { std::slice::from_raw_parts_mut(out.0.add(at.start), at.len()) };
        dispatch(Softmax { x: &x[at], cols, p, lse });
    });
}

struct Softmax<'a, T> {
    x: &'a [T],
    cols: usize,
    p: &'a mut [T],
    lse: &'a mut [T],
}

impl<T: Scalar> Kernel for Softmax<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let Self { x, cols, p, lse } = self;
        for ((x, p), top) in
            x.chunks_exact(cols.max(1)).zip(p.chunks_exact_mut(cols.max(1))).zip(lse.iter_mut())
        {
            *top = x.iter().fold(T::NEG_INFINITY, |a, &b| if b > a { b } else { a });
            for (p, &x) in p.iter_mut().zip(x) {
                *p = x - *top;
            }
        }
        // One pass over all rows: short rows would leave most lanes of a vector empty.
        for p in p.iter_mut() {
            *p = p.vexp::<I>();
        }
        for (p, lse) in p.chunks_exact_mut(cols.max(1)).zip(lse.iter_mut()) {
            let sum: T = p.iter().copied().sum();
            let scale = T::ONE / sum;
            p.iter_mut().for_each(|p| *p *= scale);
            *lse += sum.vln::<I>();
        }
    }
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
