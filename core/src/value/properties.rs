//! Reading parameters: a JSON object whose properties are taken out one by one. It does what a derived
//! deserialiser would, with errors that name the property that is wrong, and with one copy of the
//! code for all operations instead of one each, which halves the WebAssembly build.

use std::borrow::Cow;

use serde::de::{self, DeserializeOwned, MapAccess};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::error::{Error, Result};
use crate::value::json::Json;
use crate::value::text::Text;

/// Parameters that are read from a JSON object.
pub trait Params: Sized {
    /// Takes the properties that these parameters have.
    fn take(properties: &mut Properties<'_>) -> Self;

    /// Reads the parameters of `operation`. A property that is not known is refused.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`.
    fn read(operation: &str, text: &str) -> Result<Self> {
        let mut properties = Properties::of(operation, text);
        let params = Self::take(&mut properties);
        properties.finish().map(|()| params)
    }
}

/// The form in which a store keeps a value: a JSON object. Properties that are not known are ignored,
/// since a newer version may have written them.
pub trait Stored: Sized {
    /// Reads the properties that the value has. Those that are taken say later what is wrong with them;
    /// a value without a default has to be got.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`.
    fn take(properties: &mut Properties<'_>) -> Result<Self>;

    /// Reads the value `name`.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`.
    fn read(name: &str, text: &str) -> Result<Self> {
        let mut properties = Properties::of(name, text);
        let value = Self::take(&mut properties);
        properties.sound()?;
        value
    }
}

/// The properties of an object that have not been taken yet.
pub struct Properties<'a> {
    /// The operation, or the name of the object.
    of: &'a str,
    rest: Vec<(Cow<'a, str>, &'a str)>,
    known: Vec<&'static str>,
    /// The first thing that was wrong.
    error: Option<Error>,
}

impl<'a> Properties<'a> {
    /// The properties of the object `of`.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` if the text is no object.
    pub fn read(of: &'a str, text: &'a str) -> Result<Self> {
        let mut properties = Self::of(of, text);
        properties.sound()?;
        Ok(properties)
    }

    fn of(of: &'a str, text: &'a str) -> Self {
        let (rest, error) = match parse(of, text) {
            Ok(Entries(rest)) => (rest, None),
            Err(error) => (Vec::new(), Some(error)),
        };
        Self {
            of,
            rest,
            known: Vec::new(),
            error,
        }
    }

    /// Takes the property of the field `name`, whose name is the field's in camel case. What is wrong
    /// with it is kept, and says so when all are taken: fields need no way out of their own then.
    pub fn take<T: Property + Default>(&mut self, name: &'static str) -> T {
        self.get(name).unwrap_or_else(|error| {
            self.fail(error);
            T::default()
        })
    }

    /// As [`Properties::take`], with a value for a property that is absent or `null`.
    pub fn take_or<T: Property>(&mut self, name: &'static str, default: T) -> T {
        self.take::<Option<T>>(name).unwrap_or(default)
    }

    /// Reads the property of the field `name`, whose name is the field's in camel case.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`.
    pub fn get<T: Property>(&mut self, name: &'static str) -> Result<T> {
        match self.text_of(name) {
            Some((key, text)) => T::read(&key, text),
            None => T::absent().ok_or_else(|| self.missing(name)),
        }
    }

    /// As [`Properties::take`]; a property that is absent has its default.
    pub fn take_or_default<T: Property + Default>(&mut self, name: &'static str) -> T {
        match self.text_of(name) {
            Some((key, text)) => T::read(&key, text).unwrap_or_else(|error| {
                self.fail(error);
                T::default()
            }),
            None => T::default(),
        }
    }

