//! The end of an agent: its outcome, its audit entry, and that it is final.

use serde_json::{Value, json};
use tenure_core::store::{Scan, SyncStore};
use tenure_core::{Phase, Status};

use super::phases::agent;
use crate::support::{World, iso};

const FINAL: [Phase; 3] = [Phase::Completed, Phase::Failed, Phase::Abandoned];

#[test]
fn a_final_phase_and_a_final_status_imply_each_other() {
    for (number, outcome) in FINAL.into_iter().enumerate() {
        let plain = ["complete", "fail", "abandon"][number];
        let ways: [(&str, Value); 3] = [
            ("agentFinalize", json!({"outcome": outcome})),
            ("agentUpdate", json!({"phase": outcome})),
            (plain, json!({})),
        ];
        for (operation, mut params) in ways {
            let world = World::default();
            let id = agent(&world);
            world.ok("agentUpdate", json!({"id": id, "phase": "executing"}));
            world.pass(90_500);
            params["id"] = json!(id);
            let head = world.ok(operation, params);
            let status = outcome.final_status().unwrap();
            assert_eq!(head["status"], json!(status), "{operation}");
            assert_eq!(head["phase"], json!(outcome), "{operation}");
            let state = world.ok("agentGet", json!({"id": id}));
            assert_eq!(state["finalizedAt"], iso(world.now()));
            assert_eq!(state["durationSeconds"], 90.5);
            assert_eq!(state["resumeReady"], false);
            assert_eq!(
                state["history"][1],
                json!({"fromPhase": "executing", "toPhase": outcome, "timestamp": iso(world.now())})
            );
        }
    }
}

#[test]
fn finalizing_again_with_the_same_outcome_only_adds_a_missing_summary() {
    let world = World::default();
    let id = agent(&world);
    let finalize = |outcome: Phase, summary: Option<&str>| {
        let params = json!({"id": id, "outcome": outcome, "summary": summary});
        world.ok("agentFinalize", params)
    };
    let first = finalize(Phase::Completed, None);
    world.pass(1000);
    assert_eq!(finalize(Phase::Completed, None), first);
    let second = finalize(Phase::Completed, Some("all done"));
    assert_eq!(second["summary"], "all done");
    assert_eq!(second["finalizedAt"], first["finalizedAt"]);
    assert_eq!(second["eventCount"], first["eventCount"]);
    assert_eq!(
        finalize(Phase::Completed, Some("other"))["summary"],
        "all done"
    );
}

#[test]
fn a_final_phase_allows_no_transition() {
    for ended in FINAL {
        let world = World::default();
        let id = agent(&world);
        world.ok("agentFinalize", json!({"id": id, "outcome": ended}));
        for phase in Phase::ALL.into_iter().filter(|phase| *phase != ended) {
            let error = world.error("agentUpdate", json!({"id": id, "phase": phase}));
            assert_eq!(error.code(), "INVALID_PHASE", "{ended} -> {phase}");
            assert!(error.to_string().contains("create a new agent"), "{error}");
        }
        for outcome in FINAL.into_iter().filter(|outcome| *outcome != ended) {
            let params = json!({"id": id, "outcome": outcome});
            assert_eq!(world.code("agentFinalize", params), "INVALID_PHASE");
        }
        let params = json!({"id": id, "error": "late"});
        assert_eq!(world.code("agentUpdate", params), "SESSION_FINISHED");
        assert_eq!(
            world.code("requestApproval", json!({"id": id})),
            "INVALID_PHASE"
        );
    }
}

#[test]
fn an_outcome_must_be_a_final_phase() {
    let world = World::default();
    let id = agent(&world);
    let before = world.session(&id);
    for phase in Phase::ALL.into_iter().filter(|phase| !phase.is_final()) {
        let params = json!({"id": id, "outcome": phase});
        assert_eq!(world.code("agentFinalize", params), "INVALID_ARGUMENT");
    }
    assert_eq!(
        world.code("agentFinalize", json!({"id": id})),
        "INVALID_ARGUMENT"
    );
    assert_eq!(world.session(&id), before);
}

#[test]
fn the_text_of_an_outcome_is_stored_as_summary_and_as_result() {
    for (outcome, property) in [(Phase::Completed, "result"), (Phase::Failed, "error")] {
        let world = World::default();
        let id = agent(&world);
        let params = json!({"id": id, "outcome": outcome, "summary": "so it was"});
        let head = world.ok("agentFinalize", params);
        assert_eq!(
            (&head["summary"], &head[property]),
            (&json!("so it was"), &json!("so it was"))
        );
    }
    for (operation, property) in [
        ("complete", "result"),
        ("fail", "error"),
        ("abandon", "reason"),
    ] {
        let world = World::default();
        let id = agent(&world);
        let head = world.ok(operation, json!({"id": id, property: "so it was"}));
        assert_eq!(head["summary"], "so it was");
    }
    let world = World::default();
    let id = agent(&world);
    world.ok("agentUpdate", json!({"id": id, "summary": "by itself"}));
    let head = world.ok("complete", json!({"id": id, "result": "r"}));
    assert_eq!(
        (&head["summary"], &head["result"]),
        (&json!("by itself"), &json!("r"))
    );
}

#[test]
fn every_finalization_has_one_audit_entry() {
    let world = World::default();
    let mut expected = Vec::new();
    for (operation, params, outcome) in [
        ("agentFinalize", json!({"outcome": "failed"}), "failed"),
        ("agentUpdate", json!({"phase": "completed"}), "completed"),
        ("complete", json!({}), "completed"),
        ("addEvent", json!({"type": "abandoned"}), "abandoned"),
    ] {
        let id = agent(&world);
        world.pass(1000);
        let params = super::phases::with_id(&id, params);
        world.ok(operation, params.clone());
        if operation.starts_with("agent") {
            world.ok(operation, params);
        }
        expected.push(json!({
            "kind": "agent.finalization", "time": iso(world.now()), "subject": id, "agent": "a",
            "outcome": outcome, "durationMs": 1000
        }));
    }
    let plain = world.start(json!({}));
    world.ok("complete", json!({"id": plain}));
    assert_eq!(audit(&world), expected);
}

#[test]
fn a_session_without_a_phase_can_be_finalized() {
    for status in [Status::Active, Status::Paused, Status::Completed] {
        let world = World::default();
        let id = world.start(json!({}));
        match status {
            Status::Paused => drop(world.ok("pause", json!({"id": id}))),
            Status::Completed => drop(world.ok("complete", json!({"id": id}))),
            _ => {}
        }
        let params = json!({"id": id, "outcome": "completed", "summary": "s"});
        let head = world.ok("agentFinalize", params);
        assert_eq!(
            (&head["phase"], &head["summary"]),
            (&json!("completed"), &json!("s"))
        );
        assert_eq!(head["status"], "completed");
    }
}

/// The entries of the audit log.
pub(crate) fn audit(world: &World) -> Vec<Value> {
    let scan = Scan {
        kind: "audit".to_owned(),
        after: None,
        limit: 1000,
    };
    let records = world.store.0.scan(&scan).unwrap();
    let read = |text: &str| serde_json::from_str(text).unwrap();
    records.iter().map(|record| read(&record.body)).collect()
}
