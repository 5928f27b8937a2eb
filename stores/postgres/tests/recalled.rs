//! What a handle remembers saves round trips, and never decides: an operation that it would mislead reads again. All
//! requests of a call end together.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use tenure_core::store::{Begun, Expect, Read, SessionChange, SessionWrite};
use tenure_core::{Changes, Commit, Head, History, Status, Store};
use tenure_postgres::{Address, PostgresOptions, PostgresStore};
use tenure_store_support::{id, put, scaled};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::common::{Schema, block_on, client, execute, operate, query, server_port};
use crate::proxy::Proxy;

async fn through(proxy: &Proxy, schema: &Schema, parameters: &str) -> PostgresStore {
    let url = format!(
        "postgres://postgres@127.0.0.1:{}/postgres?schema={}&pool_max=1{parameters}",
        proxy.port, schema.0
    );
    let address = Address::parse(&url).unwrap();
    PostgresStore::open(&address, &PostgresOptions::default())
        .await
        .unwrap()
}

async fn succeed(store: &PostgresStore, name: &str, params: &str) -> String {
    let reply = operate(store, name, 2_000, params).await;
    reply.unwrap().as_str().to_owned()
}

const START: &str = r#"{"id":"s","task":"t","mode":"m"}"#;
const APPEND: &str = r#"{"id":"s","type":"note","data":{}}"#;

