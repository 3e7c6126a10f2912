//! The softmax of each row, and what its logarithm needs.
//!
//! The largest element of a row is 1 in the sum of exponentials. This 1 is left out of the sum, and
//! `ln(1 + rest)` is accurate also if the rest is tiny. The difference `x − m` of two numbers is rounded by up
//! to `ε/2 · |x − m|`, which the exponential would multiply, so the rounding error is computed too.

use super::{BLOCK, largest, sum_generic, sum_in_lanes};
use crate::simd::{Isa, Kernel, dispatch};
use crate::vmath::two_sum;
use crate::{Scalar, parallel, scratch};

/// Elements whose rounding errors are kept at once.
const ELEMENTS: usize = 1 << 12;

/// The longest rows that [`ShortRows`] takes.
const SHORT: usize = 16;
/// Fewer rows would leave most of its lanes empty.
const FEW: usize = 8;
/// How many rows it computes side by side: a vector of AVX-512.
const ROWS: usize = 16;

#[track_caller]
pub(super) fn softmax<T: Scalar>(
    x: &[T],
    cols: usize,
    p: &mut [T],
    top: &mut [T],
    log_sum: &mut [T],
) {
    assert_eq!(x.len(), p.len(), "softmax: input and output differ in length");
    let len = top.len().checked_mul(cols);
    assert_eq!(Some(x.len()), len, "softmax: {} rows of {cols}", top.len());
    if cols == 0 {
        return;
    }
    // Kernels choose by all rows together, and not by those of one piece, so that threads change no bit.
    let short = cols <= SHORT;
    if short && top.len() < FEW {
        let mut lost = [T::ZERO; FEW * SHORT];
        let lost = &mut lost[..p.len()];
        return dispatch(Softmax { x, cols, p, lost, top, log_sum });
    }
    let pieces = parallel::pieces(x.len());
    let out = parallel::Shared(p.as_mut_ptr());
    parallel::split_each([top, log_sum], 1, pieces, |first, [top, log_sum]| {
        let at = first * cols..(first + top.len()) * cols;
        let out = &out;
        // SAFETY: pieces have rows of their own, inside `p`, which is borrowed.
        let p = unsafe { std::slice::from_raw_parts_mut(out.0.add(at.start), at.len()) };
        if short {
            return dispatch(ShortRows { x: &x[at], cols, p, top, log_sum });
        }
        // Some rows at a time, so that their memory is small and stays in the first cache.
        let rows = (ELEMENTS / cols).max(1);
        let sums = top.chunks_mut(rows).zip(log_sum.chunks_mut(rows));
        let elements = x[at].chunks(rows * cols).zip(p.chunks_mut(rows * cols));
        for ((top, log_sum), (x, p)) in sums.zip(elements) {
            scratch::with(p.len(), |lost| dispatch(Softmax { x, cols, p, lost, top, log_sum }));
        }
    });
}

struct Softmax<'a, T> {
    x: &'a [T],
    cols: usize,
    p: &'a mut [T],
    /// What rounding has taken from `x − m`.
    lost: &'a mut [T],
    top: &'a mut [T],
    log_sum: &'a mut [T],
}

impl<T: Scalar> Kernel for Softmax<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let Self { x, cols, p, lost, top, log_sum } = self;
        // e^x is 0 below, for each type. It keeps −∞ out of the differences.
        let lowest = T::from_f64(if T::IS_F32 { -110.0 } else { -750.0 });
        let rows = x.chunks_exact(cols).zip(p.chunks_exact_mut(cols)).zip(top.iter_mut());
        for ((x, (p, top)), lost) in
            rows.map(|((x, p), top)| (x, (p, top))).zip(lost.chunks_exact_mut(cols))
        {
            *top = largest(x);
            let top = *top;
            for ((p, lost), &x) in p.iter_mut().zip(lost).zip(x) {
                let [difference, low] = two_sum(x, -top);
                *p = difference;
                *lost = if difference > lowest { low } else { T::ZERO };
            }
        }
        // One pass over all rows: a pass over each short row would leave most lanes of a vector empty.
        for (p, &lost) in p.iter_mut().zip(&*lost) {
            *p = p.vexp_times::<I>(T::ONE + lost);
        }
        let rows = p.chunks_exact_mut(cols).zip(x.chunks_exact(cols));
        for ((p, x), (log_sum, top)) in rows.zip(log_sum.iter_mut().zip(top)) {
            let place = x.iter().position(|x| *x == *top);
            if let Some(place) = place {
                p[place] = T::ZERO;
            }
            let rest = if cols <= BLOCK { sum_in_lanes(p) } else { sum_generic(p) };
            *log_sum = rest;
            let scale = T::ONE / (T::ONE + rest);
            p.iter_mut().for_each(|p| *p *= scale);
            if let Some(place) = place {
                p[place] = scale;
            }
        }
        for rest in log_sum {
            *rest = rest.vln_1p::<I>();
        }
    }
}

/// Rows so short that sums and maxima across vectors would take most of the time. Each lane has a row.
struct ShortRows<'a, T> {
    x: &'a [T],
    cols: usize,
    p: &'a mut [T],
    top: &'a mut [T],
    log_sum: &'a mut [T],
}

impl<T: Scalar> Kernel for ShortRows<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let Self { x, cols, p, top, log_sum } = self;
        let lowest = T::from_f64(if T::IS_F32 { -110.0 } else { -750.0 });
        let mut block = [[T::ZERO; ROWS]; SHORT];
        let block = &mut block[..cols];
        let rows = x.chunks(ROWS * cols).zip(p.chunks_mut(ROWS * cols));
        let sums = top.chunks_mut(ROWS).zip(log_sum.chunks_mut(ROWS));
        for ((x, p), (top, log_sum)) in rows.zip(sums) {
            // Lanes without a row keep the numbers of an earlier one, or zeros.
            for (r, x) in x.chunks_exact(cols).enumerate() {
                block.iter_mut().zip(x).for_each(|(column, &x)| column[r] = x);
            }
            let mut tops = [T::NEG_INFINITY; ROWS];
            for column in &*block {
                tops.iter_mut().zip(column).for_each(|(top, &x)| {
                    if x > *top {
                        *top = x;
                    }
                });
            }
            // 1 until the largest element of a row is found. Its exponential is left out of the sum.
            let mut sought = [T::ONE; ROWS];
            let mut rests = [T::ZERO; ROWS];
            for column in &mut *block {
                for r in 0..ROWS {
                    let found = if column[r] == tops[r] { sought[r] } else { T::ZERO };
                    let [difference, low] = two_sum(column[r], -tops[r]);
                    let lost = if difference > lowest { low } else { T::ZERO };
                    let e = difference.vexp_times::<I>(T::ONE + lost);
                    let e = if found > T::ZERO { T::ZERO } else { e };
                    sought[r] -= found;
                    rests[r] += e;
                    column[r] = e + found;
                }
            }
            let (mut scales, mut logs) = (rests, rests);
            // Not `map`, whose closure might not be inlined and then lack the vector instructions.
            for (scale, log) in scales.iter_mut().zip(&mut logs) {
                *scale = T::ONE / (T::ONE + *scale);
                *log = log.vln_1p::<I>();
            }
            for column in &mut *block {
                column.iter_mut().zip(scales).for_each(|(p, scale)| *p *= scale);
            }
            for (r, p) in p.chunks_exact_mut(cols).enumerate() {
                p.iter_mut().zip(&*block).for_each(|(p, column)| *p = column[r]);
            }
            top.copy_from_slice(&tops[..top.len()]);
            log_sum.copy_from_slice(&logs[..log_sum.len()]);
        }
    }
}
