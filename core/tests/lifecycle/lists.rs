//! Lists: filters, order and pages.

use serde_json::{Value, json};

use crate::support::{NOON, World, iso};

fn ids(page: &Value) -> Vec<String> {
    let items = page["items"].as_array().unwrap();
    items
        .iter()
        .map(|item| item["id"].as_str().unwrap().to_owned())
        .collect()
}

/// The sessions `a` to `f`, started one second apart; `a` is the oldest.
fn six_sessions() -> World {
    let world = World::default();
    for (id, user, channel, mode, task) in [
        ("a", Some("ann"), Some("1"), "developer", "Fix the Parser"),
        ("b", Some("bob"), Some("1"), "review", "read the parser"),
        ("c", None, Some("2"), "developer", "100% done_now"),
        ("d", Some("ann"), None, "review", "nothing"),
        ("e", Some("bob"), Some("2"), "developer", "PARSE this"),
        ("f", Some("ann"), Some("1"), "developer", "ÄRGER"),
    ] {
        world.start(json!({
            "id": id, "userId": user, "channelId": channel, "mode": mode, "task": task
        }));
        world.pass(1000);
    }
    world.ok("complete", json!({"id": "b"}));
    world.pass(1000);
    world.ok("pause", json!({"id": "a"}));
    world
}

#[test]
fn a_list_is_ordered_newest_first_and_has_no_histories() {
    let world = six_sessions();
    let page = world.ok("list", json!({}));
    assert_eq!(ids(&page), ["f", "e", "d", "c", "b", "a"]);
    assert_eq!(page["problems"], json!([]));
    assert!(page.get("nextCursor").is_none());
    assert!(page["items"][0].get("history").is_none());
    assert_eq!(
        ids(&world.ok("list", json!({"direction": "asc"}))),
        ["a", "b", "c", "d", "e", "f"]
    );
    let updated = world.ok("list", json!({"orderBy": "updatedAt"}));
    assert_eq!(ids(&updated), ["a", "b", "f", "e", "d", "c"]);
}

#[test]
fn a_filter_selects_the_matching_sessions() {
    let world = six_sessions();
    let found = |filter: Value| {
        let mut found = ids(&world.ok("list", filter));
        found.sort();
        found.concat()
    };
    let at = |second: i64| iso(NOON + second * 1000);
    assert_eq!(found(json!({"userId": "ann"})), "adf");
    assert_eq!(found(json!({"userId": "ANN"})), "");
    assert_eq!(found(json!({"channelId": "2"})), "ce");
    assert_eq!(found(json!({"mode": "review", "userId": "ann"})), "d");
    assert_eq!(found(json!({"status": "completed"})), "b");
    assert_eq!(found(json!({"status": ["paused", "completed"]})), "ab");
    assert_eq!(found(json!({"status": []})), "");
    assert_eq!(found(json!({"text": "parse"})), "abe");
    assert_eq!(found(json!({"text": "0% DONE_"})), "c");
    assert_eq!(
        found(json!({"text": "ärger"})),
        "",
        "only A to Z are the same as a to z"
    );
    assert_eq!(found(json!({"text": ""})), "abcdef");
    assert_eq!(
        found(json!({"createdAfter": at(2), "createdBefore": at(4)})),
        "cde"
    );
    assert_eq!(found(json!({"createdAfter": NOON + 4000})), "ef");
    assert_eq!(
        found(json!({"updatedAfter": at(6), "updatedBefore": at(6)})),
        "b"
    );
    assert_eq!(
        found(json!({"userId": null, "status": null, "limit": null})),
        "abcdef"
    );
    world.ok("trash", json!({"id": "c"}));
    assert_eq!(found(json!({})), "abdef");
    assert_eq!(found(json!({"trash": "only"})), "c");
    assert_eq!(found(json!({"trash": "include"})), "abcdef");
}