    /// The JSON text of the property of a field, if there is one.
    pub fn text(&mut self, name: &'static str) -> Option<&'a str> {
        self.text_of(name).map(|(_, text)| text)
    }

    /// The key and the text of the property of a field.
    fn text_of(&mut self, name: &'static str) -> Option<(Cow<'a, str>, &'a str)> {
        self.known.push(name);
        // Of properties with the same key the last counts, as for `JSON.parse`. The others stay, and
        // `finish` skips them.
        let is_meant = |(key, _): &(Cow<'_, str>, _)| is_camel_case_of(key, name);
        let place = self.rest.iter().rposition(is_meant)?;
        Some(self.rest.remove(place))
    }

    /// Says what was wrong with the properties that were taken so far.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`.
    pub fn sound(&mut self) -> Result<()> {
        self.error.take().map_or(Ok(()), Err)
    }

    fn missing(&self, name: &str) -> Error {
        Error::invalid(self.of, format!("`{}` is missing", camel_case(name)))
    }

    fn fail(&mut self, error: Error) {
        self.error.get_or_insert(error);
    }

    fn finish(self) -> Result<()> {
        if let Some(error) = self.error {
            return Err(error);
        }
        let is_known = |key: &str| self.known.iter().any(|name| is_camel_case_of(key, name));
        match self.rest.iter().find(|(key, _)| !is_known(key)) {
            None => Ok(()),
            Some((key, _)) => {
                let known: Vec<String> = self
                    .known
                    .iter()
                    .map(|name| format!("`{}`", camel_case(name)))
                    .collect();
                let key: String = key.chars().take(64).collect();
                Err(Error::invalid(
                    self.of,
                    format!("`{key}` is not known; expected {}", known.join(", ")),
                ))
            }
        }
    }
}

/// A value that a property may have.
pub trait Property: Sized {
    /// The value of a property that is not there; `None` where it has to be.
    fn absent() -> Option<Self> {
        None
    }

    /// Reads the value of the property `name`.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`.
    fn read(name: &str, text: &str) -> Result<Self>;
}

impl<T: Property> Property for Option<T> {
    fn absent() -> Option<Self> {
        Some(None)
    }

    fn read(name: &str, text: &str) -> Result<Self> {
        if text == "null" {
            Ok(None)
        } else {
            T::read(name, text).map(Some)
        }
    }
}

impl<T: Property> Property for Vec<T> {
    fn read(name: &str, text: &str) -> Result<Self> {
        let items: Vec<&RawValue> = parse(name, text)?;
        let mut values = Self::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            values.push(T::read(&format!("{name}[{index}]"), item.get())?);
        }
        Ok(values)
    }
}

/// A value in the form that stores keep: its JSON text as a string.
#[derive(Default)]
pub(crate) struct AsText(pub(crate) Json);

impl Property for AsText {
    fn read(name: &str, text: &str) -> Result<Self> {
        Json::parse(String::read(name, text)?).map(Self)
    }
}

/// A property that keeps (absent), clears (`null`) or sets (a value).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Patch<T> {
    /// Leave it as it is.
    #[default]
    Keep,
    /// Take it away.
    Clear,
    /// Give it this value.
    Set(T),
}

impl<T> Patch<T> {
    /// Applies it to a property.
    pub fn apply(self, property: &mut Option<T>) {
        match self {
            Self::Keep => {}
            Self::Clear => *property = None,
            Self::Set(value) => *property = Some(value),
        }
    }
}

impl<T: Property> Property for Patch<T> {
    fn absent() -> Option<Self> {
        Some(Self::Keep)
    }

