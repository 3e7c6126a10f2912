//! [`MultiLabelMargin`]: the hinge loss of rows with several classes each.

use fanin_tensor::reduce::PairwiseSum;
use fanin_tensor::{Scalar, Tensor};

use super::fit::{Own, check_logits};
use super::require::{require_bits, require_shape};
use super::rows::Rows;
use super::{Loss, PerSample, Reduction};
use crate::ops::bad_shapes;
use crate::tape::Var;

/// The hinge loss of the scores of C classes, where a row may have several classes:
///
/// ```text
/// ℓ_i = 1/C · Σ_{j in the classes of i} Σ_{k not in them} max(0, 1 − (x_ij − x_ik))
/// ```
///
/// The target has a 1 for each class of the row and 0 elsewhere. (PyTorch's `MultiLabelMarginLoss` takes
/// the numbers of the classes, followed by −1.)
///
/// # Shapes
/// Scores and targets `(rows, classes)`; the loss is a scalar, or `(rows)` with [`Reduction::None`].
///
/// # Panics
/// **Panics** if the shapes differ, or a target is neither 0 nor 1.
///
/// # Example
/// ```
/// use fanin_nn::losses::{Loss, MultiLabelMargin};
/// use fanin_nn::{Tape, Tensor};
///
/// let scores = Tensor::from_vec([1, 4], vec![0.1, 0.2, 0.4, 0.8]);
/// let target = Tensor::from_vec([1, 4], vec![1.0, 0.0, 0.0, 1.0]);
/// let l = Tape::new().value(|t| MultiLabelMargin::new().loss(t.input(&scores), &target));
/// assert!((l.item() - 0.85).abs() < 1e-6);
/// ```
#[doc(alias = "MultiLabelMarginLoss")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MultiLabelMargin {
    reduction: Reduction,
}

impl MultiLabelMargin {
    /// The mean loss.
    pub fn new() -> Self {
        Self::default()
    }
}

reduction!(MultiLabelMargin);
loss!(MultiLabelMargin: Tensor<T> => multi_label_margin);

#[track_caller]
fn multi_label_margin<'t, 'a, T: Scalar>(
    reduction: Reduction,
    _options: &'a MultiLabelMargin,
    prediction: Var<'t, T>,
    target: &'a Tensor<T>,
) -> Var<'t, T> {
    let name = "multi_label_margin";
    require_shape(name, prediction, target.shape());
    let &[rows, classes] = target.shape() else {
        bad_shapes(name, target.shape(), target.shape(), "both must be (rows, classes)")
    };
    require_bits(name, target);
    check_logits(name, prediction, Own::Nothing);
    let denominator = reduction.denominator(rows, rows);
    let rows = Rows { name, reduction, denominator, shape: [rows, classes] };
    rows.apply(prediction, |row, x, d| {
        let target = &target.as_slice()[row * classes..][..classes];
        let mut loss = PairwiseSum::new();
        // Counts first: they are exact.
        d.fill(T::ZERO);
        for j in (0..classes).filter(|&j| target[j] == T::ONE) {
            for k in (0..classes).filter(|&k| target[k] == T::ZERO) {
                let z = 1.0 - (x[j].to_f64() - x[k].to_f64());
                if z > 0.0 {
                    loss.push(z);
                    d[j] -= T::ONE;
                    d[k] += T::ONE;
                }
            }
        }
        let scale = T::from_f64(1.0 / (classes as f64 * denominator));
        d.iter_mut().for_each(|d| *d *= scale);
        loss.total() / classes as f64
    })
}
