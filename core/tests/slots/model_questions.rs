//! Operations that ask the host which models are available.

use serde_json::{Value, json};
use tenure_core::store::{Capabilities, Changes, Commit, ListQuery, Loaded, Page, Scan, SyncStore};
use tenure_core::stored::record::Record;
use tenure_core::value::models::Answers;
use tenure_core::{History, Lift, MemoryStore, Models, Result, SessionId, Store};

use super::{params, start};
use crate::support::{Shared, World};

/// The same world with the answers of the host about these models.
fn answered<S: Store>(world: World<S>, available: &[&str], missing: &[&str]) -> World<S> {
    let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    world.with_limits(|limits| {
        limits.models = Models::Asked(Answers {
            available: names(available),
            missing: names(missing),
        });
    })
}

/// The same world without knowledge of the available models.
fn unknown<S: Store>(world: World<S>) -> World<S> {
    world.with_limits(|limits| limits.models = Models::Unknown)
}

fn in_task(task: &str, model: &str, more: Value) -> Value {
    let mut params = params(model, more);
    params["taskId"] = json!(task);
    params
}

#[test]
fn a_start_asks_about_its_model_and_the_model_of_the_occupant() {
    let world = World::default();
    start(&world, "old", json!({"id": "s"}));
    let world = answered(world, &[], &[]);
    let replace = json!({"id": "n", "onModelChange": "confirm"});
    let asks = world.questions("startInSlot", params("new", replace.clone()));
    assert_eq!(asks, ["new", "old"]);
    let world = answered(world, &["new"], &[]);
    assert_eq!(
        world.questions("startInSlot", params("new", replace.clone())),
        ["old"]
    );
    let world = answered(world, &["new"], &["old"]);
    let reply = start(&world, "new", replace);
    assert_eq!(reply["outcome"], "needs_confirmation");
    assert_eq!(reply["modelMissing"], true);
    let world = answered(world, &[], &["new"]);
    assert_eq!(
        world.code("startInSlot", params("new", json!({}))),
        "MODEL_MISSING"
    );
}

#[test]
fn an_operation_that_asks_about_models_has_written_nothing() {
    let world = World::default();
    start(&world, "a", json!({"id": "s"}));
    world.ok("pause", json!({"id": "s"}));
    let before = world.session("s");
    let world = answered(world, &[], &[]);
    for (name, more) in [
        ("resume", json!({"id": "s"})),
        ("addEvent", json!({"id": "s", "type": "note"})),
        (
            "addEvents",
            json!({"id": "s", "events": [{"type": "note"}]}),
        ),
        ("incrementIteration", json!({"id": "s"})),
        ("updateContext", json!({"id": "s", "context": {}})),
        ("fork", json!({"id": "s"})),
        ("get", json!({"id": "s"})),
        ("list", json!({})),
        ("latestSession", json!({"taskId": "t", "phase": "plan"})),
        ("slots", json!({"taskIds": "t"})),
        ("slots", json!({"taskIds": ["t", "u", "v", "w", "x"]})),
        ("startInSlot", params("a", json!({}))),
        (
            "startInSlot",
            params("a", json!({"locking": "pessimistic"})),
        ),
        ("startInSlots", json!({"starts": [params("a", json!({}))]})),
    ] {
        assert_eq!(world.questions(name, more.clone()), ["a"], "{name} {more}");
    }
    assert_eq!(world.ok("leaseList", json!({}))["items"], json!([]));
    let world = answered(world, &["a"], &[]);
    assert_eq!(world.session("s"), before);
    world.ok("resume", json!({"id": "s"}));
    let world = answered(world, &[], &["a"]);
    let append = json!({"id": "s", "type": "note"});
    assert_eq!(world.code("addEvent", append), "MODEL_MISSING");
}

#[test]
fn an_operation_without_models_does_not_ask() {
    let world = World::default();
    start(&world, "a", json!({"id": "s"}));
    let world = answered(world, &[], &[]);
    let other = world.start(json!({}));
    world.ok("addEvent", json!({"id": other, "type": "note"}));
    let free = json!({"taskId": "free", "phase": "plan"});
    assert_eq!(world.ok("latestSession", free), Value::Null);
    world.export("s");
    world.ok("get", json!({"id": other}));
    world.ok("complete", json!({"id": "s"}));
    let refused = params("a", json!({"id": "../s"}));
    assert_eq!(world.code("startInSlot", refused), "INVALID_ID");
    let late = json!({"id": "s", "type": "note", "ifVersion": 99});
    assert_eq!(world.code("addEvent", late), "VERSION_CONFLICT");
    world.ok("delete", json!({"id": "s"}));
}

