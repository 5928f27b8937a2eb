//! Helpers for the tests: a temporary folder for a store, disks in memory, and records. Helpers for
//! all stores are in `stores/support`.

pub(crate) mod simulated_disk;

use std::path::{Path, PathBuf};
use std::process::Child;

use tempfile::TempDir;
use tenure_core::SyncStore;
use tenure_core::store::feed::{FedChange, FeedQuery};
use tenure_core::store::filter::{Filter, Order, Trash};
use tenure_core::store::{Expect, ListQuery, Page, RecordChange};
use tenure_core::stored::record::Record;
use tenure_file::{FileOptions, FileStore};

pub(crate) use tenure_store_support::*;

/// A temporary folder for a store, which is deleted when it is dropped.
pub(crate) struct Place {
    folder: TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// A temporary folder in memory where the system has one. It survives killed processes like a
    /// folder on disk, and is much faster.
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

    /// The absolute path of a path in the store's folder.
    pub(crate) fn at(&self, path: &str) -> PathBuf {
        self.folder().join(path)
    }

    pub(crate) fn open(&self) -> FileStore {
        open(&self.folder())
    }

    /// Writes a file, as another program does.
    pub(crate) fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.at(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub(crate) fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.at(path)).unwrap()
    }

    /// Starts a process that runs the ignored test `name`, with its module in front, on this store.
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

/// The first page of all sessions, including those in the trash.
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

/// The ids in a list, sorted.
pub(crate) fn ids(store: &dyn SyncStore) -> Vec<String> {
    let mut ids: Vec<String> = list(store)
        .heads
        .iter()
        .map(|head| head.id.to_string())
        .collect();
    ids.sort();
    ids
}

/// The changes after a position, page by page; `None` if some of them are lost or no longer kept.
/// Checks that every position is greater than the one before.
pub(crate) fn changes_after(store: &dyn SyncStore, after: u64) -> Option<Vec<FedChange>> {
    let mut changes = Vec::new();
    let mut last = after;
    loop {
        let query = FeedQuery {
            after: Some(last),
            limit: 50,
        };
        let page = store.feed(&query).unwrap();
        if !page.continues(last) {
            return None;
        }
        if page.changes.is_empty() {
            // A watch would go on reading for ever.
            assert_eq!(page.newest, last);
            return Some(changes);
        }
        for change in page.changes {
            assert!(change.position > last, "{change:?} after {last}");
            last = change.position;
            changes.push(change);
        }
    }
}
