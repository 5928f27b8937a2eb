//! Opening a database: the effects, and which files are refused.

use std::fs;
use std::path::Path;
use std::sync::Barrier;
use std::thread;

use crate::common::{Place, append, given_path, head, history, id, start};
#[cfg(unix)]
use crate::common::{permissions, permissions_below, set_permissions};
use tenure_core::store::SyncStore;
use tenure_core::store::filter::Filter;
use tenure_core::store::tally::Aggregate;
use tenure_core::stored::agent::Agent;
use tenure_core::{Error, Head, History, Json, Phase};
#[cfg(unix)]
use tenure_permissions::FileMode;
use tenure_sqlite::{SqliteOptions, SqliteStore};

fn refusal(path: &Path) -> Error {
    let options = SqliteOptions {
        busy_timeout_ms: 50,
        ..SqliteOptions::default()
    };
    SqliteStore::open(path, options).unwrap_err()
}

#[test]
fn a_file_that_is_migrated_by_a_newer_tenure_while_it_is_open_is_not_written() {
    let place = Place::new();
    let store = place.open();
    start(&store, head("a"));
    place
        .sqlite()
        .execute_batch("PRAGMA user_version = 1000")
        .unwrap();
    let error = append(&store, &id("a"), r#"{"n":1}"#).unwrap_err();
    assert_eq!(error.code(), "SCHEMA_TOO_NEW");
    assert_eq!(history(&store, "a"), [""; 0]);
    store.close();
    let version = |sql: &str| {
        let version = place
            .sqlite()
            .query_row(sql, [], |row| row.get::<_, i64>(0));
        version.unwrap()
    };
    assert_eq!(version("PRAGMA user_version"), 1000);
}

#[test]
fn sessions_exist_when_the_file_is_reopened() {
    let place = Place::new();
    let store = place.open();
    assert!(store.capabilities().persistent && store.capabilities().shared);
    start(&store, head("a"));
    append(&store, &id("a"), r#"{"n":1}"#).unwrap();
    store.close();
    let store = place.open();
    append(&store, &id("a"), r#"{"n":2}"#).unwrap();
    assert_eq!(history(&store, "a"), [r#"{"n":1}"#, r#"{"n":2}"#]);
}

#[test]
fn a_brief_handle_leaves_a_short_log_and_copies_a_long_one() {
    let place = Place::new();
    let log = place.file().with_file_name("tenure.db-wal");
    let brief = || {
        place.open_with(SqliteOptions {
            brief: true,
            ..SqliteOptions::default()
        })
    };
    let length = || fs::metadata(&log).map_or(0, |log| log.len());
    start(&brief(), head("a"));
    assert!(length() > 0, "the log is left");
    let (mut longest, mut copied) = (0, 0);
    for round in 1..=200 {
        append(&brief(), &id("a"), r#"{"n":1}"#).unwrap();
        longest = longest.max(length());
        copied += u32::from(length() == 0);
        if round % 50 == 0 {
            assert_eq!(history(&brief(), "a").len(), round);
        }
    }
    assert!(
        copied > 1 && longest < 4 << 20,
        "copied {copied} times, {longest} bytes"
    );
    // A handle that is not brief reads the log, and removes it when it closes.
    let store = place.open();
    assert_eq!(history(&store, "a").len(), 200);
    store.close();
    assert!(!log.exists());
}

#[test]
fn the_folders_of_the_file_are_created() {
    let place = Place::new();
    let file = place
        .file()
        .with_file_name("some")
        .join("where")
        .join("tenure.db");
    SqliteStore::open(&file, SqliteOptions::default()).unwrap();
    assert!(file.exists());
}

#[test]
fn a_path_that_looks_like_a_uri_is_a_path() {
    let place = Place::new();
    let file = place.file().with_file_name("file:x?mode=memory");
    SqliteStore::open(&file, SqliteOptions::default()).unwrap();
    assert!(file.exists());
}

#[test]
fn an_in_memory_database_is_refused() {
    for path in [":memory:", ""] {
        let error = refusal(Path::new(path));
        assert_eq!(error.code(), "UNSUPPORTED_STORE");
        assert!(error.to_string().contains("memory:"), "{error}");
    }
}

#[test]
fn a_newer_schema_is_refused_and_not_modified() {
    let place = Place::new();
    start(&place.open(), head("a"));
    place
        .sqlite()
        .execute_batch("PRAGMA user_version = 1000")
        .unwrap();
    let before = fs::read(place.file()).unwrap();
    let error = refusal(&place.file());
    assert_eq!(error.code(), "SCHEMA_TOO_NEW");
    let found = matches!(
        error.cause(),
        tenure_core::error::Cause::SchemaTooNew { found: 1000, .. }
    );
    assert!(found, "{error:?}");
    assert_eq!(fs::read(place.file()).unwrap(), before);
}

/// Makes of a store one that the first schema has.
pub(crate) fn to_first_schema(place: &Place) {
    place
        .sqlite()
        .execute_batch(
            "DROP TRIGGER counts_of_started;
             DROP TRIGGER counts_of_removed;
             DROP TRIGGER counts_of_moved;
             DROP TRIGGER counts_of_handed_over;
             DROP TRIGGER counts_of_used;
             DROP TABLE counts;
             DROP TABLE counts_of_users;
             DROP TABLE numbers_of_users;
             ALTER TABLE sessions DROP COLUMN approval;
             ALTER TABLE sessions DROP COLUMN approval_requested_at;
             ALTER TABLE sessions DROP COLUMN approval_by;
             ALTER TABLE sessions DROP COLUMN approval_decided_at;
             ALTER TABLE sessions DROP COLUMN result_data;
             UPDATE sessions SET model = NULL;
             DROP TABLE changes;
             DROP TABLE settings;
             CREATE INDEX sessions_of_agents ON sessions (created_at, id)
               WHERE phase IS NOT NULL;
             PRAGMA user_version = 1",
        )
        .unwrap();
}

#[test]
fn sessions_that_an_older_schema_stores_are_read() {
    let place = Place::new();
    let agent = Agent {
        phase: Phase::Approval,
        resume_ready: true,
        ..Agent::default()
    };
    let stored = Head {
        agent: Some(Box::new(agent)),
        metadata: Some(Json::parse(r#"{"model":"opus"}"#).unwrap()),
        ..head("a")
    };
    let unusual = Head {
        metadata: Some(Json::parse(r#"{"model":["opus"],"cost":1e400}"#).unwrap()),
        ..head("b")
    };
    let surrogate = Head {
        metadata: Some(Json::parse(r#"{"model":"\ud800"}"#).unwrap()),
        ..head("c")
    };
    let repeated = Head {
        metadata: Some(
            Json::parse(r#"{"model":"first","model":"opus","n":{"model":"no"}}"#).unwrap(),
        ),
        ..head("d")
    };
    for stored in [&stored, &unusual, &surrogate, &repeated] {
        start(&place.open(), stored.clone());
    }
    to_first_schema(&place);
    let store = place.open();
    for stored in [&stored, &unusual, &surrogate, &repeated] {
        let loaded = store.load(&stored.id, History::None).unwrap();
        assert_eq!(loaded.map(|loaded| loaded.head).as_ref(), Some(stored));
    }
    let tally = store
        .tally(&Filter::default(), Aggregate::Counts { users: 0 })
        .unwrap()
        .unwrap();
    let models: Vec<_> = tally.groups().map(|group| group.shared().model).collect();
    assert_eq!(models, [Some("opus"), None]);
    let counts: Vec<u64> = tally.groups().map(|group| group.sums.sessions()).collect();
    assert_eq!(counts, [2, 2]);
    assert_eq!(store.recount(false).unwrap(), []);
}

#[test]
fn a_file_that_is_no_database_is_refused_and_not_modified() {
    let long = "garbage ".repeat(10_000);
    for garbage in ["no", "hello, this is a text and not a database", &long] {
        let place = Place::new();
        fs::write(place.file(), garbage).unwrap();
        let error = refusal(&place.file());
        assert_eq!(error.code(), "STORE_UNAVAILABLE");
        assert!(
            error.to_string().contains("not a SQLite database"),
            "{error}"
        );
        assert!(error.to_string().contains("tenure.db"), "{error}");
        assert_eq!(fs::read_to_string(place.file()).unwrap(), garbage);
    }
}

#[test]
fn the_database_of_another_application_is_refused_and_not_modified() {
    for theirs in [
        "CREATE TABLE theirs (x)",
        "PRAGMA application_id = 7; CREATE TABLE theirs (x)",
        "PRAGMA application_id = 7",
        "PRAGMA user_version = 3",
    ] {
        let place = Place::new();
        place.sqlite().execute_batch(theirs).unwrap();
        let before = fs::read(place.file()).unwrap();
        let error = refusal(&place.file());
        assert_eq!(error.code(), "STORE_UNAVAILABLE", "{theirs}");
        assert!(error.to_string().contains("another application"), "{error}");
        assert_eq!(fs::read(place.file()).unwrap(), before);
    }
}

#[test]
fn a_path_where_no_file_can_be_created_is_unavailable() {
    let place = Place::new();
    fs::write(place.file(), "").unwrap();
    // A path below a file, and the path of a folder.
    for path in [
        place.file().join("x.db"),
        place.file().parent().unwrap().to_owned(),
    ] {
        assert_eq!(
            refusal(&path).code(),
            "STORE_UNAVAILABLE",
            "{}",
            path.display()
        );
    }
}

#[test]
fn an_empty_file_becomes_a_store() {
    let place = Place::new();
    fs::write(place.file(), "").unwrap();
    start(&place.open(), head("a"));
}

#[test]
fn several_processes_can_create_a_store_at_the_same_time() {
    for round in 0..5 {
        let place = Place::new();
        let threads = 4;
        let together = Barrier::new(threads);
        let mut processes: Vec<_> = (0..2)
            .map(|_| place.process("opening::a_process_that_opens"))
            .collect();
        thread::scope(|scope| {
            for thread in 0..threads {
                let (place, together) = (&place, &together);
                scope.spawn(move || {
                    together.wait();
                    start(&place.open(), head(&format!("session-{round}-{thread}")));
                });
            }
        });
        for process in &mut processes {
            assert!(process.wait().unwrap().success());
        }
        let count = |table: &str| -> u32 {
            let sql = format!("SELECT count(*) FROM {table}");
            place
                .sqlite()
                .query_row(&sql, [], |row| row.get(0))
                .unwrap()
        };
        assert_eq!(count("sessions"), 4 + 2);
    }
}

#[test]
#[ignore = "a process of another test"]
fn a_process_that_opens() {
    let store = SqliteStore::open(&given_path(), SqliteOptions::default()).unwrap();
    start(&store, head(&format!("process-{}", std::process::id())));
}

#[test]
fn the_tables_are_readable_without_tenure() {
    let place = Place::new();
    let store = place.open();
    start(&store, head("a"));
    append(&store, &id("a"), r#"{"n":1}"#).unwrap();
    append(&store, &id("a"), r#"{"n":2}"#).unwrap();
    let sqlite = place.sqlite();
    let session: (String, String, i64) = sqlite
        .query_row(
            "SELECT mode, task, event_count FROM sessions WHERE id = 'a'",
            [],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )
        .unwrap();
    assert_eq!(
        session,
        ("developer".to_owned(), "Write a test".to_owned(), 2)
    );
    let sql = "SELECT sequence, type, data FROM history WHERE session_id = 'a' AND sequence = 2";
    let event: (i64, String, String) = sqlite
        .query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .unwrap();
    assert_eq!(event, (2, "note".to_owned(), r#"{"n":2}"#.to_owned()));
}

#[cfg(unix)]
#[test]
fn new_files_and_folders_are_private_unless_an_option_grants_more() {
    let place = Place::new();
    let root = place.file().with_file_name("");
    for (mode, file, folder) in [(FileMode::PRIVATE, 0o600, 0o700), (shared(), 0o660, 0o770)] {
        let base = root.join(format!("{file:o}"));
        let options = SqliteOptions {
            file_mode: mode,
            ..SqliteOptions::default()
        };
        let store = SqliteStore::open(&base.join("deep/tenure.db"), options).unwrap();
        start(&store, head("a"));
        let made = permissions_below(&base);
        assert_eq!(made, ([folder].into(), [file].into()));
        assert_eq!(fs::read_dir(base.join("deep")).unwrap().count(), 4);
    }
}

#[cfg(unix)]
#[test]
fn an_existing_file_keeps_its_permissions_also_for_the_files_beside_it() {
    let place = Place::new();
    fs::write(place.file(), "").unwrap();
    set_permissions(&place.file(), 0o640);
    let folder = place.file().with_file_name("");
    set_permissions(&folder, 0o755);
    for name in ["a", "b"] {
        let store = place.open();
        start(&store, head(name));
        assert_eq!(permissions_below(&folder), ([].into(), [0o640].into()));
        store.close();
    }
    assert_eq!(permissions(&folder), 0o755);
}

#[cfg(unix)]
fn shared() -> FileMode {
    FileMode::new(0o660).unwrap()
}
