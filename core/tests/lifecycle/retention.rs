//! The trash, deletion, cleanup and purge.

use serde_json::{Value, json};

use crate::support::{World, iso};

const DAY: i64 = 86_400_000;

fn ids(result: &Value) -> Vec<&str> {
    result["ids"]
        .as_array()
        .unwrap()
        .iter()
        .map(|id| id.as_str().unwrap())
        .collect()
}

#[test]
fn a_session_in_the_trash_is_not_listed_and_refuses_changes() {
    let world = World::default();
    let id = world.start(json!({}));
    world.pass(5);
    let head = world.ok("trash", json!({"id": id}));
    assert_eq!(head["deletedAt"], json!(iso(world.now())));
    assert_eq!(world.ok("list", json!({}))["items"], json!([]));
    assert_eq!(world.session(&id)["id"], json!(id), "it can still be read");
    assert!(world.ok("context", json!({"id": id})).is_object());
    let before = world.export(&id);
    for (operation, mut params) in [
        ("update", json!({"task": "x"})),
        ("pause", json!({})),
        ("resume", json!({})),
        ("complete", json!({})),
        ("fail", json!({})),
        ("abandon", json!({})),
        ("addEvent", json!({"type": "note"})),
        ("addEvents", json!({"events": [{"type": "note"}]})),
        ("incrementIteration", json!({})),
        ("recordToolCall", json!({"tool": "t"})),
        ("recordLearning", json!({"insight": "i"})),
        ("recordUsage", json!({"cost": 1})),
        ("updateContext", json!({"context": {}})),
    ] {
        params["id"] = json!(id);
        assert_eq!(
            world.code(operation, params),
            "SESSION_DELETED",
            "{operation}"
        );
    }
    assert_eq!(world.export(&id), before);
    world.pass(5);
    let again = world.ok("trash", json!({"id": id}));
    assert_eq!(again, head, "the trash keeps the time of the first");
    let restored = world.ok("restore", json!({"id": id}));
    assert!(restored.get("deletedAt").is_none());
    assert_eq!(restored["version"], 3);
    assert_eq!(world.ok("restore", json!({"id": id})), restored);
    world.ok("pause", json!({"id": id}));
}

#[test]
fn delete_is_permanent() {
    let world = World::default();
    let id = world.start(json!({"idempotencyKey": "k"}));
    world.ok(
        "addEvent",
        json!({"id": id, "type": "note", "idempotencyKey": "k"}),
    );
    assert_eq!(world.ok("delete", json!({"id": id})), Value::Null);
    assert_eq!(world.ok("get", json!({"id": id})), Value::Null);
    assert_eq!(world.code("delete", json!({"id": id})), "SESSION_NOT_FOUND");
    assert_eq!(
        world.code("restore", json!({"id": id})),
        "SESSION_NOT_FOUND"
    );
    let again = world.start(json!({"idempotencyKey": "k"}));
    assert_ne!(again, id, "its keys go with it");
}

#[test]
fn cleanup_removes_only_sessions_that_have_reached_the_age() {
    let world = World::default();
    let old = world.start(json!({"id": "old"}));
    world.pass(1);
    let young = world.start(json!({"id": "young"}));
    for id in [&old, &young] {
        world.ok("complete", json!({"id": id}));
    }
    world.pass(30 * DAY - 2);
    let cleanup = |max_age: Value| world.ok("cleanup", json!({"maxAge": max_age}));
    let nothing = json!({"removed": 0, "ids": [], "failed": [], "dryRun": false});
    assert_eq!(cleanup(json!("30d")), nothing, "a millisecond early");
    world.pass(1);
    let cleaned = cleanup(json!("30d"));
    assert_eq!(
        cleaned,
        json!({"removed": 1, "ids": ["old"], "failed": [], "dryRun": false})
    );
    assert_eq!(cleanup(json!(30 * DAY)), nothing);
    world.pass(1);
    assert_eq!(ids(&cleanup(json!(30 * DAY))), ["young"]);
    assert_eq!(
        world.session("old")["deletedAt"],
        json!(iso(world.now() - 1))
    );
    world.ok("restore", json!({"id": "old"}));
}

#[test]
fn cleanup_skips_active_and_paused_sessions_unless_their_status_is_named() {
    let world = World::default();
    let id = |name: &str| world.start(json!({"id": name, "maxIterations": 1}));
    id("active");
    for (name, operation) in [
        ("paused", "pause"),
        ("completed", "complete"),
        ("failed", "fail"),
        ("timeout", "incrementIteration"),
        ("abandoned", "abandon"),
    ] {
        world.ok(operation, json!({"id": id(name)}));
    }
    world.pass(DAY);
    let plan = |params: Value| {
        let mut all = params;
        all["maxAge"] = json!("1d");
        all["dryRun"] = json!(true);
        let result = world.ok("cleanup", all);
        assert_eq!(result["dryRun"], true);
        let ids: Vec<String> = ids(&result).iter().map(|&id| id.to_owned()).collect();
        assert_eq!(result["removed"], ids.len());
        ids
    };
    let finished = ["abandoned", "completed", "failed", "timeout"];
    assert_eq!(plan(json!({})), finished);
    assert_eq!(plan(json!({"status": "paused"})), ["paused"]);
    assert_eq!(
        plan(json!({"status": ["active", "failed"]})),
        ["active", "failed"]
    );
    assert_eq!(plan(json!({"status": []})), [""; 0]);
    assert_eq!(
        world.ok("list", json!({}))["items"]
            .as_array()
            .unwrap()
            .len(),
        6
    );
    let result = world.ok("cleanup", json!({"maxAge": "1d", "permanent": true}));
    assert_eq!(ids(&result), finished);
    assert_eq!(world.ok("get", json!({"id": "failed"})), Value::Null);
}

