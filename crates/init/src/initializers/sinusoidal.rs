//! Rows that are sine waves: deterministic, and each unit with a frequency of its own.

use std::f64::consts::TAU;

use ndarray::ArrayViewMutD;
use rand::RngCore;
use serde::{Deserialize, Serialize};

use crate::initializer::require;
use crate::random::draw;
use crate::scheme::fields;
use crate::{Initializer, ParamSpec};

/// Deterministic: row i is a sine of frequency i, and the variance is Glorot's.
///
/// `wᵢⱼ = a·sin(2π·i·(j/n + 1/m))`, for m outputs i = 1 … m and n inputs j = 0 … n − 1. The
/// amplitude `a` makes the variance of all entries (with n·m − 1 in the denominator) equal to
/// `2/(n + m)`. Nothing is drawn, so no seed changes it. The authors use it with biases of
/// [`Zeros`](crate::Zeros).
///
/// Rows i and m − i are nearly mirror images, and from i = n on the frequencies repeat: rows i and
/// i + n differ by their phase alone. So the matrix has no more than n/2 frequencies.
///
/// # Shapes
/// W (out, in) or (out, in, k…), whose rows are n = in·∏k long; not 2 × 2 or smaller, where all
/// sines are 0.
///
/// # Panics
/// `fill` panics on any other shape.
///
/// # Example
/// ```
/// use fanin_init::{Initializer, ParamSpec, Sinusoidal, TorchRng};
///
/// let mut rng = TorchRng::seed(0);
/// let w = Sinusoidal.draw(&ParamSpec::weight(300, 200), &[200, 300], &mut rng);
/// assert!((w.var(1.0) * 500.0 / 2.0 - 1.0).abs() < 1e-3);
/// assert_eq!(rng, TorchRng::seed(0), "nothing was drawn");
/// ```
///
/// # Reference
/// Fernández-Hernández et al. 2025, "Sinusoidal Initialization, Time for a New Start" (NeurIPS). The
/// formula is that of the authors' code, `sinusoidal_` in `initialize.py` of
/// github.com/jmiravet/Sinusoidal-Initialization (commit 108dcbe). It computes in f32, where the
/// angles of a wide layer lose digits; here they are exact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Sinusoidal;

fields!(Sinusoidal {});

impl Initializer for Sinusoidal {
    fn fill(&self, param: &ParamSpec, _: &mut dyn RngCore, values: ArrayViewMutD<'_, f32>) {
        require(self, param, values.shape());
        if values.is_empty() {
            return;
        }
        let rows = values.shape()[0];
        let columns = values.len() / rows;
        draw::in_order(values, &mut |values| {
            let (mut sum, mut squares) = (0.0, 0.0);
            for (i, row) in (1u64..).zip(values.chunks_mut(columns)) {
                // In units of 1/(n·m) of a turn, which are whole numbers: no angle loses digits.
                let turn = (rows * columns) as u64;
                let step = (u128::from(i) * rows as u128 % u128::from(turn)) as u64;
                let mut at = (u128::from(i) * columns as u128 % u128::from(turn)) as u64;
                for value in row {
                    let sine = (TAU * (at as f64 / turn as f64)).sin();
                    sum += sine;
                    squares += sine * sine;
                    *value = sine as f32;
                    at += step;
                    at -= if at >= turn { turn } else { 0 };
                }
            }
            let count = (rows * columns) as f64;
            let variance = (squares - sum * sum / count) / (count - 1.0);
            let amplitude = (2.0 / (variance * (rows as f64 + columns as f64))).sqrt();
            values.iter_mut().for_each(|value| *value = (f64::from(*value) * amplitude) as f32);
        });
    }

