//! `tenure jobs`: cleans up at a schedule, and shows the jobs of a store and what they could not process.

use std::thread;
use std::time::{Duration, Instant};

use clap::Subcommand;
use tenure_apps::jobs::operations::{
    DEAD_LETTER_AMONG, DEAD_LETTER_LIST, DEAD_LETTER_REMOVE, JOB_LIST,
};
use tenure_apps::jobs::params::{
    DeadLetterAmongParams, DeadLetterListParams, DeadLetterRemoveParams, JobListParams,
};
use tenure_apps::jobs::run::{JobAlert, JobRetry, JobWait};
use tenure_apps::scheduled::{JobReport, ScheduledParams};
use tenure_core::session::cleanup::PURGE;
use tenure_core::session::params::PurgeParams;
use tenure_core::work::job::{DriverError, JobError, JobResult, Step, StepReply};
use tenure_core::{Json, Millis, Text, Timestamp};
use tenure_host::{JobNews, ScheduledHost, run_scheduled};

use crate::alert::AlertCommand;
use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::interrupt::Interrupt;
use crate::lazy_args::LazyArgs;
use crate::output::{clean, count, name_of};
use crate::progress::Progress;
use crate::{archive, choice, removal, time};

/// How often a job that waits looks whether it is to stop.
const INTERVAL: Duration = Duration::from_millis(100);
/// The name of the job, by default.
const JOB: &str = "archive";
/// What is said at Ctrl-C.
const INTERRUPTED: &str = "interrupted; the next run goes on";

#[derive(Debug, clap::Args)]
#[command(after_help = "\
A job runs daily at 03:00 UTC, or as --at says. Of several processes that run
one job over one store, one runs it at a time. A run that a sleeping host has
missed is made up for once. Each run is an entry job.run of the audit log.

Examples:
  tenure jobs run --max-age 30d --archive s3://acme-bots/sessions
  tenure jobs run --once --purge-after 30d --archive file:./archive
  tenure jobs list
  tenure jobs failed
  tenure jobs retry archive --all")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a job at its schedule until Ctrl-C, or once
    Run(LazyArgs<Run>),
    /// List the jobs, with their last runs
    List(LazyArgs<List>),
    /// List the sessions that a job could not process
    Failed(LazyArgs<Failed>),
    /// Let the next run of a job process a failed session again
    Retry(LazyArgs<Retry>),
    /// Remove a failed session permanently, without an archive
    Drop(LazyArgs<One>),
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
A session that cannot be archived is tried again after 1, 5 and 15 minutes, and
then left to `tenure jobs failed`. A run with --once waits for these attempts:
when a session fails, it takes 21 minutes longer, with jitter up to 27. One that
cannot be read is not tried again. With --once the exit code is 1 when a session
could not be processed or another process runs the job, and 3 when the run has
failed.

Examples:
  tenure jobs run --max-age 30d --archive s3://acme-bots/sessions
  tenure jobs run --max-age 30d --purge-after 7d --at '0 3 * * sun'
  tenure jobs run --once --purge-after 30d --archive file:./archive")]
struct Run {
    /// The name of the job
    #[arg(long, value_name = "NAME", default_value = JOB)]
    job: String,
    /// Run once, now; when a session fails, this waits for its retries, which takes 21 to 27 minutes
    #[arg(long, conflicts_with = "at")]
    once: bool,
    /// The time of each day in UTC, or a cron expression in UTC: 03:00, "0 3 * * sun"
    #[arg(long, value_name = "SCHEDULE")]
    at: Option<Text>,
    /// Move sessions of this age to the trash, unless they are active or paused
    #[arg(long, value_name = "DURATION", value_parser = time::parse_duration, required_unless_present = "purge_after")]
    max_age: Option<Millis>,
    /// Remove sessions that have been in the trash for this long; --max-age by default
    #[arg(long, value_name = "DURATION", value_parser = time::parse_duration)]
    purge_after: Option<Millis>,
    /// Keep entries of the audit log for this long; 365d by default
    #[arg(long, value_name = "DURATION", value_parser = time::parse_duration)]
    keep_audit: Option<Millis>,
    /// Archive each session before it is removed: file:DIR or s3://BUCKET/PREFIX
    #[arg(long, value_name = "URL")]
    archive: Option<String>,
    /// Compress archived sessions
    #[arg(long, requires = "archive")]
    compress: bool,
    /// Keep archived sessions for this long; 365d by default
    #[arg(long, value_name = "DURATION", value_parser = time::parse_duration, requires = "archive")]
    keep_archive: Option<Millis>,
    /// The sessions of one batch, up to 1000
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=1000))]
    batch: u32,
    /// The share of the time in which the job may work, in percent
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100))]
    cpu_percent: u32,
    /// Run this command when a run fails, is slow or has too many errors; it gets JSON on standard input
    #[arg(long, value_name = "COMMAND")]
    alert: Option<String>,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
