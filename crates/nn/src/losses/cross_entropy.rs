//! [`CrossEntropy`]: logits against classes.

use fanin_tensor::map::map;
use fanin_tensor::reduce::PairwiseSum;
use fanin_tensor::{Scalar, reduce};

use super::fit::check_logits;
use super::{Loss, Reduction};
use crate::ops::bad_shapes;
use crate::tape::{Backward, Op, Var};

/// The cross-entropy of logits against the class of each row, as PyTorch has it:
///
/// ```text
/// p = softmax(x_i)
/// ℓ_i = −(1 − ε) w_y ln p_y − ε/C Σ_c w_c ln p_c          y the class of row i, C classes
/// L   = Σ_i ℓ_i / Σ_i w_y
/// ```
///
/// ε is the [label smoothing](Self::label_smoothing), at first 0; w are the
/// [class weights](Self::class_weights), at first 1. Softmax, logarithm and loss are one operation,
/// stable for logits of any size. The unit is nats; a network that knows nothing has ln C.
///
/// # Shapes
/// Logits `(rows, classes)`, a label for each row; the loss is a scalar, or `(rows)` with
/// [`Reduction::None`].
///
/// # Panics
/// **Panics** if there are not as many labels as rows, a label is not below the number of classes, or
/// there are not as many class weights as classes.
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
    smoothing: f64,
    class_weights: Option<Vec<f64>>,
    ignored: Option<usize>,
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
        if let Some(w) = weights.iter().find(|w| !(**w >= 0.0 && w.is_finite())) {
            panic!("CrossEntropy: a class weight of {w} is negative or not finite");
        }
        Self { class_weights: Some(weights.to_vec()), ..self }
    }

    /// Leaves rows with this label out: they have loss 0, no gradient, and no part in the mean. It need
    /// not be a class: `usize::MAX` marks padding well.
    #[must_use]
    pub fn ignore_index(self, label: usize) -> Self {
        Self { ignored: Some(label), ..self }
    }

    /// The same loss, reduced in another way.
    #[must_use]
    pub fn reduction(self, reduction: Reduction) -> Self {
        Self { reduction, ..self }
    }

    fn weight(&self, class: usize) -> f64 {
        self.class_weights.as_ref().map_or(1.0, |weights| weights[class])
    }

    /// Checks the options and labels against logits of this shape.
    #[track_caller]
    fn check(&self, shape: &[usize], labels: &[usize]) -> [usize; 2] {
        let &[rows, classes] = shape else {
            bad_shapes("cross_entropy", shape, &[labels.len()], "logits must be (rows, classes)")
        };
        if labels.len() != rows {
            bad_shapes("cross_entropy", shape, &[labels.len()], "there must be a label per row");
        }
        if let Some(weights) = &self.class_weights
            && weights.len() != classes
        {
            let why = "there must be a class weight per class";
            bad_shapes("cross_entropy", shape, &[weights.len()], why);
        }
        for (row, &label) in labels.iter().enumerate() {
            if label >= classes && self.ignored != Some(label) {
                panic!("cross_entropy: label {label} of row {row} is not below {classes} classes");
            }
        }
        [rows, classes]
    }
}

/// `dx_ik = dL_i · saved_ik`, where `saved` is the derivative of the loss, and `dL_i` is that of the
/// row, or the one of all rows. A `saved_ik` below [`Backward::limit`] counts as 0: softmax has tails.
#[derive(Debug)]
struct CrossEntropyOp {
    by_row: bool,
}

impl<T: Scalar> Op<T> for CrossEntropyOp {
    fn backward(&self, cx: &mut Backward<'_, T>) {
        let (saved, dy, limit) = (cx.saved(), cx.dy(), cx.limit(0));
        let Some((write, dx)) = cx.grad(0) else { return };
        let cols = if self.by_row { dx.len() / dy.len().max(1) } else { dx.len() };
        let saved = saved[..dx.len()].chunks_exact(cols.max(1));
        for ((dx, saved), &d) in dx.chunks_exact_mut(cols.max(1)).zip(saved).zip(dy) {
            map([saved], write, dx, move |[s]| d * s.zero_below(limit));
        }
    }
}

impl<T: Scalar> Loss<[usize], T> for CrossEntropy {
    #[track_caller]
    fn loss<'t>(&self, prediction: Var<'t, T>, labels: &[usize]) -> Var<'t, T> {
        cross_entropy(self, prediction, labels)
    }

    fn ignores(&self, label: usize) -> bool {
        self.ignored == Some(label)
    }
}

once! {
    #[track_caller]
    fn cross_entropy<'t, 'a, T: Scalar>(
        options: &'a CrossEntropy,
        prediction: Var<'t, T>,
        labels: &'a [usize],
    ) -> Var<'t, T> {
        let [rows, classes] = options.check(&prediction.shape(), labels);
        check_logits(prediction);
        let kept = |label: usize| options.ignored != Some(label);
        let denominator = match options.reduction {
            Reduction::Mean if options.class_weights.is_none() && options.ignored.is_none() => {
                rows as f64
            }
            Reduction::Mean => {
                let kept = labels.iter().filter(|&&label| kept(label));
                PairwiseSum::of(kept.map(|&label| options.weight(label)))
            }
            Reduction::Sum | Reduction::None => 1.0,
        };
        let by_row = options.reduction == Reduction::None;
        prediction.tape().apply(CrossEntropyOp { by_row }, &[prediction], |cx| {
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

impl<T: Scalar> Loss<Vec<usize>, T> for CrossEntropy {
    #[track_caller]
    fn loss<'t>(&self, prediction: Var<'t, T>, labels: &Vec<usize>) -> Var<'t, T> {
        self.loss(prediction, &labels[..])
    }

    fn ignores(&self, label: usize) -> bool {
        self.ignored == Some(label)
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
        if self.class_weights.is_none() {
            let mut loss = log_sum + hit * of_label;
            if spread > 0.0 {
                loss += spread * PairwiseSum::of(below_top);
            }
            return loss;
        }
        let mut loss = hit * self.weight(label) * (log_sum + of_label);
        if spread > 0.0 {
            let weighted = below_top.enumerate().map(|(k, x)| self.weight(k) * (log_sum + x));
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
        if self.class_weights.is_none() {
            let d = T::from_f64(scale * (missing + (self.smoothing - spread)));
            let scale = T::from_f64(scale);
            let spread = T::from_f64(spread) * scale;
            p.iter_mut().for_each(|p| *p = *p * scale - spread);
            p[label] = d;
            return;
        }
        // Σ_k q_k (p − onehot_k), q the weighted target.
        let weights = self.class_weights.iter().flatten().copied();
        let (weights, of_label) = (PairwiseSum::of(weights), self.weight(label));
        let total = hit * of_label + spread * weights;
        for (k, p) in p.iter_mut().enumerate() {
            *p = T::from_f64(scale * (total * p.to_f64() - spread * self.weight(k)));
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
