//! What becomes of claims: arrived, repeated, failed for good, disabled.

use serde_json::{Value, json};

use crate::support::World;

use super::{CLAIM, add, claim, header, settle, settle_with};

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
/// The least delays before the second attempt and those that follow.
const DELAYS: [i64; 9] = [
    5000,
    5 * MINUTE,
    30 * MINUTE,
    2 * HOUR,
    5 * HOUR,
    10 * HOUR,
    14 * HOUR,
    20 * HOUR,
    24 * HOUR,
];

fn world(params: Value) -> World {
    let world = World::default();
    add(&world, "bot", params);
    world
}

/// The only claim.
fn one(world: &World) -> Value {
    let mut claims = claim(world, 8);
    assert_eq!(claims.len(), 1, "{claims:?}");
    claims.remove(0)
}

#[test]
fn what_is_claimed_is_nobody_elses_until_its_claim_ends() {
    let world = world(json!({}));
    world.start(json!({}));
    let first = one(&world);
    world.pass(CLAIM - 1);
    assert!(claim(&world, 8).is_empty());
    world.pass(1);
    let second = one(&world);
    assert_eq!(header(&first, "webhook-id"), header(&second, "webhook-id"));
    assert_eq!(first["body"], second["body"]);
    // The attempts of one claim do not count against another.
    assert_eq!(settle(&world, &first, 500)["retried"], 0);
    assert_eq!(settle(&world, &second, 200)["delivered"], 1);
    assert_eq!(settle(&world, &first, 200)["delivered"], 0);
}

#[test]
fn what_has_arrived_late_is_not_repeated() {
    let world = world(json!({}));
    world.start(json!({}));
    let first = one(&world);
    world.pass(CLAIM);
    let second = one(&world);
    assert_eq!(settle(&world, &first, 200)["delivered"], 1);
    assert_eq!(settle(&world, &second, 500)["retried"], 0);
    world.pass(100 * HOUR);
    assert!(claim(&world, 8).is_empty());
}

#[test]
fn ten_attempts_are_made_before_a_delivery_has_failed() {
    let world = world(json!({}));
    world.start(json!({}));
    for delay in DELAYS {
        let claimed = one(&world);
        assert_eq!(settle(&world, &claimed, 503)["retried"], 1);
        world.pass(delay - 1);
        assert!(claim(&world, 8).is_empty(), "{delay}");
        world.pass(delay / 5 + 1);
    }
    let last = one(&world);
    assert_eq!(settle(&world, &last, 503)["failed"], 1);
    world.pass(100 * HOUR);
    assert!(claim(&world, 8).is_empty());
    let failed = world.ok("webhookFailed", json!({}));
    let failure = &failed["items"][0];
    assert_eq!(
        (&failure["attempts"], &failure["status"]),
        (&json!(10), &json!(503))
    );
    assert_eq!(failure["message"], header(&last, "webhook-id"));
}

#[test]
fn a_failed_delivery_can_be_attempted_again_under_its_id() {
    let world = world(json!({}));
    world.start(json!({}));
    let mut id = String::new();
    for _ in 0..10 {
        let claimed = one(&world);
        id = header(&claimed, "webhook-id").to_owned();
        settle(&world, &claimed, 500);
        world.pass(29 * HOUR);
    }
    let redelivered = world.ok("webhookRedeliver", json!({"endpoint": "bot"}));
    assert_eq!(redelivered["deliveries"], 1);
    let claimed = one(&world);
    assert_eq!(header(&claimed, "webhook-id"), id);
    settle(&world, &claimed, 204);
    assert_eq!(world.ok("webhookFailed", json!({}))["items"], json!([]));
}

#[test]
fn a_receiver_may_ask_for_more_time() {
    let world = world(json!({}));
    world.start(json!({}));
    let claimed = one(&world);
    settle_with(
        &world,
        &claimed,
        json!({"status": 429, "retryAfter": "600"}),
    );
    world.pass(10 * MINUTE - 1);
    assert!(claim(&world, 8).is_empty());
    world.pass(1);
    one(&world);
}

