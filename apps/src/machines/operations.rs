//! The operations on processes and the virtual machines that they own. A call writes the leases of a
//! process and of its machine in one commit, so that they never disagree.

use tenure_core::audit::entry::Entry;
use tenure_core::error::{Error, Result};
use tenure_core::lease::decision::{self, Decision, Holder, Outcome, Request};
use tenure_core::lease::operations::{ask, checked_duration, find, holder, put};
use tenure_core::lease::walk::Walk;
use tenure_core::stored::lease::{KIND, Lease, MAX_KEY_BYTES};
use tenure_core::value::limits::{MAX_PAGE, limit_of};
use tenure_core::value::process::{Host, Liveness};
use tenure_core::value::text::Text;
use tenure_core::value::time::Timestamp;
use tenure_core::work::context::Context;
use tenure_core::work::operation::Group;
use tenure_core::work::transaction::{Attempt, Transaction};

use super::command::filled;
use super::model::{
    ActiveSession, ActiveSessions, ActiveSessionsParams, CLAIM_DURATION, ClaimOutcome, OrphanClaim,
    OrphanClaimParams, OrphanDone, OrphanDoneParams, OrphanOutcome, OrphansParams,
    ProcessRegisterParams, REGISTRATION_DURATION, StaleCleanup, StaleCleanupParams,
    VmCommandParams, VmMineParams, VmRegisterParams, VmUnregisterParams, VmView, claimed_data,
    is_claimed, is_in_zone, orphaned, owns, process_data, vm_data, vm_key, vm_of, vm_of_key,
};

/// The `kind` of the audit entry for a removed orphan.
const SWEEP: &str = "lease.sweep";
/// The `kind` of the audit entry for a process that has ended without unregistering.
const STALE: &str = "lease.stale";
/// The greatest number of sessions in a list.
const MAX_SESSIONS: u32 = 10_000;
/// The greatest number of sessions that the reply of a cleanup names.
const MAX_NAMED: usize = 1000;

tenure_core::operations! {
    Group::Machines;
    /// Registers the calling process, or renews its registration, and the lease of its machine with it.
    PROCESS_REGISTER = Write "processRegister" (ProcessRegisterParams) -> ActiveSession,
        unit register_process,
        r#"{"holder":"h"}"#;
    /// Makes the calling process the owner of a virtual machine: `false` if it owns another one, or if
    /// this one has another owner, or is the name of an orphan in another zone. The owner may update what
    /// it says about the machine.
    VM_REGISTER = Write "vmRegister" (VmRegisterParams) -> bool, unit register_vm,
        r#"{"vmId":"v","zone":"z","components":["c"],"metadata":{"a":1},"holder":"h"}"#;
    /// The virtual machine that the calling process owns, or `null`.
    VM_MINE = Read "vmMine" (VmMineParams) -> Option<VmView>, unit my_vm,
        r#"{"holder":"h"}"#;
    /// Unregisters the virtual machine that the calling process owns: `false` if it owns none, or
    /// another than the one that is named.
    VM_UNREGISTER = Write "vmUnregister" (VmUnregisterParams) -> bool, unit unregister_vm,
        r#"{"vmId":"v","holder":"h"}"#;
    /// The arguments of the command that removes a virtual machine, with its id and its zone in place of
    /// placeholders. A value that the program would parse as an option is refused.
    VM_COMMAND = Read "vmCommand" (VmCommandParams) -> Vec<String>, unit command_for,
        r#"{"command":["delete-vm","{vmId}","{zone}"],"vmId":"v","zone":"z","session":"s"}"#;
    /// The active sessions by id, with and without virtual machines. Those whose processes have ended
    /// are left out.
    ACTIVE_SESSIONS = Read "activeSessions" (ActiveSessionsParams) -> ActiveSessions,
        steps active_sessions,
        r#"{"limit":2,"after":"a"}"#;
    /// Removes the registrations of processes that have ended. Their virtual machines are orphans until
    /// they are cleaned up.
    STALE_CLEANUP = Write "staleCleanup" (StaleCleanupParams) -> StaleCleanup, steps stale_cleanup,
        r#"{"dryRun":false}"#;
    /// The virtual machines whose owners have ended, also those that are claimed for cleanup.
    ORPHANS = Read "orphans" (OrphansParams) -> Vec<VmView>, steps orphans,
        r#"{"limit":2,"after":"a"}"#;
    /// Claims an orphan for the caller, who cleans it up; no other call can claim it until
    /// `orphanDone`. If the caller ends before, it is an orphan again.
    ORPHAN_CLAIM = Write "orphanClaim" (OrphanClaimParams) -> OrphanClaim, unit claim_orphan,
        r#"{"vmId":"v","holder":"h","leaseDurationMs":1000}"#;
    /// Ends a claim: with success the machine has no owner, otherwise it is an orphan again.
    ORPHAN_DONE = Write "orphanDone" (OrphanDoneParams) -> OrphanDone, unit finish_orphan,
        r#"{"vmId":"v","token":1,"success":true}"#;
}

