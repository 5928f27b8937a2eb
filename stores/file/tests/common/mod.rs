//! What the tests share: a folder of one's own, and builders of what is written.

// Each test file is a crate of its own and uses some of this.
#![allow(dead_code)]

pub(crate) mod sim;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;
use tenure_core::filter::{Filter, Order, Trash};
use tenure_core::session::Usage;
use tenure_core::store::{
    Commit, Expect, ListQuery, Page, Record, RecordChange, SessionChange, SessionWrite,
};
use tenure_core::{
    Changes, Event, Head, History, Json, Result, SessionId, Status, SyncStore, Timestamp,
};
use tenure_file::{FileOptions, FileStore};

/// Names the folder to a process that a test starts.
const FOLDER: &str = "TENURE_TEST_FILE";
/// How much of the thorough runs to make: 1 is all.
const SCALE: &str = "TENURE_TEST_SCALE";

/// A place for a store's folder, gone when it is dropped.
pub(crate) struct Place {
    folder: TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// A place in memory where there is one: as safe from the death of processes as a disk, and
    /// many times as fast.
    pub(crate) fn fast() -> Self {
        let memory = Path::new("/dev/shm");
        if !memory.is_dir() {
            return Self::new();
        }
        Self {
            folder: tempfile::tempdir_in(memory).unwrap(),
        }
    }

    pub(crate) fn folder(&self) -> PathBuf {
        self.folder.path().join("sessions")
    }

    /// A path in the store's folder.
    pub(crate) fn at(&self, path: &str) -> PathBuf {
        self.folder().join(path)
    }

    pub(crate) fn open(&self) -> FileStore {
        open(&self.folder())
    }

    /// Writes a file as another program would.
    pub(crate) fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.at(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub(crate) fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.at(path)).unwrap()
    }

    /// Starts a process that runs the ignored test `name` of this test file on this store.
    pub(crate) fn process(&self, name: &str) -> Child {
        process(name, &self.folder())
    }
}

pub(crate) fn open(folder: &Path) -> FileStore {
    let options = FileOptions {
        busy_timeout_ms: 60_000,
        ..FileOptions::default()
    };
    FileStore::open(folder, options).unwrap()
}

/// Starts a process that runs the ignored test `name` of this test file on the store in `folder`.
pub(crate) fn process(name: &str, folder: &Path) -> Child {
    let executable = std::env::current_exe().unwrap();
    start_process(Command::new(executable), name, folder)
}

/// As [`process`], where `command` runs what is given to it.
pub(crate) fn process_of(mut command: Command, name: &str, folder: &Path) -> Child {
    command.arg(std::env::current_exe().unwrap());
    start_process(command, name, folder)
}

fn start_process(mut command: Command, name: &str, folder: &Path) -> Child {
    command
        .args([name, "--exact", "--ignored", "--nocapture"])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Waits for a process, which must succeed, and answers what it printed.
pub(crate) fn succeed(process: Child) -> String {
    let output = process.wait_with_output().unwrap();
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// The folder of the test that started this process.
pub(crate) fn given_folder() -> PathBuf {
    std::env::var_os(FOLDER)
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

pub(crate) fn put_change(head: Head, expect: Expect, events: Vec<Event>) -> SessionChange {
    SessionChange {
        id: head.id.clone(),
        expect,
        write: SessionWrite::Put {
            head: Box::new(head),
            replace_history: false,
            events,
        },
    }
}

/// Writes `head` and `events` where `expect` holds.
pub(crate) fn put(head: Head, expect: Expect, events: Vec<Event>) -> Changes {
    Changes {
        sessions: vec![put_change(head, expect, events)],
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

pub(crate) fn record(kind: &str, key: &str, owner: Option<&str>, version: u64) -> Record {
    Record {
        kind: kind.to_owned(),
        key: key.to_owned(),
        version,
        expires_at: None,
        owner: owner.map(id),
        body: format!("{key} {version}"),
    }
}

pub(crate) fn set(record: Record) -> RecordChange {
    RecordChange {
        kind: record.kind.clone(),
        key: record.key.clone(),
        expect: Expect::Any,
        record: Some(record),
    }
}

pub(crate) fn apply(store: &dyn SyncStore, changes: &Changes) {
    assert_eq!(store.commit(changes).unwrap(), Commit::Applied);
}

/// Writes a new session.
pub(crate) fn start(store: &dyn SyncStore, head: Head) {
    apply(store, &put(head, Expect::Absent, Vec::new()));
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

/// The first page of everything.
pub(crate) fn list(store: &dyn SyncStore) -> Page {
    let query = ListQuery {
        filter: Filter {
            trash: Trash::Include,
            ..Filter::default()
        },
        order: Order::default(),
        after: None,
        offset: 0,
        limit: 100_000,
        max_bytes: u64::MAX,
    };
    store.list(&query).unwrap()
}

/// The ids that a list shows, sorted.
pub(crate) fn ids(store: &dyn SyncStore) -> Vec<String> {
    let mut ids: Vec<String> = list(store)
        .heads
        .iter()
        .map(|head| head.id.to_string())
        .collect();
    ids.sort();
    ids
}
