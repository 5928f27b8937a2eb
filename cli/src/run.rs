//! `tenure run`: runs a command and records it as a session: its start, its output and its end. This
//! file holds the arguments and the sequence of steps. `child` is the process of the command,
//! `supervise` follows it to its end, `capture` collects its output within limits, and `recorder` is the
//! thread that writes the output into the store. The core decides whether a session may start, resume
//! or end, as for every other command.

mod capture;
mod child;
mod recorder;
mod supervise;

use std::env;
use std::ffi::OsString;
use std::io::{IsTerminal, stdin};
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use tenure_core::value::redact::Redact;
use tenure_core::{Error, Millis};

use crate::context::{Context, perform_over};
use crate::exit::{Exit, Failure, Outcome};
use crate::output::clean;
use crate::params::Params;
use crate::{input, store};

use child::Child;
use recorder::{Recorder, Target};

pub(crate) use child::{RunChild, become_command};

/// Run a command and record it as a session
///
/// The output of the command goes to the terminal at once, and into the session
/// as events of the types stdout and stderr, with secrets redacted. The command
/// finds the session's id in TENURE_SESSION and the store in TENURE_STORE. Exit
/// code 0 completes the session, any other fails it. A session that the command
/// has paused stays paused, and one that it has ended stays ended. Each run is
/// one iteration, so --max-iterations limits the number of runs.
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
    task: Option<String>,
    /// The agent's name; the session then has a phase and is listed as an agent
    #[arg(long, value_name = "NAME", conflicts_with_all = ["mode", "resume"])]
    agent: Option<String>,
    /// The kind of agent
    #[arg(long, default_value = "run", conflicts_with = "resume")]
    mode: String,
    /// The most runs of the session
    #[arg(long, value_name = "N", conflicts_with = "resume")]
    max_iterations: Option<u32>,
    /// End the command after this duration: 90s, 30m, 2h
    #[arg(long, value_name = "DURATION", value_parser = parse_timeout)]
    timeout: Option<Duration>,
    /// How long processes may take to end before they are killed
    #[arg(long, value_name = "DURATION", value_parser = parse_timeout, default_value = "10s")]
    grace: Duration,
    /// Resume a paused session, or recover one whose `tenure run` was killed
    #[arg(long, value_name = "ID", conflicts_with = "task")]
    resume: Option<String>,
    /// Runs to add to the budget
    #[arg(long, value_name = "N", requires = "resume")]
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
    let url = absolute(store::url(context.globals.store.as_deref())?);
    let local = store::open_with(&url, context.limits())?;
    let clock = recorder::Clock::new(context.globals.now);
    let mut perform = |name: &str, params: &Params| perform_over(&local, clock.now(), name, params);
    let description = CommandDescription::new(&args.command);
    let (id, token) = match &args.resume {
        Some(id) => resume(id, args.add_iterations, &mut perform)?,
        None => start(&args, &description, &mut perform)?,
    };
    // A refusal here comes before the command runs, and leaves the session unchanged.
    let count = Params::id(&id).set("data", &description);
    if let Err(failure) = perform("incrementIteration", &count) {
        let _ = perform("leaseRelease", &lease_of(&id));
        return Err(failure);
    }
    if !args.quiet && !context.json() {
        context.note(&format!("session {}", clean(&id)));
    }

    let interactive = stdin().is_terminal();
    let signals = supervise::Signals::listen();
    let child = match Child::spawn(&args.command, &id, &url, !interactive) {
        Ok(child) => child,
        Err(error) => {
            let message = format!("the command cannot be run: {error}");
            let _ = perform("fail", &Params::id(&id).set("error", &message));
            let _ = perform("leaseRelease", &lease_of(&id));
            context.note(&message);
            return Ok(Exit(126));
        }
    };
    let target = Target {
        id,
        token,
        store: local,
        clock,
    };
    let recorder = Recorder::start(target, args.max_output, description.with_pid(child.pid()));
    let end = supervise::supervise(child, signals, &recorder, args.timeout, args.grace);
    if let Some(not_recorded) = recorder.finish(&end) {
        context.note(&not_recorded);
    }
    Ok(Exit(end.exit_code()))
}

type Perform<'a> = dyn FnMut(&str, &Params) -> Result<crate::answer::Answer, Failure> + 'a;

#[derive(Deserialize)]
struct Known {
    id: String,
    status: String,
}

