//! Bulk operations that trash, restore and delete sessions have the results of single operations.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{ids, visible_state};
use crate::support::{World, scale};

const IDS: [&str; 6] = ["a", "b", "c", "d", "nowhere", "../x"];
const SLOTS: [(&str, &str); 2] = [("t", "plan"), ("u", "run")];

/// The initial state of a session: whether it exists, its slot, and whether it is in the trash.
type Setup = (bool, Option<usize>, bool);

fn world(made: &[Setup]) -> World {
    let world = World::default();
    for (id, (there, slot, trashed)) in IDS.iter().zip(made) {
        if !there {
            continue;
        }
        match slot.map(|slot| SLOTS[slot]) {
            None => {
                world.start(json!({"id": id}));
            }
            Some((task, phase)) => {
                let slot = json!({
                    "id": id, "taskId": task, "phase": phase, "model": id, "task": "",
                    "mode": "m", "onModelChange": "replace"
                });
                world.ok("startInSlot", slot);
            }
        }
        if *trashed {
            world.ok("trash", json!({"id": id}));
        }
    }
    world
}

fn compare(made: &[Setup], operations: &[(&str, Vec<&str>)]) -> Result<(), TestCaseError> {
    let (together, alone) = (world(made), world(made));
    for (operation, of) in operations {
        let answer = together.ok(&format!("{operation}Many"), json!({"ids": of}));
        let mut handled: Vec<&str> = Vec::new();
        let (mut done, mut refused) = (Vec::new(), Vec::new());
        for id in of {
            if handled.contains(id) {
                continue;
            }
            handled.push(id);
            match alone.call(operation, json!({"id": id})) {
                Ok(_) => done.push(json!(id)),
                Err(error) => refused.push(json!({
                    "id": id, "code": error.code(), "message": error.to_string()
                })),
            }
        }
        prop_assert_eq!(&answer, &json!({"done": done, "refused": refused}));
        prop_assert_eq!(visible_state(&together), visible_state(&alone));
    }
    Ok(())
}

#[test]
fn a_bulk_operation_gives_the_results_of_single_operations() {
    let made = (
        any::<bool>(),
        prop::option::of(0..SLOTS.len()),
        any::<bool>(),
    );
    let operation = (
        prop::sample::select(vec!["trash", "restore", "delete"]),
        prop::collection::vec(prop::sample::select(&IDS[..]), 0..8),
    );
    let config = ProptestConfig {
        cases: (scale() * 3000.0).ceil() as u32,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    proptest!(config, |(
        made in prop::collection::vec(made, 4),
        operations in prop::collection::vec(operation, 1..5),
    )| compare(&made, &operations)?);
}

#[test]
fn a_bulk_operation_takes_at_most_a_thousand_ids() {
    let world = World::default();
    let all: Vec<String> = (0..1000).map(|number| format!("s{number}")).collect();
    for id in &all {
        world.start(json!({"id": id}));
    }
    for operation in ["trashMany", "restoreMany", "deleteMany"] {
        let answer = world.ok(operation, json!({"ids": all}));
        assert_eq!(ids(&answer["done"]), all);
        assert_eq!(answer["refused"], json!([]));
        let more: Vec<&str> = all.iter().map(String::as_str).chain(["one"]).collect();
        assert_eq!(
            world.code(operation, json!({"ids": more})),
            "INVALID_ARGUMENT"
        );
        assert_eq!(
            world.ok(operation, json!({"ids": []})),
            json!({"done": [], "refused": []})
        );
    }
    let left = world.ok("stats", json!({"trash": "include"}));
    assert_eq!(left["total"], Value::from(0));
}
