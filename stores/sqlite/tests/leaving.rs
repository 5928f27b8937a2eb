//! A process that has closed its handles has nothing left of the store. Alone in its file, because
//! it counts the threads of the process.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![cfg(target_os = "linux")]

mod common;

use std::fs;
use std::time::{Duration, Instant};

use common::{Place, enqueue_append, head, start};

fn writer_threads() -> usize {
    fs::read_dir("/proc/self/task")
        .unwrap()
        .filter_map(|task| fs::read_to_string(task.ok()?.path().join("comm")).ok())
        .filter(|name| name.trim() == "tenure-sqlite")
        .count()
}

#[test]
fn the_writer_thread_starts_when_needed_and_ends_with_the_last_handle() {
    let place = Place::new();
    let (one, other) = (place.open(), place.open());
    start(&one, head("a"));
    assert_eq!(writer_threads(), 0);
    enqueue_append(&one, "a", "{}").recv().unwrap().unwrap();
    enqueue_append(&other, "a", "{}").recv().unwrap().unwrap();
    assert_eq!(writer_threads(), 1);
    one.close();
    assert_eq!(writer_threads(), 1);
    enqueue_append(&other, "a", "{}").recv().unwrap().unwrap();
    other.close();
    // The kernel may show a thread that has ended for a moment longer.
    let patience = Instant::now() + Duration::from_secs(5);
    while writer_threads() > 0 && Instant::now() < patience {
        std::thread::yield_now();
    }
    assert_eq!(writer_threads(), 0);
    let log = place.file().with_file_name("tenure.db-wal");
    assert!(!log.exists(), "the log is copied and removed");
}
