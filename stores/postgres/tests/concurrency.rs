//! Many handles write at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use tenure_core::store::feed::{ChangeKind, FeedQuery};
use tenure_core::store::{Expect, RecordChange};
use tenure_core::stored::record::Record;
use tenure_core::{Changes, Commit, History, Store};
use tenure_postgres::{Address, PostgresOptions, PostgresStore};
use tenure_store_support::{event, head, id, put, put_change, scaled};

use crate::common::{Schema, block_on, execute, next_head, query};

fn feed_after(after: u64) -> FeedQuery {
    FeedQuery {
        after: Some(after),
        limit: 1000,
    }
}

/// Appends an event, as often as others are faster.
async fn append(store: &PostgresStore, name: &str) {
    loop {
        let (next, expect) = next_head(store, name, History::None).await;
        let events = vec![event(next.event_count, "{}")];
        match store.commit(&put(next, expect, events)).await.unwrap() {
            Commit::Applied => return,
            Commit::SessionConflict { current, .. } => assert!(!expect.allows(current)),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn all_appends_of_many_writers_to_one_session_are_stored() {
    let (schema, appends) = (Schema::new(), scaled(200));
    block_on(async {
        let store = schema.open().await.unwrap();
        store
            .commit(&put(head("s"), Expect::Absent, Vec::new()))
            .await
            .unwrap();
        let writers = (0..8).map(|_| {
            let schema = schema.clone();
            tokio::spawn(async move {
                let store = schema.open().await.unwrap();
                for _ in 0..appends {
                    append(&store, "s").await;
                }
            })
        });
        for writer in writers.collect::<Vec<_>>() {
            writer.await.unwrap();
        }
        let loaded = store.load(&id("s"), History::All).await.unwrap().unwrap();
        assert_eq!(loaded.events.len(), 8 * appends as usize);
        // The changes of one session are fed in the order of its history.
        let (mut firsts, mut after) = (Vec::new(), 0);
        loop {
            let feed = store.feed(&feed_after(after)).await.unwrap();
            let Some(last) = feed.changes.last() else {
                break;
            };
            after = last.position;
            let events = feed.changes.iter().filter_map(|change| change.events);
            firsts.extend(events.map(|events| events.first));
        }
        assert_eq!(firsts, (1..=loaded.events.len() as u64).collect::<Vec<_>>());
    });
}

#[test]
fn one_of_many_creates_a_record() {
    let schema = Schema::new();
    block_on(async {
        let store = Arc::new(schema.open().await.unwrap());
        let applied = Arc::new(AtomicU32::new(0));
        let rounds = scaled(100);
        for round in 0..rounds {
            let writers = (0..12).map(|_| {
                let (store, applied) = (Arc::clone(&store), Arc::clone(&applied));
                tokio::spawn(async move {
                    let record = Record {
                        kind: "lease".to_owned(),
                        key: round.to_string(),
                        version: 1,
                        expires_at: None,
                        owner: None,
                        body: "{}".to_owned(),
                    };
                    let changes = Changes {
                        sessions: Vec::new(),
                        records: vec![RecordChange::put(Expect::Absent, record)],
                    };
                    if store.commit(&changes).await.unwrap() == Commit::Applied {
                        applied.fetch_add(1, Ordering::Relaxed);
                    }
                })
            });
            for writer in writers.collect::<Vec<_>>() {
                writer.await.unwrap();
            }
        }
        assert_eq!(applied.load(Ordering::Relaxed), rounds);
    });
}

#[test]
fn commits_of_several_sessions_in_any_order_do_not_block_each_other() {
    let schema = Schema::new();
    block_on(async {
        let store = Arc::new(schema.open().await.unwrap());
        let writers = (0..8).map(|writer| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                for _ in 0..scaled(200) {
                    let mut names = ["a", "b", "c"];
                    names.rotate_left(writer % 3);
                    let put = |name| put_change(head(name), Expect::Any, Vec::new());
                    let changes = Changes {
                        sessions: names.map(put).to_vec(),
                        records: Vec::new(),
                    };
                    assert_eq!(store.commit(&changes).await, Ok(Commit::Applied));
                }
            })
        });
        for writer in writers.collect::<Vec<_>>() {
            writer.await.unwrap();
        }
    });
}

