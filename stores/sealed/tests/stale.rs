//! Handles whose store another handle has encrypted, or whose key it has replaced, since they were opened. Under 1 s.

use std::path::Path;
use std::sync::mpsc;

use tenure_core::store::filter::{Filter, Order};
use tenure_core::store::{
    Changes, Expect, ListQuery, Read, Record, RecordChange, Scan, SessionChange, SessionWrite,
};
use tenure_core::{Error, History, Json, Result, SyncStore};
use tenure_file::{FileOptions, FileStore};
use tenure_sealed::{IN_USE, KEY_RECORDS, Plain, Rotation, SEALED_KINDS, Sealed, rotate};
use tenure_sqlite::{SqliteOptions, SqliteStore};
use tenure_store_transaction::{Attempt, TransactionStore, TransactionStoreExt};

use crate::support::{SECRET, head, id, put, seal};

fn sqlite(folder: &Path) -> SqliteStore {
    SqliteStore::open(&folder.join("sessions.db"), SqliteOptions::default()).unwrap()
}

fn files(folder: &Path) -> FileStore {
    FileStore::open(&folder.join("sessions"), FileOptions::default()).unwrap()
}

fn rotate_all<S: TransactionStore>(store: &Sealed<S>) -> Rotation {
    let mut rotation = Rotation::default();
    while !rotation.is_done {
        rotation = rotate(store, rotation).unwrap();
    }
    rotation
}

fn list(text: Option<&str>) -> ListQuery {
    ListQuery {
        filter: Filter {
            text: text.map(str::to_owned),
            ..Filter::default()
        },
        order: Order::default(),
        after: None,
        offset: 0,
        limit: 10,
        max_bytes: u64::MAX,
    }
}

fn put_record(store: &dyn SyncStore, kind: &str) -> Result<()> {
    let record = Record {
        kind: kind.to_owned(),
        key: "r".to_owned(),
        version: 1,
        expires_at: None,
        owner: None,
        body: "{}".to_owned(),
    };
    let changes = Changes {
        records: vec![RecordChange::put(Expect::Any, record)],
        ..Changes::default()
    };
    store.commit(&changes).map(drop)
}

fn scan(kind: &str) -> Scan {
    Scan {
        kind: kind.to_owned(),
        after: None,
        limit: 10,
    }
}

/// Asserts that an error says to open the store again.
fn assert_refused<T: std::fmt::Debug>(result: Result<T>) {
    let error = result.unwrap_err();
    assert_eq!(error.code(), "STORE_UNAVAILABLE");
    assert!(error.to_string().contains("open it again"), "{error}");
}

