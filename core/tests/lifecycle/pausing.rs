//! Pausing and resuming: the properties in the context, and the duration of a pause.

use serde_json::json;
use tenure_core::{History, SessionId, Store};

use crate::support::{World, iso, ready};

#[test]
fn pausing_adds_time_and_reason_to_the_context_and_resuming_removes_them() {
    let world = World::default();
    let mine = json!({"step": 3, "nested": {"pausedAt": "mine"}, "z": null});
    let id = world.start(json!({"context": mine}));
    world.pass(10);
    let head = world.ok("pause", json!({"id": id, "reason": "lunch"}));
    let mut paused = mine.clone();
    paused["pausedAt"] = json!(iso(world.now()));
    paused["pauseReason"] = json!("lunch");
    assert_eq!(head["context"], paused);
    assert_eq!(world.last_event(&id)["data"], json!({"reason": "lunch"}));
    world.pass(90);
    let head = world.ok("resume", json!({"id": id}));
    assert_eq!(head["context"], mine);
    let event = world.last_event(&id);
    assert_eq!(event["type"], "resume");
    assert_eq!(event["data"], json!({"pausedDuration": 90}));
}

#[test]
fn a_reason_for_a_pause_without_one_is_refused() {
    let world = World::default();
    let mut start = json!({"task": "t", "mode": "m", "pauseReason": "r"});
    for paused in [json!(null), json!(false)] {
        start["paused"] = paused;
        assert_eq!(world.code("start", start.clone()), "INVALID_ARGUMENT");
    }
    start["paused"] = json!(true);
    world.ok("start", start);
}

#[test]
fn pausing_and_resuming_restore_the_context_unchanged() {
    let world = World::default();
    let context = r#"{"b":1e400,"a":-0,"\ud800":"\udfff","":{"":[12345678901234567890]}}"#;
    let params = format!(r#"{{"task":"t","mode":"m","id":"s","context":{context}}}"#);
    world.raw("start", &params).unwrap();
    let paused = world.raw("pause", r#"{"id":"s"}"#).unwrap().value;
    let begin = context.strip_suffix('}').unwrap();
    assert!(
        paused.contains(&format!(r#""context":{begin},"pausedAt":"#)),
        "{paused}"
    );
    let resumed = world.raw("resume", r#"{"id":"s"}"#).unwrap().value;
    assert!(
        resumed.contains(&format!(r#""context":{context},"#)),
        "{resumed}"
    );
}

#[test]
fn a_pause_without_a_reason_stores_none() {
    let world = World::default();
    let id = world.start(json!({}));
    world.ok("pause", json!({"id": id, "reason": "first"}));
    world.ok("resume", json!({"id": id}));
    let head = world.ok("pause", json!({"id": id}));
    assert_eq!(head["context"], json!({"pausedAt": iso(world.now())}));
    assert_eq!(world.last_event(&id)["data"], json!({}));
}

#[test]
fn a_pause_without_a_reason_clears_an_earlier_reason() {
    let world = World::default();
    let id = world.start(json!({"maxIterations": 1}));
    world.ok(
        "updateContext",
        json!({"id": id, "context": {"pauseReason": "stale"}}),
    );
    let head = world.ok("pause", json!({"id": id}));
    assert!(head["context"].get("pauseReason").is_none());
}

#[test]
fn a_clock_that_is_set_back_measures_a_pause_of_zero() {
    let world = World::default();
    let id = world.start(json!({}));
    world.pass(1000);
    let paused = world.ok("pause", json!({"id": id}));
    world.pass(-5000);
    let resumed = world.ok("resume", json!({"id": id}));
    assert_eq!(resumed["updatedAt"], paused["updatedAt"]);
    let event = world.last_event(&id);
    assert_eq!(event["data"], json!({"pausedDuration": 0}));
    assert_eq!(
        event["timestamp"],
        json!(iso(world.now())),
        "events say what the clock said"
    );
    let added = world.ok("addEvent", json!({"id": id, "type": "note"}));
    assert_eq!(added["updatedAt"], paused["updatedAt"]);
    assert_eq!(world.ok("duration", json!({"id": id})), 0);
}

#[test]
fn resuming_an_active_session_recovers_it() {
    let world = World::default();
    let id = world.start(json!({"context": {"step": 1}}));
    world.pass(100);
    let head = world.ok("resume", json!({"id": id}));
    assert_eq!(head["status"], "active");
    assert_eq!(head["context"], json!({"step": 1}));
    let event = world.last_event(&id);
    assert_eq!(event["type"], "resume");
    assert_eq!(
        event["data"],
        json!({"pausedDuration": 0, "recovered": true})
    );
}

#[test]
fn resuming_an_active_session_keeps_its_context() {
    let world = World::default();
    // The session was never paused, so these properties are user data.
    let context = r#"{ "pausedAt": "mine",  "pauseReason": "mine" }"#;
    let params = format!(r#"{{"task":"t","mode":"m","id":"s","context":{context}}}"#);
    world.raw("start", &params).unwrap();
    let head = world.raw("resume", r#"{"id":"s"}"#).unwrap().value;
    assert!(head.contains(&format!(r#""context":{context},"#)), "{head}");
}

#[test]
fn a_finished_session_has_no_paused_at_in_the_store() {
    let world = World::default();
    for (operation, left) in [("resume", false), ("complete", true), ("fail", true)] {
        let id = world.start(json!({"paused": true}));
        world.ok(operation, json!({"id": id}));
        let stored = ready(
            world
                .store
                .load(&SessionId::parse(&id).unwrap(), History::None),
        );
        assert_eq!(stored.unwrap().unwrap().head.paused_at, None, "{operation}");
        let context = &world.session(&id)["context"];
        assert_eq!(
            context.get("pausedAt").is_some(),
            left,
            "only resuming edits the context"
        );
    }
}

#[test]
fn a_resume_event_keeps_the_given_data() {
    let world = World::default();
    let id = world.start(json!({}));
    world.ok("pause", json!({"id": id}));
    world.pass(7);
    let data = json!({"by": "operator", "addIterations": 3, "pausedDuration": "mine"});
    let answer = world.ok(
        "addEvent",
        json!({"id": id, "type": "resume", "data": data}),
    );
    assert_eq!(answer["maxIterations"], 103);
    assert_eq!(
        world.last_event(&id)["data"],
        json!({"by": "operator", "addIterations": 3, "pausedDuration": 7})
    );
}
