//! The outcomes of starting a session in a slot.

use serde_json::json;

use super::{id, in_slot, params, start};
use crate::support::World;

#[test]
fn a_session_is_started_in_a_free_slot() {
    let world = World::default();
    let answer = start(&world, "a", json!({"id": "s", "userId": "u"}));
    assert_eq!(answer["outcome"], "created");
    assert_eq!(answer["code"], "SLOT_CREATED");
    let slot = json!({"taskId": "t", "phase": "plan", "model": "a"});
    assert_eq!(answer["session"]["slot"], slot);
    assert_eq!(world.session("s")["slot"], slot);
    assert_eq!(world.session("s")["history"][0]["type"], "start");
    assert_eq!(in_slot(&world).as_deref(), Some("s"));
    // Another phase of the task is another slot.
    let params = params("a", json!({"phase": "implementation"}));
    let other = world.ok("startInSlot", params);
    assert_eq!(other["outcome"], "created");
    assert_eq!(other["session"]["slot"]["phase"], "run");
}

#[test]
fn the_same_model_does_not_start_twice() {
    let world = World::default();
    let first = start(&world, "a", json!({}));
    for more in [
        json!({}),
        json!({"onModelChange": "replace"}),
        json!({"rerun": true}),
    ] {
        let again = start(&world, "a", more);
        assert_eq!(again["outcome"], "existing");
        assert_eq!(again["code"], "SAME_MODEL_ACTIVE");
        assert_eq!(
            (id(&again), &again["finished"]),
            (id(&first), &json!(false))
        );
    }
    world.ok("complete", json!({"id": id(&first), "result": "r"}));
    let again = start(&world, "a", json!({}));
    assert_eq!(again["code"], "SAME_MODEL_FINISHED");
    assert_eq!((id(&again), &again["finished"]), (id(&first), &json!(true)));
    assert_eq!(again["session"]["result"], "r");
    let rerun = start(&world, "a", json!({"rerun": true}));
    assert_eq!(
        (&rerun["outcome"], &rerun["reason"]),
        (&json!("replaced"), &json!("rerun"))
    );
    assert_eq!(rerun["replaced"]["id"], id(&first));
    // A completed session stays completed when it is replaced.
    assert_eq!(world.session(id(&first))["status"], "completed");
}

#[test]
fn a_session_that_ended_without_a_result_is_replaced_without_confirmation() {
    for (end, reason) in [("fail", "failed"), ("abandon", "abandoned")] {
        for model in ["a", "b"] {
            let world = World::default();
            let first = start(&world, "a", json!({}));
            world.ok(end, json!({"id": id(&first)}));
            let next = start(&world, model, json!({"onModelChange": "reject"}));
            assert_eq!(next["outcome"], "replaced");
            assert_eq!(next["reason"], reason);
        }
    }
    let world = World::default();
    let first = start(&world, "a", json!({"maxIterations": 1}));
    world.ok("incrementIteration", json!({"id": id(&first)}));
    assert_eq!(start(&world, "a", json!({}))["reason"], "timeout");
}

#[test]
fn a_start_with_another_model_requires_a_confirmation_of_the_current_version() {
    let world = World::default();
    let first = start(&world, "a", json!({"id": "first"}));
    let asks = start(&world, "b", json!({}));
    assert_eq!(asks["outcome"], "needs_confirmation");
    assert_eq!(
        (&asks["code"], &asks["change"]),
        (&json!("MODEL_CHANGED"), &json!("major"))
    );
    assert_eq!(id(&asks), id(&first));
    let seen = json!({"id": id(&asks), "version": asks["session"]["version"]});
    world.ok("incrementIteration", json!({"id": "first"}));
    let busy = start(&world, "b", json!({"confirm": seen}));
    assert_eq!(
        (&busy["outcome"], &busy["code"]),
        (&json!("busy"), &json!("SESSION_CHANGED"))
    );
    let seen = json!({"id": "first", "version": busy["session"]["version"]});
    let replaced = start(&world, "b", json!({"confirm": seen}));
    assert_eq!(replaced["outcome"], "replaced");
    assert_eq!(replaced["reason"], "model_change");
    assert_eq!(in_slot(&world).as_deref(), Some(id(&replaced)));
    // A repeated confirmation finds the new occupant.
    assert_eq!(
        start(&world, "b", json!({"confirm": seen}))["outcome"],
        "existing"
    );
    assert_eq!(
        start(&world, "c", json!({"confirm": seen}))["outcome"],
        "busy"
    );
}

