//! Sessions whose models are none of those that there are.

use serde_json::json;

use crate::support::World;
use crate::{in_slot, params, start};

#[test]
fn a_session_whose_model_is_missing_is_there_but_does_not_go_on() {
    let world = World::default();
    start(&world, "a", json!({"id": "s"}));
    world.ok("pause", json!({"id": "s"}));
    let world = world.with_limits(|limits| limits.models = Some(vec!["b".to_owned()]));
    let found = world.ok("latestSession", json!({"taskId": "t", "phase": "plan"}));
    assert_eq!(found["modelMissing"], true);
    assert!(found["message"].is_string());
    for (name, more) in [
        ("resume", json!({"id": "s"})),
        ("addEvent", json!({"id": "s", "type": "note"})),
        ("incrementIteration", json!({"id": "s"})),
        ("startInSlot", params("a", json!({}))),
    ] {
        assert_eq!(world.code(name, more), "MODEL_MISSING", "{name}");
    }
    world.export("s");
    let next = start(&world, "b", json!({"id": "n", "onModelChange": "replace"}));
    assert_eq!(next["outcome"], "replaced");
    assert_eq!(in_slot(&world).as_deref(), Some("n"));
    world.ok("incrementIteration", json!({"id": "n"}));
    world.ok("delete", json!({"id": "s"}));
    // Sessions without a slot have no model to miss.
    let other = world.start(json!({}));
    world.ok("incrementIteration", json!({"id": other}));
}
