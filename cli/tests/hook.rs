//! The commands `tenure hook`, as the host of an agent runs them: they always reply.

use std::fs;
use std::io::Write;
use std::process::Stdio;

use crate::common::{CommandOutput, Place, bare};
use serde_json::{Value, json};
use snapbox::str;

/// The exit code and the JSON of a hook.
fn hook(place: &Place, args: &[&str], input: &str) -> (i32, Value) {
    let CommandOutput { code, out, err } = place.run_with(&[&["hook"], args].concat(), input);
    assert_eq!(err, "", "{args:?}");
    (code, serde_json::from_str(&out).unwrap())
}

fn waiting(place: &Place) -> String {
    let args = [
        "agent",
        "create",
        "--agent",
        "builder",
        "--metadata",
        r#"{"task_id":"T001"}"#,
    ];
    let id = place.run_ok(&args);
    place.run_ok(&["agent", "update", &id, "--phase", "approval"]);
    id
}

#[test]
fn a_task_resumes_its_waiting_session_until_that_is_finalized() {
    let place = Place::new();
    let id = waiting(&place);
    let task = json!({"agent_name": "builder", "agent_id": id, "task_id": "T001"});
    let (code, answer) = hook(&place, &["pre-delegate"], &task.to_string());
    assert_eq!((code, &answer["should_resume"]), (0, &json!(true)));
    assert_eq!(answer["reason"], "session_resumable");
    assert_eq!(answer["original_context"], task);
    let past = &answer["resume_metadata"];
    assert_eq!(past["previous_phase"], "approval");
    assert_eq!(past["created_at"], "2026-01-08T18:05:30Z");
    assert_eq!(past["session_metadata"], json!({"task_id": "T001"}));

    let stop = json!({"task_info": {"agent_id": id}, "workflow_metrics": {"exit_code": 2}});
    let (code, answer) = hook(&place, &["subagent-stop"], &stop.to_string());
    assert_eq!((code, &answer["finalized"]), (0, &json!(true)));
    assert_eq!(answer["outcome"], "failed");

    let (code, answer) = hook(&place, &["pre-delegate"], &task.to_string());
    assert_eq!((code, &answer["should_resume"]), (0, &json!(false)));
    assert_eq!(answer["reason"], "session_not_resumable");
}

#[test]
fn the_policy_can_be_given() {
    let place = Place::new();
    let input = json!({"agent_id": waiting(&place)}).to_string();
    let asked = |args: &[&str]| hook(&place, &[&["pre-delegate"], args].concat(), &input).1;
    let later = ["--now", "2026-01-08T19:05:30Z"];
    assert_eq!(asked(&later)["details"]["code"], "idle_too_long");
    assert_eq!(
        asked(&[&later[..], &["--idle", "2h"]].concat())["should_resume"],
        true
    );
    assert_eq!(
        asked(&["--max-errors", "0"])["details"]["code"],
        "too_many_errors"
    );
}

#[test]
fn an_unknown_agent_starts_a_new_session() {
    let place = Place::new();
    for input in [
        r#"{"agent_id":"nobody"}"#,
        "{}",
        r#"{"agent_id":"no id at all"}"#,
    ] {
        for (name, property) in [
            ("pre-delegate", "should_resume"),
            ("subagent-stop", "finalized"),
        ] {
            let (code, answer) = hook(&place, &[name], input);
            assert_eq!(
                (code, &answer[property]),
                (0, &json!(false)),
                "{name} {input}"
            );
            assert_eq!(answer["reason"], "no_existing_session", "{name} {input}");
        }
    }
}

#[test]
fn input_that_is_no_json_object_exits_with_1() {
    let place = Place::new();
    for input in ["", "{", "[]", "null", "\"{}\"", "{} {}"] {
        for name in ["pre-delegate", "subagent-stop"] {
            let (code, answer) = hook(&place, &[name], input);
            assert_eq!(
                (code, &answer["reason"]),
                (1, &json!("invalid_json")),
                "{name} {input:?}"
            );
        }
    }
}

