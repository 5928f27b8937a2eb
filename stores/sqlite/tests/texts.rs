//! The index of tasks changes no answer, whatever is written and whenever it is turned on and off.

use std::fs;
use std::io::{BufRead, BufReader};
use std::thread;
use std::time::{Duration, Instant};

use crate::common::{
    Place, append, apply, fill, given_path, head, id, list_of, put, put_change, remove, scaled,
    start, time,
};
use fastrand::Rng;
use tenure_core::store::filter::{Direction, Filter, Order, OrderBy, Trash};
use tenure_core::store::tally::Aggregate;
use tenure_core::store::{Expect, ListQuery, SessionChange, SessionWrite};
use tenure_core::{Changes, Head, SyncStore};
use tenure_sqlite::{Checked, SqliteOptions, SqliteStore};

/// Letters that fold in unusual ways, marks of queries and patterns, and letters of several units.
const LETTERS: [&str; 24] = [
    "a",
    "A",
    "b",
    "B",
    "k",
    "K",
    "\u{212a}",
    "s",
    "S",
    "ſ",
    "ß",
    "ẞ",
    "ü",
    "Ü",
    "u\u{308}",
    "i",
    "İ",
    "ı",
    "Σ",
    "ς",
    "👩‍👩‍👧",
    "\"",
    "*",
    "\0",
];
const PARTS: [&str; 8] = ["%", "_", " AND ", "NOT ", "^", "'", "\u{fffd}", "(x)"];

fn indexed() -> SqliteOptions {
    SqliteOptions {
        text_index: Some(true),
        ..SqliteOptions::default()
    }
}

fn text(random: &mut Rng, longest: usize) -> String {
    (0..random.usize(0..=longest))
        .map(|_| match random.u8(0..12) {
            0 => PARTS[random.usize(0..PARTS.len())],
            _ => LETTERS[random.usize(0..LETTERS.len())],
        })
        .collect()
}

fn query(filter: Filter, by: OrderBy, direction: Direction, limit: u32) -> ListQuery {
    ListQuery {
        order: Order { by, direction },
        ..list_of(filter, limit)
    }
}

fn containing(text: &str) -> Filter {
    Filter {
        text: Some(text.to_owned()),
        trash: Trash::Include,
        ..Filter::default()
    }
}

fn found(store: &dyn SyncStore, text: &str) -> Vec<String> {
    let query = query(containing(text), OrderBy::CreatedAt, Direction::Asc, 1000);
    let page = store.list(&query).unwrap();
    assert_eq!(page.problems, []);
    page.heads
        .iter()
        .map(|head| head.id.as_str().to_owned())
        .collect()
}

fn count(store: &dyn SyncStore, text: &str) -> u64 {
    let tally = store
        .tally(&containing(text), Aggregate::Counts { users: 0 })
        .unwrap()
        .unwrap();
    tally.groups().map(|group| group.sums.sessions()).sum()
}

fn problems(store: &SqliteStore, mend: bool) -> Vec<String> {
    let found = store.check_texts(mend).unwrap();
    found.into_iter().map(|found| found.problem).collect()
}

/// How many sessions the index lacks, without those with NUL.
fn lacking(place: &Place) -> i64 {
    let sql = "SELECT (SELECT count(*) FROM sessions
                 WHERE key > (SELECT value FROM settings WHERE name = 'textIndex'))
               + (SELECT count(*) FROM stale_texts LEFT JOIN sessions USING (key)
                 WHERE stale_texts.task IS NOT NULL OR instr(coalesce(sessions.task, ''), char(0)) = 0)";
    place.sqlite().query_row(sql, [], |row| row.get(0)).unwrap()
}

/// Opens a store, and waits until its index has all sessions.
fn open_indexed(place: &Place) -> SqliteStore {
    let store = place.open_with(indexed());
    let end = Instant::now() + Duration::from_secs(60);
    while lacking(place) > 0 {
        assert!(Instant::now() < end, "the index lacks sessions");
        thread::sleep(Duration::from_millis(1));
    }
    store
}

