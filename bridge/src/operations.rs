//! The table of operations. Each stands here once, with its parameters, its result and the words
//! that its users read; the dispatcher and the TypeScript declarations are made from it.

use tenure_core::answers::{Appended, CleanupResult, EventPage, SessionContext, SessionPage};
use tenure_core::copy::{
    CopyChunk, CopyCompareParams, CopyCompared, CopyPage, CopyPageParams, CopyReadParams,
    CopyWriteParams, CopyWritten,
};
use tenure_core::error::cut;
use tenure_core::layout::{FileImport, ImportFileParams, ImportWantedParams};
use tenure_core::members::Params;
use tenure_core::params::{
    AbandonParams, AddEventParams, AddEventsParams, ChangeOnly, CleanupParams, CompleteParams,
    EventsParams, FailParams, ForkParams, GetParams, IdParams, ImportParams,
    IncrementIterationParams, ListParams, OverrideParams, PauseParams, PurgeParams,
    RecordLearningParams, RecordToolCallParams, RecordUsageParams, ResumeParams, SaveParams,
    StartParams, StatsParams, UpdateContextParams, UpdateParams,
};
use tenure_core::stats::Stats;
use tenure_core::{
    Environment, Error, Limits, Result, Service, Session, SessionHead, Store, Timestamp,
};

use crate::answer::{self, Answer};
use crate::backend::Call;
use crate::fingerprint;

/// Whether an operation writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// It only reads.
    Read,
    /// It may write.
    Write,
}

/// An operation as the table declares it.
#[derive(Debug, Clone, Copy)]
pub struct Operation {
    /// Its name.
    pub name: &'static str,
    /// Whether it writes.
    pub access: Access,
    /// What its users read, in Markdown.
    pub doc: &'static str,
    #[cfg(feature = "ts")]
    pub(crate) params: fn(&ts_rs::Config) -> String,
    #[cfg(feature = "ts")]
    pub(crate) result: fn(&ts_rs::Config) -> String,
}

/// The access of the operation of this name.
pub fn access(name: &str) -> Option<Access> {
    OPERATIONS
        .iter()
        .find(|operation| operation.name == name)
        .map(|operation| operation.access)
}

