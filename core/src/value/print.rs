//! Prints a value as JSON. The structure is printed here, and each number and string by serde_json, which
//! prints the same text for a whole value. What differs is the code: printing into memory does not fail,
//! so the code for each printed type checks for no errors of a writer.

use std::fmt;

use serde::ser::{self, Serialize};

/// A value that is no JSON, such as a map whose keys are lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotJson;

impl fmt::Display for NotJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the value is no JSON")
    }
}

impl std::error::Error for NotJson {}

impl ser::Error for NotJson {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

/// The JSON text of a value.
///
/// # Errors
/// [`NotJson`].
pub fn json_text<T: Serialize + ?Sized>(value: &T) -> Result<String, NotJson> {
    let mut text = Vec::with_capacity(SMALL);
    print_json(value, &mut text)?;
    String::from_utf8(text).map_err(|_| NotJson)
}

/// Few values need less, in bytes.
const SMALL: usize = 128;

/// Prints a value at the end of a text.
///
/// # Errors
/// [`NotJson`]. The text then ends with a part of the value.
pub fn print_json<T: Serialize + ?Sized>(value: &T, text: &mut Vec<u8>) -> Result<(), NotJson> {
    value.serialize(&mut Printer { text })
}

type Printed = Result<(), NotJson>;

struct Printer<'t> {
    text: &'t mut Vec<u8>,
}

impl Printer<'_> {
    fn push(&mut self, text: &str) -> Printed {
        self.text.extend_from_slice(text.as_bytes());
        Ok(())
    }

    /// Prints a number or a string.
    fn scalar<T: Serialize + ?Sized>(&mut self, value: &T) -> Printed {
        // Neither memory nor a scalar fails, and no caller has to know that it could.
        let _ = serde_json::to_writer(&mut *self.text, value);
        Ok(())
    }

    fn open(&mut self, open: &str, close: &'static str) -> Parts<'_> {
        self.text.extend_from_slice(open.as_bytes());
        Parts {
            text: self.text,
            close,
            is_first: true,
        }
    }

    /// An object with one property, the name of a variant, and what opens its value.
    fn variant(
        &mut self,
        name: &str,
        open: &str,
        close: &'static str,
    ) -> Result<Parts<'_>, NotJson> {
        self.push("{")?;
        self.scalar(name)?;
        self.push(":")?;
        Ok(self.open(open, close))
    }
}

/// The parts of an array or an object that is being printed.
struct Parts<'t> {
    text: &'t mut Vec<u8>,
    close: &'static str,
    is_first: bool,
}

impl Parts<'_> {
    fn separate(&mut self) {
        if !std::mem::take(&mut self.is_first) {
            self.text.push(b',');
        }
    }

    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Printed {
        self.separate();
        print_json(value, self.text)
    }

    fn name(&mut self, name: &'static str) {
        self.separate();
        // The name of a property of a type needs no escape.
        self.text.push(b'"');
        self.text.extend_from_slice(name.as_bytes());
        self.text.extend_from_slice(b"\":");
    }

    fn property<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Printed {
        self.name(name);
        print_json(value, self.text)
    }

    /// Prints the key of a map. A number becomes a string.
    fn key<T: Serialize + ?Sized>(&mut self, key: &T) -> Printed {
        self.separate();
        let start = self.text.len();
        print_json(key, self.text)?;
        self.quote_from(start)
    }

    fn quote_from(&mut self, start: usize) -> Printed {
        match self.text.get(start) {
            Some(b'"') => {}
            Some(b'-' | b'0'..=b'9' | b't' | b'f') => {
                self.text.insert(start, b'"');
                self.text.push(b'"');
            }
            _ => return Err(NotJson),
        }
        self.text.push(b':');
        Ok(())
    }

    fn close(self) -> Printed {
        self.text.extend_from_slice(self.close.as_bytes());
        Ok(())
    }
}

/// Prints scalars of these types.
macro_rules! scalars {
    ($($method:ident($type:ty))*) => {
        $(
            fn $method(self, value: $type) -> Printed {
                self.scalar(&value)
            }
        )*
    };
}