/// A process's registration, and the machine that its data names.
struct Registered {
    holder: Holder,
    process: Option<Lease>,
    vm: Option<Lease>,
}

impl Registered {
    fn find(tx: &mut Transaction<'_>, owner: Holder) -> Attempt<Self> {
        let process = find(tx, &Lease::process_key(&owner.name))?;
        let vm = match process.as_ref().and_then(vm_of) {
            Some(vm) => find(tx, &vm_key(&vm))?,
            None => None,
        };
        Ok(Self {
            holder: owner,
            process,
            vm,
        })
    }

    /// The machine, if the process still owns it.
    fn own(&self) -> Option<&Lease> {
        self.vm.as_ref().filter(|vm| owns(&self.holder, vm))
    }

    /// Writes the registration of the process with its machine.
    fn put(&self, tx: &mut Transaction<'_>, vm: Option<&str>) -> Attempt<Lease> {
        let request = Request::Acquire {
            holder: self.holder.clone(),
            duration: Some(REGISTRATION_DURATION),
            data: Some(process_data(vm)),
            once: false,
        };
        let key = Lease::process_key(&self.holder.name);
        // The name is unique to this process, so any other process that had it has ended.
        let liveness = Liveness::Dead;
        let Decision { write, .. } =
            decision::decide(&key, self.process.as_ref(), &request, tx.now(), liveness);
        let held = || Error::internal("the name of a process is held by another");
        let lease = write.ok_or_else(held)?;
        put(tx, &lease)?;
        Ok(lease)
    }
}

fn register_process(
    tx: &mut Transaction<'_>,
    params: &ProcessRegisterParams,
) -> Attempt<ActiveSession> {
    let owner = owner(tx.host(), params.holder.as_ref())?;
    let registered = Registered::find(tx, owner)?;
    let own = registered.own().cloned();
    let vm = own.as_ref().and_then(|lease| vm_of_key(&lease.key));
    let process = registered.put(tx, vm)?;
    let mut session = ActiveSession::new(&process, tx.host());
    if let Some(lease) = &own {
        let renewal = Request::Renew {
            holder: registered.holder.name.clone(),
            token: lease.token,
            duration: Some(REGISTRATION_DURATION),
            data: None,
        };
        if let (Outcome::Renewed, Some(lease)) = ask(tx, &lease.key, &renewal)? {
            session.vm = Some(VmView::new(lease, tx.now(), tx.host()));
        }
    }
    Ok(session)
}

fn register_vm(tx: &mut Transaction<'_>, params: &VmRegisterParams) -> Attempt<bool> {
    let owner = owner(tx.host(), params.holder.as_ref())?;
    let key = checked_vm_key(&params.vm_id)?;
    if let Some(metadata) = &params.metadata {
        tx.limits().object("metadata", metadata)?;
    }
    let registered = Registered::find(tx, owner.clone())?;
    let own = registered.own();
    if own.is_some_and(|lease| lease.key != key) {
        return Ok(false);
    }
    let data = vm_data(params, own, tx.now());
    tx.limits().data(&data)?;
    let vm = find(tx, &key)?;
    // A machine that is claimed for cleanup is about to be removed, and has no new owner.
    let claimed = vm.as_ref().filter(|vm| is_claimed(vm));
    if claimed.is_some_and(|vm| vm.is_held(tx.now(), tx.host())) {
        return Ok(false);
    }
    // A machine in another zone has the same name alone. Its orphan is not taken over, and so forgotten.
    let other = vm
        .as_ref()
        .filter(|vm| own.is_none() && !is_in_zone(vm, &params.zone));
    if other.is_some_and(|vm| !vm.released) {
        return Ok(false);
    }
    let request = Request::Acquire {
        holder: owner,
        duration: Some(REGISTRATION_DURATION),
        data: Some(data),
        once: false,
    };
    let (outcome, _) = ask(tx, &key, &request)?;
    if !matches!(outcome, Outcome::Acquired | Outcome::Renewed) {
        return Ok(false);
    }
    registered.put(tx, Some(params.vm_id.as_str()))?;
    Ok(true)
}

