//! Tokens and costs: their sums in sessions and in statistics.

use serde_json::{Value, json};

use crate::support::World;

#[test]
fn sums_of_money_are_exact() {
    let world = World::default();
    let id = world.start(json!({}));
    world.ok("recordUsage", json!({"id": id, "cost": 0.1}));
    let head = world.ok("recordUsage", json!({"id": id, "cost": 0.2}));
    assert_eq!(head["metadata"]["cost"], 0.3);
    for _ in 0..1000 {
        world.ok("recordUsage", json!({"id": id, "cost": 0.001}));
    }
    let head = world.ok("recordUsage", json!({"id": id, "cost": 1e-9}));
    let text = head["metadata"]["cost"].to_string();
    assert_eq!(text, "1.300000001");
    assert_eq!(world.ok("stats", json!({}))["usage"]["cost"], 1.300000001);
}

#[test]
fn tokens_are_added_to_the_metadata_of_the_user() {
    let world = World::default();
    let id = world.start(json!({"metadata": {"model": "m", "tokens": {"cached": 9}}}));
    world.ok(
        "recordUsage",
        json!({"id": id, "tokens": {"prompt": 10, "completion": 5}}),
    );
    let head = world.ok(
        "recordUsage",
        json!({"id": id, "tokens": {"prompt": 1}, "cost": 2}),
    );
    assert_eq!(
        head["metadata"],
        json!({
            "model": "m",
            "tokens": {"cached": 9, "prompt": 11, "completion": 5, "total": 16},
            "cost": 2
        })
    );
    assert_eq!(head["eventCount"], 1, "usage records no event");
}

#[test]
fn usage_in_the_initial_metadata_is_counted() {
    let world = World::default();
    let id = world.start(json!({
        "metadata": {"tokens": {"prompt": 100, "completion": 50, "total": 150}, "cost": 0.7}
    }));
    let usage = world.ok("stats", json!({}))["usage"].clone();
    let tokens = json!({"prompt": 100, "completion": 50, "total": 150});
    assert_eq!(usage, json!({"tokens": tokens, "cost": 0.7}));
    let head = world.ok(
        "recordUsage",
        json!({"id": id, "tokens": {"completion": 1}, "cost": 0.1}),
    );
    assert_eq!(head["metadata"]["tokens"]["total"], 151);
    assert_eq!(head["metadata"]["cost"], 0.8);
    world.ok("update", json!({"id": id, "metadata": {"cost": 5}}));
    assert_eq!(world.ok("stats", json!({}))["usage"]["cost"], 5.0);
}

#[test]
fn invalid_usage_is_refused_or_ignored() {
    let world = World::default();
    let id = world.start(json!({}));
    let before = world.export(&id);
    for params in [
        r#"{"id":"ID","cost":-0.1}"#,
        r#"{"id":"ID","cost":1e400}"#,
        r#"{"id":"ID","cost":"1"}"#,
        r#"{"id":"ID","tokens":{"prompt":-1}}"#,
        r#"{"id":"ID","tokens":{"prompt":1.5}}"#,
        r#"{"id":"ID","tokens":{"total":1}}"#,
        r#"{"id":"ID","tokens":[1,2]}"#,
    ] {
        let answer = world.raw("recordUsage", &params.replace("ID", &id));
        assert_eq!(answer.unwrap_err().code(), "INVALID_ARGUMENT", "{params}");
        assert_eq!(world.export(&id), before);
    }
    for metadata in [
        json!({"tokens": "many", "cost": "free"}),
        json!({"tokens": {"prompt": -1, "completion": 1.5}, "cost": -3}),
        json!({"tokens": [1], "cost": null}),
    ] {
        world.start(json!({"metadata": metadata}));
    }
    assert_eq!(
        world.ok("stats", json!({}))["usage"],
        json!({"tokens": {"prompt": 0, "completion": 0, "total": 0}, "cost": 0.0})
    );
}

