//! Mirrors: a memory store that has loaded heads as bytes lists and counts them as any store does, whatever
//! was loaded before and whatever the bytes are.

use std::collections::BTreeMap;

use base64::Engine;
use proptest::prelude::*;
use serde_json::{Value, json};
use tenure_core::store::filter::Trash;
use tenure_core::store::heads::encode;
use tenure_core::store::tally::{Aggregate, GroupBy, Tally};
use tenure_core::store::{Changes, History};
use tenure_core::stored::head::Usage;
use tenure_core::value::json::Json;
use tenure_core::{Filter, Head, MemoryStore, Order, SessionId, SyncStore};

use crate::filter_properties::{filter, heads, query};
use crate::support::{World, scale};

/// Heads with all texts that a head may have.
fn full_heads() -> impl Strategy<Value = Vec<Head>> {
    let text = || prop::option::of("[a\"\\\\ä\u{1f600}\0]{0,30}");
    let numbers = (any::<u64>(), 0..1_u64 << 53);
    let extra = (text(), text(), text(), numbers);
    (heads(), prop::collection::vec(extra, 30)).prop_map(|(mut heads, extras)| {
        for (head, (workspace, result, error, numbers)) in heads.iter_mut().zip(extras) {
            head.metadata = result
                .as_ref()
                .map(|model| Json::of(&BTreeMap::from([("model", model)])));
            head.result_data = error.as_ref().map(Json::of);
            head.context = Json::of(&BTreeMap::from([("a", &workspace)]));
            head.task.extend(workspace.as_deref());
            (head.workspace, head.result, head.error) = (workspace, result, error);
            (head.version, head.event_count) = (numbers.0, numbers.0);
            head.usage = Usage {
                prompt_tokens: numbers.1,
                completion_tokens: numbers.1 / 3,
                cost_nanos: numbers.1 / 7,
            };
            (head.paused_at, head.finalized_at) = (head.deleted_at, Some(head.created_at));
        }
        heads
    })
}

/// What is loaded at a time: heads, and sessions that are gone.
fn loads() -> impl Strategy<Value = Vec<(Vec<Head>, Vec<Head>)>> {
    prop::collection::vec(
        (full_heads(), prop_oneof![Just(Vec::new()), full_heads()]),
        1..4,
    )
}

/// Looks at the sessions of a mirror as they are expected to be.
fn check(
    mirror: &MemoryStore,
    expected: &BTreeMap<SessionId, Head>,
    filter: &Filter,
    order: Order,
) {
    let all = || expected.values();
    for filter in [filter.clone(), Filter::default()] {
        let query = query(filter.clone(), order, 5);
        assert_eq!(mirror.list(&query).unwrap(), query.page(all()));
        for aggregate in [
            Aggregate::Counts { users: 3 },
            Aggregate::Values { by: None },
            Aggregate::Values {
                by: Some(GroupBy::Model),
            },
        ] {
            let mut tally = Tally::new(aggregate);
            all()
                .filter(|head| filter.matches(head))
                .for_each(|head| tally.count(head));
            let counted = mirror.tally(&filter, aggregate).unwrap();
            assert_eq!(counted, Some(tally.complete()));
        }
    }
    for (id, head) in expected {
        let loaded = mirror.load(id, History::None).unwrap().unwrap();
        assert_eq!((&loaded.head, loaded.events.len()), (head, 0));
    }
}

