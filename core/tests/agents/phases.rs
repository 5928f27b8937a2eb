//! Creating agents and recording their updates.

use serde_json::{Value, json};
use tenure_core::{Phase, SessionId, Timestamp};

use crate::support::{NOON, World, iso};

#[test]
fn a_new_agent_is_a_session_in_its_first_phase() {
    let world = World::default();
    let made = world.ok(
        "agentCreate",
        json!({"agentName": "terraform-architect", "purpose": "approval_workflow",
               "metadata": {"task_id": "T001"}}),
    );
    let id = made["id"].as_str().unwrap();
    assert!(id.starts_with("agent-20260108-180530-"), "{id}");
    assert_eq!(made["status"], "active");
    assert_eq!(made["mode"], "terraform-architect");
    assert_eq!(
        world.ok("agentGet", json!({"id": id})),
        json!({
            "agentId": id, "agentName": "terraform-architect", "purpose": "approval_workflow",
            "createdAt": iso(NOON), "lastUpdated": iso(NOON), "phase": "initializing",
            "metadata": {"task_id": "T001"}, "resumeReady": false, "history": [],
            "errorCount": 0, "lastError": null, "finalizedAt": null, "durationSeconds": null,
            "summary": null, "approval": null
        })
    );
}

#[test]
fn the_fork_of_an_agent_has_an_agents_id() {
    let world = World::default();
    let id = world.ok("agentCreate", json!({"agentName": "a"}))["id"].clone();
    let fork = world.ok("fork", json!({"id": id}))["id"].clone();
    assert!(
        fork.as_str().unwrap().starts_with("agent-20260108-180530-"),
        "{fork}"
    );
    assert_ne!(fork, id);
    let named = world.ok("fork", json!({"id": id, "newId": "f"}));
    assert_eq!(named["id"], "f");
    let session = world.start(json!({}));
    let fork = world.ok("fork", json!({"id": session}))["id"].clone();
    assert!(fork.as_str().unwrap().starts_with("session_"), "{fork}");
}

#[test]
fn an_agent_requires_only_a_name() {
    let world = World::default();
    let made = world.ok("agentCreate", json!({"agentName": "a"}));
    assert_eq!((&made["purpose"], &made["task"]), (&json!(""), &json!("")));
    for params in [json!({}), json!({"agentName": ""})] {
        assert_eq!(world.code("agentCreate", params), "INVALID_ARGUMENT");
    }
}

#[test]
fn a_generated_id_that_is_in_use_is_generated_again() {
    let world = World::default();
    let now = Timestamp::from_millis(NOON).unwrap();
    // The random bits of the world's first call.
    let entropy = 0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835_u128.to_le_bytes();
    let [first, second] = [0, 1].map(|attempt| SessionId::of_agent(now, entropy.into(), attempt));
    let other = World::over(tenure_core::Lift(&world.store.0));
    other.ok(
        "agentCreate",
        json!({"agentName": "a", "id": first.as_str()}),
    );
    let made = world.ok("agentCreate", json!({"agentName": "b"}));
    assert_eq!(made["id"], second.as_str());
    let params = json!({"agentName": "c", "id": second.as_str()});
    assert_eq!(world.code("agentCreate", params), "SESSION_EXISTS");
}

#[test]
fn creating_an_agent_twice_with_one_idempotency_key_creates_one() {
    let world = World::default();
    let params = json!({"agentName": "a", "idempotencyKey": "k"});
    let made = world.ok("agentCreate", params.clone());
    assert_eq!(world.ok("agentCreate", params), made);
    let other = json!({"agentName": "b", "idempotencyKey": "k"});
    assert_eq!(world.code("agentCreate", other), "IDEMPOTENCY_MISMATCH");
}

