//! Random writes and reads through several handles have the same results as over the memory store, also if the
//! statements of a commit meet those of others.

use std::time::Duration;

use fastrand::Rng;
use tenure_core::store::filter::{Direction, Filter, Order, OrderBy};
use tenure_core::store::{Expect, ListQuery, RecordChange, SessionWrite};
use tenure_core::stored::record::Record;
use tenure_core::{Changes, Commit, History, MemoryStore, Store, SyncStore};
use tenure_store_support::{event, head, id, put, put_change, scaled, time};
use tokio::time::sleep;

use crate::common::{Schema, block_on, next_head, query};

const IDS: [&str; 4] = ["a", "B", "a-b", "z"];
const RECORDS: [(&str, &str); 4] = [
    ("lease", "a"),
    ("lease", "é"),
    ("key", ""),
    ("audit", "2026"),
];

#[test]
fn changes_through_several_handles_have_the_results_of_the_memory_store() {
    let mut rng = Rng::with_seed(11);
    let schema = Schema::new();
    let memory = MemoryStore::default();
    block_on(async {
        let handles = [schema.open().await.unwrap(), schema.open().await.unwrap()];
        let (steps, mut applied) = (scaled(1500), 0);
        for step in 0..steps {
            let store = &handles[rng.usize(0..handles.len())];
            let changes = some_changes(&mut rng, &memory);
            let expected = memory.commit(&changes).unwrap();
            let committed = store.commit(&changes).await.unwrap();
            assert_eq!(committed, expected, "step {step}: {changes:?}");
            applied += u32::from(expected == Commit::Applied);
            let session = id(IDS[rng.usize(0..IDS.len())]);
            assert_eq!(
                store.load(&session, History::All).await,
                SyncStore::load(&memory, &session, History::All),
                "step {step}: {changes:?}"
            );
            let (kind, key) = RECORDS[rng.usize(0..RECORDS.len())];
            assert_eq!(
                store.record(kind, key).await,
                SyncStore::record(&memory, kind, key),
                "step {step}: {changes:?}"
            );
        }
        assert!(
            applied > steps / 10,
            "only {applied} of {steps} were applied"
        );
    });
}

#[test]
fn a_session_is_written_only_if_records_are_absent_that_are_to_be() {
    let mut rng = Rng::with_seed(13);
    let memory = MemoryStore::default();
    block_on(async {
        let store = Schema::new().open().await.unwrap();
        let created = put(head("s"), Expect::Absent, Vec::new());
        assert_eq!(store.commit(&created).await, memory.commit(&created));
        let mut counts = [0, 0];
        for step in 0..scaled(400) {
            let loaded = SyncStore::load(&memory, &id("s"), History::None);
            let mut next = loaded.unwrap().unwrap().head;
            let expect = Expect::Version {
                version: next.version - u64::from(rng.u8(0..8) == 0),
            };
            next.version += 1;
            next.event_count += 1;
            let events = vec![event(next.event_count, "{}")];
            let mut changes = put(next, expect, events);
            for (kind, key) in &RECORDS[..rng.usize(1..3)] {
                changes.records.push(RecordChange {
                    kind: (*kind).to_owned(),
                    key: (*key).to_owned(),
                    expect: Expect::Absent,
                    record: None,
                });
            }
            let expected = memory.commit(&changes).unwrap();
            counts[usize::from(expected == Commit::Applied)] += 1;
            assert_eq!(store.commit(&changes).await, Ok(expected), "step {step}");
            assert_eq!(
                store.load(&id("s"), History::All).await,
                SyncStore::load(&memory, &id("s"), History::All)
            );
            // A record appears or disappears.
            let (kind, key) = RECORDS[rng.usize(0..2)];
            let record = Record {
                kind: kind.to_owned(),
                key: key.to_owned(),
                version: 1,
                expires_at: None,
                owner: None,
                body: "{}".to_owned(),
            };
            let mut change = RecordChange::put(Expect::Any, record);
            if rng.u8(0..3) > 0 {
                change.record = None;
            }
            let changes = Changes {
                records: vec![change],
                ..Changes::default()
            };
            assert_eq!(store.commit(&changes).await, memory.commit(&changes));
        }
        assert!(counts.iter().all(|count| *count > 5), "{counts:?}");
    });
}

