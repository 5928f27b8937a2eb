//! The session of a run: recovered after a crash, refused, ended by its command, and in a failing store.

use std::fs;
use std::process::{Child, Command, Stdio};

use rustix::process::Signal;
use serde_json::json;

use super::{
    Place, error_of, events, id_of, process_in, signal, started, texts, until, until_gone,
};

#[test]
fn a_session_whose_run_was_killed_is_recovered_once() {
    let place = Place::new();
    let script = "echo up; echo $$ > child; exec sleep 1000";
    let mut first = place.run(&["-q"], script);
    let (mut child, _lines) = started(&mut first, "up");
    let id = id_of(&place.session());
    // While the command runs, its session is held.
    let refused = place.output(&["--resume", &id], "echo never");
    assert_eq!(refused.status.code(), Some(1), "{}", error_of(&refused));
    assert!(
        error_of(&refused).contains("is held by"),
        "{}",
        error_of(&refused)
    );
    until("the output", || {
        (!texts(&place.session(), "stdout").is_empty()).then_some(())
    });
    signal(&child, Signal::KILL);
    child.wait().unwrap();
    if cfg!(target_os = "linux") {
        until_gone(process_in(&place.path().join("child")));
    }
    assert_eq!(place.session()["status"], "active");
    let runs: Vec<Child> = (0..4)
        .map(|number| {
            let script = format!("echo {number} >> winners; sleep 1");
            place
                .run(&["-q", "--resume", &id], &script)
                .stderr(Stdio::null())
                .spawn()
                .unwrap()
        })
        .collect();
    let mut codes: Vec<_> = runs
        .into_iter()
        .map(|mut run| run.wait().unwrap().code())
        .collect();
    codes.sort_unstable();
    assert_eq!(codes, [Some(0), Some(1), Some(1), Some(1)]);
    let winners = fs::read_to_string(place.path().join("winners")).unwrap();
    assert_eq!(winners.lines().count(), 1);
    let session = place.session();
    assert_eq!(
        (&session["status"], &session["iterations"]),
        (&json!("completed"), &json!(2))
    );
    assert_eq!(events(&session, "resume")[0]["recovered"], true);
}

#[test]
fn only_a_resumable_session_is_resumed() {
    let place = Place::new();
    place.output(&["-q"], "exit 1");
    let failed = id_of(&place.session());
    for id in [failed.as_str(), "unknown"] {
        let output = place.output(&["--resume", id], "touch ran");
        assert_eq!(output.status.code(), Some(1), "{}", error_of(&output));
    }
    // After the last run of the budget, a resume is refused unless the budget grows.
    let pause = format!("'{}' pause $TENURE_SESSION", env!("CARGO_BIN_EXE_tenure"));
    place.output(&["-q", "--max-iterations", "2"], &pause);
    let id = id_of(&place.session());
    assert_eq!(place.session()["status"], "paused");
    let (mut child, _lines) = started(
        &mut place.run(&["-q", "--resume", &id], "echo up; exec sleep 1000"),
        "up",
    );
    signal(&child, Signal::KILL);
    child.wait().unwrap();
    assert_eq!(place.session()["status"], "timeout");
    let output = place.output(&["--resume", &id], "touch ran");
    assert_eq!(output.status.code(), Some(1));
    assert!(
        error_of(&output).contains("2 of 2"),
        "{}",
        error_of(&output)
    );
    assert!(!place.path().join("ran").exists());
    let output = place.output(&["--resume", &id, "--add-iterations", "1"], "exit 0");
    assert_eq!(output.status.code(), Some(0), "{}", error_of(&output));
    assert_eq!(place.session()["status"], "completed");
}

#[test]
fn a_session_that_its_command_has_ended_stays_ended() {
    let place = Place::new();
    let complete = format!(
        "'{}' complete $TENURE_SESSION mine > ended",
        env!("CARGO_BIN_EXE_tenure")
    );
    let output = place.output(&["-q"], &complete);
    assert_eq!(
        (output.status.code(), error_of(&output).as_str()),
        (Some(0), "")
    );
    let output = place.output(&["-q"], &format!("{complete}; echo late; exit 3"));
    assert_eq!(output.status.code(), Some(3));
    assert!(error_of(&output).contains("not recorded: 4 bytes of output"));
    let session = place.session();
    assert_eq!(
        (&session["status"], &session["result"]),
        (&json!("completed"), &json!("mine"))
    );
}

#[test]
fn a_store_failure_does_not_affect_the_running_command() {
    let mut place = Place::new();
    place.url = format!("file:{}", place.path().join("store").display());
    let script = "echo before; sleep 1; rm -rf store; : > store; echo after; sleep 1; exit 9";
    let output = place.output(&["-q"], script);
    assert_eq!(output.status.code(), Some(9));
    assert_eq!(output.stdout, b"before\nafter\n");
    let said = error_of(&output);
    assert_eq!(
        said.matches("recording failed and is retried").count(),
        1,
        "{said}"
    );
    assert!(
        said.contains("bytes of output, and the end of the command (exit code 9)"),
        "{said}"
    );
}

#[test]
fn a_store_that_recovers_gets_the_missed_output() {
    let mut place = Place::new();
    place.url = format!("file:{}", place.path().join("store").display());
    let script = "echo one; sleep 1; mv store away; : > store; echo two; sleep 1; \
                  rm store; mv away store; sleep 2; echo three";
    let output = place.output(&["-q"], script);
    assert_eq!(output.status.code(), Some(0));
    let session = place.session();
    assert_eq!(texts(&session, "stdout"), ["one", "two", "three"]);
    assert_eq!(session["status"], "completed");
}

#[test]
fn a_full_disk_does_not_affect_the_command() {
    let place = Place::new();
    place.output(&["-q"], "true");
    // The limit of the file size makes writes fail as on a full disk.
    let limited = "ulimit -f 600; trap '' XFSZ; exec \"$0\" \"$@\"";
    let script = "i=0; while [ $i -lt 20000 ]; do echo a line that takes some room $i; i=$((i+1)); done; exit 3";
    let output = Command::new("sh")
        .args(["-c", limited, env!("CARGO_BIN_EXE_tenure")])
        .args(["run", "-q", "--task", "t", "--", "sh", "-c", script])
        .env("TENURE_STORE", &place.url)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(
        output.stdout.iter().filter(|&&byte| byte == b'\n').count(),
        20_000
    );
    let said = error_of(&output);
    assert!(
        said.contains("not recorded: ") && said.contains("exit code 3"),
        "{said}"
    );
}
