//! A session being changed by one operation. A draft begins with what was loaded, takes the
//! operation's steps one by one (each checked against the [lifecycle](crate::lifecycle) and the
//! [limits](Limits)), and collects what they write: the new head, the new events, and what the
//! outside world is to be told. It writes nothing itself.

mod agent;

use crate::administrator::{self, Past};
use crate::agent::Agent;
use crate::audit::Entry;
use crate::audit::removal::{self, By};
use crate::error::{Error, Result};
use crate::event::{Event, kind};
use crate::id::SessionId;
use crate::json::{Json, Object};
use crate::lifecycle::Status;
use crate::limits::Limits;
use crate::members::Patch;
use crate::params::{IfExhausted, IfFinished, StartParams, UpdateParams};
use crate::phase::Phase;
use crate::session::{Head, Usage, cost_nanos};
use crate::slot::Slot;
use crate::text::Text;
use crate::time::Timestamp;
use crate::webhook::{WebhookEvent, WebhookPayload};

/// Iterations allowed when nothing is said.
pub const DEFAULT_MAX_ITERATIONS: u32 = 100;

/// The context's members while a session is paused.
const PAUSED_AT: &str = "pausedAt";
const PAUSE_REASON: &str = "pauseReason";

/// A session with an operation's changes, before they are written.
#[derive(Debug, Clone)]
pub struct Draft<'l> {
    head: Head,
    events: Vec<Event>,
    /// Whether `events` are the whole history, and not what follows it.
    replaces_history: bool,
    notices: Vec<WebhookPayload>,
    /// Entries for the audit log.
    entries: Vec<Entry>,
    /// Whether the operation counts as activity whatever else it changes.
    touched: bool,
    now: Timestamp,
    limits: &'l Limits,
}

/// What a draft has come to.
#[derive(Debug, Clone)]
pub struct Finished {
    /// The head to write, with its new version.
    pub head: Head,
    /// The events to append.
    pub events: Vec<Event>,
    /// Whether they take the place of the history instead.
    pub replaces_history: bool,
    /// What to tell the outside world once it is written.
    pub notices: Vec<WebhookPayload>,
    /// What to enter into the audit log.
    pub entries: Vec<Entry>,
}

