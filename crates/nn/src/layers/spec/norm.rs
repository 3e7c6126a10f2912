//! Normalizations of a [`NetworkSpec`](super::NetworkSpec).

use serde::{Deserialize, Serialize};

use super::budget::Budget;
use crate::layers::norm::EPSILON;
use crate::layers::{BatchNorm1d, GroupNorm, LayerNorm, RmsNorm};

fn epsilon() -> f64 {
    EPSILON
}

fn yes() -> bool {
    true
}

fn momentum() -> Option<f64> {
    Some(0.1)
}

/// A [`LayerNorm`] of a [`NetworkSpec`](super::NetworkSpec).
///
/// # Example
/// ```
/// use fanin_nn::layers::{LayerNormSpec, LayerSpec};
///
/// let json = r#"{"layer_norm": {"features": 128, "bias": false}}"#;
/// let layer = LayerNormSpec { bias: false, ..LayerNormSpec::new(128) };
/// assert_eq!(serde_json::from_str::<LayerSpec>(json)?, LayerSpec::LayerNorm(layer));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayerNormSpec {
    /// The number of features.
    pub features: usize,
    /// ε: 1e-5 if it is missing.
    #[serde(default = "epsilon")]
    pub epsilon: f64,
    /// Whether there are γ and β.
    #[serde(default = "yes")]
    pub affine: bool,
    /// Whether there is β, if there is γ.
    #[serde(default = "yes")]
    pub bias: bool,
}

/// A [`RmsNorm`] of a [`NetworkSpec`](super::NetworkSpec).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RmsNormSpec {
    /// The number of features.
    pub features: usize,
    /// ε: the machine epsilon if it is missing.
    #[serde(default)]
    pub epsilon: Option<f64>,
    /// Whether there is γ.
    #[serde(default = "yes")]
    pub affine: bool,
}

/// A [`GroupNorm`] of a [`NetworkSpec`](super::NetworkSpec).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupNormSpec {
    /// The number of groups.
    pub groups: usize,
    /// The number of features.
    pub features: usize,
    /// ε: 1e-5 if it is missing.
    #[serde(default = "epsilon")]
    pub epsilon: f64,
    /// Whether there are γ and β.
    #[serde(default = "yes")]
    pub affine: bool,
}

/// A [`BatchNorm1d`] of a [`NetworkSpec`](super::NetworkSpec).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BatchNorm1dSpec {
    /// The number of features.
    pub features: usize,
    /// ε: 1e-5 if it is missing.
    #[serde(default = "epsilon")]
    pub epsilon: f64,
    /// The momentum: 0.1 if it is missing. With `null` the running statistics are
    /// [cumulative](BatchNorm1d::cumulative).
    #[serde(default = "momentum")]
    pub momentum: Option<f64>,
    /// Whether there are γ and β.
    #[serde(default = "yes")]
    pub affine: bool,
    /// Whether there are running statistics.
    #[serde(default = "yes")]
    pub track_running_stats: bool,
}

/// Refuses what the layer would panic about, and counts its tensors of `features` elements.
fn check(epsilon: f64, features: usize, tensors: usize, budget: &mut Budget) -> Result<(), String> {
    if !(epsilon >= 0.0 && epsilon.is_finite()) {
        return Err(format!("epsilon is {epsilon:?}, and must be finite and not negative"));
    }
    (0..tensors).try_for_each(|_| budget.tensor(&[features], 0))
}

impl LayerNormSpec {
    /// A layer like [`LayerNorm::new`].
    pub fn new(features: usize) -> Self {
        Self { features, epsilon: EPSILON, affine: true, bias: true }
    }

    pub(super) fn check(&self, budget: &mut Budget) -> Result<(), String> {
        // Count what `new` allocates, even if `affine` drops it.
        check(self.epsilon, self.features, 2, budget)
    }

    pub(super) fn build(&self) -> LayerNorm {
        let layer = LayerNorm::new(self.features).epsilon(self.epsilon).affine(self.affine);
        layer.bias(self.bias)
    }
}

impl RmsNormSpec {
    /// A layer like [`RmsNorm::new`].
    pub fn new(features: usize) -> Self {
        Self { features, epsilon: None, affine: true }
    }

    pub(super) fn check(&self, budget: &mut Budget) -> Result<(), String> {
        check(self.epsilon.unwrap_or(0.0), self.features, 1, budget)
    }

    pub(super) fn build(&self) -> RmsNorm {
        let layer = RmsNorm::new(self.features).affine(self.affine);
        self.epsilon.iter().fold(layer, |layer, &epsilon| layer.epsilon(epsilon))
    }
}

impl GroupNormSpec {
    /// A layer like [`GroupNorm::new`].
    pub fn new(groups: usize, features: usize) -> Self {
        Self { groups, features, epsilon: EPSILON, affine: true }
    }

    pub(super) fn check(&self, budget: &mut Budget) -> Result<(), String> {
        let Self { groups, features, .. } = *self;
        if groups == 0 || !features.is_multiple_of(groups) {
            return Err(format!("{features} features cannot be divided into {groups} groups"));
        }
        check(self.epsilon, features, 2, budget)
    }

    pub(super) fn build(&self) -> GroupNorm {
        GroupNorm::new(self.groups, self.features).epsilon(self.epsilon).affine(self.affine)
    }
}

impl BatchNorm1dSpec {
    /// A layer like [`BatchNorm1d::new`].
    pub fn new(features: usize) -> Self {
        Self {
            features,
            epsilon: EPSILON,
            momentum: momentum(),
            affine: true,
            track_running_stats: true,
        }
    }

    pub(super) fn check(&self, budget: &mut Budget) -> Result<(), String> {
        if let Some(momentum) = self.momentum
            && !(0.0..=1.0).contains(&momentum)
        {
            return Err(format!("the momentum is {momentum:?}, and must be from 0 to 1"));
        }
        check(self.epsilon, self.features, 4, budget)
    }

    pub(super) fn build(&self) -> BatchNorm1d {
        let layer = BatchNorm1d::new(self.features).epsilon(self.epsilon).affine(self.affine);
        let layer = match self.momentum {
            Some(momentum) => layer.momentum(momentum),
            None => layer.cumulative(),
        };
        if self.track_running_stats { layer } else { layer.track_running_stats(false) }
    }
}
