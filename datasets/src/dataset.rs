//! [`Dataset`]: labelled images, kept as bytes.

use std::fmt;
use std::hint::black_box;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use fanin_tensor::{IntoShape, Tensor, show_shape};

use crate::error::{Error, Result, Thousands, count};
use crate::idx::{self, DEFAULT_LIMIT};
use crate::labelled_images::LabelledImages;
use crate::sampler::as_range;
use crate::split::train_and_test;
use crate::{Augment, Batches, Buffers, Data, Pixels, Provenance};

/// How many shuffled images are read before the first of them is converted.
///
/// Shuffled images lie anywhere in memory. Reading a byte of each cache line first lets the CPU fetch
/// many lines at the same time. A batch of 64 from the full MNIST takes 12 instead of 18 µs; from a
/// set that is in the cache it takes 6.4 instead of 5.6 µs.
const TOGETHER: usize = 64;

/// Images of one shape with a class label each.
///
/// Pixels stay bytes until a batch of them becomes a tensor, which saves three quarters of the memory:
/// see [`batches`](Dataset::batches). The parts of a set ([`select`](Dataset::select),
/// [`take`](Dataset::take), [`split`](Dataset::split)) are sets of their own; clones share the bytes.
///
/// # Example
/// ```
/// let (train, test) = fanin_datasets::mnist_bundled();
/// assert_eq!((train.len(), test.len(), train.classes()), (4_000, 1_000, 10));
/// assert_eq!((train.image_shape(), train.input_size()), (&[28, 28][..], 784));
///
/// let (x, y) = train.batches(64).next().unwrap();
/// assert_eq!((x.shape(), y.len()), (&[64, 784][..], 64));
/// ```
#[derive(Clone)]
pub struct Dataset {
    // Invariant: labels.len() images of image_shape's product of bytes each, every label < classes.
    images: Arc<Vec<u8>>,
    image_shape: Vec<usize>,
    labels: Arc<Vec<u8>>,
    classes: usize,
    pixels: Pixels,
    provenance: Provenance,
}

impl Dataset {
    /// A set from your own bytes: images one after the other, one label each.
    ///
    /// # Shapes
    /// `images` holds `labels.len()` times as many bytes as `image_shape` has places.
    ///
    /// # Errors
    /// If the bytes do not make whole images, if there is not one label an image, or if a label is
    /// not below `classes`.
    ///
    /// # Example
    /// ```
    /// use fanin_datasets::Dataset;
    ///
    /// let data = Dataset::from_parts(vec![0, 255, 51, 102], [2], vec![1, 0], 2)?;
    /// assert_eq!((data.image(1), data.label(1)), (&[51, 102][..], 0));
    ///
    /// let error = Dataset::from_parts(vec![0, 255, 51, 102], [2], vec![1, 2], 2).unwrap_err();
    /// assert!(error.to_string().contains("label 1 is 2, but 2 classes"));
    /// # Ok::<(), fanin_datasets::Error>(())
    /// ```
    pub fn from_parts(
        images: Vec<u8>,
        image_shape: impl IntoShape,
        labels: Vec<u8>,
        classes: usize,
    ) -> Result<Self> {
        let image_shape = image_shape.with_shape(<[usize]>::to_vec);
        let provenance = Provenance::memory(count(labels.len() as u64, "images"));
        Self::checked("from_parts", images, image_shape, labels, classes, provenance)
    }

    /// A set from two IDX files, gzip or plain: images `(n, …)` and labels `(n)`, both `u8`.
    ///
    /// # Errors
    /// If a file cannot be read, holds something else, or does not fit the other.
    ///
    /// # Example
    /// ```no_run
    /// use fanin_datasets::Dataset;
    ///
    /// let letters = Dataset::from_idx("letters-images.gz", "letters-labels.gz", 27)?;
    /// # Ok::<(), fanin_datasets::Error>(())
    /// ```
    pub fn from_idx(
        images: impl AsRef<Path>,
        labels: impl AsRef<Path>,
        classes: usize,
    ) -> Result<Self> {
        let (images, labels) = (images.as_ref(), labels.as_ref());
        let files = ((images, idx::open(images)?), (labels, idx::open(labels)?));
        let read = LabelledImages::read(files.0, files.1, None, DEFAULT_LIMIT)?;
        let text = format!("{} ({})", images.display(), count(read.len(), "images"));
        let directory = images.parent().unwrap_or(Path::new(""));
        Self::from_images(read, labels, classes, Provenance::directory(directory, text))
    }

