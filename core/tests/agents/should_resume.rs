//! The decision whether to resume an agent. A property test compares it with a restatement of its
//! rules.

use proptest::prelude::*;
use serde_json::json;
use tenure_core::agent::resume::{Candidate, Policy, ResumeReason, decide};
use tenure_core::error::Cause;
use tenure_core::store::{
    Capabilities, Changes, Commit, History, ListQuery, Loaded, Page, Scan, SyncStore,
};
use tenure_core::stored::agent::Agent;
use tenure_core::stored::approval::{ApprovalState, StoredApproval};
use tenure_core::stored::record::Record;
use tenure_core::{Head, Lift, MemoryStore, Millis, Phase, Result, SessionId, Status, Timestamp};

use super::phases::agent;
use crate::support::{NOON, World};

const REASONS: [ResumeReason; 10] = [
    ResumeReason::Resumable,
    ResumeReason::NotFound,
    ResumeReason::Unreadable,
    ResumeReason::Finished,
    ResumeReason::AwaitingApproval,
    ResumeReason::PhaseNotResumable,
    ResumeReason::NotReady,
    ResumeReason::TooManyErrors,
    ResumeReason::IdleTooLong,
    ResumeReason::ModelMissing,
];

#[test]
fn an_agent_in_the_approval_phase_is_resumable_for_half_an_hour() {
    let world = World::default();
    let id = agent(&world);
    world.ok("agentUpdate", json!({"id": id, "phase": "approval"}));
    let decision = || world.ok("shouldResume", json!({"id": id}));
    world.pass(30 * 60 * 1000 - 1);
    assert_eq!(decision()["resume"], true);
    assert_eq!(decision()["reason"], "resumable");
    world.pass(1);
    assert_eq!(decision()["resume"], false);
    assert_eq!(decision()["reason"], "idle_too_long");
    assert_eq!(
        decision()["details"],
        json!({
            "message": "it has been idle for 1800 s; 1800 s are too long", "status": "active",
            "phase": "approval", "resumeReady": true, "errorCount": 0, "maxErrors": 3,
            "idleMs": 1_800_000, "idleLimitMs": 1_800_000
        })
    );
    // Approving the request counts as activity.
    world.ok("approve", json!({"id": id}));
    assert_eq!(decision()["resume"], true);
}

#[test]
fn an_agent_with_three_errors_is_not_resumable() {
    let world = World::default();
    let id = agent(&world);
    world.ok("agentUpdate", json!({"id": id, "phase": "investigating"}));
    let reason = || world.ok("shouldResume", json!({"id": id}))["reason"].clone();
    for expected in ["resumable", "resumable", "resumable", "too_many_errors"] {
        assert_eq!(reason(), expected);
        world.ok("agentUpdate", json!({"id": id, "error": "e"}));
    }
    let params = json!({"id": id, "maxErrors": 5});
    assert_eq!(world.ok("shouldResume", params)["resume"], true);
}

#[test]
fn a_session_that_does_not_exist_is_a_reason_and_not_an_error() {
    let world = World::default();
    let reason = |id: &str| world.ok("shouldResume", json!({"id": id}))["reason"].clone();
    assert_eq!(reason("nobody"), "not_found");
    let id = agent(&world);
    world.ok("agentUpdate", json!({"id": id, "phase": "planning"}));
    assert_eq!(reason(&id), "resumable");
    world.ok("trash", json!({"id": id}));
    assert_eq!(reason(&id), "not_found");
    assert_eq!(
        world.code("shouldResume", json!({"id": "../x"})),
        "INVALID_ID"
    );
}

#[test]
fn a_session_without_a_phase_is_resumable_when_it_is_paused() {
    let world = World::default();
    let id = world.start(json!({}));
    let reason = || world.ok("shouldResume", json!({"id": id}))["reason"].clone();
    assert_eq!(reason(), "not_ready");
    world.ok("pause", json!({"id": id}));
    assert_eq!(reason(), "resumable");
    world.ok("complete", json!({"id": id}));
    assert_eq!(reason(), "finished");
}

