//! Requests for the approval of a user.

use serde_json::{Value, json};

use super::finalization::audit;
use super::phases::{agent, with_id};
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
    assert_eq!(
        head["approval"],
        json!({"state": "pending", "requestedAt": iso(world.now())})
    );
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
        head["approval"],
        json!({
            "state": "approved", "requestedAt": iso(world.now() - 600_000), "by": "ada",
            "decidedAt": iso(world.now())
        })
    );
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
    // What was decided before is not about the next time in this phase.
    world.ok("agentUpdate", json!({"id": id, "phase": "executing"}));
    let head = world.ok("agentUpdate", json!({"id": id, "phase": "approval"}));
    assert_eq!(head.get("approval"), None);
    world.ok("agentUpdate", json!({"id": id, "phase": "executing"}));
}

#[test]
fn until_a_person_decides_the_agent_is_neither_resumed_nor_in_another_phase() {
    let world = World::default();
    let id = agent(&world);
    world.ok("requestApproval", json!({"id": id}));
    let before = world.session(&id);
    for (name, params) in [
        ("resume", json!({})),
        ("resume", json!({"addIterations": 5})),
        ("complete", json!({})),
        ("agentUpdate", json!({"phase": "executing"})),
        ("agentUpdate", json!({"phase": "planning", "error": "e"})),
        ("agentUpdate", json!({"phase": "completed"})),
        ("agentFinalize", json!({"outcome": "completed"})),
        ("addEvent", json!({"type": "resume"})),
        ("addEvent", json!({"type": "complete"})),
    ] {
        let error = world.error(name, with_id(&id, params.clone()));
        assert_eq!(error.code(), "APPROVAL_PENDING", "{name} {params}");
        assert_eq!(json!(error.details()), json!({"id": id}));
    }
    assert_eq!(world.session(&id), before);
    assert_eq!(world.ok("isResumable", json!({"id": id})), false);
    let decision = world.ok("shouldResume", json!({"id": id}));
    assert_eq!(decision["reason"], "awaiting_approval");
    let list = world.ok("agentList", json!({"resumable": true}));
    assert_eq!(list["items"], json!([]));
    // Whatever does not go on with the work is possible.
    let update = json!({"id": id, "error": "e", "metadata": {"a": 1}, "phase": "approval"});
    let head = world.ok("agentUpdate", update);
    assert_eq!(head["approval"]["state"], "pending");
    world.ok("recordLearning", json!({"id": id, "insight": "i"}));
    world.ok("approve", json!({"id": id}));
    assert_eq!(world.ok("isResumable", json!({"id": id})), true);
    world.ok("agentUpdate", json!({"id": id, "phase": "executing"}));
    world.ok("complete", json!({"id": id}));
}

#[test]
fn an_agent_that_waits_for_approval_can_fail_and_be_abandoned_which_withdraws_the_request() {
    let world = World::default();
    for (name, params) in [
        ("fail", json!({})),
        ("abandon", json!({})),
        ("agentUpdate", json!({"phase": "failed"})),
        ("agentFinalize", json!({"outcome": "abandoned"})),
        ("override", json!({"updates": {"status": "failed"}})),
    ] {
        let id = agent(&world);
        world.ok("requestApproval", json!({"id": id}));
        world.ok(name, with_id(&id, params));
        let ended = world.session(&id);
        assert_eq!(
            ended["approval"],
            json!({"state": "withdrawn", "requestedAt": iso(world.now())}),
            "{name}"
        );
        assert_eq!(world.code("approve", json!({"id": id})), "INVALID_PHASE");
        // A withdrawn request is no decision: nothing but a fork goes on, and that waits.
        let statuses = ["active", "timeout", "paused"];
        let forgeries = statuses.map(|status| {
            let properties = json!({"status": status, "phase": "executing"});
            forgeries(&id, &properties)
        });
        for (name, params) in forgeries.concat() {
            let error = world.error(name, params);
            assert_eq!(error.code(), "APPROVAL_DECIDED", "{name}");
            assert!(error.to_string().contains("withdrawn"), "{error}");
        }
        assert_eq!(world.session(&id), ended);
        for sequence in [1, 3] {
            let fork = world.ok("fork", json!({"id": id, "atSequence": sequence}));
            assert_eq!(fork["approval"]["state"], "pending", "{name}");
            let resume = json!({"id": fork["id"]});
            assert_eq!(world.code("resume", resume), "APPROVAL_PENDING");
            world.ok("approve", json!({"id": fork["id"], "by": "ada"}));
        }
    }
}

