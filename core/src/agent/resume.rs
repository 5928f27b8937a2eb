//! The decision whether an agent should be resumed, with its reason, from the agent's session and a
//! policy. It changes nothing. A caller that should not resume the agent starts a new one.

use serde::Serialize;

use crate::agent::params::AgentListParams;
use crate::declare_params;
use crate::store::filter::Filter;
use crate::stored::head::Head;
use crate::stored::phase::Phase;
use crate::stored::status::Status;
use crate::value::text::Text;
use crate::value::time::{Millis, Timestamp};

declare_params! {
    /// An agent, and the policy to decide by.
    pub struct ShouldResumeParams {
        /// The id of the agent's session.
        pub id: Text,
        /// The idle time from which it is not resumable: milliseconds or text such as `"30m"`. 30
        /// minutes by default.
        pub idle: Option<Millis>,
        /// The number of errors from which it is not resumable; 3 by default.
        pub max_errors: Option<u32>,
    }
}

/// The limits from which an agent is not resumable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// The idle time.
    pub idle: Millis,
    /// The number of errors.
    pub max_errors: u32,
}

impl Policy {
    /// The policy of a call; 30 minutes and 3 errors by default.
    pub fn new(idle: Option<Millis>, max_errors: Option<u32>) -> Self {
        Self {
            idle: idle.unwrap_or(Millis(30 * 60 * 1000)),
            max_errors: max_errors.unwrap_or(3),
        }
    }
}

impl Policy {
    /// A filter that all resumable agents match, and a few others.
    pub fn filter(self, now: Timestamp) -> Filter {
        let phases = Phase::ALL.into_iter().filter(|phase| phase.is_resumable());
        Filter {
            phase: Some(phases.collect()),
            status: Some(vec![Status::Active, Status::Paused]),
            updated_after: Some(now.minus(self.idle)),
            ..Filter::default()
        }
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self::new(None, None)
    }
}

impl From<&ShouldResumeParams> for Policy {
    fn from(params: &ShouldResumeParams) -> Self {
        Self::new(params.idle, params.max_errors)
    }
}

impl From<&AgentListParams> for Policy {
    fn from(params: &AgentListParams) -> Self {
        Self::new(params.idle, params.max_errors)
    }
}

/// The session of an agent to decide on.
#[derive(Debug, Clone, Copy)]
pub enum Candidate<'h> {
    /// There is none.
    Nothing,
    /// It cannot be read.
    Unreadable,
    /// The session's head.
    Session(&'h Head),
}

/// Why an agent should be resumed, or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum ResumeReason {
    /// It can be resumed.
    Resumable,
    /// There is no such session, or it is in the trash.
    NotFound,
    /// The session cannot be read.
    Unreadable,
    /// Its work has ended.
    Finished,
    /// It waits for a person to approve or deny its request.
    AwaitingApproval,
    /// Its phase is not resumable.
    PhaseNotResumable,
    /// It is not marked as ready to be resumed, its session is not paused, or no iterations are left.
    NotReady,
    /// It has met too many errors.
    TooManyErrors,
    /// It has been idle for too long.
    IdleTooLong,
    /// The model of its slot is not available.
    ModelMissing,
}

impl ResumeReason {
    /// The name that crosses to JavaScript and the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Resumable => "resumable",
            Self::NotFound => "not_found",
            Self::Unreadable => "unreadable",
            Self::Finished => "finished",
            Self::AwaitingApproval => "awaiting_approval",
            Self::PhaseNotResumable => "phase_not_resumable",
            Self::NotReady => "not_ready",
            Self::TooManyErrors => "too_many_errors",
            Self::IdleTooLong => "idle_too_long",
            Self::ModelMissing => "model_missing",
        }
    }
}

/// Whether an agent should be resumed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct ResumeDecision {
    /// Whether it should be resumed.
    pub resume: bool,
    /// The reason.
    pub reason: ResumeReason,
    /// The values that the decision was made from.
    pub details: ResumeDetails,
}

/// The values that a decision was made from. Those of the session are absent if there is none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase")]
pub struct ResumeDetails {
    /// The reason as a message.
    pub message: String,
    /// The session's status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// The agent's phase, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase: Option<Phase>,
    /// Whether it is marked as ready to be resumed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resume_ready: Option<bool>,
    /// The number of errors that it has met.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_count: Option<u32>,
    /// The number of errors from which it is not resumable.
    pub max_errors: u32,
    /// The time that it has been idle, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle_ms: Option<u64>,
    /// The idle time from which it is not resumable, in milliseconds.
    pub idle_limit_ms: u64,
}

