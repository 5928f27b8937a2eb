//! A full file system, and a read-only file system.

use std::path::Path;
use std::process::Command;

use crate::common::{
    Place, append, apply, changes_after, event, given_path, head, history, id, ids, open, put,
    put_change, record, remove, set, start, time,
};
use tenure_core::store::Expect;
use tenure_core::{Changes, SyncStore};
use tenure_file::{FileOptions, FileStore};

/// Runs the ignored test `name` on a separate file system of this size, if one can be mounted.
fn on_a_file_system(size: &str, name: &str) {
    let place = Place::new();
    std::fs::create_dir(place.folder()).unwrap();
    tenure_store_support::on_a_file_system(size, name, &place.folder(), &place.folder());
}

fn text(bytes: usize) -> String {
    format!("\"{}\"", "x".repeat(bytes))
}

#[test]
fn a_full_disk_is_reported_and_writes_succeed_when_there_is_space() {
    on_a_file_system("512k", "mounts::a_process_that_fills_its_disk");
}

#[test]
#[ignore = "a process of another test"]
fn a_process_that_fills_its_disk() {
    let folder = given_path();
    let store = open(&folder);
    start(&store, head("a"));
    start(&store, head("b"));
    start(&store, head("ballast"));
    append(&store, &id("ballast"), &text(100_000)).unwrap();
    let mut kept = 0;
    let error = loop {
        match append(&store, &id("a"), &text(5000)) {
            Ok(_) => kept += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(error.code(), "STORAGE_FULL");
    assert!(error.to_string().contains(".tenure/next.json"), "{error}");
    assert!(kept > 10);
    let is_kept = || {
        assert_eq!(history(&store, "a").len(), kept);
        assert_eq!(ids(&store), ["a", "b", "ballast"]);
    };
    is_kept();
    // Again, with two sessions at once, which needs more space.
    let two = || {
        let a = store
            .load(&id("a"), tenure_core::History::None)
            .unwrap()
            .unwrap()
            .head;
        let mut b = head("b");
        b.event_count = 1;
        let event = event(1, &text(20_000));
        Changes {
            sessions: vec![
                put_change(a, Expect::Present, Vec::new()),
                put_change(b, Expect::Present, vec![event]),
            ],
            records: vec![set(record("kind", "k", None, 1))],
        }
    };
    assert_eq!(
        append(&store, &id("a"), &text(5000)).unwrap_err().code(),
        "STORAGE_FULL"
    );
    assert_eq!(store.commit(&two()).unwrap_err().code(), "STORAGE_FULL");
    assert_eq!(
        store
            .commit(&put(
                head("new"),
                Expect::Absent,
                vec![event(1, &text(300_000))]
            ))
            .unwrap_err()
            .code(),
        "STORAGE_FULL"
    );
    is_kept();
    assert!(!folder.join("new").exists());
    assert!(!folder.join(".tenure/next.json").exists());
    // Fills the last block.
    let filling = std::fs::write(folder.join(".filling"), vec![0; 1 << 20]);
    assert!(filling.is_err());
    is_kept();
    apply(&store, &remove("ballast"));
    std::fs::remove_file(folder.join(".filling")).unwrap();
    assert_eq!(append(&store, &id("a"), "{}").unwrap(), kept as u64 + 1);
    assert_eq!(ids(&store), ["a", "b"]);
}

#[test]
fn sessions_are_removed_without_free_space() {
    on_a_file_system("16m", "mounts::a_process_that_removes_on_a_full_disk");
}

#[test]
#[ignore = "a process of another test"]
fn a_process_that_removes_on_a_full_disk() {
    let folder = given_path();
    let store = open(&folder);
    for name in ["a", "b", "c", "d"] {
        start(&store, head(name));
        append(&store, &id(name), &text(500_000)).unwrap();
    }
    let fill = |name: &str| {
        assert!(std::fs::write(folder.join(name), vec![0; 64 << 20]).is_err());
    };
    fill(".filling");
    fill(".more");
    assert_eq!(
        append(&store, &id("a"), "{}").unwrap_err().code(),
        "STORAGE_FULL"
    );
    let trash = |name: &str| {
        let loaded = store.load(&id(name), tenure_core::History::None).unwrap();
        let mut head = loaded.unwrap().head;
        let expect = Expect::Version {
            version: head.version,
        };
        head.version += 1;
        head.deleted_at = Some(time(2_000));
        let mut changes = put(head, expect, Vec::new());
        changes.records = vec![set(record("kind", name, None, 1))];
        changes
    };
    for name in ["a", "b"] {
        apply(&store, &trash(name));
    }
    fill(".rest");
    for name in ["a", "c"] {
        let mut changes = remove(name);
        changes.records = vec![set(record("kind", &format!("removed {name}"), None, 1))];
        apply(&store, &changes);
    }
    apply(&store, &trash("d"));
    assert_eq!(ids(&store), ["b", "d"]);
    assert_eq!(history(&store, "d").len(), 1);
    assert!(
        append(&store, &id("b"), "{}").is_ok(),
        "the removed ones have freed space"
    );
}

#[test]
fn a_read_only_folder_can_be_read() {
    on_a_file_system("4m", "mounts::a_process_on_a_read_only_file_system");
}

#[test]
#[ignore = "a process of another test"]
fn a_process_on_a_read_only_file_system() {
    let folder = given_path();
    let store = open(&folder);
    let mut changes = put(head("a"), Expect::Absent, Vec::new());
    changes.records = vec![set(record("kind", "k", Some("a"), 1))];
    apply(&store, &changes);
    start(&store, head("b"));
    // An unfinished write of several files.
    let file = |name: &str| folder.join(name).join("session.json");
    let text = std::fs::read_to_string(file("b")).unwrap();
    let text = text.replace("Write a test", "Read a test");
    let intent = format!(
        r#"{{"number":1,"files":[{{"target":{{"session":"b"}},"text":{}}}]}}"#,
        tenure_core::Json::of(&text).as_str()
    );
    std::fs::write(folder.join(".tenure/intent.json"), intent).unwrap();
    remount_for_reading(&folder);

    let store = FileStore::open(&folder, FileOptions::default()).unwrap();
    assert_eq!(ids(&store), ["a", "b"]);
    assert_eq!(history(&store, "a"), [""; 0]);
    let loaded = store
        .load(&id("b"), tenure_core::History::All)
        .unwrap()
        .unwrap();
    assert_eq!(loaded.head.task, "Read a test");
    assert!(store.record("kind", "k").unwrap().is_some());
    assert_eq!(changes_after(&store, 0).unwrap().len(), 2);
    for changes in [put(head("new"), Expect::Absent, Vec::new()), remove("a")] {
        let error = store.commit(&changes).unwrap_err();
        assert_eq!(error.code(), "STORE_UNAVAILABLE");
        assert!(
            error.to_string().contains(folder.to_str().unwrap()),
            "{error}"
        );
    }
    let missing = FileStore::open(&folder.join("below"), FileOptions::default());
    assert_eq!(missing.unwrap_err().code(), "STORE_UNAVAILABLE");
}

fn remount_for_reading(folder: &Path) {
    let mut command = Command::new("mount");
    command.args(["-o", "remount,ro"]).arg(folder);
    assert!(command.status().unwrap().success());
}
