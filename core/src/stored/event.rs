//! Events: the append-only history of a session. Events are numbered from 1 within their session. The
//! sequence numbers order them, the timestamps never do.

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::value::json::{self, Json};
use crate::value::properties::{AsText, Properties, Stored};
use crate::value::time::{self, Timestamp};

/// The event types that Tenure itself writes. Any other name is a custom event.
pub mod kind {
    /// The session was started.
    pub const START: &str = "start";
    /// One iteration of the agent's loop was counted.
    pub const ITERATION: &str = "iteration";
    /// The agent called a tool.
    pub const TOOL_CALL: &str = "tool_call";
    /// The agent learned something.
    pub const LEARNING: &str = "learning";
    /// The session was paused.
    pub const PAUSE: &str = "pause";
    /// The session was resumed.
    pub const RESUME: &str = "resume";
    /// The session ended with a result.
    pub const COMPLETE: &str = "complete";
    /// The session ended with an error.
    pub const ERROR: &str = "error";
    /// The session ran out of iterations.
    pub const TIMEOUT: &str = "timeout";
    /// A tool call was started.
    pub const TOOL_CALL_START: &str = "tool_call_start";
    /// The session was abandoned.
    pub const ABANDONED: &str = "abandoned";
    /// The agent entered another phase of its work.
    pub const PHASE: &str = "phase";
    /// The agent met an error that did not end its work.
    pub const AGENT_ERROR: &str = "agent_error";
    /// The agent's request was approved or denied.
    pub const APPROVAL: &str = "approval";
    /// The context was changed.
    pub const CONTEXT_CHANGE: &str = "context_change";
    /// The session was forked from another.
    pub const FORK: &str = "fork";
}

/// An event as stores keep it: its data is a JSON text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(rename = "StoredEvent"))]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// The sequence number, from 1.
    pub sequence: u64,
    /// When it was recorded, by the clock of the writer.
    #[cfg_attr(feature = "ts", ts(type = "number"))]
    #[serde(with = "time::as_millis")]
    pub timestamp: Timestamp,
    /// The type: one of [`kind`] or a custom name.
    #[serde(rename = "type")]
    pub kind: String,
    /// The data, as the JSON text that the caller passed.
    #[cfg_attr(feature = "ts", ts(type = "string"))]
    #[serde(with = "json::as_text")]
    pub data: Json,
}

impl Event {
    /// About how much user data it carries, in bytes.
    pub fn user_bytes(&self) -> u64 {
        (self.kind.len() + self.data.as_str().len()) as u64
    }
}

impl Stored for Event {
    fn take(properties: &mut Properties<'_>) -> Result<Self> {
        Ok(Self {
            sequence: properties.take("sequence"),
            timestamp: properties.take("timestamp"),
            kind: properties.take("type"),
            data: properties.take::<AsText>("data").0,
        })
    }
}

crate::stored_properties!(Event);
