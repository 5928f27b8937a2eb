//! Reading parameters: a JSON object whose properties are taken out one by one. It does what a derived
//! deserialiser would, with errors that name the property that is wrong, and with one copy of the
//! code for all operations instead of one each, which halves the WebAssembly build.

use std::borrow::Cow;

use crate::error::{Cause, Error, Result};
use crate::value::id::SessionId;
use crate::value::json::{Json, another_kind};
use crate::value::number::number;
use crate::value::string;
use crate::value::text::Text;
use crate::value::time::{Millis, Timestamp};
use crate::value::tokens::{Tokens, plain};

pub use crate::value::json::well_formed;
pub use crate::value::property::Property;

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
        Self::read_next(name, &mut Tokens::of(well_formed(name, text)?))
    }

    /// As [`Stored::read`], for the next value of a well-formed text.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`.
    fn read_next(name: &str, tokens: &mut Tokens<'_>) -> Result<Self> {
        let mut properties = Properties::ahead(name, *tokens);
        loop {
            let value = Self::take(&mut properties);
            if properties.have_ended(value.is_ok(), tokens) {
                properties.sound()?;
                return value;
            }
        }
    }
}

/// The key of a property, decoded, and the text of its value.
type Entry<'a> = (Cow<'a, str>, &'a str);

