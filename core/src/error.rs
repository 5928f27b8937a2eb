//! The error type of the core. Every failure is a [`Cause`] with a stable [`code`](Error::code), the
//! values involved and what to do about it; hosts show the code, the message and the
//! [`details`](Error::details) unchanged. Outcomes that a caller decides on (a replayed call, a page that
//! has more) are results, not errors.

use serde::Serialize;
use thiserror::Error as ThisError;

/// The result of an operation, of a store and of a host.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure. It is as wide as a pointer: results are moved at every `?`, and most of them are values.
#[derive(Debug, Clone, PartialEq, ThisError)]
#[error(transparent)]
pub struct Error(Box<Cause>);

/// The cause of a failure, with the values involved.
#[derive(Debug, Clone, PartialEq, ThisError)]
#[non_exhaustive]
pub enum Cause {
    /// A parameter is missing, of the wrong type or out of range.
    #[error("{what}: {problem}")]
    InvalidArgument {
        /// The parameter, or the operation if the parameters as a whole are invalid.
        what: String,
        /// What is wrong with it and what was expected.
        problem: String,
    },
    /// A session id is malformed.
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
    /// A cursor is malformed or was returned for another order.
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
    /// The changes after a position of the feed are no longer kept, or the position is of another store.
    #[error("{}", position_expired(*after, *newest))]
    PositionExpired {
        /// The position from which to read.
        after: u64,
        /// The position after which every change is kept.
        kept_after: u64,
        /// The position of the newest change.
        newest: u64,
    },
    /// The store keeps no feed of its changes.
    #[error(
        "this store keeps no feed of its changes: use one that does, such as `sqlite:`, `file:`, `memory:` or `indexeddb:`"
    )]
    NoFeed,
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
        status: &'static str,
    },
    /// The lifecycle does not lead from this status to that one.
    #[error("session {id} {}; from {from} it can go to {}", refused_move(.from, .to), list(.allowed))]
    InvalidTransition {
        /// The session.
        id: String,
        /// Its status.
        from: &'static str,
        /// The status that was asked for.
        to: &'static str,
        /// The statuses that it can take from here.
        allowed: Vec<&'static str>,
    },
    /// The agent is in a phase that does not lead to what was asked for.
    #[error("the phase of agent {id} is {}: {problem}", .phase.unwrap_or("none"))]
    InvalidPhase {
        /// The agent's session.
        id: String,
        /// Its phase, if it has one.
        phase: Option<&'static str>,
        /// What does not go in it, and what to do.
        problem: String,
    },
    /// The agent waits for the decision of a person.
    #[error(
        "agent {id} waits for an approval; approve or deny it first, or override the request with `override: true`"
    )]
    ApprovalPending {
        /// The agent's session.
        id: String,
    },
    /// A person has decided otherwise, or another person has decided.
    #[error(
        "the request of agent {id} was {state} {} at {at}, which is final; {}",
        decider(.state, .by.as_deref()),
        if *.state == "approved" { "request an approval again" } else { "fork the agent to go on" }
    )]
    ApprovalDecided {
        /// The agent's session.
        id: String,
        /// The decision.
        state: &'static str,
        /// Who decided, if it is known.
        by: Option<String>,
        /// When it was decided.
        at: String,
    },
    /// The session has used all of its iterations.
    #[error(
        "session {id} has used {iterations} of {max_iterations} iterations; resume it with `addIterations`, or complete, fail or abandon it"
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
    #[error("session {id} is at version {current}, not {expected}; load it again and retry")]
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
        "idempotency key {key:?} was used before with other parameters, for session {id}; use a new key for a new call"
    )]
    IdempotencyMismatch {
        /// The key.
        key: String,
        /// The session that the earlier call started or changed.
        id: String,
    },
    /// Another runner holds the session.
    #[error(
        "session {id} is held by {holder}{}; wait until the holder releases it, or end the holder first",
        on(*.pid, .hostname.as_deref())
    )]
    SessionHeld {
        /// The session.
        id: String,
        /// The holder.
        holder: String,
        /// The holder's PID, if it is a process.
        pid: Option<u32>,
        /// The host name of the holder's machine, if it is known.
        hostname: Option<String>,
    },
    /// The fencing token is not that of the session's current holder.
    #[error("the lease {key:?} is lost: {problem}; stop what it guards")]
    LeaseLost {
        /// The key of the lease.
        key: String,
        /// The token of the call.
        token: u64,
        /// What has become of the lease.
        problem: String,
    },
    /// Another session occupies the slot.
    #[error(
        "session {id} cannot take the slot {phase} of task {task_id:?}: session {by} occupies it; put that one into the trash first"
    )]
    SlotTaken {
        /// The session that was to take it.
        id: String,
        /// The task.
        task_id: String,
        /// The phase.
        phase: &'static str,
        /// The session that occupies it.
        by: String,
    },
    /// The session's model is not among the known models.
    #[error("the model {model:?} {}", missing_model(.id.as_deref()))]
    ModelMissing {
        /// The session; absent for one that is not started because of it.
        id: Option<String>,
        /// The model.
        model: String,
    },
    /// A stored session cannot be read.
    #[error("session {id} cannot be read: {problem}")]
    CorruptSession {
        /// The session.
        id: String,
        /// What is wrong, and where it is stored.
        problem: String,
    },
    /// Every attempt conflicted with another writer.
    #[error("{what} was changed by other writers on each of {attempts} attempts; try again")]
    StoreBusy {
        /// What the writers contend for.
        what: String,
        /// The number of attempts.
        attempts: u32,
    },
    /// The store cannot be reached or opened.
    #[error("the store is unavailable: {problem}")]
    StoreUnavailable {
        /// What the store said.
        problem: String,
    },
    /// An archive of sessions has failed, or cannot be reached or opened.
    #[error("{problem}")]
    ArchiveFailed {
        /// What the archive said.
        problem: String,
    },
    /// An object of an archive is not what was archived.
    #[error("{problem}")]
    ArchiveDamaged {
        /// The object, and what is wrong with it.
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
    /// A store method returned an invalid reply.
    #[error("the store's {method} returned an invalid reply: {problem}")]
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
    /// The store was asked to write, and whether the write took effect is not known.
    #[error(
        "the store did not confirm the write: {problem}; load the session to see whether it took effect, or repeat the call with the same `idempotencyKey`"
    )]
    OutcomeUnknown {
        /// What is known.
        problem: String,
    },
    /// A synchronous call on an asynchronous store.
    #[error("this store is asynchronous: open it with `open`, not `openSync`")]
    StoreIsAsync,
    /// The handle was closed.
    #[error("this handle is closed")]
    Closed,
    /// A store URL that this build does not serve.
    #[error("{url:?} is not a store that this build can open: {problem}")]
    UnsupportedStore {
        /// The URL, without what may be secret.
        url: String,
        /// What can be opened instead.
        problem: String,
    },
    /// An operation that this build does not contain.
    #[error("the operation {name:?} is not in this build: {instead}")]
    UnsupportedOperation {
        /// The operation.
        name: String,
        /// What to use instead.
        instead: String,
    },
    /// A defect in Tenure.
    #[error("internal error: {problem}; please report this")]
    Internal {
        /// The invariant that does not hold.
        problem: String,
    },
}

