//! Sums and means of all elements or along an axis.

use fanin_tensor::Write;
use fanin_tensor::map::map;
use fanin_tensor::{Scalar, reduce};

use super::axes::{Along, without};
use crate::tape::{Backward, Op, Var};

/// `y = scale · Σ x`; `dx = scale · dy`.
#[derive(Debug)]
struct ScaledSum<T> {
    scale: T,
}

impl<T: Scalar> Op<T> for ScaledSum<T> {
    fn backward(&self, cx: &mut Backward<'_, T>) {
        let d = self.scale * cx.dy()[0];
        if let Some((write, dx)) = cx.grad(0) {
            map([], write, dx, move |[]| d);
        }
    }
}

/// `y_{i,k} = scale · Σ_j x_{i,j,k}`, j along the axis; `dx_{i,j,k} = scale · dy_{i,k}`.
#[derive(Debug)]
struct AxisSum<T> {
    length: usize,
    inner: usize,
    scale: T,
}

impl<T: Scalar> Op<T> for AxisSum<T> {
    fn backward(&self, cx: &mut Backward<'_, T>) {
        let (dy, scale) = (cx.dy(), self.scale);
        let Some((write, dx)) = cx.grad(0) else { return };
        if self.inner == 0 || self.length == 0 {
            return;
        }
        for (dx, dy) in
            dx.chunks_exact_mut(self.length * self.inner).zip(dy.chunks_exact(self.inner))
        {
            for dx in dx.chunks_exact_mut(self.inner) {
                map([dy], write, dx, move |[dy]| scale * dy);
            }
        }
    }
}

once! {
    impl<'t, T: Scalar> Var<'t, T> {
        /// The sum of all elements: a scalar.
        #[must_use]
        pub fn sum(self) -> Self {
            self.scaled_sum(T::ONE)
        }

        /// The mean of all elements: a scalar; NaN if there are none.
        #[must_use]
        pub fn mean(self) -> Self {
            let len: usize = self.with_shape(|shape| shape.iter().product());
            self.scaled_sum(T::from_f64(1.0 / len as f64))
        }

        fn scaled_sum(self, scale: T) -> Self {
            self.tape().apply(ScaledSum { scale }, &[self], |cx| {
                let sum = reduce::sum(cx.input(0).as_slice());
                cx.output(())[0] = scale * sum;
            })
        }

        /// The sum along one axis. The result does not have this axis.
        ///
        /// # Panics
        /// **Panics** if the axis does not exist.
        ///
        /// # Example
        /// ```
        /// use fanin_nn::{Tape, Tensor};
        /// let x = Tensor::from_vec([2, 3], vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        /// assert_eq!(Tape::new().value(|t| t.input(&x).sum_axis(0)).as_slice(), [5.0, 7.0, 9.0]);
        /// assert_eq!(Tape::new().value(|t| t.input(&x).mean_axis(1)).as_slice(), [2.0, 5.0]);
        /// ```
        #[must_use]
        #[track_caller]
        pub fn sum_axis(self, axis: usize) -> Self {
            self.axis_sum("sum_axis", axis, false)
        }

        /// The mean along one axis. The result does not have this axis.
        ///
        /// # Panics
        /// **Panics** if the axis does not exist.
        #[must_use]
        #[track_caller]
        pub fn mean_axis(self, axis: usize) -> Self {
            self.axis_sum("mean_axis", axis, true)
        }

        #[track_caller]
        fn axis_sum<'n>(self, name: &'n str, axis: usize, mean: bool) -> Self {
            let from = self.shape();
            let Along { inner, length } = Along::new(name, &from, axis);
            let to = without(&from, axis);
            let scale = if mean { T::from_f64(1.0 / length as f64) } else { T::ONE };
            self.tape().apply(AxisSum { length, inner, scale }, &[self], |cx| {
                let x = cx.input(0).as_slice();
                let y = cx.output(&to);
                if length == 0 {
                    y.fill(T::ZERO);
                } else if inner == 1 {
                    reduce::sum_cols(x, length, y);
                } else if inner > 0 {
                    for (x, y) in x.chunks_exact(length * inner).zip(y.chunks_exact_mut(inner)) {
                        reduce::sum_rows(x, Write::Set, y);
                    }
                }
                y.iter_mut().for_each(|y| *y *= scale);
            })
        }
    }
}
