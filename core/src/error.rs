//! The one error type of the core. Every failure that a caller can meet is a variant here with a
//! stable [`code`](Error::code), the values involved and what to do about it; hosts show `code`,
//! message and [`details`](Error::details) as they are and never invent their own. Outcomes that a
//! caller decides on (a replayed call, a page that has more) are results, not errors.

use serde::Serialize;
use thiserror::Error as ThisError;

use crate::stored::phase::Phase;
use crate::stored::slot::SlotPhase;
use crate::stored::status::Status;
use crate::value::json::{Json, Object};

/// What the core, a store and every host answer with.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Everything that can go wrong, one variant a cause.
#[derive(Debug, Clone, PartialEq, ThisError)]
#[non_exhaustive]
pub enum Error {
    /// A parameter is missing, of the wrong type or out of range.
    #[error("{what}: {problem}")]
    InvalidArgument {
        /// The parameter, or the operation when the whole of its parameters is meant.
        what: String,
        /// What was wrong with it and what was expected.
        problem: String,
    },
    /// An id is not one that a store may be asked for.
    #[error(
        "{id:?} is not a valid session id: use 1 to 128 letters, digits, '.', '_' or '-', beginning with a letter or digit"
    )]
    InvalidId {
        /// The id as it was given, cut to a length that can be shown.
        id: String,
    },
    /// An input is larger than the configured limit.
    #[error("{what} is {actual} bytes long; the limit is {limit}")]
    TooLarge {
        /// The parameter.
        what: String,
        /// Its size in bytes.
        actual: u64,
        /// The largest size that is accepted, in bytes.
        limit: u64,
    },
    /// A JSON value is nested more deeply than the configured limit.
    #[error("{what} is nested more than {limit} levels deep")]
    TooDeep {
        /// The parameter.
        what: String,
        /// The deepest nesting that is accepted.
        limit: u32,
    },
    /// A cursor was not made by `list`, or for another order.
    #[error("the cursor is not one that `list` returned for this order; start again without it")]
    InvalidCursor,
    /// No operation has this name.
    #[error("there is no operation named {name:?}")]
    UnknownOperation {
        /// The name that was asked for.
        name: String,
    },
    /// No session has this id.
    #[error("there is no session {id}")]
    SessionNotFound {
        /// The id that was asked for.
        id: String,
    },
    /// The session is in the trash.
    #[error("session {id} is in the trash; restore it first")]
    SessionDeleted {
        /// The session.
        id: String,
    },
    /// A session of this id exists already.
    #[error("session {id} exists already")]
    SessionExists {
        /// The session.
        id: String,
    },
    /// The session has ended: it takes no more events.
    #[error("session {id} is {status}: it takes no more events")]
    SessionFinished {
        /// The session.
        id: String,
        /// How it ended.
        status: Status,
    },
    /// The lifecycle does not lead from this status to that one.
    #[error("session {id} cannot go from {from} to {to}; from {from} it can go to {}", list(.allowed))]
    InvalidTransition {
        /// The session.
        id: String,
        /// Its status.
        from: Status,
        /// The status that was asked for.
        to: Status,
        /// The statuses that it can take from here.
        allowed: Vec<Status>,
    },
    /// The agent is in a phase that does not lead to what was asked for.
    #[error("the phase of agent {id} is {}: {problem}", .phase.map_or("none", Phase::as_str))]
    InvalidPhase {
        /// The agent's session.
        id: String,
        /// Its phase, if it has one.
        phase: Option<Phase>,
        /// What does not go in it, and what to do.
        problem: String,
    },
    /// The session has used all of its iterations.
    #[error(
        "session {id} has used {iterations} of {max_iterations} iterations; resume it from a pause with `addIterations`, or complete, fail or abandon it"
    )]
    BudgetExhausted {
        /// The session.
        id: String,
        /// The iterations used.
        iterations: u32,
        /// The iterations allowed.
        max_iterations: u32,
    },
    /// The session was changed since the version that the caller named.
    #[error("session {id} is at version {current}, not {expected}; load it again and decide anew")]
    VersionConflict {
        /// The session.
        id: String,
        /// The version that `ifVersion` named.
        expected: u64,
        /// The version that the session has now.
        current: u64,
    },
    /// The idempotency key was used before with other parameters.
    #[error(
        "idempotency key {key:?} was used before with other parameters; use a new key for a new call"
    )]
    IdempotencyMismatch {
        /// The key.
        key: String,
    },
    /// Somebody else runs the session, and still does.
    #[error(
        "session {id} is held by {holder}{}; wait until it lets go, or end it first",
        on(*.pid, .hostname.as_deref())
    )]
    SessionHeld {
        /// The session.
        id: String,
        /// Who holds it.
        holder: String,
        /// The number of its process, if it is one.
        pid: Option<u32>,
        /// The name of its machine, if it is known.
        hostname: Option<String>,
    },
    /// Another session is in the slot.
    #[error(
        "session {id} cannot come into the slot {phase} of task {task_id:?}: session {by} is in it; put that one into the trash first"
    )]
    SlotTaken {
        /// The session that was to come into it.
        id: String,
        /// The task.
        task_id: String,
        /// The phase.
        phase: SlotPhase,
        /// The session that is in it.
        by: String,
    },
    /// The session's model is none of those that there are.
    #[error(
        "the model {model:?} of session {id} is missing; view, export, delete or replace the session instead"
    )]
    ModelMissing {
        /// The session.
        id: String,
        /// The model.
        model: String,
    },
    /// A stored session cannot be read.
    #[error("session {id} cannot be read: {problem}")]
    CorruptSession {
        /// The session.
        id: String,
        /// What is wrong, and where it is kept.
        problem: String,
    },
    /// Other writers kept winning.
    #[error("{what} was changed by others on each of {attempts} attempts; try again")]
    StoreBusy {
        /// What the writers contend for.
        what: String,
        /// How often it was tried.
        attempts: u32,
    },
    /// The store cannot be reached or opened.
    #[error("the store is unavailable: {problem}")]
    StoreUnavailable {
        /// What the store said.
        problem: String,
    },
    /// The store has no room left.
    #[error("the store has no room left: {problem}; nothing was written")]
    StorageFull {
        /// What the store said.
        problem: String,
    },
    /// The store was written by a newer version of Tenure.
    #[error(
        "the store has schema {found}; this version of Tenure reads up to {supported}: upgrade Tenure"
    )]
    SchemaTooNew {
        /// The schema that was found.
        found: u32,
        /// The newest schema that this build reads.
        supported: u32,
    },
    /// A store method failed in a way that has no code of its own.
    #[error("the store's {method} failed: {problem}")]
    StoreFailed {
        /// The store's method.
        method: String,
        /// What it threw or said.
        problem: String,
    },
    /// A store method answered something that is not an answer to its request.
    #[error("the store's {method} returned rubbish: {problem}")]
    StoreMisbehaved {
        /// The store's method.
        method: String,
        /// What was expected of it.
        problem: String,
    },
    /// A store method did not settle in time; nothing was being written.
    #[error("the store's {method} did not answer within {timeout_ms} ms; no write was under way")]
    StoreTimeout {
        /// The store's method.
        method: String,
        /// The limit in milliseconds.
        timeout_ms: u64,
    },
    /// The write was handed to the store, and whether it took effect is not known.
    #[error(
        "the store was asked to write and did not say whether it did: {problem}; load the session to see, or repeat the call with the same `idempotencyKey`"
    )]
    OutcomeUnknown {
        /// What is known.
        problem: String,
    },
    /// A synchronous answer was asked of an asynchronous store.
    #[error("this store is asynchronous: open it with `open`, not `openSync`")]
    StoreIsAsync,
    /// The handle was closed.
    #[error("this handle is closed")]
    Closed,
    /// A store URL that this build does not serve.
    #[error("{url:?} is not a store that this build can open: {problem}")]
    UnsupportedStore {
        /// The URL as it was given.
        url: String,
        /// What can be opened instead.
        problem: String,
    },
    /// A defect in Tenure.
    #[error("internal error: {problem}; please report this")]
    Internal {
        /// What was found to be impossible.
        problem: String,
    },
}