#[test]
fn sums_stop_at_the_largest_safe_integer_of_javascript() {
    let world = World::default();
    let id = world.start(json!({}));
    for _ in 0..2 {
        let tokens = json!({"prompt": u64::MAX, "completion": 3});
        world.ok(
            "recordUsage",
            json!({"id": id, "tokens": tokens, "cost": 9_007_199}),
        );
    }
    let metadata = &world.session(&id)["metadata"];
    let most = (1_u64 << 53) - 1;
    assert_eq!(
        metadata["tokens"],
        json!({"prompt": most, "completion": 6, "total": most + 6})
    );
    assert_eq!(metadata["cost"], (most as f64) / 1e9);
    world.ok("stats", json!({}));
}

#[test]
fn a_cost_that_cannot_be_counted_exactly_is_refused() {
    let world = World::default();
    let id = world.start(json!({}));
    for cost in [json!(9_007_200), json!(1e300), json!(-0.01)] {
        let params = json!({"id": id, "cost": cost});
        assert_eq!(world.code("recordUsage", params), "INVALID_ARGUMENT");
    }
    assert_eq!(world.session(&id)["metadata"], Value::Null);
}

#[test]
fn usage_of_a_finished_session_is_counted() {
    let world = World::default();
    let id = world.start(json!({}));
    world.ok("complete", json!({"id": id}));
    let head = world.ok("recordUsage", json!({"id": id, "cost": 0.5}));
    assert_eq!(head["metadata"]["cost"], 0.5);
}

#[test]
fn statistics_of_an_empty_store_are_zeros() {
    let zero = json!({"tokens": {"prompt": 0, "completion": 0, "total": 0}, "cost": 0.0});
    assert_eq!(
        World::default().ok("stats", json!({})),
        json!({
            "total": 0,
            "byStatus": {
                "active": 0, "paused": 0, "completed": 0, "failed": 0, "timeout": 0, "abandoned": 0
            },
            "byMode": {},
            "byModel": {},
            "averageIterations": 0.0,
            "successRate": 0.0,
            "finishedSuccessRate": 0.0,
            "usage": zero,
            "usageByMode": {},
            "usageByModel": {},
            "usageByUser": {},
            "usersOmitted": 0
        })
    );
}

/// Eight sessions in two modes, of two users.
fn populated() -> World {
    let world = World::default();
    let start = |mode: &str, user: Option<&str>, iterations: u32, cost: f64| {
        let id = world.start(json!({"mode": mode, "userId": user, "maxIterations": 4}));
        for _ in 0..iterations {
            world.ok("incrementIteration", json!({"id": id}));
        }
        let tokens = json!({"prompt": 10, "completion": 1});
        world.ok(
            "recordUsage",
            json!({"id": id, "tokens": tokens, "cost": cost}),
        );
        id
    };
    let end = |operation: &str, id: String| world.ok(operation, json!({"id": id}));
    end("complete", start("developer", Some("ann"), 3, 0.1));
    end("complete", start("developer", Some("bob"), 1, 0.2));
    end("complete", start("review", None, 2, 0.3));
    end("fail", start("developer", Some("ann"), 0, 0.4));
    end("abandon", start("review", Some("ann"), 0, 0.5));
    end("pause", start("review", Some("bob"), 1, 0.6));
    start("developer", None, 4, 0.7);
    start("review", Some("ann"), 1, 0.8);
    world
}

#[test]
fn statistics_count_by_the_model_of_the_slot_or_of_the_metadata() {
    let world = World::default();
    let start = |model: Value| {
        let id = world.start(json!({"metadata": {"model": model}}));
        world.ok("recordUsage", json!({"id": id, "tokens": {"prompt": 1}}));
        id
    };
    let moved = start(json!("opus"));
    start(json!("opus"));
    start(json!({"name": "opus"}));
    start(json!("x".repeat(257)));
    world.start(json!({}));
    let slot = json!({
        "taskId": "T", "phase": "plan", "model": "haiku", "task": "t", "mode": "m",
        "metadata": {"model": "opus"}
    });
    world.ok("startInSlot", slot);
    world.ok(
        "update",
        json!({"id": moved, "metadata": {"model": "sonnet"}}),
    );
    let stats = world.ok("stats", json!({}));
    assert_eq!(
        stats["byModel"],
        json!({"haiku": 1, "opus": 1, "sonnet": 1})
    );
    let tokens = |model: &str| stats["usageByModel"][model]["tokens"]["prompt"].clone();
    assert_eq!((tokens("haiku"), tokens("sonnet")), (json!(0), json!(1)));
    for (model, count) in [("haiku", 1), ("opus", 1), ("sonnet", 1), ("nobody", 0)] {
        let list = world.ok("list", json!({"model": model}));
        assert_eq!(list["items"].as_array().unwrap().len(), count, "{model}");
    }
}

