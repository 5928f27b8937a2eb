//! The rules for one session: the effect of each change, and the JSON forms of the session.

use super::object::{MOST, Object, Value, iso, quoted};
use super::operations::{Change, NewEvent, Patch, Properties};

pub(crate) const MAX_DATA: usize = 120;
pub(crate) const MAX_CONTEXT: usize = 160;
pub(crate) const MAX_TASK: usize = 24;
pub(crate) const MAX_TEXT: usize = 30;
/// As long as the longest type of events that Tenure writes here.
pub(crate) const MAX_LABEL: usize = "context_change".len();
pub(crate) const MAX_DEPTH: u32 = 3;
pub(crate) const MAX_BATCH: usize = 3;

/// Success, or the error code of a refusal.
pub(crate) type Checked = Result<(), &'static str>;

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Event {
    pub(crate) at: i64,
    pub(crate) kind: String,
    pub(crate) data: String,
    /// The tool that was called.
    pub(crate) tool: Option<String>,
    /// What the event says of a change of the context.
    pub(crate) change: Option<ContextChange>,
}

/// What an event says of a change of the context.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct ContextChange {
    set: Object,
    was: Object,
    /// The names of the properties whose values are not in the event.
    changed: Option<Vec<String>>,
}

impl ContextChange {
    fn between(before: &Object, after: &Object) -> Option<Self> {
        let differing = |of: &Object, other: &Object| {
            let differs = |key: &str, value: &Value| {
                other.get(key).map(|value| &value.json) != Some(&value.json)
            };
            of.clone().only(differs)
        };
        let whole = Self {
            set: differing(after, before),
            was: differing(before, after),
            changed: None,
        };
        if whole.set.is_empty() && whole.was.is_empty() {
            return None;
        }
        if within(&whole.data(), MAX_DATA).is_ok() {
            return Some(whole);
        }
        let sorted = |object: &Object| {
            let mut keys: Vec<String> = object.keys().map(str::to_owned).collect();
            keys.sort_by_key(|key| decoded(key));
            keys
        };
        let mut keys = sorted(&whole.set);
        let removed = whole.was.only(|key, _| whole.set.get(key).is_none());
        keys.extend(sorted(&removed));
        let named = Self {
            changed: Some(keys.iter().map(|key| lossy(key)).collect()),
            ..Self::default()
        };
        let unnamed = Self {
            changed: Some(Vec::new()),
            ..Self::default()
        };
        Some(match within(&named.data(), MAX_DATA) {
            Ok(()) => named,
            Err(_) => unnamed,
        })
    }

    fn data(&self) -> Object {
        let object = |object: &Object| (!object.is_empty()).then(|| object.as_value());
        let names = self.changed.as_ref();
        let names = names.map(|names| names.iter().map(|name| quoted(name)).collect());
        let changed = names.map(|names| Value::list(names, 1));
        Object::of([
            ("set", object(&self.set)),
            ("was", object(&self.was)),
            ("changed", changed),
        ])
    }
}

/// The bytes of a key, with those of a lone surrogate.
fn decoded(key: &str) -> Vec<u8> {
    match key {
        "<d800>" => vec![0xED, 0xA0, 0x80],
        "<dfff>" => vec![0xED, 0xBF, 0xBF],
        key => key.as_bytes().to_vec(),
    }
}

/// A key as text: a lone surrogate cannot be a part of it.
fn lossy(key: &str) -> String {
    String::from_utf8_lossy(&decoded(key)).into_owned()
}

/// The context before these later events, for a fork with a context of its own.
pub(crate) fn context_before(
    mut context: Object,
    later: &[Event],
    own: Option<&Object>,
) -> Result<Object, &'static str> {
    let mut unknown: Vec<String> = Vec::new();
    for change in later.iter().rev().filter_map(|event| event.change.as_ref()) {
        let ContextChange { set, was, changed } = change;
        unknown.retain(|name| set.get(name).or(was.get(name)).is_none());
        if changed.as_ref().is_some_and(Vec::is_empty) {
            return Err("INVALID_ARGUMENT");
        }
        unknown.extend(changed.iter().flatten().cloned());
        context = context.only(|key, _| set.get(key).is_none()).merged(was);
    }
    let is_given = |name: &String| own.is_some_and(|own| own.get(name).is_some());
    match unknown.iter().all(is_given) {
        true => Ok(context),
        false => Err("INVALID_ARGUMENT"),
    }
}

