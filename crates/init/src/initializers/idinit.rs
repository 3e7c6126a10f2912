//! IDInit: the identity, repeated where a layer is not square.

use ndarray::{ArrayViewMutD, Ix2};
use rand::RngCore;
use serde::{Deserialize, Serialize};

use crate::initializer::{or_panic, require};
use crate::random::draw;
use crate::scheme::fields;
use crate::{Initializer, ParamSpec};

/// The identity, repeated along the longer side instead of padded with zeros.
///
/// `W = τ` where `i ≡ j (mod min(m, n))` and 0 elsewhere, of m outputs and n inputs. With zeros in
/// place of the repetition, the additional hidden units would stay 0 for ever, and training could
/// change a hidden layer by no more than rank n.
///
/// [`IdInit::identity`] has τ = 1. It is for the layers of the main path and for the first layers
/// of a residual branch. [`IdInit::zero`] has τ = 10⁻⁶ (the paper's ε). It is for the last layer of
/// a branch: the branch is nearly zero, but its other layers still get gradients, unlike in a
/// branch that ends in zeros. [`loosened`](Self::loosened) adds N(0, std²) to tell repeated units
/// apart; otherwise nothing is drawn. Use it with biases of [`Zeros`](crate::Zeros).
///
/// The repeated identity is not scaled (whether the paper scales it could not be verified): a layer of n → r·n makes its input √r times as long.
///
/// Loosened by `0.085/√fan_in`, a square layer has the initialization that Lee, Choi & Kim 2025,
/// "Robust Weight Initialization for Tanh Neural Networks with Fixed Point Analysis", propose for deep
/// tanh networks: `D + Z`, D diagonal and Z normal. (By a summary of the paper; what D is where a
/// layer is not square was not found.)
///
/// # Shapes
/// `(out, in)`. The paper's rule for kernels, which spreads the identity over patches, is not here.
///
/// # Panics
/// `fill` panics when the parameter is no matrix.
///
/// # Example
/// ```
/// use fanin_init::{IdInit, Initializer, ParamSpec, TorchRng};
///
/// let w = IdInit::identity().draw(&ParamSpec::weight(2, 3), &[3, 2], &mut TorchRng::seed(0));
/// assert_eq!(w.as_slice().unwrap(), [1.0, 0.0, 0.0, 1.0, 1.0, 0.0]);
/// ```
///
/// # Reference
/// Pan et al. 2025 (ICLR), "IDInit: A Universal and Stable Initialization Method for Neural Network
/// Training", its IDI_τ and IDIZ_ε (figure 3) with the values of τ and ε given there.
///
/// **Not verified:** only the abstract, the introduction, summaries and the caption of that figure
/// could be read, and no code of the authors was found. So these are ours, and may differ from the
/// paper's: that the identity repeats by the remainder modulo the shorter side, that IDIZ_ε has ε
/// in the same places, and that the loosening is normal. Its size is not known to us, so it must be
/// given.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct IdInit {
    tau: f64,
    loosening: f64,
}

impl IdInit {
    /// IDI_τ with τ = 1: passes its input on.
    pub fn identity() -> Self {
        IdInit { tau: 1.0, loosening: 0.0 }
    }

    /// IDIZ_ε with ε = 10⁻⁶: its output is nearly 0, but its gradient is not.
    pub fn zero() -> Self {
        IdInit { tau: 1e-6, loosening: 0.0 }
    }

    /// The same initializer with this τ, or ε.
    ///
    /// # Panics
    /// When `tau` is not finite in f32.
    #[must_use]
    #[track_caller]
    pub fn tau(self, tau: f64) -> Self {
        or_panic(IdInit { tau, ..self }.checked())
    }

    /// The same initializer with normal numbers of this standard deviation added everywhere.
    ///
    /// # Panics
    /// When `std` is negative, or 10·`std` not finite in f32.
    #[must_use]
    #[track_caller]
    pub fn loosened(self, std: f64) -> Self {
        or_panic(IdInit { loosening: std, ..self }.checked())
    }

    fn checked(self) -> Result<Self, String> {
        let IdInit { tau, loosening } = self;
        if !(tau as f32).is_finite() {
            Err(format!("IdInit: a τ of {tau:?} must be finite in f32"))
        } else if !draw::is_within_f32(tau, loosening) || loosening < 0.0 {
            Err(format!(
                "IdInit: the loosening {loosening:?} must be 0 or more, and no number overflow f32"
            ))
        } else {
            Ok(self)
        }
    }
}

