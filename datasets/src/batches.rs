//! [`Batches`]: a pass over data, some samples at a time.

use std::fmt;
use std::iter::FusedIterator;
use std::ops::Deref;

use fanin_init::rand::RngCore;
use fanin_init::with_default_rng;

use crate::augment::Augmentation;
use crate::sampler::Sampler;
use crate::{Augment, Buffers, Data, Dataset, Prefetch};

/// One pass over [`Data`]: an iterator over its batches, made by [`Data::batches`].
///
/// For a [`Dataset`] a batch is `(x, y)`, images and labels.
///
/// # Shapes
/// For a [`Dataset`], `x` is `(b, input_size)`, the pixels of an image in each row, as
/// [`Pixels`](crate::Pixels) converts them; `y` holds the `b` labels. `b` is the batch size. The last
/// batch has what is left.
///
/// Memory is used again: a tensor that its user has dropped becomes a later batch, even if it is
/// dropped only after the next one was asked for. A tensor that is kept stays as it is.
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
#[must_use = "batches are made as they are asked for: loop over them"]
pub struct Batches<'a, D: Data = Dataset> {
    data: Held<'a, D>,
    loader: Loader<D>,
}

/// Borrowed data, or data that an option of the pass has changed.
#[derive(Clone)]
enum Held<'a, D> {
    Borrowed(&'a D),
    Changed(D),
}

impl<D> Deref for Held<'_, D> {
    type Target = D;
    fn deref(&self) -> &D {
        match self {
            Self::Borrowed(data) => data,
            Self::Changed(data) => data,
        }
    }
}

/// The state of a pass. It owns all but the data, so that another thread can go on with it.
struct Loader<D: Data> {
    sampler: Sampler,
    buffers: Buffers,
    augmented: Option<Augmented<D>>,
}

/// The augmentations of a pass, in the order in which they are applied.
struct Augmented<D: Data> {
    /// [`Augment::gather_augmented_together`], which `Batches` of data without it do not know.
    gather: GatherAugmented<D>,
    changes: Vec<Augmentation>,
}

type GatherAugmented<D> =
    fn(&D, &[usize], &mut Buffers, &mut dyn FnMut(&mut [f32], &[usize])) -> <D as Data>::Batch;

impl<D: Data> Loader<D> {
    /// The next batch. All calls name the same data.
    fn next(&mut self, data: &D) -> Option<D::Batch> {
        let indices = self.sampler.next()?;
        self.buffers.begin();
        Some(match &mut self.augmented {
            None => data.gather(indices, &mut self.buffers),
            Some(Augmented { gather, changes }) => {
                gather(data, indices, &mut self.buffers, &mut |values, shape| {
                    changes.iter_mut().for_each(|change| change.apply(values, shape));
                })
            }
        })
    }
}

impl<D: Data> Clone for Loader<D> {
    fn clone(&self) -> Self {
        let augmented = self.augmented.as_ref().map(|Augmented { gather, changes }| Augmented {
            gather: *gather,
            changes: changes.clone(),
        });
        Self { sampler: self.sampler.clone(), buffers: self.buffers.clone(), augmented }
    }
}

impl<'a, D: Data> Batches<'a, D> {
    #[track_caller]
    pub(crate) fn new(data: &'a D, size: usize) -> Self {
        let sampler = Sampler::new(data.num_samples(), size);
        let loader = Loader { sampler, buffers: Buffers::default(), augmented: None };
        Self { data: Held::Borrowed(data), loader }
    }

