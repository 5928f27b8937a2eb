//! Connections that are cut at any moment of a commit: what is acknowledged is stored, and nothing is stored
//! twice.

use std::sync::Arc;
use std::time::Duration;

use tenure_core::store::feed::FeedQuery;
use tenure_core::store::{Expect, Read, RecordChange, SessionWrite};
use tenure_core::stored::record::Record;
use tenure_core::{Changes, Commit, History, Store};
use tenure_postgres::{Address, PostgresOptions, PostgresStore};
use tenure_store_support::{event, head, id, put, put_change};
use tokio::time::timeout;

use crate::common::{Schema, block_on, client, next_head, server_port};
use crate::proxy::{Direction, Proxy};

async fn open(schema: &Schema, proxy: &Proxy) -> PostgresStore {
    let url = format!(
        "postgres://postgres@127.0.0.1:{}/postgres?schema={}&pool_max=1",
        proxy.port, schema.0
    );
    let address = Address::parse(&url).unwrap();
    PostgresStore::open(&address, &PostgresOptions::default())
        .await
        .unwrap()
}

fn record(kind: &str, key: &str, version: u64) -> Record {
    Record {
        kind: kind.to_owned(),
        key: key.to_owned(),
        version,
        expires_at: None,
        owner: None,
        body: "{}".to_owned(),
    }
}

/// A kind of commit. The version is that of what it replaces.
type Make = fn(version: u64) -> Changes;

/// Appends an event: one statement.
fn append(version: u64) -> Changes {
    let mut next = head("s");
    next.version = version + 1;
    next.event_count = version;
    put(
        next,
        Expect::Version { version },
        vec![event(version, "{}")],
    )
}

/// Appends an event and creates a record: a transaction.
fn append_once(version: u64) -> Changes {
    let mut changes = append(version);
    let key = format!("key {version}");
    changes
        .records
        .push(RecordChange::put(Expect::Absent, record("key", &key, 1)));
    changes
}

/// Appends an event, whatever version is there: what was applied could be applied again.
fn append_to_any(version: u64) -> Changes {
    let mut changes = append(version);
    changes.sessions[0].expect = Expect::Any;
    changes
}

/// Replaces the history and removes another session that may not be there.
fn replace(version: u64) -> Changes {
    let mut next = head("s");
    next.version = version + 1;
    next.event_count = version;
    let events = (1..=version)
        .map(|sequence| event(sequence, "{}"))
        .collect();
    let mut change = put_change(next, Expect::Version { version }, events);
    if let SessionWrite::Put {
        replace_history, ..
    } = &mut change.write
    {
        *replace_history = true;
    }
    let mut changes = Changes::default();
    changes.sessions.push(change);
    changes
}

/// Writes a record of which the feed says nothing.
fn overwrite(version: u64) -> Changes {
    let mut changes = append(version);
    changes.records.push(RecordChange::put(
        Expect::Any,
        record("other", "k", version),
    ));
    changes
}

const KINDS: [(&str, Make); 5] = [
    ("append", append),
    ("append once", append_once),
    ("append to any", append_to_any),
    ("replace", replace),
    ("overwrite", overwrite),
];

/// Checks that exactly these commits were applied.
async fn is_stored(store: &PostgresStore, commits: u64, what: &str) {
    let loaded = store.load(&id("s"), History::All).await.unwrap().unwrap();
    assert_eq!(loaded.head.version, commits, "{what}");
    assert_eq!(loaded.events.len() as u64, commits - 1, "{what}");
    let after = FeedQuery {
        after: None,
        limit: 1,
    };
    let feed = store.feed(&after).await.unwrap();
    assert_eq!(feed.newest, commits, "{what}");
}

#[test]
fn a_commit_whose_connection_is_cut_at_any_byte_is_applied_once() {
    block_on(async {
        let proxy = Proxy::new(server_port()).await;
        for (name, make) in KINDS {
            let schema = Schema::new();
            let store = open(&schema, &proxy).await;
            let created = store
                .commit(&put(head("s"), Expect::Absent, Vec::new()))
                .await;
            assert_eq!(created, Ok(Commit::Applied));
            let mut version = 1;
            // Prepared statements are sent in another form, and are prepared when they are sent the second time.
            let mut sizes = (0, 0);
            for _ in 0..3 {
                let before = proxy.bytes();
                assert_eq!(store.commit(&make(version)).await, Ok(Commit::Applied));
                version += 1;
                let after = proxy.bytes();
                sizes = (
                    sizes.0.max(after.0 - before.0),
                    sizes.1.max(after.1 - before.1),
                );
            }
            for (direction, size) in [
                (Direction::ToServer, sizes.0),
                (Direction::ToClient, sizes.1),
            ] {
                let step = (size / u64::from(tenure_store_support::scaled(100))).max(1);
                for bytes in (0..size).step_by(usize::try_from(step).unwrap()) {
                    let what = format!("{name}, {direction:?} after {bytes} of {size} bytes");
                    proxy.cut_after(direction, bytes);
                    assert_eq!(
                        store.commit(&make(version)).await,
                        Ok(Commit::Applied),
                        "{what}"
                    );
                    version += 1;
                    proxy.pass();
                    is_stored(&store, version, &what).await;
                }
            }
        }
    });
}

