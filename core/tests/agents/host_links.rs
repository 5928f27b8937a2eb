//! Which agent an event of a host is about, however many agents there are.

use serde_json::{Value, json};
use tenure_apps::hooks::index::{NAME, RUNNING};
use tenure_core::error::Result;
use tenure_core::store::memory::MemoryStore;
use tenure_core::store::{
    Capabilities, Changes, Commit, History, Lift, ListQuery, Loaded, Page, Record, Scan, SyncStore,
};
use tenure_core::value::id::SessionId;

use super::host::{context, event};
use crate::support::{Shared, World};

/// A conversation of a host.
struct Host<'w> {
    world: &'w World,
    session: &'static str,
}

impl<'w> Host<'w> {
    fn new(world: &'w World, session: &'static str) -> Self {
        Self { world, session }
    }

    fn event(&self, name: &str, more: Value) -> Value {
        let mut payload = json!({"hook_event_name": name, "session_id": self.session});
        let more = more.as_object().unwrap().clone();
        payload.as_object_mut().unwrap().extend(more);
        self.world.pass(1);
        event(self.world, &payload)
    }

    /// What a model reads when a task is handed to an agent with the name `rev`.
    fn delegation(&self, tool: &str, prompt: &str) -> Value {
        let input = json!({"subagent_type": "rev", "description": tool, "prompt": prompt});
        let more = json!({"tool_name": "Task", "tool_use_id": tool, "tool_input": input});
        self.event("PreToolUse", more)
    }

    /// Hands a task to an agent, and returns the id of its session.
    fn delegate(&self, tool: &str, prompt: &str) -> String {
        let said = context(&self.delegation(tool, prompt), "PreToolUse");
        id_in(&said)
    }

    /// The session of the agent that starts.
    fn start(&self, agent: &str) -> Option<String> {
        let output = self.event(
            "SubagentStart",
            json!({"agent_id": agent, "agent_type": "rev"}),
        );
        (output != json!({})).then(|| id_in(&context(&output, "SubagentStart")))
    }

    fn stop(&self, agent: &str) {
        let more = json!({
            "agent_id": agent, "agent_type": "rev", "last_assistant_message": format!("{agent} ends"),
        });
        assert_eq!(self.event("SubagentStop", more), json!({}));
    }

    /// An agent that runs.
    fn run(&self, agent: &str) -> String {
        let id = self.delegate(&format!("{}-{agent}", self.session), "Review");
        assert_eq!(self.start(agent), Some(id.clone()));
        id
    }
}

fn id_in(said: &str) -> String {
    let (_, rest) = said.split_once("in tenure is ").unwrap();
    rest.split_once(". ").unwrap().0.to_owned()
}

fn is_stopped(world: &World, id: &str) -> bool {
    let host = &world.session(id)["metadata"]["host"];
    host.get("stopped_at").is_some()
}

/// The summary of an agent that has ended.
fn summary(world: &World, id: &str) -> Value {
    world.ok("agentGet", json!({"id": id}))["summary"].clone()
}

#[test]
fn an_agent_is_stopped_however_many_newer_ones_have_ended() {
    let world = World::default();
    let (host, other) = (Host::new(&world, "S1"), Host::new(&world, "S2"));
    let id = host.run("long");
    for number in 0..101 {
        let agent = format!("a{number}");
        other.run(&agent);
        other.stop(&agent);
    }
    let next = host.delegate("next", "Review");
    let before = world.session(&next);
    host.stop("long");
    assert_eq!(summary(&world, &id), "long ends");
    assert_eq!(world.session(&next), before);
}

#[test]
fn an_agent_starts_however_many_newer_ones_there_are() {
    let world = World::default();
    let (host, other) = (Host::new(&world, "S1"), Host::new(&world, "S2"));
    let id = host.delegate("first", "Review");
    for number in 0..101 {
        other.delegate(&format!("t{number}"), "Review");
    }
    assert_eq!(host.start("a1"), Some(id.clone()));
    // The agent that was delegated first starts first, also if it was created long ago.
    host.stop("a1");
    world.ok("agentCreate", json!({"agentName": "rev", "id": "old-1"}));
    world.ok("agentUpdate", json!({"id": "old-1", "phase": "planning"}));
    let new = host.delegate("new", "Review");
    assert_eq!(host.delegate("old", "Go on with old-1"), "old-1");
    assert_eq!(host.start("a2"), Some(new));
    assert_eq!(host.start("a3").as_deref(), Some("old-1"));
}

