//! Plans in files.

use std::sync::Arc;

use fanin_init::{ParamKind, Scheme};
use serde::de::Deserializer;
use serde::ser::{Error as _, Serializer};
use serde::{Deserialize, Serialize};

use super::{Entry, InitPlan, Whom};

/// A plan as serde sees it: `{"laws":[{"weights":"auto"},{"named":["2.*","zeros"]}],"seed":42}`.
#[derive(Serialize, Deserialize)]
#[serde(rename = "InitPlan", deny_unknown_fields)]
struct Saved {
    laws: Vec<SavedEntry>,
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
        let entry = |Entry { whom, law, scheme }: &Entry| {
            let scheme = scheme.clone().ok_or_else(|| {
                S::Error::custom(format!(
                    "InitPlan: {law:?} is no law of fanin-init, so it has no name to be saved by"
                ))
            })?;
            Ok(match whom {
                Whom::Named(pattern) => SavedEntry::Named(pattern.clone(), scheme),
                Whom::Kind(ParamKind::Weight) => SavedEntry::Weights(scheme),
                Whom::Kind(_) => SavedEntry::Biases(scheme),
            })
        };
        let laws = self.entries.iter().map(entry).collect::<Result<_, _>>()?;
        Saved { laws, seed: self.seed }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for InitPlan {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Saved { laws, seed } = Saved::deserialize(deserializer)?;
        let entry = |saved| {
            let (whom, scheme) = match saved {
                SavedEntry::Named(pattern, scheme) => (Whom::Named(pattern), scheme),
                SavedEntry::Weights(scheme) => (Whom::Kind(ParamKind::Weight), scheme),
                SavedEntry::Biases(scheme) => (Whom::Kind(ParamKind::Bias), scheme),
            };
            Entry { whom, law: Arc::new(scheme.clone()), scheme: Some(scheme) }
        };
        Ok(Self { entries: laws.into_iter().map(entry).collect(), seed })
    }
}
