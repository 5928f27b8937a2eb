//! The removal of idle agents, which puts them into the trash and later deletes them.

use tenure_core::agent::params::AgentCleanupParams;
use tenure_core::audit::entry::Entry;
use tenure_core::audit::removal::Actor;
use tenure_core::error::Result;
use tenure_core::session::cleanup::{Fate, Sweep, sweep};
use tenure_core::session::replies::CleanupResult;
use tenure_core::session::retention;
use tenure_core::stored::head::Head;
use tenure_core::value::time::Millis;
use tenure_core::work::context::Context;
use tenure_core::work::operation::Group;

/// How long an agent may be idle before a cleanup, if nothing else is said.
const MAX_IDLE: Millis = Millis(24 * 60 * 60 * 1000);
/// How long an agent stays in the trash, if nothing else is said.
const PURGE_AFTER: Millis = Millis(7 * 24 * 60 * 60 * 1000);
tenure_core::operations! {
    Group::Agents;
    /// Puts the agents that have been idle for a time into the trash, whatever their phase, and deletes
    /// those that have been there for a time. Unfinished ones are abandoned; those that a runner holds
    /// stay.
    AGENT_CLEANUP = WriteMany "agentCleanup" (AgentCleanupParams) -> CleanupResult, steps cleanup,
        r#"{"maxIdle":"0s","purgeAfter":"7d","dryRun":false}"#;
}

async fn cleanup(context: &Context, params: AgentCleanupParams) -> Result<CleanupResult> {
    let now = context.call().now;
    let dry_run = params.dry_run.unwrap_or(false);
    let sweep_agents = |filter, selects, fate| Sweep {
        filter,
        selects,
        fate,
        actor: Actor::AgentCleanup,
        dry_run,
        after: None,
        limit: None,
        names_unreadable: false,
    };
    let limit = params.purge_after.unwrap_or(PURGE_AFTER);
    let is_old = |head: &Head| head.deleted_at.is_some_and(|at| now.since(at) >= limit.0);
    // First of all there is space for what follows.
    let deleted = sweep(
        context,
        sweep_agents(retention::trashed_agents(), &is_old, Fate::Removed),
    )
    .await?;
    let idle = retention::idle_agents(now, params.max_idle.unwrap_or(MAX_IDLE));
    let mut result = sweep(context, sweep_agents(idle, &|_| true, Fate::Abandoned)).await?;
    result.deleted = Some(deleted.removed);
    result.failed.extend(deleted.failed);
    if !dry_run {
        let entry = Entry::cleanup(result.removed, now);
        context
            .transact(|tx| {
                tx.enter(entry.to_record());
                // The agents are removed. A full disk may have no room for the entry.
                tx.allow_loss();
                Ok(())
            })
            .await?;
    }
    Ok(result)
}
