//! Sums over the rows of matrices: one sum for each column, as a tree over runs of rows.

use super::tree::{RUN, Tree};
use crate::lanes::Lanes;
use crate::simd::{Isa, Kernel, dispatch};
use crate::split::Split;
use crate::{Scalar, Write, parallel};

#[track_caller]
pub(super) fn sum_rows<T: Scalar>(x: &[T], write: Write, y: &mut [T]) {
    let cols = y.len();
    if cols == 0 {
        return;
    }
    assert_eq!(x.len() % cols, 0, "sum_rows: {} elements in rows of {cols}", x.len());
    let split = Split::along(true, x.len() / cols, cols, x.len(), x.len() / 20);
    let out = parallel::Shared(y.as_mut_ptr());
    parallel::run(split.pieces(), move |i| {
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
                few_sums::<I, T, 1>(rows, RUN, write, y);
            } else {
                few_sums::<I, T, 4>(rows, RUN, write, y);
            }
        }
    }
}

/// `y = Σ_p x_p · row_p`, set or added. y has at most `V` vectors, which stay in registers. The sums of runs
/// of `run` rows are added as a tree.
#[inline(always)]
fn few_sums<'a, I: Isa, T: Scalar, const V: usize>(
    rows: impl Iterator<Item = (T, &'a [T])>,
    run: usize,
    write: Write,
    y: &mut [T],
) {
    let (len, count) = (y.len(), I::Lanes::<T>::COUNT);
    assert!(len <= V * count);
    let lens: [usize; V] = std::array::from_fn(|v| len.saturating_sub(v * count).min(count));
    let add = |sums: &mut [I::Lanes<T>; V], others: &[I::Lanes<T>; V]| {
        for (sum, &other) in sums.iter_mut().zip(others) {
            // SAFETY: `I` is what `dispatch` chose, here and below.
            *sum = unsafe { other.add(*sum) };
        }
    };
    // SAFETY: as above.
    let zeros = unsafe { [I::Lanes::splat(T::ZERO); V] };
    let (mut sums, mut tree, mut left) = (zeros, Tree::new(), run);
    for (x, row) in rows {
        if left == 0 {
            tree.push(sums, add);
            (sums, left) = (zeros, run);
        }
        left -= 1;
        let row = row[..len].as_ptr();
        for (v, sum) in sums.iter_mut().enumerate() {
            // SAFETY: as above. The vectors' lengths add up to that of the row.
            unsafe {
                let row = Lanes::load_most(row.wrapping_add(v * count), lens[v]);
                *sum = I::Lanes::splat(x).mul_add(row, *sum);
            }
        }
    }
    tree.add_to(&mut sums, add);
    for (v, mut sum) in sums.into_iter().enumerate() {
        let y = y.as_mut_ptr().wrapping_add(v * count);
        // SAFETY: as above, of y's `len` elements.
        unsafe {
            if write == Write::Add {
                sum = I::Lanes::load_most(y.cast_const(), lens[v]).add(sum);
            }
            sum.store_first(y, lens[v]);
        }
    }
}

/// `y = Σ_p x_p · row_p` for few columns: the kernel of a [`gemv`](crate::gemm) whose sums may be long.
#[inline(always)]
pub(crate) fn weighted_rows<'a, I: Isa, T: Scalar>(
    rows: impl Iterator<Item = (T, &'a [T])> + Clone,
    write: Write,
    y: &mut [T],
) {
    let count = I::Lanes::<T>::COUNT;
    if y.len() <= count {
        return few_sums::<I, T, 1>(rows, RUN, write, y);
    }
    for (block, y) in y.chunks_mut(4 * count).enumerate() {
        let from = block * 4 * count;
        let rows = rows.clone().map(|(x, row)| (x, &row[from..]));
        few_sums::<I, T, 4>(rows, RUN, write, y);
    }
}

/// Columns whose sums are computed at once: they stay in the first cache.
const COLUMNS: usize = 64;