/// The class of an error. It decides the exit code of the command and the status of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// The call is malformed, or an input is not accepted.
    Invalid,
    /// What the call names does not exist.
    NotFound,
    /// The call conflicts with another writer, holder or session.
    Conflict,
    /// The state of the session does not allow the call.
    Refused,
    /// The store failed.
    Store,
    /// A defect in Tenure.
    Internal,
}

impl Class {
    /// The exit code of a command that fails with such an error.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::NotFound | Self::Conflict | Self::Refused => 1,
            Self::Invalid => 2,
            Self::Store | Self::Internal => 3,
        }
    }

    /// The status of an HTTP response with such an error.
    pub fn http_status(self) -> u16 {
        match self {
            Self::Invalid => 400,
            Self::NotFound => 404,
            Self::Conflict => 409,
            Self::Refused => 422,
            Self::Internal => 500,
            Self::Store => 503,
        }
    }
}

/// Gives every variant its code and its class, and the list of all codes.
macro_rules! codes {
    ($($variant:ident => $code:literal $class:ident,)*) => {
        impl Error {
            /// All codes.
            pub const CODES: &'static [&'static str] = &[$($code),*];

            /// The stable code: the same in every host, never changed once released.
            pub fn code(&self) -> &'static str {
                match self.cause() {
                    $(Cause::$variant { .. } => $code,)*
                }
            }

            /// The class of the error.
            pub fn class(&self) -> Class {
                match self.cause() {
                    $(Cause::$variant { .. } => Class::$class,)*
                }
            }

            /// The class of the errors with a code; `None` for a code that is none of these.
            pub fn class_of(code: &str) -> Option<Class> {
                match code {
                    $($code => Some(Class::$class),)*
                    _ => None,
                }
            }
        }
    };
}

