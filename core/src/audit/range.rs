//! A walk over the entries of the audit log within a period, oldest first, page by page. Keys of entries
//! start with their time, so it reads only those of the period.

use std::collections::VecDeque;

use crate::error::{Cause, Error, Result};
use crate::store::{Record, Scan};
use crate::value::limits::MAX_PAGE;
use crate::value::text::Text;
use crate::value::time::Timestamp;
use crate::work::context::Context;

use super::entry::{Entry, KIND};

/// The time with which the cursor of a page, which is the key of an entry, begins.
///
/// # Errors
/// `INVALID_ARGUMENT` for a cursor that is no key.
pub(super) fn time_of(cursor: &str) -> Result<Timestamp> {
    let at = cursor.split_once('/').map(|(at, _)| Timestamp::parse(at));
    at.and_then(Result::ok)
        .ok_or_else(|| Error::invalid("cursor", "expected the `nextCursor` of a page"))
}

/// A walk over entries.
#[derive(Debug)]
pub struct Range {
    after: Option<String>,
    /// Where it ends.
    pub before: Option<Timestamp>,
    read: VecDeque<Record>,
    ended: bool,
    /// How many entries it has returned.
    pub count: usize,
}

impl Range {
    /// A walk that starts at a time, or after the key in a cursor.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for a cursor that is no key.
    pub fn new(
        from: Option<Timestamp>,
        before: Option<Timestamp>,
        cursor: Option<Text>,
    ) -> Result<Self> {
        if let Some(cursor) = &cursor {
            time_of(cursor.as_str())?;
        }
        // Keys begin with the time: what is of this very time comes after it.
        let from = from.map(|from| from.to_string());
        Ok(Self {
            after: cursor.map(Text::into_string).max(from),
            before,
            read: VecDeque::new(),
            ended: false,
            count: 0,
        })
    }

    /// The next entry with its key; `None` at the end.
    ///
    /// # Errors
    /// `STORE_MISBEHAVED` for a record that is no entry, and those of the store.
    pub async fn next(&mut self, context: &Context) -> Result<Option<(String, Entry)>> {
        if self.read.is_empty() && !self.ended {
            let records = page(context, self.after.take(), MAX_PAGE).await?;
            self.ended = records.len() < MAX_PAGE as usize;
            self.after = records.last().map(|last| last.key.clone());
            self.read = records.into();
        }
        let Some(record) = self.read.pop_front() else {
            return Ok(None);
        };
        let entry = Entry::read(&record)?;
        if self.before.is_some_and(|before| entry.at >= before) {
            self.ended = true;
            self.read.clear();
            return Ok(None);
        }
        self.count += 1;
        Ok(Some((record.key, entry)))
    }
}

/// The records of entries after a key, up to a limit, in the order of their keys.
pub(super) async fn page(
    context: &Context,
    after: Option<String>,
    limit: u32,
) -> Result<Vec<Record>> {
    let scan = Scan {
        kind: KIND.to_owned(),
        after,
        limit,
    };
    let records = context.scan(&scan).await?;
    let last = records.last().map(|last| &last.key);
    if last.is_some() && last <= scan.after.as_ref() {
        return Err(Cause::StoreMisbehaved {
            method: "scan".to_owned(),
            problem: "the records do not come after those before".to_owned(),
        }
        .into());
    }
    Ok(records)
}
