//! The operations on processes and the virtual machines that they own. What a call changes of a
//! process and of its machine is written together, so that they never disagree.

use crate::apps::machines as ownership;
use crate::apps::machines::{
    ActiveSession, ActiveSessions, ActiveSessionsParams, CLAIM_LENGTH, ClaimOutcome, LENGTH,
    OrphanClaim, OrphanClaimParams, OrphanDone, OrphanDoneParams, OrphanOutcome, OrphansParams,
    ProcessRegisterParams, StaleCleanup, StaleCleanupParams, VmMineParams, VmRegisterParams,
    VmUnregisterParams, VmView,
};
use crate::audit;
use crate::audit::entry::Entry;
use crate::error::{Error, Result};
use crate::lease::decision::{Holder, Request};
use crate::lease::model::{Lease, MAX_KEY_BYTES};
use crate::session::replies::Done;
use crate::value::process::Liveness;
use crate::value::text::Text;

use super::commit::MAX_ATTEMPTS;
use super::lease::{Kept, Walk, busy, checked, holder};
use super::{Environment, MAX_PAGE, Service, limit_of};

/// Sessions that are listed at most.
const MAX_SESSIONS: u32 = 10_000;
/// Sessions that a cleanup names.
const MAX_NAMED: usize = 1000;

/// A process's registration, and the machine that it says it has.
struct Registered {
    holder: Holder,
    process: Kept,
    vm: Option<Kept>,
}

impl Registered {
    /// The machine that it really has, and not only says so.
    fn own(&self) -> Option<(&Kept, &Lease)> {
        let vm = self.vm.as_ref()?;
        let lease = vm.lease.as_ref()?;
        ownership::owns(&self.holder, lease).then_some((vm, lease))
    }

    /// The process as it is registered from now on, with the machine that it has.
    fn lease(&self, env: &Environment, vm: Option<&str>) -> Result<Lease> {
        let request = Request::Acquire {
            holder: self.holder.clone(),
            length: Some(LENGTH),
            data: Some(ownership::process_data(vm)),
            once: false,
        };
        // The name is nobody else's, so any other process that had it is there no more.
        let decision = self.process.decide_after(env, &request, Liveness::Dead);
        let held = || Error::internal("the name of a process is held by another");
        decision.write.ok_or_else(held)
    }
}

