//! [`CrossEntropy`]: logits against classes.

use fanin_tensor::reduce::PairwiseSum;
use fanin_tensor::{Scalar, Tensor, reduce};

use super::classes::Classes;
use super::fit::{Own, check_labels, check_logits};
use super::pointwise::Saved;
use super::{Loss, PerSample, Reduction, soft_targets};
use crate::tape::Var;

/// The cross-entropy of logits against the class of each row, as PyTorch has it:
///
/// ```text
/// p = softmax(x_i)
/// ℓ_i = −(1 − ε) w_y ln p_y − ε/C Σ_c w_c ln p_c          y the class of row i, C classes
/// L   = Σ_i ℓ_i / Σ_i w_y
/// ```
///
/// ε is the [label smoothing](Self::label_smoothing), 0 by default; w are the
/// [class weights](Self::class_weights), 1 by default. Softmax, logarithm and loss are one operation,
/// stable for logits of any size. The unit is nats; a network that knows nothing has ln C.
///
/// The target may also be a [`Tensor`] of a probability for each class, as knowledge distillation and mixup
/// have it. Then `ℓ_i = −Σ_c w_c q_c ln p_c`, q the target smoothed in the same way, and the mean is
/// divided by the number of rows, as in PyTorch.
///
/// If every row is ignored, or all weights are 0, the mean is NaN, as in PyTorch.
///
/// # Shapes
/// Logits `(rows, classes)`, a label for each row or probabilities `(rows, classes)`; the loss is a scalar,
/// or `(rows)` with [`Reduction::None`].
///
/// # Panics
/// **Panics** if there are not as many labels as rows, a label is not below the number of classes, there
/// are not as many class weights as classes, or a probability is outside \[0, 1\].
///
/// # Example
/// ```
/// use fanin_nn::losses::{CrossEntropy, Loss};
/// use fanin_nn::{Tape, Tensor};
///
/// let loss = CrossEntropy::new().class_weights(&[1.0, 4.0]).ignore_index(usize::MAX);
/// let logits = Tensor::zeros([3, 2]);
/// let l = Tape::new().value(|t| loss.loss(t.input(&logits), &[0, 1, usize::MAX][..]));
/// assert!((l.item() - 2f32.ln()).abs() < 1e-6);
/// ```
///
/// # Reference
/// Szegedy et al. 2015, section 7, for label smoothing.
#[doc(alias = "CrossEntropyLoss")]
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CrossEntropy {
    pub(super) smoothing: f64,
    pub(super) classes: Classes,
    reduction: Reduction,
}

impl CrossEntropy {
    /// The mean cross-entropy, without smoothing, and with equal weights.
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives the true class `1 − ε` of the target, and each class `ε / C`.
    ///
    /// # Panics
    /// **Panics** if ε is outside \[0, 1\].
    #[must_use]
    #[track_caller]
    pub fn label_smoothing(self, smoothing: f64) -> Self {
        assert!(
            (0.0..=1.0).contains(&smoothing),
            "CrossEntropy: a label smoothing of {smoothing} is outside [0, 1]"
        );
        Self { smoothing, ..self }
    }

    /// Multiplies the loss of each row by the weight of its class, and divides the mean by their sum.
    ///
    /// # Panics
    /// **Panics** if a weight is negative or not finite.
    #[must_use]
    #[track_caller]
    pub fn class_weights(self, weights: &[f64]) -> Self {
        Self { classes: self.classes.weighted("CrossEntropy", weights), ..self }
    }

    /// Leaves rows with this label out: they have loss 0, no gradient, and no part in the mean. It need
    /// not be a class: `usize::MAX` marks padding well.
    #[must_use]
    pub fn ignore_index(self, label: usize) -> Self {
        let classes = Classes { ignored: Some(label), ..self.classes };
        Self { classes, ..self }
    }
}

reduction!(CrossEntropy);
loss!(CrossEntropy: [usize] => cross_entropy, |loss, labels, i| loss.classes.count(labels[i]),
    ignores |loss, label| !loss.classes.keeps(label));
loss!(CrossEntropy: Vec<usize> => cross_entropy, |loss, labels, i| loss.classes.count(labels[i]),
    ignores |loss, label| !loss.classes.keeps(label));
loss!(CrossEntropy: Tensor<T> => soft_targets::cross_entropy);

