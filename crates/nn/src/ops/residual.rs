//! `y = x + α z` with a single number α; `dx = dy`, `dz = α dy`, `dα = Σ dy ⊙ z`.

use fanin_tensor::map::map;
use fanin_tensor::{Scalar, Set, Write, reduce};

use super::bad_shapes;
use crate::tape::{Backward, Op, Var};

#[derive(Debug)]
struct AddScaled;

impl<T: Scalar> Op<T> for AddScaled {
    fn backward(&self, cx: &mut Backward<'_, T>) {
        let (z, alpha, dy) = (cx.input(1).as_slice(), cx.input(2).as_slice()[0], cx.dy());
        if let Some((write, dx)) = cx.grad(0) {
            map([dy], write, dx, |[dy]| dy);
        }
        if let Some((write, dz)) = cx.grad(1) {
            map([dy], write, dz, move |[dy]| alpha * dy);
        }
        if let Some((write, d_alpha)) = cx.grad(2) {
            let sum = reduce::dot(dy, z);
            d_alpha[0] = if write == Write::Add { d_alpha[0] + sum } else { sum };
        }
    }
}

once! {
    impl<'t, T: Scalar> Var<'t, T> {
        /// `x + α z`, where α is a single number that may be learned.
        ///
        /// # Shapes
        /// x, z and the result have the same shape; α has one element.
        ///
        /// # Panics
        /// **Panics** if the shapes of x and z differ, or if α has more or fewer than one element.
        ///
        /// # Example
        /// ```
        /// use fanin_nn::{Tape, Tensor};
        ///
        /// let (x, z) = (Tensor::ones([2, 3]), Tensor::full([2, 3], 4.0));
        /// let y = Tape::new().value(|t| t.input(&x).add_scaled(t.scalar(0.5), t.input(&z)));
        /// assert_eq!(y, Tensor::full([2, 3], 3.0));
        /// ```
        #[must_use]
        #[track_caller]
        pub fn add_scaled(self, alpha: Self, z: Self) -> Self {
            let (x, factor) = (self.shape(), alpha.shape());
            if z.with_shape(|z| *z != *x) {
                bad_shapes("add_scaled", &x, &z.shape(), "both must have one shape");
            }
            if factor.iter().any(|&length| length != 1) {
                bad_shapes("add_scaled", &x, &factor, "the factor must be a single number");
            }
            self.tape().apply(AddScaled, &[self, z, alpha], |cx| {
                let (x, z, alpha) = (cx.input(0), cx.input(1), cx.input(2).as_slice()[0]);
                let y = cx.output(x.shape());
                map([x.as_slice(), z.as_slice()], Set, y, move |[x, z]| x + alpha * z);
            })
        }
    }
}