impl ResumeDecision {
    /// The decision about an agent whose model is not available, if `is_missing`.
    #[must_use]
    pub fn unless_model(mut self, is_missing: bool) -> Self {
        if self.resume && is_missing {
            self.resume = false;
            self.reason = ResumeReason::ModelMissing;
            self.details.message = message(self.reason, &self.details);
        }
        self
    }
}

impl Head {
    /// Whether it is ready to be resumed: an agent if it is marked so, any other session if it is
    /// paused. A session without iterations left is not.
    pub fn is_resume_ready(&self) -> bool {
        match &self.agent {
            Some(agent) => agent.resume_ready && self.status != Status::Timeout,
            None => self.status == Status::Paused,
        }
    }
}

/// Decides whether an agent should be resumed.
pub fn decide(candidate: Candidate<'_>, policy: Policy, now: Timestamp) -> ResumeDecision {
    let mut details = ResumeDetails {
        max_errors: policy.max_errors,
        idle_limit_ms: policy.idle.0,
        ..ResumeDetails::default()
    };
    let reason = match candidate {
        Candidate::Nothing => ResumeReason::NotFound,
        Candidate::Unreadable => ResumeReason::Unreadable,
        Candidate::Session(head) if head.deleted_at.is_some() => ResumeReason::NotFound,
        Candidate::Session(head) => {
            details.status = Some(head.status);
            details.phase = head.agent.as_ref().map(|agent| agent.phase);
            details.resume_ready = Some(head.is_resume_ready());
            details.error_count = Some(errors(head));
            details.idle_ms = Some(now.since(head.updated_at));
            reason(head, policy, now)
        }
    };
    details.message = message(reason, &details);
    ResumeDecision {
        resume: reason == ResumeReason::Resumable,
        reason,
        details,
    }
}

fn reason(head: &Head, policy: Policy, now: Timestamp) -> ResumeReason {
    let phase = head.agent.as_ref().map(|agent| agent.phase);
    if head.status.is_finished() {
        ResumeReason::Finished
    } else if head.awaits_approval() {
        ResumeReason::AwaitingApproval
    } else if phase.is_some_and(|phase| !phase.is_resumable()) {
        ResumeReason::PhaseNotResumable
    } else if !head.is_resume_ready() || !head.has_budget() {
        ResumeReason::NotReady
    } else if errors(head) >= policy.max_errors {
        ResumeReason::TooManyErrors
    } else if now.since(head.updated_at) >= policy.idle.0 {
        ResumeReason::IdleTooLong
    } else {
        ResumeReason::Resumable
    }
}

fn errors(head: &Head) -> u32 {
    head.agent.as_ref().map_or(0, |agent| agent.error_count)
}

fn message(reason: ResumeReason, details: &ResumeDetails) -> String {
    let phase = details.phase.map_or("no phase", Phase::as_str);
    let status = details.status.map_or("gone", Status::as_str);
    let idle = details.idle_ms.unwrap_or(0) / 1000;
    match reason {
        ResumeReason::Resumable => {
            format!("it was active {idle} s ago and can go on; its phase: {phase}")
        }
        ResumeReason::NotFound => "there is no such session, or it is in the trash".to_owned(),
        ResumeReason::Unreadable => "the session cannot be read".to_owned(),
        ResumeReason::Finished => format!("it is {status}"),
        ResumeReason::AwaitingApproval => "it waits for an approval".to_owned(),
        ResumeReason::PhaseNotResumable => format!(
            "its phase is {phase}; an agent is resumed in approval, investigating or planning"
        ),
        ResumeReason::NotReady => format!("it is {status} and not ready to be resumed"),
        ResumeReason::TooManyErrors => format!(
            "it has met {} errors; {} are too many",
            details.error_count.unwrap_or(0),
            details.max_errors
        ),
        ResumeReason::IdleTooLong => format!(
            "it has been idle for {idle} s; {} s are too long",
            details.idle_limit_ms / 1000
        ),
        ResumeReason::ModelMissing => "its model is not available".to_owned(),
    }
}
