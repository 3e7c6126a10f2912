//! [`Batches`]: a pass over a data set, some images at a time.

use std::iter::FusedIterator;

use fanin_init::rand::RngCore;
use fanin_init::{epoch_order, with_default_rng};
use fanin_tensor::Tensor;

use crate::{Dataset, Pixels};

/// One pass over a [`Dataset`]: an iterator over `(x, y)`, made by [`Dataset::batches`].
///
/// # Shapes
/// `x` is `(b, input_size)`, each image's pixels in one row, as [`Pixels`] converts them; `y` holds
/// the `b` labels. `b` is the batch size, and what is left in the last batch.
///
/// # Example
/// ```
/// let (train, _) = fanin_datasets::mnist_bundled();
/// for epoch in 0..2 {
///     for (x, y) in train.batches(64).shuffle() {
///         assert_eq!(x.shape(), [y.len(), 784]);
///     }
/// }
/// assert_eq!(train.batches(64).len(), 63);                // 62 of 64 images and one of 32
/// assert_eq!(train.batches(64).drop_last().len(), 62);
/// ```
#[derive(Clone, Debug)]
#[must_use = "batches are made as they are asked for: loop over them"]
pub struct Batches<'a> {
    data: &'a Dataset,
    pixels: Pixels,
    size: usize,
    /// Which image comes when; `None` as they are stored.
    order: Option<Vec<usize>>,
    /// How many images have come.
    done: usize,
    drop_last: bool,
}

impl<'a> Batches<'a> {
    #[track_caller]
    pub(crate) fn new(data: &'a Dataset, size: usize) -> Self {
        if size == 0 {
            panic!("batches: a batch of 0 images never ends; give a size of 1 or more");
        }
        Self { data, pixels: data.pixels(), size, order: None, done: 0, drop_last: false }
    }

    /// Shuffles with the thread's default generator, the one that `manual_seed` seeds.
    ///
    /// The order is drawn here, and is that of torch's `DataLoader(data, shuffle=True)` for the
    /// same state of the generator. Torch draws when a loop over the loader begins; so does
    /// `for (x, y) in data.batches(64).shuffle()`, which draws a new order each time it is reached.
    pub fn shuffle(self) -> Self {
        with_default_rng(|rng| self.shuffle_with(rng))
    }

    /// Shuffles with a generator of your own; with a `TorchRng`, in the order of torch's
    /// `DataLoader(data, shuffle=True, generator=generator)`.
    ///
    /// # Example
    /// ```
    /// use fanin_init::TorchRng;
    ///
    /// let (_, test) = fanin_datasets::mnist_bundled();
    /// let labels = |seed| test.batches(8).shuffle_with(&mut TorchRng::seed(seed)).next().unwrap().1;
    /// assert_eq!(labels(7), labels(7));
    /// assert_ne!(labels(7), labels(8));
    /// ```
    pub fn shuffle_with(self, rng: &mut impl RngCore) -> Self {
        Self { order: Some(epoch_order(self.data.len(), rng)), ..self }
    }

    /// Leaves out a last batch that is shorter than the others.
    pub fn drop_last(self) -> Self {
        Self { drop_last: true, ..self }
    }

    /// Gives `(pixel / 255 − mean) / std`, for these batches alone; see [`Dataset::normalize`].
    ///
    /// # Panics
    /// **Panics** if `mean` is not finite, or `std` not finite and positive.
    #[track_caller]
    pub fn normalize(self, mean: f32, std: f32) -> Self {
        Self { pixels: Pixels::normalized(mean, std), ..self }
    }
}

impl Iterator for Batches<'_> {
    type Item = (Tensor, Vec<usize>);

    fn next(&mut self) -> Option<Self::Item> {
        let left = self.data.len() - self.done;
        if left == 0 || self.drop_last && left < self.size {
            return None;
        }
        let batch = self.done..self.done + left.min(self.size);
        self.done = batch.end;

        let (data, size) = (self.data, self.data.input_size());
        let mut x = Vec::with_capacity(batch.len() * size);
        let y = match &self.order {
            None => {
                self.pixels.convert([data.images(batch.clone())], &mut x);
                data.labels()[batch.clone()].iter().map(|&label| label.into()).collect()
            }
            Some(order) => {
                let order = &order[batch.clone()];
                self.pixels.convert(order.iter().map(|&i| data.image(i)), &mut x);
                order.iter().map(|&i| data.label(i)).collect()
            }
        };
        Some((Tensor::from_vec([batch.len(), size], x), y))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.data.len() - self.done;
        let batches = if self.drop_last { left / self.size } else { left.div_ceil(self.size) };
        (batches, Some(batches))
    }
}

impl ExactSizeIterator for Batches<'_> {}
impl FusedIterator for Batches<'_> {}
