//! Softmax and its logarithm along the last axis, and the logarithm of a sum of exponentials.

use fanin_tensor::Write;
use fanin_tensor::map::{Function, apply, map};
use fanin_tensor::reduce::PairwiseSum;
use fanin_tensor::simd::{Isa, Kernel, dispatch};
use fanin_tensor::vmath::two_sum;
use fanin_tensor::{Scalar, Set, reduce};

use super::axes::{Along, without};
use crate::tape::{Backward, Op, Var};

/// `y_j = e^{x_j} / Σ_k e^{x_k}`; `dx_j = y_j (dy_j − Σ_k dy_k y_k)`.
///
/// For the largest y the two terms may cancel, as in `y (1 − y)`. There it is `y_j Σ_k y_k (dy_j − dy_k)`.
#[derive(Debug)]
struct Softmax {
    cols: usize,
}

impl<T: Scalar> Op<T> for Softmax {
    fn backward(&self, cx: &mut Backward<'_, T>) {
        let (y, dy, cols) = (cx.output().as_slice(), cx.dy(), self.cols.max(1));
        let Some((write, dx)) = cx.grad(0) else { return };
        let rows = y.chunks_exact(cols).zip(dy.chunks_exact(cols));
        for (dx, (y, dy)) in dx.chunks_exact_mut(cols).zip(rows) {
            let (top, inner) = (reduce::argmax(y), reduce::dot(y, dy));
            let before = dx[top];
            map([y, dy], write, dx, move |[y, dy]| y * (dy - inner));
            let d = y[top] * others(y, dy, top, |y, dy| y * (dy[0] - dy[1]));
            dx[top] = if write == Write::Add { before + d } else { d };
        }
    }
}

/// `Σ_{k ≠ top} f(y_k, [dy_top, dy_k])`, as a tree.
fn others<T: Scalar>(y: &[T], dy: &[T], top: usize, f: impl Fn(T, [T; 2]) -> T) -> T {
    let terms = y.iter().zip(dy).enumerate().filter(|(k, _)| *k != top);
    T::from_f64(PairwiseSum::of(terms.map(|(_, (&y, &d))| f(y, [dy[top], d]).to_f64())))
}

/// `y_j = x_j − log Σ_k e^{x_k}`; `dx_j = dy_j − p_j Σ_k dy_k` with the softmax p. Saves p, then the largest
/// element of each row, then the logarithm of `Σ_k e^{x_k}` over the largest.
///
/// For the largest p the two terms may cancel. There it is `(1 − p_j) dy_j − p_j Σ_{k ≠ j} dy_k`.
#[derive(Debug)]
struct LogSoftmax {
    cols: usize,
}

impl<T: Scalar> Op<T> for LogSoftmax {
    fn backward(&self, cx: &mut Backward<'_, T>) {
        let (saved, dy, cols) = (cx.saved(), cx.dy(), self.cols.max(1));
        let Some((write, dx)) = cx.grad(0) else { return };
        let (p, rest) = saved.split_at(dy.len());
        let log_sums = rest[rest.len() / 2..].iter();
        let rows = p.chunks_exact(cols).zip(dy.chunks_exact(cols)).zip(log_sums);
        for (dx, ((p, dy), log_sum)) in dx.chunks_exact_mut(cols).zip(rows) {
            let (top, sum) = (reduce::argmax(p), reduce::sum(dy));
            let before = dx[top];
            map([p, dy], write, dx, move |[p, dy]| dy - p * sum);
            let share = T::from_f64(-(-log_sum.to_f64()).exp_m1());
            let d = share * dy[top] - p[top] * others(p, dy, top, |_, dy| dy[1]);
            dx[top] = if write == Write::Add { before + d } else { d };
        }
    }
}

/// `y_{o,i} = log Σ_k e^{x_{o,k,i}}`; `dx_{o,k,i} = dy_{o,i} · e^{x_{o,k,i} − y_{o,i}}`. Saves
/// `e^{x_{o,k,i} − y_{o,i}}`.
#[derive(Debug)]
struct LogSumExp {
    along: Along,
}