/// The properties of an object that have not been taken yet.
pub struct Properties<'a> {
    /// The operation, or the name of the object.
    of: &'a str,
    /// The properties before `ahead`, in their order; those that were taken are `None`.
    rest: Vec<Option<Entry<'a>>>,
    /// The tokens of the properties that nobody has passed yet, up to the end of the object and beyond.
    /// An object whose properties are taken in the order of its text is read in one pass, together
    /// with the objects in it.
    ahead: Tokens<'a>,
    /// The object itself, if it is passed as its properties are taken.
    object: Option<Tokens<'a>>,
    /// The key of the property that was taken last.
    key: Cow<'a, str>,
    /// Its value, if it was taken from `rest`.
    value: Tokens<'a>,
    /// The names that were asked for.
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
        let (rest, error) = match entries(of, text) {
            Ok(rest) => (rest, None),
            Err(error) => (Vec::new(), Some(error)),
        };
        Self {
            of,
            rest,
            ahead: Tokens::NONE,
            object: None,
            key: Cow::default(),
            value: Tokens::NONE,
            known: Vec::new(),
            error,
        }
    }

    /// The properties of the object that the next tokens of a well-formed text are. They are passed as
    /// they are taken.
    fn ahead(of: &'a str, tokens: Tokens<'a>) -> Self {
        let mut ahead = tokens;
        Self {
            of,
            rest: Vec::new(),
            ahead: if ahead.pass(b'{') {
                ahead
            } else {
                Tokens::NONE
            },
            object: Some(tokens),
            key: Cow::default(),
            value: Tokens::NONE,
            known: Vec::new(),
            error: None,
        }
    }

    /// Whether the properties that were taken decide what the value is, which `tokens` then pass. If
    /// not, all properties have to be taken once more: one that was passed is wrong, repeated or not
    /// known.
    fn have_ended(&mut self, is_ok: bool, tokens: &mut Tokens<'_>) -> bool {
        let Some(mut object) = self.object else {
            return true;
        };
        let is_complete = is_ok && self.error.is_none() && self.rest.iter().all(Option::is_none);
        let has_ended = is_complete && self.ahead.pass(b'}');
        if !has_ended {
            *self = Self::of(self.of, object.value());
        }
        let end = if has_ended { self.ahead } else { object };
        tokens.skip(tokens.rest().len() - end.rest().len());
        has_ended
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

    /// Reads the property of the field `name`, whose name is the field's in camel case. After an error
    /// no property of a stored form can be taken.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`.
    pub fn get<T: Property>(&mut self, name: &'static str) -> Result<T> {
        self.read_if_present(name)
            .unwrap_or_else(|| T::absent().ok_or_else(|| self.missing(name)))
    }

    /// As [`Properties::take`]; a property that is absent has its default.
    pub fn take_or_default<T: Property + Default>(&mut self, name: &'static str) -> T {
        let read = self
            .read_if_present(name)
            .unwrap_or_else(|| Ok(T::default()));
        read.unwrap_or_else(|error| {
            self.fail(error);
            T::default()
        })
    }

    /// The JSON text of the property of a field, if there is one.
    pub fn text(&mut self, name: &'static str) -> Option<&'a str> {
        self.find(name).map(|(_, tokens)| tokens.value())
    }

    fn read_if_present<T: Property>(&mut self, name: &'static str) -> Option<Result<T>> {
        let (key, tokens) = self.find(name)?;
        Some(T::read_next(key, tokens))
    }

    /// The key of the property of a field, and the tokens that begin with its value.
    fn find(&mut self, name: &'static str) -> Option<(&str, &mut Tokens<'a>)> {
        if self.object.is_none() {
            self.known.push(name);
        }
        // Of properties with the same key the last counts, as for `JSON.parse`. The others stay, and
        // `finish` skips them.
        let is_meant = |entry: &&mut Option<Entry<'_>>| {
            let key = entry.as_ref().map(|(key, _)| key);
            key.is_some_and(|key| is_camel_case_of(key, name))
        };
        if let Some(found) = self.rest.iter_mut().rev().find(is_meant) {
            let (key, text) = found.take()?;
            self.key = key;
            self.value = Tokens::only(text);
            return Some((&self.key, &mut self.value));
        }
        loop {
            let key = decoded(self.ahead.key()?);
            if is_camel_case_of(&key, name) {
                self.key = key;
                return Some((&self.key, &mut self.ahead));
            }
            self.rest.push(Some((key, self.ahead.value())));
        }
    }

    /// The properties of [`Properties::read`] with other names than these, which stay to be taken.
    pub fn others(&self, names: &[&str]) -> Vec<(Cow<'a, str>, &'a str)> {
        let rest = self.rest.iter().flatten();
        let others = rest.filter(|(name, _)| !names.contains(&&**name));
        others.cloned().collect()
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
        let is_known = |key: &str| self.known.iter().any(|name| is_camel_case_of(key, name));
        // One that is not known comes first: a property that is missing may be the one that is meant.
        match self.rest.iter().flatten().find(|(key, _)| !is_known(key)) {
            None => self.error.map_or(Ok(()), Err),
            Some((key, _)) => {
                let key: String = key.chars().take(64).collect();
                let mut problem = format!("`{key}` is not known; expected ");
                for (place, name) in self.known.iter().enumerate() {
                    problem.push_str(if place == 0 { "`" } else { ", `" });
                    problem.push_str(&camel_case(name));
                    problem.push('`');
                }
                Err(Error::invalid(self.of, problem))
            }
        }
    }
}

impl<T: Property> Property for Option<T> {
    fn absent() -> Option<Self> {
        Some(None)
    }

    fn read(name: &str, text: &str) -> Result<Self> {
        Self::read_next(name, &mut Tokens::of(text))
    }

    fn read_next(name: &str, tokens: &mut Tokens<'_>) -> Result<Self> {
        if tokens.begin_with(b'n') {
            tokens.value();
            Ok(None)
        } else {
            T::read_next(name, tokens).map(Some)
        }
    }
}

impl<T: Property> Property for Vec<T> {
    fn read(name: &str, text: &str) -> Result<Self> {
        Self::read_next(name, &mut Tokens::of(text))
    }

    fn read_next(name: &str, tokens: &mut Tokens<'_>) -> Result<Self> {
        let mut values = Self::new();
        begin_items(name, tokens)?;
        while has_item(tokens) {
            let value =
                T::read_next(name, tokens).map_err(|error| of_item(error, name, values.len()))?;
            values.push(value);
        }
        Ok(values)
    }
}

fn begin_items(name: &str, tokens: &mut Tokens<'_>) -> Result<()> {
    if tokens.pass(b'[') {
        return Ok(());
    }
    Err(another_kind(name, "a list", tokens.value()))
}

