//! The transitions of every operation, from every status.

use serde_json::{Value, json};
use tenure_core::Status;

use crate::support::World;

use Status::{Abandoned, Active, Completed, Failed, Paused, Timeout};

/// A session in this status, with remaining iterations where that is possible.
fn session_in(world: &World, status: Status) -> String {
    let id = world.start(json!({"maxIterations": 5}));
    let (operation, params) = match status {
        Active => return id,
        Paused => ("pause", json!({"id": id})),
        Completed => ("complete", json!({"id": id})),
        Failed => ("fail", json!({"id": id})),
        Abandoned => ("abandon", json!({"id": id})),
        Timeout => ("addEvent", json!({"id": id, "type": "timeout"})),
    };
    world.ok(operation, params);
    assert_eq!(world.session(&id)["status"], json!(status));
    id
}

/// The outcome of an operation: the new status or the error's code.
type Outcome = Result<Status, &'static str>;

const REFUSED: Outcome = Err("INVALID_TRANSITION");
const FINISHED: Outcome = Err("SESSION_FINISHED");
const EXHAUSTED: Outcome = Err("BUDGET_EXHAUSTED");

/// One row for each operation: its outcome from each status, in the order of [`Status::ALL`].
fn table() -> Vec<(&'static str, Value, [Outcome; 6])> {
    let event = |kind: &str| json!({"type": kind, "data": {}});
    let stay = |outcome: Outcome| {
        [
            Ok(Active),
            Ok(Paused),
            outcome,
            outcome,
            Ok(Timeout),
            outcome,
        ]
    };
    let all = |outcome: Outcome| [outcome; 6];
    let unchanged = [
        Ok(Active),
        Ok(Paused),
        Ok(Completed),
        Ok(Failed),
        Ok(Timeout),
        Ok(Abandoned),
    ];
    // For a finished session, an operation and its event fail with different errors.
    let ending =
        |to: Status, finished: Outcome| [Ok(to), Ok(to), finished, finished, Ok(to), finished];
    let iterating = [
        Ok(Active),
        Ok(Paused),
        FINISHED,
        FINISHED,
        EXHAUSTED,
        FINISHED,
    ];
    vec![
        (
            "pause",
            json!({}),
            [Ok(Paused), REFUSED, REFUSED, REFUSED, Ok(Paused), REFUSED],
        ),
        (
            "resume",
            json!({}),
            [
                Ok(Active),
                Ok(Active),
                REFUSED,
                REFUSED,
                Ok(Active),
                REFUSED,
            ],
        ),
        (
            "resume",
            json!({"addIterations": 5}),
            [
                Ok(Active),
                Ok(Active),
                REFUSED,
                REFUSED,
                Ok(Active),
                REFUSED,
            ],
        ),
        ("complete", json!({}), ending(Completed, REFUSED)),
        ("fail", json!({}), ending(Failed, REFUSED)),
        ("abandon", json!({}), ending(Abandoned, REFUSED)),
        (
            "addEvent",
            event("pause"),
            [
                Ok(Paused),
                REFUSED,
                FINISHED,
                FINISHED,
                Ok(Paused),
                FINISHED,
            ],
        ),
        (
            "addEvent",
            event("resume"),
            [
                Ok(Active),
                Ok(Active),
                FINISHED,
                FINISHED,
                Ok(Active),
                FINISHED,
            ],
        ),
        (
            "addEvent",
            event("timeout"),
            [Ok(Timeout), REFUSED, FINISHED, FINISHED, REFUSED, FINISHED],
        ),
        ("addEvent", event("complete"), ending(Completed, FINISHED)),
        ("addEvent", event("error"), ending(Failed, FINISHED)),
        ("addEvent", event("abandoned"), ending(Abandoned, FINISHED)),
        ("addEvent", event("iteration"), iterating),
        ("addEvent", event("tool_call"), stay(FINISHED)),
        ("addEvent", event("learning"), stay(FINISHED)),
        ("addEvent", event("a custom event"), stay(FINISHED)),
        (
            "addEvents",
            json!({"events": [event("tool_call"), event("note")]}),
            stay(FINISHED),
        ),
        ("incrementIteration", json!({}), iterating),
        ("recordToolCall", json!({"tool": "bash"}), stay(FINISHED)),
        ("recordLearning", json!({"insight": "so"}), stay(FINISHED)),
        ("recordUsage", json!({"cost": 1}), unchanged),
        ("update", json!({"task": "another"}), unchanged),
        ("updateContext", json!({"context": {"a": 1}}), unchanged),
        ("trash", json!({}), unchanged),
        ("restore", json!({}), unchanged),
        ("fork", json!({}), all(Ok(Active))),
    ]
}

