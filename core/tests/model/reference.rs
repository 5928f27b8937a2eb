//! The rules in the fewest words: sessions as plain values, operations as steps on them. It shares
//! no code with what it is the reference for.

use std::collections::BTreeMap;

use crate::object::{MOST, Object, Value, iso, quoted};
use crate::operations::{Call, Change, Filter, IfVersion, Members, NewEvent, Patch};

pub(crate) const MAX_DATA: usize = 120;
pub(crate) const MAX_CONTEXT: usize = 160;
pub(crate) const MAX_TASK: usize = 24;
pub(crate) const MAX_TEXT: usize = 30;
pub(crate) const MAX_LABEL: usize = 12;
pub(crate) const MAX_DEPTH: u32 = 3;
pub(crate) const MAX_BATCH: usize = 3;

const STATUSES: [&str; 6] = [
    "active",
    "paused",
    "completed",
    "failed",
    "timeout",
    "abandoned",
];

/// What an operation comes to: its result and what is told, or a code.
pub(crate) type Outcome = Result<(String, String), &'static str>;
type Checked = Result<(), &'static str>;

#[derive(Debug, Clone, PartialEq)]
struct Event {
    at: i64,
    kind: String,
    data: String,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Session {
    id: String,
    user: Option<String>,
    channel: Option<String>,
    mode: String,
    task: String,
    workspace: Option<String>,
    status: &'static str,
    created: i64,
    updated: i64,
    iterations: u32,
    max_iterations: u32,
    context: Object,
    result: Option<String>,
    error: Option<String>,
    metadata: Option<Object>,
    pub(crate) version: u64,
    history: Vec<Event>,
    finalized: Option<i64>,
    parent: Option<String>,
    deleted: Option<i64>,
    paused_at: Option<i64>,
}

/// What an earlier call with a key wrote.
#[derive(Debug, Clone)]
struct Kept {
    call: String,
    session: String,
    first: u64,
    last: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Model {
    pub(crate) now: i64,
    pub(crate) sessions: BTreeMap<String, Session>,
    start_keys: BTreeMap<&'static str, Kept>,
    keys: BTreeMap<(String, &'static str), Kept>,
    pub(crate) exported: Vec<Session>,
}

fn known(id: &str) -> Result<String, &'static str> {
    if id.contains('/') {
        Err("INVALID_ID")
    } else {
        Ok(id.to_owned())
    }
}

fn short(text: &str, most: usize) -> Checked {
    if text.len() > most {
        Err("TOO_LARGE")
    } else {
        Ok(())
    }
}

fn within(object: &Object, most: usize) -> Checked {
    if object.text().len() > most {
        Err("TOO_LARGE")
    } else if object.depth() > MAX_DEPTH {
        Err("TOO_DEEP")
    } else {
        Ok(())
    }
}

const PAUSE_KEYS: &[&str] = &["pausedAt", "pauseReason"];

/// A context may exceed its size by the text that pausing put in.
fn context_within(context: &Object) -> Checked {
    let ours = |key: &&str| context.get(key).is_none_or(|value| value.text.is_some());
    match within(context, MAX_CONTEXT) {
        Err("TOO_LARGE") if PAUSE_KEYS.iter().all(ours) => {
            within(&context.clone().without(PAUSE_KEYS), MAX_CONTEXT)
        }
        checked => checked,
    }
}

fn finished(status: &str) -> bool {
    matches!(status, "completed" | "failed" | "abandoned")
}

fn leads(from: &str, to: &str) -> bool {
    match from {
        "active" => to != "active",
        "paused" => !matches!(to, "paused" | "timeout"),
        "timeout" => !matches!(to, "timeout" | "active"),
        _ => false,
    }
}

/// Tokens read, tokens written, billionths of cost.
fn usage(metadata: Option<&Object>) -> (u64, u64, u64) {
    let tokens = metadata.and_then(|metadata| metadata.get("tokens"));
    let count = |key: &str| {
        let members = tokens.and_then(|tokens| tokens.members.as_ref());
        let member = members.and_then(|members| members.iter().find(|(k, _, _)| k == key));
        member
            .and_then(|(_, _, json)| json.parse::<u64>().ok())
            .unwrap_or(0)
            .min(MOST)
    };
    let cost = metadata
        .and_then(|metadata| metadata.get("cost"))
        .map_or(0, |cost| cost.nanos);
    (count("prompt"), count("completion"), cost)
}

impl Session {
    fn go(&mut self, to: &'static str, now: i64) -> Checked {
        if !leads(self.status, to) {
            return Err("INVALID_TRANSITION");
        }
        self.status = to;
        self.paused_at = None;
        if finished(to) {
            self.finalized = Some(now);
        }
        Ok(())
    }

    fn has_budget(&self) -> bool {
        self.iterations < self.max_iterations
    }