fn has_item(tokens: &mut Tokens<'_>) -> bool {
    tokens.pass(b',');
    !tokens.pass(b']')
}

/// An error about an item of the list `name`: it names the item.
fn of_item(error: Error, name: &str, index: usize) -> Error {
    match error.into_cause() {
        Cause::InvalidArgument { what, problem } if what == name => {
            Error::invalid(format!("{name}[{index}]"), problem)
        }
        cause => cause.into(),
    }
}

/// A value in the form that stores keep: its JSON text as a string.
#[derive(Default)]
pub(crate) struct AsText(pub(crate) Json);

impl Property for AsText {
    fn read(name: &str, text: &str) -> Result<Self> {
        Self::read_next(name, &mut Tokens::of(text))
    }

    fn read_next(name: &str, tokens: &mut Tokens<'_>) -> Result<Self> {
        Json::parse(&String::read_next(name, tokens)?).map(Self)
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
        Self::read_next(name, &mut Tokens::of(text))
    }

    fn read_next(name: &str, tokens: &mut Tokens<'_>) -> Result<Self> {
        Ok(Option::<T>::read_next(name, tokens)?.map_or(Self::Clear, Self::Set))
    }
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
                let mut tokens = $crate::value::tokens::Tokens::of(text);
                $crate::value::properties::Stored::read_next(name, &mut tokens)
            }

            fn read_next(
                name: &str,
                tokens: &mut $crate::value::tokens::Tokens<'_>,
            ) -> $crate::error::Result<Self> {
                $crate::value::properties::Stored::read_next(name, tokens)
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
    let word = Text::read(name, text)?;
    parse(word.as_str()).ok_or_else(|| unknown_word(name, word.as_str(), words))
}

fn unknown_word(name: &str, word: &str, words: &[&str]) -> Error {
    let expected = match words {
        [one, other] => format!("`{one}` or `{other}`"),
        words => format!("one of `{}`", words.join("`, `")),
    };
    Error::invalid(name, format!("`{word}` is not known; expected {expected}"))
}

const A_TEXT: &str = "a text";

impl Property for String {
    fn read(name: &str, text: &str) -> Result<Self> {
        Self::read_next(name, &mut Tokens::of(text))
    }

    /// Passes the text once: in the form that stores keep, most of a value is in strings.
    fn read_next(name: &str, tokens: &mut Tokens<'_>) -> Result<Self> {
        let text = tokens.rest().trim_ascii_start();
        let (string, length) = match plain(text) {
            Some(string) => (Some(string.to_owned()), string.len() + 2),
            None => {
                let mut bytes = Vec::new();
                let length = string::decode(text, &mut bytes);
                (Self::from_utf8(bytes).ok(), length.unwrap_or_default())
            }
        };
        match string.filter(|_| length > 0) {
            Some(string) => {
                tokens.skip(tokens.rest().len() - text.len() + length);
                Ok(string)
            }
            None => Err(another_kind(name, A_TEXT, tokens.value())),
        }
    }
}

impl Property for Text {
    fn read(name: &str, text: &str) -> Result<Self> {
        Self::of_json(text).ok_or_else(|| another_kind(name, A_TEXT, text))
    }
}

impl Property for f64 {
    fn read(name: &str, text: &str) -> Result<Self> {
        number(text).ok_or_else(|| another_kind(name, "a number", text))
    }
}

impl Property for bool {
    fn read(name: &str, text: &str) -> Result<Self> {
        text.parse()
            .map_err(|_| another_kind(name, "true or false", text))
    }
}

impl Property for u64 {
    fn read(name: &str, text: &str) -> Result<Self> {
        text.parse()
            .map_err(|_| another_kind(name, "a whole number of 0 or more", text))
    }
}

impl Property for u32 {
    fn read(name: &str, text: &str) -> Result<Self> {
        let number = u64::read(name, text)?;
        let expected =
            || Error::invalid(name, format!("expected at most {}, got {text}", Self::MAX));
        number.try_into().map_err(|_| expected())
    }
}