codes! {
    InvalidArgument => "INVALID_ARGUMENT" Invalid,
    InvalidId => "INVALID_ID" Invalid,
    TooLarge => "TOO_LARGE" Invalid,
    TooDeep => "TOO_DEEP" Invalid,
    InvalidCursor => "INVALID_CURSOR" Invalid,
    UnknownOperation => "UNKNOWN_OPERATION" Invalid,
    SessionNotFound => "SESSION_NOT_FOUND" NotFound,
    SessionDeleted => "SESSION_DELETED" NotFound,
    PositionExpired => "POSITION_EXPIRED" NotFound,
    NoFeed => "NO_FEED" Invalid,
    SessionExists => "SESSION_EXISTS" Conflict,
    SessionFinished => "SESSION_FINISHED" Refused,
    InvalidTransition => "INVALID_TRANSITION" Refused,
    InvalidPhase => "INVALID_PHASE" Refused,
    ApprovalPending => "APPROVAL_PENDING" Refused,
    ApprovalDecided => "APPROVAL_DECIDED" Refused,
    BudgetExhausted => "BUDGET_EXHAUSTED" Refused,
    VersionConflict => "VERSION_CONFLICT" Conflict,
    IdempotencyMismatch => "IDEMPOTENCY_MISMATCH" Conflict,
    SessionHeld => "SESSION_HELD" Conflict,
    LeaseLost => "LEASE_LOST" Conflict,
    SlotTaken => "SLOT_TAKEN" Conflict,
    ModelMissing => "MODEL_MISSING" Refused,
    CorruptSession => "CORRUPT_SESSION" Store,
    StoreBusy => "STORE_BUSY" Store,
    StoreUnavailable => "STORE_UNAVAILABLE" Store,
    ArchiveFailed => "ARCHIVE_FAILED" Store,
    ArchiveDamaged => "ARCHIVE_DAMAGED" Store,
    StorageFull => "STORAGE_FULL" Store,
    SchemaTooNew => "SCHEMA_TOO_NEW" Store,
    StoreFailed => "STORE_FAILED" Store,
    StoreMisbehaved => "STORE_MISBEHAVED" Store,
    StoreTimeout => "STORE_TIMEOUT" Store,
    OutcomeUnknown => "OUTCOME_UNKNOWN" Store,
    StoreIsAsync => "STORE_IS_ASYNC" Store,
    Closed => "CLOSED" Store,
    UnsupportedStore => "UNSUPPORTED_STORE" Invalid,
    UnsupportedOperation => "UNSUPPORTED_OPERATION" Invalid,
    Internal => "INTERNAL" Internal,
}

impl Error {
    /// Its cause.
    pub fn cause(&self) -> &Cause {
        &self.0
    }

    /// Its cause, with the values involved.
    pub fn into_cause(self) -> Cause {
        *self.0
    }

