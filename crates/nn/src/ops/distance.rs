//! The distance and the cosine of pairs of vectors, along the last axis.

use fanin_tensor::map::map;
use fanin_tensor::reduce::PairwiseSum;
use fanin_tensor::{Scalar, Set, Shape, reduce};

use super::bad_shapes;
use crate::tape::{Backward, Op, Var};

/// `y_i = (Σ_j |d_ij|^p)^(1/p)` with `d = a − b + ε`; `da_ij = dy_i sign(d_ij) (|d_ij| / y_i)^(p − 1) = −db_ij`,
/// and 0 where y is 0. Saves d.
///
/// For p = ∞ it is the largest `|d_ij|`, and those that equal it share the gradient evenly.
#[derive(Debug)]
struct Distance {
    p: f64,
    cols: usize,
}

/// `∂y/∂d`, where `ties` elements are the largest.
#[inline(always)]
fn slope<T: Scalar>(p: f64, d: T, y: T, ties: T) -> T {
    let sign = if d > T::ZERO {
        T::ONE
    } else if d < T::ZERO {
        -T::ONE
    } else {
        T::ZERO
    };
    if y == T::ZERO {
        T::ZERO
    } else if p == 2.0 {
        d / y
    } else if p == 1.0 || sign == T::ZERO {
        sign
    } else if p == f64::INFINITY {
        if d.abs() == y { sign / ties } else { T::ZERO }
    } else {
        sign * T::from_f64((d.abs() / y).to_f64().powf(p - 1.0))
    }
}

impl<T: Scalar> Op<T> for Distance {
    fn backward(&self, cx: &mut Backward<'_, T>) {
        let (d, y, dy) = (cx.saved(), cx.output().as_slice(), cx.dy());
        let (p, cols) = (self.p, self.cols.max(1));
        for (i, sign) in [T::ONE, -T::ONE].into_iter().enumerate() {
            let Some((write, dx)) = cx.grad(i) else { continue };
            let rows = dx.chunks_exact_mut(cols).zip(d.chunks_exact(cols));
            for ((dx, d), (&y, &dy)) in rows.zip(y.iter().zip(dy)) {
                let ties = match p == f64::INFINITY {
                    true => T::from_f64(d.iter().filter(|d| d.abs() == y).count() as f64),
                    false => T::ONE,
                };
                let dy = sign * dy;
                map([d], write, dx, move |[d]| dy * slope(p, d, y, ties));
            }
        }
    }
}

/// The p-norm of a row.
fn norm<T: Scalar>(p: f64, d: &[T]) -> T {
    if p == 2.0 {
        return reduce::norm(d);
    }
    if p == 1.0 {
        return T::from_f64(PairwiseSum::of(d.iter().map(|d| d.abs().to_f64())));
    }
    let top = d.iter().fold(T::ZERO, |top, d| if d.abs() <= top { top } else { d.abs() });
    if p == f64::INFINITY || top == T::ZERO || !top.is_finite() {
        return top;
    }
    // Relative to the largest, so that no power overflows.
    let relative = d.iter().map(|d| (d.abs() / top).to_f64().powf(p));
    T::from_f64(top.to_f64() * PairwiseSum::of(relative).powf(1.0 / p))
}

/// `y_i = Σ_j u_ij v_ij` with `u = a / max(|a|, ε)` and `v = b / max(|b|, ε)`;
/// `da_ij = dy_i (v_ij − y_i a_ij / |a|) / max(|a|, ε)`, and b likewise. As in PyTorch, the gradient flows
/// through the norm even where ε takes its place; it is 0 through a norm of 0.
///
/// Saves u, v, then for each row `1 / max(|a|, ε)` and `max(|a|, ε) / |a|`, and both of b.
#[derive(Debug)]
struct Cosine {
    cols: usize,
}

/// PyTorch's ε.
const LEAST: f64 = 1e-8;

impl<T: Scalar> Op<T> for Cosine {
    fn backward(&self, cx: &mut Backward<'_, T>) {
        let (saved, y, dy, cols) = (cx.saved(), cx.output().as_slice(), cx.dy(), self.cols.max(1));
        let len = dy.len() * self.cols;
        let (units, norms) = saved.split_at(2 * len);
        for i in 0..2 {
            let Some((write, dx)) = cx.grad(i) else { continue };
            let (u, v) = (&units[i * len..][..len], &units[(1 - i) * len..][..len]);
            let norms = norms[2 * i * dy.len()..].chunks_exact(2);
            let rows =
                dx.chunks_exact_mut(cols).zip(u.chunks_exact(cols).zip(v.chunks_exact(cols)));
            for ((dx, (u, v)), ((&y, &dy), norms)) in rows.zip(y.iter().zip(dy).zip(norms)) {
                let (scale, along) = (dy * norms[0], y * norms[1]);
                map([u, v], write, dx, move |[u, v]| scale * (v - along * u));
            }
        }
    }
}

