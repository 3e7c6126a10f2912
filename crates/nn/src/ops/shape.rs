//! Values in another shape or order: reshape, transpose, concatenation, rows by index.

use fanin_tensor::Write;
use fanin_tensor::map::map;
use fanin_tensor::{IntoShape, Scalar, Shape, show_shape};

use super::bad_shapes;
use crate::tape::{Backward, Op, Var};

/// `y = x` in another shape; `dx = dy`.
#[derive(Debug)]
struct Reshape;

impl<T: Scalar> Op<T> for Reshape {
    fn backward(&self, cx: &mut Backward<'_, T>) {
        let dy = cx.dy();
        if let Some((write, dx)) = cx.grad(0) {
            map([dy], write, dx, move |[dy]| dy);
        }
    }
}

/// `Y = Xᵀ`; `dX = dYᵀ`.
#[derive(Debug)]
struct Transpose;

impl<T: Scalar> Op<T> for Transpose {
    fn backward(&self, cx: &mut Backward<'_, T>) {
        let cols = cx.input(0).shape()[1];
        let dy = cx.dy();
        if let Some((write, dx)) = cx.grad(0) {
            let rows = dx.len() / cols.max(1);
            transpose(dy, rows, write, dx);
        }
    }
}

/// Writes the transpose of `x`, whose rows have `cols` elements.
fn transpose<T: Scalar>(x: &[T], cols: usize, write: Write, y: &mut [T]) {
    let rows = x.len() / cols.max(1);
    for (i, row) in x.chunks_exact(cols.max(1)).enumerate() {
        for (j, &x) in row.iter().enumerate() {
            let y = &mut y[j * rows + i];
            *y = if write == Write::Add { *y + x } else { x };
        }
    }
}

/// `y = (x₁, x₂, …)` along one axis; each `dx` is its part of `dy`.
#[derive(Debug)]
struct Concat {
    axis: usize,
}

/// What lies behind one place of the axes before `axis`.
fn block(shape: &[usize], axis: usize) -> usize {
    shape[axis..].iter().product()
}

impl<T: Scalar> Op<T> for Concat {
    fn backward(&self, cx: &mut Backward<'_, T>) {
        let (dy, whole) = (cx.dy(), block(cx.output().shape(), self.axis));
        let mut at = 0;
        for i in 0..cx.inputs() {
            let part = block(cx.input(i).shape(), self.axis);
            if let Some((write, dx)) = cx.grad(i)
                && part > 0
            {
                for (dx, dy) in dx.chunks_exact_mut(part).zip(dy.chunks_exact(whole)) {
                    map([&dy[at..at + part]], write, dx, move |[dy]| dy);
                }
            }
            at += part;
        }
    }
}

/// `y_k = x_{i_k}`; `dx_i = Σ_{k: i_k = i} dy_k`.
#[derive(Debug)]
struct Rows {
    indices: Vec<usize>,
}

impl<T: Scalar> Op<T> for Rows {
    fn backward(&self, cx: &mut Backward<'_, T>) {
        let (dy, row) = (cx.dy(), block(cx.input(0).shape(), 1));
        let Some((write, dx)) = cx.grad(0) else { return };
        if write == Write::Set {
            dx.fill(T::ZERO);
        }
        for (k, &i) in self.indices.iter().enumerate() {
            map([&dy[k * row..][..row]], Write::Add, &mut dx[i * row..][..row], move |[dy]| dy);
        }
    }
}

impl<'t, T: Scalar> Var<'t, T> {
    /// The same elements, row by row, under another shape.
    ///
    /// # Panics
    /// **Panics** if the shape has another number of places.
    #[must_use]
    #[track_caller]
    pub fn reshape(self, shape: impl IntoShape) -> Self {
        self.reshaped(shape.with_shape(|to| Shape::from(to)))
    }
}

