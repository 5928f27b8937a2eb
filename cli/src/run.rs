//! `tenure run`: records a command as a session, from its start over what it prints to how it ended.
//! This file holds the arguments and the order of things; `child` has the processes and signals,
//! `lines` what is kept of the output, `recorder` the thread that writes it into the store. Whether a
//! session may start, go on or end is decided by the core, as for every other command.

mod child;
mod lines;
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
/// What the command prints goes to the terminal at once and into the session
/// as events of the types stdout and stderr, without what looks like secrets.
/// The command finds the session's id in TENURE_SESSION and its store in
/// TENURE_STORE. Exit code 0 completes the session, any other fails it; a
/// session that was paused meanwhile stays paused, one that was ended stays
/// ended. Each run counts as one iteration, so --max-iterations bounds them.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Signals: SIGINT, SIGTERM and SIGHUP are handed on to all processes of the
command; after --grace, or at a second signal, they are killed. On a terminal
the command stays in the foreground: Ctrl-C is its own affair then. Should
tenure itself be killed, the command gets SIGTERM (on Linux), and the session
stays active: --resume takes it up.

Exit codes: that of the command, or 128 + the signal that ended it; 124 when
--timeout ended it; 126 when it cannot be run and 127 when it is not found;
before it runs, 1 when the session is refused, 2 wrong usage, 3 the store
failed. A store that fails later does not disturb the command.

Examples:
  tenure run --task \"Fix the login page\" -- claude -p \"Fix the login page\"
  tenure run --task Nightly --timeout 2h -- make check
  tenure run --resume $id -- ./agent.sh --continue")]
pub(crate) struct Args {
    /// What the command is to do; - reads it from standard input
    #[arg(long, value_name = "TEXT", required_unless_present = "resume")]
    task: Option<String>,
    /// The agent's name: the session gets phases and is listed among the agents
    #[arg(long, value_name = "NAME", conflicts_with_all = ["mode", "resume"])]
    agent: Option<String>,
    /// The kind of agent
    #[arg(long, default_value = "run", conflicts_with = "resume")]
    mode: String,
    /// How often the session may be run
    #[arg(long, value_name = "N", conflicts_with = "resume")]
    max_iterations: Option<u32>,
    /// End the command after this time, such as 90s, 30m or 2h
    #[arg(long, value_name = "TIME", value_parser = length)]
    timeout: Option<Duration>,
    /// How long processes have to end before they are killed
    #[arg(long, value_name = "TIME", value_parser = length, default_value = "10s")]
    grace: Duration,
    /// Go on with a session that is paused, or whose tenure run was killed
    #[arg(long, value_name = "ID", conflicts_with = "task")]
    resume: Option<String>,
    /// Allow so many more runs
    #[arg(long, value_name = "N", requires = "resume")]
    add_iterations: Option<u32>,
    /// Record so much of the output at most
    #[arg(long, value_name = "BYTES", default_value_t = 16 << 20)]
    max_output: u64,
    /// Do not say which session it is
    #[arg(long, short)]
    quiet: bool,
    /// The command and its arguments
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

pub(crate) fn run(args: Args, context: &mut Context) -> Outcome {
    let url = absolute(store::url(context.globals.store.as_deref())?);
    let local = store::open_within(&url, context.limits())?;
    let clock = recorder::Clock::new(context.globals.now);
    let mut perform = |name: &str, params: &Params| perform_over(&local, clock.now(), name, params);
    let about = About::of(&args.command);
    let (id, token) = match &args.resume {
        Some(id) => take_up(id, args.add_iterations, &mut perform)?,
        None => begin(&args, &about, &mut perform)?,
    };
    // What refuses the run now has refused it before anything ran; the session is as it was.
    let count = Params::id(&id).set("data", &about);
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
            let said = format!("the command cannot be run: {error}");
            let _ = perform("fail", &Params::id(&id).set("error", &said));
            let _ = perform("leaseRelease", &lease_of(&id));
            context.note(&said);
            return Ok(Exit(126));
        }
    };
    let target = Target {
        id,
        token,
        store: local,
        clock,
    };
    let recorder = Recorder::start(target, args.max_output, about.with_pid(child.pid()));
    let ended = supervise::until_the_end(child, signals, &recorder, args.timeout, args.grace);
    if let Some(lost) = recorder.finish(&ended) {
        context.note(&lost);
    }
    Ok(Exit(ended.exit_code()))
}

type Perform<'a> = dyn FnMut(&str, &Params) -> Result<crate::answer::Answer, Failure> + 'a;

#[derive(Deserialize)]
struct Known {
    id: String,
    status: String,
}

/// Starts a session and holds it.
fn begin(
    args: &Args,
    about: &About,
    perform: &mut Perform<'_>,
) -> Result<(String, Option<u64>), Failure> {
    let task = input::maybe_text("--task", args.task.clone())?.unwrap_or_default();
    let common = Params::new()
        .maybe("maxIterations", args.max_iterations)
        .set("metadata", about);
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
    let token = hold(&known.id, perform)?;
    Ok((known.id, token))
}

/// Takes up a session that exists, first of all by holding it: of two that try, one goes on.
fn take_up(
    id: &str,
    add_iterations: Option<u32>,
    perform: &mut Perform<'_>,
) -> Result<(String, Option<u64>), Failure> {
    let known = perform("get", &Params::id(id).set("history", "none"))?;
    let Some(known) = known.read::<Option<Known>>()? else {
        return Err(Error::SessionNotFound { id: id.to_owned() }.into());
    };
    let token = hold(&known.id, perform)?;
    let params = Params::id(&known.id).maybe("addIterations", add_iterations);
    let mut resumed = Ok(());
    // Out of iterations: it goes on as one that is paused does, if it is given more.
    if known.status == "timeout" && add_iterations.is_some() {
        resumed = perform("pause", &Params::id(&known.id)).map(drop);
    }
    let step = match (known.status.as_str(), add_iterations) {
        // Refused, and nothing is changed.
        ("timeout", None) => "incrementIteration",
        _ => "resume",
    };
    if let Err(failure) = resumed.and_then(|()| perform(step, &params).map(drop)) {
        let _ = perform("leaseRelease", &lease_of(&known.id));
        return Err(failure);
    }
    Ok((known.id, token))
}

fn lease_of(id: &str) -> Params {
    Params::new().set("key", format!("session:{id}"))
}

/// Holds a session, so that nobody else runs it; the token of the lease.
fn hold(id: &str, perform: &mut Perform<'_>) -> Result<Option<u64>, Failure> {
    #[derive(Deserialize)]
    struct Asked {
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
    let asked: Asked = answer.read()?;
    if asked.outcome == "held" {
        let (holder, process) = asked
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
    Ok(asked.lease.map(|lease| lease.token))
}

/// What a session says about the command, without its secrets.
#[derive(Debug, Clone, serde::Serialize)]
pub(crate) struct About {
    command: Vec<String>,
    cwd: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pid: Option<u32>,
}

impl About {
    fn of(command: &[OsString]) -> Self {
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

/// A length of time that is given as an argument.
fn length(text: &str) -> Result<Duration, String> {
    match Millis::parse(text) {
        Ok(Millis(0)) => Err("expected more than nothing".to_owned()),
        Ok(Millis(millis)) => Ok(Duration::from_millis(millis)),
        Err(error) => Err(error.to_string()),
    }
}

/// The same store, named so that the command finds it from another folder too.
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
