//! Sessions that are moved between stores, and stores that are damaged.

use std::fs;

use crate::common::Place;

/// A store with a few sessions.
fn filled() -> Place {
    let place = Place::new();
    for id in ["a", "b", "c"] {
        place.says(&["start", "t", "--id", id, "--context", "{ \"n\": 1e400 }"]);
    }
    place.says(&["pause", "b"]);
    place.says(&["complete", "c", "done"]);
    place
}

fn file_store(place: &Place) -> String {
    format!("file:{}", place.folder.path().join("sessions").display())
}

#[test]
fn a_copy_holds_the_same_and_can_be_repeated() {
    let place = filled();
    let (from, to) = (place.url(), file_store(&place));
    let copied = place.says(&["copy", &from, &to]);
    assert_eq!(
        copied,
        "3 sessions and 0 records copied, 0 already there, 0 differ"
    );
    let again = place.says(&["copy", &from, &to]);
    assert_eq!(
        again,
        "0 sessions and 0 records copied, 3 already there, 0 differ"
    );
    assert_eq!(
        place.says(&["list", "--store", &to]),
        place.says(&["list", "--store", &from])
    );
}

#[test]
fn a_copy_says_what_it_left_alone_and_overwrites_it_when_told_to() {
    let place = filled();
    let (from, to) = (place.url(), file_store(&place));
    place.says(&["copy", &from, &to]);
    place.says(&["fail", "a", "here", "--store", &to]);
    let ended = place.run(&["copy", &from, &to]);
    assert_eq!(ended.code, 1);
    assert!(
        ended.out.contains("session a: newer in the target"),
        "{}",
        ended.out
    );
    let json = place.run(&["copy", &from, &to, "--json"]);
    assert!(json.out.contains(r#""differing":1"#), "{}", json.out);
    assert_eq!(place.run(&["copy", &from, &to, "--overwrite"]).code, 0);
    assert!(
        place
            .says(&["show", "a", "--store", &to])
            .contains("active")
    );
    assert_eq!(place.run(&["copy", &from, &from]).code, 2);
}

#[test]
fn what_was_exported_is_imported_elsewhere_as_it_was() {
    let place = filled();
    let other = Place::new();
    let text = place.says(&["export", "b"]);
    let file = place.folder.path().join("b.json");
    let path = file.display().to_string();
    place.says(&["export", "b", "-o", &path]);
    assert_eq!(fs::read_to_string(&file).unwrap(), text.clone() + "\n");
    assert_eq!(other.run_with(&["import", "-"], &text).code, 0);
    assert_eq!(other.says(&["export", "b"]), text);
    let third = Place::new();
    third.says(&["import", &path]);
    assert_eq!(third.says(&["export", "b"]), text);
}

#[test]
fn a_folder_of_another_program_is_imported_and_what_cannot_be_read_is_named() {
    let place = filled();
    let folder = place.folder.path().join("left");
    for id in ["a", "b"] {
        let session = place.says(&["export", id]);
        fs::create_dir_all(folder.join(id)).unwrap();
        fs::write(folder.join(id).join("session.json"), session).unwrap();
    }
    fs::create_dir_all(folder.join("broken")).unwrap();
    fs::write(folder.join("broken/session.json"), "{").unwrap();
    fs::write(folder.join("notes.txt"), "no session").unwrap();
    let path = folder.display().to_string();

    let other = Place::new();
    let planned = other.run(&["import", &path, "--dry-run"]);
    assert!(
        planned.out.contains("2 sessions would be imported"),
        "{}",
        planned.out
    );
    assert_eq!(other.says(&["list"]), "");
    let ended = other.run(&["import", &path]);
    assert_eq!(ended.code, 1);
    assert!(ended.out.contains("2 sessions imported"), "{}", ended.out);
    assert!(ended.err.contains("broken"), "{}", ended.err);
    let again = other.run(&["import", &path, "--json"]).out;
    assert!(
        again.contains(r#""sessions":{"written":0,"unchanged":2,"newer":0}"#),
        "{again}"
    );
    assert_eq!(other.says(&["export", "b"]), place.says(&["export", "b"]));
}

#[test]
fn a_check_names_what_cannot_be_read_and_that_can_be_removed() {
    let place = filled();
    let store = file_store(&place);
    place.says(&["copy", &place.url(), &store]);
    assert_eq!(
        place.says(&["check", "--store", &store]),
        "3 sessions and 0 records read, no problems"
    );
    let broken = place.folder.path().join("sessions/b/session.json");
    fs::write(&broken, "{").unwrap();
    let ended = place.run(&["check", "--store", &store]);
    assert_eq!(ended.code, 1);
    assert!(ended.out.starts_with("b  "), "{}", ended.out);
    assert!(ended.out.ends_with("1 problem\n"), "{}", ended.out);
    assert_eq!(place.run(&["list", "--store", &store]).code, 3);
    place.says(&["rm", "--permanent", "b", "--store", &store]);
    place.says(&["check", "--store", &store]);
}

#[cfg(unix)]
#[test]
fn a_copy_that_is_interrupted_goes_on_when_it_is_repeated() {
    use std::time::Duration;

    use rustix::process::{Pid, Signal, kill_process};

    let place = Place::new();
    let store = place.store();
    for number in 0..300 {
        let start = format!(r#"{{"id":"s{number}","task":"t","mode":"m"}}"#);
        store.perform("start", &start, 0.0);
    }
    let (from, to) = (place.url(), file_store(&place));
    for millis in [1, 4, 16, 64] {
        let child = place.command(&["copy", &from, &to]).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(millis));
        let _ = kill_process(Pid::from_child(&child), Signal::INT);
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        match output.status.code() {
            Some(130) => assert!(said.contains("goes on from here"), "{said}"),
            // It was faster, or the signal was, before anybody listened.
            Some(0) | None => assert_eq!(said, ""),
            Some(code) => panic!("{code}: {said}"),
        }
    }
    let copied = place.says(&["copy", &from, &to]);
    assert!(copied.ends_with(" 0 differ"), "{copied}");
    assert_eq!(
        place.says(&["list", "--store", &to]),
        place.says(&["list", "--store", &from])
    );
}
