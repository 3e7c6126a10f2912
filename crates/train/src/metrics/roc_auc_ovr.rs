//! [`roc_auc_ovr`], and [`RocAucOvr`] batch by batch.

use fanin_tensor::reduce::PairwiseSum;
use fanin_tensor::{Tensor, show_shape};

use super::accuracy::check_classes;
use super::probabilities::for_each_sample;
use super::roc_auc::{area, sorted};
use super::{Average, Metric};

/// The area under the receiver operating characteristic of several classes, each against the rest.
///
/// ```text
/// AUC_c = roc_auc(p_·c, [label = c]),   p_i = softmax(z_i)
/// ```
/// With [`Average::Micro`], the probabilities of all classes are ranked together. NaN if a class has no
/// samples, or all of them, or if a logit is NaN. It takes logits, not probabilities; see
/// [`log_loss`](super::log_loss). For two classes of one score, take [`roc_auc`](super::roc_auc).
///
/// # Shapes
/// `logits` is `(n, classes)`. `labels` has `n` classes.
///
/// # Panics
/// **Panics** if `logits` has another shape, if a label has no logit, or if the average is that of a
/// class that has none.
///
/// # Example
/// ```
/// use fanin_tensor::Tensor;
/// use fanin_train::metrics::{Average, roc_auc_ovr};
///
/// let logits = Tensor::from([[2.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 3.0], [1.0, 0.0, 0.0]]);
/// assert_eq!(roc_auc_ovr(&logits, &[0, 1, 2, 0], Average::Macro), 1.0);
/// ```
///
/// # Reference
/// Provost and Domingos 2000, for the weighted average.
#[doc(alias = "roc_auc_score")]
#[track_caller]
pub fn roc_auc_ovr(logits: &Tensor, labels: &[usize], average: Average) -> f64 {
    check("roc_auc_ovr", logits, labels, average);
    let mut auc = RocAucOvr::new(average);
    auc.add(logits, labels);
    auc.value()
}

/// [`roc_auc_ovr`], batch by batch. It keeps the probabilities and the labels.
///
/// # Example
/// ```
/// use fanin_tensor::Tensor;
/// use fanin_train::metrics::{Average, Metric, RocAucOvr};
///
/// let mut auc = RocAucOvr::new(Average::Macro);
/// auc.update(&Tensor::from([[2.0, 0.0, 0.0], [0.0, 1.0, 0.0]]), &[0, 1][..]);
/// auc.update(&Tensor::from([[0.0, 0.0, 3.0], [1.0, 0.0, 0.0]]), &[2, 0][..]);
/// assert_eq!(auc.value(), 1.0);
/// ```
#[derive(Clone, Debug)]
pub struct RocAucOvr {
    average: Average,
    classes: usize,
    /// Logarithms of probabilities, which rank as these do: `(n, classes)`.
    log_p: Vec<f64>,
    labels: Vec<usize>,
}

impl RocAucOvr {
    /// An area of no samples yet.
    pub fn new(average: Average) -> Self {
        Self { average, classes: 0, log_p: vec![], labels: vec![] }
    }

    fn add(&mut self, logits: &Tensor, labels: &[usize]) {
        if !labels.is_empty() {
            self.classes = logits.shape()[1];
        }
        for_each_sample(logits, labels, |log_p, _| self.log_p.extend(log_p));
        self.labels.extend(labels);
    }

    /// The scores of a class, each with whether the sample is of it.
    fn of_class(&self, class: usize) -> impl Iterator<Item = (f64, bool)> {
        let scores = self.log_p.iter().copied().skip(class).step_by(self.classes);
        scores.zip(self.labels.iter().map(move |&label| label == class))
    }

    fn auc(&self, class: usize) -> f64 {
        area(sorted(self.of_class(class).collect()))
    }
}

impl Metric<[usize]> for RocAucOvr {
    fn name(&self) -> String {
        self.average.name("roc_auc")
    }

    fn higher_is_better(&self) -> bool {
        true
    }

    fn reset(&mut self) {
        *self = Self::new(self.average);
    }

    #[track_caller]
    fn update(&mut self, logits: &Tensor, labels: &[usize]) {
        check("RocAucOvr", logits, labels, self.average);
        if !labels.is_empty() && self.classes != 0 && self.classes != logits.shape()[1] {
            let shape = show_shape(logits.shape());
            panic!("RocAucOvr: logits {shape} after batches of {} classes", self.classes);
        }
        self.add(logits, labels);
    }

    fn value(&self) -> f64 {
        if self.labels.is_empty() {
            return f64::NAN;
        }
        let classes = || 0..self.classes;
        match self.average {
            Average::Macro => {
                PairwiseSum::of(classes().map(|class| self.auc(class))) / self.classes as f64
            }
            Average::Weighted => {
                let count = |class| self.labels.iter().filter(|&&label| label == class).count();
                let terms = classes().map(|class| count(class) as f64 * self.auc(class));
                PairwiseSum::of(terms) / self.labels.len() as f64
            }
            Average::Micro => area(sorted(classes().flat_map(|c| self.of_class(c)).collect())),
            Average::Class(class) => self.auc(class),
        }
    }
}

#[track_caller]
fn check(op: &str, logits: &Tensor, labels: &[usize], average: Average) {
    check_classes(op, logits, labels);
    if labels.is_empty() {
        return;
    }
    let (shape, classes) = (show_shape(logits.shape()), logits.shape()[1]);
    if classes < 2 {
        panic!("{op}: logits {shape}; give 2 or more classes, or take roc_auc for one score");
    }
    if let Average::Class(class) = average
        && class >= classes
    {
        panic!("{op}: logits {shape}, and the average is that of class {class}");
    }
}
