//! `Ŵ = W / σ` with `σ = uᵀ·W·v`, and the vectors u and v of the power iteration.

use fanin_tensor::gemm::{Mat, gemm};
use fanin_tensor::map::map;
use fanin_tensor::{Scalar, Set, Write, reduce, scratch};

use crate::tape::{Backward, Op, Var};

/// `dW = (dŴ − ⟨dŴ, Ŵ⟩ · u·vᵀ) / σ`. The inputs are W, u and v; none flows into u and v. Saves σ, or 1 where
/// it is 0.
#[derive(Debug)]
struct SpectralNorm;

impl<T: Scalar> Op<T> for SpectralNorm {
    fn backward(&self, cx: &mut Backward<'_, T>) {
        let (u, v) = (cx.input(1).as_slice(), cx.input(2).as_slice());
        let (normed, dy) = (cx.output().as_slice(), cx.dy());
        let sigma = cx.saved()[0];
        let along = reduce::dot(dy, normed);
        let Some((write, dw)) = cx.grad(0) else { return };
        let columns = v.len().max(1);
        for (dw, (dy, &u)) in dw.chunks_exact_mut(columns).zip(dy.chunks_exact(columns).zip(u)) {
            let along = along * u;
            map([dy, v], write, dw, move |[dy, v]| (dy - along * v) / sigma);
        }
    }

    fn reparametrizes(&self) -> bool {
        true
    }
}

/// `y = x / max(‖x‖, ε)`, and the second input where x is 0.
#[derive(Debug)]
struct Unit;

impl<T: Scalar> Op<T> for Unit {
    fn backward(&self, _: &mut Backward<'_, T>) {
        unreachable!("no gradient flows into singular vectors")
    }
}

once! {
    impl<'t, T: Scalar> Var<'t, T> {
        /// A matrix divided by uᵀ·W·v, for singular vectors u and v. Where that is 0, the matrix itself.
        pub(crate) fn spectral_norm(self, u: Self, v: Self) -> Self {
            self.tape().apply(SpectralNorm, &[self, u, v], |cx| {
                let (w, u, v) = (cx.input(0), cx.input(1).as_slice(), cx.input(2).as_slice());
                let sigma = scratch::with(u.len(), |products| {
                    let matrix = Mat::new(w.as_slice(), u.len(), v.len());
                    gemm(matrix, Mat::new(v, v.len(), 1), Write::Set, products);
                    reduce::dot(products, u)
                });
                let sigma = if sigma == T::ZERO { T::ONE } else { sigma };
                let (y, saved) = cx.output_and_save(w.shape(), 1);
                saved[0] = sigma;
                map([w.as_slice()], Set, y, move |[w]| w / sigma);
            })
        }

        /// The direction of `W·v`, or of `Wᵀ·v` if `transposed`; `before` if that is 0. No gradient
        /// flows.
        pub(crate) fn power_step(
            self,
            v: Self,
            before: Self,
            transposed: bool,
            epsilon: f64,
        ) -> Self {
            let length = before.with_shape(|shape| shape[0]);
            let other = v.with_shape(|shape| shape[0]);
            self.tape().apply(Unit, &[self, v, before], |cx| {
                let (w, v, before) = (cx.input(0), cx.input(1), cx.input(2));
                let y = cx.output(length);
                let matrix = match transposed {
                    false => Mat::new(w.as_slice(), length, other),
                    true => Mat::new(w.as_slice(), other, length).t(),
                };
                gemm(matrix, Mat::new(v.as_slice(), other, 1), Write::Set, y);
                let norm = reduce::norm(y);
                if norm == T::ZERO {
                    y.copy_from_slice(before.as_slice());
                } else {
                    let epsilon = T::from_f64(epsilon);
                    let norm = if norm > epsilon { norm } else { epsilon };
                    y.iter_mut().for_each(|y| *y /= norm);
                }
            })
        }
    }
}
