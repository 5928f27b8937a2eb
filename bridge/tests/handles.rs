//! Handles: open stores, as a binding keeps them.

use crate::support::{Parsed, call, code, need, read};
use serde_json::Value;
use tenure_bridge::{Call, Handles};

fn open(handles: &Handles, url: &str, options: &str) -> Result<u32, String> {
    let answer = handles.open(url, options, |_, _| None);
    match read(&answer) {
        Parsed::Ok(opened) => {
            let opened: Value = serde_json::from_str(&opened).unwrap();
            Ok(u32::try_from(opened["handle"].as_u64().unwrap()).unwrap())
        }
        Parsed::Error(code) => Err(code),
        Parsed::Need(_) => panic!("{answer}"),
    }
}

#[test]
fn a_handle_is_usable_until_it_is_closed() {
    let handles = Handles::default();
    let handle = open(&handles, "memory:", "{}").unwrap();
    let start = r#"{"id":"s","task":"t","mode":"m"}"#;
    let answer = handles.with(handle, |backend| backend.call(call("start", start)));
    assert!(matches!(read(&answer), Parsed::Ok(_)));
    assert!(matches!(read(&handles.close(handle)), Parsed::Ok(_)));
    let answer = handles.with(handle, |backend| backend.call(call("start", start)));
    assert_eq!(code(&answer).unwrap(), "CLOSED");
    assert!(
        matches!(read(&handles.close(handle)), Parsed::Ok(_)),
        "closing twice is no error"
    );
    for unknown in [0, handle + 1, u32::MAX] {
        let answer = handles.with(unknown, |backend| backend.call(call("start", start)));
        assert_eq!(code(&answer).unwrap(), "CLOSED");
    }
}

