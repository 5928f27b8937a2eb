//! The feed: every reader gets each change once and in order, through any handle, as far as changes are
//! kept and can be read.

use crate::common::simulated_disk::SimulatedDisk;
use crate::common::{
    Place, append, apply, changes_after, head, id, put, record, remove, scaled, set, start,
};
use fastrand::Rng;
use tenure_core::store::feed::{ChangeKind, FedChange, FeedPage, FeedQuery};
use tenure_core::store::{Expect, RecordChange};
use tenure_core::{Changes, History, SyncStore};
use tenure_file::{FileOptions, FileStore};

const NEWEST: &str = ".tenure/changes/newest.jsonl";
const FULL: &str = ".tenure/changes/1-2.jsonl";

fn keeping(place: &Place, keep_changes: Option<u64>) -> FileStore {
    let options = FileOptions {
        keep_changes,
        ..FileOptions::default()
    };
    FileStore::open(&place.folder(), options).unwrap()
}

fn page(store: &dyn SyncStore, after: Option<u64>, limit: u32) -> FeedPage {
    store.feed(&FeedQuery { after, limit }).unwrap()
}

/// Removals of leases that do not exist: changes of which only the log says something.
fn removals(keys: impl IntoIterator<Item = String>) -> Changes {
    let removal = |key| RecordChange {
        kind: "lease".to_owned(),
        key,
        expect: Expect::Any,
        record: None,
    };
    Changes {
        records: keys.into_iter().map(removal).collect(),
        ..Changes::default()
    }
}

/// A random commit, over a session or two, or with many changes.
fn random_changes(rng: &mut Rng, store: &dyn SyncStore, number: usize) -> Changes {
    let name = ["a", "b", "c"][rng.usize(0..3)];
    let loaded = store.load(&id(name), History::None).unwrap();
    match (rng.u8(0..6), loaded) {
        (0, Some(_)) => remove(name),
        (1, _) => {
            let mut changes = put(head(name), Expect::Any, Vec::new());
            changes.records = vec![set(record("lease", "k", None, number as u64))];
            changes
        }
        (2..4, _) => put(head(name), Expect::Any, Vec::new()),
        _ => removals((0..rng.usize(1..120)).map(|key| format!("{number} {key}"))),
    }
}

#[test]
fn readers_get_each_change_once_in_order_while_two_handles_write() {
    for seed in 0..u64::from(scaled(20)) {
        let mut rng = Rng::with_seed(seed);
        let place = Place::fast();
        let mut writers = [keeping(&place, Some(1000)), keeping(&place, None)];
        let mut readers = [0u64, 0, 0].map(|position| (keeping(&place, None), position));
        let mut all: Vec<(ChangeKind, String)> = Vec::new();
        let mut expired = 0;
        for number in 0..1500 {
            // The first commit sets how many changes are kept.
            if number == 0 || rng.u8(0..4) == 0 {
                let writer = &writers[if number == 0 { 0 } else { rng.usize(0..2) }];
                let changes = random_changes(&mut rng, writer, number);
                apply(writer, &changes);
                let fed = changes.feed().into_iter();
                all.extend(fed.map(|change| (change.kind, change.key)));
            }
            let (reader, position) = rng.choice(readers.iter_mut()).unwrap();
            let found = page(reader, Some(*position), rng.u32(1..200));
            let newest = all.len() as u64;
            assert_eq!(found.newest, newest);
            let kept = newest - found.kept_after;
            assert!(
                kept >= newest.min(1000),
                "{kept} of {newest} changes are kept"
            );
            assert!(kept < 6000, "{kept} changes are kept");
            if found.continues(*position) {
                assert_eq!(found.changes.is_empty(), *position == newest);
                let from = usize::try_from(*position).unwrap();
                for (change, expected) in found.changes.iter().zip(&all[from..]) {
                    *position += 1;
                    assert_eq!(change.position, *position);
                    assert_eq!((change.kind, &change.key), (expected.0, &expected.1));
                }
            } else {
                expired += 1;
                *position = found.newest;
            }
            match rng.u8(0..40) {
                0 => writers[rng.usize(0..2)] = keeping(&place, None),
                1 => *reader = place.open(),
                _ => {}
            }
        }
        assert!(all.len() > 6000, "{} changes", all.len());
        // A reader that was away for the whole time.
        let away = page(&place.open(), Some(0), 1);
        assert!(!away.continues(0));
        assert!(expired < 100);
    }
}

#[test]
fn nothing_is_written_before_the_first_commit() {
    let place = Place::new();
    place.write("a/notes.txt", "of another program");
    let store = place.open();
    assert!(store.capabilities().feed);
    assert_eq!(page(&store, Some(0), 10), FeedPage::default());
    assert_eq!(page(&store, None, 10), FeedPage::default());
    assert!(!place.at(".tenure").exists());
}

#[test]
fn what_other_programs_do_is_not_in_the_feed_and_takes_nothing_out_of_it() {
    let place = Place::new();
    let store = place.open();
    start(&store, head("a"));
    let before = std::fs::read(place.at("a/session.json")).unwrap();
    append(&store, &id("a"), "1").unwrap();
    // The file is as it was before the last commit, and then there is none, as before the first one.
    place.write("a/session.json", &before);
    assert_eq!(page(&place.open(), Some(0), 10).newest, 2);
    std::fs::remove_dir_all(place.at("a")).unwrap();
    for store in [&store, &place.open()] {
        assert_eq!(page(store, Some(0), 10).newest, 2);
    }
    start(&place.open(), head("b"));
    let found = page(&store, Some(2), 10).changes;
    assert_eq!(
        (found.len(), found[0].position, &*found[0].key),
        (1, 3, "b")
    );
}

