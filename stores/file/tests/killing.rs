//! Writers that are killed at any moment have lost nothing that they had acknowledged, and left
//! nothing half-written.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::process::Child;
use std::thread;
use std::time::Duration;

use crate::common::{
    Place, apply, event, given_path, head, id, list, open, put_change, record, scaled, set,
};
use tenure_core::store::{Expect, SessionChange};
use tenure_core::{Changes, History, SyncStore};

const WRITERS: usize = 3;

#[test]
fn killed_writers_lose_nothing_acknowledged() {
    let mut random = fastrand::Rng::with_seed(0x7465_6e75);
    let mut place = Place::fast();
    for round in 0..scaled(200) {
        // A folder that has seen a few deaths, but not so full that each list takes long.
        if round % 3 == 0 {
            place = Place::fast();
        }
        let mut writers: Vec<Child> = (0..WRITERS)
            .map(|_| place.process("killing::a_process_that_writes_until_it_is_killed"))
            .collect();
        let mut outputs: Vec<_> = writers
            .iter_mut()
            .map(|writer| BufReader::new(writer.stdout.take().unwrap()).lines())
            .collect();
        let mut acknowledged = BTreeMap::new();
        // The first acknowledgement of each begins the clock.
        for lines in &mut outputs {
            for line in lines.map_while(Result::ok) {
                if note(&mut acknowledged, &line) {
                    break;
                }
            }
        }
        thread::sleep(Duration::from_micros(random.u64(0..40_000)));
        for writer in &mut writers {
            writer.kill().unwrap();
            writer.wait().unwrap();
        }
        for line in outputs.into_iter().flatten().map_while(Result::ok) {
            note(&mut acknowledged, &line);
        }
        assert!(
            acknowledged.len() > WRITERS,
            "round {round} has written nothing"
        );
        is_whole(&place, &acknowledged);
    }
}

/// Notes what a line of a writer acknowledges, if it does.
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

/// Checks that everything acknowledged is there, and that everything there is whole, before the
/// next write and after it.
fn is_whole(place: &Place, acknowledged: &BTreeMap<String, u64>) {
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
            // Each commit wrote a version, an event and a record together.
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
        if !last {
            // Finishes what was begun.
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

/// Adds an event to each of these sessions, or makes it, in one commit; says how many they have.
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
