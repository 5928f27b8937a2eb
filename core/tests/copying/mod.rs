//! Copies between stores. The target gets the contents of the source even if the copy is
//! interrupted and repeated. A session that differs in the target is kept and reported.

mod driver;

use crate::support::{Shared, World, ready};
use driver::{
    CountingStore, FailingStore, Random, act, contents, copy, copy_all, populated, seeds,
};
use serde_json::{Value, json};
use tenure_apps::copy::kinds::RECORD_KINDS;
use tenure_apps::copy::model::{Difference, Stamp, read_chunk};
use tenure_core::audit::entry::Entry;
use tenure_core::store::{Expect, Loaded, RecordChange};
use tenure_core::stored::lease::Lease;
use tenure_core::stored::record::Record;
use tenure_core::{Changes, Commit, Json, Lift, MemoryStore, Store, Timestamp};

#[test]
fn a_copy_has_the_contents_of_the_source() {
    for seed in seeds(300.0) {
        let from = populated(&mut Random(seed), 80);
        let to = Lift(MemoryStore::default());
        let copied = copy_all(&from.store, &to);
        let here = contents(&from.store);
        assert_eq!(contents(&to), here, "seed {seed}");
        assert_eq!(copied.sessions, here.0.len() as u64);
        assert_eq!(copied.records, here.1.len() as u64);
        assert_eq!((copied.left, copied.differences), (vec![], vec![]));
        let again = copy_all(&from.store, &to);
        assert_eq!((again.sessions, again.records), (0, 0));
        assert_eq!(again.same, here.0.len() as u64);
    }
}

#[test]
fn a_copy_never_puts_a_second_session_into_a_slot() {
    let start = |world: &World, id: &str, model: &str| {
        let params = json!({
            "id": id, "taskId": "t", "phase": "plan", "model": model, "task": "", "mode": "m",
            "onModelChange": "replace"
        });
        world.ok("startInSlot", params)["outcome"].clone()
    };
    let in_slot = |world: &World| {
        let slot = json!({"taskId": "t", "phase": "plan"});
        world.ok("latestSession", slot)["session"]["id"].clone()
    };
    let (from, to) = (World::default(), World::default());
    start(&from, "a", "a");
    copy_all(&from.store, &to.store);
    assert_eq!(in_slot(&to), "a");
    // A session that was replaced in the source is replaced in the target.
    start(&from, "b", "b");
    let copied = copy_all(&from.store, &to.store);
    assert_eq!((copied.sessions, copied.left.len()), (2, 0));
    assert_eq!(in_slot(&to), "b");
    // A session that was replaced in the target is kept, and its counterpart in the source is
    // reported.
    assert_eq!(start(&to, "c", "c"), "replaced");
    start(&from, "d", "d");
    let copied = copy_all(&from.store, &to.store);
    let left: Vec<&str> = copied.left.iter().map(|left| left.key.as_str()).collect();
    assert!(left.contains(&"d"), "{left:?}");
    assert_eq!(in_slot(&to), "c");
    to.ok("trash", json!({"id": "c"}));
    copy_all(&from.store, &to.store);
    assert_eq!(in_slot(&to), "d");
    assert_eq!(start(&to, "e", "e"), "replaced");
}

