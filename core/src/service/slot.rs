//! The operations on slots. A record guards each slot and names the session that came into it last;
//! whether that session is still in it is what its head says. Whoever brings a session into a slot, by
//! whatever operation, reads the record first, then looks whether the one that it names is there, and
//! writes the record's next version along with the session: of two who do so at once, one meets the
//! other's version and looks again. Leaving a slot needs no guard.

use std::collections::BTreeSet;

use crate::answers::Done;
use crate::audit::Entry;
use crate::draft::{Draft, Finished};
use crate::error::{Error, Result};
use crate::filter::{Filter, Order};
use crate::id::SessionId;
use crate::lease;
use crate::lease::decision::{Holder, Request};
use crate::lifecycle::Status;
use crate::params::MAX_TASKS;
use crate::portable;
use crate::session::Head;
use crate::slot::calls::{
    LatestSessionParams, SlotCode, SlotLocking, SlotMessageParams, SlotPhaseParams, SlotSession,
    SlotStart, SlotsParams, StartInSlotParams,
};
use crate::slot::decision::{Asked, Decision, ReplaceReason, decide};
use crate::slot::{self, Slot, SlotPhase, checked_task, failure, model, slot_phase};
use crate::store::{
    Commit, Expect, History, ListQuery, Record, RecordChange, SessionChange, SessionWrite,
};
use crate::text::Text;
use crate::time::Millis;

use super::commit::{MAX_ATTEMPTS, put};
use super::{Environment, MAX_PAGE, MAX_PAGE_BYTES, Service};

/// For how long one who starts a session keeps the others from its slot, at most.
const LOCK: Millis = Millis(5000);
/// Tasks whose slots are looked up one by one. Each costs eight reads at most, whatever else the store
/// holds; of more tasks, one list is fewer calls, also where it has to look at every session.
const FEW_TASKS: usize = 4;

