//! The agent of a session: the phase of its work and its errors. The agent's name is the session's mode,
//! its purpose the session's task; `draft` changes the phases.

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::stored::approval::{ApprovalState, StoredApproval};
use crate::stored::phase::Phase;
use crate::stored::status::Status;
use crate::value::properties::{Properties, Stored};
use crate::value::time::{self, Timestamp};

/// The additional properties of an agent's session, as stores keep them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(rename = "StoredAgent"))]
#[serde(rename_all = "camelCase")]
pub struct Agent {
    /// Its phase.
    pub phase: Phase,
    /// Whether it may be resumed. Each change of phase sets it; an update may override it.
    #[serde(default)]
    pub resume_ready: bool,
    /// The number of errors that it has met.
    #[serde(default)]
    pub error_count: u32,
    /// The last error.
    #[serde(default)]
    pub last_error: Option<StoredError>,
    /// A summary of its work.
    #[serde(default)]
    pub summary: Option<String>,
    /// The approval that it has requested last; `None` if it has requested none, or if the request was
    /// overridden.
    #[serde(default)]
    pub approval: Option<StoredApproval>,
}

/// An error that an agent met, as stores keep it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct StoredError {
    /// What it said.
    pub message: String,
    /// When it was met.
    #[cfg_attr(feature = "ts", ts(type = "number"))]
    #[serde(with = "time::as_millis")]
    pub timestamp: Timestamp,
}

/// An error that an agent met.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct LastError {
    /// What it said.
    pub message: String,
    /// When it was met.
    pub timestamp: Timestamp,
}

impl From<StoredError> for LastError {
    fn from(StoredError { message, timestamp }: StoredError) -> Self {
        Self { message, timestamp }
    }
}

impl From<LastError> for StoredError {
    fn from(LastError { message, timestamp }: LastError) -> Self {
        Self { message, timestamp }
    }
}

impl Stored for Agent {
    fn take(properties: &mut Properties<'_>) -> Result<Self> {
        Ok(Self {
            phase: properties.take("phase"),
            resume_ready: properties.take_or_default("resume_ready"),
            error_count: properties.take_or_default("error_count"),
            last_error: properties.take("last_error"),
            summary: properties.take("summary"),
            approval: properties.take("approval"),
        })
    }
}

impl Stored for StoredError {
    fn take(properties: &mut Properties<'_>) -> Result<Self> {
        Ok(Self {
            message: properties.take("message"),
            timestamp: properties.take("timestamp"),
        })
    }
}

crate::stored_properties!(Agent, StoredError);

impl Agent {
    /// Enters a phase, which sets whether the agent may be resumed. A final phase withdraws a request
    /// that nobody has decided.
    pub fn enter(&mut self, phase: Phase) {
        self.phase = phase;
        self.resume_ready = phase.is_resumable();
        self.settle_approval();
    }

    fn settle_approval(&mut self) {
        if let Some(approval) = &mut self.approval
            && self.phase.is_final()
            && approval.is_pending()
        {
            approval.state = ApprovalState::Withdrawn;
        }
    }

    /// Whether it waits for a person to approve or deny its request.
    pub fn awaits_approval(&self) -> bool {
        self.approval
            .as_ref()
            .is_some_and(StoredApproval::is_pending)
    }

    /// Adapts the phase to a status: it is final if and only if the status is.
    pub fn agree_with(&mut self, status: Status) {
        match Phase::of_final(status) {
            Some(phase) if self.phase != phase => self.enter(phase),
            None if self.phase.is_final() => self.enter(Phase::default()),
            _ => self.settle_approval(),
        }
    }
}
