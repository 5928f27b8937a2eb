//! What all commands share: arguments, the environment, the default store, exit codes and safe output.

use std::fs;

use crate::common::{NOW, Place, bare, output_of};

#[test]
fn start_prints_only_the_id() {
    let place = Place::new();
    let id = place.run_ok(&["start", "Fix the login page", "--mode", "developer"]);
    assert!(id.starts_with("session_"), "{id}");
    assert_eq!(place.run_ok(&["list"]).lines().count(), 1);
    assert!(place.run_ok(&["show", &id]).contains("Fix the login page"));
}

#[test]
fn an_idempotency_key_means_the_same_to_the_command_and_to_other_hosts() {
    let place = Place::new();
    let context = r#"{ "n": 1e400 }"#;
    let start = [
        "start",
        "a \"t\"",
        "--idempotency-key",
        "k",
        "--user",
        "ünï",
        "--max-iterations",
        "5",
        "--context",
        context,
        "--paused",
        "--parent",
        "p",
    ];
    let id = place.run_ok(&start);
    assert_eq!(place.run_ok(&start), id);
    let params = |task: &str| {
        format!(
            r#"{{"parentId":"p","idempotencyKey":"k","paused":true,"context":{context},"maxIterations":5,"userId":"ünï","mode":"agent","task":{task}}}"#
        )
    };
    let repeated = place.store().perform("start", &params(r#""a \"t\"""#), 0.0);
    assert!(
        repeated.contains(&format!(r#"{{"id":"{id}""#)),
        "{repeated}"
    );
    let other = place.store().perform("start", &params(r#""other""#), 0.0);
    assert!(other.contains("IDEMPOTENCY_MISMATCH"), "{other}");
    let other = place.run(&["start", "other", "--idempotency-key", "k"]);
    assert_eq!(other.code, 1, "{other:?}");

    let create = [
        "agent",
        "create",
        "--agent",
        "builder",
        "--metadata",
        context,
        "--idempotency-key",
        "a",
    ];
    let id = place.run_ok(&create);
    let params = format!(r#"{{"agentName":"builder","metadata":{context},"idempotencyKey":"a"}}"#);
    let repeated = place.store().perform("agentCreate", &params, 0.0);
    assert!(
        repeated.contains(&format!(r#"{{"id":"{id}""#)),
        "{repeated}"
    );
}

#[test]
fn texts_and_json_may_come_from_standard_input_and_files() {
    let place = Place::new();
    let file = place.folder.path().join("state.json");
    fs::write(&file, "{ \"n\": 1e400 }").unwrap();
    let context = format!("@{}", file.display());
    let args = ["start", "-", "--id", "a", "--context", &context];
    let output = place.run_with(&args, "line one\nline two\n");
    assert_eq!(output.code, 0, "{}", output.err);
    let session = place.run_ok(&["show", "a", "--json"]);
    assert!(
        session.contains(r#""task":"line one\nline two""#),
        "{session}"
    );
    assert!(session.contains(r#""context":{ "n": 1e400 }"#), "{session}");
    assert_eq!(place.run_with(&["complete", "a", "-"], "all\r\n").code, 0);
    assert!(
        place
            .run_ok(&["show", "a", "--json"])
            .contains(r#""result":"all""#)
    );
}

#[test]
fn a_byte_order_mark_is_read_by_every_way_in() {
    let place = Place::new();
    let marked = |text: &str| format!("\u{feff}{text}");
    let file = place.folder.path().join("state.json");
    fs::write(&file, marked(r#"{"n":1}"#)).unwrap();
    let context = format!("@{}", file.display());
    let start = ["start", "-", "--id", "a", "--context", &context];
    assert_eq!(place.run_with(&start, &marked("task\n")).code, 0);
    let text = place.run_ok(&["export", "a"]);
    assert!(text.contains(r#""task":"task","#), "{text}");
    assert!(text.contains(r#""context":{"n":1}"#), "{text}");
    let note = ["event", "add", "a", "note", "-"];
    assert_eq!(place.run_with(&note, &marked("{}")).code, 0);

    // Exported sessions, from standard input, a file and a folder.
    let text = place.run_ok(&["export", "a"]);
    fs::write(place.folder.path().join("exported.json"), marked(&text)).unwrap();
    let folder = place.folder.path().join("sessions/a");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("session.json"), marked(&text)).unwrap();
    for (path, stdin) in [
        ("-", marked(&text)),
        ("exported.json", String::new()),
        ("sessions", String::new()),
    ] {
        place.run_ok(&["rm", "--permanent", "a"]);
        let imported = place.run_with(&["import", path], &stdin);
        assert!(
            imported.out.starts_with("1 session imported"),
            "{path} {imported:?}"
        );
        assert_eq!(place.run_ok(&["export", "a"]), text, "{path}");
    }

    // A session as text, as other hosts pass it.
    let params = serde_json::json!({ "text": marked(&text) }).to_string();
    for operation in ["import", "save"] {
        let reply = place.store().perform(operation, &params, 0.0);
        assert!(reply.starts_with(r#"{"ok":{"id":"a""#), "{reply}");
    }
}

#[test]
fn the_clock_can_be_overridden() {
    let place = Place::new();
    place.run_ok(&["start", "t", "--id", "a"]);
    let session = place.run_ok(&["show", "a", "--json"]);
    assert!(
        session.contains(r#""createdAt":"2026-01-08T18:05:30.000Z""#),
        "{session}"
    );
    let later = place.run_ok(&["show", "a", "--now", "2026-01-08T20:05:30Z"]);
    assert!(later.contains("2h ago"), "{later}");
}

#[test]
fn exit_codes_distinguish_refusal_usage_and_store_failure() {
    let place = Place::new();
    place.run_ok(&["start", "t", "--id", "a"]);
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
    let output = Place::with_empty_store().run(&["pause", "nobody", "--json"]);
    assert_eq!(
        output.out.trim_end(),
        r#"{"error":{"code":"SESSION_NOT_FOUND","message":"there is no session nobody","details":{"id":"nobody"}}}"#
    );
    assert_eq!((output.code, output.err.as_str()), (1, ""));
}

#[test]
fn a_refused_session_does_not_block_the_others() {
    let place = Place::new();
    for id in ["a", "b"] {
        place.run_ok(&["start", "t", "--id", id]);
    }
    let output = place.run(&["rm", "a", "nobody", "b"]);
    assert_eq!(output.code, 1);
    assert!(output.err.contains("nobody"), "{}", output.err);
    assert_eq!(
        place.run_ok(&["list", "--trash", "only"]).lines().count(),
        2
    );
}

#[test]
fn sessions_are_selected_by_the_iterations_that_they_have_used() {
    let place = Place::new();
    for id in ["none", "two"] {
        place.run_ok(&["start", "t", "--id", id]);
    }
    for _ in 0..2 {
        place.run_ok(&["iterate", "two"]);
    }
    let bounds = ["--min-iterations", "2", "--max-iterations", "2"];
    let listed = place.run_ok(&[&["list"], &bounds[..]].concat());
    assert!(listed.starts_with("two\t"), "{listed}");
    assert_eq!(listed.lines().count(), 1);
    let counted = place.run_ok(&["stats", "--json", "--max-iterations", "1"]);
    assert!(counted.starts_with(r#"{"total":1,"#), "{counted}");
    assert_eq!(place.run(&["list", "--min-iterations", "-1"]).code, 2);
}

#[test]
fn control_characters_of_a_session_are_not_printed() {
    let place = Place::new();
    let evil = "a\u{1b}]0;owned\u{7}b\u{9b}31mc\rd\u{202e}e\nf";
    let context = r#"{"k":"\u001b[2J","bidi":"RLO"}"#.replace("RLO", "\u{202e}\u{9b}");
    place.run_ok(&[
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
    place.run_ok(&["fail", "a", evil]);
    let is_obeyed = |char: char| {
        (char.is_control() && char != '\n' && char != '\t')
            || ('\u{202a}'..='\u{202e}').contains(&char)
    };
    for args in [&["list"][..], &["show", "a"], &["events", "a"], &["stats"]] {
        let printed = place.run_ok(args);
        assert!(!printed.contains(is_obeyed), "{args:?} {printed:?}");
        assert_eq!(printed.lines().count(), printed.split('\n').count());
    }
    assert_eq!(place.run_ok(&["list"]).lines().count(), 1);
}

#[cfg(target_os = "linux")]
#[test]
fn control_characters_in_json_are_escaped_on_a_terminal() {
    let place = Place::new();
    place.run_ok(&["start", "a\u{9b}31m\u{202e}b", "--id", "a"]);
    let shown = place.on_terminal(&["show", "a", "--json"]);
    assert!(shown.contains(r"a\u009b31m\u202eb"), "{shown:?}");
    assert!(
        place
            .run_ok(&["show", "a", "--json"])
            .contains("a\u{9b}31m\u{202e}b")
    );
}

#[test]
fn a_reader_that_closes_the_pipe_is_no_failure() {
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
    assert_eq!(place.run_ok(&["list"]).lines().count(), 3000);
    assert_eq!(
        place.run_ok(&["list", "--limit", "1500"]).lines().count(),
        1500
    );
}

#[test]
fn the_default_store_is_in_the_nearest_folder_upwards() {
    let root = tempfile::tempdir().unwrap();
    let deep = root.path().join("repo/src/deep");
    fs::create_dir_all(&deep).unwrap();
    fs::create_dir(root.path().join("repo/.git")).unwrap();
    let list = || output_of(bare(&deep, &["list"]));
    // A command that only reads creates nothing.
    assert_eq!((list().code, list().out.as_str()), (0, ""));
    assert!(!root.path().join("repo/.tenure").exists());

    assert_eq!(output_of(bare(&deep, &["start", "t", "--id", "a"])).code, 0);
    let created = root.path().join("repo/.tenure");
    assert_eq!(
        fs::read_to_string(created.join(".gitignore")).unwrap(),
        "*\n"
    );
    assert!(created.join("tenure.db").exists());
    assert!(list().out.starts_with("a\t"));

    // A nearer folder takes precedence, unless it is the lock folder of a file store.
    fs::create_dir_all(deep.join(".tenure")).unwrap();
    fs::write(deep.join(".tenure/lock"), "").unwrap();
    assert!(list().out.starts_with("a\t"));
    let nearer = root.path().join("repo/src/.tenure");
    fs::create_dir(&nearer).unwrap();
    assert_eq!(list().out, "");
    assert_eq!(output_of(bare(&deep, &["start", "t", "--id", "b"])).code, 0);
    assert!(nearer.join("tenure.db").exists() && list().out.starts_with("b\t"));
}

#[test]
fn a_command_that_reads_before_it_writes_creates_the_default_store() {
    let here = tempfile::tempdir().unwrap();
    let session = Place::new();
    session.run_ok(&["start", "t", "--id", "a"]);
    fs::create_dir(here.path().join("a")).unwrap();
    let text = session.run_ok(&["export", "a"]);
    fs::write(here.path().join("a/session.json"), text).unwrap();
    assert_eq!(output_of(bare(here.path(), &["import", "."])).code, 0);
    assert!(
        output_of(bare(here.path(), &["list"]))
            .out
            .starts_with("a\t")
    );
    // An empty variable counts as unset.
    let mut list = bare(here.path(), &["list"]);
    list.env("TENURE_STORE", "");
    assert!(output_of(list).out.starts_with("a\t"));
}

#[test]
fn outside_of_a_repository_the_default_store_is_in_the_working_directory() {
    let here = tempfile::tempdir().unwrap();
    assert_eq!(output_of(bare(here.path(), &["start", "t"])).code, 0);
    assert!(here.path().join(".tenure/tenure.db").exists());
}

#[test]
fn every_command_has_examples() {
    let place = Place::new();
    for command in all_commands() {
        let help = help_of(&place, &command);
        let examples = help.split_once("Examples:\n").map(|(_, examples)| examples);
        let shown =
            examples.is_some_and(|examples| examples.contains(&format!("tenure {command}")));
        assert!(shown, "{command}: {help}");
        let widest = help.lines().map(|line| line.chars().count()).max();
        assert!(widest <= Some(80), "{command}: {help}");
    }
}

#[test]
fn the_lines_of_help_texts_are_full_on_any_terminal() {
    /// Help texts are at most this wide.
    const MAX: usize = 80;
    /// What may be left of a line that breaks before a long word.
    const LEFT: usize = 3;
    let place = Place::new();
    for command in [vec![String::new()], all_commands()].concat() {
        let words: Vec<&str> = command.split_whitespace().collect();
        for columns in ["80", "120"] {
            let mut help = place.command(&[&words, &["--help"][..]].concat());
            help.env("COLUMNS", columns);
            let help = output_of(help).out;
            let (prose, _) = help.split_once("Examples:\n").unwrap();
            let lines: Vec<&str> = prose.lines().collect();
            for pair in lines.windows(2) {
                let (line, next) = (pair[0], pair[1]);
                let is_prose = |line: &str| !line.is_empty() && !line.starts_with([' ', '\t']);
                let is_title = line.ends_with(':') || line.starts_with("Usage: ");
                let next_word = next.split(' ').next().unwrap_or_default();
                let used = line.chars().count();
                assert!(used <= MAX, "{command} at {columns}: {line}");
                if is_prose(line) && is_prose(next) && !is_title {
                    let fits = used + 1 + next_word.chars().count() + LEFT <= MAX;
                    assert!(!fits, "{command} at {columns}: {line}\n{next}");
                }
            }
        }
    }
}

/// The help text of a command.
fn help_of(place: &Place, command: &str) -> String {
    let words: Vec<&str> = command.split_whitespace().collect();
    place.run_ok(&[&words, &["--help"][..]].concat())
}

/// All commands, and the commands in them, such as `lease acquire`.
pub(crate) fn all_commands() -> Vec<String> {
    let place = Place::new();
    let mut commands = commands_in(&help_of(&place, ""), "");
    let mut at = 0;
    while let Some(command) = commands.get(at).cloned() {
        commands.extend(commands_in(
            &help_of(&place, &command),
            &format!("{command} "),
        ));
        at += 1;
    }
    assert!(at > 50, "{commands:?}");
    commands
}

/// The commands that a help text lists, with a prefix.
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
    assert_eq!(output_of(by_option).code, 0);
    assert!(place.run_ok(&["list"]).starts_with("a\t"));
}