#[test]
fn a_stop_that_names_an_agent_ends_no_other() {
    let world = World::default();
    let host = Host::new(&world, "S1");
    let ids = [host.run("a1"), host.delegate("next", "Review")];
    let before = ids.clone().map(|id| world.session(&id));
    host.stop("unknown");
    assert_eq!(ids.clone().map(|id| world.session(&id)), before);
    // The stop of an agent that has been handed another task since is of the task before.
    world.ok("agentUpdate", json!({"id": ids[0], "phase": "planning"}));
    host.stop("a1");
    host.delegate("again", &format!("Go on with {}", ids[0]));
    world.ok("agentUpdate", json!({"id": ids[0], "phase": "executing"}));
    let before = ids.clone().map(|id| world.session(&id));
    host.stop("a1");
    assert_eq!(ids.map(|id| world.session(&id)), before);
}

#[test]
fn a_host_that_reports_no_starts_ends_the_only_agent_that_can_be_meant() {
    let world = World::default();
    let host = Host::new(&world, "S1");
    let ids = [host.delegate("t1", "Review"), host.delegate("t2", "Review")];
    host.stop("a1");
    for id in &ids {
        assert_eq!(world.session(id)["status"], "active");
    }
    world.ok("complete", json!({"id": ids[0]}));
    host.stop("a2");
    assert_eq!(summary(&world, &ids[1]), "a2 ends");
    let next = host.delegate("t3", "Review");
    let before = world.session(&next);
    host.stop("a2");
    assert_eq!(world.session(&next), before);
}

#[test]
fn a_stop_that_names_no_agent_ends_the_only_one_that_runs() {
    let world = World::default();
    let host = Host::new(&world, "S1");
    let stop = || {
        let more = json!({"agent_type": "rev", "last_assistant_message": "done"});
        assert_eq!(host.event("SubagentStop", more), json!({}));
    };
    let (first, second) = (host.run("a1"), host.run("a2"));
    stop();
    for id in [&first, &second] {
        assert_eq!(world.session(id)["status"], "active", "it may be either");
    }
    host.stop("a1");
    stop();
    assert_eq!(summary(&world, &first), "a1 ends");
    assert_eq!(summary(&world, &second), "done");
}

#[test]
fn a_conversation_stops_its_agents_however_many_run_in_others() {
    for (name, source) in [
        ("Stop", ""),
        ("SessionEnd", ""),
        ("SessionStart", "startup"),
    ] {
        let world = World::default();
        let (host, other) = (Host::new(&world, "S1"), Host::new(&world, "S2"));
        host.event("SessionStart", json!({}));
        let id = host.run("a1");
        world.ok("agentUpdate", json!({"id": id, "phase": "planning"}));
        let others: Vec<String> = (0..101)
            .map(|number| other.delegate(&format!("t{number}"), "Review"))
            .collect();
        for id in &others {
            world.ok("agentUpdate", json!({"id": id, "phase": "planning"}));
        }
        host.event(name, json!({"source": source}));
        assert!(is_stopped(&world, &id), "{name}");
        assert!(!others.iter().any(|id| is_stopped(&world, id)), "{name}");
        // So it can be resumed.
        assert_eq!(host.delegate("next", &format!("Go on with {id}")), id);
    }
}

#[test]
fn a_conversation_stops_all_of_many_agents() {
    let world = World::default();
    let host = Host::new(&world, "S1");
    let ids: Vec<String> = (0..1_001)
        .map(|number| host.delegate(&format!("t{number}"), "Review"))
        .collect();
    host.event("SessionEnd", json!({}));
    assert!(ids.iter().all(|id| is_stopped(&world, id)));
}

