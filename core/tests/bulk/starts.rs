//! Bulk starts in slots have the results of single starts.

use proptest::prelude::*;
use serde_json::{Value, json};
use tenure_core::Models;

use super::visible_state;
use crate::support::{World, scale};

fn start() -> impl Strategy<Value = Value> {
    (
        prop::sample::select(vec!["t", "u", ""]),
        prop::sample::select(vec!["plan", "run"]),
        prop::sample::select(vec!["a", "b", "gone"]),
        prop::sample::select(vec!["confirm", "replace", "reject"]),
        any::<bool>(),
        prop::sample::select(vec!["optimistic", "optimistic", "pessimistic"]),
        0..12u8,
    )
        .prop_map(|(task, phase, model, change, rerun, locking, id)| {
            json!({
                "id": format!("s{id}"), "taskId": task, "phase": phase, "model": model,
                "task": "", "mode": "m", "onModelChange": change, "rerun": rerun,
                "locking": locking, "exportOld": rerun
            })
        })
}

fn compare(calls: &[Vec<Value>]) -> Result<(), TestCaseError> {
    let world = || {
        World::default()
            .with_limits(|limits| limits.models = Models::Names(vec!["a".into(), "b".into()]))
    };
    let (together, alone) = (world(), world());
    for starts in calls {
        together.pass(1);
        alone.pass(1);
        let reply = together
            .call("startInSlots", json!({"starts": starts}))
            .unwrap();
        let answers: Vec<Value> = serde_json::from_str(&reply.value).unwrap();
        let mut notices: Vec<Value> = Vec::new();
        prop_assert_eq!(answers.len(), starts.len());
        for (answer, start) in answers.iter().zip(starts) {
            match alone.call("startInSlot", start.clone()) {
                Ok(one) => {
                    let expected: Value = serde_json::from_str(&one.value).unwrap();
                    prop_assert_eq!(answer, &expected, "{}", start);
                    notices.extend(serde_json::from_str::<Vec<Value>>(&one.notices).unwrap());
                }
                Err(error) => {
                    prop_assert_eq!(&answer["outcome"], "failed");
                    prop_assert_eq!(&answer["code"], error.code());
                    prop_assert_eq!(&answer["problem"], &error.to_string());
                }
            }
        }
        let sent: Vec<Value> = serde_json::from_str(&reply.notices).unwrap();
        prop_assert_eq!(sent, notices);
        // The visible state excludes the key of a released lease, which compare.
        prop_assert_eq!(visible_state(&together), visible_state(&alone));
    }
    Ok(())
}

#[test]
fn bulk_starts_give_the_results_of_single_starts() {
    let config = ProptestConfig {
        cases: (scale() * 2000.0).ceil() as u32,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let calls = prop::collection::vec(prop::collection::vec(start(), 0..8), 1..4);
    proptest!(config, |(calls in calls)| compare(&calls)?);
}

#[test]
fn a_start_with_the_id_of_a_session_of_the_same_commit_supersedes_nothing() {
    let start = |id: &str, phase: &str, model: &str| {
        json!({
            "id": id, "taskId": "u", "phase": phase, "model": model, "task": "", "mode": "m",
            "onModelChange": "replace"
        })
    };
    let calls = [
        vec![start("s0", "run", "b"), start("s4", "plan", "b")],
        vec![start("s1", "plan", "a"), start("s4", "run", "a")],
    ];
    compare(&calls).unwrap();
}

#[test]
fn a_bulk_start_generates_different_ids_and_takes_at_most_a_hundred_starts() {
    let world = World::default();
    let starts = |count: usize| -> Vec<Value> {
        (0..count)
            .map(|task| {
                json!({"taskId": task.to_string(), "phase": "plan", "model": "a", "task": "", "mode": "m"})
            })
            .collect()
    };
    let answers = world.ok("startInSlots", json!({"starts": starts(100)}));
    let mut ids: Vec<&str> = answers
        .as_array()
        .unwrap()
        .iter()
        .map(|answer| answer["session"]["id"].as_str().unwrap())
        .collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 100);
    assert_eq!(
        world.code("startInSlots", json!({"starts": starts(101)})),
        "INVALID_ARGUMENT"
    );
    assert_eq!(world.ok("startInSlots", json!({"starts": []})), json!([]));
    let wrong = world.error("startInSlots", json!({"starts": [{"taskId": "t"}]}));
    assert!(wrong.to_string().starts_with("starts[0]: "), "{wrong}");
}
