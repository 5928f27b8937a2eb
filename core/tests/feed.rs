//! The operation that reads the feed: what it shows of each change, and that a reader who polls in between
//! sees each change once and in order.

use proptest::prelude::*;
use serde_json::{Value, json};
use tenure_core::Error;

use crate::support::World;

/// The changes after a position, with the `position` from which to go on.
fn changes(world: &World, params: &Value) -> (Vec<Value>, u64) {
    let page = world.ok("changesSince", params.clone());
    let items = page["items"].as_array().unwrap().clone();
    (items, page["position"].as_u64().unwrap())
}

fn kinds(items: &[Value]) -> Vec<(String, String)> {
    let text = |item: &Value, name: &str| item[name].as_str().unwrap().to_owned();
    items
        .iter()
        .map(|item| (text(item, "kind"), text(item, "id")))
        .collect()
}

#[test]
fn each_change_of_a_session_has_its_kind_and_its_events() {
    let world = World::default();
    world.start(json!({"id": "a"}));
    world.ok(
        "addEvents",
        json!({"id": "a", "events": [{"type": "note"}, {"type": "note"}]}),
    );
    world.ok("pause", json!({"id": "a"}));
    world.ok("trash", json!({"id": "a"}));
    world.ok("restore", json!({"id": "a"}));
    world.ok("delete", json!({"id": "a"}));
    let (items, position) = changes(&world, &json!({"position": 0}));
    let sessions: Vec<Value> = items
        .into_iter()
        .filter(|item| item["kind"] != "audit")
        .collect();
    let expected = [
        "created", "updated", "updated", "trashed", "restored", "deleted",
    ];
    let found: Vec<String> = kinds(&sessions).into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(found, expected);
    // The session is gone, and its events with it.
    assert!(sessions.iter().all(|item| item.get("session").is_none()));
    assert!(sessions.iter().all(|item| item.get("events").is_none()));
    assert_eq!(
        changes(&world, &json!({"position": position})).0,
        [] as [Value; 0]
    );
}

#[test]
fn a_change_shows_the_session_as_it_is_now_and_the_events_that_it_appended() {
    let world = World::default();
    world.start(json!({"id": "a"}));
    world.ok(
        "addEvents",
        json!({"id": "a", "events": [{"type": "x"}, {"type": "y"}]}),
    );
    world.ok("complete", json!({"id": "a", "result": "done"}));
    let (items, _) = changes(&world, &json!({"position": 0}));
    let of = |item: &Value| -> Vec<String> {
        let events = item["events"].as_array().unwrap().iter();
        events
            .map(|event| event["type"].as_str().unwrap().to_owned())
            .collect()
    };
    let events: Vec<Vec<String>> = items.iter().map(of).collect();
    assert_eq!(events, [vec!["start"], vec!["x", "y"], vec!["complete"]]);
    assert!(
        items
            .iter()
            .all(|item| item["session"]["status"] == "completed")
    );
}

#[test]
fn without_a_position_only_the_newest_one_is_read() {
    let world = World::default();
    assert_eq!(changes(&world, &json!({})), (Vec::new(), 0));
    world.start(json!({"id": "a"}));
    assert_eq!(changes(&world, &json!({})), (Vec::new(), 1));
}

#[test]
fn leases_and_audit_entries_are_changes() {
    let world = World::default();
    world.ok(
        "leaseAcquire",
        json!({"key": "k", "holder": "h", "leaseDurationMs": 1000}),
    );
    world.ok("leaseClear", json!({}));
    let (items, _) = changes(&world, &json!({"position": 0}));
    let found: Vec<(&Value, &Value)> = items
        .iter()
        .map(|item| (&item["kind"], &item["lease"]["state"]))
        .collect();
    let (lease, audit) = (json!("lease"), json!("audit"));
    let (released, none) = (json!("released"), Value::Null);
    assert_eq!(
        found,
        [(&lease, &released), (&lease, &released), (&audit, &none)]
    );
    assert_eq!(items[2]["audit"]["kind"], "lease.clear");
}

#[test]
fn a_filter_selects_changes_of_sessions() {
    let world = World::default();
    for (id, user) in [("a", "ann"), ("b", "bob"), ("c", "ann")] {
        world.ok(
            "start",
            json!({"id": id, "task": "t", "mode": "m", "userId": user}),
        );
    }
    world.ok("delete", json!({"id": "b"}));
    world.ok("trash", json!({"id": "c"}));
    let (items, position) = changes(&world, &json!({"position": 0, "userId": "ann"}));
    let found = kinds(&items);
    let expected = [
        ("created", "a"),
        ("created", "b"),
        ("created", "c"),
        ("deleted", "b"),
        ("trashed", "c"),
    ];
    let expected = expected.map(|(kind, id)| (kind.to_owned(), id.to_owned()));
    // A session that is gone may have been one that the filter selects.
    assert_eq!(found, expected);
    assert_eq!(changes(&world, &json!({})).1, position);
}

