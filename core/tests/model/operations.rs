//! Generated operations and their parameters.

use proptest::prelude::*;

use super::object::{Known, Object, object, quoted, value};

/// A text as it is spelled in JSON, and as it is stored.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Words {
    pub(crate) json: &'static str,
    pub(crate) text: &'static str,
}

const WORDS: &[Words] = &[
    Words {
        json: r#""t""#,
        text: "t",
    },
    Words {
        json: r#""Fix it""#,
        text: "Fix it",
    },
    Words {
        json: r#""""#,
        text: "",
    },
    Words {
        json: r#""ÄB%_""#,
        text: "ÄB%_",
    },
    Words {
        json: r#""cut \ud83d""#,
        text: "cut \u{fffd}",
    },
    Words {
        json: r#""\u0000\"""#,
        text: "\u{fffd}\"",
    },
    Words {
        json: r#""thirteen long""#,
        text: "thirteen long",
    },
    Words {
        json: r#""twenty-five letters long.""#,
        text: "twenty-five letters long.",
    },
    Words {
        json: r#""a text of forty letters, or thereabouts.""#,
        text: "a text of forty letters, or thereabouts.",
    },
];

/// Words that are shorter than every limit.
const NAMES: &[Words] = &[
    Words {
        json: r#""ann""#,
        text: "ann",
    },
    Words {
        json: r#""\u0061nn""#,
        text: "ann",
    },
    Words {
        json: r#""bob""#,
        text: "bob",
    },
    Words {
        json: r#""\ud800""#,
        text: "\u{fffd}",
    },
];

/// Event types; the last one is too long.
const TYPES: &[&str] = &[
    "iteration",
    "iteration",
    "pause",
    "resume",
    "resume",
    "context_change",
    "tool_call",
    "learning",
    "timeout",
    "complete",
    "error",
    "abandoned",
    "fork",
    "note",
    "note",
    "start",
    "",
    "thirteen long",
];

/// Costs; those that are valid with their amount in billionths.
const RECORDED: &[&str] = &["small", "all", "none"];

const COSTS: &[(&str, Option<u64>)] = &[
    ("0", Some(0)),
    ("-0", Some(0)),
    ("0.1", Some(100_000_000)),
    ("0.2", Some(200_000_000)),
    ("1e-9", Some(1)),
    ("4e-10", Some(0)),
    ("1234.567890123", Some(1_234_567_890_123)),
    ("-0.5", None),
];

/// The ids of operations: few, so that operations concern the same sessions, including unknown ids
/// and an invalid one.
pub(crate) const IDS: &[&str] = &["s1", "s2", "s3", "s4"];
const ANY_ID: &[&str] = &[
    "s1", "s1", "s1", "s1", "s2", "s2", "s2", "s3", "s3", "s4", "../s1",
];

/// The expected version.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum IfVersion {
    Any,
    Current,
    Next,
}

/// A property that is unchanged, cleared or set.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Patch {
    Keep,
    Clear,
    Set(Words),
}

/// An event to record.
#[derive(Debug, Clone)]
pub(crate) struct NewEvent {
    pub(crate) kind: &'static str,
    pub(crate) data: Option<Object>,
}

