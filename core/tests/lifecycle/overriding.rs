//! The operations for administrators: overriding properties of a session, and saving a complete
//! session.

use serde_json::{Value, json};

use crate::support::{NOON, World, iso};

const STATUSES: [&str; 6] = [
    "active",
    "paused",
    "completed",
    "failed",
    "timeout",
    "abandoned",
];

fn kinds(session: &Value) -> Vec<&str> {
    let history = session["history"].as_array().unwrap();
    history
        .iter()
        .map(|event| event["type"].as_str().unwrap())
        .collect()
}

fn override_session(world: &World, id: &str, updates: Value) -> Value {
    world.ok("override", json!({"id": id, "updates": updates}))
}

fn save(world: &World, session: &Value) -> Value {
    world.ok("save", json!({"text": session.to_string()}))
}

#[test]
fn an_override_changes_any_status_to_any_other() {
    for from in STATUSES {
        for to in STATUSES {
            let world = World::default();
            let id = world.start(json!({}));
            override_session(&world, &id, json!({"status": from}));
            world.pass(10);
            let reply = world
                .call(
                    "override",
                    json!({"id": id, "updates": {"status": to, "error": "by hand"}}),
                )
                .unwrap();
            assert_eq!(reply.notices, "[]", "no notice is sent");
            let session = world.session(&id);
            assert_eq!(session["status"], to, "from {from}");
            assert_eq!(session["error"], "by hand");
            assert_eq!(kinds(&session), ["start"], "no event is recorded");
            assert_eq!(session["updatedAt"], json!(iso(NOON + 10)));
            let finished = ["completed", "failed", "abandoned"];
            let ended = finished.contains(&to).then(|| {
                // A session that had ended already keeps the time of its end.
                json!(iso(NOON + if finished.contains(&from) { 0 } else { 10 }))
            });
            assert_eq!(session.get("finalizedAt"), ended.as_ref(), "{from} to {to}");
        }
    }
}

#[test]
fn an_override_sets_only_the_given_properties() {
    let world = World::default();
    let id = world.start(json!({
        "userId": "u", "workspace": "w", "context": {"a": 1, "b": 2}, "metadata": {"model": "m"}
    }));
    world.ok("incrementIteration", json!({"id": id}));
    let before = world.session(&id);
    let head = override_session(
        &world,
        &id,
        json!({
            "task": "another", "iterations": 7, "maxIterations": 9, "createdAt": "2020-01-01",
            "userId": null, "context": {"b": 3, "c": 4}, "metadata": {"cost": 0.5}
        }),
    );
    let after = world.session(&id);
    assert_eq!(after["task"], "another");
    assert_eq!(
        (&after["iterations"], &after["maxIterations"]),
        (&json!(7), &json!(9))
    );
    assert_eq!(after["createdAt"], "2020-01-01T00:00:00.000Z");
    assert_eq!(after.get("userId"), None);
    assert_eq!(after["context"], json!({"a": 1, "b": 3, "c": 4}));
    assert_eq!(after["metadata"], json!({"model": "m", "cost": 0.5}));
    for kept in ["id", "mode", "workspace", "status", "history", "eventCount"] {
        assert_eq!(after[kept], before[kept], "{kept}");
    }
    assert_eq!(
        after["version"],
        json!(before["version"].as_u64().unwrap() + 1)
    );
    assert_eq!(head["version"], after["version"]);
    assert_eq!(world.ok("stats", json!({}))["usage"]["cost"], 0.5);
}

#[test]
fn an_override_with_a_history_replaces_the_history() {
    let world = World::default();
    let id = world.start(json!({}));
    world.ok(
        "incrementIteration",
        json!({"id": id, "idempotencyKey": "k"}),
    );
    let event = json!({"timestamp": "2020-01-01", "type": "note", "data": {"a": 1}, "sequence": 9});
    override_session(&world, &id, json!({"history": [event, event]}));
    let session = world.session(&id);
    assert_eq!(kinds(&session), ["note", "note"]);
    assert_eq!(session["history"][1]["sequence"], 2);
    assert_eq!(session["eventCount"], 2);
    let appended = world.ok("addEvent", json!({"id": id, "type": "after"}));
    assert_eq!(appended["firstSequence"], 3);
    let repeat = world.ok(
        "incrementIteration",
        json!({"id": id, "idempotencyKey": "k"}),
    );
    assert_eq!(repeat["replayed"], true, "keys are kept");
    // The new history has as many events as the old one, with other types.
    override_session(&world, &id, json!({"history": [event, event, event]}));
    assert_eq!(kinds(&world.session(&id)), ["note", "note", "note"]);
    override_session(&world, &id, json!({"history": []}));
    assert_eq!(kinds(&world.session(&id)), [""; 0]);
}