/// The metadata of a fork: without what the parent has used, and without the tools that only later events
/// used.
pub(crate) fn forked_metadata(metadata: Object, copied: &[Event], later: &[Event]) -> Object {
    let metadata = metadata.without(&["tokens", "cost"]);
    let uses = |events: &[Event], tool: &str| {
        let mut tools = events.iter().filter_map(|event| event.tool.as_ref());
        tools.any(|known| quoted(known) == tool)
    };
    let tools = metadata.get("toolsUsed").cloned().unwrap_or_default();
    let Some(mut items) = tools.items else {
        return metadata;
    };
    let before = items.len();
    items.retain(|tool| uses(copied, tool) || !uses(later, tool));
    match items.len() == before {
        true => metadata,
        false => metadata.set("toolsUsed", Value::list(items, tools.depth)),
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Session {
    pub(crate) id: String,
    pub(crate) user: Option<String>,
    pub(crate) channel: Option<String>,
    pub(crate) mode: String,
    pub(crate) task: String,
    pub(crate) workspace: Option<String>,
    pub(crate) status: &'static str,
    pub(crate) created: i64,
    pub(crate) updated: i64,
    pub(crate) iterations: u32,
    pub(crate) max_iterations: u32,
    pub(crate) context: Object,
    pub(crate) result: Option<String>,
    pub(crate) error: Option<String>,
    pub(crate) metadata: Option<Object>,
    pub(crate) version: u64,
    pub(crate) history: Vec<Event>,
    pub(crate) finalized: Option<i64>,
    pub(crate) parent: Option<String>,
    pub(crate) deleted: Option<i64>,
    pub(crate) paused_at: Option<i64>,
}

pub(crate) fn short(text: &str, most: usize) -> Checked {
    if text.len() > most {
        Err("TOO_LARGE")
    } else {
        Ok(())
    }
}

pub(crate) fn within(object: &Object, most: usize) -> Checked {
    if object.text().len() > most {
        Err("TOO_LARGE")
    } else if object.depth() > MAX_DEPTH {
        Err("TOO_DEEP")
    } else {
        Ok(())
    }
}

pub(crate) const PAUSE_KEYS: &[&str] = &["pausedAt", "pauseReason"];

/// The context may exceed its limit by the properties that a pause has added.
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
        "timeout" => to != "timeout",
        _ => false,
    }
}

