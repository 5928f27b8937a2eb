//! The link of a session to the host's: the property `host` of its metadata, with the host's own names.

use tenure_core::stored::head::Head;
use tenure_core::value::id::SessionId;
use tenure_core::value::json::{Json, Object};
use tenure_core::value::time::Timestamp;

use super::payload::Payload;

/// The property of the metadata.
const HOST: &str = "host";
const SESSION: &str = "session_id";
const TOOL_USE: &str = "tool_use_id";
const AGENT: &str = "agent_id";
const PROMPT: &str = "prompt_id";
const BACKGROUND: &str = "run_in_background";
const STOPPED: &str = "stopped_at";
const TENURE: &str = "tenure_id";

/// The link of a session to the host's.
#[derive(Debug, Clone, Default)]
pub(crate) struct HostLink(Json);

impl HostLink {
    /// The link of a stored session; `None` if no host has it.
    pub(crate) fn of(head: &Head) -> Option<Self> {
        let metadata = head.metadata.as_ref()?;
        let link = Object::parse(metadata).read::<Json>(HOST)?;
        link.is_object().then_some(Self(link))
    }

    /// The link of a conversation.
    pub(crate) fn of_conversation(payload: &Payload) -> Self {
        Self::default().with(payload, &[SESSION, "transcript_path", "cwd", "model"])
    }

    /// The link of an agent to which a task is handed. It runs from now on.
    pub(crate) fn of_delegation(payload: &Payload) -> Self {
        let names = [SESSION, "transcript_path", "cwd", TOOL_USE, PROMPT];
        let link = Self::default().with(payload, &names);
        let mut properties = Object::parse(&link.0);
        if payload.is_set(BACKGROUND) {
            properties.set(BACKGROUND, &true);
        }
        Self(properties.to_json())
    }

    /// With the session that it is about: a fork has the metadata of another.
    pub(crate) fn about(self, id: &SessionId) -> Self {
        let mut link = Object::parse(&self.0);
        link.set(TENURE, id.as_str());
        Self(link.to_json())
    }

    /// The link of an agent that has started.
    pub(crate) fn started(self) -> Self {
        let mut link = Object::parse(&self.0);
        link.remove(STOPPED);
        Self(link.to_json())
    }

    /// With what the host says about the agent itself.
    pub(crate) fn of_agent(self, payload: &Payload) -> Self {
        self.with(payload, &[AGENT, "agent_transcript_path"])
    }

    /// The link of an agent that has stopped.
    pub(crate) fn stopped(self, at: Timestamp) -> Self {
        let mut link = Object::parse(&self.0);
        link.set(STOPPED, &at);
        Self(link.to_json())
    }

    /// When the agent has stopped.
    pub(crate) fn stopped_at(&self) -> Option<Timestamp> {
        Object::parse(&self.0).read(STOPPED)
    }

    fn with(self, payload: &Payload, names: &[&str]) -> Self {
        let mut link = Object::parse(&self.0);
        for name in names {
            if let Some(text) = payload.text(name) {
                link.set(name, &text);
            }
        }
        Self(link.to_json())
    }

    /// The metadata that keeps it.
    pub(crate) fn metadata(&self) -> Json {
        let mut metadata = Object::default();
        metadata.set(HOST, &self.0);
        metadata.to_json()
    }

    /// Whether it names the conversation of a payload.
    pub(crate) fn is_of_session(&self, payload: &Payload) -> bool {
        let session = Object::parse(&self.0).text(SESSION);
        session.is_some() && session == payload.text(SESSION)
    }

    /// Whether it is about this session, and not about the one that the session was forked from.
    pub(crate) fn is_about(&self, head: &Head) -> bool {
        match Object::parse(&self.0).text(TENURE) {
            Some(id) => id == head.id.as_str(),
            None => head.parent_id.is_none(),
        }
    }

    /// Whether it is of the delegation that a payload names.
    pub(crate) fn is_of_delegation(&self, payload: &Payload) -> bool {
        Object::parse(&self.0).text(TOOL_USE) == payload.text(TOOL_USE)
    }

    /// Whether it is of the prompt that a payload names. Not every host names prompts.
    pub(crate) fn is_of_prompt(&self, payload: &Payload) -> bool {
        let (own, given) = (Object::parse(&self.0).text(PROMPT), payload.text(PROMPT));
        own.is_none() || given.is_none() || own == given
    }

    /// Whether the agent runs beside its conversation.
    pub(crate) fn is_in_background(&self) -> bool {
        Object::parse(&self.0).get(BACKGROUND).is_some()
    }

    /// Whether it names this agent of the host.
    pub(crate) fn is_of_agent(&self, agent: &str) -> bool {
        Object::parse(&self.0).text(AGENT).as_deref() == Some(agent)
    }

    /// Whether the host has not named the agent yet.
    pub(crate) fn is_open(&self) -> bool {
        Object::parse(&self.0).get(AGENT).is_none() && !self.is_stopped()
    }

    /// Whether the agent has stopped.
    pub(crate) fn is_stopped(&self) -> bool {
        Object::parse(&self.0).get(STOPPED).is_some()
    }
}
