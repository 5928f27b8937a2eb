//! What the store keeps of a job, and of a session that a job could not process: a dead letter.

use serde::Serialize;

use tenure_core::error::{Cause, Result};
use tenure_core::stored::record::Record;
use tenure_core::value::properties::{Params, Properties};
use tenure_core::{Json, SessionId, Text, Timestamp};

/// The kind of the records that store jobs, by their names.
pub(crate) const JOB: &str = "job";
/// The kind of the records that store dead letters. Messages of errors may show user data, so they are encrypted where a store is.
pub(crate) const DEAD_LETTER: &str = "job-failure";

/// Where a job is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(rename = "JobPhase"))]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// It waits for its next occurrence.
    #[default]
    Idle,
    /// An instance runs it, or has ended while it did.
    Running,
    /// Its last run has failed, and is retried.
    Waiting,
}

tenure_core::word_properties! {
    Phase: "idle" => Idle, "running" => Running, "waiting" => Waiting;
}

/// A job, as the store keeps it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct JobRecord {
    /// The occurrence that was run last, or when the job was first seen.
    pub(crate) last: Timestamp,
    pub(crate) phase: Phase,
    /// The attempt of that occurrence, from 1.
    pub(crate) attempt: u32,
    /// The occurrences before it that were not run.
    pub(crate) missed: u32,
    pub(crate) is_late: bool,
    /// Whether the process of the attempt before has ended while it ran.
    pub(crate) resumes: bool,
    pub(crate) started_at: Option<Timestamp>,
    pub(crate) ended_at: Option<Timestamp>,
    /// When the retry may begin.
    pub(crate) not_before: Option<Timestamp>,
    /// The report of the last run, a JSON object.
    pub(crate) report: Option<Json>,
}

impl Params for JobRecord {
    fn take(properties: &mut Properties<'_>) -> Self {
        Self {
            last: properties.take("last"),
            phase: properties.take("phase"),
            attempt: properties.take("attempt"),
            missed: properties.take("missed"),
            is_late: properties.take("is_late"),
            resumes: properties.take("resumes"),
            started_at: properties.take("started_at"),
            ended_at: properties.take("ended_at"),
            not_before: properties.take("not_before"),
            report: properties.take("report"),
        }
    }
}

impl JobRecord {
    /// A job that is seen for the first time.
    pub(crate) fn new(now: Timestamp) -> Self {
        Self {
            last: now,
            ..Self::default()
        }
    }

    /// The record that stores it.
    pub(crate) fn to_record(&self, job: &str) -> Record {
        Record {
            kind: JOB.to_owned(),
            key: job.to_owned(),
            version: 1,
            expires_at: None,
            owner: None,
            body: Json::of(self).as_str().to_owned(),
        }
    }

    /// Reads the job that a record stores.
    ///
    /// # Errors
    /// `STORE_MISBEHAVED`.
    pub(crate) fn read(record: &Record) -> Result<Self> {
        <Self as Params>::read("job", &record.body).map_err(|_| invalid(record))
    }
}

/// A session that a job could not process at any attempt, until a person has it retried.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct DeadLetter {
    /// The job.
    pub job: Text,
    /// The id of the session.
    pub id: Text,
    /// The code of the last error.
    pub code: Text,
    /// The message of the last error.
    pub message: Text,
    /// The number of attempts.
    pub attempts: u32,
    /// When it failed for the last time.
    pub failed_at: Timestamp,
}

tenure_core::read_replies! {
    DeadLetter { job, id, code, message, attempts, failed_at }
}

impl DeadLetter {
    /// The key of the record of a session's dead letter.
    pub(crate) fn key(job: &str, id: &str) -> String {
        format!("{job}/{id}")
    }

    /// The record that stores it. It is removed with the session.
    pub(crate) fn to_record(&self) -> Record {
        Record {
            kind: DEAD_LETTER.to_owned(),
            key: Self::key(self.job.as_str(), self.id.as_str()),
            version: 1,
            expires_at: None,
            owner: SessionId::parse(self.id.as_str()).ok(),
            body: Json::of(self).as_str().to_owned(),
        }
    }

    /// Reads the dead letter that a record stores.
    ///
    /// # Errors
    /// `STORE_MISBEHAVED`.
    pub(crate) fn read(record: &Record) -> Result<Self> {
        <Self as Params>::read("deadLetter", &record.body).map_err(|_| invalid(record))
    }
}

fn invalid(record: &Record) -> tenure_core::Error {
    Cause::StoreMisbehaved {
        method: "record".to_owned(),
        problem: format!(
            "the record {:?} of kind {} is invalid",
            record.key, record.kind
        ),
    }
    .into()
}