/// A change to one session.
#[derive(Debug, Clone)]
pub(crate) enum Change {
    Update {
        task: Option<Words>,
        mode: Option<Words>,
        workspace: Patch,
        user: Patch,
        max_iterations: Option<u32>,
        context: Option<Object>,
        metadata: Option<Object>,
    },
    Pause {
        reason: Option<Words>,
    },
    Resume {
        add: Option<u32>,
    },
    Complete {
        result: Option<Words>,
    },
    Fail {
        error: Option<Words>,
    },
    Abandon {
        reason: Option<Words>,
    },
    AddEvent(NewEvent),
    AddEvents(Vec<NewEvent>),
    Iterate {
        data: Option<Object>,
    },
    Tool {
        tool: Words,
        args: Option<Known>,
        result: Option<Known>,
    },
    Learn {
        insight: Words,
        file: Option<Words>,
    },
    Use {
        prompt: Option<u64>,
        completion: Option<u64>,
        cost: Option<(&'static str, Option<u64>)>,
    },
    Context {
        context: Object,
        replace: Option<bool>,
        record: Option<&'static str>,
    },
    Trash,
    Restore,
}

/// The filter of a list or of statistics.
#[derive(Debug, Clone)]
pub(crate) struct Filter {
    pub(crate) user: Option<Words>,
    pub(crate) mode: Option<Words>,
    pub(crate) status: Option<Vec<&'static str>>,
    pub(crate) parent: Option<&'static str>,
    pub(crate) created_after: Option<i64>,
    pub(crate) updated_before: Option<i64>,
    pub(crate) text: Option<&'static str>,
    pub(crate) trash: Option<&'static str>,
}

#[derive(Debug, Clone)]
pub(crate) enum Call {
    Start {
        id: &'static str,
        task: Words,
        mode: Words,
        user: Option<Words>,
        channel: Option<Words>,
        workspace: Option<Words>,
        max_iterations: Option<u32>,
        context: Option<Object>,
        metadata: Option<Object>,
        paused: Option<bool>,
        reason: Option<Words>,
        key: Option<&'static str>,
    },
    Change {
        id: &'static str,
        if_version: IfVersion,
        key: Option<&'static str>,
        change: Change,
    },
    Get {
        id: &'static str,
        history: Option<Result<u32, &'static str>>,
    },
    Read {
        id: &'static str,
        operation: &'static str,
    },
    Events {
        id: &'static str,
        after: Option<u64>,
        limit: Option<u32>,
    },
    List {
        filter: Filter,
        updated: bool,
        ascending: bool,
        offset: u64,
        limit: u32,
    },
    Stats {
        filter: Filter,
    },
    Delete {
        id: &'static str,
    },
    Cleanup {
        max_age: u64,
        measure: Option<&'static str>,
        status: Option<Vec<&'static str>>,
        permanent: Option<bool>,
        dry_run: Option<bool>,
    },
    Purge {
        older_than: u64,
        dry_run: Option<bool>,
    },
    /// Exports a session, for a later import.
    Export {
        id: &'static str,
    },
    /// Imports one of the exported texts under this id.
    Import {
        which: usize,
        id: &'static str,
    },
    Fork {
        id: &'static str,
        new_id: &'static str,
        at: Option<u64>,
        task: Option<Words>,
        max_iterations: Option<u32>,
        context: Option<Object>,
    },
}

/// A call, with the milliseconds since the previous call, which may be negative.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) later: i64,
    pub(crate) call: Call,
}

fn some<S: Strategy>(strategy: S) -> impl Strategy<Value = Option<S::Value>>
where
    S::Value: Clone,
{
    prop::option::weighted(0.4, strategy)
}

fn words() -> impl Strategy<Value = Words> + Clone {
    prop_oneof![
        4 => prop::sample::select(&WORDS[..6]),
        1 => prop::sample::select(WORDS),
    ]
}

fn name() -> impl Strategy<Value = Words> + Clone {
    prop_oneof![20 => prop::sample::select(NAMES), 1 => prop::sample::select(WORDS)]
}

fn id() -> impl Strategy<Value = &'static str> {
    prop::sample::select(ANY_ID)
}

fn statuses() -> impl Strategy<Value = Vec<&'static str>> {
    let all = vec![
        "active",
        "paused",
        "completed",
        "failed",
        "timeout",
        "abandoned",
    ];
    prop::sample::subsequence(all, 0..=6)
}

fn new_event() -> impl Strategy<Value = NewEvent> {
    (prop::sample::select(TYPES), some(object())).prop_map(|(kind, data)| NewEvent { kind, data })
}

