//! A killed writer loses no acknowledged write, and leaves no partial write.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::process::Child;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::common::{
    Place, apply, changes_after, event, given_path, head, id, list, open, put_change, record,
    scaled, set,
};
use tenure_core::store::{Expect, SessionChange};
use tenure_core::{Changes, History, SyncStore};

const WRITERS: usize = 3;

#[test]
fn killed_writers_lose_no_acknowledged_write() {
    let mut random = fastrand::Rng::with_seed(0x7465_6e75);
    let mut place = Place::fast();
    let mut most_writers = 0;
    for round in 0..scaled(200) {
        // The number of kills is limited, because each list of a large folder takes long.
        if round % 3 == 0 {
            place = Place::fast();
        }
        let mut writers: Vec<Child> = (0..WRITERS)
            .map(|_| place.process("kills::a_process_that_writes_until_it_is_killed"))
            .collect();
        let (sender, lines) = mpsc::channel();
        for writer in &mut writers {
            let output = BufReader::new(writer.stdout.take().unwrap()).lines();
            let sender = sender.clone();
            thread::spawn(move || {
                for line in output.map_while(Result::ok) {
                    let _ = sender.send(line);
                }
            });
        }
        drop(sender);
        // The time starts with the first acknowledgement. That of each writer would take long: a writer
        // that has just released the lock often takes it again.
        let mut acknowledged = BTreeMap::new();
        assert!(lines.iter().any(|line| note(&mut acknowledged, &line)));
        thread::sleep(Duration::from_micros(random.u64(0..40_000)));
        for writer in &mut writers {
            writer.kill().unwrap();
            writer.wait().unwrap();
        }
        for line in lines {
            note(&mut acknowledged, &line);
        }
        check_writes(&place, &acknowledged);
        let processes = acknowledged
            .keys()
            .filter_map(|name| name.split('-').nth(1));
        most_writers = most_writers.max(processes.collect::<BTreeSet<_>>().len());
    }
    assert!(most_writers > 1, "no two writers have written in one round");
}

/// Adds an acknowledgement that is printed on a line.
fn note(acknowledged: &mut BTreeMap<String, u64>, line: &str) -> bool {
    let Some(kept) = line.strip_prefix("kept ") else {
        return false;
    };
    let (names, number) = kept.rsplit_once(' ').unwrap();
    for name in names.split(' ') {
        acknowledged.insert(name.to_owned(), number.parse().unwrap());
    }
    true
}

/// Checks that every acknowledged write exists and every write is complete, before and after the
/// next write.
fn check_writes(place: &Place, acknowledged: &BTreeMap<String, u64>) {
    let store = place.open();
    for last in [false, true] {
        for (name, &number) in acknowledged {
            let loaded = store.load(&id(name), History::None).unwrap();
            let head = loaded.unwrap_or_else(|| panic!("{name} is lost")).head;
            assert!(head.event_count >= number, "{name} has lost event {number}");
        }
        let page = list(&store);
        assert_eq!(page.problems, []);
        let counts: BTreeMap<&str, u64> = page
            .heads
            .iter()
            .map(|head| (head.id.as_str(), head.event_count))
            .collect();
        for head in &page.heads {
            // Each commit has written a version, an event and a record.
            assert_eq!(head.version, head.event_count);
            let record = store.record("last", head.id.as_str()).unwrap().unwrap();
            assert_eq!(record.version, head.event_count);
            if let Some(name) = head.id.as_str().strip_suffix("-left") {
                assert_eq!(
                    counts.get(&*format!("{name}-right")),
                    Some(&head.event_count)
                );
            }
        }
        // The feed has every event once, in its order.
        let mut fed: BTreeMap<String, u64> = BTreeMap::new();
        for change in changes_after(&store, 0).unwrap() {
            let events = change.events.unwrap();
            let known = fed.insert(change.key, events.last).unwrap_or(0);
            assert_eq!((known + 1, events.first), (events.first, events.last));
        }
        let fed: BTreeMap<&str, u64> = fed
            .iter()
            .map(|(name, last)| (name.as_str(), *last))
            .collect();
        assert_eq!(fed, counts);
        if !last {
            // Completes an unfinished write.
            write(&store, &["after".to_owned()]);
        }
    }
    let gone = std::fs::read_dir(place.at(".tenure/gone"));
    assert_eq!(gone.map_or(0, Iterator::count), 0);
}

#[test]
#[ignore = "a process of another test"]
fn a_process_that_writes_until_it_is_killed() {
    let store = open(&given_path());
    let process = format!("process-{}", std::process::id());
    for turn in 0u64.. {
        let names = match turn % 3 {
            0 => vec![format!("{process}-left"), format!("{process}-right")],
            1 => vec!["shared".to_owned()],
            _ => vec![format!("{process}-{}", turn % 4)],
        };
        let number = write(&store, &names);
        let mut out = std::io::stdout().lock();
        out.write_all(format!("kept {} {number}\n", names.join(" ")).as_bytes())
            .unwrap();
        out.flush().unwrap();
    }
}

/// Appends an event to each of these sessions, or starts it, in one commit. Returns the numbers of
/// events.
fn write(store: &tenure_file::FileStore, names: &[String]) -> u64 {
    store
        .transaction(|store| {
            let mut changes = Changes::default();
            let mut number = 0;
            for name in names {
                let change = add_event(store, name);
                number = change.1;
                changes.sessions.push(change.0);
                changes
                    .records
                    .push(set(record("last", name, Some(name), number)));
            }
            apply(store, &changes);
            number
        })
        .unwrap()
}

fn add_event(store: &dyn SyncStore, name: &str) -> (SessionChange, u64) {
    let loaded = store.load(&id(name), History::None).unwrap();
    let mut head = loaded.map_or_else(|| head(name), |loaded| loaded.head);
    let expect = match head.event_count {
        0 => Expect::Absent,
        version => Expect::Version { version },
    };
    head.event_count += 1;
    head.version = head.event_count;
    let number = head.event_count;
    let data = format!("\"{}\"", "x".repeat(fastrand::usize(0..300)));
    (put_change(head, expect, vec![event(number, &data)]), number)
}
