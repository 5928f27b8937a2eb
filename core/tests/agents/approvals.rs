//! Requests for the approval of a user.

use serde_json::{Value, json};

use super::phases::agent;
use crate::support::{World, iso};

#[test]
fn requesting_an_approval_pauses_the_session_in_the_approval_phase() {
    let world = World::default();
    let id = agent(&world);
    let head = world.ok("requestApproval", json!({"id": id, "reason": "apply?"}));
    assert_eq!(
        (&head["phase"], &head["status"]),
        (&json!("approval"), &json!("paused"))
    );
    assert_eq!(head["context"]["pauseReason"], "apply?");
    assert_eq!(head["resumeReady"], true);
    world.pass(1000);
    let again = world.ok("requestApproval", json!({"id": id, "reason": "apply now?"}));
    assert_eq!(again["context"]["pauseReason"], "apply now?");
    assert_eq!(again["context"]["pausedAt"], head["context"]["pausedAt"]);
    assert_eq!(again["eventCount"], head["eventCount"]);
    assert_eq!(again["updatedAt"], iso(world.now()));
}

#[test]
fn approving_resumes_the_session_in_its_phase() {
    let world = World::default();
    let id = agent(&world);
    world.ok("requestApproval", json!({"id": id}));
    world.pass(600_000);
    let head = world.ok("approve", json!({"id": id, "by": "ada", "reason": "fine"}));
    assert_eq!(
        (&head["phase"], &head["status"]),
        (&json!("approval"), &json!("active"))
    );
    assert_eq!(head["updatedAt"], iso(world.now()));
    assert_eq!(head["context"], json!({}));
    assert_eq!(
        events(&world, &id),
        ["start", "phase", "pause", "approval", "resume"]
    );
    let history = world.session(&id)["history"].clone();
    assert_eq!(
        history[3]["data"],
        json!({"approved": true, "reason": "fine", "by": "ada"})
    );
    assert_eq!(history[4]["data"], json!({"pausedDuration": 600_000}));
}

#[test]
fn denying_abandons_the_session_with_the_given_reason() {
    let world = World::default();
    let id = agent(&world);
    world.ok("requestApproval", json!({"id": id}));
    let head = world.ok("deny", json!({"id": id, "reason": "too risky"}));
    assert_eq!(
        (&head["phase"], &head["status"]),
        (&json!("abandoned"), &json!("abandoned"))
    );
    assert_eq!(head["summary"], "too risky");
    let session = world.session(&id);
    assert_eq!(
        session["history"][3]["data"],
        json!({"approved": false, "reason": "too risky"})
    );
    assert_eq!(
        events(&world, &id),
        ["start", "phase", "pause", "approval", "phase", "abandoned"]
    );
}

#[test]
fn an_active_agent_in_the_approval_phase_can_be_approved() {
    let world = World::default();
    let id = agent(&world);
    let head = world.ok("agentUpdate", json!({"id": id, "phase": "approval"}));
    assert_eq!(head["status"], "active");
    let head = world.ok("approve", json!({"id": id}));
    assert_eq!(
        (&head["phase"], &head["status"]),
        (&json!("approval"), &json!("active"))
    );
    assert_eq!(events(&world, &id), ["start", "phase", "approval"]);
}

#[test]
fn approving_or_denying_an_agent_outside_of_the_approval_phase_is_refused() {
    let world = World::default();
    let plain = world.start(json!({"paused": true}));
    let new = agent(&world);
    let ended = agent(&world);
    world.ok("requestApproval", json!({"id": ended}));
    world.ok("deny", json!({"id": ended}));
    for id in [plain, new, ended] {
        let before = world.session(&id);
        for name in ["approve", "deny"] {
            let error = world.error(name, json!({"id": id}));
            assert_eq!(error.code(), "INVALID_PHASE");
            assert!(error.to_string().contains("requestApproval"), "{error}");
        }
        assert_eq!(world.session(&id), before);
    }
}

/// The types of a session's events.
fn events(world: &World, id: &str) -> Vec<String> {
    let session = world.session(id);
    let history = session["history"].as_array().unwrap();
    let kind = |event: &Value| event["type"].as_str().unwrap().to_owned();
    history.iter().map(kind).collect()
}
