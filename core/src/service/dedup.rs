//! The operations on runs that are not to be repeated. Each reads what is kept under the run's key and
//! of its commit, lets the decision be made, and writes what comes out in one commit, if nothing else
//! was written meanwhile.

use crate::apps::dedup::params::{
    DedupAdmitParams, DedupAuditParams, DedupCheckParams, DedupCleaned, DedupCleanupParams,
    DedupClearParams, DedupCleared, DedupDecision, DedupListParams, DedupRegisterParams,
};
use crate::apps::dedup::{self, Asked, Decision, KEEP, PULL_REQUEST_WINDOW, Run, WINDOW};
use crate::audit;
use crate::audit::entry::Entry;
use crate::audit::params::AuditView;
use crate::error::Result;
use crate::lease::model::{Lease, State};
use crate::lease::params::{LeasePage, LeaseView};
use crate::session::replies::Done;
use crate::store::RecordChange;
use crate::value::fingerprint::Fingerprint;
use crate::value::text::Text;
use crate::value::time::Millis;

use super::commit::MAX_ATTEMPTS;
use super::lease::{Kept, Walk, busy};
use super::{Environment, Service, page_limit};

const DEFAULT_RUNS: u32 = 50;
/// Leases that one call of `dedupList` looks at.
const MAX_SEEN: usize = 10_000;
/// Leases that are removed in one commit: some stores cross a network for each.
const TOGETHER: usize = 50;

