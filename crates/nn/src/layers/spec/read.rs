//! Reads layers from any serde format, binary ones included, whose lengths are claims.

use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};

use super::{LayerSpec, NetworkSpec};

/// The layers of a network.
pub(super) fn layers<'de, D: Deserializer<'de>>(reader: D) -> Result<Vec<LayerSpec>, D::Error> {
    reader.deserialize_seq(List(PhantomData))
}

/// The layers of a residual branch, which may lie in another branch.
pub(super) fn branch<'de, D: Deserializer<'de>>(reader: D) -> Result<Vec<LayerSpec>, D::Error> {
    deeper(|| layers(reader))
}

/// The branches of a [`Parallel`](crate::layers::Parallel).
pub(super) fn branches<'de, D: Deserializer<'de>>(
    reader: D,
) -> Result<Vec<Vec<LayerSpec>>, D::Error> {
    /// The layers of one branch.
    struct Branch(Vec<LayerSpec>);
    impl<'de> Deserialize<'de> for Branch {
        fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
            layers(reader).map(Branch)
        }
    }
    deeper(|| {
        let branches: Vec<Branch> = reader.deserialize_seq(List(PhantomData))?;
        Ok(branches.into_iter().map(|Branch(layers)| layers).collect())
    })
}

/// The layer behind a name.
pub(super) fn named<'de, D: Deserializer<'de>>(reader: D) -> Result<Box<LayerSpec>, D::Error> {
    deeper(|| LayerSpec::deserialize(reader).map(Box::new))
}

/// A name. A `String` of a binary format may reserve what its length claims; borrowed text is there.
pub(super) fn name<'de, D: Deserializer<'de>>(reader: D) -> Result<String, D::Error> {
    struct Name;
    impl Visitor<'_> for Name {
        type Value = String;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a name")
        }
        fn visit_str<E: Error>(self, name: &str) -> Result<String, E> {
            Ok(name.to_owned())
        }
    }
    reader.deserialize_str(Name)
}

/// The sizes of an axis.
pub(super) fn sizes<'de, D: Deserializer<'de>>(reader: D) -> Result<Vec<usize>, D::Error> {
    reader.deserialize_seq(List(PhantomData))
}

/// Reads layers that lie in another one.
fn deeper<T, E: Error>(read: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
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
        return Err(E::custom(too_deep()));
    }
    DEPTH.set(DEPTH.get() + 1);
    let _up = Up;
    read()
}

/// Without a limit, a small file could nest branches until the stack ends.
pub(super) fn too_deep() -> String {
    format!(
        "it lies within {} residual branches or more; put fewer within each other",
        NetworkSpec::MAX_NESTING
    )
}

/// Memory grows as elements arrive. `Vec`'s own reader reserves up to 1 MiB for a claimed length, once
/// for every level of nesting.
struct List<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for List<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<T>, A::Error> {
        let mut elements = vec![];
        while let Some(element) = list.next_element()? {
            elements.push(element);
        }
        Ok(elements)
    }
}
