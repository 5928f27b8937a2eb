//! Random requests with a clock that goes forward and backward, compared with a small model that
//! knows no leases, stores or versions.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};

use crate::support::{World, scale};

const WINDOW: i64 = 300_000;
const LOCK: i64 = 3_600_000;
/// A window that is further ahead does not block.
const AHEAD: i64 = 60_000;

#[derive(Debug, Clone)]
enum Step {
    Check(Run),
    Register(Run),
    Admit(Run, i64),
    Cleanup(Run),
    Pass(i64),
}

#[derive(Debug, Clone, Copy)]
struct Run {
    event: &'static str,
    workflow: &'static str,
    number: u8,
    symmetric: bool,
    git_ref: Option<&'static str>,
    by: Option<&'static str>,
}

impl Run {
    fn key(self) -> String {
        let key = format!("{}-{}-abc12345", self.workflow, self.event);
        match self.git_ref {
            Some(git_ref) if self.is_by_ref() => format!("{key}:{git_ref}"),
            _ => key,
        }
    }

    fn is_tag(self) -> bool {
        self.git_ref
            .is_some_and(|git_ref| git_ref.starts_with("refs/tags/"))
    }

    fn is_by_ref(self) -> bool {
        self.by.map_or(self.is_tag(), |by| by == "ref")
    }

    /// Whether it has a part in the locks of commits.
    fn locks(self) -> bool {
        self.event != "schedule" && !(self.is_by_ref() && self.is_tag())
    }

    /// Whether a lock is about it.
    fn respects(self, lock: &Lock) -> bool {
        self.locks() && (!self.is_by_ref() || self.git_ref == lock.git_ref)
    }

    fn is_pull_request(self) -> bool {
        self.event == "pull_request"
    }

    fn params(self) -> Value {
        let mut params = json!({
            "eventType": self.event, "workflow": self.workflow, "commitSha": "abc12345",
            "runId": self.number.to_string(), "symmetric": self.symmetric,
            "gitRef": self.git_ref.unwrap_or("")
        });
        if let Some(by) = self.by {
            params["by"] = json!(by);
        }
        params
    }
}

fn run() -> impl Strategy<Value = Run> {
    let event = prop::sample::select(vec!["push", "pull_request", "schedule"]);
    let workflow = prop::sample::select(vec!["a", "b"]);
    let by = prop::sample::select(vec![None, None, Some("commit"), Some("ref")]);
    let git_ref = prop::sample::select(vec![
        None,
        Some("refs/heads/a"),
        Some("refs/heads/b"),
        Some("refs/tags/a"),
    ]);
    let identity = (event, workflow, git_ref, by);
    (identity, 0..3_u8, any::<bool>()).prop_map(
        |((event, workflow, git_ref, by), number, symmetric)| Run {
            event,
            workflow,
            number,
            symmetric,
            git_ref,
            by: by.filter(|by| *by != "ref" || git_ref.is_some()),
        },
    )
}

fn step() -> impl Strategy<Value = Step> {
    let keep = prop::sample::select(vec![0, WINDOW, 600_000, 2 * LOCK]);
    let times = vec![
        1,
        1000,
        WINDOW - 1,
        WINDOW,
        600_000,
        LOCK - 1,
        LOCK,
        -1,
        -1000,
        -WINDOW,
        -LOCK,
    ];
    prop_oneof![
        2 => run().prop_map(Step::Check),
        3 => run().prop_map(Step::Register),
        3 => (run(), keep).prop_map(|(run, keep)| Step::Admit(run, keep)),
        2 => run().prop_map(Step::Cleanup),
        3 => prop::sample::select(times).prop_map(Step::Pass),
    ]
}

/// A run in the model: its number, when it was last written, and the end of its window.
#[derive(Debug, Clone, Copy)]
struct RunRecord {
    number: u8,
    since: i64,
    until: i64,
}

#[derive(Debug, Default)]
struct Model {
    runs: BTreeMap<String, RunRecord>,
    lock: Option<Lock>,
}

/// The lock of the commit.
#[derive(Debug, Clone, Copy)]
struct Lock {
    /// Whether a pull request has it; otherwise a push.
    of_pull_request: bool,
    since: i64,
    until: i64,
    git_ref: Option<&'static str>,
}