    fn check(&self, param: &ParamSpec, shape: &[usize]) -> Result<(), String> {
        let [rows, entries @ ..] = shape else {
            return Err(dimensions(param, shape));
        };
        if entries.is_empty() {
            return Err(dimensions(param, shape));
        }
        let columns = entries.iter().copied().fold(1, usize::saturating_mul);
        // Every angle is a multiple of half a turn if 2/n and 2/m are whole numbers.
        if *rows <= 2 && columns <= 2 && !shape.contains(&0) {
            return Err(format!(
                "Sinusoidal: all sines of `{}` are 0, as its shape {shape:?} is 2 × 2 or smaller",
                param.name
            ));
        }
        Ok(())
    }
}

fn dimensions(param: &ParamSpec, shape: &[usize]) -> String {
    format!("Sinusoidal: `{}` of shape {shape:?} needs at least two dimensions", param.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TorchRng;

    fn draw(shape: &[usize]) -> ndarray::ArrayD<f32> {
        let mut rng = TorchRng::seed(0);
        let w = Sinusoidal.draw(&ParamSpec::weight(1, 1), shape, &mut rng);
        assert_eq!(rng, TorchRng::seed(0), "nothing was drawn");
        w
    }

    /// `golden/sinusoidal.txt`: shape, then the values, by `golden/sinusoidal.py` in 40 digits.
    #[test]
    fn values_are_those_of_40_digits() {
        let mut cases = 0;
        for line in include_str!("../../golden/sinusoidal.txt").lines().skip(1) {
            let (shape, values) = line.split_once(' ').unwrap();
            let shape: Vec<usize> = shape.split('x').map(|size| size.parse().unwrap()).collect();
            let want: Vec<f32> = values.split(' ').map(|value| value.parse().unwrap()).collect();
            let w = draw(&shape);
            assert_eq!(w.len(), want.len(), "{shape:?}");
            for (w, want) in w.iter().zip(want) {
                assert!((w - want).abs() <= 2e-7 * want.abs() + 1e-9, "{shape:?}: {w}, not {want}");
            }
            cases += 1;
        }
        assert_eq!(cases, 9);
    }

    #[test]
    fn the_variance_is_glorots_whatever_the_shape() {
        for shape in [vec![200, 300], vec![3, 1], vec![1, 3], vec![1, 5000], vec![64, 8, 3, 3]] {
            let w = draw(&shape);
            let sides = shape[0] + w.len() / shape[0];
            let ratio = w.var(1.0) * sides as f32 / 2.0;
            assert!((ratio - 1.0).abs() < 1e-4, "{shape:?}: {ratio}");
        }
    }

    #[test]
    fn a_wide_layer_has_exact_angles() {
        // In f32 the last rows would be wrong by some 1e-3.
        let (rows, columns) = (3, 1 << 20);
        let w = draw(&[rows, columns]);
        let amplitude = w.iter().fold(0.0f32, |most, w| most.max(w.abs()));
        for (i, j) in [(0, 5), (1, 333_333), (2, columns - 1)] {
            let turns = (i + 1) as f64 * (j as f64 / columns as f64 + 1.0 / rows as f64);
            let want = f64::from(amplitude) * (TAU * turns.fract()).sin();
            assert!((f64::from(w[[i, j]]) - want).abs() < 1e-6 * f64::from(amplitude), "{i}, {j}");
        }
    }

    #[test]
    fn where_all_sines_are_0_it_is_refused() {
        let spec = ParamSpec::weight(1, 1);
        for shape in [vec![1, 1], vec![1, 2], vec![2, 1], vec![2, 2], vec![2, 1, 2]] {
            let error = Sinusoidal.check(&spec, &shape).unwrap_err();
            assert!(error.contains("all sines of `weight` are 0"), "{error}");
        }
        for shape in [vec![0, 2], vec![2, 0], vec![0, 0]] {
            assert!(draw(&shape).is_empty());
        }
    }

    #[test]
    #[should_panic(expected = "Sinusoidal: `bias` of shape [4] needs at least two dimensions")]
    fn a_bias_is_refused() {
        Sinusoidal.draw(&ParamSpec::bias(3, 4), &[4], &mut TorchRng::seed(0));
    }
}
