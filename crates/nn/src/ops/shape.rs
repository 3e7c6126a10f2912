//! Operations that change the shape or the order of elements: reshape, transpose, concatenation.

use fanin_tensor::Write;
use fanin_tensor::map::map;
use fanin_tensor::{IntoShape, Scalar, Shape};

use super::axes::{Along, with_axis, with_length};
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

/// `y = (x₁, x₂, …)` along one axis; each `dx` is the matching part of `dy`.
#[derive(Debug)]
struct Concat {
    axis: usize,
}

/// The number of elements that share the indices before `axis`.
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

impl<'t, T: Scalar> Var<'t, T> {
    /// The same elements in row-major order, with another shape.
    ///
    /// # Panics
    /// **Panics** if the shape has a different number of elements.
    #[doc(alias("view", "squeeze", "unsqueeze"))]
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
        /// **Panics** if the value is not a matrix.
        #[doc(alias("t", "permute", "swapaxes"))]
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

        /// Joins values along `axis`. All other axes must have equal lengths.
        ///
        /// # Panics
        /// **Panics** if there are no values, the axis does not exist, or the lengths of other axes
        /// differ.
        ///
        /// # Example
        /// ```
        /// use fanin_nn::{Tape, Tensor, Var};
        /// let (a, b) = (Tensor::from_vec([2, 1], vec![1.0, 2.0]), Tensor::from_vec([2, 1], vec![3.0, 4.0]));
        /// let y = Tape::new().value(|t| Var::concat(&[t.input(&a), t.input(&b)], 1));
        /// assert_eq!((y.shape(), y.as_slice()), (&[2, 2][..], &[1.0, 3.0, 2.0, 4.0][..]));
        /// ```
        #[doc(alias("cat", "concatenate"))]
        #[must_use]
        #[track_caller]
        pub fn concat<'a>(values: &'a [Self], axis: usize) -> Self
        where
            't: 'a,
        {
            let [first, ..] = values else { panic!("concat: there are no values to concatenate") };
            let shape = first.shape();
            let along = Along::new("concat", &shape, axis);
            let mut length = along.length;
            for value in &values[1..] {
                let next = value.shape();
                let fits = next.len() == shape.len()
                    && (0..next.len()).all(|i| i == axis || next[i] == shape[i]);
                if !fits {
                    let why = format!("all axes but number {axis} must have the same length");
                    bad_shapes("concat", &with_length(&shape, axis, length), &next, &why);
                }
                length += next[axis];
            }
            Self::joined(values, axis, with_length(&shape, axis, length))
        }

        /// Joins values of one shape along a new axis, which is inserted at index `axis`.
        ///
        /// # Shapes
        /// n values with axes `(a, b, …)`; the result is `(n, a, b, …)` with axis 0, `(a, n, b, …)`
        /// with axis 1, and so on.
        ///
        /// # Panics
        /// **Panics** if there are no values, the axis is greater than their number of axes, or their
        /// shapes differ.
        ///
        /// # Example
        /// ```
        /// use fanin_nn::{Tape, Tensor, Var};
        /// let (a, b) = (Tensor::from_vec(2, vec![1.0, 2.0]), Tensor::from_vec(2, vec![3.0, 4.0]));
        /// let y = Tape::new().value(|t| Var::stack(&[t.input(&a), t.input(&b)], 1));
        /// assert_eq!((y.shape(), y.as_slice()), (&[2, 2][..], &[1.0, 3.0, 2.0, 4.0][..]));
        /// ```
        #[must_use]
        #[track_caller]
        pub fn stack<'a>(values: &'a [Self], axis: usize) -> Self
        where
            't: 'a,
        {
            let [first, ..] = values else { panic!("stack: there are no values to stack") };
            let shape = first.shape();
            assert!(axis <= shape.len(), "stack: {shape} has no place for an axis {axis}");
            for value in &values[1..] {
                let next = value.shape();
                if next != shape {
                    bad_shapes("stack", &shape, &next, "all values must have one shape");
                }
            }
            Self::joined(values, axis, with_axis(&shape, axis, values.len()))
        }

        /// Copies values one after the other along an axis. The caller has checked the shapes.
        fn joined<'a>(values: &'a [Self], axis: usize, shape: Shape) -> Self
        where
            't: 'a,
        {
            values[0].tape().apply(Concat { axis }, values, |cx| {
                let whole = block(&shape, axis);
                let mut at = 0;
                for i in 0..cx.inputs() {
                    let x = cx.input(i);
                    let part = block(x.shape(), axis);
                    let y = cx.output(&shape);
                    if part > 0 {
                        let rows = y.chunks_exact_mut(whole).zip(x.as_slice().chunks_exact(part));
                        rows.for_each(|(y, x)| y[at..at + part].copy_from_slice(x));
                    }
                    at += part;
                }
            })
        }

        /// Joins all axes but the first to one: `(n, a, b, …)` becomes `(n, a · b · …)`, as
        /// PyTorch's `nn.Flatten` does.
        ///
        /// # Panics
        /// **Panics** if the value is a scalar.
        ///
        /// # Example
        /// ```
        /// use fanin_nn::{Tape, Tensor};
        /// let images = Tensor::zeros([5, 2, 3]);
        /// assert_eq!(Tape::new().value(|t| t.input(&images).flatten()).shape(), [5, 6]);
        /// ```
        #[must_use]
        #[track_caller]
        pub fn flatten(self) -> Self {
            let shape = self.shape();
            let [first, rest @ ..] = &*shape else { panic!("flatten: a scalar has no first axis") };
            self.reshaped([*first, rest.iter().product()][..].into())
        }

        #[track_caller]
        fn reshaped(self, shape: Shape) -> Self {
            let from = self.shape();
            if from.iter().product::<usize>() != shape.iter().product::<usize>() {
                bad_shapes("reshape", &from, &shape, "they have different numbers of elements");
            }
            self.tape().apply(Reshape, &[self], |cx| {
                let x = cx.input(0);
                cx.output(shape).copy_from_slice(x.as_slice());
            })
        }
    }
}
