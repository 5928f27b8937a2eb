//! Leases of sessions, which prevent two processes from running the same session.

use serde_json::json;

use super::simulated_machine::{Machine, kill, nobody, process};

fn started(machine: &Machine) {
    let session = json!({"id": "s", "task": "t", "mode": "m"});
    machine.ok(&nobody(), "start", session);
}

#[test]
fn a_session_that_a_process_holds_is_not_resumed_by_another() {
    let machine = Machine::default();
    started(&machine);
    let (a, b) = (process("a", 1, 1), process("b", 2, 1));
    machine.ok(&a, "leaseAcquire", json!({"key": "session:s"}));
    let error = machine.error(&b, "resume", json!({"id": "s"}));
    assert_eq!(error.code(), "SESSION_HELD");
    assert_eq!(
        serde_json::to_value(error.details()).unwrap(),
        json!({"id": "s", "holder": "a", "pid": 1, "hostname": "host of boot"})
    );
    let message = error.to_string();
    assert!(
        message.contains("held by a (process 1 on host of boot)"),
        "{message}"
    );
    assert_eq!(machine.ok(&b, "get", json!({"id": "s"}))["version"], 1);
    machine.ok(&b, "resume", json!({"id": "s", "ifActive": "keep"}));
    let resume = json!({"id": "s", "token": 1});
    assert_eq!(machine.ok(&a, "resume", resume)["version"], 2);
    kill(&a);
    assert_eq!(machine.ok(&b, "resume", json!({"id": "s"}))["version"], 3);
}

#[test]
fn a_session_that_is_held_under_a_name_is_resumed_with_its_token() {
    let machine = Machine::default();
    started(&machine);
    let b = process("b", 2, 1);
    let lease = json!({"key": "session:s", "holder": "worker", "leaseDurationMs": 1000});
    machine.ok(&nobody(), "leaseAcquire", lease);
    let error = machine.error(&b, "resume", json!({"id": "s"}));
    assert_eq!(error.code(), "SESSION_HELD");
    assert!(error.to_string().contains("held by worker;"), "{error}");
    machine.ok(&b, "resume", json!({"id": "s", "token": 1}));
    machine.pass(1000);
    machine.ok(&b, "resume", json!({"id": "s"}));
}

#[test]
fn a_paused_session_that_another_process_holds_is_not_resumed_either() {
    let machine = Machine::default();
    started(&machine);
    let (a, b) = (process("a", 1, 1), process("b", 2, 1));
    machine.ok(&a, "leaseAcquire", json!({"key": "session:s"}));
    machine.ok(&a, "pause", json!({"id": "s", "token": 1}));
    let error = machine.error(&b, "resume", json!({"id": "s"}));
    assert_eq!(error.code(), "SESSION_HELD");
    kill(&a);
    assert_eq!(
        machine.ok(&b, "resume", json!({"id": "s"}))["status"],
        "active"
    );
}

#[test]
fn a_cleanup_skips_a_session_that_a_process_holds() {
    for permanent in [false, true] {
        let machine = Machine::default();
        started(&machine);
        machine.ok(
            &nobody(),
            "start",
            json!({"id": "t", "task": "t", "mode": "m"}),
        );
        let a = process("a", 1, 1);
        machine.ok(&a, "leaseAcquire", json!({"key": "session:s"}));
        let cleanup = |dry_run: bool| {
            let all = json!({
                "maxAge": 0, "status": "active", "permanent": permanent, "dryRun": dry_run
            });
            machine.ok(&nobody(), "cleanup", all)["ids"].clone()
        };
        // The cleanup has no host, so the lease expires by the clock.
        assert_eq!(cleanup(true), json!(["t"]));
        assert_eq!(cleanup(false), json!(["t"]));
        machine.pass(29_999);
        assert_eq!(cleanup(false), json!([]));
        machine.pass(1);
        assert_eq!(cleanup(true), json!(["s"]));
        kill(&a);
        assert_eq!(cleanup(false), json!(["s"]));
    }
}

#[test]
fn tokens_keep_growing_when_the_id_of_a_deleted_session_is_reused() {
    let machine = Machine::default();
    started(&machine);
    let (a, b) = (process("a", 1, 1), process("b", 2, 1));
    machine.ok(&a, "leaseAcquire", json!({"key": "session:s"}));
    kill(&a);
    machine.ok(&b, "delete", json!({"id": "s"}));
    started(&machine);
    let (outcome, token) = machine.outcome(&b, "leaseAcquire", json!({"key": "session:s"}));
    assert_eq!((outcome.as_str(), token), ("acquired", Some(2)));
}