#[test]
fn a_reader_at_the_end_reads_no_file_and_a_writer_does_not_read_the_log() {
    let sim = SimulatedDisk::new();
    let store = FileStore::over(sim.clone(), FileOptions::default()).unwrap();
    let reader = FileStore::over(sim.clone(), FileOptions::default()).unwrap();
    start(&store, head("a"));
    apply(&store, &removals((0..1000).map(|key| key.to_string())));
    let newest = page(&reader, None, 1).newest;
    let reads = sim.reads_of(NEWEST);
    for _ in 0..10 {
        append(&store, &id("a"), "1").unwrap();
    }
    assert_eq!(sim.reads_of(NEWEST), reads);
    assert_eq!(changes_after(&reader, newest).unwrap().len(), 10);
    let reads = sim.all_reads();
    for _ in 0..10 {
        assert_eq!(page(&reader, Some(newest + 10), 1).newest, newest + 10);
    }
    assert_eq!(sim.all_reads(), reads);
}

/// A store with a log of two segments, and its changes.
fn logged() -> (Place, Vec<FedChange>) {
    let place = Place::fast();
    let store = keeping(&place, None);
    for name in ["a", "b"] {
        start(&store, head(name));
    }
    let store = keeping(&place, Some(2000));
    append(&store, &id("a"), "1").unwrap();
    apply(&store, &removals(["x".to_owned(), "y".to_owned()]));
    append(&store, &id("b"), "1").unwrap();
    let all = changes_after(&store, 0).unwrap();
    assert_eq!(all.len(), 6);
    (place, all)
}

/// Checks that a reader gets all changes after each position, or is refused, and that later changes
/// have later positions. Returns whether it had to.
fn misses_nothing(place: &Place, all: &[FedChange]) -> bool {
    let mut expired = false;
    for round in 0..2 {
        let store = place.open();
        for after in 0..=all.len() {
            match changes_after(&store, after as u64) {
                None => expired = true,
                Some(found) => {
                    assert_eq!(found.len(), all.len() - after + round, "after {after}");
                    for (found, expected) in found.iter().zip(&all[after..]) {
                        assert_eq!(found, expected);
                    }
                }
            }
        }
        if round == 0 {
            let before = page(&store, None, 1).newest;
            apply(&store, &removals(["new".to_owned()]));
            let found = changes_after(&place.open(), before).unwrap();
            assert_eq!(found.len(), 1);
            assert!(found[0].position > all.len() as u64);
        }
    }
    expired
}

#[test]
fn a_damaged_log_ends_a_watch_and_hides_no_change() {
    let (place, all) = logged();
    assert!(!misses_nothing(&place, &all));
    for path in [NEWEST, FULL] {
        let text = std::fs::read(logged().0.at(path)).unwrap();
        for at in (0..text.len()).filter(|at| text[*at] != b' ') {
            let (place, all) = logged();
            let mut damaged = std::fs::read(place.at(path)).unwrap();
            damaged[at] = 0xFF;
            place.write(path, damaged);
            // The header of a full segment is not needed, except for its end.
            let is_needed = path == NEWEST || at >= 127;
            assert_eq!(
                misses_nothing(&place, &all),
                is_needed,
                "byte {at} of {path}"
            );
        }
        let (place, all) = logged();
        std::fs::remove_file(place.at(path)).unwrap();
        assert!(misses_nothing(&place, &all), "without {path}");
    }
}

#[test]
fn a_check_reports_a_damaged_log_and_its_repair_begins_after_it() {
    for path in [NEWEST, FULL] {
        let (place, _) = logged();
        let store = place.open();
        assert_eq!(store.check(false).unwrap(), []);
        let mut damaged = std::fs::read(place.at(path)).unwrap();
        damaged[150] = 0xFF;
        place.write(path, damaged);
        for repair in [false, true] {
            let problems = store.check(repair).unwrap();
            assert_eq!(problems.len(), 1, "{path}");
            assert!(problems[0].problem.contains(path), "{problems:?}");
        }
        assert_eq!(store.check(false).unwrap(), []);
        let found = page(&store, Some(0), 10);
        assert!(!found.continues(0));
        assert!(changes_after(&store, found.kept_after).is_some());
        apply(&store, &removals(["new".to_owned()]));
        assert_eq!(changes_after(&place.open(), found.newest).unwrap().len(), 1);
    }
}

#[test]
fn a_backup_has_the_feed_and_goes_on() {
    let (place, all) = logged();
    let target = place.folder().with_file_name("backup");
    place.open().back_up(&target).unwrap();
    let copy = crate::common::open(&target);
    assert_eq!(changes_after(&copy, 0).unwrap(), all);
    apply(&copy, &remove("b"));
    assert_eq!(changes_after(&copy, 6).unwrap()[0].position, 7);
    assert_eq!(page(&place.open(), None, 1).newest, 6);
}
