//! Serialization of plans.

use std::sync::Arc;

use fanin_init::{ParamKind, Scheme};
use serde::de::Deserializer;
use serde::ser::{Error as _, Serializer};
use serde::{Deserialize, Serialize};

use super::{Entry, InitPlan, Selector};

/// The serialized form of a plan:
/// `{"initializers":[{"weights":"auto"},{"named":["2.*","zeros"]}],"seed":42}`.
/// `{"initializers":[{"weights":"auto"},{"named":["2.*","zeros"]}],"seed":42}`.
#[derive(Serialize, Deserialize)]
#[serde(rename = "InitPlan", deny_unknown_fields)]
struct Saved {
    #[serde(alias = "laws")]
    initializers: Vec<SavedEntry>,
    #[serde(default)]
    seed: Option<u64>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum SavedEntry {
    Named(String, Scheme),
    Weights(Scheme),
    Biases(Scheme),
}

impl Serialize for InitPlan {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let entry = |Entry { selector, initializer, scheme }: &Entry| {
            let scheme = scheme.clone().ok_or_else(|| {
                S::Error::custom(format!(
                    "InitPlan: {initializer:?} is not an initializer of fanin-init, so it has no name \
                     in a file"
                ))
            })?;
            Ok(match selector {
                Selector::Named(pattern) => SavedEntry::Named(pattern.clone(), scheme),
                Selector::Kind(ParamKind::Weight) => SavedEntry::Weights(scheme),
                Selector::Kind(_) => SavedEntry::Biases(scheme),
            })
        };
        let initializers = self.entries.iter().map(entry).collect::<Result<_, _>>()?;
        Saved { initializers, seed: self.seed }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for InitPlan {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Saved { initializers, seed } = Saved::deserialize(deserializer)?;
        let entry = |saved| {
            let (selector, scheme) = match saved {
                SavedEntry::Named(pattern, scheme) => (Selector::Named(pattern), scheme),
                SavedEntry::Weights(scheme) => (Selector::Kind(ParamKind::Weight), scheme),
                SavedEntry::Biases(scheme) => (Selector::Kind(ParamKind::Bias), scheme),
            };
            Entry { selector, initializer: Arc::new(scheme.clone()), scheme: Some(scheme) }
        };
        Ok(Self { entries: initializers.into_iter().map(entry).collect(), seed })
    }
}
