//! Purging the trash in batches, as a program does that archives the sessions first.

use serde_json::{Value, json};

use super::ids;
use crate::support::World;

/// A world with this number of sessions in the trash, the oldest first.
fn trashed(count: usize) -> World {
    let world = World::default();
    for number in 0..count {
        world.start(json!({"id": format!("s{number}")}));
        world.pass(1);
    }
    let all: Vec<String> = (0..count).map(|number| format!("s{number}")).collect();
    world.ok("trashMany", json!({"ids": all}));
    world
}

#[test]
fn a_batch_has_the_cursor_of_the_next_batch() {
    let world = trashed(7);
    let mut pages: Vec<Vec<String>> = Vec::new();
    let mut cursor = Value::Null;
    loop {
        let params = json!({"olderThan": 0, "dryRun": true, "limit": 3, "cursor": cursor});
        let page = world.ok("purge", params);
        pages.push(ids(&page["ids"]).iter().map(|id| id.to_string()).collect());
        cursor = page["nextCursor"].clone();
        if cursor.is_null() {
            break;
        }
    }
    let expected: [&[&str]; 3] = [&["s0", "s1", "s2"], &["s3", "s4", "s5"], &["s6"]];
    assert_eq!(pages, expected);
    let page = world.ok("purge", json!({"olderThan": 0, "limit": 3}));
    assert_eq!(page["removed"], 3);
    let page = world.ok("purge", json!({"olderThan": 0, "limit": 4}));
    assert_eq!(ids(&page["ids"]), ["s3", "s4", "s5", "s6"]);
    assert_eq!(page["nextCursor"], Value::Null);
    for limit in [0, 1001] {
        let params = json!({"olderThan": 0, "limit": limit});
        assert_eq!(world.code("purge", params), "INVALID_ARGUMENT");
    }
}

#[test]
fn given_sessions_have_no_limit_and_no_cursor() {
    let world = trashed(3);
    let ids = json!(["s0", "s1", "s2"]);
    for (name, value) in [("limit", json!(1)), ("cursor", json!("ca.0.a"))] {
        let error = world.error("purge", json!({"olderThan": 0, "ids": ids, name: value}));
        assert_eq!(error.code(), "INVALID_ARGUMENT", "{name}");
        assert!(error.to_string().contains(name), "{error}");
    }
    let removed = world.ok("purge", json!({"olderThan": 0, "ids": ids}))["removed"].clone();
    assert_eq!(removed, 3);
}

#[test]
fn only_given_sessions_that_are_due_and_free_are_purged() {
    let world = trashed(4);
    world.ok("restore", json!({"id": "s1"}));
    world.ok("trash", json!({"id": "s1"}));
    world.pass(-1);
    world.ok("restore", json!({"id": "s2"}));
    world.pass(10);
    let lease = json!({"key": "session:s3", "holder": "h"});
    world.ok("leaseAcquire", lease);
    let all = json!(["s0", "s2", "s3", "nowhere", "s0", "../x"]);
    for dry_run in [true, false] {
        let params = json!({"olderThan": 5, "ids": all, "dryRun": dry_run});
        let purged = world.ok("purge", params);
        assert_eq!(ids(&purged["ids"]), ["s0"], "{purged}");
        assert_eq!(ids(&purged["failed"]), ["../x"]);
        assert_eq!(purged["failed"][0]["code"], "INVALID_ID");
    }
    assert_eq!(world.ok("get", json!({"id": "s0"})), Value::Null);
    for id in ["s1", "s2", "s3"] {
        world.session(id);
    }
}
