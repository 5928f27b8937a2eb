//! The events of a host that names them, with payloads of several of its versions.

use serde_json::{Value, json};
use tenure_apps::hooks::request::{Hook, store_unavailable};
use tenure_core::{Models, Store};

use super::hooks::Failing;
use crate::support::World;

const VERSIONS: [(&str, &str); 3] = [
    ("1.0", include_str!("payloads/claude-code-1.0.json")),
    ("2.0", include_str!("payloads/claude-code-2.0.json")),
    ("2.1", include_str!("payloads/claude-code-2.1.json")),
];

/// A conversation with one agent, by its events.
struct Conversation {
    payloads: Vec<Value>,
}

impl Conversation {
    fn of(text: &str) -> Self {
        let payloads = serde_json::from_str(text).unwrap();
        Self { payloads }
    }

    fn has(&self, event: &str) -> bool {
        self.payloads
            .iter()
            .any(|payload| payload["hook_event_name"] == event)
    }

    fn payload(&self, event: &str) -> Value {
        let mut found = self
            .payloads
            .iter()
            .filter(|payload| payload["hook_event_name"] == event);
        let payload = found.next().unwrap().clone();
        assert!(found.next().is_none(), "{event}");
        payload
    }

    fn session(&self) -> String {
        text(&self.payloads[0]["session_id"])
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// What a hook prints for a payload.
pub(super) fn event<S: Store>(world: &World<S>, payload: &Value) -> Value {
    let reply = world.ok("hookEvent", json!({"input": payload.to_string()}));
    assert_eq!(reply["exitCode"], 0, "{reply}");
    reply["output"].clone()
}

/// The context that a reply adds for the model.
pub(super) fn context(output: &Value, event: &str) -> String {
    let specific = &output["hookSpecificOutput"];
    assert_eq!(specific["hookEventName"], event, "{output}");
    assert_eq!(specific.as_object().unwrap().len(), 2, "{output}");
    assert_eq!(output.as_object().unwrap().len(), 1, "{output}");
    text(&specific["additionalContext"])
}

/// The agents of a world, oldest first.
fn agents(world: &World) -> Vec<Value> {
    let page = world.ok("agentList", json!({}));
    let mut items = page["items"].as_array().unwrap().clone();
    items.reverse();
    items
}

fn only_agent(world: &World) -> String {
    let agents = agents(world);
    assert_eq!(agents.len(), 1, "{agents:?}");
    text(&agents[0]["id"])
}

#[test]
fn a_conversation_of_every_version_has_its_sessions() {
    for (version, payloads) in VERSIONS {
        let world = World::default();
        let conversation = Conversation::of(payloads);
        assert_eq!(
            event(&world, &conversation.payload("SessionStart")),
            json!({})
        );
        let session = world.session(&conversation.session());
        assert_eq!(session["status"], "active", "{version}");
        assert_eq!(session["metadata"]["host"]["cwd"], "/home/ada/shop");

        world.pass(1000);
        let output = event(&world, &conversation.payload("PreToolUse"));
        let id = only_agent(&world);
        assert!(context(&output, "PreToolUse").contains(&id), "{output}");
        let agent = world.session(&id);
        assert_eq!(agent["agentName"], "terraform-architect");
        assert_eq!(agent["task"], "Plan the deployment");
        let host = &agent["metadata"]["host"];
        assert_eq!(host["session_id"], json!(conversation.session()));

        world.pass(1000);
        if conversation.has("SubagentStart") {
            let start = conversation.payload("SubagentStart");
            assert!(context(&event(&world, &start), "SubagentStart").contains(&id));
            let host = world.session(&id)["metadata"]["host"].clone();
            assert_eq!(host["agent_id"], start["agent_id"]);
        }
        world.ok("agentUpdate", json!({"id": id, "phase": "executing"}));
        world.pass(1000);
        let stop = conversation.payload("SubagentStop");
        assert_eq!(event(&world, &stop), json!({}), "{version}");
        let state = world.ok("agentGet", json!({"id": id}));
        assert_eq!(state["phase"], "completed", "{version}");
        let message = stop.get("last_assistant_message").unwrap_or(&Value::Null);
        assert_eq!(&state["summary"], message);
        // Once more changes nothing.
        assert_eq!(event(&world, &stop), json!({}));
        assert_eq!(world.ok("agentGet", json!({"id": id})), state);

        assert_eq!(event(&world, &conversation.payload("Stop")), json!({}));
        assert_eq!(world.last_event(&conversation.session())["type"], "turn");
        assert_eq!(
            event(&world, &conversation.payload("SessionEnd")),
            json!({})
        );
        let ended = world.session(&conversation.session());
        assert_eq!(ended["status"], "paused", "{version}");

        // Its user goes on with it.
        event(&world, &conversation.payload("SessionStart"));
        assert_eq!(world.session(&conversation.session())["status"], "active");
    }
}

#[test]
fn an_agent_that_waits_is_resumed_by_the_next_delegation() {
    for (version, payloads) in VERSIONS {
        let world = World::default();
        let conversation = Conversation::of(payloads);
        let delegation = conversation.payload("PreToolUse");
        event(&world, &delegation);
        let id = only_agent(&world);
        let metadata = json!({"plan_file": "plan.json"});
        let update = json!({"id": id, "phase": "planning", "metadata": metadata});
        world.ok("agentUpdate", update);
        // While it runs, another task of the same name is another agent.
        let mut second = delegation.clone();
        second["tool_use_id"] = json!("toolu_second");
        second["tool_input"]["prompt"] = json!("Something else.");
        world.pass(1);
        event(&world, &second);
        let other = text(&agents(&world)[1]["id"]);
        world.ok(
            "agentFinalize",
            json!({"id": other, "outcome": "completed"}),
        );
        event(&world, &conversation.payload("SubagentStop"));
        assert_eq!(
            world.ok("agentGet", json!({"id": id}))["phase"],
            "planning",
            "{version}"
        );

        // The start of another conversation names it.
        let mut start = conversation.payload("SessionStart");
        start["session_id"] = json!("another");
        let named = context(&event(&world, &start), "SessionStart");
        assert!(
            named.contains(&format!("{id}: terraform-architect, in the phase planning")),
            "{named}"
        );

        let mut third = delegation.clone();
        third["tool_use_id"] = json!("toolu_third");
        let said = context(&event(&world, &third), "PreToolUse");
        assert!(
            said.contains(&id) && said.contains("plan.json"),
            "{version}: {said}"
        );
        assert_eq!(agents(&world).len(), 2, "{version}");
        let host = world.session(&id)["metadata"]["host"].clone();
        assert_eq!(host["tool_use_id"], "toolu_third");
        assert_eq!(host.get("agent_id"), None, "{host}");
    }
}

#[test]
fn a_prompt_that_names_an_agent_resumes_it() {
    let world = World::default();
    let delegation = Conversation::of(VERSIONS[2].1).payload("PreToolUse");
    let id = text(&world.ok("agentCreate", json!({"agentName": "a"}))["id"]);
    world.ok("agentUpdate", json!({"id": id, "phase": "approval"}));
    let mut named = delegation.clone();
    named["tool_input"]["prompt"] =
        json!(format!("Go on with {id}. It was approved (agent-none)."));
    let said = context(&event(&world, &named), "PreToolUse");
    assert!(said.contains(&id), "{said}");
    let link = world.session(&id)["metadata"]["host"].clone();
    assert_eq!(link["session_id"], delegation["session_id"]);
    // It runs now, so the next task that names it has an agent of its own.
    world.pass(1);
    let before = agents(&world).len();
    named["tool_use_id"] = json!("toolu_next");
    event(&world, &named);
    assert_eq!(agents(&world).len(), before + 1);
}

#[test]
fn a_prompt_that_names_an_agent_that_waits_for_an_approval_starts_no_other() {
    let world = World::default();
    let mut named = Conversation::of(VERSIONS[2].1).payload("PreToolUse");
    let id = text(&world.ok("agentCreate", json!({"agentName": "a"}))["id"]);
    world.ok("requestApproval", json!({"id": id}));
    named["tool_input"]["prompt"] = json!(format!("Go on with {id}."));
    let before = agents(&world);
    let said = context(&event(&world, &named), "PreToolUse");
    assert!(said.contains("waits for an approval"), "{said}");
    assert_eq!(agents(&world), before);
    world.ok("approve", json!({"id": id, "by": "ada"}));
    let said = context(&event(&world, &named), "PreToolUse");
    assert!(said.contains(&id) && !said.contains("waits for"), "{said}");
    assert_eq!(agents(&world).len(), before.len());
}

#[test]
fn an_agent_that_starts_while_it_waits_for_an_approval_has_to_wait() {
    let world = World::default();
    let conversation = Conversation::of(VERSIONS[2].1);
    let start = conversation.payload("SubagentStart");
    event(&world, &conversation.payload("PreToolUse"));
    let said = context(&event(&world, &start), "SubagentStart");
    let id = only_agent(&world);
    // The context says how it requests one.
    let request = format!("tenure agent request-approval {id}");
    assert!(said.contains(&request), "{said}");
    assert!(!said.contains("planning, approval"), "{said}");
    world.ok("agentUpdate", json!({"id": id, "phase": "planning"}));
    world.ok("requestApproval", json!({"id": id}));
    event(&world, &conversation.payload("SubagentStop"));
    let said = context(&event(&world, &start), "SubagentStart");
    assert!(said.contains("waits for an approval"), "{said}");
    assert!(!said.contains("is resumed"), "{said}");
    world.ok("approve", json!({"id": id, "by": "ada"}));
    let said = context(&event(&world, &start), "SubagentStart");
    assert!(said.contains("is resumed"), "{said}");
    assert!(!said.contains("waits for"), "{said}");
}

#[test]
fn an_agent_that_has_ended_does_not_go_on() {
    let conversation = Conversation::of(VERSIONS[2].1);
    let start = conversation.payload("SubagentStart");
    for outcome in ["completed", "failed", "abandoned"] {
        let world = World::default();
        event(&world, &conversation.payload("PreToolUse"));
        event(&world, &start);
        let id = only_agent(&world);
        world.ok("agentFinalize", json!({"id": id, "outcome": outcome}));
        assert_eq!(event(&world, &start), json!({}), "{outcome}");
    }
}

#[test]
fn an_agent_that_waits_for_an_approval_is_found_wherever_its_id_is_in_the_prompt() {
    for id in [
        "agent-20260108-180530-abc12345",
        "session_mk6rs00h_0001abcdefghi",
        "deploy-7",
        "deploy",
        "deploy_",
    ] {
        for prompt in [
            format!("Go on with {id}."),
            format!("Go on with _{id}_"),
            format!("Go on with **{id}**, please"),
            format!("Go on with `{id}`!"),
            format!("Go on with \"{id}\""),
            format!("Unlike agent-1, agent-2, agent-3 and agent-4, {id} goes on"),
        ] {
            let world = World::default();
            let mut named = Conversation::of(VERSIONS[2].1).payload("PreToolUse");
            world.ok("agentCreate", json!({"agentName": "a", "id": id}));
            world.ok("requestApproval", json!({"id": id}));
            named["tool_input"]["prompt"] = json!(prompt);
            let said = context(&event(&world, &named), "PreToolUse");
            assert!(said.contains("waits for an approval"), "{prompt}: {said}");
            only_agent(&world);
        }
    }
}

#[test]
fn a_generated_id_is_found_at_the_end_of_a_long_prompt() {
    let words: String = (0..20_000)
        .map(|number| format!("word-{number} "))
        .collect();
    let world = World::default();
    let mut named = Conversation::of(VERSIONS[2].1).payload("PreToolUse");
    let id = text(&world.ok("agentCreate", json!({"agentName": "a"}))["id"]);
    world.ok("requestApproval", json!({"id": id}));
    named["tool_input"]["prompt"] = json!(format!("{words}{id}"));
    let said = context(&event(&world, &named), "PreToolUse");
    assert!(said.contains("waits for an approval"), "{said}");
}

#[test]
fn a_prompt_with_another_agent_does_not_get_past_an_approval() {
    let world = World::default();
    let mut named = Conversation::of(VERSIONS[2].1).payload("PreToolUse");
    for (id, operation) in [("agent-1", "agentUpdate"), ("agent-2", "requestApproval")] {
        world.ok("agentCreate", json!({"agentName": "a", "id": id}));
        let mut params = json!({"id": id});
        if operation == "agentUpdate" {
            params["phase"] = json!("planning");
        }
        world.ok(operation, params);
    }
    named["tool_input"]["prompt"] = json!("Go on as agent-1 with the work of agent-2");
    let said = context(&event(&world, &named), "PreToolUse");
    assert!(said.contains("agent-2 waits for an approval"), "{said}");
    assert_eq!(agents(&world).len(), 2);
}

#[test]
fn a_chosen_id_is_resumed_unless_it_is_a_plain_word() {
    for (id, is_resumed) in [
        ("deploy-7", true),
        ("session_mk6rs00h_0001abcdefghi", true),
        ("deploy", false),
    ] {
        let world = World::default();
        let mut named = Conversation::of(VERSIONS[2].1).payload("PreToolUse");
        world.ok("agentCreate", json!({"agentName": "a", "id": id}));
        world.ok("agentUpdate", json!({"id": id, "phase": "planning"}));
        named["tool_input"]["prompt"] = json!(format!("Go on with `{id}`"));
        event(&world, &named);
        assert_eq!(agents(&world).len() == 1, is_resumed, "{id}");
    }
    // A session without an agent is no agent's.
    let world = World::default();
    world.ok("start", json!({"task": "t", "mode": "m", "id": "agent-1"}));
    world.ok("pause", json!({"id": "agent-1"}));
    let mut named = Conversation::of(VERSIONS[2].1).payload("PreToolUse");
    named["tool_input"]["prompt"] = json!("Go on with agent-1");
    event(&world, &named);
    assert_ne!(only_agent(&world), "agent-1");
}

#[test]
fn agents_that_run_at_once_are_kept_apart() {
    for (version, payloads) in &VERSIONS[1..] {
        let world = World::default();
        let conversation = Conversation::of(payloads);
        let with = |name: &str, number: u32| {
            let mut payload = conversation.payload(name);
            match name {
                "PreToolUse" => payload["tool_use_id"] = json!(format!("toolu_{number}")),
                _ => payload["agent_id"] = json!(format!("a{number}")),
            }
            payload
        };
        for number in [1, 2] {
            world.pass(1);
            event(&world, &with("PreToolUse", number));
        }
        for number in [1, 2] {
            event(&world, &with("SubagentStart", number));
        }
        event(&world, &with("SubagentStop", 2));
        event(&world, &with("SubagentStop", 2));
        let phases: Vec<Value> = agents(&world)
            .iter()
            .map(|agent| agent["phase"].clone())
            .collect();
        assert_eq!(phases, ["initializing", "completed"], "{version}");
        // An agent that no task was handed to stops none of them.
        let mut own = with("SubagentStop", 3);
        own["agent_type"] = json!("");
        event(&world, &own);
        assert_eq!(agents(&world)[0]["phase"], "initializing", "{version}");
        event(&world, &with("SubagentStop", 1));
        assert_eq!(agents(&world)[0]["phase"], "completed", "{version}");
    }
    // Where the host does not say which has stopped, none is finalized.
    let world = World::default();
    let conversation = Conversation::of(VERSIONS[0].1);
    for prompt in ["one", "two"] {
        world.pass(1);
        let mut delegation = conversation.payload("PreToolUse");
        delegation["tool_input"]["prompt"] = json!(prompt);
        event(&world, &delegation);
    }
    event(&world, &conversation.payload("SubagentStop"));
    for agent in agents(&world) {
        assert_eq!(agent["phase"], "initializing");
    }
}

/// Delegates a task, and returns the id of its agent.
fn delegate(world: &World, conversation: &Conversation, edit: impl Fn(&mut Value)) -> String {
    world.pass(1);
    let mut delegation = conversation.payload("PreToolUse");
    edit(&mut delegation);
    let said = context(&event(world, &delegation), "PreToolUse");
    let known = agents(world);
    let named = known.iter().map(|agent| text(&agent["id"]));
    named.rev().find(|id| said.contains(id)).unwrap()
}

#[test]
fn a_delegation_that_was_not_allowed_is_not_taken_for_a_later_one() {
    for (version, payloads) in &VERSIONS[1..] {
        let world = World::default();
        let conversation = Conversation::of(payloads);
        event(&world, &conversation.payload("SessionStart"));
        let denied = delegate(&world, &conversation, |payload| {
            payload["tool_use_id"] = json!("toolu_1");
            payload["prompt_id"] = json!("p1");
        });
        // The user interrupts the turn, of which a host with names for prompts says nothing.
        if *version == "2.0" {
            event(&world, &conversation.payload("Stop"));
        }
        let second = delegate(&world, &conversation, |payload| {
            payload["tool_use_id"] = json!("toolu_2");
            payload["prompt_id"] = json!("p2");
        });
        assert_ne!(denied, second, "{version}");
        let mut start = conversation.payload("SubagentStart");
        start["prompt_id"] = json!("p2");
        let said = context(&event(&world, &start), "SubagentStart");
        assert!(
            said.contains(&second) && !said.contains(&denied),
            "{version}: {said}"
        );
        // It stops in the background of another prompt.
        let mut stop = conversation.payload("SubagentStop");
        stop["prompt_id"] = json!("p3");
        event(&world, &stop);
        assert_eq!(world.session(&second)["phase"], "completed", "{version}");
        assert_eq!(world.session(&denied)["phase"], "initializing", "{version}");
    }
}

#[test]
fn agents_of_a_host_that_says_nothing_more_of_them_can_be_resumed() {
    let conversation = Conversation::of(VERSIONS[2].1);
    let elsewhere = || {
        let mut start = conversation.payload("SessionStart");
        start["session_id"] = json!("another");
        start
    };
    let plans = |world: &World, edit: &dyn Fn(&mut Value)| {
        event(world, &conversation.payload("SessionStart"));
        let id = delegate(world, &conversation, edit);
        event(world, &conversation.payload("SubagentStart"));
        world.ok("agentUpdate", json!({"id": id, "phase": "planning"}));
        id
    };
    let is_named =
        |world: &World, payload: &Value, id: &str| event(world, payload).to_string().contains(id);
    // A killed host.
    let world = World::default();
    let id = plans(&world, &|_| {});
    world.pass(9 * 60_000);
    assert!(!is_named(&world, &elsewhere(), &id));
    world.pass(60_000);
    assert!(is_named(&world, &elsewhere(), &id));
    let mut named = conversation.payload("PreToolUse");
    named["session_id"] = json!("another");
    named["tool_input"]["prompt"] = json!(format!("Go on with {id}."));
    assert!(is_named(&world, &named, "is resumed"));
    assert_eq!(only_agent(&world), id);
    // The end of the conversation, and its next process.
    for name in ["SessionEnd", "SessionStart"] {
        let world = World::default();
        let id = plans(&world, &|payload| {
            payload["tool_input"]["run_in_background"] = json!(true);
        });
        let mut compact = conversation.payload("SessionStart");
        compact["source"] = json!("compact");
        assert!(!is_named(&world, &compact, &id));
        event(&world, &conversation.payload("Stop"));
        assert!(!is_named(&world, &elsewhere(), &id));
        event(&world, &conversation.payload(name));
        assert!(is_named(&world, &elsewhere(), &id), "{name}");
    }
    // The end of a turn in which the agent was interrupted.
    for (background, is_over) in [(json!([]), true), (json!([{"id": "b"}]), false)] {
        let world = World::default();
        let id = plans(&world, &|_| {});
        let mut stop = conversation.payload("Stop");
        stop["background_tasks"] = background;
        event(&world, &stop);
        assert_eq!(is_named(&world, &elsewhere(), &id), is_over);
    }
}

#[test]
fn a_paused_agent_that_is_resumed_is_active_and_ends() {
    let world = World::default();
    let conversation = Conversation::of(VERSIONS[2].1);
    let id = text(&world.ok("agentCreate", json!({"agentName": "a"}))["id"]);
    world.ok("agentUpdate", json!({"id": id, "phase": "planning"}));
    world.ok("pause", json!({"id": id}));
    let resumed = delegate(&world, &conversation, |payload| {
        payload["tool_input"]["prompt"] = json!(format!("Go on with {id}."));
        payload["tool_input"]["subagent_type"] = json!("a");
    });
    assert_eq!(resumed, id);
    assert_eq!(world.session(&id)["status"], "active");
    let of_a = |name: &str| {
        let mut payload = conversation.payload(name);
        payload["agent_type"] = json!("a");
        payload
    };
    event(&world, &of_a("SubagentStart"));
    world.ok("agentUpdate", json!({"id": id, "phase": "executing"}));
    event(&world, &of_a("SubagentStop"));
    assert_eq!(world.session(&id)["phase"], "completed");
}

#[test]
fn an_agent_that_is_resumed_by_its_id_is_found_behind_many_newer_ones() {
    let world = World::default();
    let conversation = Conversation::of(VERSIONS[2].1);
    let name = conversation.payload("SubagentStart")["agent_type"].clone();
    let create = || text(&world.ok("agentCreate", json!({"agentName": name}))["id"]);
    let id = create();
    for _ in 0..101 {
        world.pass(1);
        create();
    }
    world.ok("agentUpdate", json!({"id": id, "phase": "planning"}));
    let mut delegation = conversation.payload("PreToolUse");
    delegation["tool_input"]["prompt"] = json!(format!("Go on with {id}."));
    event(&world, &delegation);
    let said = context(
        &event(&world, &conversation.payload("SubagentStart")),
        "SubagentStart",
    );
    assert!(said.contains(&id), "{said}");
    event(&world, &conversation.payload("SubagentStop"));
    assert_ne!(
        world.session(&id)["metadata"]["host"]["stopped_at"],
        Value::Null
    );
}

#[test]
fn the_same_delegation_in_two_settings_creates_one_agent() {
    let world = World::default();
    let delegation = Conversation::of(VERSIONS[2].1).payload("PreToolUse");
    let first = event(&world, &delegation);
    world.pass(5);
    assert_eq!(event(&world, &delegation), first);
    only_agent(&world);
}

#[test]
fn the_hooks_of_one_event_accept_the_payload_of_a_host() {
    let world = World::default();
    let conversation = Conversation::of(VERSIONS[2].1);
    let delegate = |payload: &Value| {
        let reply = world.ok("hookPreDelegate", json!({"input": payload.to_string()}));
        reply["output"].clone()
    };
    context(&delegate(&conversation.payload("PreToolUse")), "PreToolUse");
    let id = only_agent(&world);
    world.ok("agentUpdate", json!({"id": id, "phase": "planning"}));
    let stop = conversation.payload("SubagentStop").to_string();
    let waiting = world.ok("hookSubagentStop", json!({"input": stop}));
    assert_eq!(waiting["output"], json!({}));
    assert_eq!(world.ok("agentGet", json!({"id": id}))["phase"], "planning");
    let always = json!({"input": stop, "finalize": "always"});
    world.ok("hookSubagentStop", always);
    assert_eq!(
        world.ok("agentGet", json!({"id": id}))["phase"],
        "completed"
    );
    let decisions = world.ok("auditLog", json!({"kind": "agent.decision"}));
    assert_eq!(decisions["items"].as_array().unwrap().len(), 1);
}

#[test]
fn the_start_of_a_conversation_resumes_no_session_whose_model_is_missing() {
    for is_agent in [false, true] {
        let world = World::default();
        let start = json!({"taskId": "T", "phase": "plan", "model": "a", "task": "t", "mode": "m"});
        let id = text(&world.ok("startInSlot", start)["session"]["id"]);
        if is_agent {
            world.ok("agentUpdate", json!({"id": id, "phase": "planning"}));
        }
        world.ok("pause", json!({"id": id}));
        let waits = text(&world.ok("agentCreate", json!({"agentName": "a"}))["id"]);
        world.ok("agentUpdate", json!({"id": waits, "phase": "planning"}));
        let world = world.with_limits(|limits| limits.models = Models::Names(Vec::new()));
        let before = world.session(&id);
        let start = json!({"hook_event_name": "SessionStart", "session_id": id});
        let mut output = event(&world, &start);
        assert_eq!(world.session(&id), before);
        // A warning says so, and the context still names the agents that wait.
        let message = output.as_object_mut().unwrap().remove("systemMessage");
        let refused = world.error("resume", json!({"id": id})).to_string();
        assert_eq!(message, Some(json!(format!("tenure: {refused}"))));
        assert!(context(&output, "SessionStart").contains(&waits));

        let world = world.with_limits(|limits| limits.models = Models::Unknown);
        event(&world, &start);
        assert_eq!(world.session(&id)["status"], "active");
    }
}

#[test]
fn an_agent_that_waits_for_an_approval_stops_whatever_is_finalized() {
    let world = World::default();
    let conversation = Conversation::of(VERSIONS[2].1);
    event(&world, &conversation.payload("PreToolUse"));
    event(&world, &conversation.payload("SubagentStart"));
    let id = only_agent(&world);
    world.ok("requestApproval", json!({"id": id}));
    let stop = conversation.payload("SubagentStop").to_string();
    let always = json!({"input": stop, "finalize": "always"});
    let reply = world.ok("hookSubagentStop", always);
    assert_eq!(reply["output"], json!({}));
    let agent = world.session(&id);
    assert_eq!(agent["approval"]["state"], "pending", "{agent}");
    assert_ne!(agent["metadata"]["host"].get("stopped_at"), None, "{agent}");
    // Once it is approved, the next task that names it resumes it.
    world.ok("approve", json!({"id": id, "by": "ada"}));
    let resumed = delegate(&world, &conversation, |payload| {
        payload["tool_use_id"] = json!("toolu_2");
        payload["tool_input"]["prompt"] = json!(format!("Go on with {id}."));
    });
    assert_eq!(resumed, id);
}

#[test]
fn the_stop_of_an_agent_that_a_runner_holds_is_recorded() {
    let world = World::default();
    let conversation = Conversation::of(VERSIONS[2].1);
    event(&world, &conversation.payload("PreToolUse"));
    event(&world, &conversation.payload("SubagentStart"));
    let id = only_agent(&world);
    let lease = json!({"key": format!("session:{id}"), "holder": "runner"});
    world.ok("leaseAcquire", lease);
    event(&world, &conversation.payload("SubagentStop"));
    let agent = world.session(&id);
    assert_eq!(agent["phase"], "initializing");
    assert_ne!(agent["metadata"]["host"].get("stopped_at"), None, "{agent}");
}

#[test]
fn other_events_and_unknown_sessions_are_answered_with_nothing() {
    let world = World::default();
    let conversation = Conversation::of(VERSIONS[2].1);
    for name in ["SubagentStart", "SubagentStop", "Stop", "SessionEnd"] {
        assert_eq!(
            event(&world, &conversation.payload(name)),
            json!({}),
            "{name}"
        );
    }
    for payload in [
        json!({"hook_event_name": "UserPromptSubmit", "prompt": "hello"}),
        json!({"hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": {}}),
        json!({"hook_event_name": "PreToolUse"}),
        json!({"hook_event_name": ""}),
        json!({"hook_event_name": "SessionStart"}),
        json!({"hook_event_name": "SessionStart", "session_id": "../../x"}),
        json!({"hook_event_name": "SessionEnd", "session_id": 7, "reason": {}}),
        json!({"hook_event_name": "Stop", "session_id": null}),
    ] {
        assert_eq!(event(&world, &payload), json!({}), "{payload}");
    }
    // What a host may leave out: everything.
    let bare = json!({"hook_event_name": "PreToolUse", "tool_name": "Task"});
    context(&event(&world, &bare), "PreToolUse");
    for input in [
        "{}",
        r#"{"agent_id":"a"}"#,
        r#"{"hook_event_name":7}"#,
        "[]",
        "",
    ] {
        let reply = world.ok("hookEvent", json!({"input": input}));
        assert_eq!(reply["exitCode"], 1, "{input}");
        assert!(reply["output"]["systemMessage"].is_string(), "{reply}");
    }
}

#[test]
fn a_failure_of_the_store_is_a_warning() {
    let world = World::over(Failing);
    let conversation = Conversation::of(VERSIONS[2].1);
    for payload in &conversation.payloads {
        let output = event(&world, payload);
        let message = output["systemMessage"].as_str().unwrap();
        assert!(message.contains("the disk is full"), "{output}");
        for hook in [Hook::PreDelegate, Hook::SubagentStop, Hook::Event] {
            let input = payload.to_string();
            let reply = store_unavailable(hook, &input, "STORE_UNAVAILABLE", "gone");
            let output: Value = serde_json::from_str(reply.output.as_str()).unwrap();
            assert_eq!(output, json!({"systemMessage": "tenure: gone"}));
            assert_eq!(reply.exit_code, 0);
        }
    }
}
