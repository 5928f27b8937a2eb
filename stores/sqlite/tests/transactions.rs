//! Transactions: what they store, what they roll back, and which writers they wait for.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::thread;

use crate::common::{Place, append, event, head, history, hold_writer, id, put, start};
use tenure_core::store::{Commit, Expect, RecordChange, SyncStore};
use tenure_core::{Changes, History};
use tenure_sqlite::{Attempt, Durability, SqliteOptions, SqliteStore};
use tenure_store_transaction::{TransactionStore, TransactionStoreExt};

/// Changes that fail halfway: both events have the same number.
fn failing_halfway(name: &str) -> Changes {
    let mut changes = put(head("also"), Expect::Any, Vec::new());
    let bad = put(head(name), Expect::Any, vec![event(1, "1"), event(1, "2")]);
    changes.sessions.extend(bad.sessions);
    changes
}

fn exists(store: &dyn SyncStore, name: &str) -> bool {
    store.load(&id(name), History::None).unwrap().is_some()
}

fn is_busy(store: &SqliteStore) -> bool {
    matches!(
        store.try_transaction(|_: &dyn SyncStore| ()),
        Attempt::Busy(_)
    )
}

#[test]
fn the_writes_of_a_job_are_visible_to_itself_and_after_its_end_to_others() {
    let place = Place::new();
    let (store, other) = (place.open(), place.open());
    let seen = store
        .transaction(|store| {
            start(store, head("a"));
            append(store, &id("a"), "1").unwrap();
            assert!(!exists(&other, "a"));
            history(store, "a")
        })
        .unwrap();
    assert_eq!(seen, ["1"]);
    assert_eq!(history(&other, "a"), ["1"]);
}

#[test]
fn a_commit_that_fails_halfway_is_rolled_back() {
    let place = Place::new();
    let store = place.open();
    assert_eq!(
        store.commit(&failing_halfway("a")).unwrap_err().code(),
        "STORE_FAILED"
    );
    assert!(!exists(&store, "a") && !exists(&store, "also"));
    start(&store, head("a"));
}

#[test]
fn a_commit_that_fails_halfway_keeps_the_commits_before_it() {
    let place = Place::new();
    let store = place.open();
    store
        .transaction(|store| {
            start(store, head("a"));
            assert_eq!(
                store.commit(&failing_halfway("b")).unwrap_err().code(),
                "STORE_FAILED"
            );
            assert!(!exists(store, "b") && !exists(store, "also"));
            start(store, head("c"));
        })
        .unwrap();
    assert!(exists(&store, "a") && exists(&store, "c"));
    assert!(!exists(&store, "b") && !exists(&store, "also"));
}

#[test]
fn a_conflict_writes_nothing_and_the_transaction_continues() {
    let place = Place::new();
    let store = place.open();
    store
        .transaction(|store| {
            let mut changes = put(head("a"), Expect::Absent, Vec::new());
            changes.records.push(RecordChange {
                kind: "lock".to_owned(),
                key: "k".to_owned(),
                expect: Expect::Present,
                record: None,
            });
            assert!(matches!(
                store.commit(&changes),
                Ok(Commit::RecordConflict { .. })
            ));
            assert!(!exists(store, "a"));
            start(store, head("b"));
        })
        .unwrap();
    assert!(!exists(&store, "a") && exists(&store, "b"));
}

#[test]
fn a_panic_in_a_job_rolls_back_its_writes_and_releases_the_lock() {
    let place = Place::new();
    let store = place.open();
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        store.transaction(|store| {
            start(store, head("a"));
            panic!("on purpose");
        })
    }));
    assert!(panicked.is_err());
    assert!(!exists(&store, "a"));
    start(&place.open(), head("b"));
    start(&store, head("a"));
}

#[test]
fn a_transaction_within_a_transaction_is_refused() {
    let place = Place::new();
    let store = place.open();
    let inner = store.transaction(|_| store.transaction(|_| ())).unwrap();
    assert_eq!(inner.unwrap_err().code(), "INTERNAL");
    start(&store, head("a"));
}

#[test]
fn try_transaction_runs_on_the_calling_thread_when_it_does_not_have_to_wait() {
    let place = Place::new();
    let store = place.open();
    let attempt = store.try_transaction(|store: &dyn SyncStore| start(store, head("a")));
    assert!(matches!(attempt, Attempt::Answered(Ok(()))));
    assert!(exists(&store, "a"));
}

