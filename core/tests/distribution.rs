//! Distributions: the operation replies what a simple model computes from the sorted values of the sessions
//! that a filter selects, whether heads were read or not.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};
use tenure_core::store::heads::encode;
use tenure_core::stored::head::Usage;
use tenure_core::{Filter, Head, Lift, Limits, MemoryStore, Store, Timestamp};

use crate::filter_properties::{filter, heads};
use crate::support::{World, call, ready, scale};

/// Heads with values of all measures, some of which occur more than once.
fn measured_heads() -> impl Strategy<Value = Vec<Head>> {
    let small = || prop_oneof![0..4_u64, 0..300_u64, 0..1_u64 << 53];
    let values = (
        small(),
        small(),
        small(),
        0..300_u32,
        prop::option::of(-5..20_i64),
    );
    (heads(), prop::collection::vec(values, 30)).prop_map(|(mut heads, values)| {
        for (head, (prompt, completion, cost, iterations, ended)) in heads.iter_mut().zip(values) {
            head.iterations = iterations;
            head.usage = Usage {
                prompt_tokens: prompt,
                completion_tokens: completion,
                cost_nanos: cost,
            };
            head.finalized_at = ended.map(|after| {
                let at = head.created_at.as_millis() + after;
                Timestamp::from_millis(at).unwrap_or(head.created_at)
            });
        }
        heads
    })
}

/// The nearest ranks of values, the first of which is the least.
fn percentiles(mut values: Vec<u64>, unit: f64) -> Value {
    values.sort_unstable();
    let at = |share: f64| values[(share * values.len() as f64).ceil() as usize - 1] as f64 / unit;
    match values.is_empty() {
        true => Value::Null,
        false => json!({"median": at(0.5), "p95": at(0.95)}),
    }
}

/// What is said of the sessions of a group.
fn measures(heads: &[&Head]) -> [Value; 3] {
    let ended = heads
        .iter()
        .filter_map(|head| Some(head.finalized_at?.since(head.created_at)));
    let costs = heads.iter().map(|head| head.usage.cost_nanos);
    let tokens = heads.iter().map(|head| head.usage.total_tokens());
    [
        percentiles(ended.collect(), 1.0),
        percentiles(costs.collect(), 1e9),
        percentiles(tokens.collect(), 1.0),
    ]
}

/// The distribution of these sessions.
fn expected(heads: &[&Head], by: Option<&str>, most: usize) -> Value {
    let mut groups: BTreeMap<Option<String>, Vec<&Head>> = BTreeMap::new();
    for &head in heads {
        let name = match by {
            Some("mode") => Some(head.mode.clone()),
            Some("model") => head.model().map(|model| model.into_owned()),
            Some("user") => head.user_id.clone(),
            _ => continue,
        };
        groups.entry(name).or_default().push(head);
    }
    let mut ranked: Vec<_> = groups.into_iter().collect();
    ranked.sort_by_key(|(_, heads)| std::cmp::Reverse(heads.len()));
    let groups = ranked.iter().take(most).map(|(name, heads)| {
        let [duration, cost, tokens] = measures(heads);
        json!({"name": name, "sessions": heads.len(), "durationMs": duration, "cost": cost, "tokens": tokens})
    });
    let parts = [
        (0, 0),
        (1, 5),
        (6, 10),
        (11, 20),
        (21, 50),
        (51, 100),
        (101, 200),
        (201, u32::MAX),
    ];
    let iterations = parts.map(|(from, to)| {
        let within = heads
            .iter()
            .filter(|head| (from..=to).contains(&head.iterations));
        let end = (to < u32::MAX).then_some(to);
        json!({"from": from, "to": end, "sessions": within.count()})
    });
    let [duration, cost, tokens] = measures(heads);
    let all = json!({
        "total": heads.len(),
        "iterations": iterations,
        "durationMs": duration,
        "cost": cost,
        "tokens": tokens,
        "groups": groups.collect::<Vec<_>>(),
        "groupsOmitted": ranked.len().saturating_sub(most),
    });
    // Numbers that are read again may differ in their last bits.
    serde_json::from_str(&all.to_string()).unwrap()
}

