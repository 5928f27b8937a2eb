//! The session of a run: recovered after a crash, refused, ended by its command, and in a failing store.

use std::fs;
use std::io::Read;
use std::os::unix::fs::symlink;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

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
fn a_session_that_its_command_has_ended_keeps_its_status() {
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

/// A file store behind a symbolic link. Replacing the link makes the store fail, and recover, at once:
/// a store without its folder would create the folder again.
struct LinkedStore {
    place: Place,
}

impl LinkedStore {
    fn new() -> Self {
        let mut place = Place::new();
        place.url = format!("file:{}", place.path().join("store").display());
        fs::create_dir(place.path().join("folder")).unwrap();
        fs::write(place.path().join("file"), "no folder").unwrap();
        let linked = Self { place };
        linked.lead_to("folder");
        linked
    }

    fn lead_to(&self, target: &str) {
        let link = self.place.path().join("link");
        symlink(target, &link).unwrap();
        fs::rename(&link, self.place.path().join("store")).unwrap();
    }

    /// Lets the command go on past its wait for a file.
    fn signal(&self, file: &str) {
        fs::write(self.place.path().join(file), "").unwrap();
    }

    /// Waits until a write to the store is due.
    fn wait_for_write() {
        thread::sleep(Duration::from_millis(1500));
    }
}

/// A part of a script that waits for a file.
fn wait_for(file: &str) -> String {
    format!("until [ -e {file} ]; do sleep 0.02; done")
}

#[test]
fn a_store_failure_does_not_affect_the_running_command() {
    let store = LinkedStore::new();
    let script = format!(
        "echo before; {}; echo after; {}; exit 9",
        wait_for("broken"),
        wait_for("noticed")
    );
    let mut command = store.place.run(&["-q"], &script);
    let (mut child, mut lines) = started(&mut command, "before");
    LinkedStore::wait_for_write();
    store.lead_to("file");
    store.signal("broken");
    LinkedStore::wait_for_write();
    store.signal("noticed");
    let (mut rest, mut said) = (String::new(), String::new());
    lines.read_to_string(&mut rest).unwrap();
    let mut stderr = child.stderr.take().unwrap();
    stderr.read_to_string(&mut said).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(9));
    assert_eq!(rest, "after\n");
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
    let store = LinkedStore::new();
    let script = format!(
        "echo one; {}; echo two; {}; echo three",
        wait_for("broken"),
        wait_for("fixed")
    );
    let mut command = store.place.run(&["-q"], &script);
    let (mut child, mut lines) = started(&mut command, "one");
    LinkedStore::wait_for_write();
    store.lead_to("file");
    store.signal("broken");
    LinkedStore::wait_for_write();
    store.lead_to("folder");
    store.signal("fixed");
    let (mut rest, mut said) = (String::new(), String::new());
    lines.read_to_string(&mut rest).unwrap();
    let mut stderr = child.stderr.take().unwrap();
    stderr.read_to_string(&mut said).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0), "{said}");
    assert_eq!(
        said.matches("recording failed and is retried").count(),
        1,
        "{said}"
    );
    let session = store.place.session();
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