impl<'p> ser::Serializer for &'p mut Printer<'_> {
    type Ok = ();
    type Error = NotJson;
    type SerializeSeq = Parts<'p>;
    type SerializeTuple = Parts<'p>;
    type SerializeTupleStruct = Parts<'p>;
    type SerializeTupleVariant = Parts<'p>;
    type SerializeMap = Parts<'p>;
    type SerializeStruct = Parts<'p>;
    type SerializeStructVariant = Parts<'p>;

    scalars! {
        serialize_i8(i8) serialize_i16(i16) serialize_i32(i32) serialize_i64(i64) serialize_i128(i128)
        serialize_u8(u8) serialize_u16(u16) serialize_u32(u32) serialize_u64(u64) serialize_u128(u128)
        serialize_f32(f32) serialize_f64(f64) serialize_char(char) serialize_str(&str)
    }

    fn serialize_bool(self, value: bool) -> Printed {
        self.push(if value { "true" } else { "false" })
    }

    /// Bytes are JSON text, which is printed as it is.
    fn serialize_bytes(self, json: &[u8]) -> Printed {
        self.text.extend_from_slice(json);
        Ok(())
    }

    /// Tells a value that bytes are JSON text here.
    fn is_human_readable(&self) -> bool {
        false
    }

    fn serialize_none(self) -> Printed {
        self.push("null")
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Printed {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Printed {
        self.push("null")
    }

    fn serialize_unit_struct(self, _: &'static str) -> Printed {
        self.push("null")
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Printed {
        self.scalar(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Printed {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Printed {
        let mut parts = self.open("{", "}");
        parts.property(variant, value)?;
        parts.close()
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Parts<'p>, NotJson> {
        Ok(self.open("[", "]"))
    }

    fn serialize_tuple(self, _: usize) -> Result<Parts<'p>, NotJson> {
        Ok(self.open("[", "]"))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Parts<'p>, NotJson> {
        Ok(self.open("[", "]"))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Parts<'p>, NotJson> {
        self.variant(variant, "[", "]}")
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Parts<'p>, NotJson> {
        Ok(self.open("{", "}"))
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Parts<'p>, NotJson> {
        Ok(self.open("{", "}"))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Parts<'p>, NotJson> {
        self.variant(variant, "{", "}}")
    }
}

/// Implements the printing of arrays.
macro_rules! arrays {
    ($($trait:ident $method:ident)*) => {
        $(
            impl ser::$trait for Parts<'_> {
                type Ok = ();
                type Error = NotJson;

                fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Printed {
                    self.item(value)
                }

                fn end(self) -> Printed {
                    self.close()
                }
            }
        )*
    };
}

arrays! {
    SerializeSeq serialize_element
    SerializeTuple serialize_element
    SerializeTupleStruct serialize_field
    SerializeTupleVariant serialize_field
}

/// Implements the printing of objects with known properties.
macro_rules! objects {
    ($($trait:ident)*) => {
        $(
            impl ser::$trait for Parts<'_> {
                type Ok = ();
                type Error = NotJson;

                fn serialize_field<T: Serialize + ?Sized>(
                    &mut self,
                    name: &'static str,
                    value: &T,
                ) -> Printed {
                    self.property(name, value)
                }

                fn end(self) -> Printed {
                    self.close()
                }
            }
        )*
    };
}

objects! { SerializeStruct SerializeStructVariant }

impl ser::SerializeMap for Parts<'_> {
    type Ok = ();
    type Error = NotJson;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Printed {
        self.key(key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Printed {
        print_json(value, self.text)
    }

    fn end(self) -> Printed {
        self.close()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use serde::Serialize;

    use super::json_text;
    use crate::value::json::Json;

    #[derive(Debug, Clone, Serialize)]
    enum Value {
        Unit,
        Newtype(f64),
        Tuple(i64, u64, char),
        #[serde(rename_all = "camelCase")]
        Struct {
            some_text: String,
            #[serde(skip_serializing_if = "Option::is_none")]
            left_out: Option<Box<Value>>,
            nested: Option<Box<Value>>,
        },
        List(Vec<Value>),
        Map(BTreeMap<String, Value>),
        Numbered(BTreeMap<i32, (Value, bool)>),
        Wide(i128, u128, f32),
        Nothing((), Empty, Wrapper),
        Flat(Flat),
        Raw(Json),
    }

    #[derive(Debug, Clone, Serialize)]
    struct Empty;

    #[derive(Debug, Clone, Serialize)]
    struct Wrapper(u8);

    #[derive(Debug, Clone, Serialize)]
    struct Flat {
        own: i8,
        #[serde(flatten)]
        others: BTreeMap<String, Value>,
        last: Option<[u16; 2]>,
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaves = prop_oneof![
            Just(Value::Unit),
            any::<f64>().prop_map(Value::Newtype),
            any::<(i64, u64, char)>().prop_map(|(a, b, c)| Value::Tuple(a, b, c)),
            any::<(i128, u128, f32)>().prop_map(|(a, b, c)| Value::Wide(a, b, c)),
            any::<u8>().prop_map(|byte| Value::Nothing((), Empty, Wrapper(byte))),
            prop::sample::select(vec!["1e400", "{\"a\" : [\"\\ud800\"]}", "null", "-0.0"])
                .prop_map(|text| Value::Raw(Json::parse(text).unwrap())),
        ];
        leaves.prop_recursive(4, 32, 4, |inner| {
            let map = prop::collection::btree_map(".*", inner.clone(), 0..4);
            prop_oneof![
                (".*", prop::option::of(inner.clone())).prop_map(|(some_text, value)| {
                    let nested = value.map(Box::new);
                    Value::Struct {
                        some_text,
                        left_out: nested.clone(),
                        nested,
                    }
                }),
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::List),
                map.clone().prop_map(Value::Map),
                prop::collection::btree_map(any::<i32>(), (inner, any::<bool>()), 0..4)
                    .prop_map(Value::Numbered),
                (any::<i8>(), map, any::<Option<[u16; 2]>>())
                    .prop_map(|(own, others, last)| { Value::Flat(Flat { own, others, last }) }),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_value_is_printed_as_serde_json_prints_it(value in values()) {
            prop_assert_eq!(json_text(&value).unwrap(), serde_json::to_string(&value).unwrap());
        }
    }

    #[test]
    fn a_map_with_keys_that_are_lists_is_no_json() {
        assert!(json_text(&BTreeMap::from([(vec![1], 2)])).is_err());
        assert!(serde_json::to_string(&BTreeMap::from([(vec![1], 2)])).is_err());
    }
}