    /// A set from two files that have been read. Messages name the file of the labels.
    pub(crate) fn from_images(
        read: LabelledImages,
        name: &Path,
        classes: usize,
        provenance: Provenance,
    ) -> Result<Self> {
        let LabelledImages { mut shape, images, labels } = read;
        shape.remove(0);
        Self::checked(&name.display().to_string(), images, shape, labels, classes, provenance)
    }

    fn checked(
        of: &str,
        images: Vec<u8>,
        image_shape: Vec<usize>,
        labels: Vec<u8>,
        classes: usize,
        provenance: Provenance,
    ) -> Result<Self> {
        let size = image_shape.iter().try_fold(1usize, |product, &n| product.checked_mul(n));
        let Some(size) = size.filter(|&size| size > 0 && images.len().is_multiple_of(size)) else {
            let shape = show_shape(&image_shape);
            return Err(Error::NotWhole { of: of.into(), pixels: images.len(), shape });
        };
        if images.len() / size != labels.len() {
            let (images, labels) = (images.len() / size, labels.len());
            return Err(Error::CountsDiffer { of: of.into(), images, labels });
        }
        if let Some(index) = labels.iter().position(|&label| usize::from(label) >= classes) {
            return Err(Error::BadLabel { of: of.into(), index, label: labels[index], classes });
        }
        let (images, labels) = (Arc::new(images), Arc::new(labels));
        Ok(Self { images, image_shape, labels, classes, pixels: Pixels::default(), provenance })
    }

    /// How many images there are.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are no images.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// How many classes there are; every label is below it.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// The shape of one image: `[28, 28]`.
    pub fn image_shape(&self) -> &[usize] {
        &self.image_shape
    }

    /// How many inputs a network has for it, the product of the image's shape: 784.
    pub fn input_size(&self) -> usize {
        self.image_shape.iter().product()
    }

    /// The bytes of an image, row by row.
    ///
    /// # Panics
    /// **Panics** if there is no image `i`.
    #[track_caller]
    pub fn image(&self, i: usize) -> &[u8] {
        self.check_index("image", i);
        self.images(i..i + 1)
    }

    /// The bytes of successive images, one after the other.
    fn images(&self, range: Range<usize>) -> &[u8] {
        let size = self.input_size();
        &self.images[range.start * size..range.end * size]
    }

    /// The bytes of successive images, one by one.
    fn rows(&self, range: Range<usize>) -> impl Iterator<Item = &[u8]> {
        self.images(range).chunks_exact(self.input_size())
    }

    /// The class of an image.
    ///
    /// # Panics
    /// **Panics** if there is no image `i`.
    #[track_caller]
    pub fn label(&self, i: usize) -> usize {
        self.check_index("label", i);
        self.labels[i].into()
    }

    /// The class of every image, in order.
    pub fn labels(&self) -> &[u8] {
        &self.labels
    }

    /// Where the data came from. Print it before a training run.
    pub fn provenance(&self) -> &Provenance {
        &self.provenance
    }

    /// How bytes become the numbers of a batch.
    pub fn pixels(&self) -> Pixels {
        self.pixels
    }