fn random_changes(random: &mut Rng) -> Changes {
    let mut changes = Changes::default();
    for _ in 0..random.u8(1..4) {
        let name = format!("s{}", random.u8(0..30));
        if changes.sessions.iter().any(|change| change.id == id(&name)) {
            continue;
        }
        changes.sessions.push(match random.u8(0..4) {
            0 => SessionChange {
                id: id(&name),
                expect: Expect::Any,
                write: SessionWrite::Delete,
            },
            _ => {
                let head = Head {
                    task: text(random, 12),
                    created_at: time(random.i64(0..5)),
                    deleted_at: (random.u8(0..4) == 0).then(|| time(5)),
                    ..head(&name)
                };
                put_change(head, Expect::Any, Vec::new())
            }
        });
    }
    changes
}

#[test]
fn every_list_and_count_is_the_same_with_and_without_the_index() {
    let mut random = Rng::with_seed(23);
    let (with, without) = (Place::new(), Place::new());
    let plain = without.open();
    let mut store = with.open_with(indexed());
    for step in 0..scaled(4000) {
        let changes = random_changes(&mut random);
        apply(&store, &changes);
        apply(&plain, &changes);
        match random.u8(0..30) {
            // The index gets some sessions and lacks others.
            0..4 => {
                store.close();
                store = with.open_with(indexed());
            }
            4 => {
                store.close();
                store = with.open_with(SqliteOptions {
                    text_index: Some(false),
                    ..SqliteOptions::default()
                });
            }
            5 => assert_eq!(problems(&store, false), [""; 0], "after step {step}"),
            _ => {}
        }
        for _ in 0..3 {
            let filter = Filter {
                trash: [Trash::Exclude, Trash::Only, Trash::Include][random.usize(0..3)],
                user_id: random.bool().then(|| "user".to_owned()),
                ..containing(&text(&mut random, 5))
            };
            let by = [OrderBy::CreatedAt, OrderBy::UpdatedAt][random.usize(0..2)];
            let direction = [Direction::Asc, Direction::Desc][random.usize(0..2)];
            let query = query(filter, by, direction, 20);
            let (page, expected) = (store.list(&query).unwrap(), plain.list(&query).unwrap());
            assert!(page == expected, "after step {step}: {query:?}");
            let (tally, expected) = (
                store
                    .tally(&query.filter, Aggregate::Counts { users: 5 })
                    .unwrap(),
                plain
                    .tally(&query.filter, Aggregate::Counts { users: 5 })
                    .unwrap(),
            );
            assert!(tally == expected, "after step {step}: {query:?}");
        }
    }
}

#[test]
fn a_letter_that_only_the_index_takes_for_another_is_distinguished() {
    let place = Place::new();
    let store = place.open_with(indexed());
    for (name, task) in [
        ("kelvin", "30\u{212a}elvin"),
        ("k", "30kelvin"),
        ("umlaut", "GRÖSSE"),
    ] {
        start(
            &store,
            Head {
                task: task.to_owned(),
                ..head(name)
            },
        );
    }
    store.close();
    let store = open_indexed(&place);
    assert_eq!(found(&store, "30KEL"), ["k"]);
    assert_eq!(found(&store, "30\u{212a}EL"), ["kelvin"]);
    assert_eq!(found(&store, "grÖsse"), ["umlaut"]);
    assert_eq!(found(&store, "größe"), [""; 0]);
    assert_eq!(found(&store, "grösse"), [""; 0]);
}