#[test]
fn a_change_that_becomes_visible_late_is_not_missed() {
    let schema = Schema::new();
    block_on(async {
        let store = schema.open().await.unwrap();
        let late = crate::common::client().await;
        let insert = format!(
            "BEGIN; INSERT INTO {}.changes (kind, key, ends_history) \
             VALUES ('created', 'late', false)",
            schema.0
        );
        late.batch_execute(&insert).await.unwrap();
        store
            .commit(&put(head("s"), Expect::Absent, Vec::new()))
            .await
            .unwrap();
        let feed = store.feed(&feed_after(0)).await.unwrap();
        assert_eq!((feed.changes.len(), feed.newest), (1, 1));
        late.batch_execute("COMMIT").await.unwrap();
        let feed = store.feed(&feed_after(1)).await.unwrap();
        let [change] = feed.changes.as_slice() else {
            panic!("{feed:?}");
        };
        assert_eq!((&*change.key, change.position), ("late", 2));
        assert_eq!(change.kind, ChangeKind::Created);
    });
}

#[test]
fn a_feed_without_readers_does_not_grow() {
    let schema = Schema::new();
    block_on(async {
        let options = PostgresOptions {
            keep_changes: Some(50),
            ..PostgresOptions::default()
        };
        let address = Address::parse(&schema.url()).unwrap();
        let store = PostgresStore::open(&address, &options).await.unwrap();
        let read = store.feed(&feed_after(0)).await.unwrap();
        assert_eq!(read.newest, 0);
        // It is trimmed by chance, and for certain by a commit with so many changes.
        for (part, count) in [(0, 100), (1, 1100)] {
            let change = |n| put_change(head(&format!("s{part}-{n}")), Expect::Absent, Vec::new());
            let changes = Changes {
                sessions: (0..count).map(change).collect(),
                records: Vec::new(),
            };
            assert_eq!(store.commit(&changes).await, Ok(Commit::Applied));
        }
        let count = format!("SELECT count(*)::TEXT FROM {}.changes", schema.0);
        assert_eq!(query(&count).await, ["50"]);
        let feed = store.feed(&feed_after(0)).await.unwrap();
        assert_eq!(feed.newest, 1200);
        // Nobody has read what was removed, and a reader from before notices that.
        assert_eq!(feed.kept_after, 1150);
        assert!(!feed.continues(0));
        let after = store.feed(&feed_after(feed.kept_after)).await.unwrap();
        let positions = after.changes.iter().map(|change| change.position);
        let expected = feed.kept_after + 1..=1200;
        assert_eq!(positions.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
    });
}

#[test]
fn a_damaged_session_hides_no_others() {
    let schema = Schema::new();
    block_on(async {
        let store = schema.open().await.unwrap();
        for name in ["a", "b", "c"] {
            store
                .commit(&put(head(name), Expect::Absent, Vec::new()))
                .await
                .unwrap();
        }
        let name = &schema.0;
        execute(&format!(
            "UPDATE {name}.sessions SET status = 'odd' WHERE id = 'b'"
        ))
        .await;
        let error = store.load(&id("b"), History::None).await.unwrap_err();
        assert_eq!(error.code(), "CORRUPT_SESSION");
        let query = tenure_core::store::ListQuery {
            filter: tenure_core::Filter::default(),
            order: tenure_core::Order::default(),
            after: None,
            offset: 0,
            limit: 2,
            max_bytes: u64::MAX,
        };
        let page = store.list(&query).await.unwrap();
        assert_eq!(page.heads.len(), 2);
        assert_eq!(page.problems[0].id, "b");
        assert!(!page.more);
        let removed = store.commit(&tenure_store_support::remove("b")).await;
        assert_eq!(removed, Ok(Commit::Applied));
    });
}

#[test]
fn the_time_is_that_of_the_server() {
    let schema = Schema::new();
    // An hour ahead.
    fn fast() -> i64 {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        now.unwrap().as_micros() as i64 + 3_600_000_000
    }
    block_on(async {
        let options = PostgresOptions {
            clock: fast,
            ..PostgresOptions::default()
        };
        let address = Address::parse(&schema.url()).unwrap();
        let store = PostgresStore::open(&address, &options).await.unwrap();
        let offset = store.clock_offset_ms().await.unwrap();
        assert!((-3_610_000..=-3_590_000).contains(&offset), "{offset}");
        // The clocks of one machine agree.
        let store = schema.open().await.unwrap();
        assert_eq!(store.clock_offset_ms().await, Ok(0));
    });
}

#[test]
fn a_part_of_a_history_ends_when_it_is_large() {
    let schema = Schema::new();
    block_on(async {
        let store = schema.open().await.unwrap();
        let data = format!("{{\"a\":\"{}\"}}", "x".repeat(1 << 20));
        let most = tenure_core::value::limits::MAX_PAGE_BYTES;
        let fitting = most / (data.len() as u64 + 4);
        let mut next = head("s");
        next.event_count = fitting + 3;
        let events = (1..=next.event_count).map(|sequence| event(sequence, &data));
        store
            .commit(&put(next, Expect::Absent, events.collect()))
            .await
            .unwrap();
        let part = History::After {
            sequence: 0,
            limit: 1000,
        };
        let loaded = store.load(&id("s"), part).await.unwrap().unwrap();
        // The last one is that with which it is too large.
        assert_eq!(loaded.events.len() as u64, fitting + 1);
        let loaded = store.load(&id("s"), History::All).await.unwrap().unwrap();
        assert_eq!(loaded.events.len() as u64, fitting + 3);
    });
}

#[test]
fn names_of_any_length_are_indexed() {
    let schema = Schema::new();
    block_on(async {
        let store = schema.open().await.unwrap();
        // Random, so that it cannot be compressed to what an index takes.
        let mut rng = fastrand::Rng::with_seed(5);
        let mut name = || -> String { (0..4096).map(|_| rng.alphanumeric()).collect() };
        let (user, mode) = (name(), name());
        let mut long = head("long");
        long.user_id = Some(user.clone());
        long.mode = mode.clone();
        store
            .commit(&put(long.clone(), Expect::Absent, Vec::new()))
            .await
            .unwrap();
        let mut similar = head("similar");
        similar.user_id = Some(format!("{}y", &user[..4095]));
        similar.mode = mode.clone();
        store
            .commit(&put(similar, Expect::Absent, Vec::new()))
            .await
            .unwrap();
        let query = tenure_core::store::ListQuery {
            filter: tenure_core::Filter {
                user_id: Some(user),
                mode: Some(mode),
                ..tenure_core::Filter::default()
            },
            order: tenure_core::Order::default(),
            after: None,
            offset: 0,
            limit: 10,
            max_bytes: u64::MAX,
        };
        assert_eq!(store.list(&query).await.unwrap().heads, [long]);
    });
}

#[test]
fn a_reader_of_many_unread_changes_begins_after_all_of_them() {
    let schema = Schema::new();
    block_on(async {
        let store = schema.open().await.unwrap();
        let insert = format!(
            "INSERT INTO {}.changes (kind, key, ends_history) \
             SELECT 'created', 's' || n, false FROM generate_series(1, 21000) AS n",
            schema.0
        );
        execute(&insert).await;
        let newest = FeedQuery {
            after: None,
            limit: 1,
        };
        assert_eq!(store.feed(&newest).await.unwrap().newest, 21_000);
    });
}

/// A store with this machine's clock, whose schema a newer version has migrated since it was opened.
async fn outdated(schema: &Schema, clock: fn() -> i64) -> PostgresStore {
    let options = PostgresOptions {
        clock,
        ..PostgresOptions::default()
    };
    let store = PostgresStore::open(&schema.address(), &options)
        .await
        .unwrap();
    store.clock_offset_ms().await.unwrap();
    execute(&format!("UPDATE {}.settings SET value = 99", schema.0)).await;
    store
}

#[test]
fn a_handle_refuses_every_call_once_its_schema_is_too_new() {
    static CLOCK: std::sync::atomic::AtomicI64 = std::sync::atomic::AtomicI64::new(0);
    let schema = Schema::new();
    block_on(async {
        let store = outdated(&schema, || CLOCK.load(Ordering::Relaxed)).await;
        // A clock that is set is a reason to ask the server again.
        CLOCK.store(1 << 40, Ordering::Relaxed);
        for _ in 0..3 {
            let error = store.clock_offset_ms().await.unwrap_err();
            assert_eq!(error.code(), "SCHEMA_TOO_NEW");
        }
    });
}

#[test]
fn a_new_connection_does_not_put_off_the_look_at_the_schema() {
    static CLOCK: std::sync::atomic::AtomicI64 = std::sync::atomic::AtomicI64::new(0);
    let schema = Schema::new();
    block_on(async {
        let store = outdated(&schema, || CLOCK.load(Ordering::Relaxed)).await;
        CLOCK.store(61_000_000, Ordering::Relaxed);
        // Two reads at once have a connection each, and a new one measures the clock.
        let names = [id("a"), id("b")];
        let [a, b] = names.each_ref().map(|id| store.load(id, History::None));
        let (a, b) = tokio::join!(a, b);
        assert!(a.unwrap().is_none() && b.unwrap().is_none());
        let pool = store.pool_status();
        assert!(pool.active + pool.idle > 1, "{pool:?}");
        let error = store.clock_offset_ms().await.unwrap_err();
        assert_eq!(error.code(), "SCHEMA_TOO_NEW");
    });
}
