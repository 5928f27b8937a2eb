//! Folders that other programs use, too: their files are read, and their changes are noticed at the
//! next call.

use crate::common::{
    Place, append, apply, head, history, id, ids, list, put, record, remove, set, start,
};
#[cfg(unix)]
use crate::common::{permissions, permissions_below, set_permissions};
use tenure_core::store::{Expect, Scan};
use tenure_core::{Changes, History, SessionId, Status, SyncStore};
use tenure_file::{FileOptions, FileStore};
#[cfg(unix)]
use tenure_permissions::FileMode;

/// A session with all properties as a bot writes it, and a session with the required properties
/// only.
const FULL: &str = r#"{
  "id": "session_abc123_xyz",
  "userId": "user123",
  "channelId": "channel456",
  "mode": "developer",
  "task": "Implement feature X",
  "workspace": "/tmp/w",
  "status": "paused",
  "createdAt": "2025-06-01T10:00:00.000Z",
  "updatedAt": "2025-06-01T11:00:00.000Z",
  "iterations": 3,
  "maxIterations": 50,
  "context": { "priority": "high", "big": 1e400, "list": [ ] , "deep": { "a": [1, 2] } },
  "history": [
    { "timestamp": "2025-06-01T10:00:00.000Z", "type": "start", "data": { "mode": "developer" } },
    { "timestamp": "2025-06-01T11:00:00.000Z", "type": "pause", "data": {} }
  ],
  "metadata": { "model": "m", "cost": 0.5, "tokens": { "prompt": 10, "completion": 5, "total": 15 } }
}"#;
const LEAST: &str = r#"{"id":"least","mode":"m","task":"t","status":"active","createdAt":"2025-06-01T10:00:00.000Z","updatedAt":"2025-06-01T10:00:00.000Z","iterations":0,"maxIterations":100,"context":{},"history":[],"usage":"of another program"}"#;

#[test]
fn folders_of_other_programs_can_be_opened() {
    let place = Place::new();
    place.write("session_abc123_xyz/session.json", FULL);
    place.write("session_abc123_xyz/notes.txt", "theirs");
    place.write("least/session.json", format!("\u{feff}{LEAST}\n"));
    place.write("README.md", "not a folder");
    let store = place.open();
    assert_eq!(ids(&store), ["least", "session_abc123_xyz"]);
    assert_eq!(list(&store).problems, []);
    let name = id("session_abc123_xyz");
    let loaded = store.load(&name, History::All).unwrap().unwrap();
    assert_eq!(loaded.head.version, 1);
    assert_eq!(loaded.head.status, Status::Paused);
    assert_eq!(loaded.head.event_count, 2);
    assert_eq!(loaded.head.usage.total_tokens(), 15);
    assert_eq!(
        loaded.head.context.as_str(),
        r#"{"priority":"high","big":1e400,"list":[],"deep":{"a":[1,2]}}"#
    );
    let numbers: Vec<u64> = loaded.events.iter().map(|event| event.sequence).collect();
    assert_eq!(numbers, [1, 2]);
    assert_eq!(append(&store, &name, "{}").unwrap(), 3);
    assert_eq!(place.read("session_abc123_xyz/notes.txt"), "theirs");
}

