//! Properties of JSON texts: a text is stored unchanged, and objects are merged, edited and
//! measured like a simple model of keys and values. The generated texts include those that change
//! when they are parsed into values and printed again.

use proptest::prelude::*;
use tenure_core::value::json::Object;
use tenure_core::{Head, Json, SessionHead};

/// A property of an object: its key in UTF-16, the spelling of the key, and the text of the value.
type Property = (Vec<u16>, String, String);

/// A JSON text and its nesting depth.
#[derive(Debug, Clone)]
struct Value {
    text: String,
    depth: u32,
}

/// The UTF-16 units of generated keys: letters, characters that must be escaped, and lone
/// surrogates.
fn key_units() -> impl Strategy<Value = Vec<u16>> {
    let unit = prop::sample::select(vec![
        u16::from(b'a'),
        u16::from(b'b'),
        u16::from(b'_'),
        u16::from(b'"'),
        u16::from(b'\\'),
        u16::from(b'/'),
        0,
        0x0A,
        0xE9,
        0x2028,
        0xFFFD,
        0xD83D,
        0xDE00,
        0xDC00,
    ]);
    prop_oneof![
        // Few short keys, so that equal keys occur.
        6 => prop::collection::vec(unit, 0..3),
        1 => prop::sample::select(vec!["__proto__", "constructor", "toString", "10", "9", ""])
            .prop_map(|name| name.encode_utf16().collect()),
    ]
}

/// A spelling of a string: each character as itself where JSON allows that, or escaped.
fn spelled(units: &[u16], escapes: &[u8]) -> String {
    let mut text = String::from("\"");
    let mut escapes = escapes.iter().copied().cycle();
    for decoded in char::decode_utf16(units.iter().copied()) {
        let escape = escapes.next().unwrap_or_default();
        match decoded {
            Ok(c) if escape % 3 == 0 && c >= ' ' && c != '"' && c != '\\' => text.push(c),
            Ok('"') if escape % 3 == 1 => text.push_str("\\\""),
            Ok('\\') if escape % 3 == 1 => text.push_str("\\\\"),
            Ok('/') if escape % 3 == 1 => text.push_str("\\/"),
            Ok('\n') if escape % 3 == 1 => text.push_str("\\n"),
            Ok(c) => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    push_escape(&mut text, *unit, escape);
                }
            }
            Err(lone) => push_escape(&mut text, lone.unpaired_surrogate(), escape),
        }
    }
    text.push('"');
    text
}

fn push_escape(text: &mut String, unit: u16, escape: u8) {
    text.push_str(&match escape & 1 {
        0 => format!("\\u{unit:04x}"),
        _ => format!("\\u{unit:04X}"),
    });
}

fn string() -> impl Strategy<Value = String> {
    (key_units(), prop::collection::vec(any::<u8>(), 1..4))
        .prop_map(|(units, escapes)| spelled(&units, &escapes))
}

fn scalar() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => prop::sample::select(vec![
            "null", "true", "false", "0", "-0", "-0.0", "1.0", "1.00", "1e400", "-1E+400",
            "1e-400", "12345678901234567890", "9007199254740993", "0.1000000000000000055",
        ])
        .prop_map(str::to_owned),
        1 => string(),
    ]
}

fn white_space() -> impl Strategy<Value = &'static str> + Clone {
    prop::sample::select(vec!["", "", "", " ", "\n", "\t", "\r\n  "])
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = scalar().prop_map(|text| Value { text, depth: 0 });
    leaf.prop_recursive(6, 24, 4, |inner| {
        let spaced = (inner, white_space());
        prop_oneof![
            prop::collection::vec(spaced.clone(), 0..4).prop_map(|items| Value {
                depth: 1 + items.iter().map(|(item, _)| item.depth).max().unwrap_or(0),
                text: {
                    let items: Vec<String> = items
                        .iter()
                        .map(|(item, space)| format!("{space}{}{space}", item.text))
                        .collect();
                    format!("[{}]", items.join(","))
                },
            }),
            prop::collection::vec((string(), spaced), 0..4).prop_map(|properties| Value {
                depth: 1 + properties
                    .iter()
                    .map(|(_, (value, _))| value.depth)
                    .max()
                    .unwrap_or(0),
                text: {
                    let properties: Vec<String> = properties
                        .iter()
                        .map(|(key, (value, space))| {
                            format!("{space}{key}{space}:{space}{}{space}", value.text)
                        })
                        .collect();
                    format!("{{{}}}", properties.join(","))
                },
            }),
        ]
    })
}

