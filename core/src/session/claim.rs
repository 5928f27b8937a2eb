//! The claim of a session on its slot. A record for each slot names the session that claimed it last;
//! the head of that session tells whether it still occupies the slot. An operation that puts a session
//! into a slot reads the record and the session that it names, and writes the record's next version in
//! the same commit as its own session. Of two concurrent claims, one conflicts with the other and is
//! retried. A session leaves a slot without a claim.

use crate::error::{Cause, Result};
use crate::store::Read;
use crate::stored::head::Head;
use crate::stored::record::Record;
use crate::stored::slot::{KIND, Slot, SlotPhase, key};
use crate::value::id::SessionId;
use crate::work::transaction::{Attempt, Transaction, none_if_unreadable};

/// Claims the slot of a session, if it takes one.
///
/// # Errors
/// `SLOT_TAKEN` if another session occupies it, and those of the store.
pub fn claim(tx: &mut Transaction<'_>, head: &Head) -> Attempt<()> {
    let Some(slot) = claimed(head) else {
        return Ok(());
    };
    match occupant(tx, &slot.task_id, slot.phase)? {
        Some(other) if other.id != head.id => Err(Cause::SlotTaken {
            id: head.id.to_string(),
            task_id: slot.task_id.clone(),
            phase: slot.phase.as_str(),
            by: other.id.to_string(),
        }
        .into()),
        _ => put(tx, slot, &head.id),
    }
}

/// Writes the claim of a session on a slot, regardless of the previous occupant.
///
/// # Errors
/// Those of the store.
pub fn put(tx: &mut Transaction<'_>, slot: &Slot, session: &SessionId) -> Attempt<()> {
    tx.put_record(Record {
        kind: KIND.to_owned(),
        key: slot.key(),
        version: 1,
        expires_at: None,
        owner: None,
        body: session.as_str().to_owned(),
    })
}

/// The session that occupies a slot; `None` if the slot is free.
///
/// # Errors
/// `STORE_MISBEHAVED` for a record that names no session, and those of the store.
pub fn occupant(tx: &mut Transaction<'_>, task: &str, phase: SlotPhase) -> Attempt<Option<Head>> {
    let key = key(task, phase);
    let Some(record) = tx.record(KIND, &key)? else {
        return Ok(None);
    };
    let last = claimant(&record)?;
    // A session that cannot be read does not block the slot.
    let head = none_if_unreadable(tx.head_named_by(KIND, &key, &last))?;
    let occupies = |head: &Head| {
        let slot = claimed(head);
        slot.is_some_and(|slot| slot.task_id == task && slot.phase == phase)
    };
    Ok(head.filter(occupies))
}

/// As [`occupant`], for a decision that writes no claim: a free slot is confirmed by a second read.
///
/// # Errors
/// Those of [`occupant`].
pub fn confirmed_occupant(
    tx: &mut Transaction<'_>,
    task: &str,
    phase: SlotPhase,
) -> Attempt<Option<Head>> {
    let occupant = occupant(tx, task, phase)?;
    let key = key(task, phase);
    if occupant.is_none() && tx.record(KIND, &key)?.is_some() {
        // Another session may have claimed the slot after the record was read.
        tx.confirm_record(KIND, &key)?;
    }
    Ok(occupant)
}

/// The session that a slot's record names.
///
/// # Errors
/// `STORE_MISBEHAVED` for a record that names none.
pub fn claimant(record: &Record) -> Result<SessionId> {
    SessionId::parse(&record.body).map_err(|_| {
        Cause::StoreMisbehaved {
            method: "record".to_owned(),
            problem: format!("the record of slot {:?} names no session", record.key),
        }
        .into()
    })
}

/// Reads what tells the occupants of slots in two requests: their records, and the sessions that these
/// name. A record that names none is left to [`occupant`].
///
/// # Errors
/// Those of the store.
pub fn read_ahead<'s>(
    tx: &mut Transaction<'_>,
    slots: impl Iterator<Item = (&'s str, SlotPhase)> + Clone,
) -> Attempt<()> {
    let records = slots.clone().map(|(task, phase)| Read::Record {
        kind: KIND.to_owned(),
        key: key(task, phase),
    });
    tx.read_all(records)?;
    let mut heads = Vec::new();
    for (task, phase) in slots {
        let record = tx.record(KIND, &key(task, phase))?;
        let claimant = record.and_then(|record| claimant(&record).ok());
        heads.extend(claimant.map(|id| Read::head(&id)));
    }
    tx.read_all(heads)
}

/// The slot that a session occupies, unless it has left it.
pub fn claimed(head: &Head) -> Option<&Slot> {
    head.slot.as_deref().filter(|_| head.deleted_at.is_none())
}
