//! A store that does not exist: a command that only reads names it and creates nothing, and one that
//! writes creates it when it stores something.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use crate::commands::all_commands;
use crate::common::{CommandOutput, bare, output_of};

/// Commands that only read a store.
const READING: &[&[&str]] = &[
    &["list"],
    &["list", "--json"],
    &["show", "a"],
    &["events", "a"],
    &["export", "a"],
    &["context", "get", "a"],
    &["stats"],
    &["stats", "--by", "mode"],
    &["metrics"],
    &["metrics", "--recorded"],
    &["watch"],
    &["watch", "--json", "--from", "0"],
    &["ui", "--port", "0"],
    &["ui", "--port", "0", "--json", "--read-only"],
    &["check"],
    &["jobs", "list"],
    &["jobs", "failed"],
    &["audit"],
    &["agent", "get", "a"],
    &["agent", "list"],
    &["agent", "stats"],
    &["agent", "should-resume", "a"],
    &["slot", "show", "T1", "plan"],
    &["slot", "list", "T1"],
    &["lease", "list"],
    &["lease", "stats"],
    &["lease", "sweep"],
    &["vm", "show"],
    &["dedup", "list"],
    &["dedup", "log"],
    &["dedup", "stats"],
    &["webhooks", "list"],
    &["webhooks", "failed"],
    &["webhooks", "deliver"],
    &["webhooks", "test", "bot"],
    // Dry runs.
    &["audit", "--purge", "1d", "--dry-run"],
    // What a timer runs.
    &["cleanup", "--max-age", "1d"],
    &["purge", "--older-than", "1d"],
    &["jobs", "run", "--once", "--max-age", "1d"],
    &["cleanup", "--max-age", "1d", "--dry-run"],
    &["cleanup", "--trash", "--max-age", "1d", "--dry-run"],
    &["cleanup", "--records", "--dry-run"],
    &["purge", "--older-than", "1d", "--dry-run"],
    &["agent", "cleanup", "--dry-run"],
];

/// Commands that write, that have a store of their own, or that consist of other commands.
const OTHERS: &[&str] = &[
    "agent",
    "agent approve",
    "agent create",
    "agent deny",
    "agent finalize",
    "agent request-approval",
    "agent update",
    "archive",
    "archive get",
    "archive list",
    "archive restore",
    "archive thin",
    "archive verify",
    "backup",
    "abandon",
    "complete",
    "completions",
    "context",
    "context set",
    "context unset",
    "copy",
    "dedup",
    "dedup admit",
    "dedup audit",
    "dedup check",
    "dedup cleanup",
    "dedup clear",
    "dedup register",
    "dedup self-test",
    "event",
    "event add",
    "fail",
    "fork",
    "hook",
    "hook event",
    "hook pre-delegate",
    "hook subagent-stop",
    "import",
    "iterate",
    "jobs",
    "jobs drop",
    "jobs retry",
    "lease",
    "lease acquire",
    "lease clear",
    "lease release",
    "lease renew",
    "pause",
    "restore",
    "resume",
    "rm",
    "rotate-key",
    "run",
    "slot",
    "slot replace",
    "slot start",
    "start",
    "tool",
    "trash",
    "usage",
    "vm",
    "vm register",
    "vm unregister",
    "webhooks",
    "webhooks add",
    "webhooks redeliver",
    "webhooks remove",
    "webhooks rotate",
    "webhooks update",
];

