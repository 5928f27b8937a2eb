//! `tenure run` as it is used: the real binary runs real commands, is signalled and killed, and what
//! it leaves in the store is read with the same binary.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Whatever is waited for comes long before that.
const LONG: Duration = Duration::from_secs(60);

/// A folder with a store.
struct Place {
    folder: TempDir,
    url: String,
}

impl Place {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let url = format!("sqlite:{}", folder.path().join("t.db").display());
        Self { folder, url }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn tenure(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tenure"));
        command
            .args(args)
            .env("TENURE_STORE", &self.url)
            .current_dir(self.path())
            .stdin(Stdio::null());
        command
    }

    /// `tenure run`, with a script of a shell as the command.
    fn run(&self, options: &[&str], script: &str) -> Command {
        let mut command = self.tenure(&["run"]);
        if !options.contains(&"--resume") {
            command.args(["--task", "t"]);
        }
        command.args(options).args(["--", "sh", "-c", script]);
        command
    }

    fn output(&self, options: &[&str], script: &str) -> Output {
        self.run(options, script).output().unwrap()
    }

    fn json(&self, args: &[&str]) -> Value {
        let output = self.tenure(&["--json"]).args(args).output().unwrap();
        serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|_| panic!("{args:?}: {}", error_of(&output)))
    }

    /// The newest session, with its history.
    fn session(&self) -> Value {
        let list = self.json(&["list"]);
        let id = list["items"][0]["id"].as_str().unwrap();
        let mut session = self.json(&["show", id]);
        let mut history = Vec::new();
        loop {
            let after = history.len().to_string();
            let page = self.json(&["events", id, "--after", &after]);
            history.extend(page["items"].as_array().unwrap().iter().cloned());
            if page["nextAfter"].is_null() {
                break;
            }
        }
        session["history"] = Value::Array(history);
        session
    }
}

fn error_of(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn id_of(session: &Value) -> String {
    session["id"].as_str().unwrap().to_owned()
}

/// The data of a session's events of one type.
fn events<'a>(session: &'a Value, kind: &str) -> Vec<&'a Value> {
    let history = session["history"].as_array().unwrap();
    let of_kind = history.iter().filter(|event| event["type"] == kind);
    of_kind.map(|event| &event["data"]).collect()
}

fn texts(session: &Value, kind: &str) -> Vec<String> {
    let said = events(session, kind).into_iter();
    said.map(|data| data["text"].as_str().unwrap().to_owned())
        .collect()
}

fn until<T>(what: &str, mut check: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = check() {
            return found;
        }
        assert!(began.elapsed() < LONG, "{what} did not come");
        thread::sleep(Duration::from_millis(10));
    }
}

/// The process whose number a script has written into a file.
fn process_in(path: &Path) -> Pid {
    let number = until("a process", || {
        let text = fs::read_to_string(path).ok()?;
        text.strip_suffix('\n')?.parse().ok()
    });
    Pid::from_raw(number).unwrap()
}

fn is_gone(pid: Pid) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero()));
    test_kill_process(pid).is_err() || stat.is_ok_and(|stat| stat.contains(") Z "))
}

fn until_gone(pid: Pid) {
    until("the end of a process", || is_gone(pid).then_some(()));
}

/// Starts a run and waits for a line that it prints.
fn started(command: &mut Command, line: &str) -> (Child, BufReader<std::process::ChildStdout>) {
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let mut said = String::new();
    lines.read_line(&mut said).unwrap();
    if said.trim_end() != line {
        let mut error = String::new();
        let _ = child.stderr.take().unwrap().read_to_string(&mut error);
        panic!("{said:?} instead of {line:?}: {error}");
    }
    (child, lines)
}

