//! Between an initializer and its parameters as values.
//!
//! Text, maps and files are all read into [`Value`]s, and an initializer is made from values by its
//! [`HasFields`]. So the many formats and the many initializers meet in one type, and nothing here is
//! compiled once for each pair of them.

use super::nearest::hint;
use super::value::{Value, same_name};
use super::{Scheme, resolve};
use crate::{Gain, KaimingNormal};

/// The parameters of an initializer, by the names of its fields.
pub(crate) type Fields = Vec<(&'static str, Value)>;

/// An initializer that can be taken apart into its parameters, and made from them.
pub(crate) trait HasFields: Sized {
    /// All parameters, in the order of the fields.
    fn fields(&self) -> Fields;

    /// The initializer with these parameters; the reason, if a value is impossible.
    fn from_fields(fields: &Fields) -> Result<Self, String>;
}

/// The type of a parameter.
pub(crate) trait Field: Sized {
    fn value(&self) -> Value;

    /// `name` is for messages.
    fn from_value(name: &str, value: &Value) -> Result<Self, String>;
}

/// The parameter of this name.
pub(crate) fn field<T: Field>(fields: &Fields, name: &str) -> Result<T, String> {
    let value = fields.iter().find(|(field, _)| *field == name);
    let (_, value) = value.expect("every field has a value, or its default");
    T::from_value(name, value)
}

/// Lists the fields of an initializer for [`HasFields`].
///
/// - `fields!(Orthogonal { gain })`: any values will do.
/// - `fields!(Normal { mean, std } checked)`: the method `checked` refuses some values. It is called by
///   `Deserialize` too, for which the struct needs `#[serde(remote = "Self")]`.
/// - `fields!(RandomWalk as value)`: the initializer is itself a [`Field`].
macro_rules! fields {
    ($type:ident { $($field:ident),* }) => {
        $crate::scheme::fields!(@impl $type { $($field),* } (Ok));
    };
    ($type:ident { $($field:ident),* } checked) => {
        $crate::scheme::fields!(@impl $type { $($field),* } ($type::checked));
        $crate::scheme::checked_serde!($type);
    };
    ($type:ident as $name:ident) => {
        impl $crate::scheme::HasFields for $type {
            fn fields(&self) -> $crate::scheme::Fields {
                vec![(stringify!($name), $crate::scheme::Field::value(self))]
            }

            fn from_fields(fields: &$crate::scheme::Fields) -> Result<Self, String> {
                $crate::scheme::field(fields, stringify!($name))
            }
        }
    };
    (@impl $type:ident { $($field:ident),* } ($checked:expr)) => {
        impl $crate::scheme::HasFields for $type {
            fn fields(&self) -> $crate::scheme::Fields {
                vec![$((stringify!($field), $crate::scheme::Field::value(&self.$field))),*]
            }

            fn from_fields(_fields: &$crate::scheme::Fields) -> Result<Self, String> {
                $checked($type { $($field: $crate::scheme::field(_fields, stringify!($field))?),* })
            }
        }
    };
}
pub(crate) use fields;

/// `Serialize` and `Deserialize` of a type whose method `checked` refuses some values.
///
/// With `#[serde(remote = "Self")]` the derives write functions of the type instead of the traits'.
/// The traits call those, and reading checks what was read.
macro_rules! checked_serde {
    ($type:ident) => {
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                $type::serialize(self, serializer)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $type::deserialize(deserializer)?.checked().map_err(serde::de::Error::custom)
            }
        }
    };
}
pub(crate) use checked_serde;

macro_rules! numbers {
    ($($number:ty: $what:literal),*) => {$(
        impl Field for $number {
            fn value(&self) -> Value {
                Value::number(self)
            }

            // From its text: an f32 that was an f64 in between could be rounded twice.
            fn from_value(name: &str, value: &Value) -> Result<Self, String> {
                let number = value.to_string().parse();
                number.map_err(|_| format!("{name} takes {}, not `{value}`", $what))
            }
        }
    )*};
}
numbers!(f32: "a number", f64: "a number", usize: "a whole number", u64: "a whole number", i64: "a whole number");

impl Field for Gain {
    fn value(&self) -> Value {
        Value::number(self.get())
    }

    fn from_value(name: &str, value: &Value) -> Result<Self, String> {
        Gain::checked(f64::from_value(name, value)?)
    }
}

impl Field for Option<u64> {
    fn value(&self) -> Value {
        self.map_or_else(|| Value::word("none"), Value::number)
    }

    fn from_value(name: &str, value: &Value) -> Result<Self, String> {
        if value.is_none() { Ok(None) } else { u64::from_value(name, value).map(Some) }
    }
}

impl Field for Vec<f64> {
    fn value(&self) -> Value {
        Value::List(self.iter().map(Value::number).collect())
    }

    fn from_value(name: &str, value: &Value) -> Result<Self, String> {
        match value {
            Value::List(values) => values.iter().map(|v| f64::from_value(name, v)).collect(),
            _ => Err(format!("{name} takes a list such as [1, 2], not `{value}`")),
        }
    }
}

/// An initializer that is a parameter of another.
impl Field for KaimingNormal {
    fn value(&self) -> Value {
        Value::Call(Scheme::from(*self).to_call())
    }

    fn from_value(name: &str, value: &Value) -> Result<Self, String> {
        let Value::Call(call) = value else {
            return Err(format!("{name} takes an initializer, not `{value}`"));
        };
        match resolve::resolve(call.clone()).map_err(|error| error.0)? {
            Scheme::KaimingNormal(initializer) => Ok(initializer),
            other => Err(format!("`{other}` is no kaiming_normal initializer, as it must be here")),
        }
    }
}

/// The words for the values of an enum: the first is printed, all are understood.
macro_rules! words {
    ($type:ident { $($variant:ident: $($word:literal)+),* $(,)? }) => {
        impl $crate::scheme::Field for $type {
            fn value(&self) -> $crate::scheme::Value {
                let words: &[&str] = match self {
                    $($type::$variant => &[$($word),+],)*
                };
                $crate::scheme::Value::word(words[0])
            }

            fn from_value(_: &str, value: &$crate::scheme::Value) -> Result<Self, String> {
                let variants = [$($type::$variant),*];
                let place = $crate::scheme::choose(value, &[$(&[$($word),+]),*])?;
                Ok(variants[place])
            }
        }
    };
}
pub(crate) use words;

/// Which of these variants a word means, each with its words; or which are nearest to it.
pub(crate) fn choose(value: &Value, variants: &[&[&str]]) -> Result<usize, String> {
    let word = match value {
        Value::Call(call) => call.name.clone(),
        _ => value.to_string(),
    };
    let is_word = |known: &&str| same_name(known, &word);
    let Some(place) = variants.iter().position(|words| words.iter().any(is_word)) else {
        return Err(none_of(&word, &variants.iter().map(|words| words[0]).collect::<Vec<_>>()));
    };
    match value {
        Value::Call(call) if call.args.is_empty() => Ok(place),
        _ => Err(format!("`{value}` takes nothing in parentheses")),
    }
}

/// The message for a word that is none of the known ones.
pub(super) fn none_of(word: &str, known: &[&str]) -> String {
    let all = known.join(", ");
    match hint(word, known) {
        Some(hint) => format!("`{word}` is none of {all}; {hint}"),
        None => format!("`{word}` is none of {all}"),
    }
}
