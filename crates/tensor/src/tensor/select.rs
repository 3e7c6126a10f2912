//! Elements, rows and their order: indexing, rows, stacks, the transpose, and the matrix product.

use std::ops::{Bound, Index, IndexMut, RangeBounds};

use super::{Elements, Tensor};
use crate::gemm::{Mat, gemm};
use crate::once::once;
use crate::{Scalar, Write, show_shape};

once! {
    fn chosen(x: &Tensor<T>, rows: &[usize]) -> Tensor<T> = chosen_generic;
    fn between(x: &Tensor<T>, start: usize, end: usize) -> Tensor<T> = between_generic;
    fn transposed(x: &Tensor<T>) -> Tensor<T> = transposed_generic;
    fn product(x: &Tensor<T>, y: &Tensor<T>) -> Tensor<T> = product_generic;
}

impl<T: Scalar> Tensor<T> {
    /// The rows with these numbers, in this order. A number may come more than once.
    ///
    /// # Shapes
    /// `k` numbers and `(m, …)` give `(k, …)`.
    ///
    /// # Panics
    /// **Panics** if the tensor has no axes or no row with one of the numbers.
    ///
    /// # Example
    /// ```
    /// let x = fanin_tensor::Tensor::from([[1.0f32, 2.0], [3.0, 4.0], [5.0, 6.0]]);
    /// assert_eq!(x.rows(&[2, 0]), [[5.0, 6.0], [1.0, 2.0]].into());
    /// ```
    #[track_caller]
    #[must_use]
    pub fn rows(&self, rows: &[usize]) -> Self {
        chosen(self, rows)
    }

    /// The row with this number: the i-th part along the first axis.
    ///
    /// # Shapes
    /// `(m, …)` gives `(…)`.
    ///
    /// # Panics
    /// **Panics** if the tensor has no axes or no such row.
    ///
    /// # Example
    /// ```
    /// let x = fanin_tensor::Tensor::from([[1.0f32, 2.0], [3.0, 4.0]]);
    /// assert_eq!(x.row(1), [3.0, 4.0].into());
    /// ```
    #[track_caller]
    #[must_use]
    pub fn row(&self, i: usize) -> Self {
        let row = chosen(self, &[i]);
        let shape = &self.shape()[1..];
        row.reshape(shape)
    }

    /// The rows of a range.
    ///
    /// # Shapes
    /// `k` numbers and `(m, …)` give `(k, …)`.
    ///
    /// # Panics
    /// **Panics** if the tensor has no axes or the range is not inside its rows.
    ///
    /// # Example
    /// ```
    /// let x = fanin_tensor::Tensor::from([[1.0f32, 2.0], [3.0, 4.0], [5.0, 6.0]]);
    /// assert_eq!(x.slice_rows(1..), [[3.0, 4.0], [5.0, 6.0]].into());
    /// ```
    #[track_caller]
    #[must_use]
    pub fn slice_rows(&self, range: impl RangeBounds<usize>) -> Self {
        let start = match range.start_bound() {
            Bound::Included(&i) => i,
            Bound::Excluded(&i) => i.saturating_add(1),
            Bound::Unbounded => 0,
        };
        let end = match range.end_bound() {
            Bound::Included(&i) => i.saturating_add(1),
            Bound::Excluded(&i) => i,
            Bound::Unbounded => self.shape().first().copied().unwrap_or(0),
        };
        between(self, start, end)
    }

