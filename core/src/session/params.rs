//! What each operation takes. Every host passes parameters as one JSON object, which is read into
//! one of these; a property that is not known is refused, so that a misspelt option is not ignored.

use serde::de::DeserializeOwned;

use crate::declare_params;
use crate::error::{Error, Result};
use crate::session::retention::Measure;
use crate::session::view::NewEvent;
use crate::store::filter::{Direction, Filter, OrderBy, Trash};
use crate::stored::phase::Phase;
use crate::stored::slot::SlotPhase;
use crate::stored::status::Status;
use crate::value::id::SessionId;
use crate::value::json::Json;
use crate::value::properties;
use crate::value::properties::{Patch, Property};
use crate::value::text::Text;
use crate::value::time::{Millis, Timestamp};

/// Tasks that one call names at most.
pub const MAX_TASKS: usize = 1000;

/// Declares parameters of an operation that changes one session, with the properties that all of these
/// share.
macro_rules! change_params {
    ($($(#[$meta:meta])* pub struct $name:ident { $($body:tt)* })*) => {$(
        declare_params! {
            $(#[$meta])*
            pub struct $name {
                /// The session.
                pub id: Text,
                $($body)*
                /// Refuse with `VERSION_CONFLICT` unless the session is at this version.
                pub if_version: Option<u64>,
                /// Makes the call safe to repeat: a second call with this key changes nothing.
                pub idempotency_key: Option<Text>,
            }
        }

        impl ChangeParams for $name {
            fn target(&self) -> Result<Target> {
                Ok(Target {
                    id: SessionId::parse(self.id.as_str())?,
                    if_version: self.if_version,
                    idempotency_key: self.idempotency_key.as_ref().map(Text::to_string),
                })
            }
        }
    )*};
}

pub(crate) use change_params;

/// What all operations that change one session share.
pub trait ChangeParams {
    /// Which session, and on what condition.
    ///
    /// # Errors
    /// `INVALID_ID`.
    fn target(&self) -> Result<Target>;
}

/// The session that an operation changes, and on what condition.
#[derive(Debug, Clone)]
pub struct Target {
    /// The session.
    pub id: SessionId,
    /// The version that it must have.
    pub if_version: Option<u64>,
    /// The key under which the call may be repeated.
    pub idempotency_key: Option<String>,
}

declare_params! {
    /// A new session.
    pub struct StartParams {
        /// What the agent is to do.
        pub task: Text,
        /// The kind of agent, such as `developer`.
        pub mode: Text,
        /// An id of the caller's own; by default one is made.
        pub id: Option<Text>,
        /// The user it runs for.
        pub user_id: Option<Text>,
        /// The channel it is started in.
        pub channel_id: Option<Text>,
        /// Where it works.
        pub workspace: Option<Text>,
        /// Iterations allowed; 100 by default.
        pub max_iterations: Option<u32>,
        /// The user's own state.
        pub context: Option<Json>,
        /// About the run.
        #[cfg_attr(feature = "ts", ts(optional, type = "SessionMetadata"))]
        pub metadata: Option<Json>,
        /// Start it paused.
        pub paused: Option<bool>,
        /// Why it starts paused.
        pub pause_reason: Option<Text>,
        /// Makes the call safe to repeat: a second call with this key returns the first's session.
        pub idempotency_key: Option<Text>,
    }

    /// One session, and nothing else.
    pub struct IdParams {
        /// The session.
        pub id: Text,
        /// Whether a session in the trash is there; `"include"` by default.
        pub trash: Option<Trash>,
    }

    /// A session and how much of its history.
    pub struct GetParams {
        /// The session.
        pub id: Text,
        /// `"all"`, `"none"`, or how many of the last events; 100 by default.
        pub history: Option<HistoryParam>,
        /// Whether a session in the trash is there; `"include"` by default.
        pub trash: Option<Trash>,
    }

    /// A part of a history.
    pub struct EventsParams {
        /// The session.
        pub id: Text,
        /// Begin after this sequence number; 0, the default, begins with the first event.
        pub after: Option<u64>,
        /// How many events at most: 1 to 1,000, 100 by default.
        pub limit: Option<u32>,
    }

    /// Which sessions to remove for their age.
    pub struct CleanupParams {
        /// Sessions of this age and older go.
        pub max_age: Millis,
        /// Whether age counts from the start (the default) or from the last change.
        pub measure: Option<Measure>,
        /// Only sessions of these statuses; by default all but active and paused ones.
        pub status: Option<OneOf<Status>>,
        /// Remove for good instead of putting into the trash.
        pub permanent: Option<bool>,
        /// Only say what would go.
        pub dry_run: Option<bool>,
    }

    /// Which sessions in the trash to remove for good.
    pub struct PurgeParams {
        /// Those that have been in the trash this long and longer.
        pub older_than: Millis,
        /// Of these only, 1,000 at most; one that is not among those that may go stays. `limit` and
        /// `cursor` say nothing then.
        pub ids: Option<Vec<Text>>,
        /// How many at most, oldest first: 1 to 1,000; by default all.
        pub limit: Option<u32>,
        /// Go on where the call ended that returned this cursor.
        pub cursor: Option<Text>,
        /// Only say what would go.
        pub dry_run: Option<bool>,
    }

    /// What to remove beside sessions.
    pub struct CleanupRecordsParams {
        /// How long entries of the audit log are kept; `"365d"` by default.
        pub keep_audit: Option<Millis>,
        /// Only say what would go.
        pub dry_run: Option<bool>,
    }

    /// Many sessions.
    pub struct ManyParams {
        /// The sessions, 1,000 at most.
        pub ids: Vec<Text>,
    }

    /// A session as text.
    pub struct ImportParams {
        /// What `export` returned, or a `session.json` of the same shape.
        pub text: Text,
    }

    /// A session to keep as it is given.
    pub struct SaveParams {
        /// The whole session, in the shape that `export` returns.
        pub text: Text,
        /// Refuse with `VERSION_CONFLICT` unless the session is at this version; 0 is that of one
        /// that is not there.
        pub if_version: Option<u64>,
    }

    /// A new session with another's past.
    pub struct ForkParams {
        /// The session to fork.
        pub id: Text,
        /// The new session's id; by default one is made.
        pub new_id: Option<Text>,
        /// Copy the history up to this sequence number; by default all of it.
        pub at_sequence: Option<u64>,
        /// Another task.
        pub task: Option<Text>,
        /// Another budget.
        pub max_iterations: Option<u32>,
        /// Properties to merge into the copied context.
        pub context: Option<Json>,
    }
}

change_params! {
    /// New values for what describes a session. `null` clears a property.
    pub struct UpdateParams {
        /// What the agent is to do.
        pub task: Option<Text>,
        /// The kind of agent.
        pub mode: Option<Text>,
        /// Where it works.
        #[cfg_attr(feature = "ts", ts(optional, as = "Option<Option<Text>>"))]
        pub workspace: Patch<Text>,
        /// The user it runs for.
        #[cfg_attr(feature = "ts", ts(optional, as = "Option<Option<Text>>"))]
        pub user_id: Patch<Text>,
        /// The channel it belongs to.
        #[cfg_attr(feature = "ts", ts(optional, as = "Option<Option<Text>>"))]
        pub channel_id: Patch<Text>,
        /// Iterations allowed; not below those used.
        pub max_iterations: Option<u32>,
        /// Properties to merge into the context.
        pub context: Option<Json>,
        /// Properties to merge into the metadata.
        #[cfg_attr(feature = "ts", ts(optional, type = "SessionMetadata"))]
        pub metadata: Option<Json>,
    }

    /// New values for anything that a session has. `null` clears a property that may be absent.
    pub struct OverrideParams {
        /// The properties to set; those of `context` and `metadata` are merged.
        #[cfg_attr(feature = "ts", ts(type = "Overrides"))]
        pub updates: Json,
    }

    /// Nothing but the change itself.
    pub struct ChangeOnly {}

    /// A session to pause.
    pub struct PauseParams {
        /// Why; kept in the context as `pauseReason`.
        pub reason: Option<Text>,
    }

    /// A session to resume.
    pub struct ResumeParams {
        /// Iterations to add to the budget.
        pub add_iterations: Option<u32>,
        /// What becomes of one that is active: `"recover"`, the default, takes it up and says so in
        /// an event; `"keep"` leaves it as it is.
        pub if_active: Option<IfActive>,
        /// What becomes of one without iterations: `"refuse"`, the default, or `"timeout"`, which
        /// it is as soon as it is resumed.
        pub if_exhausted: Option<IfExhausted>,
        /// Who takes it up, where it is held under a name: an active session that somebody else
        /// holds is refused with `SESSION_HELD`.
        pub holder: Option<Text>,
    }

    /// A session that has reached its end.
    pub struct CompleteParams {
        /// What came out.
        pub result: Option<Text>,
        /// What becomes of one that is finished: `"refuse"`, the default, or `"keep"`, which leaves
        /// it as it is.
        pub if_finished: Option<IfFinished>,
    }

    /// A session that has failed.
    pub struct FailParams {
        /// What went wrong.
        pub error: Option<Text>,
        /// What becomes of one that is finished: `"refuse"`, the default, or `"keep"`, which leaves
        /// it as it is.
        pub if_finished: Option<IfFinished>,
    }

    /// A session to give up.
    pub struct AbandonParams {
        /// Why.
        pub reason: Option<Text>,
    }

    /// An event to record.
    pub struct AddEventParams {
        /// The event's type. Lifecycle types have their lifecycle's effect.
        #[cfg_attr(feature = "ts", ts(type = "EventType"))]
        pub r#type: Text,
        /// What happened; `{}` by default.
        pub data: Option<Json>,
    }

    /// Events to record in one step.
    pub struct AddEventsParams {
        /// The events in their order.
        pub events: Vec<NewEvent>,
    }

    /// One more iteration.
    pub struct IncrementIterationParams {
        /// About it; by default its number.
        pub data: Option<Json>,
    }

    /// A call of a tool.
    pub struct RecordToolCallParams {
        /// The tool's name.
        pub tool: Text,
        /// What it was called with.
        #[cfg_attr(feature = "ts", ts(optional, type = "unknown"))]
        pub args: Option<Json>,
        /// What it returned.
        #[cfg_attr(feature = "ts", ts(optional, type = "unknown"))]
        pub result: Option<Json>,
    }

    /// Something the agent learned.
    pub struct RecordLearningParams {
        /// What it learned.
        pub insight: Text,
        /// The file that keeps it.
        pub expertise_file: Option<Text>,
    }

    /// What a step of the agent has used. It is added to the session's `metadata`.
    pub struct RecordUsageParams {
        /// Tokens.
        pub tokens: Option<TokensParam>,
        /// Cost in a unit of the user's own.
        pub cost: Option<f64>,
    }

    /// State to keep.
    pub struct UpdateContextParams {
        /// Properties to merge into the context.
        pub context: Json,
        /// Replace the whole context instead.
        pub replace: Option<bool>,
    }
}

declare_params! {
    /// Tokens that were used.
    pub struct TokensParam {
        /// Read by the model.
        pub prompt: Option<u64>,
        /// Written by the model.
        pub completion: Option<u64>,
    }
}

/// Declares parameters with the properties of a filter, and how they become one.
macro_rules! filter_params {
    ($($(#[$meta:meta])* pub struct $name:ident { $($body:tt)* })*) => {$(
        declare_params! {
            $(#[$meta])*
            pub struct $name {
                /// Runs for this user.
                pub user_id: Option<Text>,
                /// Was started in this channel.
                pub channel_id: Option<Text>,
                /// Is of this mode.
                pub mode: Option<Text>,
                /// Has this status, or one of these.
                pub status: Option<OneOf<Status>>,
                /// Is an agent's, in this phase or one of these.
                pub phase: Option<OneOf<Phase>>,
                /// Takes a slot of this task, or of one of these, 1,000 at most.
                pub task_ids: Option<OneOf<Text>>,
                /// Takes the slot of this phase, or of one of these.
                pub slot_phase: Option<OneOf<SlotPhase>>,
                /// Takes a slot, and the model of this name works in it.
                pub model: Option<Text>,
                /// Was forked from this session.
                pub parent_id: Option<Text>,
                /// Was created at this time or later.
                pub created_after: Option<Timestamp>,
                /// Was created at this time or earlier.
                pub created_before: Option<Timestamp>,
                /// Was last changed at this time or later.
                pub updated_after: Option<Timestamp>,
                /// Was last changed at this time or earlier.
                pub updated_before: Option<Timestamp>,
                /// Has this text in its task; A-Z and a-z are the same.
                pub text: Option<Text>,
                /// Whether sessions in the trash count; `"exclude"` by default.
                pub trash: Option<Trash>,
                $($body)*
            }
        }

        impl $name {
            /// The filter that these parameters describe.
            ///
            /// # Errors
            /// `INVALID_ID` for `parentId`, `INVALID_ARGUMENT` for too many tasks.
            pub fn filter(&self) -> Result<Filter> {
                let text = |text: &Option<Text>| text.clone().map(Text::into_string);
                Ok(Filter {
                    user_id: text(&self.user_id),
                    channel_id: text(&self.channel_id),
                    mode: text(&self.mode),
                    status: self.status.clone().map(|statuses| statuses.0),
                    phase: self.phase.clone().map(|phases| phases.0),
                    task_ids: tasks(self.task_ids.as_ref())?,
                    slot_phase: self.slot_phase.clone().map(|phases| phases.0),
                    model: text(&self.model),
                    parent_id: self
                        .parent_id
                        .as_ref()
                        .map(|id| SessionId::parse(id.as_str()))
                        .transpose()?,
                    created_after: self.created_after,
                    created_before: self.created_before,
                    updated_after: self.updated_after,
                    updated_before: self.updated_before,
                    text: text(&self.text),
                    trash: self.trash.unwrap_or_default(),
                })
            }
        }
    )*};
}

/// The tasks that a filter names.
fn tasks(given: Option<&OneOf<Text>>) -> Result<Option<Vec<String>>> {
    let Some(OneOf(ids)) = given else {
        return Ok(None);
    };
    if ids.len() > MAX_TASKS {
        let problem = format!("expected {MAX_TASKS} tasks at most, got {}", ids.len());
        return Err(Error::invalid("taskIds", problem));
    }
    Ok(Some(ids.iter().map(Text::to_string).collect()))
}

filter_params! {
    /// Which sessions to count.
    pub struct StatsParams {}

    /// Which sessions to list, and how.
    pub struct ListParams {
        /// The time that orders the list; `"createdAt"` by default.
        pub order_by: Option<OrderBy>,
        /// Newest (`"desc"`, the default) or oldest first.
        pub direction: Option<Direction>,
        /// How many at most: 1 to 1,000, 50 by default.
        pub limit: Option<u32>,
        /// Skip this many.
        pub offset: Option<u64>,
        /// Go on where the page ended that returned this cursor.
        pub cursor: Option<Text>,
    }
}

/// How much of a history `get` returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HistoryParam {
    /// The last events, at most this many.
    Last(u32),
    /// All events.
    All,
    /// No events.
    #[default]
    None,
}

impl Property for HistoryParam {
    fn read(name: &str, text: &str) -> Result<Self> {
        match text {
            "\"all\"" => Ok(Self::All),
            "\"none\"" => Ok(Self::None),
            _ => properties::parse(name, text).map(Self::Last).map_err(|_| {
                Error::invalid(name, "expected \"all\", \"none\" or a number of events")
            }),
        }
    }
}

/// What ending a session does when it has ended already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum IfFinished {
    /// It is refused.
    #[default]
    Refuse,
    /// The session stays as it is.
    Keep,
}

/// What resuming a session does when it is active.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum IfActive {
    /// The session is taken up again.
    #[default]
    Recover,
    /// The session stays as it is.
    Keep,
}

/// What resuming a session does when no iterations are left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum IfExhausted {
    /// It is refused.
    #[default]
    Refuse,
    /// The session is resumed, and out of iterations at once.
    Timeout,
}