#[test]
fn input_beyond_the_limit_is_not_read() {
    let place = Place::new();
    for name in ["pre-delegate", "subagent-stop"] {
        let command = place.command(&["hook", name]).stdin(Stdio::piped()).spawn();
        let mut command = command.unwrap();
        let mut stdin = command.stdin.take().unwrap();
        let part = vec![b' '; 1 << 20];
        // The hook stops reading at the limit, which ends the writing.
        let written = (0..100)
            .take_while(|_| stdin.write_all(&part).is_ok())
            .count();
        drop(stdin);
        let output = command.wait_with_output().unwrap();
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(answer["reason"], "invalid_json");
        assert!(written < 20, "{name}: {written} MB");
    }
    let text = "a".repeat(7 << 20);
    let (code, answer) = hook(
        &place,
        &["pre-delegate"],
        &json!({ "text": text }).to_string(),
    );
    assert_eq!(
        (code, &answer["reason"]),
        (0, &json!("no_existing_session"))
    );
}

#[test]
fn input_that_was_cut_within_a_character_gets_a_reply() {
    let place = Place::new();
    let command = place
        .command(&["hook", "pre-delegate"])
        .stdin(Stdio::piped())
        .spawn();
    let mut command = command.unwrap();
    let input = b"{\"agent_id\":\"nobody\",\"text\":\"\xe6\x97\"}";
    command.stdin.take().unwrap().write_all(input).unwrap();
    let output = command.wait_with_output().unwrap();
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(answer["original_context"]["text"], "\u{fffd}");
}

#[test]
fn an_unavailable_store_is_a_reason_and_no_failure() {
    let place = Place::new();
    let folder = place.folder.path();
    fs::write(folder.join("file"), "no database, for sure").unwrap();
    let unreachable = [
        format!("sqlite:{}", folder.join("file").display()),
        format!("sqlite:{}", folder.join("file/below.db").display()),
        "sqlite:/dev/null/tenure.db".to_owned(),
        "no:store".to_owned(),
    ];
    for store in &unreachable {
        for (name, property) in [
            ("pre-delegate", "should_resume"),
            ("subagent-stop", "finalized"),
        ] {
            let input = r#"{"agent_id":"a","task_id":7}"#;
            let (code, answer) = hook(&place, &[name, "--store", store], input);
            assert_eq!(
                (code, &answer[property]),
                (0, &json!(false)),
                "{name} {store}"
            );
            assert_eq!(answer["reason"], "store_unavailable", "{name} {store}");
            assert_eq!(answer["agent_id"], "a");
        }
        // Invalid JSON is still reported as such.
        let (code, answer) = hook(&place, &["pre-delegate", "--store", store], "{");
        assert_eq!((code, &answer["reason"]), (1, &json!("invalid_json")));
    }
}

#[test]
fn a_busy_store_is_waited_for_only_briefly() {
    let place = Place::new();
    let id = waiting(&place);
    let store = tenure_sqlite::SqliteStore::open(
        &place.folder.path().join("tenure.db"),
        tenure_sqlite::SqliteOptions::default(),
    );
    let stop = json!({ "agent_id": id }).to_string();
    let answer = store
        .unwrap()
        .transaction(|_| hook(&place, &["subagent-stop"], &stop));
    let (code, answer) = answer.unwrap();
    assert_eq!((code, &answer["reason"]), (0, &json!("store_unavailable")));
    // It succeeds once the store is free.
    let (code, answer) = hook(&place, &["subagent-stop"], &stop);
    assert_eq!((code, &answer["reason"]), (0, &json!("session_waiting")));
}

#[test]
fn an_agent_that_can_be_resumed_waits_unless_it_is_always_finalized() {
    let place = Place::new();
    let stop = json!({"agent_id": waiting(&place)}).to_string();
    for args in [
        &["subagent-stop"][..],
        &["subagent-stop", "--finalize", "auto"],
    ] {
        let (code, answer) = hook(&place, args, &stop);
        assert_eq!((code, &answer["reason"]), (0, &json!("session_waiting")));
    }
    let always = ["subagent-stop", "--finalize", "always"];
    let (code, answer) = hook(&place, &always, &stop);
    assert_eq!((code, &answer["outcome"]), (0, &json!("completed")));
    let unknown = ["hook", "subagent-stop", "--finalize", "never"];
    assert_eq!(place.run_with(&unknown, &stop).code, 2);
}

