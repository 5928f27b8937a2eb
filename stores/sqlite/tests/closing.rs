//! A process that has closed its handles has no thread left. A separate process counts its threads,
//! because other tests have threads, too.

use std::fs;
use std::time::{Duration, Instant};

use tenure_sqlite::{SqliteOptions, SqliteStore};

use crate::common::{Place, enqueue_append, given_path, head, start, succeed};

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
    succeed(place.process("closing::a_process_that_counts_its_threads"));
    assert!(place.file().exists(), "the process has had its turn");
}

#[test]
#[ignore = "a process of another test"]
fn a_process_that_counts_its_threads() {
    let open = || SqliteStore::open(&given_path(), SqliteOptions::default()).unwrap();
    let (one, other) = (open(), open());
    start(&one, head("a"));
    assert_eq!(writer_threads(), 0);
    enqueue_append(&one, "a", "{}").recv().unwrap().unwrap();
    enqueue_append(&other, "a", "{}").recv().unwrap().unwrap();
    assert_eq!(writer_threads(), 1);
    one.close();
    assert_eq!(writer_threads(), 1);
    enqueue_append(&other, "a", "{}").recv().unwrap().unwrap();
    other.close();
    // The kernel may still show a thread for a moment after it has ended.
    let deadline = Instant::now() + Duration::from_secs(5);
    while writer_threads() > 0 && Instant::now() < deadline {
        std::thread::yield_now();
    }
    assert_eq!(writer_threads(), 0);
    let log = given_path().with_file_name("tenure.db-wal");
    assert!(!log.exists(), "the log is copied and removed");
}
