//! `W_o = g_o · V_o / ‖V_o‖` for each row o.

use fanin_tensor::map::map;
use fanin_tensor::{Scalar, Set, Write, reduce};

use super::bad_shapes;
use crate::tape::{Backward, Op, Var};

/// `dg_o = ⟨dW_o, V_o⟩ / ‖V_o‖`, `dV_o = g_o / ‖V_o‖ · (dW_o − V̂_o ⟨dW_o, V̂_o⟩)` with `V̂ = V/‖V‖`. A row of
/// zeros gives zeros and has no gradient. Saves the norms.
#[derive(Debug)]
struct WeightNorm;

impl<T: Scalar> Op<T> for WeightNorm {
    fn backward(&self, cx: &mut Backward<'_, T>) {
        let (v, g, dw) = (cx.input(0).as_slice(), cx.input(1).as_slice(), cx.dy());
        let (norms, features) = (cx.saved(), v.len() / g.len().max(1));
        let along = |o: usize| {
            let row = o * features..(o + 1) * features;
            if norms[o] == T::ZERO {
                T::ZERO
            } else {
                reduce::dot(&dw[row.clone()], &v[row]) / norms[o]
            }
        };
        if let Some((write, dg)) = cx.grad(1) {
            for (o, dg) in dg.iter_mut().enumerate() {
                *dg = if write == Write::Add { *dg + along(o) } else { along(o) };
            }
        }
        let Some((write, dv)) = cx.grad(0) else { return };
        if features == 0 {
            return;
        }
        let rows = v.chunks_exact(features).zip(dw.chunks_exact(features)).enumerate();
        for (dv, (o, (v, dw))) in dv.chunks_exact_mut(features).zip(rows) {
            let (norm, g) = (norms[o], g[o]);
            let (scale, along) =
                if norm == T::ZERO { (T::ZERO, T::ZERO) } else { (g / norm, along(o) / norm) };
            map([v, dw], write, dv, move |[v, dw]| scale * (dw - v * along));
        }
    }

    fn reparametrizes(&self) -> bool {
        true
    }
}

once! {
    impl<'t, T: Scalar> Var<'t, T> {
        /// Gives each row of a matrix the length that `g` has for it: `W_o = g_o · V_o / ‖V_o‖`. A row of
        /// zeros stays zero, and has no gradient.
        ///
        /// # Shapes
        /// V `(out, in)`, g `(out)` or `(out, 1)`; W `(out, in)`.
        ///
        /// # Panics
        /// **Panics** if V is not a matrix, or g has more or fewer elements than V has rows.
        ///
        /// # Example
        /// ```
        /// use fanin_nn::{Tape, Tensor};
        ///
        /// let (v, g) = (Tensor::from_vec([1, 2], vec![3.0, 4.0]), Tensor::from_vec(1, vec![10.0]));
        /// let w = Tape::new().value(|t| t.input(&v).weight_norm(t.input(&g)));
        /// assert_eq!(w.as_slice(), [6.0, 8.0]);
        /// ```
        ///
        /// # Reference
        /// Salimans & Kingma 2016, "Weight Normalization", eq. 2 and 3.
        #[must_use]
        #[track_caller]
        pub fn weight_norm(self, g: Self) -> Self {
            let (shape, lengths) = (self.shape(), g.shape());
            let fits = match *shape {
                [rows, _] => lengths.first() == Some(&rows) && lengths[1..].iter().all(|&n| n == 1),
                _ => false,
            };
            if !fits {
                let why = "it takes a matrix, and a length for each of its rows";
                bad_shapes("weight_norm", &shape, &lengths, why);
            }
            self.tape().apply(WeightNorm, &[self, g], |cx| {
                let (v, g) = (cx.input(0), cx.input(1).as_slice());
                let (w, norms) = cx.output_and_save(v.shape(), g.len());
                let features = (v.len() / g.len().max(1)).max(1);
                let rows = v.as_slice().chunks_exact(features).zip(norms.iter_mut().zip(g));
                for (w, (v, (norm, &g))) in w.chunks_exact_mut(features).zip(rows) {
                    *norm = reduce::norm(v);
                    let scale = if *norm == T::ZERO { T::ZERO } else { g / *norm };
                    map([v], Set, w, move |[v]| v * scale);
                }
                if v.len() == 0 {
                    norms.fill(T::ZERO);
                }
            })
        }
    }
}
