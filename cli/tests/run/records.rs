//! The record of a command that runs to its end, and the environment of the command.

use std::fs;
use std::io::{Read, Write};
use std::process::Stdio;

use serde_json::{Value, json};

use super::{Place, error_of, events, id_of, texts};

#[test]
fn a_command_is_recorded_with_its_output_and_end() {
    let place = Place::new();
    let output = place.output(&[], "echo one; echo two >&2; printf three");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(output.stdout, b"one\nthree");
    let session = place.session();
    assert_eq!(
        error_of(&output),
        format!("tenure: session {}\ntwo\n", id_of(&session))
    );
    assert_eq!(session["status"], "completed");
    assert_eq!(session["result"], "exit code 0");
    assert_eq!(session["iterations"], 1);
    assert_eq!(session["metadata"]["command"][0], "sh");
    assert!(session["metadata"]["pid"].is_u64());
    assert_eq!(texts(&session, "stdout"), ["one", "three"]);
    assert_eq!(texts(&session, "stderr"), ["two"]);
    assert_eq!(events(&session, "exit")[0]["code"], 0);
}

#[test]
fn the_exit_code_is_that_of_the_command() {
    let place = Place::new();
    for (script, code, status, error) in [
        ("exit 0", 0, "completed", Value::Null),
        ("exit 7", 7, "failed", json!("exit code 7")),
        ("kill -TERM $$", 143, "failed", json!("ended by SIGTERM")),
        ("kill -KILL $$", 137, "failed", json!("ended by SIGKILL")),
    ] {
        let output = place.output(&["-q"], script);
        assert_eq!(output.status.code(), Some(code), "{script}");
        assert_eq!(error_of(&output), "");
        let session = place.session();
        assert_eq!(
            (&session["status"], &session["error"]),
            (&json!(status), &error)
        );
    }
}

#[test]
fn a_command_that_cannot_be_run_fails_the_session() {
    let place = Place::new();
    for (command, code) in [("/nonexistent/command", 127), ("/etc/passwd", 126)] {
        let output = place
            .tenure(&["run", "--task", "t", "--", command])
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(code));
        assert!(error_of(&output).contains(command));
        assert_eq!(place.session()["status"], "failed");
    }
    let output = place.tenure(&["run", "--", "true"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let output = place
        .tenure(&[
            "--store",
            "file:/dev/null/x",
            "run",
            "--task",
            "t",
            "--",
            "true",
        ])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(3));
}

#[test]
fn the_command_gets_standard_input_the_session_and_the_store() {
    let place = Place::new();
    let mut child = place
        .run(&[], "cd /; cat; echo $TENURE_SESSION; tenure() { \"$BIN\" \"$@\"; }; tenure pause $TENURE_SESSION")
        .env("TENURE_STORE", "sqlite:./t.db")
        .env("BIN", env!("CARGO_BIN_EXE_tenure"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"given\n").unwrap();
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(0));
    let session = place.session();
    let said = texts(&session, "stdout");
    assert_eq!(said[..2], ["given".to_owned(), id_of(&session)]);
    // A session that its command has paused stays paused.
    assert_eq!(session["status"], "paused");
    assert_eq!(events(&session, "exit")[0]["code"], 0);
}

#[test]
fn secrets_are_not_recorded() {
    let place = Place::new();
    let token = "ghp_16C7e42F292c6912E7710c838347Ae178B4a";
    let output = place.output(&[], &format!("echo T={token}; : --password=hunter2"));
    assert!(String::from_utf8_lossy(&output.stdout).contains(token));
    let output = place
        .tenure(&["run", "--task", "t", "--", "echo", "--api-key", "hunter2"])
        .output()
        .unwrap();
    assert_eq!(output.stdout, b"--api-key hunter2\n");
    let command = &place.session()["metadata"]["command"];
    assert_eq!(command, &json!(["echo", "--api-key", "[redacted]"]));
    for file in fs::read_dir(place.path()).unwrap() {
        let bytes = fs::read(file.unwrap().path()).unwrap();
        assert!(
            !bytes
                .windows(token.len())
                .any(|part| part == token.as_bytes())
        );
    }
}