impl<T: Scalar> Op<T> for LogSumExp {
    fn backward(&self, cx: &mut Backward<'_, T>) {
        let (p, dy, Along { inner, length }) = (cx.saved(), cx.dy(), self.along);
        let Some((write, dx)) = cx.grad(0) else { return };
        if dx.is_empty() {
            return;
        }
        let blocks = p.chunks_exact(length * inner).zip(dx.chunks_exact_mut(length * inner));
        for ((p, dx), dy) in blocks.zip(dy.chunks_exact(inner)) {
            if let [dy] = *dy {
                map([p], write, dx, move |[p]| dy * p);
                continue;
            }
            for (p, dx) in p.chunks_exact(inner).zip(dx.chunks_exact_mut(inner)) {
                map([p, dy], write, dx, |[p, dy]| dy * p);
            }
        }
    }
}

/// `p = e^{x − p}`, with the digits that x − p has not.
struct Exp<'a, T> {
    x: &'a [T],
    p: &'a mut [T],
}

impl<T: Scalar> Kernel for Exp<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        // e^x is 0 below, for both types. It keeps −∞ out of the differences.
        let lowest = T::from_f64(-750.0);
        for (p, &x) in self.p.iter_mut().zip(self.x) {
            let [difference, low] = two_sum(x, -*p);
            let low = if difference > lowest { low } else { T::ZERO };
            *p = difference.vexp_times::<I>(T::ONE + low);
        }
    }
}

/// `top + ln(1 + rest)`, or `top` if it is infinite.
#[derive(Clone, Copy)]
struct LogAbove;

impl<T: Scalar> Function<T, 2> for LogAbove {
    fn picos(&self) -> usize {
        300
    }
    #[inline(always)]
    fn at<I: Isa>(&self, [top, rest]: [T; 2]) -> T {
        let y = top + rest.vln_1p::<I>();
        if top.is_finite() { y } else { top }
    }
}