#[test]
fn every_operation_has_the_outcome_of_the_table_from_every_status() {
    for (operation, params, outcomes) in table() {
        for (from, expected) in Status::ALL.into_iter().zip(outcomes) {
            let world = World::default();
            let id = session_in(&world, from);
            let before = world.export(&id);
            let mut params = params.clone();
            params["id"] = json!(id);
            let answer = world.call(operation, params.clone());
            match (&answer, expected) {
                (Ok(reply), Ok(to)) => {
                    let value: Value = serde_json::from_str(&reply.value).unwrap();
                    assert_eq!(
                        value["status"],
                        json!(to),
                        "{operation} {params} from {from}"
                    );
                    if operation != "fork" {
                        assert_eq!(world.session(&id)["status"], json!(to));
                    }
                }
                (Err(error), Err(code)) => {
                    assert_eq!(
                        error.code(),
                        code,
                        "{operation} {params} from {from}: {error}"
                    );
                    assert_eq!(
                        world.export(&id),
                        before,
                        "a refused operation changes nothing"
                    );
                }
                _ => panic!("{operation} {params} from {from}: {answer:?}, not {expected:?}"),
            }
        }
    }
}

#[test]
fn a_refused_transition_names_both_statuses_and_the_allowed_operations() {
    let world = World::default();
    let allowed = |from: Status| match from {
        Active => vec![Paused, Completed, Failed, Timeout, Abandoned],
        Paused => vec![Active, Completed, Failed, Abandoned],
        Timeout => vec![Active, Paused, Completed, Failed, Abandoned],
        Completed | Failed | Abandoned => vec![],
    };
    for (operation, to, refusing) in [
        ("pause", Paused, vec![Paused, Completed, Failed, Abandoned]),
        ("resume", Active, vec![Completed, Failed, Abandoned]),
        ("complete", Completed, vec![Completed, Failed, Abandoned]),
        ("fail", Failed, vec![Completed, Failed, Abandoned]),
        ("abandon", Abandoned, vec![Completed, Failed, Abandoned]),
    ] {
        for from in refusing {
            let id = session_in(&world, from);
            let error = world.error(operation, json!({"id": id}));
            let details: Value = serde_json::to_value(error.details()).unwrap();
            assert_eq!(
                details,
                json!({"id": id, "from": from, "to": to, "allowed": allowed(from)})
            );
            let message = error.to_string();
            let expected = match from == to {
                true => format!("is already {from}"),
                false => format!("from {from} to {to}"),
            };
            assert!(message.contains(&expected), "{message}");
        }
    }
}

#[test]
fn a_finished_session_refuses_every_event() {
    let world = World::default();
    for status in [Completed, Failed, Abandoned] {
        let id = session_in(&world, status);
        let error = world.error("recordLearning", json!({"id": id, "insight": "late"}));
        let details: Value = serde_json::to_value(error.details()).unwrap();
        assert_eq!(details, json!({"id": id, "status": status}));
    }
}

