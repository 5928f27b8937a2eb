//! `tenure agent get`: an agent as JSON, with and without `--json`. The property names and times are
//! those that scripts of agents expect.

use serde::Serialize;
use tenure_core::agent::operations::AGENT_GET;
use tenure_core::agent::params::{AgentGetParams, AgentState};
use tenure_core::stored::approval::ApprovalState;
use tenure_core::{Json, Phase, Timestamp};

use crate::context::Context;
use crate::exit::{Exit, Outcome};
use crate::session_id::SessionIdArg;
use crate::time;

use super::unknown;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tenure agent get $id
  tenure agent get $id | jq -r .phase
  tenure agent get $id | jq '.history[-1]'")]
pub(crate) struct Args {
    /// The agent's session id
    id: SessionIdArg,
}

/// An agent, with property names in snake case and times to the second.
#[derive(Serialize)]
struct View<'a> {
    agent_id: &'a str,
    agent_name: &'a str,
    purpose: &'a str,
    created_at: String,
    last_updated: String,
    phase: Option<Phase>,
    metadata: &'a Json,
    resume_ready: bool,
    history: Vec<ChangeView>,
    error_count: u32,
    last_error: Option<ErrorView<'a>>,
    finalized_at: Option<String>,
    duration_seconds: Option<f64>,
    summary: Option<&'a str>,
    /// When it was put into the trash, if it is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    approval: Option<ApprovalView<'a>>,
}

#[derive(Serialize)]
struct ChangeView {
    from_phase: Phase,
    to_phase: Phase,
    timestamp: String,
}

#[derive(Serialize)]
struct ErrorView<'a> {
    message: &'a str,
    timestamp: String,
}

#[derive(Serialize)]
struct ApprovalView<'a> {
    state: ApprovalState,
    requested_at: String,
    by: Option<&'a str>,
    decided_at: Option<String>,
}

impl<'a> View<'a> {
    fn of(state: &'a AgentState) -> Self {
        let second = |at: Timestamp| time::iso_second(at);
        let changes = state.history.iter().map(|change| ChangeView {
            from_phase: change.from_phase,
            to_phase: change.to_phase,
            timestamp: second(change.timestamp),
        });
        Self {
            agent_id: state.agent_id.as_str(),
            agent_name: &state.agent_name,
            purpose: &state.purpose,
            created_at: second(state.created_at),
            last_updated: second(state.last_updated),
            phase: state.phase,
            metadata: &state.metadata,
            resume_ready: state.resume_ready,
            history: changes.collect(),
            error_count: state.error_count,
            last_error: state.last_error.as_ref().map(|error| ErrorView {
                message: &error.message,
                timestamp: second(error.timestamp),
            }),
            finalized_at: state.finalized_at.map(second),
            duration_seconds: state.duration_seconds,
            summary: state.summary.as_deref(),
            deleted_at: state.deleted_at.map(second),
            approval: state.approval.as_ref().map(|approval| ApprovalView {
                state: approval.state,
                requested_at: second(approval.requested_at),
                by: approval.by.as_deref(),
                decided_at: approval.decided_at.map(second),
            }),
        }
    }
}

pub(crate) fn run(args: Args, context: &mut Context) -> Outcome {
    let id = context.session_id(args.id)?;
    let params = AgentGetParams { id: id.clone() };
    let state = context.run(&AGENT_GET, params)?;
    let view = state.as_ref().map(View::of);
    let json = match context.json() {
        true => serde_json::to_string(&view)?,
        false if view.is_none() => return Ok(unknown::report(&id, context)),
        false => serde_json::to_string_pretty(&view)?,
    };
    context.out.json(&json)?;
    if state
        .as_ref()
        .is_some_and(|state| state.deleted_at.is_some())
    {
        context.note(&format!(
            "the agent is in the trash; `tenure restore {id}` restores it"
        ));
    }
    Ok(match view {
        Some(_) => Exit::DONE,
        None => Exit::REFUSED,
    })
}