#[test]
fn an_override_with_the_present_values_changes_nothing() {
    let world = World::default();
    let id = world.start(json!({"context": {"a": 1}}));
    let before = world.session(&id);
    world.pass(1000);
    override_session(&world, &id, json!({}));
    override_session(
        &world,
        &id,
        json!({"context": {"a": 1}, "status": "active"}),
    );
    let mut whole = before.clone();
    whole.as_object_mut().unwrap().remove("history");
    override_session(&world, &id, whole);
    assert_eq!(world.session(&id), before);
}

#[test]
fn an_override_with_invalid_values_is_refused() {
    let world = World::default();
    let id = world.start(json!({}));
    let before = world.session(&id);
    for updates in [
        json!(7),
        json!([]),
        json!({"statos": "active"}),
        json!({"status": "running"}),
        json!({"status": null}),
        json!({"task": null}),
        json!({"task": 7}),
        json!({"iterations": -1}),
        json!({"maxIterations": 0}),
        json!({"createdAt": "soon"}),
        json!({"context": []}),
        json!({"metadata": "m"}),
        json!({"history": {}}),
        json!({"history": [{"type": "note"}]}),
    ] {
        let params = json!({"id": id, "updates": updates});
        assert_eq!(
            world.code("override", params),
            "INVALID_ARGUMENT",
            "{updates}"
        );
    }
    let large = json!({"id": id, "updates": {"task": "t".repeat(70_000)}});
    assert_eq!(world.code("override", large), "TOO_LARGE");
    let stale = json!({"id": id, "updates": {"task": "u"}, "ifVersion": 7});
    assert_eq!(world.code("override", stale), "VERSION_CONFLICT");
    let unknown = json!({"id": "nobody", "updates": {}});
    assert_eq!(world.code("override", unknown), "SESSION_NOT_FOUND");
    assert_eq!(world.session(&id), before);
}

#[test]
fn an_override_to_paused_sets_the_time_of_the_pause() {
    let world = World::default();
    let id = world.start(json!({}));
    override_session(&world, &id, json!({"status": "paused"}));
    world.pass(500);
    world.ok("resume", json!({"id": id}));
    assert_eq!(world.last_event(&id)["data"]["pausedDuration"], 500);
}

#[test]
fn saving_a_session_replaces_the_stored_one() {
    let world = World::default();
    let id = world.start(json!({"context": {"a": 1}, "userId": "u"}));
    world.ok("incrementIteration", json!({"id": id}));
    let mut session = world.session(&id);
    world.pass(10);
    session["context"] = json!({"b": 2});
    session["status"] = json!("completed");
    session["result"] = json!("done");
    session.as_object_mut().unwrap().remove("userId");
    let event = json!({"timestamp": iso(NOON + 5), "type": "note", "data": {"x": 1}});
    session["history"].as_array_mut().unwrap().push(event);
    let params = json!({"text": session.to_string()});
    assert_eq!(
        world.call("save", params).unwrap().notices,
        "[]",
        "no notice is sent"
    );
    let kept = world.session(&id);
    assert_eq!(kinds(&kept), ["start", "iteration", "note"]);
    assert_eq!(kept["history"][2]["timestamp"], json!(iso(NOON + 5)));
    assert_eq!(kept["context"], json!({"b": 2}), "not merged");
    assert_eq!(kept.get("userId"), None);
    assert_eq!(
        (&kept["status"], &kept["result"]),
        (&json!("completed"), &json!("done"))
    );
    assert_eq!(kept["finalizedAt"], json!(iso(NOON + 10)));
    assert_eq!(kept["updatedAt"], json!(iso(NOON + 10)));
    assert_eq!(kept["version"], 3);
    save(&world, &kept);
    assert_eq!(
        world.session(&id),
        kept,
        "saved as it is, it stays as it is"
    );
}

