//! The operations on jobs: the claim and the end of a run, and the dead letters.

use tenure_core::audit::entry::Entry;
use tenure_core::error::{Cause, Error, Result};
use tenure_core::lease::decision::{Holder, Outcome, Request};
use tenure_core::lease::operations::{ask, checked_key, find};
use tenure_core::store::{Found, Read, Scan};
use tenure_core::stored::lease::Lease;
use tenure_core::value::json::Object;
use tenure_core::value::limits::{MAX_PAGE, page_limit};
use tenure_core::value::process::{Liveness, Process};
use tenure_core::work::context::Context;
use tenure_core::work::operation::Group;
use tenure_core::work::transaction::{Attempt, Transaction};
use tenure_core::{Json, Millis, SessionId, Text};

use super::params::{
    ClaimOutcome, DeadLetterAddParams, DeadLetterAmongParams, DeadLetterListParams, DeadLetterPage,
    DeadLetterRemoveParams, DeadLettersAdded, DeadLettersAmong, JobClaim, JobClaimParams,
    JobEndParams, JobListParams, JobView,
};
use super::records::{DEAD_LETTER, DeadLetter, JOB, JobRecord, Phase};
use super::schedule::{Decision, Schedule, decide};

/// How long the lease of a run lasts, unless it is renewed.
pub(crate) const LEASE: Millis = Millis(5 * 60_000);
/// How soon a claim is repeated while another instance runs the job.
const HELD_WAIT: Millis = Millis(60_000);
/// The kind of the audit entry for a run.
const RUN: &str = "job.run";
const DEFAULT_LETTERS: u32 = 50;
/// The greatest number of jobs. Their names are literals of programs.
const MAX_JOBS: u32 = 1000;

tenure_core::operations! {
    Group::Jobs;
    /// Claims a run of a job. The outcome is `run` if the job is due and no other instance runs it: then the caller has to run it,
    /// renew the lease `job:<name>` meanwhile, and end it with `jobEnd`.
    JOB_CLAIM = Write "jobClaim" (JobClaimParams) -> JobClaim, unit claim,
        r#"{"job":"archive","at":"0 3 * * *","now":false}"#;
    /// Ends a run: its report becomes an entry of the audit log, and its lease is released.
    JOB_END = Write "jobEnd" (JobEndParams) -> (), unit end,
        r#"{"job":"archive","token":1,"report":{"outcome":"done"},"retryAfterMs":60000,"stopped":false}"#;
    /// The jobs that this store has seen, with the reports of their last runs.
    JOB_LIST = Read "jobList" (JobListParams) -> Vec<JobView>, steps list,
        r#"{"job":"archive"}"#;
    /// Adds sessions that a job could not process to the dead letters.
    DEAD_LETTER_ADD = WriteMany "deadLetterAdd" (DeadLetterAddParams) -> DeadLettersAdded, steps add_letters,
        r#"{"job":"archive","ids":["s"],"codes":["ARCHIVE_FAILED"],"messages":["no"],"attempts":4}"#;
    /// Which of these sessions are dead letters.
    DEAD_LETTER_AMONG = Read "deadLetterAmong" (DeadLetterAmongParams) -> DeadLettersAmong, steps letters_among,
        r#"{"job":"archive","ids":["s"]}"#;
    /// A page of the dead letters.
    DEAD_LETTER_LIST = Read "deadLetterList" (DeadLetterListParams) -> DeadLetterPage, steps list_letters,
        r#"{"job":"archive","limit":2,"cursor":"archive/s"}"#;
    /// Removes a dead letter. `false` if there is none. The next run takes the session again.
    DEAD_LETTER_REMOVE = Write "deadLetterRemove" (DeadLetterRemoveParams) -> bool, unit remove_letter,
        r#"{"job":"archive","id":"s"}"#;
}

/// The key of the lease of a job.
pub(crate) fn lease_key(job: &str) -> String {
    format!("job:{job}")
}

/// The name of a job.
pub(crate) fn checked(job: &Text) -> Result<&str> {
    let name = checked_key("job", job)?;
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    match name.len() <= 64 && name.bytes().all(is_allowed) {
        true => Ok(name),
        false => Err(Error::invalid(
            "job",
            "expected up to 64 letters, digits, '-', '_' or '.'",
        )),
    }
}

