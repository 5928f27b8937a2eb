//! Which agents are in a list, and which agents a cleanup removes.

use serde_json::{Value, json};
use tenure_core::Phase;

use super::finalization::audit;
use crate::support::World;

/// One agent in each phase, with the phase as its id, and a session that is no agent.
fn one_of_each(world: &World) {
    for phase in Phase::ALL {
        world.ok("agentCreate", json!({"agentName": "a", "id": phase}));
        world.ok("agentUpdate", json!({"id": phase, "phase": phase}));
        world.pass(1);
    }
    world.start(json!({"id": "plain", "mode": "a", "paused": true}));
}

fn names(page: &Value) -> Vec<String> {
    let items = page["items"].as_array().unwrap();
    let name = |item: &Value| item["id"].as_str().unwrap().to_owned();
    items.iter().map(name).collect()
}

#[test]
fn a_list_shows_agents_and_no_other_sessions() {
    let world = World::default();
    one_of_each(&world);
    let all: Vec<String> = Phase::ALL.iter().rev().map(Phase::to_string).collect();
    assert_eq!(names(&world.ok("agentList", json!({}))), all);
    assert_eq!(
        names(&world.ok("agentList", json!({"agentName": "a"}))),
        all
    );
    let none: [String; 0] = [];
    assert_eq!(
        names(&world.ok("agentList", json!({"agentName": "b"}))),
        none
    );
    let active = world.ok("agentList", json!({"activeOnly": true}));
    assert_eq!(names(&active), all[3..]);
    world.ok("trash", json!({"id": "planning"}));
    assert!(!names(&world.ok("agentList", json!({}))).contains(&"planning".to_owned()));
}

#[test]
fn a_list_of_resumable_agents_agrees_with_should_resume() {
    let world = World::default();
    one_of_each(&world);
    for (id, step) in [
        ("unready", json!({"resumeReady": false})),
        ("erring", json!({"error": "e"})),
        ("fine", json!({})),
    ] {
        world.ok("agentCreate", json!({"agentName": "a", "id": id}));
        world.ok("agentUpdate", json!({"id": id, "phase": "planning"}));
        for _ in 0..3 {
            world.ok("agentUpdate", super::phases::with_id(id, step.clone()));
        }
    }
    world.ok("pause", json!({"id": "investigating"}));
    for later in [0, 900_000, 899_990, 20] {
        world.pass(later);
        for policy in [
            json!({}),
            json!({"maxErrors": 4}),
            json!({"idle": "15m"}),
            json!({"idle": 0}),
        ] {
            let mut params = policy.clone();
            params["resumable"] = json!(true);
            let listed = names(&world.ok("agentList", params));
            let all = names(&world.ok("agentList", json!({})));
            let meant: Vec<String> = all
                .into_iter()
                .filter(|id| {
                    let params = super::phases::with_id(id, policy.clone());
                    world.ok("shouldResume", params)["resume"] == true
                })
                .collect();
            assert_eq!(listed, meant, "{policy} after {later}");
        }
    }
}

#[test]
fn the_limits_of_resumable_agents_are_refused_for_other_lists() {
    let world = World::default();
    for name in ["idle", "maxErrors"] {
        for resumable in [json!(false), Value::Null] {
            let error = world.error("agentList", json!({name: 1, "resumable": resumable}));
            assert_eq!(error.code(), "INVALID_ARGUMENT", "{name}");
            assert!(error.to_string().contains("resumable"), "{error}");
        }
        world.ok("agentList", json!({name: 1, "resumable": true}));
    }
}

#[test]
fn all_pages_of_a_list_contain_every_agent_once() {
    let world = World::default();
    for number in 0..23 {
        let id = format!("a{number:02}");
        world.ok("agentCreate", json!({"agentName": "a", "id": id}));
        let phase = if number % 3 == 0 {
            "planning"
        } else {
            "executing"
        };
        let ready = number % 2 == 0 && number % 3 == 0;
        let params = json!({"id": id, "phase": phase, "resumeReady": ready});
        world.ok("agentUpdate", params);
        world.pass(1);
    }
    for resumable in [false, true] {
        let whole = names(&world.ok("agentList", json!({"resumable": resumable})));
        assert_eq!(whole.len(), if resumable { 4 } else { 23 });
        for limit in 1..=5 {
            let (mut read, mut cursor) = (Vec::new(), Value::Null);
            for _ in 0..30 {
                let params = json!({"resumable": resumable, "limit": limit, "cursor": cursor});
                let page = world.ok("agentList", params);
                assert!(names(&page).len() <= limit);
                read.extend(names(&page));
                cursor = page["nextCursor"].clone();
                if cursor.is_null() {
                    break;
                }
            }
            assert_eq!(read, whole, "limit {limit}");
        }
    }
    assert_eq!(
        world.code("agentList", json!({"cursor": "x"})),
        "INVALID_CURSOR"
    );
    assert_eq!(
        world.code("agentList", json!({"limit": 0})),
        "INVALID_ARGUMENT"
    );
}

