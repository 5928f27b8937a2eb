//! The requests and replies of the hooks of an agent's host. A hook reads JSON and prints JSON, with
//! names in snake case and times in whole seconds. It prints a reply after an error, too: an agent must
//! not stop because its sessions cannot be reached. The operations access the store.

use serde::Serialize;

use tenure_core::agent::params::PhaseChange;
use tenure_core::agent::resume::{ResumeDecision, ResumeReason};
use tenure_core::audit::entry::Entry;
use tenure_core::error::{Cause, Error, cut};
use tenure_core::stored::event::Event;
use tenure_core::stored::head::Head;
use tenure_core::stored::phase::Phase;
use tenure_core::stored::status::Status;
use tenure_core::value::json::{Json, Object};
use tenure_core::value::text::{Text, without_bom};
use tenure_core::value::time::{Millis, Timestamp};
use tenure_core::{audit, declare_params};

use super::payload::{self, Payload};
pub use super::reply::HookReply;

declare_params! {
    /// A task that is about to be handed to an agent.
    pub struct HookPreDelegateParams {
        /// The input of the hook: the text of a JSON object.
        pub input: Text,
        /// The idle time from which an agent is not resumable: milliseconds or text such as `"30m"`. 30
        /// minutes by default.
        pub idle: Option<Millis>,
        /// The number of errors from which an agent is not resumable; 3 by default.
        pub max_errors: Option<u32>,
    }

    /// An agent that has stopped.
    pub struct HookSubagentStopParams {
        /// The input of the hook: the text of a JSON object.
        pub input: Text,
        /// When an agent that stopped without an error is finalized: `auto`, unless it is paused or can
        /// be resumed, or `always`. `auto` by default.
        pub finalize: Option<FinalizePolicy>,
    }

    /// An event of a host.
    pub struct HookEventParams {
        /// The input of the hook: the text of a JSON object that names its event, `hook_event_name`.
        pub input: Text,
        /// The idle time from which an agent is not resumable: milliseconds or text such as `"30m"`. 30
        /// minutes by default.
        pub idle: Option<Millis>,
        /// The number of errors from which an agent is not resumable; 3 by default.
        pub max_errors: Option<u32>,
        /// When an agent that stopped is finalized: `auto`, unless it is paused or can be resumed, or
        /// `always`. `auto` by default.
        pub finalize: Option<FinalizePolicy>,
    }
}

/// When an agent that has stopped without an error is finalized.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum FinalizePolicy {
    /// Unless it waits: it is paused, or ready to be resumed in a resumable phase.
    #[default]
    Auto,
    /// Always.
    Always,
}

tenure_core::word_properties! {
    FinalizePolicy: "auto" => Auto, "always" => Always;
}

/// A hook of an agent's host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hook {
    /// A task is about to be handed to an agent.
    PreDelegate,
    /// An agent has stopped.
    SubagentStop,
    /// Any event of a host that names it.
    Event,
}

/// The reply of a hook that could not reach its store, with the code and the message of the error.
pub fn store_unavailable(hook: Hook, input: &str, code: &str, problem: &str) -> HookReply {
    let request = match Request::read(hook, input) {
        Ok(request) => request,
        Err(reply) => return reply,
    };
    let reason = ReplyReason::new(STORE_UNAVAILABLE, code, problem);
    match hook {
        _ if request.payload.is_some() => payload::warning(problem),
        Hook::PreDelegate => request.delegated(&reason, None),
        Hook::SubagentStop => request.stopped(&reason, false, None),
        Hook::Event => invalid(hook, NO_EVENT),
    }
}

/// The reply of a hook to an invalid input; `problem` says what is wrong.
pub fn invalid(hook: Hook, problem: &str) -> HookReply {
    let nothing = Request {
        input: Json::of_text(None),
        ..Request::default()
    };
    let reason = ReplyReason::new("invalid_json", "invalid_json", problem);
    let reply = match hook {
        Hook::PreDelegate => nothing.delegated(&reason, None),
        Hook::SubagentStop => nothing.stopped(&reason, false, None),
        Hook::Event => payload::warning(problem),
    };
    HookReply {
        exit_code: 1,
        ..reply
    }
}

const STORE_UNAVAILABLE: &str = "store_unavailable";
/// The problem of an input that names no event.
pub(crate) const NO_EVENT: &str = "expected the property hook_event_name";
const NO_SESSION: &str = "no_existing_session";

/// The property for the task, in an input and in an agent's metadata.
pub(crate) const TASK_ID: &str = "task_id";

/// Whether an agent waits: for an approval, or to be resumed.
pub(crate) fn is_waiting(head: &Head) -> bool {
    let phase = head.agent.as_ref().map(|agent| agent.phase);
    let resumable = phase.is_some_and(Phase::is_resumable) && head.is_resume_ready();
    head.status == Status::Paused || (resumable && !head.status.is_finished())
}