fn claim(tx: &mut Transaction<'_>, params: &JobClaimParams) -> Attempt<JobClaim> {
    let job = checked(&params.job)?;
    let schedule = Schedule::of(params.at.as_ref())?;
    let record = tx.record(JOB, job)?;
    let stored = record.as_ref().map(JobRecord::read).transpose()?;
    let key = lease_key(job);
    let lease = find(tx, &key)?;
    let held_lease = lease
        .as_ref()
        .filter(|lease| lease.is_held(tx.now(), tx.host()));
    // The process that ran it has ended without a word: its lease need not expire first.
    let orphaned = held_lease.filter(|lease| {
        let process: Option<Process> = lease.data.read();
        process.is_some_and(|process| tx.host().liveness(&process) == Liveness::Dead)
    });
    let is_held = held_lease.is_some() && orphaned.is_none();
    let held = |holder: Option<String>| JobClaim {
        outcome: ClaimOutcome::Held,
        wait_ms: HELD_WAIT.0,
        holder,
        ..JobClaim::default()
    };
    let wait = |time: Millis| JobClaim {
        wait_ms: time.0,
        ..JobClaim::default()
    };
    match decide(
        schedule,
        stored.as_ref(),
        tx.now(),
        is_held,
        params.now.unwrap_or(false),
    ) {
        Decision::Held => Ok(held(lease.map(|lease| lease.holder))),
        Decision::Wait { time, write } => {
            if let Some(write) = write {
                tx.put_record(write.to_record(job))?;
            }
            Ok(wait(time))
        }
        Decision::Abandon { time, write } => {
            enter_abandoned(tx, job, &write);
            tx.put_record(write.to_record(job))?;
            Ok(JobClaim {
                attempt: write.attempt,
                ..wait(time)
            })
        }
        Decision::Run(record) => {
            if let Some(Lease { holder, token, .. }) = orphaned {
                let request = Request::Release {
                    holder: holder.clone(),
                    token: Some(*token),
                };
                ask(tx, &key, &request)?;
            }
            let request = Request::Acquire {
                holder: instance(tx),
                duration: Some(LEASE),
                data: tx.host().process().map(Json::of),
                once: true,
            };
            let (outcome, lease) = ask(tx, &key, &request)?;
            if outcome != Outcome::Acquired {
                return Ok(held(lease.map(|lease| lease.holder)));
            }
            if let Some(abandoned) = stored.filter(|_| record.resumes && record.attempt == 1) {
                enter_abandoned(tx, job, &abandoned);
            }
            tx.put_record(record.to_record(job))?;
            Ok(JobClaim {
                outcome: ClaimOutcome::Run,
                token: lease.as_ref().map(|lease| lease.token),
                holder: lease.map(|lease| lease.holder),
                scheduled_at: Some(record.last),
                missed: record.missed,
                is_late: record.is_late,
                attempt: record.attempt,
                resumes: record.resumes,
                ..JobClaim::default()
            })
        }
    }
}

/// Enters in the audit log that a run was abandoned: each of its attempts has ended with its process.
fn enter_abandoned(tx: &mut Transaction<'_>, job: &str, run: &JobRecord) {
    let entry = entry(tx, job, |data| {
        data.set("outcome", "abandoned");
        data.set("scheduledAt", &run.last);
        data.set("attempt", &run.attempt);
    });
    tx.enter(entry.to_record());
}

/// The holder of a run's lease. It is no process: one that goes on with other work after a run was stopped must not hold the lease for as long as
/// it lives. The process is in the data of the lease.
fn instance(tx: &Transaction<'_>) -> Holder {
    let process = tx.host().process();
    Holder {
        name: process.map_or_else(
            || "jobs".to_owned(),
            |process| format!("jobs:{}", process.session),
        ),
        process: None,
    }
}

fn end(tx: &mut Transaction<'_>, params: &JobEndParams) -> Attempt<()> {
    let job = checked(&params.job)?;
    params.report.require_object("report")?;
    let key = lease_key(job);
    let lease = find(tx, &key)?.filter(|lease| !lease.released && lease.token == params.token);
    let Some(lease) = lease else {
        return Err(Cause::LeaseLost {
            key,
            token: params.token,
            problem: "another instance runs the job".to_owned(),
        }
        .into());
    };
    let record = tx.record(JOB, job)?;
    let stored = record.as_ref().map(JobRecord::read).transpose()?;
    let stored = stored.unwrap_or_else(|| JobRecord::new(tx.now()));
    let not_before = params
        .retry_after_ms
        .map(|delay| tx.now().plus(Millis(delay)));
    let ended = JobRecord {
        phase: match not_before {
            Some(_) => Phase::Waiting,
            None => Phase::Idle,
        },
        not_before,
        attempt: stored
            .attempt
            .saturating_sub(u32::from(params.stopped.unwrap_or(false))),
        ended_at: Some(tx.now()),
        report: Some(params.report.clone()),
        ..stored
    };
    tx.put_record(ended.to_record(job))?;
    let request = Request::Release {
        holder: lease.holder,
        token: Some(params.token),
    };
    ask(tx, &key, &request)?;
    let entry = entry(tx, job, |data| {
        data.set("report", &params.report);
    });
    tx.enter(entry.to_record());
    Ok(())
}