#[test]
fn a_position_that_is_not_kept_is_refused() {
    let world = World::default();
    world.start(json!({"id": "a"}));
    for number in 0..10_002 {
        world.ok(
            "addEvent",
            json!({"id": "a", "type": "note", "data": {"n": number}}),
        );
    }
    for (position, expired) in [
        (0, true),
        (2, true),
        (3, false),
        (10_003, false),
        (10_004, true),
    ] {
        let reply = world.call("changesSince", json!({"position": position, "limit": 1}));
        let error = reply.err();
        let code = error.as_ref().map(Error::code);
        assert_eq!(code, expired.then_some("POSITION_EXPIRED"), "{position}");
        if let Some(message) = error.map(|error| error.to_string()) {
            let (is_old, is_future) = (
                message.contains("not kept"),
                message.contains("no position"),
            );
            assert_eq!(
                (is_old, is_future),
                (position < 3, position > 3),
                "{message}"
            );
            assert!(message.contains("go on from position 10003"), "{message}");
        }
    }
}

#[test]
fn a_page_of_large_sessions_ends_early_and_goes_on() {
    let world = World::default();
    let context = json!({"text": "x".repeat(900_000)});
    for number in 0..20 {
        let id = format!("s{number}");
        world.ok(
            "start",
            json!({"id": id, "task": "t", "mode": "m", "context": context}),
        );
    }
    let mut position = 0;
    let mut found = Vec::new();
    let mut pages = 0;
    loop {
        let page = world.ok("changesSince", json!({"position": position}));
        found.extend(kinds(page["items"].as_array().unwrap()));
        position = page["position"].as_u64().unwrap();
        pages += 1;
        if page["more"] == false {
            break;
        }
    }
    assert_eq!(found.len(), 20);
    assert!(pages > 1, "{pages}");
}

#[test]
fn a_change_with_too_many_large_events_says_where_the_rest_is() {
    let world = World::default();
    world.start(json!({"id": "a"}));
    let text = "x".repeat(900_000);
    let events: Vec<Value> = (0..30)
        .map(|n| json!({"type": "note", "data": {"n": n, "text": text}}))
        .collect();
    world.ok("addEvents", json!({"id": "a", "events": events}));
    world.ok("complete", json!({"id": "a", "result": "done"}));
    let page = world.ok("changesSince", json!({"position": 1}));
    let [large] = page["items"].as_array().unwrap().as_slice() else {
        panic!("{} changes", page["items"].as_array().unwrap().len());
    };
    let found = large["events"].as_array().unwrap().len() as u64;
    assert!((5..15).contains(&found), "{found}");
    assert_eq!(large["nextAfter"], found + 1);
    let rest = world.ok(
        "events",
        json!({"id": "a", "after": large["nextAfter"], "before": 32}),
    );
    assert_eq!(rest["items"][0]["data"]["n"], found);
    assert_eq!(
        (page["position"].as_u64(), page["more"].as_bool()),
        (Some(2), Some(true))
    );
    let last = world.ok("changesSince", json!({"position": 2}));
    assert_eq!(last["items"][0]["events"][0]["type"], "complete");
    assert!(last["items"][0].get("nextAfter").is_none());
}

/// A step: an operation of a writer, or a poll of the reader with this limit.
#[derive(Debug, Clone)]
enum Step {
    Write(&'static str, String),
    Poll(u32),
}

fn step() -> impl Strategy<Value = Step> {
    let id = || prop::sample::select(vec!["a", "b", "c"]);
    let write = |name: &'static str, rest: &'static str| {
        id().prop_map(move |id| Step::Write(name, format!(r#"{{"id":"{id}"{rest}}}"#)))
    };
    prop_oneof![
        3 => write("start", r#","task":"t","mode":"m""#),
        3 => write("addEvent", r#","type":"note""#),
        1 => write("pause", ""),
        1 => write("resume", ""),
        1 => write("trash", ""),
        1 => write("restore", ""),
        1 => write("delete", ""),
        1 => Just(Step::Write("leaseAcquire", r#"{"key":"k","holder":"h","leaseDurationMs":1000}"#.to_owned())),
        4 => (1u32..5).prop_map(Step::Poll),
    ]
}

proptest! {
    /// Whatever the order of commits and polls, a reader sees each change once, in order.
    #[test]
    fn a_reader_sees_each_change_once(steps in prop::collection::vec(step(), 1..60)) {
        let world = World::default();
        let mut position = 0;
        let mut seen = Vec::new();
        let mut poll = |limit: u32| {
            let (items, next) = changes(&world, &json!({"position": position, "limit": limit}));
            position = next;
            let count = items.len();
            seen.extend(items.iter().map(|item| item["position"].as_u64().unwrap()));
            count
        };
        for step in &steps {
            match step {
                // A refused operation changes nothing.
                Step::Write(name, params) => drop(world.raw(name, params)),
                Step::Poll(limit) => drop(poll(*limit)),
            }
        }
        while poll(3) > 0 {}
        let (_, newest) = changes(&world, &json!({}));
        prop_assert_eq!(seen, (1..=newest).collect::<Vec<u64>>());
    }
}