#[test]
fn written_files_have_the_format_of_other_programs() {
    let place = Place::new();
    let store = place.open();
    place.write("session_abc123_xyz/session.json", FULL);
    let name = id("session_abc123_xyz");
    append(&store, &name, r#"{ "tool" : "bash", "empty":[ ] }"#).unwrap();
    let text = place.read("session_abc123_xyz/session.json");
    // The properties of the bot have the same names and indentation, next to the properties of the
    // store.
    for line in [
        "{\n  \"id\": \"session_abc123_xyz\",\n",
        "\n  \"status\": \"paused\",\n",
        "\n  \"createdAt\": \"2025-06-01T10:00:00.000Z\",\n",
        "\n  \"iterations\": 3,\n",
        "\n    \"big\": 1e400,\n    \"list\": [],\n    \"deep\": {\n      \"a\": [\n        1,\n",
        "\n      \"data\": {\n        \"tool\": \"bash\",\n        \"empty\": []\n      }\n",
        "\n  \"version\": 2,\n",
    ] {
        assert!(text.contains(line), "{line:?} is not in {text}");
    }
    assert!(text.ends_with("\n}"));
}

#[test]
fn the_properties_of_other_programs_are_loaded_and_stay_in_their_place() {
    let place = Place::new();
    let store = place.open();
    let text = r#"{"id":"least","mode":"m","task":"t","status":"active","createdAt":"2025-06-01T10:00:00.000Z","guildId":"g","metadata":{"model":"m"},"history":[{"timestamp":"2025-06-01T10:00:00.000Z","type":"start","data":{"n":1},"tags":["a"]}]}"#;
    place.write("least/session.json", text);
    let name = id("least");
    append(&store, &name, "{}").unwrap();
    let loaded = store.load(&name, History::All).unwrap().unwrap();
    let head = store.load(&name, History::None).unwrap().unwrap().head;
    assert_eq!(loaded.head, head);
    assert_eq!(
        head.metadata.unwrap().as_str(),
        r#"{"otherProperties":{"guildId":"g"},"model":"m"}"#
    );
    assert_eq!(
        loaded.events[0].data.as_str(),
        r#"{"otherProperties":{"tags":["a"]},"n":1}"#
    );
    let text = place.read("least/session.json");
    assert!(!text.contains("otherProperties"), "{text}");
    for line in [
        "\n  \"guildId\": \"g\"",
        "\n      \"tags\": [\n",
        "\n      \"data\": {\n        \"n\": 1\n      },\n",
    ] {
        assert!(text.contains(line), "{line:?} is not in {text}");
    }
}

#[test]
fn added_and_removed_folders_are_noticed_at_the_next_call() {
    let place = Place::new();
    let store = place.open();
    start(&store, head("a"));
    place.write("least/session.json", LEAST);
    assert_eq!(ids(&store), ["a", "least"]);
    std::fs::remove_dir_all(place.at("a")).unwrap();
    assert_eq!(ids(&store), ["least"]);
    assert_eq!(store.load(&id("a"), History::None).unwrap(), None);
    start(&store, head("a"));
    // The complete folder is removed while the store is open.
    std::fs::remove_dir_all(place.folder()).unwrap();
    assert_eq!(ids(&store), [""; 0]);
    assert_eq!(store.load(&id("a"), History::None).unwrap(), None);
    start(&store, head("a"));
    assert_eq!(ids(&place.open()), ["a"]);
}

#[test]
fn the_records_of_a_session_are_removed_with_its_folder() {
    let place = Place::new();
    let store = place.open();
    let mut changes = put(head("a"), Expect::Absent, Vec::new());
    changes.records = ["k", "a/k"]
        .map(|key| set(record("kind", key, Some("a"), 1)))
        .into();
    apply(&store, &changes);
    std::fs::remove_dir_all(place.at("a")).unwrap();
    for key in ["k", "a/k"] {
        assert_eq!(store.record("kind", key).unwrap(), None);
    }
    let scan = Scan {
        kind: "kind".to_owned(),
        after: None,
        limit: 10,
    };
    assert_eq!(store.scan(&scan).unwrap(), []);
    // The key can be used again.
    let mut again = put(head("b"), Expect::Absent, Vec::new());
    again.records = vec![set(record("kind", "k", Some("b"), 1))];
    again.records[0].expect = Expect::Absent;
    apply(&store, &again);
    assert_eq!(store.record("kind", "k").unwrap(), again.records[0].record);
}

#[test]
fn removed_sessions_and_records_leave_no_files() {
    let place = Place::new();
    let store = place.open();
    for number in 0..20 {
        let name = format!("s{number}");
        let mut changes = put(head(&name), Expect::Absent, Vec::new());
        changes.records = vec![set(record("kind", &name, Some(&name), 1))];
        apply(&store, &changes);
        append(&store, &id(&name), "{}").unwrap();
        let records = vec![set(record("lease", &name, None, 1))];
        apply(
            &store,
            &Changes {
                records,
                ..Changes::default()
            },
        );
        let mut last = remove(&name);
        last.records = vec![set(record("lease", &name, None, 1))];
        last.records[0].record = None;
        apply(&store, &last);
    }
    let mut left = Vec::new();
    let mut folders = vec![place.folder()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => left.push(path.file_name().unwrap().to_str().unwrap().to_owned()),
            }
        }
    }
    left.sort();
    assert_eq!(left, ["intent.json", "lock", "newest.jsonl", "reserve"]);
}