    fn read(name: &str, text: &str) -> Result<Self> {
        Ok(Option::<T>::read(name, text)?.map_or(Self::Clear, Self::Set))
    }
}

/// Parses JSON text, with an error that says of what.
///
/// # Errors
/// `INVALID_ARGUMENT`.
pub fn parse<'a, T: Deserialize<'a>>(what: &str, text: &'a str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| problem(what, &error))
}

/// Whether a property is the second of two words; the first is the only other that it may be.
///
/// # Errors
/// `INVALID_ARGUMENT`.
pub fn second_of(name: &str, text: &str, words: [&str; 2]) -> Result<bool> {
    let word = text.trim_matches('"');
    match words.iter().position(|known| *known == word) {
        Some(place) if text.len() == word.len() + 2 => Ok(place == 1),
        _ => Err(Error::invalid(
            name,
            format!("expected \"{}\" or \"{}\"", words[0], words[1]),
        )),
    }
}

fn problem(what: &str, error: &serde_json::Error) -> Error {
    let said = error.to_string();
    // Where in one property's text it stopped tells a caller nothing.
    Error::invalid(what, said.split(" at line ").next().unwrap_or(&said))
}

/// Declares parameters: their properties have the fields' names in camel case, and those of a type
/// `Option` or [`Patch`] may be left out.
#[macro_export]
macro_rules! declare_params {
    ($(
        $(#[$meta:meta])*
        pub struct $name:ident { $($(#[$field_meta:meta])* pub $field:ident: $type:ty,)* }
    )*) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, Default)]
        #[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(optional_fields, rename_all = "camelCase"))]
        pub struct $name { $($(#[$field_meta])* pub $field: $type,)* }

        impl $crate::value::properties::Params for $name {
            fn take(properties: &mut $crate::value::properties::Properties<'_>) -> Self {
                Self { $($field: properties.take(stringify!($field)),)* }
            }
        }
    )*};
}

/// Makes properties of types that are objects with properties of their own.
#[macro_export]
macro_rules! nested_properties {
    ($($type:ty),* $(,)?) => {$(
        impl $crate::value::properties::Property for $type {
            fn read(name: &str, text: &str) -> $crate::error::Result<Self> {
                $crate::value::properties::Params::read(name, text)
            }
        }
    )*};
}

/// Makes properties of types that stores keep as objects.
#[macro_export]
macro_rules! stored_properties {
    ($($type:ty),* $(,)?) => {$(
        impl $crate::value::properties::Property for $type {
            fn read(name: &str, text: &str) -> $crate::error::Result<Self> {
                $crate::value::properties::Stored::read(name, text)
            }
        }
    )*};
}

/// Makes properties of types whose values are words.
#[macro_export]
macro_rules! word_properties {
    ($($type:ident: $($word:literal => $value:ident),*;)*) => {$(
        impl $crate::value::properties::Property for $type {
            fn read(name: &str, text: &str) -> $crate::error::Result<Self> {
                let parse = |word: &str| match word {
                    $($word => Some(Self::$value),)*
                    _ => None,
                };
                $crate::value::properties::word(name, text, parse, &[$($word),*])
            }
        }
    )*};
}

/// Reads replies of operations, with their fields, as parameters are read.
#[macro_export]
macro_rules! read_replies {
    ($($name:ident { $($field:ident),* $(,)? })*) => {$(
        impl $crate::value::properties::Params for $name {
            fn take(properties: &mut $crate::value::properties::Properties<'_>) -> Self {
                Self { $($field: properties.take(stringify!($field)),)* }
            }
        }
        $crate::nested_properties!($name);
    )*};
}

/// Makes properties of types that serde reads as they are.
#[macro_export]
macro_rules! plain_properties {
    ($($type:ty),* $(,)?) => {$(
        impl $crate::value::properties::Property for $type {
            fn read(name: &str, text: &str) -> $crate::error::Result<Self> {
                $crate::value::properties::read_plain(name, text)
            }
        }
    )*};
}

/// Reads one of these words.
///
/// # Errors
/// `INVALID_ARGUMENT`.
pub fn word<T>(
    name: &str,
    text: &str,
    parse: impl FnOnce(&str) -> Option<T>,
    words: &[&str],
) -> Result<T> {
    let word: Text = self::parse(name, text)?;
    parse(word.as_str()).ok_or_else(|| unknown_word(name, word.as_str(), words))
}

fn unknown_word(name: &str, word: &str, words: &[&str]) -> Error {
    let expected = match words {
        [one, other] => format!("`{one}` or `{other}`"),
        words => format!("one of `{}`", words.join("`, `")),
    };
    Error::invalid(
        name,
        format!("unknown variant `{word}`, expected {expected}"),
    )
}

/// Reads a value as serde does.
///
/// # Errors
/// `INVALID_ARGUMENT`.
pub fn read_plain<T: DeserializeOwned>(name: &str, text: &str) -> Result<T> {
    parse(name, text)
}

plain_properties!(
    bool,
    f64,
    u32,
    u64,
    (),
    String,
    Text,
    crate::value::id::SessionId,
    Json,
    crate::value::time::Millis,
    crate::value::time::Timestamp,
);

/// Whether `key` is `snake`, a Rust field's name, in camel case.
fn is_camel_case_of(key: &str, snake: &str) -> bool {
    // Most keys differ in their first letter, which camel case does not change.
    let snake = snake.strip_prefix("r#").unwrap_or(snake);
    key.as_bytes().first() == snake.as_bytes().first() && key.bytes().eq(camel_case_bytes(snake))
}

fn camel_case(snake: &str) -> String {
    camel_case_bytes(snake).map(char::from).collect()
}

fn camel_case_bytes(snake: &str) -> impl Iterator<Item = u8> {
    let mut upper = false;
    snake
        .strip_prefix("r#")
        .unwrap_or(snake)
        .bytes()
        .filter_map(move |byte| match byte {
            b'_' => {
                upper = true;
                None
            }
            _ if std::mem::take(&mut upper) => Some(byte.to_ascii_uppercase()),
            _ => Some(byte),
        })
}

struct Entries<'a>(Vec<(Cow<'a, str>, &'a str)>);

impl<'de: 'a, 'a> Deserialize<'de> for Entries<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Entries<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries<'de>, A::Error> {
                let mut entries = Vec::new();
                while let Some((key, value)) = map.next_entry::<&RawValue, &RawValue>()? {
                    entries.push((decoded(key.get()), value.get()));
                }
                Ok(Entries(entries))
            }
        }

        deserializer.deserialize_map(Visitor)
    }
}

