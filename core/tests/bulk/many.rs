//! Trashing, restoring and deleting many, beside the same done to one after the other.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{ids, seen};
use crate::support::{World, scale};

const IDS: [&str; 6] = ["a", "b", "c", "d", "nowhere", "../x"];
const SLOTS: [(&str, &str); 2] = [("t", "plan"), ("u", "run")];

/// How a session comes to be there: started, perhaps in a slot, and perhaps trashed.
type Made = (bool, Option<usize>, bool);

fn world(made: &[Made]) -> World {
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

fn differs(made: &[Made], deeds: &[(&str, Vec<&str>)]) -> Result<(), TestCaseError> {
    let (together, alone) = (world(made), world(made));
    for (deed, of) in deeds {
        let answer = together.ok(&format!("{deed}Many"), json!({"ids": of}));
        let mut told: Vec<&str> = Vec::new();
        let (mut done, mut refused) = (Vec::new(), Vec::new());
        for id in of {
            if told.contains(id) {
                continue;
            }
            told.push(id);
            match alone.call(deed, json!({"id": id})) {
                Ok(_) => done.push(json!(id)),
                Err(error) => refused.push(json!({
                    "id": id, "code": error.code(), "message": error.to_string()
                })),
            }
        }
        prop_assert_eq!(&answer, &json!({"done": done, "refused": refused}));
        prop_assert_eq!(seen(&together), seen(&alone));
    }
    Ok(())
}

#[test]
fn many_come_to_what_each_would_come_to_alone() {
    let made = (
        any::<bool>(),
        prop::option::of(0..SLOTS.len()),
        any::<bool>(),
    );
    let deed = (
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
        deeds in prop::collection::vec(deed, 1..5),
    )| differs(&made, &deeds)?);
}

#[test]
fn a_thousand_may_be_named_and_no_more() {
    let world = World::default();
    let all: Vec<String> = (0..1000).map(|number| format!("s{number}")).collect();
    for id in &all {
        world.start(json!({"id": id}));
    }
    for deed in ["trashMany", "restoreMany", "deleteMany"] {
        let answer = world.ok(deed, json!({"ids": all}));
        assert_eq!(ids(&answer["done"]), all);
        assert_eq!(answer["refused"], json!([]));
        let more: Vec<&str> = all.iter().map(String::as_str).chain(["one"]).collect();
        assert_eq!(world.code(deed, json!({"ids": more})), "INVALID_ARGUMENT");
        assert_eq!(
            world.ok(deed, json!({"ids": []})),
            json!({"done": [], "refused": []})
        );
    }
    let left = world.ok("stats", json!({"trash": "include"}));
    assert_eq!(left["total"], Value::from(0));
}
