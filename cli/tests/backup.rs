//! `tenure backup`: a verified copy of a store, which others may be writing to.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::common::Place;

/// The URLs of stores in the folder of a place, each with the URL of a copy of it and its path.
fn stores(place: &Place) -> [(String, String, String); 2] {
    let at = |name: &str| place.folder.path().join(name).display().to_string();
    [
        (
            place.url(),
            format!("sqlite:{}", at("copy.db")),
            at("copy.db"),
        ),
        (
            format!("file:{}", at("sessions")),
            format!("file:{}", at("copy")),
            at("copy"),
        ),
    ]
}

fn names(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = names
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_backup_is_the_store_at_one_moment_while_others_write() {
    let place = Place::new();
    for (store, copy, path) in stores(&place) {
        let start = ["start", "t", "--mode", "m", "--id", "a"];
        place.run_ok(&[&start[..], &["--store", &store]].concat());
        // An entry of the audit log, which is a record.
        let extra = ["start", "t", "--mode", "m", "--id", "b"];
        place.run_ok(&[&extra[..], &["--store", &store]].concat());
        place.run_ok(&["rm", "--permanent", "b", "--store", &store]);
        let ended = AtomicBool::new(false);
        let (written, backup) = thread::scope(|scope| {
            let writer = scope.spawn(|| {
                let options = tenure_bridge::Options::default();
                let writer = tenure_host::Local::open(&store, &options).unwrap();
                let mut written = 0;
                while !ended.load(Ordering::Relaxed) {
                    let event = format!(r#"{{"id":"a","type":"note","data":{{"n":{written}}}}}"#);
                    let reply = writer.perform("addEvent", &event, 0.0);
                    assert!(!reply.contains("\"error\":"), "{reply}");
                    written += 1;
                    // A writer without a pause may keep the lock from the backup on a busy machine.
                    thread::sleep(Duration::from_millis(1));
                }
                written
            });
            let backup = place.run(&["backup", &path, "--json", "--store", &store]);
            ended.store(true, Ordering::Relaxed);
            (writer.join().unwrap(), backup)
        });
        assert_eq!(
            (backup.code, backup.err.as_str()),
            (0, ""),
            "{}",
            backup.out
        );
        let reply: Value = serde_json::from_str(&backup.out).unwrap();
        assert_eq!(reply["path"], path.as_str());
        assert_eq!(reply["sessions"], 1);
        assert!(reply["records"].as_u64() > Some(0), "{reply}");
        assert_eq!(reply["problems"], Value::Array(Vec::new()));

        // The history of the copy is a beginning of that of the store.
        let events = place.run_ok(&["export", "a", "--store", &copy]);
        let session: Value = serde_json::from_str(&events).unwrap();
        let numbers: Vec<u64> = session["history"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|event| event["data"]["n"].as_u64())
            .collect();
        assert!(numbers.len() <= written);
        assert_eq!(numbers, (0..numbers.len() as u64).collect::<Vec<_>>());

        // It replaces nothing.
        let again = place.run(&["backup", &path, "--store", &store]);
        assert_eq!(again.code, 2);
        assert!(again.err.contains("exists"), "{}", again.err);
    }
    let left = names(place.folder.path());
    assert!(
        left.iter().all(|name| !name.starts_with('.')),
        "temporary files are left: {left:?}"
    );
}

#[test]
fn a_backup_reports_what_cannot_be_read_and_copies_it() {
    let place = Place::new();
    let [_, (store, copy, path)] = stores(&place);
    place.run_ok(&["start", "t", "--mode", "m", "--id", "a", "--store", &store]);
    place.run_ok(&["start", "t", "--mode", "m", "--id", "b", "--store", &store]);
    let broken = place.folder.path().join("sessions/b/session.json");
    fs::write(broken, "{").unwrap();
    let output = place.run(&["backup", &path, "--store", &store]);
    assert_eq!(output.code, 1);
    assert!(output.out.starts_with("b  "), "{}", output.out);
    assert!(output.out.ends_with(", 1 problem\n"), "{}", output.out);
    place.run_ok(&["show", "a", "--store", &copy]);
}

#[test]
fn a_store_that_has_no_backup_is_refused_and_nothing_is_created() {
    let place = Place::new();
    for (store, code, message) in [
        ("memory:", 2, "`tenure copy`"),
        ("git:origin", 2, "`git clone --mirror`"),
        ("sqlite:missing.db", 3, "missing.db"),
        ("file:missing", 3, "missing"),
    ] {
        let output = place.run(&["backup", "copy", "--store", store]);
        assert_eq!(output.code, code, "{store}: {}", output.err);
        assert!(output.err.contains(message), "{store}: {}", output.err);
    }
    fs::write(
        place.folder.path().join("text.db"),
        "no database".repeat(100),
    )
    .unwrap();
    let output = place.run(&["backup", "copy", "--store", "sqlite:text.db"]);
    assert_eq!(output.code, 3);
    let output = place.run(&["backup", "missing/copy", "--store", "sqlite:text.db"]);
    assert_eq!(output.code, 3);
    assert_eq!(names(place.folder.path()), ["text.db"]);
}