#[test]
fn an_agent_that_a_cleanup_ended_and_a_user_restored_waits_still() {
    let world = World::default();
    let id = agent(&world);
    world.ok("requestApproval", json!({"id": id}));
    world.pass(1000);
    world.ok("agentCleanup", json!({"maxIdle": "1s"}));
    world.ok("restore", json!({"id": id}));
    let updates = json!({"id": id, "updates": {"status": "active"}});
    assert_eq!(world.code("override", updates), "APPROVAL_DECIDED");
}

#[test]
fn no_writer_that_knows_nothing_of_agents_erases_a_request_or_a_denial() {
    for denies in [false, true] {
        let world = World::default();
        let id = agent(&world);
        world.ok("requestApproval", json!({"id": id}));
        let (code, status) = match denies {
            true => ("APPROVAL_DECIDED", "abandoned"),
            false => ("APPROVAL_PENDING", "paused"),
        };
        if denies {
            world.ok("deny", json!({"id": id, "by": "ada"}));
        }
        let approval = world.session(&id)["approval"].clone();
        let phase = json!({"id": id, "updates": {"phase": null}});
        assert_eq!(world.code("override", phase), code);
        let plain = |status: &str| {
            let session = json!({
                "id": id, "mode": "a", "task": "t", "createdAt": 0, "status": status
            });
            json!({"text": session.to_string()})
        };
        for name in ["save", "import"] {
            let saved = world.ok(name, plain(status));
            assert_eq!(
                (&saved["task"], &saved["approval"]),
                (&json!("t"), &approval)
            );
            assert_eq!(world.code(name, plain("active")), code, "{name}");
            assert_eq!(world.session(&id)["approval"], approval);
        }
        for name in ["save", "import"] {
            world.ok(name, plain("failed"));
            assert_eq!(world.code(name, plain("active")), "APPROVAL_DECIDED");
        }
    }
    // An approval is no obstacle.
    let world = World::default();
    let id = agent(&world);
    world.ok("requestApproval", json!({"id": id}));
    world.ok("approve", json!({"id": id}));
    world.ok("override", json!({"id": id, "updates": {"phase": null}}));
    assert_eq!(world.session(&id).get("phase"), None);
}

#[test]
fn an_import_makes_no_decision() {
    let world = World::default();
    let id = agent(&world);
    world.ok("requestApproval", json!({"id": id}));
    let text = world.ok("export", json!({"id": id}));
    let before = world.session(&id);
    for state in ["approved", "denied", "withdrawn"] {
        let forged = text.as_str().unwrap().replace("pending", state);
        for forged in [forged.replace("paused", "timeout"), forged] {
            let forged = json!({"text": forged});
            assert_eq!(world.code("import", forged), "APPROVAL_PENDING", "{state}");
        }
    }
    assert_eq!(world.session(&id), before);
    world.ok("fail", json!({"id": id}));
    let text = world.ok("export", json!({"id": id}));
    for state in ["approved", "denied"] {
        let forged = text.as_str().unwrap().replace("withdrawn", state);
        assert_eq!(
            world.code("import", json!({"text": forged})),
            "APPROVAL_DECIDED",
            "{state}"
        );
    }
    world.ok("import", json!({"text": text}));
}

