//! The commands `tenure agent`: what an agent, or the script around it, says of its work. Each is
//! one operation; what is asked about agents is in the modules below.

mod list;
mod state;
mod stats;

use std::borrow::Cow;

use clap::Subcommand;
use clap::builder::PossibleValuesParser;
use serde::Deserialize;
use tenure_core::{Millis, Phase};

use crate::answer::Answer;
use crate::context::Context;
use crate::deferred::Deferred;
use crate::exit::{Exit, Outcome};
use crate::output::{Style, clean};
use crate::params::Params;
use crate::removed::Removed;
use crate::{input, time};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
An agent is a session that has a phase: initializing, investigating, planning,
approval, executing, validating, and at the end completed, failed or abandoned.

Examples:
  id=$(tenure agent create --agent deployer --purpose \"Roll out 2.1\")
  tenure agent update $id --phase planning --metadata '{\"plan\":\"p.json\"}'
  tenure agent request-approval $id --reason \"Touches production\"
  tenure agent should-resume $id && echo \"go on\"
  tenure agent finalize $id completed --summary \"Rolled out\"")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Create an agent's session and print its id
    Create(Deferred<Create>),
    /// Set the phase of an agent, and what else it says of its work
    Update(Deferred<Update>),
    /// Say whether to resume an agent: exit code 0 for yes, 1 for no
    ShouldResume(Deferred<ShouldResume>),
    /// Print an agent's state as JSON
    Get(Deferred<state::Args>),
    /// End the work of an agent
    Finalize(Deferred<Finalize>),
    /// List agents, newest first
    List(Deferred<list::Args>),
    /// Put agents that have been idle for long into the trash
    Cleanup(Deferred<Cleanup>),
    /// Show how agents have done, beside what they should
    Stats(Deferred<stats::Args>),
    /// Pause an agent until somebody approves of what it is about to do
    RequestApproval(Deferred<RequestApproval>),
    /// Approve of what an agent waits for
    Approve(Deferred<Approve>),
    /// Deny what an agent waits for, which ends its work
    Deny(Deferred<Deny>),
}

pub(crate) fn run(args: Args, context: &mut Context) -> Outcome {
    match args.command {
        Command::Create(Deferred(args)) => create(args, context),
        Command::Update(Deferred(args)) => update(args, context),
        Command::ShouldResume(Deferred(args)) => should_resume(args, context),
        Command::Get(Deferred(args)) => state::run(args, context),
        Command::Finalize(Deferred(args)) => finalize(args, context),
        Command::List(Deferred(args)) => list::run(args, context),
        Command::Cleanup(Deferred(args)) => cleanup(args, context),
        Command::Stats(Deferred(args)) => stats::run(args, context),
        Command::RequestApproval(Deferred(args)) => request_approval(args, context),
        Command::Approve(Deferred(args)) => {
            answer("approve", args.id, args.by, args.reason, context)
        }
        Command::Deny(Deferred(args)) => answer("deny", args.id, args.by, args.reason, context),
    }
}

/// The phases that there are.
fn phases(meant: impl Fn(Phase) -> bool) -> PossibleValuesParser {
    let phases = Phase::ALL.into_iter().filter(|phase| meant(*phase));
    PossibleValuesParser::new(phases.map(Phase::as_str))
}

/// The agent's session, as far as it is printed.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Changed<'a> {
    id: &'a str,
    #[serde(default)]
    phase: Option<&'a str>,
    status: &'a str,
    #[serde(default)]
    resume_ready: bool,
}

/// Says what the agent is doing now, if it is known.
fn print_phase(id: &str, context: &mut Context, answer: &Answer) -> Outcome {
    let Some(agent) = answer.read::<Option<Changed<'_>>>()? else {
        return Ok(unknown(id, context));
    };
    let ready = match agent.resume_ready {
        true => ", ready to be resumed",
        false => "",
    };
    let phase = match agent.phase {
        Some(phase) => format!("in phase {phase}"),
        None => agent.status.to_owned(),
    };
    context
        .out
        .line(&format!("{} is {phase}{ready}", agent.id))?;
    Ok(Exit::DONE)
}

