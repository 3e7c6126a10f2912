//! [`Data`]: anything that can be counted and gathered into batches.

use std::any::Any;
use std::sync::Arc;

use fanin_tensor::ndarray::{Array, Dimension};
use fanin_tensor::{Tensor, show_shape};

use crate::{Batches, Buffers};

/// Samples that can be counted, and gathered by index into a batch.
///
/// [`batches`](Data::batches) gives every implementor the same batch iterator: it shuffles,
/// [prefetches](Batches::prefetch) and uses memory again. These types implement `Data`:
///
/// | data | a batch |
/// |---|---|
/// | [`Dataset`](crate::Dataset), images with labels | `(Tensor, Vec<usize>)` |
/// | [`Table`](crate::Table), rows of `f32` with targets | `(Tensor, Tensor)`, `(Tensor, Vec<usize>)` or `Tensor` |
/// | [`Tensor`], ndarray's `Array<f32, D>`: a sample is an index of the first axis | `Tensor` |
/// | `Vec<T>`, such as labels | `Vec<T>` |
/// | `(A, B)` and `(A, B, C)`, as many samples in each | `(A::Batch, B::Batch)`, … |
/// | [`Subset<D>`](crate::Subset), some samples of other data | `D::Batch` |
/// | `Arc<D>`, `&D` | `D::Batch` |
///
/// # Example
/// A type of your own. Here a sample is a window of a series, and its target is the next value:
/// ```
/// use fanin_datasets::{Buffers, Data, Tensor};
///
/// struct Windows { series: Vec<f32>, width: usize }
///
/// impl Data for Windows {
///     type Batch = (Tensor, Tensor);
///
///     fn num_samples(&self) -> usize {
///         self.series.len() - self.width
///     }
///     fn gather(&self, indices: &[usize], buffers: &mut Buffers) -> Self::Batch {
///         let window = |i, row: &mut [f32]| row.copy_from_slice(&self.series[i..i + self.width]);
///         let next = |i, row: &mut [f32]| row[0] = self.series[i + self.width];
///         (buffers.rows(indices, &[self.width], window), buffers.rows(indices, &[1], next))
///     }
/// }
///
/// let data = Windows { series: (0..10).map(|i| i as f32).collect(), width: 3 };
/// for (x, y) in data.batches(2).shuffle() {
///     assert_eq!((x.shape(), y.shape()), (&[y.shape()[0], 3][..], &[y.shape()[0], 1][..]));
///     assert_eq!(y.as_slice()[0], x.as_slice()[2] + 1.0);
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no data set",
    label = "no `Data`, such as a `Table` or a `Dataset`",
    note = "`Table::from_tensors(x, y)` and `Table::from_rows(rows, y)` make a table of numbers in memory, \
            `Frame::from_csv(path)` reads a file"
)]
pub trait Data: Send + Sync {
    /// What [`gather`](Data::gather) makes: usually inputs and targets.
    type Batch: Send + 'static;

    /// How many samples there are.
    ///
    /// It is not called `len`, because the `len` of a tensor counts its elements.
    #[track_caller]
    fn num_samples(&self) -> usize;

    /// The samples at these indices, in this order. Each index is below
    /// [`num_samples`](Data::num_samples).
    ///
    /// Take the memory of tensors from `buffers`: it returns memory of earlier batches that the
    /// caller has dropped.
    fn gather(&self, indices: &[usize], buffers: &mut Buffers) -> Self::Batch;

    /// The class label of a sample, if its target is one and can be read without the rest: lets a trainer
    /// look at all labels before it trains.
    fn label_of(&self, index: usize) -> Option<usize> {
        let _ = index;
        None
    }

