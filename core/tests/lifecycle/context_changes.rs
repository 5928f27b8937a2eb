//! The events that record changes of the context, and the forks that take them back.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{self, World};

fn events(world: &World, id: &str) -> Vec<Value> {
    let history = world.session(id)["history"].as_array().unwrap().clone();
    let changes = history
        .into_iter()
        .filter(|event| event["type"] == "context_change");
    changes.map(|event| event["data"].clone()).collect()
}

#[test]
fn a_change_of_the_context_is_recorded_with_the_values_before() {
    let world = World::default();
    let id = world.start(json!({"context": {"a": 1, "b": [2]}}));
    let change = |params: Value| {
        let mut all = json!({"id": id});
        all.as_object_mut()
            .unwrap()
            .extend(params.as_object().unwrap().clone());
        world.ok("updateContext", all)
    };
    change(json!({"context": {"a": 2, "c": null}}));
    change(json!({"context": {"a": 2}, "unset": ["b", "nothing"]}));
    change(json!({"context": {"a": 2, "c": null}}));
    change(json!({"context": {"d": {}}, "replace": true}));
    world.ok("update", json!({"id": id, "context": {"d": 5}}));
    assert_eq!(
        events(&world, &id),
        [
            json!({"set": {"a": 2, "c": null}, "was": {"a": 1}}),
            json!({"was": {"b": [2]}}),
            json!({"set": {"d": {}}, "was": {"a": 2, "c": null}}),
            json!({"set": {"d": 5}, "was": {"d": {}}}),
        ]
    );
    world.ok("pause", json!({"id": id, "reason": "r"}));
    world.ok("resume", json!({"id": id}));
    assert_eq!(events(&world, &id).len(), 4, "pausing has its own events");
}

#[test]
fn a_large_value_is_recorded_by_its_name_unless_all_are_wanted() {
    let world = World::default();
    let id = world.start(json!({}));
    let large = "x".repeat(4095);
    let change = |context: Value, record: &str| {
        let params = json!({"id": id, "context": context, "record": record});
        world.ok("updateContext", params)
    };
    change(json!({"plan": large, "step": 1}), "small");
    change(json!({"plan": "short", "step": 2}), "small");
    change(json!({"plan": large}), "all");
    change(json!({"plan": "none"}), "none");
    assert_eq!(
        events(&world, &id),
        [
            json!({"set": {"step": 1}, "changed": ["plan"]}),
            json!({"set": {"step": 2}, "was": {"step": 1}, "changed": ["plan"]}),
            json!({"set": {"plan": large}, "was": {"plan": "short"}}),
        ]
    );
    let params = json!({"id": id, "context": {}, "record": "some"});
    assert_eq!(world.code("updateContext", params), "INVALID_ARGUMENT");
}

#[test]
fn a_change_that_no_event_can_hold_is_recorded_by_its_names() {
    let world = World::default().with_limits(|limits| limits.max_depth = 3);
    let id = world.start(json!({}));
    let context = json!({"deep": {"a": {}}, "flat": 1});
    world.ok("updateContext", json!({"id": id, "context": context}));
    assert_eq!(events(&world, &id), [json!({"changed": ["deep", "flat"]})]);
    let text = world.export(&id);
    world.ok("import", json!({"text": text}));
}

#[test]
fn a_change_of_too_many_properties_is_recorded_without_their_names() {
    let world = World::default().with_limits(|limits| limits.max_context_bytes = 4 << 20);
    let many = |prefix: &str| -> Value {
        let names = (0..40_000).map(|number| (format!("{prefix}-{number:020}"), json!(1)));
        Value::Object(names.collect())
    };
    let id = world.start(json!({"context": many("a")}));
    let params = json!({"id": id, "context": many("b"), "replace": true});
    world.ok("updateContext", params);
    assert_eq!(events(&world, &id), [json!({"changed": []})]);
    let fork = |at: u64| json!({"id": id, "atSequence": at, "context": {"a": 1}});
    let error = world.error("fork", fork(1));
    assert!(error.to_string().contains("the context of then"), "{error}");
    world.ok("fork", fork(2));
}

#[test]
fn nobody_else_records_a_change_of_the_context() {
    let world = World::default();
    let id = world.start(json!({}));
    let params = json!({"id": id, "type": "context_change", "data": {"was": {"a": 1}}});
    assert_eq!(world.code("addEvent", params), "INVALID_ARGUMENT");
}

