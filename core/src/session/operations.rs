//! The operations that change one session. Each is a unit of work: it reads the session, applies its
//! steps to a [`Draft`](super::draft::Draft), and writes the result.

use crate::audit::removal::Actor;
use crate::error::{Cause, Error};
use crate::lease::operations::{acquire, runner_read};
use crate::lease::params::{LeaseAcquireParams, LeaseOutcome};
use crate::store::Read;
use crate::store::{History, Loaded};
use crate::stored::lease::Lease;
use crate::stored::status::Status;
use crate::value::id::SessionId;
use crate::work::operation::Group;
use crate::work::transaction::{Attempt, Transaction, none_if_unreadable};

use super::change::{
    append, append_moving, change, change_anywhere, change_with_model, check_model, create,
    existing, generate_agent_id, new_id, not_found, store_key,
};
use super::draft::Draft;
use super::forked_history::ForkedHistory;
use super::params::{
    AbandonParams, AddEventParams, AddEventsParams, ChangeOnly, ChangeParams, CompleteParams,
    DeleteParams, FailParams, ForkParams, HoldParams, IfActive, ImportParams,
    IncrementIterationParams, PauseParams, RecordLearningParams, RecordToolCallParams,
    RecordUsageParams, ResumeParams, StartParams, UpdateContextParams, UpdateParams,
};
use super::read::check_history;
use super::replies::Appended;
use super::view::{Session, SessionHead};
use super::{bulk, claim, portable};

