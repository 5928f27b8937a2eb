//! The commands `tenure dedup`, which a CI job runs to find out whether its run is a duplicate. The
//! decision is printed and added to the outputs of the step. A job must not fail because the store is
//! unavailable: then the run is admitted.

mod log;
mod outputs;
mod records;
mod self_test;

use std::env;

use clap::Subcommand;
use serde::Deserialize;
use tenure_apps::dedup::run::{Run, store_unavailable};
use tenure_core::{Error, Millis};

use crate::answer::Answer;
use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::lazy_args::LazyArgs;
use crate::output::clean;
use crate::params::Params;
use crate::time;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
The decision is printed as SESSION_KEY, SKIP_EXECUTION and REASON, and added to
the file $GITHUB_OUTPUT in lower case. The exit code is 0 for every decision
unless --exit-code is given. When the store is unavailable, the run is admitted.

Jobs on different machines share --store git:origin, which stores refs in that
remote repository, or git:URL.

Examples:
  tenure dedup admit push \"My Workflow\" $GITHUB_SHA $GITHUB_RUN_ID
  tenure dedup admit push ci $sha $run --store git:origin
  tenure dedup cleanup my-workflow-push-abc12345
  tenure dedup log --prevented --count
  tenure dedup self-test")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check whether a run is a duplicate, and write nothing
    Check(LazyArgs<Check>),
    /// Register a run after a check
    Register(LazyArgs<Register>),
    /// Check and register a run in one atomic step
    Admit(LazyArgs<Admit>),
    /// End a run; its window continues
    Cleanup(LazyArgs<Cleanup>),
    /// Record the outcome of a run in the audit log
    Audit(LazyArgs<Audit>),
    /// Print the runs of a day, and count the prevented ones
    Log(LazyArgs<log::Args>),
    /// List the registered runs and the commit locks
    List(LazyArgs<records::List>),
    /// Clear runs and commit locks
    Clear(LazyArgs<records::Clear>),
    /// Test the rules over a temporary store
    SelfTest(LazyArgs<self_test::Args>),
}

pub(crate) fn run(args: Args, context: &mut Context) -> Outcome {
    match args.command {
        Command::Check(LazyArgs(args)) => check(args, context),
        Command::Register(LazyArgs(args)) => register(args, context),
        Command::Admit(LazyArgs(args)) => admit(args, context),
        Command::Cleanup(LazyArgs(args)) => cleanup(args, context),
        Command::Audit(LazyArgs(args)) => audit(args, context),
        Command::Log(LazyArgs(args)) => log::run(args, context),
        Command::List(LazyArgs(args)) => records::list(args, context),
        Command::Clear(LazyArgs(args)) => records::clear(args, context),
        Command::SelfTest(LazyArgs(args)) => self_test::run(args, context),
    }
}

/// The properties of a decision that are printed.
#[derive(Debug, Deserialize)]
struct Decided {
    key: String,
    skip: bool,
    message: String,
}

/// Runs an operation that decides about a run, and prints the decision.
fn decide(
    context: &mut Context,
    operation: &str,
    params: &Params,
    run: &Run,
    exit_code: bool,
) -> Outcome {
    let (json, failed) = match context.perform(operation, params) {
        Ok(answer) => (answer.json().to_owned(), false),
        Err(Failure::Error {
            code,
            message,
            json,
        }) => {
            let failure = Failure::Error {
                code,
                message: message.clone(),
                json,
            };
            if failure.exit() != Exit::STORE {
                return Err(failure);
            }
            let decision = store_unavailable(run, &message);
            (serde_json::to_string(&decision)?, true)
        }
        Err(failure) => return Err(failure),
    };
    let decided: Decided = serde_json::from_str(&json)?;
    outputs::add(context, &decided);
    match context.json() {
        true => context.out.json(&json)?,
        false => outputs::print(context, &decided)?,
    }
    Ok(match (exit_code, failed) {
        (false, _) => Exit::DONE,
        (true, true) => Exit::STORE,
        (true, false) if decided.skip => Exit::REFUSED,
        (true, false) => Exit::DONE,
    })
}

/// Runs an operation after the work of a job. A store that is unavailable does not fail the job.
fn perform_after_job(
    context: &mut Context,
    operation: &str,
    params: &Params,
    exit_code: bool,
) -> Result<Option<Answer>, Failure> {
    match context.perform(operation, params) {
        Err(failure) if !exit_code && failure.exit() == Exit::STORE => {
            if let Failure::Error { message, .. } = &failure {
                context.note(message);
            }
            Ok(None)
        }
        answer => answer.map(Some),
    }
}

/// The attempt of the run: the given one, or the CI job's.
fn run_attempt(given: Option<u64>) -> Option<u64> {
    let of_job = || env::var("GITHUB_RUN_ATTEMPT").ok()?.trim().parse().ok();
    given.or_else(of_job)
}

