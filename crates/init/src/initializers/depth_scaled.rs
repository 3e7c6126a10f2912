//! GPT-2's initializer for the layers that write to a residual stream.

use ndarray::ArrayViewMutD;
use rand::RngCore;
use serde::{Deserialize, Serialize};

use crate::initializer::{or_panic, require};
use crate::random::draw;
use crate::scheme::fields;
use crate::{Initializer, ParamSpec};

/// N(0, (std/√branches)²): for the last layer of each residual branch of a network.
///
/// The variances of the branches add up. With this scale their sum is the variance of a single
/// branch with standard deviation `std`, whatever their number. GPT-2 has `std = 0.02` and two
/// branches in each of its L blocks, attention and perceptron: 0.02/√(2L). All its other weights
/// are [`Normal::new(0.0, 0.02)`](crate::Normal). The fans play no part.
///
/// # Example
/// ```
/// use fanin_init::{DepthScaled, Initializer, ParamSpec, TorchRng};
///
/// let initializer = DepthScaled::gpt2(12);
/// assert_eq!(initializer, DepthScaled::new(0.02, 24));
/// let w = initializer.draw(&ParamSpec::weight(300, 100), &[100, 300], &mut TorchRng::seed(0));
/// assert!((w.std(0.0) - 0.02 / 24f32.sqrt()).abs() < 1e-4);
/// ```
///
/// # Reference
/// Radford et al. 2019, "Language Models are Unsupervised Multitask Learners", section 2.3: "by a
/// factor of 1/√N where N is the number of residual layers". The 0.02 is from the code released
/// with it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct DepthScaled {
    std: f64,
    branches: usize,
}

impl DepthScaled {
    /// This standard deviation over the root of the number of branches in the whole network.
    ///
    /// # Panics
    /// When `std` is negative, or 10·`std` not finite in f32, or there are no branches.
    #[track_caller]
    pub fn new(std: f64, branches: usize) -> Self {
        or_panic(DepthScaled { std, branches }.checked())
    }

    /// GPT-2's 0.02/√(2·blocks).
    ///
    /// # Panics
    /// When there are no blocks.
    #[track_caller]
    pub fn gpt2(blocks: usize) -> Self {
        DepthScaled::new(0.02, blocks.saturating_mul(2))
    }

    /// The standard deviation of what is drawn.
    pub fn std(&self) -> f64 {
        self.std / (self.branches as f64).sqrt()
    }

    fn checked(self) -> Result<Self, String> {
        let DepthScaled { std, branches } = self;
        if !draw::is_within_f32(0.0, std) || std < 0.0 {
            Err(format!(
                "DepthScaled: the standard deviation {std:?} must be 0 or more, and no number \
                 overflow f32"
            ))
        } else if branches == 0 {
            Err("DepthScaled: a network of 0 residual branches has no weights to scale".into())
        } else {
            Ok(self)
        }
    }
}

fields!(DepthScaled { std, branches } checked);

impl Initializer for DepthScaled {
    fn fill(&self, param: &ParamSpec, rng: &mut dyn RngCore, values: ArrayViewMutD<'_, f32>) {
        require(self, param, values.shape());
        draw::fill_normal(rng, values, 0.0, self.std());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "DepthScaled: the standard deviation -0.02 must be")]
    fn a_negative_deviation_is_refused() {
        DepthScaled::new(-0.02, 4);
    }

    #[test]
    #[should_panic(expected = "DepthScaled: a network of 0 residual branches")]
    fn no_blocks_are_refused() {
        DepthScaled::gpt2(0);
    }

    #[test]
    fn serde_refuses_what_the_code_refuses() {
        let initializer = DepthScaled::gpt2(3);
        let text = serde_json::to_string(&initializer).unwrap();
        assert_eq!(text, r#"{"std":0.02,"branches":6}"#);
        assert_eq!(serde_json::from_str::<DepthScaled>(&text).unwrap(), initializer);
        let error = serde_json::from_str::<DepthScaled>(&text.replace('6', "0")).unwrap_err();
        assert!(error.to_string().contains("0 residual branches"), "{error}");
    }
}
