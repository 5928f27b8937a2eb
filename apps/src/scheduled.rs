//! The job that cleans up at a schedule, with an archive or without one. It claims each run, so
//! that one of many instances runs it, retries what fails, leaves what fails for good to the dead letters, and reports each run in the audit log.

use std::mem::take;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use serde::Serialize;

use tenure_core::declare_params;
use tenure_core::session::cleanup::CLEANUP;
use tenure_core::session::params::{CleanupParams, CleanupRecordsParams};
use tenure_core::session::replies::RecordsCleaned;
use tenure_core::session::retention::KEEP_AUDIT;
use tenure_core::work::job::{JobContext, JobError, JobResult, Side};
use tenure_core::{Error, Json, Millis, Result, SessionId, Text, Timestamp};

use crate::jobs::operations::{DEAD_LETTER_ADD, JOB_CLAIM, JOB_END, checked};
use crate::jobs::params::{
    ClaimOutcome, DeadLetterAddParams, DeadLettersAdded, JobClaim, JobClaimParams, JobEndParams,
};
use crate::jobs::run::{JobAlert, JobRetry, JobWait, RunOfJob};
use crate::jobs::schedule::{RETRY_DELAYS, Schedule, retry_after};
use crate::retention::purge::{NotPurged, PurgeResult, Purging, UNREADABLE};
use crate::retention::records::CLEANUP_RECORDS;

/// The sessions of a batch, by default and at most.
const BATCH: u32 = 1000;
/// The part of a batch that is the batch of a run whose process was killed at the attempt before.
const RESUMED: u32 = 16;
/// How long archived sessions are kept by default: 365 days.
const KEEP_ARCHIVE: Millis = Millis(365 * 24 * 3_600_000);
/// The duration of a run from which it is slow, by default: 6 hours.
const SLOW_AFTER: Millis = Millis(6 * 3_600_000);
/// The share of sessions with errors above which an alert is given, by default, in percent.
const ALERT_ERRORS: u32 = 5;
/// How long to wait before the next claim at most. A host may sleep meanwhile, and clocks are set.
const MOST_WAIT: Millis = Millis(5 * 60_000);
/// How long to wait after a claim that failed.
const FAILED_WAIT: Millis = Millis(60_000);
/// The greatest number of unreadable sessions in a report.
const MAX_UNREADABLE: usize = 100;
/// An age that no session has.
const UNREACHED: Millis = Millis(1 << 52);
/// The part of a delay that is added to it at most.
const JITTER: u64 = 4;

declare_params! {
    /// A job, its schedule and its limits.
    pub struct ScheduledParams {
        /// The name of the job.
        pub job: Text,
        /// When it runs: a time of day in UTC, which is `"03:00"` by default, or a cron expression of five fields, in UTC.
        pub at: Option<Text>,
        /// Run once, now, and end; `false` by default.
        pub once: Option<bool>,
        /// The age at which sessions move to the trash, unless they are active or paused; by default none do.
        pub max_age: Option<Millis>,
        /// The time after which sessions in the trash are removed; `maxAge` by default.
        pub purge_after: Option<Millis>,
        /// How long entries of the audit log are kept; `"365d"` by default.
        pub keep_audit: Option<Millis>,
        /// Archive each session before it is removed; `false` by default.
        pub archive: Option<bool>,
        /// How long archived sessions are kept; `"365d"` by default.
        pub keep_archive: Option<Millis>,
        /// The sessions of a batch: 1 to 1,000, which is the default.
        pub batch: Option<u32>,
        /// The share of the time in which the job may work, in percent; 100 by default.
        pub cpu_percent: Option<u32>,
        /// The duration of a run from which an alert is given; `"6h"` by default.
        pub slow_after: Option<Millis>,
        /// The share of errors above which an alert is given, in percent; 5 by default.
        pub alert_errors: Option<u32>,
    }
}

impl ScheduledParams {
    /// Refuses what no run could do.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`.
    pub fn check(&self) -> Result<()> {
        checked(&self.job)?;
        Schedule::of(self.at.as_ref())?;
        if self.max_age.or(self.purge_after).is_none() {
            let problem = "expected an age, here or in `purgeAfter`";
            return Err(Error::invalid("maxAge", problem));
        }
        if self.keep_archive.is_some() && self.archive != Some(true) {
            let problem = "possible only with an archive";
            return Err(Error::invalid("keepArchive", problem));
        }
        for (name, value, least, most) in [
            ("batch", self.batch, 1, BATCH),
            ("cpuPercent", self.cpu_percent, 1, 100),
            ("alertErrors", self.alert_errors, 0, 100),
        ] {
            if value.is_some_and(|value| !(least..=most).contains(&value)) {
                return Err(Error::invalid(name, format!("expected {least} to {most}")));
            }
        }
        Ok(())
    }
}

