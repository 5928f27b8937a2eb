//! The cleanup of expired records.

use serde_json::{Value, json};

use super::entries;
use crate::support::World;

const HOUR: i64 = 60 * 60 * 1000;
const YEAR: i64 = 365 * 24 * HOUR;

fn admit(world: &World, commit: &str) {
    let run = json!({
        "eventType": "pull_request", "workflow": "ci", "commitSha": commit, "runId": "1"
    });
    assert_eq!(world.ok("dedupAdmit", run)["skip"], false);
}

#[test]
fn expired_runs_are_removed_and_leases_keep_their_tokens() {
    let world = World::default();
    let token = |holder: &str| {
        let lease = json!({"key": "l", "holder": holder, "leaseDurationMs": 1000});
        world.ok("leaseAcquire", lease)["lease"]["token"].as_u64()
    };
    assert_eq!(token("h"), Some(1));
    admit(&world, "1111111111");
    world.pass(2 * HOUR);
    admit(&world, "2222222222");
    let cleaned = |dry_run: bool| world.ok("cleanupRecords", json!({"dryRun": dry_run}));
    let answer = |dry_run: bool| json!({"runs": 2, "entries": 0, "dryRun": dry_run});
    assert_eq!(cleaned(true), answer(true));
    assert_eq!(cleaned(false), answer(false));
    assert_eq!(cleaned(false)["runs"], 0);
    let kept = world.ok("dedupList", json!({"ended": true}));
    assert_eq!(kept["items"].as_array().unwrap().len(), 2, "{kept}");
    assert_eq!(token("other"), Some(2));
}

#[test]
fn audit_entries_are_kept_for_a_year_or_the_given_duration() {
    let world = World::default();
    let kinds = |world: &World| -> Vec<Value> {
        let entries = entries(world);
        let entries = entries.as_array().unwrap().iter();
        entries.map(|entry| entry["subject"].clone()).collect()
    };
    world.start(json!({"id": "a"}));
    world.start(json!({"id": "b"}));
    world.ok("trash", json!({"id": "a"}));
    world.pass(HOUR);
    world.ok("trash", json!({"id": "b"}));
    world.pass(YEAR - HOUR - 1);
    assert_eq!(world.ok("cleanupRecords", json!({}))["entries"], 0);
    world.pass(1);
    let plan = world.ok("cleanupRecords", json!({"dryRun": true}));
    assert_eq!(plan["entries"], 1);
    assert_eq!(world.ok("cleanupRecords", json!({}))["entries"], 1);
    assert_eq!(kinds(&world), ["b"]);
    assert_eq!(
        world.ok("cleanupRecords", json!({"keepAudit": "300d"}))["entries"],
        1
    );
    assert_eq!(kinds(&world), [""; 0]);
}
