//! Idempotency keys: a repeated call changes nothing and returns the result of the first call.

use serde_json::{Value, json};

use crate::support::World;

#[test]
fn start_with_a_key_starts_one_session() {
    let world = World::default();
    let params = json!({"task": "t", "mode": "m", "idempotencyKey": "k"});
    let first = world.ok("start", params.clone());
    world.pass(1000);
    let again = world.call("start", params).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&again.value).unwrap(), first);
    assert_eq!(again.notices, "[]", "no notice is sent twice");
    let other = json!({"task": "other", "mode": "m", "idempotencyKey": "k"});
    let error = world.error("start", other);
    assert_eq!(error.code(), "IDEMPOTENCY_MISMATCH");
    let details: Value = serde_json::to_value(error.details()).unwrap();
    assert_eq!(details, json!({"key": "k", "id": first["id"]}));
    assert_eq!(world.ok("stats", json!({}))["total"], 1);
}

#[test]
fn start_with_a_key_and_an_id_starts_one_session() {
    let world = World::default();
    let params = json!({"task": "t", "mode": "m", "id": "s", "idempotencyKey": "k"});
    let first = world.ok("start", params.clone());
    assert_eq!(world.ok("start", params), first);
    let keyless = json!({"task": "t", "mode": "m", "id": "s"});
    assert_eq!(world.code("start", keyless), "SESSION_EXISTS");
    let another_key = json!({"task": "t", "mode": "m", "id": "s", "idempotencyKey": "l"});
    assert_eq!(world.code("start", another_key), "SESSION_EXISTS");
}

#[test]
fn a_repeated_start_returns_the_current_state_of_the_session() {
    let world = World::default();
    let params = json!({"task": "t", "mode": "m", "paused": true, "idempotencyKey": "k"});
    let id = world.ok("start", params.clone())["id"].clone();
    world.ok("complete", json!({"id": id, "result": "done"}));
    let again = world.ok("start", params);
    assert_eq!(again["status"], "completed");
    let kinds: Vec<&Value> = again["history"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| &event["type"])
        .collect();
    assert_eq!(
        kinds,
        ["start", "pause"],
        "with the events that the call recorded"
    );
}

/// Every operation that changes a session, with its parameters, other parameters, and the operation
/// that brings a session into the required state.
fn changes() -> Vec<(&'static str, Value, Value, Option<&'static str>)> {
    vec![
        ("update", json!({"task": "a"}), json!({"task": "b"}), None),
        (
            "pause",
            json!({"reason": "a"}),
            json!({"reason": "b"}),
            None,
        ),
        (
            "resume",
            json!({"addIterations": 1}),
            json!({"addIterations": 2}),
            Some("pause"),
        ),
        (
            "complete",
            json!({"result": "a"}),
            json!({"result": "b"}),
            None,
        ),
        ("fail", json!({"error": "a"}), json!({"error": "b"}), None),
        (
            "abandon",
            json!({"reason": "a"}),
            json!({"reason": "b"}),
            None,
        ),
        ("addEvent", json!({"type": "a"}), json!({"type": "b"}), None),
        (
            "addEvent",
            json!({"type": "complete"}),
            json!({"type": "error"}),
            None,
        ),
        (
            "addEvents",
            json!({"events": [{"type": "a"}, {"type": "iteration"}]}),
            json!({"events": [{"type": "a"}]}),
            None,
        ),
        ("incrementIteration", json!({}), json!({"data": {}}), None),
        (
            "recordToolCall",
            json!({"tool": "a"}),
            json!({"tool": "b"}),
            None,
        ),
        (
            "recordLearning",
            json!({"insight": "a"}),
            json!({"insight": "b"}),
            None,
        ),
        ("recordUsage", json!({"cost": 1}), json!({"cost": 2}), None),
        (
            "updateContext",
            json!({"context": {"a": 1}}),
            json!({"context": {}}),
            None,
        ),
        (
            "trash",
            json!({}),
            json!({"ifVersion": null, "idempotencyKey": ""}),
            None,
        ),
        (
            "restore",
            json!({}),
            json!({"ifVersion": null, "idempotencyKey": ""}),
            Some("trash"),
        ),
    ]
}

fn with(params: &Value, id: &str, key: &str) -> Value {
    let mut all = params.clone();
    all["id"] = json!(id);
    if all.get("idempotencyKey").is_none() {
        all["idempotencyKey"] = json!(key);
    }
    all
}

