//! A store whose files were removed, moved, replaced or cut accepts no write.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use crate::common::{Place, append, enqueue_append, head, history, id, start};
use tenure_core::store::feed::FeedQuery;
use tenure_core::{Error, History, SyncStore};
use tenure_sqlite::{Checked, SqliteOptions, SqliteStore};

/// Longer than the resolution of the time of modification of a folder.
const LATER: Duration = Duration::from_millis(150);

fn beside(file: &Path, suffix: &str) -> PathBuf {
    let mut path = file.as_os_str().to_owned();
    path.push(suffix);
    path.into()
}

/// The folder of a database, which can be removed.
fn database(place: &Place) -> PathBuf {
    place.file().with_file_name("data").join("tenure.db")
}

fn open(file: &Path) -> SqliteStore {
    SqliteStore::open(file, SqliteOptions::default()).unwrap()
}

/// Removes or replaces files of a database.
type Removal = fn(&Path);

/// Ways in which the files go, each with the name of the missing file in the message.
fn removals() -> [(&'static str, Removal); 6] {
    [
        ("tenure.db ", |file| {
            fs::remove_dir_all(file.parent().unwrap()).unwrap();
        }),
        ("tenure.db ", |file| {
            // The folder is moved, and restored from a copy.
            let folder = file.parent().unwrap();
            let moved = folder.with_file_name("moved");
            fs::rename(folder, &moved).unwrap();
            fs::create_dir(folder).unwrap();
            for name in fs::read_dir(&moved).unwrap() {
                let name = name.unwrap().file_name();
                fs::copy(moved.join(&name), folder.join(&name)).unwrap();
            }
        }),
        ("tenure.db ", |file| fs::remove_file(file).unwrap()),
        ("tenure.db ", |file| {
            let copy = beside(file, ".copy");
            fs::copy(file, &copy).unwrap();
            fs::rename(copy, file).unwrap();
        }),
        ("tenure.db-wal", |file| {
            fs::remove_file(beside(file, "-wal")).unwrap();
        }),
        ("tenure.db-shm", |file| {
            fs::remove_file(beside(file, "-shm")).unwrap();
        }),
    ]
}

fn expect_refusal(error: &Error, missing: &str) {
    assert_eq!(error.code(), "STORE_UNAVAILABLE", "{error}");
    let text = error.to_string();
    assert!(text.contains(missing.trim_end()), "{text}");
    assert!(text.contains("open the store again"), "{text}");
}

#[test]
fn a_write_is_refused_after_each_of_6_removals_and_replacements_of_files() {
    for wait in [Duration::ZERO, LATER] {
        for (missing, remove) in removals() {
            let place = Place::new();
            let file = database(&place);
            let store = open(&file);
            start(&store, head("a"));
            append(&store, &id("a"), "{}").unwrap();
            sleep(wait);
            // The check of this write is trusted by the next one, unless the folder changes.
            assert!(enqueue_append(&store, "a", "{}").recv().unwrap().is_ok());
            append(&store, &id("a"), "{}").unwrap();

            remove(&file);
            for _ in 0..2 {
                expect_refusal(&append(&store, &id("a"), "{}").unwrap_err(), missing);
                let tried = store.try_transaction(|store| append(store, &id("a"), "{}").is_ok());
                if let tenure_sqlite::Attempt::Answered(result) = tried {
                    expect_refusal(&result.unwrap_err(), missing);
                }
                let queued = enqueue_append(&store, "a", "{}").recv().unwrap();
                expect_refusal(&queued.unwrap_err(), missing);
            }
            store.close();

            let store = open(&file);
            if store.load(&id("a"), History::None).unwrap().is_none() {
                start(&store, head("a"));
            }
            append(&store, &id("a"), "{}").unwrap();
        }
    }
}

#[test]
fn a_closed_store_leaves_the_files_that_have_replaced_its_own() {
    let place = Place::new();
    let file = database(&place);
    let old = open(&file);
    start(&old, head("a"));
    fs::remove_dir_all(file.parent().unwrap()).unwrap();
    let new = open(&file);
    start(&new, head("b"));
    old.close();
    append(&new, &id("b"), r#"{"n":1}"#).unwrap();
    let other = open(&file);
    assert_eq!(history(&other, "b"), [r#"{"n":1}"#]);
}

#[test]
fn a_handle_on_a_replaced_log_is_refused_until_the_others_are_closed() {
    let place = Place::new();
    let file = database(&place);
    let store = open(&file);
    start(&store, head("a"));
    fs::remove_file(beside(&file, "-wal")).unwrap();
    let refused = SqliteStore::open(&file, SqliteOptions::default());
    assert_eq!(refused.unwrap_err().code(), "STORE_UNAVAILABLE");
    // The log that has no name any more is copied into the database.
    store.close();
    append(&open(&file), &id("a"), "{}").unwrap();
}

#[cfg(unix)]
#[test]
fn a_database_behind_a_link_is_checked_at_the_link() {
    let place = Place::new();
    let file = database(&place);
    open(&file).close();
    let link = place.file().with_file_name("link.db");
    std::os::unix::fs::symlink(&file, &link).unwrap();
    let store = open(&link);
    start(&store, head("a"));
    sleep(LATER);
    append(&store, &id("a"), "{}").unwrap();
    append(&store, &id("a"), "{}").unwrap();
    fs::remove_file(&link).unwrap();
    let error = append(&store, &id("a"), "{}").unwrap_err();
    expect_refusal(&error, "link.db");
}

#[test]
fn a_write_is_refused_after_the_log_was_cut_and_the_database_stays_whole() {
    for left in [0, 32, 20_000] {
        for length in [1, 20] {
            let place = Place::new();
            let file = database(&place);
            let store = open(&file);
            start(&store, head("a"));
            for _ in 0..20 {
                append(&store, &id("a"), "{}").unwrap();
            }
            let log = fs::File::options()
                .write(true)
                .open(beside(&file, "-wal"))
                .unwrap();
            log.set_len(left).unwrap();
            for _ in 0..length {
                let error = append(&store, &id("a"), "{}").unwrap_err();
                expect_refusal(&error, "tenure.db");
                let error = store.transaction(|_| ()).unwrap_err();
                expect_refusal(&error, "tenure.db");
                let queued = enqueue_append(&store, "a", "{}").recv().unwrap();
                expect_refusal(&queued.unwrap_err(), "tenure.db");
                // A watch does not wait for changes that never come.
                let query = FeedQuery {
                    after: Some(1),
                    limit: 10,
                };
                expect_refusal(&store.feed(&query).unwrap_err(), "tenure.db");
            }
            store.close();
            // What is left of the log is read.
            let store = open(&file);
            if store.load(&id("a"), History::None).unwrap().is_none() {
                start(&store, head("a"));
            }
            let found = history(&store, "a").len();
            assert!(found < 20, "{found}");
            append(&store, &id("a"), "{}").unwrap();
            assert_eq!(store.check(false).unwrap(), Checked::default());
        }
    }
}