#[test]
fn the_index_is_a_setting_of_the_file() {
    let place = Place::new();
    let is_on = || {
        let sql = "SELECT count(*) FROM sqlite_schema WHERE name IN
                   ('texts', 'stale_texts', 'indexed_texts', 'texts_of_changed')";
        let found: u32 = place.sqlite().query_row(sql, [], |row| row.get(0)).unwrap();
        assert!(found == 0 || found == 4);
        found > 0
    };
    place.open().close();
    assert!(!is_on(), "it is off at first");
    place.open_with(indexed()).close();
    assert!(is_on());
    place.open().close();
    assert!(is_on(), "other handles leave it as it is");
    place.open_with(indexed()).close();
    let off = SqliteOptions {
        text_index: Some(false),
        ..SqliteOptions::default()
    };
    place.open_with(off.clone()).close();
    assert!(!is_on());
    place.open_with(off).close();
}

#[test]
fn rare_and_frequent_texts_are_found_while_the_index_grows_and_after() {
    let place = Place::new();
    place.open().close();
    fill(&place, 30_000);
    let check = |store: &SqliteStore, number: u64| {
        assert_eq!(found(store, "a thousand").len(), 30);
        assert_eq!(found(store, "number 12345"), ["n12345"]);
        assert_eq!(found(store, "number 123456"), [""; 0]);
        assert_eq!(found(store, "the number").len(), 1000);
        assert_eq!(count(store, "the number"), 30_000 + number);
        assert_eq!(count(store, "a thousand"), 30);
    };
    let store = place.open_with(indexed());
    let mut rounds = 0;
    while lacking(&place) > 0 {
        check(&store, 0);
        rounds += 1;
    }
    assert!(rounds > 0, "the index grew at once");
    check(&store, 0);
    assert_eq!(problems(&store, false), [""; 0]);
    // A store that is open without the option goes on when a list finds that much is missing.
    store.close();
    let store = place.open();
    for number in 0..600 {
        let task = "Check the number of the rest".to_owned();
        start(
            &store,
            Head {
                task,
                ..head(&format!("m{number}"))
            },
        );
    }
    assert_eq!(lacking(&place), 600);
    check(&store, 600);
    let end = Instant::now() + Duration::from_secs(60);
    while lacking(&place) > 0 {
        assert!(Instant::now() < end, "the index lacks sessions");
        thread::sleep(Duration::from_millis(1));
    }
    check(&store, 600);
    assert_eq!(problems(&store, false), [""; 0]);
}

#[test]
fn an_append_does_not_touch_the_index() {
    let place = Place::new();
    let store = place.open_with(indexed());
    start(&store, head("a"));
    store.close();
    open_indexed(&place).close();
    // This handle adds nothing to the index in the background.
    let store = place.open();
    append(&store, &id("a"), "1").unwrap();
    assert_eq!(lacking(&place), 0);
    let changed = Head {
        task: "Another".to_owned(),
        version: 3,
        ..head("a")
    };
    apply(&store, &put(changed, Expect::Present, Vec::new()));
    assert_eq!(lacking(&place), 1);
    for store in [store, open_indexed(&place)] {
        assert_eq!(found(&store, "another"), ["a"]);
        assert_eq!(found(&store, "write"), [""; 0]);
    }
}

#[test]
fn a_damaged_index_is_found_and_replaced() {
    for damage in [
        // A session that changed behind the triggers.
        "DROP TRIGGER texts_of_changed; UPDATE sessions SET task = 'Another' WHERE key = 7",
        "DROP TRIGGER texts_of_removed; DELETE FROM sessions WHERE key = 9",
        "INSERT INTO texts (texts, rowid, task) VALUES ('delete', 7, 'Check the number 7')",
        "DELETE FROM texts_idx",
        "DROP TABLE texts",
        "DROP TABLE stale_texts",
        "DELETE FROM texts_data WHERE id > 10",
        "UPDATE texts_data SET block = zeroblob(length(block)) WHERE id > 10",
        "UPDATE texts_data SET block = x'00' WHERE id = 10",
        "UPDATE settings SET value = value + 100 WHERE name = 'textIndex';
         INSERT INTO sessions (key, id, version, status, mode, created_at, updated_at, iterations,
           max_iterations, event_count, prompt_tokens, completion_tokens, cost_nanos, task, context)
         VALUES (310, 'x', 1, 'active', 'm', 1, 1, 0, 9, 0, 0, 0, 0, 'Beyond', '{}');
         DELETE FROM stale_texts",
    ] {
        let place = Place::new();
        place.open().close();
        fill(&place, 300);
        open_indexed(&place).close();
        let store = place.open();
        assert_eq!(problems(&store, false), [""; 0]);
        place.sqlite().execute_batch(damage).unwrap();
        assert_eq!(problems(&store, false).len(), 1, "{damage}");
        assert_eq!(problems(&store, true).len(), 1, "{damage}");
        assert_eq!(problems(&store, false), [""; 0], "{damage}");
        assert_eq!(lacking(&place), 0, "{damage}");
        let wanted = found(&store, "");
        assert_eq!(found(&store, "number 123"), ["n123"], "{damage}");
        assert_eq!(
            found(&store, "Another").len(),
            usize::from(damage.contains("'Another'"))
        );
        assert!(wanted.len() >= 299);
    }
}

