//! The commands that change one session: each is one operation, and prints in a word what became of
//! it, or the id of the session that was made.

use serde::Deserialize;

use crate::answer::Answer;
use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::input;
use crate::output::clean;
use crate::params::Params;
use crate::whole;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tenure start \"Fix the login page\"
  tenure start \"Fix the login page\" --mode developer --max-iterations 20
  tenure start - --user u42 --context '{\"branch\":\"main\"}' < task.txt")]
pub(crate) struct Start {
    /// What the agent is to do; - reads it from standard input
    task: String,
    #[command(flatten)]
    begun: Begun,
    /// Makes the command safe to repeat: the same key gives the same session
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
}

pub(crate) fn start(args: Start, context: &mut Context) -> Outcome {
    let params = Params::new().set("task", input::text("TASK", args.task)?);
    let params = args.begun.add(params)?;
    let params = params.maybe("idempotencyKey", args.idempotency_key);
    context.tell("start", &params, print_id)
}

/// What a session has when it begins, but its task.
#[derive(Debug, clap::Args)]
pub(crate) struct Begun {
    /// The kind of agent
    #[arg(long, default_value = "agent")]
    mode: String,
    /// An id of your own; by default one is made
    #[arg(long)]
    id: Option<String>,
    /// The user it runs for
    #[arg(long)]
    user: Option<String>,
    /// The channel it belongs to
    #[arg(long)]
    channel: Option<String>,
    /// Where it works
    #[arg(long, value_name = "PATH")]
    workspace: Option<String>,
    /// Iterations allowed: 10-20 for a quick task, 50-100 for a complex one
    #[arg(long, value_name = "N")]
    max_iterations: Option<u32>,
    /// State to begin with: a JSON object, @FILE, or - for standard input
    #[arg(long, value_name = "JSON")]
    context: Option<String>,
    /// About the run: a JSON object, @FILE, or - for standard input
    #[arg(long, value_name = "JSON")]
    metadata: Option<String>,
    /// Start it paused
    #[arg(long)]
    paused: bool,
    /// Why it starts paused
    #[arg(long, value_name = "TEXT", requires = "paused")]
    pause_reason: Option<String>,
}

impl Begun {
    /// Adds the members of a session that is to start.
    pub(crate) fn add(self, params: Params) -> Result<Params, Failure> {
        Ok(params
            .set("mode", self.mode)
            .maybe("id", self.id)
            .maybe("userId", self.user)
            .maybe("channelId", self.channel)
            .maybe("workspace", self.workspace)
            .maybe("maxIterations", self.max_iterations)
            .maybe_json("context", input::maybe_json("--context", self.context)?)
            .maybe_json("metadata", input::maybe_json("--metadata", self.metadata)?)
            .flag("paused", self.paused)
            .maybe("pauseReason", self.pause_reason))
    }
}

/// The session that an operation answers with, as far as it is printed.
#[derive(Deserialize)]
struct Changed<'a> {
    id: &'a str,
    status: &'a str,
    iterations: u32,
    #[serde(rename = "maxIterations")]
    max_iterations: u32,
}

/// Prints the bare id, for scripts to keep.
fn print_id(context: &mut Context, answer: &Answer) -> Outcome {
    let session: Changed<'_> = answer.read()?;
    context.out.line(&clean(session.id))?;
    Ok(Exit::DONE)
}

/// Prints what the session is now.
fn print_status(context: &mut Context, answer: &Answer) -> Outcome {
    let session: Changed<'_> = answer.read()?;
    let Changed {
        id,
        status,
        iterations,
        max_iterations,
    } = session;
    let left = match status {
        "active" => format!(", {iterations} of {max_iterations} iterations used"),
        _ => String::new(),
    };
    context.out.line(&format!("{id} is {status}{left}"))?;
    Ok(Exit::DONE)
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tenure pause $id
  tenure pause $id --reason \"Waiting for approval\"")]
pub(crate) struct Pause {
    /// The session
    id: String,
    /// Why; - reads it from standard input
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

pub(crate) fn pause(args: Pause, context: &mut Context) -> Outcome {
    let reason = input::maybe_text("--reason", args.reason)?;
    let params = Params::id(&args.id).maybe("reason", reason);
    context.tell("pause", &params, print_status)
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tenure resume $id
  tenure resume $id --add-iterations 20")]
pub(crate) struct Resume {
    /// The session
    id: String,
    /// Iterations to add to those allowed
    #[arg(long, value_name = "N")]
    add_iterations: Option<u32>,
}

pub(crate) fn resume(args: Resume, context: &mut Context) -> Outcome {
    let params = Params::id(&args.id).maybe("addIterations", args.add_iterations);
    context.tell("resume", &params, print_status)
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tenure complete $id
  tenure complete $id \"Fixed in commit 3f2a\"
  git log -1 | tenure complete $id -")]
pub(crate) struct Complete {
    /// The session
    id: String,
    /// What came out; - reads it from standard input
    result: Option<String>,
}

pub(crate) fn complete(args: Complete, context: &mut Context) -> Outcome {
    let result = input::maybe_text("RESULT", args.result)?;
    let params = Params::id(&args.id).maybe("result", result);
    context.tell("complete", &params, print_status)
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tenure fail $id \"The tests do not pass\"
  tail errors.log | tenure fail $id -")]
pub(crate) struct Fail {
    /// The session
    id: String,
    /// What went wrong; - reads it from standard input
    error: Option<String>,
}

pub(crate) fn fail(args: Fail, context: &mut Context) -> Outcome {
    let error = input::maybe_text("ERROR", args.error)?;
    let params = Params::id(&args.id).maybe("error", error);
    context.tell("fail", &params, print_status)
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tenure fork $id
  tenure fork $id --at 12 --task \"Try it without a cache\"")]
pub(crate) struct Fork {
    /// The session to fork
    id: String,
    /// The new session's id; by default one is made
    #[arg(long, value_name = "ID")]
    new_id: Option<String>,
    /// Copy the history up to this event; by default all of it
    #[arg(long, value_name = "SEQUENCE")]
    at: Option<u64>,
    /// Another task; - reads it from standard input
    #[arg(long, value_name = "TEXT")]
    task: Option<String>,
    /// Another number of iterations allowed
    #[arg(long, value_name = "N")]
    max_iterations: Option<u32>,
    /// Members to merge into the context: a JSON object, @FILE, or -
    #[arg(long, value_name = "JSON")]
    context: Option<String>,
}

pub(crate) fn fork(args: Fork, context: &mut Context) -> Outcome {
    let params = Params::id(&args.id)
        .maybe("newId", args.new_id)
        .maybe("atSequence", args.at)
        .maybe("task", input::maybe_text("--task", args.task)?)
        .maybe("maxIterations", args.max_iterations)
        .maybe_json("context", input::maybe_json("--context", args.context)?);
    context.tell("fork", &params, print_id)
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tenure export $id > session.json
  tenure export $id -o session.json
  tenure export $id | tenure --store sqlite:./other.db import -")]
pub(crate) struct Export {
    /// The session
    id: String,
    /// Write it to this file, in place of what is there
    #[arg(long, short, value_name = "FILE")]
    output: Option<String>,
}

pub(crate) fn export(args: Export, context: &mut Context) -> Outcome {
    context.tell("export", &Params::id(&args.id), |context, answer| {
        let text: String = answer.read()?;
        match args.output {
            None => context.out.json(&text)?,
            Some(path) => whole::write(path.as_ref(), &(text + "\n")).map_err(|error| {
                Failure::usage("--output", format!("{path} cannot be written: {error}"))
            })?,
        }
        Ok(Exit::DONE)
    })
}