/// The input of a hook. Its properties are in `task_info`, or at the top level.
#[derive(Debug, Clone, Default)]
pub(crate) struct Request {
    input: Json,
    /// The input of a host that names its event, which is read and answered in another way.
    pub(crate) payload: Option<Payload>,
    /// The agent's session.
    pub(crate) agent_id: Option<String>,
    /// The agent's name.
    pub(crate) agent_name: Option<String>,
    /// The task, as the text of its JSON.
    pub(crate) task_id: Option<Json>,
}

impl Request {
    /// Reads the input of a hook. The error is the reply to an input that is no JSON object.
    pub(crate) fn read(hook: Hook, input: &str) -> Result<Self, HookReply> {
        let input = without_bom(input).trim();
        let problem = match Json::parse(input) {
            Ok(json) if json.is_object() => return Ok(Self::new(json)),
            Ok(_) => "expected a JSON object".to_owned(),
            Err(error) => match error.into_cause() {
                Cause::InvalidArgument { problem, .. } => problem,
                cause => cause.to_string(),
            },
        };
        Err(invalid(hook, &problem))
    }

    fn new(input: Json) -> Self {
        let given = |name: &str| property(&input, "task_info", name);
        let text = |name: &str| given(name)?.as_text().filter(|text| !text.is_empty());
        Self {
            payload: Payload::of(&input),
            agent_id: text("agent_id"),
            agent_name: text("agent_name"),
            task_id: given(TASK_ID).map(Json::compact),
            input,
        }
    }

    /// A task for an agent of this name.
    pub(crate) fn of_agent(name: &str) -> Self {
        Self {
            agent_name: Some(name.to_owned()),
            ..Self::default()
        }
    }

    /// The final phase of the agent, by its exit code. A missing code counts as 0; a code that is no
    /// number is a failure.
    pub(crate) fn outcome(&self) -> Phase {
        let code = property(&self.input, "workflow_metrics", "exit_code");
        let good = code.is_none_or(|code| {
            let text = code.as_text();
            let text = text.as_deref().unwrap_or(code.as_str());
            let number = Json::parse(text.trim());
            number.is_ok_and(|number| number.read() == Some(0.0))
        });
        if good {
            Phase::Completed
        } else {
            Phase::Failed
        }
    }

    /// The summary of the agent's work.
    pub(crate) fn summary(&self) -> Option<Text> {
        let given = ["task_info", "workflow_metrics"]
            .into_iter()
            .find_map(|group| property(&self.input, group, "summary")?.as_text())
            .filter(|summary| !summary.is_empty());
        let code = || {
            let code = property(&self.input, "workflow_metrics", "exit_code")?;
            let failed = self.outcome() == Phase::Failed;
            failed.then(|| cut(format!("exit code {}", code.as_str())))
        };
        given.or_else(code).map(Text::from)
    }

    /// The reply before a task is handed to an agent. It contains the history of an agent that is to be
    /// resumed.
    pub(crate) fn delegated(
        &self,
        reason: &ReplyReason,
        resumed: Option<(&Head, &[Event])>,
    ) -> HookReply {
        let mut output = Object::default();
        output.set("should_resume", &resumed.is_some());
        output.set("reason", reason.reason);
        let found = resumed.map(|(head, _)| head.id.as_str());
        let id = found.or(self.agent_id.as_deref());
        output.set("agent_id", &Json::of_text(id));
        let past = resumed.map(|(head, events)| past(head, events));
        output.set("resume_metadata", &past.unwrap_or(Json::of_text(None)));
        output.set("details", &reason.details);
        output.set("original_context", &self.input);
        reply(&output)
    }

    /// The reply after an agent has stopped.
    pub(crate) fn stopped(
        &self,
        reason: &ReplyReason,
        finalized: bool,
        outcome: Option<Phase>,
    ) -> HookReply {
        let mut output = Object::default();
        output.set("finalized", &finalized);
        output.set("reason", reason.reason);
        output.set("agent_id", &Json::of_text(self.agent_id.as_deref()));
        output.set("outcome", &Json::of_text(outcome.map(Phase::as_str)));
        output.set("details", &reason.details);
        reply(&output)
    }

    /// The audit entry for the decision. `call` distinguishes entries at the same time.
    pub(crate) fn entry(
        &self,
        reason: &ReplyReason,
        head: Option<&Head>,
        at: Timestamp,
        call: &str,
    ) -> Entry {
        let subject = head.map(|head| head.id.as_str());
        let subject = subject.or(self.agent_id.as_deref());
        let mut data = Entry::properties(
            audit::entry::DECISION,
            at,
            subject.map(|id| cut(id.to_owned())).as_deref(),
        );
        let agent = head.map(|head| head.mode.as_str());
        let agent = agent.or(self.agent_name.as_deref());
        let agent = agent.map(|name| cut(name.to_owned()));
        data.set("agent", &Json::of_text(agent.as_deref()));
        data.set("resume", &(reason.reason == RESUMABLE));
        data.set("reason", reason.reason);
        data.set("code", reason.code.as_str());
        data.set("call", call);
        Entry {
            at,
            data: data.to_json(),
        }
    }
}

