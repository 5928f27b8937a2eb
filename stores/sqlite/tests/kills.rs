//! A killed writer loses no acknowledged write, and leaves no partial write.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::common::{Place, append, event, given_path, head, id, put, scaled, start};
use tenure_core::store::filter::{Filter, Order};
use tenure_core::store::{Expect, ListQuery, RecordChange};
use tenure_core::stored::record::Record;
use tenure_core::{History, SyncStore};
use tenure_sqlite::{Attempt, SqliteOptions, SqliteStore};

#[test]
fn a_killed_writer_loses_no_acknowledged_write() {
    let mut random = fastrand::Rng::with_seed(0x7465_6e75);
    let place = Place::new();
    place.open();
    for round in 0..scaled(50) {
        let mut process = place.process("kills::a_process_that_writes_until_it_is_killed");
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        // The harness prints lines, too; the time starts with the first acknowledgement.
        let mut acknowledged = BTreeMap::new();
        let mut note = |line: &str| {
            if let Some((name, number)) = line
                .strip_prefix("kept ")
                .and_then(|kept| kept.split_once(' '))
            {
                acknowledged.insert(name.to_owned(), number.parse::<u64>().unwrap());
            }
        };
        while let Some(Ok(line)) = lines.next() {
            note(&line);
            if line.starts_with("kept ") {
                break;
            }
        }
        // Some writers are killed before the first checkpoint, and some during one.
        thread::sleep(Duration::from_micros(random.u64(0..200_000)));
        process.kill().unwrap();
        process.wait().unwrap();
        for line in lines.map_while(Result::ok) {
            note(&line);
        }
        assert!(
            !acknowledged.is_empty(),
            "round {round} has written nothing"
        );
        check_writes(&place, &acknowledged);
    }
}

/// Checks that every acknowledged write exists and every write is complete.
fn check_writes(place: &Place, acknowledged: &BTreeMap<String, u64>) {
    let store = place.open();
    for (name, &number) in acknowledged {
        let loaded = store.load(&id(name), History::None).unwrap();
        let head = loaded.unwrap_or_else(|| panic!("{name} is lost")).head;
        assert!(head.event_count >= number, "{name} has lost event {number}");
    }
    let query = ListQuery {
        filter: Filter::default(),
        order: Order::default(),
        after: None,
        offset: 0,
        limit: 100_000,
        max_bytes: u64::MAX,
    };
    let page = store.list(&query).unwrap();
    assert_eq!(page.problems, []);
    for head in page.heads {
        // Loading detects a missing event. Each commit has written a version, an event and a
        // record.
        let loaded = store.load(&head.id, History::All).unwrap().unwrap();
        assert_eq!(loaded.head.version, loaded.head.event_count);
        let record = store.record("last", head.id.as_str()).unwrap().unwrap();
        assert_eq!(record.version, loaded.head.event_count);
    }
    let sqlite = place.sqlite();
    let count = |sql: &str| {
        sqlite
            .query_row(sql, [], |row| row.get::<_, i64>(0))
            .unwrap()
    };
    assert_eq!(
        count("SELECT count(*) FROM events"),
        count("SELECT sum(event_count) FROM sessions"),
        "an event without its session's knowing"
    );
    let intact: String = sqlite
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(intact, "ok");
}

#[test]
#[ignore = "a process of another test"]
fn a_process_that_writes_until_it_is_killed() {
    let store = SqliteStore::open(&given_path(), SqliteOptions::default()).unwrap();
    let process = std::process::id();
    let (kept, keep) = mpsc::channel();
    for turn in 0u64.. {
        let name = format!("process-{process}-{}", turn % 7);
        let job = move |store: &dyn SyncStore| write(store, &name);
        match turn % 3 {
            0 => kept.send(store.transaction(job).unwrap()).unwrap(),
            1 => kept
                .send(match store.try_transaction(job) {
                    Attempt::Answered(answer) => answer.unwrap(),
                    Attempt::Busy(job) => store.transaction(job).unwrap(),
                })
                .unwrap(),
            _ => {
                let kept = kept.clone();
                store.enqueue(
                    Box::new(job),
                    Box::new(move |answer| kept.send(answer.unwrap()).unwrap()),
                );
            }
        }
        let mut out = std::io::stdout().lock();
        for kept in keep.try_iter() {
            out.write_all(format!("kept {kept}\n").as_bytes()).unwrap();
        }
        out.flush().unwrap();
    }
}

/// Appends an event to a session, or starts it. Returns the session and the number of the event.
fn write(store: &dyn SyncStore, name: &str) -> String {
    let data = format!("\"{}\"", "x".repeat(fastrand::usize(0..9000)));
    let loaded = store.load(&id(name), History::None).unwrap();
    let mut head = loaded.map_or_else(|| crate::common::head(name), |loaded| loaded.head);
    let expect = match head.event_count {
        0 => Expect::Absent,
        version => Expect::Version { version },
    };
    head.event_count += 1;
    head.version = head.event_count;
    let number = head.event_count;
    let mut changes = put(head, expect, vec![event(number, &data)]);
    changes.records.push(RecordChange {
        kind: "last".to_owned(),
        key: name.to_owned(),
        expect: Expect::Any,
        record: Some(Record {
            kind: "last".to_owned(),
            key: name.to_owned(),
            version: number,
            expires_at: None,
            owner: Some(id(name)),
            body: String::new(),
        }),
    });
    assert_eq!(
        store.commit(&changes).unwrap(),
        tenure_core::store::Commit::Applied
    );
    format!("{name} {number}")
}

#[test]
fn an_open_transaction_of_a_killed_process_is_rolled_back() {
    let place = Place::new();
    let store = place.open();
    start(&store, head("a"));
    let mut process = place.process("kills::a_process_that_is_killed_inside_a_transaction");
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("written")));
    process.kill().unwrap();
    process.wait().unwrap();
    assert_eq!(append(&store, &id("a"), "1").unwrap(), 1);
    assert_eq!(store.load(&id("b"), History::None).unwrap(), None);
}

#[test]
#[ignore = "a process of another test"]
fn a_process_that_is_killed_inside_a_transaction() {
    let store = SqliteStore::open(&given_path(), SqliteOptions::default()).unwrap();
    store
        .transaction(|store| {
            append(store, &id("a"), "1").unwrap();
            start(store, head("b"));
            println!("written");
            thread::sleep(Duration::from_secs(60));
        })
        .unwrap();
}