#[test]
fn every_change_can_be_repeated() {
    for (operation, params, other, before) in changes() {
        let world = World::default();
        let id = world.start(json!({"maxIterations": 3}));
        if let Some(before) = before {
            world.ok(before, json!({"id": id}));
        }
        let first = world.ok(operation, with(&params, &id, "k"));
        let state = world.export(&id);
        world.pass(1000);
        let again = world.call(operation, with(&params, &id, "k")).unwrap();
        assert_eq!(again.notices, "[]", "{operation}");
        let mut again: Value = serde_json::from_str(&again.value).unwrap();
        if let Some(replayed) = again.get_mut("replayed") {
            assert_eq!(replayed.take(), json!(true), "{operation}");
            *replayed = json!(false);
        }
        assert_eq!(again, first, "{operation}");
        assert_eq!(world.export(&id), state, "{operation}");
        let code = world.code(operation, with(&other, &id, "k"));
        let expected = if other.get("idempotencyKey").is_some() {
            "INVALID_ARGUMENT"
        } else {
            "IDEMPOTENCY_MISMATCH"
        };
        assert_eq!(code, expected, "{operation}");
        let code = world.code(
            "addEvent",
            json!({"id": id, "type": "x", "idempotencyKey": "k"}),
        );
        assert_eq!(
            code, "IDEMPOTENCY_MISMATCH",
            "{operation} and another with its key"
        );
        assert_eq!(world.export(&id), state, "{operation}");
    }
}

#[test]
fn a_repeat_succeeds_on_a_session_that_refuses_changes() {
    for end in ["complete", "trash"] {
        for (operation, params, _, before) in changes() {
            if operation == "trash" || operation == "restore" {
                continue;
            }
            let world = World::default();
            let id = world.start(json!({}));
            if let Some(before) = before {
                world.ok(before, json!({"id": id}));
            }
            let first = world.ok(operation, with(&params, &id, "k"));
            // Some of these operations have already ended the session, so this call may be refused.
            let _ = world.call(end, json!({"id": id}));
            let state = world.export(&id);
            let again = world.ok(operation, with(&params, &id, "k"));
            assert_eq!(
                again["firstSequence"], first["firstSequence"],
                "{operation}"
            );
            assert_eq!(again["lastSequence"], first["lastSequence"], "{operation}");
            assert_eq!(again["status"], world.session(&id)["status"], "{operation}");
            assert_eq!(world.export(&id), state);
        }
    }
}

#[test]
fn a_repeat_may_have_another_version() {
    let world = World::default();
    let id = world.start(json!({}));
    let pause = |version: u64| json!({"id": id, "ifVersion": version, "idempotencyKey": "k"});
    let first = world.ok("pause", pause(1));
    assert_eq!(
        world.ok("pause", pause(1)),
        first,
        "the version was right when it was written"
    );
    assert_eq!(world.ok("pause", pause(2)), first);
}

#[test]
fn a_failed_call_does_not_use_its_key() {
    let world = World::default();
    let id = world.start(json!({}));
    let resume = json!({"id": id, "idempotencyKey": "k", "addIterations": 1});
    world.ok("complete", json!({"id": id}));
    assert_eq!(world.code("resume", resume.clone()), "INVALID_TRANSITION");
    assert_eq!(world.code("resume", resume), "INVALID_TRANSITION");
    world.ok(
        "recordUsage",
        json!({"id": id, "cost": 1, "idempotencyKey": "k"}),
    );
}

#[test]
fn each_session_has_its_own_keys() {
    let world = World::default();
    let (a, b) = (world.start(json!({})), world.start(json!({})));
    for id in [&a, &b] {
        let params = json!({"id": id, "type": "note", "idempotencyKey": "k"});
        assert_eq!(world.ok("addEvent", params)["replayed"], false);
    }
    world.start(json!({"idempotencyKey": "k"}));
    assert_eq!(world.session(&a)["eventCount"], 2);
}

#[test]
fn the_length_of_keys_is_limited() {
    let world = World::default();
    let id = world.start(json!({}));
    let call = |key: &str| world.call("pause", json!({"id": id, "idempotencyKey": key}));
    for key in ["", &"k".repeat(513)] {
        assert_eq!(call(key).unwrap_err().code(), "INVALID_ARGUMENT");
        let start = json!({"task": "t", "mode": "m", "idempotencyKey": key});
        assert_eq!(world.code("start", start), "INVALID_ARGUMENT");
    }
    call(&"k".repeat(512)).unwrap();
}

#[test]
fn a_call_that_changed_nothing_can_be_repeated() {
    let world = World::default();
    let id = world.start(json!({}));
    let update = |task: &str| json!({"id": id, "task": task, "idempotencyKey": "k"});
    world.ok("update", update("task"));
    world.ok("update", json!({"id": id, "task": "other"}));
    assert_eq!(
        world.ok("update", update("task"))["task"],
        "other",
        "a repeat does nothing"
    );
    assert_eq!(
        world.code("update", update("third")),
        "IDEMPOTENCY_MISMATCH"
    );
}
