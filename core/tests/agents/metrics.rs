//! The metrics of agents.

use serde_json::{Value, json};

use crate::support::{World, iso};

const DAY: i64 = 86_400_000;

fn stats(world: &World) -> Value {
    world.ok("agentStats", json!({}))
}

#[test]
fn without_agents_every_metric_is_null_and_no_target_is_missed() {
    let world = World::default();
    world.start(json!({}));
    let stats = stats(&world);
    assert_eq!(
        (&stats["total"], &stats["createdPerDay"]),
        (&json!(0), &json!(0.0))
    );
    for (name, target, wanted) in [
        ("resumeRate", 60.0, "above"),
        ("resumeSuccessRate", 80.0, "above"),
        ("medianDurationMs", 300_000.0, "below"),
        ("p95DurationMs", 1_800_000.0, "below"),
        ("errorRate", 10.0, "below"),
        ("storageBytes", 100_000_000.0, "below"),
    ] {
        let expected = json!({"value": null, "target": target, "wanted": wanted, "met": null});
        assert_eq!(stats[name], expected, "{name}");
    }
    assert_eq!(stats["lastCleanup"], Value::Null);
}

#[test]
fn resume_rates_are_shares_of_decisions_and_of_finalized_agents() {
    let world = World::default();
    for id in ["good", "bad", "open"] {
        world.ok("agentCreate", json!({"agentName": "a", "id": id}));
        world.ok("agentUpdate", json!({"id": id, "phase": "planning"}));
        let input = json!({"agent_id": id}).to_string();
        world.ok("hookPreDelegate", json!({"input": input}));
        world.ok("hookPreDelegate", json!({"input": input}));
    }
    world.ok("agentCreate", json!({"agentName": "b", "id": "never"}));
    for id in ["never", "nobody"] {
        let input = json!({"agent_id": id}).to_string();
        world.ok("hookPreDelegate", json!({"input": input}));
    }
    for (id, outcome) in [
        ("good", "completed"),
        ("bad", "failed"),
        ("never", "completed"),
    ] {
        world.ok("agentFinalize", json!({"id": id, "outcome": outcome}));
    }
    let metrics = stats(&world);
    assert_eq!(
        (&metrics["decisions"], &metrics["resumed"]),
        (&json!(8), &json!(6))
    );
    assert_eq!(metrics["resumeRate"]["value"], 75.0);
    assert_eq!(metrics["resumeRate"]["met"], true);
    assert_eq!(metrics["resumeSuccessRate"]["value"], 50.0);
    assert_eq!(metrics["resumeSuccessRate"]["met"], false);
    let metrics = world.ok("agentStats", json!({"agentName": "b"}));
    assert_eq!(
        (&metrics["total"], &metrics["decisions"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(metrics["resumeRate"]["value"], 0.0);
    assert_eq!(metrics["resumeSuccessRate"]["value"], Value::Null);
}

#[test]
fn durations_and_rates_exclude_agents_in_the_trash() {
    let world = World::default();
    for number in 0..20 {
        let id = format!("a{number:02}");
        world.ok(
            "agentCreate",
            json!({"agentName": format!("n{}", number % 2), "id": id}),
        );
        if number == 3 {
            world.ok("agentUpdate", json!({"id": id, "error": "e"}));
        }
    }
    for number in 0..20 {
        world.pass(60_000);
        let id = format!("a{number:02}");
        world.ok("agentFinalize", json!({"id": id, "outcome": "completed"}));
    }
    world.ok("agentCreate", json!({"agentName": "n0", "id": "gone"}));
    world.ok("agentFinalize", json!({"id": "gone", "outcome": "failed"}));
    world.ok("trash", json!({"id": "gone"}));
    world.pass(4 * DAY - 20 * 60_000);
    let metrics = stats(&world);
    assert_eq!(metrics["total"], 20);
    assert_eq!(metrics["createdPerDay"], 5.0);
    assert_eq!(metrics["byAgent"], json!({"n0": 10, "n1": 10}));
    assert_eq!(metrics["byPhase"]["completed"], 20);
    assert_eq!(metrics["byPhase"]["failed"], 0);
    assert_eq!(metrics["active"], 0);
    assert_eq!(metrics["medianDurationMs"]["value"], 600_000.0);
    assert_eq!(metrics["medianDurationMs"]["met"], false);
    assert_eq!(metrics["p95DurationMs"]["value"], 19.0 * 60_000.0);
    assert_eq!(metrics["p95DurationMs"]["met"], true);
    assert_eq!(metrics["errorRate"]["value"], 5.0);
    assert_eq!(metrics["errorRate"]["met"], true);
}

#[test]
fn the_storage_size_includes_sessions_until_they_are_deleted() {
    let world = World::default();
    let bytes = |params: Value| world.ok("agentStats", params)["storageBytes"]["value"].clone();
    let metadata = json!({"text": "x".repeat(10_000)});
    world.ok(
        "agentCreate",
        json!({"agentName": "a", "id": "s", "metadata": metadata}),
    );
    let small = bytes(json!({})).as_f64().unwrap();
    assert!((10_000.0..12_000.0).contains(&small), "{small}");
    let data = json!({"text": "x".repeat(50_000)});
    world.ok("addEvent", json!({"id": "s", "type": "note", "data": data}));
    let large = bytes(json!({})).as_f64().unwrap();
    assert!(
        (small + 50_000.0..small + 51_000.0).contains(&large),
        "{large}"
    );
    assert_eq!(bytes(json!({"storage": false})), Value::Null);
    // The target is about the disk, if its size is known.
    let on_disk = world.ok("agentStats", json!({"diskBytes": 200_000_000}));
    assert_eq!(on_disk["storageBytes"]["value"], 200_000_000.0);
    assert_eq!(on_disk["storageBytes"]["met"], false);
    assert_eq!(on_disk["textBytes"].as_f64(), Some(large));
    world.ok("trash", json!({"id": "s"}));
    assert_eq!(bytes(json!({})), large);
    world.ok("delete", json!({"id": "s"}));
    assert_eq!(bytes(json!({})), Value::Null);
}

#[test]
fn a_dry_run_is_not_the_last_cleanup() {
    let world = World::default();
    world.ok("agentCleanup", json!({}));
    let at = iso(world.now());
    world.pass(1000);
    world.ok("agentCleanup", json!({"dryRun": true}));
    assert_eq!(stats(&world)["lastCleanup"], at);
    world.ok("agentCleanup", json!({}));
    assert_eq!(stats(&world)["lastCleanup"], iso(world.now()));
}

#[test]
fn events_of_the_last_thirty_days_count_by_default() {
    let world = World::default();
    world.ok("agentCleanup", json!({}));
    let within = |within: Value| {
        let metrics = world.ok("agentStats", json!({"within": within}));
        !metrics["lastCleanup"].is_null()
    };
    world.pass(30 * 24 * 60 * 60 * 1000);
    assert!(within(Value::Null));
    world.pass(1);
    assert!(!within(Value::Null));
    assert!(within(json!("31d")));
    assert!(!within(json!("1h")));
}
