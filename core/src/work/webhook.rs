//! The payload of a webhook, which reports a change of a session's status. It is built together with
//! the change; the host delivers it.

use serde::Serialize;

use crate::stored::head::Head;
use crate::stored::status::Status;
use crate::value::json::Json;
use crate::value::time::Timestamp;

/// The events that webhooks report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "lowercase")]
pub enum WebhookEvent {
    /// A session was started.
    Start,
    /// A session was paused.
    Pause,
    /// A session was resumed.
    Resume,
    /// A session ended with a result.
    Complete,
    /// A session ended with an error.
    Error,
    /// A session ran out of iterations.
    Timeout,
    /// A session was abandoned.
    Abandoned,
}

#[cfg(feature = "outbox")]
impl WebhookEvent {
    /// Every event.
    pub const ALL: [Self; 7] = [
        Self::Start,
        Self::Pause,
        Self::Resume,
        Self::Complete,
        Self::Error,
        Self::Timeout,
        Self::Abandoned,
    ];

    /// The event as text.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Complete => "complete",
            Self::Error => "error",
            Self::Timeout => "timeout",
            Self::Abandoned => "abandoned",
        }
    }
}

/// The payload of a webhook.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(optional_fields))]
pub struct WebhookPayload {
    /// The event.
    pub event: WebhookEvent,
    /// The session.
    pub session: WebhookSession,
    /// The time of the event.
    pub timestamp: Timestamp,
    /// The data of the event in the session's history; of `start`, the workspace and the number of
    /// iterations allowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<Json>,
}

/// The session of a webhook, just after the change.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase")]
pub struct WebhookSession {
    /// Its id.
    pub id: String,
    /// Its mode.
    pub mode: String,
    /// Its status.
    pub status: Status,
    /// Its task.
    pub task: String,
    /// Its user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// Its channel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel_id: Option<String>,
}

impl WebhookPayload {
    /// Reports a change of `head`.
    pub fn new(event: WebhookEvent, head: &Head, timestamp: Timestamp, data: Json) -> Self {
        Self {
            event,
            session: WebhookSession {
                id: head.id.as_str().to_owned(),
                mode: head.mode.clone(),
                status: head.status,
                task: head.task.clone(),
                user_id: head.user_id.clone(),
                channel_id: head.channel_id.clone(),
            },
            timestamp,
            data: Some(data),
        }
    }
}
