//! The counts that are kept for statistics are those of the sessions, whatever is written.

use std::sync::mpsc;

use crate::common::{Place, apply, event, head, id, put, put_change, remove, scaled, start, time};
use fastrand::Rng;
use tenure_core::store::tally::Aggregate;
use tenure_core::store::{Expect, SessionChange, SessionWrite};
use tenure_core::stored::head::Usage;
use tenure_core::{Changes, Filter, Head, Json, Status, SyncStore};
use tenure_sqlite::SqliteStore;

fn one_of(random: &mut Rng, names: &[&str]) -> String {
    names[random.usize(0..names.len())].to_owned()
}

fn random_head(random: &mut Rng) -> Head {
    let name = one_of(random, &["a", "b", "c", "d", "e"]);
    let user = one_of(random, &["", "ann", "Ann", "=ann"]);
    let model = one_of(random, &["", "opus", "=opus"]);
    Head {
        user_id: random.bool().then_some(user),
        mode: one_of(random, &["", "m", "=m"]),
        status: Status::ALL[random.usize(0..Status::ALL.len())],
        deleted_at: (random.u8(0..3) == 0).then(|| time(5)),
        metadata: random
            .bool()
            .then(|| Json::parse(&format!(r#"{{"model":"{model}"}}"#)).unwrap()),
        iterations: random.u32(..),
        usage: Usage {
            prompt_tokens: random.u64(..),
            completion_tokens: random.u64(0..3),
            cost_nanos: random.u64(..),
        },
        ..head(&name)
    }
}

/// Puts or removes one to three sessions, whether they exist or not.
fn random_changes(random: &mut Rng) -> Changes {
    let mut changes = Changes::default();
    for _ in 0..random.u8(1..4) {
        let head = random_head(random);
        if changes.sessions.iter().any(|change| change.id == head.id) {
            continue;
        }
        changes.sessions.push(match random.u8(0..4) {
            0 => SessionChange {
                id: head.id,
                expect: Expect::Any,
                write: SessionWrite::Delete,
            },
            _ => put_change(head, Expect::Any, Vec::new()),
        });
    }
    changes
}

/// Changes that fail after they are written in part: both events have the same number.
fn failing_changes(random: &mut Rng) -> Changes {
    let mut changes = random_changes(random);
    let events = vec![event(1, "1"), event(1, "2")];
    let bad = put_change(random_head(random), Expect::Any, events);
    changes.sessions.push(bad);
    changes
}

/// A job of one to three commits, some of which fail.
fn commits(random: &mut Rng) -> Vec<(Changes, bool)> {
    (0..random.u8(1..4))
        .map(|_| match random.u8(0..3) {
            0 => (failing_changes(random), false),
            _ => (random_changes(random), true),
        })
        .collect()
}

fn wrong(store: &SqliteStore) -> Vec<String> {
    let found = store.recount(false).unwrap();
    found.into_iter().map(|found| found.problem).collect()
}

#[test]
fn counts_are_kept_by_every_write_and_rollback() {
    let mut random = Rng::with_seed(17);
    let place = Place::new();
    let store = place.open();
    for step in 0..scaled(2000) {
        let commits = commits(&mut random);
        if random.bool() {
            // The first failure ends the whole transaction.
            let _ = store.transaction(|store| {
                for (changes, _) in &commits {
                    let _ = store.commit(changes);
                }
            });
        } else {
            let (done, result) = mpsc::channel();
            store.enqueue(
                Box::new(move |store| {
                    for (changes, succeeds) in &commits {
                        assert_eq!(store.commit(changes).is_ok(), *succeeds);
                    }
                    String::new()
                }),
                Box::new(move |result| done.send(result).unwrap()),
            );
            result.recv().unwrap().unwrap();
        }
        assert_eq!(wrong(&store), [""; 0], "after step {step}");
    }
    let (count, sessions): (u32, u32) = place
        .sqlite()
        .query_row(
            "SELECT (SELECT count(*) FROM counts), (SELECT count(*) FROM sessions)",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .unwrap();
    assert!(
        count <= 2 * sessions,
        "rows without sessions are removed: {count} of {sessions}"
    );
}

#[test]
fn an_edit_by_hand_is_counted() {
    let place = Place::new();
    let store = place.open();
    for name in ["a", "b"] {
        start(&store, head(name));
    }
    place
        .sqlite()
        .execute_batch(
            "UPDATE sessions SET status = 'failed', user_id = 'ann', iterations = 4 WHERE id = 'a';
             UPDATE sessions SET status = 'running' WHERE id = 'b'",
        )
        .unwrap();
    assert_eq!(wrong(&store), [""; 0]);
    let tally = store
        .tally(&Filter::default(), Aggregate::Counts { users: 10 })
        .unwrap()
        .unwrap();
    let groups: Vec<_> = tally.groups().map(|group| group.shared().status).collect();
    assert_eq!(groups, [Some(Status::Failed)]);
    let users: Vec<_> = tally
        .users()
        .map(|user| (user.shared().user_id, user.sums.count().iterations))
        .collect();
    assert_eq!(users, [(Some("ann"), 4)]);
    apply(&store, &remove("a"));
    apply(&store, &remove("b"));
    assert_eq!(wrong(&store), [""; 0]);
}

#[test]
fn wrong_counts_are_found_and_mended() {
    for damage in [
        "UPDATE counts SET sessions = 7 WHERE of_user = '=ann'",
        "UPDATE counts SET cost_upper = 1 WHERE of_user = ''",
        "DELETE FROM counts",
        "UPDATE counts_of_users SET sessions = 0",
        "INSERT INTO counts_of_users VALUES ('=x', 'ann', 1)",
        "DELETE FROM numbers_of_users",
    ] {
        let place = Place::new();
        let store = place.open();
        let of_ann = Head {
            user_id: Some("ann".to_owned()),
            ..head("a")
        };
        start(&store, of_ann);
        place.sqlite().execute_batch(damage).unwrap();
        let found = wrong(&store);
        assert!(!found.is_empty(), "{damage}");
        assert_eq!(store.recount(true).unwrap().len(), found.len(), "{damage}");
        assert_eq!(wrong(&store), [""; 0], "{damage}");
        assert_eq!(store.recount(true).unwrap().len(), 0, "{damage}");
    }
}

#[test]
fn a_session_of_another_writer_is_counted() {
    let place = Place::new();
    let (store, other) = (place.open(), place.open());
    let total = |store: &SqliteStore| {
        let tally = store
            .tally(&Filter::default(), Aggregate::Counts { users: 0 })
            .unwrap()
            .unwrap();
        let groups = tally.groups();
        groups.map(|group| group.sums.sessions()).sum::<u64>()
    };
    assert_eq!(total(&store), 0);
    start(&other, head("a"));
    assert_eq!((total(&store), total(&other)), (1, 1));
    start(&store, head("b"));
    assert_eq!((total(&store), total(&other)), (2, 2));
    // What is rolled back was counted in its transaction alone.
    store
        .transaction(|unit| {
            start(unit, head("c"));
            assert_eq!(
                unit.tally(&Filter::default(), Aggregate::Counts { users: 0 })
                    .unwrap()
                    .unwrap()
                    .groups()
                    .count(),
                1
            );
            let twice = vec![event(1, "1"), event(1, "2")];
            unit.commit(&put(head("d"), Expect::Absent, twice))
                .unwrap_err();
            assert_eq!(total(&other), 2);
        })
        .unwrap();
    assert_eq!((total(&store), total(&other)), (3, 3));
    assert!(
        store
            .load(&id("d"), tenure_core::History::None)
            .unwrap()
            .is_none()
    );
}