#[test]
fn pages_are_complete_while_sessions_are_added() {
    for (direction, expected) in [("desc", "fedcba"), ("asc", "abcdefnewer1newer2newer3")] {
        let world = six_sessions();
        let mut found = String::new();
        let mut cursor = Value::Null;
        for turn in 0.. {
            let params = json!({"direction": direction, "limit": 2, "cursor": cursor});
            let page = world.ok("list", params);
            found.push_str(&ids(&page).concat());
            match page.get("nextCursor") {
                Some(next) => cursor = next.clone(),
                None => break,
            }
            if turn < 3 {
                world.pass(1);
                world.start(json!({"id": format!("newer{}", turn + 1)}));
            }
        }
        assert_eq!(found, expected);
    }
}

#[test]
fn sessions_of_the_same_time_are_ordered_by_id() {
    let world = World::default();
    for n in 0..25 {
        world.start(json!({"id": format!("s{}", (n * 7) % 25)}));
    }
    for direction in ["asc", "desc"] {
        let mut found = Vec::new();
        let mut cursor = Value::Null;
        loop {
            let page = world.ok(
                "list",
                json!({"direction": direction, "limit": 4, "cursor": cursor}),
            );
            found.extend(ids(&page));
            match page.get("nextCursor") {
                Some(next) => cursor = next.clone(),
                None => break,
            }
        }
        let mut expected: Vec<String> = (0..25).map(|n| format!("s{n}")).collect();
        expected.sort();
        if direction == "desc" {
            expected.reverse();
        }
        assert_eq!(found, expected);
    }
}

#[test]
fn an_offset_skips_sessions() {
    let world = six_sessions();
    assert_eq!(ids(&world.ok("list", json!({"offset": 4}))), ["b", "a"]);
    assert_eq!(ids(&world.ok("list", json!({"offset": 6}))), [""; 0]);
    assert_eq!(ids(&world.ok("list", json!({"offset": u64::MAX}))), [""; 0]);
    let page = world.ok("list", json!({"offset": 1, "limit": 2}));
    assert_eq!(ids(&page), ["e", "d"]);
    let next = world.ok("list", json!({"cursor": page["nextCursor"], "limit": 2}));
    assert_eq!(ids(&next), ["c", "b"]);
}

#[test]
fn a_page_is_limited_in_bytes() {
    let world = World::default();
    let context = json!({"text": "x".repeat(1_000_000)});
    for _ in 0..12 {
        world.start(json!({"context": context}));
    }
    let page = world.ok("list", json!({}));
    let first = page["items"].as_array().unwrap().len();
    assert!((1..12).contains(&first), "{first}");
    let rest = world.ok("list", json!({"cursor": page["nextCursor"]}));
    assert_eq!(first + rest["items"].as_array().unwrap().len(), 12);
}

#[test]
fn a_cursor_is_valid_for_its_own_order_only() {
    let world = six_sessions();
    let cursor = world.ok("list", json!({"limit": 1}))["nextCursor"].clone();
    for params in [
        json!({"cursor": cursor, "direction": "asc"}),
        json!({"cursor": cursor, "orderBy": "updatedAt"}),
        json!({"cursor": ""}),
        json!({"cursor": "cd"}),
        json!({"cursor": "cd.1"}),
        json!({"cursor": "cd.x.a"}),
        json!({"cursor": "cd.1.../a"}),
        json!({"cursor": "cd.99999999999999999999.a"}),
        json!({"cursor": "cd.9223372036854775807.a"}),
    ] {
        assert_eq!(
            world.code("list", params.clone()),
            "INVALID_CURSOR",
            "{params}"
        );
    }
}

#[test]
fn an_invalid_query_is_refused() {
    let world = World::default();
    for params in [
        json!({"limit": 0}),
        json!({"limit": 1001}),
        json!({"limit": "10"}),
        json!({"offset": -1}),
        json!({"status": "running"}),
        json!({"status": ["active", 1]}),
        json!({"status": {}}),
        json!({"orderBy": "id"}),
        json!({"direction": "up"}),
        json!({"createdAfter": "yesterday"}),
        json!({"createdBefore": 1e300}),
        json!({"trash": true}),
        json!({"cursor": 7}),
        json!({"user": "ann"}),
    ] {
        assert_eq!(
            world.code("list", params.clone()),
            "INVALID_ARGUMENT",
            "{params}"
        );
    }
    assert_eq!(world.code("list", json!({"parentId": "../"})), "INVALID_ID");
}