    /// Tensors of one shape as the rows of a new one.
    ///
    /// # Shapes
    /// `k` tensors `(…)` give `(k, …)`.
    ///
    /// # Panics
    /// **Panics** if there is no tensor or the shapes differ.
    ///
    /// # Example
    /// ```
    /// use fanin_tensor::Tensor;
    ///
    /// let (a, b) = (Tensor::from([1.0f32, 2.0]), Tensor::from([3.0, 4.0]));
    /// assert_eq!(Tensor::stack([&a, &b]), [[1.0, 2.0], [3.0, 4.0]].into());
    /// ```
    #[track_caller]
    #[must_use]
    pub fn stack<'a>(tensors: impl IntoIterator<Item = &'a Self>) -> Self {
        let tensors: Vec<_> = tensors.into_iter().collect();
        let Some(first) = tensors.first() else { panic!("stack: there is no tensor") };
        for (i, x) in tensors.iter().enumerate() {
            assert!(
                x.shape() == first.shape(),
                "stack: tensor {i} is {}, but tensor 0 is {}",
                show_shape(x.shape()),
                show_shape(first.shape())
            );
        }
        let shape = [&[tensors.len()], first.shape()].concat();
        joined(&shape, &tensors)
    }

    /// The rows of all tensors, one tensor after the other: joined along the first axis.
    ///
    /// # Shapes
    /// `(m, …)`, `(n, …)`, … give `(m + n + …, …)`.
    ///
    /// # Panics
    /// **Panics** if there is no tensor, one has no axes, or the shapes of their rows differ.
    ///
    /// # Example
    /// ```
    /// use fanin_tensor::Tensor;
    ///
    /// let (a, b) = (Tensor::from([[1.0f32, 2.0]]), Tensor::from([[3.0, 4.0], [5.0, 6.0]]));
    /// assert_eq!(Tensor::concat([&a, &b]), [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]].into());
    /// ```
    #[track_caller]
    #[must_use]
    pub fn concat<'a>(tensors: impl IntoIterator<Item = &'a Self>) -> Self {
        let tensors: Vec<_> = tensors.into_iter().collect();
        let Some(first) = tensors.first() else { panic!("concat: there is no tensor") };
        let mut rows = 0;
        for (i, x) in tensors.iter().enumerate() {
            assert!(
                !x.shape().is_empty() && x.shape()[1..] == first.shape()[1..],
                "concat: tensor {i} is {}, but tensor 0 is {}: all axes but the first must agree",
                show_shape(x.shape()),
                show_shape(first.shape())
            );
            rows += x.shape()[0];
        }
        let shape = [&[rows], &first.shape()[1..]].concat();
        joined(&shape, &tensors)
    }

    /// The transpose of a matrix, as a copy. [`Mat::t`] reads a matrix transposed without one.
    ///
    /// # Shapes
    /// `(m, n)` gives `(n, m)`.
    ///
    /// # Panics
    /// **Panics** if the tensor is no matrix.
    ///
    /// # Example
    /// ```
    /// let x = fanin_tensor::Tensor::from([[1.0f32, 2.0, 3.0], [4.0, 5.0, 6.0]]);
    /// assert_eq!(x.transpose(), [[1.0, 4.0], [2.0, 5.0], [3.0, 6.0]].into());
    /// ```
    #[track_caller]
    #[must_use]
    pub fn transpose(&self) -> Self {
        transposed(self)
    }

    /// The matrix product, by [`gemm`].
    ///
    /// # Shapes
    /// `(m, k)` times `(k, n)` gives `(m, n)`.
    ///
    /// # Panics
    /// **Panics** if a tensor is no matrix or the inner lengths differ.
    ///
    /// # Example
    /// ```
    /// use fanin_tensor::Tensor;
    ///
    /// let (x, y) = (Tensor::from([[1.0f32, 2.0], [3.0, 4.0]]), Tensor::from([[1.0], [10.0]]));
    /// assert_eq!(x.matmul(&y), [[21.0], [43.0]].into());
    /// ```
    #[track_caller]
    #[must_use]
    pub fn matmul(&self, other: &Self) -> Self {
        product(self, other)
    }
}

/// All elements of all tensors, in order. The caller has checked that the shape has that many.
fn joined<T: Scalar>(shape: &[usize], tensors: &[&Tensor<T>]) -> Tensor<T> {
    let len = tensors.iter().map(|x| x.len()).sum();
    Elements::collect(shape, len, tensors.iter().flat_map(|x| x.iter().copied())).into()
}

