//! The history of a session that is forked, in the events that the fork copies and those after them. The
//! later ones say what the session was after the last one that is copied.

use crate::error::{Error, Result};
use crate::stored::event::{Event, kind};
use crate::value::json::{Json, Object};

/// The property of the metadata with the names of the tools used.
pub(super) const TOOLS_USED: &str = "toolsUsed";

/// The history of a session that is forked.
#[derive(Debug, Clone, Default)]
pub struct ForkedHistory {
    /// The events that the fork copies.
    pub copied: Vec<Event>,
    later: Vec<Event>,
}

impl ForkedHistory {
    /// The whole history of the parent, of which the fork copies the events up to this sequence number.
    pub fn at(mut events: Vec<Event>, sequence: u64) -> Self {
        let later = events.split_off(events.partition_point(|event| event.sequence <= sequence));
        Self {
            copied: events,
            later,
        }
    }

    /// Whether the parent waited for an approval that was decided or overridden later.
    pub(super) fn is_decided_later(&self) -> bool {
        let mut kinds = self.later.iter().map(|event| event.kind.as_str());
        kinds.find(|kind| [kind::APPROVAL, kind::PHASE].contains(kind)) == Some(kind::APPROVAL)
    }

    /// The context of the parent, which is `last` now, after the copied events. `given` are the values that
    /// the fork has of its own.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` if a value of then was too large to be recorded, and is not given.
    pub(super) fn context(&self, last: &Json, given: Option<&Json>) -> Result<Json> {
        let mut context = last.clone();
        let mut unknown: Vec<String> = Vec::new();
        let changes = self.later.iter().rev();
        for event in changes.filter(|event| event.kind == kind::CONTEXT_CHANGE) {
            let data = Object::parse(&event.data);
            let values = |name| data.read::<Json>(name).unwrap_or_default();
            let (set, was) = (values("set"), values("was"));
            let (set, was) = (Object::parse(&set), Object::parse(&was));
            let before = Object::parse(&context);
            let mut before = before.picked(|key, _| set.value_of(key).is_none());
            unknown.retain(|name| {
                let key = name.as_bytes();
                set.value_of(key).or(was.value_of(key)).is_none()
            });
            before.merge(was);
            match data.read::<Vec<String>>("changed") {
                Some(names) if names.is_empty() => return Err(unknown_context("the context", "")),
                names => unknown.extend(names.unwrap_or_default()),
            }
            context = before.to_json();
        }
        let given = given.map(Object::parse).unwrap_or_default();
        match unknown.iter().find(|name| given.get(name).is_none()) {
            None => Ok(context),
            Some(name) => Err(unknown_context(
                &format!("the value of `{name}` in the context"),
                "; give one in `context`",
            )),
        }
    }

    /// Removes from the tools used those that only later events used.
    pub(super) fn forget_tools(&self, metadata: &mut Object<'_>) {
        if self.later.is_empty() {
            return;
        }
        let (before, after) = (tools(&self.copied), tools(&self.later));
        let is_kept = |tool: &Json| {
            let tool = tool.as_text();
            tool.is_none_or(|tool| before.contains(&tool) || !after.contains(&tool))
        };
        if let Some(mut used) = metadata.read::<Vec<Json>>(TOOLS_USED)
            && !used.iter().all(is_kept)
        {
            used.retain(is_kept);
            metadata.set(TOOLS_USED, &used);
        }
    }
}

fn unknown_context(what: &str, remedy: &str) -> Error {
    let problem =
        format!("the history does not have {what} of then, which was too large for it{remedy}");
    Error::invalid("atSequence", problem)
}

fn tools(events: &[Event]) -> Vec<String> {
    let calls = events
        .iter()
        .filter(|event| [kind::TOOL_CALL, kind::TOOL_CALL_START].contains(&event.kind.as_str()));
    let tools = calls.filter_map(|event| Object::parse(&event.data).text("tool"));
    tools.collect()
}
