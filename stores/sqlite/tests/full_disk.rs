//! A full disk: writes are refused and lose nothing, and removing sessions succeeds.

use std::fs;
use std::path::Path;

use crate::common::{
    Place, append, apply, given_path, head, history, id, on_a_file_system, put, remove, start, time,
};
use tenure_core::store::Expect;
use tenure_core::{Changes, History, SyncStore};
use tenure_sqlite::{SqliteOptions, SqliteStore};

fn text(bytes: usize) -> String {
    format!("\"{}\"", "x".repeat(bytes))
}

fn options() -> SqliteOptions {
    SqliteOptions::default()
}

/// Occupies all free blocks.
fn fill(folder: &Path) {
    assert!(fs::write(folder.join("filling"), vec![0; 64 << 20]).is_err());
    assert!(fs::write(folder.join("more"), vec![0; 4096]).is_err());
}

/// Moves a session to the trash.
fn trash(store: &dyn SyncStore, name: &str) -> Changes {
    let mut head = store.load(&id(name), History::None).unwrap().unwrap().head;
    let expect = Expect::Version {
        version: head.version,
    };
    head.version += 1;
    head.deleted_at = Some(time(2_000));
    put(head, expect, Vec::new())
}

#[test]
fn sessions_are_removed_without_free_space() {
    for size in ["20m", "24m", "48m"] {
        let place = Place::new();
        let folder = place.file().with_file_name("mounted");
        fs::create_dir(&folder).unwrap();
        let name = "full_disk::a_process_on_a_full_disk";
        on_a_file_system(size, name, &folder, &folder.join("tenure.db"));
    }
}

#[test]
#[ignore = "a process of another test"]
fn a_process_on_a_full_disk() {
    let path = given_path();
    let folder = path.parent().unwrap();
    let store = SqliteStore::open(&path, options()).unwrap();
    let names: Vec<String> = (0..200).map(|number| format!("s{number}")).collect();
    for name in &names {
        start(&store, head(name));
    }
    let mut kept = 0;
    let error = loop {
        match append(&store, &id(&names[kept % 200]), &text(20_000)) {
            Ok(_) => kept += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(error.code(), "STORAGE_FULL");
    assert!(kept > 0);
    fill(folder);
    let refused = append(&store, &id("s0"), &text(2_000_000)).unwrap_err();
    assert_eq!(refused.code(), "STORAGE_FULL");

    // By a handle that is open, one after the other.
    for name in &names[..50] {
        apply(&store, &trash(&store, name));
        apply(&store, &remove(name));
    }
    // The pages of removed sessions are used again.
    let grown = (0..20).filter(|_| append(&store, &id("s199"), &text(2000)).is_ok());
    assert!(grown.count() > 0, "nothing can be written after removals");
    store.close();
    fill_rest(folder);

    // By handles that are opened on the full disk, as commands do.
    for name in &names[50..100] {
        let brief = SqliteOptions {
            brief: true,
            ..options()
        };
        let store = SqliteStore::open(&path, brief).unwrap();
        apply(&store, &trash(&store, name));
        apply(&store, &remove(name));
    }
    fill_rest(folder);
    // Many at once, and through the queue.
    let store = SqliteStore::open(&path, options()).unwrap();
    let mut many = Changes::default();
    for name in &names[100..150] {
        many.sessions.extend(remove(name).sessions);
    }
    apply(&store, &many);
    let (done, result) = std::sync::mpsc::channel();
    store.enqueue(
        Box::new(|store| {
            apply(store, &remove("s150"));
            String::new()
        }),
        Box::new(move |result| done.send(result).unwrap()),
    );
    result.recv().unwrap().unwrap();
    assert!(store.load(&id("s150"), History::None).unwrap().is_none());
    assert!(!history(&store, "s199").is_empty());
    store.close();
    let intact: String = rusqlite::Connection::open(&path)
        .unwrap()
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(intact, "ok");
}

/// Occupies what was freed.
fn fill_rest(folder: &Path) {
    let number = fs::read_dir(folder).unwrap().count();
    let _ = fs::write(folder.join(format!("rest{number}")), vec![0; 64 << 20]);
    assert!(fs::write(folder.join("more"), vec![0; 4096]).is_err());
}
