//! Rotation in SQLite: every value names the new key in the end, wherever it was interrupted, and nobody notices. Under 2 s.

use std::cell::Cell;
use std::path::Path;
use std::sync::Arc;

use tenure_core::error::Cause;
use tenure_core::store::feed::FeedQuery;
use tenure_core::store::{Capabilities, Commit, ListQuery, Loaded, Page, Record, Scan};
use tenure_core::{Changes, History, Result, SessionId, SyncStore};
use tenure_file::{FileOptions, FileStore};
use tenure_sealed::{Plain, Rotation, Seal, Sealed, rotate};
use tenure_sqlite::{SqliteOptions, SqliteStore};
use tenure_store_transaction::{Done, Job, Rewrite, TransactionStore};

use crate::support::{events, head, id, put, seal};

/// A store that fails from some rewrite on.
struct Failing {
    store: SqliteStore,
    left: Cell<u32>,
}

impl SyncStore for Failing {
    fn capabilities(&self) -> Capabilities {
        self.store.capabilities()
    }

    fn load(&self, id: &SessionId, history: History) -> Result<Option<Loaded>> {
        self.store.load(id, history)
    }

    fn commit(&self, changes: &Changes) -> Result<Commit> {
        self.store.commit(changes)
    }

    fn list(&self, query: &ListQuery) -> Result<Page> {
        self.store.list(query)
    }

    fn record(&self, kind: &str, key: &str) -> Result<Option<Record>> {
        self.store.record(kind, key)
    }

    fn scan(&self, scan: &Scan) -> Result<Vec<Record>> {
        self.store.scan(scan)
    }
}

impl TransactionStore for Failing {
    fn run(&self, job: &mut dyn FnMut(&dyn SyncStore)) -> Result<()> {
        self.store.run(job)
    }

    fn try_run(&self, job: &mut dyn FnMut(&dyn SyncStore)) -> Result<bool> {
        self.store.try_run(job)
    }

    fn enqueue(&self, job: Job, done: Done) {
        self.store.enqueue(job, done);
    }

    fn drain(&self) {
        self.store.drain();
    }

    fn rewrite(&self, rewrite: &Rewrite) -> Result<Option<Commit>> {
        match self.left.get() {
            0 => Err(Cause::StoreUnavailable {
                problem: "interrupted".to_owned(),
            }
            .into()),
            left => {
                self.left.set(left - 1);
                self.store.rewrite(rewrite)
            }
        }
    }
}

fn open(path: &Path) -> SqliteStore {
    SqliteStore::open(path, SqliteOptions::default()).unwrap()
}

fn rotated<S: TransactionStore>(store: &Sealed<S>) -> Result<Rotation> {
    let mut rotation = Rotation::default();
    while !rotation.is_done {
        rotation = rotate(store, rotation)?;
    }
    assert_eq!((rotation.busy, rotation.failed), (0, 0));
    Ok(rotation)
}

