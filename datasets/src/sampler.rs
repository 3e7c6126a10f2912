//! [`Sampler`]: which samples make the next batch.

use std::ops::Range;

use fanin_init::rand::RngCore;
use fanin_init::{epoch_order, with_default_rng};

/// The order of a pass, and how far it has come.
#[derive(Clone)]
pub(crate) struct Sampler {
    /// How many samples there are.
    samples: usize,
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
        Self { samples, size, order: None, drop_last: false, done: 0, indices }
    }

    #[track_caller]
    pub(crate) fn shuffle(&mut self) {
        with_default_rng(|rng| self.shuffle_with(rng));
    }

    #[track_caller]
    pub(crate) fn shuffle_with(&mut self, rng: &mut dyn RngCore) {
        self.order = Some(epoch_order(self.samples, rng));
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
        let left = self.samples - self.done;
        if self.drop_last { left / self.size } else { left.div_ceil(self.size) }
    }

    /// The indices of the next batch.
    pub(crate) fn next(&mut self) -> Option<&[usize]> {
        if self.left() == 0 {
            return None;
        }
        let end = self.samples.min(self.done.saturating_add(self.size));
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
