//! A draft: a session that one operation changes. It starts with the loaded head, applies the steps of
//! the operation (each checked against the [lifecycle](crate::stored::status) and the
//! [limits](Limits)), and collects the new head, the new events and the notifications. It writes nothing
//! itself. The submodules contain the steps.

mod agent;
mod content;
mod history;
mod lifecycle;

use crate::audit::entry::Entry;
use crate::audit::removal::{self, Actor};
use crate::error::{Cause, Error, Result};
use crate::session::context_change::RecordChange;
use crate::session::forked_history::ForkedHistory;
use crate::session::params::StartParams;
use crate::session::redaction;
use crate::stored::agent::Agent;
use crate::stored::approval::StoredApproval;
use crate::stored::event::{Event, kind};
use crate::stored::head::{Head, Usage};
use crate::stored::phase::Phase;
use crate::stored::slot::Slot;
use crate::stored::status::Status;
use crate::value::id::SessionId;
use crate::value::json::{Json, Object};
use crate::value::limits::Limits;
use crate::value::text::Text;
use crate::value::time::Timestamp;
use crate::work::webhook::{WebhookEvent, WebhookPayload};

/// The number of iterations allowed by default.
pub const DEFAULT_MAX_ITERATIONS: u32 = 100;

/// The properties of the context while a session is paused.
const PAUSED_AT: &str = "pausedAt";
const PAUSE_REASON: &str = "pauseReason";

/// A session with an operation's changes, before they are written.
#[derive(Debug, Clone)]
pub struct Draft<'l> {
    head: Head,
    events: Vec<Event>,
    /// Whether `events` replace the stored history instead of following it.
    replaces_history: bool,
    notices: Vec<WebhookPayload>,
    /// Entries for the audit log.
    entries: Vec<Entry>,
    /// Whether the operation counts as activity whatever else it changes.
    touched: bool,
    now: Timestamp,
    limits: &'l Limits,
}

/// The result of a draft.
#[derive(Debug, Clone)]
pub struct Finished {
    /// The head to write, with its new version.
    pub head: Head,
    /// The events to append.
    pub events: Vec<Event>,
    /// Whether the events replace the stored history.
    pub replaces_history: bool,
    /// The notifications to send after the commit.
    pub notices: Vec<WebhookPayload>,
    /// The entries for the audit log.
    pub entries: Vec<Entry>,
}

impl<'l> Draft<'l> {
    /// A draft of a new session, with its first event.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`, `TOO_LARGE` or `TOO_DEEP` for a parameter.
    pub fn start(
        id: SessionId,
        params: &StartParams,
        now: Timestamp,
        limits: &'l Limits,
    ) -> Result<Self> {
        limits.task(&params.task)?;
        limits.label("mode", Some(&params.mode))?;
        limits.label("userId", params.user_id.as_ref())?;
        limits.label("channelId", params.channel_id.as_ref())?;
        limits.label("workspace", params.workspace.as_ref())?;
        let paused = params.paused.unwrap_or(false);
        if params.pause_reason.is_some() && !paused {
            return Err(Error::invalid(
                "pauseReason",
                "expected `paused: true`, too",
            ));
        }
        let max_iterations = params.max_iterations.unwrap_or(DEFAULT_MAX_ITERATIONS);
        if max_iterations == 0 {
            return Err(Error::invalid("maxIterations", "expected 1 or more"));
        }
        let context = params.context.clone().unwrap_or_default();
        limits.object("context", &context)?;
        if let Some(metadata) = &params.metadata {
            limits.object("metadata", metadata)?;
        }
        let parent_id = params.parent_id.as_ref();
        let parent_id = parent_id.map(|id| SessionId::parse(id.as_str()));
        let text = |text: &Option<Text>| text.clone().map(Text::into_string);
        let mut draft = Self::of(
            Head {
                id,
                version: 0,
                user_id: text(&params.user_id),
                channel_id: text(&params.channel_id),
                mode: params.mode.to_string(),
                task: params.task.to_string(),
                workspace: text(&params.workspace),
                status: Status::Active,
                created_at: now,
                updated_at: now,
                iterations: 0,
                max_iterations,
                context,
                result: None,
                result_data: None,
                error: None,
                usage: params
                    .metadata
                    .as_ref()
                    .map(Usage::of_metadata)
                    .unwrap_or_default(),
                metadata: params.metadata.clone(),
                event_count: 0,
                paused_at: None,
                finalized_at: None,
                parent_id: parent_id.transpose()?,
                agent: None,
                slot: None,
                deleted_at: None,
            },
            now,
            limits,
        );
        let mut data = Object::default();
        data.set("task", &params.task);
        data.set("mode", &params.mode);
        if let Some(workspace) = &params.workspace {
            data.set("workspace", workspace);
        }
        draft.append(kind::START, data.to_json());
        let mut notice = Object::default();
        if let Some(workspace) = &params.workspace {
            notice.set("workspace", workspace);
        }
        notice.set("maxIterations", &max_iterations);
        draft.notify_with(WebhookEvent::Start, notice.to_json());
        if paused {
            draft.pause(params.pause_reason.as_ref(), None)?;
        }
        Ok(draft)
    }

