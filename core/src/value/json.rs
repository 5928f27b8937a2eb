//! User data: JSON that is kept as the text it came in. `context`, event `data` and `metadata` are
//! never turned into values and printed again, because that loses what JSON text can say and values
//! cannot (lone surrogates, 1e400, twenty-digit integers, key order). Where Tenure edits an object
//! (a shallow merge, the keys it owns), it moves whole properties of the text.

use std::borrow::Cow;
use std::sync::Arc;

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer, Serialize, Serializer, ser};
use serde_json::value::RawValue;

use crate::error::{Cause, Error, Result, cut};
use crate::value::print::json_text;
use crate::value::property;
use crate::value::string;
use crate::value::text::Text;
use crate::value::tokens::{Tokens, plain};

/// A well-formed JSON value, kept as text. Cloning shares the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Json(Arc<str>);

impl Json {
    /// Keeps JSON text.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when the text is not one JSON value.
    pub fn parse(text: &str) -> Result<Self> {
        well_formed("json", text).map(Self::of_part)
    }

    /// The JSON of a value that is a part of a well-formed text.
    pub(crate) fn of_part(value: &str) -> Self {
        Self(value.into())
    }

    /// The empty object, `{}`.
    pub fn empty_object() -> Self {
        Object::default().to_json()
    }

    /// The JSON text of any value that Tenure itself makes.
    pub fn of<T: Serialize + ?Sized>(value: &T) -> Self {
        match json_text(value) {
            Ok(text) => Self(text.into()),
            // Only maps with keys that are no strings and failing Serialize impls fail; Tenure
            // has neither.
            Err(_) => Self::empty_object(),
        }
    }

