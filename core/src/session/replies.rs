//! What operations answer with, beyond the session itself.

use serde::Serialize;

use crate::error::{Error, cut};
use crate::session::view::{SessionEvent, SessionHead};
use crate::store::Problem;
use crate::stored::head::Head;
use crate::stored::status::Status;
use crate::value::id::SessionId;
use crate::value::json::Json;
use crate::value::time::Timestamp;

/// What appending events has come to: enough to go on with, at a cost that does not grow with the
/// session.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct Appended {
    /// The session.
    pub id: SessionId,
    /// The sequence number of the first event that the call wrote.
    pub first_sequence: u64,
    /// The sequence number of the last event that the call wrote.
    pub last_sequence: u64,
    /// The session's status now: a loop ends when it is no longer `active`.
    pub status: Status,
    /// Iterations used.
    pub iterations: u32,
    /// Iterations allowed.
    pub max_iterations: u32,
    /// The session's version now.
    pub version: u64,
    /// When the session was last changed.
    pub updated_at: Timestamp,
    /// Whether the call was a repeat, by its idempotency key, and wrote nothing.
    pub replayed: bool,
}

/// What an agent needs to go on with a session.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct SessionContext {
    /// The session.
    pub session_id: SessionId,
    /// What the agent is to do.
    pub task: String,
    /// The kind of agent.
    pub mode: String,
    /// Where it works.
    pub workspace: Option<String>,
    /// Where the session is in its life.
    pub status: Status,
    /// Iterations used.
    pub iterations: u32,
    /// Iterations allowed.
    pub max_iterations: u32,
    /// The user's own state.
    pub context: Json,
    /// The last ten events.
    pub recent_history: Vec<SessionEvent>,
}

impl SessionContext {
    /// Puts a head and its last events together.
    pub fn new(head: Head, recent_history: Vec<SessionEvent>) -> Self {
        Self {
            session_id: head.id,
            task: head.task,
            mode: head.mode,
            workspace: head.workspace,
            status: head.status,
            iterations: head.iterations,
            max_iterations: head.max_iterations,
            context: head.context,
            recent_history,
        }
    }
}

/// A part of a history.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase")]
pub struct EventPage {
    /// The events in their order.
    pub items: Vec<SessionEvent>,
    /// Where to go on, as `after`; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_after: Option<u64>,
}

/// A part of a list.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase")]
pub struct SessionPage {
    /// The sessions in their order, without their histories.
    pub items: Vec<SessionHead>,
    /// Where to go on, as `cursor`; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
    /// Sessions that could not be read; they hide no others.
    pub problems: Vec<Problem>,
}

/// A session to which something could not be done, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct Refusal {
    /// The session, as it was named.
    pub id: String,
    /// The code of the error that the call for it alone would have ended with.
    #[cfg_attr(feature = "ts", ts(type = "CoreErrorCode"))]
    pub code: &'static str,
    /// What was wrong, and what to do.
    pub message: String,
}

impl Refusal {
    /// What an error says of a session.
    pub(crate) fn new(id: &str, error: &Error) -> Self {
        Self {
            id: cut(id.to_owned()),
            code: error.code(),
            message: error.to_string(),
        }
    }
}

/// What was done to many sessions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct BulkResult {
    /// Those to which it was done, or that were so already.
    pub done: Vec<SessionId>,
    /// Those to which it could not be done. After an error of the store nothing more is tried, and all
    /// that were left are here.
    pub refused: Vec<Refusal>,
}

/// What was removed beside sessions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct RecordsCleaned {
    /// How many runs and locks of commits that had run out.
    pub runs: u64,
    /// How many entries of the audit log.
    pub entries: u64,
    /// Whether nothing was removed because only a plan was asked for.
    pub dry_run: bool,
}

/// What a cleanup removed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase")]
pub struct CleanupResult {
    /// How many sessions were removed, or would be.
    pub removed: u64,
    /// The first 1,000 of them.
    pub ids: Vec<SessionId>,
    /// Sessions that could not be removed, the first 1,000 of them. Those that somebody has just
    /// changed, or runs, are not among them: they stay.
    pub failed: Vec<Refusal>,
    /// Whether nothing was removed because only a plan was asked for.
    pub dry_run: bool,
    /// Where to go on, as `cursor`, where the call ended because of its `limit`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}
