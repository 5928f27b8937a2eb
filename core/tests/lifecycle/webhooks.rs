//! The notices of operations, in the format of the bots' webhooks.

use serde_json::{Value, json};

use crate::support::{World, iso};

/// The single notice of an operation on a prepared session.
fn notice(prepare: &[&str], operation: &str, mut params: Value) -> (World, Value) {
    let world = World::default();
    let id = world.start(json!({
        "id": "session_abc123_xyz", "userId": "user123", "channelId": "channel456",
        "maxIterations": 2
    }));
    for operation in prepare {
        world.ok(operation, json!({"id": id}));
    }
    world.pass(50);
    params["id"] = json!(id);
    let notices = world.notices(operation, params);
    let all = notices.as_array().unwrap();
    assert_eq!(all.len(), 1, "{notices}");
    (world, all[0].clone())
}

fn payload(event: &str, status: &str, at: i64, data: Value) -> Value {
    json!({
        "event": event,
        "session": {
            "id": "session_abc123_xyz",
            "mode": "developer",
            "status": status,
            "task": "task",
            "userId": "user123",
            "channelId": "channel456"
        },
        "timestamp": iso(at),
        "data": data
    })
}

#[test]
fn each_transition_sends_one_notice() {
    for (prepare, operation, params, event, status, data) in [
        (
            &[][..],
            "pause",
            json!({"reason": "r"}),
            "pause",
            "paused",
            json!({"reason": "r"}),
        ),
        (
            &[],
            "pause",
            json!({"data": {"reason": "User requested pause"}}),
            "pause",
            "paused",
            json!({"reason": "User requested pause"}),
        ),
        (
            &["pause"],
            "resume",
            json!({}),
            "resume",
            "active",
            json!({"pausedDuration": 50}),
        ),
        (
            &[],
            "resume",
            json!({}),
            "resume",
            "active",
            json!({"pausedDuration": 0, "recovered": true}),
        ),
        (
            &[],
            "complete",
            json!({"result": "r"}),
            "complete",
            "completed",
            json!({"result": "r"}),
        ),
        (
            &[],
            "fail",
            json!({"error": "e"}),
            "error",
            "failed",
            json!({"error": "e"}),
        ),
        (
            &[],
            "abandon",
            json!({"reason": "no use"}),
            "abandoned",
            "abandoned",
            json!({"reason": "no use"}),
        ),
        (
            &[],
            "abandon",
            json!({}),
            "abandoned",
            "abandoned",
            json!({}),
        ),
        (
            &[],
            "fail",
            json!({"error": "e", "stack": "Error: e\n    at work"}),
            "error",
            "failed",
            json!({"error": "e"}),
        ),
        (
            &["incrementIteration"],
            "incrementIteration",
            json!({"data": {"x": 1}}),
            "timeout",
            "timeout",
            json!({"iterations": 2, "maxIterations": 2}),
        ),
        (
            &[],
            "addEvent",
            json!({"type": "error", "data": {"error": "e", "more": [1]}}),
            "error",
            "failed",
            json!({"error": "e", "more": [1]}),
        ),
    ] {
        let (world, sent) = notice(prepare, operation, params);
        assert_eq!(
            sent,
            payload(event, status, world.now(), data),
            "{operation}"
        );
    }
}

#[test]
fn a_start_sends_a_notice_with_the_complete_session() {
    let world = World::default();
    let params = r#"{"task":"t","mode":"m","id":"s","userId":"u","workspace":"w"}"#;
    let reply = world.raw("start", params).unwrap();
    assert_eq!(
        reply.notices,
        r#"[{"event":"start","session":{"id":"s","mode":"m","status":"active","task":"t","userId":"u"},"timestamp":"2026-01-08T18:05:30.000Z","data":{"workspace":"w","maxIterations":100}}]"#
    );
}

#[test]
fn a_session_that_starts_paused_sends_two_notices() {
    let world = World::default();
    let params = json!({"task": "t", "mode": "m", "paused": true, "pauseReason": "r"});
    let notices = world.notices("start", params);
    let notices: Vec<(&Value, &Value)> = notices
        .as_array()
        .unwrap()
        .iter()
        .map(|notice| (&notice["event"], &notice["session"]["status"]))
        .collect();
    assert_eq!(
        notices,
        [
            (&json!("start"), &json!("active")),
            (&json!("pause"), &json!("paused"))
        ]
    );
}

#[test]
fn a_batch_sends_a_notice_of_each_transition_in_order() {
    let world = World::default();
    let id = world.start(json!({"maxIterations": 1}));
    let events: Vec<Value> = ["pause", "note", "resume", "iteration", "error"]
        .iter()
        .map(|kind| json!({"type": kind}))
        .collect();
    let notices = world.notices("addEvents", json!({"id": id, "events": events}));
    let events: Vec<&Value> = notices
        .as_array()
        .unwrap()
        .iter()
        .map(|notice| &notice["event"])
        .collect();
    assert_eq!(events, ["pause", "resume", "timeout", "error"]);
}

#[test]
fn hostile_data_is_sent_unchanged() {
    let world = World::default();
    world.start(json!({"id": "s"}));
    let data = r#"{"reason":"x","a":1e400,"\ud800":-0}"#;
    let params = format!(r#"{{"id":"s","type":"pause","data":{data}}}"#);
    let notices = world.raw("addEvent", &params).unwrap().notices;
    assert!(
        notices.ends_with(&format!(r#""data":{data}}}]"#)),
        "{notices}"
    );
}

#[test]
fn only_transitions_send_notices() {
    let world = World::default();
    let id = world.start(json!({}));
    for (operation, mut params) in [
        ("update", json!({"task": "x"})),
        ("addEvent", json!({"type": "note"})),
        ("incrementIteration", json!({})),
        ("recordToolCall", json!({"tool": "t"})),
        ("recordLearning", json!({"insight": "i"})),
        ("recordUsage", json!({"cost": 1})),
        ("updateContext", json!({"context": {"a": 1}})),
        ("trash", json!({})),
        ("restore", json!({})),
        ("get", json!({})),
        ("context", json!({})),
        ("export", json!({})),
        ("delete", json!({})),
    ] {
        params["id"] = json!(id);
        assert_eq!(world.notices(operation, params), json!([]), "{operation}");
    }
}

#[test]
fn a_fork_sends_the_notice_of_a_start() {
    let world = World::default();
    let id = world.start(json!({}));
    let notices = world.notices("fork", json!({"id": id, "newId": "f"}));
    assert_eq!(notices[0]["event"], "start");
    assert_eq!(notices[0]["session"]["id"], "f");
    assert_eq!(notices[0]["data"], json!({"parentId": id, "atSequence": 1}));
}
