//! Which runs block another run: runs with the same key, and runs of the same commit.

use serde_json::{Value, json};

use crate::support::{NOON, World, iso};

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const SHA: &str = "abc12345def";

/// The parameters for a run of the workflow `Bot`.
fn run(event: &str, number: &str, more: Value) -> Value {
    let mut all = json!({
        "eventType": event, "workflow": "Bot", "commitSha": SHA, "runId": number
    });
    let properties = all.as_object_mut().unwrap();
    properties.extend(more.as_object().unwrap().clone());
    properties.retain(|_, value| !value.is_null());
    all
}

fn check(world: &World, event: &str, more: Value) -> String {
    let mut asked = run(event, "", more);
    asked.as_object_mut().unwrap().remove("runId");
    reason(&world.ok("dedupCheck", asked))
}

fn admit(world: &World, event: &str, number: &str, more: Value) -> String {
    reason(&world.ok("dedupAdmit", run(event, number, more)))
}

fn register(world: &World, event: &str, number: &str, more: Value) -> String {
    let mut asked = run(event, number, more);
    let key = format!("bot-{event}-abc12345");
    asked
        .as_object_mut()
        .unwrap()
        .entry("key")
        .or_insert(json!(key));
    reason(&world.ok("dedupRegister", asked))
}

fn cleanup(world: &World, number: &str, more: Value) -> Value {
    let mut asked = json!({"key": "bot-push-abc12345", "runId": number});
    let properties = asked.as_object_mut().unwrap();
    properties.extend(more.as_object().unwrap().clone());
    world.ok("dedupCleanup", asked)
}

/// The reason of a reply. Checks that it agrees with the other properties.
fn reason(answer: &Value) -> String {
    let reason = answer["reason"].as_str().unwrap().to_owned();
    let skips = !matches!(reason.as_str(), "new_session" | "already_registered");
    assert_eq!(answer["skip"], skips, "{answer}");
    assert_eq!(answer.get("holder").is_some(), skips, "{answer}");
    assert!(!answer["message"].as_str().unwrap().contains('\n'));
    reason
}

