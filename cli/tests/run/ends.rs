//! The end of a command: signals, timeouts, and processes that outlive it.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use rustix::process::{Signal, kill_process};

use super::{Place, is_gone, process_in, signal, started, until_gone};

#[test]
fn a_timeout_ends_all_processes_of_the_command() {
    let place = Place::new();
    let output = place.output(
        &["--timeout", "3s", "--grace", "500ms", "-q"],
        "trap '' TERM; sh -c 'trap \"\" TERM; echo $$ > grandchild; while :; do sleep 1; done' & \
         echo $$ > child; while :; do sleep 1; done",
    );
    assert_eq!(output.status.code(), Some(124));
    for file in ["child", "grandchild"] {
        until_gone(process_in(&place.path().join(file)));
    }
    let session = place.session();
    assert_eq!(session["status"], "failed");
    assert_eq!(session["error"], "timed out after 3 s (ended by SIGKILL)");
}

#[test]
fn processes_left_running_do_not_block_the_end() {
    let place = Place::new();
    let script = "sh -c 'echo $$ > left; exec sleep 1000' & until [ -s left ]; do sleep 0.01; done; echo done";
    let output = place.output(&["-q"], script);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(output.stdout, b"done\n");
    until_gone(process_in(&place.path().join("left")));
    assert_eq!(place.session()["status"], "completed");
    // A process that has left the group may keep the output open.
    if cfg!(target_os = "linux") {
        let script = "setsid sh -c 'echo $$ > away; exec sleep 1000' & until [ -s away ]; do sleep 0.01; done";
        // The test does not read the output either.
        let mut child = place
            .run(&["-q", "--grace", "100ms"], script)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(0));
        let away = process_in(&place.path().join("away"));
        assert!(!is_gone(away));
        kill_process(away, Signal::KILL).unwrap();
        assert_eq!(place.session()["status"], "completed");
    }
}

#[test]
fn signals_are_forwarded_and_recorded() {
    let place = Place::new();
    for (sent, name, code) in [
        (Signal::INT, "SIGINT", 130),
        (Signal::TERM, "SIGTERM", 143),
        (Signal::HUP, "SIGHUP", 129),
    ] {
        let (mut child, _lines) =
            started(&mut place.run(&["-q"], "echo up; exec sleep 1000"), "up");
        signal(&child, sent);
        assert_eq!(child.wait().unwrap().code(), Some(code));
        let session = place.session();
        assert_eq!(
            session["error"],
            format!("cancelled by {name} (ended by {name})")
        );
    }
    let script = "trap 'echo bye; exit 5' TERM; echo up; while :; do sleep 0.05; done";
    let (mut child, mut lines) = started(&mut place.run(&["-q"], script), "up");
    signal(&child, Signal::TERM);
    let mut rest = String::new();
    lines.read_to_string(&mut rest).unwrap();
    assert_eq!(
        (child.wait().unwrap().code(), rest.as_str()),
        (Some(5), "bye\n")
    );
    assert_eq!(
        place.session()["error"],
        "cancelled by SIGTERM (exit code 5)"
    );
}

#[test]
fn a_second_signal_kills_the_command() {
    let place = Place::new();
    let script = "trap '' TERM; echo $$ > child; echo up; while :; do sleep 0.05; done";
    let (mut child, _lines) = started(&mut place.run(&["-q", "--grace", "1h"], script), "up");
    signal(&child, Signal::TERM);
    thread::sleep(Duration::from_millis(300));
    assert!(!is_gone(process_in(&place.path().join("child"))));
    signal(&child, Signal::TERM);
    assert_eq!(child.wait().unwrap().code(), Some(137));
    until_gone(process_in(&place.path().join("child")));
}

#[test]
fn a_closed_pipe_ends_the_command_with_sigpipe() {
    let place = Place::new();
    let mut child = place
        .run(&["-q"], "exec yes")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    lines.read_line(&mut line).unwrap();
    drop(lines);
    assert_eq!(child.wait().unwrap().code(), Some(141));
    assert_eq!(place.session()["error"], "ended by SIGPIPE");
}

#[test]
fn a_signal_that_is_ignored_stays_ignored() {
    let place = Place::new();
    let script = "echo up; sleep 1; echo on";
    let tenure = env!("CARGO_BIN_EXE_tenure");
    let mut command = Command::new("sh");
    command
        .args([
            "-c",
            "trap '' HUP; exec \"$0\" \"$@\"",
            tenure,
            "run",
            "-q",
            "--task",
            "t",
            "--",
            "sh",
            "-c",
            script,
        ])
        .env("TENURE_STORE", &place.url)
        .stdin(Stdio::null());
    let (mut child, mut lines) = started(&mut command, "up");
    signal(&child, Signal::HUP);
    let mut rest = String::new();
    lines.read_to_string(&mut rest).unwrap();
    assert_eq!(
        (child.wait().unwrap().code(), rest.as_str()),
        (Some(0), "on\n")
    );
}
