//! ZerO: ones, zeros and a Hadamard matrix, and nothing random.

use ndarray::{ArrayViewMut2, ArrayViewMutD, Axis, Ix2};
use rand::RngCore;
use serde::{Deserialize, Serialize};

use crate::initializer::require;
use crate::scheme::{fields, words};
use crate::{Initializer, ParamSpec};

/// The factor of the Hadamard matrix in [`ZerO`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum HadamardScale {
    /// `2^(−(k−1)/2)`, as the paper says: an output of `2ᵏ` is √2 times as long as the input, which a
    /// ReLU then halves in square.
    #[default]
    Paper,
    /// `2^(−k/2)`, as the code released with it has: an output of `2ᵏ` is as long as the input.
    Code,
}

words!(HadamardScale { Paper: "paper", Code: "code" });

impl HadamardScale {
    fn of(self, k: u32) -> f64 {
        let exponent = match self {
            HadamardScale::Paper => f64::from(k) - 1.0,
            HadamardScale::Code => f64::from(k),
        };
        (-exponent / 2.0).exp2()
    }
}

/// Deterministic: the identity, and a Hadamard matrix where a layer widens.
///
/// With m outputs and n inputs, `W = I` when `m = n`; the first m rows of I when `m < n`; and when
/// `m > n` the upper left m × n of `c·H`, with `k = ⌈log₂ m⌉` and `Hᵢⱼ = (−1)^(number of ones in i
/// ∧ j)` of size 2ᵏ. A wider partial identity would leave the additional units at 0 for ever, and
/// training could change a hidden layer by no more than rank n. The Hadamard matrix gives each unit
/// different weights.
///
/// It draws nothing, so no seed changes it. Use it with biases of [`Zeros`](crate::Zeros). In the
/// paper's residual networks, the last layer of each branch is zero too.
///
/// # Shapes
/// `(out, in)`, or `(out, in, k…)`: the middle element of the kernel gets the matrix, and all
/// others are 0.
///
/// # Panics
/// `fill` panics when the parameter has fewer than two dimensions.
///
/// # Example
/// ```
/// use fanin_init::{HadamardScale, Initializer, ParamSpec, TorchRng, ZerO, ndarray};
///
/// let mut rng = TorchRng::seed(0);
/// let square = ZerO::default().draw(&ParamSpec::weight(3, 3), &[3, 3], &mut rng);
/// assert_eq!(square, ndarray::Array2::eye(3).into_dyn());
///
/// let wider = ZerO::new(HadamardScale::Code).draw(&ParamSpec::weight(2, 4), &[4, 2], &mut rng);
/// assert_eq!(wider.as_slice().unwrap(), [0.5, 0.5, 0.5, -0.5, 0.5, 0.5, 0.5, -0.5]);
/// assert_eq!(rng, TorchRng::seed(0), "nothing was drawn");
/// ```
///
/// # Reference
/// Zhao, Schäfer & Anandkumar 2021 (TMLR 2022), "ZerO Initialization: Initializing Neural Networks with
/// only Zeros and Ones", algorithm 1; algorithm 2 for kernels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ZerO {
    /// The scale of layers with more outputs than inputs.
    pub scale: HadamardScale,
}

impl ZerO {
    /// With this scale; the default is the paper's.
    pub fn new(scale: HadamardScale) -> Self {
        ZerO { scale }
    }
}

fields!(ZerO { scale });

impl Initializer for ZerO {
    fn fill(&self, param: &ParamSpec, _: &mut dyn RngCore, mut values: ArrayViewMutD<'_, f32>) {
        require(self, param, values.shape());
        values.fill(0.0);
        if values.is_empty() {
            return;
        }
        let mut w = middle_of_kernel(values);
        let (outputs, inputs) = w.dim();
        if outputs <= inputs {
            w.diag_mut().fill(1.0);
            return;
        }
        let c = self.scale.of(outputs.next_power_of_two().trailing_zeros()) as f32;
        for ((i, j), value) in w.indexed_iter_mut() {
            let negative = (i & j).count_ones() % 2 == 1;
            *value = if negative { -c } else { c };
        }
    }

    fn check(&self, param: &ParamSpec, shape: &[usize]) -> Result<(), String> {
        if shape.len() >= 2 {
            return Ok(());
        }
        Err(format!("ZerO: `{}` of shape {shape:?} needs at least two dimensions", param.name))
    }
}

