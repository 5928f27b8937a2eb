//! Options that contradict others: a command refuses an option that it would ignore.

use crate::common::Place;

/// Runs a command that must be refused because of its options. Returns what it says.
fn refused(place: &Place, args: &[&str]) -> String {
    let outcome = place.run(args);
    assert_eq!(outcome.code, 2, "{args:?}: {outcome:?}");
    outcome.err + &outcome.out
}

#[test]
fn a_named_owner_and_a_process_contradict() {
    let place = Place::new();
    let pid = std::process::id().to_string();
    for command in [
        &["lease", "acquire", "k"][..],
        &["lease", "renew", "k", "--token", "1"],
        &["lease", "release", "k"],
        &["lease", "list"],
        &["lease", "stats"],
        &["vm", "register", "v", "--zone", "z"],
        &["vm", "show"],
        &["vm", "unregister"],
    ] {
        for other in [["--owner-pid", &*pid], ["--session", "s"]] {
            let args = [command, &["--holder", "x"], &other].concat();
            let said = refused(&place, &args);
            assert!(
                said.contains(other[0]) && said.contains("--holder"),
                "{said}"
            );
        }
        refused(&place, &[command, &["--session", ""]].concat());
    }
    assert_eq!(place.run_ok(&["lease", "list"]), "");
}

