//! Random operations on agents and their sessions, compared with a simple model. After every step
//! status and phase agree, the phase history is consecutive, and errors are counted.
//! `TENURE_TEST_SCALE=1` runs two thousand sequences; 0.1, the default, runs two hundred.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use tenure_core::{Phase, Status};

use super::finalization::audit;
use crate::support::{World, iso, scale};

const IDS: [&str; 3] = ["x", "y", "z"];

/// An operation on one of the ids.
#[derive(Debug, Clone)]
enum Step {
    Create,
    Update {
        phase: Option<Phase>,
        error: bool,
        ready: Option<bool>,
        summary: Option<&'static str>,
        property: Option<u8>,
        overrides: bool,
    },
    Finalize(Phase, Option<&'static str>),
    Request,
    Approve,
    Deny,
    Pause,
    Resume {
        overrides: bool,
    },
    Complete(Option<&'static str>),
    Stop(i8),
    Delegate,
}

/// The expected state of an agent.
#[derive(Debug, Clone)]
struct Agent {
    status: Status,
    phase: Phase,
    ready: bool,
    errors: u32,
    summary: Option<&'static str>,
    metadata: BTreeMap<String, u8>,
    phases: Vec<(Phase, Phase, i64)>,
    created: i64,
    updated: i64,
    finalized: Option<i64>,
    approval: Option<Approval>,
}

/// The expected approval: its state, and the times of the request and the decision.
type Approval = (&'static str, i64, Option<i64>);

impl Agent {
    fn new(now: i64) -> Self {
        Self {
            status: Status::Active,
            phase: Phase::Initializing,
            ready: false,
            errors: 0,
            summary: None,
            metadata: BTreeMap::new(),
            phases: Vec::new(),
            created: now,
            updated: now,
            finalized: None,
            approval: None,
        }
    }

    fn is_pending(&self) -> bool {
        self.approval.is_some_and(|(state, ..)| state == "pending")
    }

    /// Drops a pending request, as an override does.
    fn override_request(&mut self) {
        if self.is_pending() {
            self.approval = None;
        }
    }

    /// Withdraws a pending request, as the end does.
    fn withdraw(&mut self) {
        if let Some((state @ "pending", ..)) = &mut self.approval {
            *state = "withdrawn";
        }
    }

    /// Decides on a request. Returns `None` if that is refused, and otherwise whether it is new.
    fn decide(&mut self, state: &'static str, now: i64) -> Option<bool> {
        let requested = match self.approval {
            Some(("pending", requested, _)) => requested,
            Some((decided, ..)) => return (decided == state).then_some(false),
            None if self.phase == Phase::Approval => now,
            None => return None,
        };
        self.approval = Some((state, requested, Some(now)));
        Some(true)
    }

    fn is_finalized(&self) -> bool {
        self.finalized.is_some()
    }

    fn enter(&mut self, phase: Phase, now: i64) {
        if phase != self.phase {
            self.phases.push((self.phase, phase, now));
        }
        self.phase = phase;
        self.ready = ["approval", "investigating", "planning"].contains(&phase.as_str());
    }

    /// Finalizes the agent if that is allowed. Returns whether it changes anything.
    fn end(&mut self, phase: Phase, summary: Option<&'static str>, now: i64) -> Option<bool> {
        let status = match phase {
            Phase::Completed => Status::Completed,
            Phase::Failed => Status::Failed,
            Phase::Abandoned => Status::Abandoned,
            _ => return None,
        };
        if self.is_finalized() && self.status != status {
            return None;
        }
        if status == Status::Completed && self.is_pending() {
            return None;
        }
        self.withdraw();
        let fills = self.summary.is_none() && summary.is_some();
        self.summary = self.summary.or(summary);
        if self.is_finalized() {
            return Some(fills);
        }
        self.enter(phase, now);
        self.status = status;
        self.finalized = Some(now);
        Some(true)
    }

    /// Performs a step. Returns `None` if it is refused, and otherwise whether it counts as
    /// activity.
    fn take(&mut self, step: &Step, now: i64) -> Option<bool> {
        match *step {
            Step::Create => None,
            Step::Update {
                phase,
                error,
                ready,
                summary,
                property,
                overrides,
            } => {
                if overrides {
                    self.override_request();
                }
                if self.is_finalized() && error {
                    return None;
                }
                self.errors += u32::from(error);
                if let Some(property) = property {
                    self.metadata.insert(format!("m{}", property % 3), property);
                }
                match phase {
                    Some(phase) if phase.is_final() => drop(self.end(phase, summary, now)?),
                    Some(_) if self.is_finalized() => return None,
                    Some(phase) if phase != Phase::Approval && self.is_pending() => return None,
                    _ => {
                        if phase == Some(Phase::Approval) && self.phase != Phase::Approval {
                            self.approval = None;
                        }
                        phase.iter().for_each(|&phase| self.enter(phase, now));
                        self.summary = summary.or(self.summary);
                    }
                }
                let possible = matches!(
                    self.phase,
                    Phase::Approval | Phase::Investigating | Phase::Planning
                );
                if ready == Some(true) && !possible {
                    return None;
                }
                self.ready = ready.unwrap_or(self.ready);
                Some(true)
            }
            Step::Finalize(phase, summary) => self.end(phase, summary, now),
            Step::Request => {
                if self.is_finalized() {
                    return None;
                }
                self.enter(Phase::Approval, now);
                self.status = Status::Paused;
                self.approval = Some(("pending", now, None));
                Some(true)
            }
            Step::Approve => {
                let is_new = self.decide("approved", now)?;
                if is_new {
                    self.status = Status::Active;
                }
                Some(is_new)
            }
            Step::Deny => match self.decide("denied", now)? {
                true => self.end(Phase::Abandoned, Some("no"), now),
                false => Some(false),
            },
            Step::Pause if self.status == Status::Active => {
                self.status = Status::Paused;
                Some(true)
            }
            Step::Resume { overrides } if !self.is_finalized() => {
                if overrides {
                    self.override_request();
                }
                if self.is_pending() {
                    return None;
                }
                self.status = Status::Active;
                Some(true)
            }
            Step::Complete(result) if !self.is_finalized() => {
                self.end(Phase::Completed, result, now)
            }
            Step::Pause | Step::Resume { .. } | Step::Complete(_) => None,
            Step::Stop(0) if self.status == Status::Paused || self.ready => Some(false),
            Step::Stop(0) => Some(self.end(Phase::Completed, None, now).unwrap_or(false)),
            Step::Stop(_) => Some(
                self.end(Phase::Failed, Some("exit code 1"), now)
                    .unwrap_or(false),
            ),
            Step::Delegate => Some(false),
        }
    }

    fn state(&self, id: &str) -> Value {
        let phase = |&(from, to, at): &(Phase, Phase, i64)| json!({"fromPhase": from, "toPhase": to, "timestamp": iso(at)});
        let metadata = json!(self.metadata);
        let approval = |(state, requested, decided): Approval| match decided {
            Some(decided) => {
                json!({"state": state, "requestedAt": iso(requested), "decidedAt": iso(decided)})
            }
            None => json!({"state": state, "requestedAt": iso(requested)}),
        };
        json!({
            "agentId": id, "agentName": "a", "purpose": "", "createdAt": iso(self.created),
            "lastUpdated": iso(self.updated), "phase": self.phase, "metadata": metadata,
            "resumeReady": self.ready, "history": self.phases.iter().map(phase).collect::<Vec<_>>(),
            "errorCount": self.errors, "finalizedAt": self.finalized.map(iso),
            "durationSeconds": self.finalized.map(|end| (end - self.created) as f64 / 1000.0),
            "summary": self.summary, "approval": self.approval.map(approval)
        })
    }
}

fn call(id: &str, step: &Step) -> (&'static str, Value) {
    let hook = |input: Value| json!({"input": input.to_string()});
    match step {
        Step::Create => ("agentCreate", json!({"agentName": "a", "id": id})),
        Step::Update {
            phase,
            error,
            ready,
            summary,
            property,
            overrides,
        } => {
            let mut params = json!({
                "id": id, "phase": phase, "error": error.then_some("e"), "resumeReady": ready,
                "summary": summary, "override": overrides
            });
            if let Some(property) = property {
                let name = format!("m{}", property % 3);
                params["metadata"] = json!({name: property});
            }
            ("agentUpdate", params)
        }
        Step::Finalize(phase, summary) => (
            "agentFinalize",
            json!({"id": id, "outcome": phase, "summary": summary}),
        ),
        Step::Request => ("requestApproval", json!({"id": id})),
        Step::Approve => ("approve", json!({"id": id})),
        Step::Deny => ("deny", json!({"id": id, "reason": "no"})),
        Step::Pause => ("pause", json!({"id": id})),
        Step::Resume { overrides } => ("resume", json!({"id": id, "override": overrides})),
        Step::Complete(result) => ("complete", json!({"id": id, "result": result})),
        Step::Stop(code) => (
            "hookSubagentStop",
            hook(json!({"agent_id": id, "exit_code": code})),
        ),
        Step::Delegate => ("hookPreDelegate", hook(json!({"agent_id": id}))),
    }
}

fn steps() -> impl Strategy<Value = Vec<(usize, i64, Step)>> {
    let phase = || proptest::sample::select(Phase::ALL.to_vec());
    let working = || proptest::sample::select(Phase::ALL[..6].to_vec());
    let text = || proptest::option::of(proptest::sample::select(vec!["one", "two"]));
    let update = (
        proptest::option::of(prop_oneof![6 => working(), 1 => phase()]),
        proptest::bool::weighted(0.2),
        proptest::option::weighted(0.2, any::<bool>()),
        text(),
        proptest::option::of(any::<u8>()),
        proptest::bool::weighted(0.1),
    )
        .prop_map(
            |(phase, error, ready, summary, property, overrides)| Step::Update {
                phase,
                error,
                ready,
                summary,
                property,
                overrides,
            },
        );
    let step = prop_oneof![
        3 => Just(Step::Create),
        12 => update,
        1 => (phase(), text()).prop_map(|(phase, summary)| Step::Finalize(phase, summary)),
        3 => Just(Step::Request),
        2 => Just(Step::Approve),
        1 => Just(Step::Deny),
        1 => Just(Step::Pause),
        2 => proptest::bool::weighted(0.3).prop_map(|overrides| Step::Resume { overrides }),
        1 => text().prop_map(Step::Complete),
        1 => proptest::sample::select(vec![0, 1]).prop_map(Step::Stop),
        1 => Just(Step::Delegate),
    ];
    proptest::collection::vec((0..IDS.len(), 0..100_000i64, step), 1..40)
}

fn check(steps: &[(usize, i64, Step)]) -> Result<(), TestCaseError> {
    let world = World::default();
    let mut model: BTreeMap<&str, Agent> = BTreeMap::new();
    let mut decisions = 0;
    for (number, (which, later, step)) in steps.iter().enumerate() {
        world.pass(*later);
        let (id, now) = (IDS[*which], world.now());
        decisions += usize::from(matches!(step, Step::Delegate));
        let expected = match (model.get(id).cloned(), step) {
            (None, Step::Create) => {
                model.insert(id, Agent::new(now));
                true
            }
            // The hooks reply for every id.
            (None, step) => matches!(step, Step::Stop(_) | Step::Delegate),
            (Some(mut agent), step) => match agent.take(step, now) {
                Some(active) => {
                    agent.updated = if active { now } else { agent.updated };
                    model.insert(id, agent);
                    true
                }
                None => false,
            },
        };
        let (name, params) = call(id, step);
        let reply = world.call(name, params);
        let unknown = reply.as_ref().is_ok_and(|reply| reply.value == "null");
        let context = format!("step {number}, {step:?} on {id}: {reply:?}");
        prop_assert_eq!(reply.is_ok() && !unknown, expected, "{}", context);
        for (id, agent) in &model {
            let mut state = world.ok("agentGet", json!({"id": id}));
            let last_error = state.as_object_mut().unwrap().remove("lastError");
            prop_assert_eq!(&state, &agent.state(id), "{}", &context);
            prop_assert_eq!(last_error == Some(Value::Null), agent.errors == 0);
            let head = world.ok("get", json!({"id": id, "history": "none"}));
            prop_assert_eq!(&head["status"], &json!(agent.status), "{}", &context);
            prop_assert_eq!(agent.phase.is_final(), agent.status.is_finished());
            let decision = world.ok("shouldResume", json!({"id": id}));
            let fresh = now - agent.updated < 30 * 60 * 1000;
            let waits = agent.is_finalized() || agent.is_pending();
            let resume = agent.ready && agent.errors < 3 && fresh && !waits;
            prop_assert_eq!(&decision["resume"], resume, "{}", &context);
        }
    }
    // Each finalization and each decision has one audit entry.
    let entries = audit(&world);
    let of = |kind: &str| entries.iter().filter(|entry| entry["kind"] == kind).count();
    let ended = model.values().filter(|agent| agent.is_finalized()).count();
    prop_assert_eq!(of("agent.finalization"), ended);
    prop_assert_eq!(of("agent.decision"), decisions);
    Ok(())
}

#[test]
fn every_sequence_of_operations_leaves_agents_in_the_state_of_the_model() {
    let config = Config {
        cases: (2000.0 * scale()).ceil() as u32,
        failure_persistence: None,
        ..Config::default()
    };
    TestRunner::new(config)
        .run(&steps(), |steps| check(&steps))
        .unwrap_or_else(|error| panic!("{error}"));
}
