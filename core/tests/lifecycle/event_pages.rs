//! Pages of a history: of some types, in both orders, within bounds.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::World;

const TYPES: [&str; 3] = ["note", "tool_call", "rare"];

/// A session whose events have these types, after its first one.
fn session(kinds: &[usize]) -> (World, String) {
    let world = World::default();
    let id = world.start(json!({}));
    for kinds in kinds.chunks(500) {
        let event = |kind: &usize| json!({"type": TYPES[*kind]});
        let events: Vec<Value> = kinds.iter().map(event).collect();
        world.ok("addEvents", json!({"id": id, "events": events}));
    }
    (world, id)
}

/// The sequence numbers of all pages that a query leads to.
fn all_pages(world: &World, mut query: Value) -> Vec<u64> {
    let limit = query["limit"].as_u64().unwrap();
    let mut found = Vec::new();
    loop {
        let page = world.ok("events", query.clone());
        let items = page["items"].as_array().unwrap();
        assert!(items.len() as u64 <= limit);
        found.extend(
            items
                .iter()
                .map(|event| event["sequence"].as_u64().unwrap()),
        );
        match (&page["nextAfter"], &page["nextBefore"]) {
            (Value::Null, Value::Null) => return found,
            (after, Value::Null) => query["after"] = after.clone(),
            (Value::Null, before) => query["before"] = before.clone(),
            both => panic!("{both:?}"),
        }
    }
}

proptest! {
    #[test]
    fn all_pages_together_are_the_events_that_are_asked_for(
        kinds in prop::collection::vec(0..2_usize, 0..90),
        wanted in prop::option::of(prop::collection::vec(0..3_usize, 0..3)),
        after in prop::option::of(0..95_u64),
        before in prop::option::of(0..95_u64),
        newest_first in any::<bool>(),
        limit in 1..40_u64,
    ) {
        let (world, id) = session(&kinds);
        let mut query = json!({"id": id, "after": after, "before": before, "limit": limit});
        if newest_first {
            query["order"] = json!("desc");
        }
        let wanted = wanted.map(|wanted| wanted.iter().map(|kind| TYPES[*kind]).collect::<Vec<_>>());
        if let Some(wanted) = &wanted {
            query["type"] = json!(wanted);
        }
        let kind_of = |sequence: u64| match sequence {
            1 => "start",
            sequence => TYPES[kinds[sequence as usize - 2]],
        };
        let mut expected: Vec<u64> = (1..=kinds.len() as u64 + 1)
            .filter(|sequence| after.is_none_or(|after| *sequence > after))
            .filter(|sequence| before.is_none_or(|before| *sequence < before))
            .filter(|sequence| {
                let kind = kind_of(*sequence);
                wanted.as_ref().is_none_or(|wanted| wanted.contains(&kind))
            })
            .collect();
        if newest_first {
            expected.reverse();
        }
        prop_assert_eq!(all_pages(&world, query), expected);
    }
}

#[test]
fn a_page_ends_after_a_number_of_events_that_it_has_looked_at() {
    let (world, id) = session(&[0; 12_000]);
    for order in ["asc", "desc"] {
        let query = json!({"id": id, "type": "rare", "order": order, "limit": 1});
        let page = world.ok("events", query.clone());
        assert_eq!(page["items"], json!([]));
        let next = if order == "asc" {
            "nextAfter"
        } else {
            "nextBefore"
        };
        assert!(page[next].is_u64(), "{page}");
        assert!(all_pages(&world, query).is_empty());
    }
}

#[test]
fn a_page_of_the_newest_events_is_bounded_in_size() {
    let world = World::default();
    let id = world.start(json!({}));
    let data = json!({"text": "x".repeat(900_000)});
    for _ in 0..20 {
        world.ok("addEvent", json!({"id": id, "type": "note", "data": data}));
    }
    let query = json!({"id": id, "order": "desc", "limit": 1000});
    let page = world.ok("events", query.clone());
    assert_eq!(page["items"].as_array().unwrap().len(), 10);
    let expected: Vec<u64> = (1..=21).rev().collect();
    assert_eq!(all_pages(&world, query), expected);
}

#[test]
fn an_unknown_session_has_no_events() {
    let world = World::default();
    for order in ["asc", "desc"] {
        let code = world.code("events", json!({"id": "s", "order": order}));
        assert_eq!(code, "SESSION_NOT_FOUND");
    }
    let id = world.start(json!({}));
    for wrong in [
        json!({"order": "newest"}),
        json!({"limit": 0}),
        json!({"type": 7}),
    ] {
        let mut params = wrong.clone();
        params["id"] = json!(id);
        assert_eq!(world.code("events", params), "INVALID_ARGUMENT", "{wrong}");
    }
}
