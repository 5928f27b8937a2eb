//! Operations over what a handle remembers, however old that is, have the results of operations that read.

use std::sync::Mutex;

use tenure_core::store::{Answer, Found, Loaded, Memory, Origin, Read, Recalled};
use tenure_core::work::execution::{Execution, done, run_async};
use tenure_core::work::recalled::run_recalling;
use tenure_core::{
    Changes, Commit, Head, History, Lift, Limits, MemoryStore, Result, SessionId, Store, Timestamp,
};

use crate::support::{ImmediateTimer, call_at, ready};

/// Remembers every head that there was, and recalls one of them.
struct OldHeads<'s> {
    store: &'s Lift<MemoryStore>,
    heads: Mutex<Vec<Head>>,
    /// Which of the heads of a session is recalled, counted from the newest one.
    age: usize,
}

impl Memory for OldHeads<'_> {
    fn recall(&self, reads: &[Read]) -> Option<Recalled> {
        let heads = self.heads.lock().unwrap();
        let mut origins = Vec::new();
        let recall = |read: &Read| match read {
            Read::Session { id, .. } => {
                let mut known = heads.iter().rev().filter(|head| head.id == *id);
                let head = known.nth(self.age)?.clone();
                // Here a session is never written again, so that its version says which commit that was.
                let (id, commit) = (id.clone(), head.version.cast_signed());
                origins.push(Origin { id, commit });
                let loaded = Loaded {
                    head,
                    events: Vec::new(),
                };
                Some(Found::Session(Ok(Some(Box::new(loaded)))))
            }
            // That there is none is a guess.
            Read::Record { .. } => Some(Found::Record(None)),
        };
        let found = reads.iter().map(recall).collect::<Option<_>>()?;
        Some(Recalled { found, origins })
    }

    fn commit_recalled<'a>(&'a self, changes: &'a Changes, _: &'a [Origin]) -> Answer<'a, Commit> {
        self.store.commit(changes)
    }
}

fn run(
    store: &Lift<MemoryStore>,
    memory: Option<&OldHeads<'_>>,
    step: usize,
    (name, params): (&str, &str),
) -> Result<String> {
    let operations = tenure_core::table::OPERATIONS.iter().copied().flatten();
    let operation = operations.copied().find(|one| one.name() == name).unwrap();
    let now = Timestamp::from_millis(1_000 + step as i64).unwrap();
    let call = call_at(now, step as u128 + 1, &Limits::default());
    let mut execution = Execution::new(operation, operation.read(params)?, call);
    let ended = match memory {
        Some(memory) => ready(run_recalling(
            store,
            memory,
            &ImmediateTimer,
            &mut execution,
        )),
        None => ready(run_async(store, &ImmediateTimer, &mut execution)),
    };
    Ok(done(ended)?.value.to_json().as_str().to_owned())
}

const STEPS: [(&str, &str); 18] = [
    (
        "start",
        r#"{"id":"s","task":"t","mode":"m","maxIterations":3}"#,
    ),
    ("addEvent", r#"{"id":"s","type":"note","data":{"a":1}}"#),
    (
        "addEvent",
        r#"{"id":"s","type":"note","idempotencyKey":"k"}"#,
    ),
    (
        "addEvent",
        r#"{"id":"s","type":"note","idempotencyKey":"k"}"#,
    ),
    ("incrementIteration", r#"{"id":"s"}"#),
    ("pause", r#"{"id":"s","reason":"r"}"#),
    ("pause", r#"{"id":"s","reason":"r"}"#),
    ("resume", r#"{"id":"s"}"#),
    ("leaseAcquire", r#"{"key":"session:s","holder":"h"}"#),
    ("pause", r#"{"id":"s","reason":"another"}"#),
    (
        "updateContext",
        r#"{"id":"s","context":{"a":1},"ifVersion":5}"#,
    ),
    ("incrementIteration", r#"{"id":"s"}"#),
    ("incrementIteration", r#"{"id":"s"}"#),
    ("incrementIteration", r#"{"id":"s"}"#),
    ("start", r#"{"id":"u","task":"t","mode":"m"}"#),
    ("trash", r#"{"id":"u"}"#),
    // Its commit expects no version, and what is remembered may not be in the trash.
    ("delete", r#"{"id":"u","trash":"exclude"}"#),
    ("delete", r#"{"id":"u","trash":"only"}"#),
];

#[test]
fn an_operation_never_depends_on_what_is_remembered() {
    for age in 0..4 {
        let (store, expected) = (
            Lift::<MemoryStore>::default(),
            Lift::<MemoryStore>::default(),
        );
        let memory = OldHeads {
            store: &store,
            heads: Mutex::default(),
            age,
        };
        for (step, operation) in STEPS.into_iter().enumerate() {
            let reply = run(&store, Some(&memory), step, operation);
            let wanted = run(&expected, None, step, operation);
            assert_eq!(
                reply.map_err(|error| error.code()),
                wanted.map_err(|error| error.code()),
                "age {age}, step {step}: {operation:?}"
            );
            for name in ["s", "u"] {
                let id = SessionId::parse(name).unwrap();
                let loaded = ready(store.load(&id, History::All)).unwrap();
                assert_eq!(loaded, ready(expected.load(&id, History::All)).unwrap());
                let head = loaded.map(|loaded| loaded.head);
                memory.heads.lock().unwrap().extend(head);
            }
        }
    }
}
