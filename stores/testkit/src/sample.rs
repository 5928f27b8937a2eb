//! Heads, events, records and changes for cases, and the steps that cases consist of.

use tenure_core::store::filter::Trash;
use tenure_core::store::{
    Expect, ListQuery, Loaded, Page, RecordChange, SessionChange, SessionWrite,
};
use tenure_core::stored::agent::{Agent, StoredError};
use tenure_core::stored::approval::{ApprovalState, StoredApproval};
use tenure_core::stored::head::Usage;
use tenure_core::stored::record::Record;
use tenure_core::stored::slot::{Slot, SlotPhase};
use tenure_core::{
    Changes, Commit, Event, Filter, Head, History, Json, Order, Phase, SessionId, Status, Store,
    Timestamp,
};

use crate::check::{Check, Failure, same};

/// The largest safe integer of JavaScript.
pub(crate) const MAX_SAFE: u64 = (1 << 53) - 1;

/// A byte limit for pages that no case reaches.
pub(crate) const PLENTY: u64 = 1 << 30;

pub(crate) fn id(text: &str) -> SessionId {
    SessionId::parse(text).expect("the kit's ids are valid")
}

pub(crate) fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis).expect("the kit's times are within the calendar")
}

pub(crate) fn json(text: impl AsRef<str>) -> Json {
    Json::parse(text.as_ref()).expect("the kit's JSON is well-formed")
}