#[test]
fn saving_a_session_replaces_its_history() {
    let world = World::default();
    let id = world.start(json!({}));
    let early = world.session(&id);
    for _ in 0..3 {
        world.ok("incrementIteration", json!({"id": id}));
    }
    save(&world, &early);
    let kept = world.session(&id);
    assert_eq!(kept["history"], early["history"]);
    assert_eq!(kept["iterations"], 0);
    assert_eq!(kept["version"], 5, "a version never returns");
}

#[test]
fn saving_an_unknown_session_creates_it() {
    let world = World::default();
    let by_hand = json!({
        "id": "by-hand", "mode": "m", "task": "t", "status": "paused", "createdAt": "2020-01-01",
        "iterations": 3, "maxIterations": 5, "context": {"pausedAt": iso(NOON - 100)},
        "history": [{"timestamp": "2020-01-01", "type": "start", "data": {}}]
    });
    assert_eq!(save(&world, &by_hand)["version"], 1);
    let kept = world.session("by-hand");
    assert_eq!(kept["history"][0]["sequence"], 1);
    assert_eq!(kept["updatedAt"], json!(iso(NOON)));
    world.ok("resume", json!({"id": "by-hand"}));
    assert_eq!(world.last_event("by-hand")["data"]["pausedDuration"], 100);
}

#[test]
fn a_session_that_is_created_by_saving_it_is_complete() {
    for status in STATUSES {
        let world = World::default();
        let id = world.start(json!({}));
        world.ok("complete", json!({"id": id}));
        let mut session = world.session(&id);
        world.ok("delete", json!({"id": id}));
        world.pass(10);
        session["status"] = json!(status);
        save(&world, &session);
        let kept = world.session(&id);
        let ended = ["completed", "failed", "abandoned"].contains(&status);
        assert_eq!(kept.get("finalizedAt").is_some(), ended, "{status}");
        assert_eq!(kept["history"], session["history"]);
        assert_eq!(kept["eventCount"], 2);
        assert_eq!(kept["version"], session["version"]);
        if status == "paused" {
            world.pass(500);
            world.ok("resume", json!({"id": id}));
            assert_eq!(world.last_event(&id)["data"]["pausedDuration"], 500);
        }
    }
}

#[test]
fn an_invalid_session_is_not_saved() {
    let world = World::default();
    let id = world.start(json!({}));
    let session = world.session(&id);
    for text in ["", "[]", "{}", "null"] {
        assert_eq!(
            world.code("save", json!({"text": text})),
            "INVALID_ARGUMENT",
            "{text}"
        );
    }
    let text = session.to_string();
    let stale = json!({"text": text, "ifVersion": 7});
    assert_eq!(world.code("save", stale), "VERSION_CONFLICT");
    world.ok("trash", json!({"id": id}));
    assert_eq!(world.code("save", json!({"text": text})), "SESSION_DELETED");
    let new = text.replace(&id, "new");
    assert_eq!(
        world.code("save", json!({"text": new, "ifVersion": 1})),
        "VERSION_CONFLICT"
    );
    world.ok("save", json!({"text": new, "ifVersion": 0}));
}

#[test]
fn ending_a_finished_session_can_be_without_effect() {
    for (end, again) in [
        ("complete", "fail"),
        ("fail", "complete"),
        ("abandon", "fail"),
    ] {
        let world = World::default();
        let id = world.start(json!({}));
        world.ok(end, json!({"id": id}));
        let before = world.session(&id);
        assert_eq!(world.code(again, json!({"id": id})), "INVALID_TRANSITION");
        let params = json!({"id": id, "ifFinished": "keep"});
        assert_eq!(world.notices(again, params), json!([]));
        assert_eq!(world.session(&id), before);
        let refused = json!({"id": id, "ifFinished": "refuse"});
        assert_eq!(world.code(again, refused), "INVALID_TRANSITION");
        let unknown = json!({"id": id, "ifFinished": "ignore"});
        assert_eq!(world.code(again, unknown), "INVALID_ARGUMENT");
    }
    let world = World::default();
    let id = world.start(json!({}));
    let head = world.ok(
        "complete",
        json!({"id": id, "ifFinished": "keep", "result": "r"}),
    );
    assert_eq!(
        (&head["status"], &head["result"]),
        (&json!("completed"), &json!("r"))
    );
}