fn patch() -> impl Strategy<Value = Patch> {
    prop_oneof![
        3 => Just(Patch::Keep),
        1 => Just(Patch::Clear),
        1 => name().prop_map(Patch::Set),
    ]
}

fn change() -> impl Strategy<Value = Change> {
    let budget = || prop::sample::select(&[0, 1, 2, 3, 5, u32::MAX][..]);
    let count = || prop::sample::select(&[0, 1, 7, u64::MAX][..]);
    prop_oneof![
        3 => (
            some(words()), some(name()), patch(), patch(), some(budget()), some(object()),
            some(object()),
        )
            .prop_map(|(task, mode, workspace, user, max_iterations, context, metadata)| {
                Change::Update { task, mode, workspace, user, max_iterations, context, metadata }
            }),
        4 => some(words()).prop_map(|reason| Change::Pause { reason }),
        5 => some(budget()).prop_map(|add| Change::Resume { add }),
        1 => some(words()).prop_map(|result| Change::Complete { result }),
        1 => some(words()).prop_map(|error| Change::Fail { error }),
        1 => some(words()).prop_map(|reason| Change::Abandon { reason }),
        4 => new_event().prop_map(Change::AddEvent),
        3 => prop::collection::vec(new_event(), 0..5).prop_map(Change::AddEvents),
        6 => some(object()).prop_map(|data| Change::Iterate { data }),
        4 => (name(), some(value()), some(value()))
            .prop_map(|(tool, args, result)| Change::Tool { tool, args, result }),
        2 => (words(), some(words())).prop_map(|(insight, file)| Change::Learn { insight, file }),
        4 => (some(count()), some(count()), some(prop::sample::select(COSTS)))
            .prop_map(|(prompt, completion, cost)| Change::Use { prompt, completion, cost }),
        6 => (object(), some(any::<bool>()), some(prop::sample::select(RECORDED)))
            .prop_map(|(context, replace, record)| Change::Context { context, replace, record }),
        1 => Just(Change::Trash),
        2 => Just(Change::Restore),
    ]
}

fn key() -> impl Strategy<Value = Option<&'static str>> {
    prop::option::weighted(0.25, prop::sample::select(&["k", "l", "K/k"][..]))
}

fn filter() -> impl Strategy<Value = Filter> {
    let time = || -3000i64..3000;
    let trash = prop::sample::select(&["exclude", "only", "include"][..]);
    (
        prop::option::weighted(0.2, name()),
        prop::option::weighted(0.2, name()),
        some(statuses()),
        prop::option::weighted(0.1, prop::sample::select(IDS)),
        prop::option::weighted(0.2, time()),
        prop::option::weighted(0.2, time()),
        prop::option::weighted(
            0.2,
            prop::sample::select(&["", "IT", "äb", "Äb", "%", "\u{fffd}"][..]),
        ),
        some(trash),
    )
        .prop_map(
            |(user, mode, status, parent, created_after, updated_before, text, trash)| Filter {
                user,
                mode,
                status,
                parent,
                created_after,
                updated_before,
                text,
                trash,
            },
        )
}

fn start() -> impl Strategy<Value = Call> {
    let budget = prop::sample::select(&[0, 1, 1, 2, 2, 3, 5, u32::MAX][..]);
    (
        (
            prop::sample::select(ANY_ID),
            words(),
            name(),
            some(name()),
            some(name()),
            some(name()),
        ),
        (
            some(budget),
            some(object()),
            some(object()),
            some(any::<bool>()),
            some(words()),
            key(),
        ),
    )
        .prop_map(
            |(
                (id, task, mode, user, channel, workspace),
                (max_iterations, context, metadata, paused, reason, key),
            )| Call::Start {
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
            },
        )
}

