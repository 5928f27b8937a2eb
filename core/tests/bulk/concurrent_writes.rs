//! Bulk operations during concurrent writes and with a failing store.

use serde_json::{Value, json};
use tenure_core::error::Cause;
use tenure_core::store::{
    Capabilities, Changes, Commit, ListQuery, Loaded, Page, Scan, SessionWrite, SyncStore,
};
use tenure_core::stored::record::Record;
use tenure_core::{History, Lift, MemoryStore, Result, SessionId};

use super::ids;
use crate::support::{Shared, World};

/// A store with concurrent writers and configurable failures.
#[derive(Default)]
struct Busy {
    memory: MemoryStore,
    /// Sessions that another process changes before the next commit of several sessions.
    changed_concurrently: Shared<Vec<&'static str>>,
    /// A session that cannot be written.
    unwritable: Shared<Option<&'static str>>,
    /// The number of commits after which the store fails.
    commits_left: Shared<Option<u32>>,
    /// Whether the store refuses every write that is not a removal.
    full: Shared<bool>,
    /// The number of sessions in each commit.
    commits: Shared<Vec<usize>>,
}

impl SyncStore for Busy {
    fn capabilities(&self) -> Capabilities {
        self.memory.capabilities()
    }

    fn load(&self, id: &SessionId, history: History) -> Result<Option<Loaded>> {
        self.memory.load(id, history)
    }

    fn commit(&self, changes: &Changes) -> Result<Commit> {
        match self.commits_left.get() {
            Some(0) => {
                return Err(Cause::StorageFull {
                    problem: "no room".to_owned(),
                }
                .into());
            }
            Some(left) => self.commits_left.set(Some(left - 1)),
            None => {}
        }
        let is_put = |write: &SessionWrite| matches!(write, SessionWrite::Put { .. });
        let mut writes = changes.sessions.iter().map(|change| is_put(&change.write));
        let mut records = changes.records.iter().map(|change| change.record.is_some());
        if self.full.get() && (writes.any(|puts| puts) || records.any(|puts| puts)) {
            return Err(Cause::StorageFull {
                problem: "no room".to_owned(),
            }
            .into());
        }
        if let Some(unwritable) = self.unwritable.get()
            && changes
                .sessions
                .iter()
                .any(|change| change.id.as_str() == unwritable)
        {
            return Err(Cause::CorruptSession {
                id: unwritable.to_owned(),
                problem: "it cannot be written".to_owned(),
            }
            .into());
        }
        if changes.sessions.len() > 1 {
            for id in self.changed_concurrently.take() {
                self.change(id);
            }
        }
        let commit = self.memory.commit(changes)?;
        if commit == Commit::Applied && !changes.sessions.is_empty() {
            self.commits.borrow_mut().push(changes.sessions.len());
        }
        Ok(commit)
    }

    fn list(&self, query: &ListQuery) -> Result<Page> {
        self.memory.list(query)
    }

    fn record(&self, kind: &str, key: &str) -> Result<Option<Record>> {
        self.memory.record(kind, key)
    }

    fn scan(&self, scan: &Scan) -> Result<Vec<Record>> {
        self.memory.scan(scan)
    }
}

impl Busy {
    /// Changes the version of a session, as another process would.
    fn change(&self, id: &str) {
        let id = SessionId::parse(id).unwrap();
        let mut head = self.memory.load(&id, History::None).unwrap().unwrap().head;
        head.version += 1;
        let change = json!({
            "sessions": [{
                "id": id, "expect": {"kind": "present"},
                "write": {"kind": "put", "head": head, "replaceHistory": false, "events": []}
            }],
            "records": []
        });
        let change: Changes = serde_json::from_str(&change.to_string()).unwrap();
        assert!(matches!(change.sessions[0].write, SessionWrite::Put { .. }));
        assert_eq!(self.memory.commit(&change).unwrap(), Commit::Applied);
    }
}

fn world(count: usize) -> (World<Lift<Busy>>, Vec<String>) {
    let world = World::over(Lift(Busy::default()));
    let all: Vec<String> = (0..count).map(|number| format!("s{number}")).collect();
    for id in &all {
        let start = json!({"id": id, "task": "", "mode": "m"});
        world.ok("start", start);
    }
    world.store.0.commits.take();
    (world, all)
}

