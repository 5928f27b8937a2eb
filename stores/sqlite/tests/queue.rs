//! The queue of the writer thread: its order, its batches, its failures, its priority and its end.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};

use crate::common::{Place, append, enqueue_append, head, history, hold_writer, id, start};
use tenure_core::{Error, SyncStore};
use tenure_sqlite::{Durability, SqliteOptions};

#[test]
fn jobs_run_in_the_order_of_the_calls() {
    let place = Place::new();
    let store = place.open();
    start(&store, head("a"));
    let answers: Vec<_> = (1..=1000)
        .map(|n| enqueue_append(&store, "a", &n.to_string()))
        .collect();
    for (n, answer) in (1..=1000).zip(answers) {
        assert_eq!(answer.recv().unwrap().unwrap(), n.to_string());
    }
    let expected: Vec<String> = (1..=1000).map(|n| n.to_string()).collect();
    assert_eq!(history(&store, "a"), expected);
}

#[test]
fn jobs_of_all_handles_run_in_one_order() {
    let place = Place::new();
    let stores = [place.open(), place.open(), place.open()];
    start(&stores[0], head("a"));
    let hold = hold_writer(&stores[0]);
    for n in 0..30 {
        enqueue_append(&stores[n % 3], "a", &n.to_string());
    }
    drop(hold);
    stores[1].drain();
    let expected: Vec<String> = (0..30).map(|n| n.to_string()).collect();
    assert_eq!(history(&stores[2], "a"), expected);
}

#[test]
fn a_job_is_done_when_its_writes_are_visible_to_other_handles() {
    let place = Place::new();
    let store = place.open();
    start(&store, head("a"));
    let reader = Mutex::new(place.open());
    let (seen, sees) = mpsc::channel();
    let name = id("a");
    store.enqueue(
        Box::new(move |store| append(store, &name, "1").unwrap().to_string()),
        Box::new(move |_| seen.send(history(&*reader.lock().unwrap(), "a")).unwrap()),
    );
    assert_eq!(sees.recv().unwrap(), ["1"]);
}

#[test]
fn queued_jobs_are_committed_together() {
    let place = Place::new();
    let store = place.open();
    start(&store, head("a"));
    let log = place.file().with_file_name("tenure.db-wal");
    let pages = || std::fs::metadata(&log).unwrap().len() / 4096;
    let before = pages();
    let hold = hold_writer(&store);
    let answers: Vec<_> = (0..200)
        .map(|_| enqueue_append(&store, "a", "{}"))
        .collect();
    // A waiting caller would be served in between, but none is waiting.
    drop(hold);
    for answer in answers {
        answer.recv().unwrap().unwrap();
    }
    // Separate commits would have written three pages or more each.
    assert!(pages() - before < 200, "{} pages", pages() - before);
}

#[test]
fn a_panic_in_a_job_fails_only_that_job() {
    let place = Place::new();
    let store = place.open();
    start(&store, head("a"));
    let hold = hold_writer(&store);
    let before = enqueue_append(&store, "a", "1");
    let (answer, answered) = mpsc::channel();
    store.enqueue(
        Box::new(|store| {
            append(store, &id("a"), "3").unwrap();
            start(store, head("never"));
            panic!("on purpose");
        }),
        Box::new(move |outcome| answer.send(outcome).unwrap()),
    );
    let after = enqueue_append(&store, "a", "2");
    drop(hold);
    let error = answered.recv().unwrap().unwrap_err();
    assert_eq!(error.code(), "INTERNAL");
    assert!(error.to_string().contains("on purpose"), "{error}");
    assert_eq!(before.recv().unwrap().unwrap(), "1");
    assert_eq!(after.recv().unwrap().unwrap(), "2");
    assert_eq!(history(&store, "a"), ["1", "2"]);
    assert_eq!(
        store
            .load(&id("never"), tenure_core::History::None)
            .unwrap(),
        None
    );
}

#[test]
fn a_completion_that_panics_does_not_end_the_thread() {
    let place = Place::new();
    let store = place.open();
    start(&store, head("a"));
    store.enqueue(
        Box::new(|_| String::new()),
        Box::new(|_| panic!("on purpose")),
    );
    assert_eq!(
        enqueue_append(&store, "a", "1").recv().unwrap().unwrap(),
        "1"
    );
    store.drain();
}

