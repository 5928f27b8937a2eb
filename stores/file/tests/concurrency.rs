//! Many handles, threads and processes share a folder: no write is lost, and readers see complete
//! commits only.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crate::common::{
    Place, append, apply, changes_after, given_path, head, history, id, list, open, put_change,
    record, scaled, set, start, succeed,
};
use tenure_core::store::{Expect, Scan};
use tenure_core::{Changes, History, SyncStore};
use tenure_file::{FileOptions, FileStore};

const PROCESSES: usize = 20;

fn rounds() -> u32 {
    scaled(50)
}

#[test]
fn twenty_processes_lose_no_increment_and_readers_see_complete_sessions() {
    let place = Place::new();
    let store = place.open();
    start(&store, head("shared"));
    let processes: Vec<_> = (0..PROCESSES)
        .map(|_| place.process("concurrency::a_process_that_increments"))
        .collect();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let reader = place.open();
        let done = &done;
        let reads = scope.spawn(move || {
            let (mut reads, mut position) = (0, 0);
            while !done.load(Ordering::Relaxed) {
                position = read_feed(&reader, position);
                let loaded = reader.load(&id("shared"), History::All).unwrap().unwrap();
                assert_eq!(loaded.head.version, 1 + loaded.head.event_count);
                assert_eq!(loaded.events.len() as u64, loaded.head.event_count);
                assert_eq!(list(&reader).problems, []);
                reads += 1;
            }
            position = read_feed(&reader, position);
            // Two events a round, and the starts of all sessions.
            assert_eq!(
                position,
                1 + PROCESSES as u64 * (1 + 2 * u64::from(rounds()))
            );
            reads
        });
        for process in processes {
            succeed(process);
        }
        done.store(true, Ordering::Relaxed);
        assert!(reads.join().unwrap() > 0);
    });
    let shared = history(&store, "shared");
    assert_eq!(shared.len(), PROCESSES * rounds() as usize);
    let page = list(&store);
    assert_eq!(page.heads.len(), 1 + PROCESSES);
    for head in page.heads {
        if head.id != id("shared") {
            assert_eq!(head.event_count, u64::from(rounds()));
            // The writes of one process are in their order.
            let theirs = shared
                .iter()
                .filter_map(|data| data.strip_prefix(&format!("\"{} ", head.id)));
            let numbers: Vec<String> = theirs.map(|rest| rest.replace('"', "")).collect();
            let expected: Vec<String> = (0..rounds()).map(|number| number.to_string()).collect();
            assert_eq!(numbers, expected, "of {}", head.id);
        }
    }
}

/// Reads the feed after a position up to its end. Checks that each change follows the one before, and that
/// its commit is visible. Returns the last position.
fn read_feed(store: &FileStore, after: u64) -> u64 {
    let mut position = after;
    for change in changes_after(store, after).unwrap() {
        position += 1;
        assert_eq!(change.position, position);
        let loaded = store.load(&id(&change.key), History::None).unwrap();
        let last = change.events.map_or(0, |events| events.last);
        assert!(loaded.unwrap().head.event_count >= last, "{change:?}");
    }
    position
}

#[test]
#[ignore = "a process of another test"]
fn a_process_that_increments() {
    let store = open(&given_path());
    let own = format!("process-{}", std::process::id());
    start(&store, head(&own));
    for number in 0..rounds() {
        let data = format!("\"{own} {number}\"");
        store
            .transaction(|store| append(store, &id("shared"), &data))
            .unwrap()
            .unwrap();
        append(&store, &id(&own), "{}").unwrap();
    }
}

#[test]
fn a_reader_never_sees_a_partial_commit() {
    let place = Place::new();
    let store = place.open();
    for name in ["a", "b"] {
        start(&store, head(name));
    }
    let rounds = scaled(1000);
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let writer = place.open();
        let done = &done;
        scope.spawn(move || {
            for number in 1..=rounds {
                let sessions = ["a", "b"].map(|name| {
                    let mut head = head(name);
                    head.iterations = number;
                    put_change(head, Expect::Any, Vec::new())
                });
                // The record alternates between the two sessions, and a second record moves with
                // it.
                let owner = ["a", "b"][number as usize % 2];
                let records = vec![
                    set(record("kind", "moving", Some(owner), number.into())),
                    set(record("kind", "staying", None, number.into())),
                ];
                let changes = Changes {
                    sessions: sessions.into(),
                    records,
                };
                apply(&writer, &changes);
            }
            done.store(true, Ordering::Relaxed);
        });
        let mut last = 0;
        while !done.load(Ordering::Relaxed) {
            let heads = list(&store).heads;
            assert_eq!(heads.len(), 2);
            assert_eq!(heads[0].iterations, heads[1].iterations);
            assert!(heads[0].iterations >= last);
            last = heads[0].iterations;
            let scan = Scan {
                kind: "kind".to_owned(),
                after: None,
                limit: 10,
            };
            let versions: Vec<u64> = store
                .scan(&scan)
                .unwrap()
                .into_iter()
                .map(|record| record.version)
                .collect();
            if last > 0 {
                assert_eq!(versions.len(), 2);
                assert_eq!(versions[0], versions[1]);
                assert!(store.record("kind", "moving").unwrap().is_some());
            }
        }
    });
}

#[test]
fn waiting_for_the_lock_ends_after_the_busy_timeout_and_does_not_block_reads() {
    let place = Place::new();
    let store = place.open();
    start(&store, head("a"));
    let options = FileOptions {
        busy_timeout_ms: 20,
        ..FileOptions::default()
    };
    let short = FileStore::open(&place.folder(), options).unwrap();
    store
        .transaction(|inside| {
            let error = append(&short, &id("a"), "1").unwrap_err();
            assert_eq!(error.code(), "STORE_UNAVAILABLE");
            assert!(error.to_string().contains("busy timeout"), "{error}");
            assert_eq!(history(&short, "a"), [""; 0]);
            append(inside, &id("a"), "2").unwrap();
            assert_eq!(history(&short, "a"), ["2"]);
            // A transaction inside a transaction of the same handle is refused.
            assert_eq!(store.transaction(|_| ()).unwrap_err().code(), "INTERNAL");
        })
        .unwrap();
    append(&short, &id("a"), "3").unwrap();
    assert_eq!(history(&store, "a"), ["2", "3"]);
}

#[test]
fn a_lock_of_a_killed_process_is_free() {
    let place = Place::new();
    start(&place.open(), head("a"));
    let mut process = place.process("concurrency::a_process_that_is_killed_with_the_lock");
    let lines = std::io::BufReader::new(process.stdout.take().unwrap());
    let mut lines = std::io::BufRead::lines(lines);
    assert!(lines.any(|line| line.unwrap().contains("written")));
    process.kill().unwrap();
    process.wait().unwrap();
    assert_eq!(append(&place.open(), &id("a"), "2").unwrap(), 2);
}

#[test]
#[ignore = "a process of another test"]
fn a_process_that_is_killed_with_the_lock() {
    open(&given_path())
        .transaction(|store| {
            append(store, &id("a"), "1").unwrap();
            println!("written");
            thread::sleep(Duration::from_secs(60));
        })
        .unwrap();
}
