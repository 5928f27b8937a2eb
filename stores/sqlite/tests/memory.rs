//! The memory of a process does not grow with what it has written.

use std::fs;
use std::sync::mpsc;

use crate::common::{Place, append, given_path, head, id, scaled, start, succeed};
use tenure_sqlite::{SqliteOptions, SqliteStore};

/// A leak of so many bytes for each append is found.
const LEAK: u64 = 16;
/// The appends that are queued at once. Memory that a batch frees would hide a leak.
const BATCH: u32 = 50;

#[test]
fn the_memory_of_a_process_is_flat_over_1000000_appends() {
    let place = Place::new();
    succeed(place.process("memory::a_process_that_appends_and_measures_its_memory"));
}

/// The memory of this process that is no file, in bytes.
fn memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("RssAnon:"));
    let kilobytes = line.unwrap().split_whitespace().nth(1).unwrap();
    kilobytes.parse::<u64>().unwrap() << 10
}

/// Appends to a few sessions, most by the queue.
fn append_all(store: &SqliteStore, count: u32, text: &str) {
    let (done, results) = mpsc::sync_channel(BATCH as usize);
    let mut left = count;
    while left > 0 {
        let batch = BATCH.min(left);
        for number in 0..batch {
            let name = id(&format!("s{}", number % 5));
            if number == 0 {
                append(store, &name, text).unwrap();
                done.send(String::new()).unwrap();
                continue;
            }
            let (done, text) = (done.clone(), text.to_owned());
            store.enqueue(
                Box::new(move |store| append(store, &name, &text).unwrap().to_string()),
                Box::new(move |result| done.send(result.unwrap()).unwrap()),
            );
        }
        for _ in 0..batch {
            results.recv().unwrap();
        }
        left -= batch;
    }
}

#[test]
#[ignore = "a process of another test"]
fn a_process_that_appends_and_measures_its_memory() {
    let store = SqliteStore::open(&given_path(), SqliteOptions::default()).unwrap();
    for number in 0..5 {
        start(&store, head(&format!("s{number}")));
    }
    // Fills the caches of the connections, which have a fixed size.
    let text = format!("\"{}\"", "x".repeat(8000));
    for _ in 0..300 {
        append_all(&store, 2, &text);
    }
    let appends = scaled(1_000_000);
    append_all(&store, appends / 10, "{}");
    let before = memory();
    append_all(&store, appends, "{}");
    let growth = memory().saturating_sub(before);
    println!("{appends} appends: {before} bytes and {growth}");
    assert!(
        growth < LEAK * u64::from(appends),
        "{growth} bytes more after {appends} appends"
    );
}
