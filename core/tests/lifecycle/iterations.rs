//! Iterations: how they are counted, and what happens when the budget is exhausted.

use serde_json::json;

use crate::support::World;

#[test]
fn a_hundred_iterations_are_allowed_by_default() {
    let world = World::default();
    let id = world.start(json!({}));
    assert_eq!(world.session(&id)["maxIterations"], 100);
    for max in [
        json!(0),
        json!(-1),
        json!(1.5),
        json!("9"),
        json!(4_294_967_296_u64),
    ] {
        let params = json!({"task": "t", "mode": "m", "maxIterations": max});
        assert_eq!(world.code("start", params), "INVALID_ARGUMENT");
    }
}

#[test]
fn the_last_iteration_makes_the_session_timeout_with_an_event() {
    let world = World::default();
    let id = world.start(json!({"maxIterations": 2}));
    let first = world.ok("incrementIteration", json!({"id": id}));
    assert_eq!(first["status"], "active");
    assert_eq!(first["firstSequence"], first["lastSequence"]);
    let reply = world.call(
        "incrementIteration",
        json!({"id": id, "data": {"step": "b"}}),
    );
    let last: serde_json::Value = serde_json::from_str(&reply.unwrap().value).unwrap();
    assert_eq!(last["status"], "timeout");
    assert_eq!(last["iterations"], 2);
    assert_eq!(last["firstSequence"], 3);
    assert_eq!(last["lastSequence"], 4);
    let session = world.session(&id);
    assert!(session.get("finalizedAt").is_none(), "it may still go on");
    assert_eq!(session["history"][1]["data"], json!({"iteration": 1}));
    assert_eq!(session["history"][2]["data"], json!({"step": "b"}));
    assert_eq!(session["history"][3]["type"], "timeout");
    assert_eq!(
        session["history"][3]["data"],
        json!({"iterations": 2, "maxIterations": 2})
    );
}

#[test]
fn a_session_without_remaining_iterations_refuses_an_iteration() {
    let world = World::default();
    let id = world.start(json!({"maxIterations": 1}));
    world.ok("incrementIteration", json!({"id": id}));
    let error = world.error("incrementIteration", json!({"id": id}));
    assert_eq!(error.code(), "BUDGET_EXHAUSTED");
    let details: serde_json::Value = serde_json::to_value(error.details()).unwrap();
    assert_eq!(
        details,
        json!({"id": id, "iterations": 1, "maxIterations": 1})
    );
    // Other events are recorded after the timeout, because tools of the last iteration may report
    // late.
    world.ok("recordToolCall", json!({"id": id, "tool": "bash"}));
}

#[test]
fn a_session_in_timeout_is_resumed_with_more_iterations() {
    let world = World::default();
    let id = world.start(json!({"maxIterations": 1}));
    world.ok("incrementIteration", json!({"id": id}));
    for params in [
        json!({}),
        json!({"ifExhausted": "timeout"}),
        json!({"addIterations": 0}),
    ] {
        let mut params = params;
        params["id"] = json!(id);
        assert_eq!(world.code("resume", params), "BUDGET_EXHAUSTED");
    }
    let head = world.ok("resume", json!({"id": id, "addIterations": 1}));
    assert_eq!(
        (&head["status"], &head["maxIterations"]),
        (&json!("active"), &json!(2))
    );
    assert_eq!(
        world.last_event(&id)["data"],
        json!({"pausedDuration": 0, "addIterations": 1})
    );
    let answer = world.ok("incrementIteration", json!({"id": id}));
    assert_eq!(answer["status"], "timeout");
}

#[test]
fn a_session_that_was_paused_in_timeout_is_resumed_with_more_iterations() {
    let world = World::default();
    let id = world.start(json!({"maxIterations": 1}));
    world.ok("incrementIteration", json!({"id": id}));
    world.ok("pause", json!({"id": id, "reason": "review"}));
    let before = world.export(&id);
    assert_eq!(world.code("resume", json!({"id": id})), "BUDGET_EXHAUSTED");
    assert_eq!(
        world.code("resume", json!({"id": id, "addIterations": 0})),
        "BUDGET_EXHAUSTED"
    );
    assert_eq!(world.export(&id), before);
    let head = world.ok("resume", json!({"id": id, "addIterations": 1}));
    assert_eq!(head["maxIterations"], 2);
    assert_eq!(
        world.last_event(&id)["data"],
        json!({"pausedDuration": 0, "addIterations": 1})
    );
    let answer = world.ok("incrementIteration", json!({"id": id}));
    assert_eq!(answer["status"], "timeout");
}

