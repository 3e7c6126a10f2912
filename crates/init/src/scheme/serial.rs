//! Schemes in files: as text, or as a map like those of Keras.

use std::fmt;

use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::value::{Call, Value};
use super::{Scheme, names, text};

impl Serialize for Scheme {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Scheme {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Binary formats cannot say what comes next, and always hold the text.
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
            r#"a law such as "kaiming_normal(mode=fan_out)" or {"law": "normal", "std": 0.1}"#,
        )
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Scheme, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Scheme, A::Error> {
        let (mut law, mut args) = (None, vec![]);
        while let Some(key) = map.next_key::<String>()? {
            let value = map.next_value::<Value>()?;
            match (&*key, value) {
                ("law", value) if law.is_none() => law = Some(value),
                (_, value) => args.push((Some(key), value)),
            }
        }
        match law {
            Some(Value::Call(Call { name, args: none })) if none.is_empty() => {
                names::resolve(Call { name, args }).map_err(A::Error::custom)
            }
            Some(law) => Err(A::Error::custom(format!("`law` is a name, not {law}"))),
            None => Err(A::Error::missing_field("law")),
        }
    }
}

/// What a format holds, before the law is known that it belongs to.
impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Any)
    }
}

struct Any;

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
        Ok(Value::word(value.to_string()))
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::word("none"))
    }

    /// As in a text, so that `"leaky_relu(0.2)"` and `"sqrt(5)"` can be said.
    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        text::parse_value(text).map_err(E::custom)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut values = vec![];
        while let Some(value) = list.next_element()? {
            values.push(value);
        }
        Ok(Value::List(values))
    }
}