/// The names of everything in a folder.
fn contents(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// Runs a command in a folder, over a store that is named by the option or by the variable.
fn run(folder: &Path, args: &[&str], store: &str, by_variable: bool) -> CommandOutput {
    let mut command = bare(folder, args);
    match by_variable {
        true => command.env("TENURE_STORE", store),
        false => command.args(["--store", store]),
    };
    command.env("XDG_STATE_HOME", folder.join("state"));
    command.env("HOME", folder.join("home"));
    output_of(command)
}

#[test]
fn every_command_is_tried_or_known_to_write() {
    let commands = all_commands();
    for command in &commands {
        let words: Vec<&str> = command.split(' ').collect();
        let is_read = READING.iter().any(|args| args.starts_with(&words));
        let is_other = OTHERS.contains(&command.as_str());
        assert!(is_read || is_other, "{command} is in no list");
    }
    for other in OTHERS {
        assert!(commands.iter().any(|command| command == other), "{other}");
    }
}

#[test]
fn a_command_that_only_reads_names_a_store_that_is_missing_and_creates_nothing() {
    for store in ["sqlite:./typo.db", "sqlite:./typo/a.db", "file:./typo"] {
        for args in READING {
            for by_variable in [false, true] {
                // These use the registry, whatever the variable names.
                if by_variable && matches!(args[0], "lease" | "vm") {
                    continue;
                }
                let here = TempDir::new().unwrap();
                let output = run(here.path(), args, store, by_variable);
                assert_eq!(output.code, 3, "{args:?} {store}: {output:?}");
                let message = format!("the store is unavailable: there is no store {store}");
                let said = format!("{}{}", output.out, output.err);
                assert!(said.contains(&message), "{args:?} {store}: {output:?}");
                assert_eq!(contents(here.path()), [""; 0], "{args:?} {store}");
            }
        }
    }
}

#[test]
fn with_json_the_error_about_a_missing_store_is_json() {
    let here = TempDir::new().unwrap();
    let output = run(here.path(), &["list", "--json"], "sqlite:./typo.db", false);
    assert_eq!(
        output.out.trim_end(),
        r#"{"error":{"code":"STORE_UNAVAILABLE","message":"the store is unavailable: there is no store sqlite:./typo.db","details":{"problem":"there is no store sqlite:./typo.db"}}}"#
    );
    assert_eq!((output.code, output.err.as_str()), (3, ""));
}

#[test]
fn the_source_of_a_copy_and_of_a_backup_must_exist() {
    for source in ["sqlite:./typo.db", "file:./typo"] {
        let here = TempDir::new().unwrap();
        let copy = bare(here.path(), &["copy", source, "sqlite:./new.db"]);
        let output = output_of(copy);
        assert_eq!(output.code, 3, "{output:?}");
        assert!(output.err.contains(source), "{output:?}");
        let output = run(here.path(), &["backup", "new"], source, false);
        assert_eq!(output.code, 3, "{output:?}");
        assert!(output.err.contains("typo"), "{output:?}");
        assert_eq!(contents(here.path()), [""; 0], "{source}");
    }
}

#[test]
fn a_registry_that_does_not_exist_is_empty() {
    let here = TempDir::new().unwrap();
    for (code, args) in [
        (0, &["lease", "list"][..]),
        (0, &["lease", "list", "--store", "registry:"]),
        (0, &["lease", "stats"]),
        (0, &["lease", "sweep"]),
        (1, &["vm", "show"]),
        (0, &["list", "--store", "registry:"]),
    ] {
        let mut command = bare(here.path(), args);
        command.env("XDG_STATE_HOME", here.path().join("state"));
        let output = output_of(command);
        assert_eq!(output.code, code, "{args:?} {output:?}");
        assert_eq!(contents(here.path()), [""; 0], "{args:?}");
    }
}

#[test]
fn a_refused_write_creates_no_store() {
    for store in ["sqlite:./new.db", "file:./new"] {
        let here = TempDir::new().unwrap();
        for (code, args) in [
            // An existing session is in an existing store.
            (3, &["pause", "a"][..]),
            (3, &["rm", "a"]),
            (3, &["fork", "a"]),
            (3, &["agent", "update", "a", "--phase", "planning"]),
            (0, &["lease", "release", "k"]),
        ] {
            let output = run(here.path(), args, store, false);
            assert_eq!(output.code, code, "{args:?} {output:?}");
            assert_eq!(contents(here.path()), [""; 0], "{args:?} {store}");
        }
    }
}

#[test]
fn a_write_creates_the_named_store() {
    for (store, found) in [
        ("sqlite:./new/a.db", "new"),
        ("file:./new", "new"),
        ("registry:", "state"),
    ] {
        let here = TempDir::new().unwrap();
        let start = ["start", "t", "--id", "a", "--mode", "m"];
        let output = run(here.path(), &start, store, false);
        assert_eq!(output.code, 0, "{output:?}");
        let output = run(here.path(), &["list"], store, false);
        assert!(output.out.starts_with("a\t"), "{output:?}");
        assert_eq!(contents(here.path()), [found]);
    }
    let here = TempDir::new().unwrap();
    fs::create_dir(here.path().join("a")).unwrap();
    let store = "sqlite:./from.db";
    run(here.path(), &["start", "t", "--id", "a"], store, false);
    let exported = run(here.path(), &["export", "a"], store, false).out;
    fs::write(here.path().join("a/session.json"), exported).unwrap();
    let store = "file:./imported";
    let output = run(here.path(), &["import", ".", "--dry-run"], store, false);
    assert!(output.out.contains("1 session would be"), "{output:?}");
    assert!(!here.path().join("imported").exists());
    let output = run(here.path(), &["import", "."], store, false);
    assert!(output.out.contains("1 session imported"), "{output:?}");
}

#[test]
fn a_url_that_names_no_file_is_refused_as_such() {
    let here = TempDir::new().unwrap();
    for store in ["sqlite:", "sqlite::memory:", "file:"] {
        for args in [&["list"][..], &["start", "t"]] {
            let output = run(here.path(), args, store, false);
            assert_eq!(output.code, 2, "{output:?}");
        }
    }
    assert_eq!(contents(here.path()), [""; 0]);
}

#[test]
fn a_check_of_a_run_finds_no_earlier_one_in_a_store_that_does_not_exist() {
    let folder = TempDir::new().unwrap();
    let url = format!("sqlite:{}/runs.db", folder.path().display());
    let args = [
        "dedup",
        "check",
        "push",
        "CI",
        "0123456789abcdef",
        "--exit-code",
        "--json",
    ];
    let output = run(folder.path(), &args, &url, false);
    assert_eq!(output.code, 0, "{output:?}");
    assert!(output.out.contains("new_session"), "{output:?}");
    assert!(contents(folder.path()).is_empty());
}
