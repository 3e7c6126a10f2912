//! Reads layers from any serde format, binary ones included, whose lengths are claims.

use std::cell::Cell;
use std::fmt;

use serde::de::{Deserializer, Error, SeqAccess, Visitor};

use super::{LayerSpec, NetworkSpec};

/// The layers of a network.
pub(super) fn layers<'de, D: Deserializer<'de>>(reader: D) -> Result<Vec<LayerSpec>, D::Error> {
    reader.deserialize_seq(Layers)
}

/// The layers of a residual branch, which may lie in another branch.
pub(super) fn branch<'de, D: Deserializer<'de>>(reader: D) -> Result<Vec<LayerSpec>, D::Error> {
    // A derived reader cannot hand its depth down.
    thread_local! {
        static DEPTH: Cell<usize> = const { Cell::new(0) };
    }
    /// Counts back even if a reader panics.
    struct Up;
    impl Drop for Up {
        fn drop(&mut self) {
            DEPTH.set(DEPTH.get() - 1);
        }
    }
    if DEPTH.get() == NetworkSpec::MAX_NESTING {
        return Err(D::Error::custom(too_deep()));
    }
    DEPTH.set(DEPTH.get() + 1);
    let _up = Up;
    layers(reader)
}

/// Without a limit, a small file could nest branches until the stack ends.
pub(super) fn too_deep() -> String {
    format!(
        "it lies within {} residual branches or more; put fewer within each other",
        NetworkSpec::MAX_NESTING
    )
}

/// Memory grows as layers arrive. `Vec`'s own reader reserves up to 1 MiB for a claimed length, once
/// for every level of nesting.
struct Layers;

impl<'de> Visitor<'de> for Layers {
    type Value = Vec<LayerSpec>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of layers")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<LayerSpec>, A::Error> {
        let mut layers = vec![];
        while let Some(layer) = list.next_element()? {
            layers.push(layer);
        }
        Ok(layers)
    }
}
