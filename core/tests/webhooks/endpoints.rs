//! Endpoints: what is accepted, what is shown, and the rotation of secrets.

use serde_json::{Value, json};
use tenure_apps::webhooks::signature::{seconds, signatures};
use tenure_core::store::Scan;
use tenure_core::value::fingerprint::Fingerprint;
use tenure_core::{Store, Timestamp};

use crate::support::{World, ready};

use super::{SECRET, add, claim, header, settle};

const HOUR: i64 = 3_600_000;

#[test]
fn a_list_shows_no_secret() {
    let world = World::default();
    add(
        &world,
        "bot",
        json!({"headers": {"authorization": "Bearer hidden"}, "url": "https://h.example/a?token=hidden"}),
    );
    for operation in ["webhookList", "webhookUpdate", "webhookRemove"] {
        let reply = world.ok(operation, json!({"id": "bot"})).to_string();
        assert!(
            !reply.contains("hidden") && !reply.contains(SECRET),
            "{reply}"
        );
    }
}

#[test]
fn a_new_secret_is_shown_once() {
    let world = World::default();
    let added = world.ok(
        "webhookAdd",
        json!({"id": "bot", "url": "https://h.example/"}),
    );
    let secret = added["secret"].as_str().unwrap();
    assert!(secret.starts_with("whsec_"), "{secret}");
    let again = json!({"id": "bot", "url": "https://h.example/new", "replace": true});
    let replaced = world.ok("webhookAdd", again);
    assert_eq!(replaced["secret"], json!(null));
    assert_eq!(replaced["endpoint"]["url"], "https://h.example/new");
}

#[test]
fn an_endpoint_is_not_replaced_by_chance() {
    let world = World::default();
    add(&world, "bot", json!({}));
    let again = json!({"id": "bot", "url": "https://h.example/"});
    assert_eq!(world.code("webhookAdd", again), "INVALID_ARGUMENT");
}

#[test]
fn both_secrets_sign_for_a_time_after_a_rotation() {
    let world = World::default();
    add(&world, "bot", json!({}));
    let rotated = world.ok("webhookRotate", json!({"id": "bot", "keepFor": "1h"}));
    let new = rotated["secret"].as_str().unwrap().to_owned();
    for (age, secrets) in [(0, vec![&*new, SECRET]), (HOUR, vec![&*new])] {
        world.pass(age);
        world.start(json!({}));
        let claims = claim(&world, 64);
        let claimed = claims.last().unwrap();
        let now = Timestamp::from_millis(world.now()).unwrap();
        let expected = signatures(
            secrets.iter().copied(),
            header(claimed, "webhook-id"),
            seconds(now),
            claimed["body"].as_str().unwrap(),
        );
        assert_eq!(header(claimed, "webhook-signature"), expected.unwrap());
        assert_eq!(
            header(claimed, "webhook-timestamp"),
            seconds(now).to_string()
        );
    }
}

#[test]
fn removing_an_endpoint_drops_what_is_queued() {
    let world = World::default();
    add(&world, "bot", json!({}));
    // A name that begins with the other one.
    add(&world, "bot.2", json!({}));
    for _ in 0..120 {
        world.start(json!({}));
    }
    let removed = world.ok("webhookRemove", json!({"id": "bot"}));
    assert_eq!(removed, json!({"removed": true, "dropped": 120}));
    assert_eq!(
        world.ok("webhookRemove", json!({"id": "bot"}))["removed"],
        false
    );
    assert!(
        claim(&world, 64)
            .iter()
            .all(|claim| claim["endpoint"] == "bot.2")
    );
}

#[test]
fn adding_an_endpoint_again_as_it_is_writes_nothing() {
    let world = World::default();
    let params =
        json!({"id": "bot", "url": "https://h.example/", "secret": SECRET, "replace": true});
    world.ok("webhookAdd", params.clone());
    let version = || {
        let record = ready(world.store.record("webhookEndpoint", "bot"));
        record.unwrap().unwrap().version
    };
    let before = version();
    world.pass(HOUR);
    world.ok("webhookAdd", params);
    assert_eq!(version(), before);
}

#[test]
fn an_endpoint_that_is_gone_stays_disabled_when_it_is_added_again_as_it_is() {
    let world = World::default();
    let with = |url: &str| json!({"id": "bot", "url": url, "replace": true});
    world.ok("webhookAdd", with("https://h.example/"));
    world.start(json!({}));
    settle(&world, &claim(&world, 1)[0], 410);
    for (url, is_disabled) in [
        ("https://h.example/", true),
        ("https://h.example/new", false),
    ] {
        let added = world.ok("webhookAdd", with(url));
        assert_eq!(
            added["endpoint"]["disabledAt"].is_string(),
            is_disabled,
            "{url}"
        );
    }
}

#[test]
fn the_audit_log_has_each_change_of_an_endpoint_and_nothing_of_its_secret() {
    let world = World::default();
    let url = "https://h.example/hidden?token=hidden";
    let added = world.ok("webhookAdd", json!({"id": "bot", "url": url}));
    world.ok("webhookUpdate", json!({"id": "bot", "timeoutMs": 5}));
    // It changes nothing.
    world.ok("webhookUpdate", json!({"id": "bot", "timeoutMs": 5}));
    let rotated = world.ok("webhookRotate", json!({"id": "bot"}));
    world.ok("webhookRemove", json!({"id": "bot"}));
    let log = world.ok("auditLog", json!({}));
    let items = log["items"].as_array().unwrap();
    let mut kinds: Vec<&str> = items
        .iter()
        .map(|item| item["kind"].as_str().unwrap())
        .collect();
    kinds.sort_unstable();
    let expected = [
        "webhook.added",
        "webhook.removed",
        "webhook.rotated",
        "webhook.updated",
    ];
    assert_eq!(kinds, expected);
    let scan = Scan {
        kind: "audit".to_owned(),
        after: None,
        limit: 10,
    };
    for record in ready(world.store.scan(&scan)).unwrap() {
        for hidden in ["hidden", text(&added["secret"]), text(&rotated["secret"])] {
            assert!(!record.body.contains(hidden), "{record:?}");
        }
        // The key has the time and a digest of the entry, and no random bits.
        let (_, digest) = record.key.split_once('/').unwrap();
        assert_eq!(
            digest,
            Fingerprint::of("audit", record.body.as_str()).text()
        );
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

#[test]
fn there_are_64_endpoints_at_most() {
    let world = World::default();
    for number in 0..64 {
        add(&world, &format!("e{number}"), json!({}));
    }
    // One that is disabled counts.
    world.ok("webhookUpdate", json!({"id": "e0", "enabled": false}));
    let more = json!({"id": "more", "url": "https://h.example/"});
    assert_eq!(world.code("webhookAdd", more), "INVALID_ARGUMENT");
}