fn properties() -> impl Strategy<Value = Vec<Property>> {
    let property = (
        key_units(),
        prop::collection::vec(any::<u8>(), 1..4),
        value(),
    )
        .prop_map(|(units, escapes, value)| {
            let spelling = spelled(&units, &escapes);
            (units, spelling, value.text)
        });
    prop::collection::vec(property, 0..8)
}

fn text_of(properties: &[Property], space: &str) -> String {
    let properties: Vec<String> = properties
        .iter()
        .map(|(_, key, value)| format!("{space}{key}{space}:{space}{value}{space}"))
        .collect();
    format!("{{{}}}", properties.join(","))
}

fn json(text: &str) -> Json {
    Json::parse(text).unwrap()
}

/// The model of a merge: a later value replaces an earlier value of the same key.
fn merged(base: &[Property], patch: &[Property]) -> Vec<Property> {
    let mut merged: Vec<Property> = Vec::new();
    for (units, spelling, value) in base.iter().chain(patch) {
        match merged.iter_mut().find(|(known, ..)| known == units) {
            Some((_, _, known)) => known.clone_from(value),
            None => merged.push((units.clone(), spelling.clone(), value.clone())),
        }
    }
    merged
}

fn merge(base: &Json, patch: &Json) -> Json {
    let mut object = Object::parse(base);
    object.merge(Object::parse(patch));
    object.to_json()
}