    /// The JSON text of a text, or `null`.
    pub fn of_text(text: Option<&str>) -> Self {
        text.map_or_else(|| Self::of(&()), Self::of)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The value read as `T`; `None` where it is of another type.
    pub fn read<T: property::Property>(&self) -> Option<T> {
        T::read("value", self.as_str().trim()).ok()
    }

    /// The value as text, if it is a string.
    pub fn as_text(&self) -> Option<String> {
        Text::of_json(self.as_str()).map(Text::into_string)
    }

    /// The text of a property's value, found without reading the others; nothing if it is absent, or this
    /// is no object.
    pub fn property(&self, name: &str) -> Option<&str> {
        let is_meant = |(key, _): &(&str, &str)| match plain(key) {
            Some(key) => key == name,
            None => decoded(key) == name.as_bytes(),
        };
        let entries = Tokens::of(self.as_str()).entries()?;
        entries.filter(is_meant).last().map(|(_, value)| value)
    }

    /// Whether the value is an object.
    pub fn is_object(&self) -> bool {
        self.as_str().trim_start().starts_with('{')
    }

    /// The same value without white space between its tokens, which stay as they are.
    #[must_use]
    pub fn compact(self) -> Self {
        let mut text = String::with_capacity(self.as_str().len());
        for token in Tokens::of(self.as_str()) {
            text.push_str(token);
        }
        if text.len() == self.as_str().len() {
            return self;
        }
        // Two tokens that need white space between them never meet in well-formed JSON.
        Self::parse(&text).unwrap_or(self)
    }

    /// The value as text on many lines, two spaces to a level, as people like to read it. Deep
    /// inside it goes on in one line, so that white space never outweighs what it sets apart.
    pub fn indented(&self) -> String {
        indented(self.as_str())
    }

    /// Checks that the value is an object.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`.
    pub fn require_object(&self, what: &str) -> Result<()> {
        match self.is_object() {
            true => Ok(()),
            false => Err(another_kind(what, "an object", self.as_str())),
        }
    }

    /// Checks that the value is an object within the limits of size and depth. `what` names it in
    /// the error.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`, `TOO_LARGE` or `TOO_DEEP`.
    pub fn check_object(&self, what: &str, max_bytes: u64, max_depth: u32) -> Result<()> {
        self.require_object(what)?;
        let actual = self.as_str().len() as u64;
        if actual > max_bytes {
            return Err(Cause::TooLarge {
                what: what.to_owned(),
                actual,
                limit: max_bytes,
            }
            .into());
        }
        if depth(self.as_str()) > max_depth {
            return Err(Cause::TooDeep {
                what: what.to_owned(),
                limit: max_depth,
            }
            .into());
        }
        Ok(())
    }
}

/// The error of a value that is not what was expected. It shows the value, unless that has parts.
pub(crate) fn another_kind(what: &str, expected: &str, text: &str) -> Error {
    let given = match text.as_bytes().first() {
        Some(b'{') => "an object",
        Some(b'[') => "a list",
        _ => text,
    };
    Error::invalid(what, cut(format!("expected {expected}, got {given}")))
}

impl Default for Json {
    fn default() -> Self {
        Self::empty_object()
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // The printer of the module `print` takes bytes as JSON text.
        if !serializer.is_human_readable() {
            return serializer.serialize_bytes(self.0.as_bytes());
        }
        let raw: &RawValue = serde_json::from_str(&self.0).map_err(ser::Error::custom)?;
        raw.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Box::<RawValue>::deserialize(deserializer).map(|raw| Self(raw.get().into()))
    }
}

/// The form that stores keep: the text as one string.
pub(crate) mod as_text {
    use super::Json;
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(crate) fn serialize<S: Serializer>(json: &Json, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(json.as_str())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Json, D::Error> {
        Json::parse(&String::deserialize(d)?).map_err(de::Error::custom)
    }

    pub(crate) mod option {
        use super::super::Json;
        use serde::{Deserialize, Deserializer, Serializer, de};

        pub(crate) fn serialize<S: Serializer>(
            json: &Option<Json>,
            s: S,
        ) -> Result<S::Ok, S::Error> {
            match json {
                Some(json) => s.serialize_str(json.as_str()),
                None => s.serialize_none(),
            }
        }

        pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
            d: D,
        ) -> Result<Option<Json>, D::Error> {
            Option::<String>::deserialize(d)?
                .map(|text| Json::parse(&text).map_err(de::Error::custom))
                .transpose()
        }
    }
}

/// The text of one JSON value, without the white space around it.
///
/// # Errors
/// `INVALID_ARGUMENT` if the text is not one JSON value.
pub fn well_formed<'a>(what: &str, text: &'a str) -> Result<&'a str> {
    match serde_json::from_str::<IgnoredAny>(text) {
        Ok(_) => Ok(text.trim_ascii()),
        Err(error) => {
            let (line, column) = (error.line(), error.column());
            let problem = match error.is_eof() {
                true => "ends too early",
                false => "is wrong",
            };
            let problem = format!("expected JSON; it {problem} at line {line}, column {column}");
            Err(Error::invalid(what, problem))
        }
    }
}

/// See [`Json::indented`].
fn indented(text: &str) -> String {
    /// Levels that have lines of their own.
    const LEVELS: usize = 16;
    let mut out = String::with_capacity(text.len() * 2);
    let mut level = 0usize;
    let line = |out: &mut String, level: usize| {
        if level <= LEVELS {
            out.push('\n');
            out.extend(std::iter::repeat_n("  ", level));
        }
    };
    let mut tokens = Tokens::of(text).peekable();
    while let Some(token) = tokens.next() {
        match token {
            "{" | "[" => {
                out.push_str(token);
                if let Some(&end @ ("}" | "]")) = tokens.peek() {
                    out.push_str(end);
                    tokens.next();
                } else {
                    level += 1;
                    line(&mut out, level);
                }
            }
            "}" | "]" => {
                if level <= LEVELS {
                    line(&mut out, level.saturating_sub(1));
                }
                level = level.saturating_sub(1);
                out.push_str(token);
            }
            "," => {
                out.push(',');
                line(&mut out, level);
            }
            ":" => out.push_str(if level <= LEVELS { ": " } else { ":" }),
            _ => out.push_str(token),
        }
    }
    out
}

