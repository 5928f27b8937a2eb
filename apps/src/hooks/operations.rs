//! The operations behind an agent's hooks. An error of the store is a reason in the reply, and never an
//! error of the operation.

use tenure_core::agent::resume::{self, Candidate, Policy};
use tenure_core::error::{Cause, Error, Result, cut};
use tenure_core::session::change::change;
use tenure_core::session::params::ChangeOnly;
use tenure_core::session::read::missing_models;
use tenure_core::store::filter::{Direction, Filter, Order, OrderBy};
use tenure_core::store::{History, ListQuery, Loaded};
use tenure_core::stored::head::Head;
use tenure_core::stored::phase::Phase;
use tenure_core::value::fingerprint::Fingerprint;
use tenure_core::value::id::SessionId;
use tenure_core::value::json::{Json, Object};
use tenure_core::value::limits::MAX_PAGE_BYTES;
use tenure_core::value::text::Text;
use tenure_core::work::context::Context;
use tenure_core::work::operation::Group;
use tenure_core::work::transaction::{Attempt, Transaction};

use super::host::{MAX_CANDIDATES, Options, answer};
use super::request::{
    FinalizePolicy, Hook, HookEventParams, HookPreDelegateParams, HookReply,
    HookSubagentStopParams, NO_EVENT, ReplyReason, Request, TASK_ID, invalid, is_waiting,
};

tenure_core::operations! {
    Group::Hooks;
    /// The reply of the hook before a task is handed to an agent: whether the task resumes a session,
    /// and which. Without the id of one it is the session of the same agent and the same `task_id`
    /// that was active last, if it can be resumed and is among the last 100 of the agent.
    HOOK_PRE_DELEGATE = Write "hookPreDelegate" (HookPreDelegateParams) -> HookReply,
        steps pre_delegate,
        r#"{"input":"{\"agent_id\": \"s\"}","idle":"30m","maxErrors":3}"#;
    /// The reply of the hook after an agent has stopped: it is finalized, by its exit code. An agent that
    /// stopped without an error stays as it is while it is paused, or ready to be resumed.
    HOOK_SUBAGENT_STOP = Write "hookSubagentStop" (HookSubagentStopParams) -> HookReply,
        steps subagent_stop,
        r#"{"input":"{\"agent_id\": \"s\"}","finalize":"always"}"#;
    /// The reply to an event of a host that names it, such as Claude Code, in the form of this host: the
    /// conversation has a session with its id, and each agent to which it hands a task has one, which is
    /// resumed if it waits. Events that say nothing about these are answered with `{}`.
    HOOK_EVENT = Write "hookEvent" (HookEventParams) -> HookReply, steps event,
        r#"{"input":"{\"hook_event_name\": \"SessionStart\"}","idle":"30m","maxErrors":3,"finalize":"always"}"#;
}

async fn event(context: &Context, params: HookEventParams) -> Result<HookReply> {
    let request = match Request::read(Hook::Event, params.input.as_str()) {
        Ok(request) => request,
        Err(reply) => return Ok(reply),
    };
    let Some(payload) = &request.payload else {
        return Ok(invalid(Hook::Event, NO_EVENT));
    };
    let options = Options {
        policy: Policy::new(params.idle, params.max_errors),
        finalize: params.finalize.unwrap_or_default(),
    };
    Ok(answer(context, payload, options).await)
}

