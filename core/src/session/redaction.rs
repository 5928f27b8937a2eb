//! What is redacted of a session: the calls of tools, what is said of its outcome and its pauses, every text of
//! an agent, whichever operation brings it, and the metadata that other programs and administrators bring. The
//! task of a session, its context, its learnings, and the events of other types are data that work goes on with,
//! and stay as they are.

use crate::stored::event::{Event, kind};
use crate::stored::head::Head;
use crate::value::json::Json;
use crate::value::redact::Redact;

/// The property of the context that says why an agent waits.
const OF_CONTEXTS: &[&str] = &["pauseReason"];
/// The property of a pause that says why.
const OF_PAUSES: &[&str] = &["reason"];
/// The events that say what tools did and how a session ended.
const OF_OUTCOMES: &[&str] = &[
    kind::TOOL_CALL,
    kind::TOOL_CALL_START,
    kind::COMPLETE,
    kind::ERROR,
    kind::ABANDONED,
];
/// The other events that contain texts of an agent's work. The operations of agents write them.
const OF_AGENTS: &[&str] = &[
    kind::START,
    kind::PAUSE,
    kind::RESUME,
    kind::AGENT_ERROR,
    kind::APPROVAL,
];

/// The data of an event without its secrets.
pub(crate) fn event(redact: &Redact, is_agents: bool, kind: &str, data: &Json) -> Json {
    match kind {
        _ if OF_OUTCOMES.contains(&kind) => redact.json(data),
        _ if is_agents && OF_AGENTS.contains(&kind) => redact.json(data),
        kind::PAUSE => redact.properties(data, OF_PAUSES),
        _ => data.clone(),
    }
}

/// A session as another program or an administrator gives it, without the secrets that operations would
/// have redacted.
pub(crate) fn session(redact: &Redact, head: &mut Head, events: &mut [Event]) {
    let is_agents = head.agent.is_some();
    for stored in events {
        stored.data = event(redact, is_agents, &stored.kind, &stored.data);
    }

    let hide = |text: &mut String| *text = redact.text(text).into_owned();
    let outcome = [&mut head.result, &mut head.error];
    outcome.into_iter().flatten().for_each(hide);
    head.result_data = head.result_data.as_ref().map(|data| redact.json(data));
    head.context = redact.properties(&head.context, OF_CONTEXTS);
    head.metadata = head.metadata.as_ref().map(|metadata| redact.json(metadata));
    let Some(agent) = &mut head.agent else {
        return;
    };
    hide(&mut head.task);
    agent.summary.iter_mut().for_each(hide);
    agent
        .last_error
        .iter_mut()
        .for_each(|error| hide(&mut error.message));
    if let Some(approval) = &mut agent.approval {
        approval.by.iter_mut().for_each(hide);
    }
}
