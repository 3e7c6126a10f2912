//! [`PreluSpec`]: a [`Prelu`] as data.

use serde::{Deserialize, Serialize};

use super::LayerSpec;
use super::budget::Budget;
use crate::layers::Prelu;

/// A [`Prelu`] of a [`NetworkSpec`](super::NetworkSpec).
///
/// # Example
/// ```
/// use fanin_nn::Sequential;
/// use fanin_nn::layers::NetworkSpec;
///
/// let json = r#"{"layers": [{"prelu": {}}, {"prelu": {"features": 8, "initial": 0.1}}]}"#;
/// let spec: NetworkSpec = serde_json::from_str(json)?;
/// let model = Sequential::from_spec(&spec)?;
/// assert_eq!(model.to_string(), "0: Prelu(0.25)\n1: Prelu(8 slopes)\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PreluSpec {
    /// How many features have a slope of their own. If it is missing, there is one slope for all.
    #[serde(default)]
    pub features: Option<usize>,
    /// The initial value of the slopes. If it is missing, they are 0.25.
    #[serde(default = "default_slope")]
    pub initial: f64,
}

fn default_slope() -> f64 {
    0.25
}

impl Default for PreluSpec {
    /// One slope, initially 0.25.
    fn default() -> Self {
        Self { features: None, initial: default_slope() }
    }
}

impl PreluSpec {
    pub(super) fn check(&self, budget: &mut Budget) -> Result<(), String> {
        budget.tensor(&[self.features.unwrap_or(1)], 0)?;
        match self.initial.abs() <= 1e20 {
            true => Ok(()),
            false => Err("the slope must be from -1e20 to 1e20".into()),
        }
    }

    pub(super) fn build(&self) -> Prelu {
        let layer = self.features.map_or_else(Prelu::new, Prelu::per_feature);
        layer.initial(self.initial)
    }
}

impl From<PreluSpec> for LayerSpec {
    fn from(layer: PreluSpec) -> Self {
        Self::Prelu(layer)
    }
}
