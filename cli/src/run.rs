//! `tenure run`: runs a command and records it as a session: its start, its output and its end.
//! This file has the arguments and the sequence of steps. `child` is the process of the command,
//! `supervise` follows it to its end, `capture` collects its output within limits, `session` is the
//! session of the run, and `recorder` is the thread that writes the output into it. The core
//! decides whether a session may start, resume or end.

mod capture;
mod child;
mod description;
mod end;
mod recorder;
mod renewal;
mod session;
mod supervise;

use std::ffi::OsString;
use std::io::{IsTerminal, stdin};
use std::path::PathBuf;
use std::time::Duration;

use tenure_core::agent::params::AgentCreateParams;
use tenure_core::session::operations::FAIL;
use tenure_core::session::params::{FailParams, StartParams};
use tenure_core::work::operation::Access;
use tenure_core::{Json, Text};

use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::clean;
use crate::session_id::SessionIdArg;
use crate::store::CommandStore;
use crate::{input, time};

use child::Child;
use description::CommandDescription;
use recorder::Recorder;
use session::{Clock, RunSession, RunStore};

pub(crate) use child::{RunChild, become_command};

/// Run a command and record it as a session
///
/// The output of the command goes to the terminal at once, and into the session
/// as events of the types stdout and stderr, with secrets redacted. The command
/// finds the session's id in TENURE_SESSION and the store in TENURE_STORE. Exit
/// code 0 completes the session, any other fails it. A session that the command
/// has paused or ended itself keeps its status. Each run is one iteration, so
/// --max-iterations limits the number of runs.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Signals: SIGINT, SIGTERM and SIGHUP are forwarded to all processes of the
command. After --grace, or at a second signal, the processes are killed. On a
terminal the command stays in the foreground, and handles Ctrl-C itself. When
tenure itself is killed, the command gets SIGTERM (on Linux), and the session
stays active: --resume recovers it.

Exit codes: that of the command, or 128 + the signal that ended it; 124 after
--timeout; 126 when the command cannot be run, and 127 when it is not found.
Before the command runs: 1 when the session is refused, 2 for wrong usage, 3 for
a store failure. A later store failure does not affect the command.

Examples:
  tenure run --task \"Fix the login page\" -- claude -p \"Fix the login page\"
  tenure run --task Nightly --timeout 2h -- make check
  tenure run --resume $id -- ./agent.sh --continue")]
pub(crate) struct Args {
    /// The task of the command; - reads standard input
    #[arg(long, value_name = "TEXT", required_unless_present = "resume")]
    task: Option<Text>,
    /// The agent's name; the session then has a phase and is listed as an agent
    #[arg(long, value_name = "NAME", conflicts_with_all = ["mode", "resume"])]
    agent: Option<Text>,
    /// The kind of agent
    #[arg(long, default_value = "run", conflicts_with = "resume")]
    mode: Text,
    /// The most runs of the session
    #[arg(long, value_name = "N", conflicts_with = "resume")]
    max_iterations: Option<u32>,
    /// End the command after this duration: 90s, 30m, 2h
    #[arg(long, value_name = "DURATION", value_parser = time::parse_timeout)]
    timeout: Option<Duration>,
    /// How long processes may take to end before they are killed
    #[arg(long, value_name = "DURATION", value_parser = time::parse_timeout, default_value = "10s")]
    grace: Duration,
    /// Resume a paused session, or recover one whose `tenure run` was killed
    #[arg(long, value_name = "ID", conflicts_with = "task")]
    resume: Option<SessionIdArg>,
    /// Runs to add to the budget
    // `requires` alone has no effect beside an option that conflicts with `--resume`.
    #[arg(long, value_name = "N", requires = "resume", conflicts_with = "task")]
    add_iterations: Option<u32>,
    /// The most output to record
    #[arg(long, value_name = "BYTES", default_value_t = 16 << 20)]
    max_output: u64,
    /// Do not print the session's id
    #[arg(long, short)]
    quiet: bool,
    /// The command and its arguments
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

pub(crate) fn run(args: Args, context: &mut Context) -> Outcome {
    let resumed = context.maybe_session_id(args.resume.clone())?;
    let store = CommandStore::of(context.globals.store.as_deref())?;
    let url = absolute(store.url().to_owned());
    let store = RunStore {
        local: store.open(&context.store_options()?, Access::Write)?,
        clock: Clock::new(context.globals.now),
    };
    let description = CommandDescription::new(&args.command);
    let session = match resumed {
        Some(id) => RunSession::resume(store, id, args.add_iterations)?,
        None => start(&args, &description, store)?,
    };
    // A refusal here comes before the command runs, and leaves the session unchanged.
    if let Err(failure) = session.count_iteration(Some(Json::of(&description))) {
        session.release();
        return Err(failure);
    }
    if !args.quiet && !context.json() {
        context.note(&format!("session {}", clean(session.id.as_str())));
    }

    let interactive = stdin().is_terminal();
    let signals = supervise::Signals::listen();
    let child = match Child::spawn(&args.command, &session, &url, !interactive) {
        Ok(child) => child,
        Err(error) => {
            let message = format!("the command cannot be run: {error}");
            let params = FailParams {
                id: session.text_id(),
                token: session.token,
                error: Some(message.as_str().into()),
                ..FailParams::default()
            };
            let _ = session.store.run(&FAIL, params);
            session.release();
            context.note(&message);
            return Ok(Exit(126));
        }
    };
    let recorder = Recorder::start(session, args.max_output, description.with_pid(child.pid()));
    let end = supervise::supervise(child, signals, &recorder, args.timeout, args.grace);
    if let Some(not_recorded) = recorder.finish(&end) {
        context.note(&not_recorded);
    }
    Ok(Exit(end.exit_code()))
}

/// Starts the session of the run.
fn start(
    args: &Args,
    description: &CommandDescription,
    store: RunStore,
) -> Result<RunSession, Failure> {
    let task = input::maybe_text("--task", args.task.clone())?.unwrap_or_default();
    let metadata = Some(Json::of(description));
    match args.agent.clone() {
        Some(agent_name) => {
            let params = AgentCreateParams {
                agent_name,
                purpose: Some(task),
                metadata,
                max_iterations: args.max_iterations,
                ..AgentCreateParams::default()
            };
            RunSession::create_agent(store, params)
        }
        None => {
            let params = StartParams {
                task,
                mode: args.mode.clone(),
                metadata,
                max_iterations: args.max_iterations,
                ..StartParams::default()
            };
            RunSession::start(store, params)
        }
    }
}

/// The URL of the same store with an absolute path, for commands that run in another folder.
fn absolute(url: String) -> String {
    let Some((scheme @ ("sqlite" | "file"), path)) = url.split_once(':') else {
        return url;
    };
    if path.starts_with('/') {
        return url;
    }
    match std::path::absolute(PathBuf::from(path)) {
        Ok(path) => format!("{scheme}:{}", path.display()),
        Err(_) => url,
    }
}