    pub(crate) fn head(&self) -> Members {
        let mut out = Members::default();
        out.text("id", Some(&self.id))
            .text("userId", self.user.as_deref())
            .text("channelId", self.channel.as_deref())
            .text("mode", Some(&self.mode))
            .text("task", Some(&self.task))
            .text("workspace", self.workspace.as_deref())
            .text("status", Some(self.status))
            .text("createdAt", Some(&iso(self.created)))
            .text("updatedAt", Some(&iso(self.updated)))
            .number("iterations", Some(self.iterations))
            .number("maxIterations", Some(self.max_iterations))
            .object("context", Some(&self.context))
            .text("result", self.result.as_deref())
            .text("error", self.error.as_deref())
            .object("metadata", self.metadata.as_ref())
            .number("version", Some(self.version))
            .number("eventCount", Some(self.history.len()))
            .text("finalizedAt", self.finalized.map(iso).as_deref())
            .text("parentId", self.parent.as_deref())
            .text("deletedAt", self.deleted.map(iso).as_deref());
        out
    }

    /// The events with these numbers.
    fn events(&self, first: usize, last: usize) -> String {
        let events: Vec<String> = self
            .history
            .iter()
            .zip(1..)
            .filter(|&(_, number)| first <= number && number <= last)
            .map(|(event, number)| {
                let mut out = Members::default();
                out.number("sequence", Some(number))
                    .text("timestamp", Some(&iso(event.at)))
                    .text("type", Some(&event.kind))
                    .raw("data", Some(&event.data));
                out.end()
            })
            .collect();
        format!("[{}]", events.join(","))
    }

    fn with_events(&self, first: usize, last: usize) -> String {
        self.head()
            .raw("history", Some(self.events(first, last)))
            .end()
    }

    /// The session as one text.
    pub(crate) fn whole(&self) -> String {
        self.with_events(1, usize::MAX)
    }

    fn resumable(&self) -> bool {
        self.deleted.is_none()
            && (self.status == "paused" || (self.status == "active" && self.has_budget()))
    }
}

/// A session with the changes of one operation.
struct Draft {
    session: Session,
    told: Vec<String>,
    now: i64,
}

impl Draft {
    fn append(&mut self, kind: &str, data: &Object) {
        self.session.history.push(Event {
            at: self.now,
            kind: kind.to_owned(),
            data: data.text().to_owned(),
        });
    }

    fn tell(&mut self, event: &str, data: &Object) {
        let mut session = Members::default();
        session
            .text("id", Some(&self.session.id))
            .text("mode", Some(&self.session.mode))
            .text("status", Some(self.session.status))
            .text("task", Some(&self.session.task))
            .text("userId", self.session.user.as_deref())
            .text("channelId", self.session.channel.as_deref());
        let mut told = Members::default();
        told.text("event", Some(event))
            .raw("session", Some(session.end()))
            .text("timestamp", Some(&iso(self.now)))
            .object("data", Some(data));
        self.told.push(told.end());
    }

