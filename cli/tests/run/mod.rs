//! `tenure run`: the real binary runs real commands, and is signalled and killed. The sessions are read
//! with the same binary.

mod ends;
mod records;
mod sessions;
#[cfg(target_os = "linux")]
mod terminal;

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use serde_json::Value;
use tempfile::TempDir;

/// The timeout of every wait in these tests.
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

    /// `tenure run`, with a shell script as the command.
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

/// The process whose PID a script has written to a file.
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