#[test]
fn each_change_of_phase_is_in_the_history_and_sets_resume_ready() {
    let world = World::default();
    let id = agent(&world);
    let mut history: Vec<Value> = Vec::new();
    let mut before = Phase::Initializing;
    for phase in Phase::ALL.into_iter().filter(|phase| !phase.is_final()) {
        world.pass(1000);
        let head = world.ok("agentUpdate", json!({"id": id, "phase": phase}));
        assert_eq!(head["phase"], json!(phase));
        assert_eq!(head["resumeReady"], phase.is_resumable());
        assert_eq!(head["status"], "active");
        if phase != before {
            history.push(json!({
                "fromPhase": before, "toPhase": phase, "timestamp": iso(world.now())
            }));
        }
        before = phase;
    }
    assert_eq!(
        world.ok("agentGet", json!({"id": id}))["history"],
        json!(history)
    );
}

#[test]
fn resume_ready_can_be_set_until_the_next_phase() {
    let world = World::default();
    let id = agent(&world);
    let update =
        |params: Value| world.ok("agentUpdate", with_id(&id, params))["resumeReady"].clone();
    assert_eq!(
        update(json!({"phase": "planning", "resumeReady": false})),
        false
    );
    assert_eq!(update(json!({"metadata": {"a": 1}})), false);
    assert_eq!(update(json!({"resumeReady": true})), true);
    assert_eq!(update(json!({"resumeReady": false})), false);
    assert_eq!(update(json!({"phase": "approval"})), true);
    assert_eq!(update(json!({"phase": "executing"})), false);
    let params = json!({"id": id, "resumeReady": true});
    assert_eq!(world.code("agentUpdate", params), "INVALID_ARGUMENT");
}

#[test]
fn metadata_is_merged_and_its_secrets_are_redacted() {
    let world = World::default();
    let made = world.ok(
        "agentCreate",
        json!({"agentName": "a", "metadata": {"a": 1, "b": {"c": 2}, "password": "hunter22"}}),
    );
    assert_eq!(made["metadata"]["password"], "[redacted]");
    let id = made["id"].as_str().unwrap();
    let head = world.ok(
        "agentUpdate",
        json!({"id": id, "metadata": {"b": 3, "d": 4, "api_key": "abcdef123456"}}),
    );
    assert_eq!(
        head["metadata"],
        json!({"a": 1, "b": 3, "password": "[redacted]", "d": 4, "api_key": "[redacted]"})
    );
    let asked = world.ok(
        "requestApproval",
        json!({"id": id, "metadata": {"token": "abcdef123456"}}),
    );
    assert_eq!(asked["metadata"]["token"], "[redacted]");
}

#[test]
fn the_texts_of_an_agent_are_redacted() {
    let world = World::default();
    let made = world.ok(
        "agentCreate",
        json!({"agentName": "a", "purpose": "deploy with TOKEN=abc"}),
    );
    let id = made["id"].as_str().unwrap();
    assert_eq!(made["task"], "deploy with TOKEN=[redacted]");
    let head = world.ok(
        "agentUpdate",
        json!({"id": id, "error": "TOKEN=abc", "summary": "PASSWORD=abc"}),
    );
    assert_eq!(head["lastError"]["message"], "TOKEN=[redacted]");
    assert_eq!(head["summary"], "PASSWORD=[redacted]");
    let head = world.ok(
        "update",
        json!({"id": id, "task": "TOKEN=abc", "metadata": {"token": "x"}}),
    );
    assert_eq!(head["task"], "TOKEN=[redacted]");
    assert_eq!(head["metadata"], json!({"token": "[redacted]"}));
    let head = world.ok("requestApproval", json!({"id": id, "reason": "TOKEN=abc?"}));
    assert_eq!(head["context"]["pauseReason"], "TOKEN=[redacted]");
    world.ok(
        "approve",
        json!({"id": id, "by": "b", "reason": "TOKEN=abc"}),
    );
    let other = agent(&world);
    let ended = world.ok(
        "agentFinalize",
        json!({"id": other, "outcome": "completed", "summary": "TOKEN=abc"}),
    );
    assert_eq!(ended["summary"], "TOKEN=[redacted]");
    assert_eq!(ended["result"], "TOKEN=[redacted]");
    for id in [id, &other] {
        let exported = world
            .ok("get", json!({"id": id, "history": "all"}))
            .to_string();
        assert!(!exported.contains("abc"), "{exported}");
    }
}

