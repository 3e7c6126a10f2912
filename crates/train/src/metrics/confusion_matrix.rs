//! [`ConfusionMatrix`]: which class is taken for which.

use std::fmt;

use fanin_tensor::Tensor;
use fanin_tensor::reduce::PairwiseSum;

use super::Average;
use super::accuracy::{check_logits, predicted, rows, width};

/// How often each class is taken for which.
///
/// The predicted class of a sample is that of its largest output, the first of equals.
///
/// # Shapes
/// `outputs` is `(n, classes)`: logits or probabilities. `(n)` and `(n, 1)` are logits of class 1, which is
/// predicted where they are positive. `labels` has `n` classes.
///
/// # Panics
/// **Panics** if `outputs` has another shape, or if a label has no output.
///
/// # Example
/// ```
/// use fanin_train::metrics::confusion_matrix;
/// use fanin_tensor::Tensor;
///
/// let outputs = Tensor::from_vec([3, 2], vec![0.9, 0.1, 0.2, 0.8, 0.3, 0.7]);
/// let matrix = confusion_matrix(&outputs, &[0, 0, 1]);
/// assert_eq!((matrix.count(0, 1), matrix.count(1, 0)), (1, 0));   // a 0 was taken for a 1
/// assert_eq!((matrix.precision(1), matrix.recall(1)), (0.5, 1.0));
/// ```
#[track_caller]
pub fn confusion_matrix(outputs: &Tensor, labels: &[usize]) -> ConfusionMatrix {
    check_logits("confusion_matrix", outputs, labels);
    let mut matrix = ConfusionMatrix::default();
    matrix.add(outputs, labels);
    matrix
}

/// Counts by true class (rows) and predicted class (columns). Prints as a table.
///
/// With `C_tp` the count of true class `t` and predicted class `p`:
/// ```text
/// precision_c = C_cc / Σ_t C_tc        of those taken for c, the share that is c
/// recall_c    = C_cc / Σ_p C_cp        of those that are c, the share taken for c
/// F1_c        = 2 C_cc / (Σ_t C_tc + Σ_p C_cp)
/// accuracy    = Σ_c C_cc / Σ_tp C_tp
/// ```
/// Where nothing is divided by nothing, precision, recall and F1 are 0. The macro averages are means
/// over the classes that occur, be it as a label or as a prediction. The micro averages of all three are
/// the accuracy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConfusionMatrix {
    classes: usize,
    counts: Vec<usize>,
}

impl ConfusionMatrix {
    /// Counts more samples, which have been checked.
    ///
    /// # Panics
    /// **Panics** if earlier samples had another number of classes.
    #[track_caller]
    pub(crate) fn add(&mut self, outputs: &Tensor, labels: &[usize]) {
        if labels.is_empty() {
            return;
        }
        // One output is the logit of class 1 of two.
        let classes = width(outputs).max(2);
        if self.counts.is_empty() {
            self.classes = classes;
            self.counts = vec![0; self.classes * self.classes];
        }
        if classes != self.classes {
            panic!("confusion matrix: {classes} classes after batches of {}", self.classes);
        }
        for (row, &truth) in rows(outputs).zip(labels) {
            self.counts[truth * self.classes + predicted(row)] += 1;
        }
    }

    /// How many classes there are.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// How often `truth` was taken for `predicted`.
    ///
    /// # Panics
    /// **Panics** if there is no such class.
    #[track_caller]
    pub fn count(&self, truth: usize, predicted: usize) -> usize {
        self.check_class("count", truth);
        self.check_class("count", predicted);
        self.counts[truth * self.classes + predicted]
    }

    /// The share on the diagonal, in \[0, 1\]; NaN for an empty set.
    pub fn accuracy(&self) -> f64 {
        let right: usize = (0..self.classes).map(|class| self.count(class, class)).sum();
        right as f64 / self.counts.iter().sum::<usize>() as f64
    }

    /// The share, in \[0, 1\], of the samples predicted as `class` that are of this class.
    ///
    /// # Panics
    /// **Panics** if there is no such class.
    #[track_caller]
    pub fn precision(&self, class: usize) -> f64 {
        self.check_class("precision", class);
        share(self.count(class, class), self.predicted(class))
    }

    /// The share, in \[0, 1\], of the samples of `class` that are predicted as this class.
    ///
    /// # Panics
    /// **Panics** if there is no such class.
    #[track_caller]
    pub fn recall(&self, class: usize) -> f64 {
        self.check_class("recall", class);
        share(self.count(class, class), self.labelled(class))
    }

