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
        ("updateContext", json!({"id": "s", "context": {"a": 1}})),
        ("update", json!({"id": "s", "context": {"a": 1}})),
        ("fork", json!({"id": "s"})),
        ("startInSlot", params("a", json!({}))),
    ] {
        assert_eq!(world.code(name, more), "MODEL_MISSING", "{name}");
    }
    world.ok("update", json!({"id": "s", "task": "another"}));
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
fn bookkeeping_and_administration_do_not_ask_about_the_model() {
    let world = World::default();
    start(&world, "a", json!({"id": "s"}));
    let world = world.with_limits(|limits| limits.models = Models::Names(vec!["b".to_owned()]));
    let text = world.ok("export", json!({"id": "s"}));
    for (name, params) in [
        ("recordUsage", json!({"id": "s", "cost": 1})),
        (
            "agentUpdate",
            json!({"id": "s", "metadata": {"a": 1}, "error": "e"}),
        ),
        ("override", json!({"id": "s", "updates": {"task": "u"}})),
        ("save", json!({"text": text})),
        ("import", json!({"text": text})),
        ("requestApproval", json!({"id": "s"})),
        ("agentFinalize", json!({"id": "s", "outcome": "failed"})),
    ] {
        world.ok(name, params);
    }
    for (name, more) in [
        ("addEvents", json!({"events": [{"type": "note"}]})),
        ("recordToolCall", json!({"tool": "t"})),
        ("startToolCall", json!({"tool": "t", "callId": "c"})),
        ("finishToolCall", json!({"callId": "c"})),
        ("recordLearning", json!({"insight": "i"})),
    ] {
        let mut params = json!({"id": "s"});
        let properties = params.as_object_mut().unwrap();
        properties.extend(more.as_object().unwrap().clone());
        assert_eq!(world.code(name, params), "MODEL_MISSING", "{name}");
    }
}

#[test]
fn an_agent_whose_model_is_missing_does_not_go_on() {
    let world = World::default();
    start(&world, "a", json!({"id": "s"}));
    world.ok("agentUpdate", json!({"id": "s", "phase": "planning"}));
    world.ok("requestApproval", json!({"id": "s"}));
    let world = world.with_limits(|limits| limits.models = Models::Names(vec!["b".to_owned()]));
    assert_eq!(
        world.code("approve", json!({"id": "s", "by": "ada"})),
        "MODEL_MISSING"
    );
    let world = world.with_limits(|limits| limits.models = Models::Unknown);
    world.ok("approve", json!({"id": "s", "by": "ada"}));
    world.ok("pause", json!({"id": "s"}));
    assert_eq!(world.ok("isResumable", json!({"id": "s"})), true);
    let world = world.with_limits(|limits| limits.models = Models::Names(vec!["b".to_owned()]));
    for phase in ["executing", "planning"] {
        let update = json!({"id": "s", "phase": phase});
        assert_eq!(world.code("agentUpdate", update), "MODEL_MISSING");
    }
    assert_eq!(world.ok("isResumable", json!({"id": "s"})), false);
    let decision = world.ok("shouldResume", json!({"id": "s"}));
    assert_eq!(
        (&decision["resume"], &decision["reason"]),
        (&json!(false), &json!("model_missing"))
    );
    assert_eq!(
        world.ok("agentList", json!({"resumable": true}))["items"],
        json!([])
    );
    assert_eq!(
        world.ok("agentList", json!({}))["items"][0]["modelMissing"],
        true
    );
    let asked = json!({"agent_id": "s"}).to_string();
    let reply = world.ok("hookPreDelegate", json!({"input": asked}));
    assert_eq!(reply["output"]["should_resume"], false);
    let delegation = json!({
        "hook_event_name": "PreToolUse", "tool_name": "Task", "session_id": "c",
        "tool_input": {"subagent_type": "m", "prompt": "Go on with s-1 and s."}
    });
    world.ok("hookEvent", json!({"input": delegation.to_string()}));
    assert_eq!(world.session("s")["status"], "paused");
    // It may record, deny, wait and end.
    world.ok(
        "agentUpdate",
        json!({"id": "s", "error": "e", "metadata": {"a": 1}}),
    );
    world.ok("requestApproval", json!({"id": "s"}));
    world.ok("deny", json!({"id": "s"}));
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

#[test]
fn a_session_with_a_missing_model_can_be_ended() {
    for (name, status) in [
        ("pause", "paused"),
        ("complete", "completed"),
        ("fail", "failed"),
        ("abandon", "abandoned"),
    ] {
        let world = World::default();
        start(&world, "a", json!({"id": "s"}));
        let world = world.with_limits(|limits| limits.models = Models::Names(Vec::new()));
        assert_eq!(world.ok(name, json!({"id": "s"}))["status"], status);
    }
}

#[test]
fn lists_and_single_sessions_are_marked() {
    let world = World::default();
    start(&world, "a", json!({"id": "s"}));
    start(&world, "b", json!({"id": "other", "taskId": "u"}));
    world.start(json!({"id": "free"}));
    let marked = |world: &World| {
        let list = world.ok("list", json!({"direction": "asc"}));
        let mut found = Vec::new();
        for item in list["items"].as_array().unwrap() {
            let got = world.ok("get", json!({"id": item["id"]}));
            for name in ["modelMissing", "message"] {
                assert_eq!(got.get(name), item.get(name), "{name}");
            }
            match item.get("modelMissing") {
                Some(missing) => {
                    assert_eq!(missing, true);
                    assert!(item["message"].as_str().unwrap().contains("no longer"));
                    found.push(item["id"].as_str().unwrap().to_owned());
                }
                None => assert_eq!(item.get("message"), None),
            }
        }
        found
    };
    assert_eq!(marked(&world), Vec::<String>::new());
    let world = world.with_limits(|limits| limits.models = Models::Names(vec!["b".to_owned()]));
    assert_eq!(marked(&world), ["s"]);
    // A session that is saved as it was shown does not keep the marks.
    let shown = world.ok("get", json!({"id": "s"}));
    world.ok("save", json!({"text": shown.to_string()}));
    assert!(!world.export("s").to_string().contains("modelMissing"));
}

#[test]
fn a_start_in_an_empty_slot_names_no_session() {
    let world =
        World::default().with_limits(|limits| limits.models = Models::Names(vec!["b".to_owned()]));
    let error = world.error("startInSlot", params("a", json!({"id": "s"})));
    assert_eq!(error.code(), "MODEL_MISSING");
    assert_eq!(
        error.to_string(),
        "the model \"a\" is not available, so no session was started; choose one of the available models"
    );
}