once! {
    #[track_caller]
    fn cross_entropy<'t, 'a, T: Scalar>(
        reduction: Reduction,
        options: &'a CrossEntropy,
        prediction: Var<'t, T>,
        labels: &'a [usize],
    ) -> Var<'t, T> {
        let [rows, classes] = options.classes.check("cross_entropy", &prediction.shape(), labels);
        check_logits("cross_entropy", prediction, Own::Softmax);
        let kept = |label: usize| options.classes.keeps(label);
        check_labels(prediction, labels, classes, kept);
        let denominator = options.classes.denominator(reduction, labels);
        let by_row = reduction == Reduction::None;
        prediction.tape().apply(Saved::new("cross_entropy"), &[prediction], |cx| {
            let (x, backward_follows) = (cx.input(0).as_slice(), cx.differentiated());
            let losses = if by_row { &[rows][..] } else { &[] };
            let (loss, saved) = cx.output_and_save(losses, x.len() + 2 * rows);
            let (p, saved) = saved.split_at_mut(x.len());
            let (top, log_sum) = saved.split_at_mut(rows);
            reduce::softmax(x, classes, p, top, log_sum);
            let spread = options.smoothing / classes as f64;
            let mut sum = PairwiseSum::new();
            for (i, (x, &label)) in x.chunks_exact(classes.max(1)).zip(labels).enumerate() {
                // −ln p of each class.
                let (top, log_sum) = (top[i].to_f64(), log_sum[i].to_f64());
                let row = if kept(label) {
                    let below_top = |x: &T| top - x.to_f64();
                    options.row_loss(label, spread, log_sum, x.iter().map(below_top))
                } else {
                    0.0
                };
                if by_row {
                    loss[i] = T::from_f64(row);
                }
                sum.push(row);
            }
            if !by_row {
                loss[0] = T::from_f64(sum.total() / denominator);
            }
            if backward_follows {
                let scale = 1.0 / denominator;
                let rows = p.chunks_exact_mut(classes.max(1)).zip(x.chunks_exact(classes.max(1)));
                for (((p, x), &label), (top, log_sum)) in rows.zip(labels).zip(top.iter().zip(&*log_sum))
                {
                    if kept(label) {
                        let log_p = (x[label].to_f64() - top.to_f64()) - log_sum.to_f64();
                        options.row_derivative(label, [spread, scale, log_p], p);
                    } else {
                        p.fill(T::ZERO);
                    }
                }
            }
        })
    }
}

impl CrossEntropy {
    /// The loss of a row; `−ln p_k` is `log_sum` plus what `below_top` has for k.
    fn row_loss(
        &self,
        label: usize,
        spread: f64,
        log_sum: f64,
        below_top: impl ExactSizeIterator<Item = f64> + Clone,
    ) -> f64 {
        let of_label = below_top.clone().nth(label).expect("the label is a class");
        let hit = 1.0 - self.smoothing;
        if self.classes.weights.is_none() {
            let mut loss = log_sum + hit * of_label;
            if spread > 0.0 {
                loss += spread * PairwiseSum::of(below_top);
            }
            return loss;
        }
        let mut loss = hit * self.classes.weight(label) * (log_sum + of_label);
        if spread > 0.0 {
            let weighted = below_top.enumerate().map(|(k, x)| self.classes.weight(k) * (log_sum + x));
            loss += spread * PairwiseSum::of(weighted);
        }
        loss
    }

    /// Turns the softmax of a row into the derivative of its loss, times `scale`. `log_p` is the logarithm of
    /// the label's probability.
    fn row_derivative<T: Scalar>(
        &self,
        label: usize,
        [spread, scale, log_p]: [f64; 3],
        p: &mut [T],
    ) {
        let hit = 1.0 - self.smoothing;
        // p − 1, which cancels for a p near 1.
        let of_label = p[label].to_f64();
        let missing = if of_label > 0.5 { log_p.exp_m1() } else { of_label - 1.0 };
        if self.classes.weights.is_none() {
            let d = T::from_f64(scale * (missing + (self.smoothing - spread)));
            let scale = T::from_f64(scale);
            let spread = T::from_f64(spread) * scale;
            p.iter_mut().for_each(|p| *p = *p * scale - spread);
            p[label] = d;
            return;
        }
        // Σ_k q_k (p − onehot_k), q the weighted target.
        let weights = self.classes.weights.iter().flatten().copied();
        let (weights, of_label) = (PairwiseSum::of(weights), self.classes.weight(label));
        let total = hit * of_label + spread * weights;
        for (k, p) in p.iter_mut().enumerate() {
            *p = T::from_f64(scale * (total * p.to_f64() - spread * self.classes.weight(k)));
        }
        p[label] = T::from_f64(scale * (total * missing + spread * (weights - of_label)));
    }
}

impl<'t, T: Scalar> Var<'t, T> {
    /// The mean cross-entropy of logits `(rows, classes)` against the true class of each row:
    /// [`CrossEntropy`] in short, which also has options.
    ///
    /// # Panics
    /// **Panics** if there are not as many labels as rows, or a label is not below the number of
    /// classes.
    ///
    /// # Example
    /// ```
    /// use fanin_nn::{Tape, Tensor};
    /// let logits = Tensor::zeros([2, 10]);
    /// let loss = Tape::new().value(|t| t.input(&logits).cross_entropy(&[3, 7]));
    /// assert!((loss.item() - 10f32.ln()).abs() < 1e-6);
    /// ```
    #[must_use]
    #[track_caller]
    pub fn cross_entropy(self, labels: &[usize]) -> Self {
        CrossEntropy::new().loss(self, labels)
    }
}
