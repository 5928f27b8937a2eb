//! Helpers for the tests of the synchronous stores: builders of changes, common steps, and child
//! processes. The behaviour that every store must have is tested by the conformance kit in
//! `stores/testkit`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod mounts;
#[cfg(unix)]
mod permissions;
mod process;
mod thread;

use tenure_core::store::{Commit, Expect, SessionChange, SessionWrite};
use tenure_core::stored::head::Usage;
use tenure_core::{
    Changes, Event, Head, History, Json, Result, SessionId, Status, SyncStore, Timestamp,
};

pub use mounts::on_a_file_system;
#[cfg(unix)]
pub use permissions::{permissions, permissions_below, set_permissions};
pub use process::{given_path, process, process_of, succeed};
pub use thread::OnThread;

/// `number` at the scale of this run; at least one. `TENURE_TEST_SCALE` is the scale: 1 for a
/// thorough run, a tenth by default.
pub fn scaled(number: u32) -> u32 {
    let scale = std::env::var("TENURE_TEST_SCALE")
        .ok()
        .and_then(|scale| scale.parse().ok());
    ((f64::from(number) * scale.unwrap_or(0.1)).ceil() as u32).max(1)
}

/// A session's id.
pub fn id(id: &str) -> SessionId {
    SessionId::parse(id).unwrap()
}

/// A time.
pub fn time(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis).unwrap()
}

/// A new session without events.
pub fn head(name: &str) -> Head {
    Head {
        id: id(name),
        version: 1,
        user_id: Some("user".to_owned()),
        channel_id: Some("channel".to_owned()),
        mode: "developer".to_owned(),
        task: "Write a test".to_owned(),
        workspace: None,
        status: Status::Active,
        created_at: time(1_000),
        updated_at: time(1_000),
        iterations: 0,
        max_iterations: 100,
        context: Json::empty_object(),
        result: None,
        result_data: None,
        error: None,
        metadata: None,
        event_count: 0,
        usage: Usage::default(),
        paused_at: None,
        finalized_at: None,
        parent_id: None,
        agent: None,
        slot: None,
        deleted_at: None,
    }
}

/// An event with this data.
pub fn event(sequence: u64, data: &str) -> Event {
    Event {
        sequence,
        timestamp: time(1_000),
        kind: "note".to_owned(),
        data: Json::parse(data).unwrap(),
    }
}

/// A change that writes `head` and `events` if `expect` is met.
pub fn put_change(head: Head, expect: Expect, events: Vec<Event>) -> SessionChange {
    SessionChange {
        id: head.id.clone(),
        expect,
        write: SessionWrite::Put {
            head: Box::new(head),
            change: expect.change(),
            replace_history: false,
            events,
        },
    }
}

/// Writes `head` and `events` if `expect` is met.
pub fn put(head: Head, expect: Expect, events: Vec<Event>) -> Changes {
    Changes {
        sessions: vec![put_change(head, expect, events)],
        records: Vec::new(),
    }
}

/// Removes a session.
pub fn remove(name: &str) -> Changes {
    Changes {
        sessions: vec![SessionChange {
            id: id(name),
            expect: Expect::Present,
            write: SessionWrite::Delete,
        }],
        records: Vec::new(),
    }
}

/// Commits changes, which must apply.
pub fn apply(store: &dyn SyncStore, changes: &Changes) {
    assert_eq!(store.commit(changes).unwrap(), Commit::Applied);
}

/// Writes a new session.
pub fn start(store: &dyn SyncStore, head: Head) {
    apply(store, &put(head, Expect::Absent, Vec::new()));
}

/// Loads a session, adds one event and writes it, as an append does. Returns the number of the
/// event.
///
/// # Errors
/// Those of the store.
pub fn append(store: &dyn SyncStore, id: &SessionId, data: &str) -> Result<u64> {
    let mut head = store.load(id, History::None)?.unwrap().head;
    let expect = Expect::Version {
        version: head.version,
    };
    head.version += 1;
    head.event_count += 1;
    head.updated_at = time(head.updated_at.as_millis() + 1);
    let sequence = head.event_count;
    let commit = store.commit(&put(head, expect, vec![event(sequence, data)]))?;
    assert_eq!(commit, Commit::Applied);
    Ok(sequence)
}

/// The data of a session's events.
pub fn history(store: &dyn SyncStore, name: &str) -> Vec<String> {
    let loaded = store.load(&id(name), History::All).unwrap().unwrap();
    loaded
        .events
        .iter()
        .map(|event| event.data.as_str().to_owned())
        .collect()
}