    /// The same set whose batches hold `(pixel / 255 − mean) / std`. MNIST's mean and standard
    /// deviation are 0.1307 and 0.3081. Normalize the test set as the training set.
    ///
    /// # Panics
    /// **Panics** if `mean` is not finite, or `std` not finite and positive.
    ///
    /// # Example
    /// ```
    /// let (train, test) = fanin_datasets::mnist_bundled();
    /// let [train, test] = [train, test].map(|data| data.normalize(0.1307, 0.3081));
    /// let (x, _) = test.tensors();
    /// assert!(x.as_slice().iter().sum::<f32>().abs() / (x.len() as f32) < 0.1);
    /// ```
    #[must_use]
    #[track_caller]
    pub fn normalize(self, mean: f32, std: f32) -> Self {
        Self { pixels: Pixels::normalized(mean, std), ..self }
    }

    /// Batches of `size` images, in order; the last one may be shorter. See [`Batches`] to shuffle.
    ///
    /// # Panics
    /// **Panics** if `size` is 0.
    #[track_caller]
    pub fn batches(&self, size: usize) -> Batches<'_> {
        Data::batches(self, size)
    }

    /// The whole set as one batch: inputs `(n, input_size)`, and `n` labels.
    ///
    /// # Example
    /// ```
    /// let (_, test) = fanin_datasets::mnist_bundled();
    /// let (x, y) = test.tensors();
    /// assert_eq!((x.shape(), y.len()), (&[1_000, 784][..], 1_000));
    /// ```
    pub fn tensors(&self) -> (Tensor, Vec<usize>) {
        let mut x = Tensor::zeros([self.len(), self.input_size()]);
        self.pixels.convert(self.rows(0..self.len()), self.input_size(), x.as_mut_slice());
        (x, self.labels.iter().map(|&label| label.into()).collect())
    }

    /// The images at these indices, in this order; a range, an array, any iterator.
    ///
    /// # Panics
    /// **Panics** if there is no image of some index.
    ///
    /// # Example
    /// ```
    /// let (train, _) = fanin_datasets::mnist_bundled();
    /// let tenth = train.select((0..train.len()).step_by(10));    // a tenth of each digit
    /// assert_eq!(tenth.len(), 400);
    /// let ones = train.select((0..train.len()).filter(|&i| train.label(i) == 1));
    /// assert_eq!(ones.provenance().to_string(), format!("400 of {}", train.provenance()));
    /// ```
    #[must_use]
    #[track_caller]
    pub fn select(&self, indices: impl IntoIterator<Item = usize>) -> Self {
        let indices = indices.into_iter();
        let at_least = indices.size_hint().0;
        let mut images = Vec::with_capacity(at_least.saturating_mul(self.input_size()));
        let mut labels = Vec::with_capacity(at_least);
        for i in indices {
            self.check_index("select", i);
            images.extend_from_slice(self.image(i));
            labels.push(self.labels[i]);
        }
        self.part(images, labels)
    }

    /// The first `n` images, or all if there are fewer.
    ///
    /// The bundled digits are sorted, and the first of them are all zeros. For a part of them,
    /// [`select`](Dataset::select) every tenth.
    #[must_use]
    pub fn take(&self, n: usize) -> Self {
        self.range(0..n.min(self.len()))
    }

    /// The first `n` images, and the rest.
    ///
    /// # Panics
    /// **Panics** if there are fewer than `n`.
    ///
    /// # Example
    /// ```
    /// let (train, _) = fanin_datasets::mnist_bundled();
    /// let (a, b) = train.split(3_000);
    /// assert_eq!((a.len(), b.len()), (3_000, 1_000));
    /// ```
    #[must_use]
    #[track_caller]
    pub fn split(&self, n: usize) -> (Self, Self) {
        if n > self.len() {
            panic!("split: no first {n} of {}", count(self.len() as u64, "images"));
        }
        (self.range(0..n), self.range(n..self.len()))
    }

    /// A random part to train on and the rest to test on: `test_share` of the images, rounded up.
    ///
    /// The parts are those of torch's `random_split(data, [n_train, n_test], generator)` for a
    /// generator of the same seed.
    ///
    /// # Panics
    /// **Panics** if `test_share` is not in \[0, 1\].
    ///
    /// # Example
    /// ```
    /// let (digits, _) = fanin_datasets::mnist_bundled();
    /// let (train, validation) = digits.train_test_split(0.25, 42);
    /// assert_eq!((train.len(), validation.len()), (3_000, 1_000));
    /// ```
    #[must_use]
    #[track_caller]
    pub fn train_test_split(&self, test_share: f64, seed: u64) -> (Self, Self) {
        let (train, test) = train_and_test(self.len(), test_share, seed);
        (self.select(train), self.select(test))
    }

    fn range(&self, range: Range<usize>) -> Self {
        self.part(self.images(range.clone()).to_vec(), self.labels[range].to_vec())
    }

    fn part(&self, images: Vec<u8>, labels: Vec<u8>) -> Self {
        let image_shape = self.image_shape.clone();
        let provenance = self.provenance.part(labels.len());
        let (images, labels) = (Arc::new(images), Arc::new(labels));
        Self { images, image_shape, labels, classes: self.classes, pixels: self.pixels, provenance }
    }

    #[track_caller]
    fn check_index(&self, op: &str, i: usize) {
        if i >= self.len() {
            no_image(op, i, self.len());
        }
    }
}