/// A plain head without history.
pub(crate) fn head(name: &str) -> Head {
    Head {
        id: id(name),
        version: 1,
        user_id: Some("user".to_owned()),
        channel_id: None,
        mode: "developer".to_owned(),
        task: "make it work".to_owned(),
        workspace: None,
        status: Status::Active,
        created_at: at(1_767_895_530_000),
        updated_at: at(1_767_895_530_000),
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

/// A head in which every field differs from those of [`head`] and [`least_head`].
pub(crate) fn full_head(name: &str) -> Head {
    Head {
        id: id(name),
        version: 7,
        user_id: Some("user 2".to_owned()),
        channel_id: Some("channel".to_owned()),
        mode: "tester".to_owned(),
        task: "break it".to_owned(),
        workspace: Some("/workspace".to_owned()),
        status: Status::Abandoned,
        created_at: at(1_767_895_530_001),
        updated_at: at(1_767_895_530_002),
        iterations: 3,
        max_iterations: 4,
        context: json(r#"{"step":1}"#),
        result: Some("a result".to_owned()),
        result_data: Some(json(r#"[{"pr":123},null]"#)),
        error: Some("an error".to_owned()),
        metadata: Some(json(r#"{"model":"m"}"#)),
        event_count: 0,
        usage: Usage {
            prompt_tokens: 11,
            completion_tokens: 12,
            cost_nanos: 13,
        },
        paused_at: Some(at(1_767_895_530_003)),
        finalized_at: Some(at(1_767_895_530_004)),
        parent_id: Some(id("parent")),
        agent: Some(Box::new(Agent {
            phase: Phase::Abandoned,
            resume_ready: true,
            error_count: 2,
            last_error: Some(StoredError {
                message: "a small error".to_owned(),
                timestamp: at(1_767_895_530_006),
            }),
            summary: Some("a summary".to_owned()),
            approval: Some(StoredApproval {
                state: ApprovalState::Denied,
                requested_at: at(1_767_895_530_007),
                by: Some("ada".to_owned()),
                decided_at: Some(at(1_767_895_530_008)),
            }),
        })),
        slot: Some(Box::new(Slot {
            task_id: "task".to_owned(),
            phase: SlotPhase::Verify,
            model: "a model".to_owned(),
            details: Some(json(r#"{"version":"2.1"}"#)),
        })),
        deleted_at: Some(at(1_767_895_530_005)),
    }
}

/// A head without optional fields, and with the smallest values in the others.
pub(crate) fn least_head(name: &str) -> Head {
    Head {
        version: 0,
        user_id: None,
        mode: String::new(),
        task: String::new(),
        created_at: Timestamp::MIN,
        updated_at: Timestamp::MIN,
        max_iterations: 0,
        ..head(name)
    }
}

/// An event whose data contains its sequence number.
pub(crate) fn event(sequence: u64) -> Event {
    Event {
        sequence,
        timestamp: at(1_767_895_530_000),
        kind: "tool_call".to_owned(),
        data: json(format!(r#"{{"n":{sequence}}}"#)),
    }
}

/// The events with the numbers from `first` to `last`.
pub(crate) fn events(first: u64, last: u64) -> Vec<Event> {
    (first..=last).map(event).collect()
}

pub(crate) fn record(kind: &str, key: &str) -> Record {
    Record {
        kind: kind.to_owned(),
        key: key.to_owned(),
        version: 1,
        expires_at: None,
        owner: None,
        body: format!("body of {key}"),
    }
}

/// A change that writes a head with the number of events that the session will have. `existing` is
/// the number of events that remain.
pub(crate) fn put(expect: Expect, head: &Head, existing: u64, events: Vec<Event>) -> SessionChange {
    let head = Head {
        event_count: existing + events.len() as u64,
        ..head.clone()
    };
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

pub(crate) fn remove(expect: Expect, name: &str) -> SessionChange {
    SessionChange {
        id: id(name),
        expect,
        write: SessionWrite::Delete,
    }
}

pub(crate) fn set(expect: Expect, record: Record) -> RecordChange {
    RecordChange::put(expect, record)
}

pub(crate) fn unset(expect: Expect, kind: &str, key: &str) -> RecordChange {
    RecordChange {
        kind: kind.to_owned(),
        key: key.to_owned(),
        expect,
        record: None,
    }
}

pub(crate) fn of_sessions(sessions: Vec<SessionChange>) -> Changes {
    Changes {
        sessions,
        records: Vec::new(),
    }
}

pub(crate) fn of_records(records: Vec<RecordChange>) -> Changes {
    Changes {
        sessions: Vec::new(),
        records,
    }
}

/// The query for the first `limit` sessions that match a filter.
pub(crate) fn query(filter: Filter, limit: u32) -> ListQuery {
    ListQuery {
        filter,
        order: Order::default(),
        after: None,
        offset: 0,
        limit,
        max_bytes: PLENTY,
    }
}

/// Commits changes, which must apply.
pub(crate) async fn apply(store: &dyn Store, changes: &Changes) -> Check {
    same(
        "the end of a commit",
        &store.commit(changes).await?,
        &Commit::Applied,
    )
}

/// Commits changes, which must be refused with this conflict.
pub(crate) async fn refuse(store: &dyn Store, changes: &Changes, conflict: &Commit) -> Check {
    same(
        "the end of a commit",
        &store.commit(changes).await?,
        conflict,
    )
}

/// Creates sessions without history, at most a hundred in a commit.
pub(crate) async fn create(store: &dyn Store, heads: &[Head]) -> Check {
    for heads in heads.chunks(100) {
        let changes = heads
            .iter()
            .map(|head| put(Expect::Absent, head, 0, Vec::new()));
        apply(store, &of_sessions(changes.collect())).await?;
    }
    Ok(())
}

/// Creates a session with events numbered from 1. Returns its stored head.
pub(crate) async fn create_with(store: &dyn Store, head: &Head, events: Vec<Event>) -> Check<Head> {
    let head = Head {
        event_count: events.len() as u64,
        ..head.clone()
    };
    apply(
        store,
        &of_sessions(vec![put(Expect::Absent, &head, 0, events)]),
    )
    .await?;
    Ok(head)
}

/// Loads a session, which must exist.
pub(crate) async fn load(store: &dyn Store, name: &str, history: History) -> Check<Loaded> {
    store
        .load(&id(name), history)
        .await?
        .ok_or_else(|| Failure::new(format!("session {name} is not there")))
}

/// Checks that a session exists with this head and exactly this history.
pub(crate) async fn is_stored(store: &dyn Store, head: &Head, events: &[Event]) -> Check {
    let loaded = load(store, head.id.as_str(), History::All).await?;
    same("the head", &loaded.head, head)?;
    same("the history", &loaded.events, &events.to_vec())
}

/// Checks that a session does not exist.
pub(crate) async fn is_absent(store: &dyn Store, name: &str) -> Check {
    same(
        "a session that is not there",
        &store.load(&id(name), History::All).await?,
        &None,
    )
}

/// Checks that a record exists as it was written.
pub(crate) async fn is_recorded(store: &dyn Store, record: &Record) -> Check {
    let stored = store.record(&record.kind, &record.key).await?;
    same("a record", &stored, &Some(record.clone()))
}

/// Lists sessions, which must be readable.
pub(crate) async fn list(store: &dyn Store, query: &ListQuery) -> Check<Page> {
    let page = store.list(query).await?;
    same("the problems of a page", &page.problems, &Vec::new())?;
    Ok(page)
}

/// The ids of heads.
pub(crate) fn ids(heads: &[Head]) -> Vec<&str> {
    heads.iter().map(|head| head.id.as_str()).collect()
}

/// The filter that matches every session, including those in the trash.
pub(crate) fn everything() -> Filter {
    Filter {
        trash: Trash::Include,
        ..Filter::default()
    }
}
