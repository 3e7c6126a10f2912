//! [`Batches`]: a pass over a data set, some images at a time.

use std::fmt;
use std::iter::FusedIterator;
use std::sync::Arc;

use fanin_init::rand::RngCore;
use fanin_init::{TorchRng, epoch_order, with_default_rng};
use fanin_tensor::Tensor;

use crate::pass::{Augmentation, Pass};
use crate::{Dataset, Pixels, Prefetch};

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
    pass: Pass,
}

impl<'a> Batches<'a> {
    #[track_caller]
    pub(crate) fn new(data: &'a Dataset, size: usize) -> Self {
        if size == 0 {
            panic!("batches: a batch of 0 images never ends; give a size of 1 or more");
        }
        Self { data, pass: Pass::new(data.pixels(), size) }
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
    pub fn shuffle_with(mut self, rng: &mut (impl RngCore + ?Sized)) -> Self {
        self.pass.order = Some(epoch_order(self.data.len(), rng));
        self
    }

    /// Leaves out a last batch that is shorter than the others.
    pub fn drop_last(mut self) -> Self {
        self.pass.drop_last = true;
        self
    }

    /// Gives `(pixel / 255 − mean) / std`, for these batches alone; see [`Dataset::normalize`].
    ///
    /// # Panics
    /// **Panics** if `mean` is not finite, or `std` not finite and positive.
    #[track_caller]
    pub fn normalize(mut self, mean: f32, std: f32) -> Self {
        self.pass.pixels = Pixels::normalized(mean, std);
        self
    }

    /// Changes every image, each time anew, by the numbers of a generator: see
    /// [`augment`](crate::augment) for changes that are ready. Call it again to add another change
    /// after this one.
    ///
    /// `change` gets the image's pixels, its shape and the generator. It sees them between 0 and 1,
    /// as `ToTensor` gives them, so that the background is 0; they are normalized afterwards.
    ///
    /// The generator is a `TorchRng` of this change's own, seeded here by one `next_u64` of the
    /// thread's default generator, the one that `manual_seed` seeds. It goes from image to image in
    /// the order of the pass: neither the batch size nor [`prefetch`](Batches::prefetch) changes
    /// what it gives. Draw from no other, because `change` may run on another thread.
    ///
    /// # Shapes
    /// The image has as many pixels as its shape, [`Dataset::image_shape`], has places.
    ///
    /// # Example
    /// ```
    /// use fanin_datasets::augment::shift;
    /// use fanin_init::{manual_seed, rand::Rng};
    ///
    /// let (train, _) = fanin_datasets::mnist_bundled();
    /// let first = || {
    ///     manual_seed(42);
    ///     let batches = train.batches(64).shuffle().augment(shift(2));
    ///     let mut batches = batches.augment(|image, _shape, rng| {
    ///         image.iter_mut().for_each(|pixel| *pixel += 0.1 * rng.random::<f32>());
    ///     });
    ///     batches.next()
    /// };
    /// assert_eq!(first(), first());
    /// ```
    pub fn augment(
        self,
        change: impl Fn(&mut [f32], &[usize], &mut dyn RngCore) + Send + Sync + 'static,
    ) -> Self {
        with_default_rng(|rng| self.augment_with(change, rng))
    }

    /// Changes every image, and draws the seed from a generator of your own; see
    /// [`augment`](Batches::augment).
    pub fn augment_with(
        mut self,
        change: impl Fn(&mut [f32], &[usize], &mut dyn RngCore) + Send + Sync + 'static,
        rng: &mut (impl RngCore + ?Sized),
    ) -> Self {
        let rng = TorchRng::seed(rng.next_u64());
        self.pass.augmentations.push(Augmentation { change: Arc::new(change), rng });
        self
    }

    /// Lets another thread make the next batch while this one is in use: gather, convert, augment
    /// and normalize it. The batches are the same, bit for bit. Call it last.
    ///
    /// The thread starts here and sleeps whenever it is a batch ahead. Three tensors' memory is used
    /// again and again where a loop drops its batches. A panic of an augmentation comes out of the
    /// `next` that asks for the batch it belongs to.
    ///
    /// It gains where a core is free and a batch takes its time to make. An epoch of MNIST for
    /// 784-128-10 in batches of 64, normalized and shifted, took 312 ms without and 300 with it on
    /// two cores, while the kernels used one of them; while they used both, it took 212 and 221: the
    /// thread then takes from them what it saves, and the handing over comes on top.
    ///
    /// # Panics
    /// **Panics** if the operating system starts no thread.
    ///
    /// # Example
    /// ```
    /// use fanin_datasets::augment::shift;
    ///
    /// let (train, _) = fanin_datasets::mnist_bundled();
    /// for (x, y) in train.batches(64).shuffle().augment(shift(2)).prefetch() {
    ///     assert_eq!(x.shape(), [y.len(), 784]);
    /// }
    /// assert!(train.batches(64).prefetch().eq(train.batches(64)));
    /// ```
    #[track_caller]
    pub fn prefetch(self) -> Prefetch {
        Prefetch::new(self.data.clone(), self.pass)
    }
}

impl Iterator for Batches<'_> {
    type Item = (Tensor, Vec<usize>);

    fn next(&mut self) -> Option<Self::Item> {
        self.pass.next(self.data)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.pass.left(self.data);
        (left, Some(left))
    }
}

impl ExactSizeIterator for Batches<'_> {}
impl FusedIterator for Batches<'_> {}

impl fmt::Debug for Batches<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Neither an order of 60,000 images nor the pixels of a batch are worth reading.
        f.debug_struct("Batches")
            .field("data", self.data)
            .field("size", &self.pass.size)
            .field("shuffled", &self.pass.order.is_some())
            .field("left", &self.len())
            .finish_non_exhaustive()
    }
}