/// The report of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct JobReport {
    /// The job.
    pub job: Text,
    /// `done`, `failed`, `stopped`, `lost` (another instance has the lease), `held` (another instance runs it) or `waits`.
    pub outcome: &'static str,
    /// The holder of the lease, if another instance runs the job.
    pub holder: Option<String>,
    /// The occurrence of the schedule.
    pub scheduled_at: Option<Timestamp>,
    /// The number of occurrences before it that were not run.
    pub missed: u32,
    /// Whether it began later than 5 minutes after its time.
    pub is_late: bool,
    /// Whether the process of the attempt before has ended while it ran.
    pub resumes: bool,
    /// The attempt, from 1.
    pub attempt: u32,
    /// The number of sessions that were looked at. One that is moved to the trash and removed by the same run counts twice.
    pub sessions: u64,
    /// The number of sessions that were moved to the trash.
    pub trashed: u64,
    /// The number of sessions that were archived and verified.
    pub archived: u64,
    /// The number of sessions that were removed.
    pub removed: u64,
    /// The number of sessions that could not be processed.
    pub errors: u64,
    /// The first 100 of these that cannot be read, with what is wrong. A run does not try them again.
    pub unreadable: Vec<NotPurged>,
    /// The number of these that became dead letters.
    pub dead_letters: u64,
    /// The number of sessions that were left alone, because they are dead letters of earlier runs.
    pub left_alone: u64,
    /// The number of sessions that were removed from the archive.
    pub thinned: u64,
    /// The size of what was archived, in bytes.
    pub bytes: u64,
    /// The duration of the run, in milliseconds.
    pub duration_ms: u64,
    /// The code and the message of the error that ended it.
    pub error: Option<String>,
}

tenure_core::jobs! {
    /// Runs a job at its schedule, until its driver stops it, or once.
    SCHEDULED = "scheduled" (ScheduledParams) -> JobReport, scheduled,
        r#"{"job":"archive","at":"0 3 * * *","once":true,"maxAge":"30d","purgeAfter":"30d","keepAudit":"365d","archive":true,"keepArchive":"365d","batch":1000,"cpuPercent":50,"slowAfter":"6h","alertErrors":5}"#;
}

async fn scheduled(context: JobContext, params: ScheduledParams) -> JobResult<JobReport> {
    let once = params.once.unwrap_or(false);
    // It is said once that the job waits, and again after a run.
    let mut says_wait = true;
    loop {
        let claim = JobClaimParams {
            job: params.job.clone(),
            at: params.at.clone(),
            now: Some(once),
        };
        let claim: JobClaim = match context.run(Side::Target, &JOB_CLAIM, claim).await {
            Ok(claim) => claim,
            // Invalid parameters stay invalid.
            Err(error) if once || error.code() == "INVALID_ARGUMENT" || is_stopped(&error) => {
                return Err(error);
            }
            Err(_) => {
                context.sleep(FAILED_WAIT).await?;
                continue;
            }
        };
        let report = match claim.outcome {
            ClaimOutcome::Run => attempt(&context, &params, &claim).await?,
            outcome => JobReport {
                job: params.job.clone(),
                outcome: if outcome == ClaimOutcome::Held {
                    "held"
                } else {
                    "waits"
                },
                holder: claim.holder.clone(),
                ..JobReport::default()
            },
        };
        if once {
            return Ok(report);
        }
        if claim.outcome != ClaimOutcome::Run {
            if claim.attempt > 0 {
                let attempts = claim.attempt;
                let alert = JobAlert {
                    job: params.job.clone(),
                    reason: "failed",
                    message: format!(
                        "the run was abandoned: the processes of its {attempts} attempts have ended"
                    ),
                };
                context.progress(alert).await?;
            }
            if says_wait {
                let wait = JobWait {
                    wait_ms: claim.wait_ms,
                    is_held: claim.outcome == ClaimOutcome::Held,
                };
                context.progress(wait).await?;
            }
            says_wait = false;
            context.sleep(Millis(claim.wait_ms).min(MOST_WAIT)).await?;
        } else {
            context.progress(report).await?;
            says_wait = true;
        }
    }
}

/// Whether the driver has stopped the job, or the user has.
fn is_stopped(error: &JobError) -> bool {
    matches!(error.code(), "ABORTED" | "CLOSED" | "STOPPED")
}

