//! `y = (x − μ) / √(σ² + ε) ⊙ γ + β`, with μ and σ² of each row, or of each group of a row's elements.

use fanin_tensor::map::{map, update};
use fanin_tensor::{Scalar, Set, reduce};

use super::bad_shapes;
use crate::tape::{Backward, Forward, Op, Var};

/// What layer, group and root mean square normalization are.
///
/// With `x̂ = (x − μ)/√(σ² + ε)` and `g = dy ⊙ γ`: `dx = (g − mean g − x̂ · mean (g ⊙ x̂)) / √(σ² + ε)`,
/// `dγ = Σ_rows dy ⊙ x̂`, `dβ = Σ_rows dy`. Without a mean, `mean g` is 0. The inputs are x, and γ and β
/// where there are any. Saves x̂, then `1/√(σ² + ε)` of each group.
#[derive(Clone, Copy, Debug)]
struct Normalization {
    /// The length of a row.
    features: usize,
    /// How many of its elements are normalized together.
    width: usize,
    /// Whether a mean is subtracted. If not, σ² is the mean square.
    centered: bool,
    scaled: bool,
    shifted: bool,
}

impl Normalization {
    fn groups(self) -> usize {
        self.features.max(1) / self.width.max(1)
    }
}

impl<T: Scalar> Op<T> for Normalization {
    fn backward(&self, cx: &mut Backward<'_, T>) {
        let (dy, width, groups) = (cx.dy(), self.width.max(1), self.groups());
        let (normal, scales) = cx.saved().split_at(dy.len());
        let gamma = self.scaled.then(|| cx.input(1).as_slice());
        if self.scaled
            && let Some((write, d_gamma)) = cx.grad(1)
        {
            reduce::row_sums([dy, normal], [], [(write, d_gamma)], |[dy, x], []| [dy * x]);
        }
        if self.shifted
            && let Some((write, d_beta)) = cx.grad(1 + usize::from(self.scaled))
        {
            reduce::sum_rows(dy, write, d_beta);
        }
        let Some((write, dx)) = cx.grad(0) else { return };
        let n = T::from_f64(self.width as f64);
        let parts = dy.chunks_exact(width).zip(normal.chunks_exact(width)).zip(scales).enumerate();
        for (dx, (k, ((dy, x), &scale))) in dx.chunks_exact_mut(width).zip(parts) {
            let gamma = gamma.map(|gamma| &gamma[k % groups * width..][..width]);
            let mean = match gamma {
                _ if !self.centered => T::ZERO,
                None => reduce::sum(dy) / n,
                Some(gamma) => reduce::dot(dy, gamma) / n,
            };
            match gamma {
                None => {
                    let along = reduce::dot(dy, x) / n;
                    map([dy, x], write, dx, move |[dy, x]| scale * (dy - mean - x * along));
                }
                Some(gamma) => {
                    let along = weighted(dy, gamma, x) / n;
                    map([dy, x, gamma], write, dx, move |[dy, x, gamma]| {
                        scale * (dy * gamma - mean - x * along)
                    });
                }
            }
        }
    }

    fn is_normalization(&self) -> bool {
        true
    }
}

impl Normalization {
    #[inline]
    fn forward<T: Scalar>(self, epsilon: f64, cx: &mut Forward<'_, T>) {
        let (x, width) = (cx.input(0), self.width.max(1));
        let gamma = self.scaled.then(|| cx.input(1).as_slice());
        let beta = self.shifted.then(|| cx.input(1 + usize::from(self.scaled)).as_slice());
        let (y, saved) = cx.output_and_save(x.shape(), x.len() + x.len() / width);
        let (normal, scales) = saved.split_at_mut(x.len());
        let n = T::from_f64(self.width as f64);
        let parts = x.as_slice().chunks_exact(width).zip(scales);
        for (normal, (x, scale)) in normal.chunks_exact_mut(width).zip(parts) {
            let mean = if self.centered { reduce::sum(x) / n } else { T::ZERO };
            map([x], Set, normal, move |[x]| x - mean);
            let variance = reduce::dot(normal, normal) / n;
            *scale = T::ONE / (variance + T::from_f64(epsilon)).sqrt();
            let scale = *scale;
            update([normal], [], move |[x], []| [x * scale]);
        }
        let features = self.features.max(1);
        for (y, x) in y.chunks_exact_mut(features).zip(normal.chunks_exact(features)) {
            match (gamma, beta) {
                (None, None) => y.copy_from_slice(x),
                (Some(gamma), None) => map([x, gamma], Set, y, |[x, gamma]| x * gamma),
                (None, Some(beta)) => map([x, beta], Set, y, |[x, beta]| x + beta),
                (Some(gamma), Some(beta)) => {
                    map([x, gamma, beta], Set, y, |[x, gamma, beta]| x * gamma + beta);
                }
            }
        }
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
            let (scale, shift) = (scale_and_shift.map(|[g, _]| g), scale_and_shift.map(|[_, b]| b));
            self.normalize("layer_norm", true, 1, scale, shift, epsilon)
        }