#[test]
fn a_private_key_that_spans_lines_is_not_recorded() {
    let place = Place::new();
    // Made up, and never as one text.
    let line = "AbC1".repeat(16);
    let script = format!(
        "echo before; echo '-----BEGIN RSA PRIVATE'\\ 'KEY-----'; echo {line}; echo {line}; echo AbC1==; \
         echo '-----END RSA PRIVATE'\\ 'KEY-----'; echo after; echo {line} >&2"
    );
    let output = place.output(&[], &script);
    assert!(String::from_utf8_lossy(&output.stdout).contains(&line));
    let session = place.session();
    assert_eq!(
        texts(&session, "stdout"),
        [
            "before",
            "-----BEGIN RSA PRIVATE KEY-----",
            "[redacted]",
            "[redacted]",
            "[redacted]",
            "-----END RSA PRIVATE KEY-----",
            "after",
        ]
    );
    assert_eq!(texts(&session, "stderr"), [line]);
}

#[test]
fn binary_output_is_forwarded_unchanged_and_recorded_as_text() {
    let place = Place::new();
    let output = place.output(&[], r"printf 'a\377\000b\r\nc'");
    assert_eq!(output.stdout, b"a\xff\0b\r\nc");
    let session = place.session();
    assert_eq!(texts(&session, "stdout"), ["a\u{fffd}\u{fffd}b", "c"]);
}

#[test]
fn output_is_recorded_within_limits_and_forwarded_completely() {
    let place = Place::new();
    let output = place.output(
        &["--max-output", "1000"],
        "i=0; while [ $i -lt 100 ]; do echo 0123456789; i=$((i+1)); done; echo e >&2",
    );
    assert_eq!(output.stdout.len(), 1100);
    let session = place.session();
    let kept = texts(&session, "stdout").len();
    assert!((1..100).contains(&kept), "{kept}");
    let omitted = events(&session, "exit")[0]["omitted"]["stdout"]
        .as_u64()
        .unwrap();
    assert!(omitted >= (100 - kept as u64) * 10);
    let long = place.output(&["-q"], "head -c 300000 /dev/zero | tr '\\0' x");
    assert_eq!(long.stdout.len(), 300_000);
    let session = place.session();
    let line = events(&session, "stdout")[0];
    let text = line["text"].as_str().unwrap().len() as u64;
    assert_eq!(text + line["cut"].as_u64().unwrap(), 300_000);
}

#[test]
fn a_flood_of_output_uses_little_memory_and_does_not_block_the_command() {
    let place = Place::new();
    for script in [
        "yes | head -c 100000000",
        "head -c 100000000 /dev/zero",
        "yes 0123456789012345678901234567890123456789012345678901234567890123456789 | head -c 100000000",
    ] {
        let mut child = place
            .run(&["-q"], script)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut from = child.stdout.take().unwrap();
        let (mut total, mut most) = (0, 0);
        let mut buffer = vec![0; 1 << 20];
        loop {
            let length = from.read(&mut buffer).unwrap();
            total += length;
            let status =
                fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
            let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            let peak = peak.and_then(|peak| peak.trim().strip_suffix(" kB")?.parse().ok());
            most = most.max(peak.unwrap_or(0));
            if length == 0 {
                break;
            }
        }
        assert!(child.wait().unwrap().success());
        assert_eq!(total, 100_000_000);
        assert!(most < 100_000, "{most} kB");
        let list = place.json(&["list"]);
        assert_eq!(list["items"][0]["status"], "completed");
    }
}

#[test]
fn a_command_that_removes_the_store_is_reported_as_not_recorded() {
    let place = Place::new();
    // As `git clean -fdx` does.
    let output = place.output(&[], "sleep 0.5; rm t.db*; echo one; exit 7");
    assert_eq!(output.status.code(), Some(7));
    let error = error_of(&output);
    assert!(error.contains("not recorded: "), "{error}");
    assert!(error.contains("(exit code 7)"), "{error}");
    assert!(error.contains("t.db was removed"), "{error}");
    assert!(!place.path().join("t.db").exists());
}
