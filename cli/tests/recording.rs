//! The commands that record what an agent does: events, iterations, tool calls, usage and context.

#[cfg(unix)]
use std::process::Command;

use serde_json::{Value, json};

use crate::common::{CommandOutput, Place};

/// A place with a session `a`, which may use three iterations.
fn place() -> Place {
    let place = Place::new();
    let start = ["start", "t", "--id", "a", "--max-iterations", "3"];
    place.run_ok(&start);
    place
}

fn session(place: &Place) -> Value {
    serde_json::from_str(&place.run_ok(&["show", "a", "--json"])).unwrap()
}

/// The data of the events of a type.
fn events(place: &Place, kind: &str) -> Vec<Value> {
    let page = place.run_ok(&["events", "a", "--type", kind, "--json"]);
    let page: Value = serde_json::from_str(&page).unwrap();
    let items = page["items"].as_array().unwrap().iter();
    items.map(|event| event["data"].clone()).collect()
}

fn err(output: &CommandOutput) -> &str {
    output.err.trim_end()
}

#[test]
fn an_event_is_added_with_its_data() {
    let place = place();
    assert_eq!(place.run_ok(&["event", "add", "a", "note"]), "2");
    let add = ["event", "add", "a", "deploy", "-"];
    let output = place.run_with(&add, r#"{"n":1}"#);
    assert_eq!((output.code, output.out.as_str()), (0, "3\n"));
    assert_eq!(events(&place, "deploy"), [json!({"n": 1})]);
    for _ in 0..2 {
        let add = ["event", "add", "a", "once", "--idempotency-key", "k"];
        assert_eq!(place.run_ok(&add), "4");
    }
    let json = place.run_ok(&["event", "add", "a", "note", "--json"]);
    assert!(json.contains(r#""firstSequence":5"#), "{json}");
    assert_eq!(place.run(&["event", "add", "a", "note", "[]"]).code, 2);
    assert_eq!(place.run(&["event", "add", "nobody", "note"]).code, 1);
}

#[test]
fn events_are_printed_by_type_and_newest_first() {
    let place = place();
    for kind in ["note", "deploy", "note", "check"] {
        place.run_ok(&["event", "add", "a", kind]);
    }
    let sequences = |args: &[&str]| -> Vec<u64> {
        let lines = place.run_ok(&[&["events", "a"], args].concat());
        let first = |line: &str| line.split('\t').next().unwrap().parse().unwrap();
        lines.lines().map(first).collect()
    };
    assert_eq!(sequences(&["--type", "note"]), [2, 4]);
    assert_eq!(sequences(&["--type", "note,check", "--reverse"]), [5, 4, 2]);
    assert_eq!(sequences(&["--type", "note", "--type", "start"]), [1, 2, 4]);
    assert_eq!(sequences(&["--before", "3"]), [1, 2]);
    assert_eq!(sequences(&["--after", "1", "--before", "4"]), [2, 3]);
    assert_eq!(sequences(&["--reverse", "-n", "2"]), [5, 4]);
    let page = place.run_ok(&["events", "a", "--reverse", "--limit", "2", "--json"]);
    assert!(page.contains(r#""nextBefore":4"#), "{page}");
}

#[test]
fn a_loop_of_iterations_ends_when_the_budget_is_used() {
    let place = place();
    for used in 1..3 {
        let line = format!("a is active, {used} of 3 iterations used");
        assert_eq!(place.run_ok(&["iterate", "a"]), line);
    }
    let last = place.run(&["iterate", "a", "--data", r#"{"step":3}"#]);
    assert_eq!((last.code, last.out.as_str()), (1, "a has timed out\n"));
    let refused = place.run(&["iterate", "a"]);
    assert_eq!(refused.code, 1, "{refused:?}");
    assert_eq!(events(&place, "iteration").len(), 3);

    // A session that has timed out goes on with a larger budget.
    assert_eq!(place.run(&["resume", "a"]).code, 1);
    let resumed = place.run_ok(&["resume", "a", "--add-iterations", "2"]);
    assert_eq!(resumed, "a is active, 3 of 5 iterations used");
    let json = place.run_ok(&["iterate", "a", "--json"]);
    assert!(json.contains(r#""iterations":4"#), "{json}");
}

#[test]
fn a_tool_call_is_recorded_with_its_arguments_and_its_result() {
    let place = place();
    let call = ["tool", "a", "grep", "--args", r#"["x"]"#, "--result", "-"];
    let output = place.run_with(&call, "\"3 lines\"");
    assert_eq!((output.code, output.out.as_str()), (0, "2\n"), "{output:?}");
    let expected = json!({"tool": "grep", "args": ["x"], "result": "3 lines"});
    assert_eq!(events(&place, "tool_call"), [expected]);
    assert_eq!(session(&place)["metadata"]["toolsUsed"], json!(["grep"]));
}

#[test]
fn a_tool_call_that_was_started_is_listed_until_it_is_finished() {
    let place = place();
    let unfinished = || -> Value {
        let context = place.run_ok(&["context", "get", "a", "--json"]);
        let context: Value = serde_json::from_str(&context).unwrap();
        context["unfinishedToolCalls"].clone()
    };
    let start = ["tool", "a", "deploy", "--args", r#"["prod"]"#, "--start"];
    assert_eq!(place.run_ok(&start), "call_2");
    let named = ["tool", "a", "grep", "--start", "--call-id", "mine"];
    assert_eq!(place.run_ok(&named), "mine");
    let calls = unfinished();
    let calls: Vec<&Value> = calls.as_array().unwrap().iter().collect();
    assert_eq!(calls.len(), 2);
    assert_eq!(
        (&calls[0]["tool"], &calls[0]["args"]),
        (&json!("deploy"), &json!(["prod"]))
    );
    let finish = ["tool", "a", "--finish", "call_2", "--result", r#""done""#];
    assert_eq!(place.run_ok(&finish), "4");
    assert_eq!(unfinished()[0]["callId"], "mine");
    let expected = json!({
        "tool": "deploy", "args": ["prod"], "result": "done", "callId": "call_2",
    });
    assert_eq!(events(&place, "tool_call"), [expected]);
    let again = place.run(&finish);
    assert_eq!(again.code, 2);
    let expected = "tenure: --finish: call_2 is no unfinished call; `tenure context get ID --json` \
                    lists those";
    assert_eq!(err(&again), expected);
    for wrong in [
        &["tool", "a"][..],
        &["tool", "a", "grep", "--start", "--result", "1"],
        &["tool", "a", "grep", "--call-id", "c"],
        &["tool", "a", "grep", "--finish", "mine"],
        &["tool", "a", "--finish", "mine", "--call-id", "c"],
    ] {
        assert_eq!(place.run(wrong).code, 2, "{wrong:?}");
    }
    assert_eq!(unfinished().as_array().unwrap().len(), 1);
}

#[test]
fn a_key_of_another_call_is_refused() {
    let calls: [&[&str]; 8] = [
        &["event", "add", "a", "note"],
        &["event", "add", "a", "deploy"],
        &["iterate", "a", "--data", r#"{"n":1}"#],
        &["tool", "a", "x", "--start", "--call-id", "c2"],
        &["tool", "a", "--finish", "c1"],
        &["usage", "a", "--prompt", "1"],
        &["context", "set", "a", "n=1"],
        &["context", "unset", "a", "n"],
    ];
    for first in calls {
        let place = place();
        place.run_ok(&["tool", "a", "x", "--start", "--call-id", "c1"]);
        let with_key = |call: &[&str]| place.run(&[call, &["--idempotency-key", "k"]].concat());
        assert_eq!(with_key(first).code, 0, "{first:?}");
        let before = session(&place);
        for second in calls {
            let output = with_key(second);
            let is_repeat = second == first;
            assert_eq!(output.code, i32::from(!is_repeat), "{first:?} {second:?}");
            let is_mismatch = output.err.contains("was used before with other parameters");
            assert_ne!(
                is_mismatch, is_repeat,
                "{first:?} {second:?}: {}",
                output.err
            );
        }
        assert_eq!(session(&place), before, "{first:?}");
    }
}

#[test]
fn what_is_probably_meant_otherwise_is_noted() {
    let place = place();
    let set = place.run(&["context", "set", "a", "n=:4", "smile=:-)"]);
    assert_eq!(set.code, 0);
    assert_eq!(err(&set), "tenure: n is the text :4; n:=JSON sets JSON");
    let none = place.run(&["events", "a", "--type", "contextChange"]);
    assert_eq!((none.code, none.out.as_str()), (0, ""));
    assert_eq!(err(&none), "tenure: no event of the type contextChange");
    let short = place.run(&["complete", "abc"]);
    let expected =
        "tenure: there is no session abc; an id can be shortened to 6 characters or more";
    assert_eq!((short.code, err(&short)), (1, expected));
    let text = place.run(&["tool", "a", "grep", "--result", "done"]);
    assert_eq!(text.code, 2);
    assert!(
        err(&text).ends_with("texts and names need double quotes"),
        "{}",
        text.err
    );
}

#[test]
fn usage_is_added_up() {
    let place = place();
    let usage = ["usage", "a", "--prompt", "1200", "--cached", "1000"];
    place.run_ok(&usage);
    let more = [
        "usage",
        "a",
        "--completion",
        "340",
        "--reasoning",
        "40",
        "--cost",
        "0.0042",
    ];
    assert_eq!(
        place.run_ok(&more),
        "a: 1540 tokens (1200 prompt, 1000 of them cached; 340 completion, 40 of them reasoning), cost 0.0042"
    );
    let tokens = json!({
        "prompt": 1200, "completion": 340, "total": 1540, "cached": 1000, "reasoning": 40
    });
    assert_eq!(session(&place)["metadata"]["tokens"], tokens);
    let nothing = place.run(&["usage", "a"]);
    assert_eq!(nothing.code, 2);
    assert!(err(&nothing).contains("expected tokens or a cost"));
    assert_eq!(place.run(&["usage", "a", "--cost=-1"]).code, 2);
}

#[test]
fn properties_of_the_context_are_set_read_and_removed() {
    let place = place();
    let set = |properties: &[&str]| place.run(&[&["context", "set", "a"], properties].concat());
    let first = set(&["branch=main", "n:=1e400", "labels:=[\"x\"]", "q=a=b:c"]);
    assert_eq!(
        (first.code, first.out.trim_end()),
        (
            0,
            r#"{"branch":"main","n":1e400,"labels":["x"],"q":"a=b:c"}"#
        )
    );
    let get = |key: &str| place.run_ok(&["context", "get", "a", key]);
    assert_eq!(get("branch"), "main");
    assert_eq!(get("n"), "1e400");
    assert_eq!(get("labels"), r#"["x"]"#);
    assert_eq!(get("q"), "a=b:c");
    let missing = place.run(&["context", "get", "a", "nothing"]);
    assert_eq!(missing.code, 1);
    assert!(err(&missing).contains("has no property nothing"));

    let unset = place.run_ok(&["context", "unset", "a", "labels", "q", "nothing"]);
    assert_eq!(unset, r#"{"branch":"main","n":1e400}"#);
    let output = place.run_with(
        &["context", "set", "a", "--replace", "diff=-"],
        "one\ntwo\n",
    );
    assert_eq!(output.out.trim_end(), r#"{"diff":"one\ntwo"}"#);
    assert_eq!(get("diff"), "one\ntwo");
    for wrong in ["branch", "=x", ":=1", "n:=main"] {
        assert_eq!(set(&[wrong]).code, 2, "{wrong}");
    }

    assert_eq!(
        place.run_ok(&["context", "get", "a"]),
        r#"{"diff":"one\ntwo"}"#
    );
}

#[test]
fn a_change_of_the_context_is_recorded_as_it_is_wanted() {
    let place = place();
    let change = |args: &[&str]| place.run(&[&["context"], args].concat()).code;
    assert_eq!(change(&["set", "a", "plan=A", "--record", "none"]), 0);
    assert_eq!(change(&["unset", "a", "plan", "--record", "all"]), 0);
    assert_eq!(change(&["set", "a", "plan=B"]), 0);
    assert_eq!(change(&["set", "a", "plan=C", "--record", "some"]), 2);
    assert_eq!(
        events(&place, "context_change"),
        [json!({"was": {"plan": "A"}}), json!({"set": {"plan": "B"}})]
    );
}

#[test]
fn a_context_as_json_has_what_an_agent_needs_to_continue() {
    let place = place();
    for _ in 0..3 {
        place.run_ok(&["event", "add", "a", "note"]);
    }
    let get = ["context", "get", "a", "--json", "--recent", "2"];
    let context: Value = serde_json::from_str(&place.run_ok(&get)).unwrap();
    assert_eq!(context["task"], "t");
    assert_eq!(context["recentHistory"].as_array().unwrap().len(), 2);
    let all = place.run_ok(&["context", "get", "a", "--json"]);
    let all: Value = serde_json::from_str(&all).unwrap();
    assert_eq!(all["recentHistory"].as_array().unwrap().len(), 4);
    assert_eq!(place.run(&["context", "get", "nobody"]).code, 1);
    assert_eq!(place.run(&["context", "get", "nobody", "--json"]).code, 1);
    assert_eq!(place.run(&["context", "get", "a", "--recent", "2"]).code, 2);
    assert_eq!(place.run(&["context", "get", "a", "k", "--json"]).code, 2);
}

#[test]
fn a_session_is_abandoned_with_a_reason() {
    let place = place();
    let abandon = ["abandon", "a", "--reason", "The branch was deleted"];
    assert_eq!(place.run_ok(&abandon), "a is abandoned");
    assert_eq!(
        events(&place, "abandoned"),
        [json!({"reason": "The branch was deleted"})]
    );
    assert_eq!(place.run(&["resume", "a"]).code, 1);
}

#[test]
fn a_failure_keeps_the_stack() {
    let place = place();
    let output = place.run_with(&["fail", "a", "panic", "--stack", "-"], "at a\nat b\n");
    assert_eq!(output.code, 0, "{output:?}");
    assert_eq!(session(&place)["error"], "panic");
    let failed = &session(&place)["history"][1];
    assert_eq!(failed["data"]["stack"], "at a\nat b", "{failed}");
}

#[test]
fn a_session_belongs_to_another_one() {
    let place = place();
    place.run_ok(&["start", "part", "--id", "b", "--parent", "a"]);
    assert!(place.run_ok(&["show", "b"]).contains("Parent        a"));
    let children = place.run_ok(&["list", "--parent", "a"]);
    assert!(children.starts_with("b\t"), "{children}");
    // A slot has no session of another one.
    let slot = [
        "slot", "start", "T1", "plan", "t", "--model", "m", "--parent", "a",
    ];
    assert_eq!(place.run(&slot).code, 2);
}

/// The examples after a line of the pages about the command and about agents.
#[cfg(unix)]
fn examples(section: &str) -> &'static str {
    let pages = [
        include_str!("../../docs/cli.md"),
        include_str!("../../docs/agents.md"),
    ];
    let mut pages = pages.into_iter();
    let found = pages.find_map(|page| page.split_once(&format!("{section}\n\n```sh\n")));
    found.unwrap().1.split_once("```").unwrap().0
}

#[cfg(unix)]
#[test]
fn the_examples_of_the_pages_run() {
    let place = Place::new();
    let bin = place.folder.path().join("bin");
    std::fs::create_dir(&bin).unwrap();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_tenure"), bin.join("tenure")).unwrap();
    let run = |script: &str| {
        let mut bash = Command::new("bash");
        bash.args(["-euc", script]).env_clear();
        bash.env("PATH", format!("{}:/usr/bin:/bin", bin.display()));
        let output = bash.env("TENURE_STORE", place.url()).output().unwrap();
        let err = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{err}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let said = run(examples("## What an agent does"));
    assert_eq!(said.matches("a step").count(), 2, "{said}");
    assert!(said.trim_end().ends_with("is abandoned"), "{said}");
    let said = run(examples("--by NAME --reason TEXT` decide:"));
    assert!(said.contains("waiting for approval"), "{said}");
    let said = run(&format!("{}echo $branch", examples("### The context")));
    assert!(said.ends_with("{\"branch\":\"main\"}\nmain\n"), "{said}");
}
