//! [`Shape`]: the axes of a parameter, read without trust in their number.

use std::fmt;

use serde::de::{Deserialize, Deserializer, SeqAccess, Visitor};

/// A shape whose memory grows as axes arrive. A `Vec` would reserve up to 1 MiB for a claimed rank.
pub(super) struct Shape(pub(super) Vec<usize>);

impl<'de> Deserialize<'de> for Shape {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        struct Axes;

        impl<'de> Visitor<'de> for Axes {
            type Value = Shape;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a shape")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut axes: A) -> Result<Shape, A::Error> {
                let mut shape = vec![];
                while let Some(size) = axes.next_element()? {
                    shape.push(size);
                }
                Ok(Shape(shape))
            }
        }

        reader.deserialize_seq(Axes)
    }
}
