//! The import of files of other programs: no data is lost, a second import changes nothing, and an
//! unreadable file is reported as a problem and changes nothing.

use crate::support::{NOON, World, call_at, ready, run, scale};
use serde_json::{Value, json};
use tenure_apps::folders::file::{FileImport, Holds, ImportFileParams, Layout, is_wanted};
use tenure_apps::folders::operations::IMPORT_FILE;
use tenure_core::audit::entry::Entry;
use tenure_core::store::Scan;
use tenure_core::stored::lease::Lease;
use tenure_core::stored::record::Record;
use tenure_core::{Store, Text, Timestamp, audit, lease};

const HOUR: i64 = 3_600_000;

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis).unwrap()
}

fn import_with(world: &World, path: &str, text: &str, dry_run: bool) -> FileImport {
    let params = ImportFileParams {
        path: Text::from(path),
        text: Text::from(text),
        modified_at: Some(at(NOON)),
        dry_run: Some(dry_run),
        ..ImportFileParams::default()
    };
    let call = call_at(at(world.now()), 0, &world.limits);
    ready(run(&world.store, &IMPORT_FILE, params, call))
        .unwrap()
        .value
}

fn import(world: &World, path: &str, file: &Value) -> FileImport {
    import_with(world, path, &file.to_string(), false)
}

fn records(world: &World, kind: &str) -> Vec<Record> {
    let scan = Scan {
        kind: kind.to_owned(),
        after: None,
        limit: 100_000,
    };
    ready(world.store.scan(&scan)).unwrap()
}

fn leases(world: &World) -> Vec<Lease> {
    let records = records(world, lease::KIND);
    records
        .iter()
        .map(|record| Lease::read(record).unwrap())
        .collect()
}

/// The numbers of sessions that were written, unchanged, newer in the store, and unreadable.
fn counts(done: &FileImport) -> (u64, u64, u64, usize) {
    (
        done.written,
        done.unchanged,
        done.newer,
        done.problems.len(),
    )
}

const STATE: &str = "/x/.claude/session/agent-20260108-180530-abc12345/state.json";

fn state() -> Value {
    json!({
        "agent_id": "agent-20260108-180530-abc12345",
        "agent_name": "terraform-architect",
        "purpose": "approval_workflow",
        "created_at": "2026-01-08T18:05:30Z",
        "last_updated": "2026-01-08T18:10:15Z",
        "phase": "approval",
        "metadata": {"task_id": "T001", "tags": ["terraform"]},
        "resume_ready": true,
        "history": [
            {"from_phase": "initializing", "to_phase": "investigating",
             "timestamp": "2026-01-08T18:06:00Z"},
            {"from_phase": "investigating", "to_phase": "approval",
             "timestamp": "2026-01-08T18:10:15Z"}
        ],
        "error_count": 2,
        "last_error": {"message": "timed out", "timestamp": "2026-01-08T18:07:00Z"},
        "finalized_at": null,
        "duration_seconds": null,
        "summary": null,
        "own": {"kept": true}
    })
}

fn with(mut file: Value, more: Value) -> Value {
    file.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    file
}

