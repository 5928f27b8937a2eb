//! The option `--token`: each command that writes a session takes the fencing token of its lease.

use std::collections::BTreeSet;
use std::fs;

use crate::common::Place;

const REFUSED: i32 = 1;
/// An exported session, and one with the name that other programs give theirs.
const EXPORTED: &str = "exported.json";
const FOREIGN: &str = "session.json";

/// The commands that write a session. The files contain a later version of it.
const WRITES: &[(&[&str], Before)] = &[
    (&["pause", "s"], Before::Active),
    (&["resume", "s"], Before::Paused),
    (&["complete", "s"], Before::Active),
    (&["fail", "s", "e"], Before::Active),
    (&["abandon", "s"], Before::Active),
    (&["iterate", "s"], Before::Active),
    (&["tool", "s", "ls"], Before::Active),
    (&["usage", "s", "--prompt", "1"], Before::Active),
    (&["event", "add", "s", "note"], Before::Active),
    (&["context", "set", "s", "b=2"], Before::Active),
    (&["context", "unset", "s", "a"], Before::Active),
    (&["trash", "s"], Before::Active),
    (&["restore", "s"], Before::Trashed),
    (&["rm", "s"], Before::Active),
    (&["import", EXPORTED], Before::Active),
    (&["import", FOREIGN], Before::Active),
    (
        &["agent", "update", "s", "--phase", "planning"],
        Before::Active,
    ),
    (&["agent", "finalize", "s", "completed"], Before::Active),
    (&["agent", "request-approval", "s"], Before::Active),
    (&["agent", "approve", "s", "--by", "ada"], Before::Waiting),
    (&["agent", "deny", "s", "--by", "ada"], Before::Waiting),
];

/// The commands whose writes need no token: those that start a session, those that leave held sessions as
/// they are, those that write no session, and those that have a token of their own.
const OTHERS: &[&str] = &[
    "start",
    "fork",
    "agent create",
    "slot start",
    "slot replace",
    "run",
    "purge",
    "cleanup",
    "agent cleanup",
    "hook pre-delegate",
    "hook subagent-stop",
    "hook event",
    "copy",
    "backup",
    "list",
    "metrics",
    "show",
    "context get",
    "events",
    "export",
    "stats",
    "watch",
    "ui",
    "check",
    "jobs drop",
    "jobs failed",
    "jobs list",
    "jobs retry",
    "jobs run",
    "archive get",
    "archive list",
    "archive restore",
    "archive thin",
    "archive verify",
    "rotate-key",
    "audit",
    "completions",
    "agent should-resume",
    "agent get",
    "agent list",
    "agent stats",
    "slot show",
    "slot list",
];

/// What is done to the agent `s` before it is held.
#[derive(Clone, Copy)]
enum Before {
    Active,
    Paused,
    Trashed,
    Waiting,
}

/// A store in which another holds the agent `s`, with token 2.
fn held(before: Before) -> Place {
    let place = Place::new();
    place.run_ok(&["agent", "create", "--agent", "a", "--id", "s"]);
    let before: &[&str] = match before {
        Before::Active => &["context", "set", "s", "a=1"],
        Before::Paused => &["pause", "s"],
        Before::Trashed => &["trash", "s"],
        Before::Waiting => &["agent", "request-approval", "s"],
    };
    place.run_ok(before);
    for (command, option) in [
        ("acquire", "--for"),
        ("release", "--token"),
        ("acquire", "--for"),
    ] {
        let value = if command == "release" { "1" } else { "1h" };
        let lease = [
            "lease",
            command,
            "session:s",
            "--holder",
            "a",
            option,
            value,
        ];
        place.run_ok(&[&lease[..], &["--store", &place.url()]].concat());
    }
    place
}

