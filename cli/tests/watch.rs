//! `tenure watch`: the changes that other processes make, as lines and as JSON.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::common::{Place, bare, plain};

/// A watch, whose lines are read as they come.
struct Watch {
    child: Child,
    lines: Option<std::io::Lines<BufReader<ChildStdout>>>,
}

impl Watch {
    fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self {
            child,
            lines: Some(lines),
        }
    }

    fn next(&mut self) -> String {
        self.lines.as_mut().unwrap().next().unwrap().unwrap()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn changes_of_other_processes_are_lines() {
    let place = Place::with_empty_store();
    let mut watch = Watch::start(place.command(&["watch", "--from", "0"]));
    place.run_ok(&["start", "t", "--id", "a"]);
    assert_eq!(watch.next(), "1\tcreated\ta\tactive\tstart");
    place.run_ok(&["complete", "a", "done"]);
    assert_eq!(watch.next(), "2\tupdated\ta\tcompleted\tcomplete");
    place.run_ok(&[
        "lease",
        "acquire",
        "k",
        "--holder",
        "h",
        "--for",
        "1m",
        "--store",
        &place.url(),
    ]);
    assert_eq!(watch.next(), "3\tlease\tk\theld\t");
    place.run_ok(&["rm", "a", "--permanent"]);
    assert_eq!(watch.next(), "4\tdeleted\ta\t\t");
    assert!(watch.next().ends_with("\tsession.delete"));
}

#[test]
fn with_json_every_line_is_a_change() {
    let place = Place::new();
    for (id, user) in [("a", "ann"), ("b", "bob"), ("c", "ann")] {
        place.run_ok(&["start", "t", "--id", id, "--user", user]);
    }
    let lines = place.run_ok(&["watch", "--json", "--from", "0", "--user", "ann", "-n", "2"]);
    let changes: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let found: Vec<(u64, &str)> = changes
        .iter()
        .map(|change| {
            (
                change["position"].as_u64().unwrap(),
                change["id"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(found, [(1, "a"), (3, "c")]);
    assert_eq!(changes[0]["session"]["userId"], "ann");
    assert_eq!(changes[0]["events"][0]["type"], "start");
}

#[test]
fn a_position_of_the_future_is_refused() {
    let place = Place::with_empty_store();
    let output = place.run(&["watch", "--from", "7"]);
    assert_eq!(output.code, 1);
    assert!(
        output
            .err
            .contains("there is no position 7 yet, the newest is 0"),
        "{output:?}"
    );
    assert!(output.err.contains("go on from position 0"), "{output:?}");
}

#[test]
fn a_file_store_is_watched() {
    let folder = TempDir::new().unwrap();
    let tenure = |args: &[&str]| {
        let mut command = bare(folder.path(), args);
        command.args(["--store", "file:./sessions"]);
        command
    };
    fs::create_dir(folder.path().join("sessions")).unwrap();
    let mut watch = Watch::start(tenure(&["watch", "--from", "0"]));
    let run = |args: &[&str]| assert!(tenure(args).output().unwrap().status.success());
    run(&["start", "t", "--id", "a"]);
    assert_eq!(watch.next(), "1\tcreated\ta\tactive\tstart");
    run(&["complete", "a", "done"]);
    assert_eq!(watch.next(), "2\tupdated\ta\tcompleted\tcomplete");
}

#[test]
fn a_store_in_memory_is_refused_since_nobody_else_writes_to_it() {
    let folder = TempDir::new().unwrap();
    let output = crate::common::output_of(bare(folder.path(), &["watch", "--store", "memory:"]));
    assert_eq!(output.code, 2, "{output:?}");
    assert!(output.err.contains("has no other writers"), "{output:?}");
}

#[test]
fn the_help_says_that_the_trash_is_included() {
    let folder = TempDir::new().unwrap();
    let help = |command| {
        let help = crate::common::output_of(bare(folder.path(), &[command, "--help"])).out;
        help.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert!(help("watch").contains("only or include (the default)"));
    assert!(help("list").contains("exclude (the default), only or include"));
}

#[test]
fn the_store_of_a_project_may_be_created_later() {
    let folder = TempDir::new().unwrap();
    fs::create_dir(folder.path().join(".git")).unwrap();
    let mut watch = Watch::start(bare(folder.path(), &["watch", "--from", "0"]));
    let started = bare(folder.path(), &["start", "t", "--id", "a"]).output();
    assert!(started.unwrap().status.success());
    assert_eq!(watch.next(), "1\tcreated\ta\tactive\tstart");
}

#[cfg(unix)]
#[test]
fn a_signal_ends_it_with_its_exit_code() {
    let place = Place::with_empty_store();
    place.run_ok(&["start", "t", "--id", "a"]);
    for (signal, code) in [("-INT", 130), ("-TERM", 143)] {
        let mut watch = Watch::start(place.command(&["watch", "--from", "0"]));
        watch.next();
        let id = watch.child.id().to_string();
        let killed = Command::new("kill").args([signal, &id]).status();
        assert!(killed.unwrap().success());
        assert_eq!(watch.child.wait().unwrap().code(), Some(code));
    }
}

#[cfg(unix)]
#[test]
fn a_reader_that_is_gone_ends_it_without_another_change() {
    let place = Place::with_empty_store();
    let mut watch = Watch::start(place.command(&["watch", "--from", "0"]));
    place.run_ok(&["start", "t", "--id", "a"]);
    watch.next();
    watch.lines = None;
    let limit = Instant::now() + Duration::from_secs(60);
    while watch.child.try_wait().unwrap().is_none() {
        assert!(Instant::now() < limit, "the watch goes on without a reader");
        thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(watch.child.wait().unwrap().code(), Some(0));
}

#[cfg(target_os = "linux")]
#[test]
fn on_a_terminal_a_line_fits_its_width() {
    let place = Place::new();
    place.run_ok(&["start", "t", "--id", &"long".repeat(30)]);
    let kinds = "a_type_of_an_event_that_is_long_enough_to_be_cut".to_owned();
    place.run_ok(&["event", "add", &"long".repeat(30), &kinds]);
    place.run_ok(&["start", "t", "--id", "a"]);
    let shown = plain(&place.on_terminal(&["watch", "--from", "0", "-n", "3"]));
    for line in shown.lines() {
        assert!(line.trim_end().chars().count() <= 80, "{line:?}");
    }
    assert!(
        shown.contains("     3  created   a  active  start"),
        "{shown:?}"
    );
}