once! {
    impl<'t, T: Scalar> Var<'t, T> {
        /// `e^{x_j} / Σ_k e^{x_k}` along the last axis, without overflow.
        ///
        /// # Panics
        /// **Panics** if the value is a scalar.
        #[must_use]
        #[track_caller]
        pub fn softmax(self) -> Self {
            let cols = self.last_axis("softmax");
            self.tape().apply(Softmax { cols }, &[self], |cx| {
                let x = cx.input(0);
                let rows = x.len() / cols.max(1);
                let (y, saved) = cx.output_and_save(x.shape(), 2 * rows);
                let (top, log_sum) = saved.split_at_mut(rows);
                reduce::softmax(x.as_slice(), cols, y, top, log_sum);
            })
        }

        /// `e^{−x_j} / Σ_k e^{−x_k}` along the last axis, without overflow: the softmax of −x.
        ///
        /// # Panics
        /// **Panics** if the value is a scalar.
        ///
        /// # Example
        /// ```
        /// use fanin_nn::{Tape, Tensor};
        /// let x = Tensor::from_vec(2, vec![1000.0, -1000.0]);
        /// assert_eq!(Tape::new().value(|t| t.input(&x).softmin()).as_slice(), [0.0, 1.0]);
        /// ```
        #[must_use]
        #[track_caller]
        pub fn softmin(self) -> Self {
            self.last_axis("softmin");
            (-self).softmax()
        }

        /// `x_j − log Σ_k e^{x_k}` along the last axis, without overflow.
        ///
        /// # Panics
        /// **Panics** if the value is a scalar.
        #[must_use]
        #[track_caller]
        pub fn log_softmax(self) -> Self {
            let cols = self.last_axis("log_softmax");
            self.tape().apply(LogSoftmax { cols }, &[self], |cx| {
                let x = cx.input(0);
                let rows = x.len() / cols.max(1);
                let (y, saved) = cx.output_and_save(x.shape(), x.len() + 2 * rows);
                let (p, saved) = saved.split_at_mut(x.len());
                let (top, log_sum) = saved.split_at_mut(rows);
                reduce::softmax(x.as_slice(), cols, p, top, log_sum);
                let rows =
                    x.as_slice().chunks_exact(cols.max(1)).zip(top.iter().zip(log_sum.iter()));
                for (y, (x, (&top, &log_sum))) in y.chunks_exact_mut(cols.max(1)).zip(rows) {
                    map([x], Set, y, move |[x]| (x - top) - log_sum);
                }
            })
        }

        /// `log Σ_k e^{x_k}` along one axis, without overflow. The result does not have this axis.
        ///
        /// # Panics
        /// **Panics** if the axis does not exist or has length 0.
        ///
        /// # Example
        /// ```
        /// use fanin_nn::{Tape, Tensor};
        /// let x = Tensor::from_vec([1, 2], vec![1000.0, 1000.0]);
        /// let y = Tape::new().value(|t| t.input(&x).log_sum_exp(1));
        /// assert!((y.item() - (1000.0 + 2f32.ln())).abs() < 1e-4);
        /// ```
        #[doc(alias = "logsumexp")]
        #[must_use]
        #[track_caller]
        pub fn log_sum_exp(self, axis: usize) -> Self {
            let from = self.shape();
            let along = Along::new("log_sum_exp", &from, axis);
            let Along { inner, length } = along;
            assert!(length > 0, "log_sum_exp: {from} has no elements along axis {axis}");
            let to = without(&from, axis);
            self.tape().apply(LogSumExp { along }, &[self], |cx| {
                let x = cx.input(0).as_slice();
                let results = x.len() / length;
                let (y, saved) = cx.output_and_save(&to, x.len() + 2 * results);
                if x.is_empty() {
                    return;
                }
                let (p, rest) = saved.split_at_mut(x.len());
                let (top, sum) = rest.split_at_mut(results);
                let blocks = x.chunks_exact(length * inner).zip(p.chunks_exact_mut(length * inner));
                let tops = top.chunks_exact_mut(inner).zip(sum.chunks_exact_mut(inner));
                for ((x, p), (top, sum)) in blocks.zip(tops) {
                    top.copy_from_slice(&x[..inner]);
                    for row in x.chunks_exact(inner).skip(1) {
                        top.iter_mut().zip(row).for_each(|(top, &x)| {
                            if x > *top || x.is_nan() {
                                *top = x;
                            }
                        });
                    }
                    if let [top] = *top {
                        p.fill(top);
                    } else {
                        p.chunks_exact_mut(inner).for_each(|p| p.copy_from_slice(top));
                    }
                    dispatch(Exp { x, p });
                    // Each sum leaves out the 1 of the largest element, which would hide a small rest.
                    for (i, top) in top.iter().enumerate() {
                        let mut column = x.iter().skip(i).step_by(inner);
                        if let Some(k) = column.position(|x| x == top) {
                            p[k * inner + i] = T::ZERO;
                        }
                    }
                    if let [rest] = sum {
                        *rest = reduce::sum(p);
                    } else {
                        reduce::sum_rows(p, Write::Set, sum);
                    }
                    for (p, x) in p.chunks_exact_mut(inner).zip(x.chunks_exact(inner)) {
                        for ((p, x), (top, &rest)) in p.iter_mut().zip(x).zip(top.iter().zip(&*sum)) {
                            // All that equal the largest have e^0.
                            let e = if x == top { T::ONE } else { *p };
                            *p = e / (T::ONE + rest);
                        }
                    }
                }
                apply([top, sum], Set, y, LogAbove);
            })
        }
    }
}

impl<T: Scalar> Var<'_, T> {
    /// The length of the last axis.
    #[track_caller]
    pub(super) fn last_axis(self, op: &str) -> usize {
        match self.shape().last() {
            Some(&cols) => cols,
            None => panic!("{op}: a scalar has no axis"),
        }
    }
}
