//! The payloads of hosts that name the event of a hook in `hook_event_name`, as Claude Code does, and
//! the replies in the form of these hosts. The properties differ between versions: only those that are
//! there are used. A reply never decides on a permission, and never keeps an agent from stopping.

use tenure_core::error::cut;
use tenure_core::value::json::{Json, Object};

use super::reply::HookReply;

/// An event of a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    /// A conversation begins or goes on.
    SessionStart,
    /// A task is about to be handed to an agent.
    Delegation,
    /// An agent starts.
    SubagentStart,
    /// An agent has stopped.
    SubagentStop,
    /// The conversation waits for its user.
    Stop,
    /// The conversation ends.
    SessionEnd,
    /// None of those.
    Other,
}

/// What a host passes to a hook.
#[derive(Debug, Clone)]
pub(crate) struct Payload {
    json: Json,
    /// The event.
    pub(crate) event: Event,
}

impl Payload {
    /// The payload, if it names its event.
    pub(crate) fn of(json: &Json) -> Option<Self> {
        let properties = Object::parse(json);
        let name = properties.text("hook_event_name")?;
        let event = match name.as_str() {
            "SessionStart" => Event::SessionStart,
            // The tool that delegates was renamed.
            "PreToolUse" => match properties.text("tool_name").as_deref() {
                Some("Task" | "Agent") => Event::Delegation,
                _ => Event::Other,
            },
            "SubagentStart" => Event::SubagentStart,
            "SubagentStop" => Event::SubagentStop,
            "Stop" => Event::Stop,
            "SessionEnd" => Event::SessionEnd,
            _ => Event::Other,
        };
        let json = json.clone();
        Some(Self { json, event })
    }

    /// Whether it has a property, even an empty one.
    pub(crate) fn has(&self, name: &str) -> bool {
        Object::parse(&self.json).get(name).is_some()
    }

    /// A property that is a text, and not an empty one.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        text(&self.json, name)
    }

    /// A property of the tool's input that is a text, and not an empty one.
    pub(crate) fn input(&self, name: &str) -> Option<String> {
        text(&Object::parse(&self.json).read("tool_input")?, name)
    }

    /// Whether a property of the tool's input is `true`.
    pub(crate) fn is_set(&self, name: &str) -> bool {
        let input = Object::parse(&self.json).read::<Json>("tool_input");
        input.is_some_and(|input| Object::parse(&input).read(name) == Some(true))
    }

    /// Whether a property is a list that is not empty.
    pub(crate) fn lists(&self, name: &str) -> bool {
        let list = Object::parse(&self.json).read::<Vec<Json>>(name);
        list.is_some_and(|list| !list.is_empty())
    }

    /// The reply that adds a text to the context of the model.
    pub(crate) fn context(&self, text: &str) -> HookReply {
        let mut specific = Object::default();
        let name = self.text("hook_event_name").unwrap_or_default();
        specific.set("hookEventName", &name);
        specific.set("additionalContext", text);
        let mut output = Object::default();
        output.set("hookSpecificOutput", &specific.to_json());
        HookReply {
            exit_code: 0,
            output: output.to_json(),
        }
    }
}

fn text(json: &Json, name: &str) -> Option<String> {
    let text = Object::parse(json).text(name);
    text.filter(|text| !text.is_empty())
}

/// The reply that says nothing: the host goes on.
pub(crate) fn nothing() -> HookReply {
    HookReply {
        exit_code: 0,
        output: Json::empty_object(),
    }
}

/// The reply that shows a warning to the user.
pub(crate) fn warning(problem: &str) -> HookReply {
    with_warning(&nothing(), problem)
}

/// A reply that also shows a warning to the user.
pub(crate) fn with_warning(reply: &HookReply, problem: &str) -> HookReply {
    let mut output = Object::parse(&reply.output);
    output.set("systemMessage", &cut(format!("tenure: {problem}")));
    HookReply {
        exit_code: reply.exit_code,
        output: output.to_json(),
    }
}
