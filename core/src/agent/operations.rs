//! The operations on agents. An agent is a session with a phase, so each is a change to one session or
//! a list of them. An unknown id is answered with nothing.

use crate::error::{Cause, Error, Result};
use crate::session::change::{change, change_with_model, create, generate_agent_id, store_key};
use crate::session::draft::Draft;
use crate::session::read::{DEFAULT_SESSIONS, find, missing_models};
use crate::session::replies::SessionPage;
use crate::session::view::SessionHead;
use crate::store::filter::{Filter, Order, Position};
use crate::store::{History, ListQuery};
use crate::stored::head::Head;
use crate::stored::phase::Phase;
use crate::value::id::SessionId;
use crate::value::limits::{MAX_PAGE_BYTES, page_limit};
use crate::value::text::Text;
use crate::value::time::Timestamp;
use crate::work::context::Context;
use crate::work::operation::Group;
use crate::work::transaction::{Attempt, Stop, Transaction};

use super::params::{
    AgentCreateParams, AgentFinalizeParams, AgentGetParams, AgentListParams, AgentState,
    AgentUpdateParams, ApprovalParams, RequestApprovalParams,
};
use super::resume::{self, Candidate, Policy, ResumeDecision, ShouldResumeParams};
use super::steps;

/// Pages that a list of resumable agents reads at most; then the caller goes on by the cursor.
const MAX_ROUNDS: usize = 20;

crate::operations! {
    Group::Agents;
    /// Creates an agent: a session with a phase, `initializing` at first.
    AGENT_CREATE = Write "agentCreate" (AgentCreateParams) -> SessionHead, unit create_agent,
        r#"{"agentName":"a","purpose":"p","metadata":{"a":1},"id":"new","maxIterations":3,"idempotencyKey":"k"}"#;
    /// Records an agent's update, which counts as activity; `null` for an unknown id. A final phase
    /// finalizes the agent as `agentFinalize` does.
    AGENT_UPDATE = Write "agentUpdate" (AgentUpdateParams) -> Option<SessionHead>, unit update,
        r#"{"id":"s","ifVersion":4,"idempotencyKey":"k","token":1,"phase":"planning","metadata":{"a":1},"error":"e","resumeReady":true,"summary":"s","override":true}"#;
    /// An agent as it stands, with the phases that it came through; `null` for an unknown id.
    AGENT_GET = Read "agentGet" (AgentGetParams) -> Option<AgentState>, unit get,
        r#"{"id":"s"}"#;
    /// Finalizes an agent; `null` for an unknown id. The same outcome again only fills in a summary
    /// that is missing.
    AGENT_FINALIZE = Write "agentFinalize" (AgentFinalizeParams) -> Option<SessionHead>,
        unit finalize,
        r#"{"id":"s","ifVersion":4,"idempotencyKey":"k","token":1,"outcome":"completed","summary":"s","override":true}"#;
    /// A page of agents, newest first. A page may have few items, or none, and go on all the same.
    AGENT_LIST = Read "agentList" (AgentListParams) -> SessionPage, steps list,
        r#"{"activeOnly":true,"resumable":true,"agentName":"a","limit":2,"cursor":"cd.0.a","idle":"30m","maxErrors":3}"#;
    /// Whether an agent should be resumed, and the reason.
    SHOULD_RESUME = Read "shouldResume" (ShouldResumeParams) -> ResumeDecision, unit should_resume,
        r#"{"id":"s","idle":"30m","maxErrors":3}"#;
    /// Requests approval: the agent's session is paused in the phase `approval`. Until a person has
    /// approved or denied it, the agent is neither resumed nor in another phase.
    REQUEST_APPROVAL = Write "requestApproval" (RequestApprovalParams) -> SessionHead,
        unit request_approval,
        r#"{"id":"s","ifVersion":4,"idempotencyKey":"k","token":1,"reason":"r","metadata":{"a":1}}"#;
    /// Approves what an agent waits for, and resumes its session if that is paused. The phase stays
    /// until the agent enters another. A decision is final.
    APPROVE = Write "approve" (ApprovalParams) -> SessionHead, unit approve,
        r#"{"id":"s","ifVersion":4,"idempotencyKey":"k","token":1,"by":"b","reason":"r"}"#;
    /// Denies what an agent waits for, which finalizes it as `abandoned`. A decision is final.
    DENY = Write "deny" (ApprovalParams) -> SessionHead, unit deny,
        r#"{"id":"s","ifVersion":4,"idempotencyKey":"k","token":1,"by":"b","reason":"r"}"#;
}

/// Creates an agent.
///
/// # Errors
/// `INVALID_ARGUMENT`, `INVALID_ID`, `SESSION_EXISTS`, `IDEMPOTENCY_MISMATCH`, those of the limits and of
/// the store.
pub fn create_agent(tx: &mut Transaction<'_>, params: &AgentCreateParams) -> Attempt<SessionHead> {
    let key = store_key(tx, params.idempotency_key.as_ref())?;
    let id = match &params.id {
        Some(id) => SessionId::parse(id.as_str())?,
        None => generate_agent_id(tx),
    };
    let draft = steps::start(id, params, tx.now(), tx.limits())?;
    Ok(create(tx, draft, key.as_ref())?.head)
}

fn update(tx: &mut Transaction<'_>, params: &AgentUpdateParams) -> Attempt<Option<SessionHead>> {
    let steps = |draft: &mut Draft<'_>| steps::update(draft, params);
    known(match params.phase {
        // The agent goes on.
        Some(phase) if !phase.is_final() => change_with_model(tx, params, &steps),
        _ => change(tx, params, &steps),
    })
}

