//! The commands `tenure slot`, as scripts and people at terminals run them.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use common::{Ended, NOW, Place, ended};
use serde_json::Value;
use serde_json::value::RawValue;
use snapbox::data::Inline;
use snapbox::{Assert, IntoData, str};
use tenure_core::Timestamp;

const NO: i32 = 1;
const MISUSED: i32 = 2;

/// Holds what is printed to a snapshot. `SNAPSHOTS=overwrite` writes snapshots anew.
#[track_caller]
fn held(printed: impl IntoData, snapshot: Inline) {
    let assert = Assert::new().normalize_paths(false);
    assert.action_env("SNAPSHOTS").eq(printed, snapshot);
}

/// Starts a session of task T1 in its slot for planning.
fn plan(place: &Place, model: &str, more: &[&str]) -> Ended {
    place.run(
        &[
            &["slot", "start", "T1", "plan", "Plan it", "--model", model],
            more,
        ]
        .concat(),
    )
}

/// A place where the model opus plans T1, in the session `old`.
fn planned() -> Place {
    let place = Place::new();
    assert_eq!(plan(&place, "opus", &["--id", "old"]).code, 0);
    place
}

/// The session in the slot for planning T1.
fn planner(place: &Place) -> String {
    let latest = place.says(&["slot", "show", "T1", "plan", "--json"]);
    let latest: Value = serde_json::from_str(&latest).unwrap();
    latest["session"]["id"].as_str().unwrap().to_owned()
}

fn status(place: &Place, id: &str) -> String {
    let session: Value = serde_json::from_str(&place.says(&["show", id, "--json"])).unwrap();
    session["status"].as_str().unwrap().to_owned()
}

/// What commands print, one after the other.
fn transcript(place: &Place, commands: &[&[&str]]) -> String {
    let mut told = String::new();
    for args in commands {
        let Ended { code, out, err } = place.run(args);
        told += &format!("$ tenure {}\n{out}{err}[{code}]\n", args.join(" "));
    }
    told
}

