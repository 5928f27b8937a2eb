//! Concurrent operations. Every store call of an operation is a step. Two or three operations run
//! in every order of their steps. Their results and the final store must be those of some
//! sequential order of the operations: no write is lost or applied twice, and no notice reports a
//! change that was not written.
//!
//! Two reads next to each other have the same results in either order. So of the orders that differ
//! in this only, one runs: the one in which such reads are in the order of their operations.

use std::collections::BTreeSet;
use std::future::{Future, poll_fn, ready as at_once};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use crate::support::{NOON, Shared, World, call, scale};
use serde_json::{Value, json};
use tenure_core::error::Cause;
use tenure_core::store::{Answer, Capabilities, ListQuery, Loaded, Page, Scan, SyncStore};
use tenure_core::stored::record::Record;
use tenure_core::{
    Changes, Commit, History, Lift, Limits, MemoryStore, SessionId, Store, Timestamp,
};

/// A store in which every call is performed when its future is polled for the second time.
struct SteppedStore<'m> {
    memory: &'m MemoryStore,
    /// The number of commits, including those that were refused.
    commits: Shared<u32>,
}

/// Is pending once.
async fn step() {
    let mut waited = false;
    poll_fn(|_| {
        if std::mem::replace(&mut waited, true) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
}

impl Store for SteppedStore<'_> {
    fn capabilities(&self) -> Capabilities {
        self.memory.capabilities()
    }

    fn load<'a>(&'a self, id: &'a SessionId, history: History) -> Answer<'a, Option<Loaded>> {
        Box::pin(async move {
            step().await;
            self.memory.load(id, history)
        })
    }

    fn commit<'a>(&'a self, changes: &'a Changes) -> Answer<'a, Commit> {
        Box::pin(async move {
            step().await;
            self.commits.set(self.commits.get() + 1);
            self.memory.commit(changes)
        })
    }

    fn list<'a>(&'a self, query: &'a ListQuery) -> Answer<'a, Page> {
        Box::pin(async move {
            step().await;
            self.memory.list(query)
        })
    }

    fn record<'a>(&'a self, kind: &'a str, key: &'a str) -> Answer<'a, Option<Record>> {
        Box::pin(async move {
            step().await;
            self.memory.record(kind, key)
        })
    }

    fn scan<'a>(&'a self, scan: &'a Scan) -> Answer<'a, Vec<Record>> {
        Box::pin(async move {
            step().await;
            self.memory.scan(scan)
        })
    }
}

/// An operation that runs concurrently with others.
#[derive(Debug, Clone)]
struct Op {
    name: &'static str,
    params: String,
}

fn op(name: &'static str, params: Value) -> Op {
    Op {
        name,
        params: params.to_string(),
    }
}

/// The replies of operations, in the order in which the operations are listed, and the final store.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Outcome {
    answers: Vec<String>,
    store: String,
}

/// A running operation, which resolves to its reply.
type Running<'a> = Pin<Box<dyn Future<Output = String> + 'a>>;

fn begin<'a>(store: &'a dyn Store, limits: &'a Limits, index: usize, op: &'a Op) -> Running<'a> {
    Box::pin(async move {
        let now = Timestamp::from_millis(NOON + 60_000 + index as i64).unwrap();
        match call(store, limits, now, 7 + index as u128, op.name, &op.params).await {
            Ok(reply) => format!("{} notices {}", reply.value, reply.notices),
            Err(error) => serde_json::to_string(&error).unwrap(),
        }
    })
}

fn poll(running: &mut Running<'_>) -> Poll<String> {
    running
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
}

fn prepared(setup: &[Op]) -> MemoryStore {
    let world = World::default();
    for op in setup {
        world.raw(op.name, &op.params).unwrap();
    }
    world.store.0
}

/// The outcome of one sequential order of the operations.
fn sequential_outcome(setup: &[Op], ops: &[Op], order: &[usize]) -> Outcome {
    let memory = prepared(setup);
    let limits = Limits::default();
    let mut answers = vec![String::new(); ops.len()];
    for &index in order {
        let store = Lift(&memory);
        let mut running = begin(&store, &limits, index, &ops[index]);
        match poll(&mut running) {
            Poll::Ready(answer) => answers[index] = answer,
            Poll::Pending => panic!("a store in memory is synchronous"),
        }
    }
    Outcome {
        answers,
        store: format!("{memory:?}"),
    }
}