/// Choices: the default one and the other, by their names.
macro_rules! choices {
    ($($type:ident: $default:ident = $first:literal, $other:ident = $second:literal;)*) => {$(
        impl Property for $type {
            fn read(name: &str, text: &str) -> Result<Self> {
                Ok(if properties::second_of(name, text, [$first, $second])? {
                    Self::$other
                } else {
                    Self::$default
                })
            }
        }

        #[cfg(feature = "ts")]
        crate::value::ts::declare_as!($type, concat!("\"", $first, "\" | \"", $second, "\""));
    )*};
}

choices! {
    IfFinished: Refuse = "refuse", Keep = "keep";
    IfActive: Recover = "recover", Keep = "keep";
    IfExhausted: Refuse = "refuse", Timeout = "timeout";
}

/// One of a kind or a list of them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OneOf<T>(pub Vec<T>);

impl<T: Property + DeserializeOwned> Property for OneOf<T> {
    fn read(name: &str, text: &str) -> Result<Self> {
        if text.starts_with('[') {
            properties::parse(name, text).map(Self)
        } else {
            T::read(name, text).map(|one| Self(vec![one]))
        }
    }
}

#[cfg(feature = "ts")]
crate::value::ts::declare_as!(HistoryParam, "\"all\" | \"none\" | number");
#[cfg(feature = "ts")]
crate::value::ts::declare_as!(OneOf<Status>, "Status | readonly Status[]");
#[cfg(feature = "ts")]
crate::value::ts::declare_as!(OneOf<Phase>, "Phase | readonly Phase[]");
#[cfg(feature = "ts")]
crate::value::ts::declare_as!(OneOf<SlotPhase>, "SlotPhase | readonly SlotPhase[]");
#[cfg(feature = "ts")]
crate::value::ts::declare_as!(OneOf<Text>, "string | readonly string[]");

crate::nested_properties!(TokensParam);
