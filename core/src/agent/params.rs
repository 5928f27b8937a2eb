//! What the operations on agents take and answer.

use serde::Serialize;

use crate::declare_params;
use crate::error::Result;
use crate::session::params::{ChangeParams, Target, change_params};
use crate::stored::agent::LastError;
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
        /// The agent's name; the session's mode.
        pub agent_name: Text,
        /// What it is for; the session's task.
        pub purpose: Option<Text>,
        /// About its work.
        #[cfg_attr(feature = "ts", ts(optional, type = "SessionMetadata"))]
        pub metadata: Option<Json>,
        /// An id of the caller's own; by default one is made, `agent-<date>-<time>-<8 digits>`.
        pub id: Option<Text>,
        /// Iterations allowed; 100 by default.
        pub max_iterations: Option<u32>,
        /// Makes the call safe to repeat: a second call with this key returns the first's agent.
        pub idempotency_key: Option<Text>,
    }

    /// One agent.
    pub struct AgentGetParams {
        /// The agent's session.
        pub id: Text,
    }

    /// Which agents to list.
    pub struct AgentListParams {
        /// Only those whose phase is not final.
        pub active_only: Option<bool>,
        /// Only those that `shouldResume` would resume.
        pub resumable: Option<bool>,
        /// Only those of this name.
        pub agent_name: Option<Text>,
        /// How many at most: 1 to 1,000, 50 by default.
        pub limit: Option<u32>,
        /// Go on where the page ended that returned this cursor.
        pub cursor: Option<Text>,
        /// With `resumable`: idle for less than this; 30 minutes by default.
        pub idle: Option<Millis>,
        /// With `resumable`: fewer errors than this; 3 by default.
        pub max_errors: Option<u32>,
    }

    /// Which agents to put into the trash.
    pub struct AgentCleanupParams {
        /// Those that have been idle this long and longer; 24 hours by default.
        pub max_idle: Option<Millis>,
        /// Only say which they are.
        pub dry_run: Option<bool>,
    }
}

change_params! {
    /// What an agent says of itself.
    pub struct AgentUpdateParams {
        /// The phase that it is in now. A final one ends its work.
        pub phase: Option<Phase>,
        /// Properties to merge into the metadata.
        #[cfg_attr(feature = "ts", ts(optional, type = "SessionMetadata"))]
        pub metadata: Option<Json>,
        /// An error that it has met.
        pub error: Option<Text>,
        /// Whether it may be resumed, until it enters another phase.
        pub resume_ready: Option<bool>,
        /// What came of its work.
        pub summary: Option<Text>,
    }

    /// An agent whose work ends.
    pub struct AgentFinalizeParams {
        /// How it ends.
        #[cfg_attr(feature = "ts", ts(type = "\"completed\" | \"failed\" | \"abandoned\""))]
        pub outcome: Phase,
        /// What came of it.
        pub summary: Option<Text>,
    }

    /// An agent that needs somebody's approval.
    pub struct RequestApprovalParams {
        /// What for; kept in the context as `pauseReason`.
        pub reason: Option<Text>,
        /// Properties to merge into the metadata.
        #[cfg_attr(feature = "ts", ts(optional, type = "SessionMetadata"))]
        pub metadata: Option<Json>,
    }

    /// Somebody's answer to an agent that waits for approval.
    pub struct ApprovalParams {
        /// Who answers.
        pub by: Option<Text>,
        /// Why.
        pub reason: Option<Text>,
    }
}

/// An agent as it stands.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct AgentState {
    /// The agent's session.
    pub agent_id: SessionId,
    /// The agent's name.
    pub agent_name: String,
    /// What it is for.
    pub purpose: String,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last active.
    pub last_updated: Timestamp,
    /// What it is doing; `null` for a session that never had a phase.
    pub phase: Option<Phase>,
    /// About its work.
    #[cfg_attr(feature = "ts", ts(type = "SessionMetadata"))]
    pub metadata: Json,
    /// Whether it may be resumed.
    pub resume_ready: bool,
    /// The phases that it came through.
    pub history: Vec<PhaseChange>,
    /// How many errors it has met.
    pub error_count: u32,
    /// The last of them.
    pub last_error: Option<LastError>,
    /// When its work ended.
    pub finalized_at: Option<Timestamp>,
    /// How long its work took, to its end.
    pub duration_seconds: Option<f64>,
    /// What came of it.
    pub summary: Option<String>,
}

/// A step from one phase to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct PhaseChange {
    /// The phase before.
    pub from_phase: Phase,
    /// The phase after.
    pub to_phase: Phase,
    /// When.
    pub timestamp: Timestamp,
}

impl PhaseChange {
    /// The changes of phase among events. An event of the user's own that only has the type's name
    /// is none.
    pub fn all(events: &[Event]) -> Vec<Self> {
        let changes = events.iter().filter(|event| event.kind == kind::PHASE);
        let change = |event: &Event| {
            let data = Object::parse(&event.data);
            Some(Self {
                from_phase: data.read("from")?,
                to_phase: data.read("to")?,
                timestamp: event.timestamp,
            })
        };
        changes.filter_map(change).collect()
    }
}

impl AgentState {
    /// Puts a head and its history together.
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
        }
    }
}
