//! The commands `tenure agent`, as scripts around agents use them, and as people see them.

use crate::common::{Ended, Place, plain};
use snapbox::data::Inline;
use snapbox::{Assert, IntoData, str};

const NO: i32 = 1;
const MISUSED: i32 = 2;

#[track_caller]
fn held(printed: impl IntoData, snapshot: Inline) {
    let assert = Assert::new().normalize_paths(false);
    assert.action_env("SNAPSHOTS").eq(printed, snapshot);
}

/// The command at another time than the present of the tests.
fn at(place: &Place, time: &str, args: &[&str]) -> Ended {
    let now = format!("2026-01-08T{time}Z");
    place.run(&[args, &["--now", &now]].concat())
}

fn create(place: &Place, id: &str) {
    let args = ["agent", "create", "--agent", "builder", "--id", id];
    assert_eq!(place.says(&args), id);
}

/// A store with agents of several kinds, under ids that stay the same.
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
        let ended = at(&place, time, &[&["agent"], args].concat());
        assert_eq!((ended.code, &*ended.err), (0, ""), "{args:?}");
    }
    // A session that is no agent's is in no list of agents.
    place.says(&["start", "Something else"]);
    place
}

#[test]
fn create_prints_an_id_that_says_when() {
    let place = Place::new();
    let id = place.says(&["agent", "create", "--agent", "builder"]);
    let end = id.strip_prefix("agent-20260108-180530-").unwrap();
    assert!(
        end.len() == 8 && end.bytes().all(|byte| byte.is_ascii_hexdigit()),
        "{id}"
    );
    let other = place.says(&["agent", "create", "--agent", "builder"]);
    assert_ne!(id, other);
    let args = ["agent", "create", "--agent", "b", "--idempotency-key", "k"];
    assert_eq!(place.says(&args), place.says(&args));
}

#[test]
fn an_agent_is_shown_as_the_json_that_scripts_read() {
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
    held(
        place.says(&["agent", "get", "agent-1"]),
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
    let line = place.says(&["agent", "get", "agent-1", "--json"]);
    assert!(!line.contains('\n') && line.contains(metadata), "{line}");
}

#[test]
fn should_resume_says_why_and_exits_with_the_answer() {
    let place = Place::new();
    create(&place, "a");
    let asked = |args: &[&str]| {
        let ended = place.run(&[&["agent", "should-resume", "a"], args].concat());
        let reason = ended.out.split(": ").nth(1).unwrap().to_owned();
        (ended.code, reason)
    };
    let told = |args: &[&str]| drop(place.says(&[&["agent", "update", "a"], args].concat()));
    let no = |reason: &str| (NO, reason.to_owned());
    let yes = (0, "resumable".to_owned());
    assert_eq!(asked(&[]), no("phase_not_resumable"));
    told(&["--phase", "approval", "--not-ready"]);
    assert_eq!(asked(&[]), no("not_ready"));
    told(&["--phase", "planning"]);
    assert_eq!(asked(&[]), yes);
    // The last moment, and the first that is too late.
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
        told(&["--error", error]);
    }
    assert_eq!(asked(&[]), no("too_many_errors"));
    assert_eq!(asked(&["--max-errors", "4"]), yes);
    told(&["--phase", "completed"]);
    assert_eq!(asked(&[]), no("finished"));

    let unknown = place.run(&["agent", "should-resume", "b", "--json"]);
    assert_eq!(unknown.code, NO);
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
        MISUSED
    );
}

