//! What the tests share: a file in a folder of its own, and builders of what is written.

// Each test file is a crate of its own and uses some of this.
#![allow(dead_code)]

use std::path::PathBuf;

use tempfile::TempDir;
use tenure_core::Timestamp;
use tenure_core::session::Usage;
use tenure_core::store::{Commit, Expect, SessionChange, SessionWrite};
use tenure_core::{Changes, Event, Head, History, Json, Result, SessionId, Status, SyncStore};
use tenure_sqlite::{SqliteOptions, SqliteStore};

/// A place for a store's file, gone when it is dropped.
pub(crate) struct Place {
    folder: TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.folder.path().join("tenure.db")
    }

    pub(crate) fn open(&self) -> SqliteStore {
        self.open_with(SqliteOptions::default())
    }

    pub(crate) fn open_with(&self, options: SqliteOptions) -> SqliteStore {
        SqliteStore::open(&self.file(), options).unwrap()
    }

    /// The file as SQLite sees it.
    pub(crate) fn sqlite(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.file()).unwrap()
    }
}

pub(crate) fn id(id: &str) -> SessionId {
    SessionId::parse(id).unwrap()
}

pub(crate) fn time(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis).unwrap()
}

/// A new session without events.
pub(crate) fn head(name: &str) -> Head {
    Head {
        id: id(name),
        version: 1,
        user_id: Some("user".to_owned()),
        channel_id: Some("channel".to_owned()),
        mode: "developer".to_owned(),
        task: "Write a test".to_owned(),
        workspace: None,
        status: Status::Active,
        created_at: time(1_000),
        updated_at: time(1_000),
        iterations: 0,
        max_iterations: 100,
        context: Json::empty_object(),
        result: None,
        error: None,
        metadata: None,
        event_count: 0,
        usage: Usage::default(),
        paused_at: None,
        finalized_at: None,
        parent_id: None,
        deleted_at: None,
    }
}

pub(crate) fn event(sequence: u64, data: &str) -> Event {
    Event {
        sequence,
        timestamp: time(1_000),
        kind: "note".to_owned(),
        data: Json::parse(data.to_owned()).unwrap(),
    }
}

/// Writes `head` and `events` where `expect` holds.
pub(crate) fn put(head: Head, expect: Expect, events: Vec<Event>) -> Changes {
    Changes {
        sessions: vec![SessionChange {
            id: head.id.clone(),
            expect,
            write: SessionWrite::Put {
                head: Box::new(head),
                replace_history: false,
                events,
            },
        }],
        records: Vec::new(),
    }
}

pub(crate) fn start(store: &dyn SyncStore, head: Head) {
    let committed = store
        .commit(&put(head, Expect::Absent, Vec::new()))
        .unwrap();
    assert_eq!(committed, Commit::Applied);
}

/// Loads a session, adds one event and writes it, as an append does. Answers the event's number.
pub(crate) fn append(store: &dyn SyncStore, id: &SessionId, data: &str) -> Result<u64> {
    let mut head = store.load(id, History::None)?.unwrap().head;
    let expect = Expect::Version {
        version: head.version,
    };
    head.version += 1;
    head.event_count += 1;
    head.updated_at = time(head.updated_at.as_millis() + 1);
    let sequence = head.event_count;
    let commit = store.commit(&put(head, expect, vec![event(sequence, data)]))?;
    assert_eq!(commit, Commit::Applied);
    Ok(sequence)
}