#[test]
fn a_session_that_becomes_an_agents_has_no_secret_in_its_purpose() {
    let world = World::default();
    let session = world.start(json!({"task": "use TOKEN=abc"}));
    let head = world.ok("agentUpdate", json!({"id": session, "phase": "planning"}));
    assert_eq!(head["task"], "use TOKEN=[redacted]");
}

#[test]
fn the_person_who_decides_is_redacted_and_may_not_repeat_it() {
    let world = World::default();
    let id = agent(&world);
    world.ok("requestApproval", json!({"id": id}));
    let approval = json!({"id": id, "by": "ada TOKEN=abc"});
    let head = world.ok("approve", approval.clone());
    assert_eq!(head["approval"]["by"], "ada TOKEN=[redacted]");
    // What remains of a name may be another person's.
    assert_eq!(world.code("approve", approval), "APPROVAL_DECIDED");
    let session = world.session(&id).to_string();
    assert!(!session.contains("abc"), "{session}");
}

#[test]
fn every_property_of_a_tool_call_is_redacted() {
    let world = World::default();
    let id = world.start(json!({}));
    let data =
        json!({"tool": "TOKEN=abc", "error": "TOKEN=abc", "output": ["TOKEN=abc"], "token": "abc"});
    world.ok(
        "addEvent",
        json!({"id": id, "type": "tool_call", "data": data}),
    );
    world.ok("recordToolCall", json!({"id": id, "tool": "PASSWORD=abc"}));
    let session = world.session(&id);
    assert_eq!(
        session["metadata"]["toolsUsed"],
        json!(["TOKEN=[redacted]", "PASSWORD=[redacted]"])
    );
    let session = session.to_string();
    assert!(!session.contains("abc"), "{session}");
}

#[test]
fn the_metadata_that_other_programs_and_administrators_bring_are_redacted() {
    let world = World::default();
    let id = world.start(json!({"metadata": {"token": "kept"}}));
    assert_eq!(world.session(&id)["metadata"]["token"], "kept");
    let session = json!({
        "id": "s", "mode": "m", "task": "t", "status": "active", "createdAt": 0,
        "metadata": {"token": "abc"}, "summary": "TOKEN=abc", "other": {"password": "abc"}
    });
    for (name, params) in [
        ("import", json!({"text": session.to_string()})),
        ("save", json!({"text": session.to_string()})),
        (
            "override",
            json!({"id": id, "updates": {"metadata": {"a": "TOKEN=abc"}}}),
        ),
    ] {
        let head = world.ok(name, params);
        let session = world.session(head["id"].as_str().unwrap()).to_string();
        assert!(session.contains("[redacted]"), "{name}: {session}");
        assert!(!session.contains("abc"), "{name}: {session}");
    }
}