/// Runs the operations once. At each step `choose` gets the number of pending operations and
/// returns the index of the operation that continues. `None` if another order is as good: one in
/// which two reads change places.
fn interleaved(
    setup: &[Op],
    ops: &[Op],
    mut choose: impl FnMut(usize) -> usize,
) -> Option<Outcome> {
    let memory = prepared(setup);
    let limits = Limits::default();
    let store = SteppedStore {
        memory: &memory,
        commits: Shared::new(0),
    };
    let mut answers = vec![String::new(); ops.len()];
    let mut under_way: Vec<(usize, Running<'_>)> = Vec::new();
    for (index, op) in ops.iter().enumerate() {
        let mut running = begin(&store, &limits, index, op);
        // An operation has no effect before its first store call.
        match poll(&mut running) {
            Poll::Ready(answer) => answers[index] = answer,
            Poll::Pending => under_way.push((index, running)),
        }
    }
    let mut last_read = 0;
    while !under_way.is_empty() {
        let chosen = choose(under_way.len());
        let commits = store.commits.get();
        let (index, running) = &mut under_way[chosen];
        let (index, polled) = (*index, poll(running));
        let is_read = store.commits.get() == commits;
        if is_read && index < last_read {
            return None;
        }
        last_read = if is_read { index } else { 0 };
        if let Poll::Ready(answer) = polled {
            answers[index] = answer;
            drop(under_way.remove(chosen));
        }
    }
    drop(under_way);
    Some(Outcome {
        answers,
        store: format!("{memory:?}"),
    })
}

/// Calls `seen` with the outcome of every order of the steps, and returns the number of outcomes.
fn explore(setup: &[Op], ops: &[Op], mut seen: impl FnMut(&[usize], Outcome)) -> usize {
    // The choices of the next order, each with the number of alternatives.
    let mut path: Vec<(usize, usize)> = Vec::new();
    let mut count = 0;
    loop {
        let mut depth = 0;
        let outcome = interleaved(setup, ops, |branches| {
            if depth == path.len() {
                path.push((0, branches));
            }
            depth += 1;
            path[depth - 1].0
        });
        path.truncate(depth);
        let schedule: Vec<usize> = path.iter().map(|(choice, _)| *choice).collect();
        if let Some(outcome) = outcome {
            seen(&schedule, outcome);
            count += 1;
        }
        // The next order changes the last choice that has another alternative.
        while path
            .last()
            .is_some_and(|(choice, branches)| choice + 1 == *branches)
        {
            path.pop();
        }
        match path.last_mut() {
            Some((choice, _)) => *choice += 1,
            None => return count,
        }
    }
}

/// Every permutation of the numbers below `count`.
fn orders(count: usize) -> Vec<Vec<usize>> {
    if count == 0 {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for shorter in orders(count - 1) {
        for place in 0..count {
            let mut order = shorter.clone();
            order.insert(place, count - 1);
            all.push(order);
        }
    }
    all
}

/// Checks that every interleaving has the outcome of some sequential order.
fn check_serializable(setup: &[Op], ops: &[Op]) -> usize {
    let allowed: BTreeSet<Outcome> = orders(ops.len())
        .iter()
        .map(|order| sequential_outcome(setup, ops, order))
        .collect();
    explore(setup, ops, |schedule, outcome| {
        assert!(
            allowed.contains(&outcome),
            "after {setup:#?}\nthe operations {ops:#?}\nin the order {schedule:?} come to\n\
             {outcome:#?}\nbut one after the other only to\n{allowed:#?}"
        );
    })
}

/// The initial states of the session.
fn setups() -> Vec<Vec<Op>> {
    let start = |extra: Value| {
        let mut params = json!({
            "id": "s", "task": "t", "mode": "m", "maxIterations": 2, "context": {"a": 1}
        });
        params
            .as_object_mut()
            .unwrap()
            .extend(extra.as_object().unwrap().clone());
        op("start", params)
    };
    vec![
        vec![start(json!({}))],
        vec![start(json!({"paused": true}))],
        vec![
            start(json!({"maxIterations": 1})),
            op("incrementIteration", json!({"id": "s"})),
        ],
        vec![start(json!({})), op("trash", json!({"id": "s"}))],
        vec![],
    ]
}

/// One operation of every kind on one session, with and without preconditions.
fn concurrent_operations() -> Vec<Op> {
    let with = |name: &'static str, extra: Value| {
        let mut params = json!({"id": "s"});
        params
            .as_object_mut()
            .unwrap()
            .extend(extra.as_object().unwrap().clone());
        op(name, params)
    };
    let text = r#"{"id":"s","mode":"i","task":"i","status":"active","createdAt":0,"version":1}"#;
    vec![
        with("addEvent", json!({"type": "note", "data": {"n": 1}})),
        with("addEvent", json!({"type": "note", "idempotencyKey": "k"})),
        with("addEvent", json!({"type": "note", "ifVersion": 1})),
        with(
            "addEvent",
            json!({"type": "complete", "data": {"result": "r"}}),
        ),
        with(
            "addEvents",
            json!({"events": [{"type": "x"}, {"type": "iteration"}]}),
        ),
        with("incrementIteration", json!({})),
        with("incrementIteration", json!({"idempotencyKey": "k"})),
        with("recordToolCall", json!({"tool": "bash"})),
        with("recordUsage", json!({"cost": 0.1, "tokens": {"prompt": 1}})),
        with("updateContext", json!({"context": {"b": 2}})),
        with("update", json!({"maxIterations": 3, "task": "u"})),
        with("pause", json!({"reason": "r"})),
        with("pause", json!({"idempotencyKey": "k"})),
        with("resume", json!({"addIterations": 1})),
        with("complete", json!({"result": "r"})),
        with("complete", json!({"result": "r", "idempotencyKey": "k"})),
        with(
            "complete",
            json!({"result": "r", "ifVersion": 1, "idempotencyKey": "k"}),
        ),
        with("fail", json!({"error": "e", "ifVersion": 1})),
        with("abandon", json!({})),
        with("trash", json!({})),
        with("restore", json!({"idempotencyKey": "k"})),
        with("delete", json!({})),
        with("fork", json!({"newId": "f"})),
        with("export", json!({})),
        op("import", json!({"text": text})),
        op("start", json!({"id": "s", "task": "n", "mode": "m"})),
        op(
            "start",
            json!({"id": "s", "task": "n", "mode": "m", "idempotencyKey": "k"}),
        ),
        op(
            "start",
            json!({"task": "n", "mode": "m", "idempotencyKey": "k"}),
        ),
        op("stats", json!({})),
    ]
}

#[test]
fn two_concurrent_operations_are_serializable() {
    let ops = concurrent_operations();
    let mut count = 0;
    for (number, setup) in setups().into_iter().enumerate() {
        for (index, first) in ops.iter().enumerate() {
            for (other, second) in ops.iter().enumerate().skip(index) {
                // In all but the first state, a quick test runs one pair of four.
                if number > 0 && scale() < 1.0 && (index + other) % 4 != number % 4 {
                    continue;
                }
                count += check_serializable(&setup, &[first.clone(), second.clone()]);
            }
        }
    }
    assert!(count > 3000, "{count} orders were tried");
}

#[test]
fn three_concurrent_operations_are_serializable() {
    let ops = concurrent_operations();
    // All triples would take minutes, so a fixed random selection of them runs.
    let mut state = 1_u64;
    let mut random = |below: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) as usize % below
    };
    let setups = setups();
    for _ in 0..(150.0 * scale()).ceil() as usize {
        let setup = &setups[random(setups.len())];
        let three: Vec<Op> = (0..3).map(|_| ops[random(ops.len())].clone()).collect();
        check_serializable(setup, &three);
    }
}