#[test]
fn a_delegation_of_two_settings_resumes_one_agent() {
    let world = World::default();
    let host = Host::new(&world, "S1");
    let ids: Vec<String> = ["a1", "a2"].map(|agent| host.run(agent)).into();
    for (id, agent) in ids.iter().zip(["a1", "a2"]) {
        world.ok("agentUpdate", json!({"id": id, "phase": "planning"}));
        host.stop(agent);
    }
    // The second time neither another agent nor a new one is taken.
    for (tool, prompt, resumed) in [
        ("t1", format!("Go on with {}", ids[0]), Some(&ids[0])),
        ("t2", "Go on".to_owned(), Some(&ids[1])),
        ("t3", "Go on".to_owned(), None),
    ] {
        let first = host.delegation(tool, &prompt);
        let id = id_in(&context(&first, "PreToolUse"));
        assert_eq!(ids.iter().find(|known| **known == id), resumed, "{tool}");
        let before = world.ok("list", json!({}));
        assert_eq!(host.delegation(tool, &prompt), first);
        assert_eq!(world.ok("list", json!({})), before);
    }
    let decisions = world.ok("auditLog", json!({"kind": "agent.decision"}));
    assert_eq!(decisions["items"].as_array().unwrap().len(), 5);
    // Once its agent has stopped, it is over.
    host.start("a3");
    host.stop("a3");
    let first = format!("Go on with {}", ids[0]);
    assert_eq!(host.delegation("t1", &first), json!({}));
}

/// A store in which another process answers a hook before the first commit.
struct Raced<'m> {
    memory: &'m MemoryStore,
    /// The payload of that hook.
    rival: Shared<Option<Value>>,
}

impl SyncStore for Raced<'_> {
    fn capabilities(&self) -> Capabilities {
        self.memory.capabilities()
    }

    fn load(&self, id: &SessionId, history: History) -> Result<Option<Loaded>> {
        self.memory.load(id, history)
    }

    fn commit(&self, changes: &Changes) -> Result<Commit> {
        if let Some(payload) = self.rival.take() {
            let world = World::over(Lift(self.memory));
            world.pass(-1);
            event(&world, &payload);
        }
        self.memory.commit(changes)
    }

    fn list(&self, query: &ListQuery) -> Result<Page> {
        self.memory.list(query)
    }

    fn record(&self, kind: &str, key: &str) -> Result<Option<Record>> {
        self.memory.record(kind, key)
    }

    fn scan(&self, scan: &Scan) -> Result<Vec<Record>> {
        self.memory.scan(scan)
    }
}

/// A store in which a rival gives the name of an agent to another session before every look.
struct Restless<'m> {
    memory: &'m MemoryStore,
    looks: Shared<u64>,
}

impl SyncStore for Restless<'_> {
    fn capabilities(&self) -> Capabilities {
        self.memory.capabilities()
    }

    fn load(&self, id: &SessionId, history: History) -> Result<Option<Loaded>> {
        self.memory.load(id, history)
    }

    fn commit(&self, changes: &Changes) -> Result<Commit> {
        self.memory.commit(changes)
    }

    fn list(&self, query: &ListQuery) -> Result<Page> {
        self.memory.list(query)
    }

    fn record(&self, kind: &str, key: &str) -> Result<Option<Record>> {
        if kind != NAME {
            return self.memory.record(kind, key);
        }
        let version = self.looks.get() + 1;
        self.looks.set(version);
        Ok(Some(Record {
            kind: kind.to_owned(),
            key: key.to_owned(),
            version,
            expires_at: None,
            owner: None,
            body: format!("other-{version}"),
        }))
    }

    fn scan(&self, scan: &Scan) -> Result<Vec<Record>> {
        self.memory.scan(scan)
    }
}

#[test]
fn an_event_whose_agent_changes_at_every_look_is_a_warning() {
    for name in ["SubagentStart", "SubagentStop"] {
        let memory = MemoryStore::default();
        let world = World::over(Lift(Restless {
            memory: &memory,
            looks: Shared::new(0),
        }));
        let payload = json!({
            "hook_event_name": name, "session_id": "S", "agent_id": "a", "agent_type": "rev",
        });
        let reply = event(&world, &payload);
        let message = reply["systemMessage"].as_str().unwrap();
        assert!(
            message.contains("an agent of the conversation"),
            "{message}"
        );
        assert!(message.contains("256"), "{message}");
    }
}

