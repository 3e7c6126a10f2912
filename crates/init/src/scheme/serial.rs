//! Schemes in files: as text, or as a map like those of Keras.

use std::fmt;

use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::value::{Args, Call, Value};
use super::{Scheme, resolve, text};

impl Serialize for Scheme {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Scheme {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Binary formats do not say which type comes next. They always hold the text.
        if deserializer.is_human_readable() {
            deserializer.deserialize_any(Reader)
        } else {
            deserializer.deserialize_str(Reader)
        }
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Scheme;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            r#"an initializer such as "kaiming_normal(mode=fan_out)" or {"initializer": "normal", "std": 0.1}"#,
        )
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Scheme, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Scheme, A::Error> {
        let mut args: Args = vec![];
        while let Some(key) = map.next_key::<String>()? {
            args.push((Some(key), map.next_value::<Value>()?));
        }
        // `law` is read as `initializer`; beside `initializer` it is a parameter.
        let place = ["initializer", "law"]
            .iter()
            .find_map(|key| args.iter().position(|(name, _)| name.as_deref() == Some(key)));
        let initializer = place.map(|place| args.remove(place).1);
        match initializer {
            Some(Value::Call(Call { name, args: none })) if none.is_empty() => {
                resolve::resolve(Call { name, args }).map_err(A::Error::custom)
            }
            Some(initializer) => {
                Err(A::Error::custom(format!("`initializer` is a name, not {initializer}")))
            }
            None => Err(A::Error::missing_field("initializer")),
        }
    }
}

/// A parameter in a file. Its type is not known yet, because it depends on the initializer.
impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Any { depth: 0 })
    }
}

/// Reads any value. Some formats let lists nest as deep as the input is long, which would end the
/// stack: so the depth is bounded.
struct Any {
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for Any {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

macro_rules! numbers {
    ($($method:ident $number:ty),*) => {$(
        fn $method<E: Error>(self, number: $number) -> Result<Value, E> {
            Ok(Value::number(number))
        }
    )*};
}

impl<'de> Visitor<'de> for Any {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, a word or a list")
    }

    numbers!(visit_i64 i64, visit_u64 u64, visit_f64 f64);

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::word(if value { "true" } else { "false" }))
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::word("none"))
    }

    /// Read like a text, so that `"leaky_relu(0.2)"` and `"sqrt(5)"` are understood.
    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        text::parse_value(text).map_err(E::custom)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        if self.depth == text::MAX_NESTING {
            return Err(A::Error::custom("lists are nested too deep"));
        }
        let mut values = vec![];
        while let Some(value) = list.next_element_seed(Any { depth: self.depth + 1 })? {
            values.push(value);
        }
        Ok(Value::List(values))
    }
}
