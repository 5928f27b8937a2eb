//! The reader of an agent's state, `session/<id>/state.json`, which becomes a session with a phase.
//! Everything that a session cannot say is stored unchanged in the property `agentState` of the metadata.
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

/// The session as the text that `portable` reads.
pub(super) fn session(text: &str) -> Result<Json> {
    let json = object(text)?;
    let mut state = State {
        all: Object::parse(&json),
        rest: Object::parse(&json),
    };
    let phase = phase(&text_of(&state.all, "phase")?)?;
    state.is_said("phase");
    let status = phase.final_status().unwrap_or(Status::Active);
    let created_at = time_of(&state.all, &["created_at"])
        .ok_or_else(|| Error::invalid("created_at", "expected a time"))?;
    state.is_said("created_at");
    let updated_at = state.time("last_updated").unwrap_or(created_at);

    let mut session = Object::default();
    session.set("id", &printed(text_of(&state.all, "agent_id")?));
    state.is_said("agent_id");
    let name = printed(text_of(&state.all, "agent_name")?);
    state.is_said("agent_name");
    session.set("mode", &name);
    session.set("agentName", &name);
    session.set("phase", &phase);
    if let Some(ready) = state.take("resume_ready", |all, name| all.read::<bool>(name)) {
        session.set("resumeReady", &ready);
    }
    if let Some(count) = state.take("error_count", |all, name| all.read::<u32>(name)) {
        session.set("errorCount", &count);
    }
    // One with properties that a session's has not is kept as a whole, too.
    let error = match has_nothing_else(&state.all) {
        true => state.take("last_error", |all, _| last_error(all, updated_at)),
        false => last_error(&state.all, updated_at),
    };
    if let Some(error) = error {
        session.set("lastError", &error);
    }
    let purpose = state.take("purpose", Object::text).unwrap_or_default();
    session.set("task", &printed(purpose));
    session.set("status", &printed(status));
    session.set("createdAt", &printed(created_at));
    session.set("updatedAt", &printed(updated_at));
    session.set("history", &history(&state.all, updated_at)?);
    state.is_said("history");
    if let Some(summary) = state.take("summary", Object::text) {
        let summary = printed(summary);
        session.set("summary", &summary);
        match status {
            Status::Completed => session.set("result", &summary),
            Status::Failed => session.set("error", &summary),
            _ => {}
        }
    }
    if status.is_finished() {
        let end = state.time("finalized_at").unwrap_or(updated_at);
        session.set("finalizedAt", &printed(end));
        let duration = end.since(created_at) as f64 / 1000.0;
        state.take("duration_seconds", |all, name| {
            let said: f64 = all.read(name)?;
            ((said - duration).abs() < 1.0).then_some(())
        });
    }
    for name in ["finalized_at", "duration_seconds"] {
        state.take(name, |_, _| None::<()>);
    }
    session.set("metadata", &metadata(state));
    Ok(session.to_json())
}

/// The properties of a state, and those that the session does not say yet.
struct State<'a> {
    all: Object<'a>,
    rest: Object<'a>,
}

impl<'a> State<'a> {
    /// Takes a property, if it can be read. One that is `null` says nothing.
    fn take<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&Object<'a>, &str) -> Option<T>,
    ) -> Option<T> {
        let value = match self.all.get(name)? {
            "null" => None,
            _ => Some(read(&self.all, name)?),
        };
        self.is_said(name);
        value
    }

    fn time(&mut self, name: &str) -> Option<Timestamp> {
        self.take(name, |all, name| time_of(all, &[name]))
    }

    fn is_said(&mut self, name: &str) {
        self.rest.remove(name);
    }
}

/// The agent's metadata, with the other properties of the state.
fn metadata(mut state: State<'_>) -> Json {
    let own = state.take("metadata", |all, name| {
        all.read::<Json>(name).filter(Json::is_object)
    });
    let own = own.unwrap_or_default();
    let mut metadata = Object::parse(&own);
    if let Some(theirs) = metadata.read::<Json>(REST) {
        // The agent's own property of this name moves to the other properties.
        state.rest.set(REST, &theirs);
        metadata.remove(REST);
    }
    let rest = state.rest.to_json();
    if rest != Json::empty_object() {
        metadata.set(REST, &rest);
    }
    metadata.to_json()
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

/// Whether the last error has no property that a session's has not.
fn has_nothing_else(state: &Object<'_>) -> bool {
    let said = state.read::<Json>("last_error").unwrap_or_default();
    let mut properties = Object::parse(&said);
    properties.remove("message");
    properties.remove("timestamp");
    !said.is_object() || properties.to_json() == Json::empty_object()
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
        if let Some(phase) = entry.read::<Json>(theirs)
            && entry.get(ours).is_none()
        {
            entry.remove(theirs);
            entry.set(ours, &phase);
        }
    }
    if time_of(&entry, &["timestamp"]).is_some() {
        // It is a property of the event itself.
        entry.remove("timestamp");
    }
    entry.to_json()
}

/// Something as JSON text.
fn printed(shown: impl std::fmt::Display) -> Json {
    Json::of(shown.to_string().as_str())
}