#[test]
fn what_is_said_of_a_session_is_redacted_and_what_its_work_goes_on_with_is_kept() {
    let task = json!({"task": "TOKEN=kept", "context": {"token": "kept"}, "mode": "m"});
    let hidden = json!("TOKEN=[redacted]");
    let world = World::default();
    let started = || {
        let session = world.ok("start", task.clone());
        assert_eq!(session["task"], "TOKEN=kept");
        session["id"].clone()
    };
    let id = started();
    let head = world.ok("pause", json!({"id": id, "reason": "TOKEN=abc"}));
    assert_eq!(head["context"]["pauseReason"], hidden);
    let data = json!({"token": "kept"});
    world.ok(
        "addEvent",
        json!({"id": id, "type": "resume", "data": data}),
    );
    world.ok("addEvent", json!({"id": id, "type": "pause", "data": data}));
    world.ok("resume", json!({"id": id}));
    let head = world.ok("complete", json!({"id": id, "result": "TOKEN=abc"}));
    assert_eq!(head["result"], hidden);
    let failed = started();
    let head = world.ok("fail", json!({"id": failed, "error": "TOKEN=abc"}));
    assert_eq!(head["error"], hidden);
    let abandoned = started();
    world.ok("abandon", json!({"id": abandoned, "reason": "TOKEN=abc"}));
    for id in [id, failed, abandoned] {
        let session = world.ok("get", json!({"id": id, "history": "all"}));
        assert!(!session.to_string().contains("abc"), "{session}");
        assert_eq!(session["context"]["token"], "kept");
        // It brings back what it was, with the secrets that another program left in it.
        let text = world
            .export(id.as_str().unwrap())
            .replace("[redacted]", "abc");
        world.ok("import", json!({"text": text}));
        let again = world.ok("get", json!({"id": id, "history": "all"}));
        assert_eq!(again["history"], session["history"]);
        for name in ["task", "context", "result", "error"] {
            assert_eq!(again[name], session[name], "{name}");
        }
    }
}

#[test]
fn what_brings_a_whole_session_redacts_it_as_its_operations_do() {
    let session = |id: &str| {
        json!({
            "id": id, "mode": "m", "task": "TOKEN=abc", "status": "active", "createdAt": 0,
            "context": {"token": "kept"}, "metadata": {"token": "abc"}, "agentName": "m",
            "phase": "planning", "summary": "TOKEN=abc",
            "lastError": {"message": "TOKEN=abc", "timestamp": 0},
            "history": [
                {"type": "start", "timestamp": 0, "data": {"task": "TOKEN=abc"}},
                {"type": "tool_call", "timestamp": 0, "data": {
                    "tool": "t", "args": {"token": "abc"}, "result": "TOKEN=abc", "note": "kept"
                }},
                {"type": "agent_error", "timestamp": 0, "data": {"message": "TOKEN=abc"}},
                {"type": "note", "timestamp": 0, "data": {"token": "kept"}},
            ],
        })
    };
    let world = World::default();
    world.ok("import", json!({"text": session("imported").to_string()}));
    world.ok("save", json!({"text": session("saved").to_string()}));
    // Saved again it is the same.
    let version = world.ok("get", json!({"id": "saved"}))["version"].clone();
    let again = world.ok("save", json!({"text": session("saved").to_string()}));
    assert_eq!(again["eventCount"], 4);
    assert_eq!(again["version"], version);
    world.ok("importFile", json!({
        "path": "sessions/filed/session.json", "text": session("filed").to_string(), "modifiedAt": 0
    }));
    let overridden = agent(&world);
    world.ok(
        "override",
        json!({"id": overridden, "updates": {
            "metadata": {"token": "abc"}, "task": "TOKEN=abc", "summary": "TOKEN=abc",
            "history": session("x")["history"],
        }}),
    );
    for id in ["imported", "saved", "filed", &overridden] {
        let got = world.ok("get", json!({"id": id, "history": "all"}));
        let text = got.to_string();
        assert!(!text.contains("abc"), "{text}");
        assert_eq!(got["metadata"]["token"], "[redacted]", "{id}");
        assert_eq!(
            got["history"][1]["data"]["result"], "TOKEN=[redacted]",
            "{id}"
        );
        assert_eq!(got["history"][1]["data"]["note"], "kept", "{id}");
        assert_eq!(got["history"][3]["data"]["token"], "kept", "{id}");
    }
}

#[test]
fn errors_are_counted_and_the_last_one_is_stored() {
    let world = World::default();
    let id = agent(&world);
    for count in 1..=4 {
        world.pass(1000);
        let message = format!("error {count}");
        let head = world.ok("agentUpdate", json!({"id": id, "error": message}));
        assert_eq!(head["errorCount"], count);
        let at = iso(world.now());
        assert_eq!(
            head["lastError"],
            json!({"message": message, "timestamp": at})
        );
        let event = world.last_event(&id);
        assert_eq!(event["type"], "agent_error");
        assert_eq!(event["data"], json!({"message": message}));
    }
}

