//! The parameters of an initializer, as its `Serialize` states them.

use serde::Serialize;
use serde::ser::{
    Impossible, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use super::error::ParseSchemeError as Error;
use super::value::{Args, Call, Value, variant};

/// A struct becomes a call with named arguments, a newtype what is in it.
pub(super) fn write(initializer: &(impl Serialize + ?Sized)) -> Result<Value, Error> {
    initializer.serialize(Writer)
}

struct Writer;

macro_rules! numbers {
    ($($method:ident $number:ty),*) => {$(
        fn $method(self, number: $number) -> Result<Value, Error> {
            Ok(Value::number(number))
        }
    )*};
}

impl Serializer for Writer {
    type Ok = Value;
    type Error = Error;
    type SerializeSeq = Parts;
    type SerializeTuple = Parts;
    type SerializeTupleStruct = Parts;
    type SerializeTupleVariant = Parts;
    type SerializeMap = Impossible<Value, Error>;
    type SerializeStruct = Parts;
    type SerializeStructVariant = Parts;

    numbers! {
        serialize_i8 i8, serialize_i16 i16, serialize_i32 i32, serialize_i64 i64,
        serialize_u8 u8, serialize_u16 u16, serialize_u32 u32, serialize_u64 u64,
        serialize_f32 f32, serialize_f64 f64
    }

    fn serialize_bool(self, value: bool) -> Result<Value, Error> {
        Ok(Value::word(value.to_string()))
    }

    fn serialize_char(self, value: char) -> Result<Value, Error> {
        Ok(Value::word(value))
    }

    fn serialize_str(self, value: &str) -> Result<Value, Error> {
        Ok(Value::word(value))
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Result<Value, Error> {
        Ok(Value::List(bytes.iter().map(Value::number).collect()))
    }

    fn serialize_none(self) -> Result<Value, Error> {
        Ok(Value::word("none"))
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Value, Error> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<Value, Error> {
        Ok(Value::word("none"))
    }

    fn serialize_unit_struct(self, name: &'static str) -> Result<Value, Error> {
        Ok(Value::word(name))
    }

    fn serialize_unit_variant(
        self,
        of: &'static str,
        _: u32,
        name: &'static str,
    ) -> Result<Value, Error> {
        Ok(Value::word(variant(of, name)))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<Value, Error> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        of: &'static str,
        _: u32,
        name: &'static str,
        value: &T,
    ) -> Result<Value, Error> {
        let args = vec![(None, write(value)?)];
        Ok(Value::Call(Call { name: variant(of, name), args }))
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Parts, Error> {
        Ok(Parts { name: None, args: vec![] })
    }

    fn serialize_tuple(self, _: usize) -> Result<Parts, Error> {
        self.serialize_seq(None)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Parts, Error> {
        self.serialize_seq(None)
    }

    fn serialize_tuple_variant(
        self,
        of: &'static str,
        _: u32,
        name: &'static str,
        _: usize,
    ) -> Result<Parts, Error> {
        Ok(Parts { name: Some(variant(of, name)), args: vec![] })
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, Error> {
        Err(Error("a map is no parameter of an initializer".into()))
    }

    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Parts, Error> {
        Ok(Parts { name: Some(name.into()), args: vec![] })
    }

    fn serialize_struct_variant(
        self,
        of: &'static str,
        _: u32,
        name: &'static str,
        _: usize,
    ) -> Result<Parts, Error> {
        Ok(Parts { name: Some(variant(of, name)), args: vec![] })
    }
}

/// A list, or a call that is under way.
struct Parts {
    name: Option<String>,
    args: Args,
}

impl Parts {
    fn add(&mut self, name: Option<&str>, value: &(impl Serialize + ?Sized)) -> Result<(), Error> {
        self.args.push((name.map(str::to_owned), write(value)?));
        Ok(())
    }

    fn whole(self) -> Value {
        match self.name {
            Some(name) => Value::Call(Call { name, args: self.args }),
            None => Value::List(self.args.into_iter().map(|(_, value)| value).collect()),
        }
    }
}

macro_rules! parts {
    ($($of:ident :: $method:ident ($($key:ident)?);)*) => {$(
        impl $of for Parts {
            type Ok = Value;
            type Error = Error;

            fn $method<T: Serialize + ?Sized>(
                &mut self,
                $($key: &'static str,)?
                value: &T,
            ) -> Result<(), Error> {
                let name = None::<&str>;
                $(let name = name.or(Some($key));)?
                self.add(name, value)
            }

            fn end(self) -> Result<Value, Error> {
                Ok(self.whole())
            }
        }
    )*};
}

parts! {
    SerializeSeq::serialize_element();
    SerializeTuple::serialize_element();
    SerializeTupleStruct::serialize_field();
    SerializeTupleVariant::serialize_field();
    SerializeStruct::serialize_field(key);
    SerializeStructVariant::serialize_field(key);
}