#[test]
fn a_session_of_the_same_model_is_replaced_on_request_once_the_user_has_confirmed() {
    for (end, locking) in [
        (None, "optimistic"),
        (Some("pause"), "pessimistic"),
        (Some("complete"), "optimistic"),
    ] {
        let world = World::default();
        start(&world, "a", json!({"id": "first"}));
        if let Some(end) = end {
            world.ok(end, json!({"id": "first"}));
        }
        let request = |more: serde_json::Value| {
            let mut params = json!({"replace": true, "locking": locking});
            let properties = params.as_object_mut().unwrap();
            properties.extend(more.as_object().unwrap().clone());
            start(&world, "a", params)
        };
        // `onModelChange` is about another model.
        let asks = request(json!({"onModelChange": "replace"}));
        assert_eq!(asks["outcome"], "needs_confirmation");
        assert_eq!(asks["code"], "REPLACEMENT_REQUESTED");
        assert!(asks["warning"].is_string());
        assert_eq!(id(&asks), "first");
        let seen = json!({"id": "first", "version": asks["session"]["version"]});
        world.ok("update", json!({"id": "first", "task": "other"}));
        assert_eq!(request(json!({"confirm": seen}))["outcome"], "busy");
        let version = world.session("first")["version"].clone();
        let seen = json!({"id": "first", "version": version});
        // A confirmation alone is no request.
        let kept = start(&world, "a", json!({"confirm": seen}));
        assert_eq!(kept["outcome"], "existing");
        let replaced = request(json!({"confirm": seen}));
        assert_eq!(replaced["outcome"], "replaced");
        assert_eq!(replaced["reason"], "user_request");
        assert_eq!(replaced["replaced"]["id"], "first");
        let is_live = end != Some("complete");
        assert_eq!(replaced.get("cancelled").is_some(), is_live);
        assert_eq!(in_slot(&world).as_deref(), Some(id(&replaced)));
    }
}

#[test]
fn a_start_with_another_model_can_be_rejected() {
    let world = World::default();
    let first = start(&world, "a", json!({}));
    let answer = start(&world, "b", json!({"onModelChange": "reject"}));
    assert_eq!(answer["outcome"], "rejected");
    assert_eq!(id(&answer), id(&first));
    assert_eq!(world.session(id(&first))["version"], 1);
}

#[test]
fn replacing_a_session_cancels_and_trashes_it_and_sends_notices() {
    let world = World::default();
    start(&world, "a", json!({"id": "old"}));
    world.ok(
        "addEvent",
        json!({"id": "old", "type": "note", "data": {"n": 1}}),
    );
    let before = world.export("old");
    let all = json!({"id": "new", "onModelChange": "replace", "exportOld": true});
    let notices = world.notices("startInSlot", params("b", all.clone()));
    let events: Vec<&str> = notices
        .as_array()
        .unwrap()
        .iter()
        .map(|notice| notice["event"].as_str().unwrap())
        .collect();
    assert_eq!(events.len(), 2, "{notices}");
    let old = world.session("old");
    assert_eq!(old["status"], "abandoned");
    assert!(old["deletedAt"].is_string());
    let last = &old["history"][2];
    assert_eq!(last["type"], "abandoned");
    assert_eq!(
        last["data"]["reason"],
        "replaced by session new: model_change"
    );
    assert_eq!(
        world.code("addEvent", json!({"id": "old", "type": "note"})),
        "SESSION_DELETED"
    );
    // The exported session is in its state before the replacement.
    let again = World::default();
    start(&again, "a", json!({"id": "old"}));
    again.ok(
        "addEvent",
        json!({"id": "old", "type": "note", "data": {"n": 1}}),
    );
    let answer = start(&again, "b", all);
    assert_eq!(answer["exported"], before);
    assert_eq!(answer["replaced"]["status"], "abandoned");
    assert_eq!(answer["reason"], "model_change");
}

