//! The fence around a session that is held: every operation that writes to it, without a token, with a
//! stale and with the current one, and every moment at which the lease may be lost.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tenure_core::table::{ADMINISTRATION, OPERATIONS};
use tenure_core::work::operation::{Access, Group};
use tenure_core::{History, MemoryStore, SessionId, SyncStore};

use super::simulated_machine::{Caller, nobody};
use super::steps::{Fault, RunningCall};
use crate::support::{NOON, World};

/// What a write to a session needs while a runner holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fence {
    /// The token: it moves the session.
    Token,
    /// Nothing, unless the store is fenced: it appends.
    FencedStores,
    /// Nothing: it is decided outside of the run.
    Nothing,
}

/// A write to the agent's session `s`, and the call that makes it possible.
type Write = (&'static str, Value, Fence, Option<&'static str>);

fn writes() -> Vec<Write> {
    use Fence::{FencedStores, Nothing, Token};
    let text = json!({
        "id": "s", "mode": "a", "task": "", "status": "paused", "createdAt": 0, "agentName": "a",
        "phase": "planning"
    });
    let text = json!({"text": text.to_string()});
    vec![
        ("update", json!({"task": "u"}), FencedStores, None),
        ("update", json!({"maxIterations": 7}), FencedStores, None),
        ("pause", json!({}), Token, None),
        ("resume", json!({}), Token, Some("pause")),
        ("resume", json!({}), Token, None),
        ("complete", json!({}), Token, None),
        ("fail", json!({}), Token, None),
        ("abandon", json!({}), Token, None),
        ("addEvent", json!({"type": "note"}), FencedStores, None),
        ("addEvent", json!({"type": "pause"}), Token, None),
        (
            "addEvents",
            json!({"events": [{"type": "note"}]}),
            FencedStores,
            None,
        ),
        (
            "addEvents",
            json!({"events": [{"type": "error"}]}),
            Token,
            None,
        ),
        ("incrementIteration", json!({}), Token, None),
        ("recordToolCall", json!({"tool": "t"}), FencedStores, None),
        ("startToolCall", json!({"tool": "t"}), FencedStores, None),
        ("finishToolCall", json!({"callId": "c"}), FencedStores, None),
        (
            "recordLearning",
            json!({"insight": "i"}),
            FencedStores,
            None,
        ),
        ("recordUsage", json!({"cost": 1}), FencedStores, None),
        (
            "updateContext",
            json!({"context": {"a": 1}}),
            FencedStores,
            None,
        ),
        ("delete", json!({}), Token, None),
        ("trash", json!({}), Token, None),
        ("restore", json!({}), Token, Some("trash")),
        ("import", text.clone(), Token, None),
        (
            "override",
            json!({"updates": {"status": "failed"}}),
            Token,
            None,
        ),
        ("save", text, Token, None),
        ("trashMany", json!({"ids": ["s"]}), Token, None),
        ("restoreMany", json!({"ids": ["s"]}), Token, Some("trash")),
        ("deleteMany", json!({"ids": ["s"]}), Token, None),
        ("agentUpdate", json!({"error": "e"}), FencedStores, None),
        ("agentUpdate", json!({"phase": "planning"}), Token, None),
        ("agentFinalize", json!({"outcome": "failed"}), Token, None),
        ("requestApproval", json!({}), Token, None),
        (
            "approve",
            json!({"by": "ada"}),
            Nothing,
            Some("requestApproval"),
        ),
        (
            "deny",
            json!({"by": "ada"}),
            Nothing,
            Some("requestApproval"),
        ),
    ]
}

/// The writes on sessions and agents that reach no session of another: they start one, acquire a
/// lease, or leave sessions that are held as they are.
const OTHERS: [&str; 6] = ["start", "fork", "hold", "agentCreate", "cleanup", "purge"];

#[test]
fn the_writes_of_this_test_are_those_of_the_table() {
    let operations = OPERATIONS.iter().chain(ADMINISTRATION).copied().flatten();
    let of_sessions = operations.filter(|operation| {
        let group = matches!(operation.group, Group::Sessions | Group::Agents);
        group && operation.access != Access::Read
    });
    let names: BTreeSet<&str> = of_sessions.map(|operation| operation.name()).collect();
    let writes = writes().into_iter().map(|(name, ..)| name);
    assert_eq!(names, writes.chain(OTHERS).collect());
}

/// The code of a call's error, or of the refusal in its result; `ok` without one.
fn outcome(world: &World, name: &str, params: &Value, token: Option<u64>) -> String {
    let mut params = params.clone();
    if params.get("text").is_none() && params.get("ids").is_none() {
        params["id"] = json!("s");
    }
    if let Some(token) = token {
        params["token"] = json!(token);
    }
    match world.call(name, params) {
        Err(error) => error.code().to_owned(),
        Ok(reply) => {
            let reply: Value = serde_json::from_str(&reply.value).unwrap();
            let refused = &reply["refused"][0]["code"];
            refused.as_str().unwrap_or("ok").to_owned()
        }
    }
}