proptest! {
    #[test]
    fn only_white_space_between_tokens_is_removed(value in value()) {
        let json = Json::parse(&value.text).unwrap();
        let compact = json.clone().compact();
        let indented = Json::parse(&json.indented()).unwrap();
        prop_assert_eq!(indented.clone().compact(), compact.clone());
        prop_assert_eq!(Json::parse(&compact.indented()).unwrap(), indented);
        prop_assert_eq!(compact.clone().compact(), compact.clone());
        // Without white space both texts are equal.
        let bare = |json: &Json| json.as_str().replace([' ', '\n', '\r', '\t'], "");
        prop_assert_eq!(bare(&json), bare(&compact));
    }

    #[test]
    fn a_text_is_stored_unchanged(properties in properties(), space in white_space()) {
        let text = text_of(&properties, space);
        let data = json(&text);
        prop_assert_eq!(data.as_str(), &text);
        // In the stored form, where it is a string,
        let mut head: Head = serde_json::from_str(HEAD).unwrap();
        head.context = data.clone();
        head.metadata = Some(data);
        let stored = serde_json::to_string(&head).unwrap();
        let loaded: Head = serde_json::from_str(&stored).unwrap();
        prop_assert_eq!(loaded.context.as_str(), &text);
        prop_assert_eq!(&loaded, &head);
        // and in the form for callers, where it is JSON.
        let shown = serde_json::to_string(&SessionHead::from(loaded)).unwrap();
        let expected = format!("\"context\":{text},");
        prop_assert!(shown.contains(&expected), "{shown}");
        let expected = format!("\"metadata\":{text},");
        prop_assert!(shown.contains(&expected), "{shown}");
    }

    #[test]
    fn parsing_an_object_drops_duplicate_keys_and_white_space(
        properties in properties(),
        space in white_space(),
    ) {
        let data = json(&text_of(&properties, space));
        let expected = text_of(&merged(&properties, &[]), "");
        let printed = Object::parse(&data).to_json();
        prop_assert_eq!(printed.as_str(), &expected);
    }

    #[test]
    fn a_merge_agrees_with_the_model(
        base in properties(),
        patch in properties(),
        space in white_space(),
    ) {
        let result = merge(&json(&text_of(&base, "")), &json(&text_of(&patch, space)));
        let expected = text_of(&merged(&base, &patch), "");
        prop_assert_eq!(result.as_str(), &expected);
    }

    #[test]
    fn merging_is_associative(
        a in properties(),
        b in properties(),
        c in properties(),
    ) {
        let [a, b, c] = [a, b, c].map(|properties| json(&text_of(&properties, "")));
        let left = merge(&merge(&a, &b), &c);
        let right = merge(&a, &merge(&b, &c));
        prop_assert_eq!(left.as_str(), right.as_str());
        // Applying a patch twice has the same result as applying it once.
        let again = merge(&left, &c);
        prop_assert_eq!(left.as_str(), again.as_str());
    }

    #[test]
    fn properties_are_read_set_and_removed_by_their_decoded_keys(
        properties in properties(),
        key in "[ab_/\"\\\\é\u{2028}]{0,2}",
        text in any::<String>(),
    ) {
        let units: Vec<u16> = key.encode_utf16().collect();
        let data = json(&text_of(&properties, ""));
        let mut object = Object::parse(&data);
        let mut model = merged(&properties, &[]);
        let found = model.iter().find(|(known, ..)| *known == units);
        prop_assert_eq!(object.get(&key), found.map(|(_, _, value)| value.as_str()));

        object.set(&key, &text);
        let value = serde_json::to_string(&text).unwrap();
        model = merged(&model, &[(units.clone(), serde_json::to_string(&key).unwrap(), value)]);
        prop_assert_eq!(object.to_json(), json(&text_of(&model, "")));
        let expected = text.replace('\0', "\u{fffd}");
        prop_assert_eq!(object.text(&key), Some(expected));

        object.remove(&key);
        model.retain(|(known, ..)| *known != units);
        prop_assert_eq!(object.to_json(), json(&text_of(&model, "")));
        prop_assert_eq!(object.get(&key), None);
    }

    #[test]
    fn depth_and_size_are_computed_exactly(value in value(), wrapped in 0usize..140) {
        let text = format!("{}{}{}", "{\"a\":".repeat(wrapped + 1), value.text, "}".repeat(wrapped + 1));
        let data = json(&text);
        let depth = value.depth + wrapped as u32 + 1;
        let size = text.len() as u64;
        prop_assert!(data.check_object("context", size, depth).is_ok());
        let code = |size, depth| data.check_object("context", size, depth).unwrap_err().code();
        prop_assert_eq!(code(size, depth - 1), "TOO_DEEP");
        prop_assert_eq!(code(size - 1, depth), "TOO_LARGE");
    }

    #[test]
    fn a_damaged_text_is_refused_or_stored_unchanged(
        properties in properties(),
        place in any::<prop::sample::Index>(),
        replacement in prop::sample::select(vec!["", "\"", "\\", "{", "}", "[", ",", ":", "0", "\u{0}"]),
    ) {
        let text = text_of(&properties, "");
        let chars: Vec<char> = text.chars().collect();
        let place = place.index(chars.len());
        let damaged: String = chars[..place]
            .iter()
            .collect::<String>()
            + replacement
            + &chars[place + 1..].iter().collect::<String>();
        if let Ok(data) = Json::parse(&damaged) {
            prop_assert_eq!(data.as_str(), damaged.trim());
            // An accepted text can be parsed into properties and printed.
            let once = Object::parse(&data).to_json();
            let twice = Object::parse(&once).to_json();
            prop_assert_eq!(once.as_str(), twice.as_str());
        }
    }
}

/// The required properties of a stored head.
const HEAD: &str = r#"{
    "id": "s", "version": 1, "mode": "", "task": "", "status": "active", "createdAt": 0,
    "updatedAt": 0, "iterations": 0, "maxIterations": 1, "context": "{}", "eventCount": 0
}"#;