A line has the name of the job, where it is, the time of the run that it has
begun last, when that has ended, and its report as JSON.

Examples:
  tenure jobs list
  tenure jobs list archive --json")]
struct List {
    /// Only the job of this name
    #[arg(value_name = "NAME")]
    job: Option<Text>,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
A line has the name of the job, the id of the session, when it has failed for
the last time, and the code and the message of the error.

Examples:
  tenure jobs failed
  tenure jobs failed archive --limit 1000 --json")]
struct Failed {
    /// Only those of this job
    #[arg(value_name = "NAME")]
    job: Option<Text>,
    /// The most sessions to print: 50 by default, up to 1000
    #[arg(long, value_name = "N", value_parser = choice::limit)]
    limit: Option<u32>,
    /// Continue after a page
    #[arg(long, value_name = "CURSOR")]
    cursor: Option<Text>,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tenure jobs retry archive $id
  tenure jobs retry archive --all")]
struct Retry {
    /// The name of the job
    #[arg(value_name = "NAME")]
    job: Text,
    /// The id of the session
    #[arg(
        value_name = "ID",
        required_unless_present = "all",
        conflicts_with = "all"
    )]
    id: Option<Text>,
    /// All failed sessions of the job, once what was wrong is mended
    #[arg(long)]
    all: bool,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tenure jobs drop archive $id")]
struct One {
    /// The name of the job
    #[arg(value_name = "NAME")]
    job: Text,
    /// The id of the session
    #[arg(value_name = "ID")]
    id: Text,
}

pub(crate) fn run(args: Args, context: &mut Context) -> Outcome {
    match args.command {
        Command::Run(LazyArgs(args)) => run_job(args, context),
        Command::List(LazyArgs(args)) => list(args, context),
        Command::Failed(LazyArgs(args)) => failed(args, context),
        Command::Retry(LazyArgs(args)) => retry(args, context),
        Command::Drop(LazyArgs(args)) => drop_one(args, context),
    }
}

fn run_job(args: Run, context: &mut Context) -> Outcome {
    let params = ScheduledParams {
        job: args.job.as_str().into(),
        at: args.at,
        once: Some(args.once),
        max_age: args.max_age,
        purge_after: args.purge_after,
        keep_audit: args.keep_audit,
        keep_archive: args.keep_archive,
        batch: Some(args.batch),
        cpu_percent: Some(args.cpu_percent),
        ..ScheduledParams::default()
    };
    let alert = args.alert.as_deref().map(AlertCommand::parse).transpose()?;
    let progress = Progress::new(!context.json());
    let mut host = Scheduled {
        context,
        alert,
        interrupt: Interrupt::listen(),
        progress,
        failure: None,
    };
    let ran = host.run_job(params, args.archive.as_deref(), args.compress);
    if let Err(Failure::Error(error)) = &ran
        && host.alert.is_some()
    {
        // What a timer prints may be read by no person.
        host.alert(&JobAlert {
            job: args.job.as_str().into(),
            reason: "failed",
            message: error.to_string(),
        });
    }
    let report = ran?;
    host.ended(&report)?;
    Ok(match report.outcome {
        "done" if report.errors == 0 => Exit::DONE,
        "failed" => Exit::STORE,
        _ => Exit::REFUSED,
    })
}

/// A job that runs.
struct Scheduled<'c> {
    context: &'c mut Context,
    alert: Option<AlertCommand>,
    interrupt: Interrupt,
    progress: Progress,
    /// What has ended the job, if it was neither an error of the core nor an interrupt.
    failure: Option<Failure>,
}

impl ScheduledHost for Scheduled<'_> {
    fn run(&mut self, step: &dyn Step) -> JobResult<StepReply> {
        self.context
            .run_step(step)
            .map_err(|failure| match failure {
                Failure::Error(error) => error.into(),
                other => {
                    self.failure = Some(other);
                    JobError::Driver(DriverError {
                        code: "ABORTED".into(),
                        ..DriverError::default()
                    })
                }
            })
    }

    fn now(&self) -> Timestamp {
        self.context.now()
    }

    fn stops(&self) -> bool {
        self.interrupt.is_requested()
    }

    fn sleep(&mut self, time: Duration) {
        let end = Instant::now() + time;
        while !self.stops() {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            thread::sleep(left.min(INTERVAL));
        }
    }

    fn notify(&mut self, news: JobNews) {
        match news {
            // One that cannot be printed is in the audit log.
            JobNews::Ended(report) => drop(self.ended(&report)),
            JobNews::Alert(alert) => self.alert(&alert),
            JobNews::Retry(retry) => self.retry(&retry),
            JobNews::Wait(wait) => self.waits(wait),
            JobNews::Progress(progress) => self.progress.update(|| {
                let removed = count(progress.removed, "session");
                format!("{removed} removed, {} more archived", progress.archived)
            }),
        }
    }
}