/// How deeply arrays and objects are nested: 0 for a plain value. The text is well-formed.
fn depth(text: &str) -> u32 {
    let (mut depth, mut deepest) = (0u32, 0u32);
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'[' | b'{' => {
                depth = depth.saturating_add(1);
                deepest = deepest.max(depth);
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            b'"' => {
                while let Some(byte) = bytes.next() {
                    match byte {
                        b'\\' => {
                            bytes.next();
                        }
                        b'"' => break,
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    deepest
}

/// The properties of a JSON object in their order, each as the text it came in. A key that occurs
/// twice counts once, at its first place and with its last value, as `JSON.parse` reads it.
#[derive(Debug, Clone, Default)]
pub struct Object<'a> {
    properties: Vec<Option<Property<'a>>>,
    /// The decoded keys in their order, each with its place in `properties`. Keys are compared
    /// decoded: `"a"` is `"\u0061"`.
    places: Vec<(Vec<u8>, usize)>,
}

#[derive(Debug, Clone)]
struct Property<'a> {
    key: Cow<'a, str>,
    value: Cow<'a, str>,
}

impl<'a> Object<'a> {
    /// Reads the properties of an object. Any other value has none.
    pub fn parse(json: &'a Json) -> Self {
        let mut object = Self::default();
        let entries = Tokens::of(json.as_str()).entries();
        for (key, value) in entries.into_iter().flatten() {
            object.places.push((decoded(key), object.properties.len()));
            object.properties.push(Some(Property {
                key: Cow::Borrowed(key),
                value: Cow::Borrowed(value),
            }));
        }
        object.settle();
        object
    }

    /// Whether there is no property.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The text of a property's value.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.value_of(key.as_bytes())
    }

    /// The text of the value of a decoded key.
    pub fn value_of(&self, key: &[u8]) -> Option<&str> {
        let (_, place) = self.places.get(self.find(key).ok()?)?;
        let property = self.properties.get(*place)?.as_ref()?;
        Some(&property.value)
    }

    /// A property's value, read as `T`; `None` where it is absent or of another type.
    pub fn read<T: property::Property>(&self, key: &str) -> Option<T> {
        T::read(key, self.get(key)?).ok()
    }

    /// A property's value as text; `None` where it is absent or no string.
    pub fn text(&self, key: &str) -> Option<String> {
        self.read::<Text>(key).map(Text::into_string)
    }

    /// The properties in the order of their decoded keys, with the texts of their values.
    pub fn by_key(&self) -> impl Iterator<Item = (&[u8], &str)> {
        self.places.iter().filter_map(|(key, place)| {
            let property = self.properties.get(*place)?.as_ref()?;
            Some((key.as_slice(), &*property.value))
        })
    }

    /// Sets a property: a known key keeps its place, a new one goes last.
    pub fn set<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) {
        self.set_text(key, Json::of(value).as_str().to_owned());
    }

    fn set_text(&mut self, key: &str, value: String) {
        let value = Cow::Owned(value);
        match self.find(key.as_bytes()) {
            Ok(found) => {
                let place = self.places.get(found).map(|(_, place)| *place);
                let known = place.and_then(|place| self.properties.get_mut(place)?.as_mut());
                if let Some(known) = known {
                    known.value = value;
                }
            }
            Err(end) => {
                let place = self.properties.len();
                self.places.insert(end, (key.as_bytes().to_vec(), place));
                let key = Cow::Owned(Json::of(key).as_str().to_owned());
                self.properties.push(Some(Property { key, value }));
            }
        }
    }

    /// Removes a property.
    pub fn remove(&mut self, key: &str) {
        if let Ok(found) = self.find(key.as_bytes()) {
            let (_, place) = self.places.remove(found);
            if let Some(property) = self.properties.get_mut(place) {
                *property = None;
            }
        }
    }

    /// The properties that are picked, by their decoded keys and the texts of their values.
    #[must_use]
    pub fn picked(&self, mut pick: impl FnMut(&[u8], &str) -> bool) -> Self {
        let mut picked = Self {
            properties: vec![None; self.properties.len()],
            places: Vec::new(),
        };
        for (key, place) in &self.places {
            if let (Some(Some(property)), Some(room)) = (
                self.properties.get(*place),
                picked.properties.get_mut(*place),
            ) && pick(key, &property.value)
            {
                *room = Some(property.clone());
                picked.places.push((key.clone(), *place));
            }
        }
        picked
    }

    /// Shallow merge: every property of `other` replaces the one of its key or goes last.
    pub fn merge(&mut self, other: Self) {
        let before = self.properties.len();
        self.properties.extend(other.properties);
        let places = other.places.into_iter();
        self.places
            .extend(places.map(|(key, place)| (key, before + place)));
        self.settle();
    }

    /// The object as JSON text.
    pub fn to_json(&self) -> Json {
        let mut text = String::from("{");
        for property in self.properties.iter().flatten() {
            if text.len() > 1 {
                text.push(',');
            }
            text.push_str(&property.key);
            text.push(':');
            text.push_str(&property.value);
        }
        text.push('}');
        // Well-formed by construction: keys and values are texts of well-formed JSON.
        Json::parse(&text).unwrap_or_default()
    }

    /// Orders the places by their keys. Of the properties of one key the first keeps its place and the
    /// spelling of its key, and gets the value of the last.
    fn settle(&mut self) {
        let Self { properties, places } = self;
        // Stable: properties of one key stay in their order.
        places.sort_by(|(a, _), (b, _)| a.cmp(b));
        places.dedup_by(|(key, place), (known_key, known)| {
            let is_repeated = key == known_key;
            if is_repeated
                && let Some(repeated) = properties.get_mut(*place).and_then(Option::take)
                && let Some(Some(known)) = properties.get_mut(*known)
            {
                known.value = repeated.value;
            }
            is_repeated
        });
    }

    /// Where a key is among the places, or where it would be.
    fn find(&self, key: &[u8]) -> std::result::Result<usize, usize> {
        self.places
            .binary_search_by(|(known, _)| known.as_slice().cmp(key))
    }
}