async fn pre_delegate(context: &Context, params: HookPreDelegateParams) -> Result<HookReply> {
    let request = match Request::read(Hook::PreDelegate, params.input.as_str()) {
        Ok(request) => request,
        Err(reply) => return Ok(reply),
    };
    let policy = Policy::new(params.idle, params.max_errors);
    if let Some(payload) = &request.payload {
        let finalize = FinalizePolicy::default();
        return Ok(answer(context, payload, Options { policy, finalize }).await);
    }
    let (reason, found) = match delegation(context, &request, policy).await {
        Ok(found) => found,
        Err(error) => return Ok(request.delegated(&ReplyReason::trouble(&error), None)),
    };
    let call = context.call();
    let nonce = Fingerprint::of("hook", call.entropy.bits()).text();
    let head = found.as_ref().map(|found| &found.loaded.head);
    let entry = request.entry(&reason, head, call.now, &nonce);
    let entered = context
        .transact(|tx| {
            tx.enter(entry.to_record());
            Ok(())
        })
        .await;
    let reason = match entered {
        Ok(()) => reason,
        // The decision is valid without its audit entry.
        Err(error) => reason.not_entered(&error),
    };
    let resumed = found.as_ref().filter(|found| found.resumed);
    let resumed = resumed.map(|found| (&found.loaded.head, found.loaded.events.as_slice()));
    Ok(request.delegated(&reason, resumed))
}

/// The session that a task would resume.
struct Delegation {
    loaded: Loaded,
    resumed: bool,
}

/// Finds the session that a task resumes, and decides.
async fn delegation(
    context: &Context,
    request: &Request,
    policy: Policy,
) -> Result<(ReplyReason, Option<Delegation>)> {
    let id = match &request.agent_id {
        Some(id) => SessionId::parse(id).ok(),
        None => match (&request.agent_name, &request.task_id) {
            (Some(agent), Some(task)) => {
                let found = session_of_task(context, agent, task, policy).await?;
                if found.is_none() {
                    let message = "no session of this agent for this task can be resumed";
                    return Ok((ReplyReason::nothing("not_found", message), None));
                }
                found
            }
            _ => {
                let message = "the input names no agent_id, nor an agent_name and a task_id";
                return Ok((ReplyReason::nothing("no_agent_id", message), None));
            }
        },
    };
    let Some(id) = id else {
        let message = "the agent_id is not a valid session id";
        return Ok((ReplyReason::nothing("invalid_id", message), None));
    };
    let now = context.call().now;
    let decide = |candidate: Candidate<'_>| resume::decide(candidate, policy, now);
    let decided = |candidate: Candidate<'_>| ReplyReason::decided(&decide(candidate));
    // Its history is read only if it is needed.
    match context.load(&id, History::None).await {
        Ok(None) => return Ok((decided(Candidate::Nothing), None)),
        Err(error) if error.is_corrupt_session() => {
            return Ok((decided(Candidate::Unreadable), None));
        }
        Err(error) => return Err(error),
        Ok(Some(loaded)) => {
            let missing = missing_models(context, std::slice::from_ref(&loaded.head)).await?;
            let decision = decide(Candidate::Session(&loaded.head));
            let decision = decision.unless_model(missing.contains(&true));
            if !decision.resume {
                let reason = ReplyReason::decided(&decision);
                let resumed = false;
                return Ok((reason, Some(Delegation { loaded, resumed })));
            }
        }
    }
    match context.load(&id, History::All).await? {
        None => Ok((decided(Candidate::Nothing), None)),
        Some(loaded) => {
            let decision = decide(Candidate::Session(&loaded.head));
            let reason = ReplyReason::decided(&decision);
            let resumed = decision.resume;
            Ok((reason, Some(Delegation { loaded, resumed })))
        }
    }
}

