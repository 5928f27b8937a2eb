//! The audit entries of removed sessions.

use serde_json::{Value, json};

use super::entries;
use crate::support::World;

const DAY: i64 = 24 * 60 * 60 * 1000;

/// The kinds of the entries about a session, each with its actor.
fn entries_about(world: &World, id: &str) -> Vec<String> {
    let entries = entries(world);
    let entries = entries.as_array().unwrap().iter();
    entries
        .filter(|entry| entry["subject"] == id && entry["kind"] != "agent.finalization")
        .map(|entry| {
            let by = entry["data"]["by"].as_str().unwrap();
            format!("{} by {by}", entry["kind"].as_str().unwrap())
        })
        .collect()
}

#[test]
fn the_audit_log_says_when_and_why_a_session_was_removed() {
    let world = World::default();
    let slot = json!({
        "id": "s", "taskId": "t", "phase": "plan", "model": "a", "task": "", "mode": "m"
    });
    world.ok("startInSlot", slot);
    for operation in ["trash", "restore", "delete"] {
        world.pass(1);
        world.ok(operation, json!({"id": "s"}));
    }
    let done = [
        "session.trash by user",
        "session.restore by user",
        "session.delete by user",
    ];
    assert_eq!(entries_about(&world, "s"), done);
    for entry in entries(&world).as_array().unwrap() {
        assert_eq!(
            (&entry["data"]["taskId"], &entry["data"]["phase"]),
            (&json!("t"), &json!("plan"))
        );
    }
}

#[test]
fn an_operation_that_changes_nothing_writes_no_audit_entry() {
    let world = World::default();
    world.start(json!({"id": "s"}));
    world.ok("restore", json!({"id": "s"}));
    world.ok("trash", json!({"id": "s"}));
    world.pass(1);
    world.ok("trash", json!({"id": "s"}));
    world.ok("trash", json!({"id": "s", "idempotencyKey": "k"}));
    world.ok("cleanup", json!({"maxAge": 0, "dryRun": true}));
    world.ok("purge", json!({"olderThan": 0, "dryRun": true}));
    assert_eq!(
        world.code("delete", json!({"id": "x"})),
        "SESSION_NOT_FOUND"
    );
    let refused = world.ok("deleteMany", json!({"ids": ["x"]}));
    assert_eq!(refused["refused"][0]["code"], "SESSION_NOT_FOUND");
    assert_eq!(entries_about(&world, "s"), ["session.trash by user"]);
}

#[test]
fn the_audit_entry_of_an_automatic_removal_names_the_operation() {
    let world = World::default();
    for id in ["old", "gone"] {
        world.start(json!({"id": id}));
        world.ok("complete", json!({"id": id}));
    }
    world.ok("agentCreate", json!({"agentName": "a", "id": "agent"}));
    world.pass(DAY);
    world.ok("cleanup", json!({"maxAge": "1d"}));
    world.ok("agentCleanup", json!({"maxIdle": "1d"}));
    world.ok("restore", json!({"id": "gone"}));
    world.pass(1);
    world.ok("cleanup", json!({"maxAge": "1d", "permanent": true}));
    world.ok("purge", json!({"olderThan": 0}));
    assert_eq!(
        entries_about(&world, "old"),
        ["session.trash by cleanup", "session.delete by purge"]
    );
    assert_eq!(
        entries_about(&world, "agent"),
        ["session.trash by agent_cleanup", "session.delete by purge"]
    );
    let last = entries_about(&world, "gone").pop();
    assert_eq!(last.as_deref(), Some("session.delete by cleanup"));
}

#[test]
fn a_replaced_session_has_one_audit_entry() {
    let world = World::default();
    for (id, model) in [("old", "a"), ("new", "b")] {
        let start = json!({
            "id": id, "taskId": "t", "phase": "plan", "model": model, "task": "", "mode": "m",
            "onModelChange": "replace"
        });
        world.ok("startInSlot", start);
    }
    let kinds: Vec<Value> = entries(&world)
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["kind"].clone())
        .collect();
    assert_eq!(kinds, ["slot.replacement"]);
}

#[test]
fn a_cleared_lease_has_an_audit_entry() {
    let world = World::default();
    for key in ["a", "b"] {
        world.ok("leaseAcquire", json!({"key": key, "holder": "h"}));
    }
    world.ok("leaseClear", json!({"prefix": "a"}));
    world.ok("leaseClear", json!({"prefix": "a"}));
    let entries = entries(&world);
    assert_eq!(entries.as_array().unwrap().len(), 1, "{entries}");
    assert_eq!(entries[0]["kind"], "lease.clear");
    assert_eq!(entries[0]["subject"], "a");
    assert_eq!(entries[0]["data"]["holder"], "h");
}
