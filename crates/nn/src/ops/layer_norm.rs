//! `y = (x − μ) / √(σ² + ε) ⊙ γ + β`, with μ and σ² of each row.

use fanin_tensor::map::{map, update};
use fanin_tensor::{Scalar, Set, reduce};

use super::bad_shapes;
use crate::tape::{Backward, Op, Var};

/// With `x̂ = (x − μ)/√(σ² + ε)` and `g = dy ⊙ γ`: `dx = (g − mean g − x̂ · mean (g ⊙ x̂)) / √(σ² + ε)`,
/// `dγ = Σ_rows dy ⊙ x̂`, `dβ = Σ_rows dy`. Saves x̂, then `1/√(σ² + ε)` of each row.
#[derive(Debug)]
struct LayerNorm {
    features: usize,
}

impl<T: Scalar> Op<T> for LayerNorm {
    fn backward(&self, cx: &mut Backward<'_, T>) {
        let (dy, features) = (cx.dy(), self.features.max(1));
        let (normal, scales) = cx.saved().split_at(dy.len());
        let affine = cx.inputs() == 3;
        let gamma = affine.then(|| cx.input(1).as_slice());
        if affine {
            if let Some((write, d_gamma)) = cx.grad(1) {
                reduce::row_sums([dy, normal], [], [(write, d_gamma)], |[dy, x], []| [dy * x]);
            }
            if let Some((write, d_beta)) = cx.grad(2) {
                reduce::sum_rows(dy, write, d_beta);
            }
        }
        let Some((write, dx)) = cx.grad(0) else { return };
        let n = T::from_f64(self.features as f64);
        let rows = dy.chunks_exact(features).zip(normal.chunks_exact(features)).zip(scales);
        for (dx, ((dy, x), &scale)) in dx.chunks_exact_mut(features).zip(rows) {
            let (mean, along) = match gamma {
                None => (reduce::sum(dy) / n, reduce::dot(dy, x) / n),
                Some(gamma) => (reduce::dot(dy, gamma) / n, weighted(dy, gamma, x) / n),
            };
            match gamma {
                None => map([dy, x], write, dx, move |[dy, x]| scale * (dy - mean - x * along)),
                Some(gamma) => map([dy, x, gamma], write, dx, move |[dy, x, gamma]| {
                    scale * (dy * gamma - mean - x * along)
                }),
            }
        }
    }

    fn is_normalization(&self) -> bool {
        true
    }
}

/// `Σ a b c`, as a tree over blocks. Several independent partial sums let the CPU add in parallel.
fn weighted<T: Scalar>(a: &[T], b: &[T], c: &[T]) -> T {
    const LANES: usize = 16;
    const BLOCK: usize = 1024;
    if a.len() > BLOCK {
        let half = (a.len() / 2).next_multiple_of(BLOCK);
        let ((a, a_rest), (b, b_rest), (c, c_rest)) =
            (a.split_at(half), b.split_at(half), c.split_at(half));
        return weighted(a, b, c) + weighted(a_rest, b_rest, c_rest);
    }
    let mut sums = [T::ZERO; LANES];
    for ((a, b), c) in a.chunks(LANES).zip(b.chunks(LANES)).zip(c.chunks(LANES)) {
        for (sum, ((&a, &b), &c)) in sums.iter_mut().zip(a.iter().zip(b).zip(c)) {
            *sum += a * b * c;
        }
    }
    reduce::sum(&sums)
}

once! {
    impl<'t, T: Scalar> Var<'t, T> {
        /// Normalizes each row to mean 0 and variance 1, then scales it by γ and shifts it by β: `y
        /// = (x − μ) / √(σ² + ε) ⊙ γ + β`. A row runs along the last axis; σ² is `Σ (x − μ)² / n`.
        ///
        /// # Shapes
        /// x and y `(…, features)`, γ and β `(features)`.
        ///
        /// # Panics
        /// **Panics** if x is a scalar, or the shape of γ or β is not `(features)`.
        ///
        /// # Example
        /// ```
        /// use fanin_nn::{Tape, Tensor};
        /// let x = Tensor::from_vec([1, 2], vec![1.0, 5.0]);
        /// let y = Tape::new().value(|t| t.input(&x).layer_norm(None, 0.0));
        /// assert_eq!(y.as_slice(), [-1.0, 1.0]);
        /// ```
        ///
        /// # Reference
        /// Ba et al. 2016, eq. 3 and 4.
        #[must_use]
        #[track_caller]
        pub fn layer_norm(self, scale_and_shift: Option<[Self; 2]>, epsilon: f64) -> Self {
            let shape = self.shape();
            let Some(&features) = shape.last() else { panic!("layer_norm: a scalar has no rows") };
            for parameter in scale_and_shift.iter().flatten() {
                if parameter.with_shape(|shape| *shape != [features]) {
                    let why = "scale and shift must have an element per feature";
                    bad_shapes("layer_norm", &shape, &parameter.shape(), why);
                }
            }
            let forward = |cx: &mut crate::tape::Forward<'_, T>| {
                let x = cx.input(0);
                let affine = (cx.inputs() == 3).then(|| [cx.input(1), cx.input(2)]);
                let rows = x.len() / features.max(1);
                let (y, saved) = cx.output_and_save(x.shape(), x.len() + rows);
                let (normal, scales) = saved.split_at_mut(x.len());
                let n = T::from_f64(features as f64);
                let rows = x.as_slice().chunks_exact(features.max(1)).zip(scales);
                for (normal, (x, scale)) in normal.chunks_exact_mut(features.max(1)).zip(rows) {
                    let mean = reduce::sum(x) / n;
                    map([x], Set, normal, move |[x]| x - mean);
                    let variance = reduce::dot(normal, normal) / n;
                    *scale = T::ONE / (variance + T::from_f64(epsilon)).sqrt();
                    let scale = *scale;
                    update([normal], [], move |[x], []| [x * scale]);
                }
                for (y, x) in
                    y.chunks_exact_mut(features.max(1)).zip(normal.chunks_exact(features.max(1)))
                {
                    match affine {
                        None => y.copy_from_slice(x),
                        Some([gamma, beta]) => {
                            let affine = [x, gamma.as_slice(), beta.as_slice()];
                            map(affine, Set, y, |[x, gamma, beta]| x * gamma + beta);
                        }
                    }
                }
            };
            let op = LayerNorm { features };
            match scale_and_shift {
                Some([gamma, beta]) => self.tape().apply(op, &[self, gamma, beta], forward),
                None => self.tape().apply(op, &[self], forward),
            }
        }
    }
}