#[test]
fn an_index_that_cannot_be_opened_is_found_replaced_and_removed() {
    for damage in [
        "DELETE FROM texts_config",
        "DROP TABLE texts_config",
        "UPDATE texts_config SET v = 9 WHERE k = 'version'",
        "DROP TABLE texts_data",
        "DROP TABLE texts_idx; DROP TABLE texts_data",
        "PRAGMA writable_schema = ON; DELETE FROM sqlite_schema WHERE name = 'texts'",
        "DELETE FROM settings WHERE name = 'textIndex'",
    ] {
        let is_off = damage.contains("settings");
        let place = Place::new();
        place.open().close();
        fill(&place, 300);
        open_indexed(&place).close();
        place.sqlite().execute_batch(damage).unwrap();
        let other = Place::new();
        fs::copy(place.file(), other.file()).unwrap();

        let store = place.open();
        let checked = store.check(false).unwrap();
        assert_eq!(checked.problems.len(), usize::from(!is_off), "{damage}");
        let repaired = store.check(true).unwrap();
        assert_eq!(repaired.repaired.len(), usize::from(!is_off), "{damage}");
        assert_eq!(store.check(false).unwrap(), Checked::default(), "{damage}");
        assert_eq!(found(&store, "number 123"), ["n123"], "{damage}");
        store.close();

        let off = SqliteOptions {
            text_index: Some(false),
            ..SqliteOptions::default()
        };
        SqliteStore::open(&other.file(), off).unwrap().close();
        let store = open_indexed(&other);
        assert_eq!(store.check(false).unwrap(), Checked::default(), "{damage}");
        assert_eq!(found(&store, "number 123"), ["n123"], "{damage}");
    }
}

#[test]
fn writes_by_hand_are_found() {
    let place = Place::new();
    place.open().close();
    fill(&place, 300);
    let store = open_indexed(&place);
    place
        .sqlite()
        .execute_batch(
            "UPDATE sessions SET task = 'By hand' WHERE key = 5;
             DELETE FROM sessions WHERE key = 300;
             UPDATE sessions SET task = 'By hand again' WHERE key = 5;
             INSERT INTO sessions (id, version, status, mode, created_at, updated_at, iterations,
               max_iterations, event_count, prompt_tokens, completion_tokens, cost_nanos, task, context)
             VALUES ('again', 1, 'active', 'm', 9999, 1, 0, 9, 0, 0, 0, 0, 'By hand too', '{}')",
        )
        .unwrap();
    let check = |store: &SqliteStore| {
        assert_eq!(found(store, "by hand"), ["n5", "again"]);
        assert_eq!(found(store, "number 300"), [""; 0]);
        assert_eq!(problems(store, false), [""; 0]);
    };
    check(&store);
    store.close();
    check(&open_indexed(&place));
}

