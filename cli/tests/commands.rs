//! What the command does with its arguments, its surroundings and what sessions say.

use std::fs;
use std::process::Stdio;

use crate::common::{NOW, Place, bare, ended};

#[test]
fn start_prints_the_bare_id_for_scripts() {
    let place = Place::new();
    let id = place.says(&["start", "Fix the login page", "--mode", "developer"]);
    assert!(id.starts_with("session_"), "{id}");
    assert_eq!(place.says(&["list"]).lines().count(), 1);
    assert!(place.says(&["show", &id]).contains("Fix the login page"));
}

#[test]
fn texts_and_json_may_come_from_standard_input_and_files() {
    let place = Place::new();
    let file = place.folder.path().join("state.json");
    fs::write(&file, "{ \"n\": 1e400 }").unwrap();
    let context = format!("@{}", file.display());
    let args = ["start", "-", "--id", "a", "--context", &context];
    let ended = place.run_with(&args, "line one\nline two\n");
    assert_eq!(ended.code, 0, "{}", ended.err);
    let session = place.says(&["show", "a", "--json"]);
    assert!(
        session.contains(r#""task":"line one\nline two""#),
        "{session}"
    );
    assert!(session.contains(r#""context":{ "n": 1e400 }"#), "{session}");
    assert_eq!(place.run_with(&["complete", "a", "-"], "all\r\n").code, 0);
    assert!(
        place
            .says(&["show", "a", "--json"])
            .contains(r#""result":"all""#)
    );
}

#[test]
fn the_present_can_be_chosen() {
    let place = Place::new();
    place.says(&["start", "t", "--id", "a"]);
    let session = place.says(&["show", "a", "--json"]);
    assert!(
        session.contains(r#""createdAt":"2026-01-08T18:05:30.000Z""#),
        "{session}"
    );
    let later = place.says(&["show", "a", "--now", "2026-01-08T20:05:30Z"]);
    assert!(later.contains("2h ago"), "{later}");
}

#[test]
fn exit_codes_tell_refused_from_misused_from_unavailable() {
    let place = Place::new();
    place.says(&["start", "t", "--id", "a"]);
    for (code, args) in [
        (0, &["show", "a"][..]),
        (1, &["show", "nobody"]),
        (1, &["show", "nobody", "--json"]),
        (1, &["resume", "nobody"]),
        (1, &["start", "t", "--id", "a"]),
        (2, &["start"]),
        (2, &["show", "../a"]),
        (2, &["start", "t", "--metadata", "[]"]),
        (2, &["start", "t", "--context", "@/nowhere"]),
        (2, &["list", "--store", "ftp://x"]),
        (3, &["list", "--store", "sqlite:/dev/null/a.db"]),
        (0, &["--help"]),
        (0, &["list", "--help"]),
        (2, &[]),
    ] {
        assert_eq!(place.run(args).code, code, "{args:?}");
    }
}

#[test]
fn with_json_an_error_is_json_on_standard_output() {
    let ended = Place::new().run(&["pause", "nobody", "--json"]);
    assert_eq!(
        ended.out.trim_end(),
        r#"{"error":{"code":"SESSION_NOT_FOUND","message":"there is no session nobody","details":{"id":"nobody"}}}"#
    );
    assert_eq!((ended.code, ended.err.as_str()), (1, ""));
}

#[test]
fn what_is_refused_for_one_session_is_done_for_the_others() {
    let place = Place::new();
    for id in ["a", "b"] {
        place.says(&["start", "t", "--id", id]);
    }
    let ended = place.run(&["rm", "a", "nobody", "b"]);
    assert_eq!(ended.code, 1);
    assert!(ended.err.contains("nobody"), "{}", ended.err);
    assert_eq!(place.says(&["list", "--trash", "only"]).lines().count(), 2);
}

#[test]
fn nothing_that_a_terminal_obeys_is_printed_from_a_session() {
    let place = Place::new();
    let evil = "a\u{1b}]0;owned\u{7}b\u{9b}31mc\rd\u{202e}e\nf";
    let context = r#"{"k":"\u001b[2J","bidi":"RLO"}"#.replace("RLO", "\u{202e}\u{9b}");
    place.says(&[
        "start",
        evil,
        "--id",
        "a",
        "--mode",
        evil,
        "--user",
        evil,
        "--context",
        &context,
    ]);
    place.says(&["fail", "a", evil]);
    let is_obeyed = |char: char| {
        (char.is_control() && char != '\n' && char != '\t')
            || ('\u{202a}'..='\u{202e}').contains(&char)
    };
    for args in [&["list"][..], &["show", "a"], &["events", "a"], &["stats"]] {
        let printed = place.says(args);
        assert!(!printed.contains(is_obeyed), "{args:?} {printed:?}");
        assert_eq!(printed.lines().count(), printed.split('\n').count());
    }
    assert_eq!(place.says(&["list"]).lines().count(), 1);
}

#[cfg(target_os = "linux")]
#[test]
fn nor_is_it_printed_to_a_terminal_as_json() {
    let place = Place::new();
    place.says(&["start", "a\u{9b}31m\u{202e}b", "--id", "a"]);
    let shown = place.on_terminal(&["show", "a", "--json"]);
    assert!(shown.contains(r"a\u009b31m\u202eb"), "{shown:?}");
    assert!(
        place
            .says(&["show", "a", "--json"])
            .contains("a\u{9b}31m\u{202e}b")
    );
}

#[test]
fn whoever_stops_reading_is_not_complained_to() {
    let place = Place::new();
    let store = place.store();
    for number in 0..3000 {
        let params = format!(
            r#"{{"id":"s{number}","task":"{}","mode":"m"}}"#,
            "t".repeat(50)
        );
        store.perform("start", &params, 0.0);
    }
    let mut child = place.command(&["list"]).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(place.says(&["list"]).lines().count(), 3000);
    assert_eq!(
        place.says(&["list", "--limit", "1500"]).lines().count(),
        1500
    );
}

#[test]
fn by_default_sessions_are_kept_in_the_nearest_folder_upward() {
    let root = tempfile::tempdir().unwrap();
    let deep = root.path().join("repo/src/deep");
    fs::create_dir_all(&deep).unwrap();
    fs::create_dir(root.path().join("repo/.git")).unwrap();
    let list = || ended(bare(&deep, &["list"]));
    // Who only reads leaves nothing behind.
    assert_eq!((list().code, list().out.as_str()), (0, ""));
    assert!(!root.path().join("repo/.tenure").exists());

    assert_eq!(ended(bare(&deep, &["start", "t", "--id", "a"])).code, 0);
    let kept = root.path().join("repo/.tenure");
    assert_eq!(fs::read_to_string(kept.join(".gitignore")).unwrap(), "*\n");
    assert!(kept.join("tenure.db").exists());
    assert!(list().out.starts_with("a\t"));

    // A nearer one is taken instead, but not what a store of files keeps for itself.
    fs::create_dir_all(deep.join(".tenure")).unwrap();
    fs::write(deep.join(".tenure/lock"), "").unwrap();
    assert!(list().out.starts_with("a\t"));
    let nearer = root.path().join("repo/src/.tenure");
    fs::create_dir(&nearer).unwrap();
    assert_eq!(list().out, "");
    assert_eq!(ended(bare(&deep, &["start", "t", "--id", "b"])).code, 0);
    assert!(nearer.join("tenure.db").exists() && list().out.starts_with("b\t"));
}

#[test]
fn what_reads_before_it_writes_writes_to_what_is_kept() {
    let here = tempfile::tempdir().unwrap();
    let session = Place::new();
    session.says(&["start", "t", "--id", "a"]);
    fs::create_dir(here.path().join("a")).unwrap();
    let text = session.says(&["export", "a"]);
    fs::write(here.path().join("a/session.json"), text).unwrap();
    assert_eq!(ended(bare(here.path(), &["import", "."])).code, 0);
    assert!(ended(bare(here.path(), &["list"])).out.starts_with("a\t"));
    // A variable that is empty names no store.
    let mut list = bare(here.path(), &["list"]);
    list.env("TENURE_STORE", "");
    assert!(ended(list).out.starts_with("a\t"));
}

#[test]
fn outside_of_a_repository_they_are_kept_where_the_command_runs() {
    let here = tempfile::tempdir().unwrap();
    assert_eq!(ended(bare(here.path(), &["start", "t"])).code, 0);
    assert!(here.path().join(".tenure/tenure.db").exists());
}

#[test]
fn every_command_has_examples() {
    let place = Place::new();
    let mut commands = commands_in(&place.says(&["--help"]), "");
    assert!(commands.len() > 15, "{commands:?}");
    while let Some(command) = commands.pop() {
        let words: Vec<&str> = command.split(' ').collect();
        let help = place.says(&[&words, &["--help"][..]].concat());
        let examples = help.split_once("Examples:\n").map(|(_, examples)| examples);
        let shown =
            examples.is_some_and(|examples| examples.contains(&format!("tenure {command}")));
        assert!(shown, "{command}: {help}");
        let widest = help.lines().map(|line| line.chars().count()).max();
        assert!(widest <= Some(80), "{command}: {help}");
        commands.extend(commands_in(&help, &format!("{command} ")));
    }
}

/// The commands that a help text names, with what stands before them.
fn commands_in(help: &str, before: &str) -> Vec<String> {
    let (_, commands) = help.split_once("Commands:\n").unwrap_or_default();
    commands
        .lines()
        .take_while(|line| !line.is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .map(|name| format!("{before}{name}"))
        .collect()
}

#[test]
fn shells_can_complete_it() {
    for shell in ["bash", "zsh", "fish"] {
        let script = Place::new().run(&["completions", shell]).out;
        assert!(
            script.contains("tenure") && script.contains("cleanup"),
            "{shell}"
        );
    }
    let place = Place::new();
    let mut bash = std::process::Command::new("bash");
    bash.args(["-n", "/dev/stdin"]).stdin(Stdio::piped());
    let mut bash = bash.spawn().unwrap();
    let script = place.run(&["completions", "bash"]).out;
    std::io::Write::write_all(&mut bash.stdin.take().unwrap(), script.as_bytes()).unwrap();
    assert!(bash.wait().unwrap().success());
}

#[test]
fn the_variable_and_the_option_name_the_same_store() {
    let place = Place::new();
    let by_option = bare(
        place.folder.path(),
        &[
            "start",
            "t",
            "--id",
            "a",
            "--store",
            &place.url(),
            "--now",
            NOW,
        ],
    );
    assert_eq!(ended(by_option).code, 0);
    assert!(place.says(&["list"]).starts_with("a\t"));
}
