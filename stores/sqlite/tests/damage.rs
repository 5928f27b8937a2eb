//! A damaged session is reported, does not affect other sessions, and can be removed.

use crate::common::{Place, append, head, id, list_of, remove, start};
use tenure_core::store::feed::ChangeKind;
use tenure_core::store::feed::FeedQuery;
use tenure_core::store::filter::Filter;
use tenure_core::store::{Commit, Expect, SessionChange, SessionWrite};
use tenure_core::{Changes, History, SyncStore};
use tenure_sqlite::{Checked, SqliteStore};

fn listed(store: &SqliteStore, limit: u32) -> (Vec<String>, Vec<String>, bool) {
    let query = list_of(Filter::default(), limit);
    let page = store.list(&query).unwrap();
    let heads = page.heads.iter().map(|head| head.id.to_string()).collect();
    let problems = page
        .problems
        .iter()
        .map(|problem| problem.id.clone())
        .collect();
    (heads, problems, page.more)
}

#[test]
fn a_damaged_session_is_reported_and_can_be_removed() {
    for damage in [
        "context = '{'",
        "metadata = 'nonsense'",
        "status = 'running'",
        "mode = CAST(x'ff' AS TEXT)",
        "created_at = 9223372036854775807",
        "parent_id = '../..'",
        "iterations = -1",
        "event_count = 5",
    ] {
        let place = Place::new();
        let store = place.open();
        for name in ["a", "b", "c"] {
            start(&store, head(name));
        }
        append(&store, &id("b"), "{}").unwrap();
        place
            .sqlite()
            .execute_batch(&format!("UPDATE sessions SET {damage} WHERE id = 'b'"))
            .unwrap();
        let error = store.load(&id("b"), History::All).unwrap_err();
        assert_eq!(error.code(), "CORRUPT_SESSION", "{damage}");
        assert!(error.to_string().contains("tenure.db"), "{error}");
        if damage != "event_count = 5" {
            // This damage is visible in the history only.
            let (heads, problems, more) = listed(&store, 10);
            assert_eq!(heads, ["c", "a"], "{damage}");
            assert_eq!(problems, ["b"], "{damage}");
            assert!(!more);
        }
        assert_eq!(
            store.commit(&remove("b")).unwrap(),
            Commit::Applied,
            "{damage}"
        );
        assert_eq!(
            listed(&store, 10),
            (vec!["c".to_owned(), "a".to_owned()], vec![], false)
        );
        let left: u32 = place
            .sqlite()
            .query_row("SELECT count(*) FROM events", [], |row| row.get(0))
            .unwrap();
        assert_eq!(left, 0);
    }
}

#[test]
fn a_damaged_session_can_be_replaced() {
    let place = Place::new();
    let store = place.open();
    start(&store, head("a"));
    append(&store, &id("a"), "{}").unwrap();
    place
        .sqlite()
        .execute_batch("UPDATE sessions SET context = '{'")
        .unwrap();
    let changes = Changes {
        sessions: vec![SessionChange {
            id: id("a"),
            expect: Expect::Any,
            write: SessionWrite::Put {
                head: Box::new(head("a")),
                change: ChangeKind::Updated,
                replace_history: true,
                events: Vec::new(),
            },
        }],
        records: Vec::new(),
    };
    assert_eq!(store.commit(&changes).unwrap(), Commit::Applied);
    let loaded = store.load(&id("a"), History::All).unwrap().unwrap();
    assert_eq!((loaded.head, loaded.events), (head("a"), vec![]));
}

#[test]
fn a_list_skips_damaged_sessions() {
    let place = Place::new();
    let store = place.open();
    for n in 10..40 {
        start(&store, head(&format!("s{n}")));
    }
    place
        .sqlite()
        .execute_batch("UPDATE sessions SET context = '' WHERE id > 's12'")
        .unwrap();
    let (heads, problems, more) = listed(&store, 2);
    assert_eq!(heads, ["s12", "s11"]);
    assert_eq!(problems.len(), 27);
    assert!(more);
}

