//! The job of retention: at intervals it moves sessions of an age to the trash, purges the trash, and
//! removes expired records. With an archive, a session is archived before it is purged. A failed pass
//! is repeated after one, five and fifteen minutes and up to a quarter more, at random, so that processes
//! that failed together do not meet again.

use serde::Serialize;

use tenure_core::session::cleanup::CLEANUP;
use tenure_core::session::params::{CleanupParams, CleanupRecordsParams};
use tenure_core::session::replies::RecordsCleaned;
use tenure_core::session::retention::RetentionParams;
use tenure_core::value::time::Millis;
use tenure_core::work::job::{JobContext, JobResult, Side};

use super::purge::{NotPurged, PurgeResult, Purging};
use super::records::CLEANUP_RECORDS;

/// The maximum delay of the first pass, so that it also happens in processes that restart often.
const MAX_FIRST_DELAY: Millis = Millis(60_000);
/// The delays of the retries after a failed pass.
const RETRY_DELAYS: [Millis; 3] = [Millis(60_000), Millis(5 * 60_000), Millis(15 * 60_000)];
/// The part of such a delay that is added to it at most.
const JITTER: u64 = 4;
/// The maximum number of failures that a pass lists.
const MAX_LISTED: usize = 1000;

/// The result of a pass of retention, and whether it is retried.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct RetentionProgress {
    /// The duration of the pass, in milliseconds.
    pub duration_ms: u64,
    /// The number of operations that looked for sessions.
    pub batches: u64,
    /// The number of sessions that were moved to the trash or purged.
    pub removed: u64,
    /// Sessions that could not be removed, with the reason; at most 1,000.
    pub failed: Vec<NotPurged>,
    /// The code of the error that ended the pass early; `null` if it completed.
    #[cfg_attr(feature = "ts", ts(type = "CoreErrorCode | DriverErrorCode | null"))]
    pub error: Option<String>,
    /// Whether the pass failed and will not be retried before the next interval.
    pub is_final_failure: bool,
}

tenure_core::jobs! {
    /// Runs passes of retention at intervals, until its driver stops it. Each pass is reported as
    /// progress.
    RETENTION = "retention" (RetentionParams) -> (), run,
        r#"{"maxAgeMs":1000,"everyMs":1000,"purgeAfterMs":1000,"keepAuditMs":1000,"archive":true}"#;
}

async fn run(context: JobContext, params: RetentionParams) -> JobResult<()> {
    let every = Millis(params.every_ms);
    let mut delay = every.min(MAX_FIRST_DELAY);
    let mut failures = 0;
    loop {
        context.sleep(delay).await?;
        let mut pass = RetentionProgress::default();
        let began = context.elapsed();
        if let Err(error) = perform(&context, &params, &mut pass).await {
            pass.error = Some(error.code().to_owned());
        }
        pass.duration_ms = context.elapsed().0.saturating_sub(began.0);
        let has_failed = pass.error.is_some() || !pass.failed.is_empty();
        let retry = RETRY_DELAYS.get(failures).filter(|_| has_failed);
        pass.is_final_failure = has_failed && retry.is_none();
        delay = match retry {
            Some(&Millis(delay)) => {
                failures += 1;
                every.min(Millis(delay + context.random(delay / JITTER)))
            }
            None => {
                failures = 0;
                every
            }
        };
        context.progress(pass).await?;
    }
}

/// Performs the operations of a pass.
async fn perform(
    context: &JobContext,
    params: &RetentionParams,
    pass: &mut RetentionProgress,
) -> JobResult<()> {
    let cleanup = CleanupParams {
        max_age: Millis(params.max_age_ms),
        ..CleanupParams::default()
    };
    pass.add(context.run(Side::Target, &CLEANUP, cleanup).await?, 1);
    let purge_after = Millis(params.purge_after_ms);
    let archives = params.archive.unwrap_or(false);
    let mut purging = Purging::new(context.clone(), purge_after, archives);
    let purged = purging.all(None, None).await;
    pass.add(purging.result, purging.pages);
    purged?;
    let records = CleanupRecordsParams {
        keep_audit: Some(Millis(params.keep_audit_ms)),
        ..CleanupRecordsParams::default()
    };
    let _: RecordsCleaned = context.run(Side::Target, &CLEANUP_RECORDS, records).await?;
    Ok(())
}

impl RetentionProgress {
    fn add(&mut self, result: PurgeResult, batches: u64) {
        self.batches += batches;
        self.removed += result.removed;
        let room = MAX_LISTED.saturating_sub(self.failed.len());
        self.failed.extend(result.failed.into_iter().take(room));
    }
}