#[track_caller]
fn chosen_generic<T: Scalar>(x: &Tensor<T>, rows: &[usize]) -> Tensor<T> {
    let Some((&count, inner)) = x.shape().split_first() else {
        panic!("rows: a tensor without axes has no rows")
    };
    let len = inner.iter().product::<usize>();
    let mut y = Tensor::zeros([&[rows.len()], inner].concat());
    let out = y.as_mut_slice();
    for (to, &row) in rows.iter().enumerate() {
        assert!(row < count, "rows: a tensor {} has no row {row}", show_shape(x.shape()));
        out[to * len..][..len].copy_from_slice(&x.as_slice()[row * len..][..len]);
    }
    y
}

#[track_caller]
fn between_generic<T: Scalar>(x: &Tensor<T>, start: usize, end: usize) -> Tensor<T> {
    let Some((&count, inner)) = x.shape().split_first() else {
        panic!("slice_rows: a tensor without axes has no rows")
    };
    assert!(
        start <= end && end <= count,
        "slice_rows: a tensor {} has no rows {start}..{end}",
        show_shape(x.shape())
    );
    let len = inner.iter().product::<usize>();
    let shape = [&[end - start], inner].concat();
    Elements::copy(&shape, &x.as_slice()[start * len..end * len]).into()
}

#[track_caller]
fn transposed_generic<T: Scalar>(x: &Tensor<T>) -> Tensor<T> {
    let &[m, n] = x.shape() else {
        panic!("transpose: a tensor {} is no matrix", show_shape(x.shape()))
    };
    // Squares whose rows and columns are whole cache lines.
    const SIDE: usize = 16;
    let mut y = Tensor::zeros([n, m]);
    let (x, out) = (x.as_slice(), y.as_mut_slice());
    for top in (0..m).step_by(SIDE) {
        for left in (0..n).step_by(SIDE) {
            for j in left..n.min(left + SIDE) {
                for i in top..m.min(top + SIDE) {
                    out[j * m + i] = x[i * n + j];
                }
            }
        }
    }
    y
}

#[track_caller]
fn product_generic<T: Scalar>(x: &Tensor<T>, y: &Tensor<T>) -> Tensor<T> {
    let (&[m, k], &[rows, n]) = (x.shape(), y.shape()) else { bad_product(x.shape(), y.shape()) };
    if k != rows {
        bad_product(x.shape(), y.shape());
    }
    let mut z = Tensor::zeros([m, n]);
    let (x, y) = (Mat::new(x.as_slice(), m, k), Mat::new(y.as_slice(), k, n));
    gemm(x, y, Write::Set, z.as_mut_slice());
    z
}

#[cold]
#[inline(never)]
#[track_caller]
fn bad_product(x: &[usize], y: &[usize]) -> ! {
    panic!(
        "matmul: {} by {}: both must be matrices, with as many columns in the first as rows in the second",
        show_shape(x),
        show_shape(y)
    )
}

impl<T: Scalar, const N: usize> Index<[usize; N]> for Tensor<T> {
    type Output = T;

    /// The element with one index for each axis.
    ///
    /// # Panics
    /// **Panics** if there is no such element.
    #[track_caller]
    fn index(&self, index: [usize; N]) -> &T {
        &self.as_slice()[offset(self.shape(), &index)]
    }
}

impl<T: Scalar, const N: usize> IndexMut<[usize; N]> for Tensor<T> {
    /// The element for writing. Copies all elements first if a clone shares them.
    ///
    /// # Panics
    /// **Panics** if there is no such element.
    #[track_caller]
    fn index_mut(&mut self, index: [usize; N]) -> &mut T {
        let offset = offset(self.shape(), &index);
        &mut self.as_mut_slice()[offset]
    }
}

#[track_caller]
fn offset(shape: &[usize], index: &[usize]) -> usize {
    let inside = shape.iter().zip(index).all(|(len, i)| i < len);
    if shape.len() != index.len() || !inside {
        bad_index(shape, index);
    }
    shape.iter().zip(index).fold(0, |offset, (len, i)| offset * len + i)
}

#[cold]
#[inline(never)]
#[track_caller]
fn bad_index(shape: &[usize], index: &[usize]) -> ! {
    panic!("index: a tensor {} has no element {index:?}", show_shape(shape))
}
