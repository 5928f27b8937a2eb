//! What the tests share: a file in a folder of its own, and builders of what is written.

// Each test file is a crate of its own and uses some of this.
#![allow(dead_code)]

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};

use tempfile::TempDir;
use tenure_core::session::Usage;
use tenure_core::store::{Commit, Expect, SessionChange, SessionWrite};
use tenure_core::{
    Changes, Event, Head, History, Json, Result, SessionId, Status, SyncStore, Timestamp,
};
use tenure_sqlite::{SqliteOptions, SqliteStore};

/// Names the file to a process that a test starts.
const FILE: &str = "TENURE_TEST_FILE";
/// How much of the thorough runs to make: 1 is all.
const SCALE: &str = "TENURE_TEST_SCALE";

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

    /// Starts a process that runs the ignored test `name` of this test file on this store.
    pub(crate) fn process(&self, name: &str) -> Child {
        Command::new(std::env::current_exe().unwrap())
            .args([name, "--exact", "--ignored", "--nocapture"])
            .env(FILE, self.file())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }
}

/// The file of the test that started this process.
pub(crate) fn given_file() -> PathBuf {
    std::env::var_os(FILE)
        .expect("this runs as a process of another test")
        .into()
}

/// `number`, scaled to how thorough this run is to be; at least one.
pub(crate) fn scaled(number: u32) -> u32 {
    let scale = std::env::var(SCALE)
        .ok()
        .and_then(|scale| scale.parse().ok());
    ((f64::from(number) * scale.unwrap_or(0.1)).ceil() as u32).max(1)
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

/// Removes a session.
pub(crate) fn remove(name: &str) -> Changes {
    Changes {
        sessions: vec![SessionChange {
            id: id(name),
            expect: Expect::Present,
            write: SessionWrite::Delete,
        }],
        records: Vec::new(),
    }
}

/// Writes a new session.
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

/// The events of a session, as text.
pub(crate) fn history(store: &dyn SyncStore, name: &str) -> Vec<String> {
    let loaded = store.load(&id(name), History::All).unwrap().unwrap();
    loaded
        .events
        .iter()
        .map(|event| event.data.as_str().to_owned())
        .collect()
}

/// Holds the writer thread of a store inside a job until it is dropped.
pub(crate) struct Hold(#[allow(dead_code)] mpsc::Sender<()>);

/// Puts a job into the queue that runs until the answer is dropped, and waits until it runs.
pub(crate) fn hold_writer(store: &SqliteStore) -> Hold {
    let (begun, begins) = mpsc::channel();
    let (hold, held) = mpsc::channel::<()>();
    store.enqueue(
        Box::new(move |_| {
            begun.send(()).unwrap();
            // An error, when the other end is dropped.
            let _ = held.recv();
            String::new()
        }),
        Box::new(|_| ()),
    );
    begins.recv().unwrap();
    Hold(hold)
}

/// Puts an append into the queue; the answer comes through the channel.
pub(crate) fn enqueue_append(
    store: &SqliteStore,
    name: &str,
    data: &str,
) -> Receiver<Result<String>> {
    let (id, data) = (id(name), data.to_owned());
    let (answer, answered) = mpsc::channel();
    store.enqueue(
        Box::new(move |store| match append(store, &id, &data) {
            Ok(sequence) => sequence.to_string(),
            Err(error) => error.code().to_owned(),
        }),
        Box::new(move |outcome| {
            // The test may not care for it.
            let _ = answer.send(outcome);
        }),
    );
    answered
}
