//! The replies of the hooks, to valid and to invalid input.

use proptest::prelude::*;
use serde_json::{Value, json};
use tenure_apps::hooks::request::{Hook, store_unavailable};
use tenure_core::error::Cause;
use tenure_core::store::tally::{Aggregate, Tally};
use tenure_core::store::{
    Answer, Capabilities, Changes, Commit, History, ListQuery, Loaded, Page, Scan, Store,
};
use tenure_core::stored::record::Record;
use tenure_core::{Error, Filter, SessionId};

use super::finalization::audit;
use super::phases::agent;
use crate::support::World;

#[test]
fn a_task_resumes_its_waiting_session() {
    let world = World::default();
    let metadata = json!({"task_id": "T001", "tags": ["terraform"]});
    let params = json!({"agentName": "terraform-architect", "id": "a", "metadata": metadata});
    world.ok("agentCreate", params);
    world.pass(30_999);
    world.ok("agentUpdate", json!({"id": "a", "phase": "investigating"}));
    world.pass(60_000);
    world.ok("requestApproval", json!({"id": "a"}));
    world.pass(300_000);
    let input = json!({"agent_name": "terraform-architect", "agent_id": "a", "x": 1});
    let (exit, output) = delegate(&world, &input);
    assert_eq!((exit, &output["should_resume"]), (0, &json!(false)));
    assert_eq!(output["reason"], "session_not_resumable");
    assert_eq!(output["details"]["code"], "awaiting_approval");
    world.ok("approve", json!({"id": "a", "by": "ada"}));
    world.pass(600_000);
    assert_eq!(
        delegate(&world, &input),
        (
            0,
            json!({
                "should_resume": true, "reason": "session_resumable", "agent_id": "a",
                "resume_metadata": {
                    "previous_phase": "approval", "created_at": "2026-01-08T18:05:30Z",
                    "history": [
                        {"from_phase": "initializing", "to_phase": "investigating",
                         "timestamp": "2026-01-08T18:06:00Z"},
                        {"from_phase": "investigating", "to_phase": "approval",
                         "timestamp": "2026-01-08T18:07:00Z"}
                    ],
                    "session_metadata": metadata
                },
                "details": {
                    "code": "resumable",
                    "message": "it was active 600 s ago and can go on; its phase: approval",
                    "status": "active", "phase": "approval", "resume_ready": true, "error_count": 0,
                    "max_errors": 3, "idle_ms": 600_000, "idle_limit_ms": 1_800_000
                },
                "original_context": input
            })
        )
    );
}

#[test]
fn nested_and_flat_inputs_are_equivalent() {
    let world = World::default();
    let id = agent(&world);
    world.ok("agentUpdate", json!({"id": id, "phase": "planning"}));
    for input in [
        json!({"agent_id": id}),
        json!({"task_info": {"agent_id": id}}),
        json!({"task_info": {"agent_id": id}, "agent_id": "other"}),
        json!({"task_info": {"agent_id": null}, "agent_id": id}),
        json!({"task_info": "none", "agent_id": id}),
    ] {
        let (_, output) = delegate(&world, &input);
        assert_eq!(output["agent_id"], json!(id), "{input}");
        assert_eq!(output["should_resume"], true, "{input}");
    }
}

#[test]
fn every_refusal_has_its_reason_in_the_details() {
    let world = World::default();
    let ids: Vec<String> = (0..4).map(|_| agent(&world)).collect();
    for id in &ids[1..] {
        world.ok("agentUpdate", json!({"id": id, "phase": "planning"}));
    }
    world.ok("agentUpdate", json!({"id": ids[1], "resumeReady": false}));
    for _ in 0..3 {
        world.ok("agentUpdate", json!({"id": ids[2], "error": "e"}));
    }
    world.ok("agentFinalize", json!({"id": ids[3], "outcome": "failed"}));
    for (id, reason, code) in [
        (
            ids[0].as_str(),
            "session_not_resumable",
            "phase_not_resumable",
        ),
        (&ids[1], "session_not_resumable", "not_ready"),
        (&ids[2], "session_not_resumable", "too_many_errors"),
        (&ids[3], "session_not_resumable", "finished"),
        ("nobody", "no_existing_session", "not_found"),
        ("../../etc", "no_existing_session", "invalid_id"),
        ("", "no_existing_session", "no_agent_id"),
    ] {
        let (exit, output) = delegate(&world, &json!({"agent_id": id}));
        assert_eq!(exit, 0);
        assert_eq!(output["should_resume"], false);
        assert_eq!(output["reason"], reason, "{id}");
        assert_eq!(output["details"]["code"], code, "{id}");
        assert_eq!(output["resume_metadata"], Value::Null);
    }
}