#[test]
fn a_path_that_is_no_folder_is_unavailable() {
    let place = Place::new();
    place.write("file", "");
    for path in ["file", "file/below"] {
        let error = FileStore::open(&place.at(path), FileOptions::default()).unwrap_err();
        assert_eq!(error.code(), "STORE_UNAVAILABLE");
        assert!(error.to_string().contains("file"), "{error}");
    }
    let store = place.open();
    // A file in place of a session's folder is no session, and a session of this id cannot be
    // started.
    assert_eq!(store.load(&id("file"), History::All).unwrap(), None);
    let error = store
        .commit(&put(head("file"), Expect::Absent, Vec::new()))
        .unwrap_err();
    assert_eq!(error.code(), "STORE_UNAVAILABLE");
    assert_eq!(place.read("file"), "");
}

#[test]
fn ids_stay_inside_the_folder() {
    let place = Place::new();
    let store = place.open();
    for hostile in ["..", ".", ".tenure", "a/b", "/etc", "", "a\0", "..\\x"] {
        assert!(SessionId::parse(hostile).is_err(), "{hostile:?}");
    }
    for strange in [
        "a..b",
        "CON",
        "nul.txt",
        "a.",
        "0",
        "session.json",
        &"x".repeat(128),
    ] {
        start(&store, head(strange));
        append(&store, &id(strange), "{}").unwrap();
        assert_eq!(history(&store, strange), ["{}"]);
    }
    assert_eq!(ids(&store).len(), 7);
    let above: Vec<_> = std::fs::read_dir(place.folder().parent().unwrap())
        .unwrap()
        .collect();
    assert_eq!(above.len(), 1);
}

#[cfg(unix)]
#[test]
fn links_are_read_and_their_targets_are_not_removed() {
    use std::os::unix::fs::symlink;
    let place = Place::new();
    let outside = place.folder().parent().unwrap().join("outside");
    std::fs::create_dir_all(outside.join("least")).unwrap();
    std::fs::write(outside.join("least/session.json"), LEAST).unwrap();
    // The store's folder may be a symbolic link.
    std::fs::create_dir(outside.join("base")).unwrap();
    symlink(outside.join("base"), place.folder()).unwrap();
    let store = place.open();
    symlink(outside.join("least"), place.at("least")).unwrap();
    assert_eq!(ids(&store), ["least"]);
    assert_eq!(append(&store, &id("least"), "{}").unwrap(), 1);
    apply(&store, &remove("least"));
    assert_eq!(ids(&store), [""; 0]);
    assert!(std::fs::symlink_metadata(place.at("least")).is_err());
    assert!(outside.join("least/session.json").exists());
}

#[cfg(unix)]
#[test]
fn new_files_and_folders_are_private_unless_an_option_grants_more() {
    let place = Place::new();
    let shared = FileMode::new(0o660).unwrap();
    for (mode, file, folder) in [(FileMode::PRIVATE, 0o600, 0o700), (shared, 0o660, 0o770)] {
        let base = place.at(&format!("{file:o}"));
        let options = FileOptions {
            file_mode: mode,
            ..FileOptions::default()
        };
        let store = FileStore::open(&base.join("deep"), options).unwrap();
        start(&store, head("a"));
        append(&store, &id("a"), "{}").unwrap();
        let records = vec![
            set(record("k", "r", Some("a"), 1)),
            set(record("k", "s", None, 1)),
        ];
        let sessions = put(head("b"), Expect::Absent, Vec::new()).sessions;
        apply(&store, &Changes { sessions, records });
        apply(&store, &remove("b"));
        assert_eq!(permissions_below(&base), ([folder].into(), [file].into()));
    }
}

#[cfg(unix)]
#[test]
fn existing_files_and_folders_keep_their_permissions() {
    let place = Place::new();
    place.write("least/session.json", LEAST);
    let (folder, file) = (place.at("least"), place.at("least/session.json"));
    set_permissions(&folder, 0o755);
    set_permissions(&file, 0o644);
    let store = place.open();
    append(&store, &id("least"), "{}").unwrap();
    assert_eq!((permissions(&folder), permissions(&file)), (0o755, 0o644));
    // What is created beside them is private.
    start(&store, head("a"));
    assert_eq!(permissions(&place.at("a/session.json")), 0o600);
    set_permissions(&place.at("a/session.json"), 0o660);
    append(&store, &id("a"), "{}").unwrap();
    assert_eq!(permissions(&place.at("a/session.json")), 0o660);
}