    /// A change of status with its event, whose data is given or says `key`.
    fn end(
        &mut self,
        (to, kind, event): (&'static str, &str, &str),
        (key, text): (&str, Option<&str>),
        data: Option<Object>,
    ) -> Checked {
        short(text.unwrap_or(""), MAX_TEXT)?;
        self.session.go(to, self.now)?;
        let data = data.unwrap_or_else(|| Object::of([(key, text.map(Value::text_of))]));
        self.append(kind, &data);
        self.tell(event, &data);
        Ok(())
    }

    fn pause(&mut self, reason: Option<&str>, data: Option<Object>) -> Checked {
        short(reason.unwrap_or(""), MAX_TEXT)?;
        self.session.go("paused", self.now)?;
        self.session.paused_at = Some(self.now);
        let context = self.session.context.clone().without(&["pauseReason"]);
        let context = context.set("pausedAt", Value::time_of(self.now));
        self.session.context = match reason {
            Some(reason) => context.set("pauseReason", Value::text_of(reason)),
            None => context,
        };
        let data = data.unwrap_or_else(|| Object::of([("reason", reason.map(Value::text_of))]));
        self.append("pause", &data);
        self.tell("pause", &data);
        Ok(())
    }

    fn resume(&mut self, add: u32, data: Option<Object>) -> Checked {
        let recovered = self.session.status == "active";
        let mut paused = 0;
        if !recovered {
            paused = self
                .session
                .paused_at
                .map_or(0, |at| (self.now - at).max(0));
            self.session.go("active", self.now)?;
            self.session.context = self.session.context.clone().without(PAUSE_KEYS);
        }
        self.session.max_iterations = self.session.max_iterations.saturating_add(add);
        if !self.session.has_budget() {
            return Err("BUDGET_EXHAUSTED");
        }
        let mut data = data.unwrap_or_default();
        data = data.set("pausedDuration", Value::count_of(paused as u64));
        if recovered {
            data = data.set("recovered", Value::plain("true"));
        }
        if add > 0 {
            data = data.set("addIterations", Value::count_of(add.into()));
        }
        self.append("resume", &data);
        self.tell("resume", &data);
        Ok(())
    }

    fn abandon(&mut self, reason: Option<&str>, data: Option<Object>) -> Checked {
        short(reason.unwrap_or(""), MAX_TEXT)?;
        self.session.go("abandoned", self.now)?;
        let data = data.unwrap_or_else(|| Object::of([("reason", reason.map(Value::text_of))]));
        self.append("abandoned", &data);
        let told = Object::of([
            ("reason", Some(Value::text_of("abandoned"))),
            ("detail", reason.map(Value::text_of)),
        ]);
        self.tell("error", &told);
        Ok(())
    }

    fn time_out(&mut self, data: Option<Object>) -> Checked {
        self.session.go("timeout", self.now)?;
        let data = data.unwrap_or_else(|| {
            Object::of([
                (
                    "iterations",
                    Some(Value::count_of(self.session.iterations.into())),
                ),
                (
                    "maxIterations",
                    Some(Value::count_of(self.session.max_iterations.into())),
                ),
            ])
        });
        self.append("timeout", &data);
        self.tell("timeout", &data);
        Ok(())
    }

    fn iterate(&mut self, data: Option<Object>) -> Checked {
        self.live()?;
        if self.session.status == "timeout" || !self.session.has_budget() {
            return Err("BUDGET_EXHAUSTED");
        }
        self.session.iterations += 1;
        let number = Value::count_of(self.session.iterations.into());
        let data = data.unwrap_or_else(|| Object::of([("iteration", Some(number))]));
        within(&data, MAX_DATA)?;
        self.append("iteration", &data);
        if !self.session.has_budget() && self.session.status == "active" {
            self.time_out(None)?;
        }
        Ok(())
    }

    fn live(&self) -> Checked {
        if finished(self.session.status) {
            Err("SESSION_FINISHED")
        } else {
            Ok(())
        }
    }

    fn record(&mut self, kind: &str, data: Option<Object>) -> Checked {
        self.live()?;
        if let Some(data) = &data {
            within(data, MAX_DATA)?;
        }
        let given = data.clone().unwrap_or_default();
        let text = |key: &str| given.get(key).and_then(|value| value.text.clone());
        let add = given.get("addIterations").and_then(|value| value.count);
        match kind {
            "" | "start" => Err("INVALID_ARGUMENT"),
            "iteration" => self.iterate(data),
            "pause" => self.pause(text("reason").as_deref(), data),
            "resume" => self.resume(
                add.and_then(|add| u32::try_from(add).ok()).unwrap_or(0),
                data,
            ),
            "complete" => {
                let result = text("result");
                self.end(
                    ("completed", kind, "complete"),
                    ("", result.as_deref()),
                    Some(given),
                )?;
                self.session.result = result;
                Ok(())
            }
            "error" => {
                let error = text("error");
                self.end(
                    ("failed", kind, "error"),
                    ("", error.as_deref()),
                    Some(given),
                )?;
                self.session.error = error;
                Ok(())
            }
            "abandoned" => self.abandon(text("reason").as_deref(), data),
            "timeout" => self.time_out(data),
            "tool_call" => {
                if let Some(tool) = text("tool") {
                    short(&tool, MAX_LABEL)?;
                    self.add_tool(&tool)?;
                }
                self.append(kind, &given);
                Ok(())
            }
            _ => {
                short(kind, MAX_LABEL)?;
                self.append(kind, &given);
                Ok(())
            }
        }
    }

    fn add_tool(&mut self, tool: &str) -> Checked {
        let metadata = self.session.metadata.clone().unwrap_or_default();
        let list = metadata
            .get("toolsUsed")
            .filter(|tools| tools.items.is_some());
        let mut items = list.and_then(|list| list.items.clone()).unwrap_or_default();
        let depth = list.map_or(1, |list| list.depth);
        if items.contains(&quoted(tool)) {
            return Ok(());
        }
        items.push(quoted(tool));
        self.set_metadata(metadata.set("toolsUsed", Value::list(items, depth)))
    }

    fn set_metadata(&mut self, metadata: Object) -> Checked {
        within(&metadata, MAX_CONTEXT)?;
        self.session.metadata = Some(metadata);
        Ok(())
    }

    fn set_max(&mut self, max: u32) -> Checked {
        if max < self.session.iterations.max(1) {
            return Err("INVALID_ARGUMENT");
        }
        self.session.max_iterations = max;
        Ok(())
    }

    fn merge_context(&mut self, patch: &Object) -> Checked {
        within(patch, MAX_CONTEXT)?;
        let merged = self.session.context.clone().merged(patch);
        context_within(&merged)?;
        self.session.context = merged;
        Ok(())
    }

    fn change(&mut self, change: &Change) -> Checked {
        match change {
            Change::Update {
                task,
                mode,
                workspace,
                user,
                max_iterations,
                context,
                metadata,
            } => {
                if let Some(task) = task {
                    short(task.text, MAX_TASK)?;
                    self.session.task = task.text.to_owned();
                }
                if let Some(mode) = mode {
                    short(mode.text, MAX_LABEL)?;
                    self.session.mode = mode.text.to_owned();
                }
                for (patch, member) in [
                    (workspace, &mut self.session.workspace),
                    (user, &mut self.session.user),
                ] {
                    match patch {
                        Patch::Keep => {}
                        Patch::Clear => *member = None,
                        Patch::Set(words) => {
                            short(words.text, MAX_LABEL)?;
                            *member = Some(words.text.to_owned());
                        }
                    }
                }
                if let Some(max) = max_iterations {
                    self.set_max(*max)?;
                }
                if let Some(context) = context {
                    self.merge_context(context)?;
                }
                if let Some(patch) = metadata {
                    within(patch, MAX_CONTEXT)?;
                    let metadata = self.session.metadata.clone().unwrap_or_default();
                    self.set_metadata(metadata.merged(patch))?;
                }
                Ok(())
            }
            Change::Pause { reason } => self.pause(reason.map(|words| words.text), None),
            Change::Resume { add } => self.resume(add.unwrap_or(0), None),
            Change::Complete { result } => {
                let result = result.map(|words| words.text);
                self.end(
                    ("completed", "complete", "complete"),
                    ("result", result),
                    None,
                )?;
                self.session.result = result.map(str::to_owned);
                Ok(())
            }
            Change::Fail { error } => {
                let error = error.map(|words| words.text);
                self.end(("failed", "error", "error"), ("error", error), None)?;
                self.session.error = error.map(str::to_owned);
                Ok(())
            }
            Change::Abandon { reason } => self.abandon(reason.map(|words| words.text), None),
            Change::AddEvent(NewEvent { kind, data }) => self.record(kind, data.clone()),
            Change::AddEvents(events) => events
                .iter()
                .try_for_each(|event| self.record(event.kind, event.data.clone())),
            Change::Iterate { data } => self.iterate(data.clone()),
            Change::Tool { tool, args, result } => {
                let no_args = || Value {
                    depth: 1,
                    ..Value::plain("{}")
                };
                let given = |value: &Option<crate::object::Known>| {
                    value.filter(|value| value.json != "null").map(Value::from)
                };
                let data = Object::of([
                    ("tool", Some(Value::text_of(tool.text))),
                    ("args", Some(given(args).unwrap_or_else(no_args))),
                    (
                        "result",
                        Some(given(result).unwrap_or_else(|| Value::plain("null"))),
                    ),
                ]);
                self.record("tool_call", Some(data))
            }
            Change::Learn { insight, file } => {
                let data = Object::of([
                    ("insight", Some(Value::text_of(insight.text))),
                    ("expertiseFile", file.map(|file| Value::text_of(file.text))),
                ]);
                self.record("learning", Some(data))
            }
            Change::Use {
                prompt,
                completion,
                cost,
            } => {
                let nanos = match cost {
                    None => 0,
                    Some((_, nanos)) => nanos.ok_or("INVALID_ARGUMENT")?,
                };
                let before = usage(self.session.metadata.as_ref());
                let sum = |a: u64, b: u64| a.saturating_add(b).min(MOST);
                let prompt = sum(before.0, prompt.unwrap_or(0));
                let completion = sum(before.1, completion.unwrap_or(0));
                let metadata = self.session.metadata.clone().unwrap_or_default();
                let tokens = metadata.get("tokens");
                let mut members = tokens
                    .and_then(|tokens| tokens.members.clone())
                    .unwrap_or_default();
                let depth = tokens
                    .filter(|tokens| tokens.members.is_some())
                    .map_or(1, |tokens| tokens.depth);
                for (key, count) in [
                    ("prompt", prompt),
                    ("completion", completion),
                    ("total", prompt + completion),
                ] {
                    match members.iter_mut().find(|(known, _, _)| known == key) {
                        Some((_, _, value)) => *value = count.to_string(),
                        None => members.push((key.to_owned(), quoted(key), count.to_string())),
                    }
                }
                let mut metadata = metadata.set("tokens", Value::object(members, depth));
                if cost.is_some() {
                    metadata = metadata.set("cost", Value::money_of(sum(before.2, nanos)));
                }
                self.set_metadata(metadata)
            }
            Change::Context { context, replace } => {
                if *replace == Some(true) {
                    context_within(context)?;
                    self.session.context = context.clone();
                    Ok(())
                } else {
                    self.merge_context(context)
                }
            }
            Change::Trash => {
                self.session.deleted.get_or_insert(self.now);
                Ok(())
            }
            Change::Restore => {
                self.session.deleted = None;
                Ok(())
            }
        }
    }

    fn finish(mut self) -> (Session, String) {
        self.session.version += 1;
        self.session.updated = self.session.updated.max(self.now);
        (self.session, format!("[{}]", self.told.join(",")))
    }
}

fn quiet(value: impl Into<String>) -> Outcome {
    Ok((value.into(), "[]".to_owned()))
}

impl Model {
    /// What a call comes to. Calls that take several steps (lists, exports that are kept, imports)
    /// are taken apart by the test.
    pub(crate) fn call(&mut self, call: &Call) -> Outcome {
        match call {
            Call::Start { .. } => self.start(call),
            Call::Change {
                id,
                if_version,
                key,
                change,
            } => self.change(id, *if_version, *key, change),
            Call::Get { id, history } => {
                let id = known(id)?;
                quiet(self.sessions.get(&id).map_or("null".to_owned(), |session| {
                    let count = session.history.len();
                    let last = |n: usize| session.with_events(count.saturating_sub(n) + 1, count);
                    match history {
                        None => last(100),
                        Some(Ok(n)) => last(*n as usize),
                        Some(Err("all")) => session.whole(),
                        Some(Err(_)) => session.with_events(1, 0),
                    }
                }))
            }
            Call::Read { id, operation } => self.read(id, operation),
            Call::Events { id, after, limit } => {
                let id = known(id)?;
                let session = self.sessions.get(&id).ok_or("SESSION_NOT_FOUND")?;
                let count = session.history.len();
                let after = after.unwrap_or(0) as usize;
                let last = (after + limit.unwrap_or(100) as usize).min(count);
                let mut page = Members::default();
                page.raw("items", Some(session.events(after + 1, last)))
                    .number("nextAfter", (after < last && last < count).then_some(last));
                quiet(page.end())
            }
            Call::Stats { filter } => quiet(self.stats(filter)),
            Call::Delete { id } => {
                let id = known(id)?;
                if !self.sessions.contains_key(&id) {
                    return Err("SESSION_NOT_FOUND");
                }
                self.remove(&id);
                quiet("null")
            }
            Call::Cleanup {
                max_age,
                measure,
                status,
                permanent,
                dry_run,
            } => {
                let now = self.now;
                let statuses = status.clone();
                let statuses =
                    statuses.unwrap_or_else(|| vec!["completed", "failed", "timeout", "abandoned"]);
                let meant = |session: &Session| {
                    let since = if *measure == Some("updated") {
                        session.updated
                    } else {
                        session.created
                    };
                    session.deleted.is_none()
                        && statuses.contains(&session.status)
                        && (now - since).max(0) as u64 >= *max_age
                };
                Ok(self.sweep(meant, permanent.unwrap_or(false), dry_run.unwrap_or(false)))
            }
            Call::Purge {
                older_than,
                dry_run,
            } => {
                let now = self.now;
                let meant = |session: &Session| {
                    session
                        .deleted
                        .is_some_and(|at| (now - at).max(0) as u64 >= *older_than)
                };
                Ok(self.sweep(meant, true, dry_run.unwrap_or(false)))
            }
            Call::Fork { .. } => self.fork(call),
            Call::List { .. } | Call::Export { .. } | Call::Import { .. } => {
                unreachable!("the test takes these apart")
            }
        }
    }