#[test]
fn a_missing_event_is_reported_as_damage() {
    let place = Place::new();
    let store = place.open();
    start(&store, head("a"));
    for _ in 0..5 {
        append(&store, &id("a"), "{}").unwrap();
    }
    for (sequence, last) in [(2, 5), (5, 5), (1, 5)] {
        let sqlite = place.sqlite();
        sqlite
            .execute_batch(&format!(
                "BEGIN; DELETE FROM events WHERE sequence = {sequence}; COMMIT"
            ))
            .unwrap();
        let error = store
            .load(&id("a"), History::Last { count: last })
            .unwrap_err();
        assert_eq!(error.code(), "CORRUPT_SESSION");
    }
    assert!(store.load(&id("a"), History::None).is_ok());
    assert!(
        store
            .load(
                &id("a"),
                History::After {
                    sequence: 2,
                    limit: 2
                }
            )
            .is_ok()
    );
}

/// The positions of the changes after a position; `Err` has the position after which a reader has to begin.
fn read_feed(store: &SqliteStore, after: u64) -> Result<Vec<u64>, u64> {
    let query = FeedQuery {
        after: Some(after),
        limit: 100,
    };
    let page = store.feed(&query).unwrap();
    if page.continues(after) {
        Ok(page.changes.iter().map(|change| change.position).collect())
    } else {
        Err(page.kept_after)
    }
}

#[test]
fn a_change_with_an_impossible_position_is_found_and_removed() {
    for position in ["-3", "0", "9223372036854775807"] {
        let place = Place::new();
        let store = place.open();
        start(&store, head("a"));
        for _ in 0..5 {
            append(&store, &id("a"), "{}").unwrap();
        }
        let sql = format!("UPDATE changes SET position = {position} WHERE position = 3");
        place.sqlite().execute_batch(&sql).unwrap();
        assert_eq!(store.check(false).unwrap().problems.len(), 1, "{position}");
        assert_eq!(store.check(true).unwrap().repaired.len(), 1, "{position}");
        assert_eq!(store.check(false).unwrap(), Checked::default());
        append(&store, &id("a"), "{}").unwrap();
        assert!(read_feed(&store, 1).is_err(), "{position}");
        assert_eq!(read_feed(&store, 5), Err(6), "{position}");
        assert_eq!(read_feed(&store, 6), Ok(vec![7]), "{position}");
    }
}

#[test]
fn a_damaged_change_is_a_gap_in_the_feed() {
    for damage in [
        "kind = 'x'",
        "kind = CAST(x'ff' AS TEXT)",
        "key = CAST(x'ff' AS TEXT)",
        "first_event = NULL",
    ] {
        let place = Place::new();
        let store = place.open();
        start(&store, head("a"));
        for _ in 0..5 {
            append(&store, &id("a"), "{}").unwrap();
        }
        let damage_at = |position: u64| {
            let sql = format!("UPDATE changes SET {damage} WHERE position = {position}");
            place.sqlite().execute_batch(&sql).unwrap();
        };
        damage_at(3);
        assert_eq!(read_feed(&store, 0), Ok(vec![1, 2]), "{damage}");
        assert_eq!(read_feed(&store, 2), Err(3), "{damage}");
        assert_eq!(read_feed(&store, 3), Ok(vec![4, 5, 6]), "{damage}");
        // The newest one, too: its position is not given to another change.
        damage_at(6);
        let problems = store.check(false).unwrap().problems;
        assert_eq!(problems.len(), 2, "{damage}");
        assert!(problems.iter().all(|problem| problem.id == "feed"));
        let repaired = store.check(true).unwrap();
        assert_eq!((repaired.repaired, repaired.problems.len()), (problems, 0));
        assert_eq!(store.check(false).unwrap(), Checked::default());
        append(&store, &id("a"), "{}").unwrap();
        for after in [0, 3, 4, 5] {
            let begin = read_feed(&store, after).unwrap_err();
            assert!((after + 1..=6).contains(&begin), "{begin} after {after}");
        }
        assert_eq!(read_feed(&store, 6), Ok(vec![7]), "{damage}");
    }
}