#[test]
fn a_bulk_operation_commits_a_hundred_sessions_at_a_time() {
    let (world, all) = world(250);
    for operation in ["trashMany", "restoreMany", "deleteMany"] {
        world.ok(operation, json!({"ids": all}));
        assert_eq!(world.store.0.commits.take(), [100, 100, 50], "{operation}");
    }
    let starts: Vec<Value> = (0..60)
        .map(|task| {
            json!({
                "taskId": (task % 50).to_string(), "phase": "plan", "model": "a",
                "task": "", "mode": "m"
            })
        })
        .collect();
    let answers = world.ok("startInSlots", json!({"starts": starts}));
    assert_eq!(world.store.0.commits.take(), [50]);
    let existing = answers.as_array().unwrap().iter();
    let existing = existing.filter(|answer| answer["outcome"] == "existing");
    assert_eq!(existing.count(), 10);
}

#[test]
fn a_concurrent_change_to_one_session_does_not_block_the_others() {
    let (world, all) = world(20);
    *world.store.0.changed_concurrently.borrow_mut() = vec!["s7"];
    let answer = world.ok("trashMany", json!({"ids": all}));
    // The session that was changed concurrently is retried and trashed as well.
    assert_eq!(ids(&answer["done"]), all);
    assert_eq!(world.store.0.commits.take(), [1; 20]);
    *world.store.0.changed_concurrently.borrow_mut() = vec!["s3", "s9"];
    let purged = world.ok("purge", json!({"olderThan": 0}));
    assert_eq!(purged["removed"], 18);
    assert_eq!(purged["failed"], json!([]));
    assert_eq!(world.ok("stats", json!({"trash": "only"}))["total"], 2);
}

#[test]
fn a_session_that_cannot_be_written_does_not_block_the_others() {
    let (world, all) = world(5);
    world.store.0.unwritable.set(Some("s2"));
    let answer = world.ok("trashMany", json!({"ids": all}));
    assert_eq!(ids(&answer["done"]), ["s0", "s1", "s3", "s4"]);
    assert_eq!(ids(&answer["refused"]), ["s2"]);
    assert_eq!(answer["refused"][0]["code"], "CORRUPT_SESSION");
    world.store.0.unwritable.set(Some("s3"));
    let purged = world.ok("purge", json!({"olderThan": 0}));
    assert_eq!(ids(&purged["ids"]), ["s0", "s1", "s4"]);
    assert_eq!(ids(&purged["failed"]), ["s3"]);
}

#[test]
fn a_failure_of_the_store_reports_the_sessions_committed_before_it() {
    let (world, all) = world(250);
    world.store.0.commits_left.set(Some(0));
    assert_eq!(world.code("trashMany", json!({"ids": all})), "STORAGE_FULL");
    world.store.0.commits_left.set(Some(1));
    let answer = world.ok("trashMany", json!({"ids": all}));
    assert_eq!(ids(&answer["done"]), all[..100]);
    assert_eq!(ids(&answer["refused"]), all[100..]);
    let codes = answer["refused"].as_array().unwrap().iter();
    for refusal in codes {
        assert_eq!(refusal["code"], "STORAGE_FULL");
    }
    assert_eq!(world.code("purge", json!({"olderThan": 0})), "STORAGE_FULL");
    let starts: Vec<Value> = ["t", "u"]
        .iter()
        .map(|task| json!({"taskId": task, "phase": "plan", "model": "a", "task": "", "mode": "m"}))
        .collect();
    assert_eq!(
        world.code("startInSlots", json!({"starts": starts})),
        "STORAGE_FULL"
    );
}

#[test]
fn sessions_can_be_removed_without_room_for_their_audit_entries() {
    let (world, all) = world(9);
    world.ok("trashMany", json!({"ids": all[..3]}));
    world.store.0.full.set(true);
    let entered = |world: &World<Lift<Busy>>| {
        let log = world.ok("auditLog", json!({"kind": "session.delete"}));
        log["items"].as_array().unwrap().len()
    };
    assert_eq!(world.code("trash", json!({"id": "s3"})), "STORAGE_FULL");
    assert_eq!(world.ok("purge", json!({"olderThan": 0}))["removed"], 3);
    world.ok("delete", json!({"id": "s3"}));
    let answer = world.ok("deleteMany", json!({"ids": all[4..6]}));
    assert_eq!(ids(&answer["done"]), all[4..6]);
    assert_eq!(entered(&world), 0);
    world.store.0.full.set(false);
    world.ok("delete", json!({"id": "s6"}));
    assert_eq!(entered(&world), 1);
    assert_eq!(world.ok("stats", json!({}))["total"], 2);
}
