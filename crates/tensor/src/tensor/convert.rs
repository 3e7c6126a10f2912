//! Conversions: from arrays, nested arrays and vectors, and from and to ndarray.

use std::sync::Arc;

use ndarray::{Array, Array1, ArrayD, ArrayView, Dimension, IxDyn, s};

use super::{Elements, Tensor};
use crate::Scalar;
use crate::once::once;

once! {
    fn array_of(x: Tensor<T>) -> ArrayD<T> = array_of_generic;
}

fn array_of_generic<T: Scalar>(x: Tensor<T>) -> ArrayD<T> {
    let (memory, start, shape) = Arc::unwrap_or_clone(x.elements).into_parts();
    let flat = Array1::from_vec(memory).slice_move(s![start..]);
    flat.into_shape_with_order(IxDyn(&shape)).expect("the length fits")
}

impl<T: Scalar> Tensor<T> {
    /// A matrix with these rows: vectors, slices or arrays of one length.
    ///
    /// # Shapes
    /// `m` rows of `n` elements give `(m, n)`. No rows give `(0, 0)`.
    ///
    /// # Panics
    /// **Panics** if the rows differ in length.
    ///
    /// # Example
    /// ```
    /// let rows: Vec<Vec<f32>> = vec![vec![1.0, 2.0], vec![3.0, 4.0], vec![5.0, 6.0]];
    /// let x = fanin_tensor::Tensor::from_rows(rows);
    /// assert_eq!((x.shape(), x[[2, 0]]), (&[3, 2][..], 5.0));
    /// ```
    #[track_caller]
    pub fn from_rows<R: AsRef<[T]>>(rows: impl AsRef<[R]>) -> Self {
        let rows = rows.as_ref();
        let cols = rows.first().map_or(0, |row| row.as_ref().len());
        for (i, row) in rows.iter().enumerate() {
            let len = row.as_ref().len();
            assert!(len == cols, "from_rows: row {i} has {len} elements, but row 0 has {cols}");
        }
        let values = rows.iter().flat_map(|row| row.as_ref().iter().copied());
        Elements::collect(&[rows.len(), cols], rows.len() * cols, values).into()
    }
}

impl<T: Scalar, D: Dimension> From<Array<T, D>> for Tensor<T> {
    /// Keeps the array's memory, however it is aligned, if the array is in row-major order. Else copies
    /// the elements into that order.
    fn from(array: Array<T, D>) -> Self {
        if !array.is_standard_layout() {
            return Self::from(array.view());
        }
        let (shape, len) = (IxDyn(array.shape()), array.len());
        // A sliced array may own more memory than it shows.
        let (mut memory, start) = array.into_raw_vec_and_offset();
        let start = start.unwrap_or(0);
        memory.truncate(start + len);
        Elements::from_vec(ndarray::Dimension::slice(&shape), memory, start).into()
    }
}

impl<T: Scalar, D: Dimension> From<&Array<T, D>> for Tensor<T> {
    /// Copies the elements.
    fn from(array: &Array<T, D>) -> Self {
        array.view().into()
    }
}

impl<T: Scalar, D: Dimension> From<ArrayView<'_, T, D>> for Tensor<T> {
    /// Copies the elements.
    fn from(view: ArrayView<'_, T, D>) -> Self {
        match view.as_slice() {
            Some(values) => Elements::copy(view.shape(), values),
            None => Elements::collect(view.shape(), view.len(), view.iter().copied()),
        }
        .into()
    }
}

impl<T: Scalar> From<Tensor<T>> for ArrayD<T> {
    /// Copies only if a clone shares the elements.
    fn from(tensor: Tensor<T>) -> Self {
        array_of(tensor)
    }
}

/// Returns ndarray's error if the tensor has another number of axes.
macro_rules! try_into_array {
    ($($dimension:ident)*) => {$(
        impl<T: Scalar> TryFrom<Tensor<T>> for Array<T, ndarray::$dimension> {
            type Error = ndarray::ShapeError;

            /// Copies only if a clone shares the elements.
            fn try_from(tensor: Tensor<T>) -> Result<Self, Self::Error> {
                ArrayD::from(tensor).into_dimensionality()
            }
        }
    )*};
}
try_into_array!(Ix0 Ix1 Ix2 Ix3 Ix4 Ix5 Ix6);

impl<T: Scalar> From<Vec<T>> for Tensor<T> {
    /// A tensor of one axis, as [`Tensor::from_vec`] makes it.
    fn from(values: Vec<T>) -> Self {
        Self::from_vec(values.len(), values)
    }
}

impl<T: Scalar> From<&[T]> for Tensor<T> {
    /// A tensor of one axis.
    fn from(values: &[T]) -> Self {
        Elements::copy(&[values.len()], values).into()
    }
}

impl<T: Scalar, const N: usize> From<[T; N]> for Tensor<T> {
    /// A tensor of one axis.
    fn from(values: [T; N]) -> Self {
        values[..].into()
    }
}

impl<T: Scalar> FromIterator<T> for Tensor<T> {
    /// A tensor of one axis.
    ///
    /// # Example
    /// ```
    /// use fanin_tensor::Tensor;
    ///
    /// let squares: Tensor = (0..4).map(|i| (i * i) as f32).collect();
    /// assert_eq!(squares, Tensor::from([0.0, 1.0, 4.0, 9.0]));
    /// ```
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        values.into_iter().collect::<Vec<_>>().into()
    }
}

impl<T: Scalar, const N: usize> FromIterator<[T; N]> for Tensor<T> {
    /// A matrix with these rows.
    ///
    /// # Example
    /// ```
    /// use fanin_tensor::Tensor;
    ///
    /// let points: Tensor = (0..3).map(|i| [i as f32, 1.0]).collect();
    /// assert_eq!(points, Tensor::from([[0.0, 1.0], [1.0, 1.0], [2.0, 1.0]]));
    /// ```
    fn from_iter<I: IntoIterator<Item = [T; N]>>(rows: I) -> Self {
        let rows: Vec<[T; N]> = rows.into_iter().collect();
        Self::from_vec([rows.len(), N], rows.into_flattened())
    }
}

/// The elements, row by row, as [`Tensor::iter`] gives them.
impl<'a, T: Scalar> IntoIterator for &'a Tensor<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<T: Scalar, const M: usize, const N: usize> From<[[T; N]; M]> for Tensor<T> {
    /// A matrix with these rows.
    fn from(rows: [[T; N]; M]) -> Self {
        Elements::copy(&[M, N], rows.as_flattened()).into()
    }
}

impl<T: Scalar, const L: usize, const M: usize, const N: usize> From<[[[T; N]; M]; L]>
    for Tensor<T>
{
    /// A tensor of three axes.
    fn from(matrices: [[[T; N]; M]; L]) -> Self {
        Elements::copy(&[L, M, N], matrices.as_flattened().as_flattened()).into()
    }
}