    fn read(&self, id: &str, operation: &str) -> Outcome {
        let id = known(id)?;
        let Some(session) = self.sessions.get(&id) else {
            return match operation {
                "isResumable" => quiet("false"),
                "export" => Err("SESSION_NOT_FOUND"),
                _ => quiet("null"),
            };
        };
        match operation {
            "isResumable" => quiet(session.resumable().to_string()),
            "export" => quiet(quoted(&session.whole())),
            "progress" => {
                let of = f64::from(session.iterations) / f64::from(session.max_iterations);
                quiet(serde_json::to_string(&(of * 100.0).min(100.0)).unwrap())
            }
            "duration" => {
                let end = match session.status {
                    "active" | "paused" => self.now,
                    "timeout" => session.updated,
                    _ => session.finalized.unwrap(),
                };
                quiet((end - session.created).max(0).to_string())
            }
            _ => {
                let count = session.history.len();
                let mut out = Members::default();
                out.text("sessionId", Some(&session.id))
                    .text("task", Some(&session.task))
                    .text("mode", Some(&session.mode))
                    .raw(
                        "workspace",
                        Some(
                            session
                                .workspace
                                .as_deref()
                                .map_or("null".to_owned(), quoted),
                        ),
                    )
                    .text("status", Some(session.status))
                    .number("iterations", Some(session.iterations))
                    .number("maxIterations", Some(session.max_iterations))
                    .object("context", Some(&session.context))
                    .raw(
                        "recentHistory",
                        Some(session.events(count.saturating_sub(10) + 1, count)),
                    );
                quiet(out.end())
            }
        }
    }