    /// A draft of an existing session.
    pub fn of(head: Head, now: Timestamp, limits: &'l Limits) -> Self {
        Self {
            head,
            events: Vec::new(),
            replaces_history: false,
            notices: Vec::new(),
            entries: Vec::new(),
            touched: false,
            now,
            limits,
        }
    }

    /// A draft of a fork of `parent`, with the events that it copies, the context that there was after
    /// the last of them, and the tools that they used.
    ///
    /// # Errors
    /// `TOO_LARGE` for the task, `INVALID_ARGUMENT` for the budget, or if the history does not say what
    /// the context was.
    pub fn fork(
        id: SessionId,
        parent: Head,
        history: ForkedHistory,
        params: &crate::session::params::ForkParams,
        now: Timestamp,
        limits: &'l Limits,
    ) -> Result<Self> {
        let events = &history.copied;
        let at_sequence = events.last().map_or(0, |event| event.sequence);
        let iterations = events
            .iter()
            .filter(|event| event.kind == kind::ITERATION)
            .count();
        let agent = parent.agent.as_ref();
        let agent = agent.map(|of| forked_agent(of, &history));
        let parent_id = parent.id;
        let context = history.context(&parent.context, params.context.as_ref())?;
        let context = edited(&context, unpause);
        // The usage stays with the parent: counting it twice would falsify every sum.
        let metadata = parent.metadata.as_ref().map(|metadata| {
            edited(metadata, |metadata| {
                metadata.remove("tokens");
                metadata.remove("cost");
                history.forget_tools(metadata);
            })
        });
        let mut draft = Self::of(
            Head {
                id,
                version: 0,
                status: Status::Active,
                created_at: now,
                updated_at: now,
                iterations: u32::try_from(iterations).unwrap_or(u32::MAX),
                context,
                result: None,
                result_data: None,
                error: None,
                metadata,
                event_count: at_sequence,
                usage: Usage::default(),
                paused_at: None,
                finalized_at: None,
                parent_id: Some(parent_id.clone()),
                agent: agent.map(Box::new),
                // The parent may be in it.
                slot: None,
                deleted_at: None,
                user_id: parent.user_id,
                channel_id: parent.channel_id,
                mode: parent.mode,
                task: parent.task,
                workspace: parent.workspace,
                max_iterations: parent.max_iterations,
            },
            now,
            limits,
        );
        draft.events = history.copied;
        if let Some(task) = &params.task {
            limits.task(task)?;
            draft.head.task = draft.redacted_task(task);
        }
        if let Some(max_iterations) = params.max_iterations {
            draft.set_max_iterations(max_iterations)?;
        }
        let mut data = Object::default();
        data.set("parentId", &parent_id);
        data.set("atSequence", &at_sequence);
        draft.append(kind::FORK, data.to_json());
        draft.notify(WebhookEvent::Start);
        if let Some(patch) = &params.context {
            draft.merge_context(patch, RecordChange::default())?;
        }
        Ok(draft)
    }

    /// The head of the session in the draft.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// Whether the draft leaves `before` unchanged.
    pub fn changes_nothing(&self, before: &Head) -> bool {
        self.head == *before && !self.replaces_history && !self.touched
    }

    /// Counts the operation as activity even if it changes nothing else.
    pub(crate) fn touch(&mut self) {
        self.touched = true;
    }

    /// Ends the draft: increments the version and sets `updatedAt`.
    pub fn finish(mut self) -> Finished {
        self.head.version += 1;
        self.head.updated_at = self.head.updated_at.max(self.now);
        Finished {
            head: self.head,
            events: self.events,
            replaces_history: self.replaces_history,
            notices: self.notices,
            entries: self.entries,
        }
    }

    /// Puts the session into a slot. The caller checks that no other session occupies the slot.
    pub fn take_slot(&mut self, slot: Slot) {
        self.head.slot = Some(Box::new(slot));
    }

    /// Puts the session into the trash, unless it is there already. Without an actor no audit entry is
    /// written: the cause of the removal has an entry of its own.
    pub fn trash(&mut self, by: Option<Actor>) {
        if self.head.deleted_at.is_none() {
            self.head.deleted_at = Some(self.now);
            self.enter_removal(removal::TRASH, by);
        }
    }