    /// The values involved, by name: the content of the message for programs.
    pub fn details(&self) -> Details {
        let mut details = Details::default();
        match self.cause() {
            Cause::InvalidArgument { what, problem } => {
                details.set("what", what);
                details.set("problem", problem);
            }
            Cause::InvalidId { id }
            | Cause::SessionNotFound { id }
            | Cause::SessionDeleted { id }
            | Cause::SessionExists { id }
            | Cause::ApprovalPending { id } => details.set("id", id),
            Cause::ApprovalDecided { id, state, by, at } => {
                details.set("id", id);
                details.set("state", state);
                details.set("by", by);
                details.set("at", at);
            }
            Cause::TooLarge {
                what,
                actual,
                limit,
            } => {
                details.set("what", what);
                details.set("actual", actual);
                details.set("limit", limit);
            }
            Cause::TooDeep { what, limit } => {
                details.set("what", what);
                details.set("limit", limit);
            }
            Cause::UnknownOperation { name } => details.set("name", name),
            Cause::SessionFinished { id, status } => {
                details.set("id", id);
                details.set("status", status);
            }
            Cause::InvalidTransition {
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
            Cause::InvalidPhase { id, phase, problem } => {
                details.set("id", id);
                details.set("phase", phase);
                details.set("problem", problem);
            }
            Cause::BudgetExhausted {
                id,
                iterations,
                max_iterations,
            } => {
                details.set("id", id);
                details.set("iterations", iterations);
                details.set("maxIterations", max_iterations);
            }
            Cause::VersionConflict {
                id,
                expected,
                current,
            } => {
                details.set("id", id);
                details.set("expected", expected);
                details.set("current", current);
            }
            Cause::IdempotencyMismatch { key, id } => {
                details.set("key", key);
                details.set("id", id);
            }
            Cause::SessionHeld {
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
            Cause::LeaseLost {
                key,
                token,
                problem,
            } => {
                details.set("key", key);
                details.set("token", token);
                details.set("problem", problem);
            }
            Cause::SlotTaken {
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
            Cause::ModelMissing { id, model } => {
                details.set("id", id);
                details.set("model", model);
            }
            Cause::CorruptSession { id, problem } => {
                details.set("id", id);
                details.set("problem", problem);
            }
            Cause::StoreBusy { what, attempts } => {
                details.set("what", what);
                details.set("attempts", attempts);
            }
            Cause::StoreUnavailable { problem }
            | Cause::ArchiveFailed { problem }
            | Cause::ArchiveDamaged { problem }
            | Cause::StorageFull { problem }
            | Cause::OutcomeUnknown { problem }
            | Cause::Internal { problem } => details.set("problem", problem),
            Cause::SchemaTooNew { found, supported } => {
                details.set("found", found);
                details.set("supported", supported);
            }
            Cause::StoreFailed { method, problem } | Cause::StoreMisbehaved { method, problem } => {
                details.set("method", method);
                details.set("problem", problem);
            }
            Cause::StoreTimeout { method, timeout_ms } => {
                details.set("method", method);
                details.set("timeoutMs", timeout_ms);
            }
            Cause::UnsupportedStore { url, problem } => {
                details.set("url", url);
                details.set("problem", problem);
            }
            Cause::UnsupportedOperation { name, instead } => {
                details.set("name", name);
                details.set("instead", instead);
            }
            Cause::PositionExpired {
                after,
                kept_after,
                newest,
            } => {
                details.set("after", after);
                details.set("keptAfter", kept_after);
                details.set("newest", newest);
            }
            Cause::InvalidCursor | Cause::StoreIsAsync | Cause::Closed | Cause::NoFeed => {}
        }
        details
    }

    /// Whether a stored session cannot be read.
    pub fn is_corrupt_session(&self) -> bool {
        matches!(self.cause(), Cause::CorruptSession { .. })
    }

    /// Whether the store itself failed, and not an operation on one session.
    pub fn is_of_store(&self) -> bool {
        match self.cause() {
            Cause::CorruptSession { .. }
            | Cause::StoreBusy { .. }
            | Cause::ArchiveFailed { .. }
            | Cause::ArchiveDamaged { .. } => false,
            _ => matches!(self.class(), Class::Store | Class::Internal),
        }
    }

    /// A [`Cause::InvalidArgument`] about `what`.
    pub fn invalid(what: impl Into<String>, problem: impl Into<String>) -> Self {
        Cause::InvalidArgument {
            what: cut(what.into()),
            problem: cut(problem.into()),
        }
        .into()
    }

    /// A [`Cause::Internal`]: an invariant of the code does not hold.
    pub fn internal(problem: impl Into<String>) -> Self {
        Cause::Internal {
            problem: problem.into(),
        }
        .into()
    }
}

impl From<Cause> for Error {
    fn from(cause: Cause) -> Self {
        Self(Box::new(cause))
    }
}

/// Takes a stored session that cannot be read for none.
///
/// # Errors
/// All errors but `CORRUPT_SESSION`.
pub fn none_if_corrupt<T>(result: Result<Option<T>>) -> Result<Option<T>> {
    match result {
        Err(error) if error.is_corrupt_session() => Ok(None),
        other => other,
    }
}

/// The values that an error involves, by name.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Details(Vec<(&'static str, Detail)>);

/// A value that an error involves.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
enum Detail {
    Nothing,
    Number(u64),
    Text(String),
    Names(Vec<&'static str>),
}

impl Details {
    fn set(&mut self, name: &'static str, value: impl Into<Detail>) {
        self.0.push((name, value.into()));
    }
}

impl Serialize for Details {
    fn serialize<S: serde::Serializer>(
        &self,
        serializer: S,
    ) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, detail)| (name, detail)))
    }
}