#[test]
fn an_override_withdraws_the_request_and_the_audit_log_names_it() {
    let world = World::default();
    for (name, params) in [
        ("resume", json!({})),
        ("complete", json!({})),
        ("agentUpdate", json!({"phase": "executing"})),
        ("agentFinalize", json!({"outcome": "completed"})),
    ] {
        let id = agent(&world);
        let mut params = with_id(&id, params);
        params["override"] = json!(true);
        world.ok("requestApproval", json!({"id": id}));
        let head = world.ok(name, params);
        assert_eq!(head.get("approval"), None, "{name}");
        let history = world.session(&id)["history"].clone();
        assert_eq!(history[3]["type"], "approval");
        assert_eq!(history[3]["data"], json!({"override": name}));
        let entries = audit(&world);
        let entry = entries.iter().find(|entry| {
            entry["kind"] == "agent.approval_override" && entry["subject"] == id.as_str()
        });
        let entry = entry.unwrap_or_else(|| panic!("{name}: {entries:?}"));
        assert_eq!(
            (&entry["operation"], &entry["agent"]),
            (&json!(name), &json!("a"))
        );
        // Without a request there is nothing to override.
        let other = agent(&world);
        world.ok(
            "agentUpdate",
            json!({"id": other, "phase": "planning", "override": true}),
        );
        assert_eq!(events(&world, &other), ["start", "phase"]);
    }
}

#[test]
fn a_decision_is_final() {
    let world = World::default();
    for (first, second) in [("approve", "deny"), ("deny", "approve")] {
        let id = agent(&world);
        world.ok("requestApproval", json!({"id": id}));
        world.ok(first, json!({"id": id, "by": "ada", "reason": "r"}));
        let before = world.session(&id);
        world.pass(1000);
        // The same person may repeat it.
        world.ok(first, json!({"id": id, "by": "ada"}));
        assert_eq!(world.session(&id), before);
        for (name, by) in [
            (first, json!("bob")),
            (first, Value::Null),
            (second, json!("ada")),
            (second, json!("bob")),
        ] {
            let error = world.error(name, json!({"id": id, "by": by}));
            assert_eq!(error.code(), "APPROVAL_DECIDED", "{name} by {by}");
            let details = json!(error.details());
            assert_eq!(details["by"], "ada");
            assert_eq!(details["at"], before["approval"]["decidedAt"]);
            assert_eq!(details["state"], before["approval"]["state"]);
        }
        assert_eq!(world.session(&id), before);
    }
}

#[test]
fn the_audit_log_names_every_decision_once_with_who_and_when() {
    let world = World::default();
    for (name, approved, by) in [
        ("approve", true, json!("ada")),
        ("deny", false, json!("bob")),
        ("approve", true, Value::Null),
    ] {
        let id = agent(&world);
        world.ok("requestApproval", json!({"id": id}));
        world.pass(1000);
        let decision = json!({"id": id, "by": by, "reason": "r"});
        world.ok(name, decision.clone());
        let decided_at = world.session(&id)["approval"]["decidedAt"].clone();
        world.pass(1000);
        if by != Value::Null {
            world.ok(name, decision);
        }
        world.error("approve", json!({"id": id, "by": "eve"}));
        let is_decision =
            |entry: &&Value| entry["kind"] == "agent.approval" && entry["subject"] == id.as_str();
        let entries = audit(&world);
        let entries: Vec<&Value> = entries.iter().filter(is_decision).collect();
        let expected = json!({
            "kind": "agent.approval", "time": decided_at, "subject": id, "agent": "a",
            "approved": approved, "by": by
        });
        assert_eq!(entries, [&expected], "{name}");
    }
}