        /// Normalizes the groups of each row to mean 0 and variance 1, then scales and shifts each element:
        /// [`layer_norm`](Self::layer_norm) of each of `groups` equal parts of a row, γ and β apart.
        ///
        /// # Shapes
        /// x and y `(…, features)`, γ and β `(features)`.
        ///
        /// # Panics
        /// **Panics** if the features are no multiple of the number of groups, and as
        /// [`layer_norm`](Self::layer_norm) does.
        ///
        /// # Example
        /// ```
        /// use fanin_nn::{Tape, Tensor};
        /// let x = Tensor::from_vec([1, 4], vec![1.0, 5.0, -3.0, -1.0]);
        /// let y = Tape::new().value(|t| t.input(&x).group_norm(2, None, 0.0));
        /// assert_eq!(y.as_slice(), [-1.0, 1.0, -1.0, 1.0]);
        /// ```
        ///
        /// # Reference
        /// Wu & He 2018, "Group Normalization", eq. 1 to 6.
        #[must_use]
        #[track_caller]
        pub fn group_norm(
            self,
            groups: usize,
            scale_and_shift: Option<[Self; 2]>,
            epsilon: f64,
        ) -> Self {
            let (scale, shift) = (scale_and_shift.map(|[g, _]| g), scale_and_shift.map(|[_, b]| b));
            self.normalize("group_norm", true, groups, scale, shift, epsilon)
        }

        /// Divides each row by its root mean square, and scales it by γ: `y = x / √(mean x² + ε) ⊙ γ`.
        ///
        /// # Shapes
        /// x and y `(…, features)`, γ `(features)`.
        ///
        /// # Panics
        /// **Panics** if x is a scalar, or the shape of γ is not `(features)`.
        ///
        /// # Example
        /// ```
        /// use fanin_nn::{Tape, Tensor};
        /// let x = Tensor::from_vec([1, 2], vec![1.0, 7.0]);
        /// let y = Tape::new().value(|t| t.input(&x).rms_norm(None, 0.0));
        /// assert_eq!(y.as_slice(), [0.2, 1.4]);
        /// ```
        ///
        /// # Reference
        /// Zhang & Sennrich 2019, "Root Mean Square Layer Normalization", eq. 4.
        #[must_use]
        #[track_caller]
        pub fn rms_norm(self, scale: Option<Self>, epsilon: f64) -> Self {
            self.normalize("rms_norm", false, 1, scale, None, epsilon)
        }

        /// All of them, each with its name for messages.
        #[track_caller]
        pub(crate) fn normalize<'n>(
            self,
            name: &'n str,
            centered: bool,
            groups: usize,
            scale: Option<Self>,
            shift: Option<Self>,
            epsilon: f64,
        ) -> Self {
            let shape = self.shape();
            let Some(&features) = shape.last() else { panic!("{name}: a scalar has no rows") };
            if groups == 0 || !features.is_multiple_of(groups) {
                panic!("{name}: the features of {shape} cannot be divided into {groups} groups");
            }
            for parameter in scale.iter().chain(&shift) {
                if parameter.with_shape(|shape| *shape != [features]) {
                    let why = "scale and shift must have an element per feature";
                    bad_shapes(name, &shape, &parameter.shape(), why);
                }
            }
            let (scaled, shifted) = (scale.is_some(), shift.is_some());
            let op = Normalization { features, width: features / groups, centered, scaled, shifted };
            let forward = |cx: &mut Forward<'_, T>| op.forward(epsilon, cx);
            match (scale, shift) {
                (None, None) => self.tape().apply(op, &[self], forward),
                (Some(p), None) | (None, Some(p)) => self.tape().apply(op, &[self, p], forward),
                (Some(g), Some(b)) => self.tape().apply(op, &[self, g, b], forward),
            }
        }
    }
}
