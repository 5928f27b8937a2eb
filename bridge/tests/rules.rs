//! The rules for stores of the host, which the core evaluates.

use serde_json::json;
use tenure_bridge::rules::{allows, range_of, user_data};
use tenure_core::store::{Expect, History, SyncStore};
use tenure_core::stored::agent::{Agent, StoredError};
use tenure_core::stored::slot::{Slot, SlotPhase};
use tenure_core::{Head, Json, MemoryStore, SessionId, Timestamp};

use crate::support::{call, perform_sync};

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
fn the_paths_of_user_data_hold_what_the_core_counts() {
    let store = MemoryStore::default();
    let params = json!({
        "id": "a", "task": "tä", "mode": "m", "context": {"a": "ä"}, "metadata": {"b": 1},
    });
    perform_sync(&store, call("start", &params.to_string()));
    let id = SessionId::parse("a").unwrap();
    let loaded = store.load(&id, History::None).unwrap().unwrap();
    let full = Head {
        result: Some("é".to_owned()),
        result_data: Some(Json::of("data")),
        error: Some("error".to_owned()),
        agent: Some(Box::new(Agent {
            summary: Some("summary".to_owned()),
            last_error: Some(StoredError {
                message: "message".to_owned(),
                timestamp: Timestamp::default(),
            }),
            ..Agent::default()
        })),
        slot: Some(Box::new(Slot {
            task_id: "t".to_owned(),
            phase: SlotPhase::Plan,
            model: "n".to_owned(),
            details: Some(Json::of(&json!({"version": "1"}))),
        })),
        ..loaded.head.clone()
    };
    for head in [&loaded.head, &full] {
        let json = serde_json::to_value(head).unwrap();
        let sizes = user_data()
            .split(' ')
            .map(|path| {
                let pointer = format!("/{}", path.replace('.', "/"));
                json.pointer(&pointer)
                    .and_then(|text| text.as_str())
                    .map_or(0, str::len)
            })
            .collect::<Vec<_>>();
        assert_eq!(sizes.iter().sum::<usize>() as u64, head.user_bytes());
        if head == &full {
            assert!(sizes.iter().all(|&size| size > 0), "{sizes:?} of {json}");
        }
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
}