#[test]
fn concurrent_events_of_a_host_are_serializable() {
    let event = |name: &str, more: Value| {
        let mut payload = json!({"hook_event_name": name, "session_id": "S", "agent_type": "rev"});
        let more = more.as_object().unwrap().clone();
        payload.as_object_mut().unwrap().extend(more);
        op("hookEvent", json!({"input": payload.to_string()}))
    };
    let delegate = |tool: &str| {
        let input = json!({"subagent_type": "rev", "prompt": tool});
        let more = json!({"tool_name": "Task", "tool_use_id": tool, "tool_input": input});
        event("PreToolUse", more)
    };
    let start = |agent: &str| event("SubagentStart", json!({"agent_id": agent}));
    let stop = |agent: &str| event("SubagentStop", json!({"agent_id": agent}));
    let ops = [
        start("a1"),
        start("a2"),
        stop("a1"),
        stop("a2"),
        event("SubagentStop", json!({})),
        delegate("t1"),
        delegate("t3"),
    ];
    let setups = [
        vec![delegate("t1"), delegate("t2")],
        vec![delegate("t1"), start("a1"), delegate("t2")],
        vec![delegate("t1"), start("a1"), stop("a1"), delegate("t2")],
    ];
    for (number, setup) in setups.iter().enumerate() {
        for (index, first) in ops.iter().enumerate() {
            for (other, second) in ops.iter().enumerate().skip(index) {
                // A quick test runs each pair in one of the three states.
                if scale() < 1.0 && (index + other) % 3 != number {
                    continue;
                }
                check_serializable(setup, &[first.clone(), second.clone()]);
            }
        }
    }
    // The end of a turn stops each agent in a commit of its own.
    let one_agent = [delegate("t1")];
    for background_tasks in [json!([]), json!([{"type": "subagent", "id": "a1"}])] {
        let ends = event("Stop", json!({"background_tasks": background_tasks}));
        for other in &ops {
            check_serializable(&one_agent, &[ends.clone(), other.clone()]);
        }
    }
}