#[test]
fn a_read_whose_connection_is_cut_is_repeated() {
    block_on(async {
        let proxy = Proxy::new(server_port()).await;
        let store = open(&Schema::new(), &proxy).await;
        let created = put(head("s"), Expect::Absent, Vec::new());
        store.commit(&created).await.unwrap();
        for direction in [Direction::ToServer, Direction::ToClient] {
            for bytes in [0, 1, 100] {
                proxy.cut_after(direction, bytes);
                let loaded = store.load(&id("s"), History::All).await.unwrap();
                assert!(loaded.is_some(), "{direction:?} after {bytes}");
            }
        }
    });
}

#[test]
fn a_commit_that_is_never_answered_is_unknown_and_a_read_unavailable() {
    block_on(async {
        let proxy = Proxy::new(server_port()).await;
        let schema = Schema::new();
        let direct = schema.open().await.unwrap();
        let url = format!(
            "postgres://postgres@127.0.0.1:{}/postgres?schema={}",
            proxy.port, schema.0
        );
        let options = PostgresOptions {
            timeout_ms: Some(2000),
            pool_max: Some(1),
            ..PostgresOptions::default()
        };
        let address = Address::parse(&url).unwrap();
        let store = PostgresStore::open(&address, &options).await.unwrap();
        proxy.hold_replies();
        let created = store
            .commit(&put(head("s"), Expect::Absent, Vec::new()))
            .await;
        assert_eq!(created.unwrap_err().code(), "OUTCOME_UNKNOWN");
        let loaded = store.load(&id("s"), History::None).await;
        assert_eq!(loaded.unwrap_err().code(), "STORE_UNAVAILABLE");
        // The server has got it.
        assert!(
            direct
                .load(&id("s"), History::None)
                .await
                .unwrap()
                .is_some()
        );
    });
}

#[test]
fn a_commit_that_waits_for_too_long_is_canceled() {
    block_on(async {
        let schema = Schema::new();
        let direct = schema.open().await.unwrap();
        direct
            .commit(&put(head("s"), Expect::Absent, Vec::new()))
            .await
            .unwrap();
        let address = Address::parse(&schema.url_with("&timeout_ms=2000")).unwrap();
        let store = PostgresStore::open(&address, &PostgresOptions::default())
            .await
            .unwrap();
        let other = crate::common::client().await;
        let lock = format!("BEGIN; SELECT 1 FROM {}.sessions FOR UPDATE", schema.0);
        other.batch_execute(&lock).await.unwrap();
        let error = store.commit(&append(1)).await.unwrap_err();
        assert_eq!(error.code(), "STORE_UNAVAILABLE", "{error}");
        other.batch_execute("COMMIT").await.unwrap();
        let loaded = direct.load(&id("s"), History::None).await.unwrap().unwrap();
        assert_eq!(loaded.head.version, 1);
        assert_eq!(store.commit(&append(1)).await, Ok(Commit::Applied));
    });
}

#[test]
fn a_connection_on_which_something_was_canceled_is_not_used_again() {
    block_on(async {
        let schema = Schema::new();
        schema.open().await.unwrap();
        let proxy = Proxy::new(server_port()).await;
        let url = format!(
            "postgres://postgres@127.0.0.1:{}/postgres?schema={}&pool_max=1&statement_timeout_ms=300",
            proxy.port, schema.0
        );
        let address = Address::parse(&url).unwrap();
        let store = PostgresStore::open(&address, &PostgresOptions::default())
            .await
            .unwrap();
        assert_eq!(store.load(&id("s"), History::None).await, Ok(None));
        assert_eq!(store.pool_status().idle, 1);
        // The reply is on its way when the statement is canceled. That would end the next statement.
        proxy.delay(Duration::from_millis(700));
        assert_eq!(store.load(&id("s"), History::None).await, Ok(None));
        assert_eq!(store.pool_status().idle, 0, "{:?}", store.pool_status());
    });
}

#[test]
fn a_call_that_was_abandoned_holds_up_no_other() {
    block_on(async {
        let schema = Schema::new();
        let address = Address::parse(&schema.url_with("&pool_max=1")).unwrap();
        let store = PostgresStore::open(&address, &PostgresOptions::default())
            .await
            .unwrap();
        let start = put(head("s"), Expect::Absent, Vec::new());
        assert_eq!(store.commit(&start).await, Ok(Commit::Applied));
        // Another transaction has the row until the end of the test.
        let other = client().await;
        let lock = format!(
            "BEGIN; SELECT 1 FROM {}.sessions WHERE id = 's' FOR UPDATE",
            schema.0
        );
        other.batch_execute(&lock).await.unwrap();
        let (next, expect) = next_head(&store, "s", History::None).await;
        let changes = put(next, expect, vec![event(1, "{}")]);
        let abandoned = timeout(Duration::from_millis(300), store.commit(&changes)).await;
        assert!(abandoned.is_err());
        // It does not wait for the row.
        let found = timeout(Duration::from_secs(5), store.load(&id("s"), History::None)).await;
        assert!(found.unwrap().unwrap().is_some());
        drop(other);
    });
}

