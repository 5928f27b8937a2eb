//! Outcomes of starts in a slot, without a terminal.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;
use snapbox::str;

use super::{REFUSED, USAGE, place_with_planner, plan, planner, status, transcript};
use crate::common::{NOW, Place, assert_snapshot, output_of};

#[test]
fn a_start_prints_the_id_and_the_outcome() {
    let start = |model, id, more: &[&'static str]| {
        let first = [
            "slot", "start", "T1", "plan", "it", "--model", model, "--id", id,
        ];
        [&first[..], more].concat()
    };
    let output = transcript(
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
    assert_snapshot(
        output,
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
tenure: slot T1/plan holds first with the model opus: version 1, active, 0 of 100 iterations used, updated 0s ago
[1]
$ tenure slot start T1 plan it --model haiku --id second
tenure: needs_confirmation: Another model has begun this. If you go on, its session is replaced, and progress that was not saved is lost; you can export it first. Replace it?
tenure: slot T1/plan holds first with the model opus: version 1, active, 0 of 100 iterations used, updated 0s ago
tenure: to replace it: tenure slot start T1 plan it --model haiku --id second --now 2026-01-08T18:05:30Z --confirm first@1
[1]
$ tenure slot start T1 plan it --model haiku --id second --confirm first@2
tenure: busy: This session is being changed right now. Wait a moment and try again.
tenure: slot T1/plan holds first with the model opus: version 1, active, 0 of 100 iterations used, updated 0s ago
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
fn a_replace_needs_no_confirmation_but_respects_a_given_version() {
    let place = place_with_planner();
    let replace = |model: &str, more: &[&str]| {
        let args = ["slot", "replace", "T1", "plan", "it", "--model", model];
        place.run(&[&args[..], more].concat())
    };
    let stale = replace("haiku", &["--confirm", "old@7"]);
    assert_eq!((stale.code, stale.out.as_str()), (REFUSED, ""));
    assert!(stale.err.starts_with("tenure: busy: "), "{stale:?}");
    assert_eq!(planner(&place), "old");
    let done = replace("haiku", &["--confirm", "old@1", "--id", "new"]);
    assert_eq!((done.code, done.out.as_str()), (0, "new\n"));
    assert_eq!(replace("opus", &["--id", "newer"]).out, "newer\n");
    assert_eq!(status(&place, "new"), "abandoned");
    assert_eq!(replace("opus", &[]).out, "newer\n");
}

#[test]
fn a_session_of_the_same_model_is_replaced_on_request_after_a_confirmation() {
    let place = place_with_planner();
    let start = |more: &[&str]| {
        let args = ["slot", "start", "T1", "plan", "it", "--model", "opus"];
        place.run(&[&args[..], more].concat())
    };
    assert_eq!(start(&[]).out, "old\n");
    let asked = start(&["--replace"]);
    assert_eq!((asked.code, asked.out.as_str()), (REFUSED, ""));
    assert!(asked.err.contains("--confirm old@1"), "{asked:?}");
    let done = start(&["--replace", "--confirm", "old@1", "--id", "new"]);
    assert_eq!((done.code, done.out.as_str()), (0, "new\n"));
    assert_eq!(status(&place, "old"), "abandoned");
}

#[test]
fn the_suggested_command_replaces_the_session() {
    let place = place_with_planner();
    let what = "it's \"new\" $HOME `x`\nand more";
    for (more, added) in [(&["--"][..], "--confirm old@1 -- "), (&[], "--confirm ")] {
        let first = [
            "slot", "start", "T1", "plan", "--now", NOW, "--model", "haiku",
        ];
        let asked = place.run(&[&first[..], more, &[what]].concat());
        assert_eq!((asked.code, asked.out.as_str()), (REFUSED, ""));
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
        let done = output_of(shell);
        assert_eq!(done.code, 0, "{done:?}");
        let id = planner(&place);
        assert_eq!(done.out, format!("{id}\n"));
        let new: Value = serde_json::from_str(&place.run_ok(&["show", &id, "--json"])).unwrap();
        assert_eq!(new["task"], what);
        // Restores the initial state.
        place.run_ok(&["rm", "--permanent", &id]);
        place.run_ok(&["restore", "old"]);
        place.run_ok(&["rm", "--permanent", "old"]);
        assert_eq!(plan(&place, "opus", &["--id", "old"]).code, 0);
    }
}

#[test]
fn a_replaced_session_is_exported_to_a_file() {
    let place = place_with_planner();
    let before = place.run_ok(&["export", "old"]);
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
    // No session is replaced here, so no file is written.
    assert_eq!(plan(&place, "opus", &args).out, "old\n");
    assert_eq!(fs::read_to_string(&kept).unwrap(), "something else");
    assert_eq!(plan(&place, "haiku", &args).out, "new\n");
    assert_eq!(fs::read_to_string(&kept).unwrap().trim_end(), before);
    // The file can be imported where the slot is free.
    let other = Place::new();
    other.run_ok(&["import", kept.to_str().unwrap()]);
    assert_eq!(planner(&other), "old");
}

#[test]
fn a_session_that_cannot_be_exported_is_not_replaced() {
    let place = place_with_planner();
    let args = [
        "--on-model-change",
        "replace",
        "--export-old",
        "nowhere/kept.json",
    ];
    let refused = plan(&place, "haiku", &args);
    assert_eq!((refused.code, refused.out.as_str()), (USAGE, ""));
    assert_eq!(planner(&place), "old");
    assert_eq!(status(&place, "old"), "active");
}

#[cfg(target_os = "linux")]
#[test]
fn a_failed_export_after_the_replacement_is_reported() {
    let place = place_with_planner();
    let args = ["--on-model-change", "replace", "--id", "new"];
    let full = plan(
        &place,
        "haiku",
        &[&args[..], &["--export-old", "/dev/full"]].concat(),
    );
    assert_eq!((full.code, full.out.as_str()), (3, "new\n"));
    assert!(
        full.err.contains("`tenure export old` prints it"),
        "{full:?}"
    );
    assert_eq!(place.run(&["export", "old"]).code, 0);
}

#[test]
fn a_replaced_session_can_be_restored_when_the_slot_is_free() {
    let place = place_with_planner();
    assert_eq!(
        plan(
            &place,
            "haiku",
            &["--on-model-change", "replace", "--id", "new"]
        )
        .code,
        0
    );
    let refused = place.run(&["restore", "old"]);
    assert_eq!((refused.code, refused.out.as_str()), (REFUSED, ""));
    assert!(refused.err.contains("new"), "{refused:?}");
    place.run_ok(&["trash", "new"]);
    place.run_ok(&["restore", "old"]);
    assert_eq!(planner(&place), "old");
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
    let all = place.run_ok(&["slot", "list", "T1"]);
    let phases: Vec<&str> = all
        .lines()
        .filter_map(|line| line.split('\t').nth(2))
        .collect();
    assert_eq!(phases, ["plan", "run", "verify", "debug"]);
    for name in ["Planning", "plan the parser", ""] {
        let refused = place.run(&["slot", "show", "T1", name]);
        assert_eq!(refused.code, USAGE, "{refused:?}");
    }
}

#[test]
fn a_session_with_an_unavailable_model_is_shown_and_cannot_be_changed() {
    let place = place_with_planner();
    let with = |models: &str, args: &[&str]| {
        let mut command = place.command(args);
        command.env("TENURE_MODELS", models);
        output_of(command)
    };
    assert_snapshot(
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
    for args in [
        &["run", "--now", NOW, "--resume", "old", "--", "touch", "ran"][..],
        &["resume", "old"],
    ] {
        let refused = with("haiku", args);
        assert_eq!(refused.code, REFUSED, "{refused:?}");
        assert!(refused.err.contains("is missing"), "{refused:?}");
    }
    assert!(!place.folder.path().join("ran").exists());
    let refused = with(
        "haiku",
        &["slot", "start", "T2", "plan", "it", "--model", "opus"],
    );
    assert_eq!((refused.code, refused.out.as_str()), (REFUSED, ""));
    assert!(
        refused.err.contains("no session was started"),
        "{refused:?}"
    );
    for args in [&["list", "--json"][..], &["show", "old", "--json"]] {
        let is_marked = |models| with(models, args).out.contains("\"modelMissing\":true");
        assert!(is_marked("haiku") && !is_marked("opus"), "{args:?}");
    }
    assert_eq!(with("haiku", &["pause", "old"]).code, 0);
    assert_eq!(with("haiku", &["export", "old"]).code, 0);
    let replaced = with(
        "haiku",
        &["slot", "replace", "T1", "plan", "it", "--model", "haiku"],
    );
    assert_eq!(replaced.code, 0);
}
