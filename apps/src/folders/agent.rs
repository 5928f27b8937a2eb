//! The reader of an agent's state, `session/<id>/state.json`, which becomes a session with a phase.
//! Properties that a session does not have are stored unchanged in the property `agentState` of the
//! metadata.
//!
//! The file has no status. An agent in a final phase has the status of that phase, any other is active.

use tenure_core::error::{Error, Result};
use tenure_core::stored::agent::LastError;
use tenure_core::stored::phase::Phase;
use tenure_core::stored::status::Status;
use tenure_core::value::json::{Json, Object};

use super::text::{list, object, text_of, time_of};
use tenure_core::value::time::Timestamp;

/// The property of the metadata for the other properties.
const REST: &str = "agentState";

/// The properties that have another name in a session.
const TAKEN: &[&str] = &[
    "agent_id",
    "agent_name",
    "purpose",
    "created_at",
    "last_updated",
    "metadata",
    "history",
    "phase",
    "resume_ready",
    "finalized_at",
    "duration_seconds",
    "summary",
];

/// The session as the text that `portable` reads.
pub(super) fn session(text: &str) -> Result<Json> {
    let json = object(text)?;
    let state = Object::parse(&json);
    let phase = phase(&text_of(&state, "phase")?)?;
    let status = phase.final_status().unwrap_or(Status::Active);
    let created_at = time_of(&state, &["created_at"])
        .ok_or_else(|| Error::invalid("created_at", "expected a time"))?;
    let updated_at = time_of(&state, &["last_updated"]).unwrap_or(created_at);

    let mut rest = Object::parse(&json);
    TAKEN.iter().for_each(|key| rest.remove(key));
    let metadata = state.read::<Json>("metadata").unwrap_or_default();
    let mut kept = Object::parse(&metadata);
    if let Some(own) = kept.read::<Json>(REST) {
        // The agent's own property of this name moves to the other properties.
        rest.set(REST, &own);
    }
    let mut session = Object::default();
    if let Some(count) = state.read::<u32>("error_count") {
        session.set("errorCount", &count);
        rest.remove("error_count");
    }
    match last_error(&state, updated_at) {
        Some(error) => {
            session.set("lastError", &error);
            rest.remove("last_error");
        }
        None if state.get("last_error") == Some("null") => rest.remove("last_error"),
        None => {}
    }
    let rest = rest.to_json();
    if rest.as_str() != "{}" {
        kept.set(REST, &rest);
    }
    session.set("id", &printed(text_of(&state, "agent_id")?));
    let name = printed(text_of(&state, "agent_name")?);
    session.set("mode", &name);
    session.set("agentName", &name);
    session.set("phase", &phase);
    if let Some(ready) = state.read::<bool>("resume_ready") {
        session.set("resumeReady", &ready);
    }
    session.set("task", &printed(state.text("purpose").unwrap_or_default()));
    session.set("status", &printed(status));
    session.set("createdAt", &printed(created_at));
    session.set("updatedAt", &printed(updated_at));
    session.set("metadata", &kept.to_json());
    session.set("history", &history(&state, updated_at)?);
    if let Some(summary) = state.text("summary") {
        let summary = printed(summary);
        session.set("summary", &summary);
        match status {
            Status::Completed => session.set("result", &summary),
            Status::Failed => session.set("error", &summary),
            _ => {}
        }
    }
    if status.is_finished() {
        let end = time_of(&state, &["finalized_at"]).unwrap_or(updated_at);
        session.set("finalizedAt", &printed(end));
    }
    Ok(session.to_json())
}

fn phase(name: &str) -> Result<Phase> {
    Phase::parse(name).ok_or_else(|| {
        let known = Phase::ALL.map(Phase::as_str).join(", ");
        Error::invalid("phase", format!("expected one of {known}, got {name:?}"))
    })
}

/// The last error: an object, or only its message.
fn last_error(state: &Object<'_>, otherwise: Timestamp) -> Option<LastError> {
    let said = state.read::<Json>("last_error")?;
    let properties = Object::parse(&said);
    Some(LastError {
        message: properties.text("message").or_else(|| said.as_text())?,
        timestamp: time_of(&properties, &["timestamp"]).unwrap_or(otherwise),
    })
}

/// Each change of phase, as an event: the text of a list.
fn history(state: &Object<'_>, otherwise: Timestamp) -> Result<Json> {
    let entries = match state.get("history") {
        None | Some("null") => Vec::new(),
        Some(text) => list("history", text)?,
    };
    let mut events = Vec::with_capacity(entries.len());
    for entry in &entries {
        if !entry.is_object() {
            return Err(Error::invalid("history", "expected a list of objects"));
        }
        let properties = Object::parse(entry);
        let at = time_of(&properties, &["timestamp"]).unwrap_or(otherwise);
        let mut event = Object::default();
        event.set("timestamp", &printed(at));
        event.set("type", &printed("phase"));
        event.set("data", &change(properties));
        events.push(event.to_json());
    }
    Ok(Json::of(&events))
}

/// The data of the event for a change of phase, with the other properties of the entry.
fn change(mut entry: Object<'_>) -> Json {
    for (theirs, ours) in [("from_phase", "from"), ("to_phase", "to")] {
        if let Some(phase) = entry.read::<Json>(theirs) {
            entry.remove(theirs);
            entry.set(ours, &phase);
        }
    }
    // The timestamp is a property of the event itself.
    entry.remove("timestamp");
    entry.to_json()
}

/// Something as JSON text.
fn printed(shown: impl std::fmt::Display) -> Json {
    Json::of(shown.to_string().as_str())
}