/// The text of a JSON string.
fn decoded(json: &str) -> Cow<'_, str> {
    let inner = json
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .filter(|inner| !inner.contains('\\'));
    match inner {
        Some(inner) => Cow::Borrowed(inner),
        None => Cow::Owned(
            serde_json::from_str::<Text>(json)
                .unwrap_or_default()
                .into_string(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::params::{AddEventsParams, ListParams, StartParams, UpdateParams};

    fn problem(text: &str) -> String {
        StartParams::read("start", text).unwrap_err().to_string()
    }

    #[test]
    fn an_error_names_the_property_that_is_wrong() {
        let said = problem(r#"{"task":"t","mode":7,"context":{"mode":{}}}"#);
        assert_eq!(said, "mode: invalid type: integer `7`, expected a string");
        let said = problem(r#"{"task":"t","mode":"m","maxIterations":-1}"#);
        assert_eq!(
            said,
            "maxIterations: invalid value: integer `-1`, expected u32"
        );
        let said = problem(r#"{"task":"t","mode":"m","maxIterations":1.5}"#);
        assert!(
            said.starts_with("maxIterations: invalid type: floating point"),
            "{said}"
        );
        assert_eq!(problem(r#"{"task":"t"}"#), "start: `mode` is missing");
        let said = problem(r#"{"task":"t","mode":"m","maxIteration":1}"#);
        assert!(
            said.starts_with("start: `maxIteration` is not known; expected `task`, "),
            "{said}"
        );
        let said = problem("[]");
        assert_eq!(said, "start: invalid type: sequence, expected an object");
        assert!(problem("nonsense").starts_with("start: "));
        assert!(problem(r#"{"task":"t","mode":"m","\ud800":1}"#).contains("is not known"));
        let said = AddEventsParams::read(
            "addEvents",
            r#"{"id":"x","events":[{"type":"a"},{"data":{}}]}"#,
        );
        assert_eq!(
            said.unwrap_err().to_string(),
            "events[1]: `type` is missing"
        );
    }

    #[test]
    fn keys_may_be_escaped_and_the_last_of_two_counts() {
        let text = r#"{"t\u0061sk":"t","mode":"m","userId":"a","userId":"b","context":null}"#;
        let params = StartParams::read("start", text).unwrap();
        assert_eq!(params.task.as_str(), "t");
        assert_eq!(params.user_id.unwrap().as_str(), "b");
        assert!(params.context.is_none());
    }

    #[test]
    fn null_clears_what_absence_keeps() {
        let params = UpdateParams::read("update", r#"{"id":"x","workspace":null,"userId":"u"}"#);
        let params = params.unwrap();
        assert_eq!(params.workspace, Patch::Clear);
        assert_eq!(params.user_id, Patch::Set(Text::from("u")));
        assert_eq!(params.channel_id, Patch::Keep);
    }

    #[test]
    fn one_status_or_a_list_of_them_is_read() {
        let read = |text: &str| {
            ListParams::read("list", text).map(|params| params.filter().unwrap().status)
        };
        assert_eq!(read(r#"{"status":"active"}"#).unwrap().unwrap().len(), 1);
        assert_eq!(
            read(r#"{"status":["active","paused"]}"#)
                .unwrap()
                .unwrap()
                .len(),
            2
        );
        assert_eq!(read(r#"{"status":[]}"#).unwrap().unwrap().len(), 0);
        assert_eq!(read("{}").unwrap(), None);
        assert!(
            read(r#"{"status":"running"}"#)
                .unwrap_err()
                .to_string()
                .starts_with("status: unknown variant")
        );
    }
}