#[test]
fn starting_says_what_came_of_it_beside_the_id() {
    let start = |model, id, more: &[&'static str]| {
        let first = [
            "slot", "start", "T1", "plan", "it", "--model", model, "--id", id,
        ];
        [&first[..], more].concat()
    };
    let told = transcript(
        &Place::new(),
        &[
            &start("opus", "first", &[]),
            &start("opus", "second", &[]),
            &start("haiku", "second", &["--on-model-change", "reject"]),
            &start("haiku", "second", &[]),
            &start("haiku", "second", &["--confirm", "first@2"]),
            &start("haiku", "second", &["--confirm", "first@1"]),
            &["show", "first", "-n", "1"],
            &["complete", "second"],
            &start("haiku", "third", &[]),
            &start("haiku", "third", &["--rerun"]),
            &["fail", "third"],
            &start("opus", "fourth", &[]),
        ],
    );
    held(
        told,
        str![[r#"
$ tenure slot start T1 plan it --model opus --id first
first
tenure: created: The session was started.
[0]
$ tenure slot start T1 plan it --model opus --id second
first
tenure: existing: This model is already at work on it. Open the session to follow its progress.
[0]
$ tenure slot start T1 plan it --model haiku --id second --on-model-change reject
tenure: rejected: Another model has begun this, and its session may not be replaced.
tenure: opus is in T1/plan: first, version 1, active, 0 of 100 iterations used, last changed 0s ago
[1]
$ tenure slot start T1 plan it --model haiku --id second
tenure: needs_confirmation: Another model has begun this. If you go on, its session is replaced, and progress that was not saved is lost; you can export it first. Replace it?
tenure: opus is in T1/plan: first, version 1, active, 0 of 100 iterations used, last changed 0s ago
tenure: to replace it: tenure slot start T1 plan it --model haiku --id second --now 2026-01-08T18:05:30Z --confirm first@1
[1]
$ tenure slot start T1 plan it --model haiku --id second --confirm first@2
tenure: busy: Somebody is changing this session right now. Wait a moment and try again.
tenure: opus is in T1/plan: first, version 1, active, 0 of 100 iterations used, last changed 0s ago
[1]
$ tenure slot start T1 plan it --model haiku --id second --confirm first@1
second
tenure: replaced: The session was started. The one before it is in the trash.
[0]
$ tenure show first -n 1
first  abandoned

  Task          it
  Mode          agent
  Slot          T1/plan
  Model         opus
  Iterations    0 of 100
  Started       2026-01-08 18:05:30 UTC, 0s ago
  Updated       2026-01-08 18:05:30 UTC, 0s ago
  Ended         2026-01-08 18:05:30 UTC, 0s ago
  In trash      2026-01-08 18:05:30 UTC, 0s ago
  Version       2

Events, the last 1 of 2
  2026-01-08
  2  18:05:30  abandoned  {"reason":"replaced by session second: model_change"}
[0]
$ tenure complete second
second is completed
[0]
$ tenure slot start T1 plan it --model haiku --id third
second
tenure: existing: This model has already finished it. Open the session to see the result, or run it again.
[0]
$ tenure slot start T1 plan it --model haiku --id third --rerun
third
tenure: replaced: The session was started. The one before it is in the trash.
[0]
$ tenure fail third
third is failed
[0]
$ tenure slot start T1 plan it --model opus --id fourth
fourth
tenure: replaced: The session was started. The one before it is in the trash.
[0]

"#]],
    );
}

#[test]
fn replacing_asks_nobody_but_heeds_what_was_seen() {
    let place = planned();
    let replace = |model: &str, more: &[&str]| {
        let args = ["slot", "replace", "T1", "plan", "it", "--model", model];
        place.run(&[&args[..], more].concat())
    };
    let stale = replace("haiku", &["--confirm", "old@7"]);
    assert_eq!((stale.code, stale.out.as_str()), (NO, ""));
    assert!(stale.err.starts_with("tenure: busy: "), "{stale:?}");
    assert_eq!(planner(&place), "old");
    let done = replace("haiku", &["--confirm", "old@1", "--id", "new"]);
    assert_eq!((done.code, done.out.as_str()), (0, "new\n"));
    assert_eq!(replace("opus", &["--id", "newer"]).out, "newer\n");
    assert_eq!(status(&place, "new"), "abandoned");
    assert_eq!(replace("opus", &[]).out, "newer\n");
}

#[test]
fn the_command_that_people_are_told_replaces_the_session() {
    let place = planned();
    let what = "it's \"new\" $HOME `x`\nand more";
    for (more, added) in [(&["--"][..], "--confirm old@1 -- "), (&[], "--confirm ")] {
        let first = [
            "slot", "start", "T1", "plan", "--now", NOW, "--model", "haiku",
        ];
        let asked = place.run(&[&first[..], more, &[what]].concat());
        assert_eq!((asked.code, asked.out.as_str()), (NO, ""));
        let (_, command) = asked.err.split_once("to replace it: ").unwrap();
        assert!(command.contains(added), "{command}");
        let mut shell = Command::new("/bin/sh");
        let folder = Path::new(env!("CARGO_BIN_EXE_tenure")).parent().unwrap();
        shell
            .args(["-c", command])
            .stdin(Stdio::null())
            .env_clear()
            .env("TENURE_STORE", place.url())
            .env("PATH", folder);
        let done = ended(shell);
        assert_eq!(done.code, 0, "{done:?}");
        let id = planner(&place);
        assert_eq!(done.out, format!("{id}\n"));
        let new: Value = serde_json::from_str(&place.says(&["show", &id, "--json"])).unwrap();
        assert_eq!(new["task"], what);
        // Back to where it was.
        place.says(&["rm", "--permanent", &id]);
        place.says(&["restore", "old"]);
        place.says(&["rm", "--permanent", "old"]);
        assert_eq!(plan(&place, "opus", &["--id", "old"]).code, 0);
    }
}

#[cfg(target_os = "linux")]
mod terminals {
    use super::*;
    use common::{plain, terminal_typing};

    /// What people see who start haiku and type something.
    fn typing(place: &Place, typed: &str, more: &[&str]) -> (i32, String) {
        let args = ["slot", "start", "T1", "plan", "it", "--model", "haiku"];
        let command = place.command(&[&args[..], &["--id", "new"], more].concat());
        let (code, shown) = terminal_typing(command, typed);
        (code, plain(&shown))
    }

    #[test]
    fn people_at_a_terminal_are_asked() {
        let place = planned();
        let (code, shown) = typing(&place, "what?\nno\n", &[]);
        assert_eq!((code, planner(&place)), (NO, "old".to_owned()));
        held(
            shown,
            str![[r#"
tenure: opus is in T1/plan: old, version 1, active, 0 of 100 iterations used, last changed 0s ago
Another model has begun this. If you go on, its session is replaced, and progress that was not saved is lost; you can export it first. Replace it? (y/N, e exports it first) Another model has begun this. If you go on, its session is replaced, and progress that was not saved is lost; you can export it first. Replace it? (y/N, e exports it first) tenure: the session stays as it is

"#]],
        );
        // Whoever says nothing, or hangs up, wants nothing replaced.
        for typed in ["\n", "\u{4}"] {
            let (code, _) = typing(&place, typed, &[]);
            assert_eq!((code, planner(&place)), (NO, "old".to_owned()), "{typed:?}");
        }
        let (code, shown) = typing(&place, "Y\n", &[]);
        assert_eq!((code, planner(&place)), (0, "new".to_owned()));
        held(
            shown,
            str![[r#"
tenure: opus is in T1/plan: old, version 1, active, 0 of 100 iterations used, last changed 0s ago
Another model has begun this. If you go on, its session is replaced, and progress that was not saved is lost; you can export it first. Replace it? (y/N, e exports it first) new
tenure: replaced: The session was started. The one before it is in the trash.

"#]],
        );
    }

    #[test]
    fn people_can_have_the_session_exported_first() {
        let place = planned();
        let before = place.says(&["export", "old"]);
        assert_eq!(typing(&place, "e\n", &[]).0, 0);
        let file = fs::read_to_string(place.folder.path().join("old.json")).unwrap();
        assert_eq!(file.trim_end(), before);
    }

    #[test]
    fn what_is_exported_anyway_is_no_choice() {
        let place = planned();
        let (code, shown) = typing(&place, "e\ny\n", &["--export-old", "kept.json"]);
        assert_eq!(code, 0, "{shown}");
        assert!(!shown.contains("exports it first"), "{shown}");
        assert!(place.folder.path().join("kept.json").exists());
        assert!(!place.folder.path().join("old.json").exists());
    }

    #[test]
    fn programs_are_not_asked() {
        let place = planned();
        let (code, shown) = typing(&place, "y\n", &["--json"]);
        assert_eq!((code, planner(&place)), (NO, "old".to_owned()));
        assert!(
            shown.contains(r#""outcome":"needs_confirmation""#),
            "{shown}"
        );
    }

    #[test]
    fn a_list_on_a_terminal_marks_models_that_are_gone() {
        let place = planned();
        place.run(&[
            "slot", "start", "T1", "run", "Build it", "--model", "haiku", "--id", "built",
        ]);
        let mut shown = String::new();
        for args in [&["slot", "list", "T1"][..], &["list", "--task-id", "T1"]] {
            shown += &plain(&place.on_terminal(&[args, &["--models", "haiku"]].concat()));
        }
        held(
            shown,
            str![[r#"
TASK  PHASE  ID     STATUS  AGE  MODEL
T1    plan   old    active  0s   opus (not found)
T1    run    built  active  0s   haiku
ID     STATUS  ITER   AGE  TASK
old    active  0/100  0s   (model not found) Plan it
built  active  0/100  0s   Build it

"#]],
        );
    }
}

#[test]
fn what_is_replaced_is_kept_in_a_file() {
    let place = planned();
    let before = place.says(&["export", "old"]);
    let kept = place.folder.path().join("kept.json");
    fs::write(&kept, "something else").unwrap();
    let args = [
        "--on-model-change",
        "replace",
        "--export-old",
        "kept.json",
        "--id",
        "new",
    ];
    // Nothing is replaced here, and so nothing is written.
    assert_eq!(plan(&place, "opus", &args).out, "old\n");
    assert_eq!(fs::read_to_string(&kept).unwrap(), "something else");
    assert_eq!(plan(&place, "haiku", &args).out, "new\n");
    assert_eq!(fs::read_to_string(&kept).unwrap().trim_end(), before);
    // It can be read again where nobody is in its way.
    let other = Place::new();
    other.says(&["import", kept.to_str().unwrap()]);
    assert_eq!(planner(&other), "old");
}

#[test]
fn nothing_is_replaced_that_could_not_be_kept() {
    let place = planned();
    let args = [
        "--on-model-change",
        "replace",
        "--export-old",
        "nowhere/kept.json",
    ];
    let refused = plan(&place, "haiku", &args);
    assert_eq!((refused.code, refused.out.as_str()), (MISUSED, ""));
    assert_eq!(planner(&place), "old");
    assert_eq!(status(&place, "old"), "active");
}

#[test]
fn json_is_the_result_of_the_operation() {
    #[derive(serde::Deserialize)]
    struct Done<'a> {
        #[serde(borrow)]
        ok: &'a RawValue,
    }
    let (place, other) = (Place::new(), Place::new());
    let now = Timestamp::parse(NOW).unwrap().as_millis() as f64;
    let check = |code: i32, args: &[&str], operation: &str, params: &str| {
        let answer = other.store().perform(operation, params, now);
        let printed = place.run(&[args, &["--json"]].concat());
        assert_eq!(printed.code, code, "{args:?}");
        let Done { ok } = serde_json::from_str(&answer).unwrap();
        assert_eq!(printed.out.trim_end_matches('\n'), ok.get(), "{args:?}");
    };
    let slot = r#""taskId":"T 1","phase":"verify","task":"ünï","mode":"reviewer""#;
    let args = [
        "slot", "start", "T 1", "review", "ünï", "--mode", "reviewer",
    ];
    let context = r#"{"n":1e400, "s":"\ud83d"}"#;
    check(
        0,
        &[
            &args[..],
            &["--model", "opus", "--id", "a", "--context", context],
        ]
        .concat(),
        "startInSlot",
        &format!(r#"{{{slot},"model":"opus","id":"a","context":{context}}}"#),
    );
    let model = r#"{"name":"haiku","version":"4","params":{"t":1e400}}"#;
    let asked = [&args[..], &["--model", model, "--id", "b"]].concat();
    let params = format!(r#"{slot},"model":{model},"id":"b""#);
    check(NO, &asked, "startInSlot", &format!("{{{params}}}"));
    check(
        NO,
        &[&asked[..], &["--on-model-change", "reject"]].concat(),
        "startInSlot",
        &format!(r#"{{{params},"onModelChange":"reject"}}"#),
    );
    check(
        0,
        &[
            &asked[..],
            &[
                "--confirm",
                "a@1",
                "--export-old",
                "a.json",
                "--pessimistic",
            ],
        ]
        .concat(),
        "startInSlot",
        &format!(
            r#"{{{params},"confirm":{{"id":"a","version":1}},"exportOld":true,"locking":"pessimistic"}}"#
        ),
    );
    let one = r#"{"taskId":"T 1","phase":"verify"}"#;
    check(0, &["slot", "show", "T 1", "verify"], "latestSession", one);
    let other = r#"{"taskId":"T 1","phase":"plan"}"#;
    check(NO, &["slot", "show", "T 1", "plan"], "latestSession", other);
    check(
        0,
        &["slot", "list", "T 1", "T2"],
        "slots",
        r#"{"taskIds":["T 1","T2"]}"#,
    );
    let list = [
        "list",
        "--task-id",
        "T 1",
        "--task-id",
        "T2",
        "--slot-phase",
        "run,verification",
    ];
    let params = r#"{"taskIds":["T 1","T2"],"slotPhase":["run","verify"],"model":"haiku"}"#;
    check(
        0,
        &[&list[..], &["--model", "haiku"]].concat(),
        "list",
        params,
    );
    check(
        0,
        &["stats", "--model", "haiku"],
        "stats",
        r#"{"model":"haiku"}"#,
    );
}

#[test]
fn a_phase_has_several_names() {
    let place = Place::new();
    let start = |phase: &str| {
        let args = ["slot", "start", "T1", phase, "it", "--model", "opus"];
        place.run(&args).out
    };
    for names in [
        &["plan", "planning", "Plan: the parser"][..],
        &["run", "implementation", "implementation: a"],
        &["verify", "verification", "review", "Review: b: c"],
        &["debug", "DEBUG:"],
    ] {
        let first = start(names[0]);
        for name in names {
            assert_eq!(start(name), first, "{name}");
        }
    }
    let all = place.says(&["slot", "list", "T1"]);
    let phases: Vec<&str> = all
        .lines()
        .filter_map(|line| line.split('\t').nth(2))
        .collect();
    assert_eq!(phases, ["plan", "run", "verify", "debug"]);
    for name in ["Planning", "plan the parser", ""] {
        let refused = place.run(&["slot", "show", "T1", name]);
        assert_eq!(refused.code, MISUSED, "{refused:?}");
    }
}

#[test]
fn a_session_whose_model_is_gone_is_shown_and_takes_no_changes() {
    let place = planned();
    let with = |models: &str, args: &[&str]| {
        let mut command = place.command(args);
        command.env("TENURE_MODELS", models);
        ended(command)
    };
    held(
        with("haiku, sonnet", &["show", "old", "-n", "0"]).out,
        str![[r#"
old  active

  Task          Plan it
  Mode          agent
  Slot          T1/plan
  Model         opus (model not found)
  Iterations    0 of 100
  Started       2026-01-08 18:05:30 UTC, 0s ago
  Updated       2026-01-08 18:05:30 UTC, 0s ago
  Version       1

"#]],
    );
    let listed = |models: &str| {
        let line = with(models, &["slot", "list", "T1"]).out;
        line.split('\t').nth(5).unwrap().to_owned()
    };
    assert_eq!(
        (listed("haiku"), listed("opus,haiku"), listed("")),
        ("missing".into(), "-".into(), "-".into())
    );
    let refused = with(
        "haiku",
        &["run", "--resume", "old", "--task", "x", "--", "true"],
    );
    assert_ne!(refused.code, 0);
    let refused = with(
        "haiku",
        &["slot", "start", "T2", "plan", "it", "--model", "opus"],
    );
    assert_eq!((refused.code, refused.out.as_str()), (NO, ""));
    assert_eq!(with("haiku", &["export", "old"]).code, 0);
    let replaced = with(
        "haiku",
        &["slot", "replace", "T1", "plan", "it", "--model", "haiku"],
    );
    assert_eq!(replaced.code, 0);
}

#[test]
fn whoever_comes_while_the_slot_is_locked_waits_for_it() {
    let place = Place::new();
    let url = place.url();
    let lease = |command: &str| {
        let args = [
            "lease",
            command,
            "slot:T1/plan",
            "--holder",
            "x",
            "--store",
            &url,
        ];
        place.run(&args)
    };
    assert_eq!(lease("acquire").code, 0);
    let busy = plan(&place, "opus", &["--pessimistic", "--retries", "1"]);
    assert_eq!((busy.code, busy.out.as_str()), (NO, ""));
    assert!(busy.err.starts_with("tenure: busy: "), "{busy:?}");
    // Whoever does not ask for the lock needs none.
    assert_eq!(plan(&place, "opus", &["--id", "old"]).out, "old\n");
    let args = [
        "slot",
        "start",
        "T1",
        "plan",
        "it",
        "--model",
        "opus",
        "--pessimistic",
    ];
    let waits = place
        .command(&[&args[..], &["--retries", "1000"]].concat())
        .spawn();
    let waits = waits.unwrap();
    assert_eq!(lease("release").code, 0);
    let waited = waits.wait_with_output().unwrap();
    assert_eq!(String::from_utf8(waited.stdout).unwrap(), "old\n");
}

#[test]
fn of_two_processes_that_start_at_once_one_does() {
    let scale: f64 = std::env::var("TENURE_TEST_SCALE").map_or(0.1, |scale| scale.parse().unwrap());
    let rounds = (100.0 * scale).ceil() as u32;
    for url in ["sqlite:tenure.db", "file:sessions"] {
        for locking in [&[][..], &["--pessimistic", "--retries", "1000"]] {
            let place = Place::new();
            for round in 0..rounds {
                let task = format!("T{round}");
                let args = [
                    "slot", "start", &task, "plan", "it", "--model", "opus", "--store", url,
                ];
                let args = [&args[..], locking].concat();
                let running: Vec<_> = (0..2)
                    .map(|_| place.command(&args).spawn().unwrap())
                    .collect();
                let ended: Vec<_> = running
                    .into_iter()
                    .map(|child| child.wait_with_output().unwrap())
                    .collect();
                let said = ended
                    .iter()
                    .map(|output| String::from_utf8_lossy(&output.stderr));
                let created = said.filter(|said| said.starts_with("tenure: created: "));
                assert_eq!(created.count(), 1, "{url} {ended:?}");
                assert_eq!(ended[0].stdout, ended[1].stdout, "{url} {ended:?}");
                assert!(
                    ended.iter().all(|output| output.status.success()),
                    "{url} {ended:?}"
                );
            }
            let all = place.says(&["list", "--trash", "include", "--store", url]);
            assert_eq!(all.lines().count(), rounds as usize);
        }
    }
}

#[test]
fn shells_complete_the_commands_for_slots() {
    let place = Place::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = place.says(&["completions", shell]);
        for word in ["slot", "on-model-change", "export-old"] {
            assert!(script.contains(word), "{shell} {word}");
        }
    }
}