fn distribution(store: &dyn Store, filter: &Filter, by: Option<&str>, most: usize) -> Value {
    let mut params = serde_json::to_value(filter).unwrap();
    params["by"] = json!(by);
    if by.is_some() {
        params["groups"] = json!(most);
    }
    let (limits, params) = (Limits::default(), params.to_string());
    let now = Timestamp::default();
    let reply = call(store, &limits, now, 0, "distribution", &params);
    serde_json::from_str(&ready(reply).unwrap().value).unwrap()
}

/// A fifth of the cases in a quick run.
fn cases() -> ProptestConfig {
    ProptestConfig::with_cases((scale() * 500.0) as u32)
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn a_distribution_is_that_of_the_sessions_that_the_filter_selects(
        heads in measured_heads(),
        filters in prop::collection::vec(filter(), 3),
        by in prop::sample::select(vec![None, Some("mode"), Some("model"), Some("user")]),
        most in 0..5_usize,
    ) {
        let mirror = MemoryStore::mirror();
        mirror.load_heads(encode(&heads, &[])).unwrap();
        let mirror = Lift(mirror);
        for filter in filters.iter().chain([&Filter::default()]) {
            let selected: Vec<&Head> = heads.iter().filter(|head| filter.matches(head)).collect();
            let expected = expected(&selected, by, most);
            prop_assert_eq!(distribution(&mirror, filter, by, most), expected, "{:?}", filter);
        }
    }
}

#[test]
fn a_distribution_counts_what_operations_have_done() {
    let world = World::default();
    for (id, user, model) in [
        ("a", Some("ann"), "opus"),
        ("b", Some("ben"), "haiku"),
        ("c", None, "opus"),
    ] {
        world.start(json!({"id": id, "userId": user, "metadata": {"model": model}}));
    }
    world.ok(
        "recordUsage",
        json!({"id": "a", "tokens": {"prompt": 5, "completion": 2}, "cost": 0.5}),
    );
    world.ok("incrementIteration", json!({"id": "a"}));
    world.pass(1500);
    world.ok("complete", json!({"id": "a"}));
    let none = json!({"median": 0.0, "p95": 0.0});
    let found = world.ok("distribution", json!({"by": "model", "groups": 1}));
    assert_eq!(
        found["groups"],
        json!([{
            "name": "opus",
            "sessions": 2,
            "durationMs": {"median": 1500.0, "p95": 1500.0},
            "cost": {"median": 0.0, "p95": 0.5},
            "tokens": {"median": 0.0, "p95": 7.0},
        }])
    );
    assert_eq!(
        (&found["total"], &found["groupsOmitted"]),
        (&json!(3), &json!(1))
    );
    assert_eq!(found["cost"], json!({"median": 0.0, "p95": 0.5}));
    assert_eq!(
        found["iterations"][0],
        json!({"from": 0, "to": 0, "sessions": 2})
    );
    assert_eq!(
        found["iterations"][1],
        json!({"from": 1, "to": 5, "sessions": 1})
    );
    let of_ben = world.ok("distribution", json!({"userId": "ben", "by": "user"}));
    assert_eq!(
        (&of_ben["tokens"], &of_ben["durationMs"]),
        (&none, &Value::Null)
    );
    assert_eq!(of_ben["groups"][0]["name"], "ben");
    // Sessions without a user are a group, too, and the first of those with as many.
    let by_user = world.ok("distribution", json!({"by": "user"}));
    let names = by_user["groups"]
        .as_array()
        .unwrap()
        .iter()
        .map(|group| &group["name"]);
    assert_eq!(
        names.collect::<Vec<_>>(),
        [&Value::Null, &json!("ann"), &json!("ben")]
    );
    assert_eq!(world.ok("distribution", json!({}))["groups"], json!([]));
    for params in [
        json!({"by": "task"}),
        json!({"groups": 1001}),
        json!({"users": 1}),
    ] {
        assert_eq!(world.code("distribution", params), "INVALID_ARGUMENT");
    }
}