/// The bytes of a JSON string, lone surrogates among them.
fn decoded(json: &str) -> Vec<u8> {
    string::decoded(json).unwrap_or_default().into_owned()
}

#[cfg(feature = "ts")]
crate::value::ts::declare_as!(Json, "JsonObject");

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Json {
        Json::parse(text).unwrap()
    }

    fn merged(base: &str, patch: &str) -> String {
        let (base, patch) = (json(base), json(patch));
        let mut object = Object::parse(&base);
        object.merge(Object::parse(&patch));
        object.to_json().as_str().to_owned()
    }

    #[test]
    fn what_is_no_object_has_no_properties() {
        for text in [r#""x""#, "1", "null", r#"["a",1]"#, r#" "" "#] {
            assert!(Object::parse(&json(text)).is_empty(), "{text}");
        }
        let repeated = json(r#"{"a":{"b":1},"b":2,"\u0062":[3]}"#);
        assert_eq!(repeated.property("b"), Some("[3]"));
        assert_eq!(
            (repeated.property("c"), json(r#""b""#).property("b")),
            (None, None)
        );
        let spaced = json(" { \"a\" : 1 , \"\\u0062\" : \"}\" } ");
        let object = Object::parse(&spaced);
        assert_eq!(
            (object.get("a"), object.get("b")),
            (Some("1"), Some(r#""}""#))
        );
        assert_eq!(object.to_json().as_str(), r#"{"a":1,"\u0062":"}"}"#);
    }

    #[test]
    fn what_values_cannot_hold_is_kept_to_the_letter() {
        for text in [
            r#"{"a":1e400,"b":-0,"c":12345678901234567890,"d":0.10}"#,
            r#"{"\ud800":"\udc00","":{"":[]},"__proto__":{"x":1}}"#,
            r#"{"a":1,"b":{"b":1,"b":2}}"#,
        ] {
            assert_eq!(json(text).as_str(), text);
            assert_eq!(Object::parse(&json(text)).to_json().as_str(), text);
            assert_eq!(merged("{}", text), text);
        }
    }

    #[test]
    fn a_merge_keeps_places_and_puts_new_keys_last() {
        assert_eq!(
            merged(r#"{"a":1,"b":2}"#, r#"{"c":3,"a":{"x":1}}"#),
            r#"{"a":{"x":1},"b":2,"c":3}"#
        );
        assert_eq!(merged(r#"{"a":1}"#, r#"{"\u0061":2}"#), r#"{"a":2}"#);
        assert_eq!(
            merged(r#"{"\ud800":1}"#, r#"{"\ud801":2}"#),
            r#"{"\ud800":1,"\ud801":2}"#
        );
        assert_eq!(merged(r#"{"a":1,"b":2,"a":3}"#, "{}"), r#"{"a":3,"b":2}"#);
    }

    #[test]
    fn our_own_keys_are_edited_in_place() {
        let base = json(r#"{"x":1e400,"pausedAt":"then","y":2}"#);
        let mut object = Object::parse(&base);
        object.set("pausedAt", "now");
        assert_eq!(
            object.to_json().as_str(),
            r#"{"x":1e400,"pausedAt":"now","y":2}"#
        );
        assert_eq!(object.text("pausedAt").as_deref(), Some("now"));
        object.remove("pausedAt");
        object.remove("absent");
        object.set("pausedAt", "again");
        assert_eq!(
            object.to_json().as_str(),
            r#"{"x":1e400,"y":2,"pausedAt":"again"}"#
        );
    }

    #[test]
    fn depth_counts_brackets_outside_of_strings() {
        assert_eq!(depth("1"), 0);
        assert_eq!(depth(r#"{"a":["[[[\"[",{}]}"#), 3);
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(depth(json(&deep).as_str()), 100_000);
    }

    #[test]
    fn indented_text_is_what_other_programs_print() {
        let text = r#"{"a":{},"b":[],"c":[1,{"d":"{ , }"}],"e":"\"[\\"}"#;
        let value: serde_json::Value = serde_json::from_str(text).unwrap();
        let theirs = serde_json::to_string_pretty(&value).unwrap();
        assert_eq!(json(text).indented(), theirs);
        assert_eq!(json(&theirs).indented(), theirs);
        assert_eq!(json(&theirs).compact().as_str(), text);
    }

    #[test]
    fn deep_inside_indented_text_goes_on_in_one_line() {
        let deep = format!("{}1, 2{}", "[".repeat(100), "]".repeat(100));
        let indented = json(&deep).indented();
        assert!(indented.len() < 1000, "{}", indented.len());
        assert!(indented.contains(&format!("{}1,2{}", "[".repeat(84), "]".repeat(84))));
        assert_eq!(json(&indented).compact(), json(&deep).compact());
    }

    #[test]
    fn limits_name_what_they_limit() {
        let code = |text: &str, bytes, depth| {
            json(text)
                .check_object("context", bytes, depth)
                .unwrap_err()
                .code()
        };
        assert_eq!(code("[1]", 100, 100), "INVALID_ARGUMENT");
        assert_eq!(code(r#"{"a":"bc"}"#, 9, 100), "TOO_LARGE");
        assert_eq!(code(r#"{"a":{}}"#, 100, 1), "TOO_DEEP");
        assert!(json(r#"{"a":{}}"#).check_object("context", 8, 2).is_ok());
    }

    #[test]
    fn malformed_text_is_refused() {
        for text in [
            "",
            "{",
            "{a:1}",
            "[1,]",
            "nul",
            "\"\n\"",
            "1 2",
            "\u{feff}{}",
        ] {
            assert!(Json::parse(text).is_err(), "{text}");
        }
    }
}
