//! The commands `tenure agent`: exit codes, JSON, lists and help.

use crate::common::{CommandOutput, Place, assert_snapshot, plain};
use snapbox::str;

const REFUSED: i32 = 1;
const USAGE: i32 = 2;

/// The command with another clock override than [`NOW`](crate::common::NOW).
fn at(place: &Place, time: &str, args: &[&str]) -> CommandOutput {
    let now = format!("2026-01-08T{time}Z");
    place.run(&[args, &["--now", &now]].concat())
}

fn create(place: &Place, id: &str) {
    let args = ["agent", "create", "--agent", "builder", "--id", id];
    assert_eq!(place.run_ok(&args), id);
}

/// A store with agents in several phases, under fixed ids.
fn filled() -> Place {
    let place = Place::new();
    let steps: [(&str, &[&str]); 9] = [
        (
            "16:00:00",
            &[
                "create",
                "--agent",
                "deployer",
                "--id",
                "agent-1",
                "--purpose",
                "Roll\nout",
            ],
        ),
        (
            "16:10:00",
            &["finalize", "agent-1", "completed", "--summary", "Done"],
        ),
        (
            "17:00:00",
            &[
                "create",
                "--agent",
                "deployer",
                "--id",
                "agent-2",
                "--purpose",
                "Roll back",
            ],
        ),
        (
            "17:01:00",
            &[
                "update",
                "agent-2",
                "--error",
                "No cluster",
                "--phase",
                "executing",
            ],
        ),
        (
            "18:00:00",
            &[
                "create",
                "--agent",
                "reviewer",
                "--id",
                "agent-3",
                "--purpose",
                "日本語",
            ],
        ),
        ("18:01:00", &["update", "agent-3", "--phase", "planning"]),
        (
            "18:02:00",
            &[
                "create",
                "--agent",
                "a-name-that-is-too-long-for-it",
                "--id",
                "agent-4",
            ],
        ),
        (
            "18:03:00",
            &[
                "request-approval",
                "agent-4",
                "--reason",
                "Touches production",
            ],
        ),
        ("18:04:00", &["deny", "agent-4", "--by", "ada"]),
    ];
    for (time, args) in steps {
        let output = at(&place, time, &[&["agent"], args].concat());
        assert_eq!((output.code, &*output.err), (0, ""), "{args:?}");
    }
    // A session without a phase is not listed among the agents.
    place.run_ok(&["start", "Something else"]);
    place
}

#[test]
fn create_prints_an_id_with_the_time() {
    let place = Place::new();
    let id = place.run_ok(&["agent", "create", "--agent", "builder"]);
    let end = id.strip_prefix("agent-20260108-180530-").unwrap();
    assert!(
        end.len() == 8 && end.bytes().all(|byte| byte.is_ascii_hexdigit()),
        "{id}"
    );
    let other = place.run_ok(&["agent", "create", "--agent", "builder"]);
    assert_ne!(id, other);
    let args = ["agent", "create", "--agent", "b", "--idempotency-key", "k"];
    assert_eq!(place.run_ok(&args), place.run_ok(&args));
}