/// One attempt of a run: the work, its report, and an alert where one is due.
async fn attempt(
    context: &JobContext,
    params: &ScheduledParams,
    claim: &JobClaim,
) -> JobResult<JobReport> {
    let began = context.elapsed();
    let slow_after = params.slow_after.unwrap_or(SLOW_AFTER);
    let batch = params.batch.unwrap_or(BATCH).clamp(1, BATCH);
    let run = RunOfJob {
        job: params.job.clone(),
        holder: claim.holder.as_deref().map(Text::from),
        token: claim.token.unwrap_or_default(),
        batch: match claim.resumes {
            // It may be killed as soon as the attempt before.
            true => batch.div_ceil(RESUMED),
            false => batch,
        },
        cpu_percent: params.cpu_percent.unwrap_or(100),
        began,
        slow_after,
        is_reported_slow: Arc::default(),
        renewed: Arc::new(AtomicU64::new(began.0)),
    };
    let mut report = JobReport {
        job: params.job.clone(),
        scheduled_at: claim.scheduled_at,
        missed: claim.missed,
        is_late: claim.is_late,
        resumes: claim.resumes,
        attempt: claim.attempt,
        ..JobReport::default()
    };
    let worked = retention(context, params, &run, &mut report).await;
    report.unreadable.truncate(MAX_UNREADABLE);
    report.duration_ms = context.elapsed().0.saturating_sub(began.0);
    report.outcome = match &worked {
        Ok(()) => "done",
        Err(error) if error.code() == "LEASE_LOST" => "lost",
        Err(error) if is_stopped(error) => "stopped",
        Err(_) => "failed",
    };
    report.error = worked
        .as_ref()
        .err()
        .map(|error| format!("{}: {error}", error.code()));
    if report.outcome == "lost" {
        // The instance that has the lease reports.
        return Ok(report);
    }
    let once = params.once.unwrap_or(false);
    let is_stopped = report.outcome == "stopped";
    let retry = match is_stopped {
        // Another instance goes on with it.
        true => Some(Millis(0)),
        false => retry_after(claim.attempt).filter(|_| worked.is_err() && !once),
    };
    let end = JobEndParams {
        job: params.job.clone(),
        token: run.token,
        report: Json::of(&report),
        retry_after_ms: retry.map(|Millis(delay)| delay + context.random(delay / JITTER)),
        stopped: Some(is_stopped),
    };
    context.run::<_, _, ()>(Side::Target, &JOB_END, end).await?;
    if let Err(error) = worked
        && is_stopped
    {
        return Err(error);
    }
    if let Some(alert) = alert_of(params, &report, retry.is_some()) {
        context.progress(alert).await?;
    }
    Ok(report)
}

/// The alert that a report gives cause for.
fn alert_of(params: &ScheduledParams, report: &JobReport, is_retried: bool) -> Option<JobAlert> {
    let alert = |reason, message| JobAlert {
        job: report.job.clone(),
        reason,
        message,
    };
    if report.outcome == "failed" && !is_retried {
        let error = report.error.as_deref().unwrap_or_default();
        return Some(alert(
            "failed",
            format!("the run has failed at attempt {}: {error}", report.attempt),
        ));
    }
    let most = u64::from(params.alert_errors.unwrap_or(ALERT_ERRORS));
    (report.errors * 100 > report.sessions * most).then(|| {
        let JobReport {
            errors, sessions, ..
        } = report;
        alert(
            "errors",
            format!("{errors} of {sessions} sessions could not be processed"),
        )
    })
}