/// A batch is `(x, y)`: images `(b, input_size)`, and their `b` labels.
impl Data for Dataset {
    type Batch = (Tensor, Vec<usize>);

    fn num_samples(&self) -> usize {
        self.len()
    }

    fn gather(&self, indices: &[usize], buffers: &mut Buffers) -> Self::Batch {
        let size = self.input_size();
        let x = buffers.tensor(&[indices.len(), size], |x| self.convert(self.pixels, indices, x));
        (x, self.labels_at(indices))
    }

    fn label_of(&self, index: usize) -> Option<usize> {
        Some(self.label(index))
    }
}

/// A change gets the pixels of an image, between 0 and 1, before they are normalized.
impl Augment for Dataset {
    fn gather_augmented(
        &self,
        indices: &[usize],
        buffers: &mut Buffers,
        change: &mut dyn FnMut(&mut [f32], &[usize]),
    ) -> Self::Batch {
        let size = self.input_size();
        self.gather_augmented_together(indices, buffers, &mut |images, shape| {
            images.chunks_exact_mut(size).for_each(|image| change(image, shape));
        })
    }

    fn gather_augmented_together(
        &self,
        indices: &[usize],
        buffers: &mut Buffers,
        change: &mut dyn FnMut(&mut [f32], &[usize]),
    ) -> Self::Batch {
        let x = buffers.tensor(&[indices.len(), self.input_size()], |x| {
            self.convert(Pixels::default(), indices, x);
            change(x, &self.image_shape);
            self.pixels.normalize(x);
        });
        (x, self.labels_at(indices))
    }
}

impl Dataset {
    /// Writes the images at these indices to the rows of `x`.
    fn convert(&self, pixels: Pixels, indices: &[usize], x: &mut [f32]) {
        let size = self.input_size();
        if let Some(range) = as_range(indices) {
            return pixels.convert(self.rows(range), size, x);
        }
        for (indices, x) in indices.chunks(TOGETHER).zip(x.chunks_mut(TOGETHER * size)) {
            let rows = indices.iter().map(|&i| self.image(i));
            let lines = rows.clone().flat_map(|row| row.iter().step_by(64));
            black_box(lines.fold(0, |all, &byte| all ^ byte));
            pixels.convert(rows, size, x);
        }
    }

    fn labels_at(&self, indices: &[usize]) -> Vec<usize> {
        indices.iter().map(|&i| self.labels[i].into()).collect()
    }
}

impl fmt::Debug for Dataset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (shape, provenance) = (show_shape(&self.image_shape), &self.provenance);
        let len = Thousands(self.len() as u64);
        write!(f, "Dataset {{ {len} × {shape}, {} classes, {provenance} }}", self.classes)
    }
}

#[cold]
#[inline(never)]
#[track_caller]
fn no_image(op: &str, i: usize, len: usize) -> ! {
    panic!("{op}: no image {i} among {}", count(len as u64, "images"))
}