impl<'l> Draft<'l> {
    /// A draft of a new session: its first event is written.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`, `TOO_LARGE` or `TOO_DEEP` for what the parameters hold.
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
        let max_iterations = params.max_iterations.unwrap_or(DEFAULT_MAX_ITERATIONS);
        if max_iterations == 0 {
            return Err(Error::invalid("maxIterations", "expected 1 or more"));
        }
        let context = params.context.clone().unwrap_or_default();
        limits.object("context", &context)?;
        if let Some(metadata) = &params.metadata {
            limits.object("metadata", metadata)?;
        }
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
                parent_id: None,
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
        draft.notify(WebhookEvent::Start);
        if params.paused.unwrap_or(false) {
            draft.pause(params.pause_reason.as_ref(), None)?;
        }
        Ok(draft)
    }

    /// A draft of a session that exists.
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

    /// A draft of a new session with another's past: `parent` with the events that it copies.
    ///
    /// # Errors
    /// `TOO_LARGE` for the task, `INVALID_ARGUMENT` for the budget.
    pub fn fork(
        id: SessionId,
        parent: Head,
        events: Vec<Event>,
        params: &crate::params::ForkParams,
        now: Timestamp,
        limits: &'l Limits,
    ) -> Result<Self> {
        let at_sequence = events.last().map_or(0, |event| event.sequence);
        let iterations = events
            .iter()
            .filter(|event| event.kind == kind::ITERATION)
            .count();
        let agent = parent.agent.as_ref().map(|_| forked_agent(&events));
        let parent_id = parent.id;
        let context = edited(&parent.context, unpause);
        // What the parent has spent is the parent's: counting it twice would falsify every sum.
        let metadata = parent.metadata.as_ref().map(|metadata| {
            edited(metadata, |metadata| {
                metadata.remove("tokens");
                metadata.remove("cost");
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
                error: None,
                metadata,
                event_count: at_sequence,
                usage: Usage::default(),
                paused_at: None,
                finalized_at: None,
                parent_id: Some(parent_id.clone()),
                agent,
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
        draft.events = events;
        if let Some(task) = &params.task {
            limits.task(task)?;
            draft.head.task = task.to_string();
        }
        if let Some(max_iterations) = params.max_iterations {
            draft.set_max_iterations(max_iterations)?;
        }
        if let Some(patch) = &params.context {
            draft.merge_context(patch)?;
        }
        let mut data = Object::default();
        data.set("parentId", &parent_id);
        data.set("atSequence", &at_sequence);
        draft.append(kind::FORK, data.to_json());
        draft.notify(WebhookEvent::Start);
        Ok(draft)
    }

    /// The session as it is in the draft.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// Whether the draft comes to nothing that `before` is not already.
    pub fn changes_nothing(&self, before: &Head) -> bool {
        self.head == *before && !self.replaces_history && !self.touched
    }

    /// Ends the draft: the version is counted up and `updatedAt` is set.
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

    /// Pauses the session. `data` is the event's, by default the reason.
    ///
    /// # Errors
    /// `INVALID_TRANSITION`, `TOO_LARGE`.
    pub fn pause(&mut self, reason: Option<&Text>, data: Option<Json>) -> Result<()> {
        self.limits.text("reason", reason)?;
        self.go(Status::Paused)?;
        self.head.paused_at = Some(self.now);
        self.head.context = edited(&self.head.context, |context| {
            context.remove(PAUSE_REASON);
            context.set(PAUSED_AT, &self.now);
            if let Some(reason) = reason {
                context.set(PAUSE_REASON, reason);
            }
        });
        self.append(
            kind::PAUSE,
            data.unwrap_or_else(|| object_of("reason", reason)),
        );
        self.notify(WebhookEvent::Pause);
        Ok(())
    }

    /// Resumes a paused session, or takes up an active one whose runner is gone. Members of `data`
    /// come before ours in the event.
    ///
    /// # Errors
    /// `INVALID_TRANSITION`; `BUDGET_EXHAUSTED` when no iterations would be left.
    pub fn resume(
        &mut self,
        add_iterations: Option<u32>,
        if_exhausted: IfExhausted,
        data: Option<Json>,
    ) -> Result<()> {
        let recovered = self.head.status == Status::Active;
        let paused_at = self.head.paused_at;
        if !recovered {
            self.go(Status::Active)?;
            self.head.context = edited(&self.head.context, unpause);
        }
        let added = add_iterations.unwrap_or(0);
        self.head.max_iterations = self.head.max_iterations.saturating_add(added);
        if !self.head.has_budget() && if_exhausted == IfExhausted::Refuse {
            return Err(self.exhausted());
        }
        let paused_duration = paused_at.map_or(0, |at| self.now.since(at));
        let data = data.unwrap_or_default();
        let mut data = Object::parse(&data);
        data.set("pausedDuration", &paused_duration);
        if recovered {
            data.set("recovered", &true);
        }
        if added > 0 {
            data.set("addIterations", &added);
        }
        self.append(kind::RESUME, data.to_json());
        self.notify(WebhookEvent::Resume);
        if !self.head.has_budget() {
            self.time_out(None)?;
        }
        Ok(())
    }

    /// Whether ending the session again leaves it as it is.
    pub fn stays_ended(&self, wanted: Option<IfFinished>) -> bool {
        wanted == Some(IfFinished::Keep) && self.head.status.is_finished()
    }

    /// Ends the session with a result.
    ///
    /// # Errors
    /// `INVALID_TRANSITION`, `TOO_LARGE`.
    pub fn complete(&mut self, result: Option<&Text>, data: Option<Json>) -> Result<()> {
        self.limits.text("result", result)?;
        self.go(Status::Completed)?;
        self.head.result = result.map(Text::to_string);
        self.append(
            kind::COMPLETE,
            data.unwrap_or_else(|| object_of("result", result)),
        );
        self.sum_up(result);
        self.notify(WebhookEvent::Complete);
        Ok(())
    }

    /// Ends the session with an error.
    ///
    /// # Errors
    /// `INVALID_TRANSITION`, `TOO_LARGE`.
    pub fn fail(&mut self, error: Option<&Text>, data: Option<Json>) -> Result<()> {
        self.limits.text("error", error)?;
        self.go(Status::Failed)?;
        self.head.error = error.map(Text::to_string);
        self.append(
            kind::ERROR,
            data.unwrap_or_else(|| object_of("error", error)),
        );
        self.sum_up(error);
        self.notify(WebhookEvent::Error);
        Ok(())
    }

    /// Gives the session up.
    ///
    /// # Errors
    /// `INVALID_TRANSITION`, `TOO_LARGE`.
    pub fn abandon(&mut self, reason: Option<&Text>, data: Option<Json>) -> Result<()> {
        self.limits.text("reason", reason)?;
        self.go(Status::Abandoned)?;
        self.append(
            kind::ABANDONED,
            data.unwrap_or_else(|| object_of("reason", reason)),
        );
        self.sum_up(reason);
        let mut told = Object::default();
        told.set("reason", Status::Abandoned.as_str());
        if let Some(reason) = reason {
            told.set("detail", reason);
        }
        self.notify_with(WebhookEvent::Error, told.to_json());
        Ok(())
    }

    /// Counts one iteration; the last one of the budget makes an active session `timeout`. A paused
    /// session counts too, so that pausing does not break the step that is under way, but never
    /// beyond its budget.
    ///
    /// # Errors
    /// `SESSION_FINISHED`, `BUDGET_EXHAUSTED`, and those of the data's limits.
    pub fn iterate(&mut self, data: Option<Json>) -> Result<()> {
        self.check_live()?;
        if self.head.status == Status::Timeout || !self.head.has_budget() {
            return Err(self.exhausted());
        }
        self.head.iterations += 1;
        let number = self.head.iterations;
        self.append_checked(
            kind::ITERATION,
            data.unwrap_or_else(|| object_of("iteration", Some(&number))),
        )?;
        if !self.head.has_budget() && self.head.status == Status::Active {
            self.time_out(None)?;
        }
        Ok(())
    }

    /// Records a call of a tool, and the tool among those used.
    ///
    /// # Errors
    /// `SESSION_FINISHED`, and those of the limits.
    pub fn tool_call(
        &mut self,
        tool: &Text,
        args: Option<&Json>,
        result: Option<&Json>,
    ) -> Result<()> {
        let mut data = Object::default();
        data.set("tool", tool);
        match args {
            Some(args) => data.set("args", args),
            None => data.set("args", &Json::empty_object()),
        }
        data.set("result", &result);
        self.record(kind::TOOL_CALL, Some(data.to_json()))
    }

    /// Records something learned.
    ///
    /// # Errors
    /// `SESSION_FINISHED`, and those of the limits.
    pub fn learning(&mut self, insight: &Text, expertise_file: Option<&Text>) -> Result<()> {
        let mut data = Object::default();
        data.set("insight", insight);
        if let Some(file) = expertise_file {
            data.set("expertiseFile", file);
        }
        self.record(kind::LEARNING, Some(data.to_json()))
    }

    /// Records an event of any type. A lifecycle type has its lifecycle's effect, with what the data
    /// says of it (`reason`, `result`, `error`, `addIterations`, `tool`).
    ///
    /// # Errors
    /// `SESSION_FINISHED`, those of the effect, and those of the limits.
    pub fn record(&mut self, kind: &str, data: Option<Json>) -> Result<()> {
        self.check_live()?;
        if let Some(data) = &data {
            self.limits.data(data)?;
        }
        let given = data.clone().unwrap_or_default();
        let members = Object::parse(&given);
        let text = |key: &str| members.text(key).map(Text::from);
        match kind {
            "" => Err(Error::invalid("type", "expected the name of an event type")),
            kind::START => Err(Error::invalid(
                "type",
                "\"start\" is recorded when a session is started, and only then",
            )),
            // What an agent's history says of its work has come about.
            kind::PHASE | kind::AGENT_ERROR | kind::APPROVAL if self.head.agent.is_some() => {
                let problem = format!(
                    "{kind:?} is recorded of an agent by agentUpdate, approve and deny alone"
                );
                Err(Error::invalid("type", problem))
            }
            kind::ITERATION => self.iterate(data),
            kind::PAUSE => self.pause(text("reason").as_ref(), data),
            kind::RESUME => {
                let added = members.read("addIterations");
                self.resume(added, IfExhausted::Refuse, data)
            }
            kind::COMPLETE => self.complete(text("result").as_ref(), data),
            kind::ERROR => self.fail(text("error").as_ref(), data),
            kind::ABANDONED => self.abandon(text("reason").as_ref(), data),
            kind::TIMEOUT => self.time_out(data),
            kind::TOOL_CALL => {
                if let Some(tool) = text("tool") {
                    self.limits.label("tool", Some(&tool))?;
                    self.add_tool_used(tool.as_str())?;
                }
                self.append_checked(kind, self.limits.redact.member(&given, "args"))
            }
            _ => {
                self.limits.label("type", Some(&Text::from(kind)))?;
                self.append_checked(kind, given.clone())
            }
        }
    }

    /// Adds tokens and cost to what the metadata says was used.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for a cost that is no amount; `TOO_LARGE`.
    pub fn use_up(&mut self, prompt: u64, completion: u64, cost: Option<f64>) -> Result<()> {
        let cost_nanos = match cost {
            None => 0,
            Some(cost) if cost >= 0.0 && cost.is_finite() => cost_nanos(cost),
            Some(cost) => {
                return Err(Error::invalid("cost", format!("{cost} is not 0 or more")));
            }
        };
        let usage = self
            .head
            .usage
            .plus(Usage {
                prompt_tokens: prompt,
                completion_tokens: completion,
                cost_nanos,
            })
            .kept();
        let metadata = self.head.metadata.clone().unwrap_or_default();
        let mut metadata = Object::parse(&metadata);
        let tokens = metadata.read::<Json>("tokens").unwrap_or_default();
        let mut tokens = Object::parse(&tokens);
        tokens.set("prompt", &usage.prompt_tokens);
        tokens.set("completion", &usage.completion_tokens);
        tokens.set("total", &usage.total_tokens());
        metadata.set("tokens", &tokens.to_json());
        if cost.is_some() {
            metadata.set("cost", &usage.cost_json());
        }
        self.set_metadata(metadata.to_json())?;
        self.head.usage = usage;
        Ok(())
    }

    /// Sets what describes the session.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for the budget, and those of the limits.
    pub fn update(&mut self, params: &UpdateParams) -> Result<()> {
        if let Some(task) = &params.task {
            self.limits.task(task)?;
            self.head.task = task.to_string();
        }
        self.limits.label("mode", params.mode.as_ref())?;
        if let Some(mode) = &params.mode {
            self.head.mode = mode.to_string();
        }
        for (name, value, member) in [
            ("workspace", &params.workspace, &mut self.head.workspace),
            ("userId", &params.user_id, &mut self.head.user_id),
            ("channelId", &params.channel_id, &mut self.head.channel_id),
        ] {
            match value {
                Patch::Keep => {}
                Patch::Clear => *member = None,
                Patch::Set(value) => {
                    self.limits.label(name, Some(value))?;
                    *member = Some(value.to_string());
                }
            }
        }
        if let Some(max_iterations) = params.max_iterations {
            self.set_max_iterations(max_iterations)?;
        }
        if let Some(context) = &params.context {
            self.merge_context(context)?;
        }
        match &params.metadata {
            Some(patch) => self.merge_metadata(patch),
            None => Ok(()),
        }
    }

    /// Merges members into the metadata.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`, `TOO_LARGE` or `TOO_DEEP`.
    pub fn merge_metadata(&mut self, patch: &Json) -> Result<()> {
        self.limits.object("metadata", patch)?;
        let metadata = merged(&self.head.metadata.clone().unwrap_or_default(), patch);
        self.head.usage = Usage::of_metadata(&metadata);
        self.set_metadata(metadata)
    }

    /// Sets anything that the session has, past the lifecycle.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`, and those of the limits.
    pub fn overrule(&mut self, updates: &Json) -> Result<()> {
        let overruled = administrator::overruled(&self.head, updates, self.now, self.limits)?;
        self.become_overruled(overruled);
        Ok(())
    }

    /// Becomes what an administrator says.
    pub fn become_overruled(&mut self, overruled: administrator::Overruled) {
        self.head = overruled.head;
        self.replaces_history = matches!(overruled.past, Past::Rewritten(_));
        let (Past::Continued(events) | Past::Rewritten(events)) = overruled.past;
        self.events = events;
    }

    /// Merges members into the context.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`, `TOO_LARGE` or `TOO_DEEP`.
    pub fn merge_context(&mut self, patch: &Json) -> Result<()> {
        self.limits.object("context", patch)?;
        let context = merged(&self.head.context, patch);
        self.replace_context(&context)
    }

    /// Replaces the context.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`, `TOO_LARGE` or `TOO_DEEP`.
    pub fn replace_context(&mut self, context: &Json) -> Result<()> {
        check_context(context, self.limits)?;
        self.head.context = context.clone();
        Ok(())
    }

    /// Gives the session up with words of ours, for which a limit may be too short.
    ///
    /// # Errors
    /// `INVALID_TRANSITION`.
    pub fn give_up(&mut self, reason: &Text) -> Result<()> {
        let given_up = self.abandon(Some(reason), None);
        given_up.or_else(|_| self.abandon(None, None))
    }

    /// Takes a slot. That nobody else is in it is for whoever writes the session to see to.
    pub fn take_slot(&mut self, slot: Slot) {
        self.head.slot = Some(slot);
    }

    /// Refuses to let a session go on whose model is missing.
    ///
    /// # Errors
    /// `MODEL_MISSING`.
    pub fn check_model(&self) -> Result<()> {
        match &self.head.slot {
            Some(slot) if self.limits.misses(slot) => Err(Error::ModelMissing {
                id: self.head.id.to_string(),
                model: slot.model.clone(),
            }),
            _ => Ok(()),
        }
    }

    /// Puts the session into the trash; one that is there already stays as it is. Nothing is entered
    /// of one that goes by what has an entry of its own.
    pub fn trash(&mut self, by: Option<By>) {
        if self.head.deleted_at.is_none() {
            self.head.deleted_at = Some(self.now);
            self.enter_removal(removal::TRASH, by);
        }
    }

    /// Takes the session out of the trash.
    pub fn restore(&mut self) {
        if self.head.deleted_at.take().is_some() {
            self.enter_removal(removal::RESTORE, Some(By::User));
        }
    }

    fn enter_removal(&mut self, kind: &str, by: Option<By>) {
        let Head { id, slot, .. } = &self.head;
        let entry = by.map(|by| Entry::removal(kind, id, slot.as_ref(), by, self.now));
        self.entries.extend(entry);
    }

    fn time_out(&mut self, data: Option<Json>) -> Result<()> {
        self.go(Status::Timeout)?;
        let mut said = Object::default();
        said.set("iterations", &self.head.iterations);
        said.set("maxIterations", &self.head.max_iterations);
        self.append(kind::TIMEOUT, data.unwrap_or_else(|| said.to_json()));
        self.notify(WebhookEvent::Timeout);
        Ok(())
    }

    fn go(&mut self, to: Status) -> Result<()> {
        let from = self.head.status;
        if !from.successors().contains(&to) {
            return Err(Error::InvalidTransition {
                id: self.head.id.to_string(),
                from,
                to,
                allowed: from.successors().to_vec(),
            });
        }
        self.head.status = to;
        // Pausing sets it again.
        self.head.paused_at = None;
        if to.is_finished() {
            self.head.finalized_at = Some(self.now);
        }
        if let (Some(_), Some(phase)) = (&self.head.agent, Phase::of_final(to)) {
            self.end(phase);
        }
        Ok(())
    }

    fn check_live(&self) -> Result<()> {
        if self.head.status.is_finished() {
            return Err(Error::SessionFinished {
                id: self.head.id.to_string(),
                status: self.head.status,
            });
        }
        Ok(())
    }

    fn exhausted(&self) -> Error {
        Error::BudgetExhausted {
            id: self.head.id.to_string(),
            iterations: self.head.iterations,
            max_iterations: self.head.max_iterations,
        }
    }

    fn set_max_iterations(&mut self, max_iterations: u32) -> Result<()> {
        let least = self.head.iterations.max(1);
        if max_iterations < least {
            return Err(Error::invalid(
                "maxIterations",
                format!(
                    "expected {least} or more, since {} are used",
                    self.head.iterations
                ),
            ));
        }
        self.head.max_iterations = max_iterations;
        Ok(())
    }

    fn add_tool_used(&mut self, tool: &str) -> Result<()> {
        let metadata = self.head.metadata.clone().unwrap_or_default();
        let mut metadata = Object::parse(&metadata);
        // Others may have put more than names there: what is there is kept as it is.
        let mut tools: Vec<Json> = metadata.read("toolsUsed").unwrap_or_default();
        if tools
            .iter()
            .all(|known| known.as_text().as_deref() != Some(tool))
        {
            tools.push(Json::of(tool));
            metadata.set("toolsUsed", &tools);
            self.set_metadata(metadata.to_json())?;
        }
        Ok(())
    }

    fn set_metadata(&mut self, metadata: Json) -> Result<()> {
        self.limits.object("metadata", &metadata)?;
        self.head.metadata = Some(metadata);
        Ok(())
    }

    fn append_checked(&mut self, kind: &str, data: Json) -> Result<()> {
        self.limits.data(&data)?;
        self.append(kind, data);
        Ok(())
    }

    fn append(&mut self, kind: &str, data: Json) {
        self.head.event_count += 1;
        self.events.push(Event {
            sequence: self.head.event_count,
            timestamp: self.now,
            kind: kind.to_owned(),
            data,
        });
    }

    /// Tells the outside world of the change that the last event records.
    fn notify(&mut self, event: WebhookEvent) {
        let data = self.events.last().map(|event| event.data.clone());
        self.notify_with(event, data.unwrap_or_default());
    }

    fn notify_with(&mut self, event: WebhookEvent, data: Json) {
        self.notices
            .push(WebhookPayload::new(event, &self.head, self.now, data));
    }
}

/// The agent of a fork: in the phase that the copied history leads to, with nothing gone wrong yet.
fn forked_agent(events: &[Event]) -> Agent {
    let last = events.iter().rev().find(|event| event.kind == kind::PHASE);
    let phase: Option<Phase> = last.and_then(|event| Object::parse(&event.data).read("to"));
    let mut agent = Agent::default();
    agent.enter(phase.unwrap_or_default());
    agent.agree_with(Status::Active);
    agent
}

/// A copy of an object with an edit made to it.
fn edited<'a>(object: &'a Json, edit: impl FnOnce(&mut Object<'a>)) -> Json {
    let mut members = Object::parse(object);
    edit(&mut members);
    members.to_json()
}

/// A copy of an object with the members of another merged into it.
pub(crate) fn merged(object: &Json, patch: &Json) -> Json {
    edited(object, |members| members.merge(Object::parse(patch)))
}

/// Checks a context against the limits. The words that pausing put in do not count, or a session
/// could be paused and not go on.
///
/// # Errors
/// `INVALID_ARGUMENT`, `TOO_LARGE` or `TOO_DEEP`.
pub(crate) fn check_context(context: &Json, limits: &Limits) -> Result<()> {
    let checked = limits.object("context", context);
    let members = Object::parse(context);
    let ours = |key| members.get(key).is_none_or(|text| text.starts_with('"'));
    if matches!(checked, Err(Error::TooLarge { .. })) && ours(PAUSED_AT) && ours(PAUSE_REASON) {
        return limits.object("context", &edited(context, unpause));
    }
    checked
}

/// Takes out of a context what pausing put in.
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
