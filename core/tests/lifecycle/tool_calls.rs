//! Tool calls with a start and an end.

use serde_json::{Value, json};

use crate::support::{World, iso};

#[test]
fn a_call_is_unfinished_until_it_is_finished() {
    let world = World::default();
    let id = world.start(json!({}));
    let unfinished = || world.ok("context", json!({"id": id}))["unfinishedToolCalls"].clone();
    assert_eq!(unfinished(), Value::Null);
    let started = world.ok(
        "startToolCall",
        json!({"id": id, "tool": "deploy", "args": {"to": "prod"}}),
    );
    assert_eq!(started["callId"], "call_2");
    assert_eq!(
        (&started["firstSequence"], &started["version"]),
        (&json!(2), &json!(2))
    );
    let at = iso(world.now());
    let call = json!({
        "callId": "call_2", "tool": "deploy", "args": {"to": "prod"}, "startedAt": at
    });
    assert_eq!(unfinished(), json!([call]));
    assert_eq!(
        world.last_event(&id)["data"],
        json!({"tool": "deploy", "args": {"to": "prod"}, "callId": "call_2"})
    );
    assert_eq!(
        world.session(&id)["metadata"]["toolsUsed"],
        json!(["deploy"])
    );
    // Another call of the same tool, with the id of a model.
    world.ok(
        "startToolCall",
        json!({"id": id, "tool": "deploy", "callId": "toolu_1"}),
    );
    assert_eq!(unfinished()[1]["callId"], "toolu_1");
    world.ok(
        "finishToolCall",
        json!({"id": id, "callId": "call_2", "result": [1]}),
    );
    assert_eq!(unfinished()[0]["callId"], "toolu_1");
    let event = world.last_event(&id);
    assert_eq!(event["type"], "tool_call");
    assert_eq!(
        event["data"],
        json!({"tool": "deploy", "args": {"to": "prod"}, "result": [1], "callId": "call_2"})
    );
    world.ok("finishToolCall", json!({"id": id, "callId": "toolu_1"}));
    assert_eq!(world.last_event(&id)["data"]["result"], Value::Null);
    assert_eq!(unfinished(), Value::Null);
    // Its id may be used again.
    world.ok(
        "startToolCall",
        json!({"id": id, "tool": "deploy", "callId": "toolu_1"}),
    );
}

#[test]
fn a_call_is_started_once_and_finished_once() {
    let world = World::default();
    let id = world.start(json!({}));
    let start = json!({"id": id, "tool": "t", "callId": "c", "idempotencyKey": "k"});
    let first = world.ok("startToolCall", start.clone());
    let again = world.ok("startToolCall", start);
    assert_eq!(
        (&again["replayed"], &again["callId"]),
        (&json!(true), &json!("c"))
    );
    assert_eq!(first["lastSequence"], again["lastSequence"]);
    let second = json!({"id": id, "tool": "t", "callId": "c"});
    assert_eq!(world.code("startToolCall", second), "INVALID_ARGUMENT");
    let generated = json!({"id": id, "tool": "t", "idempotencyKey": "g"});
    let named = world.ok("startToolCall", generated.clone())["callId"].clone();
    world.ok("addEvent", json!({"id": id, "type": "note"}));
    assert_eq!(world.ok("startToolCall", generated)["callId"], named);
    let finish = json!({"id": id, "callId": "c", "idempotencyKey": "f"});
    world.ok("finishToolCall", finish.clone());
    assert_eq!(world.ok("finishToolCall", finish)["replayed"], true);
    for call in ["c", "none", "", "a/b"] {
        let params = json!({"id": id, "callId": call});
        assert_eq!(
            world.code("finishToolCall", params),
            "INVALID_ARGUMENT",
            "{call}"
        );
    }
    let empty = json!({"id": id, "tool": "t", "callId": ""});
    assert_eq!(world.code("startToolCall", empty), "INVALID_ARGUMENT");
}

#[test]
fn the_calls_of_sessions_are_kept_apart() {
    let world = World::default();
    for id in ["a", "a-b", "a.b", "b"] {
        world.ok("start", json!({"task": "t", "mode": "m", "id": id}));
        world.ok(
            "startToolCall",
            json!({"id": id, "tool": id, "callId": "a/b"}),
        );
    }
    for id in ["a", "a-b", "a.b", "b"] {
        let context = world.ok("context", json!({"id": id}));
        let calls = context["unfinishedToolCalls"].as_array().unwrap().clone();
        assert_eq!(calls.len(), 1);
        assert_eq!(calls[0]["tool"], id);
    }
    // Calls go with their session, and a fork has none.
    let fork = world.ok("fork", json!({"id": "a"}))["id"].clone();
    let context = world.ok("context", json!({"id": fork}));
    assert_eq!(context["unfinishedToolCalls"], Value::Null);
    world.ok("delete", json!({"id": "a"}));
    world.ok("start", json!({"task": "t", "mode": "m", "id": "a"}));
    let context = world.ok("context", json!({"id": "a"}));
    assert_eq!(context["unfinishedToolCalls"], Value::Null);
}

#[test]
fn a_finished_session_takes_no_call_and_secrets_are_redacted() {
    let world = World::default();
    let id = world.start(json!({}));
    let token = format!("ghp_{}", "a".repeat(36));
    world.ok(
        "startToolCall",
        json!({"id": id, "tool": "t", "args": [token], "callId": "c"}),
    );
    let context = world.ok("context", json!({"id": id})).to_string();
    assert!(!context.contains("ghp_a"), "{context}");
    world.ok(
        "finishToolCall",
        json!({"id": id, "callId": "c", "result": token}),
    );
    assert!(!world.export(&id).contains("ghp_a"));
    world.ok(
        "startToolCall",
        json!({"id": id, "tool": "t", "callId": "d"}),
    );
    world.ok("complete", json!({"id": id}));
    for (name, params) in [
        ("startToolCall", json!({"id": id, "tool": "t"})),
        ("finishToolCall", json!({"id": id, "callId": "d"})),
    ] {
        assert_eq!(world.code(name, params), "SESSION_FINISHED");
    }
    let context = world.ok("context", json!({"id": id}));
    assert_eq!(context["unfinishedToolCalls"][0]["callId"], "d");
}

#[test]
fn at_most_a_hundred_calls_are_unfinished() {
    let world = World::default();
    let id = world.start(json!({}));
    for _ in 0..100 {
        world.ok("startToolCall", json!({"id": id, "tool": "t"}));
    }
    let more = json!({"id": id, "tool": "t"});
    assert_eq!(
        world.code("startToolCall", more.clone()),
        "INVALID_ARGUMENT"
    );
    let context = world.ok("context", json!({"id": id}));
    assert_eq!(
        context["unfinishedToolCalls"].as_array().unwrap().len(),
        100
    );
    world.ok("finishToolCall", json!({"id": id, "callId": "call_7"}));
    world.ok("startToolCall", more);
}
