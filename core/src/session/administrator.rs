//! An administrator's hand: sessions that become what someone says they are, past the lifecycle.
//! [`overridden`] sets properties of a session, [`saved`] puts a whole one in place of what is kept. Both
//! say only what is to be written; nothing is recorded of it and nobody is told. What no one can set
//! (the version, when it was changed, how long its history is) still follows from what happens.

use crate::error::{Error, Result};
use crate::session::draft::merged;
use crate::session::portable::{self, Portable};
use crate::session::view::SessionHead;
use crate::stored::event::Event;
use crate::stored::head::Head;
use crate::stored::phase::Phase;
use crate::stored::status::Status;
use crate::value::json::{Json, Object};
use crate::value::limits::Limits;
use crate::value::time::Timestamp;

/// The properties that no administrator sets: whoever passes on a session means no harm with them.
const FOLLOWING: [&str; 9] = [
    "slot",
    "agentName",
    "purpose",
    "id",
    "version",
    "updatedAt",
    "eventCount",
    "deletedAt",
    "tenure",
];
const FINALIZED_AT: &str = "finalizedAt";

/// What is to become of a session.
#[derive(Debug, Clone, PartialEq)]
pub struct Overridden {
    /// Its head; version and time of change are still those from before.
    pub head: Head,
    /// Its history.
    pub past: Past,
}

/// What is to become of a history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Past {
    /// It stays, and these follow.
    Continued(Vec<Event>),
    /// These are all of it.
    Rewritten(Vec<Event>),
}

impl Past {
    /// The shortest way from the history that is kept to the one that is given.
    fn between(kept: &[Event], mut given: Vec<Event>) -> Self {
        if given.starts_with(kept) {
            Self::Continued(given.split_off(kept.len()))
        } else {
            Self::Rewritten(given)
        }
    }
}

/// A session with properties set as `updates` say: those of `context` and `metadata` are merged, `null`
/// clears a property that may be absent.
///
/// # Errors
/// `INVALID_ARGUMENT` for a property that no session has or a value that it cannot have, and those of
/// the limits.
pub fn overridden(
    kept: &Head,
    updates: &Json,
    now: Timestamp,
    limits: &Limits,
) -> Result<Overridden> {
    if !updates.is_object() {
        return Err(Error::invalid("updates", "expected an object"));
    }
    let mut updates = Object::parse(updates);
    for (key, _) in updates.by_key() {
        if !portable::PROPERTIES
            .iter()
            .any(|name| name.as_bytes() == key)
        {
            let key = String::from_utf8_lossy(key);
            let problem = format!("`{key}` is no property of a session");
            return Err(Error::invalid("updates", problem));
        }
    }
    for name in FOLLOWING {
        updates.remove(name);
    }
    let phase = updates.get("phase").map(str::to_owned);
    if let Some(phase) = &phase
        && phase != "null"
        && updates.read::<Phase>("phase").is_none()
    {
        let problem = format!("{phase} is no phase of an agent's work");
        return Err(Error::invalid("phase", problem));
    }
    if updates.read("maxIterations") == Some(0) {
        return Err(Error::invalid("maxIterations", "expected 1 or more"));
    }
    for (name, kept) in [
        ("context", Some(&kept.context)),
        ("metadata", kept.metadata.as_ref()),
    ] {
        if let Some(patch) = updates.get(name).filter(|text| *text != "null") {
            let patch = Json::parse(patch.to_owned())?;
            limits.object(name, &patch)?;
            updates.set(name, &merged(&kept.cloned().unwrap_or_default(), &patch));
        }
    }
    let writes_history = updates.get("history").is_some();
    let before = Json::of(&SessionHead::from(kept.clone()));
    let mut session = Object::parse(&before);
    session.merge(updates);
    if phase.is_some() {
        let mode = session.text("mode");
        session.set("agentName", &mode);
    }
    let given = portable::read(session.to_json().as_str())?.checked(limits)?;
    let ended = session.read(FINALIZED_AT);
    let past = if writes_history {
        Past::Rewritten(given.events)
    } else {
        Past::Continued(Vec::new())
    };
    Ok(settled(kept, given.head, ended, past, now))
}

/// A session in place of the one that is kept, whose whole history is `events`. Where the given one
/// continues that history, only what is new of it is to be written.
pub fn saved(
    kept: &Head,
    events: &[Event],
    given: Portable,
    ended: Option<Timestamp>,
    now: Timestamp,
) -> Overridden {
    let past = Past::between(events, given.events);
    settled(kept, given.head, ended, past, now)
}

/// When the text of a session says that it ended.
///
/// # Errors
/// `INVALID_ARGUMENT` for text that is no JSON.
pub fn ended(text: &str) -> Result<Option<Timestamp>> {
    Ok(Object::parse(&Json::parse(text.to_owned())?).read(FINALIZED_AT))
}

/// The given head with what follows from the kept one and from the status.
fn settled(
    kept: &Head,
    given: Head,
    ended: Option<Timestamp>,
    past: Past,
    now: Timestamp,
) -> Overridden {
    let mut head = Head {
        version: kept.version,
        updated_at: kept.updated_at,
        event_count: match &past {
            Past::Continued(events) => kept.event_count + events.len() as u64,
            Past::Rewritten(events) => events.len() as u64,
        },
        paused_at: (given.status == Status::Paused)
            .then_some(given.paused_at.or(kept.paused_at).unwrap_or(now)),
        finalized_at: given
            .status
            .is_finished()
            .then_some(ended.or(kept.finalized_at).unwrap_or(now)),
        // What is not said anew counts on as it was counted.
        usage: if given.metadata == kept.metadata {
            kept.usage
        } else {
            given.usage
        },
        parent_id: given.parent_id.clone().or_else(|| kept.parent_id.clone()),
        slot: kept.slot.clone(),
        deleted_at: kept.deleted_at,
        ..given
    };
    if let Some(agent) = &mut head.agent {
        agent.agree_with(head.status);
    }
    Overridden { head, past }
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
            kept in prop::collection::vec(0..2u8, 0..5),
            given in prop::collection::vec(0..2u8, 0..5),
        ) {
            let (kept, given) = (history(&kept), history(&given));
            let past = Past::between(&kept, given.clone());
            prop_assert_eq!(matches!(past, Past::Continued(_)), given.starts_with(&kept));
            let whole = match past {
                Past::Continued(events) => [kept, events].concat(),
                Past::Rewritten(events) => events,
            };
            prop_assert_eq!(whole, given);
        }

        #[test]
        fn what_follows_from_the_status_always_does(
            from in status(),
            to in status(),
            kept in prop::collection::vec(0..2u8, 0..4),
            given in prop::collection::vec(0..2u8, 0..4),
            ended in prop::option::of(0..9i64),
        ) {
            let before = session(from, history(&kept));
            let after = session(to, history(&given));
            let ended = ended.map(at);
            let saved = saved(&before.head, &before.events, after, ended, at(9));
            let updates = Json::parse(format!(r#"{{"status":"{to}"}}"#)).unwrap();
            let set = overridden(&before.head, &updates, at(9), &Limits::default()).unwrap();
            prop_assert!(matches!(&set.past, Past::Continued(events) if events.is_empty()));
            prop_assert_eq!(set.head.event_count, kept.len() as u64);
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
    fn whoever_passes_on_a_whole_session_means_no_harm() {
        let kept = session(Status::Paused, history(&[1])).head;
        let passed_on = Json::of(&SessionHead::from(kept.clone()));
        let set = overridden(&kept, &passed_on, at(9), &Limits::default()).unwrap();
        assert_eq!(set.head, kept);
    }
}