#[test]
fn a_key_consists_of_workflow_event_and_commit() {
    let world = World::default();
    let key = |workflow: &str, event: &str, commit: Option<&str>| {
        let asked = json!({"workflow": workflow, "eventType": event, "commitSha": commit});
        world.ok("dedupCheck", asked)["key"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let bot = "Ultimate AI Cloud Bot/Mechanic";
    assert_eq!(
        key(bot, "workflow_run", Some("abc12345def67890")),
        "ultimate-ai-cloud-bot-mechanic-workflow_run-abc12345"
    );
    assert_eq!(key("qa", "push", Some("ABC")), "qa-push-abc");
    for nothing in [None, Some(""), Some("  "), Some("unknown")] {
        assert_eq!(key("qa", "push", nothing), "qa-push-unknown");
    }
    // Line breaks and the prefixes of other leases do not become a part of the key.
    assert_eq!(
        key("vm:1\nx\u{2028}y", "a\rb", Some("feature/é/long")),
        "vm-1-x-y-a-b-feature-"
    );
}

#[test]
fn the_ref_is_part_of_the_key_of_a_tag_and_of_a_run_by_ref() {
    let world = World::default();
    let key = |more: Value| {
        let mut asked = run("push", "", more);
        asked.as_object_mut().unwrap().remove("runId");
        let answer = world.ok("dedupCheck", asked);
        answer["key"].as_str().unwrap().to_owned()
    };
    let by_commit = "bot-push-abc12345";
    for git_ref in [json!(null), json!(""), json!(" "), json!("refs/heads/main")] {
        assert_eq!(key(json!({"gitRef": git_ref})), by_commit);
    }
    let tag = "refs/tags/V1/rc";
    assert_eq!(key(json!({"gitRef": tag})), format!("{by_commit}:{tag}"));
    assert_eq!(key(json!({"gitRef": tag, "by": "commit"})), by_commit);
    // Refs that differ in a letter or a separator stay different.
    let refs = ["refs/heads/a-b", "refs/heads/a/b", "refs/heads/A/b", "a/b"];
    for git_ref in refs {
        let key = key(json!({"gitRef": git_ref, "by": "ref"}));
        assert_eq!(key, format!("{by_commit}:{git_ref}"));
    }
    assert_eq!(key(json!({"gitRef": tag, "key": "own"})), "own");
    let mut asked = run("push", "", json!({"by": "ref"}));
    asked.as_object_mut().unwrap().remove("runId");
    assert_eq!(world.code("dedupCheck", asked), "INVALID_ARGUMENT");
}

#[test]
fn a_tag_is_not_skipped_for_a_branch_or_a_pull_request_of_its_commit() {
    let world = World::default();
    let main = json!({"gitRef": "refs/heads/main"});
    let tag = |name: &str| json!({"gitRef": format!("refs/tags/{name}"), "symmetric": true});
    assert_eq!(admit(&world, "push", "1", main), "new_session");
    assert_eq!(admit(&world, "push", "2", tag("v1")), "new_session");
    assert_eq!(admit(&world, "push", "3", tag("v1")), "active_session");
    assert_eq!(admit(&world, "push", "4", tag("v1.0.0")), "new_session");
    // Neither does a tag block the pull request, whose work it does not do.
    let symmetric = json!({"symmetric": true});
    assert_eq!(admit(&world, "pull_request", "5", symmetric), "new_session");
    assert_eq!(admit(&world, "push", "6", tag("v2")), "new_session");
    assert_eq!(
        admit(&world, "push", "7", json!({"workflow": "Other"})),
        "pull_request_lock"
    );
}

#[test]
fn runs_by_ref_are_the_same_for_one_branch_alone() {
    let world = World::default();
    let by_ref = |name: &str| json!({"gitRef": format!("refs/heads/{name}"), "by": "ref"});
    let other = |name: &str| {
        let mut more = by_ref(name);
        more["workflow"] = json!("Other");
        more
    };
    assert_eq!(admit(&world, "push", "1", by_ref("staging")), "new_session");
    assert_eq!(
        admit(&world, "push", "2", by_ref("production")),
        "new_session"
    );
    assert_eq!(
        admit(&world, "push", "3", by_ref("staging")),
        "active_session"
    );
    // A pull request does the work of its own branch.
    assert_eq!(
        admit(&world, "pull_request", "4", by_ref("staging")),
        "new_session"
    );
    assert_eq!(
        admit(&world, "push", "5", other("staging")),
        "pull_request_lock"
    );
    assert_eq!(
        admit(&world, "push", "6", other("production")),
        "new_session"
    );
    let by_commit = json!({"gitRef": "refs/heads/production", "workflow": "Third"});
    assert_eq!(admit(&world, "push", "7", by_commit), "pull_request_lock");
}

#[test]
fn a_registered_run_blocks_others_within_its_window() {
    let world = World::default();
    assert_eq!(check(&world, "push", json!({})), "new_session");
    assert_eq!(register(&world, "push", "1", json!({})), "new_session");
    assert_eq!(check(&world, "push", json!({})), "active_session");
    assert_eq!(register(&world, "push", "2", json!({})), "active_session");
    assert_eq!(
        register(&world, "push", "1", json!({"runAttempt": 2})),
        "active_session"
    );
    assert_eq!(check(&world, "schedule", json!({})), "new_session");
    world.pass(5 * MINUTE - 1);
    assert_eq!(check(&world, "push", json!({})), "active_session");
    world.pass(1);
    assert_eq!(check(&world, "push", json!({})), "new_session");
    assert_eq!(
        register(&world, "push", "2", json!({"window": "1m"})),
        "new_session"
    );
    world.pass(MINUTE);
    assert_eq!(check(&world, "push", json!({})), "new_session");
}

#[test]
fn registering_a_run_again_changes_nothing() {
    let world = World::default();
    assert_eq!(
        register(&world, "push", "1", json!({"runAttempt": 1})),
        "new_session"
    );
    world.pass(4 * MINUTE);
    assert_eq!(
        register(&world, "push", "1", json!({})),
        "already_registered"
    );
    world.pass(MINUTE);
    assert_eq!(check(&world, "push", json!({})), "new_session");
}

#[test]
fn clocks_that_differ_a_little_admit_no_second_run() {
    let world = World::default();
    register(&world, "push", "1", json!({}));
    world.pass(-MINUTE);
    assert_eq!(check(&world, "push", json!({})), "active_session");
    assert_eq!(admit(&world, "push", "2", json!({})), "active_session");
    let until = json!(iso(NOON + 5 * MINUTE));
    assert_eq!(
        cleanup(&world, "1", json!({})),
        json!({"outcome": "released", "until": until})
    );
    assert_eq!(check(&world, "push", json!({})), "active_session");
}

#[test]
fn a_run_works_where_a_window_is_from_the_future() {
    for ahead in [MINUTE + 1, 5 * MINUTE, HOUR, 10 * 365 * 24 * HOUR] {
        let world = World::default();
        let long = json!({"keep": "6h", "prWindow": "6h"});
        admit(&world, "push", "1", long.clone());
        admit(&world, "pull_request", "2", long);
        world.pass(-ahead);
        for event in ["pull_request", "push"] {
            assert_eq!(check(&world, event, json!({})), "new_session");
        }
        // It has windows of its own then.
        assert_eq!(admit(&world, "push", "3", json!({})), "new_session");
        assert_eq!(admit(&world, "push", "4", json!({})), "active_session");
        assert_eq!(admit(&world, "pull_request", "5", json!({})), "new_session");
        world.pass(10 * MINUTE);
        assert_eq!(check(&world, "push", json!({})), "pull_request_lock");
        world.pass(50 * MINUTE);
        assert_eq!(check(&world, "push", json!({})), "new_session");
    }
}

#[test]
fn a_second_request_for_the_same_run_is_not_admitted() {
    let world = World::default();
    assert_eq!(admit(&world, "push", "1", json!({})), "new_session");
    assert_eq!(admit(&world, "push", "2", json!({})), "active_session");
    assert_eq!(admit(&world, "push", "1", json!({})), "active_session");
    let answer = world.ok("dedupAdmit", run("push", "2", json!({})));
    assert_eq!(answer["holder"], "1");
    assert_eq!(answer["since"], iso(NOON));
    assert_eq!(answer["until"], iso(NOON + 10 * MINUTE));
}

#[test]
fn an_admitted_run_is_active_until_it_ends_or_is_abandoned() {
    let world = World::default();
    admit(&world, "push", "1", json!({"keep": "6h"}));
    world.pass(6 * HOUR - 1);
    assert_eq!(admit(&world, "push", "2", json!({})), "active_session");
    let done = cleanup(&world, "1", json!({}));
    assert_eq!(done, json!({"outcome": "released"}));
    assert_eq!(
        cleanup(&world, "1", json!({})),
        json!({"outcome": "not_held"})
    );
    assert_eq!(
        admit(&world, "push", "2", json!({"keep": "6h"})),
        "new_session"
    );
    world.pass(6 * HOUR);
    assert_eq!(admit(&world, "push", "3", json!({})), "new_session");
}

#[test]
fn the_end_of_a_run_does_not_end_its_window() {
    let world = World::default();
    admit(&world, "push", "1", json!({"keep": "6h"}));
    world.pass(MINUTE);
    let until = json!({"outcome": "released", "until": iso(NOON + 5 * MINUTE)});
    assert_eq!(cleanup(&world, "1", json!({})), until);
    assert_eq!(cleanup(&world, "1", json!({})), until);
    world.pass(4 * MINUTE - 1);
    assert_eq!(check(&world, "push", json!({})), "active_session");
    world.pass(1);
    assert_eq!(
        admit(&world, "push", "2", json!({"window": "2h"})),
        "new_session"
    );
    world.pass(HOUR);
    // The window also applies while the run is active, if it ends later.
    assert_eq!(check(&world, "push", json!({})), "active_session");
    cleanup(&world, "2", json!({}));
    assert_eq!(check(&world, "push", json!({})), "active_session");
    world.pass(HOUR);
    assert_eq!(check(&world, "push", json!({})), "new_session");
}

#[test]
fn a_person_frees_the_key_of_any_run() {
    let world = World::default();
    let key = json!({"key": "bot-push-abc12345"});
    assert_eq!(
        world.ok("dedupCleanup", key.clone()),
        json!({"outcome": "not_held"})
    );
    admit(&world, "push", "1", json!({"keep": "6h"}));
    assert_eq!(
        world.ok("dedupCleanup", key.clone()),
        json!({"outcome": "released"})
    );
    let kinds = world.ok("auditLog", json!({"kind": "dedup.clear"}));
    assert_eq!(kinds["items"].as_array().unwrap().len(), 1);
    assert_eq!(check(&world, "push", json!({})), "new_session");
    assert_eq!(admit(&world, "push", "2", json!({})), "new_session");
    world.pass(HOUR);
    assert_eq!(
        world.ok("dedupCleanup", key),
        json!({"outcome": "not_held"})
    );
}

#[test]
fn a_run_can_only_be_ended_by_itself() {
    let world = World::default();
    assert_eq!(cleanup(&world, "1", json!({}))["outcome"], "not_held");
    admit(&world, "push", "1", json!({"runAttempt": 2}));
    let kept = world.ok("dedupList", json!({}));
    for other in [json!({}), json!({"runAttempt": 3})] {
        assert_eq!(cleanup(&world, "1", other)["outcome"], "not_owner");
    }
    assert_eq!(
        cleanup(&world, "2", json!({"runAttempt": 2}))["outcome"],
        "not_owner"
    );
    assert_eq!(world.ok("dedupList", json!({})), kept);
    assert_eq!(
        cleanup(&world, "1", json!({"runAttempt": 2}))["outcome"],
        "released"
    );
}

#[test]
fn a_pull_request_blocks_pushes_of_its_commit_for_an_hour() {
    for event in ["pull_request", "pull_request_target"] {
        for by in [register, admit] {
            let world = World::default();
            assert_eq!(by(&world, event, "1", json!({})), "new_session");
            let blocked = "pull_request_lock";
            assert_eq!(check(&world, "push", json!({})), blocked);
            assert_eq!(check(&world, "push", json!({"workflow": "other"})), blocked);
            assert_eq!(admit(&world, "push", "2", json!({})), blocked);
            assert_eq!(register(&world, "push", "2", json!({})), blocked);
            assert_eq!(check(&world, "schedule", json!({})), "new_session");
            assert_eq!(
                check(&world, "push", json!({"commitSha": "other"})),
                "new_session"
            );
            world.pass(HOUR - 1);
            assert_eq!(check(&world, "push", json!({})), blocked);
            world.pass(1);
            assert_eq!(check(&world, "push", json!({})), "new_session");
        }
    }
}

#[test]
fn the_lock_of_a_commit_starts_at_its_last_pull_request() {
    let world = World::default();
    admit(&world, "pull_request", "1", json!({}));
    world.pass(30 * MINUTE);
    // A shorter window does not shorten the lock, and a longer one extends it.
    admit(
        &world,
        "pull_request",
        "2",
        json!({"workflow": "b", "prWindow": "1m"}),
    );
    admit(&world, "pull_request", "3", json!({"workflow": "c"}));
    world.pass(HOUR - 1);
    assert_eq!(check(&world, "push", json!({})), "pull_request_lock");
    world.pass(1);
    assert_eq!(check(&world, "push", json!({})), "new_session");
}

#[test]
fn a_push_blocks_pull_requests_only_on_request() {
    let world = World::default();
    let both = json!({"symmetric": true});
    assert_eq!(admit(&world, "push", "1", both.clone()), "new_session");
    assert_eq!(check(&world, "pull_request", json!({})), "new_session");
    assert_eq!(check(&world, "pull_request", both.clone()), "push_lock");
    // Other pushes of the commit are not blocked; only a pull request does the same work.
    assert_eq!(
        check(&world, "push", json!({"workflow": "other"})),
        "new_session"
    );
    assert_eq!(admit(&world, "pull_request", "2", json!({})), "new_session");
    assert_eq!(
        check(&world, "push", json!({"workflow": "other"})),
        "pull_request_lock"
    );

    let world = World::default();
    admit(&world, "push", "1", json!({}));
    assert_eq!(check(&world, "pull_request", both), "new_session");
}

#[test]
fn an_unknown_commit_is_not_locked() {
    let world = World::default();
    for sha in [json!(null), json!(""), json!("unknown")] {
        admit(&world, "pull_request", "1", json!({"commitSha": sha}));
        assert_eq!(
            check(&world, "push", json!({"commitSha": sha})),
            "new_session"
        );
    }
}

#[test]
fn imported_files_of_other_programs_block_runs() {
    let world = World::default();
    let session =
        json!({"session_key": "bot-push-abc12345", "run_id": "9", "timestamp": iso(NOON)});
    let files = [
        ("/m/active_sessions/x.json", session.to_string(), "push"),
        ("/m/recent_pr_fed98765aaaa.lock", iso(NOON), "other"),
    ];
    for (path, text, _) in &files {
        let done = world.ok("importFile", json!({"path": path, "text": text}));
        assert_eq!(done["written"], 1, "{done}");
    }
    assert_eq!(check(&world, "push", json!({})), "active_session");
    let other = json!({"commitSha": "fed98765bbbb"});
    assert_eq!(check(&world, "push", other), "pull_request_lock");
    assert_eq!(
        world.ok("dedupList", json!({}))["items"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
}

#[test]
fn runs_are_listed_and_removed_and_other_leases_are_kept() {
    let world = World::default();
    for key in ["deploy", "vm:1", "session:s", "bot-none"] {
        world.ok(
            "leaseAcquire",
            json!({"key": key, "holder": "h", "leaseDurationMs": 86_400_000}),
        );
    }
    let keys = |ended: bool, limit: u32| {
        let mut keys = Vec::new();
        let mut asked = json!({"ended": ended, "limit": limit});
        loop {
            let page = world.ok("dedupList", asked.clone());
            let items = page["items"].as_array().unwrap();
            assert!(items.len() <= limit as usize);
            keys.extend(
                items
                    .iter()
                    .map(|item| item["key"].as_str().unwrap().to_owned()),
            );
            match page.get("nextCursor") {
                Some(next) => asked["cursor"] = next.clone(),
                None => return keys,
            }
        }
    };
    assert_eq!(keys(true, 50), [""; 0]);
    admit(&world, "pull_request", "1", json!({}));
    admit(&world, "push", "2", json!({"commitSha": "other"}));
    let all = ["bot-pull_request-abc12345", "bot-push-other", "pr:abc12345"];
    assert_eq!(keys(false, 1), all);
    world.pass(10 * MINUTE);
    assert_eq!(keys(false, 50), ["pr:abc12345"]);
    assert_eq!(keys(true, 2), all);
    let clear = |params: Value| world.ok("dedupClear", params)["removed"].clone();
    assert_eq!(clear(json!({"ended": true, "prefix": "bot-pull"})), 1);
    assert_eq!(clear(json!({"ended": true})), 1);
    assert_eq!(clear(json!({"ended": true})), 0);
    assert_eq!(check(&world, "push", json!({})), "pull_request_lock");
    assert_eq!(clear(json!({})), 1);
    assert_eq!(check(&world, "push", json!({})), "new_session");
    let held = json!({"key": "deploy", "holder": "other"});
    assert_eq!(world.ok("leaseAcquire", held)["outcome"], "held");
}

#[test]
fn all_runs_are_removed_except_the_active_ones() {
    let world = World::default();
    let key = |number: u32| json!({"key": format!("run-{number:03}")});
    for number in 0..120 {
        admit(&world, "push", "1", key(number));
    }
    world.pass(HOUR);
    for number in [0, 70, 119] {
        assert_eq!(admit(&world, "push", "2", key(number)), "new_session");
    }
    let ended = json!({"ended": true});
    assert_eq!(world.ok("dedupClear", ended)["removed"], 117);
    let left = world.ok("dedupList", json!({"ended": true}));
    let left: Vec<&str> = left["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["key"].as_str().unwrap())
        .collect();
    assert_eq!(left, ["run-000", "run-070", "run-119"]);
}

#[test]
fn parameters_that_are_not_valid_in_a_key_are_refused() {
    let world = World::default();
    let long = "x".repeat(513);
    for key in [
        "",
        &long,
        "a\nb",
        "vm:1",
        "pr:abc12345",
        "session:s",
        "process:p",
        "slot:x",
    ] {
        assert_eq!(
            world.code("dedupAdmit", run("push", "1", json!({"key": key}))),
            "INVALID_ARGUMENT"
        );
        assert_eq!(
            world.code("dedupCleanup", json!({"key": key, "runId": "1"})),
            "INVALID_ARGUMENT"
        );
    }
    assert_eq!(
        world.code("dedupCheck", json!({"workflow": long, "eventType": "push"})),
        "INVALID_ARGUMENT"
    );
    for number in ["", &long, "1\n2"] {
        let error = world.error("dedupAdmit", run("push", number, json!({})));
        assert!(error.to_string().starts_with("runId: "), "{error}");
    }
    let huge = "x".repeat(5000);
    for property in ["workflow", "eventType", "commitSha"] {
        let asked = run("push", "1", json!({property: huge, "key": "k"}));
        assert_eq!(world.code("dedupAdmit", asked), "TOO_LARGE", "{property}");
    }
    assert_eq!(
        world.ok("dedupList", json!({"ended": true}))["items"],
        json!([])
    );
}

#[test]
fn extreme_durations_are_accepted_without_overflow() {
    for length in [json!(0), json!(u64::MAX), json!("1000000d")] {
        let world = World::default();
        let lengths = json!({"window": length, "keep": length, "prWindow": length});
        assert_eq!(admit(&world, "pull_request", "1", lengths), "new_session");
        let never = length == json!(0);
        let expected = |held: &str| if never { "new_session" } else { held }.to_owned();
        assert_eq!(
            check(&world, "pull_request", json!({})),
            expected("active_session")
        );
        assert_eq!(
            check(&world, "push", json!({})),
            expected("pull_request_lock")
        );
    }
}
