//! A disk that becomes full at one write of a run, for each write in turn. What is refused has the code
//! `STORAGE_FULL` and changes nothing, what is acknowledged is kept, and everything goes on when there is room.

use std::sync::mpsc;

use crate::common::operations::operate;
use crate::common::{Place, scaled};
use crate::disk::Disk;
use tenure_core::{Result, SyncStore};
use tenure_sqlite::{Checked, Durability, SqliteOptions, SqliteStore};

/// The number of writes of a run, at least.
const WRITES: u64 = 500;
/// Its operations. `close` closes the store and opens it again.
const RUN: [(&str, &str); 24] = [
    (
        "start",
        r#"{"task":"Review it","mode":"m","id":"a","userId":"ann"}"#,
    ),
    ("start", r#"{"task":"Review it","mode":"n","id":"b"}"#),
    (
        "addEvent",
        r#"{"id":"a","type":"note","data":{"text":TEXT}}"#,
    ),
    (
        "addEvents",
        r#"{"id":"b","events":[{"type":"note","data":{"text":TEXT}},{"type":"note"}]}"#,
    ),
    (
        "leaseAcquire",
        r#"{"key":"k","holder":"h","leaseDurationMs":60000}"#,
    ),
    ("incrementIteration", r#"{"id":"a"}"#),
    (
        "recordUsage",
        r#"{"id":"a","tokens":{"prompt":1,"completion":2},"cost":0.1}"#,
    ),
    ("close", ""),
    ("complete", r#"{"id":"a","result":"r"}"#),
    (
        "leaseRenew",
        r#"{"key":"k","holder":"h","token":1,"leaseDurationMs":90000}"#,
    ),
    (
        "start",
        r#"{"task":"Review it","mode":"m","id":"c","userId":"bob"}"#,
    ),
    ("pause", r#"{"id":"c","reason":"r"}"#),
    ("trash", r#"{"id":"a"}"#),
    ("trash", r#"{"id":"b"}"#),
    ("restore", r#"{"id":"b"}"#),
    ("leaseRelease", r#"{"key":"k","holder":"h","token":1}"#),
    ("purge", r#"{"olderThan":0}"#),
    ("resume", r#"{"id":"c"}"#),
    ("updateContext", r#"{"id":"c","context":{"text":TEXT}}"#),
    ("close", ""),
    (
        "leaseAcquire",
        r#"{"key":"k","holder":"i","leaseDurationMs":60000}"#,
    ),
    ("trashMany", r#"{"ids":["b","c"]}"#),
    ("deleteMany", r#"{"ids":["b"]}"#),
    ("fork", r#"{"id":"c","newId":"d"}"#),
];
/// What is compared at the end of a run.
const CONTENTS: [(&str, &str); 7] = [
    ("list", r#"{"trash":"include"}"#),
    ("events", r#"{"id":"c"}"#),
    ("get", r#"{"id":"d","history":10}"#),
    ("leaseList", "{}"),
    ("stats", r#"{"trash":"include"}"#),
    ("auditLog", "{}"),
    ("changesSince", r#"{"position":0,"limit":1000}"#),
];

fn options(durability: Durability) -> SqliteOptions {
    SqliteOptions {
        durability,
        text_index: Some(durability == Durability::Full),
        ..SqliteOptions::default()
    }
}

fn text() -> String {
    format!("\"{}\"", "x".repeat(20_000))
}

/// Calls one operation, on this thread or through the queue.
fn call(store: &SqliteStore, number: usize) -> Result<String> {
    let (name, params) = RUN[number];
    let params = params.replace("TEXT", &text());
    let job = move |store: &dyn SyncStore| {
        operate(store, 1_000 * number as i64, number as u128, name, &params)
    };
    if number % 3 != 2 {
        return store.transaction(job)?;
    }
    let (done, result) = mpsc::channel();
    let (reply, replied) = mpsc::channel();
    store.enqueue(
        Box::new(move |store| {
            reply.send(job(store)).unwrap();
            String::new()
        }),
        Box::new(move |result| done.send(result).unwrap()),
    );
    result.recv().unwrap()?;
    replied.recv().unwrap()
}

/// A run on a disk that becomes full at a write; at none if there are fewer.
struct Run {
    contents: Vec<String>,
    was_full: bool,
    refused: usize,
}

fn run(durability: Durability, full_at: u64) -> Run {
    let place = Place::new();
    let disk = Disk::watch(place.file().parent().unwrap());
    disk.fill_at(full_at);
    let mut was_full = false;
    let mut refused = 0;
    let mut open = || loop {
        match SqliteStore::open(&place.file(), options(durability)) {
            Ok(store) => return store,
            Err(error) => {
                assert_eq!(
                    error.code(),
                    "STORAGE_FULL",
                    "opening, full at {full_at}: {error}"
                );
                was_full |= disk.make_room();
            }
        }
    };
    let mut store = open();
    for (number, (name, _)) in RUN.into_iter().enumerate() {
        if name == "close" {
            store.close();
            store = open();
            continue;
        }
        // Twice on the full disk.
        for attempt in 0..3 {
            match call(&store, number) {
                Ok(_) => break,
                Err(error) => {
                    let about = format!("{name}, full at {full_at}: {error}");
                    assert_eq!(error.code(), "STORAGE_FULL", "{about}");
                    assert!(attempt < 2, "there is room. {about}");
                    refused += 1;
                    if attempt == 1 {
                        assert!(disk.make_room(), "{about}");
                    }
                }
            }
        }
    }
    // The disk may have become full after the last commit, or where nothing depended on the write.
    let is_full = disk.make_room();
    let contents = CONTENTS
        .map(|(name, params)| operate(&store, 100_000, 1, name, params).unwrap())
        .to_vec();
    assert_eq!(store.check(false).unwrap(), Checked::default());
    store.close();
    Run {
        contents,
        was_full: is_full || was_full || refused > 0,
        refused,
    }
}

#[test]
fn a_disk_that_is_full_at_any_of_500_writes_loses_nothing() {
    for durability in [Durability::Normal, Durability::Full] {
        let expected = run(durability, u64::MAX).contents;
        // Every tenth in a quick run.
        let step = u64::from(100 / scaled(100).min(100));
        let mut refused = 0;
        let mut writes = 0;
        loop {
            let found = run(durability, writes + 1);
            assert_eq!(found.contents, expected, "full at {}", writes + 1);
            refused += found.refused;
            if !found.was_full {
                break;
            }
            writes += step;
        }
        assert!(writes >= WRITES, "a run has {writes} writes");
        assert!(refused as u64 * step > WRITES, "{refused} refusals");
    }
}
