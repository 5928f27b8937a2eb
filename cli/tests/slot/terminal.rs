//! Questions and lists on a terminal.

use std::fs;

use snapbox::str;

use super::{REFUSED, place_with_planner, planner};
use crate::common::{Place, assert_snapshot, plain, terminal_typing};

/// The exit code and the output of a start with the model haiku and typed input.
fn typing(place: &Place, typed: &str, more: &[&str]) -> (i32, String) {
    let args = ["slot", "start", "T1", "plan", "it", "--model", "haiku"];
    let command = place.command(&[&args[..], &["--id", "new"], more].concat());
    let (code, shown) = terminal_typing(command, typed);
    (code, plain(&shown))
}

#[test]
fn a_terminal_asks_for_confirmation() {
    let place = place_with_planner();
    let (code, shown) = typing(&place, "what?\nno\n", &[]);
    assert_eq!((code, planner(&place)), (REFUSED, "old".to_owned()));
    assert_snapshot(
        shown,
        str![[r#"
tenure: slot T1/plan holds old with the model opus: version 1, active, 0 of 100 iterations used, updated 0s ago
Another model has begun this. If you go on, its session is replaced, and progress that was not saved is lost; you can export it first. Replace it? (y/N, e to export it first) Another model has begun this. If you go on, its session is replaced, and progress that was not saved is lost; you can export it first. Replace it? (y/N, e to export it first) tenure: the session is unchanged

"#]],
    );
    // An empty answer, and the end of the input, keep the session.
    for typed in ["\n", "\u{4}"] {
        let (code, _) = typing(&place, typed, &[]);
        assert_eq!(
            (code, planner(&place)),
            (REFUSED, "old".to_owned()),
            "{typed:?}"
        );
    }
    let (code, shown) = typing(&place, "Y\n", &[]);
    assert_eq!((code, planner(&place)), (0, "new".to_owned()));
    assert_snapshot(
        shown,
        str![[r#"
tenure: slot T1/plan holds old with the model opus: version 1, active, 0 of 100 iterations used, updated 0s ago
Another model has begun this. If you go on, its session is replaced, and progress that was not saved is lost; you can export it first. Replace it? (y/N, e to export it first) new
tenure: replaced: The session was started. The one before it is in the trash.

"#]],
    );
}

#[test]
fn the_session_can_be_exported_before_it_is_replaced() {
    let place = place_with_planner();
    let before = place.run_ok(&["export", "old"]);
    assert_eq!(typing(&place, "e\n", &[]).0, 0);
    let file = fs::read_to_string(place.folder.path().join("old.json")).unwrap();
    assert_eq!(file.trim_end(), before);
}

#[test]
fn a_session_that_is_exported_anyway_offers_no_export() {
    let place = place_with_planner();
    let (code, shown) = typing(&place, "e\ny\n", &["--export-old", "kept.json"]);
    assert_eq!(code, 0, "{shown}");
    assert!(!shown.contains("exports it first"), "{shown}");
    assert!(place.folder.path().join("kept.json").exists());
    assert!(!place.folder.path().join("old.json").exists());
}

#[test]
fn json_output_asks_for_no_confirmation() {
    let place = place_with_planner();
    let (code, shown) = typing(&place, "y\n", &["--json"]);
    assert_eq!((code, planner(&place)), (REFUSED, "old".to_owned()));
    assert!(
        shown.contains(r#""outcome":"needs_confirmation""#),
        "{shown}"
    );
}

#[test]
fn a_list_on_a_terminal_marks_unavailable_models() {
    let place = place_with_planner();
    place.run(&[
        "slot", "start", "T1", "run", "Build it", "--model", "haiku", "--id", "built",
    ]);
    let mut shown = String::new();
    for args in [&["slot", "list", "T1"][..], &["list", "--task-id", "T1"]] {
        shown += &plain(&place.on_terminal(&[args, &["--models", "haiku"]].concat()));
    }
    assert_snapshot(
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
