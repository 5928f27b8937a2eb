//! What people at a terminal see and are asked.

use std::fs;

use snapbox::str;

use super::{NO, held, planned, planner};
use crate::common::{Place, plain, terminal_typing};

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
