//! Helpers for the tests: a database in a temporary folder, and a blocked writer thread. Helpers
//! for all stores are in `stores/support`.

pub(crate) mod operations;
pub(crate) mod steps;

use std::path::PathBuf;
use std::process::Child;
use std::sync::mpsc::{self, Receiver};

use tempfile::TempDir;
use tenure_core::Result;
use tenure_core::store::ListQuery;
use tenure_core::store::filter::{Filter, Order};
use tenure_sqlite::{SqliteOptions, SqliteStore};

pub(crate) use tenure_store_support::*;

/// A temporary folder for a database, which is deleted when it is dropped.
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

    /// The database, opened with SQLite directly.
    pub(crate) fn sqlite(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.file()).unwrap()
    }

    /// Starts a process that runs the ignored test `name`, with its module in front, on this store.
    pub(crate) fn process(&self, name: &str) -> Child {
        process(name, &self.file())
    }
}

/// Blocks the writer thread of a store inside a job until it is dropped.
pub(crate) struct Hold(#[allow(dead_code)] mpsc::Sender<()>);

/// Queues a job that blocks the writer thread until the returned value is dropped, and waits until
/// it runs.
pub(crate) fn hold_writer(store: &SqliteStore) -> Hold {
    let (begun, begins) = mpsc::channel();
    let (hold, held) = mpsc::channel::<()>();
    store.enqueue(
        Box::new(move |_| {
            begun.send(()).unwrap();
            // The receiver fails when the sender is dropped.
            let _ = held.recv();
            String::new()
        }),
        Box::new(|_| ()),
    );
    begins.recv().unwrap();
    Hold(hold)
}

/// Queues an append. Its result is sent through the channel.
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
            // The receiver may be dropped.
            let _ = answer.send(outcome);
        }),
    );
    answered
}

/// The first sessions that match a filter.
pub(crate) fn list_of(filter: Filter, limit: u32) -> ListQuery {
    ListQuery {
        filter,
        order: Order::default(),
        after: None,
        offset: 0,
        limit,
        max_bytes: u64::MAX,
    }
}

/// Checks that the structure of the file is intact.
#[track_caller]
pub(crate) fn check_integrity(place: &Place) {
    let intact: String = place
        .sqlite()
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(intact, "ok");
}

/// Adds many sessions, quickly.
pub(crate) fn fill(place: &Place, count: u32) {
    place
        .sqlite()
        .execute_batch(&format!(
            "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {count})
             INSERT INTO sessions (id, version, status, mode, created_at, updated_at, iterations,
               max_iterations, event_count, prompt_tokens, completion_tokens, cost_nanos, task, context)
             SELECT 'n' || n, 1, 'active', 'm', n, n, 0, 9, 0, 0, 0, 0,
               'Check the number ' || n || iif(n % 1000 = 0, ' of a thousand', ''), '{{}}' FROM n"
        ))
        .unwrap();
}