/// Gives every variant its code, and the list of them all.
macro_rules! codes {
    ($($variant:ident => $code:literal,)*) => {
        impl Error {
            /// Every code that there is.
            pub const CODES: &'static [&'static str] = &[$($code),*];

            /// The stable code: the same in every host, never changed once released.
            pub fn code(&self) -> &'static str {
                match self {
                    $(Self::$variant { .. } => $code,)*
                }
            }
        }
    };
}

codes! {
    InvalidArgument => "INVALID_ARGUMENT",
    InvalidId => "INVALID_ID",
    TooLarge => "TOO_LARGE",
    TooDeep => "TOO_DEEP",
    InvalidCursor => "INVALID_CURSOR",
    UnknownOperation => "UNKNOWN_OPERATION",
    SessionNotFound => "SESSION_NOT_FOUND",
    SessionDeleted => "SESSION_DELETED",
    SessionExists => "SESSION_EXISTS",
    SessionFinished => "SESSION_FINISHED",
    InvalidTransition => "INVALID_TRANSITION",
    InvalidPhase => "INVALID_PHASE",
    BudgetExhausted => "BUDGET_EXHAUSTED",
    VersionConflict => "VERSION_CONFLICT",
    IdempotencyMismatch => "IDEMPOTENCY_MISMATCH",
    SessionHeld => "SESSION_HELD",
    SlotTaken => "SLOT_TAKEN",
    ModelMissing => "MODEL_MISSING",
    CorruptSession => "CORRUPT_SESSION",
    StoreBusy => "STORE_BUSY",
    StoreUnavailable => "STORE_UNAVAILABLE",
    StorageFull => "STORAGE_FULL",
    SchemaTooNew => "SCHEMA_TOO_NEW",
    StoreFailed => "STORE_FAILED",
    StoreMisbehaved => "STORE_MISBEHAVED",
    StoreTimeout => "STORE_TIMEOUT",
    OutcomeUnknown => "OUTCOME_UNKNOWN",
    StoreIsAsync => "STORE_IS_ASYNC",
    Closed => "CLOSED",
    UnsupportedStore => "UNSUPPORTED_STORE",
    Internal => "INTERNAL",
}