/// An entry of the audit log about a run of a job, with the properties that `describe` adds.
fn entry(tx: &Transaction<'_>, job: &str, describe: impl FnOnce(&mut Object<'static>)) -> Entry {
    let at = tx.now();
    let mut data = Entry::properties(RUN, at, Some(job));
    describe(&mut data);
    Entry {
        at,
        data: data.to_json(),
    }
}

async fn list(context: &Context, params: JobListParams) -> Result<Vec<JobView>> {
    let records = match &params.job {
        Some(job) => context
            .record(JOB, checked(job)?)
            .await?
            .into_iter()
            .collect(),
        None => {
            let scan = Scan {
                kind: JOB.to_owned(),
                after: None,
                limit: MAX_JOBS,
            };
            context.scan(&scan).await?
        }
    };
    let views = records.into_iter().map(|record| -> Result<JobView> {
        let stored = JobRecord::read(&record)?;
        Ok(JobView {
            job: record.key,
            phase: stored.phase,
            last: stored.last,
            attempt: stored.attempt,
            started_at: stored.started_at,
            ended_at: stored.ended_at,
            report: stored.report,
        })
    });
    views.collect()
}

async fn add_letters(context: &Context, params: DeadLetterAddParams) -> Result<DeadLettersAdded> {
    checked(&params.job)?;
    let count = params.ids.len();
    if params.codes.len() != count || params.messages.len() != count || count > MAX_PAGE as usize {
        return Err(Error::invalid(
            "ids",
            "expected up to 1,000 ids with as many codes and messages",
        ));
    }
    for id in &params.ids {
        SessionId::parse(id.as_str())?;
    }
    let failed_at = context.call().now;
    let texts = params.ids.iter().zip(&params.codes).zip(&params.messages);
    let letters: Vec<DeadLetter> = texts
        .map(|((id, code), message)| DeadLetter {
            job: params.job.clone(),
            id: id.clone(),
            code: code.clone(),
            message: message.clone(),
            attempts: params.attempts,
            failed_at,
        })
        .collect();
    context
        .transact(|tx| {
            for letter in &letters {
                tx.put_record(letter.to_record())?;
            }
            Ok(())
        })
        .await?;
    Ok(DeadLettersAdded {
        added: letters.len() as u64,
    })
}

async fn letters_among(
    context: &Context,
    params: DeadLetterAmongParams,
) -> Result<DeadLettersAmong> {
    let job = checked(&params.job)?;
    let reads = params
        .ids
        .iter()
        .map(|id| Read::record(DEAD_LETTER, &DeadLetter::key(job, id.as_str())));
    let found = context.read(reads.collect()).await?;
    let is_letter = |found: &Found| matches!(found, Found::Record(Some(_)));
    let ids = params
        .ids
        .iter()
        .zip(&found)
        .filter(|(_, found)| is_letter(found));
    Ok(DeadLettersAmong {
        ids: ids.map(|(id, _)| id.clone()).collect(),
    })
}

async fn list_letters(context: &Context, params: DeadLetterListParams) -> Result<DeadLetterPage> {
    let limit = page_limit(params.limit, DEFAULT_LETTERS)? as usize;
    let prefix = match &params.job {
        Some(job) => format!("{}/", checked(job)?),
        None => String::new(),
    };
    let mut page = DeadLetterPage::default();
    // Keys are in byte order, and none begins with the prefix before the prefix itself.
    let mut after = params.cursor.map(Text::into_string).or_else(|| {
        let before = prefix.strip_suffix('/')?;
        Some(before.to_owned())
    });
    loop {
        let scan = Scan {
            kind: DEAD_LETTER.to_owned(),
            after: after.take(),
            limit: MAX_PAGE,
        };
        let records = context.scan(&scan).await?;
        let is_last = records.len() < MAX_PAGE as usize;
        for record in records {
            if !record.key.starts_with(&prefix) {
                if record.key > prefix {
                    return Ok(page);
                }
                after = Some(record.key);
                continue;
            }
            page.items.push(DeadLetter::read(&record)?);
            after = Some(record.key);
            if page.items.len() == limit {
                page.next_cursor = after;
                return Ok(page);
            }
        }
        if is_last {
            return Ok(page);
        }
    }
}

fn remove_letter(tx: &mut Transaction<'_>, params: &DeadLetterRemoveParams) -> Attempt<bool> {
    let key = DeadLetter::key(
        checked(&params.job)?,
        SessionId::parse(params.id.as_str())?.as_str(),
    );
    if tx.record(DEAD_LETTER, &key)?.is_none() {
        return Ok(false);
    }
    tx.remove_record(DEAD_LETTER, &key)?;
    Ok(true)
}
