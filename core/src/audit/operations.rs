//! The operations on the audit log: listing and removing its entries.

use crate::error::Result;
use crate::value::limits::{MAX_PAGE, page_limit};
use crate::value::text::Text;
use crate::work::context::Context;
use crate::work::operation::Group;

use super::entry::KIND;
use super::params::{AuditLogParams, AuditPage, AuditPurgeParams, AuditPurged, AuditView};
use super::range::Range;

const DEFAULT_ENTRIES: u32 = 50;
/// Entries that one call reads.
pub const MAX_READ: usize = 10_000;

crate::operations! {
    Group::Audit;
    /// A page of the audit log, oldest first: decisions about agents and runs, and removals.
    AUDIT_LOG = Read "auditLog" (AuditLogParams) -> AuditPage, steps log,
        r#"{"after":0,"before":"2030-01-01","kind":"dedup","subject":"run","limit":2,"cursor":"2"}"#;
    /// Removes entries that have reached an age from the audit log.
    AUDIT_PURGE = WriteMany "auditPurge" (AuditPurgeParams) -> AuditPurged, steps purge,
        r#"{"olderThan":"30d","dryRun":false}"#;
}

async fn log(context: &Context, params: AuditLogParams) -> Result<AuditPage> {
    let limit = page_limit(params.limit, DEFAULT_ENTRIES)? as usize;
    let mut page = AuditPage::default();
    let mut range = Range::new(params.after, params.before, params.cursor);
    while let Some((key, entry)) = range.next(context).await? {
        let kind = entry.kind();
        let has_kind = params.kind.as_ref().is_none_or(|wanted| {
            let rest = kind.strip_prefix(wanted.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        });
        let subject = params.subject.as_ref().map(Text::as_str);
        if has_kind && (subject.is_none() || subject == entry.subject().as_deref()) {
            page.items.push(AuditView::from(entry));
        }
        if page.items.len() == limit || range.count == MAX_READ {
            page.next_cursor = Some(key);
            break;
        }
    }
    Ok(page)
}

/// Removes entries that have reached an age from the audit log.
///
/// # Errors
/// Those of the store.
pub(crate) async fn purge(context: &Context, params: AuditPurgeParams) -> Result<AuditPurged> {
    let now = context.call().now;
    let mut purged = AuditPurged {
        dry_run: params.dry_run.unwrap_or(false),
        ..AuditPurged::default()
    };
    let mut range = Range::new(None, None, None);
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
                context
                    .transact(|tx| {
                        let keys = keys.iter().cloned();
                        keys.for_each(|key| tx.discard_record(KIND, key));
                        Ok(())
                    })
                    .await?;
            }
        }
        if ended {
            return Ok(purged);
        }
    }
}
