//! The operations on slots. A record guards each slot and names the session that came into it last;
//! whether that session is still in it is what its head says. Whoever brings a session into a slot, by
//! whatever operation, reads the record first, then looks whether the one that it names is there, and
//! writes the record's next version along with the session: of two who do so at once, one meets the
//! other's version and looks again. Leaving a slot needs no guard.

mod guard;
mod many;

use std::collections::BTreeSet;

use crate::audit::entry::Entry;
use crate::error::{Error, Result};
use crate::lease::decision::{Holder, Request};
use crate::session::draft::{Draft, Finished};
use crate::session::params::MAX_TASKS;
use crate::session::portable;
use crate::session::replies::Done;
use crate::slot::decision::{Asked, Decision, ReplaceReason, decide};
use crate::slot::params::{
    LatestSessionParams, SlotCancelled, SlotCode, SlotLocking, SlotPhaseParams, SlotSession,
    SlotStart, SlotsParams, StartInSlotParams,
};
use crate::store::{Changes, Commit, Expect, History, RecordChange, SessionChange, SessionWrite};
use crate::stored::head::Head;
use crate::stored::model;
use crate::stored::slot::{Slot, SlotPhase, checked_task, slot_phase};
use crate::stored::status::Status;
use crate::value::id::SessionId;
use crate::value::text::Text;
use crate::value::time::Millis;
use crate::{lease, slot};

use super::commit::{MAX_ATTEMPTS, put};
use super::{Environment, Service};

/// For how long one who starts a session keeps the others from its slot, at most.
const LOCK: Millis = Millis(5000);

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
        let start = self.slot_start(env, params)?;
        self.start_one(env, &start).await
    }

    /// The session that somebody asks for, as it would be if its slot were free.
    fn slot_start(&self, env: &Environment, params: StartInSlotParams) -> Result<Start> {
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
        Ok(Start {
            new: draft.finish(),
            slot,
            params,
        })
    }

    async fn start_one(&self, env: &Environment, start: &Start) -> Result<Done<SlotStart>> {
        if start.params.locking.unwrap_or_default() == SlotLocking::Optimistic {
            return self.start_guarded(env, start, None).await;
        }
        let slot = &start.slot;
        let Some(release) = self.lock_slot(env, slot).await? else {
            let occupant = self.look_into(&slot.task_id, slot.phase).await?.1;
            let answer = SlotStart::new(SlotCode::SlotLocked, occupant, 0, self.limits);
            return Ok(Done::quiet(answer));
        };
        let started = self.start_guarded(env, start, Some(&release)).await;
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
        start: &Start,
        lock: Option<&RecordChange>,
    ) -> Result<Done<SlotStart>> {
        for conflicts in 0..MAX_ATTEMPTS {
            let mut coming = match self.coming(env, start, conflicts).await? {
                Step::Stays(answer) => return Ok(Done::quiet(*answer)),
                Step::Again => continue,
                Step::Comes(coming) => coming,
            };
            coming.changes.records.extend(lock.cloned());
            match self.store.commit(&coming.changes).await? {
                Commit::Applied => return Ok(coming.done),
                Commit::SessionConflict { id, .. } if id == start.new.head.id => {
                    return Err(Error::SessionExists { id: id.to_string() });
                }
                Commit::RecordConflict { record_kind, .. } if record_kind == lease::KIND => {
                    let change = coming.done.value.change;
                    let code = SlotCode::SlotLocked;
                    let mut answer = SlotStart::new(code, coming.occupant, conflicts, self.limits);
                    answer.change = change;
                    return Ok(Done::quiet(answer));
                }
                _ => {}
            }
        }
        Err(busy(&start.slot.key()))
    }

    /// Looks who is in the slot, and decides.
    async fn coming(&self, env: &Environment, start: &Start, conflicts: u32) -> Result<Step> {
        let Start { params, slot, new } = start;
        let confirm = params.confirm.as_ref();
        let asked = Asked {
            model: &params.model,
            on_model_change: params.on_model_change.unwrap_or_default(),
            confirmed: confirm.map(|seen| (seen.id.as_str(), seen.version)),
            rerun: params.rerun.unwrap_or(false),
        };
        let (guard, occupant) = self.look_into(&slot.task_id, slot.phase).await?;
        let change = occupant
            .as_ref()
            .and_then(|head| head.slot.as_ref())
            .and_then(|there| model::change(&there.model(), &params.model));
        let decision = decide(occupant.as_ref(), asked);
        let answer = |code, session| {
            let mut answer = SlotStart::new(code, session, conflicts, self.limits);
            answer.change = change;
            answer
        };
        let stays = |code, occupant| Ok(Step::Stays(Box::new(answer(code, occupant))));
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
        let mut notices = Vec::new();
        let mut value = answer(SlotCode::SlotCreated, Some(new.head.clone()));
        if let Some((reason, old)) = replaced {
            if old.id == new.head.id {
                let id = old.id.to_string();
                return Err(Error::SessionExists { id });
            }
            let export = params.export_old.unwrap_or(false);
            let Some(exported) = self.exported(&old, export).await? else {
                return Ok(Step::Again);
            };
            let before = old.clone();
            let gone = self.give_way(env, old, &new.head, reason)?;
            value = answer(SlotCode::SlotReplaced, Some(new.head.clone()));
            value.reason = Some(reason);
            value.exported = exported;
            value.cancelled = cancelled(&before, slot, &new.head.id, reason);
            value.replaced = Some(gone.head.clone().into());
            let entry = slot::decision::replacement(&before, &new.head, reason, env.now);
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
        notices.extend(new.notices.iter().cloned());
        Ok(Step::Comes(Box::new(Coming {
            done: Done { value, notices },
            changes,
            occupant,
        })))
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
        draft.trash(None);
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
}

/// A session to start, as it would be if its slot were free.
struct Start {
    params: StartInSlotParams,
    slot: Slot,
    new: Finished,
}

/// What starting comes to as long as nobody comes in between.
enum Step {
    /// The session that is there stays.
    Stays(Box<SlotStart>),
    /// Another one is started.
    Comes(Box<Coming>),
    /// Somebody has come in between.
    Again,
}

/// A session that is about to come into its slot.
struct Coming {
    /// What is answered once it is there.
    done: Done<SlotStart>,
    /// What is written of it.
    changes: Changes,
    /// The session that is there until then.
    occupant: Option<Head>,
}

/// What the runner of a session that is replaced is to hear of it, if there may be one.
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

fn busy(key: &str) -> Error {
    Error::StoreBusy {
        what: format!("slot {key:?}"),
        attempts: MAX_ATTEMPTS,
    }
}