#[test]
fn delegations_at_the_same_time_resume_an_agent_once() {
    for (resumes, tool, expected) in [
        (false, "t", 1),
        (false, "u", 2),
        (true, "t", 1),
        (true, "u", 2),
    ] {
        let memory = MemoryStore::default();
        let before = World::over(Lift(&memory));
        if resumes {
            before.ok("agentCreate", json!({"agentName": "rev", "id": "a-1"}));
            before.ok("agentUpdate", json!({"id": "a-1", "phase": "planning"}));
        }
        let payload = |tool: &str| {
            json!({
                "hook_event_name": "PreToolUse", "session_id": "S1", "tool_name": "Task",
                "tool_use_id": tool, "tool_input": {"subagent_type": "rev", "prompt": "Go on with a-1"},
            })
        };
        let world = World::over(Lift(Raced {
            memory: &memory,
            rival: Shared::new(Some(payload(tool))),
        }));
        let said = context(&event(&world, &payload("t")), "PreToolUse");
        let page = before.ok("agentList", json!({}));
        let ids: Vec<&Value> = page["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| &item["id"])
            .collect();
        assert_eq!(ids.len(), expected, "{resumes} {tool}: {ids:?}");
        assert!(ids.contains(&&json!(id_in(&said))));
        let is_resumed = resumes && tool == "t";
        assert_eq!(said.contains("is resumed"), is_resumed, "{said}");
    }
}

#[test]
fn hosts_may_call_their_tasks_the_same() {
    let world = World::default();
    let (one, two) = (Host::new(&world, "S1"), Host::new(&world, "S2"));
    let ids = [one.delegate("1", "Review"), two.delegate("1", "Review")];
    assert_ne!(ids[0], ids[1]);
    assert_eq!(one.delegate("1", "Review"), ids[0]);
    // A conversation that is not named is not distinguished.
    let input = json!({"subagent_type": "rev"});
    let payload = json!({
        "hook_event_name": "PreToolUse", "tool_name": "Task", "tool_use_id": "1", "tool_input": input,
    });
    let first = event(&world, &payload);
    world.pass(1);
    assert_eq!(event(&world, &payload), first);
    assert!(!ids.contains(&id_in(&context(&first, "PreToolUse"))));
}

#[test]
fn hosts_may_call_their_agents_the_same() {
    let world = World::default();
    let (one, two) = (Host::new(&world, "S1"), Host::new(&world, "S2"));
    let ids = [one.run("1"), two.run("1")];
    two.stop("1");
    assert_eq!(world.session(&ids[0])["status"], "active");
    assert_eq!(summary(&world, &ids[1]), "1 ends");
    one.stop("1");
    assert_eq!(summary(&world, &ids[0]), "1 ends");
    // A conversation that is not named is not distinguished.
    let id = one.run("2");
    let stop = json!({"hook_event_name": "SubagentStop", "agent_id": "2", "agent_type": "rev"});
    event(&world, &stop);
    assert_eq!(world.session(&id)["status"], "completed");
}

#[test]
fn an_agent_that_starts_again_runs_again() {
    let world = World::default();
    let host = Host::new(&world, "S1");
    let id = host.run("a1");
    world.ok("agentUpdate", json!({"id": id, "phase": "planning"}));
    host.stop("a1");
    assert!(is_stopped(&world, &id));
    assert_eq!(host.start("a1"), Some(id.clone()));
    assert!(!is_stopped(&world, &id));
    // It is not resumed while it runs.
    let other = host.delegate("t2", &format!("Go on with {id}"));
    assert_ne!(other, id);
    host.event("Stop", json!({}));
    assert!(is_stopped(&world, &id));
}

#[test]
fn an_agent_of_the_host_may_start_again_for_another_task() {
    let world = World::default();
    let host = Host::new(&world, "S1");
    let first = host.run("a1");
    host.stop("a1");
    assert_eq!(host.start("a1"), None);
    let second = host.delegate("t2", "Review again");
    assert_ne!(second, first);
    assert_eq!(host.start("a1"), Some(second.clone()));
    // The same hook in two settings.
    host.delegate("t3", "Review more");
    assert_eq!(host.start("a1"), Some(second.clone()));
    host.stop("a1");
    assert_eq!(world.session(&second)["status"], "completed");
}

#[test]
fn a_start_that_is_reported_again_after_the_stop_starts_no_other() {
    let world = World::default();
    let host = Host::new(&world, "S1");
    let tasks = ["t1", "t2"].map(|tool| host.delegate(tool, "Review"));
    assert_eq!(host.start("a1"), Some(tasks[0].clone()));
    host.stop("a1");
    let before = world.session(&tasks[1]);
    assert_eq!(host.start("a1"), None);
    assert_eq!(world.session(&tasks[1]), before);
    assert_eq!(host.start("a2"), Some(tasks[1].clone()));
}

#[test]
fn a_start_that_is_reported_again_after_the_agent_ended_itself_starts_no_other() {
    let world = World::default();
    let host = Host::new(&world, "S1");
    let first = host.run("a1");
    world.pass(1);
    world.ok(
        "agentFinalize",
        json!({"id": first, "outcome": "completed"}),
    );
    let second = host.delegate("t2", "Review again");
    // A start that was reported before the end of the first one would be for it.
    assert_eq!(host.start("a1"), Some(second));
    let world = World::default();
    let host = Host::new(&world, "S1");
    let tasks = ["t1", "t2"].map(|tool| host.delegate(tool, "Review"));
    assert_eq!(host.start("a1"), Some(tasks[0].clone()));
    world.pass(1);
    world.ok(
        "agentFinalize",
        json!({"id": tasks[0], "outcome": "completed"}),
    );
    assert_eq!(host.start("a1"), None);
    assert_eq!(host.start("a2"), Some(tasks[1].clone()));
}

#[test]
fn the_stop_of_an_agent_without_a_delegation_ends_no_other() {
    let world = World::default();
    let host = Host::new(&world, "S1");
    host.event("SessionStart", json!({}));
    assert_eq!(host.start("other"), None);
    let id = host.delegate("t1", "Review");
    let before = world.session(&id);
    host.stop("other");
    assert_eq!(world.session(&id), before);
    assert_eq!(host.start("a1"), Some(id));
}

#[test]
fn an_agent_in_the_trash_is_not_chosen() {
    let world = World::default();
    let host = Host::new(&world, "S1");
    let tasks = ["t1", "t2"].map(|tool| host.delegate(tool, "Review"));
    world.ok("trash", json!({"id": tasks[0]}));
    assert_eq!(host.start("a1"), Some(tasks[1].clone()));
    world.ok("trash", json!({"id": tasks[1]}));
    host.stop("a1");
    world.ok("restore", json!({"id": tasks[1]}));
    assert_eq!(world.session(&tasks[1])["status"], "active");
}

#[test]
fn a_fork_is_not_taken_for_its_agent() {
    let world = World::default();
    let host = Host::new(&world, "S1");
    let id = host.run("a1");
    world.ok("agentUpdate", json!({"id": id, "phase": "planning"}));
    world.pass(1);
    let fork = world.ok("fork", json!({"id": id, "newId": "fork-1"}))["id"].clone();
    let fork = fork.as_str().unwrap();
    let before = world.session(fork);
    world.ok("agentUpdate", json!({"id": id, "phase": "executing"}));
    host.stop("a1");
    assert_eq!(summary(&world, &id), "a1 ends");
    assert_eq!(world.session(fork), before);
    // It never started, so it can be resumed.
    assert_eq!(host.delegate("t2", &format!("Go on with {fork}")), fork);
    assert_ne!(host.delegate("t3", &format!("Go on with {fork}")), fork);
}

#[test]
fn only_the_agents_that_run_are_searched() {
    let memory = MemoryStore::default();
    let world = World::over(Lift(&memory));
    let running = || {
        let scan = Scan {
            kind: RUNNING.to_owned(),
            after: None,
            limit: 100,
        };
        memory.scan(&scan).unwrap().len()
    };
    let send = |name: &str, agent: &str| {
        let payload = json!({
            "hook_event_name": name, "session_id": "S1", "tool_name": "Task", "tool_use_id": agent,
            "agent_id": agent,
        });
        world.pass(1);
        event(&world, &payload);
    };
    for agent in ["a1", "a2", "a3"] {
        send("PreToolUse", agent);
        send("SubagentStart", agent);
    }
    assert_eq!(running(), 3);
    send("SubagentStop", "a1");
    assert_eq!(running(), 2);
    // One ends in another way.
    let page = world.ok("agentList", json!({}));
    world.ok("complete", json!({"id": page["items"][0]["id"]}));
    send("Stop", "");
    assert_eq!(running(), 0);
}
