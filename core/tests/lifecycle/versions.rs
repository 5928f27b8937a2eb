//! Versions: each change increments the version, and `ifVersion` makes a call depend on it.

use serde_json::{Value, json};

use crate::support::World;

#[test]
fn every_change_increments_the_version_once() {
    let world = World::default();
    let id = world.start(json!({"maxIterations": 2}));
    let version = |operation: &str, params: Value| {
        let mut all = params;
        all["id"] = json!(id);
        world.ok(operation, all)["version"].as_u64().unwrap()
    };
    assert_eq!(version("get", json!({})), 1);
    assert_eq!(version("addEvent", json!({"type": "a"})), 2);
    assert_eq!(
        version(
            "addEvents",
            json!({"events": [{"type": "a"}, {"type": "b"}]})
        ),
        3
    );
    assert_eq!(version("incrementIteration", json!({})), 4);
    assert_eq!(
        version("incrementIteration", json!({})),
        5,
        "with the timeout that it brings"
    );
    assert_eq!(version("pause", json!({})), 6);
    assert_eq!(version("updateContext", json!({"context": {"a": 1}})), 7);
    assert_eq!(
        version("updateContext", json!({"context": {"a": 1}})),
        7,
        "nothing changes"
    );
    assert_eq!(version("update", json!({})), 7);
    assert_eq!(version("trash", json!({})), 8);
    assert_eq!(version("restore", json!({})), 9);
}

#[test]
fn a_call_for_another_version_is_refused_with_the_current_version() {
    let world = World::default();
    let id = world.start(json!({}));
    world.ok("addEvent", json!({"id": id, "type": "a"}));
    let before = world.export(&id);
    for (operation, params) in [
        ("update", json!({"task": "a"})),
        ("pause", json!({})),
        ("resume", json!({})),
        ("complete", json!({})),
        ("fail", json!({})),
        ("abandon", json!({})),
        ("addEvent", json!({"type": "a"})),
        ("addEvents", json!({"events": [{"type": "a"}]})),
        ("incrementIteration", json!({})),
        ("recordToolCall", json!({"tool": "a"})),
        ("recordLearning", json!({"insight": "a"})),
        ("recordUsage", json!({"cost": 1})),
        ("updateContext", json!({"context": {}})),
        ("trash", json!({})),
        ("restore", json!({})),
    ] {
        for version in [0, 1, 3, u64::MAX] {
            let mut all = params.clone();
            all["id"] = json!(id);
            all["ifVersion"] = json!(version);
            let error = world.error(operation, all);
            assert_eq!(error.code(), "VERSION_CONFLICT", "{operation}");
            let details: Value = serde_json::to_value(error.details()).unwrap();
            assert_eq!(
                details,
                json!({"id": id, "expected": version, "current": 2})
            );
        }
    }
    assert_eq!(world.export(&id), before);
    world.ok("pause", json!({"id": id, "ifVersion": 2}));
}

#[test]
fn updated_at_never_decreases() {
    let world = World::default();
    let id = world.start(json!({}));
    let mut last = String::new();
    for step in [10, -5, -1000, 3, 2000] {
        world.pass(step);
        let head = world.ok("recordUsage", json!({"id": id, "cost": 1}));
        let updated = head["updatedAt"].as_str().unwrap().to_owned();
        assert!(updated >= last, "{updated} after {last}");
        last = updated;
    }
}