/// The matrix `(out, in)` in the middle of a kernel `(out, in, k…)` that is not empty.
fn middle_of_kernel(mut values: ArrayViewMutD<'_, f32>) -> ArrayViewMut2<'_, f32> {
    while values.ndim() > 2 {
        let middle = values.len_of(Axis(2)) / 2;
        values = values.index_axis_move(Axis(2), middle);
    }
    values.into_dimensionality::<Ix2>().expect("two dimensions are left")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TorchRng;
    use ndarray::{Array2, s};

    fn matrix(scale: HadamardScale, outputs: usize, inputs: usize) -> Array2<f32> {
        let mut rng = TorchRng::seed(0);
        let spec = ParamSpec::weight(inputs, outputs);
        let w = ZerO::new(scale).draw(&spec, &[outputs, inputs], &mut rng);
        assert_eq!(rng, TorchRng::seed(0), "nothing was drawn");
        w.into_dimensionality().unwrap()
    }

    /// `Hₖ = [[H, H], [H, −H]]` of `Hₖ₋₁`, as the paper defines it.
    fn hadamard(k: u32) -> Array2<f32> {
        if k == 0 {
            return Array2::ones((1, 1));
        }
        let h = hadamard(k - 1);
        ndarray::concatenate![
            Axis(0),
            ndarray::concatenate![Axis(1), h, h],
            ndarray::concatenate![Axis(1), h, -&h]
        ]
    }

    #[test]
    fn as_wide_or_narrower_is_the_identity() {
        assert_eq!(matrix(HadamardScale::Paper, 5, 5), Array2::<f32>::eye(5));
        assert_eq!(matrix(HadamardScale::Paper, 3, 7), Array2::<f32>::eye(7).slice(s![..3, ..]));
    }

    #[test]
    fn wider_is_a_part_of_the_papers_recursion() {
        for (outputs, inputs, k) in [(2, 1, 1), (3, 2, 2), (4, 3, 2), (8, 5, 3), (9, 8, 4)] {
            let h = hadamard(k);
            for (scale, exponent) in [(HadamardScale::Paper, k - 1), (HadamardScale::Code, k)] {
                let c = 2f32.powf(-(exponent as f32) / 2.0);
                let want = h.slice(s![..outputs, ..inputs]).mapv(|x| c * x);
                assert_eq!(matrix(scale, outputs, inputs), want, "{outputs} × {inputs}");
            }
        }
    }

    #[test]
    fn a_power_of_two_keeps_lengths_and_angles() {
        for (scale, square) in [(HadamardScale::Paper, 2.0), (HadamardScale::Code, 1.0)] {
            let w = matrix(scale, 64, 20);
            let gram = w.t().dot(&w);
            let error = (gram - Array2::<f32>::eye(20) * square).mapv(f32::abs);
            assert!(error.iter().all(|&e| e < 1e-6), "{scale:?}");
        }
    }

    #[test]
    fn kernels_have_it_in_the_middle() {
        let shape = [4, 2, 3, 5];
        let spec = ParamSpec::for_weight_shape(&shape);
        let w = ZerO::default().draw(&spec, &shape, &mut TorchRng::seed(0));
        let middle = w.slice(s![.., .., 1, 2]).to_owned();
        assert_eq!(middle, matrix(HadamardScale::Paper, 4, 2));
        assert_eq!(w.iter().filter(|&&x| x != 0.0).count(), 8, "zero everywhere else");
    }

    #[test]
    #[should_panic(expected = "ZerO: `bias` of shape [2] needs at least two dimensions")]
    fn a_bias_is_refused() {
        ZerO::default().draw(&ParamSpec::bias(3, 2), &[2], &mut TorchRng::seed(0));
    }

    #[test]
    fn nothing_to_fill_is_no_error() {
        let spec = ParamSpec::weight(0, 3);
        ZerO::default().draw(&spec, &[3, 0], &mut TorchRng::seed(0));
    }

    #[test]
    fn serde_refuses_an_unknown_scale() {
        let text = serde_json::to_string(&ZerO::new(HadamardScale::Code)).unwrap();
        assert_eq!(text, r#"{"scale":"Code"}"#);
        assert_eq!(serde_json::from_str::<ZerO>(&text).unwrap().scale, HadamardScale::Code);
        let error = serde_json::from_str::<ZerO>(r#"{"scale":"Big"}"#).unwrap_err().to_string();
        assert!(error.contains("unknown variant `Big`"), "{error}");
    }
}