#[test]
fn without_an_id_the_same_task_of_the_same_agent_is_resumed() {
    let world = World::default();
    for (id, name, task) in [
        ("old", "a", json!("T1")),
        ("new", "a", json!("T1")),
        ("done", "a", json!("T1")),
        ("other", "a", json!("T2")),
        ("theirs", "b", json!("T3")),
        ("number", "a", json!(7)),
    ] {
        let metadata = json!({"task_id": task});
        world.ok(
            "agentCreate",
            json!({"agentName": name, "id": id, "metadata": metadata}),
        );
        world.ok("agentUpdate", json!({"id": id, "phase": "planning"}));
        world.pass(1000);
    }
    world.ok(
        "agentFinalize",
        json!({"id": "done", "outcome": "completed"}),
    );
    let found = |name: &str, task: Value| {
        let (_, output) = delegate(&world, &json!({"agent_name": name, "task_id": task}));
        output["agent_id"].clone()
    };
    assert_eq!(found("a", json!("T1")), "new");
    world.ok("agentUpdate", json!({"id": "old"}));
    assert_eq!(found("a", json!("T1")), "old");
    assert_eq!(found("a", json!("T2")), "other");
    assert_eq!(found("a", json!(7)), "number");
    assert_eq!(found("a", json!("7")), Value::Null);
    assert_eq!(found("a", json!("T3")), Value::Null);
    assert_eq!(found("b", json!("T1")), Value::Null);
    let (_, output) = delegate(&world, &json!({"agent_name": "a"}));
    assert_eq!(output["details"]["code"], "no_agent_id");
    world.ok("requestApproval", json!({"id": "other"}));
    let (_, output) = delegate(&world, &json!({"agent_name": "a", "task_id": "T2"}));
    assert_eq!(output["reason"], "session_not_resumable");
    assert_eq!(output["details"]["code"], "awaiting_approval");
    world.pass(30 * 60 * 1000);
    assert_eq!(found("a", json!("T1")), Value::Null);
}

#[test]
fn every_decision_has_its_own_audit_entry() {
    let world = World::default();
    let id = agent(&world);
    world.ok("agentUpdate", json!({"id": id, "phase": "planning"}));
    let inputs = [
        json!({"agent_id": id}),
        json!({"agent_id": id}),
        json!({"agent_id": "nobody", "agent_name": "b"}),
        json!({}),
    ];
    for input in &inputs {
        delegate(&world, input);
    }
    delegate_text(&world, "[]");
    let mut result: Vec<Value> = audit(&world)
        .into_iter()
        .map(|entry| {
            assert_eq!(entry["kind"], "agent.decision");
            json!([
                entry["subject"],
                entry["agent"],
                entry["resume"],
                entry["code"]
            ])
        })
        .collect();
    let mut expected = [
        json!([id, "a", true, "resumable"]),
        json!([id, "a", true, "resumable"]),
        json!(["nobody", "b", false, "not_found"]),
        json!([null, null, false, "no_agent_id"]),
    ];
    result.sort_by_key(Value::to_string);
    expected.sort_by_key(Value::to_string);
    assert_eq!(result, expected);
}