#[test]
fn an_update_that_enters_no_phase_keeps_the_decision() {
    let world = World::default();
    let id = agent(&world);
    world.ok("requestApproval", json!({"id": id}));
    world.ok("approve", json!({"id": id, "by": "ada"}));
    let approval = world.session(&id)["approval"].clone();
    world.ok("agentUpdate", json!({"id": id, "phase": "approval"}));
    assert_eq!(world.session(&id)["approval"], approval);
    let error = world.error("deny", json!({"id": id, "by": "bob"}));
    assert_eq!(error.code(), "APPROVAL_DECIDED");
}

#[test]
fn an_agent_without_iterations_left_can_be_approved() {
    for status in ["timeout", "paused"] {
        let world = World::default();
        let agent = json!({"agentName": "a", "maxIterations": 1});
        let id = world.ok("agentCreate", agent)["id"].clone();
        match status {
            "paused" => {
                world.ok("requestApproval", json!({"id": id}));
                world.ok("incrementIteration", json!({"id": id}));
            }
            _ => {
                world.ok("incrementIteration", json!({"id": id}));
                world.ok("requestApproval", json!({"id": id}));
            }
        }
        let head = world.ok("approve", json!({"id": id, "by": "ada"}));
        assert_eq!(head["approval"]["state"], "approved", "{status}");
        assert_eq!(head["status"], "paused", "{status}");
        let decision = world.ok("shouldResume", json!({"id": id}));
        assert_eq!(decision["reason"], "not_ready", "{status}");
        let head = world.ok("resume", json!({"id": id, "addIterations": 3}));
        assert_eq!(head["status"], "active", "{status}");
    }
}

#[test]
fn two_persons_whose_names_are_redacted_are_not_the_same() {
    let world = World::default();
    let token = |digit: &str| format!("ghp_{}", digit.repeat(36));
    for name in ["approve", "deny"] {
        for (first, second) in [
            (token("a"), token("b")),
            (format!("ada {}", token("a")), format!("ada {}", token("b"))),
            (token("a"), "[redacted]".to_owned()),
            ("[redacted]".to_owned(), "[redacted]".to_owned()),
        ] {
            let id = agent(&world);
            world.ok("requestApproval", json!({"id": id}));
            world.ok(name, json!({"id": id, "by": first}));
            let before = world.session(&id);
            let by = before["approval"]["by"].as_str().unwrap();
            assert!(by.ends_with("[redacted]"), "{by}");
            for second in [json!(second), json!("ada"), Value::Null] {
                let error = world.error(name, json!({"id": id, "by": second}));
                assert_eq!(error.code(), "APPROVAL_DECIDED", "{name} by {second}");
            }
            assert_eq!(world.session(&id), before);
        }
    }
}

#[test]
fn a_new_request_needs_a_new_decision() {
    let world = World::default();
    let id = agent(&world);
    world.ok("requestApproval", json!({"id": id}));
    world.ok("approve", json!({"id": id, "by": "ada"}));
    world.ok("agentUpdate", json!({"id": id, "phase": "executing"}));
    world.ok("requestApproval", json!({"id": id}));
    assert_eq!(world.code("resume", json!({"id": id})), "APPROVAL_PENDING");
    let head = world.ok("deny", json!({"id": id, "by": "bob"}));
    assert_eq!(head["approval"]["state"], "denied");
}

#[test]
fn a_fork_waits_for_the_decision_on_its_own_request() {
    let world = World::default();
    let id = agent(&world);
    // All in one millisecond.
    world.ok("requestApproval", json!({"id": id}));
    world.ok("approve", json!({"id": id}));
    world.ok("agentUpdate", json!({"id": id, "phase": "planning"}));
    let requested = world.ok("requestApproval", json!({"id": id}))["eventCount"].clone();
    let decided = world.ok("approve", json!({"id": id}))["eventCount"].clone();
    for (sequence, state) in [(requested, json!("pending")), (decided, Value::Null)] {
        let fork = world.ok("fork", json!({"id": id, "atSequence": sequence}));
        assert_eq!(fork["approval"]["state"], state, "{sequence}");
    }
}