#[test]
fn statistics_count_by_status_mode_and_user() {
    let world = populated();
    let stats = world.ok("stats", json!({}));
    assert_eq!(stats["total"], 8);
    assert_eq!(
        stats["byStatus"],
        json!({"active": 1, "paused": 1, "completed": 3, "failed": 1, "timeout": 1, "abandoned": 1})
    );
    assert_eq!(stats["byMode"], json!({"developer": 4, "review": 4}));
    assert_eq!(stats["averageIterations"], 1.5);
    assert_eq!(stats["successRate"], 37.5);
    assert_eq!(stats["finishedSuccessRate"], 60.0);
    let usage = |sessions: u64, cost: f64| {
        let tokens =
            json!({"prompt": 10 * sessions, "completion": sessions, "total": 11 * sessions});
        json!({"tokens": tokens, "cost": cost})
    };
    assert_eq!(stats["usage"], usage(8, 3.6));
    assert_eq!(
        stats["usageByMode"],
        json!({"developer": usage(4, 1.4), "review": usage(4, 2.2)})
    );
    assert_eq!(
        stats["usageByUser"],
        json!({"ann": usage(4, 1.8), "bob": usage(2, 0.8)})
    );
}

#[test]
fn statistics_list_the_users_with_the_most_sessions() {
    let world = populated();
    let of = |params: Value| {
        let stats = world.ok("stats", params);
        let users = stats["usageByUser"].as_object().unwrap();
        let names: Vec<String> = users.keys().cloned().collect();
        (names.join(","), stats["usersOmitted"].as_u64().unwrap())
    };
    assert_eq!(of(json!({})), ("ann,bob".to_owned(), 0));
    assert_eq!(of(json!({"users": 1})), ("ann".to_owned(), 1));
    assert_eq!(of(json!({"users": 0})), (String::new(), 2));
    assert_eq!(
        of(json!({"users": 1, "userId": "bob"})),
        ("bob".to_owned(), 0)
    );
    assert_eq!(
        world.code("stats", json!({"users": 1001})),
        "INVALID_ARGUMENT"
    );
}

#[test]
fn statistics_can_be_filtered() {
    let world = populated();
    let of = |filter: Value| {
        let stats = world.ok("stats", filter);
        (
            stats["total"].as_u64().unwrap(),
            stats["successRate"].as_f64().unwrap(),
        )
    };
    assert_eq!(of(json!({"userId": "ann"})), (4, 25.0));
    assert_eq!(
        of(json!({"mode": "developer", "status": "completed"})),
        (2, 100.0)
    );
    assert_eq!(of(json!({"status": []})), (0, 0.0));
    assert_eq!(world.code("stats", json!({"limit": 3})), "INVALID_ARGUMENT");
    let list = world.ok("list", json!({"userId": "bob", "status": "paused"}));
    let id = &list["items"][0]["id"];
    world.ok("trash", json!({"id": id}));
    assert_eq!(
        of(json!({})),
        (7, 3.0 / 7.0 * 100.0),
        "the trash does not count"
    );
    assert_eq!(of(json!({"trash": "only"})).0, 1);
    assert_eq!(of(json!({"trash": "include"})).0, 8);
}

#[test]
fn tokens_from_a_cache_and_for_reasoning_are_counted_beside_the_others() {
    let world = World::default();
    let id = world.start(json!({}));
    let tokens = json!({"prompt": 10, "completion": 5, "cached": 7, "reasoning": 3});
    world.ok("recordUsage", json!({"id": id, "tokens": tokens}));
    world.ok("recordUsage", json!({"id": id, "tokens": {"cached": 1}}));
    let head = world.ok(
        "recordUsage",
        json!({"id": id, "tokens": {"reasoning": u64::MAX}}),
    );
    assert_eq!(
        head["metadata"]["tokens"],
        json!({
            "prompt": 10, "completion": 5, "total": 15, "cached": 8,
            "reasoning": 9_007_199_254_740_991_u64
        })
    );
}