impl Service<'_> {
    /// Registers the process, or says that it still runs; so does the machine that it has.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` where there is no process, `STORE_BUSY`, and those of the store.
    pub async fn process_register(
        &self,
        env: &Environment,
        params: ProcessRegisterParams,
    ) -> Result<Done<ActiveSession>> {
        let owner = self::owner(env, params.holder.as_ref())?;
        for _ in 0..MAX_ATTEMPTS {
            let registered = self.registered(&owner).await?;
            let own = registered.own();
            let id = own.and_then(|(_, lease)| Lease::vm_of_key(&lease.key));
            let process = registered.lease(env, id)?;
            let mut session = ActiveSession::new(&process, env.host);
            let mut records = vec![registered.process.change(Some(&process))];
            if let Some((vm, lease)) = own {
                let renewal = Request::Renew {
                    holder: owner.name.clone(),
                    token: lease.token,
                    length: Some(LENGTH),
                    data: None,
                };
                if let Some(lease) = vm.decide(env, &renewal).write {
                    records.push(vm.change(Some(&lease)));
                    session.vm = Some(VmView::new(lease, env.now, env.host));
                }
            }
            if self.keep(records).await? {
                return Ok(Done::quiet(session));
            }
        }
        Err(busy(&Lease::process_key(&owner.name)))
    }

    /// Makes the process the owner of a machine. It is not if the process has another one, or if
    /// somebody else owns this one.
    ///
    /// # Errors
    /// As [`Service::process_register`], and those of the limits.
    pub async fn vm_register(
        &self,
        env: &Environment,
        params: VmRegisterParams,
    ) -> Result<Done<bool>> {
        let owner = self::owner(env, params.holder.as_ref())?;
        let key = vm_key(&params.vm_id)?;
        if let Some(metadata) = &params.metadata {
            self.limits.object("metadata", metadata)?;
        }
        for _ in 0..MAX_ATTEMPTS {
            let registered = self.registered(&owner).await?;
            let own = registered.own();
            if own.is_some_and(|(_, lease)| lease.key != key) {
                return Ok(Done::quiet(false));
            }
            let data = ownership::vm_data(&params, own.map(|(_, lease)| lease), env.now);
            self.limits.data(&data)?;
            let vm = self.kept_lease(&key).await?;
            // Whoever sees to it as an orphan is about to remove it, also the owner to be.
            let swept = vm.lease.as_ref().is_some_and(ownership::is_claimed);
            if swept && vm.is_held(env) {
                return Ok(Done::quiet(false));
            }
            let request = Request::Acquire {
                holder: owner.clone(),
                length: Some(LENGTH),
                data: Some(data),
                once: false,
            };
            let Some(lease) = vm.decide(env, &request).write else {
                return Ok(Done::quiet(false));
            };
            let process = registered.lease(env, Some(params.vm_id.as_str()))?;
            let process = registered.process.change(Some(&process));
            if self.keep(vec![process, vm.change(Some(&lease))]).await? {
                return Ok(Done::quiet(true));
            }
        }
        Err(busy(&key))
    }

    /// The machine that the process owns.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for the owner's name, and those of the store.
    pub async fn vm_mine(
        &self,
        env: &Environment,
        params: VmMineParams,
    ) -> Result<Done<Option<VmView>>> {
        if params.holder.is_none() && env.host.process().is_none() {
            return Ok(Done::quiet(None));
        }
        let owner = self::owner(env, params.holder.as_ref())?;
        let registered = self.registered(&owner).await?;
        let view = |(_, lease): (_, &Lease)| VmView::new(lease.clone(), env.now, env.host);
        Ok(Done::quiet(registered.own().map(view)))
    }

    /// Gives up the machine that the process owns; it has no other.
    ///
    /// # Errors
    /// As [`Service::process_register`].
    pub async fn vm_unregister(
        &self,
        env: &Environment,
        params: VmUnregisterParams,
    ) -> Result<Done<bool>> {
        let owner = self::owner(env, params.holder.as_ref())?;
        let meant = params.vm_id.as_ref().map(vm_key).transpose()?;
        for _ in 0..MAX_ATTEMPTS {
            let registered = self.registered(&owner).await?;
            let Some((vm, lease)) = registered.own() else {
                return Ok(Done::quiet(false));
            };
            if meant.as_ref().is_some_and(|meant| *meant != lease.key) {
                return Ok(Done::quiet(false));
            }
            let request = Request::Release {
                holder: owner.name.clone(),
                token: Some(lease.token),
            };
            let released = vm.decide(env, &request).write;
            let process = registered.lease(env, None)?;
            let mut records = vec![registered.process.change(Some(&process))];
            records.extend(released.map(|lease| vm.change(Some(&lease))));
            if self.keep(records).await? {
                return Ok(Done::quiet(true));
            }
        }
        Err(busy(&Lease::process_key(&owner.name)))
    }

    /// The sessions that run, with and without machines.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for the limit, and those of the store.
    pub async fn active_sessions(
        &self,
        env: &Environment,
        params: ActiveSessionsParams,
    ) -> Result<Done<ActiveSessions>> {
        let limit = limit_of(params.limit, MAX_SESSIONS, MAX_SESSIONS)? as usize;
        let after = params.after.map(Text::into_string).unwrap_or_default();
        let mut sessions = ActiveSessions::new();
        let mut processes = Walk::new(Lease::process_key(""), None);
        while let Some(kept) = self.next_lease(&mut processes).await? {
            if kept.is_held(env)
                && let Some(lease) = &kept.lease
            {
                let session = ActiveSession::new(lease, env.host);
                sessions.insert(lease.holder.clone(), session);
            }
        }
        let mut vms = Walk::new(Lease::vm_key(""), None);
        while let Some(kept) = self.next_lease(&mut vms).await? {
            let held = kept.is_held(env);
            if let Some(lease) = kept
                .lease
                .filter(|lease| held && !ownership::is_claimed(lease))
            {
                let session = sessions
                    .entry(lease.holder.clone())
                    // Machines that were imported have owners that never registered.
                    .or_insert_with(|| ActiveSession::new(&lease, env.host));
                session.vm = Some(VmView::new(lease, env.now, env.host));
            }
        }
        let meant = sessions.into_iter().filter(|(id, _)| *id > after);
        Ok(Done::quiet(meant.take(limit).collect()))
    }

    /// Removes the registrations of processes that have ended. Their machines become orphans.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn stale_cleanup(
        &self,
        env: &Environment,
        params: StaleCleanupParams,
    ) -> Result<Done<StaleCleanup>> {
        let mut cleanup = StaleCleanup::default();
        let mut processes = Walk::new(Lease::process_key(""), None);
        while let Some(kept) = self.next_lease(&mut processes).await? {
            if kept.is_held(env) {
                continue;
            }
            // Nothing else is told by the token of a registration, and no name is given again.
            let dry_run = params.dry_run.unwrap_or(false);
            let mut records = vec![kept.change(None)];
            let ended = kept.lease.as_ref().filter(|lease| !lease.released);
            records.extend(
                ended.map(|it| Entry::of_lease(audit::entry::LEASE_STALE, it, env.now).to_change()),
            );
            let removed = dry_run || self.keep(records).await?;
            if let Some(lease) = kept.lease.filter(|lease| removed && !lease.released) {
                cleanup.removed += 1;
                if cleanup.sessions.len() < MAX_NAMED {
                    cleanup.sessions.push(lease.holder);
                }
            }
        }
        let mut vms = Walk::new(Lease::vm_key(""), None);
        while let Some(kept) = self.next_lease(&mut vms).await? {
            cleanup.orphans += u64::from(is_orphan(env, &kept));
        }
        Ok(Done::quiet(cleanup))
    }

    /// The machines whose owners have ended, those that somebody sees to among them.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for the limit, and those of the store.
    pub async fn orphans(
        &self,
        env: &Environment,
        params: OrphansParams,
    ) -> Result<Done<Vec<VmView>>> {
        let limit = limit_of(params.limit, MAX_PAGE, MAX_PAGE)? as usize;
        let after = params.after.map(|after| Lease::vm_key(after.as_str()));
        let mut walk = Walk::new(Lease::vm_key(""), after);
        let mut orphans = Vec::new();
        while orphans.len() < limit
            && let Some(kept) = self.next_lease(&mut walk).await?
        {
            let orphan = is_orphan(env, &kept);
            if let Some(lease) = kept.lease.filter(|_| orphan) {
                orphans.push(VmView::new(lease, env.now, env.host));
            }
        }
        Ok(Done::quiet(orphans))
    }

    /// Gives an orphan to somebody who sees to it, and to nobody else until that is done.
    ///
    /// # Errors
    /// As [`Service::process_register`].
    pub async fn orphan_claim(
        &self,
        env: &Environment,
        params: OrphanClaimParams,
    ) -> Result<Done<OrphanClaim>> {
        let key = vm_key(&params.vm_id)?;
        let claimer = holder(env, params.holder.as_ref())?;
        let length = checked(params.lease_duration_ms)?.unwrap_or(CLAIM_LENGTH);
        for _ in 0..MAX_ATTEMPTS {
            let kept = self.kept_lease(&key).await?;
            let answer = |outcome, token, vm: Option<Lease>| {
                let vm = vm.map(|vm| VmView::new(vm, env.now, env.host));
                Ok(Done::quiet(OrphanClaim { outcome, token, vm }))
            };
            let Some(vm) = kept.lease.clone().filter(|lease| !lease.released) else {
                return answer(ClaimOutcome::NotHeld, None, kept.lease);
            };
            let request = Request::Acquire {
                holder: claimer.clone(),
                length: Some(length),
                data: Some(ownership::claimed_data(&vm)),
                once: true,
            };
            let Some(claim) = kept.decide(env, &request).write else {
                return answer(ClaimOutcome::Held, None, Some(vm));
            };
            if self.keep(vec![kept.change(Some(&claim))]).await? {
                return answer(ClaimOutcome::Acquired, Some(claim.token), Some(claim));
            }
        }
        Err(busy(&key))
    }

    /// Ends a claim: the orphan is gone, or is an orphan again.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for the machine, `STORE_BUSY`, and those of the store.
    pub async fn orphan_done(
        &self,
        env: &Environment,
        params: OrphanDoneParams,
    ) -> Result<Done<OrphanDone>> {
        let key = vm_key(&params.vm_id)?;
        let done = |outcome| Ok(Done::quiet(OrphanDone { outcome }));
        for _ in 0..MAX_ATTEMPTS {
            let kept = self.kept_lease(&key).await?;
            let claimed = |lease: &Lease| {
                !lease.released && lease.token == params.token && ownership::is_claimed(lease)
            };
            let Some(vm) = kept.lease.clone().filter(claimed) else {
                return done(OrphanOutcome::Lost);
            };
            let (outcome, vm) = if params.success {
                let request = Request::Release {
                    holder: vm.holder.clone(),
                    token: Some(vm.token),
                };
                let released = kept.decide(env, &request).write.unwrap_or(vm);
                (OrphanOutcome::Released, released)
            } else {
                (OrphanOutcome::Orphaned, vm)
            };
            // The owner that it had is shown from then on, not the one that saw to it.
            let vm = ownership::orphaned(vm);
            let mut records = Vec::new();
            if outcome == OrphanOutcome::Released {
                let entry = Entry::of_lease(audit::entry::LEASE_SWEEP, &vm, env.now);
                records.push(entry.to_change());
            }
            records.push(kept.change(Some(&vm)));
            if self.keep(records).await? {
                return done(outcome);
            }
        }
        Err(busy(&key))
    }

    async fn registered(&self, owner: &Holder) -> Result<Registered> {
        let process = self.kept_lease(&Lease::process_key(&owner.name)).await?;
        let vm = process.lease.as_ref().and_then(ownership::vm_of);
        let vm = match vm {
            Some(vm) => Some(self.kept_lease(&Lease::vm_key(&vm)).await?),
            None => None,
        };
        Ok(Registered {
            holder: owner.clone(),
            process,
            vm,
        })
    }
}

/// Who registers: a holder whose registration has a key.
fn owner(env: &Environment, given: Option<&Text>) -> Result<Holder> {
    let owner = holder(env, given)?;
    let longest = MAX_KEY_BYTES - Lease::process_key("").len();
    if owner.name.len() > longest {
        let problem = format!("expected at most {longest} bytes, got {}", owner.name.len());
        return Err(Error::invalid("holder", problem));
    }
    Ok(owner)
}

fn vm_key(vm: &Text) -> Result<String> {
    let longest = MAX_KEY_BYTES - Lease::vm_key("").len();
    let length = vm.as_str().len();
    if (1..=longest).contains(&length) {
        Ok(Lease::vm_key(vm.as_str()))
    } else {
        let problem = format!("expected 1 to {longest} bytes, got {length}");
        Err(Error::invalid("vmId", problem))
    }
}

/// Whether the owner of a machine has ended, and nobody has seen to it with success.
fn is_orphan(env: &Environment, vm: &Kept) -> bool {
    let lease = vm.lease.as_ref().filter(|lease| !lease.released);
    lease.is_some_and(|lease| ownership::is_claimed(lease) || !vm.is_held(env))
}