#[test]
fn an_agent_that_stops_is_finalized_by_its_exit_code() {
    let world = World::default();
    for (metrics, outcome, summary) in [
        (json!({"exit_code": 0}), "completed", Value::Null),
        (json!({}), "completed", Value::Null),
        (json!({"exit_code": null}), "completed", Value::Null),
        (json!({"exit_code": "0"}), "completed", Value::Null),
        (json!({"exit_code": 0.0}), "completed", Value::Null),
        (json!({"exit_code": 2}), "failed", json!("exit code 2")),
        (json!({"exit_code": -9}), "failed", json!("exit code -9")),
        (
            json!({"exit_code": true}),
            "failed",
            json!("exit code true"),
        ),
        (
            json!({"exit_code": 1, "summary": "it broke"}),
            "failed",
            json!("it broke"),
        ),
    ] {
        for nested in [true, false] {
            let id = agent(&world);
            let input = if nested {
                json!({"task_info": {"agent_id": id}, "workflow_metrics": metrics})
            } else {
                super::hooks::with(metrics.clone(), "agent_id", &id)
            };
            let (exit, output) = stop(&world, &input);
            assert_eq!(exit, 0);
            assert_eq!(
                output,
                json!({
                    "finalized": true, "reason": "session_finalized", "agent_id": id,
                    "outcome": outcome,
                    "details": {"code": "finalized", "message": "the agent's work has ended"}
                })
            );
            let state = world.ok("agentGet", json!({"id": id}));
            assert_eq!(
                (&state["phase"], &state["summary"]),
                (&json!(outcome), &summary)
            );
            let (_, again) = stop(&world, &input);
            assert_eq!(again["finalized"], true);
            assert_eq!(again["reason"], "session_already_finalized");
        }
    }
}

#[test]
fn a_stop_of_an_unknown_or_finalized_agent_finalizes_nothing() {
    let world = World::default();
    let id = agent(&world);
    world.ok("agentFinalize", json!({"id": id, "outcome": "abandoned"}));
    let gone = agent(&world);
    world.ok("trash", json!({"id": gone}));
    for (input, reason) in [
        (json!({}), "no_existing_session"),
        (
            json!({"workflow_metrics": {"exit_code": 1}}),
            "no_existing_session",
        ),
        (json!({"agent_id": 7}), "no_existing_session"),
        (json!({"agent_id": "nobody"}), "no_existing_session"),
        (json!({"agent_id": "../x"}), "no_existing_session"),
        (json!({"agent_id": gone}), "no_existing_session"),
        (json!({"agent_id": id}), "session_already_finalized"),
    ] {
        let (exit, output) = stop(&world, &input);
        assert_eq!((exit, &output["finalized"]), (0, &json!(false)), "{input}");
        assert_eq!(output["reason"], reason, "{input}");
        assert_eq!(output["outcome"], Value::Null);
    }
}

#[test]
fn an_agent_that_waits_for_approval_is_not_finalized_by_a_successful_stop() {
    let world = World::default();
    let id = agent(&world);
    world.ok("requestApproval", json!({"id": id}));
    let before = world.session(&id);
    let (exit, output) = stop(&world, &json!({"agent_id": id, "exit_code": 0}));
    assert_eq!((exit, &output["reason"]), (0, &json!("session_waiting")));
    assert_eq!(output["finalized"], false);
    assert_eq!(world.session(&id), before);
    let (_, output) = stop(&world, &json!({"agent_id": id, "exit_code": 1}));
    assert_eq!(output["outcome"], "failed");
}

#[test]
fn an_agent_that_can_be_resumed_waits_after_a_successful_stop() {
    for phase in ["investigating", "planning", "approval"] {
        let world = World::default();
        let id = agent(&world);
        world.ok("agentUpdate", json!({"id": id, "phase": phase}));
        let before = world.session(&id);
        let (exit, output) = stop(&world, &json!({"agent_id": id, "exit_code": 0}));
        assert_eq!((exit, &output["reason"]), (0, &json!("session_waiting")));
        assert_eq!(output["details"]["code"], "resumable");
        assert_eq!(world.session(&id), before);
        let (_, output) = delegate(&world, &json!({"agent_id": id}));
        assert_eq!(output["should_resume"], true);
        let input = json!({"agent_id": id}).to_string();
        let always = json!({"input": input, "finalize": "always"});
        let output = world.ok("hookSubagentStop", always)["output"].clone();
        assert_eq!(output["outcome"], "completed", "{phase}");
    }
    // Neither in another phase, nor when it says that it is not to be resumed, nor after an error.
    for (update, code, outcome) in [
        (json!({"phase": "executing"}), 0, "completed"),
        (
            json!({"phase": "planning", "resumeReady": false}),
            0,
            "completed",
        ),
        (json!({"phase": "planning"}), 1, "failed"),
    ] {
        let world = World::default();
        let id = agent(&world);
        world.ok("agentUpdate", with(update, "id", &id));
        let (_, output) = stop(&world, &json!({"agent_id": id, "exit_code": code}));
        assert_eq!(output["outcome"], outcome);
    }
    let world = World::default();
    let id = agent(&world);
    world.ok("requestApproval", json!({"id": id}));
    let input = json!({"agent_id": id}).to_string();
    let always = json!({"input": input, "finalize": "always"});
    // A person decides whether the agent has completed what it has requested an approval for.
    let output = world.ok("hookSubagentStop", always.clone())["output"].clone();
    assert_eq!(output["reason"], "session_waiting");
    assert_eq!(output["details"]["code"], "APPROVAL_PENDING");
    world.ok("approve", json!({"id": id}));
    let output = world.ok("hookSubagentStop", always)["output"].clone();
    assert_eq!(output["outcome"], "completed");
}

