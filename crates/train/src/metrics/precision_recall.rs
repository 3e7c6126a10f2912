//! [`precision`], [`recall`], [`f1`] and [`balanced_accuracy`], and the same batch by batch.

use fanin_tensor::Tensor;

use super::accuracy::check_logits;
use super::{Average, ConfusionMatrix, Metric};

/// The share, in \[0, 1\], of the samples predicted as a class that are of this class, averaged over the
/// classes; NaN for no samples.
///
/// ```text
/// precision_c = |{i : argmax y_i = c = label_i}| / |{i : argmax y_i = c}|
/// ```
/// It is 0 for a class that no sample is predicted as. The macro average is over the classes that occur,
/// be it as a label or as a prediction. Of equal outputs the first counts as the largest.
///
/// # Shapes
/// `outputs` is `(n, classes)`: logits or probabilities. `(n)` and `(n, 1)` are logits of class 1, which is
/// predicted where they are positive. `labels` has `n` classes.
///
/// # Panics
/// **Panics** if `outputs` has another shape, if a label has no output, or if the average is that of a
/// class that has none.
///
/// # Example
/// ```
/// use fanin_tensor::Tensor;
/// use fanin_train::metrics::{Average, precision};
///
/// let outputs = Tensor::from([[0.9, 0.1], [0.2, 0.8], [0.3, 0.7]]);
/// assert_eq!(precision(&outputs, &[0, 0, 1], Average::Class(1)), 0.5);
/// assert_eq!(precision(&outputs, &[0, 0, 1], Average::Macro), 0.75);
/// ```
#[doc(alias = "precision_score")]
#[track_caller]
pub fn precision(outputs: &Tensor, labels: &[usize], average: Average) -> f64 {
    counted("precision", outputs, labels).mean_precision(average)
}

/// The share, in \[0, 1\], of the samples of a class that are predicted as this class, averaged over the
/// classes; NaN for no samples.
///
/// ```text
/// recall_c = |{i : argmax y_i = c = label_i}| / |{i : label_i = c}|
/// ```
/// It is 0 for a class without samples. The macro average is over the classes that occur, be it as a
/// label or as a prediction. Of equal outputs the first counts as the largest.
///
/// # Shapes
/// `outputs` is `(n, classes)`: logits or probabilities. `(n)` and `(n, 1)` are logits of class 1, which is
/// predicted where they are positive. `labels` has `n` classes.
///
/// # Panics
/// **Panics** if `outputs` has another shape, if a label has no output, or if the average is that of a
/// class that has none.
///
/// # Example
/// ```
/// use fanin_tensor::Tensor;
/// use fanin_train::metrics::{Average, recall};
///
/// let outputs = Tensor::from([[0.9, 0.1], [0.2, 0.8], [0.3, 0.7]]);
/// assert_eq!(recall(&outputs, &[0, 0, 1], Average::Class(0)), 0.5);
/// assert_eq!(recall(&outputs, &[0, 0, 1], Average::Macro), 0.75);
/// ```
#[doc(alias = "recall_score")]
#[track_caller]
pub fn recall(outputs: &Tensor, labels: &[usize], average: Average) -> f64 {
    counted("recall", outputs, labels).mean_recall(average)
}

/// The harmonic mean of [`precision`] and [`recall`], in \[0, 1\], averaged over the classes; NaN for no
/// samples.
///
/// ```text
/// F1_c = 2 |{i : argmax y_i = c = label_i}| / (|{i : argmax y_i = c}| + |{i : label_i = c}|)
/// ```
/// The macro average is over the classes that occur, be it as a label or as a prediction. Of equal
/// outputs the first counts as the largest.
///
/// # Shapes
/// `outputs` is `(n, classes)`: logits or probabilities. `(n)` and `(n, 1)` are logits of class 1, which is
/// predicted where they are positive. `labels` has `n` classes.
///
/// # Panics
/// **Panics** if `outputs` has another shape, if a label has no output, or if the average is that of a
/// class that has none.
///
/// # Example
/// ```
/// use fanin_tensor::Tensor;
/// use fanin_train::metrics::{Average, f1};
///
/// let outputs = Tensor::from([[0.9, 0.1], [0.2, 0.8], [0.3, 0.7]]);
/// assert_eq!(f1(&outputs, &[0, 0, 1], Average::Macro), 2.0 / 3.0);
/// ```
#[doc(alias = "f1_score")]
#[track_caller]
pub fn f1(outputs: &Tensor, labels: &[usize], average: Average) -> f64 {
    counted("f1", outputs, labels).mean_f1(average)
}

