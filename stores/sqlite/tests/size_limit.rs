//! A database at its maximum size reports that, loses nothing, and accepts writes again when there
//! is space.

use crate::common::{
    Place, append, check_integrity, enqueue_append, head, history, hold_writer, id, remove, start,
};
use tenure_core::store::Commit;
use tenure_core::{Error, SyncStore};
use tenure_sqlite::{Durability, SqliteOptions, SqliteStore};

const ROOM: u64 = 400 << 10;

fn open_small(place: &Place, durability: Durability) -> SqliteStore {
    place.open_with(SqliteOptions {
        durability,
        max_bytes: Some(ROOM),
        ..SqliteOptions::default()
    })
}

fn text(bytes: usize) -> String {
    format!("\"{}\"", "x".repeat(bytes))
}

#[test]
fn a_full_database_is_reported_and_keeps_its_contents() {
    for durability in [Durability::Normal, Durability::Full] {
        let place = Place::new();
        let store = open_small(&place, durability);
        start(&store, head("a"));
        start(&store, head("ballast"));
        append(&store, &id("ballast"), &text(50_000)).unwrap();
        let mut kept = 0;
        let error = loop {
            match store
                .transaction(|store| append(store, &id("a"), &text(5000)))
                .unwrap()
            {
                Ok(_) => kept += 1,
                Err(error) => break error,
            }
        };
        assert_eq!(error.code(), "STORAGE_FULL");
        assert!(error.to_string().contains("tenure.db"), "{error}");
        assert!(kept > 10);
        assert_eq!(history(&store, "a").len(), kept);

        // Again, as a transaction of the store and through the queue.
        assert_eq!(
            append(&store, &id("a"), &text(5000)).unwrap_err().code(),
            "STORAGE_FULL"
        );
        let queued = enqueue_append(&store, "a", &text(5000)).recv().unwrap();
        let code = queued.unwrap_or_else(|error| error.code().to_owned());
        assert_eq!(code, "STORAGE_FULL");
        check_integrity(&place);

        assert_eq!(store.commit(&remove("ballast")).unwrap(), Commit::Applied);
        append(&store, &id("a"), &text(5000)).unwrap();
        assert_eq!(history(&store, "a").len(), kept + 1);
        check_integrity(&place);
    }
}

#[test]
fn in_a_batch_only_acknowledged_writes_are_stored() {
    let place = Place::new();
    let store = open_small(&place, Durability::Normal);
    let names = ["a", "b", "c", "d"];
    for name in names {
        start(&store, head(name));
    }
    let hold = hold_writer(&store);
    let answers: Vec<_> = names
        .iter()
        .zip([1000, 1000, 2 * ROOM as usize, 1000])
        .map(|(name, bytes)| (name, enqueue_append(&store, name, &text(bytes))))
        .collect();
    drop(hold);
    for (name, answer) in answers {
        let outcome: Result<String, Error> = answer.recv().unwrap();
        let kept = outcome.as_deref() == Ok("1");
        if !kept {
            let code = outcome.unwrap_or_else(|error| error.code().to_owned());
            assert_eq!(code, "STORAGE_FULL", "{name}");
        }
        assert_eq!(history(&store, name).len(), usize::from(kept), "{name}");
        assert!(
            kept || *name != "d",
            "the job after the refused one had room"
        );
    }
    check_integrity(&place);
    append(&store, &id("c"), &text(1000)).unwrap();
}

#[test]
fn each_handle_has_its_own_maximum_size() {
    let place = Place::new();
    let (small, large) = (open_small(&place, Durability::Normal), place.open());
    start(&large, head("a"));
    let big = text(2 * ROOM as usize);
    assert_eq!(
        append(&small, &id("a"), &big).unwrap_err().code(),
        "STORAGE_FULL"
    );
    append(&large, &id("a"), &big).unwrap();
    let answers = [
        enqueue_append(&large, "a", &big),
        enqueue_append(&small, "a", &big),
        enqueue_append(&large, "a", &big),
    ];
    let [first, second, third] = answers.map(|answer| {
        answer
            .recv()
            .unwrap()
            .unwrap_or_else(|error| error.code().to_owned())
    });
    assert_eq!(
        [first.as_str(), second.as_str(), third.as_str()],
        ["2", "STORAGE_FULL", "3"]
    );
}