    fn start(&mut self, call: &Call) -> Outcome {
        let Call::Start {
            id,
            task,
            mode,
            user,
            channel,
            workspace,
            max_iterations,
            context,
            metadata,
            paused,
            reason,
            key,
        } = call
        else {
            unreachable!()
        };
        let id = known(id)?;
        short(task.text, MAX_TASK)?;
        for label in [
            Some(mode),
            user.as_ref(),
            channel.as_ref(),
            workspace.as_ref(),
        ] {
            short(label.map_or("", |words| words.text), MAX_LABEL)?;
        }
        if *max_iterations == Some(0) {
            return Err("INVALID_ARGUMENT");
        }
        for object in [context, metadata].into_iter().flatten() {
            within(object, MAX_CONTEXT)?;
        }
        let mut draft = Draft {
            session: Session {
                id: id.clone(),
                user: user.map(|words| words.text.to_owned()),
                channel: channel.map(|words| words.text.to_owned()),
                mode: mode.text.to_owned(),
                task: task.text.to_owned(),
                workspace: workspace.map(|words| words.text.to_owned()),
                status: "active",
                created: self.now,
                updated: self.now,
                iterations: 0,
                max_iterations: max_iterations.unwrap_or(100),
                context: context.clone().unwrap_or_default(),
                result: None,
                error: None,
                metadata: metadata.clone(),
                version: 0,
                history: Vec::new(),
                finalized: None,
                parent: None,
                deleted: None,
                paused_at: None,
            },
            told: Vec::new(),
            now: self.now,
        };
        let data = Object::of([
            ("task", Some(Value::text_of(task.text))),
            ("mode", Some(Value::text_of(mode.text))),
            (
                "workspace",
                workspace.map(|words| Value::text_of(words.text)),
            ),
        ]);
        draft.append("start", &data);
        draft.tell("start", &data);
        if *paused == Some(true) {
            draft.pause(reason.map(|words| words.text), None)?;
        }
        let call = start_members(call).end();
        if let Some(kept) = key.and_then(|key| self.start_keys.get(key)) {
            if kept.call != call {
                return Err("IDEMPOTENCY_MISMATCH");
            }
            let session = &self.sessions[&kept.session];
            return quiet(session.with_events(kept.first as usize, kept.last as usize));
        }
        if self.sessions.contains_key(&id) {
            return Err("SESSION_EXISTS");
        }
        let (session, told) = draft.finish();
        if let Some(key) = key {
            let last = session.history.len() as u64;
            self.start_keys.insert(
                key,
                Kept {
                    call,
                    session: id.clone(),
                    first: 1,
                    last,
                },
            );
        }
        let value = session.whole();
        self.sessions.insert(id, session);
        Ok((value, told))
    }

