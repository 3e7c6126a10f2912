//! Reductions over all elements, over rows and over columns: sums, softmax, argmax.
//!
//! The shape alone fixes the order of every sum. The number of threads does not.

mod pairwise;
mod rows;
mod softmax;
mod tree;

pub use pairwise::PairwiseSum;
pub use rows::row_sums;
pub(crate) use rows::weighted_rows;

use rows::sum_rows as sum_rows_generic;
use softmax::softmax as softmax_generic;

use crate::once::once;
use crate::simd::{Isa, Kernel, dispatch};
use crate::{Scalar, Write};

const LANES: usize = 16;
/// Elements that are summed in plain order. The sums of such blocks are added as a tree.
const BLOCK: usize = 1024;

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

    /// The sum of the rows of a matrix: `y_j = Σ_i x_ij`, set or added. The sums are trees over runs of 16
    /// rows.
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

    /// The Euclidean norm `√(Σ x²)`, summed like [`sum`]. It neither overflows nor underflows before its
    /// square root.
    ///
    /// # Example
    /// ```
    /// assert_eq!(fanin_tensor::reduce::norm(&[3e30f32, -4e30]), 5e30);
    /// assert_eq!(fanin_tensor::reduce::norm(&[3e-30f32, -4e-30]), 5e-30);
    /// ```
    pub fn norm(x: &[T]) -> T = norm_generic;

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

fn norm_generic<T: Scalar>(x: &[T]) -> T {
    let squares = dot_generic(x, x);
    // A square below the last place of `least` may have lost digits.
    let least = T::from_f64(if T::IS_F32 { 1e-30 } else { 1e-290 });
    if squares > least && squares.is_finite() || squares.is_nan() {
        return squares.sqrt();
    }
    let top = x.iter().fold(T::ZERO, |top, x| if x.abs() > top { x.abs() } else { top });
    if top == T::ZERO || !top.is_finite() {
        return top;
    }
    // Scaled by a power of two, the largest is about 1.
    let scale = 2f64.powi(-(top.to_f64().log2().round() as i32).clamp(-1022, 1022));
    let scaled = x.iter().map(|x| x.to_f64() * scale);
    T::from_f64(PairwiseSum::of(scaled.map(|x| x * x)).sqrt() / scale)
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
