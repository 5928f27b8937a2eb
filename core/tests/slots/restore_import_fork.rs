//! Operations other than a start that put a session into a slot or remove it.

use serde_json::{Value, json};

use super::{in_slot, start};
use crate::support::World;

/// A world in which the session `old` was replaced by `new`.
fn replaced() -> World {
    let world = World::default();
    start(&world, "a", json!({"id": "old"}));
    start(
        &world,
        "b",
        json!({"id": "new", "onModelChange": "replace"}),
    );
    world
}

#[test]
fn no_session_is_restored_into_an_occupied_slot() {
    let world = replaced();
    let error = world.error("restore", json!({"id": "old"}));
    assert_eq!(error.code(), "SLOT_TAKEN");
    assert!(
        error.to_string().contains("session new occupies it"),
        "{error}"
    );
    for operation in ["trash", "delete"] {
        let world = replaced();
        world.ok(operation, json!({"id": "new"}));
        assert_eq!(in_slot(&world), None);
        world.ok("restore", json!({"id": "old"}));
        assert_eq!(in_slot(&world).as_deref(), Some("old"));
    }
}

#[test]
fn no_session_is_imported_or_saved_into_an_occupied_slot() {
    let world = replaced();
    let live = |text: String| -> String {
        let mut session: Value = serde_json::from_str(&text).unwrap();
        session.as_object_mut().unwrap().remove("deletedAt");
        session.to_string()
    };
    let old = world.export("old");
    assert_eq!(
        world.code("import", json!({"text": live(old.clone())})),
        "SLOT_TAKEN"
    );
    // A session in the trash does not block the slot.
    world.ok("import", json!({"text": old.clone()}));
    // The occupant itself can be imported and saved.
    let new = world.export("new");
    world.ok("import", json!({"text": new.clone()}));
    world.ok("save", json!({"text": world.export("new")}));
    let third = live(new.replace("\"id\":\"new\"", "\"id\":\"third\""));
    assert_eq!(
        world.code("save", json!({"text": third.clone()})),
        "SLOT_TAKEN"
    );
    assert_eq!(in_slot(&world).as_deref(), Some("new"));
    world.ok("trash", json!({"id": "new"}));
    world.ok("save", json!({"text": third}));
    assert_eq!(in_slot(&world).as_deref(), Some("third"));
}

#[test]
fn a_fork_has_no_slot_and_an_override_cannot_change_the_slot() {
    let world = replaced();
    let fork = world.ok("fork", json!({"id": "new"}));
    assert_eq!(fork["slot"], Value::Null);
    let updates = json!({"slot": {"taskId": "t", "phase": "plan", "model": "a"}});
    world.ok("override", json!({"id": fork["id"], "updates": updates}));
    assert_eq!(
        world.session(fork["id"].as_str().unwrap())["slot"],
        Value::Null
    );
    world.ok("override", json!({"id": "new", "updates": {"slot": null}}));
    assert_eq!(in_slot(&world).as_deref(), Some("new"));
}

#[test]
fn the_slots_of_tasks_are_listed_by_task_and_phase() {
    let world = World::default();
    for (task, phase) in [("b", "run"), ("a", "verify"), ("b", "plan"), ("c", "plan")] {
        let id = format!("{task}-{phase}");
        start(
            &world,
            "m",
            json!({"id": id, "taskId": task, "phase": phase}),
        );
    }
    start(
        &world,
        "n",
        json!({"taskId": "b", "onModelChange": "replace", "id": "b-next"}),
    );
    world.start(json!({"id": "none"}));
    let slots = world.ok("slots", json!({"taskIds": ["b", "a", "nowhere"]}));
    let ids: Vec<&str> = slots
        .as_array()
        .unwrap()
        .iter()
        .map(|slot| slot["session"]["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids, ["a-verify", "b-next", "b-run"]);
    assert_eq!(world.ok("slots", json!({"taskIds": []})), json!([]));
    let listed = |filter: Value| world.ok("list", filter)["items"].as_array().unwrap().len();
    assert_eq!(listed(json!({"taskIds": "b"})), 2);
    assert_eq!(listed(json!({"taskIds": "b", "trash": "include"})), 3);
    assert_eq!(listed(json!({"slotPhase": ["run", "verification"]})), 2);
    assert_eq!(listed(json!({"model": "n"})), 1);
    assert_eq!(
        world.ok("slotPhase", json!({"title": "Verification: x"})),
        "verify"
    );
    assert_eq!(world.ok("slotPhase", json!({"title": "x"})), Value::Null);
}
