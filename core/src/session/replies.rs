//! The replies of the operations on sessions, other than sessions.

use serde::Serialize;

use crate::error::{Error, cut};
use crate::session::view::{SessionEvent, SessionHead};
use crate::store::Problem;
use crate::stored::head::Head;
use crate::stored::status::Status;
use crate::value::id::SessionId;
use crate::value::json::Json;
use crate::value::time::Timestamp;

/// The result of appending events. Its size does not grow with the session.
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
    /// Whether the call repeated an earlier one with the same idempotency key, and wrote nothing.
    pub replayed: bool,
    /// The id of the tool call, of `startToolCall` alone.
    #[cfg_attr(feature = "ts", ts(optional))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call_id: Option<String>,
}

/// The context that an agent needs to continue a session.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct SessionContext {
    /// The id of the session.
    pub session_id: SessionId,
    /// The agent's task.
    pub task: String,
    /// The kind of agent.
    pub mode: String,
    /// The workspace of the session, such as a directory; `null` if it has none.
    pub workspace: Option<String>,
    /// The status of the session.
    pub status: Status,
    /// The number of iterations used.
    pub iterations: u32,
    /// The number of iterations allowed.
    pub max_iterations: u32,
    /// The user's state, a JSON object.
    pub context: Json,
    /// The last events, ten by default.
    pub recent_history: Vec<SessionEvent>,
    /// The tool calls that were started and not finished. After a crash it is in doubt whether they were
    /// carried out. Absent if there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "ts", ts(optional, type = "Array<UnfinishedToolCall>"))]
    pub unfinished_tool_calls: Vec<Json>,
}

impl SessionContext {
    /// The context of a session with this head, these last events and these unfinished tool calls.
    pub fn new(
        head: Head,
        recent_history: Vec<SessionEvent>,
        unfinished_tool_calls: Vec<Json>,
    ) -> Self {
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
            unfinished_tool_calls,
        }
    }
}

/// A page of a history.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase")]
pub struct EventPage {
    /// The events in their order.
    pub items: Vec<SessionEvent>,
    /// The `after` of the next page; absent on the last page, and in the order `"desc"`. A page may have
    /// fewer events than `limit`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_after: Option<u64>,
    /// The `before` of the next page in the order `"desc"`; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_before: Option<u64>,
}

/// A page of sessions.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase")]
pub struct SessionPage {
    /// The sessions in their order, without their histories.
    pub items: Vec<SessionHead>,
    /// The `cursor` of the next page; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
    /// Sessions that could not be read. They do not affect the others.
    pub problems: Vec<Problem>,
}

/// A session that an operation refused, and the error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct Refusal {
    /// The id of the session, as the caller passed it.
    pub id: String,
    /// The code of the error.
    #[cfg_attr(feature = "ts", ts(type = "CoreErrorCode"))]
    pub code: &'static str,
    /// The message of the error.
    pub message: String,
}

impl Refusal {
    /// The refusal of a session with this error.
    pub(crate) fn new(id: &str, error: &Error) -> Self {
        Self {
            id: cut(id.to_owned()),
            code: error.code(),
            message: error.to_string(),
        }
    }
}

/// The result of a bulk operation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct BulkResult {
    /// The sessions that are in the requested state now.
    pub done: Vec<SessionId>,
    /// The refused sessions. After an error of the store all remaining sessions are refused.
    pub refused: Vec<Refusal>,
}

/// The result of removing expired records.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct RecordsCleaned {
    /// The number of expired runs and locks of commits.
    pub runs: u64,
    /// The number of entries of the audit log.
    pub entries: u64,
    /// Whether the call was a dry run and removed nothing.
    pub dry_run: bool,
}

/// The result of a cleanup of sessions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase")]
pub struct CleanupResult {
    /// The number of sessions that were removed, or would be removed.
    pub removed: u64,
    /// The ids of the first 1,000 removed sessions.
    pub ids: Vec<SessionId>,
    /// The number of agents that were deleted from the trash, or would be; only of `agentCleanup`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deleted: Option<u64>,
    /// The first 1,000 sessions that could not be removed. Sessions that have just changed, or that a
    /// runner holds, are not among them: they stay. Sessions that cannot be read are; a store that cannot
    /// tell whether they would be removed names all of them.
    pub failed: Vec<Refusal>,
    /// Whether the call was a dry run and removed nothing.
    pub dry_run: bool,
    /// The `cursor` of the next call; present if this one ended because of its `limit`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

crate::read_replies! {
    RecordsCleaned { runs, entries, dry_run }
}
