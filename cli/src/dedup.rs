//! The commands `tenure dedup`, which a CI job runs to find out whether its run is a duplicate. The
//! decision is printed and added to the outputs of the step. A job must not fail because the store is
//! unavailable: then the run is admitted.

mod log;
mod outputs;
mod records;
mod self_test;
mod stats;

use std::env;
use std::path::PathBuf;

use clap::Subcommand;
use tenure_apps::dedup::operations::{
    DEDUP_ADMIT, DEDUP_AUDIT, DEDUP_CHECK, DEDUP_CLEANUP, DEDUP_REGISTER,
};
use tenure_apps::dedup::params::{
    DedupAdmitParams, DedupAuditParams, DedupBy, DedupCheckParams, DedupCleanupParams,
    DedupDecision, DedupRegisterParams,
};
use tenure_apps::dedup::run::{Identity, Run, store_unavailable};
use tenure_core::lease::decision::Outcome as LeaseOutcome;
use tenure_core::work::operation::Operation;
use tenure_core::{Error, Millis, Text};

use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::lazy_args::LazyArgs;
use crate::output::clean;
use crate::{choice, time};

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
    /// Count the runs of some days, and the prevented ones
    Stats(LazyArgs<stats::Args>),
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
        Command::Stats(LazyArgs(args)) => stats::run(args, context),
        Command::List(LazyArgs(args)) => records::list(args, context),
        Command::Clear(LazyArgs(args)) => records::clear(args, context),
        Command::SelfTest(LazyArgs(args)) => self_test::run(args, context),
    }
}

/// Runs an operation that decides about a run, and prints the decision.
fn decide<P>(
    context: &mut Context,
    operation: &'static Operation<P, DedupDecision>,
    params: P,
    run: &Run,
    exit_code: bool,
) -> Outcome
where
    P: Send + Sync + 'static,
{
    let (decision, failed) = match context.run(operation, params) {
        Err(failure) if failure.exit() != Exit::STORE => return Err(failure),
        Err(Failure::Error(error)) => (store_unavailable(run, &error.to_string()), true),
        reply => (reply?, false),
    };
    outputs::add(context, &decision);
    match context.json() {
        true => context.print_json(&decision)?,
        false => outputs::print(context, &decision)?,
    }
    Ok(match (exit_code, failed) {
        (false, _) => Exit::DONE,
        (true, true) => Exit::STORE,
        (true, false) if decision.skip => Exit::REFUSED,
        (true, false) => Exit::DONE,
    })
}

/// Runs an operation after the work of a job. A store that is unavailable does not fail the job.
fn run_after_job<P, R>(
    context: &mut Context,
    operation: &'static Operation<P, R>,
    params: P,
    exit_code: bool,
) -> Result<Option<R>, Failure>
where
    P: Send + Sync + 'static,
    R: 'static,
{
    let reply = context.run(operation, params);
    unless_store_fails(context, reply, exit_code)
}

/// The result, or a note about a store that is unavailable, which does not fail the job.
fn unless_store_fails<R>(
    context: &mut Context,
    result: Result<R, Failure>,
    exit_code: bool,
) -> Result<Option<R>, Failure> {
    match result {
        Err(failure) if !exit_code && failure.exit() == Exit::STORE => {
            match &failure {
                Failure::Error(error) => context.note(&error.to_string()),
                failure => drop(context.report(failure)),
            }
            Ok(None)
        }
        result => result.map(Some),
    }
}

/// The attempt of the run: the given one, or the CI job's.
fn run_attempt(given: Option<u64>) -> Option<u64> {
    let of_job = || env::var("GITHUB_RUN_ATTEMPT").ok()?.trim().parse().ok();
    given.or_else(of_job)
}

/// The id of the run: the given one, or the CI job's.
fn run_id(given: Option<Text>) -> Option<Text> {
    let is_set = |id: &Text| !id.as_str().is_empty();
    let of_job = || {
        env::var("GITHUB_RUN_ID")
            .ok()
            .map(Text::from)
            .filter(is_set)
    };
    given.filter(is_set).or_else(of_job)
}

/// The id of the run, which is required.
fn required_run_id(given: Option<Text>, argument: &str) -> Result<Text, Failure> {
    run_id(given).ok_or_else(|| Failure::usage(argument, "expected the id of the run"))
}

/// The id of the run that ends. A person, who has none, frees the key; a CI job that does not give its
/// own could free that of another run.
fn ending_run_id(given: Option<Text>) -> Result<Option<Text>, Failure> {
    let is_job = env::var_os("CI").is_some_and(|ci| !ci.is_empty() && ci != "false");
    match run_id(given) {
        None if is_job => required_run_id(None, "--run-id").map(Some),
        id => Ok(id),
    }
}

