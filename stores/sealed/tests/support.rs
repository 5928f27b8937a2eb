//! Keys, and sessions with a word that must not be readable.

use std::sync::Arc;

use tenure_core::store::feed::ChangeKind;
use tenure_core::store::{Expect, SessionChange, SessionWrite};
use tenure_core::stored::agent::{Agent, StoredError};
use tenure_core::{
    Changes, Event, Head, Json, Millis, Result, SessionId, Status, SyncStore, Timestamp,
};
use tenure_sealed::{Seal, SealKey};

/// A word in each value of user data.
pub(crate) const SECRET: &str = "xyzzy-plugh";

/// Keys by their ids, of which the first one encrypts.
pub(crate) fn seal(keys: &[(&str, u8)], only: bool) -> Arc<Seal> {
    let keys = keys
        .iter()
        .map(|(id, byte)| SealKey::new(id, &[*byte; 32]).unwrap());
    let fill = |bits: &mut [u8]| {
        getrandom::fill(bits).unwrap();
        Ok(())
    };
    Arc::new(Seal::new(keys.collect(), only, Box::new(fill)).unwrap())
}

pub(crate) fn id(id: &str) -> SessionId {
    SessionId::parse(id).unwrap()
}

/// A head with user data in each property that has some.
pub(crate) fn head(name: &str, version: u64, events: u64) -> Head {
    let json = |property: &str| Json::parse(&format!(r#"{{"{property}":"{SECRET}"}}"#)).unwrap();
    let at = Timestamp::parse("2026-01-08T00:00:00Z")
        .unwrap()
        .plus(Millis(version));
    Head {
        id: id(name),
        version,
        user_id: Some("ann".to_owned()),
        channel_id: None,
        mode: "developer".to_owned(),
        task: format!("Say {SECRET}"),
        workspace: None,
        status: Status::Active,
        created_at: at,
        updated_at: at,
        iterations: 0,
        max_iterations: 10,
        context: json("context"),
        result: Some(SECRET.to_owned()),
        result_data: Some(json("resultData")),
        error: Some(SECRET.to_owned()),
        metadata: Some(Json::parse(&format!(r#"{{"model":"opus","note":"{SECRET}"}}"#)).unwrap()),
        event_count: events,
        usage: Default::default(),
        paused_at: None,
        finalized_at: None,
        parent_id: None,
        agent: Some(Box::new(Agent {
            summary: Some(SECRET.to_owned()),
            last_error: Some(StoredError {
                message: SECRET.to_owned(),
                timestamp: at,
            }),
            ..Agent::default()
        })),
        slot: None,
        deleted_at: None,
    }
}

pub(crate) fn events(first: u64, last: u64) -> Vec<Event> {
    let event = |sequence| Event {
        sequence,
        timestamp: Timestamp::default(),
        kind: "note".to_owned(),
        data: Json::parse(&format!(r#"{{"n":{sequence},"text":"{SECRET}"}}"#)).unwrap(),
    };
    (first..=last).map(event).collect()
}

/// Stores a session with a number of events.
pub(crate) fn put(store: &dyn SyncStore, name: &str, count: u64) -> Result<()> {
    let changes = Changes {
        sessions: vec![SessionChange {
            id: id(name),
            expect: Expect::Absent,
            write: SessionWrite::Put {
                head: Box::new(head(name, 1, count)),
                change: ChangeKind::Created,
                replace_history: false,
                events: events(1, count),
            },
        }],
        ..Changes::default()
    };
    store.commit(&changes).map(drop)
}
