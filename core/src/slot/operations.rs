//! The operations on slots. Starting a session in a slot looks up its occupant, makes the
//! [decision](super::decision), and writes the new session, its claim and the superseded session in one
//! commit.

use crate::error::{Error, Result};

use crate::session::claim;

use crate::session::params::MAX_TASKS;

use crate::store::ListQuery;
use crate::store::filter::{Filter, Order};
use crate::stored::head::Head;

use crate::stored::slot::{SlotPhase, checked_task, slot_phase};

use crate::value::limits::{MAX_PAGE, MAX_PAGE_BYTES};
use crate::value::text::Text;

use crate::work::context::Context;
use crate::work::operation::Group;
use crate::work::transaction::{Attempt, Transaction};

use super::params::{
    LatestSessionParams, SlotPhaseParams, SlotSession, SlotStart, SlotsParams, StartInSlotParams,
};
use super::start::start_alone;

/// Tasks whose slots are looked up one by one; of more tasks, one list is fewer calls, also where it
/// reads every session.
const FEW_TASKS: usize = 4;

crate::operations! {
    Group::Slots;
    /// Starts a session in a slot. A task has a slot for each phase, and one session outside of the
    /// trash occupies it. The outcome is `created`; `existing` if one with this model is there;
    /// `needs_confirmation`, `replaced` or `rejected` if one with another model is, or if this one is to be
    /// replaced on request; `busy` if another
    /// call is changing it. A session that has failed, timed out or was abandoned is replaced without
    /// confirmation.
    START_IN_SLOT = Write "startInSlot" (StartInSlotParams) -> SlotStart, steps start_in_slot,
        r#"{"taskId":"t","phase":"plan","model":{"name":"m","version":"1","params":{"a":1},"significant":["a"]},"task":"t","mode":"m","id":"new","userId":"u","channelId":"c","workspace":"w","maxIterations":3,"context":{"a":1},"metadata":{"b":2},"paused":true,"pauseReason":"r","onModelChange":"confirm","confirm":{"id":"s","version":1},"rerun":true,"replace":true,"exportOld":true,"locking":"pessimistic"}"#;
    /// The session in a slot, and whether its model is missing; `null` if the slot is free.
    LATEST_SESSION = Read "latestSession" (LatestSessionParams) -> Option<SlotSession>,
        unit latest_session,
        r#"{"taskId":"t","phase":"run"}"#;
    /// The sessions in the slots of tasks, by task and phase.
    SLOTS = Read "slots" (SlotsParams) -> Vec<SlotSession>, steps slots,
        r#"{"taskIds":["t"]}"#;
    /// The phase of a slot that a session's title names before its colon; `null` if it names none.
    SLOT_PHASE = Read "slotPhase" (SlotPhaseParams) -> Option<SlotPhase>, unit title_phase,
        r#"{"title":"Plan: t"}"#;
}

async fn start_in_slot(context: &Context, params: StartInSlotParams) -> Result<SlotStart> {
    start_alone(context, &params, None).await
}

fn latest_session(
    tx: &mut Transaction<'_>,
    params: &LatestSessionParams,
) -> Attempt<Option<SlotSession>> {
    let task = checked_task(params.task_id.as_str())?;
    let occupant = claim::confirmed_occupant(tx, task, params.phase)?;
    Ok(occupant.map(|head| with_model(tx, head)))
}

fn with_model(tx: &mut Transaction<'_>, head: Head) -> SlotSession {
    let is_missing = tx.lacks_model_of(&head);
    SlotSession::new(head, is_missing)
}

async fn slots(context: &Context, params: SlotsParams) -> Result<Vec<SlotSession>> {
    let tasks = params.task_ids.0;
    if tasks.len() > MAX_TASKS {
        let problem = format!("expected {MAX_TASKS} tasks at most, got {}", tasks.len());
        return Err(Error::invalid("taskIds", problem));
    }
    let mut tasks: Vec<String> = tasks.into_iter().map(Text::into_string).collect();
    tasks.sort_unstable();
    tasks.dedup();
    let mut found = match tasks.len() <= FEW_TASKS {
        true => context.transact(|tx| occupants(tx, &tasks)).await?,
        false => listed(context, tasks).await?,
    };
    found.sort_by_cached_key(|head| {
        let slot = head.slot.as_ref();
        slot.map(|slot| (slot.task_id.clone(), slot.phase))
    });
    let found = &found;
    context
        .transact(|tx| {
            let heads = found.iter().cloned();
            Ok(heads.map(|head| with_model(tx, head)).collect())
        })
        .await
}

/// The sessions in the slots of few tasks, by the records of their slots.
fn occupants(tx: &mut Transaction<'_>, tasks: &[String]) -> Attempt<Vec<Head>> {
    let slots = tasks.iter().flat_map(|task| {
        let phases = SlotPhase::ALL.into_iter();
        phases.map(move |phase| (task.as_str(), phase))
    });
    claim::read_ahead(tx, slots.clone())?;
    let mut found = Vec::new();
    for (task, phase) in slots {
        found.extend(claim::confirmed_occupant(tx, task, phase)?);
    }
    Ok(found)
}

/// The sessions in the slots of many tasks, by a list.
async fn listed(context: &Context, tasks: Vec<String>) -> Result<Vec<Head>> {
    let mut query = ListQuery {
        filter: Filter {
            task_ids: Some(tasks),
            ..Filter::default()
        },
        order: Order::default(),
        after: None,
        offset: 0,
        limit: MAX_PAGE,
        max_bytes: MAX_PAGE_BYTES,
    };
    let mut found = Vec::new();
    loop {
        let page = context.list(&query).await?;
        query.after = page.heads.last().map(|head| query.order.position(head));
        found.extend(page.heads);
        // A page ends early where sessions are large.
        if !page.more || query.after.is_none() {
            return Ok(found);
        }
    }
}

fn title_phase(_: &mut Transaction<'_>, params: &SlotPhaseParams) -> Attempt<Option<SlotPhase>> {
    Ok(slot_phase(params.title.as_str()))
}
