//! Removing what has run out beside sessions: runs that keep nobody away any more, and old entries of
//! the audit log. Other leases stay, given back or not: somebody may take them again, and their tokens
//! go on growing. What guards a slot stays with it.

use crate::audit::params::AuditPurgeParams;
use crate::error::Result;
use crate::session::params::CleanupRecordsParams;
use crate::session::replies::{Done, RecordsCleaned};
use crate::session::retention::KEEP_AUDIT;

use super::{Environment, Service};

impl Service<'_> {
    /// Removes runs that have run out, and what has reached an age from the audit log.
    ///
    /// # Errors
    /// `STORE_BUSY`, and those of the store.
    pub async fn cleanup_records(
        &self,
        env: &Environment,
        params: CleanupRecordsParams,
    ) -> Result<Done<RecordsCleaned>> {
        let dry_run = params.dry_run.unwrap_or(false);
        let runs = self.clear_runs(env, None, true, dry_run).await?;
        let purge = AuditPurgeParams {
            older_than: params.keep_audit.unwrap_or(KEEP_AUDIT),
            dry_run: params.dry_run,
        };
        let entries = self.audit_purge(env, purge).await?.value.removed;
        Ok(Done::quiet(RecordsCleaned {
            runs,
            entries,
            dry_run,
        }))
    }
}
