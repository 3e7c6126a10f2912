//! [`Batches`]: a pass over a data set, some images at a time.

use std::fmt;
use std::hint::black_box;
use std::iter::FusedIterator;

use fanin_init::rand::RngCore;
use fanin_init::{epoch_order, with_default_rng};
use fanin_tensor::Tensor;

use crate::{Dataset, Pixels};

/// Shuffled images lie anywhere in memory. To touch each cache line of so many of them before the
/// first is converted lets the CPU fetch them side by side: 12 instead of 18 µs for a batch of 64
/// from the full MNIST, and 6.4 instead of 5.6 µs from a set that is in the cache anyway.
const TOGETHER: usize = 64;

/// One pass over a [`Dataset`]: an iterator over `(x, y)`, made by [`Dataset::batches`].
///
/// # Shapes
/// `x` is `(b, input_size)`, each image's pixels in one row, as [`Pixels`] converts them; `y` holds
/// the `b` labels. `b` is the batch size, and what is left in the last batch.
///
/// Memory is used again: a tensor that its user has dropped becomes a later batch, even if it is
/// dropped only after the next one was asked for. One that is kept stays as it is.
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
#[derive(Clone)]
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
    /// The last two batches. Two, because a tape holds on to its input until the next step begins,
    /// and by then the next batch has been made.
    recent: [Tensor; 2],
}

impl<'a> Batches<'a> {
    #[track_caller]
    pub(crate) fn new(data: &'a Dataset, size: usize) -> Self {
        if size == 0 {
            panic!("batches: a batch of 0 images never ends; give a size of 1 or more");
        }
        let recent = Default::default();
        Self { data, pixels: data.pixels(), size, order: None, done: 0, drop_last: false, recent }
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
    pub fn shuffle_with(self, rng: &mut (impl RngCore + ?Sized)) -> Self {
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

        if self.recent[0].is_shared() {
            self.recent.swap(0, 1);
        }
        let (data, size) = (self.data, self.data.input_size());
        let x = self.recent[0].reuse(&[batch.len(), size]);
        let y = match &self.order {
            None => {
                self.pixels.convert(data.rows(batch.clone()), size, x);
                data.labels()[batch].iter().map(|&label| label.into()).collect()
            }
            Some(order) => {
                let order = &order[batch];
                for (order, x) in order.chunks(TOGETHER).zip(x.chunks_mut(TOGETHER * size)) {
                    let rows = order.iter().map(|&i| data.image(i));
                    let lines = rows.clone().flat_map(|row| row.iter().step_by(64));
                    black_box(lines.fold(0, |all, &byte| all ^ byte));
                    self.pixels.convert(rows, size, x);
                }
                order.iter().map(|&i| data.label(i)).collect()
            }
        };
        Some((self.recent[0].clone(), y))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.data.len() - self.done;
        let batches = if self.drop_last { left / self.size } else { left.div_ceil(self.size) };
        (batches, Some(batches))
    }
}

impl ExactSizeIterator for Batches<'_> {}
impl FusedIterator for Batches<'_> {}

impl fmt::Debug for Batches<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Neither an order of 60,000 images nor the pixels of a batch are worth reading.
        f.debug_struct("Batches")
            .field("data", self.data)
            .field("size", &self.size)
            .field("shuffled", &self.order.is_some())
            .field("left", &self.len())
            .finish_non_exhaustive()
    }
}