#[test]
fn a_failed_commit_fails_only_its_job() {
    let place = Place::new();
    let store = place.open();
    start(&store, head("a"));
    let hold = hold_writer(&store);
    let before = enqueue_append(&store, "a", "1");
    let (answer, answered) = mpsc::channel();
    store.enqueue(
        Box::new(|store| {
            let twice = vec![crate::common::event(1, "1"), crate::common::event(1, "1")];
            let bad = crate::common::put(head("b"), tenure_core::store::Expect::Any, twice);
            store.commit(&bad).unwrap_err().code().to_owned()
        }),
        Box::new(move |outcome| answer.send(outcome).unwrap()),
    );
    let after = enqueue_append(&store, "a", "2");
    drop(hold);
    assert_eq!(answered.recv().unwrap().unwrap(), "STORE_FAILED");
    assert_eq!(before.recv().unwrap().unwrap(), "1");
    assert_eq!(after.recv().unwrap().unwrap(), "2");
    assert_eq!(
        store.load(&id("b"), tenure_core::History::None).unwrap(),
        None
    );
}

#[test]
fn a_waiting_caller_has_priority_over_the_queue() {
    let place = Place::new();
    let store = place.open();
    start(&store, head("a"));
    start(&store, head("b"));
    let done = Arc::new(AtomicUsize::new(0));
    let hold = hold_writer(&store);
    for _ in 0..5000 {
        let done = done.clone();
        store.enqueue(
            Box::new(|store| append(store, &id("a"), "{}").unwrap().to_string()),
            Box::new(move |_| {
                done.fetch_add(1, Ordering::SeqCst);
            }),
        );
    }
    drop(hold);
    append(&store, &id("b"), "{}").unwrap();
    let before = done.load(Ordering::SeqCst);
    store.drain();
    assert!(before < 5000, "{before} jobs went before");
    assert_eq!(done.load(Ordering::SeqCst), 5000);
}

#[test]
fn closing_waits_for_the_queue() {
    let place = Place::new();
    let store = place.open();
    start(&store, head("a"));
    let answers: Vec<_> = (0..100)
        .map(|_| enqueue_append(&store, "a", "{}"))
        .collect();
    store.close();
    assert!(
        answers
            .iter()
            .all(|answer| answer.try_recv().unwrap().is_ok())
    );
    assert_eq!(history(&place.open(), "a").len(), 100);
}

#[test]
fn dropping_a_handle_loses_no_job() {
    let place = Place::new();
    let store = place.open();
    start(&store, head("a"));
    for _ in 0..100 {
        enqueue_append(&store, "a", "{}");
    }
    drop(store);
    assert_eq!(history(&place.open(), "a").len(), 100);
}

#[test]
fn handles_of_both_durabilities_share_a_queue() {
    let place = Place::new();
    let normal = place.open();
    let full = place.open_with(SqliteOptions {
        durability: Durability::Full,
        ..SqliteOptions::default()
    });
    start(&normal, head("a"));
    let hold = hold_writer(&normal);
    let answers: Vec<_> = (0..60)
        .map(|n| enqueue_append(if n % 7 == 0 { &full } else { &normal }, "a", "{}"))
        .collect();
    drop(hold);
    for (n, answer) in (1..).zip(answers) {
        let answer: Result<String, Error> = answer.recv().unwrap();
        assert_eq!(answer.unwrap(), format!("{n}"));
    }
}

#[test]
fn each_queued_job_has_its_own_busy_timeout() {
    let place = Place::new();
    let short = place.open_with(SqliteOptions {
        busy_timeout_ms: 100,
        ..SqliteOptions::default()
    });
    let long = place.open_with(SqliteOptions {
        busy_timeout_ms: 60_000,
        ..SqliteOptions::default()
    });
    start(&long, head("a"));
    let other = place.sqlite();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let first = enqueue_append(&short, "a", "1");
    let second = enqueue_append(&long, "a", "2");
    let error = first.recv().unwrap().unwrap_err();
    assert_eq!(error.code(), "STORE_UNAVAILABLE");
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(second.recv().unwrap().unwrap(), "1");
    assert_eq!(history(&long, "a"), ["2"]);
}

#[cfg(unix)]
#[test]
fn the_writer_thread_never_creates_a_file_in_place_of_a_moved_one() {
    let place = Place::new();
    let store = place.open();
    start(&store, head("a"));
    std::fs::rename(place.file(), place.file().with_extension("moved")).unwrap();
    let error = enqueue_append(&store, "a", "1")
        .recv()
        .unwrap()
        .unwrap_err();
    assert_eq!(error.code(), "STORE_UNAVAILABLE");
    assert!(error.to_string().contains("moved or replaced"), "{error}");
    assert!(!place.file().exists());
}
