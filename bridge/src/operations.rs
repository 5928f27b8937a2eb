//! The table of operations. Each stands here once, with its parameters, its result and the words
//! that its users read; the dispatcher and the TypeScript declarations are made from it.

use tenure_core::agent::analytics::{AgentStats, AgentStatsParams};
use tenure_core::agent::params::{
    AgentCleanupParams, AgentCreateParams, AgentFinalizeParams, AgentGetParams, AgentListParams,
    AgentState, AgentUpdateParams, ApprovalParams, RequestApprovalParams,
};
use tenure_core::agent::resume::{ResumeDecision, ShouldResumeParams};
use tenure_core::apps::dedup::params::{
    DedupAdmitParams, DedupAuditParams, DedupCheckParams, DedupCleaned, DedupCleanupParams,
    DedupClearParams, DedupCleared, DedupDecision, DedupListParams, DedupRegisterParams,
};
use tenure_core::apps::folders::{FileImport, ImportFileParams, ImportWantedParams};
use tenure_core::apps::hooks::{HookPreDelegateParams, HookReply, HookSubagentStopParams};
use tenure_core::apps::machines::{
    ActiveSession, ActiveSessions, ActiveSessionsParams, OrphanClaim, OrphanClaimParams,
    OrphanDone, OrphanDoneParams, OrphansParams, ProcessRegisterParams, StaleCleanup,
    StaleCleanupParams, VmMineParams, VmRegisterParams, VmUnregisterParams, VmView,
};
use tenure_core::audit::params::{
    AuditDay, AuditDayParams, AuditLogParams, AuditPage, AuditPurgeParams, AuditPurged, AuditView,
};
use tenure_core::copy::model::{
    CopyChunk, CopyCompareParams, CopyCompared, CopyPage, CopyPageParams, CopyReadParams,
    CopyWriteParams, CopyWritten,
};
use tenure_core::error::cut;
use tenure_core::lease::params::{
    LeaseAcquireParams, LeaseClearParams, LeaseCleared, LeaseGetParams, LeaseListParams,
    LeaseOutcome, LeasePage, LeaseReleaseParams, LeaseRenewParams, LeaseTransferParams, LeaseView,
};
use tenure_core::session::params::{
    AbandonParams, AddEventParams, AddEventsParams, ChangeOnly, CleanupParams,
    CleanupRecordsParams, CompleteParams, EventsParams, FailParams, ForkParams, GetParams,
    IdParams, ImportParams, IncrementIterationParams, ListParams, ManyParams, OverrideParams,
    PauseParams, PurgeParams, RecordLearningParams, RecordToolCallParams, RecordUsageParams,
    ResumeParams, SaveParams, StartParams, StatsParams, UpdateContextParams, UpdateParams,
};
use tenure_core::session::replies::{
    Appended, BulkResult, CleanupResult, EventPage, RecordsCleaned, SessionContext, SessionPage,
};
use tenure_core::session::stats::Stats;
use tenure_core::slot::params::{
    LatestSessionParams, SlotAnswer, SlotPhaseParams, SlotSession, SlotStart, SlotsParams,
    StartInSlotParams, StartInSlotsParams,
};
use tenure_core::stored::slot::SlotPhase;
use tenure_core::value::properties::Params;
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
    /// It may write to as many sessions as there are, which takes its time.
    WriteMany,
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
    #[cfg(feature = "ts")]
    pub(crate) declare: fn(&mut crate::types::Declarations),
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
            #[cfg(feature = "ts")]
            declare: |declarations| {
                use ts_rs::TypeVisitor;
                declarations.visit::<$params>();
                declarations.visit::<$result>();
            },
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
    WriteMany "cleanup" = cleanup(CleanupParams) -> CleanupResult;
    /// Removes what has run out beside sessions: runs that keep nobody away any more, and entries of the
    /// audit log that are a year old, or as old as is said. Leases that were given back stay.
    WriteMany "cleanupRecords" = cleanup_records(CleanupRecordsParams) -> RecordsCleaned;
    /// Removes for good what has been in the trash for a time, oldest first; or only says what would
    /// go. What somebody runs is spared.
    WriteMany "purge" = purge(PurgeParams) -> CleanupResult;
    /// Puts many sessions into the trash, as many as possible in one commit. What could not be done is
    /// in the answer.
    WriteMany "trashMany" = trash_many(ManyParams) -> BulkResult;
    /// Takes many sessions out of the trash, as many as possible in one commit.
    WriteMany "restoreMany" = restore_many(ManyParams) -> BulkResult;
    /// Removes many sessions for good, also those that cannot be read, as many as possible in one
    /// commit.
    WriteMany "deleteMany" = delete_many(ManyParams) -> BulkResult;
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
    WriteMany "copyWrite" = copy_write(CopyWriteParams) -> CopyWritten;
    /// Whether a file that another program has left behind can be imported, or a folder may hold
    /// such files.
    Read "importWanted" = import_wanted(ImportWantedParams) -> bool;
    /// Imports a file that another program has left behind.
    Write "importFile" = import_file(ImportFileParams) -> FileImport;
    /// Creates an agent: a session with a phase, `initializing` at first.
    Write "agentCreate" = agent_create(AgentCreateParams) -> SessionHead;
    /// Takes down what an agent says of itself, which counts as activity; `null` for an unknown id. A
    /// final phase ends its work as `agentFinalize` does.
    Write "agentUpdate" = agent_update(AgentUpdateParams) -> Option<SessionHead>;
    /// An agent as it stands, with the phases that it came through; `null` for an unknown id.
    Read "agentGet" = agent_get(AgentGetParams) -> Option<AgentState>;
    /// Ends an agent's work; `null` for an unknown id. Ending it again in the same way only fills in a
    /// summary that is missing.
    Write "agentFinalize" = agent_finalize(AgentFinalizeParams) -> Option<SessionHead>;
    /// A page of agents, newest first. A page may have few items, or none, and go on all the same.
    Read "agentList" = agent_list(AgentListParams) -> SessionPage;
    /// Whether an agent should be resumed, and why, or why not.
    Read "shouldResume" = should_resume(ShouldResumeParams) -> ResumeDecision;
    /// Puts the agents that have been idle for a time into the trash, in whatever phase they are. Those
    /// whose work has not ended are given up; those that somebody runs are spared.
    WriteMany "agentCleanup" = agent_cleanup(AgentCleanupParams) -> CleanupResult;
    /// How agents have done, beside what they should keep to. It reads their histories, to say how
    /// much they fill, unless `storage` is `false`.
    Read "agentStats" = agent_stats(AgentStatsParams) -> AgentStats;
    /// What the hook before a task is handed to an agent answers: whether the task goes on with a
    /// session, and with which.
    Write "hookPreDelegate" = hook_pre_delegate(HookPreDelegateParams) -> HookReply;
    /// What the hook after an agent has stopped answers: its work ends, by its exit code.
    Write "hookSubagentStop" = hook_subagent_stop(HookSubagentStopParams) -> HookReply;
    /// Asks for somebody's approval: the agent's session is paused in the phase `approval`.
    Write "requestApproval" = request_approval(RequestApprovalParams) -> SessionHead;
    /// Approves what an agent waits for, and resumes its session if that is paused. The phase stays
    /// until the agent enters another.
    Write "approve" = approve(ApprovalParams) -> SessionHead;
    /// Denies what an agent waits for, which ends its work as `abandoned`.
    Write "deny" = deny(ApprovalParams) -> SessionHead;
    /// Takes a lease, or holds it longer. The outcome says `acquired`, `renewed`, or `held` if it is
    /// somebody else's. A process holds for as long as it runs, any other holder until the lease runs
    /// out.
    Write "leaseAcquire" = lease_acquire(LeaseAcquireParams) -> LeaseOutcome;
    /// Holds a lease longer. The outcome says `renewed`, or `lost` if it is no longer held.
    Write "leaseRenew" = lease_renew(LeaseRenewParams) -> LeaseOutcome;
    /// Gives a lease back. The outcome says `released`, `not_held` if nobody held it, or `not_owner`
    /// if somebody else does.
    Write "leaseRelease" = lease_release(LeaseReleaseParams) -> LeaseOutcome;
    /// Hands a lease to somebody else, who has a token of its own. The outcome says `transferred`, or
    /// `lost` if it is no longer held.
    Write "leaseTransfer" = lease_transfer(LeaseTransferParams) -> LeaseOutcome;
    /// A lease as it is now; `null` where there never was one.
    Read "leaseGet" = lease_get(LeaseGetParams) -> Option<LeaseView>;
    /// A page of leases, in the order of their keys. Those that were given back are left out unless
    /// `state` asks for them.
    Read "leaseList" = lease_list(LeaseListParams) -> LeasePage;
    /// Takes leases from their holders, whoever they are. Their tokens go on growing.
    Write "leaseClear" = lease_clear(LeaseClearParams) -> LeaseCleared;
    /// Registers the calling process, or says that it still runs; so does the machine that it owns.
    Write "processRegister" = process_register(ProcessRegisterParams) -> ActiveSession;
    /// Makes the calling process the owner of a virtual machine: `false` if it owns another one, or if
    /// somebody else owns this one. For the one that it owns, what is said about it is replaced.
    Write "vmRegister" = vm_register(VmRegisterParams) -> bool;
    /// The virtual machine that the calling process owns, or `null`.
    Read "vmMine" = vm_mine(VmMineParams) -> Option<VmView>;
    /// Gives up the virtual machine that the calling process owns: `false` if there is none, or
    /// another than the one that is named.
    Write "vmUnregister" = vm_unregister(VmUnregisterParams) -> bool;
    /// The sessions that run, by their ids, with and without virtual machines. Those that have ended
    /// are left out.
    Read "activeSessions" = active_sessions(ActiveSessionsParams) -> ActiveSessions;
    /// Removes the registrations of processes that have ended. Their virtual machines are orphans
    /// until somebody has seen to them.
    Write "staleCleanup" = stale_cleanup(StaleCleanupParams) -> StaleCleanup;
    /// The virtual machines whose owners have ended, also those that somebody is just seeing to.
    Read "orphans" = orphans(OrphansParams) -> Vec<VmView>;
    /// Gives an orphan to the caller, who sees to it, and to nobody else until `orphanDone`. If the
    /// caller ends before, it is an orphan again.
    Write "orphanClaim" = orphan_claim(OrphanClaimParams) -> OrphanClaim;
    /// Ends a claim: with success nobody owns the machine any more, otherwise it is an orphan again.
    Write "orphanDone" = orphan_done(OrphanDoneParams) -> OrphanDone;
    /// Whether a run would be one too many now: the same is under way or was a short time ago, or a
    /// pull request has run its commit. Nothing is written; `dedupAdmit` lets nobody in between.
    Read "dedupCheck" = dedup_check(DedupCheckParams) -> DedupDecision;
    /// Registers a run that was checked, unless it has become one too many meanwhile. That of a pull
    /// request locks its commit for pushes. Registering it again changes nothing.
    Write "dedupRegister" = dedup_register(DedupRegisterParams) -> DedupDecision;
    /// Checks a run and registers it, in one step: of all that ask for one key at once, one is to run.
    /// It keeps the others away until `dedupCleanup` or the time `keep`, and at least for its window.
    Write "dedupAdmit" = dedup_admit(DedupAdmitParams) -> DedupDecision;
    /// Says that a run has ended. It keeps others away until the end of its window, and no longer. The
    /// outcome says `not_owner` if the run is another's, which it leaves alone.
    Write "dedupCleanup" = dedup_cleanup(DedupCleanupParams) -> DedupCleaned;
    /// Enters into the audit log how a run went, whether it did its work or was one too many.
    Write "dedupAudit" = dedup_audit(DedupAuditParams) -> AuditView;
    /// A page of the runs that keep others away and of the locks of commits, in the order of their keys.
    Read "dedupList" = dedup_list(DedupListParams) -> LeasePage;
    /// Forgets runs and the locks of commits, whoever's they are, or only those that have run out.
    Write "dedupClear" = dedup_clear(DedupClearParams) -> DedupCleared;
    /// A page of the audit log, oldest first: decisions about agents and runs, and what was cleaned up.
    Read "auditLog" = audit_log(AuditLogParams) -> AuditPage;
    /// A page of the runs of a day in UTC, each with the nine members of the daily audit files.
    Read "auditDay" = audit_day(AuditDayParams) -> AuditDay;
    /// Removes what has reached an age from the audit log.
    WriteMany "auditPurge" = audit_purge(AuditPurgeParams) -> AuditPurged;
    /// Starts a session in a slot, which a task has for each phase and which holds one session outside
    /// of the trash. The outcome says `created`; `existing` if one with this model is there;
    /// `needs_confirmation`, `replaced` or `rejected` if one with another model is; `busy` if somebody
    /// else is changing it. What has failed, timed out or was given up is replaced without asking.
    Write "startInSlot" = start_in_slot(StartInSlotParams) -> SlotStart;
    /// Starts sessions in slots, 100 at most, as many as possible in one commit. Each answer is what
    /// `startInSlot` would have answered for it alone, in the order of the call, or `failed` with the
    /// code of an error.
    WriteMany "startInSlots" = start_in_slots(StartInSlotsParams) -> Vec<SlotAnswer>;
    /// The session in a slot, and whether its model is missing; `null` if the slot is free.
    Read "latestSession" = latest_session(LatestSessionParams) -> Option<SlotSession>;
    /// The sessions in the slots of tasks, by task and phase.
    Read "slots" = slots(SlotsParams) -> Vec<SlotSession>;
    /// The phase of a slot that a session's title names before its colon; `null` if it names none.
    Read "slotPhase" = slot_phase(SlotPhaseParams) -> Option<SlotPhase>;
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
