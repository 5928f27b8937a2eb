//! The queue of a handle: its order, its failures, and its end.

use std::sync::mpsc::{self, Receiver};
use std::thread;

use crate::common::{Place, append, head, history, id, start};
use tenure_core::{History, Result, SyncStore};
use tenure_file::{Attempt, FileOptions, FileStore};
use tenure_store_transaction::{TransactionStore, TransactionStoreExt};

/// Queues an append. Its result is sent through the channel.
fn enqueue_append(store: &FileStore, name: &str, data: &str) -> Receiver<Result<String>> {
    let (id, data) = (id(name), data.to_owned());
    let (send, result) = mpsc::channel();
    store.enqueue(
        Box::new(move |store| match append(store, &id, &data) {
            Ok(sequence) => sequence.to_string(),
            Err(error) => error.code().to_owned(),
        }),
        Box::new(move |outcome| {
            // The receiver may be dropped.
            let _ = send.send(outcome);
        }),
    );
    result
}

fn numbers(to: u32) -> Vec<String> {
    (1..=to).map(|n| n.to_string()).collect()
}

#[test]
fn jobs_run_in_the_order_of_the_calls() {
    let place = Place::fast();
    let store = place.open();
    start(&store, head("a"));
    let results: Vec<_> = numbers(100)
        .iter()
        .map(|n| enqueue_append(&store, "a", n))
        .collect();
    for (n, result) in numbers(100).iter().zip(results) {
        assert_eq!(result.recv().unwrap().unwrap(), *n);
    }
    assert_eq!(history(&store, "a"), numbers(100));
}

#[test]
fn jobs_run_on_a_thread_of_the_handle() {
    let place = Place::fast();
    let store = place.open();
    let (send, ids) = mpsc::channel();
    let send_again = send.clone();
    store.enqueue(
        Box::new(move |_| {
            send.send(thread::current().id()).unwrap();
            String::new()
        }),
        Box::new(move |_| send_again.send(thread::current().id()).unwrap()),
    );
    let (job, done) = (ids.recv().unwrap(), ids.recv().unwrap());
    assert_eq!(job, done);
    assert_ne!(job, thread::current().id());
}

#[test]
fn draining_waits_for_the_queue() {
    let place = Place::fast();
    let store = place.open();
    store.drain();
    start(&store, head("a"));
    let results: Vec<_> = (0..50).map(|_| enqueue_append(&store, "a", "{}")).collect();
    store.drain();
    assert!(
        results
            .iter()
            .all(|result| result.try_recv().unwrap().is_ok())
    );
}

#[test]
fn draining_inside_a_transaction_does_not_wait_for_the_queue() {
    let place = Place::fast();
    let store = place.open();
    start(&store, head("a"));
    let result = store
        .transaction(|_| {
            let result = enqueue_append(&store, "a", "1");
            store.drain();
            assert!(result.try_recv().is_err());
            result
        })
        .unwrap();
    assert_eq!(result.recv().unwrap().unwrap(), "1");
}

#[test]
fn draining_inside_a_completion_does_not_wait_for_the_queue() {
    let place = Place::fast();
    let (store, other) = (place.open(), place.open());
    let (send, received) = mpsc::channel();
    // The completion owns the handle, and drops it on the thread of the handle.
    let (hand_over, handle) = mpsc::channel::<FileStore>();
    store.enqueue(
        Box::new(|store| {
            start(store, head("a"));
            String::new()
        }),
        Box::new(move |_| {
            let store = handle.recv().unwrap();
            store.drain();
            drop(store);
            send.send(()).unwrap();
        }),
    );
    hand_over.send(store).unwrap();
    received.recv().unwrap();
    assert!(other.load(&id("a"), History::None).unwrap().is_some());
}

#[test]
fn dropping_a_handle_loses_no_job() {
    let place = Place::fast();
    let store = place.open();
    start(&store, head("a"));
    for _ in 0..50 {
        enqueue_append(&store, "a", "{}");
    }
    drop(store);
    assert_eq!(history(&place.open(), "a").len(), 50);
}

#[test]
fn a_panic_in_a_job_fails_only_that_job_and_releases_the_lock() {
    let place = Place::fast();
    let store = place.open();
    start(&store, head("a"));
    let before = enqueue_append(&store, "a", "1");
    let (send, result) = mpsc::channel();
    store.enqueue(
        Box::new(|_| panic!("on purpose")),
        Box::new(move |outcome| send.send(outcome).unwrap()),
    );
    let after = enqueue_append(&store, "a", "2");
    let error = result.recv().unwrap().unwrap_err();
    assert_eq!(error.code(), "INTERNAL");
    assert!(error.to_string().contains("on purpose"), "{error}");
    assert_eq!(before.recv().unwrap().unwrap(), "1");
    assert_eq!(after.recv().unwrap().unwrap(), "2");
}

#[test]
fn a_completion_that_panics_does_not_end_the_thread() {
    let place = Place::fast();
    let store = place.open();
    start(&store, head("a"));
    store.enqueue(
        Box::new(|_| String::new()),
        Box::new(|_| panic!("on purpose")),
    );
    let result = enqueue_append(&store, "a", "1");
    assert_eq!(result.recv().unwrap().unwrap(), "1");
}

#[test]
fn a_job_that_waits_longer_than_the_busy_timeout_is_refused() {
    let place = Place::fast();
    let options = FileOptions {
        busy_timeout_ms: 20,
        ..FileOptions::default()
    };
    let store = FileStore::open(&place.folder(), options).unwrap();
    start(&store, head("a"));
    let other = place.open();
    let refused = other
        .transaction(|_| enqueue_append(&store, "a", "1").recv().unwrap())
        .unwrap();
    assert_eq!(refused.unwrap_err().code(), "STORE_UNAVAILABLE");
    let result = enqueue_append(&store, "a", "1");
    assert_eq!(result.recv().unwrap().unwrap(), "1");
}

#[test]
fn a_write_is_never_attempted_on_the_calling_thread() {
    let place = Place::fast();
    let store = place.open();
    start(&store, head("a"));
    let Attempt::Busy(job) =
        store.try_transaction(|store: &dyn SyncStore| append(store, &id("a"), "1"))
    else {
        panic!("the job ran");
    };
    assert_eq!(history(&store, "a"), Vec::<String>::new());
    // The returned job can be run by another method.
    assert_eq!(store.transaction(job).unwrap().unwrap(), 1);
}

#[test]
fn the_store_can_be_used_as_a_trait_object() {
    let place = Place::fast();
    let store: Box<dyn TransactionStore + Send> = Box::new(place.open());
    store.transaction(|store| start(store, head("a"))).unwrap();
    let attempt = store.try_transaction(|store: &dyn SyncStore| append(store, &id("a"), "1"));
    assert!(matches!(attempt, Attempt::Busy(_)));
    let (send, result) = mpsc::channel();
    store.enqueue(
        Box::new(|store| append(store, &id("a"), "1").unwrap().to_string()),
        Box::new(move |outcome| send.send(outcome).unwrap()),
    );
    store.drain();
    assert_eq!(result.try_recv().unwrap().unwrap(), "1");
}