#[test]
fn files_are_recognised_by_their_paths() {
    for (path, layout) in [
        ("/a/sessions/s1/session.json", Some(Layout::Session)),
        (r"C:\bot\sessions\s1\session.json", Some(Layout::Session)),
        ("/a/.claude/session/a1/state.json", Some(Layout::AgentState)),
        ("/a/session/a1/state.json", Some(Layout::AgentState)),
        ("/a/a1/state.json", None),
        ("/tmp/jarvis_vm_registry.json", Some(Layout::Registry)),
        ("/tmp/jarvis_session_12.json", Some(Layout::MachineSession)),
        (
            "/tmp/jarvis_global_session.json",
            Some(Layout::MachineSession),
        ),
        ("/tmp/jarvis_session_.json", None),
        ("/tmp/jarvis_session_12.json.bak", None),
        ("/m/active_sessions/k.json", Some(Layout::ActiveSession)),
        ("/m/active_sessions/k.txt", None),
        ("/m/recent_pr_abc.lock", Some(Layout::PullRequestLock)),
        ("/m/recent_pr_abc.lock.old", None),
        (
            "/m/audit/session_audit_20250917.json",
            Some(Layout::AuditLog),
        ),
        ("/m/audit/other.json", None),
        ("/m/package.json", None),
        ("", None),
        ("session.json", Some(Layout::Session)),
    ] {
        assert_eq!(Layout::of(path), layout, "{path}");
        assert_eq!(is_wanted(path), layout.is_some(), "{path}");
    }
    for (folder, wanted) in [
        ("/a/", true),
        ("/a/.claude/", true),
        (r"C:\a\", true),
        ("/a/.git/", false),
        ("/a/.tenure/", false),
        (r"C:\a\node_modules\", false),
    ] {
        assert_eq!(is_wanted(folder), wanted, "{folder}");
    }
}

#[test]
fn a_session_is_imported_unchanged() {
    let from = World::default();
    let id = from.start(json!({"context": {"a": 1}, "metadata": {"cost": 2}}));
    from.ok("incrementIteration", json!({"id": id}));
    from.ok("pause", json!({"id": id, "reason": "r"}));
    let text = from.export(&id);
    let to = World::default();
    let path = format!("/x/sessions/{id}/session.json");
    let done = import_with(&to, &path, &text, false);
    assert_eq!(
        (counts(&done), done.holds),
        ((1, 0, 0, 0), Some(Holds::Sessions))
    );
    assert_eq!(to.export(&id), text);
    let again = import_with(&to, &path, &text, false);
    assert_eq!(counts(&again), (0, 1, 0, 0));
    assert_eq!(to.export(&id), text);
}

#[test]
fn what_a_session_does_not_have_is_kept_and_exported_again() {
    let world = World::default();
    let file = json!({
        "id": "s", "mode": "m", "task": "t", "status": "paused", "iterations": 1,
        "createdAt": "2026-01-08T18:00:00.000Z", "updatedAt": "2026-01-08T18:01:00.000Z",
        "guildId": "g", "tags": ["a"], "metadata": {"model": "m"},
        "history": [
            {"timestamp": "2026-01-08T18:00:00.000Z", "type": "start", "data": {"task": "t"},
             "tags": ["b"], "actor": null},
            {"timestamp": "2026-01-08T18:01:00.000Z", "type": "pause"}
        ]
    });
    let done = import(&world, "/x/s/session.json", &file);
    assert_eq!(counts(&done), (1, 0, 0, 0), "{done:?}");
    let session = world.ok("get", json!({"id": "s", "history": "all"}));
    assert_eq!(
        session["metadata"],
        json!({"otherProperties": {"guildId": "g", "tags": ["a"]}, "model": "m"})
    );
    assert_eq!(
        session["history"][0]["data"],
        json!({"otherProperties": {"tags": ["b"], "actor": null}, "task": "t"})
    );
    let exported: Value = serde_json::from_str(&world.export("s")).unwrap();
    for name in ["guildId", "tags", "metadata"] {
        assert_eq!(exported[name], file[name], "{name}");
    }
    for name in ["tags", "actor", "data", "type", "timestamp"] {
        assert_eq!(
            exported["history"][0][name], file["history"][0][name],
            "{name}"
        );
    }
}

#[test]
fn an_older_session_never_replaces_a_newer_one() {
    let world = World::default();
    let session = |updated: &str, iterations: u32| {
        json!({
            "id": "s", "mode": "m", "task": "t", "status": "active", "iterations": iterations,
            "createdAt": "2026-01-08T18:00:00.000Z", "updatedAt": updated
        })
    };
    let path = "/x/s/session.json";
    let old = session("2026-01-08T18:01:00.000Z", 1);
    let new = session("2026-01-08T18:02:00.000Z", 2);
    let iterations = || world.ok("get", json!({"id": "s"}))["iterations"].clone();
    assert_eq!(counts(&import(&world, path, &old)), (1, 0, 0, 0));
    let version = world.ok("get", json!({"id": "s"}))["version"].as_u64();
    assert_eq!(counts(&import(&world, path, &new)), (1, 0, 0, 0));
    assert_eq!(iterations(), 2);
    assert!(world.ok("get", json!({"id": "s"}))["version"].as_u64() > version);
    assert_eq!(counts(&import(&world, path, &old)), (0, 0, 1, 0));
    assert_eq!(iterations(), 2);
    world.ok("incrementIteration", json!({"id": "s"}));
    assert_eq!(counts(&import(&world, path, &new)), (0, 0, 1, 0));
    assert_eq!(iterations(), 3, "what was done here since stays");

    let other = with(new, json!({"createdAt": "2026-01-08T17:00:00.000Z"}));
    let done = import(&world, path, &other);
    assert_eq!(counts(&done), (0, 0, 0, 1));
    assert_eq!(done.problems[0].code, "SESSION_EXISTS");
}

#[test]
fn an_agent_is_imported_as_a_session_with_all_its_data() {
    let world = World::default();
    let done = import(&world, STATE, &state());
    assert_eq!(
        (counts(&done), done.holds),
        ((1, 0, 0, 0), Some(Holds::Sessions))
    );
    let id = "agent-20260108-180530-abc12345";
    let session = world.ok("get", json!({"id": id}));
    for (property, value) in [
        ("mode", json!("terraform-architect")),
        ("task", json!("approval_workflow")),
        ("status", json!("active")),
        ("agentName", json!("terraform-architect")),
        ("purpose", json!("approval_workflow")),
        ("phase", json!("approval")),
        ("resumeReady", json!(true)),
        ("errorCount", json!(2)),
        (
            "lastError",
            json!({"message": "timed out", "timestamp": "2026-01-08T18:07:00.000Z"}),
        ),
        ("createdAt", json!("2026-01-08T18:05:30.000Z")),
        ("updatedAt", json!("2026-01-08T18:10:15.000Z")),
        ("eventCount", json!(2)),
        (
            "metadata",
            json!({
                "task_id": "T001", "tags": ["terraform"],
                "agentState": {"own": {"kept": true}}
            }),
        ),
    ] {
        assert_eq!(session[property], value, "{property}");
    }
    assert_eq!(session["history"][1]["type"], "phase");
    assert_eq!(
        session["history"][1]["timestamp"],
        "2026-01-08T18:10:15.000Z"
    );
    assert_eq!(
        session["history"][1]["data"],
        json!({"from": "investigating", "to": "approval"})
    );
    assert_eq!(counts(&import(&world, STATE, &state())), (0, 1, 0, 0));
    assert_eq!(world.ok("resume", json!({"id": id}))["status"], "active");
}

#[test]
fn only_a_final_phase_of_an_imported_agent_sets_the_status() {
    for (phase, status) in [
        ("initializing", "active"),
        ("investigating", "active"),
        ("planning", "active"),
        ("approval", "active"),
        ("executing", "active"),
        ("validating", "active"),
        ("completed", "completed"),
        ("failed", "failed"),
        ("abandoned", "abandoned"),
    ] {
        let world = World::default();
        let end = json!({
            "phase": phase, "summary": "done", "finalized_at": "2026-01-08T18:10:14Z"
        });
        let done = import(&world, STATE, &with(state(), end));
        assert_eq!(counts(&done), (1, 0, 0, 0), "{phase}: {done:?}");
        let session = world.ok("get", json!({"id": state()["agent_id"]}));
        assert_eq!(session["status"], status);
        assert_eq!(session["phase"], phase);
        let ends = session.get("finalizedAt").cloned();
        let final_phase = status != "active";
        assert_eq!(ends.is_some(), final_phase, "{phase}");
        if final_phase {
            assert_eq!(ends, Some(json!("2026-01-08T18:10:14.000Z")));
        }
        let actual = [session.get("result"), session.get("error")];
        let done = json!("done");
        let expected = match status {
            "completed" => [Some(&done), None],
            "failed" => [None, Some(&done)],
            _ => [None, None],
        };
        assert_eq!(actual, expected, "{phase}");
    }
}

#[test]
fn a_property_of_an_agent_with_a_reserved_name_is_nested() {
    let world = World::default();
    let metadata = json!({"metadata": {"agentState": {"theirs": 1}}});
    import(&world, STATE, &with(state(), metadata));
    let session = world.ok("get", json!({"id": state()["agent_id"]}));
    let ours = &session["metadata"]["agentState"];
    assert_eq!(ours["agentState"], json!({"theirs": 1}));
    assert_eq!(ours["own"], json!({"kept": true}));
}

#[test]
fn no_property_of_an_agents_state_is_lost() {
    let said = json!({
        "purpose": ["a"], "last_updated": "yesterday", "resume_ready": "yes", "metadata": [1],
        "error_count": -1, "last_error": 7, "finalized_at": "2026-01-08T18:10:15Z",
        "duration_seconds": 9, "summary": {"a": 1}, "own": 1
    });
    let world = World::default();
    let file = with(state(), said.clone());
    let done = import(&world, STATE, &file);
    assert_eq!(counts(&done), (1, 0, 0, 0), "{done:?}");
    let session = world.ok("get", json!({"id": state()["agent_id"]}));
    assert_eq!(session["metadata"], json!({"agentState": said}));

    let entry = json!({
        "from_phase": "a", "to_phase": "b", "from": "theirs", "timestamp": "then", "by": "ada"
    });
    let world = World::default();
    import(&world, STATE, &with(state(), json!({"history": [entry]})));
    let session = world.ok("get", json!({"id": state()["agent_id"], "history": "all"}));
    let data = &session["history"][0]["data"];
    assert_eq!(
        data,
        &json!({"from_phase": "a", "to": "b", "from": "theirs", "timestamp": "then", "by": "ada"})
    );

    // What the session says itself is not repeated.
    let world = World::default();
    let end = json!({
        "phase": "completed", "finalized_at": "2026-01-08T18:10:15Z", "duration_seconds": 285.2
    });
    import(&world, STATE, &with(state(), end));
    let session = world.ok("get", json!({"id": state()["agent_id"]}));
    assert_eq!(
        session["metadata"]["agentState"],
        json!({"own": {"kept": true}})
    );
}

#[test]
fn an_invalid_state_is_a_problem_that_names_the_property() {
    for (property, value) in [
        ("agent_id", Value::Null),
        ("agent_id", json!("../x")),
        ("agent_name", json!(7)),
        ("phase", json!("dreaming")),
        ("phase", Value::Null),
        ("created_at", json!("yesterday")),
        ("history", json!(7)),
        ("history", json!([7])),
    ] {
        let world = World::default();
        let done = import(&world, STATE, &with(state(), json!({property: value})));
        assert_eq!(counts(&done), (0, 0, 0, 1), "{property} {value}");
        let code = &done.problems[0].code;
        assert!(
            ["INVALID_ARGUMENT", "INVALID_ID"].contains(&&**code),
            "{done:?}"
        );
    }
}

fn registered(session: &str, vm: Value, at: f64) -> Value {
    json!({
        "session_id": session, "pid": 12345, "hostname": "macbook.local", "vm_id": vm,
        "zone": "us-central1-a", "components": ["voice"], "metadata": {"ram_percent": 87.5},
        "created_at": at - 1.0, "registered_at": at, "status": "active"
    })
}

const REGISTRY: &str = "/tmp/jarvis_vm_registry.json";

#[test]
fn a_registry_is_imported_as_leases_of_twelve_hours() {
    let world = World::default();
    let seconds = NOON as f64 / 1000.0 + 0.456;
    let vm = registered("8f16", json!("jarvis-auto-1"), seconds);
    let file = json!({
        "8f16": vm,
        "idle": registered("idle", Value::Null, seconds),
        "torn": {"session_id": "torn"},
        "odd": 7,
    });
    let done = import(&world, REGISTRY, &file);
    assert_eq!(
        (counts(&done), done.holds),
        ((2, 0, 0, 2), Some(Holds::Leases))
    );
    assert!(done.problems[1].message.contains("torn"), "{done:?}");
    let leases = leases(&world);
    assert_eq!(leases[1].key, "vm:jarvis-auto-1");
    assert_eq!(leases[0].key, "process:idle");
    assert_eq!(leases[1].holder, "8f16");
    assert_eq!(leases[1].acquired_at, at(NOON + 456));
    assert_eq!(leases[1].expires_at, Some(at(NOON + 456 + 12 * HOUR)));
    assert_eq!(leases[1].token, 1);
    let data: Value = serde_json::from_str(leases[1].data.as_str()).unwrap();
    assert_eq!(data, file["8f16"]);
    assert_eq!(counts(&import(&world, REGISTRY, &file)), (0, 2, 0, 2));
}

#[test]
fn a_machine_that_only_the_file_of_a_process_names_is_imported_with_its_process() {
    let world = World::default();
    let seconds = NOON as f64 / 1000.0;
    let file = registered("8f16", json!("vm-1"), seconds);
    let path = "/tmp/jarvis_session_12345.json";
    let done = import(&world, path, &file);
    assert_eq!(
        (counts(&done), done.holds),
        ((1, 0, 0, 0), Some(Holds::Leases))
    );
    let [lease] = &leases(&world)[..] else {
        panic!("one lease")
    };
    let process = lease.process.as_ref().unwrap();
    assert_eq!(
        (process.pid, process.hostname.as_ref().map(Text::as_str)),
        (Some(12345), Some("macbook.local"))
    );
    assert_eq!((&*lease.key, &*lease.holder), ("vm:vm-1", "8f16"));
    let data: Value = serde_json::from_str(lease.data.as_str()).unwrap();
    assert_eq!(data, file);
    assert_eq!(counts(&import(&world, path, &file)), (0, 1, 0, 0));
    world.pass(13 * HOUR);
    let orphans = world.ok("orphans", json!({}));
    assert_eq!(orphans[0]["vmId"], "vm-1", "{orphans}");
    assert_eq!(orphans[0]["process"]["pid"], 12345);
}

#[test]
fn files_that_describe_one_machine_are_joined() {
    let seconds = NOON as f64 / 1000.0;
    let whole = with(
        registered("8f16", json!("vm-1"), seconds),
        json!({"slot": 1, "tracker": true, "row": 2}),
    );
    let without = |names: &[&str]| {
        let mut file = whole.clone();
        for name in names {
            file.as_object_mut().unwrap().remove(*name);
        }
        file
    };
    let global = without(&["registered_at", "components", "metadata", "slot", "row"]);
    let session = without(&["tracker", "row"]);
    let registry = json!({"8f16": without(&["metadata", "tracker", "slot"])});
    let world = World::default();
    let files = [
        ("/tmp/jarvis_global_session.json", &global),
        ("/tmp/jarvis_session_12345.json", &session),
        (REGISTRY, &registry),
    ];
    for (path, file) in files {
        assert_eq!(counts(&import(&world, path, file)), (1, 0, 0, 0), "{path}");
    }
    let data: Value = serde_json::from_str(leases(&world)[0].data.as_str()).unwrap();
    assert_eq!(data, whole);
    for (path, file) in files {
        let done = import(&world, path, file);
        assert_eq!((done.written, done.problems.len()), (0, 0), "{path}");
    }
}

#[test]
fn an_import_does_not_replace_a_held_lease() {
    let world = World::default();
    let second = |n: i64| (NOON / 1000 + n) as f64;
    let file =
        |session: &str, n: i64| json!({session: registered(session, json!("vm"), second(n))});
    import(&world, REGISTRY, &file("one", 0));
    assert_eq!(
        counts(&import(&world, REGISTRY, &file("one", 9))),
        (1, 0, 0, 0)
    );
    assert_eq!(
        counts(&import(&world, REGISTRY, &file("one", 8))),
        (0, 0, 1, 0)
    );
    assert_eq!(
        counts(&import(&world, REGISTRY, &file("two", 99))),
        (0, 0, 1, 0)
    );
    assert_eq!(
        (&*leases(&world)[0].holder, leases(&world)[0].token),
        ("one", 1)
    );
    world.pass(13 * HOUR);
    assert_eq!(
        counts(&import(&world, REGISTRY, &file("two", 99))),
        (1, 0, 0, 0)
    );
    assert_eq!(
        (&*leases(&world)[0].holder, leases(&world)[0].token),
        ("two", 2)
    );
    assert_eq!(records(&world, lease::KIND)[0].version, 3);
}

#[test]
fn the_later_of_two_entries_for_one_machine_is_imported() {
    let world = World::default();
    world.pass(100 * HOUR);
    let second = NOON as f64 / 1000.0;
    let file = json!({
        "a": registered("a", json!("vm"), second), "b": registered("b", json!("vm"), second + 9.0)
    });
    import(&world, REGISTRY, &file);
    assert_eq!(leases(&world).len(), 1);
    assert_eq!(leases(&world)[0].holder, "b");
}

#[test]
fn runs_and_locks_are_imported_as_leases_that_expire_with_their_windows() {
    let world = World::default();
    let run = "/m/active_sessions/ultimate-qa-push-def67890.json";
    let text = json!({"run_id": 123456789, "timestamp": "2026-01-08T18:05:30.796786Z"});
    assert_eq!(counts(&import(&world, run, &text)), (1, 0, 0, 0));
    let [lease] = &leases(&world)[..] else {
        panic!("one lease")
    };
    assert_eq!(lease.key, "ultimate-qa-push-def67890");
    assert_eq!(lease.holder, "123456789");
    assert_eq!(lease.acquired_at, at(NOON + 796));
    assert_eq!(lease.expires_at, Some(at(NOON + 796 + 300_000)));

    for (name, text, since) in [
        ("json", r#"{"timestamp": 1767895531.5}"#, NOON + 1500),
        ("seconds", "1767895531.5\n", NOON + 1500),
        ("iso", "2026-01-08T18:05:31.500000Z", NOON + 1500),
        ("naive", "2026-01-08 18:05:31.5", NOON + 1500),
        ("empty", "", NOON),
        ("words", "locked by CI", NOON),
    ] {
        let path = format!("/m/recent_pr_{name}.lock");
        let done = import_with(&world, &path, text, false);
        assert_eq!(counts(&done), (1, 0, 0, 0), "{name}");
        let key = format!("pr:{name}");
        let lease = leases(&world).into_iter().find(|lease| lease.key == key);
        let lease = lease.unwrap();
        assert_eq!(lease.acquired_at, at(since), "{name}");
        assert_eq!(lease.expires_at, Some(at(since + HOUR)), "{name}");
        assert_eq!(lease.holder, "unknown");
    }
}

#[test]
fn an_audit_log_is_imported_in_order_of_time() {
    let world = World::default();
    let entry = |time: &str, prevented: bool| {
        json!({
            "session_key": "workflow-event-commit", "timestamp": time,
            "event_type": "workflow_run", "workflow": "Bot", "run_id": "1",
            "commit_sha": "abc12345", "executed": !prevented, "job_status": "success",
            "duplicate_prevented": prevented
        })
    };
    let entries = [
        entry("2025-09-17T23:26:05.796786Z", false),
        entry("2025-09-17T21:00:00.000001Z", true),
        entry("2025-09-17T21:00:00.000001Z", true),
        json!({"no": "time"}),
        json!(7),
        entry("2025-09-17T22:00:00", false),
    ];
    let path = "/m/audit/session_audit_20250917.json";
    let done = import(&world, path, &json!(entries));
    assert_eq!(
        (counts(&done), done.holds),
        ((3, 1, 0, 2), Some(Holds::Audit))
    );
    let kept: Vec<Entry> = records(&world, audit::entry::KIND)
        .iter()
        .map(|record| Entry::read(record).unwrap())
        .collect();
    let actual: Vec<Value> = kept
        .iter()
        .map(|entry| serde_json::from_str(entry.data.as_str()).unwrap())
        .collect();
    assert_eq!(
        actual,
        [&entries[1], &entries[5], &entries[0]].map(Value::clone)
    );
    assert!(kept.is_sorted_by_key(|entry| entry.at));
    assert_eq!(counts(&import(&world, path, &json!(entries))), (0, 4, 0, 2));
}

#[test]
fn an_audit_log_of_more_than_one_commit_is_imported_completely() {
    let world = World::default();
    let entries: Vec<Value> = (0..1234)
        .map(|n| json!({"timestamp": "2025-09-17T23:26:05Z", "n": n}))
        .collect();
    let path = "/m/audit/session_audit_20250917.json";
    assert_eq!(
        counts(&import(&world, path, &json!(entries))),
        (1234, 0, 0, 0)
    );
    assert_eq!(records(&world, audit::entry::KIND).len(), 1234);
}

#[test]
fn a_dry_run_of_an_import_writes_nothing() {
    let world = World::default();
    let done = import_with(&world, STATE, &state().to_string(), true);
    assert_eq!(counts(&done), (1, 0, 0, 0));
    assert_eq!(world.ok("stats", json!({}))["total"], 0);
}

#[test]
fn limits_apply_to_imported_data() {
    let world = World::default().with_limits(|limits| {
        limits.max_context_bytes = 20;
        limits.max_data_bytes = 20;
    });
    let second = NOON as f64 / 1000.0;
    let registry = json!({"a": registered("a", json!("vm"), second)});
    for (path, file) in [(STATE, state()), (REGISTRY, registry)] {
        let done = import(&world, path, &file);
        assert_eq!(done.problems[0].code, "TOO_LARGE", "{path}");
    }
    let world = World::default();
    let long = "k".repeat(600);
    let registry = json!({"a": registered("a", json!(long), second)});
    let done = import(&world, REGISTRY, &registry);
    assert_eq!(done.problems[0].code, "INVALID_ARGUMENT");
}

#[test]
fn invalid_and_truncated_files_are_reported_as_problems() {
    let second = NOON as f64 / 1000.0;
    let files = [
        (STATE, state().to_string()),
        (
            "/x/s/session.json",
            json!({
                "id": "s", "mode": "m", "task": "t", "status": "paused", "createdAt": 0,
                "context": {"a": 1}, "history": [{"timestamp": 0, "type": "note", "data": {}}]
            })
            .to_string(),
        ),
        (
            REGISTRY,
            json!({"a": registered("a", json!("vm"), second)}).to_string(),
        ),
        (
            "/m/active_sessions/k.json",
            r#"{"timestamp":"2026-01-08T18:05:30Z"}"#.to_owned(),
        ),
        (
            "/m/audit/session_audit_1.json",
            r#"[{"timestamp":"2026-01-08T18:05:30Z"}]"#.to_owned(),
        ),
    ];
    let step = if scale() < 1.0 { 7 } else { 1 };
    for (path, text) in &files {
        for end in (0..text.len()).step_by(step) {
            let world = World::default();
            let done = import_with(&world, path, &text[..end], false);
            assert_eq!(counts(&done), (0, 0, 0, 1), "{path} up to {end}");
            assert_eq!(world.ok("stats", json!({}))["total"], 0);
        }
        let nested = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
        for garbage in ["null", "7", "\"x\"", "\u{0}\u{1}", "{]", &nested] {
            let world = World::default();
            let done = import_with(&world, path, garbage, false);
            assert_eq!(
                (done.written, done.problems.is_empty()),
                (0, false),
                "{path}"
            );
            let short = done.problems.iter().all(|one| one.message.len() < 3000);
            assert!(short, "{path}: {garbage}");
        }
    }
}