/// The index of the times of updates has them in periods.
#[test]
fn lists_by_the_time_of_the_last_update_are_those_of_the_memory_store() {
    let mut rng = Rng::with_seed(12);
    let memory = MemoryStore::default();
    block_on(async {
        let store = Schema::new().open().await.unwrap();
        // Around the limits of a period, before and after 1970, and several at one time.
        let some_time =
            |rng: &mut Rng| time(rng.i64(-3..3) * 10_000 + rng.i64(-2..3) * rng.i64(0..1000));
        for number in 0..60 {
            let mut head = head(&format!("s{number}"));
            head.updated_at = some_time(&mut rng);
            let put = put(head, Expect::Absent, Vec::new());
            assert_eq!(store.commit(&put).await, memory.commit(&put));
        }
        for _ in 0..scaled(400) {
            let mut query = ListQuery {
                filter: Filter {
                    updated_after: rng.bool().then(|| some_time(&mut rng)),
                    updated_before: rng.bool().then(|| some_time(&mut rng)),
                    ..Filter::default()
                },
                order: Order {
                    by: match rng.u8(0..4) {
                        0 => OrderBy::CreatedAt,
                        _ => OrderBy::UpdatedAt,
                    },
                    direction: match rng.bool() {
                        true => Direction::Asc,
                        false => Direction::Desc,
                    },
                },
                after: None,
                offset: 0,
                limit: rng.u32(1..20),
                max_bytes: u64::MAX,
            };
            loop {
                let page = store.list(&query).await.unwrap();
                assert_eq!(
                    Ok(&page),
                    SyncStore::list(&memory, &query).as_ref(),
                    "{query:?}"
                );
                let Some(last) = page.heads.last().filter(|_| page.more) else {
                    break;
                };
                query.after = Some(query.order.position(last));
            }
        }
    });
}

#[test]
fn writes_to_a_session_within_ten_seconds_change_no_index() {
    block_on(async {
        let schema = Schema::new();
        let store = schema.open().await.unwrap();
        let created = put(head("s"), Expect::Absent, Vec::new());
        assert_eq!(store.commit(&created).await, Ok(Commit::Applied));
        // The server counts them within a second or two. Older servers lose counts when they are busy.
        let counted = format!(
            "SELECT n_tup_upd || ' ' || n_tup_hot_upd FROM pg_stat_user_tables \
             WHERE schemaname = '{}' AND relname = 'sessions' AND n_tup_upd > 0",
            schema.0
        );
        let mut counts = Vec::new();
        for round in 0..400 {
            if round % 200 == 0 {
                for _ in 0..20 {
                    let (mut next, expect) = next_head(&store, "s", History::None).await;
                    next.updated_at = time(next.updated_at.as_millis() + 100);
                    let events = vec![event(next.event_count, "{}")];
                    let committed = store.commit(&put(next, expect, events)).await;
                    assert_eq!(committed, Ok(Commit::Applied));
                }
            }
            counts = query(&counted).await;
            if counts == ["20 20"] {
                break;
            }
            assert_eq!(store.load(&id("t"), History::None).await, Ok(None));
            sleep(Duration::from_millis(50)).await;
        }
        let (all, without_index) = counts[0].split_once(' ').unwrap();
        assert_eq!(all, without_index);
    });
}

fn some_changes(rng: &mut Rng, memory: &MemoryStore) -> Changes {
    let mut changes = Changes::default();
    let mut ids = IDS;
    rng.shuffle(&mut ids);
    for name in ids.into_iter().take(rng.usize(0..3)) {
        let stored = SyncStore::load(memory, &id(name), History::None).unwrap();
        let stored = stored.map(|loaded| loaded.head);
        let expect = expectation(rng, stored.as_ref().map(|head| head.version));
        let mut next = stored.unwrap_or_else(|| head(name));
        let replaces = rng.u8(0..5) == 0;
        let count = if replaces { 0 } else { next.event_count };
        let added = rng.u64(0..3);
        let events: Vec<_> = (1..=added).map(|n| event(count + n, "{\"a\":1}")).collect();
        next.version += 1;
        next.event_count = count + added;
        next.updated_at = time(rng.i64(0..1000));
        let mut change = put_change(next, expect, events);
        match &mut change.write {
            SessionWrite::Put {
                replace_history, ..
            } if replaces => *replace_history = true,
            write if rng.u8(0..5) == 0 => *write = SessionWrite::Delete,
            SessionWrite::Put { .. } | SessionWrite::Delete => {}
        }
        changes.sessions.push(change);
    }
    let mut records = RECORDS;
    rng.shuffle(&mut records);
    for (kind, key) in records.into_iter().take(rng.usize(0..3)) {
        let stored = SyncStore::record(memory, kind, key).unwrap();
        let version = stored.map(|record| record.version);
        let record = Record {
            kind: kind.to_owned(),
            key: key.to_owned(),
            version: version.unwrap_or(0) + 1,
            expires_at: rng.bool().then_some(time(rng.i64(0..9))),
            owner: rng.bool().then(|| id(IDS[rng.usize(0..IDS.len())])),
            body: format!("{{\"é\":{}}}", rng.u8(..)),
        };
        let mut change = RecordChange::put(expectation(rng, version), record);
        if rng.u8(0..4) == 0 {
            change.record = None;
        }
        changes.records.push(change);
    }
    changes
}

/// Mostly what is met.
fn expectation(rng: &mut Rng, current: Option<u64>) -> Expect {
    match rng.u8(0..16) {
        0 => Expect::Absent,
        1 => Expect::Present,
        2 => Expect::Version { version: 7 },
        3 | 4 => Expect::Any,
        _ => Expect::as_read(current),
    }
}