/// The mean of the classes' recalls, in \[0, 1\]: an accuracy for which rare classes are as important as
/// frequent ones. NaN for no samples.
///
/// ```text
/// balanced accuracy = mean_c recall_c,   over the classes c that occur as labels
/// ```
/// Of equal outputs the first counts as the largest.
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
/// use fanin_tensor::Tensor;
/// use fanin_train::metrics::{accuracy, balanced_accuracy};
///
/// // Everything is taken for the frequent class.
/// let (outputs, labels) = (Tensor::from([[0.9, 0.1]; 10]), [0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
/// assert_eq!(accuracy(&outputs, &labels), 0.9);
/// assert_eq!(balanced_accuracy(&outputs, &labels), 0.5);
/// ```
#[doc(alias = "balanced_accuracy_score")]
#[track_caller]
pub fn balanced_accuracy(outputs: &Tensor, labels: &[usize]) -> f64 {
    counted("balanced_accuracy", outputs, labels).balanced_accuracy()
}

#[track_caller]
fn counted(op: &str, outputs: &Tensor, labels: &[usize]) -> ConfusionMatrix {
    check_logits(op, outputs, labels);
    let mut matrix = ConfusionMatrix::default();
    matrix.add(outputs, labels);
    matrix
}

/// A metric of the confusion matrix, batch by batch: its options, its name, and its value.
macro_rules! of_confusion_matrix {
    ($(
        $(#[$doc:meta])*
        $metric:ident($($option:ident: $type:ty)?) = $name:expr, $value:expr;
    )*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $metric {
            matrix: ConfusionMatrix,
            $($option: $type,)?
        }

        impl $metric {
            /// A metric of no samples yet.
            #[allow(clippy::new_without_default, reason = "some have an option")]
            pub fn new($($option: $type)?) -> Self {
                Self { matrix: ConfusionMatrix::default(), $($option)? }
            }
        }

        impl Metric<[usize]> for $metric {
            fn name(&self) -> String {
                let name: fn(&Self) -> String = $name;
                name(self)
            }

            fn higher_is_better(&self) -> bool {
                true
            }

            fn reset(&mut self) {
                self.matrix = ConfusionMatrix::default();
            }

            #[track_caller]
            fn update(&mut self, outputs: &Tensor, labels: &[usize]) {
                check_logits(stringify!($metric), outputs, labels);
                self.matrix.add(outputs, labels);
                $(self.matrix.check_average(stringify!($metric), self.$option);)?
            }

            fn value(&self) -> f64 {
                let value: fn(&Self) -> f64 = $value;
                value(self)
            }
        }
    )*};
}

of_confusion_matrix! {
    /// [`precision`], batch by batch.
    ///
    /// # Example
    /// ```
    /// use fanin_tensor::Tensor;
    /// use fanin_train::metrics::{Average, Metric, Precision};
    ///
    /// let mut precision = Precision::new(Average::Class(1));
    /// precision.update(&Tensor::from([[0.9, 0.1], [0.2, 0.8]]), &[0, 0][..]);
    /// precision.update(&Tensor::from([[0.3, 0.7]]), &[1][..]);
    /// assert_eq!((precision.value(), precision.name()), (0.5, "precision_of_class_1".into()));
    /// ```
    Precision(average: Average) =
        |this| this.average.name("precision"), |this| this.matrix.mean_precision(this.average);

    /// [`recall`], batch by batch.
    ///
    /// # Example
    /// ```
    /// use fanin_tensor::Tensor;
    /// use fanin_train::metrics::{Average, Metric, Recall};
    ///
    /// let mut recall = Recall::new(Average::Macro);
    /// recall.update(&Tensor::from([[0.9, 0.1], [0.2, 0.8]]), &[0, 0][..]);
    /// recall.update(&Tensor::from([[0.3, 0.7]]), &[1][..]);
    /// assert_eq!((recall.value(), recall.name()), (0.75, "macro_recall".into()));
    /// ```
    Recall(average: Average) =
        |this| this.average.name("recall"), |this| this.matrix.mean_recall(this.average);

    /// [`f1`], batch by batch.
    ///
    /// # Example
    /// ```
    /// use fanin_tensor::Tensor;
    /// use fanin_train::metrics::{Average, F1, Metric};
    ///
    /// let mut f1 = F1::new(Average::Weighted);
    /// f1.update(&Tensor::from([[0.9, 0.1], [0.2, 0.8]]), &[0, 0][..]);
    /// f1.update(&Tensor::from([[0.3, 0.7]]), &[1][..]);
    /// assert_eq!((f1.value(), f1.name()), (2.0 / 3.0, "weighted_f1".into()));
    /// ```
    F1(average: Average) =
        |this| this.average.name("f1"), |this| this.matrix.mean_f1(this.average);

    /// [`balanced_accuracy`], batch by batch.
    ///
    /// # Example
    /// ```
    /// use fanin_tensor::Tensor;
    /// use fanin_train::metrics::{BalancedAccuracy, Metric};
    ///
    /// let mut balanced = BalancedAccuracy::new();
    /// balanced.update(&Tensor::from([[0.9, 0.1], [0.2, 0.8]]), &[0, 0][..]);
    /// balanced.update(&Tensor::from([[0.3, 0.7]]), &[1][..]);
    /// assert_eq!(balanced.value(), 0.75);
    /// ```
    BalancedAccuracy() = |_| "balanced_accuracy".into(), |this| this.matrix.balanced_accuracy();
}
