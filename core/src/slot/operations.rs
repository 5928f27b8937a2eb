//! The operations on slots. Starting a session in a slot looks up the session that occupies it, lets
//! the [decision](super::decision) be made, and writes the new session, its claim, and the superseded
//! one in one commit.

use std::collections::BTreeSet;

use crate::error::{Error, Result};
use crate::lease;
use crate::lease::decision::{Holder, Outcome, Request};
use crate::session::change::new_id;
use crate::session::claim;
use crate::session::draft::{Draft, Finished};
use crate::session::params::MAX_TASKS;
use crate::session::portable;
use crate::store::filter::{Filter, Order};
use crate::store::{History, ListQuery, Loaded};
use crate::stored::head::Head;
use crate::stored::model;
use crate::stored::slot::{Slot, SlotPhase, checked_task, slot_phase};
use crate::stored::status::Status;
use crate::value::id::SessionId;
use crate::value::limits::{MAX_PAGE, MAX_PAGE_BYTES};
use crate::value::text::Text;
use crate::value::time::Millis;
use crate::work::context::Context;
use crate::work::operation::Group;
use crate::work::transaction::{Attempt, Stop, Transaction};

use super::bulk::start_in_slots;
use super::decision::{Asked, Decision, ReplaceReason, decide, replacement};
use super::params::{
    LatestSessionParams, SlotAnswer, SlotCancelled, SlotCode, SlotLocking, SlotPhaseParams,
    SlotSession, SlotStart, SlotsParams, StartInSlotParams, StartInSlotsParams,
};

/// How long the lease of a slot lasts, that keeps other pending starts from it.
const LOCK: Millis = Millis(5000);
/// Tasks whose slots are looked up one by one; of more tasks, one list is fewer calls, also where it
/// reads every session.
const FEW_TASKS: usize = 4;

crate::operations! {
    Group::Slots;
    /// Starts a session in a slot. A task has a slot for each phase, and one session outside of the
    /// trash occupies it. The outcome is `created`; `existing` if one with this model is there;
    /// `needs_confirmation`, `replaced` or `rejected` if one with another model is; `busy` if another
    /// call is changing it. A session that has failed, timed out or was abandoned is replaced without
    /// confirmation.
    START_IN_SLOT = Write "startInSlot" (StartInSlotParams) -> SlotStart, steps start_in_slot,
        r#"{"taskId":"t","phase":"plan","model":{"name":"m","version":"1","params":{"a":1},"significant":["a"]},"task":"t","mode":"m","id":"new","userId":"u","channelId":"c","workspace":"w","maxIterations":3,"context":{"a":1},"metadata":{"b":2},"paused":true,"pauseReason":"r","onModelChange":"confirm","confirm":{"id":"s","version":1},"rerun":true,"exportOld":true,"locking":"pessimistic"}"#;
    /// Starts sessions in slots, 100 at most, as many as possible in one commit. Each reply is that of
    /// `startInSlot` for it alone, in the order of the call, or `failed` with the code of an error.
    START_IN_SLOTS = WriteMany "startInSlots" (StartInSlotsParams) -> Vec<SlotAnswer>,
        steps start_in_slots,
        r#"{"starts":[{"taskId":"t","phase":"run","model":"a","task":"t","mode":"m"},{"taskId":"u","phase":"run","model":"a","task":"t","mode":"m","id":"s"},{"taskId":"","phase":"run","model":"a","task":"t","mode":"m"}]}"#;
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

/// Starts a session in a slot by a commit of its own. `entropy` makes its id, unless the call's own
/// does.
///
/// # Errors
/// `MODEL_MISSING`, `SESSION_EXISTS`, `STORE_BUSY`, those of the parameters, the limits and the store.
pub(super) async fn start_alone(
    context: &Context,
    params: &StartInSlotParams,
    entropy: Option<[u8; 16]>,
) -> Result<SlotStart> {
    if params.locking.unwrap_or_default() == SlotLocking::Optimistic {
        return context
            .transact(|tx| start(tx, &Start::new(tx, params, entropy)?, None))
            .await;
    }
    let call = context.call();
    // A process would hold the lease for as long as it runs, even if this call is forgotten.
    let lock = Holder {
        name: SessionId::generate(call.now, entropy.unwrap_or(call.entropy)).to_string(),
        process: None,
    };
    let locked = context
        .transact(|tx| {
            let slot = Start::new(tx, params, entropy)?.slot;
            if acquire_lock(tx, &slot, &lock)? {
                return Ok(None);
            }
            let occupant = claim::occupant(tx, &slot.task_id, slot.phase)?;
            Ok(Some(locked_out(tx, occupant)))
        })
        .await?;
    if let Some(reply) = locked {
        return Ok(reply);
    }
    let started = context
        .transact(|tx| start(tx, &Start::new(tx, params, entropy)?, Some(&lock)))
        .await;
    if !started.as_ref().is_ok_and(|start| start.code.is_started()) {
        // A lease that is not released expires.
        let _ = context
            .transact(|tx| {
                let slot = Start::new(tx, params, entropy)?.slot;
                release_lock(tx, &slot, &lock).map(drop)
            })
            .await;
    }
    started
}

fn acquire_lock(tx: &mut Transaction<'_>, slot: &Slot, lock: &Holder) -> Attempt<bool> {
    let request = Request::Acquire {
        holder: lock.clone(),
        length: Some(LOCK),
        data: None,
        once: true,
    };
    // Another that has locked it since is not waited for.
    if tx.conflicts() > 0 {
        return Ok(false);
    }
    let (outcome, _) = lease::operations::ask(tx, &slot.lease_key(), &request)?;
    Ok(outcome == Outcome::Acquired)
}

/// Releases the lease of a slot: whether it was still held.
fn release_lock(tx: &mut Transaction<'_>, slot: &Slot, lock: &Holder) -> Attempt<bool> {
    let request = Request::Release {
        holder: lock.name.clone(),
        token: None,
    };
    let (outcome, _) = lease::operations::ask(tx, &slot.lease_key(), &request)?;
    Ok(outcome == Outcome::Released)
}

fn locked_out(tx: &Transaction<'_>, occupant: Option<Head>) -> SlotStart {
    let conflicts = tx.conflicts();
    SlotStart::new(SlotCode::SlotLocked, occupant, conflicts, tx.limits())
}

/// A session to start, as it would be if its slot were free.
pub(super) struct Start<'p> {
    params: &'p StartInSlotParams,
    /// The slot.
    pub(super) slot: Slot,
    new: Finished,
}