macro_rules! operations {
    ($($(#[doc = $doc:literal])+ $access:ident $name:literal = $method:ident($params:ty) -> $result:ty;)*) => {
        /// Every operation.
        pub const OPERATIONS: &[Operation] = &[$(Operation {
            name: $name,
            access: Access::$access,
            doc: concat!($($doc, "\n"),+),
            #[cfg(feature = "ts")]
            params: <$params as ts_rs::TS>::name,
            #[cfg(feature = "ts")]
            result: <$result as ts_rs::TS>::name,
        }),*];

        async fn dispatch(
            service: Service<'_>,
            environment: &Environment,
            name: &str,
            params: &str,
        ) -> Answer {
            match name {
                $($name => match <$params>::read($name, params) {
                    Ok(params) => answer::of::<$result>(&service.$method(environment, params).await),
                    Err(error) => answer::error(&error),
                },)*
                _ => answer::error(&Error::UnknownOperation { name: cut(name.to_owned()) }),
            }
        }
    };
}

operations! {
    /// Starts a session. Its first event is `start`.
    Write "start" = start(StartParams) -> Session;
    /// A session with the part of its history that is asked for, by default the last 100 events;
    /// `null` for an unknown id.
    Read "get" = get(GetParams) -> Option<Session>;
    /// Sets what describes a session. It records no event.
    Write "update" = update(UpdateParams) -> SessionHead;
    /// Pauses a session: `pausedAt` and `pauseReason` appear in its context.
    Write "pause" = pause(PauseParams) -> SessionHead;
    /// Resumes a paused session, or takes up an active one whose runner is gone. The event carries
    /// `pausedDuration` in milliseconds.
    Write "resume" = resume(ResumeParams) -> SessionHead;
    /// Ends a session with a result.
    Write "complete" = complete(CompleteParams) -> SessionHead;
    /// Ends a session with an error.
    Write "fail" = fail(FailParams) -> SessionHead;
    /// Gives a session up.
    Write "abandon" = abandon(AbandonParams) -> SessionHead;
    /// Records an event. A lifecycle type has its lifecycle's effect.
    Write "addEvent" = add_event(AddEventParams) -> Appended;
    /// Records several events in one commit, all or none.
    Write "addEvents" = add_events(AddEventsParams) -> Appended;
    /// Counts an iteration. The last one of the budget makes the session `timeout`.
    Write "incrementIteration" = increment_iteration(IncrementIterationParams) -> Appended;
    /// Records a call of a tool, and the tool among `metadata.toolsUsed`.
    Write "recordToolCall" = record_tool_call(RecordToolCallParams) -> Appended;
    /// Records something that the agent learned.
    Write "recordLearning" = record_learning(RecordLearningParams) -> Appended;
    /// Adds tokens and cost to `metadata.tokens` and `metadata.cost`; statistics sum them.
    Write "recordUsage" = record_usage(RecordUsageParams) -> SessionHead;
    /// Merges members into the context, or replaces it.
    Write "updateContext" = update_context(UpdateContextParams) -> SessionHead;
    /// What an agent needs to go on with a session; `null` for an unknown id.
    Read "context" = context(IdParams) -> Option<SessionContext>;
    /// A part of a history, oldest first.
    Read "events" = events(EventsParams) -> EventPage;
    /// A page of sessions, newest first.
    Read "list" = list(ListParams) -> SessionPage;
    /// Statistics over sessions.
    Read "stats" = stats(StatsParams) -> Stats;
    /// Removes a session for good, also one that cannot be read.
    Write "delete" = delete(IdParams) -> ();
    /// Puts a session into the trash: it leaves lists and statistics and takes no changes.
    Write "trash" = trash(ChangeOnly) -> SessionHead;
    /// Takes a session out of the trash.
    Write "restore" = restore(ChangeOnly) -> SessionHead;
    /// Puts sessions that have reached an age into the trash, or removes them for good. Active and
    /// paused ones are spared unless `status` names them.
    Write "cleanup" = cleanup(CleanupParams) -> CleanupResult;
    /// Removes for good what has been in the trash for a time.
    Write "purge" = purge(PurgeParams) -> CleanupResult;
    /// A session with its whole history, as one JSON text.
    Read "export" = export(IdParams) -> String;
    /// Writes a session that was exported, in place of one that has its id.
    Write "import" = import(ImportParams) -> SessionHead;
    /// Sets anything that a session has, as an administrator may: past the lifecycle, with no event
    /// and no webhook. The version still counts up.
    Write "override" = overrule(OverrideParams) -> SessionHead;
    /// Keeps a session as it is given, whole, with no event of its own and no webhook. Where it only
    /// continues the history that is kept, only what is new of it is written.
    Write "save" = save(SaveParams) -> SessionHead;
    /// Starts a new session with another's past.
    Write "fork" = fork(ForkParams) -> Session;
    /// Whether an agent may go on with a session: paused, or active with iterations left.
    Read "isResumable" = is_resumable(IdParams) -> bool;
    /// How much of its budget a session has used, from 0 to 100; `null` for an unknown id.
    Read "progress" = progress(IdParams) -> Option<f64>;
    /// How long a session has run, in milliseconds; `null` for an unknown id.
    Read "duration" = duration(IdParams) -> Option<u64>;
    /// Names a part of the sessions and records of a store that is copied.
    Read "copyPage" = copy_page(CopyPageParams) -> CopyPage;
    /// Compares another store's page with what is here, and may ask for what is not.
    Read "copyCompare" = copy_compare(CopyCompareParams) -> CopyCompared;
    /// Reads what another store asks for, up to an amount.
    Read "copyRead" = copy_read(CopyReadParams) -> CopyChunk;
    /// Writes what another store has sent, in one commit.
    Write "copyWrite" = copy_write(CopyWriteParams) -> CopyWritten;
    /// Whether a file that another program has left behind can be imported, or a folder may hold
    /// such files.
    Read "importWanted" = import_wanted(ImportWantedParams) -> bool;
    /// Imports a file that another program has left behind.
    Write "importFile" = import_file(ImportFileParams) -> FileImport;
}

/// Performs an operation over a store.
pub async fn perform(store: &dyn Store, limits: &Limits, call: Call<'_>) -> Answer {
    let now = match now(call.now) {
        Ok(now) => now,
        Err(error) => return answer::error(&error),
    };
    let environment = Environment {
        now,
        entropy: call.entropy,
        fingerprint: fingerprint::of(call.name, call.params),
        host: call.host,
    };
    let service = Service::new(store, limits);
    dispatch(service, &environment, call.name, call.params).await
}

/// The present. JavaScript's clock shows a whole number of milliseconds, but a faked one may show
/// anything.
fn now(millis: f64) -> Result<Timestamp> {
    if millis.is_nan() {
        return Err(Error::invalid("now", "the clock shows no time"));
    }
    // A float-to-integer cast saturates, and the ends are outside of the calendar.
    Timestamp::from_millis(millis as i64)
}