#[test]
fn a_list_that_no_terminal_reads_can_be_counted() {
    let place = filled();
    let lines = |args: &[&str]| {
        let out = place.says(&[&["agent", "list"], args].concat());
        out.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    held(
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
fn the_pages_of_json_go_on_where_they_ended() {
    let place = filled();
    let mut ids = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let mut args = vec!["agent", "list", "--json", "--limit", "3"];
        if let Some(cursor) = &cursor {
            args.extend(["--cursor", cursor]);
        }
        let page: serde_json::Value = serde_json::from_str(&place.says(&args)).unwrap();
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
    held(
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
    let nothing = Place::new().on_terminal(&["agent", "list"]);
    assert_eq!(plain(&nothing), "No agents.\n");
}

#[test]
fn what_became_of_an_agent_is_told_in_one_line() {
    let place = Place::new();
    create(&place, "a");
    let mut told = String::new();
    let steps: [&[&str]; 8] = [
        &["update", "a", "--phase", "planning"],
        &[
            "update",
            "a",
            "--metadata",
            r#"{"plan":"p.json"}"#,
            "--not-ready",
        ],
        &["request-approval", "a", "--reason", "May I?"],
        &["approve", "a", "--by", "ada"],
        &["finalize", "a", "completed", "--summary", "Good"],
        &["finalize", "a", "completed"],
        &["finalize", "a", "failed"],
        &["update", "a", "--phase", "planning"],
    ];
    for step in steps {
        let Ended { code, out, err } = place.run(&[&["agent"], step].concat());
        told += &format!("{code} {out}{err}");
    }
    held(
        told,
        str![[r#"
0 a is in phase planning, ready to be resumed
0 a is in phase planning
0 a is in phase approval, ready to be resumed
0 a is in phase approval, ready to be resumed
0 a is in phase completed
0 a is in phase completed
1 tenure: the phase of agent a is completed: it is final and leads to no other; create a new agent, or fork this one
1 tenure: the phase of agent a is completed: it is final and leads to no other; create a new agent, or fork this one

"#]],
    );
}

#[test]
fn an_agent_that_nobody_knows_is_refused() {
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
        let ended = place.run(&args);
        assert_eq!((ended.code, &*ended.out), (NO, ""), "{args:?}");
        assert!(ended.err.contains('b'), "{args:?}: {}", ended.err);
        let json = place.run(&[&args[..], &["--json"]].concat());
        assert_eq!(json.code, NO, "{args:?}");
        serde_json::from_str::<serde_json::Value>(&json.out).unwrap();
    }
    // What cannot be meant is not understood.
    for command in [
        ["update", "a", "--phase", "Planning"],
        ["finalize", "a", "planning", "--json"],
    ] {
        let args = [&["agent"], &command[..]].concat();
        assert_eq!(place.run(&args).code, MISUSED, "{args:?}");
    }
}

#[test]
fn cleanup_takes_those_that_were_idle_for_so_many_hours() {
    let place = filled();
    let cleaned = |now: &str, args: &[&str]| {
        let args = [&["agent", "cleanup", "--now", now], args].concat();
        let Ended { code, out, err } = place.run(&args);
        assert_eq!(code, 0, "{err}");
        (out.lines().count(), err)
    };
    let soon = "2026-01-09T17:00:59.999Z";
    let (count, said) = cleaned(soon, &["--dry-run"]);
    assert_eq!(
        (count, &*said),
        (1, "tenure: 1 session would be put into the trash\n")
    );
    assert_eq!(cleaned(soon, &[]).0, 1);
    assert_eq!(cleaned("2026-01-09T17:01:00Z", &["--hours", "24"]).0, 1);
    assert_eq!(cleaned("2026-01-09T18:00:00Z", &["--hours", "1"]).0, 2);
    assert_eq!(place.says(&["agent", "list"]), "");
    assert_eq!(place.says(&["list", "--trash", "only"]).lines().count(), 4);
}

#[test]
fn statistics_stand_beside_their_targets() {
    let place = filled();
    let shown = plain(&place.on_terminal(&["agent", "stats"]));
    // How much of the disk it takes is not for a snapshot.
    let shown: Vec<_> = shown
        .lines()
        .filter(|line| !line.starts_with("On the disk"))
        .collect();
    held(
        shown.join("\n"),
        str![[r#"
Agents          4, 2 not ended
  planning      1
  executing     1
  completed     1
  abandoned     1
Created         4.0 a day
Resumed         0 of 0 times
Last cleanup    never

MEASURE        VALUE       TARGET        
resumed        -           > 60.0 %      
well resumed   -           > 80.0 %      
median length  2 min 0 s   < 5 min 0 s   ok
95 % within    10 min 0 s  < 30 min 0 s  ok
with errors    25.0 %      < 10.0 %      missed
kept texts     586 B       < 100.0 MB    ok

SESSIONS  AGENT
2         deployer
1         a-name-that-is-too-long-for-it
1         reviewer
"#]],
    );
    assert!(place.says(&["agent", "stats"]).contains("\nOn the disk "));
    let json = place.says(&["agent", "stats", "--agent", "deployer", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["byAgent"], serde_json::json!({"deployer": 2}));
    let nothing = Place::new();
    assert_eq!(nothing.run(&["agent", "stats"]).code, 0);
}

#[test]
fn the_help_of_the_group_fits_a_page() {
    held(
        Place::new().run(&["agent", "--help"]).out,
        str![[r#"
Follow agents through their phases, and ask whether to resume them

Usage: tenure agent [OPTIONS] <COMMAND>

Commands:
  create            Create an agent's session and print its id
  update            Set the phase of an agent, and what else it says of its work
  should-resume     Say whether to resume an agent: exit code 0 for yes, 1 for
                    no
  get               Print an agent's state as JSON
  finalize          End the work of an agent
  list              List agents, newest first
  cleanup           Put agents that have been idle for long into the trash
  stats             Show how agents have done, beside what they should
  request-approval  Pause an agent until somebody approves of what it is about
                    to do
  approve           Approve of what an agent waits for
  deny              Deny what an agent waits for, which ends its work

Options:
  -h, --help  Print help

Global options:
      --store <URL>        Where sessions are kept: sqlite:FILE, file:FOLDER or
                           registry: [env: TENURE_STORE]
      --json               Print results as JSON, for programs
      --now <TIME>         Act as if it were this moment, such as
                           2026-01-08T18:05:30Z
      --models <NAME,...>  The models that there are: the sessions of others
                           take no changes [env: TENURE_MODELS]

An agent is a session that has a phase: initializing, investigating, planning,
approval, executing, validating, and at the end completed, failed or abandoned.

Examples:
  id=$(tenure agent create --agent deployer --purpose "Roll out 2.1")
  tenure agent update $id --phase planning --metadata '{"plan":"p.json"}'
  tenure agent request-approval $id --reason "Touches production"
  tenure agent should-resume $id && echo "go on"
  tenure agent finalize $id completed --summary "Rolled out"

"#]],
    );
    held(
        Place::new().run(&["agent", "should-resume", "--help"]).out,
        str![[r#"
Say whether to resume an agent: exit code 0 for yes, 1 for no

Usage: tenure agent should-resume [OPTIONS] <ID>

Arguments:
  <ID>  The agent's session

Options:
      --idle <TIME>     Not when it has been idle this long: 30m by default
      --max-errors <N>  Not when it has met this many errors: 3 by default
  -h, --help            Print help

Global options:
      --store <URL>        Where sessions are kept: sqlite:FILE, file:FOLDER or
                           registry: [env: TENURE_STORE]
      --json               Print results as JSON, for programs
      --now <TIME>         Act as if it were this moment, such as
                           2026-01-08T18:05:30Z
      --models <NAME,...>  The models that there are: the sessions of others
                           take no changes [env: TENURE_MODELS]

The reason is printed: resumable, or else not_found, unreadable, finished,
phase_not_resumable, not_ready, too_many_errors or idle_too_long.

Examples:
  if tenure agent should-resume $id; then echo "go on"; fi
  tenure agent should-resume $id --idle 2h --max-errors 5
  tenure agent should-resume $id --json | jq -r .reason

"#]],
    );
}
