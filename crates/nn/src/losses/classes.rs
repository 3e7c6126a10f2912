//! [`Classes`]: the weights and the ignored label that losses of classes share.

use fanin_tensor::reduce::PairwiseSum;

use super::Reduction;
use super::require::require_weights;
use crate::ops::bad_shapes;

/// Weights of classes and a label that is ignored.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Classes {
    pub(super) weights: Option<Vec<f64>>,
    pub(super) ignored: Option<usize>,
}

impl Classes {
    /// Sets the weights.
    #[track_caller]
    pub(super) fn weighted(self, loss: &str, weights: &[f64]) -> Self {
        require_weights(loss, "class weight", weights);
        Self { weights: Some(weights.to_vec()), ..self }
    }

    pub(super) fn weight(&self, class: usize) -> f64 {
        self.weights.as_ref().map_or(1.0, |weights| weights[class])
    }

    pub(super) fn keeps(&self, label: usize) -> bool {
        self.ignored != Some(label)
    }

    /// What a row with this label counts in the mean.
    pub(super) fn count(&self, label: usize) -> f64 {
        if self.keeps(label) { self.weight(label) } else { 0.0 }
    }

    /// By what the sum of the rows' losses is divided.
    pub(super) fn denominator(&self, reduction: Reduction, labels: &[usize]) -> f64 {
        match reduction {
            Reduction::Mean if self.weights.is_some() || self.ignored.is_some() => {
                let kept = labels.iter().filter(|&&label| self.keeps(label));
                PairwiseSum::of(kept.map(|&label| self.weight(label)))
            }
            _ => reduction.denominator(labels.len(), labels.len()),
        }
    }

    /// The rows and classes of predictions of this shape.
    #[track_caller]
    pub(super) fn shape(&self, loss: &str, shape: &[usize], target: &[usize]) -> [usize; 2] {
        let &[rows, classes] = shape else {
            let why = match shape {
                [_] => {
                    "logits must be (rows, classes); reshape a single sample to a row, 1×n, before forward"
                }
                _ => "logits must be (rows, classes), with a label for each row; reshape them",
            };
            bad_shapes(loss, shape, target, why)
        };
        if let Some(weights) = &self.weights
            && weights.len() != classes
        {
            bad_shapes(loss, shape, &[weights.len()], "there must be a class weight per class");
        }
        [rows, classes]
    }

    /// Checks the options and labels against predictions of this shape.
    #[track_caller]
    pub(super) fn check(&self, loss: &str, shape: &[usize], labels: &[usize]) -> [usize; 2] {
        let [rows, classes] = self.shape(loss, shape, &[labels.len()]);
        if labels.len() != rows {
            bad_shapes(loss, shape, &[labels.len()], "there must be a label per row");
        }
        for (row, &label) in labels.iter().enumerate() {
            if label >= classes && self.keeps(label) {
                bad_label(loss, label, row, classes);
            }
        }
        [rows, classes]
    }
}

#[cold]
#[inline(never)]
#[track_caller]
fn bad_label(loss: &str, label: usize, row: usize, classes: usize) -> ! {
    panic!(
        "{loss}: label {label} of row {row} is not below {classes} classes; labels count from 0, so \
         subtract 1 from labels that count from 1, or give the model an output for each class"
    )
}