fn call() -> impl Strategy<Value = Call> {
    let age = || prop::sample::select(&[0, 1, 500, 5000, u64::MAX][..]);
    let if_version = prop_oneof![
        8 => Just(IfVersion::Any),
        2 => Just(IfVersion::Current),
        1 => Just(IfVersion::Next),
    ];
    let reading =
        prop::sample::select(&["context", "isResumable", "progress", "duration", "export"][..]);
    let parts = prop::sample::select(&["all", "none"][..]);
    let history = prop_oneof![(0u32..5).prop_map(Ok), parts.prop_map(Err)];
    prop_oneof![
        12 => start(),
        60 => (id(), if_version, key(), change()).prop_map(|(id, if_version, key, change)| {
            Call::Change { id, if_version, key, change }
        }),
        2 => (id(), some(history)).prop_map(|(id, history)| Call::Get { id, history }),
        4 => (id(), reading).prop_map(|(id, operation)| Call::Read { id, operation }),
        2 => (id(), some(0u64..6), some(1u32..4))
            .prop_map(|(id, after, limit)| Call::Events { id, after, limit }),
        3 => (filter(), any::<bool>(), any::<bool>(), 0u64..3, 1u32..4)
            .prop_map(|(filter, updated, ascending, offset, limit)| {
                Call::List { filter, updated, ascending, offset, limit }
            }),
        3 => filter().prop_map(|filter| Call::Stats { filter }),
        1 => id().prop_map(|id| Call::Delete { id }),
        2 => (
            age(), some(prop::sample::select(&["created", "updated"][..])), some(statuses()),
            some(any::<bool>()), some(any::<bool>()),
        )
            .prop_map(|(max_age, measure, status, permanent, dry_run)| {
                Call::Cleanup { max_age, measure, status, permanent, dry_run }
            }),
        2 => (age(), some(any::<bool>()))
            .prop_map(|(older_than, dry_run)| Call::Purge { older_than, dry_run }),
        3 => id().prop_map(|id| Call::Export { id }),
        3 => (any::<usize>(), prop::sample::select(IDS))
            .prop_map(|(which, id)| Call::Import { which, id }),
        3 => (
            id(), prop::sample::select(ANY_ID), some(0u64..8), some(words()),
            some(prop::sample::select(&[0, 1, 4][..])), some(object()),
        )
            .prop_map(|(id, new_id, at, task, max_iterations, context)| {
                Call::Fork { id, new_id, at, task, max_iterations, context }
            }),
    ]
}

/// A sequence of operations.
pub(crate) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let later = prop_oneof![
        6 => 0i64..1000,
        1 => -2000i64..0,
        1 => Just(0),
        1 => prop::sample::select(&[-100_000_000_000_000, 100_000_000_000_000][..]),
    ];
    let step = (later, call()).prop_map(|(later, call)| Step { later, call });
    prop::collection::vec(step, 1..60)
}

/// The properties of a JSON object, which is built step by step.
#[derive(Default)]
pub(crate) struct Properties(Vec<String>);

impl Properties {
    pub(crate) fn raw(&mut self, key: &str, value: Option<impl AsRef<str>>) -> &mut Self {
        if let Some(value) = value {
            self.0.push(format!("{}:{}", quoted(key), value.as_ref()));
        }
        self
    }

    pub(crate) fn text(&mut self, key: &str, value: Option<&str>) -> &mut Self {
        self.raw(key, value.map(quoted))
    }

    pub(crate) fn number(&mut self, key: &str, value: Option<impl ToString>) -> &mut Self {
        self.raw(key, value.map(|value| value.to_string()))
    }

    pub(crate) fn words(&mut self, key: &str, value: Option<Words>) -> &mut Self {
        self.raw(key, value.map(|words| words.json))
    }

    pub(crate) fn object(&mut self, key: &str, value: Option<&Object>) -> &mut Self {
        self.raw(key, value.map(Object::text))
    }

    fn patch(&mut self, key: &str, value: Patch) -> &mut Self {
        match value {
            Patch::Keep => self,
            Patch::Clear => self.raw(key, Some("null")),
            Patch::Set(words) => self.words(key, Some(words)),
        }
    }

