//! Ownership of virtual machines, and the cleanup of orphaned machines.

use serde_json::{Value, json};

use super::simulated_machine::{Caller, Machine, elsewhere, kill, nobody, process};

const HALF_A_DAY: i64 = 12 * 60 * 60 * 1000;

fn vm(id: &str) -> Value {
    json!({"vmId": id, "zone": "z", "components": ["voice", "ml"], "metadata": {"n": 1}})
}

fn owner(machine: &Machine, session: &str, pid: u32, id: &str) -> Caller {
    let owner = process(session, pid, 1);
    assert_eq!(machine.ok(&owner, "vmRegister", vm(id)), true);
    owner
}

fn ids(vms: &Value) -> Vec<&str> {
    let vms = vms.as_array().unwrap();
    vms.iter().map(|vm| vm["vmId"].as_str().unwrap()).collect()
}

#[test]
fn a_process_owns_one_machine_and_a_machine_has_one_owner() {
    let machine = Machine::default();
    let a = owner(&machine, "a", 1, "v1");
    let b = process("b", 2, 1);
    assert_eq!(machine.ok(&a, "vmRegister", vm("v2")), false);
    assert_eq!(machine.ok(&b, "vmRegister", vm("v1")), false);
    let mine = machine.ok(&a, "vmMine", json!({}));
    assert_eq!(mine["vmId"], "v1");
    assert_eq!(mine["zone"], "z");
    assert_eq!(mine["components"], json!(["voice", "ml"]));
    assert_eq!(mine["metadata"], json!({"n": 1}));
    assert_eq!(mine["status"], "active");
    assert_eq!(mine["holder"], "a");
    assert_eq!(machine.ok(&b, "vmMine", json!({})), Value::Null);
    assert_eq!(machine.ok(&b, "vmUnregister", json!({})), false);
    assert_eq!(machine.ok(&a, "vmUnregister", json!({"vmId": "v2"})), false);
    assert_eq!(machine.ok(&a, "vmUnregister", json!({})), true);
    assert_eq!(machine.ok(&a, "vmUnregister", json!({})), false);
    assert_eq!(machine.ok(&a, "vmMine", json!({})), Value::Null);
    assert_eq!(machine.ok(&b, "vmRegister", vm("v1")), true);
    assert_eq!(machine.ok(&a, "vmRegister", vm("v2")), true);
    assert_eq!(machine.ok(&b, "vmMine", json!({}))["token"], 2);
}

#[test]
fn an_owner_updates_the_registration_of_its_machine() {
    let machine = Machine::default();
    let a = owner(&machine, "a", 1, "v");
    let before = machine.ok(&a, "vmMine", json!({}));
    machine.pass(1000);
    let changed = json!({"vmId": "v", "zone": "y", "components": []});
    assert_eq!(machine.ok(&a, "vmRegister", changed), true);
    let after = machine.ok(&a, "vmMine", json!({}));
    assert_eq!(
        (&after["zone"], &after["components"]),
        (&json!("y"), &json!([]))
    );
    assert_eq!(after["metadata"], json!({}));
    assert_eq!(after["registeredAt"], before["registeredAt"]);
    assert_eq!(after["token"], before["token"]);
}

#[test]
fn running_sessions_are_listed_with_and_without_machines() {
    let machine = Machine::default();
    let a = owner(&machine, "a", 1, "v");
    let b = process("b", 2, 1);
    machine.ok(&b, "processRegister", json!({}));
    let c = owner(&machine, "c", 3, "w");
    kill(&c);
    let sessions = machine.ok(&a, "activeSessions", json!({}));
    let keys: Vec<&String> = sessions.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["a", "b"]);
    let page = machine.ok(&a, "activeSessions", json!({"limit": 1}));
    assert_eq!(page.as_object().unwrap().keys().collect::<Vec<_>>(), ["a"]);
    let page = machine.ok(&a, "activeSessions", json!({"after": "a"}));
    assert_eq!(page.as_object().unwrap().keys().collect::<Vec<_>>(), ["b"]);
    assert_eq!(sessions["a"]["vm"]["vmId"], "v");
    assert_eq!(sessions["a"]["mine"], true);
    assert_eq!(sessions["b"]["vm"], Value::Null);
    assert_eq!(
        (&sessions["b"]["pid"], &sessions["b"]["mine"]),
        (&json!(2), &json!(false))
    );
    assert_eq!(sessions["b"]["hostname"], "host of boot");
    assert_eq!(sessions["b"]["createdAt"], "2026-01-08T18:05:30.000Z");
}