#[test]
fn age_is_measured_from_the_start_or_from_the_last_change() {
    let world = World::default();
    let id = world.start(json!({}));
    world.pass(DAY);
    world.ok("complete", json!({"id": id}));
    let plan = |measure: &str| {
        let params = json!({"maxAge": "1d", "measure": measure, "dryRun": true});
        world.ok("cleanup", params)["removed"].as_u64().unwrap()
    };
    assert_eq!((plan("created"), plan("updated")), (1, 0));
    world.pass(DAY);
    assert_eq!((plan("created"), plan("updated")), (1, 1));
}

#[test]
fn a_session_from_the_future_has_an_age_of_zero() {
    let world = World::default();
    let id = world.start(json!({}));
    world.ok("complete", json!({"id": id}));
    world.pass(-DAY);
    let removed = |max_age: u64| {
        let params = json!({"maxAge": max_age, "dryRun": true});
        world.ok("cleanup", params)["removed"].as_u64().unwrap()
    };
    assert_eq!(removed(1), 0);
    assert_eq!(
        removed(0),
        1,
        "an age of nothing has reached a limit of nothing"
    );
    world.ok("trash", json!({"id": id}));
    world.pass(-DAY);
    let purged = |older_than: u64| {
        let params = json!({"olderThan": older_than, "dryRun": true});
        world.ok("purge", params)["removed"].as_u64().unwrap()
    };
    assert_eq!(purged(1), 0);
    assert_eq!(purged(0), 1);
}

#[test]
fn the_largest_possible_age_removes_nothing() {
    let world = World::default();
    let id = world.start(json!({}));
    world.ok("complete", json!({"id": id}));
    let mut ancient: Value = serde_json::from_str(&world.export(&id)).unwrap();
    ancient["id"] = json!("ancient");
    ancient["createdAt"] = json!("0000-01-01T00:00:00.000Z");
    world.ok("import", json!({"text": ancient.to_string()}));
    let result = world.ok("cleanup", json!({"maxAge": u64::MAX, "dryRun": true}));
    assert_eq!(result["removed"], 0);
}

#[test]
fn purge_deletes_sessions_that_were_in_the_trash_long_enough() {
    let world = World::default();
    for id in ["a", "b", "kept"] {
        world.start(json!({"id": id}));
    }
    world.ok("trash", json!({"id": "a"}));
    world.pass(1);
    world.ok("trash", json!({"id": "b"}));
    world.pass(DAY - 1);
    let plan = world.ok("purge", json!({"olderThan": "1d", "dryRun": true}));
    assert_eq!(
        plan,
        json!({"removed": 1, "ids": ["a"], "failed": [], "dryRun": true})
    );
    let result = world.ok("purge", json!({"olderThan": "1d"}));
    assert_eq!(ids(&result), ["a"]);
    assert_eq!(world.ok("get", json!({"id": "a"})), Value::Null);
    world.pass(1);
    assert_eq!(ids(&world.ok("purge", json!({"olderThan": "1d"}))), ["b"]);
    assert_eq!(world.ok("list", json!({}))["items"][0]["id"], "kept");
}

#[test]
fn a_cleanup_reports_at_most_a_thousand_ids() {
    let world = World::default();
    for _ in 0..2500 {
        let id = world.start(json!({}));
        world.ok("complete", json!({"id": id}));
    }
    world.pass(DAY);
    let plan = world.ok("cleanup", json!({"maxAge": "1d", "dryRun": true}));
    let result = world.ok("cleanup", json!({"maxAge": "1d"}));
    for result in [plan, result] {
        assert_eq!(result["removed"], 2500);
        assert_eq!(ids(&result).len(), 1000);
    }
    assert_eq!(world.ok("stats", json!({}))["total"], 0);
    let purged = world.ok("purge", json!({"olderThan": 0}));
    assert_eq!(purged["removed"], 2500);
}

#[test]
fn ages_must_be_durations() {
    let world = World::default();
    for age in [
        json!("soon"),
        json!(-1),
        json!(null),
        json!([]),
        json!("-1d"),
    ] {
        assert_eq!(
            world.code("cleanup", json!({"maxAge": age})),
            "INVALID_ARGUMENT"
        );
        assert_eq!(
            world.code("purge", json!({"olderThan": age})),
            "INVALID_ARGUMENT"
        );
    }
    assert_eq!(world.code("cleanup", json!({})), "INVALID_ARGUMENT");
}