impl From<&String> for Detail {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl From<&&'static str> for Detail {
    fn from(text: &&'static str) -> Self {
        Self::Text((*text).to_owned())
    }
}

impl From<&u32> for Detail {
    fn from(number: &u32) -> Self {
        Self::Number((*number).into())
    }
}

impl From<&u64> for Detail {
    fn from(number: &u64) -> Self {
        Self::Number(*number)
    }
}

impl From<&Vec<&'static str>> for Detail {
    fn from(names: &Vec<&'static str>) -> Self {
        Self::Names(names.clone())
    }
}

impl From<&Option<u32>> for Detail {
    fn from(number: &Option<u32>) -> Self {
        number.as_ref().map_or(Self::Nothing, Self::from)
    }
}

impl From<&Option<String>> for Detail {
    fn from(text: &Option<String>) -> Self {
        text.as_ref().map_or(Self::Nothing, Self::from)
    }
}

impl From<&Option<&'static str>> for Detail {
    fn from(name: &Option<&'static str>) -> Self {
        name.as_ref().map_or(Self::Nothing, Self::from)
    }
}

/// Why the changes after a position cannot be read, and what to do.
fn position_expired(after: u64, newest: u64) -> String {
    let problem = match after > newest {
        true => format!(
            "there is no position {after} yet, the newest is {newest}: it may be of another store, or this one was \
             restored from a backup; "
        ),
        false => format!("the changes after position {after} are not kept: "),
    };
    let advice = "read what you need again, with `list` or `get`, and go on from position";
    format!("{problem}{advice} {newest}")
}

/// Who has decided on a request, in a sentence.
fn decider(state: &str, by: Option<&str>) -> String {
    match by {
        _ if state == "withdrawn" => "when the agent ended,".to_owned(),
        by => format!("by {}", by.unwrap_or("a person without a name")),
    }
}

/// What a missing model means for its session, or for the one that is not started.
fn missing_model(id: Option<&str>) -> String {
    match id {
        Some(id) => format!(
            "of session {id} is missing; view, export, delete or replace the session instead"
        ),
        None => "is not available, so no session was started; choose one of the available models"
            .to_owned(),
    }
}

/// Cuts a text to a size that can be shown. Messages often quote an input, and an input may be large.
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

/// The process and the machine of a holder, as far as they are known.
fn on(pid: Option<u32>, hostname: Option<&str>) -> String {
    match (pid, hostname) {
        (Some(pid), Some(hostname)) => format!(" (process {pid} on {hostname})"),
        (Some(pid), None) => format!(" (process {pid})"),
        (None, Some(hostname)) => format!(" (on {hostname})"),
        (None, None) => String::new(),
    }
}

/// What a session does not do.
fn refused_move(from: &str, to: &str) -> String {
    if from == to {
        format!("is already {to}")
    } else {
        format!("cannot go from {from} to {to}")
    }
}

fn list(names: &[&str]) -> String {
    match names {
        [] => "no other status".to_owned(),
        names => names.join(", "),
    }
}