    /// The harmonic mean of [`precision`](Self::precision) and [`recall`](Self::recall), in
    /// \[0, 1\].
    ///
    /// # Panics
    /// **Panics** if there is no such class.
    #[track_caller]
    pub fn f1(&self, class: usize) -> f64 {
        self.check_class("f1", class);
        share(2 * self.count(class, class), self.predicted(class) + self.labelled(class))
    }

    /// The mean precision of the classes; NaN for an empty set.
    pub fn macro_precision(&self) -> f64 {
        self.mean(|class| self.precision(class))
    }

    /// The mean recall of the classes; NaN for an empty set.
    pub fn macro_recall(&self) -> f64 {
        self.mean(|class| self.recall(class))
    }

    /// The mean F1 of the classes; NaN for an empty set.
    pub fn macro_f1(&self) -> f64 {
        self.mean(|class| self.f1(class))
    }

    /// The precision of all classes as one number; NaN for an empty set.
    ///
    /// # Panics
    /// **Panics** if the average is that of a class that there is not.
    #[track_caller]
    pub fn mean_precision(&self, average: Average) -> f64 {
        self.averaged("precision", average, |class| self.precision(class))
    }

    /// The recall of all classes as one number; NaN for an empty set.
    ///
    /// # Panics
    /// **Panics** if the average is that of a class that there is not.
    #[track_caller]
    pub fn mean_recall(&self, average: Average) -> f64 {
        self.averaged("recall", average, |class| self.recall(class))
    }

    /// The F1 of all classes as one number; NaN for an empty set.
    ///
    /// # Panics
    /// **Panics** if the average is that of a class that there is not.
    #[track_caller]
    pub fn mean_f1(&self, average: Average) -> f64 {
        self.averaged("f1", average, |class| self.f1(class))
    }

    /// The mean recall of the classes that occur as labels; NaN for an empty set.
    ///
    /// Unlike [`macro_recall`](Self::macro_recall) it leaves out a class that occurs as a prediction
    /// alone.
    pub fn balanced_accuracy(&self) -> f64 {
        let classes: Vec<usize> = (0..self.classes).filter(|&c| self.labelled(c) > 0).collect();
        PairwiseSum::of(classes.iter().map(|&class| self.recall(class))) / classes.len() as f64
    }

    #[track_caller]
    fn averaged(&self, op: &str, average: Average, of: impl Fn(usize) -> f64) -> f64 {
        let samples: usize = self.counts.iter().sum();
        if samples == 0 {
            return f64::NAN;
        }
        match average {
            Average::Macro => self.mean(of),
            Average::Micro => self.accuracy(),
            Average::Weighted => {
                let classes = 0..self.classes;
                let terms = classes.map(|class| self.labelled(class) as f64 * of(class));
                PairwiseSum::of(terms) / samples as f64
            }
            Average::Class(class) => {
                self.check_class(op, class);
                of(class)
            }
        }
    }

    /// Panics if the average is that of a class that there is not; an empty matrix may get any class.
    #[track_caller]
    pub(super) fn check_average(&self, op: &str, average: Average) {
        if let Average::Class(class) = average
            && self.classes > 0
        {
            self.check_class(op, class);
        }
    }

    /// How many samples were taken for `class`.
    fn predicted(&self, class: usize) -> usize {
        (0..self.classes).map(|truth| self.count(truth, class)).sum()
    }

    /// How many samples are of `class`.
    fn labelled(&self, class: usize) -> usize {
        (0..self.classes).map(|predicted| self.count(class, predicted)).sum()
    }

    /// The mean over the classes that occur.
    fn mean(&self, of: impl Fn(usize) -> f64) -> f64 {
        let occurs = |class: &usize| self.predicted(*class) + self.labelled(*class) > 0;
        let classes: Vec<usize> = (0..self.classes).filter(occurs).collect();
        PairwiseSum::of(classes.iter().map(|&class| of(class))) / classes.len() as f64
    }

    #[track_caller]
    pub(super) fn check_class(&self, op: &str, class: usize) {
        if class >= self.classes {
            panic!("{op}: no class {class} among {}", self.classes);
        }
    }
}

fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

impl fmt::Display for ConfusionMatrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "truth \\ predicted")?;
        (0..self.classes).try_for_each(|class| write!(f, "{class:>6}"))?;
        for (class, row) in self.counts.chunks(self.classes.max(1)).enumerate() {
            write!(f, "\n{class:>17}")?;
            for count in row {
                // A dot for zero, so that the errors stand out.
                if *count == 0 { write!(f, "{:>6}", "·")? } else { write!(f, "{count:>6}")? }
            }
        }
        Ok(())
    }
}
