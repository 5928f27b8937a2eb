//! Invalid parameters: every operation either succeeds or returns an error with a code. Nothing
//! panics, and an error does not repeat large input.

use crate::support::{NOON, Parsed, call, code, examples, perform_sync, populated, read};
use serde_json::{Value, json};
use std::sync::Arc;
use tenure_bridge::{Call, TABLE};
use tenure_core::{MemoryStore, NoHost};

/// JSON texts of every type, including values that are hard to parse.
fn values() -> Vec<String> {
    let mut values: Vec<String> = [
        "null",
        "true",
        "false",
        "0",
        "-0",
        "-1",
        "1.5",
        "1e400",
        "-1e400",
        "1e308",
        "9007199254740993",
        "18446744073709551615",
        "18446744073709551616",
        "123456789012345678901234567890",
        r#""""#,
        r#""s""#,
        r#""../s""#,
        r#""\ud800""#,
        r#""\u0000""#,
        r#""__proto__""#,
        r#""2026-01-08T18:05:30Z""#,
        r#""9999-12-31T23:59:59.999-01:00""#,
        r#""30d""#,
        r#""99999999999999999999d""#,
        "[]",
        "[null]",
        "[[]]",
        r#"["active",7]"#,
        r#"[{"type":7}]"#,
        r#"[{"type":"note","data":[]}]"#,
        "{}",
        r#"{"a":1}"#,
        r#"{"__proto__":{"a":1}}"#,
        r#"{"\ud800":"\udc00","a":1e400,"a":2}"#,
        r#"{"prompt":-1}"#,
        r#"{"prompt":1e3}"#,
    ]
    .iter()
    .map(|&value| value.to_owned())
    .collect();
    values.push(format!("{}{}", "[".repeat(1000), "]".repeat(1000)));
    values.push(format!("{}1{}", r#"{"a":"#.repeat(1000), "}".repeat(1000)));
    values
}

/// The parameters with the text of one property replaced.
fn with(params: &Value, key: &str, text: &str) -> String {
    let properties: Vec<String> = params
        .as_object()
        .unwrap()
        .iter()
        .map(|(property, value)| {
            let value = if property == key {
                text.to_owned()
            } else {
                value.to_string()
            };
            format!("{}:{value}", json!(property))
        })
        .collect();
    format!("{{{}}}", properties.join(","))
}

/// Calls an operation over a store with a few sessions, and checks that the answer is well-formed.
fn perform(name: &str, params: &str) -> String {
    let host = populated();
    let answer = perform_sync(&host.memory, call(name, params));
    match read(&answer) {
        Parsed::Error(code) => assert_ne!(code, "INTERNAL", "{name}: {answer}"),
        Parsed::Ok(_) => {}
        Parsed::Need(_) => panic!("{name}: {answer}"),
    }
    answer
}

#[test]
fn every_property_of_every_operation_handles_every_type_of_json() {
    let values = values();
    let mut count = 0;
    for (name, params) in examples() {
        for key in params.as_object().unwrap().keys() {
            for value in &values {
                let answer = perform(name, &with(&params, key, value));
                if let Some(code) = code(&answer) {
                    assert!(answer.len() < 4096, "{name} {key}: {} bytes", answer.len());
                    let store = code.starts_with("STORE") || code == "CORRUPT_SESSION";
                    assert!(!store, "{name} {key} {value}: {answer}");
                }
                count += 1;
            }
        }
    }
    assert!(count > 3000, "{count}");
}

/// The properties whose objects are the user's own data, headers, and those of which a version reads the metrics that it
/// knows.
const USER_DATA: [&str; 11] = [
    "context",
    "metadata",
    "data",
    "args",
    "result",
    "resultData",
    "params",
    "own",
    "recorded",
    "headers",
    "report",
];

/// The value, once for each object of ours in it, with an unknown property in that object.
fn with_unknown(value: &Value) -> Vec<Value> {
    let mut made = Vec::new();
    if let Some(properties) = value.as_object() {
        let mut unknown = value.clone();
        unknown["unknownOption"] = json!(1);
        made.push(unknown);
        for (key, inner) in properties {
            if !USER_DATA.contains(&key.as_str()) {
                made.extend(with_unknown(inner).into_iter().map(|inner| {
                    let mut outer = value.clone();
                    outer[key] = inner;
                    outer
                }));
            }
        }
    }
    for (place, inner) in value.as_array().into_iter().flatten().enumerate() {
        made.extend(with_unknown(inner).into_iter().map(|inner| {
            let mut outer = value.clone();
            outer[place] = inner;
            outer
        }));
    }
    made
}

#[test]
fn an_unknown_property_is_refused_wherever_it_is() {
    let mut count = 0;
    for (name, params) in examples() {
        for params in with_unknown(&params) {
            let answer = perform(name, &params.to_string());
            let shown = format!("{name} {params}: {answer}");
            let is_refused = match name {
                // A bulk operation answers for each of its starts.
                "startInSlots" => answer.contains("unknownOption"),
                _ => code(&answer).as_deref() == Some("INVALID_ARGUMENT"),
            };
            assert!(is_refused, "{shown}");
            assert!(answer.contains("unknownOption"), "{shown}");
            count += 1;
        }
    }
    assert!(count > TABLE.iter().count(), "{count}");
}

#[test]
fn parameters_that_are_no_object_are_refused() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let unclosed = "{\"id\":".repeat(100_000);
    for operation in TABLE.iter() {
        for params in [
            "",
            " ",
            "null",
            "7",
            "true",
            "\"text\"",
            "[]",
            "[\"s\"]",
            "{",
            "{\"id\"}",
            "{\"id\":\"s\",}",
            "{'id':'s'}",
            "{id:\"s\"}",
            "{\"id\":\"s\"} {}",
            "\u{feff}{\"id\":\"s\"}",
            "{\"id\":\"s\u{0}\"}",
            "undefined",
            &deep,
            &unclosed,
        ] {
            let answer = perform(operation.name(), params);
            let shown: String = params.chars().take(40).collect();
            assert_eq!(
                code(&answer).as_deref(),
                Some("INVALID_ARGUMENT"),
                "{} {shown}",
                operation.name()
            );
            assert!(answer.len() < 4096);
        }
    }
}

#[test]
fn nesting_of_a_hundred_thousand_levels_is_refused() {
    let lists = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let objects = format!("{}1{}", r#"{"a":"#.repeat(100_000), "}".repeat(100_000));
    let deep = |name: &str| {
        let (_, params) = examples()
            .into_iter()
            .find(|(known, _)| *known == name)
            .unwrap();
        let keys: Vec<String> = params.as_object().unwrap().keys().cloned().collect();
        (params, keys)
    };
    for name in [
        "start",
        "addEvents",
        "recordToolCall",
        "complete",
        "recordUsage",
    ] {
        let (params, keys) = deep(name);
        for key in keys {
            for value in [&lists, &objects] {
                let answer = perform(name, &with(&params, &key, value));
                let code = code(&answer).unwrap_or_else(|| panic!("{name} {key}: {answer}"));
                let expected = match key.as_str() {
                    "args" | "resultData" => "TOO_DEEP",
                    "result" if name == "recordToolCall" => "TOO_DEEP",
                    "context" | "metadata" | "data" if value.starts_with('{') => "TOO_DEEP",
                    _ => "INVALID_ARGUMENT",
                };
                assert_eq!(code, expected, "{name} {key}");
                assert!(answer.len() < 4096, "{name} {key}: {} bytes", answer.len());
            }
        }
    }
}

#[test]
fn texts_of_megabytes_are_refused() {
    for (megabytes, name, key) in [
        (10, "start", "task"),
        (10, "addEvent", "data"),
        (2, "start", "id"),
        (2, "start", "mode"),
        (2, "start", "context"),
        (2, "start", "metadata"),
        (2, "start", "pauseReason"),
        (2, "start", "idempotencyKey"),
        (2, "get", "history"),
        (2, "update", "userId"),
        (2, "complete", "result"),
        (2, "fail", "error"),
        (2, "addEvent", "type"),
        (2, "addEvents", "events"),
        (2, "recordToolCall", "tool"),
        (2, "recordToolCall", "args"),
        (2, "recordLearning", "insight"),
        (2, "recordUsage", "cost"),
        (2, "recordUsage", "tokens"),
        (2, "updateContext", "context"),
        (2, "list", "status"),
        (2, "list", "cursor"),
        (2, "list", "createdAfter"),
        (2, "cleanup", "maxAge"),
        (2, "import", "text"),
        (2, "fork", "newId"),
        (2, "copyPage", "after"),
        (2, "copyCompare", "page"),
        (2, "copyRead", "wanted"),
        (2, "copyWrite", "chunk"),
        (2, "exportPart", "after"),
        (2, "importFile", "modifiedAt"),
    ] {
        let (_, params) = examples()
            .into_iter()
            .find(|(known, _)| *known == name)
            .unwrap();
        let text = "x".repeat(megabytes << 20);
        let value = match key {
            "context" | "metadata" | "data" => json!({"a": text}),
            _ => json!(text),
        };
        let answer = perform(name, &with(&params, key, &value.to_string()));
        let code = code(&answer).unwrap_or_else(|| panic!("{name} {key}"));
        let refusals = [
            "TOO_LARGE",
            "INVALID_ID",
            "INVALID_ARGUMENT",
            "INVALID_CURSOR",
        ];
        assert!(refusals.contains(&code.as_str()), "{name} {key}: {code}");
        assert!(answer.len() < 4096, "{name} {key}: {} bytes", answer.len());
    }
}

#[test]
fn an_unknown_operation_is_refused() {
    let huge = "x".repeat(10 << 20);
    for name in [
        "",
        "Start",
        "start ",
        "__proto__",
        "constructor",
        "add_event",
        "\0",
        &huge,
    ] {
        assert!(TABLE.find(name).is_err());
        let answer = perform(name, "{}");
        assert_eq!(code(&answer).as_deref(), Some("UNKNOWN_OPERATION"));
        assert!(answer.len() < 4096, "{} bytes", answer.len());
    }
    for operation in TABLE.iter() {
        let found = TABLE.find(operation.name()).map(|found| found.access);
        assert_eq!(found, Ok(operation.access));
    }
}

#[test]
fn an_invalid_time_is_refused() {
    let store = MemoryStore::default();
    let at = |now: f64, name: &str, params: &str| {
        let call = Call {
            name,
            params,
            now,
            entropy: [1; 16].into(),
            host: Arc::new(NoHost),
            answers: None,
            trace: None,
        };
        perform_sync(&store, call)
    };
    let start = r#"{"id":"s","task":"t","mode":"m"}"#;
    for now in [
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        -1e300,
        1e300,
        f64::MAX,
        253_402_300_800_000.0,
        -62_167_219_200_001.0,
    ] {
        for (name, params) in [
            ("start", start),
            ("get", r#"{"id":"s"}"#),
            ("cleanup", r#"{"maxAge":0}"#),
        ] {
            let answer = at(now, name, params);
            assert_eq!(
                code(&answer).as_deref(),
                Some("INVALID_ARGUMENT"),
                "{name} at {now}: {answer}"
            );
        }
    }
    for (now, shown) in [
        (0.0, "1970-01-01T00:00:00.000Z"),
        (-0.0, "1970-01-01T00:00:00.000Z"),
        (0.9, "1970-01-01T00:00:00.000Z"),
        (f64::MIN_POSITIVE, "1970-01-01T00:00:00.000Z"),
        (-62_167_219_200_000.0, "0000-01-01T00:00:00.000Z"),
        (253_402_300_799_999.0, "9999-12-31T23:59:59.999Z"),
        (NOON, "2026-01-08T18:05:30.000Z"),
    ] {
        let answer = at(now, "start", start);
        assert!(
            answer.contains(&format!(r#""createdAt":"{shown}""#)),
            "{now}: {answer}"
        );
        at(now, "delete", r#"{"id":"s"}"#);
    }
}

#[test]
fn a_repeat_may_have_another_spelling_of_its_parameters() {
    let store = MemoryStore::default();
    let perform = |name, params| perform_sync(&store, call(name, params));
    let first = perform(
        "start",
        r#"{"id":"s","task":"t","mode":"m","idempotencyKey":"k"}"#,
    );
    for same in [
        r#"{"idempotencyKey":"k","mode":"m","task":"t","id":"s"}"#,
        r#"{ "id":"s", "task":"t", "mode":"m", "idempotencyKey":"k" }"#,
        r#"{"id":"s","task":"t","mode":"m","idempotency\u004bey":"k"}"#,
    ] {
        let again = perform("start", same);
        assert!(again.starts_with(r#"{"ok":{"id":"s""#), "{same}: {again}");
        assert!(!again.contains("notices"), "{again}");
        assert!(first.contains("notices"));
    }
    for other in [
        r#"{"id":"s","task":"u","mode":"m","idempotencyKey":"k"}"#,
        r#"{"id":"s","task":"u","mode":"m","idempotency\u004bey":"k"}"#,
        r#"{"id":"s","task":"t","mode":"m","userId":"u","idempotencyKey":"k"}"#,
        r#"{"id":"s","task":"t","mode":"m","context":{},"idempotencyKey":"k"}"#,
    ] {
        let answer = perform("start", other);
        assert_eq!(
            code(&answer).as_deref(),
            Some("IDEMPOTENCY_MISMATCH"),
            "{other}"
        );
    }
}