impl<'p> Start<'p> {
    /// The session that parameters describe.
    ///
    /// # Errors
    /// `MODEL_MISSING`, those of the parameters and of the limits.
    pub(super) fn new(
        tx: &Transaction<'_>,
        params: &'p StartInSlotParams,
        entropy: Option<[u8; 16]>,
    ) -> Result<Self> {
        let slot = Slot {
            task_id: params.task_id.to_string(),
            phase: params.phase,
            model: params.model.name.clone(),
            details: params.model.details.clone(),
        };
        slot.check(tx.limits())?;
        let id = match (&params.id, entropy) {
            (None, Some(entropy)) => SessionId::generate(tx.now(), entropy),
            (id, _) => new_id(tx, id.as_ref())?,
        };
        if tx.limits().lacks_model(&slot.model) {
            return Err(Error::ModelMissing {
                id: id.to_string(),
                model: slot.model,
            });
        }
        let mut draft = Draft::start(id, &params.start(), tx.now(), tx.limits())?;
        draft.take_slot(slot.clone());
        Ok(Self {
            params,
            slot,
            new: draft.finish(),
        })
    }
}

/// Looks up the occupant of a slot, decides, and writes what that comes to. A lease that is held
/// meanwhile is released by the same commit.
///
/// # Errors
/// `SESSION_EXISTS`, and those of the store.
pub(super) fn start(
    tx: &mut Transaction<'_>,
    start: &Start<'_>,
    lock: Option<&Holder>,
) -> Attempt<SlotStart> {
    let Start { params, slot, new } = start;
    let confirm = params.confirm.as_ref();
    let asked = Asked {
        model: &params.model,
        on_model_change: params.on_model_change.unwrap_or_default(),
        confirmed: confirm.map(|seen| (seen.id.as_str(), seen.version)),
        rerun: params.rerun.unwrap_or(false),
    };
    let occupant = claim::occupant(tx, &slot.task_id, slot.phase)?;
    let its_slot = occupant.as_ref().and_then(|head| head.slot.as_ref());
    let change = its_slot.and_then(|its| model::change(&its.model(), &params.model));
    let (conflicts, limits) = (tx.conflicts(), tx.limits());
    let reply = |code, session| {
        let mut reply = SlotStart::new(code, session, conflicts, limits);
        reply.change = change;
        reply
    };
    let superseded = match (decide(occupant.as_ref(), asked), occupant.clone()) {
        (Decision::Keep { finished: true, .. }, head) => {
            return Ok(reply(SlotCode::SameModelFinished, head));
        }
        (Decision::Keep { .. }, head) => return Ok(reply(SlotCode::SameModelActive, head)),
        (Decision::Ask, head) => return Ok(reply(SlotCode::ModelChanged, head)),
        (Decision::Busy, head) => return Ok(reply(SlotCode::SessionChanged, head)),
        (Decision::Reject, head) => return Ok(reply(SlotCode::ModelRejected, head)),
        (Decision::Replace(reason), Some(head)) => Some((reason, head)),
        (Decision::Replace(_) | Decision::Create, _) => None,
    };
    if let Some(lock) = lock
        && !release_lock(tx, slot, lock)?
    {
        let mut reply = locked_out(tx, occupant);
        reply.change = change;
        return Ok(reply);
    }
    let mut result = reply(SlotCode::SlotCreated, Some(new.head.clone()));
    if let Some((reason, old)) = superseded {
        if old.id == new.head.id {
            let id = old.id.to_string();
            return Err(Error::SessionExists { id }.into());
        }
        result = reply(SlotCode::SlotReplaced, Some(new.head.clone()));
        result.exported = exported(tx, &old, params.export_old.unwrap_or(false))?;
        result.reason = Some(reason);
        result.cancelled = cancelled(&old, slot, &new.head.id, reason);
        result.replaced = Some(supersede(tx, old, &new.head, reason)?.into());
    }
    tx.insert(new.head.clone(), new.events.clone())?;
    claim::put(tx, slot, &new.head.id)?;
    tx.notify(new.notices.iter().cloned());
    Ok(result)
}

