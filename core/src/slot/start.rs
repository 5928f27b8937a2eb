//! Starting a session in a slot: the session that occupies it is looked up, the
//! [decision](super::decision) is made, and the new session, its claim and the superseded one are
//! written in one commit.

use crate::error::{Cause, Result};
use crate::lease;
use crate::lease::decision::{Holder, Outcome, Request};
use crate::session::bulk::settled;
use crate::session::change::new_id;
use crate::session::claim;
use crate::session::draft::{Draft, Finished};
use crate::session::portable;
use crate::session::read::check_history;
use crate::store::{History, Loaded};
use crate::stored::head::Head;
use crate::stored::model;
use crate::stored::slot::Slot;
use crate::stored::status::Status;
use crate::value::entropy::Entropy;
use crate::value::id::SessionId;
use crate::value::text::Text;
use crate::value::time::Millis;
use crate::work::context::Context;
use crate::work::transaction::{Attempt, Stop, Transaction};

use super::decision::{self, Decision, ReplaceReason, decide, replacement};
use super::message::SlotCode;
use super::params::{SlotCancelled, SlotLocking, SlotStart, StartInSlotParams};

/// The duration of the lease of a slot under pessimistic locking.
const LOCK: Millis = Millis(5000);

/// Starts a session in a slot by a commit of its own. `entropy` generates its id; by default the
/// entropy of the call does.
///
/// # Errors
/// `MODEL_MISSING`, `SESSION_EXISTS`, `STORE_BUSY`, those of the parameters, the limits and the store.
pub(super) async fn start_alone(
    context: &Context,
    params: &StartInSlotParams,
    entropy: Option<Entropy>,
) -> Result<SlotStart> {
    if params.locking.unwrap_or_default() == SlotLocking::Optimistic {
        return context
            .transact(|tx| {
                let new = Start::new(tx, params, entropy)?;
                start(tx, &new, None)
            })
            .await;
    }
    let starts = std::slice::from_ref(params);
    context.transact(|tx| ask_ahead(tx, starts)).await?;
    let call = context.call();
    // A holder that is a process would hold the lease for as long as it runs, also after this call is
    // dropped.
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
        .transact(|tx| {
            let new = Start::new(tx, params, entropy)?;
            start(tx, &new, Some(&lock))
        })
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
        duration: Some(LOCK),
        data: None,
        once: true,
    };
    // Another call has locked the slot meanwhile, and is not waited for.
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

fn locked_out(tx: &mut Transaction<'_>, occupant: Option<Head>) -> SlotStart {
    reply(tx, SlotCode::SlotLocked, occupant)
}

/// The result with this session in the slot, if that is known.
fn reply(tx: &mut Transaction<'_>, code: SlotCode, session: Option<Head>) -> SlotStart {
    let model_missing = session.as_ref().is_some_and(|head| tx.lacks_model_of(head));
    SlotStart::new(code, session, model_missing, tx.conflicts())
}

/// Asks about every model that starts can meet, if the host is to be asked: the requested ones, and those
/// of the current occupants. For an operation that writes more than once, since it can only be run again
/// while it has written nothing.
///
/// # Errors
/// Those of the store.
pub(super) fn ask_ahead(tx: &mut Transaction<'_>, starts: &[StartInSlotParams]) -> Attempt<()> {
    if !tx.asks_about_models() {
        return Ok(());
    }
    // A start that is refused meets no occupant.
    let mut slots = Vec::new();
    for params in starts {
        slots.extend(Start::new(tx, params, None).ok().map(|start| start.slot));
    }
    let places = slots.iter().map(|slot| (slot.task_id.as_str(), slot.phase));
    claim::read_ahead(tx, places.clone())?;
    for (task, phase) in places {
        if let Some(slot) = settled(claim::occupant(tx, task, phase))?
            .ok()
            .flatten()
            .and_then(|head| head.slot)
        {
            tx.lacks_model(&slot.model);
        }
    }
    Ok(())
}

/// A session to start, prepared for a free slot.
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
        tx: &mut Transaction<'_>,
        params: &'p StartInSlotParams,
        entropy: Option<Entropy>,
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
        if tx.lacks_model(&slot.model) {
            return Err(Cause::ModelMissing {
                id: None,
                model: slot.model,
            }
            .into());
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

/// Looks up the occupant of a slot, decides, and writes the result. The same commit releases the lease
/// of the slot, if one is held.
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
    let request = decision::Request {
        model: &params.model,
        on_model_change: params.on_model_change.unwrap_or_default(),
        confirmed: confirm.map(|seen| (seen.id.as_str(), seen.version)),
        rerun: params.rerun.unwrap_or(false),
        replace: params.replace.unwrap_or(false),
    };
    let occupant = claim::occupant(tx, &slot.task_id, slot.phase)?;
    let occupied = occupant.as_ref().and_then(|head| head.slot.as_ref());
    let change = occupied.and_then(|old| model::change(&old.model(), &params.model));
    let reply = |tx: &mut Transaction<'_>, code, session| {
        let mut reply = reply(tx, code, session);
        reply.change = change;
        reply
    };
    let superseded = match (decide(occupant.as_ref(), request), occupant.clone()) {
        (Decision::Keep { finished: true, .. }, head) => {
            return Ok(reply(tx, SlotCode::SameModelFinished, head));
        }
        (Decision::Keep { .. }, head) => return Ok(reply(tx, SlotCode::SameModelActive, head)),
        (Decision::Ask(ReplaceReason::UserRequest), head) => {
            return Ok(reply(tx, SlotCode::ReplacementRequested, head));
        }
        (Decision::Ask(_), head) => return Ok(reply(tx, SlotCode::ModelChanged, head)),
        (Decision::Busy, head) => return Ok(reply(tx, SlotCode::SessionChanged, head)),
        (Decision::Reject, head) => return Ok(reply(tx, SlotCode::ModelRejected, head)),
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
    tx.can_insert(&new.head.id)?;
    let mut result = reply(tx, SlotCode::SlotCreated, Some(new.head.clone()));
    if let Some((reason, old)) = superseded {
        if old.id == new.head.id {
            let id = old.id.to_string();
            return Err(Cause::SessionExists { id }.into());
        }
        result = reply(tx, SlotCode::SlotReplaced, Some(new.head.clone()));
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

/// The text of the superseded session, if that is wanted.
fn exported(tx: &mut Transaction<'_>, old: &Head, wanted: bool) -> Attempt<Option<String>> {
    if !wanted {
        return Ok(None);
    }
    match tx.loaded(&old.id, History::All)?.cloned() {
        Some(Loaded { head, events }) if head.version == old.version => {
            check_history(&events, tx.limits())?;
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
    // The next write of its runner is refused, since the session is in the trash.
    tx.override_holder();
    tx.enter(entry.to_record());
    crate::session::change::write(tx, draft.finish())
}

/// The notification for the runner of a superseded session, if that may have a runner.
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
