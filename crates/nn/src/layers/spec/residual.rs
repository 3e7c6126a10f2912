//! A residual layer of a [`NetworkSpec`](super::NetworkSpec).

use serde::{Deserialize, Serialize};

use super::budget::Budget;
use super::{Branch, LayerSpec, NetworkSpec, Path, SpecError, build, check, read};
use crate::describe::Features;
use crate::layers::Residual;

/// A [`Residual`] of a [`NetworkSpec`](super::NetworkSpec).
///
/// # Example
/// ```
/// use fanin_nn::Sequential;
/// use fanin_nn::layers::NetworkSpec;
///
/// let spec: NetworkSpec = serde_json::from_str(r#"{
///     "layers": [{"residual": {
///         "branch": ["relu", {"linear": {"inputs": 8, "outputs": 8}}],
///         "alpha": {"learned": 0}
///     }}]
/// }"#)?;
/// let model = Sequential::from_spec(&spec)?;
/// assert_eq!(
///     model.to_string(),
///     "0: Residual(Sequential(Relu, Linear(8 → 8)), α learned)\n"
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResidualSpec {
    /// The layers of F.
    #[serde(deserialize_with = "read::branch")]
    pub branch: Vec<LayerSpec>,
    /// The factor of F.
    #[serde(default)]
    pub alpha: AlphaSpec,
}

/// The α of a [`ResidualSpec`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlphaSpec {
    /// α = 1: [`Residual::new`].
    #[default]
    One,
    /// [`Residual::scaled`].
    Scaled(f64),
    /// [`Residual::learned`], starting at this number. With 0 it is [`rezero`](Residual::rezero).
    Learned(f64),
}

impl ResidualSpec {
    pub(super) fn check(
        &self,
        path: &Path<'_>,
        before: Option<usize>,
        budget: &mut Budget,
    ) -> Result<Features, SpecError> {
        let refuse = |reason| Err(path.error("Residual".into(), reason));
        if path.depth() > NetworkSpec::MAX_NESTING {
            return refuse(read::too_deep());
        }
        let features = check(&self.branch, Some((path, Branch::Residual)), before, budget)?;
        match (features, self.alpha) {
            (Features::Map { input, output }, _) if input != output => refuse(format!(
                "its branch takes {input} features and gives {output}, which cannot be added"
            )),
            (_, AlphaSpec::Scaled(alpha) | AlphaSpec::Learned(alpha))
                if !(alpha as f32).is_finite() =>
            {
                refuse(format!("alpha is {alpha:?}, and must be finite in f32"))
            }
            _ => Ok(features),
        }
    }

    pub(super) fn build(&self) -> Residual {
        let layer = Residual::new(build(&self.branch));
        match self.alpha {
            AlphaSpec::One => layer,
            AlphaSpec::Scaled(alpha) => layer.scaled(alpha),
            AlphaSpec::Learned(alpha) => layer.learned(alpha),
        }
    }
}

impl From<ResidualSpec> for LayerSpec {
    fn from(layer: ResidualSpec) -> Self {
        Self::Residual(layer)
    }
}
