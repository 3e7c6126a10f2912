//! Convolutions that keep the length of their input.

use ndarray::{ArrayViewMutD, Slice};
use rand::RngCore;
use serde::{Deserialize, Serialize};

use crate::initializer::require;
use crate::scheme::fields;
use crate::{Gain, Initializer, Orthogonal, ParamSpec};

/// `gain` times a random matrix with orthonormal columns at the centre of the kernel, 0 elsewhere.
///
/// At each position the convolution multiplies the channels by that matrix, so it keeps the length
/// of every input (times the gain). With it, plain convolutional networks of thousands of layers
/// can be trained. The matrix is drawn as [`Orthogonal`] draws one of shape (out, in), and is the
/// kernel's slice `(k₁ − 1)/2, …`, rounded downwards: JAX' `delta_orthogonal`.
///
/// # Shapes
/// W (out, in, k…) with one, two or three kernel dimensions and `out ≥ in`: fewer outputs than
/// inputs cannot keep all lengths. A matrix is refused, as in JAX; use [`Orthogonal`] for it.
///
/// # Panics
/// `fill` panics on any other shape.
///
/// # Example
/// ```
/// use fanin_init::{DeltaOrthogonal, Initializer, ParamSpec, TorchRng};
///
/// let shape = [8, 4, 3, 3];
/// let spec = ParamSpec::for_weight_shape(&shape);
/// let w = DeltaOrthogonal::default().draw(&spec, &shape, &mut TorchRng::seed(0));
/// assert_eq!(w.iter().filter(|&&x| x != 0.0).count(), 8 * 4);
/// assert!((w.mapv(|x| x * x).sum() - 4.0).abs() < 1e-5); // four columns of length 1
/// ```
///
/// # Reference
/// Xiao et al. 2018, "Dynamical isometry and a mean field theory of CNNs: how to train 10,000-layer
/// vanilla convolutional neural networks".
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DeltaOrthogonal {
    /// The length of every column of the matrix.
    pub gain: Gain,
}

impl DeltaOrthogonal {
    /// The same initializer with this gain: a number or a [`Nonlinearity`](crate::Nonlinearity).
    ///
    /// # Panics
    /// When the number is no [`Gain`].
    #[must_use]
    #[track_caller]
    pub fn gain(self, gain: impl Into<Gain>) -> Self {
        DeltaOrthogonal { gain: gain.into() }
    }
}

fields!(DeltaOrthogonal { gain });

impl Initializer for DeltaOrthogonal {
    fn fill(&self, param: &ParamSpec, rng: &mut dyn RngCore, mut values: ArrayViewMutD<'_, f32>) {
        require(self, param, values.shape());
        values.fill(0.0);
        if values.is_empty() {
            return;
        }
        let matrix = Orthogonal { gain: self.gain }.draw(param, &values.shape()[..2], rng);
        let mut centre = values.slice_each_axis_mut(|axis| match axis.axis.index() {
            0 | 1 => Slice::from(..),
            _ => Slice::from((axis.len - 1) / 2..).step_by(axis.len as isize),
        });
        for (to, from) in centre.iter_mut().zip(&matrix) {
            *to = *from;
        }
    }

    fn check(&self, param: &ParamSpec, shape: &[usize]) -> Result<(), String> {
        let name = &param.name;
        if !(3..=5).contains(&shape.len()) {
            return Err(format!(
                "DeltaOrthogonal: `{name}` of shape {shape:?} must have 3, 4 or 5 dimensions"
            ));
        }
        let (out, inputs) = (shape[0], shape[1]);
        if out >= inputs {
            return Ok(());
        }
        Err(format!(
            "DeltaOrthogonal: `{name}` has {out} outputs, too few to keep the length of {inputs} inputs"
        ))
    }

    fn scratch_bytes(&self, param: &ParamSpec) -> u64 {
        let matrix = param.most_elements().saturating_mul(4);
        matrix.saturating_add(Orthogonal::default().scratch_bytes(param))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TorchRng;
    use ndarray::{Array2, Axis, Ix2};

    fn draw(shape: &[usize]) -> ndarray::ArrayD<f32> {
        let spec = ParamSpec::weight(1, 1);
        DeltaOrthogonal::default().gain(1.5).draw(&spec, shape, &mut TorchRng::seed(1))
    }

    #[test]
    fn the_centre_is_orthogonal_and_all() {
        for (kernel, centre) in
            [(vec![3], vec![1]), (vec![4, 5], vec![1, 2]), (vec![1, 2, 3], vec![0, 0, 1])]
        {
            let mut shape = vec![9, 6];
            shape.extend(&kernel);
            let mut w = draw(&shape);
            let total = w.mapv(|x| x * x).sum();
            for &at in &centre {
                w = w.index_axis_move(Axis(2), at);
            }
            let q: Array2<f32> = w.into_dimensionality::<Ix2>().unwrap();
            let gram = q.t().dot(&q);
            for ((i, j), dot) in gram.indexed_iter() {
                let want = if i == j { 2.25 } else { 0.0 };
                assert!((dot - want).abs() < 1e-5, "{kernel:?}: column {i} · column {j} = {dot}");
            }
            assert!((total - 6.0 * 2.25).abs() < 1e-4, "{kernel:?}: nothing elsewhere");
        }
    }

    #[test]
    fn empty_weights_draw_nothing() {
        for shape in [[4, 0, 3], [4, 2, 0]] {
            assert!(draw(&shape).is_empty());
        }
    }

    #[test]
    #[should_panic(expected = "`weight` of shape [4, 3] must have 3, 4 or 5 dimensions")]
    fn a_matrix_is_refused() {
        draw(&[4, 3]);
    }

    #[test]
    #[should_panic(expected = "`weight` has 3 outputs, too few to keep the length of 4 inputs")]
    fn too_few_outputs_are_refused() {
        draw(&[3, 4, 3]);
    }

    #[test]
    fn serde_refuses_a_bad_gain() {
        let initializer = DeltaOrthogonal::default().gain(1.25);
        let text = serde_json::to_string(&initializer).unwrap();
        assert_eq!(serde_json::from_str::<DeltaOrthogonal>(&text).unwrap(), initializer);
        let error = serde_json::from_str::<DeltaOrthogonal>(r#"{"gain":-3}"#).unwrap_err();
        assert!(error.to_string().contains("a gain of -3.0 is impossible"), "{error}");
    }
}
