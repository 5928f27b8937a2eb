//! Generated JSON objects, and the effects of the rules on them. An object is generated property by
//! property from tables, so the model knows the meaning of each property without parsing JSON.

use proptest::prelude::*;

/// A key as it is spelled, and its decoded form. Text that UTF-8 cannot encode has a placeholder.
pub(crate) type Key = (&'static str, &'static str);

/// Keys of user data, some in two spellings.
const KEYS: &[Key] = &[
    (r#""a""#, "a"),
    (r#""\u0061""#, "a"),
    (r#""b""#, "b"),
    (r#""""#, ""),
    (r#""\ud800""#, "<d800>"),
    (r#""\uD800""#, "<d800>"),
    (r#""\udfff""#, "<dfff>"),
    (r#""__proto__""#, "__proto__"),
    (r#""é""#, "é"),
    (r#""\u00e9""#, "é"),
    (r#""10""#, "10"),
];

/// Keys that have a meaning in contexts, metadata and event data.
const MEANT: &[Key] = &[
    (r#""pausedAt""#, "pausedAt"),
    (r#""pauseReason""#, "pauseReason"),
    (r#""pause\u0052eason""#, "pauseReason"),
    (r#""tokens""#, "tokens"),
    (r#""cost""#, "cost"),
    (r#""toolsUsed""#, "toolsUsed"),
    (r#""model""#, "model"),
    (r#""reason""#, "reason"),
    (r#""result""#, "result"),
    (r#""error""#, "error"),
    (r#""tool""#, "tool"),
    (r#""addIterations""#, "addIterations"),
    (r#""pausedDuration""#, "pausedDuration"),
];

/// The text of a value, and its interpretations.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Known {
    pub(crate) json: &'static str,
    /// The nesting depth.
    pub(crate) depth: u32,
    /// The value as text.
    pub(crate) text: Option<&'static str>,
    /// The value as a count.
    pub(crate) count: Option<u64>,
    /// The value as an amount of money, in billionths.
    pub(crate) nanos: u64,
    /// The value as a time.
    pub(crate) time: Option<i64>,
    /// The properties of an object.
    pub(crate) properties: Option<&'static [(Key, &'static str)]>,
    /// The items of a list.
    pub(crate) items: Option<&'static [&'static str]>,
}

const fn plain(json: &'static str) -> Known {
    Known {
        json,
        depth: 0,
        text: None,
        count: None,
        nanos: 0,
        time: None,
        properties: None,
        items: None,
    }
}

const fn text(json: &'static str, text: &'static str) -> Known {
    Known {
        text: Some(text),
        ..plain(json)
    }
}

const fn number(json: &'static str, count: Option<u64>, nanos: u64, time: Option<i64>) -> Known {
    Known {
        count,
        nanos,
        time,
        ..plain(json)
    }
}

/// The largest safe integer of JavaScript, which is the limit of a usage.
pub(crate) const MOST: u64 = (1 << 53) - 1;

pub(crate) const VALUES: &[Known] = &[
    plain("null"),
    plain("true"),
    text(r#""x""#, "x"),
    text(r#""cut \ud83d""#, "cut \u{fffd}"),
    text(r#""\u0000""#, "\u{fffd}"),
    text(r#""a\"\\\/é""#, "a\"\\/é"),
    Known {
        time: Some(1_767_895_500_000),
        ..text(r#""2026-01-08T18:05:00.000Z""#, "2026-01-08T18:05:00.000Z")
    },
    number("1", Some(1), 1_000_000_000, Some(1)),
    number("3", Some(3), 3_000_000_000, Some(3)),
    number("-0", None, 0, Some(0)),
    number("-1", None, 0, Some(-1)),
    number("0.1", None, 100_000_000, Some(0)),
    number("2.50", None, 2_500_000_000, Some(2)),
    number("1e400", None, 0, None),
    number(
        "12345678901234567890",
        Some(12_345_678_901_234_567_890),
        MOST,
        None,
    ),
    Known {
        depth: 1,
        properties: Some(&[]),
        ..plain("{}")
    },
    Known {
        depth: 1,
        properties: Some(&[
            ((r#""prompt""#, "prompt"), "3"),
            ((r#""x""#, "x"), "1e400"),
            ((r#""comp\u006cetion""#, "completion"), "1"),
        ]),
        ..plain(r#"{ "prompt":3, "x":1e400, "comp\u006cetion":1 }"#)
    },
    Known {
        depth: 3,
        properties: Some(&[((r#""n""#, "n"), r#"[[0.0]]"#)]),
        ..plain(r#"{"n":[[0.0]]}"#)
    },
    Known {
        depth: 1,
        items: Some(&[]),
        ..plain("[]")
    },
    Known {
        depth: 1,
        items: Some(&[r#""bash""#, "7"]),
        ..plain(r#"["bash",7]"#)
    },
    Known {
        depth: 2,
        items: Some(&[r#"{"name":"ls"}"#]),
        ..plain(r#"[{"name":"ls"}]"#)
    },
];

pub(crate) fn value() -> impl Strategy<Value = Known> {
    prop::sample::select(VALUES)
}

/// The value of a property: one of the table, or one that the rules have set.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Value {
    pub(crate) json: String,
    pub(crate) depth: u32,
    pub(crate) text: Option<String>,
    pub(crate) count: Option<u64>,
    pub(crate) nanos: u64,
    pub(crate) time: Option<i64>,
    /// The decoded key, the key as it is spelled, and the text of the value.
    pub(crate) properties: Option<Vec<(String, String, String)>>,
    pub(crate) items: Option<Vec<String>>,
}

impl From<Known> for Value {
    fn from(known: Known) -> Self {
        let property = |((spelling, key), value): &(Key, &str)| {
            (
                (*key).to_owned(),
                (*spelling).to_owned(),
                (*value).to_owned(),
            )
        };
        let items = |items: &[&str]| items.iter().map(|&item| item.to_owned()).collect();
        Self {
            json: known.json.to_owned(),
            depth: known.depth,
            text: known.text.map(str::to_owned),
            count: known.count,
            nanos: known.nanos,
            time: known.time,
            properties: known
                .properties
                .map(|properties| properties.iter().map(property).collect()),
            items: known.items.map(items),
        }
    }
}

impl Value {
    pub(crate) fn text_of(text: &str) -> Self {
        Self {
            json: quoted(text),
            text: Some(text.to_owned()),
            ..Self::default()
        }
    }

    pub(crate) fn time_of(millis: i64) -> Self {
        Self {
            time: Some(millis),
            ..Self::text_of(&iso(millis))
        }
    }

    pub(crate) fn count_of(count: u64) -> Self {
        Self {
            json: count.to_string(),
            count: Some(count),
            nanos: count.saturating_mul(1_000_000_000).min(MOST),
            time: i64::try_from(count).ok(),
            ..Self::default()
        }
    }

    /// An amount of money as a decimal without trailing zeros.
    pub(crate) fn money_of(nanos: u64) -> Self {
        let (whole, part) = (nanos / 1_000_000_000, nanos % 1_000_000_000);
        let json = match part {
            0 => whole.to_string(),
            _ => format!("{whole}.{part:09}")
                .trim_end_matches('0')
                .to_owned(),
        };
        Self {
            json,
            nanos,
            time: i64::try_from(whole).ok(),
            ..Self::default()
        }
    }

    pub(crate) fn plain(json: &str) -> Self {
        Self {
            json: json.to_owned(),
            ..Self::default()
        }
    }

    pub(crate) fn object(properties: Vec<(String, String, String)>, depth: u32) -> Self {
        let printed: Vec<String> = properties
            .iter()
            .map(|(_, spelling, value)| format!("{spelling}:{value}"))
            .collect();
        Self {
            json: format!("{{{}}}", printed.join(",")),
            depth,
            properties: Some(properties),
            ..Self::default()
        }
    }

    pub(crate) fn list(items: Vec<String>, depth: u32) -> Self {
        Self {
            json: format!("[{}]", items.join(",")),
            depth,
            items: Some(items),
            ..Self::default()
        }
    }
}

/// An object: its text, and its effective properties.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Object {
    text: String,
    depth: u32,
    /// The decoded key, the key as it is spelled, and the value. Keys are unique.
    properties: Vec<(String, String, Value)>,
}

impl Default for Object {
    fn default() -> Self {
        Self {
            text: "{}".to_owned(),
            depth: 1,
            properties: Vec::new(),
        }
    }
}

impl Object {
    /// An object with these properties, in which keys may be duplicated, with or without white
    /// space.
    fn generated(properties: Vec<(Key, Known)>, spaced: bool) -> Self {
        let (comma, colon) = if spaced { (" ,\t", " : ") } else { (",", ":") };
        let spelled: Vec<String> = properties
            .iter()
            .map(|((key, _), value)| format!("{key}{colon}{}", value.json))
            .collect();
        let depth = properties.iter().map(|(_, value)| value.depth).max();
        let mut object = Self::default();
        for ((spelling, key), value) in properties {
            object.put(key, spelling, value.into());
        }
        object.text = format!("{{{}}}", spelled.join(comma));
        object.depth = depth.unwrap_or(0) + 1;
        object
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn depth(&self) -> u32 {
        self.depth
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Value> {
        let property = self.properties.iter().find(|(known, _, _)| known == key);
        property.map(|(_, _, value)| value)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.properties.is_empty()
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        self.properties.iter().map(|(key, _, _)| key.as_str())
    }

    pub(crate) fn as_value(&self) -> Value {
        let properties = self.properties.iter();
        let printed = properties
            .map(|(key, spelling, value)| (key.clone(), spelling.clone(), value.json.clone()));
        Value::object(printed.collect(), self.depth)
    }

    /// Sets a property. An existing key keeps its position and its spelling; a new key is appended.
    fn put(&mut self, key: &str, spelling: &str, value: Value) {
        match self
            .properties
            .iter_mut()
            .find(|(known, _, _)| known == key)
        {
            Some((_, _, known)) => *known = value,
            None => self
                .properties
                .push((key.to_owned(), spelling.to_owned(), value)),
        }
    }

    pub(crate) fn set(mut self, key: &str, value: Value) -> Self {
        self.put(key, &quoted(key), value);
        self.printed()
    }

    pub(crate) fn without(mut self, keys: &[&str]) -> Self {
        self.properties
            .retain(|(key, _, _)| !keys.contains(&key.as_str()));
        self.printed()
    }

    /// The properties that are chosen.
    pub(crate) fn only(mut self, is_chosen: impl Fn(&str, &Value) -> bool) -> Self {
        self.properties
            .retain(|(key, _, value)| is_chosen(key, value));
        self.printed()
    }

    pub(crate) fn merged(mut self, patch: &Self) -> Self {
        for (key, spelling, value) in &patch.properties {
            self.put(key, spelling, value.clone());
        }
        self.printed()
    }

    /// The text of an edited object: its properties without white space.
    fn printed(mut self) -> Self {
        let properties: Vec<String> = self
            .properties
            .iter()
            .map(|(_, spelling, value)| format!("{spelling}:{}", value.json))
            .collect();
        self.text = format!("{{{}}}", properties.join(","));
        let depth = self
            .properties
            .iter()
            .map(|(_, _, value)| value.depth)
            .max();
        self.depth = depth.unwrap_or(0) + 1;
        self
    }

    /// An object `{key: value, ...}` that the rules create.
    pub(crate) fn of<const N: usize>(properties: [(&str, Option<Value>); N]) -> Self {
        properties
            .into_iter()
            .filter_map(|(key, value)| Some((key, value?)))
            .fold(Self::default(), |object, (key, value)| {
                object.set(key, value)
            })
    }
}

/// An object with a few properties, including keys that have a meaning.
pub(crate) fn object() -> impl Strategy<Value = Object> {
    let key = prop_oneof![
        3 => prop::sample::select(KEYS),
        2 => prop::sample::select(MEANT),
    ];
    let properties = prop::collection::vec((key, value()), 0..5);
    (properties, prop::bool::weighted(0.2))
        .prop_map(|(properties, spaced)| Object::generated(properties, spaced))
}

/// A JSON string.
pub(crate) fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

/// A time as JavaScript's `toISOString` prints it, for the years 0 to 9999.
pub(crate) fn iso(millis: i64) -> String {
    let (days, rest) = (millis.div_euclid(86_400_000), millis.rem_euclid(86_400_000));
    // Days since March 1 of the year 0, in cycles of 400 years.
    let days = days + 719_468;
    let (cycle, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = cycle * 400 + year + i64::from(month <= 2);
    let (seconds, millis) = (rest / 1000, rest % 1000);
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hours:02}:{minutes:02}:{seconds:02}.{millis:03}Z")
}
