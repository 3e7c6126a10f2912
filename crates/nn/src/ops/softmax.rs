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
                    map([x], Write::Set, y, move |[x]| (x - top) - log_sum);
                }
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
