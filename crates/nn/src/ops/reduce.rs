//! Sums and means, over everything or along an axis.

use fanin_tensor::Write;
use fanin_tensor::map::map;
use fanin_tensor::{Scalar, reduce};

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

impl<'t, T: Scalar> Var<'t, T> {
    /// The sum of all elements: a scalar.
    #[must_use]
    pub fn sum(self) -> Self {
        self.scaled_sum(|_| T::ONE)
    }

    /// The mean of all elements: a scalar; NaN if there are none.
    #[must_use]
    pub fn mean(self) -> Self {
        self.scaled_sum(|len| T::from_f64(1.0 / len as f64))
    }

    fn scaled_sum(self, scale: impl FnOnce(usize) -> T) -> Self {
        let scale = scale(self.shape().iter().product());
        self.tape().apply(ScaledSum { scale }, &[self], |cx| {
            let sum = reduce::sum(cx.input(0).as_slice());
            cx.output(())[0] = scale * sum;
        })
    }

    /// The sum along one axis, which is gone from the result.
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
        self.axis_sum("sum_axis", axis, |_| T::ONE)
    }

    /// The mean along one axis, which is gone from the result.
    ///
    /// # Panics
    /// **Panics** if the axis does not exist.
    #[must_use]
    #[track_caller]
    pub fn mean_axis(self, axis: usize) -> Self {
        self.axis_sum("mean_axis", axis, |len| T::from_f64(1.0 / len as f64))
    }

    #[track_caller]
    fn axis_sum(self, name: &str, axis: usize, scale: impl FnOnce(usize) -> T) -> Self {
        let from = self.shape();
        assert!(axis < from.len(), "{name}: {from} has no axis {axis}");
        let (length, inner) = (from[axis], from[axis + 1..].iter().product::<usize>());
        let scale = scale(length);
        let to = [&from[..axis], &from[axis + 1..]].concat();
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