impl Error {
    /// The values involved, by name, for programs: what the message says, without the prose.
    pub fn details(&self) -> Json {
        let mut details = Object::default();
        match self {
            Self::InvalidArgument { what, problem } => {
                details.set("what", what);
                details.set("problem", problem);
            }
            Self::InvalidId { id }
            | Self::SessionNotFound { id }
            | Self::SessionDeleted { id }
            | Self::SessionExists { id } => details.set("id", id),
            Self::TooLarge {
                what,
                actual,
                limit,
            } => {
                details.set("what", what);
                details.set("actual", actual);
                details.set("limit", limit);
            }
            Self::TooDeep { what, limit } => {
                details.set("what", what);
                details.set("limit", limit);
            }
            Self::UnknownOperation { name } => details.set("name", name),
            Self::SessionFinished { id, status } => {
                details.set("id", id);
                details.set("status", status);
            }
            Self::InvalidTransition {
                id,
                from,
                to,
                allowed,
            } => {
                details.set("id", id);
                details.set("from", from);
                details.set("to", to);
                details.set("allowed", allowed);
            }
            Self::InvalidPhase { id, phase, problem } => {
                details.set("id", id);
                details.set("phase", &Json::of_text(phase.map(Phase::as_str)));
                details.set("problem", problem);
            }
            Self::BudgetExhausted {
                id,
                iterations,
                max_iterations,
            } => {
                details.set("id", id);
                details.set("iterations", iterations);
                details.set("maxIterations", max_iterations);
            }
            Self::VersionConflict {
                id,
                expected,
                current,
            } => {
                details.set("id", id);
                details.set("expected", expected);
                details.set("current", current);
            }
            Self::IdempotencyMismatch { key } => details.set("key", key),
            Self::SessionHeld {
                id,
                holder,
                pid,
                hostname,
            } => {
                details.set("id", id);
                details.set("holder", holder);
                details.set("pid", pid);
                details.set("hostname", hostname);
            }
            Self::SlotTaken {
                id,
                task_id,
                phase,
                by,
            } => {
                details.set("id", id);
                details.set("taskId", task_id);
                details.set("phase", phase);
                details.set("by", by);
            }
            Self::ModelMissing { id, model } => {
                details.set("id", id);
                details.set("model", model);
            }
            Self::CorruptSession { id, problem } => {
                details.set("id", id);
                details.set("problem", problem);
            }
            Self::StoreBusy { what, attempts } => {
                details.set("what", what);
                details.set("attempts", attempts);
            }
            Self::StoreUnavailable { problem }
            | Self::StorageFull { problem }
            | Self::OutcomeUnknown { problem }
            | Self::Internal { problem } => details.set("problem", problem),
            Self::SchemaTooNew { found, supported } => {
                details.set("found", found);
                details.set("supported", supported);
            }
            Self::StoreFailed { method, problem } | Self::StoreMisbehaved { method, problem } => {
                details.set("method", method);
                details.set("problem", problem);
            }
            Self::StoreTimeout { method, timeout_ms } => {
                details.set("method", method);
                details.set("timeoutMs", timeout_ms);
            }
            Self::UnsupportedStore { url, problem } => {
                details.set("url", url);
                details.set("problem", problem);
            }
            Self::InvalidCursor | Self::StoreIsAsync | Self::Closed => {}
        }
        details.to_json()
    }

