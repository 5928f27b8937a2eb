//! The operations on runs. Each reads the leases of the run's key and of its commit, makes the
//! [decision](super::run), and writes the resulting leases with an entry of the audit log.

use tenure_core::audit::params::AuditView;
use tenure_core::error::Result;
use tenure_core::lease::operations::{find, put, read_of};
use tenure_core::lease::params::{LeasePage, LeaseView};
use tenure_core::lease::walk::Walk;
use tenure_core::stored::lease::{Lease, State};
use tenure_core::value::entropy::Entropy;
use tenure_core::value::fingerprint::Fingerprint;
use tenure_core::value::limits::{Limits, page_limit};
use tenure_core::value::text::Text;
use tenure_core::value::time::Millis;
use tenure_core::work::context::Context;
use tenure_core::work::operation::Group;
use tenure_core::work::transaction::{Attempt, Transaction};

use crate::retention::leases::{removal_entry, remove};

use super::params::{
    DedupAdmitParams, DedupAuditParams, DedupCheckParams, DedupCleaned, DedupCleanupParams,
    DedupClearParams, DedupCleared, DedupDecision, DedupListParams, DedupRegisterParams,
};
use super::run::{
    Decision, Identity, KEEP, PULL_REQUEST_WINDOW, Policy, Run, WINDOW, checked_key, decide, end,
    free, holder, is_of_run,
};

const DEFAULT_RUNS: u32 = 50;
/// Leases that one call of `dedupList` reads.
const MAX_READ: usize = 10_000;

tenure_core::operations! {
    Group::Dedup;
    /// Whether a run would be a duplicate now: the same run is active or was a short time ago, or a
    /// pull request has run its commit. Nothing is written; `dedupAdmit` checks and registers in one
    /// step.
    DEDUP_CHECK = Read "dedupCheck" (DedupCheckParams) -> DedupDecision, unit check,
        r#"{"eventType":"push","workflow":"w","commitSha":"0123456789","gitRef":"refs/heads/main","by":"ref","key":"run","symmetric":true}"#;
    /// Registers a run that was checked, unless it has become a duplicate meanwhile. That of a pull
    /// request locks its commit for pushes. Registering it again changes nothing.
    DEDUP_REGISTER = Write "dedupRegister" (DedupRegisterParams) -> DedupDecision, unit register,
        r#"{"key":"run","eventType":"pull_request","workflow":"w","runId":"1","runAttempt":2,"commitSha":"0123456789","gitRef":"refs/heads/main","by":"ref","window":"5m","prWindow":"1h","symmetric":true}"#;
    /// Checks a run and registers it, in one step: of all that ask for one key at once, one is to run.
    /// The others are duplicates until `dedupCleanup` or the time `keep`, and at least for its window.
    DEDUP_ADMIT = Write "dedupAdmit" (DedupAdmitParams) -> DedupDecision, unit admit,
        r#"{"eventType":"push","workflow":"w","runId":"1","runAttempt":2,"commitSha":"0123456789","gitRef":"refs/heads/main","by":"ref","key":"run","window":"5m","prWindow":"1h","keep":"10m","symmetric":true}"#;
    /// Ends a run. Others are duplicates until the end of its window, and no longer. The outcome is
    /// `not_owner` if the run is another's, which is left alone. Without the id of a run the key is freed.
    DEDUP_CLEANUP = Write "dedupCleanup" (DedupCleanupParams) -> DedupCleaned, unit cleanup,
        r#"{"key":"run","runId":"1","runAttempt":2}"#;
    /// Enters into the audit log how a run went, whether it did its work or was a duplicate.
    DEDUP_AUDIT = Write "dedupAudit" (DedupAuditParams) -> AuditView, unit audit,
        r#"{"key":"run","eventType":"push","workflow":"w","runId":"1","runAttempt":2,"commitSha":"0123456789","executed":true,"jobStatus":"success"}"#;
    /// A page of the active runs and of the locks of commits, in the order of their keys.
    DEDUP_LIST = Read "dedupList" (DedupListParams) -> LeasePage, steps list,
        r#"{"prefix":"r","ended":true,"limit":2,"cursor":"a"}"#;
    /// Removes runs and the locks of commits, regardless of their holders, or only the expired ones.
    DEDUP_CLEAR = Write "dedupClear" (DedupClearParams) -> DedupCleared, steps clear,
        r#"{"prefix":"r","ended":true}"#;
}