/// The units of each row, and what the backward pass needs of their norms.
fn normalize<T: Scalar>(x: &[T], cols: usize, units: &mut [T], norms: &mut [T]) {
    let least = T::from_f64(LEAST);
    let rows = x.chunks_exact(cols).zip(units.chunks_exact_mut(cols));
    for ((x, unit), norms) in rows.zip(norms.chunks_exact_mut(2)) {
        let norm = reduce::norm(x);
        let bounded = if norm < least { least } else { norm };
        map([x], Set, unit, move |[x]| x / bounded);
        norms[0] = T::ONE / bounded;
        norms[1] = if norm == T::ZERO { T::ZERO } else { bounded / norm };
    }
}

once! {
    impl<'t, T: Scalar> Var<'t, T> {
        /// The distance of each pair of vectors along the last axis, `(Σ_j |a_j − b_j + ε|^p)^(1/p)` with
        /// ε = 10⁻⁶ as in PyTorch: p = 2 is Euclidean, 1 the sum of absolute differences, ∞ the largest one.
        /// The gradient is 0 where the distance is 0.
        ///
        /// # Shapes
        /// Both `(…, features)`, of one shape; the result does not have the last axis.
        ///
        /// # Panics
        /// **Panics** if the shapes differ or are scalars, or p is not positive.
        ///
        /// # Example
        /// ```
        /// use fanin_nn::{Tape, Tensor};
        /// let (a, b) = (Tensor::from_vec([1, 2], vec![3.0, 5.0]), Tensor::from_vec([1, 2], vec![0.0, 1.0]));
        /// let d = Tape::new().value(|t| t.input(&a).pairwise_distance(t.input(&b), 2.0));
        /// assert!((d.as_slice()[0] - 5.0).abs() < 1e-5);
        /// ```
        #[doc(alias = "PairwiseDistance")]
        #[must_use]
        #[track_caller]
        pub fn pairwise_distance(self, other: Self, p: f64) -> Self {
            assert!(p > 0.0, "pairwise_distance: a power of {p} is not positive");
            let (shape, rows) = pairs("pairwise_distance", self, other);
            let cols = shape[rows.len()];
            self.tape().apply(Distance { p, cols }, &[self, other], |cx| {
                let (a, b) = (cx.input(0).as_slice(), cx.input(1).as_slice());
                let (y, d) = cx.output_and_save(&rows, a.len());
                let epsilon = T::from_f64(1e-6);
                map([a, b], Set, d, move |[a, b]| a - b + epsilon);
                if cols == 0 {
                    return y.fill(T::ZERO);
                }
                y.iter_mut().zip(d.chunks_exact(cols)).for_each(|(y, d)| *y = norm(p, d));
            })
        }

        /// The cosine of the angle between each pair of vectors along the last axis,
        /// `a · b / (max(|a|, ε) max(|b|, ε))` with ε = 10⁻⁸.
        ///
        /// # Shapes
        /// Both `(…, features)`, of one shape; the result does not have the last axis.
        ///
        /// # Panics
        /// **Panics** if the shapes differ or are scalars.
        ///
        /// # Example
        /// ```
        /// use fanin_nn::{Tape, Tensor};
        /// let (a, b) = (Tensor::from_vec([1, 2], vec![3.0, 0.0]), Tensor::from_vec([1, 2], vec![1.0, 1.0]));
        /// let c = Tape::new().value(|t| t.input(&a).cosine_similarity(t.input(&b)));
        /// assert!((c.as_slice()[0] - 0.5f32.sqrt()).abs() < 1e-6);
        /// ```
        #[doc(alias = "CosineSimilarity")]
        #[must_use]
        #[track_caller]
        pub fn cosine_similarity(self, other: Self) -> Self {
            let (shape, rows) = pairs("cosine_similarity", self, other);
            let cols = shape[rows.len()];
            self.tape().apply(Cosine { cols }, &[self, other], |cx| {
                let (a, b) = (cx.input(0).as_slice(), cx.input(1).as_slice());
                let count: usize = rows.iter().product();
                let (y, saved) = cx.output_and_save(&rows, 2 * a.len() + 4 * count);
                if cols == 0 {
                    return y.fill(T::ZERO);
                }
                let (units, norms) = saved.split_at_mut(2 * a.len());
                let (u, v) = units.split_at_mut(a.len());
                let (of_a, of_b) = norms.split_at_mut(2 * count);
                normalize(a, cols, u, of_a);
                normalize(b, cols, v, of_b);
                let rows = u.chunks_exact(cols).zip(v.chunks_exact(cols));
                y.iter_mut().zip(rows).for_each(|(y, (u, v))| *y = reduce::dot(u, v));
            })
        }
    }
}

/// The shape of two values, and that without the last axis.
#[track_caller]
fn pairs<T: Scalar>(op: &str, a: Var<'_, T>, b: Var<'_, T>) -> (Shape, Shape) {
    let (a, b) = (a.shape(), b.shape());
    if a != b {
        bad_shapes(op, &a, &b, "both must have one shape");
    }
    let Some((_, rows)) = a.split_last() else {
        bad_shapes(op, &a, &b, "both must have an axis of features")
    };
    let rows: Shape = rows.into();
    (a, rows)
}