    /// Batches of `size` samples, in order; the last one may be shorter. See [`Batches`] to shuffle.
    ///
    /// # Panics
    /// **Panics** if `size` is 0, or if the members of a pair have different numbers of samples.
    ///
    /// # Example
    /// ```
    /// use fanin_datasets::{Data, Tensor};
    ///
    /// let (x, y) = (Tensor::ones([10, 3]), vec![0; 10]);
    /// let data = (x, y);
    /// let shapes: Vec<_> = data.batches(4).map(|(x, y)| (x.shape().to_vec(), y.len())).collect();
    /// assert_eq!(shapes, [(vec![4, 3], 4), (vec![4, 3], 4), (vec![2, 3], 2)]);
    /// ```
    #[track_caller]
    fn batches(&self, size: usize) -> Batches<'_, Self>
    where
        Self: Sized,
    {
        Batches::new(self, size)
    }
}

/// [`Data`] whose samples can be changed at random, which [`Batches::augment`] asks for.
///
/// # Example
/// ```
/// use fanin_datasets::{Augment, Buffers, Data, Tensor};
///
/// struct Squares(usize);
///
/// impl Data for Squares {
///     type Batch = Tensor;
///     fn num_samples(&self) -> usize {
///         self.0
///     }
///     fn gather(&self, indices: &[usize], buffers: &mut Buffers) -> Tensor {
///         self.gather_augmented(indices, buffers, &mut |_, _| {})
///     }
/// }
///
/// impl Augment for Squares {
///     fn gather_augmented(
///         &self,
///         indices: &[usize],
///         buffers: &mut Buffers,
///         change: &mut dyn FnMut(&mut [f32], &[usize]),
///     ) -> Tensor {
///         buffers.rows(indices, &[1], |i, row| {
///             row[0] = (i * i) as f32;
///             change(row, &[1]);
///         })
///     }
/// }
///
/// let data = Squares(3);
/// let negated = data.batches(3).augment(|row, _, _| row[0] = -row[0]).next().unwrap();
/// assert_eq!(negated.as_slice(), [0.0, -1.0, -4.0]);
/// ```
pub trait Augment: Data {
    /// [`gather`](Data::gather), with `change` called once for each sample, in the order of
    /// `indices`. `change` gets the sample's values and their shape.
    fn gather_augmented(
        &self,
        indices: &[usize],
        buffers: &mut Buffers,
        change: &mut dyn FnMut(&mut [f32], &[usize]),
    ) -> Self::Batch;

    /// [`gather_augmented`](Augment::gather_augmented), for a `change` that takes several samples at
    /// once, one after the other in memory, and their shape. So several threads can work on them.
    ///
    /// Unless you write it, `change` gets one sample at a time, which gives the same batch.
    fn gather_augmented_together(
        &self,
        indices: &[usize],
        buffers: &mut Buffers,
        change: &mut dyn FnMut(&mut [f32], &[usize]),
    ) -> Self::Batch {
        self.gather_augmented(indices, buffers, change)
    }
}

/// A sample is an index of the first axis.
impl Data for Tensor {
    type Batch = Tensor;

    /// # Panics
    /// **Panics** if the tensor has no axes.
    #[track_caller]
    fn num_samples(&self) -> usize {
        first_axis(self.shape())
    }
    fn gather(&self, indices: &[usize], buffers: &mut Buffers) -> Tensor {
        buffers.copy_rows(self.as_slice(), &self.shape()[1..], indices)
    }
}

/// A sample is an index of the first axis.
impl<D: Dimension> Data for Array<f32, D> {
    type Batch = Tensor;

    /// # Panics
    /// **Panics** if the array has no axes.
    #[track_caller]
    fn num_samples(&self) -> usize {
        first_axis(self.shape())
    }
    fn gather(&self, indices: &[usize], buffers: &mut Buffers) -> Tensor {
        let view = self.view().into_dyn();
        match view.as_slice() {
            Some(values) => buffers.copy_rows(values, &view.shape()[1..], indices),
            // Of an array in another order, such as a transposed one, rows are not contiguous.
            None => buffers.rows(indices, &view.shape()[1..], |i, row| {
                row.iter_mut().zip(view.index_axis(AXIS, i)).for_each(|(to, &from)| *to = from);
            }),
        }
    }
}

const AXIS: fanin_tensor::ndarray::Axis = fanin_tensor::ndarray::Axis(0);