#[test]
fn each_replacement_has_an_audit_entry() {
    let world = World::default();
    start(&world, "a", json!({"id": "old"}));
    start(
        &world,
        "b",
        json!({"id": "new", "onModelChange": "replace"}),
    );
    let log = world.ok("auditLog", json!({}));
    let entries = log["items"].as_array().unwrap();
    let text = entries[0].to_string();
    assert_eq!(entries.len(), 1, "{log}");
    for part in [
        "slot.replacement",
        "\"old\"",
        "\"new\"",
        "model_change",
        "\"plan\"",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[test]
fn the_lease_of_a_slot_blocks_others_for_five_seconds() {
    let world = World::default();
    let lease = json!({"key": "slot:t/plan", "holder": "h", "leaseDurationMs": 5000});
    world.ok("leaseAcquire", lease);
    let locked = json!({"locking": "pessimistic"});
    let busy = start(&world, "a", locked.clone());
    assert_eq!(
        (&busy["outcome"], &busy["code"]),
        (&json!("busy"), &json!("SLOT_LOCKED"))
    );
    assert_eq!(in_slot(&world), None);
    world.pass(5000);
    assert_eq!(start(&world, "a", locked.clone())["outcome"], "created");
    // The first start has released the lease.
    let replace = json!({"locking": "pessimistic", "onModelChange": "replace"});
    assert_eq!(start(&world, "b", replace)["outcome"], "replaced");
    assert_eq!(start(&world, "b", locked)["outcome"], "existing");
}

#[test]
fn a_session_cannot_replace_itself() {
    let world = World::default();
    start(&world, "a", json!({"id": "s"}));
    let same = params("b", json!({"id": "s", "onModelChange": "replace"}));
    assert_eq!(world.code("startInSlot", same), "SESSION_EXISTS");
    assert_eq!(world.session("s")["status"], "active");
}

#[test]
fn an_error_releases_the_lease_of_the_slot() {
    let world = World::default();
    world.start(json!({"id": "s"}));
    let taken = params("a", json!({"id": "s", "locking": "pessimistic"}));
    assert_eq!(world.code("startInSlot", taken), "SESSION_EXISTS");
    let next = start(&world, "a", json!({"locking": "pessimistic"}));
    assert_eq!(next["outcome"], "created");
}

#[test]
fn models_that_differ_in_a_minor_version_are_the_same() {
    let world = World::default();
    let model = |version: &str| json!({"model": {"name": "a", "version": version}});
    start(&world, "", model("1.0"));
    let minor = start(&world, "", model("1.1"));
    assert_eq!(
        (&minor["outcome"], &minor["change"]),
        (&json!("existing"), &json!("minor"))
    );
    let major = start(&world, "", model("2.0"));
    assert_eq!(
        (&major["outcome"], &major["change"]),
        (&json!("needs_confirmation"), &json!("major"))
    );
}

#[test]
fn invalid_parameters_of_a_start_are_named() {
    let world = World::default();
    for (more, named) in [
        (json!({"taskId": ""}), "taskId"),
        (json!({"taskId": "x".repeat(501)}), "taskId"),
        (json!({"phase": "executing"}), "phase"),
        (json!({"model": {"version": "1"}}), "model"),
        (json!({"model": {"name": "a", "size": 1}}), "size"),
        (json!({"onModelChange": "ask"}), "onModelChange"),
        (json!({"locking": "none"}), "locking"),
        (json!({"confirm": {"id": "s"}}), "confirm"),
    ] {
        let error = world.error("startInSlot", params("a", more.clone()));
        assert_eq!(error.code(), "INVALID_ARGUMENT", "{more}");
        assert!(error.to_string().contains(named), "{error}");
    }
    let many: Vec<String> = (0..1001).map(|n| n.to_string()).collect();
    for name in ["slots", "list"] {
        assert_eq!(
            world.code(name, json!({"taskIds": many})),
            "INVALID_ARGUMENT"
        );
    }
}