#[test]
fn a_session_in_timeout_is_resumed_after_its_budget_is_raised() {
    let world = World::default();
    let id = world.start(json!({"maxIterations": 1}));
    world.ok("incrementIteration", json!({"id": id}));
    world.ok("update", json!({"id": id, "maxIterations": 3}));
    assert_eq!(world.ok("resume", json!({"id": id}))["status"], "active");
}

#[test]
fn a_paused_session_counts_iterations_within_its_budget() {
    let world = World::default();
    let id = world.start(json!({"maxIterations": 2}));
    world.ok("pause", json!({"id": id}));
    world.ok("incrementIteration", json!({"id": id}));
    let last = world.ok("incrementIteration", json!({"id": id}));
    assert_eq!(
        last["status"], "paused",
        "it stays paused when the budget is exhausted"
    );
    assert_eq!(last["iterations"], 2);
    assert_eq!(
        world.code("incrementIteration", json!({"id": id})),
        "BUDGET_EXHAUSTED"
    );
    assert_eq!(world.code("resume", json!({"id": id})), "BUDGET_EXHAUSTED");
    assert_eq!(world.ok("isResumable", json!({"id": id})), true);
}

#[test]
fn the_budget_cannot_be_set_below_the_counted_iterations() {
    let world = World::default();
    let id = world.start(json!({"maxIterations": 5}));
    world.ok("incrementIteration", json!({"id": id}));
    world.ok("incrementIteration", json!({"id": id}));
    for max in [0, 1] {
        let params = json!({"id": id, "maxIterations": max});
        assert_eq!(world.code("update", params), "INVALID_ARGUMENT");
    }
    let head = world.ok("update", json!({"id": id, "maxIterations": 3}));
    assert_eq!(head["maxIterations"], 3);
    assert_eq!(
        world.ok("incrementIteration", json!({"id": id}))["status"],
        "timeout"
    );
}

#[test]
fn a_budget_is_limited_to_the_range_of_the_counter() {
    let world = World::default();
    let id = world.start(json!({"maxIterations": u32::MAX}));
    let head = world.ok("resume", json!({"id": id, "addIterations": u32::MAX}));
    assert_eq!(head["maxIterations"], u32::MAX);
}

#[test]
fn progress_duration_and_resumability_follow_the_session() {
    let world = World::default();
    let id = world.start(json!({"maxIterations": 4}));
    let of = |operation: &str| world.ok(operation, json!({"id": id}));
    assert_eq!(of("progress"), 0.0);
    assert_eq!(of("isResumable"), true);
    world.ok("incrementIteration", json!({"id": id}));
    assert_eq!(of("progress"), 25.0);
    world.pass(500);
    assert_eq!(of("duration"), 500);
    world.ok("pause", json!({"id": id}));
    world.pass(500);
    assert_eq!(of("duration"), 1000);
    assert_eq!(of("isResumable"), true);
    world.ok("trash", json!({"id": id}));
    assert_eq!(of("isResumable"), false, "not while it is in the trash");
    world.ok("restore", json!({"id": id}));
    world.ok("complete", json!({"id": id}));
    world.pass(5000);
    world.ok("update", json!({"id": id, "task": "renamed"}));
    assert_eq!(of("duration"), 1000);
    assert_eq!(of("isResumable"), false);
    assert_eq!(of("progress"), 25.0);
    let id = world.start(json!({"maxIterations": 1}));
    world.ok("incrementIteration", json!({"id": id}));
    assert_eq!(world.ok("progress", json!({"id": id})), 100.0);
    assert_eq!(world.ok("isResumable", json!({"id": id})), false);
}