/// A tenth of the cases in a quick run.
fn cases() -> ProptestConfig {
    ProptestConfig::with_cases((scale() * 300.0) as u32)
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn a_mirror_lists_and_counts_what_was_loaded_last(
        loads in loads(),
        filters in prop::collection::vec(filter(), 4),
        looks in prop::collection::vec(any::<bool>(), 4),
    ) {
        let mirror = MemoryStore::mirror();
        let mut expected = BTreeMap::new();
        for (((heads, gone), filter), looks) in loads.into_iter().zip(&filters).zip(looks) {
            let gone: Vec<SessionId> = gone.into_iter().map(|head| head.id).collect();
            let gone: Vec<SessionId> = gone.into_iter().filter(|id| heads.iter().all(|head| head.id != *id)).collect();
            let number = mirror.load_heads(encode(&heads, &gone)).unwrap();
            prop_assert_eq!(number, heads.len() as u64);
            gone.iter().for_each(|id| { expected.remove(id); });
            expected.extend(heads.into_iter().map(|head| (head.id.clone(), head)));
            // Heads that nothing has needed yet are replaced, too.
            if looks {
                check(&mirror, &expected, filter, Order::default());
            }
        }
        let copy = mirror.clone();
        for filter in &filters {
            check(&mirror, &expected, filter, Order::default());
            check(&copy, &expected, filter, Order::default());
        }
        for id in expected.keys() {
            copy.load_heads(encode(&[], std::slice::from_ref(id))).unwrap();
        }
        check(&copy, &BTreeMap::new(), &Filter::default(), Order::default());
    }

    #[test]
    fn bytes_that_were_damaged_are_refused_or_say_which_session_they_are_about(
        heads in full_heads(),
        cut in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        is_cut in any::<bool>(),
    ) {
        let mut bytes = encode(&heads, &[]);
        if is_cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        for (at, byte) in changes {
            if !bytes.is_empty() {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
        }
        let mirror = MemoryStore::mirror();
        match mirror.load_heads(bytes) {
            Ok(number) => {
                let everything = Filter { trash: Trash::Include, ..Filter::default() };
                let all = query(everything.clone(), Order::default(), u32::MAX);
                let page = mirror.list(&all).unwrap();
                prop_assert_eq!((page.heads.len() + page.problems.len()) as u64, number);
                mirror.tally(&everything, Aggregate::Counts { users: 3 }).unwrap();
                for head in &page.heads {
                    let user_id = head.user_id.clone();
                    let of_user = Filter { user_id, ..everything.clone() };
                    let found = mirror.list(&query(of_user.clone(), Order::default(), u32::MAX));
                    let expected = page.heads.iter().filter(|head| of_user.matches(head));
                    prop_assert!(found.unwrap().heads.iter().eq(expected));
                }
                // The same again, and in place of what is there.
                let _ = mirror.load_heads(encode(&heads, &[]));
                mirror.list(&all).unwrap();
            }
            Err(error) => prop_assert_eq!(error.code(), "INVALID_ARGUMENT"),
        }
    }
}

#[test]
fn a_text_is_looked_for_without_reading_the_heads_of_other_tasks() {
    let world = World::default();
    for (id, task) in [("a", "Fix the \\ \"parser\""), ("b", "Größe")] {
        world.start(json!({"id": id, "task": task, "context": {"task": "all"}}));
    }
    let mirror = MemoryStore::mirror();
    let page = world.ok("heads", json!({}));
    let mut bytes = decoded(&page);
    let context = bytes.windows(9).position(|part| part == b"\"context\"");
    // The context of the first one is damaged.
    bytes[context.unwrap() + 10] = b'?';
    mirror.load_heads(bytes).unwrap();
    let with = |text: &str| Filter {
        text: Some(text.to_owned()),
        ..Filter::default()
    };
    let count = |text: &str| {
        let users = Aggregate::Counts { users: 0 };
        let tally = mirror.tally(&with(text), users).unwrap().unwrap();
        tally
            .groups()
            .map(|group| group.sums.sessions())
            .sum::<u64>()
    };
    assert_eq!(
        [count("\"PARSER\""), count("größE"), count("all")],
        [1, 1, 0]
    );
    let list = |text: &str| {
        let page = mirror
            .list(&query(with(text), Order::default(), 5))
            .unwrap();
        (page.heads.len(), page.problems.len())
    };
    assert_eq!([list("größe"), list("all")], [(1, 0), (0, 0)]);
    assert_eq!(list("\\ \"p"), (0, 1));
}

#[test]
fn a_mirror_has_no_histories_and_takes_no_writes() {
    let mirror = MemoryStore::mirror();
    let id = SessionId::parse("a").unwrap();
    let refused = [
        mirror.commit(&Changes::default()).map(drop),
        mirror.load(&id, History::All).map(drop),
        MemoryStore::default()
            .load_heads(encode(&[], &[]))
            .map(drop),
    ];
    for refused in refused {
        assert_eq!(refused.unwrap_err().code(), "INTERNAL");
    }
    assert_eq!(mirror.load(&id, History::None).unwrap(), None);
}

/// The `bytes` of a page of `heads`.
fn decoded(page: &Value) -> Vec<u8> {
    let bytes = base64::engine::general_purpose::STANDARD.decode(page["bytes"].as_str().unwrap());
    bytes.unwrap()
}

fn load(mirror: &MemoryStore, page: &Value) -> u64 {
    mirror.load_heads(decoded(page)).unwrap()
}

fn ids(mirror: &MemoryStore) -> Vec<String> {
    let everything = Filter {
        trash: Trash::Include,
        ..Filter::default()
    };
    let page = mirror.list(&query(everything, Order::default(), u32::MAX));
    let heads = page.unwrap().heads;
    heads.iter().map(|head| head.id.to_string()).collect()
}

#[test]
fn the_heads_of_all_sessions_come_in_pages_with_the_position_from_before() {
    let world = World::default();
    for id in ["a", "b", "c", "d", "e"] {
        world.start(json!({"id": id}));
    }
    world.ok("trash", json!({"id": "c"}));
    let newest = world.ok("changesSince", json!({}))["position"].clone();
    let (mirror, mut pages, mut cursor) = (MemoryStore::mirror(), 0, Value::Null);
    loop {
        let page = world.ok("heads", json!({"limit": 2, "cursor": cursor}));
        assert_eq!(page["position"], newest);
        assert_eq!(page["count"], load(&mirror, &page));
        pages += 1;
        cursor = match page.get("nextCursor") {
            Some(cursor) => cursor.clone(),
            None => break,
        };
    }
    assert_eq!((pages, ids(&mirror).len()), (3, 5));
}

#[test]
fn the_heads_of_some_sessions_take_those_that_are_gone_out_of_a_mirror() {
    let world = World::default();
    for id in ["a", "b", "c"] {
        world.start(json!({"id": id}));
    }
    let mirror = MemoryStore::mirror();
    load(&mirror, &world.ok("heads", json!({})));
    world.ok("delete", json!({"id": "b"}));
    world.start(json!({"id": "d"}));
    let page = world.ok("heads", json!({"ids": ["d", "b", "d", "unknown"]}));
    assert_eq!((&page["count"], &page["unread"]), (&json!(1), &json!([])));
    load(&mirror, &page);
    let limited = world.ok("heads", json!({"ids": ["a", "c", "d"], "limit": 1}));
    assert_eq!(limited["unread"], json!(["c", "d"]));
    let mut ids = ids(&mirror);
    ids.sort();
    assert_eq!(ids, ["a", "c", "d"]);
}

#[test]
fn heads_that_a_page_has_no_room_for_are_asked_for_again() {
    let world = World::default();
    let context = "x".repeat(1 << 19);
    let named: Vec<String> = (0..40).map(|number| format!("s{number:02}")).collect();
    for id in &named {
        world.start(json!({"id": id, "context": {"text": context}}));
    }
    let mirror = MemoryStore::mirror();
    let first = world.ok("heads", json!({"ids": named}));
    load(&mirror, &first);
    assert_eq!((&first["count"], ids(&mirror).len()), (&json!(32), 32));
    let second = world.ok("heads", json!({"ids": first["unread"]}));
    load(&mirror, &second);
    assert_eq!((&second["count"], ids(&mirror).len()), (&json!(8), 40));
    // The pages of all sessions end early, too.
    let page = world.ok("heads", json!({}));
    assert!(page["count"].as_u64().unwrap() < 40, "{}", page["count"]);
}

#[test]
fn heads_are_refused_for_too_many_ids_and_for_what_is_no_id() {
    let world = World::default();
    let many: Vec<String> = (0..1001).map(|number| number.to_string()).collect();
    for params in [
        json!({"ids": many}),
        json!({"limit": 0}),
        json!({"limit": 10_001}),
        json!({"ids": ["a"], "cursor": "ca.0.a"}),
    ] {
        assert_eq!(world.code("heads", params), "INVALID_ARGUMENT");
    }
    assert_eq!(world.code("heads", json!({"ids": ["../a"]})), "INVALID_ID");
    assert_eq!(
        world.code("heads", json!({"cursor": "x"})),
        "INVALID_CURSOR"
    );
}
