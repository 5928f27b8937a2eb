//! The state of an agent, `session/<id>/state.json`: a session with phases. What a session has no
//! member for is kept, as it came, in the metadata's member `agentState`.

use crate::error::{Error, Result};
use crate::json::{Json, Object};
use crate::lifecycle::Status;

use super::{list, object, text_of, time_of};

/// The member of the metadata that keeps the rest.
const REST: &str = "agentState";

/// What becomes a member of the session by another name.
const TAKEN: &[&str] = &[
    "agent_id",
    "agent_name",
    "purpose",
    "created_at",
    "last_updated",
    "metadata",
    "history",
];

const PHASES: &[&str] = &[
    "initializing",
    "investigating",
    "planning",
    "approval",
    "executing",
    "validating",
    "completed",
    "failed",
    "abandoned",
];

/// The session in the shape that `portable` reads.
pub(super) fn session(text: &str) -> Result<Json> {
    let json = object(text)?;
    let state = Object::parse(&json);
    let phase = text_of(&state, "phase")?;
    let status = status(&phase)?;
    let created_at = time_of(&state, &["created_at"])
        .ok_or_else(|| Error::invalid("created_at", "expected a time"))?;
    let updated_at = time_of(&state, &["last_updated"]).unwrap_or(created_at);

    let mut rest = Object::parse(&json);
    TAKEN.iter().for_each(|key| rest.remove(key));
    let metadata = state.read::<Json>("metadata").unwrap_or_default();
    let mut kept = Object::parse(&metadata);
    if let Some(own) = kept.read::<Json>(REST) {
        // The agent's own member of this name steps back, and is not lost.
        rest.set(REST, &own);
    }
    kept.set(REST, &rest.to_json());

    let mut context = Object::default();
    if status == Status::Paused {
        context.set("pausedAt", &printed(updated_at));
        context.set("pauseReason", &printed(&phase));
    }
    let mut session = Object::default();
    session.set("id", &printed(text_of(&state, "agent_id")?));
    session.set("mode", &printed(text_of(&state, "agent_name")?));
    session.set("task", &printed(state.text("purpose").unwrap_or_default()));
    session.set("status", &printed(status));
    session.set("createdAt", &printed(created_at));
    session.set("updatedAt", &printed(updated_at));
    session.set("context", &context.to_json());
    session.set("metadata", &kept.to_json());
    session.set("history", &history(&state, updated_at)?);
    let said = match status {
        Status::Completed => Some("result"),
        Status::Failed => Some("error"),
        _ => None,
    };
    if let (Some(said), Some(summary)) = (said, state.text("summary")) {
        session.set(said, &printed(summary));
    }
    if status.is_finished() {
        let end = time_of(&state, &["finalized_at"]).unwrap_or(updated_at);
        session.set("finalizedAt", &printed(end));
    }
    Ok(session.to_json())
}

/// The final phases are the final statuses, and an approval is waited for.
fn status(phase: &str) -> Result<Status> {
    match phase {
        "completed" => Ok(Status::Completed),
        "failed" => Ok(Status::Failed),
        "abandoned" => Ok(Status::Abandoned),
        "approval" => Ok(Status::Paused),
        _ if PHASES.contains(&phase) => Ok(Status::Active),
        _ => Err(Error::invalid(
            "phase",
            format!("expected one of {}, got {phase:?}", PHASES.join(", ")),
        )),
    }
}

/// Each change of phase, as an event that carries it as it came: the text of a list.
fn history(state: &Object<'_>, otherwise: crate::Timestamp) -> Result<Json> {
    let entries = match state.get("history") {
        None | Some("null") => Vec::new(),
        Some(text) => list("history", text)?,
    };
    let mut events = Vec::with_capacity(entries.len());
    for entry in &entries {
        let at = time_of(&Object::parse(entry), &["timestamp"]).unwrap_or(otherwise);
        let mut event = Object::default();
        event.set("timestamp", &printed(at));
        event.set("type", &printed("phase"));
        event.set("data", entry);
        events.push(event.to_json());
    }
    Ok(Json::of(&events))
}

/// Something as JSON text.
fn printed(shown: impl std::fmt::Display) -> Json {
    Json::of(shown.to_string().as_str())
}
