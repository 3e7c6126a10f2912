//! `y = √(Σ x²)`; `dx = dy · x / y`, and 0 where y is 0.

use fanin_tensor::map::map;
use fanin_tensor::{Scalar, Shape, Write, reduce, scratch};

use super::axes::{Along, without};
use crate::tape::{Backward, Op, Var};

#[derive(Debug)]
struct Norm {
    along: Along,
}

/// `dy · x / y`, and 0 where y is 0. The quotient first: `dy / y` may overflow.
#[inline(always)]
fn derivative<T: Scalar>(x: T, y: T, dy: T) -> T {
    if y == T::ZERO { T::ZERO } else { dy * (x / y) }
}

impl<T: Scalar> Op<T> for Norm {
    fn backward(&self, cx: &mut Backward<'_, T>) {
        let (x, y, dy) = (cx.input(0).as_slice(), cx.output().as_slice(), cx.dy());
        let (block, inner) = (self.along.block(), self.along.inner);
        let Some((write, dx)) = cx.grad(0) else { return };
        if x.is_empty() {
            return;
        }
        for (o, (x, dx)) in x.chunks_exact(block).zip(dx.chunks_exact_mut(block)).enumerate() {
            let at = o * inner..(o + 1) * inner;
            if let ([y], [dy]) = (&y[at.clone()], &dy[at.clone()]) {
                let (y, dy) = (*y, *dy);
                map([x], write, dx, move |[x]| derivative(x, y, dy));
                continue;
            }
            let (y, dy) = (&y[at.clone()], &dy[at]);
            for (x, dx) in x.chunks_exact(inner).zip(dx.chunks_exact_mut(inner)) {
                map([x, y, dy], write, dx, |[x, y, dy]| derivative(x, y, dy));
            }
        }
    }
}

/// The norm of each column. Scales the columns where a square could overflow or underflow.
fn norms<T: Scalar>(x: &[T], cols: usize, y: &mut [T]) {
    let squares = [(Write::Set, &mut *y)];
    reduce::row_sums([x], [], squares, |[x], []| [x * x]);
    let least = T::from_f64(if T::IS_F32 { 1e-30 } else { 1e-290 });
    for (j, y) in y.iter_mut().enumerate() {
        *y = if *y > least && y.is_finite() {
            y.sqrt()
        } else {
            scratch::with(x.len() / cols, |column| {
                column.iter_mut().zip(x.iter().skip(j).step_by(cols)).for_each(|(c, x)| *c = *x);
                reduce::norm(column)
            })
        };
    }
}

once! {
    impl<'t, T: Scalar> Var<'t, T> {
        /// The Euclidean norm of all elements, `√(Σ x²)`: a scalar. The gradient is 0 where the
        /// norm is 0.
        ///
        /// # Example
        /// ```
        /// use fanin_nn::{Tape, Tensor};
        /// let x = Tensor::from_vec([1, 2], vec![3.0, -4.0]);
        /// assert_eq!(Tape::new().value(|t| t.input(&x).norm()).item(), 5.0);
        /// ```
        #[must_use]
        pub fn norm(self) -> Self {
            let from = self.shape();
            self.norm_along(Along::all(&from), [][..].into())
        }

        /// The Euclidean norm along one axis. The result does not have this axis. The gradient is 0
        /// where the norm is 0.
        ///
        /// # Panics
        /// **Panics** if the axis does not exist.
        ///
        /// # Example
        /// ```
        /// use fanin_nn::{Tape, Tensor};
        /// let x = Tensor::from_vec([2, 2], vec![3.0, -4.0, 0.0, 2.0]);
        /// assert_eq!(Tape::new().value(|t| t.input(&x).norm_axis(1)).as_slice(), [5.0, 2.0]);
        /// ```
        #[must_use]
        #[track_caller]
        pub fn norm_axis(self, axis: usize) -> Self {
            let from = self.shape();
            self.norm_along(Along::new("norm_axis", &from, axis), without(&from, axis))
        }

        fn norm_along(self, along: Along, to: Shape) -> Self {
            self.tape().apply(Norm { along }, &[self], |cx| {
                let x = cx.input(0).as_slice();
                let y = cx.output(&to);
                let (block, inner) = (along.block(), along.inner);
                if x.is_empty() {
                    return y.fill(T::ZERO);
                }
                for (x, y) in x.chunks_exact(block).zip(y.chunks_exact_mut(inner)) {
                    if let [y] = y {
                        *y = reduce::norm(x);
                        continue;
                    }
                    norms(x, inner, y);
                }
            })
        }
    }
}
