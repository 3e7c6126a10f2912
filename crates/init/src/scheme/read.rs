//! An initializer from its parameters, by its `Deserialize`, which refuses what the initializer refuses.

use serde::de::value::{MapDeserializer, SeqDeserializer, StringDeserializer};
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error as _, IntoDeserializer, Unexpected,
    VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use super::error::ParseSchemeError as Error;
use super::nearest::hint;
use super::value::{Args, Call, Value, plain, variant};

impl IntoDeserializer<'_, Error> for Value {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

macro_rules! floats {
    ($($method:ident $float:ty => $visit:ident),*) => {$(
        // From its text: by way of any other type it could be rounded twice.
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            match self.to_string().parse::<$float>() {
                Ok(number) => visitor.$visit(number),
                Err(_) => Err(Error(format!("`{self}` is no number"))),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for Value {
    type Error = Error;

    floats!(deserialize_f32 f32 => visit_f32, deserialize_f64 f64 => visit_f64);

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self {
            Value::Number(text) => {
                if let Ok(number) = text.parse() {
                    visitor.visit_u64(number)
                } else if let Ok(number) = text.parse() {
                    visitor.visit_i64(number)
                } else {
                    visitor.visit_f64(text.parse().map_err(Error::custom)?)
                }
            }
            Value::List(values) => visitor.visit_seq(SeqDeserializer::new(values.into_iter())),
            Value::Call(Call { name, args }) if args.is_empty() => match &*name.to_lowercase() {
                "true" => visitor.visit_bool(true),
                "false" => visitor.visit_bool(false),
                _ => visitor.visit_string(name),
            },
            Value::Call(Call { args, .. }) => visitor.visit_map(named(args)),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.is_none() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self {
            Value::Call(Call { args, .. }) => visitor.visit_map(named(args)),
            _ => Err(Error::invalid_type(Unexpected::Other(&self.to_string()), &visitor)),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        of: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let Value::Call(call) = &self else {
            return Err(none_of(of, &self.to_string(), variants));
        };
        // `Distribution::Normal` is `untruncated_normal` in Keras; [`Fan`](crate::Fan) may leave `fan_` away.
        let found = variants.iter().find(|&&name| {
            let written = plain(&call.name);
            [variant(of, name), name.into()].iter().any(|spelt| plain(spelt) == written)
                || of == "Distribution" && name == "Normal" && written == "untruncatednormal"
                || of == "Fan" && name == "Average" && ["avg", "fanaverage"].contains(&&*written)
        });
        match found {
            Some(name) => visitor.visit_enum(Chosen(name, self)),
            None => Err(none_of(of, &call.name, variants)),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 char str string bytes byte_buf unit seq tuple
        tuple_struct map identifier ignored_any
    }
}

fn none_of(of: &str, word: &str, variants: &[&str]) -> Error {
    let spelt: Vec<_> = variants.iter().map(|name| variant(of, name)).collect();
    let all = spelt.join(", ");
    match hint(word, spelt.iter().map(|name| &**name)) {
        Some(hint) => Error(format!("`{word}` is none of {all}; {hint}")),
        None => Error(format!("`{word}` is none of {all}")),
    }
}

type Named = Vec<(String, Value)>;

fn named(args: Args) -> MapDeserializer<'static, <Named as IntoIterator>::IntoIter, Error> {
    let named: Named =
        args.into_iter().map(|(name, value)| (name.unwrap_or_default(), value)).collect();
    MapDeserializer::new(named.into_iter())
}

/// A variant's name, and the value that names it.
struct Chosen(&'static str, Value);

impl<'de> EnumAccess<'de> for Chosen {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Error> {
        let name: StringDeserializer<Error> = self.0.to_owned().into_deserializer();
        Ok((seed.deserialize(name)?, self))
    }
}

impl Chosen {
    fn args(self) -> Args {
        match self.1 {
            Value::Call(call) => call.args,
            _ => vec![],
        }
    }
}

impl<'de> VariantAccess<'de> for Chosen {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        if self.1 == Value::word(self.1.to_string()) {
            Ok(())
        } else {
            Err(Error(format!("`{}` takes nothing in parentheses", self.1)))
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        let text = self.1.to_string();
        match <[_; 1]>::try_from(self.args()) {
            Ok([(_, value)]) => seed.deserialize(value),
            Err(_) => Err(Error(format!("`{text}` needs one value in parentheses"))),
        }
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_seq(SeqDeserializer::new(self.args().into_iter().map(|(_, value)| value)))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_map(named(self.args()))
    }
}
