//! A file whose bytes were damaged, and a log that was cut: what is unreadable is reported with the name of
//! the file, what is left is right, and nothing panics or hangs.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use crate::common::{Place, append, head, history, id, list_of, scaled, start, steps};
use tenure_core::store::Scan;
use tenure_core::store::feed::FeedQuery;
use tenure_core::store::filter::Filter;
use tenure_core::store::tally::Aggregate;
use tenure_core::{Error, History, Result, SyncStore};
use tenure_sqlite::{SqliteOptions, SqliteStore};

/// Where the pages of SQLite begin and end.
const PAGE: usize = 4096;

/// A file with sessions, whose log is copied into it.
fn filled(place: &Place) -> PathBuf {
    let store = place.open();
    for number in 0..40 {
        let name = format!("s{number}");
        start(&store, head(&name));
        for event in 0..20 {
            append(
                &store,
                &id(&name),
                &format!(r#"{{"n":{event},"text":"{}"}}"#, "x".repeat(200)),
            )
            .unwrap();
        }
    }
    store.close();
    place.file()
}

/// Checks that an error says which file is damaged, or which session.
#[track_caller]
fn check_error(error: &Error, file: &Path) {
    let codes = [
        "STORE_UNAVAILABLE",
        "STORE_FAILED",
        "CORRUPT_SESSION",
        "STORE_MISBEHAVED",
        "SCHEMA_TOO_NEW",
    ];
    assert!(codes.contains(&error.code()), "{error}");
    let names_file = error.to_string().contains(&file.display().to_string());
    assert!(names_file || error.code() != "STORE_UNAVAILABLE", "{error}");
}

/// Reads and writes everything that a store has.
fn use_all(store: &SqliteStore, file: &Path) {
    let check = |result: Result<()>| {
        if let Err(error) = result {
            check_error(&error, file);
        }
    };
    let query = list_of(Filter::default(), 100);
    check(store.list(&query).map(drop));
    check(
        store
            .tally(&Filter::default(), Aggregate::Counts { users: 10 })
            .map(drop),
    );
    let feed = FeedQuery {
        after: Some(0),
        limit: 10_000,
    };
    check(store.feed(&feed).map(drop));
    let scan = Scan {
        kind: "audit".to_owned(),
        after: None,
        limit: 100,
    };
    check(store.scan(&scan).map(drop));
    for number in 0..40 {
        let id = id(&format!("s{number}"));
        check(store.load(&id, History::All).map(drop));
        match store.load(&id, History::None) {
            Ok(Some(_)) => check(append(store, &id, "{}").map(drop)),
            Ok(None) => {}
            Err(error) => check_error(&error, file),
        }
    }
}

#[test]
fn each_of_200_damaged_files_is_reported_or_read() {
    let mut random = fastrand::Rng::with_seed(14);
    let place = Place::new();
    let whole = fs::read(filled(&place)).unwrap();
    for _ in 0..scaled(200) {
        let damaged = Place::new();
        let mut bytes = whole.clone();
        let page = random.usize(0..bytes.len() / PAGE) * PAGE;
        match random.u8(0..3) {
            // A page that was never written.
            0 => bytes[page..page + PAGE].fill(0),
            // Bits that have flipped.
            1 => (0..64).for_each(|_| bytes[page + random.usize(0..PAGE)] ^= random.u8(1..)),
            // A file that ends early.
            _ => bytes.truncate(page),
        }
        fs::write(damaged.file(), &bytes).unwrap();
        match SqliteStore::open(&damaged.file(), SqliteOptions::default()) {
            Ok(store) => use_all(&store, &damaged.file()),
            Err(error) => check_error(&error, &damaged.file()),
        }
    }
}

/// The problems of a damaged file, or the error of opening it or, if its end is missing, of checking it, which
/// names it.
fn found(bytes: &[u8], is_whole: bool) -> Vec<String> {
    let damaged = Place::new();
    fs::write(damaged.file(), bytes).unwrap();
    let opened = SqliteStore::open(&damaged.file(), SqliteOptions::default());
    let checked = opened.and_then(|store| {
        let checked = store.check(false);
        assert!(checked.is_ok() || !is_whole, "{checked:?}");
        checked
    });
    match checked {
        Ok(checked) => {
            let problems = checked.problems.into_iter();
            problems.map(|problem| problem.problem).collect()
        }
        Err(error) => {
            check_error(&error, &damaged.file());
            vec![error.to_string()]
        }
    }
}

#[test]
fn a_check_finds_each_of_50_lost_pages_and_says_what_to_do() {
    let place = Place::new();
    let whole = fs::read(filled(&place)).unwrap();
    assert_eq!(found(&whole, true), [""; 0]);
    let pages = whole.len() / PAGE;
    assert!(pages > 50);
    for page in (0..pages).step_by((100 / scaled(100)) as usize) {
        let mut zeroed = whole.clone();
        zeroed[page * PAGE..(page + 1) * PAGE].fill(0);
        for (damaged, is_whole) in [(&zeroed[..], true), (&whole[..page * PAGE], false)] {
            // A new store is made of an empty file.
            if !damaged.is_empty() {
                let problems = found(damaged, is_whole).join("\n");
                assert!(problems.contains("restore"), "page {page}: {problems}");
                assert!(problems.contains("tenure.db"), "{problems}");
            }
        }
    }
}

#[test]
fn each_of_100_damaged_bytes_of_the_header_is_reported_or_harmless() {
    let place = Place::new();
    let whole = fs::read(filled(&place)).unwrap();
    for at in (0..100).step_by((100 / scaled(100)) as usize) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0xff;
        let damaged = Place::new();
        fs::write(damaged.file(), &bytes).unwrap();
        match SqliteStore::open(&damaged.file(), SqliteOptions::default()) {
            Ok(store) => {
                let checked = store.check(false);
                if checked.is_ok_and(|checked| checked.problems.is_empty()) {
                    assert_eq!(history(&store, "s7").len(), 20, "byte {at}");
                }
                use_all(&store, &damaged.file());
            }
            Err(error) => check_error(&error, &damaged.file()),
        }
    }
}