fn my_vm(tx: &mut Transaction<'_>, params: &VmMineParams) -> Attempt<Option<VmView>> {
    if params.holder.is_none() && tx.host().process().is_none() {
        return Ok(None);
    }
    let owner = owner(tx.host(), params.holder.as_ref())?;
    let registered = Registered::find(tx, owner)?;
    let own = registered.own().cloned();
    Ok(own.map(|lease| VmView::new(lease, tx.now(), tx.host())))
}

fn unregister_vm(tx: &mut Transaction<'_>, params: &VmUnregisterParams) -> Attempt<bool> {
    let owner = owner(tx.host(), params.holder.as_ref())?;
    let named = params.vm_id.as_ref().map(checked_vm_key).transpose()?;
    let registered = Registered::find(tx, owner)?;
    let Some(lease) = registered.own() else {
        return Ok(false);
    };
    if named.as_ref().is_some_and(|named| *named != lease.key) {
        return Ok(false);
    }
    let request = Request::Release {
        holder: registered.holder.name.clone(),
        token: Some(lease.token),
    };
    ask(tx, &lease.key, &request)?;
    registered.put(tx, None)?;
    Ok(true)
}

fn command_for(_: &mut Transaction<'_>, params: &VmCommandParams) -> Attempt<Vec<String>> {
    let values = [
        ("{vmId}", params.vm_id.as_str()),
        ("{zone}", params.zone.as_str()),
        ("{session}", params.session.as_str()),
    ];
    Ok(filled(&params.command, &values)?)
}

async fn active_sessions(
    context: &Context,
    params: ActiveSessionsParams,
) -> Result<ActiveSessions> {
    let (now, host) = now_and_host(context);
    let limit = limit_of(params.limit, MAX_SESSIONS, MAX_SESSIONS)? as usize;
    let after = params.after.map(Text::into_string).unwrap_or_default();
    let mut sessions = ActiveSessions::new();
    let mut processes = Walk::new(Lease::process_key(""), None);
    while let Some((_, lease)) = processes.next(context).await? {
        if lease.is_held(now, host) {
            let session = ActiveSession::new(&lease, host);
            sessions.insert(lease.holder.clone(), session);
        }
    }
    let mut vms = Walk::new(vm_key(""), None);
    while let Some((_, lease)) = vms.next(context).await? {
        if lease.is_held(now, host) && !is_claimed(&lease) {
            let session = sessions
                .entry(lease.holder.clone())
                // Machines that were imported have owners that never registered.
                .or_insert_with(|| ActiveSession::new(&lease, host));
            session.vm = Some(VmView::new(lease, now, host));
        }
    }
    let rest = sessions.into_iter().filter(|(id, _)| *id > after);
    Ok(rest.take(limit).collect())
}

async fn stale_cleanup(context: &Context, params: StaleCleanupParams) -> Result<StaleCleanup> {
    let (now, host) = now_and_host(context);
    let dry_run = params.dry_run.unwrap_or(false);
    let mut cleanup = StaleCleanup::default();
    let mut processes = Walk::new(Lease::process_key(""), None);
    while let Some((record, lease)) = processes.next(context).await? {
        if lease.is_held(now, host) {
            continue;
        }
        // A registration that another call removes first is not counted here.
        let removed = dry_run
            || context
                .try_transact(|tx| {
                    tx.assume_record(record.clone());
                    // No write is guarded by its token, and no name is used again.
                    tx.remove_record(KIND, &record.key)?;
                    if !lease.released {
                        let entry = Entry::about(STALE, &lease.key, &lease.holder, now);
                        tx.enter(entry.to_record());
                    }
                    Ok(())
                })
                .await?
                .is_some();
        if removed && !lease.released {
            cleanup.removed += 1;
            if cleanup.sessions.len() < MAX_NAMED {
                cleanup.sessions.push(lease.holder);
            }
        }
    }
    let mut vms = Walk::new(vm_key(""), None);
    while let Some((_, lease)) = vms.next(context).await? {
        cleanup.orphans += u64::from(is_orphan(now, host, &lease));
    }
    Ok(cleanup)
}

