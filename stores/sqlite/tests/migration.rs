//! A migration goes on where a killed one stopped, is made once, and says how far it is.

use std::io::{BufRead, BufReader};
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use crate::common::{
    Place, check_integrity, fill, given_path, head, id, list_of, scaled, start, succeed,
};
use crate::opening::to_first_schema;
use tenure_core::store::Migration;
use tenure_core::store::filter::Filter;
use tenure_core::{Head, Json, SyncStore};
use tenure_sqlite::{SqliteOptions, SqliteStore};

/// A store of the first schema with many sessions, some of which name a model.
fn old_store(sessions: u32) -> Place {
    let place = Place::new();
    place.open().close();
    fill(&place, sessions);
    place
        .sqlite()
        .execute_batch(
            r#"UPDATE sessions SET metadata = '{"model":"m' || (key % 7) || '"}', user_id = 'u' || (key % 50)"#,
        )
        .unwrap();
    to_first_schema(&place);
    place
}

fn version(place: &Place) -> u32 {
    place
        .sqlite()
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .unwrap()
}

/// What the tables hold that a migration must not change.
fn contents(place: &Place) -> Vec<String> {
    let sqlite = place.sqlite();
    let mut select = sqlite
        .prepare(
            "SELECT concat_ws('|', key, id, version, status, mode, user_id, created_at, updated_at,
               iterations, event_count, task, metadata, context) FROM sessions ORDER BY key",
        )
        .unwrap();
    let rows = select.query_map([], |row| row.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}

fn check(place: &Place, before: &[String]) {
    assert!(contents(place) == before, "a session has changed");
    let store = place.open();
    assert_eq!(store.recount(false).unwrap(), []);
    let filter = Filter {
        model: Some("m3".to_owned()),
        ..Filter::default()
    };
    let query = list_of(filter, 100_000);
    let with_model = |n: &usize| n % 7 == 3;
    let expected = (1..=before.len()).filter(with_model).count();
    let page = store.list(&query).unwrap();
    assert_eq!(page.problems, []);
    assert_eq!(page.heads.len(), expected);
    check_integrity(place);
    let sign = place.file().with_file_name("tenure.db-migration");
    assert!(!sign.exists(), "the sign of life is left");
}

#[test]
fn a_migration_that_is_killed_again_and_again_is_finished() {
    let mut random = fastrand::Rng::with_seed(11);
    let place = old_store(scaled(300_000));
    let before = contents(&place);
    let newest = {
        let place = Place::new();
        place.open().close();
        version(&place)
    };
    let mut versions = vec![version(&place)];
    // A step that takes longer than a process lives is never finished, so each lives longer than the last.
    let mut reports = 1;
    while version(&place) < newest {
        let mut process = place.process("migration::a_process_that_migrates");
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let said = lines.filter(|line| line.as_ref().unwrap().contains("step"));
        said.take(reports).for_each(drop);
        thread::sleep(Duration::from_millis(random.u64(0..100)));
        process.kill().unwrap();
        process.wait().unwrap();
        reports += reports.div_ceil(2);
        versions.push(version(&place));
    }
    assert!(versions.is_sorted(), "a finished step stays: {versions:?}");
    let is_between = |version: &u32| (2..newest).contains(version);
    assert!(
        versions.iter().any(is_between),
        "none was killed after the first step: {versions:?}"
    );
    place.open().close();
    assert_eq!(version(&place), newest);
    check(&place, &before);
}

#[test]
#[ignore = "a process of another test"]
fn a_process_that_migrates() {
    let options = SqliteOptions {
        on_migration: Some(|said| println!("step {}", said.step)),
        ..SqliteOptions::default()
    };
    SqliteStore::open(&given_path(), options).unwrap();
}

#[test]
fn processes_that_open_an_old_store_wait_for_the_one_that_migrates() {
    let place = old_store(scaled(100_000));
    let before = contents(&place);
    let processes: Vec<_> = (0..3)
        .map(|_| place.process("migration::a_process_that_hardly_waits"))
        .collect();
    for process in processes {
        succeed(process);
    }
    check(&place, &before);
}

#[test]
#[ignore = "a process of another test"]
fn a_process_that_hardly_waits() {
    let options = SqliteOptions {
        busy_timeout_ms: 1,
        ..SqliteOptions::default()
    };
    SqliteStore::open(&given_path(), options).unwrap();
}

#[test]
fn a_writer_that_gives_no_sign_of_life_is_not_waited_for() {
    let place = old_store(10);
    let sign = place.file().with_file_name("tenure.db-migration");
    // As a migration that was killed leaves it.
    std::fs::write(&sign, "1 1").unwrap();
    let writer = place.sqlite();
    writer.execute_batch("BEGIN IMMEDIATE").unwrap();
    let options = SqliteOptions {
        busy_timeout_ms: 50,
        ..SqliteOptions::default()
    };
    let refused = SqliteStore::open(&place.file(), options).unwrap_err();
    assert_eq!(refused.code(), "STORE_UNAVAILABLE");
    writer.execute_batch("ROLLBACK").unwrap();
    place.open().close();
    assert!(!sign.exists());
}

#[test]
fn a_writer_that_ends_soon_after_the_busy_timeout_is_waited_for() {
    let place = old_store(10);
    let writer = place.sqlite();
    writer.execute_batch("BEGIN IMMEDIATE").unwrap();
    let file = place.file();
    let opening = std::thread::spawn(move || {
        let options = SqliteOptions {
            busy_timeout_ms: 1,
            ..SqliteOptions::default()
        };
        SqliteStore::open(&file, options).map(drop)
    });
    std::thread::sleep(std::time::Duration::from_millis(300));
    writer.execute_batch("ROLLBACK").unwrap();
    assert_eq!(opening.join().unwrap(), Ok(()));
}

/// What a migration has said of itself.
static SAID: Mutex<Vec<Migration>> = Mutex::new(Vec::new());

#[test]
fn a_migration_says_how_far_it_is() {
    let options = || SqliteOptions {
        on_migration: Some(|said| SAID.lock().unwrap().push(said)),
        ..SqliteOptions::default()
    };
    let place = old_store(20_000);
    place.open_with(options()).close();
    let said = std::mem::take(&mut *SAID.lock().unwrap());
    let (last, running) = said.split_last().unwrap();
    assert!(!last.is_running);
    assert!(!running.is_empty());
    assert!(running.iter().all(|said| said.is_running));
    assert!(said.is_sorted_by_key(|said| said.step));
    assert!(said.iter().all(|said| said.steps == version(&place)));
    place.open_with(options()).close();
    assert_eq!(*SAID.lock().unwrap(), [], "there was nothing to migrate");
}

#[cfg(target_os = "linux")]
#[test]
fn a_pipe_in_the_place_of_the_sign_of_life_is_not_opened() {
    let place = old_store(20_000);
    let sign = place.file().with_file_name("tenure.db-migration");
    let made = std::process::Command::new("mkfifo").arg(&sign).status();
    assert!(made.unwrap().success());
    let before = contents(&place);
    place.open().close();
    assert!(sign.exists());
    std::fs::remove_file(&sign).unwrap();
    check(&place, &before);
}

#[test]
fn a_new_store_is_made_in_one_step() {
    let place = Place::new();
    let store = place.open();
    let metadata = Json::parse(r#"{"model":"m"}"#).ok();
    start(
        &store,
        Head {
            metadata,
            ..head("a")
        },
    );
    assert!(
        store
            .load(&id("a"), tenure_core::History::None)
            .unwrap()
            .is_some()
    );
    let sign = place.file().with_file_name("tenure.db-migration");
    assert!(!sign.exists());
}
