//! The removal of expired records: disposable leases, and old entries of the audit log.

use tenure_core::audit::entry::KIND;
use tenure_core::audit::params::{AuditPurgeParams, AuditPurged};
use tenure_core::audit::range::Range;
use tenure_core::error::Result;
use tenure_core::session::params::CleanupRecordsParams;
use tenure_core::session::replies::RecordsCleaned;
use tenure_core::session::retention::KEEP_AUDIT;
use tenure_core::value::limits::MAX_PAGE;
use tenure_core::work::context::Context;
use tenure_core::work::operation::Group;

use super::leases;
use crate::discard::discard;
use crate::webhooks::failed;

tenure_core::operations! {
    Group::Audit;
    /// Removes entries that have reached an age from the audit log.
    AUDIT_PURGE = WriteMany "auditPurge" (AuditPurgeParams) -> AuditPurged, steps purge,
        r#"{"olderThan":"30d","dryRun":false}"#;
    /// Removes expired records: the disposable leases, such as those of runs, the entries of the
    /// audit log that are older than `keepAudit`, and deliveries of webhooks that failed long ago. Other
    /// leases stay, so that their next tokens are greater.
    CLEANUP_RECORDS = WriteMany "cleanupRecords" (CleanupRecordsParams) -> RecordsCleaned,
        steps cleanup,
        r#"{"keepAudit":0,"dryRun":false}"#;
}

async fn cleanup(context: &Context, params: CleanupRecordsParams) -> Result<RecordsCleaned> {
    let dry_run = params.dry_run.unwrap_or(false);
    let runs = leases::remove_expired(context, dry_run).await?;
    let purged = AuditPurgeParams {
        older_than: params.keep_audit.unwrap_or(KEEP_AUDIT),
        dry_run: params.dry_run,
    };
    let entries = purge(context, purged).await?.removed;
    failed::remove_expired(context, dry_run).await?;
    Ok(RecordsCleaned {
        runs,
        entries,
        dry_run,
    })
}

async fn purge(context: &Context, params: AuditPurgeParams) -> Result<AuditPurged> {
    let now = context.call().now;
    let mut purged = AuditPurged {
        dry_run: params.dry_run.unwrap_or(false),
        ..AuditPurged::default()
    };
    let mut range = Range::new(None, None, None)?;
    let mut old = Vec::new();
    loop {
        let next = range.next(context).await?;
        let next = next.filter(|(_, entry)| now.since(entry.at) >= params.older_than.0);
        let ended = next.is_none();
        if let Some((key, _)) = next {
            purged.removed += 1;
            old.push(key);
        }
        if !old.is_empty() && (ended || old.len() == MAX_PAGE as usize) {
            let keys = std::mem::take(&mut old);
            if !purged.dry_run {
                discard(context, KIND, &keys).await?;
            }
        }
        if ended {
            return Ok(purged);
        }
    }
}