#[test]
fn every_concurrent_append_gets_its_own_sequence_number() {
    let setup = &setups()[0];
    let append = |n: u32| {
        op(
            "addEvent",
            json!({"id": "s", "type": "note", "data": {"n": n}}),
        )
    };
    let ops = [append(1), append(2), append(3)];
    let orders = explore(setup, &ops, |schedule, outcome| {
        let mut numbers: Vec<u64> = outcome
            .answers
            .iter()
            .map(|answer| {
                let value = answer.split(" notices ").next().unwrap();
                let value: Value = serde_json::from_str(value).unwrap();
                assert_eq!(value["firstSequence"], value["lastSequence"]);
                value["lastSequence"].as_u64().unwrap()
            })
            .collect();
        numbers.sort_unstable();
        assert_eq!(numbers, [2, 3, 4], "{schedule:?}");
    });
    assert!(orders > 90, "{orders}");
}

#[test]
fn one_of_two_concurrent_calls_with_one_idempotency_key_writes() {
    for (setup, racing) in [
        (
            0,
            op(
                "complete",
                json!({"id": "s", "result": "r", "idempotencyKey": "k"}),
            ),
        ),
        (
            0,
            op(
                "pause",
                json!({"id": "s", "ifVersion": 1, "idempotencyKey": "k"}),
            ),
        ),
        (1, op("resume", json!({"id": "s", "idempotencyKey": "k"}))),
        (0, op("trash", json!({"id": "s", "idempotencyKey": "k"}))),
        (
            0,
            op(
                "addEvent",
                json!({"id": "s", "type": "error", "idempotencyKey": "k"}),
            ),
        ),
        (
            4,
            op(
                "start",
                json!({"task": "t", "mode": "m", "idempotencyKey": "k"}),
            ),
        ),
        (
            4,
            op(
                "start",
                json!({"id": "x", "task": "t", "mode": "m", "idempotencyKey": "k"}),
            ),
        ),
    ] {
        let ops = [racing.clone(), racing];
        explore(&setups()[setup], &ops, |schedule, outcome| {
            let with_notices = outcome
                .answers
                .iter()
                .filter(|answer| !answer.ends_with(" notices []"));
            let refused = outcome
                .answers
                .iter()
                .any(|answer| answer.contains(r#""code":"#));
            assert!(!refused, "{schedule:?}: {outcome:#?}");
            assert!(with_notices.count() <= 1, "{schedule:?}: {outcome:#?}");
        });
    }
}

#[test]
fn a_write_for_a_version_never_overwrites_a_newer_version() {
    let setup = &setups()[0];
    let careful = op("update", json!({"id": "s", "task": "mine", "ifVersion": 1}));
    let other = op("addEvent", json!({"id": "s", "type": "note"}));
    explore(setup, &[careful, other], |schedule, outcome| {
        let careful = &outcome.answers[0];
        let other: Value =
            serde_json::from_str(outcome.answers[1].split(" notices ").next().unwrap()).unwrap();
        // The event has version 2 unless the update was applied before it.
        let late = careful.contains("VERSION_CONFLICT");
        assert_eq!(late, other["version"] == 2, "{schedule:?}: {outcome:#?}");
    });
}

/// A store in which another process changes the session before each commit, `conflicts` times.
struct Contended<'m> {
    memory: &'m MemoryStore,
    conflicts: Shared<u32>,
    commits: Shared<u32>,
}

impl Contended<'_> {
    /// Changes the session as another process would.
    fn interfere(&self) {
        let world = World::over(Lift(self.memory));
        world.ok("recordUsage", json!({"id": "s", "tokens": {"prompt": 1}}));
    }
}