#[test]
fn each_call_is_one_round_trip() {
    block_on(async {
        // What is sent at once may come in parts while the machine is busy.
        let proxy = Proxy::holding(server_port(), Duration::from_millis(100)).await;
        let store = open(&Schema::new(), &proxy).await;
        let created = put(head("s"), Expect::Absent, Vec::new());
        store.commit(&created).await.unwrap();
        let mut version = 1;
        // Also while statements are being prepared.
        for (name, make) in KINDS {
            for time in 1..=3 {
                let before = proxy.round_trips();
                assert_eq!(store.commit(&make(version)).await, Ok(Commit::Applied));
                version += 1;
                assert_eq!(proxy.round_trips() - before, 1, "{name}, time {time}");
            }
        }
        let before = proxy.round_trips();
        let reads = [
            Read::head(&id("s")),
            Read::record("key", "k"),
            Read::Session {
                id: id("s"),
                history: History::All,
            },
            Read::head(&id("t")),
        ];
        store.read(&reads).await.unwrap();
        assert_eq!(proxy.round_trips() - before, 1, "several reads");
        let before = proxy.round_trips();
        let committed = store.commit(&append(1)).await;
        assert!(matches!(committed, Ok(Commit::SessionConflict { .. })));
        assert_eq!(proxy.round_trips() - before, 2, "a conflict");
    });
}

#[test]
fn a_reader_that_waits_for_changes_does_not_ask_for_them() {
    block_on(async {
        let proxy = Proxy::new(server_port()).await;
        let schema = Schema::new();
        let (reader, writer) = (open(&schema, &proxy).await, schema.open().await.unwrap());
        let mut query = FeedQuery {
            after: Some(0),
            limit: 10,
        };
        // It listens from the first time that it finds nothing.
        let mut asked = 0;
        while asked < 20 {
            let before = proxy.bytes();
            assert_eq!(reader.feed(&query).await.unwrap().changes, []);
            asked = if proxy.bytes() == before {
                asked + 1
            } else {
                0
            };
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        for name in ["a", "b"] {
            writer
                .commit(&put(head(name), Expect::Absent, Vec::new()))
                .await
                .unwrap();
            let change = loop {
                if let Some(change) = reader.feed(&query).await.unwrap().changes.pop() {
                    break change;
                }
                tokio::task::yield_now().await;
            };
            assert_eq!(change.key, name);
            query.after = Some(change.position);
            // A connection that is lost is opened again.
            crate::common::execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'",
            )
            .await;
        }
    });
}

#[test]
fn a_commit_is_applied_once_also_if_the_feed_has_forgotten_it() {
    block_on(async {
        let proxy = Proxy::new(server_port()).await;
        let schema = Schema::new();
        let url = format!(
            "postgres://postgres@127.0.0.1:{}/postgres?schema={}&pool_max=1&timeout_ms=60000\
             &connection_timeout_ms=60000",
            proxy.port, schema.0
        );
        let address = Address::parse(&url).unwrap();
        let opened = PostgresStore::open(&address, &PostgresOptions::default()).await;
        let store = Arc::new(opened.unwrap());
        let options = PostgresOptions {
            keep_changes: Some(1),
            ..PostgresOptions::default()
        };
        let other = PostgresStore::open(&schema.address(), &options)
            .await
            .unwrap();
        let created = store
            .commit(&put(head("s"), Expect::Absent, Vec::new()))
            .await;
        assert_eq!(created, Ok(Commit::Applied));
        // All replies have arrived.
        store.load(&id("s"), History::None).await.unwrap();
        // The server applies the next commit. Its reply is lost, and no further connection is accepted.
        proxy.cut_after(Direction::ToClient, 0);
        proxy.refuse(true);
        let writing = Arc::clone(&store);
        let written = tokio::spawn(async move { writing.commit(&append_to_any(1)).await });
        let version = || async {
            let loaded = other.load(&id("s"), History::None).await.unwrap();
            loaded.unwrap().head.version
        };
        while version().await < 2 {
            tokio::task::yield_now().await;
        }
        // Others write, and read, until nothing of it is in the feed.
        for number in 0..300 {
            let name = format!("other{number}");
            other
                .commit(&put(head(&name), Expect::Absent, Vec::new()))
                .await
                .unwrap();
        }
        let feed = FeedQuery {
            after: Some(0),
            limit: 1000,
        };
        assert!(other.feed(&feed).await.unwrap().kept_after > 2);
        let removed = other.commit(&tenure_store_support::remove("s")).await;
        assert_eq!(removed, Ok(Commit::Applied));
        proxy.refuse(false);
        assert_eq!(written.await.unwrap(), Ok(Commit::Applied));
        assert_eq!(other.load(&id("s"), History::None).await, Ok(None));
    });
}
