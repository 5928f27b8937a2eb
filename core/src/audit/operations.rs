//! The operation that lists the entries of the audit log.

use crate::error::Result;
use crate::store::filter::Direction;
use crate::value::limits::page_limit;
use crate::value::text::Text;
use crate::work::context::Context;
use crate::work::operation::Group;

use super::backwards::Backwards;
use super::entry::Entry;
use super::params::{AuditLogParams, AuditPage, AuditView};
use super::range::Range;

const DEFAULT_ENTRIES: u32 = 50;
/// Entries that one call reads.
pub const MAX_READ: usize = 10_000;

crate::operations! {
    Group::Audit;
    /// A page of the audit log, oldest or newest first: decisions about agents and runs, and removals.
    AUDIT_LOG = Read "auditLog" (AuditLogParams) -> AuditPage, steps log,
        r#"{"after":0,"before":"2030-01-01","kind":"dedup","subject":"run","order":"asc","limit":2,
            "cursor":"2026-01-05T00:00:00.000Z/2"}"#;
}

async fn log(context: &Context, params: AuditLogParams) -> Result<AuditPage> {
    let limit = page_limit(params.limit, DEFAULT_ENTRIES)? as usize;
    let mut page = AuditPage::default();
    let mut walk = match params.order {
        Some(Direction::Desc) => {
            Walk::Backwards(Backwards::new(params.after, params.before, params.cursor)?)
        }
        _ => Walk::Forwards(Range::new(params.after, params.before, params.cursor)?),
    };
    while let Some((key, entry)) = walk.next(context).await? {
        let kind = entry.kind();
        let has_kind = params.kind.as_ref().is_none_or(|wanted| {
            let rest = kind.strip_prefix(wanted.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        });
        let subject = params.subject.as_ref().map(Text::as_str);
        if has_kind && (subject.is_none() || subject == entry.subject().as_deref()) {
            page.items.push(AuditView::from(entry));
        }
        if page.items.len() == limit || walk.count() == MAX_READ {
            page.next_cursor = Some(key);
            break;
        }
    }
    Ok(page)
}

/// A walk over entries, in one of the orders.
enum Walk {
    Forwards(Range),
    Backwards(Backwards),
}

impl Walk {
    async fn next(&mut self, context: &Context) -> Result<Option<(String, Entry)>> {
        match self {
            Self::Forwards(range) => range.next(context).await,
            Self::Backwards(walk) => walk.next(context).await,
        }
    }

    /// How many entries it has returned.
    fn count(&self) -> usize {
        match self {
            Self::Forwards(range) => range.count,
            Self::Backwards(walk) => walk.count,
        }
    }
}