/// A world with the session `s`, which a runner holds with token 2.
fn held(fenced: bool, before: Option<&str>) -> World {
    let world = World::default().with_limits(|limits| limits.fenced = fenced);
    world.ok("agentCreate", json!({"agentName": "a", "id": "s"}));
    let call = json!({"id": "s", "tool": "t", "callId": "c"});
    world.ok("startToolCall", call);
    if let Some(before) = before {
        world.ok(before, json!({"id": "s"}));
    }
    let lease = json!({"key": "session:s", "holder": "a", "once": true});
    world.ok("leaseAcquire", lease.clone());
    world.ok("leaseRelease", json!({"key": "session:s", "holder": "a"}));
    world.ok("leaseAcquire", lease);
    world
}

#[test]
fn every_write_to_a_held_session_needs_what_it_says() {
    for (name, params, fence, before) in writes() {
        for fenced in [false, true] {
            for (token, expected) in [
                (None, "SESSION_HELD"),
                (Some(1), "LEASE_LOST"),
                (Some(3), "LEASE_LOST"),
                (Some(2), "ok"),
            ] {
                let is_free = match fence {
                    Fence::Token => false,
                    Fence::FencedStores => !fenced,
                    Fence::Nothing => true,
                };
                let expected = match token {
                    None if is_free => "ok",
                    _ => expected,
                };
                let world = held(fenced, before);
                let unchanged = world.session("s");
                let found = outcome(&world, name, &params, token);
                assert_eq!(found, expected, "{name} {params} {token:?} {fenced}");
                if expected != "ok" {
                    assert_eq!(world.session("s"), unchanged, "{name} {params}");
                }
            }
        }
    }
}

#[test]
fn a_session_that_nobody_holds_needs_no_token_and_takes_none() {
    for (name, params, _, before) in writes() {
        for (token, expected) in [(None, "ok"), (Some(2), "LEASE_LOST")] {
            for fenced in [false, true] {
                let world = held(fenced, before);
                world.ok("leaseRelease", json!({"key": "session:s", "holder": "a"}));
                assert_eq!(outcome(&world, name, &params, token), expected, "{name}");
            }
        }
    }
}

#[test]
fn an_expired_lease_is_its_holders_until_another_has_it() {
    let world = held(false, None);
    world.pass(30_000);
    let note = json!({"type": "note"});
    assert_eq!(outcome(&world, "addEvent", &note, Some(2)), "ok");
    assert_eq!(
        outcome(&world, "incrementIteration", &json!({}), Some(2)),
        "ok"
    );
    world.ok("hold", json!({"id": "s", "holder": "b"}));
    assert_eq!(outcome(&world, "addEvent", &note, Some(2)), "LEASE_LOST");
    assert_eq!(outcome(&world, "pause", &json!({}), Some(2)), "LEASE_LOST");
    assert_eq!(outcome(&world, "pause", &json!({}), Some(3)), "ok");
}

#[test]
fn an_expired_lease_is_lost_when_another_moves_the_session_without_one() {
    let world = held(false, None);
    world.pass(30_000);
    let (note, step) = (json!({"type": "note"}), json!({}));
    // An append leaves the session where it is.
    assert_eq!(outcome(&world, "addEvent", &note, None), "ok");
    assert_eq!(outcome(&world, "incrementIteration", &step, Some(2)), "ok");
    assert_eq!(outcome(&world, "incrementIteration", &step, None), "ok");
    for (name, params) in [("incrementIteration", &step), ("addEvent", &note)] {
        assert_eq!(outcome(&world, name, params, Some(2)), "LEASE_LOST");
    }
    let renewal = json!({"key": "session:s", "holder": "a", "token": 2});
    assert_eq!(world.ok("leaseRenew", renewal)["outcome"], "lost");
}

#[test]
fn a_lease_from_a_clock_that_is_ahead_is_not_lost_to_a_write_without_one() {
    let world = held(false, None);
    world.pass(-120_000);
    let step = json!({});
    // Whether its holder is there is doubtful, and a doubtful run works.
    assert_eq!(outcome(&world, "incrementIteration", &step, None), "ok");
    world.pass(120_000);
    assert_eq!(outcome(&world, "incrementIteration", &step, Some(2)), "ok");
    let other = json!({"id": "s", "holder": "b"});
    assert_eq!(world.ok("hold", other)["outcome"], "held");
}

#[test]
fn a_session_is_held_once_and_only_if_it_exists() {
    let world = World::default();
    let hold = |holder: &str| world.ok("hold", json!({"id": "s", "holder": holder}));
    let unknown = json!({"id": "s", "holder": "a"});
    assert_eq!(world.code("hold", unknown), "SESSION_NOT_FOUND");
    assert_eq!(
        world.ok("leaseGet", json!({"key": "session:s"})),
        Value::Null
    );
    world.start(json!({"id": "s"}));
    assert_eq!(hold("a")["outcome"], "acquired");
    assert_eq!(hold("a")["outcome"], "held");
    assert_eq!(hold("b")["lease"]["holder"], "a");
    assert_eq!(
        world.code("hold", json!({"id": "../s", "holder": "a"})),
        "INVALID_ID"
    );
    world.ok("trash", json!({"id": "s", "token": 1}));
    assert_eq!(
        world.code("hold", json!({"id": "s", "holder": "c"})),
        "SESSION_DELETED"
    );
}