crate::operations! {
    Group::Sessions;
    /// Starts a session. Its first event is `start`.
    START = Write "start" (StartParams) -> Session, unit start,
        r#"{"task":"t","mode":"m","id":"new","userId":"u","channelId":"c","workspace":"w","maxIterations":3,"context":{"a":1},"metadata":{"b":2},"paused":true,"pauseReason":"r","parentId":"p","idempotencyKey":"k"}"#;
    /// Updates the description of a session. Only a change of the context is recorded, by the event
    /// `context_change`.
    UPDATE = Write "update" (UpdateParams) -> SessionHead, unit update,
        r#"{"id":"s","ifVersion":4,"idempotencyKey":"k","token":1,"task":"t","mode":"m","workspace":"w","userId":"u","channelId":null,"maxIterations":10,"context":{"a":1},"metadata":{"b":2}}"#;
    /// Pauses a session: `pausedAt` and `pauseReason` appear in its context.
    PAUSE = Write "pause" (PauseParams) -> SessionHead, unit pause,
        r#"{"id":"s","ifVersion":4,"idempotencyKey":"k","token":1,"reason":"r","data":{"a":1}}"#;
    /// Resumes a session that is paused or out of iterations, or recovers an active one whose runner has
    /// ended. The event carries `pausedDuration` in milliseconds.
    RESUME = Write "resume" (ResumeParams) -> SessionHead, unit resume,
        r#"{"id":"s","ifVersion":4,"idempotencyKey":"k","token":1,"addIterations":1,"ifActive":"recover","ifExhausted":"timeout","override":true}"#;
    /// Completes a session with a result.
    COMPLETE = Write "complete" (CompleteParams) -> SessionHead, unit complete,
        r#"{"id":"s","ifVersion":4,"idempotencyKey":"k","token":1,"result":"r","resultData":{"a":1},"ifFinished":"keep","override":true}"#;
    /// Fails a session with an error.
    FAIL = Write "fail" (FailParams) -> SessionHead, unit fail,
        r#"{"id":"s","ifVersion":4,"idempotencyKey":"k","token":1,"error":"e","stack":"s","ifFinished":"keep"}"#;
    /// Abandons a session.
    ABANDON = Write "abandon" (AbandonParams) -> SessionHead, unit abandon,
        r#"{"id":"s","ifVersion":4,"idempotencyKey":"k","token":1,"reason":"r"}"#;
    /// Records an event. A lifecycle type also has the effect of its operation.
    ADD_EVENT = Write "addEvent" (AddEventParams) -> Appended, unit add_event,
        r#"{"id":"s","ifVersion":4,"idempotencyKey":"k","token":1,"type":"note","data":{"a":1}}"#;
    /// Records several events in one commit, all or none.
    ADD_EVENTS = Write "addEvents" (AddEventsParams) -> Appended, unit add_events,
        r#"{"id":"s","ifVersion":4,"idempotencyKey":"k","token":1,"events":[{"type":"note","data":{"a":1}}]}"#;
    /// Counts an iteration. The last one of the budget makes the session `timeout`.
    INCREMENT_ITERATION = Write "incrementIteration" (IncrementIterationParams) -> Appended,
        unit increment_iteration,
        r#"{"id":"s","ifVersion":4,"idempotencyKey":"k","token":1,"data":{"a":1}}"#;
    /// Records a tool call, and adds the tool to `metadata.toolsUsed`.
    RECORD_TOOL_CALL = Write "recordToolCall" (RecordToolCallParams) -> Appended,
        unit record_tool_call,
        r#"{"id":"s","ifVersion":4,"idempotencyKey":"k","token":1,"tool":"t","args":[1],"result":2}"#;
    /// Records a learning of the agent.
    RECORD_LEARNING = Write "recordLearning" (RecordLearningParams) -> Appended,
        unit record_learning,
        r#"{"id":"s","ifVersion":4,"idempotencyKey":"k","token":1,"insight":"i","expertiseFile":"f"}"#;
    /// Adds tokens and cost to `metadata.tokens` and `metadata.cost`; statistics sum them.
    RECORD_USAGE = Write "recordUsage" (RecordUsageParams) -> SessionHead, unit record_usage,
        r#"{"id":"s","ifVersion":4,"idempotencyKey":"k","token":1,"tokens":{"prompt":1,"completion":2,"cached":1,"reasoning":1},"cost":0.1}"#;
    /// Merges properties into the context, or replaces it. The event `context_change` records what has
    /// changed, so that a fork can begin before it.
    UPDATE_CONTEXT = Write "updateContext" (UpdateContextParams) -> SessionHead,
        unit update_context,
        r#"{"id":"s","ifVersion":4,"idempotencyKey":"k","token":1,"context":{"a":1},"unset":["b"],"replace":false,"record":"all"}"#;
    /// Holds a session: acquires its lease, so that no other writer runs it. The outcome is `acquired`,
    /// or `held` if it is held, also by the same holder. The token of the lease is the `token` of writes.
    HOLD = Write "hold" (HoldParams) -> LeaseOutcome, unit hold,
        r#"{"id":"s","holder":"h","leaseDurationMs":1000,"data":{"a":1}}"#;
    /// Deletes a session, also one that cannot be read.
    DELETE = Write "delete" (DeleteParams) -> (), unit delete,
        r#"{"id":"s","trash":"include","token":1}"#;
    /// Puts a session into the trash: it leaves lists and statistics and takes no changes.
    TRASH = Write "trash" (ChangeOnly) -> SessionHead, unit trash,
        r#"{"id":"s","ifVersion":4,"idempotencyKey":"k","token":1}"#;
    /// Restores a session from the trash.
    RESTORE = Write "restore" (ChangeOnly) -> SessionHead, unit restore,
        r#"{"id":"s","ifVersion":4,"idempotencyKey":"k","token":1}"#;
    /// Writes a session that was exported, in place of one that has its id, or only if there is none.
    IMPORT = Write "import" (ImportParams) -> SessionHead, unit import,
        r#"{"text":"{\"id\":\"s\",\"mode\":\"m\",\"task\":\"t\",\"status\":\"active\",\"createdAt\":0}","replace":true,"token":1}"#;
    /// Starts a new session with a copy of another one's history.
    FORK = Write "fork" (ForkParams) -> Session, unit fork,
        r#"{"id":"s","newId":"f","atSequence":2,"task":"t","maxIterations":9,"context":{"a":1}}"#;
}

/// The remedy where a session is kept as it is, and iterations were to be added.
const ADDED_TO_KEPT: &str = "expected no `ifActive: \"keep\"` with it for an active session";

fn start(tx: &mut Transaction<'_>, params: &StartParams) -> Attempt<Session> {
    let id = new_id(tx, params.id.as_ref())?;
    let key = store_key(tx, params.idempotency_key.as_ref())?;
    let draft = Draft::start(id, params, tx.now(), tx.limits())?;
    create(tx, draft, key.as_ref())
}