#[test]
fn an_endpoint_that_is_gone_is_disabled_and_keeps_what_is_queued() {
    let world = world(json!({"ordered": false}));
    let id = world.start(json!({}));
    world.ok("pause", json!({"id": id}));
    let claimed = &claim(&world, 1)[0];
    let settled = settle(&world, claimed, 410);
    assert_eq!(
        (&settled["failed"], &settled["disabled"]),
        (&json!(1), &json!(["bot"]))
    );
    world.pass(HOUR);
    assert!(claim(&world, 8).is_empty());
    world.ok("resume", json!({"id": id}));
    let endpoint = &world.ok("webhookList", json!({}))["items"][0];
    assert!(endpoint["disabledAt"].is_string(), "{endpoint}");
    let entries = world.ok("auditLog", json!({"kind": "webhook"}));
    assert_eq!(entries["items"][0]["subject"], "bot");
    world.ok("webhookUpdate", json!({"id": "bot", "enabled": true}));
    // What was changed meanwhile was not queued.
    assert_eq!(claim(&world, 8).len(), 1);
}

#[test]
fn the_deliveries_of_a_session_are_in_order_and_wait_for_each_other() {
    let world = world(json!({}));
    let a = world.start(json!({"id": "a"}));
    world.start(json!({"id": "b"}));
    world.ok("pause", json!({"id": a}));
    world.ok("resume", json!({"id": a}));
    let first = claim(&world, 8);
    assert_eq!(first.len(), 2, "one for each session");
    let of_a = |claims: &[Value]| {
        let is_of_a = |claim: &&Value| claim["key"].as_str().unwrap().starts_with("bot/a/");
        claims.iter().find(is_of_a).cloned()
    };
    let start = of_a(&first).unwrap();
    assert_eq!(super::event(&start), "start");
    settle(&world, &start, 500);
    assert!(claim(&world, 8).is_empty());
    world.pass(6000);
    let again = of_a(&claim(&world, 8)).unwrap();
    assert_eq!(again["body"], start["body"]);
    settle(&world, &again, 200);
    let pause = of_a(&claim(&world, 8)).unwrap();
    assert_eq!(super::event(&pause), "pause");
    settle(&world, &pause, 200);
    assert_eq!(super::event(&of_a(&claim(&world, 8)).unwrap()), "resume");
}

#[test]
fn without_order_the_deliveries_of_a_session_do_not_wait() {
    let world = world(json!({"ordered": false}));
    let id = world.start(json!({}));
    world.ok("pause", json!({"id": id}));
    world.ok("resume", json!({"id": id}));
    assert_eq!(claim(&world, 8).len(), 3);
}

#[test]
fn a_delivery_that_is_attempted_again_by_hand_does_not_stop_the_others() {
    let world = world(json!({}));
    let id = world.start(json!({}));
    world.ok("pause", json!({"id": id}));
    for _ in 0..10 {
        let claimed = one(&world);
        settle(&world, &claimed, 500);
        world.pass(29 * HOUR);
    }
    // The first has failed for good, and the second waits for its second attempt.
    let second = one(&world);
    assert_eq!(super::event(&second), "pause");
    settle(&world, &second, 500);
    world.ok("webhookRedeliver", json!({"endpoint": "bot"}));
    let mut events = Vec::new();
    for _ in 0..100 {
        for claimed in claim(&world, 8) {
            events.push(super::event(&claimed));
            settle(&world, &claimed, 200);
        }
        world.pass(MINUTE);
    }
    assert_eq!(events, ["start", "pause"]);
}

#[test]
fn claims_are_bounded_in_number_and_bytes() {
    let world = world(json!({}));
    for _ in 0..20 {
        world.start(json!({"task": "x".repeat(1000)}));
    }
    assert_eq!(claim(&world, 3).len(), 3);
    let few = world.ok("webhookClaim", json!({"limit": 64, "maxBytes": 2500}));
    assert_eq!(few["claims"].as_array().unwrap().len(), 3);
    assert_eq!(few["more"], true);
    assert_eq!(
        world.code("webhookClaim", json!({"limit": 65, "maxBytes": 1})),
        "INVALID_ARGUMENT"
    );
}

#[test]
fn an_endpoint_leaves_its_share_to_others() {
    let world = world(json!({}));
    for _ in 0..20 {
        world.start(json!({}));
    }
    add(&world, "late", json!({}));
    world.start(json!({}));
    let claims = claim(&world, 4);
    let late = claims.iter().filter(|claim| claim["endpoint"] == "late");
    assert_eq!((claims.len(), late.count()), (3, 1));
}

#[test]
fn a_deliverer_whose_clock_was_far_ahead_holds_up_no_session() {
    let world = world(json!({}));
    let id = world.start(json!({}));
    world.pass(400 * 24 * HOUR);
    // It is killed while it posts, and its clock is corrected.
    assert_eq!(claim(&world, 8).len(), 1);
    world.pass(-400 * 24 * HOUR);
    world.ok("pause", json!({"id": id}));
    let claims = claim(&world, 8);
    assert_eq!(claims.len(), 1, "{claims:?}");
    assert_eq!(super::event(&claims[0]), "start");
    settle(&world, &claims[0], 200);
    assert_eq!(super::event(&one(&world)), "pause");
}

