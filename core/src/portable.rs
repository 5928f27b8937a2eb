//! A session as one JSON text, for export and import: the shape of a `session.json`, with what
//! Tenure adds to it. Reading is lenient: a file that carries only the original members is enough,
//! and members that are not known are passed over.

use serde::Deserialize;

use crate::draft::check_context;
use crate::error::{Error, Result};
use crate::event::Event;
use crate::id::SessionId;
use crate::json::Json;
use crate::lifecycle::Status;
use crate::limits::Limits;
use crate::session::{Head, MAX_SAFE_INTEGER, Usage};
use crate::text::Text;
use crate::time::Timestamp;

/// A session read from text.
#[derive(Debug, Clone, PartialEq)]
pub struct Imported {
    /// The head, with the version that the text names.
    pub head: Head,
    /// The whole history, numbered from 1.
    pub events: Vec<Event>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Portable {
    id: Text,
    #[serde(default)]
    version: u64,
    user_id: Option<Text>,
    channel_id: Option<Text>,
    mode: Text,
    task: Text,
    workspace: Option<Text>,
    status: Status,
    created_at: Timestamp,
    updated_at: Option<Timestamp>,
    #[serde(default)]
    iterations: u32,
    max_iterations: Option<u32>,
    context: Option<Json>,
    result: Option<Text>,
    error: Option<Text>,
    metadata: Option<Json>,
    #[serde(default)]
    history: Vec<PortableEvent>,
    finalized_at: Option<Timestamp>,
    parent_id: Option<SessionId>,
    deleted_at: Option<Timestamp>,
}

#[derive(Deserialize)]
struct PortableEvent {
    timestamp: Timestamp,
    #[serde(rename = "type")]
    kind: Text,
    data: Option<Json>,
}

/// Reads a session from the text that `export` makes, or from a `session.json` of that shape.
///
/// # Errors
/// `INVALID_ARGUMENT` when the text is no such session, `INVALID_ID`, and those of the limits.
pub fn read(text: &str, limits: &Limits) -> Result<Imported> {
    let portable: Portable =
        serde_json::from_str(text).map_err(|error| Error::invalid("text", error.to_string()))?;
    limits.task(&portable.task)?;
    limits.label("mode", Some(&portable.mode))?;
    limits.label("userId", portable.user_id.as_ref())?;
    limits.label("channelId", portable.channel_id.as_ref())?;
    limits.label("workspace", portable.workspace.as_ref())?;
    limits.text("result", portable.result.as_ref())?;
    limits.text("error", portable.error.as_ref())?;
    let context = portable.context.unwrap_or_default();
    check_context(&context, limits)?;
    if let Some(metadata) = &portable.metadata {
        limits.object("metadata", metadata)?;
    }
    let mut events = Vec::with_capacity(portable.history.len());
    for (event, sequence) in portable.history.into_iter().zip(1..) {
        let data = event.data.unwrap_or_default();
        limits.label("type", Some(&event.kind))?;
        limits.kept_data(&data)?;
        events.push(Event {
            sequence,
            timestamp: event.timestamp,
            kind: event.kind.into_string(),
            data,
        });
    }
    let string = |text: Option<Text>| text.map(Text::into_string);
    let updated_at = portable.updated_at.unwrap_or(portable.created_at);
    let status = portable.status;
    let paused = crate::json::Object::parse(&context)
        .read::<Timestamp>("pausedAt")
        .filter(|_| status == Status::Paused);
    Ok(Imported {
        head: Head {
            id: SessionId::parse(portable.id.as_str())?,
            // Leaves room for all the changes to come.
            version: portable.version.min(MAX_SAFE_INTEGER / 2),
            user_id: string(portable.user_id),
            channel_id: string(portable.channel_id),
            mode: portable.mode.into_string(),
            task: portable.task.into_string(),
            workspace: string(portable.workspace),
            status,
            created_at: portable.created_at,
            updated_at,
            iterations: portable.iterations,
            max_iterations: portable
                .max_iterations
                .unwrap_or(crate::draft::DEFAULT_MAX_ITERATIONS)
                .max(1),
            usage: portable
                .metadata
                .as_ref()
                .map(Usage::of_metadata)
                .unwrap_or_default(),
            context,
            result: string(portable.result),
            error: string(portable.error),
            metadata: portable.metadata,
            event_count: events.len() as u64,
            paused_at: paused,
            finalized_at: portable
                .finalized_at
                .or(status.is_finished().then_some(updated_at)),
            parent_id: portable.parent_id,
            deleted_at: portable.deleted_at,
        },
        events,
    })
}
