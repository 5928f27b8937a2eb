//! The parameters and the reply of the operation that reads the feed.

use serde::Serialize;

use crate::audit::params::AuditView;
use crate::lease::params::LeaseView;
pub use crate::session::params::ChangesSinceParams;
use crate::session::view::{SessionEvent, SessionHead};
use crate::store::feed::ChangeKind;

/// A change of a session, of a lease or of the audit log.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// Its position: greater than that of every earlier change.
    pub position: u64,
    /// What it did: to a session, or `lease` or `audit`.
    pub kind: ChangeKind,
    /// The id of the session, the key of the lease, or the key of the entry.
    pub id: String,
    /// The session as it is now, which may be later than the change; absent if it was deleted since.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionHead>,
    /// The events that the change appended; absent if there are none, or their history was removed or
    /// replaced since.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub events: Option<Vec<SessionEvent>>,
    /// Where `events` does not have all that the change appended, since they are large: the `after` with which
    /// the operation `events` returns the rest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_after: Option<u64>,
    /// The lease as it is now; absent if it was removed since.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lease: Option<LeaseView>,
    /// The entry of the audit log; absent if it was removed since.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audit: Option<AuditView>,
}

/// A part of the feed.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct ChangePage {
    /// The changes, in the order of the commits.
    pub items: Vec<Change>,
    /// The position from which to go on.
    pub position: u64,
    /// Whether there were further changes.
    pub more: bool,
}
