//! Writes the TypeScript declarations of all operations and of all types that cross: the file
//! `npm/src/generated.ts`.

use std::fmt::Write;

use tenure_core::Error;
use tenure_core::slot::failure;
use tenure_core::{agent, analytics, audit, dedup, hook, phase, resume};
use tenure_core::{
    answers, copy, event, filter, layout, lifecycle, limits, params, retention, session, stats,
};
use tenure_core::{lease, ownership, process, slot, store, webhook};
use ts_rs::{Config, TS};

use crate::operations::{Access, OPERATIONS};

/// The whole file.
pub fn typescript() -> String {
    let config = Config::new().with_large_int("number");
    let mut out = String::from(
        "// Generated from the table of operations: `npm run build -- types` writes it. Do not edit.\n\n\
         import type { EventType, JsonObject, Overrides, SessionMetadata } from \"./types.js\";\n\n",
    );
    macro_rules! declare {
        ($($type:ty),* $(,)?) => {
            $(declare::<$type>(&mut out, &config);)*
        };
    }
    declare!(
        lifecycle::Status,
        phase::Phase,
        agent::LastError,
        slot::SlotPhase,
        slot::SlotView,
        slot::model::ModelSpec,
        slot::model::ModelChange,
        slot::decision::OnModelChange,
        slot::decision::ReplaceReason,
        slot::calls::SlotLocking,
        slot::calls::StartInSlotParams,
        slot::calls::StartInSlotsParams,
        slot::calls::SlotFailure,
        slot::calls::SlotAnswer,
        slot::calls::SlotConfirmation,
        slot::calls::SlotOutcome,
        slot::calls::SlotCode,
        slot::calls::SlotStart,
        slot::calls::SlotCancelled,
        slot::calls::LatestSessionParams,
        slot::calls::SlotsParams,
        slot::calls::SlotSession,
        slot::calls::SlotPhaseParams,
        session::SessionHead,
        session::Session,
        event::SessionEvent,
        event::NewEvent,
        answers::Appended,
        answers::SessionContext,
        answers::EventPage,
        answers::SessionPage,
        answers::CleanupResult,
        store::Problem,
        stats::Stats,
        stats::StatusCounts,
        stats::UsageTotals,
        stats::TokenCounts,
        webhook::WebhookEvent,
        webhook::WebhookPayload,
        webhook::WebhookSession,
        limits::Limits,
        filter::Trash,
        filter::OrderBy,
        filter::Direction,
        retention::Measure,
        params::StartParams,
        params::IdParams,
        params::GetParams,
        params::UpdateParams,
        params::ChangeOnly,
        params::PauseParams,
        params::ResumeParams,
        params::CompleteParams,
        params::FailParams,
        params::AbandonParams,
        params::AddEventParams,
        params::AddEventsParams,
        params::IncrementIterationParams,
        params::RecordToolCallParams,
        params::RecordLearningParams,
        params::RecordUsageParams,
        params::TokensParam,
        params::UpdateContextParams,
        params::EventsParams,
        params::ListParams,
        params::StatsParams,
        params::CleanupParams,
        params::PurgeParams,
        params::CleanupRecordsParams,
        answers::RecordsCleaned,
        params::ManyParams,
        answers::Refusal,
        answers::BulkResult,
        params::ImportParams,
        params::OverrideParams,
        params::SaveParams,
        params::ForkParams,
        copy::CopyPageParams,
        copy::CopyCompareParams,
        copy::CopyReadParams,
        copy::CopyWriteParams,
        copy::CopyPage,
        copy::CopyCompared,
        copy::CopyChunk,
        copy::CopyWritten,
        copy::CopyDifference,
        copy::Difference,
        layout::ImportWantedParams,
        layout::ImportFileParams,
        layout::FileImport,
        layout::FileProblem,
        layout::Holds,
        agent::calls::AgentCreateParams,
        agent::calls::AgentUpdateParams,
        agent::calls::AgentGetParams,
        agent::calls::AgentFinalizeParams,
        agent::calls::AgentListParams,
        agent::calls::AgentState,
        agent::calls::PhaseChange,
        agent::calls::RequestApprovalParams,
        agent::calls::ApprovalParams,
        agent::calls::AgentCleanupParams,
        analytics::AgentStatsParams,
        analytics::AgentStats,
        analytics::PhaseCounts,
        analytics::Metric,
        analytics::Wanted,
        hook::HookPreDelegateParams,
        hook::HookSubagentStopParams,
        hook::HookReply,
        resume::ShouldResumeParams,
        resume::ResumeDecision,
        resume::ResumeReason,
        resume::ResumeDetails,
        process::Process,
        lease::State,
        lease::decision::Outcome,
        lease::calls::LeaseAcquireParams,
        lease::calls::LeaseRenewParams,
        lease::calls::LeaseReleaseParams,
        lease::calls::LeaseTransferParams,
        lease::calls::LeaseGetParams,
        lease::calls::LeaseListParams,
        lease::calls::LeaseClearParams,
        lease::calls::LeaseView,
        lease::calls::LeaseOutcome,
        lease::calls::LeasePage,
        lease::calls::LeaseCleared,
        ownership::ProcessRegisterParams,
        ownership::VmRegisterParams,
        ownership::VmMineParams,
        ownership::VmUnregisterParams,
        ownership::ActiveSessionsParams,
        ownership::StaleCleanupParams,
        ownership::OrphansParams,
        ownership::OrphanClaimParams,
        ownership::OrphanDoneParams,
        ownership::VmStatus,
        ownership::VmView,
        ownership::ActiveSession,
        ownership::StaleCleanup,
        ownership::ClaimOutcome,
        ownership::OrphanClaim,
        ownership::OrphanOutcome,
        ownership::OrphanDone,
        dedup::Reason,
        dedup::calls::DedupCheckParams,
        dedup::calls::DedupRegisterParams,
        dedup::calls::DedupAdmitParams,
        dedup::calls::DedupDecision,
        dedup::calls::DedupCleanupParams,
        dedup::calls::DedupCleaned,
        dedup::calls::DedupAuditParams,
        dedup::calls::DedupListParams,
        dedup::calls::DedupClearParams,
        dedup::calls::DedupCleared,
        audit::calls::AuditLogParams,
        audit::calls::AuditView,
        audit::calls::AuditPage,
        audit::calls::AuditDayParams,
        audit::calls::AuditRun,
        audit::calls::AuditDay,
        audit::calls::AuditPurgeParams,
        audit::calls::AuditPurged,
        session::Head,
        session::Usage,
        agent::Agent,
        agent::StoredError,
        slot::Slot,
        event::Event,
        store::Capabilities,
        store::History,
        store::Loaded,
        store::Changes,
        store::SessionChange,
        store::SessionWrite,
        store::Expect,
        store::Record,
        store::RecordChange,
        store::Commit,
        store::ListQuery,
        store::Page,
        store::Scan,
        filter::Filter,
        filter::Order,
        filter::Position,
    );
    error_codes(&mut out);
    failure_messages(&mut out);
    operations(&mut out, &config);
    out
}

