//! The small normal weights of transformers.

use ndarray::ArrayViewMutD;
use rand::RngCore;
use serde::{Deserialize, Serialize};

use crate::initializer::require;
use crate::random::draw;
use crate::scheme::fields;
use crate::{Fan, Initializer, ParamSpec};

/// Normal with mean 0 and variance `2/(5·fan_in)`: 0.63 times the standard deviation of
/// [`LecunNormal`](crate::LecunNormal).
///
/// It is [`XavierNormal`](crate::XavierNormal) of a layer with four times as many outputs as inputs, as
/// the first of a transformer's feed-forward block, used for all its layers. Smaller weights let deep
/// transformers train without a warm-up of the learning rate. GPT-NeoX' `small_init`.
///
/// # Panics
/// `fill` panics when `fan_in` is 0.
///
/// # Example
/// ```
/// use fanin_init::{Initializer, ParamSpec, SmallInit, TorchRng};
///
/// let w = SmallInit.draw(&ParamSpec::weight(400, 200), &[200, 400], &mut TorchRng::seed(0));
/// assert!((w.std(0.0) - (2f32 / 2000.0).sqrt()).abs() < 1e-3);
/// ```
///
/// # Reference
/// Nguyen & Salazar 2019, "Transformers without Tears: Improving the Normalization of Self-Attention".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SmallInit;

fields!(SmallInit {});

impl Initializer for SmallInit {
    fn fill(&self, param: &ParamSpec, rng: &mut dyn RngCore, values: ArrayViewMutD<'_, f32>) {
        require(self, param, values.shape());
        let std = (2.0 / (5.0 * param.fan_in as f64)).sqrt();
        draw::fill_normal(rng, values, 0.0, std);
    }

    fn check(&self, param: &ParamSpec, shape: &[usize]) -> Result<(), String> {
        Fan::In.check("SmallInit", param, shape)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{TorchRng, XavierNormal};

    #[test]
    fn it_is_xavier_with_four_times_as_many_outputs() {
        let draw = |initializer: &dyn Initializer, outputs| {
            let spec = ParamSpec::weight(30, outputs);
            initializer.draw(&spec, &[120, 30], &mut TorchRng::seed(4))
        };
        let (small, xavier) = (draw(&SmallInit, 7), draw(&XavierNormal::default(), 120));
        assert!(small.iter().zip(&xavier).all(|(a, b)| (a - b).abs() <= 1e-6 * b.abs()));
    }

    #[test]
    #[should_panic(expected = "SmallInit: fan_in of `weight` is 0")]
    fn no_inputs_are_refused() {
        SmallInit.draw(&ParamSpec::weight(0, 3), &[3], &mut TorchRng::seed(0));
    }
}