fn check(tx: &mut Transaction<'_>, params: &DedupCheckParams) -> Attempt<DedupDecision> {
    let identity = Identity {
        key: params.key.as_ref().map(Text::as_str),
        event: params.event_type.as_str(),
        workflow: params.workflow.as_str(),
        commit: commit(params.commit_sha.as_ref()),
        git_ref: params.git_ref.as_ref().map(Text::as_str),
        by: params.by,
    };
    let run = run(tx.limits(), &identity)?;
    // The run has no id yet.
    let run = run.by("-", None)?;
    let policy = policy(None, None, None, params.symmetric);
    let (window, lock) = leases(tx, &run)?;
    let decision = decide(&run, &policy, window.as_ref(), lock.as_ref(), tx.now())?;
    Ok(reply(&run, decision))
}

fn register(tx: &mut Transaction<'_>, params: &DedupRegisterParams) -> Attempt<DedupDecision> {
    let identity = Identity {
        key: Some(params.key.as_str()),
        event: params.event_type.as_str(),
        workflow: params.workflow.as_str(),
        commit: commit(params.commit_sha.as_ref()),
        git_ref: params.git_ref.as_ref().map(Text::as_str),
        by: params.by,
    };
    let run = run(tx.limits(), &identity)?;
    let run = run.by(params.run_id.as_str(), params.run_attempt)?;
    let policy = Policy {
        again: true,
        keep: Millis(0),
        ..policy(params.window, params.pr_window, None, params.symmetric)
    };
    admit_run(tx, &run, &policy)
}

fn admit(tx: &mut Transaction<'_>, params: &DedupAdmitParams) -> Attempt<DedupDecision> {
    let identity = Identity {
        key: params.key.as_ref().map(Text::as_str),
        event: params.event_type.as_str(),
        workflow: params.workflow.as_str(),
        commit: commit(params.commit_sha.as_ref()),
        git_ref: params.git_ref.as_ref().map(Text::as_str),
        by: params.by,
    };
    let run = run(tx.limits(), &identity)?;
    let run = run.by(params.run_id.as_str(), params.run_attempt)?;
    let (window, lock) = (params.window, params.pr_window);
    admit_run(
        tx,
        &run,
        &policy(window, lock, params.keep, params.symmetric),
    )
}

/// Decides on a run, and writes the resulting leases with an entry of the audit log.
fn admit_run(tx: &mut Transaction<'_>, run: &Run, policy: &Policy) -> Attempt<DedupDecision> {
    let (window, lock) = leases(tx, run)?;
    let decision = decide(run, policy, window.as_ref(), lock.as_ref(), tx.now())?;
    if let Some(lease) = &decision.window {
        write(tx, lease, window.is_none())?;
    }
    if let Some(lease) = &decision.lock {
        write(tx, lease, lock.is_none())?;
    }
    let entry = run.entry(&decision, tx.now(), &call(tx.entropy()));
    tx.enter(entry.to_record());
    if decision.reason.skips() {
        // A duplicate is skipped even if its audit entry cannot be written.
        tx.allow_loss();
    }
    Ok(reply(run, decision))
}

/// Writes the lease of a run. A record that was removed and created again must not repeat a version: a
/// writer that has read the old record would acquire the lease, too. So versions start with the time.
fn write(tx: &mut Transaction<'_>, lease: &Lease, is_new: bool) -> Attempt<()> {
    if !is_new {
        return put(tx, lease);
    }
    let version = u64::try_from(tx.now().as_millis()).unwrap_or(0).max(1);
    tx.put_record(lease.to_record(version))
}

/// The leases of a run's key and of its commit, read in one request.
fn leases(tx: &mut Transaction<'_>, run: &Run) -> Attempt<(Option<Lease>, Option<Lease>)> {
    let lock = run.lock_key();
    let keys = std::iter::once(run.key.as_str()).chain(lock.as_deref());
    tx.read_all(keys.map(read_of))?;
    let window = find(tx, &run.key)?;
    let lock = match &lock {
        Some(key) => find(tx, key)?,
        None => None,
    };
    Ok((window, lock))
}