impl Service<'_> {
    /// Whether a run would be one too many now.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for what makes no key, and those of the store.
    pub async fn dedup_check(
        &self,
        env: &Environment,
        params: DedupCheckParams,
    ) -> Result<Done<DedupDecision>> {
        let key = params.key.as_ref().map(Text::as_str);
        let run = self.run(
            key,
            &params.event_type,
            &params.workflow,
            &params.commit_sha,
        )?;
        // Whoever asks is nobody yet.
        let run = run.by("-", None)?;
        let asked = asked(None, None, None, params.symmetric);
        let (window, lock) = self.kept_of_run(&run).await?;
        let lock = lock.as_ref().and_then(|lock| lock.lease.as_ref());
        let decision = dedup::decide(&run, &asked, window.lease.as_ref(), lock, env.now)?;
        Ok(Done::quiet(answer(&run, decision)))
    }

    /// Registers a run, unless another one was faster.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`, `TOO_LARGE`, `STORE_BUSY`, and those of the store.
    pub async fn dedup_register(
        &self,
        env: &Environment,
        params: DedupRegisterParams,
    ) -> Result<Done<DedupDecision>> {
        let key = Some(params.key.as_str());
        let run = self.run(
            key,
            &params.event_type,
            &params.workflow,
            &params.commit_sha,
        )?;
        let run = run.by(params.run_id.as_str(), params.run_attempt)?;
        let asked = Asked {
            again: true,
            keep: Millis(0),
            ..asked(params.window, params.pr_window, None, params.symmetric)
        };
        self.admit(env, run, asked).await
    }

    /// Checks and registers a run in one step.
    ///
    /// # Errors
    /// Those of [`Service::dedup_register`].
    pub async fn dedup_admit(
        &self,
        env: &Environment,
        params: DedupAdmitParams,
    ) -> Result<Done<DedupDecision>> {
        let key = params.key.as_ref().map(Text::as_str);
        let run = self.run(
            key,
            &params.event_type,
            &params.workflow,
            &params.commit_sha,
        )?;
        let run = run.by(params.run_id.as_str(), params.run_attempt)?;
        let (window, lock) = (params.window, params.pr_window);
        let asked = asked(window, lock, params.keep, params.symmetric);
        self.admit(env, run, asked).await
    }

    /// Ends a run. Its window goes on.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`, `STORE_BUSY`, and those of the store.
    pub async fn dedup_cleanup(
        &self,
        env: &Environment,
        params: DedupCleanupParams,
    ) -> Result<Done<DedupCleaned>> {
        let key = dedup::checked_key(params.key.into_string())?;
        let holder = dedup::holder(params.run_id.as_str(), params.run_attempt)?;
        for _ in 0..MAX_ATTEMPTS {
            let kept = self.kept_lease(&key).await?;
            let ending = dedup::end(&key, kept.lease.as_ref(), &holder, env.now);
            let change = ending.write.map(|lease| kept.change(Some(&lease)));
            let done = match change {
                Some(change) => self.keep(vec![change]).await?,
                None => true,
            };
            if done {
                return Ok(Done::quiet(DedupCleaned {
                    outcome: ending.outcome,
                    until: ending.held.and_then(|lease| lease.expires_at),
                }));
            }
        }
        Err(busy(&key))
    }

    /// Enters into the audit log how a run went.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`, `TOO_LARGE`, and those of the store.
    pub async fn dedup_audit(
        &self,
        env: &Environment,
        params: DedupAuditParams,
    ) -> Result<Done<AuditView>> {
        let key = Some(params.key.as_str());
        let run = self.run(
            key,
            &params.event_type,
            &params.workflow,
            &params.commit_sha,
        )?;
        let run = run.by(params.run_id.as_str(), params.run_attempt)?;
        self.limits.label("jobStatus", Some(&params.job_status))?;
        let entry = run.ended(params.executed, params.job_status.as_str(), env.now);
        self.keep(vec![entry.to_change()]).await?;
        Ok(Done::quiet(entry.into()))
    }

    /// A page of the runs that keep others away, and of the locks of commits, in the order of their
    /// keys.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for the limit, and those of the store.
    pub async fn dedup_list(
        &self,
        env: &Environment,
        params: DedupListParams,
    ) -> Result<Done<LeasePage>> {
        let limit = page_limit(params.limit, DEFAULT_RUNS)? as usize;
        let ended = params.ended.unwrap_or(false);
        let prefix = params.prefix.map(Text::into_string).unwrap_or_default();
        let mut walk = Walk::new(prefix, params.cursor.map(Text::into_string));
        let mut page = LeasePage::default();
        let mut seen = 0;
        while let Some(Kept { key, lease, .. }) = self.next_lease(&mut walk).await? {
            seen += 1;
            if let Some(lease) = lease.filter(dedup::is_of_run) {
                let view = LeaseView::new(lease, env.now, env.host);
                if ended || view.state == State::Held {
                    page.items.push(view);
                }
            }
            if page.items.len() == limit || seen == MAX_SEEN {
                page.next_cursor = Some(key);
                break;
            }
        }
        Ok(Done::quiet(page))
    }

    /// Forgets runs and the locks of commits.
    ///
    /// # Errors
    /// `STORE_BUSY`, and those of the store.
    pub async fn dedup_clear(
        &self,
        env: &Environment,
        params: DedupClearParams,
    ) -> Result<Done<DedupCleared>> {
        let ended = params.ended.unwrap_or(false);
        let removed = self.clear_runs(env, params.prefix, ended, false).await?;
        Ok(Done::quiet(DedupCleared { removed }))
    }

    /// Forgets runs, all or those that have run out; or only counts them.
    pub(super) async fn clear_runs(
        &self,
        env: &Environment,
        prefix: Option<Text>,
        ended: bool,
        dry_run: bool,
    ) -> Result<u64> {
        let prefix = prefix.map(Text::into_string).unwrap_or_default();
        let mut walk = Walk::new(prefix, None);
        let mut removed = 0;
        let mut meant = Vec::new();
        loop {
            let next = self.next_lease(&mut walk).await?;
            let at_end = next.is_none();
            meant.extend(next.filter(|kept| is_forgotten(env, kept, ended)));
            if meant.len() == TOGETHER || (at_end && !meant.is_empty()) {
                let together = std::mem::take(&mut meant);
                removed += match dry_run {
                    true => together.len() as u64,
                    false => self.forget(env, together, ended).await?,
                };
            }
            if at_end {
                break;
            }
        }
        if removed > 0 && !dry_run {
            let mut data = Entry::members(audit::entry::DEDUP_CLEAR, env.now, None);
            data.set("removed", &removed);
            data.set("call", &call(env));
            let data = data.to_json();
            let entry = Entry { at: env.now, data };
            self.keep(vec![entry.to_change()]).await?;
        }
        Ok(removed)
    }

    /// Removes what is kept of runs, and answers of how many.
    async fn forget(&self, env: &Environment, meant: Vec<Kept>, ended: bool) -> Result<u64> {
        let changes = meant.iter().map(|kept| kept.change(None)).collect();
        if self.keep(changes).await? {
            return Ok(meant.len() as u64);
        }
        // One of them has changed. Which others have, each of them tells.
        let mut removed = 0;
        for kept in meant {
            removed += u64::from(self.forget_one(env, kept, ended).await?);
        }
        Ok(removed)
    }

    /// Removes what is kept of a run, if it is meant.
    async fn forget_one(&self, env: &Environment, mut kept: Kept, ended: bool) -> Result<bool> {
        for _ in 0..MAX_ATTEMPTS {
            if !is_forgotten(env, &kept, ended) {
                return Ok(false);
            }
            if self.keep(vec![kept.change(None)]).await? {
                return Ok(true);
            }
            kept = self.kept_lease(&kept.key).await?;
        }
        Err(busy(&kept.key))
    }

    /// Decides about a run, and keeps what comes of it together with an entry of the audit log.
    async fn admit(
        &self,
        env: &Environment,
        run: Run,
        asked: Asked,
    ) -> Result<Done<DedupDecision>> {
        for _ in 0..MAX_ATTEMPTS {
            let (window, lock) = self.kept_of_run(&run).await?;
            let locked = lock.as_ref().and_then(|lock| lock.lease.as_ref());
            let decision = dedup::decide(&run, &asked, window.lease.as_ref(), locked, env.now)?;
            let mut records = Vec::new();
            if let Some(lease) = &decision.window {
                records.push(taken(env, &window, lease));
            }
            if let (Some(kept), Some(lease)) = (&lock, &decision.lock) {
                records.push(taken(env, kept, lease));
            }
            let entry = run.entry(&decision, env.now, &call(env));
            records.push(entry.to_change());
            let kept = self.keep(records).await;
            // A run that is to be skipped is skipped also where that cannot be entered.
            if decision.reason.skips() || kept? {
                return Ok(Done::quiet(answer(&run, decision)));
            }
        }
        Err(busy(&run.key))
    }

    async fn kept_of_run(&self, run: &Run) -> Result<(Kept, Option<Kept>)> {
        let window = self.kept_lease(&run.key).await?;
        let lock = match run.lock_key() {
            Some(key) => Some(self.kept_lease(&key).await?),
            None => None,
        };
        Ok((window, lock))
    }

    fn run(
        &self,
        key: Option<&str>,
        event: &Text,
        workflow: &Text,
        commit: &Option<Text>,
    ) -> Result<Run> {
        self.limits.label("eventType", Some(event))?;
        self.limits.label("workflow", Some(workflow))?;
        self.limits.label("commitSha", commit.as_ref())?;
        let commit = commit.as_ref().map_or("", Text::as_str);
        Run::new(key, event.as_str(), workflow.as_str(), commit)
    }
}

