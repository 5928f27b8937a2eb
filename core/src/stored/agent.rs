//! What a session keeps because it is an agent's: the phase of the work and what went wrong in it.
//! The agent's name is the session's mode, its purpose the session's task; how phases change is in
//! `draft`.

use serde::{Deserialize, Serialize};

use crate::stored::phase::Phase;
use crate::stored::status::Status;
use crate::value::time::{self, Timestamp};

/// What an agent's session has beyond any other, in the form that stores keep.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(rename = "StoredAgent"))]
#[serde(rename_all = "camelCase")]
pub struct Agent {
    /// What it is doing.
    pub phase: Phase,
    /// Whether it may be resumed. Each change of phase sets it; it may be taken back by hand.
    #[serde(default)]
    pub resume_ready: bool,
    /// How many errors it has met.
    #[serde(default)]
    pub error_count: u32,
    /// The last of them.
    #[serde(default)]
    pub last_error: Option<StoredError>,
    /// What came of it all, in a few words.
    #[serde(default)]
    pub summary: Option<String>,
}

/// An error that an agent met, in the form that stores keep.
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

impl Agent {
    /// Enters a phase, which says anew whether the agent may be resumed.
    pub fn enter(&mut self, phase: Phase) {
        self.phase = phase;
        self.resume_ready = phase.is_resumable();
    }

    /// Brings the phase into agreement with a status: a final one is the final phase, and no other
    /// is.
    pub fn agree_with(&mut self, status: Status) {
        match Phase::of_final(status) {
            Some(phase) if self.phase != phase => self.enter(phase),
            None if self.phase.is_final() => self.enter(Phase::default()),
            _ => {}
        }
    }
}