    /// Shuffles with the thread's default generator, the one that `manual_seed` seeds.
    ///
    /// This call draws the order. It is that of torch's `DataLoader(data, shuffle=True)` for the same
    /// state of the generator. As in torch, each epoch has a new order: the line
    /// `for (x, y) in data.batches(64).shuffle()` draws each time it is reached.
    pub fn shuffle(mut self) -> Self {
        self.loader.sampler.shuffle();
        self
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
    pub fn shuffle_with(mut self, mut rng: &mut (impl RngCore + ?Sized)) -> Self {
        self.loader.sampler.shuffle_with(&mut rng);
        self
    }

    /// Draws samples by their weights, with replacement, as many as there are, with the thread's default
    /// generator. A sample may come often or never.
    ///
    /// The order is that of torch's `DataLoader` with `WeightedRandomSampler(weights, n)`, where `n` is
    /// the number of samples, for the same state of the generator.
    ///
    /// # Panics
    /// **Panics** if there is not one weight for each sample, if a weight is negative or not finite, or
    /// if all are 0.
    ///
    /// # Example
    /// One sample in ten is of class 1; half of what is drawn is:
    /// ```
    /// use fanin_datasets::{Table, Tensor, balanced_weights};
    ///
    /// let labels: Vec<usize> = (0..1000).map(|i| usize::from(i % 10 == 0)).collect();
    /// let table = Table::from_tensors(Tensor::ones([1000, 2]), labels);
    /// let weights = balanced_weights(table.labels());
    /// let drawn = table.batches(50).weighted(&weights).flat_map(|(_, y)| y).sum::<usize>();
    /// assert!((400..600).contains(&drawn));
    /// ```
    #[doc(alias("WeightedRandomSampler"))]
    #[track_caller]
    pub fn weighted(mut self, weights: &[f64]) -> Self {
        self.loader.sampler.check_weights(weights);
        with_default_rng(|rng| {
            let _workers = rng.next_u64();
            self.loader.sampler.weighted_with(weights, weights.len(), rng);
        });
        self
    }

    /// Draws `draws` samples by their weights, with replacement, with a generator of your own. With a
    /// `TorchRng`, they are those of torch's `WeightedRandomSampler(weights, draws, generator=generator)`
    /// for two draws or more.
    ///
    /// # Panics
    /// **Panics** as [`weighted`](Batches::weighted) does.
    ///
    /// # Example
    /// ```
    /// use fanin_datasets::Data;
    /// use fanin_init::TorchRng;
    ///
    /// let letters = vec!['a', 'b', 'c'];
    /// let mut rng = TorchRng::seed(1);
    /// let batches = letters.batches(2).weighted_with(&[0.0, 1.0, 0.0], 3, &mut rng);
    /// assert_eq!(batches.collect::<Vec<_>>(), [vec!['b', 'b'], vec!['b']]);
    /// ```
    #[track_caller]
    pub fn weighted_with(
        mut self,
        weights: &[f64],
        draws: usize,
        mut rng: &mut (impl RngCore + ?Sized),
    ) -> Self {
        self.loader.sampler.check_weights(weights);
        self.loader.sampler.weighted_with(weights, draws, &mut rng);
        self
    }

    /// Leaves out a last batch that is shorter than the others.
    pub fn drop_last(mut self) -> Self {
        self.loader.sampler.drop_last();
        self
    }

    /// Changes every sample at random, anew in every pass. The module [`augment`](crate::augment) has
    /// changes that are ready. Call it again to add another change after this one. It runs on the thread
    /// that makes the batch; [`augment_parallel`](Batches::augment_parallel) uses all of them.
    ///
    /// `change` gets the values of one sample, their shape and the generator. Pixels are between 0
    /// and 1, as `ToTensor` gives them, so that the background is 0; they are normalized afterwards.
    /// Of a [`Table`](crate::Table), `change` gets a row of the inputs.
    ///
    /// The generator is a `TorchRng` of this change's own, seeded here by one `next_u64` of the
    /// thread's default generator, the one that `manual_seed` seeds. It goes from sample to sample in
    /// the order of the pass: neither the batch size nor [`prefetch`](Batches::prefetch) changes
    /// what it gives. Draw from no other generator, because `change` may run on another thread.
    ///
    /// # Shapes
    /// An image has as many pixels as its shape, [`Dataset::image_shape`], has places. A row of a
    /// table has the shape `(features)`.
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
    ) -> Self
    where
        D: Augment,
    {
        with_default_rng(|rng| self.augment_with(change, rng))
    }

    /// Changes every sample, and draws the seed from a generator of your own; see
    /// [`augment`](Batches::augment).
    pub fn augment_with(
        self,
        change: impl Fn(&mut [f32], &[usize], &mut dyn RngCore) + Send + Sync + 'static,
        rng: &mut (impl RngCore + ?Sized),
    ) -> Self
    where
        D: Augment,
    {
        self.add(Augmentation::in_turn(change, rng.next_u64()))
    }

