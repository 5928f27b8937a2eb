//! What is readable, and where values decrypt. Under 1 s.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use tenure_core::store::filter::{Filter, Order};
use tenure_core::store::{
    Expect, ListQuery, Record, RecordChange, Scan, SessionChange, SessionWrite,
};
use tenure_core::{Changes, Event, Head, History, MemoryStore, SyncStore};
use tenure_sealed::{Plain, SEALED_KINDS, Sealed};
use tenure_sqlite::{SqliteOptions, SqliteStore};
use tenure_store_transaction::TransactionStoreExt;

use crate::support::{SECRET, events, head, id, put, seal};

fn contains(folder: &Path, text: &str) -> Vec<String> {
    let files = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let has = |path: &std::path::PathBuf| {
        let bytes = fs::read(path).unwrap();
        bytes
            .windows(text.len())
            .any(|part| part == text.as_bytes())
    };
    files
        .filter(has)
        .map(|path| path.display().to_string())
        .collect()
}

fn all(text: Option<&str>) -> ListQuery {
    ListQuery {
        filter: Filter {
            text: text.map(str::to_owned),
            ..Filter::default()
        },
        order: Order::default(),
        after: None,
        offset: 0,
        limit: 2,
        max_bytes: u64::MAX,
    }
}

/// Writes a session as it is given.
fn write(below: &MemoryStore, head: &Head, events: &[Event]) {
    let changes = Changes {
        sessions: vec![SessionChange {
            id: head.id.clone(),
            expect: Expect::Any,
            write: SessionWrite::Put {
                head: Box::new(head.clone()),
                change: Default::default(),
                replace_history: true,
                events: events.to_vec(),
            },
        }],
        ..Changes::default()
    };
    below.commit(&changes).unwrap();
}

#[test]
fn nothing_of_a_session_is_readable_in_the_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sessions.db");
    let store = SqliteStore::open(&path, SqliteOptions::default()).unwrap();
    let store = Sealed::over(store, seal(&[("2026", 1)], true)).unwrap();
    put(&store, "a", 3).unwrap();
    assert_eq!(contains(folder.path(), SECRET), Vec::<String>::new());
    // What filters read is.
    assert!(!contains(folder.path(), "developer").is_empty());
    let loaded = store.load(&id("a"), History::All).unwrap().unwrap();
    assert_eq!(loaded.head, head("a", 1, 3));
    assert_eq!(loaded.events, events(1, 3));
}

#[test]
fn every_property_with_user_data_is_encrypted() {
    let below = MemoryStore::default();
    let store = Sealed::over(&below, seal(&[("k", 1)], true)).unwrap();
    put(&store, "a", 0).unwrap();
    let stored = below.load(&id("a"), History::None).unwrap().unwrap().head;
    assert!(!format!("{stored:?}").contains(SECRET), "{stored:?}");
    // One that is added to the list has to be added to the encryption.
    assert_eq!(Head::USER_DATA.len(), 9);
    assert_eq!(stored.model().as_deref(), Some("opus"));
}

#[test]
fn records_with_user_data_are_encrypted_and_bound_to_their_keys() {
    let below = MemoryStore::default();
    let store = Sealed::over(&below, seal(&[("k", 1)], true)).unwrap();
    for kind in SEALED_KINDS {
        let record = Record {
            kind: kind.to_owned(),
            key: "a".to_owned(),
            version: 1,
            expires_at: None,
            owner: None,
            body: format!(r#"{{"text":"{SECRET}"}}"#),
        };
        let put = |store: &dyn SyncStore, record: &Record| {
            let changes = Changes {
                records: vec![RecordChange::put(Expect::Any, record.clone())],
                ..Changes::default()
            };
            store.commit(&changes).unwrap();
        };
        put(&store, &record);
        let stored = below.record(kind, "a").unwrap().unwrap();
        assert!(!stored.body.contains(SECRET), "{kind}");
        assert_eq!(store.record(kind, "a").unwrap(), Some(record));
        let moved = Record {
            key: "b".to_owned(),
            ..stored
        };
        put(&below, &moved);
        // Elsewhere it is damaged, and hides no other.
        match store.record(kind, "b") {
            Ok(damaged) => assert_eq!(damaged.unwrap().body, "", "{kind}"),
            Err(error) => assert_eq!((kind, error.code()), ("tool_calls", "STORE_MISBEHAVED")),
        }
        let all = Scan {
            kind: kind.to_owned(),
            after: None,
            limit: 10,
        };
        let found = store.scan(&all).unwrap();
        let sizes: Vec<bool> = found.iter().map(|record| record.body.is_empty()).collect();
        assert_eq!(sizes, [false, true], "{kind}");
    }
}

/// Each page ends where it has to, and goes on behind what does not decrypt.
#[test]
fn a_page_is_full_although_sessions_before_do_not_decrypt() {
    let below = MemoryStore::default();
    let store = Sealed::over(&below, seal(&[("k", 1)], true)).unwrap();
    for name in ["a", "b", "c", "d", "e"] {
        put(&store, name, 0).unwrap();
    }
    for name in ["b", "c", "d"] {
        let mut head = below.load(&id(name), History::None).unwrap().unwrap().head;
        head.task = "plain".to_owned();
        write(&below, &head, &[]);
    }
    let page = store.list(&all(None)).unwrap();
    let found: Vec<_> = page.heads.iter().map(|head| head.id.as_str()).collect();
    assert_eq!((found, page.more), (vec!["e", "a"], false));
    assert_eq!(page.problems.len(), 3);
    let one = ListQuery {
        limit: 1,
        ..all(None)
    };
    assert!(store.list(&one).unwrap().more);
    let small = ListQuery {
        limit: 5,
        max_bytes: 1,
        ..all(None)
    };
    let page = store.list(&small).unwrap();
    assert_eq!((page.heads.len(), page.more), (1, true));
}

#[test]
fn a_transaction_that_is_rolled_back_leaves_the_key_to_the_next_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sessions.db");
    let store = SqliteStore::open(&path, SqliteOptions::default()).unwrap();
    let store = Sealed::over(store, seal(&[("k", 1)], true)).unwrap();
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        store.transaction(|store| {
            put(store, "a", 0).unwrap();
            panic!("rolled back")
        })
    }));
    assert!(panicked.is_err());
    Plain::over(store.below()).unwrap();
    store
        .transaction(|store| {
            put(store, "b", 0).unwrap();
            put(store, "c", 0)
        })
        .unwrap()
        .unwrap();
    assert!(Plain::over(store.below()).is_err());
}