#[test]
fn an_update_counts_as_activity_whatever_it_changes() {
    let world = World::default();
    let id = agent(&world);
    world.ok("agentUpdate", json!({"id": id, "phase": "planning"}));
    for params in [
        json!({}),
        json!({"phase": "planning"}),
        json!({"metadata": {}}),
    ] {
        world.pass(1000);
        let before = world.session(&id);
        let head = world.ok("agentUpdate", with_id(&id, params));
        assert_eq!(head["updatedAt"], iso(world.now()));
        assert_eq!(head["eventCount"], before["eventCount"]);
        assert!(head["version"].as_u64() > before["version"].as_u64());
    }
}

#[test]
fn a_refused_update_changes_nothing() {
    let world = World::default();
    let id = agent(&world);
    let before = world.session(&id);
    for params in [
        json!({"phase": "thinking"}),
        json!({"phase": "planning", "metadata": []}),
        json!({"error": "e", "metadata": 1}),
        json!({"error": "e", "phase": "executing", "resumeReady": true}),
        json!({"phases": "planning"}),
    ] {
        assert_eq!(
            world.code("agentUpdate", with_id(&id, params)),
            "INVALID_ARGUMENT"
        );
    }
    assert_eq!(world.session(&id), before);
}

#[test]
fn events_of_the_types_of_agents_cannot_be_added_to_an_agent() {
    let world = World::default();
    let id = agent(&world);
    let plain = world.start(json!({}));
    for kind in ["phase", "agent_error", "approval"] {
        let data = json!({"from": "planning", "to": "completed", "message": "m"});
        let params = json!({"type": kind, "data": data});
        let error = world.error("addEvent", with_id(&id, params.clone()));
        assert_eq!(error.code(), "INVALID_ARGUMENT", "{kind}");
        assert!(error.to_string().contains("agentUpdate"), "{error}");
        world.ok("addEvent", with_id(&plain, params));
    }
    assert_eq!(
        world.ok("agentGet", json!({"id": id}))["history"],
        json!([])
    );
}

#[test]
fn an_unknown_id_returns_null_and_an_invalid_id_is_an_error() {
    let world = World::default();
    let ending = json!({"outcome": "completed"});
    for (name, params) in [
        ("agentGet", json!({})),
        ("agentUpdate", json!({"phase": "planning"})),
        ("agentFinalize", ending),
    ] {
        assert_eq!(
            world.ok(name, with_id("nobody", params.clone())),
            Value::Null
        );
        assert_eq!(world.code(name, with_id("../x", params)), "INVALID_ID");
    }
    for name in ["requestApproval", "approve", "deny"] {
        assert_eq!(
            world.code(name, json!({"id": "nobody"})),
            "SESSION_NOT_FOUND"
        );
    }
}

#[test]
fn a_session_becomes_an_agent_when_it_enters_a_phase() {
    let world = World::default();
    let id = world.start(json!({}));
    let state = world.ok("agentGet", json!({"id": id}));
    assert_eq!(
        (&state["phase"], &state["resumeReady"]),
        (&Value::Null, &json!(false))
    );
    let head = world.ok("agentUpdate", json!({"id": id, "metadata": {"a": 1}}));
    assert_eq!(head.get("phase"), None);
    let head = world.ok("agentUpdate", json!({"id": id, "phase": "planning"}));
    assert_eq!(
        (&head["phase"], &head["agentName"]),
        (&json!("planning"), &json!("developer"))
    );
}

/// The id of a new agent.
pub(crate) fn agent(world: &World) -> String {
    let made = world.ok("agentCreate", json!({"agentName": "a"}));
    made["id"].as_str().unwrap().to_owned()
}

/// Parameters about one session.
pub(crate) fn with_id(id: &str, mut params: Value) -> Value {
    params["id"] = json!(id);
    params
}