/// The rotation is interrupted before each of its commits in turn, and begun again.
#[test]
fn an_interrupted_rotation_leaves_every_value_readable_and_goes_on() {
    let old = || seal(&[("old", 1)], true);
    let both = || seal(&[("new", 2), ("old", 1)], true);
    let new = || seal(&[("new", 2)], true);
    let newest = |path: &Path| {
        let query = FeedQuery {
            after: None,
            limit: 1,
        };
        open(path).feed(&query).unwrap().newest
    };
    // 450 events are three commits, and each head is one.
    for left in 0..=6 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sessions.db");
        let check = |seal: Arc<Seal>| {
            let store = Sealed::over(open(&path), seal).unwrap();
            for (name, count) in [("a", 450), ("b", 1)] {
                let loaded = store.load(&id(name), History::All).unwrap().unwrap();
                assert_eq!(loaded.head, head(name, 1, count));
                assert_eq!(loaded.events, events(1, count));
            }
        };
        let store = Sealed::over(open(&path), old()).unwrap();
        put(&store, "a", 450).unwrap();
        put(&store, "b", 1).unwrap();
        let before = newest(&path);
        let failing = Failing {
            store: open(&path),
            left: Cell::new(left),
        };
        let interrupted = rotated(&Sealed::over(failing, both()).unwrap());
        assert_eq!(interrupted.is_err(), left < 6, "{left}");
        check(both());
        if interrupted.is_err() {
            // Until it has ended, both keys are needed.
            let error = Sealed::over(open(&path), new()).unwrap_err();
            assert_eq!(error.code(), "STORE_UNAVAILABLE");
            let store = Sealed::over(open(&path), both()).unwrap();
            let rotation = rotated(&store).unwrap();
            assert_eq!(rotation.retired, ["old"]);
            assert!(rotation.rewritten < 453 || left == 0, "{left}");
        }
        check(new());
        let again = rotated(&Sealed::over(open(&path), new()).unwrap());
        assert_eq!(again.unwrap().rewritten, 0);
        assert_eq!(newest(&path), before, "a rotation is no change");
    }
}

#[test]
fn a_plain_store_is_encrypted_by_a_rotation() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sessions.db");
    put(&open(&path), "a", 3).unwrap();
    let store = Sealed::over(open(&path), seal(&[("k", 1)], false)).unwrap();
    assert_eq!(rotated(&store).unwrap().rewritten, 4);
    let error = Plain::over(open(&path)).unwrap_err();
    assert_eq!(error.code(), "STORE_UNAVAILABLE");
    let strict = Sealed::over(open(&path), seal(&[("k", 1)], true)).unwrap();
    assert_eq!(
        strict.load(&id("a"), History::All).unwrap().unwrap().head,
        head("a", 1, 3)
    );
}

#[test]
fn a_store_of_files_is_rotated_session_by_session() {
    let folder = tempfile::tempdir().unwrap();
    let open = || FileStore::open(folder.path(), FileOptions::default()).unwrap();
    let old = Sealed::over(open(), seal(&[("old", 1)], true)).unwrap();
    put(&old, "a", 5).unwrap();
    put(&old, "b", 0).unwrap();
    let query = FeedQuery {
        after: None,
        limit: 1,
    };
    let before = open().feed(&query).unwrap().newest;
    let store = Sealed::over(open(), seal(&[("new", 2), ("old", 1)], true)).unwrap();
    let rotation = rotated(&store).unwrap();
    assert_eq!((rotation.sessions, rotation.rewritten), (2, 7));
    assert_eq!(rotated(&store).unwrap().rewritten, 0);
    assert_eq!(open().feed(&query).unwrap().newest, before);
    let store = Sealed::over(open(), seal(&[("new", 2)], true)).unwrap();
    let loaded = store.load(&id("a"), History::All).unwrap().unwrap();
    assert_eq!(
        (loaded.head, loaded.events),
        (head("a", 1, 5), events(1, 5))
    );
}

#[test]
fn a_session_that_does_not_decrypt_keeps_its_key() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sessions.db");
    let old = Sealed::over(open(&path), seal(&[("old", 1)], true)).unwrap();
    put(&old, "a", 1).unwrap();
    put(&old, "b", 1).unwrap();
    // Its values stand in another session now.
    let stored = old.below().load(&id("a"), History::All).unwrap().unwrap();
    let copy = Rewrite {
        id: id("b"),
        version: 1,
        head: None,
        events: stored.events,
    };
    old.below().rewrite(&copy).unwrap();
    let store = Sealed::over(open(&path), seal(&[("new", 2), ("old", 1)], true)).unwrap();
    let mut rotation = Rotation::default();
    while !rotation.is_done {
        rotation = rotate(&store, rotation).unwrap();
    }
    assert_eq!(
        (rotation.failed, rotation.problems),
        (1, vec!["b".to_owned()])
    );
    assert_eq!(rotation.retired, Vec::<String>::new());
}