fn unknown(id: &str, context: &mut Context) -> Exit {
    context.note(&format!("there is no session {id}"));
    Exit::REFUSED
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  id=$(tenure agent create --agent deployer --purpose \"Roll out 2.1\")
  tenure agent create --agent deployer --metadata '{\"task_id\":\"T001\"}'")]
struct Create {
    /// The agent's name
    #[arg(long, value_name = "NAME")]
    agent: String,
    /// What it is for; - reads it from standard input
    #[arg(long, value_name = "TEXT")]
    purpose: Option<String>,
    /// About its work: a JSON object, @FILE, or - for standard input
    #[arg(long, value_name = "JSON")]
    metadata: Option<String>,
    /// An id of your own; by default agent-DATE-TIME-XXXXXXXX
    #[arg(long)]
    id: Option<String>,
    /// Iterations allowed
    #[arg(long, value_name = "N")]
    max_iterations: Option<u32>,
    /// Makes the command safe to repeat: the same key gives the same agent
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
}

fn create(args: Create, context: &mut Context) -> Outcome {
    let params = Params::new()
        .set("agentName", args.agent)
        .maybe("purpose", input::maybe_text("--purpose", args.purpose)?)
        .maybe_json("metadata", input::maybe_json("--metadata", args.metadata)?)
        .maybe("id", args.id)
        .maybe("maxIterations", args.max_iterations)
        .maybe("idempotencyKey", args.idempotency_key);
    context.tell("agentCreate", &params, |context, answer| {
        let agent: Changed<'_> = answer.read()?;
        context.out.line(agent.id)?;
        Ok(Exit::DONE)
    })
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Phases in which an agent can be resumed: approval, investigating, planning. The
phases completed, failed and abandoned end its work.

Examples:
  tenure agent update $id --phase investigating
  tenure agent update $id --metadata '{\"findings\":[\"out of memory\"]}'
  tenure agent update $id --error \"The cluster does not answer\"
  tenure agent update $id --phase approval --not-ready")]
struct Update {
    /// The agent's session
    id: String,
    /// What it is doing now
    #[arg(long, value_parser = phases(|_| true), hide_possible_values = true)]
    phase: Option<String>,
    /// Members to merge into the metadata: a JSON object, @FILE, or -
    #[arg(long, value_name = "JSON")]
    metadata: Option<String>,
    /// An error that it has met; - reads it from standard input
    #[arg(long, value_name = "TEXT")]
    error: Option<String>,
    /// It is not to be resumed before it enters another phase
    #[arg(long)]
    not_ready: bool,
    /// What came of its work; - reads it from standard input
    #[arg(long, value_name = "TEXT")]
    summary: Option<String>,
}

fn update(args: Update, context: &mut Context) -> Outcome {
    let params = Params::id(&args.id)
        .maybe("phase", args.phase)
        .maybe_json("metadata", input::maybe_json("--metadata", args.metadata)?)
        .maybe("error", input::maybe_text("--error", args.error)?)
        .maybe("resumeReady", args.not_ready.then_some(false))
        .maybe("summary", input::maybe_text("--summary", args.summary)?);
    context.tell("agentUpdate", &params, |context, answer| {
        print_phase(&args.id, context, answer)
    })
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
The reason is printed: resumable, or else not_found, unreadable, finished,
phase_not_resumable, not_ready, too_many_errors or idle_too_long.

Examples:
  if tenure agent should-resume $id; then echo \"go on\"; fi
  tenure agent should-resume $id --idle 2h --max-errors 5
  tenure agent should-resume $id --json | jq -r .reason")]
struct ShouldResume {
    /// The agent's session
    id: String,
    /// Not when it has been idle this long: 30m by default
    #[arg(long, value_name = "TIME", value_parser = time::parse_length)]
    idle: Option<Millis>,
    /// Not when it has met this many errors: 3 by default
    #[arg(long, value_name = "N")]
    max_errors: Option<u32>,
}

#[derive(Deserialize)]
struct Decision<'a> {
    resume: bool,
    reason: &'a str,
    #[serde(borrow)]
    details: Details<'a>,
}

#[derive(Deserialize)]
struct Details<'a> {
    #[serde(borrow)]
    message: Cow<'a, str>,
}

fn should_resume(args: ShouldResume, context: &mut Context) -> Outcome {
    let params = Params::id(&args.id)
        .maybe("idle", args.idle)
        .maybe("maxErrors", args.max_errors);
    let answer = context.perform("shouldResume", &params)?;
    let decision: Decision<'_> = answer.read()?;
    if context.json() {
        context.out.json(answer.json())?;
    } else {
        let (word, style) = match decision.resume {
            true => ("yes", Style::Green),
            false => ("no", Style::Yellow),
        };
        let message = clean(&decision.details.message);
        context.out.styled(style, word)?;
        context
            .out
            .line(&format!(": {}: {message}", decision.reason))?;
    }
    Ok(match decision.resume {
        true => Exit::DONE,
        false => Exit::REFUSED,
    })
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Ending it again in the same way changes nothing; in another way it is refused.

Examples:
  tenure agent finalize $id completed --summary \"Rolled out\"
  tenure agent finalize $id failed
  tail build.log | tenure agent finalize $id failed --summary -")]
struct Finalize {
    /// The agent's session
    id: String,
    /// How it ends: completed, failed or abandoned
    #[arg(value_parser = phases(Phase::is_final), hide_possible_values = true)]
    outcome: String,
    /// What came of it; - reads it from standard input
    #[arg(long, value_name = "TEXT")]
    summary: Option<String>,
}

fn finalize(args: Finalize, context: &mut Context) -> Outcome {
    let params = Params::id(&args.id)
        .set("outcome", args.outcome)
        .maybe("summary", input::maybe_text("--summary", args.summary)?);
    context.tell("agentFinalize", &params, |context, answer| {
        print_phase(&args.id, context, answer)
    })
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Those whose work has not ended become abandoned. Agents whose runner is seen to
run are spared. `tenure cleanup --trash` empties the trash.

Examples:
  tenure agent cleanup --dry-run
  tenure agent cleanup --hours 24
  0 * * * * cd /srv/bot && tenure agent cleanup --hours 24")]
struct Cleanup {
    /// Those that have been idle this long and longer go
    #[arg(long, value_name = "N", default_value_t = 24)]
    hours: u32,
    /// Only say which would go
    #[arg(long)]
    dry_run: bool,
}

fn cleanup(args: Cleanup, context: &mut Context) -> Outcome {
    let params = Params::new()
        .set("maxIdle", format!("{}h", args.hours))
        .flag("dryRun", args.dry_run);
    context.tell("agentCleanup", &params, |context, answer| {
        let removed: Removed = answer.read()?;
        removed.print("put into the trash", context)
    })
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tenure agent request-approval $id --reason \"Touches production\"
  tenure agent request-approval $id --metadata '{\"plan_file\":\"plan.json\"}'")]
struct RequestApproval {
    /// The agent's session
    id: String,
    /// What for; - reads it from standard input
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Members to merge into the metadata: a JSON object, @FILE, or -
    #[arg(long, value_name = "JSON")]
    metadata: Option<String>,
}

fn request_approval(args: RequestApproval, context: &mut Context) -> Outcome {
    let params = Params::id(&args.id)
        .maybe("reason", input::maybe_text("--reason", args.reason)?)
        .maybe_json("metadata", input::maybe_json("--metadata", args.metadata)?);
    context.tell("requestApproval", &params, |context, answer| {
        print_phase(&args.id, context, answer)
    })
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tenure agent approve $id --by alice
  tenure agent approve $id --reason \"Only the staging cluster\"")]
struct Approve {
    /// The agent's session
    id: String,
    /// Who approves
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    /// Why; - reads it from standard input
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tenure agent deny $id --by alice --reason \"Not before Monday\"")]
struct Deny {
    /// The agent's session
    id: String,
    /// Who denies it
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    /// Why; - reads it from standard input
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

fn answer(
    operation: &str,
    id: String,
    by: Option<String>,
    reason: Option<String>,
    context: &mut Context,
) -> Outcome {
    let params = Params::id(&id)
        .maybe("by", by)
        .maybe("reason", input::maybe_text("--reason", reason)?);
    context.tell(operation, &params, |context, answer| {
        print_phase(&id, context, answer)
    })
}