once! {
    impl<'t, T: Scalar> Var<'t, T> {
        /// A matrix with rows and columns exchanged.
        ///
        /// # Panics
        /// **Panics** if the value is no matrix.
        #[must_use]
        #[track_caller]
        pub fn transpose(self) -> Self {
            let shape = self.shape();
            let &[rows, cols] = &*shape else { panic!("transpose: {shape} is not a matrix") };
            self.tape().apply(Transpose, &[self], |cx| {
                let x = cx.input(0);
                transpose(x.as_slice(), cols, Write::Set, cx.output([cols, rows]));
            })
        }

        /// Values one behind the other along `axis`; all other axes must agree.
        ///
        /// # Panics
        /// **Panics** if there are no values, the axis does not exist, or other axes differ.
        ///
        /// # Example
        /// ```
        /// use fanin_nn::{Tape, Tensor, Var};
        /// let (a, b) = (Tensor::from_vec([2, 1], vec![1.0, 2.0]), Tensor::from_vec([2, 1], vec![3.0, 4.0]));
        /// let y = Tape::new().value(|t| Var::concat(&[t.input(&a), t.input(&b)], 1));
        /// assert_eq!((y.shape(), y.as_slice()), (&[2, 2][..], &[1.0, 3.0, 2.0, 4.0][..]));
        /// ```
        #[must_use]
        #[track_caller]
        pub fn concat<'a>(values: &'a [Self], axis: usize) -> Self
        where
            't: 'a,
        {
            let [first, ..] = values else { panic!("concat: there are no values to concatenate") };
            let mut shape = first.shape().to_vec();
            assert!(axis < shape.len(), "concat: {} has no axis {axis}", show_shape(&shape));
            for value in &values[1..] {
                let next = value.shape();
                let fits = next.len() == shape.len()
                    && (0..next.len()).all(|i| i == axis || next[i] == shape[i]);
                if !fits {
                    let why = format!("all axes but number {axis} must have the same length");
                    bad_shapes("concat", &shape, &next, &why);
                }
                shape[axis] += next[axis];
            }
            first.tape().apply(Concat { axis }, values, |cx| {
                let parts: Vec<_> = (0..cx.inputs()).map(|i| cx.input(i)).collect();
                let (y, whole) = (cx.output(&shape), block(&shape, axis));
                let mut at = 0;
                for x in parts {
                    let part = block(x.shape(), axis);
                    if part > 0 {
                        let rows = y.chunks_exact_mut(whole).zip(x.as_slice().chunks_exact(part));
                        rows.for_each(|(y, x)| y[at..at + part].copy_from_slice(x));
                    }
                    at += part;
                }
            })
        }

        /// Places of the first axis, by index; an index may come more than once.
        ///
        /// # Panics
        /// **Panics** if the value is a scalar, or an index is not below its first length.
        ///
        /// # Example
        /// ```
        /// use fanin_nn::{Tape, Tensor};
        /// let x = Tensor::from_vec([3, 2], vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        /// let y = Tape::new().value(|t| t.input(&x).rows(&[2, 0]));
        /// assert_eq!(y.as_slice(), [5.0, 6.0, 1.0, 2.0]);
        /// ```
        #[must_use]
        #[track_caller]
        pub fn rows<'a>(self, indices: &'a [usize]) -> Self {
            let mut shape = self.shape().to_vec();
            assert!(!shape.is_empty(), "rows: a scalar has no rows");
            let (count, row) = (shape[0], block(&shape, 1));
            if let Some(bad) = indices.iter().find(|&&i| i >= count) {
                panic!("rows: index {bad} is outside {}", show_shape(&shape));
            }
            shape[0] = indices.len();
            self.tape().apply(Rows { indices: indices.to_vec() }, &[self], |cx| {
                let x = cx.input(0).as_slice();
                for (y, &i) in cx.output(&shape).chunks_exact_mut(row.max(1)).zip(indices) {
                    y.copy_from_slice(&x[i * row..][..row]);
                }
            })
        }

        #[track_caller]
        fn reshaped(self, shape: Shape) -> Self {
            let from = self.shape();
            if from.iter().product::<usize>() != shape.iter().product() {
                bad_shapes("reshape", &from, &shape, "they have different numbers of places");
            }
            self.tape().apply(Reshape, &[self], |cx| {
                let x = cx.input(0);
                cx.output(shape).copy_from_slice(x.as_slice());
            })
        }
    }
}
