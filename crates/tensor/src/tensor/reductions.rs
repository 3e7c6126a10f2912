//! Sums, means, extremes and argmax of a tensor.

use super::Tensor;
use crate::once::once;
use crate::{Scalar, Shape, Write, broadcast, reduce, show_shape};

once! {
    fn summed(x: &Tensor<T>, axis: usize, op: &str) -> Tensor<T> = summed_generic;
    fn largest(x: &[T]) -> T = largest_generic;
    fn smallest(x: &[T]) -> T = smallest_generic;
    fn argmax_of(x: &Tensor<T>) -> Vec<usize> = argmax_of_generic;
    fn maxima(x: &Tensor<T>, axis: usize) -> Tensor<T> = maxima_generic;
    fn minima(x: &Tensor<T>, axis: usize) -> Tensor<T> = minima_generic;
}

impl<T: Scalar> Tensor<T> {
    /// The sum of all elements, as a tree: see [`reduce::sum`].
    ///
    /// # Example
    /// ```
    /// assert_eq!(fanin_tensor::Tensor::from([[1.0f32, 2.0], [3.0, 4.0]]).sum(), 10.0);
    /// ```
    pub fn sum(&self) -> T {
        reduce::sum(self.as_slice())
    }

    /// The mean of all elements. NaN if there are none.
    ///
    /// # Example
    /// ```
    /// assert_eq!(fanin_tensor::Tensor::from([[1.0f32, 2.0], [3.0, 4.0]]).mean(), 2.5);
    /// ```
    pub fn mean(&self) -> T {
        self.sum() / T::from_f64(self.len() as f64)
    }

    /// The sums along an axis: `y_{i,j} = Σ_k x_{i,k,j}` for axes i before it and j behind it. Long
    /// sums are added as a tree.
    ///
    /// # Shapes
    /// The axis is missing from the result: axis 0 of `(m, n)` gives `(n)`, axis 1 gives `(m)`.
    ///
    /// # Panics
    /// **Panics** if there is no such axis.
    ///
    /// # Example
    /// ```
    /// let x = fanin_tensor::Tensor::from([[1.0f32, 2.0], [3.0, 4.0]]);
    /// assert_eq!(x.sum_axis(0).as_slice(), [4.0, 6.0]);
    /// assert_eq!(x.sum_axis(1).as_slice(), [3.0, 7.0]);
    /// ```
    #[track_caller]
    #[must_use]
    pub fn sum_axis(&self, axis: usize) -> Self {
        summed(self, axis, "sum_axis")
    }

    /// The means along an axis: [`sum_axis`](Self::sum_axis) divided by the length of the axis. NaN if
    /// it has length 0.
    ///
    /// # Panics
    /// **Panics** if there is no such axis.
    ///
    /// # Example
    /// ```
    /// let x = fanin_tensor::Tensor::from([[1.0f32, 2.0], [3.0, 4.0]]);
    /// assert_eq!(x.mean_axis(0).as_slice(), [2.0, 3.0]);
    /// ```
    #[track_caller]
    #[must_use]
    pub fn mean_axis(&self, axis: usize) -> Self {
        let sums = summed(self, axis, "mean_axis");
        sums / T::from_f64(self.shape()[axis] as f64)
    }

    /// The largest element, or NaN if any is NaN. Along an axis: [`max_axis`](Self::max_axis).
    ///
    /// # Panics
    /// **Panics** if there is no element.
    ///
    /// # Example
    /// ```
    /// assert_eq!(fanin_tensor::Tensor::from([1.0f32, 5.0, -7.0]).max(), 5.0);
    /// ```
    #[track_caller]
    pub fn max(&self) -> T {
        assert!(self.len() > 0, "max: a tensor {} has no elements", show_shape(self.shape()));
        largest(self.as_slice())
    }

    /// The smallest element, or NaN if any is NaN. Along an axis: [`min_axis`](Self::min_axis).
    ///
    /// # Panics
    /// **Panics** if there is no element.
    ///
    /// # Example
    /// ```
    /// assert_eq!(fanin_tensor::Tensor::from([1.0f32, 5.0, -7.0]).min(), -7.0);
    /// ```
    #[track_caller]
    pub fn min(&self) -> T {
        assert!(self.len() > 0, "min: a tensor {} has no elements", show_shape(self.shape()));
        smallest(self.as_slice())
    }

    /// The largest elements along an axis. A NaN along the axis gives NaN.
    ///
    /// # Shapes
    /// The axis is missing from the result: axis 0 of `(m, n)` gives `(n)`, axis 1 gives `(m)`.
    ///
    /// # Panics
    /// **Panics** if there is no such axis, or if it has length 0.
    ///
    /// # Example
    /// ```
    /// let x = fanin_tensor::Tensor::from([[1.0f32, 2.0, 9.0], [4.0, 5.0, 6.0]]);
    /// assert_eq!(x.max_axis(0).as_slice(), [4.0, 5.0, 9.0]);
    /// assert_eq!(x.max_axis(1).as_slice(), [9.0, 6.0]);
    /// ```
    #[doc(alias = "amax")]
    #[track_caller]
    #[must_use]
    pub fn max_axis(&self, axis: usize) -> Self {
        maxima(self, axis)
    }

