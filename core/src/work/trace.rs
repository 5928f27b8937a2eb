//! The traces of a session: which call has appended which events. A record for each call that brings a position in a
//! trace, written in the commit of its events, and removed with the session. Calls without one write none.

use crate::store::{Expect, RecordChange, SessionChange, SessionWrite};
use crate::stored::record::Record;
use crate::value::id::SessionId;
use crate::value::traceparent::TraceParent;

/// The kind of the records.
pub const KIND: &str = "trace";
/// The digits of a sequence number in a key, so that keys are in the order of the events.
const DIGITS: usize = 16;

/// The records that a call adds to its changes of sessions.
pub(crate) fn of_changes(sessions: &[SessionChange], trace: TraceParent) -> Vec<RecordChange> {
    let mut records = Vec::new();
    for change in sessions {
        let SessionWrite::Put { events, .. } = &change.write else {
            continue;
        };
        let (Some(first), Some(last)) = (events.first(), events.last()) else {
            continue;
        };
        let record = Record {
            kind: KIND.to_owned(),
            key: key(&change.id, first.sequence),
            version: 1,
            expires_at: None,
            owner: Some(change.id.clone()),
            body: format!(
                r#"{{"traceparent":"{trace}","first":{},"last":{}}}"#,
                first.sequence, last.sequence
            ),
        };
        // A history that was replaced has had an event with this number.
        records.push(RecordChange::put(Expect::Any, record));
    }
    records
}

/// The key of the call that has appended an event first.
pub fn key(id: &SessionId, sequence: u64) -> String {
    format!("{id}/{sequence:0DIGITS$}")
}

/// The beginning of the keys of a session.
pub fn prefix(id: &SessionId) -> String {
    format!("{id}/")
}