#[test]
fn a_session_that_cannot_be_read_is_not_resumed_and_blocks_no_other() {
    let world = World::over(Lift(Corrupt::default()));
    let decision = world.ok("shouldResume", json!({"id": "s"}));
    assert_eq!(
        (&decision["resume"], &decision["reason"]),
        (&json!(false), &json!("unreadable"))
    );
    let reply = world.ok("hookPreDelegate", json!({"input": r#"{"agent_id":"s"}"#}));
    assert_eq!(reply["exitCode"], 0);
    assert_eq!(reply["output"]["reason"], "session_not_resumable");
    assert_eq!(reply["output"]["details"]["code"], "unreadable");
    assert_eq!(reply["output"]["details"].get("audit"), None);
    let stats = world.ok("agentStats", json!({}));
    assert_eq!(
        (&stats["decisions"], &stats["resumed"]),
        (&json!(1), &json!(0))
    );
}

/// A store in which no session can be read.
#[derive(Default)]
struct Corrupt(MemoryStore);

impl SyncStore for Corrupt {
    fn capabilities(&self) -> Capabilities {
        self.0.capabilities()
    }

    fn load(&self, id: &SessionId, _: History) -> Result<Option<Loaded>> {
        Err(Cause::CorruptSession {
            id: id.to_string(),
            problem: "bad bytes".to_owned(),
        }
        .into())
    }

    fn commit(&self, changes: &Changes) -> Result<Commit> {
        self.0.commit(changes)
    }

    fn list(&self, query: &ListQuery) -> Result<Page> {
        self.0.list(query)
    }

    fn record(&self, kind: &str, key: &str) -> Result<Option<Record>> {
        self.0.record(kind, key)
    }

    fn scan(&self, scan: &Scan) -> Result<Vec<Record>> {
        self.0.scan(scan)
    }
}

#[test]
fn an_agent_without_iterations_is_not_ready() {
    let world = World::default();
    let params = json!({"agentName": "a", "maxIterations": 1, "id": "a"});
    world.ok("agentCreate", params);
    world.ok("agentUpdate", json!({"id": "a", "phase": "planning"}));
    world.ok("incrementIteration", json!({"id": "a"}));
    let decision = world.ok("shouldResume", json!({"id": "a"}));
    assert_eq!(decision["reason"], "not_ready");
    assert_eq!(decision["details"]["status"], "timeout");
    world.ok("pause", json!({"id": "a"}));
    let decision = world.ok("shouldResume", json!({"id": "a"}));
    assert_eq!(decision["reason"], "not_ready");
    assert_eq!(decision["details"]["status"], "paused");
    assert_eq!(world.code("resume", json!({"id": "a"})), "BUDGET_EXHAUSTED");
}

#[test]
fn every_reason_is_serialised_as_its_name() {
    for reason in REASONS {
        assert_eq!(json!(reason), reason.as_str());
    }
}

/// A session that varies in the properties that the decision depends on.
fn head(status: Status, left: u32, agent: Option<Agent>, updated: i64, deleted: bool) -> Head {
    let text = format!(
        r#"{{"id":"s","version":1,"mode":"m","task":"t","status":"{status}","createdAt":0,
            "updatedAt":{updated},"iterations":9,"maxIterations":{},"context":"{{}}",
            "eventCount":1,"deletedAt":{}}}"#,
        9 + left,
        if deleted { "1" } else { "null" }
    );
    Head {
        agent: agent.map(Box::new),
        ..serde_json::from_str(&text).unwrap()
    }
}

prop_compose! {
    fn agents()(
        phase in proptest::sample::select(Phase::ALL.to_vec()),
        resume_ready: bool,
        error_count in prop_oneof![0..6u32, Just(u32::MAX)],
        state in proptest::option::weighted(0.3, proptest::sample::select(&ApprovalState::ALL[..])),
    ) -> Agent {
        let approval = state.map(|state| StoredApproval { state, ..StoredApproval::default() });
        Agent { phase, resume_ready, error_count, approval, ..Agent::default() }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_reason_agrees_with_a_restatement_of_the_rules(
        status in proptest::sample::select(Status::ALL.to_vec()),
        agent in proptest::option::of(agents()),
        age in prop_oneof![-5..5i64, 995..1005i64, Just(i64::from(u32::MAX))],
        idle in prop_oneof![Just(0u64), 0..5u64, Just(1000u64), Just(u64::MAX)],
        max_errors in prop_oneof![0..6u32, Just(u32::MAX)],
        deleted in proptest::bool::weighted(0.1),
        left in 0..3u32,
    ) {
        let now = Timestamp::from_millis(NOON).unwrap();
        let head = head(status, left, agent.clone(), NOON - age, deleted);
        let policy = Policy { idle: Millis(idle), max_errors };
        let decision = decide(Candidate::Session(&head), policy, now);

        let finished = matches!(status, Status::Completed | Status::Failed | Status::Abandoned);
        let phase_is_resumable = agent.as_ref().is_none_or(|agent| {
            ["approval", "investigating", "planning"].contains(&agent.phase.as_str())
        });
        let ready = match &agent {
            Some(agent) => agent.resume_ready && status != Status::Timeout,
            None => status == Status::Paused,
        };
        let approval = agent.as_ref().and_then(|agent| agent.approval.as_ref());
        let pending = approval.is_some_and(|approval| approval.state == ApprovalState::Pending);
        let errors = agent.as_ref().map_or(0, |agent| agent.error_count);
        let old = idle == 0 || (age > 0 && age as u64 >= idle);
        let rules = [
            (deleted, ResumeReason::NotFound),
            (finished, ResumeReason::Finished),
            (pending, ResumeReason::AwaitingApproval),
            (!phase_is_resumable, ResumeReason::PhaseNotResumable),
            (!ready || left == 0, ResumeReason::NotReady),
            (errors >= max_errors, ResumeReason::TooManyErrors),
            (old, ResumeReason::IdleTooLong),
            (true, ResumeReason::Resumable),
        ];
        let expected = rules.iter().find(|(holds, _)| *holds).unwrap().1;
        prop_assert_eq!(decision.reason, expected);
        prop_assert_eq!(decision.resume, expected == ResumeReason::Resumable);
        prop_assert!(!decision.details.message.is_empty());
        prop_assert_eq!(decision.details.status.is_none(), deleted);
    }
}