    /// The smallest elements along an axis, as [`max_axis`](Self::max_axis) has the largest.
    ///
    /// # Panics
    /// **Panics** if there is no such axis, or if it has length 0.
    ///
    /// # Example
    /// ```
    /// let x = fanin_tensor::Tensor::from([[1.0f32, 2.0, 9.0], [4.0, 5.0, 6.0]]);
    /// assert_eq!(x.min_axis(1).as_slice(), [1.0, 4.0]);
    /// ```
    #[doc(alias = "amin")]
    #[track_caller]
    #[must_use]
    pub fn min_axis(&self, axis: usize) -> Self {
        minima(self, axis)
    }

    /// The index of the largest element of each row along the last axis: the predicted classes of a
    /// batch of scores. The first of equals. A NaN is larger than any number ([`reduce::argmax`]).
    ///
    /// # Shapes
    /// `(…, n)` gives one index for each row of n. A tensor without axes gives one index, 0.
    ///
    /// # Panics
    /// **Panics** if the rows are empty.
    ///
    /// # Example
    /// ```
    /// let scores = fanin_tensor::Tensor::from([[0.1f32, 0.9], [2.0, -1.0]]);
    /// assert_eq!(scores.argmax(), [1, 0]);
    /// ```
    #[track_caller]
    pub fn argmax(&self) -> Vec<usize> {
        argmax_of(self)
    }
}

#[track_caller]
fn summed_generic<T: Scalar>(x: &Tensor<T>, axis: usize, op: &str) -> Tensor<T> {
    let shape = x.shape();
    assert!(axis < shape.len(), "{op}: a tensor {} has no axis {axis}", show_shape(shape));
    let mut ones = shape.to_vec();
    ones[axis] = 1;
    let mut sums = Tensor::zeros(&ones);
    broadcast::reduce_to(x.as_slice(), shape, &ones, Write::Set, sums.as_mut_slice());
    ones.remove(axis);
    sums.reshape(Shape::from(&ones[..]))
}

#[track_caller]
fn maxima_generic<T: Scalar>(x: &Tensor<T>, axis: usize) -> Tensor<T> {
    extremes(x, axis, "max_axis", larger)
}

#[track_caller]
fn minima_generic<T: Scalar>(x: &Tensor<T>, axis: usize) -> Tensor<T> {
    extremes(x, axis, "min_axis", smaller)
}

#[track_caller]
fn extremes<T: Scalar>(x: &Tensor<T>, axis: usize, op: &str, of: fn(T, T) -> T) -> Tensor<T> {
    let mut shape = x.shape().to_vec();
    assert!(axis < shape.len(), "{op}: a tensor {} has no axis {axis}", show_shape(&shape));
    let (length, behind) = (shape[axis], shape[axis + 1..].iter().product::<usize>());
    assert!(length > 0, "{op}: axis {axis} of a tensor {} has length 0", show_shape(&shape));
    shape.remove(axis);
    let mut y = Tensor::zeros(&shape[..]);
    if y.len() == 0 {
        return y;
    }
    let blocks = x.as_slice().chunks_exact(length * behind);
    for (y, block) in y.as_mut_slice().chunks_exact_mut(behind).zip(blocks) {
        y.copy_from_slice(&block[..behind]);
        for row in block[behind..].chunks_exact(behind) {
            for (y, &x) in y.iter_mut().zip(row) {
                *y = of(*y, x);
            }
        }
    }
    y
}

/// A NaN is taken, and then stays.
fn larger<T: Scalar>(top: T, x: T) -> T {
    if x <= top || top.is_nan() { top } else { x }
}

/// As [`larger`].
fn smaller<T: Scalar>(low: T, x: T) -> T {
    if x >= low || low.is_nan() { low } else { x }
}

fn largest_generic<T: Scalar>(x: &[T]) -> T {
    x.iter().fold(T::NEG_INFINITY, |top, &x| larger(top, x))
}

fn smallest_generic<T: Scalar>(x: &[T]) -> T {
    x.iter().fold(-T::NEG_INFINITY, |low, &x| smaller(low, x))
}

#[track_caller]
fn argmax_of_generic<T: Scalar>(x: &Tensor<T>) -> Vec<usize> {
    let cols = x.shape().last().copied().unwrap_or(1);
    if cols == 0 {
        panic!("argmax: the rows of a tensor {} are empty", show_shape(x.shape()));
    }
    x.as_slice().chunks_exact(cols).map(reduce::argmax).collect()
}