impl Property for () {
    fn read(name: &str, text: &str) -> Result<Self> {
        match text {
            "null" => Ok(()),
            _ => Err(another_kind(name, "null", text)),
        }
    }
}

impl Property for Json {
    fn read(_: &str, text: &str) -> Result<Self> {
        Ok(Self::of_part(text))
    }
}

impl Property for Timestamp {
    fn read(name: &str, text: &str) -> Result<Self> {
        let read = match text.starts_with('"') {
            true => Text::read(name, text).and_then(|text| Self::parse(text.as_str())),
            false => f64::read(name, text).and_then(Self::from_number),
        };
        read.map_err(|_| another_kind(name, Self::EXPECTED, text))
    }
}

impl Property for Millis {
    fn read(name: &str, text: &str) -> Result<Self> {
        let read = match (text.starts_with('"'), text.parse()) {
            (true, _) => Text::read(name, text).and_then(|text| Self::parse(text.as_str())),
            (false, Ok(millis)) => Ok(Self(millis)),
            (false, Err(_)) => f64::read(name, text).and_then(Self::from_number),
        };
        read.map_err(|_| another_kind(name, Self::EXPECTED, text))
    }
}

impl Property for SessionId {
    fn read(name: &str, text: &str) -> Result<Self> {
        let id = Text::read(name, text)?;
        Self::parse(id.as_str()).map_err(|error| Error::invalid(name, error.to_string()))
    }
}

/// Whether `key` is `snake`, a Rust field's name, in camel case.
fn is_camel_case_of(key: &str, snake: &str) -> bool {
    let mut snake = snake.strip_prefix("r#").unwrap_or(snake).bytes();
    let is_same = key.bytes().all(|byte| match snake.next() {
        Some(b'_') => snake.next().map(|next| next.to_ascii_uppercase()) == Some(byte),
        next => next == Some(byte),
    });
    is_same && snake.next().is_none()
}

/// The name of a field as that of a property.
pub fn camel_case(snake: &str) -> String {
    let mut camel = String::new();
    let mut begins_word = false;
    for letter in snake.strip_prefix("r#").unwrap_or(snake).chars() {
        match letter {
            '_' => begins_word = true,
            _ if std::mem::take(&mut begins_word) => camel.push(letter.to_ascii_uppercase()),
            _ => camel.push(letter),
        }
    }
    camel
}

fn entries<'a>(of: &str, text: &'a str) -> Result<Vec<Option<Entry<'a>>>> {
    let text = well_formed(of, text)?;
    let entries = Tokens::of(text).entries();
    let entries = entries.ok_or_else(|| another_kind(of, "an object", text))?;
    Ok(entries
        .map(|(key, value)| Some((decoded(key), value)))
        .collect())
}