impl Store for Contended<'_> {
    fn capabilities(&self) -> Capabilities {
        self.memory.capabilities()
    }

    fn load<'a>(&'a self, id: &'a SessionId, history: History) -> Answer<'a, Option<Loaded>> {
        Box::pin(at_once(self.memory.load(id, history)))
    }

    fn commit<'a>(&'a self, changes: &'a Changes) -> Answer<'a, Commit> {
        self.commits.set(self.commits.get() + 1);
        if self.conflicts.get() > 0 {
            self.conflicts.set(self.conflicts.get() - 1);
            self.interfere();
        }
        Box::pin(at_once(self.memory.commit(changes)))
    }

    fn list<'a>(&'a self, query: &'a ListQuery) -> Answer<'a, Page> {
        Box::pin(at_once(self.memory.list(query)))
    }

    fn record<'a>(&'a self, kind: &'a str, key: &'a str) -> Answer<'a, Option<Record>> {
        Box::pin(at_once(self.memory.record(kind, key)))
    }

    fn scan<'a>(&'a self, scan: &'a Scan) -> Answer<'a, Vec<Record>> {
        Box::pin(at_once(self.memory.scan(scan)))
    }
}

fn contended(memory: &MemoryStore, conflicts: u32) -> World<Contended<'_>> {
    World::over(Contended {
        memory,
        conflicts: Shared::new(conflicts),
        commits: Shared::new(0),
    })
}

#[test]
fn a_write_succeeds_after_a_hundred_conflicts() {
    let memory = prepared(&setups()[0]);
    let world = contended(&memory, 100);
    let answer = world.ok("addEvent", json!({"id": "s", "type": "note"}));
    assert_eq!(answer["lastSequence"], 2);
    assert_eq!(answer["version"], 102);
    assert_eq!(world.store.commits.get(), 101);
    let stats = world.ok("stats", json!({}));
    assert_eq!(
        stats["usage"]["tokens"]["prompt"], 100,
        "nor is any change of the others lost"
    );
}

