//! The rules for stores of the host, which the core evaluates.

use serde_json::json;
use tenure_bridge::rules::{allows, bytes_of, range_of};
use tenure_core::store::{Expect, History, ListQuery, SyncStore};
use tenure_core::{Filter, Head, MemoryStore, Order};

use crate::support::{call, code, perform_sync};

/// A number as JavaScript passes it.
fn number(value: Option<u32>) -> f64 {
    value.map_or(f64::NAN, f64::from)
}

#[test]
fn preconditions_are_evaluated_by_the_core() {
    for (kind, version, expect) in [
        ("absent", None, Expect::Absent),
        ("present", None, Expect::Present),
        ("version", Some(2), Expect::Version { version: 2 }),
        ("any", None, Expect::Any),
    ] {
        for stored in [None, Some(1), Some(2)] {
            let expected = expect.allows(stored.map(u64::from));
            let allowed = allows(kind, number(version), number(stored));
            assert_eq!(allowed, Some(expected), "{kind} {stored:?}");
        }
    }
}

#[test]
fn ranges_of_histories_are_computed_by_the_core() {
    let mut parts = vec![
        ("none", None, None, History::None),
        ("all", None, None, History::All),
    ];
    for count in [0, 1, 3, 9, u32::MAX] {
        parts.push(("last", Some(count), None, History::Last { count }));
        for limit in [0, 1, 9, u32::MAX] {
            let history = History::After {
                sequence: count.into(),
                limit,
            };
            parts.push(("after", Some(count), Some(limit), history));
        }
    }
    for (kind, value, limit, history) in parts {
        for count in [0, 1, 3_u32] {
            let range = range_of(kind, number(value), number(limit), count.into());
            let expected = match history.range(count.into()) {
                Some((first, last)) => vec![first as f64, last as f64],
                None => Vec::new(),
            };
            assert_eq!(range, Some(expected), "{history:?} of {count}");
        }
    }
}

#[test]
fn sizes_of_user_data_are_computed_by_the_core() {
    let store = MemoryStore::default();
    for id in ["a", "b"] {
        let params = json!({"id": id, "task": "tä", "mode": "m", "context": {"a": id}});
        perform_sync(&store, call("start", &params.to_string()));
    }
    let query = ListQuery {
        filter: Filter::default(),
        order: Order::default(),
        after: None,
        offset: 0,
        limit: 9,
        max_bytes: 1 << 20,
    };
    let heads = store.list(&query).unwrap().heads;
    for heads in [&heads[..0], &heads[..1], &heads[..]] {
        let bytes: u64 = heads.iter().map(Head::user_bytes).sum();
        let reply = json!({"ok": {"heads": heads}}).to_string();
        assert_eq!(bytes_of(&reply), json!({ "ok": bytes }).to_string());
    }
}

#[test]
fn invalid_parameters_are_refused() {
    const NONE: f64 = f64::NAN;
    assert_eq!(allows("never", NONE, 1.0), None);
    assert_eq!(allows("version", NONE, 1.0), None);
    assert_eq!(range_of("some", NONE, NONE, 1.0), None);
    assert_eq!(range_of("last", NONE, NONE, 1.0), None);
    assert_eq!(range_of("after", 1.0, NONE, 1.0), None);
    assert_eq!(range_of("after", NONE, 1.0, 1.0), None);
    assert_eq!(range_of("all", NONE, NONE, NONE), None);
    for reply in ["", "7", r#"{"ok":{"heads":[{}]}}"#] {
        let answer = bytes_of(reply);
        assert_eq!(
            code(&answer).as_deref(),
            Some("STORE_MISBEHAVED"),
            "{reply}"
        );
    }
}