impl Default for IdInit {
    fn default() -> Self {
        IdInit::identity()
    }
}

fields!(IdInit { tau, loosening } checked);

impl Initializer for IdInit {
    fn fill(&self, param: &ParamSpec, rng: &mut dyn RngCore, mut values: ArrayViewMutD<'_, f32>) {
        require(self, param, values.shape());
        if self.loosening > 0.0 {
            draw::fill_normal(rng, values.view_mut(), 0.0, self.loosening);
        } else {
            values.fill(0.0);
        }
        let mut w = values.into_dimensionality::<Ix2>().expect("checked");
        let (outputs, inputs) = w.dim();
        let period = outputs.min(inputs);
        for ((i, j), value) in w.indexed_iter_mut() {
            if i % period == j % period {
                *value += self.tau as f32;
            }
        }
    }

    fn check(&self, param: &ParamSpec, shape: &[usize]) -> Result<(), String> {
        if shape.len() == 2 {
            return Ok(());
        }
        Err(format!("IdInit: `{}` of shape {shape:?} is no matrix", param.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TorchRng;
    use ndarray::{Array2, arr2};

    fn matrix(initializer: IdInit, outputs: usize, inputs: usize) -> Array2<f32> {
        let spec = ParamSpec::weight(inputs, outputs);
        let w = initializer.draw(&spec, &[outputs, inputs], &mut TorchRng::seed(1));
        w.into_dimensionality().unwrap()
    }

    #[test]
    fn the_identity_is_repeated_along_the_longer_side() {
        assert_eq!(matrix(IdInit::identity(), 4, 4), Array2::<f32>::eye(4));
        let tall = arr2(&[[1., 0.], [0., 1.], [1., 0.], [0., 1.], [1., 0.]]);
        assert_eq!(matrix(IdInit::identity(), 5, 2), tall);
        assert_eq!(matrix(IdInit::identity(), 2, 5), tall.t());
        assert_eq!(matrix(IdInit::zero(), 2, 5), tall.t().mapv(|x| 1e-6 * x));
    }

    #[test]
    fn nothing_is_drawn_unless_loosened() {
        let spec = ParamSpec::weight(2, 3);
        let mut rng = TorchRng::seed(0);
        IdInit::zero().draw(&spec, &[3, 2], &mut rng);
        assert_eq!(rng, TorchRng::seed(0));
        IdInit::zero().loosened(1e-3).draw(&spec, &[3, 2], &mut rng);
        assert_ne!(rng, TorchRng::seed(0));
    }

    #[test]
    fn loosening_is_normal_noise_of_that_size() {
        let noise = matrix(IdInit::identity().tau(0.5).loosened(0.1), 200, 300)
            - matrix(IdInit::identity().tau(0.5), 200, 300);
        let n = noise.len() as f64;
        let second = noise.iter().map(|&x| (f64::from(x) / 0.1).powi(2)).sum::<f64>() / n;
        // Squares of standard normals have variance 2.
        let z = (second - 1.0) * (n / 2.0).sqrt();
        assert!(z.abs() < 5.0, "z = {z}");
    }

    #[test]
    #[should_panic(expected = "IdInit: `bias` of shape [2] is no matrix")]
    fn a_bias_is_refused() {
        IdInit::identity().draw(&ParamSpec::bias(3, 2), &[2], &mut TorchRng::seed(0));
    }

    #[test]
    fn nothing_to_fill_is_no_error() {
        assert!(matrix(IdInit::identity(), 3, 0).is_empty());
    }

    #[test]
    fn serde_refuses_what_the_code_refuses() {
        let initializer = IdInit::zero().loosened(0.25);
        let text = serde_json::to_string(&initializer).unwrap();
        assert_eq!(serde_json::from_str::<IdInit>(&text).unwrap(), initializer);
        let error = serde_json::from_str::<IdInit>(&text.replace("0.25", "-0.25")).unwrap_err();
        assert!(error.to_string().contains("the loosening -0.25 must be"), "{error}");
    }

    #[test]
    #[should_panic(expected = "IdInit: a τ of NaN must be finite")]
    fn nan_is_refused() {
        let _ = IdInit::identity().tau(f64::NAN);
    }
}