impl Scheduled<'_> {
    /// Runs the job over a store that exists, with an archive or without one.
    fn run_job(
        &mut self,
        params: ScheduledParams,
        archive: Option<&str>,
        compress: bool,
    ) -> Result<JobReport, Failure> {
        self.context.require_store_of_project()?;
        let archive = archive.map(|address| archive::fill_later(address, compress, self.context));
        match run_scheduled(params, archive.transpose()?, self) {
            Ok(report) => Ok(report),
            Err(JobError::Core(error)) => Err(error.into()),
            Err(JobError::Driver(_)) => {
                let failure = self.failure.take();
                Err(failure.unwrap_or_else(|| self.interrupt.failure(INTERRUPTED)))
            }
        }
    }

    /// Says when the job runs next.
    fn waits(&mut self, JobWait { wait_ms, is_held }: JobWait) {
        let at = self.context.now().plus(Millis(wait_ms));
        self.context.note(&match is_held {
            true => "another process runs the job".to_owned(),
            false => format!("the job runs next at {at}"),
        });
    }

    /// Says that sessions are tried again, and why they have to be.
    fn retry(&mut self, retry: &JobRetry) {
        self.progress = Progress::new(!self.context.json());
        let JobRetry {
            sessions,
            after_ms,
            id,
            code,
            message,
        } = retry;
        let (sessions, seconds) = (count(*sessions, "session"), after_ms.div_ceil(1000));
        let (id, message) = (clean(id), clean(message));
        self.context.note(&format!(
            "{sessions} could not be processed, and will be tried again in {seconds} s: {id}: {code}: {message}"
        ));
    }

    /// Says how a run has ended.
    fn ended(&mut self, report: &JobReport) -> Result<(), Failure> {
        // Erases the line before anything is printed.
        self.progress = Progress::new(!self.context.json());
        if self.context.json() {
            self.context.print_json(report)?;
            self.unreadable(report);
            self.left_alone(report);
            return Ok(self.context.out.flush()?);
        }
        if report.outcome == "held" {
            let job = clean(report.job.as_str());
            self.context.note(&match &report.holder {
                Some(holder) => {
                    let holder = clean(holder);
                    format!("{job} held; another process runs it: {holder}")
                }
                None => format!("{job} held; another process runs it"),
            });
            return Ok(());
        }
        let JobReport {
            job,
            outcome,
            trashed,
            archived,
            removed,
            errors,
            dead_letters,
            left_alone,
            thinned,
            duration_ms,
            ..
        } = report;
        let (job, outcome) = (clean(job.as_str()), *outcome);
        let late = match report.missed {
            _ if !report.is_late => String::new(),
            0 => ", late".to_owned(),
            missed => format!(", late, {missed} missed"),
        };
        let error = report
            .error
            .as_deref()
            .map(|error| format!(": {}", clean(error)));
        let error = error.unwrap_or_default();
        let seconds = duration_ms / 1000;
        self.context.note(&format!(
            "{job} {outcome}{late}{error}; {trashed} moved to the trash, {archived} archived, {removed} removed, {errors} errors, \
             {dead_letters} added to `tenure jobs failed`, {left_alone} left there, {thinned} removed from the archive, {seconds} s"
        ));
        self.unreadable(report);
        self.left_alone(report);
        Ok(())
    }

    /// Says which sessions cannot be read, and what is wrong.
    fn unreadable(&mut self, report: &JobReport) {
        for failed in &report.unreadable {
            let (id, message) = (clean(&failed.id), clean(&failed.message));
            self.context
                .note(&format!("{id} could not be processed: {message}"));
        }
    }

    /// Says how what a run has left alone is taken again.
    fn left_alone(&mut self, report: &JobReport) {
        if report.left_alone > 0 {
            let sessions = count(report.left_alone, "failed session");
            let job = clean(report.job.as_str());
            self.context.note(&format!(
                "{sessions} left alone; to have the next run take them again: tenure jobs retry {job} --all"
            ));
        }
    }

    /// Reports an alert, and runs the command for it, which gets it as JSON.
    fn alert(&mut self, alert: &JobAlert) {
        self.progress = Progress::new(!self.context.json());
        let message = clean(&alert.message);
        self.context
            .note(&format!("alert: {}: {message}", alert.reason));
        let Some(command) = &self.alert else {
            return;
        };
        let interrupt = &self.interrupt;
        if let Err(problem) = command.run(&Json::of(alert), || interrupt.is_requested()) {
            self.context.note(&problem);
        }
    }
}