/// Prompt tokens, completion tokens, and billionths of cost.
pub(crate) fn usage(metadata: Option<&Object>) -> (u64, u64, u64) {
    let tokens = metadata.and_then(|metadata| metadata.get("tokens"));
    let count = |key: &str| {
        let properties = tokens.and_then(|tokens| tokens.properties.as_ref());
        let property =
            properties.and_then(|properties| properties.iter().find(|(k, _, _)| k == key));
        property
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

    pub(crate) fn head(&self) -> Properties {
        let mut out = Properties::default();
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

    /// The events with these sequence numbers.
    pub(crate) fn events(&self, first: usize, last: usize) -> String {
        let events: Vec<String> = self
            .history
            .iter()
            .zip(1..)
            .filter(|&(_, number)| first <= number && number <= last)
            .map(|(event, number)| {
                let mut out = Properties::default();
                out.number("sequence", Some(number))
                    .text("timestamp", Some(&iso(event.at)))
                    .text("type", Some(&event.kind))
                    .raw("data", Some(&event.data));
                out.end()
            })
            .collect();
        format!("[{}]", events.join(","))
    }

    pub(crate) fn with_events(&self, first: usize, last: usize) -> String {
        self.head()
            .raw("history", Some(self.events(first, last)))
            .end()
    }

    /// The session with its complete history as JSON.
    pub(crate) fn with_all_events(&self) -> String {
        self.with_events(1, usize::MAX)
    }

    /// The session in the export format, which includes otherwise invisible properties.
    pub(crate) fn exported(&self) -> String {
        let in_context = self.context.get("pausedAt").and_then(|at| at.time);
        let in_context = in_context.filter(|_| self.status == "paused");
        let own = (self.paused_at != in_context).then(|| {
            let mut own = Properties::default();
            match self.paused_at.map(iso) {
                Some(at) => own.text("pausedAt", Some(&at)),
                None => own.raw("pausedAt", Some("null")),
            };
            own.end()
        });
        self.head()
            .raw("history", Some(self.events(1, usize::MAX)))
            .raw("tenure", own)
            .end()
    }

    pub(crate) fn resumable(&self) -> bool {
        self.deleted.is_none()
            && (self.status == "paused" || (self.status == "active" && self.has_budget()))
    }
}

/// A session during an operation.
pub(crate) struct Draft {
    pub(crate) session: Session,
    pub(crate) notices: Vec<String>,
    pub(crate) now: i64,
}

impl Draft {
    pub(crate) fn append(&mut self, kind: &str, data: &Object) {
        self.session.history.push(Event {
            at: self.now,
            kind: kind.to_owned(),
            data: data.text().to_owned(),
            tool: (kind == "tool_call")
                .then(|| data.get("tool").and_then(|tool| tool.text.clone()))
                .flatten(),
            change: None,
        });
    }

    fn set_context(&mut self, context: Object, record: Option<&str>) -> Checked {
        context_within(&context)?;
        let before = std::mem::replace(&mut self.session.context, context);
        let change = ContextChange::between(&before, &self.session.context);
        if let Some(change) = change.filter(|_| record != Some("none")) {
            self.append("context_change", &change.data());
            if let Some(event) = self.session.history.last_mut() {
                event.change = Some(change);
            }
        }
        Ok(())
    }

    pub(crate) fn notify(&mut self, event: &str, data: &Object) {
        let mut session = Properties::default();
        session
            .text("id", Some(&self.session.id))
            .text("mode", Some(&self.session.mode))
            .text("status", Some(self.session.status))
            .text("task", Some(&self.session.task))
            .text("userId", self.session.user.as_deref())
            .text("channelId", self.session.channel.as_deref());
        let mut notice = Properties::default();
        notice
            .text("event", Some(event))
            .raw("session", Some(session.end()))
            .text("timestamp", Some(&iso(self.now)))
            .object("data", Some(data));
        self.notices.push(notice.end());
    }

    /// Changes the status, and records its event. The data is given, or consists of the property
    /// `key`.
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
        self.notify(event, &data);
        Ok(())
    }

    pub(crate) fn pause(&mut self, reason: Option<&str>, data: Option<Object>) -> Checked {
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
        self.notify("pause", &data);
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
        self.notify("resume", &data);
        Ok(())
    }

    fn abandon(&mut self, reason: Option<&str>, data: Option<Object>) -> Checked {
        short(reason.unwrap_or(""), MAX_TEXT)?;
        self.session.go("abandoned", self.now)?;
        let data = data.unwrap_or_else(|| Object::of([("reason", reason.map(Value::text_of))]));
        self.append("abandoned", &data);
        self.notify("abandoned", &data);
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
        self.notify("timeout", &data);
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
            "" | "start" | "context_change" => Err("INVALID_ARGUMENT"),
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

    pub(crate) fn set_max(&mut self, max: u32) -> Checked {
        if max < self.session.iterations.max(1) {
            return Err("INVALID_ARGUMENT");
        }
        self.session.max_iterations = max;
        Ok(())
    }

    pub(crate) fn merge_context(&mut self, patch: &Object, record: Option<&str>) -> Checked {
        within(patch, MAX_CONTEXT)?;
        let merged = self.session.context.clone().merged(patch);
        self.set_context(merged, record)
    }

    pub(crate) fn change(&mut self, change: &Change) -> Checked {
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
                for (patch, property) in [
                    (workspace, &mut self.session.workspace),
                    (user, &mut self.session.user),
                ] {
                    match patch {
                        Patch::Keep => {}
                        Patch::Clear => *property = None,
                        Patch::Set(words) => {
                            short(words.text, MAX_LABEL)?;
                            *property = Some(words.text.to_owned());
                        }
                    }
                }
                if let Some(max) = max_iterations {
                    self.set_max(*max)?;
                }
                if let Some(context) = context {
                    self.merge_context(context, None)?;
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
                let given = |value: &Option<super::object::Known>| {
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
                let mut properties = tokens
                    .and_then(|tokens| tokens.properties.clone())
                    .unwrap_or_default();
                let depth = tokens
                    .filter(|tokens| tokens.properties.is_some())
                    .map_or(1, |tokens| tokens.depth);
                for (key, count) in [
                    ("prompt", prompt),
                    ("completion", completion),
                    ("total", prompt + completion),
                ] {
                    match properties.iter_mut().find(|(known, _, _)| known == key) {
                        Some((_, _, value)) => *value = count.to_string(),
                        None => properties.push((key.to_owned(), quoted(key), count.to_string())),
                    }
                }
                let mut metadata = metadata.set("tokens", Value::object(properties, depth));
                if cost.is_some() {
                    metadata = metadata.set("cost", Value::money_of(sum(before.2, nanos)));
                }
                self.set_metadata(metadata)
            }
            Change::Context {
                context,
                replace,
                record,
            } => match replace {
                Some(true) => self.set_context(context.clone(), *record),
                _ => self.merge_context(context, *record),
            },
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

    pub(crate) fn finish(mut self) -> (Session, String) {
        self.session.version += 1;
        self.session.updated = self.session.updated.max(self.now);
        (self.session, format!("[{}]", self.notices.join(",")))
    }
}

impl Session {
    /// The same session with another id.
    pub(crate) fn renamed(&self, id: &str) -> Self {
        Self {
            id: id.to_owned(),
            ..self.clone()
        }
    }
}
