//! The commands `tenure agent`. Those in this file change one agent, or decide about it, and run one
//! operation each. The modules below read agents.

mod get;
mod list;
mod stats;
mod unknown;

use clap::Subcommand;
use tenure_apps::retention::agents::AGENT_CLEANUP;
use tenure_core::agent::operations::{
    AGENT_CREATE, AGENT_FINALIZE, AGENT_UPDATE, APPROVE, DENY, REQUEST_APPROVAL, SHOULD_RESUME,
};
use tenure_core::agent::params::{
    AgentCleanupParams, AgentCreateParams, AgentFinalizeParams, AgentUpdateParams, ApprovalParams,
    RequestApprovalParams,
};
use tenure_core::agent::resume::ShouldResumeParams;
use tenure_core::stored::approval::Approval;
use tenure_core::work::operation::Operation;
use tenure_core::{Millis, Phase, SessionHead, Text};

use crate::context::Context;
use crate::exit::{Exit, Outcome};
use crate::lazy_args::LazyArgs;
use crate::output::{Style, clean, count};
use crate::session_id::SessionIdArg;
use crate::token::TokenArg;
use crate::{choice, input, removal, time};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
An agent is a session that has a phase: initializing, investigating, planning,
approval, executing, validating, and at the end completed, failed or abandoned.

Examples:
  id=$(tenure agent create --agent deployer --purpose \"Roll out 2.1\")
  tenure agent update $id --phase planning --metadata '{\"plan\":\"p.json\"}'
  tenure agent request-approval $id --reason \"Touches production\"
  tenure agent should-resume $id && echo \"resume\"
  tenure agent finalize $id completed --summary \"Rolled out\"")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Create an agent's session and print its id
    Create(LazyArgs<Create>),
    /// Update an agent: its phase, metadata, errors and summary
    Update(LazyArgs<Update>),
    /// Decide whether to resume an agent: exit code 0 for yes, 1 for no
    ShouldResume(LazyArgs<ShouldResume>),
    /// Print an agent's state as JSON
    Get(LazyArgs<get::Args>),
    /// Finalize an agent
    Finalize(LazyArgs<Finalize>),
    /// List agents, newest first
    List(LazyArgs<list::Args>),
    /// Move idle agents to the trash, and empty it of old ones
    Cleanup(LazyArgs<Cleanup>),
    /// Show metrics of agents against their targets
    Stats(LazyArgs<stats::Args>),
    /// Pause an agent and request an approval
    RequestApproval(LazyArgs<RequestApproval>),
    /// Approve the request of an agent
    Approve(LazyArgs<Approve>),
    /// Deny the request of an agent, which abandons it
    Deny(LazyArgs<Deny>),
}

pub(crate) fn run(args: Args, context: &mut Context) -> Outcome {
    match args.command {
        Command::Create(LazyArgs(args)) => create(args, context),
        Command::Update(LazyArgs(args)) => update(args, context),
        Command::ShouldResume(LazyArgs(args)) => should_resume(args, context),
        Command::Get(LazyArgs(args)) => get::run(args, context),
        Command::Finalize(LazyArgs(args)) => finalize(args, context),
        Command::List(LazyArgs(args)) => list::run(args, context),
        Command::Cleanup(LazyArgs(args)) => cleanup(args, context),
        Command::Stats(LazyArgs(args)) => stats::run(args, context),
        Command::RequestApproval(LazyArgs(args)) => request_approval(args, context),
        Command::Approve(LazyArgs(args)) => decide_approval(&APPROVE, args.decision, context),
        Command::Deny(LazyArgs(args)) => decide_approval(&DENY, args.decision, context),
    }
}

/// The help of `--override`.
pub(crate) const OVERRIDE_HELP: &str =
    "Go on although the agent waits for an approval; the audit log names it";

