//! Sessions whose models are not available.

use serde_json::json;
use tenure_core::Models;

use super::{in_slot, params, start};
use crate::support::World;

#[test]
fn a_session_with_a_missing_model_can_be_read_but_not_changed() {
    let world = World::default();
    start(&world, "a", json!({"id": "s"}));
    world.ok("pause", json!({"id": "s"}));
    let world = world.with_limits(|limits| limits.models = Models::Names(vec!["b".to_owned()]));
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
    // A session without a slot has no model.
    let other = world.start(json!({}));
    world.ok("incrementIteration", json!({"id": other}));
}

#[test]
fn a_request_for_confirmation_reports_a_missing_previous_model() {
    let world = World::default();
    let known = start(&world, "a", json!({"id": "s"}));
    assert_eq!(known["modelMissing"], false);
    let asks = start(&world, "b", json!({}));
    let world = world.with_limits(|limits| limits.models = Models::Names(vec!["b".to_owned()]));
    for (more, outcome) in [
        (json!({}), "needs_confirmation"),
        (json!({"onModelChange": "reject"}), "rejected"),
        (json!({"confirm": {"id": "s", "version": 7}}), "busy"),
    ] {
        let answer = start(&world, "b", more);
        assert_eq!(answer["outcome"], outcome);
        assert_eq!(answer["modelMissing"], true, "{answer}");
        if outcome != "busy" {
            let message = answer["message"].as_str().unwrap();
            assert!(message.contains("no longer available"), "{message}");
            assert_ne!(answer["message"], asks["message"]);
        }
    }
    let next = start(&world, "b", json!({"onModelChange": "replace"}));
    assert_eq!(
        (&next["outcome"], &next["modelMissing"]),
        (&json!("replaced"), &json!(false))
    );
}