#[test]
fn input_that_is_not_an_object_gets_a_reply_and_exit_code_1() {
    let world = World::default();
    for input in [
        "",
        "  \n",
        "nonsense",
        "[]",
        "7",
        "null",
        "{\"a\":",
        "{} {}",
        "{\"a\":1,}",
    ] {
        let (exit, output) = delegate_text(&world, input);
        assert_eq!(
            (exit, &output["reason"]),
            (1, &json!("invalid_json")),
            "{input}"
        );
        assert_eq!(output["should_resume"], false);
        assert_eq!(output["original_context"], Value::Null);
        let (exit, output) = stop_text(&world, input);
        assert_eq!(
            (exit, &output["reason"]),
            (1, &json!("invalid_json")),
            "{input}"
        );
        assert_eq!(output["finalized"], false);
    }
    assert_eq!(audit(&world), [] as [Value; 0]);
    let (exit, _) = delegate_text(&world, "\u{feff} {} \n");
    assert_eq!(exit, 0);
}

#[test]
fn large_and_deeply_nested_input_is_returned_unchanged() {
    let world = World::default();
    let id = agent(&world);
    world.ok("agentUpdate", json!({"id": id, "phase": "planning"}));
    let deep = format!("{}{}", "[".repeat(20_000), "]".repeat(20_000));
    let large = "x".repeat(3 << 20);
    let input = format!(
        r#"{{"agent_id":"{id}","deep":{deep},"n":1e400,"half":"\ud800","task_description":"{large}"}}"#
    );
    let result = world
        .call("hookPreDelegate", json!({"input": input}))
        .unwrap();
    assert!(result.value.contains(&input));
    assert!(result.value.contains(r#""should_resume":true"#));
    let input = format!(r#"{{"agent_id":"{id}","summary":"{large}","exit_code":1}}"#);
    let (_, output) = stop_text(&world, &input);
    assert_eq!(output["finalized"], true);
    let state = world.ok("agentGet", json!({"id": id}));
    assert!(state["summary"].as_str().unwrap().starts_with("xxx"));
}

#[test]
fn a_failure_of_the_store_is_a_reply() {
    let world = World::over(Failing);
    for (name, answered) in [
        ("hookPreDelegate", "should_resume"),
        ("hookSubagentStop", "finalized"),
    ] {
        let reply = world.ok(name, json!({"input": r#"{"agent_id":"s","task_id":1}"#}));
        assert_eq!(reply["exitCode"], 0);
        let output = &reply["output"];
        assert_eq!(output["reason"], "store_unavailable", "{name}");
        assert_eq!(output[answered], false);
        assert_eq!(output["details"]["code"], "STORAGE_FULL");
        let reply = world.ok(name, json!({"input": "no"}));
        assert_eq!(
            (&reply["exitCode"], &reply["output"]["reason"]),
            (&json!(1), &json!("invalid_json"))
        );
    }
    // The decision needs no request to the store, but writing its audit entry fails.
    let reply = world.ok("hookPreDelegate", json!({"input": "{}"}));
    let details = &reply["output"]["details"];
    assert_eq!(
        (&details["code"], &details["audit"]),
        (&json!("no_agent_id"), &json!("STORAGE_FULL"))
    );
}

#[test]
fn a_store_that_cannot_be_opened_gets_the_same_reply_as_a_failing_one() {
    let world = World::over(Failing);
    let input = r#"{"agent_id":"s"}"#;
    let problem = full().to_string();
    for (hook, name) in [
        (Hook::PreDelegate, "hookPreDelegate"),
        (Hook::SubagentStop, "hookSubagentStop"),
    ] {
        for input in [input, "nonsense"] {
            let reply = store_unavailable(hook, input, "STORAGE_FULL", &problem);
            assert_eq!(json!(reply), world.ok(name, json!({"input": input})));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_hook_replies_to_every_input_with_one_json_object(input in hostile()) {
        let world = World::default();
        let id = agent(&world);
        let before = world.session(&id);
        for name in ["hookPreDelegate", "hookSubagentStop"] {
            let reply = world.ok(name, json!({"input": input}));
            let parsed = serde_json::from_str::<Value>(input.trim());
            let fine = parsed.is_ok_and(|value| value.is_object());
            prop_assert_eq!(&reply["exitCode"], u8::from(!fine));
            prop_assert!(reply["output"].is_object());
        }
        prop_assert_eq!(world.session(&id), before);
    }
}

fn hostile() -> impl Strategy<Value = String> {
    let value = prop_oneof![
        Just("null".to_owned()),
        Just("{}".to_owned()),
        Just("[1]".to_owned()),
        Just("1e9".to_owned()),
        Just("true".to_owned()),
        "\"[a-z./ é-]{0,8}\"",
        Just(format!("\"{}\"", "a".repeat(500))),
    ];
    let name = proptest::sample::select(vec![
        "agent_id",
        "agent_name",
        "task_id",
        "exit_code",
        "summary",
        "metadata",
        "x",
    ]);
    let property = (name, value).prop_map(|(name, value)| format!("\"{name}\":{value}"));
    let object = proptest::collection::vec(property, 0..5)
        .prop_map(|properties| format!("{{{}}}", properties.join(",")));
    let nested = (object.clone(), object.clone())
        .prop_map(|(a, b)| format!("{{\"task_info\":{a},\"workflow_metrics\":{b}}}"));
    prop_oneof![3 => object, 3 => nested, 1 => "[ -~]{0,20}"]
}

fn delegate(world: &World, input: &Value) -> (u64, Value) {
    delegate_text(world, &input.to_string())
}

fn delegate_text(world: &World, input: &str) -> (u64, Value) {
    reply(world.ok("hookPreDelegate", json!({"input": input})))
}

fn stop(world: &World, input: &Value) -> (u64, Value) {
    stop_text(world, &input.to_string())
}

fn stop_text(world: &World, input: &str) -> (u64, Value) {
    reply(world.ok("hookSubagentStop", json!({"input": input})))
}

fn reply(reply: Value) -> (u64, Value) {
    (reply["exitCode"].as_u64().unwrap(), reply["output"].clone())
}

fn with(mut object: Value, name: &str, value: &str) -> Value {
    object[name] = json!(value);
    object
}

fn full() -> Error {
    Cause::StorageFull {
        problem: "the disk is full".to_owned(),
    }
    .into()
}

/// A store in which every call fails.
pub(super) struct Failing;

fn fail<'a, T: Send + 'a>() -> Answer<'a, T> {
    Box::pin(std::future::ready(Err(full())))
}

impl Store for Failing {
    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
    }

    fn load<'a>(&'a self, _: &'a SessionId, _: History) -> Answer<'a, Option<Loaded>> {
        fail()
    }

    fn commit<'a>(&'a self, _: &'a Changes) -> Answer<'a, Commit> {
        fail()
    }

    fn list<'a>(&'a self, _: &'a ListQuery) -> Answer<'a, Page> {
        fail()
    }

    fn record<'a>(&'a self, _: &'a str, _: &'a str) -> Answer<'a, Option<Record>> {
        fail()
    }

    fn scan<'a>(&'a self, _: &'a Scan) -> Answer<'a, Vec<Record>> {
        fail()
    }

    fn tally<'a>(&'a self, _: &'a Filter, _: Aggregate) -> Answer<'a, Tally> {
        fail()
    }
}
