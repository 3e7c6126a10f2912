//! [`Subset`]: some samples of data.

use std::sync::Mutex;

use fanin_datasets::{Buffers, Data};
use fanin_init::{TorchRng, epoch_order};

/// The samples of data at some indices.
pub(crate) struct Subset<'d, D> {
    data: &'d D,
    indices: Vec<usize>,
    /// Memory for the indices of a batch.
    batch: Mutex<Vec<usize>>,
}

impl<'d, D: Data> Subset<'d, D> {
    fn new(data: &'d D, indices: &[usize]) -> Self {
        Self { data, indices: indices.to_vec(), batch: Mutex::default() }
    }
}

/// Two parts of the data, drawn with a seed. The second has the share `share` of the samples, rounded.
pub(crate) fn split<D: Data>(data: &D, share: f64, seed: u64) -> (Subset<'_, D>, Subset<'_, D>) {
    let n = data.num_samples();
    let held_out = ((n as f64 * share).round() as usize).min(n);
    let order = epoch_order(n, &mut TorchRng::seed(seed));
    let (rest, last) = order.split_at(n - held_out);
    (Subset::new(data, rest), Subset::new(data, last))
}

impl<D: Data> Data for Subset<'_, D> {
    type Batch = D::Batch;

    fn num_samples(&self) -> usize {
        self.indices.len()
    }

    fn gather(&self, indices: &[usize], buffers: &mut Buffers) -> D::Batch {
        let map = |&i: &usize| self.indices[i];
        if let Ok(mut batch) = self.batch.try_lock() {
            batch.clear();
            batch.extend(indices.iter().map(map));
            return self.data.gather(&batch, buffers);
        }
        self.data.gather(&indices.iter().map(map).collect::<Vec<_>>(), buffers)
    }

    fn label_of(&self, index: usize) -> Option<usize> {
        self.data.label_of(self.indices[index])
    }
}
