//! Decodes the strings of a JSON text that is known to be well-formed. serde_json's decoder brings the words
//! of its errors along, which a browser would load.

use std::borrow::Cow;

use crate::value::tokens::{plain, plain_length, string_length};

/// The bytes of a JSON string. A lone surrogate is the three bytes that UTF-8 would give it if it were
/// allowed. Nothing for another value.
pub(crate) fn decoded(json: &str) -> Option<Cow<'_, [u8]>> {
    if let Some(plain) = plain(json) {
        return Some(Cow::Borrowed(plain.as_bytes()));
    }
    let mut bytes = Vec::new();
    decode(json, &mut bytes)?;
    Some(Cow::Owned(bytes))
}

/// Decodes the string that a text begins with, into `out`. Returns its length in the text, with its quotes;
/// nothing if the text begins with another value.
pub(crate) fn decode(text: &str, out: &mut Vec<u8>) -> Option<usize> {
    let mut rest = text.as_bytes().strip_prefix(b"\"")?;
    out.reserve(string_length(text.as_bytes()));
    loop {
        let (plain, end) = rest.split_at_checked(plain_length(rest))?;
        out.extend_from_slice(plain);
        rest = match end {
            [b'"', after @ ..] => return Some(text.len() - after.len()),
            [b'\\', b'u', a, b, c, d, after @ ..] => {
                let digits = [a, b, c, d].map(|digit| char::from(*digit).to_digit(16));
                let unit = digits.into_iter().flatten();
                push_unit(out, unit.fold(0, |unit, digit| (unit << 4) | digit));
                after
            }
            [b'\\', escape, after @ ..] => {
                out.push(match escape {
                    b'b' => 8,
                    b'f' => 12,
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    itself => *itself,
                });
                after
            }
            _ => return None,
        };
    }
}

/// Adds a UTF-16 code unit. The second of a pair of surrogates makes one character with the first.
fn push_unit(out: &mut Vec<u8>, unit: u32) {
    let mut code = unit;
    if let (0xdc00..=0xdfff, [.., 0xed, second @ 0xa0..=0xaf, third]) = (unit, out.as_slice()) {
        let first = (u32::from(second & 0xf) << 6) | u32::from(third & 0x3f);
        code = 0x1_0000 + ((first << 10) | (unit & 0x3ff));
        out.truncate(out.len() - 3);
    }
    match char::from_u32(code) {
        Some(character) => out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        None => {
            let low = |bits: u32| 0x80 | (bits as u8 & 0x3f);
            out.extend([0xed, low(code >> 6), low(code)]);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Deserialize;
    use serde::de::{self, Deserializer};

    use super::*;

    /// The bytes of a string as serde_json decodes them.
    #[derive(Debug, PartialEq)]
    struct Theirs(Vec<u8>);

    impl<'de> Deserialize<'de> for Theirs {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct Visitor;

            impl de::Visitor<'_> for Visitor {
                type Value = Theirs;

                fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str("a string")
                }

                fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Theirs, E> {
                    Ok(Theirs(bytes.to_vec()))
                }
            }

            deserializer.deserialize_bytes(Visitor)
        }
    }

    /// Parts of strings: plain text, escapes, and surrogates with and without others.
    fn string() -> impl Strategy<Value = String> {
        let part = prop_oneof![
            "[ -!#-\\[\\]-~äß€\u{1f600}]{0,20}",
            r#"\\["\\/bfnrt]"#,
            r"\\u[0-9a-fA-F]{4}",
            r"\\u[dD][89abAB][0-9a-f]{2}(\\u[dD][c-fC-F][0-9a-f]{2})?",
            r"\\u[dD][c-fC-F][0-9a-f]{2}",
        ];
        prop::collection::vec(part, 0..8).prop_map(|parts| format!("\"{}\"", parts.concat()))
    }

    proptest! {
        #[test]
        fn a_string_is_decoded_as_serde_json_decodes_it(json in string(), rest in "[,}]? \"?") {
            let Theirs(theirs) = serde_json::from_str(&json).unwrap();
            prop_assert_eq!(decoded(&json).unwrap().into_owned(), theirs.clone());
            let mut bytes = b"before".to_vec();
            let length = decode(&format!("{json}{rest}"), &mut bytes);
            prop_assert_eq!(length, Some(json.len()));
            prop_assert_eq!(bytes, [b"before", theirs.as_slice()].concat());
        }
    }

    #[test]
    fn other_values_and_parts_of_strings_are_not_decoded() {
        for json in ["", "1", "null", "[\"a\"]", "\"", "\"a", "\"a\\", "\"a\\\""] {
            assert_eq!(decode(json, &mut Vec::new()), None, "{json}");
        }
    }
}
