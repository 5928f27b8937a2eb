//! An unreadable session is reported, does not affect other sessions, is never overwritten, and can
//! be removed.

use crate::common::{
    Place, append, apply, event, head, id, ids, list, put, record, remove, set, start,
};
use tenure_core::session::stats::Stats;
use tenure_core::store::filter::Filter;
use tenure_core::store::tally::Aggregate;
use tenure_core::store::{Commit, Expect, SessionWrite};
use tenure_core::{Changes, Error, History, Json, SyncStore};

const FILE: &str = "a/session.json";

/// A store with a small session and a second session, and the text of the first session's file.
fn damaged() -> (Place, tenure_file::FileStore, Vec<u8>) {
    let place = Place::new();
    let store = place.open();
    let mut small = head("a");
    small.event_count = 1;
    small.metadata = Some(Json::parse(r#"{"cost":1e400}"#).unwrap());
    apply(
        &store,
        &put(
            small,
            Expect::Absent,
            vec![event(1, r#"{"n":[1,"\ud800"]}"#)],
        ),
    );
    start(&store, head("b"));
    let text = std::fs::read(place.at(FILE)).unwrap();
    (place, store, text)
}

/// Checks that all ways to read a session agree on whether it is readable. Returns whether it is
/// reported as unreadable.
fn is_reported_as_unreadable(store: &dyn SyncStore) -> bool {
    let whole = store.load(&id("a"), History::All);
    let alone = store.load(&id("a"), History::None);
    let page = list(store);
    assert!(page.heads.iter().any(|head| head.id == id("b")));
    match (&whole, &alone) {
        (Ok(Some(whole)), Ok(Some(alone))) => {
            assert_eq!(whole.head, alone.head);
            assert_eq!(page.problems, []);
            assert_eq!(page.heads.len(), 2);
            false
        }
        (Err(whole), Err(alone)) => {
            assert_eq!(whole, alone);
            assert_eq!(whole.code(), "CORRUPT_SESSION");
            assert!(whole.to_string().contains(FILE), "{whole}");
            assert_eq!(page.heads.len(), 1);
            assert_eq!(page.problems.len(), 1);
            assert_eq!(page.problems[0].id, "a");
            assert!(page.problems[0].problem.contains(FILE));
            true
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_truncated_session_file_is_reported() {
    let (place, store, text) = damaged();
    for end in 0..text.len() {
        std::fs::write(place.at(FILE), &text[..end]).unwrap();
        assert!(
            is_reported_as_unreadable(&store),
            "cut off after {end} bytes"
        );
    }
    std::fs::write(place.at(FILE), &text).unwrap();
    assert!(!is_reported_as_unreadable(&store));
}

#[test]
fn a_session_file_with_one_changed_byte_is_readable_or_reported() {
    let (place, store, text) = damaged();
    let mut reported = 0;
    for at in 0..text.len() {
        for garbage in [0, b'"', b'}', b'9', 0xFF] {
            let mut damaged = text.clone();
            damaged[at] = garbage;
            std::fs::write(place.at(FILE), &damaged).unwrap();
            reported += usize::from(is_reported_as_unreadable(&store));
        }
    }
    assert!(reported > text.len());
}

#[test]
fn an_unreadable_session_is_never_overwritten() {
    let (place, store, text) = damaged();
    let cut = &text[..text.len() / 2];
    std::fs::write(place.at(FILE), cut).unwrap();
    let corrupt =
        |result: Result<Commit, Error>| assert_eq!(result.unwrap_err().code(), "CORRUPT_SESSION");
    for expect in [
        Expect::Absent,
        Expect::Present,
        Expect::Any,
        Expect::Version { version: 1 },
    ] {
        corrupt(store.commit(&put(head("a"), expect, Vec::new())));
    }
    assert_eq!(
        append(&store, &id("a"), "1").unwrap_err().code(),
        "CORRUPT_SESSION"
    );
    assert_eq!(std::fs::read(place.at(FILE)).unwrap(), cut);

    // An import replaces the file. Each time, the unreadable file is kept under another name.
    for number in 1..=2 {
        let mut import = put(head("a"), Expect::Any, Vec::new());
        if let SessionWrite::Put {
            replace_history, ..
        } = &mut import.sessions[0].write
        {
            *replace_history = true;
        }
        apply(&store, &import);
        assert!(!is_reported_as_unreadable(&store));
        let aside = match number {
            1 => "a/session.json.unreadable".to_owned(),
            number => format!("a/session.json.unreadable-{number}"),
        };
        assert_eq!(std::fs::read(place.at(&aside)).unwrap(), cut);
        std::fs::write(place.at(FILE), cut).unwrap();
    }
    apply(&store, &remove("a"));
    assert_eq!(store.load(&id("a"), History::None).unwrap(), None);
    assert!(!place.at("a").exists());
}

#[test]
fn an_unreadable_session_is_removed_with_its_records() {
    let (place, store, text) = damaged();
    let owned = [
        record("kind", "k", Some("a"), 1),
        record("kind", "a/k", Some("a"), 1),
    ];
    for record in &owned {
        let records = vec![set(record.clone())];
        apply(
            &store,
            &Changes {
                records,
                ..Changes::default()
            },
        );
        assert_eq!(
            store.record("kind", &record.key).unwrap().as_ref(),
            Some(record)
        );
    }
    std::fs::write(place.at(FILE), &text[..9]).unwrap();
    for record in &owned {
        // Whether the record exists is unknown.
        assert_eq!(
            store.record("kind", &record.key).unwrap_err().code(),
            "CORRUPT_SESSION"
        );
    }
    apply(&store, &remove("a"));
    for record in &owned {
        assert_eq!(store.record("kind", &record.key).unwrap(), None);
    }
}

#[test]
fn a_folder_without_a_session_file_is_no_session() {
    let (place, store, _) = damaged();
    std::fs::remove_file(place.at(FILE)).unwrap();
    // A folder without a session file is ignored, and a session can be started in it.
    assert_eq!(store.load(&id("a"), History::All).unwrap(), None);
    assert_eq!(list(&store).problems, []);
    // A folder in place of the session file is reported.
    std::fs::create_dir(place.at(FILE)).unwrap();
    place.write("a/session.json/inside", "kept");
    assert!(is_reported_as_unreadable(&store));
    apply(&store, &remove("a"));
    std::fs::create_dir(place.at("a")).unwrap();
    start(&store, head("a"));
    assert!(!is_reported_as_unreadable(&store));
}

#[test]
fn unreadable_sessions_are_on_the_first_page_only_and_not_in_statistics() {
    let (place, store, _) = damaged();
    place.write(FILE, "{}");
    place.write("not an id/session.json", "{}");
    let page = list(&store);
    let named: Vec<&str> = page
        .problems
        .iter()
        .map(|problem| problem.id.as_str())
        .collect();
    assert_eq!(named, ["a", "not an id"]);
    let order = tenure_core::Order::default();
    let query = tenure_core::store::ListQuery {
        filter: Filter::default(),
        order,
        after: Some(order.position(&page.heads[0])),
        offset: 0,
        limit: 10,
        max_bytes: u64::MAX,
    };
    assert_eq!(store.list(&query).unwrap().problems, []);
    let tally = store
        .tally(&Filter::default(), Aggregate::Counts { users: 0 })
        .unwrap()
        .unwrap();
    assert_eq!(Stats::of(&tally).total, 1);
}

#[test]
fn a_file_in_the_wrong_folder_is_reported() {
    let (place, store, text) = damaged();
    place.write("c/session.json", text);
    let error = store.load(&id("c"), History::All).unwrap_err();
    assert_eq!(error.code(), "CORRUPT_SESSION");
    assert!(error.to_string().contains("holds session a"), "{error}");
    assert_eq!(ids(&store), ["a", "b"]);
}

#[test]
fn an_intent_with_invalid_paths_is_reported_and_writes_nothing() {
    let (place, store, text) = damaged();
    let outside = place.folder().parent().unwrap().join("outside");
    for target in [
        r#"{"session":"../outside"}"#,
        r#"{"records":"../../../outside"}"#,
        r#"{"records":"a/.."}"#,
    ] {
        place.write(
            ".tenure/intent.json",
            format!(r#"{{"number":7,"files":[{{"target":{target},"text":"x"}}]}}"#),
        );
        let error = append(&store, &id("b"), "1").unwrap_err();
        assert_eq!(error.code(), "STORE_UNAVAILABLE");
        assert!(error.to_string().contains("intent.json"), "{error}");
        assert!(!outside.exists());
    }
    std::fs::remove_file(place.at(".tenure/intent.json")).unwrap();
    assert_eq!(std::fs::read(place.at(FILE)).unwrap(), text);
    append(&store, &id("b"), "1").unwrap();
}
