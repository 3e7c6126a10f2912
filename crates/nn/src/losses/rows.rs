//! Losses of rows: of the scores of classes.

use fanin_tensor::Scalar;
use fanin_tensor::reduce::{self, PairwiseSum};

use super::Reduction;
use super::pointwise::Saved;
use crate::tape::Var;

/// A loss of each row, apart from its function.
pub(super) struct Rows {
    pub(super) name: &'static str,
    pub(super) reduction: Reduction,
    /// By what the sum of the rows' losses is divided.
    pub(super) denominator: f64,
    pub(super) shape: [usize; 2],
}

impl Rows {
    /// `f` of each row, reduced. It gets the number of the row and the row. It writes the derivative of its
    /// loss, divided by the denominator.
    #[track_caller]
    pub(super) fn apply<'t, T: Scalar>(
        self,
        prediction: Var<'t, T>,
        f: impl Fn(usize, &[T], &mut [T]) -> f64,
    ) -> Var<'t, T> {
        let [rows, cols] = self.shape;
        prediction.tape().apply(Saved::new(self.name), &[prediction], |cx| {
            let x = cx.input(0).as_slice();
            let (y, saved) = cx.output_and_save(self.output(&[rows]), x.len());
            let each = x.chunks_exact(cols.max(1)).zip(saved.chunks_exact_mut(cols.max(1)));
            self.reduce(each.enumerate().map(|(row, (x, d))| f(row, x, d)), y);
        })
    }

    /// The same, where `f` finds the softmax of the row instead of the derivative that it is to write. It
    /// also gets the largest element m of the row and `log Σ_j e^(x_j − m)`.
    #[track_caller]
    pub(super) fn apply_to_softmax<'t, T: Scalar>(
        self,
        prediction: Var<'t, T>,
        f: impl Fn(usize, &[T], &mut [T], [f64; 2]) -> f64,
    ) -> Var<'t, T> {
        let [rows, cols] = self.shape;
        prediction.tape().apply(Saved::new(self.name), &[prediction], |cx| {
            let x = cx.input(0).as_slice();
            let (y, saved) = cx.output_and_save(self.output(&[rows]), x.len() + 2 * rows);
            let (p, saved) = saved.split_at_mut(x.len());
            let (top, log_sum) = saved.split_at_mut(rows);
            reduce::softmax(x, cols, p, top, log_sum);
            let sums = top.iter().zip(&*log_sum).map(|(top, sum)| [top.to_f64(), sum.to_f64()]);
            let each = x.chunks_exact(cols.max(1)).zip(p.chunks_exact_mut(cols.max(1))).zip(sums);
            self.reduce(each.enumerate().map(|(row, ((x, p), sums))| f(row, x, p, sums)), y);
        })
    }

    fn output<'a>(&self, rows: &'a [usize]) -> &'a [usize] {
        if self.reduction == Reduction::None { rows } else { &[] }
    }

    fn reduce<T: Scalar>(&self, losses: impl Iterator<Item = f64>, y: &mut [T]) {
        if self.reduction == Reduction::None {
            y.iter_mut().zip(losses).for_each(|(y, loss)| *y = T::from_f64(loss));
        } else {
            y[0] = T::from_f64(PairwiseSum::of(losses) / self.denominator);
        }
    }
}
