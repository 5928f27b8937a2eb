//! The parameters and replies of the operations on jobs.

use serde::Serialize;

use tenure_core::declare_params;
use tenure_core::{Json, Text, Timestamp};

use super::records::{DeadLetter, Phase};

declare_params! {
    /// A job to claim, with its schedule.
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    pub struct JobClaimParams {
        /// The name of the job.
        pub job: Text,
        /// When it runs: a time of day in UTC, which is `"03:00"` by default, or a cron expression of five fields, in UTC.
        pub at: Option<Text>,
        /// Claim a run now, whether or not the job is due; `false` by default.
        pub now: Option<bool>,
    }

    /// The end of a run.
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    pub struct JobEndParams {
        /// The name of the job.
        pub job: Text,
        /// The fencing token that `jobClaim` returned.
        pub token: u64,
        /// The report of the run, a JSON object.
        pub report: Json,
        /// Retry the run after this time, in milliseconds; by default it has ended.
        pub retry_after_ms: Option<u64>,
        /// Whether the run was stopped, so that its attempt does not count; `false` by default.
        pub stopped: Option<bool>,
    }

    /// Which jobs to list.
    pub struct JobListParams {
        /// Only the job of this name.
        pub job: Option<Text>,
    }

    /// Sessions that a job could not process.
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    pub struct DeadLetterAddParams {
        /// The name of the job.
        pub job: Text,
        /// The ids of the sessions.
        pub ids: Vec<Text>,
        /// The code of the last error of each.
        pub codes: Vec<Text>,
        /// The message of the last error of each.
        pub messages: Vec<Text>,
        /// The number of attempts.
        pub attempts: u32,
    }

    /// Sessions of which some may be dead letters.
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    pub struct DeadLetterAmongParams {
        /// The name of the job.
        pub job: Text,
        /// The ids of the sessions.
        pub ids: Vec<Text>,
    }

    /// Which dead letters to list.
    pub struct DeadLetterListParams {
        /// Only those of this job.
        pub job: Option<Text>,
        /// The greatest number of dead letters in the page: 1 to 1,000, 50 by default.
        pub limit: Option<u32>,
        /// The `nextCursor` of the previous page.
        pub cursor: Option<Text>,
    }

    /// A dead letter to remove, so that the next run takes the session again.
    pub struct DeadLetterRemoveParams {
        /// The name of the job.
        pub job: Text,
        /// The id of the session.
        pub id: Text,
    }
}

/// The outcome of a claim.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(rename = "JobClaimOutcome"))]
#[serde(rename_all = "lowercase")]
pub enum ClaimOutcome {
    /// The job is not due.
    #[default]
    Wait,
    /// Another instance runs it.
    Held,
    /// The caller runs it.
    Run,
}

tenure_core::word_properties! {
    ClaimOutcome: "wait" => Wait, "held" => Held, "run" => Run;
}

/// The reply to a claim.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase")]
pub struct JobClaim {
    /// The outcome.
    pub outcome: ClaimOutcome,
    /// The time after which to claim again, in milliseconds.
    pub wait_ms: u64,
    /// The name of the instance that runs the job.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub holder: Option<String>,
    /// The fencing token of the run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<u64>,
    /// The occurrence of the schedule that is run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheduled_at: Option<Timestamp>,
    /// The number of occurrences before it that were not run.
    pub missed: u32,
    /// Whether it is run later than 5 minutes after its time.
    pub is_late: bool,
    /// The attempt, from 1. With `wait`, the last attempt of a run that was abandoned with this claim, or 0.
    pub attempt: u32,
    /// Whether the process of the attempt before has ended while it ran.
    pub resumes: bool,
}

tenure_core::read_replies! {
    JobClaim { outcome, wait_ms, holder, token, scheduled_at, missed, is_late, attempt, resumes }
    DeadLettersAmong { ids }
    DeadLettersAdded { added }
}

/// A job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct JobView {
    /// Its name.
    pub job: String,
    /// Where it is.
    pub phase: Phase,
    /// The occurrence of its schedule that was run last; before the first run, when it was first seen.
    pub last: Timestamp,
    /// The attempt of that occurrence, from 1.
    pub attempt: u32,
    /// When the last run began; `null` before the first.
    pub started_at: Option<Timestamp>,
    /// When the last run ended; `null` before the first.
    pub ended_at: Option<Timestamp>,
    /// The report of the last run; `null` before the first.
    #[cfg_attr(feature = "ts", ts(type = "JsonObject | null"))]
    pub report: Option<Json>,
}

/// The ids of the sessions that are dead letters.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct DeadLettersAmong {
    /// The ids.
    pub ids: Vec<Text>,
}

/// The result of adding dead letters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct DeadLettersAdded {
    /// The number of dead letters.
    pub added: u64,
}

/// A page of dead letters, in the order of jobs and ids.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase")]
pub struct DeadLetterPage {
    /// The dead letters.
    pub items: Vec<DeadLetter>,
    /// The `cursor` of the next page; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}