#[test]
fn a_repeated_call_with_another_token_is_the_same_call() {
    let world = held(false, None);
    let params = json!({"id": "s", "idempotencyKey": "k", "token": 2});
    let first = world.ok("incrementIteration", params.clone());
    world.ok("leaseRelease", json!({"key": "session:s", "holder": "a"}));
    world.ok("hold", json!({"id": "s", "holder": "b"}));
    let mut again = params;
    again["token"] = json!(3);
    let replayed = world.ok("incrementIteration", again);
    assert_eq!(replayed["iterations"], first["iterations"]);
    assert_eq!(replayed["replayed"], true);
}

#[test]
fn a_slot_is_taken_from_a_session_that_is_held() {
    let world = World::default();
    let start =
        |id: &str, model: &str| {
            let policy = "replace";
            world.ok("startInSlot", json!({
            "taskId": "t", "phase": "run", "model": model, "task": "t", "mode": "m", "id": id,
            "onModelChange": policy
        }))
        };
    start("s", "a");
    world.ok("hold", json!({"id": "s", "holder": "a"}));
    assert_eq!(start("n", "b")["outcome"], "replaced");
    let params = json!({"id": "s", "token": 1});
    assert_eq!(world.code("incrementIteration", params), "SESSION_DELETED");
}

fn run(memory: &MemoryStore, name: &'static str, params: Value, later: i64) -> Value {
    let mut call = RunningCall {
        name,
        params,
        now: NOON + later,
        replies: Vec::new(),
        liveness: Vec::new(),
    };
    let ended = call.advance(memory, &nobody(), Fault::None, usize::MAX);
    ended.expect("it ends").unwrap()
}

/// The writes that race for a session, and the parameters beside its id.
fn racing() -> [(&'static str, Value); 7] {
    [
        ("pause", json!({})),
        ("complete", json!({})),
        ("incrementIteration", json!({})),
        ("trash", json!({})),
        ("delete", json!({})),
        ("agentUpdate", json!({"phase": "planning"})),
        ("addEvent", json!({"type": "note"})),
    ]
}

/// Runs a write with or without token 1, and lets another holder acquire the lease after this many of
/// its store calls. Returns whether the lease was acquired before the write was committed, and the
/// write's code.
fn race(
    name: &'static str,
    params: &Value,
    token: bool,
    calls: usize,
    fault: Fault,
) -> (bool, String) {
    let host: Caller = nobody();
    let memory = MemoryStore::default();
    run(
        &memory,
        "agentCreate",
        json!({"agentName": "a", "id": "s"}),
        0,
    );
    let mut params = params.clone();
    params["id"] = json!("s");
    if token {
        run(&memory, "hold", json!({"id": "s", "holder": "a"}), 0);
        params["token"] = json!(1);
    }
    let id = SessionId::parse("s").unwrap();
    let before = memory.load(&id, History::None).unwrap();
    let mut write = RunningCall {
        name,
        params,
        now: NOON,
        replies: Vec::new(),
        liveness: Vec::new(),
    };
    let ended = write.advance(&memory, &host, fault, calls);
    let is_written = memory.load(&id, History::None).unwrap() != before;
    if !is_written {
        // The lease of the writer, if it has one, has expired.
        run(&memory, "hold", json!({"id": "s", "holder": "b"}), 30_000);
    }
    let ended = ended.or_else(|| write.advance(&memory, &host, fault, usize::MAX));
    let code = match ended.expect("it ends") {
        Ok(_) => "ok".to_owned(),
        Err(error) => error.code().to_owned(),
    };
    (!is_written, code)
}

#[test]
fn a_lease_that_is_lost_at_any_moment_before_the_commit_refuses_the_write() {
    for (name, params) in racing() {
        for token in [true, false] {
            for calls in 0..6 {
                let (is_lost, code) = race(name, &params, token, calls, Fault::None);
                let expected = match (is_lost, token) {
                    (true, true) => "LEASE_LOST",
                    (true, false) if name != "addEvent" => "SESSION_HELD",
                    _ => "ok",
                };
                assert_eq!(code, expected, "{name} after {calls} calls, token: {token}");
            }
        }
    }
}

#[test]
fn a_store_that_ignores_versions_is_detected() {
    let slips = (0..6).filter(|&calls| {
        let (is_lost, code) = race("pause", &json!({}), true, calls, Fault::IgnoresVersions);
        is_lost && code == "ok"
    });
    assert!(slips.count() > 0);
}