/// Starts a session and acquires its lease.
fn start(
    args: &Args,
    description: &CommandDescription,
    perform: &mut Perform<'_>,
) -> Result<(String, Option<u64>), Failure> {
    let task = input::maybe_text("--task", args.task.clone())?.unwrap_or_default();
    let common = Params::new()
        .maybe("maxIterations", args.max_iterations)
        .set("metadata", description);
    let answer = match &args.agent {
        Some(agent) => {
            let params = common.set("agentName", agent).set("purpose", &task);
            perform("agentCreate", &params)?
        }
        None => {
            let params = common.set("task", &task).set("mode", &args.mode);
            perform("start", &params)?
        }
    };
    let known: Known = answer.read()?;
    let token = acquire_lease(&known.id, perform)?;
    Ok((known.id, token))
}

/// Resumes or recovers a session. Its lease is acquired first, so of two concurrent runs one is refused.
fn resume(
    id: &str,
    add_iterations: Option<u32>,
    perform: &mut Perform<'_>,
) -> Result<(String, Option<u64>), Failure> {
    let known = perform("get", &Params::id(id).set("history", "none"))?;
    let Some(known) = known.read::<Option<Known>>()? else {
        return Err(Error::SessionNotFound { id: id.to_owned() }.into());
    };
    let token = acquire_lease(&known.id, perform)?;
    let params = Params::id(&known.id).maybe("addIterations", add_iterations);
    let mut resumed = Ok(());
    // A session that ran out of iterations is resumed like a paused one, if its budget grows.
    if known.status == "timeout" && add_iterations.is_some() {
        resumed = perform("pause", &Params::id(&known.id)).map(drop);
    }
    let step = match (known.status.as_str(), add_iterations) {
        // Refused without a change.
        ("timeout", None) => "incrementIteration",
        _ => "resume",
    };
    if let Err(failure) = resumed.and_then(|()| perform(step, &params).map(drop)) {
        let _ = perform("leaseRelease", &lease_of(&known.id));
        return Err(failure);
    }
    Ok((known.id, token))
}

/// The parameters that name a session's lease.
fn lease_of(id: &str) -> Params {
    Params::new().set("key", format!("session:{id}"))
}

/// Acquires the lease of a session, so that no other process runs it; returns the token.
fn acquire_lease(id: &str, perform: &mut Perform<'_>) -> Result<Option<u64>, Failure> {
    #[derive(Deserialize)]
    struct Reply {
        outcome: String,
        lease: Option<Lease>,
    }
    #[derive(Deserialize)]
    struct Lease {
        token: u64,
        holder: String,
        process: Option<Process>,
    }
    #[derive(Deserialize)]
    struct Process {
        pid: Option<u32>,
        hostname: Option<String>,
    }
    let millis = u64::try_from(recorder::LEASE.as_millis()).unwrap_or(u64::MAX);
    let params = lease_of(id).set("leaseDurationMs", millis);
    let answer = perform("leaseAcquire", &params)?;
    let reply: Reply = answer.read()?;
    if reply.outcome == "held" {
        let (holder, process) = reply
            .lease
            .map(|lease| (lease.holder, lease.process))
            .unwrap_or_default();
        return Err(Error::SessionHeld {
            id: id.to_owned(),
            holder,
            pid: process.as_ref().and_then(|process| process.pid),
            hostname: process.and_then(|process| process.hostname),
        }
        .into());
    }
    Ok(reply.lease.map(|lease| lease.token))
}

/// The command in the metadata of its session, with secrets redacted.
#[derive(Debug, Clone, serde::Serialize)]
pub(crate) struct CommandDescription {
    command: Vec<String>,
    cwd: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pid: Option<u32>,
}

impl CommandDescription {
    fn new(command: &[OsString]) -> Self {
        let command: Vec<String> = command
            .iter()
            .map(|argument| argument.to_string_lossy().into_owned())
            .collect();
        let cwd = env::current_dir().unwrap_or_default();
        Self {
            command: Redact::default().arguments(&command),
            cwd: cwd.to_string_lossy().into_owned(),
            pid: None,
        }
    }

    fn with_pid(mut self, pid: u32) -> Self {
        self.pid = Some(pid);
        self
    }
}

/// Parses a duration that must not be zero.
fn parse_timeout(text: &str) -> Result<Duration, String> {
    match Millis::parse(text) {
        Ok(Millis(0)) => Err("expected more than 0".to_owned()),
        Ok(Millis(millis)) => Ok(Duration::from_millis(millis)),
        Err(error) => Err(error.to_string()),
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