#[test]
fn ending_a_session_sets_result_or_error_and_the_time() {
    let world = World::default();
    let end = |operation: &str, mut params: Value| {
        let id = world.start(json!({}));
        params["id"] = json!(id);
        world.pass(5);
        let head = world.ok(operation, params);
        assert_eq!(head["finalizedAt"], head["updatedAt"]);
        (head, world.last_event(&id))
    };
    let (head, event) = end("complete", json!({"result": "done"}));
    assert_eq!(head["result"], "done");
    assert!(head.get("error").is_none());
    assert_eq!(event["type"], "complete");
    assert_eq!(event["data"], json!({"result": "done"}));
    let (head, event) = end("complete", json!({}));
    assert!(head.get("result").is_none());
    assert_eq!(event["data"], json!({}));
    let (head, event) = end("fail", json!({"error": "boom"}));
    assert_eq!(head["error"], "boom");
    assert!(head.get("result").is_none());
    assert_eq!(event["type"], "error");
    assert_eq!(event["data"], json!({"error": "boom"}));
    let (head, event) = end("abandon", json!({"reason": "no use"}));
    assert!(head.get("error").is_none() && head.get("result").is_none());
    assert_eq!(event["type"], "abandoned");
    assert_eq!(event["data"], json!({"reason": "no use"}));
}

#[test]
fn lifecycle_events_read_their_values_from_the_data() {
    let world = World::default();
    let add = |kind: &str, data: Value| {
        let id = world.start(json!({}));
        world.ok("addEvent", json!({"id": id, "type": kind, "data": data}));
        let session = world.session(&id);
        assert_eq!(session["history"][1]["type"], kind);
        assert_eq!(session["history"][1]["data"], data);
        session
    };
    let session = add("complete", json!({"result": "done", "more": [1]}));
    assert_eq!(session["result"], "done");
    assert!(session.get("finalizedAt").is_some());
    let session = add("error", json!({"error": "boom"}));
    assert_eq!(session["error"], "boom");
    let session = add("complete", json!({"result": {"not": "text"}}));
    assert!(session.get("result").is_none());
    let session = add("pause", json!({"reason": "wait", "for": "approval"}));
    assert_eq!(session["context"]["pauseReason"], "wait");
    let session = add("tool_call", json!({"tool": "bash"}));
    assert_eq!(session["metadata"]["toolsUsed"], json!(["bash"]));
}

#[test]
fn a_start_event_is_recorded_only_by_start() {
    let world = World::default();
    let id = world.start(json!({"workspace": "/src"}));
    let event = world.last_event(&id);
    assert_eq!(event["sequence"], 1);
    assert_eq!(event["type"], "start");
    assert_eq!(
        event["data"],
        json!({"task": "task", "mode": "developer", "workspace": "/src"})
    );
    let code = world.code("addEvent", json!({"id": id, "type": "start"}));
    assert_eq!(code, "INVALID_ARGUMENT");
    let code = world.code("addEvent", json!({"id": id, "type": ""}));
    assert_eq!(code, "INVALID_ARGUMENT");
}

#[test]
fn a_batch_with_one_invalid_event_records_nothing() {
    let world = World::default();
    let id = world.start(json!({"maxIterations": 2}));
    let before = world.export(&id);
    let events = |kinds: &[&str]| {
        let events: Vec<Value> = kinds.iter().map(|kind| json!({"type": kind})).collect();
        json!({"id": id, "events": events})
    };
    for (kinds, code) in [
        (&["note", "start"][..], "INVALID_ARGUMENT"),
        (&["complete", "note"], "SESSION_FINISHED"),
        (&["pause", "pause"], "INVALID_TRANSITION"),
        (&["iteration", "iteration", "iteration"], "BUDGET_EXHAUSTED"),
        (&["timeout", "timeout"], "INVALID_TRANSITION"),
        (&[], "INVALID_ARGUMENT"),
    ] {
        assert_eq!(world.code("addEvents", events(kinds)), code, "{kinds:?}");
        assert_eq!(world.export(&id), before);
    }
    let answer = world.ok(
        "addEvents",
        events(&["pause", "resume", "iteration", "iteration"]),
    );
    assert_eq!(answer["firstSequence"], 2);
    // The second iteration adds a timeout event, which is the fifth of the batch.
    assert_eq!(answer["lastSequence"], 6);
    assert_eq!(answer["status"], "timeout");
    assert_eq!(answer["iterations"], 2);
    assert_eq!(world.session(&id)["version"], 2);
}