impl Model {
    fn decide(&self, run: Run, now: i64) -> &'static str {
        let held = self
            .runs
            .get(&run.key())
            .is_some_and(|kept| blocks(kept.since, kept.until, now));
        let lock = self
            .lock
            .filter(|lock| blocks(lock.since, lock.until, now) && run.respects(lock));
        match (run.event, lock.map(|lock| lock.of_pull_request)) {
            _ if held => "active_session",
            ("push", Some(true)) => "pull_request_lock",
            ("pull_request", Some(false)) if run.symmetric => "push_lock",
            _ => "new_session",
        }
    }

    fn admit(&mut self, run: Run, length: i64, now: i64) -> &'static str {
        let reason = self.decide(run, now);
        if reason == "new_session" {
            let (number, since, until) = (run.number, now, now + length.max(WINDOW));
            self.runs.insert(
                run.key(),
                RunRecord {
                    number,
                    since,
                    until,
                },
            );
            let takes = run.is_pull_request() || (run.event == "push" && run.symmetric);
            if takes && run.locks() {
                let lock = Lock {
                    of_pull_request: run.is_pull_request(),
                    since: now,
                    until: now + LOCK,
                    git_ref: run.git_ref,
                };
                let longer = self.lock.is_some_and(|held| {
                    let same = held.of_pull_request == lock.of_pull_request && run.respects(&held);
                    same && blocks(held.since, held.until, now) && held.until >= lock.until
                });
                if !longer {
                    self.lock = Some(lock);
                }
            }
        }
        reason
    }

    fn register(&mut self, run: Run, now: i64) -> &'static str {
        let kept = self.runs.get(&run.key());
        let is_held = |kept: &&RunRecord| blocks(kept.since, kept.until, now);
        match kept.filter(|kept| is_held(kept) && kept.number == run.number) {
            Some(_) => "already_registered",
            None => self.admit(run, WINDOW, now),
        }
    }

    fn cleanup(&mut self, run: Run, now: i64) -> &'static str {
        match self.runs.get_mut(&run.key()) {
            None => "not_held",
            Some(kept) if kept.number != run.number => "not_owner",
            Some(kept) => {
                let is_held = blocks(kept.since, kept.until, now);
                if kept.until > kept.since + WINDOW {
                    kept.until = kept.since + WINDOW;
                    kept.since = kept.since.max(now);
                }
                if !is_held || now >= kept.until {
                    self.runs.remove(&run.key());
                }
                "released"
            }
        }
    }
}

/// Whether what was written at `since` blocks: until its end, unless the clock was ahead.
fn blocks(since: i64, until: i64, now: i64) -> bool {
    now < until && since <= now + AHEAD
}

fn follows_the_model(steps: &[Step]) -> Result<(), TestCaseError> {
    let world = World::default();
    let mut model = Model::default();
    for step in steps {
        let now = world.now();
        let (expected, answer) = match *step {
            Step::Pass(time) => {
                world.pass(time);
                continue;
            }
            Step::Check(run) => {
                let mut params = run.params();
                params.as_object_mut().unwrap().remove("runId");
                (model.decide(run, now), world.ok("dedupCheck", params))
            }
            Step::Register(run) => {
                let mut params = run.params();
                params["key"] = json!(run.key());
                (model.register(run, now), world.ok("dedupRegister", params))
            }
            Step::Admit(run, keep) => {
                let mut params = run.params();
                params["keep"] = json!(keep);
                (model.admit(run, keep, now), world.ok("dedupAdmit", params))
            }
            Step::Cleanup(run) => {
                let params = json!({"key": run.key(), "runId": run.number.to_string()});
                (model.cleanup(run, now), world.ok("dedupCleanup", params))
            }
        };
        let outcome = answer.get("reason").unwrap_or(&answer["outcome"]);
        prop_assert_eq!(outcome, expected, "{:?} at {}", step, now);
    }
    Ok(())
}

#[test]
fn runs_are_blocked_as_the_model_predicts() {
    let cases = (5000.0 * scale()) as u32;
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let steps = prop::collection::vec(step(), 1..40);
    runner
        .run(&steps, |steps| follows_the_model(&steps))
        .unwrap();
}