/// The ref of a run, and whether it is part of its identity.
#[derive(Debug, clap::Args)]
struct Ref {
    /// The full name of the branch or tag: $GITHUB_REF by default
    #[arg(long = "ref", value_name = "REF")]
    name: Option<Text>,
    /// The same runs of a commit: those of one ref, or all of them (commit); tags
    /// are by ref by default, and branches by commit
    #[arg(
        long,
        value_parser = choice::choice([("commit", DedupBy::Commit), ("ref", DedupBy::Ref)]),
        hide_possible_values = true,
        value_name = "commit|ref"
    )]
    by: Option<DedupBy>,
}

impl Ref {
    /// The given ref, or the CI job's. The job of a `pull_request_target` has the ref of another branch.
    fn name(&self, event: &Text) -> Option<Text> {
        let of_job = || env::var("GITHUB_REF").ok().map(Text::from);
        match event.as_str() {
            "pull_request_target" => self.name.clone(),
            _ => self.name.clone().or_else(of_job),
        }
    }
}

/// The run that arguments describe.
fn requested_run(
    key: Option<&Text>,
    event: &Text,
    workflow: &Text,
    commit: &Text,
    git_ref: Option<&Text>,
    by: Option<DedupBy>,
) -> Result<Run, Error> {
    Run::new(&Identity {
        key: key.map(Text::as_str),
        event: event.as_str(),
        workflow: workflow.as_str(),
        commit: commit.as_str(),
        git_ref: git_ref.map(Text::as_str),
        by,
    })
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Another run may be registered between check and register; admit is atomic.

Examples:
  tenure dedup check push \"My Workflow\" $GITHUB_SHA $GITHUB_RUN_ID
  tenure dedup check push ci $sha --exit-code || echo \"duplicate\"")]
struct Check {
    /// The event that started the run, such as push
    event: Text,
    /// The name of the workflow
    workflow: Text,
    /// The commit; unknown if it is empty
    commit: Text,
    /// The id of the run; it does not affect the check
    run_id: Option<Text>,
    /// A key instead of the one made from workflow, event, commit and ref
    #[arg(long, value_name = "KEY")]
    key: Option<Text>,
    #[command(flatten)]
    git_ref: Ref,
    /// Let a push block pull requests of its commit, too
    #[arg(long)]
    symmetric: bool,
    /// Exit with 1 for a duplicate, and 3 if the store fails
    #[arg(long)]
    exit_code: bool,
}

fn check(args: Check, context: &mut Context) -> Outcome {
    let (git_ref, by) = (args.git_ref.name(&args.event), args.git_ref.by);
    let run = requested_run(
        args.key.as_ref(),
        &args.event,
        &args.workflow,
        &args.commit,
        git_ref.as_ref(),
        by,
    )?;
    let params = DedupCheckParams {
        event_type: args.event,
        workflow: args.workflow,
        commit_sha: Some(args.commit),
        git_ref,
        by,
        key: args.key,
        symmetric: args.symmetric.then_some(true),
    };
    context.allow_missing_store();
    decide(context, &DEDUP_CHECK, params, &run, args.exit_code)
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
    key: Text,
    /// The event that started the run
    event: Text,
    /// The name of the workflow
    workflow: Text,
    /// The id of the run
    run_id: Text,
    /// The commit; unknown if it is empty
    commit: Text,
    #[command(flatten)]
    git_ref: Ref,
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

fn register(args: Register, context: &mut Context) -> Outcome {
    let (git_ref, by) = (args.git_ref.name(&args.event), args.git_ref.by);
    let run = requested_run(
        Some(&args.key),
        &args.event,
        &args.workflow,
        &args.commit,
        git_ref.as_ref(),
        by,
    )?;
    let params = DedupRegisterParams {
        key: args.key,
        event_type: args.event,
        workflow: args.workflow,
        run_id: args.run_id,
        run_attempt: run_attempt(args.windows.run_attempt),
        commit_sha: Some(args.commit),
        git_ref,
        by,
        window: args.windows.window,
        pr_window: args.windows.pr_window,
        symmetric: args.windows.symmetric.then_some(true),
    };
    decide(context, &DEDUP_REGISTER, params, &run, args.exit_code)
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Of concurrent runs with one key, one is admitted. It blocks the others until its
cleanup or for the duration --keep, and at least for its window.

Examples:
  tenure dedup admit push \"My Workflow\" $GITHUB_SHA $GITHUB_RUN_ID --keep 6h
  tenure dedup admit push deploy $sha $run --ref refs/heads/staging --by ref
  tenure dedup admit push nightly \"\" $$ --exit-code && ./nightly.sh")]