/// The sums over the rows i of `S` functions of elements: `y_sj = Σ_i f_s(x_1ij, x_2ij, …; v_1j, …)`, each set or
/// added, and each a tree like [`sum_rows`](super::sum_rows).
///
/// # Shapes
/// Each x `(rows, cols)`, each v and each y `(cols)`.
///
/// # Panics
/// **Panics** if the lengths do not fit.
///
/// # Example
/// ```
/// let (x, mean) = ([1.0f32, 2.0, 3.0, 6.0], [2.0, 4.0]);
/// let mut squares = [0.0; 2];
/// let sums = [(fanin_tensor::Write::Set, &mut squares[..])];
/// fanin_tensor::reduce::row_sums([&x], [&mean], sums, |[x], [m]| [(x - m) * (x - m)]);
/// assert_eq!(squares, [2.0, 8.0]);
/// ```
#[track_caller]
pub fn row_sums<T: Scalar, const N: usize, const V: usize, const S: usize>(
    x: [&[T]; N],
    vectors: [&[T]; V],
    y: [(Write, &mut [T]); S],
    f: impl Fn([T; N], [T; V]) -> [T; S] + Copy + Sync,
) {
    let (len, cols) = (x[0].len(), y[0].1.len());
    let fits = x.iter().all(|x| x.len() == len)
        && vectors.iter().all(|v| v.len() == cols)
        && y.iter().all(|(_, y)| y.len() == cols)
        && (len == 0 || (cols > 0 && len.is_multiple_of(cols)));
    assert!(fits, "row_sums: matrices of {:?} elements for {cols} columns", x.map(<[T]>::len));
    if cols == 0 {
        return;
    }
    let split = Split::along(true, len / cols, cols, len, len / 10);
    let out = y.map(|(write, y)| (write, parallel::Shared(y.as_mut_ptr())));
    parallel::run(split.pieces(), move |i| {
        let (out, (_, part)) = (&out, split.part(i));
        // SAFETY: the ranges of different pieces do not overlap and lie in the slices, which are borrowed.
        let y = out.each_ref().map(|(write, y)| unsafe {
            (*write, std::slice::from_raw_parts_mut(y.0.add(part.start), part.len()))
        });
        dispatch(RowSums { x, vectors, cols, first: part.start, y, f });
    });
}

struct RowSums<'a, T, F, const N: usize, const V: usize, const S: usize> {
    x: [&'a [T]; N],
    vectors: [&'a [T]; V],
    cols: usize,
    first: usize,
    y: [(Write, &'a mut [T]); S],
    f: F,
}

impl<T, F, const N: usize, const V: usize, const S: usize> Kernel for RowSums<'_, T, F, N, V, S>
where
    T: Scalar,
    F: Fn([T; N], [T; V]) -> [T; S] + Copy,
{
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let Self { x, vectors, cols, first, mut y, f } = self;
        let (width, rows) = (y[0].1.len(), x[0].len() / cols);
        let add = |sums: &mut [[T; COLUMNS]; S], others: &[[T; COLUMNS]; S]| {
            for (sums, others) in sums.iter_mut().zip(others) {
                sums.iter_mut().zip(others).for_each(|(sum, &other)| *sum = other + *sum);
            }
        };
        let zeros = [[T::ZERO; COLUMNS]; S];
        let mut from = 0;
        while from < width {
            let columns = (width - from).min(COLUMNS);
            let at = first + from;
            let v: [&[T]; V] = std::array::from_fn(|n| &vectors[n][at..][..columns]);
            let (mut sums, mut tree) = (zeros, Tree::new());
            for i in 0..rows {
                if i > 0 && i % RUN == 0 {
                    tree.push(sums, add);
                    sums = zeros;
                }
                let row: [&[T]; N] = std::array::from_fn(|n| &x[n][i * cols + at..][..columns]);
                let mut j = 0;
                while j < columns {
                    // Unchecked, because a loop with checks is not vectorized.
                    // SAFETY: j < columns, the length of all rows, and at most that of the sums.
                    let terms = unsafe {
                        f(
                            std::array::from_fn(|n| *row[n].get_unchecked(j)),
                            std::array::from_fn(|n| *v[n].get_unchecked(j)),
                        )
                    };
                    let mut s = 0;
                    while s < S {
                        // SAFETY: as above.
                        unsafe { *sums[s].get_unchecked_mut(j) += terms[s] };
                        s += 1;
                    }
                    j += 1;
                }
            }
            tree.add_to(&mut sums, add);
            for ((write, y), sums) in y.iter_mut().zip(sums) {
                for (y, sum) in y[from..from + columns].iter_mut().zip(sums) {
                    *y = if *write == Write::Add { *y + sum } else { sum };
                }
            }
            from += columns;
        }
    }
}
