//! Changes of sessions by an administrator, regardless of the lifecycle. [`overridden`] sets properties
//! of a session, [`saved`] replaces a session. Both compute the session to write, without events and
//! notifications. Derived properties (the version, the time of the last change, the number of events)
//! cannot be set.

use crate::error::{Error, Result};
use crate::session::draft::merged;
use crate::session::portable::{self, OTHER_PROPERTIES, Portable};
use crate::session::view::SessionHead;
use crate::stored::event::Event;
use crate::stored::head::Head;
use crate::stored::phase::Phase;
use crate::stored::status::Status;
use crate::value::json::{Json, Object};
use crate::value::limits::Limits;
use crate::value::properties::Property;
use crate::value::time::Timestamp;

/// The properties that cannot be set. They are ignored and not refused, so that a complete session can
/// be passed.
const DERIVED: [&str; 10] = [
    "slot",
    "agentName",
    "purpose",
    "id",
    "version",
    "updatedAt",
    "eventCount",
    "deletedAt",
    "approval",
    "tenure",
];
const FINALIZED_AT: &str = "finalizedAt";

/// An overridden session.
#[derive(Debug, Clone, PartialEq)]
pub struct Overridden {
    /// Its head, still with the stored version and time of change.
    pub head: Head,
    /// Its history.
    pub past: Past,
}

/// The history of an overridden session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Past {
    /// The stored history followed by these events.
    Continued(Vec<Event>),
    /// These events instead of the stored history.
    Rewritten(Vec<Event>),
}

impl Past {
    /// The smallest change from the stored history to the given one.
    fn between(stored: &[Event], mut given: Vec<Event>) -> Self {
        if given.starts_with(stored) {
            Self::Continued(given.split_off(stored.len()))
        } else {
            Self::Rewritten(given)
        }
    }
}

/// A session with the properties that `updates` sets. `context` and `metadata` are merged, `null` clears
/// an optional property.
///
/// # Errors
/// `INVALID_ARGUMENT` for an unknown property or an invalid value, `APPROVAL_PENDING`,
/// `APPROVAL_DECIDED`, and those of the limits.
pub fn overridden(
    stored: &Head,
    updates: &Json,
    now: Timestamp,
    limits: &Limits,
) -> Result<Overridden> {
    updates.require_object("updates")?;
    let mut updates = Object::parse(updates);
    let metadata = stored.metadata.as_ref().map(Object::parse);
    let others: Option<Json> = metadata.and_then(|metadata| metadata.read(OTHER_PROPERTIES));
    let others = others.unwrap_or_default();
    let others = Object::parse(&others);
    for (key, _) in updates.by_key() {
        let is_own = portable::PROPERTIES
            .iter()
            .any(|name| name.as_bytes() == key);
        if !is_own && !others.by_key().any(|(name, _)| name == key) {
            let key = String::from_utf8_lossy(key);
            let problem = format!("a session has no property `{key}`");
            return Err(Error::invalid("updates", problem));
        }
    }
    for name in DERIVED {
        updates.remove(name);
    }
    let phase = updates.get("phase").map(str::to_owned);
    if let Some(phase) = &phase
        && phase != "null"
        && Phase::read("phase", phase).is_err()
    {
        let problem = format!("{phase} is no phase of an agent's work");
        return Err(Error::invalid("phase", problem));
    }
    if updates.read("maxIterations") == Some(0_u32) {
        return Err(Error::invalid("maxIterations", "expected 1 or more"));
    }
    for (name, stored) in [
        ("context", Some(&stored.context)),
        ("metadata", stored.metadata.as_ref()),
    ] {
        if let Some(patch) = updates.get(name).filter(|text| *text != "null") {
            let patch = Json::parse(patch)?;
            limits.object(name, &patch)?;
            updates.set(name, &merged(&stored.cloned().unwrap_or_default(), &patch));
        }
    }
    let writes_history = updates.get("history").is_some();
    let before = Json::of(&SessionHead::from(stored.clone()));
    let mut session = Object::parse(&before);
    session.merge(updates);
    if phase.is_some() {
        let mode = session.text("mode");
        session.set("agentName", &mode);
    }
    let given = portable::read(session.to_json().as_str())?.checked(limits)?;
    if phase.as_deref() == Some("null") {
        stored.check_approval(&given.head)?;
    }
    let ended = session.read(FINALIZED_AT);
    let past = if writes_history {
        Past::Rewritten(given.events)
    } else {
        Past::Continued(Vec::new())
    };
    settled(stored, given.head, ended, past, now)
}

/// A session that replaces the stored one, whose complete history is `events`. If the given history
/// continues the stored one, only the new events are written.
///
/// # Errors
/// `APPROVAL_PENDING` and `APPROVAL_DECIDED`.
pub fn saved(
    stored: &Head,
    events: &[Event],
    given: Portable,
    ended: Option<Timestamp>,
    now: Timestamp,
) -> Result<Overridden> {
    let past = Past::between(events, given.events);
    settled(stored, given.head, ended, past, now)
}

/// The time of the end in the text of a session.
///
/// # Errors
/// `INVALID_ARGUMENT` for text that is no JSON.
pub fn ended(text: &str) -> Result<Option<Timestamp>> {
    Ok(Object::parse(&Json::parse(text)?).read(FINALIZED_AT))
}