#[test]
fn an_operation_on_a_session_that_was_written_before_is_one_round_trip() {
    block_on(async {
        let proxy = Proxy::holding(server_port(), Duration::from_millis(30)).await;
        let store = through(&proxy, &Schema::new(), "").await;
        let trips = |before: u64| proxy.round_trips() - before;
        let before = proxy.round_trips();
        succeed(&store, "start", START).await;
        assert_eq!(trips(before), 1, "a start");
        for (name, params, expected) in [
            ("addEvent", APPEND, 1),
            // Whether a runner has a lease of it is read once.
            ("incrementIteration", r#"{"id":"s","data":{"a":1}}"#, 2),
            ("incrementIteration", r#"{"id":"s","data":{"a":1}}"#, 1),
            (
                "addEvent",
                r#"{"id":"s","type":"note","idempotencyKey":"k"}"#,
                1,
            ),
            ("pause", r#"{"id":"s","reason":"r"}"#, 1),
            ("resume", r#"{"id":"s"}"#, 1),
            ("addEvent", APPEND, 1),
            // The key is there already: the commit is refused, its reason is found out, both are read, and the head
            // once more after the key.
            (
                "addEvent",
                r#"{"id":"s","type":"note","idempotencyKey":"k"}"#,
                4,
            ),
            ("get", r#"{"id":"s","history":1}"#, 1),
        ] {
            let before = proxy.round_trips();
            succeed(&store, name, params).await;
            assert_eq!(trips(before), expected, "{name} {params}");
        }
    });
}

#[test]
fn what_others_have_changed_is_read_again() {
    block_on(async {
        let schema = Schema::new();
        let (one, other) = (schema.open().await.unwrap(), schema.open().await.unwrap());
        succeed(&one, "start", START).await;
        succeed(&other, "addEvent", APPEND).await;
        let appended = succeed(&one, "addEvent", APPEND).await;
        assert!(appended.contains(r#""firstSequence":3"#), "{appended}");
        succeed(&other, "complete", r#"{"id":"s","result":"r"}"#).await;
        // An error that would follow from what is remembered is none if others have changed that.
        let error = operate(&one, "pause", 2_000, r#"{"id":"s"}"#).await;
        assert_eq!(error.unwrap_err().code(), "INVALID_TRANSITION");
        succeed(&other, "delete", r#"{"id":"s"}"#).await;
        let error = operate(&one, "addEvent", 2_000, APPEND).await;
        assert_eq!(error.unwrap_err().code(), "SESSION_NOT_FOUND");
    });
}

/// Removes a session, and writes another one in its place whose version, times and number of events are the same, as
/// an import of an older copy may.
async fn replace(store: &PostgresStore, name: &str, task: &str) {
    let loaded = store.load(&id(name), History::All).await.unwrap().unwrap();
    let expect = Expect::Version {
        version: loaded.head.version,
    };
    let removed = Changes {
        sessions: vec![SessionChange {
            id: id(name),
            expect,
            write: SessionWrite::Delete,
        }],
        ..Changes::default()
    };
    assert_eq!(store.commit(&removed).await, Ok(Commit::Applied));
    let other = Head {
        task: task.to_owned(),
        ..loaded.head
    };
    let put = put(other, Expect::Absent, loaded.events);
    assert_eq!(store.commit(&put).await, Ok(Commit::Applied));
}

#[test]
fn a_session_that_was_removed_and_written_again_is_not_taken_for_the_remembered_one() {
    block_on(async {
        let schema = Schema::new();
        let other = schema.open().await.unwrap();
        let operations = [
            (&[][..], "addEvent", r#","type":"note","data":{}"#),
            (&[], "addEvent", r#","type":"note","idempotencyKey":"k""#),
            (&[], "incrementIteration", ""),
            (&[], "updateContext", r#","context":{"a":1}"#),
            (&[], "trash", ""),
            (&["trash"], "restore", ""),
            (&[], "pause", r#","reason":"r""#),
            (&["pause"], "resume", ""),
            (&[], "complete", r#","result":"r""#),
        ];
        for (number, (before, operation, more)) in operations.into_iter().enumerate() {
            // A session that others write to is not remembered for a while.
            let one = schema.open().await.unwrap();
            let name = format!("s{number}");
            let params = |more: &str| format!(r#"{{"id":"{name}"{more}}}"#);
            succeed(&one, "start", &params(r#","task":"t","mode":"m""#)).await;
            succeed(&one, "recordUsage", &params(r#","cost":1"#)).await;
            for operation in before {
                succeed(&one, operation, &params("")).await;
            }
            let reads = [
                Read::head(&id(&name)),
                Read::record("lease", &format!("session:{name}")),
            ];
            let memory = one.begin(false).await.unwrap().memory.unwrap();
            assert!(memory.recall(&reads).is_some(), "{operation}");
            replace(&other, &name, "another").await;
            succeed(&one, operation, &params(more)).await;
            let loaded = other
                .load(&id(&name), History::None)
                .await
                .unwrap()
                .unwrap();
            assert_eq!(loaded.head.task, "another", "{operation}");
        }
    });
}

#[test]
fn a_removal_does_not_remove_another_session_with_the_remembered_version() {
    block_on(async {
        let schema = Schema::new();
        let (one, other) = (schema.open().await.unwrap(), schema.open().await.unwrap());
        succeed(&one, "start", START).await;
        let call = one.begin(false).await.unwrap();
        let memory = call.memory.unwrap();
        let reads = [Read::head(&id("s"))];
        let recalled = memory.recall(&reads).unwrap();
        replace(&other, "s", "another").await;
        let version = one.load(&id("s"), History::None).await.unwrap().unwrap();
        let removed = Changes {
            sessions: vec![SessionChange {
                id: id("s"),
                expect: Expect::Version {
                    version: version.head.version,
                },
                write: SessionWrite::Delete,
            }],
            ..Changes::default()
        };
        // It was read in between, so that what is remembered has changed since it was recalled.
        let refused = memory.commit_recalled(&removed, &recalled.origins).await;
        assert!(
            matches!(refused, Ok(Commit::SessionConflict { .. })),
            "{refused:?}"
        );
        let loaded = other.load(&id("s"), History::None).await.unwrap().unwrap();
        assert_eq!(loaded.head.task, "another");
    });
}

#[test]
fn what_is_remembered_of_a_database_that_was_restored_is_not_written() {
    block_on(async {
        let schema = Schema::new();
        let (one, other) = (schema.open().await.unwrap(), schema.open().await.unwrap());
        succeed(&one, "start", START).await;
        let Schema(name) = &schema;
        execute(&format!(
            "CREATE TABLE {name}.sessions_copy AS TABLE {name}.sessions; \
             ALTER TABLE {name}.sessions_copy DROP COLUMN updated_period; \
             CREATE TABLE {name}.events_copy AS TABLE {name}.events"
        ))
        .await;
        let lost = r#"{"id":"s","context":{"lost":1}}"#;
        succeed(&one, "updateContext", lost).await;
        execute(&format!(
            "DELETE FROM {name}.sessions; DELETE FROM {name}.events; \
             INSERT INTO {name}.sessions SELECT * FROM {name}.sessions_copy; \
             INSERT INTO {name}.events SELECT * FROM {name}.events_copy"
        ))
        .await;
        // The same version at the same time, with as many events.
        let kept = r#"{"id":"s","context":{"kept":1}}"#;
        succeed(&other, "updateContext", kept).await;
        succeed(&one, "addEvent", APPEND).await;
        let loaded = other.load(&id("s"), History::None).await.unwrap().unwrap();
        assert_eq!(loaded.head.context.as_str(), r#"{"kept":1}"#);
    });
}

#[test]
fn a_write_that_was_dropped_is_not_remembered_and_not_repeated() {
    block_on(async {
        let (proxy, schema) = (Proxy::new(server_port()).await, Schema::new());
        let store = through(&proxy, &schema, "").await;
        succeed(&store, "start", START).await;
        let mut dropped = 0;
        for number in 0..40 {
            let params = format!(r#"{{"id":"s","type":"note","data":{{"n":{number}}}}}"#);
            // It is dropped before it is sent, while it is performed, or after that.
            proxy.delay(Duration::from_millis(2));
            let time = Duration::from_micros(number * 150);
            let call = operate(&store, "addEvent", 2_000, &params);
            dropped += u32::from(timeout(time, call).await.is_err());
            proxy.delay(Duration::ZERO);
            succeed(&store, "addEvent", &params).await;
        }
        assert!(dropped > 5, "{dropped}");
        let loaded = store.load(&id("s"), History::All).await.unwrap().unwrap();
        let data = loaded.events.iter().map(|event| event.data.as_str());
        let data: Vec<&str> = data.collect();
        for number in 0..40 {
            let count = data
                .iter()
                .filter(|data| **data == format!(r#"{{"n":{number}}}"#));
            assert!((1..=2).contains(&count.count()), "{number}: {data:?}");
        }
    });
}

#[test]
fn calls_of_one_handle_on_several_threads_are_applied_once_while_others_write() {
    const TASKS: u64 = 6;
    let calls = u64::from(scaled(100));
    block_on(async {
        let schema = Schema::new();
        let handles = [schema.open().await.unwrap(), schema.open().await.unwrap()];
        let [one, other] = handles.map(Arc::new);
        succeed(&one, "start", START).await;
        let write = |task: u64| {
            let store = Arc::clone(&one);
            tokio::spawn(async move {
                for call in 0..calls {
                    let number = task * calls + call;
                    let params = format!(
                        r#"{{"id":"s","type":"note","data":{{"n":{number}}},"idempotencyKey":"{number}"}}"#
                    );
                    // A call with a key is repeated now and then.
                    for _ in 0..1 + number % 2 {
                        succeed(&store, "addEvent", &params).await;
                    }
                }
            })
        };
        let writers: Vec<_> = (0..TASKS).map(write).collect();
        let mut updated = 0;
        while !writers.iter().all(JoinHandle::is_finished) {
            updated += 1;
            let params = format!(r#"{{"id":"s","task":"{updated}"}}"#);
            succeed(&other, "update", &params).await;
            sleep(Duration::from_millis(3)).await;
        }
        for writer in writers {
            writer.await.unwrap();
        }
        let loaded = other.load(&id("s"), History::All).await.unwrap().unwrap();
        assert_eq!(loaded.head.task, format!("{updated}"));
        for number in 0..TASKS * calls {
            let data = format!(r#"{{"n":{number}}}"#);
            let count = loaded
                .events
                .iter()
                .filter(|event| event.data.as_str() == data);
            assert_eq!(count.count(), 1, "{number}");
        }
    });
}

/// An operation on one of two sessions, as text.
fn some_operation(rng: &mut Rng, step: u32) -> (&'static str, String) {
    let name = ["a", "b"][rng.usize(0..2)];
    let holder = ["h", "i"][rng.usize(0..2)];
    let token = match rng.u8(0..4) {
        0 => format!(r#","token":{}"#, rng.u8(1..4)),
        _ => String::new(),
    };
    match rng.u8(0..18) {
        0 | 1 => (
            "start",
            format!(
                r#"{{"id":"{name}","task":"t{step}","mode":"m","idempotencyKey":"{}"}}"#,
                rng.u8(0..40)
            ),
        ),
        2 => (
            "start",
            format!(r#"{{"id":"{name}","task":"t","mode":"m","maxIterations":9}}"#),
        ),
        3 => (
            "pause",
            format!(r#"{{"id":"{name}","reason":"{step}"{token}}}"#),
        ),
        4 => ("resume", format!(r#"{{"id":"{name}"{token}}}"#)),
        5 => ("delete", format!(r#"{{"id":"{name}"}}"#)),
        6 => ("trash", format!(r#"{{"id":"{name}"}}"#)),
        7 => ("restore", format!(r#"{{"id":"{name}"}}"#)),
        8 => (
            "fork",
            format!(
                r#"{{"id":"{name}","newId":"{}"}}"#,
                ["a", "b"][rng.usize(0..2)]
            ),
        ),
        9 | 10 => (
            "addEvent",
            format!(
                r#"{{"id":"{name}","type":"note","data":{{"n":{}}},"idempotencyKey":"{}"}}"#,
                rng.u8(0..2),
                rng.u8(0..20)
            ),
        ),
        11 => (
            "updateContext",
            format!(
                r#"{{"id":"{name}","context":{{"n":{step}}},"ifVersion":{}}}"#,
                rng.u8(1..9)
            ),
        ),
        12 => (
            "leaseAcquire",
            format!(
                r#"{{"key":"session:{name}","holder":"{holder}","leaseDurationMs":{}}}"#,
                u32::from(rng.u8(1..9)) * 1000
            ),
        ),
        13 => (
            "leaseRelease",
            format!(
                r#"{{"key":"session:{name}","holder":"{holder}","token":{}}}"#,
                rng.u8(1..4)
            ),
        ),
        14 => ("get", format!(r#"{{"id":"{name}","history":3}}"#)),
        15 => (
            "recordUsage",
            format!(r#"{{"id":"{name}","cost":0.1,"tokens":{{"prompt":{step}}}{token}}}"#),
        ),
        _ => ("incrementIteration", format!(r#"{{"id":"{name}"{token}}}"#)),
    }
}

#[test]
fn handles_that_remember_have_the_results_of_one_that_reads() {
    let mut rng = Rng::with_seed(23);
    block_on(async {
        let (schema, expected) = (Schema::new(), Schema::new());
        let handles = [schema.open().await.unwrap(), schema.open().await.unwrap()];
        let (mut applied, mut codes) = (0, BTreeSet::new());
        for step in 0..scaled(1500) {
            let (operation, params) = some_operation(&mut rng, step);
            // Clocks differ, so that times go back now and then.
            let now = 2_000 + i64::from(step) * 100 - rng.i64(0..500);
            let handle = &handles[rng.usize(0..2)];
            let reply = operate(handle, operation, now, &params).await;
            // A new handle remembers nothing.
            let fresh = expected.open().await.unwrap();
            let wanted = operate(&fresh, operation, now, &params).await;
            applied += u32::from(wanted.is_ok());
            codes.extend(wanted.as_ref().err().map(tenure_core::Error::code));
            assert_eq!(
                reply.map_err(|error| error.to_string()),
                wanted.map_err(|error| error.to_string()),
                "step {step}: {operation} {params}"
            );
        }
        assert!(applied > scaled(500), "{applied} {codes:?}");
        assert!(codes.len() >= 5, "{codes:?}");
    });
}

#[test]
fn a_session_is_not_moved_once_a_runner_holds_it_though_its_row_was_locked_before() {
    block_on(async {
        let schema = Schema::new();
        let (one, other) = (schema.open().await.unwrap(), schema.open().await.unwrap());
        succeed(&one, "start", START).await;
        let Schema(name) = &schema;
        let locker = client().await;
        let lock = format!("BEGIN; SELECT 1 FROM {name}.sessions WHERE id = 's' FOR UPDATE");
        locker.batch_execute(&lock).await.unwrap();
        let waiting = format!(
            "SELECT pid::TEXT FROM pg_stat_activity WHERE wait_event_type = 'Lock' \
             AND query LIKE '%{name}%'"
        );
        let (paused, ()) = tokio::join!(
            operate(&one, "pause", 2_000, r#"{"id":"s","reason":"r"}"#),
            async {
                // The write waits for the row, and then goes on.
                while query(&waiting).await.is_empty() {
                    sleep(Duration::from_millis(5)).await;
                }
                let acquired = succeed(
                    &other,
                    "leaseAcquire",
                    r#"{"key":"session:s","holder":"h","leaseDurationMs":60000}"#,
                )
                .await;
                assert!(acquired.contains(r#""outcome":"acquired""#), "{acquired}");
                let loaded = other.load(&id("s"), History::None).await.unwrap();
                assert_eq!(loaded.unwrap().head.status, Status::Active);
                locker.batch_execute("ROLLBACK").await.unwrap();
            }
        );
        assert_eq!(paused.unwrap_err().code(), "SESSION_HELD");
    });
}

#[test]
fn all_requests_of_a_call_end_together() {
    block_on(async {
        let proxy = Proxy::new(server_port()).await;
        let store = through(&proxy, &Schema::new(), "&timeout_ms=1000").await;
        succeed(&store, "start", START).await;
        let Begun { store: call, .. } = store.begin(false).await.unwrap();
        let call = call.unwrap();
        assert!(call.load(&id("s"), History::None).await.unwrap().is_some());
        sleep(Duration::from_millis(1000)).await;
        let before = proxy.bytes();
        let error = call.load(&id("s"), History::None).await.unwrap_err();
        assert_eq!(error.code(), "STORE_UNAVAILABLE", "{error}");
        assert_eq!(proxy.bytes(), before);
        // The next call has a timeout of its own, and so has each request of one that takes long.
        assert!(store.begin(true).await.unwrap().store.is_none());
        assert!(store.load(&id("s"), History::None).await.unwrap().is_some());
    });
}