fn signal(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

#[test]
fn a_command_is_recorded_with_what_it_prints_and_how_it_ends() {
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
fn it_exits_as_the_command_does() {
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
fn a_command_that_cannot_run_says_so() {
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
fn the_command_gets_standard_input_its_session_and_its_store() {
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
    // What paused it will have it resumed.
    assert_eq!(session["status"], "paused");
    assert_eq!(events(&session, "exit")[0]["code"], 0);
}

#[test]
fn what_looks_like_a_secret_is_not_recorded() {
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
fn what_is_no_text_is_passed_on_as_it_is_and_recorded_as_far_as_it_is_text() {
    let place = Place::new();
    let output = place.output(&[], r"printf 'a\377\000b\r\nc'");
    assert_eq!(output.stdout, b"a\xff\0b\r\nc");
    let session = place.session();
    assert_eq!(texts(&session, "stdout"), ["a\u{fffd}\u{fffd}b", "c"]);
}

#[test]
fn output_is_recorded_within_limits_and_passed_on_whole() {
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
fn a_flood_of_output_takes_little_memory_and_does_not_stop_the_command() {
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
fn a_timeout_ends_all_processes_of_the_command() {
    let place = Place::new();
    let output = place.output(
        &["--timeout", "1s", "--grace", "500ms", "-q"],
        "trap '' TERM; sh -c 'trap \"\" TERM; echo $$ > grandchild; while :; do sleep 1; done' & \
         echo $$ > child; while :; do sleep 1; done",
    );
    assert_eq!(output.status.code(), Some(124));
    for file in ["child", "grandchild"] {
        until_gone(process_in(&place.path().join(file)));
    }
    let session = place.session();
    assert_eq!(session["status"], "failed");
    assert_eq!(session["error"], "timed out after 1 s (ended by SIGKILL)");
}

#[test]
fn what_a_command_leaves_running_does_not_keep_it_from_its_end() {
    let place = Place::new();
    let script = "sh -c 'echo $$ > left; exec sleep 1000' & until [ -s left ]; do sleep 0.01; done; echo done";
    let output = place.output(&["-q"], script);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(output.stdout, b"done\n");
    until_gone(process_in(&place.path().join("left")));
    assert_eq!(place.session()["status"], "completed");
    // What has gone away from its group holds on to its output as long as it likes.
    if cfg!(target_os = "linux") {
        let script = "setsid sh -c 'echo $$ > away; exec sleep 1000' & until [ -s away ]; do sleep 0.01; done";
        // Its output is not waited for here either.
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
fn signals_are_handed_on_and_the_session_says_so() {
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
fn a_second_signal_ends_what_the_first_did_not() {
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
fn a_session_whose_run_was_killed_is_taken_up_once() {
    let place = Place::new();
    let script = "echo up; echo $$ > child; exec sleep 1000";
    let mut first = place.run(&["-q"], script);
    let (mut child, _lines) = started(&mut first, "up");
    let id = id_of(&place.session());
    // While it runs, it is held.
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
fn only_what_may_go_on_is_resumed() {
    let place = Place::new();
    place.output(&["-q"], "exit 1");
    let failed = id_of(&place.session());
    for id in [failed.as_str(), "unknown"] {
        let output = place.output(&["--resume", id], "touch ran");
        assert_eq!(output.status.code(), Some(1), "{}", error_of(&output));
    }
    // The last of the runs that are allowed is the last, unless more are.
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
fn a_session_that_was_ended_meanwhile_stays_as_it_was_ended() {
    let place = Place::new();
    let script = format!(
        "'{}' complete $TENURE_SESSION mine; echo late; exit 3",
        env!("CARGO_BIN_EXE_tenure")
    );
    let output = place.output(&["-q"], &script);
    assert_eq!(output.status.code(), Some(3));
    let session = place.session();
    assert_eq!(
        (&session["status"], &session["result"]),
        (&json!("completed"), &json!("mine"))
    );
}

#[test]
fn a_store_that_fails_in_the_middle_does_not_disturb_the_command() {
    let mut place = Place::new();
    place.url = format!("file:{}", place.path().join("store").display());
    let script = "echo before; sleep 1; rm -rf store; : > store; echo after; sleep 1; exit 9";
    let output = place.output(&["-q"], script);
    assert_eq!(output.status.code(), Some(9));
    assert_eq!(output.stdout, b"before\nafter\n");
    let said = error_of(&output);
    assert_eq!(said.matches("not recorded for now").count(), 1, "{said}");
    assert!(said.contains("not recorded: 5 bytes of output"), "{said}");
    assert!(said.contains("exit code 9"), "{said}");
}

#[test]
fn a_store_that_comes_back_gets_what_it_has_missed() {
    let mut place = Place::new();
    place.url = format!("file:{}", place.path().join("store").display());
    let script = "echo one; sleep 1; mv store away; : > store; echo two; sleep 1; \
                  rm store; mv away store; sleep 2; echo three";
    let output = place.output(&["-q"], script);
    assert_eq!(output.status.code(), Some(0));
    assert!(error_of(&output).contains("not recorded for now"));
    let session = place.session();
    assert_eq!(texts(&session, "stdout"), ["one", "two", "three"]);
    assert_eq!(session["status"], "completed");
}

#[test]
fn a_full_disk_does_not_disturb_the_command() {
    let place = Place::new();
    place.output(&["-q"], "true");
    // No file may grow beyond this, and who tries is told so as on a full disk.
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

#[test]
fn whoever_reads_no_further_ends_the_command_as_a_pipe_does() {
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

/// Runs a command on a terminal of its own; the other end of it.
#[cfg(target_os = "linux")]
fn on_a_terminal(mut command: Command) -> (Child, fs::File) {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    let controller = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&controller).unwrap();
    unlockpt(&controller).unwrap();
    let path = ptsname(&controller, Vec::new()).unwrap();
    let terminal = fs::File::options()
        .read(true)
        .write(true)
        .open(path.to_str().unwrap())
        .unwrap();
    let child = command
        .stdin(terminal.try_clone().unwrap())
        .stdout(terminal.try_clone().unwrap())
        .stderr(terminal)
        .spawn()
        .unwrap();
    (child, controller.into())
}

#[cfg(target_os = "linux")]
#[test]
fn on_a_terminal_the_command_reads_it_and_gets_what_is_pressed() {
    let place = Place::new();
    let up_to = |terminal: &mut fs::File, end: &str| {
        let mut said = String::new();
        until(end, || {
            let mut buffer = [0; 1024];
            let length = terminal.read(&mut buffer).unwrap();
            said.push_str(&String::from_utf8_lossy(&buffer[..length]));
            said.contains(end).then_some(())
        });
    };
    for (script, code, error) in [
        ("exec sleep 1000", 130, "ended by SIGINT"),
        // Whether it ends is its own affair.
        ("trap 'echo no' INT; read next; exit 4", 4, "exit code 4"),
    ] {
        let script = format!("read name; echo \"hello $name\"; {script}");
        let mut command = Command::new("setsid");
        command
            .args([
                "--ctty",
                "--wait",
                env!("CARGO_BIN_EXE_tenure"),
                "run",
                "-q",
                "--task",
                "t",
            ])
            .args(["--", "sh", "-c", &script])
            .env("TENURE_STORE", &place.url);
        let (mut child, mut terminal) = on_a_terminal(command);
        terminal.write_all(b"you\n").unwrap();
        up_to(&mut terminal, "hello you");
        terminal.write_all(b"\x03").unwrap();
        if code == 4 {
            up_to(&mut terminal, "no");
            terminal.write_all(b"next\n").unwrap();
        }
        let ended = until("the end", || child.try_wait().unwrap());
        assert_eq!(ended.code(), Some(code));
        assert_eq!(place.session()["error"], error);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_timeout_ends_the_processes_on_a_terminal_too() {
    let place = Place::new();
    let script = "trap '' TERM; sh -c 'trap : TERM; echo $$ > grandchild; while :; do sleep 0.1; done' & \
                  while :; do sleep 0.1; done";
    let mut command = Command::new("setsid");
    command
        .args([
            "--ctty",
            "--wait",
            env!("CARGO_BIN_EXE_tenure"),
            "run",
            "-q",
            "--task",
            "t",
        ])
        .args([
            "--timeout",
            "1s",
            "--grace",
            "300ms",
            "--",
            "sh",
            "-c",
            script,
        ])
        .env("TENURE_STORE", &place.url)
        .current_dir(place.path());
    let (mut child, _terminal) = on_a_terminal(command);
    let ended = until("the end", || child.try_wait().unwrap());
    assert_eq!(ended.code(), Some(124));
    until_gone(process_in(&place.path().join("grandchild")));
}