/// The session of an agent and a task that was active last, of those that can be resumed, or of those
/// that wait for an approval.
async fn session_of_task(
    context: &Context,
    agent: &str,
    task: &Json,
    policy: Policy,
) -> Result<Option<SessionId>> {
    let now = context.call().now;
    let query = ListQuery {
        filter: Filter {
            mode: Some(agent.to_owned()),
            ..policy.filter(now)
        },
        order: Order {
            by: OrderBy::UpdatedAt,
            direction: Direction::Desc,
        },
        after: None,
        offset: 0,
        limit: MAX_CANDIDATES,
        max_bytes: MAX_PAGE_BYTES,
    };
    let has_task = |head: &Head| {
        let metadata = head.metadata.clone().unwrap_or_default();
        let known = Object::parse(&metadata).read::<Json>(TASK_ID);
        known.is_some_and(|known| known.compact() == *task)
    };
    let page = context.list(&query).await?;
    let heads: Vec<Head> = page.heads.into_iter().filter(has_task).collect();
    let resumable = |head: &&Head| resume::decide(Candidate::Session(head), policy, now).resume;
    let found = heads.iter().find(resumable);
    // The reply says that the task waits for an approval.
    let found = found.or_else(|| heads.iter().find(|head| head.awaits_approval()));
    Ok(found.map(|head| head.id.clone()))
}

async fn subagent_stop(context: &Context, params: HookSubagentStopParams) -> Result<HookReply> {
    let request = match Request::read(Hook::SubagentStop, params.input.as_str()) {
        Ok(request) => request,
        Err(reply) => return Ok(reply),
    };
    let finalize = params.finalize.unwrap_or_default();
    if let Some(payload) = &request.payload {
        let policy = Policy::default();
        return Ok(answer(context, payload, Options { policy, finalize }).await);
    }
    let outcome = request.outcome();
    let Some(id) = &request.agent_id else {
        let reason = ReplyReason::nothing("no_agent_id", "the input names no agent_id");
        return Ok(request.stopped(&reason, false, None));
    };
    let limits = &context.call().limits;
    let summary = request.summary();
    let summary = summary.map(|summary| match limits.text("summary", Some(&summary)) {
        Ok(()) => summary,
        Err(_) => cut(summary.into_string()).into(),
    });
    let target = ChangeOnly {
        id: Text::from(id.as_str()),
        ..ChangeOnly::default()
    };
    let waits = outcome == Phase::Completed && finalize == FinalizePolicy::Auto;
    let stopped = context
        .transact(|tx| stop(tx, &target, outcome, summary.as_ref(), waits))
        .await;
    let before = match stopped {
        Ok(before) => before,
        Err(error) => return Ok(request.stopped(&not_stopped(&error), false, None)),
    };
    Ok(match before {
        Some(head) if waits && is_waiting(&head) => {
            request.stopped(&ReplyReason::waiting(&head), false, None)
        }
        Some(head) if head.status.is_finished() => {
            let reason = ReplyReason::ended_before("the agent's work had ended in this way before");
            request.stopped(&reason, true, Some(outcome))
        }
        _ => request.stopped(&ReplyReason::finalized(), true, Some(outcome)),
    })
}

/// Finalizes an agent that has stopped, unless it may wait and does. Returns its head before.
fn stop(
    tx: &mut Transaction<'_>,
    target: &ChangeOnly,
    outcome: Phase,
    summary: Option<&Text>,
    waits: bool,
) -> Attempt<Option<Head>> {
    let id = SessionId::parse(target.id.as_str())?;
    let before = tx.head(&id)?;
    change(tx, target, &|draft| {
        if waits && is_waiting(draft.head()) {
            return Ok(());
        }
        draft.finalize(outcome, summary)
    })?;
    Ok(before)
}

/// The reason why an agent could not be finalized.
fn not_stopped(error: &Error) -> ReplyReason {
    match error.cause() {
        Cause::InvalidPhase { .. } => ReplyReason::ended_before(&error.to_string()),
        Cause::ApprovalPending { .. } => ReplyReason::refused("session_waiting", error),
        Cause::SessionHeld { .. } => ReplyReason::refused("session_held", error),
        Cause::SessionNotFound { .. } | Cause::SessionDeleted { .. } => {
            ReplyReason::nothing("not_found", &error.to_string())
        }
        Cause::InvalidId { .. } => ReplyReason::nothing("invalid_id", &error.to_string()),
        _ => ReplyReason::trouble(error),
    }
}