/// The given head with the properties that are derived from the stored head and from the status.
fn settled(
    stored: &Head,
    given: Head,
    ended: Option<Timestamp>,
    past: Past,
    now: Timestamp,
) -> Result<Overridden> {
    let mut head = Head {
        version: stored.version,
        updated_at: stored.updated_at,
        event_count: match &past {
            Past::Continued(events) => stored.event_count + events.len() as u64,
            Past::Rewritten(events) => events.len() as u64,
        },
        paused_at: (given.status == Status::Paused)
            .then_some(given.paused_at.or(stored.paused_at).unwrap_or(now)),
        finalized_at: given
            .status
            .is_finished()
            .then_some(ended.or(stored.finalized_at).unwrap_or(now)),
        // If the metadata is unchanged, the counted usage stays.
        usage: if given.metadata == stored.metadata {
            stored.usage
        } else {
            given.usage
        },
        parent_id: given.parent_id.clone().or_else(|| stored.parent_id.clone()),
        slot: stored.slot.clone(),
        deleted_at: stored.deleted_at,
        ..given
    };
    // A request for approval is decided by `approve` and `deny` alone.
    if let Some(agent) = &mut head.agent {
        agent.approval = stored.agent.as_ref().and_then(|of| of.approval.clone());
    }
    let mut head = stored.replaced_by(head)?;
    if let Some(agent) = &mut head.agent {
        agent.agree_with(head.status);
    }
    Ok(Overridden { head, past })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::value::time::Timestamp;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis).unwrap()
    }

    fn history(kinds: &[u8]) -> Vec<Event> {
        kinds
            .iter()
            .zip(1..)
            .map(|(kind, sequence)| Event {
                sequence,
                timestamp: at(0),
                kind: kind.to_string(),
                data: Json::empty_object(),
            })
            .collect()
    }

    fn session(status: Status, events: Vec<Event>) -> Portable {
        let mut read = portable::read(
            r#"{"id":"s","mode":"m","task":"t","status":"active","createdAt":0,"version":3}"#,
        )
        .unwrap();
        read.head.status = status;
        read.head.paused_at = (status == Status::Paused).then(|| at(5));
        read.head.finalized_at = status.is_finished().then(|| at(6));
        read.head.event_count = events.len() as u64;
        read.events = events;
        read
    }

    fn status() -> impl Strategy<Value = Status> {
        prop::sample::select(&Status::ALL[..])
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_saved_history_is_the_one_that_is_given(
            stored in prop::collection::vec(0..2u8, 0..5),
            given in prop::collection::vec(0..2u8, 0..5),
        ) {
            let (stored, given) = (history(&stored), history(&given));
            let past = Past::between(&stored, given.clone());
            prop_assert_eq!(matches!(past, Past::Continued(_)), given.starts_with(&stored));
            let whole = match past {
                Past::Continued(events) => [stored, events].concat(),
                Past::Rewritten(events) => events,
            };
            prop_assert_eq!(whole, given);
        }

        #[test]
        fn what_follows_from_the_status_always_does(
            from in status(),
            to in status(),
            stored in prop::collection::vec(0..2u8, 0..4),
            given in prop::collection::vec(0..2u8, 0..4),
            ended in prop::option::of(0..9i64),
        ) {
            let before = session(from, history(&stored));
            let after = session(to, history(&given));
            let ended = ended.map(at);
            let saved = saved(&before.head, &before.events, after, ended, at(9)).unwrap();
            let updates = Json::parse(&format!(r#"{{"status":"{to}"}}"#)).unwrap();
            let set = overridden(&before.head, &updates, at(9), &Limits::default()).unwrap();
            prop_assert!(matches!(&set.past, Past::Continued(events) if events.is_empty()));
            prop_assert_eq!(set.head.event_count, stored.len() as u64);
            prop_assert_eq!(saved.head.event_count, given.len() as u64);
            for head in [&saved.head, &set.head] {
                prop_assert_eq!(head.status, to);
                prop_assert_eq!(head.finalized_at.is_some(), to.is_finished());
                prop_assert_eq!(head.paused_at.is_some(), to == Status::Paused);
                prop_assert_eq!(head.version, before.head.version);
                prop_assert_eq!(head.updated_at, before.head.updated_at);
            }
            if from == to {
                prop_assert_eq!(&set.head, &before.head);
            }
            if let (Some(ended), true) = (ended, to.is_finished()) {
                prop_assert_eq!(saved.head.finalized_at, Some(ended));
            }
        }
    }

    #[test]
    fn the_properties_of_other_programs_can_be_set_and_no_new_ones() {
        let stored = portable::read(
            r#"{"id":"s","mode":"m","task":"t","status":"active","createdAt":0,"guildId":"g","tags":[],"metadata":{"a":1}}"#,
        )
        .unwrap()
        .head;
        let set = |updates: &str| {
            let updates = Json::parse(updates).unwrap();
            overridden(&stored, &updates, at(9), &Limits::default())
        };
        let metadata = set(r#"{"guildId":"h"}"#).unwrap().head.metadata.unwrap();
        assert_eq!(
            metadata.as_str(),
            r#"{"otherProperties":{"guildId":"h","tags":[]},"a":1}"#
        );
        assert!(set(r#"{"guild":"h"}"#).is_err());
    }

    #[test]
    fn passing_a_complete_session_changes_nothing() {
        let stored = session(Status::Paused, history(&[1])).head;
        let passed_on = Json::of(&SessionHead::from(stored.clone()));
        let set = overridden(&stored, &passed_on, at(9), &Limits::default()).unwrap();
        assert_eq!(set.head, stored);
    }
}
