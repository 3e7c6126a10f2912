//! Elements selected by index, by range or by a mask.

use std::ops::{Bound, RangeBounds};

use fanin_tensor::map::map;
use fanin_tensor::{Scalar, Set, Shape, Write, show_shape};

use super::axes::{Along, with_length};
use super::bad_shapes;
use super::expand::common_shape;
use super::indices::Indices;
use crate::tape::{Backward, Op, Var};

/// `y_i = x_{i, j_i}`; `dx_{i, j_i} = dy_i`, and 0 elsewhere.
#[derive(Debug)]
struct Gather {
    indices: Indices,
}

impl<T: Scalar> Op<T> for Gather {
    fn backward(&self, cx: &mut Backward<'_, T>) {
        let (dy, cols) = (cx.dy(), cx.input(0).shape()[1]);
        let Some((write, dx)) = cx.grad(0) else { return };
        if write == Write::Set {
            dx.fill(T::ZERO);
        }
        for (i, (&j, &dy)) in self.indices.iter().zip(dy).enumerate() {
            dx[i * cols + j] += dy;
        }
    }
}

/// `y` is `x` without the indices of one axis outside `start..start + length`. `dx` is dy inside
/// this range and 0 outside.
#[derive(Debug)]
struct Slice {
    along: Along,
    start: usize,
    length: usize,
}

impl<T: Scalar> Op<T> for Slice {
    fn backward(&self, cx: &mut Backward<'_, T>) {
        let (dy, inner) = (cx.dy(), self.along.inner);
        let Some((write, dx)) = cx.grad(0) else { return };
        if write == Write::Set {
            dx.fill(T::ZERO);
        }
        let (first, part) = (self.start * inner, self.length * inner);
        if part == 0 {
            return;
        }
        for (dx, dy) in dx.chunks_exact_mut(self.along.block()).zip(dy.chunks_exact(part)) {
            map([dy], Write::Add, &mut dx[first..first + part], move |[dy]| dy);
        }
    }
}

/// `y = a` where the mask is true, `b` elsewhere. The gradient goes to the value that y equals. The
/// mask is saved as ones and zeros.
#[derive(Debug)]
struct Select;

impl<T: Scalar> Op<T> for Select {
    fn backward(&self, cx: &mut Backward<'_, T>) {
        let (mask, dy) = (cx.saved(), cx.dy());
        // Selected, not multiplied by the mask: 0 times an infinite gradient would be NaN.
        if let Some((write, da)) = cx.grad(0) {
            map([mask, dy], write, da, |[m, dy]| if m == T::ONE { dy } else { T::ZERO });
        }
        if let Some((write, db)) = cx.grad(1) {
            map([mask, dy], write, db, |[m, dy]| if m == T::ONE { T::ZERO } else { dy });
        }
    }
}

impl<'t, T: Scalar> Var<'t, T> {
    /// The part of the value with indices in `range` along `axis`.
    ///
    /// # Shapes
    /// The value's shape, except that the axis has the length of the range.
    ///
    /// # Panics
    /// **Panics** if the axis does not exist, or the range is not within it.
    ///
    /// # Example
    /// ```
    /// use fanin_nn::{Tape, Tensor};
    /// let x = Tensor::from_vec([2, 3], vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    /// let y = Tape::new().value(|t| t.input(&x).slice(1, 1..));
    /// assert_eq!((y.shape(), y.as_slice()), (&[2, 2][..], &[2.0, 3.0, 5.0, 6.0][..]));
    /// ```
    #[doc(alias = "narrow")]
    #[must_use]
    #[track_caller]
    pub fn slice(self, axis: usize, range: impl RangeBounds<usize>) -> Self {
        let shape = self.shape();
        let length = Along::new("slice", &shape, axis).length;
        let start = match range.start_bound() {
            Bound::Included(&start) => start,
            Bound::Excluded(&before) => before.saturating_add(1),
            Bound::Unbounded => 0,
        };
        let end = match range.end_bound() {
            Bound::Included(&last) => last.saturating_add(1),
            Bound::Excluded(&end) => end,
            Bound::Unbounded => length,
        };
        assert!(
            start <= end && end <= length,
            "slice: {start}..{end} is not in axis {axis} of {shape}"
        );
        self.part(shape, axis, start, end - start)
    }
}

