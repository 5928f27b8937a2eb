//! Positions in distributed traces: a call brings one in a header, and it is stored with the events that it appends.

use serde_json::{Value, json};

use crate::support::{Running, json as headers};

const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// Calls an operation that succeeds, at this position.
fn traced(running: &Running, operation: &str, params: &str, trace: &str) -> Value {
    let headers = [&headers()[..], &[("traceparent", trace)]].concat();
    let reply = running.request("POST", &format!("/v1/{operation}"), &headers, params);
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.json()["ok"].clone()
}

#[test]
fn the_position_of_a_call_is_stored_with_the_events_that_it_appends() {
    let running = Running::new();
    let start = r#"{"id":"a","task":"t","mode":"m"}"#;
    traced(&running, "start", start, TRACE);
    running.ok("incrementIteration", r#"{"id":"a"}"#);
    let other = TRACE.replace("b7-01", "b8-00");
    traced(&running, "complete", r#"{"id":"a","result":"r"}"#, &other);
    // A call that appends nothing stores nothing.
    traced(&running, "get", r#"{"id":"a"}"#, TRACE);
    let items = running.ok("traces", r#"{"id":"a"}"#)["items"].clone();
    let expected = json!([
        {"traceparent": TRACE, "first": 1, "last": 1},
        {"traceparent": other, "first": 3, "last": 3},
    ]);
    assert_eq!(items, expected);
    let later = running.ok("traces", r#"{"id":"a","after":1}"#);
    assert_eq!(later["items"], json!([expected[1]]));
}

#[test]
fn an_invalid_position_is_ignored_and_a_session_of_another_id_has_its_own() {
    let running = Running::new();
    traced(
        &running,
        "start",
        r#"{"id":"a","task":"t","mode":"m"}"#,
        "00-0-0-01",
    );
    traced(
        &running,
        "start",
        r#"{"id":"a2","task":"t","mode":"m"}"#,
        TRACE,
    );
    assert_eq!(running.ok("traces", r#"{"id":"a"}"#), json!({"items": []}));
    let items = running.ok("traces", r#"{"id":"a2"}"#);
    assert_eq!(items["items"][0]["traceparent"], TRACE);
}

#[test]
fn traces_are_removed_with_their_session() {
    let running = Running::new();
    let start = r#"{"id":"a","task":"t","mode":"m"}"#;
    traced(&running, "start", start, TRACE);
    running.ok("delete", r#"{"id":"a"}"#);
    assert_eq!(running.ok("traces", r#"{"id":"a"}"#), json!({"items": []}));
}
