//! The guards of slots: who is in one, what is to be written along with a session that comes into it,
//! and why some sessions of those that are written together cannot.

use std::collections::BTreeSet;

use crate::error::{Error, Result};
use crate::store::filter::{Filter, Order};
use crate::store::{Expect, History, ListQuery, RecordChange, SessionChange, SessionWrite};
use crate::stored;
use crate::stored::head::Head;
use crate::stored::record::Record;
use crate::stored::slot::SlotPhase;
use crate::value::id::SessionId;

use super::super::commit::MAX_ATTEMPTS;
use super::super::{MAX_PAGE, MAX_PAGE_BYTES, Service};
use super::busy;

/// Tasks whose slots are looked up one by one. Each costs a dozen reads at most, unless somebody comes
/// in meanwhile, whatever else the store holds; of more tasks, one list is fewer calls, also where it
/// has to look at every session.
const FEW_TASKS: usize = 4;

impl Service<'_> {
    /// What has to be written along with a session that comes into a slot by anything but
    /// [`Service::start_in_slot`]; nothing for one that comes into none.
    ///
    /// # Errors
    /// `SLOT_TAKEN` if another session is in it, and those of the store.
    pub(in crate::service) async fn entry(&self, head: &Head) -> Result<Option<RecordChange>> {
        let Some(slot) = head.slot.as_ref().filter(|_| head.deleted_at.is_none()) else {
            return Ok(None);
        };
        let (guard, occupant) = self.look_into(&slot.task_id, slot.phase).await?;
        match occupant {
            Some(other) if other.id != head.id => Err(Error::SlotTaken {
                id: head.id.to_string(),
                task_id: slot.task_id.clone(),
                phase: slot.phase,
                by: other.id.to_string(),
            }),
            _ => Ok(Some(guard.entry(&head.id))),
        }
    }

    /// As [`Service::entry`], for all of several sessions that are written together. Those that
    /// cannot come into their slot are left out, and named.
    ///
    /// # Errors
    /// Those of the store.
    pub(in crate::service) async fn entries(
        &self,
        sessions: &mut Vec<SessionChange>,
    ) -> Result<(Vec<RecordChange>, Vec<SessionId>)> {
        let mut guards: Vec<(SessionId, Guard)> = Vec::new();
        let (mut refused, mut relying) = (Vec::new(), Vec::new());
        for change in sessions.iter() {
            let SessionWrite::Put { head, .. } = &change.write else {
                continue;
            };
            let Some(slot) = head.slot.as_ref().filter(|_| head.deleted_at.is_none()) else {
                continue;
            };
            let (guard, occupant) = self.look_into(&slot.task_id, slot.phase).await?;
            // What is written of the one that is there says whether it stays.
            let written = |there: &Head| sessions.iter().any(|change| change.id == there.id);
            let stays = occupant.as_ref().is_some_and(|there| !written(there));
            if stays || guards.iter().any(|(_, other)| other.key == guard.key) {
                refused.push(head.id.clone());
                continue;
            }
            guards.push((head.id.clone(), guard));
            relying.extend(occupant.map(|there| (head.id.clone(), there.id)));
        }
        // Of one that is not written after all, nothing is said.
        while let Some(at) = relying.iter().position(|(_, on)| refused.contains(on)) {
            refused.push(relying.swap_remove(at).0);
        }
        sessions.retain(|change| !refused.contains(&change.id));
        guards.retain(|(id, _)| !refused.contains(id));
        let entries = guards.iter().map(|(id, guard)| guard.entry(id)).collect();
        Ok((entries, refused))
    }

    /// The sessions in the slots of tasks.
    pub(super) async fn in_slots(&self, tasks: BTreeSet<String>) -> Result<Vec<Head>> {
        let mut found: Vec<Head> = Vec::new();
        if tasks.len() <= FEW_TASKS {
            for task in &tasks {
                for phase in SlotPhase::ALL {
                    found.extend(self.look_into(task, phase).await?.1);
                }
            }
            return Ok(found);
        }
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
        loop {
            let page = self.store.list(&query).await?;
            query.after = page.heads.last().map(|head| query.order.position(head));
            found.extend(page.heads);
            // A page ends early where sessions are large.
            if !page.more || query.after.is_none() {
                return Ok(found);
            }
        }
    }

    /// What guards a slot, and the session that is in it.
    ///
    /// # Errors
    /// `STORE_BUSY`, and those of the store.
    pub(super) async fn look_into(
        &self,
        task: &str,
        phase: SlotPhase,
    ) -> Result<(Guard, Option<Head>)> {
        let is_in = |head: &Head| {
            let its = head.slot.as_ref().filter(|_| head.deleted_at.is_none());
            its.is_some_and(|its| its.task_id == task && its.phase == phase)
        };
        let mut guard = self.guard(task, phase).await?;
        for _ in 0..MAX_ATTEMPTS {
            let Some(last) = &guard.last else {
                return Ok((guard, None));
            };
            let loaded = match self.store.load(last, History::None).await {
                // One that cannot be read is in nobody's way.
                Err(Error::CorruptSession { .. }) => None,
                loaded => loaded?,
            };
            if let Some(head) = loaded.map(|loaded| loaded.head).filter(is_in) {
                return Ok((guard, Some(head)));
            }
            // Who has left may have made way, since the record was read, for one who is there now.
            let now = self.guard(task, phase).await?;
            if now.version == guard.version {
                return Ok((guard, None));
            }
            guard = now;
        }
        Err(busy(&guard.key))
    }

    async fn guard(&self, task: &str, phase: SlotPhase) -> Result<Guard> {
        let key = stored::slot::key(task, phase);
        let record = self.store.record(stored::slot::KIND, &key).await?;
        let version = record.as_ref().map(|record| record.version);
        let last = record.map(|record| SessionId::parse(&record.body));
        let last = last.transpose().map_err(|_| Error::StoreMisbehaved {
            method: "record".to_owned(),
            problem: format!("the record of slot {key:?} names no session"),
        })?;
        Ok(Guard { key, version, last })
    }
}

/// What is kept to guard a slot.
pub(super) struct Guard {
    /// The slot's key.
    pub(super) key: String,
    version: Option<u64>,
    /// The session that came into it last.
    last: Option<SessionId>,
}

impl Guard {
    /// The change that lets a session in, if nobody has come in since.
    pub(super) fn entry(&self, session: &SessionId) -> RecordChange {
        let record = Record {
            kind: stored::slot::KIND.to_owned(),
            key: self.key.clone(),
            version: self.version.unwrap_or(0).saturating_add(1),
            expires_at: None,
            owner: None,
            body: session.as_str().to_owned(),
        };
        RecordChange::put(Expect::as_read(self.version), record)
    }
}