#[test]
fn an_agent_is_printed_as_the_json_that_scripts_expect() {
    let place = Place::new();
    let metadata = r#"{"task_id":"T001","n":1e400,"tags":["b","a"]}"#;
    let create = ["agent", "create", "--agent", "builder", "--id", "agent-1"];
    at(
        &place,
        "18:00:00",
        &[
            &create[..],
            &["--purpose", "p\n\"q\"", "--metadata", metadata],
        ]
        .concat(),
    );
    at(
        &place,
        "18:01:00.999",
        &["agent", "update", "agent-1", "--phase", "investigating"],
    );
    at(
        &place,
        "18:02:00",
        &["agent", "update", "agent-1", "--error", "It\nfails"],
    );
    at(
        &place,
        "18:03:00",
        &["agent", "finalize", "agent-1", "failed", "--summary", "No"],
    );
    assert_snapshot(
        place.run_ok(&["agent", "get", "agent-1"]),
        str![[r#"
{
  "agent_id": "agent-1",
  "agent_name": "builder",
  "purpose": "p\n\"q\"",
  "created_at": "2026-01-08T18:00:00Z",
  "last_updated": "2026-01-08T18:03:00Z",
  "phase": "failed",
  "metadata": {"task_id":"T001","n":1e400,"tags":["b","a"]},
  "resume_ready": false,
  "history": [
    {
      "from_phase": "initializing",
      "to_phase": "investigating",
      "timestamp": "2026-01-08T18:01:00Z"
    },
    {
      "from_phase": "investigating",
      "to_phase": "failed",
      "timestamp": "2026-01-08T18:03:00Z"
    }
  ],
  "error_count": 1,
  "last_error": {
    "message": "It\nfails",
    "timestamp": "2026-01-08T18:02:00Z"
  },
  "finalized_at": "2026-01-08T18:03:00Z",
  "duration_seconds": 180.0,
  "summary": "No"
}
"#]],
    );
    let line = place.run_ok(&["agent", "get", "agent-1", "--json"]);
    assert!(!line.contains('\n') && line.contains(metadata), "{line}");
}

#[test]
fn should_resume_prints_the_reason_and_exits_with_the_decision() {
    let place = Place::new();
    create(&place, "a");
    let asked = |args: &[&str]| {
        let output = place.run(&[&["agent", "should-resume", "a"], args].concat());
        let reason = output.out.split(": ").nth(1).unwrap().to_owned();
        (output.code, reason)
    };
    let update = |args: &[&str]| drop(place.run_ok(&[&["agent", "update", "a"], args].concat()));
    let no = |reason: &str| (REFUSED, reason.to_owned());
    let yes = (0, "resumable".to_owned());
    assert_eq!(asked(&[]), no("phase_not_resumable"));
    update(&["--phase", "approval", "--not-ready"]);
    assert_eq!(asked(&[]), no("not_ready"));
    update(&["--phase", "planning"]);
    assert_eq!(asked(&[]), yes);
    // The boundary of the idle time.
    assert_eq!(asked(&["--now", "2026-01-08T18:35:29.999Z"]), yes);
    assert_eq!(
        asked(&["--now", "2026-01-08T18:35:30Z"]),
        no("idle_too_long")
    );
    assert_eq!(
        asked(&["--now", "2026-01-08T18:35:30Z", "--idle", "31m"]),
        yes
    );
    for error in ["1", "2", "3"] {
        update(&["--error", error]);
    }
    assert_eq!(asked(&[]), no("too_many_errors"));
    assert_eq!(asked(&["--max-errors", "4"]), yes);
    update(&["--phase", "completed"]);
    assert_eq!(asked(&[]), no("finished"));

    let unknown = place.run(&["agent", "should-resume", "b", "--json"]);
    assert_eq!(unknown.code, REFUSED);
    assert!(
        unknown
            .out
            .starts_with(r#"{"resume":false,"reason":"not_found","#),
        "{}",
        unknown.out
    );
    assert_eq!(
        place
            .run(&["agent", "should-resume", "a", "--idle", "soon"])
            .code,
        USAGE
    );
}

#[test]
fn a_list_without_a_terminal_is_a_line_for_each_agent() {
    let place = filled();
    let lines = |args: &[&str]| {
        let out = place.run_ok(&[&["agent", "list"], args].concat());
        out.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_snapshot(
        place.run(&["agent", "list"]).out,
        str![[r#"
agent-4	abandoned	a-name-that-is-too-long-for-it	-	0	2026-01-08T18:04:00.000Z	
agent-3	planning	reviewer	ready	0	2026-01-08T18:01:00.000Z	日本語
agent-2	executing	deployer	-	1	2026-01-08T17:01:00.000Z	Roll back
agent-1	completed	deployer	-	0	2026-01-08T16:10:00.000Z	Roll out

"#]],
    );
    assert_eq!(lines(&["--active-only"]).len(), 2);
    let deployers = lines(&["--agent", "deployer"]);
    assert_eq!(
        deployers
            .iter()
            .filter(|line| line.contains("agent-"))
            .count(),
        2
    );
    assert!(lines(&["--resumable"])[0].starts_with("agent-3\t"));
    assert_eq!(lines(&["--resumable"]).len(), 1);
    assert_eq!(lines(&["--resumable", "--idle", "4m"]).len(), 0);
    assert_eq!(lines(&["-n", "3"]).len(), 3);
    assert_eq!(lines(&["--agent", "nobody"]).len(), 0);
}

#[test]
fn json_pages_continue_at_their_cursor() {
    let place = filled();
    let mut ids = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let mut args = vec!["agent", "list", "--json", "--limit", "3"];
        if let Some(cursor) = &cursor {
            args.extend(["--cursor", cursor]);
        }
        let page: serde_json::Value = serde_json::from_str(&place.run_ok(&args)).unwrap();
        let items = page["items"].as_array().unwrap();
        ids.extend(
            items
                .iter()
                .map(|item| item["id"].as_str().unwrap().to_owned()),
        );
        match page["nextCursor"].as_str() {
            Some(next) => cursor = Some(next.to_owned()),
            None => break,
        }
    }
    assert_eq!(ids, ["agent-4", "agent-3", "agent-2", "agent-1"]);
}

#[test]
fn a_list_on_a_terminal_is_a_table_that_fits() {
    let shown = plain(&filled().on_terminal(&["agent", "list"]));
    assert_snapshot(
        &shown,
        str![[r#"
ID       PHASE      AGE  ERR  AGENT                 PURPOSE
agent-4  abandoned  1m   0    a-name-that-is-too-…  
agent-3  planning   4m   0    reviewer              日本語
agent-2  executing  1h   1    deployer              Roll back
agent-1  completed  1h   0    deployer              Roll out

"#]],
    );
    assert!(shown.lines().all(|line| line.chars().count() <= 80));
    let nothing = Place::with_empty_store().on_terminal(&["agent", "list"]);
    assert_eq!(plain(&nothing), "No agents.\n");
}

#[test]
fn a_change_of_an_agent_prints_one_line() {
    let place = Place::new();
    create(&place, "a");
    let mut transcript = String::new();
    let steps: [&[&str]; 13] = [
        &["update", "a", "--phase", "planning"],
        &[
            "update",
            "a",
            "--metadata",
            r#"{"plan":"p.json"}"#,
            "--not-ready",
        ],
        &["request-approval", "a", "--reason", "May I?"],
        &["should-resume", "a"],
        &["update", "a", "--phase", "executing"],
        &["approve", "a", "--by", "ada"],
        &["approve", "a", "--by", "ada"],
        &["deny", "a", "--by", "bob"],
        &["request-approval", "a"],
        &[
            "finalize",
            "a",
            "completed",
            "--summary",
            "Good",
            "--override",
        ],
        &["finalize", "a", "completed"],
        &["finalize", "a", "failed"],
        &["update", "a", "--phase", "planning"],
    ];
    for step in steps {
        let CommandOutput { code, out, err } = place.run(&[&["agent"], step].concat());
        transcript += &format!("{code} {out}{err}");
    }
    assert_snapshot(
        transcript,
        str![[r#"
0 a is in phase planning, ready to resume
0 a is in phase planning
0 a is in phase approval, waiting for approval
1 no: awaiting_approval: it waits for an approval
1 tenure: agent a waits for an approval; approve or deny it first, or override the request with --override
0 a is in phase approval, ready to resume
0 a is in phase approval, ready to resume
1 tenure: the request of agent a was approved by ada at 2026-01-08T18:05:30.000Z, which is final; request an approval again
0 a is in phase approval, waiting for approval
0 a is in phase completed
0 a is in phase completed
1 tenure: the phase of agent a is completed: it is final and leads to no other; create a new agent, or fork this one
1 tenure: the phase of agent a is completed: it is final and leads to no other; create a new agent, or fork this one

"#]],
    );
}

#[test]
fn an_unknown_agent_is_refused() {
    let place = Place::new();
    create(&place, "a");
    let commands: [&[&str]; 6] = [
        &["get", "b"],
        &["update", "b", "--phase", "planning"],
        &["finalize", "b", "failed"],
        &["approve", "b"],
        &["deny", "b"],
        &["request-approval", "b"],
    ];
    for command in commands {
        let args = [&["agent"], command].concat();
        let output = place.run(&args);
        assert_eq!((output.code, &*output.out), (REFUSED, ""), "{args:?}");
        assert!(output.err.contains('b'), "{args:?}: {}", output.err);
        let json = place.run(&[&args[..], &["--json"]].concat());
        assert_eq!(json.code, REFUSED, "{args:?}");
        serde_json::from_str::<serde_json::Value>(&json.out).unwrap();
    }
    // Invalid phases are refused as wrong usage.
    for command in [
        ["update", "a", "--phase", "Planning"],
        ["finalize", "a", "planning", "--json"],
    ] {
        let args = [&["agent"], &command[..]].concat();
        assert_eq!(place.run(&args).code, USAGE, "{args:?}");
    }
}

#[test]
fn cleanup_removes_agents_that_have_been_idle_for_the_given_hours() {
    let place = filled();
    let cleaned = |now: &str, args: &[&str]| {
        let args = [&["agent", "cleanup", "--now", now], args].concat();
        let CommandOutput { code, out, err } = place.run(&args);
        assert_eq!(code, 0, "{err}");
        (out.lines().count(), err)
    };
    let soon = "2026-01-09T17:00:59.999Z";
    let (count, said) = cleaned(soon, &["--dry-run"]);
    assert_eq!(
        (count, &*said),
        (1, "tenure: 1 session would be moved to the trash\n")
    );
    assert_eq!(cleaned(soon, &[]).0, 1);
    assert_eq!(cleaned("2026-01-09T17:01:00Z", &["--hours", "24"]).0, 1);
    assert_eq!(cleaned("2026-01-09T18:00:00Z", &["--hours", "1"]).0, 2);
    assert_eq!(place.run_ok(&["agent", "list"]), "");
    assert_eq!(
        place.run_ok(&["list", "--trash", "only"]).lines().count(),
        4
    );
    // The same command empties the trash in the end.
    let week = "2026-01-16T18:00:00Z";
    let (_, said) = cleaned(week, &["--dry-run"]);
    assert!(
        said.ends_with("4 sessions would be permanently removed from the trash\n"),
        "{said}"
    );
    assert_eq!(
        cleaned(week, &["--purge-after", "30d"]).1,
        "tenure: 0 sessions moved to the trash\n"
    );
    cleaned(week, &[]);
    assert_eq!(place.run_ok(&["list", "--trash", "only"]), "");
}

#[test]
fn an_agent_in_the_trash_is_marked() {
    let place = Place::new();
    let id = place.run_ok(&["agent", "create", "--agent", "a"]);
    let get = || place.run(&["agent", "get", &id]);
    assert!(!get().out.contains("deleted_at"));
    place.run(&["trash", &id]);
    let shown = get();
    assert_eq!(shown.code, 0);
    let agent: serde_json::Value = serde_json::from_str(&shown.out).unwrap();
    assert_eq!(agent["deleted_at"], "2026-01-08T18:05:30Z");
    assert!(shown.err.contains("in the trash"), "{}", shown.err);
}

#[test]
fn a_list_passes_over_a_file_that_cannot_be_read() {
    let place = Place::new();
    let url = format!("file:{}", place.folder.path().join("sessions").display());
    let run = |args: &[&str]| {
        let mut command = place.command(args);
        command.env("TENURE_STORE", &url);
        crate::common::output_of(command)
    };
    for id in ["agent-good", "agent-bad"] {
        run(&["agent", "create", "--agent", "a", "--id", id]);
    }
    let file = place.folder.path().join("sessions/agent-bad/session.json");
    std::fs::write(file, "{").unwrap();
    for args in [&["agent", "list"][..], &["list"]] {
        let listed = run(args);
        assert_eq!(
            (listed.code, listed.out.lines().count()),
            (0, 1),
            "{args:?} {listed:?}"
        );
        assert!(listed.out.starts_with("agent-good"), "{args:?}");
        assert!(listed.err.contains("agent-bad"), "{args:?}");
    }
    assert_eq!(run(&["check"]).code, 1);
}

#[test]
fn metrics_are_shown_against_their_targets() {
    let place = filled();
    let shown = plain(&place.on_terminal(&["agent", "stats"]));
    // The size on disk varies.
    let shown: Vec<_> = shown
        .lines()
        .filter(|line| !line.starts_with("size on disk"))
        .collect();
    assert_snapshot(
        shown.join("\n"),
        str![[r#"
Agents          4, 2 not finalized
  planning      1
  executing     1
  completed     1
  abandoned     1
Created         4.0 per day
Resumed         0 of 0 times
Stored text     586 B
Last cleanup    never

METRIC                VALUE       TARGET        
resumed               -           > 60.0 %      
resumed successfully  -           > 80.0 %      
median duration       2 min 0 s   < 5 min 0 s   ok
95th percentile       10 min 0 s  < 30 min 0 s  ok
error rate            25.0 %      < 10.0 %      missed

SESSIONS  AGENT
2         deployer
1         a-name-that-is-too-long-for-it
1         reviewer
"#]],
    );
    let text = place.run_ok(&["agent", "stats"]);
    let disk = text.lines().find(|line| line.starts_with("size on disk"));
    assert!(disk.unwrap().contains("< 100.0 MB"), "{text}");
    let json = place.run_ok(&["agent", "stats", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let database = std::fs::metadata(place.folder.path().join("tenure.db")).unwrap();
    assert!(json["storageBytes"]["value"].as_f64().unwrap() >= database.len() as f64);
    let json = place.run_ok(&["agent", "stats", "--agent", "deployer", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["byAgent"], serde_json::json!({"deployer": 2}));
    let nothing = Place::with_empty_store();
    assert_eq!(nothing.run(&["agent", "stats"]).code, 0);
}

#[test]
fn the_help_matches_its_snapshot() {
    assert_snapshot(
        Place::new().run(&["agent", "--help"]).out,
        str![[r#"
Track agents through their phases, and decide whether to resume them

Usage: tenure agent [OPTIONS] <COMMAND>

Commands:
  create            Create an agent's session and print its id
  update            Update an agent: its phase, metadata, errors and summary
  should-resume     Decide whether to resume an agent: exit code 0 for yes, 1
                    for no
  get               Print an agent's state as JSON
  finalize          Finalize an agent
  list              List agents, newest first
  cleanup           Move idle agents to the trash, and empty it of old ones
  stats             Show metrics of agents against their targets
  request-approval  Pause an agent and request an approval
  approve           Approve the request of an agent
  deny              Deny the request of an agent, which abandons it

Options:
  -h, --help  Print help

Global options:
      --store <URL>           The URL of the store: sqlite:FILE, file:DIR,
                              postgres://HOST/DB or registry: [env:
                              TENURE_STORE]
      --json                  Print replies as JSON
      --now <TIME>            Override the clock with this time, such as
                              2026-01-08T18:05:30Z
      --models <NAME,...>     The available models; sessions of other models
                              cannot be changed [env: TENURE_MODELS]
      --file-mode <BITS>      The permissions of new files, such as 640; 600 by
                              default [env: TENURE_FILE_MODE]
      --encryption-key <KEY>  The keys of an encrypted store: ID=file:PATH,
                              ID=env:NAME or ID=command:PROGRAM, the current one
                              first [env: TENURE_ENCRYPTION_KEY]

An agent is a session that has a phase: initializing, investigating, planning,
approval, executing, validating, and at the end completed, failed or abandoned.

Examples:
  id=$(tenure agent create --agent deployer --purpose "Roll out 2.1")
  tenure agent update $id --phase planning --metadata '{"plan":"p.json"}'
  tenure agent request-approval $id --reason "Touches production"
  tenure agent should-resume $id && echo "resume"
  tenure agent finalize $id completed --summary "Rolled out"

"#]],
    );
    assert_snapshot(
        Place::new().run(&["agent", "should-resume", "--help"]).out,
        str![[r#"
Decide whether to resume an agent: exit code 0 for yes, 1 for no

Usage: tenure agent should-resume [OPTIONS] <ID>

Arguments:
  <ID>  The agent's session id

Options:
      --idle <DURATION>  Do not resume an agent that has been idle this long:
                         30m by default
      --max-errors <N>   Do not resume an agent with this many errors: 3 by
                         default
  -h, --help             Print help

Global options:
      --store <URL>           The URL of the store: sqlite:FILE, file:DIR,
                              postgres://HOST/DB or registry: [env:
                              TENURE_STORE]
      --json                  Print replies as JSON
      --now <TIME>            Override the clock with this time, such as
                              2026-01-08T18:05:30Z
      --models <NAME,...>     The available models; sessions of other models
                              cannot be changed [env: TENURE_MODELS]
      --file-mode <BITS>      The permissions of new files, such as 640; 600 by
                              default [env: TENURE_FILE_MODE]
      --encryption-key <KEY>  The keys of an encrypted store: ID=file:PATH,
                              ID=env:NAME or ID=command:PROGRAM, the current one
                              first [env: TENURE_ENCRYPTION_KEY]

The reason is printed: resumable, not_found, unreadable, finished,
awaiting_approval, phase_not_resumable, not_ready, too_many_errors,
idle_too_long or model_missing.

Examples:
  if tenure agent should-resume $id; then echo "resume"; fi
  tenure agent should-resume $id --idle 2h --max-errors 5
  tenure agent should-resume $id --json | jq -r .reason

"#]],
    );
}
