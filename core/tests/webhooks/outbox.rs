//! What a commit queues: the payload to the byte, once, for the endpoints that want it.

use serde_json::{Value, json};
use tenure_core::Store;
use tenure_core::store::Scan;
use tenure_core::stored::delivery;

use crate::support::{World, ready};

use super::{add, claim, event, header, settle};

fn queued(world: &World) -> usize {
    let scan = Scan {
        kind: delivery::KIND.to_owned(),
        after: None,
        limit: 1000,
    };
    ready(world.store.scan(&scan)).unwrap().len()
}

#[test]
fn a_change_is_queued_with_the_payload_that_listeners_get() {
    let world = World::default();
    add(&world, "bot", json!({}));
    let params = json!({"id": "s", "task": "t \u{2028} \"x\"", "mode": "m", "userId": "u", "channelId": "c"});
    let notices = world.notices("start", params);
    let claims = claim(&world, 8);
    assert_eq!(claims.len(), 1);
    // The order of the properties is that of the documents of the bots.
    let body = claims[0]["body"].as_str().unwrap();
    assert!(
        body.starts_with(
            r#"{"event":"start","session":{"id":"s","mode":"m","status":"active","task":"#
        ),
        "{body}"
    );
    let expected: &Value = &notices[0];
    assert_eq!(&serde_json::from_str::<Value>(body).unwrap(), expected);
    assert!(header(&claims[0], "webhook-id").starts_with("msg_"));
}

#[test]
fn user_data_is_posted_as_it_was_given() {
    let world = World::default();
    add(&world, "bot", json!({"events": ["pause"]}));
    world.start(json!({"id": "s"}));
    let given = r#"{"id":"s","type":"pause","data":{"x":1e400, "y" : "\ud800"}}"#;
    world.raw("addEvent", given).unwrap();
    let body = claim(&world, 8)[0]["body"].as_str().unwrap().to_owned();
    assert!(body.contains(r#""data":{"x":1e400"#), "{body}");
}

#[test]
fn without_endpoints_nothing_is_queued() {
    let world = World::default();
    world.start(json!({}));
    assert_eq!(queued(&world), 0);
    add(&world, "bot", json!({}));
    assert_eq!(queued(&world), 0);
    world.start(json!({}));
    assert_eq!(queued(&world), 1);
}

#[test]
fn an_endpoint_gets_what_its_filters_select() {
    let world = World::default();
    add(&world, "events", json!({"events": ["complete"]}));
    add(&world, "modes", json!({"modes": ["review", "developer"]}));
    add(&world, "users", json!({"users": ["ann"]}));
    let a = world.start(json!({"userId": "ann"}));
    let b = world.start(json!({"mode": "other"}));
    world.ok("complete", json!({"id": a}));
    world.ok("complete", json!({"id": b}));
    let mut got: Vec<(String, String)> = Vec::new();
    loop {
        let claims = claim(&world, 8);
        if claims.is_empty() {
            break;
        }
        for claim in claims {
            let endpoint = claim["endpoint"].as_str().unwrap().to_owned();
            got.push((endpoint, event(&claim)));
            super::settle(&world, &claim, 200);
        }
    }
    got.sort();
    let expected = [
        ("events", "complete"),
        ("events", "complete"),
        ("modes", "complete"),
        ("modes", "start"),
        ("users", "complete"),
        ("users", "start"),
    ];
    assert_eq!(got, expected.map(|(a, b)| (a.to_owned(), b.to_owned())));
}

#[test]
fn a_repeated_call_queues_nothing_more() {
    let world = World::default();
    add(&world, "bot", json!({}));
    let id = world.start(json!({}));
    for _ in 0..2 {
        world.ok("pause", json!({"id": id, "idempotencyKey": "k"}));
    }
    assert_eq!(queued(&world), 2);
}

#[test]
fn a_refused_change_queues_nothing() {
    let world = World::default();
    add(&world, "bot", json!({}));
    let id = world.start(json!({}));
    world.ok("complete", json!({"id": id}));
    assert_eq!(world.code("pause", json!({"id": id})), "INVALID_TRANSITION");
    assert_eq!(queued(&world), 2);
}

#[test]
fn a_message_has_one_id_for_all_endpoints() {
    let world = World::default();
    add(&world, "a", json!({}));
    add(&world, "b", json!({}));
    world.start(json!({}));
    let claims = claim(&world, 8);
    let ids: Vec<_> = claims
        .iter()
        .map(|claim| header(claim, "webhook-id"))
        .collect();
    assert_eq!(ids.len(), 2);
    assert_eq!(ids[0], ids[1]);
}

#[test]
fn abandoned_is_an_error_for_an_endpoint_that_asks_for_it() {
    let world = World::default();
    add(
        &world,
        "bot",
        json!({"events": ["abandoned"], "abandonedAsError": true}),
    );
    let id = world.start(json!({}));
    world.ok("abandon", json!({"id": id, "reason": "gone"}));
    let body: Value = serde_json::from_str(claim(&world, 8)[0]["body"].as_str().unwrap()).unwrap();
    assert_eq!(body["event"], "error");
    assert_eq!(
        body["data"],
        json!({"reason": "abandoned", "detail": "gone"})
    );
}

#[test]
fn a_deleted_session_is_delivered_all_the_same() {
    let world = World::default();
    add(&world, "bot", json!({}));
    let id = world.start(json!({}));
    world.ok("delete", json!({"id": id}));
    assert_eq!(claim(&world, 8).len(), 1);
}

#[test]
fn the_changes_of_a_session_whose_id_is_used_again_come_after_those_of_the_first() {
    let world = World::default();
    add(&world, "bot", json!({}));
    world.start(json!({"id": "same"}));
    world.ok("pause", json!({"id": "same"}));
    world.ok("delete", json!({"id": "same"}));
    world.pass(1);
    world.start(json!({"id": "same"}));
    let mut events = Vec::new();
    while let Some(claim) = claim(&world, 8).pop() {
        settle(&world, &claim, 200);
        events.push(event(&claim));
    }
    assert_eq!(events, ["start", "pause", "start"]);
}