#[test]
fn the_filter_of_tasks_finds_what_the_store_cannot_read() {
    let below = MemoryStore::default();
    let store = Sealed::over(&below, seal(&[("k", 1)], true)).unwrap();
    for name in ["a", "b", "c"] {
        put(&store, name, 0).unwrap();
    }
    assert_eq!(below.list(&all(Some(SECRET))).unwrap().heads.len(), 0);
    let page = store.list(&all(Some("PLUGH"))).unwrap();
    assert_eq!((page.heads.len(), page.more), (2, true));
    let rest = ListQuery {
        offset: 2,
        ..all(Some("plugh"))
    };
    let page = store.list(&rest).unwrap();
    assert_eq!((page.heads.len(), page.more), (1, false));
    assert_eq!(store.list(&all(Some("nothing"))).unwrap().heads.len(), 0);
}

#[test]
fn a_value_that_was_moved_is_refused_and_hides_no_other_session() {
    let below = MemoryStore::default();
    let store = Sealed::over(&below, seal(&[("k", 1)], true)).unwrap();
    put(&store, "a", 2).unwrap();
    put(&store, "b", 2).unwrap();
    let of = |name| below.load(&id(name), History::All).unwrap().unwrap();
    let (a, b) = (of("a"), of("b"));
    let refused = |name| store.load(&id(name), History::All).unwrap_err().code();
    // The context of another session.
    let copied = Head {
        context: a.head.context.clone(),
        ..b.head.clone()
    };
    write(&below, &copied, &b.events);
    assert_eq!(refused("b"), "CORRUPT_SESSION");
    let page = store.list(&all(None)).unwrap();
    assert_eq!(
        page.heads
            .iter()
            .map(|head| head.id.as_str())
            .collect::<Vec<_>>(),
        ["a"]
    );
    assert_eq!(page.problems[0].id, "b");
    // Another property of the same session.
    let copied = Head {
        result: b.head.error.clone(),
        ..b.head.clone()
    };
    write(&below, &copied, &b.events);
    assert_eq!(refused("b"), "CORRUPT_SESSION");
    // Another event of the same session.
    let mut swapped = b.events.clone();
    swapped[0].data = b.events[1].data.clone();
    write(&below, &b.head, &swapped);
    assert_eq!(refused("b"), "CORRUPT_SESSION");
    // Plain text.
    let plain = Head {
        task: "plain".to_owned(),
        ..b.head.clone()
    };
    write(&below, &plain, &b.events);
    assert_eq!(refused("b"), "CORRUPT_SESSION");
    let lenient = Sealed::over(&below, seal(&[("k", 1)], false)).unwrap();
    assert!(lenient.load(&id("b"), History::All).is_ok());
    write(&below, &b.head, &b.events);
    assert!(store.load(&id("b"), History::All).is_ok());
}

#[test]
fn a_wrong_key_a_lost_key_and_no_key_are_said_when_the_store_is_opened() {
    let below = MemoryStore::default();
    Plain::over(&below).unwrap();
    put(
        &Sealed::over(&below, seal(&[("k", 1)], true)).unwrap(),
        "a",
        1,
    )
    .unwrap();
    let error = Sealed::over(&below, seal(&[("k", 2)], true)).unwrap_err();
    assert!(error.to_string().contains("\"k\""), "{error}");
    let error = Plain::over(&below).unwrap_err();
    assert_eq!(error.code(), "STORE_UNAVAILABLE");
    let error = Sealed::over(&below, seal(&[("new", 2)], true)).unwrap_err();
    assert!(
        error.to_string().contains("\"k\", which was not given"),
        "{error}"
    );
    for wrong in ["", "a b", "a:b"] {
        assert!(tenure_sealed::SealKey::new(wrong, &[0; 32]).is_err());
    }
}
