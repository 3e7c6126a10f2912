//! A linear layer of a [`NetworkSpec`](super::NetworkSpec).

use fanin_init::{FanInUniform, Initializer, KaimingUniform, ParamSpec, Scheme};
use serde::{Deserialize, Serialize};

use super::LayerSpec;
use super::budget::Budget;
use crate::layers::Linear;

/// A [`Linear`] of a [`NetworkSpec`](super::NetworkSpec).
///
/// # Example
/// ```
/// use fanin_nn::init::{Constant, KaimingNormal};
/// use fanin_nn::layers::LinearSpec;
///
/// let layer = LinearSpec {
///     weight: KaimingNormal::default().into(),
///     bias: Some(Constant(0.01).into()),
///     ..LinearSpec::new(784, 128)
/// };
/// let json = serde_json::to_string(&layer)?;
/// assert_eq!(
///     json,
///     r#"{"inputs":784,"outputs":128,"weight":"kaiming_normal","bias":"constant(0.01)"}"#
/// );
/// assert_eq!(serde_json::from_str::<LinearSpec>(&json)?, layer);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinearSpec {
    /// The number of input features.
    pub inputs: usize,
    /// The number of output features.
    pub outputs: usize,
    /// The initializer of the weights. If it is missing, PyTorch's default applies.
    #[serde(default = "default_weight")]
    pub weight: Scheme,
    /// The initializer of the biases. If it is missing, PyTorch's default applies. With `null` the
    /// layer has no biases.
    #[serde(default = "default_bias")]
    pub bias: Option<Scheme>,
}

fn default_weight() -> Scheme {
    KaimingUniform::torch_default().into()
}

fn default_bias() -> Option<Scheme> {
    Some(FanInUniform.into())
}

impl LinearSpec {
    /// A layer with PyTorch's initializers, like [`Linear::new`].
    pub fn new(inputs: usize, outputs: usize) -> Self {
        Self { inputs, outputs, weight: default_weight(), bias: default_bias() }
    }

    pub(super) fn check(&self, budget: &mut Budget) -> Result<(), String> {
        let Self { inputs, outputs, weight, bias } = self;
        let mut tensors =
            vec![(ParamSpec::weight(*inputs, *outputs), vec![*outputs, *inputs], weight)];
        if let Some(bias) = bias {
            tensors.push((ParamSpec::bias(*inputs, *outputs), vec![*outputs], bias));
        }
        // Sizes come first: an initializer's own check may depend on them.
        for (spec, shape, initializer) in &tensors {
            budget.tensor(shape, initializer.scratch_bytes(spec))?;
        }
        tensors.iter().try_for_each(|(spec, shape, initializer)| initializer.check(spec, shape))
    }

    /// Its text in messages.
    pub(super) fn text(&self) -> String {
        let Self { inputs, outputs, bias, .. } = self;
        let bias = if bias.is_some() { "" } else { ", no bias" };
        format!("Linear({inputs} → {outputs}{bias})")
    }

    pub(super) fn build(&self) -> Linear {
        let layer = Linear::builder(self.inputs, self.outputs).weight(&self.weight);
        match &self.bias {
            Some(bias) => layer.bias(bias).build(),
            None => layer.no_bias().build(),
        }
    }
}

impl From<LinearSpec> for LayerSpec {
    fn from(layer: LinearSpec) -> Self {
        Self::Linear(layer)
    }
}