#[test]
fn handles_are_never_reused_and_share_nothing() {
    let handles = Handles::default();
    let first = open(&handles, "memory:", "{}").unwrap();
    handles.close(first);
    let second = open(&handles, "memory:", "{}").unwrap();
    let third = open(&handles, "memory:", "{}").unwrap();
    assert!(first != second && second != third);
    let start = r#"{"id":"s","task":"t","mode":"m"}"#;
    handles.with(second, |backend| backend.call(call("start", start)));
    let answer = handles.with(third, |backend| backend.call(call("get", r#"{"id":"s"}"#)));
    assert_eq!(answer, r#"{"ok":null}"#);
}

#[test]
fn a_handle_can_be_closed_during_a_call() {
    let handles = Handles::default();
    let handle = open(&handles, "memory:", "{}").unwrap();
    let answer = handles.with(handle, |backend| {
        handles.close(handle);
        let other = open(&handles, "memory:", "{}").unwrap();
        assert_ne!(other, handle);
        backend.call(call("stats", "{}"))
    });
    assert!(matches!(read(&answer), Parsed::Ok(_)));
    let answer = handles.with(handle, |backend| backend.call(call("stats", "{}")));
    assert_eq!(code(&answer).unwrap(), "CLOSED");
}

#[test]
fn operations_over_a_store_of_the_host_are_resumed_with_its_replies() {
    let handles = Handles::default();
    let handle = open(&handles, "host:", r#"{"timeoutMs":5}"#).unwrap();
    let synchronous = handles.with(handle, |backend| backend.call(call("get", r#"{"id":"s"}"#)));
    assert_eq!(code(&synchronous).unwrap(), "STORE_IS_ASYNC");
    let started = handles.with(handle, |backend| {
        backend.start(call("get", r#"{"id":"s"}"#))
    });
    let request = need(&started);
    assert_eq!(request.method, "load");
    let reply = r#"{"ok":null}"#.to_owned();
    let answer = handles.with(handle, |backend| backend.resume(request.operation, reply));
    assert_eq!(answer, r#"{"ok":null}"#);
    let started = handles.with(handle, |backend| {
        backend.start(call("get", r#"{"id":"s"}"#))
    });
    let request = need(&started);
    let answer = handles.with(handle, |backend| backend.cancel(request.operation));
    assert_eq!(code(&answer).unwrap(), "STORE_TIMEOUT");
    assert!(answer.contains(r#""timeoutMs":5"#), "{answer}");
    // Another call, during which the handle is closed.
    let started = handles.with(handle, |backend| {
        backend.start(call("get", r#"{"id":"s"}"#))
    });
    let request = need(&started);
    handles.close(handle);
    let reply = r#"{"ok":null}"#.to_owned();
    let late = handles.with(handle, |backend| backend.resume(request.operation, reply));
    assert_eq!(code(&late).unwrap(), "CLOSED");
}

#[test]
fn a_synchronous_store_has_no_pending_operations() {
    let handles = Handles::default();
    let handle = open(&handles, "memory:", "{}").unwrap();
    let answer = handles.with(handle, |backend| backend.resume(1, "{}".to_owned()));
    assert!(code(&answer).is_some());
    let answer = handles.with(handle, |backend| backend.cancel(1));
    assert!(code(&answer).is_some());
    let answer = handles.with(handle, |backend| backend.start(call("stats", "{}")));
    assert!(matches!(read(&answer), Parsed::Ok(_)));
}

#[test]
fn a_store_that_cannot_be_opened_is_refused() {
    let handles = Handles::default();
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let huge = "x".repeat(1 << 20);
    for url in [
        "",
        "memory",
        "Memory:",
        "sqlite:./x.db",
        "postgres://x",
        "file:",
        "host",
        &huge,
    ] {
        let refused = handles.open(url, "{}", |_, _| None);
        assert_eq!(code(&refused).unwrap(), "UNSUPPORTED_STORE", "{refused}");
        assert!(refused.len() < 8192, "{} bytes", refused.len());
    }
    for options in [
        "",
        "null",
        "[]",
        "7",
        &deep,
        r#"{"limit":{}}"#,
        r#"{"limits":7}"#,
        r#"{"limits":{"maxDataBytes":-1}}"#,
        r#"{"limits":{"maxDepth":1e9}}"#,
        r#"{"limits":{"unknown":1}}"#,
        r#"{"durability":"most"}"#,
        r#"{"timeoutMs":"5s"}"#,
        r#"{"capabilities":{"shared":1}}"#,
        r#"{"retention":{"maxAge":"soon"}}"#,
    ] {
        for url in ["memory:", "host:"] {
            let shown: String = options.chars().take(60).collect();
            assert_eq!(
                open(&handles, url, options).unwrap_err(),
                "INVALID_ARGUMENT",
                "{shown}"
            );
        }
    }
    let limited = open(&handles, "memory:", r#"{"limits":{"maxTaskBytes":1}}"#).unwrap();
    let start = r#"{"task":"tt","mode":"m"}"#;
    let answer = handles.with(limited, |backend| backend.call(call("start", start)));
    assert_eq!(code(&answer).unwrap(), "TOO_LARGE");
}

#[test]
fn a_handle_uses_the_last_configured_models() {
    let handles = Handles::default();
    for options in ["{}", r#"{"models":["a"]}"#] {
        let handle = open(&handles, "memory:", options).unwrap();
        let started = |model: &str| {
            let params = format!(
                r#"{{"id":"in-{model}","taskId":"{model}","phase":"run","model":"{model}","task":"t","mode":"m"}}"#
            );
            let answer = handles.with(handle, |backend| backend.call(call("startInSlot", &params)));
            code(&answer)
        };
        for (models, there, missing) in [
            (r#"{"models":["a","b"]}"#, "b", Some("c")),
            (r#"{"models":["c"]}"#, "c", Some("a")),
            (r#"{"models":[]}"#, "", Some("a")),
            (r#"{"models":null}"#, "d", None),
        ] {
            assert_eq!(handles.set_models(handle, models), r#"{"ok":null}"#);
            if !there.is_empty() {
                assert_eq!(started(there), None, "{models}");
            }
            if let Some(missing) = missing {
                assert_eq!(started(missing).unwrap(), "MODEL_MISSING", "{models}");
            }
        }
        for invalid in [
            "",
            "[]",
            r#"{"models":7}"#,
            r#"{"models":[7]}"#,
            r#"{"names":[]}"#,
        ] {
            let answer = handles.set_models(handle, invalid);
            assert_eq!(code(&answer).unwrap(), "INVALID_ARGUMENT", "{invalid}");
        }
        handles.close(handle);
        assert_eq!(code(&handles.set_models(handle, "{}")).unwrap(), "CLOSED");
    }
}

#[test]
fn an_operation_that_needs_a_model_asks_and_is_repeated_with_the_answer() {
    let handles = Handles::default();
    let params =
        r#"{"id":"s","taskId":"t","phase":"run","model":"\ud800 \"a\"","task":"t","mode":"m"}"#;
    let asks = r#"{"ask":{"models":["\ufffd \"a\""]}}"#.replace("\\ufffd", "\u{fffd}");
    let start = |handle, answers| {
        let call = Call {
            answers,
            ..call("startInSlot", params)
        };
        handles.with(handle, |backend| backend.call(call))
    };
    let asking = open(&handles, "memory:", r#"{"askModels":true}"#).unwrap();
    let set = open(&handles, "memory:", "{}").unwrap();
    handles.set_models(set, r#"{"askModels":true}"#);
    for handle in [asking, set] {
        assert_eq!(start(handle, None), asks);
        let none = r#"{"available":[],"missing":[]}"#;
        assert_eq!(start(handle, Some(none)), asks);
        let missing = r#"{"available":[],"missing":["\ufffd \"a\""]}"#;
        let answer = start(handle, Some(missing));
        assert_eq!(code(&answer).as_deref(), Some("MODEL_MISSING"));
        for invalid in ["", "{}", r#"{"available":["a"],"missing":[7]}"#] {
            let answer = start(handle, Some(invalid));
            assert_eq!(code(&answer).as_deref(), Some("INVALID_ARGUMENT"));
        }
        let available = r#"{"available":["\ufffd \"a\""],"missing":[]}"#;
        assert_eq!(code(&start(handle, Some(available))), None);
        // The answers apply to that call only.
        assert_eq!(start(handle, None), asks);
    }
}

#[test]
fn an_operation_over_a_store_of_the_host_asks_before_it_writes() {
    let handles = Handles::default();
    let handle = open(&handles, "host:", r#"{"askModels":true}"#).unwrap();
    let params = r#"{"taskId":"t","phase":"run","model":"a","task":"t","mode":"m"}"#;
    let answer = handles.with(handle, |backend| backend.start(call("startInSlot", params)));
    let Parsed::Need(request) = read(&answer) else {
        panic!("{answer}")
    };
    assert_eq!(request.method, "record");
    let answer = handles.with(handle, |backend| {
        backend.resume(request.operation, r#"{"ok":null}"#.to_owned())
    });
    assert_eq!(answer, r#"{"ask":{"models":["a"]}}"#);
}
