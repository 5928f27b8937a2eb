//! Many handles, threads and processes share a database: no write is lost.

use std::process::Child;
use std::sync::mpsc;
use std::thread;

use crate::common::{
    Place, append, check_integrity, enqueue_append, given_path, head, history, id, scaled, start,
};
use tenure_core::{History, SyncStore};
use tenure_sqlite::{Attempt, Durability, SqliteOptions, SqliteStore};

/// Appends `count` events to the shared session, by each of the three ways to write in turn, and as
/// many to the writer's own session.
fn append_all(store: &SqliteStore, own: &str, count: u32) {
    start(store, head(own));
    let (answer, answered) = mpsc::channel();
    for n in 0..count {
        let (session, data) = (id(own), format!("{{\"by\":\"{own}\",\"n\":{n}}}"));
        let job = move |store: &dyn SyncStore| {
            append(store, &id("shared"), &data).unwrap();
            append(store, &session, &n.to_string()).unwrap();
        };
        match n % 3 {
            0 => store.transaction(job).unwrap(),
            1 => match store.try_transaction(job) {
                Attempt::Answered(answer) => answer.unwrap(),
                Attempt::Busy(job) => store.transaction(job).unwrap(),
            },
            _ => {
                let answer = answer.clone();
                store.enqueue(
                    Box::new(move |store| {
                        job(store);
                        String::new()
                    }),
                    Box::new(move |outcome| answer.send(outcome).unwrap()),
                );
                answered.recv().unwrap().unwrap();
            }
        }
    }
}

fn check_all(place: &Place, writers: &[String], count: u32) {
    let store = place.open();
    let shared = store.load(&id("shared"), History::All).unwrap().unwrap();
    assert_eq!(shared.events.len(), writers.len() * count as usize);
    assert_eq!(shared.head.version, 1 + shared.head.event_count);
    for writer in writers {
        let expected: Vec<String> = (0..count).map(|n| n.to_string()).collect();
        assert_eq!(history(&store, writer), expected, "of {writer}");
        // The writes of one writer are in their order.
        let by = format!("{{\"by\":\"{writer}\",");
        let theirs = shared
            .events
            .iter()
            .filter(|event| event.data.as_str().starts_with(&by));
        let numbers: Vec<&str> = theirs
            .filter_map(|event| event.data.as_str().split(['}', ':']).nth(2))
            .collect();
        assert_eq!(numbers, expected, "of {writer} in the shared session");
    }
    check_integrity(place);
}

#[test]
fn many_threads_lose_no_write() {
    let place = Place::new();
    start(&place.open(), head("shared"));
    let count = scaled(3000);
    let writers: Vec<String> = (0..6).map(|n| format!("thread-{n}")).collect();
    thread::scope(|scope| {
        for (n, writer) in writers.iter().enumerate() {
            let place = &place;
            scope.spawn(move || {
                let durability = if n == 0 {
                    Durability::Full
                } else {
                    Durability::Normal
                };
                let store = place.open_with(SqliteOptions {
                    durability,
                    busy_timeout_ms: 60_000,
                    ..SqliteOptions::default()
                });
                append_all(&store, writer, count);
            });
        }
    });
    check_all(&place, &writers, count);
}

#[test]
fn a_reader_never_sees_a_partial_write() {
    let place = Place::new();
    start(&place.open(), head("shared"));
    let count = u64::from(scaled(5000));
    thread::scope(|scope| {
        let writer = place.open();
        scope.spawn(move || {
            for n in 0..count {
                writer
                    .transaction(|store| append(store, &id("shared"), &n.to_string()))
                    .unwrap()
                    .unwrap();
            }
        });
        let reader = place.open();
        let mut seen = 0;
        while seen < count {
            // Loading fails if an event is missing that the head counts.
            let loaded = reader
                .load(&id("shared"), History::Last { count: 20 })
                .unwrap()
                .unwrap();
            seen = loaded.head.event_count;
            assert_eq!(loaded.events.len() as u64, seen.min(20));
        }
    });
}

#[test]
fn two_processes_lose_no_write() {
    lose_no_write(2, "concurrency::a_process_that_appends", scaled(5000));
}

#[test]
fn sixty_four_processes_lose_no_write() {
    lose_no_write(64, "concurrency::a_process_that_appends_a_little", A_LITTLE);
}

/// Runs processes that append at the same time, each the given number of times.
fn lose_no_write(count: usize, name: &str, appends: u32) {
    let place = Place::new();
    start(&place.open(), head("shared"));
    let processes: Vec<Child> = (0..count).map(|_| place.process(name)).collect();
    let writers: Vec<String> = processes
        .iter()
        .map(|process| format!("process-{}", process.id()))
        .collect();
    for process in processes {
        let output = process.wait_with_output().unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    check_all(&place, &writers, appends);
}

#[test]
#[ignore = "a process of another test"]
fn a_process_that_appends() {
    append_in_process(scaled(5000));
}

#[test]
#[ignore = "a process of another test"]
fn a_process_that_appends_a_little() {
    append_in_process(A_LITTLE);
}

/// How often each of many processes appends.
const A_LITTLE: u32 = 20;

fn append_in_process(appends: u32) {
    let options = SqliteOptions {
        busy_timeout_ms: 60_000,
        ..SqliteOptions::default()
    };
    let store = SqliteStore::open(&given_path(), options).unwrap();
    append_all(&store, &format!("process-{}", std::process::id()), appends);
}

#[test]
fn a_caller_is_not_starved_by_a_busy_queue_of_another_process() {
    let place = Place::new();
    start(&place.open(), head("shared"));
    let mut process = place.process("concurrency::a_process_that_writes_continuously");
    let store = place.open_with(SqliteOptions {
        busy_timeout_ms: 60_000,
        ..SqliteOptions::default()
    });
    start(&store, head("own"));
    for n in 0..50 {
        store
            .transaction(|store| append(store, &id("own"), &n.to_string()))
            .unwrap()
            .unwrap();
    }
    process.kill().unwrap();
    process.wait().unwrap();
    assert_eq!(history(&store, "own").len(), 50);
}

#[test]
#[ignore = "a process of another test"]
fn a_process_that_writes_continuously() {
    let store = SqliteStore::open(&given_path(), SqliteOptions::default()).unwrap();
    loop {
        let answers: Vec<_> = (0..500)
            .map(|_| enqueue_append(&store, "shared", "{}"))
            .collect();
        for answer in answers {
            let _ = answer.recv().unwrap();
        }
    }
}
