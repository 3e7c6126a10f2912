//! [`Subset`]: some samples of any data.

use crate::{Augment, Buffers, Data};

/// The samples of some [`Data`] at some indices, in this order; it copies none of them.
///
/// `D` may be borrowed or shared: `Subset<&Table>`, `Subset<Arc<Images>>`.
///
/// # Example
/// ```
/// use fanin_datasets::split::RandomSplit;
/// use fanin_datasets::{Data, Subset, Tensor};
///
/// let data = (Tensor::ones([10, 3]), vec![0; 10]);
/// let [train, test] = RandomSplit::fractions([0.8, 0.2]).seed(42).indices(data.num_samples())?;
/// let (train, test) = (Subset::new(&data, train), Subset::new(&data, test));
/// assert_eq!((train.num_samples(), test.num_samples()), (8, 2));
/// for (x, y) in train.batches(4).shuffle() {
///     assert_eq!((x.shape(), y.len()), (&[4, 3][..], 4));
/// }
/// # Ok::<(), fanin_datasets::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Subset<D> {
    data: D,
    indices: Vec<usize>,
}

impl<D: Data> Subset<D> {
    /// The samples of `data` at these indices; an index may come twice.
    ///
    /// # Panics
    /// **Panics** if there is no sample of some index.
    #[track_caller]
    pub fn new(data: D, indices: impl IntoIterator<Item = usize>) -> Self {
        let (n, indices) = (data.num_samples(), Vec::from_iter(indices));
        if let Some(i) = indices.iter().find(|&&i| i >= n) {
            panic!("Subset::new: no sample {i} among {n}");
        }
        Self { data, indices }
    }

    /// The data that the samples are taken from.
    pub fn data(&self) -> &D {
        &self.data
    }

    /// Where the samples are in [`data`](Subset::data).
    pub fn indices(&self) -> &[usize] {
        &self.indices
    }

    /// Calls `gather` with the data, and with these of the subset's samples as they are numbered there.
    fn within<B>(
        &self,
        indices: &[usize],
        buffers: &mut Buffers,
        gather: impl FnOnce(&D, &[usize], &mut Buffers) -> B,
    ) -> B {
        let mut within = std::mem::take(&mut buffers.indices);
        within.clear();
        within.extend(indices.iter().map(|&i| self.indices[i]));
        let batch = gather(&self.data, &within, buffers);
        buffers.indices = within;
        batch
    }
}

impl<D: Data> Data for Subset<D> {
    type Batch = D::Batch;

    fn num_samples(&self) -> usize {
        self.indices.len()
    }
    fn gather(&self, indices: &[usize], buffers: &mut Buffers) -> D::Batch {
        self.within(indices, buffers, |data, within, buffers| data.gather(within, buffers))
    }
    fn label_of(&self, index: usize) -> Option<usize> {
        self.data.label_of(self.indices[index])
    }
}

impl<D: Augment> Augment for Subset<D> {
    fn gather_augmented(
        &self,
        indices: &[usize],
        buffers: &mut Buffers,
        change: &mut dyn FnMut(&mut [f32], &[usize]),
    ) -> D::Batch {
        self.within(indices, buffers, |data, within, buffers| {
            data.gather_augmented(within, buffers, change)
        })
    }
}