fn declare<T: TS>(out: &mut String, config: &Config) {
    if let Some(docs) = T::docs() {
        out.push_str(&docs);
    }
    push(out, format_args!("export {}\n\n", T::decl(config)));
}

fn error_codes(out: &mut String) {
    out.push_str("/** The codes of errors that the core and its stores report. */\nexport type CoreErrorCode =\n");
    for code in Error::CODES {
        push(out, format_args!("  | \"{code}\"\n"));
    }
    out.push_str(";\n\n");
}

/// The words for errors about slots: whoever cannot open a store has nobody to ask for them.
fn failure_messages(out: &mut String) {
    out.push_str(
        "/** What people are told of errors about slots, by the errors' codes. */\n\
         export const FAILURE_MESSAGES: ReadonlyMap<string, string> = new Map([\n",
    );
    for (code, message) in failure::MESSAGES {
        push(out, format_args!("  [\"{code}\", {message:?}],\n"));
    }
    push(
        out,
        format_args!(
            "]);\n\n/** What people are told of any other error. */\n\
             export const UNEXPECTED_FAILURE = {:?};\n\n",
            failure::UNEXPECTED
        ),
    );
}

fn operations(out: &mut String, config: &Config) {
    out.push_str("/** Every operation: what it takes and what it answers. */\nexport interface Operations {\n");
    for operation in OPERATIONS {
        let doc: Vec<&str> = operation.doc.lines().map(str::trim).collect();
        push(
            out,
            format_args!(
                "  /** {} */\n  {}: {{ params: {}; result: {} }};\n",
                doc.join(" "),
                operation.name,
                (operation.params)(config),
                (operation.result)(config),
            ),
        );
    }
    out.push_str(
        "}\n\n/** Whether an operation only reads or may write. */\nexport const OPERATIONS = {\n",
    );
    for operation in OPERATIONS {
        let access = match operation.access {
            Access::Read => "read",
            Access::Write | Access::WriteMany => "write",
        };
        push(out, format_args!("  {}: \"{access}\",\n", operation.name));
    }
    out.push_str("} as const satisfies Record<keyof Operations, \"read\" | \"write\">;\n");
}

fn push(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string does not fail.
    let _ = out.write_fmt(text);
}
