//! Layers of a [`NetworkSpec`](super::NetworkSpec) that hold other layers: [`Parallel`] and a name.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::budget::Budget;
use super::{Branch, LayerSpec, NetworkSpec, Path, SpecError, build, check, read};
use crate::describe::Features;
use crate::layers::Parallel;
use crate::layers::parallel::{joined_features, misfit};
use crate::layers::sequential::bad_name;

/// A [`Parallel`] of a [`NetworkSpec`](super::NetworkSpec).
///
/// # Example
/// ```
/// use fanin_nn::Sequential;
/// use fanin_nn::layers::NetworkSpec;
///
/// let spec: NetworkSpec = serde_json::from_str(r#"{
///     "layers": [{"parallel": {"branches": [
///         [],
///         [{"linear": {"inputs": 8, "outputs": 4}}, "relu"]
///     ]}}]
/// }"#)?;
/// let model = Sequential::from_spec(&spec)?;
/// assert_eq!(model.to_string(), "0: Parallel(Sequential() | Sequential(Linear(8 → 4), Relu))\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ParallelSpec {
    /// The layers of each branch. A branch without layers is the input itself.
    #[serde(deserialize_with = "read::branches")]
    pub branches: Vec<Vec<LayerSpec>>,
    /// How the outputs are joined.
    #[serde(default)]
    pub join: Join,
}

/// How a [`ParallelSpec`] joins the outputs of its branches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Join {
    /// Side by side: [`Parallel::new`].
    #[default]
    Concat,
    /// Added: [`Parallel::sum`].
    Sum,
}

impl ParallelSpec {
    /// `before` is the number of features that the layers before give, if it is known.
    pub(super) fn check(
        &self,
        path: &Path<'_>,
        before: Option<usize>,
        budget: &mut Budget,
    ) -> Result<Features, SpecError> {
        let refuse = |reason| Err(path.error("Parallel".into(), reason));
        if path.depth() > NetworkSpec::MAX_NESTING {
            return refuse(read::too_deep());
        }
        if self.branches.is_empty() {
            return refuse("it has no branches".into());
        }
        let (mut all, mut stated) = (vec![], None);
        for (i, layers) in self.branches.iter().enumerate() {
            let own = check(layers, Some((path, Branch::Parallel(i))), before, budget)?;
            if let Features::Map { .. } = own
                && let Some(reason) = misfit(*stated.get_or_insert(own), own, self.sums())
            {
                return refuse(format!("its branches {reason}"));
            }
            all.push(own);
        }
        let features = joined_features(all.iter().copied(), self.sums(), before);
        match features {
            // Doubled again and again, a few bytes would describe more features than there is memory.
            Features::Map { output, .. } => match budget.output(output) {
                Ok(()) => Ok(features),
                Err(reason) => refuse(reason),
            },
            Features::Same => Ok(features),
            Features::Unknown if self.sums() => Ok(features),
            Features::Unknown => refuse(
                "nothing says how many features it gives; begin a branch with a linear layer, or put \
                 one before it"
                    .into(),
            ),
        }
    }

    fn sums(&self) -> bool {
        self.join == Join::Sum
    }

    pub(super) fn build(&self) -> Parallel {
        let layer = if self.sums() { Parallel::sum() } else { Parallel::new() };
        self.branches.iter().fold(layer, |layer, branch| layer.add(build(branch)))
    }
}

impl From<ParallelSpec> for LayerSpec {
    fn from(layer: ParallelSpec) -> Self {
        Self::Parallel(layer)
    }
}

/// A layer of a [`NetworkSpec`](super::NetworkSpec) with a [name](crate::Sequential::add_named).
///
/// # Example
/// ```
/// use fanin_nn::layers::NetworkSpec;
/// use fanin_nn::{Parameters, Sequential};
///
/// let spec: NetworkSpec = serde_json::from_str(r#"{
///     "layers": [
///         {"named": {"name": "encoder", "layer": {"linear": {"inputs": 8, "outputs": 4}}}},
///         "tanh"
///     ]
/// }"#)?;
/// assert_eq!(Sequential::from_spec(&spec)?.named_params()[0].0, "encoder.weight");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamedSpec {
    /// Its name, which no other layer beside it has.
    #[serde(deserialize_with = "read::name")]
    pub name: String,
    /// The layer.
    #[serde(deserialize_with = "read::named")]
    pub layer: Box<LayerSpec>,
}

impl NamedSpec {
    /// A layer with a name.
    pub fn new(name: impl Into<String>, layer: impl Into<LayerSpec>) -> Self {
        Self { name: name.into(), layer: Box::new(layer.into()) }
    }

    /// Why it cannot be named so.
    pub(super) fn bad_name<'s>(&'s self, taken: &mut HashSet<&'s str>) -> Option<String> {
        if matches!(*self.layer, LayerSpec::Named(_)) {
            return Some("it has two names".into());
        }
        let reason = bad_name(&self.name, |name| taken.contains(name));
        taken.insert(&self.name);
        reason
    }
}

impl From<NamedSpec> for LayerSpec {
    fn from(layer: NamedSpec) -> Self {
        Self::Named(layer)
    }
}