fn finalize(
    tx: &mut Transaction<'_>,
    params: &AgentFinalizeParams,
) -> Attempt<Option<SessionHead>> {
    known(change(tx, params, &|draft| {
        draft.override_approval(params.r#override, "agentFinalize");
        draft.finalize(params.outcome, params.summary.as_ref())
    }))
}

/// The reply of a change to what may not be there.
fn known<R>(attempt: Attempt<R>) -> Attempt<Option<R>> {
    match attempt {
        Err(Stop::Failed(error)) if matches!(error.cause(), Cause::SessionNotFound { .. }) => {
            Ok(None)
        }
        attempt => Ok(Some(attempt?)),
    }
}

fn get(tx: &mut Transaction<'_>, params: &AgentGetParams) -> Attempt<Option<AgentState>> {
    let loaded = find(tx, &params.id, History::All, None)?;
    Ok(loaded.map(|loaded| AgentState::new(loaded.head, &loaded.events)))
}

fn should_resume(tx: &mut Transaction<'_>, params: &ShouldResumeParams) -> Attempt<ResumeDecision> {
    let id = SessionId::parse(params.id.as_str())?;
    let head = match tx.head(&id) {
        Err(Stop::Failed(error)) if error.is_corrupt_session() => Err(()),
        head => Ok(head?),
    };
    let candidate = match &head {
        Ok(Some(head)) => Candidate::Session(head),
        Ok(None) => Candidate::Nothing,
        Err(()) => Candidate::Unreadable,
    };
    let decision = resume::decide(candidate, Policy::from(params), tx.now());
    let is_missing = matches!(&head, Ok(Some(head)) if tx.lacks_model_of(head));
    Ok(decision.unless_model(is_missing))
}

fn request_approval(
    tx: &mut Transaction<'_>,
    params: &RequestApprovalParams,
) -> Attempt<SessionHead> {
    change(tx, params, &|draft| {
        draft.request_approval(params.reason.as_ref(), params.metadata.as_ref())
    })
}

fn approve(tx: &mut Transaction<'_>, params: &ApprovalParams) -> Attempt<SessionHead> {
    // The agent's runner may hold the session while it waits.
    tx.override_holder();
    change_with_model(tx, params, &|draft| {
        draft.approve(params.by.as_ref(), params.reason.as_ref())
    })
}

fn deny(tx: &mut Transaction<'_>, params: &ApprovalParams) -> Attempt<SessionHead> {
    tx.override_holder();
    change(tx, params, &|draft| {
        draft.deny(params.by.as_ref(), params.reason.as_ref())
    })
}

async fn list(context: &Context, params: AgentListParams) -> Result<SessionPage> {
    let now = context.call().now;
    let order = Order::default();
    let after = params.cursor.as_ref();
    let after = after.map(|cursor| Position::from_cursor(cursor.as_str(), order));
    let limit = page_limit(params.limit, DEFAULT_SESSIONS)?;
    let resumable = params.resumable.unwrap_or(false);
    for (name, is_given) in [
        ("idle", params.idle.is_some()),
        ("maxErrors", params.max_errors.is_some()),
    ] {
        if is_given && !resumable {
            return Err(Error::invalid(name, "expected `resumable: true` with it"));
        }
    }
    let policy = resumable.then(|| Policy::from(&params));
    let mut query = ListQuery {
        filter: filter(now, &params, policy),
        order,
        after: after.transpose()?,
        offset: 0,
        limit,
        max_bytes: MAX_PAGE_BYTES,
    };
    let selects = |head: &Head, is_missing: bool| {
        let decide = |policy| resume::decide(Candidate::Session(head), policy, now);
        policy.is_none_or(|policy| decide(policy).resume && !is_missing)
    };
    let mut reply = SessionPage {
        items: Vec::new(),
        next_cursor: None,
        problems: Vec::new(),
    };
    for _ in 0..MAX_ROUNDS {
        let page = context.list(&query).await?;
        reply.problems.extend(page.problems);
        let mut more = page.more;
        let missing = missing_models(context, &page.heads).await?;
        let mut heads = page.heads.into_iter().zip(missing);
        for (head, is_missing) in heads.by_ref() {
            query.after = Some(order.position(&head));
            if selects(&head, is_missing) {
                reply.items.push(SessionHead::marked(head, is_missing));
            }
            if reply.items.len() >= limit as usize {
                break;
            }
        }
        more |= heads.len() > 0;
        let cursor = query.after.as_ref().filter(|_| more);
        reply.next_cursor = cursor.map(|after| after.to_cursor(order));
        if !more || reply.items.len() >= limit as usize {
            break;
        }
    }
    Ok(reply)
}

/// The agents that a list is about. Of those that are to be resumed it holds all, and a few others.
fn filter(now: Timestamp, params: &AgentListParams, policy: Option<Policy>) -> Filter {
    let active_only = params.active_only.unwrap_or(false);
    let phases = Phase::ALL.into_iter();
    let phases = phases.filter(|phase| !active_only || !phase.is_final());
    let all = || Filter {
        phase: Some(phases.collect()),
        ..Filter::default()
    };
    Filter {
        mode: params.agent_name.as_ref().map(Text::to_string),
        ..policy.map_or_else(all, |policy| policy.filter(now))
    }
}