fn update(tx: &mut Transaction<'_>, params: &UpdateParams) -> Attempt<SessionHead> {
    let steps = |draft: &mut Draft<'_>| draft.update(params);
    match params.context {
        // As `updateContext`.
        Some(_) => change_with_model(tx, params, &steps),
        None => change(tx, params, &steps),
    }
}

fn pause(tx: &mut Transaction<'_>, params: &PauseParams) -> Attempt<SessionHead> {
    change(tx, params, &|draft| {
        draft.pause(params.reason.as_ref(), params.data.clone())
    })
}

fn resume(tx: &mut Transaction<'_>, params: &ResumeParams) -> Attempt<SessionHead> {
    let keeps = params.if_active == Some(IfActive::Keep);
    let id = params.target()?.id;
    if !keeps {
        // Recovering an active session moves it nowhere, and needs its lease all the same.
        tx.read_all([Read::head(&id), runner_read(&id)])?;
        existing(tx, &id)?;
        tx.present(params.token, &id)?;
        tx.fence(&id)?;
    }
    change_with_model(tx, params, &|draft| {
        draft.override_approval(params.r#override, "resume");
        if keeps && draft.head().status == Status::Active {
            draft.check_approved()?;
            return match params.add_iterations {
                None | Some(0) => Ok(()),
                Some(_) => Err(Error::invalid("addIterations", ADDED_TO_KEPT)),
            };
        }
        let if_exhausted = params.if_exhausted.unwrap_or_default();
        draft.resume(params.add_iterations, if_exhausted, None)
    })
}

fn complete(tx: &mut Transaction<'_>, params: &CompleteParams) -> Attempt<SessionHead> {
    change(tx, params, &|draft| {
        if draft.keeps_finished(params.if_finished) {
            return Ok(());
        }
        draft.override_approval(params.r#override, "complete");
        draft.complete(params.result.as_ref(), params.result_data.as_ref(), None)
    })
}

fn fail(tx: &mut Transaction<'_>, params: &FailParams) -> Attempt<SessionHead> {
    change(tx, params, &|draft| {
        if draft.keeps_finished(params.if_finished) {
            return Ok(());
        }
        draft.fail_with_stack(params.error.as_ref(), params.stack.as_ref())
    })
}

fn abandon(tx: &mut Transaction<'_>, params: &AbandonParams) -> Attempt<SessionHead> {
    change(tx, params, &|draft| {
        draft.abandon(params.reason.as_ref(), None)
    })
}

fn add_event(tx: &mut Transaction<'_>, params: &AddEventParams) -> Attempt<Appended> {
    append(tx, params, &|draft| {
        draft.record(params.r#type.as_str(), params.data.clone())
    })
}

fn add_events(tx: &mut Transaction<'_>, params: &AddEventsParams) -> Attempt<Appended> {
    let count = params.events.len();
    let most = tx.limits().max_batch as usize;
    if count == 0 || count > most {
        let problem = format!("expected 1 to {most} events, got {count}");
        return Err(Error::invalid("events", problem).into());
    }
    append(tx, params, &|draft| {
        let mut events = params.events.iter();
        events.try_for_each(|event| draft.record(event.r#type.as_str(), event.data.clone()))
    })
}

fn increment_iteration(
    tx: &mut Transaction<'_>,
    params: &IncrementIterationParams,
) -> Attempt<Appended> {
    append_moving(tx, params, &|draft| draft.iterate(params.data.clone()))
}

fn record_tool_call(tx: &mut Transaction<'_>, params: &RecordToolCallParams) -> Attempt<Appended> {
    append(tx, params, &|draft| {
        draft.tool_call(&params.tool, params.args.as_ref(), params.result.as_ref())
    })
}

fn record_learning(tx: &mut Transaction<'_>, params: &RecordLearningParams) -> Attempt<Appended> {
    append(tx, params, &|draft| {
        draft.learning(&params.insight, params.expertise_file.as_ref())
    })
}

fn record_usage(tx: &mut Transaction<'_>, params: &RecordUsageParams) -> Attempt<SessionHead> {
    let tokens = params.tokens.clone().unwrap_or_default();
    change(tx, params, &|draft| draft.add_usage(&tokens, params.cost))
}

fn update_context(tx: &mut Transaction<'_>, params: &UpdateContextParams) -> Attempt<SessionHead> {
    let record = params.record.unwrap_or_default();
    change_with_model(tx, params, &|draft| match (params.replace, &params.unset) {
        (Some(true), Some(_)) => Err(Error::invalid("unset", "expected no `replace` with it")),
        (Some(true), None) => draft.replace_context(params.context.clone(), record),
        (_, unset) => {
            let unset = unset.as_deref().unwrap_or_default();
            draft.edit_context(unset, &params.context, record)
        }
    })
}

fn hold(tx: &mut Transaction<'_>, params: &HoldParams) -> Attempt<LeaseOutcome> {
    let id = SessionId::parse(params.id.as_str())?;
    tx.read_all([Read::head(&id), runner_read(&id)])?;
    if existing(tx, &id)?.deleted_at.is_some() {
        return Err(Cause::SessionDeleted { id: id.to_string() }.into());
    }
    let params = LeaseAcquireParams {
        key: Lease::session_key(&id).into(),
        holder: params.holder.clone(),
        lease_duration_ms: params.lease_duration_ms,
        data: params.data.clone(),
        once: Some(true),
    };
    acquire(tx, &params)
}

fn delete(tx: &mut Transaction<'_>, params: &DeleteParams) -> Attempt<()> {
    let id = SessionId::parse(params.id.as_str())?;
    bulk::delete(tx, &id, params.trash, params.token)
}

fn trash(tx: &mut Transaction<'_>, params: &ChangeOnly) -> Attempt<SessionHead> {
    change_anywhere(tx, params, &|draft| {
        draft.trash(Some(Actor::User));
        Ok(())
    })
}

fn restore(tx: &mut Transaction<'_>, params: &ChangeOnly) -> Attempt<SessionHead> {
    change_anywhere(tx, params, &|draft| {
        draft.restore();
        Ok(())
    })
}

fn import(tx: &mut Transaction<'_>, params: &ImportParams) -> Attempt<SessionHead> {
    let imported = portable::read(params.text.as_str())?.checked(tx.limits())?;
    let mut head = imported.head;
    if params.replace == Some(false) && tx.head(&head.id)?.is_some() {
        let id = head.id.to_string();
        return Err(Cause::SessionExists { id }.into());
    }
    // One that cannot be read has no version to go by.
    if let Some(stored) = none_if_unreadable(tx.head(&head.id))? {
        tx.present(params.token, &head.id)?;
        head = stored.replaced_by(head)?;
        // A version never returns, or an `ifVersion` from before would match.
        head.version = head.version.max(stored.version + 1);
    }
    claim::claim(tx, &head)?;
    tx.write(head.clone(), imported.events, true)?;
    Ok(head.into())
}

fn fork(tx: &mut Transaction<'_>, params: &ForkParams) -> Attempt<Session> {
    let given = params.new_id.as_ref();
    let given = given.map(|id| SessionId::parse(id.as_str())).transpose()?;
    let parent = SessionId::parse(params.id.as_str())?;
    let parent = tx.loaded(&parent, History::All)?.cloned();
    let Loaded { head, events } = parent.ok_or_else(|| not_found(params.id.as_str()))?;
    check_model(tx, &head)?;
    let id = given.unwrap_or_else(|| match head.agent {
        Some(_) => generate_agent_id(tx),
        None => SessionId::generate(tx.now(), tx.entropy()),
    });
    let last = head.event_count;
    let at = params.at_sequence.unwrap_or(last);
    if at > last {
        let problem = format!("expected at most {last}, the last event");
        return Err(Error::invalid("atSequence", problem).into());
    }
    let history = ForkedHistory::at(events, at);
    // The reply has the copied history, and is made after the commit.
    check_history(&history.copied, tx.limits())?;
    let draft = Draft::fork(id, head, history, params, tx.now(), tx.limits())?;
    create(tx, draft, None)
}
