//! The operations on the audit log: a part of it, a day as other programs keep it, and removing what
//! is old. Keys of entries sort by time, so each reads a range of them, page by page.

use std::collections::VecDeque;

use crate::audit;
use crate::audit::entry::Entry;
use crate::audit::params::{
    AuditDay, AuditDayParams, AuditLogParams, AuditPage, AuditPurgeParams, AuditPurged, AuditRun,
    AuditView,
};
use crate::error::{Error, Result};
use crate::session::replies::Done;
use crate::store::{Expect, RecordChange, Scan};
use crate::stored::record::Record;
use crate::value::text::Text;
use crate::value::time::{Millis, Timestamp};

use super::{Environment, MAX_PAGE, Service, page_limit};

const DEFAULT_ENTRIES: u32 = 50;
/// Entries that one call looks at.
const MAX_SEEN: usize = 10_000;
const DAY: Millis = Millis(24 * 60 * 60 * 1000);

impl Service<'_> {
    /// A page of the audit log, oldest first.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for the limit, and those of the store.
    pub async fn audit_log(
        &self,
        _env: &Environment,
        params: AuditLogParams,
    ) -> Result<Done<AuditPage>> {
        let limit = page_limit(params.limit, DEFAULT_ENTRIES)? as usize;
        let mut page = AuditPage::default();
        let mut range = Range::new(params.after, params.before, params.cursor);
        while let Some((key, entry)) = self.next_entry(&mut range).await? {
            let kind = entry.kind();
            let of_kind = params.kind.as_ref().is_none_or(|meant| {
                let rest = kind.strip_prefix(meant.as_str());
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            });
            let subject = params.subject.as_ref().map(Text::as_str);
            if of_kind && (subject.is_none() || subject == entry.subject().as_deref()) {
                page.items.push(AuditView::from(entry));
            }
            if page.items.len() == limit || range.seen == MAX_SEEN {
                page.next_cursor = Some(key);
                break;
            }
        }
        Ok(Done::quiet(page))
    }

    /// A page of the runs of a day, in the form that other programs keep.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for the date and the limit, and those of the store.
    pub async fn audit_day(
        &self,
        env: &Environment,
        params: AuditDayParams,
    ) -> Result<Done<AuditDay>> {
        let limit = page_limit(params.limit, MAX_PAGE)? as usize;
        let begin = audit::entry::day(params.date.as_ref().map(Text::as_str), env.now)?;
        let mut day = AuditDay {
            file: audit::entry::day_file(begin),
            items: Vec::new(),
            next_cursor: None,
        };
        let mut range = Range::new(Some(begin), None, params.cursor);
        // The last day has no moment after it.
        range.before = Some(begin.plus(DAY)).filter(|end| end.since(begin) == DAY.0);
        while let Some((key, entry)) = self.next_entry(&mut range).await? {
            day.items.extend(AuditRun::of(&entry));
            if day.items.len() == limit || range.seen == MAX_SEEN {
                day.next_cursor = Some(key);
                break;
            }
        }
        Ok(Done::quiet(day))
    }

    /// Removes what has reached an age from the audit log.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn audit_purge(
        &self,
        env: &Environment,
        params: AuditPurgeParams,
    ) -> Result<Done<AuditPurged>> {
        let mut purged = AuditPurged {
            dry_run: params.dry_run.unwrap_or(false),
            ..AuditPurged::default()
        };
        let mut range = Range::new(None, None, None);
        let mut old = Vec::new();
        loop {
            let next = self.next_entry(&mut range).await?;
            let next = next.filter(|(_, entry)| env.now.since(entry.at) >= params.older_than.0);
            let ended = next.is_none();
            if let Some((key, _)) = next {
                purged.removed += 1;
                old.push(RecordChange {
                    kind: audit::entry::KIND.to_owned(),
                    key,
                    expect: Expect::Any,
                    record: None,
                });
            }
            if !purged.dry_run && (ended || old.len() == MAX_PAGE as usize) && !old.is_empty() {
                self.keep(std::mem::take(&mut old)).await?;
            }
            if ended {
                return Ok(Done::quiet(purged));
            }
            if purged.dry_run {
                old.clear();
            }
        }
    }

    /// The next entry of a range with its key; nothing at its end.
    pub(super) async fn next_entry(&self, range: &mut Range) -> Result<Option<(String, Entry)>> {
        if range.read.is_empty() && !range.ended {
            let scan = Scan {
                kind: audit::entry::KIND.to_owned(),
                after: range.after.take(),
                limit: MAX_PAGE,
            };
            let records = self.store.scan(&scan).await?;
            range.ended = records.len() < MAX_PAGE as usize;
            range.after = records.last().map(|last| last.key.clone());
            if range.after.is_some() && range.after <= scan.after {
                return Err(Error::StoreMisbehaved {
                    method: "scan".to_owned(),
                    problem: "the records do not come after those before".to_owned(),
                });
            }
            range.read = records.into();
        }
        let Some(record) = range.read.pop_front() else {
            return Ok(None);
        };
        let entry = Entry::read(&record)?;
        if range.before.is_some_and(|before| entry.at >= before) {
            range.ended = true;
            range.read.clear();
            return Ok(None);
        }
        range.seen += 1;
        Ok(Some((record.key, entry)))
    }
}

/// A walk over the entries of a time, in the order of their keys.
pub(super) struct Range {
    after: Option<String>,
    before: Option<Timestamp>,
    read: VecDeque<Record>,
    ended: bool,
    seen: usize,
}

impl Range {
    /// A walk that begins at a moment, or after the key that was a page's cursor.
    pub(super) fn new(
        from: Option<Timestamp>,
        before: Option<Timestamp>,
        cursor: Option<Text>,
    ) -> Self {
        // Keys begin with the time: what is of this very moment comes after it.
        let from = from.map(|from| from.to_string());
        Self {
            after: cursor.map(Text::into_string).max(from),
            before,
            read: VecDeque::new(),
            ended: false,
            seen: 0,
        }
    }
}