    /// An [`Error::InvalidArgument`] about `what`.
    pub fn invalid(what: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::InvalidArgument {
            what: cut(what.into()),
            problem: cut(problem.into()),
        }
    }

    /// An [`Error::Internal`]: something that the code holds to be impossible has happened.
    pub fn internal(problem: impl Into<String>) -> Self {
        Self::Internal {
            problem: problem.into(),
        }
    }
}

/// Cuts a text to a length that can be shown: what is wrong with an input often quotes it, and an
/// input may be large.
pub fn cut(mut text: String) -> String {
    const LONGEST: usize = 1000;
    if text.len() > LONGEST {
        let end = (0..=LONGEST).rfind(|&at| text.is_char_boundary(at));
        text.truncate(end.unwrap_or(0));
        text.push('…');
    }
    text
}

/// The form in which an error crosses into another language.
impl Serialize for Error {
    fn serialize<S: serde::Serializer>(
        &self,
        serializer: S,
    ) -> std::result::Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;
        let mut out = serializer.serialize_struct("Error", 3)?;
        out.serialize_field("code", self.code())?;
        out.serialize_field("message", &self.to_string())?;
        out.serialize_field("details", &self.details())?;
        out.end()
    }
}

/// Where a holder is, as far as is known.
fn on(pid: Option<u32>, hostname: Option<&str>) -> String {
    match (pid, hostname) {
        (Some(pid), Some(hostname)) => format!(" (process {pid} on {hostname})"),
        (Some(pid), None) => format!(" (process {pid})"),
        (None, Some(hostname)) => format!(" (on {hostname})"),
        (None, None) => String::new(),
    }
}

fn list(statuses: &[Status]) -> String {
    if statuses.is_empty() {
        return "no other status".to_owned();
    }
    let names: Vec<&str> = statuses.iter().map(|status| status.as_str()).collect();
    names.join(", ")
}