#[test]
fn try_transaction_returns_the_job_when_it_would_have_to_wait() {
    let place = Place::new();
    let store = place.open();
    start(&store, head("a"));

    // For the disk.
    let careful = place.open_with(SqliteOptions {
        durability: Durability::Full,
        ..SqliteOptions::default()
    });
    assert!(is_busy(&careful) && !is_busy(&store));

    // For another process.
    let sqlite = place.sqlite();
    sqlite.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert!(is_busy(&store));
    sqlite.execute_batch("ROLLBACK").unwrap();
    assert!(!is_busy(&store));

    // For queued jobs.
    let hold = hold_writer(&store);
    assert!(is_busy(&store));
    let Attempt::Busy(job) =
        store.try_transaction(|store: &dyn SyncStore| append(store, &id("a"), "1"))
    else {
        panic!("it should have been busy");
    };
    drop(hold);
    store.drain();
    // The returned job can be run by another method.
    assert_eq!(store.transaction(job).unwrap().unwrap(), 1);
    assert!(!is_busy(&store));
}

#[test]
fn try_transaction_does_not_wait_for_a_caller_on_another_thread() {
    let place = Place::new();
    let store = place.open();
    let (begun, begins) = mpsc::channel();
    let (end, ends) = mpsc::channel::<()>();
    thread::scope(|scope| {
        let other = place.open();
        scope.spawn(move || {
            other.transaction(|_| {
                begun.send(()).unwrap();
                ends.recv().unwrap();
            })
        });
        begins.recv().unwrap();
        assert!(is_busy(&store));
        end.send(()).unwrap();
    });
    assert!(!is_busy(&store));
}

#[test]
fn waiting_for_another_process_ends_after_the_busy_timeout() {
    let place = Place::new();
    let store = place.open_with(SqliteOptions {
        busy_timeout_ms: 50,
        ..SqliteOptions::default()
    });
    start(&store, head("a"));
    let sqlite = place.sqlite();
    sqlite.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = store.transaction(|_| ()).unwrap_err();
    assert_eq!(error.code(), "STORE_UNAVAILABLE");
    assert!(error.to_string().contains("busy timeout"), "{error}");
    // Reads still succeed.
    assert!(exists(&store, "a"));
    let queued = crate::common::enqueue_append(&store, "a", "1")
        .recv()
        .unwrap();
    assert_eq!(queued.unwrap_err().code(), "STORE_UNAVAILABLE");
    sqlite.execute_batch("ROLLBACK").unwrap();
    assert_eq!(append(&store, &id("a"), "1").unwrap(), 1);
}

#[test]
fn waiting_for_another_caller_ends_after_the_busy_timeout() {
    let place = Place::new();
    let short = place.open_with(SqliteOptions {
        busy_timeout_ms: 50,
        ..SqliteOptions::default()
    });
    let (begun, begins) = mpsc::channel();
    let (end, ends) = mpsc::channel::<()>();
    thread::scope(|scope| {
        let other = place.open();
        scope.spawn(move || {
            other.transaction(|_| {
                begun.send(()).unwrap();
                ends.recv().unwrap();
            })
        });
        begins.recv().unwrap();
        assert_eq!(
            short.transaction(|_| ()).unwrap_err().code(),
            "STORE_UNAVAILABLE"
        );
        end.send(()).unwrap();
    });
    short.transaction(|_| ()).unwrap();
}

#[test]
fn the_store_can_be_used_as_a_trait_object() {
    let place = Place::new();
    let handle = place.open();
    let store: Box<dyn TransactionStore + Send> = Box::new(place.open());
    store.transaction(|store| start(store, head("a"))).unwrap();
    let attempt = store.try_transaction(|store: &dyn SyncStore| append(store, &id("a"), "1"));
    assert!(matches!(attempt, Attempt::Answered(Ok(Ok(1)))));
    let hold = hold_writer(&handle);
    let Attempt::Busy(job) =
        store.try_transaction(|store: &dyn SyncStore| append(store, &id("a"), "2"))
    else {
        panic!("it should have been busy");
    };
    drop(hold);
    store.drain();
    assert_eq!(store.transaction(job).unwrap().unwrap(), 2);
    let (send, result) = mpsc::channel();
    store.enqueue(
        Box::new(|store| append(store, &id("a"), "3").unwrap().to_string()),
        Box::new(move |outcome| send.send(outcome).unwrap()),
    );
    assert_eq!(result.recv().unwrap().unwrap(), "3");
}