#[test]
fn a_list_says_how_many_deliveries_wait_and_why() {
    let world = world(json!({"ordered": false}));
    add(
        &world,
        "other",
        json!({"url": "https://other.example/", "events": ["pause"]}),
    );
    let listed = |id: &str| world.ok("webhookList", json!({"id": id}))["items"][0].clone();
    assert_eq!(listed("bot")["waiting"], 0);
    for _ in 0..3 {
        world.start(json!({}));
    }
    assert_eq!(listed("bot")["waiting"], 3);
    // Each endpoint has a half.
    for (claimed, status) in claim(&world, 4).iter().zip([200, 500]) {
        settle_with(
            &world,
            claimed,
            json!({"status": status, "answer": "no\u{7}room"}),
        );
    }
    let endpoint = listed("bot");
    assert_eq!(endpoint["waiting"], 2);
    assert_eq!(
        endpoint["lastProblem"],
        "the receiver answered 500: no room"
    );
    assert_eq!(endpoint["moreWaiting"], json!(null));
    assert_eq!(listed("other")["waiting"], 0);
    // What waits is counted up to a number.
    for _ in 0..999 {
        world.start(json!({}));
    }
    let endpoint = listed("bot");
    assert_eq!(
        (&endpoint["waiting"], &endpoint["moreWaiting"]),
        (&json!(1000), &json!(true))
    );
}

#[test]
fn what_waits_can_be_attempted_at_once() {
    for ordered in [true, false] {
        let world = world(json!({"ordered": ordered}));
        add(&world, "other", json!({"ordered": ordered}));
        let at_once = || {
            let params = json!({"endpoint": "bot", "waiting": true});
            world.ok("webhookRedeliver", params)["deliveries"].clone()
        };
        for number in 0..30 {
            world.start(json!({"id": format!("s{number}")}));
        }
        // Nothing waits for a later attempt.
        assert_eq!(at_once(), 0);
        let claimed = claim(&world, 64);
        assert_eq!(claimed.len(), 60);
        let in_flight = claimed.iter().find(|one| one["endpoint"] == "bot").unwrap();
        for one in &claimed {
            if one["key"] != in_flight["key"] {
                settle(&world, one, 500);
            }
        }
        assert!(claim(&world, 64).is_empty());
        assert_eq!(at_once(), 29);
        assert_eq!(at_once(), 0);
        let again = claim(&world, 64);
        assert_eq!(again.len(), 29);
        assert!(again.iter().all(|one| one["endpoint"] == "bot"));
        // The next attempt is the second again.
        settle(&world, &again[0], 500);
        world.pass(6001);
        let keys: Vec<Value> = claim(&world, 64)
            .iter()
            .map(|one| one["key"].clone())
            .collect();
        assert!(keys.contains(&again[0]["key"]), "{keys:?}");
        settle(&world, in_flight, 200);
    }
}

#[test]
fn nothing_is_attempted_again_at_an_endpoint_that_is_disabled() {
    let world = world(json!({}));
    world.start(json!({}));
    settle(&world, &one(&world), 410);
    let failed = world.ok("webhookFailed", json!({}));
    let key = &failed["items"][0]["key"];
    for params in [
        json!({"endpoint": "bot"}),
        json!({"endpoint": "bot", "waiting": true}),
        json!({"keys": [key]}),
    ] {
        let Err(error) = world.call("webhookRedeliver", params) else {
            panic!("a disabled endpoint is accepted");
        };
        assert_eq!(error.code(), "INVALID_ARGUMENT");
        let enable = "tenure webhooks update bot --enable";
        assert!(error.to_string().contains(enable), "{error}");
    }
    for params in [
        json!({"waiting": true}),
        json!({"keys": [], "endpoint": "bot", "waiting": true}),
        json!({"endpoint": "bot", "waiting": true, "drop": true}),
    ] {
        assert!(world.call("webhookRedeliver", params).is_err());
    }
    world.ok("webhookUpdate", json!({"id": "bot", "enabled": true}));
    let redelivered = world.ok("webhookRedeliver", json!({"keys": [key]}));
    assert_eq!(redelivered["deliveries"], 1);
    world.ok("webhookUpdate", json!({"id": "bot", "enabled": false}));
    // What is dropped is not attempted.
    let dropped = world.ok("webhookRedeliver", json!({"endpoint": "bot", "drop": true}));
    assert_eq!(dropped["deliveries"], 0);
}