    fn change(
        &mut self,
        id: &str,
        if_version: IfVersion,
        key: Option<&'static str>,
        change: &Change,
    ) -> Outcome {
        if let Change::AddEvents(events) = change
            && !(1..=MAX_BATCH).contains(&events.len())
        {
            return Err("INVALID_ARGUMENT");
        }
        let id = known(id)?;
        let before = self.sessions.get(&id).ok_or("SESSION_NOT_FOUND")?.clone();
        let call = format!(
            "{} {}",
            change.name(),
            change.members().text("id", Some(&id)).end()
        );
        let appends = matches!(
            change,
            Change::AddEvent(_)
                | Change::AddEvents(_)
                | Change::Iterate { .. }
                | Change::Tool { .. }
                | Change::Learn { .. }
        );
        let answer = |session: &Session, first: u64, last: u64, replayed: bool| {
            if !appends {
                return session.head().end();
            }
            let mut out = Members::default();
            out.text("id", Some(&id))
                .number("firstSequence", Some(first))
                .number("lastSequence", Some(last))
                .text("status", Some(session.status))
                .number("iterations", Some(session.iterations))
                .number("maxIterations", Some(session.max_iterations))
                .number("version", Some(session.version))
                .text("updatedAt", Some(&iso(session.updated)))
                .number("replayed", Some(replayed));
            out.end()
        };
        if let Some(kept) = key.and_then(|key| self.keys.get(&(id.clone(), key))) {
            if kept.call != call {
                return Err("IDEMPOTENCY_MISMATCH");
            }
            return quiet(answer(&before, kept.first, kept.last, true));
        }
        if before.deleted.is_some() && !matches!(change, Change::Trash | Change::Restore) {
            return Err("SESSION_DELETED");
        }
        if if_version == IfVersion::Next {
            return Err("VERSION_CONFLICT");
        }
        let first = before.history.len() as u64 + 1;
        let mut draft = Draft {
            session: before.clone(),
            told: Vec::new(),
            now: self.now,
        };
        draft.change(change)?;
        if key.is_none() && draft.session == before {
            return quiet(answer(&before, first, first - 1, false));
        }
        let (session, told) = draft.finish();
        let last = session.history.len() as u64;
        if let Some(key) = key {
            let kept = Kept {
                call,
                session: id.clone(),
                first,
                last,
            };
            self.keys.insert((id.clone(), key), kept);
        }
        let value = answer(&session, first, last, false);
        self.sessions.insert(id.clone(), session);
        Ok((value, told))
    }