#[test]
fn no_copy_of_a_session_opens_its_gate() {
    let world = World::default();
    let id = agent(&world);
    world.ok("requestApproval", json!({"id": id}));
    let fork = world.ok("fork", json!({"id": id}))["id"].clone();
    for params in [json!({"phase": "executing"}), json!({"phase": "completed"})] {
        let params = with_id(fork.as_str().unwrap(), params);
        assert_eq!(world.code("agentUpdate", params), "APPROVAL_PENDING");
    }
    let text = world.ok("export", json!({"id": id}));
    world.ok("approve", json!({"id": id}));
    let before = world.ok("fork", json!({"id": id, "atSequence": 3}));
    assert_eq!(before["approval"]["state"], "pending");
    let decided = world.ok("fork", json!({"id": id, "atSequence": 1}));
    assert_eq!(decided.get("approval"), None);
    let after = world.ok("fork", json!({"id": id, "atSequence": 4}));
    assert_eq!(after.get("approval"), None);
    // An import writes what the text says.
    let head = world.ok("import", json!({"text": text}));
    assert_eq!(head["approval"]["state"], "pending");
    let head = world.ok("override", json!({"id": id, "updates": {"approval": null}}));
    assert_eq!(head["approval"]["state"], "pending");
}

#[test]
fn an_active_fork_that_waits_is_not_kept_for_a_runner() {
    let world = World::default();
    let id = agent(&world);
    world.ok("requestApproval", json!({"id": id}));
    let fork = world.ok("fork", json!({"id": id}));
    assert_eq!(fork["status"], "active");
    let fork = fork["id"].as_str().unwrap().to_owned();
    let before = world.session(&fork);
    let keep = json!({"id": fork, "ifActive": "keep"});
    assert_eq!(world.code("resume", keep.clone()), "APPROVAL_PENDING");
    assert_eq!(world.session(&fork), before);

    let head = world.ok(
        "resume",
        json!({"id": fork, "ifActive": "keep", "override": true}),
    );
    assert_eq!(head.get("approval"), None);
    assert_eq!(head["eventCount"], 5, "only the override is recorded");
    let entries = audit(&world);
    let overrides: Vec<_> = entries.iter().map(|of| &of["subject"]).collect();
    assert_eq!(overrides, [&json!(fork)]);
    assert_eq!(world.ok("resume", keep)["version"], head["version"]);
}

#[test]
fn a_fork_from_the_event_of_a_request_waits_whatever_followed_it() {
    for (name, params) in [
        (
            "agentUpdate",
            json!({"phase": "executing", "override": true}),
        ),
        ("resume", json!({"override": true})),
        ("complete", json!({"override": true})),
        ("approve", json!({})),
        ("deny", json!({})),
        ("fail", json!({})),
    ] {
        let world = World::default();
        let id = agent(&world);
        let requested = world.ok("requestApproval", json!({"id": id}))["eventCount"].clone();
        let at = world.now();
        world.pass(1000);
        world.ok(name, with_id(&id, params));
        let check = |sequence: &Value, state: &Value| {
            let fork = world.ok("fork", json!({"id": id, "atSequence": sequence}));
            assert_eq!(fork["approval"]["state"], *state, "{name} {sequence}");
            fork
        };
        let fork = check(&requested, &json!("pending"));
        assert_eq!(fork["approval"]["requestedAt"], iso(at), "{name}");
        if name == "fail" {
            continue;
        }
        check(&json!(1), &Value::Null);
        let fork = fork["id"].as_str().unwrap();
        assert_eq!(
            world.code("resume", json!({"id": fork})),
            "APPROVAL_PENDING"
        );
        // A fork of the fork, from the same event, when that has its decision.
        world.ok("approve", json!({"id": fork}));
        let again = world.ok("fork", json!({"id": fork, "atSequence": requested}));
        assert_eq!(again["approval"]["state"], "pending", "{name}");
        if world.session(&id)["status"] != "active" {
            continue;
        }
        // The agent goes on, and sets the phase again, without a request.
        for phase in ["executing", "approval"] {
            world.ok("agentUpdate", json!({"id": id, "phase": phase}));
            check(&requested, &json!("pending"));
            check(&world.session(&id)["eventCount"], &Value::Null);
        }
    }
}