#[test]
fn starts_ask_about_every_model_before_the_first_is_written() {
    let world = World::default();
    for (task, model) in [("t", "of t"), ("u", "of u"), ("v", "of v")] {
        world.ok("startInSlot", in_task(task, model, json!({})));
    }
    let world = answered(world, &[], &[]);
    let starts = json!({"starts": [
        in_task("free", "a", json!({"id": "f"})),
        in_task("t", "b", json!({"locking": "pessimistic"})),
        in_task("u", "a", json!({"onModelChange": "reject"})),
        in_task("v", "c", json!({"id": "../v"})),
    ]});
    let asks = world.questions("startInSlots", starts.clone());
    assert_eq!(asks, ["a", "b", "of t", "of u"]);
    assert_eq!(world.ok("get", json!({"id": "f"})), Value::Null);

    let world = answered(world, &["a", "of t"], &["b", "of u"]);
    let replies = world.ok("startInSlots", starts);
    let codes: Vec<_> = (0..4).map(|at| &replies[at]["code"]).collect();
    assert_eq!(
        codes,
        [
            "SLOT_CREATED",
            "MODEL_MISSING",
            "MODEL_REJECTED",
            "INVALID_ID"
        ]
    );
    assert_eq!(replies[2]["modelMissing"], true);
}

/// A store in which another process starts a session before the second commit.
#[derive(Default)]
struct Meanwhile {
    memory: MemoryStore,
    commits: Shared<u32>,
    /// The changes of the other process.
    others: Shared<Vec<Changes>>,
    /// Whether commits are recorded and not applied.
    notes: Shared<bool>,
}

impl SyncStore for Meanwhile {
    fn capabilities(&self) -> Capabilities {
        self.memory.capabilities()
    }

    fn load(&self, id: &SessionId, history: History) -> Result<Option<Loaded>> {
        self.memory.load(id, history)
    }

    fn commit(&self, changes: &Changes) -> Result<Commit> {
        if self.notes.get() {
            self.others.borrow_mut().push(changes.clone());
            return Ok(Commit::Applied);
        }
        self.commits.set(self.commits.get() + 1);
        if self.commits.get() == 2 {
            for changes in self.others.take() {
                assert_eq!(self.memory.commit(&changes)?, Commit::Applied);
            }
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

#[test]
fn the_start_of_a_conversation_asks_about_the_agents_that_it_names() {
    for at_once in [true, false] {
        let world = World::default();
        start(&world, "a", json!({"id": "s"}));
        world.ok("agentUpdate", json!({"id": "s", "phase": "planning"}));
        let payload = json!({"hook_event_name": "SessionStart", "session_id": "c"});
        let event = json!({"input": payload.to_string()});
        if !at_once {
            world.ok("hookEvent", event.clone());
        }
        let world = answered(world, &[], &[]);
        assert_eq!(world.questions("hookEvent", event.clone()), ["a"]);
        assert_eq!(world.ok("get", json!({"id": "c"})).is_null(), at_once);

        let world = answered(world, &[], &["a"]);
        assert_eq!(world.ok("hookEvent", event.clone())["output"], json!({}));
        let world = answered(world, &["a"], &[]);
        let output = world.ok("hookEvent", event)["output"].to_string();
        assert!(output.contains("- s: developer"), "{output}");
    }
}

#[test]
fn the_end_of_a_turn_asks_about_the_conversation() {
    let world = World::default();
    start(&world, "a", json!({"id": "c"}));
    let delegation = json!({
        "hook_event_name": "PreToolUse", "tool_name": "Task", "session_id": "c",
        "tool_input": {"subagent_type": "x", "description": "d", "prompt": "p"}
    });
    let stop = json!({"hook_event_name": "Stop", "session_id": "c"});
    // An agent of it has to be stopped, which writes.
    world.ok("hookEvent", json!({"input": delegation.to_string()}));
    let stop = json!({"input": stop.to_string()});
    let events = world.session("c")["eventCount"].clone();
    let world = answered(world, &[], &[]);
    assert_eq!(world.questions("hookEvent", stop.clone()), ["a"]);
    let world = answered(world, &[], &["a"]);
    world.ok("hookEvent", stop.clone());
    assert_eq!(world.session("c")["eventCount"], events);
    let world = answered(world, &["a"], &[]);
    world.ok("hookEvent", stop);
    assert_eq!(world.last_event("c")["type"], "turn");
}

#[test]
fn an_operation_that_has_written_does_not_ask_about_models() {
    let world = unknown(World::over(Lift(Meanwhile::default())));
    world.store.0.notes.set(true);
    world.ok("startInSlot", in_task("u", "other", json!({"id": "o"})));
    world.store.0.notes.set(false);
    let world = answered(world, &["a"], &[]);
    // The lease is written by the first commit of the second start.
    let replies = world.ok(
        "startInSlots",
        json!({"starts": [
            in_task("t", "a", json!({})),
            in_task("u", "a", json!({"locking": "pessimistic"})),
        ]}),
    );
    assert_eq!(replies[0]["outcome"], "created");
    assert_eq!(replies[1]["outcome"], "needs_confirmation");
    // Nobody has said that it is available.
    assert_eq!(replies[1]["modelMissing"], true);
    assert_eq!(replies[1]["session"]["id"], "o");
}