#[test]
fn a_fork_has_the_tools_that_were_used_by_then() {
    let world = World::default();
    let id = world.start(json!({"metadata": {"toolsUsed": ["given"]}}));
    for tool in ["a", "b", "a"] {
        world.ok("recordToolCall", json!({"id": id, "tool": tool}));
    }
    world.ok("startToolCall", json!({"id": id, "tool": "c", "args": {}}));
    let tools = |at: u64| {
        let fork = world.ok("fork", json!({"id": id, "atSequence": at}));
        fork["metadata"]["toolsUsed"].clone()
    };
    assert_eq!(tools(1), json!(["given"]));
    assert_eq!(tools(2), json!(["given", "a"]));
    assert_eq!(tools(4), json!(["given", "a", "b"]));
    assert_eq!(tools(5), json!(["given", "a", "b", "c"]));
}

#[test]
fn a_fork_from_before_a_change_that_is_not_recorded_needs_the_value() {
    let world = World::default();
    let id = world.start(json!({"context": {"plan": "x".repeat(5000)}}));
    let params = json!({"id": id, "context": {"plan": "short"}});
    world.ok("updateContext", params);
    world.ok(
        "updateContext",
        json!({"id": id, "context": {"plan": "last"}}),
    );
    let at = |at: u64, context: Value| json!({"id": id, "atSequence": at, "context": context});
    let error = world.error("fork", at(1, json!({})));
    assert_eq!(error.code(), "INVALID_ARGUMENT");
    assert!(error.to_string().contains("`plan`"), "{error}");
    let given = world.ok("fork", at(1, json!({"plan": "given"})));
    assert_eq!(given["context"], json!({"plan": "given"}));
    let later = world.ok("fork", at(2, json!({})));
    assert_eq!(later["context"], json!({"plan": "short"}), "it is recorded");
}

#[derive(Debug, Clone)]
enum Change {
    Merge(Value),
    Unset(&'static str),
    Replace(Value),
    Pause,
    Resume,
    Note,
}

fn change() -> impl Strategy<Value = Change> {
    let key = prop::sample::select(&["a", "b", "c", "__proto__", "pausedAt"][..]);
    let value = prop::sample::select(vec![json!(1), json!("x"), json!({"n": [1]}), json!(null)]);
    let object = prop::collection::vec((key.clone(), value), 0..4).prop_map(|properties| {
        let properties = properties.into_iter();
        Value::Object(
            properties
                .map(|(key, value)| (key.to_owned(), value))
                .collect(),
        )
    });
    prop_oneof![
        4 => object.clone().prop_map(Change::Merge),
        2 => key.prop_map(Change::Unset),
        1 => object.prop_map(Change::Replace),
        1 => Just(Change::Pause),
        1 => Just(Change::Resume),
        1 => Just(Change::Note),
    ]
}

/// A context without what pausing adds.
fn own(context: &Value) -> Value {
    let mut context = context.clone();
    for name in ["pausedAt", "pauseReason"] {
        context.as_object_mut().unwrap().remove(name);
    }
    context
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: (200.0 * support::scale()).ceil() as u32,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_fork_has_the_context_of_its_event(changes in prop::collection::vec(change(), 1..12)) {
        let world = World::default();
        let id = world.start(json!({"context": {"a": 0}}));
        let mut contexts = vec![own(&world.session(&id)["context"])];
        for change in changes {
            let params = match &change {
                Change::Merge(context) => json!({"id": id, "context": context}),
                Change::Unset(name) => json!({"id": id, "context": {}, "unset": [name]}),
                Change::Replace(context) => json!({"id": id, "context": context, "replace": true}),
                Change::Note => json!({"id": id, "type": "note"}),
                Change::Pause | Change::Resume => json!({"id": id}),
            };
            let operation = match change {
                Change::Merge(_) | Change::Unset(_) | Change::Replace(_) => "updateContext",
                Change::Note => "addEvent",
                Change::Pause => "pause",
                Change::Resume => "resume",
            };
            // Pausing twice is refused.
            let _ = world.call(operation, params);
            let session = world.session(&id);
            let count = session["history"].as_array().unwrap().len();
            contexts.resize(count, own(&session["context"]));
            if let Some(last) = contexts.last_mut() {
                *last = own(&session["context"]);
            }
        }
        for (at, context) in contexts.iter().enumerate() {
            let fork = world.ok("fork", json!({"id": id, "atSequence": at + 1}));
            prop_assert_eq!(&fork["context"], context, "at event {}", at + 1);
        }
    }
}
