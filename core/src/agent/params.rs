//! The parameters and replies of the operations on agents.

use serde::Serialize;

use crate::declare_params;
use crate::error::Result;
use crate::session::params::{ChangeParams, Target, change_params};
use crate::stored::agent::LastError;
use crate::stored::approval::Approval;
use crate::stored::event::{Event, kind};
use crate::stored::head::Head;
use crate::stored::phase::Phase;
use crate::value::id::SessionId;
use crate::value::json::{Json, Object};
use crate::value::text::Text;
use crate::value::time::{Millis, Timestamp};

declare_params! {
    /// A new agent.
    pub struct AgentCreateParams {
        /// The name of the agent, which is the session's mode.
        pub agent_name: Text,
        /// The purpose of the agent, which is the session's task.
        pub purpose: Option<Text>,
        /// Metadata of its work, a JSON object.
        #[cfg_attr(feature = "ts", ts(optional, type = "SessionMetadata"))]
        pub metadata: Option<Json>,
        /// The id of the session; by default `agent-<date>-<time>-<8 digits>` is generated.
        pub id: Option<Text>,
        /// The number of iterations allowed; 100 by default.
        pub max_iterations: Option<u32>,
        /// A key that makes the call safe to repeat: a second call with this key returns the agent
        /// that the first one created.
        pub idempotency_key: Option<Text>,
    }

    /// An agent.
    pub struct AgentGetParams {
        /// The id of the agent's session.
        pub id: Text,
    }

    /// Which agents to list.
    pub struct AgentListParams {
        /// Only agents whose phase is not final; `false` by default.
        pub active_only: Option<bool>,
        /// Only agents that `shouldResume` would resume; `false` by default.
        pub resumable: Option<bool>,
        /// Only agents of this name.
        pub agent_name: Option<Text>,
        /// The greatest number of agents in the page: 1 to 1,000, 50 by default.
        pub limit: Option<u32>,
        /// The `nextCursor` of the previous page.
        pub cursor: Option<Text>,
        /// With `resumable`, the idle time from which an agent is not resumable: milliseconds or text
        /// such as `"30m"`. 30 minutes by default.
        pub idle: Option<Millis>,
        /// With `resumable`, the number of errors from which an agent is not resumable; 3 by default.
        pub max_errors: Option<u32>,
    }

    /// Which agents to put into the trash, and which to delete from it.
    pub struct AgentCleanupParams {
        /// The idle time from which agents are removed: milliseconds or text such as `"24h"`. 24 hours
        /// by default.
        pub max_idle: Option<Millis>,
        /// How long agents stay in the trash until they are deleted: milliseconds or text such as
        /// `"7d"`. 7 days by default.
        pub purge_after: Option<Millis>,
        /// Report what would be removed, and remove nothing; `false` by default.
        pub dry_run: Option<bool>,
    }
}

change_params! {
    /// An update of an agent.
    pub struct AgentUpdateParams {
        /// The new phase. A final phase ends the agent's work.
        pub phase: Option<Phase>,
        /// Properties to merge into the metadata.
        #[cfg_attr(feature = "ts", ts(optional, type = "SessionMetadata"))]
        pub metadata: Option<Json>,
        /// An error that the agent has met.
        pub error: Option<Text>,
        /// Whether the agent may be resumed, until it enters another phase.
        pub resume_ready: Option<bool>,
        /// A summary of the agent's work.
        pub summary: Option<Text>,
        /// Change the phase although the agent waits for an approval, which withdraws the request. The
        /// audit log names it. `false` by default.
        pub r#override: Option<bool>,
    }

    /// An agent to finalize.
    pub struct AgentFinalizeParams {
        /// The final phase.
        #[cfg_attr(feature = "ts", ts(type = "\"completed\" | \"failed\" | \"abandoned\""))]
        pub outcome: Phase,
        /// A summary of the agent's work.
        pub summary: Option<Text>,
        /// Complete the agent although it waits for an approval, which withdraws the request. The audit
        /// log names it. `false` by default.
        pub r#override: Option<bool>,
    }

    /// A request for approval.
    pub struct RequestApprovalParams {
        /// The reason, which is stored in the context as `pauseReason`.
        pub reason: Option<Text>,
        /// Properties to merge into the metadata.
        #[cfg_attr(feature = "ts", ts(optional, type = "SessionMetadata"))]
        pub metadata: Option<Json>,
    }

    /// The approval or denial of a request.
    pub struct ApprovalParams {
        /// The name of the user who approves or denies.
        pub by: Option<Text>,
        /// The reason.
        pub reason: Option<Text>,
    }
}

/// The state of an agent.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct AgentState {
    /// The id of the agent's session.
    pub agent_id: SessionId,
    /// The name of the agent.
    pub agent_name: String,
    /// The purpose of the agent.
    pub purpose: String,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last active.
    pub last_updated: Timestamp,
    /// Its phase; `null` for a session that never had one.
    pub phase: Option<Phase>,
    /// Metadata of its work, a JSON object.
    #[cfg_attr(feature = "ts", ts(type = "SessionMetadata"))]
    pub metadata: Json,
    /// Whether it may be resumed.
    pub resume_ready: bool,
    /// Its changes of phase.
    pub history: Vec<PhaseChange>,
    /// The number of errors that it has met.
    pub error_count: u32,
    /// The last error; `null` if it has met none.
    pub last_error: Option<LastError>,
    /// When its work ended; `null` before.
    pub finalized_at: Option<Timestamp>,
    /// The duration of its work in seconds; `null` before its end.
    pub duration_seconds: Option<f64>,
    /// A summary of its work.
    pub summary: Option<String>,
    /// When it was put into the trash; absent if it is not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ts", ts(optional))]
    pub deleted_at: Option<Timestamp>,
    /// The approval that it has requested last, and the decision; `null` if it has requested none.
    pub approval: Option<Approval>,
}

/// A change of an agent's phase.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct PhaseChange {
    /// The phase before.
    pub from_phase: Phase,
    /// The phase after.
    pub to_phase: Phase,
    /// When the agent entered it.
    pub timestamp: Timestamp,
}

impl PhaseChange {
    /// The changes of phase among events. A custom event that only has the type's name is none.
    pub fn all(events: &[Event]) -> Vec<Self> {
        let changes = events.iter().filter(|event| event.kind == kind::PHASE);
        let change = |event: &Event| {
            let data = Object::parse(&event.data);
            Some(Self {
                from_phase: Phase::parse(&data.text("from")?)?,
                to_phase: Phase::parse(&data.text("to")?)?,
                timestamp: event.timestamp,
            })
        };
        changes.filter_map(change).collect()
    }
}

impl AgentState {
    /// The state of an agent with this head and history.
    pub fn new(head: Head, events: &[Event]) -> Self {
        let resume_ready = head.is_resume_ready();
        let phase = head.agent.as_ref().map(|agent| agent.phase);
        let agent = head.agent.unwrap_or_default();
        let seconds = |end: Timestamp| end.since(head.created_at) as f64 / 1000.0;
        Self {
            agent_id: head.id,
            agent_name: head.mode,
            purpose: head.task,
            created_at: head.created_at,
            last_updated: head.updated_at,
            phase,
            metadata: head.metadata.unwrap_or_default(),
            resume_ready,
            history: PhaseChange::all(events),
            error_count: agent.error_count,
            last_error: agent.last_error.map(LastError::from),
            finalized_at: head.finalized_at,
            duration_seconds: head.finalized_at.map(seconds),
            summary: agent.summary,
            deleted_at: head.deleted_at,
            approval: agent.approval.map(Approval::from),
        }
    }
}