fn list(args: List, context: &mut Context) -> Outcome {
    let params = JobListParams { job: args.job };
    context.run_and_print(&JOB_LIST, params, |context, jobs| {
        for job in &jobs {
            let ended = job
                .ended_at
                .map_or_else(|| "-".to_owned(), |at| at.to_string());
            let report = job.report.as_ref().map_or("-", |report| report.as_str());
            let phase = name_of(job.phase);
            context.out.line(&format!(
                "{}\t{phase}\t{}\t{ended}\t{}",
                clean(&job.job),
                job.last,
                clean(report)
            ))?;
        }
        Ok(Exit::DONE)
    })
}

fn failed(args: Failed, context: &mut Context) -> Outcome {
    let params = DeadLetterListParams {
        job: args.job,
        limit: args.limit,
        cursor: args.cursor,
    };
    context.run_and_print(&DEAD_LETTER_LIST, params, |context, page| {
        for letter in &page.items {
            let (job, id) = (clean(letter.job.as_str()), clean(letter.id.as_str()));
            let (code, message) = (clean(letter.code.as_str()), clean(letter.message.as_str()));
            context.out.line(&format!(
                "{job}\t{id}\t{}\t{code}\t{message}",
                letter.failed_at
            ))?;
        }
        if let Some(next) = &page.next_cursor {
            context.note(&format!("more sessions may exist: --cursor {next}"));
        }
        Ok(Exit::DONE)
    })
}

/// What `jobs retry --all` has done.
#[derive(serde::Serialize)]
struct Retried {
    /// The number of sessions that the next run takes again.
    retried: u64,
}

fn retry(args: Retry, context: &mut Context) -> Outcome {
    let Some(id) = args.id else {
        return retry_all(&args.job, context);
    };
    let params = DeadLetterRemoveParams { job: args.job, id };
    context.run_and_print(&DEAD_LETTER_REMOVE, params, |context, is_removed| {
        context.note(match is_removed {
            true => "the next run of the job takes the session again",
            false => "the job has no such failed session",
        });
        Ok(if is_removed {
            Exit::DONE
        } else {
            Exit::REFUSED
        })
    })
}

fn retry_all(job: &Text, context: &mut Context) -> Outcome {
    let mut retried = 0;
    loop {
        let params = DeadLetterListParams {
            job: Some(job.clone()),
            limit: Some(1000),
            cursor: None,
        };
        let letters = context.run(&DEAD_LETTER_LIST, params)?.items;
        if letters.is_empty() {
            break;
        }
        for letter in letters {
            let params = DeadLetterRemoveParams {
                job: letter.job,
                id: letter.id,
            };
            retried += u64::from(context.run(&DEAD_LETTER_REMOVE, params)?);
        }
    }
    context.print(Retried { retried }, |context, Retried { retried }| {
        let sessions = count(retried, "session");
        context.note(&format!("the next run of the job takes {sessions} again"));
        Ok(Exit::DONE)
    })
}

fn drop_one(args: One, context: &mut Context) -> Outcome {
    let among = DeadLetterAmongParams {
        job: args.job.clone(),
        ids: vec![args.id.clone()],
    };
    if context.run(&DEAD_LETTER_AMONG, among)?.ids.is_empty() {
        context.note("the job has no such failed session");
        return Ok(Exit::REFUSED);
    }
    // The session first: its dead letter goes with it.
    let params = PurgeParams {
        ids: Some(vec![args.id.clone()]),
        ..PurgeParams::default()
    };
    let removed = context.run(&PURGE, params)?;
    let is_restored = removed.removed == 0 && removed.failed.is_empty();
    if is_restored {
        let letter = DeadLetterRemoveParams {
            job: args.job,
            id: args.id.clone(),
        };
        context.run(&DEAD_LETTER_REMOVE, letter)?;
    }
    if is_restored {
        let id = clean(args.id.as_str());
        context.note(&format!(
            "{id} is not in the trash any more and was not removed; the job takes it again once it is"
        ));
        context.print(removed, |_, _| Ok(Exit::REFUSED))?;
        return Ok(Exit::REFUSED);
    }
    context.print(removed, |context, removed| {
        removal::print(&removed, "permanently removed", context)
    })
}
