//! [`Sampler`]: which samples make the next batch.

use std::ops::Range;

use fanin_init::rand::RngCore;
use fanin_init::{epoch_order, with_default_rng};

/// The order of a pass, and how far it has come.
#[derive(Clone)]
pub(crate) struct Sampler {
    /// How many samples there are.
    samples: usize,
    /// How many a pass takes; others than there are if they are drawn by weights.
    draws: usize,
    /// How many make a batch.
    size: usize,
    /// Which sample comes when; `None` if they come in order.
    order: Option<Vec<usize>>,
    drop_last: bool,
    /// How many samples have come.
    done: usize,
    /// The indices of a batch that comes in order.
    indices: Vec<usize>,
}

impl Sampler {
    #[track_caller]
    pub(crate) fn new(samples: usize, size: usize) -> Self {
        if size == 0 {
            panic!("batches: a batch of 0 samples never ends; give a size of 1 or more");
        }
        let indices = Vec::new();
        Self { samples, draws: samples, size, order: None, drop_last: false, done: 0, indices }
    }

    #[track_caller]
    pub(crate) fn shuffle(&mut self) {
        with_default_rng(|rng| self.shuffle_with(rng));
    }

    #[track_caller]
    pub(crate) fn shuffle_with(&mut self, rng: &mut dyn RngCore) {
        self.order = Some(epoch_order(self.samples, rng));
        self.draws = self.samples;
    }

    /// Refuses weights that are no weights of the samples.
    #[track_caller]
    pub(crate) fn check_weights(&self, weights: &[f64]) {
        if weights.len() != self.samples {
            let (found, samples) = (weights.len(), self.samples);
            panic!("weighted: {found} weights for {samples} samples; give each sample a weight");
        }
        if let Some(i) = weights.iter().position(|weight| !(weight.is_finite() && *weight >= 0.0)) {
            panic!("weighted: weight {i} is {}; give finite numbers of 0 or more", weights[i]);
        }
        let total: f64 = weights.iter().sum();
        if !(total.is_finite() && total > 0.0) {
            panic!("weighted: the weights have the sum {total}; give at least one more than 0");
        }
    }

    /// Draws `draws` samples by their weights, which have been checked, with replacement: torch's
    /// `multinomial` for weights of f64.
    pub(crate) fn weighted_with(&mut self, weights: &[f64], draws: usize, rng: &mut dyn RngCore) {
        let mut sums = Vec::with_capacity(weights.len());
        let total = weights.iter().fold(0.0, |before, weight| {
            sums.push(before + weight);
            before + weight
        });
        sums.iter_mut().for_each(|sum| *sum /= total);
        let first = weights.iter().position(|&weight| weight > 0.0).unwrap_or(0);
        let draw = |_| {
            // 53 bits, as torch's uniform_real_distribution<double> takes them.
            let uniform = (rng.next_u64() & ((1 << 53) - 1)) as f64 / (1u64 << 53) as f64;
            // A uniform number of 0 would select a leading sample of weight 0.
            sums.partition_point(|&sum| sum < uniform).max(first)
        };
        self.order = Some((0..draws).map(draw).collect());
        self.draws = draws;
    }

    pub(crate) fn drop_last(&mut self) {
        self.drop_last = true;
    }

    pub(crate) fn size(&self) -> usize {
        self.size
    }

    pub(crate) fn is_shuffled(&self) -> bool {
        self.order.is_some()
    }

    /// How many batches are left.
    pub(crate) fn left(&self) -> usize {
        let left = self.draws - self.done;
        if self.drop_last { left / self.size } else { left.div_ceil(self.size) }
    }

    /// The indices of the next batch.
    pub(crate) fn next(&mut self) -> Option<&[usize]> {
        if self.left() == 0 {
            return None;
        }
        let end = self.draws.min(self.done.saturating_add(self.size));
        let batch = self.done..end;
        self.done = end;
        Some(match &self.order {
            Some(order) => &order[batch],
            None => {
                self.indices.clear();
                self.indices.extend(batch);
                &self.indices
            }
        })
    }
}

/// A weight for each sample with which every class is drawn equally often: 1 by the number of samples
/// of its class. See [`Batches::weighted`](crate::Batches::weighted).
///
/// # Example
/// ```
/// use fanin_datasets::balanced_weights;
///
/// assert_eq!(balanced_weights(&[0, 1, 1, 1, 1]), [1.0, 0.25, 0.25, 0.25, 0.25]);
/// ```
pub fn balanced_weights(labels: &[usize]) -> Vec<f64> {
    let mut counts = std::collections::HashMap::new();
    labels.iter().for_each(|label| *counts.entry(label).or_insert(0.0) += 1.0);
    labels.iter().map(|label| 1.0 / counts[label]).collect()
}

/// The range that these indices are, if each is one more than the index before it.
pub(crate) fn as_range(indices: &[usize]) -> Option<Range<usize>> {
    let (first, last) = (*indices.first()?, *indices.last()?);
    indices.iter().copied().eq(first..last + 1).then_some(first..last + 1)
}

#[cfg(test)]
mod tests {
    use super::as_range;

    #[test]
    fn only_consecutive_indices_are_a_range() {
        assert_eq!(as_range(&[3, 4, 5]), Some(3..6));
        assert_eq!(as_range(&[3]), Some(3..4));
        for indices in [&[][..], &[3, 5], &[4, 3], &[3, 3], &[3, 5, 4, 6], &[3, 4, 6]] {
            assert_eq!(as_range(indices), None, "{indices:?}");
        }
    }
}
