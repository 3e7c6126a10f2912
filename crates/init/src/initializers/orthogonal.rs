//! Orthonormal rows or columns.

use ndarray::{Array2, ArrayView2, ArrayViewMut2, ArrayViewMutD, azip, s};
use rand::RngCore;
use serde::{Deserialize, Serialize};

use crate::initializer::require;
use crate::numerics::qr;
use crate::random::draw;
use crate::scheme::fields;
use crate::{Gain, Initializer, ParamSpec};

/// `gain` times a random matrix with orthonormal rows or columns, whichever are fewer.
///
/// `Q·sign(diag R)` of a normal matrix, which is uniform on all such matrices. A weight of shape
/// `(out, in, k…)` counts as the matrix `(out, in·∏k)`. Each entry has mean 0 and variance
/// `gain²/max(rows, columns)`.
///
/// The draw is `torch.nn.init.orthogonal_(gain)`, within 1e-5 of the gain. It differs more when the
/// normal matrix is nearly singular, as a square one of a few hundred rows can be: PyTorch
/// factorizes in f32, fanin in f64.
///
/// # Panics
/// `fill` panics when the parameter has fewer than two dimensions.
///
/// # Example
/// ```
/// use fanin_init::{Initializer, Orthogonal, ParamSpec, TorchRng};
///
/// let w = Orthogonal::default().draw(&ParamSpec::weight(3, 2), &[2, 3], &mut TorchRng::seed(0));
/// let (a, b) = (w.outer_iter().next().unwrap(), w.outer_iter().last().unwrap());
/// let dot: f32 = (&a * &b).sum();
/// assert!(dot.abs() < 1e-6);
/// ```
///
/// # Reference
/// Saxe et al. 2013, "Exact solutions to the nonlinear dynamics of learning in deep linear neural
/// networks"; the sign is Mezzadri 2007, "How to generate random matrices from the classical compact
/// groups", section 5.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Orthogonal {
    /// The length of every row, or of every column.
    pub gain: Gain,
}

impl Orthogonal {
    /// The same initializer with this gain: a number or a [`Nonlinearity`](crate::Nonlinearity).
    ///
    /// # Panics
    /// When the number is no [`Gain`].
    #[must_use]
    #[track_caller]
    pub fn gain(self, gain: impl Into<Gain>) -> Self {
        Orthogonal { gain: gain.into() }
    }
}

fields!(Orthogonal { gain });

impl Initializer for Orthogonal {
    fn fill(&self, param: &ParamSpec, rng: &mut dyn RngCore, values: ArrayViewMutD<'_, f32>) {
        require(self, param, values.shape());
        if values.is_empty() {
            return;
        }
        let rows = values.shape()[0];
        let columns = values.len() / rows;
        let gain = self.gain.get() as f32;
        draw::in_order(values, &mut |values| {
            draw::normal(rng, values, 0.0, 1.0);
            if let [only] = values {
                // Exactly ±gain; a reflection would round.
                *only = if *only < 0.0 { -gain } else { gain };
                return;
            }
            // The factorization makes the rows of its argument orthonormal. These are the rows of a
            // wide matrix, and the columns of a tall or square one.
            let turn = rows >= columns;
            let matrix = ArrayViewMut2::from_shape((rows, columns), values);
            let matrix = matrix.expect("the values are a matrix");
            let vectors = if turn { matrix.t() } else { matrix.view() };
            let mut a = Array2::zeros(vectors.dim());
            copy(vectors, a.view_mut(), f64::from);
            let q = qr::orthonormal(a);
            copy(if turn { q.t() } else { q.view() }, matrix, |q| q * gain);
        });
    }

    fn check(&self, param: &ParamSpec, shape: &[usize]) -> Result<(), String> {
        if shape.len() >= 2 {
            return Ok(());
        }
        Err(format!(
            "Orthogonal: `{}` of shape {shape:?} needs at least two dimensions",
            param.name
        ))
    }

    fn scratch_bytes(&self, param: &ParamSpec) -> u64 {
        let (inputs, outputs) = (param.fan_in as u64, param.fan_out as u64);
        qr::scratch_bytes(inputs.min(outputs), inputs.max(outputs))
    }
}

/// Copies `f` of each number, in tiles that stay in the cache even if one side is transposed.
fn copy<A: Copy, B>(from: ArrayView2<'_, A>, mut to: ArrayViewMut2<'_, B>, f: impl Fn(A) -> B) {
    const TILE: usize = 16;
    let (rows, columns) = from.dim();
    for i in (0..rows).step_by(TILE) {
        for j in (0..columns).step_by(TILE) {
            let tile = s![i..rows.min(i + TILE), j..columns.min(j + TILE)];
            azip!((to in to.slice_mut(tile), &from in from.slice(tile)) *to = f(from));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TorchRng;

    #[test]
    fn the_fewer_vectors_are_orthonormal() {
        for shape in [vec![40, 70], vec![70, 40], vec![33, 33], vec![8, 3, 5], vec![1, 9]] {
            let w = Orthogonal::default().gain(2.0).draw(
                &ParamSpec::for_weight_shape(&shape),
                &shape,
                &mut TorchRng::seed(3),
            );
            let columns: usize = shape[1..].iter().product();
            let w = w.into_shape_with_order((shape[0], columns)).unwrap();
            let w = if w.nrows() <= w.ncols() { w } else { w.reversed_axes() };
            let gram = w.dot(&w.t());
            for ((i, j), &dot) in gram.indexed_iter() {
                let want = if i == j { 4.0 } else { 0.0 };
                assert!((dot - want).abs() < 1e-5, "{shape:?}: row {i} · row {j} = {dot}");
            }
        }
    }

    #[test]
    fn a_single_element_is_exactly_the_gain_or_its_opposite() {
        let mut positive = 0;
        for seed in 0..200 {
            let draw = |initializer: &dyn Initializer, shape: &[usize]| {
                initializer.draw(&ParamSpec::weight(1, 1), shape, &mut TorchRng::seed(seed))
            };
            let normal = draw(&crate::Normal::new(0.0, 1.0), &[1]);
            let sign = normal[0].signum();
            for shape in [vec![1, 1], vec![1, 1, 1], vec![1, 1, 1, 1]] {
                let w = draw(&Orthogonal::default(), &shape);
                assert_eq!(w.iter().copied().collect::<Vec<_>>(), [sign]);
                let w = draw(&Orthogonal::default().gain(1.7), &shape);
                assert_eq!(w.iter().copied().collect::<Vec<_>>(), [sign * 1.7]);
            }
            let centre = draw(&crate::DeltaOrthogonal::default(), &[1, 1, 3]);
            assert_eq!(centre.iter().copied().collect::<Vec<_>>(), [0.0, sign, 0.0]);
            positive += usize::from(sign > 0.0);
        }
        assert!((70..130).contains(&positive), "{positive} of 200 are positive");
    }

    #[test]
    fn an_empty_weight_draws_nothing() {
        let mut rng = TorchRng::seed(0);
        Orthogonal::default().draw(&ParamSpec::weight(0, 3), &[3, 0], &mut rng);
        assert_eq!(rng, TorchRng::seed(0));
    }

    #[test]
    fn serde_refuses_a_bad_gain() {
        let error = serde_json::from_str::<Orthogonal>(r#"{"gain":-3}"#).unwrap_err().to_string();
        assert!(error.contains("a gain of -3.0 is impossible"), "{error}");
    }
}