fn cleanup(tx: &mut Transaction<'_>, params: &DedupCleanupParams) -> Attempt<DedupCleaned> {
    let key = checked_key(params.key.to_string())?;
    let holder = match &params.run_id {
        Some(id) => Some(holder(id.as_str(), params.run_attempt)?),
        None => None,
    };
    let lease = find(tx, &key)?;
    let ending = match &holder {
        Some(holder) => end(&key, lease.as_ref(), holder, tx.now()),
        None => free(&key, lease.as_ref(), tx.now()),
    };
    if let Some(lease) = &ending.write {
        put(tx, lease)?;
        if holder.is_none() {
            let entry = removal_entry(1, tx.now(), tx.entropy());
            tx.enter(entry.to_record());
        }
    }
    Ok(DedupCleaned {
        outcome: ending.outcome,
        until: ending.held.and_then(|lease| lease.expires_at),
    })
}

fn audit(tx: &mut Transaction<'_>, params: &DedupAuditParams) -> Attempt<AuditView> {
    let identity = Identity {
        key: Some(params.key.as_str()),
        event: params.event_type.as_str(),
        workflow: params.workflow.as_str(),
        commit: commit(params.commit_sha.as_ref()),
        ..Identity::default()
    };
    let run = run(tx.limits(), &identity)?;
    let run = run.by(params.run_id.as_str(), params.run_attempt)?;
    tx.limits().label("jobStatus", Some(&params.job_status))?;
    let entry = run.ended(params.executed, params.job_status.as_str(), tx.now());
    tx.enter(entry.to_record());
    Ok(entry.into())
}

async fn list(context: &Context, params: DedupListParams) -> Result<LeasePage> {
    let call = context.call();
    let limit = page_limit(params.limit, DEFAULT_RUNS)? as usize;
    let ended = params.ended.unwrap_or(false);
    let prefix = params.prefix.map(Text::into_string).unwrap_or_default();
    let mut walk = Walk::new(prefix, params.cursor.map(Text::into_string));
    let mut page = LeasePage::default();
    let mut read = 0;
    while let Some((record, lease)) = walk.next(context).await? {
        read += 1;
        if is_of_run(&lease) {
            let view = LeaseView::new(lease, call.now, &*call.host);
            if ended || view.state == State::Held {
                page.items.push(view);
            }
        }
        if page.items.len() == limit || read == MAX_READ {
            page.next_cursor = Some(record.key);
            break;
        }
    }
    Ok(page)
}

async fn clear(context: &Context, params: DedupClearParams) -> Result<DedupCleared> {
    let at = context.call().now;
    let ended = params.ended.unwrap_or(false);
    let prefix = params.prefix.map(Text::into_string).unwrap_or_default();
    let host = &context.call().host;
    let selects = |lease: &Lease| is_of_run(lease) && !(ended && lease.is_held(at, &**host));
    let removed = remove(context, Walk::new(prefix, None), &selects, false).await?;
    if removed > 0 {
        let entry = removal_entry(removed, at, context.call().entropy);
        context
            .transact(|tx| {
                tx.enter(entry.to_record());
                Ok(())
            })
            .await?;
    }
    Ok(DedupCleared { removed })
}

fn run(limits: &Limits, identity: &Identity<'_>) -> Result<Run> {
    limits.label("eventType", Some(identity.event))?;
    limits.label("workflow", Some(identity.workflow))?;
    limits.label("commitSha", Some(identity.commit))?;
    limits.label("gitRef", identity.git_ref)?;
    Run::new(identity)
}

fn commit(given: Option<&Text>) -> &str {
    given.map_or("", Text::as_str)
}

fn policy(
    window: Option<Millis>,
    lock: Option<Millis>,
    keep: Option<Millis>,
    symmetric: Option<bool>,
) -> Policy {
    Policy {
        window: window.unwrap_or(WINDOW),
        pull_request_window: lock.unwrap_or(PULL_REQUEST_WINDOW),
        keep: keep.unwrap_or(KEEP),
        symmetric: symmetric.unwrap_or(false),
        again: false,
    }
}

fn reply(run: &Run, decision: Decision) -> DedupDecision {
    let message = decision.message(run);
    let by = decision.by;
    DedupDecision {
        key: run.key.clone(),
        skip: decision.reason.skips(),
        reason: decision.reason,
        message,
        since: by.as_ref().map(|by| by.acquired_at),
        until: by.as_ref().and_then(|by| by.expires_at),
        holder: by.map(|by| by.holder),
    }
}

/// Distinguishes calls at the same time.
fn call(entropy: Entropy) -> String {
    Fingerprint::of("dedup", entropy.bits()).text()
}