/// The names of all commands that have no subcommands, and whether they take `--token`.
fn commands(place: &Place, path: &str) -> Vec<(String, bool)> {
    let arguments: Vec<&str> = path.split_whitespace().chain(["--help"]).collect();
    let help = place.run(&arguments).out;
    let below = help.split_once("\nCommands:\n").map(|(_, below)| below);
    let Some(below) = below else {
        return vec![(path.trim_start().to_owned(), help.contains("--token <N>"))];
    };
    let lines = below.lines().take_while(|line| !line.is_empty());
    // Lines that go on are indented further.
    let names = lines.filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    let names = names.filter(|name| !name.is_empty());
    names
        .flat_map(|name| commands(place, &format!("{path} {name}")))
        .collect()
}

#[test]
fn every_command_that_writes_a_session_takes_a_token() {
    let all = commands(&Place::new(), "");
    // A lease and an endpoint are no sessions, and leases have a token of their own.
    let is_of_sessions = |name: &str| {
        !["lease", "vm", "dedup", "webhooks"].contains(&name.split(' ').next().unwrap_or(name))
    };
    let all = all.iter().filter(|(name, _)| is_of_sessions(name));
    let (with, without): (Vec<_>, Vec<_>) = all.partition(|(_, takes_token)| *takes_token);
    let names = |list: Vec<&(String, bool)>| -> BTreeSet<String> {
        list.into_iter().map(|(name, _)| name.clone()).collect()
    };
    let writes = WRITES.iter().map(|(args, _)| match args[0] {
        "agent" | "event" | "context" => args[..2].join(" "),
        name => name.to_owned(),
    });
    assert_eq!(names(with), writes.collect());
    assert_eq!(
        names(without),
        OTHERS.iter().map(|&name| name.to_owned()).collect()
    );
}

#[test]
fn a_wrong_token_is_refused_and_the_current_one_accepted() {
    for (args, before) in WRITES {
        let place = held(*before);
        let text = place.run_ok(&["export", "s"]);
        for file in [EXPORTED, FOREIGN] {
            fs::write(place.folder.path().join(file), later(&text)).unwrap();
        }
        let with = |token: &str| place.run(&[args, &["--token", token][..]].concat());
        for token in ["1", "3"] {
            let refused = with(token);
            assert_eq!(refused.code, REFUSED, "{args:?} {refused:?}");
            assert!(refused.err.contains("its token is 2 now"), "{refused:?}");
            assert_eq!(place.run_ok(&["export", "s"]), text, "{args:?}");
        }
        let accepted = with("2");
        assert_eq!((accepted.code, &*accepted.err), (0, ""), "{args:?}");
        assert_ne!(place.run_ok(&["export", "s"]), text, "{args:?}");
    }
}

/// An exported session, as it is a year later.
fn later(text: &str) -> String {
    let later = text.replacen("\"updatedAt\":\"2026", "\"updatedAt\":\"2027", 1);
    assert_ne!(later, text);
    later
}

#[test]
fn a_held_session_is_not_replaced_by_an_import_without_its_token() {
    let place = held(Before::Active);
    let text = place.run_ok(&["export", "s"]);
    let folder = place.folder.path().join("sessions");
    for id in ["s", "t"] {
        let folder = folder.join(id);
        fs::create_dir_all(&folder).unwrap();
        let one = later(&text).replacen("\"id\":\"s\"", &format!("\"id\":\"{id}\""), 1);
        fs::write(folder.join("session.json"), one).unwrap();
    }
    let imported = place.run(&["import", folder.to_str().unwrap()]);
    assert_eq!(imported.code, REFUSED, "{imported:?}");
    assert!(
        imported.out.starts_with("1 session imported"),
        "{imported:?}"
    );
    assert!(
        imported.err.contains("s/session.json: session s is held"),
        "{imported:?}"
    );
    assert_eq!(place.run_ok(&["export", "s"]), text);
    place.run_ok(&["show", "t"]);
}

#[test]
fn a_held_session_is_recorded_in_without_its_token() {
    for args in [
        &["tool", "s", "ls"][..],
        &["usage", "s", "--prompt", "1"],
        &["event", "add", "s", "note"],
        &["context", "set", "s", "b=2"],
        &["context", "unset", "s", "a"],
    ] {
        held(Before::Active).run_ok(args);
    }
    let refused = held(Before::Active).run(&["iterate", "s"]);
    assert_eq!(refused.code, REFUSED, "{refused:?}");
}