/// The id of the run: the given one, or the CI job's.
fn run_id(given: Option<String>, argument: &str) -> Result<String, Failure> {
    let is_set = |id: &String| !id.is_empty();
    let of_job = || env::var("GITHUB_RUN_ID").ok().filter(is_set);
    let missing = || Failure::usage(argument, "expected the id of the run");
    given.filter(is_set).or_else(of_job).ok_or_else(missing)
}

/// The run that the arguments describe, and the parameters of its operation.
fn requested_run(
    key: Option<String>,
    event: &str,
    workflow: &str,
    commit: &str,
) -> Result<(Run, Params), Error> {
    let run = Run::new(key.as_deref(), event, workflow, commit)?;
    let params = Params::new()
        .set("eventType", event)
        .set("workflow", workflow)
        .set("commitSha", commit)
        .maybe("key", key);
    Ok((run, params))
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Another run may be registered between check and register; admit is atomic.

Examples:
  tenure dedup check push \"My Workflow\" $GITHUB_SHA $GITHUB_RUN_ID
  tenure dedup check push ci $sha --exit-code || echo \"duplicate\"")]
struct Check {
    /// The event that started the run, such as push
    event: String,
    /// The name of the workflow
    workflow: String,
    /// The commit; unknown if it is empty
    commit: String,
    /// The id of the run; it does not affect the check
    run_id: Option<String>,
    /// A key instead of the one made from workflow, event and commit
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// Let a push block pull requests of its commit, too
    #[arg(long)]
    symmetric: bool,
    /// Exit with 1 for a duplicate, and 3 if the store fails
    #[arg(long)]
    exit_code: bool,
}

fn check(args: Check, context: &mut Context) -> Outcome {
    let (run, params) = requested_run(args.key, &args.event, &args.workflow, &args.commit)?;
    let params = params.flag("symmetric", args.symmetric);
    decide(context, "dedupCheck", &params, &run, args.exit_code)
}

#[derive(Debug, clap::Args)]
#[command(
    override_usage = "\
tenure dedup register [OPTIONS] <KEY> <EVENT> <WORKFLOW>
                             <RUN_ID> <COMMIT>",
    after_help = "\
If another run was registered since the check, this run is a duplicate, and the
decision says so.

Examples:
  tenure dedup register $key push \"My Workflow\" $GITHUB_RUN_ID $GITHUB_SHA"
)]
struct Register {
    /// The key that check printed
    key: String,
    /// The event that has started the run
    event: String,
    /// The name of the workflow
    workflow: String,
    /// The id of the run
    run_id: String,
    /// The commit; unknown if it is empty
    commit: String,
    #[command(flatten)]
    windows: Windows,
    /// Exit with 1 for a duplicate, and 3 if the store fails
    #[arg(long)]
    exit_code: bool,
}

/// The windows in which a run blocks duplicates.
#[derive(Debug, clap::Args)]
struct Windows {
    /// The window in which the run blocks runs of its key: 5m by default
    #[arg(long, value_name = "DURATION", value_parser = time::parse_duration)]
    window: Option<Millis>,
    /// The window in which a pull request blocks pushes of its commit: 1h by
    /// default
    #[arg(long, value_name = "DURATION", value_parser = time::parse_duration)]
    pr_window: Option<Millis>,
    /// Let a push block pull requests of its commit, too
    #[arg(long)]
    symmetric: bool,
    /// The attempt of the run: $GITHUB_RUN_ATTEMPT by default
    #[arg(long, value_name = "N")]
    run_attempt: Option<u64>,
}

impl Windows {
    fn add(&self, params: Params) -> Params {
        params
            .maybe("window", self.window)
            .maybe("prWindow", self.pr_window)
            .flag("symmetric", self.symmetric)
            .maybe("runAttempt", run_attempt(self.run_attempt))
    }
}

fn register(args: Register, context: &mut Context) -> Outcome {
    let run = Run::new(Some(&args.key), &args.event, &args.workflow, &args.commit)?;
    let params = Params::new()
        .set("key", &args.key)
        .set("eventType", &args.event)
        .set("workflow", &args.workflow)
        .set("runId", &args.run_id)
        .set("commitSha", &args.commit);
    let params = args.windows.add(params);
    decide(context, "dedupRegister", &params, &run, args.exit_code)
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Of concurrent runs with one key, one is admitted. It blocks the others until its
cleanup or for the duration --keep, and at least for its window.

Examples:
  tenure dedup admit push \"My Workflow\" $GITHUB_SHA $GITHUB_RUN_ID --keep 6h
  tenure dedup admit push nightly \"\" $$ --exit-code && ./nightly.sh")]