#[track_caller]
fn first_axis(shape: &[usize]) -> usize {
    match shape {
        [n, ..] => *n,
        [] => panic!("batches: a tensor {} has no axis to take samples from", show_shape(shape)),
    }
}

/// Labels, or any values that can be cloned.
impl<T: Clone + Send + Sync + 'static> Data for Vec<T> {
    type Batch = Vec<T>;

    fn num_samples(&self) -> usize {
        self.len()
    }
    fn gather(&self, indices: &[usize], _: &mut Buffers) -> Vec<T> {
        indices.iter().map(|&i| self[i].clone()).collect()
    }
    fn label_of(&self, index: usize) -> Option<usize> {
        (&self[index] as &dyn Any).downcast_ref().copied()
    }
}

/// Shares the data, so that [`Batches::prefetch`] does not copy them.
impl<D: Data> Data for Arc<D> {
    type Batch = D::Batch;

    #[track_caller]
    fn num_samples(&self) -> usize {
        (**self).num_samples()
    }
    fn gather(&self, indices: &[usize], buffers: &mut Buffers) -> D::Batch {
        (**self).gather(indices, buffers)
    }
    fn label_of(&self, index: usize) -> Option<usize> {
        (**self).label_of(index)
    }
}

/// Borrows the data.
impl<D: Data> Data for &D {
    type Batch = D::Batch;

    #[track_caller]
    fn num_samples(&self) -> usize {
        (**self).num_samples()
    }
    fn gather(&self, indices: &[usize], buffers: &mut Buffers) -> D::Batch {
        (**self).gather(indices, buffers)
    }
    fn label_of(&self, index: usize) -> Option<usize> {
        (**self).label_of(index)
    }
}

impl<D: Augment> Augment for Arc<D> {
    fn gather_augmented(
        &self,
        indices: &[usize],
        buffers: &mut Buffers,
        change: &mut dyn FnMut(&mut [f32], &[usize]),
    ) -> D::Batch {
        (**self).gather_augmented(indices, buffers, change)
    }
}

impl<D: Augment> Augment for &D {
    fn gather_augmented(
        &self,
        indices: &[usize],
        buffers: &mut Buffers,
        change: &mut dyn FnMut(&mut [f32], &[usize]),
    ) -> D::Batch {
        (**self).gather_augmented(indices, buffers, change)
    }
}

/// Inputs and targets, say. A sample has one part from each.
impl<A: Data, B: Data> Data for (A, B) {
    type Batch = (A::Batch, B::Batch);

    /// # Panics
    /// **Panics** if the members have different numbers of samples.
    #[track_caller]
    fn num_samples(&self) -> usize {
        same([self.0.num_samples(), self.1.num_samples()])
    }
    fn gather(&self, indices: &[usize], buffers: &mut Buffers) -> Self::Batch {
        (self.0.gather(indices, buffers), self.1.gather(indices, buffers))
    }
    /// That of the second member, the target.
    fn label_of(&self, index: usize) -> Option<usize> {
        self.1.label_of(index)
    }
}

/// Two inputs and targets, say. A sample has one part from each.
impl<A: Data, B: Data, C: Data> Data for (A, B, C) {
    type Batch = (A::Batch, B::Batch, C::Batch);

    /// # Panics
    /// **Panics** if the members have different numbers of samples.
    #[track_caller]
    fn num_samples(&self) -> usize {
        same([self.0.num_samples(), self.1.num_samples(), self.2.num_samples()])
    }
    fn gather(&self, indices: &[usize], buffers: &mut Buffers) -> Self::Batch {
        let (a, b, c) = self;
        (a.gather(indices, buffers), b.gather(indices, buffers), c.gather(indices, buffers))
    }
    /// That of the last member, the target.
    fn label_of(&self, index: usize) -> Option<usize> {
        self.2.label_of(index)
    }
}

#[track_caller]
fn same<const N: usize>(counts: [usize; N]) -> usize {
    if counts.iter().any(|&n| n != counts[0]) {
        panic!(
            "batches: the members of a tuple have {counts:?} samples; each sample needs a part \
             from every member"
        );
    }
    counts[0]
}
