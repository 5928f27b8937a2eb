//! A session as callers see it: user data as JSON, times as text. [`SessionHead`] leaves the history
//! out, [`Session`] adds it.

use serde::Serialize;

use crate::declare_params;
use crate::stored::agent::LastError;
use crate::stored::approval::Approval;
use crate::stored::event::Event;
use crate::stored::head::Head;
use crate::stored::phase::Phase;
use crate::stored::slot::SlotView;
use crate::stored::status::Status;
use crate::value::id::SessionId;
use crate::value::json::Json;
use crate::value::text::Text;
use crate::value::time::Timestamp;

/// A session without its history.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase")]
pub struct SessionHead {
    /// The id of the session.
    pub id: SessionId,
    /// The id of the user that the session runs for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// The id of the channel that the session was started in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel_id: Option<String>,
    /// The kind of agent, such as `developer`.
    pub mode: String,
    /// The agent's task.
    pub task: String,
    /// The workspace of the session, such as a directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workspace: Option<String>,
    /// The status of the session.
    pub status: Status,
    /// When it was started.
    pub created_at: Timestamp,
    /// When it was last changed; it never decreases.
    pub updated_at: Timestamp,
    /// The number of iterations used.
    pub iterations: u32,
    /// The number of iterations allowed; the last one makes the session `timeout`.
    pub max_iterations: u32,
    /// The user's state, a JSON object, which survives restarts.
    pub context: Json,
    /// The result of a completed session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
    /// The result of a completed session as JSON, of any type.
    #[cfg_attr(feature = "ts", ts(optional, type = "unknown"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result_data: Option<Json>,
    /// The error of a failed session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Metadata of the run, a JSON object: model, tools used, tokens, cost.
    #[cfg_attr(feature = "ts", ts(optional, type = "SessionMetadata"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Json>,
    /// The version, for `ifVersion`: the number of changes to the session, from 1.
    pub version: u64,
    /// The number of events in the complete history.
    pub event_count: u64,
    /// When it reached a final status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finalized_at: Option<Timestamp>,
    /// The id of the session that it was forked from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<SessionId>,
    /// When it was put into the trash; absent outside of the trash.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Timestamp>,
    /// The agent's name, which is the mode; present for an agent's session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_name: Option<String>,
    /// The agent's purpose, which is the task; present for an agent's session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    /// The agent's phase.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase: Option<Phase>,
    /// Whether the agent may be resumed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resume_ready: Option<bool>,
    /// The number of errors that the agent has met.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_count: Option<u32>,
    /// The last error that the agent met.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<LastError>,
    /// A summary of the agent's work.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// The approval that the agent has requested last, and the decision.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval: Option<Approval>,
    /// The slot of the session, and its model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slot: Option<SlotView>,
    /// In replies of `get` and `list`: `true` if its model is not among the known models; otherwise
    /// absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model_missing: Option<bool>,
    /// The message for users; present if the model is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<&'static str>,
}

/// The message of a session whose model is missing.
pub const MODEL_MISSING: &str = "The model of this session is no longer available. It can be viewed, exported, deleted or replaced.";

/// The properties of a session as it is shown that no session has.
pub const MARKS: [&str; 2] = ["modelMissing", "message"];

impl SessionHead {
    /// The session, marked if its model is missing.
    pub(crate) fn marked(head: Head, is_missing: bool) -> Self {
        Self {
            model_missing: is_missing.then_some(true),
            message: is_missing.then_some(MODEL_MISSING),
            ..Self::from(head)
        }
    }
}

impl From<Head> for SessionHead {
    fn from(head: Head) -> Self {
        let is_agents = head.agent.is_some();
        let agent = head.agent.unwrap_or_default();
        Self {
            agent_name: is_agents.then(|| head.mode.clone()),
            purpose: is_agents.then(|| head.task.clone()),
            phase: is_agents.then_some(agent.phase),
            resume_ready: is_agents.then_some(agent.resume_ready),
            error_count: is_agents.then_some(agent.error_count),
            last_error: agent.last_error.map(LastError::from),
            summary: agent.summary,
            approval: agent.approval.map(Approval::from),
            slot: head.slot.map(|slot| SlotView::from(*slot)),
            model_missing: None,
            message: None,
            id: head.id,
            user_id: head.user_id,
            channel_id: head.channel_id,
            mode: head.mode,
            task: head.task,
            workspace: head.workspace,
            status: head.status,
            created_at: head.created_at,
            updated_at: head.updated_at,
            iterations: head.iterations,
            max_iterations: head.max_iterations,
            context: head.context,
            result: head.result,
            result_data: head.result_data,
            error: head.error,
            metadata: head.metadata,
            version: head.version,
            event_count: head.event_count,
            finalized_at: head.finalized_at,
            parent_id: head.parent_id,
            deleted_at: head.deleted_at,
        }
    }
}

/// A session with the requested part of its history.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Session {
    /// The session without its history.
    #[serde(flatten)]
    pub head: SessionHead,
    /// Events in their order. `eventCount` is their total number.
    pub history: Vec<SessionEvent>,
}

impl Session {
    /// A session with this stored head and these events.
    pub fn new(head: Head, events: Vec<Event>) -> Self {
        Self {
            head: head.into(),
            history: events.into_iter().map(SessionEvent::from).collect(),
        }
    }
}

/// An event of a session's history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct SessionEvent {
    /// The sequence number, from 1. It orders events; timestamps do not.
    pub sequence: u64,
    /// When it was recorded.
    pub timestamp: Timestamp,
    /// `start`, `iteration`, `tool_call`, `learning`, `pause`, `resume`, `complete`, `error`,
    /// `timeout`, or a custom name.
    #[cfg_attr(feature = "ts", ts(type = "EventType"))]
    #[serde(rename = "type")]
    pub kind: String,
    /// The data of the event, a JSON object.
    pub data: Json,
}

impl From<Event> for SessionEvent {
    fn from(event: Event) -> Self {
        Self {
            sequence: event.sequence,
            timestamp: event.timestamp,
            kind: event.kind,
            data: event.data,
        }
    }
}

declare_params! {
    /// An event to record.
    pub struct NewEvent {
        /// The type of the event. A lifecycle type also has the effect of its operation.
        #[cfg_attr(feature = "ts", ts(type = "EventType"))]
        pub r#type: Text,
        /// The data of the event, a JSON object; `{}` by default.
        pub data: Option<Json>,
    }
}

crate::nested_properties!(NewEvent);