struct Admit {
    /// The event that started the run, such as push
    event: String,
    /// The name of the workflow
    workflow: String,
    /// The commit; unknown if it is empty
    commit: String,
    /// The id of the run: $GITHUB_RUN_ID by default
    run_id: Option<String>,
    /// A key instead of the one made from workflow, event and commit
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    #[command(flatten)]
    windows: Windows,
    /// How long the run counts as running without a cleanup: 10m by default
    #[arg(long, value_name = "DURATION", value_parser = time::parse_duration)]
    keep: Option<Millis>,
    /// Exit with 1 for a duplicate, and 3 if the store fails
    #[arg(long)]
    exit_code: bool,
}

fn admit(args: Admit, context: &mut Context) -> Outcome {
    let (run, params) = requested_run(args.key, &args.event, &args.workflow, &args.commit)?;
    let params = params
        .set("runId", run_id(args.run_id, "RUN_ID")?)
        .maybe("keep", args.keep);
    let params = args.windows.add(params);
    decide(context, "dedupAdmit", &params, &run, args.exit_code)
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
A run can end only itself; the key of another run is not changed.

Examples:
  tenure dedup cleanup my-workflow-push-abc12345
  tenure dedup cleanup $key --run-id 4711")]
struct Cleanup {
    /// The key of the run
    key: String,
    /// The id of the run: $GITHUB_RUN_ID by default
    #[arg(long, value_name = "ID")]
    run_id: Option<String>,
    /// The attempt of the run: $GITHUB_RUN_ATTEMPT by default
    #[arg(long, value_name = "N")]
    run_attempt: Option<u64>,
    /// Exit with 1 if the key belongs to another run, and 3 if the store fails
    #[arg(long)]
    exit_code: bool,
}

fn cleanup(args: Cleanup, context: &mut Context) -> Outcome {
    #[derive(Deserialize)]
    struct Cleaned<'a> {
        outcome: &'a str,
        until: Option<&'a str>,
    }
    let params = Params::new()
        .set("key", &args.key)
        .set("runId", run_id(args.run_id, "--run-id")?)
        .maybe("runAttempt", run_attempt(args.run_attempt));
    let Some(answer) = perform_after_job(context, "dedupCleanup", &params, args.exit_code)? else {
        return Ok(Exit::DONE);
    };
    let cleaned: Cleaned<'_> = answer.read()?;
    let key = clean(&args.key);
    match (context.json(), cleaned.outcome) {
        (true, _) => context.out.json(answer.json())?,
        (_, "not_owner") => context.note(&format!("{key} belongs to another run")),
        (_, "not_held") => context.note(&format!("{key} belongs to no run")),
        _ => {
            let end = cleaned
                .until
                .map(|end| format!("; its window goes on until {end}"));
            let end = end.unwrap_or_default();
            context.out.line(&format!("{key} has ended{end}"))?;
        }
    }
    Ok(match cleaned.outcome {
        "not_owner" if args.exit_code => Exit::REFUSED,
        _ => Exit::DONE,
    })
}

#[derive(Debug, clap::Args)]
#[command(
    override_usage = "\
tenure dedup audit [OPTIONS] <KEY> <EVENT> <WORKFLOW> <RUN_ID>
                          <COMMIT> <EXECUTED> <JOB_STATUS>",
    after_help = "\
Examples:
  tenure dedup audit $key push \"My Workflow\" 4711 $GITHUB_SHA true success"
)]
struct Audit {
    /// The key of the run
    key: String,
    /// The event that started the run
    event: String,
    /// The name of the workflow
    workflow: String,
    /// The id of the run
    run_id: String,
    /// The commit; unknown if it is empty
    commit: String,
    /// Whether the run executed: true, or false for a duplicate
    #[arg(action = clap::ArgAction::Set)]
    executed: bool,
    /// The status of the job, such as success
    job_status: String,
    /// The attempt of the run: $GITHUB_RUN_ATTEMPT by default
    #[arg(long, value_name = "N")]
    run_attempt: Option<u64>,
    /// Exit with 3 if the store fails
    #[arg(long)]
    exit_code: bool,
}

fn audit(args: Audit, context: &mut Context) -> Outcome {
    let params = Params::new()
        .set("key", &args.key)
        .set("eventType", &args.event)
        .set("workflow", &args.workflow)
        .set("runId", &args.run_id)
        .set("commitSha", &args.commit)
        .set("executed", args.executed)
        .set("jobStatus", &args.job_status)
        .maybe("runAttempt", run_attempt(args.run_attempt));
    if let Some(answer) = perform_after_job(context, "dedupAudit", &params, args.exit_code)?
        && context.json()
    {
        context.out.json(answer.json())?;
    }
    Ok(Exit::DONE)
}