/// What a handle does that was opened before the store was encrypted.
fn does_nothing_more<S: TransactionStore>(stale: &Plain<S>) {
    assert_refused(put(stale, "late", 1));
    assert_refused(stale.transaction(|store| put(store, "late", 1)).unwrap());
    match stale.try_transaction(|store: &dyn SyncStore| put(store, "late", 1)) {
        Attempt::Answered(put) => assert_refused(put.unwrap()),
        Attempt::Busy(_) => {}
    }
    let (sender, receiver) = mpsc::channel();
    let job = |store: &dyn SyncStore| put(store, "late", 1).unwrap_err().code().to_owned();
    let done = move |result: Result<String>| sender.send(result).unwrap();
    stale.enqueue(Box::new(job), Box::new(done));
    assert_eq!(receiver.recv().unwrap().unwrap(), "STORE_UNAVAILABLE");
    // Neither does it lose what it cannot read.
    assert_refused(
        stale
            .transaction(|store| {
                let loaded = store.load(&id("a"), History::None)?;
                let mut head = loaded.unwrap().head;
                head.context = Json::parse(r#"{"pausedAt":1}"#).unwrap();
                head.version += 1;
                let changes = Changes {
                    sessions: vec![SessionChange {
                        id: id("a"),
                        expect: Expect::Any,
                        write: SessionWrite::Put {
                            head: Box::new(head),
                            change: Default::default(),
                            replace_history: false,
                            events: Vec::new(),
                        },
                    }],
                    ..Changes::default()
                };
                store.commit(&changes)
            })
            .unwrap(),
    );
    let session = Read::Session {
        id: id("a"),
        history: History::All,
    };
    assert_refused(stale.load(&id("a"), History::None));
    assert_refused(stale.list(&list(None)));
    assert_refused(stale.list(&list(Some(SECRET))));
    assert_refused(stale.read(std::slice::from_ref(&session)));
    assert_refused(stale.read_one(&session));
    assert_refused(stale.record(SEALED_KINDS[0], "r"));
    assert_refused(stale.scan(&scan(SEALED_KINDS[0])));
}

fn a_plain_handle<S: TransactionStore>(open: impl Fn() -> S) {
    let stale = Plain::over(open()).unwrap();
    put(&stale, "a", 2).unwrap();
    put_record(&stale, SEALED_KINDS[0]).unwrap();
    stale
        .transaction(|store| store.load(&id("a"), History::All).map(drop))
        .unwrap()
        .unwrap();
    let keyed = Sealed::over(open(), seal(&[("k", 1)], false)).unwrap();
    // Until something is encrypted, both write.
    put(&stale, "b", 0).unwrap();
    rotate_all(&keyed);
    does_nothing_more(&stale);
    let strict = Sealed::over(open(), seal(&[("k", 1)], true)).unwrap();
    let loaded = strict.load(&id("a"), History::All).unwrap().unwrap();
    assert_eq!(loaded.head, head("a", 1, 2));
    assert_eq!(strict.load(&id("late"), History::None).unwrap(), None);
}

#[test]
fn a_handle_without_keys_notices_that_its_store_is_encrypted() {
    let folder = tempfile::tempdir().unwrap();
    a_plain_handle(|| sqlite(folder.path()));
    a_plain_handle(|| files(folder.path()));
}

/// The first value that a handle with a key writes makes the others stale, too.
#[test]
fn a_handle_without_keys_notices_the_first_encrypted_value() {
    let folder = tempfile::tempdir().unwrap();
    let stale = Plain::over(sqlite(folder.path())).unwrap();
    put(&stale, "a", 0).unwrap();
    let keyed = Sealed::over(sqlite(folder.path()), seal(&[("k", 1)], false)).unwrap();
    let put_keyed = |store: &dyn SyncStore| put(store, "b", 0);
    keyed.transaction(put_keyed).unwrap().unwrap();
    assert_refused(put(&stale, "c", 0));
    // What is still plain is read.
    stale.load(&id("a"), History::None).unwrap().unwrap();
    assert_refused(stale.load(&id("b"), History::None));
}

/// A user may have written what looks encrypted.
#[test]
fn a_value_that_looks_encrypted_is_data_in_a_store_without_keys() {
    let folder = tempfile::tempdir().unwrap();
    let store = Plain::over(sqlite(folder.path())).unwrap();
    let mut session = head("a", 1, 0);
    session.task = "tenure1:k:AAAA".to_owned();
    session.context = Json::parse(r#"{"tenure1":"k:AAAA"}"#).unwrap();
    let changes = Changes {
        sessions: vec![SessionChange {
            id: id("a"),
            expect: Expect::Absent,
            write: SessionWrite::Put {
                head: Box::new(session.clone()),
                change: Default::default(),
                replace_history: false,
                events: Vec::new(),
            },
        }],
        ..Changes::default()
    };
    store.commit(&changes).unwrap();
    let loaded = store.load(&id("a"), History::None).unwrap().unwrap();
    assert_eq!(loaded.head, session);
    assert_eq!(store.list(&list(Some("tenure1"))).unwrap().heads, [session]);
}

fn an_old_key<S: TransactionStore + 'static>(open: impl Fn() -> S) {
    let old = Sealed::over(open(), seal(&[("old", 1)], false)).unwrap();
    let still_first = Sealed::over(open(), seal(&[("old", 1), ("new", 2)], false)).unwrap();
    let write = |store: &Sealed<S>, name: &str| store.transaction(|store| put(store, name, 1));
    write(&old, "a").unwrap().unwrap();
    write(&still_first, "b").unwrap().unwrap();
    let new = Sealed::over(open(), seal(&[("new", 2), ("old", 1)], false)).unwrap();
    assert_eq!(rotate_all(&new).retired, ["old"]);
    for stale in [&old, &still_first] {
        assert_refused(write(stale, "late").unwrap());
        assert_refused(put(stale, "late", 1));
    }
    // What it cannot decrypt is not damaged, and is not left out without a word.
    let missing = |error: Error| {
        assert_eq!(error.code(), "STORE_UNAVAILABLE");
        assert!(
            error
                .to_string()
                .contains(r#"the key "new", which was not given"#)
        );
    };
    missing(old.load(&id("a"), History::None).unwrap_err());
    missing(old.list(&list(None)).unwrap_err());
    still_first.load(&id("a"), History::None).unwrap().unwrap();
    write(&new, "c").unwrap().unwrap();
    let alone = Sealed::over(open(), seal(&[("new", 2)], true)).unwrap();
    let page = alone.list(&list(None)).unwrap();
    assert_eq!((page.heads.len(), page.problems.len()), (3, 0));
    // Nor is a handle let in that is opened with the old key first after the rotation, but by a rotation back.
    let late = Sealed::over(open(), seal(&[("old", 1), ("new", 2)], false)).unwrap();
    assert_refused(write(&late, "late").unwrap());
    assert_refused(put(&late, "late", 1));
    late.load(&id("a"), History::None).unwrap().unwrap();
    assert_eq!(rotate_all(&late).retired, ["new"]);
    write(&late, "late").unwrap().unwrap();
    let alone = Sealed::over(open(), seal(&[("old", 1)], true)).unwrap();
    assert_eq!(alone.list(&list(None)).unwrap().heads.len(), 4);
}

#[test]
fn a_handle_whose_key_was_replaced_writes_nothing_more() {
    let folder = tempfile::tempdir().unwrap();
    an_old_key(|| sqlite(folder.path()));
    an_old_key(|| files(folder.path()));
}

/// What an old key encrypted during a rotation, the rotation might have passed already.
#[test]
fn a_key_encrypts_nothing_more_from_the_beginning_of_a_rotation() {
    let folder = tempfile::tempdir().unwrap();
    let open = || sqlite(folder.path());
    let old = Sealed::over(open(), seal(&[("old", 1), ("new", 2)], false)).unwrap();
    for number in 0..101 {
        put(&old, &format!("s{number}"), 0).unwrap();
    }
    let new = Sealed::over(open(), seal(&[("new", 2), ("old", 1)], false)).unwrap();
    let begun = rotate(&new, Rotation::default()).unwrap();
    assert!(!begun.is_done);
    assert_refused(put(&old, "late", 0));
    assert_eq!(begun.retired, Vec::<String>::new());
    // It is abandoned: back to the old key.
    let back = rotate_all(&old);
    assert_eq!(back.retired, ["new"]);
    put(&old, "late", 0).unwrap();
    assert_refused(put(&new, "later", 0));
    let alone = Sealed::over(open(), seal(&[("old", 1)], true)).unwrap();
    let page = alone.list(&list(None)).unwrap();
    assert_eq!((page.heads.len(), page.problems.len()), (10, 0));
    let keys: Vec<String> = open()
        .scan(&scan(KEY_RECORDS))
        .unwrap()
        .into_iter()
        .filter(|record| record.version == IN_USE)
        .map(|record| record.key)
        .collect();
    assert_eq!(keys, ["old"]);
}

/// Two handles of one process share the connection of the writer thread, which remembers the records of keys.
#[test]
fn handles_that_share_a_writer_thread_notice_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let plain = Plain::over(sqlite(folder.path())).unwrap();
    let keyed = Sealed::over(sqlite(folder.path()), seal(&[("k", 1)], false)).unwrap();
    let enqueue = |store: &dyn TransactionStore, name: &'static str| {
        let (sender, receiver) = mpsc::channel();
        let job = move |store: &dyn SyncStore| match put(store, name, 0) {
            Ok(()) => "ok".to_owned(),
            Err(error) => error.code().to_owned(),
        };
        let done = move |result: Result<String>| sender.send(result).unwrap();
        store.enqueue(Box::new(job), Box::new(done));
        receiver.recv().unwrap().unwrap()
    };
    assert_eq!(enqueue(&plain, "a"), "ok");
    assert_eq!(enqueue(&keyed, "b"), "ok");
    assert_eq!(enqueue(&plain, "c"), "STORE_UNAVAILABLE");
    assert_eq!(enqueue(&keyed, "d"), "ok");
}