const RESUMABLE: &str = "session_resumable";

/// The reason of a hook's reply, with a code and details.
#[derive(Debug, Clone)]
pub(crate) struct ReplyReason {
    reason: &'static str,
    code: String,
    details: Json,
}

impl ReplyReason {
    fn new(reason: &'static str, code: &str, message: &str) -> Self {
        let details = details(code, message);
        Self {
            reason,
            code: code.to_owned(),
            details: details.to_json(),
        }
    }

    /// A decision whether to resume.
    pub(crate) fn decided(decision: &ResumeDecision) -> Self {
        let reason = match decision.reason {
            ResumeReason::Resumable => RESUMABLE,
            ResumeReason::NotFound => NO_SESSION,
            _ => "session_not_resumable",
        };
        let known = &decision.details;
        let code = decision.reason.as_str();
        let mut details = details(code, &known.message);
        if let Some(status) = known.status {
            details.set("status", &status);
            details.set("phase", &Json::of_text(known.phase.map(Phase::as_str)));
            details.set("resume_ready", &known.resume_ready.unwrap_or(false));
            details.set("error_count", &known.error_count.unwrap_or(0));
            details.set("max_errors", &known.max_errors);
            details.set("idle_ms", &known.idle_ms.unwrap_or(0));
            details.set("idle_limit_ms", &known.idle_limit_ms);
        }
        Self {
            reason,
            code: code.to_owned(),
            details: details.to_json(),
        }
    }

    /// There is no session to resume.
    pub(crate) fn nothing(code: &str, message: &str) -> Self {
        Self::new(NO_SESSION, code, message)
    }

    /// The store has failed.
    pub(crate) fn trouble(error: &Error) -> Self {
        Self::new(STORE_UNAVAILABLE, error.code(), &error.to_string())
    }

    /// The agent's work has ended by this call.
    pub(crate) fn finalized() -> Self {
        Self::new(
            "session_finalized",
            "finalized",
            "the agent's work has ended",
        )
    }

    /// The agent's work had ended before.
    pub(crate) fn ended_before(message: &str) -> Self {
        Self::new("session_already_finalized", "finished", message)
    }

    /// The agent waits, and its session stays as it is.
    pub(crate) fn waiting(head: &Head) -> Self {
        if head.status == Status::Paused {
            let message = "the session is paused: it waits for an approval or to be resumed";
            return Self::new("session_waiting", "paused", message);
        }
        let phase = head
            .agent
            .as_ref()
            .map_or("none", |agent| agent.phase.as_str());
        let message = format!("the agent can be resumed; its phase: {phase}");
        Self::new("session_waiting", "resumable", &message)
    }

    /// The agent cannot be finalized as it is: it waits for an approval, or a runner holds it.
    pub(crate) fn refused(reason: &'static str, error: &Error) -> Self {
        Self::new(reason, error.code(), &error.to_string())
    }

    /// This reason, with the error that prevented its audit entry.
    pub(crate) fn not_entered(mut self, error: &Error) -> Self {
        let known = self.details.clone();
        let mut details = Object::parse(&known);
        details.set("audit", error.code());
        self.details = details.to_json();
        self
    }
}

fn details(code: &str, message: &str) -> Object<'static> {
    let mut details = Object::default();
    details.set("code", code);
    details.set("message", &cut(message.to_owned()));
    details
}

fn reply(output: &Object<'_>) -> HookReply {
    HookReply {
        exit_code: 0,
        output: output.to_json(),
    }
}

/// A property of the object `group`, or of the input itself.
fn property(input: &Json, group: &str, name: &str) -> Option<Json> {
    let properties = Object::parse(input);
    let nested = properties.read::<Json>(group).unwrap_or_default();
    let nested = Object::parse(&nested).read::<Json>(name);
    let there = |json: &Json| json.as_str() != "null";
    nested
        .filter(there)
        .or_else(|| properties.read::<Json>(name).filter(there))
}

/// The state from which a resumed agent continues.
fn past(head: &Head, events: &[Event]) -> Json {
    let history: Vec<Json> = PhaseChange::all(events).iter().map(step).collect();
    let mut past = Object::default();
    let phase = head.agent.as_ref().map(|agent| agent.phase.as_str());
    past.set("previous_phase", &Json::of_text(phase));
    past.set("created_at", &in_seconds(head.created_at));
    past.set("history", &history);
    past.set(
        "session_metadata",
        &head.metadata.clone().unwrap_or_default(),
    );
    past.to_json()
}

fn step(change: &PhaseChange) -> Json {
    let mut step = Object::default();
    step.set("from_phase", &change.from_phase);
    step.set("to_phase", &change.to_phase);
    step.set("timestamp", &in_seconds(change.timestamp));
    step.to_json()
}

/// A time without its milliseconds.
fn in_seconds(at: Timestamp) -> String {
    let text = at.to_string();
    let (seconds, _) = text.split_once('.').unwrap_or((&text, ""));
    [seconds, "Z"].concat()
}