#[test]
fn a_cleanup_abandons_and_trashes_agents_that_have_been_idle_for_a_day() {
    let world = World::default();
    one_of_each(&world);
    let day = 24 * 60 * 60 * 1000;
    world.pass(day - 9 - 1);
    let none: [String; 0] = [];
    let removed = |params: Value| {
        let mut ids = names_of(&world.ok("agentCleanup", params)["ids"]);
        ids.sort();
        ids
    };
    assert_eq!(removed(json!({})), none);
    world.pass(1);
    assert_eq!(removed(json!({"dryRun": true})), ["initializing"]);
    assert_eq!(removed(json!({})), ["initializing"]);
    let session = world.session("initializing");
    assert_eq!(session["status"], "abandoned");
    assert_eq!(session["phase"], "abandoned");
    assert_eq!(
        session["summary"],
        "cleaned up after 86400 s without activity"
    );
    assert!(session["deletedAt"].is_string());
    world.ok("agentUpdate", json!({"id": "planning"}));
    world.pass(day - 1);
    assert_eq!(
        removed(json!({})),
        [
            "abandoned",
            "approval",
            "completed",
            "executing",
            "failed",
            "investigating",
            "validating"
        ]
    );
    assert_eq!(world.session("completed")["status"], "completed");
    assert_eq!(world.session("executing")["status"], "abandoned");
    assert_eq!(removed(json!({"maxIdle": "1ms"})), ["planning"]);
    assert_eq!(world.session("plain").get("deletedAt"), None);
}

#[test]
fn a_cleanup_deletes_agents_that_have_been_in_the_trash_for_a_week() {
    let world = World::default();
    let day = 24 * 60 * 60 * 1000;
    for id in ["a", "held"] {
        world.ok("agentCreate", json!({"agentName": "a", "id": id}));
    }
    world.start(json!({"id": "plain"}));
    world.ok("trash", json!({"id": "plain"}));
    world.pass(day);
    let cleanup = |params: Value| {
        let result = world.ok("agentCleanup", params);
        let failed = result["failed"].as_array().unwrap().len();
        assert_eq!(failed, 0);
        (result["removed"].clone(), result["deleted"].clone())
    };
    assert_eq!(cleanup(json!({})), (json!(2), json!(0)));
    let lease = json!({"key": "session:held", "holder": "h", "leaseDurationMs": 30 * day});
    world.ok("leaseAcquire", lease);
    world.pass(7 * day - 1);
    assert_eq!(cleanup(json!({})), (json!(0), json!(0)));
    assert!(world.ok("agentGet", json!({"id": "a"}))["deletedAt"].is_string());
    world.pass(1);
    let dry_run = json!({"dryRun": true});
    assert_eq!(cleanup(dry_run).1, json!(1));
    assert_eq!(cleanup(json!({})), (json!(0), json!(1)));
    assert_eq!(world.ok("agentGet", json!({"id": "a"})), Value::Null);
    assert!(world.ok("agentGet", json!({"id": "held"}))["deletedAt"].is_string());
    // No agent, so it is not the cleanup's.
    assert!(world.session("plain")["deletedAt"].is_string());
    world.pass(30 * day);
    assert_eq!(cleanup(json!({"purgeAfter": "30d"})).1, json!(1));
}

#[test]
fn a_cleanup_skips_agents_with_a_live_lease() {
    let world = World::default();
    for id in ["held", "free"] {
        world.ok("agentCreate", json!({"agentName": "a", "id": id}));
    }
    world.pass(1000);
    let lease = json!({"key": "session:held", "holder": "h", "leaseDurationMs": 1000});
    world.ok("leaseAcquire", lease);
    let cleanup = || names_of(&world.ok("agentCleanup", json!({"maxIdle": "1s"}))["ids"]);
    assert_eq!(cleanup(), ["free"]);
    world.pass(1000);
    assert_eq!(cleanup(), ["held"]);
}

#[test]
fn a_cleanup_sends_notices_of_abandoned_agents_and_writes_audit_entries() {
    let world = World::default();
    world.ok("agentCreate", json!({"agentName": "a", "id": "s"}));
    world.pass(5000);
    let notices = world.notices("agentCleanup", json!({"maxIdle": "5s"}));
    assert_eq!(notices[0]["event"], "abandoned");
    let kinds: Vec<(Value, Value)> = audit(&world)
        .iter()
        .map(|entry| (entry["kind"].clone(), entry["removed"].clone()))
        .collect();
    assert!(kinds.contains(&(json!("agent.finalization"), Value::Null)));
    assert!(kinds.contains(&(json!("agent.cleanup"), json!(1))));
    assert!(kinds.contains(&(json!("session.trash"), Value::Null)));
    assert_eq!(kinds.len(), 3);
}

fn names_of(ids: &Value) -> Vec<String> {
    let ids = ids.as_array().unwrap();
    ids.iter()
        .map(|id| id.as_str().unwrap().to_owned())
        .collect()
}
