//! How good a classifier is.

use std::fmt;

use fanin_datasets::Dataset;
use fanin_nn::Module;
use fanin_tensor::reduce::argmax;

/// Images that are classified at once: enough for a large product, little memory.
const BATCH: usize = 512;

/// The share of a data set that a model classifies rightly, in \[0, 1\]; NaN for an empty set.
///
/// The class of a sample is the largest of the model's outputs.
///
/// # Panics
/// **Panics** if the model does not take the set's images.
///
/// # Example
/// ```
/// use fanin::prelude::*;
/// let (_, test) = datasets::mnist_bundled();
/// let untrained = Sequential::new().add(Linear::new(784, 10));
/// assert!(accuracy(&untrained, &test) < 0.5);
/// ```
#[track_caller]
pub fn accuracy(model: &(impl Module + ?Sized), data: &Dataset) -> f64 {
    confusion(model, data).accuracy()
}

/// How often each class was taken for which.
///
/// # Panics
/// **Panics** if the model does not take the set's images, or has fewer outputs than the set classes.
#[track_caller]
pub fn confusion(model: &(impl Module + ?Sized), data: &Dataset) -> ConfusionMatrix {
    let classes = data.classes();
    let mut counts = vec![0; classes * classes];
    for (x, y) in data.batches(BATCH) {
        let outputs = model.predict(&x);
        let width = outputs.len() / y.len();
        assert_eq!(width, classes, "confusion: {width} outputs for {classes} classes");
        for (row, truth) in outputs.as_slice().chunks_exact(width).zip(y) {
            counts[truth * classes + argmax(row)] += 1;
        }
    }
    ConfusionMatrix { classes, counts }
}

/// Counts by true class (rows) and predicted class (columns). Prints as a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfusionMatrix {
    classes: usize,
    counts: Vec<usize>,
}

impl ConfusionMatrix {
    /// How often `truth` was taken for `predicted`.
    ///
    /// # Panics
    /// **Panics** if there is no such class.
    #[track_caller]
    pub fn count(&self, truth: usize, predicted: usize) -> usize {
        assert!(
            truth < self.classes && predicted < self.classes,
            "count: classes {truth} and {predicted} of {}",
            self.classes
        );
        self.counts[truth * self.classes + predicted]
    }

    /// The share on the diagonal, in \[0, 1\]; NaN for an empty set.
    pub fn accuracy(&self) -> f64 {
        let right: usize = (0..self.classes).map(|class| self.count(class, class)).sum();
        right as f64 / self.counts.iter().sum::<usize>() as f64
    }
}

impl fmt::Display for ConfusionMatrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "truth \\ predicted")?;
        (0..self.classes).try_for_each(|class| write!(f, "{class:>6}"))?;
        for (class, row) in self.counts.chunks(self.classes.max(1)).enumerate() {
            write!(f, "\n{class:>17}")?;
            for count in row {
                // Nothing for zero: the errors stand out.
                if *count == 0 { write!(f, "{:>6}", "·")? } else { write!(f, "{count:>6}")? }
            }
        }
        Ok(())
    }
}
