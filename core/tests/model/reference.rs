//! The rules for all sessions: the outcome of each operation. Like [`rules`](super::rules), it
//! shares no code with the core.

use std::collections::BTreeMap;

use super::object::{Object, Value, iso, quoted};
use super::operations::{Call, Change, Filter, IfVersion, Properties};
use super::rules::{
    Draft, MAX_BATCH, MAX_CONTEXT, MAX_LABEL, MAX_TASK, PAUSE_KEYS, Session, context_before,
    forked_metadata, short, usage, within,
};

const STATUSES: [&str; 6] = [
    "active",
    "paused",
    "completed",
    "failed",
    "timeout",
    "abandoned",
];

/// The outcome of an operation: its result and its notices, or an error code.
pub(crate) type Outcome = Result<(String, String), &'static str>;
/// The recorded call of an idempotency key.
#[derive(Debug, Clone)]
struct StoredKey {
    call: String,
    session: String,
    first: u64,
    last: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Model {
    pub(crate) now: i64,
    pub(crate) sessions: BTreeMap<String, Session>,
    start_keys: BTreeMap<&'static str, StoredKey>,
    keys: BTreeMap<(String, &'static str), StoredKey>,
    pub(crate) exported: Vec<Session>,
}

fn known(id: &str) -> Result<String, &'static str> {
    if id.contains('/') {
        Err("INVALID_ID")
    } else {
        Ok(id.to_owned())
    }
}

fn without_notices(value: impl Into<String>) -> Outcome {
    Ok((value.into(), "[]".to_owned()))
}

impl Model {
    /// The outcome of a call. The test itself handles the calls that take several steps: lists,
    /// exports and imports.
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
                without_notices(self.sessions.get(&id).map_or("null".to_owned(), |session| {
                    let count = session.history.len();
                    let last = |n: usize| session.with_events(count.saturating_sub(n) + 1, count);
                    match history {
                        None => last(100),
                        Some(Ok(n)) => last(*n as usize),
                        Some(Err("all")) => session.with_all_events(),
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
                let mut page = Properties::default();
                page.raw("items", Some(session.events(after + 1, last)))
                    .number("nextAfter", (after < last && last < count).then_some(last));
                without_notices(page.end())
            }
            Call::Stats { filter } => without_notices(self.stats(filter)),
            Call::Delete { id } => {
                let id = known(id)?;
                if !self.sessions.contains_key(&id) {
                    return Err("SESSION_NOT_FOUND");
                }
                self.remove(&id);
                without_notices("null")
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
                "isResumable" => without_notices("false"),
                "export" => Err("SESSION_NOT_FOUND"),
                _ => without_notices("null"),
            };
        };
        match operation {
            "isResumable" => without_notices(session.resumable().to_string()),
            "export" => without_notices(quoted(&session.exported())),
            "progress" => {
                let of = f64::from(session.iterations) / f64::from(session.max_iterations);
                without_notices(serde_json::to_string(&(of * 100.0).min(100.0)).unwrap())
            }
            "duration" => {
                let end = match session.status {
                    "active" | "paused" => self.now,
                    "timeout" => session.updated,
                    _ => session.finalized.unwrap(),
                };
                without_notices((end - session.created).max(0).to_string())
            }
            _ => {
                let count = session.history.len();
                let mut out = Properties::default();
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
                without_notices(out.end())
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
        if reason.is_some() && *paused != Some(true) {
            return Err("INVALID_ARGUMENT");
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
            notices: Vec::new(),
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
        let workspace = workspace.map(|words| Value::text_of(words.text));
        let most = u64::from(draft.session.max_iterations);
        let notice = Object::of([
            ("workspace", workspace),
            ("maxIterations", Some(Value::count_of(most))),
        ]);
        draft.notify("start", &notice);
        if *paused == Some(true) {
            draft.pause(reason.map(|words| words.text), None)?;
        }
        let call = start_properties(call).end();
        if let Some(kept) = key.and_then(|key| self.start_keys.get(key)) {
            if kept.call != call {
                return Err("IDEMPOTENCY_MISMATCH");
            }
            let session = &self.sessions[&kept.session];
            return without_notices(session.with_events(kept.first as usize, kept.last as usize));
        }
        if self.sessions.contains_key(&id) {
            return Err("SESSION_EXISTS");
        }
        let (session, notices) = draft.finish();
        if let Some(key) = key {
            let last = session.history.len() as u64;
            self.start_keys.insert(
                key,
                StoredKey {
                    call,
                    session: id.clone(),
                    first: 1,
                    last,
                },
            );
        }
        let value = session.with_all_events();
        self.sessions.insert(id, session);
        Ok((value, notices))
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
            change.properties().text("id", Some(&id)).end()
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
            let mut out = Properties::default();
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
            return without_notices(answer(&before, kept.first, kept.last, true));
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
            notices: Vec::new(),
            now: self.now,
        };
        draft.change(change)?;
        if key.is_none() && draft.session == before {
            return without_notices(answer(&before, first, first - 1, false));
        }
        let (session, notices) = draft.finish();
        let last = session.history.len() as u64;
        if let Some(key) = key {
            let kept = StoredKey {
                call,
                session: id.clone(),
                first,
                last,
            };
            self.keys.insert((id.clone(), key), kept);
        }
        let value = answer(&session, first, last, false);
        self.sessions.insert(id.clone(), session);
        Ok((value, notices))
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
        let (history, later) = parent.history.split_at(at);
        let (history, later) = (history.to_vec(), later.to_vec());
        let before = context_before(parent.context.clone(), &later, context.as_ref())?;
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
                context: before.without(PAUSE_KEYS),
                result: None,
                error: None,
                metadata: metadata.map(|metadata| forked_metadata(metadata, &history, &later)),
                version: 0,
                history,
                finalized: None,
                parent: Some(id.clone()),
                deleted: None,
                paused_at: None,
                ..parent.clone()
            },
            notices: Vec::new(),
            now: self.now,
        };
        if let Some(task) = task {
            short(task.text, MAX_TASK)?;
            draft.session.task = task.text.to_owned();
        }
        if let Some(max) = max_iterations {
            draft.set_max(*max)?;
        }
        let data = Object::of([
            ("parentId", Some(Value::text_of(&id))),
            ("atSequence", Some(Value::count_of(at as u64))),
        ]);
        draft.append("fork", &data);
        draft.notify("start", &data);
        if let Some(context) = context {
            draft.merge_context(context, None)?;
        }
        if self.sessions.contains_key(&new_id) {
            return Err("SESSION_EXISTS");
        }
        let (session, notices) = draft.finish();
        let value = session.with_all_events();
        self.sessions.insert(new_id, session);
        Ok((value, notices))
    }

    /// Imports an exported session.
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
        without_notices(value)
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
        let mut out = Properties::default();
        out.number("removed", Some(ids.len()))
            .list("ids", Some(&ids))
            .raw("failed", Some("[]".to_owned()))
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

    /// The sessions that match a filter.
    fn found(&self, filter: &Filter) -> Vec<&Session> {
        let named = |wanted: Option<super::operations::Words>, actual: Option<&str>| {
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
                        .is_none_or(|at| session.created >= super::BASE + at)
                    && filter
                        .updated_before
                        .is_none_or(|at| session.updated <= super::BASE + at)
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

    /// The heads of the sessions that match a filter, in order.
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
            let mut tokens = Properties::default();
            tokens
                .number("prompt", Some(sum.0))
                .number("completion", Some(sum.1))
                .number("total", Some(sum.0 + sum.1));
            let mut out = Properties::default();
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
        let models = grouped(&|session| session.metadata.as_ref()?.get("model")?.text.clone());
        let printed = |groups: &BTreeMap<String, Vec<&Session>>| {
            let mut out = Properties::default();
            for (name, sessions) in groups {
                out.raw(name, Some(used(sessions)));
            }
            out.end()
        };
        let mut by_status = Properties::default();
        for status in STATUSES {
            by_status.number(status, Some(with(status)));
        }
        let counted = |groups: &BTreeMap<String, Vec<&Session>>| {
            let mut out = Properties::default();
            for (name, sessions) in groups {
                out.number(name, Some(sessions.len()));
            }
            out.end()
        };
        let iterations: u64 = found
            .iter()
            .map(|session| u64::from(session.iterations))
            .sum();
        let completed = with("completed");
        let ended = completed + with("failed") + with("abandoned");
        let mut out = Properties::default();
        out.number("total", Some(found.len()))
            .raw("byStatus", Some(by_status.end()))
            .raw("byMode", Some(counted(&modes)))
            .raw("byModel", Some(counted(&models)))
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
            .raw("usageByModel", Some(printed(&models)))
            .raw("usageByUser", Some(printed(&users)))
            .number("usersOmitted", Some(0));
        out.end()
    }
}

/// The parameters of a start, without its idempotency key.
pub(crate) fn start_properties(call: &Call) -> Properties {
    let mut properties = Properties::default();
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
        properties
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
    properties
}