#[test]
fn a_write_that_always_conflicts_fails_with_store_busy() {
    for (operation, params) in [
        ("addEvent", json!({"id": "s", "type": "note"})),
        ("complete", json!({"id": "s", "idempotencyKey": "k"})),
        ("trash", json!({"id": "s"})),
        (
            "import",
            json!({"text": r#"{"id":"s","mode":"m","task":"t","status":"paused","createdAt":0}"#}),
        ),
    ] {
        let memory = prepared(&setups()[0]);
        let world = contended(&memory, u32::MAX);
        let before = world.export("s");
        let error = world.error(operation, params);
        assert_eq!(error.code(), "STORE_BUSY", "{operation}");
        let Cause::StoreBusy { attempts, .. } = *error.cause() else {
            panic!("{error}");
        };
        assert_eq!(world.store.commits.get(), attempts, "{operation}");
        assert!((16..=1024).contains(&attempts), "{attempts}");
        let after = world.session("s");
        let before: Value = serde_json::from_str(&before).unwrap();
        assert_eq!(after["history"], before["history"], "{operation}");
        assert_eq!(after["status"], "active", "{operation}");
    }
}

/// A store that refuses every commit with a conflict.
struct AlwaysConflicting {
    memory: MemoryStore,
    answer: Commit,
}

impl SyncStore for AlwaysConflicting {
    fn capabilities(&self) -> Capabilities {
        self.memory.capabilities()
    }
    fn load(&self, id: &SessionId, history: History) -> tenure_core::Result<Option<Loaded>> {
        self.memory.load(id, history)
    }
    fn commit(&self, _: &Changes) -> tenure_core::Result<Commit> {
        Ok(self.answer.clone())
    }
    fn list(&self, query: &ListQuery) -> tenure_core::Result<Page> {
        self.memory.list(query)
    }
    fn record(&self, kind: &str, key: &str) -> tenure_core::Result<Option<Record>> {
        self.memory.record(kind, key)
    }
    fn scan(&self, scan: &Scan) -> tenure_core::Result<Vec<Record>> {
        self.memory.scan(scan)
    }
}

#[test]
fn no_operation_retries_conflicts_without_end() {
    let session = Commit::SessionConflict {
        id: SessionId::parse("s").unwrap(),
        current: Some(9),
    };
    let record = Commit::RecordConflict {
        record_kind: "idempotency.store".to_owned(),
        key: "k".to_owned(),
        current: Some(1),
    };
    for answer in [session, record] {
        let world = World::over(Lift(AlwaysConflicting {
            memory: prepared(&setups()[0]),
            answer: answer.clone(),
        }));
        for op in concurrent_operations() {
            match world.raw(op.name, &op.params) {
                Ok(reply) => assert!(!reply.value.contains(r#""version":2"#), "{}", reply.value),
                Err(error) => assert!(
                    [
                        "STORE_BUSY",
                        "SESSION_EXISTS",
                        "SESSION_NOT_FOUND",
                        "INVALID_TRANSITION"
                    ]
                    .contains(&error.code()),
                    "{op:?}: {error}"
                ),
            }
        }
        let cleaned = world.ok("cleanup", json!({"maxAge": 0, "status": "active"}));
        assert_eq!(cleaned["removed"], 0);
    }
}

/// A store in which another process changes the session after every list.
struct ChangedAfterList(MemoryStore);

impl SyncStore for ChangedAfterList {
    fn capabilities(&self) -> Capabilities {
        self.0.capabilities()
    }
    fn load(&self, id: &SessionId, history: History) -> tenure_core::Result<Option<Loaded>> {
        self.0.load(id, history)
    }
    fn commit(&self, changes: &Changes) -> tenure_core::Result<Commit> {
        self.0.commit(changes)
    }
    fn list(&self, query: &ListQuery) -> tenure_core::Result<Page> {
        let page = self.0.list(query);
        World::over(Lift(&self.0)).ok("recordUsage", json!({"id": "s", "cost": 1}));
        page
    }
    fn record(&self, kind: &str, key: &str) -> tenure_core::Result<Option<Record>> {
        self.0.record(kind, key)
    }
    fn scan(&self, scan: &Scan) -> tenure_core::Result<Vec<Record>> {
        self.0.scan(scan)
    }
}

#[test]
fn a_session_that_changes_during_a_cleanup_is_not_removed() {
    for permanent in [false, true] {
        let world = World::over(Lift(ChangedAfterList(prepared(&setups()[0]))));
        world.pass(1000);
        let params = json!({"maxAge": 1, "status": "active", "permanent": permanent});
        assert_eq!(world.ok("cleanup", params)["removed"], 0);
        assert!(world.session("s").get("deletedAt").is_none());
    }
}