struct Admit {
    /// The event that started the run, such as push
    event: Text,
    /// The name of the workflow
    workflow: Text,
    /// The commit; unknown if it is empty
    commit: Text,
    /// The id of the run: $GITHUB_RUN_ID by default
    run_id: Option<Text>,
    /// A key instead of the one made from workflow, event, commit and ref
    #[arg(long, value_name = "KEY")]
    key: Option<Text>,
    #[command(flatten)]
    git_ref: Ref,
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
    let (git_ref, by) = (args.git_ref.name(&args.event), args.git_ref.by);
    let run = requested_run(
        args.key.as_ref(),
        &args.event,
        &args.workflow,
        &args.commit,
        git_ref.as_ref(),
        by,
    )?;
    let params = DedupAdmitParams {
        event_type: args.event,
        workflow: args.workflow,
        run_id: required_run_id(args.run_id, "RUN_ID")?,
        run_attempt: run_attempt(args.windows.run_attempt),
        commit_sha: Some(args.commit),
        git_ref,
        by,
        key: args.key,
        window: args.windows.window,
        pr_window: args.windows.pr_window,
        keep: args.keep,
        symmetric: args.windows.symmetric.then_some(true),
    };
    decide(context, &DEDUP_ADMIT, params, &run, args.exit_code)
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
A run can end only itself; the key of another run is not changed. Outside of CI,
where no run is given, the key is freed, and its window with it.

Examples:
  tenure dedup cleanup my-workflow-push-abc12345
  tenure dedup cleanup $key --run-id 4711")]
struct Cleanup {
    /// The key of the run
    key: Text,
    /// The id of the run: $GITHUB_RUN_ID by default, or else any run
    #[arg(long, value_name = "ID")]
    run_id: Option<Text>,
    /// The attempt of the run: $GITHUB_RUN_ATTEMPT by default
    #[arg(long, value_name = "N")]
    run_attempt: Option<u64>,
    /// Exit with 1 if the key belongs to another run, and 3 if the store fails
    #[arg(long)]
    exit_code: bool,
}

fn cleanup(args: Cleanup, context: &mut Context) -> Outcome {
    let key = clean(args.key.as_str()).into_owned();
    let run_id = ending_run_id(args.run_id)?;
    if run_id.is_none() && args.run_attempt.is_some() {
        let problem = "expected the run of the attempt, too: --run-id";
        return Err(Failure::usage("--run-attempt", problem));
    }
    let params = DedupCleanupParams {
        key: args.key,
        run_id,
        run_attempt: run_attempt(args.run_attempt),
    };
    let cleaned = run_after_job(context, &DEDUP_CLEANUP, params, args.exit_code)?;
    let Some(cleaned) = cleaned else {
        return Ok(Exit::DONE);
    };
    match cleaned.outcome {
        _ if context.json() => context.print_json(&cleaned)?,
        LeaseOutcome::NotOwner => context.note(&format!("{key} belongs to another run")),
        LeaseOutcome::NotHeld => context.note(&format!("{key} belongs to no run")),
        _ => {
            let end = cleaned
                .until
                .map(|end| format!("; its window goes on until {end}"));
            let end = end.unwrap_or_default();
            context.out.line(&format!("{key} has ended{end}"))?;
        }
    }
    Ok(match cleaned.outcome {
        LeaseOutcome::NotOwner if args.exit_code => Exit::REFUSED,
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
  tenure dedup audit $key push \"My Workflow\" 4711 $GITHUB_SHA true success
  tenure dedup audit $key push ci $run $sha False skipped --out audit"
)]
struct Audit {
    /// The key of the run
    key: Text,
    /// The event that started the run
    event: Text,
    /// The name of the workflow
    workflow: Text,
    /// The id of the run
    run_id: Text,
    /// The commit; unknown if it is empty
    commit: Text,
    /// Whether the run executed: true, or false for a duplicate
    #[arg(action = clap::ArgAction::Set, value_parser = parse_bool)]
    executed: bool,
    /// The status of the job, such as success
    job_status: Text,
    /// The attempt of the run: $GITHUB_RUN_ATTEMPT by default
    #[arg(long, value_name = "N")]
    run_attempt: Option<u64>,
    /// Write the day to this folder, too, as session_audit_YYYYMMDD.json
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Exit with 3 if the store fails
    #[arg(long)]
    exit_code: bool,
}

/// Reads `true` and `false` as programs of all languages print them.
fn parse_bool(text: &str) -> Result<bool, &'static str> {
    match text.to_ascii_lowercase().as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err("expected true or false"),
    }
}

fn audit(args: Audit, context: &mut Context) -> Outcome {
    let params = DedupAuditParams {
        key: args.key,
        event_type: args.event,
        workflow: args.workflow,
        run_id: args.run_id,
        run_attempt: run_attempt(args.run_attempt),
        commit_sha: Some(args.commit),
        executed: args.executed,
        job_status: args.job_status,
    };
    let exit_code = args.exit_code;
    let Some(entry) = run_after_job(context, &DEDUP_AUDIT, params, exit_code)? else {
        return Ok(Exit::DONE);
    };
    if context.json() {
        context.print_json(&entry)?;
    }
    if let Some(folder) = args.out {
        let written = log::write_day(context, &folder, None);
        let path = unless_store_fails(context, written, exit_code)?;
        if let Some(path) = path.filter(|_| !context.json()) {
            context.out.line(&clean(&path.display().to_string()))?;
        }
    }
    Ok(Exit::DONE)
}