#[test]
fn a_session_can_be_started_paused() {
    let world = World::default();
    let id = world.start(json!({"paused": true, "pauseReason": "later", "context": {"a": 1}}));
    let session = world.session(&id);
    assert_eq!(session["status"], "paused");
    assert_eq!(session["version"], 1);
    assert_eq!(
        session["context"],
        json!({"a": 1, "pausedAt": session["createdAt"], "pauseReason": "later"})
    );
    let kinds: Vec<&Value> = session["history"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| &event["type"])
        .collect();
    assert_eq!(kinds, ["start", "pause"]);
    world.pass(40);
    world.ok("resume", json!({"id": id}));
    assert_eq!(world.last_event(&id)["data"], json!({"pausedDuration": 40}));
}

#[test]
fn unknown_and_invalid_ids_are_refused() {
    let world = World::default();
    for operation in [
        "pause", "resume", "complete", "trash", "delete", "export", "events", "fork",
    ] {
        assert_eq!(
            world.code(operation, json!({"id": "nobody"})),
            "SESSION_NOT_FOUND"
        );
        assert_eq!(world.code(operation, json!({"id": "../x"})), "INVALID_ID");
    }
    for operation in ["get", "context", "progress", "duration"] {
        assert_eq!(world.ok(operation, json!({"id": "nobody"})), Value::Null);
        assert_eq!(world.code(operation, json!({"id": ""})), "INVALID_ID");
    }
    assert_eq!(world.ok("isResumable", json!({"id": "nobody"})), false);
    let started = json!({"task": "t", "mode": "m", "id": "a/b"});
    assert_eq!(world.code("start", started), "INVALID_ID");
    let id = world.start(json!({"id": "mine"}));
    let again = json!({"task": "t", "mode": "m", "id": id});
    assert_eq!(world.code("start", again), "SESSION_EXISTS");
    let fork = json!({"id": id, "newId": id});
    assert_eq!(world.code("fork", fork), "SESSION_EXISTS");
}

#[test]
fn a_session_is_completed_with_a_result_for_programs() {
    let world = World::default();
    let complete = |data: Value| {
        let id = world.start(json!({}));
        let params = json!({"id": id, "result": "Merged", "resultData": data});
        world.ok("complete", params);
        (world.session(&id), world.export(&id))
    };
    for data in [
        json!({"pr": 123}),
        json!([1, null]),
        json!("text"),
        json!(false),
    ] {
        let (session, text) = complete(data.clone());
        assert_eq!(session["result"], "Merged");
        assert_eq!(session["resultData"], data);
        let event = json!({"result": "Merged", "resultData": data});
        assert_eq!(session["history"][1]["data"], event);
        assert_eq!(
            world.ok("import", json!({"text": text}))["resultData"],
            data
        );
    }
    for nothing in [
        r#"{"id":"n","resultData":null}"#,
        r#"{"id":"n","resultData": null }"#,
    ] {
        world.ok("start", json!({"id": "n", "task": "t", "mode": "m"}));
        world.raw("complete", nothing).unwrap();
        assert_eq!(world.session("n").get("resultData"), None, "{nothing}");
        world.ok("delete", json!({"id": "n"}));
    }
    let (session, _) = complete(json!({"apiKey": "k-1", "note": "password: hunter2hunter2"}));
    assert_eq!(session["resultData"]["apiKey"], "[redacted]");
    assert!(!session.to_string().contains("hunter2"), "{session}");

    let id = world.start(json!({}));
    let data = json!({"result": "r", "resultData": [2]});
    world.ok(
        "addEvent",
        json!({"id": id, "type": "complete", "data": data}),
    );
    assert_eq!(world.session(&id)["resultData"], json!([2]));
    let fork = world.ok("fork", json!({"id": id}));
    assert_eq!(fork.get("resultData"), None, "a fork has not ended");

    let world = World::default().with_limits(|limits| limits.max_data_bytes = 30);
    let id = world.start(json!({}));
    let large = json!({"id": id, "resultData": "x".repeat(30)});
    assert_eq!(world.code("complete", large), "TOO_LARGE");
}