#[test]
fn a_fork_with_the_decision_does_not_wait_for_the_one_on_a_later_request() {
    let world = World::default();
    let id = agent(&world);
    world.ok("requestApproval", json!({"id": id}));
    let decided = world.ok("approve", json!({"id": id}))["eventCount"].clone();
    world.ok("agentUpdate", json!({"id": id, "phase": "planning"}));
    world.ok("requestApproval", json!({"id": id}));
    world.ok("approve", json!({"id": id}));
    let fork = world.ok("fork", json!({"id": id, "atSequence": decided}));
    assert_eq!(fork.get("approval"), None);
}

/// The ways to write a session with properties of one's own, without a decision on its request.
fn forgeries(id: &str, properties: &Value) -> [(&'static str, Value); 3] {
    let mut session = json!({
        "id": id, "mode": "a", "task": "", "createdAt": 0, "agentName": "a", "phase": "approval",
        "status": "paused"
    });
    for (name, value) in properties.as_object().unwrap() {
        session[name] = value.clone();
    }
    let text = json!({"text": session.to_string()});
    [
        ("override", json!({"id": id, "updates": properties})),
        ("save", text.clone()),
        ("import", text),
    ]
}

#[test]
fn nothing_gets_past_the_gate_of_an_agent_that_waits() {
    let world = World::default();
    let id = agent(&world);
    world.ok("requestApproval", json!({"id": id}));
    let fork = world.ok("fork", json!({"id": id, "atSequence": 1}));
    assert_eq!(fork["approval"]["state"], "pending");
    let fork = json!({"id": fork["id"], "phase": "executing"});
    assert_eq!(world.code("agentUpdate", fork), "APPROVAL_PENDING");
    let before = world.session(&id);
    for properties in [
        json!({"status": "active"}),
        json!({"status": "completed"}),
        json!({"phase": "executing"}),
        json!({"phase": "completed", "status": "completed"}),
        json!({"status": "timeout"}),
    ] {
        for (name, params) in forgeries(&id, &properties) {
            assert_eq!(
                world.code(name, params),
                "APPROVAL_PENDING",
                "{name} {properties}"
            );
        }
    }
    assert_eq!(world.session(&id), before);
    for (name, params) in forgeries(&id, &json!({"status": "failed"})) {
        let id = agent(&world);
        world.ok("requestApproval", json!({"id": id}));
        let params = params
            .to_string()
            .replace(before["id"].as_str().unwrap(), &id);
        let params: Value = serde_json::from_str(&params).unwrap();
        assert_eq!(world.ok(name, params)["status"], "failed", "{name}");
    }
}

#[test]
fn nothing_reverses_a_denial() {
    let world = World::default();
    let id = agent(&world);
    world.ok("requestApproval", json!({"id": id}));
    world.ok("deny", json!({"id": id, "by": "ada"}));
    for status in ["active", "paused", "completed", "timeout"] {
        for (name, params) in forgeries(&id, &json!({"status": status})) {
            assert_eq!(
                world.code(name, params),
                "APPROVAL_DECIDED",
                "{name} {status}"
            );
        }
    }
    assert_eq!(world.session(&id)["status"], "abandoned");
    let fork = world.ok("fork", json!({"id": id, "atSequence": 1}));
    assert_eq!(fork.get("approval"), None);
}

#[test]
fn approving_or_denying_an_agent_outside_of_the_approval_phase_is_refused() {
    let world = World::default();
    let plain = world.start(json!({"paused": true}));
    let new = agent(&world);
    let ended = agent(&world);
    world.ok("agentFinalize", json!({"id": ended, "outcome": "failed"}));
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
