//! The commands `tenure dedup`, which a CI job runs: may this run go on, or is it one too many? What
//! they say goes to standard output and to the outputs of the step. A job must not fail because the
//! store cannot be reached: then it runs.

mod kept;
mod log;
mod outputs;
mod self_test;

use std::env;

use clap::Subcommand;
use serde::Deserialize;
use tenure_apps::dedup::run as core;
use tenure_apps::dedup::run::Run;
use tenure_core::{Error, Millis};

use crate::answer::Answer;
use crate::context::Context;
use crate::deferred::Deferred;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::clean;
use crate::params::Params;
use crate::time;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
The decision is printed as SESSION_KEY, SKIP_EXECUTION and REASON, and added to
the file $GITHUB_OUTPUT in lower case. The exit code is 0 whatever it is, unless
--exit-code asks for it; where the store cannot be reached, the run goes on.

Jobs on different machines meet in --store git:origin: refs of the remote
repository of that name, or at git:URL.

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
    /// Say whether a run would be one too many, and write nothing
    Check(Deferred<Check>),
    /// Register a run that was checked
    Register(Deferred<Register>),
    /// Check and register a run in one step
    Admit(Deferred<Admit>),
    /// Say that a run has ended; its window goes on
    Cleanup(Deferred<Cleanup>),
    /// Enter into the audit log how a run went
    Audit(Deferred<Audit>),
    /// Print the runs of a day, and count those that were prevented
    Log(Deferred<log::Args>),
    /// List the runs that keep others away, and the locks of commits
    List(Deferred<kept::List>),
    /// Forget runs and the locks of commits
    Clear(Deferred<kept::Clear>),
    /// Try the rules on a store that is thrown away
    SelfTest(Deferred<self_test::Args>),
}

pub(crate) fn run(args: Args, context: &mut Context) -> Outcome {
    match args.command {
        Command::Check(Deferred(args)) => check(args, context),
        Command::Register(Deferred(args)) => register(args, context),
        Command::Admit(Deferred(args)) => admit(args, context),
        Command::Cleanup(Deferred(args)) => cleanup(args, context),
        Command::Audit(Deferred(args)) => audit(args, context),
        Command::Log(Deferred(args)) => log::run(args, context),
        Command::List(Deferred(args)) => kept::list(args, context),
        Command::Clear(Deferred(args)) => kept::clear(args, context),
        Command::SelfTest(Deferred(args)) => self_test::run(args, context),
    }
}

/// What is decided about a run.
#[derive(Debug, Deserialize)]
struct Decided {
    key: String,
    skip: bool,
    message: String,
}

/// Asks whether a run is to go on, and says so.
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
            let decision = core::store_unavailable(run, &message);
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

/// What a step does after the work is done. Without the store it does nothing, and the job is as good
/// as it was.
fn afterwards(
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

/// Which attempt of a run it is, as the host of the job says.
fn attempt(given: Option<u64>) -> Option<u64> {
    let of_job = || env::var("GITHUB_RUN_ATTEMPT").ok()?.trim().parse().ok();
    given.or_else(of_job)
}

/// The number of a run: as it is given, or as the host of the job says.
fn number(given: Option<String>, argument: &str) -> Result<String, Failure> {
    let some = |number: &String| !number.is_empty();
    let of_job = || env::var("GITHUB_RUN_ID").ok().filter(some);
    let missing = || Failure::usage(argument, "expected the number of the run");
    given.filter(some).or_else(of_job).ok_or_else(missing)
}

/// A run that has no key yet, unless one is given, and what says so to an operation.
fn asked(
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
Between a check and what registers the run, another one may come: admit lets
nobody in between.

Examples:
  tenure dedup check push \"My Workflow\" $GITHUB_SHA $GITHUB_RUN_ID
  tenure dedup check push ci $sha --exit-code || echo \"somebody runs it\"")]
struct Check {
    /// The event that has started the run, such as push
    event: String,
    /// The name of the workflow
    workflow: String,
    /// The commit; unknown if it is empty
    commit: String,
    /// The number of the run: of no consequence yet
    run_id: Option<String>,
    /// A key instead of the one of workflow, event and commit
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// Let a push keep pull requests of its commit away, too
    #[arg(long)]
    symmetric: bool,
    /// Exit with 1 for a duplicate, and 3 if the store fails
    #[arg(long)]
    exit_code: bool,
}

fn check(args: Check, context: &mut Context) -> Outcome {
    let (run, params) = asked(args.key, &args.event, &args.workflow, &args.commit)?;
    let params = params.flag("symmetric", args.symmetric);
    decide(context, "dedupCheck", &params, &run, args.exit_code)
}

#[derive(Debug, clap::Args)]
#[command(
    override_usage = "\
tenure dedup register [OPTIONS] <KEY> <EVENT> <WORKFLOW>
                             <RUN_ID> <COMMIT>",
    after_help = "\
If another run was faster since the check, this one is to be skipped, and says
so as check does.