/// The text of a JSON string.
pub(crate) fn decoded(json: &str) -> Cow<'_, str> {
    match plain(json) {
        Some(inner) => Cow::Borrowed(inner),
        None => Cow::Owned(Text::of_json(json).unwrap_or_default().into_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::params::{AddEventsParams, ListParams, StartParams, UpdateParams};
    use crate::store::Loaded;

    fn problem(text: &str) -> String {
        StartParams::read("start", text).unwrap_err().to_string()
    }

    #[test]
    fn an_error_names_the_property_that_is_wrong() {
        let said = problem(r#"{"task":"t","mode":7,"context":{"mode":{}}}"#);
        assert_eq!(said, "mode: expected a text, got 7");
        let said = problem(r#"{"task":"t","mode":"m","maxIterations":-1}"#);
        assert_eq!(
            said,
            "maxIterations: expected a whole number of 0 or more, got -1"
        );
        let said = problem(r#"{"task":"t","mode":"m","maxIterations":1.5}"#);
        assert!(
            said.ends_with("expected a whole number of 0 or more, got 1.5"),
            "{said}"
        );
        assert_eq!(problem(r#"{"task":"t"}"#), "start: `mode` is missing");
        let said = problem(r#"{"task":"t","mode":"m","maxIteration":1}"#);
        assert!(
            said.starts_with("start: `maxIteration` is not known; expected `task`, "),
            "{said}"
        );
        let said = problem("[]");
        assert_eq!(said, "start: expected an object, got a list");
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

    const LOADED: &str = r#"{"head":{"id":"s","version":1,"mode":"m","task":"a \"b\"","status":"active",
        "createdAt":1,"updatedAt":2,"iterations":0,"maxIterations":9,"context":"{\"a\":[1]}",
        "metadata":null,"eventCount":2,"usage":{"promptTokens":1,"completionTokens":2,"costNanos":3},
        "agent":null},
        "events":[{"sequence":1,"timestamp":1,"type":"start","data":"{}"},
        {"sequence":2,"timestamp":2,"type":"pause","data":"{\"b\":\"\\\\\"}"}]}"#;

    fn loaded(text: &str) -> Result<Loaded> {
        <Loaded as Stored>::read("load", text)
    }

    #[test]
    fn a_stored_form_is_read_in_any_order_of_its_properties() {
        let expected: Loaded = serde_json::from_str(LOADED).unwrap();
        assert_eq!(loaded(LOADED).unwrap(), expected);
        // A `Value` orders the properties by their names.
        let ordered: serde_json::Value = serde_json::from_str(LOADED).unwrap();
        assert_eq!(loaded(&ordered.to_string()).unwrap(), expected);
        let compact = Json::parse(LOADED).unwrap().compact();
        assert_eq!(loaded(compact.as_str()).unwrap(), expected);
    }

    #[test]
    fn of_repeated_properties_of_a_stored_form_the_last_counts_and_unknown_ones_are_ignored() {
        let expected = loaded(LOADED).unwrap();
        for (from, to) in [
            (r#""version":1"#, r#""version":7,"version":1"#),
            (r#""version":1"#, r#""version":"x","mode":{},"version":1"#),
            (
                r#""version":1,"mode":"m""#,
                r#""mode":"m","\u0076ersion":1"#,
            ),
            (r#""iterations":0"#, r#""iterations":0,"new":[{"id":"}"}]"#),
            (
                r#""costNanos":3"#,
                r#""costNanos":3,"costNanos":4,"costNanos":3"#,
            ),
            (r#""head":{"#, r#""head":7,"head":{"#),
            (r#""events":["#, r#""events":[{}],"events":["#),
        ] {
            let text = LOADED.replace(from, to);
            assert_ne!(text, LOADED);
            assert_eq!(loaded(&text).unwrap(), expected, "{to}");
        }
    }

    #[test]
    fn an_error_in_a_stored_form_names_the_property_that_is_wrong() {
        for (from, to, expected) in [
            (
                r#""version":1"#,
                r#""version":"x""#,
                "version: expected a whole number of 0 or more, got \"x\"",
            ),
            (r#""version":1,"#, "", "head: `version` is missing"),
            (r#""id":"s""#, r#""id":"/""#, "id: "),
            (r#","type":"pause""#, "", "events[1]: `type` is missing"),
            (r#""usage":{"#, r#""usage":[{"#, "load: "),
            (
                r#""usage":{"promptTokens":1,"completionTokens":2,"costNanos":3}"#,
                r#""usage":[]"#,
                "usage: expected an object, got a list",
            ),
            (
                r#""data":"{}""#,
                r#""data":"{""#,
                "json: expected JSON; it ends too early at line 1, column 1",
            ),
            (r#""agent":null"#, r#""agent":null,"new":[1,]"#, "load: "),
            (r#"]}"#, "]}]", "load: "),
        ] {
            let text = LOADED.replace(from, to);
            let said = loaded(&text).unwrap_err().to_string();
            assert!(said.starts_with(expected), "{said}");
        }
        let said = loaded(r#"{"head":[],"events":{}}"#)
            .unwrap_err()
            .to_string();
        assert_eq!(said, "head: expected an object, got a list");
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
                .starts_with("status: `running` is not known; expected one of `active`, ")
        );
    }
}