/// Whether clearing means what is kept.
fn is_forgotten(env: &Environment, kept: &Kept, ended: bool) -> bool {
    let lease = kept.lease.as_ref().filter(|lease| dedup::is_of_run(lease));
    lease.is_some() && !(ended && kept.is_held(env))
}

/// The change that keeps a lease that was taken. A record that was removed and made again must not
/// have a version of before, or whoever has read that one would take the lease, too; so versions
/// begin with the time.
fn taken(env: &Environment, kept: &Kept, lease: &Lease) -> RecordChange {
    let mut change = kept.change(Some(lease));
    if kept.lease.is_none()
        && let Some(record) = &mut change.record
    {
        record.version = u64::try_from(env.now.as_millis()).unwrap_or(0).max(1);
    }
    change
}

fn asked(
    window: Option<Millis>,
    lock: Option<Millis>,
    keep: Option<Millis>,
    symmetric: Option<bool>,
) -> Asked {
    Asked {
        window: window.unwrap_or(WINDOW),
        pull_request_window: lock.unwrap_or(PULL_REQUEST_WINDOW),
        keep: keep.unwrap_or(KEEP),
        symmetric: symmetric.unwrap_or(false),
        again: false,
    }
}

fn answer(run: &Run, decision: Decision) -> DedupDecision {
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

/// What tells a call from others of its moment.
fn call(env: &Environment) -> String {
    Fingerprint::of("dedup", env.entropy).text()
}