async fn retention(
    context: &JobContext,
    params: &ScheduledParams,
    run: &RunOfJob,
    report: &mut JobReport,
) -> JobResult<()> {
    if let Some(max_age) = params.max_age {
        let cleanup = CleanupParams {
            max_age,
            ..CleanupParams::default()
        };
        let trashed: PurgeResult = context.run(Side::Target, &CLEANUP, cleanup).await?;
        report.trashed = trashed.removed;
        report.sessions += trashed.removed + trashed.failed.len() as u64;
        report.errors += trashed.failed.len() as u64;
        let failed = trashed.failed.into_iter();
        let unreadable = failed.filter(|failed| failed.code == UNREADABLE);
        report.unreadable = unreadable.collect();
    }
    let archives = params.archive.unwrap_or(false);
    if let Some(after) = params.purge_after.or(params.max_age) {
        run.renew(context).await?;
        if archives {
            // Nothing was exported: this fails for an archive that cannot be opened, before anything is.
            context.verify().await?;
        }
        let mut purging = Purging::new(context.clone(), after, archives).of_run(run.clone());
        let purged = purging.all(None, None).await;
        let mut failed = add(report, &purging);
        let unreadable = add_unreadable(report, take(&mut purging.unreadable));
        purged?;
        let due = known_in_trash(context, unreadable).await?;
        bury(context, run, due, 1, report).await?;
        for Millis(delay) in RETRY_DELAYS {
            if failed.is_empty() {
                break;
            }
            let delay = Millis(delay + context.random(delay / JITTER));
            if let Some(NotPurged { id, code, message }) = failed.first() {
                let retry = JobRetry {
                    sessions: failed.len() as u64,
                    after_ms: delay.0,
                    id: id.clone(),
                    code: code.clone(),
                    message: message.clone(),
                };
                context.progress(retry).await?;
            }
            rest(context, run, delay).await?;
            let ids: Vec<Text> = failed
                .iter()
                .map(|failed| failed.id.as_str().into())
                .collect();
            let mut purging = Purging::new(context.clone(), after, archives).of_run(run.clone());
            let purged = purging.named(&ids).await;
            failed = add(report, &purging);
            purged?;
        }
        report.errors += failed.len() as u64;
        report.sessions += failed.len() as u64;
        let attempts = RETRY_DELAYS.len() as u32 + 1;
        bury(context, run, failed, attempts, report).await?;
    }
    if archives {
        run.renew(context).await?;
        let age = params.keep_archive.unwrap_or(KEEP_ARCHIVE);
        report.thinned = context.thin(age).await?;
    }
    let records = CleanupRecordsParams {
        keep_audit: Some(params.keep_audit.unwrap_or(KEEP_AUDIT)),
        ..CleanupRecordsParams::default()
    };
    let _: RecordsCleaned = context.run(Side::Target, &CLEANUP_RECORDS, records).await?;
    Ok(())
}

/// Adds what a purge has done. Returns the sessions that failed, of which those that have just changed are not due.
fn add(report: &mut JobReport, purging: &Purging) -> Vec<NotPurged> {
    let result = &purging.result;
    report.removed += result.removed;
    report.sessions += result.removed;
    report.archived += purging.archived;
    report.bytes += purging.bytes;
    report.left_alone += purging.left_alone;
    let is_due =
        |failed: &&NotPurged| !matches!(failed.code.as_str(), "VERSION_CONFLICT" | "SESSION_HELD");
    result.failed.iter().filter(is_due).cloned().collect()
}

/// Adds the sessions that a purge could not read. Returns those that the report does not have yet: a store that cannot tell whether such a session
/// is due names it as one that is to move to the trash, too.
fn add_unreadable(report: &mut JobReport, mut unreadable: Vec<NotPurged>) -> Vec<NotPurged> {
    unreadable.retain(|one| report.unreadable.iter().all(|known| known.id != one.id));
    report.sessions += unreadable.len() as u64;
    report.errors += unreadable.len() as u64;
    report.unreadable.extend(unreadable.iter().cloned());
    unreadable
}

/// Those of some unreadable sessions of which the store can tell that they are in the trash. The time for which they have been there is not known. A store that
/// names them among sessions of an age that none has cannot tell.
async fn known_in_trash(
    context: &JobContext,
    mut unreadable: Vec<NotPurged>,
) -> JobResult<Vec<NotPurged>> {
    unreadable.retain(|one| SessionId::parse(&one.id).is_ok());
    if unreadable.is_empty() {
        return Ok(unreadable);
    }
    let none = CleanupParams {
        max_age: UNREACHED,
        dry_run: Some(true),
        ..CleanupParams::default()
    };
    let unknown: PurgeResult = context.run(Side::Target, &CLEANUP, none).await?;
    unreadable.retain(|one| unknown.failed.iter().all(|other| other.id != one.id));
    Ok(unreadable)
}

/// Waits, and keeps the lease meanwhile.
async fn rest(context: &JobContext, run: &RunOfJob, time: Millis) -> JobResult<()> {
    const PIECE: Millis = Millis(60_000);
    let mut left = time;
    while left.0 > 0 {
        let piece = left.min(PIECE);
        context.sleep(piece).await?;
        run.renew(context).await?;
        left = Millis(left.0 - piece.0);
    }
    Ok(())
}

/// Makes dead letters of the sessions that failed at each of so many attempts.
async fn bury(
    context: &JobContext,
    run: &RunOfJob,
    failed: Vec<NotPurged>,
    attempts: u32,
    report: &mut JobReport,
) -> JobResult<()> {
    if failed.is_empty() {
        return Ok(());
    }
    let mut letters = DeadLetterAddParams {
        job: run.job.clone(),
        attempts,
        ..DeadLetterAddParams::default()
    };
    for NotPurged { id, code, message } in failed {
        letters.ids.push(id.as_str().into());
        letters.codes.push(code.as_str().into());
        letters.messages.push(message.as_str().into());
    }
    let added: DeadLettersAdded = context.run(Side::Target, &DEAD_LETTER_ADD, letters).await?;
    report.dead_letters += added.added;
    Ok(())
}