#[test]
fn leases_and_audit_entries_are_copied() {
    let from = Lift(MemoryStore::default());
    let at = Timestamp::default();
    let lease = Lease {
        key: "vm:1".to_owned(),
        holder: "h".to_owned(),
        process: None,
        acquired_at: at,
        renewed_at: at,
        expires_at: Some(at),
        token: 7,
        released: false,
        disposable: false,
        data: Json::parse(r#"{ "a": 1e400 }"#).unwrap(),
    };
    let entry = Entry {
        at,
        data: Json::default(),
    };
    let write = |store: &dyn Store, record: Record, expect| {
        let change = RecordChange {
            kind: record.kind.clone(),
            key: record.key.clone(),
            expect,
            record: Some(record),
        };
        let changes = Changes {
            sessions: Vec::new(),
            records: vec![change],
        };
        assert_eq!(ready(store.commit(&changes)).unwrap(), Commit::Applied);
    };
    write(&from, lease.to_record(3), Expect::Absent);
    write(&from, entry.to_record(), Expect::Absent);
    let to = Lift(MemoryStore::default());
    assert_eq!(copy_all(&from, &to).records, 2);
    assert_eq!(contents(&to), contents(&from));

    let version = |version| Expect::Version { version };
    write(&from, lease.to_record(4), version(3));
    assert_eq!(copy_all(&from, &to).records, 1, "one that was renewed");
    write(&to, lease.to_record(5), version(4));
    let copied = copy_all(&from, &to);
    assert_eq!(copied.differing(), [("lease", "vm:1", Difference::Newer)]);
    let copied = copy(&from, &to, true, || {}).unwrap();
    assert_eq!((copied.records, copied.differences), (1, vec![]));
}

#[test]
fn idempotency_keys_are_copied() {
    let from = World::default();
    let start = json!({"id": "a", "task": "t", "mode": "m", "idempotencyKey": "one"});
    let note = json!({"id": "a", "type": "note", "idempotencyKey": "two"});
    from.ok("start", start.clone());
    from.ok("addEvent", note.clone());
    let to = World::default();
    copy_all(&from.store, &to.store);
    assert_eq!(to.ok("start", start)["eventCount"], 2);
    assert_eq!(to.ok("addEvent", note)["replayed"], true);
}

#[test]
fn an_interrupted_copy_is_completed_by_the_next_copy() {
    for seed in seeds(20.0) {
        let from = populated(&mut Random(seed), 60);
        let here = contents(&from.store);
        for after_work in [false, true] {
            for fails_at in 0.. {
                let memory = MemoryStore::default();
                let failing = Lift(FailingStore {
                    store: &memory,
                    calls: Shared::new(0),
                    fails_at,
                    after_work,
                });
                let broken = copy(&from.store, &failing, false, || {});
                let Err(error) = broken else {
                    assert!(fails_at > 5);
                    break;
                };
                assert_eq!(error.code(), "STORE_UNAVAILABLE");
                let to = Lift(&memory);
                for session in contents(&to).0 {
                    assert!(here.0.contains(&session), "half a session was written");
                }
                let copied = copy_all(&from.store, &to);
                assert_eq!(copied.differences, []);
                assert_eq!(contents(&to), here, "seed {seed}, call {fails_at}");
            }
        }
    }
}

#[test]
fn histories_of_copied_sessions_are_read_only_for_verification() {
    let from = World::over(Lift(CountingStore::default()));
    for number in 0..20 {
        from.ok(
            "start",
            json!({"id": format!("s{number}"), "task": "t", "mode": "m"}),
        );
    }
    let to = Lift(MemoryStore::default());
    let read = |copy: &dyn Fn()| {
        let before = from.store.0.histories.get();
        copy();
        from.store.0.histories.get() - before
    };
    let all = || drop(copy_all(&from.store, &to));
    assert_eq!(read(&all), 40, "once to copy, once to verify");
    assert_eq!(read(&all), 20, "only to verify");
    from.ok("addEvent", json!({"id": "s7", "type": "note"}));
    assert_eq!(read(&all), 21);
}

#[test]
fn each_session_of_a_changing_source_is_copied_in_a_consistent_state() {
    for seed in seeds(200.0) {
        let mut random = Random(seed);
        let from = populated(&mut random, 40);
        let to = Lift(MemoryStore::default());
        let was = Shared::new(contents(&from.store).0);
        let copied = copy(&from.store, &to, false, || {
            if random.below(2) == 0 {
                act(&from, &mut random);
                was.borrow_mut().extend(contents(&from.store).0);
            }
        });
        copied.unwrap();
        for session in contents(&to).0 {
            assert!(was.borrow().contains(&session), "seed {seed}");
        }
        let copied = copy_all(&from.store, &to);
        let (there, here) = (contents(&to), contents(&from.store));
        for session in here.0 {
            let same = there.0.contains(&session);
            let named = copied
                .differences
                .iter()
                .any(|one| one.key == session.head.id.as_str());
            // A session that was deleted and started again in the source differs from its earlier
            // copy.
            assert!(same != named, "seed {seed}, session {}", session.head.id);
        }
    }
}

#[test]
fn a_session_that_was_copied_before_is_updated() {
    let from = World::default();
    from.ok("start", json!({"id": "a", "task": "t", "mode": "m"}));
    let to = Lift(MemoryStore::default());
    copy_all(&from.store, &to);
    for _ in 0..3 {
        from.ok("incrementIteration", json!({"id": "a"}));
    }
    from.ok("update", json!({"id": "a", "workspace": "w"}));
    from.ok("trash", json!({"id": "a"}));
    let copied = copy_all(&from.store, &to);
    assert_eq!((copied.sessions, copied.differing()), (1, vec![]));
    assert_eq!(contents(&to), contents(&from.store));
}

#[test]
fn a_newer_or_different_session_in_the_target_is_only_overwritten_on_request() {
    let start = |world: &World, id: &str, task: &str| {
        world.ok(
            "start",
            json!({"id": id, "task": task, "mode": "m", "idempotencyKey": id}),
        );
    };
    let note = |world: &World, id: &str| {
        world.ok("addEvent", json!({"id": id, "type": "note"}));
    };
    let from = World::default();
    for id in ["newer", "split", "fine"] {
        start(&from, id, "t");
    }
    start(&from, "other", "t");
    let to = World::default();
    copy_all(&from.store, &to.store);
    to.ok("delete", json!({"id": "other"}));
    to.pass(5000);
    start(&to, "other", "u");
    note(&to, "newer");
    note(&to, "split");
    note(&from, "split");
    from.pass(7);
    note(&from, "split");
    let before = contents(&to.store);
    let copied = copy_all(&from.store, &to.store);
    assert_eq!(contents(&to.store), before);
    assert_eq!(
        copied.differing(),
        [
            ("session", "newer", Difference::Newer),
            ("session", "other", Difference::Different),
            // The difference found while copying takes precedence over the comparison at the end.
            ("session", "split", Difference::Different),
        ]
    );
    let left: Vec<_> = copied
        .left
        .iter()
        .map(|one| (&*one.key, one.target))
        .collect();
    assert!(left.contains(&("split", Difference::Different)), "{left:?}");
    let copied = copy(&from.store, &to.store, true, || {}).unwrap();
    assert_eq!(copied.differences, []);
    assert_eq!(contents(&to.store).0, contents(&from.store).0);
}

#[test]
fn a_session_that_a_runner_holds_in_the_target_is_kept() {
    let hold = |world: &World, holder: &str| {
        let params = json!({"id": "a", "holder": holder, "leaseDurationMs": 60_000});
        assert_eq!(world.ok("hold", params)["outcome"], "acquired");
    };
    let from = World::default();
    from.ok("start", json!({"id": "a", "task": "t", "mode": "m"}));
    hold(&from, "runner");
    let to = World::default();
    copy_all(&from.store, &to.store);
    // The lease of the source is no obstacle to its own sessions.
    from.ok("incrementIteration", json!({"id": "a", "token": 1}));
    assert_eq!(copy_all(&from.store, &to.store).sessions, 1);

    from.ok(
        "leaseRelease",
        json!({"key": "session:a", "holder": "runner"}),
    );
    from.ok("pause", json!({"id": "a"}));
    to.ok("leaseClear", json!({"prefix": "session:"}));
    hold(&to, "other");
    let before = contents(&to.store);
    for overwrite in [false, true] {
        let copied = copy(&from.store, &to.store, overwrite, || {}).unwrap();
        assert_eq!(copied.sessions, 0);
        let held = ("session", Difference::Held);
        let left: Vec<_> = copied
            .left
            .iter()
            .map(|one| (&*one.what, one.target))
            .collect();
        assert!(left.contains(&held), "{left:?}");
        assert_eq!(contents(&to.store), before);
    }
    to.ok(
        "leaseRelease",
        json!({"key": "session:a", "holder": "other"}),
    );
    let copied = copy(&from.store, &to.store, true, || {}).unwrap();
    assert_eq!(copied.sessions, 1);
    // The token of the lease that was released there is the greater one.
    let lease = [("lease", "session:a", Difference::Newer)];
    assert_eq!(copied.differing(), lease);
}

#[test]
fn no_copy_opens_the_gate_of_an_agent() {
    let from = World::default();
    let agent = json!({"agentName": "a", "id": "agent-1"});
    from.ok("agentCreate", agent.clone());
    let to = World::default();
    copy_all(&from.store, &to.store);
    to.ok("addEvent", json!({"id": "agent-1", "type": "note"}));
    to.ok("requestApproval", json!({"id": "agent-1"}));
    from.ok(
        "agentUpdate",
        json!({"id": "agent-1", "phase": "executing"}),
    );
    let before = contents(&to.store);
    let copied = copy(&from.store, &to.store, true, || {}).unwrap();
    assert_eq!(copied.sessions, 0);
    assert_eq!(contents(&to.store), before);
    // What a person has decided in the source continues in the target.
    let (from, to) = (World::default(), World::default());
    from.ok("agentCreate", agent);
    from.ok("requestApproval", json!({"id": "agent-1"}));
    copy_all(&from.store, &to.store);
    from.pass(1000);
    from.ok(
        "requestApproval",
        json!({"id": "agent-1", "reason": "now?"}),
    );
    assert_eq!(copy_all(&from.store, &to.store).differing(), []);
    from.ok("approve", json!({"id": "agent-1", "by": "ada"}));
    assert_eq!(copy_all(&from.store, &to.store).differing(), []);
    assert_eq!(contents(&to.store), contents(&from.store));
    // Neither does a history that goes on without a decision.
    let (from, to) = (World::default(), World::default());
    from.ok("agentCreate", json!({"agentName": "a", "id": "agent-1"}));
    from.ok("requestApproval", json!({"id": "agent-1"}));
    copy_all(&from.store, &to.store);
    let text = from.ok("export", json!({"id": "agent-1"}));
    let mut session: Value = serde_json::from_str(text.as_str().unwrap()).unwrap();
    for name in ["agentName", "purpose", "phase", "resumeReady", "approval"] {
        session[name].take();
    }
    session["status"] = "active".into();
    session["version"] = 9.into();
    let events = session["history"].as_array_mut().unwrap();
    events.push(json!({"type": "approval", "timestamp": 0, "data": {}}));
    let from = World::default();
    from.ok("import", json!({"text": session.to_string()}));
    let before = contents(&to.store);
    for overwrite in [false, true] {
        let copied = copy(&from.store, &to.store, overwrite, || {}).unwrap();
        assert_eq!(copied.sessions, 0);
        assert_eq!(contents(&to.store), before);
    }
}

#[test]
fn no_copy_sets_a_fencing_token_back() {
    let acquire = |world: &World, holder: &str| {
        let params = json!({"key": "k", "holder": holder, "leaseDurationMs": 1000});
        assert_eq!(world.ok("leaseAcquire", params)["outcome"], "acquired");
        world.pass(2000);
    };
    let (from, to) = (World::default(), World::default());
    for holder in ["a", "b", "c"] {
        acquire(&to, holder);
    }
    acquire(&from, "a");
    for _ in 0..5 {
        // Its record has a higher version then.
        let renewal = json!({"key": "k", "holder": "a", "token": 1});
        from.ok("leaseRenew", renewal);
    }
    from.pass(2000);
    to.pass(60_000);
    for overwrite in [false, true] {
        let copied = copy(&from.store, &to.store, overwrite, || {}).unwrap();
        assert_eq!(copied.records, 0);
        assert_eq!(to.ok("leaseGet", json!({"key": "k"}))["token"], 3);
    }
}

#[test]
fn a_record_is_not_copied_without_its_session() {
    let from = World::default();
    let to = World::default();
    for (world, task) in [(&from, "t"), (&to, "u")] {
        world.ok("start", json!({"id": "a", "task": task, "mode": "m"}));
    }
    from.ok(
        "addEvent",
        json!({"id": "a", "type": "note", "idempotencyKey": "k"}),
    );
    let copied = copy_all(&from.store, &to.store);
    assert_eq!(copied.records, 0);
    assert_eq!(contents(&to.store).1, []);
    assert_eq!(copied.differences.len(), 1, "the session says it all");
}

#[test]
fn unreadable_sessions_are_reported_and_the_others_are_copied() {
    let from = World::over(Lift(CountingStore::default()));
    for id in ["a", "b", "c"] {
        from.ok(
            "start",
            json!({"id": id, "task": "t", "mode": "m", "idempotencyKey": id}),
        );
    }
    from.store.0.unreadable.borrow_mut().insert("b".to_owned());
    let to = Lift(CountingStore::default());
    let copied = copy_all(&from.store, &to);
    let named: Vec<_> = copied.problems.iter().map(|one| one.id.as_str()).collect();
    assert_eq!(named, ["b"]);
    assert_eq!((copied.sessions, copied.records), (2, 2));

    from.store.0.unreadable.borrow_mut().clear();
    to.0.unreadable.borrow_mut().insert("a".to_owned());
    let copied = copy_all(&from.store, &to);
    assert_eq!(
        copied.differing(),
        [("session", "a", Difference::Unreadable)]
    );
    assert_eq!(copied.sessions, 1, "b");
}

#[test]
fn a_session_that_the_target_changes_during_the_copy_is_kept() {
    let from = populated(&mut Random(1), 60);
    let to = World::default();
    copy_all(&from.store, &to.store);
    let live = contents(&to.store)
        .0
        .into_iter()
        .find(|session| session.head.deleted_at.is_none() && !session.head.status.is_finished());
    let id = live.unwrap().head.id.to_string();
    for world in [&from, &to] {
        world.ok("addEvent", json!({"id": id, "type": "note"}));
    }
    from.ok("addEvent", json!({"id": id, "type": "more"}));
    // The target changes the session after its version was read and before it is written.
    let mut steps = 0;
    let copied = copy(&from.store, &to.store, true, || {
        steps += 1;
        if steps == 4 {
            to.ok("addEvent", json!({"id": id, "type": "own"}));
        }
    });
    let copied = copied.unwrap();
    assert_eq!(copied.sessions, 0);
    assert!(copied.left.iter().any(|one| one.key == id), "{copied:?}");
    assert!(copied.differences.iter().any(|one| one.key == id));
}

#[test]
fn a_step_is_limited_in_bytes_and_splits_no_session() {
    let from = World::default();
    let data = "x".repeat(300 << 10);
    for number in 0..10 {
        let id = format!("s{number}");
        from.ok("start", json!({"id": id, "task": "t", "mode": "m"}));
        for _ in 0..number % 3 {
            from.ok(
                "addEvent",
                json!({"id": id, "type": "note", "data": {"x": data}}),
            );
        }
    }
    let to = Lift(MemoryStore::default());
    let mut steps = 0;
    let copied = copy(&from.store, &to, false, || steps += 1).unwrap();
    assert_eq!((copied.sessions, copied.differences), (10, vec![]));
    assert_eq!(contents(&to), contents(&from.store));
    assert!(steps > 18, "{steps}");
}

#[test]
fn sessions_of_several_pages_are_copied() {
    let from = World::default();
    for number in 0..1200 {
        from.ok(
            "start",
            json!({
                "id": format!("s{number}"), "task": "t", "mode": "m",
                "idempotencyKey": format!("k{number}\u{1f600}")
            }),
        );
    }
    let to = Lift(MemoryStore::default());
    let copied = copy_all(&from.store, &to);
    assert_eq!((copied.sessions, copied.records), (1200, 1200));
    assert_eq!(contents(&to), contents(&from.store));
}

#[test]
fn a_tool_call_is_as_unfinished_in_the_copy_as_in_the_source() {
    let from = World::default();
    let id = from.start(json!({}));
    from.ok(
        "startToolCall",
        json!({"id": id, "tool": "t", "callId": "c"}),
    );
    let to = World::default();
    copy_all(&from.store, &to.store);
    let unfinished = || to.ok("context", json!({"id": id}))["unfinishedToolCalls"].clone();
    assert_eq!(unfinished()[0]["callId"], "c");
    from.ok("finishToolCall", json!({"id": id, "callId": "c"}));
    assert_eq!(copy_all(&from.store, &to.store).differences, vec![]);
    assert_eq!(unfinished(), Value::Null);
    assert_eq!(contents(&to.store), contents(&from.store));
}

#[test]
fn an_agent_that_runs_is_stopped_in_the_copy() {
    let (from, to) = (World::default(), World::default());
    let hook = |world: &World, name: &str| {
        let input = json!({
            "hook_event_name": name, "session_id": "S1", "tool_name": "Task", "tool_use_id": "t1",
            "agent_id": "a1",
        });
        world.ok("hookEvent", json!({"input": input.to_string()}))
    };
    hook(&from, "PreToolUse");
    hook(&from, "SubagentStart");
    assert_eq!(copy_all(&from.store, &to.store).differences, vec![]);
    let agents = || to.ok("agentList", json!({}))["items"].clone();
    // Its delegation is known, and it is the agent that stops.
    hook(&to, "PreToolUse");
    assert_eq!(agents().as_array().unwrap().len(), 1);
    hook(&to, "SubagentStop");
    assert_eq!(agents()[0]["phase"], "completed");
}

#[test]
fn every_kind_of_record_that_operations_write_is_copied() {
    let world = World::over(Lift(CountingStore::default()));
    let mut random = Random(7);
    for _ in 0..500 {
        act(&world, &mut random);
    }
    let kinds = world.store.0.kinds.borrow();
    assert!(kinds.len() >= 2);
    for kind in kinds.iter() {
        assert!(RECORD_KINDS.contains(&kind.as_str()), "{kind}");
    }
}

/// Makes a valid session invalid.
type Damage = fn(&mut Value);

#[test]
fn an_invalid_chunk_is_refused() {
    let from = World::default();
    from.ok("start", json!({"id": "a", "task": "t", "mode": "m"}));
    from.ok("incrementIteration", json!({"id": "a"}));
    let session = contents(&from.store).0.remove(0);
    let chunk = json!([{
        "unreadable": false, "replace": true, "record": null,
        "session": {"head": session.head, "events": session.events}
    }]);
    read_chunk(&chunk.to_string()).unwrap();
    let damages: [(&str, Damage); 8] = [
        ("a version of nought", |one| {
            one["head"]["version"] = json!(0)
        }),
        ("too large a version", |one| {
            one["head"]["version"] = json!(1u64 << 53)
        }),
        ("fewer events", |one| one["head"]["eventCount"] = json!(1)),
        ("more events", |one| one["head"]["eventCount"] = json!(3)),
        ("a gap", |one| one["events"][1]["sequence"] = json!(7)),
        ("a context that is none", |one| {
            one["head"]["context"] = json!("[]")
        }),
        ("metadata that are none", |one| {
            one["head"]["metadata"] = json!("7")
        }),
        ("an id that is none", |one| {
            one["head"]["id"] = json!("../a")
        }),
    ];
    for (what, damage) in damages {
        let mut damaged = chunk.clone();
        damage(&mut damaged[0]["session"]);
        let error = read_chunk(&damaged.to_string()).unwrap_err();
        assert_eq!(error.code(), "INVALID_ARGUMENT", "{what}");
    }
}

#[test]
fn a_stamp_has_no_white_space_of_user_data() {
    let stamp = |data: &str| {
        let world = World::default();
        let start = r#"{"id":"s","task":"t","mode":"m","context":DATA,"metadata":DATA}"#;
        world.raw("start", &start.replace("DATA", data)).unwrap();
        let complete = r#"{"id":"s","resultData":DATA}"#.replace("DATA", data);
        world.raw("complete", &complete).unwrap();
        Stamp::of_head(&contents(&world.store).0[0].head)
    };
    assert_eq!(stamp(r#"{"a":1}"#), stamp(r#" { "a" : 1 } "#));
    assert_ne!(stamp(r#"{"a":1}"#), stamp(r#"{"a":2}"#));
}

#[test]
fn a_stamp_changes_with_every_change_of_a_session() {
    for seed in seeds(100.0) {
        let mut random = Random(seed);
        let world = World::default();
        let mut seen: Vec<(Loaded, Stamp)> = Vec::new();
        for _ in 0..60 {
            act(&world, &mut random);
            for session in contents(&world.store).0 {
                let stamp = Stamp::of_session(&session);
                for (other, known) in &seen {
                    assert_eq!(*other == session, *known == stamp, "seed {seed}");
                }
                if seen.iter().all(|(other, _)| *other != session) {
                    seen.push((session, stamp));
                }
            }
        }
    }
}