async fn orphans(context: &Context, params: OrphansParams) -> Result<Vec<VmView>> {
    let (now, host) = now_and_host(context);
    let limit = limit_of(params.limit, MAX_PAGE, MAX_PAGE)? as usize;
    let after = params.after.map(|after| vm_key(after.as_str()));
    let mut walk = Walk::new(vm_key(""), after);
    let mut orphans = Vec::new();
    while orphans.len() < limit
        && let Some((_, lease)) = walk.next(context).await?
    {
        if is_orphan(now, host, &lease) {
            orphans.push(VmView::new(lease, now, host));
        }
    }
    Ok(orphans)
}

fn claim_orphan(tx: &mut Transaction<'_>, params: &OrphanClaimParams) -> Attempt<OrphanClaim> {
    let key = checked_vm_key(&params.vm_id)?;
    let claimer = holder(tx.host(), params.holder.as_ref())?;
    let duration = checked_duration(params.lease_duration_ms)?.unwrap_or(CLAIM_DURATION);
    let lease = find(tx, &key)?;
    let (now, host) = (tx.now(), tx.host());
    let reply = |outcome, token, vm: Option<Lease>| OrphanClaim {
        outcome,
        token,
        vm: vm.map(|vm| VmView::new(vm, now, host)),
    };
    let Some(vm) = lease.clone().filter(|lease| !lease.released) else {
        return Ok(reply(ClaimOutcome::NotHeld, None, lease));
    };
    let request = Request::Acquire {
        holder: claimer,
        duration: Some(duration),
        data: Some(claimed_data(&vm)),
        once: true,
    };
    match ask(tx, &key, &request)? {
        (Outcome::Acquired, Some(claim)) => Ok(reply(
            ClaimOutcome::Acquired,
            Some(claim.token),
            Some(claim),
        )),
        _ => Ok(reply(ClaimOutcome::Held, None, Some(vm))),
    }
}

fn finish_orphan(tx: &mut Transaction<'_>, params: &OrphanDoneParams) -> Attempt<OrphanDone> {
    let key = checked_vm_key(&params.vm_id)?;
    let claimed =
        |lease: &Lease| !lease.released && lease.token == params.token && is_claimed(lease);
    let Some(vm) = find(tx, &key)?.filter(claimed) else {
        let outcome = OrphanOutcome::Lost;
        return Ok(OrphanDone { outcome });
    };
    let (outcome, vm) = if params.success {
        let request = Request::Release {
            holder: vm.holder.clone(),
            token: Some(vm.token),
        };
        let released = ask(tx, &key, &request)?.1.unwrap_or(vm);
        (OrphanOutcome::Released, released)
    } else {
        (OrphanOutcome::Orphaned, vm)
    };
    // The record shows the last owner from then on, not the claimer.
    let vm = orphaned(vm);
    if outcome == OrphanOutcome::Released {
        let entry = Entry::about(SWEEP, &vm.key, &vm.holder, tx.now());
        tx.enter(entry.to_record());
    }
    put(tx, &vm)?;
    Ok(OrphanDone { outcome })
}

fn now_and_host(context: &Context) -> (Timestamp, &dyn Host) {
    let call = context.call();
    (call.now, &*call.host)
}

/// The holder that registers, whose name fits into the key of a registration.
fn owner(host: &dyn Host, given: Option<&Text>) -> Result<Holder> {
    let owner = holder(host, given)?;
    let longest = MAX_KEY_BYTES - Lease::process_key("").len();
    if owner.name.len() > longest {
        let problem = format!("expected at most {longest} bytes, got {}", owner.name.len());
        return Err(Error::invalid("holder", problem));
    }
    Ok(owner)
}

fn checked_vm_key(vm: &Text) -> Result<String> {
    let longest = MAX_KEY_BYTES - vm_key("").len();
    let length = vm.as_str().len();
    if (1..=longest).contains(&length) {
        Ok(vm_key(vm.as_str()))
    } else {
        let problem = format!("expected 1 to {longest} bytes, got {length}");
        Err(Error::invalid("vmId", problem))
    }
}

/// Whether the owner of a machine has ended and the machine was not cleaned up.
fn is_orphan(now: Timestamp, host: &dyn Host, vm: &Lease) -> bool {
    !vm.released && (is_claimed(vm) || !vm.is_held(now, host))
}