impl Service<'_> {
    /// Starts a session in a slot, unless the one that is there stays.
    ///
    /// # Errors
    /// `MODEL_MISSING`, `SESSION_EXISTS`, `STORE_BUSY`, those of the parameters, of the limits and of
    /// the store. What the slot's session is in the way of is an outcome, not an error.
    pub async fn start_in_slot(
        &self,
        env: &Environment,
        params: StartInSlotParams,
    ) -> Result<Done<SlotStart>> {
        let slot = Slot {
            task_id: params.task_id.to_string(),
            phase: params.phase,
            model: params.model.name.clone(),
            details: params.model.details.clone(),
        };
        slot.check(self.limits)?;
        let id = self.new_id(env, params.id.as_ref())?;
        if self.limits.misses(&slot) {
            return Err(Error::ModelMissing {
                id: id.to_string(),
                model: slot.model,
            });
        }
        let mut draft = Draft::start(id, &params.start(), env.now, self.limits)?;
        draft.take_slot(slot.clone());
        if params.locking.unwrap_or_default() == SlotLocking::Optimistic {
            return self.start_guarded(env, &params, &slot, draft, None).await;
        }
        let Some(release) = self.lock_slot(env, &slot).await? else {
            let occupant = self.look_into(&slot.task_id, slot.phase).await?.1;
            let answer = SlotStart::new(SlotCode::SlotLocked, occupant, 0);
            return Ok(Done::quiet(answer));
        };
        let lock = Some(&release);
        let started = self.start_guarded(env, &params, &slot, draft, lock).await;
        let written = |done: &Done<SlotStart>| done.value.code.is_started();
        if !started.as_ref().is_ok_and(written) {
            // A lease that is not given back runs out.
            let _ = self.keep(vec![release]).await;
        }
        started
    }

    /// Takes the lease of a slot: what gives it back, or nothing if somebody else has it.
    async fn lock_slot(&self, env: &Environment, slot: &Slot) -> Result<Option<RecordChange>> {
        // A process would hold it for as long as it runs, even if this call is forgotten.
        let holder = Holder {
            name: SessionId::generate(env.now, env.entropy).to_string(),
            process: None,
        };
        let release = Request::Release {
            holder: holder.name.clone(),
            token: None,
        };
        let acquire = Request::Acquire {
            holder,
            length: Some(LOCK),
            data: None,
            once: true,
        };
        let kept = self.kept_lease(&slot.lease_key()).await?;
        let Some(lease) = kept.decide(env, &acquire).write else {
            return Ok(None);
        };
        if !self.keep(vec![kept.change(Some(&lease))]).await? {
            return Ok(None);
        }
        let held = kept.now(lease);
        let released = held.decide(env, &release).write;
        Ok(released.map(|lease| held.change(Some(&lease))))
    }

    /// Decides, and decides anew when others came in between. What is written gives back the lease
    /// that is held meanwhile, so that it is written only by whoever still has it.
    async fn start_guarded(
        &self,
        env: &Environment,
        params: &StartInSlotParams,
        slot: &Slot,
        draft: Draft<'_>,
        lock: Option<&RecordChange>,
    ) -> Result<Done<SlotStart>> {
        let new = draft.finish();
        let confirm = params.confirm.as_ref();
        let asked = Asked {
            model: &params.model,
            on_model_change: params.on_model_change.unwrap_or_default(),
            confirmed: confirm.map(|seen| (seen.id.as_str(), seen.version)),
            rerun: params.rerun.unwrap_or(false),
        };
        for conflicts in 0..MAX_ATTEMPTS {
            let (guard, occupant) = self.look_into(&slot.task_id, slot.phase).await?;
            let change = occupant
                .as_ref()
                .and_then(|head| head.slot.as_ref())
                .and_then(|there| model::change(&there.model(), &params.model));
            let decision = decide(occupant.as_ref(), asked);
            let stays = |code, occupant| {
                let mut answer = SlotStart::new(code, occupant, conflicts);
                answer.change = change;
                Ok(Done::quiet(answer))
            };
            let replaced = match (decision, occupant.clone()) {
                (Decision::Keep { finished: true, .. }, head) => {
                    return stays(SlotCode::SameModelFinished, head);
                }
                (Decision::Keep { .. }, head) => return stays(SlotCode::SameModelActive, head),
                (Decision::Ask, head) => return stays(SlotCode::ModelChanged, head),
                (Decision::Busy, head) => return stays(SlotCode::SessionChanged, head),
                (Decision::Reject, head) => return stays(SlotCode::ModelRejected, head),
                (Decision::Replace(reason), Some(head)) => Some((reason, head)),
                (Decision::Replace(_) | Decision::Create, _) => None,
            };
            let mut changes = put(new.head.clone(), Expect::Absent, false, new.events.clone());
            changes.records.push(guard.entry(&new.head.id));
            changes.records.extend(lock.cloned());
            let mut notices = Vec::new();
            let mut answer =
                SlotStart::new(SlotCode::SlotCreated, Some(new.head.clone()), conflicts);
            if let Some((reason, old)) = replaced {
                let export = params.export_old.unwrap_or(false);
                let Some(exported) = self.exported(&old, export).await? else {
                    continue;
                };
                let before = old.clone();
                let gone = self.give_way(env, old, &new.head, reason)?;
                answer = SlotStart::new(SlotCode::SlotReplaced, Some(new.head.clone()), conflicts);
                answer.change = change;
                answer.reason = Some(reason);
                answer.exported = exported;
                answer.replaced = Some(gone.head.clone().into());
                let entry = slot::replacement(&before, &new.head, reason, env.now);
                changes.records.push(entry.to_change());
                changes
                    .records
                    .extend(gone.entries.iter().map(Entry::to_change));
                changes.sessions.push(SessionChange {
                    id: gone.head.id.clone(),
                    expect: Expect::Version {
                        version: before.version,
                    },
                    write: SessionWrite::Put {
                        head: Box::new(gone.head),
                        replace_history: false,
                        events: gone.events,
                    },
                });
                notices.extend(gone.notices);
            }
            match self.store.commit(&changes).await? {
                Commit::Applied => {
                    notices.extend(new.notices);
                    return Ok(Done {
                        value: answer,
                        notices,
                    });
                }
                Commit::SessionConflict { id, .. } if id == new.head.id => {
                    return Err(Error::SessionExists { id: id.to_string() });
                }
                Commit::RecordConflict { record_kind, .. } if record_kind == lease::KIND => {
                    return stays(SlotCode::SlotLocked, occupant);
                }
                _ => {}
            }
        }
        Err(busy(slot))
    }

    /// The session that is replaced, whole, if that is wanted; nothing if it is no longer the same.
    async fn exported(&self, old: &Head, wanted: bool) -> Result<Option<Option<String>>> {
        if !wanted {
            return Ok(Some(None));
        }
        match self.store.load(&old.id, History::All).await? {
            Some(whole) if whole.head.version == old.version => {
                portable::print(whole.head, whole.events, None).map(|text| Some(Some(text)))
            }
            _ => Ok(None),
        }
    }

    /// A session that gives way to another: it is cancelled, if it is not over, and in the trash.
    fn give_way(
        &self,
        env: &Environment,
        old: Head,
        new: &Head,
        reason: ReplaceReason,
    ) -> Result<Finished> {
        let mut draft = Draft::of(old, env.now, self.limits);
        if matches!(draft.head().status, Status::Active | Status::Paused) {
            let said = [
                "replaced by session ",
                new.id.as_str(),
                ": ",
                reason.as_str(),
            ]
            .concat();
            draft.give_up(&Text::from(said))?;
        }
        draft.trash();
        Ok(draft.finish())
    }

    /// The session in a slot; nothing if it is free.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for the task, and those of the store.
    pub async fn latest_session(
        &self,
        _env: &Environment,
        params: LatestSessionParams,
    ) -> Result<Done<Option<SlotSession>>> {
        let task = checked_task(params.task_id.as_str())?;
        let found = self.look_into(task, params.phase).await?.1;
        Ok(Done::quiet(
            found.map(|head| SlotSession::new(head, self.limits)),
        ))
    }

    /// The sessions in the slots of tasks, by task and phase.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for too many tasks, and those of the store.
    pub async fn slots(
        &self,
        _env: &Environment,
        params: SlotsParams,
    ) -> Result<Done<Vec<SlotSession>>> {
        let tasks = params.task_ids.0;
        if tasks.len() > MAX_TASKS {
            let problem = format!("expected {MAX_TASKS} tasks at most, got {}", tasks.len());
            return Err(Error::invalid("taskIds", problem));
        }
        let tasks: BTreeSet<String> = tasks.iter().map(Text::to_string).collect();
        let mut found = self.in_slots(tasks).await?;
        found.sort_by_cached_key(|head| {
            let slot = head.slot.as_ref();
            slot.map(|slot| (slot.task_id.clone(), slot.phase))
        });
        let found = found.into_iter();
        Ok(Done::quiet(
            found
                .map(|head| SlotSession::new(head, self.limits))
                .collect(),
        ))
    }

    /// The phase that a session's title names.
    ///
    /// # Errors
    /// None.
    pub async fn slot_phase(
        &self,
        _env: &Environment,
        params: SlotPhaseParams,
    ) -> Result<Done<Option<SlotPhase>>> {
        Ok(Done::quiet(slot_phase(params.title.as_str())))
    }

    /// What people are told of an error.
    ///
    /// # Errors
    /// None.
    pub async fn slot_message(
        &self,
        _env: &Environment,
        params: SlotMessageParams,
    ) -> Result<Done<String>> {
        let message = failure::message(params.code.as_str());
        Ok(Done::quiet(message.to_owned()))
    }

    /// What has to be written along with a session that comes into a slot by anything but
    /// [`Service::start_in_slot`]; nothing for one that comes into none.
    ///
    /// # Errors
    /// `SLOT_TAKEN` if another session is in it, and those of the store.
    pub(super) async fn entry(&self, head: &Head) -> Result<Option<RecordChange>> {
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
    pub(super) async fn entries(
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
    async fn in_slots(&self, tasks: BTreeSet<String>) -> Result<Vec<Head>> {
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
    async fn look_into(&self, task: &str, phase: SlotPhase) -> Result<(Guard, Option<Head>)> {
        let key = slot::key(task, phase);
        let record = self.store.record(slot::KIND, &key).await?;
        let guard = Guard {
            key,
            version: record.as_ref().map(|record| record.version),
        };
        let Some(record) = record else {
            return Ok((guard, None));
        };
        let last = SessionId::parse(&record.body).map_err(|_| Error::StoreMisbehaved {
            method: "record".to_owned(),
            problem: format!("the record of slot {:?} names no session", guard.key),
        })?;
        let loaded = match self.store.load(&last, History::None).await {
            // One that cannot be read is in nobody's way.
            Err(Error::CorruptSession { .. }) => None,
            loaded => loaded?,
        };
        let is_in = |head: &Head| {
            let its = head.slot.as_ref().filter(|_| head.deleted_at.is_none());
            its.is_some_and(|its| its.task_id == task && its.phase == phase)
        };
        Ok((guard, loaded.map(|loaded| loaded.head).filter(is_in)))
    }
}

/// What is kept to guard a slot.
struct Guard {
    key: String,
    version: Option<u64>,
}

impl Guard {
    /// The change that lets a session in, if nobody has come in since.
    fn entry(&self, session: &SessionId) -> RecordChange {
        RecordChange {
            kind: slot::KIND.to_owned(),
            key: self.key.clone(),
            expect: match self.version {
                Some(version) => Expect::Version { version },
                None => Expect::Absent,
            },
            record: Some(Record {
                kind: slot::KIND.to_owned(),
                key: self.key.clone(),
                version: self.version.unwrap_or(0).saturating_add(1),
                expires_at: None,
                owner: None,
                body: session.as_str().to_owned(),
            }),
        }
    }
}

fn busy(slot: &Slot) -> Error {
    Error::StoreBusy {
        what: format!("slot {:?}", slot.key()),
        attempts: MAX_ATTEMPTS,
    }
}
