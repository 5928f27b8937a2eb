//! What a run of a job observes while it works: its lease, its share of the time, its dead letters, and how long it takes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use serde::Serialize;

use tenure_core::error::Cause;
use tenure_core::lease::operations::LEASE_RENEW;
use tenure_core::lease::params::LeaseRenewParams;
use tenure_core::lease::renewal::Renewed;
use tenure_core::work::job::{JobContext, JobResult, Side};
use tenure_core::{Millis, Text};

use super::operations::{DEAD_LETTER_AMONG, lease_key};
use super::params::{DeadLetterAmongParams, DeadLettersAmong};

/// How often the lease is renewed.
const RENEWAL: Millis = Millis(60_000);
/// The longest rest after one step.
const MOST_REST: Millis = Millis(60_000);

/// A run of a job.
#[derive(Debug, Clone)]
pub(crate) struct RunOfJob {
    pub(crate) job: Text,
    /// The holder and the fencing token of its lease.
    pub(crate) holder: Option<Text>,
    pub(crate) token: u64,
    /// The sessions of a batch.
    pub(crate) batch: u32,
    /// The share of the time in which it may work, in percent.
    pub(crate) cpu_percent: u32,
    /// When it began, on the clock of the job.
    pub(crate) began: Millis,
    /// The time after which it is slow.
    pub(crate) slow_after: Millis,
    pub(crate) is_reported_slow: Arc<AtomicBool>,
    /// When its lease was renewed last, on the clock of the job.
    pub(crate) renewed: Arc<AtomicU64>,
}

/// Something that a person should know of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct JobAlert {
    /// The job.
    pub job: Text,
    /// `slow`: the run takes longer than it should; `errors`: too many sessions could not be processed; `failed`: no attempt has succeeded.
    pub reason: &'static str,
    /// The details, as a sentence.
    pub message: String,
}

/// A job that waits for its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct JobWait {
    /// The time until then, in milliseconds.
    pub wait_ms: u64,
    /// Whether another instance runs it.
    pub is_held: bool,
}

/// Sessions that could not be processed, and are tried again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct JobRetry {
    /// The number of sessions.
    pub sessions: u64,
    /// The time until then, in milliseconds.
    pub after_ms: u64,
    /// The id of the first of them.
    pub id: String,
    /// The code of the error of the first of them.
    pub code: String,
    /// The message of that error.
    pub message: String,
}

impl RunOfJob {
    /// Renews the lease, and reports a slow run once.
    ///
    /// # Errors
    /// `LEASE_LOST`, and those of the driver.
    pub(crate) async fn renew(&self, context: &JobContext) -> JobResult<()> {
        let key = lease_key(self.job.as_str());
        let renewal = LeaseRenewParams {
            key: key.as_str().into(),
            holder: self.holder.clone(),
            token: self.token,
            ..LeaseRenewParams::default()
        };
        self.renewed.store(context.elapsed().0, Ordering::Relaxed);
        let Renewed(is_renewed) = context.run(Side::Target, &LEASE_RENEW, renewal).await?;
        if !is_renewed {
            return Err(tenure_core::Error::from(Cause::LeaseLost {
                key,
                token: self.token,
                problem: "another instance runs the job".to_owned(),
            })
            .into());
        }
        // After the renewal: what is done about an alert may take long.
        let taken = context.elapsed().0.saturating_sub(self.began.0);
        if taken >= self.slow_after.0 && !self.is_reported_slow.swap(true, Ordering::Relaxed) {
            let alert = JobAlert {
                job: self.job.clone(),
                reason: "slow",
                message: format!("the run has taken {} minutes so far", taken / 60_000),
            };
            context.progress(alert).await?;
        }
        Ok(())
    }

    /// Rests after a step that began at a time, and renews the lease where that is due.
    ///
    /// # Errors
    /// `LEASE_LOST`, and those of the driver.
    pub(crate) async fn pace(&self, context: &JobContext, began: Millis) -> JobResult<()> {
        let renewed = self.renewed.load(Ordering::Relaxed);
        if context.elapsed().0.saturating_sub(renewed) >= RENEWAL.0 {
            self.renew(context).await?;
        }
        let taken = context.elapsed().0.saturating_sub(began.0);
        let share = u64::from(self.cpu_percent.clamp(1, 100));
        let rest = taken.saturating_mul(100 - share) / share;
        match rest {
            0 => Ok(()),
            rest => context.sleep(Millis(rest).min(MOST_REST)).await,
        }
    }

    /// Those of some sessions that are no dead letters.
    ///
    /// # Errors
    /// Those of the driver.
    pub(crate) async fn without_dead_letters(
        &self,
        context: &JobContext,
        ids: Vec<Text>,
    ) -> JobResult<Vec<Text>> {
        let letters = self.dead_letters_among(context, &ids).await?;
        Ok(ids.into_iter().filter(|id| !letters.contains(id)).collect())
    }

    /// Those of some sessions that are dead letters.
    ///
    /// # Errors
    /// Those of the driver.
    pub(crate) async fn dead_letters_among(
        &self,
        context: &JobContext,
        ids: &[Text],
    ) -> JobResult<Vec<Text>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let params = DeadLetterAmongParams {
            job: self.job.clone(),
            ids: ids.to_vec(),
        };
        let letters: DeadLettersAmong = context
            .run(Side::Target, &DEAD_LETTER_AMONG, params)
            .await?;
        Ok(letters.ids)
    }
}