#[test]
fn one_process_turns_the_index_on_and_off_while_another_writes() {
    let place = Place::new();
    place.open().close();
    fill(&place, 2000);
    let mut process = place.process("texts::a_process_that_changes_texts");
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("writes")));
    for round in 0..scaled(300) {
        let store = place.open_with(SqliteOptions {
            text_index: Some(round % 3 != 2),
            ..SqliteOptions::default()
        });
        assert_eq!(found(&store, "number 1234"), ["n1234"]);
        assert_eq!(problems(&store, false), [""; 0], "in round {round}");
    }
    process.kill().unwrap();
    process.wait().unwrap();
    check_against_a_plain_copy(&place);
}

/// Checks the index, and answers of the store against those of the same sessions without it.
fn check_against_a_plain_copy(place: &Place) {
    let plain = Place::new();
    place
        .sqlite()
        .execute("VACUUM INTO ?", [plain.file().to_str()])
        .unwrap();
    let plain = plain.open_with(SqliteOptions {
        text_index: Some(false),
        ..SqliteOptions::default()
    });
    let store = open_indexed(place);
    assert_eq!(problems(&store, false), [""; 0]);
    let copy = Place::new();
    store.back_up(&copy.file()).unwrap();
    let copy = copy.open();
    assert_eq!(problems(&copy, false), [""; 0]);
    assert_eq!(found(&copy, "number 12"), found(&plain, "number 12"));
    for text in [
        "number 12",
        "task 1",
        "thousand",
        "turn 17",
        "none of them",
        "number",
    ] {
        assert_eq!(found(&store, text), found(&plain, text), "{text}");
        assert_eq!(count(&store, text), count(&plain, text), "{text}");
    }
}

#[test]
#[ignore = "a process of another test"]
fn a_process_that_changes_texts() {
    let store = SqliteStore::open(&given_path(), SqliteOptions::default()).unwrap();
    println!("writes");
    for turn in 0u32.. {
        let name = format!("n{}", fastrand::u32(1..2200));
        let _ = match fastrand::u8(0..3) {
            0 => store.commit(&remove(&name)),
            _ => store.commit(&put(
                Head {
                    task: format!("A task {} of turn {turn}", fastrand::u8(..)),
                    ..head(&name)
                },
                Expect::Any,
                Vec::new(),
            )),
        };
        // Not the one that the other process looks for.
        if name == "n1234" {
            let task = "Check the number 1234".to_owned();
            let kept = Head {
                task,
                ..head(&name)
            };
            apply(&store, &put(kept, Expect::Any, Vec::new()));
        }
        let _ = found(&store, "number 17");
    }
}

#[test]
fn an_index_that_is_killed_while_it_grows_is_finished() {
    let mut random = Rng::with_seed(5);
    let place = Place::new();
    place.open().close();
    fill(&place, 20_000);
    let mut rounds = 0;
    while rounds == 0 || lacking(&place) > 0 {
        let mut process = place.process("texts::a_process_that_indexes");
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap().contains("indexes")));
        thread::sleep(Duration::from_micros(random.u64(0..40_000)));
        process.kill().unwrap();
        process.wait().unwrap();
        rounds += 1;
    }
    assert!(rounds > 2, "it was never killed while it grew");
    check_against_a_plain_copy(&place);
}

#[test]
#[ignore = "a process of another test"]
fn a_process_that_indexes() {
    let _store = SqliteStore::open(&given_path(), indexed()).unwrap();
    println!("indexes");
    thread::sleep(Duration::from_secs(60));
}

#[test]
fn a_check_finds_no_damage_after_another_handle_has_changed_the_index() {
    let mut random = Rng::with_seed(71);
    let place = Place::new();
    let store = open_indexed(&place);
    for round in 0..30 {
        assert_eq!(store.check(false).unwrap(), Checked::default(), "{round}");
        for number in 0..20 {
            let task = text(&mut random, 60);
            let name = format!("s{round}-{number}");
            start(
                &store,
                Head {
                    task,
                    ..head(&name)
                },
            );
        }
        // Its writer thread adds what the index lacks, on another connection.
        drop(open_indexed(&place));
    }
}