    fn fork(&mut self, call: &Call) -> Outcome {
        let Call::Fork {
            id,
            new_id,
            at,
            task,
            max_iterations,
            context,
        } = call
        else {
            unreachable!()
        };
        let new_id = known(new_id)?;
        let id = known(id)?;
        let parent = self.sessions.get(&id).ok_or("SESSION_NOT_FOUND")?;
        let at = at.unwrap_or(parent.history.len() as u64) as usize;
        if at > parent.history.len() {
            return Err("INVALID_ARGUMENT");
        }
        let history = parent.history[..at].to_vec();
        let iterations = history
            .iter()
            .filter(|event| event.kind == "iteration")
            .count();
        let metadata = parent.metadata.clone();
        let mut draft = Draft {
            session: Session {
                id: new_id.clone(),
                status: "active",
                created: self.now,
                updated: self.now,
                iterations: iterations as u32,
                context: parent.context.clone().without(PAUSE_KEYS),
                result: None,
                error: None,
                metadata: metadata.map(|metadata| metadata.without(&["tokens", "cost"])),
                version: 0,
                history,
                finalized: None,
                parent: Some(id.clone()),
                deleted: None,
                paused_at: None,
                ..parent.clone()
            },
            told: Vec::new(),
            now: self.now,
        };
        if let Some(task) = task {
            short(task.text, MAX_TASK)?;
            draft.session.task = task.text.to_owned();
        }
        if let Some(max) = max_iterations {
            draft.set_max(*max)?;
        }
        if let Some(context) = context {
            draft.merge_context(context)?;
        }
        let data = Object::of([
            ("parentId", Some(Value::text_of(&id))),
            ("atSequence", Some(Value::count_of(at as u64))),
        ]);
        draft.append("fork", &data);
        draft.tell("start", &data);
        if self.sessions.contains_key(&new_id) {
            return Err("SESSION_EXISTS");
        }
        let (session, told) = draft.finish();
        let value = session.whole();
        self.sessions.insert(new_id, session);
        Ok((value, told))
    }

    /// Imports a session that was exported.
    pub(crate) fn import(&mut self, session: &Session) -> Outcome {
        let paused_at = session.context.get("pausedAt").and_then(|at| at.time);
        let current = self
            .sessions
            .get(&session.id)
            .map_or(0, |current| current.version);
        let session = Session {
            version: session.version.max(current + 1),
            paused_at: paused_at.filter(|_| session.status == "paused"),
            ..session.clone()
        };
        let value = session.head().end();
        self.sessions.insert(session.id.clone(), session);
        quiet(value)
    }

    fn remove(&mut self, id: &str) {
        self.sessions.remove(id);
        self.keys.retain(|(session, _), _| session != id);
        self.start_keys.retain(|_, kept| kept.session != id);
    }

    fn sweep(
        &mut self,
        meant: impl Fn(&Session) -> bool,
        permanent: bool,
        dry_run: bool,
    ) -> (String, String) {
        let mut found: Vec<(i64, String)> = self
            .sessions
            .values()
            .filter(|session| meant(session))
            .map(|session| (session.created, session.id.clone()))
            .collect();
        found.sort();
        let ids: Vec<&str> = found.iter().map(|(_, id)| id.as_str()).collect();
        let mut out = Members::default();
        out.number("removed", Some(ids.len()))
            .list("ids", Some(&ids))
            .number("dryRun", Some(dry_run));
        for id in ids {
            if dry_run {
                continue;
            }
            if permanent {
                self.remove(id);
            } else if let Some(session) = self.sessions.get_mut(id) {
                session.deleted = Some(self.now);
                session.version += 1;
                session.updated = session.updated.max(self.now);
            }
        }
        (out.end(), "[]".to_owned())
    }

    /// The sessions that a filter means.
    fn found(&self, filter: &Filter) -> Vec<&Session> {
        let named = |wanted: Option<crate::operations::Words>, actual: Option<&str>| {
            wanted.is_none_or(|wanted| Some(wanted.text) == actual)
        };
        self.sessions
            .values()
            .filter(|session| {
                named(filter.user, session.user.as_deref())
                    && named(filter.mode, Some(&session.mode))
                    && filter
                        .status
                        .as_ref()
                        .is_none_or(|of| of.contains(&session.status))
                    && filter
                        .parent
                        .is_none_or(|id| session.parent.as_deref() == Some(id))
                    && filter
                        .created_after
                        .is_none_or(|at| session.created >= crate::BASE + at)
                    && filter
                        .updated_before
                        .is_none_or(|at| session.updated <= crate::BASE + at)
                    && filter.text.is_none_or(|text| {
                        let lower = |text: &str| text.to_ascii_lowercase();
                        lower(&session.task).contains(&lower(text))
                    })
                    && match filter.trash.unwrap_or("exclude") {
                        "only" => session.deleted.is_some(),
                        "exclude" => session.deleted.is_none(),
                        _ => true,
                    }
            })
            .collect()
    }