    /// Takes the session out of the trash.
    pub fn restore(&mut self) {
        if self.head.deleted_at.take().is_some() {
            self.enter_removal(removal::RESTORE, Some(Actor::User));
        }
    }

    fn enter_removal(&mut self, kind: &str, by: Option<Actor>) {
        let Head { id, slot, .. } = &self.head;
        let entry = by.map(|by| Entry::removal(kind, id, slot.as_deref(), by, self.now));
        self.entries.extend(entry);
    }

    fn append_checked(&mut self, kind: &str, data: Json) -> Result<()> {
        self.limits.data(&data)?;
        self.append(kind, data);
        Ok(())
    }

    fn append(&mut self, kind: &str, data: Json) {
        let is_agents = self.head.agent.is_some();
        let data = redaction::event(&self.limits.redact, is_agents, kind, &data);
        self.head.event_count += 1;
        self.events.push(Event {
            sequence: self.head.event_count,
            timestamp: self.now,
            kind: kind.to_owned(),
            data,
        });
    }

    /// A text about the session, without its secrets.
    fn redacted(&self, text: &Text) -> String {
        self.limits.redact.text(text.as_str()).into_owned()
    }

    /// The session's task, without its secrets if it is an agent's. The work on others goes on with it.
    fn redacted_task(&self, task: &Text) -> String {
        match self.head.agent {
            Some(_) => self.redacted(task),
            None => task.to_string(),
        }
    }

    /// Adds a notification of the change that the last event records.
    fn notify(&mut self, event: WebhookEvent) {
        let data = self.events.last().map(|event| event.data.clone());
        self.notify_with(event, data.unwrap_or_default());
    }

    fn notify_with(&mut self, event: WebhookEvent, data: Json) {
        self.notices
            .push(WebhookPayload::new(event, &self.head, self.now, data));
    }
}

/// The agent of a fork: in the phase that the copied history leads to, without errors. It waits for the
/// approval that its parent waits for or ended without, and for one whose request but not its decision
/// is copied.
fn forked_agent(parent: &Agent, history: &ForkedHistory) -> Agent {
    let events = &history.copied;
    let last = events.iter().rfind(|event| event.kind == kind::PHASE);
    let phase = last.and_then(|event| Phase::parse(&Object::parse(&event.data).text("to")?));
    let mut agent = Agent::default();
    agent.enter(phase.unwrap_or_default());
    agent.agree_with(Status::Active);
    let undecided = parent
        .approval
        .as_ref()
        .filter(|approval| !approval.is_decided());
    let undecided = undecided.map(|approval| approval.requested_at);
    let copied = last
        .or(events.last())
        .filter(|_| history.is_decided_later());
    let requested_at = undecided.or(copied.map(|event| event.timestamp));
    agent.approval = requested_at.map(StoredApproval::requested);
    agent
}

/// A copy of an object with an edit made to it.
fn edited<'a>(object: &'a Json, edit: impl FnOnce(&mut Object<'a>)) -> Json {
    let mut properties = Object::parse(object);
    edit(&mut properties);
    properties.to_json()
}

/// A copy of an object with the properties of another merged into it.
pub(crate) fn merged(object: &Json, patch: &Json) -> Json {
    edited(object, |properties| properties.merge(Object::parse(patch)))
}

/// Checks a context against the limits. The properties that pausing has added do not count: otherwise a
/// paused session might exceed the limits and be refused.
///
/// # Errors
/// `INVALID_ARGUMENT`, `TOO_LARGE` or `TOO_DEEP`.
pub(crate) fn check_context(context: &Json, limits: &Limits) -> Result<()> {
    let checked = limits.object("context", context);
    let properties = Object::parse(context);
    let ours = |key| properties.get(key).is_none_or(|text| text.starts_with('"'));
    let too_large =
        matches!(&checked, Err(error) if matches!(error.cause(), Cause::TooLarge { .. }));
    if too_large && ours(PAUSED_AT) && ours(PAUSE_REASON) {
        return limits.object("context", &edited(context, unpause));
    }
    checked
}

/// Removes from a context the properties that pausing has added.
fn unpause(context: &mut Object<'_>) {
    context.remove(PAUSED_AT);
    context.remove(PAUSE_REASON);
}

/// `{key: value}`, or `{}` without a value.
fn object_of<T: serde::Serialize>(key: &str, value: Option<&T>) -> Json {
    let mut object = Object::default();
    if let Some(value) = value {
        object.set(key, value);
    }
    object.to_json()
}
