//! A history whose every prefix is known. Each commit takes the next step: it appends an event to one of a
//! few sessions, starts it, or removes it. What a store holds is compared with the first steps.

use std::collections::BTreeMap;

use tenure_core::store::feed::FeedQuery;
use tenure_core::store::filter::Filter;
use tenure_core::store::{Expect, RecordChange};
use tenure_core::stored::record::Record;
use tenure_core::{Changes, History, SyncStore};
use tenure_sqlite::{Checked, SqliteStore};

use super::{event, head, history, id, list_of, put, remove};

const KIND: &str = "steps";

/// The session that a step changes.
fn session(step: u64) -> String {
    format!("s{}", step * step % 7)
}

/// Whether a step removes its session, if that exists.
fn is_removal(step: u64) -> bool {
    step % 23 == 22
}

fn data(step: u64) -> String {
    let length = step.wrapping_mul(2_654_435_761) % 9000;
    format!(
        r#"{{"step":{step},"text":"{}"}}"#,
        "x".repeat(length as usize)
    )
}

/// The number of steps that a store has taken.
pub(crate) fn taken(store: &dyn SyncStore) -> u64 {
    let record = store.record(KIND, "taken").unwrap();
    record.map_or(0, |record| record.version)
}

/// Takes the next step. Returns its number.
///
/// # Errors
/// Those of the store.
pub(crate) fn take(store: &dyn SyncStore) -> tenure_core::Result<u64> {
    let record = store.record(KIND, "taken")?;
    let step = record.map_or(0, |record| record.version) + 1;
    let name = session(step);
    let found = store.load(&id(&name), History::None)?;
    let mut changes = match found {
        Some(_) if is_removal(step) => remove(&name),
        Some(found) => {
            let mut head = found.head;
            let version = head.version;
            head.version += 1;
            head.event_count += 1;
            let events = vec![event(head.event_count, &data(step))];
            put(head, Expect::Version { version }, events)
        }
        None => put(
            tenure_core::Head {
                event_count: 1,
                ..head(&name)
            },
            Expect::Absent,
            vec![event(1, &data(step))],
        ),
    };
    note(&mut changes, step);
    apply_or_fail(store, &changes)?;
    Ok(step)
}

fn note(changes: &mut Changes, step: u64) {
    changes.records.push(RecordChange {
        kind: KIND.to_owned(),
        key: "taken".to_owned(),
        expect: Expect::Any,
        record: Some(Record {
            kind: KIND.to_owned(),
            key: "taken".to_owned(),
            version: step,
            expires_at: None,
            owner: None,
            body: String::new(),
        }),
    });
}

fn apply_or_fail(store: &dyn SyncStore, changes: &Changes) -> tenure_core::Result<()> {
    let commit = store.commit(changes)?;
    assert_eq!(commit, tenure_core::store::Commit::Applied);
    Ok(())
}

/// The sessions after this number of steps, each with its events, and the session that each step changes.
fn expected(steps: u64) -> (BTreeMap<String, Vec<String>>, Vec<String>) {
    let mut sessions = BTreeMap::<String, Vec<String>>::new();
    let mut feed = Vec::new();
    for step in 1..=steps {
        let name = session(step);
        feed.push(name.clone());
        if is_removal(step) && sessions.contains_key(&name) {
            sessions.remove(&name);
        } else {
            sessions.entry(name).or_default().push(data(step));
        }
    }
    (sessions, feed)
}

/// Checks that a store holds exactly the steps that it says it has taken, in its sessions, its feed and its
/// counts, that its file is intact, and that it takes the next step. Returns the number of steps before that.
#[track_caller]
pub(crate) fn check(store: &SqliteStore) -> u64 {
    let steps = taken(store);
    let (sessions, feed) = expected(steps);
    let query = list_of(Filter::default(), 100);
    let page = store.list(&query).unwrap();
    assert_eq!(page.problems, []);
    assert_eq!(page.heads.len(), sessions.len());
    for (name, events) in &sessions {
        assert!(
            history(store, name) == *events,
            "the history of {name} differs"
        );
    }
    let query = FeedQuery {
        after: Some(0),
        limit: 10_000,
    };
    let page = store.feed(&query).unwrap();
    let positions = page.changes.iter().map(|change| change.position);
    assert!(positions.eq(1..=steps), "positions are missing in the feed");
    assert!(page.changes.iter().map(|change| &change.key).eq(&feed));
    assert_eq!(store.check(false).unwrap(), Checked::default());
    assert_eq!(take(store).unwrap(), steps + 1);
    steps
}
