//! Softmax and its logarithm, along the last axis.

use fanin_tensor::Write;
use fanin_tensor::map::map;
use fanin_tensor::{Scalar, reduce};

use crate::tape::{Backward, Op, Var};

/// `y_j = e^{x_j} / Σ_k e^{x_k}`; `dx_j = y_j (dy_j − Σ_k dy_k y_k)`.
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
            let inner = reduce::dot(y, dy);
            map([y, dy], write, dx, move |[y, dy]| y * (dy - inner));
        }
    }
}

/// `y_j = x_j − log Σ_k e^{x_k}`; `dx_j = dy_j − softmax(x)_j Σ_k dy_k`. Saves the softmax.
#[derive(Debug)]
struct LogSoftmax {
    cols: usize,
}

impl<T: Scalar> Op<T> for LogSoftmax {
    fn backward(&self, cx: &mut Backward<'_, T>) {
        let (p, dy, cols) = (cx.saved(), cx.dy(), self.cols.max(1));
        let Some((write, dx)) = cx.grad(0) else { return };
        let rows = p.chunks_exact(cols).zip(dy.chunks_exact(cols));
        for (dx, (p, dy)) in dx.chunks_exact_mut(cols).zip(rows) {
            let sum = reduce::sum(dy);
            map([p, dy], write, dx, move |[p, dy]| dy - p * sum);
        }
    }
}

/// The largest `m` of a row x, and `log Σ_k e^{x_k − m}`, from x and its softmax p, in which the
/// largest is `1 / Σ_k e^{x_k − m}`.
///
/// Apart, because their sum loses digits of the second where the first is large: near 1000, `f32` has
/// steps of 6e-5, and so would the loss.
pub(super) fn log_sum_exp<T: Scalar>(x: &[T], p: &[T]) -> (T, f64) {
    let top = reduce::argmax(x);
    (x[top], -p[top].to_f64().ln())
}

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
            let (y, lse) = cx.output_and_save(x.shape(), rows);
            reduce::softmax(x.as_slice(), cols, y, lse);
        })
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
            let (y, saved) = cx.output_and_save(x.shape(), x.len() + rows);
            let (p, lse) = saved.split_at_mut(x.len());
            reduce::softmax(x.as_slice(), cols, p, lse);
            let rows = x.as_slice().chunks_exact(cols.max(1)).zip(p.chunks_exact(cols.max(1)));
            for (y, (x, p)) in y.chunks_exact_mut(cols.max(1)).zip(rows) {
                let (top, log_sum) = log_sum_exp(x, p);
                let log_sum = T::from_f64(log_sum);
                map([x], Write::Set, y, move |[x]| (x - top) - log_sum);
            }
        })
    }

    /// The length of the last axis.
    #[track_caller]
    pub(super) fn last_axis(self, op: &str) -> usize {
        match self.shape().last() {
            Some(&cols) => cols,
            None => panic!("{op}: a scalar has no axis"),
        }
    }
}