#[test]
fn resuming_an_active_session_can_be_without_effect() {
    let world = World::default();
    let id = world.start(json!({}));
    let before = world.session(&id);
    world.ok("resume", json!({"id": id, "ifActive": "keep"}));
    assert_eq!(world.session(&id), before);
    world.ok("resume", json!({"id": id, "ifActive": "recover"}));
    assert_eq!(world.last_event(&id)["data"]["recovered"], true);
    world.ok("complete", json!({"id": id}));
    let params = json!({"id": id, "ifActive": "keep"});
    assert_eq!(world.code("resume", params), "INVALID_TRANSITION");
}

#[test]
fn iterations_are_not_added_to_an_active_session_that_is_kept() {
    let world = World::default();
    let id = world.start(json!({"maxIterations": 1}));
    let add = |count: u32| json!({"id": id, "ifActive": "keep", "addIterations": count});
    let before = world.session(&id);
    let error = world.error("resume", add(10));
    assert_eq!(error.code(), "INVALID_ARGUMENT");
    assert!(error.to_string().contains("addIterations"), "{error}");
    assert_eq!(world.session(&id), before);
    world.ok("resume", add(0));
    assert_eq!(world.session(&id), before);
    // A session that is out of iterations is resumed with them.
    world.ok("incrementIteration", json!({"id": id}));
    let head = world.ok("resume", add(10));
    assert_eq!(
        (&head["status"], &head["maxIterations"]),
        (&json!("active"), &json!(11))
    );
}

#[test]
fn a_session_without_remaining_iterations_can_be_resumed_to_timeout() {
    let world = World::default();
    let id = world.start(json!({"maxIterations": 1}));
    world.ok("incrementIteration", json!({"id": id}));
    world.ok("pause", json!({"id": id}));
    assert_eq!(world.code("resume", json!({"id": id})), "BUDGET_EXHAUSTED");
    let params = json!({"id": id, "ifExhausted": "timeout"});
    let notices = world.notices("resume", params);
    let events: Vec<&Value> = notices
        .as_array()
        .unwrap()
        .iter()
        .map(|n| &n["event"])
        .collect();
    assert_eq!(events, ["resume", "timeout"]);
    let session = world.session(&id);
    assert_eq!(session["status"], "timeout");
    assert_eq!(kinds(&session)[4..], ["resume", "timeout"]);
    world.ok("pause", json!({"id": id}));
    let params = json!({"id": id, "ifExhausted": "timeout", "addIterations": 1});
    assert_eq!(world.ok("resume", params)["status"], "active");
}

#[test]
fn a_session_in_the_trash_can_be_treated_as_deleted() {
    let world = World::default();
    let id = world.start(json!({}));
    world.ok("trash", json!({"id": id}));
    for operation in ["get", "context", "progress", "duration"] {
        let there = |trash: Value| {
            let mut params = json!({"id": id});
            params
                .as_object_mut()
                .unwrap()
                .extend(trash.as_object().unwrap().clone());
            !world.ok(operation, params).is_null()
        };
        assert!(there(json!({})), "{operation}");
        assert!(there(json!({"trash": "only"})), "{operation}");
        assert!(!there(json!({"trash": "exclude"})), "{operation}");
    }
    for operation in ["export", "delete"] {
        let params = json!({"id": id, "trash": "exclude"});
        assert_eq!(
            world.code(operation, params),
            "SESSION_NOT_FOUND",
            "{operation}"
        );
    }
    let other = world.start(json!({}));
    let params = json!({"id": other, "trash": "only"});
    assert_eq!(world.code("delete", params), "SESSION_NOT_FOUND");
    world.ok("delete", json!({"id": other, "trash": "exclude"}));
    world.ok("delete", json!({"id": id, "trash": "only"}));
    assert_eq!(
        world.ok("list", json!({"trash": "include"}))["items"],
        json!([])
    );
}