#[test]
fn a_host_that_names_its_events_is_answered_in_its_form() {
    let place = Place::new();
    let task = json!({
        "hook_event_name": "PreToolUse", "session_id": "s1", "tool_name": "Agent",
        "tool_input": {"subagent_type": "builder", "description": "build it"}
    });
    let stop = json!({
        "hook_event_name": "SubagentStop", "session_id": "s1", "agent_type": "builder",
        "agent_id": "a1"
    });
    for (delegate, end) in [("pre-delegate", "subagent-stop"), ("event", "event")] {
        let (code, answer) = hook(&place, &[delegate], &task.to_string());
        let specific = &answer["hookSpecificOutput"];
        assert_eq!(
            (code, &specific["hookEventName"]),
            (0, &json!("PreToolUse"))
        );
        let args = [end, "--finalize", "always"];
        assert_eq!(hook(&place, &args, &stop.to_string()), (0, json!({})));
    }
    assert_eq!(place.run_ok(&["agent", "list"]).lines().count(), 2);
    assert_eq!(hook(&place, &["event"], "{}").0, 1);
    let mut command = place.command(&["hook", "event"]);
    command.env("TENURE_STORE", "sqlite:/dev/null/tenure.db");
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(stop.to_string().as_bytes()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(
        answer["systemMessage"]
            .as_str()
            .unwrap()
            .starts_with("tenure: ")
    );
    assert!(output.status.success());
}

#[test]
fn the_hooks_can_be_tested_without_a_store() {
    let place = Place::new();
    for args in [&["hook", "--test"][..], &["hook", "pre-delegate", "--test"]] {
        let output = crate::common::output_of(bare(place.folder.path(), args));
        assert_eq!((output.code, &*output.err), (0, ""));
        assert!(
            output.out.contains("\"reason\":\"session_finalized\""),
            "{}",
            output.out
        );
        assert!(output.out.ends_with("Both hooks replied as expected.\n"));
    }
    // No file is left.
    assert_eq!(fs::read_dir(place.folder.path()).unwrap().count(), 0);
    let steps = place.run_ok(&["hook", "--test", "--json"]);
    let steps: Vec<Value> = serde_json::from_str(&steps).unwrap();
    let reasons: Vec<_> = steps.iter().map(|step| &step["output"]["reason"]).collect();
    assert_eq!(
        reasons,
        [
            "session_resumable",
            "session_waiting",
            "session_finalized",
            "session_not_resumable"
        ]
    );
    assert_eq!(place.run(&["hook"]).code, 2);
}

#[test]
fn the_help_describes_input_and_output() {
    let help = Place::new().run(&["hook", "pre-delegate", "--help"]).out;
    snapbox::Assert::new()
        .normalize_paths(false)
        .action_env("SNAPSHOTS")
        .eq(
            help,
            str![[r#"
Decide whether a task resumes a session, before it is delegated to an agent

Usage: tenure hook pre-delegate [OPTIONS]

Options:
      --idle <DURATION>  Do not resume an agent that has been idle this long:
                         30m by default
      --test             Run both hooks over a temporary store, and show their
                         replies
      --max-errors <N>   Do not resume an agent with this many errors: 3 by
                         default
  -h, --help             Print help

Global options:
      --store <URL>           The URL of the store: sqlite:FILE, file:DIR,
                              postgres://HOST/DB or registry: [env:
                              TENURE_STORE]
      --json                  Print replies as JSON
      --now <TIME>            Override the clock with this time, such as
                              2026-01-08T18:05:30Z
      --models <NAME,...>     The available models; sessions of other models
                              cannot be changed [env: TENURE_MODELS]
      --file-mode <BITS>      The permissions of new files, such as 640; 600 by
                              default [env: TENURE_FILE_MODE]
      --encryption-key <KEY>  The keys of an encrypted store: ID=file:PATH,
                              ID=env:NAME or ID=command:PROGRAM, the current one
                              first [env: TENURE_ENCRYPTION_KEY]

Input: agent_id, or agent_name and task_id, at the top level or in task_info.
Output: should_resume, reason, agent_id, resume_metadata {previous_phase,
created_at, history, session_metadata}, details, original_context. The reason is
session_resumable, no_existing_session, session_not_resumable, store_unavailable
or invalid_json; details.code is more specific.

Examples:
  echo '{"agent_name":"deployer","task_id":"T001"}' |
    tenure hook pre-delegate
  tenure hook pre-delegate --idle 2h --max-errors 5 < task.json
  tenure hook pre-delegate --test

"#]],
        );
}