#[test]
fn each_of_200_cut_or_damaged_logs_holds_the_first_commits() {
    let mut random = fastrand::Rng::with_seed(15);
    let place = Place::new();
    let store = place.open();
    start(&store, head("a"));
    // The session itself is in the database.
    store.close();
    let store = place.open();
    let commits: Vec<String> = (0..60)
        .map(|number| format!(r#"{{"n":{number}}}"#))
        .collect();
    for data in &commits {
        append(&store, &id("a"), data).unwrap();
    }
    let database = fs::read(place.file()).unwrap();
    let log = fs::read(place.file().with_file_name("tenure.db-wal")).unwrap();
    assert!(log.len() > 60 * PAGE, "{}", log.len());
    let mut shortest = usize::MAX;
    for round in 0..scaled(200) {
        let copy = Place::new();
        let mut log = log.clone();
        let at = random.usize(32..log.len());
        match round % 2 {
            0 => log.truncate(at),
            _ => log[at] ^= random.u8(1..),
        }
        fs::write(copy.file(), &database).unwrap();
        fs::write(copy.file().with_file_name("tenure.db-wal"), &log).unwrap();
        let store = copy.open();
        let found = history(&store, "a");
        assert_eq!(found, commits[..found.len()], "cut or damaged at {at}");
        shortest = shortest.min(found.len());
        // It goes on from there.
        append(&store, &id("a"), r#"{"n":"next"}"#).unwrap();
        assert_eq!(history(&store, "a").len(), found.len() + 1);
    }
    assert!(shortest < commits.len());
}

/// What a complete check of a store finds: its own, and the sessions that cannot be read.
fn found_by_reading(store: &SqliteStore) -> Result<Vec<String>> {
    let problems = store.check(false)?.problems.into_iter();
    let mut found: Vec<String> = problems.map(|problem| problem.problem).collect();
    let query = list_of(Filter::default(), 100);
    let page = store.list(&query)?;
    found.extend(page.problems.into_iter().map(|problem| problem.problem));
    for head in page.heads {
        if let Err(error) = store.load(&head.id, History::All) {
            found.push(error.to_string());
        }
    }
    Ok(found)
}

#[test]
fn a_check_finds_each_of_200_logs_that_were_cut_while_they_were_copied() {
    let mut random = fastrand::Rng::with_seed(16);
    let place = Place::new();
    let take = |count: u32| {
        let store = place.open();
        for _ in 0..count {
            steps::take(&store).unwrap();
        }
        store
    };
    take(30).close();
    let before = fs::read(place.file()).unwrap();
    let store = take(60);
    let log = fs::read(place.file().with_file_name("tenure.db-wal")).unwrap();
    store.close();
    let after = fs::read(place.file()).unwrap();
    let mut reported = 0;
    let rounds = scaled(200);
    for _ in 0..rounds {
        // Some pages of the log are in the database, and the end of the log is lost.
        let mut bytes = before.clone();
        bytes.resize(after.len(), 0);
        for page in (0..after.len()).step_by(PAGE) {
            if random.bool() {
                bytes[page..page + PAGE].copy_from_slice(&after[page..page + PAGE]);
            }
        }
        let copy = Place::new();
        fs::write(copy.file(), &bytes).unwrap();
        let log = &log[..random.usize(32..log.len())];
        fs::write(copy.file().with_file_name("tenure.db-wal"), log).unwrap();
        let opened = SqliteStore::open(&copy.file(), SqliteOptions::default());
        let found = opened.and_then(|store| {
            let found = found_by_reading(&store)?;
            if found.is_empty() {
                // Then nothing is wrong.
                steps::check(&store);
            }
            Ok(found)
        });
        match found {
            Ok(found) => reported += u32::from(!found.is_empty()),
            Err(error) => {
                check_error(&error, &copy.file());
                reported += 1;
            }
        }
    }
    assert!(reported > rounds / 2, "{reported} of {rounds}");
}

#[test]
fn a_reader_keeps_its_snapshot_for_2_minutes_while_writers_go_on() {
    let place = Place::new();
    let store = place.open();
    start(&store, head("a"));
    let reader = place.sqlite();
    let count = || {
        let count = reader.query_row("SELECT count(*) FROM events", [], |row| {
            row.get::<_, u32>(0)
        });
        count.unwrap()
    };
    reader.execute_batch("BEGIN").unwrap();
    assert_eq!(count(), 0);
    let data = format!(r#"{{"text":"{}"}}"#, "x".repeat(2000));
    let (appends, held) = (scaled(5000), Duration::from_secs(scaled(120).into()));
    let begun = Instant::now();
    for number in 1..=appends {
        append(&store, &id("a"), &data).unwrap();
        let due = held * number / appends;
        thread::sleep(due.saturating_sub(begun.elapsed()));
    }
    assert_eq!(count(), 0);
    reader.execute_batch("COMMIT").unwrap();
    assert_eq!(count(), appends);
    let log =
        || fs::metadata(place.file().with_file_name("tenure.db-wal")).map_or(0, |log| log.len());
    // Without the reader the log is copied, and written from its beginning again: it grows no more.
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let before = log();
        for _ in 0..200 {
            append(&store, &id("a"), &data).unwrap();
        }
        if log() == before {
            break;
        }
        assert!(Instant::now() < deadline, "{before} {}", log());
        thread::sleep(Duration::from_millis(50));
    }
}