/// The session that is superseded, whole, if that is wanted.
fn exported(tx: &mut Transaction<'_>, old: &Head, wanted: bool) -> Attempt<Option<String>> {
    if !wanted {
        return Ok(None);
    }
    match tx.loaded(&old.id, History::All)?.cloned() {
        Some(Loaded { head, events }) if head.version == old.version => {
            Ok(Some(portable::print(head, events, None)?))
        }
        _ => Err(Stop::Retry),
    }
}

/// Cancels a superseded session, if it has not ended, and puts it into the trash.
fn supersede(
    tx: &mut Transaction<'_>,
    old: Head,
    new: &Head,
    reason: ReplaceReason,
) -> Attempt<Head> {
    let entry = replacement(&old, new, reason, tx.now());
    let mut draft = Draft::of(old, tx.now(), tx.limits());
    if matches!(draft.head().status, Status::Active | Status::Paused) {
        let reason = [
            "replaced by session ",
            new.id.as_str(),
            ": ",
            reason.as_str(),
        ]
        .concat();
        draft.force_abandon(&Text::from(reason))?;
    }
    draft.trash(None);
    tx.enter(entry.to_record());
    Ok(crate::session::change::write(tx, draft.finish())?)
}

/// What the runner of a superseded session is to hear of it, if there may be one.
fn cancelled(
    old: &Head,
    slot: &Slot,
    by: &SessionId,
    reason: ReplaceReason,
) -> Option<SlotCancelled> {
    matches!(old.status, Status::Active | Status::Paused).then(|| SlotCancelled {
        id: old.id.clone(),
        replaced_by: by.clone(),
        task_id: slot.task_id.clone(),
        phase: slot.phase,
        reason,
    })
}

fn latest_session(
    tx: &mut Transaction<'_>,
    params: &LatestSessionParams,
) -> Attempt<Option<SlotSession>> {
    let task = checked_task(params.task_id.as_str())?;
    let occupant = claim::confirmed_occupant(tx, task, params.phase)?;
    Ok(occupant.map(|head| SlotSession::new(head, tx.limits())))
}

async fn slots(context: &Context, params: SlotsParams) -> Result<Vec<SlotSession>> {
    let tasks = params.task_ids.0;
    if tasks.len() > MAX_TASKS {
        let problem = format!("expected {MAX_TASKS} tasks at most, got {}", tasks.len());
        return Err(Error::invalid("taskIds", problem));
    }
    let tasks: BTreeSet<String> = tasks.iter().map(Text::to_string).collect();
    let mut found = match tasks.len() <= FEW_TASKS {
        true => context.transact(|tx| occupants(tx, &tasks)).await?,
        false => listed(context, tasks).await?,
    };
    found.sort_by_cached_key(|head| {
        let slot = head.slot.as_ref();
        slot.map(|slot| (slot.task_id.clone(), slot.phase))
    });
    let limits = &context.call().limits;
    let found = found.into_iter();
    Ok(found.map(|head| SlotSession::new(head, limits)).collect())
}

/// The sessions in the slots of few tasks, by the records of their slots.
fn occupants(tx: &mut Transaction<'_>, tasks: &BTreeSet<String>) -> Attempt<Vec<Head>> {
    let slots = || {
        let phases = |task| SlotPhase::ALL.into_iter().map(move |phase| (task, phase));
        tasks.iter().flat_map(phases)
    };
    tx.read_all(slots().map(|(task, phase)| claim::record_read(task, phase)))?;
    let mut claimants = Vec::new();
    for (task, phase) in slots() {
        claimants.extend(claim::claimant_read(tx, task, phase)?);
    }
    tx.read_all(claimants)?;
    let mut found = Vec::new();
    for (task, phase) in slots() {
        found.extend(claim::confirmed_occupant(tx, task, phase)?);
    }
    Ok(found)
}

/// The sessions in the slots of many tasks, by a list.
async fn listed(context: &Context, tasks: BTreeSet<String>) -> Result<Vec<Head>> {
    let mut query = ListQuery {
        filter: Filter {
            task_ids: Some(tasks.into_iter().collect()),
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