    pub(crate) fn list(&mut self, key: &str, value: Option<&[&str]>) -> &mut Self {
        let printed = |items: &[&str]| {
            let items: Vec<String> = items.iter().map(|item| quoted(item)).collect();
            format!("[{}]", items.join(","))
        };
        self.raw(key, value.map(printed))
    }

    pub(crate) fn end(&self) -> String {
        format!("{{{}}}", self.0.join(","))
    }
}

impl NewEvent {
    fn properties(&self) -> Properties {
        let mut properties = Properties::default();
        properties
            .text("type", Some(self.kind))
            .object("data", self.data.as_ref());
        properties
    }
}

impl Change {
    /// The operation's name.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Update { .. } => "update",
            Self::Pause { .. } => "pause",
            Self::Resume { .. } => "resume",
            Self::Complete { .. } => "complete",
            Self::Fail { .. } => "fail",
            Self::Abandon { .. } => "abandon",
            Self::AddEvent(_) => "addEvent",
            Self::AddEvents(_) => "addEvents",
            Self::Iterate { .. } => "incrementIteration",
            Self::Tool { .. } => "recordToolCall",
            Self::Learn { .. } => "recordLearning",
            Self::Use { .. } => "recordUsage",
            Self::Context { .. } => "updateContext",
            Self::Trash => "trash",
            Self::Restore => "restore",
        }
    }

    /// The parameters of the change.
    pub(crate) fn properties(&self) -> Properties {
        let mut properties = Properties::default();
        match self {
            Self::Update {
                task,
                mode,
                workspace,
                user,
                max_iterations,
                context,
                metadata,
            } => {
                properties
                    .words("task", *task)
                    .words("mode", *mode)
                    .patch("workspace", *workspace)
                    .patch("userId", *user)
                    .number("maxIterations", *max_iterations)
                    .object("context", context.as_ref())
                    .object("metadata", metadata.as_ref());
            }
            Self::Pause { reason } | Self::Abandon { reason } => {
                properties.words("reason", *reason);
            }
            Self::Resume { add } => {
                properties.number("addIterations", *add);
            }
            Self::Complete { result } => {
                properties.words("result", *result);
            }
            Self::Fail { error } => {
                properties.words("error", *error);
            }
            Self::AddEvent(event) => properties = event.properties(),
            Self::AddEvents(events) => {
                let events: Vec<String> = events
                    .iter()
                    .map(|event| event.properties().end())
                    .collect();
                properties.raw("events", Some(format!("[{}]", events.join(","))));
            }
            Self::Iterate { data } => {
                properties.object("data", data.as_ref());
            }
            Self::Tool { tool, args, result } => {
                properties
                    .words("tool", Some(*tool))
                    .raw("args", args.map(|args| args.json))
                    .raw("result", result.map(|result| result.json));
            }
            Self::Learn { insight, file } => {
                properties
                    .words("insight", Some(*insight))
                    .words("expertiseFile", *file);
            }
            Self::Use {
                prompt,
                completion,
                cost,
            } => {
                let mut tokens = Properties::default();
                tokens
                    .number("prompt", *prompt)
                    .number("completion", *completion);
                properties
                    .raw("tokens", Some(tokens.end()))
                    .raw("cost", cost.map(|(json, _)| json));
            }
            Self::Context {
                context,
                replace,
                record,
            } => {
                properties
                    .object("context", Some(context))
                    .number("replace", *replace)
                    .text("record", *record);
            }
            Self::Trash | Self::Restore => {}
        }
        properties
    }
}

impl Filter {
    pub(crate) fn properties(&self, base: i64) -> Properties {
        let mut properties = Properties::default();
        properties
            .words("userId", self.user)
            .words("mode", self.mode)
            .list("status", self.status.as_deref())
            .text("parentId", self.parent)
            .number("createdAfter", self.created_after.map(|at| base + at))
            .number("updatedBefore", self.updated_before.map(|at| base + at))
            .text("text", self.text)
            .text("trash", self.trash);
        properties
    }
}