    /// Changes every sample at random on all threads that kernels use, anew in every pass: for changes
    /// that take microseconds, as those of [`Warp`](crate::augment::Warp) do.
    ///
    /// It differs from [`augment`](Batches::augment) in the generator alone: each sample has one of its
    /// own, a SplitMix64, seeded by one `next_u64` of the pass's `TorchRng`. So neither the number of
    /// threads, nor the batch size, nor [`prefetch`](Batches::prefetch) changes a bit. `change` runs for
    /// several samples at once, in any order.
    ///
    /// The changes of a pass are applied in the order of the calls, whichever of both methods adds them.
    /// While another thread uses the kernels' threads, as with `prefetch`, the changes run on one.
    ///
    /// # Example
    /// ```
    /// use fanin_datasets::augment::{Warp, noise};
    /// use fanin_init::manual_seed;
    ///
    /// let (train, _) = fanin_datasets::mnist_bundled();
    /// let warp = Warp::new().rotate(10.0).elastic(4.0, 34.0).build();
    /// let first = |size| {
    ///     manual_seed(42);
    ///     let batches = train.batches(size).shuffle();
    ///     let batches = batches.augment_parallel(warp.clone()).augment_parallel(noise(0.05));
    ///     batches.flat_map(|(x, _)| x.as_slice().to_vec()).next()
    /// };
    /// assert_eq!(first(64), first(1));
    /// ```
    pub fn augment_parallel(
        self,
        change: impl Fn(&mut [f32], &[usize], &mut dyn RngCore) + Send + Sync + 'static,
    ) -> Self
    where
        D: Augment,
    {
        with_default_rng(|rng| self.augment_parallel_with(change, rng))
    }

    /// Changes every sample on all threads, and draws the seed from a generator of your own; see
    /// [`augment_parallel`](Batches::augment_parallel).
    pub fn augment_parallel_with(
        self,
        change: impl Fn(&mut [f32], &[usize], &mut dyn RngCore) + Send + Sync + 'static,
        rng: &mut (impl RngCore + ?Sized),
    ) -> Self
    where
        D: Augment,
    {
        self.add(Augmentation::parallel(change, rng.next_u64()))
    }

    /// Adds a change after those that are there.
    fn add(mut self, change: Augmentation) -> Self
    where
        D: Augment,
    {
        let new = || Augmented { gather: D::gather_augmented_together, changes: Vec::new() };
        self.loader.augmented.get_or_insert_with(new).changes.push(change);
        self
    }

    /// Lets another thread gather, convert, augment and normalize the next batch while this one is in
    /// use. The batches are the same, bit for bit. Call it last.
    ///
    /// The thread gets a clone of the data. A [`Dataset`], a [`Table`](crate::Table) and a tensor
    /// share their memory with a clone; put data whose clone copies into an [`Arc`](std::sync::Arc).
    ///
    /// The thread starts here and sleeps whenever it is a batch ahead. A loop that drops its batches
    /// uses the memory of three tensors. If an augmentation panics, so does the `next` that asks for
    /// its batch.
    ///
    /// It saves time if a core is free and a batch takes long to make. An epoch of MNIST for
    /// 784-128-10 in batches of 64, normalized and shifted, took 312 ms without and 300 with it on
    /// two cores, while the kernels used one of them. While they used both, it took 212 and 221: the
    /// thread then takes time from the kernels, and handing batches over costs some more.
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
    pub fn prefetch(self) -> Prefetch<D::Batch>
    where
        D: Clone + 'static,
    {
        let left = self.loader.sampler.left();
        let (data, mut loader) = (D::clone(&self.data), self.loader);
        Prefetch::new(left, move || loader.next(&data))
    }
}

impl Batches<'_, Dataset> {
    /// Gives `(pixel / 255 − mean) / std`, for these batches alone; see [`Dataset::normalize`].
    ///
    /// # Panics
    /// **Panics** if `mean` is not finite, or `std` not finite and positive.
    #[track_caller]
    pub fn normalize(mut self, mean: f32, std: f32) -> Self {
        self.data = Held::Changed(Dataset::clone(&self.data).normalize(mean, std));
        self
    }
}

impl<D: Data> Iterator for Batches<'_, D> {
    type Item = D::Batch;

    fn next(&mut self) -> Option<D::Batch> {
        self.loader.next(&self.data)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.loader.sampler.left();
        (left, Some(left))
    }
}

impl<D: Data> ExactSizeIterator for Batches<'_, D> {}
impl<D: Data> FusedIterator for Batches<'_, D> {}

impl<D: Data + Clone> Clone for Batches<'_, D> {
    fn clone(&self) -> Self {
        Self { data: self.data.clone(), loader: self.loader.clone() }
    }
}

impl<D: Data + fmt::Debug> fmt::Debug for Batches<'_, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // An order of 60,000 samples and the values of a batch are too long to read.
        let sampler = &self.loader.sampler;
        f.debug_struct("Batches")
            .field("data", &*self.data)
            .field("size", &sampler.size())
            .field("shuffled", &sampler.is_shuffled())
            .field("left", &sampler.left())
            .finish_non_exhaustive()
    }
}