    /// The heads of the sessions that a filter means, in order.
    pub(crate) fn list(&self, filter: &Filter, updated: bool, ascending: bool) -> Vec<String> {
        let mut found = self.found(filter);
        let time = |session: &Session| {
            if updated {
                session.updated
            } else {
                session.created
            }
        };
        found.sort_by_key(|session| (time(session), session.id.clone()));
        if !ascending {
            found.reverse();
        }
        found.iter().map(|session| session.head().end()).collect()
    }

    fn stats(&self, filter: &Filter) -> String {
        let found = self.found(filter);
        let number = |number: f64| serde_json::to_string(&number).unwrap();
        let with = |status: &str| found.iter().filter(|s| s.status == status).count();
        let share = |part: usize, whole: usize| {
            if whole == 0 {
                0.0
            } else {
                part as f64 / whole as f64
            }
        };
        let used = |sessions: &[&Session]| {
            let mut sum = (0u64, 0u64, 0u64);
            for session in sessions {
                let (prompt, completion, nanos) = usage(session.metadata.as_ref());
                sum = (sum.0 + prompt, sum.1 + completion, sum.2 + nanos);
            }
            let mut tokens = Members::default();
            tokens
                .number("prompt", Some(sum.0))
                .number("completion", Some(sum.1))
                .number("total", Some(sum.0 + sum.1));
            let mut out = Members::default();
            out.raw("tokens", Some(tokens.end()))
                .raw("cost", Some(number(sum.2 as f64 / 1e9)));
            out.end()
        };
        let grouped = |of: &dyn Fn(&Session) -> Option<String>| {
            let mut groups: BTreeMap<String, Vec<&Session>> = BTreeMap::new();
            for &session in &found {
                if let Some(name) = of(session) {
                    groups.entry(name).or_default().push(session);
                }
            }
            groups
        };
        let modes = grouped(&|session| Some(session.mode.clone()));
        let users = grouped(&|session| session.user.clone());
        let printed = |groups: &BTreeMap<String, Vec<&Session>>| {
            let mut out = Members::default();
            for (name, sessions) in groups {
                out.raw(name, Some(used(sessions)));
            }
            out.end()
        };
        let mut by_status = Members::default();
        for status in STATUSES {
            by_status.number(status, Some(with(status)));
        }
        let mut by_mode = Members::default();
        for (mode, sessions) in &modes {
            by_mode.number(mode, Some(sessions.len()));
        }
        let iterations: u64 = found
            .iter()
            .map(|session| u64::from(session.iterations))
            .sum();
        let completed = with("completed");
        let ended = completed + with("failed") + with("abandoned");
        let mut out = Members::default();
        out.number("total", Some(found.len()))
            .raw("byStatus", Some(by_status.end()))
            .raw("byMode", Some(by_mode.end()))
            .raw(
                "averageIterations",
                Some(number(share(iterations as usize, found.len()))),
            )
            .raw(
                "successRate",
                Some(number(share(completed, found.len()) * 100.0)),
            )
            .raw(
                "finishedSuccessRate",
                Some(number(share(completed, ended) * 100.0)),
            )
            .raw("usage", Some(used(&found)))
            .raw("usageByMode", Some(printed(&modes)))
            .raw("usageByUser", Some(printed(&users)))
            .number("usersOmitted", Some(0));
        out.end()
    }
}

/// The parameters of a start, without its key.
pub(crate) fn start_members(call: &Call) -> Members {
    let mut members = Members::default();
    if let Call::Start {
        id,
        task,
        mode,
        user,
        channel,
        workspace,
        max_iterations,
        context,
        metadata,
        paused,
        reason,
        ..
    } = call
    {
        members
            .text("id", Some(id))
            .words("task", Some(*task))
            .words("mode", Some(*mode))
            .words("userId", *user)
            .words("channelId", *channel)
            .words("workspace", *workspace)
            .number("maxIterations", *max_iterations)
            .object("context", context.as_ref())
            .object("metadata", metadata.as_ref())
            .number("paused", *paused)
            .words("pauseReason", *reason);
    }
    members
}

impl Session {
    /// The same session under another id.
    pub(crate) fn renamed(&self, id: &str) -> Self {
        Self {
            id: id.to_owned(),
            ..self.clone()
        }
    }
}