#[test]
fn a_named_owner_takes_precedence_over_the_variables() {
    let place = Place::new();
    let run = |pid: &str, args: &[&str]| {
        let mut command = place.command(args);
        command.env("TENURE_OWNER_PID", pid);
        command.env("TENURE_OWNER_SESSION", "s");
        command.output().unwrap()
    };
    let own = std::process::id().to_string();
    let acquire = ["lease", "acquire", "k", "--holder", "x"];
    assert!(run(&own, &acquire).status.success());
    assert!(
        place
            .run_ok(&["lease", "list"])
            .starts_with("k\theld\tx\t-")
    );
    let of_session = run(&own, &["lease", "acquire", "j", "--json"]);
    let of_session = String::from_utf8(of_session.stdout).unwrap();
    assert!(of_session.contains(r#""holder":"s""#), "{of_session}");
    assert!(
        of_session.contains(&format!(r#""pid":{own}"#)),
        "{of_session}"
    );
    // An empty variable counts as unset, and another value is refused.
    assert!(run("", &["lease", "stats"]).status.success());
    let refused = run("x", &["lease", "stats"]);
    assert_eq!(refused.status.code(), Some(2));
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(said.contains("TENURE_OWNER_PID: expected a PID"), "{said}");
}

#[test]
fn every_limit_is_at_least_one() {
    let place = Place::new();
    let id = place.run_ok(&["start", "t"]);
    for command in [
        &["list"][..],
        &["events", &id],
        &["agent", "list"],
        &["audit"],
        &["dedup", "list"],
        &["lease", "list"],
    ] {
        for json in [&[][..], &["--json"]] {
            for limit in ["0", "-1", "x", "4294967296"] {
                let limit = format!("--limit={limit}");
                let said = refused(&place, &[command, json, &[limit.as_str()]].concat());
                assert!(said.contains("expected a number of 1 or more"), "{said}");
            }
        }
        place.run_ok(&[command, &["--limit", "1", "--json"]].concat());
    }
}

#[test]
fn an_option_that_json_ignores_or_requires_is_refused_wherever_json_is() {
    let place = Place::with_empty_store();
    for (args, option) in [
        (&["list", "--all"][..], "--all"),
        (&["agent", "list", "--all"], "--all"),
        (&["slot", "show", "T1", "plan", "--events", "3"], "--events"),
        (&["lease", "list", "--holder", "x"], "--holder"),
        (&["completions", "bash"], "completions"),
    ] {
        for args in [[&["--json"], args].concat(), [args, &["--json"]].concat()] {
            let said = refused(&place, &args);
            let expected = format!("{option}: not possible with --json");
            assert!(said.contains(&expected), "{args:?}: {said}");
        }
        let without = place.run(args);
        assert!(without.code < 2, "{args:?}: {without:?}");
    }
    for option in [["--limit", "1"], ["--cursor", "k"]] {
        let said = refused(&place, &[&["lease", "list"], &option[..]].concat());
        assert!(said.contains("possible only with --json"), "{said}");
        place.run_ok(&[&["--json", "lease", "list"], &option[..]].concat());
        place.run_ok(&[&["lease", "list", "--json"], &option[..]].concat());
    }
}

#[test]
fn an_option_that_needs_another_is_refused_beside_what_excludes_that() {
    let place = Place::new();
    let run = ["run", "--task", "t", "--add-iterations", "7", "--", "true"];
    refused(&place, &run);
    let excluding: [&[&str]; 6] = [
        &["--after", "2026-01-01"],
        &["--before", "2026-01-01"],
        &["--kind", "dedup"],
        &["--subject", "s"],
        &["--limit", "1"],
        &["--cursor", "c"],
    ];
    for option in excluding {
        refused(&place, &[&["audit", "--dry-run"], option].concat());
    }
    let excluding: [&[&str]; 5] = [
        &["--max-age", "1d"],
        &["--measure", "updated"],
        &["--status", "completed"],
        &["--permanent"],
        &["--trash"],
    ];
    for option in excluding {
        refused(
            &place,
            &[&["cleanup", "--keep-audit", "90d"], option].concat(),
        );
    }
}

#[test]
fn a_command_without_the_store_of_a_command_refuses_one() {
    let place = Place::new();
    for args in [
        &["copy", "memory:", "file:./b"][..],
        &["completions", "bash"],
        &["dedup", "self-test"],
        &["hook", "--test"],
        &["hook", "event", "--test"],
    ] {
        for store in [&["--store", "memory:"][..], &["--store=memory:"]] {
            let said = refused(&place, &[args, store].concat());
            assert!(said.contains("--store: not possible here"), "{said}");
        }
        // The variable is for all commands.
        let outcome = place.command(args).env("TENURE_STORE", "memory:").output();
        assert!(outcome.unwrap().status.success(), "{args:?}");
    }
}

#[test]
fn the_test_of_the_hooks_has_a_policy_of_its_own() {
    let place = Place::new();
    for (hook, option) in [
        ("pre-delegate", ["--idle", "2h"]),
        ("pre-delegate", ["--max-errors", "1"]),
        ("subagent-stop", ["--finalize", "always"]),
        ("event", ["--idle", "2h"]),
        ("event", ["--finalize", "always"]),
    ] {
        let said = refused(&place, &[&["hook", hook, "--test"], &option[..]].concat());
        let expected = format!("{}: not possible with --test", option[0]);
        assert!(said.contains(&expected), "{said}");
    }
}

#[test]
fn options_of_other_runs_are_refused() {
    let place = Place::new();
    let said = refused(&place, &["dedup", "clear", "--ended", "--force"]);
    assert!(said.contains("--force"), "{said}");
    let said = refused(&place, &["dedup", "cleanup", "k", "--run-attempt", "2"]);
    assert!(said.contains("--run-attempt: expected the run"), "{said}");
    let attempt = ["--run-id", "1", "--run-attempt", "2"];
    let cleaned = place.run(&[&["dedup", "cleanup", "k"], &attempt[..]].concat());
    assert_eq!(cleaned.code, 0, "{cleaned:?}");
}

#[test]
fn the_file_of_a_day_is_named_as_json() {
    let place = Place::with_empty_store();
    let args = ["dedup", "log", "--out", "audit", "--json"];
    let path = place.run_ok(&args);
    let path: String = serde_json::from_str(&path).unwrap();
    assert!(
        path.starts_with("audit") && path.ends_with(".json"),
        "{path}"
    );
}

#[test]
fn standard_input_is_read_by_one_argument() {
    let place = Place::new();
    let id = place.run_ok(&["agent", "create", "--agent", "a"]);
    for args in [
        &["agent", "update", &id, "--error", "-", "--summary", "-"][..],
        &["start", "-", "--context", "-"],
        &["import", "-", "-"],
    ] {
        let outcome = place.run_with(args, "{}");
        assert_eq!(outcome.code, 2, "{args:?}: {outcome:?}");
    }
    let twice = ["agent", "update", &id, "--error", "-", "--summary", "-"];
    let outcome = place.run_with(&twice, "text");
    assert!(
        outcome
            .err
            .contains("--summary: standard input is read by another"),
        "{outcome:?}"
    );
}

#[test]
fn an_import_says_that_it_did_not_check_a_token() {
    let place = Place::new();
    let note = "no session was written, so the token was not checked";
    let folder = place.folder.path().join("old/s");
    std::fs::create_dir_all(&folder).unwrap();
    let session =
        r#"{"id":"s","mode":"m","task":"t","status":"active","createdAt":0,"updatedAt":0}"#;
    std::fs::write(folder.join("session.json"), session).unwrap();
    place.run_ok(&["import", "old"]);
    let outcome = place.run(&["import", "old", "--token", "7"]);
    assert_eq!(outcome.code, 0, "{outcome:?}");
    assert!(outcome.err.contains(note), "{outcome:?}");
    let outcome = place.run(&["import", "old"]);
    assert!(!outcome.err.contains(note), "{outcome:?}");
}
