//! The store calls of a slot lookup, and the lookup of a session that cannot be read.

use serde_json::json;
use tenure_core::error::Cause;
use tenure_core::store::{Capabilities, Changes, Commit, ListQuery, Loaded, Page, Scan, SyncStore};
use tenure_core::stored::record::Record;
use tenure_core::{History, Lift, MemoryStore, Result, SessionId};

use super::params;
use crate::support::{Shared, World};

/// A store that records its calls, and can fail to read sessions.
#[derive(Default)]
struct RecordingStore {
    memory: MemoryStore,
    calls: Shared<Vec<&'static str>>,
    corrupt: Shared<bool>,
    /// Delays commits until the next load of a session, as if another process wrote in that moment.
    delays_commits: Shared<bool>,
    delayed: Shared<Vec<Changes>>,
}

impl RecordingStore {
    fn note(&self, method: &'static str) {
        self.calls.borrow_mut().push(method);
    }
}

impl SyncStore for RecordingStore {
    fn capabilities(&self) -> Capabilities {
        self.memory.capabilities()
    }

    fn load(&self, id: &SessionId, history: History) -> Result<Option<Loaded>> {
        self.note(if history == History::None {
            "head"
        } else {
            "history"
        });
        for changes in self.delayed.take() {
            assert_eq!(self.memory.commit(&changes)?, Commit::Applied);
        }
        if self.corrupt.get() {
            return Err(Cause::CorruptSession {
                id: id.to_string(),
                problem: "it cannot be read".to_owned(),
            }
            .into());
        }
        self.memory.load(id, history)
    }

    fn commit(&self, changes: &Changes) -> Result<Commit> {
        self.note("commit");
        if self.delays_commits.get() {
            self.delayed.borrow_mut().push(changes.clone());
            return Ok(Commit::Applied);
        }
        self.memory.commit(changes)
    }

    fn list(&self, query: &ListQuery) -> Result<Page> {
        self.note("list");
        self.memory.list(query)
    }

    fn record(&self, kind: &str, key: &str) -> Result<Option<Record>> {
        self.note("record");
        self.memory.record(kind, key)
    }

    fn scan(&self, scan: &Scan) -> Result<Vec<Record>> {
        self.note("scan");
        self.memory.scan(scan)
    }
}

#[test]
fn a_slot_is_looked_up_by_one_record_and_one_head() {
    let world = World::over(Lift(RecordingStore::default()));
    let calls = |name, params| {
        world.store.0.calls.take();
        world.ok(name, params);
        world.store.0.calls.take()
    };
    let look = json!({"taskId": "t", "phase": "plan"});
    assert_eq!(calls("latestSession", look.clone()), ["record"]);
    let first = calls("startInSlot", params("a", json!({"id": "s"})));
    assert_eq!(first, ["record", "commit"]);
    let again = calls("startInSlot", params("a", json!({})));
    assert_eq!(again, ["record", "head"]);
    assert_eq!(calls("latestSession", look), ["record", "head"]);
    let one = calls("slots", json!({"taskIds": ["t"]}));
    assert_eq!(one, ["record", "record", "record", "record", "head"]);
    let many: Vec<String> = (0..100).map(|number| number.to_string()).collect();
    assert_eq!(calls("slots", json!({"taskIds": many})), ["list"]);
}

#[test]
fn a_lookup_never_finds_the_slot_empty_while_its_session_is_replaced() {
    let world = World::over(Lift(RecordingStore::default()));
    world.ok("startInSlot", params("a", json!({"id": "first"})));
    world.store.0.delays_commits.set(true);
    let replace = json!({"id": "next", "onModelChange": "replace"});
    world.ok("startInSlot", params("b", replace));
    let found = world.ok("latestSession", json!({"taskId": "t", "phase": "plan"}));
    assert_eq!(found["session"]["id"], "next");

    // An occupant that was trashed without a successor is looked up twice at most.
    world.store.0.delays_commits.set(false);
    world.ok("trash", json!({"id": "next"}));
    world.store.0.calls.take();
    let found = world.ok("latestSession", json!({"taskId": "t", "phase": "plan"}));
    assert!(found.is_null());
    assert_eq!(world.store.0.calls.take(), ["record", "head", "record"]);
}

#[test]
fn a_session_that_cannot_be_read_does_not_block_its_slot() {
    let world = World::over(Lift(RecordingStore::default()));
    world.ok("startInSlot", params("a", json!({"id": "unreadable"})));
    world.store.0.corrupt.set(true);
    let next = world.ok("startInSlot", params("b", json!({"id": "next"})));
    assert_eq!(next["outcome"], "created");
    world.store.0.corrupt.set(false);
    let found = world.ok("latestSession", json!({"taskId": "t", "phase": "plan"}));
    assert_eq!(found["session"]["id"], "next");
}