/// Prints the agent's phase, or that there is no such agent.
fn print_phase(id: &Text, context: &mut Context, agent: Option<SessionHead>) -> Outcome {
    let Some(agent) = agent else {
        return Ok(unknown::report(id, context));
    };
    let ready = match agent.resume_ready {
        _ if agent.approval.as_ref().is_some_and(Approval::is_pending) => ", waiting for approval",
        Some(true) => ", ready to resume",
        _ => "",
    };
    let phase = match agent.phase {
        Some(phase) => format!("in phase {phase}"),
        None => agent.status.to_string(),
    };
    context
        .out
        .line(&format!("{} is {phase}{ready}", agent.id))?;
    Ok(Exit::DONE)
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  id=$(tenure agent create --agent deployer --purpose \"Roll out 2.1\")
  tenure agent create --agent deployer --metadata '{\"task_id\":\"T001\"}'")]
struct Create {
    /// The agent's name
    #[arg(long, value_name = "NAME")]
    agent: Text,
    /// The agent's purpose; - reads standard input
    #[arg(long, value_name = "TEXT")]
    purpose: Option<Text>,
    /// The metadata: a JSON object, @FILE, or - for standard input
    #[arg(long, value_name = "JSON")]
    metadata: Option<String>,
    /// The session's id; agent-DATE-TIME-XXXXXXXX by default
    #[arg(long)]
    id: Option<Text>,
    /// The iteration budget
    #[arg(long, value_name = "N")]
    max_iterations: Option<u32>,
    /// Makes the command safe to repeat: the same key returns the same agent
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<Text>,
}

fn create(args: Create, context: &mut Context) -> Outcome {
    let params = AgentCreateParams {
        agent_name: args.agent,
        purpose: input::maybe_text("--purpose", args.purpose)?,
        metadata: input::maybe_json("--metadata", args.metadata)?,
        id: args.id,
        max_iterations: args.max_iterations,
        idempotency_key: args.idempotency_key,
    };
    let agent = context.run_repeatable(&AGENT_CREATE, params)?;
    context.print(agent, |context, agent| {
        context.out.line(agent.id.as_str())?;
        Ok(Exit::DONE)
    })
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
An agent can be resumed in the phases approval, investigating and planning. The
phases completed, failed and abandoned are final.

Examples:
  tenure agent update $id --phase investigating
  tenure agent update $id --metadata '{\"findings\":[\"out of memory\"]}'
  tenure agent update $id --error \"The cluster does not answer\"
  tenure agent update $id --phase approval --not-ready")]
struct Update {
    /// The agent's session id
    id: SessionIdArg,
    /// The new phase
    #[arg(long, value_parser = choice::phase(|_| true), hide_possible_values = true)]
    phase: Option<Phase>,
    /// Properties to merge into the metadata: a JSON object, @FILE, or -
    #[arg(long, value_name = "JSON")]
    metadata: Option<String>,
    /// An error to record; - reads standard input
    #[arg(long, value_name = "TEXT")]
    error: Option<Text>,
    /// Mark the agent as not resumable until its phase changes
    #[arg(long)]
    not_ready: bool,
    /// A summary of the agent's work; - reads standard input
    #[arg(long, value_name = "TEXT")]
    summary: Option<Text>,
    #[arg(long = "override", help = OVERRIDE_HELP)]
    overrides: bool,
    #[command(flatten)]
    held: TokenArg,
}

fn update(args: Update, context: &mut Context) -> Outcome {
    let id = context.session_id(args.id)?;
    let token = args.held.of(std::slice::from_ref(&id));
    let params = AgentUpdateParams {
        id: id.clone(),
        phase: args.phase,
        metadata: input::maybe_json("--metadata", args.metadata)?,
        error: input::maybe_text("--error", args.error)?,
        resume_ready: args.not_ready.then_some(false),
        summary: input::maybe_text("--summary", args.summary)?,
        r#override: args.overrides.then_some(true),
        token,
        ..AgentUpdateParams::default()
    };
    context.run_and_print(&AGENT_UPDATE, params, |context, agent| {
        print_phase(&id, context, agent)
    })
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
The reason is printed: resumable, not_found, unreadable, finished,
awaiting_approval, phase_not_resumable, not_ready, too_many_errors,
idle_too_long or model_missing.

Examples:
  if tenure agent should-resume $id; then echo \"resume\"; fi
  tenure agent should-resume $id --idle 2h --max-errors 5
  tenure agent should-resume $id --json | jq -r .reason")]
struct ShouldResume {
    /// The agent's session id
    id: SessionIdArg,
    /// Do not resume an agent that has been idle this long: 30m by default
    #[arg(long, value_name = "DURATION", value_parser = time::parse_duration)]
    idle: Option<Millis>,
    /// Do not resume an agent with this many errors: 3 by default
    #[arg(long, value_name = "N")]
    max_errors: Option<u32>,
}

fn should_resume(args: ShouldResume, context: &mut Context) -> Outcome {
    let params = ShouldResumeParams {
        id: context.session_id(args.id)?,
        idle: args.idle,
        max_errors: args.max_errors,
    };
    let decision = context.run(&SHOULD_RESUME, params)?;
    if context.json() {
        context.print_json(&decision)?;
    } else {
        let (word, style) = match decision.resume {
            true => ("yes", Style::Green),
            false => ("no", Style::Yellow),
        };
        let (reason, message) = (decision.reason.as_str(), clean(&decision.details.message));
        context.out.styled(style, word)?;
        context.out.line(&format!(": {reason}: {message}"))?;
    }
    Ok(match decision.resume {
        true => Exit::DONE,
        false => Exit::REFUSED,
    })
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Finalizing again with the same outcome changes nothing; with another outcome it
is refused.

Examples:
  tenure agent finalize $id completed --summary \"Rolled out\"
  tenure agent finalize $id failed
  tail build.log | tenure agent finalize $id failed --summary -")]
struct Finalize {
    /// The agent's session id
    id: SessionIdArg,
    /// The outcome: completed, failed or abandoned
    #[arg(value_parser = choice::phase(Phase::is_final), hide_possible_values = true)]
    outcome: Phase,
    /// A summary of the agent's work; - reads standard input
    #[arg(long, value_name = "TEXT")]
    summary: Option<Text>,
    #[arg(long = "override", help = OVERRIDE_HELP)]
    overrides: bool,
    #[command(flatten)]
    held: TokenArg,
}

fn finalize(args: Finalize, context: &mut Context) -> Outcome {
    let id = context.session_id(args.id)?;
    let token = args.held.of(std::slice::from_ref(&id));
    let params = AgentFinalizeParams {
        id: id.clone(),
        outcome: args.outcome,
        summary: input::maybe_text("--summary", args.summary)?,
        r#override: args.overrides.then_some(true),
        token,
        ..AgentFinalizeParams::default()
    };
    context.run_and_print(&AGENT_FINALIZE, params, |context, agent| {
        print_phase(&id, context, agent)
    })
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Agents that are not finalized become abandoned. Agents whose process is running
are kept. Agents that have been in the trash for --purge-after are removed
permanently.

Examples:
  tenure agent cleanup --dry-run
  tenure agent cleanup --hours 24
  0 * * * * cd /srv/bot && tenure agent cleanup --hours 24")]
struct Cleanup {
    /// Remove agents that have been idle for at least this many hours
    #[arg(long, value_name = "N", default_value_t = 24)]
    hours: u32,
    /// Remove agents permanently that have been in the trash this long: 7d by
    /// default
    #[arg(long, value_name = "DURATION", value_parser = time::parse_duration)]
    purge_after: Option<Millis>,
    /// List the agents without removing them
    #[arg(long)]
    dry_run: bool,
}

fn cleanup(args: Cleanup, context: &mut Context) -> Outcome {
    const HOUR_MS: u64 = 3_600_000;
    context.only_read(args.dry_run);
    let params = AgentCleanupParams {
        max_idle: Some(Millis(u64::from(args.hours) * HOUR_MS)),
        purge_after: args.purge_after,
        dry_run: args.dry_run.then_some(true),
    };
    context.run_and_print(&AGENT_CLEANUP, params, |context, result| {
        let exit = removal::print(&result, "moved to the trash", context)?;
        let deleted = result.deleted.unwrap_or(0);
        if deleted > 0 {
            let would = if result.dry_run { "would be " } else { "" };
            let deleted = count(deleted, "session");
            context.note(&format!(
                "{deleted} {would}permanently removed from the trash"
            ));
        }
        Ok(exit)
    })
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Until it is approved or denied, the agent is neither resumed nor in another
phase.

Examples:
  tenure agent request-approval $id --reason \"Touches production\"
  tenure agent request-approval $id --metadata '{\"plan_file\":\"plan.json\"}'")]
struct RequestApproval {
    /// The agent's session id
    id: SessionIdArg,
    /// The reason; - reads standard input
    #[arg(long, value_name = "TEXT")]
    reason: Option<Text>,
    /// Properties to merge into the metadata: a JSON object, @FILE, or -
    #[arg(long, value_name = "JSON")]
    metadata: Option<String>,
    #[command(flatten)]
    held: TokenArg,
}

fn request_approval(args: RequestApproval, context: &mut Context) -> Outcome {
    let id = context.session_id(args.id)?;
    let token = args.held.of(std::slice::from_ref(&id));
    let params = RequestApprovalParams {
        id: id.clone(),
        reason: input::maybe_text("--reason", args.reason)?,
        metadata: input::maybe_json("--metadata", args.metadata)?,
        token,
        ..RequestApprovalParams::default()
    };
    context.run_and_print(&REQUEST_APPROVAL, params, |context, agent| {
        print_phase(&id, context, Some(agent))
    })
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
A decision is final. The same person may repeat it.

Examples:
  tenure agent approve $id --by alice
  tenure agent approve $id --reason \"Only the staging cluster\"")]
struct Approve {
    #[command(flatten)]
    decision: Decision,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
A decision is final. The same person may repeat it.

Examples:
  tenure agent deny $id --by alice --reason \"Not before Monday\"")]
struct Deny {
    #[command(flatten)]
    decision: Decision,
}

/// A person's decision about the request of an agent.
#[derive(Debug, clap::Args)]
struct Decision {
    /// The agent's session id
    id: SessionIdArg,
    /// The name of the approver
    #[arg(long, value_name = "NAME")]
    by: Option<Text>,
    /// The reason; - reads standard input
    #[arg(long, value_name = "TEXT")]
    reason: Option<Text>,
    #[command(flatten)]
    held: TokenArg,
}

fn decide_approval(
    operation: &'static Operation<ApprovalParams, SessionHead>,
    decision: Decision,
    context: &mut Context,
) -> Outcome {
    let id = context.session_id(decision.id)?;
    let params = ApprovalParams {
        token: decision.held.of(std::slice::from_ref(&id)),
        id: id.clone(),
        by: decision.by,
        reason: input::maybe_text("--reason", decision.reason)?,
        ..ApprovalParams::default()
    };
    context.run_and_print(operation, params, |context, agent| {
        print_phase(&id, context, Some(agent))
    })
}
