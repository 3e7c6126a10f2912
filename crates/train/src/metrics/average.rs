//! [`Average`]: how the numbers of several classes become one.

/// How the numbers of several classes become one.
///
/// # Example
/// ```
/// use fanin_tensor::Tensor;
/// use fanin_train::metrics::{Average, recall};
///
/// // Of class 0, two of three are found; of class 1, the only one.
/// let outputs = Tensor::from([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.4, 0.6]]);
/// let recall = |average| recall(&outputs, &[0, 0, 0, 1], average);
/// assert_eq!(recall(Average::Class(0)), 2.0 / 3.0);
/// assert_eq!(recall(Average::Macro), (2.0 / 3.0 + 1.0) / 2.0);
/// assert_eq!(recall(Average::Weighted), 0.75);
/// assert_eq!(recall(Average::Micro), 0.75);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Average {
    /// The mean over the classes, each as important as any other.
    Macro,
    /// From the counts of all classes together, each sample as important as any other.
    Micro,
    /// The mean over the classes, weighted by their numbers of samples.
    Weighted,
    /// The value of this class alone: with class 1, scikit-learn's `average="binary"`.
    Class(usize),
}

impl Average {
    /// The name of a metric with this average: `macro_f1`.
    pub(super) fn name(self, metric: &str) -> String {
        match self {
            Self::Macro => format!("macro_{metric}"),
            Self::Micro => format!("micro_{metric}"),
            Self::Weighted => format!("weighted_{metric}"),
            Self::Class(class) => format!("{metric}_of_class_{class}"),
        }
    }
}