once! {
    impl<'t, T: Scalar> Var<'t, T> {
        fn part(self, shape: Shape, axis: usize, start: usize, length: usize) -> Self {
            let along = Along::new("slice", &shape, axis);
            let to = with_length(&shape, axis, length);
            self.tape().apply(Slice { along, start, length }, &[self], |cx| {
                let (x, y) = (cx.input(0).as_slice(), cx.output(&to));
                let (first, part) = (start * along.inner, length * along.inner);
                if part > 0 {
                    for (y, x) in y.chunks_exact_mut(part).zip(x.chunks_exact(along.block())) {
                        y.copy_from_slice(&x[first..first + part]);
                    }
                }
            })
        }

        /// One element of each row: `y_i = x_{i, j_i}`, where j are the indices.
        ///
        /// # Shapes
        /// x `(rows, cols)`, with one index per row; the result is `(rows)`.
        ///
        /// # Panics
        /// **Panics** if the value is not a matrix, if the number of indices is not the number of
        /// rows, or if an index is not below the number of columns.
        ///
        /// # Example
        /// ```
        /// use fanin_nn::{Tape, Tensor};
        /// let q = Tensor::from_vec([2, 3], vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        /// let y = Tape::new().value(|t| t.input(&q).gather(&[2, 0]));
        /// assert_eq!(y.as_slice(), [3.0, 4.0]);
        /// ```
        #[doc(alias = "take_along_axis")]
        #[must_use]
        #[track_caller]
        pub fn gather<'a>(self, indices: &'a [usize]) -> Self {
            let shape = self.shape();
            let &[rows, cols] = &*shape else {
                bad_shapes("gather", &shape, &[indices.len()], "it takes a matrix (rows, cols)")
            };
            if indices.len() != rows {
                bad_shapes("gather", &shape, &[indices.len()], "there must be an index per row");
            }
            if let Some((row, index)) = indices.iter().enumerate().find(|(_, j)| **j >= cols) {
                panic!("gather: index {index} of row {row} is not below the {cols} columns of {shape}");
            }
            self.tape().apply(Gather { indices: Indices::of(indices) }, &[self], |cx| {
                let x = cx.input(0).as_slice();
                let y = cx.output(rows);
                for (i, (y, &j)) in y.iter_mut().zip(indices).enumerate() {
                    *y = x[i * cols + j];
                }
            })
        }

        /// `a` where the mask is true, and `b` elsewhere.
        ///
        /// The gradient goes to the value that the result equals. The other value gets 0, even
        /// where it is infinite or NaN.
        ///
        /// # Shapes
        /// The shapes of a and b broadcast to one. The mask has one value for each element of that
        /// shape, in row-major order.
        ///
        /// # Panics
        /// **Panics** if the shapes do not broadcast, or the mask has a different number of
        /// elements.
        ///
        /// # Example
        /// ```
        /// use fanin_nn::{Tape, Tensor, Var};
        /// let (a, b) = (Tensor::ones(3), Tensor::zeros(3));
        /// let y = Tape::new().value(|t| Var::select(&[true, false, true], t.input(&a), t.input(&b)));
        /// assert_eq!(y.as_slice(), [1.0, 0.0, 1.0]);
        /// ```
        #[doc(alias = "where")]
        #[must_use]
        #[track_caller]
        pub fn select<'m>(mask: &'m [bool], a: Self, b: Self) -> Self {
            let (left, right) = (a.shape(), b.shape());
            let shape = common_shape("select", &left, &right);
            if mask.len() != shape.iter().product::<usize>() {
                let mask = mask.len();
                panic!(
                    "select: a mask of {mask} elements does not fit values of {left} and {right}: \
                    it must have one for each element of {}",
                    show_shape(&shape)
                );
            }
            let (a, b) = (a.expand(&shape), b.expand(&shape));
            a.tape().apply(Select, &[a, b], |cx| {
                let (a, b) = (cx.input(0), cx.input(1));
                let (y, saved) = cx.output_and_save(a.shape(), a.shape());
                saved
                    .iter_mut()
                    .zip(mask)
                    .for_each(|(m, &mask)| *m = if mask { T::ONE } else { T::ZERO });
                map([saved, a.as_slice(), b.as_slice()], Set, y, |[m, a, b]| {
                    if m == T::ONE { a } else { b }
                });
            })
        }
    }
}