Examples:
  tenure dedup register $key push \"My Workflow\" $GITHUB_RUN_ID $GITHUB_SHA"
)]
struct Register {
    /// The key that check has printed
    key: String,
    /// The event that has started the run
    event: String,
    /// The name of the workflow
    workflow: String,
    /// The number of the run
    run_id: String,
    /// The commit; unknown if it is empty
    commit: String,
    #[command(flatten)]
    windows: Windows,
    /// Exit with 1 for a duplicate, and 3 if the store fails
    #[arg(long)]
    exit_code: bool,
}

/// For how long a run keeps others away.
#[derive(Debug, clap::Args)]
struct Windows {
    /// For how long no other run of its key runs: 5m by default
    #[arg(long, value_name = "TIME", value_parser = time::parse_length)]
    window: Option<Millis>,
    /// For how long a pull request keeps pushes of its commit away: 1h by
    /// default
    #[arg(long, value_name = "TIME", value_parser = time::parse_length)]
    pr_window: Option<Millis>,
    /// Let a push keep pull requests of its commit away, too
    #[arg(long)]
    symmetric: bool,
    /// Which attempt of the run it is: $GITHUB_RUN_ATTEMPT by default
    #[arg(long, value_name = "N")]
    run_attempt: Option<u64>,
}

impl Windows {
    fn add(&self, params: Params) -> Params {
        params
            .maybe("window", self.window)
            .maybe("prWindow", self.pr_window)
            .flag("symmetric", self.symmetric)
            .maybe("runAttempt", attempt(self.run_attempt))
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
Of all that ask for one key at once, one goes on. It keeps the others away until
cleanup or the time --keep, and at least for its window.

Examples:
  tenure dedup admit push \"My Workflow\" $GITHUB_SHA $GITHUB_RUN_ID --keep 6h
  tenure dedup admit push nightly \"\" $$ --exit-code && ./nightly.sh")]
struct Admit {
    /// The event that has started the run, such as push
    event: String,
    /// The name of the workflow
    workflow: String,
    /// The commit; unknown if it is empty
    commit: String,
    /// The number of the run: $GITHUB_RUN_ID by default
    run_id: Option<String>,
    /// A key instead of the one of workflow, event and commit
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    #[command(flatten)]
    windows: Windows,
    /// For how long the run is taken to be under way without a cleanup: 10m by
    /// default
    #[arg(long, value_name = "TIME", value_parser = time::parse_length)]
    keep: Option<Millis>,
    /// Exit with 1 for a duplicate, and 3 if the store fails
    #[arg(long)]
    exit_code: bool,
}

fn admit(args: Admit, context: &mut Context) -> Outcome {
    let (run, params) = asked(args.key, &args.event, &args.workflow, &args.commit)?;
    let params = params
        .set("runId", number(args.run_id, "RUN_ID")?)
        .maybe("keep", args.keep);
    let params = args.windows.add(params);
    decide(context, "dedupAdmit", &params, &run, args.exit_code)
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
A run ends its own work alone: what another one has is left as it is.

Examples:
  tenure dedup cleanup my-workflow-push-abc12345
  tenure dedup cleanup $key --run-id 4711")]
struct Cleanup {
    /// The key of the run
    key: String,
    /// The number of the run: $GITHUB_RUN_ID by default
    #[arg(long, value_name = "ID")]
    run_id: Option<String>,
    /// Which attempt of the run it is: $GITHUB_RUN_ATTEMPT by default
    #[arg(long, value_name = "N")]
    run_attempt: Option<u64>,
    /// Exit with 1 if the run is another's, and 3 if the store fails
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
        .set("runId", number(args.run_id, "--run-id")?)
        .maybe("runAttempt", attempt(args.run_attempt));
    let Some(answer) = afterwards(context, "dedupCleanup", &params, args.exit_code)? else {
        return Ok(Exit::DONE);
    };
    let cleaned: Cleaned<'_> = answer.read()?;
    let key = clean(&args.key);
    match (context.json(), cleaned.outcome) {
        (true, _) => context.out.json(answer.json())?,
        (_, "not_owner") => context.note(&format!("another run has {key}")),
        (_, "not_held") => context.note(&format!("no run has {key}")),
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
    /// The event that has started it
    event: String,
    /// The name of the workflow
    workflow: String,
    /// The number of the run
    run_id: String,
    /// The commit; unknown if it is empty
    commit: String,
    /// Whether it did its work: true, or false if it was one too many
    #[arg(action = clap::ArgAction::Set)]
    executed: bool,
    /// How the job ended, such as success
    job_status: String,
    /// Which attempt of the run it is: $GITHUB_RUN_ATTEMPT by default
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
        .maybe("runAttempt", attempt(args.run_attempt));
    if let Some(answer) = afterwards(context, "dedupAudit", &params, args.exit_code)?
        && context.json()
    {
        context.out.json(answer.json())?;
    }
    Ok(Exit::DONE)
}
