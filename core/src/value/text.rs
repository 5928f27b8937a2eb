//! Plain text that callers give us: tasks, results, errors, reasons, names. JavaScript strings may
//! hold what UTF-8 cannot (half of a surrogate pair, left over when a bot cuts a message) and NUL,
//! which not every store keeps. Both become U+FFFD here, at the door, instead of failing the call.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::value::string::decoded;

/// Text without lone surrogates and without NUL.
///
/// ```
/// use tenure_core::Text;
/// let cut: Text = serde_json::from_str(r#""fire \ud83d""#).unwrap();
/// assert_eq!(cut.as_str(), "fire \u{fffd}");
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text(String);

/// The text of an input without its byte order mark, which some editors and shells write.
pub fn without_bom(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

impl Text {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text, given away.
    pub fn into_string(self) -> String {
        self.0
    }

    /// The text that a well-formed JSON value is; nothing for a value of another type.
    pub(crate) fn of_json(json: &str) -> Option<Self> {
        decoded(json).map(|bytes| Self::from_json_bytes(&bytes))
    }

    /// Decodes the bytes of a JSON string, in which a lone surrogate is the three bytes that UTF-8 would
    /// give it if it were allowed.
    fn from_json_bytes(bytes: &[u8]) -> Self {
        let mut out = String::with_capacity(bytes.len());
        let mut rest = bytes;
        loop {
            match std::str::from_utf8(rest) {
                Ok(valid) => {
                    out.push_str(valid);
                    break;
                }
                Err(error) => {
                    let (valid, broken) = rest.split_at(error.valid_up_to());
                    out.push_str(&String::from_utf8_lossy(valid));
                    out.push(char::REPLACEMENT_CHARACTER);
                    let surrogate = matches!(broken, [0xED, 0xA0..=0xBF, 0x80..=0xBF, ..]);
                    rest = broken.get(if surrogate { 3 } else { 1 }..).unwrap_or(&[]);
                }
            }
        }
        Self::from(out)
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        if text.contains('\0') {
            Self(text.replace('\0', "\u{fffd}"))
        } else {
            Self(text)
        }
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self::from(text.to_owned())
    }
}

impl AsRef<str> for Text {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_bytes(TextVisitor)
    }
}

struct TextVisitor;

impl de::Visitor<'_> for TextVisitor {
    type Value = Text;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Text, E> {
        Ok(Text::from(text))
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Text, E> {
        Ok(Text::from_json_bytes(bytes))
    }
}

#[cfg(feature = "ts")]
crate::value::ts::declare_as!(Text, "string");

#[cfg(test)]
mod tests {
    use super::*;

    fn text(json: &str) -> String {
        serde_json::from_str::<Text>(json).unwrap().into_string()
    }

    #[test]
    fn what_utf8_cannot_hold_becomes_one_replacement_character() {
        assert_eq!(text(r#""a\ud800b""#), "a\u{fffd}b");
        assert_eq!(text(r#""\udc00\ud800""#), "\u{fffd}\u{fffd}");
        assert_eq!(text(r#""\ud83d\ude00""#), "\u{1f600}");
        assert_eq!(text(r#""a\u0000b""#), "a\u{fffd}b");
        assert_eq!(text(r#""plain""#), "plain");
    }

    #[test]
    fn other_types_are_refused() {
        for json in ["1", "null", "true", "[]", "[65]", "{}"] {
            assert!(serde_json::from_str::<Text>(json).is_err(), "{json}");
        }
    }
}
