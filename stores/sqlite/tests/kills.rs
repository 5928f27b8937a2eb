//! Killed writers lose no acknowledged write, and leave no partial write, while others go on writing.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::process::Child;
use std::sync::mpsc::{self, Receiver};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::common::{
    Place, append, check_integrity, event, given_path, head, id, list_of, put, scaled, start,
};
use tenure_core::store::filter::Filter;
use tenure_core::store::{Expect, RecordChange};
use tenure_core::stored::record::Record;
use tenure_core::{History, SyncStore};
use tenure_sqlite::{Attempt, Durability, SqliteOptions, SqliteStore};

/// The processes that write at the same time.
const WRITERS: usize = 3;
/// The number of kills after which everything is checked, and the next store is begun.
const ROUND: u32 = 20;

#[test]
fn writers_that_are_killed_at_200_moments_lose_no_acknowledged_write_in_normal_durability() {
    kill_writers("kills::a_process_that_writes_until_it_is_killed", 31);
}

#[test]
fn writers_that_are_killed_at_200_moments_lose_no_acknowledged_write_in_full_durability() {
    kill_writers("kills::a_process_that_writes_in_full_durability", 32);
}

/// Kills one of several writers, or all of them, at random moments.
fn kill_writers(name: &str, seed: u64) {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut left = scaled(200);
    while left > 0 {
        let place = Place::new();
        let mut acknowledged = Acknowledged::new();
        let mut writers: Vec<_> = (0..WRITERS).map(|_| Writer::start(&place, name)).collect();
        for _ in 0..ROUND.min(left) {
            // Some writers are killed while they open the store, some before the first checkpoint, and
            // some during one.
            thread::sleep(Duration::from_micros(random.u64(0..80_000)));
            let count = if random.u8(0..5) == 0 { WRITERS } else { 1 };
            let killed: Vec<_> = (0..count)
                .map(|_| writers.swap_remove(random.usize(0..writers.len())).kill())
                .collect();
            for killed in killed {
                merge(&mut acknowledged, killed.acknowledged());
                writers.push(Writer::start(&place, name));
            }
            left -= 1;
        }
        writers[0].wait_for_a_write();
        for writer in writers {
            merge(&mut acknowledged, writer.kill().acknowledged());
        }
        check_writes(&place, &acknowledged);
    }
}

/// The number of the last acknowledged event of each session.
type Acknowledged = BTreeMap<String, u64>;

fn merge(all: &mut Acknowledged, acknowledged: Acknowledged) {
    for (name, number) in acknowledged {
        let last = all.entry(name).or_default();
        *last = number.max(*last);
    }
}

/// A process that writes, and a thread that reads what it has acknowledged.
struct Writer {
    process: Child,
    first: Receiver<()>,
    lines: JoinHandle<Acknowledged>,
}

impl Writer {
    fn start(place: &Place, name: &str) -> Self {
        let mut process = place.process(name);
        let out = process.stdout.take().unwrap();
        let (begun, first) = mpsc::channel();
        let lines = thread::spawn(move || {
            let mut acknowledged = Acknowledged::new();
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                // The harness prints lines, too, and the last one may be cut.
                let Some((name, number)) = line
                    .strip_prefix("kept ")
                    .and_then(|kept| kept.strip_suffix(" ."))
                    .and_then(|kept| kept.split_once(' '))
                else {
                    continue;
                };
                let number = number.parse().unwrap();
                merge(&mut acknowledged, [(name.to_owned(), number)].into());
                let _ = begun.send(());
            }
            acknowledged
        });
        Self {
            process,
            first,
            lines,
        }
    }

    fn wait_for_a_write(&self) {
        self.first.recv().unwrap();
    }

    fn kill(mut self) -> Self {
        self.process.kill().unwrap();
        let ended = self.process.wait().unwrap();
        assert_eq!(
            ended.code(),
            None,
            "a writer has failed before it was killed"
        );
        self
    }

    fn acknowledged(self) -> Acknowledged {
        self.lines.join().unwrap()
    }
}

/// Checks that every acknowledged write exists and every write is complete.
fn check_writes(place: &Place, acknowledged: &Acknowledged) {
    let store = place.open();
    for (name, &number) in acknowledged {
        let loaded = store.load(&id(name), History::None).unwrap();
        let head = loaded.unwrap_or_else(|| panic!("{name} is lost")).head;
        assert!(head.event_count >= number, "{name} has lost event {number}");
    }
    let query = list_of(Filter::default(), 100_000);
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
    assert_eq!(store.recount(false).unwrap(), []);
    // Each commit has made one change.
    assert_eq!(
        count("SELECT max(position) FROM changes"),
        count("SELECT count(*) FROM events")
    );
    assert_eq!(
        count("SELECT max(position) - min(position) + 1 FROM changes"),
        count("SELECT count(*) FROM changes"),
    );
    check_integrity(place);
}

#[test]
#[ignore = "a process of another test"]
fn a_process_that_writes_until_it_is_killed() {
    write_until_killed(Durability::Normal);
}

#[test]
#[ignore = "a process of another test"]
fn a_process_that_writes_in_full_durability() {
    write_until_killed(Durability::Full);
}

fn write_until_killed(durability: Durability) {
    let options = SqliteOptions {
        durability,
        ..SqliteOptions::default()
    };
    let store = SqliteStore::open(&given_path(), options).unwrap();
    let process = std::process::id();
    let (kept, keep) = mpsc::channel();
    for turn in 0u64.. {
        // Of some sessions this is the only writer.
        let name = match turn % 2 {
            0 => format!("process-{process}-{}", turn % 7),
            _ => format!("shared-{}", turn % 3),
        };
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
            out.write_all(format!("kept {kept} .\n").as_bytes())
                .unwrap();
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