#[test]
fn a_stale_registration_is_removed_and_counted_once() {
    let machine = Machine::default();
    let (a, b) = (owner(&machine, "a", 1, "v"), process("b", 2, 1));
    machine.ok(&b, "processRegister", json!({}));
    let c = process("c", 3, 1);
    let nothing = json!({"removed": 0, "sessions": [], "orphans": 0});
    assert_eq!(machine.ok(&c, "staleCleanup", json!({})), nothing);
    kill(&a);
    kill(&b);
    let plan = machine.ok(&c, "staleCleanup", json!({"dryRun": true}));
    let cleanup = machine.ok(&c, "staleCleanup", json!({}));
    assert_eq!(plan, cleanup);
    assert_eq!(
        cleanup,
        json!({"removed": 2, "sessions": ["a", "b"], "orphans": 1})
    );
    let again = machine.ok(&c, "staleCleanup", json!({}));
    assert_eq!(again, json!({"removed": 0, "sessions": [], "orphans": 1}));
    let entries = machine.ok(&c, "auditLog", json!({"kind": "lease.stale"}));
    let about: Vec<(&Value, &Value)> = entries["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| (&entry["subject"], &entry["data"]["holder"]))
        .collect();
    let (a, b) = (json!("process:a"), json!("process:b"));
    assert_eq!(about.len(), 2, "{entries}");
    assert!(about.contains(&(&a, &json!("a"))), "{entries}");
    assert!(about.contains(&(&b, &json!("b"))), "{entries}");
}

#[test]
fn a_process_that_renews_its_registration_keeps_its_machine() {
    let machine = Machine::default();
    let far = elsewhere("far");
    let here = process("here", 1, 1);
    assert_eq!(machine.ok(&far, "vmRegister", vm("v")), true);
    for _ in 0..3 {
        machine.pass(HALF_A_DAY - 1);
        let session = machine.ok(&far, "processRegister", json!({}));
        assert_eq!(session["vm"]["vmId"], "v");
    }
    assert_eq!(machine.ok(&here, "orphans", json!({})), json!([]));
    machine.pass(HALF_A_DAY - 1);
    assert_eq!(machine.ok(&here, "orphans", json!({})), json!([]));
    machine.pass(1);
    assert_eq!(ids(&machine.ok(&here, "orphans", json!({}))), ["v"]);
    assert_eq!(machine.ok(&here, "activeSessions", json!({})), json!({}));
    // The registration was only late: the machine still belongs to the process.
    machine.ok(&far, "processRegister", json!({}));
    assert_eq!(machine.ok(&here, "orphans", json!({})), json!([]));
    assert_eq!(machine.ok(&far, "vmMine", json!({}))["token"], 1);
}

#[test]
fn the_registration_of_a_running_process_never_expires() {
    let machine = Machine::default();
    let a = owner(&machine, "a", 1, "v");
    let b = process("b", 2, 1);
    machine.pass(100 * HALF_A_DAY);
    assert_eq!(machine.ok(&b, "vmRegister", vm("v")), false);
    assert_eq!(machine.ok(&b, "staleCleanup", json!({}))["removed"], 0);
    assert_eq!(machine.ok(&a, "vmMine", json!({}))["status"], "active");
}

#[test]
fn a_machine_of_an_ended_owner_is_orphaned_until_it_is_cleaned_up() {
    let machine = Machine::default();
    let a = owner(&machine, "a", 1, "v");
    owner(&machine, "b", 2, "w");
    let (c, d) = (process("c", 3, 1), process("d", 4, 1));
    kill(&a);
    machine.ok(&c, "staleCleanup", json!({}));
    let claim = |by: &Caller| machine.outcome(by, "orphanClaim", json!({"vmId": "v"}));
    let done = |token: u64, success: bool| {
        let params = json!({"vmId": "v", "token": token, "success": success});
        machine.ok(&c, "orphanDone", params)["outcome"].clone()
    };
    let listed = || {
        let orphans = machine.ok(&c, "orphans", json!({}));
        let orphans = orphans.as_array().unwrap().clone();
        assert!(
            orphans
                .iter()
                .all(|vm| vm["vmId"] == "v" && vm["holder"] == "a")
        );
        assert!(
            orphans
                .iter()
                .all(|vm| vm["process"]["pid"] == 1 && vm["zone"] == "z")
        );
        let statuses: Vec<Value> = orphans.iter().map(|vm| vm["status"].clone()).collect();
        statuses
    };
    assert_eq!(listed(), ["orphaned"]);
    assert_eq!(claim(&c), ("acquired".to_owned(), Some(2)));
    assert_eq!(listed(), ["sweeping"]);
    // A claimed machine cannot be claimed again, not even by the same process.
    assert_eq!(claim(&d), ("held".to_owned(), None));
    assert_eq!(claim(&c), ("held".to_owned(), None));
    assert_eq!(machine.ok(&d, "vmRegister", vm("v")), false);
    assert_eq!(machine.ok(&c, "vmRegister", vm("v")), false);
    assert_eq!(machine.ok(&c, "vmMine", json!({})), Value::Null);
    assert_eq!(done(1, true), "lost");
    assert_eq!(done(2, false), "orphaned");
    assert_eq!(listed(), ["orphaned"]);
    assert_eq!(done(2, true), "lost");
    assert_eq!(claim(&d), ("acquired".to_owned(), Some(3)));
    kill(&d);
    assert_eq!(
        listed(),
        ["orphaned"],
        "the process that claimed it has ended as well"
    );
    assert_eq!(claim(&c), ("acquired".to_owned(), Some(4)));
    assert_eq!(done(3, true), "lost");
    assert_eq!(done(4, true), "released");
    assert_eq!(done(4, true), "lost");
    assert_eq!(listed(), Vec::<Value>::new());
    assert_eq!(claim(&c), ("not_held".to_owned(), None));
    assert_eq!(machine.ok(&c, "vmRegister", vm("v")), true);
    assert_eq!(machine.ok(&c, "vmMine", json!({}))["token"], 5);
}

#[test]
fn a_machine_with_an_owner_or_without_a_registration_is_no_orphan() {
    let machine = Machine::default();
    owner(&machine, "a", 1, "v");
    let b = process("b", 2, 1);
    let held = machine.ok(&b, "orphanClaim", json!({"vmId": "v"}));
    assert_eq!(
        (&held["outcome"], &held["vm"]["status"]),
        (&json!("held"), &json!("active"))
    );
    let none = machine.ok(&b, "orphanClaim", json!({"vmId": "w"}));
    assert_eq!(
        none,
        json!({"outcome": "not_held", "token": null, "vm": null})
    );
}

#[test]
fn an_orphan_can_be_registered_by_another_process() {
    let machine = Machine::default();
    let a = owner(&machine, "a", 1, "v");
    let b = process("b", 2, 1);
    kill(&a);
    assert_eq!(machine.ok(&b, "vmRegister", vm("v")), true);
    assert_eq!(machine.ok(&b, "vmMine", json!({}))["token"], 2);
    assert_eq!(machine.ok(&b, "orphans", json!({})), json!([]));
}

#[test]
fn an_orphan_is_not_forgotten_for_a_machine_of_its_name_in_another_zone() {
    let machine = Machine::default();
    let a = owner(&machine, "a", 1, "v");
    let b = process("b", 2, 1);
    kill(&a);
    let other = json!({"vmId": "v", "zone": "other", "components": []});
    assert_eq!(machine.ok(&b, "vmRegister", other.clone()), false);
    assert_eq!(ids(&machine.ok(&b, "orphans", json!({}))), ["v"]);
    assert_eq!(machine.ok(&b, "orphans", json!({}))[0]["zone"], "z");
    let token = machine.ok(&b, "orphanClaim", json!({"vmId": "v"}))["token"].clone();
    let done = json!({"vmId": "v", "token": token, "success": true});
    machine.ok(&b, "orphanDone", done);
    assert_eq!(machine.ok(&b, "vmRegister", other), true);
    assert_eq!(machine.ok(&b, "vmMine", json!({}))["zone"], "other");
}

#[test]
fn a_claim_of_a_name_expires() {
    let machine = Machine::default();
    let a = owner(&machine, "a", 1, "v");
    kill(&a);
    let b = process("b", 2, 1);
    let claim = |holder: &str| {
        let params = json!({"vmId": "v", "holder": holder, "leaseDurationMs": 1000});
        machine.outcome(&b, "orphanClaim", params)
    };
    assert_eq!(claim("job").0, "acquired");
    machine.pass(999);
    assert_eq!(claim("other").0, "held");
    machine.pass(1);
    assert_eq!(claim("job"), ("acquired".to_owned(), Some(3)));
}

#[test]
fn orphans_are_listed_in_pages() {
    let machine = Machine::default();
    for n in 0..5 {
        kill(&owner(&machine, &format!("s{n}"), n, &format!("v{n}")));
    }
    let a = process("a", 9, 1);
    let page = |after: Value| {
        let orphans = machine.ok(&a, "orphans", json!({"limit": 2, "after": after}));
        ids(&orphans).join(" ")
    };
    assert_eq!(page(Value::Null), "v0 v1");
    assert_eq!(page(json!("v1")), "v2 v3");
    assert_eq!(page(json!("v3")), "v4");
}

#[test]
fn an_owner_that_lost_its_machine_may_register_another() {
    let machine = Machine::default();
    let a = owner(&machine, "a", 1, "v");
    assert_eq!(
        machine.ok(&a, "leaseClear", json!({"prefix": "vm:"}))["released"],
        1
    );
    assert_eq!(machine.ok(&a, "vmMine", json!({})), Value::Null);
    assert_eq!(machine.ok(&a, "orphans", json!({})), json!([]));
    assert_eq!(machine.ok(&a, "vmRegister", vm("w")), true);
}

#[test]
fn a_name_can_own_a_machine() {
    let machine = Machine::default();
    let named = |extra: Value| {
        let mut params = extra;
        params["holder"] = json!("job");
        params
    };
    assert_eq!(machine.ok(&nobody(), "vmRegister", named(vm("v"))), true);
    assert_eq!(
        machine.ok(&nobody(), "vmMine", named(json!({})))["vmId"],
        "v"
    );
    assert_eq!(machine.ok(&nobody(), "vmMine", json!({})), Value::Null);
    assert_eq!(
        machine.ok(&nobody(), "vmUnregister", named(json!({}))),
        true
    );
    for (name, params) in [
        ("vmRegister", vm("v")),
        ("processRegister", json!({})),
        ("vmUnregister", json!({})),
        ("orphanClaim", json!({"vmId": "v"})),
    ] {
        let error = machine.error(&nobody(), name, params);
        assert!(error.to_string().starts_with("holder: "), "{name}: {error}");
    }
    let error = machine.error(&process("a", 1, 1), "vmRegister", vm(&"v".repeat(510)));
    assert!(error.to_string().starts_with("vmId: "), "{error}");
}
